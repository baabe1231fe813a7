//! Files that nobody would write: each gets a clear error, soon.

use super::Folder;

const HEAD: &str = "edition 2026\nmodule a\n";

/// Checks a file, which must be refused with a slug (or be a file that cannot be read).
#[track_caller]
fn refused(name: &str, text: impl AsRef<[u8]>, slug: &str) {
    Folder::new(name)
        .with("a.rules", text)
        .tollgate(&["check", "a.rules"])
        .exits(1)
        .says(&format!("error[{slug}]"));
}

#[test]
fn what_is_no_file_of_text() {
    let folder = Folder::new("no-text").with("bytes.rules", b"edition 2026\nmodule a # \xff\n");
    folder
        .tollgate(&["check", "."])
        .exits(2)
        .says("cannot read .: it is a folder");
    for command in ["check", "test"] {
        folder
            .tollgate(&[command, "nowhere.rules"])
            .exits(2)
            .says("cannot read nowhere.rules: No such file");
        folder
            .tollgate(&[command, "bytes.rules"])
            .exits(2)
            .says("cannot read bytes.rules: it is not valid UTF-8 at byte 24");
    }
}

#[test]
fn a_file_of_nothing() {
    for (name, text) in [
        ("empty", ""),
        ("blank", "\n\n  \r\n"),
        ("bom-only", "\u{feff}"),
        ("head-only", HEAD),
        ("comment-only", "# soon"),
    ] {
        refused(name, text, "empty-file");
    }
}

#[test]
fn marks_and_line_ends_of_other_systems_count_for_nothing() {
    let text = "\u{feff}edition 2026\r\nmodule a\r\nfn f(n: Int) -> Int =\r\n  m\r\n";
    Folder::new("bom")
        .with("a.rules", text)
        .tollgate(&["check", "a.rules"])
        .exits(1)
        .says("a.rules:4:3")
        .says("1 error");
    Folder::new("crlf")
        .with("a.rules", text.replace("  m", "  n"))
        .tollgate(&["check", "a.rules"])
        .exits(0);
}

#[test]
fn ten_megabytes_of_brackets() {
    refused("parens", "(".repeat(10_000_000), "syntax-limit");
    let inside = format!("{HEAD}fn f() -> Int = {}", "(".repeat(10_000_000));
    refused("parens-inside", inside, "syntax-limit");
    let mixed = format!("{HEAD}fn f() -> Int = {}", "([{".repeat(1_000_000));
    refused("mixed", mixed, "syntax-limit");
    refused("closing", ")".repeat(1_000_000), "unopened-bracket");
}

#[test]
fn nesting_of_every_kind() {
    let of = |kind: &str, body: String| {
        refused(kind, format!("{HEAD}{body}\n"), "syntax-limit");
    };
    let function =
        |body: String| format!("fn f(a: Bool, n: Int, xs: [Int], o: Int?) -> Int = {body}");
    of("not", function(format!("{}a", "not ".repeat(2_000))));
    of("minus", function(format!("{}n", "- ".repeat(100_000))));
    of("plus", function(format!("n{}", " + n".repeat(100_000))));
    of("dots", function(format!("n{}", ".x".repeat(100_000))));
    of("indexes", function(format!("xs{}", "[0]".repeat(100_000))));
    of(
        "answers",
        function(format!("o{} ?? 1", " ?? o".repeat(100_000))),
    );
    of(
        "ifs",
        function(format!("{}1", "if a then 1 else ".repeat(5_000))),
    );
    of(
        "lists",
        function(format!("{}1{}", "[".repeat(300), "]".repeat(300))),
    );
    let groups = format!(
        "{}rule x then 1{}",
        "group when a { ".repeat(1_000),
        "}".repeat(1_000)
    );
    let set = format!("ruleset f(a: Bool) -> Int hit first {{ {groups} otherwise 2 }}");
    of("groups", set);
}

#[test]
fn long_chains_are_no_nesting() {
    let text = format!(
        "{HEAD}fn f(a: Bool) -> Bool = a{}\n",
        " and a".repeat(100_000)
    );
    let folder = Folder::new("ands").with("a.rules", text);
    folder.tollgate(&["check", "a.rules"]).exits(0);
    let text = format!(
        "{HEAD}ruleset f(a: Bool, n: Int) -> Bool hit first {{\n  rule r when a{} then true\n  otherwise false\n}}\n",
        " and n > 3".repeat(20_000)
    );
    Folder::new("spine")
        .with("a.rules", text)
        .tollgate_with(
            &["run", "a.rules", "f", "-i", "-"],
            br#"{"a": true, "n": 4}"#,
        )
        .exits(0)
        .prints_lines(&[r#"{"value":true,"by":"r"}"#]);
}

#[test]
fn a_match_with_thousands_of_arms() {
    let arms =
        |name: &str| -> String { (0..4_000).map(|i| format!("{name}{i} => {i}, ")).collect() };
    let variants: String = (0..4_000).map(|i| format!("v{i} ")).collect();
    let text = format!(
        "{HEAD}enum E {{ {variants} }}\nfn f(e: E) -> Int = match e {{ {} }}\nfn g(n: Int) -> Int = match n {{ {} _ => 0 }}\n",
        arms("v"),
        arms("")
    );
    Folder::new("arms")
        .with("a.rules", text)
        .tollgate(&["check", "a.rules"])
        .exits(0);
}

#[test]
fn long_texts() {
    let pattern = "a".repeat(70 << 10);
    let text = format!("{HEAD}fn f(s: String) -> Bool = s matches re\"{pattern}\"\n");
    refused("pattern", text, "syntax-limit");
    let text = format!("{HEAD}fn f() -> String = \"{}", "x".repeat(9_000_000));
    refused("text", text, "syntax-limit");
    let text = format!("{HEAD}fn f() -> Int = {}\n", "9".repeat(60_000));
    refused("number", text, "number-too-large");
}

#[test]
fn many_mistakes() {
    refused("strays", "\u{0}\u{1}$$$`~".repeat(300_000), "bad-character");
    let open = "ruleset f(a: Bool) -> Int hit first {".repeat(20_000);
    refused("open", format!("{HEAD}{open}"), "too-many-errors");
    let implies = format!(
        "{HEAD}fn f(a: Bool) -> Bool = a{}\n",
        " implies a".repeat(100_000)
    );
    refused("implies", implies, "unexpected-token");
    let quotes = "\"\n".repeat(200_000);
    refused("quotes", quotes, "unterminated-text");
}

#[test]
fn what_would_not_end() {
    let text = format!("{HEAD}fn f(n: Int) -> Int = g(n)\nfn g(n: Int) -> Int = f(n)\n");
    refused("recursion", text, "recursion");
    let mut deep = format!("{HEAD}fn f0(n: Int in 0 .. 1) -> Int = n\n");
    for i in 1..3_000 {
        deep += &format!("fn f{i}(n: Int in 0 .. 1) -> Int = f{}(n)\n", i - 1);
    }
    deep += "ruleset r(n: Int in 0 .. 1) -> Int hit first { otherwise f2999(n) }\n";
    refused("calls", deep, "calls-too-deep");
    let text = format!("{HEAD}record A {{ b: B }}\nrecord B {{ a: A }}\nfn f(a: A) -> Int = 1\n");
    Folder::new("types")
        .with("a.rules", text)
        .tollgate(&["check", "a.rules"])
        .exits(1)
        .says("error[");
}
