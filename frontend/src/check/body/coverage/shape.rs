//! Patterns as the search for coverage sees them.

use tollgate_ir::operand::Cc;
use tollgate_runtime::Value;
use tollgate_runtime::kinds::net::Ip;
use tollgate_runtime::kinds::time;

use super::super::pattern::network;
use crate::hir::{Pattern, Program};
use crate::types::literal;
use crate::types::ty::{Ty, Unit};

/// A pattern as the search sees it: bindings forgotten, values taken apart.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Any,
    Or(Vec<Shape>),
    /// A constructor: variant, truth value, absent (0) or present (1), record (0), list by its length.
    Con(u32, Vec<Shape>),
    /// Stretches of an ordered type, both ends included.
    Spans(Vec<(i128, i128)>),
    /// A comparison with a value of a type whose values are only ordered.
    Order(Cc, Value),
}

/// The ends of a type whose values are numbers in the search: whole numbers, floats, addresses.
pub(super) fn domain(ty: &Ty) -> Option<(i128, i128)> {
    Some(match ty {
        Ty::Num(_, i) => (i.lo, i.hi),
        Ty::Float => (float_key(f64::MIN), float_key(f64::MAX)),
        Ty::Ip => (i128::MIN, i128::MAX),
        _ => return None,
    })
}

/// Floats in their order, as whole numbers.
fn float_key(v: f64) -> i128 {
    let bits = v.to_bits() as i64;
    i128::from(if bits < 0 { i64::MIN ^ !bits } else { bits })
}

fn float_of(key: i128) -> f64 {
    let key = key as i64;
    f64::from_bits(if key < 0 { !(key ^ i64::MIN) } else { key } as u64)
}

/// Addresses in their order, as signed numbers.
fn ip_key(bits: u128) -> i128 {
    (bits ^ (1 << 127)) as i128
}

fn key_of(value: &Value) -> Option<i128> {
    Some(match value {
        Value::Int(v) => i128::from(*v),
        Value::Float(v) => float_key(*v),
        Value::Ip(ip) => ip_key(ip.bits()),
        _ => return None,
    })
}

pub(super) fn shapes(columns: &[Ty], rows: &[Vec<Pattern>], program: &Program) -> Vec<Vec<Shape>> {
    rows.iter()
        .map(|row| shape_row(columns, row, program))
        .collect()
}

pub(super) fn shape_row(columns: &[Ty], row: &[Pattern], program: &Program) -> Vec<Shape> {
    columns
        .iter()
        .zip(row)
        .map(|(ty, p)| shape(ty, p, program))
        .collect()
}

fn shape(ty: &Ty, pattern: &Pattern, program: &Program) -> Shape {
    match pattern {
        Pattern::Any | Pattern::Bind(_) => Shape::Any,
        Pattern::None => Shape::Con(0, Vec::new()),
        Pattern::Some(of) => Shape::Con(1, vec![shape(ty.present(), of, program)]),
        Pattern::OneOf(parts) => Shape::Or(parts.iter().map(|p| shape(ty, p, program)).collect()),
        Pattern::Value(value) => shape_value(ty, value, program),
        Pattern::Range(lo, hi) => Shape::Spans(vec![((*lo).into(), (*hi).into())]),
        Pattern::InCidr(net) => {
            let (lo, hi) = network(*net);
            Shape::Spans(vec![(ip_key(lo), ip_key(hi))])
        }
        Pattern::Compare(_, cc, value) => match key_of(value) {
            Some(v) => Shape::Spans(match cc {
                Cc::Eq => vec![(v, v)],
                Cc::Ne => vec![
                    (i128::MIN, v.saturating_sub(1)),
                    (v.saturating_add(1), i128::MAX),
                ],
                Cc::Lt => vec![(i128::MIN, v.saturating_sub(1))],
                Cc::Le => vec![(i128::MIN, v)],
                Cc::Gt => vec![(v.saturating_add(1), i128::MAX)],
                Cc::Ge => vec![(v, i128::MAX)],
            }),
            None if *cc == Cc::Ne => differs(ty, value, program),
            None => Shape::Order(*cc, value.clone()),
        },
        Pattern::Variant { tag, fields } => {
            let Ty::Enum(id) = ty else { return Shape::Any };
            let declared = &program.enums[*id].variants[*tag as usize].fields;
            let mut sub = vec![Shape::Any; declared.len()];
            for (index, p) in fields {
                sub[*index as usize] = shape(&declared[*index as usize].ty, p, program);
            }
            Shape::Con(*tag, sub)
        }
        Pattern::List(parts) => {
            let Ty::List(of, _) = ty else {
                return Shape::Any;
            };
            let sub = parts.iter().map(|p| shape(of, p, program)).collect();
            Shape::Con(parts.len() as u32, sub)
        }
    }
}

fn shape_value(ty: &Ty, value: &Value, program: &Program) -> Shape {
    if let Some(key) = key_of(value)
        && domain(ty).is_some()
    {
        return Shape::Spans(vec![(key, key)]);
    }
    match (ty, value) {
        (Ty::Opt(_) | Ty::None, Value::None) => Shape::Con(0, Vec::new()),
        (Ty::Opt(of), value) => Shape::Con(1, vec![shape_value(of, value, program)]),
        (Ty::Bool, Value::Bool(v)) => Shape::Con(u32::from(*v), Vec::new()),
        (Ty::Enum(id), Value::Variant(tag, values)) => {
            let fields = program.enums[*id].variants[*tag as usize].fields.iter();
            Shape::Con(
                *tag,
                fields
                    .zip(values)
                    .map(|(f, v)| shape_value(&f.ty, v, program))
                    .collect(),
            )
        }
        (Ty::Record(id), Value::Seq(values)) => {
            let fields = program.records[*id].fields.iter();
            Shape::Con(
                0,
                fields
                    .zip(values)
                    .map(|(f, v)| shape_value(&f.ty, v, program))
                    .collect(),
            )
        }
        (Ty::List(of, _), Value::Seq(values)) => {
            let sub = values.iter().map(|v| shape_value(of, v, program)).collect();
            Shape::Con(values.len() as u32, sub)
        }
        _ => Shape::Order(Cc::Eq, value.clone()),
    }
}

/// The values other than one.
fn differs(ty: &Ty, value: &Value, program: &Program) -> Shape {
    if let Some(v) = key_of(value)
        && domain(ty).is_some()
    {
        return Shape::Spans(vec![
            (i128::MIN, v.saturating_sub(1)),
            (v.saturating_add(1), i128::MAX),
        ]);
    }
    let others = |mine: u32, arities: Vec<usize>| -> Vec<Shape> {
        let all = arities
            .into_iter()
            .enumerate()
            .filter(|(tag, _)| *tag as u32 != mine);
        all.map(|(tag, n)| Shape::Con(tag as u32, vec![Shape::Any; n]))
            .collect()
    };
    // Of one constructor, those in which some field differs.
    let fields = |tag: u32, types: Vec<&Ty>, values: &[Value]| -> Vec<Shape> {
        let one = |i: usize| {
            let mut sub = vec![Shape::Any; types.len()];
            sub[i] = differs(types[i], &values[i], program);
            Shape::Con(tag, sub)
        };
        (0..types.len().min(values.len())).map(one).collect()
    };
    match (ty, value) {
        (Ty::Bool, Value::Bool(v)) => Shape::Con(u32::from(!v), Vec::new()),
        (Ty::Opt(_), Value::None) => Shape::Con(1, vec![Shape::Any]),
        (Ty::Opt(of), value) => Shape::Or(vec![
            Shape::Con(0, Vec::new()),
            Shape::Con(1, vec![differs(of, value, program)]),
        ]),
        (Ty::Enum(id), Value::Variant(tag, values)) => {
            let variants = &program.enums[*id].variants;
            let mut all = others(*tag, variants.iter().map(|v| v.fields.len()).collect());
            let types = variants[*tag as usize]
                .fields
                .iter()
                .map(|f| &f.ty)
                .collect();
            all.extend(fields(*tag, types, values));
            Shape::Or(all)
        }
        (Ty::Record(id), Value::Seq(values)) => {
            let types = program.records[*id].fields.iter().map(|f| &f.ty).collect();
            Shape::Or(fields(0, types, values))
        }
        // Lists are not compared by patterns; nothing is claimed of one inside something else.
        (Ty::List(..), _) => Shape::Or(Vec::new()),
        _ => Shape::Order(Cc::Ne, value.clone()),
    }
}

pub(super) fn show_span(ty: &Ty, lo: i128, hi: i128) -> String {
    let (least, most) = domain(ty).unwrap_or((lo, hi));
    match ty {
        Ty::Ip => {
            // The lowest address of IPv4 in it reads best.
            let v4 = ip_key(0xffff_0000_0000);
            let pick = if lo <= v4 && v4 <= hi { v4 } else { lo };
            let bits = (pick as u128) ^ (1 << 127);
            format!("ip\"{}\"", Ip(bits.to_be_bytes()))
        }
        Ty::Num(unit, _) => match (lo == least, hi == most) {
            _ if lo == hi => number(*unit, lo),
            (true, true) => "_".into(),
            (true, false) => format!("<= {}", number(*unit, hi)),
            (false, true) => format!(">= {}", number(*unit, lo)),
            (false, false) => format!("{} .. {}", number(*unit, lo), number(*unit, hi)),
        },
        _ => format!("{:?}", float_of(if lo == least { hi } else { lo })),
    }
}

/// A number as it is written in source.
fn number(unit: Unit, value: i128) -> String {
    match (unit, i64::try_from(value)) {
        (Unit::Instant, Ok(at)) => {
            let mut text = String::from("t\"");
            let _ = time::write_instant(&mut text, at);
            text + "\""
        }
        (Unit::Date, Ok(day)) => {
            let mut text = String::from("\"");
            let _ = time::write_date(&mut text, day);
            text + "\""
        }
        _ => literal(unit, value),
    }
}

pub(super) fn show_value(ty: &Ty, value: &Value) -> String {
    match (ty, value) {
        (_, Value::Str(text)) => format!("{text:?}"),
        (_, Value::Cidr(net)) => format!("ip\"{net}\""),
        (_, other) => other.to_string(),
    }
}
