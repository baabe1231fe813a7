//! `tollgate stream`: events in, actions out, each once.
//!
//! [`Runner::take`] is the whole of it: decide a batch, commit it to the journal, then let it be seen. Where events come from and actions go is
//! behind two traits, [`Source`] and [`Sink`](sink::Sink): files and pipes (`files.rs`), streams of a Redis (`redis/`), topics of a Kafka
//! (`kafka/`). One thread reads, decides and writes, so that nothing is read that is not soon committed: who sends faster than that waits in the pipe, or the broker.

#[cfg(any(feature = "redis", feature = "kafka"))]
mod broker;
mod endpoint;
mod files;
mod journal;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "redis")]
mod redis;
mod sink;
mod source;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tollgate::{Offered, Program};

use self::endpoint::Endpoint;
use self::journal::{Begun, Journal};
use self::sink::{Mark, Nowhere, Sink};
use self::source::{Batch, Event, Next, Source};
use super::pool::SHOWN;
use super::program::{stores, with_data};
use super::run::{one_line, progress};
use super::{Outcome, Result, explain_failure, show};
use crate::args::Stream as Args;
use crate::terminal::thousands;

/// Whether the stream was asked to end.
type Ending = Arc<AtomicBool>;

/// How far a stream has got.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// How far each input was read, by its name, as its source wants to be told.
    inputs: BTreeMap<String, Value>,
    /// How far was written what is written to.
    output: Option<Mark>,
    dead: Option<Mark>,
    counts: Counts,
}

/// What became of events.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Counts {
    decided: u64,
    actions: u64,
    duplicates: u64,
    late: u64,
    refused: u64,
}

/// A stream with its journal and where it writes.
struct Runner {
    stream: tollgate::Stream,
    name: String,
    journal: Journal,
    output: Box<dyn Sink>,
    dead: Box<dyn Sink>,
    progress: Progress,
    /// Counts when this process began.
    before: Counts,
    began: Instant,
    /// Complaints that were shown.
    shown: usize,
    /// Whether nothing may be written any more: it has ended, or a batch broke in the middle, which the next process puts into order.
    ended: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let input = Endpoint::input(&args.input)?;
    let program = match args.engine.engine()?.open(&args.file) {
        Ok(program) => program,
        Err(error) => return explain_failure(error),
    };
    show(program.report());
    let program = with_data(program, &args.file, &args.data)?;
    let ending = Ending::default();
    let runner = Runner::open(&program, args, &ending)?;
    let known = runner.progress.inputs.get(&input.to_string());
    let mut source = source::open(&input, args, known, &ending)?;
    let bar = progress(source::shown(&input));
    bar.inc(known.and_then(|known| known["bytes"].as_u64()).unwrap_or(0));
    let runner = Arc::new(Mutex::new(runner));
    end_on_interrupt(&runner, &ending, source.heeds_ending())?;
    let mut batch = Batch::default();
    while !ending.load(Ordering::Relaxed) {
        match source.next(&mut batch)? {
            Next::Batch => {}
            Next::Nothing => continue,
            Next::End => break,
        }
        let mut runner = runner.lock().unwrap_or_else(PoisonError::into_inner);
        if runner.ended || ending.load(Ordering::Relaxed) {
            break;
        }
        bar.suspend(|| runner.take(&batch, &mut *source))?;
        bar.inc(batch.read);
    }
    bar.finish_and_clear();
    let mut runner = runner.lock().unwrap_or_else(PoisonError::into_inner);
    runner.end()
}

impl Runner {
    /// Opens everything and goes on where the journal stands.
    fn open(program: &Program, args: &Args, ending: &Ending) -> Result<Runner> {
        let name = stream_name(program, args)?;
        let declarations = program.stream_declarations(&name, args.ids)?;
        let stores = stores(&args.stores, &declarations)?;
        let mut stream = program.stream(&name, args.ids, &stores.open(&declarations)?)?;
        let segment = u64::from(args.segment) << 20;
        let (journal, found) = Journal::open(&args.journal, segment)?;
        let sink = |to: Option<&Path>, instead: Box<dyn Sink>| match to {
            Some(to) => sink::open(&Endpoint::output(to)?, stream.dedupe_us(), ending),
            None => Ok(instead),
        };
        let mut output = sink(args.output.as_deref(), Box::new(files::Output))?;
        let mut dead = sink(args.dead_letter.as_deref(), Box::new(Nowhere))?;
        let mut progress = Progress::default();
        if let Some(found) = found {
            let begun = found.begun;
            if begun.stream != name {
                return Err(format!(
                    "{} is the journal of the stream `{}`, not of `{name}`",
                    args.journal.display(),
                    begun.stream
                )
                .into());
            }
            let texts = |of: fn(&journal::Batch) -> &str| -> Vec<&str> {
                found.batches.iter().map(of).collect()
            };
            let (outputs, deads) = (texts(|b| &b.output), texts(|b| &b.dead));
            sink::resume(&mut *output, begun.progress.output.as_ref(), &outputs)?;
            sink::resume(&mut *dead, begun.progress.dead.as_ref(), &deads)?;
            progress = begun.progress;
            let mut unknown = stream.restore(begun.held);
            if found.torn > 0 || !found.batches.is_empty() {
                eprintln!(
                    "resumed behind {} batches{}",
                    thousands(found.batches.len() as u64),
                    match found.torn {
                        0 => String::new(),
                        torn => format!("; {torn} bytes of one that was not committed are cut off"),
                    }
                );
            }
            for batch in found.batches {
                unknown = unknown.max(stream.apply(batch.changes));
                progress = batch.progress;
            }
            if unknown > 0 {
                eprintln!(
                    "(states of the journal that are not declared any more, and are forgotten: {unknown})"
                );
            }
        }
        let mut runner = Runner {
            stream,
            name,
            journal,
            output,
            dead,
            before: progress.counts,
            progress,
            began: Instant::now(),
            shown: 0,
            ended: false,
        };
        runner.begin_log()?;
        Ok(runner)
    }

    /// Decides about a batch, commits what came of it, and lets it be seen.
    fn take(&mut self, batch: &Batch, source: &mut dyn Source) -> Result<()> {
        let (mut output, mut dead) = (String::new(), String::new());
        let (mut read, mut fault) = (0, None);
        for event in &batch.events {
            let bytes = &batch.bytes[event.bytes.clone()];
            if let Some(reason) = &event.refused {
                self.progress.counts.refused += 1;
                let refusal = json!({ "field": "", "value": "", "reason": reason });
                self.bury(source, event, "refused", refusal, bytes, &mut dead);
            } else {
                match self.stream.offer(bytes, &mut output) {
                    Ok(offered) => self.count(offered, source, event, bytes, &mut dead),
                    Err(error) => {
                        fault = Some(error);
                        break;
                    }
                }
            }
            read += 1;
        }
        let position = source.position(read);
        let inputs = &mut self.progress.inputs;
        inputs.insert(source.name().to_owned(), position);
        self.commit(&output, &dead)?;
        source.committed(read)?;
        fault.map_or(Ok(()), |fault| Err(fault.into()))
    }

    /// Counts what became of an event.
    fn count(
        &mut self,
        offered: Offered,
        source: &dyn Source,
        event: &Event,
        bytes: &[u8],
        dead: &mut String,
    ) {
        let counts = &mut self.progress.counts;
        match offered {
            Offered::Decided { actions } => {
                counts.decided += 1;
                counts.actions += actions;
            }
            Offered::Duplicate => counts.duplicates += 1,
            Offered::Late {
                id,
                behind_us,
                allowed_us,
            } => {
                counts.late += 1;
                let late = |us: i64| format!("{:?}", Duration::from_micros(us.unsigned_abs()));
                let late =
                    json!({ "id": id, "behind": late(behind_us), "allowed": late(allowed_us) });
                self.bury(source, event, "late", late, bytes, dead);
            }
            Offered::Refused(refusal) => {
                counts.refused += 1;
                let refusal = json!({ "field": refusal.path(), "value": refusal.value(), "reason": refusal.reason() });
                self.bury(source, event, "refused", refusal, bytes, dead);
            }
        }
    }

    /// Writes a dead letter, and says why, the first few times.
    fn bury(
        &mut self,
        source: &dyn Source,
        event: &Event,
        what: &str,
        why: Value,
        bytes: &[u8],
        dead: &mut String,
    ) {
        let (unit, place) = (source.unit(), &event.place);
        if self.shown < SHOWN {
            self.shown += 1;
            let place = match place {
                Value::String(text) => text.clone(),
                place => place.to_string(),
            };
            match what {
                "late" => eprintln!("{unit} {place} late: {why}"),
                _ => eprintln!("{unit} {place} {what}: {}", one_line(&why)),
            }
        }
        let text = String::from_utf8_lossy(bytes);
        let letter = json!({ "input": source.name(), unit: place, what: why, "text": text });
        dead.push_str(&letter.to_string());
        dead.push('\n');
    }

    /// The one moment at which a batch happens is when the journal has it.
    fn commit(&mut self, output: &str, dead: &str) -> Result<()> {
        let changes = self.stream.changes();
        self.ended = true;
        self.journal.append(&self.progress, output, dead, changes)?;
        self.output.write(output)?;
        self.dead.write(dead)?;
        self.ended = false;
        match self.journal.is_long() {
            true => self.begin_log(),
            false => Ok(()),
        }
    }

    /// Begins another log, where the last one has something.
    fn begin_log(&mut self) -> Result<()> {
        self.output.sync()?;
        self.dead.sync()?;
        let marks = (self.output.mark(), self.dead.mark());
        let known = (self.progress.output.take(), self.progress.dead.take());
        let same = marks == known;
        (self.progress.output, self.progress.dead) = marks;
        if self.journal.is_fresh() && same {
            return Ok(());
        }
        let held = self.stream.snapshot();
        self.journal
            .begin(&Begun::new(&self.name, self.progress.clone(), held))?;
        // They are in the snapshot.
        drop(self.stream.changes());
        Ok(())
    }

    /// Ends behind a batch: the next process has nothing to put into order.
    fn end(&mut self) -> Result<Outcome> {
        self.ended = true;
        self.begin_log()?;
        let (now, before) = (&self.progress.counts, &self.before);
        let [decided, actions, duplicates, late, refused] = [
            now.decided - before.decided,
            now.actions - before.actions,
            now.duplicates - before.duplicates,
            now.late - before.late,
            now.refused - before.refused,
        ];
        let elapsed = self.began.elapsed();
        let all = decided + duplicates + late + refused;
        eprintln!(
            "{} decided ({} actions), {} duplicates, {} late, {} refused in {elapsed:.2?} ({} a second)",
            thousands(decided),
            thousands(actions),
            thousands(duplicates),
            thousands(late),
            thousands(refused),
            thousands((all as f64 / elapsed.as_secs_f64().max(1e-9)) as u64)
        );
        Ok(match late + refused {
            0 => Outcome::Clean,
            _ => Outcome::Findings,
        })
    }
}

/// The stream that was meant.
fn stream_name(program: &Program, args: &Args) -> Result<String> {
    let streams: Vec<&str> = program.streams().collect();
    match (&args.stream, &streams[..]) {
        (Some(name), _) => Ok(name.clone()),
        (None, [only]) => Ok((*only).to_owned()),
        (None, []) => Err(format!("{} declares no stream", args.file.display()).into()),
        (None, several) => Err(format!(
            "{} declares several streams: choose one of {} with --stream",
            args.file.display(),
            several.join(", ")
        )
        .into()),
    }
}

/// Lets the stream end behind a batch when it is asked to. While it waits for input there is no batch, and it ends at once, unless the source heeds
/// that by itself.
fn end_on_interrupt(runner: &Arc<Mutex<Runner>>, ending: &Ending, heeded: bool) -> Result<()> {
    let (runner, ending) = (Arc::clone(runner), Arc::clone(ending));
    ctrlc::set_handler(move || {
        ending.store(true, Ordering::Relaxed);
        if heeded {
            return;
        }
        // A batch that broke in the middle is not to be ended behind.
        let Ok(mut runner) = runner.lock() else {
            return;
        };
        if runner.ended {
            return;
        }
        let code = match runner.end() {
            Ok(Outcome::Clean) => 0,
            Ok(Outcome::Findings) => 1,
            Err(error) => {
                eprintln!("error: {error}");
                2
            }
        };
        std::process::exit(code);
    })?;
    Ok(())
}
