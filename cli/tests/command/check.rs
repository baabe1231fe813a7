//! `tollgate check` and `explain`.

use std::fs;
use std::path::Path;

use super::{Folder, ended};

const WARNED: &str = "edition 2026
module warned
ruleset f(n: Int in 0 .. 9) -> Int hit first {
  rule all when n >= 0 then 1
  rule never when n > 3 then 2
  otherwise 3
}
";

#[test]
fn warnings_are_findings_only_where_that_is_asked() {
    let folder = Folder::new("warnings").with("warned.rules", WARNED);
    folder
        .tollgate(&["check", "warned.rules"])
        .exits(0)
        .says("warning[")
        .says("1 file: 0 errors, ");
    folder
        .tollgate(&["check", "--deny-warnings", "warned.rules"])
        .exits(1);
}

/// Every witness in the JSON of the planted mistakes is what `run` takes, and is decided as it says.
#[test]
fn a_machine_can_replay_every_witness() {
    let planted = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/analysis/found");
    let folder = Folder::new("replay");
    let (mut shown, mut decided) = (0, 0);
    for file in fs::read_dir(planted).expect("the planted mistakes are there") {
        let file = file.expect("a file").path();
        let rules = file.to_str().expect("a name in UTF-8");
        let checked = folder.tollgate(&["check", "--format", "json", rules]);
        let compiles = !checked.json().iter().any(|d| d["severity"] == "error");
        for found in checked.json() {
            let says = |note: &serde_json::Value| {
                let note = note.as_str().unwrap_or_default();
                note.starts_with("witness: ")
            };
            let notes = found["notes"].as_array().cloned().unwrap_or_default();
            let witness = found.get("witness");
            assert_eq!(notes.iter().any(says), witness.is_some(), "{found}");
            let Some(witness) = witness else { continue };
            shown += 1;
            if !compiles {
                continue;
            }
            let mut args = vec!["run", rules, witness["entry"].as_str().expect("an entry")];
            args.extend(["--input", "-"]);
            let mut given = Vec::new();
            for (name, json) in witness["data"].as_object().into_iter().flatten() {
                fs::write(folder.path().join(name), json.to_string()).expect("a file");
                given.extend(["--data".to_owned(), format!("{name}={name}")]);
            }
            args.extend(given.iter().map(String::as_str));
            let input = witness["input"].to_string();
            let ended = folder.tollgate_with(&args, input.as_bytes()).exits(0);
            assert_eq!(ended.json()[0]["by"], witness["by"], "{rules}: {input}");
            decided += 1;
        }
    }
    assert!(
        shown > 40 && decided > 30,
        "{shown} shown, {decided} decided"
    );
}

const UNKNOWN: &str = "edition 2026
module unknown
ruleset f(a: Int in 0 .. 9, b: Int in 0 .. 9) -> Int hit first {
  rule left when a * b > 20 then 1
  rule also_left when a * b > 30 and a < 9 then 2
  otherwise 3
}
";

#[test]
fn what_is_not_known_is_told_to_who_asks() {
    let folder = Folder::new("verbose").with("a.rules", UNKNOWN);
    let quiet = folder.tollgate(&["check", "a.rules"]).exits(0);
    assert!(!quiet.err.contains("not-known"), "{}", quiet.err);
    folder
        .tollgate(&["check", "--verbose", "a.rules"])
        .exits(0)
        .says("note[not-known]: it is not known whether `also_left` ever decides");
}

#[test]
fn machines_get_a_json_object_a_line() {
    let folder = Folder::new("json").with(
        "a.rules",
        "edition 2026\nmodule a\nfn double(count: Int in 0 .. 9) -> Int =\n  coumt * 2\nfn g() -> Int = \"x\"\n",
    );
    let ended = folder
        .tollgate(&["check", "--format", "json", "a.rules"])
        .exits(1);
    assert_eq!(ended.err, "");
    let found = ended.json();
    assert_eq!(found.len(), 2);
    let name = &found[0];
    assert_eq!(name["slug"], "unknown-name");
    assert_eq!(name["severity"], "error");
    assert_eq!(name["message"], "unknown name `coumt`");
    let label = &name["labels"][0];
    assert_eq!(
        (&label["file"], &label["line"], &label["column"]),
        (&"a.rules".into(), &4.into(), &3.into())
    );
    // The edit, made, mends it.
    let edit = &name["help"][0]["edits"][0];
    let number = |key: &str| edit[key].as_u64().expect("a byte") as usize;
    let mut text = folder.read("a.rules");
    let by = edit["text"].as_str().or(edit["replacement"].as_str());
    text.replace_range(number("start")..number("end"), by.expect("a text"));
    let mended = Folder::new("mended").with("a.rules", text);
    let ended = mended
        .tollgate(&["check", "--format", "json", "a.rules"])
        .exits(1);
    assert_eq!(ended.json().len(), 1);
}

const MENDABLE: &str = "edition 2026
module mendable
record R { a: Int?, b: Int }
ruleset f(r: R) -> Bool hit first {
  rule x when r.a == none && r.b > 5 then true;
  rule y when r.a > 5 then true
  otherwise false
}
";

#[test]
fn advice_without_a_choice_is_followed() {
    let folder = Folder::new("fix").with("a.rules", MENDABLE);
    let dry = folder.tollgate(&["check", "--fix", "--dry-run", "a.rules"]);
    let dry = dry.exits(1).says("a.rules: 3 places to mend");
    assert_eq!(folder.read("a.rules"), MENDABLE);
    let expected = "--- a.rules
+++ a.rules
@@ -2,7 +2,7 @@
 module mendable
 record R { a: Int?, b: Int }
 ruleset f(r: R) -> Bool hit first {
-  rule x when r.a == none && r.b > 5 then true;
+  rule x when r.a is none and r.b > 5 then true
   rule y when r.a > 5 then true
   otherwise false
 }
";
    assert_eq!(dry.out, expected);
    // What is absent has several answers: that stays the author's.
    folder
        .tollgate(&["check", "--fix", "a.rules"])
        .exits(1)
        .says("a.rules: 3 places mended")
        .says("missing-answer")
        .says("1 file: 1 error, 0 warnings");
    let mended = MENDABLE.replace(
        "== none && r.b > 5 then true;",
        "is none and r.b > 5 then true",
    );
    assert_eq!(folder.read("a.rules"), mended);
    let left = folder.tollgate(&["check", "--fix", "--format", "json", "a.rules"]);
    assert_eq!(left.exits(1).json()[0]["help"][0]["applies"], "by_choice");
    assert_eq!(folder.read("a.rules"), mended);
    folder
        .tollgate(&["check", "--dry-run", "a.rules"])
        .exits(2)
        .says("--fix");
}

/// Only files that are named are written, also where another one has something to mend.
#[test]
fn files_that_are_not_named_are_left_alone() {
    let used = "edition 2026\nmodule used\nfn g(a: Int?) -> Bool = a == none\n";
    let main =
        "edition 2026\nmodule main\nuse used.{g}\nfn f(a: Int?) -> Bool = g(a) && a == none\n";
    let folder = Folder::new("fix-named")
        .with("used.rules", used)
        .with("main.rules", main);
    folder
        .tollgate(&["check", "--fix", "main.rules"])
        .exits(1)
        .says("main.rules: 2 places mended");
    assert_eq!(folder.read("used.rules"), used);
    folder
        .tollgate(&["check", "--fix", "main.rules", "used.rules"])
        .exits(0)
        .says("used.rules: 1 place mended");
}

#[test]
fn several_files_are_counted_together() {
    Folder::new("several-files")
        .with("a.rules", "edition 2026\nmodule a\nfn f() -> Int = b\n")
        .with("b.rules", "edition 2026\nmodule b\nfn f() -> Int = 1\n")
        .tollgate(&["check", "a.rules", "b.rules"])
        .exits(1)
        .says("2 files: 1 error, 0 warnings");
}

#[test]
fn colours_are_for_terminals() {
    let folder = Folder::new("colours").with("a.rules", "fn f() -> Int = b\n");
    for env in [&[][..], &[("NO_COLOR", "1")], &[("CLICOLOR_FORCE", "1")]] {
        let args = ["check", "a.rules"];
        let ended = ended(&args, folder.start(&args, env)).exits(1);
        assert!(!ended.err.contains('\x1b'), "{ended:#?}");
    }
    // A terminal that wants none gets none.
    #[cfg(target_os = "linux")]
    for (no_color, coloured) in [("", true), ("1", false)] {
        let Some(seen) = on_a_terminal(&folder, no_color) else {
            return;
        };
        assert_eq!(seen.contains("\x1b["), coloured, "{seen}");
    }
}

/// What `tollgate check` shows on a terminal, where `script` can make one.
#[cfg(target_os = "linux")]
fn on_a_terminal(folder: &Folder, no_color: &str) -> Option<String> {
    let command = format!("{} check a.rules", env!("CARGO_BIN_EXE_tollgate"));
    let output = std::process::Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(folder.path())
        .env("NO_COLOR", no_color)
        .stdin(std::process::Stdio::null())
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn slugs_are_explained() {
    let folder = Folder::new("explain");
    folder
        .tollgate(&["explain", "missing-answer"])
        .exits(0)
        .prints("# missing-answer");
    folder
        .tollgate(&["explain", "no-such-slug"])
        .exits(2)
        .says("no diagnostic `no-such-slug`; `tollgate explain` lists all");
    let listed = folder.tollgate(&["explain"]).exits(0);
    let slugs: Vec<&str> = listed.out.lines().collect();
    assert!(slugs.len() > 100 && slugs.is_sorted(), "{slugs:?}");
}

#[test]
fn shells_are_helped() {
    let folder = Folder::new("shells");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        folder
            .tollgate(&["completions", shell])
            .exits(0)
            .prints("tollgate");
    }
    folder.tollgate(&["completions", "abacus"]).exits(2);
    folder.tollgate(&["--version"]).exits(0).prints("tollgate ");
    for command in ["new", "check", "run", "test", "cover", "emit", "explain"] {
        folder
            .tollgate(&[command, "--help"])
            .exits(0)
            .prints("Usage:");
    }
}
