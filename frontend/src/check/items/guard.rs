//! `guard`

use tollgate_grammar::ast;

use super::bind_parameters;
use super::ruleset::{Collected, Collector, Gives};
use crate::check::{Body, Checker, ModuleId, Place};
use crate::diagnostics::catalog::rules as catalog;
use crate::hir::{Expr, ExprKind, Form, RuleSetId};
use crate::types::ty::Ty;

/// The variant of the verdict that lets a request pass; see [`Checker::verdict`](crate::check::Checker::verdict).
pub(super) const PASS: u32 = 0;
/// The variant that refuses it, with the reason.
pub(super) const DENY: u32 = 1;

/// Checks a guard: a rule set of denials, of which the first that applies decides.
pub(super) fn check(
    checker: &mut Checker<'_>,
    module: ModuleId,
    guard: &ast::Guard,
    id: RuleSetId,
) {
    let signature = checker.ruleset_signatures[&id].clone();
    let Some(verdict) = checker.verdict else {
        return;
    };
    if guard.rules.is_empty() {
        let found = catalog::empty_guard(&guard.name).at(guard.name.span, "refuses nothing");
        checker.sink.emit(found);
    }
    let mut body = Body::new(checker, module, Place::Denial);
    let params = bind_parameters(&mut body, &guard.params, &signature);
    let mut collector = Collector::new(body, &params);
    collector.gives = Gives::Denial(verdict, DENY);
    collector.items(&guard.rules);
    let Collected {
        body,
        groups,
        rules,
        ..
    } = collector.finish();
    let locals = body.locals;
    let target = &mut checker.program.rulesets[id];
    target.form = Form::Guard;
    target.params = params;
    target.locals = locals;
    target.result = signature.result.clone();
    target.outcome = signature.result;
    target.groups = groups;
    target.rules = rules;
    target.otherwise = Some(Expr {
        kind: ExprKind::Variant(verdict, PASS, Vec::new()),
        ty: Ty::Enum(verdict),
        span: guard.name.span,
    });
}
