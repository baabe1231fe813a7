//! # What this is
//!
//! The states of a program as its decisions ask them: words become operations on a store, and answers become words.
//!
//! # What goes in and comes out
//!
//! A [`Plan`] (what a program declares) and stores go in and become a [`Bound`]. An [`Asking`] stands behind the context of one decision after the
//! other: a place and its arguments go in, and the word that the engine goes on with comes out; behind the decision stand its [`Operation`]s,
//! failures and [`Answers`].
//!
//! # Invariants
//!
//! - Nothing here blocks but [`Asking::perform`] and [`Bound::perform`]. What is not at hand makes an evaluation a pending one, which is made again with
//!   the answers.
//! - An evaluation that is made again asks nothing twice: answers are found by their places, in their order.
//! - What a store could not do is answered by the `on_failure` of its state, and is told.
//!
//! # Where to start reading
//!
//! `asking.rs`, with `place.rs` (words and operations). Before it `plan.rs` (what is declared) and `bound.rs` (where it is kept); behind it `attempt.rs` (for hosts that do not wait), `trace.rs`
//! (what came of it, for people) and `replay.rs` (answering again, to explain).
//!
//! # What it must not know
//!
//! The source language, any engine, what a program is to a host.

mod asking;
mod attempt;
mod bound;
mod place;
mod plan;
mod replay;
mod trace;

pub use asking::{Asking, Record};
pub use attempt::{Answers, Pending};
pub use bound::Bound;
pub use plan::{LOCAL, OnFailure, Plan, StreamPlan};
pub use replay::Replay;
pub use trace::Operation;
