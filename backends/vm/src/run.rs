//! Running bytecode: the loop, and what each opcode does.
//!
//! All registers of a decision lie in one block of the decision's arena: a function has its own in front, and a callee's begin
//! behind them, so a call copies its arguments there and goes on. Nothing is allocated from the system.
//!
//! What an instruction means is said once, in `tollgate_ir::semantics`; the handlers here fetch registers and call it.

use tollgate_ir::entities::{ConstId, DataId, FuncId, PatId, SiteId};
use tollgate_ir::operand::{Cc, Fimm, Flag, Imm, Index};
use tollgate_ir::semantics;
use tollgate_runtime::{Cx, Mark, Pattern, Word};

use crate::operand::{
    Call, Dst, Each, Imm32, List, NativeCall, Reg, Short, TableIx, Target,
};
use crate::ops::{Handlers, dispatch};
use crate::program::Program;

/// Bytes by which a decision may grow its arena before it is given up. Texts of a checked program have a
/// bound, so only a forged one gets there.
const MEMORY_MAX: usize = 1 << 30;

/// What one run may take.
#[derive(Clone, Copy)]
struct Budget {
    /// `Cx::steps` at which loops stop.
    steps: u64,
    /// Capacity of the arena at which values stop growing.
    memory: usize,
}

/// Calls a function of a verified program.
pub(crate) fn run<'a>(
    program: &'a Program,
    func: FuncId,
    cx: &mut Cx<'a>,
    args: &[Word<'a>],
) -> Word<'a> {
    let code = &program.funcs[func.0 as usize];
    let budget = Budget {
        steps: cx.steps.saturating_add(code.bound),
        memory: cx.arena.capacity().saturating_add(MEMORY_MAX),
    };
    let arena = cx.arena;
    let registers = arena.slots(code.stack.max(code.params) as usize);
    for (register, arg) in registers.iter_mut().zip(args) {
        *register = *arg;
    }
    enter(program, func.0, cx, registers, budget)
}

/// Runs a function whose arguments stand in the first registers.
fn enter<'a>(
    program: &'a Program,
    func: u32,
    cx: &mut Cx<'a>,
    registers: &mut [Word<'a>],
    budget: Budget,
) -> Word<'a> {
    let code = &program.funcs[func as usize];
    let (now, below) = registers.split_at_mut(code.frame as usize);
    let ops = &program.ops[code.ops.start as usize..code.ops.end as usize];
    let mut machine = Machine {
        program,
        consts: program.constants(),
        cx,
        registers: now,
        below,
        budget,
    };
    let (mut pc, mut steps) = (0, 0);
    let result = loop {
        // The verifier saw that the last opcode does not go on behind itself.
        let Some(op) = ops.get(pc) else {
            break Word::None;
        };
        pc += 1;
        if let Some(result) = dispatch(op, &mut machine, &mut pc, &mut steps) {
            break result;
        }
    };
    machine.cx.steps += steps;
    result
}

/// A function at work.
struct Machine<'a, 'm> {
    program: &'a Program,
    consts: &'a [Word<'a>],
    cx: &'m mut Cx<'a>,
    registers: &'m mut [Word<'a>],
    /// The registers of what it calls.
    below: &'m mut [Word<'a>],
    budget: Budget,
}

impl<'a> Machine<'a, '_> {
    #[inline(always)]
    fn get(&self, Reg(register): Reg) -> Word<'a> {
        self.registers[register as usize]
    }

    #[inline(always)]
    fn set(&mut self, Dst(register): Dst, word: Word<'a>) {
        self.registers[register as usize] = word;
    }

    #[inline(always)]
    fn konst(&self, id: ConstId) -> Word<'a> {
        self.consts[id.0 as usize]
    }

    #[inline(always)]
    fn pattern(&self, id: PatId) -> &'a Pattern {
        &self.program.patterns[id.0 as usize]
    }

    /// The words of a list, laid out in the arena.
    fn seq(&self, list: List) -> &'a [Word<'a>] {
        let registers = self.program.list(list);
        let at = |i: usize| self.registers[registers[i] as usize];
        self.cx.arena.seq_with(registers.len(), at)
    }

    /// Copies registers to where a callee has its parameters, from parameter `first` on.
    fn pass(&mut self, first: usize, registers: &[u32]) {
        for (to, from) in self.below.iter_mut().skip(first).zip(registers) {
            *to = self.registers[*from as usize];
        }
    }

    fn enter(&mut self, func: u32) -> Word<'a> {
        enter(self.program, func, self.cx, self.below, self.budget)
    }

    /// Whether the run took more than it can take if its inputs keep to their types.
    fn exhausted(&self) -> bool {
        self.cx.steps > self.budget.steps || self.cx.arena.capacity() > self.budget.memory
    }
}

/// Where a branch goes if its test does not hold.
#[inline(always)]
fn unless(holds: bool, to: Target) -> Option<Target> {
    if holds { None } else { Some(to) }
}

/// Handlers that get registers, call one function, and set a register.
macro_rules! simple {
    ($($mnemonic:ident($($reg:ident),*): $make:ident($get:ident), $meaning:path;)*) => {$(
        #[inline(always)]
        fn $mnemonic(&mut self, dst: Dst, $($reg: Reg),*) {
            let word = Word::$make($meaning($(self.get($reg).$get()),*));
            self.set(dst, word);
        }
    )*};
}
