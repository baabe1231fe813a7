//! How a finder goes about it: which rules it asks one after the other, and by what it tells those apart before.

use rustc_hash::FxHashMap;
use tollgate_ir::types::{Type, TypeData, Types};
use tollgate_runtime::Pattern;
use tollgate_runtime::index::{Atom, Formula, Test};

/// Rules that machine code asks one after the other: it is through them before a search has begun. More are told apart before, or are
/// searched. Sets of ten and twelve gain (`benches/record/2026-11-27-peers-2-cores.md`, `gateway-10` and `shed`); where the line lies best has not
/// been measured.
pub(crate) const CHAIN_MAX: usize = 16;
/// Regular expressions, globs and ends of text that such a chain asks at most; an index asks all of them with one automaton.
pub(crate) const EXPRESSIONS_MAX: usize = 1;
/// How often rules are told apart on the way to a chain.
const DEPTH_MAX: u32 = 4;
/// How many integers a test may list to be told apart by, and how many ranges it may have to be asked in place.
const VALUES_MAX: u64 = 64;
const RANGES_MAX: usize = 4;
/// What telling apart costs, in rules asked: by a hash, and by a jump.
const TEXTS_COST: f64 = 8.0;
const INTS_COST: f64 = 1.5;
/// What a rule that stands in several chains costs beside the first, in rules asked.
const COPY_COST: f64 = 1.0;
/// Rules in all chains at most: making code takes time, with LLVM milliseconds a rule.
const ROWS_MAX: usize = 1_536;

/// What a finder does with rules, ascending by number.
#[derive(Debug)]
pub(super) enum Plan {
    /// Asks one after the other.
    Chain(Vec<Row>),
    /// Goes by the value of a feature.
    Split {
        feature: u32,
        /// The rules that want each value.
        cases: Cases,
        /// The rules that do not say which value they want. Where one rule decides they are asked behind each case; else they stand
        /// in the cases as well, and here for every other value.
        rest: Box<Plan>,
    },
}

/// Values, ascending, each with what is to be done.
#[derive(Debug)]
pub(super) enum Cases {
    Texts(Vec<(Box<str>, Plan)>),
    Ints(Vec<(i64, Plan)>),
}

/// A rule on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Its place in the source.
    pub(super) rule: u32,
    /// Its number, which is its place in the order of the search.
    pub(super) number: u32,
    /// A bit for each of the first 64 parts of its condition: whether it is known to hold.
    pub(super) settled: u64,
}

/// Rules with their conditions as parts that all have to hold.
pub(super) struct Rules<'r> {
    pub(super) parts: Vec<Vec<&'r Formula>>,
    /// Whether one rule decides.
    pub(super) one: bool,
}

/// What rules are told apart by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Kind {
    Texts,
    Ints,
}

/// A value that a rule asks for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Key<'r> {
    Text(&'r str),
    Int(i64),
}

impl<'r> Rules<'r> {
    pub(super) fn new(conditions: &'r [Formula], one: bool) -> Rules<'r> {
        let parts = |formula: &'r Formula| {
            let mut parts = Vec::new();
            take_apart(formula, &mut parts);
            parts
        };
        Rules {
            parts: conditions.iter().map(parts).collect(),
            one,
        }
    }

    /// How to find rules, given their places in the order of the search, if that is worth it. Linear in the rules, for each level.
    pub(super) fn plan(&self, order: impl Iterator<Item = u32>) -> Option<Plan> {
        let rows = order.zip(0..).map(|(rule, number)| Row {
            rule,
            number,
            settled: 0,
        });
        self.search(rows.collect(), 0, &mut { ROWS_MAX })
    }

    fn search(&self, rows: Vec<Row>, depth: u32, left: &mut usize) -> Option<Plan> {
        let Some((feature, kind)) = self.choose(&rows).filter(|_| depth < DEPTH_MAX) else {
            return self.chain(rows, left);
        };
        let mut by_key: FxHashMap<Key<'r>, Vec<Row>> = FxHashMap::default();
        let mut rest = Vec::new();
        for row in &rows {
            let Some((part, keys)) = self.keys(row, feature, kind) else {
                rest.push(*row);
                continue;
            };
            let settled = row.settled | 1 << part;
            for key in keys {
                by_key.entry(key).or_default().push(Row { settled, ..*row });
            }
        }
        let mut by_key: Vec<(Key<'r>, Vec<Row>)> = by_key.into_iter().collect();
        by_key.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let (mut texts, mut ints) = (Vec::new(), Vec::new());
        for (key, mut rows) in by_key {
            if !self.one {
                rows.extend(&rest);
                rows.sort_unstable_by_key(|row| row.number);
            }
            let plan = self.search(rows, depth + 1, left)?;
            match key {
                Key::Text(text) => texts.push((text.into(), plan)),
                Key::Int(value) => ints.push((value, plan)),
            }
        }
        let cases = match kind {
            Kind::Texts => Cases::Texts(texts),
            Kind::Ints => Cases::Ints(ints),
        };
        let rest = Box::new(self.search(rest, depth + 1, left)?);
        Some(Plan::Split {
            feature,
            cases,
            rest,
        })
    }

    /// The rules one after the other, if they are few.
    fn chain(&self, rows: Vec<Row>, left: &mut usize) -> Option<Plan> {
        *left = left.checked_sub(rows.len())?;
        let slow = rows.iter().map(|row| self.expressions(row));
        let few = rows.len() <= CHAIN_MAX && slow.sum::<usize>() <= EXPRESSIONS_MAX;
        few.then_some(Plan::Chain(rows))
    }

    /// By what rules are best told apart, if that leaves fewer to ask.
    fn choose(&self, rows: &[Row]) -> Option<(u32, Kind)> {
        #[derive(Default)]
        struct Group<'r> {
            /// The last row that says something; of several such parts of one the first counts.
            last: Option<u32>,
            with: usize,
            filed: usize,
            squares: u64,
            sizes: FxHashMap<Key<'r>, u64>,
        }
        let mut groups: FxHashMap<(u32, Kind), Group<'r>> = FxHashMap::default();
        for row in rows {
            for atom in self.open(row).filter_map(|(_, part)| atom(part)) {
                let Some(kind) = kind(atom) else {
                    continue;
                };
                let group = groups.entry((atom.feature, kind)).or_default();
                if group.last.replace(row.rule) == Some(row.rule) {
                    continue;
                }
                group.with += 1;
                for key in keys(atom) {
                    let size = group.sizes.entry(key).or_default();
                    // (s + 1)² − s²
                    group.squares += 2 * *size + 1;
                    group.filed += 1;
                    *size += 1;
                }
            }
        }
        let cost = |kind: Kind, group: &Group<'_>| {
            let looked = group.squares as f64 / group.filed.max(1) as f64;
            let rest = rows.len() - group.with;
            let copied = match self.one {
                true => 0,
                false => rest * group.sizes.len(),
            };
            let again = (group.filed + copied) as f64 / rows.len() as f64 - 1.0;
            let split = match kind {
                Kind::Texts => TEXTS_COST,
                Kind::Ints => INTS_COST,
            };
            split + looked + rest as f64 + COPY_COST * again.max(0.0)
        };
        let costs = groups.iter().map(|(by, group)| (cost(by.1, group), *by));
        let best = costs.min_by(|(a, x), (b, y)| a.total_cmp(b).then(x.cmp(y)))?;
        (best.0 < rows.len() as f64).then_some(best.1)
    }

    /// The values of a feature that a rule asks for, and by which part of its condition.
    fn keys(&self, row: &Row, feature: u32, of: Kind) -> Option<(usize, Vec<Key<'r>>)> {
        self.open(row).find_map(|(i, part)| {
            let atom = atom(part).filter(|a| a.feature == feature && kind(a) == Some(of))?;
            (i < 64).then(|| (i, keys(atom)))
        })
    }

    /// The parts of its condition that are still to be asked.
    pub(super) fn open(&self, row: &Row) -> impl Iterator<Item = (usize, &'r Formula)> {
        let settled = row.settled;
        let parts = self.parts[row.rule as usize].iter().copied().enumerate();
        parts.filter(move |(i, _)| *i >= 64 || settled >> i & 1 == 0)
    }

    fn expressions(&self, row: &Row) -> usize {
        let parts = self.open(row).map(|(_, part)| part);
        parts.map(|part| count_atoms(part, is_expression)).sum()
    }
}

/// How many atoms of a condition are so.
pub(crate) fn count_atoms(formula: &Formula, so: fn(&Test) -> bool) -> usize {
    let mut times = 0;
    formula.atoms(&mut |atom| times += usize::from(so(&atom.test)));
    times
}

/// Whether a finder asks a test by an expression: an end of a text is a glob.
fn is_expression(test: &Test) -> bool {
    is_regex_or_glob(test) || matches!(test, Test::Prefix(_) | Test::Suffix(_))
}

/// Whether a test is a regular expression or a glob.
pub(crate) fn is_regex_or_glob(test: &Test) -> bool {
    matches!(test, Test::Matches(Pattern::Regex(_) | Pattern::Glob(_)))
}

/// Whether code can ask a test of a word of this type in place, as [`Test::holds`] answers it.
pub(super) fn askable(types: &Types, ty: Type, test: &Test) -> bool {
    let bare = bare(types, ty);
    match test {
        Test::Present => bare != ty,
        Test::True => bare == Type::BOOL,
        Test::Ints(ranges) => {
            bare == Type::INT && (ranges.len() <= RANGES_MAX || values(ranges).is_some())
        }
        Test::Texts(texts) => bare == Type::STR && !texts.is_empty(),
        Test::Nets(nets) => bare == Type::IP && !nets.is_empty(),
        Test::Matches(_) => bare == Type::STR,
        Test::Prefix(text) | Test::Suffix(text) => {
            bare == Type::STR && !text.contains(['*', '?', '[', ']', '{', '}', '\\'])
        }
        Test::Values(_) | Test::Part(_) => false,
    }
}

/// A type, or what an optional of it holds.
pub(super) fn bare(types: &Types, ty: Type) -> Type {
    match types.get(ty) {
        TypeData::Opt(of) => of,
        _ => ty,
    }
}

/// The integers of some ranges, if they are not many.
pub(super) fn values(ranges: &[(i64, i64)]) -> Option<impl Iterator<Item = i64> + Clone + '_> {
    let mut count = 0u64;
    for (lo, hi) in ranges {
        count = count.saturating_add(hi.abs_diff(*lo).saturating_add(1));
    }
    let each = ranges.iter().flat_map(|(lo, hi)| *lo..=*hi);
    (count <= VALUES_MAX).then_some(each)
}

fn take_apart<'r>(formula: &'r Formula, parts: &mut Vec<&'r Formula>) {
    match formula {
        Formula::All(of) => of.iter().for_each(|of| take_apart(of, parts)),
        other => parts.push(other),
    }
}

fn atom(formula: &Formula) -> Option<&Atom> {
    match formula {
        Formula::Atom(atom) => Some(atom),
        Formula::All(_) | Formula::Any(_) => None,
    }
}

/// What rules can be told apart by an atom.
fn kind(atom: &Atom) -> Option<Kind> {
    match &atom.test {
        Test::Texts(_) if atom.want => Some(Kind::Texts),
        Test::Ints(ranges) if atom.want && values(ranges).is_some() => Some(Kind::Ints),
        _ => None,
    }
}

/// The values that an atom asks for, if rules can be told apart by it.
fn keys(atom: &Atom) -> Vec<Key<'_>> {
    match &atom.test {
        Test::Texts(texts) => texts.iter().map(|text| Key::Text(text)).collect(),
        Test::Ints(ranges) => values(ranges).into_iter().flatten().map(Key::Int).collect(),
        _ => Vec::new(),
    }
}
