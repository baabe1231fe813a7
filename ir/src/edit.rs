//! What passes need to change a function: renaming values, counting uses, and cleaning up.

use crate::entities::{Block, Entity, IndexVec, InstId, Val};
use crate::module::{BlockData, Def, Func, InstData, Jump, ValData};

/// Values that stand for other values, collected first and applied in one sweep.
#[derive(Clone, Debug, Default)]
pub struct Renames {
    /// Itself where nothing is renamed; shorter than the values where the rest is not.
    to: Vec<Val>,
    any: bool,
}

impl Renames {
    /// No renames.
    pub fn new() -> Renames {
        Renames::default()
    }

    /// Whether anything is renamed.
    pub fn is_empty(&self) -> bool {
        !self.any
    }

    /// From now on `from` stands for `to`; what stood for `from` does too. A rename to itself is none.
    pub fn set(&mut self, from: Val, to: Val) {
        let to = self.get(to);
        let from = self.get(from);
        if from == to {
            return;
        }
        while self.to.len() <= from.index() {
            self.to.push(Val::new(self.to.len()));
        }
        self.to[from.index()] = to;
        self.any = true;
    }

    /// What `val` stands for. Shortens the way for the next time.
    pub fn get(&mut self, mut val: Val) -> Val {
        while let Some(next) = self.to.get(val.index()).copied()
            && next != val
        {
            let after = self.to.get(next.index()).copied().unwrap_or(next);
            self.to[val.index()] = after;
            val = next;
        }
        val
    }
}

impl Func {
    /// Applies renames to every use in a block. One sweep; nothing is removed.
    pub fn replace_uses(&mut self, renames: &mut Renames) {
        if renames.is_empty() {
            return;
        }
        for block in self.blocks.values_mut() {
            for id in &block.insts {
                self.insts[*id].inst.vals_mut(|v| *v = renames.get(*v));
            }
            block.term.vals_mut(|v| *v = renames.get(*v));
        }
    }

    /// How often each value is used by the instructions and terminators that stand in a block.
    pub fn use_counts(&self) -> IndexVec<Val, u32> {
        let mut counts: IndexVec<Val, u32> = (0..self.vals.len()).map(|_| 0).collect();
        for block in self.blocks.values() {
            for id in &block.insts {
                self.insts[*id].inst.vals(|v| counts[v] += 1);
            }
            block.term.vals(|v| counts[v] += 1);
        }
        counts
    }

    /// The block in which each value is defined; `None` for values of instructions that stand in no block.
    pub fn def_blocks(&self) -> IndexVec<Val, Option<Block>> {
        let mut blocks: IndexVec<Val, Option<Block>> = (0..self.vals.len()).map(|_| None).collect();
        for (id, block) in self.blocks.iter() {
            let results = block.insts.iter().filter_map(|i| self.insts[*i].result);
            for val in block.params.iter().copied().chain(results) {
                blocks[val] = Some(id);
            }
        }
        blocks
    }

    /// Drops blocks that nothing reaches, instructions that stand in no block and their values, and numbers the rest
    /// in order: the shape in which the text form writes a function. Blocks keep their order where every branch goes forward already,
    /// else they are put in a topological one. Linear; what is kept takes no more memory than it needs.
    ///
    /// # Panics
    /// When branches form a cycle, or a value is used that nothing reached defines.
    pub fn compact(&mut self) {
        let order = self.topological();
        if self.is_numbered(&order) {
            self.insts.shrink_to_fit();
            self.vals.shrink_to_fit();
        } else {
            self.number(&order);
        }
        self.arrange(&order);
    }

    /// Whether instructions and values are numbered as they stand in these blocks, and none stands elsewhere.
    fn is_numbered(&self, order: &[Block]) -> bool {
        let (mut insts, mut vals) = (0, 0);
        let mut in_order = |val: Val, def: Def| {
            vals += 1;
            val.index() + 1 == vals && self.vals[val].def == def
        };
        let numbered = order.iter().all(|id| {
            let block = &self.blocks[*id];
            let mut params = block.params.iter().enumerate();
            params.all(|(i, param)| in_order(*param, Def::Param(*id, i as u32)))
                && block.insts.iter().all(|id| {
                    insts += 1;
                    let mut result = self.insts[*id].result.into_iter();
                    id.index() + 1 == insts && result.all(|val| in_order(val, Def::Inst(*id)))
                })
        });
        numbered && insts == self.insts.len() && vals == self.vals.len()
    }

    /// Numbers the instructions and values of these blocks in order, and drops all others.
    fn number(&mut self, order: &[Block]) {
        let mut renamed: IndexVec<Val, Option<Val>> = (0..self.vals.len()).map(|_| None).collect();
        let kept = || order.iter().map(|b| &self.blocks[*b]);
        let insts = kept().map(|b| b.insts.len()).sum();
        let params: usize = kept().map(|b| b.params.len()).sum();
        let mut vals: IndexVec<Val, ValData> = IndexVec::with_capacity(insts + params);
        let mut old: Vec<Option<InstData>> =
            std::mem::replace(&mut self.insts, IndexVec::with_capacity(insts))
                .into_values()
                .map(Some)
                .collect();
        for at in order {
            let block = &mut self.blocks[*at];
            for (i, param) in block.params.iter_mut().enumerate() {
                let (ty, def) = (self.vals[*param].ty, Def::Param(*at, i as u32));
                let new = vals.push(ValData { ty, def });
                renamed[*param] = Some(new);
                *param = new;
            }
            for id in &mut block.insts {
                let Some(mut data) = old[id.index()].take() else {
                    crate::bug!("{id} stands in two places of `{}`", self.name);
                };
                let new_id = self.insts.next();
                if let Some(result) = &mut data.result {
                    let (ty, def) = (self.vals[*result].ty, Def::Inst(new_id));
                    let new = vals.push(ValData { ty, def });
                    renamed[*result] = Some(new);
                    *result = new;
                }
                *id = self.insts.push(data);
            }
        }
        self.vals = vals;
        let name = &self.name;
        let rename = |v: &mut Val| match renamed[*v] {
            Some(new) => *v = new,
            None => crate::bug!("`{name}` uses {v}, which nothing defines"),
        };
        for data in self.insts.values_mut() {
            data.inst.vals_mut(rename);
        }
        for block in order {
            self.blocks[*block].term.vals_mut(rename);
        }
    }

    /// Puts these blocks in order, and drops all others.
    fn arrange(&mut self, order: &[Block]) {
        if order.len() == self.blocks.len() && order.is_sorted() {
            self.blocks.shrink_to_fit();
            return;
        }
        let mut moved: IndexVec<Block, Option<Block>> = self.blocks.keys().map(|_| None).collect();
        for (new, old) in order.iter().enumerate() {
            moved[*old] = Some(Block::new(new));
        }
        let blocks = IndexVec::with_capacity(order.len());
        let mut old: Vec<Option<BlockData>> = std::mem::replace(&mut self.blocks, blocks)
            .into_values()
            .map(Some)
            .collect();
        for block in order {
            let Some(mut block) = old[block.index()].take() else {
                crate::bug!("{block} stands twice in the order");
            };
            let at = self.blocks.next();
            for (i, param) in block.params.iter().enumerate() {
                self.vals[*param].def = Def::Param(at, i as u32);
            }
            for jump in block.term.jumps_mut() {
                if let Some(new) = moved[jump.block] {
                    jump.block = new;
                }
            }
            self.blocks.push(block);
        }
    }

    /// Whether every branch goes to a later block.
    pub fn is_forward(&self) -> bool {
        let mut blocks = self.blocks.iter();
        blocks.all(|(id, block)| block.term.jumps().all(|j| j.block > id))
    }

    /// Whether some path from the entry leads to each block, where every branch goes forward: one sweep knows.
    fn reached(&self) -> IndexVec<Block, bool> {
        let mut reached: IndexVec<Block, bool> = (0..self.blocks.len()).map(|i| i == 0).collect();
        for (id, block) in self.blocks.iter() {
            if reached[id] {
                for jump in block.term.jumps() {
                    reached[jump.block] = true;
                }
            }
        }
        reached
    }

    /// The reached blocks in an order in which every branch goes forward.
    fn topological(&self) -> Vec<Block> {
        if self.is_forward() {
            let reached = self.reached();
            return self.blocks.keys().filter(|b| reached[*b]).collect();
        }
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let mut state = vec![State::New; self.blocks.len()];
        let mut order = Vec::with_capacity(self.blocks.len());
        // Blocks on the way down, each with how many of its branches are still to be followed. Later branches are
        // followed first, so that of two branches the first comes first in the end.
        let branches = |block: Block| self.blocks[block].term.jump_count();
        let mut stack = vec![(Func::ENTRY, branches(Func::ENTRY))];
        state[0] = State::Open;
        while let Some((block, rest)) = stack.last_mut() {
            let next = rest.checked_sub(1).and_then(|last| {
                *rest = last;
                self.blocks[*block].term.jump(last)
            });
            match next {
                Some(Jump { block: next, .. }) => match state[next.index()] {
                    State::New => {
                        state[next.index()] = State::Open;
                        stack.push((*next, branches(*next)));
                    }
                    State::Open => crate::bug!("the branches of `{}` form a cycle", self.name),
                    State::Done => {}
                },
                None => {
                    state[block.index()] = State::Done;
                    order.push(*block);
                    stack.pop();
                }
            }
        }
        order.reverse();
        order
    }

    /// Appends an instruction to a block; gives what it defines, if `ty` is given.
    pub fn append(
        &mut self,
        block: Block,
        inst: crate::instructions::Inst,
        ty: Option<crate::types::Type>,
    ) -> (InstId, Option<Val>) {
        let made = self.make_inst(inst, ty);
        self.blocks[block].insts.push(made.0);
        made
    }
}
