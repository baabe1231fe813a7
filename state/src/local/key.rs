//! A key as a table holds it: 24 bytes, in place up to 22.

use serde::{Deserialize, Serialize};

const SHORT: usize = 22;

/// The bytes of a key.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

impl Key {
    pub(crate) fn new(key: &[u8]) -> Key {
        if key.len() > SHORT {
            return Key::Long(key.into());
        }
        let mut bytes = [0; SHORT];
        bytes[..key.len()].copy_from_slice(key);
        Key::Short {
            length: key.len() as u8,
            bytes,
        }
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Key::Short { length, bytes } => &bytes[..usize::from(*length).min(SHORT)],
            Key::Long(bytes) => bytes,
        }
    }

    /// What it takes beyond its own size.
    pub(crate) fn heap(&self) -> usize {
        match self {
            Key::Short { .. } => 0,
            Key::Long(bytes) => bytes.len(),
        }
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
    use super::*;

    #[test]
    fn a_key_is_its_bytes() {
        assert_eq!(size_of::<Key>(), 24);
        for length in 0..64 {
            let bytes: Vec<u8> = (0..length).collect();
            assert_eq!(Key::new(&bytes).bytes(), bytes);
        }
    }
}
