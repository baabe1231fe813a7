//! # What this is
//!
//! The virtual machine: a register bytecode, its compiler, its file format, and the loop that runs it.
//!
//! # What goes in and comes out
//!
//! In: legal IR, or the bytes of a program that was compiled before. Out: a [`Program`], which is an [`Executable`],
//! lists itself, and can be written to a file.
//!
//! # Invariants
//!
//! - No `unsafe`. No allocation from the system while a decision is made, once the decision's arena has its size.
//! - Jumps go forward and calls have no cycle, so running ends. Every program is verified, also one just compiled.
//! - Loading never panics and never hangs, whatever the bytes. Running what it accepted reads and writes nothing but the
//!   registers, the arena and what it was given, in a bounded number of opcodes. How deep a *forged* file nests values is not
//!   bounded: see [`Program::load`].
//! - Steps are counted exactly as the reference interpreter counts them on the same IR.
//! - An opcode is one row of the table in `ops`, and one handler in `run`.
//!
//! # Where to start reading
//!
//! The table in `ops.rs`, then `run.rs`. `lower.rs` makes the code (`fuse.rs` chooses superinstructions, `slots.rs`
//! registers), `verify.rs` says what must hold of it, `encode.rs` and `decode.rs` are the file format.
//!
//! # What it must not know
//!
//! The source language, the optimizer, any other backend.

#![forbid(unsafe_code)]

mod decode;
mod disas;
mod encode;
mod fuse;
mod index_format;
mod lower;
mod memory;
mod operand;
mod ops;
mod program;
mod run;
mod search;
mod slots;
mod verify;

use std::sync::Arc;

pub use decode::LoadError;
pub use encode::seal;
pub use ops::{OPCODES, Opcode};
pub use program::Program;
use tollgate_backend_api::{Backend, CompileError, Direct, Executable};
use tollgate_ir::Legalized;
use tollgate_ir::entities::FuncId;
use tollgate_runtime::{Cx, Word};

/// The backend: `--backend vm`.
///
/// ```
/// use tollgate_backend_api::Backend;
/// use tollgate_backend_vm::Vm;
/// use tollgate_runtime::{Arena, Cx, Word};
/// # use tollgate_ir::{text::parse, verify::legal};
/// let text = "func twice(int) -> int {\nblock0(v0: int):\n    v1 = iadd v0, v0\n    return v1\n}\n";
/// let module = legal(parse(text, &[]).unwrap().module).unwrap();
/// let program = Vm.compile(&module).unwrap();
/// let (arena, twice) = (Arena::new(), module.funcs.keys().next().unwrap());
/// let mut cx = Cx::new(&arena, "decision-1", 0);
/// assert_eq!(*program.run(twice, &mut cx, &[Word::Int(21)]), Word::Int(42));
/// assert_eq!(cx.steps, 2);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Vm;

impl Backend for Vm {
    fn name(&self) -> &'static str {
        "vm"
    }

    fn compile(&self, program: &Legalized) -> Result<Box<dyn Executable>, CompileError> {
        Ok(Box::new(Program::compile(program)?))
    }
}

impl Program {
    /// Compiles a whole program; what [`Vm`] does, without hiding the type. Linear in its size.
    ///
    /// # Errors
    /// When the program is larger than a limit of the machine; says which.
    pub fn compile(module: &Legalized) -> Result<Program, CompileError> {
        let mut program = lower::lower(module)?;
        match verify::verify(&mut program) {
            Ok(()) => Ok(program),
            Err(flaw) if flaw.is_limit() => Err(CompileError::new(format!(
                "the virtual machine cannot hold this program: {flaw}"
            ))),
            Err(flaw) => tollgate_ir::bug!("{flaw}\n{}", program.disassemble()),
        }
    }
}

impl Executable for Program {
    /// Calls a function, as [`Executable::run`] says. Too few arguments are filled up with absent ones, and those too many are ignored.
    ///
    /// # Panics
    /// When the program has no such function: `func` is not one of [`Program::functions`] many, counted from 0. Those that
    /// [`Program::entry`] gives are.
    fn run<'a>(&'a self, func: FuncId, cx: &mut Cx<'a>, args: &[Word<'a>]) -> &'a Word<'a> {
        run::run(self, func, cx, args)
    }

    fn direct(&self, func: FuncId) -> Option<&Arc<Direct>> {
        self.funcs.get(func.0 as usize)?.direct.as_ref()
    }

    fn listing(&self) -> String {
        self.disassemble()
    }

    fn memory(&self) -> usize {
        Program::memory(self)
    }

    fn counts_steps(&self) -> bool {
        true
    }
}
