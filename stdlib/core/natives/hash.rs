//! The one hash of the language: stable over versions, machines and engines, since canaries and shards depend on it.
//!
//! FNV-1a, then the finalizer of MurmurHash3 (Appleby), without which the high bits of short texts hardly differ. It distributes well and keeps no
//! secret: who may choose the key can choose the bucket.

use tollgate_runtime::fnv::Fnv;

/// The hash of some bytes, for hosts that spread as rules do; parts are hashed as `parts` joined by the byte 0xFF, which no text contains.
///
/// ```
/// use tollgate_stdlib::natives::hash::hash64;
/// assert_ne!(hash64(&[b"ab", b"c"]), hash64(&[b"a", b"bc"]));
/// ```
pub fn hash64(parts: &[&[u8]]) -> u64 {
    let mut fnv = Fnv::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            fnv = fnv.byte(0xff);
        }
        fnv = fnv.bytes(part);
    }
    let mut hash = fnv.get();
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// `hash` scaled to 0 ..< `n`, without the bias of a remainder (Lemire, "Fast random integer generation in an interval", 2019).
pub fn scale(hash: u64, n: u64) -> u64 {
    ((u128::from(hash) * u128::from(n)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These numbers are a promise: another version of the library must give the same.
    #[test]
    fn the_hash_never_changes() {
        assert_eq!(hash64(&[]), 0xefd0_1f60_ba99_2926);
        assert_eq!(hash64(&[b"foobar"]), 0x2c22_1949_22d1_672b);
        // Computed by an independent program.
        assert_eq!(hash64(&[b"c_0123456789ab"]) >> 32, 3_044_806_826);
        assert_eq!(hash64(&[b"cat-v3", b"u1"]), 0x490b_f171_43c9_2a1b);
    }

    #[test]
    fn every_bit_of_short_texts_is_even() {
        let mut ones = [0u32; 64];
        for i in 0..10_000u32 {
            let h = hash64(&[i.to_string().as_bytes()]);
            for (bit, count) in ones.iter_mut().enumerate() {
                *count += (h >> bit & 1) as u32;
            }
        }
        assert!(ones.iter().all(|n| (4_700..5_300).contains(n)), "{ones:?}");
    }

    #[test]
    fn buckets_are_even() {
        let mut counts = [0_u32; 100];
        for i in 0..1_000_000 {
            let key = format!("user-{i}");
            counts[scale(hash64(&[b"salt", key.as_bytes()]), 100) as usize] += 1;
        }
        // 10_000 each on average with a deviation of about 100; six deviations are never seen by chance.
        assert!(
            counts.iter().all(|n| (9_400..10_600).contains(n)),
            "{counts:?}"
        );
    }
}
