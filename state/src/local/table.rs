//! A table of keys in shards, each behind a lock, that bounds itself and drops what no longer matters.
//!
//! An operation locks the shard of its key and no other. A shard holds about a thousand keys when the table is full, so
//! that growing one, the longest that an operation can take, moves about as many. Whenever a key is
//! added, eight places of its shard are looked at and what no longer matters there is dropped; when the table is full,
//! the whole shard and one more are. There is no thread beside.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::key::{Key, Wanted};
use super::places::{Entry, Places};
use crate::operation::Failure;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};

/// How many keys a shard is meant for.
const SHARD: u64 = 1024;
const MOST_SHARDS: u64 = 4096;
/// How many places are looked at for each key that is added.
const STEP: usize = 8;

/// What one key of a kind holds. The default answers as an absent key does.
pub(crate) trait Cell: Default + Clone + Serialize + DeserializeOwned {
    /// The settings of the declaration.
    type Rule;

    /// Where entries may begin: what `places.rs` has for that.
    type Align;

    /// The time from which on this answers as an absent key does; `i64::MIN` if it does already.
    fn until(&self, rule: &Self::Rule) -> i64;

    /// Bytes that it takes beyond its own size.
    fn heap(&self) -> usize {
        0
    }
}

/// The keys of one declaration.
pub(crate) struct Table<C: Cell> {
    pub(crate) rule: C::Rule,
    shards: Box<[Shard<C>]>,
    /// How many keys there are in all shards, those included for which room was made.
    live: AtomicU64,
    most: AtomicU64,
    /// Secret, so that nobody can choose keys that meet in one place.
    seed: u64,
    /// The shard that is looked at next when the table is full.
    next: AtomicU64,
}

/// A shard has cache lines of its own.
#[repr(align(128))]
struct Shard<C: Cell>(Mutex<Keys<C>>);

/// What every operation looks at stands first, in the cache line of the lock.
#[repr(C)]
struct Keys<C: Cell> {
    places: Places<C>,
    /// Keys that were asked about since [`Table::copy`] took what changed; nothing where nobody wants to know.
    touched: Option<Vec<Key>>,
    /// The latest `until` of anything that was dropped: before it, an absent key may be one that was there.
    floor: i64,
    next: usize,
    /// Before this time, looking at the whole shard again would find nothing to drop.
    due: i64,
}

/// How much of a table is copied and put back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    /// All keys.
    Whole,
    /// The keys that were asked about since changes were taken the last time.
    Changes,
}

/// The entries of a table, for a snapshot. Among changes, a key that was dropped has a cell that answers as an absent one does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Entries<C: Cell> {
    floor: i64,
    keys: Vec<(Key, C)>,
}

impl<C: Cell> Table<C> {
    pub(crate) fn new(rule: C::Rule, most: u64, seed: u64) -> Table<C> {
        let shards = most.div_ceil(SHARD).next_power_of_two().min(MOST_SHARDS);
        Table {
            rule,
            shards: (0..shards)
                .map(|_| Shard(Mutex::new(Keys::default())))
                .collect(),
            live: AtomicU64::new(0),
            most: AtomicU64::new(most),
            seed,
            next: AtomicU64::new(0),
        }
    }

    /// Another `max_keys`; what is there stays.
    pub(crate) fn bound(&self, most: u64) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// Works on what the key holds. `work` gets the settings, the cell, and the earliest time that an operation on it may
    /// have (`i64::MIN` unless the key is absent).
    ///
    /// # Errors
    /// [`Failure::Full`] when the key is absent and there is no room for it, and what `work` fails with; it then must not
    /// have changed anything.
    #[inline]
    pub(crate) fn with<R>(
        &self,
        key: &[u8],
        at_us: i64,
        work: impl FnOnce(&C::Rule, &mut C, i64) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let wanted = Wanted::new(key);
        let hash = wanted.hash(self.seed);
        let mut keys = self.shard(hash).lock();
        keys.touch(key);
        if let Some(cell) = keys.places.find(hash, &wanted) {
            return work(&self.rule, cell, i64::MIN);
        }
        self.with_absent(keys, hash, key, at_us, work)
    }

    /// Works on what the key holds, if it is there, without making room.
    pub(crate) fn peek<R>(
        &self,
        key: &[u8],
        look: impl FnOnce(&C::Rule, &mut C) -> R,
    ) -> Option<R> {
        let wanted = Wanted::new(key);
        let hash = wanted.hash(self.seed);
        let mut keys = self.shard(hash).lock();
        keys.touch(key);
        let cell = keys.places.find(hash, &wanted)?;
        Some(look(&self.rule, cell))
    }

    /// Takes the key out with what it holds, if it is there.
    pub(crate) fn take(&self, key: &[u8]) -> Option<C> {
        let wanted = Wanted::new(key);
        let hash = wanted.hash(self.seed);
        let mut keys = self.shard(hash).lock();
        keys.touch(key);
        let place = keys.places.place(hash, &wanted)?;
        let entry = keys.places.take(place, |key| self.hash(key))?;
        self.live.fetch_sub(1, Ordering::Relaxed);
        Some(entry.cell)
    }

    /// How many keys there are, those included that no longer matter and were not dropped yet.
    pub(crate) fn len(&self) -> u64 {
        self.live.load(Ordering::Relaxed)
    }

    /// The bytes that all of it takes.
    pub(crate) fn size(&self) -> usize {
        let shard = |shard: &Shard<C>| {
            let keys = shard.0.lock();
            let heap = keys
                .places
                .iter()
                .map(|entry| entry.key.heap() + entry.cell.heap());
            size_of::<Shard<C>>() + keys.places.size() + heap.sum::<usize>()
        };
        self.shards.iter().map(shard).sum()
    }

    /// From now on, notes which keys are asked about.
    pub(crate) fn track(&self) {
        for shard in &self.shards {
            shard.0.lock().touched.get_or_insert_default();
        }
    }

    /// A part of it, one shard after the other. Taking changes forgets that they were.
    pub(crate) fn copy(&self, part: Part) -> Entries<C> {
        let mut all = Entries {
            floor: i64::MIN,
            keys: Vec::new(),
        };
        for shard in &self.shards {
            let keys = &mut *shard.0.lock();
            all.floor = all.floor.max(keys.floor);
            match part {
                Part::Whole => {
                    let entries = keys.places.iter();
                    let copies = entries.map(|entry| (entry.key.clone(), entry.cell.clone()));
                    all.keys.extend(copies);
                }
                Part::Changes => {
                    let mut touched = keys.touched.take().unwrap_or_default();
                    touched.sort_unstable_by(|a, b| a.bytes().cmp(b.bytes()));
                    touched.dedup_by(|a, b| a.bytes() == b.bytes());
                    all.keys.extend(touched.drain(..).map(|key| {
                        let wanted = Wanted::new(key.bytes());
                        let cell = keys.places.find(wanted.hash(self.seed), &wanted).cloned();
                        (key, cell.unwrap_or_default())
                    }));
                    keys.touched = Some(touched);
                }
            }
        }
        all
    }

    /// Puts these in the place of all that is there, or changes on top of it.
    pub(crate) fn put(&self, part: Part, entries: Entries<C>) {
        for shard in &self.shards {
            let mut keys = shard.0.lock();
            if part == Part::Changes {
                keys.floor = keys.floor.max(entries.floor);
                continue;
            }
            self.live
                .fetch_sub(keys.places.len() as u64, Ordering::Relaxed);
            *keys = Keys {
                floor: entries.floor,
                touched: keys.touched.as_ref().map(|_| Vec::new()),
                ..Keys::default()
            };
        }
        for (key, cell) in entries.keys {
            let wanted = Wanted::new(key.bytes());
            let hash = wanted.hash(self.seed);
            let mut keys = self.shard(hash).lock();
            if let Some(place) = keys.places.place(hash, &wanted) {
                keys.places.take(place, |key| self.hash(key));
                self.live.fetch_sub(1, Ordering::Relaxed);
            }
            let until = cell.until(&self.rule);
            if until == i64::MIN {
                continue;
            }
            self.live.fetch_add(1, Ordering::Relaxed);
            keys.due = keys.due.min(until);
            keys.places
                .put(hash, Entry::new(key, cell), |key| self.hash(key));
        }
    }

    /// The part of `with` that is rare: small keys that come again and again never get here.
    #[cold]
    fn with_absent<R>(
        &self,
        mut keys: MutexGuard<'_, Keys<C>>,
        hash: u64,
        key: &[u8],
        at_us: i64,
        work: impl FnOnce(&C::Rule, &mut C, i64) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.drop_some(&mut keys, STEP, at_us);
        if !self.make_room(&mut keys, at_us) {
            return Err(Failure::Full);
        }
        let mut cell = C::default();
        let result = work(&self.rule, &mut cell, keys.floor);
        let until = cell.until(&self.rule);
        if result.is_ok() && until != i64::MIN {
            keys.due = keys.due.min(until);
            let entry = Entry::new(Key::new(key), cell);
            keys.places.put(hash, entry, |key| self.hash(key));
        } else {
            self.live.fetch_sub(1, Ordering::Relaxed);
        }
        result
    }

    /// Counts one key more, if that is allowed.
    fn make_room(&self, keys: &mut Keys<C>, at_us: i64) -> bool {
        if self.count_one() {
            return true;
        }
        self.drop_all(keys, at_us);
        if self.count_one() {
            return true;
        }
        let other = self.next.fetch_add(1, Ordering::Relaxed) as usize % self.shards.len();
        // Waiting for it could be waiting for each other.
        if let Some(mut other) = self.shards[other].0.try_lock() {
            self.drop_all(&mut other, at_us);
        }
        self.count_one()
    }

    fn count_one(&self) -> bool {
        let most = self.most.load(Ordering::Relaxed);
        let one_more = |live| (live < most).then_some(live + 1);
        self.live
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .is_ok()
    }

    /// Drops everything that no longer matters at that time, unless looking would be in vain: a full table must not make
    /// every key that is refused look at a thousand others.
    fn drop_all(&self, keys: &mut Keys<C>, at_us: i64) {
        if at_us < keys.due {
            return;
        }
        self.drop_some(keys, usize::MAX, at_us);
        let until = keys.places.iter().map(|entry| entry.cell.until(&self.rule));
        keys.due = until.min().unwrap_or(i64::MAX);
    }

    /// Looks at so many places and drops what no longer matters at that time.
    fn drop_some(&self, keys: &mut Keys<C>, places: usize, at_us: i64) {
        let all = keys.places.all();
        for _ in 0..places.min(all) {
            let place = keys.next % all;
            keys.next = place + 1;
            // What is dropped is closed up by what stands behind it, which is looked at in turn.
            while let Some(Entry { cell, .. }) = keys.places.at(place) {
                let until = cell.until(&self.rule);
                if until > at_us {
                    break;
                }
                if let Some(Entry { key, .. }) = keys.places.take(place, |key| self.hash(key)) {
                    keys.touch(key.bytes());
                    keys.floor = keys.floor.max(until);
                    self.live.fetch_sub(1, Ordering::Relaxed);
                }
            }
        }
    }

    fn hash(&self, key: &[u8]) -> u64 {
        Wanted::new(key).hash(self.seed)
    }

    /// Places are found by the lowest bits of a hash.
    #[inline]
    fn shard(&self, hash: u64) -> &Mutex<Keys<C>> {
        &self.shards[(hash >> 32) as usize & (self.shards.len() - 1)].0
    }
}

impl<C: Cell> Entries<C> {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl<C: Cell> Keys<C> {
    /// Notes that the key may change.
    #[inline]
    fn touch(&mut self, key: &[u8]) {
        if let Some(touched) = &mut self.touched {
            note(touched, key);
        }
    }
}

/// Apart, so that what most programs never do is no part of what they do all the time.
#[cold]
fn note(touched: &mut Vec<Key>, key: &[u8]) {
    touched.push(Key::new(key));
}

impl<C: Cell> Default for Keys<C> {
    fn default() -> Keys<C> {
        Keys {
            places: Places::new(),
            floor: i64::MIN,
            next: 0,
            due: i64::MIN,
            touched: None,
        }
    }
}
