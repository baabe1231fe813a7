//! `tollgate new`, `test` and `run`.

use std::io::{BufRead, BufReader};

use super::{Folder, ended};

const RULES: &str = r#"edition 2026
module two

type Age = Int in 0 .. 150
record User { name: String, age: Age, tags: [String ..3] = [] }
data limits: Map<String, Int ..100>

ruleset pick(user: User, n: Int) -> String hit first {
  rule old when user.age > 60 then "old"
  rule many when n > (limits[user.name] ?? 10) then "many"
  otherwise "plain"
}

ruleset flags(user: User) -> [String] hit all {
  rule old when user.age > 60 then "old"
  rule bob when user.name == "bob" then "bob"
}

test "the old come first" {
  given limits = {"bob": 3}
  expect pick(User(name: "bob", age: 61), 4) == "old" by old
  expect pick(User(name: "bob", age: 60), 4) == "many" by many
}
"#;

const GOOD: &str = r#"{"user":{"name":"bob","age":7},"n":4}"#;

fn folder(name: &str) -> Folder {
    Folder::new(name)
        .with("two.rules", RULES)
        .with("limits.json", r#"{"bob": 3}"#)
}

/// Decides `input` from standard input by `pick`.
const PICK: &[&str] = &[
    "run",
    "two.rules",
    "pick",
    "--input",
    "-",
    "--data",
    "limits=limits.json",
];

#[test]
fn what_new_makes_can_be_checked_tested_and_run() {
    let folder = Folder::new("new");
    folder
        .tollgate(&["new", "shop"])
        .exits(0)
        .prints("tollgate test shop/shop.rules")
        .prints("shop/TUTORIAL.md goes on from there.");
    // With the folder's own name.
    folder.tollgate(&["new", "front"]).exits(0);
    let tutorial = folder.read("front/TUTORIAL.md");
    assert!(tutorial.contains("$ tollgate new front\nfront/front.rules is there."));
    assert!(!tutorial.contains("shop/"), "{tutorial}");
    folder
        .tollgate(&["check", "shop/shop.rules"])
        .exits(0)
        .says("1 file: 0 errors, 0 warnings");
    folder
        .tollgate(&["test", "shop/shop.rules"])
        .exits(0)
        .prints("ok shop/shop.rules:25 the catalogue is read-only")
        .says("1 passed, 0 failed");
    let requests = "shop/requests.jsonl";
    folder
        .tollgate(&["run", "shop/shop.rules", "route", "--input", requests])
        .exits(0)
        .prints_lines(&[
            r#"{"value":{"forward":{"service":"catalog","timeout":"400ms"}},"by":"catalog"}"#,
            r#"{"value":{"respond":{"status":204}},"by":"health"}"#,
            r#"{"value":{"respond":{"status":404}},"by":"otherwise"}"#,
        ])
        .says("3 decided, 0 refused");
}

#[test]
fn new_overwrites_nothing_and_names_what_a_module_may_be_called() {
    let folder = Folder::new("new-twice").with("taken", "");
    folder
        .tollgate(&["new", "taken"])
        .exits(2)
        .says("taken is already there");
    for name in ["Shop", "my-shop", "1st", ".."] {
        folder
            .tollgate(&["new", name])
            .exits(2)
            .says("such as `my_gateway`");
    }
}

#[test]
fn several_parameters_are_an_object_of_them() {
    folder("several")
        .tollgate_with(PICK, format!("{GOOD}\n").as_bytes())
        .exits(0)
        .prints_lines(&[r#"{"value":"many","by":"many"}"#]);
}

#[test]
fn one_parameter_is_the_line_itself_and_all_gives_lists() {
    let args = [
        "run",
        "two.rules",
        "flags",
        "--input",
        "-",
        "--data",
        "limits=limits.json",
    ];
    folder("one")
        .tollgate_with(
            &args,
            b"{\"name\":\"bob\",\"age\":61}\n{\"name\":\"ann\",\"age\":1}",
        )
        .exits(0)
        .prints_lines(&[
            r#"{"value":["old","bob"],"by":["old","bob"]}"#,
            r#"{"value":[],"by":[]}"#,
        ]);
}

#[test]
fn records_are_refused_one_by_one() {
    let mut input = Vec::new();
    let lines: [&[u8]; 10] = [
        GOOD.as_bytes(),
        br#"{"user":{"name":"a","age":161},"n":1}"#,
        b"",
        br#"{"user":{"name":"a"},"n":1}"#,
        b"nonsense",
        b"  \t ",
        b"{\"user\":{\"name\":\"\xff\",\"age\":61},\"n\":1}",
        br#"{"user":{"name":"a","name":"b","age":1},"n":1}"#,
        br#"{"user":{"name":"x","age":1,"colour":"red"},"n":1}"#,
        br#"{"user":{"na"#,
    ];
    for (i, line) in lines.iter().enumerate() {
        if i > 0 {
            input.push(b'\n');
        }
        input.extend_from_slice(line);
    }
    let ended = folder("refused")
        .tollgate_with(PICK, &input)
        .exits(1)
        .says("line 2 refused: user.age = 161: it must lie in 0 .. 150")
        .says("line 4 refused: user.age: it is required and missing")
        .says("line 5 refused: nonsense: it is not JSON")
        .says("it is not valid UTF-8 (at byte 17)")
        .says("line 10 refused")
        .says("2 decided, 6 refused");
    let found = ended.json();
    let numbers: Vec<u64> = found.iter().filter_map(|v| v["line"].as_u64()).collect();
    assert_eq!(numbers, [2, 4, 5, 7, 8, 10]);
    assert_eq!(found[0]["by"], "many");
    let age = &found[1]["refused"];
    assert_eq!(
        (&age["field"], &age["value"]),
        (&"user.age".into(), &"161".into())
    );
    assert_eq!(age["reason"], "it must lie in 0 .. 150");
    assert_eq!(found[6]["value"], "plain");
    assert_eq!(found[7]["refused"]["value"], r#"{"user":{"na"#);
    for refused in found.iter().filter_map(|v| v.get("refused")) {
        assert!(refused["reason"].as_str().is_some_and(|r| r.len() > 10));
        assert!(refused["field"].is_string() && refused["value"].is_string());
    }
}

#[test]
fn a_line_without_end_is_refused_and_the_next_one_decided() {
    let long = format!(
        "{{\"user\":{{\"name\":\"{}\",\"age\":1}},\"n\":1}}\n{GOOD}\n",
        "x".repeat(17 << 20)
    );
    let ended = folder("long")
        .tollgate_with(PICK, long.as_bytes())
        .exits(1)
        .says("line 1 refused: the line is longer than 16 MiB");
    assert_eq!(ended.json()[1]["by"], "many");
}

#[test]
fn nothing_to_decide_is_no_mistake() {
    for input in ["", "\n\n\n"] {
        folder("nothing")
            .tollgate_with(PICK, input.as_bytes())
            .exits(0)
            .prints_lines(&[])
            .says("0 decided, 0 refused");
    }
}

#[test]
fn decisions_may_go_to_a_file() {
    let folder = folder("output").with("in.jsonl", format!("{GOOD}\n{GOOD}\n"));
    let run = |output| {
        folder.tollgate(&[
            "run",
            "two.rules",
            "pick",
            "-i",
            "in.jsonl",
            "-o",
            output,
            "--data",
            "limits=limits.json",
        ])
    };
    run("out.jsonl").exits(0).prints_lines(&[]);
    assert_eq!(folder.read("out.jsonl").lines().count(), 2);
    run("no/such/folder.jsonl")
        .exits(2)
        .says("cannot write no/such/folder.jsonl");
}

#[test]
fn what_is_not_there_is_named() {
    let folder = folder("usage").with("bad.json", r#"{"bob": "x"}"#);
    let run = |args: &[&str]| folder.tollgate(&[&["run", "two.rules"], args].concat());
    run(&["pock", "-i", "-"])
        .exits(2)
        .says("two.rules has no `pock`; it has pick, flags");
    run(&["pick", "-i", "-"])
        .exits(2)
        .says("expects data `limits`: add --data limits=FILE");
    run(&["pick", "-i", "-", "--data", "limits"])
        .exits(2)
        .says("expected NAME=FILE");
    run(&["pick", "-i", "-", "--data", "limit=limits.json"])
        .exits(2)
        .says("no data `limit`; it expects limits");
    run(&["pick", "-i", "-", "--data", "limits=nowhere.json"])
        .exits(2)
        .says("cannot read nowhere.json");
    run(&["pick", "-i", "-", "--data", "limits=bad.json"])
        .exits(2)
        .says(r#"bad.json: ["bob"] = "x": it must be a whole number"#);
    run(&[
        "pick",
        "-i",
        "nowhere.jsonl",
        "--data",
        "limits=limits.json",
    ])
    .exits(2)
    .says("cannot read nowhere.jsonl");
    run(&["pick", "-i", ".", "--data", "limits=limits.json"])
        .exits(2)
        .says("is a folder; name a file of lines");
    run(&["pick", "-i", "-", "--backend", "jit"])
        .exits(2)
        .says("no backend `jit`; this build has vm");
    run(&["pick", "-i", "-", "-O", "7"]).exits(2).says("0..=2");
    run(&["pick"]).exits(2).says("--input");
    folder.tollgate(&[]).exits(2).says("Usage: tollgate");
    folder.tollgate(&["frobnicate"]).exits(2).says("frobnicate");
}

#[test]
fn every_engine_and_level_decides_alike() {
    let folder = folder("engines");
    let mut backends = vec!["vm", "interp"];
    if cfg!(feature = "cranelift") {
        backends.extend(["cranelift", "tiered"]);
    }
    for backend in backends {
        for level in ["0", "1", "2"] {
            let args = [PICK, &["--backend", backend, "-O", level]].concat();
            folder
                .tollgate_with(&args, GOOD.as_bytes())
                .exits(0)
                .prints_lines(&[r#"{"value":"many","by":"many"}"#]);
        }
    }
}

#[test]
fn rules_that_do_not_compile_decide_nothing() {
    let folder = Folder::new("broken").with(
        "a.rules",
        "edition 2026\nmodule a\nruleset f(n: Int) -> Int hit first { otherwise m }\n",
    );
    folder
        .tollgate_with(&["run", "a.rules", "f", "-i", "-"], b"1\n")
        .exits(1)
        .prints_lines(&[])
        .says("error[unknown-name]");
    folder
        .tollgate(&["test", "a.rules"])
        .exits(1)
        .says("error[unknown-name]");
}

#[test]
fn a_failed_test_says_what_was_seen() {
    let rules = RULES.replace(r#"== "old" by old"#, r#"== "new" by many"#);
    let folder = Folder::new("failed").with("two.rules", rules);
    folder
        .tollgate(&["test", "two.rules"])
        .exits(1)
        .prints("FAILED two.rules:19 the old come first")
        .prints("expected `== \"new\" by many`, but it was \"old\" by old")
        .prints("two.rules:21:")
        .says("0 passed, 1 failed");
    let ended = folder
        .tollgate(&["test", "--format", "json", "two.rules"])
        .exits(1);
    let found = ended.json();
    assert_eq!(found[0]["passed"], false);
    assert_eq!(found[0]["failures"][0]["line"], 21);
    folder
        .tollgate(&["test", "--filter", "nothing like it", "two.rules"])
        .exits(0)
        .says("0 passed, 0 failed");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_mistake() {
    let mut lines = String::new();
    for _ in 0..50_000 {
        lines.push_str(GOOD);
        lines.push('\n');
    }
    let folder = folder("head").with("in.jsonl", lines);
    let args = [
        "run",
        "two.rules",
        "pick",
        "-i",
        "in.jsonl",
        "--data",
        "limits=limits.json",
    ];
    let mut child = folder.start(&args, &[]);
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("it is piped"))
        .read_line(&mut first)
        .expect("a line");
    assert!(first.starts_with(r#"{"value""#));
    // The reader is gone, and with it the pipe.
    let ended = ended(&args, child).exits(0);
    assert!(!ended.err.contains("error"), "{ended:#?}");
}
