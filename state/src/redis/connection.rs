//! Connections to the server: a few that stay open, timeouts, and trying again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::{Client, Cmd, Connection, RedisError, RedisResult, ServerErrorKind, Value};

use super::Refused;
use super::request::{Argument, Request, name_of};
use super::scripts::Scripts;
use crate::identity::Who;

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Connections {
    client: Client,
    scripts: Scripts,
    timeout: Duration,
    most_idle: usize,
    idle: Mutex<Vec<Connection>>,
    outage: Mutex<Outage>,
}

/// Since when connecting fails.
#[derive(Default)]
struct Outage {
    until: Option<Instant>,
    pause: Duration,
}

impl Connections {
    pub(super) fn new(
        url: &str,
        timeout: Duration,
        most_idle: usize,
    ) -> Result<Connections, Refused> {
        // Its own message may show a password.
        let client =
            Client::open(url).map_err(|error| Refused::Address(error.category().to_owned()))?;
        Ok(Connections {
            client,
            scripts: Scripts::new(),
            timeout: timeout.max(Duration::from_millis(1)),
            most_idle,
            idle: Mutex::default(),
            outage: Mutex::default(),
        })
    }

    /// What the server says to each request in turn: nothing where it said none in time, or an error.
    pub(super) fn call<'a>(
        &self,
        requests: impl Iterator<Item = &'a Request>,
    ) -> Vec<Option<Value>> {
        let commands: Vec<Cmd> = requests.map(|request| self.command(request)).collect();
        self.exchange(&commands)
    }

    /// Gives slots back. Nobody waits for what the server says.
    pub(super) fn give_back<'a>(&self, slots: impl Iterator<Item = (&'a [u8], Who)>) {
        let commands: Vec<Cmd> = slots
            .map(|(entry, who)| {
                let mut command = redis::cmd("ZREM");
                command.arg(entry).arg(name_of(&who.bytes()));
                command
            })
            .collect();
        self.exchange(&commands);
    }

    fn command(&self, request: &Request) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command
            .arg(self.scripts.hash(request.script))
            .arg(request.keys.len());
        for key in &request.keys {
            command.arg(key);
        }
        for argument in &request.arguments {
            match argument {
                Argument::Number(number) => command.arg(*number),
                Argument::Bytes(bytes) => command.arg(bytes),
            };
        }
        command
    }

    fn exchange(&self, commands: &[Cmd]) -> Vec<Option<Value>> {
        let mut answers = vec![None; commands.len()];
        if commands.is_empty() {
            return answers;
        }
        let deadline = Instant::now() + self.timeout;
        let Some(mut connection) = self.connection(deadline) else {
            return answers;
        };
        if self
            .talk(&mut connection, commands, &mut answers, deadline)
            .is_ok()
        {
            let mut idle = lock(&self.idle);
            if idle.len() < self.most_idle {
                idle.push(connection);
            }
        } else {
            // What broke this one has most likely broken the others, and each would cost an operation to find out.
            lock(&self.idle).clear();
        }
        answers
    }

    /// Sends everything and reads what comes back; what a server that lost its scripts does not know is sent again.
    fn talk(
        &self,
        connection: &mut Connection,
        commands: &[Cmd],
        answers: &mut [Option<Value>],
        deadline: Instant,
    ) -> RedisResult<()> {
        let all: Vec<usize> = (0..commands.len()).collect();
        let unknown = round(connection, commands, &all, answers, deadline)?;
        if unknown.is_empty() {
            return Ok(());
        }
        self.load(connection, deadline)?;
        round(connection, commands, &unknown, answers, deadline).map(|_| ())
    }

    /// An open connection, if there is one or the server can be reached now.
    fn connection(&self, deadline: Instant) -> Option<Connection> {
        if let Some(connection) = lock(&self.idle).pop() {
            return Some(connection);
        }
        if lock(&self.outage)
            .until
            .is_some_and(|until| Instant::now() < until)
        {
            return None;
        }
        let connection = left(deadline)
            .and_then(|time| self.client.get_connection_with_timeout(time))
            .and_then(|mut connection| {
                self.load(&mut connection, deadline)?;
                Ok(connection)
            });
        let mut outage = lock(&self.outage);
        match connection {
            Ok(connection) => {
                *outage = Outage::default();
                Some(connection)
            }
            Err(_) => {
                outage.pause = (outage.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                outage.until = Some(Instant::now() + outage.pause);
                None
            }
        }
    }

    /// Tells the server of the scripts.
    fn load(&self, connection: &mut Connection, deadline: Instant) -> RedisResult<()> {
        let load = |text| {
            let mut command = redis::cmd("SCRIPT");
            command.arg("LOAD").arg(text);
            command
        };
        let commands: Vec<Cmd> = self.scripts.texts().map(load).collect();
        let all: Vec<usize> = (0..commands.len()).collect();
        let mut answers = vec![None; commands.len()];
        round(connection, &commands, &all, &mut answers, deadline)?;
        match answers.contains(&None) {
            true => Err(timed_out()),
            false => Ok(()),
        }
    }
}

/// Sends these of the commands at once, and gives those back whose script the server does not know. An error is one of
/// the connection, which is then of no more use; what came before it stays in `answers`.
fn round(
    connection: &mut Connection,
    commands: &[Cmd],
    which: &[usize],
    answers: &mut [Option<Value>],
    deadline: Instant,
) -> RedisResult<Vec<usize>> {
    let packed: Vec<u8> = which
        .iter()
        .flat_map(|i| commands[*i].get_packed_command())
        .collect();
    connection.set_write_timeout(Some(left(deadline)?))?;
    connection.send_packed_command(&packed)?;
    let mut unknown = Vec::new();
    for i in which {
        connection.set_read_timeout(Some(left(deadline)?))?;
        match connection.recv_response()? {
            Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript) => {
                unknown.push(*i)
            }
            // Out of memory, a replica, still loading: nothing was done.
            Value::ServerError(_) => {}
            value => answers[*i] = Some(value),
        }
    }
    Ok(unknown)
}

/// The time that is left, more than none.
fn left(deadline: Instant) -> RedisResult<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    match left.is_zero() {
        true => Err(timed_out()),
        false => Ok(left),
    }
}

fn timed_out() -> RedisError {
    RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
