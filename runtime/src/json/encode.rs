//! Words to JSON.

use std::fmt::{self, Write};

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;

use super::text::plain_end;
use crate::kinds::decimal::write_whole;
use crate::kinds::rate::Rate;
use crate::kinds::{money, path, time};
use crate::schema::{Field, Schema, Type, TypeId};
use crate::word::Word;

/// Writes a word as compact JSON, behind what `out` holds, in the one form that [`super::decode`] reads back to the same word.
///
/// Fields that are `none` are left out. Total: a word of another kind than the type, which no checked program makes, is written as
/// the type's zero.
///
/// ```
/// use tollgate_runtime::schema::{Schema, Type};
/// use tollgate_runtime::{Word, json};
/// let mut schema = Schema::default();
/// let date = schema.add(Type::Date);
/// let mut out = String::new();
/// json::encode(&schema, date, Word::Int(20_758), &mut out);
/// assert_eq!(out, "\"2026-11-01\"");
/// ```
pub fn encode(schema: &Schema, ty: TypeId, word: Word<'_>, out: &mut String) {
    let ty = match schema.get(ty) {
        Type::Opt(_) if word.is_none() => return out.push_str("null"),
        Type::Opt(of) => schema.get(*of),
        ty => ty,
    };
    match ty {
        Type::Bool => out.push_str(if word.bool() { "true" } else { "false" }),
        Type::Int { .. } => wrote(write_whole(out, word.int())),
        Type::Float => wrote(write!(out, "{:?}", word.float())),
        Type::List { of, .. } | Type::Set { of, .. } => {
            array(word.seq(), out, |item, out| encode(schema, *of, item, out));
        }
        Type::Values { .. } => array(word.seq(), out, |item, out| write_text(out, item.str())),
        Type::Map { key, value, .. } => {
            out.push('{');
            for (i, entry) in word.seq().chunks_exact(2).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                self::key(schema, *key, entry[0], out);
                out.push(':');
                encode(schema, *value, entry[1], out);
            }
            out.push('}');
        }
        Type::Record(index) => {
            let fields = &schema.records[*index as usize].fields;
            encode_fields(schema, fields, word.seq(), out);
        }
        Type::Enum(index) => {
            let declared = &schema.enums[*index as usize];
            let Some(variant) = declared.variants.get(word.tag() as usize) else {
                return out.push_str("null");
            };
            let fields = &variant.fields;
            match &declared.tag {
                Some(tag) => {
                    out.push('{');
                    write_text(out, tag);
                    out.push(':');
                    write_text(out, &variant.name);
                    members(schema, fields, word.seq(), false, out);
                    out.push('}');
                }
                None if fields.is_empty() => write_text(out, &variant.name),
                None => {
                    out.push('{');
                    write_text(out, &variant.name);
                    out.push(':');
                    encode_fields(schema, fields, word.seq(), out);
                    out.push('}');
                }
            }
        }
        _ => leaf(ty, word, out),
    }
}

/// Writes fields as an object: a record, or parameters by name.
pub fn encode_fields(schema: &Schema, fields: &[Field], words: &[Word<'_>], out: &mut String) {
    out.push('{');
    members(schema, fields, words, true, out);
    out.push('}');
}

/// Writes a text as a JSON string, quotes included.
pub fn write_text(out: &mut String, text: &str) {
    out.push('"');
    write_part(out, text);
    out.push('"');
}

/// Writes a text as it stands inside the quotes of a JSON string: escaped where it must be (RFC 8259 §7).
pub fn write_part(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = plain_end(rest.as_bytes(), 0) {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte => wrote(write!(out, "\\u{byte:04x}")),
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// The members of an object, without what is `none`.
fn members(
    schema: &Schema,
    fields: &[Field],
    words: &[Word<'_>],
    mut first: bool,
    out: &mut String,
) {
    for (field, word) in fields.iter().zip(words) {
        // A field that has a default and is `none` must say so, or the default would be read back.
        if word.is_none() && field.default.is_none() {
            continue;
        }
        if !first {
            out.push(',');
        }
        first = false;
        write_text(out, &field.name);
        out.push(':');
        encode(schema, field.ty, *word, out);
    }
}

fn array(items: &[Word<'_>], out: &mut String, mut item: impl FnMut(Word<'_>, &mut String)) {
    out.push('[');
    for (i, word) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        item(*word, out);
    }
    out.push(']');
}

/// A key of a map, with its quotes. A type that is no text is written as its JSON, which `decode` does not take back.
fn key(schema: &Schema, of: TypeId, word: Word<'_>, out: &mut String) {
    match schema.get(of) {
        Type::Enum(index) => {
            let variants = &schema.enums[*index as usize].variants;
            let name = variants.get(word.tag() as usize).map_or("", |v| &v.name);
            write_text(out, name);
        }
        Type::Bool | Type::Int { .. } | Type::Float => {
            out.push('"');
            encode(schema, of, word, out);
            out.push('"');
        }
        Type::Values { .. }
        | Type::Opt(_)
        | Type::List { .. }
        | Type::Set { .. }
        | Type::Map { .. }
        | Type::Record(_) => {
            let mut text = String::new();
            encode(schema, of, word, &mut text);
            write_text(out, &text);
        }
        ty => leaf(ty, word, out),
    }
}

/// A type that is written as text, with its quotes.
fn leaf(ty: &Type, word: Word<'_>, out: &mut String) {
    // None of the notations but plain text holds a character that needs an escape.
    let notation = |out: &mut String| match ty {
        Type::Bytes { .. } => write!(out, "{}", Base64Display::new(word.bytes(), &STANDARD)),
        Type::Duration { .. } => time::write_duration(out, word.int()),
        Type::Instant => time::write_instant(out, word.int()),
        Type::Date => time::write_date(out, word.int()),
        Type::Percent { .. } => money::write_percent(out, word.int()),
        Type::Money { currency, .. } => money::write_money(out, word.int(), *currency),
        Type::Rate => {
            let (count, per) = (word.at(0).int(), word.at(1).int());
            write!(out, "{}", Rate { count, per })
        }
        Type::Ip => write!(out, "{}", word.ip()),
        Type::Cidr => write!(out, "{}", word.cidr()),
        // Encoded, since what is read is decoded once: the text of `/%41` would read back as `/A`.
        Type::Path => path::encode(out, word.str()),
        _ => {
            write_part(out, word.str());
            Ok(())
        }
    };
    out.push('"');
    wrote(notation(out));
    out.push('"');
}

/// Writing to a string cannot fail.
fn wrote(result: fmt::Result) {
    debug_assert!(result.is_ok());
}
