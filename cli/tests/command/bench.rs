//! `tollgate bench`.

use super::Folder;

const RULES: &str = "edition 2026
module one
data limit: Int
ruleset small(n: Int) -> Bool hit first {
  rule yes when n < limit then true
  otherwise false
}
";

fn folder(name: &str) -> Folder {
    Folder::new(name)
        .with("one.rules", RULES)
        .with("limit.json", "10")
}

/// Measures facts from standard input, quickly.
const BENCH: &[&str] = &[
    "bench",
    "one.rules",
    "small",
    "--input",
    "-",
    "--data",
    "limit=limit.json",
    "--rounds",
    "3",
];

#[test]
fn figures_agree_with_each_other() {
    let args = [BENCH, &["--format", "json"]].concat();
    let ended = folder("bench-json")
        .tollgate_with(&args, b"7\n\n12\n\"x\"\n8\n")
        .exits(1);
    let found = &ended.json()[0];
    assert_eq!(ended.out.lines().count(), 1);
    let number = |key: &str| {
        found[key]
            .as_f64()
            .unwrap_or_else(|| panic!("{key}: {found}"))
    };
    assert_eq!((number("requests"), number("refused")), (3.0, 1.0));
    assert_eq!((number("rounds"), number("level")), (3.0, 2.0));
    assert_eq!(found["backend"], "vm");
    assert!(number("fastest_ns") <= number("ns_per_decision"));
    assert!(number("ns_per_decision") <= number("slowest_ns"));
    let product = number("ns_per_decision") * number("decisions_per_second");
    assert!((product / 1e9 - 1.0).abs() < 0.01, "{found}");
    assert!(number("compile_ms") > 0.0 && number("bytes") > 100.0);
}

#[test]
fn figures_are_printed_for_people() {
    folder("bench-human")
        .tollgate_with(BENCH, b"7\n")
        .exits(0)
        .prints("decisions a second")
        .prints("bytes in memory")
        .prints("1 requests, 0 refused, 3 rounds, backend vm, level 2");
}

#[test]
fn nothing_to_measure_is_a_mistake() {
    folder("bench-nothing")
        .tollgate_with(BENCH, b"\"x\"\n")
        .exits(2)
        .says("nothing to decide about: 1 lines, all refused")
        .says("; the first, line 1: ");
    folder("bench-rounds")
        .tollgate_with(&[BENCH, &["--rounds", "0"]].concat(), b"7\n")
        .exits(2);
    folder("bench-data")
        .tollgate_with(&BENCH[..5], b"7\n")
        .exits(2)
        .says("expects data `limit`");
}
