//! The value kinds that are more than a number or a text: one file each.
//!
//! Each file reads the kind from text, makes it canonical and writes it back. Reading is the only place
//! that can say no, and says what is wrong and at which byte; a canonical text reads back as itself.

use std::borrow::Cow;
use std::fmt;

pub mod decimal;
pub mod header;
pub mod host;
pub mod money;
pub mod net;
mod pairs;
pub mod path;
pub mod rate;
pub mod time;
pub mod zone;

/// What is wrong with the text of a value.
///
/// ```
/// use tollgate_runtime::kinds::time;
/// let error = time::parse_duration("5x").unwrap_err();
/// assert_eq!((error.at(), error.to_string()), (1, "the units are us, ms, s, m, h, d and w".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindError {
    at: usize,
    message: Cow<'static, str>,
}

impl KindError {
    /// An error at byte `at`; `message` ends the sentence "the value is refused: …".
    pub fn new(at: usize, message: impl Into<Cow<'static, str>>) -> KindError {
        KindError {
            at,
            message: message.into(),
        }
    }

    /// The byte of the text at which it goes wrong.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for KindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for KindError {}

/// Shorthand of every parser here.
pub(crate) fn refuse<T>(at: usize, message: impl Into<Cow<'static, str>>) -> Result<T, KindError> {
    Err(KindError::new(at, message))
}

/// A table of the bytes that are ASCII letters, digits, or in `more`.
pub(crate) const fn letters(more: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut i = 0;
    while i < more.len() {
        table[more[i] as usize] = true;
        i += 1;
    }
    table
}

/// A small generator for seeded tests (SplitMix64, Steele et al. 2014).
#[cfg(test)]
pub(crate) mod random {
    pub(crate) struct Random(pub(crate) u64);

    impl Random {
        pub(crate) fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        }

        pub(crate) fn below(&mut self, n: usize) -> usize {
            (self.next() % n.max(1) as u64) as usize
        }

        pub(crate) fn range(&mut self, lo: i64, hi: i64) -> i64 {
            let span = hi.wrapping_sub(lo) as u64;
            lo.wrapping_add((self.next() % span.max(1)) as i64)
        }

        /// A text of up to `max` pieces, each taken from `pieces`.
        pub(crate) fn text(&mut self, pieces: &[&str], max: usize) -> String {
            (0..self.below(max + 1))
                .map(|_| pieces[self.below(pieces.len())])
                .collect()
        }
    }
}
