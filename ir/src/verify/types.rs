//! Every instruction and branch has the types its rule says.

use super::Errors;
use crate::entities::{FuncId, Val};
use crate::module::{Func, InstData, Jump, Module, Terminator};
use crate::text::Place;
use crate::types::Type;
use crate::typing::result_type;

pub(super) fn check(module: &Module, errors: &mut Errors<'_>) {
    for (id, func) in module.funcs.iter() {
        function(module, id, func, errors);
    }
}

fn function(module: &Module, id: FuncId, func: &Func, errors: &mut Errors<'_>) {
    for (at, block) in func.blocks.iter() {
        for inst in &block.insts {
            errors.check(
                Place::Inst(id, *inst),
                instruction(module, func, &func.insts[*inst]),
            );
        }
        errors.check(Place::Term(id, at), terminator(module, func, &block.term));
    }
}

fn instruction(module: &Module, func: &Func, data: &InstData) -> Result<(), String> {
    let ruled = result_type(module, func, &data.inst)?;
    let name = |ty| module.types.display(ty);
    match (ruled, data.result) {
        (None, None) => Ok(()),
        (Some(ty), None) => Err(format!("its result, {}, is missing", name(ty))),
        (None, Some(val)) => Err(format!("it has no result, so {val} is nothing")),
        (Some(ty), Some(val)) if func.ty(val) == ty => Ok(()),
        (Some(ty), Some(val)) => {
            let stored = name(func.ty(val));
            Err(format!("its result is {}, and {val} is {stored}", name(ty)))
        }
    }
}

fn terminator(module: &Module, func: &Func, term: &Terminator) -> Result<(), String> {
    let expect = |val: Val, ty: Type| {
        if func.ty(val) == ty {
            return Ok(());
        }
        let name = |ty| module.types.display(ty);
        Err(format!("{val} is {}, not {}", name(func.ty(val)), name(ty)))
    };
    match term {
        Terminator::Jump(_) => {}
        Terminator::Br(val, ..) => expect(*val, Type::BOOL)?,
        Terminator::Switch(val, ..) => expect(*val, Type::INT)?,
        Terminator::Return(val) => expect(*val, func.result)?,
    }
    let jump = |jump: &Jump| {
        let params = &func.blocks[jump.block].params;
        if params.len() != jump.args.len() {
            return Err(format!(
                "{} takes {} values, not {}",
                jump.block,
                params.len(),
                jump.args.len()
            ));
        }
        let mut pairs = jump.args.iter().zip(params);
        pairs.try_for_each(|(arg, param)| expect(*arg, func.ty(*param)))
    };
    term.jumps().try_for_each(jump)
}
