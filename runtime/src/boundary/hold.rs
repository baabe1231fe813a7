//! A value kept until its type is known: what stands before the tag of a tagged enum.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

use crate::arena::Arena;
use crate::facts::Input;

/// Keeps a value of any type in the arena.
#[derive(Clone, Copy)]
pub(super) struct Hold<'a>(pub(super) &'a Arena);

impl<'de, 'a> DeserializeSeed<'de> for Hold<'a> {
    type Value = Input<'a>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Input<'a>, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de, 'a> Visitor<'de> for Hold<'a> {
    type Value = Input<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Input<'a>, E> {
        Ok(Input::None)
    }

    fn visit_none<E>(self) -> Result<Input<'a>, E> {
        Ok(Input::None)
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Input<'a>, D::Error> {
        self.deserialize(input)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Input<'a>, E> {
        Ok(Input::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Input<'a>, E> {
        Ok(Input::Int(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Input<'a>, E> {
        Ok(i64::try_from(v).map_or(Input::Float(v as f64), Input::Int))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Input<'a>, E> {
        Ok(Input::Float(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Input<'a>, E> {
        Ok(Input::Str(self.0.str(v)))
    }

    fn visit_bytes<E>(self, v: &[u8]) -> Result<Input<'a>, E> {
        Ok(Input::Bytes(self.0.bytes(v)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Input<'a>, A::Error> {
        let mut items = self.0.vec();
        while let Some(item) = seq.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Input::List(items.into_bump_slice()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Input<'a>, A::Error> {
        let mut entries = self.0.vec();
        while let Some(key) = map.next_key_seed(self)? {
            let value = map.next_value_seed(self)?;
            let Input::Str(key) = key else { continue };
            entries.push((key, value));
        }
        Ok(Input::Map(entries.into_bump_slice()))
    }
}
