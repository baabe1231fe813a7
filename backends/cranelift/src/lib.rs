//! # What this is
//!
//! Native code through Cranelift: a program is compiled function by function, into memory while it is loaded, or into an object file.
//!
//! # What goes in and comes out
//!
//! In: legal IR. Out: machine code behind an [`Executable`] or in an object file, or text that shows how it came about (`--stage clif`,
//! `--stage asm`).
//!
//! # Invariants
//!
//! - Values, calls and the functions of the runtime are those of `tollgate_native_abi`; nothing is agreed with the runtime but there.
//! - One Cranelift function for each function of the IR, and a second one for the entry of those that compiled code calls itself: compiling
//!   is linear in the program.
//! - Blocks and values go over one to one: the IR's block parameters are Cranelift's.
//! - Code is never writable and executable at once, and is freed with the program.
//! - No instruction traps.
//!
//! # Where to start reading
//!
//! `lower.rs` (a function), `lower/inst.rs` (one method an instruction), `lower/words.rs` (between words and registers). `jit.rs` puts the
//! functions into memory, `object.rs` into a file.
//!
//! # What it must not know
//!
//! Any other backend, the optimizer, the source language.

mod debug;
#[allow(
    unsafe_code,
    reason = "compiled code is called by its address, and freed"
)]
mod jit;
mod lower;
mod machine;
mod object;
mod show;

use tollgate_backend_api::{Backend, CompileError, Executable, ObjectSpec};
use tollgate_ir::Legalized;

pub use machine::Effort;

/// The backend: `--backend cranelift`.
///
/// ```
/// use tollgate_backend_api::Backend;
/// use tollgate_backend_cranelift::Cranelift;
/// use tollgate_runtime::{Arena, Cx, Word};
/// # use tollgate_ir::{text::parse, verify::legal};
/// let text = "func twice(int) -> int {\nblock0(v0: int):\n    v1 = iadd v0, v0\n    return v1\n}\n";
/// let module = legal(parse(text, &[]).unwrap().module).unwrap();
/// let program = Cranelift::default().compile(&module).unwrap();
/// let (arena, twice) = (Arena::new(), module.funcs.keys().next().unwrap());
/// let mut cx = Cx::new(&arena, "decision-1", 0);
/// assert_eq!(*program.run(twice, &mut cx, &[Word::Int(21)]), Word::Int(42));
/// let clif = Cranelift::default().show(&module, "clif").unwrap();
/// assert!(clif.contains("iadd"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Cranelift {
    /// How hard Cranelift tries.
    pub effort: Effort,
}

impl Backend for Cranelift {
    fn name(&self) -> &'static str {
        "cranelift"
    }

    fn compile(&self, program: &Legalized) -> Result<Box<dyn Executable>, CompileError> {
        Ok(Box::new(jit::compile(program, self.effort)?))
    }

    fn stages(&self) -> &'static [&'static str] {
        show::STAGES
    }

    fn show(&self, program: &Legalized, stage: &str) -> Result<String, CompileError> {
        show::show(program, self.effort, stage)
    }

    fn object(&self, program: &Legalized, spec: &ObjectSpec<'_>) -> Result<Vec<u8>, CompileError> {
        object::object(program, self.effort, spec)
    }
}
