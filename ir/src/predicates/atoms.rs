//! What a term of a truth value asks: connectives become nodes, comparisons with constants become atoms, and everything else
//! is an atom of its own.
//!
//! A test is moved inwards where it stays a test of one word: past `unwrap`, past the default of an optional, past
//! the addition of a constant.

use std::borrow::Cow;
use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;
use tollgate_runtime::index::Test;
use tollgate_runtime::kinds::net::Cidr;
use tollgate_runtime::native::NativeClass;
use tollgate_runtime::pattern::Segment;
use tollgate_runtime::{Arena, Pattern, Value, Word};

use super::formula::normal;
use super::graph::Ask;
use super::terms::TermId;
use super::{Builder, CALLS_MAX, GiveUp, Literal};
use crate::instructions::Inst;
use crate::operand::{Cc, Imm};
use crate::types::{Type, TypeData};

impl Builder<'_> {
    /// What a term of a truth value asks. Kept, so that conditions that ask the same share it.
    pub(super) fn ask(&mut self, term: TermId) -> Result<Ask, GiveUp> {
        if self.asked.len() < self.terms.len() {
            self.asked.resize(self.terms.len(), Ask::UNKNOWN);
        }
        let known = self.asked[term.0 as usize];
        if known != Ask::UNKNOWN {
            return Ok(known);
        }
        let asked = if self.calls >= CALLS_MAX {
            self.opaque(term)
        } else {
            self.calls += 1;
            let asked = self.take_apart(term)?;
            self.calls -= 1;
            asked
        };
        if self.asked.len() < self.terms.len() {
            self.asked.resize(self.terms.len(), Ask::UNKNOWN);
        }
        self.asked[term.0 as usize] = asked;
        Ok(asked)
    }

    /// The atom that a term of a truth value is true.
    pub(super) fn opaque(&mut self, term: TermId) -> Ask {
        self.literal(term, Test::True)
    }

    /// The atom that a number is in one of some ranges, in any order.
    pub(super) fn ints(&mut self, term: TermId, ranges: Vec<(i64, i64)>) -> Result<Ask, GiveUp> {
        self.test(term, Test::Ints(normal(ranges).into()))
    }

    fn literal(&mut self, subject: TermId, test: Test) -> Ask {
        let mut hash = FxBuildHasher.hash_one((subject, &test));
        while let Some(at) = self.literal_at.get(&hash) {
            let literal = &self.literals[*at as usize];
            if literal.subject == subject && literal.test == test {
                return literal.ask;
            }
            hash = hash.wrapping_add(1);
        }
        let at = self.literals.len() as u32;
        self.literal_at.insert(hash, at);
        let ask = self.graph.atom(at);
        self.literals.push(Literal { subject, test, ask });
        ask
    }

    fn take_apart(&mut self, term: TermId) -> Result<Ask, GiveUp> {
        let Some(inst) = self.terms.inst(term) else {
            return Ok(self.opaque(term));
        };
        match *inst {
            Inst::Bconst { imm } => Ok(Ask::of(imm.0)),
            Inst::Bnot { a } => Ok(!self.ask(a)?),
            Inst::Band { .. } => self.connected(term, true),
            Inst::Bor { .. } => self.connected(term, false),
            Inst::Select { c, a, b } => {
                let (c, a, b) = (self.ask(c)?, self.ask(a)?, self.ask(b)?);
                Ok(self.graph.choice(c, a, b))
            }
            Inst::Call { func, ref args } => {
                let args = args.clone();
                self.run(func, &args)
            }
            Inst::Icmp { cc, a, b } => self.icmp(term, cc, a, b),
            Inst::Fcmp { cc, a, b } => match cc {
                Cc::Eq => self.same(term, a, b),
                Cc::Ne => Ok(!self.same(term, a, b)?),
                _ => self.ordered(term, cc, a, b),
            },
            Inst::Scmp { cc, a, b } => match cc {
                Cc::Eq => self.same(term, a, b),
                Cc::Ne => Ok(!self.same(term, a, b)?),
                _ => self.ordered(term, cc, a, b),
            },
            Inst::Same { a, b } => self.same(term, a, b),
            Inst::IsSome { a } => self.test(a, Test::Present),
            Inst::Contains { a, item } => match self.elements(a) {
                Some(of) => self.is_one_of(item, of),
                None => Ok(self.opaque(term)),
            },
            Inst::CidrHas { a, ip } => match self.value(a) {
                Some(Value::Cidr(net)) => self.test(ip, Test::Nets(Box::new([net]))),
                _ => Ok(self.opaque(term)),
            },
            Inst::CidrsHave { a, ip } => match self.elements(a) {
                Some(of) => self.test(ip, Test::Nets(networks(&of).into())),
                None => Ok(self.opaque(term)),
            },
            Inst::Matches { a, pattern } => {
                let pattern = &self.module.patterns[pattern];
                match plain(pattern) {
                    Some(test) => self.test(a, test),
                    None => self.test(a, Test::Matches(pattern.clone())),
                }
            }
            Inst::Native { native, ref args } => {
                let class = self.module.natives[native].class;
                let &[text, part] = &args[..] else {
                    return Ok(self.opaque(term));
                };
                let Some(Value::Str(part)) = self.value(part) else {
                    return Ok(self.opaque(term));
                };
                match class {
                    NativeClass::Opaque => Ok(self.opaque(term)),
                    NativeClass::Prefix => self.test(text, Test::Prefix(part)),
                    NativeClass::Suffix => self.test(text, Test::Suffix(part)),
                    NativeClass::Contains => self.test(text, Test::Part(part)),
                }
            }
            _ => Ok(self.opaque(term)),
        }
    }

    /// A chain of `band` or of `bor`, of any length.
    fn connected(&mut self, term: TermId, all: bool) -> Result<Ask, GiveUp> {
        let (mut open, mut parts) = (vec![term], Vec::new());
        while let Some(term) = open.pop() {
            match self.terms.inst(term) {
                Some(Inst::Band { a, b }) if all => open.extend([*b, *a]),
                Some(Inst::Bor { a, b }) if !all => open.extend([*b, *a]),
                _ => parts.push(term),
            }
            self.spend(1)?;
        }
        let mut asked = Ask::of(all);
        // Asked in order, joined from behind: a part that follows is the rest of a conjunction.
        let mut asks = Vec::with_capacity(parts.len());
        for part in parts {
            asks.push(self.ask(part)?);
        }
        for ask in asks.into_iter().rev() {
            asked = match all {
                true => self.graph.and(ask, asked),
                false => self.graph.or(ask, asked),
            };
        }
        Ok(asked)
    }

    /// A comparison by order, told by "less": so that a comparison and its opposite are one feature.
    fn ordered(&mut self, term: TermId, cc: Cc, a: TermId, b: TermId) -> Result<Ask, GiveUp> {
        if a == b {
            return Ok(Ask::of(cc.holds(std::cmp::Ordering::Equal)));
        }
        let (a, b, less) = match cc {
            Cc::Lt => (a, b, true),
            Cc::Ge => (a, b, false),
            Cc::Gt => (b, a, true),
            _ => (b, a, false),
        };
        let cc = Cc::Lt;
        let inst = match self.terms.inst(term) {
            Some(Inst::Icmp { .. }) => Inst::Icmp { cc, a, b },
            Some(Inst::Fcmp { .. }) => Inst::Fcmp { cc, a, b },
            _ => Inst::Scmp { cc, a, b },
        };
        let term = self.terms.make(self.module, inst, Type::BOOL);
        Ok(self.opaque(term).if_wanted(less))
    }

    fn icmp(&mut self, term: TermId, cc: Cc, a: TermId, b: TermId) -> Result<Ask, GiveUp> {
        if a == b {
            return Ok(Ask::of(cc.holds(std::cmp::Ordering::Equal)));
        }
        let (of, cc, value) = match (self.int(a), self.int(b)) {
            (_, Some(value)) => (a, cc, value),
            (Some(value), None) => (b, cc.swap(), value),
            (None, None) => match cc {
                Cc::Eq => return self.same(term, a, b),
                Cc::Ne => return Ok(!self.same(term, a, b)?),
                _ => return self.ordered(term, cc, a, b),
            },
        };
        let below = || value.checked_sub(1).map(|hi| (i64::MIN, hi));
        let above = || value.checked_add(1).map(|lo| (lo, i64::MAX));
        let is = vec![(value, value)];
        match cc {
            Cc::Eq => self.ints(of, is),
            Cc::Ne => Ok(!self.ints(of, is)?),
            Cc::Lt => self.ints(of, below().into_iter().collect()),
            Cc::Le => self.ints(of, vec![(i64::MIN, value)]),
            Cc::Gt => self.ints(of, above().into_iter().collect()),
            Cc::Ge => self.ints(of, vec![(value, i64::MAX)]),
        }
    }

    /// Whether two words of one type are the same; `term` says how they are compared, equal or not.
    fn same(&mut self, term: TermId, a: TermId, b: TermId) -> Result<Ask, GiveUp> {
        if a == b {
            return Ok(Ask::ALWAYS);
        }
        let (of, value) = match (self.value(a), self.value(b)) {
            (_, Some(value)) => (a, value),
            (Some(value), None) => (b, value),
            (None, None) if self.terms.ty(a) == Type::BOOL => {
                let (a, b) = (self.ask(a)?, self.ask(b)?);
                return Ok(self.graph.choice(a, b, !b));
            }
            (None, None) => {
                let (a, b) = (a.min(b), a.max(b));
                let cc = Cc::Eq;
                let inst = match self.terms.inst(term) {
                    Some(Inst::Icmp { .. }) => Inst::Icmp { cc, a, b },
                    Some(Inst::Fcmp { .. }) => Inst::Fcmp { cc, a, b },
                    Some(Inst::Scmp { .. }) => Inst::Scmp { cc, a, b },
                    _ => Inst::Same { a, b },
                };
                let term = self.terms.make(self.module, inst, Type::BOOL);
                return Ok(self.opaque(term));
            }
        };
        self.is_one_of(of, vec![value])
    }

    /// Whether a word is the same as one of some values of its type.
    fn is_one_of(&mut self, of: TermId, values: Vec<Value>) -> Result<Ask, GiveUp> {
        match self.module.types.get(self.terms.ty(of)) {
            TypeData::Bool => {
                let has = |truth| Ask::of(values.contains(&Value::Bool(truth)));
                let (yes, no) = (has(true), has(false));
                let asked = self.ask(of)?;
                Ok(self.graph.choice(asked, yes, no))
            }
            TypeData::Int => {
                let ints = values.iter().filter_map(int).map(|v| (v, v));
                self.ints(of, ints.collect())
            }
            TypeData::Str => self.test(of, Test::Texts(texts(values))),
            TypeData::Enum(id) => {
                let data = &self.module.types.enums[id];
                let bare = |v: &Value| match v {
                    Value::Variant(tag, fields) => {
                        let variant = data.variants.get(*tag as usize);
                        fields.is_empty() && variant.is_some_and(|v| v.fields.is_empty())
                    }
                    _ => false,
                };
                if !values.iter().all(bare) {
                    return self.test(of, Test::Values(sorted(values)));
                }
                let tags = values.iter().map(|v| match v {
                    Value::Variant(tag, _) => (i64::from(*tag), i64::from(*tag)),
                    _ => (0, 0),
                });
                let tags = tags.collect();
                let tag = Inst::Tag { a: of };
                let tag = self.terms.make(self.module, tag, Type::INT);
                self.ints(tag, tags)
            }
            TypeData::Opt(_) => self.is_one_of_optionals(of, values),
            _ => self.test(of, Test::Values(sorted(values))),
        }
    }

    /// Numbers and texts are tested as such, so that all tests of one word are of one kind. The absent word reads as
    /// zero there, so zero is asked to be present.
    fn is_one_of_optionals(&mut self, of: TermId, values: Vec<Value>) -> Result<Ask, GiveUp> {
        let absent = values.contains(&Value::None);
        let held: Vec<Value> = values.into_iter().filter(|v| *v != Value::None).collect();
        let some = if held.is_empty() {
            Ask::NEVER
        } else {
            let test = match held[0] {
                Value::Int(_) => {
                    let ints = held.iter().filter_map(int).map(|v| (v, v));
                    Test::Ints(normal(ints.collect()).into())
                }
                Value::Str(_) => Test::Texts(texts(held)),
                _ => Test::Values(sorted(held)),
            };
            let zero = test.holds(Word::None);
            let some = self.test(of, test)?;
            if zero {
                let present = self.test(of, Test::Present)?;
                self.graph.and(present, some)
            } else {
                some
            }
        };
        if !absent {
            return Ok(some);
        }
        let present = self.test(of, Test::Present)?;
        Ok(self.graph.or(!present, some))
    }

    /// A test of a term, moved inwards as far as it stays one.
    fn test(&mut self, of: TermId, test: Test) -> Result<Ask, GiveUp> {
        if self.calls >= CALLS_MAX {
            return Ok(self.literal(of, test));
        }
        self.calls += 1;
        let asked = self.test_inwards(of, test)?;
        self.calls -= 1;
        Ok(asked)
    }

    fn test_inwards(&mut self, mut of: TermId, mut test: Test) -> Result<Ask, GiveUp> {
        loop {
            if empty(&test) {
                return Ok(Ask::NEVER);
            }
            if let Test::Ints(ranges) = &test
                && **ranges == [(i64::MIN, i64::MAX)]
            {
                return Ok(Ask::ALWAYS);
            }
            match (&test, self.terms.inst(of)) {
                (Test::Present, Some(Inst::Some { .. })) => return Ok(Ask::ALWAYS),
                (Test::Prefix(text) | Test::Suffix(text) | Test::Part(text), _)
                    if text.is_empty() =>
                {
                    return Ok(Ask::ALWAYS);
                }
                _ => {}
            }
            of = self.terms.strip(of);
            if let Some(value) = self.terms.value(self.module, of) {
                let arena = Arena::new();
                return Ok(Ask::of(test.holds(value.word(&arena))));
            }
            match (self.terms.inst(of), &test) {
                (Some(Inst::UnwrapOr { a, b }), Test::Present) => {
                    let (a, b) = (*a, *b);
                    let (a, b) = (self.test(a, Test::Present)?, self.test(b, Test::Present)?);
                    return Ok(self.graph.or(a, b));
                }
                (Some(Inst::UnwrapOr { a, b }), _) => {
                    let (a, b) = (*a, *b);
                    let Some(default) = self.terms.value(self.module, b) else {
                        break;
                    };
                    // An absent word must read as the default, or be asked about.
                    let arena = Arena::new();
                    let wanted = test.holds(default.word(&arena));
                    let read = test.holds(Word::None);
                    let held = self.test(a, test)?;
                    if wanted == read {
                        return Ok(held);
                    }
                    let present = self.test(a, Test::Present)?;
                    return Ok(match wanted {
                        true => self.graph.or(!present, held),
                        false => self.graph.and(present, held),
                    });
                }
                (Some(Inst::Select { c, a, b }), _) => {
                    let (c, a, b) = (*c, *a, *b);
                    let holds = |of: TermId| {
                        let value = self.terms.value(self.module, of)?;
                        let arena = Arena::new();
                        Some(Ask::of(test.holds(value.word(&arena))))
                    };
                    let (Some(a), Some(b)) = (holds(a), holds(b)) else {
                        break;
                    };
                    let c = self.ask(c)?;
                    return Ok(self.graph.choice(c, a, b));
                }
                (Some(Inst::Lookup { a, key }), _) => {
                    let (a, key) = (*a, *key);
                    let Some(entries) = self.elements(a) else {
                        break;
                    };
                    let arena = Arena::new();
                    // An absent word where the map has nothing.
                    let absent = test.holds(Word::None);
                    let mut keys = Vec::new();
                    for [key, value] in entries.as_chunks::<2>().0 {
                        if test.holds(value.word(&arena)) != absent {
                            keys.push(key.clone());
                        }
                    }
                    return Ok(self.is_one_of(key, keys)?.if_wanted(!absent));
                }
                (Some(Inst::Get { a, index }), _) => {
                    let (a, index) = (*a, *index);
                    let Some(items) = self.elements(a) else {
                        break;
                    };
                    let arena = Arena::new();
                    let absent = test.holds(Word::None);
                    let places = (0..).zip(items);
                    let held = places.filter(|(_, v)| test.holds(v.word(&arena)) != absent);
                    let held = held.map(|(i, _)| (i, i)).collect();
                    return Ok(self.ints(index, held)?.if_wanted(!absent));
                }
                (Some(inst), Test::Ints(ranges)) => match self.moved(inst, ranges) {
                    Some((inner, ranges)) => {
                        test = Test::Ints(ranges.into());
                        of = inner;
                    }
                    None => break,
                },
                _ => break,
            }
        }
        Ok(self.literal(of, test))
    }

    /// The operand of which some ranges are asked if others are asked of what the instruction makes of it. Arithmetic wraps, and so do
    /// the ranges.
    fn moved(&self, inst: &Inst, ranges: &[(i64, i64)]) -> Option<(TermId, Vec<(i64, i64)>)> {
        let shift = |by: i64| {
            let ends = ranges
                .iter()
                .map(|(lo, hi)| (lo.wrapping_add(by), hi.wrapping_add(by)));
            wrapped(ends)
        };
        match *inst {
            Inst::Iadd { a, b } => match (self.int(a), self.int(b)) {
                (_, Some(by)) => Some((a, shift(by.wrapping_neg()))),
                (Some(by), _) => Some((b, shift(by.wrapping_neg()))),
                _ => None,
            },
            Inst::Isub { a, b } => match (self.int(a), self.int(b)) {
                (_, Some(by)) => Some((a, shift(by))),
                // from - b is in lo .. hi when b is in from - hi .. from - lo
                (Some(from), _) => Some((b, mirrored(from, ranges))),
                _ => None,
            },
            Inst::Ineg { a } => Some((a, mirrored(0, ranges))),
            Inst::Imax { a, b } => {
                let (a, least) = self.with_int(a, b)?;
                // Whatever is below reads as the least.
                let below = within(ranges, least).then_some((i64::MIN, least));
                let above = ranges.iter().map(|(lo, hi)| ((*lo).max(least), *hi));
                Some((a, normal(above.chain(below).collect())))
            }
            Inst::Imin { a, b } => {
                let (a, most) = self.with_int(a, b)?;
                let above = within(ranges, most).then_some((most, i64::MAX));
                let below = ranges.iter().map(|(lo, hi)| (*lo, (*hi).min(most)));
                Some((a, normal(below.chain(above).collect())))
            }
            _ => None,
        }
    }

    /// A term and a constant, in any order.
    fn with_int(&self, a: TermId, b: TermId) -> Option<(TermId, i64)> {
        match (self.int(a), self.int(b)) {
            (_, Some(value)) => Some((a, value)),
            (Some(value), _) => Some((b, value)),
            _ => None,
        }
    }

    /// The elements of a constant list or set, if there is room for them.
    fn elements(&mut self, term: TermId) -> Option<Vec<Value>> {
        match self.terms.value(self.module, term)?.as_ref() {
            Value::Seq(of) => {
                self.copied = self.copied.checked_sub(of.len())?;
                Some(of.to_vec())
            }
            _ => None,
        }
    }

    fn value(&self, term: TermId) -> Option<Value> {
        self.terms.value(self.module, term).map(Cow::into_owned)
    }

    fn int(&self, term: TermId) -> Option<i64> {
        match self.terms.inst(term) {
            Some(Inst::Iconst { imm: Imm(value) }) => Some(*value),
            _ => None,
        }
    }
}

fn within(ranges: &[(i64, i64)], value: i64) -> bool {
    ranges.iter().any(|(lo, hi)| (*lo..=*hi).contains(&value))
}

fn mirrored(from: i64, ranges: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let ends = ranges
        .iter()
        .map(|(lo, hi)| (from.wrapping_sub(*hi), from.wrapping_sub(*lo)));
    wrapped(ends)
}

/// Ranges whose ends may have wrapped, cut where they did.
fn wrapped(ranges: impl Iterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
    let cut = |(lo, hi): (i64, i64)| match lo <= hi {
        true => [Some((lo, hi)), None],
        false => [Some((i64::MIN, hi)), Some((lo, i64::MAX))],
    };
    normal(ranges.flat_map(cut).flatten().collect())
}

fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) => Some(*value),
        _ => None,
    }
}

fn texts(values: Vec<Value>) -> Box<[Box<str>]> {
    let mut texts: Vec<Box<str>> = values
        .into_iter()
        .filter_map(|value| match value {
            Value::Str(text) => Some(text),
            _ => None,
        })
        .collect();
    texts.sort_unstable();
    texts.dedup();
    texts.into()
}

fn sorted(mut values: Vec<Value>) -> Box<[Value]> {
    values.sort_unstable();
    values.dedup();
    values.into()
}

fn networks(values: &[Value]) -> Vec<Cidr> {
    let nets = values.iter().filter_map(|value| match value {
        Value::Cidr(net) => Some(*net),
        _ => None,
    });
    let mut nets: Vec<Cidr> = nets.collect();
    nets.sort_unstable();
    nets.dedup();
    nets
}

fn empty(test: &Test) -> bool {
    match test {
        Test::Ints(of) => of.is_empty(),
        Test::Texts(of) => of.is_empty(),
        Test::Values(of) => of.is_empty(),
        Test::Nets(of) => of.is_empty(),
        _ => false,
    }
}

/// The test of a text that a pattern is, where it needs no pattern.
fn plain(pattern: &Pattern) -> Option<Test> {
    match pattern {
        Pattern::Path(path) => {
            let literal = |s: &Segment| matches!(s, Segment::Literal(_));
            let fixed = !path.is_open() && path.segments().iter().all(literal);
            fixed.then(|| Test::text(path.text()))
        }
        Pattern::Glob(glob) => {
            let text = glob.text();
            let inner = text.trim_matches('*');
            if inner.contains(['*', '?']) {
                return None;
            }
            let inner = inner.into();
            Some(match (text.starts_with('*'), text.ends_with('*')) {
                _ if text.is_empty() => Test::text(""),
                (false, false) => Test::Texts(Box::new([inner])),
                (false, true) => Test::Prefix(inner),
                (true, false) => Test::Suffix(inner),
                (true, true) if text.bytes().all(|b| b == b'*') => Test::Prefix("".into()),
                (true, true) => Test::Part(inner),
            })
        }
        Pattern::Regex(regex) => {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-');
            let text = regex.text();
            text.chars().all(plain).then(|| Test::text(text))
        }
    }
}
