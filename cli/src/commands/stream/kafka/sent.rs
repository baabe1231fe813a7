//! Actions on their way out: lines become messages of a topic, an action with its id as the key.
//!
//! Kafka has no word for "append this unless it is there", so a process that goes on reads what the topic got since the journal's snapshot, and
//! sends what of the last batch is missing.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{ClientContext, Message, Offset, TopicPartitionList};
use serde::Deserialize;
use serde_json::Value;
use tollgate::Address;

use super::super::sink::{Mark, Sink};
use super::super::source::SHOWN_BYTES;
use super::security::{CA, CONFIG, Ear};
use super::{Ending, PAUSE, Result, Topic, ms, not_made, passes, text};

/// The settings of an address to write to.
pub(in crate::commands::stream) const OF_OUTPUT: &[&str] =
    &["longest", "timeout", "patience", CA, CONFIG];

/// Bytes of the longest message that is sent, where the address does not say: what brokers take that were told nothing, less what stands around it.
const LONGEST: u64 = 1_000_000;
/// Bounds of that: a shortened dead letter has to fit, and librdkafka has the other one.
const LONGEST_MIN: u64 = 16_384;
const LONGEST_MAX: u64 = 1_000_000_000;
/// How long deliveries are waited for before it is looked whether that was all.
const WAIT: Duration = Duration::from_millis(1);
/// The same of a message that is read back.
const READ_WAIT: Duration = Duration::from_millis(100);

/// A topic that lines are sent to.
pub(in crate::commands::stream) struct Sent {
    topic: Topic,
    producer: BaseProducer<Deliveries>,
    longest: usize,
    /// Where partitions end, as far as this process knows: others may write as well.
    ends: Vec<i64>,
}

/// What came of what was sent.
struct Deliveries {
    delivered: Mutex<Delivered>,
    ear: Ear,
}

#[derive(Default)]
struct Delivered {
    count: usize,
    /// Behind the last message of each partition that was sent to.
    ends: BTreeMap<i32, i64>,
    fault: Option<KafkaError>,
}

/// What is sent for a line.
struct Letter<'l> {
    /// The id of an action; a dead letter has none.
    key: Option<String>,
    line: Cow<'l, str>,
}

/// What makes an action known.
#[derive(Deserialize)]
struct Action {
    id: Option<String>,
}

impl Sent {
    /// For the topic of an address.
    pub(in crate::commands::stream) fn open(address: &Address, ending: &Ending) -> Result<Sent> {
        let topic = Topic::of(address, ending)?;
        let longest = address.number("longest", LONGEST_MIN, LONGEST_MAX)?;
        let longest = longest.unwrap_or(LONGEST);
        let mut config = topic.config.clone();
        config
            // What is tried again is not appended again, nor behind what came later.
            .set("enable.idempotence", "true")
            .set("message.max.bytes", LONGEST_MAX.to_string())
            .set(
                "message.timeout.ms",
                ms(topic.broker.patience, 1_000, 86_400_000),
            )
            .set("linger.ms", "0");
        let deliveries = Deliveries {
            delivered: Mutex::default(),
            ear: topic.ear.clone(),
        };
        let made = config.create_with_context(deliveries);
        let producer: BaseProducer<Deliveries> = made.map_err(|error| not_made(address, error))?;
        let count = topic.look(producer.client(), || producer.poll(PAUSE))?;
        let reader = reader(&topic)?;
        let ends = (0..count).map(|partition| Ok(topic.extent(&reader, partition)?.1));
        let ends: Result<Vec<i64>> = ends.collect();
        Ok(Sent {
            ends: ends?,
            topic,
            producer,
            longest: longest as usize,
        })
    }

    /// What is sent for lines.
    fn letters<'l>(&self, lines: &'l str) -> Result<Vec<Letter<'l>>> {
        let letter = |line: &'l str| {
            let Action { id: key } = serde_json::from_str(line)?;
            let line = match line.len() > self.longest {
                true if key.is_none() => Cow::Owned(shortened(line)?),
                _ => Cow::Borrowed(line),
            };
            if line.len() > self.longest {
                return Err(format!(
                    "{}: a message would have {} bytes, and {} are allowed: {}…; let the brokers take longer ones (max.message.bytes) and say so, ?longest=…",
                    self.topic.broker.name,
                    line.len(),
                    self.longest,
                    line.chars().take(80).collect::<String>()
                )
                .into());
            }
            Ok(Letter { key, line })
        };
        lines.lines().map(letter).collect()
    }

    /// Comes back when all of them are in the topic.
    fn send<'l>(&mut self, letters: impl Iterator<Item = &'l Letter<'l>>) -> Result<()> {
        let mut count = 0;
        for letter in letters {
            let mut record = BaseRecord::to(&self.topic.name).payload(&*letter.line);
            if let Some(key) = &letter.key {
                record = record.key(&**key);
            }
            while let Err((error, back)) = self.producer.send(record) {
                if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    return Err(self.topic.broker.refused(&text(&error)));
                }
                record = back;
                self.producer.poll(WAIT);
            }
            count += 1;
        }
        self.wait(count)
    }

    /// Waits for so many deliveries.
    fn wait(&mut self, count: usize) -> Result<()> {
        let broker = &self.topic.broker;
        let began = Instant::now();
        let mut waited = false;
        loop {
            let mut delivered = self.producer.context().delivered();
            if let Some(error) = &delivered.fault {
                return Err(match passes(error) {
                    true => broker.silent(&self.topic.why(error)),
                    false => broker.refused(&text(error)),
                });
            }
            if delivered.count == count {
                for (partition, end) in std::mem::take(&mut *delivered).ends {
                    let partition = partition as usize;
                    if partition >= self.ends.len() {
                        // It was added; it had nothing when this began.
                        self.ends.resize(partition + 1, 0);
                    }
                    self.ends[partition] = end;
                }
                break;
            }
            drop(delivered);
            if !waited && began.elapsed() > broker.timeout {
                waited = true;
                broker.is_waited_for("what was sent is not confirmed");
            }
            if waited && broker.is_ending() {
                return Err(broker.silent("what was sent is not confirmed"));
            }
            self.producer.poll(WAIT);
        }
        if waited {
            broker.answers_again();
        }
        Ok(())
    }

    /// Which of the lines the topic has got since its partitions ended so.
    fn found<'w>(&self, wanted: &HashSet<&'w str>, since: &[i64]) -> Result<HashSet<&'w str>> {
        let reader = reader(&self.topic)?;
        let mut list = TopicPartitionList::new();
        let partitions = self.topic.ask(|| self.topic.partitions(reader.client()))?;
        for partition in 0..partitions {
            let (low, high) = self.topic.extent(&reader, partition)?;
            let since = since.get(partition as usize).copied().unwrap_or(low);
            // A topic that ends before was made anew.
            let from = if since > high { low } else { since.max(low) };
            if from < high {
                list.add_partition_offset(&self.topic.name, partition, Offset::Offset(from))?;
            }
        }
        let mut left = list.count();
        reader.assign(&list)?;
        let mut found = HashSet::new();
        let mut heard = Instant::now();
        while left > 0 {
            match reader.poll(READ_WAIT) {
                None if heard.elapsed() > self.topic.broker.patience => {
                    return Err(self.topic.broker.silent("the topic cannot be read"));
                }
                None => continue,
                Some(Ok(message)) => {
                    let line = message.payload().map(std::str::from_utf8);
                    let known = line.and_then(|line| wanted.get(line.ok()?));
                    found.extend(known);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => left -= 1,
                Some(Err(error)) if passes(&error) => {
                    self.topic.ask(|| self.topic.partitions(reader.client()))?;
                    continue;
                }
                Some(Err(error)) => return Err(self.topic.broker.refused(&text(&error))),
            }
            heard = Instant::now();
        }
        Ok(found)
    }
}

impl Sink for Sent {
    fn mark(&self) -> Option<Mark> {
        Some(Mark {
            path: PathBuf::from(&self.topic.broker.name),
            length: 0,
            ends: self.ends.clone(),
        })
    }

    /// The last batch may not be there, or not all of it; what is there is not sent again.
    fn resume(&mut self, before: &Mark, batches: &[&str]) -> Result<()> {
        let Some(last) = batches.last().filter(|lines| !lines.is_empty()) else {
            return Ok(());
        };
        let letters = self.letters(last)?;
        let wanted: HashSet<&str> = letters.iter().map(|letter| &*letter.line).collect();
        let found = self.found(&wanted, &before.ends)?;
        let missing = |letter: &&Letter<'_>| !found.contains(&*letter.line);
        self.send(letters.iter().filter(missing))
    }

    fn write(&mut self, lines: &str) -> Result<()> {
        let letters = self.letters(lines)?;
        self.send(letters.iter())
    }

    /// All replicas that are in sync have it.
    fn sync(&self) -> Result<()> {
        Ok(())
    }
}

impl Deliveries {
    fn delivered(&self) -> MutexGuard<'_, Delivered> {
        self.delivered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Errors are told where they come from; what is heard of connections says why.
impl ClientContext for Deliveries {
    fn error(&self, error: KafkaError, reason: &str) {
        self.ear.hear(&error, reason);
    }

    fn log(&self, _: RDKafkaLogLevel, kind: &str, message: &str) {
        self.ear.read(kind, message);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut delivered = self.delivered();
        match result {
            Ok(message) => {
                delivered.count += 1;
                let end = delivered.ends.entry(message.partition()).or_default();
                *end = (*end).max(message.offset() + 1);
            }
            Err((error, _)) => delivered.fault = Some(error.clone()),
        }
    }
}

/// Somebody who reads a topic and is in no group: librdkafka only wants a name.
fn reader(topic: &Topic) -> Result<BaseConsumer<Ear>> {
    let mut config = topic.config.clone();
    config
        .set("group.id", "tollgate")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("enable.partition.eof", "true");
    let made = config.create_with_context(topic.ear.clone());
    made.map_err(|error| not_made(&topic.broker.name, error).into())
}

/// A dead letter that shows the beginning of its text.
fn shortened(line: &str) -> Result<String> {
    let mut letter: Value = serde_json::from_str(line)?;
    if let Some(Value::String(text)) = letter.get_mut("text") {
        text.truncate(text.floor_char_boundary(SHOWN_BYTES));
    }
    Ok(letter.to_string())
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn a_dead_letter_is_shortened_between_characters() {
        let text = format!("{}é{}", "a".repeat(1_023), "b".repeat(100));
        let line = serde_json::json!({ "message": "0:1", "text": text }).to_string();
        let expected = serde_json::json!({ "message": "0:1", "text": "a".repeat(1_023) });
        assert_eq!(shortened(&line).expect("it is JSON"), expected.to_string());
    }
}
