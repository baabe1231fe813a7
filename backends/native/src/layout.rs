//! Where the parts of a [`Word`] lie in memory.
//!
//! `Word` is `repr(u8)`, which fixes the tag and where each payload begins. That a slice is its pointer and then its length is
//! not promised by Rust; the assertions below fail to compile where it is not so.

use std::mem::{MaybeUninit, transmute};

use tollgate_runtime::Word;

/// Bytes of a word.
pub const WORD: usize = 24;
/// Where every word has its tag, one byte.
pub const TAG: i32 = 0;
/// Where a truth value, an address and a network begin.
pub const SMALL: i32 = 1;
/// Where an enum value has the number of its variant, four bytes.
pub const VARIANT: i32 = 4;
/// Where integers, floats and pointers lie.
pub const FIRST: i32 = 8;
/// Where lengths lie.
pub const SECOND: i32 = 16;
/// What an empty text or sequence points at: no object, but aligned for every one.
pub const DANGLING: i64 = 8;
/// So many words are laid out on the stack for a call; more are laid out in the arena.
pub const ON_STACK_MAX: usize = 32;

/// The tags of words, in the order of [`Word`].
pub mod tag {
    /// The absent optional.
    pub const NONE: u8 = 0;
    /// A truth value.
    pub const BOOL: u8 = 1;
    /// An integer.
    pub const INT: u8 = 2;
    /// A float.
    pub const FLOAT: u8 = 3;
    /// Text.
    pub const STR: u8 = 4;
    /// Bytes.
    pub const BYTES: u8 = 5;
    /// An address.
    pub const IP: u8 = 6;
    /// A network.
    pub const CIDR: u8 = 7;
    /// A list, set, map or record.
    pub const SEQ: u8 = 8;
    /// An enum value.
    pub const VARIANT: u8 = 9;
}

/// A word as compiled code sees it: bytes, some of which may never have been written.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub struct RawWord([MaybeUninit<u8>; WORD]);

impl RawWord {
    /// The word that was written here.
    ///
    /// # Safety
    /// The bytes are those of a word whose borrows live for `'a`.
    #[inline]
    pub unsafe fn word<'a>(self) -> Word<'a> {
        // SAFETY: the caller says that it is a word, and both have one size.
        unsafe { transmute::<RawWord, Word<'a>>(self) }
    }
}

impl From<Word<'_>> for RawWord {
    #[inline]
    fn from(word: Word<'_>) -> RawWord {
        // SAFETY: any bytes, also those that were never written, are a `RawWord`.
        unsafe { transmute::<Word<'_>, RawWord>(word) }
    }
}

/// A word taken apart at its eighths.
#[derive(Clone, Copy)]
#[repr(C)]
struct Eighths<T: Copy> {
    head: [MaybeUninit<u8>; 8],
    first: MaybeUninit<T>,
    second: MaybeUninit<usize>,
}

/// A byte of the first eighth.
const fn head(word: Word<'static>, at: usize) -> u8 {
    // SAFETY: both have 24 bytes, of which any may be unwritten; the callers below ask for bytes that the variant has.
    unsafe { transmute::<Word<'static>, Eighths<u64>>(word).head[at].assume_init() }
}

/// The second eighth, where it is a number.
const fn first(word: Word<'static>) -> u64 {
    // SAFETY: both have 24 bytes, of which any may be unwritten; the callers below give integers and floats.
    unsafe {
        transmute::<Word<'static>, Eighths<u64>>(word)
            .first
            .assume_init()
    }
}

/// The first byte behind the pointer, and the length.
const fn slice(word: Word<'static>) -> (u8, usize) {
    // SAFETY: both have 24 bytes, of which any may be unwritten; the callers below give slices that are not empty. Were pointer and
    // length the other way round, evaluating this would be refused.
    unsafe {
        let split = transmute::<Word<'static>, Eighths<*const u8>>(word);
        (*split.first.assume_init(), split.second.assume_init())
    }
}

const _: () = {
    assert!(size_of::<Word<'_>>() == WORD && align_of::<Word<'_>>() == 8);
    assert!(size_of::<RawWord>() == WORD && align_of::<RawWord>() == 8);
    assert!(head(Word::None, 0) == tag::NONE);
    assert!(head(Word::Bool(true), 0) == tag::BOOL && head(Word::Bool(true), 1) == 1);
    assert!(head(Word::Int(7), 0) == tag::INT && first(Word::Int(7)) == 7);
    assert!(head(Word::Float(2.0), 0) == tag::FLOAT);
    assert!(first(Word::Float(2.0)) == 2f64.to_bits());
    let text = slice(Word::Str("abc"));
    assert!(head(Word::Str("abc"), 0) == tag::STR && text.0 == b'a' && text.1 == 3);
    let bytes = slice(Word::Bytes(&[5, 6]));
    assert!(head(Word::Bytes(&[5]), 0) == tag::BYTES && bytes.0 == 5 && bytes.1 == 2);
    const ELEMENTS: &[Word<'static>] = &[Word::None, Word::None];
    let seq = slice(Word::Seq(ELEMENTS));
    assert!(head(Word::Seq(ELEMENTS), 0) == tag::SEQ && seq.0 == tag::NONE && seq.1 == 2);
    let variant = Word::Variant(0x0403_0201, ELEMENTS);
    assert!(head(variant, 0) == tag::VARIANT && slice(variant).1 == 2);
    assert!(head(variant, 4) == 1 && head(variant, 7) == 4);
    let ip = Word::Ip(tollgate_runtime::kinds::net::Ip([9; 16]));
    assert!(head(ip, 0) == tag::IP && head(ip, 1) == 9 && head(ip, 7) == 9);
    let cidr = Word::Cidr(tollgate_runtime::kinds::net::Cidr::ALL);
    assert!(head(cidr, 0) == tag::CIDR && head(cidr, 1) == 0);
};

#[cfg(test)]
mod tests {
    use super::*;

    /// `Ip` is transparent and `Cidr` is `repr(C)`, so this follows; it is shown all the same.
    #[test]
    fn a_network_ends_in_its_bits() {
        let cidr = "2001:db8::/32".parse().unwrap();
        let bytes = RawWord::from(Word::Cidr(cidr)).0;
        // SAFETY: the first 18 bytes of a network's word are its tag, its address and its bits.
        let bytes: Vec<u8> = bytes[..18]
            .iter()
            .map(|b| unsafe { b.assume_init() })
            .collect();
        assert_eq!(bytes[..6], [tag::CIDR, 0x20, 0x01, 0x0d, 0xb8, 0]);
        assert_eq!(bytes[17], 32);
    }
}
