//! Streams of a Redis (7 or later): events in by a consumer group, actions out, each once by its id.
//!
//! A [`Link`] is a connection that is made again when it breaks. Whatever is said over one may be said twice, so everything that is said
//! does the same twice.

mod entries;
mod sent;

use std::time::Duration;

use redis::{Client, Cmd, Connection, ErrorKind, RedisResult, ServerError, Value};
use tollgate::Address;

pub(super) use self::entries::{Entries, OF_INPUT};
pub(super) use self::sent::{OF_OUTPUT, Sent};
use super::broker::{Broker, Failed, wanted};
use super::{Ending, Result};

/// The field of an entry that has what a line of a file would have.
const FIELD: &str = "json";

/// A server that is talked to.
struct Link {
    broker: Broker,
    wire: Wire,
}

/// The connection to it, where there is one.
struct Wire {
    client: Client,
    connection: Option<Connection>,
    /// Whether an answer may have been lost since this was looked at.
    lost: bool,
}

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// When the address is none, or the server does not answer: who starts a stream wants to hear of that at once.
    fn open(address: &Address, ending: &Ending) -> Result<Link> {
        // Its own message may show a password.
        let client = Client::open(address.base());
        let client = client.map_err(|error| format!("{address}: {}", error.category()))?;
        let mut link = Link {
            broker: Broker::of(address, ending)?,
            wire: Wire {
                client,
                connection: None,
                lost: false,
            },
        };
        match link
            .wire
            .attempt(&redis::cmd("PING"), link.broker.timeout, Duration::ZERO)
        {
            Ok(Value::ServerError(error)) if !passes(&error) => Err(link.refused(&error)),
            Ok(_) => Ok(link),
            Err(error) => Err(link.broker.silent(&error.to_string())),
        }
    }

    /// What the server says to a command that may take so long by itself. When it does not answer, it is asked again for as long as patience
    /// lasts; an error that will not pass by itself is an answer.
    fn say(&mut self, command: &Cmd, takes: Duration) -> Result<Value> {
        let Link { broker, wire } = self;
        broker.ask(|| match wire.attempt(command, broker.timeout, takes) {
            Ok(Value::ServerError(error)) if passes(&error) => Err(Failed::Passing(text(&error))),
            Ok(value) => Ok(value),
            Err(error) if error.kind() == ErrorKind::AuthenticationFailed => {
                Err(Failed::Lasting(broker.silent(&error.to_string())))
            }
            Err(error) => Err(Failed::Passing(error.to_string())),
        })
    }

    /// The same of a command to which no error is an answer.
    fn tell(&mut self, command: &Cmd) -> Result<Value> {
        match self.say(command, Duration::ZERO)? {
            Value::ServerError(error) => Err(self.refused(&error)),
            value => Ok(value),
        }
    }

    fn refused(&self, error: &ServerError) -> Box<dyn std::error::Error> {
        self.broker.refused(&text(error))
    }
}

impl Wire {
    /// Sends a command once. The server has so long to answer, beyond what the command takes by itself.
    fn attempt(&mut self, command: &Cmd, timeout: Duration, takes: Duration) -> RedisResult<Value> {
        let answer = self.exchange(command, timeout, takes);
        if answer.is_err() {
            self.connection = None;
            self.lost = true;
        }
        answer
    }

    fn exchange(
        &mut self,
        command: &Cmd,
        timeout: Duration,
        takes: Duration,
    ) -> RedisResult<Value> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.client.get_connection_with_timeout(timeout)?),
        };
        connection.set_write_timeout(Some(timeout))?;
        connection.set_read_timeout(Some(timeout + takes))?;
        connection.send_packed_command(&command.get_packed_command())?;
        connection.recv_response()
    }
}

/// Whether an error passes by itself: the server is loading, full, a replica that will not be one for long.
fn passes(error: &ServerError) -> bool {
    const PASSING: &[&str] = &[
        "LOADING",
        "BUSY",
        "TRYAGAIN",
        "MASTERDOWN",
        "CLUSTERDOWN",
        "READONLY",
        "OOM",
        "MISCONF",
        "NOREPLICAS",
        "UNBLOCKED",
    ];
    PASSING.contains(&error.code())
}

/// An error as the server wrote it.
fn text(error: &ServerError) -> String {
    format!("{} {}", error.code(), error.details().unwrap_or_default())
}

/// The bytes of a text.
fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// The items of a list.
fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}
