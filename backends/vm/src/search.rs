//! Deciding by an index: what a search in the runtime asks of the machine.

use tollgate_backend_api::Direct;
use tollgate_ir::cost::RULE;
use tollgate_ir::entities::{ConstId, FuncId};
use tollgate_runtime::index::{Base, Engine, Facts};
use tollgate_runtime::{Arena, Cx, Mark, Word};

use crate::operand::Searched;
use crate::ops::Op;
use crate::program::{Program, RuleIndex};
use crate::run::{Budget, enter};

/// A function at work on a decision by an index.
struct Searching<'s, 'a> {
    program: &'a Program,
    cx: &'s mut Cx<'a>,
    index: &'a RuleIndex,
    /// The rule set's parameters.
    args: &'s [Word<'a>],
    /// The registers of what it calls, and how many there have to be.
    below: &'s mut [Word<'a>],
    stack: u32,
    budget: Budget,
}

/// Decides by an index. Registers of what it calls are made in the arena when the first call needs more than there are.
#[inline]
pub(crate) fn decide<'a>(
    program: &'a Program,
    cx: &mut Cx<'a>,
    index: u32,
    args: &[Word<'a>],
    below: &mut [Word<'a>],
    (stack, budget): (u32, Budget),
) -> Word<'a> {
    let index = &program.indexes[index as usize];
    *index.decider.decide(&mut Searching {
        program,
        cx,
        index,
        args,
        below,
        stack,
        budget,
    })
}

/// How a function decides, if it does nothing else but search and return what is found. The registers that it gives are its parameters,
/// since nothing else has been written.
pub(crate) fn only(program: &Program, func: u32) -> Option<Direct> {
    let code = &program.funcs[func as usize];
    let ops = &program.ops[code.ops.start as usize..code.ops.end as usize];
    match ops {
        [
            search @ Op::SearchMarked { dst, searched },
            ret @ Op::Ret { a },
        ] if dst.0 == a.0 => {
            let (index, list) = program.searched(*searched);
            if !list.iter().copied().eq(0..code.params) {
                return None;
            }
            let index = program.indexes.get(index as usize)?;
            let functions: Vec<_> = index.functions.iter().copied().map(FuncId).collect();
            Some(Direct::new(
                index.decider.clone(),
                &functions,
                program.consts.clone(),
                Some(search.steps() + ret.steps()),
            ))
        }
        _ => None,
    }
}

impl Program {
    /// The words that an index is given of registers: those themselves, where they are its parameters as they stand.
    #[inline]
    pub(crate) fn given<'s, 'a: 's>(
        &self,
        searched: Searched,
        registers: &'s [Word<'a>],
        arena: &'a Arena,
    ) -> (u32, &'s [Word<'a>]) {
        let (index, list) = self.searched(searched);
        let in_place = list.iter().zip(0..).all(|(register, at)| *register == at);
        let args = match registers.get(..list.len()).filter(|_| in_place) {
            Some(args) => args,
            None => arena.seq_with(list.len(), |i| registers[list[i] as usize]),
        };
        (index, args)
    }
}

impl<'a> Facts<'a> for Searching<'_, 'a> {
    #[inline]
    fn base(&mut self, base: Base) -> Word<'a> {
        base.read(self.args, self.cx)
    }

    fn computed(&mut self, function: u32) -> Word<'a> {
        self.call(function, None)
    }
}

impl<'a> Engine<'a> for Searching<'_, 'a> {
    fn arena(&self) -> &'a Arena {
        self.cx.arena
    }

    #[inline]
    fn constant(&mut self, constant: u32) -> &'a Word<'a> {
        &self.program.constants()[ConstId(constant).0 as usize]
    }

    fn enter(&mut self, function: u32, more: Option<Word<'a>>) -> Word<'a> {
        self.cx.steps += RULE;
        if self.budget.exhausted(self.cx) {
            return Word::None;
        }
        if self.below.len() < self.stack as usize {
            self.below = self.cx.arena.slots(self.stack as usize);
        }
        let args = self.args.iter().copied().chain(more);
        for (register, arg) in self.below.iter_mut().zip(args) {
            *register = arg;
        }
        let func = self.index.functions[function as usize];
        enter(self.program, func, self.cx, self.below, self.budget)
    }

    #[inline]
    fn marks(&self) -> &[Mark] {
        &self.cx.marks
    }

    #[inline]
    fn forget(&mut self, from: usize) {
        self.cx.marks.truncate(from);
    }

    #[inline]
    fn mark(&mut self, mark: Mark) {
        self.cx.marks.push(mark);
    }

    #[inline]
    fn steps(&mut self, steps: u64) {
        self.cx.steps += steps;
    }
}
