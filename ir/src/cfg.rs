//! Who branches to whom.

use crate::entities::{Block, Entity, IndexVec};
use crate::module::Func;

/// The predecessors of every block, and which blocks are reached. Linear to make, nothing per block is allocated.
///
/// Valid as long as no terminator changes.
#[derive(Clone, Debug)]
pub struct Cfg {
    /// Where each block's predecessors begin in `preds`; one more than blocks.
    starts: Vec<u32>,
    preds: Vec<Block>,
    reachable: IndexVec<Block, bool>,
}

impl Cfg {
    /// Looks at a function whose branches go to blocks of it.
    pub fn new(func: &Func) -> Cfg {
        let blocks = func.blocks.len();
        let mut starts = vec![0u32; blocks + 1];
        for block in func.blocks.values() {
            for jump in block.term.jumps() {
                starts[jump.block.index() + 1] += 1;
            }
        }
        for i in 0..blocks {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut preds = vec![Func::ENTRY; starts[blocks] as usize];
        for (id, block) in func.blocks.iter() {
            for jump in block.term.jumps() {
                let at = &mut next[jump.block.index()];
                preds[*at as usize] = id;
                *at += 1;
            }
        }
        let mut reachable: IndexVec<Block, bool> = (0..blocks).map(|i| i == 0).collect();
        for (id, block) in func.blocks.iter() {
            if reachable[id] {
                for jump in block.term.jumps() {
                    reachable[jump.block] = true;
                }
            }
        }
        Cfg {
            starts,
            preds,
            reachable,
        }
    }

    /// Where branches to `block` come from, in block order; once for each branch, reached or not.
    pub fn preds(&self, block: Block) -> &[Block] {
        let i = block.index();
        &self.preds[self.starts[i] as usize..self.starts[i + 1] as usize]
    }

    /// Whether some path from the entry leads to `block`. Branches go forward, so one sweep knows.
    pub fn is_reachable(&self, block: Block) -> bool {
        self.reachable[block]
    }
}
