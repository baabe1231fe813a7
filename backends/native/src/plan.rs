//! What a code generator knows of the whole program before it makes the first function.

use tollgate_ir::callgraph::{CallGraph, Node};
use tollgate_ir::entities::{FuncId, IndexVec};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Func, Module};

/// Which functions compiled code calls, and which may add marks. Linear to make.
///
/// Every function has an [`Entry`](crate::Entry). One that [`is_called`](Plan::is_called) by compiled code has besides a form that takes its
/// parameters in registers; its entry takes the words apart and calls that. The others are their entry, so that the tens of
/// thousands of outcomes which only a search calls are not made twice.
#[derive(Clone, Debug)]
pub struct Plan {
    called: IndexVec<FuncId, bool>,
    marks: IndexVec<FuncId, bool>,
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
        let mut marks: IndexVec<FuncId, bool> = module.funcs.keys().map(|_| false).collect();
        let order = CallGraph::new(module).bottom_up();
        let order = order.unwrap_or_else(|node| tollgate_ir::bug!("{node:?} calls itself"));
        for node in order {
            if let Node::Func(id) = node {
                marks[id] = insts(&module.funcs[id]).any(|inst| match inst {
                    Inst::Mark { .. } | Inst::SearchMarked { .. } => true,
                    Inst::CallMarked { func, .. } => marks[*func],
                    _ => false,
                });
            }
        }
        Plan { called, marks }
    }

    /// Whether compiled code calls the function by `call`, `any` or `fold`.
    pub fn is_called(&self, func: FuncId) -> bool {
        self.called[func]
    }

    /// Whether a call may add marks that are kept. A quiet call of a function that does not has none to forget.
    pub fn marks(&self, func: FuncId) -> bool {
        self.marks[func]
    }
}

fn insts(func: &Func) -> impl Iterator<Item = &Inst> {
    let ids = func.blocks.values().flat_map(|block| &block.insts);
    ids.map(|id| &func.insts[*id].inst)
}
