//! Values on their way out, laid down as C expects them.

use std::ffi::c_void;
use std::ptr;

use tollgate_runtime::schema::{Field, Schema, Type, TypeId};
use tollgate_runtime::{Arena, Word};

use crate::layout::{Layouts, Struct};
use crate::read::Span;

/// Writes values of a schema. Elements of lists and maps go to an arena; texts stay where they are.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'w> {
    /// The schema.
    pub schema: &'w Schema,
    /// Its layouts.
    pub layouts: &'w Layouts,
    /// Where elements go.
    pub arena: &'w Arena,
}

impl<'w> Writer<'w> {
    /// Lays a value down. A word of another type is that type's zero, as everywhere.
    ///
    /// # Safety
    /// There is room for the type, aligned as the header says.
    pub unsafe fn value(self, ty: TypeId, word: Word<'w>, at: *mut u8) {
        // SAFETY: the caller's.
        unsafe {
            // What no part is written to, such as the room between fields, is zero.
            ptr::write_bytes(at, 0, self.layouts.room(ty).size);
            self.part(ty, word, at);
        }
    }

    /// Lays a value down where zeros are.
    ///
    /// # Safety
    /// As [`Writer::value`].
    unsafe fn part(self, ty: TypeId, word: Word<'w>, at: *mut u8) {
        // SAFETY: in every arm what is written is what the layout gives room for; the caller says that the room is there.
        unsafe {
            match self.schema.get(ty) {
                Type::Bool => at.write(word.bool().into()),
                Type::Int { .. }
                | Type::Duration { .. }
                | Type::Instant
                | Type::Date
                | Type::Percent { .. }
                | Type::Money { .. } => at.cast::<i64>().write(word.int()),
                Type::Float => at.cast::<f64>().write(word.float()),
                Type::Str { .. }
                | Type::Path
                | Type::Host
                | Type::HeaderName
                | Type::Zone
                | Type::Key => at.cast::<Span>().write(span_of(word.str().as_bytes())),
                Type::Bytes { .. } => at.cast::<Span>().write(span_of(word.bytes())),
                Type::Rate => {
                    at.cast::<i64>().write(word.at(0).int());
                    at.add(8).cast::<i64>().write(word.at(1).int());
                }
                Type::Ip => at.cast::<[u8; 16]>().write(word.ip().0),
                Type::Cidr => {
                    at.cast::<[u8; 16]>().write(word.cidr().base().0);
                    at.add(16).write(word.cidr().bits());
                }
                Type::Values { .. } => {
                    let texts = word.seq();
                    let span = self.elements(texts.len(), size_of::<Span>(), |i, at| {
                        at.cast::<Span>().write(span_of(texts[i].str().as_bytes()));
                    });
                    at.cast::<Span>().write(span);
                }
                Type::Opt(of) => {
                    if !word.is_none() {
                        at.write(1);
                        self.part(*of, word, at.add(self.layouts.of_optional(*of)));
                    }
                }
                Type::List { of, .. } | Type::Set { of, .. } => {
                    let (items, size) = (word.seq(), self.layouts.room(*of).size);
                    let element = |i: usize, at| self.value(*of, items[i], at);
                    at.cast::<Span>()
                        .write(self.elements(items.len(), size, element));
                }
                Type::Map { key, value, .. } => {
                    let (pair, items) = (self.layouts.pair(*key, *value), word.seq());
                    let both = |i: usize, at: *mut u8| {
                        self.value(*key, items[2 * i], at);
                        self.value(*value, items[2 * i + 1], at.add(pair.value));
                    };
                    let span = self.elements(items.len() / 2, pair.room.size, both);
                    at.cast::<Span>().write(span);
                }
                Type::Record(record) => {
                    let fields = &self.schema.records[*record as usize].fields;
                    self.fields(fields, self.layouts.record(*record), word, at);
                }
                Type::Enum(index) => {
                    let tagged = self.layouts.tagged(*index);
                    let variants = &self.schema.enums[*index as usize].variants;
                    let tag = word.tag() as usize;
                    at.cast::<u32>().write(word.tag());
                    if let (Some(variant), Some(Some(laid))) =
                        (variants.get(tag), tagged.variants.get(tag))
                    {
                        self.fields(&variant.fields, laid, word, at.add(tagged.payload));
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`Writer::value`], of a struct.
    unsafe fn fields(self, fields: &[Field], laid: &Struct, word: Word<'w>, at: *mut u8) {
        for (i, (field, offset)) in fields.iter().zip(&laid.offsets).enumerate() {
            // SAFETY: the caller's: there is room for each field.
            unsafe { self.part(field.ty, word.at(i), at.add(*offset)) };
        }
    }

    /// Room for elements in the arena, and each of them written.
    fn elements(self, len: usize, size: usize, write: impl Fn(usize, *mut u8)) -> Span {
        if len == 0 {
            return Span {
                begin: ptr::null(),
                len: 0,
            };
        }
        // Words are aligned for everything that C has here.
        let words = (len * size).div_ceil(size_of::<Word<'_>>());
        let begin = self.arena.slots(words).as_mut_ptr().cast::<u8>();
        for i in 0..len {
            write(i, begin.wrapping_add(i * size));
        }
        Span {
            begin: begin.cast::<c_void>(),
            len,
        }
    }
}

/// Bytes as C has them. An empty text is given all the same, so its pointer is not null.
pub fn span_of(bytes: &[u8]) -> Span {
    Span {
        begin: bytes.as_ptr().cast(),
        len: bytes.len(),
    }
}
