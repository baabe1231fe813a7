//! Searching an index: which rules match, each condition asked only where it can still hold.

use super::Index;
use super::access::NONE;
use super::build::{Candidate, Node, Residue};
use super::check::Answers;
use super::feature::Facts;
use crate::arena::Arena;
use crate::word::Word;

/// Steps of looking at a row, beside those of its checks.
pub(super) const ROW: u64 = 1;
/// Steps of finding how many thresholds a value passes.
pub(super) const RAYS: u64 = 8;
/// Steps of coming to a node.
pub(super) const NODE: u64 = 1;

/// What a search does with the rules that match.
pub(super) trait Sink {
    /// Rules from this one on are of no interest any more.
    fn limit(&self) -> u32;
    /// A rule matches. Comes in any order, and may come again.
    fn found(&mut self, rule: u32);
}

/// The least rule that matches.
pub(super) struct Least(pub(super) u32);

impl Sink for Least {
    #[inline]
    fn limit(&self) -> u32 {
        self.0
    }
    #[inline]
    fn found(&mut self, rule: u32) {
        self.0 = self.0.min(rule);
    }
}

/// Every rule that matches.
pub(super) struct Every<'a>(pub(super) bumpalo::collections::Vec<'a, u32>);

impl Sink for Every<'_> {
    #[inline]
    fn limit(&self) -> u32 {
        NONE
    }
    #[inline]
    fn found(&mut self, rule: u32) {
        self.0.push(rule);
    }
}

/// A search in the middle of a decision.
pub(super) struct Search<'i, 'a, 'f, F, S> {
    index: &'i Index,
    facts: &'f mut F,
    /// Words of features that are asked for more than once, and which of them are known: a bit for each of the first 64.
    words: &'a mut [Word<'a>],
    known: u64,
    known_more: &'a mut [u8],
    answers: Answers<'a>,
    pub(super) sink: S,
    pub(super) steps: u64,
}

impl<'i, 'a, 'f, F: Facts<'a>, S: Sink> Search<'i, 'a, 'f, F, S> {
    pub(super) fn new(index: &'i Index, facts: &'f mut F, arena: &'a Arena, sink: S) -> Self {
        let kept = index.kept as usize;
        let more = kept.saturating_sub(64);
        Search {
            index,
            facts,
            words: arena.slots(kept),
            known: 0,
            known_more: if more > 0 {
                arena.zeroed(more)
            } else {
                &mut []
            },
            answers: Answers::new(&index.tree.pools, arena),
            sink,
            steps: 0,
        }
    }

    /// Searches a node and all below it. The stack is as deep as the tree, which building bounds.
    pub(super) fn node(&mut self, node: u32) {
        let index = self.index;
        let tree = &index.tree;
        let mut node = node as usize;
        while let Some(of) = tree.nodes.get(node) {
            self.steps += NODE;
            if tree.least[node] >= self.sink.limit() {
                return;
            }
            match of {
                Node::Leaf { from, to } => {
                    let rows = tree.candidates.get(*from as usize..*to as usize);
                    return self.rows(rows.unwrap_or(&[]));
                }
                Node::Rays {
                    feature,
                    up,
                    from,
                    to,
                    thresholds,
                    rest,
                } => {
                    let value = self.feature(*feature).int();
                    let len = to.saturating_sub(*from) as usize;
                    let at = *thresholds as usize;
                    let thresholds = tree.thresholds.get(at..at + len).unwrap_or(&[]);
                    let holds = match up {
                        true => thresholds.partition_point(|t| *t <= value),
                        false => thresholds.partition_point(|t| *t >= value),
                    };
                    self.steps += RAYS;
                    let from = *from as usize;
                    let rows = tree.candidates.get(from..from + holds);
                    self.rows(rows.unwrap_or(&[]));
                    node = *rest as usize;
                }
                Node::Branch {
                    feature,
                    access,
                    rest,
                } => {
                    let word = self.feature(*feature);
                    let access = &tree.accesses[*access as usize];
                    self.steps += access.steps();
                    access.each(word, &mut |child| self.node(child));
                    node = *rest as usize;
                }
            }
        }
    }

    fn rows(&mut self, rows: &'i [Candidate]) {
        let tree = &self.index.tree;
        'rows: for row in rows {
            self.steps += u64::from(row.cost);
            // Rows are not always in the order of their rules.
            if row.rule >= self.sink.limit() {
                continue;
            }
            let from = row.checks as usize;
            let checks = tree.checks.get(from..from + usize::from(row.len));
            for check in checks.unwrap_or(&[]) {
                let word = self.feature(check.feature());
                if !check.holds(&tree.pools, word, &mut self.answers) {
                    continue 'rows;
                }
            }
            if row.residue == NONE || self.residue(&tree.residues[row.residue as usize]) {
                self.sink.found(row.rule);
            }
        }
    }

    /// As deep as conditions can be nested, which the parser bounds.
    fn residue(&mut self, residue: &Residue) -> bool {
        match residue {
            Residue::Check(check) => {
                self.steps += check.cost();
                let word = self.feature(check.feature());
                check.holds(&self.index.tree.pools, word, &mut self.answers)
            }
            Residue::All(of) => of.iter().all(|r| self.residue(r)),
            Residue::Any(of) => of.iter().any(|r| self.residue(r)),
        }
    }

    /// The word of a feature; read at most once a search, if it is kept.
    #[inline(always)]
    fn feature(&mut self, feature: u32) -> Word<'a> {
        let slot = feature as usize;
        if feature >= 64 || slot >= self.words.len() {
            return self.rarely(feature);
        }
        if self.known >> feature & 1 == 0 {
            self.keep(feature);
        }
        self.words[slot]
    }

    /// Reads a feature that is kept, one of the first 64.
    #[inline(never)]
    fn keep(&mut self, feature: u32) {
        self.words[feature as usize] = self.read(feature);
        self.known |= 1 << feature;
    }

    /// As `feature`, for those beyond the first 64 that are kept and for those that are not.
    fn rarely(&mut self, feature: u32) -> Word<'a> {
        let slot = feature as usize;
        if slot >= self.words.len() {
            return self.read(feature);
        }
        if self.known_more[slot - 64] == 0 {
            self.words[slot] = self.read(feature);
            self.known_more[slot - 64] = 1;
        }
        self.words[slot]
    }

    #[inline]
    fn read(&mut self, feature: u32) -> Word<'a> {
        match self.index.reads.get(feature as usize) {
            Some(read) => read.read(self.facts),
            None => Word::None,
        }
    }
}
