//! `tollgate run`

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tollgate::{Call, Entry, Error, Program, Session};

use super::program::{Ready, ready};
use super::{Outcome, Result};
use crate::args::Run;
use crate::terminal::thousands;

/// Bytes of the longest line that is read; a longer one is refused.
const LINE_MAX: u64 = 16 * 1024 * 1024;
/// Refusals shown on standard error; the rest are counted.
const SHOWN: u64 = 10;

pub(crate) fn run(args: &Run) -> Result<Outcome> {
    let (program, entry) = match ready(&args.engine.engine()?, &args.file, &args.entry, &args.data)?
    {
        Ready::Yes { program, entry, .. } => (program, entry),
        Ready::No(outcome) => return Ok(outcome),
    };
    let input = open(&args.input)?;
    let bar = progress(&args.input);
    let output: Box<dyn Write> = match &args.output {
        Some(file) => Box::new(
            File::create(file).map_err(|e| format!("cannot write {}: {e}", file.display()))?,
        ),
        None => Box::new(io::stdout().lock()),
    };
    let began = Instant::now();
    let counts = decide_all(
        &program,
        entry,
        input,
        BufWriter::with_capacity(1 << 16, output),
        &bar,
    )?;
    bar.finish_and_clear();
    summarise(&counts, began.elapsed());
    Ok(if counts.refused > 0 {
        Outcome::Findings
    } else {
        Outcome::Clean
    })
}

/// What was read and what became of it.
#[derive(Default)]
struct Counts {
    decided: u64,
    refused: u64,
    /// Keys that no field has the name of.
    ignored: u64,
    /// Time spent deciding, without reading and writing.
    deciding: Duration,
}

fn decide_all(
    program: &Program,
    entry: Entry,
    mut input: impl BufRead,
    mut output: impl Write,
    bar: &ProgressBar,
) -> Result<Counts> {
    let mut session = program.session();
    let mut counts = Counts::default();
    let (mut line, mut answer) = (Vec::new(), String::new());
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_micros());
    let time = i64::try_from(now).unwrap_or(0);
    for number in 1u64.. {
        line.clear();
        let read = input
            .by_ref()
            .take(LINE_MAX)
            .read_until(b'\n', &mut line)
            .map_err(|e| format!("cannot read on: {e}"))?;
        if read == 0 {
            break;
        }
        bar.inc(read as u64);
        let too_long = read as u64 == LINE_MAX && line.last() != Some(&b'\n');
        if too_long {
            skip_line(&mut input, bar)?;
        }
        let json = line.trim_ascii();
        if json.is_empty() {
            continue;
        }
        answer.clear();
        let decided = if too_long {
            let reason = format!("the line is longer than {} MiB", LINE_MAX >> 20);
            Err(json!({ "field": "", "value": "", "reason": reason }))
        } else {
            let began = Instant::now();
            let decided = decide(
                &mut session,
                entry,
                json,
                &Call {
                    id: &number.to_string(),
                    time,
                },
                &mut answer,
            )?;
            counts.deciding += began.elapsed();
            decided
        };
        match decided {
            Ok(ignored) => {
                counts.decided += 1;
                counts.ignored += ignored;
            }
            Err(refusal) => {
                counts.refused += 1;
                if counts.refused <= SHOWN {
                    bar.suspend(|| eprintln!("line {number} refused: {}", one_line(&refusal)));
                }
                answer.clear();
                answer.push_str(&json!({ "line": number, "refused": refusal }).to_string());
            }
        }
        answer.push('\n');
        output.write_all(answer.as_bytes()).map_err(cannot_write)?;
    }
    output.flush().map_err(cannot_write)?;
    Ok(counts)
}

/// Decides one record into `answer` and gives how many of its keys were ignored, or what is wrong with it.
fn decide(
    session: &mut Session<'_>,
    entry: Entry,
    json: &[u8],
    call: &Call<'_>,
    answer: &mut String,
) -> Result<std::result::Result<u64, serde_json::Value>> {
    match session.decide_json(entry, json, call) {
        Ok(decision) => {
            decision.write_json(answer);
            Ok(Ok(decision.ignored()))
        }
        Err(error) => refusal(error).map(Err),
    }
}

fn refusal(error: Error) -> Result<serde_json::Value> {
    match error.refusal() {
        Some(refusal) => Ok(
            json!({ "field": refusal.path(), "value": refusal.value(), "reason": refusal.reason() }),
        ),
        None => Err(error.into()),
    }
}

fn one_line(refusal: &serde_json::Value) -> String {
    let text = |key: &str| refusal[key].as_str().unwrap_or_default().to_owned();
    match (text("field"), text("value")) {
        (field, value) if field.is_empty() && value.is_empty() => text("reason"),
        (field, value) if field.is_empty() => format!("{value}: {}", text("reason")),
        (field, value) if value.is_empty() => format!("{field}: {}", text("reason")),
        (field, value) => format!("{field} = {value}: {}", text("reason")),
    }
}

/// A closed pipe stays what it is: `main` knows that it is no mistake.
fn cannot_write(error: io::Error) -> Box<dyn std::error::Error> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => error.into(),
        _ => format!("cannot write: {error}").into(),
    }
}

/// Reads to the end of a line without keeping it.
fn skip_line(input: &mut impl BufRead, bar: &ProgressBar) -> Result<()> {
    loop {
        let buffer = input
            .fill_buf()
            .map_err(|e| format!("cannot read on: {e}"))?;
        let end = buffer.iter().position(|b| *b == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        input.consume(used);
        bar.inc(used as u64);
        if end.is_some() || used == 0 {
            return Ok(());
        }
    }
}

fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    if path.is_dir() {
        return Err(format!(
            "{} is a folder; --input takes a file of JSON lines, or -",
            path.display()
        )
        .into());
    }
    let file = File::open(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
}

/// A bar over the bytes of the input, on a terminal and where the size is known.
fn progress(path: &Path) -> ProgressBar {
    let size = fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)
        .map(|m| m.len());
    match size {
        Some(size) if io::stderr().is_terminal() => {
            let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {eta}");
            ProgressBar::new(size)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }
        _ => ProgressBar::hidden(),
    }
}

fn summarise(counts: &Counts, elapsed: Duration) {
    let all = counts.decided + counts.refused;
    let each = counts
        .deciding
        .as_nanos()
        .checked_div(u128::from(all))
        .unwrap_or(0);
    eprintln!(
        "{} decided, {} refused in {:.2?} ({each} ns each for decoding, deciding and encoding)",
        thousands(counts.decided),
        thousands(counts.refused),
        elapsed
    );
    if counts.ignored > 0 {
        eprintln!(
            "(keys ignored because no field has their name: {})",
            thousands(counts.ignored)
        );
    }
    if counts.refused > SHOWN {
        eprintln!(
            "({} more refusals are in the output)",
            thousands(counts.refused - SHOWN)
        );
    }
}
