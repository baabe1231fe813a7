//! Equality with texts: one hash table.

use std::hash::{BuildHasher, Hash, Hasher};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// From bytes to a child.
///
/// The keys are those of the rules, and a word is only looked up, so nobody outside can make the table slow.
#[derive(Debug, Default)]
pub(in crate::index) struct Texts {
    bytes: Vec<u8>,
    table: HashTable<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: u32,
    len: u32,
    child: u32,
}

pub(super) fn hash_of(key: impl Hash) -> u64 {
    FxBuildHasher.hash_one(key)
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
    pub(in crate::index) fn child(&mut self, key: &[u8], fresh: impl FnOnce() -> u32) -> u32 {
        if let Some(child) = self.find(key) {
            return child;
        }
        let child = fresh();
        let at = self.bytes.len() as u32;
        let len = key.len() as u32;
        self.bytes.extend_from_slice(key);
        let bytes = &self.bytes;
        self.table
            .insert_unique(hash_bytes(0, key), Entry { at, len, child }, |e| {
                hash_bytes(0, text(bytes, e))
            });
        child
    }

    /// The child of a key. Constant time beside hashing and comparing it once.
    #[inline]
    pub(in crate::index) fn find(&self, key: &[u8]) -> Option<u32> {
        let found = self
            .table
            .find(hash_bytes(0, key), |e| text(&self.bytes, e) == key);
        found.map(|e| e.child)
    }

    pub(in crate::index) fn children(&self) -> impl Iterator<Item = u32> {
        self.table.iter().map(|e| e.child)
    }

    pub(in crate::index) fn heap(&self) -> usize {
        self.bytes.capacity() + self.table.capacity() * (size_of::<Entry>() + 1)
    }

    /// Keys and children, by key.
    pub(super) fn sorted(&self) -> Vec<(&[u8], u32)> {
        let mut all: Vec<_> = self
            .table
            .iter()
            .map(|e| (text(&self.bytes, e), e.child))
            .collect();
        all.sort_unstable();
        all
    }

    pub(super) fn edges(&self, visit: &mut dyn FnMut(String, u32)) {
        for (key, child) in self.sorted() {
            visit(format!("{:?}", String::from_utf8_lossy(key)), child);
        }
    }
}

#[inline]
fn text<'b>(bytes: &'b [u8], entry: &Entry) -> &'b [u8] {
    let at = entry.at as usize;
    bytes.get(at..at + entry.len as usize).unwrap_or(&[])
}
