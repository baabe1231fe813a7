//! What each decision holds, so that finishing it finds that.

use serde::{Deserialize, Serialize};

use super::key::Key;
use super::places::Anywhere;
use super::table::{Cell, Table};
use crate::identity::Who;
use crate::operation::Operation;

/// For how many decisions at a time a table is laid out.
const DECISIONS: u64 = 65_536;

/// The slots of a decision.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Held {
    /// Nearly always the only one.
    first: Option<Place>,
    more: Vec<Place>,
    until: i64,
}

/// A slot: of which declaration and key, and whose.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Place {
    identity: u64,
    key: Key,
    who: Who,
}

impl Held {
    /// A table with nothing in it. There is no bound to be full of: slots are bounded where they are.
    pub(crate) fn table(seed: u64) -> Table<Held> {
        let table = Table::new((), DECISIONS, seed);
        table.bound(u64::MAX);
        table
    }

    /// Notes that the decision of this operation holds a slot until then.
    pub(crate) fn hold(table: &Table<Held>, operation: &Operation<'_>, place: Place, until: i64) {
        let decision = Who::decides(operation.decision).bytes();
        // It is never full.
        let _ = table.with(&decision, operation.at_us, |(), held, _| {
            held.until = held.until.max(until);
            match held.first {
                None => held.first = Some(place),
                Some(_) => held.more.push(place),
            }
            Ok(())
        });
    }

    /// What the decision holds, which is then noted no more.
    pub(crate) fn release(table: &Table<Held>, decision: &[u8]) -> Vec<Place> {
        let decision = Who::decides(decision).bytes();
        let Some(held) = table.take(&decision) else {
            return Vec::new();
        };
        held.first.into_iter().chain(held.more).collect()
    }
}

impl Place {
    pub(crate) fn new(identity: u64, key: &[u8], who: Who) -> Place {
        let key = Key::new(key);
        Place { identity, key, who }
    }

    pub(crate) fn identity(&self) -> u64 {
        self.identity
    }

    pub(crate) fn key(&self) -> &[u8] {
        self.key.bytes()
    }

    pub(crate) fn who(&self) -> Who {
        self.who
    }
}

impl Cell for Held {
    type Rule = ();
    type Align = Anywhere;

    fn until(&self, (): &()) -> i64 {
        match self.first {
            None => i64::MIN,
            Some(_) => self.until,
        }
    }

    fn heap(&self) -> usize {
        self.more.capacity() * size_of::<Place>()
    }
}
