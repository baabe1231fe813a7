//! What must be decided: one rule after the other, one question after the other.

use std::net::Ipv4Addr;

use crate::{Answer, Atom, Policy, Request, Rule, Segment, Test, Value, Workload};

impl Workload {
    /// What must be decided about a request. Costs a step a rule; `Test::Holds` is answered for the one expression that there is.
    pub fn reference(&self, request: &Request) -> Answer {
        let matching = self
            .rules
            .iter()
            .enumerate()
            .filter(|(_, r)| matches(r, request));
        let mut matching = matching.map(|(i, rule)| (i as u32, rule));
        match self.policy {
            Policy::First => Answer::One(matching.next().map(|(i, _)| i)),
            Policy::All => Answer::Many(matching.map(|(i, _)| i).collect()),
            Policy::Shed { load } => {
                let points: i64 = matching.map(|(_, rule)| rule.weight).sum();
                let load = request.0[load].int();
                // points < 100 · (1 − (load / 100)³), without fractions.
                Answer::Shed(points * 10_000 < 1_000_000 - load * load * load)
            }
        }
    }
}

impl Atom {
    /// Whether a request that has its field answers it with yes.
    ///
    /// ```
    /// use tollgate_workloads::{Atom, Request, Test, Value};
    /// let large = Atom { field: 0, test: Test::AtLeast(100) };
    /// assert!(large.holds(&Request(vec![Value::Int(100)])));
    /// assert!(!large.holds(&Request(vec![Value::Int(99)])));
    /// ```
    pub fn holds(&self, request: &Request) -> bool {
        holds(&self.test, &request.0[self.field])
    }
}

fn matches(rule: &Rule, request: &Request) -> bool {
    rule.atoms.iter().all(|atom| atom.holds(request))
}

fn holds(test: &Test, value: &Value) -> bool {
    match (test, value) {
        (Test::Is(wanted), Value::Text(text)) => text == wanted,
        (Test::IsNot(other), Value::Text(text)) => text != other,
        (Test::OneOf(wanted), Value::Text(text)) => wanted.contains(text),
        (Test::Under(prefix), Value::Text(path)) => {
            let rest = path.strip_prefix(prefix.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        (Test::Segments(pattern), Value::Text(path)) => {
            let path: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
            has_segments(pattern, &path)
        }
        (Test::Holds(expression), Value::Text(text)) => holds_match(expression, text),
        (Test::Inside(net, bits), Value::Ip(ip)) => inside(*ip, *net, *bits),
        (Test::AtLeast(least), Value::Int(n)) => n >= least,
        (Test::Between(lo, hi), Value::Int(n)) => (lo..=hi).contains(&n),
        (Test::True, Value::Bool(b)) => *b,
        _ => false,
    }
}

fn has_segments(pattern: &[Segment], path: &[&str]) -> bool {
    match (pattern, path) {
        ([Segment::Rest], _) | ([], []) => true,
        ([first, pattern @ ..], [segment, path @ ..]) => {
            let fits = match first {
                Segment::Literal(text) => text == segment,
                Segment::Any => true,
                Segment::Around(between) => {
                    let mut places = segment.match_indices(between.as_str());
                    places.any(|(at, _)| at > 0 && at + between.len() < segment.len())
                }
                Segment::Rest => false,
            };
            fits && has_segments(pattern, path)
        }
        _ => false,
    }
}

fn inside(ip: Ipv4Addr, net: Ipv4Addr, bits: u8) -> bool {
    let shift = 32 - u32::from(bits);
    u32::from(ip) >> shift == u32::from(net) >> shift
}

/// The one expression of the workloads, `(A|B)/1dd\.`, read by hand: a library of expressions would have to be trusted.
fn holds_match(expression: &str, text: &str) -> bool {
    let form = "(Firefox|Chrome)/1[0-9][0-9]\\.";
    assert_eq!(expression, form, "the reference knows one expression");
    ["Firefox/1", "Chrome/1"].iter().any(|name| {
        let mut places = text
            .match_indices(name)
            .map(|(at, _)| &text[at + name.len()..]);
        places.any(|rest| {
            let rest = rest.as_bytes();
            matches!(rest, [a, b, b'.', ..] if a.is_ascii_digit() && b.is_ascii_digit())
        })
    })
}
