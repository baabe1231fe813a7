//! Checks: tests as they are asked during a search, each a word that says what to do and the words it compares with.

use rustc_hash::{FxHashMap, FxHashSet};

use super::code::Subject;
use super::packed::{pack, same, words_of};
use super::test::{Atom, Test};
use crate::arena::Arena;
use crate::kinds::net::Ip;
use crate::pattern::{Pattern, Segment};
use crate::word::Word;

/// The first word of a check.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check(u64);

/// What a check does; see [`Check::holds`]. What stands behind it, in words, is behind the colon.
pub(super) mod op {
    /// The truth value true: nothing.
    pub(in crate::index) const TRUE: u64 = 0;
    /// An optional that is present: nothing.
    pub(in crate::index) const PRESENT: u64 = 1;
    /// An integer and all above it: the integer.
    pub(in crate::index) const LEAST: u64 = 2;
    /// An integer and all below it: the integer.
    pub(in crate::index) const MOST: u64 = 3;
    /// So many integers from one on, which the operand and the lower bits cannot hold: the first, the last.
    pub(in crate::index) const WITHIN: u64 = 4;
    /// Integers below 64: a bit each.
    pub(in crate::index) const BITS: u64 = 5;
    /// One text, as long as the operand says: the text.
    pub(in crate::index) const TEXT: u64 = 6;
    /// One of some texts, which are as many words as the operand says: the length of each, and the text.
    pub(in crate::index) const TEXTS: u64 = 14;
    /// The text, or the text and a slash and anything, which is a path pattern of literals and `**`: the text.
    pub(in crate::index) const BELOW: u64 = 7;
    /// Texts that begin so: the text.
    pub(in crate::index) const PREFIX: u64 = 8;
    /// Texts that end so: the text.
    pub(in crate::index) const SUFFIX: u64 = 9;
    /// Addresses in a network: its base and its mask, two words each (`halves`).
    pub(in crate::index) const NET: u64 = 10;
    /// A pattern, by number, that is not one of the above: where its answer is kept if several rows ask.
    pub(in crate::index) const PATTERN: u64 = 11;
    /// Any other test, by number: nothing.
    pub(in crate::index) const OTHER: u64 = 12;
    /// A condition that could not be taken apart, by number: nothing. It has no subject.
    pub(in crate::index) const RESIDUE: u64 = 13;
}

/// Bytes of the longest text that stands in the code; a longer one is a test of its own.
const TEXT_MAX: usize = 256;
/// The most texts that stand there for one check: they are compared one by one.
const TEXTS_MAX: usize = 8;
/// Words of the longest check.
pub(super) const CHECK_MAX: usize = 1 + TEXTS_MAX * (1 + words_of(TEXT_MAX));

/// What most checks do without: the rest of what they compare with.
#[derive(Debug, Default)]
pub(super) struct Pools {
    patterns: Vec<Pattern>,
    others: Vec<Test>,
    residues: Vec<Residue>,
    /// How many answers are kept.
    answers: u32,
}

/// A condition that could not be taken apart, made ready.
#[derive(Debug)]
pub(super) enum Residue {
    Check(Box<[u64]>),
    All(Box<[Residue]>),
    Any(Box<[Residue]>),
}

/// Makes checks, and knows what was made before.
#[derive(Debug, Default)]
pub(super) struct Checks {
    pub(super) pools: Pools,
    others: FxHashMap<Test, u32>,
    /// Patterns that were asked for of a feature, and those that several rows ask for.
    asked: FxHashSet<(u32, Pattern)>,
    shared: FxHashSet<(u32, Pattern)>,
    /// Patterns made, by feature, and where their answers are kept.
    patterns: FxHashMap<(u32, Pattern), (u32, u32)>,
}

/// No place where an answer is kept.
const UNKEPT: u32 = u32::MAX;

/// Answers that are kept during a search.
#[derive(Debug)]
pub(super) struct Answers<'a> {
    arena: &'a Arena,
    /// For each, nothing, no or yes; made when the first is kept.
    kept: &'a mut [u8],
}

impl<'a> Answers<'a> {
    pub(super) fn new(arena: &'a Arena) -> Answers<'a> {
        Answers {
            arena,
            kept: &mut [],
        }
    }

    /// The answer that is kept at a place of so many, or that `ask` gives.
    fn once(&mut self, place: u32, len: u32, ask: impl FnOnce() -> bool) -> bool {
        if place == UNKEPT {
            return ask();
        }
        if self.kept.is_empty() {
            self.kept = self.arena.zeroed(len as usize);
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

impl Checks {
    /// Tells of an atom that will come, so that answers that several rows ask for are kept.
    pub(super) fn announce(&mut self, atom: &Atom) {
        if let Test::Matches(pattern) = &atom.test {
            let key = (atom.feature, pattern.clone());
            if !self.asked.insert(key.clone()) {
                self.shared.insert(key);
            }
        }
    }

    /// Appends the check of an atom about a subject.
    pub(super) fn put(&mut self, atom: &Atom, subject: Subject, out: &mut Vec<u64>) {
        let at = out.len();
        out.push(0);
        let (op, operand) = self.test(atom, out);
        out[at] = Check::new(op, subject, atom.want, operand).0;
    }

    /// The check of a condition that could not be taken apart.
    pub(super) fn residue(&mut self, residue: Residue) -> u64 {
        self.pools.residues.push(residue);
        let number = self.pools.residues.len() as u32 - 1;
        Check::new(op::RESIDUE, Subject(0), true, number).0
    }

    /// The op and operand of a test; appends what it compares with.
    fn test(&mut self, atom: &Atom, out: &mut Vec<u64>) -> (u64, u32) {
        let mut text = |op, text: &str| {
            pack(text.as_bytes(), out);
            (op, text.len() as u32)
        };
        match &atom.test {
            Test::True => (op::TRUE, 0),
            Test::Present => (op::PRESENT, 0),
            Test::Ints(ranges) => match &ranges[..] {
                [(lo, i64::MAX)] => {
                    out.push(*lo as u64);
                    (op::LEAST, 0)
                }
                [(i64::MIN, hi)] => {
                    out.push(*hi as u64);
                    (op::MOST, 0)
                }
                several => match (bits(several), several) {
                    (Some(bits), _) => {
                        out.push(bits);
                        (op::BITS, 0)
                    }
                    (None, [(lo, hi)]) => {
                        out.extend([*lo as u64, *hi as u64]);
                        (op::WITHIN, 0)
                    }
                    (None, _) => self.other(&atom.test),
                },
            },
            Test::Texts(texts) => match &texts[..] {
                [one] if one.len() <= TEXT_MAX => text(op::TEXT, one),
                few if few.len() <= TEXTS_MAX && few.iter().all(|t| t.len() <= TEXT_MAX) => {
                    let from = out.len();
                    for text in few {
                        out.push(text.len() as u64);
                        pack(text.as_bytes(), out);
                    }
                    (op::TEXTS, (out.len() - from) as u32)
                }
                _ => self.other(&atom.test),
            },
            Test::Prefix(one) if one.len() <= TEXT_MAX => text(op::PREFIX, one),
            Test::Suffix(one) if one.len() <= TEXT_MAX => text(op::SUFFIX, one),
            Test::Matches(pattern) => {
                if let Some((one, open)) = literal(pattern).filter(|(t, _)| t.len() <= TEXT_MAX) {
                    return text(if open { op::BELOW } else { op::TEXT }, &one);
                }
                let (number, place) = self.pattern(atom.feature, pattern);
                out.push(place.into());
                (op::PATTERN, number)
            }
            Test::Nets(nets) => match nets[..] {
                [net] => {
                    let free = 128 - u32::from(net.bits()).min(128);
                    let mask = u128::MAX.checked_shl(free).unwrap_or(0);
                    out.extend(halves(net.base()));
                    out.extend(halves(Ip(mask.to_be_bytes())));
                    (op::NET, 0)
                }
                _ => self.other(&atom.test),
            },
            Test::Prefix(_) | Test::Suffix(_) | Test::Values(_) | Test::Part(_) => {
                self.other(&atom.test)
            }
        }
    }

    fn other(&mut self, test: &Test) -> (u64, u32) {
        let next = self.pools.others.len() as u32;
        let number = *self.others.entry(test.clone()).or_insert(next);
        if number == next {
            self.pools.others.push(test.clone());
        }
        (op::OTHER, number)
    }

    fn pattern(&mut self, feature: u32, pattern: &Pattern) -> (u32, u32) {
        let key = (feature, pattern.clone());
        if let Some(made) = self.patterns.get(&key) {
            return *made;
        }
        let pools = &mut self.pools;
        pools.patterns.push(pattern.clone());
        let mut place = UNKEPT;
        if self.shared.contains(&key) {
            place = pools.answers;
            pools.answers += 1;
        }
        let made = (pools.patterns.len() as u32 - 1, place);
        self.patterns.insert(key, made);
        made
    }
}

impl Pools {
    /// A condition that could not be taken apart.
    #[inline]
    pub(super) fn residue(&self, check: Check) -> Option<&Residue> {
        self.residues.get(check.operand() as usize)
    }

    /// Bytes of memory held, without what patterns share with the program.
    pub(super) fn heap(&self) -> usize {
        self.patterns.capacity() * size_of::<Pattern>()
            + self.others.capacity() * size_of::<Test>()
            + self.residues.iter().map(residue_heap).sum::<usize>()
    }

    /// Drops what was reserved and is not needed.
    pub(super) fn shrink(&mut self) {
        self.patterns.shrink_to_fit();
        self.others.shrink_to_fit();
        self.residues.shrink_to_fit();
    }
}

fn residue_heap(residue: &Residue) -> usize {
    let below = match residue {
        Residue::Check(code) => size_of_val(&code[..]),
        Residue::All(of) | Residue::Any(of) => of.iter().map(residue_heap).sum(),
    };
    below + size_of::<Residue>()
}

/// The text of a path pattern of literals, and whether more may follow.
fn literal(pattern: &Pattern) -> Option<(String, bool)> {
    let Pattern::Path(path) = pattern else {
        return None;
    };
    let texts = path.segments().iter().map(|s| match s {
        Segment::Literal(text) => Some(["/", &**text]),
        Segment::Any | Segment::Capture(_) => None,
    });
    let texts = texts.collect::<Option<Vec<_>>>()?;
    (!texts.is_empty()).then(|| (texts.concat().concat(), path.is_open()))
}

/// Ranges within 0 .. 63 as bits.
pub(super) fn bits(ranges: &[(i64, i64)]) -> Option<u64> {
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

/// The checks of a row, one behind the other.
pub(super) fn each(mut code: &[u64]) -> impl Iterator<Item = Check> {
    std::iter::from_fn(move || {
        let (check, behind) = code.split_first()?;
        let check = Check(*check);
        code = behind.get(check.len()..).unwrap_or(&[]);
        Some(check)
    })
}

impl Check {
    /// The first word, as `code.rs` draws it: op and subject first, so that both are told apart by one jump.
    fn new(op: u64, subject: Subject, want: bool, operand: u32) -> Check {
        let subject = u64::from(subject.0) << 4;
        Check(op | subject | u64::from(want) << 30 | u64::from(operand) << 32)
    }
    #[inline(always)]
    pub(super) fn read(word: u64) -> Check {
        Check(word)
    }
    #[inline(always)]
    fn op(self) -> u64 {
        self.0 & 15
    }
    /// The op and the way of the subject.
    #[inline(always)]
    pub(super) fn key(self) -> u64 {
        self.0 & 63
    }
    #[inline(always)]
    pub(super) fn operand(self) -> u32 {
        (self.0 >> 32) as u32
    }
    /// What it is about.
    #[inline(always)]
    pub(super) fn subject(self) -> Subject {
        Subject((self.0 as u32) << 2 >> 6)
    }
    /// The number of the field or feature that it is about.
    #[inline(always)]
    pub(super) fn number(self) -> usize {
        self.subject().number() as usize
    }
    /// Whether it is a condition that could not be taken apart, which has no subject.
    #[inline(always)]
    pub(super) fn is_residue(self) -> bool {
        self.op() == op::RESIDUE
    }
    /// Whether its test is to hold.
    #[inline(always)]
    pub(super) fn want(self) -> bool {
        self.0 >> 30 & 1 == 1
    }

    /// Words behind it.
    #[inline(always)]
    pub(super) fn len(self) -> usize {
        match self.op() {
            op::LEAST | op::MOST | op::BITS | op::PATTERN => 1,
            op::WITHIN => 2,
            op::NET => 4,
            op::TEXT | op::BELOW | op::PREFIX | op::SUFFIX => words_of(self.operand() as usize),
            op::TEXTS => self.operand() as usize,
            _ => 0,
        }
    }

    /// Whether its test holds for the word of its subject, or does not if that is wanted; `with` is what stands behind it. Allocates nothing.
    pub(super) fn holds(
        self,
        with: &[u64],
        pools: &Pools,
        word: Word<'_>,
        answers: &mut Answers<'_>,
    ) -> bool {
        let operand = self.operand() as usize;
        let holds = match (self.op(), with) {
            (op::TRUE, _) => word.bool(),
            (op::PRESENT, _) => !word.is_none(),
            (op::LEAST, [lo]) => word.int() >= *lo as i64,
            (op::MOST, [hi]) => word.int() <= *hi as i64,
            (op::WITHIN, [lo, hi]) => (*lo as i64..=*hi as i64).contains(&word.int()),
            (op::BITS, [bits]) => has(*bits, word.int()),
            (op::TEXT, text) => is(text, operand, word.str()),
            (op::TEXTS, texts) => is_one_of(texts, word.str()),
            (op::BELOW, text) => is_below(text, operand, word.str()),
            (op::PREFIX, text) => {
                let front = word.str().as_bytes().get(..operand);
                front.is_some_and(|front| same(text, front))
            }
            (op::SUFFIX, text) => {
                let of = word.str().as_bytes();
                let from = of.len().checked_sub(operand);
                from.is_some_and(|from| same(text, &of[from..]))
            }
            (op::NET, [high, low, masks @ ..]) => in_net([*high, *low], masks, word.ip()),
            (op::PATTERN, [place]) => self.matches(*place, pools, word.str(), answers),
            (op::OTHER, _) => pools.others[operand].holds(word),
            _ => false,
        };
        holds == self.want()
    }

    /// Whether its pattern matches a text; asked once where the answer is kept.
    #[inline]
    pub(super) fn matches(
        self,
        place: u64,
        pools: &Pools,
        text: &str,
        answers: &mut Answers<'_>,
    ) -> bool {
        let pattern = &pools.patterns[self.operand() as usize];
        answers.once(place as u32, pools.answers, || pattern.matches(text))
    }

    /// Steps it is worth.
    pub(super) fn steps(self) -> u64 {
        match self.op() {
            op::TRUE | op::PRESENT | op::NET => CHEAP,
            op::LEAST | op::MOST | op::WITHIN | op::BITS => CHEAP,
            op::TEXT | op::TEXTS | op::BELOW | op::PREFIX | op::SUFFIX => TEXT,
            op::RESIDUE => 0,
            _ => DEAR,
        }
    }
}

/// Whether an integer is one of some below 64, a bit each.
#[inline(always)]
pub(super) fn has(bits: u64, value: i64) -> bool {
    (0..64).contains(&value) && bits >> value & 1 == 1
}

/// Whether a packed text of a length is this one.
#[inline(always)]
pub(super) fn is(packed: &[u64], len: usize, text: &str) -> bool {
    text.len() == len && same(packed, text.as_bytes())
}

/// Whether a path is a packed text of a length, or goes on behind it with a slash.
#[inline(always)]
pub(super) fn is_below(packed: &[u64], len: usize, path: &str) -> bool {
    let path = path.as_bytes();
    path.get(len).is_none_or(|b| *b == b'/')
        && path.get(..len).is_some_and(|front| same(packed, front))
}

/// Whether a text is one of some packed ones, each behind its length.
#[inline]
pub(super) fn is_one_of(mut packed: &[u64], text: &str) -> bool {
    while let [len, behind @ ..] = packed {
        let len = *len as usize;
        let Some((one, behind)) = behind.split_at_checked(words_of(len)) else {
            return false;
        };
        if is(one, len, text) {
            return true;
        }
        packed = behind;
    }
    false
}

/// An address as two words with its bytes in the order in which they lie in memory, so that reading one is a load.
#[inline(always)]
fn halves(ip: Ip) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = ip.0;
    [
        u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
        u64::from_ne_bytes(rest),
    ]
}

/// Whether an address has the bits of a network's base that the masks name.
#[inline(always)]
pub(super) fn in_net(base: [u64; 2], masks: &[u64], ip: Ip) -> bool {
    let ([a, b], [c, d]) = (base, halves(ip));
    match masks {
        [first, second] => (a ^ c) & first | (b ^ d) & second == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::code::way;
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
            Test::Ints([(-5, 40)].into()),
            Test::Ints([(3, i64::MAX)].into()),
            Test::Ints([(i64::MIN, 3)].into()),
            Test::text("/a"),
            Test::text(""),
            Test::text("/a/b/c/d/e"),
            Test::text("/".repeat(300)),
            Test::Prefix("/".repeat(300).into()),
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
            Test::Nets(["::/0".parse().unwrap()].into()),
            Test::Nets(["10.1.2.3/32".parse().unwrap()].into()),
            Test::Nets(["10.0.0.0/9".parse().unwrap(), "11.0.0.0/8".parse().unwrap()].into()),
        ];
        let ip = "10.1.2.3".parse().unwrap();
        let slashes = "/".repeat(300);
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
            Word::Str("/a/b/c/d/e"),
            Word::Str(&slashes),
            Word::Ip(ip),
        ];
        let arena = Arena::new();
        for test in tests {
            for want in [true, false] {
                let mut checks = Checks::default();
                let atom = Atom {
                    feature: 0,
                    want,
                    test: test.clone(),
                };
                let mut code = Vec::new();
                checks.put(&atom, Subject::new(way::READ, 3), &mut code);
                let check = Check::read(code[0]);
                assert_eq!(check.len(), code.len() - 1, "{test}");
                assert_eq!(check.subject(), Subject::new(way::READ, 3));
                for word in words {
                    let answers = &mut Answers::new(&arena);
                    let holds = check.holds(&code[1..], &checks.pools, word, answers);
                    assert_eq!(holds, atom.holds(word), "{test} {want} {word}");
                }
            }
        }
    }
}
