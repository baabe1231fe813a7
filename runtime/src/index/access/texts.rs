//! Equality with texts: one hash table.

use std::hash::{BuildHasher, Hash, Hasher};

use rustc_hash::FxBuildHasher;

use super::NONE;
use crate::index::packed::{pack, same, unpack, words_of};

/// From bytes to a child: open addressing with linear probes, at most half full, so that a key is found in one place of the
/// table and one of the keys. A general table (hashbrown's) has a third, its control bytes. Where the children are nodes, each key
/// stands in front of its node, which is read next in any case: see [`Texts::give_keys`].
///
/// The keys are those of the rules, and a word is only looked up, so nobody outside can make the table slow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    /// The keys, packed; empty where they stand in front of nodes.
    keys: Vec<u64>,
    /// A power of two of places, or none.
    slots: Vec<Slot>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The upper half of the key's hash.
    hash: u32,
    /// Bytes of the key.
    len: u32,
    /// Where it stands among the keys, or among the words of the nodes.
    at: u32,
    /// [`NONE`] where the place is free.
    child: u32,
}

const FREE: Slot = Slot {
    hash: 0,
    len: 0,
    at: 0,
    child: NONE,
};

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
        let hash = hash_text(key);
        let slot = Slot {
            hash: (hash >> 32) as u32,
            len: key.len() as u32,
            at: self.keys.len() as u32,
            child,
        };
        pack(key, &mut self.keys);
        put(&mut self.slots, hash as usize, slot);
        self.len += 1;
        child
    }

    fn grow(&mut self) {
        let len = (2 * self.slots.len()).max(4);
        let old = std::mem::replace(&mut self.slots, vec![FREE; len]);
        for slot in old.into_iter().filter(|slot| slot.child != NONE) {
            let hash = hash_text(&self.key(&self.keys, &slot));
            put(&mut self.slots, hash as usize, slot);
        }
    }

    /// The child of a key. Constant time beside hashing and comparing it once.
    #[inline]
    pub(crate) fn find(&self, key: &[u8]) -> Option<u32> {
        self.find_in(&self.keys, key)
    }

    /// As `find`, where the keys are given away.
    #[inline(always)]
    pub(in crate::index) fn find_in(&self, keys: &[u64], key: &[u8]) -> Option<u32> {
        let hash = hash_text(key);
        let mask = self.slots.len().wrapping_sub(1);
        let mut place = hash as usize & mask;
        // A table is never full, so a free place ends the probes.
        while let Some(slot) = self.slots.get(place).filter(|slot| slot.child != NONE) {
            if slot.hash == (hash >> 32) as u32 && slot.len as usize == key.len() {
                let at = slot.at as usize;
                let words = keys.get(at..at + words_of(key.len()));
                if words.is_some_and(|words| same(words, key)) {
                    return Some(slot.child);
                }
            }
            place = (place + 1) & mask;
        }
        None
    }

    /// The children, and the packed key of each.
    pub(in crate::index) fn keyed(&self) -> impl Iterator<Item = (u32, &[u64])> {
        self.filled().map(|slot| {
            let at = slot.at as usize;
            (slot.child, &self.keys[at..at + words_of(slot.len as usize)])
        })
    }

    /// Gives the keys away to whoever has written them down elsewhere, and tells where the key of each child stands.
    pub(in crate::index) fn give_keys(&mut self, at: &dyn Fn(u32) -> u32) {
        self.keys = Vec::new();
        let filled = self.slots.iter_mut().filter(|slot| slot.child != NONE);
        filled.for_each(|slot| slot.at = at(slot.child));
    }

    fn key(&self, keys: &[u64], slot: &Slot) -> Vec<u8> {
        let (at, len) = (slot.at as usize, slot.len as usize);
        unpack(keys.get(at..at + words_of(len)).unwrap_or(&[]), len)
    }

    fn filled(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.child != NONE)
    }

    pub(in crate::index) fn children(&self) -> impl Iterator<Item = u32> {
        self.filled().map(|slot| slot.child)
    }

    /// Gives its children other numbers.
    pub(super) fn renumber(&mut self, to: &dyn Fn(u32) -> u32) {
        self.keys.shrink_to_fit();
        let filled = self.slots.iter_mut().filter(|slot| slot.child != NONE);
        filled.for_each(|slot| slot.child = to(slot.child));
    }

    pub(in crate::index) fn heap(&self) -> usize {
        self.keys.capacity() * size_of::<u64>() + self.slots.capacity() * size_of::<Slot>()
    }

    /// Keys and children, by key.
    pub(super) fn sorted(&self) -> Vec<(Vec<u8>, u32)> {
        self.sorted_in(&self.keys)
    }

    fn sorted_in(&self, keys: &[u64]) -> Vec<(Vec<u8>, u32)> {
        let keys = self.filled().map(|slot| (self.key(keys, slot), slot.child));
        let mut all: Vec<_> = keys.collect();
        all.sort_unstable();
        all
    }

    pub(super) fn edges(&self, keys: &[u64], visit: &mut dyn FnMut(String, u32)) {
        for (key, child) in self.sorted_in(keys) {
            visit(format!("{:?}", String::from_utf8_lossy(&key)), child);
        }
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
    while slots[place].child != NONE {
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
            .map(|i| format!("{}-{i}", "k".repeat(i % 19)))
            .collect();
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(texts.child(key.as_bytes(), || i as u32), i as u32);
        }
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(texts.child(key.as_bytes(), || NONE), i as u32);
            assert_eq!(texts.find(format!("{key}.").as_bytes()), None);
        }
        assert_eq!(texts.children().count(), keys.len());
    }
}
