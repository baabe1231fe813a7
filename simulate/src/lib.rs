//! # What this is
//!
//! A simulator of overload: it plays a load against rules that admit and shed, with a model of the fleet behind them, so that a policy is
//! seen before an outage shows it. What `tollgate simulate` runs.
//!
//! # What goes in and comes out
//!
//! In: a program, a [`Scenario`] (the fleet, classes of traffic, how long work takes) and [`Traffic`] (bursts drawn from a seed, or a trace).
//! Out: a [`Report`], as a table, JSON or a picture.
//!
//! ```
//! use tollgate::Engine;
//! use tollgate_simulate::{Scenario, Traffic, simulate};
//!
//! let program = Engine::new().compile_source("x.rules", r#"
//!     enum Admission { admit, reject }
//!     record Load { busy: Percent }
//!     ruleset shed(load: Load) -> Admission hit first {
//!       rule full when load.busy >= 90% then reject
//!       otherwise admit
//!     }
//! "#)?;
//! let scenario = Scenario::parse(r#"
//!     entry = "shed"
//!     fleet = { workers = 10, queue = 10 }
//!     service = { law = "exponential", mean = "100ms" }
//!     burst = [{ for = "10s", rate = 300 }]    # three times what the fleet can do
//! "#)?;
//! let report = simulate(&program, &scenario, Traffic::Bursts, &mut |_| {})?;
//! let all = &report.classes[0];
//! assert_eq!(all.arrived, all.admitted + all.shed);
//! assert!(all.shed > all.admitted);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Invariants
//!
//! - A report is a function of program, scenario and traffic: time is virtual, and all that is drawn comes from the seed.
//! - Traffic does not depend on what rules decide, so that two policies are told the same (retries aside, which answer them).
//! - Nothing is lost: what arrived was admitted, shed or refused; what was admitted finished, timed out or found no room.
//! - Rules are told what the proxy of `tollgate serve` would measure: by the same meter.
//! - Memory grows with what is in progress, not with the traffic that was played.
//!
//! # Where to start reading
//!
//! `play.rs`: the events, one after the other. Then `fleet.rs` (workers and their queue), `arrivals.rs` and `trace.rs` (what comes), `facts.rs` (what
//! rules are told of it), `rows.rs` (what is told apart), `series.rs` and `report.rs` (what is counted), `chart.rs` (how it is drawn).
//!
//! # What it must not know
//!
//! Anything of Tollgate behind its face; the command line; clocks, files but the scenario, sockets.

mod arrivals;
mod chart;
mod facts;
mod fleet;
mod play;
mod report;
mod rows;
mod scenario;
mod series;
mod trace;

use std::fmt;

pub use arrivals::Traffic;
pub use play::simulate;
pub use report::{ClassReport, Peak, Report, Told, thousands};
pub use scenario::{
    Burst, Class, FleetSettings, Law, Micros, RetrySettings, Scenario, ShedFrom, TraceSettings,
};

/// Why nothing is played: one sentence, by `Display`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error(String);

impl Error {
    fn new(sentence: impl Into<String>) -> Error {
        Error(sentence.into())
    }
}

impl From<tollgate::Error> for Error {
    fn from(error: tollgate::Error) -> Error {
        Error(error.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
