//! Records for random programs: near the literals that programs compare with.

use super::Rng;
use super::exprs::{PATHS, WORDS};

/// The parameters of `decide`, as a JSON object.
pub(crate) fn params(rng: &mut Rng) -> String {
    format!("{{\"r\":{},\"k\":{}}}", record(rng), rng.between(0, 20))
}

fn record(rng: &mut Rng) -> String {
    let mut fields = vec![
        format!("\"n\":{}", number(rng, -1000, 1000)),
        format!("\"s\":\"{}\"", rng.pick(WORDS)),
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
        format!("\"d\":\"{}s\"", rng.between(0, 60)),
        format!(
            "\"c\":\"{}.{:02} SGD\"",
            rng.between(0, 50),
            rng.between(0, 99)
        ),
        format!("\"path\":\"{}\"", rng.pick(PATHS)),
        format!(
            "\"ip\":\"10.{}.0.{}\"",
            rng.between(18, 22),
            rng.between(0, 255)
        ),
        format!(
            "\"t\":\"2026-11-{:02}T{:02}:00:00Z\"",
            rng.between(1, 28),
            rng.between(0, 23)
        ),
        format!(
            "\"f\":{}.{}",
            rng.between(-9, 9),
            *rng.pick(&[0, 25, 5, 75])
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
