//! The small readers: keys of maps, texts of several values, names of variants.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::read::Seed;
use super::{leaf, quote};
use crate::kinds::header;
use crate::schema::{Enum, Variant};
use crate::word::Word;

/// The key of a map.
#[derive(Clone, Copy)]
pub(super) struct Key<'p, 's, 'a>(pub(super) Seed<'p, 's, 'a>);

impl<'de, 'a> DeserializeSeed<'de> for Key<'_, '_, 'a> {
    type Value = Word<'a>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Word<'a>, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Key<'_, '_, 'a> {
    type Value = Word<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<Word<'a>, E> {
        let Seed {
            reader, ty, limits, ..
        } = self.0;
        let word = leaf::from_key(reader.schema, ty, v, limits, reader.arena);
        self.0.checked(
            || quote(v),
            word.map_err(|reason| format!("as a key, {reason}")),
        )
    }
}

/// One of several values.
#[derive(Clone, Copy)]
pub(super) struct Text<'p, 's, 'a> {
    pub(super) seed: Seed<'p, 's, 'a>,
    pub(super) max_bytes: u32,
}

impl<'de, 'a> DeserializeSeed<'de> for Text<'_, '_, 'a> {
    type Value = Word<'a>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Word<'a>, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de, 'a> Visitor<'de> for Text<'_, '_, 'a> {
    type Value = Word<'a>;

    super::refuse_others! { unit bool i64 u64 f64 seq map }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<Word<'a>, E> {
        let mut checked = leaf::check_len(v, self.max_bytes);
        if self.seed.header {
            checked = checked.and_then(|()| {
                header::check_value(v).map_err(|e| format!("{e} (at byte {})", e.at()))
            });
        }
        let word = checked.map(|()| Word::Str(self.seed.reader.arena.str(v)));
        self.seed.checked(|| quote(v), word)
    }
}

impl Text<'_, '_, '_> {
    fn mismatch<E: Error>(self, value: String) -> E {
        self.seed.refuse(value, "it must be a text".into())
    }
}

/// The name of a variant.
#[derive(Clone, Copy)]
pub(super) struct VariantName<'p, 's, 'a>(
    pub(super) Seed<'p, 's, 'a>,
    pub(super) u32,
    pub(super) &'s Enum,
);

impl<'de, 's> DeserializeSeed<'de> for VariantName<'_, 's, '_> {
    type Value = (u32, &'s Variant);

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de, 's> Visitor<'de> for VariantName<'_, 's, '_> {
    type Value = (u32, &'s Variant);

    super::refuse_others! { unit bool i64 u64 f64 seq map }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a variant")
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<Self::Value, E> {
        let VariantName(seed, index, declared) = self;
        match declared
            .variants
            .iter()
            .position(|variant| &*variant.name == v)
        {
            Some(i) => Ok((i as u32, &declared.variants[i])),
            None => Err(seed.refuse(quote(v), leaf::unknown_variant(seed.reader.schema, index))),
        }
    }
}

impl VariantName<'_, '_, '_> {
    fn mismatch<E: Error>(self, value: String) -> E {
        let VariantName(seed, index, _) = self;
        seed.refuse(value, leaf::unknown_variant(seed.reader.schema, index))
    }
}
