//! The journal of a stream: a folder that says how far the stream has got, from which it goes on after any end.
//!
//! ```text
//! lock             held by the process that streams
//! 7.snapshot       all that the stream held when the log was begun: one record
//! 7.log            what changed since: a record for each batch
//! ```
//!
//! A record is a head of twelve bytes (the length of its payload and the payload's checksum, then the checksum of these eight, each four bytes,
//! the least first; CRC-32 as in zip) and the payload, JSON. It is written at once and then forced to the disk; only then
//! is anything of the batch seen outside. The crash itself can only leave a last record of a log that ends too early, which is cut off: nobody saw
//! it. Everything else that does not add up is damage, and refused.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tollgate::{StreamChanges, StreamSnapshot};

use super::Progress;
use crate::commands::Result;

/// Bytes of the longest record. A batch is far smaller; a snapshot takes some 130 for each id, and as much for each key of a state.
const RECORD_MAX: u32 = u32::MAX;
const HEAD: usize = 12;
/// Of what is written here. Another one is refused.
const FORMAT: u32 = 1;

/// A journal that is open, at its end.
pub(crate) struct Journal {
    folder: PathBuf,
    /// Held until the process ends.
    _lock: File,
    /// Which log it is.
    number: u64,
    log: File,
    /// Bytes in the log.
    length: u64,
    /// Bytes of a log after which another one is begun, and bytes of the snapshot before it.
    most: u64,
    snapshot: u64,
    batches: u64,
}

/// What a snapshot says.
#[derive(Serialize, Deserialize)]
pub(crate) struct Begun {
    format: u32,
    /// The stream's name.
    pub(crate) stream: String,
    pub(crate) progress: Progress,
    pub(crate) held: StreamSnapshot,
}

/// What a batch came to.
#[derive(Serialize, Deserialize)]
pub(crate) struct Batch {
    /// Which of its log it is, from 0.
    number: u64,
    /// How far the stream has got with it.
    pub(crate) progress: Progress,
    /// What it appended to the output and to the dead letters.
    pub(crate) output: String,
    pub(crate) dead: String,
    pub(crate) changes: StreamChanges,
}

/// What a journal that was there says.
pub(crate) struct Found {
    pub(crate) begun: Begun,
    pub(crate) batches: Vec<Batch>,
    /// Bytes of a record that was not written to its end, and was cut off.
    pub(crate) torn: u64,
}

impl Begun {
    pub(crate) fn new(stream: &str, progress: Progress, held: StreamSnapshot) -> Begun {
        Begun {
            format: FORMAT,
            stream: stream.to_owned(),
            progress,
            held,
        }
    }
}

impl Journal {
    /// Opens a journal and reads it, where there is one; `most` is for bytes of a log. What is found has to be put back before anything is appended.
    ///
    /// # Errors
    /// When another process has it, it cannot be read or written, or it is damaged.
    pub(crate) fn open(folder: &Path, most: u64) -> Result<(Journal, Option<Found>)> {
        fs::create_dir_all(folder).map_err(cannot("make", folder))?;
        let lock = folder.join("lock");
        let file = OpenOptions::new().create(true).append(true).open(&lock);
        let file = file.map_err(cannot("write", &lock))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(format!(
                    "{} is the journal of a stream that is running; only one process can write it",
                    folder.display()
                )
                .into());
            }
            Err(TryLockError::Error(error)) => return Err(cannot("lock", &lock)(error)),
        }
        let latest = sweep(folder)?;
        let number = latest.unwrap_or(0);
        let path = folder.join(format!("{number}.log"));
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        // A snapshot gets its name when its log is there.
        let log = options.create(latest.is_none()).truncate(false).open(&path);
        let mut journal = Journal {
            folder: folder.to_owned(),
            _lock: file,
            number,
            log: log.map_err(cannot("write", &path))?,
            length: 0,
            most,
            snapshot: 0,
            batches: 0,
        };
        let Some(number) = latest else {
            return Ok((journal, None));
        };
        let begun = journal.read_snapshot(number)?;
        let (batches, torn) = journal.read_log(&path)?;
        Ok((
            journal,
            Some(Found {
                begun,
                batches,
                torn,
            }),
        ))
    }

    /// Appends a batch. When this comes back, the batch has happened.
    pub(crate) fn append(
        &mut self,
        progress: &Progress,
        output: &str,
        dead: &str,
        changes: StreamChanges,
    ) -> Result<()> {
        let record = record(&Batch {
            number: self.batches,
            progress: progress.clone(),
            output: output.to_owned(),
            dead: dead.to_owned(),
            changes,
        })?;
        let written = self
            .log
            .write_all(&record)
            .and_then(|()| self.log.sync_data());
        let path = self.folder.join(format!("{}.log", self.number));
        written.map_err(cannot("write", &path))?;
        self.length += record.len() as u64;
        self.batches += 1;
        Ok(())
    }

    /// Whether the log is long enough for another one to begin: longer than is allowed, and than the snapshot that it costs.
    pub(crate) fn is_long(&self) -> bool {
        self.length > self.most.max(self.snapshot)
    }

    /// Whether nothing came since the log was begun.
    pub(crate) fn is_fresh(&self) -> bool {
        self.length == 0 && self.snapshot > 0
    }

    /// Begins another log, behind a snapshot, and removes those before.
    pub(crate) fn begin(&mut self, begun: &Begun) -> Result<()> {
        let record = record(begun)?;
        let number = match self.snapshot {
            0 => self.number,
            _ => self.number + 1,
        };
        let (made, path) = (
            self.folder.join("new"),
            self.folder.join(format!("{number}.snapshot")),
        );
        let write = || {
            let mut file = File::create(&made)?;
            file.write_all(&record)?;
            file.sync_all()
        };
        write().map_err(cannot("write", &made))?;
        let log = self.folder.join(format!("{number}.log"));
        let file = File::create(&log).map_err(cannot("write", &log))?;
        // From here on it counts.
        let renamed = fs::rename(&made, &path).and_then(|()| File::open(&self.folder)?.sync_all());
        renamed.map_err(cannot("write", &path))?;
        self.log = file;
        (self.length, self.batches, self.number) = (0, 0, number);
        self.snapshot = record.len() as u64;
        sweep(&self.folder).map(drop)
    }

    fn read_snapshot(&mut self, number: u64) -> Result<Begun> {
        let path = self.folder.join(format!("{number}.snapshot"));
        let mut file = File::open(&path).map_err(cannot("read", &path))?;
        let read = next(&mut file, &path, 0)?;
        let Next::Record(payload) = read else {
            return Err(damaged(&path, 0, "it is not whole"));
        };
        self.snapshot = (payload.len() + HEAD) as u64;
        if fs::metadata(&path).map_or(0, |m| m.len()) != self.snapshot {
            return Err(damaged(&path, self.snapshot, "something stands behind it"));
        }
        let begun: Begun = parse(&payload, &path, 0)?;
        if begun.format != FORMAT {
            return Err(format!(
                "{} has the format {}, and this tollgate reads {FORMAT}",
                path.display(),
                begun.format
            )
            .into());
        }
        Ok(begun)
    }

    /// Reads the batches and cuts off what was not written to its end.
    fn read_log(&mut self, path: &Path) -> Result<(Vec<Batch>, u64)> {
        let (mut batches, mut torn): (Vec<Batch>, u64) = (Vec::new(), 0);
        loop {
            match next(&mut self.log, path, self.length)? {
                Next::End => break,
                Next::Torn(bytes) => {
                    torn = bytes;
                    break;
                }
                Next::Record(payload) => {
                    let batch: Batch = parse(&payload, path, self.length)?;
                    if batch.number != self.batches {
                        let reason = format!(
                            "batch {} stands where {} belongs",
                            batch.number, self.batches
                        );
                        return Err(damaged(path, self.length, &reason));
                    }
                    self.batches += 1;
                    self.length += (payload.len() + HEAD) as u64;
                    batches.push(batch);
                }
            }
        }
        if torn > 0 {
            let cut = self.log.set_len(self.length);
            let cut = cut.and_then(|()| self.log.sync_all());
            let cut = cut.and_then(|()| self.log.seek(SeekFrom::Start(self.length)));
            cut.map_err(cannot("write", path))?;
        }
        Ok((batches, torn))
    }
}

/// What stands next in a log.
enum Next {
    Record(Vec<u8>),
    /// So many bytes of a record that was not written to its end.
    Torn(u64),
    End,
}

/// Reads a record, which stands so far into the file.
fn next(file: &mut File, path: &Path, at: u64) -> Result<Next> {
    let mut head = [0; HEAD];
    let got = fill(file, &mut head).map_err(cannot("read", path))?;
    if got < HEAD {
        return Ok(match got {
            0 => Next::End,
            got => Next::Torn(got as u64),
        });
    }
    let word = |i: usize| u32::from_le_bytes([head[i], head[i + 1], head[i + 2], head[i + 3]]);
    let (length, sum, own) = (word(0), word(4), word(8));
    if crc32fast::hash(&head[..8]) != own {
        return Err(damaged(
            path,
            at,
            "the head of a record has another checksum",
        ));
    }
    let mut payload = vec![0; length as usize];
    let got = fill(file, &mut payload).map_err(cannot("read", path))?;
    if got < payload.len() {
        return Ok(Next::Torn((HEAD + got) as u64));
    }
    if crc32fast::hash(&payload) != sum {
        return Err(damaged(path, at, "a record has another checksum"));
    }
    Ok(Next::Record(payload))
}

/// Reads until it is full or the file ends.
fn fill(file: &mut File, to: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < to.len() {
        match file.read(&mut to[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// A record, with its head.
fn record(of: &impl Serialize) -> Result<Vec<u8>> {
    let mut record = vec![0; HEAD];
    serde_json::to_writer(&mut record, of)?;
    let length = record.len() - HEAD;
    let Ok(short) = u32::try_from(length) else {
        return Err(format!(
            "a record of the journal would take {length} bytes, and {RECORD_MAX} are allowed: the states hold too much for it"
        )
        .into());
    };
    let sum = crc32fast::hash(&record[HEAD..]);
    record[..4].copy_from_slice(&short.to_le_bytes());
    record[4..8].copy_from_slice(&sum.to_le_bytes());
    let own = crc32fast::hash(&record[..8]);
    record[8..HEAD].copy_from_slice(&own.to_le_bytes());
    Ok(record)
}

fn parse<T: DeserializeOwned>(payload: &[u8], path: &Path, at: u64) -> Result<T> {
    serde_json::from_slice(payload)
        .map_err(|error| damaged(path, at, &format!("a record cannot be read: {error}")))
}

/// Removes what a later snapshot made superfluous; the number of the latest one.
fn sweep(folder: &Path) -> Result<Option<u64>> {
    let (mut snapshots, mut logs) = (Vec::new(), Vec::new());
    for file in fs::read_dir(folder).map_err(cannot("read", folder))? {
        let name = file.map_err(cannot("read", folder))?.file_name();
        let Some((number, kind)) = name.to_str().and_then(|name| name.split_once('.')) else {
            continue;
        };
        match (number.parse::<u64>(), kind) {
            (Ok(number), "snapshot") => snapshots.push(number),
            (Ok(number), "log") => logs.push(number),
            _ => {}
        }
    }
    let latest = snapshots.iter().max().copied();
    // A log is made just before its snapshot gets its name, and is empty then.
    let orphan = logs.iter().find(|log| {
        let path = folder.join(format!("{log}.log"));
        Some(**log) > latest && fs::metadata(path).is_ok_and(|m| m.len() > 0)
    });
    if let Some(log) = orphan {
        let path = folder.join(format!("{log}.log"));
        return Err(damaged(&path, 0, "its snapshot is missing"));
    }
    let old = |number: &&u64| Some(**number) < latest;
    let old_snapshots = snapshots.iter().filter(old);
    let old_snapshots = old_snapshots.map(|number| format!("{number}.snapshot"));
    let old_logs = logs
        .iter()
        .filter(old)
        .map(|number| format!("{number}.log"));
    for name in old_logs.chain(old_snapshots) {
        let path = folder.join(name);
        fs::remove_file(&path).map_err(cannot("remove", &path))?;
    }
    Ok(latest)
}

fn damaged(path: &Path, at: u64, reason: &str) -> Box<dyn std::error::Error> {
    format!(
        "the journal is damaged: {}, byte {at}: {reason}; nothing was done",
        path.display()
    )
    .into()
}

/// An error of the system, for a user.
pub(crate) fn cannot(
    what: &'static str,
    path: &Path,
) -> impl Fn(io::Error) -> Box<dyn std::error::Error> {
    let path = path.display().to_string();
    move |error| format!("cannot {what} {path}: {error}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        record Ride { id: String, at: Instant }
        enum Action { points(ride: String) }
        stream rides: Ride { id: event.id, time: event.at, dedupe: 7d }
        ruleset thanks(e: Ride) -> [Action] on rides hit all {
          rule always when e.id != "" then points(e.id)
        }
    "#;

    /// A folder of its own, gone with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("tollgate-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Folder(path)
        }

        fn open(&self) -> Result<(Journal, Option<Found>)> {
            Journal::open(&self.0, 1 << 20)
        }

        /// What opening complains of.
        fn refuses(&self) -> String {
            match self.open() {
                Ok(_) => panic!("nothing is found to be wrong"),
                Err(error) => error.to_string(),
            }
        }

        fn found(&self) -> Found {
            let (_, found) = self.open().expect("it can be opened");
            found.expect("there is something")
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn stream() -> tollgate::Stream {
        let program = tollgate::Engine::new().compile_source("x.rules", RULES);
        let program = program.expect("the rules compile");
        program
            .stream("rides", 100, &[])
            .expect("there is a stream")
    }

    /// Writes a journal of three batches of one event each; the lengths of its log before and behind each.
    fn three(folder: &Folder) -> Vec<usize> {
        let (mut journal, found) = folder.open().expect("it can be made");
        assert!(found.is_none());
        let mut stream = stream();
        let begun = Begun::new("rides", Progress::default(), stream.snapshot());
        journal.begin(&begun).expect("it can be written");
        let mut ends = vec![0];
        for n in 0..3 {
            let event = format!("{{\"id\":\"r{n}\",\"at\":\"2026-11-02T09:00:00Z\"}}");
            let mut output = String::new();
            stream
                .offer(event.as_bytes(), &mut output)
                .expect("there is room");
            let changes = stream.changes();
            let progress = Progress::default();
            journal
                .append(&progress, &output, "", changes)
                .expect("it can be written");
            ends.push(journal.length as usize);
        }
        ends
    }

    #[test]
    fn a_log_that_ends_anywhere_has_the_batches_before() {
        let folder = Folder::new("journal-ends");
        let ends = three(&folder);
        let log = folder.path("0.log");
        let whole = fs::read(&log).expect("a log");
        assert_eq!(whole.len(), ends[3]);
        let around = ends.iter().flat_map(|end| end.saturating_sub(13)..end + 13);
        let around = around.filter(|cut| *cut <= whole.len());
        for cut in (0..whole.len()).step_by(11).chain(around) {
            fs::write(&log, &whole[..cut]).expect("it is written");
            let found = folder.found();
            let batches = ends[1..].iter().filter(|end| **end <= cut).count();
            assert_eq!(found.batches.len(), batches, "at {cut}");
            assert_eq!(found.torn as usize, cut - ends[batches], "at {cut}");
            assert_eq!(fs::read(&log).expect("a log"), &whole[..ends[batches]]);
        }
    }

    #[test]
    fn a_byte_that_changed_is_always_found() {
        let folder = Folder::new("journal-bytes");
        three(&folder);
        for name in ["0.log", "0.snapshot"] {
            let path = folder.path(name);
            let whole = fs::read(&path).expect("it is there");
            // All of the first head, and so much of the rest that every part of a record is met.
            for at in (0..HEAD).chain((HEAD..whole.len()).step_by(5)) {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                fs::write(&path, &bytes).expect("it is written");
                let said = folder.refuses();
                assert!(
                    said.starts_with("the journal is damaged"),
                    "{name}, {at}: {said}"
                );
                assert_eq!(fs::read(&path).expect("it is there"), bytes);
            }
            fs::write(&path, &whole).expect("it is written");
        }
        assert_eq!(folder.found().batches.len(), 3);
        let snapshot = folder.path("0.snapshot");
        let whole = fs::read(&snapshot).expect("it is there");
        fs::write(&snapshot, &whole[..whole.len() - 1]).expect("it is written");
        assert!(folder.refuses().contains("it is not whole"));
        fs::write(&snapshot, [&whole[..], b"x"].concat()).expect("it is written");
        assert!(folder.refuses().contains("something stands behind it"));
        fs::remove_file(&snapshot).expect("it is there");
        assert!(folder.refuses().contains("its snapshot is missing"));
    }

    /// Wherever a process ends while it begins another log, one of the two is whole.
    #[test]
    fn another_log_begins_at_once() {
        let folder = Folder::new("journal-begins");
        three(&folder);
        // The snapshot was not finished, then it was and had no name yet.
        fs::write(folder.path("new"), b"half").expect("it is written");
        fs::write(folder.path("1.log"), b"").expect("it is written");
        let (mut journal, found) = folder.open().expect("it can be opened");
        let mut stream = stream();
        let found = found.expect("there is something");
        assert_eq!(found.batches.len(), 3);
        assert_eq!(stream.restore(found.begun.held), 0);
        for batch in found.batches {
            assert_eq!(stream.apply(batch.changes), 0);
        }
        let old = ["0.log", "0.snapshot"].map(|name| (name, fs::read(folder.path(name))));
        let begun = Begun::new("rides", Progress::default(), stream.snapshot());
        journal.begin(&begun).expect("it can be written");
        drop(journal);
        // The old ones were not removed yet.
        for (name, bytes) in old {
            assert!(!folder.path(name).exists());
            fs::write(folder.path(name), bytes.expect("it was there")).expect("it is written");
        }
        let found = folder.found();
        assert!(found.batches.is_empty() && !folder.path("0.log").exists());
        let mut again = self::stream();
        again.restore(found.begun.held);
        let event = br#"{"id":"r1","at":"2026-11-02T09:00:00Z"}"#;
        let offered = again
            .offer(event, &mut String::new())
            .expect("there is room");
        assert!(matches!(offered, tollgate::Offered::Duplicate));
    }
}
