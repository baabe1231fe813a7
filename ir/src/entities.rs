//! Typed indices. Each prints as it is written in the text form, so a debug print is the text form.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A `u32` index of its own type.
pub trait Entity: Copy + Eq {
    /// The index behind `raw`.
    fn new(raw: usize) -> Self;
    /// The raw index.
    fn index(self) -> usize;
}

macro_rules! entities {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// What the text form writes before the number.
            pub const PREFIX: &'static str = $prefix;
        }

        impl Entity for $name {
            #[inline]
            fn new(raw: usize) -> Self {
                $name(raw as u32)
            }
            #[inline]
            fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

entities! {
    /// An SSA value. (The owned constant of the runtime is `tollgate_runtime::Value`.)
    Val = "v";
    /// A basic block.
    Block = "block";
    /// An instruction of a function.
    InstId = "inst";
    /// A function of the module.
    FuncId = "fn";
    /// A rule set of the module.
    RuleSetId = "rules";
    /// An index of the module: a rule set made ready to be searched.
    IndexId = "index";
    /// A group of a rule set.
    GroupId = "group";
    /// A constant of the module.
    ConstId = "const";
    /// A pattern of the module.
    PatId = "pat";
    /// A native that the module calls.
    NativeId = "native";
    /// Data that the host gives beside the program.
    DataId = "data";
    /// A state that the program asks.
    StateId = "state";
    /// A place in the source that asks a state.
    PlaceId = "place";
    /// A place in the source that the trace can name.
    SiteId = "site";
    /// A record type.
    RecordId = "record";
    /// An enum type.
    EnumId = "enum";
}

/// A vector indexed by an entity.
pub struct IndexVec<K, V> {
    items: Vec<V>,
    key: PhantomData<K>,
}

impl<K: Entity, V> IndexVec<K, V> {
    /// An empty vector.
    pub const fn new() -> Self {
        IndexVec {
            items: Vec::new(),
            key: PhantomData,
        }
    }

    /// An empty vector with room for `capacity` elements.
    pub fn with_capacity(capacity: usize) -> Self {
        IndexVec {
            items: Vec::with_capacity(capacity),
            key: PhantomData,
        }
    }

    /// Gives back the room that is not used. The elements move: allocators like that better than a block with a hole behind.
    pub fn shrink_to_fit(&mut self) {
        if self.items.len() < self.items.capacity() {
            let mut exact = Vec::with_capacity(self.items.len());
            exact.append(&mut self.items);
            self.items = exact;
        }
    }

    /// Appends and gives the index.
    pub fn push(&mut self, value: V) -> K {
        self.items.push(value);
        K::new(self.items.len() - 1)
    }

    /// The index that the next `push` will give.
    pub fn next(&self) -> K {
        K::new(self.items.len())
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// All indices, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = K> + ExactSizeIterator + use<K, V> {
        (0..self.items.len()).map(K::new)
    }

    /// Indices and elements, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> {
        self.items.iter().enumerate().map(|(i, v)| (K::new(i), v))
    }

    /// Indices and elements to change, in order.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (K, &mut V)> {
        let items = self.items.iter_mut().enumerate();
        items.map(|(i, v)| (K::new(i), v))
    }

    /// Elements, in order.
    pub fn values(&self) -> std::slice::Iter<'_, V> {
        self.items.iter()
    }

    /// Elements to change, in order.
    pub fn values_mut(&mut self) -> std::slice::IterMut<'_, V> {
        self.items.iter_mut()
    }

    /// Elements, in order, owned.
    pub fn into_values(self) -> std::vec::IntoIter<V> {
        self.items.into_iter()
    }

    /// The element, if the index is one of this vector.
    pub fn get(&self, key: K) -> Option<&V> {
        self.items.get(key.index())
    }
}

impl<K: Entity, V> Index<K> for IndexVec<K, V> {
    type Output = V;
    #[inline]
    fn index(&self, key: K) -> &V {
        &self.items[key.index()]
    }
}

impl<K: Entity, V> IndexMut<K> for IndexVec<K, V> {
    #[inline]
    fn index_mut(&mut self, key: K) -> &mut V {
        &mut self.items[key.index()]
    }
}

impl<K: Entity, V> Default for IndexVec<K, V> {
    fn default() -> Self {
        IndexVec::new()
    }
}

impl<K, V: Clone> Clone for IndexVec<K, V> {
    fn clone(&self) -> Self {
        IndexVec {
            items: self.items.clone(),
            key: PhantomData,
        }
    }
}

impl<K: Entity + fmt::Debug, V: fmt::Debug> fmt::Debug for IndexVec<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Entity, V> FromIterator<V> for IndexVec<K, V> {
    fn from_iter<I: IntoIterator<Item = V>>(iter: I) -> Self {
        IndexVec {
            items: iter.into_iter().collect(),
            key: PhantomData,
        }
    }
}
