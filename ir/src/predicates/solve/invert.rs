//! From the value of something computed to values of what it is computed from, where that is simple: a comparison, a sum, a
//! difference, a function of one text, a quantifier over a list. Whether it came out right is for the interpreter to say.

use std::cell::RefCell;

use rustc_hash::FxHashMap;
use tollgate_runtime::{Arena, Cx, Native, Value};

use super::domain::Kind;
use super::draft::Draft;
use super::place::Input;
use crate::entities::FuncId;
use crate::instructions::Inst;
use crate::operand::Cc;
use crate::predicates::TermId;

/// How deep sums of sums, and functions of functions, are followed.
const MOST_DEPTH: u32 = 4;
/// Texts that are tried because a number is made of them, such as a bucket.
const MOST_NUMBERED: u32 = 300;
/// Longest text that is made because its length is asked for.
const MOST_BYTES: i64 = 64 * 1024;

/// What is known of terms while an input is drafted.
pub(super) struct Inverter<'a, 'm> {
    pub(super) input: &'a Input<'m>,
    /// The value of a term that is a feature, and whether it is asked for; `None` of other terms.
    pub(super) known: &'a dyn Fn(TermId) -> Option<(Value, bool)>,
    /// Whether a value passes all that is asked of a term.
    pub(super) allows: &'a dyn Fn(TermId, &Value) -> bool,
    /// The value of a term that is the key of a map.
    pub(super) key: &'a dyn Fn(TermId) -> Option<Value>,
    /// What was laid down so far, by terms.
    pub(super) laid: &'a RefCell<FxHashMap<TermId, Value>>,
    /// What was asked of the elements of lists and sets: these are laid down last, all of one list together.
    pub(super) wants: &'a RefCell<Vec<Want>>,
}

/// Something that is asked of the elements of a list or set.
#[derive(Clone, Debug)]
pub(super) struct Want {
    /// The list.
    pub(super) of: TermId,
    /// What one element is asked.
    pub(super) asks: Asks,
    /// Whether some element is to answer yes, or none.
    pub(super) want: bool,
}

/// What an element is asked.
#[derive(Clone, Debug)]
pub(super) enum Asks {
    /// A function of the element and of terms.
    Function(FuncId, Vec<TermId>),
    /// Whether it is this value.
    Is(Value),
}

impl Inverter<'_, '_> {
    /// Lays down the value of a term, or of what it is computed from; false when nothing could be laid down.
    pub(super) fn lay(&self, draft: &mut Draft, term: TermId, value: &Value) -> bool {
        self.lay_within(draft, term, value, 0)
    }

    fn lay_within(&self, draft: &mut Draft, term: TermId, value: &Value, depth: u32) -> bool {
        let Some(inst) = self.input.terms.inst(term).filter(|_| depth < MOST_DEPTH) else {
            return self.put(draft, term, value);
        };
        match (inst, value) {
            (Inst::Icmp { cc, a, b }, Value::Bool(want)) => {
                let cc = if *want { *cc } else { cc.negate() };
                self.compare(draft, cc, *a, *b)
            }
            (Inst::Scmp { cc, a, b } | Inst::Fcmp { cc, a, b }, Value::Bool(want)) => {
                let cc = if *want { *cc } else { cc.negate() };
                self.relate(draft, cc, *a, *b, depth)
            }
            (Inst::Same { a, b }, Value::Bool(want)) => {
                let cc = if *want { Cc::Eq } else { Cc::Ne };
                self.relate(draft, cc, *a, *b, depth)
            }
            (
                Inst::Any {
                    a, func, captured, ..
                },
                Value::Bool(want),
            ) => {
                let asks = Asks::Function(*func, captured.to_vec());
                self.wants.borrow_mut().push(Want {
                    of: self.input.terms.strip(*a),
                    asks,
                    want: *want,
                });
                true
            }
            (Inst::Contains { a, item }, Value::Bool(want)) => {
                let Some((item, _)) = self.any(*item) else {
                    return false;
                };
                self.wants.borrow_mut().push(Want {
                    of: self.input.terms.strip(*a),
                    asks: Asks::Is(item),
                    want: *want,
                });
                true
            }
            (Inst::Native { native, args }, value) => {
                let native = self.input.module.natives[*native];
                self.native(draft, term, native, args, value, depth) || self.put(draft, term, value)
            }
            (_, Value::Int(wanted)) => self.number(draft, term, *wanted, 0),
            _ => self.put(draft, term, value),
        }
    }

    fn put(&self, draft: &mut Draft, term: TermId, value: &Value) -> bool {
        let done = draft.set(self.input, term, value, self.key);
        if done {
            let term = self.input.terms.strip(term);
            self.laid.borrow_mut().insert(term, value.clone());
        }
        done
    }

    /// Moves one side so that a comparison of whole numbers holds, rather one of which nothing is asked.
    fn compare(&self, draft: &mut Draft, cc: Cc, a: TermId, b: TermId) -> bool {
        let (Some((x, x_asked)), Some((y, y_asked))) = (self.value(a, 0), self.value(b, 0)) else {
            return false;
        };
        if cc.holds(x.cmp(&y)) {
            return true;
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
        way.is_some_and(|(term, to, _)| self.number(draft, term, to, 0))
    }

    /// Moves one side so that a comparison of texts, floats or anything else holds.
    fn relate(&self, draft: &mut Draft, cc: Cc, a: TermId, b: TermId, depth: u32) -> bool {
        let (Some((x, x_asked)), Some((y, y_asked))) = (self.any(a), self.any(b)) else {
            return false;
        };
        if cc.holds(x.cmp(&y)) {
            return true;
        }
        let right = (b, &x, cc, y_asked);
        let left = (a, &y, cc.swap(), x_asked);
        let ways = if y_asked {
            [left, right]
        } else {
            [right, left]
        };
        ways.into_iter().any(|(term, other, cc, _)| {
            let fixed = self.input.terms.value(self.input.module, term).is_some();
            let mut to = beside(other);
            to.retain(|to| cc.holds(other.cmp(to)) && (self.allows)(term, to));
            !fixed
                && to
                    .iter()
                    .any(|to| self.lay_within(draft, term, to, depth + 1))
        })
    }

    /// Guesses what a native was given, from what it gave, and sees whether it gives that.
    fn native(
        &self,
        draft: &mut Draft,
        term: TermId,
        native: &Native,
        args: &[TermId],
        value: &Value,
        depth: u32,
    ) -> bool {
        let mut given: Vec<Value> = Vec::with_capacity(args.len());
        let mut open = Vec::new();
        for (i, arg) in args.iter().enumerate() {
            let constant = self.input.terms.value(self.input.module, *arg);
            match constant {
                Some(constant) => given.push(constant.into_owned()),
                None => {
                    open.push(i);
                    given.push(self.any(*arg).map_or(Value::None, |(value, _)| value));
                }
            }
        }
        let gives = |given: &[Value]| {
            let arena = Arena::new();
            let words: Vec<_> = given.iter().map(|v| v.word(&arena)).collect();
            let result = Value::of((native.call)(&Cx::new(&arena, "", 0), &words));
            // Of a term of which something is asked, any value that passes will do.
            result == *value
                || ((self.known)(term).is_some_and(|(_, asked)| asked)
                    && (self.allows)(term, &result))
        };
        open.into_iter().rev().any(|i| {
            let mut given = given.clone();
            let current = std::mem::replace(&mut given[i], Value::None);
            let beside: Vec<&str> = given.iter().filter_map(text).collect();
            guesses(value, &current, &beside).into_iter().any(|guess| {
                given[i] = guess.clone();
                (self.allows)(args[i], &guess)
                    && gives(&given)
                    && self.lay_within(draft, args[i], &guess, depth + 1)
            })
        })
    }

    fn number(&self, draft: &mut Draft, term: TermId, wanted: i64, depth: u32) -> bool {
        let value = Value::Int(wanted);
        if self.put(draft, term, &value) {
            return true;
        }
        if depth >= MOST_DEPTH {
            return false;
        }
        let (a, b, back): (TermId, TermId, fn(i64, i64) -> i64) = match self.input.terms.inst(term)
        {
            Some(Inst::Iadd { a, b }) => (*a, *b, |wanted, other| wanted.saturating_sub(other)),
            Some(Inst::Isub { a, b }) => (*a, *b, i64::saturating_add),
            Some(Inst::Native { native, args }) => {
                let native = self.input.module.natives[*native];
                return self.native(draft, term, native, args, &value, depth);
            }
            _ => return false,
        };
        let (Some((x, x_asked)), Some((y, y_asked))) = (self.value(a, 0), self.value(b, 0)) else {
            return false;
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
        free.is_some_and(|(term, to, _)| self.number(draft, term, to, depth + 1))
    }

    /// The number that a term is, and whether it is asked to be that.
    fn value(&self, term: TermId, depth: u32) -> Option<(i64, bool)> {
        let of = self.input.terms.strip(term);
        let join: fn(i64, i64) -> i64 = match self.input.terms.inst(of) {
            Some(Inst::Iadd { .. }) if depth < MOST_DEPTH => i64::saturating_add,
            Some(Inst::Isub { .. }) if depth < MOST_DEPTH => i64::saturating_sub,
            _ => return int(self.any(term)?),
        };
        if let Some(known) = (self.known)(of) {
            return int(known);
        }
        let (Inst::Iadd { a, b } | Inst::Isub { a, b }) = self.input.terms.inst(of)? else {
            return None;
        };
        let (x, x_asked) = self.value(*a, depth + 1)?;
        let (y, y_asked) = self.value(*b, depth + 1)?;
        Some((join(x, y), x_asked && y_asked))
    }

    /// The value of a term, and whether it is asked to be that.
    fn any(&self, term: TermId) -> Option<(Value, bool)> {
        if let Some(constant) = self.input.terms.value(self.input.module, term) {
            return Some((constant.into_owned(), true));
        }
        let of = self.input.terms.strip(term);
        let known = (self.known)(of);
        if let Some(laid) = self.laid.borrow().get(&of) {
            return Some((laid.clone(), known.is_some_and(|(_, asked)| asked)));
        }
        if known.is_some() {
            return known;
        }
        let there = self.input.domain(of).there();
        (there != Value::None).then_some((there, false))
    }

    fn can_be(&self, term: TermId, value: i64) -> bool {
        match self.input.domain(term).kind {
            Kind::Int(lo, hi) => lo <= value && value <= hi,
            _ => false,
        }
    }
}

fn int((value, asked): (Value, bool)) -> Option<(i64, bool)> {
    match value {
        Value::Int(v) => Some((v, asked)),
        _ => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Str(text) => Some(text),
        _ => None,
    }
}

/// The value itself, and values a little below and above it.
fn beside(value: &Value) -> Vec<Value> {
    let mut found = vec![value.clone()];
    match value {
        Value::Bool(v) => found.push(Value::Bool(!v)),
        Value::Int(v) => {
            found.extend(
                [v.checked_add(1), v.checked_sub(1)]
                    .into_iter()
                    .flatten()
                    .map(Value::Int),
            );
        }
        Value::Float(v) => found.extend([v + 1.0, v - 1.0].map(Value::Float)),
        Value::Str(v) => {
            let shorter = v.char_indices().next_back().map_or("", |(at, _)| &v[..at]);
            found.extend(
                [format!("{v}x"), shorter.into(), "x".into(), String::new()].map(Value::str),
            );
        }
        Value::None
        | Value::Bytes(_)
        | Value::Ip(_)
        | Value::Cidr(_)
        | Value::Seq(_)
        | Value::Variant(..) => {}
    }
    found
}

/// What a native may have been given to give `wanted`: what it has now, and what the commonest functions of texts undo.
fn guesses(wanted: &Value, current: &Value, others: &[&str]) -> Vec<Value> {
    let mut texts: Vec<String> = Vec::new();
    match wanted {
        Value::Str(of) => {
            texts.extend([
                of.to_string(),
                of.to_ascii_uppercase(),
                of.to_ascii_lowercase(),
            ]);
            let mut capital = of.to_string();
            if let Some(first) = capital.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            texts.extend([capital, format!(" {of}"), format!("{of} ")]);
            for other in others {
                texts.extend([format!("{of}{other}"), format!("{other}{of}")]);
                texts.push(format!("x{other}{of}"));
                if let Value::Str(now) = current {
                    texts.extend([format!("{of}{other}{now}"), format!("{now}{other}{of}")]);
                }
                texts.extend(of.strip_prefix(other).map(Into::into));
                texts.extend(of.strip_suffix(other).map(Into::into));
            }
        }
        Value::Int(length) if (0..=MOST_BYTES).contains(length) => {
            let length = *length as usize;
            texts.push("x".repeat(length));
            if let Value::Str(now) = current {
                let more = length.saturating_sub(now.len());
                texts.push(format!("{now}{}", "x".repeat(more)));
                texts.extend(now.get(..length).map(Into::into));
            }
        }
        Value::Int(_) => {}
        Value::Seq(parts) => {
            let parts: Option<Vec<&str>> = parts.iter().map(text).collect();
            for (parts, other) in parts.iter().zip(others) {
                texts.push(parts.join(other));
            }
        }
        Value::Bool(_) | Value::None => {
            texts.extend([String::new(), "x".into()]);
            texts.extend(others.iter().map(|other| (*other).to_owned()));
            texts.extend(others.iter().map(|other| format!("x{other}")));
        }
        _ => {}
    }
    if let Value::Int(_) = wanted {
        let now = match current {
            Value::Str(now) => now,
            _ => "",
        };
        texts.extend((1..=MOST_NUMBERED).map(|n| format!("{now}{n}")));
    }
    let mut guesses = vec![current.clone()];
    guesses.retain(|guess| *guess != Value::None);
    guesses.extend(texts.into_iter().map(Value::str));
    guesses
}
