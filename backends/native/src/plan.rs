//! What a code generator knows of the whole program before it makes the first function.

use tollgate_ir::callgraph::{CallGraph, Node};
use tollgate_ir::entities::{FuncId, IndexVec};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Func, Module, Target};

/// Which functions compiled code calls, which are called from outside, and which may add marks. Linear to make.
///
/// A function that [`is_called`](Plan::is_called) by compiled code has a form that takes its parameters in registers. One that
/// [`is_entered`](Plan::is_entered) has an [`Entry`](crate::Entry); if it has a form besides, that takes the words apart and calls the
/// form, and else the entry is the function. So neither the tens of thousands of outcomes that only a search calls are made twice, nor those
/// of conditions that only a chain of rules calls.
#[derive(Clone, Debug)]
pub struct Plan {
    called: IndexVec<FuncId, bool>,
    entered: IndexVec<FuncId, bool>,
    marks: IndexVec<FuncId, bool>,
    alone: IndexVec<FuncId, bool>,
}

/// What is made of a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Words in, a word out: the function itself, called from outside only.
    Entry,
    /// The same, by calling the form with registers.
    Wrapper,
    /// Parts in, parts out.
    Registers,
}

impl Plan {
    /// Looks at a verified module.
    pub fn new(module: &Module) -> Plan {
        let mut called: IndexVec<FuncId, bool> = module.funcs.keys().map(|_| false).collect();
        for func in module.funcs.values() {
            for inst in insts(func) {
                if let Some(callee) = inst.callee() {
                    called[callee] = true;
                }
            }
        }
        // What nobody calls may still be asked for by a host.
        let mut entered: IndexVec<FuncId, bool> = called.values().map(|called| !called).collect();
        let entries = module
            .entries
            .iter()
            .filter_map(|entry| match entry.target {
                Target::Func(func) => Some(func),
                Target::Rules(_) => None,
            });
        let searched = module.indexes.values().flat_map(|index| &index.functions);
        for func in entries.chain(searched.copied()) {
            entered[func] = true;
        }
        let mut marks: IndexVec<FuncId, bool> = module.funcs.keys().map(|_| false).collect();
        let mut alone = marks.clone();
        let order = CallGraph::new(module).bottom_up();
        let order = order.unwrap_or_else(|node| tollgate_ir::bug!("{node:?} calls itself"));
        for node in order {
            if let Node::Func(id) = node {
                marks[id] = insts(&module.funcs[id]).any(|inst| match inst {
                    Inst::Mark { .. } | Inst::SearchMarked { .. } => true,
                    Inst::CallMarked { func, .. } => marks[*func],
                    _ => false,
                });
                alone[id] = insts(&module.funcs[id]).all(|inst| match inst {
                    Inst::Native { .. }
                    | Inst::Search { .. }
                    | Inst::SearchMarked { .. }
                    | Inst::Ask { .. }
                    | Inst::Answer { .. }
                    | Inst::Data { .. }
                    | Inst::DecisionId {}
                    | Inst::DecisionTime {} => false,
                    other => other.callee().is_none_or(|callee| alone[callee]),
                });
            }
        }
        Plan {
            called,
            entered,
            marks,
            alone,
        }
    }

    /// Whether compiled code calls the function by `call`, `any` or `fold`.
    pub fn is_called(&self, func: FuncId) -> bool {
        self.called[func]
    }

    /// Whether the function is called from outside: by the host, or by a search. One that is neither entered nor called there is not.
    pub fn is_entered(&self, func: FuncId) -> bool {
        self.entered[func]
    }

    /// Whether a call may add marks that are kept. A quiet call of a function that does not has none to forget.
    pub fn marks(&self, func: FuncId) -> bool {
        self.marks[func]
    }

    /// Whether the function, and all that it calls, asks nothing of a decision but where values are made: it calls no native, searches nothing,
    /// asks no states, and reads neither data nor id nor time.
    pub fn is_alone(&self, func: FuncId) -> bool {
        self.alone[func]
    }
}

fn insts(func: &Func) -> impl Iterator<Item = &Inst> {
    let ids = func.blocks.values().flat_map(|block| &block.insts);
    ids.map(|id| &func.insts[*id].inst)
}
