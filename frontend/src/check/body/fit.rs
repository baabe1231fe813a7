//! Making a value fit what is expected of it, and finding what several values have in common.

use tollgate_grammar::source::Span;
use tollgate_runtime::Value;

use super::super::Body;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::catalog::{numbers, types as catalog};
use crate::hir::{Expr, ExprKind};
use crate::types::literal;
use crate::types::ty::{Ty, Unit};

impl Body<'_, '_> {
    /// The value as one of type `to`; reports why it cannot be one.
    pub(crate) fn fit(&mut self, mut value: Expr, to: &Ty) -> Expr {
        if value.ty.is_error() || to.is_error() {
            return value;
        }
        if value.ty.fits(to) {
            // `none` and `[]` have no type of their own.
            if matches!(value.ty, Ty::None | Ty::Empty) {
                value.ty = to.clone();
            }
            return value;
        }
        match (&value.ty, to) {
            (from, Ty::Opt(of)) if !from.is_optional() => {
                let inner = self.fit(value, of);
                present(inner)
            }
            (Ty::Opt(from), Ty::Opt(of)) => {
                let problem = self.mismatch(from.present(), of, value.span);
                self.refuse(problem, value.span)
            }
            (Ty::Opt(_) | Ty::None, _) => {
                let shown = self.show(to);
                self.missing_answer(&value, &format!("`{shown}` is wanted here"))
            }
            (from, to) => {
                let problem = self.mismatch(from, to, value.span);
                self.refuse(problem, value.span)
            }
        }
    }

    /// The type that all values have in common; each value is made one of it.
    pub(super) fn join(&mut self, what: &str, values: &mut [Expr], hint: Option<&Ty>) -> Ty {
        let mut ty: Option<Ty> = None;
        for i in 0..values.len() {
            let next = match &ty {
                None => Some(values[i].ty.clone()),
                Some(ty) => ty.join(&values[i].ty),
            };
            let Some(next) = next else {
                let so_far = ty.unwrap_or(Ty::Error);
                // The first value that is not simply absent shows where the type came from.
                let first = values
                    .iter()
                    .find(|v| !matches!(v.ty, Ty::None | Ty::Empty))
                    .map_or(values[i].span, |v| v.span);
                let (a, b) = (self.show(&so_far), self.show(&values[i].ty));
                self.checker.sink.emit(
                    catalog::different_types(what)
                        .at(values[i].span, format!("this is `{b}`"))
                        .at(first, format!("this is `{a}`")),
                );
                return Ty::Error;
            };
            ty = Some(next);
        }
        let mut ty = ty.unwrap_or(Ty::Error);
        // Where only `none` or `[]` are found, the expectation says of what.
        if let (Ty::None | Ty::Empty, Some(hint)) = (&ty, hint)
            && ty.fits(hint)
        {
            ty = hint.clone();
        }
        for value in values {
            let taken = std::mem::replace(value, Expr::error(value.span));
            *value = self.fit(taken, &ty);
        }
        ty
    }

    /// Reports, and gives what stands for the value.
    pub(super) fn refuse(&mut self, problem: Diagnostic, span: Span) -> Expr {
        self.checker.sink.emit(problem);
        Expr::error(span)
    }

    /// Why a value of type `from` is none of type `to`.
    fn mismatch(&self, from: &Ty, to: &Ty, span: Span) -> Diagnostic {
        let text = self.text_of(span);
        let (shown_from, shown_to) = (self.show(from), self.show(to));
        match (from, to) {
            (Ty::Num(unit, a), Ty::Num(other, b)) if unit == other => {
                let ((lo, hi), show) = ((a.lo, a.hi), |v| literal(*unit, v));
                let may = if lo == hi {
                    format!("this is {}", show(lo))
                } else {
                    format!("this can be anything in {} .. {}", show(lo), show(hi))
                };
                let found = numbers::may_not_fit(&shown_to)
                    .at(span, format!("{may}; only {} .. {} fits", show(b.lo), show(b.hi)));
                if lo == hi {
                    return found.help("write a value in the range");
                }
                let (lo, hi) = (show(b.lo), show(b.hi));
                found
                    .suggest("keep it within the range", span, format!("clamp({text}, {lo}, {hi})"))
                    .help("or let the operation itself stop at the bounds: `+|`, `-|`, `*|`")
                    .help("or prove it: compare it in the condition to the left, or give its parts narrower types")
            }
            (Ty::Str { .. }, Ty::Str { refined: Some(_), .. }) => catalog::unchecked_text(&shown_to)
                .at(span, format!("this is `{shown_from}`, not yet a `{shown_to}`"))
                .help(format!(
                    "`{shown_to}({text})` checks it and is `{shown_to}?`: answer its absence, as in `{shown_to}({text}) ?? …`"
                )),
            (Ty::Str { max: a, .. }, Ty::Str { max: b, .. }) => catalog::text_too_long(b)
                .at(span, format!("this can have {a} bytes"))
                .suggest("cut it", span, format!("truncate({text}, {b})")),
            (Ty::List(_, a) | Ty::Set(_, a) | Ty::Map(_, _, a) | Ty::Values { max: a }, _)
                if bound(to).is_some_and(|b| *a > b) && same_shape(from, to) =>
            {
                catalog::too_many_elements(bound(to).unwrap_or(0))
                    .at(span, format!("this can have {a} elements"))
                    .help("give its type a smaller bound, or the expected one a greater")
            }
            _ => {
                let found = catalog::type_mismatch(&shown_to, &shown_from).at(span, format!("this is `{shown_from}`"));
                self.advise(found, from, to, &text, span)
            }
        }
    }

    /// What helps with common confusions.
    fn advise(&self, found: Diagnostic, from: &Ty, to: &Ty, text: &str, span: Span) -> Diagnostic {
        match (from, to) {
            (Ty::Num(Unit::One, _), Ty::Float) => {
                found.suggest("convert it", span, format!("to_float({text})"))
            }
            (Ty::Num(Unit::Percent, _), Ty::Num(Unit::One, _)) => {
                found.suggest("round it", span, format!("round({text})"))
            }
            (Ty::Num(Unit::One, _), Ty::Num(unit, _)) => found.help(format!(
                "a number of another unit says so: `{}`",
                literal(*unit, 5_000_000)
            )),
            (Ty::Str { .. }, Ty::Path) => {
                found.help("a path is built from typed parts only: `p\"/v3/{name}\"`")
            }
            (Ty::Values { .. }, Ty::Str { .. }) => found.suggest(
                "the value, if there is exactly one",
                span,
                format!("({text}.single ?? \"\")"),
            ),
            _ => found,
        }
    }
}

/// A `T` as a `T?`.
pub(super) fn present(value: Expr) -> Expr {
    let (span, ty) = (value.span, Ty::opt(value.ty.clone()));
    match value.kind {
        // An optional constant is the constant itself, or none.
        ExprKind::Const(constant) => Expr::new(ExprKind::Const(constant), ty, span),
        ExprKind::Error => value,
        _ => Expr::new(ExprKind::Some(Box::new(value)), ty, span),
    }
}

/// The constant elements of a sequence, when all are constant.
pub(super) fn constants(parts: &[Expr]) -> Option<Vec<Value>> {
    parts.iter().map(|p| p.value().cloned()).collect()
}

fn bound(ty: &Ty) -> Option<u32> {
    match ty {
        Ty::List(_, n) | Ty::Set(_, n) | Ty::Map(_, _, n) | Ty::Values { max: n } => Some(*n),
        _ => None,
    }
}

/// Whether only the bound stands between the types.
fn same_shape(from: &Ty, to: &Ty) -> bool {
    match (from, to) {
        (Ty::List(a, _), Ty::List(b, _)) | (Ty::Set(a, _), Ty::Set(b, _)) => a.fits(b),
        (Ty::Map(j, a, _), Ty::Map(k, b, _)) => j.fits(k) && a.fits(b),
        (Ty::Values { .. }, Ty::Values { .. }) => true,
        _ => false,
    }
}
