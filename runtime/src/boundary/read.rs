//! The reader: schema in one hand, deserializer in the other.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::fields::{Fields, FieldsSeed};
use super::hold::Hold;
use super::leaf;
use super::names::{Key, Text, VariantName};
use super::{Place, Reader, Step, quote};
use crate::facts::Input;
use crate::schema::{Boundary, Enum, Record, Type, TypeId};
use crate::word::Word;

/// Reads one value of a type. `null` reads as `Word::None` whatever the type; [`Seed::present`] and the fields say what that means.
#[derive(Clone, Copy)]
pub(super) struct Seed<'p, 's, 'a> {
    pub(super) reader: &'p Reader<'s, 'a>,
    /// The type, without its `?`.
    pub(super) ty: &'s Type,
    optional: bool,
    place: &'p Place<'p>,
    pub(super) limits: &'s Boundary,
    /// Whether this is the value of a header, which the boundary bounds further.
    pub(super) header: bool,
}

impl<'p, 's, 'a> Seed<'p, 's, 'a> {
    pub(super) fn new(
        reader: &'p Reader<'s, 'a>,
        ty: TypeId,
        place: &'p Place<'p>,
        limits: &'s Boundary,
    ) -> Self {
        let (ty, optional) = match reader.schema.get(ty) {
            Type::Opt(of) => (reader.schema.get(*of), true),
            ty => (ty, false),
        };
        Seed {
            reader,
            ty,
            optional,
            place,
            limits,
            header: false,
        }
    }

    /// The word, unless it is `none` and the type has no `none`.
    pub(super) fn present<E: Error>(self, word: Word<'a>) -> Result<Word<'a>, E> {
        if word.is_none() && !self.optional {
            return Err(self.refuse("null".into(), format!("it must be {}", self.ty.words().1)));
        }
        Ok(word)
    }

    pub(super) fn refuse<E: Error>(self, value: String, reason: String) -> E {
        self.reader.refuse(self.place, value, reason);
        E::custom("refused")
    }

    fn mismatch<E: Error>(self, value: String) -> E {
        self.refuse(value, format!("it must be {}", self.ty.words().1))
    }

    pub(super) fn checked<E: Error>(
        self,
        value: impl FnOnce() -> String,
        word: Result<Word<'a>, leaf::Reason>,
    ) -> Result<Word<'a>, E> {
        word.map_err(|reason| self.refuse(value(), reason))
    }

    /// Reads elements into the arena, at most `max`.
    fn elements<'de, A: SeqAccess<'de>>(
        self,
        of: TypeId,
        max: u32,
        mut seq: A,
    ) -> Result<&'a mut [Word<'a>], A::Error> {
        let mut items = self.reader.arena.list();
        loop {
            let place = self.place.then(Step::Index(items.len()));
            let seed = Seed::new(self.reader, of, &place, self.limits);
            let Some(word) = seq.next_element_seed(seed)? else {
                break;
            };
            self.room(items.len(), max)?;
            items.push(seed.present(word)?);
        }
        Ok(items.into_bump_slice_mut())
    }

    fn room<E: Error>(self, len: usize, max: u32) -> Result<(), E> {
        if len >= max as usize {
            return Err(self.refuse(String::new(), format!("at most {max} elements are allowed")));
        }
        Ok(())
    }

    fn set<'de, A: SeqAccess<'de>>(
        self,
        of: TypeId,
        max: u32,
        seq: A,
    ) -> Result<Word<'a>, A::Error> {
        let items = self.elements(of, max, seq)?;
        items.sort_unstable_by(|a, b| a.order(*b));
        match items.windows(2).find(|pair| pair[0].same(pair[1])) {
            Some(pair) => {
                Err(self.refuse(shown(pair[0]), "an element of a set is given twice".into()))
            }
            None => Ok(Word::Seq(items)),
        }
    }

    fn values<'de, A: SeqAccess<'de>>(
        self,
        max: u32,
        max_bytes: u32,
        mut seq: A,
    ) -> Result<Word<'a>, A::Error> {
        let (max, max_bytes) = if self.header {
            (
                max.min(self.limits.header_values),
                max_bytes.min(self.limits.header_bytes),
            )
        } else {
            (max, max_bytes)
        };
        let mut items = self.reader.arena.list();
        loop {
            let place = self.place.then(Step::Index(items.len()));
            let text = Text {
                seed: Seed {
                    place: &place,
                    ..self
                },
                max_bytes,
            };
            let Some(word) = seq.next_element_seed(text)? else {
                break;
            };
            self.room(items.len(), max)?;
            items.push(word);
        }
        Ok(Word::Seq(items.into_bump_slice()))
    }

    fn map<'de, A: MapAccess<'de>>(
        self,
        key: TypeId,
        value: TypeId,
        max: u32,
        mut map: A,
    ) -> Result<Word<'a>, A::Error> {
        let key = Key(Seed::new(self.reader, key, self.place, self.limits));
        let header = matches!(key.0.ty, Type::HeaderName);
        let mut entries = self.reader.arena.list();
        while let Some(name) = map.next_key_seed(key)? {
            self.room(entries.len() / 2, max)?;
            let place = self.place.then(Step::Key(name));
            let seed = Seed {
                header,
                ..Seed::new(self.reader, value, &place, self.limits)
            };
            let word = map.next_value_seed(seed)?;
            entries.push(name);
            entries.push(seed.present(word)?);
        }
        let entries = entries.into_bump_slice_mut();
        let (pairs, _) = entries.as_chunks_mut::<2>();
        pairs.sort_unstable_by(|a, b| a[0].order(b[0]));
        match pairs.windows(2).find(|pair| pair[0][0].same(pair[1][0])) {
            Some(pair) => Err(self.refuse(shown(pair[0][0]), "a key is given twice".into())),
            None => Ok(Word::Seq(entries)),
        }
    }

    fn record<'de, A: MapAccess<'de>>(
        self,
        record: &'s Record,
        map: A,
    ) -> Result<Word<'a>, A::Error> {
        let limits = boundary_of(record, self.limits);
        let seed = FieldsSeed::new(self.reader, &record.fields, self.place, limits);
        let mut fields = Fields::new(seed);
        fields.absorb(map, None)?;
        fields.finish().map(Word::Seq)
    }

    /// `{"forward": {"service": "payments"}}`
    fn external<'de, A: MapAccess<'de>>(
        self,
        index: u32,
        declared: &'s Enum,
        mut map: A,
    ) -> Result<Word<'a>, A::Error> {
        let Some((tag, variant)) = map.next_key_seed(VariantName(self, index, declared))? else {
            return Err(self.mismatch("{}".into()));
        };
        let place = self.place.then(Step::Field(&variant.name));
        let seed = FieldsSeed::new(self.reader, &variant.fields, &place, self.limits);
        let fields = map.next_value_seed(seed)?;
        if map.next_key::<IgnoredAny>()?.is_some() {
            let reason = "an enum value is an object with one key, the variant".into();
            return Err(self.refuse(String::new(), reason));
        }
        Ok(Word::Variant(tag, fields))
    }

    /// `{"type": "ride_completed", "trip": "t5"}`; what stands before the tag is kept until the tag is known.
    fn tagged<'de, A: MapAccess<'de>>(
        self,
        index: u32,
        declared: &'s Enum,
        key: &'s str,
        mut map: A,
    ) -> Result<Word<'a>, A::Error> {
        let arena = self.reader.arena;
        let mut before = arena.vec::<(&'a str, Input<'a>)>();
        let (tag, variant) = loop {
            match map.next_key_seed(Hold(arena))? {
                Some(Input::Str(name)) if name == key => {
                    let place = self.place.then(Step::Field(key));
                    let seed = Seed {
                        place: &place,
                        ..self
                    };
                    break map.next_value_seed(VariantName(seed, index, declared))?;
                }
                Some(Input::Str(name)) => before.push((name, map.next_value_seed(Hold(arena))?)),
                _ => {
                    let place = self.place.then(Step::Field(key));
                    let seed = Seed {
                        place: &place,
                        ..self
                    };
                    return Err(
                        seed.refuse(String::new(), "it is missing; it names the variant".into())
                    );
                }
            }
        };
        let seed = FieldsSeed::new(self.reader, &variant.fields, self.place, self.limits);
        let mut fields = Fields::new(seed);
        let kept = crate::facts::Entries::new(before.into_bump_slice());
        fields
            .absorb(kept, Some(key))
            .map_err(|_| A::Error::custom("refused"))?;
        fields.absorb(map, Some(key))?;
        fields.finish().map(|fields| Word::Variant(tag, fields))
    }
}

impl<'de, 'a> DeserializeSeed<'de> for Seed<'_, '_, 'a> {
    type Value = Word<'a>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Word<'a>, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de, 'a> Visitor<'de> for Seed<'_, '_, 'a> {
    type Value = Word<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ty.words().1)
    }

    fn visit_unit<E>(self) -> Result<Word<'a>, E> {
        Ok(Word::None)
    }

    fn visit_none<E>(self) -> Result<Word<'a>, E> {
        Ok(Word::None)
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Word<'a>, D::Error> {
        self.deserialize(input)
    }

    fn visit_bool<E: Error>(self, v: bool) -> Result<Word<'a>, E> {
        match self.ty {
            Type::Bool => Ok(Word::Bool(v)),
            _ => Err(self.mismatch(v.to_string())),
        }
    }

    fn visit_i64<E: Error>(self, v: i64) -> Result<Word<'a>, E> {
        use crate::schema::{DATE_END, INSTANT_END};
        let (lo, hi) = match self.ty {
            Type::Int { lo, hi } => (*lo, *hi),
            Type::Float => return Ok(Word::Float(v as f64)),
            Type::Duration { lo, hi } | Type::Percent { lo, hi } | Type::Money { lo, hi, .. }
                if self.reader.typed =>
            {
                (*lo, *hi)
            }
            Type::Instant if self.reader.typed => (0, INSTANT_END - 1),
            Type::Date if self.reader.typed => (0, DATE_END - 1),
            _ => return Err(self.mismatch(v.to_string())),
        };
        self.checked(|| v.to_string(), leaf::in_range(v, lo, hi, self.ty))
    }

    fn visit_u64<E: Error>(self, v: u64) -> Result<Word<'a>, E> {
        match i64::try_from(v) {
            Ok(v) => self.visit_i64(v),
            Err(_) if matches!(self.ty, Type::Float) => Ok(Word::Float(v as f64)),
            Err(_) => Err(self.refuse(v.to_string(), "the number is too large".into())),
        }
    }

    fn visit_f64<E: Error>(self, v: f64) -> Result<Word<'a>, E> {
        match self.ty {
            // `+ 0.0` turns minus zero into zero.
            Type::Float if v.is_finite() => Ok(Word::Float(v + 0.0)),
            Type::Float => Err(self.refuse(v.to_string(), "a number must be finite".into())),
            _ => Err(self.mismatch(format!("{v:?}"))),
        }
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<Word<'a>, E> {
        let reader = self.reader;
        match leaf::from_text(reader.schema, self.ty, v, self.limits, reader.arena) {
            Some(word) => self.checked(|| quote(v), word),
            None => Err(self.mismatch(quote(v))),
        }
    }

    /// Only a host's typed values have bytes; JSON has none.
    fn visit_bytes<E: Error>(self, v: &[u8]) -> Result<Word<'a>, E> {
        let shown = || format!("({} bytes)", v.len());
        match self.ty {
            Type::Bytes { max } if v.len() > *max as usize => {
                Err(self.refuse(shown(), format!("at most {max} bytes are allowed")))
            }
            Type::Bytes { .. } => Ok(Word::Bytes(self.reader.arena.bytes(v))),
            Type::Ip => match <[u8; 16]>::try_from(v) {
                Ok(octets) => Ok(Word::Ip(crate::kinds::net::Ip(octets))),
                Err(_) => Err(self.mismatch(shown())),
            },
            _ => Err(self.mismatch(shown())),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Word<'a>, A::Error> {
        match self.ty {
            Type::List { of, max } => self.elements(*of, *max, seq).map(|items| Word::Seq(items)),
            Type::Set { of, max } => self.set(*of, *max, seq),
            Type::Values { max, max_bytes } => self.values(*max, *max_bytes, seq),
            _ => Err(self.mismatch("[\u{2026}]".into())),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Word<'a>, A::Error> {
        let schema = self.reader.schema;
        match self.ty {
            Type::Record(index) => self.record(&schema.records[*index as usize], map),
            Type::Map { key, value, max } => self.map(*key, *value, *max, map),
            Type::Enum(index) => {
                let declared = &schema.enums[*index as usize];
                match &declared.tag {
                    Some(key) => self.tagged(*index, declared, key, map),
                    None => self.external(*index, declared, map),
                }
            }
            _ => Err(self.mismatch("{\u{2026}}".into())),
        }
    }
}

/// The contract for what is inside a record: its own, or that of the record around it when it declares none.
pub(crate) fn boundary_of<'s>(record: &'s Record, around: &'s Boundary) -> &'s Boundary {
    if record.boundary == Boundary::default() {
        around
    } else {
        &record.boundary
    }
}

fn shown(word: Word<'_>) -> String {
    match word {
        Word::Str(text) => quote(text),
        word => {
            let mut text = word.to_string();
            text.truncate(text.floor_char_boundary(super::QUOTE_MAX));
            text
        }
    }
}
