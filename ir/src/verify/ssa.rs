//! Every use is dominated by its definition.

use super::Errors;
use crate::cfg::Cfg;
use crate::dom::Dom;
use crate::entities::{Block, Entity, FuncId, Val};
use crate::module::{Func, Module};
use crate::text::Place;

pub(super) fn check(module: &Module, errors: &mut Errors<'_>) {
    // Where each value is defined; shared, because most functions are small.
    let mut defs: Vec<Option<Block>> = Vec::new();
    for (id, func) in module.funcs.iter() {
        function(id, func, &mut defs, errors);
    }
}

/// One sweep in block order. Branches go forward, so what dominates a block has been swept before it: a value that has no definition
/// yet is used too early, and one that has is looked up in the dominator tree if it is of another block.
fn function(id: FuncId, func: &Func, defs: &mut Vec<Option<Block>>, errors: &mut Errors<'_>) {
    let dom = (func.blocks.len() > 1).then(|| {
        let cfg = Cfg::new(func);
        Dom::new(func, &cfg)
    });
    defs.clear();
    defs.resize(func.vals.len(), None);
    let reaches = |val: Val, at: Block, defs: &[Option<Block>]| {
        if dom.as_ref().is_some_and(|dom| dom.depth(at).is_none()) {
            return Ok(());
        }
        match defs[val.index()] {
            None => Err(format!("{val} is used before it is defined")),
            Some(block) if block == at => Ok(()),
            Some(block) if dom.as_ref().is_none_or(|dom| dom.dominates(block, at)) => Ok(()),
            Some(block) => Err(format!(
                "{val} is defined in {block}, which not every way here passes"
            )),
        }
    };
    for (at, block) in func.blocks.iter() {
        for param in &block.params {
            defs[param.index()] = Some(at);
        }
        for inst in &block.insts {
            let data = &func.insts[*inst];
            let mut outcome = Ok(());
            data.inst.vals(|v| {
                if outcome.is_ok() {
                    outcome = reaches(v, at, defs);
                }
            });
            errors.check(Place::Inst(id, *inst), outcome);
            if let Some(result) = data.result {
                defs[result.index()] = Some(at);
            }
        }
        let mut outcome = Ok(());
        block.term.vals(|v| {
            if outcome.is_ok() {
                outcome = reaches(v, at, defs);
            }
        });
        errors.check(Place::Term(id, at), outcome);
    }
}
