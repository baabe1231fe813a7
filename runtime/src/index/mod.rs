//! The rule-set index: what a rule set asks, as data, and how the rules that match are found without asking each.
//!
//! The conditions of a rule set are [`Formula`]s over [`Feature`]s. [`Index::new`] files them in a tree of access structures
//! (`build.rs`, `access/`), and a search goes down the branches that the words of the features lead to, looking at the few
//! rows that are left. The papers:
//!
//! | part | follows |
//! |---|---|
//! | one tree for all rules, linear in them, with a *rest* at every node | Sadoghi, Jacobsen: BE-Tree, SIGMOD 2011 |
//! | conjunctions of atoms, found by an atom that few inputs pass | Whang et al.: Indexing Boolean Expressions, VLDB 2009 |
//! | atoms that rules share are computed once a decision | Ji, Jacobsen: A-Tree, DEBS 2021 |
//! | a class of tests is one access structure | packet classification: Srinivasan et al. 1999 (tuple space), Gupta, McKeown 2001 (survey) |
//! | rows before the best so far only | TupleMerge, Daly et al. 2019: priorities prune tuples |
//!
//! What it must agree with is the plain chain: the same rules, in the order of the source.

mod access;
mod build;
mod check;
mod class;
mod decide;
mod draw;
mod feature;
mod filing;
mod rows;
mod search;
mod test;
#[cfg(test)]
mod tests;

use self::access::NONE;
use self::build::{Node, Residue, Tree};
use self::feature::Read;
use self::search::{Every, Least, Search};

pub use decide::{Decider, Engine, GIVE, Outcome, Policy, RuleRow};
pub use draw::{Shown, ShownKind};
pub use feature::{Base, Facts, Feature};
pub use test::{Atom, Formula, Test};

use crate::arena::Arena;

/// A search keeps the words of features that are read in place up to so many: reading one again costs little more.
const KEPT_IN_PLACE_MAX: usize = 32;

/// The index of a rule set: immutable, and shared between threads.
///
/// ```
/// use tollgate_runtime::index::{Atom, Base, Facts, Feature, Formula, Index, Test};
/// use tollgate_runtime::{Arena, Word};
///
/// struct Hosts(&'static str);
/// impl<'a> Facts<'a> for Hosts {
///     fn base(&mut self, _: Base) -> Word<'a> {
///         Word::Str(self.0)
///     }
///     fn computed(&mut self, _: u32) -> Word<'a> {
///         Word::None
///     }
/// }
///
/// let host = Feature::Path { base: Base::Param(0), steps: [].into(), tag: false };
/// let is = |text: &str| Formula::Atom(Atom { feature: 0, want: true, test: Test::text(text) });
/// let index = Index::new(vec![host], &[is("a.example"), is("b.example")]);
/// let arena = Arena::new();
/// assert_eq!(index.first(&mut Hosts("b.example"), &arena).0, Some(1));
/// assert_eq!(index.first(&mut Hosts("c.example"), &arena).0, None);
/// ```
#[derive(Debug)]
pub struct Index {
    features: Vec<Feature>,
    /// The features in the order of the tree, by their numbers: first those whose words are kept during a search.
    order: Vec<u32>,
    /// How they are read, in that order.
    reads: Vec<Read>,
    /// How many are kept.
    kept: u32,
    tree: Tree,
    size: Size,
}

/// What an index consists of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Size {
    /// Conjunctions that the conditions became.
    pub rows: usize,
    /// Nodes of the tree.
    pub nodes: usize,
    /// Rows in leaves; a row that is filed under several values counts for each.
    pub filed: usize,
    /// Rows in the longest leaf.
    pub longest: usize,
    /// Rows that stayed in one leaf because filing them would have passed the budget.
    pub unsplit: usize,
    /// Most nodes above one another.
    pub depth: u32,
    /// Bytes of memory, without what patterns share with the program.
    pub bytes: usize,
}

impl Index {
    /// The index of rules with these conditions, in order. Linear in them on ordinary rules; never more than a
    /// constant number of copies of each.
    pub fn new(features: Vec<Feature>, conditions: &[Formula]) -> Index {
        let mut rows = Vec::with_capacity(conditions.len());
        for (rule, condition) in conditions.iter().enumerate() {
            rows::rows(rule as u32, condition, &mut rows);
        }
        let computed: Vec<bool> = features
            .iter()
            .map(|f| matches!(f, Feature::Computed(_)))
            .collect();
        let (order, kept) = order(&computed, conditions);
        // What is no feature is read as an absent word, like a path that leads nowhere.
        let mut number = vec![features.len() as u32; features.len()];
        for (to, from) in order.iter().enumerate() {
            number[*from as usize] = to as u32;
        }
        let to = |f: u32| {
            number
                .get(f as usize)
                .copied()
                .unwrap_or(features.len() as u32)
        };
        rows.iter_mut().for_each(|row| row.renumber(&to));
        let computed: Vec<bool> = order.iter().map(|f| computed[*f as usize]).collect();
        let tree = build::build(&rows, &computed);
        let reads = order.iter().map(|f| Read::new(&features[*f as usize]));
        let mut index = Index {
            reads: reads.collect(),
            features,
            order,
            kept,
            tree,
            size: Size::default(),
        };
        index.size = index.measure(rows.len());
        index
    }

    /// The first rule that matches, and the steps of finding it (without those of computed features).
    #[inline]
    pub fn first<'a>(&self, facts: &mut impl Facts<'a>, arena: &'a Arena) -> (Option<u32>, u64) {
        let mut search = Search::new(self, facts, arena, Least(NONE));
        search.node(0);
        let found = search.sink.0;
        ((found != NONE).then_some(found), search.steps)
    }

    /// Every rule that matches, in order, and the steps of finding them (without those of computed features).
    pub fn all<'a>(&self, facts: &mut impl Facts<'a>, arena: &'a Arena) -> (&'a [u32], u64) {
        let mut search = Search::new(self, facts, arena, Every(arena.vec()));
        search.node(0);
        let (mut found, steps) = (search.sink.0, search.steps);
        if !found.is_sorted_by(|a, b| a < b) {
            found.sort_unstable();
            found.dedup();
        }
        (found.into_bump_slice(), steps)
    }

    /// The features, in order.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// A feature of the tree.
    fn read(&self, feature: u32) -> Option<&Feature> {
        self.features
            .get(*self.order.get(feature as usize)? as usize)
    }

    /// What it consists of.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The most steps of a search, given those of a computed feature's function and of what is done with a rule that is found.
    pub fn bound(&self, function: &dyn Fn(u32) -> u64, found: &dyn Fn(u32) -> u64) -> u64 {
        let cost_of = |feature: u32| match self.read(feature) {
            Some(Feature::Computed(f)) => function(*f),
            _ => 0,
        };
        // Features that are kept are computed once, wherever they are asked for; others count where they are asked.
        let kept = (0..self.kept).map(cost_of).fold(0, u64::saturating_add);
        let own = |feature: u32| match feature < self.kept {
            true => 0,
            false => cost_of(feature),
        };
        let tree = &self.tree;
        let check = |c: &check::Check| own(c.feature()).saturating_add(c.cost());
        let row = |row: &build::Candidate| {
            let from = row.checks as usize;
            let checks = &tree.checks[from..from + usize::from(row.len)];
            let checks = checks.iter().map(check);
            let residue = match tree.residues.get(row.residue as usize) {
                Some(residue) => residue_bound(residue, &check),
                None => 0,
            };
            let asked = checks.fold(residue + search::ROW, u64::saturating_add);
            asked.saturating_add(found(row.rule))
        };
        let rows = |from: u32, to: u32| {
            let rows = tree.candidates[from as usize..to as usize].iter();
            rows.map(row).fold(0, u64::saturating_add)
        };
        let mut bounds = vec![0u64; tree.nodes.len()];
        for (at, node) in tree.nodes.iter().enumerate().rev() {
            let below = match node {
                Node::Leaf { from, to } => rows(*from, *to),
                Node::Rays {
                    feature,
                    from,
                    to,
                    rest,
                    ..
                } => {
                    let rest = bounds.get(*rest as usize).copied().unwrap_or(0);
                    let own = own(*feature).saturating_add(search::RAYS);
                    rows(*from, *to).saturating_add(rest).saturating_add(own)
                }
                Node::Branch {
                    feature,
                    access,
                    rest,
                } => {
                    let children = tree.accesses[*access as usize].bound(&|c| bounds[c as usize]);
                    let rest = bounds.get(*rest as usize).copied().unwrap_or(0);
                    children.saturating_add(rest).saturating_add(own(*feature))
                }
            };
            bounds[at] = below.saturating_add(search::NODE);
        }
        bounds.first().copied().unwrap_or(0).saturating_add(kept)
    }

    fn measure(&self, rows: usize) -> Size {
        let tree = &self.tree;
        let leaves = tree.nodes.iter().filter_map(|node| match node {
            Node::Leaf { from, to } | Node::Rays { from, to, .. } => Some((to - from) as usize),
            Node::Branch { .. } => None,
        });
        let accesses = tree.accesses.iter().map(access::Access::heap);
        Size {
            rows,
            nodes: tree.nodes.len(),
            filed: tree.candidates.len(),
            longest: leaves.max().unwrap_or(0),
            unsplit: tree.unsplit,
            depth: tree.depth,
            bytes: accesses.sum::<usize>()
                + size_of_val(&tree.accesses[..])
                + size_of_val(&tree.nodes[..])
                + size_of_val(&tree.least[..])
                + size_of_val(&tree.candidates[..])
                + size_of_val(&tree.thresholds[..])
                + size_of_val(&tree.checks[..])
                + tree.residues.iter().map(residue_heap).sum::<usize>()
                + size_of_val(&self.features[..])
                + size_of_val(&self.order[..])
                + size_of_val(&self.reads[..])
                + tree.pools.heap(),
        }
    }
}

/// The order of the features in a tree, and how many of the first are kept: those that are asked for more than once, all that are
/// computed and, of those that are read in place, as many as make a small frame.
fn order(computed: &[bool], conditions: &[Formula]) -> (Vec<u32>, u32) {
    let mut asked = vec![0u32; computed.len()];
    for condition in conditions {
        condition.atoms(&mut |atom| {
            if let Some(asked) = asked.get_mut(atom.feature as usize) {
                *asked = asked.saturating_add(1);
            }
        });
    }
    let often = |f: &u32| asked[*f as usize] > 1;
    let is_computed = |f: &u32| computed[*f as usize];
    let all = 0..computed.len() as u32;
    let in_place = all.clone().filter(|f| often(f) && !is_computed(f));
    let kept = in_place.take(KEPT_IN_PLACE_MAX);
    let mut order: Vec<u32> = kept.collect();
    order.extend(all.clone().filter(|f| often(f) && is_computed(f)));
    let kept = order.len() as u32;
    let mut placed = vec![false; computed.len()];
    order.iter().for_each(|f| placed[*f as usize] = true);
    order.extend(all.filter(|f| !placed[*f as usize]));
    (order, kept)
}

fn residue_bound(residue: &Residue, check: &dyn Fn(&check::Check) -> u64) -> u64 {
    match residue {
        Residue::Check(of) => check(of),
        Residue::All(of) | Residue::Any(of) => of
            .iter()
            .map(|r| residue_bound(r, check))
            .fold(0, u64::saturating_add),
    }
}

fn residue_heap(residue: &Residue) -> usize {
    let below = match residue {
        Residue::Check(_) => 0,
        Residue::All(of) | Residue::Any(of) => of.iter().map(residue_heap).sum(),
    };
    below + size_of::<Residue>()
}
