//! A key as a table holds it: 16 bytes, in place up to 14, and up to 47 behind one pointer.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const SHORT: usize = 14;
const MIDDLE: usize = 47;

/// The bytes of a key.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    Short(Sized<SHORT>),
    Middle(Box<Sized<MIDDLE>>),
    // A pointer to a pointer, which is as wide as the others.
    Long(Box<Box<[u8]>>),
}

/// Up to so many bytes, and zeros behind them.
#[derive(Clone, Debug)]
pub(crate) struct Sized<const MOST: usize> {
    length: u8,
    bytes: [u8; MOST],
}

/// A key that is looked for. A short one is two numbers, so that it is hashed and compared without a call for so many bytes.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'k> {
    bytes: &'k [u8],
    /// The first eight bytes of a short key and zeros behind them; the last eight of the fourteen.
    ends: [u64; 2],
}

impl<'k> Wanted<'k> {
    #[inline]
    pub(crate) fn new(bytes: &'k [u8]) -> Wanted<'k> {
        Wanted {
            bytes,
            ends: ends(bytes),
        }
    }

    /// A hash that nobody can foretell who does not know the seed.
    #[inline]
    pub(crate) fn hash(&self, seed: u64) -> u64 {
        match self.bytes.len() {
            // Each byte of a key is in one of the numbers, and the length tells apart what differs by zeros at the end. The second product
            // brings what the first makes of the high bits to the low ones, by which places are found.
            0..=SHORT => {
                let [first, last] = self.ends;
                let last = last ^ (self.bytes.len() as u64) << 1;
                folded(
                    folded(first ^ seed, last ^ seed.rotate_left(32) ^ ODD[0]),
                    ODD[1],
                )
            }
            _ => xxh3_64_with_seed(self.bytes, seed),
        }
    }
}

/// Two numbers whose bits are without pattern: the fractions of the square roots of 2 and 3.
const ODD: [u64; 2] = [0x6a09_e667_f3bc_c909, 0xbb67_ae85_84ca_a73b];

/// The halves of a product, put together.
#[inline]
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// The first eight of up to fourteen bytes with zeros behind them, and the last eight of the fourteen; of more, zeros.
#[inline]
fn ends(bytes: &[u8]) -> [u64; 2] {
    let len = bytes.len();
    if len > SHORT {
        return [0; 2];
    }
    // What is read from the end overlaps what is read from the front: what both have is shifted out.
    if let (Some(front), Some(back)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let back = u64::from_le_bytes(*back) >> (8 * (SHORT - len));
        return [u64::from_le_bytes(*front), back];
    }
    let low = if let (Some(front), Some(back)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let back = u64::from(u32::from_le_bytes(*back)) << (8 * (len - 4));
        u64::from(u32::from_le_bytes(*front)) | back
    } else {
        let put = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
        bytes.iter().rev().fold(0, put)
    };
    [low, low >> (8 * (SHORT - 8))]
}

impl Key {
    pub(crate) fn new(key: &[u8]) -> Key {
        if key.len() <= SHORT {
            Key::Short(Sized::new(key))
        } else if key.len() <= MIDDLE {
            Key::Middle(Box::new(Sized::new(key)))
        } else {
            Key::Long(Box::new(key.into()))
        }
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Key::Short(key) => key.bytes(),
            Key::Middle(key) => key.bytes(),
            Key::Long(key) => key,
        }
    }

    /// Whether it is the one that is looked for.
    #[inline]
    pub(crate) fn is(&self, wanted: &Wanted<'_>) -> bool {
        match self {
            Key::Short(key) => {
                let [first, last] = key.ends();
                usize::from(key.length) == wanted.bytes.len()
                    && (first ^ wanted.ends[0]) | (last ^ wanted.ends[1]) == 0
            }
            Key::Middle(key) => key.bytes() == wanted.bytes,
            Key::Long(key) => ***key == *wanted.bytes,
        }
    }

    /// What it takes beyond its own size.
    pub(crate) fn heap(&self) -> usize {
        match self {
            Key::Short(_) => 0,
            Key::Middle(_) => size_of::<Sized<MIDDLE>>(),
            Key::Long(key) => size_of::<Box<[u8]>>() + key.len(),
        }
    }
}

impl Sized<SHORT> {
    /// As [`ends`] of its bytes.
    #[inline]
    fn ends(&self) -> [u64; 2] {
        let [first, last] = [self.bytes.first_chunk(), self.bytes.last_chunk()];
        [first, last].map(|end| end.map_or(0, |end| u64::from_le_bytes(*end)))
    }
}

impl<const MOST: usize> Sized<MOST> {
    fn new(key: &[u8]) -> Sized<MOST> {
        let mut bytes = [0; MOST];
        bytes[..key.len()].copy_from_slice(key);
        Sized {
            length: key.len() as u8,
            bytes,
        }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length).min(MOST)]
    }
}

impl Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        Vec::<u8>::deserialize(deserializer).map(|bytes| Key::new(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_key_is_its_bytes() {
        assert_eq!(size_of::<Key>(), 16);
        for length in 0..100 {
            let bytes: Vec<u8> = (0..length).collect();
            assert_eq!(Key::new(&bytes).bytes(), bytes);
        }
    }

    /// Of every length, with one byte changed and with zeros behind: only the same bytes are the same key.
    #[test]
    fn a_key_is_found_by_its_bytes_alone() {
        for length in 0..60_usize {
            let bytes: Vec<u8> = (0..length).map(|i| 255 - i as u8).collect();
            let key = Key::new(&bytes);
            assert!(key.is(&Wanted::new(&bytes)), "{length}");
            for at in 0..length {
                let mut other = bytes.clone();
                other[at] ^= 0x80;
                assert!(!key.is(&Wanted::new(&other)), "{length}, {at}");
            }
            let mut longer = bytes.clone();
            longer.push(0);
            assert!(!key.is(&Wanted::new(&longer)), "{length}");
            assert!(!Key::new(&longer).is(&Wanted::new(&bytes)), "{length}");
        }
    }

    /// Keys that differ little, of every short length: what tables look at of a hash is spread as if it were drawn.
    #[test]
    fn hashes_are_spread() {
        for seed in [0, 1, u64::MAX, 0x5555_5555_5555_5555] {
            let mut all = HashSet::new();
            let mut low = vec![0; 4096];
            let mut high = vec![0; 4096];
            let mut count = 0;
            let mut add = |key: &[u8]| {
                let hash = Wanted::new(key).hash(seed);
                all.insert(hash);
                low[hash as usize & 4095] += 1;
                high[(hash >> 32) as usize & 4095] += 1;
                count += 1;
            };
            for i in 0..20_000_u64 {
                add(format!("user:{i}").as_bytes());
                add(&[b"user:".as_slice(), &i.to_be_bytes()].concat());
                add(&[b"u".as_slice(), &i.to_le_bytes()].concat());
                add(&(i << 40).to_le_bytes());
            }
            for length in 1..=SHORT {
                let mut zeros = vec![0; length];
                zeros[0] = 7;
                add(&zeros);
            }
            assert_eq!(all.len(), count);
            let expected = count as f64 / 4096.0;
            for counts in [&low, &high] {
                // Chi-square with 4,095 degrees of freedom: beyond 4,600 once in 10^7.
                let chi = counts
                    .iter()
                    .map(|n| (f64::from(*n) - expected).powi(2) / expected);
                let chi: f64 = chi.sum();
                assert!(chi < 4_600.0, "seed {seed:#x}: {chi}");
            }
        }
    }
}
