//! What a pass is: a function over the module that says which functions it changed. Nothing more.

use rustc_hash::FxHashMap;
use tollgate_ir::entities::{FuncId, IndexVec};
use tollgate_ir::module::{Func, Module};
use tollgate_ir::types::Type;

use crate::pipeline::Aim;

/// A pass. It leaves a module that verifies, whatever verified module it is given.
pub(crate) type PassFn = fn(&mut Module, Aim) -> Changed;

/// What a pass changed.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// The functions whose text differs, by their index behind the pass, ascending.
    pub(crate) funcs: Vec<FuncId>,
    /// Whether functions were added, removed or renumbered.
    pub(crate) module: bool,
}

impl Changed {
    /// Whether anything is different from before.
    pub(crate) fn any(&self) -> bool {
        self.module || !self.funcs.is_empty()
    }
}

/// Runs a pass that looks at one function at a time over all functions, in order. While it does, an empty function stands in
/// the place of the one that is being changed. Changed functions are compacted.
pub(crate) fn each_func(
    module: &mut Module,
    mut change: impl FnMut(&mut Func, &mut Module) -> bool,
) -> Changed {
    let mut changed = Changed::default();
    for id in module.funcs.keys() {
        let mut func = std::mem::replace(&mut module.funcs[id], no_func());
        if change(&mut func, module) {
            func.compact();
            changed.funcs.push(id);
        }
        module.funcs[id] = func;
    }
    changed
}

/// The function that stands in for one that is taken out of its module.
pub(crate) fn no_func() -> Func {
    Func {
        name: "".into(),
        result: Type::BOOL,
        blocks: IndexVec::new(),
        insts: IndexVec::new(),
        vals: IndexVec::new(),
    }
}

/// Unique names for functions that a pass adds.
pub(crate) struct Names {
    taken: FxHashMap<Box<str>, u32>,
}

impl Names {
    /// The names that are taken in a module.
    pub(crate) fn of(module: &Module) -> Names {
        Names {
            taken: module.funcs.values().map(|f| (f.name.clone(), 0)).collect(),
        }
    }

    /// `name`, or `name.1`, `name.2`, … if it is taken. Takes it.
    pub(crate) fn fresh(&mut self, name: &str) -> Box<str> {
        let mut candidate: Box<str> = name.into();
        while self.taken.contains_key(&candidate) {
            let count = self.taken.entry(name.into()).or_default();
            *count += 1;
            candidate = format!("{name}.{count}").into();
        }
        self.taken.insert(candidate.clone(), 0);
        candidate
    }
}

/// How many instructions stand in the blocks of a function.
pub(crate) fn size(func: &Func) -> usize {
    func.blocks.values().map(|b| b.insts.len()).sum()
}
