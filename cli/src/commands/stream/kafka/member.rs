//! A member of a group: what is to be done when Kafka gives it partitions or takes them away, and how far each of them is read.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::{Result, Topic, text};

/// What librdkafka calls it in its log when a group does not take how far it is read.
const UNTOLD: &str = "COMMITFAIL";

/// What is to be done when Kafka gives partitions or takes them away.
pub(super) struct Member {
    pub(super) topic: Topic,
    held: Mutex<Held>,
    told: Mutex<Told>,
}

/// How often the group was told how far partitions are read, and how often it did not take that.
#[derive(Default)]
struct Told {
    all: u64,
    failed: u64,
}

/// How far partitions are read.
#[derive(Default)]
pub(super) struct Held {
    /// Which message comes next, by partition, as the journal has it.
    pub(super) next: BTreeMap<i32, i64>,
    /// Which partitions are read here now, and whether to their end.
    pub(super) own: BTreeMap<i32, bool>,
    /// Whether the group has given what it gives. While it makes up its mind it answers nothing else.
    pub(super) joined: bool,
    /// Whether they changed since this was looked at.
    changed: bool,
    /// Why nothing can be read any more.
    fault: Option<String>,
}

/// What is to be said of where a partition goes on.
#[derive(Debug, PartialEq, Eq)]
enum Gap {
    /// So many messages were deleted before they were read.
    Deleted(i64),
    /// It has fewer than were read.
    Anew,
}

impl Member {
    /// Of a group that has not been joined, or never is, with what the journal knows.
    pub(super) fn new(topic: Topic, next: BTreeMap<i32, i64>) -> Member {
        let held = Held {
            next,
            joined: true,
            ..Held::default()
        };
        Member {
            topic,
            held: Mutex::new(held),
            told: Mutex::default(),
        }
    }

    pub(super) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether partitions have changed since this was asked last.
    pub(super) fn has_changed(&self) -> Result<bool> {
        let mut held = self.held();
        match held.fault.take() {
            Some(fault) => Err(fault.into()),
            None => Ok(std::mem::take(&mut held.changed)),
        }
    }

    pub(super) fn is_at_end(&self, partition: i32, is: bool) {
        if let Some(at_end) = self.held().own.get_mut(&partition) {
            *at_end = is;
        }
    }

    /// Reads partitions from where they go on. What the journal has was perhaps not told, and is.
    pub(super) fn take(&self, consumer: &BaseConsumer<Member>, partitions: &[i32]) -> Result<()> {
        let told = self.told(consumer, partitions)?;
        let mut list = TopicPartitionList::new();
        for &partition in partitions {
            let (low, high) = self.topic.extent(consumer, partition)?;
            let mut held = self.held();
            let known = held.next.get(&partition).copied();
            let (next, gap) = place(known.max(told.get(&partition).copied()), low, high);
            if known.is_some() {
                held.next.insert(partition, next);
            }
            drop(held);
            let name = &self.topic.broker.name;
            match gap {
                None => {}
                Some(Gap::Deleted(count)) => eprintln!(
                    "({name} has deleted {count} messages of partition {partition} that were not read)"
                ),
                Some(Gap::Anew) => eprintln!(
                    "({name} has fewer messages in partition {partition} than were read, and is read from the first; ids tell what was decided)"
                ),
            }
            list.add_partition_offset(&self.topic.name, partition, Offset::Offset(next))?;
        }
        let mut held = self.held();
        held.own = partitions
            .iter()
            .map(|partition| (*partition, false))
            .collect();
        held.changed = true;
        drop(held);
        consumer.assign(&list)?;
        self.tell(consumer);
        Ok(())
    }

    /// How far the group was told that partitions are read, where it was.
    pub(super) fn told(
        &self,
        consumer: &BaseConsumer<Member>,
        partitions: &[i32],
    ) -> Result<BTreeMap<i32, i64>> {
        let mut list = TopicPartitionList::new();
        for &partition in partitions {
            list.add_partition(&self.topic.name, partition);
        }
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let timeout = self.topic.broker.timeout;
        let found = self
            .topic
            .ask(|| consumer.committed_offsets(list.clone(), timeout))?;
        let offsets = found
            .elements()
            .into_iter()
            .filter_map(|at| match at.offset() {
                Offset::Offset(offset) => Some((at.partition(), offset)),
                _ => None,
            });
        Ok(offsets.collect())
    }

    /// Tells the group how far the partitions are read that are this member's, and does not wait for an answer, which could take for ever: librdkafka
    /// has it before it lets go of them. It is no harm when there is none, or another one than is hoped for: the journal knows, and others decide
    /// some messages again. So it is said, and the stream goes on.
    pub(super) fn tell(&self, consumer: &BaseConsumer<Member>) {
        if let Err(error) = self.send(consumer) {
            self.is_untold(&text(&error));
        }
    }

    fn send(&self, consumer: &BaseConsumer<Member>) -> KafkaResult<()> {
        let held = self.held();
        let mut list = TopicPartitionList::new();
        for partition in held.own.keys() {
            if let Some(next) = held.next.get(partition) {
                list.add_partition_offset(&self.topic.name, *partition, Offset::Offset(*next))?;
            }
        }
        drop(held);
        if list.count() == 0 {
            return Ok(());
        }
        self.told.lock().unwrap_or_else(PoisonError::into_inner).all += 1;
        consumer.commit(&list, CommitMode::Async)
    }

    /// The group did not take how far it is read.
    fn is_untold(&self, why: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.failed += 1;
        if told.failed == 1 {
            eprintln!(
                "({} did not take how far it is read: {why}; the journal has it, other members may decide some messages again)",
                self.topic.broker.name
            );
        }
    }

    /// Says how often a group was told nothing, where the stream ends.
    pub(super) fn last_words(&self) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.failed > 0 {
            eprintln!(
                "({} did not take how far it is read {} of {} times)",
                self.topic.broker.name, told.failed, told.all
            );
        }
    }
}

/// Errors are told where they come from; what is heard of connections says why.
impl ClientContext for Member {
    fn error(&self, error: KafkaError, reason: &str) {
        self.topic.ear.hear(&error, reason);
    }

    /// That a group does not take how far it is read is only in librdkafka's log, where nobody waits for that.
    fn log(&self, _: RDKafkaLogLevel, kind: &str, message: &str) {
        self.topic.ear.read(kind, message);
        if kind == UNTOLD {
            // Before the reason it says which commit it was, and how far the member has joined.
            let why = message
                .split_once("join-state ")
                .and_then(|(_, rest)| rest.split_once(": "));
            self.is_untold(why.map_or(message, |(_, why)| why));
        }
    }
}

impl ConsumerContext for Member {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Member>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let done = match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                let elements = partitions.elements();
                let given: Vec<i32> = elements.iter().map(|at| at.partition()).collect();
                self.held().joined = true;
                self.take(consumer, &given)
            }
            _ => {
                let mut held = self.held();
                held.own.clear();
                held.joined = false;
                held.changed = true;
                drop(held);
                consumer.unassign().map_err(Into::into)
            }
        };
        if let Err(error) = done {
            self.held().fault = Some(error.to_string());
            // Kafka wants to hear that it was heard. What comes of that is no matter any more.
            let _ = consumer.unassign();
        }
    }
}

/// Where a partition goes on of which so much was read, and which has messages from `low` to before `high`.
fn place(read: Option<i64>, low: i64, high: i64) -> (i64, Option<Gap>) {
    match read {
        None => (low, None),
        Some(read) if read < low => (low, Some(Gap::Deleted(low - read))),
        Some(read) if read > high => (low, Some(Gap::Anew)),
        Some(read) => (read, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_goes_on_where_it_was_read_to_if_it_has_that() {
        assert_eq!(place(None, 5, 9), (5, None));
        assert_eq!(place(Some(7), 5, 9), (7, None));
        assert_eq!(place(Some(9), 5, 9), (9, None));
        assert_eq!(place(Some(0), 0, 0), (0, None));
        assert_eq!(place(Some(2), 5, 9), (5, Some(Gap::Deleted(3))));
        assert_eq!(place(Some(10), 5, 9), (5, Some(Gap::Anew)));
    }
}
