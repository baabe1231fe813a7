//! # What this is
//!
//! Meaning: from the tree of a program to the typed, resolved [`hir::Program`], and on to the IR. Everything an author
//! can get wrong is found here and said in [`diagnostics`].
//!
//! # What goes in and comes out
//!
//! ```text
//! main file + Loader + Library ── check ──▶ hir::Program (if nothing is wrong), diagnostics
//! ```
//!
//! [`check`] takes the text of the main file, finds the other modules of the program through a [`library::Loader`], and the
//! library in a [`library::Library`]. It adds every text to the [`SourceMap`], into which all places point.
//!
//! # Invariants
//!
//! * Checking never fails, panics or hangs, whatever the texts. Time and memory grow linearly with them, but for the proofs
//!   about rules ([`analysis`]), which have a budget ([`Limits::pairs`] is part of it).
//! * A program comes out exactly when no diagnostic is an error. It then holds no error node, and every operation in it is
//!   proved to have a value.
//! * One mistake is one error: what was reported has the type [`Ty::Error`](types::ty::Ty::Error) or the meaning "error",
//!   and nobody complains about it again.
//! * The same texts give the same program and the same diagnostics in the same order.
//!
//! # Where to start reading
//!
//! [`hir`] for what comes out; `check/mod.rs` for the three steps (declare, define, check bodies); `check/items/mod.rs` for
//! items and `check/body/mod.rs` for expressions; [`analysis`] for what is said of rules once they are lowered; [`diagnostics::catalog`] for everything that is ever said.
//!
//! # What it must not know
//!
//! What the library contains, the optimizer, any backend, and files on disk.

#![forbid(unsafe_code)]

pub mod analysis;
mod check;
pub mod diagnostics;
pub mod hir;
pub mod hir_print;
pub mod library;
pub mod lower;
pub mod types;

use tollgate_grammar::source::SourceMap;

use diagnostics::Diagnostic;
use library::{Library, Loader};

/// How large a program may be. What is beyond a limit is an error that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of one file.
    pub syntax: tollgate_grammar::Limits,
    /// Modules of one program, the library's not counted.
    pub modules: u32,
    /// Pairs of rules that are compared for one `unique` or `any`.
    pub pairs: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            syntax: tollgate_grammar::Limits::default(),
            modules: 1_000,
            pairs: 5_000_000,
        }
    }
}

/// What comes out of [`check`].
#[derive(Clone, Debug)]
pub struct Checked {
    /// The program; absent when a diagnostic is an error.
    pub program: Option<hir::Program>,
    /// What was found, in the order of files and places.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks a program under the default [`Limits`]: the main file, given by its name and text, and every module it uses.
///
/// ```
/// use tollgate_frontend::check;
/// use tollgate_frontend::library::{Library, NoModules};
/// use tollgate_grammar::source::SourceMap;
///
/// let text = r#"
///     enum Size { Small, Large }
///     ruleset size(n: Int) -> Size hit first {
///       rule large when n >= 100 then Large
///       otherwise Small
///     }
/// "#;
/// let mut sources = SourceMap::new();
/// let checked = check("size.rules", text, &mut NoModules, &Library::default(), &mut sources);
/// assert!(checked.diagnostics.is_empty());
/// assert_eq!(checked.program.unwrap().rulesets.len(), 1);
/// ```
pub fn check(
    file: &str,
    text: &str,
    loader: &mut dyn Loader,
    library: &Library,
    sources: &mut SourceMap,
) -> Checked {
    check_within(file, text, loader, library, sources, &Limits::default())
}

/// Checks a program under the given limits; see [`check`].
pub fn check_within(
    file: &str,
    text: &str,
    loader: &mut dyn Loader,
    library: &Library,
    sources: &mut SourceMap,
    limits: &Limits,
) -> Checked {
    check::program((file, text), None, loader, library, sources, limits)
}

/// Something asked about a program: texts that belong to its main module besides its file, names bound to values, and an
/// expression. Each is a name, for diagnostics, and a text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Question<'q> {
    /// Declarations, read behind the main file.
    pub texts: &'q [(&'q str, &'q str)],
    /// `let name = value`, in order; each may use those before it. The name of a `data` gives that data.
    pub bindings: &'q [(&'q str, &'q str)],
    /// What is asked; nothing, to check the rest alone.
    pub expression: Option<(&'q str, &'q str)>,
}

/// Checks a program and a question about it. The program that comes out has one test in place of its own, whose steps are the
/// bindings and a [`hir::Step::Show`] of the expression. Fields of records may be left out as in a test. The main file may be
/// empty, and imports need not be used.
pub fn check_question(
    main: (&str, &str),
    question: &Question<'_>,
    loader: &mut dyn Loader,
    library: &Library,
    sources: &mut SourceMap,
) -> Checked {
    let limits = Limits::default();
    check::program(main, Some(question), loader, library, sources, &limits)
}
