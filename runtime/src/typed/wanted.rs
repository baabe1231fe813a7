//! What the types of the rules want, in words.

use crate::schema::{Schema, Type};

/// Whether a type is written as one text.
pub(super) fn is_text(ty: &Type) -> bool {
    match ty {
        Type::Str { .. }
        | Type::Bytes { .. }
        | Type::Duration { .. }
        | Type::Instant
        | Type::Date
        | Type::Percent { .. }
        | Type::Rate
        | Type::Money { .. }
        | Type::Ip
        | Type::Cidr
        | Type::Path
        | Type::Host
        | Type::HeaderName
        | Type::Zone
        | Type::Key
        | Type::Enum(_) => true,
        Type::Bool
        | Type::Int { .. }
        | Type::Float
        | Type::Values { .. }
        | Type::Opt(_)
        | Type::List { .. }
        | Type::Set { .. }
        | Type::Map { .. }
        | Type::Record(_) => false,
    }
}

/// What a type is, in words.
pub(super) fn wanted(schema: &Schema, ty: &Type) -> String {
    match ty {
        Type::Bool => "true or false",
        Type::Int { .. } => "a whole number",
        Type::Float => "a float",
        Type::Str { .. } => "a text",
        Type::Bytes { .. } => "bytes",
        Type::Duration { .. } => "a duration",
        Type::Instant => "an instant",
        Type::Date => "a date",
        Type::Percent { .. } => "a percentage",
        Type::Rate => "a rate",
        Type::Money { .. } => "an amount of money",
        Type::Ip => "an address",
        Type::Cidr => "a network",
        Type::Path => "a path",
        Type::Host => "a host",
        Type::HeaderName => "a header name",
        Type::Zone => "a time zone",
        Type::Key => "a key",
        Type::Values { .. } => "several texts",
        Type::Opt(of) => return format!("{} or nothing", wanted(schema, schema.get(*of))),
        Type::List { .. } => "a list",
        Type::Set { .. } => "a set",
        Type::Map { .. } => "a map",
        Type::Record(index) => return format!("`{}`", schema.records[*index as usize].name),
        Type::Enum(index) => return format!("`{}`", schema.enums[*index as usize].name),
    }
    .into()
}
