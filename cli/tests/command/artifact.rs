//! Artifacts: `tollgate build -o x.tgb`, and what takes them in place of rules.

use super::Folder;

const RULES: &str = "edition 2026
module size
ruleset size(n: Int) -> String hit first {
  rule small when n < 10 then \"small\"
  otherwise \"large\"
}
";
// `openssl genpkey -algorithm ed25519`, and `openssl pkey -pubout` of it.
pub(crate) const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
pub(crate) const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";

fn folder(name: &str) -> Folder {
    Folder::new(&format!("artifact-{name}"))
        .with("size.rules", RULES)
        .with("facts.jsonl", "7\n12\n")
        .with("key.pem", PRIVATE)
        .with("public.pem", PUBLIC)
}

#[test]
fn an_artifact_decides_without_the_rules() {
    let folder = folder("decides");
    folder
        .tollgate(&["build", "size.rules", "-o", "size.tgb"])
        .exits(0);
    let run = |file| {
        let args = ["run", file, "size", "--input", "facts.jsonl"];
        folder.tollgate(&args).exits(0).out
    };
    let expected = run("size.rules");
    std::fs::remove_file(folder.path().join("size.rules")).unwrap();
    assert_eq!(run("size.tgb"), expected);
    let args = [
        "bench",
        "size.tgb",
        "size",
        "--input",
        "facts.jsonl",
        "--rounds",
        "1",
    ];
    folder.tollgate(&args).exits(0);
}

#[test]
fn a_damaged_artifact_is_refused_with_the_reason() {
    let folder = folder("damaged");
    folder
        .tollgate(&["build", "size.rules", "-o", "size.tgb"])
        .exits(0);
    let path = folder.path().join("size.tgb");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let run = folder.tollgate(&["run", "size.tgb", "size", "--input", "facts.jsonl"]);
    let run = run.exits(2);
    assert!(
        run.err
            .contains("the artifact is damaged: its checksum is another"),
        "{}",
        run.err
    );
}

#[test]
fn whoever_asks_for_a_signature_gets_a_right_one_or_nothing() {
    let folder = folder("signed");
    let signed = [
        "build",
        "size.rules",
        "-o",
        "signed.tgb",
        "--sign",
        "key.pem",
    ];
    folder.tollgate(&signed).exits(0);
    folder
        .tollgate(&["build", "size.rules", "-o", "plain.tgb"])
        .exits(0);
    let run = |file| {
        let args = [
            "run",
            file,
            "size",
            "--input",
            "facts.jsonl",
            "--trust",
            "public.pem",
        ];
        folder.tollgate(&args)
    };
    run("signed.tgb").exits(0);
    let refused = run("plain.tgb").exits(2);
    assert!(
        refused.err.contains("the artifact is not signed"),
        "{}",
        refused.err
    );
    // Rules are no artifact, and nobody has signed them.
    run("size.rules").exits(2);
    let object = ["build", "size.rules", "-o", "size.o", "--sign", "key.pem"];
    folder.tollgate(&object).exits(2);
}

/// Nothing that is asked for is left undone without a word.
#[test]
fn an_artifact_takes_no_options_of_machine_code() {
    let folder = folder("options");
    let build = ["build", "size.rules", "-o", "size.tgb"];
    for option in [
        ["--header", "size.h"],
        ["--name", "shop"],
        ["--target", "aarch64-unknown-linux-gnu"],
        ["--cpu", "native"],
        ["--profile", "size=facts.jsonl"],
    ] {
        folder
            .tollgate(&[&build[..], &option].concat())
            .exits(2)
            .says(&format!("`{}` is for machine code", option[0]));
    }
    assert!(!folder.path().join("size.tgb").exists());
}
