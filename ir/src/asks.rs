//! How often states are asked at worst, by each function, rule set and index.
//!
//! As in [`cost`](crate::cost), the worst case is the longest path, and what is called counts where it is called.

use crate::callgraph::{CallGraph, Node};
use crate::cost::of_rules;
use crate::entities::{FuncId, IndexId, IndexVec, RuleSetId};
use crate::instructions::Inst;
use crate::module::{Func, Module};

/// The most operations on states of every function, rule set and index; at the greatest number where it would be more.
#[derive(Clone, Debug)]
pub struct Asks {
    funcs: IndexVec<FuncId, u64>,
    rulesets: IndexVec<RuleSetId, u64>,
    indexes: IndexVec<IndexId, u64>,
}

impl Asks {
    /// Works out the worst cases of a module in which nothing calls itself. Linear; constant without places.
    ///
    /// # Panics
    /// When something calls itself.
    pub fn new(module: &Module) -> Asks {
        let mut asks = Asks {
            funcs: module.funcs.keys().map(|_| 0).collect(),
            rulesets: module.rulesets.keys().map(|_| 0).collect(),
            indexes: module.indexes.keys().map(|_| 0).collect(),
        };
        if module.places.is_empty() {
            return asks;
        }
        let order = CallGraph::new(module).bottom_up();
        let order = order.unwrap_or_else(|node| crate::bug!("{node:?} calls itself"));
        for node in order {
            match node {
                Node::Func(id) => asks.funcs[id] = asks.of_func(&module.funcs[id]),
                Node::Rules(id) => {
                    asks.rulesets[id] = of_rules(&module.rulesets[id], &mut |f| asks.funcs[f]);
                }
                Node::Index(id) => {
                    let of = module.indexes[id].asks().map(|func| asks.funcs[func]);
                    asks.indexes[id] = of.fold(0, u64::saturating_add);
                }
            }
        }
        asks
    }

    /// The most operations of a call of the function.
    pub fn func(&self, id: FuncId) -> u64 {
        self.funcs[id]
    }

    /// The most operations of a decision by the rule set.
    pub fn ruleset(&self, id: RuleSetId) -> u64 {
        self.rulesets[id]
    }

    /// The most operations of a decision by the index.
    pub fn index(&self, id: IndexId) -> u64 {
        self.indexes[id]
    }

    fn of_func(&self, func: &Func) -> u64 {
        let mut from: IndexVec<_, u64> = func.blocks.keys().map(|_| 0).collect();
        for (id, block) in func.blocks.iter().rev() {
            let after = block.term.jumps().map(|j| from[j.block]).max();
            let insts = block.insts.iter().map(|i| &func.insts[*i].inst);
            from[id] = insts
                .map(|inst| self.inst(inst))
                .fold(after.unwrap_or(0), u64::saturating_add);
        }
        from[Func::ENTRY]
    }

    fn inst(&self, inst: &Inst) -> u64 {
        match inst {
            Inst::Ask { .. } => 1,
            Inst::Decide { rules, .. } | Inst::DecideMarked { rules, .. } => self.rulesets[*rules],
            Inst::Search { index, .. } | Inst::SearchMarked { index, .. } => self.indexes[*index],
            Inst::Any { func, max, .. } | Inst::Fold { func, max, .. } => {
                self.funcs[*func].saturating_mul(max.0.max(0) as u64)
            }
            inst => inst.callee().map_or(0, |func| self.funcs[func]),
        }
    }
}
