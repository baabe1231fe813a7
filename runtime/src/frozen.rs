//! Words that own their arena: constants of a program, data given by the host, facts kept for later.

use std::ptr::NonNull;

use crate::arena::Arena;
use crate::value::Value;
use crate::word::Word;

/// A tree of words together with the memory it borrows from; immutable and shareable.
///
/// ```
/// use tollgate_runtime::{Frozen, Value, Word};
/// let frozen = Frozen::new(|arena| Value::str("x").word(arena));
/// assert_eq!(frozen.word(), Word::Str("x"));
/// ```
pub struct Frozen {
    /// Borrows from `memory`; the lifetime is a lie that `word` takes back.
    word: Word<'static>,
    /// Never written again once `word` is made.
    memory: Memory,
}

/// What a tree of words borrows from.
enum Memory {
    /// Where it was built.
    Arena(Arena),
    /// A block of its size.
    Block(Block),
}

impl Frozen {
    /// Builds a tree in a fresh arena.
    pub fn new(build: impl for<'a> FnOnce(&'a Arena) -> Word<'a>) -> Frozen {
        match Frozen::try_new(|arena| Ok::<_, std::convert::Infallible>(build(arena))) {
            Ok(frozen) => frozen,
            Err(never) => match never {},
        }
    }

    /// Builds a tree in a fresh arena, or gives the builder's error.
    pub fn try_new<E>(
        build: impl for<'a> FnOnce(&'a Arena) -> Result<Word<'a>, E>,
    ) -> Result<Frozen, E> {
        let arena = Arena::new();
        let word = build(&arena)?;
        // SAFETY: the word borrows from chunks of `arena`, which sit on the heap, do not move with it,
        // and live as long as the `Frozen`; `word()` hands the word out only for a borrow of `self`.
        let word = unsafe { std::mem::transmute::<Word<'_>, Word<'static>>(word) };
        Ok(Frozen {
            word,
            memory: Memory::Arena(arena),
        })
    }

    /// The same tree in a block of its size, its texts behind its words: what is kept by the thousand and read again and again should take
    /// few lines of the cache. As deep as the tree.
    ///
    /// ```
    /// use tollgate_runtime::{Frozen, Value, Word};
    /// let loose = Frozen::new(|arena| Value::seq([Value::str("x"), Value::Int(7)]).word(arena));
    /// let compact = loose.compact();
    /// assert_eq!(compact.word(), loose.word());
    /// assert_eq!(compact.bytes(), 2 * 24 + 8);
    /// ```
    #[must_use]
    pub fn compact(&self) -> Frozen {
        let (mut words, mut bytes) = (0, 0);
        measure(self.word(), &mut words, &mut bytes);
        let block = Block::new(3 * words + bytes.div_ceil(8));
        let mut writer = Writer {
            block: &block,
            words: 0,
            bytes: 3 * 8 * words,
        };
        let word = writer.copy(self.word());
        Frozen {
            word,
            memory: Memory::Block(block),
        }
    }

    /// The root of the tree.
    #[inline]
    pub fn word(&self) -> Word<'_> {
        self.word
    }

    /// The root of the tree where it lies.
    #[inline]
    pub fn root(&self) -> &Word<'_> {
        &self.word
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        match &self.memory {
            Memory::Arena(arena) => arena.capacity(),
            Memory::Block(block) => block.len * 8,
        }
    }
}

/// Memory of 64-bit words that does not move, zero where nothing was written.
struct Block {
    at: NonNull<u64>,
    len: usize,
}

impl Block {
    fn new(len: usize) -> Block {
        let words = Box::into_raw(vec![0u64; len].into_boxed_slice());
        // SAFETY: a box is never null.
        let at = unsafe { NonNull::new_unchecked(words.cast()) };
        Block { at, len }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let words = std::ptr::slice_from_raw_parts_mut(self.at.as_ptr(), self.len);
        // SAFETY: this is the box that `new` took apart, and nobody else has it.
        drop(unsafe { Box::from_raw(words) });
    }
}

// SAFETY: a block is plain memory that nobody else refers to.
unsafe impl Send for Block {}

/// Words that sequences below a word have, and bytes of texts.
fn measure(word: Word<'_>, words: &mut usize, bytes: &mut usize) {
    match word {
        Word::Str(text) => *bytes += text.len(),
        Word::Bytes(of) => *bytes += of.len(),
        Word::Seq(of) | Word::Variant(_, of) => {
            *words += of.len();
            of.iter().for_each(|word| measure(*word, words, bytes));
        }
        Word::None | Word::Bool(_) | Word::Int(_) | Word::Float(_) => {}
        Word::Ip(_) | Word::Cidr(_) => {}
    }
}

/// Copies a tree into a block that was measured for it.
struct Writer<'b> {
    block: &'b Block,
    /// Words written or promised.
    words: usize,
    /// Where the next byte of text goes, from the beginning of the block.
    bytes: usize,
}

impl Writer<'_> {
    /// The copy of a word, which borrows from the block.
    fn copy(&mut self, word: Word<'_>) -> Word<'static> {
        match word {
            Word::None => Word::None,
            Word::Bool(v) => Word::Bool(v),
            Word::Int(v) => Word::Int(v),
            Word::Float(v) => Word::Float(v),
            Word::Ip(v) => Word::Ip(v),
            Word::Cidr(v) => Word::Cidr(v),
            Word::Str(text) => {
                let bytes = self.text(text.as_bytes());
                // SAFETY: the bytes are those of a text.
                Word::Str(unsafe { std::str::from_utf8_unchecked(bytes) })
            }
            Word::Bytes(bytes) => Word::Bytes(self.text(bytes)),
            Word::Seq(of) => Word::Seq(self.all(of)),
            Word::Variant(tag, of) => Word::Variant(tag, self.all(of)),
        }
    }

    fn text(&mut self, text: &[u8]) -> &'static [u8] {
        assert!(
            self.bytes + text.len() <= 8 * self.block.len,
            "it was measured"
        );
        // SAFETY: the bytes lie in the block, behind those of its words and those written before, and nothing refers to them yet. The block
        // neither moves nor is written to again; the lifetime is a lie that `Frozen::word` takes back.
        let copy = unsafe {
            let at = self.block.at.cast::<u8>().add(self.bytes).as_ptr();
            at.copy_from_nonoverlapping(text.as_ptr(), text.len());
            std::slice::from_raw_parts(at, text.len())
        };
        self.bytes += text.len();
        copy
    }

    fn all(&mut self, of: &[Word<'_>]) -> &'static [Word<'static>] {
        let from = self.words;
        self.words += of.len();
        assert!(3 * self.words <= self.block.len, "it was measured");
        let first = self.block.at.cast::<Word<'static>>();
        for (i, word) in of.iter().enumerate() {
            let word = self.copy(*word);
            // SAFETY: the word's place lies in the block, is aligned like all words of it, and is promised to nobody else.
            unsafe { first.add(from + i).write(word) };
        }
        // SAFETY: as many words have been written there; otherwise as for texts.
        unsafe { std::slice::from_raw_parts(first.add(from).as_ptr(), of.len()) }
    }
}

// SAFETY: a block is never written to once it is made. `Arena` is not `Sync` because it can be written through a shared reference. A `Frozen` never
// gives its arena out and never writes to it again; what it gives out is plain immutable data.
unsafe impl Sync for Frozen {}

impl std::fmt::Debug for Frozen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.word())
    }
}

impl From<&Value> for Frozen {
    fn from(value: &Value) -> Frozen {
        Frozen::new(|arena| value.word(arena))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::net::Ip;

    /// Every kind of word, empty ones too, survives compaction and the arena it came from.
    #[test]
    fn a_compact_tree_is_the_same_tree() {
        let loose = Frozen::new(|arena| {
            let inner = arena.seq(&[Word::Str("äb"), Word::None, Word::Bytes(&[7, 8])]);
            let words = [
                Word::Int(-1),
                Word::Float(0.5),
                Word::Bool(true),
                Word::Seq(inner),
                Word::Seq(&[]),
                Word::Str(""),
                Word::Variant(3, inner),
                Word::Variant(4, &[]),
                Word::Ip(Ip::UNSPECIFIED),
                Word::Str(arena.str("the last text is read in front of the end of the block")),
            ];
            Word::Seq(arena.seq(&words))
        });
        let shown = loose.word().to_string();
        let compact = loose.compact();
        drop(loose);
        assert_eq!(compact.word().to_string(), shown);
        assert_eq!(compact.compact().word(), compact.word());
        let one = Frozen::new(|_| Word::Int(7)).compact();
        assert_eq!((one.word(), one.bytes()), (Word::Int(7), 0));
    }
}
