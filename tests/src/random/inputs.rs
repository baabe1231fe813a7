//! Records for random programs: near the literals that programs compare with.

use super::Rng;
use super::exprs::{PATHS, WORDS};

/// The greatest whole number of an `Int`.
pub(crate) const LAST_INT: i64 = (1 << 53) - 1;
/// Texts where something ends: white space, letters that others fold, characters of two to four bytes, what is nearly a number.
pub(crate) const ODD: &[&str] = &[
    "",
    " ",
    " a\t",
    "\n",
    "\u{df}",
    "\u{130}",
    "\u{e9}",
    "e\u{301}",
    "\u{20ac}uro",
    "\u{1f600}",
    "\u{ffff}",
    "A_B",
    "0",
    "-0",
    "+7",
    "007",
    "1e3",
    "9007199254740991",
    "-9007199254740991",
    "9007199254740992",
    "9223372036854775808",
    "10.20.0.7",
    "::1",
    "2000-02-29",
    "1900-02-29",
    "1h30m",
    "2026-11-01T00:00:00Z",
    "Shop.Example:80",
];
/// Texts that are a number, a time, an address, a host, or nearly so.
const NEARLY: &[&str] = &[
    "9007199254740991",
    "-9007199254740991",
    "9007199254740992",
    "10.20.0.7",
    "::1",
    "2000-02-29",
    "1900-02-29",
    "1h30m",
    "2026-11-01T00:00:00Z",
    "Shop.Example:80",
];
/// Addresses at the ends of networks.
const IPS: &[&str] = &[
    "0.0.0.0",
    "255.255.255.255",
    "10.19.255.255",
    "10.20.0.0",
    "10.20.255.255",
    "10.21.0.0",
    "10.20.0.7",
    "127.0.0.1",
    "::",
    "::1",
    "::ffff:10.20.0.1",
    "2001:db8:20::",
    "2001:db8:20::1",
    "2001:db8:20:ffff:ffff:ffff:ffff:ffff",
    "2001:db8:21::",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];
/// Instants at the ends of years, of days that have 23 or 25 hours, and of time.
const INSTANTS: &[&str] = &[
    "1970-01-01T00:00:00Z",
    "2199-12-31T23:59:59.999999Z",
    "2026-03-29T00:59:59.999999Z",
    "2026-03-29T01:00:00Z",
    "2026-10-25T00:30:00Z",
    "2026-10-25T01:30:00Z",
    "2024-02-29T23:00:00Z",
    "2024-12-31T23:59:59Z",
];
/// Floats at the ends of their range, and those that become another on the way in.
const FLOATS: &[&str] = &[
    "0.0",
    "-0.0",
    "5e-324",
    "2.2250738585072014e-308",
    "1.7976931348623157e308",
    "-1.7976931348623157e308",
    "1e154",
    "-1e-200",
    "1e-160",
    "0.1",
    "9007199254740993",
];
const SHARES: &[&str] = &[
    "0%",
    "50%",
    "150%",
    "-50%",
    "-250%",
    "0.0000001%",
    "33.3333333%",
    "100000000%",
    "-100000000%",
];
const SPANS: &[&str] = &[
    "0s",
    "1us",
    "-1us",
    "9007199254740991us",
    "-9007199254740991us",
    "90m",
];
const AMOUNTS: &[&str] = &[
    "0.00 SGD",
    "0.01 SGD",
    "0.05 SGD",
    "-0.03 SGD",
    "90071992547409.91 SGD",
    "-90071992547409.91 SGD",
];

/// The parameters of `decide`, as a JSON object.
pub(crate) fn params(rng: &mut Rng) -> String {
    format!("{{\"r\":{},\"k\":{}}}", record(rng), rng.between(0, 20))
}

/// One of the edges of a type, one time in three, or what is ordinary.
fn either(rng: &mut Rng, edges: &[&str], ordinary: impl FnOnce(&mut Rng) -> String) -> String {
    match rng.below(3) {
        0 => (*rng.pick(edges)).into(),
        _ => ordinary(rng),
    }
}

fn record(rng: &mut Rng) -> String {
    let mut fields = vec![
        format!("\"n\":{}", number(rng, -1000, 1000)),
        format!("\"w\":{}", wide(rng)),
        format!("\"s\":{}", text(rng)),
        format!("\"l\":{}", long(rng)),
        format!("\"b\":{}", rng.one_in(2)),
        format!("\"e\":{}", variant(rng)),
        format!("\"g\":{}", nested(rng)),
        format!(
            "\"xs\":[{}]",
            list(rng, 4, |rng| number(rng, -50, 50).to_string())
        ),
        format!(
            "\"ws\":[{}]",
            list(rng, 3, |rng| format!("\"{}\"", rng.pick(WORDS)))
        ),
        format!("\"p\":\"{}.{}%\"", rng.between(0, 99), rng.between(0, 9)),
        format!("\"u\":\"{}\"", rng.pick(SHARES)),
        format!("\"d\":\"{}s\"", rng.between(0, 60)),
        format!("\"a\":\"{}\"", rng.pick(SPANS)),
        format!(
            "\"c\":\"{}\"",
            either(rng, AMOUNTS, |rng| {
                format!("{}.{:02} SGD", rng.between(0, 50), rng.between(0, 99))
            })
        ),
        format!("\"path\":\"{}\"", rng.pick(PATHS)),
        format!(
            "\"host\":\"{}\"",
            rng.pick(&["a.example", "B.Example", "xn--bcher-kva.example"])
        ),
        format!(
            "\"ip\":\"{}\"",
            either(rng, IPS, |rng| {
                format!("10.{}.0.{}", rng.between(18, 22), rng.between(0, 255))
            })
        ),
        format!(
            "\"t\":\"{}\"",
            either(rng, INSTANTS, |rng| {
                format!(
                    "2026-11-{:02}T{:02}:00:00Z",
                    rng.between(1, 28),
                    rng.between(0, 23)
                )
            })
        ),
        format!(
            "\"f\":{}",
            either(rng, FLOATS, |rng| {
                format!("{}.{}", rng.between(-9, 9), *rng.pick(&[0, 25, 5, 75]))
            })
        ),
    ];
    if !rng.one_in(3) {
        fields.push(format!("\"m\":{}", number(rng, -100, 100)));
    }
    if !rng.one_in(3) {
        fields.push(format!("\"o\":\"{}\"", rng.pick(WORDS)));
    }
    if rng.one_in(2) {
        fields.push(format!(
            "\"q\":{{\"x\":{}{}}}",
            number(rng, 0, 9),
            if rng.one_in(2) { ",\"y\":\"ab\"" } else { "" }
        ));
    }
    let entries: Vec<String> = WORDS
        .iter()
        .filter(|_| rng.one_in(4))
        .collect::<Vec<_>>()
        .into_iter()
        .map(|w| format!("\"{w}\":{}", rng.between(0, 9)))
        .collect();
    fields.push(format!("\"h\":{{{}}}", entries.join(",")));
    format!("{{{}}}", fields.join(","))
}

/// A whole number anywhere, often at an end.
fn wide(rng: &mut Rng) -> i64 {
    match rng.below(6) {
        0 => LAST_INT,
        1 => -LAST_INT,
        2 => LAST_INT - rng.between(1, 9),
        3 => rng.between(-LAST_INT, LAST_INT),
        _ => rng.between(-9, 300),
    }
}

/// One of the words that programs compare with, or an odd one.
fn text(rng: &mut Rng) -> String {
    let text = match rng.one_in(6) {
        true => *rng.pick(ODD),
        false => *rng.pick(WORDS),
    };
    json(text)
}

/// A text that is odd, or long.
fn long(rng: &mut Rng) -> String {
    match rng.below(8) {
        3..=5 => json(rng.text(NEARLY)),
        0 => json(&"a_".repeat(70)),
        1 => json(&"x\u{e9}\u{1f600}".repeat(rng.between(1, 90) as usize)),
        2 => json(&" ab ".repeat(rng.between(4, 40) as usize)),
        _ => json(rng.text(ODD)),
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Often small, sometimes at a bound.
fn number(rng: &mut Rng, lo: i64, hi: i64) -> i64 {
    match rng.below(8) {
        0 => lo,
        1 => hi,
        2 => rng.between(lo, hi),
        _ => rng.between((-6).max(lo), 12.min(hi)),
    }
}

fn variant(rng: &mut Rng) -> String {
    match rng.below(4) {
        0 => "\"Red\"".into(),
        1 => "\"Blue\"".into(),
        2 => format!("{{\"sized\":{{\"w\":{}}}}}", number(rng, 0, 100)),
        _ => format!(
            "{{\"named\":{{\"label\":\"{}\",\"at\":{}}}}}",
            rng.pick(WORDS),
            number(rng, 0, 9)
        ),
    }
}

fn nested(rng: &mut Rng) -> String {
    match rng.below(3) {
        0 => "\"empty\"".into(),
        1 => format!("{{\"leaf\":{{\"n\":{}}}}}", number(rng, -50, 50)),
        _ => format!(
            "{{\"wrap\":{{\"e\":{},\"flag\":{}}}}}",
            variant(rng),
            rng.one_in(2)
        ),
    }
}

fn list(rng: &mut Rng, most: u64, mut item: impl FnMut(&mut Rng) -> String) -> String {
    let len = rng.below(most + 1);
    let items: Vec<String> = (0..len).map(|_| item(rng)).collect();
    items.join(",")
}
