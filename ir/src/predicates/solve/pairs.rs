//! Pairs of rules that may both match: those that no single question tells apart.
//!
//! Rules are sorted into buckets by a feature, or a segment of a path, of which most of them ask a certain value, and then
//! bucket by bucket again; ranges are swept in the order of their ends. What is left is visited pair by pair.

use std::ops::ControlFlow;

use rustc_hash::FxHashMap;
use tollgate_runtime::Value;
use tollgate_runtime::index::{Formula, Test};
use tollgate_runtime::pattern::{Pattern, Segment};

use super::needed;

/// Below this many rules every pair is visited.
const FEW: usize = 16;
/// Values of one fact at most.
const MOST_POINTS: usize = 64;

/// A feature, or a segment of one that is a path.
type Spot = (u32, u32);

/// What a rule needs of a spot. Two rules whose needs of one spot have no value in common are apart.
enum Need {
    Points(Vec<Value>),
    Range(i64, i64),
}

/// Visits every pair of rules that single questions do not tell apart, until told to stop.
pub(super) fn pairs(
    conditions: &[&Formula],
    visit: &mut dyn FnMut(u32, u32) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let needs: Vec<Vec<(Spot, Need)>> = conditions.iter().map(|c| needs(c)).collect();
    let all: Vec<u32> = (0..conditions.len() as u32).collect();
    split(&needs, &all, &mut Vec::new(), visit)
}

fn needs(condition: &Formula) -> Vec<(Spot, Need)> {
    const WHOLE: u32 = u32::MAX;
    let mut found = Vec::new();
    for atom in needed(&[condition]) {
        let feature = atom.feature;
        match (&atom.test, atom.want) {
            (Test::Texts(texts), true) if texts.len() <= MOST_POINTS => {
                let points = texts.iter().map(|t| Value::Str(t.clone())).collect();
                found.push(((feature, WHOLE), Need::Points(points)));
            }
            (Test::Values(values), true) if values.len() <= MOST_POINTS => {
                found.push(((feature, WHOLE), Need::Points(values.to_vec())));
            }
            (Test::True, want) => {
                found.push(((feature, WHOLE), Need::Points(vec![Value::Bool(want)])));
            }
            (Test::Ints(ranges), true) => {
                let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else {
                    continue;
                };
                let points = ranges.iter().all(|(lo, hi)| lo == hi) && ranges.len() <= MOST_POINTS;
                let need = match points {
                    true => Need::Points(ranges.iter().map(|(v, _)| Value::Int(*v)).collect()),
                    false => Need::Range(first.0, last.1),
                };
                found.push(((feature, WHOLE), need));
            }
            (Test::Matches(Pattern::Path(path)), true) => {
                for (level, segment) in path.segments().iter().enumerate() {
                    if let Segment::Literal(text) = segment {
                        let need = Need::Points(vec![Value::Str(text.clone())]);
                        found.push(((feature, level as u32), need));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

fn split(
    needs: &[Vec<(Spot, Need)>],
    rules: &[u32],
    used: &mut Vec<Spot>,
    visit: &mut dyn FnMut(u32, u32) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some(spot) = best(needs, rules, used).filter(|_| rules.len() > FEW) else {
        for (i, &a) in rules.iter().enumerate() {
            for &b in &rules[i + 1..] {
                visit(a, b)?;
            }
        }
        return ControlFlow::Continue(());
    };
    let mut buckets: FxHashMap<&Value, Vec<u32>> = FxHashMap::default();
    let (mut ranges, mut others) = (Vec::new(), Vec::new());
    for &rule in rules {
        match needs[rule as usize].iter().find(|(s, _)| *s == spot) {
            Some((_, Need::Points(points))) => {
                for point in points {
                    buckets.entry(point).or_default().push(rule);
                }
            }
            Some((_, Need::Range(lo, hi))) => ranges.push((*lo, *hi, rule)),
            None => others.push(rule),
        }
    }
    used.push(spot);
    // The order of buckets decides which pair is visited first.
    let mut buckets: Vec<(&Value, Vec<u32>)> = buckets.into_iter().collect();
    buckets.sort_unstable_by(|a, b| a.1.cmp(&b.1));
    for (_, bucket) in &buckets {
        split(needs, bucket, used, visit)?;
    }
    sweep(&mut ranges, visit)?;
    for (point, bucket) in &buckets {
        let Value::Int(point) = point else { continue };
        for &(lo, hi, range) in ranges.iter().filter(|r| r.0 <= *point && *point <= r.1) {
            debug_assert!(lo <= hi);
            for &rule in bucket {
                visit(range, rule)?;
            }
        }
    }
    split(needs, &others, used, visit)?;
    for &other in &others {
        for (_, bucket) in &buckets {
            for &rule in bucket {
                visit(other, rule)?;
            }
        }
        for (.., rule) in &ranges {
            visit(other, *rule)?;
        }
    }
    used.pop();
    ControlFlow::Continue(())
}

/// Visits the pairs of ranges that meet, in the order of their beginnings.
fn sweep(
    ranges: &mut [(i64, i64, u32)],
    visit: &mut dyn FnMut(u32, u32) -> ControlFlow<()>,
) -> ControlFlow<()> {
    ranges.sort_unstable();
    let mut open: Vec<(i64, u32)> = Vec::new();
    for &(low, high, rule) in ranges.iter() {
        open.retain(|(end, _)| *end >= low);
        for &(_, other) in &open {
            visit(rule, other)?;
        }
        open.push((high, rule));
    }
    ControlFlow::Continue(())
}

/// The spot that tells most rules apart: more than half of them need something of it, and not all the same.
fn best(needs: &[Vec<(Spot, Need)>], rules: &[u32], used: &[Spot]) -> Option<Spot> {
    let mut counts: FxHashMap<Spot, (usize, Option<&Need>, bool)> = FxHashMap::default();
    for &rule in rules {
        for (spot, need) in &needs[rule as usize] {
            let count = counts.entry(*spot).or_insert((0, None, false));
            count.0 += 1;
            count.2 |= match (count.1, need) {
                (None, _) => false,
                (Some(Need::Points(a)), Need::Points(b)) => a != b,
                (Some(Need::Range(a, b)), Need::Range(c, d)) => (a, b) != (c, d),
                _ => true,
            };
            count.1.get_or_insert(need);
        }
    }
    counts
        .into_iter()
        .filter(|(spot, (count, _, differ))| {
            *differ && count * 2 > rules.len() && !used.contains(spot)
        })
        .max_by_key(|(spot, (count, ..))| (*count, std::cmp::Reverse(*spot)))
        .map(|(spot, _)| spot)
}
