//! Events on their way in: the entries of a stream, as a consumer of a group.
//!
//! An entry that was delivered stays *pending* with its consumer until it is acknowledged, and that is when the journal has what came of it. So a consumer that is
//! started again asks for its pending entries first, and one that lives takes over those of consumers that have not been heard of for a while.

use std::thread;
use std::time::{Duration, Instant};

use redis::{Cmd, Value};
use serde_json::json;
use tollgate::Address;

use super::super::source::{BATCH_BYTES, Batch, Next, Source};
use super::{Ending, FIELD, Link, Result, bytes, items, wanted};
use crate::args::Stream as Args;
use crate::commands::lines::LINE_MAX;

/// The settings of an address to read from.
pub(in crate::commands::stream) const OF_INPUT: &[&str] = &[
    "stream", "group", "consumer", "field", "claim", "timeout", "patience",
];

/// Since when a consumer has not been heard of whose entries are taken over, where the address does not say.
const CLAIM: Duration = Duration::from_secs(60);
/// How long the server is asked to wait for an entry.
const WAIT: Duration = Duration::from_secs(1);
/// Entries that are asked for at first; then twice as many each time, while they are short.
const FIRST_COUNT: usize = 16;

/// The entries of a stream.
pub(in crate::commands::stream) struct Entries {
    link: Link,
    name: String,
    stream: String,
    group: String,
    consumer: String,
    field: Vec<u8>,
    claim: Duration,
    drain: bool,
    /// How many entries a batch has at most, and how many are asked for now.
    most: usize,
    count: usize,
    /// Behind which entry those that are pending with this consumer are still to be read, if they are.
    owed: Option<String>,
    /// From where, and when, entries of others are looked for.
    claim_from: String,
    claim_at: Instant,
    /// The entries of the last batch.
    read: Vec<String>,
}

impl Entries {
    /// Joins the group, which is made where it is not there: it then begins with the first entry of the stream. What the journal has was perhaps not
    /// acknowledged, and is.
    pub(in crate::commands::stream) fn open(
        address: &Address,
        name: String,
        args: &Args,
        known: Option<&serde_json::Value>,
        ending: &Ending,
    ) -> Result<Entries> {
        let text = |name, what| wanted(address, name, what).map(str::to_owned);
        let mut entries = Entries {
            name,
            stream: text("stream", "which stream is read")?,
            group: text("group", "for which group of consumers it is read")?,
            consumer: text(
                "consumer",
                "which consumer of the group this is, the same when it is started again",
            )?,
            field: address.text("field").unwrap_or(FIELD).into(),
            claim: address.duration("claim")?.unwrap_or(CLAIM),
            drain: args.drain,
            most: args.batch as usize,
            count: FIRST_COUNT.min(args.batch as usize),
            owed: Some("0-0".to_owned()),
            claim_from: "0-0".to_owned(),
            claim_at: Instant::now(),
            read: Vec::new(),
            link: Link::open(address, ending)?,
        };
        entries.make_group()?;
        if let Some(known) = known {
            let read = known["entries"].as_array();
            let read = read.into_iter().flatten().filter_map(|id| id.as_str());
            entries.read = read.map(str::to_owned).collect();
            entries.committed(entries.read.len())?;
        }
        Ok(entries)
    }

    fn make_group(&mut self) -> Result<()> {
        let mut command = redis::cmd("XGROUP");
        command.arg("CREATE").arg(&self.stream).arg(&self.group);
        command.arg("0").arg("MKSTREAM");
        match self.link.say(&command, Duration::ZERO)? {
            Value::ServerError(error) if error.code() != "BUSYGROUP" => {
                Err(self.link.refused(&error))
            }
            _ => Ok(()),
        }
    }

    /// Entries that are pending with this consumer.
    fn read_owed(&mut self, from: &str, batch: &mut Batch) -> Result<()> {
        let command = self.read_group(None, from);
        let answer = self.ask(&command, Duration::ZERO)?;
        self.take_streams(&answer, batch)?;
        // Unless an answer was lost just now, and reading them begins anew.
        self.owed = self.owed.take().or_else(|| self.read.last().cloned());
        Ok(())
    }

    /// Entries that have been pending with somebody for too long.
    fn read_claimed(&mut self, batch: &mut Batch) -> Result<()> {
        let mut command = redis::cmd("XAUTOCLAIM");
        command
            .arg(&self.stream)
            .arg(&self.group)
            .arg(&self.consumer);
        command
            .arg(self.claim.as_millis() as u64)
            .arg(&self.claim_from);
        command.arg("COUNT").arg(self.count);
        let answer = self.ask(&command, Duration::ZERO)?;
        // Where the next look begins, the entries, and those that the stream does not have any more, which the server has let go of.
        let parts = items(&answer).and_then(|parts| match parts {
            [next, entries, ..] => Some((bytes(next)?, items(entries)?)),
            _ => None,
        });
        let Some((next, entries)) = parts else {
            // The group was made anew.
            return Ok(());
        };
        self.claim_from = String::from_utf8_lossy(next).into_owned();
        if self.claim_from == "0-0" {
            self.claim_at = Instant::now() + self.claim / 2;
        }
        self.take_entries(entries, batch)
    }

    /// Entries that nobody was given.
    fn read_new(&mut self, batch: &mut Batch) -> Result<()> {
        let until_claim = self.claim_at.saturating_duration_since(Instant::now());
        let wait = match self.drain {
            true => Duration::ZERO,
            // Of no milliseconds it would wait for ever.
            false => WAIT.min(until_claim).max(Duration::from_millis(1)),
        };
        let command = self.read_group(Some(wait), ">");
        let answer = self.ask(&command, wait)?;
        self.take_streams(&answer, batch)
    }

    fn read_group(&self, wait: Option<Duration>, from: &str) -> Cmd {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(&self.group).arg(&self.consumer);
        command.arg("COUNT").arg(self.count);
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            command.arg("BLOCK").arg(wait.as_millis() as u64);
        }
        command.arg("STREAMS").arg(&self.stream).arg(from);
        command
    }

    /// What the server says. A group that is gone, with all that the server held, is made anew: what was decided is known by its ids.
    fn ask(&mut self, command: &Cmd, takes: Duration) -> Result<Value> {
        let answer = self.link.say(command, takes)?;
        if std::mem::take(&mut self.link.wire.lost) {
            // Entries that were on their way are pending.
            self.owed = Some("0-0".to_owned());
        }
        match answer {
            Value::ServerError(error) if error.code() == "NOGROUP" => {
                eprintln!(
                    "({} has no group `{}` any more, and gets one that begins with the first entry)",
                    self.link.broker.name, self.group
                );
                self.make_group()?;
                Ok(Value::Nil)
            }
            Value::ServerError(error) => Err(self.link.refused(&error)),
            value => Ok(value),
        }
    }

    /// The entries of the only stream of an answer, if it has any.
    fn take_streams(&mut self, answer: &Value, batch: &mut Batch) -> Result<()> {
        let entries = match items(answer) {
            Some([stream]) => items(stream).and_then(|stream| items(stream.get(1)?)),
            _ => None,
        };
        self.take_entries(entries.unwrap_or_default(), batch)
    }

    fn take_entries(&mut self, entries: &[Value], batch: &mut Batch) -> Result<()> {
        for entry in entries {
            let parts = items(entry).and_then(|parts| match parts {
                [id, fields] => Some((bytes(id)?, fields)),
                _ => None,
            });
            let Some((id, fields)) = parts else {
                return Err(format!("{} says what no Redis says", self.link.broker.name).into());
            };
            let id = String::from_utf8_lossy(id).into_owned();
            self.take_entry(&id, fields, batch);
            self.read.push(id);
        }
        self.count = match batch.bytes.len() {
            bytes if bytes > BATCH_BYTES => (self.count / 2).max(1),
            bytes if bytes < BATCH_BYTES / 2 && entries.len() == self.count => {
                (self.count * 2).min(self.most)
            }
            _ => self.count,
        };
        Ok(())
    }

    fn take_entry(&self, id: &str, fields: &Value, batch: &mut Batch) {
        let place = json!(id);
        let Some(fields) = items(fields) else {
            let reason = "the stream was shortened and does not have the entry any more";
            return batch.push(b"", place, Some(reason.to_owned()));
        };
        let mut pairs = fields.chunks_exact(2);
        let found = pairs.find(|pair| bytes(&pair[0]) == Some(&self.field[..]));
        let Some(event) = found.and_then(|pair| bytes(&pair[1])) else {
            let shown: Vec<&[u8]> = fields.iter().filter_map(bytes).collect();
            let field = String::from_utf8_lossy(&self.field);
            let reason = format!("the entry has no field `{field}`");
            return batch.push(&shown.join(&b' '), place, Some(reason));
        };
        let long = event.len() > LINE_MAX;
        let reason = long.then(|| format!("the event is longer than {} MiB", LINE_MAX >> 20));
        batch.push(event.trim_ascii(), place, reason);
    }

    /// Whether the group has acknowledged all that there is: nobody's entries are pending.
    fn is_done(&mut self) -> Result<bool> {
        let mut command = redis::cmd("XPENDING");
        command.arg(&self.stream).arg(&self.group);
        let answer = self.ask(&command, Duration::ZERO)?;
        let pending = items(&answer).and_then(<[Value]>::first);
        Ok(matches!(pending, Some(Value::Int(0))))
    }
}

impl Source for Entries {
    fn name(&self) -> &str {
        &self.name
    }

    fn unit(&self) -> &'static str {
        "entry"
    }

    fn next(&mut self, batch: &mut Batch) -> Result<Next> {
        batch.clear();
        self.read.clear();
        if let Some(from) = self.owed.take() {
            self.read_owed(&from, batch)?;
        } else if Instant::now() >= self.claim_at {
            self.read_claimed(batch)?;
        } else {
            self.read_new(batch)?;
            if self.read.is_empty() && self.drain && self.owed.is_none() {
                if self.is_done()? {
                    return Ok(Next::End);
                }
                // Others are at work, or were.
                thread::sleep(self.claim.min(WAIT) / 10);
            }
        }
        Ok(match self.read.is_empty() || self.link.broker.is_ending() {
            true => Next::Nothing,
            false => Next::Batch,
        })
    }

    /// Entries that may not be acknowledged yet.
    fn position(&self, read: usize) -> serde_json::Value {
        json!({ "entries": self.read[..read] })
    }

    fn committed(&mut self, read: usize) -> Result<()> {
        if read == 0 {
            return Ok(());
        }
        let mut command = redis::cmd("XACK");
        command.arg(&self.stream).arg(&self.group);
        for id in &self.read[..read] {
            command.arg(id);
        }
        match self.ask(&command, Duration::ZERO)? {
            Value::Int(_) | Value::Nil => Ok(()),
            _ => Err(format!("{} says what no Redis says", self.link.broker.name).into()),
        }
    }
}
