//! The simplest value of a type: what stands in a test for a field that is not written. Who writes tests (`forall` of a test that
//! fails) holds the same of a schema.

use tollgate_runtime::Value;
use tollgate_runtime::kinds::net::{Cidr, Ip};

use crate::hir::{Field, Program};
use crate::types::ty::Ty;

/// The simplest value: zero or what is nearest to it, the shortest text, the first variant, nothing at all. `None`
/// when none is known: a `matching` type whose expression no short text satisfies.
pub(super) fn simplest(ty: &Ty, program: &Program) -> Option<Value> {
    Some(match ty {
        Ty::Error => return None,
        Ty::Bool => Value::Bool(false),
        Ty::Num(_, interval) => {
            let nearest = 0i128.clamp(interval.lo, interval.hi);
            Value::Int(i64::try_from(nearest).ok()?)
        }
        Ty::Float => Value::Float(0.0),
        Ty::Str { refined: None, .. } | Ty::Key => Value::str(""),
        Ty::Str {
            refined: Some(id), ..
        } => {
            let refinement = &program.refinements[*id];
            let text = refinement.regex.shortest()?;
            return (text.len() <= refinement.max as usize).then(|| Value::str(text));
        }
        Ty::Bytes { .. } => Value::Bytes(Box::new([])),
        Ty::Rate => Value::seq([Value::Int(0), Value::Int(1_000_000)]),
        Ty::Ip => Value::Ip("0.0.0.0".parse::<Ip>().ok()?),
        Ty::Cidr => Value::Cidr(Cidr::ALL),
        Ty::Path => Value::str("/"),
        Ty::Host => Value::str("localhost"),
        Ty::HeaderName => Value::str("x"),
        Ty::Zone => Value::str("UTC"),
        Ty::None | Ty::Opt(_) => Value::None,
        Ty::List(..) | Ty::Set(..) | Ty::Map(..) | Ty::Values { .. } | Ty::Empty => Value::seq([]),
        Ty::Record(id) => Value::Seq(fields(&program.records[*id].fields, program)?),
        Ty::Enum(id) => {
            let first = program.enums[*id].variants.first()?;
            Value::Variant(0, fields(&first.fields, program)?)
        }
    })
}

/// Types are not recursive, so this ends.
fn fields(fields: &[Field], program: &Program) -> Option<Box<[Value]>> {
    let of = |f: &Field| match &f.default {
        Some(value) => Some(value.clone()),
        None => simplest(&f.ty, program),
    };
    fields.iter().map(of).collect()
}
