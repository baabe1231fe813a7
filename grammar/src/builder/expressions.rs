//! Expressions.

use super::*;

impl<'text> Builder<'text> {
    /// An expression, unless it is higher than the limit.
    pub(crate) fn expr(&mut self, start: u32, end: u32, kind: ExprKind) -> Expr {
        let expr = Expr::new(self.span(start, end), kind);
        if u64::from(expr.height()) <= self.limits.nesting {
            return expr;
        }
        let segment = self.segments.partition_point(|&at| at < end);
        let repeated = self.last_segment.replace(segment) == Some(segment);
        if !repeated && !self.is_damaged(segment, end) {
            let error = SyntaxError::limit(LimitKind::Nesting, self.limits.nesting, expr.span)
                .help("name parts of it with `let`, or move them into a function");
            self.report(error);
        }
        Expr::error(expr.span)
    }

    pub(crate) fn literal(&mut self, start: u32, end: u32, literal: Option<Literal>) -> Expr {
        self.expr(
            start,
            end,
            literal.map_or(ExprKind::Error, ExprKind::Literal),
        )
    }

    pub(crate) fn range(&mut self, range: Box<Range>) -> Expr {
        self.expr(range.span.start, range.span.end, ExprKind::Range(range))
    }

    pub(crate) fn binary(
        &mut self,
        left: Expr,
        op: BinaryOp,
        op_start: u32,
        op_end: u32,
        right: Expr,
    ) -> Expr {
        let (start, end) = (left.span.start, right.span.end);
        let op_span = self.span(op_start, op_end);
        self.expr(
            start,
            end,
            ExprKind::Binary(Box::new(Binary {
                op,
                op_span,
                left,
                right,
            })),
        )
    }

    pub(crate) fn minus(&mut self, start: u32, end: u32, operand: Expr) -> Expr {
        let negated = match &operand.kind {
            ExprKind::Literal(number) => literal::negated(number),
            _ => None,
        };
        match negated {
            Some(number) => self.expr(start, end, ExprKind::Literal(number)),
            None => self.expr(start, end, ExprKind::Unary(UnaryOp::Neg, Box::new(operand))),
        }
    }

    pub(crate) fn answer(
        &mut self,
        start: u32,
        value: Expr,
        sign: u32,
        absent: Expr,
        end: u32,
    ) -> Expr {
        let absent = match &absent.kind {
            ExprKind::Name(name) if *name == "skip" => Absent::Skip,
            ExprKind::Name(name) if *name == "deny" => Absent::Deny,
            _ => Absent::Value(absent),
        };
        let answer_span = self.span(sign, end);
        self.expr(
            start,
            end,
            ExprKind::Answer(Box::new(Answer {
                value,
                absent,
                answer_span,
            })),
        )
    }

    pub(crate) fn call(
        &mut self,
        start: u32,
        end: u32,
        receiver: Option<Expr>,
        name: Name,
        args: Vec<Arg>,
    ) -> Expr {
        self.expr(
            start,
            end,
            ExprKind::Call(Box::new(Call {
                receiver,
                name,
                args,
            })),
        )
    }

    pub(crate) fn parenthesised(&mut self, start: u32, end: u32, mut inner: Expr) -> Expr {
        inner.span = self.span(start, end);
        inner
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one for each part of the production"
    )]
    pub(crate) fn quantifier(
        &mut self,
        start: u32,
        end: u32,
        kind: QuantifierKind,
        binder: Name,
        collection: Expr,
        filter: Option<Expr>,
        value: Option<Expr>,
    ) -> Expr {
        let quantifier = Quantifier {
            kind,
            binder,
            collection,
            filter,
            value,
        };
        self.expr(start, end, ExprKind::Quantifier(Box::new(quantifier)))
    }
}
