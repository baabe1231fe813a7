//! # What this is
//!
//! What every backend promises. A backend is a crate that turns legal IR into something that runs.
//!
//! # What goes in and comes out
//!
//! In: [`Legalized`] IR, which only the verifier can make. Out: an [`Executable`], which takes words and gives a word.
//!
//! # Invariants
//!
//! - One meaning: for every program and input, every executable gives the word, the marks and (where it counts them)
//!   no more steps than the bound, exactly as the reference interpreter (`tollgate_ir::interp`).
//! - Compiling fails only for want of resources or of a target; running never fails.
//! - Running allocates nothing from the system once the arena of the context has grown to size.
//!
//! # Where to start reading
//!
//! [`Backend`], then [`Executable`]; [`Direct`] is how most rule sets decide, whatever the backend.
//!
//! # What it must not know
//!
//! Any concrete backend.

mod direct;

use std::fmt;
use std::sync::Arc;

pub use direct::Direct;

use tollgate_ir::Legalized;
use tollgate_ir::entities::FuncId;
use tollgate_runtime::{Cx, Word};

/// Turns legal IR into something that runs.
pub trait Backend: Send + Sync {
    /// The name used with `--backend`.
    fn name(&self) -> &'static str;

    /// Compiles a whole program. Linear in its size.
    ///
    /// # Errors
    /// When the machine lacks what the backend needs, or the program is larger than the backend can hold.
    fn compile(&self, program: &Legalized) -> Result<Box<dyn Executable>, CompileError>;

    /// The stages of its own that it can show, in the order in which a program passes them: the names used with `--stage`.
    fn stages(&self) -> &'static [&'static str] {
        &[]
    }

    /// What a stage of its own makes of a program, as text for people: the form that it works on, or assembly.
    ///
    /// # Errors
    /// As [`Backend::compile`], and where it has no stage of that name.
    fn show(&self, _program: &Legalized, stage: &str) -> Result<String, CompileError> {
        let stages = match self.stages() {
            [] => "none".to_owned(),
            stages => stages.join(", "),
        };
        Err(CompileError::new(format!(
            "the backend `{}` has no stage `{stage}` of its own; it has {stages}",
            self.name()
        )))
    }
}

/// A compiled program.
pub trait Executable: Send + Sync {
    /// Calls a function with one word a parameter, of the declared types.
    ///
    /// Marks are appended to `cx.marks`; steps are added to `cx.steps` by backends that count them.
    fn run<'a>(&'a self, func: FuncId, cx: &mut Cx<'a>, args: &[Word<'a>]) -> Word<'a>;

    /// How a function decides, if it only searches: then [`Direct::decide`] does what `run` does. Whoever decides by it again and again
    /// asks once.
    fn direct(&self, _func: FuncId) -> Option<&Arc<Direct>> {
        None
    }

    /// What the backend made, for people: bytecode, or the functions with the bytes of their code.
    fn listing(&self) -> String;

    /// Bytes of memory that what was made takes: everything a decision reads besides its facts and data, reserved or used.
    /// What is not counted stands in the backend's documentation.
    fn memory(&self) -> usize;

    /// Whether `cx.steps` is counted.
    fn counts_steps(&self) -> bool;
}

/// Why a program could not be compiled.
#[derive(Debug)]
pub struct CompileError(String);

impl CompileError {
    /// An error with its reason, a whole sentence that says what to do.
    pub fn new(reason: impl Into<String>) -> CompileError {
        CompileError(reason.into())
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CompileError {}
