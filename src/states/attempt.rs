//! Deciding without waiting: what is pending is handed to the host, and the decision is attempted again with the answers.

use tollgate_ir::module::StatePlace;
use tollgate_state::{Failure, Operation, Outcome};

use super::States;
use super::asking::{Asked, Reply, operation};
use crate::decision::Decision;

/// What came of an attempt: see [`Session::attempt_json`](crate::Session::attempt_json).
#[derive(Debug)]
pub enum Attempt<'s> {
    /// Every answer was at hand.
    Decided(Decision<'s>),
    /// A store has to be waited for.
    Pending(Box<Pending>),
}

/// The answers that a decision has been given so far, in order. Empty at its beginning; all of them replay it.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    pub(super) known: Vec<Known>,
}

impl Answers {
    /// Whether these are answers to the same places.
    #[cfg(feature = "compiler")]
    pub(crate) fn fit(&self, other: &Answers) -> bool {
        let places = |of: &Answers| of.known.iter().map(|k| k.place).collect::<Vec<_>>();
        places(self) == places(other)
    }
}

/// An answer to what a place asked; what failed is answered by `on_failure` where it is first used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(super) place: u32,
    pub(super) reply: Option<Reply>,
    pub(super) failure: Option<Failure>,
}

/// An operation that its store could not answer at once. It is certain that the decision asks it, and owns all that it needs.
#[derive(Clone, Debug)]
pub struct Pending {
    pub(super) before: Answers,
    pub(super) place: StatePlace,
    pub(super) asked: Asked,
    pub(super) bytes: Vec<u8>,
    pub(super) decision: String,
    pub(super) at_us: i64,
}

impl Pending {
    /// The operation, for its store.
    pub fn operation(&self) -> Operation<'_> {
        operation(
            &self.place,
            &self.asked,
            &self.bytes,
            &self.decision,
            self.at_us,
        )
    }

    /// The answers to attempt the decision with again, given what became of the operation. `Later` counts as a store that is down.
    pub fn answered(self, outcome: Outcome) -> Answers {
        let (reply, failure) = match outcome {
            Outcome::Answer(answer) => (Some(Reply::Answer(answer)), None),
            Outcome::Failed(failure) => (None, Some(failure)),
            Outcome::Later => (None, Some(Failure::Down)),
        };
        let mut answers = self.before;
        answers.known.push(Known {
            place: self.asked.place,
            reply,
            failure,
        });
        answers
    }
}

impl States {
    /// Asks the store of a pending operation and waits for it, on whatever thread this is called; the answers to attempt the decision
    /// with again.
    pub fn perform(&self, pending: Pending) -> Answers {
        let mut outcomes = Vec::with_capacity(1);
        let operation = pending.operation();
        if let Some(store) = self.bound.stores.get(operation.state as usize) {
            store.perform(std::slice::from_ref(&operation), &mut outcomes);
        }
        let outcome = outcomes.pop().unwrap_or(Outcome::Later);
        pending.answered(outcome)
    }
}
