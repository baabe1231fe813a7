//! What the standard library has, as facts.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::fit::{Entering, Fit};
use super::{Args, Fact, Shape};
use crate::boundary::Refusal;
use crate::word::Word;

impl Fact for bool {
    const SHAPE: Shape = Shape::Bool;
    #[inline]
    fn word<'a>(&'a self, fit: &Fit, _: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        fit.bool(*self)
    }
}

macro_rules! whole_numbers {
    ($($ty:ident)*) => {
        $(impl Fact for $ty {
            const SHAPE: Shape = Shape::Int($ty::MIN as i64, $ty::MAX as i64);
            #[inline]
           fn word<'a>(&'a self, fit: &Fit, _: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
                fit.int((*self).into())
            }
        })*
    };
}
whole_numbers! { i8 i16 i32 i64 u8 u16 u32 }

impl Fact for u64 {
    const SHAPE: Shape = Shape::Int(0, i64::MAX);
    #[inline]
    fn word<'a>(&'a self, fit: &Fit, _: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        fit.wide((*self).into())
    }
}

impl Fact for usize {
    const SHAPE: Shape = Shape::Int(0, i64::MAX);
    #[inline]
    fn word<'a>(&'a self, fit: &Fit, _: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        fit.wide(*self as i128)
    }
}

impl Fact for f64 {
    const SHAPE: Shape = Shape::Float;
    #[inline]
    fn word<'a>(&'a self, fit: &Fit, _: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        fit.float(*self)
    }
}

macro_rules! texts {
    ($($ty:ty)*) => {
        $(impl Fact for $ty {
            const SHAPE: Shape = Shape::Text;
            #[inline]
           fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
                fit.text(self, to)
            }

            #[inline]
            fn put<'a>(
                &'a self,
                fit: &Fit,
                to: &Entering<'a>,
                word: &mut Word<'a>,
            ) -> Result<(), Box<Refusal>> {
                fit.put_text(self, to, word)
            }
        })*
    };
}
texts! { str String Cow<'_, str> }

/// Microseconds; what is less is cut off.
impl Fact for Duration {
    const SHAPE: Shape = Shape::Duration;
    #[inline]
    fn word<'a>(&'a self, fit: &Fit, _: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        fit.wide(i128::try_from(self.as_micros()).unwrap_or(i128::MAX))
    }
}

/// Microseconds since 1970; what is less is cut off.
impl Fact for SystemTime {
    const SHAPE: Shape = Shape::Instant;
    #[inline]
    fn word<'a>(&'a self, fit: &Fit, _: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        let micros = |d: Duration| i128::try_from(d.as_micros()).unwrap_or(i128::MAX);
        fit.wide(match self.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => micros(since),
            Err(before) => -micros(before.duration()),
        })
    }
}

macro_rules! addresses {
    ($($ty:ident)*) => {
        $(impl Fact for $ty {
            const SHAPE: Shape = Shape::Ip;
            #[inline]
            fn word<'a>(&'a self, fit: &Fit, _: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
                fit.ip(IpAddr::from(*self).into())
            }

            #[inline]
            fn put<'a>(
                &'a self,
                fit: &Fit,
                _: &Entering<'a>,
                word: &mut Word<'a>,
            ) -> Result<(), Box<Refusal>> {
                // Told apart here, so that each is written as it is: one made of both would be put together of pieces of either.
                match IpAddr::from(*self) {
                    IpAddr::V4(ip) => fit.put_ip(IpAddr::V4(ip).into(), word),
                    IpAddr::V6(ip) => fit.put_ip(IpAddr::V6(ip).into(), word),
                }
            }
        })*
    };
}
addresses! { IpAddr Ipv4Addr Ipv6Addr }

impl<T: Fact> Fact for Option<T> {
    const SHAPE: Shape = Shape::Opt(&T::SHAPE);
    #[inline]
    fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        match self {
            Some(value) => value.word(fit, to),
            None => Ok(Word::None),
        }
    }

    #[inline]
    fn put<'a>(
        &'a self,
        fit: &Fit,
        to: &Entering<'a>,
        word: &mut Word<'a>,
    ) -> Result<(), Box<Refusal>> {
        match self {
            Some(value) => value.put(fit, to, word),
            None => {
                *word = Word::None;
                Ok(())
            }
        }
    }
}

/// A list, a set, or the values of a header. Bytes are `&[u8]` behind [`Bytes`].
impl<T: Fact> Fact for [T] {
    const SHAPE: Shape = Shape::Seq(&T::SHAPE);
    #[inline]
    fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        fit.seq(self.len(), to, |i, fit| self[i].word(fit, to))
    }
}

impl<T: Fact> Fact for Vec<T> {
    const SHAPE: Shape = <[T]>::SHAPE;
    #[inline]
    fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        self[..].word(fit, to)
    }
}

impl<T: Fact, const N: usize> Fact for [T; N] {
    const SHAPE: Shape = <[T]>::SHAPE;
    #[inline]
    fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        self[..].word(fit, to)
    }
}

/// Bytes, as facts: a slice of numbers would be a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bytes<'b>(pub &'b [u8]);

impl Fact for Bytes<'_> {
    const SHAPE: Shape = Shape::Bytes;
    #[inline]
    fn word<'a>(&'a self, fit: &Fit, _: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        fit.bytes(self.0)
    }
}

/// A document, such as the body of a message: a text or bytes as they stand, where that is what the rules want; a value of any other type
/// is read from JSON, with the same refusals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Document<'b>(pub &'b [u8]);

impl Fact for Document<'_> {
    const SHAPE: Shape = Shape::Document;
    fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        fit.document(self.0, to)
    }
}

/// Entries of a map in any order.
fn entries<'a, K, V>(
    mut map: impl ExactSizeIterator<Item = (&'a K, &'a V)>,
    fit: &Fit,
    to: &Entering<'a>,
) -> Result<Word<'a>, Box<Refusal>>
where
    K: AsRef<str> + 'a,
    V: Fact + 'a,
{
    fit.map(map.len(), to, |fit| {
        let (key, value) = map.next()?;
        Some((key.as_ref(), value.word(fit, to)))
    })
}

impl<K: AsRef<str>, V: Fact, S> Fact for HashMap<K, V, S> {
    const SHAPE: Shape = Shape::Map(&V::SHAPE);
    #[inline]
    fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        entries(self.iter(), fit, to)
    }
}

impl<K: AsRef<str>, V: Fact> Fact for BTreeMap<K, V> {
    const SHAPE: Shape = Shape::Map(&V::SHAPE);
    #[inline]
    fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        entries(self.iter(), fit, to)
    }
}

macro_rules! pointers {
    ($($ty:ty)*) => {
        $(impl<T: Fact + ?Sized> Fact for $ty {
            const SHAPE: Shape = T::SHAPE;
            #[inline]
           fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
                T::word(self, fit, to)
            }

            #[inline]
            fn put<'a>(
                &'a self,
                fit: &Fit,
                to: &Entering<'a>,
                word: &mut Word<'a>,
            ) -> Result<(), Box<Refusal>> {
                T::put(self, fit, to, word)
            }
        })*
    };
}
pointers! { &T Box<T> Rc<T> Arc<T> }

impl<F: Fact + ?Sized> Args for F {
    const SHAPES: &'static [Shape] = &[F::SHAPE];
    #[inline]
    fn words<'a>(
        &'a self,
        fits: &[Fit],
        to: &Entering<'a>,
    ) -> Result<&'a [Word<'a>], Box<Refusal>> {
        let words = to.arena.slots(fits.len());
        for (word, fit) in words.iter_mut().zip(fits) {
            self.put(fit, to, word)?;
        }
        Ok(words)
    }
}

macro_rules! tuples {
    ($(($($name:ident $at:tt),*))*) => {
        $(impl<$($name: Fact),*> Args for ($($name,)*) {
            const SHAPES: &'static [Shape] = &[$($name::SHAPE),*];
            fn words<'a>(
                &'a self,
                fits: &[Fit],
                to: &Entering<'a>,
            ) -> Result<&'a [Word<'a>], Box<Refusal>> {
                let words = to.arena.slots(fits.len());
                $(if let (Some(word), Some(fit)) = (words.get_mut($at), fits.get($at)) {
                    self.$at.put(fit, to, word)?;
                })*
                Ok(words)
            }
        })*
    };
}
tuples! { (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) (A 0, B 1, C 2, D 3, E 4) }
