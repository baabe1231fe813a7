//! `test`

use std::sync::Arc;

use tollgate_grammar::ast::{self, StepKind};
use tollgate_grammar::source::Span;
use tollgate_runtime::Value;

use crate::check::names::did_you_mean;
use crate::check::suggest::closest;
use crate::check::{Body, Checker, Def, ModuleId, Place};
use crate::diagnostics::catalog::{items, states};
use crate::hir::walk;
use crate::hir::{Callee, Expr, ExprKind, Program, StateId, StateKind, Step, Test};
use crate::types::ty::{Ty, Unit};

/// What stands behind `by` when no rule decided.
const OTHERWISE: &str = "otherwise";

/// Checks a test.
pub(super) fn check(checker: &mut Checker<'_>, module: ModuleId, test: &ast::Test) {
    let mut body = Body::new(checker, module, Place::Test);
    let mut steps = Vec::with_capacity(test.steps.len());
    for step in &test.steps {
        match &step.kind {
            StepKind::Given { place, value } => steps.extend(given(&mut body, place, value)),
            StepKind::Expect { condition, by } => {
                steps.push(expect(&mut body, step.span, condition, by));
            }
            StepKind::Advance(by) => {
                let ty = Ty::full(Unit::Duration);
                if let Some((_, Value::Int(by))) = body.constant(by, Some(&ty)) {
                    steps.push(Step::Advance(by.max(0)));
                }
            }
            StepKind::Error => {}
        }
    }
    let locals = body.locals;
    checker.program.tests.push(Test {
        title: (&*test.title.value).into(),
        span: test.title.span,
        locals,
        steps,
    });
}

pub(in crate::check) fn given(
    body: &mut Body<'_, '_>,
    place: &ast::Place,
    value: &ast::Expr,
) -> Option<Step> {
    let module = body.module;
    let name = &place.name;
    let def = body
        .checker
        .lookup(module, &name.text)
        .map(|e| e.def.clone());
    match (def, &place.key) {
        // A state, which was refused where it is declared.
        (Some(Def::Error), _) => None,
        (Some(Def::State(id)), key) => given_state(body, id, place, key.as_deref(), value),
        (Some(Def::Data(id)), None) => {
            let ty = body.checker.program.data[id].ty.clone();
            let value = body.expr(value, Some(&ty));
            Some(Step::GivenData(id, value))
        }
        (_, Some(_)) => {
            let found = items::given_needs_state(name)
                .at(place.span, "only a state has entries that can be given");
            body.checker.sink.emit(found);
            None
        }
        (_, None) => {
            let value = body.expr(value, None);
            let local = body.bind(name, value.ty.clone());
            Some(Step::Given(local, value))
        }
    }
}

/// `given wallet_rides["u1"] = 4`: what a counter says, or what a budget has been charged.
fn given_state(
    body: &mut Body<'_, '_>,
    id: StateId,
    place: &ast::Place,
    key: Option<&ast::Expr>,
    value: &ast::Expr,
) -> Option<Step> {
    let ty = match &body.checker.program.states[id].kind {
        StateKind::Counter { value, .. } => value.clone(),
        StateKind::Budget { currency, .. } => Ty::full(Unit::Money(*currency)),
        _ => {
            let found = states::wrong_test_call("given", "a counter or a budget")
                .at(place.span, "nothing that can be given");
            body.checker.sink.emit(found);
            return None;
        }
    };
    let key = body.key_of(id, key, place.span)?;
    let value = body.expr(value, Some(&ty));
    Some(Step::GivenState(id, key, value))
}

fn expect(body: &mut Body<'_, '_>, span: Span, condition: &ast::Expr, by: &[ast::Name]) -> Step {
    let scope = body.enter();
    let mut condition = body.condition(condition);
    body.leave(scope);
    let understood = !condition.ty.is_error();
    let by = (!by.is_empty()).then(|| {
        let asked = mark(&mut condition);
        if understood {
            deciders(body, asked, by, span);
        }
        by.iter()
            .map(|name| Arc::from(name.text.as_str()))
            .collect()
    });
    let subject = match &condition.kind {
        ExprKind::Compare(_, _, left, _) => Some((**left).clone()),
        ExprKind::Is(subject, _) => Some((**subject).clone()),
        _ => None,
    };
    Step::Expect {
        span,
        condition,
        subject,
        by,
    }
}

/// Marks the decision that an expectation asks about: the first that stands in it.
pub(in crate::check) fn mark(condition: &mut Expr) -> Option<Callee> {
    let mut found = None;
    walk::each_mut(condition, &mut |e| {
        if let ExprKind::Decide { callee, marked, .. } = &mut e.kind
            && found.is_none()
        {
            *marked = true;
            found = Some(*callee);
        }
    });
    found
}

/// Whether the names behind `by` are those of rules that could have decided.
fn deciders(body: &mut Body<'_, '_>, asked: Option<Callee>, by: &[ast::Name], span: Span) {
    let Some(callee) = asked else {
        let found = items::by_without_decision()
            .at(by[0].span, "of which rule set?")
            .at(span, "asks none");
        body.checker.sink.emit(found);
        return;
    };
    let program = &body.checker.program;
    let rules = rules_of(program, callee);
    let mut unknown = Vec::new();
    for name in by {
        let word = &*name.text;
        if word == OTHERWISE || rules.contains(&word) {
            continue;
        }
        let asked = match callee {
            Callee::RuleSet(id) => &program.rulesets[id].name,
            Callee::Pipeline(id) => &program.pipelines[id].name,
        };
        let found = items::unknown_rule(asked, name).at(name.span, "no rule of this name");
        let meant = closest(word, rules.iter().copied());
        unknown.push(did_you_mean(found, name.span, meant));
    }
    for diagnostic in unknown {
        body.checker.sink.emit(diagnostic);
    }
}

/// The names of the rules that can decide.
fn rules_of(program: &Program, callee: Callee) -> Vec<&str> {
    match callee {
        Callee::RuleSet(id) => program.rulesets[id]
            .rules
            .iter()
            .map(|r| &*r.name)
            .collect(),
        Callee::Pipeline(id) => {
            let asked = program.pipelines[id]
                .stages
                .iter()
                .filter_map(|s| match &s.value.kind {
                    ExprKind::Decide {
                        callee: Callee::RuleSet(id),
                        ..
                    } => Some(*id),
                    _ => None,
                });
            asked
                .flat_map(|id| program.rulesets[id].rules.iter().map(|r| &*r.name))
                .collect()
        }
    }
}
