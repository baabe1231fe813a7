//! Puts the bodies of functions in the place of their calls, and drops functions that nothing calls any more.
//!
//! A function that is called once is always inlined, so a rule set becomes one function together with the conditions and outcomes of its
//! rules; a small function is inlined everywhere, as long as what that adds stays within the size of the program. So, at the highest level,
//! is one that is called once and is an entry besides: what stands in the place of the call makes no marks that nobody asked for.
//! Callees come before callers (a bottom-up order of the call graph, which has no cycle, as in Muchnick, "Advanced
//! Compiler Design and Implementation", §15.2), so each function is rebuilt at most once and the whole pass is linear.
//!
//! `call_marked` keeps the marks of what it calls, so a body comes with them. `call` drops them: in its body `mark`
//! goes away and `call_marked` becomes `call`. Functions that `any` and `fold` apply stay functions.

use rustc_hash::{FxHashMap, FxHashSet};
use tollgate_ir::edit::Renames;
use tollgate_ir::entities::{Block, Entity, FuncId, IndexVec, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{BlockData, Func, Jump, Module, Target, Terminator};

use crate::pass::{Changed, no_func, size};
use crate::pipeline::{Aim, Level};

/// How much inlining functions that are called more than once may add to a small program, in instructions; a larger one may
/// double.
const MIN_BUDGET: usize = 4096;

/// Up to how many instructions a function counts as small.
fn small(level: Level) -> usize {
    match level {
        Level::O0 | Level::O1 => 8,
        Level::O2 => 32,
    }
}

pub(crate) fn run(module: &mut Module, Aim { level, .. }: Aim) -> Changed {
    let uses = count_uses(module);
    let once = |callee: FuncId| uses[callee.index()].calls == 1;
    let mut budget = module
        .funcs
        .values()
        .map(size)
        .sum::<usize>()
        .max(MIN_BUDGET);
    let mut changed = Changed::default();
    for id in bottom_up(module) {
        let mut chosen: FxHashSet<FuncId> = FxHashSet::default();
        for (callee, count) in calls(&module.funcs[id]) {
            let size = size(&module.funcs[callee]);
            let cost = size.saturating_mul(count);
            let small = size <= small(level) || once(callee) && level == Level::O2;
            if once(callee) && !uses[callee.index()].named {
                chosen.insert(callee);
            } else if small && cost <= budget {
                budget -= cost;
                chosen.insert(callee);
            }
        }
        if !chosen.is_empty() {
            let mut func = std::mem::replace(&mut module.funcs[id], no_func());
            inline_calls(&mut func, &module.funcs, &chosen);
            func.compact();
            module.funcs[id] = func;
            changed.funcs.push(id);
        }
    }
    changed.funcs.sort_unstable();
    drop_uncalled(module, &mut changed);
    changed
}

/// What needs a function.
#[derive(Clone, Copy, Default)]
struct Uses {
    /// How often it is called or applied.
    calls: u32,
    /// Whether something else names it, so that it stays.
    named: bool,
}

fn count_uses(module: &Module) -> Vec<Uses> {
    let mut uses = vec![Uses::default(); module.funcs.len()];
    for func in module.funcs.values() {
        for callee in callees(func) {
            uses[callee.index()].calls += 1;
        }
    }
    named(module, |func| uses[func.index()].named = true);
    uses
}

fn callees(func: &Func) -> impl Iterator<Item = FuncId> {
    let insts = func.blocks.values().flat_map(|b| &b.insts);
    insts.filter_map(|id| func.insts[*id].inst.callee())
}

/// Visits the functions that entries, rule sets and indexes name.
fn named(module: &Module, mut visit: impl FnMut(FuncId)) {
    for entry in &module.entries {
        if let Target::Func(func) = entry.target {
            visit(func);
        }
    }
    for rules in module.rulesets.values() {
        let conds = rules.rules.iter().filter_map(|r| r.cond);
        let outcomes = rules.rules.iter().flat_map(|r| &r.outcomes).copied();
        let groups = rules.groups.values().map(|g| g.cond);
        let otherwise = rules.otherwise.map(|o| o.outcome);
        let rest = otherwise.into_iter().chain(rules.key);
        conds
            .chain(outcomes)
            .chain(groups)
            .chain(rest)
            .for_each(&mut visit);
    }
    for index in module.indexes.values() {
        index.functions.iter().copied().for_each(&mut visit);
    }
}

/// The functions, callees before callers.
fn bottom_up(module: &Module) -> Vec<FuncId> {
    let mut order = Vec::with_capacity(module.funcs.len());
    let mut seen = vec![false; module.funcs.len()];
    for root in module.funcs.keys() {
        if std::mem::replace(&mut seen[root.index()], true) {
            continue;
        }
        let mut stack = vec![(root, callees(&module.funcs[root]))];
        while let Some((func, rest)) = stack.last_mut() {
            match rest.find(|f| !std::mem::replace(&mut seen[f.index()], true)) {
                Some(callee) => stack.push((callee, callees(&module.funcs[callee]))),
                None => {
                    order.push(*func);
                    stack.pop();
                }
            }
        }
    }
    order
}

/// The functions that are called, in the order of their first calls, with the number of calls.
fn calls(func: &Func) -> Vec<(FuncId, usize)> {
    let mut at: FxHashMap<FuncId, usize> = FxHashMap::default();
    let mut calls: Vec<(FuncId, usize)> = Vec::new();
    for id in func.blocks.values().flat_map(|b| &b.insts) {
        if let Inst::Call { func, .. } | Inst::CallMarked { func, .. } = &func.insts[*id].inst {
            let index = *at.entry(*func).or_insert_with(|| {
                calls.push((*func, 0));
                calls.len() - 1
            });
            calls[index].1 += 1;
        }
    }
    calls
}

/// Replaces the calls of the chosen functions by their bodies. New blocks are appended and left to `compact` to order.
fn inline_calls(func: &mut Func, funcs: &IndexVec<FuncId, Func>, chosen: &FxHashSet<FuncId>) {
    let mut renames = Renames::new();
    for block in func.blocks.keys() {
        let mut current = block;
        for id in std::mem::take(&mut func.blocks[block].insts) {
            let (callee, args, marked) = match &mut func.insts[id].inst {
                Inst::Call { func, args } if chosen.contains(func) => {
                    (*func, std::mem::take(args), false)
                }
                Inst::CallMarked { func, args } if chosen.contains(func) => {
                    (*func, std::mem::take(args), true)
                }
                _ => {
                    func.blocks[current].insts.push(id);
                    continue;
                }
            };
            let (behind, value) = splice(func, current, &funcs[callee], &args, marked);
            current = behind;
            if let Some(result) = func.insts[id].result {
                renames.set(result, value);
            }
        }
    }
    func.replace_uses(&mut renames);
}

/// Copies a body to the end of a block. Gives the block in which to go on, and what the body returns.
fn splice(func: &mut Func, into: Block, body: &Func, args: &[Val], marked: bool) -> (Block, Val) {
    let mut vals: Vec<Val> = vec![Val::new(0); body.vals.len()];
    // One block that returns needs no block to go on in.
    let straight = body.blocks.len() == 1;
    let term = std::mem::replace(&mut func.blocks[into].term, Terminator::Return(Val::new(0)));
    let blocks: Vec<Block> = body
        .blocks
        .iter()
        .map(|(block, data)| {
            if block == Func::ENTRY {
                for (param, arg) in data.params.iter().zip(args) {
                    vals[param.index()] = *arg;
                }
                return into;
            }
            let copy = push_block(func);
            for param in &data.params {
                vals[param.index()] = func.push_param(copy, body.ty(*param));
            }
            copy
        })
        .collect();
    let behind = match straight {
        true => into,
        false => push_block(func),
    };
    let mut value = None;
    if !straight {
        value = Some(func.push_param(behind, body.result));
    }
    for (block, data) in body.blocks.iter() {
        let to = blocks[block.index()];
        for id in &data.insts {
            let data = &body.insts[*id];
            let mut inst = match &data.inst {
                Inst::Mark { .. } if !marked => continue,
                Inst::CallMarked { func, args } if !marked => Inst::Call {
                    func: *func,
                    args: args.clone(),
                },
                Inst::SearchMarked { index, args } if !marked => Inst::Search {
                    index: *index,
                    args: args.clone(),
                },
                inst => inst.clone(),
            };
            inst.vals_mut(|v| *v = vals[v.index()]);
            let (_, result) = func.append(to, inst, data.result.map(|r| body.ty(r)));
            if let (Some(old), Some(new)) = (data.result, result) {
                vals[old.index()] = new;
            }
        }
        let mut term = data.term.clone();
        term.vals_mut(|v| *v = vals[v.index()]);
        for jump in term.jumps_mut() {
            jump.block = blocks[jump.block.index()];
        }
        func.blocks[to].term = match term {
            Terminator::Return(v) if straight => {
                value = Some(v);
                continue;
            }
            Terminator::Return(v) => Terminator::Jump(Jump {
                block: behind,
                args: vec![v],
            }),
            term => term,
        };
    }
    func.blocks[behind].term = term;
    (behind, value.unwrap_or(Val::new(0)))
}

fn push_block(func: &mut Func) -> Block {
    func.blocks.push(BlockData {
        params: Vec::new(),
        insts: Vec::new(),
        term: Terminator::Return(Val::new(0)),
    })
}

/// Drops the functions that no entry and no rule set needs. A module without entries is a library: it keeps all.
fn drop_uncalled(module: &mut Module, changed: &mut Changed) {
    if module.entries.is_empty() {
        return;
    }
    let mut needed = vec![false; module.funcs.len()];
    let mut stack = Vec::new();
    named(module, |func| stack.push(func));
    while let Some(func) = stack.pop() {
        if !std::mem::replace(&mut needed[func.index()], true) {
            stack.extend(callees(&module.funcs[func]));
        }
    }
    if needed.iter().all(|n| *n) {
        return;
    }
    changed.module = true;
    changed.funcs.retain(|f| needed[f.index()]);
    let mut number = Vec::with_capacity(needed.len());
    let mut next = 0;
    for needed in &needed {
        number.push(FuncId(next));
        next += u32::from(*needed);
    }
    let renumber = |func: &mut FuncId| *func = number[func.index()];
    changed.funcs.iter_mut().for_each(renumber);
    let funcs = std::mem::take(&mut module.funcs).into_values();
    let kept = funcs.zip(&needed).filter(|(_, needed)| **needed);
    module.funcs = kept.map(|(func, _)| func).collect();
    for func in module.funcs.values_mut() {
        for data in func.insts.values_mut() {
            match &mut data.inst {
                Inst::Call { func, .. }
                | Inst::CallMarked { func, .. }
                | Inst::Any { func, .. }
                | Inst::Fold { func, .. } => renumber(func),
                _ => {}
            }
        }
    }
    for entry in &mut module.entries {
        if let Target::Func(func) = &mut entry.target {
            renumber(func);
        }
    }
    for rules in module.rulesets.values_mut() {
        for rule in &mut rules.rules {
            rule.cond.iter_mut().for_each(renumber);
            rule.outcomes.iter_mut().for_each(renumber);
        }
        rules
            .groups
            .values_mut()
            .for_each(|g| renumber(&mut g.cond));
        rules.key.iter_mut().for_each(renumber);
        if let Some(otherwise) = &mut rules.otherwise {
            renumber(&mut otherwise.outcome);
        }
    }
    for index in module.indexes.values_mut() {
        index.functions.iter_mut().for_each(renumber);
    }
}
