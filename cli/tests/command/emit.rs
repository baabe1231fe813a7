//! `tollgate emit`.

use super::Folder;

const RULES: &str = "edition 2026
module hosts
ruleset owner(host: String) -> Int hit first {
  rule a when host == \"a.example\" then 1
  rule b when host == \"b.example\" then 2
  rule c when host == \"c.example\" then 3
  rule d when host == \"d.example\" then 4
  otherwise 0
}
ruleset few(host: String) -> Int hit first {
  rule a when host.lower() == \"a.example\" then 1
  otherwise 0
}
";

fn folder(name: &str) -> Folder {
    Folder::new(name).with("hosts.rules", RULES)
}

/// Draws, with more arguments.
fn draws(name: &str, args: &[&str]) -> super::Ended {
    let args = [&["emit", "--stage", "dag", "hosts.rules"], args].concat();
    folder(name).tollgate(&args)
}

#[test]
fn decision_structures_are_drawn() {
    draws("dag-text", &[])
        .exits(0)
        .prints("ruleset owner, hit first, 4 rules: searched")
        .prints("f0   host  read in place")
        .prints("ruleset few, hit first, 1 rule: asked one after the other (fewer than 4 rules, and not all of them only read)");
    let ended = draws("dag-one", &["few"]).exits(0);
    assert_eq!(ended.out.lines().count(), 1, "{}", ended.out);
    draws("dag-dot", &["owner", "--format", "dot"])
        .exits(0)
        .prints("digraph rules {");
    draws("dag-svg", &["owner", "--format", "svg", "--all"])
        .exits(0)
        .prints("<svg xmlns=\"http://www.w3.org/2000/svg\"");
    draws("dag-code", &["owner", "--backend", "cranelift"])
        .exits(0)
        .prints("ruleset owner, hit first, 4 rules: in machine code, which finds what this search would");
    draws("dag-chain", &["few", "--backend", "cranelift"])
        .exits(0)
        .prints("1 rule: asked one after the other (machine code, and at most 16 rules)");
    draws("dag-plain", &["-O", "0"])
        .exits(0)
        .prints("4 rules: asked one after the other (nothing is searched at this level)");
}

/// The passes are told of as the backend has them that is asked for.
#[test]
fn what_machine_code_finds_by_itself_is_in_its_passes() {
    let opt = |backend: &str| {
        let args = [
            "emit",
            "--stage",
            "opt",
            "hosts.rules",
            "--backend",
            backend,
        ];
        folder(&format!("opt-{backend}")).tollgate(&args).exits(0)
    };
    let ended = opt("cranelift").prints("    finder owner.finder");
    assert!(ended.out.contains("func owner.finder("), "{}", ended.out);
    let ended = opt("vm").prints("index owner");
    assert!(!ended.out.contains("finder"), "{}", ended.out);
}

#[test]
fn what_cannot_be_drawn_is_said() {
    draws("dag-none", &["nobody"])
        .exits(2)
        .says("there is no rule set `nobody`; there are owner, few");
    let args = ["emit", "--stage", "ir", "hosts.rules", "--format", "dot"];
    folder("dag-ir")
        .tollgate(&args)
        .exits(2)
        .says("are for the stage `dag`, not for `ir`");
    let args = ["emit", "--stage", "picture", "hosts.rules"];
    folder("dag-stage").tollgate(&args).exits(2).says(
        "there is no stage `picture`; the stages are tokens, ast, hir, ir, opt, dag, bytecode",
    );
}
