//! `tollgate test`: what is told of failures, in each format, and again when a file changes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::sync::mpsc;
use std::thread;

use super::{Folder, PATIENCE};

const RULES: &str = "edition 2026
module shop
enum Route { forward(service: String), respond(status: Int in 100 .. 599) }
type CartId = String matching re\"c_[0-9a-z]{4}\"
record Request { path: Path, size: Int in 0 .. 1_000 = 10, tier: String? }
ruleset route(req: Request) -> Route hit first {
  rule health when req.path matches p\"/healthz\" then respond(204)
  rule cart when (req.tier ?? skip) == \"gold\" and req.size > 713
    and req.path matches p\"/carts/{cart: CartId}/checkout\" then forward(\"payments\")
  otherwise respond(404)
}
test \"rows\" (path: Path) {
  expect route(Request(path: path))
  | \"/healthz\" => respond(204) by health
  | \"/nix\"     => respond(204) by route.health
}
test \"nothing is forwarded\" {
  forall req: Request
  expect route(req) is respond(_)
}
test \"a trace\" {
  expect trace(route(Request(path: \"/healthz\"))) == [cart]
}
test \"control \\u{1} & <markup>\" {
  expect 1 < 2
}
";

fn folder(name: &str) -> Folder {
    Folder::new(name).with("shop.rules", RULES)
}

#[test]
fn what_failed_is_drawn_with_the_rule_that_decided() {
    let ended = folder("test-drawn")
        .tollgate(&["test", "shop.rules"])
        .exits(1);
    let out = &ended.out;
    for said in [
        "ok shop.rules:14 rows, row 1",
        "FAILED shop.rules:15 rows, row 2",
        "expected `respond(204) by route.health`, but it was respond(404) by otherwise",
        "no rule matched, so this decided",
        "expected `trace(route(Request(path: \"/healthz\"))) == [cart]`, but it was decided by health",
        "this rule decided",
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
    assert!(ended.err.ends_with("2 passed, 3 failed\n"), "{ended:#?}");
    assert!(!out.contains('\x1b'), "no colours in a pipe");
}

/// The rule needs four things at once; values are aimed at rules, and what is found is small.
#[test]
fn a_counterexample_is_found_made_small_and_can_be_pasted() {
    let folder = folder("test-forall");
    let given =
        "given req: Request = Request(path: \"/carts/c_aaaa/checkout\", size: 714, tier: \"gold\")";
    for seed in ["1", "2", "3"] {
        folder
            .tollgate(&[
                "test",
                "--filter",
                "forwarded",
                "--seed",
                seed,
                "shop.rules",
            ])
            .exits(1)
            .prints(&format!("It does not hold for these values (seed {seed}):"))
            .prints(given);
    }
    let pasted = format!(
        "{RULES}test \"pasted\" {{\n  {given}\n  expect route(req) is forward(_) by cart\n}}\n"
    );
    fs::write(folder.path().join("shop.rules"), pasted).expect("a file");
    folder
        .tollgate(&["test", "--filter", "pasted", "shop.rules"])
        .exits(0)
        .says("1 passed, 0 failed");
    // One value is not enough to find it, and the number of values is bounded.
    folder
        .tollgate(&[
            "test",
            "--filter",
            "forwarded",
            "--cases",
            "0",
            "shop.rules",
        ])
        .exits(2)
        .says("a number from 1 to 1_000_000");
}

/// Values that `where` refuses are changed into ones that it lets count; where that does not help, it is said.
#[test]
fn a_condition_that_nearly_nothing_satisfies_is_met_or_said() {
    let rules = "edition 2026
module a
record Request { path: Path, size: Int in 0 .. 1_000 = 10, tier: String?, ip: Ip }
data tiers: {String ..4}
test \"strict\" {
  forall req: Request where req.path matches p\"/admin/{id}/x\" and (req.tier ?? \"\") in tiers
    and req.ip in ip\"10.20.0.0/16\" and req.size > 400
  given tiers = {\"gold\"}
  expect req.size != 1_000
}
test \"odd\" {
  forall n: Int in 0 .. 1_000_000_000 where mod(n * n, 1_000_003) == 17
  expect n > 0
}
test \"never\" {
  forall n: Int where n > 5 and n < 3
  expect n > 0
}
";
    let folder = Folder::new("test-where").with("a.rules", rules);
    folder
        .tollgate(&["test", "--cases", "100", "a.rules"])
        .exits(1)
        .prints("given req: Request = Request(path: \"/admin/")
        .prints("size: 1000, tier: \"gold\", ip: ip\"10.20.0.0\")")
        .prints("`where` is satisfied by 0 of 5000 values, which is too few")
        .prints("no value satisfies `where`: its parts contradict each other")
        .says("0 passed, 3 failed");
}

#[test]
fn a_folder_stands_for_its_rule_files() {
    let folder = folder("test-folder").with("README.md", "no rules");
    fs::create_dir(folder.path().join("inner")).expect("a folder");
    fs::create_dir(folder.path().join("empty")).expect("a folder");
    let inner = "edition 2026\nmodule inner\ntest \"two\" { expect 1 + 1 == 2 }\n";
    fs::write(folder.path().join("inner/inner.rules"), inner).expect("a file");
    for args in [
        &["test"][..],
        &["test", "."],
        &["test", "shop.rules", "inner"],
    ] {
        folder
            .tollgate(args)
            .exits(1)
            .prints("ok inner/inner.rules:3 two")
            .prints("ok shop.rules:14 rows, row 1")
            .says("3 passed, 3 failed");
    }
    folder
        .tollgate(&["test", "empty"])
        .exits(2)
        .says("there is no .rules file in empty");
}

#[test]
fn every_backend_and_level_runs_tests() {
    let folder = folder("test-backends");
    for backend in ["interp", "vm", "cranelift", "tiered"] {
        for level in ["0", "2"] {
            let args = ["test", "--backend", backend, "-O", level, "shop.rules"];
            folder
                .tollgate(&args)
                .exits(1)
                .prints("size: 714, tier: \"gold\"")
                .says("2 passed, 3 failed");
        }
    }
}

#[test]
fn json_has_a_line_for_each_result() {
    let folder = folder("test-json").with(
        "broken.rules",
        "edition 2026\nmodule b\nfn f() -> Int = m\n",
    );
    let args = ["test", "--format", "json", "shop.rules", "broken.rules"];
    let ended = folder.tollgate(&args).exits(1);
    let lines = ended.json();
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[0]["test"], "rows");
    assert_eq!(
        (&lines[0]["row"], &lines[0]["passed"]),
        (&1.into(), &true.into())
    );
    let failure = &lines[1]["failures"][0];
    assert_eq!(failure["expected"], "respond(204) by route.health");
    assert_eq!(
        failure["found"],
        serde_json::json!({"respond": {"status": 404}})
    );
    assert_eq!(failure["by"], serde_json::json!(["route.otherwise"]));
    assert_eq!(
        (&failure["file"], &failure["line"]),
        (&"shop.rules".into(), &15.into())
    );
    assert_eq!(lines[2]["failures"][0]["seed"], 1);
    assert!(
        lines[2]["failures"][0]["given"][0]
            .as_str()
            .is_some_and(|g| g.starts_with("given req"))
    );
    assert_eq!(lines[5]["diagnostics"][0]["slug"], "unknown-name");
    assert_eq!(lines[5]["passed"], false);
}

#[test]
fn junit_is_well_formed_and_counts() {
    let folder = folder("test-junit").with(
        "broken.rules",
        "edition 2026\nmodule b\nfn f() -> Int = m\n",
    );
    let args = ["test", "--format", "junit", "shop.rules", "broken.rules"];
    let ended = folder.tollgate(&args).exits(1);
    let document = roxmltree::Document::parse(&ended.out).expect("it is XML");
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let counts = |node: roxmltree::Node<'_, '_>| {
        ["tests", "failures", "errors"].map(|name| node.attribute(name).map(str::to_owned))
    };
    let some = |counts: [&str; 3]| counts.map(|count| Some(count.to_owned()));
    assert_eq!(counts(root), some(["6", "3", "1"]));
    let suites: Vec<_> = root.children().filter(|n| n.is_element()).collect();
    assert_eq!(suites.len(), 2);
    assert_eq!(counts(suites[0]), some(["5", "3", "0"]));
    let named = |name: &str| {
        let mut all = document.descendants();
        all.find(|n| n.attribute("name") == Some(name))
            .unwrap_or_else(|| panic!("{name}: {}", ended.out))
    };
    // What XML cannot hold is replaced, the rest is escaped and read back.
    assert!(
        named("control \u{fffd} & <markup>")
            .children()
            .all(|n| !n.is_element())
    );
    let row = named("rows, row 2");
    assert_eq!(
        (row.attribute("classname"), row.attribute("line")),
        (Some("shop.rules"), Some("15"))
    );
    let failure = row.first_element_child().expect("it failed");
    let message = failure.attribute("message").expect("it says why");
    assert!(
        message.contains("but it was respond(404) by otherwise"),
        "{message}"
    );
    assert!(
        failure
            .text()
            .is_some_and(|text| text.contains("no rule matched"))
    );
    let error = named("it compiles")
        .first_element_child()
        .expect("it does not compile");
    assert!(
        error
            .text()
            .is_some_and(|text| text.contains("error[unknown-name]"))
    );
    folder
        .tollgate(&["test", "--format", "junit", "--watch", "shop.rules"])
        .exits(2)
        .says("leave --watch or --format junit out");
}

#[test]
fn a_file_that_changes_is_tested_again() {
    let rules =
        "edition 2026\nmodule a\nuse b.{limit}\ntest \"a limit\" {\n  expect limit() == 7\n}\n";
    let module = |n: u32| format!("edition 2026\nmodule b\nfn limit() -> Int = {n}\n");
    let folder = Folder::new("test-watch")
        .with("a.rules", rules)
        .with("b.rules", module(7));
    let args = ["test", "--watch", "--format", "json", "a.rules"];
    let mut child = folder.start(&args, &[]);
    let out = child.stdout.take().expect("it is piped");
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    let next = || {
        let line = lines.recv_timeout(PATIENCE).expect("it runs again");
        serde_json::from_str::<serde_json::Value>(&line).expect("it is JSON")
    };
    assert_eq!(next()["passed"], true);
    // At once, as editors do: half a file is another one.
    let put = |name: &str, text: &str| {
        let (draft, path) = (folder.path().join("draft"), folder.path().join(name));
        fs::write(&draft, text).expect("a file");
        fs::rename(draft, path).expect("it takes its place");
    };
    // A module beside it counts too; so does a mistake, after which it goes on.
    put("b.rules", &module(10));
    assert_eq!(next()["failures"][0]["found"], 10);
    put("a.rules", "edition 2026\nmodule a\nfn f() -> Int = m\n");
    assert_eq!(next()["diagnostics"][0]["slug"], "unknown-name");
    put("a.rules", &rules.replace("== 7", "== 10"));
    assert_eq!(next()["passed"], true);
    child.kill().expect("it runs until it is stopped");
    child.wait().expect("it has ended");
}
