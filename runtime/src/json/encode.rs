//! Words to JSON.

use std::fmt::{self, Write};

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;

use crate::kinds::rate::Rate;
use crate::kinds::{money, path, time};
use crate::schema::{Field, Schema, Type, TypeId};
use crate::word::Word;

/// Writes a word as compact JSON, in the one form that [`super::decode`] reads back to the same word.
///
/// Fields that are `none` are left out. Total: a word of another kind than the type, which no checked program makes, is written as
/// the type's zero.
///
/// # Errors
/// Only those of the writer.
///
/// ```
/// use tollgate_runtime::schema::{Schema, Type};
/// use tollgate_runtime::{Word, json};
/// let mut schema = Schema::default();
/// let date = schema.add(Type::Date);
/// let mut out = String::new();
/// json::encode(&schema, date, Word::Int(20_758), &mut out).unwrap();
/// assert_eq!(out, "\"2026-11-01\"");
/// ```
pub fn encode(schema: &Schema, ty: TypeId, word: Word<'_>, out: &mut impl Write) -> fmt::Result {
    // Dynamic below, or each kind of writer would have its own copy of the whole recursion.
    value(schema, ty, word, out)
}

/// Writes fields as an object: a record, or parameters by name.
///
/// # Errors
/// Only those of the writer.
pub fn encode_fields(
    schema: &Schema,
    fields: &[Field],
    words: &[Word<'_>],
    out: &mut impl Write,
) -> fmt::Result {
    out.write_char('{')?;
    members(schema, fields, words, true, out)?;
    out.write_char('}')
}

/// Writes a text as a JSON string, quotes included.
///
/// # Errors
/// Only those of the writer.
pub fn write_text(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    write_part(out, text)?;
    out.write_char('"')
}

/// Writes a text as it stands inside the quotes of a JSON string.
///
/// # Errors
/// Only those of the writer.
pub fn write_part(out: &mut impl Write, text: &str) -> fmt::Result {
    Escaped(out).write_str(text)
}

fn value(schema: &Schema, ty: TypeId, word: Word<'_>, out: &mut dyn Write) -> fmt::Result {
    let ty = match schema.get(ty) {
        Type::Opt(_) if word.is_none() => return out.write_str("null"),
        Type::Opt(of) => schema.get(*of),
        ty => ty,
    };
    match ty {
        Type::Bool => write!(out, "{}", word.bool()),
        Type::Int { .. } => write!(out, "{}", word.int()),
        Type::Float => write!(out, "{:?}", word.float()),
        Type::List { of, .. } | Type::Set { of, .. } => {
            array(word.seq(), out, |item, out| value(schema, *of, item, out))
        }
        Type::Values { .. } => array(word.seq(), out, |item, out| {
            write_text(&mut &mut *out, item.str())
        }),
        Type::Map { key, value: of, .. } => {
            out.write_char('{')?;
            for (i, entry) in word.seq().chunks_exact(2).enumerate() {
                if i > 0 {
                    out.write_char(',')?;
                }
                quoted(out, |out| self::key(schema, *key, entry[0], out))?;
                out.write_char(':')?;
                value(schema, *of, entry[1], out)?;
            }
            out.write_char('}')
        }
        Type::Record(index) => {
            out.write_char('{')?;
            members(
                schema,
                &schema.records[*index as usize].fields,
                word.seq(),
                true,
                out,
            )?;
            out.write_char('}')
        }
        Type::Enum(index) => {
            let declared = &schema.enums[*index as usize];
            let Some(variant) = declared.variants.get(word.tag() as usize) else {
                return out.write_str("null");
            };
            let fields = &variant.fields;
            match &declared.tag {
                Some(tag) => {
                    out.write_char('{')?;
                    quoted(out, |out| out.write_str(tag))?;
                    out.write_char(':')?;
                    quoted(out, |out| out.write_str(&variant.name))?;
                    members(schema, fields, word.seq(), false, out)?;
                    out.write_char('}')
                }
                None if fields.is_empty() => quoted(out, |out| out.write_str(&variant.name)),
                None => {
                    out.write_char('{')?;
                    quoted(out, |out| out.write_str(&variant.name))?;
                    out.write_str(":{")?;
                    members(schema, fields, word.seq(), true, out)?;
                    out.write_str("}}")
                }
            }
        }
        _ => quoted(out, |out| text(ty, word, out)),
    }
}

/// The members of an object, without what is `none`.
fn members(
    schema: &Schema,
    fields: &[Field],
    words: &[Word<'_>],
    mut first: bool,
    out: &mut dyn Write,
) -> fmt::Result {
    for (field, word) in fields.iter().zip(words) {
        // A field that has a default and is `none` must say so, or the default would be read back.
        if word.is_none() && field.default.is_none() {
            continue;
        }
        if !first {
            out.write_char(',')?;
        }
        first = false;
        quoted(out, |out| out.write_str(&field.name))?;
        out.write_char(':')?;
        value(schema, field.ty, *word, out)?;
    }
    Ok(())
}

fn array(
    items: &[Word<'_>],
    out: &mut dyn Write,
    mut item: impl FnMut(Word<'_>, &mut dyn Write) -> fmt::Result,
) -> fmt::Result {
    out.write_char('[')?;
    for (i, word) in items.iter().enumerate() {
        if i > 0 {
            out.write_char(',')?;
        }
        item(*word, out)?;
    }
    out.write_char(']')
}

/// A key of a map, inside its quotes. A type that is no text is written as its JSON, which `decode` does not take back.
fn key(schema: &Schema, ty: TypeId, word: Word<'_>, out: &mut dyn Write) -> fmt::Result {
    match schema.get(ty) {
        Type::Enum(index) => match schema.enums[*index as usize]
            .variants
            .get(word.tag() as usize)
        {
            Some(variant) => out.write_str(&variant.name),
            None => Ok(()),
        },
        Type::Bool
        | Type::Int { .. }
        | Type::Float
        | Type::Values { .. }
        | Type::Opt(_)
        | Type::List { .. }
        | Type::Set { .. }
        | Type::Map { .. }
        | Type::Record(_) => value(schema, ty, word, out),
        leaf => text(leaf, word, out),
    }
}

/// The text of a type that is written as one.
fn text(ty: &Type, word: Word<'_>, mut out: &mut dyn Write) -> fmt::Result {
    match ty {
        Type::Bytes { .. } => write!(out, "{}", Base64Display::new(word.bytes(), &STANDARD)),
        Type::Duration { .. } => time::write_duration(&mut out, word.int()),
        Type::Instant => time::write_instant(&mut out, word.int()),
        Type::Date => time::write_date(&mut out, word.int()),
        Type::Percent { .. } => money::write_percent(&mut out, word.int()),
        Type::Money { currency, .. } => money::write_money(&mut out, word.int(), *currency),
        Type::Rate => {
            let (count, per) = (word.at(0).int(), word.at(1).int());
            write!(out, "{}", Rate { count, per })
        }
        Type::Ip => write!(out, "{}", word.ip()),
        Type::Cidr => write!(out, "{}", word.cidr()),
        // Encoded, since what is read is decoded once: the text of `/%41` would read back as `/A`.
        Type::Path => path::encode(&mut out, word.str()),
        _ => out.write_str(word.str()),
    }
}

fn quoted(out: &mut dyn Write, write: impl FnOnce(&mut dyn Write) -> fmt::Result) -> fmt::Result {
    out.write_char('"')?;
    write(&mut Escaped(&mut *out))?;
    out.write_char('"')
}

/// Escapes what a JSON string cannot hold (RFC 8259 §7).
struct Escaped<W>(W);

impl<W: Write> Write for Escaped<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (i, byte) in text.bytes().enumerate() {
            let short = match byte {
                b'"' => "\\\"",
                b'\\' => "\\\\",
                b'\n' => "\\n",
                b'\r' => "\\r",
                b'\t' => "\\t",
                0..0x20 => "",
                _ => continue,
            };
            self.0.write_str(&text[plain..i])?;
            if short.is_empty() {
                write!(self.0, "\\u{byte:04x}")?;
            } else {
                self.0.write_str(short)?;
            }
            plain = i + 1;
        }
        self.0.write_str(&text[plain..])
    }
}
