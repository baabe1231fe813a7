//! # What this is
//!
//! The load of a host: what is measured of requests in progress and of those that ended, and the record in which rules are told it. The
//! proxy of `tollgate serve` and the simulator of `tollgate simulate` measure with the same meter, so that rules fit both.
//!
//! # What goes in and comes out
//!
//! In: requests that begin and end, tries with the time they took, and every [`WINDOW`] the share of time in which workers were at work. Out:
//! the [`Load`], at any time.
//!
//! ```
//! use std::time::Duration;
//! use tollgate::{Call, Engine};
//! use tollgate_load::{Load, Meter};
//!
//! let program = Engine::new().compile_source("x.rules", r#"
//!     record Load { busy: Percent in 0% .. 100%, p99: Duration }
//!     ruleset full(load: Load) -> Bool hit first {
//!       rule busy when load.busy >= 50% or load.p99 > 1s then true
//!       otherwise false
//!     }
//! "#)?;
//! let full = program.bind::<Load>("full")?;
//! let mut session = program.session();
//! let meter = Meter::new(2);
//! meter.began();
//! let load = meter.load();
//! let decision = session.decide_bound(&full, &load, &Call { id: "1", time: 0 })?;
//! assert_eq!(decision.value_json(), "true");
//! meter.ended();
//! meter.tried(Duration::from_millis(20), false);
//! # Ok::<(), tollgate::Error>(())
//! ```
//!
//! # Invariants
//!
//! - Nothing here looks at a clock: who measures says when a window ends, so that a virtual clock will do.
//! - What rules call a measure stands once: it is the name of a field of [`Load`].
//! - Memory does not grow with the requests that are measured.
//!
//! # Where to start reading
//!
//! [`Load`], then [`Meter`].
//!
//! # What it must not know
//!
//! Sockets, threads, clocks: which requests there are and who serves them.

mod histogram;
mod meter;
mod record;

pub use histogram::Histogram;
pub use meter::{Meter, NO_SHEDDING, WINDOW};
pub use record::{Load, Measure};

/// 100%, as percentages are counted.
const WHOLE: i64 = 1_000_000_000;
