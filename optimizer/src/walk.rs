//! The walk down the dominator tree that `gvn` and `sccp` share.

use tollgate_ir::cfg::Cfg;
use tollgate_ir::dom::Dom;
use tollgate_ir::entities::{Block, Entity};
use tollgate_ir::module::Func;

/// The blocks that are reached, each with its depth in the dominator tree: a block behind its dominator, children in the order of the
/// blocks. Branches go forward, so all predecessors of a block come before it too. O(n log n).
pub(crate) fn preorder(func: &Func) -> Vec<(Block, u32)> {
    let dom = Dom::new(func, &Cfg::new(func));
    let mut first: Vec<Option<Block>> = vec![None; func.blocks.len()];
    let mut next = first.clone();
    for block in func.blocks.keys().rev() {
        if let Some(parent) = dom.idom(block) {
            next[block.index()] = first[parent.index()];
            first[parent.index()] = Some(block);
        }
    }
    let mut order = Vec::with_capacity(func.blocks.len());
    // A stack of our own: the tree is as deep as a rule set is long.
    let mut stack = vec![Func::ENTRY];
    while let Some(block) = stack.pop() {
        order.push((block, dom.depth(block).unwrap_or(0)));
        // The sibling lies below the first child, so the whole subtree comes before it.
        stack.extend(next[block.index()]);
        stack.extend(first[block.index()]);
    }
    order
}

/// What was learnt on the way down, to be forgotten when a subtree is left.
pub(crate) struct Scopes<T> {
    log: Vec<(u32, T)>,
}

impl<T> Scopes<T> {
    /// Nothing learnt.
    pub(crate) fn new() -> Scopes<T> {
        Scopes { log: Vec::new() }
    }

    /// Hands back, last first, what was recorded in blocks that do not dominate the next block of the walk, which has this depth.
    pub(crate) fn enter(&mut self, depth: u32, mut undo: impl FnMut(T)) {
        while let Some((_, entry)) = self.log.pop_if(|(at, _)| *at >= depth) {
            undo(entry);
        }
    }

    /// Records something to undo when the subtree of the current block, which has this depth, is left.
    pub(crate) fn record(&mut self, depth: u32, entry: T) {
        self.log.push((depth, entry));
    }
}
