//! Random rule sets.

use super::exprs::{Exprs, Ty, Var};
use super::{Rng, shapes};

const TYPES: &str = r#"edition 2026
module random
use std.gateway.{weighted, rendezvous, shard_of, two_choices}
use std.overload.{rejection}

enum E { Red, Blue, sized(w: Int in 0 .. 100), named(label: String, at: Int in 0 .. 9) }
enum N { leaf(n: Int_50), wrap(e: E, flag: Bool), empty }
const utc = tz"UTC"
const sg = tz"Asia/Singapore"
record Q { x: Int in 0 .. 9, y: String? }
record R {
  n: Int in -1000 .. 1000
  w: Int
  m: Int_100?
  s: String
  l: String
  o: String?
  b: Bool
  e: E
  g: N
  xs: [Int_50 ..4]
  ws: Values
  p: Percent in 0% .. 100%
  u: Percent
  d: Duration in 0s .. 1h
  a: Duration
  c: Money<SGD>
  path: Path
  host: Host
  ip: Ip
  t: Instant
  f: Float
  q: Q?
  h: Map<String, Digit ..16>
}
type Int_100 = Int in -100 .. 100
type Int_50 = Int in -50 .. 50
type Digit = Int in 0 .. 9
record Out {
  number: Int
  text: String
  colour: E
  wait: Duration in 0s .. 1h
  ratio: Float = 0.0
  share: Percent = 0%
  price: Money<SGD> = 0.00 SGD
  span: Duration = 0s
  at: Instant = t"2026-11-01T00:00Z"
  wide: Int = 0
}

fn twice(a: Int_100) -> Int in -200 .. 200 = a * 2
"#;

/// What the rules of a program declare.
const NAMES: &[&str] = &["rated", "inner", "door", "decide"];

/// What a rule set gives.
#[derive(Clone, Copy)]
enum Outcome {
    Int,
    Str,
    Enum,
    Record,
}

/// A whole program with the entry `decide(r: R, k: Int in 0 .. 20)`.
pub(crate) fn program(rng: &mut Rng) -> String {
    let rules = rules(rng);
    format!("{TYPES}{rules}")
}

/// Several programs as one: each of `rules` with names of its own, behind types that all share.
pub(crate) fn together<'r>(rules: impl Iterator<Item = (u64, &'r str)>) -> String {
    let apart = rules.map(|(number, rules)| renamed(rules, number));
    TYPES.to_owned() + &apart.collect::<String>()
}

/// What one of the names of [`NAMES`] is called in the program of a number.
pub(crate) fn name(name: &str, number: u64) -> String {
    format!("{name}_{number}")
}

fn renamed(rules: &str, number: u64) -> String {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut text = String::with_capacity(rules.len());
    let mut rest = rules;
    while let Some(from) = rest.find(is_name) {
        let (between, behind) = rest.split_at(from);
        let (word, after) = behind.split_at(behind.find(|c| !is_name(c)).unwrap_or(behind.len()));
        text.push_str(between);
        match NAMES.contains(&word) {
            true => text.push_str(&name(word, number)),
            false => text.push_str(word),
        }
        rest = after;
    }
    text + rest
}

/// The rules of a program, which stand behind [`TYPES`].
pub(crate) fn rules(rng: &mut Rng) -> String {
    let mut text = shapes::table(rng);
    match rng.below(4) {
        0 => text.push_str(&ruleset(rng, "decide", false)),
        1 | 2 => {
            text.push_str(&ruleset(rng, "inner", false));
            text.push_str(&ruleset(rng, "decide", true));
        }
        _ => {
            text.push_str(&ruleset(rng, "inner", false));
            text.push_str(&shapes::pipeline(rng));
        }
    }
    text
}

/// A rule set; with `asks`, its rules may ask the rule set `inner`, which gives whole numbers.
fn ruleset(rng: &mut Rng, name: &str, asks: bool) -> String {
    let inner = name == "inner";
    let policy = if inner {
        "first"
    } else {
        *rng.pick(&["first", "first", "all", "sum", "best by (KEY)"])
    };
    let outcome = match policy {
        _ if inner => Outcome::Int,
        "sum" => Outcome::Int,
        _ => *rng.pick(&[Outcome::Int, Outcome::Str, Outcome::Enum, Outcome::Record]),
    };
    let (key, outcome) = match (policy, outcome) {
        ("best by (KEY)", Outcome::Record) => ("it.number", outcome),
        ("best by (KEY)", _) => ("it", Outcome::Int),
        _ => ("", outcome),
    };
    let ty = match outcome {
        Outcome::Int if inner => "Int in -1000 .. 1000",
        Outcome::Int => "Int",
        Outcome::Str => "String",
        Outcome::Enum => "E",
        Outcome::Record => "Out",
    };
    let result = if policy == "all" {
        format!("[{ty}]")
    } else {
        ty.to_owned()
    };
    let policy = policy.replace("KEY", key);
    let mut text =
        format!("\nruleset {name}(r: R, k: Int in 0 .. 20) -> {result} hit {policy} {{\n");
    let rules = few(rng, 6);
    let mut number = 0;
    while number < rules {
        if rng.one_in(5) {
            let mut exprs = Exprs::new(rng, Vec::new());
            let condition = spine(&mut exprs, asks);
            let scope = exprs.scope;
            text.push_str(&format!("  group when {condition} {{\n"));
            for _ in 0..1 + rng.below(2) {
                text.push_str(&rule(
                    rng,
                    number,
                    outcome,
                    policy == "all",
                    inner,
                    asks,
                    &scope,
                ));
                number += 1;
            }
            text.push_str("  }\n");
        } else {
            text.push_str(&rule(
                rng,
                number,
                outcome,
                policy == "all",
                inner,
                asks,
                &[],
            ));
            number += 1;
        }
    }
    if policy != "all" && policy != "sum" {
        let mut exprs = Exprs::new(rng, Vec::new());
        text.push_str(&format!(
            "  otherwise {}\n",
            value(&mut exprs, outcome, inner)
        ));
    }
    text.push_str("}\n");
    text
}

fn rule(
    rng: &mut Rng,
    number: u64,
    outcome: Outcome,
    all: bool,
    inner: bool,
    asks: bool,
    scope: &[Var],
) -> String {
    // Names bound by the group are v1, v2, …; those of the rule begin elsewhere.
    let mut exprs = Exprs::new(rng, scope.to_vec());
    for _ in 0..20 {
        exprs.fresh();
    }
    let condition = spine(&mut exprs, asks);
    let mut text = format!("  rule r{number}\n    when {condition}\n");
    let outcomes = if all && exprs.rng.one_in(3) { 2 } else { 1 };
    for _ in 0..outcomes {
        text.push_str(&format!("    then {}\n", value(&mut exprs, outcome, inner)));
    }
    text
}

/// Mostly one or two: what goes wrong between a few rules is found sooner in many small programs than in some large ones.
fn few(rng: &mut Rng, most: u64) -> u64 {
    match rng.one_in(3) {
        true => 1 + rng.below(most),
        false => 1 + rng.below(2),
    }
}

pub(super) fn spine(exprs: &mut Exprs<'_>, asks: bool) -> String {
    let operands = few(exprs.rng, 4);
    let mut parts: Vec<String> = (0..operands).map(|_| exprs.operand(2)).collect();
    if asks && exprs.rng.one_in(3) {
        let name = exprs.fresh();
        parts.push(format!("let {name} = inner(r, k)"));
        exprs.scope.push(Var {
            name,
            ty: Ty::Int(-1000, 1000),
        });
        parts.push(exprs.operand(1));
    }
    if exprs.rng.one_in(4) {
        let (name, n) = (exprs.fresh(), exprs.int(1).text);
        parts.push(format!("let {name} = rated(r.e, clamp({n}, -1000, 1000))"));
        exprs.scope.push(Var {
            name,
            ty: Ty::Int(-100, 100),
        });
        parts.push(exprs.operand(1));
    }
    parts.join("\n     and ")
}

fn value(exprs: &mut Exprs<'_>, outcome: Outcome, inner: bool) -> String {
    match outcome {
        Outcome::Int if inner => format!("clamp({}, -1000, 1000)", exprs.int(2).text),
        Outcome::Int => exprs.int(2).text,
        Outcome::Str => exprs.str(2),
        Outcome::Enum => variant(exprs),
        Outcome::Record => {
            let (number, text, colour) = (exprs.int(1).text, exprs.str(1), variant(exprs));
            let wait = if exprs.rng.one_in(4) {
                format!("jitter({}s, 60s)", exprs.rng.between(0, 60))
            } else {
                exprs.duration(1)
            };
            let more = exact(exprs);
            format!("Out(number: {number}, text: {text}, colour: {colour}, wait: {wait}{more})")
        }
    }
}

/// Some fields of values that are seen whole.
fn exact(exprs: &mut Exprs<'_>) -> String {
    let mut text = String::new();
    for _ in 0..exprs.rng.below(3) {
        let field = match exprs.rng.below(7) {
            0 | 1 => format!("ratio: {}", exprs.edge_float(2)),
            2 => format!("share: {}", exprs.share(2)),
            3 => format!("price: {}", exprs.price(2)),
            4 => format!("span: {}", exprs.span(2)),
            5 => format!("at: {}", exprs.edge_instant(2)),
            _ => format!("wide: {}", exprs.wide(2)),
        };
        let name = field.split(':').next().unwrap_or_default();
        if !text.contains(&format!(", {name}:")) {
            text.push_str(&format!(", {field}"));
        }
    }
    text
}

fn variant(exprs: &mut Exprs<'_>) -> String {
    match exprs.rng.below(5) {
        0 => "Red".into(),
        1 => "E.Blue".into(),
        2 => format!("sized(clamp({}, 0, 100))", exprs.int(1).text),
        3 => format!(
            "named({}, clamp({}, 0, 9))",
            exprs.str(1),
            exprs.int(1).text
        ),
        _ => "r.e".into(),
    }
}
