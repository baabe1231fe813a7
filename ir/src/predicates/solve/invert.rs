//! From the value of something computed to values of what it is computed from, where that is simple: a comparison of two
//! numbers, a sum, a difference. Whether it came out right is for the interpreter to say.

use tollgate_runtime::Value;

use super::domain::Kind;
use super::place::Input;
use super::witness::Draft;
use crate::instructions::Inst;
use crate::operand::Cc;
use crate::predicates::TermId;

/// How deep sums of sums are followed.
const MOST_DEPTH: u32 = 4;

/// What is known of terms while an input is drafted.
pub(super) struct Inverter<'a, 'm> {
    pub(super) input: &'a Input<'m>,
    /// The value of a term that is a feature, and whether it is asked for; `None` of other terms.
    pub(super) known: &'a dyn Fn(TermId) -> Option<(Value, bool)>,
    /// The value of a term that is the key of a map.
    pub(super) key: &'a dyn Fn(TermId) -> Option<Value>,
}

impl Inverter<'_, '_> {
    /// Lays down the value of a term, or of what it is computed from.
    pub(super) fn lay(&self, draft: &mut Draft, term: TermId, value: &Value) {
        match (self.input.terms.inst(term), value) {
            (Some(Inst::Icmp { cc, a, b }), Value::Bool(want)) => {
                let cc = if *want { *cc } else { cc.negate() };
                self.compare(draft, cc, *a, *b);
            }
            (_, Value::Int(wanted)) => self.number(draft, term, *wanted, 0),
            _ => {
                draft.set(self.input, term, value, self.key);
            }
        }
    }

    /// Moves one side so that a comparison holds, rather one of which nothing is asked.
    fn compare(&self, draft: &mut Draft, cc: Cc, a: TermId, b: TermId) {
        let (Some((x, x_asked)), Some((y, y_asked))) = (self.value(a, 0), self.value(b, 0)) else {
            return;
        };
        if cc.holds(x.cmp(&y)) {
            return;
        }
        let above = |v: i64, cc: Cc| match cc {
            Cc::Lt | Cc::Ne => v.saturating_add(1),
            Cc::Gt => v.saturating_sub(1),
            Cc::Le | Cc::Ge | Cc::Eq => v,
        };
        let right = (b, above(x, cc), y_asked);
        let left = (a, above(y, cc.swap()), x_asked);
        let ways = if y_asked {
            [left, right]
        } else {
            [right, left]
        };
        let way = ways.into_iter().find(|(term, to, _)| {
            self.input.terms.value(self.input.module, *term).is_none() && self.can_be(*term, *to)
        });
        if let Some((term, to, _)) = way {
            self.number(draft, term, to, 0);
        }
    }

    fn number(&self, draft: &mut Draft, term: TermId, wanted: i64, depth: u32) {
        let value = Value::Int(wanted);
        if draft.set(self.input, term, &value, self.key) || depth >= MOST_DEPTH {
            return;
        }
        let (a, b, back): (TermId, TermId, fn(i64, i64) -> i64) = match self.input.terms.inst(term)
        {
            Some(Inst::Iadd { a, b }) => (*a, *b, |wanted, other| wanted.saturating_sub(other)),
            Some(Inst::Isub { a, b }) => (*a, *b, i64::saturating_add),
            _ => return,
        };
        let (Some((x, x_asked)), Some((y, y_asked))) = (self.value(a, 0), self.value(b, 0)) else {
            return;
        };
        // a + b and a - b both give a from what is wanted and b; b comes from what is wanted and a.
        let from_b = (a, back(wanted, y), x_asked);
        let from_a = match self.input.terms.inst(term) {
            Some(Inst::Isub { .. }) => (b, x.saturating_sub(wanted), y_asked),
            _ => (b, wanted.saturating_sub(x), y_asked),
        };
        let ways = if x_asked {
            [from_a, from_b]
        } else {
            [from_b, from_a]
        };
        let free = ways.into_iter().find(|(term, to, _)| {
            self.input.terms.value(self.input.module, *term).is_none() && self.can_be(*term, *to)
        });
        if let Some((term, to, _)) = free {
            self.number(draft, term, to, depth + 1);
        }
    }

    /// The number that a term is, and whether it is asked to be that.
    fn value(&self, term: TermId, depth: u32) -> Option<(i64, bool)> {
        if let Some(constant) = self.input.terms.value(self.input.module, term) {
            return match *constant {
                Value::Int(v) => Some((v, true)),
                _ => None,
            };
        }
        let of = self.input.terms.strip(term);
        match (self.known)(of) {
            Some((Value::Int(v), asked)) => return Some((v, asked)),
            Some(_) => return None,
            None => {}
        }
        let (a, b, join): (TermId, TermId, fn(i64, i64) -> i64) = match self.input.terms.inst(of) {
            Some(Inst::Iadd { a, b }) if depth < MOST_DEPTH => (*a, *b, i64::saturating_add),
            Some(Inst::Isub { a, b }) if depth < MOST_DEPTH => (*a, *b, i64::saturating_sub),
            _ => {
                return match self.input.domain(of).there() {
                    Value::Int(v) => Some((v, false)),
                    _ => None,
                };
            }
        };
        let (x, x_asked) = self.value(a, depth + 1)?;
        let (y, y_asked) = self.value(b, depth + 1)?;
        Some((join(x, y), x_asked && y_asked))
    }

    fn can_be(&self, term: TermId, value: i64) -> bool {
        match self.input.domain(term).kind {
            Kind::Int(lo, hi) => lo <= value && value <= hi,
            _ => false,
        }
    }
}
