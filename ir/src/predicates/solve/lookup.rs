//! Which rules match given values, without asking each: rules are filed under a value, a path, the beginning or end of a
//! text, a range, or nothing.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use tollgate_runtime::Value;
use tollgate_runtime::index::{Formula, Test};
use tollgate_runtime::pattern::{PathPattern, Pattern, Segment};

use super::needed;
use super::search::Search;
use super::space::Space;

/// Values under which one rule is filed at most.
const MOST_POINTS: usize = 64;

/// The condition of a rule: formulas that all hold (those of its groups, and its own).
pub type Condition<'f> = Vec<&'f Formula>;

/// The rules of a set, filed. Each stands in one place that it needs to match.
#[derive(Default)]
pub struct Lookup {
    values: Vec<(u32, FxHashMap<Value, Vec<u32>>)>,
    paths: Vec<(u32, Trie)>,
    /// By feature, and whether it is the end of the text that counts.
    affixes: Vec<((u32, bool), Affixes)>,
    ranges: Vec<(u32, Ranges)>,
    others: Vec<u32>,
}

/// Where a rule may be filed.
enum Key<'f> {
    Values(Vec<Value>),
    Path(&'f PathPattern),
    /// A beginning, or if so said an end.
    Affix(bool, &'f str),
    Range(i64, i64),
}

/// Beginnings or ends of texts, looked up by their lengths.
#[derive(Default)]
struct Affixes {
    lengths: BTreeSet<usize>,
    rules: FxHashMap<Box<str>, Vec<u32>>,
}

/// Ranges, by the power of two that is about their width: each then lies in two blocks of that width at most.
#[derive(Default)]
struct Ranges {
    widths: BTreeSet<u32>,
    rules: FxHashMap<(u32, i128), Vec<u32>>,
}

#[derive(Default)]
struct Trie {
    named: FxHashMap<Box<str>, Trie>,
    any: Option<Box<Trie>>,
    /// Rules whose pattern ends here, and those whose pattern takes whatever follows.
    ends: Vec<u32>,
    open: Vec<u32>,
}

impl Lookup {
    /// Files rules. Linear in their conditions.
    pub fn new(space: &Space, conditions: &[Condition<'_>]) -> Lookup {
        let keys: Vec<Vec<(u32, Key<'_>)>> = conditions.iter().map(|c| keys(space, c)).collect();
        // How many rules a feature tells apart.
        let mut kinds: FxHashMap<u32, FxHashMap<u64, u32>> = FxHashMap::default();
        for (feature, key) in keys.iter().flatten() {
            let seen = kinds.entry(*feature).or_default();
            *seen.entry(key.hash()).or_default() += 1;
        }
        let mut lookup = Lookup::default();
        for (rule, keys) in keys.iter().enumerate() {
            let rule = rule as u32;
            let best = keys
                .iter()
                .max_by_key(|(f, _)| (kinds.get(f).map_or(0, FxHashMap::len), u32::MAX - f));
            match best {
                None => lookup.others.push(rule),
                Some((feature, Key::Values(values))) => {
                    let filed = slot(&mut lookup.values, *feature);
                    for value in values {
                        filed.entry(value.clone()).or_default().push(rule);
                    }
                }
                Some((feature, Key::Path(path))) => {
                    slot(&mut lookup.paths, *feature).insert(path, rule);
                }
                Some((feature, Key::Affix(end, text))) => {
                    let filed = slot(&mut lookup.affixes, (*feature, *end));
                    filed.lengths.insert(text.len());
                    filed.rules.entry((*text).into()).or_default().push(rule);
                }
                Some((feature, Key::Range(lo, hi))) => {
                    slot(&mut lookup.ranges, *feature).insert(*lo, *hi, rule);
                }
            }
        }
        lookup
    }

    /// A rule before `end` that matches the values of a search. Takes a step for each rule it asks.
    pub fn find<'f>(
        &self,
        search: &mut Search<'f, '_>,
        conditions: &[Condition<'f>],
        end: u32,
        skip: &dyn Fn(u32) -> bool,
    ) -> Option<u32> {
        let mut found = None;
        let mut steps = 0;
        let mut ask = |rules: &[u32]| -> bool {
            for rule in rules.iter().take_while(|r| **r < end) {
                steps += 1;
                let condition = &conditions[*rule as usize];
                if !skip(*rule) && condition.iter().all(|f| search.holds(f)) {
                    found = Some(*rule);
                    return true;
                }
            }
            false
        };
        let done = self.values.iter().any(|(feature, filed)| {
            let rules = filed.get(search.value(*feature));
            rules.is_some_and(|rules| ask(rules))
        });
        let done = done
            || self
                .paths
                .iter()
                .any(|(feature, trie)| match search.value(*feature) {
                    Value::Str(path) => trie.visit(Some(path), &mut ask),
                    _ => trie.visit(Some(""), &mut ask),
                });
        let done = done
            || self.affixes.iter().any(|((feature, end), filed)| {
                let text = match search.value(*feature) {
                    Value::Str(text) => &**text,
                    _ => "",
                };
                filed.visit(text, *end, &mut ask)
            });
        let done = done
            || self
                .ranges
                .iter()
                .any(|(feature, filed)| match search.value(*feature) {
                    Value::Int(at) => filed.visit(*at, &mut ask),
                    _ => filed.visit(0, &mut ask),
                });
        let _ = done || ask(&self.others);
        search.steps = search.steps.saturating_sub(steps);
        found
    }
}

fn slot<K: PartialEq, T: Default>(slots: &mut Vec<(K, T)>, feature: K) -> &mut T {
    let at = slots.iter().position(|(k, _)| *k == feature);
    let at = at.unwrap_or_else(|| {
        slots.push((feature, T::default()));
        slots.len() - 1
    });
    &mut slots[at].1
}

/// What a condition needs to hold of single features, as far as it can be filed under it.
fn keys<'f>(space: &Space, condition: &[&'f Formula]) -> Vec<(u32, Key<'f>)> {
    let mut found = Vec::new();
    for atom in needed(condition) {
        let key = match (&atom.test, atom.want) {
            (Test::Texts(texts), true) if texts.len() <= MOST_POINTS => {
                Key::Values(texts.iter().map(|t| Value::Str(t.clone())).collect())
            }
            (Test::Values(values), true) if values.len() <= MOST_POINTS => {
                Key::Values(values.to_vec())
            }
            (Test::Ints(ranges), true) => {
                let count = |(lo, hi): &(i64, i64)| hi.checked_sub(*lo).unwrap_or(i64::MAX);
                let most = MOST_POINTS as i64;
                let total = ranges.iter().fold(0i64, |sum, r| {
                    sum.saturating_add(count(r).saturating_add(1))
                });
                match (&**ranges, total > most) {
                    ([.., (_, hi)], true) => Key::Range(ranges[0].0, *hi),
                    _ => {
                        let points = ranges.iter().flat_map(|(lo, hi)| *lo..=*hi);
                        Key::Values(points.map(Value::Int).collect())
                    }
                }
            }
            (Test::True, want) => Key::Values(vec![Value::Bool(want)]),
            (Test::Matches(Pattern::Path(path)), true) => Key::Path(path),
            (Test::Prefix(text), true) => Key::Affix(false, text),
            (Test::Suffix(text), true) => Key::Affix(true, text),
            _ => continue,
        };
        // What is absent is read as zero, and a rule must not be missed for it.
        let absent = super::domain::holds(&atom.test, &Value::None) == atom.want;
        let of = space.get(atom.feature);
        if absent && (space.get(of.same).domain.optional || !of.guards.is_empty()) {
            continue;
        }
        found.push((atom.feature, key));
    }
    found
}

impl Key<'_> {
    fn hash(&self) -> u64 {
        use std::hash::BuildHasher;
        match self {
            Key::Values(values) => rustc_hash::FxBuildHasher.hash_one(values),
            Key::Path(path) => rustc_hash::FxBuildHasher.hash_one(path.text()),
            Key::Affix(end, text) => rustc_hash::FxBuildHasher.hash_one((end, text)),
            Key::Range(lo, hi) => rustc_hash::FxBuildHasher.hash_one((lo, hi)),
        }
    }
}

impl Affixes {
    /// Visits the rules whose text begins or ends this one. Stops when `ask` says so.
    fn visit(&self, text: &str, end: bool, ask: &mut impl FnMut(&[u32]) -> bool) -> bool {
        let lengths = self.lengths.iter().take_while(|n| **n <= text.len());
        lengths
            .filter_map(|n| match end {
                true => text.get(text.len() - n..),
                false => text.get(..*n),
            })
            .any(|part| self.rules.get(part).is_some_and(|rules| ask(rules)))
    }
}

impl Ranges {
    fn insert(&mut self, lo: i64, hi: i64, rule: u32) {
        let (lo, hi) = (i128::from(lo), i128::from(hi));
        let width = 128 - (hi - lo).leading_zeros();
        self.widths.insert(width);
        for block in BTreeSet::from([lo >> width, hi >> width]) {
            self.rules.entry((width, block)).or_default().push(rule);
        }
    }

    /// Visits the rules whose range may hold a number.
    fn visit(&self, at: i64, ask: &mut impl FnMut(&[u32]) -> bool) -> bool {
        self.widths.iter().any(|width| {
            let rules = self.rules.get(&(*width, i128::from(at) >> width));
            rules.is_some_and(|rules| ask(rules))
        })
    }
}

impl Trie {
    fn insert(&mut self, path: &PathPattern, rule: u32) {
        let mut at = self;
        for segment in path.segments() {
            at = match segment {
                Segment::Literal(text) => at.named.entry(text.clone()).or_default(),
                Segment::Any | Segment::Capture(_) => at.any.get_or_insert_default(),
            };
        }
        let rules = if path.is_open() {
            &mut at.open
        } else {
            &mut at.ends
        };
        rules.push(rule);
    }

    /// Visits the rules whose patterns match; `rest` is what is left of the path. Stops when `ask` says so.
    fn visit(&self, rest: Option<&str>, ask: &mut impl FnMut(&[u32]) -> bool) -> bool {
        if ask(&self.open) {
            return true;
        }
        let Some(body) = rest.and_then(|r| r.strip_prefix('/')) else {
            return rest == Some("") && ask(&self.ends);
        };
        let end = body.find('/').unwrap_or(body.len());
        let (part, rest) = (&body[..end], &body[end..]);
        self.named
            .get(part)
            .is_some_and(|t| t.visit(Some(rest), ask))
            || self.any.as_ref().is_some_and(|t| t.visit(Some(rest), ask))
    }
}
