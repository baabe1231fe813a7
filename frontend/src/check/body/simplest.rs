//! The simplest value of a type: what stands in a test for a field that is not written.

use regex_syntax::hir::{Class, Hir, HirKind};
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
            let text = shortest(refinement.regex.text())?;
            let fits = refinement.regex.matches(&text) && text.len() <= refinement.max as usize;
            return fits.then(|| Value::str(text));
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

/// A short text that an expression matches, as far as its structure tells; look-around is not looked at.
fn shortest(expression: &str) -> Option<String> {
    const MOST: usize = 64 * 1024;
    fn write(hir: &Hir, out: &mut Vec<u8>) -> Option<()> {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => out.extend_from_slice(&literal.0),
            HirKind::Class(Class::Unicode(class)) => {
                // A letter or a digit reads better than whatever comes first.
                let has = |c: char| {
                    class
                        .ranges()
                        .iter()
                        .any(|r| r.start() <= c && c <= r.end())
                };
                let c = ['a', '0', 'A'].into_iter().find(|c| has(*c));
                let c = c.or_else(|| class.ranges().first().map(|r| r.start()))?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            HirKind::Class(Class::Bytes(class)) => out.push(class.ranges().first()?.start()),
            HirKind::Repetition(repetition) => {
                for _ in 0..repetition.min {
                    if out.len() > MOST {
                        return None;
                    }
                    write(&repetition.sub, out)?;
                }
            }
            HirKind::Capture(group) => write(&group.sub, out)?,
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| write(part, out))?,
            HirKind::Alternation(parts) => {
                let shortest = parts
                    .iter()
                    .min_by_key(|part| part.properties().minimum_len())?;
                write(shortest, out)?;
            }
        }
        Some(())
    }
    let hir = regex_syntax::parse(expression).ok()?;
    if hir.properties().minimum_len()? > MOST {
        return None;
    }
    let mut out = Vec::new();
    write(&hir, &mut out)?;
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::shortest;

    #[test]
    fn a_short_text_is_found_for_common_expressions() {
        let cases = [
            ("c_[0-9a-z]{12}", "c_aaaaaaaaaaaa"),
            ("u[0-9]{1,18}", "u0"),
            ("[!-~]{1,256}", "a"),
            ("(?:abc|d)e?", "d"),
            ("[xy]*", ""),
        ];
        for (expression, expect) in cases {
            assert_eq!(
                shortest(expression).as_deref(),
                Some(expect),
                "{expression}"
            );
        }
    }
}
