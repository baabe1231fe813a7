//! Quantifiers: a function of the element, and one instruction that applies it along the sequence.

use tollgate_ir::bug;
use tollgate_ir::entities::{FuncId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::operand::{Cc, Imm};
use tollgate_ir::types::Type;

use super::func::FnLower;
use super::walk::free_locals;
use crate::hir::{Expr, LocalId, Quantifier};
use crate::types::ty::Ty;

impl FnLower<'_, '_, '_> {
    /// The value of a quantifier.
    pub(super) fn quantify(
        &mut self,
        quantifier: Quantifier,
        local: LocalId,
        over: &Expr,
        filter: Option<&Expr>,
        value: Option<&Expr>,
    ) -> Val {
        let Some(max) = bound(&over.ty) else {
            return self.of_nothing(quantifier, value);
        };
        let seq = self.expr_alone(over);
        match (quantifier, filter) {
            (Quantifier::Any, Some(filter)) => self.any(seq, max, local, filter, true),
            (Quantifier::No, Some(filter)) => {
                let a = self.any(seq, max, local, filter, true);
                self.b.ins(Inst::Bnot { a })
            }
            (Quantifier::All, Some(filter)) => {
                let a = self.any(seq, max, local, filter, false);
                self.b.ins(Inst::Bnot { a })
            }
            (Quantifier::Only, Some(filter)) => {
                let some = self.length(seq, Cc::Gt);
                let a = self.any(seq, max, local, filter, false);
                let all = self.b.ins(Inst::Bnot { a });
                self.b.ins(Inst::Band { a: some, b: all })
            }
            (Quantifier::Any | Quantifier::Only, None) => self.length(seq, Cc::Gt),
            (Quantifier::No, None) => self.length(seq, Cc::Eq),
            (Quantifier::All, None) => self.b.bconst(true),
            (Quantifier::Count, None) => self.b.ins(Inst::Len { a: seq }),
            (Quantifier::Count, Some(_)) => self.fold(seq, max, local, filter, None),
            (Quantifier::Sum, _) => self.fold(seq, max, local, filter, value),
        }
    }

    /// What a quantifier says of `[]`.
    fn of_nothing(&mut self, quantifier: Quantifier, value: Option<&Expr>) -> Val {
        match quantifier {
            Quantifier::Any | Quantifier::Only => self.b.bconst(false),
            Quantifier::All | Quantifier::No => self.b.bconst(true),
            Quantifier::Sum if matches!(value.map(|v| &v.ty), Some(Ty::Float)) => {
                self.b.fconst(0.0)
            }
            Quantifier::Count | Quantifier::Sum => self.b.iconst(0),
        }
    }

    /// Compares the length with zero.
    fn length(&mut self, seq: Val, cc: Cc) -> Val {
        let len = self.b.ins(Inst::Len { a: seq });
        let zero = self.b.iconst(0);
        self.b.icmp(cc, len, zero)
    }

    /// Whether the filter has the value `sense` for some element.
    fn any(&mut self, a: Val, max: Imm, local: LocalId, filter: &Expr, sense: bool) -> Val {
        let free = self.captured(local, &[filter]);
        let params: Vec<LocalId> = [local].into_iter().chain(free.iter().copied()).collect();
        let name = format!("{}.any", self.owner.name);
        let func = self.cx.build(
            self.b.module(),
            self.owner,
            name,
            &params,
            Type::BOOL,
            |f| {
                let mut holds = f.expr(filter, Type::BOOL);
                if !sense {
                    holds = f.b.ins(Inst::Bnot { a: holds });
                }
                f.b.ret(holds);
            },
        );
        let captured: Vec<Val> = free.iter().map(|l| self.local(*l)).collect();
        self.b.ins(Inst::Any {
            a,
            func,
            max,
            captured: captured.into(),
        })
    }

    /// The sum of `value` (one, for a count) over the elements that the filter takes.
    fn fold(
        &mut self,
        a: Val,
        max: Imm,
        local: LocalId,
        filter: Option<&Expr>,
        value: Option<&Expr>,
    ) -> Val {
        let exprs: Vec<&Expr> = filter.into_iter().chain(value).collect();
        let free = self.captured(local, &exprs);
        let result = match value.map(|v| &v.ty) {
            Some(Ty::Float) => Type::FLOAT,
            _ => Type::INT,
        };
        let func = self.accumulator(local, &free, filter, value, result);
        let init = match result {
            Type::FLOAT => self.b.fconst(0.0),
            _ => self.b.iconst(0),
        };
        let captured: Vec<Val> = free.iter().map(|l| self.local(*l)).collect();
        self.b.ins(Inst::Fold {
            a,
            init,
            func,
            max,
            captured: captured.into(),
        })
    }

    fn accumulator(
        &mut self,
        local: LocalId,
        free: &[LocalId],
        filter: Option<&Expr>,
        value: Option<&Expr>,
        result: Type,
    ) -> FuncId {
        let locals: Vec<LocalId> = [local].into_iter().chain(free.iter().copied()).collect();
        let mut types = vec![result];
        for local in &locals {
            types.push(self.ty(&self.owner.locals[*local].ty));
        }
        let name = format!("{}.fold", self.owner.name);
        let module = self.b.module();
        self.cx
            .build_raw(module, self.owner, name, &types, result, |f| {
                let so_far = f.b.params()[0];
                for (i, local) in locals.iter().enumerate() {
                    let val = f.b.params()[i + 1];
                    f.bind(*local, val);
                }
                let skip = f.b.block(&[]);
                if let Some(filter) = filter {
                    f.test(filter, true, skip);
                }
                let more = match value {
                    Some(value) => f.expr(value, result),
                    None => f.b.iconst(1),
                };
                let sum = f.b.ins(match result {
                    Type::FLOAT => Inst::Fadd { a: so_far, b: more },
                    _ => Inst::Iadd { a: so_far, b: more },
                });
                f.b.ret(sum);
                f.b.switch_to(skip);
                f.b.ret(so_far);
            })
    }

    /// What the element's function needs from around it, in the order of its use.
    fn captured(&self, local: LocalId, exprs: &[&Expr]) -> Vec<LocalId> {
        let mut free = free_locals(exprs.iter().copied());
        free.retain(|l| *l != local);
        free
    }
}

/// The most elements a sequence can have; nothing for `[]` itself.
fn bound(ty: &Ty) -> Option<Imm> {
    match ty {
        Ty::List(_, max) | Ty::Set(_, max) | Ty::Values { max } => Some(Imm((*max).into())),
        Ty::Empty => None,
        _ => bug!("only a list, a set or values are quantified over"),
    }
}
