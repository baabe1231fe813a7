//! # What this is
//!
//! The test suite: files in `tests/` become trials. `cargo suite` runs all, `cargo suite ui` those whose name contains `ui`.
//!
//! # What goes in and comes out
//!
//! Files that a reader needs no Rust for; one trial each (or one a block), judged as the kind says.
//!
//! # Invariants
//!
//! - Nothing that runs a program runs it on one engine only.
//! - An expectation that is a promise to users is written by hand; no tool updates it.
//!
//! # Where to start reading
//!
//! [`kinds`]: the table of kinds. `tests/README.md` says which kind answers which question.

mod filecheck;
mod kinds;
mod random;

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, run};

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ stands in the project");
    let trials = kinds::KINDS.iter().flat_map(|kind| kind(root)).collect();
    run(&Arguments::from_args(), trials).exit_code()
}
