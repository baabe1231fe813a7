//! `tollgate run`
#![expect(
    clippy::disallowed_methods,
    reason = "a command is where the time of a decision comes from"
)]

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tollgate::{Call, Counts, Entry, Session, Stores};

use super::lines::{Block, LINE_MAX, open};
use super::pool::{self, Done, Fault, SHOWN, Written};
use super::program::{Ready, ready, stores};
use super::{Outcome, Result};
use crate::args::Run;
use crate::terminal::thousands;

pub(crate) fn run(args: &Run) -> Result<Outcome> {
    let (program, entry) = match ready(
        &args.engine.engine()?,
        &args.file,
        &args.entry,
        &args.data,
        &args.trust,
    )? {
        Ready::Yes { program, entry, .. } => (program, entry),
        Ready::No(outcome) => return Ok(outcome),
    };
    let input = open(&args.input)?;
    let bar = progress(&args.input);
    let output: Box<dyn Write + Send> = match &args.output {
        Some(file) => Box::new(
            File::create(file).map_err(|e| format!("cannot write {}: {e}", file.display()))?,
        ),
        None => Box::new(io::stdout()),
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_micros());
    let time = i64::try_from(now).unwrap_or(0);
    let stores = stores(&args.stores, program.declarations())?;
    let states = program.states(&stores.open(program.declarations())?)?;
    let run = this_run(&stores, time);
    let jobs = match args.jobs {
        // What one decision takes the next one misses, so they come one after the other.
        _ if !program.declarations().is_empty() => 1,
        Some(jobs) => jobs as usize,
        None => thread::available_parallelism().map_or(1, usize::from),
    };
    let told = bar.clone();
    let tell = move |written: &Written<'_>| {
        told.inc(written.read);
        for refusal in written.refusals {
            told.suspend(|| eprintln!("{refusal}"));
        }
    };
    let (began, trace) = (Instant::now(), args.trace);
    let decided = args.counts.as_ref().map(|_| program.counts());
    let decided = Arc::new(decided.map(Mutex::new));
    let (of, told) = (program.clone(), decided.clone());
    let decide = move |session: &mut Session<'_>, block: &Block, done: &mut Done| {
        let mut own = told.as_ref().as_ref().map(|_| of.counts());
        let call = Call { id: &run, time };
        decide_block(session, entry, (&call, trace), block, own.as_mut(), done);
        if let (Some(all), Some(own)) = (told.as_ref(), &own) {
            all.lock().unwrap_or_else(PoisonError::into_inner).add(own);
        }
    };
    let counts = pool::run(&program, &states, input, output, jobs, tell, decide);
    let counts = counts.map_err(cannot_write)?;
    if let (Some(file), Some(decided)) = (&args.counts, decided.as_ref()) {
        let decided = decided.lock().unwrap_or_else(PoisonError::into_inner);
        fs::write(file, decided.to_json())
            .map_err(|e| format!("cannot write {}: {e}", file.display()))?;
    }
    bar.finish_and_clear();
    summarise(&counts, began.elapsed());
    Ok(if counts.refused > 0 {
        Outcome::Findings
    } else {
        Outcome::Clean
    })
}

/// What ids of decisions begin with. Stores that outlive this run may know the numbers of lines from another one, and take them for
/// retries; where there are none, the output is that of any other run.
fn this_run(stores: &Stores, time: i64) -> String {
    match stores.is_empty() {
        true => String::new(),
        false => format!("{time:x}-{:x}/", std::process::id()),
    }
}

/// Decides about every line of a block, one behind the other. The call has the time of all, and what their ids begin with.
fn decide_block(
    session: &mut Session<'_>,
    entry: Entry,
    (run, trace): (&Call<'_>, bool),
    block: &Block,
    mut counts: Option<&mut Counts>,
    done: &mut Done,
) {
    if block.too_long {
        let reason = format!("the line is longer than {} MiB", LINE_MAX >> 20);
        let refusal = json!({ "field": "", "value": "", "reason": reason });
        return refuse(block.first, &refusal, done);
    }
    let (mut digits, mut id) = ([0; 20], run.id.to_owned());
    for (number, line) in block.lines() {
        id.truncate(run.id.len());
        id.push_str(decimal(number, &mut digits));
        let call = Call { id: &id, ..*run };
        match session.decide_json(entry, line, &call) {
            Ok(decision) => {
                match trace {
                    true => decision.write_trace(&mut done.out),
                    false => decision.write_json(&mut done.out),
                }
                done.out.push('\n');
                done.counts.decided += 1;
                done.counts.ignored += decision.ignored();
                if let Some(counts) = &mut counts {
                    counts.count(&decision);
                }
            }
            Err(error) => match error.refusal() {
                Some(refusal) => {
                    let refusal = json!({ "field": refusal.path(), "value": refusal.value(), "reason": refusal.reason() });
                    refuse(number, &refusal, done);
                }
                None => {
                    done.fault = Some(error.to_string().into());
                    return;
                }
            },
        }
    }
}

fn refuse(number: u64, refusal: &serde_json::Value, done: &mut Done) {
    done.counts.refused += 1;
    if done.refusals.len() < SHOWN {
        let line = format!("line {number} refused: {}", one_line(refusal));
        done.refusals.push(line);
    }
    done.out
        .push_str(&json!({ "line": number, "refused": refusal }).to_string());
    done.out.push('\n');
}

pub(super) fn one_line(refusal: &serde_json::Value) -> String {
    let text = |key: &str| refusal[key].as_str().unwrap_or_default().to_owned();
    match (text("field"), text("value")) {
        (field, value) if field.is_empty() && value.is_empty() => text("reason"),
        (field, value) if field.is_empty() => format!("{value}: {}", text("reason")),
        (field, value) if value.is_empty() => format!("{field}: {}", text("reason")),
        (field, value) => format!("{field} = {value}: {}", text("reason")),
    }
}

/// The decimal digits of a number; nothing is allocated.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &str {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    std::str::from_utf8(&digits[at..]).unwrap_or_default()
}

/// A closed pipe stays what it is: `main` knows that it is no mistake.
fn cannot_write(fault: Fault) -> Box<dyn std::error::Error> {
    match fault.downcast::<io::Error>() {
        Ok(error) if error.kind() == io::ErrorKind::BrokenPipe => error,
        Ok(error) => format!("cannot write: {error}").into(),
        Err(fault) => fault,
    }
}

/// A bar over the bytes of the input, on a terminal and where the size is known.
pub(super) fn progress(path: &Path) -> ProgressBar {
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

fn summarise(counts: &pool::Counts, elapsed: Duration) {
    let all = counts.decided + counts.refused;
    let each = counts
        .deciding
        .as_nanos()
        .checked_div(u128::from(all))
        .unwrap_or(0);
    let rate = all as f64 / elapsed.as_secs_f64().max(1e-9);
    eprintln!(
        "{} decided, {} refused in {:.2?} ({} a second; {each} ns each for decoding, deciding and encoding on one core)",
        thousands(counts.decided),
        thousands(counts.refused),
        elapsed,
        thousands(rate as u64)
    );
    if counts.ignored > 0 {
        eprintln!(
            "(keys ignored because no field has their name: {})",
            thousands(counts.ignored)
        );
    }
    if counts.refused > SHOWN as u64 {
        eprintln!(
            "({} more refusals are in the output)",
            thousands(counts.refused - SHOWN as u64)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn a_number_has_its_digits() {
        for number in [0, 9, 10, 1_000_007, u64::MAX] {
            assert_eq!(decimal(number, &mut [0; 20]), number.to_string());
        }
    }
}
