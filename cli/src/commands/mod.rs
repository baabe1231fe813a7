//! The commands, one file each.

mod bench;
mod build;
mod check;
mod cost;
mod cover;
mod emit;
mod explain;
mod fmt;
mod lines;
mod new;
mod pool;
mod program;
mod repl;
mod run;
#[cfg(feature = "serve")]
mod serve;
mod simulate;
mod stream;
mod test;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::CommandFactory;
use similar::TextDiff;
use tollgate::{Engine, Error, Level, Report};

use crate::args::{Arguments, Command, EngineArgs};
use crate::terminal;

/// How long the smallest difference of a file is looked for; what is found after that is shown, however large.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a command ended that ran to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to complain about.
    Clean,
    /// Diagnostics, refusals or failed tests, already printed.
    Findings,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Clean => 0,
            Outcome::Findings => 1,
        })
    }
}

/// What stops a command: a sentence for the user.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

impl Command {
    /// Runs the command.
    pub(crate) fn run(self) -> Result<Outcome> {
        match self {
            Command::New(args) => new::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Run(args) => run::run(&args),
            Command::Stream(args) => stream::run(&args),
            Command::Test(args) => test::run(&args),
            Command::Fmt(args) => fmt::run(&args),
            Command::Cover(args) => cover::run(&args),
            Command::Repl(args) => repl::run(&args),
            Command::Cost(args) => cost::run(&args),
            Command::Bench(args) => bench::run(&args),
            Command::Build(args) => build::run(&args),
            Command::Emit(args) => emit::run(&args),
            Command::Explain(args) => explain::run(&args),
            #[cfg(feature = "serve")]
            Command::Serve(args) => serve::run(&args),
            Command::Simulate(args) => simulate::run(&args),
            Command::Completions(args) => {
                clap_complete::generate(
                    args.shell,
                    &mut Arguments::command(),
                    "tollgate",
                    &mut io::stdout(),
                );
                Ok(Outcome::Clean)
            }
        }
    }
}

/// Not a backend, but two: one at once, and native code as soon as it is made.
const TIERED: &str = "tiered";

impl EngineArgs {
    /// The engine that was asked for.
    pub(crate) fn engine(&self) -> Result<Engine> {
        let level = match self.level {
            0 => Level::O0,
            1 => Level::O1,
            _ => Level::O2,
        };
        let engine = match &*self.backend {
            TIERED => Engine::new().tiered()?,
            backend => Engine::new().backend(backend)?,
        };
        Ok(engine.level(level))
    }
}

/// Prints a report for people.
pub(crate) fn show(report: &Report) {
    eprint!("{}", report.render(terminal::colour()));
}

/// Prints on standard output what would change in a file, as `patch` reads it.
pub(crate) fn show_differences(path: &Path, source: &str, text: &str) -> Result<()> {
    let name = path.display().to_string();
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(source, text);
    let mut unified = diff.unified_diff();
    write!(io::stdout().lock(), "{}", unified.header(&name, &name))?;
    Ok(())
}

/// Prints why a program could not be had: its diagnostics, or the error itself.
pub(crate) fn explain_failure(error: Error) -> Result<Outcome> {
    match error.report() {
        Some(report) => {
            show(report);
            Ok(Outcome::Findings)
        }
        None => Err(error.into()),
    }
}
