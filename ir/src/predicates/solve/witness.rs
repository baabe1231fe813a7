//! From values of features to an input, and what the interpreter makes of it.
//!
//! The values are laid down where the features read; everything else is as simple as its type allows. The input is then
//! written as JSON and read back through the boundary, so that it is one a host could give, and the reference interpreter
//! says which conditions hold and which rules decide. What could not be laid down is left to chance, and shows there.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tollgate_runtime::schema::{Schema, Type, TypeId};
use tollgate_runtime::{Arena, Cx, Value, Word, json};

use super::domain::{simplest, variant};
use super::place::{At, Input, Root, Step};
use crate::entities::{RuleSetId, SiteId};
use crate::instructions::Inst;
use crate::interp::Interp;
use crate::module::{Module, Rule, Target};
use crate::predicates::TermId;

/// What is laid down at one place and below it.
#[derive(Default, Debug)]
struct Node {
    whole: Option<Value>,
    tag: Option<u32>,
    len: Option<usize>,
    below: BTreeMap<Step, Node>,
}

/// An input, as far as features say something about it.
#[derive(Default, Debug)]
pub(super) struct Draft {
    roots: BTreeMap<Root, Node>,
}

/// An input that shows something: the interpreter has confirmed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Those parts of the input that matter, as JSON: the parameter if there is one, else an object of them. Empty when
    /// every input will do.
    pub input: String,
    /// Data, the time and the id of the decision, where they matter: name and JSON.
    pub beside: Vec<(String, String)>,
}

/// What the interpreter said about an input.
#[derive(Debug)]
pub(super) struct Observed {
    /// For each rule asked, whether its groups and its condition hold.
    pub(super) holds: Vec<bool>,
    /// For each rule asked, its first outcome.
    pub(super) outcomes: Vec<Value>,
    /// What was marked.
    pub(super) by: Vec<SiteId>,
    pub(super) witness: Witness,
}

impl Draft {
    /// Lays down the value of a term; false when it cannot be.
    pub(super) fn set(
        &mut self,
        input: &Input<'_>,
        term: TermId,
        value: &Value,
        key: &dyn Fn(TermId) -> Option<Value>,
    ) -> bool {
        let (of, inst) = match input.terms.inst(term) {
            Some(Inst::Tag { a }) => (*a, Some(true)),
            Some(Inst::Len { a }) => (*a, Some(false)),
            _ => (term, None),
        };
        let Some(place) = input.place(of, key) else {
            return false;
        };
        // What a map or list does not hold is not laid down.
        if *value == Value::None && matches!(place.steps.last(), Some(Step::Key(_) | Step::Item(_)))
        {
            return true;
        }
        let mut node = self.roots.entry(place.root).or_default();
        for step in place.steps {
            node = node.below.entry(step).or_default();
        }
        match (inst, value) {
            (Some(true), Value::Int(tag)) => node.tag = u32::try_from(*tag).ok(),
            (Some(false), Value::Int(len)) => {
                node.len = usize::try_from(*len).ok().filter(|n| *n <= 4_096)
            }
            (None, value) => {
                // What is computed does not overrule what is read.
                if place.exact || node.whole.is_none() {
                    node.whole = Some(value.clone());
                }
            }
            _ => return false,
        }
        true
    }

    fn value(&self, input: &Input<'_>, root: Root) -> Option<Value> {
        let ty = input.root(root)?;
        match self.roots.get(&root) {
            Some(node) => build(input, node, At::Type(ty)),
            None => simplest(input.schema, ty),
        }
    }
}

fn plain(schema: &Schema, at: At) -> Option<Value> {
    match at {
        At::Type(ty) => simplest(schema, ty),
        At::Value(_) => Some(Value::str("")),
    }
}

/// The value at a place. Types are not recursive, so this ends.
fn build(input: &Input<'_>, node: &Node, at: At) -> Option<Value> {
    let schema = input.schema;
    let At::Type(ty) = at else {
        return node.whole.clone().or_else(|| plain(schema, at));
    };
    let empty = node.below.is_empty() && node.tag.is_none() && node.len.is_none();
    let (ty, ty_id) = match schema.get(ty) {
        Type::Opt(_) if empty && matches!(node.whole, None | Some(Value::None)) => {
            return Some(Value::None);
        }
        Type::Opt(of) => (schema.get(*of), *of),
        other => (other, ty),
    };
    let whole = match &node.whole {
        Some(Value::None) | None => None,
        Some(value) => Some(value.clone()),
    };
    let below = |step: &Step, node: &Node| -> Option<Value> {
        build(input, node, input.step(At::Type(ty_id), step)?)
    };
    match ty {
        Type::Record(_) => {
            let Value::Seq(mut fields) = whole.or_else(|| simplest(schema, ty_id))? else {
                return None;
            };
            for (step, node) in &node.below {
                if let Step::Field(n) = step {
                    *fields.get_mut(*n as usize)? = below(step, node)?;
                }
            }
            Some(Value::Seq(fields))
        }
        Type::Enum(id) => {
            let asked = node.below.keys().find_map(|step| match step {
                Step::Payload(tag, _) => Some(*tag),
                _ => None,
            });
            let held = match &whole {
                Some(Value::Variant(tag, _)) => Some(*tag),
                _ => None,
            };
            let tag = node.tag.or(held).or(asked).unwrap_or(0);
            let start = match whole {
                Some(value) if held == Some(tag) => value,
                _ => variant(schema, *id, tag)?,
            };
            let Value::Variant(tag, mut fields) = start else {
                return None;
            };
            for (step, node) in &node.below {
                if let Step::Payload(of, n) = step
                    && *of == tag
                {
                    *fields.get_mut(*n as usize)? = below(step, node)?;
                }
            }
            Some(Value::Variant(tag, fields))
        }
        Type::Map { .. } => {
            let mut entries = Vec::new();
            for (step, node) in &node.below {
                let Step::Key(key) = step else { continue };
                let said = node.whole.is_some()
                    || node.len.is_some_and(|n| n > 0)
                    || !node.below.is_empty();
                let absent = matches!(node.whole, Some(Value::None)) && node.below.is_empty();
                if said && !absent {
                    entries.push((key.clone(), below(step, node)?));
                }
            }
            match whole {
                Some(value) if entries.is_empty() => Some(value),
                _ => Some(Value::map(entries)),
            }
        }
        Type::List { .. } | Type::Values { .. } => {
            let mut items = match whole {
                Some(Value::Seq(items)) => items.into_vec(),
                _ => Vec::new(),
            };
            let fill = input.step(At::Type(ty_id), &Step::Item(0))?;
            let present = |(step, node): (&Step, &Node)| match step {
                Step::Item(n) if !matches!(node.whole, Some(Value::None)) => Some(*n as usize + 1),
                _ => None,
            };
            let least = node.below.iter().filter_map(present).max().unwrap_or(0);
            while items.len() < least.max(node.len.unwrap_or(0)) {
                items.push(plain(schema, fill)?);
            }
            for (step, node) in &node.below {
                if let Step::Item(n) = step
                    && let Some(item) = items.get_mut(*n as usize)
                    && !matches!(node.whole, Some(Value::None))
                {
                    *item = below(step, node)?;
                }
            }
            Some(Value::seq(items))
        }
        _ => whole.or_else(|| simplest(schema, ty_id)),
    }
}

/// Writes those parts of a value that a draft says something about.
fn show(input: &Input<'_>, node: &Node, ty: TypeId, value: &Value, out: &mut String) {
    let schema = input.schema;
    let inner = match schema.get(ty) {
        Type::Opt(of) if *value != Value::None => *of,
        _ => ty,
    };
    if let (Type::Record(id), Value::Seq(fields)) = (schema.get(inner), value)
        && node.whole.is_none()
    {
        let record = &schema.records[*id as usize];
        out.push('{');
        let mut comma = "";
        for (step, node) in &node.below {
            let Step::Field(n) = step else { continue };
            let n = *n as usize;
            let (Some(field), Some(value)) = (record.fields.get(n), fields.get(n)) else {
                continue;
            };
            let _ = write!(out, "{comma}\"{}\": ", field.name);
            show(input, node, field.ty, value, out);
            comma = ", ";
        }
        out.push('}');
        return;
    }
    let arena = Arena::new();
    json::encode(schema, ty, value.word(&arena), out);
}

/// What runs inputs: the program in the interpreter.
pub(super) struct Lab<'m> {
    pub(super) input: Input<'m>,
    pub(super) rules: RuleSetId,
    interp: Interp<&'m Module>,
}

impl<'m> Lab<'m> {
    pub(super) fn new(input: Input<'m>, rules: RuleSetId) -> Lab<'m> {
        Lab {
            input,
            rules,
            interp: Interp::new(input.module),
        }
    }

    /// Lets a draft in through the boundary and asks the interpreter; `None` when it is not let in.
    pub(super) fn observe(&self, draft: &Draft, asked: &[u32]) -> Option<Observed> {
        let input = &self.input;
        let arena = Arena::new();
        let mut words = Vec::new();
        let mut values = Vec::new();
        for n in 0..input.params.len() {
            let value = draft.value(input, Root::Param(n as u32))?;
            words.push(value.word(&arena));
            values.push(value);
        }
        let mut text = String::new();
        json::encode_fields(input.schema, input.params, &words, &mut text);
        let read = json::decode_params(input.schema, input.params, text.as_bytes(), &arena).ok()?;
        if read.words.iter().zip(&words).any(|(a, b)| !a.same(*b)) {
            return None;
        }
        let mut data = Vec::new();
        for n in 0..input.module.data.len() {
            let value = draft.value(input, Root::Data(n as u32));
            data.push(value.map_or(Word::None, |v| v.word(&arena)));
        }
        let said = |root| draft.roots.get(&root).and_then(|n| n.whole.clone());
        let time = match said(Root::Time) {
            Some(Value::Int(time)) => time,
            _ => 0,
        };
        let id = match said(Root::Id) {
            Some(Value::Str(id)) => id,
            _ => "".into(),
        };
        let mut cx = Cx::new(&arena, &id, time);
        cx.data = &data;
        let mut observed = Observed {
            holds: Vec::new(),
            outcomes: Vec::new(),
            by: Vec::new(),
            witness: self.witness(draft, &values),
        };
        let set = &input.module.rulesets[self.rules];
        for rule in asked {
            let rule = &set.rules[*rule as usize];
            observed.holds.push(self.holds(rule, &mut cx, read.words));
            let outcome = rule.outcomes.first().map_or(Word::None, |outcome| {
                self.interp.run(Target::Func(*outcome), &mut cx, read.words)
            });
            observed.outcomes.push(Value::of(outcome));
        }
        cx.marks.clear();
        self.interp
            .run(Target::Rules(self.rules), &mut cx, read.words);
        observed.by = cx.marks.iter().map(|m| SiteId(m.0)).collect();
        Some(observed)
    }

    fn holds<'a>(&'a self, rule: &Rule, cx: &mut Cx<'a>, args: &[Word<'a>]) -> bool {
        let set = &self.input.module.rulesets[self.rules];
        let mut conditions = Vec::new();
        let mut group = rule.group;
        while let Some(id) = group {
            conditions.push(set.groups[id].cond);
            group = set.groups[id].parent;
        }
        conditions.reverse();
        conditions.extend(rule.cond);
        conditions
            .into_iter()
            .all(|cond| self.interp.run(Target::Func(cond), cx, args).bool())
    }

    fn witness(&self, draft: &Draft, values: &[Value]) -> Witness {
        let input = &self.input;
        let mut shown: Vec<(&str, String)> = Vec::new();
        let mut beside = Vec::new();
        for (root, node) in &draft.roots {
            let mut out = String::new();
            match root {
                Root::Param(n) => {
                    let n = *n as usize;
                    let (Some(param), Some(value)) = (input.params.get(n), values.get(n)) else {
                        continue;
                    };
                    show(input, node, param.ty, value, &mut out);
                    shown.push((&param.name, out));
                }
                Root::Data(n) => {
                    let data = input.module.data.values().nth(*n as usize);
                    let (Some(data), Some(value)) = (data, draft.value(input, *root)) else {
                        continue;
                    };
                    if let Some(ty) = input.root(*root) {
                        show(input, node, ty, &value, &mut out);
                        beside.push((data.name.to_string(), out));
                    }
                }
                Root::Id => {
                    beside.extend(node.whole.as_ref().map(|v| ("id".into(), v.to_string())))
                }
                Root::Time => {
                    beside.extend(node.whole.as_ref().map(|v| ("time".into(), v.to_string())));
                }
            }
        }
        let input = match (&*shown, input.params.len()) {
            ([], _) => String::new(),
            ([(_, one)], 1) => one.clone(),
            (several, _) => {
                let members = several
                    .iter()
                    .map(|(name, json)| format!("\"{name}\": {json}"));
                format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
            }
        };
        Witness { input, beside }
    }
}
