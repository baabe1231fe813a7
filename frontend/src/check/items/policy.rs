//! Hit policies: what outcomes must be, and where `otherwise` may stand.

use std::sync::Arc;

use tollgate_grammar::ast::{self, HitPolicyKind, TypeKind};
use tollgate_grammar::source::Span;

use crate::check::{Body, Checker, ModuleId, Place};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::catalog::{rules, states};
use crate::hir::{Expr, ExprKind, Policy, RuleSet, RuleSetId};
use crate::types::literal;
use crate::types::ty::{Interval, Ty, Unit};

/// What was written, for messages.
pub(super) struct Written<'w> {
    pub(super) otherwise: Option<&'w ast::Otherwise>,
    pub(super) result: &'w ast::Type,
}

/// What a decision of a rule set or table gives, of which at most `most` outcomes can apply together.
pub(super) fn result(
    checker: &mut Checker<'_>,
    module: ModuleId,
    written: &ast::Type,
    policy: &ast::HitPolicy,
    most: u32,
) -> Ty {
    let ty = checker.resolve_type(module, written);
    if !matches!(policy.kind, HitPolicyKind::All) {
        return ty;
    }
    match ty {
        Ty::Error => Ty::Error,
        Ty::List(of, _) if of.is_optional() => {
            let mut found = rules::missing_outcome()
                .at(written.span, "a list of what may be missing")
                .at(policy.span, "gives every outcome");
            if let TypeKind::List(list) = &written.kind
                && let TypeKind::Optional(element) = &list.element.kind
            {
                let sign = element.span.after().to(list.element.span.after());
                found = found.suggest("leave the `?` out", sign, "");
            }
            checker.sink.emit(found);
            Ty::Error
        }
        Ty::List(of, bound) => match &written.kind {
            TypeKind::List(list) if list.bound.is_none() => Ty::List(of, most),
            _ => {
                if most > bound {
                    let found = rules::too_many_outcomes(most, bound)
                        .at(written.span, format!("at most {bound}"))
                        .note("every rule may match at once, so every `then` counts");
                    checker.sink.emit(found);
                }
                Ty::List(of, bound)
            }
        },
        other => {
            let shown = other.show(&checker.program).to_string();
            let text = checker.text(written.span).to_owned();
            let found = rules::all_needs_list(shown)
                .at(written.span, "not a list")
                .at(policy.span, "gives every outcome")
                .suggest("make it a list", written.span, format!("[{text}]"));
            checker.sink.emit(found);
            Ty::List(Arc::new(other), most)
        }
    }
}

/// What one rule gives, when a decision gives `result`.
pub(super) fn outcome(policy: &ast::HitPolicy, result: &Ty) -> Ty {
    match (&policy.kind, result) {
        (HitPolicyKind::All, Ty::List(of, _)) => (**of).clone(),
        (HitPolicyKind::All, _) => Ty::Error,
        _ => result.clone(),
    }
}

/// The policy, with the key of `best by`.
pub(super) fn lower(body: &mut Body<'_, '_>, policy: &ast::HitPolicy, outcome: &Ty) -> Policy {
    match &policy.kind {
        HitPolicyKind::First | HitPolicyKind::Error => Policy::First,
        HitPolicyKind::Unique => Policy::Unique,
        HitPolicyKind::Any => Policy::Any,
        HitPolicyKind::All => Policy::All,
        HitPolicyKind::Sum => {
            let countable = match outcome {
                Ty::Num(unit, _) => !matches!(unit, Unit::Instant | Unit::Date),
                Ty::Float | Ty::Error => true,
                _ => false,
            };
            if !countable {
                let shown = outcome.show(&body.checker.program).to_string();
                let found = rules::sum_needs_number(shown).at(policy.span, "adds the outcomes up");
                body.checker.sink.emit(found);
            }
            Policy::Sum
        }
        HitPolicyKind::BestBy(key) => {
            let scope = body.enter();
            let place = std::mem::replace(&mut body.place, Place::Value);
            let name = ast::Name {
                text: "it".into(),
                span: policy.span,
            };
            let it = body.bind(&name, outcome.clone());
            let key = body.expr(key, None);
            body.place = place;
            body.leave(scope);
            if !matches!(key.ty, Ty::Num(..) | Ty::Error) {
                let shown = key.ty.show(&body.checker.program).to_string();
                let found = rules::best_needs_number(shown).at(key.span, "not a whole number");
                body.checker.sink.emit(found);
            }
            Policy::Best { it, key }
        }
    }
}

/// The value when no rule matches.
pub(super) fn otherwise(
    body: &mut Body<'_, '_>,
    otherwise: Option<&ast::Otherwise>,
    outcome: &Ty,
) -> Option<Expr> {
    let value = &otherwise?.value;
    let place = std::mem::replace(&mut body.place, Place::Value);
    let value = body.expr(value, Some(outcome));
    body.place = place;
    Some(value)
}

/// A rule set in shadow mode without an `otherwise` gives nothing until the mode ends.
pub(super) fn shadow(body: &mut Body<'_, '_>, name: &ast::Name, policy: &Policy) {
    if !matches!(policy, Policy::All | Policy::Sum) {
        let found = states::shadow_without_otherwise(name)
            .at(name.span, "gives which value until the mode ends?");
        body.checker.sink.emit(found);
    }
}

/// What can only be said of all rules of a set together. The set is understood, without mistakes.
pub(super) fn check(checker: &mut Checker<'_>, id: RuleSetId, written: &Written<'_>) {
    let set = &checker.program.rulesets[id];
    let mut found = Vec::new();
    match set.policy {
        Policy::All => forbid_otherwise(written, "all", "an empty list", &mut found),
        Policy::Sum => {
            forbid_otherwise(written, "sum", "zero", &mut found);
            sum_fits(checker, set, written, &mut found);
        }
        Policy::First | Policy::Unique | Policy::Any | Policy::Best { .. } => {
            needless(set, written, &mut found);
        }
    }
    for diagnostic in found {
        checker.sink.emit(diagnostic);
    }
}

fn forbid_otherwise(written: &Written<'_>, policy: &str, gives: &str, found: &mut Vec<Diagnostic>) {
    if let Some(otherwise) = written.otherwise {
        found.push(
            rules::otherwise_not_allowed(policy)
                .at(otherwise.span, "never used")
                .note(format!(
                    "when no rule matches, `hit {policy}` gives {gives}"
                ))
                .fix("leave it out", otherwise.span, ""),
        );
    }
}

/// `otherwise` behind a rule without a condition is needless. What else covers every input is found out once the program
/// is lowered (`analysis`).
fn needless(set: &RuleSet, written: &Written<'_>, found: &mut Vec<Diagnostic>) {
    let unconditional = set
        .rules
        .iter()
        .find(|r| r.group.is_none() && r.spine.is_empty());
    if let Some(rule) = unconditional
        && let Some(otherwise) = written.otherwise
    {
        found.push(
            rules::needless_otherwise()
                .at(otherwise.span, "never used")
                .at(rule.span, "this one always matches")
                .fix("leave it out", otherwise.span, ""),
        );
    }
}

/// Under `sum`, all rules may match at once; the total must be a value of the declared type.
fn sum_fits(
    checker: &Checker<'_>,
    set: &RuleSet,
    written: &Written<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let Ty::Num(unit, declared) = set.result else {
        return;
    };
    let mut total = Interval::point(0);
    let mut largest: Option<(i128, Span)> = None;
    for e in set.rules.iter().flat_map(|rule| &rule.outcomes) {
        let Some(interval) = known_interval(e) else {
            continue;
        };
        // A rule that does not match adds nothing.
        total.lo += interval.lo.min(0);
        total.hi += interval.hi.max(0);
        let size = interval.lo.abs().max(interval.hi.abs());
        if largest.is_none_or(|(most, _)| size > most) {
            largest = Some((size, e.span));
        }
    }
    if total.fits(declared) {
        return;
    }
    let (lo, hi) = (literal(unit, total.lo), literal(unit, total.hi));
    let shown = set.result.show(&checker.program).to_string();
    let mut diagnostic = rules::sum_does_not_fit(&shown).at(
        written.result.span,
        format!("the total may be {lo} .. {hi}"),
    );
    if let Some((_, span)) = largest {
        diagnostic = diagnostic.at(span, "the largest part comes from here");
    }
    let full = unit.full();
    if total.fits(full) {
        let base = Ty::full(unit).show(&checker.program).to_string();
        let text = format!("{base} in {lo} .. {hi}");
        diagnostic = diagnostic.suggest("declare what the total can be", written.result.span, text);
    } else {
        let count = i128::try_from(set.rules.len().max(1)).unwrap_or(1);
        let each = literal(unit, full.hi / count);
        diagnostic = diagnostic.help(format!(
            "give every outcome a narrower type, such as up to {each}"
        ));
    }
    found.push(diagnostic);
}

/// The interval of an outcome; of a constant its value, whatever type was expected of it.
fn known_interval(e: &Expr) -> Option<Interval> {
    match &e.kind {
        ExprKind::Const(tollgate_runtime::Value::Int(n)) => Some(Interval::point((*n).into())),
        _ => e.ty.interval(),
    }
}
