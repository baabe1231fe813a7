//! `tollgate emit`, and modules in a folder.

use std::io::{BufRead, BufReader};
use std::path::Path;

use super::{Folder, ended};

fn example() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/shop/gateway.rules");
    root.display().to_string()
}

#[test]
fn every_stage_prints() {
    let folder = Folder::new("emit");
    for (stage, part) in [
        ("tokens", "edition"),
        ("ast", "checkout"),
        ("hir", "checkout"),
        ("ir", "ruleset"),
        ("opt", "; in the end"),
        ("bytecode", "ret"),
    ] {
        folder
            .tollgate(&["emit", "--stage", stage, &example()])
            .exits(0)
            .prints(part);
    }
    folder
        .tollgate(&["emit", "--stage", "jit", &example()])
        .exits(2)
        .says("the stages are tokens, ast, hir, ir, opt, dag, bytecode");
}

#[cfg(feature = "cranelift")]
#[test]
fn a_backend_shows_its_own_stages() {
    let folder = Folder::new("emit-native");
    for (stage, part) in [("clif", "; lookup"), ("asm", "ret")] {
        folder
            .tollgate(&["emit", "--stage", stage, &example()])
            .exits(2)
            .says("the backend `vm` has no stage");
        let native = [
            "emit",
            "--stage",
            stage,
            "--backend",
            "cranelift",
            &example(),
        ];
        folder.tollgate(&native).exits(0).prints(part);
    }
}

#[test]
fn the_first_stages_print_what_cannot_be_compiled() {
    let folder = Folder::new("emit-broken").with(
        "a.rules",
        "edition 2026\nmodule a\nfn f() -> Int = 1 +\nfn g() -> Int = 2\n",
    );
    for stage in ["tokens", "ast"] {
        folder
            .tollgate(&["emit", "--stage", stage, "a.rules"])
            .exits(0)
            .prints("g");
    }
    for stage in ["hir", "ir", "opt", "bytecode"] {
        folder
            .tollgate(&["emit", "--stage", stage, "a.rules"])
            .exits(1)
            .says("error[unexpected-token]");
    }
}

#[test]
fn a_stage_into_a_closed_pipe_ends_quietly() {
    let folder = Folder::new("emit-head");
    let file = example();
    let args = ["emit", "--stage", "ir", &file];
    let mut child = folder.start(&args, &[]);
    let mut line = String::new();
    BufReader::with_capacity(16, child.stdout.take().expect("it is piped"))
        .read_line(&mut line)
        .expect("a line");
    let ended = ended(&args, child).exits(0);
    assert_eq!(ended.err, "");
}

#[test]
fn modules_stand_in_the_same_folder() {
    let main = "edition 2026\nmodule a\nuse b.{two}\nfn f() -> Int = two()\n";
    let two = "edition 2026\nmodule b\nfn two() -> Int = 2\n";
    Folder::new("modules")
        .with("a.rules", main)
        .with("any-name.rules", two)
        .tollgate(&["check", "a.rules"])
        .exits(0);
    Folder::new("no-module")
        .with("a.rules", main)
        .tollgate(&["check", "a.rules"])
        .exits(1)
        .says("error[unknown-module]: there is no module `b`");
    Folder::new("cycle")
        .with("a.rules", main)
        .with(
            "b.rules",
            "edition 2026\nmodule b\nuse a.{f}\nfn two() -> Int = f()\n",
        )
        .tollgate(&["check", "a.rules"])
        .exits(1)
        .says("error[module-cycle]");
    Folder::new("bad-module")
        .with("a.rules", main)
        .with("b.rules", b"edition 2026\nmodule b\n# \xff\n")
        .tollgate(&["check", "a.rules"])
        .exits(1)
        .says("error[unreadable-module]");
}
