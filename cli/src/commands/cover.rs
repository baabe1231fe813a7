//! `tollgate cover`
#![expect(
    clippy::disallowed_methods,
    reason = "a command is where the time of a decision comes from"
)]

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tollgate::{Call, Coverage, Engine, Entry, NeverDecided, Place, Program, Recorder};

use super::lines::{Block, Blocks, LINE_MAX, open};
use super::program::{Ready, ready};
use super::{Outcome, Result, explain_failure};
use crate::args::{Cover, CoveredAs};
use crate::terminal;

/// Bytes of the largest file of counts that is read.
const COUNTS_MAX: u64 = 256 * 1024 * 1024;
/// Lines that are refused and told of; the rest are counted.
const SHOWN: u64 = 10;

pub(crate) fn run(args: &Cover) -> Result<Outcome> {
    match &args.counts {
        Some(counts) => never_decided(args, counts),
        None => covered(args),
    }
}

fn covered(args: &Cover) -> Result<Outcome> {
    if args.input.is_some() && args.files.len() > 1 {
        return Err("facts are decided about by one file: name it alone with --input".into());
    }
    let mut all = Coverage::default();
    let mut findings = false;
    for file in &args.files {
        let Some((program, entry)) = program(args, file)? else {
            findings = true;
            continue;
        };
        let mut recorder = program.recorder()?;
        if !args.no_tests {
            findings |= !tests(&mut recorder, args)?;
        }
        if let (Some(input), Some(entry)) = (&args.input, entry) {
            findings |= !facts(&mut recorder, args, input, entry)?;
        }
        all.add(recorder.coverage()?)?;
    }
    // Only what was named: a module beside it has its own tests.
    let named = |name: &str| args.files.iter().any(|file| is_same(file, name));
    all.keep(named);
    if all.files.is_empty() && !findings {
        eprintln!("(there is no rule to cover)");
    }
    write(args, &all)?;
    let enough = args
        .min
        .is_none_or(|min| all.seen() as f64 * 100.0 >= min * all.wanted() as f64);
    if !enough {
        let min = args.min.unwrap_or_default();
        eprintln!("less is covered than --min {min} asks for");
    }
    Ok(match findings || !enough {
        true => Outcome::Findings,
        false => Outcome::Clean,
    })
}

/// A program, and its entry where facts are decided about; `None` where the rules do not compile, which was said.
fn program(args: &Cover, file: &Path) -> Result<Option<(Program, Option<Entry>)>> {
    let engine = Engine::new();
    let Some(entry) = &args.entry else {
        return match engine.compile_file(file) {
            Ok(program) => Ok(Some((program, None))),
            Err(error) => explain_failure(error).map(|_| None),
        };
    };
    match ready(&engine, file, entry, &args.data, &[])? {
        Ready::Yes { program, entry, .. } => Ok(Some((program, Some(entry)))),
        Ready::No(_) => Ok(None),
    }
}

/// Runs the tests; whether all passed.
fn tests(recorder: &mut Recorder, args: &Cover) -> Result<bool> {
    let results = recorder.run_tests(args.filter.as_deref())?;
    let failed = results.iter().filter(|result| !result.failures.is_empty());
    let mut passed = true;
    for result in failed {
        passed = false;
        eprintln!("{}:{} {} fails", result.file, result.line, result.title);
    }
    Ok(passed)
}

/// Decides about the lines of the input; whether none was refused.
fn facts(recorder: &mut Recorder, args: &Cover, input: &Path, entry: Entry) -> Result<bool> {
    let time = match &args.time {
        Some(time) => tollgate::parse_time(time)?,
        None => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            now.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(0))
        }
    };
    let mut blocks = Blocks::new(open(input)?);
    let (mut block, mut decided, mut refused) = (Block::default(), 0, 0);
    let mut refuse = |number: u64, reason: &dyn std::fmt::Display| {
        refused += 1;
        if refused <= SHOWN {
            eprintln!("line {number} refused: {reason}");
        }
    };
    while blocks
        .next(&mut block)
        .map_err(|e| format!("cannot read on: {e}"))?
    {
        if block.too_long {
            let reason = format!("the line is longer than {} MiB", LINE_MAX >> 20);
            refuse(block.first, &reason);
            continue;
        }
        for (number, line) in block.lines() {
            let id = number.to_string();
            match recorder.decide_json(entry, line, &Call { id: &id, time }) {
                Ok(()) => decided += 1,
                Err(error) if error.refusal().is_some() => refuse(number, &error),
                Err(error) => return Err(error.into()),
            }
        }
    }
    eprintln!("{decided} decided, {refused} refused");
    Ok(refused == 0)
}

/// Whether a file of the command line is the one of a report.
fn is_same(file: &Path, name: &str) -> bool {
    let plain = |path: &Path| path.strip_prefix(".").unwrap_or(path).to_owned();
    plain(file) == plain(Path::new(name))
}

fn write(args: &Cover, all: &Coverage) -> Result<()> {
    let colour = args.output.is_none() && terminal::colour_of_output();
    let text = match args.format {
        CoveredAs::Human => all.render(colour, args.all),
        CoveredAs::Html => all.to_html(),
        CoveredAs::Lcov => all.to_lcov(),
        CoveredAs::Json => all.to_json() + "\n",
    };
    match &args.output {
        None => io::stdout().lock().write_all(text.as_bytes())?,
        Some(file) => {
            fs::write(file, text).map_err(|e| format!("cannot write {}: {e}", file.display()))?;
            let (seen, wanted) = (all.seen(), all.wanted());
            eprintln!("{}: {seen} of {wanted} covered", file.display());
        }
    }
    Ok(())
}

/// Reports the rules that production never decided by.
fn never_decided(args: &Cover, counts: &Path) -> Result<Outcome> {
    let mut json = Vec::new();
    open(counts)?
        .take(COUNTS_MAX + 1)
        .read_to_end(&mut json)
        .map_err(|e| format!("cannot read {}: {e}", counts.display()))?;
    if json.len() as u64 > COUNTS_MAX {
        let most = COUNTS_MAX >> 20;
        return Err(format!("{} is larger than {most} MiB", counts.display()).into());
    }
    let [file] = &args.files[..] else {
        return Err("counts are of one program: name its main file alone with --counts".into());
    };
    let program = match Engine::new().compile_file(file) {
        Ok(program) => program,
        Err(error) => return explain_failure(error),
    };
    let counts = program
        .read_counts(&json)
        .map_err(|e| format!("{}: {e}", counts.display()))?;
    let report = counts.never_decided()?;
    let since = match &args.since {
        Some(since) => format!(" since {since}"),
        None => String::new(),
    };
    let text = match args.format {
        CoveredAs::Human => {
            let line = |rule: &NeverDecided| {
                let Place {
                    file, line, column, ..
                } = &rule.place;
                format!(
                    "{file}:{line}:{column}: {} never decided{since}\n",
                    rule.name
                )
            };
            report.iter().map(line).collect()
        }
        CoveredAs::Json => {
            let rule = |rule: &NeverDecided| {
                let place = &rule.place;
                json!({ "rule": rule.name, "file": place.file, "line": place.line, "column": place.column })
            };
            let never: Vec<_> = report.iter().map(rule).collect();
            let object = json!({
                "since": args.since,
                "decisions": counts.total(),
                "rulesets": counts.rulesets(),
                "rules": counts.rules(),
                "never_decided": never,
            });
            format!("{object}\n")
        }
        CoveredAs::Html | CoveredAs::Lcov => {
            return Err("counts are reported in lines or, with --format json, as an object".into());
        }
    };
    match &args.output {
        None => io::stdout().lock().write_all(text.as_bytes())?,
        Some(file) => {
            fs::write(file, text).map_err(|e| format!("cannot write {}: {e}", file.display()))?;
        }
    }
    let (rules, sets) = (counts.rules(), counts.rulesets());
    eprintln!(
        "{} of {rules} rules never decided{since} ({} decisions by rules of {})",
        report.len(),
        terminal::thousands(counts.total()),
        match sets.is_empty() {
            true => "no rule set".to_owned(),
            false => sets.join(", "),
        }
    );
    Ok(match report.is_empty() {
        true => Outcome::Clean,
        false => Outcome::Findings,
    })
}
