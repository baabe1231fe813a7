//! # What this is
//!
//! A reverse proxy for HTTP/1.1 and HTTP/2 whose every choice is made by rules: what `tollgate serve` runs, and the first customer of the
//! embedding API.
//!
//! # What goes in and comes out
//!
//! In: [`Settings`] (addresses, limits, clusters) and a rule file whose entries fit the contract: a request and the [`Load`] become an
//! [`Answer`], and header fields are changed by [`Edit`]s. Out: a [`Server`] that answers requests, reads the rules again when they change, and
//! ends without breaking a request.
//!
//! # Invariants
//!
//! - Whether the rules fit is found out before they decide; a file that does not fit changes nothing.
//! - A request is decided by one program, and its response edited by the same.
//! - What has two readings is refused before any rule; what is between neighbours goes no further (`wire.rs`).
//! - Bodies are streamed, and gathered only where a rule can read one.
//! - No thread that answers requests waits for a store of states.
//! - Everything from outside has a bound: heads, bodies, connections, streams, time.
//!
//! # Where to start reading
//!
//! `proxy.rs`: a request from its head to its last byte. Then `contract/` (what rules are told and answer), `decide.rs` (how they are asked, and states
//! with them), `kept.rs` (why a request was decided so), `upstream.rs` (which endpoint, how often), `balance/` (each policy with its paper), the crate `tollgate_load` (what is measured), `server.rs`
//! (reloading, ending), `accept.rs` and `tls.rs` (connections).
//!
//! # What it must not know
//!
//! Anything of Tollgate behind its face; the command line.

mod accept;
mod admin;
pub mod balance;
mod body;
mod contract;
mod decide;
mod edits;
mod kept;
mod log;
mod metrics;
mod proxy;
pub mod retry;
mod server;
mod settings;
mod tail;
mod tls;
mod upstream;
mod wire;
mod workers;

use std::fmt;

pub use contract::{Answer, Edit};
pub use server::{Control, Server, check, serve};
pub use settings::{
    CertificateSettings, ClusterSettings, EndpointSettings, HealthSettings, Limits, Policy,
    RetrySettings, Settings, StoreSettings, TlsSettings, UpstreamTls,
};
pub use tollgate_load::Load;

/// Why a proxy does not start, or rules are not taken: one sentence, by `Display`.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Sentence(String),
    Rules(tollgate::Error),
}

impl Error {
    fn new(sentence: impl Into<String>) -> Error {
        Error {
            kind: Kind::Sentence(sentence.into()),
        }
    }

    fn rules(error: tollgate::Error) -> Error {
        Error {
            kind: Kind::Rules(error),
        }
    }

    /// What the compiler said, when the rules do not compile.
    pub fn report(&self) -> Option<&tollgate::Report> {
        match &self.kind {
            Kind::Sentence(_) => None,
            Kind::Rules(error) => error.report(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Sentence(sentence) => f.write_str(sentence),
            Kind::Rules(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}
