//! Algebra: replaces an instruction by a simpler one that gives the same value, by looking at it and at what defines its operands.
//!
//! Peephole optimization on SSA (McKeeman, "Peephole Optimization", 1965; the rewrites are those of Muchnick, "Advanced Compiler
//! Design and Implementation", §12.3, and those that the types of this IR add). Every rewrite has a name, a row in
//! [`table`], and a file of that name in the tests. One sweep in the order of the blocks, in which every operand has been simplified
//! before its use; an instruction is rewritten until no row applies, a bounded number of times. Linear.

pub(crate) mod site;
pub(crate) mod table;

use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use tollgate_ir::edit::Renames;
use tollgate_ir::entities::{InstId, Val};
use tollgate_ir::instructions::{Inst, Opcode};
use tollgate_ir::module::{Func, Module};

use self::site::{Edit, Site};
use self::table::{REWRITES, Rewrite};
use crate::pass::{Changed, each_func};
use crate::pipeline::Aim;

/// How often one instruction is rewritten in one sweep. Every row makes its instruction simpler, so this is for rows that are wrong.
const MAX_REWRITES: usize = 16;

/// The rows that look at an opcode, in the order of the table.
static BY_OPCODE: LazyLock<FxHashMap<Opcode, Vec<&'static Rewrite>>> = LazyLock::new(|| {
    let mut rows: FxHashMap<Opcode, Vec<&'static Rewrite>> = FxHashMap::default();
    for rewrite in REWRITES {
        for opcode in rewrite.opcodes {
            rows.entry(*opcode).or_default().push(rewrite);
        }
    }
    rows
});

pub(crate) fn run(module: &mut Module, _: Aim) -> Changed {
    each_func(module, simplify)
}

fn simplify(func: &mut Func, module: &mut Module) -> bool {
    let mut renames = Renames::new();
    let mut changed = false;
    for block in func.blocks.keys() {
        let mut kept: Vec<InstId> = Vec::with_capacity(func.blocks[block].insts.len());
        for id in std::mem::take(&mut func.blocks[block].insts) {
            func.insts[id].inst.vals_mut(|v| *v = renames.get(*v));
            if let Some(result) = func.insts[id].result {
                match rewrite(func, module, &mut kept, id, result) {
                    Rewritten::No => kept.push(id),
                    Rewritten::Inst => {
                        changed = true;
                        kept.push(id);
                    }
                    Rewritten::Value(v) => renames.set(result, v),
                }
            } else {
                kept.push(id);
            }
        }
        func.blocks[block].insts = kept;
    }
    func.replace_uses(&mut renames);
    changed || !renames.is_empty()
}

enum Rewritten {
    No,
    /// It is another instruction now.
    Inst,
    /// It is this value, and goes.
    Value(Val),
}

fn rewrite(
    func: &mut Func,
    module: &mut Module,
    kept: &mut Vec<InstId>,
    id: InstId,
    result: Val,
) -> Rewritten {
    let mut rewritten = Rewritten::No;
    for _ in 0..MAX_REWRITES {
        let Some(rows) = BY_OPCODE.get(&func.insts[id].inst.opcode()) else {
            break;
        };
        // Taken out while the rows look around; no row looks at the result of its own instruction.
        let inst = std::mem::replace(&mut func.insts[id].inst, Inst::DecisionTime {});
        let mut site = Site::new(func, module, kept, result);
        let edit = rows.iter().find_map(|row| (row.apply)(&mut site, &inst));
        match edit {
            None => {
                func.insts[id].inst = inst;
                break;
            }
            Some(Edit::Inst(new)) => {
                func.insts[id].inst = new;
                rewritten = Rewritten::Inst;
            }
            Some(Edit::Value(v)) => {
                func.insts[id].inst = inst;
                return Rewritten::Value(v);
            }
        }
    }
    rewritten
}

#[cfg(test)]
mod tests {
    use super::table::REWRITES;

    #[test]
    fn every_rewrite_has_a_name_of_its_own_and_a_test_of_that_name() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/filetests/simplify");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the tests of the rewrites")
            .map(|f| {
                f.expect("a file")
                    .file_name()
                    .into_string()
                    .expect("a name")
            })
            .collect();
        files.sort();
        let mut names: Vec<String> = REWRITES.iter().map(|r| format!("{}.tir", r.name)).collect();
        names.sort();
        assert_eq!(files, names);
    }
}
