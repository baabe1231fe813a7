//! # What this is
//!
//! Tollgate: a compiler and language for rules at the edge. This crate is the face, all that a host imports.
//!
//! # What goes in and comes out
//!
//! `.rules` text goes in and becomes a [`Program`]; facts go in and become a [`Decision`].
//!
//! ```
//! use tollgate::{Call, Engine};
//!
//! let program = Engine::new().compile_source("limits.rules", r#"
//!     edition 2026
//!     module limits
//!     ruleset size(n: Int) -> String hit first {
//!       rule small when n < 10 then "small"
//!       otherwise "large"
//!     }
//! "#)?;
//! let mut session = program.session();
//! let decision = session.decide_json("size", b"7", &Call { id: "1", time: 0 })?;
//! assert_eq!(decision.to_json(), r#"{"value":"small","by":"small"}"#);
//! # Ok::<(), tollgate::Error>(())
//! ```
//!
//! | a host that | starts at |
//! |---|---|
//! | has facts as JSON | [`Session::decide_json`] |
//! | has types of its own | [`struct@Facts`], [`Program::bind`], [`Session::decide_bound`], [`Program::outcomes`] |
//! | has requests of HTTP | [`Program::request_form`], [`Session::decide_request`]; on axum, hyper or tonic the crate `tollgate-tower` |
//! | replaces rules while they decide | [`Live`] |
//! | is handed what was compiled elsewhere | [`Engine::load`], [`Engine::load_signed`], [`Program::artifact`] |
//! | keeps states | [`Program::states`], [`Program::session_with`]; and must not wait for them: [`Session::attempt_json`] |
//! | decides about streams of events | [`Stream`] |
//! | is asked why | [`Program::explain_json`] |
//! | is asked what rules cost, and what tests come to | [`CostReport`], [`Coverage`], [`Counts`] |
//!
//! The book's page on hosts in Rust has all of it in a row (`docs/book/rust.md`), `examples/` programs that run.
//!
//! ```text
//!  .rules text ── grammar::parse ──▶ ast::File ── frontend::check ──▶ hir::Program
//!     ── frontend::lower ──▶ ir::Module ── optimizer::run ──▶ ir::Legalized
//!     ── Backend::compile ──▶ Executable ── Session::decide ──▶ Decision
//! ```
//!
//! # Invariants
//!
//! - Deciding never fails and never performs an action: what can be wrong is a file, a program, or a record, and each
//!   is an [`Error`] before any rule runs.
//! - A decision depends on its facts, its [`Call`] and the program's data, and on nothing else.
//! - Files are read in `loader.rs` and beside it only.
//! - Without the feature `compiler` there is none: programs are loaded from artifacts ([`Engine::load`]), and everything that needs rule files is
//!   not there. Deciding is the same code.
//!
//! # Where to start reading
//!
//! `pipeline.rs`: the whole compiler on one page. Then [`Engine`], [`Program`], [`Session`]; for a prompt, [`Workbench`]. What decides often looks names up
//! once ([`Entry`], [`Form`]) and lets facts in once ([`struct@Facts`]); a decision's value is read by [`ValueRef`].
//!
//! # What it must not know
//!
//! Terminals, arguments, exit codes.

mod address;
mod artifact;
mod backends;
mod counts;
mod decision;
mod engine;
mod entry;
mod error;
mod form;
mod interp;
mod live;
mod loader;
mod program;
mod session;
mod states;
mod stores;
mod stream;
mod tiers;
mod times;
pub mod typed;
mod value_ref;

// The compiler: what needs the source.
#[cfg(feature = "compiler")]
mod build;
#[cfg(feature = "compiler")]
mod checked;
#[cfg(feature = "compiler")]
mod cost;
#[cfg(feature = "compiler")]
mod cover;
#[cfg(feature = "compiler")]
mod dag;
#[cfg(feature = "compiler")]
mod explain;
#[cfg(feature = "compiler")]
mod fix;
#[cfg(feature = "compiler")]
mod format;
#[cfg(feature = "compiler")]
mod pipeline;
#[cfg(feature = "compiler")]
mod report;
#[cfg(feature = "compiler")]
mod stage;
#[cfg(feature = "compiler")]
mod test_run;
#[cfg(feature = "compiler")]
mod words;
#[cfg(feature = "compiler")]
mod workbench;

pub use address::Address;
pub use artifact::{ArtifactInfo, public_key, public_keys, sign_artifact, signing_key};
pub use backends::{BackendRow, backends};
#[cfg(feature = "compiler")]
pub use build::{BuildOptions, Built};
#[cfg(feature = "compiler")]
pub use checked::Checked;
#[cfg(feature = "compiler")]
pub use cost::{Cost, CostReport, EntryCost, IndexCost, RuleCost, Search};
pub use counts::Counts;
#[cfg(feature = "compiler")]
pub use counts::NeverDecided;
#[cfg(feature = "compiler")]
pub use cover::{
    ConditionCovered, Coverage, Covered, EdgeCovered, FileCovered, IndexCovered, Recorder,
    RuleCovered,
};
#[cfg(feature = "compiler")]
pub use dag::{DagFormat, DagOptions};
pub use decision::Decision;
pub use engine::Engine;
pub use entry::{AsEntry, Entry, Facts};
pub use error::{Error, Refusal};
#[cfg(feature = "compiler")]
pub use explain::{
    Answer, Change, Closest, Condition, Explanation, Joined, Place, RuleExplained, StageExplained,
    Which,
};
#[cfg(feature = "compiler")]
pub use fix::Fixed;
pub use form::Form;
/// Requests of HTTP as facts: taken apart as a whole ([`http::facts`]), or in parts for a host's own type
/// ([`http::Query`], [`http::Cookies`]).
pub mod http {
    pub use tollgate_runtime::Arena;
    pub use tollgate_runtime::http::{Cookies, Query, RawRequest, client_ip, facts, fields};
}

#[cfg(feature = "compiler")]
pub use format::{Formatted, format, format_file};
pub use live::{HostStores, Live, Reloaded, Version, Watching};
pub use program::Program;
#[cfg(feature = "compiler")]
pub use report::{Report, explain, slugs};
pub use session::{Call, Memory, Session};
#[cfg(feature = "compiler")]
pub use stage::Stage;
pub use states::{Attempt, States};
pub use stores::{OpenStores, Stores};
pub use stream::{IDS_MAX, Offered, Stream, StreamChanges, StreamSnapshot};
#[cfg(feature = "compiler")]
pub use test_run::{TestFailure, TestOptions, TestResult};
pub use times::{parse_duration, parse_time, time_text};
pub use tollgate_ask::{Answers, Operation, Pending};
#[cfg(feature = "derive")]
pub use tollgate_derive::{Facts, Outcome};
pub use tollgate_ir::Level;
pub use tollgate_runtime::Arena;
pub use tollgate_runtime::facts::Input;
pub use tollgate_runtime::http::RawRequest;
pub use tollgate_state as state;
pub use tollgate_stdlib::natives::hash::hash64;
pub use typed::{Bound, FieldRead, Outcomes};
pub use value_ref::ValueRef;
#[cfg(feature = "compiler")]
pub use words::{TokenClass, words};
#[cfg(feature = "compiler")]
pub use workbench::{Entered, Evaluated, Prepared, Question, Workbench};

// What is derived names this crate from outside.
#[cfg(test)]
extern crate self as tollgate;

/// The Rust in the README is compiled and run.
#[cfg(all(doctest, feature = "compiler"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// So is that of the book.
#[cfg(all(doctest, feature = "compiler", feature = "derive"))]
#[doc = include_str!("../docs/book/rust.md")]
struct BookRust;

#[cfg(doctest)]
#[doc = include_str!("../docs/book/state.md")]
struct BookState;
