//! `active a ..< b in tz"…"`: when a rule set or rule applies.

use tollgate_grammar::ast::{self, ExprKind as Ast, Literal, Tag};
use tollgate_grammar::source::Span;
use tollgate_runtime::Value;
use tollgate_runtime::kinds::time;

use crate::check::Body;
use crate::diagnostics::catalog::rules;
use crate::hir::{Expr, ExprKind};
use crate::types::ty::{Ty, Unit};

/// The condition that the decision's time lies in the period. What is wrong with it is reported.
pub(super) fn condition(body: &mut Body<'_, '_>, active: &ast::Active, span: Span) -> Option<Expr> {
    let zone = match &active.zone {
        None => None,
        Some(e) => match body.constant(e, Some(&Ty::Zone))? {
            (_, Value::Str(name)) => Some(name),
            _ => return None,
        },
    };
    let low = instant(body, &active.range.low, zone.as_deref());
    let high = instant(body, &active.range.high, zone.as_deref());
    let (low, high) = (low?, high?);
    let last = high - i64::from(!active.range.inclusive);
    if low > last {
        let found = rules::empty_period().at(active.range.span, "ends before it begins");
        body.checker.sink.emit(found);
        return None;
    }
    let ty = Ty::full(Unit::Instant);
    let make = |kind, span| Expr {
        kind,
        ty: ty.clone(),
        span,
    };
    let now = make(ExprKind::DecisionTime, span);
    let low = make(ExprKind::Const(Value::Int(low)), active.range.low.span);
    let last = make(ExprKind::Const(Value::Int(last)), active.range.high.span);
    Some(Expr {
        kind: ExprKind::InRange(Box::new(now), Box::new(low), Box::new(last)),
        ty: Ty::Bool,
        span,
    })
}

/// An end of a period: `t"2026-11-01T00:00"` in the zone, one with its own offset, or a constant.
fn instant(body: &mut Body<'_, '_>, e: &ast::Expr, zone: Option<&str>) -> Option<i64> {
    if let Some(zone) = zone {
        return body.instant_in(e, zone);
    }
    if let Ast::Literal(Literal::Tagged(tagged)) = &e.kind
        && tagged.tag == Tag::Instant
        && time::parse_local(&tagged.content).is_ok()
    {
        let found = rules::local_period()
            .at(e.span, "local time, but where?")
            .help("write `in tz\"…\"` behind the period, or an offset such as `Z` or `+08:00` in the text");
        body.checker.sink.emit(found);
        return None;
    }
    match body.constant(e, Some(&Ty::full(Unit::Instant)))? {
        (_, Value::Int(at)) => Some(at),
        _ => None,
    }
}
