//! # What this is
//!
//! What answers the operations of a program's `state`: token buckets, windows, slots, counters, budgets. A [`Store`]
//! holds them, in this process or elsewhere.
//!
//! # What goes in and comes out
//!
//! [`Declaration`]s say once what there is; then an [`Operation`] goes in and an [`Outcome`] comes out.
//!
//! # Invariants
//!
//! - Time is an input, `at_us` of the operation: nothing here reads a clock to decide. Whatever the times, nothing is
//!   granted twice; [`Operation`] says what holds when they go backwards.
//! - Each operation is atomic in its store, `once` and `within` of a rule together.
//! - No operation panics, whatever the numbers: arithmetic saturates.
//! - What a store holds is bounded by the declarations. A key that still matters is never dropped for another one.
//!
//! # Where to start reading
//!
//! [`kind`]: what can be declared, and what each kind promises. Then [`operation`], then [`store`]. What each kind does is
//! a small file in `local/cells/`.
//!
//! # What it must not know
//!
//! Rules, the IR, any engine, what words are: another crate turns those into keys and numbers.

mod calendar;
mod identity;
pub mod kind;
mod local;
pub mod operation;
#[cfg(feature = "redis")]
mod redis;
pub mod store;
mod sync;

pub use kind::{Declaration, Kind, Limit, Period, Rate, Recover, Remember, Weekday, Window};
pub use local::{Changes, Local, Snapshot};
pub use operation::{Answer, Ask, Charge, Failure, Once, Operation, Outcome};
#[cfg(feature = "redis")]
pub use redis::{Redis, Refused, Settings};
pub use store::Store;
