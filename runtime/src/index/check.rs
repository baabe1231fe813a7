//! Tests as they are asked during a search: small, flat, with what they compare in pools beside them, so that
//! a row of a rule is a few neighbouring cache lines.

use rustc_hash::FxHashMap;

use super::test::{Atom, Test};
use crate::arena::Arena;
use crate::kinds::net::Cidr;
use crate::pattern::{Pattern, Segment};
use crate::word::Word;

/// An atom made ready: 20 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    ask: Ask,
    /// The feature times two, and one if the test is to hold.
    subject: u32,
}

/// A stretch of one of the pools.
#[derive(Clone, Copy, Debug)]
struct Run {
    at: u32,
    len: u32,
}

/// A text of the pool, and its last bytes, by which most other texts are told apart without looking there.
#[derive(Clone, Copy, Debug)]
struct Text {
    run: Run,
    last: [u8; 4],
}

/// A number of 64 bits that asks for no alignment of its own.
#[derive(Clone, Copy, Debug)]
struct Wide([u32; 2]);

#[derive(Clone, Copy, Debug)]
enum Ask {
    True,
    Present,
    /// An integer and all above it.
    Least(Wide),
    /// An integer and all below it.
    Most(Wide),
    /// So many integers from one on.
    Within(i32, u32),
    /// Integers below 64, a bit each.
    Bits(Wide),
    /// Several ranges, or one of which the others know nothing.
    Ranges(Run),
    /// One text.
    Text(Text),
    /// The text, or the text and a slash and anything: a path pattern of literals and `**`.
    Below(Text),
    Prefix(Text),
    Suffix(Text),
    /// A network.
    Net(u32),
    /// A pattern that is not one of the above, and where its answer is kept if several rows ask.
    Pattern(u32, u32),
    /// Any other test.
    Other(u32),
}

impl Wide {
    fn new(value: u64) -> Wide {
        Wide([value as u32, (value >> 32) as u32])
    }
    #[inline]
    fn get(self) -> u64 {
        u64::from(self.0[0]) | u64::from(self.0[1]) << 32
    }
}

/// What checks compare with.
#[derive(Debug, Default)]
pub(super) struct Pools {
    bytes: Vec<u8>,
    ranges: Vec<(i64, i64)>,
    nets: Vec<Cidr>,
    patterns: Vec<Pattern>,
    others: Vec<Test>,
    /// Tests that were made ready before, with their features.
    made: FxHashMap<(u32, Test), Ask>,
    /// Patterns that several rows ask for of a feature, by the places of their answers.
    shared: FxHashMap<(u32, Pattern), u32>,
    /// How many answers are kept.
    pub(super) answers: u32,
}

/// No place where an answer is kept.
const UNKEPT: u32 = u32::MAX;

/// Answers that are kept during a search.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    arena: &'a Arena,
    /// For each, nothing, no or yes; made when the first is kept.
    kept: &'a mut [u8],
    len: u32,
}

impl<'a> Answers<'a> {
    pub(super) fn new(pools: &Pools, arena: &'a Arena) -> Answers<'a> {
        Answers {
            arena,
            kept: &mut [],
            len: pools.answers,
        }
    }

    /// The answer that is kept at a place, or that `ask` gives.
    fn once(&mut self, place: u32, ask: impl FnOnce() -> bool) -> bool {
        if place == UNKEPT {
            return ask();
        }
        if self.kept.is_empty() {
            self.kept = self.arena.zeroed(self.len as usize);
        }
        let answer = &mut self.kept[place as usize];
        if *answer == 0 {
            *answer = 1 + u8::from(ask());
        }
        *answer == 2
    }
}

/// Steps that a check is worth; the cost table of the instructions has the same figures.
const CHEAP: u64 = 1;
const TEXT: u64 = 4;
const DEAR: u64 = 8;

impl Pools {
    /// Makes an atom ready.
    pub(super) fn check(&mut self, atom: &Atom) -> Check {
        let key = (atom.feature, atom.test.clone());
        let ask = match self.made.get(&key) {
            Some(ask) => *ask,
            None => {
                let ask = self.ask(atom.feature, &atom.test);
                self.made.insert(key, ask);
                ask
            }
        };
        Check {
            ask,
            subject: atom.feature << 1 | u32::from(atom.want),
        }
    }

    /// Tells of an atom that will come, so that answers that several rows ask for are kept.
    pub(super) fn announce(&mut self, atom: &Atom) {
        if let Test::Matches(pattern) = &atom.test {
            let times = self.shared.entry((atom.feature, pattern.clone()));
            *times.or_default() += 1;
        }
    }

    /// Says that all atoms have been announced.
    pub(super) fn announced(&mut self) {
        self.shared.retain(|_, times| *times > 1);
        // Places are given as patterns come, in the order of the rows.
        self.shared.values_mut().for_each(|place| *place = UNKEPT);
    }

    /// Says that no more atoms come.
    pub(super) fn seal(&mut self) {
        self.made = FxHashMap::default();
        self.shared = FxHashMap::default();
        self.bytes.shrink_to_fit();
        self.ranges.shrink_to_fit();
        self.nets.shrink_to_fit();
        self.patterns.shrink_to_fit();
        self.others.shrink_to_fit();
    }

    /// Bytes of memory held, without what patterns share with the program.
    pub(super) fn heap(&self) -> usize {
        self.bytes.capacity()
            + self.ranges.capacity() * size_of::<(i64, i64)>()
            + self.nets.capacity() * size_of::<Cidr>()
            + self.patterns.capacity() * size_of::<Pattern>()
            + self.others.capacity() * size_of::<Test>()
    }

    fn ask(&mut self, feature: u32, test: &Test) -> Ask {
        match test {
            Test::True => Ask::True,
            Test::Present => Ask::Present,
            Test::Ints(ranges) => match &ranges[..] {
                [(lo, i64::MAX)] => Ask::Least(Wide::new(*lo as u64)),
                [(i64::MIN, hi)] => Ask::Most(Wide::new(*hi as u64)),
                several => match bits(several) {
                    None if let Some(within) = within(several) => within,
                    Some(bits) => Ask::Bits(Wide::new(bits)),
                    None => {
                        let at = self.ranges.len() as u32;
                        self.ranges.extend_from_slice(several);
                        let len = several.len() as u32;
                        Ask::Ranges(Run { at, len })
                    }
                },
            },
            Test::Texts(texts) => match &texts[..] {
                [text] => Ask::Text(self.text(text)),
                _ => self.other(test),
            },
            Test::Prefix(text) => Ask::Prefix(self.text(text)),
            Test::Suffix(text) => Ask::Suffix(self.text(text)),
            Test::Matches(pattern) => self.pattern(feature, pattern),
            Test::Nets(nets) => match &nets[..] {
                [net] => {
                    self.nets.push(*net);
                    Ask::Net(self.nets.len() as u32 - 1)
                }
                _ => self.other(test),
            },
            Test::Values(_) | Test::Part(_) => self.other(test),
        }
    }

    fn pattern(&mut self, feature: u32, pattern: &Pattern) -> Ask {
        if let Pattern::Path(path) = pattern {
            let literal = path
                .segments()
                .iter()
                .all(|s| matches!(s, Segment::Literal(_)));
            if literal && !path.segments().is_empty() {
                let literals = path.segments().iter().map(|s| match s {
                    Segment::Literal(text) => &**text,
                    Segment::Any | Segment::Capture(_) => "",
                });
                let text = literals.flat_map(|text| ["/", text]).collect::<String>();
                let run = self.text(&text);
                return match path.is_open() {
                    true => Ask::Below(run),
                    false => Ask::Text(run),
                };
            }
        }
        self.patterns.push(pattern.clone());
        let mut kept = UNKEPT;
        if self.shared.contains_key(&(feature, pattern.clone())) {
            kept = self.answers;
            self.answers += 1;
        }
        Ask::Pattern(self.patterns.len() as u32 - 1, kept)
    }

    fn other(&mut self, test: &Test) -> Ask {
        self.others.push(test.clone());
        Ask::Other(self.others.len() as u32 - 1)
    }

    fn text(&mut self, text: &str) -> Text {
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(text.as_bytes());
        let len = text.len() as u32;
        Text {
            run: Run { at, len },
            last: last(text.as_bytes()),
        }
    }

    /// Whether a text of the pool is this one.
    #[inline]
    fn is(&self, text: &Text, other: &[u8]) -> bool {
        text.run.len as usize == other.len()
            && text.last == last(other)
            && self.bytes(text.run) == other
    }

    #[inline]
    fn bytes(&self, run: Run) -> &[u8] {
        let at = run.at as usize;
        self.bytes.get(at..at + run.len as usize).unwrap_or(&[])
    }
}

/// The last four bytes, zeros in front where there are fewer.
#[inline]
fn last(text: &[u8]) -> [u8; 4] {
    if let Some(last) = text.last_chunk() {
        return *last;
    }
    let mut last = [0; 4];
    last[4 - text.len()..].copy_from_slice(text);
    last
}

/// One short range of small numbers.
fn within(ranges: &[(i64, i64)]) -> Option<Ask> {
    let [(lo, hi)] = ranges else { return None };
    let from = i32::try_from(*lo).ok()?;
    Some(Ask::Within(from, u32::try_from(hi.checked_sub(*lo)?).ok()?))
}

/// Ranges within 0 .. 63 as bits.
fn bits(ranges: &[(i64, i64)]) -> Option<u64> {
    let mut bits = 0;
    for (lo, hi) in ranges {
        let (lo, hi) = (u32::try_from(*lo).ok()?, u32::try_from(*hi).ok()?);
        if hi > 63 || lo > hi {
            return None;
        }
        bits |= (u64::MAX >> (63 - (hi - lo))) << lo;
    }
    Some(bits)
}

impl Check {
    /// What it is about.
    #[inline]
    pub(super) fn feature(self) -> u32 {
        self.subject >> 1
    }

    /// Whether it holds for the word of its feature. Allocates nothing.
    ///
    /// Inlined where rows are looked at, with what most checks are; the rest is a call.
    #[inline(always)]
    pub(super) fn holds(&self, pools: &Pools, word: Word<'_>, answers: &mut Answers<'_>) -> bool {
        let holds = match &self.ask {
            Ask::Least(lo) => word.int() >= lo.get() as i64,
            Ask::Most(hi) => word.int() <= hi.get() as i64,
            Ask::Within(lo, len) => {
                // What lies below wraps round to an offset beyond the range.
                word.int().wrapping_sub((*lo).into()) as u64 <= (*len).into()
            }
            Ask::Bits(bits) => {
                let value = word.int();
                (0..64).contains(&value) && bits.get() >> value & 1 == 1
            }
            Ask::Text(text) => pools.is(text, word.str().as_bytes()),
            Ask::Below(text) => {
                let path = word.str().as_bytes();
                let (len, end) = (text.run.len as usize, path.get(text.run.len as usize));
                end.is_none_or(|b| *b == b'/') && path.get(..len).is_some_and(|p| pools.is(text, p))
            }
            _ => self.rarely(pools, word, answers),
        };
        holds == (self.subject & 1 == 1)
    }

    /// As `holds`, for the other checks, and without the opposite.
    fn rarely(&self, pools: &Pools, word: Word<'_>, answers: &mut Answers<'_>) -> bool {
        match self.ask {
            Ask::True => word.bool(),
            Ask::Present => !word.is_none(),
            Ask::Ranges(run) => {
                let at = run.at as usize;
                let ranges = pools.ranges.get(at..at + run.len as usize);
                let value = word.int();
                let has = |r: &(i64, i64)| (r.0..=r.1).contains(&value);
                ranges.unwrap_or(&[]).iter().any(has)
            }
            Ask::Prefix(text) => {
                let front = word.str().as_bytes().get(..text.run.len as usize);
                front.is_some_and(|front| pools.is(&text, front))
            }
            Ask::Suffix(text) => {
                let of = word.str().as_bytes();
                let from = of.len().checked_sub(text.run.len as usize);
                from.is_some_and(|from| pools.is(&text, &of[from..]))
            }
            Ask::Net(net) => pools.nets[net as usize].has(word.ip()),
            Ask::Pattern(pattern, kept) => answers.once(kept, || {
                pools.patterns[pattern as usize].matches(word.str())
            }),
            Ask::Other(test) => pools.others[test as usize].holds(word),
            Ask::Least(_)
            | Ask::Most(_)
            | Ask::Within(..)
            | Ask::Bits(_)
            | Ask::Text(_)
            | Ask::Below(_) => false,
        }
    }

    /// Steps it is worth.
    pub(super) fn cost(self) -> u64 {
        match self.ask {
            Ask::True | Ask::Present | Ask::Net(_) => CHEAP,
            Ask::Least(_) | Ask::Most(_) | Ask::Within(..) | Ask::Bits(_) => CHEAP,
            Ask::Text(_) | Ask::Below(_) | Ask::Prefix(_) | Ask::Suffix(_) => TEXT,
            Ask::Ranges(_) | Ask::Pattern(..) | Ask::Other(_) => DEAR,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{Glob, PathPattern};
    use std::sync::Arc;

    /// A check answers as its test does.
    #[test]
    fn checks_answer_as_tests() {
        let path = |p: &str| Test::Matches(Pattern::Path(Arc::new(PathPattern::parse(p).unwrap())));
        let tests = [
            Test::True,
            Test::Present,
            Test::Ints([(0, 0)].into()),
            Test::Ints([(-5, 2), (7, 7)].into()),
            Test::Ints([(0, 2), (7, 7), (63, 63)].into()),
            Test::Ints([(0, 63)].into()),
            Test::Ints([(1, 1), (64, 64)].into()),
            Test::text("/a"),
            Test::Texts(["".into(), "/a".into()].into()),
            Test::Prefix("/a".into()),
            Test::Suffix("b".into()),
            Test::Part("/".into()),
            path("/"),
            path("/a"),
            path("/a/**"),
            path("/**"),
            path("/a/*/c"),
            Test::Matches(Pattern::Glob(Arc::new(Glob::parse("*b").unwrap()))),
            Test::Nets(["10.0.0.0/8".parse().unwrap()].into()),
        ];
        let ip = "10.1.2.3".parse().unwrap();
        let words = [
            Word::None,
            Word::Bool(true),
            Word::Int(0),
            Word::Int(2),
            Word::Int(7),
            Word::Int(63),
            Word::Int(64),
            Word::Int(-1),
            Word::Int(i64::MIN),
            Word::Str(""),
            Word::Str("/"),
            Word::Str("/a"),
            Word::Str("/a/"),
            Word::Str("/ab"),
            Word::Str("/a/b/c"),
            Word::Ip(ip),
        ];
        let arena = Arena::new();
        for test in tests {
            for want in [true, false] {
                let mut pools = Pools::default();
                let atom = Atom {
                    feature: 0,
                    want,
                    test: test.clone(),
                };
                let check = pools.check(&atom);
                for word in words {
                    let holds = check.holds(&pools, word, &mut Answers::new(&pools, &arena));
                    assert_eq!(holds, atom.holds(word), "{test} {want} {word}");
                }
            }
        }
    }
}
