//! Conditions as far as they are patterns on places: what coverage and overlap can be judged by.

use std::borrow::Cow;

use tollgate_ir::operand::Cc;
use tollgate_runtime::pattern::{PathPattern, Segment};
use tollgate_runtime::{Pattern as TextPattern, Value};

use crate::hir::{CmpKind, Expr, ExprKind, LocalId, Pattern, Program, Rule, RuleSet};
use crate::types::ty::Ty;

/// A place in the input: a parameter, and fields selected from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Spot {
    local: LocalId,
    /// Field indices, outer first.
    fields: Vec<u32>,
}

/// A condition on one place.
pub(super) struct Fact<'s> {
    pub(super) spot: Spot,
    pub(super) pattern: Cow<'s, Pattern>,
}

/// A condition that a text matches.
pub(super) struct TextFact<'s> {
    pub(super) spot: Spot,
    pub(super) path: &'s PathPattern,
}

/// What is known of the condition of a rule.
pub(super) struct Conditions<'s> {
    pub(super) facts: Vec<Fact<'s>>,
    pub(super) texts: Vec<TextFact<'s>>,
    /// Whether the facts are the whole condition.
    pub(super) complete: bool,
}

impl Spot {
    /// Whether this is a whole parameter.
    pub(super) fn is_local(&self, local: LocalId) -> bool {
        self.local == local && self.fields.is_empty()
    }

    /// As an author writes it, `req.method`, and the declared type of what is there: what was proved in one rule says
    /// nothing about the others.
    pub(super) fn describe(&self, program: &Program, set: &RuleSet) -> (String, Ty) {
        let local = &set.locals[self.local];
        let mut text = local.name.to_string();
        let mut ty = &local.ty;
        for field in &self.fields {
            let Ty::Record(id) = ty else { break };
            let Some(field) = program.records[*id].fields.get(*field as usize) else {
                break;
            };
            text.push('.');
            text.push_str(&field.name);
            ty = &field.ty;
        }
        (text, ty.clone())
    }
}

/// The condition of a rule, groups included.
pub(super) fn of_rule<'s>(set: &'s RuleSet, rule: &'s Rule) -> Conditions<'s> {
    let mut found = Conditions {
        facts: Vec::new(),
        texts: Vec::new(),
        complete: true,
    };
    let mut group = rule.group;
    while let Some(id) = group {
        found.add(set, &set.groups[id].spine);
        group = set.groups[id].parent;
    }
    found.add(set, &rule.spine);
    found
}

impl<'s> Conditions<'s> {
    fn add(&mut self, set: &RuleSet, spine: &'s [Expr]) {
        for e in spine {
            if let Some((spot, pattern)) = fact(set, e) {
                self.facts.push(Fact { spot, pattern });
                continue;
            }
            self.complete = false;
            if let ExprKind::Matches(subject, TextPattern::Path(path), _) = &e.kind
                && let Some(spot) = spot(set, subject)
            {
                self.texts.push(TextFact { spot, path });
            }
        }
    }
}

fn spot(set: &RuleSet, e: &Expr) -> Option<Spot> {
    let mut fields = Vec::new();
    let mut at = e;
    loop {
        match &at.kind {
            ExprKind::Field(base, field) => {
                fields.push(*field);
                at = base;
            }
            ExprKind::Local(local) if set.params.contains(local) => {
                fields.reverse();
                return Some(Spot {
                    local: *local,
                    fields,
                });
            }
            _ => return None,
        }
    }
}

fn fact<'s>(set: &RuleSet, e: &'s Expr) -> Option<(Spot, Cow<'s, Pattern>)> {
    let value = |e: &Expr| match &e.kind {
        ExprKind::Const(value) => Some(value.clone()),
        // An enum value written in place.
        ExprKind::Variant(_, tag, fields) if fields.is_empty() => Some(Value::tag(*tag)),
        _ => None,
    };
    let (place, pattern) = match &e.kind {
        ExprKind::Is(subject, pattern) => {
            return Some((spot(set, subject)?, Cow::Borrowed(pattern)));
        }
        ExprKind::Compare(kind, cc, left, right) => match (value(left), value(right)) {
            (None, Some(v)) => (spot(set, left)?, compare(*kind, *cc, v)),
            (Some(v), None) => (spot(set, right)?, compare(*kind, cc.swap(), v)),
            _ => return None,
        },
        ExprKind::InRange(subject, low, high) => match (value(low)?, value(high)?) {
            (Value::Int(low), Value::Int(high)) => (spot(set, subject)?, Pattern::Range(low, high)),
            _ => return None,
        },
        ExprKind::Contains(all, one) => match &all.kind {
            ExprKind::Const(Value::Seq(values)) => {
                let values = values.iter().cloned().map(Pattern::Value).collect();
                (spot(set, one)?, Pattern::OneOf(values))
            }
            ExprKind::Set(parts) | ExprKind::List(parts) => {
                let values: Option<Vec<Pattern>> =
                    parts.iter().map(|p| value(p).map(Pattern::Value)).collect();
                (spot(set, one)?, Pattern::OneOf(values?))
            }
            _ => return None,
        },
        ExprKind::IsSome(subject) => (spot(set, subject)?, Pattern::Some(Box::new(Pattern::Any))),
        ExprKind::Local(_) | ExprKind::Field(..) => {
            (spot(set, e)?, Pattern::Value(Value::Bool(true)))
        }
        ExprKind::Not(inner) => match &inner.kind {
            ExprKind::IsSome(subject) => (spot(set, subject)?, Pattern::None),
            ExprKind::Local(_) | ExprKind::Field(..) => {
                (spot(set, inner)?, Pattern::Value(Value::Bool(false)))
            }
            _ => return None,
        },
        _ => return None,
    };
    Some((place, Cow::Owned(pattern)))
}

fn compare(kind: CmpKind, cc: Cc, value: Value) -> Pattern {
    match cc {
        Cc::Eq => Pattern::Value(value),
        _ => Pattern::Compare(kind, cc, value),
    }
}

/// Whether no value matches both patterns; `false` when that is not known.
pub(super) fn disjoint(a: &Pattern, b: &Pattern) -> bool {
    use Pattern as P;
    match (a, b) {
        (P::OneOf(all), other) | (other, P::OneOf(all)) => {
            all.iter().all(|one| disjoint(one, other))
        }
        (P::Value(v), P::Value(w)) => v != w,
        (P::Variant { tag, fields }, P::Value(Value::Variant(other, values)))
        | (P::Value(Value::Variant(other, values)), P::Variant { tag, fields }) => {
            let differs = |(i, p): &(u32, Pattern)| {
                values
                    .get(*i as usize)
                    .is_some_and(|v| disjoint(p, &P::Value(v.clone())))
            };
            tag != other || fields.iter().any(differs)
        }
        (P::Variant { tag: s, fields: a }, P::Variant { tag: t, fields: b }) => {
            let of = |i: u32| b.iter().find(|(j, _)| *j == i);
            s != t
                || a.iter()
                    .any(|(i, p)| of(*i).is_some_and(|(_, q)| disjoint(p, q)))
        }
        (P::None, P::Some(_)) | (P::Some(_), P::None) => true,
        (P::None, P::Value(v)) | (P::Value(v), P::None) => *v != Value::None,
        (P::Some(p), P::Some(q)) => disjoint(p, q),
        (P::Some(p), P::Value(v)) | (P::Value(v), P::Some(p)) => {
            *v == Value::None || disjoint(p, &P::Value(v.clone()))
        }
        (P::List(a), P::List(b)) => {
            a.len() != b.len() || a.iter().zip(b).any(|(p, q)| disjoint(p, q))
        }
        (P::InCidr(net), P::Value(Value::Ip(ip))) | (P::Value(Value::Ip(ip)), P::InCidr(net)) => {
            !net.has(*ip)
        }
        (P::InCidr(a), P::InCidr(b)) => !a.has(b.base()) && !b.has(a.base()),
        (P::Compare(_, Cc::Ne, v), P::Value(w)) | (P::Value(w), P::Compare(_, Cc::Ne, v)) => v == w,
        _ => match (span(a), span(b)) {
            (Some(a), Some(b)) => a.before(&b) || b.before(&a),
            _ => false,
        },
    }
}

/// Whether no path matches both patterns; `false` when that is not known.
pub(super) fn paths_disjoint(a: &PathPattern, b: &PathPattern) -> bool {
    let (m, n) = (a.segments().len(), b.segments().len());
    let too_short = (m < n && !a.is_open()) || (n < m && !b.is_open());
    let differ = |(a, b): (&Segment, &Segment)| match (a, b) {
        (Segment::Literal(a), Segment::Literal(b)) => a != b,
        _ => false,
    };
    too_short || a.segments().iter().zip(b.segments()).any(differ)
}

/// The values from one bound to another, in the order of values.
pub(super) struct Bounds<'p> {
    low: Option<(Cow<'p, Value>, bool)>,
    high: Option<(Cow<'p, Value>, bool)>,
}

impl Bounds<'_> {
    /// The whole numbers it holds, both ends included.
    pub(super) fn ints(&self) -> Option<(i64, i64)> {
        let end = |bound: &Option<(Cow<'_, Value>, bool)>, open: i64, step: i64| match bound {
            None => Some(open),
            Some((value, included)) => match **value {
                Value::Int(n) if *included => Some(n),
                Value::Int(n) => Some(n.saturating_add(step)),
                _ => None,
            },
        };
        if self.low.is_none() && self.high.is_none() {
            return None;
        }
        Some((end(&self.low, i64::MIN, 1)?, end(&self.high, i64::MAX, -1)?))
    }

    /// Whether all of this lies before all of the other.
    fn before(&self, other: &Bounds<'_>) -> bool {
        if let (Some((_, high)), Some((low, _))) = (self.ints(), other.ints()) {
            return high < low;
        }
        match (&self.high, &other.low) {
            (Some((high, high_in)), Some((low, low_in))) => {
                high < low || (high == low && !(*high_in && *low_in))
            }
            _ => false,
        }
    }
}

/// What a pattern says about the order of a value.
pub(super) fn span(pattern: &Pattern) -> Option<Bounds<'_>> {
    let of = |value: &'_ Value| Cow::Owned(value.clone());
    Some(match pattern {
        Pattern::Value(v) => Bounds {
            low: Some((Cow::Borrowed(v), true)),
            high: Some((Cow::Borrowed(v), true)),
        },
        Pattern::Range(low, high) => Bounds {
            low: Some((of(&Value::Int(*low)), true)),
            high: Some((of(&Value::Int(*high)), true)),
        },
        Pattern::Compare(_, cc, v) => {
            let bound = |included| Some((Cow::Borrowed(v), included));
            let (low, high) = match cc {
                Cc::Lt => (None, bound(false)),
                Cc::Le => (None, bound(true)),
                Cc::Gt => (bound(false), None),
                Cc::Ge => (bound(true), None),
                Cc::Eq => (bound(true), bound(true)),
                Cc::Ne => return None,
            };
            Bounds { low, high }
        }
        _ => return None,
    })
}
