//! What the types of the rules want, in words.

use crate::schema::{Schema, Type};

/// What a type is, in words.
pub(super) fn wanted(schema: &Schema, ty: &Type) -> String {
    match ty {
        Type::Opt(of) => format!("{} or nothing", wanted(schema, schema.get(*of))),
        Type::Record(index) => format!("`{}`", schema.records[*index as usize].name),
        Type::Enum(index) => format!("`{}`", schema.enums[*index as usize].name),
        _ => ty.words().0.into(),
    }
}
