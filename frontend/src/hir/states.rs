//! States and streams: what is declared, and the places in rules that ask.

use std::sync::Arc;

use tollgate_grammar::source::Span;
use tollgate_ir::module::Operation;
use tollgate_runtime::schema::Currency;

use super::ids::{EnumId, RecordId, RuleSetId, StateId, StreamId};
use crate::types::ty::Ty;

/// `state name: Kind by Key { settings }`
#[derive(Clone, Debug)]
pub struct State {
    /// Its name.
    pub name: Arc<str>,
    /// The module it belongs to.
    pub module: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// What it is, with the settings of its kind.
    pub kind: StateKind,
    /// The type of its keys, where it has some.
    pub key: Option<Ty>,
    /// How many keys it may hold; 1 without keys.
    pub max_keys: u64,
    /// `local`, or a store of the host by its name, as `redis.growth`.
    pub store: Arc<str>,
    /// What holds when the store does not answer, or there is no room for a key.
    pub on_failure: OnFailure,
}

/// What holds when a state cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// As if it were granted.
    Allow,
    /// As if it were refused.
    Deny,
    /// The rule does not apply.
    Skip,
    /// A local state stands in, of so many in so many microseconds.
    LocalRate(i64, i64),
    /// A local state stands in, of so many slots.
    LocalMax(i64),
}

/// The kinds of state. Durations are microseconds, shares and loads billionths, money minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are the settings of their names")]
pub enum StateKind {
    /// What was reported.
    Error,
    TokenBucket {
        /// So many in so many microseconds.
        rate: (i64, i64),
        burst: i64,
    },
    FixedWindow {
        limit: i64,
        window: i64,
    },
    SlidingLog {
        limit: i64,
        window: i64,
    },
    Concurrency {
        max: i64,
        lease: i64,
    },
    Reserve {
        max: i64,
        critical: i64,
        lease: i64,
    },
    Ladder {
        /// The classes.
        class: EnumId,
        /// The place of each variant in the order of shedding.
        places: Vec<u32>,
        enter: i64,
        step: i64,
        /// So much in so many microseconds.
        recover: (i64, i64),
    },
    /// How many events of a stream, the sum over them, or how many different ones, as the tally says.
    Counter {
        tally: Tally,
        stream: StreamId,
        window: Window,
        /// The type of its value.
        value: Ty,
    },
    Seen {
        keep: i64,
    },
    Budget {
        currency: Currency,
        total: Option<i64>,
        per_key: Option<i64>,
        per_day: Option<i64>,
        zone: Arc<str>,
    },
    /// Which events of a stream were there before: made for `send` in tests, never declared.
    Arrivals {
        keep: i64,
    },
}

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// `Count`: events.
    Events,
    /// `Sum`: the amounts of `of`.
    Amounts,
    /// `Distinct`: different values of `of`.
    Members,
}

/// The time that a counter looks back on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Window {
    /// So many microseconds.
    Sliding(i64),
    /// The day, week, month or year around the decision's time.
    Calendar {
        /// Which.
        period: Period,
        /// Where.
        zone: Arc<str>,
        /// The day a week begins with, 0 for Monday.
        starts: u8,
    },
}

/// A stretch of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Period {
    Day,
    Week,
    Month,
    Year,
}

/// `stream name: Event { settings }`
#[derive(Clone, Debug)]
pub struct Stream {
    /// Its name.
    pub name: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// The type of its events.
    pub event: RecordId,
    /// The fields that are the event's id and time.
    pub inputs: Option<(u32, u32)>,
    /// For how long an id is remembered.
    pub dedupe: i64,
    /// How late an event may be.
    pub late_after: i64,
    /// Where it comes from, as written.
    pub source: Option<Arc<str>>,
}

/// A place that asks a state.
#[derive(Clone, Debug)]
pub struct Place {
    /// What is asked.
    pub operation: Operation,
    /// Which state; for `reserve` that of `once` and that of `within`.
    pub states: Vec<StateId>,
    /// The rule set it stands in; absent in tests.
    pub owner: Option<RuleSetId>,
    /// Where it stands, in words: `shed.rate`.
    pub rule: Arc<str>,
    /// Where it stands.
    pub span: Span,
    /// The type of the answer.
    pub answer: Ty,
}

impl StateKind {
    /// The name of the kind.
    pub fn name(&self) -> &'static str {
        match self {
            StateKind::Error => "?",
            StateKind::TokenBucket { .. } => "TokenBucket",
            StateKind::FixedWindow { .. } => "FixedWindow",
            StateKind::SlidingLog { .. } => "SlidingLog",
            StateKind::Concurrency { .. } => "Concurrency",
            StateKind::Reserve { .. } => "Reserve",
            StateKind::Ladder { .. } => "Ladder",
            StateKind::Counter { tally, .. } => match tally {
                Tally::Events => "Count",
                Tally::Amounts => "Sum",
                Tally::Members => "Distinct",
            },
            StateKind::Seen { .. } => "Seen",
            StateKind::Budget { .. } => "Budget",
            StateKind::Arrivals { .. } => "arrivals",
        }
    }
}
