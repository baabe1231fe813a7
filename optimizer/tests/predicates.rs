//! Conditions of random modules taken apart: each formula holds exactly when the interpreter says that the conditions do.
//!
//! The functions are those of the passes' random modules: with blocks of parameters, switches, calls and every instruction of
//! the table, which is more than the frontend writes.

mod generate;

use generate::{Random, module};
use tollgate_ir::cost::Costs;
use tollgate_ir::entities::{FuncId, IndexVec};
use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Module, Otherwise, Policy, Rule, RuleSet, Target};
use tollgate_ir::predicates::{Predicates, predicates};
use tollgate_ir::text::print_module;
use tollgate_ir::types::Type;
use tollgate_ir::verify::verify;
use tollgate_runtime::{Arena, Cx, Value, Word};

/// How many modules are tried, and with how many inputs each.
const MODULES: u64 = 200;
const INPUTS: u64 = 30;

#[test]
fn a_formula_holds_when_its_conditions_do() {
    let modules = std::env::var("TOLLGATE_PROGRAMS")
        .ok()
        .and_then(|n| n.parse().ok());
    let mut found = Found::default();
    for seed in 0..modules.unwrap_or(MODULES) {
        try_module(seed, &mut found);
    }
    // The check can only fail where formulas hold and where they do not, and where something was taken apart.
    assert!(
        found.yes > 500 && found.no > 500 && found.atoms > 1000,
        "{found:?}"
    );
}

#[derive(Default, Debug)]
struct Found {
    yes: u64,
    no: u64,
    atoms: u64,
}

fn try_module(seed: u64, found: &mut Found) {
    let mut module = module(seed);
    // Every function of truth values is a condition, too, of a rule set that nothing asks.
    let more: Vec<RuleSet> = module
        .rulesets
        .values()
        .map(|r| all_of(&module, r))
        .collect();
    for rules in more {
        module.rulesets.push(rules);
    }
    if let Err(errors) = verify(&module) {
        panic!("seed {seed}: {}", errors[0]);
    }
    let costs = Costs::new(&module);
    for (id, rules) in module.rulesets.iter() {
        // Nobody takes the features of these apart: that would ask more, or less.
        if costs.asks().ruleset(id) > 0 {
            continue;
        }
        let asked = predicates(&module, &costs, rules);
        asked
            .rules
            .iter()
            .for_each(|f| f.atoms(&mut |_| found.atoms += 1));
        try_rules(&module, rules, &asked, seed, found);
    }
}

/// A rule set of the same parameters, with a rule for each function that can be a condition.
fn all_of(module: &Module, rules: &RuleSet) -> RuleSet {
    let fits = |f: &FuncId| {
        let func = &module.funcs[*f];
        if func.name.starts_with("asks") {
            return false;
        }
        let params = func.params().iter().map(|v| func.ty(*v));
        func.result == Type::BOOL && params.eq(rules.params.iter().copied())
    };
    let conds = module.funcs.keys().filter(fits).enumerate();
    let site = rules.rules[0].site;
    let outcome = rules.rules[0].outcomes[0];
    let rule = |(i, cond): (usize, FuncId)| Rule {
        name: format!("rule {i}").into(),
        site,
        group: None,
        cond: Some(cond),
        outcomes: vec![outcome],
    };
    RuleSet {
        name: format!("all of {}", rules.name).into(),
        params: rules.params.clone(),
        result: module.funcs[outcome].result,
        policy: Policy::First,
        groups: IndexVec::new(),
        rules: conds.map(rule).collect(),
        otherwise: Some(Otherwise { site, outcome }),
        key: None,
    }
}

fn try_rules(module: &Module, rules: &RuleSet, asked: &Predicates, seed: u64, found: &mut Found) {
    let mut grown = module.clone();
    let emit = |(i, f): (usize, &tollgate_ir::predicates::Feature)| {
        asked.emit(&mut grown, f.term, format!("feature {i}").into())
    };
    let computed: Vec<FuncId> = asked.features.iter().enumerate().map(emit).collect();
    if let Err(errors) = verify(&grown) {
        panic!("seed {seed}: {}", errors[0]);
    }
    let interp = Interp::new(&grown);
    for input in 0..INPUTS {
        let mut random = Random::new(seed ^ (input << 32));
        let arena = Arena::new();
        let args = rules.params.iter().map(|t| random.value(module, *t));
        let args: Vec<Value> = args.collect();
        let args: Vec<Word<'_>> = args.iter().map(|v| v.word(&arena)).collect();
        let data = [Word::Int(7)];
        let mut cx = Cx::new(&arena, "an id", 1_700_000_000_000_000);
        cx.data = &data;
        let mut call = |func: FuncId| interp.run(Target::Func(func), &mut cx, &args);
        for (i, rule) in rules.rules.iter().enumerate() {
            let mut conds: Vec<FuncId> = rule.cond.into_iter().collect();
            let mut group = rule.group;
            while let Some(id) = group {
                conds.push(rules.groups[id].cond);
                group = rules.groups[id].parent;
            }
            let expected = conds.into_iter().rev().all(|cond| call(cond).bool());
            let holds = asked.rules[i].holds(&mut |f| call(computed[f as usize]));
            *(if holds { &mut found.yes } else { &mut found.no }) += 1;
            assert!(
                holds == expected,
                "seed {seed}: `{}` holds: {expected}, its formula: {holds}, for {args:?}\n{}\n{}",
                rule.name,
                asked.names(module, &[]).formula(&asked.rules[i]),
                print_module(module)
            );
        }
    }
}
