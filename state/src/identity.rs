//! Whose an operation is, in 128 bits that every store and every process computes alike.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

/// A decision's id and a place, hashed. Two of a billion are the same with a probability of 10^-21; an attacker who
/// chooses ids so that they are gets an answer that was given to another decision of his.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Who([u64; 2]);

impl Who {
    /// A place of a decision.
    pub(crate) fn asks(decision: &[u8], place: u32) -> Who {
        // Seed 0 is the decision itself.
        Who::seeded(decision, u64::from(place) + 1)
    }

    /// A decision, whatever the place.
    pub(crate) fn decides(decision: &[u8]) -> Who {
        Who::seeded(decision, 0)
    }

    /// As a key.
    pub(crate) fn bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.0[0].to_be_bytes());
        bytes[8..].copy_from_slice(&self.0[1].to_be_bytes());
        bytes
    }

    /// Bits that are spread well enough for a table.
    pub(crate) fn hash(self) -> u64 {
        self.0[0]
    }

    fn seeded(decision: &[u8], seed: u64) -> Who {
        let hash = xxh3_128_with_seed(decision, seed);
        Who([(hash >> 64) as u64, hash as u64])
    }
}

/// A member of a `Distinct` in 52 bits, which a floating-point number of Redis holds exactly.
pub(crate) fn member(bytes: &[u8]) -> i64 {
    (xxh3_64(bytes) >> 12) as i64
}
