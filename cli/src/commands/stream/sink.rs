//! Where a stream writes: a file, standard output, or a stream or topic of a broker.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use super::files::Appended;
#[cfg(feature = "kafka")]
use super::kafka;
#[cfg(feature = "redis")]
use super::redis;
use super::{Ending, Result};

/// Somewhere that lines are written to, whole batches of them.
pub(super) trait Sink: Send {
    /// What it is and how much it has, where it can be known later what was written to it.
    fn mark(&self) -> Option<Mark>;

    /// Puts into order what batches wrote that are in the journal, given the mark of its snapshot, which is one of this sink. All of them but
    /// the last were written.
    fn resume(&mut self, before: &Mark, batches: &[&str]) -> Result<()>;

    /// Writes the lines of a batch behind what is there.
    fn write(&mut self, lines: &str) -> Result<()>;

    /// Comes back when what was written would survive a loss of power.
    fn sync(&self) -> Result<()>;
}

/// How far a sink was written when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) path: PathBuf,
    /// Bytes of a file; nothing of a broker.
    pub(super) length: u64,
    /// Where the partitions of a topic end, in their order; nothing of anything else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ends: Vec<i64>,
}

/// Opens where something goes.
#[cfg_attr(not(feature = "redis"), allow(unused_variables))]
pub(super) fn open(to: &Endpoint, dedupe_us: i64, ending: &Ending) -> Result<Box<dyn Sink>> {
    Ok(match to {
        Endpoint::Lines(path) => Box::new(Appended::open(path)?),
        #[cfg(feature = "redis")]
        Endpoint::Redis(address) => Box::new(redis::Sent::open(address, dedupe_us, ending)?),
        #[cfg(feature = "kafka")]
        Endpoint::Kafka(address) => Box::new(kafka::Sent::open(address, ending)?),
    })
}

/// Puts a sink into order for the batches of a journal: it is the one that they were written to, or another one that nothing is owed to. Of what
/// cannot be looked into only the last batch may be missing, which is written again.
pub(super) fn resume(sink: &mut dyn Sink, before: Option<&Mark>, batches: &[&str]) -> Result<()> {
    let same = |before: &&Mark| sink.mark().is_some_and(|mark| mark.path == before.path);
    match before {
        Some(known) if before.as_ref().is_some_and(same) => sink.resume(known, batches),
        Some(known) if batches.iter().any(|lines| !lines.is_empty()) => Err(format!(
            "the stream was stopped in the middle and has still to write to {}: give that once more",
            known.path.display()
        )
        .into()),
        _ => batches.last().map_or(Ok(()), |last| sink.write(last)),
    }
}

/// Nowhere to go.
pub(super) struct Nowhere;

impl Sink for Nowhere {
    fn mark(&self) -> Option<Mark> {
        None
    }

    fn resume(&mut self, _: &Mark, _: &[&str]) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, _: &str) -> Result<()> {
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }
}
