//! The rule-set index: what a rule set asks, as data, and how the rules that match are found without asking each.

mod test;

pub use test::{Atom, Formula, Test};
