//! What stands inside bodies: expressions, conditions and patterns.
//!
//! Types flow both ways. [`Body::infer`] gives an expression its own type and uses the expected one only as a
//! *hint*: for literals, variants and empty collections, which have no type of their own. [`Body::expr`] then makes the value *fit* what was
//! expected (`fit.rs`), which is the only place where a value can be refused for its type, interval or length.
//!
//! Bindings and narrowings live in scopes. An expression closes its scope; only the operands of `and`, the condition of an `if`
//! and the spine keep theirs open ([`Body::holds`]).

mod arguments;
mod builtin;
mod call;
mod constant;
pub(crate) mod coverage;
mod facts;
mod fit;
mod interval;
mod key;
mod literal;
mod matches;
mod names;
mod operator;
mod optional;
mod pattern;
mod quantifier;
mod simplest;
mod state;
#[cfg(test)]
mod tests;

use tollgate_grammar::ast;
use tollgate_grammar::source::Span;
use tollgate_runtime::Value;

pub(crate) use literal::billionths;

use super::{Body, Place};
use crate::diagnostics::catalog::types as catalog;
use crate::hir::{Expr, ExprKind};
use crate::types::ty::{Ty, Unit};

/// Whether `?? skip` and `?? deny` may stand at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// In an operand of the spine, outside everything that may not be evaluated.
    Spine,
    /// Under `not` on the spine: states may be asked, but nothing is skipped or denied.
    Negated,
    /// Not here: the reason, such as "under `or`".
    No(&'static str),
}

impl Expr {
    pub(super) fn new(kind: ExprKind, ty: Ty, span: Span) -> Expr {
        Expr { kind, ty, span }
    }

    /// What stands for an expression that was reported.
    pub(crate) fn error(span: Span) -> Expr {
        Expr::new(ExprKind::Error, Ty::Error, span)
    }

    pub(crate) fn constant(value: Value, ty: Ty, span: Span) -> Expr {
        Expr::new(ExprKind::Const(value), ty, span)
    }

    /// The value of a constant.
    pub(super) fn value(&self) -> Option<&Value> {
        if let ExprKind::Const(value) = &self.kind {
            Some(value)
        } else {
            None
        }
    }
}

impl Body<'_, '_> {
    /// Checks an expression. Where a type is expected, the result fits it; whatever was wrong has been reported.
    pub(crate) fn expr(&mut self, e: &ast::Expr, expected: Option<&Ty>) -> Expr {
        let value = self.infer(e, expected);
        match expected {
            Some(to) => self.fit(value, to),
            None => value,
        }
    }

    /// The operands of the outermost `and` of a condition, in order, as the spine of a rule. Bindings and narrowings
    /// stay visible for the rest of the rule; the caller ends their scope.
    pub(crate) fn spine(&mut self, e: &ast::Expr) -> Vec<Expr> {
        let answers = match self.place {
            Place::Rule | Place::Denial | Place::Group => Answers::Spine,
            Place::Value | Place::Test => Answers::No("outside the condition of a rule"),
        };
        let outer = std::mem::replace(&mut self.answers, answers);
        let mut operands = Vec::new();
        self.operands_of_and(e, &mut operands);
        self.answers = outer;
        operands
    }

    /// A condition that is not the spine of a rule. Its bindings stay visible; the caller ends their scope.
    pub(crate) fn condition(&mut self, e: &ast::Expr) -> Expr {
        self.holds(e)
    }

    /// A condition in a place where what it binds is seen behind it.
    fn holds(&mut self, e: &ast::Expr) -> Expr {
        let value = match &e.kind {
            ast::ExprKind::Let(l) => {
                let value = self.infer(&l.value, None);
                let local = self.bind_new(&l.name, value.ty.clone());
                Expr::new(ExprKind::Let(local, Box::new(value)), Ty::Bool, e.span)
            }
            ast::ExprKind::And(_) => self.without_answers("under an inner `and`", |b| {
                let mut operands = Vec::new();
                b.operands_of_and(e, &mut operands);
                Expr::new(ExprKind::And(operands), Ty::Bool, e.span)
            }),
            _ => {
                let value = self.infer_open(e, Some(&Ty::Bool));
                self.truth(value)
            }
        };
        self.assume(&value, true);
        value
    }

    /// `(a and b) and c` has the operands `a`, `b`, `c`.
    fn operands_of_and(&mut self, e: &ast::Expr, operands: &mut Vec<Expr>) {
        if let ast::ExprKind::And(parts) = &e.kind {
            for part in parts {
                self.operands_of_and(part, operands);
            }
        } else {
            let operand = self.holds(e);
            operands.push(operand);
        }
    }

    /// Gives an expression its own type. What it binds is not seen behind it.
    fn infer(&mut self, e: &ast::Expr, hint: Option<&Ty>) -> Expr {
        let scope = self.enter();
        let value = self.infer_open(e, hint);
        self.leave(scope);
        value
    }

    fn infer_open(&mut self, e: &ast::Expr, hint: Option<&Ty>) -> Expr {
        let span = e.span;
        match &e.kind {
            ast::ExprKind::Literal(literal) => self.literal(literal, span, hint),
            ast::ExprKind::None => Expr::constant(Value::None, Ty::None, span),
            ast::ExprKind::Name(name) => self.name(name, span, hint),
            ast::ExprKind::Field(access) => self.field(access, span),
            ast::ExprKind::Index(index) => self.index(index, span),
            ast::ExprKind::Call(call) => self.call(call, span, hint),
            ast::ExprKind::Unary(ast::UnaryOp::Not, operand) => self.not(operand, span),
            ast::ExprKind::Unary(ast::UnaryOp::Neg, operand) => self.negate(operand, span, hint),
            ast::ExprKind::Binary(binary) => self.binary(binary, span, hint),
            ast::ExprKind::And(_) => self.holds(e),
            ast::ExprKind::Or(parts) => self.or(parts, span),
            ast::ExprKind::Is(is) => self.is(is, span),
            ast::ExprKind::Answer(answer) => self.answer(answer, span, hint),
            ast::ExprKind::If(parts) => self.if_then_else(parts, span, hint),
            ast::ExprKind::Match(parts) => self.match_(parts, span, hint),
            ast::ExprKind::Let(l) => {
                self.infer(&l.value, None);
                let misplaced = catalog::let_placement(&l.name);
                self.checker.sink.emit(misplaced.at(
                    span,
                    "stands for nothing here: a `let` is an operand of `and` in a condition",
                ));
                Expr::error(span)
            }
            ast::ExprKind::Quantifier(quantifier) => self.quantifier(quantifier, span, hint),
            ast::ExprKind::Range(range) => {
                let found = catalog::not_a_value("..", "a range");
                self.refuse(found.at(range.span, "a range stands right of `in`"), span)
            }
            ast::ExprKind::List(parts) => self.list(parts, span, hint),
            ast::ExprKind::Set(parts) => self.set(parts, span, hint),
            ast::ExprKind::Map(entries) => self.map(entries, span, hint),
            ast::ExprKind::Error => Expr::error(span),
        }
    }

    fn or(&mut self, parts: &[ast::Expr], span: Span) -> Expr {
        let scope = self.enter();
        let mut operands = Vec::with_capacity(parts.len());
        for part in parts {
            // The operand's bindings end with it; what its failure proves holds for those to its right.
            let inner = self.enter();
            let operand = self.without_answers("under `or`", |b| b.holds(part));
            self.leave(inner);
            self.assume(&operand, false);
            operands.push(operand);
        }
        self.leave(scope);
        Expr::new(ExprKind::Or(operands), Ty::Bool, span)
    }

    fn not(&mut self, operand: &ast::Expr, span: Span) -> Expr {
        let scope = self.enter();
        let outer = self.answers;
        if outer == Answers::Spine {
            self.answers = Answers::Negated;
        }
        let inner = self.holds(operand);
        self.answers = outer;
        self.leave(scope);
        Expr::new(ExprKind::Not(Box::new(inner)), Ty::Bool, span)
    }

    /// `a implies b` is `not a or b`; what `a` binds is seen in `b`.
    fn implies(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let scope = self.enter();
        let (left, right) =
            self.without_answers("under `implies`", |b| (b.holds(left), b.holds(right)));
        self.leave(scope);
        let never = Expr::constant(Value::Bool(true), Ty::Bool, span);
        let kind = ExprKind::If(Box::new(left), Box::new(right), Box::new(never));
        Expr::new(kind, Ty::Bool, span)
    }

    fn if_then_else(&mut self, parts: &ast::If, span: Span, hint: Option<&Ty>) -> Expr {
        self.without_answers("under `if`", |b| {
            let scope = b.enter();
            let condition = b.holds(&parts.condition);
            let then = b.infer(&parts.then, hint);
            b.leave(scope);
            b.assume(&condition, false);
            // A literal in one branch may take its type from the other.
            let otherwise = b.infer(&parts.otherwise, hint.or(Some(&then.ty)));
            b.leave(scope);
            let mut branches = vec![then, otherwise];
            let ty = b.join("branches of this `if`", &mut branches, hint);
            let (otherwise, then) = (branches.pop(), branches.pop());
            match (then, otherwise) {
                (Some(then), Some(otherwise)) if !ty.is_error() => {
                    let (then, otherwise) = (Box::new(then), Box::new(otherwise));
                    Expr::new(ExprKind::If(Box::new(condition), then, otherwise), ty, span)
                }
                _ => Expr::error(span),
            }
        })
    }

    /// Runs `inside` where `skip` and `deny` may not stand.
    fn without_answers<R>(&mut self, why: &'static str, inside: impl FnOnce(&mut Self) -> R) -> R {
        let outer = self.answers;
        self.answers = match outer {
            Answers::Spine | Answers::Negated => Answers::No(why),
            no => no,
        };
        let result = inside(self);
        self.answers = outer;
        result
    }

    /// A value that decides something must be a `Bool`.
    fn truth(&mut self, value: Expr) -> Expr {
        if matches!(value.ty, Ty::Bool | Ty::Error) {
            return value;
        }
        if value.ty.is_optional() {
            return self.missing_answer(&value, "a condition is true or false");
        }
        let shown = self.show(&value.ty);
        let span = value.span;
        let mut found = catalog::not_a_condition(&shown).at(span, format!("this is `{shown}`"));
        let text = self.text_of(span);
        found = match value.ty {
            Ty::Values { .. } => {
                found.suggest("whether there is one", span, format!("{text}.present"))
            }
            Ty::Str { .. } => {
                found.suggest("whether it is not empty", span, format!("{text} != \"\""))
            }
            Ty::List(..) | Ty::Set(..) | Ty::Map(..) => {
                found.suggest("whether it is not empty", span, format!("len({text}) > 0"))
            }
            Ty::Num(Unit::One, _) => {
                found.suggest("whether it is not zero", span, format!("{text} != 0"))
            }
            _ => found.help("compare it with something"),
        };
        self.checker.sink.emit(found);
        Expr::error(span)
    }

    /// A type as the author writes it.
    fn show(&self, ty: &Ty) -> String {
        // What holds one value only is a literal, and its value stands there to be read.
        let ty = match ty {
            Ty::Num(unit, one) if one.lo == one.hi => Ty::full(*unit),
            ty => ty.clone(),
        };
        ty.show(&self.checker.program).to_string()
    }

    /// What was written at a place.
    fn text_of(&self, span: Span) -> String {
        self.checker.sources.slice(span).to_owned()
    }
}
