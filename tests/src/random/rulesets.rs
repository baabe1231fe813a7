//! Random rule sets of many rules over a few fields of every kind: what a rule set's index is made for.
//!
//! Values come from small pools, so that rules overlap, shadow one another and match often.

use std::fmt::Write;

use super::Rng;

const HEAD: &str = r#"edition 2026
module searched
use std.http.{Method}

type Digit = Int in 0 .. 9
enum Kind { ride, order, refund, signup, ping, sized(w: Int in 0 .. 9) }
record Event {
  kind: Kind
  method: Method
  n: Int in 0 .. 60
  m: Int in -20 .. 20
  host: Host
  path: Path
  text: String
  ip: Ip
  flag: Bool
  o: Digit?
  t: String?
  tags: Values
}

"#;

const KINDS: [&str; 5] = ["ride", "order", "refund", "signup", "ping"];
const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "PUT", "DELETE"];
const HOSTS: [&str; 6] = [
    "a.example",
    "b.example",
    "api.a.example",
    "api.b.example",
    "c.test",
    "x.c.test",
];
const PATTERNS: [&str; 9] = [
    "/", "/a", "/a/**", "/a/*", "/*/b", "/*/b/**", "/a/b/*", "/c/**", "/**",
];
const PATHS: [&str; 8] = ["/", "/a", "/a/", "/a/b", "/a/b/c", "/c", "/c/b", "/d/b/e"];
const TEXTS: [&str; 7] = ["", "a", "ab", "abc", "b", "ba", "c_12"];
const REGEXES: [&str; 5] = ["a[a-c]*", "[^a]*", "c_[0-9]+", "(a|b)+", ".?b.?"];
const GLOBS: [&str; 5] = ["a*", "*b", "*", "a*c", "?"];
const IPS: [&str; 5] = ["10.0.0.1", "10.1.0.1", "192.168.0.1", "2001:db8::1", "::1"];
const NETS: [&str; 5] = [
    "10.0.0.0/8",
    "10.1.0.0/16",
    "192.168.0.0/24",
    "2001:db8::/32",
    "0.0.0.0/0",
];

/// The source of a rule set `decide(e: Event)`.
pub(super) fn program(rng: &mut Rng) -> String {
    let mut out = String::from(HEAD);
    let rules = match rng.below(10) {
        0 => 60 + rng.below(140),
        1..4 => 20 + rng.below(40),
        _ => 4 + rng.below(16),
    };
    let policy = rng.below(7);
    let (result, hit) = [
        ("Int in -1000 .. 1000", "first"),
        ("Int in -1000 .. 1000", "any"),
        ("[Int in -1000 .. 1000]", "all"),
        ("Int", "sum"),
        ("Int in -1000 .. 1000", "best by (it)"),
        ("Int in -1000 .. 1000", "best by (mod(it, 7))"),
        ("Int in -1000 .. 1000", "best by (it + e.n)"),
    ][policy as usize];
    // Writing to a string does not fail.
    let _ = writeln!(out, "ruleset decide(e: Event) -> {result} hit {hit} {{");
    // Some sets ask of a few things only, and so become deep in one kind of access structure; some only what code asks in place.
    let kinds: Vec<u64> = match rng.below(3) {
        0 => (0..1 + rng.below(4)).map(|_| rng.below(ATOMS)).collect(),
        1 => (0..ATOMS).collect(),
        _ => IN_PLACE.into(),
    };
    let mut set = Set { rng, kinds, policy };
    let mut rule = 0;
    while rule < rules {
        if set.rng.below(8) == 0 {
            let _ = writeln!(out, "  group when {} {{", set.condition(2));
            for _ in 0..1 + set.rng.below(6) {
                set.rule(&mut out, "    ", rule);
                rule += 1;
            }
            out.push_str("  }\n");
        } else {
            set.rule(&mut out, "  ", rule);
            rule += 1;
        }
    }
    if !matches!(policy, 2 | 3) {
        out.push_str("  otherwise 7\n");
    }
    out.push_str("}\n");
    out
}

/// A rule set in the making.
struct Set<'r> {
    rng: &'r mut Rng,
    /// The kinds of atom that its conditions are made of.
    kinds: Vec<u64>,
    policy: u64,
}

impl Set<'_> {
    fn rule(&mut self, out: &mut String, indent: &str, rule: u64) {
        let then = self.outcome(rule);
        let more = match self.policy == 2 && self.rng.below(6) == 0 {
            true => format!(" then {}", self.outcome(rule)),
            false => String::new(),
        };
        let when = self.condition(3);
        let _ = writeln!(out, "{indent}rule r{rule} when {when} then {then}{more}");
    }

    /// Mostly constants; under `any` all agree.
    fn outcome(&mut self, rule: u64) -> String {
        match (self.policy, self.rng.below(5)) {
            (1, _) => "7".into(),
            (_, 0) => format!("e.n + {}", self.rng.below(9)),
            (4.., _) => self.rng.below(20).to_string(),
            _ => rule.to_string(),
        }
    }

    fn condition(&mut self, depth: u64) -> String {
        let atoms = 1 + self.rng.below(depth + 1);
        let atoms = (0..atoms).map(|_| match (depth, self.rng.below(12)) {
            (1.., 0) => {
                let (a, b) = (self.condition(depth - 1), self.condition(depth - 1));
                format!("({a} or {b})")
            }
            (1.., 1) => format!("not ({})", self.condition(depth - 1)),
            _ => atom(*self.rng.pick(&self.kinds), self.rng),
        });
        atoms.collect::<Vec<_>>().join(" and ")
    }
}

fn some(of: &[&str], rng: &mut Rng) -> String {
    let count = 1 + rng.below(3);
    let chosen: Vec<&str> = (0..count).map(|_| pick(of, rng)).collect();
    chosen.join(", ")
}

fn quoted(of: &[&str], rng: &mut Rng) -> String {
    let count = 1 + rng.below(3);
    let chosen = (0..count).map(|_| format!("{:?}", pick(of, rng)));
    chosen.collect::<Vec<_>>().join(", ")
}

fn pick<'t>(of: &[&'t str], rng: &mut Rng) -> &'t str {
    of[rng.below(of.len() as u64) as usize]
}

/// Kinds of atom.
const ATOMS: u64 = 24;
/// Those that machine code asks with a few instructions.
const IN_PLACE: [u64; 14] = [0, 1, 3, 4, 5, 6, 7, 8, 10, 11, 14, 15, 19, 20];

fn atom(kind: u64, rng: &mut Rng) -> String {
    let n = rng.below(61);
    let m = rng.below(41) as i64 - 20;
    match kind {
        0 => format!("e.kind == {}", pick(&KINDS, rng)),
        1 => format!("e.kind in {{{}}}", some(&KINDS, rng)),
        2 => format!("e.kind is sized({} .. 9)", rng.below(9)),
        3 => format!("e.method in {{{}}}", some(&METHODS, rng)),
        4 => format!("e.n == {n}"),
        5 => format!("e.n in {n} .. {}", n + rng.below(30)),
        6 => format!("e.n >= {n}"),
        7 => format!("e.n in {{{n}, {}}}", rng.below(61)),
        8 => format!("e.m < {m}"),
        9 => format!("e.m + e.n > {n}"),
        10 => format!("e.host == {:?}", pick(&HOSTS, rng)),
        11 => format!("e.host in {{{}}}", quoted(&HOSTS, rng)),
        12 => format!("e.host matches glob\"*.{}\"", pick(&HOSTS, rng)),
        13 | 14 => format!("e.path matches p\"{}\"", pick(&PATTERNS, rng)),
        15 => format!("e.text == {:?}", pick(&TEXTS, rng)),
        16 => format!("e.text.starts_with({:?})", pick(&TEXTS, rng)),
        17 => format!("e.text matches re\"{}\"", pick(&REGEXES, rng)),
        18 => format!("e.text matches glob\"{}\"", pick(&GLOBS, rng)),
        19 => format!("e.ip in ip\"{}\"", pick(&NETS, rng)),
        20 => "e.flag".into(),
        21 => format!("(e.o ?? {}) > {}", rng.below(9), rng.below(9)),
        22 => format!("(e.t ?? \"b\") == {:?}", pick(&TEXTS, rng)),
        _ => format!("(any(v in e.tags where v == {:?}))", pick(&TEXTS, rng)),
    }
}

/// The JSON of an event.
pub(super) fn input(rng: &mut Rng) -> String {
    let kind = match rng.below(6) {
        0 => format!(r#"{{"sized":{{"w":{}}}}}"#, rng.below(10)),
        _ => format!("{:?}", pick(&KINDS, rng)),
    };
    let mut out = format!(
        r#"{{"kind":{kind},"method":{:?},"n":{},"m":{},"host":{:?},"path":{:?},"text":{:?},"ip":{:?},"flag":{}"#,
        pick(&METHODS, rng),
        rng.below(61),
        rng.below(41) as i64 - 20,
        pick(&HOSTS, rng),
        pick(&PATHS, rng),
        pick(&TEXTS, rng),
        pick(&IPS, rng),
        rng.below(2) == 0,
    );
    if rng.below(2) == 0 {
        let _ = write!(out, r#","o":{}"#, rng.below(10));
    }
    if rng.below(2) == 0 {
        let _ = write!(out, r#","t":{:?}"#, pick(&TEXTS, rng));
    }
    let _ = write!(out, r#","tags":[{}]}}"#, quoted(&TEXTS, rng));
    out
}
