//! What a call can cost at worst, in steps.
//!
//! A step is counted for what the table of instructions says, one for every terminator, and what natives say of themselves.
//! Every branch goes forward and no function calls itself, so the worst case of a function is the longest path through it:
//! calls count the worst case of what they call, `any` and `fold` that of their function times the most elements the
//! checker lets through. The worst case is never less than what an engine counts:
//!
//! `interp` steps ≤ bound, for every input that the boundary lets in (tested on every program the suite runs).

use crate::asks::Asks;
use crate::callgraph::{CallGraph, Node};
use crate::entities::{FuncId, IndexId, IndexVec, RuleSetId};
use crate::instructions::Inst;
use crate::module::{Func, Module, Policy, Rule, RuleSet};

/// Steps of a terminator of any kind.
pub const TERMINATOR: u64 = 1;
/// Steps of trying a condition, giving an outcome or asking for a key, beside those of the function.
pub const RULE: u64 = 1;

/// The worst case of every function and rule set, in steps; at the greatest number where it would be more.
#[derive(Clone, Debug)]
pub struct Costs {
    funcs: IndexVec<FuncId, u64>,
    rulesets: IndexVec<RuleSetId, u64>,
    indexes: IndexVec<IndexId, u64>,
    asks: Asks,
}

impl Costs {
    /// Works out the worst cases of a verified module. Linear.
    pub fn new(module: &Module) -> Costs {
        let mut costs = Costs {
            funcs: module.funcs.keys().map(|_| 0).collect(),
            rulesets: module.rulesets.keys().map(|_| 0).collect(),
            indexes: module.indexes.keys().map(|_| 0).collect(),
            asks: Asks::new(module),
        };
        let order = CallGraph::new(module).bottom_up();
        let order = order.unwrap_or_else(|node| crate::bug!("{node:?} calls itself"));
        for node in order {
            match node {
                Node::Func(id) => costs.funcs[id] = costs.of_func(module, &module.funcs[id]),
                Node::Rules(id) => {
                    costs.rulesets[id] = of_rules(&module.rulesets[id], &mut |f| costs.part(f))
                }
                Node::Index(id) => costs.indexes[id] = module.indexes[id].cost(&costs.funcs),
            }
        }
        costs
    }

    /// The worst case of a call of the function.
    pub fn func(&self, id: FuncId) -> u64 {
        self.funcs[id]
    }

    /// The worst case of a decision by the rule set.
    pub fn ruleset(&self, id: RuleSetId) -> u64 {
        self.rulesets[id]
    }

    /// The worst case of a decision by the index.
    pub fn index(&self, id: IndexId) -> u64 {
        self.indexes[id]
    }

    /// The most operations on states.
    pub fn asks(&self) -> &Asks {
        &self.asks
    }

    /// The worst case of one instruction, with what it calls.
    pub fn inst(&self, module: &Module, inst: &Inst) -> u64 {
        let times = |max: i64, func| self.func(func).saturating_mul(max.max(0) as u64);
        let called = match inst {
            Inst::Any { func, max, .. } | Inst::Fold { func, max, .. } => times(max.0, *func),
            Inst::Call { func, .. } | Inst::CallMarked { func, .. } => self.func(*func),
            Inst::Decide { rules, .. } | Inst::DecideMarked { rules, .. } => self.ruleset(*rules),
            Inst::Search { index, .. } | Inst::SearchMarked { index, .. } => self.indexes[*index],
            Inst::Native { native, .. } => module.natives[*native].cost.into(),
            _ => 0,
        };
        called.saturating_add(inst.opcode().cost())
    }

    fn of_func(&self, module: &Module, func: &Func) -> u64 {
        let mut from: IndexVec<_, u64> = func.blocks.keys().map(|_| 0).collect();
        for (id, block) in func.blocks.iter().rev() {
            let after = block.term.jumps().map(|j| from[j.block]).max();
            let insts = block.insts.iter().map(|i| &func.insts[*i].inst);
            from[id] = insts
                .map(|inst| self.inst(module, inst))
                .fold(after.unwrap_or(0), u64::saturating_add)
                .saturating_add(TERMINATOR);
        }
        from[Func::ENTRY]
    }

    /// The worst case of one rule: its condition and its outcomes, without the groups around it.
    pub fn rule(&self, rule: &Rule) -> u64 {
        let funcs = rule.cond.iter().chain(&rule.outcomes);
        funcs.map(|f| self.part(*f)).fold(0, u64::saturating_add)
    }

    /// The worst case of a condition, outcome or key, as a rule set counts it.
    pub fn part(&self, func: FuncId) -> u64 {
        self.func(func).saturating_add(RULE)
    }
}

/// The worst case of a rule set, given that of its conditions, outcomes and key: every condition is tried; under `first`,
/// `unique` and `any` one outcome is given, elsewhere all are.
pub(crate) fn of_rules(rules: &RuleSet, call: &mut dyn FnMut(FuncId) -> u64) -> u64 {
    let groups = rules.groups.values().map(|g| g.cond);
    let conds = groups.chain(rules.rules.iter().filter_map(|r| r.cond));
    let conds = conds.map(&mut *call).fold(0, u64::saturating_add);
    let otherwise = rules.otherwise.map_or(0, |o| call(o.outcome));
    let key = rules.key.map_or(0, &mut *call);
    let outcomes = rules.rules.iter().flat_map(|r| &r.outcomes);
    let outcomes = outcomes.map(|f| call(*f));
    let given = match rules.policy {
        Policy::First | Policy::Unique | Policy::Any => outcomes.max().unwrap_or(0).max(otherwise),
        Policy::All | Policy::Sum => outcomes.fold(0, u64::saturating_add),
        Policy::Best => {
            let keys = call_times(key, rules.rules.len());
            let outcomes = outcomes.fold(0, u64::saturating_add);
            outcomes.saturating_add(keys).max(otherwise)
        }
    };
    conds.saturating_add(given)
}

fn call_times(cost: u64, times: usize) -> u64 {
    cost.saturating_mul(times as u64)
}
