//! Where rule sets that ask states may be called: as an entry, as a stage, and in a test's `expect`.

use rustc_hash::{FxHashMap, FxHashSet};
use tollgate_ir::entities::Entity;

use super::calls::Node;
use super::calls::for_each_expr;
use crate::check::Checker;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::catalog::states;
use crate::hir::{Callee, Expr, ExprKind, PipelineId, Program, RuleSetId, StateId, Step, walk};

/// Refuses every other call of them, and states that a rule set in shadow mode shares.
pub(super) fn check(checker: &mut Checker<'_>) {
    let program = &checker.program;
    if program.places.is_empty() {
        return;
    }
    let mut found = Vec::new();
    let owners = program.places.values().filter_map(|p| p.owner);
    let mut asks: FxHashSet<Callee> = owners.map(Callee::RuleSet).collect();
    for (id, pipeline) in program.pipelines.iter() {
        let mut seen = FxHashSet::default();
        for stage in &pipeline.stages {
            if let Some(set) = stage_of(&stage.value)
                && asks.contains(&Callee::RuleSet(set))
            {
                asks.insert(Callee::Pipeline(id));
                if !seen.insert(set) {
                    let name = &program.rulesets[set].name;
                    found.push(states::asks_twice(name).at(stage.value.span, "a second time"));
                }
            }
        }
    }
    calls(program, &asks, &mut found);
    shadows(program, &mut found);
    for diagnostic in found {
        checker.sink.emit(diagnostic);
    }
}

/// The rule set that is the value of a stage.
fn stage_of(value: &Expr) -> Option<RuleSetId> {
    match &value.kind {
        ExprKind::Decide {
            callee: Callee::RuleSet(id),
            ..
        } => Some(*id),
        _ => None,
    }
}

fn calls(program: &Program, asks: &FxHashSet<Callee>, found: &mut Vec<Diagnostic>) {
    let mut report = |e: &Expr| {
        if let ExprKind::Decide { callee, .. } = &e.kind
            && asks.contains(callee)
        {
            let name = match callee {
                Callee::RuleSet(id) => &program.rulesets[*id].name,
                Callee::Pipeline(id) => &program.pipelines[*id].name,
            };
            found.push(states::asks_in_value(name).at(e.span, "asked in the middle of something"));
        }
    };
    for id in program.fns.keys() {
        for_each_expr(program, Node::Fn(id), &mut report);
    }
    for id in program.rulesets.keys() {
        for_each_expr(program, Node::Decision(Callee::RuleSet(id)), &mut report);
    }
    for raw in 0..program.pipelines.len() {
        let pipeline = &program.pipelines[PipelineId::new(raw)];
        for stage in &pipeline.stages {
            match stage_of(&stage.value) {
                Some(_) => walk::parts(&stage.value, &mut |part| walk::each(part, &mut report)),
                None => walk::each(&stage.value, &mut report),
            }
            if let Some((_, value)) = &stage.stop {
                walk::each(value, &mut report);
            }
        }
        walk::each(&pipeline.then, &mut report);
    }
    for step in program.tests.iter().flat_map(|t| &t.steps) {
        if let Step::Given(_, value) | Step::GivenData(_, value) | Step::GivenState(_, _, value) =
            step
        {
            walk::each(value, &mut report);
        }
    }
}

fn shadows(program: &Program, found: &mut Vec<Diagnostic>) {
    let mut of: FxHashMap<StateId, RuleSetId> = FxHashMap::default();
    let places = || program.places.values();
    let each = || places().flat_map(|p| p.states.iter().map(move |s| (p, *s)));
    for (place, state) in each() {
        if let Some(owner) = place.owner
            && program.rulesets[owner].shadow.is_some()
        {
            of.insert(state, owner);
        }
    }
    for (place, state) in each() {
        if let (Some(shadow), Some(owner)) = (of.get(&state), place.owner)
            && *shadow != owner
        {
            let (name, set) = (&program.states[state].name, &program.rulesets[*shadow].name);
            let diagnostic = states::shadow_shares_state(name, set)
                .at(place.span, "asked here, too")
                .help("give the shadow a state of its own");
            found.push(diagnostic);
        }
    }
}
