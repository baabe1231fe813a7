//! # What this is
//!
//! Tollgate for [tower](https://docs.rs/tower-layer), and so for axum, hyper and tonic: rules in a file decide about each request before the
//! service behind sees it, and are replaced when the file changes.
//!
//! # What goes in and comes out
//!
//! A rule file with an entry that takes a `std.http.Request` goes in, and what it gives as a type of the host. Out comes a layer: the service
//! behind it finds the [`Decided`] among the request's extensions, or never sees the request because the host answers for it.
//!
//! ```no_run
//! use http::{Response, StatusCode};
//! use std::net::SocketAddr;
//! use std::time::Duration;
//! use tollgate::{Engine, Outcome};
//! use tollgate_tower::{Decided, Rules};
//!
//! #[derive(Clone, Outcome)]
//! enum Admission {
//!     #[outcome(name = "admit")]
//!     Admit,
//!     #[outcome(name = "reject")]
//!     Reject { status: u16 },
//! }
//!
//! let rules = Rules::<Admission>::open(Engine::new(), "gateway.rules", "admission")?;
//! let _watching = rules.watch(Duration::from_secs(1), |told| eprintln!("{told:?}"));
//! // Who asks is known by the server only; axum's `ConnectInfo` is one such extension.
//! let peer = |head: &http::request::Parts| head.extensions.get::<SocketAddr>().copied();
//! let layer = rules.layer(peer).answering(|decided: &Decided<Admission>| match decided.answer {
//!     Admission::Admit => None,
//!     Admission::Reject { status } => {
//!         let mut refused = Response::new(format!("refused by {}", decided.by.join(", ")));
//!         *refused.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
//!         Some(refused)
//!     }
//! });
//! # Ok::<(), tollgate::Error>(())
//! ```
//!
//! `examples/axum/main.rs` is a whole gateway.
//!
//! # Invariants
//!
//! - A request is decided by one program from beginning to end, whatever is replaced meanwhile; rules that do not compile or do not fit
//!   change nothing.
//! - What has two readings, and what the rules' schema does not allow, is answered 400 and reaches neither rules nor service.
//! - Slots of states that a decision holds are given back when the last clone of its [`Decided`] is dropped.
//!
//! # Where to start reading
//!
//! [`Rules::decide`], then `service.rs`.
//!
//! # What it must not know
//!
//! A server, a runtime for futures, a body: it reads heads of requests.
#![expect(
    clippy::disallowed_methods,
    reason = "a host is where the time of a decision comes from"
)]

mod service;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use http::request::Parts;
use tollgate::{
    Engine, Error, Form, Input, Live, Outcomes, Program, RawRequest, Reloaded, States, Watching,
};

use tollgate::typed::Outcome;

pub use service::{Answering, RulesLayer, RulesService};

/// Rules in a file, which decide about requests as a type of the host, and may be replaced while they do. Clones share them.
pub struct Rules<O> {
    live: Arc<Live<Asked<O>>>,
    ids: Arc<Ids>,
    api_key: Option<Arc<str>>,
    trusted_proxies: u32,
}

/// What the rules decided about a request.
#[derive(Clone, Debug)]
pub struct Decided<O> {
    /// What they gave.
    pub answer: O,
    /// The rules that decided, as [`Decision::by`](tollgate::Decision::by) names them: for a log.
    pub by: Arc<[String]>,
    /// The decision's id, which no client can choose.
    pub id: Arc<str>,
    _held: Arc<Held>,
}

/// Why a request was refused before any rule ran: a sentence that names the place, the value, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Refused(String);

/// An entry, bound.
struct Asked<O> {
    form: Form,
    outcomes: Outcomes<O>,
}

/// Ids of decisions: a number that nobody outside can guess, and which one it is.
struct Ids {
    process: u64,
    next: AtomicU64,
}

/// What a decision may hold of the states, until this is dropped.
#[derive(Debug)]
struct Held {
    states: States,
    id: Arc<str>,
}

impl<O> Rules<O>
where
    O: Outcome + 'static,
    for<'d> O: Outcome<Of<'d> = O>,
{
    /// Rules in a file (a `.rules` file and the modules beside it that it uses, or an artifact), asked by `entry`, whose parameter is a
    /// `std.http.Request` or a record with some of its fields.
    ///
    /// # Errors
    /// When the file cannot be read, the rules do not compile, there is no such entry, it takes no request, or it can give what `O` has no place
    /// for.
    pub fn open(
        engine: Engine,
        path: impl AsRef<Path>,
        entry: impl Into<String>,
    ) -> Result<Rules<O>, Error> {
        Rules::open_with(engine, path, entry, None)
    }

    /// As [`Rules::open`], where a header of this name holds the key by which a client is known (`req.api_key`).
    ///
    /// # Errors
    /// As [`Rules::open`], and where the record of the rules has no `api_key`.
    pub fn open_with_key(
        engine: Engine,
        path: impl AsRef<Path>,
        entry: impl Into<String>,
        header: &str,
    ) -> Result<Rules<O>, Error> {
        Rules::open_with(engine, path, entry, Some(header.into()))
    }

    fn open_with(
        engine: Engine,
        path: impl AsRef<Path>,
        entry: impl Into<String>,
        api_key: Option<Arc<str>>,
    ) -> Result<Rules<O>, Error> {
        let entry = entry.into();
        let beside: &[&str] = if api_key.is_some() { &["api_key"] } else { &[] };
        let bind = move |program: &Program| {
            Ok(Asked {
                form: program.request_form(&*entry, beside)?,
                outcomes: program.outcomes(&*entry)?,
            })
        };
        Ok(Rules {
            live: Arc::new(Live::open(engine, path, bind)?),
            ids: Arc::new(Ids {
                process: RandomState::new().hash_one(SystemTime::now()),
                next: AtomicU64::new(1),
            }),
            api_key,
            trusted_proxies: 0,
        })
    }

    /// How many proxies stand in front, each of which adds the address that it sees to `X-Forwarded-For`; 0 if not said, and nobody is believed.
    #[must_use]
    pub fn trust_proxies(mut self, proxies: u32) -> Rules<O> {
        self.trusted_proxies = proxies;
        self
    }

    /// Decides about a request by its head.
    ///
    /// # Errors
    /// What is wrong with the request, where it is refused: see the crate's invariants.
    pub fn decide(&self, head: &Parts, peer: SocketAddr) -> Result<Decided<O>, Refused> {
        let id = self.ids.next();
        let headers = headers(head)?;
        let key = self.api_key.as_deref();
        let key = key.and_then(|name| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)));
        let request = RawRequest {
            id: &id,
            time: now(),
            method: head.method.as_str(),
            target: head
                .uri
                .path_and_query()
                .map_or("/", |target| target.as_str()),
            authority: authority(head, &headers)?,
            headers: &headers,
            peer,
            tls: false,
            trusted_proxies: self.trusted_proxies,
        };
        let beside = [key.map(|(_, key)| Input::Str(key))];
        let beside = &beside[..usize::from(self.api_key.is_some())];
        let states = self.live.states();
        let decided = self.live.with(|session, asked| {
            let decision = session.decide_request(&asked.form, &request, beside)?;
            let by: Vec<String> = decision.by().collect();
            Ok::<_, Error>((asked.outcomes.of(&decision)?, by))
        });
        let (answer, by) = decided.map_err(|error| Refused(error.to_string()))?;
        let held = Held {
            states,
            id: id.clone(),
        };
        Ok(Decided {
            answer,
            by: by.into(),
            id,
            _held: Arc::new(held),
        })
    }

    /// A layer that decides about each request. `peer` says who asks, as far as the server knows: a request of nobody is answered 500, because rules
    /// must not take it for somebody's. The service behind finds the [`Decided`] among the request's extensions.
    pub fn layer<R>(
        &self,
        peer: impl Fn(&Parts) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> RulesLayer<O, R> {
        RulesLayer::new(self.clone(), Arc::new(peer))
    }

    /// Reads the file again whenever it has changed, looking `every` so often until what is given is dropped; `tell` hears of every reload
    /// and of every failure, after which the rules are what they were.
    pub fn watch(
        &self,
        every: Duration,
        tell: impl Fn(Result<(), Error>) + Send + 'static,
    ) -> Watching {
        self.live.watch(every, tell)
    }

    /// Reads the file again at once, if it has changed.
    ///
    /// # Errors
    /// As [`Rules::open`]; then the rules are what they were.
    pub fn reload(&self) -> Result<Reloaded, Error> {
        self.live.reload()
    }
}

/// The fields of a head as text. One that is none is refused: a rule that asks for it would believe that it is not there.
fn headers(head: &Parts) -> Result<Vec<(&str, &str)>, Refused> {
    let fields = head.headers.iter();
    let fields = fields.map(
        |(name, value)| match std::str::from_utf8(value.as_bytes()) {
            Ok(text) => Ok((name.as_str(), text)),
            Err(_) => Err(Refused(format!(
                "headers[\"{name}\"]: it is no text in UTF-8"
            ))),
        },
    );
    fields.collect()
}

/// The authority of the target, where it has one. A `Host` field beside it that says another is refused: RFC 9113 §8.3.1.
fn authority<'r>(head: &'r Parts, headers: &[(&str, &str)]) -> Result<Option<&'r str>, Refused> {
    let Some(authority) = head.uri.authority() else {
        return Ok(None);
    };
    let host = |(name, value): &&(&str, &str)| {
        *name == "host" && !value.eq_ignore_ascii_case(authority.as_str())
    };
    match headers.iter().find(host) {
        Some(_) => Err(Refused(
            "host: the target names another than the field `Host`".into(),
        )),
        None => Ok(Some(authority.as_str())),
    }
}

/// Microseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
}

impl Ids {
    fn next(&self) -> Arc<str> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}-{number}", self.process).into()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.states.finish(&self.id);
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl<O> Clone for Rules<O> {
    fn clone(&self) -> Rules<O> {
        Rules {
            live: self.live.clone(),
            ids: self.ids.clone(),
            api_key: self.api_key.clone(),
            trusted_proxies: self.trusted_proxies,
        }
    }
}

impl<O> fmt::Debug for Rules<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("version", &self.live.version())
            .finish_non_exhaustive()
    }
}
