//! [`Redis`]: states that several processes share.

mod connection;
mod request;
mod scripts;

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use redis::Value;

use self::connection::Connections;
use self::request::{Request, State};
use crate::identity::Who;
use crate::kind::{Declaration, GREATEST, Limit};
use crate::local::{Held, Place, Table, random_seed};
use crate::operation::{Answer, Ask, Failure, Operation, Outcome};
use crate::store::Store;

/// How many operations are sent at once.
const BATCH: usize = 256;
/// How long [`Settings::patience`] waits between two attempts. While no connection can be had, an attempt costs nothing.
const PAUSE: Duration = Duration::from_millis(20);
/// Bytes of the longest prefix.
const PREFIX_MAX: usize = 64;

/// States in a Redis (7 or later), which several processes share.
///
/// [`Store::ask`] says [`Outcome::Later`]; [`Store::perform`] sends the operations together and waits for all of them,
/// on a connection of its own among those that are kept open. Each operation is one script, atomic in the server, and
/// answers as [`Local`](crate::Local) does. What differs:
///
/// - **Failing.** When the server does not answer within the timeout, operations have [`Failure::Down`], and may have
///   been done or not: what grants is then spent at worst, and what is remembered (see
///   [`Remember`](crate::Remember)) is answered right by a retry. While a server cannot be reached, operations
///   fail at once, and connecting is tried again after 10 ms, 20 ms and so on up to a second. [`Settings::patience`] tries operations again
///   for so long.
/// - **Expiry.** What no longer matters by the times of decisions goes by the server's clock, [`Settings::linger`] after
///   that. So it is forgotten too early only for decisions whose times lag further behind the clock than those before them, by more
///   than `linger`. A budget goes [`Settings::keep_budgets`] after its last charge.
/// - **Slots** are given back by the store that took them: after a crash they are free when their lease ends.
/// - **Times** must lie within ±[`GREATEST`]; others are taken as that.
///
/// A key is `prefix:{tag}:identity:…`, with [`Settings::prefix`]. The tag is the identity of the declaration, and the same for all `Seen` and
/// `Budget`, so that in a cluster `once` and `within` lie together. (This client talks to one server.)
///
/// ```no_run
/// use tollgate_state::{Declaration, Kind, Redis, Settings};
/// let paid = Declaration::new("paid", Kind::Seen { keep_us: 90 * 86_400_000_000 }).max_keys(50_000_000);
/// let store = Redis::new("redis://127.0.0.1/", &[paid], Settings::default())?;
/// # Ok::<(), tollgate_state::Refused>(())
/// ```
pub struct Redis {
    states: Vec<State>,
    connections: Connections,
    patience: Duration,
    linger_ms: i64,
    keep_budgets_ms: i64,
    /// The slots that decisions took here.
    held: Table<Held>,
}

/// How a [`Redis`] is talked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long [`Store::perform`] and [`Store::finish`] wait at most, connecting included.
    pub timeout: Duration,
    /// For how long [`Store::perform`] tries operations again that have no answer, before they have failed. One that was done and whose
    /// answer was lost is then done twice, unless the declaration remembers answers ([`Remember`](crate::Remember)) or the kind does.
    pub patience: Duration,
    /// What all keys in the server begin with, so that several systems can share it: 1 to 64 letters, digits, `-`, `_`, `.` and `:`.
    pub prefix: Box<str>,
    /// How long what no longer matters stays.
    pub linger: Duration,
    /// How long a budget stays that nobody charges.
    pub keep_budgets: Duration,
    /// How many connections stay open while nobody uses them.
    pub idle: usize,
}

/// Why there is no store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A declaration is not right.
    Declaration(Limit),
    /// This is no address of a Redis. The address is not shown, because it may hold a password.
    Address(String),
    /// This cannot be a prefix.
    Prefix(Box<str>),
}

impl Redis {
    /// A store that connects when it is first asked.
    ///
    /// # Errors
    /// When the address is none, the prefix cannot be one, or [`Declaration::check`] refuses a declaration. That a server does not answer is no
    /// error here.
    pub fn new(
        url: &str,
        declarations: &[Declaration],
        settings: Settings,
    ) -> Result<Redis, Refused> {
        let prefix = &settings.prefix;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if !(1..=PREFIX_MAX).contains(&prefix.len()) || !prefix.bytes().all(fits) {
            return Err(Refused::Prefix(prefix.clone()));
        }
        let states = declarations
            .iter()
            .map(|declaration| State::new(declaration, prefix))
            .collect::<Result<_, _>>();
        Ok(Redis {
            states: states.map_err(Refused::Declaration)?,
            connections: Connections::new(url, settings.timeout, settings.idle)?,
            patience: settings.patience,
            linger_ms: millis(settings.linger),
            keep_budgets_ms: millis(settings.keep_budgets),
            held: Held::table(random_seed()),
        })
    }

    fn state(&self, index: u32) -> Result<&State, Failure> {
        self.states.get(index as usize).ok_or(Failure::Unanswerable)
    }

    /// Sends a batch, and what had no answer again for as long as patience lasts.
    fn perform_batch(&self, operations: &[Operation<'_>], outcomes: &mut [Outcome]) {
        self.send(operations, outcomes);
        let end = Instant::now() + self.patience;
        loop {
            let unanswered = |i: &usize| outcomes[*i] == Outcome::Failed(Failure::Down);
            let which: Vec<usize> = (0..outcomes.len()).filter(unanswered).collect();
            let left = end.saturating_duration_since(Instant::now());
            if which.is_empty() || left.is_zero() {
                return;
            }
            thread::sleep(left.min(PAUSE));
            let again: Vec<Operation<'_>> = which.iter().map(|i| operations[*i]).collect();
            let mut answered = vec![Outcome::Failed(Failure::Down); again.len()];
            self.send(&again, &mut answered);
            for (i, outcome) in which.into_iter().zip(answered) {
                outcomes[i] = outcome;
            }
        }
    }

    /// Sends operations once and puts each answer where it belongs.
    fn send(&self, operations: &[Operation<'_>], outcomes: &mut [Outcome]) {
        let mut requests: Vec<(usize, Request)> = Vec::with_capacity(operations.len());
        for (i, operation) in operations.iter().enumerate() {
            match self.request(operation) {
                Ok(request) => requests.push((i, request)),
                Err(failure) => outcomes[i] = Outcome::Failed(failure),
            }
        }
        let answers = self
            .connections
            .call(requests.iter().map(|(_, request)| request));
        for ((i, request), answer) in requests.iter().zip(answers) {
            outcomes[*i] = self.outcome(&operations[*i], request, answer);
        }
    }

    fn outcome(
        &self,
        operation: &Operation<'_>,
        request: &Request,
        answer: Option<Value>,
    ) -> Outcome {
        let Some(numbers) = answer.as_ref().and_then(numbers) else {
            return Outcome::Failed(Failure::Down);
        };
        let answer = match (operation.ask, numbers.as_slice()) {
            (_, [_, _, _, 1]) => return Outcome::Failed(Failure::Full),
            (_, [_, _, _, 2]) => return Outcome::Failed(Failure::Late),
            (Ask::Take(_), [granted, wait, left]) => Answer::Taken {
                granted: *granted == 1,
                wait_us: (*granted != 1).then(|| (*wait).clamp(0, GREATEST)),
                left: *left,
            },
            (Ask::Enter { .. }, [entered, now]) => {
                if *now == 1 {
                    self.hold(operation, request);
                }
                Answer::Bool(*entered == 1)
            }
            (Ask::Sheds { .. } | Ask::Reserve { .. }, [yes]) => Answer::Bool(*yes == 1),
            (Ask::Value | Ask::Add { .. }, [value]) => Answer::Number(*value),
            _ => return Outcome::Failed(Failure::Down),
        };
        Outcome::Answer(answer)
    }

    fn hold(&self, operation: &Operation<'_>, request: &Request) {
        let who = Who::asks(operation.decision, operation.place);
        let lease = self.state(operation.state).map_or(0, State::lease_us);
        let place = Place::new(0, request.entry(), who);
        Held::hold(
            &self.held,
            operation,
            place,
            operation.at_us.saturating_add(lease),
        );
    }
}

impl Store for Redis {
    fn ask(&self, _: &Operation<'_>) -> Outcome {
        Outcome::Later
    }

    fn perform(&self, operations: &[Operation<'_>], outcomes: &mut Vec<Outcome>) {
        let begin = outcomes.len();
        outcomes.resize(begin + operations.len(), Outcome::Failed(Failure::Down));
        let outcomes = &mut outcomes[begin..];
        for (operations, outcomes) in operations.chunks(BATCH).zip(outcomes.chunks_mut(BATCH)) {
            self.perform_batch(operations, outcomes);
        }
    }

    fn finish(&self, decision: &[u8]) {
        let places = Held::release(&self.held, decision);
        if places.is_empty() {
            return;
        }
        // If this fails, the leases end.
        self.connections
            .give_back(places.iter().map(|place| (place.key(), place.who())));
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            timeout: Duration::from_millis(100),
            patience: Duration::ZERO,
            prefix: "tollgate".into(),
            linger: Duration::from_secs(3600),
            keep_budgets: Duration::from_secs(400 * 86_400),
            idle: 64,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Declaration(limit) => limit.fmt(f),
            Refused::Address(why) => write!(
                f,
                "not an address of a Redis such as redis://127.0.0.1/: {why}"
            ),
            Refused::Prefix(prefix) => write!(
                f,
                "the prefix `{prefix}` is not 1 to {PREFIX_MAX} letters, digits, `-`, `_`, `.` and `:`"
            ),
        }
    }
}

impl std::error::Error for Refused {}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis())
        .unwrap_or(GREATEST)
        .min(GREATEST / 1000)
}

/// What a script returns.
fn numbers(value: &Value) -> Option<Vec<i64>> {
    let Value::Array(items) = value else {
        return None;
    };
    let number = |item: &Value| match item {
        Value::Int(number) => Some(*number),
        _ => None,
    };
    items.iter().map(number).collect()
}
