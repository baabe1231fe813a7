//! Whether conditions can hold: exactly, or "do not know".
//!
//! That nothing satisfies a condition is a proof: the values that [`Domain`] admits are all that a feature can have and
//! perhaps more, and features are taken to be independent where they may not be. That something does is not, for the same
//! reasons: who claims it builds the input and asks the interpreter.

mod closest;
mod dead;
mod domain;
mod draft;
mod elements;
mod features;
mod findings;
mod invert;
mod lay;
mod lookup;
mod monotone;
mod overlap;
mod pairs;
mod place;
mod ranges;
mod search;
mod space;
#[cfg(test)]
mod tests;
mod texts;
mod vary;
mod witness;

pub use closest::{Closest, closest};
pub use domain::{Domain, Form, Kind, Literal, Pick, Text, holds, passes, simplest};
pub use findings::{Finding, Question, Scope, Subject, findings, never_decide};
pub use lookup::{Condition, Lookup};
pub use search::{Found, Search, Verdict};
pub use space::{Feature, Space};
pub use texts::Texts;
pub use witness::{Facts, Given, Witness};

use tollgate_runtime::index::{Atom, Formula};

/// The atoms without which a condition does not hold.
fn needed<'f>(condition: &[&'f Formula]) -> Vec<&'f Atom> {
    let mut found = Vec::new();
    let mut open = condition.to_vec();
    while let Some(formula) = open.pop() {
        match formula {
            Formula::All(of) => open.extend(of),
            Formula::Any(_) => {}
            Formula::Atom(atom) => found.push(atom),
        }
    }
    found
}
