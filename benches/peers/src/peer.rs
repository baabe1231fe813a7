//! What an engine has to do to be compared.

use std::hint::black_box;
use std::ops::Range;

use tollgate_workloads::{Field, Kind, Request, Value, Workload};

/// Where a request's values are read: a request as it is, or as a host has it.
pub trait Source {
    /// The value of the field of this number.
    fn get(&self, field: usize) -> &Value;
}

impl Source for Request {
    fn get(&self, field: usize) -> &Value {
        &self.0[field]
    }
}

/// A request as a server has it: what stands in headers is found by name, case folded, among others.
pub struct Http {
    fields: Vec<Field>,
    values: Vec<Value>,
    headers: Vec<(String, Value)>,
}

/// What a browser sends besides.
const OTHERS: [(&str, &str); 5] = [
    ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
    ("Accept-Encoding", "gzip, deflate, br"),
    ("Accept-Language", "en;q=0.8"),
    ("Cookie", "session=0123456789abcdef; theme=dark"),
    ("Content-Type", "application/json"),
];

impl Http {
    pub fn new(fields: &[Field], request: &Request) -> Http {
        let others = OTHERS
            .iter()
            .map(|(name, value)| ((*name).into(), Value::Text((*value).into())));
        let mut http = Http {
            fields: fields.to_vec(),
            values: request.0.clone(),
            headers: others.collect(),
        };
        for (field, value) in fields.iter().zip(&mut http.values) {
            if in_header(&field.kind) {
                let value = std::mem::replace(value, Value::Missing);
                if value != Value::Missing {
                    let (head, tail) = field.name.split_at(1);
                    http.headers.push((head.to_uppercase() + tail, value));
                }
            }
        }
        http
    }
}

fn in_header(kind: &Kind) -> bool {
    matches!(kind, Kind::Header | Kind::Host | Kind::Text)
}

impl Source for Http {
    fn get(&self, field: usize) -> &Value {
        let Field { name, kind } = &self.fields[field];
        if !in_header(kind) {
            return &self.values[field];
        }
        let header = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        header.map_or(&Value::Missing, |(_, value)| value)
    }
}

/// An engine that has taken the rules of a workload in. Workloads and requests live as long as the process, which spares every
/// engine a lifetime.
pub trait Engine {
    /// A request in the engine's own form.
    type Form;

    /// Brings a request into the engine's form.
    fn form(&self, from: &'static dyn Source) -> Self::Form;

    /// Decides, and tells the rules that decide in their order; a request that is shed is told as rule 0.
    fn decide(&mut self, form: &mut Self::Form, out: &mut Vec<u32>);

    /// Says whether answers are read from here on; an engine whose answers take long to read as numbers may leave it.
    fn read_answers(&mut self, _wanted: bool) {}

    /// Decides about a request of a host, whose marshalling counts. An engine that can read lazily does so.
    fn marshal(&mut self, from: &'static dyn Source, out: &mut Vec<u32>) {
        let mut form = self.form(from);
        self.decide(&mut form, out);
    }
}

/// An engine with its requests, ready to be measured.
pub trait Peer {
    /// Decides about the kept requests of a range. Answers are collected where they are wanted.
    fn kept(&mut self, range: Range<usize>, answers: Option<&mut Vec<Vec<u32>>>);

    /// As [`Peer::kept`], from the requests of a host.
    fn host(&mut self, requests: &'static [Http], answers: Option<&mut Vec<Vec<u32>>>);
}

/// Every [`Engine`] is measured in the same way.
pub struct Kept<E: Engine> {
    engine: E,
    forms: Vec<E::Form>,
    out: Vec<u32>,
}

impl<E: Engine + 'static> Kept<E> {
    pub fn boxed(engine: E, workload: &'static Workload) -> Box<dyn Peer> {
        let forms = workload.requests.iter().map(|r| engine.form(r)).collect();
        let out = Vec::new();
        Box::new(Kept { engine, forms, out })
    }
}

impl<E: Engine> Peer for Kept<E> {
    fn kept(&mut self, range: Range<usize>, mut answers: Option<&mut Vec<Vec<u32>>>) {
        self.engine.read_answers(answers.is_some());
        for form in &mut self.forms[range] {
            self.out.clear();
            self.engine.decide(form, &mut self.out);
            tell(&self.out, &mut answers);
        }
    }

    fn host(&mut self, requests: &'static [Http], mut answers: Option<&mut Vec<Vec<u32>>>) {
        self.engine.read_answers(answers.is_some());
        for request in requests {
            self.out.clear();
            self.engine.marshal(request, &mut self.out);
            tell(&self.out, &mut answers);
        }
    }
}

fn tell(out: &[u32], answers: &mut Option<&mut Vec<Vec<u32>>>) {
    match answers {
        Some(answers) => answers.push(out.to_vec()),
        None => {
            black_box(out);
        }
    }
}

/// How an engine that can only say whether a rule matches decides.
pub fn ask(
    workload: &Workload,
    out: &mut Vec<u32>,
    load: i64,
    mut matches: impl FnMut(usize) -> bool,
) {
    use tollgate_workloads::Policy;
    let mut hits = (0..workload.rules.len()).filter(|rule| matches(*rule));
    match workload.policy {
        Policy::First => out.extend(hits.next().map(|rule| rule as u32)),
        Policy::All => out.extend(hits.map(|rule| rule as u32)),
        Policy::Shed { .. } => {
            let points: i64 = hits.map(|rule| workload.rules[rule].weight).sum();
            if is_shed(points, load) {
                out.push(0);
            }
        }
    }
}

/// `points < 100 · (1 − load³)`, the load in percent.
pub fn is_shed(points: i64, load: i64) -> bool {
    points * 10_000 < 1_000_000 - load * load * load
}

/// The load of a request; zero where none is asked.
pub fn load(workload: &Workload, from: &dyn Source) -> i64 {
    match workload.policy {
        tollgate_workloads::Policy::Shed { load } => from.get(load).int(),
        _ => 0,
    }
}
