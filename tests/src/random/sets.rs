//! Random rule sets.

use super::exprs::{Exprs, Ty, Var};
use super::{Rng, shapes};

const TYPES: &str = r#"edition 2026
module random

enum E { Red, Blue, sized(w: Int in 0 .. 100), named(label: String, at: Int in 0 .. 9) }
enum N { leaf(n: Int_50), wrap(e: E, flag: Bool), empty }
const utc = tz"UTC"
const sg = tz"Asia/Singapore"
record Q { x: Int in 0 .. 9, y: String? }
record R {
  n: Int in -1000 .. 1000
  m: Int_100?
  s: String
  o: String?
  b: Bool
  e: E
  g: N
  xs: [Int_50 ..4]
  ws: Values
  p: Percent in 0% .. 100%
  d: Duration in 0s .. 1h
  c: Money<SGD>
  path: Path
  ip: Ip
  t: Instant
  f: Float
  q: Q?
  h: Map<String, Digit ..16>
}
type Int_100 = Int in -100 .. 100
type Int_50 = Int in -50 .. 50
type Digit = Int in 0 .. 9
record Out { number: Int, text: String, colour: E, wait: Duration in 0s .. 1h }

fn twice(a: Int_100) -> Int in -200 .. 200 = a * 2
"#;

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
    let mut text = String::from(TYPES);
    text.push_str(&shapes::table(rng));
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
    let rules = 1 + rng.below(6);
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

pub(super) fn spine(exprs: &mut Exprs<'_>, asks: bool) -> String {
    let operands = 1 + exprs.rng.below(4);
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
            format!("Out(number: {number}, text: {text}, colour: {colour}, wait: {wait})")
        }
    }
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
