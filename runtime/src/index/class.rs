//! Classes: by which kind of access structure an atom lets its row be found.

use super::access::SEGMENTS_MAX;
use super::test::{Atom, Test};
use crate::pattern::{PathPattern, Pattern, Segment};

/// A row is filed under at most so many values of one test.
const VALUES_MAX: usize = 16;

/// A kind of access structure.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Class {
    Texts,
    Points,
    Ranges,
    Front,
    Back,
    Nets,
    Below,
    Paths,
    Regexes,
    Truth,
    Presence,
}

impl Class {
    /// Whether an atom of this class can be found by the structure of another: a value is a short range, and a literal path
    /// is a path pattern.
    pub(super) fn goes_into(self, structure: Class, atom: &Atom) -> bool {
        match (self, structure) {
            (Class::Points, Class::Ranges) | (Class::Below, Class::Paths) => true,
            (Class::Texts, Class::Paths) => match &atom.test {
                Test::Texts(texts) => texts.iter().all(|t| t.starts_with('/')),
                _ => false,
            },
            _ => self == structure,
        }
    }
}

/// The class of an atom, if rows can be found by it.
pub(super) fn class(atom: &Atom) -> Option<Class> {
    let few = |len: usize| len <= VALUES_MAX;
    match &atom.test {
        Test::True => return Some(Class::Truth),
        Test::Present => return Some(Class::Presence),
        _ if !atom.want => return None,
        _ => {}
    }
    match &atom.test {
        // What has one end only is kept sorted by it in leaves: a tree would repeat it.
        Test::Ints(ranges) if matches!(ranges[..], [(i64::MIN, _)] | [(_, i64::MAX)]) => None,
        Test::Ints(ranges) => {
            let values = ranges.iter().fold(0u64, |n, (lo, hi)| {
                n.saturating_add(hi.abs_diff(*lo)).saturating_add(1)
            });
            match values <= VALUES_MAX as u64 {
                true => Some(Class::Points),
                false => few(ranges.len()).then_some(Class::Ranges),
            }
        }
        Test::Texts(texts) => few(texts.len()).then_some(Class::Texts),
        Test::Prefix(_) => Some(Class::Front),
        Test::Suffix(_) => Some(Class::Back),
        Test::Nets(nets) => few(nets.len()).then_some(Class::Nets),
        Test::Matches(Pattern::Path(path)) => {
            let literal = path
                .segments()
                .iter()
                .any(|s| matches!(s, Segment::Literal(_)));
            let short = path.segments().len() <= SEGMENTS_MAX;
            let class = match literals(path) {
                Some(_) => Class::Below,
                None => Class::Paths,
            };
            (literal && short).then_some(class)
        }
        Test::Matches(Pattern::Regex(_) | Pattern::Glob(_)) => Some(Class::Regexes),
        Test::True | Test::Present | Test::Values(_) | Test::Part(_) => None,
    }
}

/// The integers of some ranges that are few.
pub(super) fn values(ranges: &[(i64, i64)]) -> impl Iterator<Item = i64> {
    ranges.iter().flat_map(|(lo, hi)| *lo..=*hi)
}

/// What stands before the `**` of a path pattern, if it is literal.
pub(super) fn literals(path: &PathPattern) -> Option<String> {
    if !path.is_open() {
        return None;
    }
    let segments = path.segments().iter().map(|s| match s {
        Segment::Literal(text) => Some(["/", &**text]),
        Segment::Any | Segment::Capture(_) => None,
    });
    let texts: Option<Vec<[&str; 2]>> = segments.collect();
    Some(texts?.concat().concat())
}
