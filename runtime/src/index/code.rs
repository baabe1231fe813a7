//! The tree as a search reads it: nodes, rows and checks behind one another in words of 64 bits.
//!
//! A decision by a large index waits for memory, so what it reads next should be what lies next. A node's rows stand
//! behind its header, a row's checks behind the row, the texts they compare (`packed.rs`) behind the check; the children of a node
//! stand behind it where one way leads on, and the text by which a node is found in front of it. Children are named by the place of their header.
//!
//! ```text
//! node   kind 3 · masked 1 · subject 28 · of 32    least 32 · rest 32    [masked subject]
//!        of: words of rows, the number of an access structure, or how many children are listed
//! list   the first value 64    children 32 · 32
//! row    rule 32 · words 20 · steps 12    [threshold 64] [mask 64]    words: those behind the head, with threshold and mask
//! check  op 4 · subject 26 · want 1 · operand 32    its own words
//! ```
//!
//! Rows of one node mostly ask for the same small set of values of one subject, such as the methods of a request. That question is
//! put to the node: its word is read once, and each row has a *mask* of the values below 64 that it takes, all of them where it does
//! not ask; a value that is not below 64 is taken by such rows only.
//!
//! What is written here is read by this crate and never comes from outside: an index is built where it is used.

use super::access::{Access, NONE};
use super::check::Pools;

/// What a node, or a check, asks about: a way to get a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Subject(pub(super) u32);

/// The ways to get a word, in the two lowest bits of a [`Subject`].
pub(super) mod way {
    /// A field of the record that most features are fields of.
    pub(in crate::index) const FIELD: u32 = 0;
    /// The number of the variant of such a field.
    pub(in crate::index) const TAG: u32 = 1;
    /// A feature that is kept during a search.
    pub(in crate::index) const KEPT: u32 = 2;
    /// A feature that is read each time.
    pub(in crate::index) const READ: u32 = 3;
}

impl Subject {
    /// Fields and features from this number on have no way of their own; a program has fewer tokens.
    pub(super) const MAX: u32 = 1 << 24;

    pub(super) fn new(way: u32, number: u32) -> Subject {
        Subject(way | number.min(Subject::MAX - 1) << 2)
    }
    #[inline(always)]
    pub(super) fn way(self) -> u32 {
        self.0 & 3
    }
    #[inline(always)]
    pub(super) fn number(self) -> u32 {
        self.0 >> 2
    }
}

/// What a node does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Rows to look at one by one, ascending by rule.
    Leaf,
    /// Rows that ask for an integer from a threshold on, by threshold, so that those that can hold come first; and the
    /// node of the other rows. No row stands here twice, which a segment tree over the thresholds would cost.
    Up,
    /// Likewise up to a threshold.
    Down,
    /// Children by the word of a feature, and the node of the rows that say nothing about it.
    Branch,
    /// Likewise, by an integer: the children of neighbouring values stand behind the header.
    Listed,
}

/// A node's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) subject: Subject,
    /// Words of its rows, the number of its access structure, or how many children are listed.
    pub(super) of: u32,
    /// The least rule here and below.
    pub(super) least: u32,
    /// The node of the rows that say nothing about the subject, or [`NONE`].
    pub(super) rest: u32,
    /// Whether its rows have masks; the subject of those is the first word behind the header.
    pub(super) masked: bool,
}

/// Words of a header.
pub(super) const HEADER: usize = 2;

/// What the mask of a row that takes a value has, all of them: the value's bit, or every bit where it is not below 64.
#[inline(always)]
pub(super) fn wanted(value: i64) -> u64 {
    match value {
        0..64 => 1 << value,
        _ => u64::MAX,
    }
}

impl Header {
    pub(super) fn words(self) -> [u64; HEADER] {
        let kind = match self.kind {
            Kind::Leaf => 0,
            Kind::Up => 1,
            Kind::Down => 2,
            Kind::Branch => 3,
            Kind::Listed => 4,
        };
        [
            kind | u64::from(self.masked) << 3
                | u64::from(self.subject.0) << 4
                | u64::from(self.of) << 32,
            u64::from(self.least) | u64::from(self.rest) << 32,
        ]
    }

    #[inline(always)]
    pub(super) fn read([first, second]: [u64; HEADER]) -> Header {
        Header {
            masked: first & 8 != 0,
            kind: match first & 7 {
                0 => Kind::Leaf,
                1 => Kind::Up,
                2 => Kind::Down,
                3 => Kind::Branch,
                _ => Kind::Listed,
            },
            subject: Subject((first as u32) >> 4),
            of: (first >> 32) as u32,
            least: second as u32,
            rest: (second >> 32) as u32,
        }
    }
}

/// The place of the child that a list behind a header has for a value. A value below the first wraps round to a place beyond the list.
#[inline(always)]
pub(super) fn listed(behind: &[u64], of: u32, value: i64) -> Option<u32> {
    let (first, children) = behind.split_first()?;
    let place = (value as u64).wrapping_sub(*first);
    if place >= of.into() {
        return None;
    }
    let pair = children.get((place / 2) as usize)?;
    let child = (pair >> (32 * (place & 1))) as u32;
    (child != NONE).then_some(child)
}

/// The words of a list of children.
pub(super) fn list(first: i64, children: &[u32]) -> impl Iterator<Item = u64> {
    let pair = |pair: &[u32]| {
        let second = pair.get(1).copied().unwrap_or(NONE);
        u64::from(pair[0]) | u64::from(second) << 32
    };
    std::iter::once(first as u64).chain(children.chunks(2).map(pair))
}

/// A row's head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head(u64);

impl Head {
    /// The most words that a head can count.
    pub(super) const WORDS_MAX: usize = (1 << 20) - 1;

    pub(super) fn new(rule: u32, words: usize, steps: u64) -> Head {
        debug_assert!(words <= Head::WORDS_MAX, "rows are short enough");
        let words = words.min(Head::WORDS_MAX) as u64;
        Head(u64::from(rule) | words << 32 | steps.min(4095) << 52)
    }
    pub(super) fn word(self) -> u64 {
        self.0
    }
    #[inline(always)]
    pub(super) fn read(word: u64) -> Head {
        Head(word)
    }
    #[inline(always)]
    pub(super) fn rule(self) -> u32 {
        self.0 as u32
    }
    #[inline(always)]
    pub(super) fn len(self) -> usize {
        (self.0 >> 32 & 0xf_ffff) as usize
    }
    /// Steps of looking at the row.
    #[inline(always)]
    pub(super) fn steps(self) -> u64 {
        self.0 >> 52
    }
}

/// A tree ready to be searched.
#[derive(Debug, Default)]
pub(super) struct Code {
    pub(super) words: Vec<u64>,
    pub(super) accesses: Vec<Access>,
    pub(super) pools: Pools,
    /// Where headers of nodes stand, ascending: a node stands before what is below it. The root is the first.
    pub(super) nodes: Vec<u32>,
    /// Rows in leaves.
    pub(super) rows: usize,
}

/// A row, for whoever does not search.
pub(super) struct RowView<'c> {
    pub(super) head: Head,
    /// Whether it has a mask that does not take every value.
    pub(super) masked: bool,
    pub(super) checks: &'c [u64],
}

impl Code {
    /// The header of a node and the words behind it; nothing where no node begins.
    #[inline(always)]
    pub(super) fn node(&self, at: u32) -> Option<(Header, &[u64])> {
        let (header, behind) = self.words.get(at as usize..)?.split_first_chunk()?;
        Some((Header::read(*header), behind))
    }

    /// The subject of the masks of a node's rows, if they have masks.
    pub(super) fn mask(&self, at: u32) -> Option<Subject> {
        let (header, behind) = self.node(at)?;
        let subject = behind.first().filter(|_| header.masked)?;
        Some(Subject(*subject as u32))
    }

    /// The rows of a leaf or of thresholds, in the order in which they stand.
    pub(super) fn rows_of(&self, at: u32) -> Vec<RowView<'_>> {
        let Some((header, behind)) = self.node(at) else {
            return Vec::new();
        };
        let threshold = match header.kind {
            Kind::Branch | Kind::Listed => return Vec::new(),
            Kind::Leaf => 0,
            Kind::Up | Kind::Down => 1,
        };
        let masked = usize::from(header.masked);
        let mut code = behind
            .get(masked..masked + header.of as usize)
            .unwrap_or(&[]);
        let mut rows = Vec::new();
        while let [head, rest @ ..] = code {
            let head = Head::read(*head);
            let (row, behind) = rest.split_at_checked(head.len()).unwrap_or((rest, &[]));
            let mask = row.get(threshold).filter(|_| header.masked);
            rows.push(RowView {
                head,
                masked: mask.is_some_and(|mask| *mask != u64::MAX),
                checks: row.get(threshold + masked..).unwrap_or(&[]),
            });
            code = behind;
        }
        rows
    }

    /// The children that a node lists, with their values, ascending; none of another node.
    pub(super) fn listed(&self, at: u32) -> Vec<(i64, u32)> {
        let Some((header, behind)) = self.node(at) else {
            return Vec::new();
        };
        let (Kind::Listed, Some(first)) = (header.kind, behind.first()) else {
            return Vec::new();
        };
        let child = |place: u32| {
            let value = (*first as i64).wrapping_add(place.into());
            Some((value, listed(behind, header.of, value)?))
        };
        (0..header.of).filter_map(child).collect()
    }

    /// Bytes of memory held, without what patterns share with the program.
    pub(super) fn heap(&self) -> usize {
        let accesses = self.accesses.iter().map(Access::heap);
        self.words.capacity() * size_of::<u64>()
            + self.nodes.capacity() * size_of::<u32>()
            + accesses.sum::<usize>()
            + size_of_val(&self.accesses[..])
            + self.pools.heap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_heads_are_read_as_written() {
        for kind in [Kind::Leaf, Kind::Up, Kind::Down, Kind::Branch, Kind::Listed] {
            let header = Header {
                kind,
                subject: Subject::new(way::READ, Subject::MAX - 1),
                of: 0x1234_5678,
                least: 7,
                rest: NONE,
                masked: kind == Kind::Up,
            };
            assert_eq!(
                format!("{:?}", Header::read(header.words())),
                format!("{header:?}")
            );
        }
        let head = Head::read(Head::new(u32::MAX, Head::WORDS_MAX, 5000).word());
        assert_eq!(
            (head.rule(), head.len(), head.steps()),
            (u32::MAX, Head::WORDS_MAX, 4095)
        );
    }

    #[test]
    fn children_are_found_where_they_are_listed() {
        for first in [i64::MIN, -1, 0, 7, i64::MAX - 2] {
            let children = [3, NONE, 5];
            let words: Vec<u64> = list(first, &children).collect();
            let find = |value| listed(&words, 3, value);
            assert_eq!(find(first), Some(3));
            assert_eq!(find(first + 1), None);
            assert_eq!(find(first + 2), Some(5));
            assert_eq!(find(first.wrapping_sub(1)), None);
            assert_eq!(find(first.wrapping_add(3)), None);
        }
    }
}
