//! `tollgate explain FILE RULESET --input FACTS`.

use super::Folder;

const RULES: &str = "edition 2026
module gate
enum Method { GET, POST, PUT, PATCH }
record Request { method: Method, path: Path, at: Instant = t\"2026-01-01T00:00Z\" }
data open: {String ..4}
ruleset route(req: Request) -> Int hit first {
  rule write when req.path matches p\"/v1/**\" and req.method in {POST, PUT} then 1
  rule listed when \"beta\" in open then 2
  otherwise 0
}
pipeline edge(req: Request) -> Int {
  stage target = route(req)
  then target
}
";
const PATCH: &str = r#"{"method": "PATCH", "path": "/v1/carts"}"#;

fn folder(name: &str) -> Folder {
    Folder::new(name)
        .with("gate.rules", RULES)
        .with("patch.json", PATCH)
        .with("open.json", r#"["alpha"]"#)
}

const GIVEN: [&str; 4] = ["--input", "patch.json", "--data", "open=open.json"];

fn args<'a>(entry: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["explain", "gate.rules", entry], &GIVEN[..], more].concat()
}

#[test]
fn a_rule_that_did_not_match_is_explained() {
    let folder = folder("explain-rule");
    let ended = folder
        .tollgate(&args("route", &["--rule", "write", "--format", "text"]))
        .exits(0);
    let expected = "`write` did not match.
  req.path matches p\"/v1/**\"   yes   was /v1/carts
  req.method in {POST, PUT}    NO   was PATCH
closest change: req.method PATCH → POST
decided by: otherwise (0)
";
    assert_eq!(ended.out, expected);
    let drawn = folder
        .tollgate(&args("route", &["--rule", "write"]))
        .exits(0);
    assert!(drawn.out.contains("╰"), "{}", drawn.out);
    assert!(drawn.out.contains("NO   was PATCH"), "{}", drawn.out);
}

#[test]
fn a_machine_gets_the_change_and_its_facts() {
    let folder = folder("explain-json");
    let more = ["--rule", "target.write", "--format", "json"];
    let ended = folder.tollgate(&args("edge", &more)).exits(0);
    let explained = &ended.json()[0];
    let rule = &explained["stages"][0]["rules"][0];
    assert_eq!(rule["matched"], false);
    assert_eq!(rule["conditions"][1]["answer"], "no");
    let closest = &rule["closest"];
    let change = serde_json::json!({"path": "req.method", "from": "PATCH", "to": "POST"});
    assert_eq!(closest["changes"][0], change);
    // What is said to be enough is enough.
    let input = closest["input"].to_string();
    let run = [
        "run",
        "gate.rules",
        "route",
        "--input",
        "-",
        "--data",
        "open=open.json",
    ];
    let ended = folder.tollgate_with(&run, input.as_bytes()).exits(0);
    assert_eq!(ended.json()[0]["by"], "write");
}

/// Data is not changed: where only it stands in the way, no change is found.
#[test]
fn data_stays_as_it_is() {
    let folder = folder("explain-data");
    folder
        .tollgate(&args("route", &["--rule", "listed", "--format", "text"]))
        .exits(0)
        .prints("no change of the facts was found");
}

#[test]
fn a_line_of_a_file_is_chosen() {
    let lines = format!("{PATCH}\n\n{}\n", PATCH.replace("PATCH", "PUT"));
    let folder = folder("explain-line").with("all.jsonl", lines);
    let explain = |line: &[&str]| {
        let given = ["explain", "gate.rules", "route", "--data", "open=open.json"];
        let given = [
            &given[..],
            &["--input", "all.jsonl", "--format", "text"],
            line,
        ]
        .concat();
        folder.tollgate(&given)
    };
    explain(&["--line", "3"])
        .exits(0)
        .prints("`write` matched, and decided.");
    explain(&["--line", "2"]).exits(2).says("has no line 2");
    explain(&[]).exits(2).says("choose one with --line");
}

#[test]
fn what_cannot_be_explained_is_said() {
    let folder = folder("explain-wrong");
    folder
        .tollgate(&args("route", &["--rule", "wrote"]))
        .exits(2)
        .says("`route` has no rule `wrote`");
    folder
        .tollgate(&args("rout", &[]))
        .exits(2)
        .says("gate.rules has no `rout`; it has route, edge");
    folder
        .tollgate(&["explain", "gate.rules"])
        .exits(2)
        .says("tollgate explain gate.rules RULESET --input FACTS");
    folder
        .tollgate(&["explain", "missing-answer"])
        .exits(0)
        .prints("# missing-answer");
    let wrong = folder.with("patch.json", r#"{"method": "FETCH", "path": "/"}"#);
    wrong
        .tollgate(&args("route", &[]))
        .exits(1)
        .says("refused: method");
}

/// What `run` decides about a line depends on the lines before; so does its explanation.
#[test]
fn states_hold_what_the_lines_before_have_left() {
    let rules = "edition 2026
module again
state calls: FixedWindow by String { limit: 1, window: 1h, max_keys: 9, on_failure: deny }
ruleset admit(user: String) -> Bool hit first {
  rule again when user != \"\" and not calls[user].take().granted then false
  otherwise true
}
";
    let folder = Folder::new("explain-states")
        .with("again.rules", rules)
        .with("users.jsonl", "\"ann\"\n\"bob\"\n\"ann\"\n");
    let explain = |line: &str| {
        let args = ["explain", "again.rules", "admit", "--input", "users.jsonl"];
        let more = ["--format", "text", "--time", "2026-01-01T00:00Z", "--line"];
        let args = [&args[..], &more, &[line]].concat();
        folder.tollgate(&args).exits(0).out
    };
    assert_eq!(
        explain("3"),
        "`again` matched, and decided.
  user != \"\"                       yes   was ann
  not calls[user].take().granted   yes
    calls[user].take().granted     NO   calls[ann] refused, wait 1h
decided by: again (false)
"
    );
    assert_eq!(
        explain("1"),
        "`again` did not match.
  user != \"\"                       yes   was ann
  not calls[user].take().granted   NO
    calls[user].take().granted     yes   calls[ann] granted, 0 left
no change of the facts was found that makes it match
decided by: otherwise (true)
"
    );
}
