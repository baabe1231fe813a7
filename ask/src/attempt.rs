//! Deciding without waiting: what is pending is handed to the host, and the decision is attempted again with the answers.

use tollgate_ir::module::StatePlace;
use tollgate_state::{Failure, Operation, Outcome};

use crate::asking::{Asked, Reply};
use crate::place::operation;

/// The answers that a decision has been given so far, in order. Empty at its beginning; all of them replay it.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    pub(crate) known: Vec<Known>,
}

impl Answers {
    /// Whether these are answers to the same places.
    pub fn fit(&self, other: &Answers) -> bool {
        let places = |of: &Answers| of.known.iter().map(|k| k.place).collect::<Vec<_>>();
        places(self) == places(other)
    }
}

/// An answer to what a place asked; what failed is answered by `on_failure` where it is first used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) place: u32,
    pub(crate) reply: Option<Reply>,
    pub(crate) failure: Option<Failure>,
}

/// An operation that its store could not answer at once. It is certain that the decision asks it, and owns all that it needs.
#[derive(Clone, Debug)]
pub struct Pending {
    pub(crate) before: Answers,
    pub(crate) place: StatePlace,
    pub(crate) asked: Asked,
    pub(crate) bytes: Vec<u8>,
    pub(crate) decision: String,
    pub(crate) at_us: i64,
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
