//! `tollgate build`. What is made is compiled with C and run in `tests/`, kind `embedded`.

use std::process::Command;

use super::Folder;

const RULES: &str = "edition 2026
module size
ruleset size(n: Int) -> String hit first {
  rule small when n < 10 then \"small\"
  otherwise \"large\"
}
";

fn folder(name: &str) -> Folder {
    Folder::new(&format!("build-{name}")).with("size.rules", RULES)
}

#[test]
fn an_object_file_and_its_header_are_made() {
    let folder = folder("object");
    folder
        .tollgate(&["build", "size.rules", "-o", "out.o"])
        .exits(0);
    let object = std::fs::read(folder.path().join("out.o")).unwrap();
    assert!(object.starts_with(b"\x7fELF"));
    let header = folder.read("out.h");
    assert!(header.contains("size_decide_size("), "{header}");
    let args = ["build", "size.rules", "-o", "arm.o", "--target"];
    let more = [
        "aarch64-unknown-linux-gnu",
        "--header",
        "x.h",
        "--name",
        "Shop",
    ];
    folder.tollgate(&[&args[..], &more].concat()).exits(0);
    assert!(folder.read("x.h").contains("shop_decide_size("));
    let arm = std::fs::read(folder.path().join("arm.o")).unwrap();
    // ELF's number for aarch64 (the field `e_machine`).
    assert_eq!(arm[18..20], 183u16.to_le_bytes());
    // What is decided does not depend on a profile, and Cranelift places no code by it.
    let decisions = "{\"value\":\"small\",\"by\":\"small\"}\n{\"line\":2,\"refused\":{}}\n";
    std::fs::write(folder.path().join("decisions.jsonl"), decisions).unwrap();
    let profile = [
        "build",
        "size.rules",
        "-o",
        "profile.o",
        "--profile",
        "size=decisions.jsonl",
    ];
    folder.tollgate(&profile).exits(0);
    assert_eq!(
        std::fs::read(folder.path().join("profile.o")).unwrap(),
        object
    );
    // The same twice.
    folder
        .tollgate(&["build", "size.rules", "-o", "again.o"])
        .exits(0);
    assert_eq!(
        std::fs::read(folder.path().join("again.o")).unwrap(),
        object
    );
}

#[test]
fn a_static_library_has_an_index() {
    let folder = folder("archive");
    folder
        .tollgate(&["build", "size.rules", "-o", "libsize.a"])
        .exits(0);
    let archive = std::fs::read(folder.path().join("libsize.a")).unwrap();
    assert!(archive.starts_with(b"!<arch>\n/ "));
    let symbol = b"size_image\0";
    assert!(archive.windows(symbol.len()).any(|w| w == symbol));
    assert!(folder.read("libsize.h").contains("size_program_load"));
}

/// Linkers read what was made, and find the symbol by the index.
#[test]
fn libraries_are_linked() {
    if Command::new("cc").arg("--version").output().is_err() {
        println!("left out: there is no `cc`");
        return;
    }
    let folder = folder("linked");
    for output in ["libsize.a", "libsize.so"] {
        folder
            .tollgate(&["build", "size.rules", "-o", output])
            .exits(0);
    }
    let mut link = Command::new("cc");
    link.args([
        "-shared",
        "-Wl,-z,defs",
        "-Wl,-u,size_image",
        "libsize.a",
        "-o",
        "linked.so",
    ]);
    assert!(link.current_dir(folder.path()).status().unwrap().success());
    for library in ["libsize.so", "linked.so"] {
        let bytes = std::fs::read(folder.path().join(library)).unwrap();
        let symbol = b"size_image\0";
        assert!(
            bytes.windows(symbol.len()).any(|w| w == symbol),
            "{library}"
        );
    }
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(left.len(), 5, "{left:?}");
    let child = folder.start(
        &["build", "size.rules", "-o", "no.so"],
        &[("CC", "nonesuch")],
    );
    super::ended(&["build"], child)
        .exits(2)
        .says("name a C compiler in CC");
}

#[test]
fn what_cannot_be_built_is_said() {
    let folder = folder("wrong").with("wrong.rules", "module wrong\nfn f(a: Int) -> Int = b\n");
    let build = |args: &[&str]| folder.tollgate(&[&["build"], args].concat());
    build(&["size.rules", "-o", "size.exe"])
        .exits(2)
        .says("its name has to end so");
    build(&["size.rules", "-o", "size.o", "--backend", "vm"])
        .exits(2)
        .says("makes no machine code that could stand in a file");
    build(&["size.rules", "-o", "size.o", "--target", "pdp11"])
        .exits(2)
        .says("aarch64-unknown-linux-gnu");
    build(&["size.rules", "-o", "size.o", "--cpu", "nonesuch"])
        .exits(2)
        .says("knows no processor `nonesuch`");
    let target = ["--target", "aarch64-unknown-linux-gnu", "--cpu", "native"];
    if cfg!(target_arch = "x86_64") {
        build(&[&["size.rules", "-o", "size.o"], &target[..]].concat())
            .exits(2)
            .says("the processor of this machine");
    }
    build(&["size.rules", "-o", "nowhere/size.o"])
        .exits(2)
        .says("cannot write nowhere/size.o");
    for (line, said) in [
        (
            "{\"value\":\"small\",\"by\":\"tiny\"}",
            "there is no rule `tiny` of `size`",
        ),
        ("{}", "line 1: it is no decision"),
        ("{", "line 1: "),
    ] {
        std::fs::write(folder.path().join("decisions.jsonl"), line).unwrap();
        build(&[
            "size.rules",
            "-o",
            "size.o",
            "--profile",
            "size=decisions.jsonl",
        ])
        .exits(2)
        .says(said);
    }
    build(&["wrong.rules", "-o", "wrong.o"])
        .exits(1)
        .says("unknown-name");
    assert!(!folder.path().join("wrong.o").exists());
}

const LIMITED: &str = "edition 2026
module limited
record Visit { id: String, who: String, at: Instant }
stream visits: Visit { id: event.id, time: event.at, dedupe: 7d, late_after: 1h }
state calls: FixedWindow by String { limit: 1, window: 1h, max_keys: 100, on_failure: deny }
state all: Count { counts: visits, window: 1d, on_failure: skip }
ruleset admit(who: String) -> Bool hit first {
  rule too_many when not calls[who].take().granted then false
  otherwise true
}
ruleset thanks(visit: Visit) -> [String] on visits hit all {
  rule second when all.value() == 2 then visit.who
}
";

/// `run` and `stream` take an artifact of rules with states and streams where they take the rules.
#[test]
fn an_artifact_keeps_states_as_the_rules_do() {
    let visit = |n: u32| {
        format!("{{\"id\":\"v{n}\",\"who\":\"w{n}\",\"at\":\"2026-11-02T09:00:0{n}Z\"}}\n")
    };
    let folder = Folder::new("build-states")
        .with("limited.rules", LIMITED)
        .with("who.jsonl", "\"ann\"\n\"ann\"\n\"bob\"\n")
        .with("visits.jsonl", [visit(1), visit(1), visit(2)].concat());
    folder
        .tollgate(&["build", "limited.rules", "-o", "limited.tgb"])
        .exits(0);
    for file in ["limited.rules", "limited.tgb"] {
        let run = folder.tollgate(&["run", file, "admit", "--input", "who.jsonl"]);
        run.exits(0).prints_lines(&[
            r#"{"value":true,"by":"otherwise"}"#,
            r#"{"value":false,"by":"too_many"}"#,
            r#"{"value":true,"by":"otherwise"}"#,
        ]);
        let journal = format!("{file}.journal");
        let args = [
            "stream",
            file,
            "--input",
            "visits.jsonl",
            "--journal",
            &journal,
        ];
        let action = r#"{"id":"v2/thanks/0","event":"v2","by":["second"],"action":"w2"}"#;
        folder.tollgate(&args).exits(0).prints_lines(&[action]);
    }
    folder
        .tollgate(&["build", "limited.rules", "-o", "limited.o"])
        .exits(2)
        .says("the stream `visits` cannot be kept by the library that an object file is linked with: build an artifact (.tgb)");
}
