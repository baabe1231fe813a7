//! The prompt on a terminal: editing over several lines, colours, completion, history.

use std::borrow::Cow;
use std::env;
use std::fs;
use std::path::PathBuf;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Context, Editor, Helper};
use tollgate::{TokenClass, Workbench, words};

use super::prompt_commands::COMMANDS;
use super::{PROMPT, Repl, is_whole};
use crate::commands::Result;

/// Takes what is typed until the session is left.
pub(super) fn run(repl: &mut Repl) -> Result<()> {
    let config = Config::builder().auto_add_history(true).build();
    let mut editor: Editor<Assistant, FileHistory> = Editor::with_config(config)?;
    let history = history_file();
    if let Some(file) = &history {
        // There is none the first time.
        let _ = editor.load_history(file);
    }
    println!(
        "tollgate {}: `:help` says what can be typed",
        env!("CARGO_PKG_VERSION")
    );
    while !repl.done {
        editor.set_helper(Some(Assistant {
            bench: repl.bench.clone(),
            colour: repl.colour,
        }));
        match editor.readline(PROMPT) {
            Ok(typed) => repl.take(&typed),
            // Control-C gives up what was typed, control-D the session.
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(file) = &history {
        let saved = file.parent().map_or(Ok(()), fs::create_dir_all);
        if saved.is_err() || editor.save_history(file).is_err() {
            eprintln!("the history could not be kept in {}", file.display());
        }
    }
    Ok(())
}

/// Where the history is kept: `TOLLGATE_HISTORY`, which may be empty for nowhere, or the user's folder for state.
fn history_file() -> Option<PathBuf> {
    if let Some(file) = env::var_os("TOLLGATE_HISTORY") {
        return (!file.is_empty()).then(|| file.into());
    }
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".local/state"));
    Some(state.or_else(home)?.join("tollgate/history"))
}

/// What helps while a line is typed; it knows the program as it is.
struct Assistant {
    bench: Workbench,
    colour: bool,
}

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

impl Validator for Assistant {
    fn validate(&self, typed: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match is_whole(typed.input()) {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        if let Some(typed) = line.strip_prefix(':')
            && !typed.contains(char::is_whitespace)
        {
            let names = COMMANDS.iter().map(|command| command.name);
            let fitting = names.filter(|name| name.starts_with(typed));
            return Ok((1, fitting.map(str::to_owned).collect()));
        }
        Ok(self.bench.complete(line, at))
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if !self.colour || line.starts_with(':') {
            return Cow::Borrowed(line);
        }
        let mut out = String::with_capacity(line.len() + 64);
        let mut end = 0;
        for (range, class) in words(line) {
            let (Some(before), Some(word)) = (line.get(end..range.start), line.get(range.clone()))
            else {
                return Cow::Borrowed(line);
            };
            out.push_str(before);
            match colour(class) {
                Some(code) => out.push_str(&format!("\x1b[{code}m{word}\x1b[0m")),
                None => out.push_str(word),
            }
            end = range.end;
        }
        out.push_str(&line[end..]);
        Cow::Owned(out)
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.colour && kind != CmdKind::MoveCursor
    }
}

/// The ANSI code of a class of words.
fn colour(class: TokenClass) -> Option<&'static str> {
    match class {
        TokenClass::Item | TokenClass::Rule | TokenClass::Word => Some("35"),
        TokenClass::Operator => Some("36"),
        TokenClass::Literal => Some("32"),
        TokenClass::Bad => Some("31"),
        TokenClass::Bracket | TokenClass::Sign | TokenClass::Name => None,
    }
}
