//! Deciding by an index: what a search in the runtime asks of compiled code.

use std::slice;

use tollgate_runtime::index::{Base, Engine, Facts};
use tollgate_runtime::{Arena, Mark, Word};

use crate::context::Context;
use crate::functions::natives;
use crate::layout::RawWord;
use crate::program::{RuleIndex, Shared};

/// A decision by an index. Compiled code that it calls writes to the same context, so that is reached by pointer and never held.
pub(crate) struct Searching<'s> {
    cx: *mut Context,
    index: &'s RuleIndex,
    /// The rule set's arguments.
    args: &'s [Word<'static>],
}

impl<'s> Searching<'s> {
    /// # Safety
    /// The context is in use until this is gone, and the index is one of its program.
    pub(crate) unsafe fn new(
        cx: *mut Context,
        index: &'s RuleIndex,
        args: &'s [Word<'static>],
    ) -> Self {
        Searching { cx, index, args }
    }

    fn shared(&self) -> &'static Shared {
        // SAFETY: a context in use refers to the program that runs.
        unsafe { &*(*self.cx).shared }
    }

    fn natives(&self) -> &'static tollgate_runtime::Cx<'static> {
        // SAFETY: the context is in use.
        unsafe { natives(self.cx) }
    }
}

impl Facts<'static> for Searching<'_> {
    #[inline]
    fn base(&mut self, base: Base) -> Word<'static> {
        base.read(self.args, self.natives())
    }

    fn computed(&mut self, function: u32) -> Word<'static> {
        self.call(function, None)
    }
}

impl Engine<'static> for Searching<'_> {
    fn arena(&self) -> &'static Arena {
        self.natives().arena
    }

    #[inline]
    fn constant(&mut self, constant: u32) -> &'static Word<'static> {
        let constants = self.shared().constants.word().seq();
        constants.get(constant as usize).unwrap_or(&Word::None)
    }

    fn enter(&mut self, function: u32, more: Option<Word<'static>>) -> Word<'static> {
        let Some(func) = self.index.functions.get(function as usize) else {
            return Word::None;
        };
        let Some(entry) = self.shared().entries[func.0 as usize] else {
            return Word::None;
        };
        let args = match more {
            None => self.args,
            Some(word) => {
                let (args, len) = (self.args, self.args.len());
                let at = |i: usize| args.get(i).copied().unwrap_or(word);
                self.natives().arena.seq_with(len + 1, at)
            }
        };
        let mut out = RawWord::from(Word::None);
        // SAFETY: the context is in use. The verifier saw that the function takes the rule set's parameters, and for a key one word
        // more. What it leaves is a word of the decision.
        unsafe {
            entry(self.cx, args.as_ptr().cast(), &raw mut out);
            out.word()
        }
    }

    #[inline]
    fn marks(&self) -> &[Mark] {
        // SAFETY: the context is in use, and so many marks stand there.
        unsafe { slice::from_raw_parts((*self.cx).marks, (*self.cx).marks_len) }
    }

    #[inline]
    fn forget(&mut self, from: usize) {
        // SAFETY: the context is in use.
        unsafe { (*self.cx).marks_len = from.min((*self.cx).marks_len) };
    }

    #[inline]
    fn mark(&mut self, mark: Mark) {
        // SAFETY: the context is in use, and nothing else refers to it meanwhile.
        unsafe { Context::push_mark(self.cx, mark) };
    }

    /// Native code counts no steps.
    #[inline]
    fn steps(&mut self, _: u64) {}
}
