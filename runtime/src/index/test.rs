//! Questions about one word, as data: the atoms that the conditions of a rule set are taken apart into.

use std::fmt;

use crate::kinds::net::Cidr;
use crate::pattern::Pattern;
use crate::value::Value;
use crate::word::Word;

/// A set of words: those of which the answer is yes.
///
/// A test reads its word as the instruction it stands for would, so a word of another kind is read as its type's zero
/// and never fails.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Test {
    /// The truth value true.
    True,
    /// An optional that is present.
    Present,
    /// An integer in one of some ranges, both ends included: ascending, and with a gap between one and the next.
    Ints(Box<[(i64, i64)]>),
    /// One of some texts: sorted by bytes, distinct.
    Texts(Box<[Box<str>]>),
    /// One of some values that are neither integers nor texts: sorted, distinct.
    Values(Box<[Value]>),
    /// A text that begins so.
    Prefix(Box<str>),
    /// A text that ends so.
    Suffix(Box<str>),
    /// A text in which this stands somewhere.
    Part(Box<str>),
    /// A text that a pattern matches as a whole.
    Matches(Pattern),
    /// An address in one of some networks: sorted, distinct.
    Nets(Box<[Cidr]>),
}

/// A test of a feature, or its opposite.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Atom {
    /// Which feature: an index into the features of the rule set.
    pub feature: u32,
    /// Whether the test is to hold.
    pub want: bool,
    /// The test.
    pub test: Test,
}

/// What a condition asks, taken apart into atoms. Opposites stand at the atoms only.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Formula {
    /// One atom.
    Atom(Atom),
    /// All of them; of none: always.
    All(Vec<Formula>),
    /// One of them at least; of none: never.
    Any(Vec<Formula>),
}

impl Test {
    /// The test of one integer.
    pub fn int(value: i64) -> Test {
        Test::Ints(Box::new([(value, value)]))
    }

    /// The test of one text.
    pub fn text(text: impl Into<Box<str>>) -> Test {
        Test::Texts(Box::new([text.into()]))
    }

    /// The answer for a word. Costs what the instruction it stands for costs; allocates nothing.
    ///
    /// ```
    /// use tollgate_runtime::Word;
    /// use tollgate_runtime::index::Test;
    /// let small = Test::Ints(Box::new([(0, 9)]));
    /// assert!(small.holds(Word::Int(7)) && !small.holds(Word::Int(10)));
    /// assert!(Test::text("a").holds(Word::Str("a")));
    /// ```
    pub fn holds(&self, word: Word<'_>) -> bool {
        match self {
            Test::True => word.bool(),
            Test::Present => !word.is_none(),
            Test::Ints(ranges) => {
                let value = word.int();
                let at = ranges.partition_point(|(_, hi)| *hi < value);
                ranges.get(at).is_some_and(|(lo, _)| *lo <= value)
            }
            Test::Texts(texts) => {
                let text = word.str().as_bytes();
                let found = texts.binary_search_by(|t| t.as_bytes().cmp(text));
                found.is_ok()
            }
            Test::Values(values) => values.iter().any(|v| same(v, word)),
            Test::Prefix(prefix) => word.str().starts_with(&**prefix),
            Test::Suffix(suffix) => word.str().ends_with(&**suffix),
            Test::Part(part) => word.str().contains(&**part),
            Test::Matches(pattern) => pattern.matches(word.str()),
            Test::Nets(nets) => nets.iter().any(|n| n.has(word.ip())),
        }
    }
}

impl Atom {
    /// Whether it holds for the word of its feature.
    pub fn holds(&self, word: Word<'_>) -> bool {
        self.test.holds(word) == self.want
    }
}

impl Formula {
    /// The formula that always holds.
    pub const ALWAYS: Formula = Formula::All(Vec::new());
    /// The formula that never holds.
    pub const NEVER: Formula = Formula::Any(Vec::new());

    /// Whether it holds, given the word of a feature. Stops at the first atom that settles it.
    pub fn holds<'a>(&self, feature: &mut impl FnMut(u32) -> Word<'a>) -> bool {
        match self {
            Formula::Atom(atom) => atom.holds(feature(atom.feature)),
            Formula::All(of) => of.iter().all(|f| f.holds(feature)),
            Formula::Any(of) => of.iter().any(|f| f.holds(feature)),
        }
    }

    /// Bytes of memory held, without what patterns share.
    pub fn heap(&self) -> usize {
        match self {
            Formula::Atom(atom) => match &atom.test {
                Test::True | Test::Present | Test::Matches(_) => 0,
                Test::Ints(ranges) => size_of_val(&ranges[..]),
                Test::Texts(texts) => {
                    size_of_val(&texts[..]) + texts.iter().map(|t| t.len()).sum::<usize>()
                }
                Test::Values(values) => size_of_val(&values[..]),
                Test::Prefix(text) | Test::Suffix(text) | Test::Part(text) => text.len(),
                Test::Nets(nets) => size_of_val(&nets[..]),
            },
            Formula::All(of) | Formula::Any(of) => {
                of.capacity() * size_of::<Formula>() + of.iter().map(Formula::heap).sum::<usize>()
            }
        }
    }

    /// Visits its atoms, in order.
    pub fn atoms<'f>(&'f self, visit: &mut impl FnMut(&'f Atom)) {
        match self {
            Formula::Atom(atom) => visit(atom),
            Formula::All(of) | Formula::Any(of) => of.iter().for_each(|f| f.atoms(visit)),
        }
    }
}

/// Whether a word is structurally equal to a value.
fn same(value: &Value, word: Word<'_>) -> bool {
    let all = |values: &[Value], words: &[Word<'_>]| {
        values.len() == words.len() && values.iter().zip(words).all(|(v, w)| same(v, *w))
    };
    match (value, word) {
        (Value::None, Word::None) => true,
        (Value::Bool(v), Word::Bool(w)) => *v == w,
        (Value::Int(v), Word::Int(w)) => *v == w,
        (Value::Float(v), Word::Float(w)) => v.total_cmp(&w).is_eq(),
        (Value::Str(v), Word::Str(w)) => **v == *w,
        (Value::Bytes(v), Word::Bytes(w)) => **v == *w,
        (Value::Ip(v), Word::Ip(w)) => *v == w,
        (Value::Cidr(v), Word::Cidr(w)) => *v == w,
        (Value::Seq(v), Word::Seq(w)) => all(v, w),
        (Value::Variant(s, v), Word::Variant(t, w)) => *s == t && all(v, w),
        _ => false,
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::True => f.write_str("true"),
            Test::Present => f.write_str("present"),
            Test::Ints(ranges) => {
                f.write_str("int {")?;
                for (i, (lo, hi)) in ranges.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    match lo == hi {
                        true => write!(f, "{comma}{lo}")?,
                        false => write!(f, "{comma}{lo} .. {hi}")?,
                    }
                }
                f.write_str("}")
            }
            Test::Texts(texts) => list(f, "text", texts.iter().map(|t| format!("{t:?}"))),
            Test::Values(values) => list(f, "value", values.iter().map(ToString::to_string)),
            Test::Prefix(text) => write!(f, "prefix {text:?}"),
            Test::Suffix(text) => write!(f, "suffix {text:?}"),
            Test::Part(text) => write!(f, "part {text:?}"),
            Test::Matches(pattern) => {
                let (kind, text) = pattern.key();
                write!(f, "{kind} {text:?}")
            }
            Test::Nets(nets) => list(f, "net", nets.iter().map(ToString::to_string)),
        }
    }
}

fn list(
    f: &mut fmt::Formatter<'_>,
    kind: &str,
    items: impl Iterator<Item = String>,
) -> fmt::Result {
    write!(f, "{kind} {{{}}}", items.collect::<Vec<_>>().join(", "))
}
