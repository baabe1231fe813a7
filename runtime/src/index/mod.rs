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
mod code;
mod decide;
mod draw;
mod feature;
mod filing;
mod layout;
mod packed;
mod rows;
mod search;
mod subjects;
mod test;
#[cfg(test)]
mod tests;

use self::access::NONE;
use self::build::Built;
use self::check::{Check, Residue};
use self::code::{Code, Kind, RowView, Subject, way};
use self::search::{Each, Least, Search};
use self::subjects::Subjects;

pub use access::TextTable;
pub(crate) use access::Texts;
pub use decide::{Decider, Engine, GIVE, Outcome, Policy, RuleRow};
pub use draw::{Shown, ShownKind};
pub use feature::{Base, Facts, Feature};
pub use test::{Atom, Formula, Test};

use rustc_hash::FxHashMap;

use crate::arena::Arena;
use crate::cx::Mark;

/// Rules that a search for all has room for from the beginning.
const FOUND: usize = 16;

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
    subjects: Subjects,
    code: Code,
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

/// Puts what was found from a place on in order, each rule once.
#[inline(never)]
fn in_order(marks: &mut Vec<Mark>, from: usize) {
    let found = &mut marks[from..];
    found.sort_unstable_by_key(|mark| mark.0);
    let mut kept = from;
    for at in from..marks.len() {
        if kept == from || marks[at] != marks[kept - 1] {
            marks[kept] = marks[at];
            kept += 1;
        }
    }
    marks.truncate(kept);
}

impl Index {
    /// The index of rules with these conditions, in order. Linear in them on ordinary rules; never more than a
    /// constant number of copies of each.
    pub fn new(features: Vec<Feature>, conditions: &[Formula]) -> Index {
        let mut rows = Vec::with_capacity(conditions.len());
        for (rule, condition) in conditions.iter().enumerate() {
            rows::rows(rule as u32, condition, &mut rows);
        }
        let subjects = Subjects::new(&features, conditions);
        let built = build::build(&rows, &subjects);
        let mut index = Index {
            features,
            subjects,
            size: Size::default(),
            code: Code::default(),
        };
        index.measure(rows.len(), built);
        index
    }

    /// The first rule that matches, and the steps of finding it (without those of computed features).
    #[inline(always)]
    pub fn first<'a>(&self, facts: &mut impl Facts<'a>, arena: &'a Arena) -> (Option<u32>, u64) {
        let mut search = Search::new(self, facts, arena, Least(NONE));
        search.tree(0);
        let found = search.sink.0;
        ((found != NONE).then_some(found), search.steps)
    }

    /// Every rule that matches, in order, and the steps of finding them (without those of computed features).
    #[inline(never)]
    pub fn all<'a>(&self, facts: &mut impl Facts<'a>, arena: &'a Arena) -> (&'a [u32], u64) {
        let mut found = arena.vec_of(FOUND);
        let steps = self.each(facts, arena, |rule| found.push(rule));
        if !found.is_sorted_by(|a, b| a < b) {
            found.sort_unstable();
            found.dedup();
        }
        (found.into_bump_slice(), steps)
    }

    /// As [`Index::all`], into the vector of a decision's marks, which is kept and has room: behind those there are, marks with the numbers of the
    /// rules, for the caller to replace by what the rules mark. The steps.
    ///
    /// ```
    /// use tollgate_runtime::index::{Atom, Base, Facts, Feature, Formula, Index, Test};
    /// use tollgate_runtime::{Arena, Mark, Word};
    /// struct Number(i64);
    /// impl<'a> Facts<'a> for Number {
    ///     fn base(&mut self, _: Base) -> Word<'a> {
    ///         Word::Int(self.0)
    ///     }
    ///     fn computed(&mut self, _: u32) -> Word<'a> {
    ///         Word::None
    ///     }
    /// }
    /// let rule = |n| Formula::Atom(Atom { feature: 0, test: Test::Ints([(n, 9)].into()), want: true });
    /// let feature = Feature::Path { base: Base::Param(0), steps: [].into(), tag: false };
    /// let index = Index::new(vec![feature], &[rule(8), rule(5), rule(0)]);
    /// let mut marks = vec![Mark(7)];
    /// index.all_marked(&mut Number(6), &Arena::new(), &mut marks);
    /// assert_eq!(marks, [Mark(7), Mark(1), Mark(2)]);
    /// ```
    #[inline(always)]
    pub fn all_marked<'a>(
        &self,
        facts: &mut impl Facts<'a>,
        arena: &'a Arena,
        marks: &mut Vec<Mark>,
    ) -> u64 {
        let from = marks.len();
        let steps = self.each(facts, arena, |rule| marks.push(Mark(rule)));
        let found = marks.get(from..).unwrap_or(&[]);
        if !found.is_sorted_by(|a, b| a.0 < b.0) {
            in_order(marks, from);
        }
        steps
    }

    /// Gives each rule that matches to a function, in any order, some of them again. The steps.
    #[inline(always)]
    fn each<'a>(
        &self,
        facts: &mut impl Facts<'a>,
        arena: &'a Arena,
        found: impl FnMut(u32),
    ) -> u64 {
        let mut search = Search::new(self, facts, arena, Each(found));
        search.tree(0);
        search.steps
    }

    /// The features, in order.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The number, among [`Index::nodes`], of the node that a search says it comes to.
    pub fn number(&self, place: u32) -> Option<u32> {
        let found = self.code.nodes.binary_search(&place);
        found.ok().map(|number| number as u32)
    }

    /// What it consists of.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The most steps of a search, given those of a computed feature's function and of what is done with a rule that is found.
    pub fn bound(&self, function: &dyn Fn(u32) -> u64, found: &dyn Fn(u32) -> u64) -> u64 {
        let subjects = &self.subjects;
        let cost_of = |subject| subjects.function(subject).map_or(0, function);
        // Features that are kept are computed once, wherever they are asked for; others count where they are asked.
        let kept = subjects.features().map(|(subject, _)| subject);
        let kept = kept.filter(|subject| subject.way() == way::KEPT);
        let kept = kept.map(cost_of).fold(0, u64::saturating_add);
        let own = |subject: Subject| match subject.way() {
            way::KEPT => 0,
            _ => cost_of(subject),
        };
        let pools = &self.code.pools;
        let check = |check: Check| match pools.residue(check).filter(|_| check.is_residue()) {
            Some(residue) => {
                residue_bound(residue, &|c| own(c.subject()).saturating_add(c.steps()))
            }
            None => own(check.subject()).saturating_add(check.steps()),
        };
        let row = |row: RowView<'_>| {
            let checks = check::each(row.checks).map(check);
            let asked = checks.fold(search::ROW, u64::saturating_add);
            let asked = asked.saturating_add(u64::from(row.masked) * search::MASK);
            asked.saturating_add(found(row.head.rule()))
        };
        // By the place of the node; a node stands before what is below it.
        let mut bounds: FxHashMap<u32, u64> = FxHashMap::default();
        for at in self.code.nodes.iter().rev() {
            let Some((header, _)) = self.code.node(*at) else {
                continue;
            };
            let of = |node: u32| bounds.get(&node).copied().unwrap_or(0);
            let below = match header.kind {
                Kind::Leaf | Kind::Up | Kind::Down => {
                    let rows = self.code.rows_of(*at).into_iter().map(row);
                    rows.fold(0, u64::saturating_add)
                }
                Kind::Branch => self.code.accesses[header.of as usize].bound(&of),
                Kind::Listed => {
                    let children = self.code.listed(*at).into_iter();
                    let most = children.map(|(_, child)| of(child)).max();
                    most.unwrap_or(0).saturating_add(access::POINTS)
                }
            };
            let asked = match header.kind {
                Kind::Leaf => 0,
                Kind::Up | Kind::Down => own(header.subject).saturating_add(search::RAYS),
                Kind::Branch | Kind::Listed => own(header.subject),
            };
            let mask = self.code.mask(*at).map_or(0, own);
            let asked = asked.saturating_add(mask);
            let all = below
                .saturating_add(asked)
                .saturating_add(of(header.rest))
                .saturating_add(search::NODE);
            bounds.insert(*at, all);
        }
        bounds.get(&0).copied().unwrap_or(0).saturating_add(kept)
    }

    /// Takes a tree that was built in, and what it consists of.
    fn measure(&mut self, rows: usize, built: Built) {
        let code = &built.code;
        let leaves = code.nodes.iter().map(|at| code.rows_of(*at).len());
        self.size = Size {
            rows,
            nodes: code.nodes.len(),
            filed: code.rows,
            longest: leaves.max().unwrap_or(0),
            unsplit: built.unsplit,
            depth: built.depth,
            bytes: code.heap() + self.subjects.heap() + size_of_val(&self.features[..]),
        };
        self.code = built.code;
    }
}

fn residue_bound(residue: &Residue, check: &dyn Fn(Check) -> u64) -> u64 {
    match residue {
        Residue::Check(code) => check::each(code).map(check).fold(0, u64::saturating_add),
        Residue::All(of) | Residue::Any(of) => of
            .iter()
            .map(|r| residue_bound(r, check))
            .fold(0, u64::saturating_add),
    }
}
