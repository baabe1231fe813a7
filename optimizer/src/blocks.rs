//! What several passes ask about branches.

use tollgate_ir::cfg::Cfg;
use tollgate_ir::entities::{Block, Entity, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Def, Func, Jump, Terminator};

/// Where a switch goes for a value. Logarithmic.
pub(crate) fn case<'t>(cases: &'t [(i64, Jump)], default: &'t Jump, value: i64) -> &'t Jump {
    match cases.binary_search_by_key(&value, |(v, _)| *v) {
        Ok(at) => &cases[at].1,
        Err(_) => default,
    }
}

/// The way a terminator takes if it branches on a constant; `val` gives what stands for a value.
pub(crate) fn known_way<'t>(
    func: &Func,
    term: &'t Terminator,
    mut val: impl FnMut(Val) -> Val,
) -> Option<&'t Jump> {
    match term {
        Terminator::Br(v, yes, no) => match func.def(val(*v))? {
            Inst::Bconst { imm } => Some(if imm.0 { yes } else { no }),
            _ => None,
        },
        Terminator::Switch(v, cases, default) => match func.def(val(*v))? {
            Inst::Iconst { imm } => Some(case(cases, default, imm.0)),
            _ => None,
        },
        Terminator::Jump(_) | Terminator::Return(_) => None,
    }
}

/// Whether some block cannot be reached.
pub(crate) fn has_unreachable(func: &Func) -> bool {
    let cfg = Cfg::new(func);
    func.blocks.keys().any(|b| !cfg.is_reachable(b))
}

/// How many selects may stand for a branch.
const MAX_SELECTS: usize = 2;

/// Whether two ways out of a branch lead to one block, with arguments that few selects can choose from.
pub(crate) fn can_unite(yes: &Jump, no: &Jump) -> bool {
    let differ = yes.args.iter().zip(&no.args).filter(|(a, b)| a != b);
    yes.block == no.block && differ.count() <= MAX_SELECTS
}

/// Ends a block with a jump in the place of a branch whose ways [can be united](can_unite).
pub(crate) fn unite(func: &mut Func, block: Block, c: Val, mut yes: Jump, no: &Jump) {
    for (a, b) in yes.args.iter_mut().zip(&no.args) {
        if a != b {
            let ty = func.ty(*b);
            let (_, chosen) = func.append(block, Inst::Select { c, a: *a, b: *b }, Some(ty));
            *a = chosen.unwrap_or(*a);
        }
    }
    func.blocks[block].term = Terminator::Jump(yes);
}

/// How many jumps lead to each block.
pub(crate) fn edges(func: &Func) -> Vec<u32> {
    let mut edges = vec![0; func.blocks.len()];
    for data in func.blocks.values() {
        for jump in data.term.jumps() {
            edges[jump.block.index()] += 1;
        }
    }
    edges
}

/// Makes every block parameter say where it stands, after parameters were dropped.
pub(crate) fn number_params(func: &mut Func) {
    for (block, data) in func.blocks.iter() {
        for (index, param) in data.params.iter().enumerate() {
            func.vals[*param].def = Def::Param(block, index as u32);
        }
    }
}
