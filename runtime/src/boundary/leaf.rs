//! The types that are one text in JSON: text in, word out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::arena::Arena;
use crate::kinds::{header, host, money, path, rate, time, zone};
use crate::schema::{Boundary, STRING_LIMIT, Schema, Type};
use crate::word::Word;

/// What is wrong, as a sentence.
pub(crate) type Reason = String;

/// The word of a type that is written as text, if the type is one of these.
pub(crate) fn from_text<'a>(
    schema: &Schema,
    ty: &Type,
    text: &str,
    limits: &Boundary,
    arena: &'a Arena,
) -> Option<Result<Word<'a>, Reason>> {
    let word = match ty {
        Type::Str { max, matching } => {
            return Some(check_len(text, *max).and_then(|()| match matching {
                Some(m) if !m.regex.matches(text) => Err(format!(
                    "it must be a {}, which matches {}",
                    m.name,
                    m.regex.text()
                )),
                _ => Ok(Word::Str(arena.str(text))),
            }));
        }
        Type::Key => {
            return Some(check_len(text, STRING_LIMIT).map(|()| Word::Str(arena.str(text))));
        }
        Type::Bytes { max } => return Some(bytes(text, *max, arena)),
        Type::Duration { lo, hi } => return Some(units(time::parse_duration(text), *lo, *hi, ty)),
        Type::Percent { lo, hi } => return Some(units(money::parse_percent(text), *lo, *hi, ty)),
        Type::Money { currency, lo, hi } => {
            return Some(units(money::parse_money(text, *currency), *lo, *hi, ty));
        }
        Type::Enum(index) => {
            let declared = &schema.enums[*index as usize];
            return Some(
                match declared.variants.iter().position(|v| &*v.name == text) {
                    Some(i) if declared.variants[i].fields.is_empty() => {
                        Ok(Word::Variant(i as u32, &[]))
                    }
                    Some(_) => Err(format!("`{text}` has fields and is written as an object")),
                    None => Err(unknown_variant(schema, *index)),
                },
            );
        }
        Type::Instant => time::parse_instant(text).map(Word::Int),
        Type::Date => time::parse_date(text).map(Word::Int),
        Type::Rate => {
            rate::parse(text).map(|r| Word::Seq(arena.seq(&[Word::Int(r.count), Word::Int(r.per)])))
        }
        Type::Path => path::canonical(text, &limits.path, arena).map(Word::Str),
        Type::Host => host::canonical(text, &limits.host, arena).map(Word::Str),
        Type::HeaderName => header::canonical(text, arena).map(Word::Str),
        Type::Zone => zone::canonical(text).map(Word::Str),
        Type::Ip => return Some(text.parse().map(Word::Ip).map_err(|e| sentence(&e))),
        Type::Cidr => return Some(text.parse().map(Word::Cidr).map_err(|e| sentence(&e))),
        Type::Bool
        | Type::Int { .. }
        | Type::Float
        | Type::Values { .. }
        | Type::Opt(_)
        | Type::List { .. }
        | Type::Set { .. }
        | Type::Map { .. }
        | Type::Record(_) => return None,
    };
    Some(word.map_err(|e| format!("{e} (at byte {})", e.at())))
}

/// Whether a type is one of these.
pub(crate) fn is_text(schema: &Schema, ty: &Type) -> bool {
    from_text(schema, ty, "", &Boundary::default(), &Arena::new()).is_some()
}

/// The word of a type in the place of an object's key.
pub(crate) fn from_key<'a>(
    schema: &Schema,
    ty: &Type,
    text: &str,
    limits: &Boundary,
    arena: &'a Arena,
) -> Result<Word<'a>, Reason> {
    match ty {
        Type::Int { lo, hi } => {
            // Only the one spelling that `encode` writes, so that keys cannot be equal and look different.
            match text.parse::<i64>() {
                Ok(v) if arena.text(format_args!("{v}")) == text => in_range(v, *lo, *hi, ty),
                _ => Err("a key of this map is a whole number".into()),
            }
        }
        Type::Bool => match text {
            "true" => Ok(Word::Bool(true)),
            "false" => Ok(Word::Bool(false)),
            _ => Err("a key of this map is `true` or `false`".into()),
        },
        _ => from_text(schema, ty, text, limits, arena)
            .unwrap_or_else(|| Err("a key of this type cannot be written in JSON".into())),
    }
}

/// A count of whole units between bounds, which are shown as the type writes them.
pub(crate) fn in_range<'a>(value: i64, lo: i64, hi: i64, ty: &Type) -> Result<Word<'a>, Reason> {
    if (lo..=hi).contains(&value) {
        return Ok(Word::Int(value));
    }
    let shown = |bound: i64| {
        let mut out = String::new();
        let _ = match ty {
            Type::Duration { .. } => time::write_duration(&mut out, bound),
            Type::Percent { .. } => money::write_percent(&mut out, bound),
            Type::Money { currency, .. } => money::write_money(&mut out, bound, *currency),
            _ => {
                out = bound.to_string();
                Ok(())
            }
        };
        out
    };
    Err(format!("it must lie in {} .. {}", shown(lo), shown(hi)))
}

/// Checks the length of a text.
pub(super) fn check_len(text: &str, max: u32) -> Result<(), Reason> {
    if text.len() > max as usize {
        return Err(format!(
            "it has {} bytes; at most {max} are allowed",
            text.len()
        ));
    }
    Ok(())
}

/// The names of an enum's variants, for a refusal.
pub(super) fn unknown_variant(schema: &Schema, index: u32) -> Reason {
    const SHOWN: usize = 12;
    let variants = &schema.enums[index as usize].variants;
    let mut names: Vec<&str> = variants.iter().take(SHOWN).map(|v| &*v.name).collect();
    if variants.len() > SHOWN {
        names.push("\u{2026}");
    }
    format!("it must be one of {}", names.join(", "))
}

fn units<'a>(
    parsed: Result<i64, crate::kinds::KindError>,
    lo: i64,
    hi: i64,
    ty: &Type,
) -> Result<Word<'a>, Reason> {
    match parsed {
        Ok(value) => in_range(value, lo, hi, ty),
        Err(e) => Err(format!("{e} (at byte {})", e.at())),
    }
}

fn bytes<'a>(text: &str, max: u32, arena: &'a Arena) -> Result<Word<'a>, Reason> {
    let too_long = || Err(format!("at most {max} bytes are allowed"));
    // Four letters are at most three bytes; refused before anything is laid out.
    if text.len() / 4 > max as usize / 3 + 1 {
        return too_long();
    }
    let room = arena.zeroed(base64::decoded_len_estimate(text.len()));
    match STANDARD.decode_slice(text, room) {
        Ok(len) if len > max as usize => too_long(),
        Ok(len) => Ok(Word::Bytes(&room[..len])),
        Err(_) => Err("it must be base64 (RFC 4648 §4, with padding)".into()),
    }
}

fn sentence(error: &impl std::fmt::Display) -> Reason {
    error.to_string()
}
