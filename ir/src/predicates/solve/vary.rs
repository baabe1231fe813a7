//! Inputs that differ from another one in a single place: what is tried where the search has no more to say.

use tollgate_runtime::Value;
use tollgate_runtime::kinds::net::Ip;
use tollgate_runtime::schema::{Field, Schema, Type, TypeId};

use super::domain::{simplest, variant};
use super::place::{Input, Place, Root, Step};
use super::witness::Given;

/// Most inputs that are made from one.
const MOST: usize = 1_000;
/// Keys of data that are tried wherever a text stands.
const MOST_KEYS: usize = 40;
/// Elements of a list, entries of a map and variants of an enum that are looked at.
const MOST_PARTS: usize = 8;

/// Places and what else could stand there, the nearest of each place first: of the parameters, and if so said of data. Texts that
/// are keys of data are tried wherever a text stands.
pub(super) fn variations(input: &Input<'_>, given: &Given, data: bool) -> Vec<(Place, Value)> {
    let mut varied = Varied {
        schema: input.schema,
        root: Root::Param(0),
        steps: Vec::new(),
        keys: keys(&given.data),
        found: Vec::new(),
    };
    for (n, (param, value)) in (0..).zip(input.params.iter().zip(&given.params)) {
        varied.root = Root::Param(n);
        varied.value(param.ty, value);
    }
    for (n, (ty, value)) in (0..).zip(input.data.iter().zip(&given.data).filter(|_| data)) {
        varied.root = Root::Data(n);
        varied.value(*ty, value);
    }
    varied.found
}

struct Varied<'s> {
    schema: &'s Schema,
    root: Root,
    steps: Vec<Step>,
    keys: Vec<Value>,
    found: Vec<(Place, Value)>,
}

/// Texts at the top of data: the keys of maps, the elements of lists and sets.
fn keys(data: &[Value]) -> Vec<Value> {
    let of = |value: &Value| match value {
        Value::Seq(of) => of.to_vec(),
        _ => Vec::new(),
    };
    let texts = data.iter().flat_map(of);
    let texts = texts.filter(|value| matches!(value, Value::Str(_)));
    texts.take(MOST_KEYS).collect()
}

impl Varied<'_> {
    /// Types are not recursive, so this ends.
    fn value(&mut self, ty: TypeId, value: &Value) {
        match (self.schema.get(ty), value) {
            (Type::Opt(of), Value::None) => {
                let of = *of;
                self.offer(simplest(self.schema, of));
                if matches!(self.schema.get(of), Type::Str { .. } | Type::Key) {
                    self.offer(self.keys.clone());
                }
            }
            (Type::Opt(of), value) => {
                let of = *of;
                self.value(of, value);
                self.offer([Value::None]);
            }
            (Type::Bool, Value::Bool(v)) => self.offer([Value::Bool(!v)]),
            (Type::Int { lo, hi }, Value::Int(v))
            | (Type::Duration { lo, hi }, Value::Int(v))
            | (Type::Percent { lo, hi }, Value::Int(v))
            | (Type::Money { lo, hi, .. }, Value::Int(v)) => {
                let (lo, hi) = (*lo, *hi);
                let near = [
                    v.checked_add(1),
                    v.checked_sub(1),
                    Some(0),
                    Some(lo),
                    Some(hi),
                ];
                let near = near.into_iter().flatten().filter(|n| lo <= *n && *n <= hi);
                self.offer(near.map(Value::Int));
            }
            (Type::Instant | Type::Date, Value::Int(v)) => {
                self.offer([v + 1, v - 1, 0].map(Value::Int));
            }
            (Type::Float, Value::Float(v)) => self.offer([v + 1.0, v - 1.0].map(Value::Float)),
            (Type::Ip, Value::Ip(_)) => {
                let near = ["192.0.2.1", "10.0.0.1", "2001:db8::1"];
                self.offer(
                    near.iter()
                        .filter_map(|ip| ip.parse::<Ip>().ok())
                        .map(Value::Ip),
                );
            }
            (Type::Path, Value::Str(v)) => {
                let more = format!("{}/x", v.trim_end_matches('/'));
                self.offer([more, "/".into()].map(Value::str));
            }
            (Type::Host, Value::Str(_)) => self.offer([Value::str("x.example")]),
            (Type::Str { .. } | Type::Key | Type::HeaderName, Value::Str(v)) => {
                self.offer([format!("{v}x"), "x".into(), String::new()].map(Value::str));
                self.offer(self.keys.clone());
            }
            (Type::Record(id), Value::Seq(fields)) => {
                let record = &self.schema.records[*id as usize];
                self.fields(&record.fields.clone(), fields, Step::Field);
            }
            (Type::Enum(id), Value::Variant(tag, fields)) => {
                let (id, tag) = (*id, *tag);
                let variants = &self.schema.enums[id as usize].variants;
                let count = variants.len().min(MOST_PARTS) as u32;
                let own = variants[tag as usize].fields.clone();
                self.fields(&own, fields, |n| Step::Payload(tag, n));
                let others = (0..count).filter(|other| *other != tag);
                let others: Vec<Value> = others
                    .filter_map(|other| variant(self.schema, id, other))
                    .collect();
                self.offer(others);
            }
            (Type::List { of, max }, Value::Seq(items)) => {
                let (of, max) = (*of, *max as usize);
                for (n, item) in (0..).zip(items.iter().take(MOST_PARTS)) {
                    self.below(Step::Item(n), of, item);
                }
                let fewer = (0..items.len().min(MOST_PARTS)).map(|n| {
                    let kept = items.iter().enumerate().filter(move |(i, _)| *i != n);
                    Value::seq(kept.map(|(_, item)| item.clone()))
                });
                let fewer: Vec<Value> = fewer.collect();
                self.offer(fewer);
                let more = simplest(self.schema, of).filter(|_| items.len() < max);
                self.offer(more.map(|more| Value::seq(items.iter().cloned().chain([more]))));
            }
            (Type::Values { .. }, Value::Seq(items)) => {
                let more = items.iter().cloned().chain([Value::str("x")]);
                self.offer([Value::seq(more), Value::seq([])]);
            }
            (Type::Map { value: of, .. }, Value::Seq(entries)) => {
                let of = *of;
                for [key, value] in entries.as_chunks::<2>().0.iter().take(MOST_PARTS) {
                    self.below(Step::Key(key.clone()), of, value);
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, fields: &[Field], values: &[Value], step: impl Fn(u32) -> Step) {
        for (n, (field, value)) in (0..).zip(fields.iter().zip(values)) {
            self.below(step(n), field.ty, value);
        }
    }

    fn below(&mut self, step: Step, ty: TypeId, value: &Value) {
        self.steps.push(step);
        self.value(ty, value);
        self.steps.pop();
    }

    fn offer(&mut self, values: impl IntoIterator<Item = Value>) {
        for value in values {
            if self.found.len() < MOST {
                let place = Place {
                    root: self.root,
                    steps: self.steps.clone(),
                    exact: true,
                };
                self.found.push((place, value));
            }
        }
    }
}
