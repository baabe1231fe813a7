//! Entries by the hash of their keys: open addressing with linear probes, so that an entry is read where its hash says, and nothing else is.
//!
//! A general table (hashbrown's) reads control bytes first, which with a million keys are somewhere else in memory: two waits where this has
//! one. What is taken out is closed up by those behind it (Knuth, *The Art of Computer Programming* 3, §6.4, Algorithm R), so that no
//! tombstones make probes longer.

use super::key::{Key, Wanted};
use super::table::Cell;

/// How many places there are at first.
const FIRST: usize = 8;

/// A key with what it holds.
pub(crate) struct Entry<C: Cell> {
    pub(crate) key: Key,
    pub(crate) cell: C,
    /// Takes no room, and says where an entry may begin.
    _align: [C::Align; 0],
}

/// Entries begin anywhere: most that are no power of two long would take half as much room again if they did not.
pub(crate) type Anywhere = u64;

/// Two entries to a cache line, and none in two lines.
#[repr(align(32))]
pub(crate) struct HalfLine;

/// An entry to a cache line.
#[repr(align(64))]
pub(crate) struct Line;

/// A power of two of places, or none; at most three quarters of them are taken.
pub(crate) struct Places<C: Cell> {
    places: Box<[Option<Entry<C>>]>,
    len: usize,
}

impl<C: Cell> Entry<C> {
    pub(crate) fn new(key: Key, cell: C) -> Entry<C> {
        Entry {
            key,
            cell,
            _align: [],
        }
    }
}

impl<C: Cell> Places<C> {
    /// No places.
    pub(crate) fn new() -> Places<C> {
        Places {
            places: Box::new([]),
            len: 0,
        }
    }

    /// How many are taken.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many there are.
    pub(crate) fn all(&self) -> usize {
        self.places.len()
    }

    /// The bytes of all places.
    pub(crate) fn size(&self) -> usize {
        size_of_val(&*self.places)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry<C>> {
        self.places.iter().flatten()
    }

    /// What stands at a place.
    pub(crate) fn at(&self, place: usize) -> Option<&Entry<C>> {
        self.places.get(place)?.as_ref()
    }

    /// What a key holds.
    #[inline]
    pub(crate) fn find(&mut self, hash: u64, key: &Wanted<'_>) -> Option<&mut C> {
        let place = self.place(hash, key)?;
        let entry = self.places.get_mut(place)?.as_mut()?;
        Some(&mut entry.cell)
    }

    /// The place of a key.
    #[inline]
    pub(crate) fn place(&self, hash: u64, key: &Wanted<'_>) -> Option<usize> {
        let mask = self.places.len().wrapping_sub(1);
        let mut place = hash as usize & mask;
        // A free place ends the probes, and there is always one.
        while let Some(Some(entry)) = self.places.get(place) {
            if entry.key.is(key) {
                return Some(place);
            }
            place = (place + 1) & mask;
        }
        None
    }

    /// Puts in an entry whose key is not there. `hash_of` gives the hash of any key, when places have to be made.
    pub(crate) fn put(&mut self, hash: u64, entry: Entry<C>, hash_of: impl Fn(&[u8]) -> u64) {
        if 4 * (self.len + 1) > 3 * self.places.len() {
            self.grow(hash_of);
        }
        self.put_free(hash, entry);
        self.len += 1;
    }

    /// Takes out what stands at a place, and moves those behind it that can be nearer to where they belong.
    pub(crate) fn take(
        &mut self,
        place: usize,
        hash_of: impl Fn(&[u8]) -> u64,
    ) -> Option<Entry<C>> {
        let taken = self.places.get_mut(place)?.take()?;
        self.len -= 1;
        let mask = self.places.len() - 1;
        let (mut free, mut next) = (place, (place + 1) & mask);
        while let Some(entry) = &self.places[next] {
            // How far it stands behind the place of its hash, and behind the free one.
            let home = hash_of(entry.key.bytes()) as usize & mask;
            if next.wrapping_sub(home) & mask >= next.wrapping_sub(free) & mask {
                self.places[free] = self.places[next].take();
                free = next;
            }
            next = (next + 1) & mask;
        }
        Some(taken)
    }

    #[cold]
    fn grow(&mut self, hash_of: impl Fn(&[u8]) -> u64) {
        let all = (2 * self.places.len()).max(FIRST);
        let more = (0..all).map(|_| None).collect();
        let before = std::mem::replace(&mut self.places, more);
        for entry in before.into_iter().flatten() {
            self.put_free(hash_of(entry.key.bytes()), entry);
        }
    }

    fn put_free(&mut self, hash: u64, entry: Entry<C>) {
        let mask = self.places.len() - 1;
        let mut place = hash as usize & mask;
        while self.places[place].is_some() {
            place = (place + 1) & mask;
        }
        self.places[place] = Some(entry);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::{Deserialize, Serialize};

    use super::super::cells::bucket::Bucket;
    use super::*;

    #[derive(Clone, Default, Serialize, Deserialize)]
    struct Number(u64);

    impl Cell for Number {
        type Rule = ();
        type Align = Anywhere;

        fn until(&self, (): &()) -> i64 {
            0
        }
    }

    #[test]
    fn no_token_bucket_lies_in_two_cache_lines() {
        assert_eq!(size_of::<Option<Entry<Bucket>>>(), 32);
        assert_eq!(align_of::<Option<Entry<Bucket>>>(), 32);
    }

    /// Keys that come and go, with hashes that nearly all meet: what is there is what a map of the standard library has.
    #[test]
    fn keys_that_meet_come_and_go() {
        for kinds in [1, 3, 64, u64::MAX] {
            let hash_of =
                |key: &[u8]| u64::from(key[0]).wrapping_mul(0x9e37_79b9_7f4a_7c15) % kinds;
            let (mut places, mut model) = (Places::<Number>::new(), HashMap::new());
            let mut state = 1_u64;
            for step in 0..20_000_u64 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(step);
                let key = [(state >> 33) as u8 % 97];
                let hash = hash_of(&key);
                let wanted = Wanted::new(&key);
                let there = places.place(hash, &wanted);
                assert_eq!(there.is_some(), model.contains_key(&key));
                match (there, state >> 60) {
                    (Some(place), 0..8) => {
                        let taken = places.take(place, hash_of).map(|entry| entry.cell.0);
                        assert_eq!(taken, model.remove(&key));
                    }
                    (Some(_), _) => {
                        *places.find(hash, &wanted).expect("it is there") = Number(step);
                        model.insert(key, step);
                    }
                    (None, _) => {
                        let entry = Entry::new(Key::new(&key), Number(step));
                        places.put(hash, entry, hash_of);
                        model.insert(key, step);
                    }
                }
                assert_eq!(places.len(), model.len());
                assert!(4 * places.len() <= 3 * places.all());
            }
            for (key, cell) in model {
                let found = places.find(hash_of(&key), &Wanted::new(&key));
                assert_eq!(found.map(|number| number.0), Some(cell));
            }
        }
    }
}
