//! The single condition and the score as functions, and a loop over questions for the rest.

use std::net::Ipv4Addr;

use regex::Regex;
use tollgate_workloads::{Rule, Segment, Test, Value, Workload};

use crate::engines::words::bounds;
use crate::peer::{Engine, Source, is_shed};

/// One condition of eight conjuncts.
pub struct Single {
    agent: Regex,
    net: (u32, u32),
}

impl Single {
    pub fn new(_: &Workload) -> Result<Single, String> {
        Ok(Single {
            agent: Regex::new(r"(Firefox|Chrome)/1[0-9][0-9]\.").map_err(|e| e.to_string())?,
            net: bounds(Ipv4Addr::new(10, 16, 0, 0), 12),
        })
    }
}

impl Engine for Single {
    type Form = &'static dyn Source;

    fn form(&self, from: &'static dyn Source) -> Self::Form {
        from
    }

    fn decide(&mut self, from: &mut Self::Form, out: &mut Vec<u32>) {
        let ip = |value: &Value| match value {
            Value::Ip(ip) => u32::from(*ip),
            _ => 0,
        };
        let holds = from.get(0).text() == "POST"
            && from.get(1).text().starts_with("/api/v2/")
            && matches!(from.get(2).text(), "gold" | "silver")
            && (self.net.0..=self.net.1).contains(&ip(from.get(3)))
            && from.get(4).int() >= 1024
            && self.agent.is_match(from.get(5).text())
            && *from.get(6) == Value::Bool(true)
            && from.get(7).text() != "internal.example.com";
        out.extend(holds.then_some(0));
    }
}

/// Twelve weighted conditions.
pub struct Shed;

impl Engine for Shed {
    type Form = &'static dyn Source;

    fn form(&self, from: &'static dyn Source) -> Self::Form {
        from
    }

    fn decide(&mut self, from: &mut Self::Form, out: &mut Vec<u32>) {
        let (method, path, tier) = (from.get(0).text(), from.get(1).text(), from.get(2).text());
        let known = *from.get(3) == Value::Bool(true);
        let (retries, bytes, age, load) = (
            from.get(4).int(),
            from.get(5).int(),
            from.get(6).int(),
            from.get(7).int(),
        );
        let checkout = path.starts_with("/checkout/");
        let points = [
            (checkout, 25),
            (path.starts_with("/cart/"), 15),
            (tier == "tier0", 10),
            (tier == "tier1", 5),
            (known, 10),
            (retries == 0, 5),
            (bytes <= 4096, 5),
            (matches!(method, "POST" | "PUT"), 5),
            (age >= 30, 5),
            (tier == "tier0" && known, 5),
            (retries <= 1 && age >= 365, 5),
            (method == "POST" && checkout, 5),
        ];
        let points = points
            .iter()
            .map(|(holds, weight)| i64::from(*holds) * weight)
            .sum();
        out.extend(is_shed(points, load).then_some(0));
    }
}

/// Rules as lists of questions, asked in turn.
pub struct Asked(&'static [Rule]);

impl Asked {
    pub fn new(workload: &'static Workload) -> Asked {
        Asked(&workload.rules)
    }
}

impl Engine for Asked {
    type Form = &'static dyn Source;

    fn form(&self, from: &'static dyn Source) -> Self::Form {
        from
    }

    fn decide(&mut self, from: &mut Self::Form, out: &mut Vec<u32>) {
        let matches = |rule: &Rule| {
            rule.atoms
                .iter()
                .all(|atom| holds(&atom.test, from.get(atom.field)))
        };
        out.extend(self.0.iter().position(matches).map(|rule| rule as u32));
    }
}

fn holds(test: &Test, value: &Value) -> bool {
    match (test, value) {
        (Test::Is(wanted), Value::Text(text)) => text == wanted,
        (Test::OneOf(wanted), Value::Text(text)) => wanted.contains(text),
        (Test::Under(prefix), Value::Text(path)) => path
            .strip_prefix(prefix.as_str())
            .is_some_and(|rest| rest.starts_with('/')),
        (Test::Between(lo, hi), Value::Int(n)) => (lo..=hi).contains(&n),
        (Test::Segments(pattern), Value::Text(path)) => fits(pattern, path),
        _ => false,
    }
}

fn fits(pattern: &[Segment], path: &str) -> bool {
    let mut path = path.split('/').skip(1).filter(|s| !s.is_empty());
    for segment in pattern {
        if *segment == Segment::Rest {
            return true;
        }
        let Some(text) = path.next() else {
            return false;
        };
        let fits = match segment {
            Segment::Literal(wanted) => text == wanted,
            Segment::Around(between) => text
                .find(between.as_str())
                .is_some_and(|at| at > 0 && at + between.len() < text.len()),
            _ => true,
        };
        if !fits {
            return false;
        }
    }
    path.next().is_none()
}
