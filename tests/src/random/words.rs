//! Random words of any IR type, near the constants of a module, so that its comparisons go both ways.

use tollgate_ir::instructions::Inst;
use tollgate_ir::module::Module;
use tollgate_ir::types::{FieldData, Type, TypeData};
use tollgate_runtime::kinds::net::{Cidr, Ip};
use tollgate_runtime::{Arena, Pattern, Value, Word};

use super::Rng;
use super::exprs::{PATHS, WORDS};

/// What the module compares with.
pub(crate) struct Words {
    ints: Vec<i64>,
    texts: Vec<String>,
    nets: Vec<Cidr>,
    /// A few of them that come often, so that words are equal now and then.
    often: (Vec<i64>, Vec<String>),
}

impl Words {
    /// The constants of a module, and some more.
    pub(crate) fn new(module: &Module) -> Words {
        let mut words = Words {
            ints: vec![i64::MIN, -1, 0, 1, i64::MAX],
            texts: WORDS.iter().chain(PATHS).map(ToString::to_string).collect(),
            nets: vec![Cidr::ALL],
            often: (Vec::new(), Vec::new()),
        };
        let insts = module.funcs.values().flat_map(|f| f.insts.values());
        for inst in insts {
            if let Inst::Iconst { imm } = &inst.inst {
                words.ints.push(imm.0);
            }
        }
        for constant in module.consts.values() {
            words.value(&constant.value);
        }
        for pattern in module.patterns.values() {
            let text = pattern.key().1;
            match pattern {
                Pattern::Path(_) => {
                    let segment = |s: &str| match s {
                        "*" | "**" => "x".to_owned(),
                        _ if s.starts_with('{') => "c_22".to_owned(),
                        _ => s.to_owned(),
                    };
                    let segments: Vec<String> = text.split('/').map(segment).collect();
                    words.texts.push(segments.join("/"));
                }
                Pattern::Glob(_) => {
                    words.texts.push(text.replace('*', ""));
                    words.texts.push(text.replace('*', "x/y").replace('?', "z"));
                }
                Pattern::Regex(_) => {
                    words.texts.push(text.replace(['\\', '?', '*', '.'], ""));
                }
            }
        }
        words
    }

    /// Draws what comes often from here on.
    pub(crate) fn focus(&mut self, rng: &mut Rng) {
        let ints = (0..3).map(|_| *rng.pick(&self.ints)).collect();
        let texts = (0..2).map(|_| rng.pick(&self.texts).clone()).collect();
        self.often = (ints, texts);
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Int(value) => self.ints.push(*value),
            Value::Str(text) => self.texts.push(text.to_string()),
            Value::Cidr(net) => self.nets.push(*net),
            Value::Seq(of) | Value::Variant(_, of) => of.iter().for_each(|v| self.value(v)),
            _ => {}
        }
    }

    /// A word of a type.
    pub(crate) fn word<'a>(
        &self,
        module: &Module,
        ty: Type,
        rng: &mut Rng,
        arena: &'a Arena,
    ) -> Word<'a> {
        let of = |ty: Type, rng: &mut Rng| self.word(module, ty, rng, arena);
        let fields = |fields: &[FieldData], rng: &mut Rng| {
            let words: Vec<Word<'a>> = fields.iter().map(|f| of(f.ty, rng)).collect();
            arena.seq(&words)
        };
        match module.types.get(ty) {
            TypeData::Bool => Word::Bool(rng.one_in(2)),
            TypeData::Int if rng.one_in(3) && !self.often.0.is_empty() => {
                Word::Int(*rng.pick(&self.often.0))
            }
            TypeData::Int => {
                let near = rng.pick(&self.ints).wrapping_add(rng.between(-1, 1));
                Word::Int(if rng.one_in(4) {
                    rng.between(-9, 99)
                } else {
                    near
                })
            }
            TypeData::Float => Word::Float(rng.between(-9, 9) as f64 / 2.0 + 0.0),
            TypeData::Str => Word::Str(arena.str(&self.text(rng))),
            TypeData::Bytes => Word::Bytes(arena.bytes(self.text(rng).as_bytes())),
            TypeData::Ip => Word::Ip(self.ip(rng)),
            TypeData::Cidr => Word::Cidr(*rng.pick(&self.nets)),
            TypeData::Opt(held) => match rng.one_in(3) {
                true => Word::None,
                false => of(held, rng),
            },
            TypeData::List(item) => {
                let words: Vec<Word<'a>> = (0..rng.below(4)).map(|_| of(item, rng)).collect();
                Word::Seq(arena.seq(&words))
            }
            TypeData::Set(item) => {
                let items = (0..rng.below(4)).map(|_| Value::of(of(item, rng)));
                Value::set(items.collect::<Vec<_>>()).word(arena)
            }
            TypeData::Map(key, value) => {
                let entries =
                    (0..rng.below(6)).map(|_| (Value::of(of(key, rng)), Value::of(of(value, rng))));
                Value::map(entries.collect::<Vec<_>>()).word(arena)
            }
            TypeData::Record(id) => Word::Seq(fields(&module.types.records[id].fields, rng)),
            TypeData::Enum(id) => {
                let variants = &module.types.enums[id].variants;
                let tag = rng.below(variants.len() as u64);
                Word::Variant(tag as u32, fields(&variants[tag as usize].fields, rng))
            }
        }
    }

    fn text(&self, rng: &mut Rng) -> String {
        if rng.one_in(3) && !self.often.1.is_empty() {
            return rng.pick(&self.often.1).clone();
        }
        let text = rng.pick(&self.texts);
        match rng.below(8) {
            0 => format!("{text}{}", rng.pick(&self.texts)),
            1 => format!("x{text}"),
            _ => text.clone(),
        }
    }

    fn ip(&self, rng: &mut Rng) -> Ip {
        let mut ip = rng.pick(&self.nets).base();
        let from = rng.between(0, 16) as usize;
        for byte in &mut ip.0[from..] {
            *byte = rng.below(256) as u8;
        }
        ip
    }
}
