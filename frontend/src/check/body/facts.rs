//! What a comparison proves: the narrower interval of a local, or of a field path of one.

use tollgate_ir::operand::Cc;

use super::super::{Body, Narrowed};
use super::interval;
use crate::hir::{CmpKind, Expr, ExprKind};
use crate::types::ty::{Interval, Ty};

impl Body<'_, '_> {
    /// Notes what is known from here on, in this scope, because `condition` holds (or does not).
    pub(super) fn assume(&mut self, condition: &Expr, holds: bool) {
        match (&condition.kind, holds) {
            (ExprKind::Compare(CmpKind::Int, cc, a, b), _) => {
                let cc = if holds { *cc } else { cc.negate() };
                self.note(a, cc, b.ty.interval());
                self.note(b, cc.swap(), a.ty.interval());
            }
            (ExprKind::InRange(value, lo, hi), true) => {
                self.note(value, Cc::Ge, lo.ty.interval());
                self.note(value, Cc::Le, hi.ty.interval());
            }
            (ExprKind::Not(inner), _) => self.assume(inner, !holds),
            (ExprKind::And(parts), true) | (ExprKind::Or(parts), false) => {
                for part in parts {
                    self.assume(part, holds);
                }
            }
            _ => {}
        }
    }

    fn note(&mut self, value: &Expr, cc: Cc, other: Option<Interval>) {
        let (Some(path), Some(other), Ty::Num(unit, own)) = (path(value), other, &value.ty) else {
            return;
        };
        // A local may already be narrower than when the comparison was checked.
        let own = match self.known(&path) {
            Some(Ty::Num(_, known)) => known.meet(*own).unwrap_or(*own),
            _ => *own,
        };
        if let Some(kept) = interval::narrow(own, cc, other)
            && kept != own
        {
            self.narrowed.push((path, Ty::Num(*unit, kept)));
        }
    }

    /// The narrowest type proved of a path.
    fn known(&self, path: &Narrowed) -> Option<&Ty> {
        let found = self.narrowed.iter().rev().find(|(p, _)| p == path);
        found.map(|(_, ty)| ty)
    }

    /// A local or field with the type that was proved of it to the left.
    pub(super) fn narrowed(&self, mut value: Expr) -> Expr {
        if !self.narrowed.is_empty()
            && matches!(value.ty, Ty::Num(..))
            && let Some(path) = path(&value)
            && let Some(ty) = self.known(&path)
        {
            value.ty = ty.clone();
        }
        value
    }
}

/// The path that an expression is, if it is one.
fn path(e: &Expr) -> Option<Narrowed> {
    match &e.kind {
        ExprKind::Local(local) => Some(Narrowed {
            local: *local,
            fields: Vec::new(),
        }),
        ExprKind::Field(base, index) => {
            let mut path = path(base)?;
            path.fields.push(*index);
            Some(path)
        }
        _ => None,
    }
}
