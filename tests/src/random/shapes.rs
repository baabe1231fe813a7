//! Random tables, guards and pipelines.

use super::Rng;
use super::exprs::Exprs;
use super::sets::spine;

/// The table `rated(e: E, n: Int in -1000 .. 1000) -> Int in -100 .. 100`. Under `unique` its rows are disjoint and cover everything.
pub(crate) fn table(rng: &mut Rng) -> String {
    let unique = rng.one_in(2);
    let mut text = format!(
        "\ntable rated(e: E, n: Int in -1000 .. 1000) -> Int in -100 .. 100 hit {} {{\n",
        if unique { "unique" } else { "first" }
    );
    let mut row = |first: &str, second: &str, rng: &mut Rng| {
        let value = rng.between(-100, 100);
        text.push_str(&format!("  | {first} | {second} => {value}\n"));
    };
    if unique {
        for variants in [
            "{Red, Blue}",
            "sized(< 10)",
            "sized(>= 10)",
            "named(at: 0)",
            "named(at: > 0)",
        ] {
            if !rng.one_in(3) {
                row(variants, "_", rng);
                continue;
            }
            let (low, high) = (rng.between(-5, 3), rng.between(4, 9));
            row(variants, &format!("< {low}"), rng);
            row(variants, &format!("{low} ..< {high}"), rng);
            row(variants, &format!(">= {high}"), rng);
        }
    } else {
        for _ in 0..1 + rng.below(5) {
            let first = *rng.pick(&[
                "Red",
                "sized(7)",
                "sized(_)",
                "named(\"ab\", _)",
                "_",
                "named(at: 1 .. 4)",
            ]);
            let at = rng.between(-6, 9);
            let second = match rng.below(4) {
                0 => format!("< {at}"),
                1 => format!("{at} .. {}", at + 4),
                2 => format!("{{{at}, {}}}", at + 2),
                _ => format!(">= {at}"),
            };
            row(first, &second, rng);
        }
        row("_", "_", rng);
    }
    text.push_str("}\n");
    text
}

/// The guard `door`, and the pipeline `decide` that asks it, then the table or the rule set `inner`.
pub(crate) fn pipeline(rng: &mut Rng) -> String {
    let mut text = "\nguard door(r: R, k: Int in 0 .. 20) {\n".to_owned();
    for i in 0..1 + rng.below(3) {
        let mut exprs = Exprs::new(rng, Vec::new());
        // In a guard, `all` of what may be empty is refused.
        let condition = spine(&mut exprs, false).replace("all(x", "only(x");
        let answer = if exprs.rng.one_in(3) {
            "\n     and (r.m ?? deny) > 0"
        } else {
            ""
        };
        text.push_str(&format!(
            "  deny d{i} \"why {i}\" when {condition}{answer}\n"
        ));
    }
    text.push_str("}\n\npipeline decide(r: R, k: Int in 0 .. 20) -> Out {\n");
    text.push_str("  stage door = door(r, k) stop deny(why) => Out(number: -1, text: why, colour: Red, wait: 0s)\n");
    let stop = match rng.below(3) {
        0 => String::new(),
        1 => format!(
            " stop < {} => Out(number: k, text: r.s, colour: r.e, wait: r.d)",
            rng.between(-9, 9)
        ),
        _ => format!(
            " stop {} => Out(number: 7, text: \"seven\", colour: Blue, wait: 1s)",
            rng.between(-9, 9)
        ),
    };
    text.push_str(&format!("  stage first_number = inner(r, k){stop}\n"));
    text.push_str("  stage second_number = rated(r.e, first_number)\n");
    text.push_str("  then Out(number: first_number * 1000 + second_number, text: \"end\", colour: sized(clamp(second_number, 0, 100)), wait: jitter(1s, 9s))\n}\n");
    text
}
