//! Patterns as tests and bindings, and `match`.

use std::collections::BTreeMap;

use tollgate_ir::bug;
use tollgate_ir::entities::{Block, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::Jump;
use tollgate_ir::operand::Cc;
use tollgate_ir::types::{Type, TypeData};
use tollgate_runtime::Value;

use super::binders::Step;
use super::expr::bare_tags;
use super::func::FnLower;
use crate::hir::{CmpKind, Expr, Pattern};

/// Arms of a `match` from which on a `switch` is worth it.
const SWITCH_MIN: usize = 3;

/// Which values of the subject an arm can take, as far as a `switch` can tell.
enum Cases {
    /// Those with one of these tags, or these numbers.
    Some(Vec<i64>),
    /// All of them.
    All,
}

impl FnLower<'_, '_, '_> {
    /// Goes on, with what the pattern binds, when a value matches; leaves to `fail` otherwise. Without `fail` the value is known
    /// to match.
    pub(super) fn pattern(&mut self, pattern: &Pattern, val: Val, fail: Option<Block>) {
        if FnLower::is_one_test(pattern) {
            if let Some(fail) = fail
                && let Some(holds) = self.one_test(pattern, val)
            {
                self.go_on_if(holds, true, fail);
            }
            return;
        }
        match pattern {
            Pattern::Bind(local) => self.bind(*local, val),
            Pattern::Variant { tag, fields } => {
                if let Some(fail) = fail
                    && !self.is_only_variant(val)
                {
                    let holds = self.compare_tag(Cc::Eq, val, *tag);
                    self.go_on_if(holds, true, fail);
                }
                self.payload(*tag, fields, val, fail);
            }
            Pattern::List(items) => {
                if let Some(fail) = fail {
                    let len = self.b.ins(Inst::Len { a: val });
                    let wanted = self.b.iconst(items.len() as i64);
                    let holds = self.b.icmp(Cc::Eq, len, wanted);
                    self.go_on_if(holds, true, fail);
                }
                for (i, item) in items.iter().enumerate() {
                    if !matches!(item, Pattern::Any) {
                        let element = self.part(val, Step::Element(i as u32));
                        self.pattern(item, element, fail);
                    }
                }
            }
            Pattern::Some(inner) => {
                if let Some(fail) = fail {
                    let there = self.b.ins(Inst::IsSome { a: val });
                    self.go_on_if(there, true, fail);
                }
                if !matches!(**inner, Pattern::Any) {
                    let inside = self.part(val, Step::Present);
                    self.pattern(inner, inside, fail);
                }
            }
            Pattern::OneOf(choices) => {
                if let Some(fail) = fail {
                    self.one_of(choices, val, fail);
                }
            }
            Pattern::Any
            | Pattern::Value(_)
            | Pattern::Compare(..)
            | Pattern::Range(..)
            | Pattern::InCidr(_)
            | Pattern::None => {}
        }
    }

    /// Whether a pattern is one question without branches, and binds nothing.
    pub(super) fn is_one_test(pattern: &Pattern) -> bool {
        match pattern {
            Pattern::Any
            | Pattern::Value(_)
            | Pattern::Compare(..)
            | Pattern::Range(..)
            | Pattern::InCidr(_)
            | Pattern::None => true,
            Pattern::OneOf(choices) => {
                !choices.is_empty()
                    && (all_values(choices).is_some() || all_tags(choices).is_some())
            }
            Pattern::Variant { fields, .. } => {
                fields.iter().all(|(_, p)| matches!(p, Pattern::Any))
            }
            Pattern::Some(inner) => matches!(**inner, Pattern::Any),
            Pattern::Bind(_) | Pattern::List(_) => false,
        }
    }

    /// The answer to such a question; nothing where it is always yes.
    pub(super) fn one_test(&mut self, pattern: &Pattern, val: Val) -> Option<Val> {
        Some(match pattern {
            Pattern::Any => return None,
            Pattern::Value(value) => self.equals(val, value),
            Pattern::Compare(kind, cc, value) => self.compare_value(*kind, *cc, val, value),
            Pattern::Range(lo, hi) => {
                let (lo, hi) = (self.b.iconst(*lo), self.b.iconst(*hi));
                let above = self.b.icmp(Cc::Ge, val, lo);
                let below = self.b.icmp(Cc::Le, val, hi);
                self.b.ins(Inst::Band { a: above, b: below })
            }
            Pattern::InCidr(net) => {
                let a = self.b.konst(Type::CIDR, Value::Cidr(*net));
                self.b.ins(Inst::CidrHas { a, ip: val })
            }
            Pattern::None => {
                let there = self.b.ins(Inst::IsSome { a: val });
                self.b.ins(Inst::Bnot { a: there })
            }
            Pattern::Some(_) => self.b.ins(Inst::IsSome { a: val }),
            Pattern::Variant { tag, .. } => {
                if self.is_only_variant(val) {
                    return None;
                }
                self.compare_tag(Cc::Eq, val, *tag)
            }
            Pattern::OneOf(choices) => {
                if let Some(tags) = all_tags(choices) {
                    return Some(self.tag_among(val, &tags));
                }
                let of = self.b.ty(val);
                let set = self.b.module().types.intern(TypeData::Set(of));
                let values = all_values(choices).unwrap_or_default();
                let a = self.b.konst(set, Value::set(values));
                self.b.ins(Inst::Contains { a, item: val })
            }
            Pattern::Bind(_) | Pattern::List(_) => bug!("a pattern that binds is no single test"),
        })
    }

    /// `match`: a `switch` over the variants or numbers where the arms tell them apart, else arm after arm.
    pub(super) fn matching(&mut self, subject: &Expr, arms: &[(Pattern, Expr)], want: Type) -> Val {
        let subject = self.expr_alone(subject);
        let join = self.b.block(&[want]);
        let ty = self.b.ty(subject);
        let switchable = match self.kind(ty) {
            TypeData::Enum(_) | TypeData::Int if arms.len() >= SWITCH_MIN => {
                arms.iter().map(|(p, _)| cases(p)).collect()
            }
            _ => None,
        };
        match switchable {
            Some(cases) => self.switch(subject, arms, cases, want, join),
            None => self.arm_after_arm(subject, arms, want, join),
        }
        self.b.switch_to(join);
        self.b.block_params(join)[0]
    }

    fn arm_after_arm(&mut self, subject: Val, arms: &[(Pattern, Expr)], want: Type, join: Block) {
        let mark = self.enter();
        for (i, (pattern, value)) in arms.iter().enumerate() {
            // One of the arms matches: where all others did not, the last one does.
            let last = i + 1 == arms.len();
            let next = self.b.block(&[]);
            self.pattern(pattern, subject, (!last).then_some(next));
            let value = self.expr(value, want);
            self.b.jump(join, &[value]);
            self.leave(mark);
            self.b.switch_to(next);
        }
    }

    fn switch(
        &mut self,
        subject: Val,
        arms: &[(Pattern, Expr)],
        cases: Vec<Cases>,
        want: Type,
        join: Block,
    ) {
        // The arms each case may take, in order; the last of them is taken without asking.
        let mut chains: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        let mut others = None;
        for (i, case) in cases.into_iter().enumerate() {
            match case {
                Cases::Some(keys) => {
                    for key in keys {
                        let chain = chains.entry(key).or_default();
                        if !chain.last().is_some_and(|arm| takes_all(&arms[*arm].0)) {
                            chain.push(i);
                        }
                    }
                }
                Cases::All => {
                    for chain in chains.values_mut() {
                        if !chain.last().is_some_and(|arm| takes_all(&arms[*arm].0)) {
                            chain.push(i);
                        }
                    }
                    others = Some(i);
                    break;
                }
            }
        }
        let on = match self.b.ty(subject) {
            Type::INT => subject,
            _ => self.b.ins(Inst::Tag { a: subject }),
        };
        let from = self.b.current();
        let mut bodies: Vec<Option<Block>> = arms.iter().map(|_| None).collect();
        let mut body = |f: &mut Self, arm: usize| match bodies[arm] {
            Some(block) => block,
            None => *bodies[arm].insert(f.b.block(&[])),
        };
        let mut targets: Vec<(i64, Jump)> = Vec::new();
        let mark = self.enter();
        for (key, chain) in &chains {
            let start = self.b.block(&[]);
            self.b.switch_to(start);
            for (at, arm) in chain.iter().enumerate() {
                let (pattern, value) = &arms[*arm];
                let next = self.b.block(&[]);
                let fail = (at + 1 < chain.len()).then_some(next);
                match inner_fields(pattern) {
                    // It matches one case only, so its value stands here.
                    Some((tag, fields)) if !fields.is_empty() => {
                        self.payload(tag, fields, subject, fail);
                        let value = self.expr(value, want);
                        self.b.jump(join, &[value]);
                    }
                    _ => {
                        let block = body(self, *arm);
                        self.b.jump(block, &[]);
                    }
                }
                self.leave(mark);
                self.b.switch_to(next);
            }
            targets.push((*key, to(start)));
        }
        let default = match others {
            Some(arm) => to(body(self, arm)),
            // Every variant has its case, so that the last one can be the rest.
            None => match targets.pop() {
                Some((_, jump)) => jump,
                None => bug!("a match has an arm"),
            },
        };
        self.b.switch_to(from);
        self.b.switch(on, targets, default);
        for (arm, block) in bodies.iter().enumerate() {
            let Some(block) = block else { continue };
            let (pattern, value) = &arms[arm];
            self.b.switch_to(*block);
            if let Pattern::Bind(local) = pattern {
                self.bind(*local, subject);
            }
            let value = self.expr(value, want);
            self.b.jump(join, &[value]);
            self.leave(mark);
        }
    }

    fn payload(&mut self, tag: u32, fields: &[(u32, Pattern)], val: Val, fail: Option<Block>) {
        for (field, inner) in fields {
            if !matches!(inner, Pattern::Any) {
                let field = self.part(val, Step::Payload(tag, *field));
                self.pattern(inner, field, fail);
            }
        }
    }

    fn one_of(&mut self, choices: &[Pattern], val: Val, fail: Block) {
        let found = self.b.block(&[]);
        let mark = self.enter();
        for choice in choices {
            let next = self.b.block(&[]);
            self.pattern(choice, val, Some(next));
            self.b.jump(found, &[]);
            self.leave(mark);
            self.b.switch_to(next);
        }
        self.b.jump(fail, &[]);
        self.b.switch_to(found);
    }

    /// Whether a value equals a constant.
    fn equals(&mut self, val: Val, value: &Value) -> Val {
        let ty = self.b.ty(val);
        match (self.kind(ty), value) {
            (TypeData::Bool, Value::Bool(true)) => val,
            (TypeData::Bool, Value::Bool(false)) => self.b.ins(Inst::Bnot { a: val }),
            (TypeData::Int, _) => self.compare_value(CmpKind::Int, Cc::Eq, val, value),
            (TypeData::Float, _) => self.compare_value(CmpKind::Float, Cc::Eq, val, value),
            (TypeData::Str, _) => self.compare_value(CmpKind::Str, Cc::Eq, val, value),
            (TypeData::Enum(_), Value::Variant(tag, fields)) if fields.is_empty() => {
                self.compare_tag(Cc::Eq, val, *tag)
            }
            _ => self.compare_value(CmpKind::Same, Cc::Eq, val, value),
        }
    }

    fn compare_value(&mut self, kind: CmpKind, cc: Cc, a: Val, value: &Value) -> Val {
        let ty = self.b.ty(a);
        let b = self.constant(value, ty);
        match kind {
            CmpKind::Int => self.b.icmp(cc, a, b),
            CmpKind::Float => self.b.ins(Inst::Fcmp { cc, a, b }),
            CmpKind::Str => self.b.ins(Inst::Scmp { cc, a, b }),
            CmpKind::Same => {
                let same = self.b.ins(Inst::Same { a, b });
                if cc == Cc::Ne {
                    return self.b.ins(Inst::Bnot { a: same });
                }
                same
            }
        }
    }

    fn is_only_variant(&mut self, val: Val) -> bool {
        let ty = self.b.ty(val);
        match self.kind(ty) {
            TypeData::Enum(id) => self.b.module().types.enums[id].variants.len() == 1,
            _ => false,
        }
    }
}

fn to(block: Block) -> Jump {
    Jump {
        block,
        args: Vec::new(),
    }
}

/// The cases of a pattern's outermost question, if a `switch` can ask it.
fn cases(pattern: &Pattern) -> Option<Cases> {
    Some(match pattern {
        Pattern::Any | Pattern::Bind(_) => Cases::All,
        Pattern::Value(Value::Int(value)) => Cases::Some(vec![*value]),
        Pattern::Value(Value::Variant(tag, fields)) if fields.is_empty() => {
            Cases::Some(vec![(*tag).into()])
        }
        Pattern::Variant { tag, .. } => Cases::Some(vec![(*tag).into()]),
        Pattern::OneOf(choices) => {
            if let Some(tags) = all_tags(choices) {
                return Some(Cases::Some(tags.into_iter().map(Into::into).collect()));
            }
            let number = |value: Value| match value {
                Value::Int(value) => Some(value),
                _ => None,
            };
            let numbers = all_values(choices)?.into_iter().map(number);
            Cases::Some(numbers.collect::<Option<Vec<i64>>>()?)
        }
        _ => return None,
    })
}

/// Whether an arm takes every value of its cases.
fn takes_all(pattern: &Pattern) -> bool {
    inner_fields(pattern).is_none_or(|(_, fields)| {
        fields
            .iter()
            .all(|(_, p)| matches!(p, Pattern::Any | Pattern::Bind(_)))
    })
}

fn inner_fields(pattern: &Pattern) -> Option<(u32, &[(u32, Pattern)])> {
    match pattern {
        Pattern::Variant { tag, fields } => Some((*tag, fields)),
        _ => None,
    }
}

/// The values of a choice between values.
fn all_values(choices: &[Pattern]) -> Option<Vec<Value>> {
    let value = |p: &Pattern| match p {
        Pattern::Value(value) => Some(value.clone()),
        _ => None,
    };
    choices.iter().map(value).collect()
}

/// The variants of a choice between variants, whatever they hold.
fn all_tags(choices: &[Pattern]) -> Option<Vec<u32>> {
    let tag = |p: &Pattern| match p {
        Pattern::Variant { tag, fields }
            if fields.iter().all(|(_, p)| matches!(p, Pattern::Any)) =>
        {
            Some(*tag)
        }
        Pattern::Value(value) => bare_tags(std::slice::from_ref(value))?.first().copied(),
        _ => None,
    };
    choices.iter().map(tag).collect()
}
