//! `tollgate repl`: a prompt that takes declarations, rules, bindings and expressions, and answers at once.
//!
//! Answers and diagnostics alike go to standard output: what is read together is written together.

mod editor;
mod prompt_commands;

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use tollgate::{Entered, Error, Report, Workbench};

use super::{Outcome, Result};
use crate::args::Repl as Args;
use crate::terminal;

/// What stands before what is typed, and before each further line of it.
const PROMPT: &str = "> ";
const CONTINUED: &str = ". ";

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let mut repl = Repl {
        bench: Workbench::new(args.engine.engine()?),
        engine: format!("{} at level {}", args.engine.backend, args.engine.level),
        refused: false,
        done: false,
        colour: terminal::colour_of(&io::stdout()),
    };
    if let Some(file) = &args.file {
        repl.load(file);
    }
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        editor::run(&mut repl)?;
        return Ok(Outcome::Clean);
    }
    repl.lines(io::stdin().lock(), args.transcript)?;
    Ok(match repl.refused {
        true => Outcome::Findings,
        false => Outcome::Clean,
    })
}

/// A session.
struct Repl {
    bench: Workbench,
    /// What answers, for people.
    engine: String,
    /// Whether something was refused.
    refused: bool,
    /// Whether it was left.
    done: bool,
    colour: bool,
}

impl Repl {
    /// Takes lines that nobody types, to their end.
    fn lines(&mut self, input: impl BufRead, transcript: bool) -> io::Result<()> {
        let mut typed = String::new();
        for line in input.lines() {
            let line = line?;
            if transcript {
                let prompt = if typed.is_empty() { PROMPT } else { CONTINUED };
                println!("{}", format!("{prompt}{line}").trim_end());
            }
            typed.push_str(&line);
            if is_whole(&typed) {
                self.take(&std::mem::take(&mut typed));
            } else {
                typed.push('\n');
            }
            if self.done {
                return Ok(());
            }
        }
        if !typed.trim().is_empty() {
            self.take(&typed);
        }
        io::stdout().flush()
    }

    /// Takes one thing that was typed, and prints what came of it.
    fn take(&mut self, typed: &str) {
        let text = typed.trim();
        if let Some(command) = text.strip_prefix(':') {
            return self.command(command);
        }
        match self.bench.enter(text) {
            Ok(entered) => self.tell(entered),
            Err(error) => self.refuse(&error),
        }
    }

    fn tell(&mut self, entered: Entered) {
        match entered {
            Entered::Declared(names, report) => {
                if !names.is_empty() {
                    println!("declared {}", names.join(", "));
                }
                self.show(&report);
            }
            Entered::Added(set, report) => {
                println!("added to {set}");
                self.show(&report);
            }
            Entered::Bound(name, ty) => println!("{name}: {ty}"),
            Entered::Asked(question) => {
                self.show(question.report());
                match question.answer() {
                    Ok(answer) if answer.by.is_empty() => println!("{}", answer.value),
                    Ok(answer) => println!("{} by {}", answer.value, answer.by.join(", ")),
                    Err(error) => self.refuse(&error),
                }
            }
            // There may be kinds that need no answer.
            _ => {}
        }
    }

    fn load(&mut self, file: &Path) {
        match self.bench.load(file) {
            Ok(report) => {
                println!("loaded {}", file.display());
                self.show(&report);
            }
            Err(error) => self.refuse(&error),
        }
    }

    fn show(&self, report: &Report) {
        print!("{}", report.render(self.colour));
    }

    /// Tells why something was not done.
    fn refuse(&mut self, error: &Error) {
        match error.report() {
            Some(report) => {
                self.show(report);
                self.refused = true;
            }
            None => self.complain(&error.to_string()),
        }
    }

    fn complain(&mut self, sentence: &str) {
        self.refused = true;
        let word = match self.colour {
            true => format!("\x1b[1;{}merror\x1b[0m", terminal::RED),
            false => "error".to_owned(),
        };
        println!("{word}: {sentence}");
    }
}

/// Whether what was typed can be taken: a command, something complete, or something that an empty line ends.
fn is_whole(typed: &str) -> bool {
    typed.trim_start().starts_with(':')
        || Workbench::is_complete(typed)
        || typed
            .rsplit('\n')
            .next()
            .is_some_and(|line| line.trim().is_empty())
}
