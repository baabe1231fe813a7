//! What may be absent: `??`, `.present`, and fields of optional records.

use tollgate_ir::bug;
use tollgate_ir::entities::{Block, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::types::{Type, TypeData};

use super::func::FnLower;
use crate::hir::{Expr, ExprKind};

impl FnLower<'_, '_, '_> {
    /// `a ?? b`, where `b` may itself be optional.
    pub(super) fn or_else(&mut self, a: &Expr, b: &Expr, want: Type) -> Val {
        if self.is_cheap(&[b]) && !matches!(a.kind, ExprKind::OptField(..)) {
            let a = self.expr_alone(a);
            if !self.is_optional_val(a) {
                return a;
            }
            let ty = self.b.ty(a);
            let want = match self.kind(ty) {
                TypeData::Opt(of) if !b.ty.is_optional() => of,
                _ => ty,
            };
            let b = self.expr(b, want);
            return self.b.ins(Inst::UnwrapOr { a, b });
        }
        let (absent, join) = (self.b.block(&[]), self.b.block(&[want]));
        let mark = self.enter();
        let value = self.present(a, absent);
        let value = self.fit(value, want);
        self.b.jump(join, &[value]);
        self.leave(mark);
        self.b.switch_to(absent);
        let value = self.expr(b, want);
        self.b.jump(join, &[value]);
        self.leave(mark);
        self.b.switch_to(join);
        self.b.block_params(join)[0]
    }

    pub(super) fn optional_field(&mut self, expr: &Expr, want: Type) -> Val {
        let ty = self.optional(want);
        let (absent, join) = (self.b.block(&[]), self.b.block(&[ty]));
        let mark = self.enter();
        let ExprKind::OptField(record, index) = &expr.kind else {
            bug!("only a field of an optional is taken so");
        };
        let record = self.present(record, absent);
        let value = self.b.field(record, *index as usize);
        let value = self.fit(value, ty);
        self.b.jump(join, &[value]);
        self.leave(mark);
        self.b.switch_to(absent);
        let none = self.b.ins(Inst::None { ty });
        self.b.jump(join, &[none]);
        self.b.switch_to(join);
        self.b.block_params(join)[0]
    }

    pub(super) fn is_some(&mut self, a: &Expr) -> Val {
        if !matches!(a.kind, ExprKind::OptField(..)) {
            let a = self.expr_alone(a);
            return self.b.ins(Inst::IsSome { a });
        }
        let (absent, join) = (self.b.block(&[]), self.b.block(&[Type::BOOL]));
        let mark = self.enter();
        self.present(a, absent);
        let value = self.b.bconst(true);
        self.b.jump(join, &[value]);
        self.leave(mark);
        self.b.switch_to(absent);
        let value = self.b.bconst(false);
        self.b.jump(join, &[value]);
        self.b.switch_to(join);
        self.b.block_params(join)[0]
    }

    /// What an optional holds; leaves to `absent` if it holds nothing. Fields of optionals are followed step by step.
    pub(super) fn present(&mut self, expr: &Expr, absent: Block) -> Val {
        let val = match &expr.kind {
            ExprKind::OptField(record, index) => {
                let record = self.present(record, absent);
                self.b.field(record, *index as usize)
            }
            ExprKind::Some(inner) => return self.expr_alone(inner),
            _ => self.expr_alone(expr),
        };
        if !self.is_optional_val(val) {
            return val;
        }
        let there = self.b.ins(Inst::IsSome { a: val });
        self.go_on_if(there, true, absent);
        self.b.ins(Inst::Unwrap { a: val })
    }

    /// What an optional holds that is known to hold something.
    pub(super) fn assume_present(&mut self, expr: &Expr) -> Val {
        let val = match &expr.kind {
            ExprKind::OptField(record, index) => {
                let record = self.assume_present(record);
                self.b.field(record, *index as usize)
            }
            ExprKind::Some(inner) => return self.expr_alone(inner),
            _ => self.expr_alone(expr),
        };
        if !self.is_optional_val(val) {
            return val;
        }
        self.b.ins(Inst::Unwrap { a: val })
    }

    fn is_optional_val(&mut self, val: Val) -> bool {
        let ty = self.b.ty(val);
        self.is_optional(ty)
    }
}
