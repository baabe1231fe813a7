//! JSON in and out, by the schema.
//!
//! Reading goes from the bytes straight to words in the arena. What is as it should be takes the short way (`fast.rs`); all
//! else is read by serde_json, which needs a scratch buffer for texts with escapes. The rules are those of the boundary: unknown keys are ignored and counted, keys given twice are refused,
//! `null` and an absent key are `none`, an `Int` has neither fraction nor exponent.

use serde_json::Deserializer;

use crate::arena::Arena;
use crate::boundary::{Place, Reader};
use crate::schema::{Boundary, Field, Schema, TypeId};

mod encode;
mod fast;
mod text;

/// Most bytes that are shown of an input that is not JSON.
const SHOWN: usize = 48;

pub use crate::boundary::{Decoded, Params, Refusal};
pub use encode::{encode, encode_fields, write_part, write_text};

/// Reads one value of a type.
///
/// # Errors
/// When the bytes are not JSON or the value breaks a rule of its type; the refusal says which.
///
/// ```
/// use tollgate_runtime::schema::{Schema, Type};
/// use tollgate_runtime::{Arena, Word, json};
/// let mut schema = Schema::default();
/// let duration = schema.add(Type::Duration { lo: 0, hi: 60_000_000 });
/// let arena = Arena::new();
/// let decoded = json::decode(&schema, duration, br#""1s500ms""#, &arena).unwrap();
/// assert_eq!(decoded.word, Word::Int(1_500_000));
///
/// // What is to outlive a decision is read into memory of its own.
/// use tollgate_runtime::Frozen;
/// let data = Frozen::try_new(|arena| {
///     json::decode(&schema, duration, br#""5s""#, arena).map(|decoded| decoded.word)
/// });
/// assert_eq!(data.unwrap().word(), Word::Int(5_000_000));
/// ```
pub fn decode<'a>(
    schema: &Schema,
    ty: TypeId,
    json: &[u8],
    arena: &'a Arena,
) -> Result<Decoded<'a>, Refusal> {
    let reader = Reader::new(schema, arena, false);
    if let Some(word) = fast::value(&reader, ty, json) {
        let ignored = reader.ignored();
        return Ok(Decoded { word, ignored });
    }
    decode_by_serde(schema, ty, json, arena)
}

/// As [`decode`], always the long way, which knows the reasons: what `decode` does with all that is not as it should be, and what
/// the short way is compared with.
///
/// # Errors
/// As [`decode`].
pub fn decode_by_serde<'a>(
    schema: &Schema,
    ty: TypeId,
    json: &[u8],
    arena: &'a Arena,
) -> Result<Decoded<'a>, Refusal> {
    let reader = Reader::new(schema, arena, false);
    let limits = Boundary::default();
    let mut input = Deserializer::from_slice(json);
    let read = reader
        .value(ty, &Place::ROOT, &limits, &mut input)
        .and_then(|word| input.end().map(|()| word));
    match read {
        Ok(word) => Ok(Decoded {
            word,
            ignored: reader.ignored(),
        }),
        Err(error) => Err(refusal(&reader, json, &error)),
    }
}

/// Reads an object whose keys are the names of parameters, each described as a field.
///
/// # Errors
/// As [`decode`].
pub fn decode_params<'a>(
    schema: &Schema,
    params: &[Field],
    json: &[u8],
    arena: &'a Arena,
) -> Result<Params<'a>, Refusal> {
    let reader = Reader::new(schema, arena, false);
    if let Some(words) = fast::fields(&reader, params, json) {
        let ignored = reader.ignored();
        return Ok(Params { words, ignored });
    }
    decode_params_by_serde(schema, params, json, arena)
}

/// As [`decode_params`], always the long way; see [`decode_by_serde`].
///
/// # Errors
/// As [`decode`].
pub fn decode_params_by_serde<'a>(
    schema: &Schema,
    params: &[Field],
    json: &[u8],
    arena: &'a Arena,
) -> Result<Params<'a>, Refusal> {
    let reader = Reader::new(schema, arena, false);
    let limits = Boundary::default();
    let mut input = Deserializer::from_slice(json);
    let read = reader
        .fields(params, &limits, &mut input)
        .and_then(|words| input.end().map(|()| words));
    match read {
        Ok(words) => Ok(Params {
            words,
            ignored: reader.ignored(),
        }),
        Err(error) => Err(refusal(&reader, json, &error)),
    }
}

fn refusal(reader: &Reader<'_, '_>, json: &[u8], error: &serde_json::Error) -> Refusal {
    let offset = offset(json, error.line(), error.column());
    let mut broken = false;
    let mut refusal = reader.refusal(|| {
        broken = true;
        if let Err(error) = std::str::from_utf8(json) {
            return format!("it is not valid UTF-8 (at byte {})", error.valid_up_to());
        }
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        match offset {
            Some(at) if !error.is_eof() => format!("it is not JSON: {what} (at byte {at})"),
            _ => format!("it is not JSON: {what}"),
        }
    });
    if broken {
        refusal.value = beginning(json);
    }
    refusal.offset = offset;
    refusal
}

/// The first characters of an input of which nothing could be read.
fn beginning(json: &[u8]) -> String {
    let head = &json[..json.len().min(SHOWN)];
    let mut text = String::from_utf8_lossy(head).trim().to_owned();
    if head.len() < json.len() {
        text.push('\u{2026}');
    }
    text
}

/// The byte of a line and column, both counted from 1; `None` when serde_json knows no line.
fn offset(json: &[u8], line: usize, column: usize) -> Option<usize> {
    let before = line.checked_sub(1)?;
    let start: usize = json
        .split_inclusive(|b| *b == b'\n')
        .take(before)
        .map(<[u8]>::len)
        .sum();
    Some((start + column.saturating_sub(1)).min(json.len()))
}

#[cfg(test)]
mod tests;
