//! Conditions as control flow: the operands of `and` and `or` from left to right, each leaving as soon as the answer is known.

use tollgate_ir::entities::{Block, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::types::Type;
use tollgate_runtime::{Pattern as TextPattern, Value};

use super::func::{FnLower, Spine};
use crate::hir::{Capture, Expr, ExprKind};

impl FnLower<'_, '_, '_> {
    /// The body of a condition function: whether all operands of a spine hold.
    pub(super) fn spine(&mut self, operands: &[Expr]) {
        let skip = self.b.block(&[]);
        self.spine = Some(Spine { skip, deny: None });
        let last = operands.len().saturating_sub(1);
        for (i, operand) in operands.iter().enumerate() {
            if i == last && self.is_value(operand) {
                let holds = self.expr(operand, Type::BOOL);
                self.b.ret(holds);
            } else {
                self.test(operand, true, skip);
            }
        }
        if !self.b.is_ended() {
            let yes = self.b.bconst(true);
            self.b.ret(yes);
        }
        let deny = self.spine.take().and_then(|spine| spine.deny);
        for (block, answer) in [(Some(skip), false), (deny, true)] {
            if let Some(block) = block {
                self.b.switch_to(block);
                let answer = self.b.bconst(answer);
                self.b.ret(answer);
            }
        }
    }

    /// Where `?? deny` leaves to: a block of the condition, made when it is first needed.
    pub(super) fn deny(&mut self, spine: Spine) -> Block {
        if let Some(deny) = spine.deny {
            return deny;
        }
        let deny = self.b.block(&[]);
        self.spine = Some(Spine {
            deny: Some(deny),
            ..spine
        });
        deny
    }

    /// Goes on when a condition has the value `sense`, with what it binds if that is true; leaves to `fail` otherwise.
    pub(super) fn test(&mut self, expr: &Expr, sense: bool, fail: Block) {
        use ExprKind as E;
        match &expr.kind {
            E::Const(Value::Bool(value)) if *value == sense => {}
            E::Let(local, value) if sense => {
                let value = self.expr_alone(value);
                self.bind(*local, value);
            }
            E::Not(inner) => self.test(inner, !sense, fail),
            E::And(items) | E::Or(items) if !self.is_value(expr) => {
                // An `and` that must hold and an `or` that must not are alike: every operand must be as wanted.
                let all = matches!(expr.kind, E::And(_)) == sense;
                if all {
                    items.iter().for_each(|e| self.test(e, sense, fail));
                    return;
                }
                let enough = self.b.block(&[]);
                let mark = self.enter();
                for item in items {
                    self.test(item, !sense, enough);
                }
                self.b.jump(fail, &[]);
                self.leave(mark);
                self.b.switch_to(enough);
            }
            E::Is(subject, pattern) if !self.is_value(expr) => {
                let subject = self.expr_alone(subject);
                self.sided(sense, fail, |f, fail| {
                    f.pattern(pattern, subject, Some(fail));
                });
            }
            E::Matches(subject, pattern, captures) => {
                let subject = self.expr(subject, Type::STR);
                self.sided(sense, fail, |f, fail| {
                    f.matches(subject, pattern, captures, fail);
                });
            }
            _ => {
                let value = self.expr(expr, Type::BOOL);
                self.go_on_if(value, sense, fail);
            }
        }
    }

    /// A condition as a value.
    pub(super) fn condition_value(&mut self, expr: &Expr) -> Val {
        match &expr.kind {
            ExprKind::And(items) if self.is_value(expr) => {
                self.eager(items, |a, b| Inst::Band { a, b })
            }
            ExprKind::Or(items) if self.is_value(expr) => {
                self.eager(items, |a, b| Inst::Bor { a, b })
            }
            ExprKind::Is(subject, pattern) if self.is_value(expr) => {
                let subject = self.expr_alone(subject);
                match self.one_test(pattern, subject) {
                    Some(holds) => holds,
                    None => self.b.bconst(true),
                }
            }
            ExprKind::Matches(subject, pattern, captures) if captures.is_empty() => {
                let a = self.expr(subject, Type::STR);
                let pattern = self.b.pattern(pattern.clone());
                self.b.ins(Inst::Matches { a, pattern })
            }
            _ => {
                let (no, join) = (self.b.block(&[]), self.b.block(&[Type::BOOL]));
                let mark = self.enter();
                self.test(expr, true, no);
                for (block, answer) in [(None, true), (Some(no), false)] {
                    if let Some(block) = block {
                        self.b.switch_to(block);
                    }
                    let answer = self.b.bconst(answer);
                    self.b.jump(join, &[answer]);
                    self.leave(mark);
                }
                self.b.switch_to(join);
                self.b.block_params(join)[0]
            }
        }
    }

    /// Whether a condition is best computed as a value: it binds nothing and has no part worth leaving out.
    pub(super) fn is_value(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Const(_) => true,
            ExprKind::And(items) | ExprKind::Or(items) => {
                items.len() <= 8 && self.is_cheap(&items.iter().collect::<Vec<_>>())
            }
            ExprKind::Not(inner) => self.is_value(inner),
            ExprKind::Is(_, pattern) => FnLower::is_one_test(pattern),
            ExprKind::Matches(_, _, captures) => captures.is_empty(),
            ExprKind::Let(..) => false,
            _ => true,
        }
    }

    fn eager(&mut self, items: &[Expr], join: impl Fn(Val, Val) -> Inst) -> Val {
        let mut items = items.iter();
        let Some(first) = items.next() else {
            // The checker makes none without operands.
            return self.b.bconst(true);
        };
        let mut all = self.expr(first, Type::BOOL);
        for item in items {
            let item = self.expr(item, Type::BOOL);
            all = self.b.ins(join(all, item));
        }
        all
    }

    /// A test that falls through when it holds, made to fall through when it does not if `sense` is false.
    fn sided(&mut self, sense: bool, fail: Block, test: impl FnOnce(&mut Self, Block)) {
        if sense {
            return test(self, fail);
        }
        let go_on = self.b.block(&[]);
        let mark = self.enter();
        test(self, go_on);
        self.b.jump(fail, &[]);
        self.leave(mark);
        self.b.switch_to(go_on);
    }

    fn matches(&mut self, subject: Val, pattern: &TextPattern, captures: &[Capture], fail: Block) {
        let pattern = self.b.pattern(pattern.clone());
        let holds = self.b.ins(Inst::Matches {
            a: subject,
            pattern,
        });
        self.go_on_if(holds, true, fail);
        for capture in captures {
            let taken = self.capture(subject, pattern, capture);
            if let Some(refined) = capture.refined {
                let regex = self.cx.program.refinements[refined].regex.clone();
                let pattern = self.b.pattern(TextPattern::Regex(regex));
                let holds = self.b.ins(Inst::Matches { a: taken, pattern });
                self.go_on_if(holds, true, fail);
            }
            self.bind(capture.local, taken);
        }
    }
}
