//! The features of a rule set as a space to search: what each can be, and how they hang together.

use tollgate_runtime::Value;
use tollgate_runtime::index::Atom;

use super::domain::{Domain, Pick};
use super::texts::Texts;

/// All features of a rule set.
#[derive(Debug, Default)]
pub struct Space {
    features: Vec<Feature>,
}

/// One feature.
#[derive(Debug)]
pub struct Feature {
    /// What it can be.
    pub domain: Domain,
    /// What must hold for it to be there at all, outermost first: a field of an optional record is only there with the record.
    /// Where one fails the feature is read as absent.
    pub guards: Vec<Atom>,
    /// The feature whose word it is: an optional and what it holds are one word.
    pub same: u32,
    /// Features that are segments of this path, and which.
    pub captures: Vec<(usize, u32)>,
    /// The path of which it is a segment, and which.
    pub capture_of: Option<(u32, usize)>,
    /// Its simplest value.
    pub simplest: Value,
    /// Whether that value is one it can have, as opposed to a stand-in.
    pub simple: bool,
    /// Whether another value is to be near that one, which it has in an input that is to be changed.
    pub near: bool,
}

impl Space {
    /// Adds a feature that stands alone, and gives its index.
    pub fn add(&mut self, domain: Domain, texts: &mut Texts) -> u32 {
        let picked = domain.pick(&[], &[], None, texts);
        let (simplest, simple) = match picked {
            Pick::Value(value) => (value, true),
            Pick::Empty | Pick::Unknown => (Value::None, false),
        };
        let index = self.features.len() as u32;
        self.features.push(Feature {
            domain,
            guards: Vec::new(),
            same: index,
            captures: Vec::new(),
            capture_of: None,
            simplest,
            simple,
            near: false,
        });
        index
    }

    /// Makes a value the one that a feature has now, to be kept unless a test needs another: if so said, one near it.
    pub fn keep(&mut self, feature: u32, value: Value, near: bool) {
        let of = &mut self.features[feature as usize];
        (of.simplest, of.simple, of.near) = (value, true, near);
    }

    /// A feature.
    pub fn get(&self, feature: u32) -> &Feature {
        &self.features[feature as usize]
    }

    /// A feature, to be connected with others.
    pub fn get_mut(&mut self, feature: u32) -> &mut Feature {
        &mut self.features[feature as usize]
    }

    /// How many features there are.
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }
}
