//! # What this is
//!
//! Chores of the project that are neither the compiler nor its tests: `cargo xtask` lists them. The house rules
//! (dependencies, file lengths, crate docs) are ordinary tests of this crate, so that `cargo test` is all there is.
//!
//! # What goes in and comes out
//!
//! The files of the repository; findings on standard output.
//!
//! # Invariants
//!
//! Nothing here is needed to build or to use Tollgate.
//!
//! # Where to start reading
//!
//! [`house`].
//!
//! # What it must not know
//!
//! Any crate of ours, except as files and as `cargo metadata`.

mod house;

use std::process::ExitCode;

fn main() -> ExitCode {
    let findings = house::findings();
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("the house stands: {} rules hold", house::RULES.len());
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
