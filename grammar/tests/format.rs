//! What the formatter makes of a few files that nobody cared for. Its laws (the tree stays, no comment is lost, twice is once)
//! are held against everything by the suite, `tests/src/kinds/format.rs`.

use tollgate_grammar::{WIDTH, format};

/// Formats `format/NAME.rules`; the picture beside it says what it becomes.
fn check(name: &str, text: &str) {
    let formatted = match format(text) {
        Ok(formatted) => formatted,
        Err(errors) => panic!("{name} does not parse: {errors:?}"),
    };
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("format");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, formatted));
}

#[test]
fn comments_stay_with_what_they_are_about() {
    check("comments", include_str!("format/comments.rules"));
}

#[test]
fn rules_stand_on_a_line_or_in_clauses() {
    check("rules", include_str!("format/rules.rules"));
}

#[test]
fn expressions_break_where_they_are_joined() {
    check("expressions", include_str!("format/expressions.rules"));
}

#[test]
fn declarations_fit_a_line_or_have_one_each() {
    check("items", include_str!("format/items.rules"));
}

#[test]
fn the_rows_of_a_test_have_columns() {
    check("tests", include_str!("format/tests.rules"));
}

#[test]
fn what_can_be_broken_keeps_to_the_width() {
    for text in [
        include_str!("format/rules.rules"),
        include_str!("format/expressions.rules"),
        include_str!("format/items.rules"),
    ] {
        let formatted = format(text).expect("it parses");
        let width = |line: &str| line.chars().count() as u32;
        let widest = formatted.lines().max_by_key(|line| width(line));
        assert!(
            widest.is_some_and(|line| width(line) <= WIDTH),
            "{widest:?}"
        );
    }
}

#[test]
fn other_ends_of_lines_and_a_byte_order_mark_go() {
    let text = "\u{feff}# one\r\nconst a = 1\r\n\r\n\r\n\u{c}const b = 2";
    let formatted = "# one\nconst a = 1\n\nconst b = 2\n";
    assert_eq!(format(text).as_deref(), Ok(formatted));
    assert_eq!(format("").as_deref(), Ok(""));
    assert_eq!(
        format("# only\n\n\n# this").as_deref(),
        Ok("# only\n\n# this\n")
    );
}

#[test]
fn columns_count_what_a_terminal_shows() {
    let text =
        "table t(a: String) -> Int hit first {\n| \"日本\" => 1\n| \"abcdef\" => 2\n| _ => 3\n}";
    let formatted = "table t(a: String) -> Int hit first {\n  | \"日本\"   => 1\n  | \"abcdef\" => 2\n  | _        => 3\n}\n";
    assert_eq!(format(text).as_deref(), Ok(formatted));
}

#[test]
fn formatting_is_linear() {
    // Half a million bytes each: what grows with the square of them would take minutes.
    let list = format!("const a = {{{}}}", "1_000, ".repeat(50_000));
    let rules = "rule r when (a and b) or [1, 2] == x then f(1)\n".repeat(10_000);
    let set = format!("ruleset s(n: Int) -> Int hit first {{\n{rules}}}");
    let comments = "# a comment\n".repeat(50_000);
    for text in [list, set, comments] {
        let began = std::time::Instant::now();
        assert!(format(&text).is_ok());
        assert!(began.elapsed().as_secs() < 120, "{:?}", began.elapsed());
    }
}
