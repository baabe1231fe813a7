//! `table`: a rule set in columns.

use tollgate_grammar::ast::{self, PatternKind};

use super::ruleset::{Collected, Collector};
use super::{bind_parameters, policy};
use crate::check::{Body, Checker, ModuleId, Place};
use crate::diagnostics::catalog::rules;
use crate::hir::{Expr, ExprKind, Form, LocalId, Pattern, Rule, RuleSetId};
use crate::types::ty::Ty;

/// What a decision of a table gives.
pub(super) fn result(checker: &mut Checker<'_>, module: ModuleId, table: &ast::Table) -> Ty {
    let rows = u32::try_from(table.rows.len()).unwrap_or(u32::MAX);
    policy::result(checker, module, &table.result, &table.policy, rows)
}

/// Checks a table.
pub(super) fn check(
    checker: &mut Checker<'_>,
    module: ModuleId,
    table: &ast::Table,
    id: RuleSetId,
) {
    let signature = checker.ruleset_signatures[&id].clone();
    let errors = checker.sink.error_count();
    let outcome = policy::outcome(&table.policy, &signature.result);
    let mut body = Body::new(checker, module, Place::Value);
    let params = bind_parameters(&mut body, &table.params, &signature);
    let policy = policy::lower(&mut body, &table.policy, &outcome);
    let mut collector = Collector::new(body, &params);
    let (cost, shadow) = collector.set_clauses(&table.clauses);
    let Collected {
        mut body, groups, ..
    } = collector.finish();
    let group = groups.keys().next();
    let mut complete = true;
    let mut rules = Vec::with_capacity(table.rows.len());
    for (i, row) in table.rows.iter().enumerate() {
        // What was not understood has no cells.
        if row.cells.is_empty() {
            complete = false;
            continue;
        }
        let (spine, value) = cells(&mut body, table, row, &params, &outcome);
        rules.push(Rule {
            name: format!("row {}", i + 1).into(),
            span: row.span,
            why: None,
            tags: Vec::new(),
            group,
            spine,
            outcomes: vec![value],
        });
    }
    let otherwise = policy::otherwise(&mut body, table.otherwise.as_ref(), &outcome);
    if shadow.is_some() && otherwise.is_none() {
        policy::shadow(&mut body, &table.name, &policy);
    }
    complete &= body.checker.sink.error_count() == errors;
    let locals = body.locals;
    let target = &mut checker.program.rulesets[id];
    target.form = Form::Table;
    target.params = params;
    target.locals = locals;
    target.result = signature.result;
    target.outcome = outcome;
    target.policy = policy;
    target.groups = groups;
    target.rules = rules;
    target.otherwise = otherwise;
    target.shadow = shadow;
    target.cost = cost;
    target.written = crate::hir::Written {
        policy: table.policy.span,
        result: table.result.span,
        otherwise: table.otherwise.as_ref().map(|o| o.span),
    };
    if complete {
        let written = policy::Written {
            otherwise: table.otherwise.as_ref(),
            result: &table.result,
        };
        policy::check(checker, id, &written);
        report_unreachable(checker, id);
    }
}

/// The condition and the value of a row.
fn cells(
    body: &mut Body<'_, '_>,
    table: &ast::Table,
    row: &ast::Row,
    params: &[LocalId],
    outcome: &Ty,
) -> (Vec<Expr>, Expr) {
    if row.cells.len() != params.len() {
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let cells = count(row.cells.len(), "cell");
        let found = rules::cell_count(&cells, "table", count(params.len(), "column"))
            .at(row.span, format!("{cells} before `=>`"))
            .at(
                table.name.span,
                count(params.len(), "parameter") + ", a column each",
            );
        body.checker.sink.emit(found);
    }
    let scope = body.enter();
    let mut spine = Vec::new();
    for (cell, &param) in row.cells.iter().zip(params) {
        let ty = body.locals[param].ty.clone();
        let pattern = body.pattern(cell, &ty);
        if matches!(pattern, Pattern::Any) || matches!(cell.kind, PatternKind::Error) {
            continue;
        }
        let subject = Expr {
            kind: ExprKind::Local(param),
            ty,
            span: cell.span,
        };
        spine.push(Expr {
            kind: ExprKind::Is(Box::new(subject), pattern),
            ty: Ty::Bool,
            span: cell.span,
        });
    }
    let value = body.expr(&row.value, Some(outcome));
    body.leave(scope);
    (spine, value)
}

/// Under `first`, a row behind one that always matches is never reached.
fn report_unreachable(checker: &mut Checker<'_>, id: RuleSetId) {
    let set = &checker.program.rulesets[id];
    if !matches!(set.policy, crate::hir::Policy::First) {
        return;
    }
    let always = |rule: &Rule| {
        let binds = |e: &Expr| matches!(&e.kind, ExprKind::Is(_, Pattern::Bind(_)));
        rule.spine.iter().all(binds)
    };
    let Some(end) = set.rules.iter().position(always) else {
        return;
    };
    if let Some(next) = set.rules.get(end + 1) {
        let found = rules::unreachable_rule(format!("nothing gets past `{}`", set.rules[end].name))
            .at(next.span, "never reached")
            .at(
                set.rules[end].span,
                "matches everything, so it always decides",
            );
        checker.sink.emit(found);
    }
}
