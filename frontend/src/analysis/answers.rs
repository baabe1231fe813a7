//! Which answers the conditions of a rule can give when its turn comes, after the rules before it and from left to right.

use tollgate_grammar::source::Span;
use tollgate_ir::cost::Costs;
use tollgate_ir::predicates::predicates;
use tollgate_ir::predicates::solve::{Subject, never_decide};
use tollgate_runtime::Value;

use super::Outside;
use crate::hir::{Expr, Form, Policy, Program, Rule, RuleSet, RuleSetId};
use crate::lower::lower_rulesets;
use crate::types::ty::Ty;

/// Whether an operand of a condition can hold, and whether it can fail. That it cannot is a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Possible {
    /// Whether it can hold, or deny.
    pub yes: bool,
    /// Whether it can fail, or skip the rule.
    pub no: bool,
}

/// Which answers the operands of a rule's own condition can give, one by one.
///
/// They are questions that the analysis answers anyway. Let the rule stand there with all of its condition, then without the last
/// operand, then without the last two, and so on: one of these that never decides, because the longer ones before it take all that gets
/// there, is one whose next operand never fails.
///
/// Takes time about linear in the rules up to this one. The program is as before when this returns.
///
/// # Panics
/// When the program has errors: check before.
pub fn possible_answers(program: &mut Program, id: RuleSetId, rule: usize) -> Vec<Possible> {
    let set = &program.rulesets[id];
    let spine = &set.rules[rule].spine;
    let operands = spine.len();
    let before = match set.policy {
        Policy::First | Policy::Unique | Policy::Any => rule,
        // Every rule has its turn.
        Policy::All | Policy::Best { .. } | Policy::Sum => 0,
    };
    let shorter = (0..=operands).rev().map(|n| Rule {
        spine: spine[..n].to_vec(),
        ..alone(&set.rules[rule])
    });
    let rules = set.rules[..before].iter().map(|rule| Rule {
        spine: rule.spine.clone(),
        ..alone(rule)
    });
    let asked = RuleSet {
        form: Form::RuleSet,
        result: Ty::Bool,
        outcome: Ty::Bool,
        policy: Policy::First,
        rules: rules.chain(shorter).collect(),
        otherwise: Some(truth(false, set.span)),
        cost: None,
        name: set.name.clone(),
        module: set.module.clone(),
        params: set.params.clone(),
        locals: set.locals.clone(),
        groups: set.groups.clone(),
        ..*set
    };
    let set = std::mem::replace(&mut program.rulesets[id], asked);
    let never = never(program, id, before as u32);
    program.rulesets[id] = set;
    // By how many operands are left of the condition.
    let never = |n: usize| never.get(operands - n).copied().unwrap_or(false);
    let each = (0..operands).map(|n| Possible {
        no: !never(n),
        yes: !(n + 1..=operands).all(never),
    });
    each.collect()
}

/// A rule of which only the place and the group are kept. What it gives does not matter.
fn alone(rule: &Rule) -> Rule {
    Rule {
        name: rule.name.clone(),
        span: rule.span,
        why: None,
        tags: Vec::new(),
        group: rule.group,
        spine: Vec::new(),
        outcomes: vec![truth(true, rule.span)],
    }
}

fn truth(value: bool, span: Span) -> Expr {
    Expr::constant(Value::Bool(value), Ty::Bool, span)
}

fn never(program: &Program, id: RuleSetId, first: u32) -> Vec<bool> {
    let lowered = lower_rulesets(program, &[id]);
    let Some(rules) = lowered.rulesets[id] else {
        return Vec::new();
    };
    let module = &lowered.module;
    let costs = Costs::new(module);
    let outside = Outside::of(program, &[id]);
    let Some(params) = outside.params.first() else {
        return Vec::new();
    };
    let predicates = predicates(module, &costs, &module.rulesets[rules]);
    let subject = Subject {
        module,
        rules,
        predicates: &predicates,
        costs: &costs,
        schema: &outside.schema,
        data: &outside.data,
        params,
        pairs: 0,
    };
    never_decide(subject, first)
}
