//! Rule sets: signatures, policies, groups.

use super::Errors;
use crate::entities::{Entity, FuncId, GroupId, RuleSetId};
use crate::module::{Module, Policy, RuleSet};
use crate::text::Place;
use crate::types::{Type, TypeData};

pub(super) fn check(module: &Module, errors: &mut Errors<'_>) {
    for (id, rules) in module.rulesets.iter() {
        match outcome_type(module, rules) {
            Ok(outcome) => signatures(module, id, rules, outcome, errors),
            Err(why) => errors.add(Place::RuleSet(id), why),
        }
        groups(id, rules, errors);
    }
}

/// The type of one outcome, which the policy makes the result of.
fn outcome_type(module: &Module, rules: &RuleSet) -> Result<Type, String> {
    let types = &module.types;
    let result = types.display(rules.result);
    match (rules.policy, types.get(rules.result)) {
        (Policy::All, TypeData::List(of)) => Ok(of),
        (Policy::All, _) => Err(format!("under `all` the result is a list, not {result}")),
        (Policy::Sum, TypeData::Int | TypeData::Float) => Ok(rules.result),
        (Policy::Sum, _) => Err(format!("under `sum` the result is a number, not {result}")),
        _ => Ok(rules.result),
    }
}

fn signatures(
    module: &Module,
    id: RuleSetId,
    rules: &RuleSet,
    outcome: Type,
    errors: &mut Errors<'_>,
) {
    let expect = |func: FuncId, extra: Option<Type>, result: Type| {
        let func = &module.funcs[func];
        let params = func.params().iter().map(|v| func.ty(*v));
        if func.result == result && params.eq(rules.params.iter().copied().chain(extra)) {
            return Ok(());
        }
        let types = &module.types;
        let list = |params: &mut dyn Iterator<Item = Type>| {
            let names: Vec<String> = params.map(|t| types.display(t).to_string()).collect();
            names.join(", ")
        };
        Err(format!(
            "`{}` is ({}) -> {}, not ({}) -> {}",
            func.name,
            list(&mut func.params().iter().map(|v| func.ty(*v))),
            types.display(func.result),
            list(&mut rules.params.iter().copied().chain(extra)),
            types.display(result)
        ))
    };
    for (group, data) in rules.groups.iter() {
        errors.check(Place::Group(id, group), expect(data.cond, None, Type::BOOL));
    }
    for (i, rule) in rules.rules.iter().enumerate() {
        let place = Place::Rule(id, i as u32);
        if let Some(cond) = rule.cond {
            errors.check(place, expect(cond, None, Type::BOOL));
        }
        for func in &rule.outcomes {
            errors.check(place, expect(*func, None, outcome));
        }
        match rule.outcomes.len() {
            0 => errors.add(place, "a rule has an outcome"),
            1 => {}
            _ if rules.policy == Policy::All => {}
            _ => errors.add(place, "several outcomes stand only under `all`"),
        }
    }
    let collects = matches!(rules.policy, Policy::All | Policy::Sum);
    if let Some(otherwise) = &rules.otherwise {
        let place = Place::Otherwise(id);
        errors.check(place, expect(otherwise.outcome, None, outcome));
        if collects {
            errors.add(place, "`otherwise` does not stand under `all` and `sum`");
        }
    } else if rules.rules.is_empty() && !collects {
        errors.add(
            Place::RuleSet(id),
            "without rules there must be an `otherwise`",
        );
    }
    match (rules.policy, rules.key) {
        (Policy::Best, None) => errors.add(Place::RuleSet(id), "`best` has a key"),
        (Policy::Best, Some(key)) => {
            errors.check(Place::Key(id), expect(key, Some(outcome), Type::INT));
        }
        (_, Some(_)) => errors.add(Place::Key(id), "a key stands only under `best`"),
        (_, None) => {}
    }
}

/// Parents first, and the rules of each group together. Every group is entered once, so this is linear.
fn groups(id: RuleSetId, rules: &RuleSet, errors: &mut Errors<'_>) {
    for (group, data) in rules.groups.iter() {
        if data.parent.is_some_and(|parent| parent >= group) {
            errors.add(
                Place::Group(id, group),
                "its parent does not stand before it",
            );
            return;
        }
    }
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Closed,
    }
    let mut state = vec![State::New; rules.groups.len()];
    let mut open: Vec<GroupId> = Vec::new();
    for (i, rule) in rules.rules.iter().enumerate() {
        let mut entered = Vec::new();
        let mut at = rule.group;
        while let Some(group) = at
            && state[group.index()] == State::New
        {
            entered.push(group);
            at = rules.groups[group].parent;
        }
        if let Some(group) = at
            && state[group.index()] == State::Closed
        {
            errors.add(
                Place::Rule(id, i as u32),
                format!("the other rules of {group} do not stand next to it"),
            );
            return;
        }
        // Leave the groups that the rule does not stand in.
        while let Some(last) = open.last()
            && Some(*last) != at
        {
            state[last.index()] = State::Closed;
            open.pop();
        }
        for group in entered.into_iter().rev() {
            state[group.index()] = State::Open;
            open.push(group);
        }
    }
}
