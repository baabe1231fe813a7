//! An input in the making: what is laid down where features read, over an input that there is or over the simplest one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tollgate_runtime::schema::{Schema, Type, TypeId};
use tollgate_runtime::{Arena, Value, json};

use super::domain::{simplest, variant};
use super::place::{At, Input, Place, Root, Step};
use crate::instructions::Inst;
use crate::predicates::TermId;

/// Most elements that a list is given because its length is asked for.
const MOST_ELEMENTS: usize = 4_096;

/// What is laid down at one place and below it.
#[derive(Clone, Default, Debug)]
pub(super) struct Node {
    pub(super) whole: Option<Value>,
    tag: Option<u32>,
    len: Option<usize>,
    pub(super) below: BTreeMap<Step, Node>,
}

/// An input, as far as features say something about it.
#[derive(Clone, Default, Debug)]
pub(super) struct Draft {
    pub(super) roots: BTreeMap<Root, Node>,
    /// Whether it changes facts that there are: what a map or list is not to hold is then taken out, and data stays.
    pub(super) changes: bool,
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
        // What the host gives beside the facts stays as it is.
        if self.changes && matches!(place.root, Root::Data(_)) {
            return false;
        }
        // What a map or list does not hold is not laid down.
        let held = matches!(place.steps.last(), Some(Step::Key(_) | Step::Item(_)));
        if *value == Value::None && held && !self.changes {
            return true;
        }
        let exact = place.exact;
        let node = self.node(place);
        match (inst, value) {
            (Some(true), Value::Int(tag)) => node.tag = u32::try_from(*tag).ok(),
            (Some(false), Value::Int(len)) => {
                node.len = usize::try_from(*len).ok().filter(|n| *n <= MOST_ELEMENTS);
            }
            (None, value) => {
                // What is computed does not overrule what is read.
                if exact || node.whole.is_none() {
                    node.whole = Some(value.clone());
                }
            }
            _ => return false,
        }
        true
    }

    /// What is laid down at a place.
    pub(super) fn node(&mut self, place: Place) -> &mut Node {
        let mut node = self.roots.entry(place.root).or_default();
        for step in place.steps {
            node = node.below.entry(step).or_default();
        }
        node
    }

    /// The value that is laid down for what is given: over `base` if there is one.
    pub(super) fn value(
        &self,
        input: &Input<'_>,
        root: Root,
        base: Option<&Value>,
    ) -> Option<Value> {
        let at = input.root(root)?;
        match self.roots.get(&root) {
            Some(node) => build(input, node, at, base),
            None => base.cloned().or_else(|| plain(input.schema, at)),
        }
    }

    /// The id and the time of a decision are those of its first parameter, where that has some.
    pub(super) fn settle(&mut self, input: &Input<'_>) {
        let (id, time) = input.schema.decision_inputs(input.params);
        for (root, field) in [(Root::Id, id), (Root::Time, time)] {
            let said = self.roots.get(&root).and_then(|node| node.whole.clone());
            if let (Some(value), Some(field)) = (said, field) {
                let own = self.node(Place {
                    root: Root::Param(0),
                    steps: vec![Step::Field(field as u32)],
                    exact: true,
                });
                own.whole.get_or_insert(value);
            }
        }
    }
}

impl Node {
    /// Lays another node over this one.
    pub(super) fn put_over(&mut self, other: &Node) {
        self.whole = other.whole.clone().or(self.whole.take());
        self.tag = other.tag.or(self.tag);
        self.len = other.len.or(self.len);
        for (step, node) in &other.below {
            self.below.entry(step.clone()).or_default().put_over(node);
        }
    }
}

/// The simplest value at a place.
pub(super) fn plain(schema: &Schema, at: At) -> Option<Value> {
    match at {
        At::Type(ty) => simplest(schema, ty),
        At::Value(_) => Some(Value::str("")),
    }
}

/// The value at a place, over `base`. Types are not recursive, so this ends.
fn build(input: &Input<'_>, node: &Node, at: At, base: Option<&Value>) -> Option<Value> {
    let schema = input.schema;
    let base = base.filter(|b| **b != Value::None);
    let At::Type(ty) = at else {
        let held = node.whole.clone().or_else(|| base.cloned());
        return held.or_else(|| plain(schema, at));
    };
    let empty = node.below.is_empty() && node.tag.is_none() && node.len.is_none();
    let (ty, ty_id) = match schema.get(ty) {
        Type::Opt(_) if empty && node.whole == Some(Value::None) => return Some(Value::None),
        Type::Opt(_) if empty && node.whole.is_none() => {
            return Some(base.cloned().unwrap_or(Value::None));
        }
        Type::Opt(of) => (schema.get(*of), *of),
        other => (other, ty),
    };
    let whole = match &node.whole {
        Some(Value::None) | None => None,
        Some(value) => Some(value.clone()),
    };
    let start = whole.clone().or_else(|| base.cloned());
    let below = |step: &Step, node: &Node, base: Option<&Value>| -> Option<Value> {
        build(input, node, input.step(At::Type(ty_id), step)?, base)
    };
    match ty {
        Type::Record(_) => {
            let Value::Seq(mut fields) = start.or_else(|| simplest(schema, ty_id))? else {
                return None;
            };
            for (step, node) in &node.below {
                if let Step::Field(n) = step {
                    let field = fields.get_mut(*n as usize)?;
                    *field = below(step, node, Some(field))?;
                }
            }
            Some(Value::Seq(fields))
        }
        Type::Enum(id) => {
            let asked = node.below.keys().find_map(|step| match step {
                Step::Payload(tag, _) => Some(*tag),
                _ => None,
            });
            let tag_of = |value: &Option<Value>| match value {
                Some(Value::Variant(tag, _)) => Some(*tag),
                _ => None,
            };
            let tag = node.tag.or(tag_of(&whole)).or(asked);
            let tag = tag.or(tag_of(&start)).unwrap_or(0);
            let start = match start {
                Some(value) if tag_of(&Some(value.clone())) == Some(tag) => value,
                _ => variant(schema, *id, tag)?,
            };
            let Value::Variant(tag, mut fields) = start else {
                return None;
            };
            for (step, node) in &node.below {
                if let Step::Payload(of, n) = step
                    && *of == tag
                {
                    let field = fields.get_mut(*n as usize)?;
                    *field = below(step, node, Some(field))?;
                }
            }
            Some(Value::Variant(tag, fields))
        }
        Type::Map { .. } => map(node, start, &below),
        Type::List { .. } | Type::Values { .. } => {
            list(input, At::Type(ty_id), node, start, &below)
        }
        _ => start.or_else(|| simplest(schema, ty_id)),
    }
}

/// Builds what stands at a step, over what stood there.
type Below<'b> = &'b dyn Fn(&Step, &Node, Option<&Value>) -> Option<Value>;

fn map(node: &Node, start: Option<Value>, below: Below<'_>) -> Option<Value> {
    let mut entries: BTreeMap<Value, Value> = BTreeMap::new();
    if let Some(Value::Seq(pairs)) = start {
        for [key, value] in pairs.as_chunks::<2>().0 {
            entries.insert(key.clone(), value.clone());
        }
    }
    for (step, node) in &node.below {
        let Step::Key(key) = step else { continue };
        let before = entries.remove(key);
        let absent = node.whole == Some(Value::None) && node.below.is_empty();
        let said =
            node.whole.is_some() || node.len.is_some_and(|n| n > 0) || !node.below.is_empty();
        if said && !absent {
            let value = below(step, node, before.as_ref())?;
            entries.insert(key.clone(), value);
        } else if !said {
            entries.extend(before.map(|before| (key.clone(), before)));
        }
    }
    Some(Value::map(entries))
}

fn list(
    input: &Input<'_>,
    at: At,
    node: &Node,
    start: Option<Value>,
    below: Below<'_>,
) -> Option<Value> {
    let mut items = match start {
        Some(Value::Seq(items)) => items.into_vec(),
        _ => Vec::new(),
    };
    let fill = input.step(at, &Step::Item(0))?;
    let mut least = node.len.unwrap_or(0);
    for (step, node) in &node.below {
        let Step::Item(n) = step else { continue };
        match node.whole {
            Some(Value::None) => items.truncate(*n as usize),
            _ => least = least.max(*n as usize + 1),
        }
    }
    items.truncate(node.len.unwrap_or(usize::MAX).max(least));
    while items.len() < least {
        items.push(plain(input.schema, fill)?);
    }
    for (step, node) in &node.below {
        if let Step::Item(n) = step
            && let Some(item) = items.get_mut(*n as usize)
            && node.whole != Some(Value::None)
        {
            *item = below(step, node, Some(item))?;
        }
    }
    Some(Value::seq(items))
}

/// Writes those parts of a value that a draft says something about.
pub(super) fn show(input: &Input<'_>, node: &Node, ty: TypeId, value: &Value, out: &mut String) {
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
            // Writing to a string does not fail.
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
