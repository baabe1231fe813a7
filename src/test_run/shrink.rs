//! A smaller value for which the same still fails: each part is replaced by simpler ones for as long as that helps (greedily, as
//! in QuickCheck: Claessen & Hughes, ICFP 2000).

use tollgate_runtime::Value;
use tollgate_runtime::kinds::net::Ip;
use tollgate_runtime::schema::{Field, Schema, Type, TypeId};

use super::draw::is_let_in;
use super::simplest::{simplest, variant};

/// How often it is asked whether it still fails.
const MOST: usize = 4_000;
/// Characters and segments of a text that are left out one by one: each makes a text of its own, nearly as long.
const PLACES: usize = 200;

/// The values, made smaller while `fails` says that they still fail.
pub(super) fn shrink(
    schema: &Schema,
    types: &[TypeId],
    mut values: Vec<Value>,
    fails: &mut dyn FnMut(&[Value]) -> bool,
) -> Vec<Value> {
    let mut left = MOST;
    loop {
        let mut smaller = false;
        for (at, ty) in types.iter().enumerate() {
            while let Some(next) = step(schema, *ty, &values, at, fails, &mut left) {
                values = next;
                smaller = true;
            }
        }
        if !smaller || left == 0 {
            return values;
        }
    }
}

/// The values with the first simpler one in place of one of them with which it still fails.
fn step(
    schema: &Schema,
    ty: TypeId,
    values: &[Value],
    at: usize,
    fails: &mut dyn FnMut(&[Value]) -> bool,
    left: &mut usize,
) -> Option<Vec<Value>> {
    for simpler in simpler(schema, ty, &values[at]) {
        if *left == 0 {
            return None;
        }
        if simpler == values[at] || !is_let_in(schema, ty, &simpler) {
            continue;
        }
        *left -= 1;
        let mut next = values.to_vec();
        next[at] = simpler;
        if fails(&next) {
            return Some(next);
        }
    }
    None
}

/// Simpler values than one, the boldest first. Each is nearer to the simplest of the type, so that this ends.
fn simpler(schema: &Schema, ty: TypeId, value: &Value) -> Vec<Value> {
    let simple = simplest(schema, ty);
    if simple.as_ref() == Some(value) {
        return Vec::new();
    }
    let mut found: Vec<Value> = simple.iter().cloned().collect();
    match (schema.get(ty), value) {
        (Type::Opt(of), held) if *held != Value::None => found.extend(simpler(schema, *of, held)),
        (Type::Float, Value::Float(v)) => {
            found.extend([v.trunc() + 0.0, (v / 2.0).trunc() + 0.0].map(Value::Float));
            found.retain(|f| matches!(f, Value::Float(f) if f.abs() < v.abs()));
        }
        (Type::Bytes { .. }, Value::Bytes(bytes)) => {
            found.push(Value::Bytes(bytes[..bytes.len() / 2].into()));
            found.push(Value::Bytes(bytes[..bytes.len().saturating_sub(1)].into()));
        }
        (Type::Record(id), Value::Seq(held)) => {
            let fields = &schema.records[*id as usize].fields;
            let inner = of_fields(schema, fields, held);
            found.extend(inner.into_iter().map(Value::Seq));
        }
        (Type::Enum(id), Value::Variant(tag, held)) => {
            let variants = &schema.enums[*id as usize].variants;
            found.extend((0..*tag).filter_map(|tag| variant(schema, *id, tag)));
            let fields = &variants[*tag as usize].fields;
            let inner = of_fields(schema, fields, held);
            found.extend(inner.into_iter().map(|held| Value::Variant(*tag, held)));
        }
        (Type::List { of, .. }, Value::Seq(held)) => {
            found.extend(of_elements(held, 1, &|part| simpler(schema, *of, part)).map(Value::seq));
        }
        (Type::Values { .. }, Value::Seq(held)) => {
            found.extend(of_elements(held, 1, &of_text).map(Value::seq));
        }
        (Type::Set { of, .. }, Value::Seq(held)) => {
            found.extend(of_elements(held, 1, &|part| simpler(schema, *of, part)).map(Value::set));
            found.retain(|v| matches!(v, Value::Seq(v) if v.len() < held.len() || **v < **held));
        }
        (Type::Map { value: of, .. }, Value::Seq(held)) => {
            found.extend(of_elements(held, 2, &|_| Vec::new()).map(Value::seq));
            for at in (1..held.len()).step_by(2) {
                for value in simpler(schema, *of, &held[at]) {
                    let mut next = held.clone();
                    next[at] = value;
                    found.push(Value::Seq(next));
                }
            }
        }
        (_, Value::Int(v)) => {
            let target = match simple {
                Some(Value::Int(simple)) => simple,
                _ => 0,
            };
            found.extend(towards(*v, target).map(Value::Int));
        }
        (_, Value::Ip(ip)) => {
            for at in 0..16 {
                let mut next: Ip = *ip;
                next.0[at] = 0;
                found.push(Value::Ip(next));
            }
        }
        (_, Value::Str(_)) => found.extend(of_text(value)),
        _ => {}
    }
    found
}

/// Numbers between `from` and `to`, each nearer to `to`: round ones, half the way, and the next.
fn towards(from: i64, to: i64) -> impl Iterator<Item = i64> {
    // Days, hours, minutes, seconds and milliseconds, percent, thousands, hundreds, tens.
    const ROUND: [i64; 10] = [
        86_400_000_000,
        3_600_000_000,
        1_000_000_000,
        60_000_000,
        10_000_000,
        1_000_000,
        1_000,
        100,
        10,
        1,
    ];
    let way = from.saturating_sub(to);
    let round = ROUND
        .into_iter()
        .map(move |unit| to.saturating_add(way - way % unit));
    let half = to.saturating_add(way / 2);
    let next = from - way.signum();
    let distance = way.unsigned_abs();
    round
        .chain([half, next])
        .filter(move |n| n.abs_diff(to) < distance)
}

/// Shorter texts, then plainer ones.
fn of_text(value: &Value) -> Vec<Value> {
    let Value::Str(text) = value else {
        return Vec::new();
    };
    let mut found: Vec<String> = Vec::new();
    if !text.is_empty() {
        found.push(String::new());
    }
    // A path without one of its segments.
    let slashes: Vec<usize> = text
        .match_indices('/')
        .map(|(at, _)| at)
        .take(PLACES + 1)
        .collect();
    for (i, from) in slashes.iter().take(PLACES).enumerate() {
        let to = slashes.get(i + 1).copied().unwrap_or(text.len());
        found.push(format!("{}{}", &text[..*from], &text[to..]));
    }
    let chars: Vec<(usize, char)> = text.char_indices().take(PLACES).collect();
    if let Some((half, _)) = chars.get(chars.len() / 2) {
        found.push(text[..*half].to_owned());
        found.push(text[*half..].to_owned());
    }
    for (at, c) in &chars {
        found.push(format!("{}{}", &text[..*at], &text[at + c.len_utf8()..]));
    }
    for (at, c) in &chars {
        if *c != 'a' && c.is_alphanumeric() {
            found.push(format!("{}a{}", &text[..*at], &text[at + c.len_utf8()..]));
        }
    }
    let shorter = |t: &String| t.len() <= text.len() && **t != **text;
    found.into_iter().filter(shorter).map(Value::str).collect()
}

/// Fields with one of them simpler.
fn of_fields(schema: &Schema, fields: &[Field], held: &[Value]) -> Vec<Box<[Value]>> {
    let mut found = Vec::new();
    for (at, (field, value)) in fields.iter().zip(held).enumerate() {
        let default = field.default.iter().filter(|d| *d != value).cloned();
        let simpler = match field.default.as_ref() == Some(value) {
            // Whoever leaves it out gets this one: nothing is simpler.
            true => Vec::new(),
            false => simpler(schema, field.ty, value),
        };
        for simpler in default.chain(simpler) {
            let mut next = held.to_vec();
            next[at] = simpler;
            found.push(next.into());
        }
    }
    found
}

/// Fewer elements (`width` words each), then one of them simpler.
fn of_elements(
    held: &[Value],
    width: usize,
    simpler: &dyn Fn(&Value) -> Vec<Value>,
) -> impl Iterator<Item = Vec<Value>> {
    let mut found: Vec<Vec<Value>> = Vec::new();
    let count = held.len() / width;
    let half = count / 2 * width;
    if half > 0 {
        found.push(held[..half].to_vec());
        found.push(held[half..].to_vec());
    }
    for at in 0..count {
        let mut next = held.to_vec();
        next.drain(at * width..(at + 1) * width);
        found.push(next);
    }
    for (at, part) in held.iter().enumerate() {
        for part in simpler(part) {
            let mut next = held.to_vec();
            next[at] = part;
            found.push(next);
        }
    }
    found.into_iter()
}
