//! Words that own their arena: constants of a program, data given by the host, facts kept for later.

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
    /// Borrows from `arena`; the lifetime is a lie that `word` takes back.
    word: Word<'static>,
    /// Never written again once `word` is made.
    arena: Arena,
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
        Ok(Frozen { word, arena })
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
        self.arena.capacity()
    }
}

// SAFETY: `Arena` is not `Sync` because it can be written through a shared reference. A `Frozen` never
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
