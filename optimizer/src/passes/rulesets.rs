//! Putting something else in the place of rule sets.

use tollgate_ir::entities::{FuncId, RuleSetId};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Func, Module, Target};

use crate::pass::Changed;

/// What a rule set is now.
#[derive(Clone, Copy)]
pub(super) enum Became {
    /// A function of its parameters, which marks what decides.
    Func(FuncId),
    /// A rule set still, by its new number.
    Rules(RuleSetId),
}

/// Lets what decided by rule sets call the functions that they became, and drops these rule sets. One function a rule set is enough,
/// though some callers want its marks and others do not: `decide_marked` becomes `call_marked`, and `decide` becomes
/// `call`, which drops them. Linear.
pub(super) fn replace(module: &mut Module, became: &[Became], changed: &mut Changed) {
    if became.iter().all(|b| matches!(b, Became::Rules(_))) {
        return;
    }
    changed.module = true;
    let now = |rules: RuleSetId| became[rules.0 as usize];
    for id in module.funcs.keys() {
        if in_func(&mut module.funcs[id], &now) {
            changed.funcs.push(id);
        }
    }
    changed.funcs.sort_unstable();
    changed.funcs.dedup();
    for entry in &mut module.entries {
        if let Target::Rules(rules) = entry.target {
            entry.target = match now(rules) {
                Became::Func(func) => Target::Func(func),
                Became::Rules(rules) => Target::Rules(rules),
            };
        }
    }
    let rulesets = std::mem::take(&mut module.rulesets).into_values();
    let kept = rulesets
        .zip(became)
        .filter(|(_, b)| matches!(b, Became::Rules(_)));
    module.rulesets = kept.map(|(rules, _)| rules).collect();
}

fn in_func(func: &mut Func, now: &impl Fn(RuleSetId) -> Became) -> bool {
    let mut changed = false;
    for data in func.insts.values_mut() {
        let (rules, args, marked) = match &mut data.inst {
            Inst::Decide { rules, args } => (*rules, std::mem::take(args), false),
            Inst::DecideMarked { rules, args } => (*rules, std::mem::take(args), true),
            _ => continue,
        };
        data.inst = match (now(rules), marked) {
            (Became::Func(func), true) => Inst::CallMarked { func, args },
            (Became::Func(func), false) => Inst::Call { func, args },
            (Became::Rules(rules), true) => Inst::DecideMarked { rules, args },
            (Became::Rules(rules), false) => Inst::Decide { rules, args },
        };
        changed = true;
    }
    changed
}
