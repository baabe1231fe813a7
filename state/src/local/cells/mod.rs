//! What each kind means: what one key holds, and what an operation makes of it. A file is a kind; the settings are
//! worked out once into a `Rule`, and a cell is a few numbers.
//!
//! Each function gets the operation's time and the earliest time an operation may have (see
//! [`Table::with`](super::table::Table::with)); what grants never goes back behind its cell's latest time.

pub(crate) mod bucket;
pub(crate) mod budget;
pub(crate) mod ladder;
pub(crate) mod log;
pub(crate) mod members;
pub(crate) mod seen;
pub(crate) mod sliding;
pub(crate) mod slots;
pub(crate) mod stretches;
pub(crate) mod window;

use crate::Answer;
use crate::kind::GREATEST;

/// Refused until a time; nothing beyond [`GREATEST`] is told from never.
fn refused(at_us: i64, until: i64, left: i64) -> Answer {
    let wait = until.saturating_sub(at_us).clamp(0, GREATEST);
    Answer::Taken {
        granted: false,
        wait_us: Some(wait),
        left,
    }
}

fn granted(left: i64) -> Answer {
    Answer::Taken {
        granted: true,
        wait_us: None,
        left,
    }
}

/// Within what the language can say.
fn clip(number: i64) -> i64 {
    number.clamp(-GREATEST, GREATEST)
}
