//! A key as a table holds it: 16 bytes, in place up to 14, and up to 47 behind one pointer.

use serde::{Deserialize, Serialize};

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

/// Up to so many bytes.
#[derive(Clone, Debug)]
pub(crate) struct Sized<const MOST: usize> {
    length: u8,
    bytes: [u8; MOST],
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

    /// What it takes beyond its own size.
    pub(crate) fn heap(&self) -> usize {
        match self {
            Key::Short(_) => 0,
            Key::Middle(_) => size_of::<Sized<MIDDLE>>(),
            Key::Long(key) => size_of::<Box<[u8]>>() + key.len(),
        }
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
    use super::*;

    #[test]
    fn a_key_is_its_bytes() {
        assert_eq!(size_of::<Key>(), 16);
        for length in 0..100 {
            let bytes: Vec<u8> = (0..length).collect();
            assert_eq!(Key::new(&bytes).bytes(), bytes);
        }
    }
}
