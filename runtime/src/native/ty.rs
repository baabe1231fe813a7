//! The types of natives' signatures: each knows its [`NativeType`], the Rust type a body sees, and the way between that and a word.
//!
//! None of these is ever made; they are names for rows of [`natives!`](crate::natives).

use std::marker::PhantomData;

use super::NativeType;
use crate::kinds::net;
use crate::schema::{DATE_END, INSTANT_END, INT_MAX, PERCENT_MAX, STRING_LIMIT, STRING_MAX};
use crate::word::Word;

/// A type of the language in a native's signature.
pub trait Ty {
    /// The type as the checker reads it.
    const TYPE: NativeType;
    /// What a body gets and gives.
    type Rust<'a>: Copy;
    /// Reads a word; one of another kind, which no checked program has, reads as the type's zero.
    fn unpack<'a>(word: Word<'a>) -> Self::Rust<'a>;
    /// Makes a word. What lies outside the declared bounds is moved to the nearest bound.
    fn pack<'a>(value: Self::Rust<'a>) -> Word<'a>;
}

/// An `Int` between the bounds.
pub enum Int<const LO: i64, const HI: i64> {}
/// An unrefined `Int`.
pub type AnyInt = Int<{ -INT_MAX }, INT_MAX>;
/// A `String` of at most `MAX` bytes.
pub enum Str<const MAX: u32> {}
/// A `String` as it may be declared.
pub type Text = Str<STRING_MAX>;
/// A `String` as it may be in between.
pub type LongText = Str<STRING_LIMIT>;
/// A `Percent` between the bounds, in billionths.
pub enum Percent<const LO: i64, const HI: i64> {}
/// An unrefined `Percent`.
pub type AnyPercent = Percent<{ -PERCENT_MAX }, PERCENT_MAX>;
/// `T?`
pub struct Opt<T>(PhantomData<T>);
/// `[T ..MAX]`
pub struct List<T, const MAX: u32>(PhantomData<T>);

/// The elements of a list, as a body sees them.
pub struct Items<'a, T> {
    words: &'a [Word<'a>],
    of: PhantomData<T>,
}

impl<'a, T: Ty> Items<'a, T> {
    /// A list of words made by `T::pack`.
    pub fn new(words: &'a [Word<'a>]) -> Self {
        Items {
            words,
            of: PhantomData,
        }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.words.len()
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.words.is_empty()
    }

    /// The elements, in order.
    pub fn iter(self) -> impl Iterator<Item = T::Rust<'a>> {
        self.words.iter().map(|w| T::unpack(*w))
    }
}

impl<T> Clone for Items<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Items<'_, T> {}

/// The types that are a plain name: documentation, name, Rust type, reading a word, making one.
macro_rules! plain {
    ($(
        $(#[$doc:meta])*
        $name:ident < $lt:lifetime > = $rust:ty, |$word:ident| $unpack:expr, |$value:ident| $pack:expr;
    )*) => {$(
        $(#[$doc])*
        pub enum $name {}

        impl Ty for $name {
            const TYPE: NativeType = NativeType::$name;
            type Rust<$lt> = $rust;

            #[inline]
            fn unpack<$lt>($word: Word<$lt>) -> $rust {
                $unpack
            }

            #[inline]
            fn pack<$lt>($value: Self::Rust<$lt>) -> Word<$lt> {
                $pack
            }
        }
    )*};
}

plain! {
    /// `Bool`
    Bool<'a> = bool, |w| w.bool(), |v| Word::Bool(v);
    /// `Float`; a result that is not finite or is minus zero becomes a value that is.
    Float<'a> = f64, |w| w.float(), |v| Word::Float(finite(v));
    /// `Bytes`
    Bytes<'a> = &'a [u8], |w| w.bytes(), |v| Word::Bytes(v);
    /// `Duration`, microseconds
    Duration<'a> = i64, |w| w.int(), |v| Word::Int(v.clamp(-INT_MAX, INT_MAX));
    /// `Instant`, microseconds since 1970
    Instant<'a> = i64, |w| w.int(), |v| Word::Int(v.clamp(0, INSTANT_END - 1));
    /// `Date`, days since 1970-01-01
    Date<'a> = i64, |w| w.int(), |v| Word::Int(v.clamp(0, DATE_END - 1));
    /// `Ip`
    Ip<'a> = net::Ip, |w| w.ip(), |v| Word::Ip(v);
    /// `Cidr`
    Cidr<'a> = net::Cidr, |w| w.cidr(), |v| Word::Cidr(v);
    /// `Path`, canonical
    Path<'a> = &'a str, |w| w.str(), |v| Word::Str(v);
    /// `Host`, canonical
    Host<'a> = &'a str, |w| w.str(), |v| Word::Str(v);
    /// `HeaderName`, lower case
    HeaderName<'a> = &'a str, |w| w.str(), |v| Word::Str(v);
    /// A time zone, its IANA name
    Zone<'a> = &'a str, |w| w.str(), |v| Word::Str(v);
    /// `Key`
    Key<'a> = &'a str, |w| w.str(), |v| Word::Str(v);
    /// `Values`
    Values<'a> = Items<'a, Text>, |w| Items::new(w.seq()), |v| Word::Seq(v.words);
}

/// Numbers between bounds.
macro_rules! ranges {
    ($($name:ident)*) => {
        $(impl<const LO: i64, const HI: i64> Ty for $name<LO, HI> {
            const TYPE: NativeType = NativeType::$name { lo: LO, hi: HI };
            type Rust<'a> = i64;

            #[inline]
            fn unpack<'a>(word: Word<'a>) -> i64 {
                word.int()
            }

            #[inline]
            fn pack<'a>(value: Self::Rust<'a>) -> Word<'a> {
                Word::Int(value.max(LO).min(HI))
            }
        })*
    };
}
ranges! { Int Percent }

impl<const MAX: u32> Ty for Str<MAX> {
    const TYPE: NativeType = NativeType::Str { max: MAX };
    type Rust<'a> = &'a str;

    #[inline]
    fn unpack<'a>(word: Word<'a>) -> &'a str {
        word.str()
    }

    #[inline]
    fn pack<'a>(value: Self::Rust<'a>) -> Word<'a> {
        Word::Str(truncate(value, MAX as usize))
    }
}

impl<T: Ty> Ty for Opt<T> {
    const TYPE: NativeType = NativeType::Opt(&T::TYPE);
    type Rust<'a> = Option<T::Rust<'a>>;

    #[inline]
    fn unpack<'a>(word: Word<'a>) -> Self::Rust<'a> {
        if word.is_none() {
            None
        } else {
            Some(T::unpack(word))
        }
    }

    #[inline]
    fn pack<'a>(value: Self::Rust<'a>) -> Word<'a> {
        value.map_or(Word::None, T::pack)
    }
}

impl<T: Ty, const MAX: u32> Ty for List<T, MAX> {
    const TYPE: NativeType = NativeType::List(&T::TYPE, MAX);
    type Rust<'a> = Items<'a, T>;

    #[inline]
    fn unpack<'a>(word: Word<'a>) -> Items<'a, T> {
        Items::new(word.seq())
    }

    #[inline]
    fn pack<'a>(value: Self::Rust<'a>) -> Word<'a> {
        Word::Seq(&value.words[..value.words.len().min(MAX as usize)])
    }
}

/// The longest beginning of `text` of at most `max` bytes that ends between characters.
pub fn truncate(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

fn finite(value: f64) -> f64 {
    // `+ 0.0` turns minus zero into zero.
    if value.is_nan() {
        0.0
    } else {
        value.clamp(f64::MIN, f64::MAX) + 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_keeps_the_declared_bounds() {
        assert_eq!(Int::<1, 7>::pack(9), Word::Int(7));
        assert_eq!(Str::<2>::pack("a\u{e9}"), Word::Str("a"));
        assert_eq!(Instant::pack(-1), Word::Int(0));
        assert_eq!(Float::pack(f64::INFINITY), Word::Float(f64::MAX));
        let words = [Word::Int(1), Word::Int(2)];
        assert_eq!(
            List::<AnyInt, 1>::pack(Items::new(&words)),
            Word::Seq(&words[..1])
        );
        assert_eq!(
            Opt::<AnyInt>::TYPE,
            NativeType::Opt(&NativeType::Int {
                lo: -INT_MAX,
                hi: INT_MAX
            })
        );
    }

    #[test]
    fn a_word_of_another_kind_reads_as_zero() {
        assert_eq!(Opt::<Text>::unpack(Word::Int(1)), Some(""));
        assert!(Values::unpack(Word::Bool(true)).is_empty());
    }
}
