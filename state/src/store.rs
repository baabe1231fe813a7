//! What every store promises.

use crate::{Operation, Outcome};

/// Holds the states of a program. Shared by all threads that decide.
pub trait Store: Send + Sync {
    /// The outcome if it is at hand, else [`Outcome::Later`]. Never blocks for longer than another thread's operation takes.
    fn ask(&self, operation: &Operation<'_>) -> Outcome;

    /// Does the operations in their order and writes an outcome for each, never [`Outcome::Later`], behind what is in
    /// `outcomes`. May block, for as long as the store's own timeout.
    fn perform(&self, operations: &[Operation<'_>], outcomes: &mut Vec<Outcome>);

    /// Gives back every slot that the decision holds. Without it they are free when their lease ends. May block as
    /// `perform` does.
    fn finish(&self, decision: &[u8]);
}
