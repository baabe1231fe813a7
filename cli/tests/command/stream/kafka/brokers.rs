//! Brokers of a test's own.
//!
//! One is librdkafka's: it talks the protocol of Kafka over real connections, with groups, does what it is told, and keeps everything in memory. The
//! other one is Tansu, which has its topics and groups on a disk, numbers what idempotent producers send, and asks who somebody is. It can be killed
//! and started again. Each has a process of its own: what a test starts would inherit the connections of one in its process, and hold them
//! when the broker closes them.

use std::env;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{Offset, TopicPartitionList};

use super::super::*;
use super::{model::Ride, shared};

/// How many partitions of `rides` the broker makes.
const PARTITIONS: &str = "TOLLGATE_TEST_PARTITIONS";
/// What begins the lines of librdkafka's broker that are for the test.
const SAYS: &str = "broker: ";
/// Tansu, where `cargo xtask kafka` builds it.
const TANSU: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../target/kafka/tollgate-kafka"
);
/// Who may speak to a Tansu that asks.
pub(super) const USER: &str = "ann";
pub(super) const PASSWORD: &str = "s3cret=#";

/// A broker.
pub(super) struct Kafka {
    process: Child,
    kind: Kind,
    pub(super) servers: String,
    producer: BaseProducer,
    reader: BaseConsumer,
}

enum Kind {
    Mock {
        stdin: ChildStdin,
        stdout: BufReader<ChildStdout>,
    },
    Tansu(Tansu),
}

/// Where a Tansu listens and what it keeps.
struct Tansu {
    port: u16,
    folder: PathBuf,
    partitions: i32,
    asks: bool,
}

/// The process of librdkafka's broker: it says where it listens, and does what it is told until there is nobody to tell it.
#[test]
#[ignore = "a process that the other tests start"]
fn mock() {
    let cluster = MockCluster::new(1).expect("it starts");
    let partitions = env::var(PARTITIONS).map_or(1, |n| n.parse().expect("a number"));
    for (topic, partitions) in [("rides", partitions), ("actions", 1), ("dead", 1)] {
        let made = cluster.create_topic(topic, partitions, 1);
        made.expect("the topic is made");
    }
    println!("\n{SAYS}{}", cluster.bootstrap_servers());
    let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    for told in std::io::stdin().lines() {
        match &*told.expect("text") {
            "down" => cluster.broker_down(1).expect("it goes"),
            "up" => cluster.broker_up(1).expect("it comes"),
            // So many commits of offsets are refused.
            count => cluster.request_errors(
                RDKafkaApiKey::OffsetCommit,
                &vec![refusal; count.parse().expect("a number")],
            ),
        }
        println!("{SAYS}done");
    }
}

impl Kafka {
    /// librdkafka's, with the topics `rides`, which has so many partitions, `actions` and `dead`.
    pub(super) fn mock(partitions: i32) -> Kafka {
        let mut process = Command::new(env::current_exe().expect("it runs"))
            .args([
                "stream::kafka::brokers::mock",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env(PARTITIONS, partitions.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stdin = process.stdin.take().expect("it is piped");
        let mut stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        let servers = said(&mut stdout);
        Kafka::of(process, servers, Kind::Mock { stdin, stdout })
    }

    /// Whether there is a Tansu; a word, where there is none.
    pub(super) fn has_tansu() -> bool {
        let has = Path::new(TANSU).is_file();
        if !has {
            println!("left out: there is no {TANSU}, which `cargo xtask kafka` builds");
        }
        has
    }

    /// The same topics in a Tansu.
    pub(super) fn tansu(partitions: i32) -> Kafka {
        Kafka::start_tansu(partitions, false)
    }

    /// In one that lets nobody but [`USER`] in.
    pub(super) fn start_tansu(partitions: i32, asks: bool) -> Kafka {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it has one").port();
        drop(listener);
        let name = format!("tollgate-kafka-{}-{port}", std::process::id());
        let folder = env::temp_dir().join(name);
        let tansu = Tansu {
            port,
            folder,
            partitions,
            asks,
        };
        let servers = format!("127.0.0.1:{port}");
        Kafka::of(tansu.run(), servers, Kind::Tansu(tansu))
    }

    fn of(process: Child, servers: String, kind: Kind) -> Kafka {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &servers);
        if let Kind::Tansu(Tansu { asks: true, .. }) = &kind {
            config
                .set("security.protocol", "sasl_plaintext")
                .set("sasl.mechanisms", "SCRAM-SHA-256")
                .set("sasl.username", USER)
                .set("sasl.password", PASSWORD);
        }
        let producer = config.clone().set("compression.type", "gzip").create();
        config
            .set("group.id", "nobody")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true");
        Kafka {
            process,
            kind,
            servers,
            producer: producer.expect("a producer"),
            reader: config.create().expect("a consumer"),
        }
    }

    /// Whether it takes in once what an idempotent producer sends twice, and hears how far members are while another one joins.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.kind, Kind::Tansu(_))
    }

    /// Waits until a member that was killed is given up. Tansu only looks for these when somebody joins, and waits for them for ever where it is
    /// too early then.
    pub(super) fn gives_up_who_is_gone(&self) {
        if let Kind::Tansu(_) = self.kind {
            thread::sleep(Duration::from_secs(5));
        }
    }

    /// `STOP` or `CONT`.
    pub(super) fn signal(&self, signal: &str) {
        let args = [format!("-{signal}"), self.process.id().to_string()];
        let status = Command::new("kill").args(args).status();
        assert!(status.expect("there is kill").success());
    }

    /// What librdkafka's broker is to do.
    pub(super) fn tell(&mut self, what: &str) {
        let Kind::Mock { stdin, stdout } = &mut self.kind else {
            unreachable!("nobody else is told");
        };
        writeln!(stdin, "{what}").expect("it reads");
        assert_eq!(said(stdout), "done");
    }

    /// Ends it without a word; what it keeps on a disk stays.
    pub(super) fn go(&mut self) {
        match &self.kind {
            Kind::Mock { .. } => self.tell("down"),
            Kind::Tansu(_) => {
                self.process.kill().expect("it is ours");
                self.process.wait().expect("it is ours");
            }
        }
    }

    /// It is there again, with what it had.
    pub(super) fn come(&mut self) {
        match &self.kind {
            Kind::Mock { .. } => self.tell("up"),
            Kind::Tansu(tansu) => self.process = tansu.run(),
        }
    }

    /// The disk is lost; it is gone.
    pub(super) fn forget(&self) {
        let Kind::Tansu(tansu) = &self.kind else {
            unreachable!("nobody else has one");
        };
        fs::remove_dir_all(&tansu.folder).expect("it was there");
    }

    /// A name that no test has over another broker.
    pub(super) fn named(&self, name: &str) -> String {
        let port = self.servers.rsplit(':').next().unwrap_or_default();
        format!("{name}-{port}")
    }

    pub(super) fn folder(&self, name: &str) -> Folder {
        Folder::new(&self.named(name))
    }

    pub(super) fn url(&self, topic: &str) -> String {
        format!("kafka://{}/{topic}", self.servers)
    }

    /// Appends to `rides`; rides of a user go to one partition of so many.
    pub(super) fn send(&self, rides: &[Ride], partitions: i32) {
        for ride in rides {
            let user = ride.line.split("\"user\":").nth(1).unwrap_or_default();
            let user = user.split(',').next().unwrap_or_default();
            let sum: i32 = user.bytes().map(i32::from).sum();
            self.send_value(Some(&ride.line), sum % partitions);
        }
        self.flush();
    }

    pub(super) fn send_value(&self, value: Option<&str>, partition: i32) {
        let mut record = BaseRecord::<str, str>::to("rides").partition(partition);
        if let Some(value) = value {
            record = record.payload(value);
        }
        let sent = self.producer.send(record);
        sent.map_err(|(error, _)| error).expect("there is room");
        self.producer.poll(Duration::ZERO);
    }

    pub(super) fn flush(&self) {
        self.producer.flush(PATIENCE).expect("they are delivered");
    }

    /// How many messages a topic of one partition has.
    pub(super) fn count(&self, topic: &str) -> usize {
        let extent = self.reader.fetch_watermarks(topic, 0, PATIENCE);
        extent.expect("it answers").1 as usize
    }

    /// The messages of a topic of one partition: keys, empty where there is none, and values.
    pub(super) fn messages(&self, topic: &str) -> Vec<(String, String)> {
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

    pub(super) fn lines(&self, topic: &str) -> Vec<String> {
        let messages = self.messages(topic).into_iter();
        messages.map(|(_, line)| line).collect()
    }

    /// The arguments of a stream whose journal has this name.
    pub(super) fn args(&self, journal: &str, input: &str, more: &[&str]) -> Vec<String> {
        // A database takes longer than memory, all the more where other tests run.
        let wait = match self.kind {
            Kind::Mock { .. } => "timeout=2s&patience=40s",
            Kind::Tansu(_) => "timeout=4s&patience=40s",
        };
        let input = format!("{}?{input}&{wait}", self.url("rides"));
        let to = |topic: &str| format!("{}?{wait}&longest=16384", self.url(topic));
        shared::args(journal, &input, &to("actions"), &to("dead"), more)
    }

    /// Waits until the topic has so many messages.
    pub(super) fn wait_for(&self, topic: &str, count: usize, children: &mut [&mut Child]) {
        shared::wait_for(topic, || self.count(topic) >= count, children);
    }
}

impl Tansu {
    /// Comes back when it listens.
    fn run(&self) -> Child {
        fs::create_dir_all(&self.folder).expect("a folder can be made");
        let mut process = Command::new(TANSU);
        process
            .args([&self.port.to_string(), &self.partitions.to_string()])
            .current_dir(&self.folder);
        if self.asks {
            process.args([USER, PASSWORD]);
        }
        let mut process = process.spawn().expect("it is there");
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "it does not listen");
            let ended = process.try_wait().expect("its state is known");
            assert!(ended.is_none(), "it ended: {ended:?}");
            thread::sleep(Duration::from_millis(10));
        }
        process
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        // It may have been ended before.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Kind::Tansu(tansu) = &self.kind {
            let _ = fs::remove_dir_all(&tansu.folder);
        }
    }
}

/// What librdkafka's broker says next.
fn said(stdout: &mut impl BufRead) -> String {
    let mut lines = stdout.lines().map(|line| line.expect("text"));
    let said = lines.find_map(|line| line.strip_prefix(SAYS).map(str::to_owned));
    said.expect("the broker runs")
}
