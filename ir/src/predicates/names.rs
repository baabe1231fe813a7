//! Terms and formulas as people read them: `req.host`, `header(req, "x-tier")`.

use std::fmt::{self, Write};

use tollgate_runtime::index::{Atom, Formula, Test};

use super::{Predicates, TermId};
use crate::instructions::Inst;
use crate::module::Module;
use crate::operand::{Cc, Kind};
use crate::types::{FieldData, Type, TypeData};

/// How deep a name goes; what is deeper is an ellipsis.
const DEPTH_MAX: u32 = 8;
/// A name that is longer is not continued: a term of a few operations may stand for a large tree.
const NAME_MAX: usize = 400;
/// Most bytes of a constant that is shown.
const CONSTANT_MAX: usize = 60;

/// Names the terms of a rule set; see [`Predicates::names`].
#[derive(Clone, Copy, Debug)]
pub struct Names<'p> {
    predicates: &'p Predicates,
    module: &'p Module,
    params: &'p [Box<str>],
}

/// A formula as people read it; see [`Names::formula`].
#[derive(Clone, Copy, Debug)]
pub struct FormulaDisplay<'p, 'f> {
    names: Names<'p>,
    formula: &'f Formula,
}

impl<'p> Names<'p> {
    pub(super) fn new(
        predicates: &'p Predicates,
        module: &'p Module,
        params: &'p [Box<str>],
    ) -> Names<'p> {
        Names {
            predicates,
            module,
            params,
        }
    }

    /// The name of a feature, by number.
    pub fn feature(&self, feature: u32) -> String {
        match self.predicates.features.get(feature as usize) {
            Some(feature) => self.term(feature.term),
            None => format!("feature {feature}"),
        }
    }

    /// The name of a term: an expression, shortened where it is long.
    pub fn term(&self, term: TermId) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text, term, 0);
        text
    }

    /// A formula, with the names of its features.
    pub fn formula<'f>(&self, formula: &'f Formula) -> FormulaDisplay<'p, 'f> {
        FormulaDisplay {
            names: *self,
            formula,
        }
    }

    fn write(&self, out: &mut String, term: TermId, depth: u32) -> fmt::Result {
        let terms = &self.predicates.terms;
        if depth > DEPTH_MAX || out.len() > NAME_MAX {
            return out.write_str("…");
        }
        if let Some(value) = terms.value(self.module, term) {
            let text = match (self.module.types.get(terms.ty(term)), value.as_ref()) {
                (TypeData::Enum(id), tollgate_runtime::Value::Variant(tag, fields))
                    if fields.is_empty() =>
                {
                    self.variant(id, *tag).to_string()
                }
                (_, value) => value.to_string(),
            };
            return short(out, &text);
        }
        let Some(inst) = terms.inst(terms.call_of(term).unwrap_or(term)) else {
            let index = terms.param(term).unwrap_or(0);
            return match self.params.get(index as usize) {
                Some(name) => out.write_str(name),
                None => write!(out, "p{index}"),
            };
        };
        let of = |out: &mut String, term: TermId| self.write(out, term, depth + 1);
        match inst {
            Inst::Data { data } => out.write_str(&self.module.data[*data].name),
            Inst::DecisionId {} => out.write_str("decision id"),
            Inst::DecisionTime {} => out.write_str("decision time"),
            Inst::Unwrap { a } | Inst::Some { a } => of(out, *a),
            Inst::UnwrapOr { a, b } => self.infix(out, *a, "??", *b, depth),
            Inst::Iadd { a, b } | Inst::Fadd { a, b } => self.infix(out, *a, "+", *b, depth),
            Inst::Isub { a, b } | Inst::Fsub { a, b } => self.infix(out, *a, "-", *b, depth),
            Inst::Imul { a, b } | Inst::Fmul { a, b } | Inst::Pmul { a, b } => {
                self.infix(out, *a, "*", *b, depth)
            }
            Inst::Idiv { a, b } | Inst::Fdiv { a, b } | Inst::Pdiv { a, b } => {
                self.infix(out, *a, "/", *b, depth)
            }
            Inst::Icmp { cc, a, b } | Inst::Fcmp { cc, a, b } | Inst::Scmp { cc, a, b } => {
                self.infix(out, *a, cc.sign(), *b, depth)
            }
            Inst::Same { a, b } => self.infix(out, *a, "==", *b, depth),
            Inst::Field { a, index } => {
                of(out, *a)?;
                let name = match self.module.types.get(self.held(*a)) {
                    TypeData::Record(id) => field(&self.module.types.records[id].fields, index.0),
                    _ => None,
                };
                match name {
                    Some(name) => write!(out, ".{name}"),
                    None => write!(out, ".{}", index.0),
                }
            }
            Inst::Payload { a, tag, index } => {
                of(out, *a)?;
                let name = match self.module.types.get(self.held(*a)) {
                    TypeData::Enum(id) => {
                        let variants = &self.module.types.enums[id].variants;
                        let variant = variants.get(tag.0 as usize);
                        variant.and_then(|v| field(&v.fields, index.0))
                    }
                    _ => None,
                };
                match name {
                    Some(name) => write!(out, ".{name}"),
                    None => write!(out, ".{}", index.0),
                }
            }
            Inst::Tag { a } => of(out, *a),
            Inst::Lookup { a, key } | Inst::Get { a, index: key } => {
                of(out, *a)?;
                out.write_char('[')?;
                of(out, *key)?;
                out.write_char(']')
            }
            Inst::Contains { a, item } => self.infix(out, *item, "in", *a, depth),
            Inst::Call { func, .. } => self.list(out, &self.module.funcs[*func].name, inst, depth),
            Inst::Decide { rules, .. } => {
                self.list(out, &self.module.rulesets[*rules].name, inst, depth)
            }
            Inst::Native { native, .. } => {
                self.list(out, self.module.natives[*native].name, inst, depth)
            }
            inst => self.list(out, inst.opcode().mnemonic(), inst, depth),
        }
    }

    fn infix(&self, out: &mut String, a: TermId, sign: &str, b: TermId, depth: u32) -> fmt::Result {
        if depth > 0 {
            out.write_char('(')?;
        }
        self.write(out, a, depth + 1)?;
        write!(out, " {sign} ")?;
        self.write(out, b, depth + 1)?;
        if depth > 0 {
            out.write_char(')')?;
        }
        Ok(())
    }

    /// `name(operands)`, values first and then what else tells two such instructions apart.
    fn list(&self, out: &mut String, name: &str, inst: &Inst, depth: u32) -> fmt::Result {
        write!(out, "{name}(")?;
        let mut first = true;
        let mut outcome = Ok(());
        inst.vals(|v| {
            if !std::mem::replace(&mut first, false) {
                out.push_str(", ");
            }
            if outcome.is_ok() {
                outcome = self.write(out, v, depth + 1);
            }
        });
        outcome?;
        inst.operands(|_, operand| {
            let text = match operand.kind() {
                Kind::Pat(pattern) => {
                    let (kind, text) = self.module.patterns[pattern].key();
                    format!("{kind} {text:?}")
                }
                Kind::Func(func) if !matches!(inst, Inst::Call { .. }) => {
                    self.module.funcs[func].name.to_string()
                }
                Kind::Index(index) => index.to_string(),
                _ => return,
            };
            if !std::mem::replace(&mut first, false) {
                out.push_str(", ");
            }
            out.push_str(&text);
        });
        out.write_char(')')
    }

    /// The type of a term, of an optional what it holds.
    fn held(&self, term: TermId) -> Type {
        let ty = self.predicates.terms.ty(term);
        match self.module.types.get(ty) {
            TypeData::Opt(of) => of,
            _ => ty,
        }
    }

    fn variant(&self, id: crate::entities::EnumId, tag: u32) -> &str {
        let variants = &self.module.types.enums[id].variants;
        variants.get(tag as usize).map_or("?", |v| &v.name)
    }

    /// The enum whose variants' numbers a feature has.
    fn tags(&self, feature: u32) -> Option<crate::entities::EnumId> {
        let feature = self.predicates.features.get(feature as usize)?;
        let Some(Inst::Tag { a }) = self.predicates.terms.inst(feature.term) else {
            return None;
        };
        match self.module.types.get(self.held(*a)) {
            TypeData::Enum(id) => Some(id),
            _ => None,
        }
    }

    /// A comparison that is not to hold, as the opposite comparison.
    fn opposite(&self, atom: &Atom) -> Option<String> {
        if atom.want {
            return None;
        }
        let feature = self.predicates.features.get(atom.feature as usize)?;
        let (cc, a, b) = match self.predicates.terms.inst(feature.term)? {
            Inst::Icmp { cc, a, b } | Inst::Fcmp { cc, a, b } | Inst::Scmp { cc, a, b } => {
                (*cc, *a, *b)
            }
            Inst::Same { a, b } => (Cc::Eq, *a, *b),
            _ => return None,
        };
        let mut text = String::new();
        self.infix(&mut text, a, cc.negate().sign(), b, 0).ok()?;
        Some(text)
    }

    fn atom(&self, f: &mut fmt::Formatter<'_>, atom: &Atom) -> fmt::Result {
        let name = self.feature(atom.feature);
        let (want, not) = if atom.want {
            (true, "")
        } else {
            (false, "not ")
        };
        match &atom.test {
            Test::True => match self.opposite(atom) {
                Some(name) => f.write_str(&name),
                None => write!(f, "{not}{name}"),
            },
            Test::Ints(ranges) => {
                // Numbers of variants by name.
                let tags = self.tags(atom.feature);
                let number = |n: i64| match tags {
                    Some(id) => self.variant(id, n as u32).to_owned(),
                    None => n.to_string(),
                };
                match &ranges[..] {
                    [(lo, hi)] if lo == hi => {
                        let sign = if want { "==" } else { "!=" };
                        write!(f, "{name} {sign} {}", number(*lo))
                    }
                    [(lo, i64::MAX)] if want => write!(f, "{name} >= {lo}"),
                    [(i64::MIN, hi)] if want => write!(f, "{name} <= {hi}"),
                    ranges => {
                        let few = |(lo, hi): &(i64, i64)| tags.is_some() && hi - lo < 64;
                        let range = |(lo, hi): &(i64, i64)| match lo == hi {
                            true => vec![number(*lo)],
                            false if few(&(*lo, *hi)) => (*lo..=*hi).map(number).collect(),
                            false => vec![format!("{lo} .. {hi}")],
                        };
                        let list: Vec<String> = ranges.iter().flat_map(range).collect();
                        write!(f, "{name} {not}in {{{}}}", list.join(", "))
                    }
                }
            }
            Test::Texts(texts) => match &texts[..] {
                [text] if want => write!(f, "{name} == {text:?}"),
                [text] => write!(f, "{name} != {text:?}"),
                texts => write!(f, "{name} {not}in {texts:?}"),
            },
            test => write!(f, "{name} is {not}{test}"),
        }
    }
}

impl fmt::Display for FormulaDisplay<'_, '_> {
    /// Formulas nest at most [`DEPTH_MAX`](super::DEPTH_MAX) deep, so the recursion ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (of, word, none) = match self.formula {
            Formula::Atom(atom) => return self.names.atom(f, atom),
            Formula::All(of) => (of, " and ", "always"),
            Formula::Any(of) => (of, " or ", "never"),
        };
        if of.is_empty() {
            return f.write_str(none);
        }
        for (i, part) in of.iter().enumerate() {
            if i > 0 {
                f.write_str(word)?;
            }
            let part_of = self.names.formula(part);
            match part {
                Formula::Atom(_) => write!(f, "{part_of}")?,
                _ => write!(f, "({part_of})")?,
            }
        }
        Ok(())
    }
}

fn field(fields: &[FieldData], index: u32) -> Option<&str> {
    fields.get(index as usize).map(|f| &*f.name)
}

fn short(out: &mut String, text: &str) -> fmt::Result {
    match text.char_indices().nth(CONSTANT_MAX) {
        Some((end, _)) => write!(out, "{}…", &text[..end]),
        None => out.write_str(text),
    }
}
