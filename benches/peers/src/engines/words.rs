//! What several engines' languages have in common.

use std::net::Ipv4Addr;

use tollgate_workloads::{Atom, Rule, Segment, Value, Workload};

/// A rule as an expression: every atom in the engine's words, joined.
pub fn joined(
    workload: &Workload,
    rule: &Rule,
    and: &str,
    atom: impl Fn(&str, &Atom) -> Result<String, String>,
) -> Result<String, String> {
    let atoms = rule
        .atoms
        .iter()
        .map(|a| atom(&workload.fields[a.field].name, a));
    Ok(atoms.collect::<Result<Vec<_>, _>>()?.join(and))
}

/// `"a", "b"`, with this quote and this between.
pub fn list(texts: &[String], quote: char, between: &str) -> String {
    let quoted = texts.iter().map(|t| format!("{quote}{t}{quote}"));
    quoted.collect::<Vec<_>>().join(between)
}

/// A network as the numbers it reaches from and to.
pub fn bounds(net: Ipv4Addr, bits: u8) -> (u32, u32) {
    let hosts = u32::MAX.checked_shr(bits.into()).unwrap_or(0);
    (u32::from(net) & !hosts, u32::from(net) | hosts)
}

/// A path pattern as a regular expression; `any` is the engine's class of what is no slash.
pub fn path_expression(segments: &[Segment], dot: &str) -> String {
    let mut out = String::from("^");
    for segment in segments {
        match segment {
            Segment::Literal(text) => out.push_str(&format!("/{}", text.replace('.', dot))),
            Segment::Any => out.push_str("/[^/]+"),
            Segment::Around(text) => {
                out.push_str(&format!("/[^/]+{}[^/]+", text.replace('.', dot)))
            }
            Segment::Rest => out.push_str("(/.*)?"),
        }
    }
    if segments.is_empty() {
        out.push('/');
    }
    out.push('$');
    out
}

/// A value for engines that know texts, integers and truth only: addresses are numbers, what is missing is empty.
pub enum Plain<'v> {
    Text(&'v str),
    Int(i64),
    Bool(bool),
}

pub fn plain(value: &Value) -> Plain<'_> {
    match value {
        Value::Text(text) => Plain::Text(text),
        Value::Ip(ip) => Plain::Int(u32::from(*ip).into()),
        Value::Int(n) => Plain::Int(*n),
        Value::Bool(b) => Plain::Bool(*b),
        Value::Missing => Plain::Text(""),
    }
}
