//! States: nothing that asks is called where a pass may drop, repeat or move the call.

use rustc_hash::FxHashSet;

use super::Errors;
use crate::asks::Asks;
use crate::entities::FuncId;
use crate::instructions::Inst;
use crate::module::Module;
use crate::text::Place;

pub(super) fn check(module: &Module, errors: &mut Errors<'_>) {
    if module.places.is_empty() {
        return;
    }
    let asks = Asks::new(module);
    for (id, func) in module.funcs.iter() {
        for inst in func.blocks.values().flat_map(|b| &b.insts) {
            let asking = match &func.insts[*inst].inst {
                Inst::Call { func, .. } | Inst::Any { func, .. } | Inst::Fold { func, .. } => {
                    asks.func(*func) > 0
                }
                Inst::Decide { rules, .. } => asks.ruleset(*rules) > 0,
                Inst::Search { index, .. } => asks.index(*index) > 0,
                _ => false,
            };
            if asking {
                let message = "what it calls asks states, which only a marked call may do";
                errors.add(Place::Inst(id, *inst), message);
            }
        }
    }
    let quiet = |func: FuncId| match asks.func(func) {
        0 => Ok(()),
        _ => {
            let name = &module.funcs[func].name;
            Err(format!(
                "`{name}` asks states, which only a condition may do"
            ))
        }
    };
    for (id, rules) in module.rulesets.iter() {
        for (i, rule) in rules.rules.iter().enumerate() {
            for outcome in &rule.outcomes {
                errors.check(Place::Rule(id, i as u32), quiet(*outcome));
            }
        }
        if let Some(otherwise) = &rules.otherwise {
            errors.check(Place::Otherwise(id), quiet(otherwise.outcome));
        }
        if let Some(key) = rules.key {
            errors.check(Place::Key(id), quiet(key));
        }
    }
    for (id, index) in module.indexes.iter() {
        let may: FxHashSet<FuncId> = index.asks().collect();
        for func in index.functions.iter().filter(|f| !may.contains(f)) {
            errors.check(Place::RuleIndex(id), quiet(*func));
        }
    }
}
