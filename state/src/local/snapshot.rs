//! Everything that a local store holds, as data.

use serde::{Deserialize, Serialize};

use super::Local;
use super::cells::{bucket, budget, ladder, log, members, seen, sliding, slots, stretches, window};
use super::held::Held;
use super::state::{First, Kept};
use super::table::Entries;

/// Everything that a [`Local`] holds: written beside the outputs of a stream, so that both are committed together.
///
/// It is for the version of the crate that made it. States are found again by their identity.
///
/// ```
/// use tollgate_state::{Declaration, Kind, Local};
/// let declarations = [Declaration::new("s", Kind::Seen { keep_us: 1_000_000 }).max_keys(10)];
/// let before = Local::new(&declarations)?;
/// before.set(0, b"k", 0, 1).unwrap();
/// let text = serde_json::to_string(&before.snapshot()).unwrap();
///
/// let after = Local::new(&declarations)?;
/// assert!(after.restore(serde_json::from_str(&text).unwrap()).is_empty());
/// assert_eq!(after.get(0, b"k", 0), Ok(1));
/// # Ok::<(), tollgate_state::Limit>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
pub struct Snapshot {
    states: Vec<Saved>,
    held: Entries<Held>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Saved {
    identity: u64,
    kept: SavedKept,
    firsts: Option<Entries<First>>,
}

#[derive(Clone, Serialize, Deserialize)]
enum SavedKept {
    Buckets(Entries<bucket::Bucket>),
    Fixed(Entries<window::Fixed>),
    Logs(Entries<log::Log>),
    Slots(Entries<slots::Slots>),
    Peaks(Entries<ladder::Peak>),
    Stretches(Entries<stretches::Stretches>),
    Marks(Entries<sliding::Marks>),
    Members(Entries<members::Members>),
    Seen(Entries<seen::Seen>),
    Budget {
        keys: Option<Entries<budget::Spent>>,
        purse: budget::Purse,
    },
}

impl Local {
    /// A copy of everything. Each thousand keys are copied at once and not all: it is that of one moment only
    /// if nobody asks in the meantime.
    pub fn snapshot(&self) -> Snapshot {
        let states = self.states.iter().map(|state| Saved {
            identity: state.identity,
            kept: save(&state.kept),
            firsts: state.firsts.as_ref().map(|firsts| firsts.table.entries()),
        });
        Snapshot {
            states: states.collect(),
            held: self.held.entries(),
        }
    }

    /// Puts what was saved in the place of what is there, and gives the identities of the states that are not declared
    /// here, whose entries are left out. Nobody may ask in the meantime.
    pub fn restore(&self, snapshot: Snapshot) -> Vec<u64> {
        let mut unknown = Vec::new();
        self.held.replace(snapshot.held);
        for saved in snapshot.states {
            let state = self
                .states
                .iter()
                .find(|state| state.identity == saved.identity);
            match state {
                Some(state) if put_back(&state.kept, saved.kept) => {
                    if let (Some(firsts), Some(entries)) = (&state.firsts, saved.firsts) {
                        firsts.table.replace(entries);
                    }
                }
                _ => unknown.push(saved.identity),
            }
        }
        unknown
    }
}

fn save(kept: &Kept) -> SavedKept {
    match kept {
        Kept::Buckets(table) => SavedKept::Buckets(table.entries()),
        Kept::Fixed(table) => SavedKept::Fixed(table.entries()),
        Kept::Logs(table) => SavedKept::Logs(table.entries()),
        Kept::Slots(table) => SavedKept::Slots(table.entries()),
        Kept::Peaks(table) => SavedKept::Peaks(table.entries()),
        Kept::Stretches(table) => SavedKept::Stretches(table.entries()),
        Kept::Marks(table) => SavedKept::Marks(table.entries()),
        Kept::Members(table) => SavedKept::Members(table.entries()),
        Kept::Seen(table) => SavedKept::Seen(table.entries()),
        Kept::Budget(budget) => SavedKept::Budget {
            keys: budget.keys.as_ref().map(super::table::Table::entries),
            purse: budget.purse.lock().clone(),
        },
    }
}

/// Whether it is of the same kind.
fn put_back(kept: &Kept, saved: SavedKept) -> bool {
    match (kept, saved) {
        (Kept::Buckets(table), SavedKept::Buckets(entries)) => table.replace(entries),
        (Kept::Fixed(table), SavedKept::Fixed(entries)) => table.replace(entries),
        (Kept::Logs(table), SavedKept::Logs(entries)) => table.replace(entries),
        (Kept::Slots(table), SavedKept::Slots(entries)) => table.replace(entries),
        (Kept::Peaks(table), SavedKept::Peaks(entries)) => table.replace(entries),
        (Kept::Stretches(table), SavedKept::Stretches(entries)) => table.replace(entries),
        (Kept::Marks(table), SavedKept::Marks(entries)) => table.replace(entries),
        (Kept::Members(table), SavedKept::Members(entries)) => table.replace(entries),
        (Kept::Seen(table), SavedKept::Seen(entries)) => table.replace(entries),
        (Kept::Budget(budget), SavedKept::Budget { keys, purse }) => {
            if let (Some(table), Some(entries)) = (&budget.keys, keys) {
                table.replace(entries);
            }
            *budget.purse.lock() = purse;
        }
        _ => return false,
    }
    true
}
