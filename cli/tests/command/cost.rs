//! `tollgate cost`, and the gate in the source.

use super::Folder;

const RULES: &str = "edition 2026
module shop

ruleset size(name: String, n: Int) -> Int hit first {
  cost LIMIT
  rule one when mod(n, 100) > 10 then 1
  rule cart when name matches re\"c_[0-9a-z]{12}\" and n > 10 then 2
  rule two when n > 10 and n < 100 then 2
  otherwise 0
}

pipeline edge(name: String, n: Int) -> Int {
  stage size = size(name, n)
  then size
}
";

fn folder(name: &str, limit: &str) -> Folder {
    Folder::new(name).with("shop.rules", RULES.replace("LIMIT", limit))
}

#[test]
fn the_costliest_rules_come_first() {
    folder("cost-human", "1_000")
        .tollgate(&["cost", "shop.rules", "size", "--top", "2"])
        .exits(0)
        .prints("(limit 1,000), 65,536 regex bytes")
        .prints("65,536  cart\n")
        .prints("  1 more\n")
        .prints("(otherwise)");
}

#[test]
fn the_index_stands_beside_the_chain() {
    let rule = |n| format!("  rule r{n} when host == \"{n}.example\" then {n}\n");
    let rules: String = (0..40).map(rule).collect();
    let rules = format!(
        "edition 2026\nmodule hosts\nruleset owner(host: String) -> Int hit first {{\n{rules}  otherwise 0\n}}\n"
    );
    let folder = folder("cost-index", "1_000").with("hosts.rules", rules);
    folder
        .tollgate(&["cost", "hosts.rules"])
        .exits(0)
        .prints("searched: at most ")
        .prints("rows 40, nodes 41, depth 1, longest leaf 1, bytes ");
    let ended = folder.tollgate(&["cost", "hosts.rules", "--format", "json"]);
    let found = &ended.exits(0).json()[0];
    let steps = |v: &serde_json::Value| v["steps"].as_u64().unwrap_or_default();
    assert!(steps(&found["index"]) > 0 && steps(&found["index"]) < steps(found));
    folder
        .tollgate(&["cost", "shop.rules", "size"])
        .exits(0)
        .prints("asked one after the other: fewer than 4 rules, and not all of them only read");
}

/// Sets on two features that all overlap: filing each rule under every pair would repeat it 64 times.
#[test]
fn the_fallback_is_shown() {
    let set = |from: usize| {
        let values: Vec<String> = (0..8)
            .map(|k| format!("\"v{}\"", (from + 7 * k) % 50))
            .collect();
        values.join(", ")
    };
    let rule = |n: usize| {
        let (a, b) = (set(n), set(n / 50));
        format!("  rule r{n} when a in {{{a}}} and b in {{{b}}} then {n}\n")
    };
    let rules: String = (0..1_000).map(rule).collect();
    let rules = format!(
        "edition 2026\nmodule pairs\nruleset both(a: String, b: String) -> [Int] hit all {{\n{rules}}}\n"
    );
    let folder = Folder::new("cost-fallback").with("pairs.rules", rules);
    folder
        .tollgate(&["cost", "pairs.rules"])
        .exits(0)
        .prints(" rows stay together in leaves, because the budget of filed rows was spent");
    let ended = folder
        .tollgate(&["emit", "--stage", "dag", "pairs.rules"])
        .exits(0);
    let unsplit = ended
        .out
        .lines()
        .find(|l| l.trim_start().starts_with("unsplit"));
    let unsplit = unsplit.and_then(|l| l.split_whitespace().nth(1));
    assert!(unsplit.is_some_and(|n| n != "0"), "{}", ended.out);
}

#[test]
fn machines_get_an_object_an_entry() {
    let ended = folder("cost-json", "1_000")
        .tollgate(&["cost", "shop.rules", "--format", "json"])
        .exits(0);
    let found = ended.json();
    let entries: Vec<&str> = found.iter().filter_map(|e| e["entry"].as_str()).collect();
    assert_eq!(entries, ["size", "edge"]);
    assert_eq!(found[0]["limit"], 1000);
    assert_eq!(found[0]["rules"][0]["rule"], "cart");
    assert_eq!(found[0]["rules"][0]["regex_bytes"], 65_536);
    let steps = |i: usize| found[i]["steps"].as_u64().unwrap_or_default();
    assert!(steps(1) > steps(0) && steps(0) > 10, "{}", ended.out);
    assert_eq!(found[1]["regex_bytes"], found[0]["regex_bytes"]);
}

/// The price is shown also where it is too high: that is when it is wanted.
#[test]
fn a_gate_is_an_error_that_names_the_costliest_rule() {
    let folder = folder("cost-gate", "5");
    for command in [&["check", "shop.rules"][..], &["cost", "shop.rules"]] {
        folder
            .tollgate(command)
            .exits(1)
            .says("error[over-budget]")
            .says("the costliest rule, `cart`: ");
    }
    folder
        .tollgate(&["cost", "shop.rules", "size"])
        .exits(1)
        .prints("(limit 5)");
}

#[test]
fn what_is_not_there_is_named() {
    let folder = folder("cost-unknown", "1_000").with("bad.rules", "fn f(a: Int) -> Int = b");
    folder
        .tollgate(&["cost", "shop.rules", "route"])
        .exits(2)
        .says("shop.rules has no `route`; it has size, edge");
    folder
        .tollgate(&["cost", "bad.rules"])
        .exits(1)
        .says("error[unknown-name]")
        .prints_lines(&[]);
}

/// Where states are asked, a column says how often at most, rule by rule.
#[test]
fn state_operations_have_a_column() {
    let rules = "
state per_key: TokenBucket by String { rate: 1 per 1s, burst: 5, max_keys: 100, on_failure: allow }
ruleset admit(key: String) -> Bool hit first {
  rule known when key == \"a\" then true
  rule too_many when not per_key[key].take().granted then false
  otherwise true
}
";
    let folder = folder("cost-states", "1_000").with("limits.rules", rules);
    let ended = folder.tollgate(&["cost", "limits.rules"]).exits(0);
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let lines: Vec<Vec<String>> = ended.out.lines().map(words).collect();
    assert_eq!(
        lines[1].join(" "),
        "steps regex bytes state operations rule"
    );
    let of = |name: &str| {
        let line = lines
            .iter()
            .find(|line| line.last().is_some_and(|l| l == name));
        line.map(|line| line[line.len() - 2].clone())
    };
    assert_eq!(of("too_many").as_deref(), Some("1"));
    assert_eq!(of("known").as_deref(), Some("0"));
}
