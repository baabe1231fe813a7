//! Facts without JSON: a host lays its values down field by field, under the same rules.
//!
//! What is text in JSON may be text here; besides, numbers stand for what counts in units (microseconds, days, minor units,
//! billionths), bytes for `Bytes`, and an address for itself.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::arena::Arena;
use crate::boundary::{Decoded, Place, Reader, Refusal, Step};
use crate::kinds::net::Ip;
use crate::schema::{Boundary, Record, Schema, Type, TypeId};
use crate::word::Word;

mod form;

pub use form::{Form, NAMES_MAX, PATHS_MAX};

/// A value of a host on its way in.
///
/// ```
/// use tollgate_runtime::facts::Input;
/// let client = [("ip", Input::from(std::net::Ipv4Addr::LOCALHOST)), ("port", 443.into())];
/// assert!(matches!(Input::Map(&client), Input::Map([(_, Input::Ip(_)), _])));
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Input<'i> {
    /// `none`.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number, or a count of units: microseconds, days, minor units, billionths.
    Int(i64),
    /// A float.
    Float(f64),
    /// A text, or what is written as one, such as `"4.00 SGD"`; the name of an enum's variant without fields.
    Str(&'i str),
    /// Bytes.
    Bytes(&'i [u8]),
    /// An address.
    Ip(Ip),
    /// A list, set or several values.
    List(&'i [Input<'i>]),
    /// A record by field names, a map, or an enum's variant as in JSON.
    Map(&'i [(&'i str, Input<'i>)]),
}

/// Lets one value in.
///
/// # Errors
/// When the value breaks a rule of its type; the refusal says which.
///
/// ```
/// use tollgate_runtime::facts::{self, Input};
/// use tollgate_runtime::schema::{Schema, Type};
/// use tollgate_runtime::{Arena, Word};
/// let mut schema = Schema::default();
/// let host = schema.add(Type::Host);
/// let arena = Arena::new();
/// let decoded = facts::value(&schema, host, "Shop.Example:443".into(), &arena).unwrap();
/// assert_eq!(decoded.word, Word::Str("shop.example"));
/// ```
pub fn value<'a>(
    schema: &Schema,
    ty: TypeId,
    input: Input<'_>,
    arena: &'a Arena,
) -> Result<Decoded<'a>, Refusal> {
    let reader = Reader::new(schema, arena, true);
    let limits = Boundary::default();
    match reader.value(ty, &Place::ROOT, &limits, Source(input)) {
        Ok(word) => Ok(Decoded {
            word,
            ignored: reader.ignored(),
        }),
        Err(Refused) => Err(reader.refusal(String::new)),
    }
}

/// Lays down one record, field by field. Costs no allocation but in the arena.
///
/// ```
/// use tollgate_runtime::facts::RecordBuilder;
/// use tollgate_runtime::schema::{Boundary, Field, Record, Schema, Type};
/// use tollgate_runtime::{Arena, Word};
/// let mut schema = Schema::default();
/// let path = schema.add(Type::Path);
/// let retries = schema.add(Type::Int { lo: 0, hi: 3 });
/// schema.records.push(Record {
///     name: "Call".into(),
///     fields: vec![
///         Field { name: "path".into(), ty: path, default: None },
///         Field { name: "retries".into(), ty: retries, default: Some(tollgate_runtime::Value::Int(1)) },
///     ],
///     boundary: Boundary::default(),
/// });
/// let call = schema.add(Type::Record(0));
///
/// let arena = Arena::new();
/// let mut builder = RecordBuilder::new(&schema, call, &arena).unwrap();
/// builder.set("path", "/a//b").unwrap();
/// assert_eq!(builder.finish().unwrap(), Word::Seq(&[Word::Str("/a/b"), Word::Int(1)]));
/// ```
pub struct RecordBuilder<'s, 'a> {
    schema: &'s Schema,
    record: &'s Record,
    arena: &'a Arena,
    words: &'a mut [Word<'a>],
    /// One byte a field: whether it was set.
    seen: &'a mut [u8],
}

impl<'s, 'a> RecordBuilder<'s, 'a> {
    /// A record without fields yet; `None` when the type is no record.
    pub fn new(schema: &'s Schema, ty: TypeId, arena: &'a Arena) -> Option<Self> {
        let Type::Record(index) = schema.get(ty) else {
            return None;
        };
        let record = &schema.records[*index as usize];
        Some(RecordBuilder {
            schema,
            record,
            arena,
            words: arena.slots(record.fields.len()),
            seen: arena.zeroed(record.fields.len()),
        })
    }

    /// Where a field stands, for [`RecordBuilder::set_at`]; a host looks it up once.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.record.fields.iter().position(|f| &*f.name == name)
    }

    /// Sets a field, by name. A value set before is replaced.
    ///
    /// # Errors
    /// When there is no such field, or the value breaks a rule of its type.
    pub fn set<'i>(&mut self, name: &str, input: impl Into<Input<'i>>) -> Result<(), Refusal> {
        match self.index(name) {
            Some(index) => self.set_at(index, input),
            None => Err(self.refuse(name, format!("{} has no such field", self.record.name))),
        }
    }

    /// Sets the field at an index that [`RecordBuilder::index`] gave.
    ///
    /// # Errors
    /// As [`RecordBuilder::set`].
    pub fn set_at<'i>(&mut self, index: usize, input: impl Into<Input<'i>>) -> Result<(), Refusal> {
        let Some(field) = self.record.fields.get(index) else {
            return Err(self.refuse("", format!("{} has no field {index}", self.record.name)));
        };
        let input = input.into();
        self.seen[index] = 1;
        if let Input::None = input {
            self.words[index] = Word::None;
            return Ok(());
        }
        let reader = Reader::new(self.schema, self.arena, true);
        let place = Place::ROOT.then(Step::Field(&field.name));
        match reader.value(field.ty, &place, &self.record.boundary, Source(input)) {
            Ok(word) => {
                self.words[index] = word;
                Ok(())
            }
            Err(Refused) => Err(reader.refusal(String::new)),
        }
    }

    /// The record; fields that were not set get their default.
    ///
    /// # Errors
    /// When a field that is required was not set.
    pub fn finish(self) -> Result<Word<'a>, Refusal> {
        let reader = Reader::new(self.schema, self.arena, true);
        for (i, (word, field)) in self.words.iter_mut().zip(&self.record.fields).enumerate() {
            if word.is_none() {
                *word = match reader.absent(field, self.seen[i] != 0) {
                    Some(default) => default,
                    None => {
                        let place = Place::ROOT.then(Step::Field(&field.name));
                        reader.refuse(&place, String::new(), "it is required and missing".into());
                        return Err(reader.refusal(String::new));
                    }
                };
            }
        }
        Ok(Word::Seq(self.words))
    }

    fn refuse(&self, field: &str, reason: String) -> Refusal {
        Refusal {
            path: field.into(),
            value: String::new(),
            reason,
            offset: None,
        }
    }
}

impl fmt::Debug for RecordBuilder<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordBuilder")
            .field("record", &self.record.name)
            .field("words", &self.words)
            .finish()
    }
}

impl From<bool> for Input<'_> {
    fn from(v: bool) -> Self {
        Input::Bool(v)
    }
}

impl From<i64> for Input<'_> {
    fn from(v: i64) -> Self {
        Input::Int(v)
    }
}

impl From<i32> for Input<'_> {
    fn from(v: i32) -> Self {
        Input::Int(v.into())
    }
}

impl From<u16> for Input<'_> {
    fn from(v: u16) -> Self {
        Input::Int(v.into())
    }
}

impl From<f64> for Input<'_> {
    fn from(v: f64) -> Self {
        Input::Float(v)
    }
}

impl<'i> From<&'i str> for Input<'i> {
    fn from(v: &'i str) -> Self {
        Input::Str(v)
    }
}

impl<'i> From<&'i [u8]> for Input<'i> {
    fn from(v: &'i [u8]) -> Self {
        Input::Bytes(v)
    }
}

impl From<IpAddr> for Input<'_> {
    fn from(v: IpAddr) -> Self {
        Input::Ip(v.into())
    }
}

impl From<Ipv4Addr> for Input<'_> {
    fn from(v: Ipv4Addr) -> Self {
        IpAddr::from(v).into()
    }
}

impl From<Ipv6Addr> for Input<'_> {
    fn from(v: Ipv6Addr) -> Self {
        IpAddr::from(v).into()
    }
}

/// The reader's refusal says everything; this only stops it.
#[derive(Debug)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

impl serde::de::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Refused
    }
}

/// An input as serde sees it.
struct Source<'i>(Input<'i>);

impl<'de> Deserializer<'de> for Source<'de> {
    type Error = Refused;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        match self.0 {
            Input::None => visitor.visit_unit(),
            Input::Bool(v) => visitor.visit_bool(v),
            Input::Int(v) => visitor.visit_i64(v),
            Input::Float(v) => visitor.visit_f64(v),
            Input::Str(v) => visitor.visit_borrowed_str(v),
            Input::Bytes(v) => visitor.visit_borrowed_bytes(v),
            Input::Ip(v) => visitor.visit_bytes(&v.0),
            Input::List(items) => visitor.visit_seq(Elements(items)),
            Input::Map(entries) => visitor.visit_map(Entries::new(entries)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
    }
}

struct Elements<'i>(&'i [Input<'i>]);

impl<'i> SeqAccess<'i> for Elements<'i> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'i>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refused> {
        let Some((first, rest)) = self.0.split_first() else {
            return Ok(None);
        };
        self.0 = rest;
        seed.deserialize(Source(*first)).map(Some)
    }
}

/// The entries of an object.
pub(crate) struct Entries<'i> {
    entries: &'i [(&'i str, Input<'i>)],
    value: Input<'i>,
}

impl<'i> Entries<'i> {
    pub(crate) fn new(entries: &'i [(&'i str, Input<'i>)]) -> Self {
        Entries {
            entries,
            value: Input::None,
        }
    }
}

impl<'i> MapAccess<'i> for Entries<'i> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'i>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refused> {
        let Some(((key, value), rest)) = self.entries.split_first() else {
            return Ok(None);
        };
        self.entries = rest;
        self.value = *value;
        seed.deserialize(Source(Input::Str(key))).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'i>>(&mut self, seed: V) -> Result<V::Value, Refused> {
        seed.deserialize(Source(self.value))
    }
}
