//! # What this is
//!
//! What every backend promises. A backend is a crate that turns legal IR into something that runs.
//!
//! # What goes in and comes out
//!
//! In: [`Legalized`] IR, which only the verifier can make. Out: an [`Executable`], which takes words and gives a word; or, of a backend that makes
//! machine code, an object file.
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
use tollgate_ir::entities::{FuncId, IndexVec, SiteId};
use tollgate_runtime::{Arena, Cx, Mark, Word};

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

    /// An object file with the machine code of a program, for a linker. Linear in the program.
    ///
    /// What stands in it is what `tollgate_native_abi::object` says; it needs no symbol of another file.
    ///
    /// # Errors
    /// As [`Backend::compile`], where the machine or processor is not known, and where the backend makes no machine code.
    fn object(
        &self,
        _program: &Legalized,
        _spec: &ObjectSpec<'_>,
    ) -> Result<Vec<u8>, CompileError> {
        Err(CompileError::new(format!(
            "the backend `{}` makes no machine code that could stand in a file; build with `--backend cranelift` or `llvm`",
            self.name()
        )))
    }
}

/// What an object file is to be; see [`Backend::object`].
#[derive(Clone, Copy, Debug)]
pub struct ObjectSpec<'o> {
    /// The name of the one symbol that the file shows.
    pub symbol: &'o str,
    /// The machine that it is for, as a target triple such as `aarch64-unknown-linux-gnu`; this machine where it is not given.
    pub target: Option<&'o str>,
    /// The processor: `native` for the one of this machine, or a name that the backend knows; where it is not given, what every machine of
    /// the kind has.
    pub cpu: Option<&'o str>,
    /// What stands beside the code, for the runtime to read.
    pub contents: &'o [u8],
    /// Where the code comes from, for debuggers and profilers.
    pub lines: &'o Lines,
    /// How often each site has decided, by a profile, if there is one. What a decision is does not depend on it; how soon it is there may.
    pub profile: Option<&'o IndexVec<SiteId, u64>>,
}

/// Where functions and the marks of rules stand in the source.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// The names of the files.
    pub files: Vec<Box<str>>,
    /// By function; absent for one that stands nowhere.
    pub funcs: IndexVec<FuncId, Option<Line>>,
    /// By site.
    pub sites: IndexVec<SiteId, Option<Line>>,
}

/// A line of a file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Line {
    /// Which of [`Lines::files`].
    pub file: u32,
    /// Its number, from 1.
    pub line: u32,
}

impl Lines {
    /// The file that the first function stands in which stands anywhere.
    pub fn main(&self) -> &str {
        let first = self.funcs.values().flatten().next();
        let file = first.and_then(|line| self.files.get(line.file as usize));
        file.map_or("rules", |name| name)
    }

    /// Where a function begins.
    pub fn of_func(&self, func: FuncId) -> Option<Line> {
        self.funcs.get(func).copied().flatten()
    }

    /// Where what a mark says stands.
    pub fn of_site(&self, site: SiteId) -> Option<Line> {
        self.sites.get(site).copied().flatten()
    }
}

/// A compiled program.
pub trait Executable: Send + Sync {
    /// Calls a function with one word a parameter, of the declared types, and says where its value lies: a word that is copied when
    /// it was just written in parts is what processors wait for.
    ///
    /// Marks are appended to `cx.marks`; steps are added to `cx.steps` by backends that count them.
    fn run<'a>(&'a self, func: FuncId, cx: &mut Cx<'a>, args: &[Word<'a>]) -> &'a Word<'a>;

    /// Calls a [finder](tollgate_runtime::index::Decider::finder) that reads its arguments alone: the number that it gives. Marks are appended to
    /// those given; one that finds one rule makes none.
    fn find<'a>(
        &'a self,
        func: FuncId,
        arena: &'a Arena,
        marks: &mut Vec<Mark>,
        args: &[Word<'a>],
    ) -> i64 {
        self.run_alone(func, arena, marks, args).int()
    }

    /// Whether a function reads its arguments and nothing else of a decision, so that [`Executable::run_alone`] does for it what `run` does, in
    /// less time.
    fn is_alone(&self, _func: FuncId) -> bool {
        false
    }

    /// Calls a function that reads its arguments alone, as [`Executable::run`]; marks are appended to those given, and steps not counted.
    fn run_alone<'a>(
        &'a self,
        func: FuncId,
        arena: &'a Arena,
        marks: &mut Vec<Mark>,
        args: &[Word<'a>],
    ) -> &'a Word<'a> {
        let mut cx = Cx::new(arena, "", 0);
        let value = self.run(func, &mut cx, args);
        marks.append(&mut cx.marks);
        value
    }

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
