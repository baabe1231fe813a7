//! Deciding by an index: what a search in the runtime asks of the machine.

use tollgate_ir::cost::RULE;
use tollgate_ir::entities::ConstId;
use tollgate_runtime::index::{Base, Engine, Facts};
use tollgate_runtime::{Arena, Mark, Word};

use crate::operand::Reg;
use crate::program::RuleIndex;
use crate::run::Machine;

/// A function at work on a decision by an index.
pub(crate) struct Searching<'s, 'a, 'm> {
    pub(crate) machine: &'s mut Machine<'a, 'm>,
    pub(crate) index: &'a RuleIndex,
    /// The registers of the rule set's parameters.
    pub(crate) args: &'a [u32],
}

impl<'a> Facts<'a> for Searching<'_, 'a, '_> {
    #[inline]
    fn base(&mut self, base: Base) -> Word<'a> {
        match base {
            Base::Param(n) => match self.args.get(n as usize) {
                Some(register) => self.machine.read(Reg(*register)),
                None => Word::None,
            },
            Base::Data(n) => {
                let word = self.machine.cx.data.get(n as usize).copied();
                word.unwrap_or(Word::None)
            }
            Base::Id => Word::Str(self.machine.cx.id),
            Base::Time => Word::Int(self.machine.cx.time),
        }
    }

    fn computed(&mut self, function: u32) -> Word<'a> {
        self.call(function, None)
    }
}

impl<'a> Engine<'a> for Searching<'_, 'a, '_> {
    fn arena(&self) -> &'a Arena {
        self.machine.cx.arena
    }

    #[inline]
    fn constant(&mut self, constant: u32) -> Word<'a> {
        self.machine.constant(ConstId(constant))
    }

    fn call(&mut self, function: u32, more: Option<Word<'a>>) -> Word<'a> {
        let machine = &mut *self.machine;
        machine.cx.steps += RULE;
        if machine.exhausted() {
            return Word::None;
        }
        machine.pass(0, self.args);
        if let (Some(word), Some(slot)) = (more, machine.below.get_mut(self.args.len())) {
            *slot = word;
        }
        let marks = machine.cx.marks.len();
        let word = machine.enter(self.index.functions[function as usize]);
        machine.cx.marks.truncate(marks);
        word
    }

    #[inline]
    fn mark(&mut self, mark: Mark) {
        self.machine.cx.marks.push(mark);
    }

    #[inline]
    fn steps(&mut self, steps: u64) {
        self.machine.cx.steps += steps;
    }
}
