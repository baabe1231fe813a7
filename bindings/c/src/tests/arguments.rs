//! Arguments to be hostile with: chosen by a fuzzer, or by a seed.

use std::ffi::c_char;
use std::ptr::null;

use crate::value::{List, Map, Payload, Text, Value};

/// Choices: those that a fuzzer gives, as bytes, and then Xorshift (Marsaglia 2003): seeded, and good enough to choose among a few.
pub(crate) struct Random {
    given: std::vec::IntoIter<u8>,
    seed: u64,
}

impl Random {
    /// Choices that are given, and those of a seed behind them.
    pub(crate) fn new(given: &[u8], seed: u64) -> Random {
        Random {
            given: Vec::from(given).into_iter(),
            seed: seed | 1 << 32,
        }
    }

    pub(crate) fn next(&mut self) -> u64 {
        if let Some(byte) = self.given.next() {
            return byte.into();
        }
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// What a call is handed: all of it valid for what it says, most of it wrong.
pub(crate) struct Arguments {
    pub(crate) random: Random,
    /// Right and wrong handles, null among them. They are cast to whatever is asked for.
    pub(crate) handles: Vec<*mut u8>,
    pub(crate) values: Vec<Value>,
    /// All values there were: others point to them.
    pub(crate) kept: Vec<Vec<Value>>,
    /// An artifact as it is written.
    pub(crate) artifact: Vec<u8>,
}

impl Arguments {
    /// The right handle, mostly.
    pub(crate) fn handle<T>(&mut self, right: *mut T) -> *mut T {
        match self.random.below(4) {
            0 => self.random.one_of(&self.handles).cast(),
            _ => right,
        }
    }

    pub(crate) fn string(&mut self) -> *const c_char {
        let strings: [*const c_char; 9] = [
            null(),
            c"".as_ptr(),
            c"admit".as_ptr(),
            c"route".as_ptr(),
            c"cpu".as_ptr(),
            c"tags".as_ptr(),
            c"wait".as_ptr(),
            c"load.cpu..".as_ptr(),
            c"\xff\xfe".as_ptr(),
        ];
        self.random.one_of(&strings)
    }

    pub(crate) fn text(&mut self) -> Text {
        const BYTES: &[u8] = b"{\"cpu\": \"10%\", \"tags\": [\"\xff\"]}";
        let bytes = BYTES.as_ptr().cast();
        let size = self.random.below(BYTES.len() + 1);
        self.random.one_of(&[
            Text { bytes, size },
            Text {
                bytes: null(),
                size,
            },
            Text {
                bytes: null(),
                size: 0,
            },
            Text {
                bytes,
                size: usize::MAX,
            },
            Text {
                bytes: c"85%".as_ptr(),
                size: 3,
            },
            Text {
                bytes: c"{\"cpu\": \"10%\"}".as_ptr(),
                size: 14,
            },
            Text {
                bytes: c"192.0.2.7".as_ptr(),
                size: 9,
            },
            Text {
                bytes: c"GET".as_ptr(),
                size: 3,
            },
            Text {
                bytes: c"/a".as_ptr(),
                size: 2,
            },
        ])
    }

    /// An artifact, whole or cut short, or no artifact.
    pub(crate) fn artifact(&mut self) -> Text {
        let whole = self.artifact.len();
        let cut = self.random.below(whole + 1);
        let size = self.random.one_of(&[whole, cut]);
        let bytes = self.artifact.as_ptr().cast();
        let other = self.text();
        let artifact = Text { bytes, size };
        self.random.one_of(&[artifact, artifact, other])
    }

    /// One value, and all that it points to among those made before.
    pub(crate) fn value(&mut self) -> Value {
        let kind = self.random.below(12) as u32;
        let count = self.random.below(self.values.len() + 1);
        let items = self.random.one_of(&[self.values.as_ptr(), null()]);
        let huge = self.random.one_of(&[count, count, count, usize::MAX]);
        // A count that is too large is noticed only with a null pointer, or beyond all memory.
        let count = if items.is_null() { huge } else { count };
        match kind {
            5 | 6 => Value {
                kind,
                r#as: Payload { text: self.text() },
            },
            7 => Value {
                kind,
                r#as: Payload {
                    list: List { items, count },
                },
            },
            8 => Value {
                kind,
                r#as: Payload {
                    map: Map {
                        keys: null(),
                        values: items,
                        count,
                    },
                },
            },
            _ => Value {
                kind,
                r#as: Payload {
                    integer: self.random.next() as i64,
                },
            },
        }
    }
}
