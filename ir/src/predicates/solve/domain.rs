//! What values a feature can have, and one of them that passes given tests.

use std::sync::Arc;

use tollgate_runtime::index::Test;
use tollgate_runtime::kinds::net::{Cidr, Ip};
use tollgate_runtime::pattern::Regex;
use tollgate_runtime::schema::{
    self, DATE_END, INSTANT_END, STRING_LIMIT, STRING_MAX, Schema, TypeId,
};
use tollgate_runtime::{Arena, Value, Word};

use super::ranges::{Ranges, of_int, of_net};
use super::texts::{self, Texts};
use crate::types::{Type, TypeData, Types};

/// The values of a feature: all that it can have, and perhaps more, never fewer.
#[derive(Clone, Debug)]
pub struct Domain {
    /// Whether it may be absent.
    pub optional: bool,
    /// What it is when it is there.
    pub kind: Kind,
}

/// The values of a feature that is there.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A truth value.
    Bool,
    /// A whole number between two, both included.
    Int(i64, i64),
    /// Text.
    Text(Text),
    /// An address.
    Ip,
    /// One of these values; if `complete` is false, perhaps another one.
    Among {
        /// Simplest first.
        values: Vec<Value>,
        /// Whether these are all.
        complete: bool,
    },
}

/// A kind of text.
#[derive(Clone, Debug)]
pub struct Text {
    /// What the boundary lets in.
    pub form: Form,
    /// Most bytes.
    pub max: u32,
    /// What it matches besides.
    pub matching: Option<Arc<Regex>>,
}

/// What a text must look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Anything.
    Any,
    /// A canonical path.
    Path,
    /// A canonical host.
    Host,
    /// A header name, lower case.
    HeaderName,
    /// A zone: no other than `UTC` is ever tried.
    Zone,
}

/// One value that passes some tests.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// This one.
    Value(Value),
    /// None does: a proof.
    Empty,
    /// Not known.
    Unknown,
}

/// A test, and whether it is to hold.
pub type Literal<'t> = (&'t Test, bool);

impl Domain {
    /// The values that the boundary lets in for a type.
    pub fn of_schema(schema: &Schema, ty: TypeId) -> Domain {
        let text = |form, max, matching| {
            Kind::Text(Text {
                form,
                max,
                matching,
            })
        };
        let kind = match schema.get(ty) {
            schema::Type::Opt(of) => {
                return Domain {
                    optional: true,
                    kind: Domain::of_schema(schema, *of).kind,
                };
            }
            schema::Type::Bool => Kind::Bool,
            schema::Type::Int { lo, hi }
            | schema::Type::Duration { lo, hi }
            | schema::Type::Percent { lo, hi }
            | schema::Type::Money { lo, hi, .. } => Kind::Int(*lo, *hi),
            schema::Type::Instant => Kind::Int(0, INSTANT_END - 1),
            schema::Type::Date => Kind::Int(0, DATE_END - 1),
            schema::Type::Str { max, matching } => {
                let regex = matching.as_ref().map(|m| m.regex.clone());
                text(Form::Any, *max, regex)
            }
            schema::Type::Path => text(Form::Path, STRING_MAX, None),
            schema::Type::Host => text(Form::Host, STRING_MAX, None),
            schema::Type::HeaderName => text(Form::HeaderName, STRING_MAX, None),
            schema::Type::Zone => text(Form::Zone, STRING_MAX, None),
            schema::Type::Key => text(Form::Any, STRING_LIMIT, None),
            schema::Type::Ip => Kind::Ip,
            schema::Type::Enum(id) => {
                let item = &schema.enums[*id as usize];
                let complete = item.variants.iter().all(|v| v.fields.is_empty());
                let values =
                    (0..item.variants.len()).filter_map(|v| variant(schema, *id, v as u32));
                Kind::Among {
                    values: values.collect(),
                    complete,
                }
            }
            _ => Kind::Among {
                values: simplest(schema, ty).into_iter().collect(),
                complete: false,
            },
        };
        Domain {
            optional: false,
            kind,
        }
    }

    /// The values of a type of which no more is known than how they look at run time.
    pub fn of_type(types: &Types, ty: Type) -> Domain {
        let kind = match types.get(ty) {
            TypeData::Opt(of) => {
                return Domain {
                    optional: true,
                    kind: Domain::of_type(types, of).kind,
                };
            }
            TypeData::Bool => Kind::Bool,
            TypeData::Int => Kind::Int(i64::MIN, i64::MAX),
            TypeData::Str => Kind::Text(Text {
                form: Form::Any,
                max: STRING_LIMIT,
                matching: None,
            }),
            TypeData::Ip => Kind::Ip,
            TypeData::List(_) | TypeData::Set(_) | TypeData::Map(..) => Kind::Among {
                values: vec![Value::seq([])],
                complete: false,
            },
            _ => Kind::Among {
                values: Vec::new(),
                complete: false,
            },
        };
        Domain {
            optional: false,
            kind,
        }
    }

    /// Whether it has few values, so that "another value" may run out.
    pub fn is_small(&self) -> bool {
        match &self.kind {
            Kind::Bool => true,
            Kind::Int(lo, hi) => hi.checked_sub(*lo).is_some_and(|span| span < 1_000),
            Kind::Among { complete, .. } => *complete,
            Kind::Text(_) | Kind::Ip => false,
        }
    }

    /// Its simplest value that is there; the absent one if none is known.
    pub(super) fn there(&self) -> Value {
        let there = Domain {
            optional: false,
            kind: self.kind.clone(),
        };
        match there.pick(&[], &[], None, &mut Texts::default()) {
            Pick::Value(value) => value,
            Pick::Empty | Pick::Unknown => Value::None,
        }
    }

    /// A value that passes all tests: the simplest, or one near another. `hints` are texts for the segments of a path, by level.
    pub fn pick(
        &self,
        tests: &[Literal<'_>],
        hints: &[(usize, &str)],
        near: Option<&Value>,
        texts: &mut Texts,
    ) -> Pick {
        let absent = self.optional && passes(&Value::None, tests);
        // What is there rather stays there.
        let there = near.is_some_and(|near| *near != Value::None);
        if absent && !there {
            return Pick::Value(Value::None);
        }
        let picked = match &self.kind {
            Kind::Bool => among(&[Value::Bool(false), Value::Bool(true)], true, tests),
            Kind::Int(lo, hi) => ints(*lo, *hi, near, tests),
            Kind::Ip => addresses(near, tests),
            Kind::Among { values, complete } => among(values, *complete, tests),
            Kind::Text(text) => texts::pick(text, tests, hints, near, texts),
        };
        match picked {
            Pick::Empty | Pick::Unknown if absent => Pick::Value(Value::None),
            picked => picked,
        }
    }
}

/// Whether a value passes a test.
pub fn holds(test: &Test, value: &Value) -> bool {
    match value {
        Value::None => test.holds(Word::None),
        Value::Bool(v) => test.holds(Word::Bool(*v)),
        Value::Int(v) => test.holds(Word::Int(*v)),
        Value::Float(v) => test.holds(Word::Float(*v)),
        Value::Str(v) => test.holds(Word::Str(v)),
        Value::Bytes(v) => test.holds(Word::Bytes(v)),
        Value::Ip(v) => test.holds(Word::Ip(*v)),
        Value::Cidr(v) => test.holds(Word::Cidr(*v)),
        Value::Seq(_) | Value::Variant(..) => {
            let arena = Arena::new();
            test.holds(value.word(&arena))
        }
    }
}

/// Whether a value passes all tests.
pub fn passes(value: &Value, tests: &[Literal<'_>]) -> bool {
    tests.iter().all(|(test, want)| holds(test, value) == *want)
}

fn among(values: &[Value], complete: bool, tests: &[Literal<'_>]) -> Pick {
    if let Some(value) = values.iter().find(|v| passes(v, tests)) {
        return Pick::Value(value.clone());
    }
    if complete {
        return Pick::Empty;
    }
    // What a test asks for by name is all that can pass it.
    let named = tests.iter().find_map(|(test, want)| match test {
        Test::Values(values) if *want => Some(values),
        _ => None,
    });
    match named {
        Some(values) => match values.iter().find(|v| passes(v, tests)) {
            Some(value) => Pick::Value(value.clone()),
            None => Pick::Empty,
        },
        None if tests.is_empty() => Pick::Unknown,
        // Tests of a word that hold for every word, or for none.
        None if tests
            .iter()
            .any(|(t, want)| matches!(t, Test::Present) && !want) =>
        {
            Pick::Empty
        }
        None => Pick::Unknown,
    }
}

fn ints(lo: i64, hi: i64, near: Option<&Value>, tests: &[Literal<'_>]) -> Pick {
    let mut left = Ranges::between(of_int(lo), of_int(hi));
    for (test, want) in tests {
        let these = match test {
            Test::Ints(ranges) => ranges
                .iter()
                .map(|(a, b)| (of_int(*a), of_int(*b)))
                .collect(),
            Test::Values(values) => {
                let ints = values.iter().filter_map(|v| match v {
                    Value::Int(v) => Some((of_int(*v), of_int(*v))),
                    _ => None,
                });
                ints.collect()
            }
            // All other tests hold for every integer or for none.
            other if other.holds(Word::Int(0)) == *want => continue,
            _ => return Pick::Empty,
        };
        left = left.keep(&Ranges::of(these), *want);
    }
    let picked = match near {
        Some(Value::Int(near)) => left.nearest_int(*near),
        _ => left.simplest_int(),
    };
    picked.map_or(Pick::Empty, |v| Pick::Value(Value::Int(v)))
}

fn addresses(near: Option<&Value>, tests: &[Literal<'_>]) -> Pick {
    let mut left = Ranges::between(0, u128::MAX);
    for (test, want) in tests {
        let these = match test {
            Test::Nets(nets) => nets.iter().map(|n| of_net(*n)).collect(),
            Test::Values(values) => {
                let points = values.iter().filter_map(|v| match v {
                    Value::Ip(ip) => Some((ip.bits(), ip.bits())),
                    _ => None,
                });
                points.collect()
            }
            other if other.holds(Word::Ip(Ip::UNSPECIFIED)) == *want => continue,
            _ => return Pick::Empty,
        };
        left = left.keep(&Ranges::of(these), *want);
    }
    let picked = match near {
        Some(Value::Ip(near)) => left.nearest_ip(*near),
        _ => left.simplest_ip(),
    };
    picked.map_or(Pick::Empty, |ip| Pick::Value(Value::Ip(ip)))
}

/// The simplest value that the boundary lets in for a type; `None` when none is known.
pub fn simplest(schema: &Schema, ty: TypeId) -> Option<Value> {
    use schema::Type as T;
    Some(match schema.get(ty) {
        T::Bool => Value::Bool(false),
        T::Int { .. }
        | T::Duration { .. }
        | T::Percent { .. }
        | T::Money { .. }
        | T::Instant
        | T::Date
        | T::Str { .. }
        | T::Path
        | T::Host
        | T::HeaderName
        | T::Zone
        | T::Key
        | T::Ip => {
            match Domain::of_schema(schema, ty).pick(&[], &[], None, &mut Texts::default()) {
                Pick::Value(value) => value,
                Pick::Empty | Pick::Unknown => return None,
            }
        }
        T::Float => Value::Float(0.0),
        T::Bytes { .. } => Value::Bytes(Box::new([])),
        T::Rate => Value::seq([Value::Int(0), Value::Int(1_000_000)]),
        T::Cidr => Value::Cidr(Cidr::ALL),
        T::Opt(_) => Value::None,
        T::Values { .. } | T::List { .. } | T::Set { .. } | T::Map { .. } => Value::seq([]),
        T::Record(id) => Value::Seq(fields(schema, &schema.records[*id as usize].fields)?),
        T::Enum(id) => variant(schema, *id, 0)?,
    })
}

/// A variant of an enum, with the simplest payload.
pub(super) fn variant(schema: &Schema, id: u32, tag: u32) -> Option<Value> {
    let variant = schema.enums.get(id as usize)?.variants.get(tag as usize)?;
    Some(Value::Variant(tag, fields(schema, &variant.fields)?))
}

/// Types are not recursive, so this ends.
fn fields(schema: &Schema, fields: &[schema::Field]) -> Option<Box<[Value]>> {
    let of = |f: &schema::Field| match &f.default {
        Some(value) => Some(value.clone()),
        None => simplest(schema, f.ty),
    };
    fields.iter().map(of).collect()
}
