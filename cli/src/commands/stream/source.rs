//! Where a stream reads: lines of a file or a pipe, or what a broker has.

use std::ops::Range;
use std::path::Path;

use serde_json::Value;

use super::endpoint::Endpoint;
use super::files::Lines;
#[cfg(feature = "kafka")]
use super::kafka::Messages;
#[cfg(feature = "redis")]
use super::redis::Entries;
use super::{Ending, Result};
use crate::args::Stream as Args;

/// Bytes of events after which a batch is committed, however few they are.
pub(super) const BATCH_BYTES: usize = 4 << 20;
/// Bytes of an event that is not even decoded which a dead letter shows.
pub(super) const SHOWN_BYTES: usize = 1024;

/// Somewhere that events come from. What it has read counts as read when the journal has it, and not before: a source may be opened
/// again at any position that it gave.
pub(super) trait Source {
    /// What the journal and dead letters call it: the same each time it is opened.
    fn name(&self) -> &str;

    /// What it numbers its events by: `line`, `entry`, `message`.
    fn unit(&self) -> &'static str;

    /// Waits for events and puts those that are there into `batch`, in their order: at most as many as it was told and about [`BATCH_BYTES`]. Not
    /// called before the last batch was committed.
    fn next(&mut self, batch: &mut Batch) -> Result<Next>;

    /// How far it is read when so many events of the last batch count as read: what it wants to be told when it is opened again.
    fn position(&self, read: usize) -> Value;

    /// The journal has so many events of the last batch, and all of their actions are written.
    fn committed(&mut self, read: usize) -> Result<()>;

    /// Whether [`next`](Source::next) comes back soon when the stream is asked to end. Then the source is closed in order, which lets others
    /// have at once what it read.
    fn heeds_ending(&self) -> bool {
        false
    }
}

/// What a source has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A batch; one without events says that something was read that is none.
    Batch,
    /// Nothing yet.
    #[cfg_attr(not(any(feature = "redis", feature = "kafka")), allow(dead_code))]
    Nothing,
    /// There will be nothing any more.
    End,
}

/// Events that are committed together. Its memory is used again.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) events: Vec<Event>,
    /// Bytes of the input that were read for it, for people who watch.
    pub(super) read: u64,
}

/// An event.
#[derive(Debug)]
pub(super) struct Event {
    /// Where its bytes lie in the batch.
    pub(super) bytes: Range<usize>,
    /// Which it is, by the source's unit.
    pub(super) place: Value,
    /// Why it cannot be an event, where the source knows.
    pub(super) refused: Option<String>,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.events.clear();
        self.read = 0;
    }

    /// Adds an event. Bytes of one that is refused are shortened.
    pub(super) fn push(&mut self, bytes: &[u8], place: Value, refused: Option<String>) {
        let most = match refused {
            Some(_) => SHOWN_BYTES,
            None => usize::MAX,
        };
        let begin = self.bytes.len();
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(most)]);
        self.events.push(Event {
            bytes: begin..self.bytes.len(),
            place,
            refused,
        });
    }
}

/// Opens the input where it was read to. A broker is asked for no more than is committed together.
#[cfg_attr(
    not(any(feature = "redis", feature = "kafka")),
    allow(unused_variables)
)]
pub(super) fn open(
    input: &Endpoint,
    args: &Args,
    known: Option<&Value>,
    ending: &Ending,
) -> Result<Box<dyn Source>> {
    Ok(match input {
        Endpoint::Lines(path) => {
            if args.drain {
                return Err("--drain is for brokers: a file ends by itself".into());
            }
            Box::new(Lines::open(path, known, args.batch)?)
        }
        #[cfg(feature = "redis")]
        Endpoint::Redis(address) => Box::new(Entries::open(
            address,
            input.to_string(),
            args,
            known,
            ending,
        )?),
        #[cfg(feature = "kafka")]
        Endpoint::Kafka(address) => Box::new(Messages::open(
            address,
            input.to_string(),
            args,
            known,
            ending,
        )?),
    })
}

/// The file that progress can be shown of.
pub(super) fn shown(input: &Endpoint) -> &Path {
    match input {
        Endpoint::Lines(path) => path,
        #[cfg(any(feature = "redis", feature = "kafka"))]
        _ => Path::new("-"),
    }
}
