//! Where the values made during one decision live.
//!
//! A bump allocator, reset between decisions. After the first few decisions its one chunk is as large as
//! any decision needs, and from then on a decision allocates nothing from the system.

use std::cell::Cell;

use bumpalo::Bump;

use crate::word::Word;

/// A bump arena for text and sequences.
///
/// ```
/// use tollgate_runtime::{Arena, Word};
/// let mut arena = Arena::new();
/// let pair = Word::Seq(arena.seq(&[Word::Int(1), Word::Str("x")]));
/// assert_eq!(pair.at(1), Word::Str("x"));
/// arena.reset();
/// ```
#[derive(Debug, Default)]
pub struct Arena {
    bump: Bump,
    /// Whether anything was made in it since it was reset. Many decisions make nothing, and then there is nothing to forget.
    used: Cell<bool>,
}

impl Arena {
    /// An empty arena, which allocates when it is first used.
    pub fn new() -> Arena {
        Arena::default()
    }

    /// Forgets everything that was made in it and keeps the memory.
    #[inline]
    pub fn reset(&mut self) {
        if self.used.replace(false) {
            self.bump.reset();
        }
    }

    /// Bytes the arena holds from the system.
    pub fn capacity(&self) -> usize {
        self.bump.allocated_bytes()
    }

    /// A copy of `text`.
    #[inline]
    pub fn str(&self, text: &str) -> &str {
        self.bump().alloc_str(text)
    }

    /// The concatenation of `parts`.
    pub fn concat(&self, parts: &[&str]) -> &str {
        let mut out = bumpalo::collections::String::with_capacity_in(
            parts.iter().map(|p| p.len()).sum(),
            self.bump(),
        );
        for part in parts {
            out.push_str(part);
        }
        out.into_bump_str()
    }

    /// The text of the characters that `chars` yields; `capacity` is a hint in bytes.
    pub fn collect_str(&self, capacity: usize, chars: impl Iterator<Item = char>) -> &str {
        let mut out = bumpalo::collections::String::with_capacity_in(capacity, &self.bump);
        out.extend(chars);
        out.into_bump_str()
    }

    /// A copy of `text` with its ASCII letters in lower case.
    pub fn lower(&self, text: &str) -> &str {
        let copy = self.bump().alloc_str(text);
        copy.make_ascii_lowercase();
        copy
    }

    /// The text that `write` writes; empty should it fail.
    pub fn text_with(
        &self,
        write: impl FnOnce(&mut bumpalo::collections::String<'_>) -> std::fmt::Result,
    ) -> &str {
        let mut out = bumpalo::collections::String::new_in(self.bump());
        match write(&mut out) {
            Ok(()) => out.into_bump_str(),
            Err(_) => "",
        }
    }

    /// The text of formatted arguments.
    ///
    /// ```
    /// assert_eq!(tollgate_runtime::Arena::new().text(format_args!("{}!", 7)), "7!");
    /// ```
    pub fn text(&self, arguments: std::fmt::Arguments<'_>) -> &str {
        self.text_with(|out| std::fmt::Write::write_fmt(out, arguments))
    }

    /// A copy of `bytes`.
    pub fn bytes(&self, bytes: &[u8]) -> &[u8] {
        self.bump().alloc_slice_copy(bytes)
    }

    /// `len` zero bytes to write to.
    pub fn zeroed(&self, len: usize) -> &mut [u8] {
        self.bump().alloc_slice_fill_copy(len, 0)
    }

    /// A list that grows in the arena, for a sequence whose length is not known before; `into_bump_slice` ends it.
    pub fn list(&self) -> bumpalo::collections::Vec<'_, Word<'_>> {
        bumpalo::collections::Vec::new_in(self.bump())
    }

    /// A text that grows in the arena; `into_bump_str` ends it.
    pub(crate) fn string(&self) -> bumpalo::collections::String<'_> {
        bumpalo::collections::String::new_in(self.bump())
    }

    /// A list of anything that grows in the arena and is never dropped.
    pub fn vec<T: Copy>(&self) -> bumpalo::collections::Vec<'_, T> {
        bumpalo::collections::Vec::new_in(self.bump())
    }

    /// As `vec`, with room for some.
    pub(crate) fn vec_of<T: Copy>(&self, room: usize) -> bumpalo::collections::Vec<'_, T> {
        bumpalo::collections::Vec::with_capacity_in(room, self.bump())
    }

    /// A place for a word that is written later; absent until then.
    #[inline]
    pub fn room(&self) -> &mut Word<'_> {
        self.bump().alloc(Word::None)
    }

    /// A place for a word.
    #[inline]
    pub fn word<'a>(&'a self, word: Word<'a>) -> &'a Word<'a> {
        self.bump().alloc(word)
    }

    /// A copy of `words`.
    #[inline]
    pub fn seq<'a>(&'a self, words: &[Word<'a>]) -> &'a [Word<'a>] {
        self.bump().alloc_slice_copy(words)
    }

    /// `len` words, made one by one.
    pub fn seq_with<'a>(
        &'a self,
        len: usize,
        word: impl FnMut(usize) -> Word<'a>,
    ) -> &'a [Word<'a>] {
        self.bump().alloc_slice_fill_with(len, word)
    }

    /// `len` words of which none is known yet.
    pub(crate) fn unknown<'a>(&'a self, len: usize) -> &'a mut [Option<Word<'a>>] {
        self.bump().alloc_slice_fill_copy(len, None)
    }

    /// `len` absent words to write to: the registers of an engine, or a list under construction.
    #[inline]
    pub fn slots<'a>(&'a self, len: usize) -> &'a mut [Word<'a>] {
        let bump = self.bump();
        match ABSENT.get(..len) {
            // A copy, which is shorter than a loop over words of which only the tag is written.
            Some(absent) => bump.alloc_slice_copy(absent),
            None => bump.alloc_slice_fill_copy(len, Word::None),
        }
    }

    /// What everything is made in.
    #[inline(always)]
    fn bump(&self) -> &Bump {
        self.used.set(true);
        &self.bump
    }
}

/// As many absent words as most records and functions have.
static ABSENT: [Word<'static>; 32] = [Word::None; 32];
