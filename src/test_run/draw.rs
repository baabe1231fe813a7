//! Values of a type at random, near what the rules compare with: otherwise nothing interesting is ever hit.

use std::collections::BTreeMap;

use tollgate_ir::instructions::Inst;
use tollgate_ir::module::Module;
use tollgate_runtime::kinds::net::{Cidr, Ip};
use tollgate_runtime::pattern::{PathPattern, Segment};
use tollgate_runtime::schema::{DATE_END, Field, INSTANT_END, Schema, Type, TypeId};
use tollgate_runtime::{Arena, Pattern, Value, json};

use super::rng::Rng;
use super::simplest::simplest;

/// So many elements a list, set, map or `Values` mostly has less of.
const MOST: u64 = 4;
/// Most elements that are ever drawn.
const LONG: u32 = 16;
/// Most bytes of a text that is drawn for its length.
const LONG_TEXT: u32 = 2_000;
/// Words that nothing in a program asks for.
const WORDS: [&str; 4] = ["a", "b", "item", "x1"];

/// Draws values.
pub(super) struct Draw<'m> {
    schema: &'m Schema,
    pool: Pool<'m>,
    /// Numbers of the pool between two bounds, and next to them.
    near: BTreeMap<(i64, i64), Vec<i64>>,
    /// Texts of the pool that are values of a type.
    fitting: BTreeMap<TypeId, Vec<Box<str>>>,
    pub(super) rng: Rng,
}

/// What a module compares with.
#[derive(Default)]
struct Pool<'m> {
    ints: Vec<i64>,
    floats: Vec<f64>,
    texts: Vec<Box<str>>,
    nets: Vec<Cidr>,
    patterns: Vec<&'m Pattern>,
    /// Those of the patterns that are paths.
    paths: Vec<&'m PathPattern>,
}

impl<'m> Draw<'m> {
    /// Draws values for the entries of a module, near its constants. It should be the module as it was lowered: the optimizer may
    /// have hidden them in an index.
    pub(super) fn new(module: &'m Module, seed: u64) -> Draw<'m> {
        Draw {
            schema: &module.schema,
            pool: Pool::of(module),
            near: BTreeMap::new(),
            fitting: BTreeMap::new(),
            rng: Rng::new(seed),
        }
    }

    /// A value that the boundary lets in as it is.
    pub(super) fn value(&mut self, ty: TypeId) -> Value {
        let value = self.any(ty);
        match is_let_in(self.schema, ty, &value) {
            true => value,
            false => self.simple(ty),
        }
    }

    /// The value with a part of it drawn anew.
    pub(super) fn varied(&mut self, ty: TypeId, value: &Value) -> Value {
        let varied = self.vary(ty, value);
        match is_let_in(self.schema, ty, &varied) {
            true => varied,
            false => value.clone(),
        }
    }

    fn simple(&self, ty: TypeId) -> Value {
        simplest(self.schema, ty).unwrap_or(Value::None)
    }

    /// A value; texts are such as the boundary lets in.
    fn any(&mut self, ty: TypeId) -> Value {
        let value = self.unchecked(ty);
        let text = matches!(value, Value::Str(_));
        match text && !is_let_in(self.schema, ty, &value) {
            true => self.simple(ty),
            false => value,
        }
    }

    fn unchecked(&mut self, ty: TypeId) -> Value {
        let schema = self.schema;
        match schema.get(ty) {
            Type::Bool => Value::Bool(self.rng.one_in(2)),
            Type::Int { lo, hi }
            | Type::Duration { lo, hi }
            | Type::Percent { lo, hi }
            | Type::Money { lo, hi, .. } => self.int(*lo, *hi),
            Type::Instant => self.int(0, INSTANT_END - 1),
            Type::Date => self.int(0, DATE_END - 1),
            Type::Float => Value::Float(self.float()),
            Type::Str {
                max,
                matching: None,
            } => {
                let text = self.text();
                Value::str(cut(&text, *max))
            }
            Type::Str {
                matching: Some(refinement),
                ..
            } => {
                if self.rng.one_in(2)
                    && let Some(text) = self.known(ty)
                {
                    return text;
                }
                let rng = &mut self.rng;
                let text = refinement.regex.sample(&mut |n| rng.below(n));
                text.map_or_else(|| self.simple(ty), Value::str)
            }
            Type::Key => {
                let text = self.text();
                Value::str(cut(&text, 64))
            }
            Type::Path => match self.rng.below(4) {
                0 => self.known(ty).unwrap_or_else(|| self.simple(ty)),
                1 => {
                    let count = self.rng.below(MOST);
                    Value::str(self.segments("", count))
                }
                _ => self.path_of_pattern(),
            },
            Type::Host | Type::HeaderName | Type::Zone => match self.rng.below(4) {
                0 => self.simple(ty),
                1 => {
                    let text = self.text();
                    Value::str(text.to_ascii_lowercase())
                }
                _ => self.known(ty).unwrap_or_else(|| self.simple(ty)),
            },
            Type::Bytes { max } => {
                let count = self.rng.below(9).min(u64::from(*max));
                let bytes = (0..count).map(|_| self.rng.below(256) as u8);
                Value::Bytes(bytes.collect())
            }
            Type::Rate => {
                let (count, seconds) = (self.rng.between(0, 1_000), self.rng.between(1, 60));
                Value::seq([Value::Int(count), Value::Int(seconds * 1_000_000)])
            }
            Type::Ip => Value::Ip(self.ip()),
            Type::Cidr => Value::Cidr(match self.rng.pick(&self.pool.nets) {
                Some(net) => *net,
                None => Cidr::new(self.ip(), 96 + self.rng.below(33) as u8),
            }),
            Type::Values { max, max_bytes } => {
                let count = self.count(*max);
                let values = (0..count).map(|_| {
                    let text = self.text();
                    Value::str(cut(&text, *max_bytes))
                });
                Value::seq(values.collect::<Vec<_>>())
            }
            Type::Opt(of) => match self.rng.one_in(3) {
                true => Value::None,
                false => self.any(*of),
            },
            Type::List { of, max } => {
                let count = self.count(*max);
                Value::seq((0..count).map(|_| self.any(*of)).collect::<Vec<_>>())
            }
            Type::Set { of, max } => {
                let count = self.count(*max);
                Value::set((0..count).map(|_| self.any(*of)).collect::<Vec<_>>())
            }
            Type::Map { key, value, max } => {
                let count = self.count(*max);
                let entries = (0..count).map(|_| (self.any(*key), self.any(*value)));
                Value::map(entries.collect::<Vec<_>>())
            }
            Type::Record(id) => {
                let fields = &schema.records[*id as usize].fields;
                Value::Seq(self.fields(fields))
            }
            Type::Enum(id) => {
                let variants = &schema.enums[*id as usize].variants;
                let tag = self.rng.below(variants.len() as u64);
                let fields = variants.get(tag as usize).map_or(&[][..], |v| &v.fields);
                Value::Variant(tag as u32, self.fields(fields))
            }
        }
    }

    fn fields(&mut self, fields: &[Field]) -> Box<[Value]> {
        let mut drawn = Vec::with_capacity(fields.len());
        for field in fields {
            // What most hosts leave out is left out now and then.
            drawn.push(match &field.default {
                Some(default) if self.rng.one_in(3) => default.clone(),
                _ => self.any(field.ty),
            });
        }
        drawn.into()
    }

    fn vary(&mut self, ty: TypeId, value: &Value) -> Value {
        let schema = self.schema;
        match (schema.get(ty), value) {
            (Type::Record(id), Value::Seq(held)) if !held.is_empty() => {
                let fields = &schema.records[*id as usize].fields;
                Value::Seq(self.vary_one(fields, held))
            }
            (Type::Enum(id), Value::Variant(tag, held))
                if !held.is_empty() && !self.rng.one_in(3) =>
            {
                let variant = &schema.enums[*id as usize].variants[*tag as usize];
                Value::Variant(*tag, self.vary_one(&variant.fields, held))
            }
            (Type::Opt(of), held) if *held != Value::None && !self.rng.one_in(3) => {
                self.vary(*of, held)
            }
            _ => self.any(ty),
        }
    }

    fn vary_one(&mut self, fields: &[Field], held: &[Value]) -> Box<[Value]> {
        let mut varied = held.to_vec();
        let at = self.rng.below(held.len() as u64) as usize;
        if let (Some(field), Some(value)) = (fields.get(at), held.get(at)) {
            varied[at] = self.vary(field.ty, value);
        }
        varied.into()
    }

    /// How many elements: few, now and then as many as there may be, or as a number that the program compares with.
    fn count(&mut self, most: u32) -> u64 {
        let count = match self.rng.below(8) {
            0 if most <= LONG => most.into(),
            1 => {
                let near = self.length(u32::min(most, LONG));
                near.unwrap_or(1)
            }
            _ => self.rng.below(MOST),
        };
        count.min(most.into())
    }

    /// A number of the pool that may be a length, or one next to it.
    fn length(&mut self, most: u32) -> Option<u64> {
        match self.int(0, most.into()) {
            Value::Int(length) => u64::try_from(length).ok(),
            _ => None,
        }
    }

    fn int(&mut self, lo: i64, hi: i64) -> Value {
        let ints = &self.pool.ints;
        let near = self.near.entry((lo, hi)).or_insert_with(|| {
            let around = ints
                .iter()
                .flat_map(|n| [n.saturating_sub(1), *n, n.saturating_add(1)]);
            let mut near: Vec<i64> = around.filter(|n| (lo..=hi).contains(n)).collect();
            near.sort_unstable();
            near.dedup();
            near
        });
        let rng = &mut self.rng;
        Value::Int(match rng.below(8) {
            0..=3 => rng.pick(near).copied().unwrap_or_else(|| 0.clamp(lo, hi)),
            4 => lo,
            5 => hi,
            6 => rng.between(-10, 100).clamp(lo, hi),
            _ => rng.between(lo, hi),
        })
    }

    fn float(&mut self) -> f64 {
        let near = match self.rng.one_in(2) {
            true => self.rng.pick(&self.pool.floats).copied().unwrap_or(0.0),
            false => self.rng.between(-20, 20) as f64 / 2.0,
        };
        let moved = match self.rng.below(4) {
            // The neighbours of zero have no notation in the language.
            0 | 1 if near == 0.0 => 0.001,
            0 => near.next_up(),
            1 => near.next_down(),
            _ => near,
        };
        // Never minus zero.
        if moved.is_finite() {
            moved + 0.0
        } else {
            near + 0.0
        }
    }

    fn text(&mut self) -> Box<str> {
        let rng = &mut self.rng;
        let known = |rng: &mut Rng| match rng.pick(&self.pool.texts) {
            Some(text) => text.clone(),
            None => word(rng).into(),
        };
        match rng.below(10) {
            0..=4 => known(rng),
            5 => match rng.pick(&self.pool.patterns) {
                Some(Pattern::Regex(regex)) => regex.sample(&mut |n| rng.below(n)).map(Into::into),
                Some(Pattern::Glob(glob)) => Some(of_glob(glob.text(), rng)),
                _ => None,
            }
            .unwrap_or_else(|| known(rng)),
            6 => format!("{}{}", known(rng), word(rng)).into(),
            7 => format!("{}{}", word(rng), known(rng)).into(),
            8 if rng.one_in(3) => {
                let length = self.length(LONG_TEXT).unwrap_or(0);
                "a".repeat(length as usize).into()
            }
            8 => "".into(),
            _ => word(rng).into(),
        }
    }

    /// A text of the pool that is a value of a type.
    fn known(&mut self, ty: TypeId) -> Option<Value> {
        let (schema, texts) = (self.schema, &self.pool.texts);
        let fitting = self.fitting.entry(ty).or_insert_with(|| {
            let fits = |text: &str| is_let_in(schema, ty, &Value::str(text));
            texts.iter().filter(|text| fits(text)).cloned().collect()
        });
        self.rng.pick(fitting).map(|text| Value::Str(text.clone()))
    }

    fn path_of_pattern(&mut self) -> Value {
        let rng = &mut self.rng;
        let Some(path) = rng.pick(&self.pool.paths) else {
            let count = rng.below(MOST);
            return Value::str(self.segments("", count));
        };
        let mut text = String::new();
        for segment in path.segments() {
            text.push('/');
            match segment {
                Segment::Literal(literal) => text.push_str(literal),
                Segment::Any => text.push_str(word(rng)),
                // What a capture must look like is one of the expressions, or nothing is asked of it.
                Segment::Capture(_) => match rng.pick(&self.pool.patterns) {
                    Some(Pattern::Regex(regex)) => {
                        let sample = regex.sample(&mut |n| rng.below(n));
                        text.push_str(&sample.unwrap_or_default());
                    }
                    _ => text.push_str(word(rng)),
                },
            }
        }
        let more = match path.is_open() {
            true => rng.below(3),
            false => rng.below(12) / 11,
        };
        Value::str(self.segments(&text, more))
    }

    fn segments(&mut self, begin: &str, count: u64) -> String {
        let mut path = begin.to_owned();
        for _ in 0..count {
            path.push('/');
            path.push_str(word(&mut self.rng));
        }
        if path.is_empty() {
            path.push('/');
        }
        path
    }

    fn ip(&mut self) -> Ip {
        let rng = &mut self.rng;
        let net = match rng.pick(&self.pool.nets) {
            Some(net) if !rng.one_in(4) => *net,
            _ => Cidr::new("198.51.100.0".parse().unwrap_or(Ip::UNSPECIFIED), 96),
        };
        let mut ip = net.base();
        let fixed = match rng.one_in(4) {
            // Right outside, or right at its edge.
            true => usize::from(net.bits()).saturating_sub(1),
            false => usize::from(net.bits()),
        };
        for bit in fixed..128 {
            if rng.one_in(2) {
                ip.0[bit / 8] ^= 0x80 >> (bit % 8);
            }
        }
        ip
    }
}

impl<'m> Pool<'m> {
    fn of(module: &'m Module) -> Pool<'m> {
        let mut pool = Pool::default();
        for inst in module.funcs.values().flat_map(|f| f.insts.values()) {
            match &inst.inst {
                Inst::Iconst { imm } => pool.ints.push(imm.0),
                Inst::Fconst { imm } => pool.floats.push(imm.get()),
                _ => {}
            }
        }
        for constant in module.consts.values() {
            pool.value(&constant.value);
        }
        pool.ints.sort_unstable();
        pool.ints.dedup();
        pool.texts.sort_unstable();
        pool.texts.dedup();
        pool.patterns.extend(module.patterns.values());
        pool.paths = module
            .patterns
            .values()
            .filter_map(|pattern| match pattern {
                Pattern::Path(path) => Some(&**path),
                _ => None,
            })
            .collect();
        pool
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Int(value) => self.ints.push(*value),
            Value::Float(value) => self.floats.push(*value),
            Value::Str(text) => self.texts.push(text.clone()),
            Value::Ip(ip) => self.nets.push(Cidr::new(*ip, 128)),
            Value::Cidr(net) => self.nets.push(*net),
            Value::Seq(of) | Value::Variant(_, of) => of.iter().for_each(|v| self.value(v)),
            Value::None | Value::Bool(_) | Value::Bytes(_) => {}
        }
    }
}

/// Whether the boundary lets a value in, as it is.
pub(super) fn is_let_in(schema: &Schema, ty: TypeId, value: &Value) -> bool {
    let (arena, mut text) = (Arena::new(), String::new());
    let word = value.word(&arena);
    json::encode(schema, ty, word, &mut text);
    let read = json::decode(schema, ty, text.as_bytes(), &arena);
    read.is_ok_and(|read| read.word.same(word))
}

fn word(rng: &mut Rng) -> &'static str {
    rng.pick(&WORDS).copied().unwrap_or("a")
}

fn of_glob(glob: &str, rng: &mut Rng) -> Box<str> {
    let mut text = String::new();
    for c in glob.chars() {
        match c {
            '*' => text.push_str(if rng.one_in(3) { "" } else { word(rng) }),
            '?' => text.push('x'),
            c => text.push(c),
        }
    }
    text.into()
}

/// The text, no longer than `most` bytes.
fn cut(text: &str, most: u32) -> Box<str> {
    let mut end = text.len().min(most as usize);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].into()
}
