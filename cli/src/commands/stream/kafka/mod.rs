//! Topics of a Kafka: events in as a member of a group, actions out.
//!
//! What the journal says holds. How far a group has read is told to Kafka when it is in the journal and its actions are written, for other
//! members and for people; who goes on with its journal begins where that stands. librdkafka connects again by itself; a [`Topic`] says for how
//! long that is waited for.

mod member;
mod messages;
mod security;
mod sent;

use std::time::{Duration, Instant};
use std::{fmt, thread};

use rdkafka::client::Client;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{IsError, KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{ClientConfig, ClientContext};
use tollgate::Address;

pub(super) use self::messages::{Messages, OF_INPUT};
use self::security::Ear;
pub(super) use self::sent::{OF_OUTPUT, Sent};
use super::broker::{Broker, Failed};
use super::{Ending, Result};

/// Bytes of the longest name of a topic that Kafka allows.
const NAME_MAX: usize = 249;
/// Between two looks at a topic that is being made, and how long librdkafka has to say why there is no connection.
const PAUSE: Duration = Duration::from_millis(100);
/// How often it is listened to what it says.
const TOLD: usize = 16;

/// A topic, and those who have it.
struct Topic {
    broker: Broker,
    name: String,
    config: ClientConfig,
    /// What is heard of its connections.
    ear: Ear,
}

impl Topic {
    /// The topic of an address such as `kafka://one:9092,two:9092/rides`. Nothing is asked yet.
    fn of(address: &Address, ending: &Ending) -> Result<Topic> {
        let scheme = address.scheme();
        let place = &address.base()[scheme.len() + "://".len()..];
        if place.contains('@') {
            return Err(format!(
                "{address}: who it is stands in a file, ?config=FILE with sasl.mechanism, sasl.username and sasl.password, and not in an address, which lists of processes show"
            )
            .into());
        }
        let (servers, name) = place.split_once('/').unwrap_or((place, ""));
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if servers.is_empty() || servers.split(',').any(str::is_empty) {
            return Err(format!(
                "{address}: say where brokers are and which topic it is, {scheme}://127.0.0.1:9092/rides"
            )
            .into());
        }
        if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(fits) {
            return Err(format!(
                "{address}: say which topic it is, {scheme}://{servers}/rides; a name has letters, digits, `.`, `_` and `-`, {NAME_MAX} at most"
            )
            .into());
        }
        let broker = Broker::of(address, ending)?;
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", servers)
            .set("client.id", "tollgate")
            .set("socket.timeout.ms", ms(broker.timeout, 10, 300_000))
            .set(
                "socket.connection.setup.timeout.ms",
                ms(broker.timeout, 1_000, 300_000),
            )
            .set("reconnect.backoff.max.ms", "1000");
        config.set_log_level(security::LOG);
        security::apply(address, &mut config)?;
        Ok(Topic {
            name: name.to_owned(),
            broker,
            config,
            ear: Ear::default(),
        })
    }

    /// Why it does not answer: what was heard of its connections, where an error is about these.
    fn why(&self, error: &KafkaError) -> String {
        let heard = self.ear.heard().filter(|_| is_of_connections(error));
        heard.map_or_else(|| text(error), |trouble| trouble.why)
    }

    /// The answer of Kafka, which is waited for as long as patience lasts.
    fn ask<T>(&self, mut attempt: impl FnMut() -> KafkaResult<T>) -> Result<T> {
        let answer = self.broker.ask(|| {
            attempt().map_err(|error| match passes(&error) {
                true => Failed::Passing(self.why(&error)),
                false => Failed::Lasting(self.broker.refused(&text(&error))),
            })
        })?;
        self.ear.forget();
        Ok(answer)
    }

    /// Looks whether there is such a topic; who starts a stream wants to hear of that at once. Where brokers make a topic that is asked for, they
    /// take a moment. What librdkafka says meanwhile is told to the client's context when it is polled.
    fn look<C: ClientContext>(&self, client: &Client<C>, mut poll: impl FnMut()) -> Result<i32> {
        let began = Instant::now();
        loop {
            match self.partitions(client) {
                Ok(count) => return Ok(count),
                Err(error) if !is_missing(&error) && passes(&error) => {
                    for _ in 0..TOLD {
                        if self.ear.heard().is_none() {
                            poll();
                        }
                    }
                    return Err(match self.ear.heard() {
                        Some(trouble) if trouble.is_distrust => self.broker.refused(&trouble.why),
                        _ => self.broker.silent(&self.why(&error)),
                    });
                }
                Err(error) if !is_missing(&error) => {
                    return Err(self.broker.refused(&text(&error)));
                }
                Err(_) if began.elapsed() < self.broker.timeout && !self.broker.is_ending() => {
                    thread::sleep(PAUSE);
                }
                Err(error) => {
                    let why = format!("{}: there is no topic `{}`", text(&error), self.name);
                    return Err(self.broker.refused(&why));
                }
            }
        }
    }

    /// How many partitions it has.
    fn partitions<C: ClientContext>(&self, client: &Client<C>) -> KafkaResult<i32> {
        let metadata = client.fetch_metadata(Some(&self.name), self.broker.timeout)?;
        let topic = metadata.topics().first();
        match topic.and_then(|topic| topic.error()) {
            Some(error) if error.is_error() => Err(KafkaError::MetadataFetch(error.into())),
            _ => Ok(topic.map_or(0, |topic| topic.partitions().len() as i32)),
        }
    }

    /// Which messages a partition has: the offset of the first, and of the one that will come next.
    fn extent<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        partition: i32,
    ) -> Result<(i64, i64)> {
        self.ask(|| consumer.fetch_watermarks(&self.name, partition, self.broker.timeout))
    }
}

/// Why there is no client of an address. What its properties are is not said: one is a password.
fn not_made(name: impl fmt::Display, error: KafkaError) -> String {
    let why = match error {
        KafkaError::ClientConfig(_, why, property, _) => format!("{property}: {why}"),
        KafkaError::ClientCreation(why) => why,
        error => text(&error),
    };
    format!("{name}: {why}")
}

/// Milliseconds of a setting that librdkafka wants within bounds.
fn ms(duration: Duration, least: u128, most: u128) -> String {
    duration.as_millis().clamp(least, most).to_string()
}

/// Whether an error is that there is no such topic, perhaps not yet.
fn is_missing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::*;
    matches!(
        error.rdkafka_error_code(),
        Some(UnknownTopic | UnknownTopicOrPartition | UnknownPartition | LeaderNotAvailable)
    )
}

/// Whether an error is that there is no connection, or none in time. A broker that is being started may well refuse who will be let in.
fn is_of_connections(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::*;
    matches!(
        error.rdkafka_error_code(),
        Some(
            AllBrokersDown
                | Authentication
                | BrokerDestroy
                | BrokerTransportFailure
                | MessageTimedOut
                | OperationTimedOut
                | Resolve
                | SSL
                | TimedOutQueue
        )
    )
}

/// Whether an error passes by itself: nobody answers, or the brokers are about to agree on who does.
fn passes(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::*;
    let passing = matches!(
        error.rdkafka_error_code(),
        Some(
            BrokerNotAvailable
                | CoordinatorLoadInProgress
                | CoordinatorNotAvailable
                | InvalidReplicationFactor
                | NetworkException
                | NotCoordinator
                | NotEnoughReplicas
                | NotEnoughReplicasAfterAppend
                | NotLeaderForPartition
                | RebalanceInProgress
                | RequestTimedOut
                | WaitingForCoordinator
        )
    );
    passing || is_of_connections(error) || is_missing(error)
}

/// An error as people know it.
fn text(error: &KafkaError) -> String {
    match error.rdkafka_error_code() {
        Some(code) => code.to_string(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(text: &str) -> std::result::Result<Topic, String> {
        let address = Address::parse(text, OF_INPUT).expect("an address");
        Topic::of(&address, &Ending::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_has_brokers_and_a_topic() {
        let topic_of = topic("kafka://one:9092,two:9092/rides.v1?group=g").expect("it has");
        assert_eq!(topic_of.name, "rides.v1");
        assert_eq!(
            topic_of.config.get("bootstrap.servers"),
            Some("one:9092,two:9092")
        );
        for (text, said) in [
            ("kafka://", "say where brokers are"),
            ("kafka:///rides", "say where brokers are"),
            ("kafka://h,/rides", "say where brokers are"),
            ("kafka://h", "say which topic it is, kafka://h/rides"),
            ("kafka://h/a/b", "say which topic it is"),
            (
                "kafka://me:secret@h/rides",
                "kafka://h/rides: who it is stands in a file",
            ),
        ] {
            let error = topic(text).err().expect("it is refused");
            assert!(
                error.contains(said) && !error.contains("secret"),
                "{text}: {error}"
            );
        }
    }
}
