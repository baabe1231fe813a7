//! Branches around a few cheap instructions become selects and conjunctions, in what becomes machine code.
//!
//! A branch that a processor does not foresee costs it some twenty cycles, and an addition or a comparison less than one. Scores are
//! sums of what holds, and whether it holds is not to be foreseen. So
//!
//! ```text
//! block0:                                      block0:
//!     br v1, block1, block2(v2)                    v3 = iconst 25
//! block1:                               →          v4 = iadd v2, v3
//!     v3 = iconst 25                               v6 = select v1, v4, v2
//!     v4 = iadd v2, v3                             jump block2(v6)
//!     jump block2(v4)                          block2(v5):
//! block2(v5):
//! ```
//!
//! and a condition behind a condition, where both fail to the same place, becomes their conjunction; where both succeed to the same place,
//! their disjunction. This is the if-conversion of Allen, Kennedy, Porterfield, Warren, *Conversion of control dependence to data
//! dependence*, 1983, where it takes less than the branch. A virtual machine, which pays for each instruction and reads its jumps as
//! data, is left alone.
//!
//! One sweep over the blocks, each of which takes in a bounded number of others: linear.

use tollgate_ir::entities::{Block, Entity, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Func, Jump, Module, Terminator};

use crate::blocks;
use crate::pass::{Changed, each_func};
use crate::pipeline::Aim;

/// How many instructions may be evaluated for nothing in the place of one branch.
const MAX_INSTS: usize = 4;
/// How many branches one block takes in; a condition of more parts is asked in several pieces, so that not all of it is evaluated
/// where its first part does not hold.
const MAX_TAKEN: usize = 8;

pub(crate) fn run(module: &mut Module, aim: Aim) -> Changed {
    if !aim.native {
        return Changed::default();
    }
    each_func(module, |func, _| {
        let mut convert = Convert {
            edges: blocks::edges(func),
            func,
        };
        let mut changed = false;
        for block in convert.func.blocks.keys() {
            for _ in 0..MAX_TAKEN {
                if !(convert.condition(block) || convert.ways(block)) {
                    break;
                }
                changed = true;
            }
        }
        changed
    })
}

/// Whether an instruction costs a processor less than a branch that it does not foresee, and cannot fail.
fn is_cheap(inst: &Inst) -> bool {
    matches!(
        inst,
        Inst::Iconst { .. }
            | Inst::Bconst { .. }
            | Inst::Iadd { .. }
            | Inst::Isub { .. }
            | Inst::Icmp { .. }
            | Inst::Bnot { .. }
            | Inst::Band { .. }
            | Inst::Bor { .. }
            | Inst::Select { .. }
            | Inst::Field { .. }
            | Inst::Tag { .. }
            | Inst::IsSome { .. }
    )
}

struct Convert<'f> {
    func: &'f mut Func,
    edges: Vec<u32>,
}

impl Convert<'_> {
    /// Whether only one jump leads to a block and what stands in it is cheap and little.
    fn is_cheap(&self, jump: &Jump) -> bool {
        let data = &self.func.blocks[jump.block];
        self.edges[jump.block.index()] == 1
            && data.params.is_empty()
            && data.insts.len() <= MAX_INSTS
            && data
                .insts
                .iter()
                .all(|id| is_cheap(&self.func.insts[*id].inst))
    }

    /// Takes in a condition behind the condition of a block, where one way of both is the same.
    fn condition(&mut self, block: Block) -> bool {
        let Terminator::Br(first, yes, no) = self.func.blocks[block].term.clone() else {
            return false;
        };
        for (behind, other, conjunction) in [(&yes, &no, true), (&no, &yes, false)] {
            if !self.is_cheap(behind) {
                continue;
            }
            let Terminator::Br(mut second, to, otherwise) =
                self.func.blocks[behind.block].term.clone()
            else {
                continue;
            };
            // Whether the way that both share is taken where the second condition holds.
            let (shared, further) = match () {
                () if *other == otherwise => (false, to),
                () if *other == to => (true, otherwise),
                () => continue,
            };
            self.take_in(block, behind.block);
            self.edges[other.block.index()] -= 1;
            if shared == conjunction {
                second = self.push(block, Inst::Bnot { a: second }, first);
            }
            let (a, b) = (first, second);
            let both = match conjunction {
                true => Inst::Band { a, b },
                false => Inst::Bor { a, b },
            };
            let both = self.push(block, both, first);
            self.func.blocks[block].term = match conjunction {
                true => Terminator::Br(both, further, other.clone()),
                false => Terminator::Br(both, other.clone(), further),
            };
            return true;
        }
        false
    }

    /// Takes in the ways of a branch that meet again.
    fn ways(&mut self, block: Block) -> bool {
        let Terminator::Br(c, yes, no) = &self.func.blocks[block].term else {
            return false;
        };
        let c = *c;
        let [yes, no] = [yes, no].map(|jump| (self.through(jump), jump.clone()));
        let met = match (yes, no) {
            ((Some((a, yes)), _), (_, no)) if yes.block == no.block => (vec![a], yes, no),
            ((_, yes), (Some((b, no)), _)) if yes.block == no.block => (vec![b], yes, no),
            ((Some((a, yes)), _), (Some((b, no)), _)) if yes.block == no.block => {
                (vec![a, b], yes, no)
            }
            _ => return false,
        };
        let (taken, yes, no) = met;
        let insts = |block: &Block| self.func.blocks[*block].insts.len();
        if !blocks::can_unite(&yes, &no) || taken.iter().map(insts).sum::<usize>() > MAX_INSTS {
            return false;
        }
        for taken in taken {
            self.take_in(block, taken);
        }
        self.edges[yes.block.index()] -= 1;
        blocks::unite(self.func, block, c, yes, &no);
        true
    }

    /// A block that does something cheap and jumps on, and its jump.
    fn through(&self, jump: &Jump) -> Option<(Block, Jump)> {
        if !self.is_cheap(jump) {
            return None;
        }
        match &self.func.blocks[jump.block].term {
            Terminator::Jump(further) => Some((jump.block, further.clone())),
            _ => None,
        }
    }

    /// Moves the instructions of a block to the end of another, which now ends as that did. Nothing reaches what is left of it, so that it goes
    /// when the function is compacted, and it leads nowhere, so that the sweep passes it by.
    fn take_in(&mut self, block: Block, taken: Block) {
        let data = &mut self.func.blocks[taken];
        let insts = std::mem::take(&mut data.insts);
        data.term = Terminator::Return(Val::new(0));
        self.func.blocks[block].insts.extend(insts);
        self.edges[taken.index()] = 0;
    }

    /// Appends an instruction, whose result has the type of a value.
    fn push(&mut self, block: Block, inst: Inst, like: Val) -> Val {
        let ty = self.func.ty(like);
        let (_, result) = self.func.append(block, inst, Some(ty));
        result.unwrap_or(like)
    }
}
