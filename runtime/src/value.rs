//! `Value`: a word that owns what it holds.
//!
//! Constants, defaults and the values that leave a decision are values; see [`Word`] for what each kind stands for.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::arena::Arena;
use crate::kinds::net::{Cidr, Ip};
use crate::word::Word;

/// An owned value of any type; the owned twin of [`Word`].
///
/// Equality and order are those of [`Word::order`], so a value can be a key of a map.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Value {
    /// The absent optional.
    None,
    /// A truth value.
    Bool(bool),
    /// Any type that counts in whole units.
    Int(i64),
    /// A finite float.
    Float(f64),
    /// Text of any text type.
    Str(Box<str>),
    /// Raw bytes.
    Bytes(Box<[u8]>),
    /// An address.
    Ip(Ip),
    /// A network.
    Cidr(Cidr),
    /// A list, set (sorted, distinct), map (sorted pairs), record or rate.
    Seq(Box<[Value]>),
    /// An enum value: the variant's index and its fields.
    Variant(u32, Box<[Value]>),
}

impl Value {
    /// Text.
    pub fn str(text: impl Into<Box<str>>) -> Value {
        Value::Str(text.into())
    }

    /// A list or record of the given elements, in order.
    pub fn seq(items: impl IntoIterator<Item = Value>) -> Value {
        Value::Seq(items.into_iter().collect())
    }

    /// A set: sorted, duplicates dropped.
    pub fn set(items: impl IntoIterator<Item = Value>) -> Value {
        let mut items: Vec<Value> = items.into_iter().collect();
        items.sort();
        items.dedup();
        Value::Seq(items.into())
    }

    /// A map: sorted by key; of equal keys the first stays.
    pub fn map(entries: impl IntoIterator<Item = (Value, Value)>) -> Value {
        let mut entries: Vec<(Value, Value)> = entries.into_iter().collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|b, a| a.0 == b.0);
        Value::Seq(entries.into_iter().flat_map(|(k, v)| [k, v]).collect())
    }

    /// An enum value without payload.
    pub fn tag(index: u32) -> Value {
        Value::Variant(index, Box::new([]))
    }

    /// Copies a word and everything it borrows.
    pub fn of(word: Word<'_>) -> Value {
        match word {
            Word::None => Value::None,
            Word::Bool(v) => Value::Bool(v),
            Word::Int(v) => Value::Int(v),
            Word::Float(v) => Value::Float(v),
            Word::Str(v) => Value::Str(v.into()),
            Word::Bytes(v) => Value::Bytes(v.into()),
            Word::Ip(v) => Value::Ip(v),
            Word::Cidr(v) => Value::Cidr(v),
            Word::Seq(v) => Value::Seq(v.iter().map(|w| Value::of(*w)).collect()),
            Word::Variant(t, v) => Value::Variant(t, v.iter().map(|w| Value::of(*w)).collect()),
        }
    }

    /// The word of this value, with everything it holds laid out in `arena`.
    pub fn word<'a>(&self, arena: &'a Arena) -> Word<'a> {
        match self {
            Value::None => Word::None,
            Value::Bool(v) => Word::Bool(*v),
            Value::Int(v) => Word::Int(*v),
            Value::Float(v) => Word::Float(*v),
            Value::Str(v) => Word::Str(arena.str(v)),
            Value::Bytes(v) => Word::Bytes(arena.bytes(v)),
            Value::Ip(v) => Word::Ip(*v),
            Value::Cidr(v) => Word::Cidr(*v),
            Value::Seq(v) => Word::Seq(words(v, arena)),
            Value::Variant(t, v) => Word::Variant(*t, words(v, arena)),
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Value::None => 0,
            Value::Bool(_) => 1,
            Value::Int(_) => 2,
            Value::Float(_) => 3,
            Value::Str(_) => 4,
            Value::Bytes(_) => 5,
            Value::Ip(_) => 6,
            Value::Cidr(_) => 7,
            Value::Seq(_) => 8,
            Value::Variant(..) => 9,
        }
    }
}

fn words<'a>(values: &[Value], arena: &'a Arena) -> &'a [Word<'a>] {
    arena.seq_with(values.len(), |i| values[i].word(arena))
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
            (Value::Str(a), Value::Str(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
            (Value::Ip(a), Value::Ip(b)) => a.cmp(b),
            (Value::Cidr(a), Value::Cidr(b)) => a.cmp(b),
            (Value::Seq(a), Value::Seq(b)) => a.cmp(b),
            (Value::Variant(s, a), Value::Variant(t, b)) => s.cmp(t).then_with(|| a.cmp(b)),
            (a, b) => a.kind().cmp(&b.kind()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Value {}

/// Floats are finite and never minus zero, so their bits stand for their value.
impl std::hash::Hash for Value {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.kind().hash(state);
        match self {
            Value::None => {}
            Value::Bool(v) => v.hash(state),
            Value::Int(v) => v.hash(state),
            Value::Float(v) => v.to_bits().hash(state),
            Value::Str(v) => v.hash(state),
            Value::Bytes(v) => v.hash(state),
            Value::Ip(v) => v.hash(state),
            Value::Cidr(v) => v.hash(state),
            Value::Seq(v) => v.hash(state),
            Value::Variant(t, v) => {
                t.hash(state);
                v.hash(state);
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arena = Arena::new();
        write!(f, "{}", self.word(&arena))
    }
}
