//! Events on their way in: the messages of a topic, as a member of a group.
//!
//! Kafka gives a member partitions, and takes them away, while the member polls, and a batch is decided between two polls. So a batch
//! that is being gathered when partitions change is dropped, and one that is decided is committed, and told to the group, before they can.

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Message, Offset, TopicPartitionList};
use serde::Deserialize;
use serde_json::{Value, json};
use tollgate::Address;

use super::super::broker::wanted;
use super::super::source::{BATCH_BYTES, Batch, Next, Source};
use super::{Ending, Result, Topic, ms, passes, text};
use crate::args::Stream as Args;
use crate::commands::lines::LINE_MAX;

/// The settings of an address to read from.
pub(in crate::commands::stream) const OF_INPUT: &[&str] =
    &["group", "partitions", "claim", "timeout", "patience"];

/// After how long a member that is not heard of loses its partitions, where the address does not say.
const CLAIM: Duration = Duration::from_secs(60);
/// How long Kafka lets a member decide about a batch, at least: five minutes.
const BATCH_MS: u128 = 300_000;
/// How long a message is waited for before it is looked whether the stream is asked to end.
const WAIT: Duration = Duration::from_millis(100);
/// KiB that are read ahead.
const AHEAD_KIB: &str = "16384";

/// The messages of a topic.
pub(in crate::commands::stream) struct Messages {
    /// Never dropped: that waits for a broker that is gone, and the process ends with it.
    consumer: ManuallyDrop<BaseConsumer<Member>>,
    name: String,
    /// How many messages a batch has at most.
    most: usize,
    drain: bool,
    /// Whether the address says which partitions are read.
    pinned: bool,
    /// The partitions and offsets of the messages of the last batch.
    read: Vec<(i32, i64)>,
    /// When it was known last that there is a broker.
    heard: Instant,
}

/// What is to be done when Kafka gives partitions or takes them away.
struct Member {
    topic: Topic,
    held: Mutex<Held>,
}

/// How far partitions are read.
#[derive(Default)]
struct Held {
    /// Which message comes next, by partition, as the journal has it.
    next: BTreeMap<i32, i64>,
    /// Which partitions are read here now, and whether to their end.
    own: BTreeMap<i32, bool>,
    /// Whether the group has given what it gives. While it makes up its mind it answers nothing else.
    joined: bool,
    /// Whether they changed since this was looked at.
    changed: bool,
    /// Why nothing can be read any more.
    fault: Option<String>,
}

/// What the journal is told.
#[derive(Deserialize)]
struct Position {
    offsets: BTreeMap<i32, i64>,
}

/// What is to be said of where a partition goes on.
#[derive(Debug, PartialEq, Eq)]
enum Gap {
    /// So many messages were deleted before they were read.
    Deleted(i64),
    /// It has fewer than were read.
    Anew,
}

impl Messages {
    /// Joins the group, or takes the partitions that the address names.
    pub(in crate::commands::stream) fn open(
        address: &Address,
        name: String,
        args: &Args,
        known: Option<&Value>,
        ending: &Ending,
    ) -> Result<Messages> {
        let mut topic = Topic::of(address, ending)?;
        let group = wanted(address, "group", "for which group of consumers it is read")?;
        let pinned = address
            .text("partitions")
            .map(|text| numbers(address, text));
        let pinned = pinned.transpose()?;
        let claim = address.duration("claim")?.unwrap_or(CLAIM);
        let longest = BATCH_MS.max(2 * (topic.broker.patience + claim).as_millis());
        topic
            .config
            .set("group.id", group)
            .set("session.timeout.ms", ms(claim, 1_000, 3_600_000))
            .set("heartbeat.interval.ms", ms(claim / 10, 100, 3_000))
            .set("max.poll.interval.ms", longest.min(86_400_000).to_string())
            // A group is given whole partitions anew, or none: nothing is taken away behind a batch's back.
            .set("partition.assignment.strategy", "range")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("enable.partition.eof", "true")
            .set("queued.max.messages.kbytes", AHEAD_KIB);
        let next = match known {
            Some(known) => Position::deserialize(known)?.offsets,
            None => BTreeMap::new(),
        };
        let config = topic.config.clone();
        let held = Held {
            next,
            joined: true,
            ..Held::default()
        };
        let member = Member {
            topic,
            held: Mutex::new(held),
        };
        let consumer: BaseConsumer<Member> = config.create_with_context(member)?;
        let topic = &consumer.context().topic;
        let count = topic.look(consumer.client())?;
        if let Some(pinned) = &pinned {
            if let Some(none) = pinned.iter().find(|partition| **partition >= count) {
                return Err(format!(
                    "{address} has no partition {none}: there are {count}, from 0"
                )
                .into());
            }
            consumer.context().take(&consumer, pinned)?;
        }
        let messages = Messages {
            name,
            most: args.batch as usize,
            drain: args.drain,
            pinned: pinned.is_some(),
            read: Vec::new(),
            heard: Instant::now(),
            consumer: ManuallyDrop::new(consumer),
        };
        // Nobody is disturbed by a member that has nothing to do.
        let is_needless = messages.drain && messages.is_done()?;
        if !messages.pinned && !is_needless {
            messages.member().held().joined = false;
            messages
                .consumer
                .subscribe(&[&messages.member().topic.name])?;
        }
        Ok(messages)
    }

    fn member(&self) -> &Member {
        self.consumer.context()
    }

    /// What is no message.
    fn heed(&self, error: &KafkaError) -> Result<()> {
        let member = self.member();
        if let KafkaError::PartitionEOF(partition) = error {
            member.is_at_end(*partition, true);
            return Ok(());
        }
        match error.rdkafka_error_code() {
            // A partition does not have the message any more that is wanted.
            Some(RDKafkaErrorCode::AutoOffsetReset) => {
                let own: Vec<i32> = member.held().own.keys().copied().collect();
                member.take(&self.consumer, &own)
            }
            // The error comes before the partitions are taken away, which says enough.
            Some(RDKafkaErrorCode::PollExceeded) => {
                eprintln!(
                    "({} took a batch to be too slow, and gives its messages to others)",
                    member.topic.broker.name
                );
                Ok(())
            }
            _ if passes(error) => {
                let topic = &member.topic;
                topic
                    .ask(|| topic.partitions(self.consumer.client()))
                    .map(drop)
            }
            _ => Err(member.topic.broker.refused(&text(error))),
        }
    }

    /// Looks whether there is a broker at all, where the group takes its time.
    fn look(&mut self) -> Result<()> {
        let topic = &self.member().topic;
        if !self.member().held().joined && self.heard.elapsed() > topic.broker.timeout {
            topic.ask(|| topic.partitions(self.consumer.client()))?;
            self.heard = Instant::now();
        }
        Ok(())
    }

    /// Whether all that there is was read, by whomever in the group.
    fn is_done(&self) -> Result<bool> {
        let member = self.member();
        let held = member.held();
        if !held.joined || held.own.values().any(|at_end| !at_end) {
            return Ok(false);
        }
        let own = held.own.clone();
        drop(held);
        if self.pinned {
            return Ok(true);
        }
        let topic = &member.topic;
        let count = topic.ask(|| topic.partitions(self.consumer.client()))?;
        let others: Vec<i32> = (0..count).filter(|p| !own.contains_key(p)).collect();
        let told = member.told(&self.consumer, &others)?;
        for partition in others {
            let (low, high) = topic.extent(&self.consumer, partition)?;
            if told.get(&partition).is_none_or(|told| *told < high) && low < high {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Source for Messages {
    fn name(&self) -> &str {
        &self.name
    }

    fn unit(&self) -> &'static str {
        "message"
    }

    fn next(&mut self, batch: &mut Batch) -> Result<Next> {
        batch.clear();
        self.read.clear();
        let mut wait = WAIT;
        while batch.events.len() < self.most && batch.bytes.len() < BATCH_BYTES {
            let polled = self.consumer.poll(wait);
            if self.member().has_changed()? {
                // What was gathered is somebody else's, or comes again.
                batch.clear();
                self.read.clear();
            }
            match polled {
                None => break,
                Some(Ok(message)) => {
                    let (partition, offset) = (message.partition(), message.offset());
                    push(message.payload(), partition, offset, batch);
                    self.read.push((partition, offset));
                    self.member().is_at_end(partition, false);
                    wait = Duration::ZERO;
                }
                Some(Err(error)) => self.heed(&error)?,
            }
            if self.member().topic.broker.is_ending() {
                return Ok(Next::Nothing);
            }
        }
        if self.read.is_empty() {
            self.look()?;
            return Ok(match self.drain && self.is_done()? {
                true => Next::End,
                false => Next::Nothing,
            });
        }
        // The group has gone on without this process, which hears of it when it polls next.
        Ok(match self.consumer.assignment_lost() {
            true => Next::Nothing,
            false => Next::Batch,
        })
    }

    /// Where each partition goes on that was ever read.
    fn position(&self, read: usize) -> Value {
        let mut offsets = self.member().held().next.clone();
        offsets.extend(behind(&self.read[..read]));
        json!({ "offsets": offsets })
    }

    fn committed(&mut self, read: usize) -> Result<()> {
        if read > 0 {
            let mut held = self.member().held();
            held.next.extend(behind(&self.read[..read]));
            drop(held);
            self.member().tell(&self.consumer)?;
        }
        Ok(())
    }

    fn heeds_ending(&self) -> bool {
        true
    }
}

/// Leaves the group, which then need not find out, and waits no longer for that than for any answer.
impl Drop for Messages {
    fn drop(&mut self) {
        let began = Instant::now();
        let timeout = self.member().topic.broker.timeout;
        let mut closing = self.consumer.close_queue().is_ok();
        while closing {
            // What it has to say is done by `rebalance`.
            let _ = self.consumer.poll(WAIT);
            closing = !self.consumer.closed() && began.elapsed() < timeout;
        }
    }
}

impl Member {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether partitions have changed since this was asked last.
    fn has_changed(&self) -> Result<bool> {
        let mut held = self.held();
        match held.fault.take() {
            Some(fault) => Err(fault.into()),
            None => Ok(std::mem::take(&mut held.changed)),
        }
    }

    fn is_at_end(&self, partition: i32, is: bool) {
        if let Some(at_end) = self.held().own.get_mut(&partition) {
            *at_end = is;
        }
    }

    /// Reads partitions from where they go on.
    fn take(&self, consumer: &BaseConsumer<Member>, partitions: &[i32]) -> Result<()> {
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
        Ok(())
    }

    /// How far the group was told that partitions are read, where it was.
    fn told(
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
    /// has it before it lets go of them. It is no harm when there is none: the journal knows, and others decide some messages again.
    fn tell(&self, consumer: &BaseConsumer<Member>) -> KafkaResult<()> {
        let held = self.held();
        let mut list = TopicPartitionList::new();
        for partition in held.own.keys() {
            if let Some(next) = held.next.get(partition) {
                list.add_partition_offset(&self.topic.name, *partition, Offset::Offset(*next))?;
            }
        }
        drop(held);
        match list.count() {
            0 => Ok(()),
            _ => consumer.commit(&list, CommitMode::Async),
        }
    }
}

/// Errors are told where they come from.
impl ClientContext for Member {
    fn error(&self, _: KafkaError, _: &str) {}
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

/// Adds a message to a batch.
fn push(payload: Option<&[u8]>, partition: i32, offset: i64, batch: &mut Batch) {
    let place = json!(format!("{partition}:{offset}"));
    let Some(event) = payload else {
        let reason = "the message has no value";
        return batch.push(b"", place, Some(reason.to_owned()));
    };
    let long = event.len() > LINE_MAX;
    let reason = long.then(|| format!("the event is longer than {} MiB", LINE_MAX >> 20));
    batch.push(event.trim_ascii(), place, reason);
}

/// Which message comes behind those that were read, by partition.
fn behind(read: &[(i32, i64)]) -> impl Iterator<Item = (i32, i64)> + '_ {
    read.iter()
        .map(|(partition, offset)| (*partition, offset + 1))
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

/// The partitions of an address, each once.
fn numbers(address: &Address, text: &str) -> Result<Vec<i32>> {
    let mut all = Vec::new();
    for number in text.split(',') {
        match number.parse::<i32>() {
            Ok(partition) if partition >= 0 && !all.contains(&partition) => all.push(partition),
            _ => {
                return Err(format!(
                    "{address}: `partitions` are numbers from 0, each once, such as 0,1, and not `{text}`"
                )
                .into());
            }
        }
    }
    Ok(all)
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

    #[test]
    fn what_comes_next_is_behind_the_last_of_each_partition() {
        let read = [(0, 7), (1, 3), (0, 8), (1, 4)];
        let next: BTreeMap<i32, i64> = behind(&read).collect();
        assert_eq!(next, BTreeMap::from([(0, 9), (1, 5)]));
        let known = json!({ "offsets": next });
        let position = Position::deserialize(&known).expect("it is read as it is written");
        assert_eq!(position.offsets, next);
    }

    #[test]
    fn partitions_are_numbers_each_once() {
        let address = Address::parse("kafka://h/t", OF_INPUT).expect("an address");
        assert_eq!(numbers(&address, "0,12").expect("they are"), [0, 12]);
        for wrong in ["", "0,", "-1", "0,0", "a", "99999999999"] {
            numbers(&address, wrong).expect_err(wrong);
        }
    }
}
