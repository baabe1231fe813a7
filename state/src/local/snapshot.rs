//! Everything that a local store holds, and what changed in it, as data.

use serde::{Deserialize, Serialize};

use super::Local;
use super::cells::{bucket, budget, ladder, log, members, seen, sliding, slots, stretches, window};
use super::held::Held;
use super::state::{First, Kept};
use super::table::{Entries, Part};

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

/// What changed in a [`Local`] since the last time that this was asked: what a log needs to hold for the store to be had again, with the
/// snapshot that it begins with.
///
/// ```
/// use tollgate_state::{Declaration, Kind, Local};
/// let declarations = [Declaration::new("s", Kind::Seen { keep_us: 1_000_000 }).max_keys(10)];
/// let before = Local::new(&declarations)?;
/// before.track();
/// let snapshot = before.snapshot();
/// before.set(0, b"k", 0, 1).unwrap();
/// let changes = serde_json::to_string(&before.changes()).unwrap();
///
/// let after = Local::new(&declarations)?;
/// assert!(after.restore(snapshot).is_empty());
/// assert_eq!(after.get(0, b"k", 0), Ok(0));
/// assert!(after.apply(serde_json::from_str(&changes).unwrap()).is_empty());
/// assert_eq!(after.get(0, b"k", 0), Ok(1));
/// # Ok::<(), tollgate_state::Limit>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
pub struct Changes(Snapshot);

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
        /// Absent from changes where nobody was charged.
        purse: Option<budget::Purse>,
    },
}

impl Local {
    /// A copy of everything. Each thousand keys are copied at once and not all: it is that of one moment only
    /// if nobody asks in the meantime.
    pub fn snapshot(&self) -> Snapshot {
        self.copy(Part::Whole)
    }

    /// Puts what was saved in the place of what is there, and gives the identities of the states that are not declared
    /// here, whose entries are left out. Nobody may ask in the meantime.
    pub fn restore(&self, snapshot: Snapshot) -> Vec<u64> {
        self.put(Part::Whole, snapshot)
    }

    /// From now on, notes which keys are asked about, so that [`Local::changes`] knows. Who tracks takes the changes now and then: until
    /// then each operation takes 16 bytes, and those of its key where they are more than 14.
    pub fn track(&self) {
        self.held.track();
        for state in &self.states {
            state.kept.track();
            if let Some(firsts) = &state.firsts {
                firsts.table.track();
            }
        }
    }

    /// What the keys hold that were asked about since the last time, or since [`Local::track`]; nothing without that. Nobody may ask in the
    /// meantime.
    pub fn changes(&self) -> Changes {
        let mut changes = self.copy(Part::Changes);
        changes.states.retain(Saved::has_some);
        Changes(changes)
    }

    /// Puts changes on top of what is there, which is what they were made from; the answer is that of [`Local::restore`].
    pub fn apply(&self, changes: Changes) -> Vec<u64> {
        self.put(Part::Changes, changes.0)
    }

    fn copy(&self, part: Part) -> Snapshot {
        let states = self.states.iter().map(|state| Saved {
            identity: state.identity,
            kept: save(part, &state.kept),
            firsts: state.firsts.as_ref().map(|firsts| firsts.table.copy(part)),
        });
        Snapshot {
            states: states.collect(),
            held: self.held.copy(part),
        }
    }

    fn put(&self, part: Part, snapshot: Snapshot) -> Vec<u64> {
        let mut unknown = Vec::new();
        self.held.put(part, snapshot.held);
        for saved in snapshot.states {
            let state = self
                .states
                .iter()
                .find(|state| state.identity == saved.identity);
            match state {
                Some(state) if put_back(part, &state.kept, saved.kept) => {
                    if let (Some(firsts), Some(entries)) = (&state.firsts, saved.firsts) {
                        firsts.table.put(part, entries);
                    }
                }
                _ => unknown.push(saved.identity),
            }
        }
        unknown
    }
}

impl Saved {
    /// Whether there is anything to put back.
    fn has_some(&self) -> bool {
        let kept = match &self.kept {
            SavedKept::Buckets(entries) => !entries.is_empty(),
            SavedKept::Fixed(entries) => !entries.is_empty(),
            SavedKept::Logs(entries) => !entries.is_empty(),
            SavedKept::Slots(entries) => !entries.is_empty(),
            SavedKept::Peaks(entries) => !entries.is_empty(),
            SavedKept::Stretches(entries) => !entries.is_empty(),
            SavedKept::Marks(entries) => !entries.is_empty(),
            SavedKept::Members(entries) => !entries.is_empty(),
            SavedKept::Seen(entries) => !entries.is_empty(),
            SavedKept::Budget { keys, purse } => {
                purse.is_some() || keys.as_ref().is_some_and(|keys| !keys.is_empty())
            }
        };
        kept || self
            .firsts
            .as_ref()
            .is_some_and(|firsts| !firsts.is_empty())
    }
}

impl Kept {
    fn track(&self) {
        match self {
            Kept::Buckets(table) => table.track(),
            Kept::Fixed(table) => table.track(),
            Kept::Logs(table) => table.track(),
            Kept::Slots(table) => table.track(),
            Kept::Peaks(table) => table.track(),
            Kept::Stretches(table) => table.track(),
            Kept::Marks(table) => table.track(),
            Kept::Members(table) => table.track(),
            Kept::Seen(table) => table.track(),
            // A purse always knows whether it changed.
            Kept::Budget(budget) => {
                if let Some(keys) = &budget.keys {
                    keys.track();
                }
            }
        }
    }
}

fn save(part: Part, kept: &Kept) -> SavedKept {
    match kept {
        Kept::Buckets(table) => SavedKept::Buckets(table.copy(part)),
        Kept::Fixed(table) => SavedKept::Fixed(table.copy(part)),
        Kept::Logs(table) => SavedKept::Logs(table.copy(part)),
        Kept::Slots(table) => SavedKept::Slots(table.copy(part)),
        Kept::Peaks(table) => SavedKept::Peaks(table.copy(part)),
        Kept::Stretches(table) => SavedKept::Stretches(table.copy(part)),
        Kept::Marks(table) => SavedKept::Marks(table.copy(part)),
        Kept::Members(table) => SavedKept::Members(table.copy(part)),
        Kept::Seen(table) => SavedKept::Seen(table.copy(part)),
        Kept::Budget(budget) => {
            let keys = budget.keys.as_ref().map(|keys| keys.copy(part));
            let mut purse = budget.purse.lock();
            let copied = match part {
                Part::Whole => true,
                Part::Changes => std::mem::take(&mut purse.changed),
            };
            SavedKept::Budget {
                keys,
                purse: copied.then(|| purse.clone()),
            }
        }
    }
}

/// Whether it is of the same kind.
fn put_back(part: Part, kept: &Kept, saved: SavedKept) -> bool {
    match (kept, saved) {
        (Kept::Buckets(table), SavedKept::Buckets(entries)) => table.put(part, entries),
        (Kept::Fixed(table), SavedKept::Fixed(entries)) => table.put(part, entries),
        (Kept::Logs(table), SavedKept::Logs(entries)) => table.put(part, entries),
        (Kept::Slots(table), SavedKept::Slots(entries)) => table.put(part, entries),
        (Kept::Peaks(table), SavedKept::Peaks(entries)) => table.put(part, entries),
        (Kept::Stretches(table), SavedKept::Stretches(entries)) => table.put(part, entries),
        (Kept::Marks(table), SavedKept::Marks(entries)) => table.put(part, entries),
        (Kept::Members(table), SavedKept::Members(entries)) => table.put(part, entries),
        (Kept::Seen(table), SavedKept::Seen(entries)) => table.put(part, entries),
        (Kept::Budget(budget), SavedKept::Budget { keys, purse }) => {
            if let (Some(table), Some(entries)) = (&budget.keys, keys) {
                table.put(part, entries);
            }
            if let Some(purse) = purse {
                *budget.purse.lock() = purse;
            }
        }
        _ => return false,
    }
    true
}
