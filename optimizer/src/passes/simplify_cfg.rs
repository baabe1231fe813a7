//! Makes the graph of blocks as small as it can be without touching what blocks compute.
//!
//! In this order, once over the function each: jumps past blocks that only jump on (also past a test whose answer
//! the jump brings along: the conditions that were inlined end in such jumps), branches whose two ways are one, blocks that
//! cannot be reached, parameters that always get the same value, blocks that have only one predecessor. These are
//! the clean-ups of Cooper, Torczon, "Engineering a Compiler", §10.2.2, and the jump threading of Muchnick,
//! "Advanced Compiler Design and Implementation", §18.11; branches that go forward make one sweep over the blocks enough for
//! each. Linear, given that a jump is followed past a bounded number of blocks with a bounded number of arguments.

use tollgate_ir::edit::Renames;
use tollgate_ir::entities::{Block, Entity, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Def, Func, Jump, Module, Terminator};

use crate::blocks;
use crate::pass::{Changed, each_func};
use crate::pipeline::Aim;

/// How many blocks one jump is followed past in one sweep; the next round goes on.
const MAX_HOPS: usize = 16;
/// How many arguments a jump may carry past a block: they are copied into every predecessor.
const MAX_ARGS: usize = 8;

pub(crate) fn run(module: &mut Module, _: Aim) -> Changed {
    each_func(module, |func, _| {
        let mut changed = thread_jumps(func);
        changed |= unite_branches(func);
        if changed || blocks::has_unreachable(func) {
            func.compact();
            changed = true;
        }
        changed |= settle_params(func);
        changed |= merge_chains(func);
        changed
    })
}

/// Leads jumps past blocks without instructions. Later blocks first, so that a target has been dealt with already.
fn thread_jumps(func: &mut Func) -> bool {
    let empty = passable(func);
    let mut changed = false;
    for block in func.blocks.keys().rev() {
        let mut term = std::mem::replace(
            &mut func.blocks[block].term,
            Terminator::Return(Val::new(0)),
        );
        for jump in term.jumps_mut() {
            for _ in 0..MAX_HOPS {
                let Some(further) = onward(func, &empty, jump) else {
                    break;
                };
                *jump = further;
                changed = true;
            }
        }
        // A jump to nothing but a return or a test is that return or test.
        if let Terminator::Jump(jump) = &term
            && empty[jump.block.index()]
            && matches!(
                func.blocks[jump.block].term,
                Terminator::Return(_) | Terminator::Br(..)
            )
            && arg_count(&func.blocks[jump.block].term) <= MAX_ARGS
        {
            let mut copy = func.blocks[jump.block].term.clone();
            copy.vals_mut(|v| *v = passed(func, jump, *v));
            term = copy;
            changed = true;
        }
        func.blocks[block].term = term;
    }
    changed
}

/// The blocks without instructions whose parameters only their own terminator reads: no value is lost when they are passed by.
fn passable(func: &Func) -> Vec<bool> {
    let mut empty: Vec<bool> = func.blocks.values().map(|b| b.insts.is_empty()).collect();
    for (block, data) in func.blocks.iter() {
        let mut used = |v: Val, own: bool| {
            if let Def::Param(at, _) = func.vals[v].def
                && !(own && at == block)
            {
                empty[at.index()] = false;
            }
        };
        for id in &data.insts {
            func.insts[*id].inst.vals(|v| used(v, false));
        }
        data.term.vals(|v| used(v, true));
    }
    empty
}

/// Where a jump leads if the block it goes to only passes it on.
fn onward(func: &Func, empty: &[bool], jump: &Jump) -> Option<Jump> {
    if !empty[jump.block.index()] {
        return None;
    }
    let target = &func.blocks[jump.block];
    let next = match &target.term {
        Terminator::Jump(next) => next,
        term => blocks::known_way(func, term, |v| passed(func, jump, v))?,
    };
    (next.args.len() <= MAX_ARGS).then(|| Jump {
        block: next.block,
        args: next.args.iter().map(|v| passed(func, jump, *v)).collect(),
    })
}

/// What a value that the block `jump` goes to can use is in the block the jump comes from.
fn passed(func: &Func, jump: &Jump, v: Val) -> Val {
    match func.vals[v].def {
        Def::Param(block, index) if block == jump.block => jump.args[index as usize],
        _ => v,
    }
}

fn arg_count(term: &Terminator) -> usize {
    term.jumps().map(|j| j.args.len()).sum()
}

/// Branches whose ways lead to one place.
fn unite_branches(func: &mut Func) -> bool {
    let mut changed = false;
    for block in func.blocks.keys() {
        let united = match &func.blocks[block].term {
            Terminator::Br(_, yes, no) if yes == no => Terminator::Jump(yes.clone()),
            Terminator::Br(v, yes, no) if blocks::can_unite(yes, no) => {
                let (v, yes, no) = (*v, yes.clone(), no.clone());
                blocks::unite(func, block, v, yes, &no);
                changed = true;
                continue;
            }
            Terminator::Br(v, yes, no) if let Some(Inst::Bnot { a }) = func.def(*v) => {
                Terminator::Br(*a, no.clone(), yes.clone())
            }
            Terminator::Switch(v, cases, default) if cases.iter().any(|(_, to)| to == default) => {
                let differ = |(_, to): &&(i64, Jump)| to != default;
                let cases: Vec<_> = cases.iter().filter(differ).cloned().collect();
                match cases.is_empty() {
                    true => Terminator::Jump(default.clone()),
                    false => Terminator::Switch(*v, cases, default.clone()),
                }
            }
            Terminator::Switch(_, cases, default) if cases.is_empty() => {
                Terminator::Jump(default.clone())
            }
            term => match blocks::known_way(func, term, |v| v) {
                Some(way) => Terminator::Jump(way.clone()),
                None => continue,
            },
        };
        func.blocks[block].term = united;
        changed = true;
    }
    changed
}

/// What the jumps to a block bring for one parameter.
#[derive(Clone, Copy)]
enum Brought {
    Nothing,
    One(Val),
    Several,
}

/// Replaces parameters that get the same value from every jump.
fn settle_params(func: &mut Func) -> bool {
    let mut brought = vec![Brought::Nothing; func.vals.len()];
    let mut renames = Renames::new();
    for (block, data) in func.blocks.iter() {
        if block != Func::ENTRY {
            for param in &data.params {
                if let Brought::One(v) = brought[param.index()] {
                    renames.set(*param, v);
                }
            }
        }
        for jump in data.term.jumps() {
            for (param, arg) in func.blocks[jump.block].params.iter().zip(&jump.args) {
                let arg = renames.get(*arg);
                let entry = &mut brought[param.index()];
                *entry = match *entry {
                    Brought::Nothing => Brought::One(arg),
                    Brought::One(v) if v == arg => Brought::One(v),
                    _ => Brought::Several,
                };
            }
        }
    }
    if renames.is_empty() {
        return false;
    }
    let settled: Vec<Vec<bool>> = func
        .blocks
        .values()
        .map(|b| {
            let own = |p: &Val| renames.get(*p) != *p;
            b.params.iter().map(own).collect()
        })
        .collect();
    for (index, data) in func.blocks.values_mut().enumerate() {
        for jump in data.term.jumps_mut() {
            drop_settled(&mut jump.args, &settled[jump.block.index()]);
        }
        drop_settled(&mut data.params, &settled[index]);
    }
    func.replace_uses(&mut renames);
    blocks::number_params(func);
    true
}

fn drop_settled(items: &mut Vec<Val>, settled: &[bool]) {
    let mut settled = settled.iter();
    items.retain(|_| settled.next().is_none_or(|s| !s));
}

/// Appends to each block the block that only it jumps to, and the one that only that one jumps to.
fn merge_chains(func: &mut Func) -> bool {
    let edges = blocks::edges(func);
    let mut keep = vec![true; func.blocks.len()];
    let mut renames = Renames::new();
    for block in func.blocks.keys() {
        if !keep[block.index()] {
            continue;
        }
        while let Terminator::Jump(jump) = &func.blocks[block].term
            && edges[jump.block.index()] == 1
        {
            let jump = jump.clone();
            take_over(func, block, &jump, &mut renames);
            keep[jump.block.index()] = false;
        }
    }
    if keep.iter().all(|k| *k) {
        return false;
    }
    // The blocks that were taken over are left for `compact`: nothing reaches them.
    func.replace_uses(&mut renames);
    true
}

fn take_over(func: &mut Func, block: Block, jump: &Jump, renames: &mut Renames) {
    let taken = &mut func.blocks[jump.block];
    let insts = std::mem::take(&mut taken.insts);
    let term = std::mem::replace(&mut taken.term, Terminator::Return(Val::new(0)));
    for (param, arg) in std::mem::take(&mut taken.params).iter().zip(&jump.args) {
        renames.set(*param, *arg);
    }
    func.blocks[block].insts.extend(insts);
    func.blocks[block].term = term;
}
