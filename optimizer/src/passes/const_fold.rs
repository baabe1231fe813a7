//! Evaluates instructions whose operands are constants, and takes the branches that constants decide.
//!
//! Constant propagation in its simplest form (Muchnick, "Advanced Compiler Design and Implementation", §12.1): one sweep in the order of the
//! blocks. What flows through block parameters, or is known only behind a branch, is left to `sccp`. Linear.

use tollgate_ir::entities::Entity;
use tollgate_ir::module::{Func, Module, Terminator};
use tollgate_runtime::Arena;

use crate::blocks;
use crate::consts::{Const, Folder};
use crate::pass::{Changed, each_func};
use crate::pipeline::Aim;

pub(crate) fn run(module: &mut Module, _: Aim) -> Changed {
    let arena = Arena::new();
    let mut folder = Folder::new(&arena);
    each_func(module, |func, module| fold(func, module, &mut folder))
}

fn fold(func: &mut Func, module: &mut Module, folder: &mut Folder<'_>) -> bool {
    let mut known: Vec<Option<Const>> = vec![None; func.vals.len()];
    let mut changed = false;
    for block in func.blocks.keys() {
        for at in 0..func.blocks[block].insts.len() {
            let id = func.blocks[block].insts[at];
            let data = &func.insts[id];
            let Some(result) = data.result else { continue };
            let ty = func.ty(result);
            let folded = folder.fold(module, func, &data.inst, ty, |v| known[v.index()]);
            if let Some(constant) = folded {
                known[result.index()] = folded;
                let inst = constant.inst();
                changed |= func.insts[id].inst != inst;
                func.insts[id].inst = inst;
            }
        }
        if let Some(way) = blocks::known_way(func, &func.blocks[block].term, |v| v) {
            func.blocks[block].term = Terminator::Jump(way.clone());
            changed = true;
        }
    }
    changed
}
