//! What every store must answer: the same as a model that keeps everything that ever happened and counts it again.

mod bounds;
mod local;
mod model;
mod random;
#[cfg(feature = "redis")]
mod redis;

use tollgate_state::{Ask, Operation};

/// An operation of state 0, as tests mostly ask.
fn operation<'a>(key: &'a [u8], at_us: i64, decision: &'a [u8], ask: Ask<'a>) -> Operation<'a> {
    Operation {
        state: 0,
        key,
        at_us,
        decision,
        place: 1,
        ask,
    }
}
