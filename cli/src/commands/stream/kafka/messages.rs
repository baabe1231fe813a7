//! Events on their way in: the messages of a topic, as a member of a group.
//!
//! Kafka gives a member partitions, and takes them away, while the member polls, and a batch is decided between two polls. So a batch
//! that is being gathered when partitions change is dropped, and one that is decided is committed, and told to the group, before they can.

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tollgate::Address;

use super::super::broker::wanted;
use super::super::source::{BATCH_BYTES, Batch, Next, Source};
use super::member::Member;
use super::security::{CA, CONFIG};
use super::{Ending, PAUSE, Result, Topic, ms, not_made, passes, text};
use crate::args::Stream as Args;
use crate::commands::lines::LINE_MAX;

/// The settings of an address to read from.
pub(in crate::commands::stream) const OF_INPUT: &[&str] = &[
    "group",
    "partitions",
    "claim",
    "timeout",
    "patience",
    CA,
    CONFIG,
];

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
    /// How many messages were gathered when their partitions were taken away.
    dropped: u64,
}

/// What the journal is told.
#[derive(Deserialize)]
struct Position {
    offsets: BTreeMap<i32, i64>,
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
        let member = Member::new(topic, next);
        let made = config.create_with_context(member);
        let consumer: BaseConsumer<Member> = made.map_err(|error| not_made(address, error))?;
        let topic = &consumer.context().topic;
        // Nothing is read yet, so what comes is what it says.
        let count = topic.look(consumer.client(), || drop(consumer.poll(PAUSE)))?;
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
            dropped: 0,
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

    /// Adds the message that comes next to a batch, or heeds what is none. Whether anything came.
    fn gather(&mut self, wait: Duration, batch: &mut Batch) -> Result<bool> {
        let polled = self.consumer.poll(wait);
        if self.member().has_changed()? {
            // What was gathered is somebody else's, or comes again.
            self.dropped += self.read.len() as u64;
            batch.clear();
            self.read.clear();
        }
        match polled {
            None => return Ok(false),
            Some(Ok(message)) => {
                let (partition, offset) = (message.partition(), message.offset());
                push(message.payload(), partition, offset, batch);
                self.read.push((partition, offset));
                self.member().is_at_end(partition, false);
            }
            Some(Err(error)) => self.heed(&error)?,
        }
        Ok(true)
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

    /// Whether all that was gathered is of partitions that are read here.
    fn is_own(&self) -> bool {
        let held = self.member().held();
        let mut read = self.read.iter();
        read.all(|(partition, _)| held.own.contains_key(partition))
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
        while batch.events.len() < self.most && batch.bytes.len() < BATCH_BYTES {
            // What is there is not kept waiting for more.
            let wait = if self.read.is_empty() {
                WAIT
            } else {
                Duration::ZERO
            };
            if !self.gather(wait, batch)? {
                break;
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
        debug_assert!(self.is_own(), "what is decided is this member's");
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
            self.member().tell(&self.consumer);
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
        self.member().last_words();
        if self.dropped > 0 {
            eprintln!(
                "({} messages were gathered when {} gave their partitions to others, and left to these)",
                self.dropped,
                self.member().topic.broker.name
            );
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
    use clap::Parser;
    use rdkafka::ClientConfig;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};

    use super::*;

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

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    const PARTITIONS: i32 = 4;
    /// Messages in each of them.
    const COUNT: usize = 50;
    const PATIENCE: Duration = Duration::from_secs(30);

    /// A topic of a broker in this process, with small messages, and who reads it as a member of the group `g`.
    fn member(cluster: &MockCluster<'_, DefaultProducerContext>) -> (ClientConfig, Messages) {
        let made = cluster.create_topic("rides", PARTITIONS, 1);
        made.expect("the topic is made");
        let servers = cluster.bootstrap_servers();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &servers);
        let producer: BaseProducer = config.create().expect("a producer");
        for n in 0..COUNT * PARTITIONS as usize {
            let record = BaseRecord::<str, str>::to("rides").payload("1");
            let sent = producer.send(record.partition(n as i32 % PARTITIONS));
            sent.map_err(|(error, _)| error).expect("there is room");
        }
        producer.flush(PATIENCE).expect("they are delivered");
        let address = format!("kafka://{servers}/rides?group=g&claim=4s");
        let address = Address::parse(&address, OF_INPUT).expect("an address");
        let line = "stream a.rules --journal j --batch 100000".split(' ');
        let args = Line::parse_from(line).args;
        let opened = Messages::open(&address, "t".into(), &args, None, &Ending::default());
        (config, opened.expect("there is a broker"))
    }

    #[test]
    fn what_is_gathered_when_partitions_are_taken_away_is_dropped_and_comes_again() {
        let cluster = MockCluster::new(1).expect("it starts");
        let (mut config, mut messages) = member(&cluster);
        let mut batch = Batch::default();
        let gather = |messages: &mut Messages, batch: &mut Batch| {
            messages.gather(WAIT, batch).expect("the broker is there")
        };
        let began = Instant::now();
        while messages.read.is_empty() {
            assert!(began.elapsed() < PATIENCE, "it reads nothing");
            gather(&mut messages, &mut batch);
        }
        // It goes on gathering, and nothing is decided, when another one joins.
        config
            .set("group.id", "g")
            .set("partition.assignment.strategy", "range")
            .set("enable.auto.commit", "false");
        let other: BaseConsumer = config.create().expect("a consumer");
        other.subscribe(&["rides"]).expect("it joins");
        while messages.dropped == 0 {
            assert!(began.elapsed() < PATIENCE, "nobody takes them away");
            drop(other.poll(Duration::ZERO));
            let had = messages.read.len();
            gather(&mut messages, &mut batch);
            assert!(messages.read.len() >= had || messages.dropped == had as u64);
        }
        assert!(messages.read.is_empty() && batch.events.is_empty() && batch.bytes.is_empty());
        // The other one has told nothing when it goes. So all of it comes again, each once, and from the first.
        drop(other);
        let mut next: BTreeMap<i32, i64> = BTreeMap::new();
        while next.values().sum::<i64>() < COUNT as i64 * i64::from(PARTITIONS) {
            assert!(began.elapsed() < 3 * PATIENCE, "{next:?}");
            if messages.next(&mut batch).expect("the broker is there") != Next::Batch {
                continue;
            }
            assert!(messages.is_own());
            assert_eq!(batch.events.len(), messages.read.len());
            for (partition, offset) in &messages.read {
                let expected = next.entry(*partition).or_default();
                assert_eq!(offset, expected, "of {partition}");
                *expected += 1;
            }
            messages
                .committed(messages.read.len())
                .expect("nothing fails");
        }
    }
}
