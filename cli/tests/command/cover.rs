//! `tollgate cover`, and `run --counts`.

use std::fs;
use std::path::Path;

use super::Folder;

const RULES: &str = "edition 2026
module gate
enum Method { GET, POST, PUT }
record Request { method: Method, path: Path, key: String? }
ruleset route(req: Request) -> Int hit first {
  rule write when req.path matches p\"/v1/**\" and req.method in {POST, PUT} then 1
  rule keyed when let key = req.key ?? skip and key == \"k\" then 2
  otherwise 0
}
ruleset size(n: Int) -> Int hit first {
  rule small when n < 10 then 1
  otherwise 2
}
test \"writes\" {
  expect route(Request(method: POST, path: \"/v1/carts\")) == 1 by write
  expect route(Request(method: GET, path: \"/v1/carts\")) == 0
}
test \"sizes\" {
  expect size(5) == 1
  expect size(50) == 2
}
";
const FACTS: &str = r#"{"method": "GET", "path": "/v2", "key": "k"}
{"method": "GET", "path": "/v2", "key": "other"}
"#;

fn folder(name: &str) -> Folder {
    Folder::new(name)
        .with("gate.rules", RULES)
        .with("facts.jsonl", FACTS)
}

#[test]
fn what_the_tests_do_not_come_to_is_shown() {
    let ended = folder("cover-tests")
        .tollgate(&["cover", "gate.rules"])
        .exits(0);
    let expected = "gate.rules: 4 of 5 rules matched, 6 of 10 answers seen: 66.6%
        1/2     6 │   rule write when req.path matches p\"/v1/**\" and req.method in {POST, PUT} then 1
                  │                   ~~~~~~~~~~~~~~~~~~~~~~~~~~ never false
        0/1     7 │   rule keyed when let key = req.key ?? skip and key == \"k\" then 2
                  │        ~~~~~ never matched
                  │                   ~~~~~~~~~~~~~~~~~~~~~~~~~ never true
                  │                                                 ~~~~~~~~~~ never reached

";
    assert_eq!(ended.out, expected);
    assert_eq!(ended.err, "");
}

#[test]
fn facts_come_to_the_rest_and_the_least_is_a_gate() {
    let folder = folder("cover-facts");
    folder
        .tollgate(&["cover", "--min", "100", "gate.rules"])
        .exits(1)
        .says("less is covered than --min 100 asks for");
    folder
        .tollgate(&["cover", "--min", "66.6", "gate.rules"])
        .exits(0);
    let with_facts = ["--input", "facts.jsonl", "--entry", "route"];
    let all = [&["cover", "--min", "100", "gate.rules"][..], &with_facts].concat();
    folder
        .tollgate(&all)
        .exits(0)
        .says("2 decided, 0 refused")
        .prints_lines(&["gate.rules: 5 of 5 rules matched, 10 of 10 answers seen: 100.0%"]);
    // Without the tests nothing asks `size`.
    let alone = [&["cover", "gate.rules", "--no-tests"][..], &with_facts].concat();
    folder
        .tollgate(&alone)
        .exits(0)
        .prints("rule small when n < 10 then 1\n")
        .prints("~~~~~ never tried");
    let refused = ["cover", "gate.rules", "--ruleset", "route", "--input", "-"];
    folder
        .tollgate_with(&refused, br#"{"method": "FETCH", "path": "/"}"#)
        .exits(1)
        .says("line 1 refused: method");
}

#[test]
fn a_test_that_fails_is_told() {
    let rules = RULES.replace("size(5) == 1", "size(5) == 2");
    Folder::new("cover-fails")
        .with("gate.rules", rules)
        .tollgate(&["cover", "gate.rules"])
        .exits(1)
        .says("gate.rules:18 sizes fails");
}

/// A file that is not named is not reported; one that is counts what others came to.
#[test]
fn files_that_are_named_are_reported() {
    let used = "edition 2026\nmodule used\nruleset big(n: Int) -> Bool hit first {\n  rule yes when n > 9 then true\n  otherwise false\n}\ntest \"no\" { expect big(1) == false }\n";
    let main = "edition 2026\nmodule main\nuse used.{big}\nruleset f(n: Int) -> Int hit first {\n  rule a when big(n) then 1\n  otherwise 0\n}\ntest \"yes\" { expect f(10) == 1 }\n";
    let folder = Folder::new("cover-named")
        .with("used.rules", used)
        .with("main.rules", main);
    let alone = folder.tollgate(&["cover", "main.rules"]).exits(0);
    assert!(!alone.out.contains("used.rules"), "{}", alone.out);
    folder
        .tollgate(&["cover", "./main.rules", "used.rules"])
        .exits(0)
        .prints("main.rules: 1 of 2 rules matched, 1 of 2 answers seen: 50.0%\n")
        .prints("used.rules: 2 of 2 rules matched, 2 of 2 answers seen: 100.0%\n");
}

#[test]
fn tools_get_what_they_read() {
    let folder = folder("cover-tools");
    let json = folder
        .tollgate(&["cover", "--format", "json", "gate.rules"])
        .exits(0);
    let covered = &json.json()[0];
    assert_eq!(covered["seen"], 10);
    let keyed = &covered["files"][0]["rules"][1];
    assert_eq!(
        (&keyed["name"], &keyed["missing"]),
        (&"keyed".into(), &"never matched".into())
    );
    assert_eq!(keyed["conditions"][0]["skipped"], 1);
    folder
        .tollgate(&["cover", "--format", "lcov", "-o", "lcov.info", "gate.rules"])
        .exits(0)
        .says("lcov.info: 10 of 15 covered");
    let tracefile = folder.read("lcov.info");
    assert!(tracefile.contains("FNDA:0,route.keyed\n"), "{tracefile}");
    assert!(
        tracefile.contains("BRDA:7,2,0,0\nBRDA:7,2,1,1\n"),
        "{tracefile}"
    );
    folder
        .tollgate(&[
            "cover",
            "--format",
            "html",
            "-o",
            "cover.html",
            "gate.rules",
        ])
        .exits(0);
    let page = folder.read("cover.html");
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
    let outside = ["http://", "https://", "<script", "<link", "src="];
    assert!(outside.iter().all(|o| !page.contains(o)), "{page}");
}

#[test]
fn production_says_what_never_decided() {
    let folder = folder("cover-counts");
    let run = [
        "run",
        "gate.rules",
        "route",
        "--input",
        "facts.jsonl",
        "--counts",
        "counts.json",
    ];
    for jobs in ["1", "3"] {
        folder
            .tollgate(&[&run[..], &["--jobs", jobs]].concat())
            .exits(0);
        let counts =
            "{\n  \"route.write\": 0,\n  \"route.keyed\": 1,\n  \"route.otherwise\": 1\n}\n";
        assert_eq!(folder.read("counts.json"), counts);
    }
    let report = ["cover", "gate.rules", "--counts", "counts.json"];
    folder
        .tollgate(&[&report[..], &["--since", "1 November"]].concat())
        .exits(1)
        .says("1 of 3 rules never decided since 1 November (2 decisions by rules of route)")
        .prints_lines(&["gate.rules:6:8: route.write never decided since 1 November"]);
    let json = folder.tollgate(&[&report[..], &["--format", "json"]].concat());
    let never = &json.exits(1).json()[0];
    assert_eq!(
        (&never["decisions"], &never["rules"]),
        (&2.into(), &3.into())
    );
    let rule =
        serde_json::json!({"rule": "route.write", "file": "gate.rules", "line": 6, "column": 8});
    assert_eq!(never["never_decided"], serde_json::json!([rule]));
    folder
        .tollgate(&[&report[..], &["--format", "html"]].concat())
        .exits(2)
        .says("in lines or, with --format json, as an object");
    // Lines of several hosts are added; a name that only one rule set has needs no other.
    let hosts = "{\"write\": 3}\n{\"keyed\": 1, \"route.write\": 2}\n";
    let folder = folder.with("counts.json", hosts);
    folder
        .tollgate(&report)
        .exits(1)
        .prints_lines(&["gate.rules:8:3: route.otherwise never decided"]);
    for (wrong, says) in [
        (
            "{\"wrote\": 1}",
            "counts.json: the program has no rule `wrote`",
        ),
        (
            "{\"otherwise\": 1}",
            "several rules are called `otherwise`: route.otherwise, size.otherwise",
        ),
        (
            "{\"write\": -1}",
            "the count of `write` is -1, not a whole number from 0",
        ),
        ("[1]", "expected an object such as"),
        ("{", "no counts: EOF"),
    ] {
        let folder = Folder::new("cover-wrong")
            .with("gate.rules", RULES)
            .with("counts.json", wrong);
        folder.tollgate(&report).exits(2).says(says);
    }
}

#[test]
fn what_cannot_be_covered_is_said() {
    let folder = folder("cover-wrong-use").with("none.rules", "fn f() -> Int = 1\n");
    folder
        .tollgate(&["cover", "gate.rules", "--input", "facts.jsonl"])
        .exits(2);
    folder
        .tollgate(&[
            "cover",
            "gate.rules",
            "none.rules",
            "--input",
            "facts.jsonl",
            "--entry",
            "route",
        ])
        .exits(2)
        .says("name it alone with --input");
    folder
        .tollgate(&["cover", "--min", "101", "gate.rules"])
        .exits(2);
    folder
        .tollgate(&["cover", "none.rules"])
        .exits(0)
        .says("there is no rule to cover");
    let broken = folder.with("gate.rules", "fn f() -> Int = b\n");
    broken
        .tollgate(&["cover", "gate.rules"])
        .exits(1)
        .says("unknown-name");
}

/// Every command of the page prints what stands below it.
#[test]
fn the_page_shows_what_is_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/book/cover.md")).expect("the page is there");
    let mut blocks = Vec::new();
    let mut rest = &*page;
    while let Some((_, after)) = rest.split_once("\n```") {
        let (kind, after) = after.split_once('\n').expect("a block has a first line");
        let (text, after) = after.split_once("```\n").expect("a block ends");
        blocks.push((kind, text));
        rest = after;
    }
    let of = |wanted: &str| {
        let found = blocks.iter().find(|(kind, _)| *kind == wanted);
        found.expect("the page has rules and facts").1
    };
    let folder = Folder::new("cover-page")
        .with("shop.rules", of("rules"))
        .with("facts.jsonl", of("json"));
    let mut shown = 0;
    for (at, (kind, command)) in blocks.iter().enumerate() {
        if *kind != "sh" {
            continue;
        }
        let args: Vec<&str> = command.split_whitespace().skip(1).collect();
        let ended = folder.tollgate(&args);
        if let Some(("text", expected)) = blocks.get(at + 1) {
            assert_eq!(ended.out, *expected, "{command}{}", ended.err);
            shown += 1;
        }
    }
    assert_eq!(shown, 5);
}
