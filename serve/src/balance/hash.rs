//! The hash of keys and endpoints: the same on every machine and in every build, so that proxies beside each other agree.

/// FNV-1a (Fowler, Noll, Vo), 64 bits, with the finaliser of MurmurHash3 (Appleby), without which the high bits of short texts hardly
/// differ. For spreading, not against somebody who wants collisions.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325u64;
    for byte in bytes {
        h = (h ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^= h >> 33;
    h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// The hash of a text and a number behind it.
pub(super) fn numbered(text: &str, number: u32) -> u64 {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(0);
    bytes.extend(number.to_le_bytes());
    hash(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proxies of different builds agree only if this never changes.
    #[test]
    fn hashes_stay_what_they_are() {
        // Of the published FNV-1a values of "" and "foobar", 0xcbf29ce484222325 and 0x85944171f73967e8, the finaliser, computed elsewhere.
        assert_eq!(hash(b""), 0xefd0_1f60_ba99_2926);
        assert_eq!(hash(b"foobar"), 0x2c22_1949_22d1_672b);
    }

    #[test]
    fn every_bit_of_short_texts_is_even() {
        let mut ones = [0u32; 64];
        for i in 0..10_000u32 {
            let h = hash(i.to_string().as_bytes());
            for (bit, count) in ones.iter_mut().enumerate() {
                *count += (h >> bit & 1) as u32;
            }
        }
        assert!(ones.iter().all(|n| (4_700..5_300).contains(n)), "{ones:?}");
    }
}
