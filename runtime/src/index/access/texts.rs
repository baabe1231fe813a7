//! Equality with texts: one hash table.

use std::hash::{BuildHasher, Hash, Hasher};

use rustc_hash::FxBuildHasher;

use super::NONE;
use crate::index::packed::{pack, same, unpack, words_of};

/// From bytes to a child: open addressing with linear probes, at most half full, so that a key is found in one place of the
/// table and one of the keys. A general table (hashbrown's) has a third, its control bytes. A place takes eight bytes, because that of a large
/// table is in the cache or not by its size. Where the children are nodes, each key stands in front of its node, which is read next in any
/// case: see [`Texts::give_keys`].
///
/// The keys are those of the rules, and a word is only looked up, so nobody outside can make the table slow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    /// Each key, and behind it its child; empty where the keys stand in front of nodes.
    keys: Vec<u64>,
    /// A power of two of places, or none.
    slots: Vec<Slot>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// What stands behind the key: among the keys its child, else the node that is the child. [`NONE`] where the place is free.
    at: u32,
    /// See [`check`].
    check: u32,
}

const FREE: Slot = Slot { at: NONE, check: 0 };

/// From this length on, a key's length stands behind its text.
const LONG: usize = u8::MAX as usize;

/// What is compared before the text: the length in the lowest byte, [`LONG`] where that has no room for it; and the uppermost 24 bits of the
/// hash, for the place is told by the lowest.
#[inline(always)]
fn check(hash: u64, len: usize) -> u32 {
    ((hash >> 40) as u32) << 8 | len.min(LONG) as u32
}

pub(super) fn hash_of(key: impl Hash) -> u64 {
    FxBuildHasher.hash_one(key)
}

/// The hash of a text.
#[inline(always)]
fn hash_text(text: &[u8]) -> u64 {
    let mut hasher = FxBuildHasher.build_hasher();
    hasher.write(text);
    hasher.finish()
}

/// The hash of bytes behind a number. Keys are compared as a whole, so their length need not be hashed.
#[inline]
pub(super) fn hash_bytes(lead: u32, bytes: &[u8]) -> u64 {
    let mut hasher = FxBuildHasher.build_hasher();
    hasher.write_u32(lead);
    hasher.write(bytes);
    hasher.finish()
}

impl Texts {
    /// The child of a key; a new key gets the child that `fresh` gives.
    pub(crate) fn child(&mut self, key: &[u8], fresh: impl FnOnce() -> u32) -> u32 {
        if let Some(child) = self.find(key) {
            return child;
        }
        let child = fresh();
        if 2 * (self.len + 1) > self.slots.len() {
            self.grow();
        }
        pack(key, &mut self.keys);
        if key.len() >= LONG {
            self.keys.push(key.len() as u64);
        }
        let hash = hash_text(key);
        let slot = Slot {
            at: self.keys.len() as u32,
            check: check(hash, key.len()),
        };
        self.keys.push(child.into());
        put(&mut self.slots, hash as usize, slot);
        self.len += 1;
        child
    }

    fn grow(&mut self) {
        let len = (2 * self.slots.len()).max(4);
        let old = std::mem::replace(&mut self.slots, vec![FREE; len]);
        for slot in old.into_iter().filter(|slot| slot.at != NONE) {
            let hash = hash_text(&slot.key(&self.keys));
            put(&mut self.slots, hash as usize, slot);
        }
    }

    /// The child of a key, where the keys are here. Constant time beside hashing and comparing it once.
    #[inline]
    pub(crate) fn find(&self, key: &[u8]) -> Option<u32> {
        let at = self.find_in(&self.keys, key)?;
        self.keys.get(at as usize).map(|child| *child as u32)
    }

    /// What stands behind a key among these words: where the keys were given away, its child.
    #[inline(always)]
    pub(in crate::index) fn find_in(&self, words: &[u64], key: &[u8]) -> Option<u32> {
        match key.len() {
            0..LONG => self.probe(key, 0, words),
            _ => self.find_long(words, key),
        }
    }

    #[cold]
    #[inline(never)]
    fn find_long(&self, words: &[u64], key: &[u8]) -> Option<u32> {
        self.probe(key, 1, words)
    }

    /// As `find_in`, for keys behind which so many words stand between them and what is found.
    #[inline(always)]
    fn probe(&self, key: &[u8], between: usize, words: &[u64]) -> Option<u32> {
        let hash = hash_text(key);
        let check = check(hash, key.len());
        let len = words_of(key.len());
        let mask = self.slots.len().wrapping_sub(1);
        let mut place = hash as usize & mask;
        // A table is never full, so a free place ends the probes.
        while let Some(slot) = self.slots.get(place).filter(|slot| slot.at != NONE) {
            if slot.check == check {
                let to = (slot.at as usize).wrapping_sub(between);
                let packed = words.get(to.wrapping_sub(len)..to);
                if packed.is_some_and(|packed| same(packed, key))
                    && (between == 0 || words.get(to) == Some(&(key.len() as u64)))
                {
                    return Some(slot.at);
                }
            }
            place = (place + 1) & mask;
        }
        None
    }

    /// The children, and the packed key of each with what stands between them.
    pub(in crate::index) fn keyed(&self) -> impl Iterator<Item = (u32, &[u64])> {
        self.filled().map(|slot| {
            let at = slot.at as usize;
            (self.keys[at] as u32, &self.keys[slot.from(&self.keys)..at])
        })
    }

    /// Gives the keys away to whoever has written each in front of its child.
    pub(in crate::index) fn give_keys(&mut self) {
        let keys = std::mem::take(&mut self.keys);
        let filled = self.slots.iter_mut().filter(|slot| slot.at != NONE);
        filled.for_each(|slot| slot.at = keys[slot.at as usize] as u32);
    }

    fn filled(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.at != NONE)
    }

    pub(in crate::index) fn children(&self) -> impl Iterator<Item = u32> {
        let child = |slot: &Slot| match self.keys.get(slot.at as usize) {
            Some(child) => *child as u32,
            None => slot.at,
        };
        self.filled().map(child)
    }

    /// Gives its children other numbers.
    pub(super) fn renumber(&mut self, to: &dyn Fn(u32) -> u32) {
        self.keys.shrink_to_fit();
        for slot in self.slots.iter_mut().filter(|slot| slot.at != NONE) {
            match self.keys.get_mut(slot.at as usize) {
                Some(child) => *child = to(*child as u32).into(),
                None => slot.at = to(slot.at),
            }
        }
    }

    pub(in crate::index) fn heap(&self) -> usize {
        self.keys.capacity() * size_of::<u64>() + self.slots.capacity() * size_of::<Slot>()
    }

    /// Keys and children, by key.
    pub(super) fn sorted(&self) -> Vec<(Vec<u8>, u32)> {
        self.sorted_in(&self.keys)
    }

    fn sorted_in(&self, words: &[u64]) -> Vec<(Vec<u8>, u32)> {
        let keys = self.filled().map(|slot| slot.key(words));
        let mut all: Vec<_> = keys.zip(self.children()).collect();
        all.sort_unstable();
        all
    }

    pub(super) fn edges(&self, keys: &[u64], visit: &mut dyn FnMut(String, u32)) {
        for (key, child) in self.sorted_in(keys) {
            visit(format!("{:?}", String::from_utf8_lossy(&key)), child);
        }
    }
}

impl Slot {
    /// The length of the key that stands in front among these words, and of what stands between.
    fn len(&self, words: &[u64]) -> (usize, usize) {
        match (self.check & u32::from(u8::MAX)) as usize {
            LONG => (words[self.at as usize - 1] as usize, 1),
            short => (short, 0),
        }
    }

    /// Where the key begins.
    fn from(&self, words: &[u64]) -> usize {
        let (len, between) = self.len(words);
        self.at as usize - between - words_of(len)
    }

    fn key(&self, words: &[u64]) -> Vec<u8> {
        let (len, _) = self.len(words);
        let from = self.from(words);
        unpack(&words[from..from + words_of(len)], len)
    }
}

/// The places of some texts in their order, by one read of a table and one of the text; see [`Texts`].
///
/// ```
/// use tollgate_runtime::index::TextTable;
/// let table = TextTable::new(["a", "b"].into_iter());
/// assert_eq!((table.place(b"b"), table.place(b"c")), (Some(1), None));
/// ```
#[derive(Clone, Debug)]
pub struct TextTable(Texts);

impl TextTable {
    /// Takes texts in; of equal ones the first counts. Linear.
    pub fn new<'t>(texts: impl Iterator<Item = &'t str>) -> TextTable {
        let mut table = Texts::default();
        for (text, place) in texts.zip(0..) {
            table.child(text.as_bytes(), || place);
        }
        TextTable(table)
    }

    /// Where a text stands, counted from 0. Constant time beside hashing and comparing it once; allocates nothing.
    #[inline]
    pub fn place(&self, text: &[u8]) -> Option<u32> {
        self.0.find(text)
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        size_of::<TextTable>() + self.0.heap()
    }
}

/// Puts a slot in the first free place from its hash on; there is one.
fn put(slots: &mut [Slot], hash: usize, slot: Slot) {
    let mask = slots.len().wrapping_sub(1);
    let mut place = hash & mask;
    while slots[place].at != NONE {
        place = (place + 1) & mask;
    }
    slots[place] = slot;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_nothing_else() {
        let mut texts = Texts::default();
        assert_eq!(texts.find(b"a"), None);
        let keys: Vec<String> = (0..3_000)
            .map(|i| format!("{}-{i}", "k".repeat(i % 19 + i % 7 / 6 * 240)))
            .collect();
        let long = keys.iter().filter(|key| key.len() >= LONG).count();
        assert!((100..3_000).contains(&long), "{long}");
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(texts.child(key.as_bytes(), || i as u32), i as u32);
        }
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(texts.child(key.as_bytes(), || NONE), i as u32);
            assert_eq!(texts.find(format!("{key}.").as_bytes()), None);
        }
        assert_eq!(texts.children().count(), keys.len());
        assert_eq!(texts.sorted().len(), keys.len());
        texts.renumber(&|child| child + 1);
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(texts.find(key.as_bytes()), Some(i as u32 + 1));
        }
    }

    #[test]
    fn keys_that_stand_in_front_of_their_children_are_found_there() {
        let mut texts = Texts::default();
        let keys: Vec<String> = (200..300).map(|i| "k".repeat(i)).collect();
        for (i, key) in keys.iter().enumerate() {
            texts.child(key.as_bytes(), || i as u32);
        }
        let (mut words, mut places) = (Vec::new(), vec![0; keys.len()]);
        for (child, key) in texts.keyed() {
            words.extend(key);
            places[child as usize] = words.len() as u32;
            words.push(0);
        }
        texts.give_keys();
        texts.renumber(&|child| places[child as usize]);
        for (key, place) in keys.iter().zip(&places) {
            assert_eq!(texts.find_in(&words, key.as_bytes()), Some(*place));
        }
        assert_eq!(texts.find_in(&words, "k".repeat(300).as_bytes()), None);
        assert_eq!(texts.sorted_in(&words).len(), keys.len());
    }
}
