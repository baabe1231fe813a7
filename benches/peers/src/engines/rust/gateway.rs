//! The gateway by hand.

use rustc_hash::FxHashMap;
use tollgate_workloads::{Rule, Test, Value, Workload};

use super::is;
use crate::engines::words::bounds;
use crate::peer::{Engine, Source};

/// A rule, typed. The prefix ends with a slash.
struct Row {
    host: &'static str,
    prefix: String,
    methods: Vec<&'static str>,
    rest: Rest,
}

/// What few rules ask for.
struct Rest {
    env: Option<&'static str>,
    net: Option<(u32, u32)>,
}

/// A request, typed.
#[derive(Clone, Copy)]
pub struct Seen {
    host: &'static str,
    path: &'static str,
    method: &'static str,
    env: Option<&'static str>,
    client: u32,
}

fn row(rule: &'static Rule) -> Row {
    let (Test::Under(prefix), Test::OneOf(methods)) = (&rule.atoms[1].test, &rule.atoms[2].test)
    else {
        panic!("a gateway's rule asks for a prefix and methods");
    };
    let mut rest = Rest {
        env: None,
        net: None,
    };
    for atom in &rule.atoms[3..] {
        match &atom.test {
            Test::Inside(net, bits) => rest.net = Some(bounds(*net, *bits)),
            test => rest.env = Some(is(test)),
        }
    }
    Row {
        host: is(&rule.atoms[0].test),
        prefix: format!("{prefix}/"),
        methods: methods.iter().map(String::as_str).collect(),
        rest,
    }
}

fn seen(from: &'static dyn Source) -> Seen {
    let Value::Ip(client) = from.get(4) else {
        panic!("the client has an address");
    };
    Seen {
        host: from.get(0).text(),
        path: from.get(1).text(),
        method: from.get(2).text(),
        env: match from.get(3) {
            Value::Text(text) => Some(text),
            _ => None,
        },
        client: u32::from(*client),
    }
}

impl Rest {
    fn holds(&self, seen: &Seen) -> bool {
        (self.env.is_none() || self.env == seen.env)
            && self
                .net
                .is_none_or(|(lo, hi)| (lo..=hi).contains(&seen.client))
    }
}

pub struct Linear(Vec<Row>);

impl Linear {
    pub fn new(workload: &'static Workload) -> Linear {
        Linear(workload.rules.iter().map(row).collect())
    }
}

impl Engine for Linear {
    type Form = Seen;

    fn form(&self, from: &'static dyn Source) -> Seen {
        seen(from)
    }

    fn decide(&mut self, seen: &mut Seen, out: &mut Vec<u32>) {
        let rule = self.0.iter().position(|row| {
            row.host == seen.host
                && seen.path.starts_with(&row.prefix)
                && row.methods.contains(&seen.method)
                && row.rest.holds(seen)
        });
        out.extend(rule.map(|rule| rule as u32));
    }
}

/// Hash on the host; the few rules of a host stand together, methods as bits.
pub struct Index(FxHashMap<&'static str, Vec<Entry>>);

struct Entry {
    prefix: Box<str>,
    methods: u8,
    rule: u32,
    rest: Rest,
}

impl Index {
    pub fn new(workload: &'static Workload) -> Index {
        let mut hosts: FxHashMap<&str, Vec<Entry>> = FxHashMap::default();
        for (i, rule) in workload.rules.iter().enumerate() {
            let row = row(rule);
            hosts.entry(row.host).or_default().push(Entry {
                prefix: row.prefix.into(),
                methods: row.methods.iter().fold(0, |bits, m| bits | bit(m)),
                rule: i as u32,
                rest: row.rest,
            });
        }
        Index(hosts)
    }
}

fn bit(method: &str) -> u8 {
    match method {
        "GET" => 1,
        "HEAD" => 2,
        "POST" => 4,
        "PUT" => 8,
        "DELETE" => 16,
        _ => 0,
    }
}

impl Engine for Index {
    type Form = Seen;

    fn form(&self, from: &'static dyn Source) -> Seen {
        seen(from)
    }

    fn decide(&mut self, seen: &mut Seen, out: &mut Vec<u32>) {
        let Some(entries) = self.0.get(seen.host) else {
            return;
        };
        let method = bit(seen.method);
        let entry = entries.iter().find(|entry| {
            entry.methods & method != 0
                && seen.path.starts_with(&*entry.prefix)
                && entry.rest.holds(seen)
        });
        out.extend(entry.map(|entry| entry.rule));
    }
}
