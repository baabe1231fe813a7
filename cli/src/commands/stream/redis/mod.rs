//! Streams of a Redis (7 or later): events in by a consumer group, actions out, each once by its id.
//!
//! A [`Link`] is a connection that is made again when it breaks. Whatever is said over one may be said twice, so everything that is said
//! does the same twice.

mod entries;
mod sent;

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use redis::{Client, Cmd, Connection, ErrorKind, RedisResult, ServerError, Value};
use tollgate::Address;

pub(super) use self::entries::{Entries, OF_INPUT};
pub(super) use self::sent::{OF_OUTPUT, Sent};
use super::{Ending, Result};

/// The field of an entry that has what a line of a file would have.
const FIELD: &str = "json";
/// How long a server has to answer, and for how long it is tried again, where the address does not say.
const TIMEOUT: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A server that is talked to.
struct Link {
    client: Client,
    /// The address, without what is secret.
    name: String,
    timeout: Duration,
    patience: Duration,
    ending: Ending,
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
            client,
            name: address.to_string(),
            timeout: address.duration("timeout")?.unwrap_or(TIMEOUT),
            patience: address.duration("patience")?.unwrap_or(PATIENCE),
            ending: ending.clone(),
            connection: None,
            lost: false,
        };
        match link.attempt(&redis::cmd("PING"), Duration::ZERO) {
            Ok(Value::ServerError(error)) if !passes(&error) => Err(link.refused(&error)),
            Ok(_) => Ok(link),
            Err(error) => Err(link.silent(&error.to_string())),
        }
    }

    /// What the server says to a command that may take so long by itself. When it does not answer, it is asked again for as long as patience
    /// lasts; an error that will not pass by itself is an answer.
    fn say(&mut self, command: &Cmd, takes: Duration) -> Result<Value> {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let why = match self.attempt(command, takes) {
                Ok(Value::ServerError(error)) if passes(&error) => text(&error),
                Ok(value) => {
                    if pause > FIRST_PAUSE {
                        eprintln!("({} answers again)", self.name);
                    }
                    return Ok(value);
                }
                Err(error) if error.kind() == ErrorKind::AuthenticationFailed => {
                    return Err(self.silent(&error.to_string()));
                }
                Err(error) => error.to_string(),
            };
            if pause == FIRST_PAUSE {
                eprintln!("({} does not answer: {why}; trying again)", self.name);
            }
            if began.elapsed() >= self.patience || self.ending.load(Ordering::Relaxed) {
                return Err(self.silent(&why));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The same of a command to which no error is an answer.
    fn tell(&mut self, command: &Cmd) -> Result<Value> {
        match self.say(command, Duration::ZERO)? {
            Value::ServerError(error) => Err(self.refused(&error)),
            value => Ok(value),
        }
    }

    /// Sends a command once.
    fn attempt(&mut self, command: &Cmd, takes: Duration) -> RedisResult<Value> {
        let answer = self.exchange(command, takes);
        if answer.is_err() {
            self.connection = None;
            self.lost = true;
        }
        answer
    }

    fn exchange(&mut self, command: &Cmd, takes: Duration) -> RedisResult<Value> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.client.get_connection_with_timeout(self.timeout)?),
        };
        connection.set_write_timeout(Some(self.timeout))?;
        connection.set_read_timeout(Some(self.timeout + takes))?;
        connection.send_packed_command(&command.get_packed_command())?;
        connection.recv_response()
    }

    fn refused(&self, error: &ServerError) -> Box<dyn std::error::Error> {
        format!("{} says: {}", self.name, text(error)).into()
    }

    fn silent(&self, why: &str) -> Box<dyn std::error::Error> {
        format!(
            "{} does not answer: {why}; what the journal has is not lost, start again",
            self.name
        )
        .into()
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

/// A setting that must be there.
fn wanted<'a>(address: &'a Address, name: &str, what: &str) -> Result<&'a str> {
    let found = address.text(name);
    found.ok_or_else(|| format!("{address}: say {what}, ?{name}=…").into())
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
