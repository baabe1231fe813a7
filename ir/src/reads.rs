//! How many bytes regular expressions read at worst.
//!
//! A regular expression walks over its whole text, so what it costs depends on how long the text may be. Types of the IR have
//! lost their bounds; the schema of what an entry takes has them. Walking down from an entry, every value gets the longest text
//! that can stand in it, and every match of a regular expression counts that many bytes: along the longest path, times the
//! elements of `any` and `fold`, over rule sets as the steps are counted (see [`cost`](crate::cost)).
//!
//! The numbers are upper bounds, and rough where the schema says nothing: what a native returns is as long as the native
//! declares, what a fold builds and the decision's id as long as any text may be. An index is not looked into: only modules whose
//! rule sets are whole are priced.

use rustc_hash::FxHashMap;
use tollgate_runtime::native::NativeType;
use tollgate_runtime::schema::{STRING_LIMIT, Type as Outside, TypeId};
use tollgate_runtime::{Pattern, Value};

use crate::cost::of_rules;
use crate::entities::{FuncId, IndexVec, PatId, RuleSetId, Val};
use crate::instructions::Inst;
use crate::module::{Func, Module, Target, Terminator};
use crate::operand::Vals;
use crate::types::Type;

/// Different arguments for which one function or rule set is looked at; past them it is looked at once more, for all.
const CONTEXTS: u32 = 32;

/// Bytes of the longest canonical host, header name, name of a zone.
const NAME_MAX: u32 = 256;
/// Bytes of the longest canonical path.
const PATH_MAX: u32 = tollgate_runtime::kinds::path::PATH_MAX as u32;

/// What is known of the texts in a value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Bound {
    /// It is a value of this type of the schema.
    Outside(TypeId),
    /// Every text in it has at most so many bytes.
    Text(u32),
}

impl Bound {
    /// Nothing is known.
    pub const ANY: Bound = Bound::Text(STRING_LIMIT);
    /// There is no text in it.
    const NONE: Bound = Bound::Text(0);
}

/// A price list of one module; answers are kept.
#[derive(Debug)]
pub struct Reads<'m> {
    module: &'m Module,
    /// The longest text in a value of each type of the schema.
    longest: Vec<Option<u32>>,
    known: FxHashMap<(Callee, Vec<Bound>), (Bound, u64)>,
    contexts: FxHashMap<Callee, u32>,
}

/// What can be called. `Target`, as a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Callee {
    Func(FuncId),
    Rules(RuleSetId),
}

impl<'m> Reads<'m> {
    /// For a verified module whose rule sets are whole.
    pub fn new(module: &'m Module) -> Reads<'m> {
        Reads {
            module,
            longest: vec![None; module.schema.types.len()],
            known: FxHashMap::default(),
            contexts: FxHashMap::default(),
        }
    }

    /// Most bytes that a call reads.
    pub fn call(&mut self, target: Target, args: &[Bound]) -> u64 {
        match target {
            Target::Func(func) => self.func(func, args).1,
            Target::Rules(rules) => self.rules(rules, args).1,
        }
    }

    /// Most bytes that a condition, an outcome or a key of a rule set reads, the rule set being called with `args`.
    pub fn part(&mut self, func: FuncId, args: &[Bound]) -> u64 {
        self.func(func, args).1
    }

    fn func(&mut self, id: FuncId, args: &[Bound]) -> (Bound, u64) {
        self.remember(Callee::Func(id), args, |reads, args| {
            reads.body(&reads.module.funcs[id], args)
        })
    }

    fn rules(&mut self, id: RuleSetId, args: &[Bound]) -> (Bound, u64) {
        self.remember(Callee::Rules(id), args, |reads, args| {
            let rules = &reads.module.rulesets[id];
            let mut result = None;
            let outcomes = rules.rules.iter().flat_map(|r| &r.outcomes);
            for outcome in outcomes.chain(rules.otherwise.iter().map(|o| &o.outcome)) {
                let bound = reads.func(*outcome, args).0;
                result = Some(reads.join(result, bound));
            }
            let result = result.unwrap_or(Bound::NONE);
            // The key of `best` has the outcome behind the parameters.
            let with_outcome = [args, &[result]].concat();
            let bytes = of_rules(rules, &mut |func| {
                let args = if rules.key == Some(func) {
                    &with_outcome
                } else {
                    args
                };
                reads.func(func, args).1
            });
            (result, bytes)
        })
    }

    fn remember(
        &mut self,
        callee: Callee,
        args: &[Bound],
        find: impl FnOnce(&mut Self, &[Bound]) -> (Bound, u64),
    ) -> (Bound, u64) {
        let mut key = (callee, args.to_vec());
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let contexts = self.contexts.entry(callee).or_default();
        *contexts += 1;
        if *contexts > CONTEXTS {
            key.1.fill(Bound::ANY);
            if let Some(known) = self.known.get(&key) {
                return *known;
            }
        }
        let found = find(self, &key.1);
        self.known.insert(key, found);
        found
    }

    fn body(&mut self, func: &Func, args: &[Bound]) -> (Bound, u64) {
        let mut vals: IndexVec<Val, Option<Bound>> = func.vals.keys().map(|_| None).collect();
        for (i, param) in func.params().iter().enumerate() {
            vals[*param] = Some(args.get(i).copied().unwrap_or(Bound::ANY));
        }
        let mut result = None;
        let mut own: IndexVec<_, u64> = func.blocks.keys().map(|_| 0).collect();
        // Every branch goes forward: what reaches a block has been seen before it.
        for (id, block) in func.blocks.iter() {
            for inst in &block.insts {
                let data = &func.insts[*inst];
                let of = |v: &Val| vals[*v].unwrap_or(Bound::ANY);
                let (bound, bytes) = self.inst(func, &data.inst, &of);
                own[id] = own[id].saturating_add(bytes);
                if let Some(result) = data.result {
                    vals[result] = Some(bound);
                }
            }
            for jump in block.term.jumps() {
                for (param, arg) in func.blocks[jump.block].params.iter().zip(&jump.args) {
                    let arg = vals[*arg].unwrap_or(Bound::ANY);
                    vals[*param] = Some(self.join(vals[*param], arg));
                }
            }
            if let Terminator::Return(val) = &block.term {
                result = Some(self.join(result, vals[*val].unwrap_or(Bound::ANY)));
            }
        }
        let mut from = own;
        for (id, block) in func.blocks.iter().rev() {
            let after = block.term.jumps().map(|j| from[j.block]).max();
            from[id] = from[id].saturating_add(after.unwrap_or(0));
        }
        (result.unwrap_or(Bound::NONE), from[Func::ENTRY])
    }

    /// What an instruction gives, and how much regular expressions read for it.
    fn inst(&mut self, func: &Func, inst: &Inst, of: &dyn Fn(&Val) -> Bound) -> (Bound, u64) {
        let all = |vals: &Vals| vals.iter().map(of).collect::<Vec<_>>();
        let bound = match inst {
            Inst::Konst { value } => Bound::Text(in_value(&self.module.consts[*value].value)),
            Inst::Data { data } => match self.module.data[*data].schema {
                Some(ty) => Bound::Outside(ty),
                None => Bound::ANY,
            },
            Inst::None { .. } => Bound::NONE,
            Inst::Some { a } | Inst::Unwrap { a } => of(a),
            Inst::Select { a, b, .. } | Inst::UnwrapOr { a, b } => self.join(Some(of(a)), of(b)),
            Inst::Record { fields: parts, .. }
            | Inst::Variant { fields: parts, .. }
            | Inst::List { items: parts, .. }
            | Inst::Set { items: parts, .. }
            | Inst::Map { items: parts, .. }
            | Inst::Collect { items: parts, .. } => {
                let parts = all(parts);
                let longest = parts.into_iter().map(|p| self.text(p)).max();
                Bound::Text(longest.unwrap_or(0))
            }
            Inst::Field { a, index } => self.field(of(a), None, index.0 as usize),
            Inst::Payload { a, tag, index } => {
                self.field(of(a), Some(tag.0 as usize), index.0 as usize)
            }
            Inst::Get { a, .. } => self.element(of(a)),
            Inst::Lookup { a, .. } => self.looked_up(of(a)),
            Inst::PathCapture { a, .. } => Bound::Text(self.text(of(a))),
            Inst::Matches { a, pattern } => return (Bound::NONE, self.read(*pattern, of(a))),
            Inst::RegexCapture { a, pattern, .. } => {
                let longest = Bound::Text(self.text(of(a)));
                return (longest, self.read(*pattern, of(a)));
            }
            Inst::PathJoin { parts } => {
                // A slash before each.
                let parts = all(parts);
                let lengths = parts.into_iter().map(|p| self.text(p).saturating_add(1));
                Bound::Text(lengths.fold(1, u32::saturating_add).min(STRING_LIMIT))
            }
            Inst::Any {
                a,
                func,
                max,
                captured,
            } => {
                let args = [&[self.element(of(a))], &all(captured)[..]].concat();
                return (Bound::NONE, times(max.0, self.func(*func, &args).1));
            }
            Inst::Fold {
                a,
                func: step,
                max,
                captured,
                init,
            } => {
                let scalar = [Type::BOOL, Type::INT, Type::FLOAT].contains(&func.ty(*init));
                let so_far = if scalar { Bound::NONE } else { Bound::ANY };
                let args = [&[so_far, self.element(of(a))], &all(captured)[..]].concat();
                return (so_far, times(max.0, self.func(*step, &args).1));
            }
            Inst::Call { func, args } | Inst::CallMarked { func, args } => {
                return self.func(*func, &all(args));
            }
            Inst::Decide { rules, args } | Inst::DecideMarked { rules, args } => {
                return self.rules(*rules, &all(args));
            }
            Inst::Native { native, .. } => {
                Bound::Text(in_native(&self.module.natives[*native].result))
            }
            Inst::Search { .. } | Inst::SearchMarked { .. } => return (Bound::ANY, u64::MAX),
            // Numbers, truth values, addresses; and whatever is to come: nothing is known of it.
            _ => Bound::ANY,
        };
        (bound, 0)
    }

    fn read(&mut self, pattern: PatId, text: Bound) -> u64 {
        match &self.module.patterns[pattern] {
            Pattern::Regex(_) => self.text(text).into(),
            Pattern::Path(_) | Pattern::Glob(_) => 0,
        }
    }

    fn join(&mut self, a: Option<Bound>, b: Bound) -> Bound {
        match a {
            None => b,
            Some(a) if a == b => a,
            Some(a) => Bound::Text(self.text(a).max(self.text(b))),
        }
    }

    /// The type behind a bound, without its `?`.
    fn outside(&self, bound: Bound) -> Option<&'m Outside> {
        let Bound::Outside(ty) = bound else {
            return None;
        };
        let schema = &self.module.schema;
        Some(match schema.get(ty) {
            Outside::Opt(of) => schema.get(*of),
            ty => ty,
        })
    }

    fn field(&mut self, of: Bound, tag: Option<usize>, index: usize) -> Bound {
        let schema = &self.module.schema;
        let fields = match (self.outside(of), tag) {
            (Some(Outside::Record(r)), None) => &schema.records[*r as usize].fields[..],
            (Some(Outside::Enum(e)), Some(tag)) => {
                let variant = schema.enums[*e as usize].variants.get(tag);
                variant.map_or(&[][..], |v| &v.fields)
            }
            _ => &[],
        };
        match fields.get(index) {
            Some(field) => Bound::Outside(field.ty),
            None => Bound::Text(self.text(of)),
        }
    }

    fn element(&mut self, of: Bound) -> Bound {
        match self.outside(of) {
            Some(Outside::List { of, .. } | Outside::Set { of, .. }) => Bound::Outside(*of),
            _ => Bound::Text(self.text(of)),
        }
    }

    fn looked_up(&mut self, of: Bound) -> Bound {
        match self.outside(of) {
            Some(Outside::Map { value, .. }) => Bound::Outside(*value),
            _ => Bound::Text(self.text(of)),
        }
    }

    /// The longest text in a value.
    fn text(&mut self, bound: Bound) -> u32 {
        match bound {
            Bound::Text(max) => max,
            Bound::Outside(ty) => self.longest(ty),
        }
    }

    fn longest(&mut self, ty: TypeId) -> u32 {
        if let Some(known) = self.longest[ty.0 as usize] {
            return known;
        }
        let schema = &self.module.schema;
        let mut parts = Vec::new();
        let own = match schema.get(ty) {
            Outside::Str { max, .. } => *max,
            Outside::Key => STRING_LIMIT,
            Outside::Path => PATH_MAX,
            Outside::Host | Outside::HeaderName | Outside::Zone => NAME_MAX,
            Outside::Values { max_bytes, .. } => *max_bytes,
            Outside::Opt(of) | Outside::List { of, .. } | Outside::Set { of, .. } => {
                parts.push(*of);
                0
            }
            Outside::Map { key, value, .. } => {
                parts.extend([*key, *value]);
                0
            }
            Outside::Record(r) => {
                parts.extend(schema.records[*r as usize].fields.iter().map(|f| f.ty));
                0
            }
            Outside::Enum(e) => {
                let variants = &schema.enums[*e as usize].variants;
                parts.extend(variants.iter().flat_map(|v| &v.fields).map(|f| f.ty));
                0
            }
            Outside::Bool
            | Outside::Int { .. }
            | Outside::Float
            | Outside::Bytes { .. }
            | Outside::Duration { .. }
            | Outside::Instant
            | Outside::Date
            | Outside::Percent { .. }
            | Outside::Rate
            | Outside::Money { .. }
            | Outside::Ip
            | Outside::Cidr => 0,
        };
        let longest = parts.into_iter().map(|part| self.longest(part)).max();
        let longest = own.max(longest.unwrap_or(0));
        self.longest[ty.0 as usize] = Some(longest);
        longest
    }
}

fn times(max: i64, bytes: u64) -> u64 {
    bytes.saturating_mul(max.max(0) as u64)
}

fn in_value(value: &Value) -> u32 {
    match value {
        Value::Str(text) => u32::try_from(text.len()).unwrap_or(u32::MAX),
        Value::Seq(parts) | Value::Variant(_, parts) => {
            parts.iter().map(in_value).max().unwrap_or(0)
        }
        _ => 0,
    }
}

fn in_native(ty: &NativeType) -> u32 {
    match ty {
        NativeType::Str { max } => *max,
        NativeType::Path => PATH_MAX,
        NativeType::Host | NativeType::HeaderName | NativeType::Zone => NAME_MAX,
        NativeType::Opt(of) | NativeType::List(of, _) => in_native(of),
        NativeType::Key | NativeType::Values => STRING_LIMIT,
        NativeType::Bool
        | NativeType::Int { .. }
        | NativeType::Float
        | NativeType::Bytes
        | NativeType::Duration
        | NativeType::Instant
        | NativeType::Date
        | NativeType::Percent { .. }
        | NativeType::Ip
        | NativeType::Cidr => 0,
    }
}
