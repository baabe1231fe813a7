//! What a store is asked, and what it answers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One operation of one decision.
///
/// **Time.** A store measures by `at_us` and by nothing else. For what grants (`Take`, `Enter`, `Sheds`, `once`) time never
/// goes backwards within a key: an operation with an earlier time than one that was granted before it is done as if at the
/// latest such time (and if the key is absent, not before anything that was dropped near it has stopped to matter). So
/// an operation of the past can be refused where it would have been granted then, and never the other way round.
/// A budget's day is the day of `at_us`. Counters count every event where it belongs, in whatever order events come,
/// and refuse those that are too late ([`Failure::Late`]).
///
/// **Retries.** An operation of the same decision and place as an earlier one that changed something gets the first
/// answer and changes nothing, if the kind or the declaration remembers it: see [`Remember`](crate::Remember).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation<'a> {
    /// Which declaration, by its index in the list the store was made from.
    pub state: u32,
    /// The key's canonical bytes; empty where there is no key.
    pub key: &'a [u8],
    /// The decision's time, microseconds since 1970.
    pub at_us: i64,
    /// The decision's id.
    pub decision: &'a [u8],
    /// Where in the program it is asked, so that one decision can ask several times.
    pub place: u32,
    /// What is asked.
    pub ask: Ask<'a>,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask<'a> {
    /// Takes so many, all or none; [`Answer::Taken`].
    Take(u32),
    /// Holds a slot; [`Answer::Bool`].
    Enter {
        /// Whether it may have a slot that is kept for critical work.
        critical: bool,
    },
    /// Whether work of this class is shed at this load; [`Answer::Bool`].
    Sheds {
        /// The place of the class in the order of shedding.
        class: u32,
        /// The load now, with nine decimals.
        load: i64,
    },
    /// What a counter says of the window that ends at, or contains, `at_us`; [`Answer::Number`].
    Value,
    /// Counts an event, and says what [`Ask::Value`] would say after it; [`Answer::Number`].
    Add {
        /// What is added: 1 for a `Count`; not read for `Distinct`.
        amount: i64,
        /// The member, for `Distinct`.
        member: &'a [u8],
    },
    /// `once` and `within` of a rule, both or neither; [`Answer::Bool`]. `state` and `key` of the operation are not read.
    Reserve {
        /// What must be there for the first time.
        once: Option<Once<'a>>,
        /// What is charged.
        within: Option<Charge<'a>>,
    },
}

/// A key of a `Seen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Once<'a> {
    /// Which declaration.
    pub state: u32,
    /// The key.
    pub key: &'a [u8],
}

/// An amount for a `Budget`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge<'a> {
    /// Which declaration.
    pub state: u32,
    /// The key.
    pub key: &'a [u8],
    /// Minor units. Nothing negative is ever granted.
    pub amount: i64,
}

/// What a store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// Of [`Ask::Take`].
    Taken {
        /// Whether all were taken; else none was.
        granted: bool,
        /// If refused, how long after the operation's time it could be granted, if nobody else takes any;
        /// [`GREATEST`](crate::kind::GREATEST) if never.
        wait_us: Option<i64>,
        /// How many are left.
        left: i64,
    },
    /// Yes or no.
    Bool(bool),
    /// A counter's value, within ±[`GREATEST`](crate::kind::GREATEST).
    Number(i64),
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is done.
    Answer(Answer),
    /// Not at hand: [`Store::perform`](crate::Store::perform) finds out. Nothing was done.
    Later,
    /// It could not be done, and `on_failure` of the declaration decides. Nothing was done, except after
    /// [`Failure::Down`], where it may have been.
    Failed(Failure),
}

/// Why an operation could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Failure {
    /// The key would be one more than `max_keys`, or the answer one more than can be remembered.
    Full,
    /// The event's time lies further back than what is kept.
    Late,
    /// The store did not answer in time, or not at all.
    Down,
    /// The kind has no such operation, or there is no such declaration: a mistake of the caller.
    Unanswerable,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Failure::Full => "there is no room for another key",
            Failure::Late => "the time lies further back than what is kept",
            Failure::Down => "the store does not answer",
            Failure::Unanswerable => "this state has no such operation",
        })
    }
}
