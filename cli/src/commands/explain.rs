//! `tollgate explain`: a diagnostic, or a decision.
#![expect(
    clippy::disallowed_methods,
    reason = "a command is where the time of a decision comes from"
)]

use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use tollgate::{Call, Entry, Session, Which};

use super::lines::{Block, Blocks, LINE_MAX, open};
use super::program::{Ready, ready};
use super::{Outcome, Result};
use crate::args::{Explain, ExplainedAs};
use crate::terminal;

pub(crate) fn run(args: &Explain) -> Result<Outcome> {
    match (&args.what, &args.entry, &args.input) {
        (None, ..) => {
            for slug in tollgate::slugs() {
                println!("{slug}");
            }
            Ok(Outcome::Clean)
        }
        (Some(file), Some(entry), Some(input)) => decision(args, Path::new(file), entry, input),
        (Some(slug), ..) => page(slug),
    }
}

fn page(slug: &str) -> Result<Outcome> {
    match tollgate::explain(slug) {
        Some(page) => {
            println!("# {slug}\n\n{}", page.trim());
            Ok(Outcome::Clean)
        }
        None if Path::new(slug).extension().is_some_and(|e| e == "rules") => Err(format!(
            "which decision? Name what decides and the facts: tollgate explain {slug} RULESET --input FACTS"
        )
        .into()),
        None => {
            Err(format!("there is no diagnostic `{slug}`; `tollgate explain` lists all").into())
        }
    }
}

fn decision(args: &Explain, file: &Path, entry: &str, input: &Path) -> Result<Outcome> {
    let (program, entry) = match ready(&args.engine.engine()?, file, entry, &args.data, &[])? {
        Ready::Yes { program, entry, .. } => (program, entry),
        Ready::No(outcome) => return Ok(outcome),
    };
    let (facts, line) = facts(input, args.line)?;
    let time = match &args.time {
        Some(time) => tollgate::parse_time(time)?,
        None => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            now.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(0))
        }
    };
    let id = args.id.clone().unwrap_or_else(|| line.to_string());
    let which = match &args.rule {
        Some(rule) => Which::Named(rule),
        None if args.all => Which::All,
        None => Which::Deciding,
    };
    let call = Call { id: &id, time };
    let explained = match program.declarations().is_empty() {
        true => program.explain_json(entry, &facts, &call, which),
        false => {
            let states = program.states(&[])?;
            let mut session = program.session_with(&states)?;
            if let Some(line) = args.line.filter(|_| input != Path::new("-")) {
                decide_before(&mut session, entry, input, line, time)?;
            }
            program.decode(entry, &facts).and_then(|facts| {
                let answers = session.decide_facts(entry, &facts, &call)?.answers();
                program.explain_answered(entry, &facts, &call, &answers, which)
            })
        }
    };
    let explained = match explained {
        Ok(explained) => explained,
        Err(error) if error.refusal().is_some() => {
            eprintln!("refused: {error}");
            return Ok(Outcome::Findings);
        }
        Err(error) => return Err(error.into()),
    };
    match args.format {
        ExplainedAs::Human => print!("{}", explained.render(terminal::colour_of_output())),
        ExplainedAs::Text => print!("{explained}"),
        ExplainedAs::Json => println!("{}", explained.to_json()),
    }
    Ok(Outcome::Clean)
}

/// Decides about the lines before one, as `run` does, so that states hold what they have left there.
fn decide_before(
    session: &mut Session<'_>,
    entry: Entry,
    input: &Path,
    line: u64,
    time: i64,
) -> Result<()> {
    let cannot = |e: std::io::Error| format!("cannot read {}: {e}", input.display());
    let mut blocks = Blocks::new(open(input)?);
    let mut block = Block::default();
    while blocks.next(&mut block).map_err(cannot)? && block.first < line {
        if block.too_long {
            continue;
        }
        for (number, facts) in block.lines().take_while(|(number, _)| *number < line) {
            let id = number.to_string();
            // What is refused asks nothing.
            let _ = session.decide_json(entry, facts, &Call { id: &id, time });
        }
    }
    Ok(())
}

/// The facts of a file: all of it, or one line; and the number of the line.
fn facts(input: &Path, line: Option<u64>) -> Result<(Vec<u8>, u64)> {
    let cannot = |e: std::io::Error| format!("cannot read {}: {e}", input.display());
    let Some(wanted) = line else {
        return whole(input).map(|facts| (facts, 1));
    };
    let mut blocks = Blocks::new(open(input)?);
    let mut block = Block::default();
    while blocks.next(&mut block).map_err(cannot)? {
        if block.too_long && block.first == wanted {
            let most = LINE_MAX >> 20;
            return Err(format!("line {wanted} is longer than {most} MiB").into());
        }
        if let Some((_, line)) = block.lines().find(|(number, _)| *number == wanted) {
            return Ok((line.to_vec(), wanted));
        }
    }
    Err(format!("{} has no line {wanted}, or a blank one", input.display()).into())
}

/// A file that holds one value, perhaps over several lines.
fn whole(input: &Path) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let read = open(input)?
        .take(LINE_MAX as u64 + 1)
        .read_to_end(&mut text);
    read.map_err(|e| format!("cannot read {}: {e}", input.display()))?;
    let lines = text.split(|b| *b == b'\n');
    let mut lines = lines.filter(|line| !line.trim_ascii().is_empty());
    let first = lines.next().unwrap_or_default();
    // Several values begin each with a line of its own.
    if lines.next().is_some() && serde_json::from_slice::<serde_json::Value>(first).is_ok() {
        let input = input.display();
        return Err(format!("{input} has several lines; choose one with --line").into());
    }
    match text.len() > LINE_MAX {
        true => Err(format!("{} is larger than {} MiB", input.display(), LINE_MAX >> 20).into()),
        false => Ok(text),
    }
}
