//! `tollgate stream`: events in, actions out, each once.
//!
//! [`Runner::take`] is the whole of it: decide a batch, commit it to the journal, then let it be seen. One thread reads, decides and writes, so that nothing
//! is read that is not soon committed: who sends faster than that waits in the pipe.

mod journal;
mod sink;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tollgate::{Offered, Program};

use self::journal::{Begun, Journal, cannot};
use self::sink::{Mark, Sink};
use super::lines::{Block, Blocks, LINE_MAX, open};
use super::pool::SHOWN;
use super::program::{stores, with_data};
use super::run::{one_line, progress};
use super::{Outcome, Result, explain_failure, show};
use crate::args::Stream as Args;
use crate::terminal::thousands;

/// Bytes of lines after which a batch is committed, however few lines they are.
const BATCH_BYTES: usize = 4 << 20;
/// Bytes of a line that is too long which a dead letter shows.
const TOO_LONG_SHOWN: usize = 1024;

/// How far a stream has got.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// How far each input was read, by its name. Of standard input nothing is known when it is opened again.
    inputs: BTreeMap<String, Place>,
    /// How long the files were that are written to.
    output: Option<Mark>,
    dead: Option<Mark>,
    counts: Counts,
}

/// How far an input was read.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Place {
    bytes: u64,
    lines: u64,
}

/// What became of lines.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Counts {
    decided: u64,
    actions: u64,
    duplicates: u64,
    late: u64,
    refused: u64,
}

/// A stream with its journal and its files.
struct Runner {
    stream: tollgate::Stream,
    name: String,
    input: String,
    journal: Journal,
    output: Sink,
    dead: Sink,
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
    let program = match args.engine.engine()?.open(&args.file) {
        Ok(program) => program,
        Err(error) => return explain_failure(error),
    };
    show(program.report());
    let program = with_data(program, &args.file, &args.data)?;
    let runner = Runner::open(&program, args)?;
    let read = runner.progress.inputs.get(&runner.input).copied();
    let read = read.unwrap_or_default();
    let input = reader(&args.input, read.bytes)?;
    let bar = progress(&args.input);
    bar.inc(read.bytes);
    let runner = Arc::new(Mutex::new(runner));
    let ending = Arc::new(AtomicBool::new(false));
    end_on_interrupt(&runner, &ending)?;
    let (mut blocks, mut block) = (Blocks::new(input), Block::default());
    while !ending.load(Ordering::Relaxed) && blocks.next(&mut block).map_err(cannot_read)? {
        if block.bytes.is_empty() {
            // Blanks that are longer than any line.
            let mut runner = runner.lock().unwrap_or_else(PoisonError::into_inner);
            runner.read(block.read);
        }
        for lines in batches(&block.bytes, args.batch) {
            if ending.load(Ordering::Relaxed) {
                break;
            }
            let mut runner = runner.lock().unwrap_or_else(PoisonError::into_inner);
            if runner.ended {
                break;
            }
            bar.suspend(|| match block.too_long {
                true => runner.take_too_long(&block),
                false => runner.take(&block.bytes[lines]),
            })?;
        }
        bar.inc(block.read);
    }
    bar.finish_and_clear();
    let mut runner = runner.lock().unwrap_or_else(PoisonError::into_inner);
    runner.end()
}

impl Runner {
    /// Opens everything and goes on where the journal stands.
    fn open(program: &Program, args: &Args) -> Result<Runner> {
        let name = stream_name(program, args)?;
        let declarations = program.stream_declarations(&name, args.ids)?;
        let stores = stores(&args.stores, &declarations)?;
        let mut stream = program.stream(&name, args.ids, &stores.open(&declarations)?)?;
        let segment = u64::from(args.segment) << 20;
        let (journal, found) = Journal::open(&args.journal, segment)?;
        let mut output = Sink::open(args.output.as_deref(), Sink::Output)?;
        let mut dead = Sink::open(args.dead_letter.as_deref(), Sink::Nowhere)?;
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
            output.resume(begun.progress.output.as_ref(), &texts(|b| &b.output))?;
            dead.resume(begun.progress.dead.as_ref(), &texts(|b| &b.dead))?;
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
            input: args.input.display().to_string(),
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

    /// Decides whole lines, commits what came of them, and lets it be seen.
    fn take(&mut self, lines: &[u8]) -> Result<()> {
        let (mut output, mut dead) = (String::new(), String::new());
        let mut fault = None;
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let event = line.trim_ascii();
            let offered = match event {
                [] => None,
                _ => match self.stream.offer(event, &mut output) {
                    Ok(offered) => Some(offered),
                    Err(error) => {
                        fault = Some(error);
                        break;
                    }
                },
            };
            self.read(line.len() as u64);
            if let Some(offered) = offered {
                self.count(offered, event, &mut dead);
            }
        }
        self.commit(&output, &dead)?;
        fault.map_or(Ok(()), |fault| Err(fault.into()))
    }

    /// A line that nobody can want to read.
    fn take_too_long(&mut self, block: &Block) -> Result<()> {
        self.read(block.read);
        self.progress.counts.refused += 1;
        let reason = format!("the line is longer than {} MiB", LINE_MAX >> 20);
        let refusal = json!({ "field": "", "value": "", "reason": reason });
        let shown = &block.bytes[..TOO_LONG_SHOWN.min(block.bytes.len())];
        let mut dead = String::new();
        self.bury("refused", &refusal, shown, &mut dead);
        self.commit("", &dead)
    }

    /// Counts a line as read.
    fn read(&mut self, bytes: u64) {
        let read = self.progress.inputs.entry(self.input.clone()).or_default();
        read.bytes += bytes;
        read.lines += 1;
    }

    /// Counts what became of an event.
    fn count(&mut self, offered: Offered, event: &[u8], dead: &mut String) {
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
                self.bury("late", &late, event, dead);
            }
            Offered::Refused(refusal) => {
                counts.refused += 1;
                let refusal = json!({ "field": refusal.path(), "value": refusal.value(), "reason": refusal.reason() });
                self.bury("refused", &refusal, event, dead);
            }
        }
    }

    /// Writes a dead letter, and says why, the first few times.
    fn bury(&mut self, what: &str, why: &Value, event: &[u8], dead: &mut String) {
        let line = self.progress.inputs.get(&self.input).map_or(0, |r| r.lines);
        if self.shown < SHOWN {
            self.shown += 1;
            match what {
                "late" => eprintln!("line {line} late: {why}"),
                _ => eprintln!("line {line} {what}: {}", one_line(why)),
            }
        }
        let text = String::from_utf8_lossy(event);
        let letter = json!({ "input": self.input, "line": line, what: why, "text": text });
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

/// The input, from where it was read to.
fn reader(path: &Path, from: u64) -> Result<Box<dyn Read + Send>> {
    if from == 0 || path == Path::new("-") {
        return open(path);
    }
    let mut file = File::open(path).map_err(cannot("read", path))?;
    let mut last = [0];
    let mut seek = || {
        let length = file.seek(SeekFrom::End(0))?;
        if length >= from {
            file.seek(SeekFrom::Start(from - 1))?;
            file.read_exact(&mut last)?;
        }
        io::Result::Ok(length)
    };
    let length = seek().map_err(cannot("read", path))?;
    if length < from || (length > from && last != *b"\n") {
        return Err(format!(
            "{} was read up to byte {from}, where no line ends now: it is not the file that the journal knows, or it was continued in the middle of a line",
            path.display()
        )
        .into());
    }
    Ok(Box::new(file))
}

/// Cuts whole lines into batches.
fn batches(bytes: &[u8], lines: u32) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (start, mut left) = (at, lines);
        while at < bytes.len() && left > 0 && at - start < BATCH_BYTES {
            let end = memchr::memchr(b'\n', &bytes[at..]);
            at = end.map_or(bytes.len(), |end| at + end + 1);
            left -= 1;
        }
        (start < at).then_some(start..at)
    })
}

/// Lets the stream end behind a batch when it is asked to. While it waits for input there is no batch, and it ends at once.
fn end_on_interrupt(runner: &Arc<Mutex<Runner>>, ending: &Arc<AtomicBool>) -> Result<()> {
    let (runner, ending) = (Arc::clone(runner), Arc::clone(ending));
    ctrlc::set_handler(move || {
        ending.store(true, Ordering::Relaxed);
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

fn cannot_read(error: io::Error) -> String {
    format!("cannot read the input: {error}")
}

#[cfg(test)]
mod tests {
    use super::batches;

    #[test]
    fn a_batch_has_whole_lines() {
        let cut = |bytes: &'static str, lines| -> Vec<&str> {
            batches(bytes.as_bytes(), lines)
                .map(|range| &bytes[range])
                .collect()
        };
        assert_eq!(cut("", 2), [""; 0]);
        assert_eq!(cut("a\nb\nc", 2), ["a\nb\n", "c"]);
        assert_eq!(cut("\n\n\n", 1), ["\n", "\n", "\n"]);
        assert_eq!(cut("a", 9), ["a"]);
    }
}
