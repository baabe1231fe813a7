//! How often states are asked at worst, by each function, rule set and index.
//!
//! As in [`cost`](crate::cost), the worst case is the longest path, and what is called counts where it is called.

use tollgate_runtime::Value;

use crate::callgraph::{CallGraph, Node};
use crate::cost::of_rules;
use crate::entities::{FuncId, IndexId, IndexVec, PlaceId, RuleSetId};
use crate::instructions::Inst;
use crate::module::{Func, Module};
use crate::operand::{Flag, Imm};
use crate::types::Type;

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

/// The module with what some places answer in the place of asking: what a decision does whose states answer so, as far as it asks nothing else. Each value
/// is of the type of its place. Linear in the module.
///
/// ```
/// # use tollgate_ir::{asks::answered, entities::PlaceId, text::{parse, print_module}};
/// # use tollgate_runtime::Value;
/// let text = "state state0 = calls
/// place place0 = once (state0) in f () -> bool
///
/// func f() -> bool {
/// block0:
///     v0 = ask place0()
///     return v0
/// }
/// ";
/// let module = parse(text, &[]).unwrap().module;
/// let answered = answered(&module, &[(PlaceId(0), Value::Bool(true))]);
/// assert!(print_module(&answered).contains("v0 = bconst true"));
/// ```
pub fn answered(module: &Module, answers: &[(PlaceId, Value)]) -> Module {
    let mut module = module.clone();
    let mut known: IndexVec<PlaceId, Option<Inst>> = module.places.keys().map(|_| None).collect();
    for (place, value) in answers {
        let Some(ty) = module.places.get(*place).map(|place| place.result) else {
            continue;
        };
        known[*place] = Some(match value {
            Value::Bool(answer) if ty == Type::BOOL => Inst::Bconst { imm: Flag(*answer) },
            Value::Int(answer) if ty == Type::INT => Inst::Iconst { imm: Imm(*answer) },
            Value::None => Inst::None { ty },
            value => Inst::Konst {
                value: module.konst(ty, value.clone()),
            },
        });
    }
    for func in module.funcs.values_mut() {
        for data in func.insts.values_mut() {
            if let Inst::Ask { place, .. } | Inst::Answer { place } = &data.inst
                && let Some(Some(constant)) = known.get(*place)
            {
                data.inst = constant.clone();
            }
        }
    }
    module
}
