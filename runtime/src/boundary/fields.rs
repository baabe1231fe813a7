//! Reading the fields of records, of variants and of parameters: the same three steps, look up, read, fill in.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::read::Seed;
use super::{Place, Reader, Step, quote};
use crate::schema::{Boundary, Field};
use crate::word::Word;

/// Reads an object whose keys are names of fields.
#[derive(Clone, Copy)]
pub(super) struct FieldsSeed<'p, 's, 'a> {
    reader: &'p Reader<'s, 'a>,
    fields: &'s [Field],
    place: &'p Place<'p>,
    limits: &'s Boundary,
}

impl<'p, 's, 'a> FieldsSeed<'p, 's, 'a> {
    pub(super) fn new(
        reader: &'p Reader<'s, 'a>,
        fields: &'s [Field],
        place: &'p Place<'p>,
        limits: &'s Boundary,
    ) -> Self {
        FieldsSeed {
            reader,
            fields,
            place,
            limits,
        }
    }

    fn refuse<E: Error>(self, field: &str, reason: &str) -> E {
        let place = self.place.then(Step::Field(field));
        self.reader.refuse(&place, String::new(), reason.into());
        E::custom("refused")
    }

    fn mismatch<E: Error>(self, value: String) -> E {
        self.reader
            .refuse(self.place, value, "it must be an object".into());
        E::custom("refused")
    }
}

impl<'de, 'a> DeserializeSeed<'de> for FieldsSeed<'_, '_, 'a> {
    type Value = &'a [Word<'a>];

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de, 'a> Visitor<'de> for FieldsSeed<'_, '_, 'a> {
    type Value = &'a [Word<'a>];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// `{"admit": null}` is `"admit"`.
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Fields::new(self).finish()
    }

    super::refuse_others! { bool i64 u64 f64 seq }

    fn visit_str<E: Error>(self, v: &str) -> Result<Self::Value, E> {
        Err(self.mismatch(quote(v)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::new(self);
        fields.absorb(map, None)?;
        fields.finish()
    }
}

/// Fields being read.
pub(super) struct Fields<'p, 's, 'a> {
    seed: FieldsSeed<'p, 's, 'a>,
    words: &'a mut [Word<'a>],
    /// One byte a field: whether its key was seen.
    seen: &'a mut [u8],
}

impl<'p, 's, 'a> Fields<'p, 's, 'a> {
    pub(super) fn new(seed: FieldsSeed<'p, 's, 'a>) -> Self {
        Fields {
            seed,
            words: seed.reader.arena.slots(seed.fields.len()),
            seen: seed.reader.arena.zeroed(seed.fields.len()),
        }
    }

    /// Reads all entries of an object; `tag` is a key that was read already.
    pub(super) fn absorb<'de, A: MapAccess<'de>>(
        &mut self,
        mut map: A,
        tag: Option<&str>,
    ) -> Result<(), A::Error> {
        let FieldsSeed {
            reader,
            fields,
            place,
            limits,
        } = self.seed;
        let mut next = 0;
        while let Some(found) = map.next_key_seed(FieldName { fields, next, tag })? {
            match found {
                Name::Field(i) => {
                    let field = &fields[i];
                    if self.seen[i] != 0 {
                        return Err(self.seed.refuse(&field.name, "the key is given twice"));
                    }
                    self.seen[i] = 1;
                    let place = place.then(Step::Field(&field.name));
                    self.words[i] =
                        map.next_value_seed(Seed::new(reader, field.ty, &place, limits))?;
                    next = i + 1;
                }
                Name::Tag => {
                    return Err(self
                        .seed
                        .refuse(tag.unwrap_or(""), "the key is given twice"));
                }
                Name::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    reader.ignored.set(reader.ignored.get() + 1);
                }
            }
        }
        Ok(())
    }

    /// Gives what is absent its default.
    pub(super) fn finish<E: Error>(self) -> Result<&'a [Word<'a>], E> {
        for (i, (word, field)) in self.words.iter_mut().zip(self.seed.fields).enumerate() {
            if word.is_none() {
                *word = match self.seed.reader.absent(field, self.seen[i] != 0) {
                    Some(default) => default,
                    None => {
                        return Err(self.seed.refuse(&field.name, "it is required and missing"));
                    }
                };
            }
        }
        Ok(self.words)
    }
}

/// What the key of a record is.
pub(super) enum Name {
    Field(usize),
    Tag,
    Unknown,
}

/// Looks a key up, first where the order of declaration would have it.
#[derive(Clone, Copy)]
pub(super) struct FieldName<'s, 't> {
    fields: &'s [Field],
    next: usize,
    tag: Option<&'t str>,
}

impl<'de> DeserializeSeed<'de> for FieldName<'_, '_> {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Name, D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldName<'_, '_> {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, v: &str) -> Result<Name, E> {
        if self.tag == Some(v) {
            return Ok(Name::Tag);
        }
        if self.fields.get(self.next).is_some_and(|f| &*f.name == v) {
            return Ok(Name::Field(self.next));
        }
        let found = self.fields.iter().position(|f| &*f.name == v);
        Ok(found.map_or(Name::Unknown, Name::Field))
    }
}
