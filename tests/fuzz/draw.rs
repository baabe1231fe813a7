//! Facts for any entry, as JSON, by the schema of its parameters: mostly such as are let in, near the bounds of their types.

use serde_json::{Map, Value, json};
use tollgate_runtime::schema::{Schema, Type, TypeId};

/// Elements of a list, set or map, at most.
const FEW: usize = 3;
/// What nests deeper is the simplest value there is.
const NESTING: u32 = 6;

/// Choices: those of the fuzzer, then numbers that follow from them (SplitMix64).
pub struct Choices<'b> {
    bytes: std::slice::Iter<'b, u8>,
    seed: u64,
}

impl<'b> Choices<'b> {
    pub fn new(bytes: &'b [u8]) -> Choices<'b> {
        let seed = bytes
            .iter()
            .fold(1, |n: u64, b| n.wrapping_mul(31).wrapping_add((*b).into()));
        Choices {
            bytes: bytes.iter(),
            seed,
        }
    }

    pub fn below(&mut self, n: usize) -> usize {
        if let Some(byte) = self.bytes.next() {
            return usize::from(*byte) % n;
        }
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn between(&mut self, lo: i64, hi: i64) -> i64 {
        let near = [
            lo,
            hi,
            0,
            1,
            2,
            10,
            100,
            lo.saturating_add(1),
            hi.saturating_sub(1),
        ];
        self.one_of(&near)
            .saturating_add(self.below(4) as i64)
            .clamp(lo, hi)
    }
}

/// What an entry takes: its parameter, or an object of them.
pub fn facts(
    schema: &Schema,
    params: &[(Box<str>, TypeId)],
    texts: &[&str],
    choices: &mut Choices<'_>,
) -> Value {
    let mut draw = Draw {
        schema,
        texts,
        choices,
    };
    match params {
        [(_, only)] => draw.value(*only, NESTING),
        several => Value::Object(
            several
                .iter()
                .map(|(name, ty)| (name.to_string(), draw.value(*ty, NESTING)))
                .collect(),
        ),
    }
}

struct Draw<'d, 'b> {
    schema: &'d Schema,
    /// What the rules compare with, perhaps.
    texts: &'d [&'d str],
    choices: &'d mut Choices<'b>,
}

impl Draw<'_, '_> {
    fn value(&mut self, ty: TypeId, nesting: u32) -> Value {
        let units = |n: i64, unit: &str| Value::String(format!("{n}{unit}"));
        match self.schema.get(ty) {
            Type::Bool => (self.choices.below(2) == 1).into(),
            Type::Int { lo, hi } => self.choices.between(*lo, *hi).into(),
            Type::Float => json!(
                self.choices
                    .one_of(&[0.0, -0.0, 0.5, -2.25, 1e300, 5e-324, 7.0])
            ),
            Type::Str {
                matching: Some(refinement),
                ..
            } => {
                let sampled = refinement
                    .regex
                    .sample(&mut |n| self.choices.below(n.min(256) as usize) as u64);
                sampled.unwrap_or_default().into()
            }
            Type::Str { .. } | Type::Key => self.text(),
            Type::Bytes { .. } => self.choices.one_of(&["", "AA==", "aGVsbG8="]).into(),
            Type::Duration { lo, hi } => units(self.choices.between(*lo, *hi), "us"),
            Type::Instant => self
                .choices
                .one_of(&[
                    "1970-01-01T00:00:00Z",
                    "2026-11-01T00:00:00Z",
                    "2026-03-29T01:30:00Z",
                    "2199-12-31T23:59:59Z",
                ])
                .into(),
            Type::Date => self
                .choices
                .one_of(&["1970-01-01", "2026-11-01", "2024-02-29"])
                .into(),
            Type::Percent { lo, hi } => {
                // Billionths of 1 are ten-millionths of 1%.
                let n = self.choices.between(*lo, *hi);
                let sign = if n < 0 { "-" } else { "" };
                format!(
                    "{sign}{}.{:07}%",
                    n.unsigned_abs() / 10_000_000,
                    n.unsigned_abs() % 10_000_000
                )
                .into()
            }
            Type::Rate => self
                .choices
                .one_of(&["1 per 1s", "100 per 1m", "0 per 1s"])
                .into(),
            Type::Money { currency, lo, hi } => {
                let n = self.choices.between(*lo, *hi);
                let sign = if n < 0 { "-" } else { "" };
                let code = String::from_utf8_lossy(&currency.0);
                format!(
                    "{sign}{}.{:02} {code}",
                    n.unsigned_abs() / 100,
                    n.unsigned_abs() % 100
                )
                .into()
            }
            Type::Ip => self
                .choices
                .one_of(&["10.0.0.1", "10.20.3.4", "192.0.2.7", "::1", "2001:db8::1"])
                .into(),
            Type::Cidr => self
                .choices
                .one_of(&["10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32"])
                .into(),
            Type::Path => match self.choices.below(2) {
                0 => self
                    .choices
                    .one_of(&[
                        "/",
                        "/a",
                        "/a/b",
                        "/v2/carts/c_1",
                        "/catalog/7",
                        "//a",
                        "/%61",
                    ])
                    .into(),
                _ => Value::String(format!("/{}", self.plain().trim_start_matches('/'))),
            },
            Type::Host => match self.choices.below(3) {
                0 => self.plain().into(),
                _ => self
                    .choices
                    .one_of(&["a.example", "API.shop.example:443", "[::1]"])
                    .into(),
            },
            Type::HeaderName => self.choices.one_of(&["x-a", "X-Tier", "host"]).into(),
            Type::Zone => self
                .choices
                .one_of(&["UTC", "Asia/Singapore", "Europe/Berlin"])
                .into(),
            Type::Values { .. } => self.few(|draw| draw.text()).into(),
            Type::Opt(_) if self.choices.below(3) == 0 || nesting == 0 => Value::Null,
            Type::Opt(of) => self.value(*of, nesting.saturating_sub(1)),
            Type::List { of, max } | Type::Set { of, max } => {
                let (of, max) = (*of, *max as usize);
                let mut items = match nesting {
                    0 => Vec::new(),
                    _ => self.few(|draw| draw.value(of, nesting - 1)),
                };
                items.truncate(max);
                items.into()
            }
            Type::Map { key, value, max } => {
                let (key, value, max) = (*key, *value, *max as usize);
                let entry = |draw: &mut Self| {
                    let name = match draw.value(key, 0) {
                        Value::String(name) => name,
                        other => other.to_string(),
                    };
                    (name, draw.value(value, nesting.saturating_sub(1)))
                };
                let entries = if nesting == 0 {
                    Vec::new()
                } else {
                    self.few(entry)
                };
                Value::Object(entries.into_iter().take(max).collect())
            }
            Type::Record(i) => {
                let fields = &self.schema.records[*i as usize].fields;
                let mut object = Map::new();
                for field in fields {
                    if field.default.is_none() || self.choices.below(2) == 0 {
                        object.insert(
                            field.name.to_string(),
                            self.value(field.ty, nesting.saturating_sub(1)),
                        );
                    }
                }
                Value::Object(object)
            }
            Type::Enum(i) => {
                let of = &self.schema.enums[*i as usize];
                if of.variants.is_empty() {
                    return Value::Null;
                }
                let variant = &of.variants[self.choices.below(of.variants.len())];
                let fields = variant.fields.iter().map(|f| {
                    (
                        f.name.to_string(),
                        self.value(f.ty, nesting.saturating_sub(1)),
                    )
                });
                let mut fields: Map<String, Value> = fields.collect();
                match &of.tag {
                    Some(tag) => {
                        fields.insert(tag.to_string(), variant.name.to_string().into());
                        Value::Object(fields)
                    }
                    None if variant.fields.is_empty() => variant.name.to_string().into(),
                    None => json!({ (variant.name.to_string()): fields }),
                }
            }
        }
    }

    fn few<T>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.choices.below(FEW + 1))
            .map(|_| one(self))
            .collect()
    }

    fn text(&mut self) -> Value {
        match self.choices.below(4) {
            0 => self
                .choices
                .one_of(&["", "a", "ab", "x-y", "gold", "\u{e4}b", "\u{1f600}"])
                .into(),
            _ => self.plain().into(),
        }
    }

    /// A word of the source.
    fn plain(&mut self) -> String {
        match self.texts {
            [] => "a".into(),
            texts => self.choices.one_of(texts).to_owned(),
        }
    }
}
