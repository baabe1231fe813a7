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
