//! Expressions, patterns and types.

use super::doc::Flat;
use super::lists::{Brackets, Overflow};
use super::writer::{INDENT, Writer};
use crate::ast::*;
use crate::token::TokenKind;

/// Where the operators of a chain of `and` or `or` stand when it takes several lines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Chain {
    /// Left of the first operand, so that all operands stand below each other: behind `when` or `(`.
    Hanging,
    /// Below the first operand.
    Flush,
}

impl Writer<'_> {
    // ------------------------------------------------------------------------------------- expressions

    /// Writes an expression.
    pub(super) fn expr(&mut self, expr: &Expr) {
        self.expr_in(expr, Chain::Flush);
    }

    /// Writes an expression behind a keyword such as `when`.
    pub(super) fn condition(&mut self, expr: &Expr) {
        self.expr_in(expr, Chain::Hanging);
    }

    /// Writes what stands behind `=` or `=>`: on the same line, on the next one, or with its brackets open at the end of this one.
    /// A call that its author put on the next line stays there.
    pub(super) fn value_behind_sign(&mut self, expr: &Expr) {
        self.trailing();
        let is_call = matches!(expr.kind, ExprKind::Call(_));
        if has_brackets(expr) && !(is_call && self.is_fresh()) {
            self.blank();
            self.expr(expr);
        } else {
            self.group(|w| {
                w.indented(|w| {
                    w.line(Flat::Blanks(1));
                    w.expr(expr);
                });
            });
        }
    }

    fn expr_in(&mut self, expr: &Expr, chain: Chain) {
        match self.parentheses(expr.span.end) {
            0 => self.bare(expr, chain),
            // One pair is the author's, a second says nothing.
            layers => {
                self.token();
                (1..layers).for_each(|_| self.skip());
                self.bare(expr, Chain::Hanging);
                (1..layers).for_each(|_| self.skip());
                self.token();
            }
        }
    }

    fn bare(&mut self, expr: &Expr, chain: Chain) {
        match &expr.kind {
            ExprKind::Literal(_) => self.literal(),
            ExprKind::None | ExprKind::Name(_) => self.token(),
            ExprKind::Field(access) => {
                self.expr(&access.base);
                self.tight(2);
            }
            ExprKind::Index(index) => {
                self.expr(&index.base);
                self.token();
                self.expr(&index.index);
                self.token();
            }
            ExprKind::Call(call) => {
                if let Some(receiver) = &call.receiver {
                    self.expr(receiver);
                    self.token();
                }
                self.token();
                self.args(&call.args);
            }
            ExprKind::Unary(UnaryOp::Neg, operand) => {
                self.minus();
                self.expr(operand);
            }
            ExprKind::Unary(UnaryOp::Not, operand) => {
                self.token();
                self.blank();
                self.expr(operand);
            }
            ExprKind::Binary(binary) => self.binary(expr, binary, chain),
            ExprKind::And(parts) => self.chain(parts, "and ", chain),
            ExprKind::Or(parts) => self.chain(parts, "or ", chain),
            ExprKind::Is(is) => {
                let brackets =
                    matches!(is.pattern.kind, PatternKind::Set(_) | PatternKind::List(_));
                self.comparison(&is.value, brackets, |w| w.pattern(&is.pattern));
            }
            ExprKind::Answer(answer) => {
                self.expr(&answer.value);
                self.blank();
                self.token();
                self.blank();
                match &answer.absent {
                    Absent::Value(value) => self.expr(value),
                    Absent::Skip | Absent::Deny => self.word(),
                }
            }
            ExprKind::If(parts) => self.aligned(0, |w| w.group(|w| w.if_else(parts))),
            ExprKind::Match(parts) => {
                self.token();
                self.blank();
                self.expr(&parts.subject);
                self.blank();
                self.list(Brackets::Arms, Overflow::Lines, &parts.arms, |w, arm| {
                    w.arm(arm);
                });
            }
            ExprKind::Let(parts) => {
                self.token();
                self.spaced();
                self.spaced();
                self.blank();
                self.expr(&parts.value);
            }
            ExprKind::Quantifier(parts) => self.quantifier(parts),
            ExprKind::Range(range) => self.range(range),
            ExprKind::List(parts) | ExprKind::Set(parts) => {
                let overflow = overflow(parts.iter().all(is_short));
                self.list(Brackets::Tight, overflow, parts, |w, part| w.expr(part));
            }
            ExprKind::Map(entries) => {
                self.list(
                    Brackets::Tight,
                    Overflow::Lines,
                    entries,
                    |w, (key, value)| {
                        w.expr(key);
                        w.token();
                        w.blank();
                        w.expr(value);
                    },
                );
            }
            // Of a file without mistakes there is none.
            ExprKind::Error => {}
        }
    }

    /// Writes a literal: a number may have a minus sign and a time behind it.
    fn literal(&mut self) {
        match self.kind() {
            Some(TokenKind::Minus) => {
                self.minus();
                self.literal();
            }
            Some(TokenKind::ParenOpen) => {
                self.token();
                self.literal();
                self.token();
            }
            _ => {
                self.token();
                if self.at(TokenKind::Per) {
                    self.spaced();
                    self.spaced();
                }
            }
        }
    }

    /// Writes a minus sign, apart from another behind it.
    fn minus(&mut self) {
        self.token();
        if self.at(TokenKind::Minus) {
            self.blank();
        }
    }

    /// Writes a word that the tree keeps only the meaning of.
    fn word(&mut self) {
        if self.at(TokenKind::ParenOpen) {
            self.token();
            self.word();
        }
        self.token();
    }

    fn args(&mut self, args: &[Arg]) {
        match args {
            [arg] if has_brackets(&arg.value) && !self.is_fresh_inside() => {
                self.hugged(|w| w.arg(arg));
            }
            _ => {
                let overflow = overflow(args.iter().all(|arg| is_short(&arg.value)));
                self.list(Brackets::Tight, overflow, args, |w, arg| w.arg(arg));
            }
        }
    }

    fn arg(&mut self, arg: &Arg) {
        if arg.name.is_some() {
            self.label();
        }
        self.expr(&arg.value);
    }

    /// Writes a name and its colon.
    pub(super) fn label(&mut self) {
        self.tight(2);
        self.blank();
    }

    fn binary(&mut self, expr: &Expr, binary: &Binary, chain: Chain) {
        match level(binary.op) {
            Level::Comparison => {
                let right = &binary.right;
                let brackets = match &right.kind {
                    ExprKind::List(_) | ExprKind::Set(_) | ExprKind::Map(_) => true,
                    ExprKind::Call(call) => call.args.first().is_some_and(|arg| {
                        let start = arg.name.as_ref().map_or(arg.value.span, |name| name.span);
                        self.is_broken_inside(call.name.span.end, start.start)
                    }),
                    _ => false,
                };
                self.comparison(&binary.left, brackets, |w| w.expr(right));
            }
            level => self.group(|w| {
                w.spine(expr, level, chain);
                w.dedent();
            }),
        }
    }

    /// Writes `left operator right`. When it is too long the operator begins a line, unless `right` can open its `brackets` at the
    /// end of this one.
    fn comparison(&mut self, left: &Expr, brackets: bool, right: impl FnOnce(&mut Self)) {
        self.group(|w| {
            w.expr(left);
            w.trailing();
            if brackets && !w.is_fresh() {
                w.spaced();
                w.blank();
                right(w);
                return;
            }
            w.indented(|w| {
                w.line(Flat::Blanks(1));
                w.token();
                if w.is_fresh() {
                    w.break_groups();
                }
                w.blank();
                right(w);
            });
        });
    }

    /// Writes operators of one level from left to right, and leaves what stands behind the first operand further in: the operand
    /// may begin a line of its own.
    fn spine(&mut self, expr: &Expr, level_of_all: Level, chain: Chain) {
        match &expr.kind {
            ExprKind::Binary(binary)
                if level(binary.op) == level_of_all && self.parentheses(expr.span.end) == 0 =>
            {
                self.spine(&binary.left, level_of_all, chain);
                self.line(Flat::Blanks(1));
                self.token();
                if self.is_fresh() {
                    self.break_groups();
                }
                self.blank();
                self.expr(&binary.right);
            }
            _ => {
                self.expr_in(expr, chain);
                self.indent();
            }
        }
    }

    fn chain(&mut self, parts: &[Expr], operator: &str, chain: Chain) {
        let width = operator.len() as u32;
        let (back, inside) = match chain {
            Chain::Hanging => (width, width),
            Chain::Flush => (0, INDENT),
        };
        self.group(|w| {
            w.aligned(back, |w| {
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        w.line(Flat::Blanks(1));
                        w.token();
                        if w.is_fresh() {
                            w.break_groups();
                        }
                        w.blank();
                    }
                    if index == 0 {
                        // It may begin a line of its own, which stands where the operators do.
                        w.expr(part);
                    } else {
                        w.indented_by(inside, |w| w.expr(part));
                    }
                }
            });
        });
    }

    /// Writes `if … then … else …`, and what follows without parentheses behind `else`.
    fn if_else(&mut self, parts: &If) {
        let mut parts = parts;
        loop {
            self.token();
            self.blank();
            self.condition(&parts.condition);
            self.group(|w| {
                w.indented(|w| {
                    w.line(Flat::Blanks(1));
                    w.token();
                    w.blank();
                    w.expr(&parts.then);
                });
            });
            self.line(Flat::Blanks(1));
            self.token();
            self.blank();
            match &parts.otherwise.kind {
                ExprKind::If(next) if self.at(TokenKind::If) => parts = next,
                _ => break self.expr(&parts.otherwise),
            }
        }
    }

    /// Writes `pattern => value`.
    pub(super) fn arm(&mut self, arm: &Arm) {
        self.pattern(&arm.pattern);
        self.spaced();
        self.value_behind_sign(&arm.value);
    }

    fn quantifier(&mut self, parts: &Quantifier) {
        self.tight(2);
        self.group(|w| {
            w.indented(|w| {
                w.line(Flat::Nothing);
                w.token();
                w.spaced();
                w.blank();
                w.expr(&parts.collection);
                if let Some(filter) = &parts.filter {
                    w.line(Flat::Blanks(1));
                    w.token();
                    w.blank();
                    w.condition(filter);
                }
                if let Some(value) = &parts.value {
                    w.line(Flat::Blanks(1));
                    w.token();
                    w.blank();
                    w.expr(value);
                }
                w.comments_before_close();
            });
            w.line(Flat::Nothing);
            w.token();
        });
    }

    /// Writes `low .. high`.
    pub(super) fn range(&mut self, range: &Range) {
        self.expr(&range.low);
        self.spaced();
        self.blank();
        self.expr(&range.high);
    }

    // ---------------------------------------------------------------------------------------- patterns

    /// Writes a pattern.
    pub(super) fn pattern(&mut self, pattern: &Pattern) {
        match &pattern.kind {
            PatternKind::Wildcard | PatternKind::None | PatternKind::Name(_) => self.token(),
            PatternKind::Value(_) => self.literal(),
            PatternKind::Variant(variant) => {
                if variant.qualifier.is_some() {
                    self.tight(2);
                }
                self.token();
                if let Some(args) = &variant.args {
                    self.list(Brackets::Tight, Overflow::Lines, args, |w, arg| {
                        if arg.name.is_some() {
                            w.label();
                        }
                        w.pattern(&arg.pattern);
                    });
                }
            }
            PatternKind::Range(range) => self.range(range),
            PatternKind::Compare(_, bound) => {
                self.token();
                self.blank();
                self.expr(bound);
            }
            PatternKind::Set(parts) | PatternKind::List(parts) => {
                let short = |part: &Pattern| !matches!(part.kind, PatternKind::Variant(_));
                let overflow = overflow(parts.iter().all(short));
                self.list(Brackets::Tight, overflow, parts, |w, part| w.pattern(part));
            }
            // Of a file without mistakes there is none.
            PatternKind::Error => {}
        }
    }

    // ------------------------------------------------------------------------------------------- types

    /// Writes a type.
    pub(super) fn ty(&mut self, ty: &Type) {
        match &ty.kind {
            TypeKind::Named(named) => {
                self.token();
                for index in 0..named.args.len() {
                    // `<` before the first, a comma before the others.
                    self.token();
                    if index > 0 {
                        self.blank();
                    }
                    self.ty(&named.args[index]);
                }
                self.size(named.bound.as_ref());
                if !named.args.is_empty() {
                    self.token();
                }
            }
            TypeKind::Optional(inner) => {
                self.ty(inner);
                self.token();
            }
            TypeKind::List(collection) | TypeKind::Set(collection) => {
                self.token();
                self.ty(&collection.element);
                self.size(collection.bound.as_ref());
                self.token();
            }
            TypeKind::InRange(parts) => {
                self.ty(&parts.0);
                self.spaced();
                self.blank();
                self.range(&parts.1);
            }
            TypeKind::Matching(parts) => {
                self.ty(&parts.0);
                self.spaced();
                self.blank();
                self.expr(&parts.1);
            }
            // Of a file without mistakes there is none.
            TypeKind::Error => {}
        }
    }

    /// Writes `..n`.
    fn size(&mut self, bound: Option<&Expr>) {
        if let Some(bound) = bound {
            self.spaced();
            self.expr(bound);
        }
    }
}

/// How tightly an operator binds; those of one level are laid out together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Implies,
    Comparison,
    Sum,
    Product,
}

fn level(op: BinaryOp) -> Level {
    match op {
        BinaryOp::Implies => Level::Implies,
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::In
        | BinaryOp::Matches => Level::Comparison,
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::SatAdd | BinaryOp::SatSub => Level::Sum,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::SatMul => Level::Product,
    }
}

/// Short elements fill lines, others take one each.
fn overflow(all_short: bool) -> Overflow {
    match all_short {
        true => Overflow::Fill,
        false => Overflow::Lines,
    }
}

/// Whether a value ends in brackets that may be opened at the end of a line.
fn has_brackets(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::Call(_)
            | ExprKind::Match(_)
            | ExprKind::List(_)
            | ExprKind::Set(_)
            | ExprKind::Map(_)
    )
}

fn is_short(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::Literal(_) | ExprKind::None | ExprKind::Name(_)
    )
}
