//! Operators: one table says which units may meet and what they give, one place checks that the result fits 64 bits.

use tollgate_grammar::ast::{self, BinaryOp};
use tollgate_grammar::source::Span;
use tollgate_ir::operand::Cc;
use tollgate_runtime::Value;
use tollgate_runtime::schema::PERCENT_ONE;

use super::super::Body;
use super::interval;
use crate::diagnostics::catalog::{numbers, optionals, types as catalog};
use crate::hir::{BinOp, CmpKind, Expr, ExprKind, UnOp};
use crate::types::ty::{Interval, Ty, Unit};

/// What two units give under an operator: the operation, and the unit of the result.
///
/// The quotient of two like amounts is a ratio, a `Percent`; that of two `Int`s is an `Int`, truncated.
pub(super) fn units(op: BinaryOp, left: Unit, right: Unit) -> Option<(BinOp, Unit)> {
    use BinOp::{IntAdd, IntDiv, IntMul, IntSub, PercentDiv, PercentMul};
    use BinaryOp::{Add, Div, Mul, SatAdd, SatMul, SatSub, Sub};
    use Unit::{Date, Duration, Instant, Money, One, Percent};
    Some(match (op, left, right) {
        (Add | SatAdd, One | Duration | Percent | Money(_), _) if left == right => (IntAdd, left),
        (Sub | SatSub, One | Duration | Percent | Money(_), _) if left == right => (IntSub, left),
        (Add | SatAdd, Instant, Duration) | (Add | SatAdd, Duration, Instant) => (IntAdd, Instant),
        (Sub | SatSub, Instant, Duration) => (IntSub, Instant),
        (Sub, Instant, Instant) => (IntSub, Duration),
        (Add | SatAdd, Date, One) => (IntAdd, Date),
        (Sub | SatSub, Date, One) => (IntSub, Date),
        (Sub, Date, Date) => (IntSub, One),
        (Mul | SatMul, One, One | Duration | Percent | Money(_)) => (IntMul, right),
        (Mul | SatMul, Duration | Percent | Money(_), One) => (IntMul, left),
        (Mul | SatMul, Percent, Percent | Duration | Money(_)) => (PercentMul, right),
        (Mul | SatMul, Duration | Money(_), Percent) => (PercentMul, left),
        (Div, One | Duration | Money(_), One) => (IntDiv, left),
        (Div, Percent, One | Percent) => (PercentDiv, Percent),
        (Div, Duration | Money(_), Percent) => (PercentDiv, left),
        (Div, Duration | Money(_), _) if left == right => (PercentDiv, Percent),
        _ => return None,
    })
}

/// How two values of one type are compared; `None` if they cannot be, `Same` if only for equality.
pub(super) fn comparison(ty: &Ty) -> Option<CmpKind> {
    Some(match ty {
        Ty::Num(..) => CmpKind::Int,
        Ty::Float => CmpKind::Float,
        Ty::Str { .. } => CmpKind::Str,
        Ty::Values { .. } | Ty::None | Ty::Opt(_) | Ty::Error => return None,
        _ => CmpKind::Same,
    })
}

pub(super) fn condition_code(op: BinaryOp) -> Option<Cc> {
    Some(match op {
        BinaryOp::Eq => Cc::Eq,
        BinaryOp::Ne => Cc::Ne,
        BinaryOp::Lt => Cc::Lt,
        BinaryOp::Le => Cc::Le,
        BinaryOp::Gt => Cc::Gt,
        BinaryOp::Ge => Cc::Ge,
        _ => return None,
    })
}

impl Body<'_, '_> {
    pub(super) fn binary(&mut self, e: &ast::Binary, span: Span, hint: Option<&Ty>) -> Expr {
        match e.op {
            BinaryOp::Implies => self.implies(&e.left, &e.right, span),
            BinaryOp::In => self.is_in(&e.left, &e.right, span),
            BinaryOp::Matches => self.matches(&e.left, &e.right, span),
            op => match condition_code(op) {
                Some(cc) => self.compare(e, cc, span),
                None => self.arithmetic(e, span, hint),
            },
        }
    }

    /// Two operands of which one may take its type from the other. Literals and variants have none of their own.
    pub(super) fn operands(&mut self, left: &ast::Expr, right: &ast::Expr) -> (Expr, Expr) {
        let right_first = self.needs_hint(left) && !self.needs_hint(right);
        let (first, second) = if right_first {
            (right, left)
        } else {
            (left, right)
        };
        let first = self.infer(first, None);
        // Beside something that was reported, a variant cannot be found, and is no mistake of its own.
        let second = if first.ty.is_error() && self.is_bare_name(second) {
            Expr::error(second.span)
        } else {
            self.infer(second, Some(&first.ty))
        };
        if right_first {
            (second, first)
        } else {
            (first, second)
        }
    }

    fn needs_hint(&self, e: &ast::Expr) -> bool {
        match &e.kind {
            ast::ExprKind::Literal(_)
            | ast::ExprKind::None
            | ast::ExprKind::List(_)
            | ast::ExprKind::Set(_)
            | ast::ExprKind::Map(_) => true,
            ast::ExprKind::Name(name) => self.local(name).is_none() && self.find(name).is_none(),
            ast::ExprKind::Call(call) => call.receiver.is_none() && !self.callable(&call.name.text),
            ast::ExprKind::Unary(ast::UnaryOp::Neg, inner) => self.needs_hint(inner),
            _ => false,
        }
    }

    fn compare(&mut self, e: &ast::Binary, cc: Cc, span: Span) -> Expr {
        let (left, right) = self.operands(&e.left, &e.right);
        if left.ty.is_error() || right.ty.is_error() {
            return Expr::new(ExprKind::Error, Ty::Error, span);
        }
        let is_none = |v: &Expr| v.ty == Ty::None;
        if is_none(&left) || is_none(&right) {
            let other = if is_none(&left) { &right } else { &left };
            let text = self.text_of(other.span);
            let found = optionals::compared_with_none().at(span, "nothing equals `none`");
            let found = if cc == Cc::Ne {
                found.fix("ask whether it is there", span, format!("{text}.present"))
            } else {
                found.fix("ask whether it is missing", span, format!("{text} is none"))
            };
            return self.refuse(found, span);
        }
        for side in [&left, &right] {
            if side.ty.is_optional() {
                return self.missing_answer(side, "it is compared");
            }
            if matches!(side.ty, Ty::Values { .. }) {
                let other = self.text_of(if side.span == left.span {
                    right.span
                } else {
                    left.span
                });
                return self.values_compared(side, &other);
            }
        }
        self.compare_values(left, cc, right, e.op_span, span)
    }

    fn compare_values(&mut self, left: Expr, cc: Cc, right: Expr, op: Span, span: Span) -> Expr {
        let alike = match (&left.ty, &right.ty) {
            (Ty::Num(a, _), Ty::Num(b, _)) => a == b,
            (a, b) => a.join(b).is_some(),
        };
        let kind = comparison(&left.ty).filter(|_| alike);
        let Some(kind) = kind else {
            let (a, b) = (self.show(&left.ty), self.show(&right.ty));
            let mut found = catalog::cannot_compare(&a, &b)
                .at(op, "these are never alike")
                .at(left.span, format!("`{a}`"))
                .at(right.span, format!("`{b}`"));
            if let (Ty::Float, Ty::Num(Unit::One, _)) = (&left.ty, &right.ty) {
                let text = self.text_of(right.span);
                found = found.suggest("convert it", right.span, format!("to_float({text})"));
            } else if let (Ty::Num(Unit::One, _), Ty::Float) = (&left.ty, &right.ty) {
                let text = self.text_of(left.span);
                found = found.suggest("convert it", left.span, format!("to_float({text})"));
            } else if matches!(
                (&left.ty, &right.ty),
                (Ty::Path | Ty::Host | Ty::HeaderName, Ty::Str { .. })
            ) {
                found = found.note(format!("`{a}` is not a `String`: it has one canonical form, which only a literal or a typed input is known to have"));
            }
            return self.refuse(found, span);
        };
        if kind == CmpKind::Same && !matches!(cc, Cc::Eq | Cc::Ne) {
            let shown = self.show(&left.ty);
            let found = catalog::no_order(&shown)
                .at(op, format!("`{shown}` has no order: only `==` and `!=`"))
                .at(left.span, format!("`{shown}`"));
            return self.refuse(found, span);
        }
        self.never_or_always(&left, cc, &right, span);
        let kind = ExprKind::Compare(kind, cc, Box::new(left), Box::new(right));
        Expr::new(kind, Ty::Bool, span)
    }

    /// Warns about a comparison that its operands' types decide.
    fn never_or_always(&mut self, left: &Expr, cc: Cc, right: &Expr, span: Span) {
        let (Some(a), Some(b)) = (left.ty.interval(), right.ty.interval()) else {
            return;
        };
        let both_constant = left.value().is_some() && right.value().is_some();
        if both_constant || self.place == super::Place::Test || self.unreached {
            return;
        }
        let always = if interval::narrow(a, cc, b).is_none() {
            "false"
        } else if interval::narrow(a, cc.negate(), b).is_none() {
            "true"
        } else {
            return;
        };
        let (l, r) = (self.show(&left.ty), self.show(&right.ty));
        let mut found = numbers::decided_comparison(always).at(span, format!("always {always}"));
        for (side, shown) in [(left, l), (right, r)] {
            if side.value().is_none() {
                found = found.at(side.span, format!("this is `{shown}`"));
            }
        }
        self.checker.sink.emit(found);
    }

    /// Whether a condition is a comparison that never holds, as was said where it stands.
    pub(crate) fn never_holds(condition: &Expr) -> bool {
        let ExprKind::Compare(_, cc, left, right) = &condition.kind else {
            return false;
        };
        let (Some(a), Some(b)) = (left.ty.interval(), right.ty.interval()) else {
            return false;
        };
        interval::narrow(a, *cc, b).is_none()
    }

    fn values_compared(&mut self, side: &Expr, other: &str) -> Expr {
        let text = self.text_of(side.span);
        let found = catalog::values_compared()
            .at(
                side.span,
                "zero or more values: there is no one value to compare",
            )
            .help(format!("some value:   any(v in {text} where v == {other})"))
            .help(format!(
                "at least one, and every value:   only(v in {text} where v == {other})"
            ))
            .help(format!(
                "the only one:   ({text}.single ?? \"\") == {other}"
            ));
        self.refuse(found, side.span)
    }

    fn arithmetic(&mut self, e: &ast::Binary, span: Span, hint: Option<&Ty>) -> Expr {
        let float = matches!(hint.map(Ty::present), Some(Ty::Float));
        let (left, right) = if float {
            (
                self.infer(&e.left, Some(&Ty::Float)),
                self.infer(&e.right, Some(&Ty::Float)),
            )
        } else {
            self.operands(&e.left, &e.right)
        };
        if left.ty.is_error() || right.ty.is_error() {
            return Expr::error(span);
        }
        for side in [&left, &right] {
            if side.ty.is_optional() {
                return self.missing_answer(side, "it is calculated with");
            }
        }
        if let (Ty::Float, Ty::Float) = (&left.ty, &right.ty) {
            return self.float_arithmetic(e, left, right, span);
        }
        let found = match (&left.ty, &right.ty) {
            (Ty::Num(a, _), Ty::Num(b, _)) => units(e.op, *a, *b),
            _ => None,
        };
        let Some((op, unit)) = found else {
            return self.no_such_operation(e, &left, &right, span);
        };
        match e.op {
            BinaryOp::SatAdd | BinaryOp::SatSub | BinaryOp::SatMul => {
                self.saturating(op, unit, left, right, span, hint)
            }
            _ => self.whole(op, unit, left, right, span),
        }
    }

    /// A whole-number operation whose result must fit 64 bits.
    pub(super) fn whole(
        &mut self,
        op: BinOp,
        unit: Unit,
        left: Expr,
        mut right: Expr,
        span: Span,
    ) -> Expr {
        if op == BinOp::PercentDiv && matches!(right.ty, Ty::Num(Unit::One, _)) {
            // `p / 3` rounds like every division of percentages: 3 is taken as 300%.
            let one = Ty::Num(Unit::One, Interval::point(PERCENT_ONE.into()));
            let one = Expr::constant(Value::Int(PERCENT_ONE), one, right.span);
            let at = right.span;
            right = self.whole(BinOp::IntMul, Unit::Percent, right, one, at);
        }
        let (Some(a), Some(b)) = (left.ty.interval(), right.ty.interval()) else {
            return Expr::error(span);
        };
        let Some(result) = interval::binary(op, a, b) else {
            return self.may_be_zero(&left, &right, span);
        };
        if !result.fits_i64() {
            let found = numbers::may_overflow()
                .at(span, format!("this can be anything in {result}"))
                .at(left.span, format!("`{}`", self.show(&left.ty)))
                .at(right.span, format!("`{}`", self.show(&right.ty)))
                .help("use `+|`, `-|` or `*|`, which stop at the bounds of the type")
                .help("or give the operands narrower types, such as `Int in 0 .. 1_000`");
            return self.refuse(found, span);
        }
        self.number_node(
            ExprKind::Binary(op, Box::new(left), Box::new(right)),
            unit,
            result,
            span,
        )
    }

    /// A number of a known interval; a constant when its operands are.
    pub(super) fn number_node(
        &self,
        kind: ExprKind,
        unit: Unit,
        result: Interval,
        span: Span,
    ) -> Expr {
        let constant = match &kind {
            ExprKind::Binary(_, a, b) => a.value().is_some() && b.value().is_some(),
            ExprKind::Unary(_, a) => a.value().is_some(),
            _ => false,
        };
        let ty = Ty::Num(unit, result);
        match i64::try_from(result.lo) {
            Ok(v) if constant && result.lo == result.hi => Expr::constant(Value::Int(v), ty, span),
            _ => Expr::new(kind, ty, span),
        }
    }

    /// `a +| b` stops at the bounds of the type that is expected, or else of the result's unit.
    fn saturating(
        &mut self,
        op: BinOp,
        unit: Unit,
        left: Expr,
        right: Expr,
        span: Span,
        hint: Option<&Ty>,
    ) -> Expr {
        let (Some(a), Some(b)) = (left.ty.interval(), right.ty.interval()) else {
            return Expr::error(span);
        };
        let bounds = match hint.map(Ty::present) {
            Some(Ty::Num(u, bounds)) if *u == unit => *bounds,
            _ => unit.full(),
        };
        let Some(exact) = interval::binary(op, a, b) else {
            return Expr::error(span);
        };
        let op = match op {
            BinOp::IntAdd => BinOp::IntAddSat,
            BinOp::IntSub => BinOp::IntSubSat,
            BinOp::IntMul => BinOp::IntMulSat,
            // Saturates by itself.
            other => other,
        };
        let word = Interval::new(i64::MIN.into(), i64::MAX.into());
        let clamp = |i: Interval, to: Interval| {
            Interval::new(i.lo.clamp(to.lo, to.hi), i.hi.clamp(to.lo, to.hi))
        };
        let raw = clamp(exact, word);
        let value = self.number_node(
            ExprKind::Binary(op, Box::new(left), Box::new(right)),
            unit,
            raw,
            span,
        );
        self.clamped(value, bounds)
    }

    /// A number brought between bounds, with no more operations than its interval asks for.
    pub(super) fn clamped(&mut self, value: Expr, to: Interval) -> Expr {
        let (Ty::Num(unit, mut now), span) = (value.ty.clone(), value.span) else {
            return value;
        };
        let mut value = value;
        for (op, bound, needed) in [
            (BinOp::IntMin, to.hi, now.hi > to.hi),
            (BinOp::IntMax, to.lo, now.lo < to.lo),
        ] {
            let Ok(bound) = i64::try_from(bound) else {
                continue;
            };
            if needed {
                let point = Interval::point(bound.into());
                let bound = Expr::constant(Value::Int(bound), Ty::Num(unit, point), span);
                now = interval::binary(op, now, point).unwrap_or(now);
                value = self.number_node(
                    ExprKind::Binary(op, Box::new(value), Box::new(bound)),
                    unit,
                    now,
                    span,
                );
            }
        }
        value
    }

    pub(super) fn may_be_zero(&mut self, left: &Expr, right: &Expr, span: Span) -> Expr {
        let (a, b) = (self.text_of(left.span), self.text_of(right.span));
        let shown = self.show(&right.ty);
        let zero = crate::types::literal(unit_of(&left.ty), 0);
        let found = numbers::may_divide_by_zero()
            .at(right.span, format!("this is `{shown}`, which may be zero"))
            .suggest(
                "say what the quotient is then",
                span,
                format!("(div({a}, {b}) ?? {zero})"),
            )
            .help(format!(
                "or prove it: `{b} > 0 and …` to the left, or a type such as `Int in 1 .. 100`"
            ));
        self.refuse(found, span)
    }

    fn float_arithmetic(&mut self, e: &ast::Binary, left: Expr, right: Expr, span: Span) -> Expr {
        let op = match e.op {
            BinaryOp::Add => BinOp::FloatAdd,
            BinaryOp::Sub => BinOp::FloatSub,
            BinaryOp::Mul => BinOp::FloatMul,
            BinaryOp::Div => match right.value() {
                Some(Value::Float(v)) if *v != 0.0 => BinOp::FloatDiv,
                _ => return self.may_be_zero_float(&left, &right, span),
            },
            _ => {
                let found = numbers::float_saturates()
                    .at(e.op_span, "floats have `+ - * /` and comparison only");
                return self.refuse(
                    found.fix("use the plain operator", e.op_span, &e.op.symbol()[..1]),
                    span,
                );
            }
        };
        let kind = ExprKind::Binary(op, Box::new(left), Box::new(right));
        Expr::new(kind, Ty::Float, span)
    }

    fn may_be_zero_float(&mut self, left: &Expr, right: &Expr, span: Span) -> Expr {
        let (a, b) = (self.text_of(left.span), self.text_of(right.span));
        let found = numbers::may_divide_by_zero()
            .at(right.span, "this may be zero")
            .suggest(
                "say what the quotient is then",
                span,
                format!("(div({a}, {b}) ?? 0.0)"),
            );
        self.refuse(found, span)
    }

    fn no_such_operation(
        &mut self,
        e: &ast::Binary,
        left: &Expr,
        right: &Expr,
        span: Span,
    ) -> Expr {
        let (a, b) = (self.show(&left.ty), self.show(&right.ty));
        let mut found = catalog::no_such_operation(e.op.symbol(), &a, &b)
            .at(e.op_span, "not defined for these")
            .at(left.span, format!("`{a}`"))
            .at(right.span, format!("`{b}`"));
        let (l, r) = (self.text_of(left.span), self.text_of(right.span));
        match (e.op, &left.ty, &right.ty) {
            (BinaryOp::Add, Ty::Str { .. }, Ty::Str { .. }) => {
                found = found.suggest("join texts", span, format!("concat({l}, {r})"));
            }
            (_, Ty::Float, Ty::Num(Unit::One, _)) => {
                found = found.suggest("convert it", right.span, format!("to_float({r})"));
            }
            (_, Ty::Num(Unit::One, _), Ty::Float) => {
                found = found.suggest("convert it", left.span, format!("to_float({l})"));
            }
            (_, Ty::Num(Unit::Money(x), _), Ty::Num(Unit::Money(y), _)) if x != y => {
                found = found.note(
                    "amounts of two currencies never mix: there is no rate that does not change",
                );
            }
            (BinaryOp::Add, Ty::Num(Unit::Instant, _), Ty::Num(Unit::Instant, _)) => {
                found = found.note(
                    "two instants have a difference (`-`), which is a `Duration`, but no sum",
                );
            }
            _ => {}
        }
        self.refuse(found, span)
    }

    pub(super) fn negate(&mut self, operand: &ast::Expr, span: Span, hint: Option<&Ty>) -> Expr {
        let value = self.infer(operand, hint);
        if value.ty.is_optional() {
            return self.missing_answer(&value, "it is negated");
        }
        match &value.ty {
            Ty::Error => Expr::error(span),
            Ty::Float => match value.value() {
                Some(Value::Float(v)) => Expr::constant(Value::Float(0.0 - v), Ty::Float, span),
                _ => Expr::new(
                    ExprKind::Unary(UnOp::FloatNeg, Box::new(value)),
                    Ty::Float,
                    span,
                ),
            },
            Ty::Num(unit @ (Unit::One | Unit::Duration | Unit::Percent | Unit::Money(_)), _) => {
                let unit = *unit;
                self.unary_whole(UnOp::IntNeg, unit, value, span)
            }
            other => {
                let shown = self.show(other);
                let mut found =
                    catalog::cannot_negate(&shown).at(value.span, format!("this is `{shown}`"));
                if *other == Ty::Bool {
                    let text = self.text_of(value.span);
                    found =
                        found.suggest("the opposite of a truth value", span, format!("not {text}"));
                }
                self.refuse(found, span)
            }
        }
    }

    pub(super) fn unary_whole(&mut self, op: UnOp, unit: Unit, value: Expr, span: Span) -> Expr {
        let result = value.ty.interval().and_then(|i| interval::unary(op, i));
        let Some(result) = result else {
            return Expr::error(span);
        };
        if !result.fits_i64() {
            let found = numbers::may_overflow()
                .at(span, format!("this can be anything in {result}"))
                .at(value.span, format!("`{}`", self.show(&value.ty)))
                .help("give the operand a narrower type");
            return self.refuse(found, span);
        }
        self.number_node(ExprKind::Unary(op, Box::new(value)), unit, result, span)
    }
}

pub(super) fn unit_of(ty: &Ty) -> Unit {
    if let Ty::Num(unit, _) = ty {
        *unit
    } else {
        Unit::One
    }
}
