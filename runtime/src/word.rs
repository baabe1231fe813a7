//! `Word`: one value while a decision is being made.
//!
//! A word is a small tagged value, `Copy`, that borrows text and sequences from the facts, from a
//! program's constants or from the [`Arena`](crate::arena::Arena) of the decision. The tag is there so that no engine has to trust
//! its input to stay memory safe: a program that was damaged on disk reads a zero or an empty text,
//! never a wild pointer. The compiler knows every type, so native code reads the payload directly;
//! `repr(u8)` fixes where it lies (tag at byte 0, 8-byte payloads at byte 8).
//!
//! What a word means is told by the type beside it, which engines do not carry:
//!
//! | language type | word |
//! |---|---|
//! | `Bool` | `Bool` |
//! | `Int`, sizes | `Int` |
//! | `Duration`, `Instant` | `Int`, microseconds (since 1970 UTC) |
//! | `Date` | `Int`, days since 1970-01-01 |
//! | `Money<C>` | `Int`, minor units |
//! | `Percent` | `Int`, billionths (100% is 1_000_000_000) |
//! | `Rate` | `Seq` of count and microseconds |
//! | `Float` | `Float`, finite, never minus zero |
//! | `String` `Path` `Host` `HeaderName` `Key`, zones | `Str` |
//! | `Bytes` | `Bytes` |
//! | `Ip`, `Cidr` | `Ip`, `Cidr` |
//! | `T?` | `None`, or the word of the `T` (optionals do not nest) |
//! | `[T]`, `Values`, records | `Seq` of elements or fields, in order |
//! | `{T}` | `Seq`, sorted by [`Word::order`], without duplicates |
//! | `Map<K, V>` | `Seq` of key, value, key, value …, sorted by key, keys distinct |
//! | enums | `Variant` with the variant's index and its fields |

use std::cmp::Ordering;
use std::fmt;

use crate::kinds::net::{Cidr, Ip};

/// One value of any type; see the module's table.
///
/// 24 bytes, `Copy`. The accessors never fail: on a word of another kind they answer the type's zero,
/// which only a damaged program can ever see.
///
/// ```
/// use tollgate_runtime::Word;
/// assert_eq!(Word::Int(7).int(), 7);
/// assert_eq!(Word::Str("a").int(), 0);
/// assert!(Word::None.is_none());
/// ```
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub enum Word<'a> {
    /// The absent optional.
    None,
    /// A truth value.
    Bool(bool),
    /// Any type that counts in whole units.
    Int(i64),
    /// A finite float.
    Float(f64),
    /// Text of any text type.
    Str(&'a str),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// An address.
    Ip(Ip),
    /// A network.
    Cidr(Cidr),
    /// A list, set, map, record or rate.
    Seq(&'a [Word<'a>]),
    /// An enum value: the variant's index and its fields.
    Variant(u32, &'a [Word<'a>]),
}

impl<'a> Word<'a> {
    /// Whether this is the absent optional.
    #[inline]
    pub fn is_none(self) -> bool {
        matches!(self, Word::None)
    }

    /// The truth value, or false.
    #[inline]
    pub fn bool(self) -> bool {
        matches!(self, Word::Bool(true))
    }

    /// The integer, or 0.
    #[inline]
    pub fn int(self) -> i64 {
        if let Word::Int(v) = self { v } else { 0 }
    }

    /// The float, or 0.0.
    #[inline]
    pub fn float(self) -> f64 {
        if let Word::Float(v) = self { v } else { 0.0 }
    }

    /// The text, or the empty text.
    #[inline]
    pub fn str(self) -> &'a str {
        if let Word::Str(v) = self { v } else { "" }
    }

    /// The bytes, or none.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        if let Word::Bytes(v) = self { v } else { &[] }
    }

    /// The address, or `::`.
    #[inline]
    pub fn ip(self) -> Ip {
        if let Word::Ip(v) = self {
            v
        } else {
            Ip::UNSPECIFIED
        }
    }

    /// The network, or `::/0`.
    #[inline]
    pub fn cidr(self) -> Cidr {
        if let Word::Cidr(v) = self {
            v
        } else {
            Cidr::ALL
        }
    }

    /// The elements or fields, or none.
    #[inline]
    pub fn seq(self) -> &'a [Word<'a>] {
        match self {
            Word::Seq(v) | Word::Variant(_, v) => v,
            _ => &[],
        }
    }

    /// The variant's index, or 0.
    #[inline]
    pub fn tag(self) -> u32 {
        if let Word::Variant(v, _) = self { v } else { 0 }
    }

    /// Element or field `i`; `Word::None` past the end.
    #[inline]
    pub fn at(self, i: usize) -> Word<'a> {
        // Chosen by reference, so that the word is copied whole: what is written in pieces is slow to read.
        *self.seq().get(i).unwrap_or(&Word::None)
    }

    /// The total order in which sets and map keys are kept: absent first, then by value; text and bytes
    /// by bytes, sequences element by element, variants by index and then by fields.
    ///
    /// Words of different kinds (never the case in a checked program) are ordered by kind.
    /// Costs the length of the shorter operand.
    pub fn order(self, other: Word<'_>) -> Ordering {
        match (self, other) {
            (Word::Bool(a), Word::Bool(b)) => a.cmp(&b),
            (Word::Int(a), Word::Int(b)) => a.cmp(&b),
            (Word::Float(a), Word::Float(b)) => a.total_cmp(&b),
            (Word::Str(a), Word::Str(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Word::Bytes(a), Word::Bytes(b)) => a.cmp(b),
            (Word::Ip(a), Word::Ip(b)) => a.cmp(&b),
            (Word::Cidr(a), Word::Cidr(b)) => a.cmp(&b),
            (Word::Seq(a), Word::Seq(b)) => order_all(a, b),
            (Word::Variant(s, a), Word::Variant(t, b)) => s.cmp(&t).then_with(|| order_all(a, b)),
            (a, b) => a.kind().cmp(&b.kind()),
        }
    }

    /// Structural equality, which agrees with [`Word::order`].
    #[inline]
    pub fn same(self, other: Word<'_>) -> bool {
        match (self, other) {
            (Word::Int(a), Word::Int(b)) => a == b,
            (Word::Str(a), Word::Str(b)) => a == b,
            (a, b) => a.order(b).is_eq(),
        }
    }

    /// Whether a list or set holds an equal element. Linear; see [`Word::set_has`] for sets.
    pub fn list_has(self, item: Word<'_>) -> bool {
        self.seq().iter().any(|w| w.same(item))
    }

    /// Whether a set (sorted, see the module's table) holds an equal element. Logarithmic.
    pub fn set_has(self, item: Word<'_>) -> bool {
        self.seq().binary_search_by(|w| w.order(item)).is_ok()
    }

    /// The value a map holds for `key`, or `Word::None`. Logarithmic.
    pub fn map_get(self, key: Word<'_>) -> Word<'a> {
        let entries = self.seq();
        let (mut lo, mut hi) = (0, entries.len() / 2);
        while lo < hi {
            let mid = lo.midpoint(hi);
            match entries[2 * mid].order(key) {
                Ordering::Less => lo = mid + 1,
                Ordering::Greater => hi = mid,
                Ordering::Equal => return entries[2 * mid + 1],
            }
        }
        Word::None
    }

    fn kind(self) -> u8 {
        match self {
            Word::None => 0,
            Word::Bool(_) => 1,
            Word::Int(_) => 2,
            Word::Float(_) => 3,
            Word::Str(_) => 4,
            Word::Bytes(_) => 5,
            Word::Ip(_) => 6,
            Word::Cidr(_) => 7,
            Word::Seq(_) => 8,
            Word::Variant(..) => 9,
        }
    }
}

impl PartialEq for Word<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.same(*other)
    }
}

/// The untyped rendering used by traces of the compiler itself; JSON goes through the schema.
impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Word::None => f.write_str("none"),
            Word::Bool(v) => write!(f, "{v}"),
            Word::Int(v) => write!(f, "{v}"),
            Word::Float(v) => write!(f, "{v:?}"),
            Word::Str(v) => write!(f, "{v:?}"),
            Word::Bytes(v) => write!(f, "{v:?}"),
            Word::Ip(v) => write!(f, "{v}"),
            Word::Cidr(v) => write!(f, "{v}"),
            Word::Seq(v) => write_all(f, '[', v, ']'),
            Word::Variant(tag, v) => {
                write!(f, "#{tag}")?;
                if v.is_empty() {
                    Ok(())
                } else {
                    write_all(f, '(', v, ')')
                }
            }
        }
    }
}

/// A float as the language has them: at the greatest magnitude where it would be infinite, zero where it would be minus zero.
/// Of finite operands no arithmetic of the language makes a NaN; a damaged program's becomes zero.
///
/// ```
/// use tollgate_runtime::word::settle;
/// assert_eq!(settle(f64::MAX * 2.0), f64::MAX);
/// assert!(settle(-0.0).is_sign_positive());
/// ```
#[inline]
pub fn settle(value: f64) -> f64 {
    if value.is_nan() {
        return 0.0;
    }
    value.clamp(f64::MIN, f64::MAX) + 0.0
}

fn write_all(
    f: &mut fmt::Formatter<'_>,
    open: char,
    items: &[Word<'_>],
    close: char,
) -> fmt::Result {
    write!(f, "{open}")?;
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    write!(f, "{close}")
}

fn order_all(a: &[Word<'_>], b: &[Word<'_>]) -> Ordering {
    for (x, y) in a.iter().zip(b) {
        match x.order(*y) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
    a.len().cmp(&b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Native code will read payloads at fixed places; this is where the layout is promised.
    #[test]
    fn a_word_is_24_bytes_with_its_tag_first() {
        assert_eq!(size_of::<Word<'_>>(), 24);
        assert_eq!(align_of::<Word<'_>>(), 8);
    }

    #[test]
    fn maps_are_searched_by_key() {
        let entries = [Word::Str("a"), Word::Int(1), Word::Str("c"), Word::Int(3)];
        let map = Word::Seq(&entries);
        assert_eq!(map.map_get(Word::Str("c")), Word::Int(3));
        assert!(map.map_get(Word::Str("b")).is_none());
    }
}
