//! Actions on their way out: lines are appended to a stream, each once by its id.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use tollgate::Address;

use super::super::sink::{Mark, Sink};
use super::{Ending, FIELD, Link, Result, wanted};

/// The settings of an address to write to.
pub(in crate::commands::stream) const OF_OUTPUT: &[&str] =
    &["stream", "field", "most", "keep", "timeout", "patience"];

/// Lines that are sent at once.
const AT_ONCE: usize = 256;

/// Appends lines in pairs of id and line; one without an id, which is a dead letter, is known by its text. What was sent is known for a
/// while under a key beside the stream.
const SEND: &str = "
for i = 4, #ARGV, 2 do
  local id, line = ARGV[i], ARGV[i + 1]
  if id == '' then
    id = redis.sha1hex(line)
  end
  local sent = KEYS[1] .. ':sent:' .. id
  if redis.call('EXISTS', sent) == 0 then
    if ARGV[2] == '0' then
      redis.call('XADD', KEYS[1], '*', ARGV[1], line)
    else
      redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', ARGV[1], line)
    end
    -- Last: when it cannot be appended, it was not sent.
    redis.call('SET', sent, '', 'PX', ARGV[3])
  end
end
return 0";

/// A stream of a Redis that lines are appended to.
pub(in crate::commands::stream) struct Sent {
    link: Link,
    stream: String,
    field: String,
    /// How many entries it has at most, about; 0 for any number.
    most: u64,
    keep: Duration,
}

/// What makes an action one that was sent before.
#[derive(Deserialize)]
struct Action {
    id: Option<String>,
}

impl Sent {
    /// For a stream of events that remembers ids for so long.
    pub(in crate::commands::stream) fn open(
        address: &Address,
        dedupe_us: i64,
        ending: &Ending,
    ) -> Result<Sent> {
        let stream = wanted(address, "stream", "which stream actions are appended to")?;
        let dedupe = Duration::from_micros(u64::try_from(dedupe_us).unwrap_or(0));
        Ok(Sent {
            stream: stream.to_owned(),
            field: address.text("field").unwrap_or(FIELD).to_owned(),
            most: address.number("most", 1, u64::from(u32::MAX))?.unwrap_or(0),
            keep: address.duration("keep")?.unwrap_or(dedupe),
            link: Link::open(address, ending)?,
        })
    }
}

impl Sink for Sent {
    fn mark(&self) -> Option<Mark> {
        Some(Mark {
            path: PathBuf::from(format!("{}?stream={}", self.link.broker.name, self.stream)),
            length: 0,
            ends: Vec::new(),
        })
    }

    /// The last batch may not be there, or not all of it; what is there is not appended again.
    fn resume(&mut self, _: &Mark, batches: &[&str]) -> Result<()> {
        batches.last().map_or(Ok(()), |last| self.write(last))
    }

    fn write(&mut self, lines: &str) -> Result<()> {
        let lines: Vec<&str> = lines.lines().collect();
        for lines in lines.chunks(AT_ONCE) {
            let mut command = redis::cmd("EVAL");
            command.arg(SEND).arg(1).arg(&self.stream).arg(&self.field);
            // Of no milliseconds there is no key.
            command
                .arg(self.most)
                .arg(self.keep.as_millis().max(1) as u64);
            for line in lines {
                let Action { id } = serde_json::from_str(line)?;
                command.arg(id.unwrap_or_default()).arg(*line);
            }
            self.link.tell(&command)?;
        }
        Ok(())
    }

    /// What the server does for that is up to its settings.
    fn sync(&self) -> Result<()> {
        Ok(())
    }
}
