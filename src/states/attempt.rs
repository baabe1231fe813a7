//! Deciding without waiting: what is pending is handed to the host, and the decision is attempted again with the answers.

use tollgate_ask::{Answers, Pending};

use super::States;
use crate::decision::Decision;

/// What came of an attempt: see [`Session::attempt_json`](crate::Session::attempt_json).
#[derive(Debug)]
pub enum Attempt<'s> {
    /// Every answer was at hand.
    Decided(Decision<'s>),
    /// A store has to be waited for.
    Pending(Box<Pending>),
}

impl States {
    /// Asks the store of a pending operation and waits for it, on whatever thread this is called; the answers to attempt the decision
    /// with again.
    pub fn perform(&self, pending: Pending) -> Answers {
        let outcome = self.bound.perform(&pending.operation());
        pending.answered(outcome)
    }
}
