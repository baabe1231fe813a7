//! Access structures: from the word of a feature to the rows whose test of that feature holds, without asking the others.
//!
//! | class | structure | after |
//! |---|---|---|
//! | equality with texts | hash table | |
//! | equality with integers, variants | sorted array; where values lie close together, an array behind the node (`code.rs`) | |
//! | ranges of integers | segment tree over the ends of the ranges | Bentley 1977, see de Berg et al., *Computational Geometry*, §10.3 |
//! | prefixes, suffixes | a hash table a length | tuple space search, Srinivasan et al. 1999 |
//! | networks | a hash table a prefix length | Waldvogel et al. 1997 without the binary search over lengths |
//! | path patterns of literals and `**` | a hash table a number of segments | tuple space search |
//! | path patterns | trie over segments | |
//! | regular expressions, globs | one automaton | regex-automata, multi-pattern automata |
//! | truth values, presence | two ways | |
//!
//! An access structure gives the *children* of a word: numbers that mean something to whoever built it. Each child's test
//! holds for the word, and every test that holds has its child given: the structures are exact.

mod affixes;
mod below;
mod ints;
mod nets;
mod paths;
mod regexes;
mod texts;

pub(super) use affixes::{Affixes, End};
pub(super) use below::Below;
pub(super) use ints::{Points, Ranges};
pub(super) use nets::Nets;
pub(super) use paths::{Paths, SEGMENTS_MAX};
pub(super) use regexes::Regexes;
pub use texts::TextTable;
pub(crate) use texts::Texts;

use crate::word::Word;

/// Steps of looking a text up, and an integer.
pub(super) const TEXTS: u64 = 8;
pub(super) const POINTS: u64 = 2;
/// The name of what finds children by integers, whether it is a structure or a list behind the node.
pub(super) const VALUES: &str = "values";
/// No child.
pub(super) const NONE: u32 = u32::MAX;

/// One of the structures.
#[derive(Debug)]
pub(super) enum Access {
    Texts(Texts),
    Points(Points),
    Ranges(Ranges),
    Affixes(Affixes),
    Nets(Nets),
    Below(Below),
    Paths(Paths),
    Regexes(Box<Regexes>),
    /// The child where the word is true or present, and where it is not.
    Truth {
        present: bool,
        yes: u32,
        no: u32,
    },
}

impl Access {
    /// Visits the children of a word, given the words of the nodes. Allocates nothing.
    #[inline]
    pub(super) fn each(&self, keys: &[u64], word: Word<'_>, visit: &mut impl FnMut(u32)) {
        match self {
            Access::Texts(texts) => {
                if let Some(child) = texts.find_in(keys, word.str().as_bytes()) {
                    visit(child);
                }
            }
            Access::Points(points) => {
                if let Some(child) = points.find(word.int()) {
                    visit(child);
                }
            }
            Access::Ranges(ranges) => ranges.each(word.int(), visit),
            Access::Affixes(affixes) => affixes.each(word.str().as_bytes(), visit),
            Access::Nets(nets) => nets.each(word.ip(), visit),
            Access::Below(below) => below.each(word.str().as_bytes(), visit),
            Access::Paths(paths) => paths.each(word.str(), visit),
            Access::Regexes(regexes) => regexes.each(word.str(), visit),
            Access::Truth { present, yes, no } => {
                let holds = match present {
                    true => !word.is_none(),
                    false => word.bool(),
                };
                let child = if holds { *yes } else { *no };
                if child != NONE {
                    visit(child);
                }
            }
        }
    }

    /// Gives its children other numbers.
    pub(super) fn renumber(&mut self, to: &dyn Fn(u32) -> u32) {
        match self {
            Access::Texts(texts) => texts.renumber(to),
            Access::Points(points) => points.renumber(to),
            Access::Ranges(ranges) => ranges.renumber(to),
            Access::Affixes(affixes) => affixes.renumber(to),
            Access::Nets(nets) => nets.renumber(to),
            Access::Below(below) => below.renumber(to),
            Access::Paths(paths) => paths.renumber(to),
            Access::Regexes(regexes) => regexes.renumber(to),
            Access::Truth { yes, no, .. } => {
                for child in [yes, no].into_iter().filter(|child| **child != NONE) {
                    *child = to(*child);
                }
            }
        }
    }

    /// Steps of finding children, and the most that the children of one word cost together.
    pub(super) fn bound(&self, cost: &dyn Fn(u32) -> u64) -> u64 {
        let most = |children: &mut dyn Iterator<Item = u32>| children.map(cost).max().unwrap_or(0);
        match self {
            Access::Texts(texts) => most(&mut texts.children()),
            Access::Points(points) => most(&mut points.children()),
            Access::Ranges(ranges) => ranges.bound(cost),
            Access::Affixes(affixes) => affixes.bound(cost),
            Access::Nets(nets) => nets.bound(cost),
            Access::Below(below) => below.bound(cost),
            Access::Paths(paths) => paths.bound(cost),
            Access::Regexes(regexes) => regexes.bound(cost),
            Access::Truth { yes, no, .. } => {
                most(&mut [*yes, *no].into_iter().filter(|c| *c != NONE))
            }
        }
        .saturating_add(self.steps())
    }

    /// Steps of finding children.
    #[inline]
    pub(super) fn steps(&self) -> u64 {
        match self {
            Access::Texts(_) => TEXTS,
            Access::Points(_) | Access::Truth { .. } => POINTS,
            Access::Ranges(ranges) => ranges.steps(),
            Access::Affixes(affixes) => affixes.steps(),
            Access::Nets(nets) => nets.steps(),
            Access::Below(below) => below.steps(),
            Access::Paths(paths) => paths.steps(),
            Access::Regexes(regexes) => regexes.steps(),
        }
    }

    /// Bytes of memory held.
    pub(super) fn heap(&self) -> usize {
        match self {
            Access::Texts(texts) => texts.heap(),
            Access::Points(points) => points.heap(),
            Access::Ranges(ranges) => ranges.heap(),
            Access::Affixes(affixes) => affixes.heap(),
            Access::Nets(nets) => nets.heap(),
            Access::Below(below) => below.heap(),
            Access::Paths(paths) => paths.heap(),
            Access::Regexes(regexes) => regexes.heap(),
            Access::Truth { .. } => 0,
        }
    }

    /// What kind of structure it is, for people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Access::Texts(_) => "texts",
            Access::Points(_) => VALUES,
            Access::Ranges(_) => "ranges",
            Access::Affixes(affixes) => affixes.name(),
            Access::Nets(_) => "networks",
            Access::Below(_) => "beginnings of paths",
            Access::Paths(_) => "paths",
            Access::Regexes(_) => "patterns",
            Access::Truth { present: true, .. } => "presence",
            Access::Truth { present: false, .. } => "truth",
        }
    }

    /// Visits the children, each with what leads to it, in an order that depends on the rules alone; given the words of the nodes.
    pub(super) fn edges(&self, keys: &[u64], visit: &mut dyn FnMut(String, u32)) {
        match self {
            Access::Texts(texts) => texts.edges(keys, visit),
            Access::Points(points) => points.edges(visit),
            Access::Ranges(ranges) => ranges.edges(visit),
            Access::Affixes(affixes) => affixes.edges(visit),
            Access::Nets(nets) => nets.edges(visit),
            Access::Below(below) => below.edges(visit),
            Access::Paths(paths) => paths.edges(visit),
            Access::Regexes(regexes) => regexes.edges(visit),
            Access::Truth { yes, no, .. } => {
                for (label, child) in [("yes", *yes), ("no", *no)] {
                    if child != NONE {
                        visit(label.into(), child);
                    }
                }
            }
        }
    }
}
