//! Functions that only search: a decision by an index without compiled code around it.
//!
//! Most rule sets are a function that searches and returns what it finds. Compiled, it would lay its arguments out, call the search and hand its
//! result on; here the search is given what the caller has. Compiled code is entered only for what has to be computed.

use tollgate_ir::Legalized;
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Func, Terminator};
use tollgate_runtime::index::{Base, Engine, Facts};
use tollgate_runtime::{Arena, Cx, Mark, Word};

use crate::program::{RuleIndex, Shared};

/// What each function of a module searches, if it does nothing else but return what is found, and gives its parameters as they stand.
pub(crate) fn searches(module: &Legalized) -> Vec<Option<u32>> {
    module.funcs.values().map(search).collect()
}

fn search(func: &Func) -> Option<u32> {
    let mut blocks = func.blocks.values();
    let (block, None) = (blocks.next()?, blocks.next()) else {
        return None;
    };
    let [only] = block.insts[..] else {
        return None;
    };
    let only = &func.insts[only];
    match (&only.inst, &block.term) {
        (Inst::SearchMarked { index, args }, Terminator::Return(value))
            if Some(*value) == only.result && args[..] == *func.params() =>
        {
            Some(index.0)
        }
        _ => None,
    }
}

/// A function that only searches, at work.
struct Direct<'s, 'a> {
    shared: &'a Shared,
    index: &'a RuleIndex,
    cx: &'s mut Cx<'a>,
    args: &'s [Word<'a>],
}

/// Decides by an index. There is an argument for each of its parameters.
#[inline]
pub(crate) fn decide<'a>(
    shared: &'a Shared,
    index: u32,
    cx: &mut Cx<'a>,
    args: &[Word<'a>],
) -> Word<'a> {
    let index = &shared.indexes[index as usize];
    index.decider.decide(&mut Direct {
        shared,
        index,
        cx,
        args,
    })
}

impl<'a> Facts<'a> for Direct<'_, 'a> {
    #[inline]
    fn base(&mut self, base: Base) -> Word<'a> {
        base.read(self.args, self.cx)
    }

    fn computed(&mut self, function: u32) -> Word<'a> {
        self.call(function, None)
    }
}

impl<'a> Engine<'a> for Direct<'_, 'a> {
    fn arena(&self) -> &'a Arena {
        self.cx.arena
    }

    #[inline]
    fn constant(&mut self, constant: u32) -> Word<'a> {
        let constants = self.shared.constants.word().seq();
        let word = constants.get(constant as usize).copied();
        word.unwrap_or(Word::None)
    }

    fn call(&mut self, function: u32, more: Option<Word<'a>>) -> Word<'a> {
        let Some(func) = self.index.functions.get(function as usize) else {
            return Word::None;
        };
        let args = match more {
            None => self.args,
            Some(word) => {
                let at = |i: usize| self.args.get(i).copied().unwrap_or(word);
                self.cx.arena.seq_with(self.args.len() + 1, at)
            }
        };
        let marks = self.cx.marks.len();
        let word = self.shared.enter(*func, self.cx, args);
        self.cx.marks.truncate(marks);
        word
    }

    #[inline]
    fn mark(&mut self, mark: Mark) {
        self.cx.marks.push(mark);
    }

    /// Native code counts no steps.
    #[inline]
    fn steps(&mut self, _: u64) {}
}
