//! Values as an author writes them, where their type is known.

use std::fmt::Write;

use tollgate_runtime::schema::{Field, Schema, Type, TypeId};
use tollgate_runtime::{Arena, Value, json};

use super::simplest::simplest;

/// Writes a value as an expression of a test, in which fields of records may be left out. What the language has no notation for
/// (`Bytes`, `Key`) is left as it comes in JSON.
pub(super) fn write(schema: &Schema, ty: TypeId, value: &Value, out: &mut String) {
    let each = |items: &[Value], of: TypeId, out: &mut String| {
        for (i, item) in items.iter().enumerate() {
            out.push_str(if i > 0 { ", " } else { "" });
            write(schema, of, item, out);
        }
    };
    match (schema.get(ty), value) {
        (Type::Opt(_), Value::None) => out.push_str("none"),
        (Type::Opt(of), value) => write(schema, *of, value, out),
        (Type::Values { .. }, Value::Seq(items)) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                if let Value::Str(item) = item {
                    text(item, out);
                }
            }
            out.push(']');
        }
        (Type::List { of, .. }, Value::Seq(items)) => {
            out.push('[');
            each(items, *of, out);
            out.push(']');
        }
        (Type::Set { of, .. }, Value::Seq(items)) => {
            out.push('{');
            each(items, *of, out);
            out.push('}');
        }
        (Type::Map { key, value, .. }, Value::Seq(items)) => {
            out.push('{');
            for (i, [k, v]) in items.as_chunks::<2>().0.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                // A word before `:` would be a label.
                let is_word = matches!(schema.get(*key), Type::Enum(_));
                out.push_str(if is_word { "(" } else { "" });
                write(schema, *key, k, out);
                out.push_str(if is_word { "): " } else { ": " });
                write(schema, *value, v, out);
            }
            out.push('}');
        }
        (Type::Record(id), Value::Seq(held)) => {
            let record = &schema.records[*id as usize];
            out.push_str(&record.name);
            out.push('(');
            fields(schema, &record.fields, held, true, out);
            out.push(')');
        }
        (Type::Enum(id), Value::Variant(tag, held)) => {
            let Some(variant) = schema.enums[*id as usize].variants.get(*tag as usize) else {
                return;
            };
            out.push_str(&variant.name);
            if !held.is_empty() {
                out.push('(');
                fields(schema, &variant.fields, held, false, out);
                out.push(')');
            }
        }
        _ => leaf(schema, ty, value, out),
    }
}

/// Writes `name: value` for each field whose value does not go without saying.
fn fields(schema: &Schema, fields: &[Field], held: &[Value], in_record: bool, out: &mut String) {
    let mut first = true;
    for (field, value) in fields.iter().zip(held) {
        let understood = match &field.default {
            Some(default) => default == value,
            None => in_record && simplest(schema, field.ty).as_ref() == Some(value),
        };
        if understood {
            continue;
        }
        out.push_str(if first { "" } else { ", " });
        // The first of a variant says itself what it is.
        if in_record || !first || !std::ptr::eq(field, &fields[0]) {
            out.push_str(&field.name);
            out.push_str(": ");
        }
        first = false;
        write(schema, field.ty, value, out);
    }
}

fn leaf(schema: &Schema, id: TypeId, value: &Value, out: &mut String) {
    let ty = schema.get(id);
    let tag = match (ty, value) {
        (Type::Str { .. } | Type::Key | Type::Host | Type::HeaderName, Value::Str(value)) => {
            return text(value, out);
        }
        (Type::Float, Value::Float(value)) => {
            // Never with an exponent, which the language does not have.
            let digits = format!("{value}");
            out.push_str(&digits);
            if !digits.contains('.') {
                out.push_str(".0");
            }
            return;
        }
        (Type::Instant, _) => "t",
        (Type::Ip | Type::Cidr, _) => "ip",
        (Type::Zone, _) => "tz",
        _ => "",
    };
    // JSON has the same notation, in quotes.
    let (arena, mut written) = (Arena::new(), String::new());
    json::encode(schema, id, value.word(&arena), &mut written);
    let bare = matches!(
        ty,
        Type::Duration { .. } | Type::Percent { .. } | Type::Money { .. } | Type::Rate
    );
    let inner = written.strip_prefix('"').and_then(|w| w.strip_suffix('"'));
    match inner {
        Some(inner) if bare => out.push_str(inner),
        _ => {
            // Writing to a string cannot fail.
            let _ = write!(out, "{tag}{written}");
        }
    }
}

/// Writes a text literal.
fn text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
