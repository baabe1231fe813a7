//! Events out of a topic of a Kafka, and actions into one, whatever ends a member of the group or the broker.
//!
//! The broker is librdkafka's own, which talks the protocol of Kafka over real connections, with groups. It has a process of its own: what the
//! test starts would inherit its connections, and hold them when the broker closes them.

use std::collections::BTreeSet;
use std::env;
use std::process::{Child, ChildStdin, Stdio};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;

use super::model::{self, Ride, rewards, rides};
use super::shared::{self, kill, strs};
use super::*;

/// A member that was not heard of for so long loses its partitions. The broker lets a group wait for three seconds before it begins.
const CLAIM: &str = "claim=4s";

/// How many partitions of `rides` the broker makes.
const PARTITIONS: &str = "TOLLGATE_TEST_PARTITIONS";

/// A broker of a test's own.
struct Kafka {
    broker: Child,
    stdin: ChildStdin,
    stdout: BufReader<std::process::ChildStdout>,
    servers: String,
    producer: BaseProducer,
    reader: BaseConsumer,
}

/// The process of a broker: it says where it listens, and does what it is told until there is nobody to tell it.
#[test]
#[ignore = "a process that the other tests start"]
fn broker() {
    let cluster = MockCluster::new(1).expect("it starts");
    let partitions = env::var(PARTITIONS).map_or(1, |n| n.parse().expect("a number"));
    for (topic, partitions) in [("rides", partitions), ("actions", 1), ("dead", 1)] {
        let made = cluster.create_topic(topic, partitions, 1);
        made.expect("the topic is made");
    }
    println!("\n{SAYS}{}", cluster.bootstrap_servers());
    for told in std::io::stdin().lines() {
        let done = match &*told.expect("text") {
            "down" => cluster.broker_down(1),
            _ => cluster.broker_up(1),
        };
        done.expect("it does that");
        println!("{SAYS}done");
    }
}

/// What begins the lines of a broker that are for the test.
const SAYS: &str = "broker: ";

impl Kafka {
    /// With the topics `rides`, which has so many partitions, `actions` and `dead`.
    fn start(partitions: i32) -> Kafka {
        let mut broker = Command::new(env::current_exe().expect("it runs"))
            .args([
                "stream::kafka::broker",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env(PARTITIONS, partitions.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdin = broker.stdin.take().expect("it is piped");
        let mut stdout = BufReader::new(broker.stdout.take().expect("it is piped"));
        let servers = said(&mut stdout);
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &servers);
        let producer = config.clone().set("compression.type", "gzip").create();
        config
            .set("group.id", "nobody")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true");
        Kafka {
            broker,
            stdin,
            stdout,
            servers,
            producer: producer.expect("a producer"),
            reader: config.create().expect("a consumer"),
        }
    }

    /// `STOP` or `CONT`.
    fn signal(&self, signal: &str) {
        let args = [format!("-{signal}"), self.broker.id().to_string()];
        let status = Command::new("kill").args(args).status();
        assert!(status.expect("there is kill").success());
    }

    /// `down` or `up`.
    fn tell(&mut self, what: &str) {
        writeln!(self.stdin, "{what}").expect("it reads");
        assert_eq!(said(&mut self.stdout), "done");
    }

    fn url(&self, topic: &str) -> String {
        format!("kafka://{}/{topic}", self.servers)
    }

    /// Appends to `rides`; rides of a user go to one partition of so many.
    fn send(&self, rides: &[Ride], partitions: i32) {
        for ride in rides {
            let user = ride.line.split("\"user\":").nth(1).unwrap_or_default();
            let user = user.split(',').next().unwrap_or_default();
            let sum: i32 = user.bytes().map(i32::from).sum();
            self.send_value(Some(&ride.line), sum % partitions);
        }
        self.producer.flush(PATIENCE).expect("they are delivered");
    }

    fn send_value(&self, value: Option<&str>, partition: i32) {
        let mut record = BaseRecord::<str, str>::to("rides").partition(partition);
        if let Some(value) = value {
            record = record.payload(value);
        }
        let sent = self.producer.send(record);
        sent.map_err(|(error, _)| error).expect("there is room");
        self.producer.poll(Duration::ZERO);
    }

    /// How many messages a topic of one partition has.
    fn count(&self, topic: &str) -> usize {
        let extent = self.reader.fetch_watermarks(topic, 0, PATIENCE);
        extent.expect("it answers").1 as usize
    }

    /// The messages of a topic of one partition: keys, empty where there is none, and values.
    fn messages(&self, topic: &str) -> Vec<(String, String)> {
        let mut list = TopicPartitionList::new();
        let added = list.add_partition_offset(topic, 0, Offset::Beginning);
        added.expect("a partition");
        self.reader.assign(&list).expect("it is assigned");
        let mut all = Vec::new();
        loop {
            match self.reader.poll(PATIENCE) {
                Some(Ok(message)) => {
                    let text = |bytes: Option<&[u8]>| {
                        String::from_utf8(bytes.unwrap_or_default().to_vec()).expect("text")
                    };
                    all.push((text(message.key()), text(message.payload())));
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return all,
                // It was down, and is there again.
                Some(Err(KafkaError::MessageConsumption(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn lines(&self, topic: &str) -> Vec<String> {
        let messages = self.messages(topic).into_iter();
        messages.map(|(_, line)| line).collect()
    }

    /// The arguments of a stream whose journal has this name.
    fn args(&self, journal: &str, input: &str, more: &[&str]) -> Vec<String> {
        let wait = "timeout=2s&patience=40s";
        let input = format!("{}?{input}&{wait}", self.url("rides"));
        let to = |topic: &str| format!("{}?{wait}&longest=16384", self.url(topic));
        shared::args(journal, &input, &to("actions"), &to("dead"), more)
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.broker.kill().expect("it is ours");
        self.broker.wait().expect("it is ours");
    }
}

/// What the broker says next.
fn said(stdout: &mut impl BufRead) -> String {
    let mut lines = stdout.lines().map(|line| line.expect("text"));
    let said = lines.find_map(|line| line.strip_prefix(SAYS).map(str::to_owned));
    said.expect("the broker runs")
}

/// Waits until the topic has so many messages.
fn wait_for(kafka: &Kafka, topic: &str, count: usize, children: &mut [&mut Child]) {
    shared::wait_for(topic, || kafka.count(topic) >= count, children);
}

/// What the model says of rides: all actions.
fn expected(rides: &[Ride]) -> (Vec<String>, usize) {
    let expected = rewards(rides);
    let lines = expected.output.lines().map(str::to_owned);
    (lines.collect(), expected.dead)
}

/// What a reader has who knows ids. The broker of these tests that was stopped takes in what was sent to it before and what was sent again: it looks
/// at the numbers of an idempotent producer in transactions only.
fn first_of_each(lines: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let first = |line: &String| seen.insert(line.clone());
    lines.into_iter().filter(first).collect()
}

#[test]
fn messages_of_a_kafka_come_to_what_lines_come_to() {
    let kafka = Kafka::start(1);
    let rides = rides(5, 300);
    let (expected, dead) = expected(&rides);
    kafka.send(&rides[..200], 1);
    kafka.send_value(None, 0);
    // A dead letter with all of it would be longer than what may be sent.
    let long = format!("{{\"id\":\"long\",\"note\":\"{}\"}}", "x".repeat(20_000));
    kafka.send_value(Some(&long), 0);
    kafka.send(&rides[200..], 1);
    let folder = Folder::new("stream-kafka").with("a.rules", model::RULES);
    let args = kafka.args("j1", "group=g", &["--drain"]);
    let ended = folder.tollgate(&strs(&args)).exits(1);
    ended
        .says("message 0:200 refused")
        .says("the message has no value");
    let messages = kafka.messages("actions");
    for (key, line) in &messages {
        assert!(line.starts_with(&format!("{{\"id\":\"{key}\",")), "{line}");
    }
    assert_eq!(kafka.lines("actions"), expected);
    let letters = kafka.lines("dead");
    assert_eq!(letters.len(), dead + 2);
    let shortened = letters.iter().find(|letter| letter.contains("xxx"));
    let shortened: Value = serde_json::from_str(shortened.expect("it is there")).expect("JSON");
    assert_eq!(shortened["text"], long[..1_024]);
    let letter: Value = serde_json::from_str(&letters[0]).expect("JSON");
    assert!(
        letter["message"]
            .as_str()
            .expect("a place")
            .starts_with("0:")
    );
    assert_eq!(letter["input"], kafka.url("rides").as_str());
    // The journal knows how far it is, and so does the group.
    folder.tollgate(&strs(&args)).exits(0).says("0 decided");
    let other = kafka.args("j2", "group=g", &["--drain"]);
    folder.tollgate(&strs(&other)).exits(0).says("0 decided");
    assert_eq!(kafka.count("actions"), expected.len());
    // A group of its own reads it all, and decides the same: Kafka does not ask whether a message is there.
    let other = kafka.args("j3", "group=h", &["--drain"]);
    folder.tollgate(&strs(&other)).exits(1).says(" duplicates");
    assert_eq!(
        kafka.lines("actions"),
        [&expected[..], &expected[..]].concat()
    );
}

/// Killed three times, by one of the two ways to have partitions; each ride is there four times.
#[test]
fn three_kills_in_the_middle_change_nothing_in_a_topic() {
    for (n, input) in [
        format!("group=g&{CLAIM}"),
        "group=g&partitions=0".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let kafka = Kafka::start(1);
        let once = rides(8 + n as u64, 300);
        let twice = [&once[..], &once[..]].concat();
        let (expected, dead) = expected(&twice);
        assert!(expected.len() > 80, "{}", expected.len());
        kafka.send(&twice, 1);
        let folder = Folder::new(&format!("stream-kafka-{n}")).with("a.rules", model::RULES);
        let args = kafka.args("j", input, &[]);
        for part in 1..=3 {
            let mut child = folder.start(&strs(&args), &[]);
            wait_for(
                &kafka,
                "actions",
                expected.len() * part / 4,
                &mut [&mut child],
            );
            kill(child);
            assert!(
                kafka.count("actions") < expected.len(),
                "it was in the middle"
            );
        }
        let args = kafka.args("j", input, &["--drain"]);
        let ended = folder.tollgate(&strs(&args)).exits(1);
        ended.says("resumed behind");
        assert_eq!(kafka.lines("actions"), expected);
        assert_eq!(kafka.count("dead"), dead);
    }
}

/// A member joins while messages are decided, and another one leaves behind some.
#[test]
fn partitions_change_hands_in_the_middle() {
    const RULES: &str = r#"
record Ride { id: String, user: String, fare: Money<SGD>, at: Instant }
enum Action { thanks(user: String) }
stream rides: Ride { id: event.id, time: event.at, dedupe: 30d }
ruleset thanks(e: Ride) -> [Action] on rides hit all {
  rule each when e.user != "" then thanks(e.user)
}
"#;
    const THIRD: usize = 6_000;
    let kafka = Kafka::start(4);
    let ride = |n: usize| {
        format!(
            "{{\"id\":\"r{n}\",\"user\":\"u{n}\",\"fare\":\"9.00 SGD\",\"at\":\"2026-11-02T09:00:00Z\"}}"
        )
    };
    let folder = Folder::new("stream-kafka-hands").with("a.rules", RULES);
    let send = |range: std::ops::Range<usize>| {
        for n in range {
            kafka.send_value(Some(&ride(n)), (n % 4) as i32);
        }
        kafka.producer.flush(PATIENCE).expect("they are delivered");
    };
    let start = |journal: &str| {
        let args = kafka.args(journal, &format!("group=g&{CLAIM}"), &[]);
        folder.start(&strs(&args), &[])
    };
    let decided = || -> BTreeSet<(String, String)> {
        let messages = kafka.messages("actions");
        messages.into_iter().collect()
    };
    send(0..THIRD);
    let mut one = start("j1");
    wait_for(&kafka, "actions", 100, &mut [&mut one]);
    let mut two = start("j2");
    // It joins while the first has a backlog, and messages keep coming.
    for sent in (THIRD..2 * THIRD).step_by(600) {
        send(sent..sent + 600);
        thread::sleep(Duration::from_millis(300));
    }
    let all = || decided().len() >= 2 * THIRD;
    shared::wait_for("actions", all, &mut [&mut one, &mut two]);
    // Nothing is lost, and what is decided twice is the same. Kafka hears how far a member is that lets go of partitions; the broker of these
    // tests hears of that no more from when somebody joins, so some batches are decided by both.
    assert_eq!(decided().len(), 2 * THIRD);
    let before = kafka.count("actions");
    assert!(before < 3 * THIRD, "{before}");
    // What was told is known, and then the one leaves: the other goes on behind all of it.
    thread::sleep(Duration::from_secs(1));
    terminate(&one);
    let one = ended(&["one"], one).exits(0);
    send(2 * THIRD..3 * THIRD);
    wait_for(&kafka, "actions", before + THIRD, &mut [&mut two]);
    terminate(&two);
    let two = ended(&["two"], two).exits(0);
    for ended in [&one, &two] {
        assert!(!ended.err.starts_with("0 decided"), "{ended:?}");
    }
    assert_eq!(
        kafka.count("actions"),
        before + THIRD,
        "each once: {one:?} {two:?}"
    );
    assert_eq!(decided().len(), 3 * THIRD);
}

/// Two members, of which one is killed and started again, the other killed for good, and the first killed once more. States are in a Redis.
#[cfg(feature = "redis")]
#[test]
fn two_members_and_three_kills_reward_what_lines_reward() {
    use std::collections::BTreeMap;

    use super::super::redis::Redis;
    let Some(redis) = Redis::start() else {
        return;
    };
    let kafka = Kafka::start(4);
    let once = rides(6, 400);
    let twice = [&once[..], &once[..]].concat();
    let (expected, dead) = shared::by_lines("stream-kafka-lines", &twice);
    let rules = shared::shared("redis.growth");
    let folder = Folder::new("stream-kafka-shared").with("a.rules", rules);
    let store = redis.store();
    let input = format!("group=g&{CLAIM}");
    let start = |journal: &str| {
        let args = kafka.args(journal, &input, &["--store", &store]);
        folder.start(&strs(&args), &[])
    };
    kafka.send(&twice, 4);
    let (mut one, mut two) = (start("j1"), start("j2"));
    let part = |n| expected.len() * n / 6;
    wait_for(&kafka, "actions", part(1), &mut [&mut one, &mut two]);
    kill(one);
    let mut one = start("j1");
    wait_for(&kafka, "actions", part(2), &mut [&mut one, &mut two]);
    kill(two);
    wait_for(&kafka, "actions", part(3), &mut [&mut one]);
    kill(one);
    let args = kafka.args("j1", &input, &["--drain", "--store", &store]);
    folder.tollgate(&strs(&args));
    // What was decided by two of them, because the first had not told the group, is there twice, and is the same.
    let messages: BTreeSet<(String, String)> = kafka.messages("actions").into_iter().collect();
    let by_id: BTreeMap<&str, &str> = messages.iter().map(|(id, l)| (&**id, &**l)).collect();
    assert_eq!(by_id.len(), messages.len(), "an id has one action");
    assert_eq!(shared::actions(by_id.into_values()), expected);
    let letters: BTreeSet<String> = kafka.lines("dead").into_iter().collect();
    assert_eq!(letters.len(), dead);
    // Nor was anything charged for nothing.
    assert_eq!(redis.charged(), shared::cents(&expected));
}

#[test]
fn a_broker_that_comes_back_is_waited_for() {
    let mut kafka = Kafka::start(1);
    let rides = rides(7, 200);
    let (expected, _) = expected(&rides);
    let half = rides.len() / 2;
    kafka.send(&rides[..half], 1);
    let folder = Folder::new("stream-kafka-outage").with("a.rules", model::RULES);
    let args = kafka.args("j", &format!("group=g&{CLAIM}"), &[]);
    let args: Vec<String> = args
        .iter()
        .map(|arg| arg.replace("timeout=2s", "timeout=1s"))
        .collect();
    let mut child = folder.start(&strs(&args), &[]);
    wait_for(&kafka, "actions", 5, &mut [&mut child]);
    kafka.signal("STOP");
    // Longer than an answer is waited for, and than a member is.
    thread::sleep(Duration::from_secs(5));
    kafka.signal("CONT");
    wait_for(&kafka, "actions", 20, &mut [&mut child]);
    kafka.tell("down");
    thread::sleep(Duration::from_secs(6));
    kafka.tell("up");
    kafka.send(&rides[half..], 1);
    let all = || first_of_each(kafka.lines("actions")).len() >= expected.len();
    shared::wait_for("actions", all, &mut [&mut child]);
    terminate(&child);
    let said = ended(&strs(&args), child);
    assert!(said.code == Some(0) || said.code == Some(1), "{said:?}");
    said.says("does not answer").says("answers again");
    assert_eq!(first_of_each(kafka.lines("actions")), expected);
}

#[test]
fn a_broker_that_stays_away_ends_the_stream_and_nothing_is_lost() {
    let kafka = Kafka::start(1);
    let rides = rides(9, 200);
    let (expected, _) = expected(&rides);
    kafka.send(&rides, 1);
    let folder = Folder::new("stream-kafka-gone").with("a.rules", model::RULES);
    let input = format!("group=g&{CLAIM}");
    let args = kafka.args("j", &input, &[]);
    let hasty: Vec<String> = args
        .iter()
        .map(|arg| arg.replace("patience=40s", "patience=3s"))
        .collect();
    let mut child = folder.start(&strs(&hasty), &[]);
    wait_for(&kafka, "actions", 5, &mut [&mut child]);
    kafka.signal("STOP");
    let said = ended(&strs(&hasty), child).exits(2);
    said.says("does not answer")
        .says("what the journal has is not lost, start again");
    kafka.signal("CONT");
    let args = kafka.args("j", &input, &["--drain"]);
    folder.tollgate(&strs(&args)).exits(1);
    assert_eq!(first_of_each(kafka.lines("actions")), expected);
}

#[test]
fn what_cannot_be_read_from_a_kafka_is_said() {
    let folder = Folder::new("stream-kafka-usage").with("a.rules", model::RULES);
    let says = |input: &str, more: &[&str], text: &str| {
        let args = ["stream", "a.rules", "--journal", "j", "--input", input];
        let all: Vec<&str> = args.iter().chain(more).copied().collect();
        folder.tollgate(&all).exits(2).says(text);
    };
    let nobody = "kafka://127.0.0.1:1/rides";
    says(
        nobody,
        &[],
        "kafka://127.0.0.1:1/rides: say for which group of consumers it is read, ?group=…",
    );
    says("kafka://127.0.0.1:1", &[], "say which topic it is");
    says(
        &format!("{nobody}?topic=s"),
        &[],
        "has no setting `topic`; there is group, partitions",
    );
    says(
        &format!("{nobody}?group=g&partitions=a"),
        &[],
        "`partitions` are numbers from 0",
    );
    let all = format!("{nobody}?group=g&timeout=1s");
    says(&all, &[], "kafka://127.0.0.1:1/rides does not answer");
    says(
        "-",
        &["--output", "kafka://127.0.0.1:1/actions?group=g"],
        "there is longest, timeout",
    );
    let kafka = Kafka::start(2);
    let wrong = format!("{}?group=g&partitions=1,2", kafka.url("rides"));
    says(&wrong, &[], "has no partition 2: there are 2, from 0");
}
