//! Dominators, in one forward sweep.
//!
//! Every branch goes forward, so all predecessors of a block are done before it, and its immediate dominator is the
//! nearest common ancestor of theirs in the tree so far. The ancestors are found by jump pointers (E. W. Myers, *An applicative
//! random-access stack*, 1983): walking them one by one would be quadratic for ten thousand rules that share one exit.

use crate::cfg::Cfg;
use crate::entities::{Block, IndexVec};
use crate::module::Func;

/// The dominator tree of a function.
#[derive(Clone, Debug)]
pub struct Dom {
    nodes: IndexVec<Block, Option<Node>>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// Itself for the entry.
    idom: Block,
    /// Some ancestor, placed so that any ancestor is a logarithmic number of steps away.
    jump: Block,
    depth: u32,
}

impl Dom {
    /// The tree of a function whose branches go forward. `n log n` at worst.
    pub fn new(func: &Func, cfg: &Cfg) -> Dom {
        let mut dom = Dom {
            nodes: IndexVec::new(),
        };
        for block in func.blocks.keys() {
            let node = if block == Func::ENTRY {
                Some(Node {
                    idom: block,
                    jump: block,
                    depth: 0,
                })
            } else {
                dom.common(cfg.preds(block)).map(|idom| dom.child(idom))
            };
            dom.nodes.push(node);
        }
        dom
    }

    /// The nearest block that every path to `block` passes through; `None` for the entry and for what no path reaches.
    pub fn idom(&self, block: Block) -> Option<Block> {
        self.nodes[block]
            .filter(|node| node.depth > 0)
            .map(|node| node.idom)
    }

    /// How many blocks dominate `block` beside itself; `None` if no path reaches it.
    pub fn depth(&self, block: Block) -> Option<u32> {
        self.nodes[block].map(|node| node.depth)
    }

    /// Whether every path to `b` passes through `a`; a block dominates itself. Whatever is not reached is dominated by everything.
    /// Logarithmic.
    pub fn dominates(&self, a: Block, b: Block) -> bool {
        match (self.nodes[a], self.nodes[b]) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(upper), Some(lower)) => {
                upper.depth <= lower.depth && self.up(b, upper.depth) == a
            }
        }
    }

    fn common(&self, preds: &[Block]) -> Option<Block> {
        // A predecessor that stands later is no forward branch; the verifier has refused it.
        let mut known = preds
            .iter()
            .copied()
            .filter(|p| self.nodes.get(*p).copied().flatten().is_some());
        let first = known.next()?;
        Some(known.fold(first, |a, b| self.meet(a, b)))
    }

    fn child(&self, idom: Block) -> Node {
        let parent = self.node(idom);
        let (jump, far) = (
            self.node(parent.jump),
            self.node(self.node(parent.jump).jump),
        );
        let even = parent.depth - jump.depth == jump.depth - far.depth;
        Node {
            idom,
            jump: if even { jump.jump } else { idom },
            depth: parent.depth + 1,
        }
    }

    fn node(&self, block: Block) -> Node {
        match self.nodes[block] {
            Some(node) => node,
            None => crate::bug!("{block} has no dominator yet"),
        }
    }

    /// The ancestor of `block` at `depth`.
    fn up(&self, mut block: Block, depth: u32) -> Block {
        loop {
            let node = self.node(block);
            if node.depth <= depth {
                return block;
            }
            let far = self.node(node.jump);
            block = if far.depth >= depth {
                node.jump
            } else {
                node.idom
            };
        }
    }

    fn meet(&self, mut a: Block, mut b: Block) -> Block {
        let depth = self.node(a).depth.min(self.node(b).depth);
        a = self.up(a, depth);
        b = self.up(b, depth);
        while a != b {
            let (x, y) = (self.node(a), self.node(b));
            // Nodes of one depth have jumps of one depth.
            (a, b) = if x.jump == y.jump {
                (x.idom, y.idom)
            } else {
                (x.jump, y.jump)
            };
        }
        a
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::Val;
    use crate::module::{BlockData, Jump, Terminator};
    use crate::types::Type;

    /// A function of blocks that branch to the given blocks.
    fn graph(edges: &[&[u32]]) -> Func {
        let jump = |b: u32| Jump {
            block: Block(b),
            args: Vec::new(),
        };
        let block = |to: &&[u32]| BlockData {
            params: Vec::new(),
            insts: Vec::new(),
            term: match **to {
                [] => Terminator::Return(Val(0)),
                [a] => Terminator::Jump(jump(a)),
                [a, b] => Terminator::Br(Val(0), jump(a), jump(b)),
                [a, ref rest @ ..] => Terminator::Switch(
                    Val(0),
                    rest.iter()
                        .enumerate()
                        .map(|(i, b)| (i as i64, jump(*b)))
                        .collect(),
                    jump(a),
                ),
            },
        };
        Func {
            name: "g".into(),
            result: Type::INT,
            blocks: edges.iter().map(block).collect(),
            insts: IndexVec::new(),
            vals: IndexVec::new(),
        }
    }

    /// Whether `b` cannot be reached once `a` is taken out: the definition, slowly.
    fn by_definition(func: &Func, a: Block, b: Block) -> bool {
        let mut seen = vec![false; func.blocks.len()];
        seen[0] = a != Func::ENTRY;
        for (id, block) in func.blocks.iter() {
            if seen[id.0 as usize] {
                block
                    .term
                    .jumps()
                    .for_each(|j| seen[j.block.0 as usize] = j.block != a);
            }
        }
        !seen[b.0 as usize]
    }

    #[test]
    fn dominance_is_its_definition() {
        let mut seed = 7u64;
        let mut random = |n: u64| {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (seed >> 33) % n
        };
        for _ in 0..300 {
            let n = 2 + random(14) as u32;
            let edges: Vec<Vec<u32>> = (0..n)
                .map(|i| {
                    let left = u64::from(n - 1 - i);
                    let count = if left == 0 { 0 } else { random(4) };
                    (0..count).map(|_| i + 1 + random(left) as u32).collect()
                })
                .collect();
            let edges: Vec<&[u32]> = edges.iter().map(Vec::as_slice).collect();
            let func = graph(&edges);
            let dom = Dom::new(&func, &Cfg::new(&func));
            for a in func.blocks.keys() {
                for b in func.blocks.keys() {
                    let reached = dom.depth(a).is_some() && dom.depth(b).is_some();
                    if reached {
                        assert_eq!(
                            dom.dominates(a, b),
                            by_definition(&func, a, b),
                            "{a} {b} {edges:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_long_chain_with_one_exit_is_not_quadratic() {
        let n = 200_000u32;
        let edges: Vec<Vec<u32>> = (0..n)
            .map(|i| {
                if i + 1 == n {
                    vec![]
                } else {
                    vec![i + 1, n - 1]
                }
            })
            .collect();
        let edges: Vec<&[u32]> = edges.iter().map(Vec::as_slice).collect();
        let func = graph(&edges);
        let dom = Dom::new(&func, &Cfg::new(&func));
        assert_eq!(dom.idom(Block(n - 1)), Some(Block(0)));
    }
}
