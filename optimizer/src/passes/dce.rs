//! Dead code elimination: drops instructions whose result nobody uses, unless they are visible from outside, and
//! block parameters that nobody reads.
//!
//! Every use of a value stands behind its definition, in the same block or in a later one, so one sweep from the last
//! instruction to the first knows at each instruction whether it is needed (as in Cytron et al., "Efficiently
//! Computing Static Single Assignment Form", 1991, §7.1, without the work list). Linear.

use tollgate_ir::entities::{Entity, Val};
use tollgate_ir::instructions::Effect;
use tollgate_ir::module::{Func, Module, Terminator};

use crate::blocks;
use crate::pass::{Changed, each_func};
use crate::pipeline::Aim;

pub(crate) fn run(module: &mut Module, _: Aim) -> Changed {
    each_func(module, |func, _| eliminate(func))
}

/// Eliminates dead code in one function.
pub(crate) fn eliminate(func: &mut Func) -> bool {
    let live = liveness(func);
    let is_live = |v: &Val| live[v.index()];
    let mut changed = false;

    // Arguments first: they go by the parameters as they were.
    let keep: Vec<Option<Vec<bool>>> = func
        .blocks
        .iter()
        .map(|(block, data)| {
            let keep: Vec<bool> = data.params.iter().map(is_live).collect();
            (block != Func::ENTRY && !keep.iter().all(|k| *k)).then_some(keep)
        })
        .collect();
    for (index, data) in func.blocks.values_mut().enumerate() {
        for jump in data.term.jumps_mut() {
            if let Some(keep) = &keep[jump.block.index()] {
                retain(&mut jump.args, keep);
            }
        }
        if let Some(keep) = &keep[index] {
            retain(&mut data.params, keep);
            changed = true;
        }
        let before = data.insts.len();
        data.insts.retain(|id| {
            let data = &func.insts[*id];
            data.inst.effect() == Effect::Visible || data.result.as_ref().is_some_and(is_live)
        });
        changed |= data.insts.len() != before;
    }
    blocks::number_params(func);
    changed
}

/// Which values are needed.
fn liveness(func: &Func) -> Vec<bool> {
    let mut live = vec![false; func.vals.len()];
    for data in func.blocks.values().rev() {
        // Whether a parameter of a later block is needed is known by now.
        let mut needed = Vec::new();
        match &data.term {
            Terminator::Br(v, ..) | Terminator::Switch(v, ..) | Terminator::Return(v) => {
                needed.push(*v);
            }
            Terminator::Jump(_) => {}
        }
        for jump in data.term.jumps() {
            let params = &func.blocks[jump.block].params;
            for (param, arg) in params.iter().zip(&jump.args) {
                if live[param.index()] {
                    needed.push(*arg);
                }
            }
        }
        for v in needed {
            live[v.index()] = true;
        }
        for id in data.insts.iter().rev() {
            let data = &func.insts[*id];
            let used = data.result.is_some_and(|r| live[r.index()]);
            if used || data.inst.effect() == Effect::Visible {
                data.inst.vals(|v| live[v.index()] = true);
            }
        }
    }
    live
}

fn retain(items: &mut Vec<Val>, keep: &[bool]) {
    let mut keep = keep.iter();
    items.retain(|_| keep.next().is_none_or(|k| *k));
}
