//! The simplest value of a type, as the language has it where a test does not write a field. (The analysis of rules has another
//! notion, of what is easy to build: `tollgate_ir::predicates::solve::simplest`.)

use tollgate_runtime::Value;
use tollgate_runtime::kinds::net::{Cidr, Ip};
use tollgate_runtime::schema::{Field, Schema, Type, TypeId};

/// The simplest value: zero or what is nearest to it, the shortest text, the first variant, nothing at all. `None` when none is
/// known: of a `matching` type whose expression no short text satisfies.
pub(super) fn simplest(schema: &Schema, ty: TypeId) -> Option<Value> {
    Some(match schema.get(ty) {
        Type::Bool => Value::Bool(false),
        Type::Int { lo, hi }
        | Type::Duration { lo, hi }
        | Type::Percent { lo, hi }
        | Type::Money { lo, hi, .. } => Value::Int(0.clamp(*lo, *hi)),
        Type::Instant | Type::Date => Value::Int(0),
        Type::Float => Value::Float(0.0),
        Type::Str { matching: None, .. } | Type::Key => Value::str(""),
        Type::Str {
            matching: Some(refinement),
            max,
        } => {
            let text = refinement.regex.shortest()?;
            return (text.len() <= *max as usize).then(|| Value::str(text));
        }
        Type::Bytes { .. } => Value::Bytes(Box::new([])),
        Type::Rate => Value::seq([Value::Int(0), Value::Int(1_000_000)]),
        Type::Ip => Value::Ip("0.0.0.0".parse::<Ip>().ok()?),
        Type::Cidr => Value::Cidr(Cidr::ALL),
        Type::Path => Value::str("/"),
        Type::Host => Value::str("localhost"),
        Type::HeaderName => Value::str("x"),
        Type::Zone => Value::str("UTC"),
        Type::Opt(_) => Value::None,
        Type::List { .. } | Type::Set { .. } | Type::Map { .. } | Type::Values { .. } => {
            Value::seq([])
        }
        Type::Record(id) => Value::Seq(fields(schema, &schema.records[*id as usize].fields)?),
        Type::Enum(id) => variant(schema, *id, 0)?,
    })
}

/// A variant of an enum, with the simplest payload.
pub(super) fn variant(schema: &Schema, id: u32, tag: u32) -> Option<Value> {
    let variant = schema.enums.get(id as usize)?.variants.get(tag as usize)?;
    Some(Value::Variant(tag, fields(schema, &variant.fields)?))
}

/// Types are not recursive, so this ends.
fn fields(schema: &Schema, fields: &[Field]) -> Option<Box<[Value]>> {
    let of = |f: &Field| match &f.default {
        Some(value) => Some(value.clone()),
        None => simplest(schema, f.ty),
    };
    fields.iter().map(of).collect()
}
