//! # What this is
//!
//! The `tollgate` command: a thin hand on the face. Each command is one file in [`commands`].
//!
//! # What goes in and comes out
//!
//! Arguments, files and standard input; results on standard output, everything for people on standard error.
//! Exit codes: 0 clean, 1 findings or refusals, 2 usage (also: a file that cannot be read), 3 a bug of ours.
//!
//! # Invariants
//!
//! - Nothing here knows more of the compiler than the crate `tollgate` promises.
//! - Colours and progress appear on a terminal only, and never where `NO_COLOR` is set.
//!
//! # Where to start reading
//!
//! [`args`] for what can be said, then the command in question.
//!
//! # What it must not know
//!
//! Any crate behind the face.

mod args;
mod commands;
mod terminal;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// A compiler makes and drops small pieces: with this allocator checking takes two thirds of the time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Printing into a closed pipe (`tollgate emit … | head`) is no bug of ours, and `println!` can only panic there.
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.to_string();
        if text.contains("Broken pipe") {
            std::process::exit(0);
        }
        eprintln!(
            "{text}\n\nThis is a bug in tollgate. Please report it with the rules that caused it."
        );
        std::process::exit(3);
    }));
    let arguments = args::Arguments::parse();
    match arguments.command.run() {
        Ok(outcome) => outcome.into(),
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", terminal::paint("error", terminal::RED));
            ExitCode::from(2)
        }
    }
}

/// Whether whoever read our output has seen enough.
fn is_closed_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
