//! Global value numbering: of two equal instructions, the one that stands in a dominating block is enough.
//! This is what lets ten thousand rules share the lookups, comparisons and matches they have in common.
//!
//! A walk over the dominator tree with a table of the expressions seen on the way down (Briggs, Cooper, Simpson, "Value
//! Numbering", 1997, §3: the dominator-based technique). Without loops the operands of an instruction are final when the
//! walk meets it, so there is nothing to iterate. Guarded instructions take part: the equal one was behind the same test.
//! O(n log n) for the tree, linear otherwise.

use rustc_hash::FxHashMap;
use tollgate_ir::edit::Renames;
use tollgate_ir::entities::Val;
use tollgate_ir::instructions::{Effect, Inst};
use tollgate_ir::module::{Func, Module};
use tollgate_ir::operand::Cc;
use tollgate_ir::types::Type;

use crate::pass::{Changed, each_func};
use crate::pipeline::Aim;
use crate::walk::{Scopes, preorder};

pub(crate) fn run(module: &mut Module, _: Aim) -> Changed {
    each_func(module, |func, _| number(func))
}

fn number(func: &mut Func) -> bool {
    let mut renames = Renames::new();
    // The type is part of the expression: some instructions get theirs from nothing else.
    let mut seen: FxHashMap<(Inst, Type), Val> = FxHashMap::default();
    let mut scopes: Scopes<(Inst, Type)> = Scopes::new();
    for (block, depth) in preorder(func) {
        scopes.enter(depth, |expr| {
            seen.remove(&expr);
        });
        let mut kept = Vec::with_capacity(func.blocks[block].insts.len());
        for id in std::mem::take(&mut func.blocks[block].insts) {
            let data = &mut func.insts[id];
            data.inst.vals_mut(|v| *v = renames.get(*v));
            if let Some(result) = data.result
                && data.inst.effect() != Effect::Visible
            {
                let expr = (canonical(data.inst.clone()), func.vals[result].ty);
                if let Some(equal) = seen.get(&expr) {
                    renames.set(result, *equal);
                    continue;
                }
                seen.insert(expr.clone(), result);
                scopes.record(depth, expr);
            }
            kept.push(id);
        }
        func.blocks[block].insts = kept;
    }
    func.replace_uses(&mut renames);
    !renames.is_empty()
}

/// The same expression with its operands in one order, where their order does not matter.
fn canonical(mut inst: Inst) -> Inst {
    match &mut inst {
        Inst::Iadd { a, b }
        | Inst::Imul { a, b }
        | Inst::IaddSat { a, b }
        | Inst::ImulSat { a, b }
        | Inst::Imin { a, b }
        | Inst::Imax { a, b }
        | Inst::Pmul { a, b }
        | Inst::Fadd { a, b }
        | Inst::Fmul { a, b }
        | Inst::Same { a, b }
        | Inst::Band { a, b }
        | Inst::Bor { a, b } => sort(a, b),
        Inst::Icmp { cc, a, b } | Inst::Fcmp { cc, a, b } | Inst::Scmp { cc, a, b } => {
            let swap = match cc {
                Cc::Gt | Cc::Ge => true,
                Cc::Eq | Cc::Ne => *a > *b,
                Cc::Lt | Cc::Le => false,
            };
            if swap {
                std::mem::swap(a, b);
                *cc = cc.swap();
            }
        }
        _ => {}
    }
    inst
}

fn sort(a: &mut Val, b: &mut Val) {
    if a > b {
        std::mem::swap(a, b);
    }
}
