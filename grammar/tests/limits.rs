//! What is too much: each a clear error, quickly, and never a crash.

use std::time::{Duration, Instant};
use tollgate_grammar::{FileId, LimitKind, Limits, Parse, SyntaxErrorKind, parse, parse_within};

/// Parses under small limits; the one mistake is the limit's, at the place where `marker` first stands.
fn check(limits: &Limits, text: &str, what: LimitKind, limit: u64, marker: usize) {
    let parse = parse_within(FileId(0), text, limits);
    let [error] = &parse.errors[..] else {
        panic!("one error expected: {:?}", parse.errors);
    };
    assert_eq!(error.kind, SyntaxErrorKind::Limit { what, limit });
    assert_eq!(error.message, format!("more than {limit} {what}"));
    assert_eq!(error.span.start as usize, marker);
}

/// Parses within a time that no quadratic algorithm would keep.
fn quickly(text: &str) -> Parse {
    let start = Instant::now();
    let parse = parse(FileId(0), text);
    let taken = start.elapsed();
    assert!(
        taken < Duration::from_secs(120),
        "{} bytes took {taken:?}",
        text.len()
    );
    parse
}

#[test]
fn every_limit_names_what_and_where() {
    let limits = Limits {
        source_bytes: 100,
        tokens: 20,
        nesting: 3,
        rules: 2,
        text_bytes: 10,
    };
    check(&limits, &"#".repeat(101), LimitKind::SourceBytes, 100, 0);
    let many = "const a = 1 const a = 1 const a = 1 const a = 1 const a = 1 const b = 2";
    check(&limits, many, LimitKind::Tokens, 20, 60);
    check(
        &limits,
        "const a = f(g(h(i(1))))",
        LimitKind::Nesting,
        3,
        17,
    );
    check(
        &limits,
        "const a = 1 + 1 + 1 + 1 + 1",
        LimitKind::Nesting,
        3,
        10,
    );
    check(
        &limits,
        "const a = \"0123456789\"",
        LimitKind::TextBytes,
        10,
        10,
    );
    check(
        &limits,
        "const a01234567890 = 1",
        LimitKind::TextBytes,
        10,
        6,
    );
    let limits = Limits {
        rules: 2,
        ..Limits::default()
    };
    let rules =
        "ruleset a() -> T hit first { rule a then 1 group when b { rule b then 1 rule c then 1 } }";
    check(&limits, rules, LimitKind::Rules, 2, 72);
    check(
        &limits,
        "table a() -> T hit first { | 1 => 1 | 2 => 2 | 3 => 3 }",
        LimitKind::Rules,
        2,
        45,
    );
}

#[test]
fn a_limit_reached_is_not_a_limit_passed() {
    let limits = Limits {
        source_bytes: 23,
        tokens: 16,
        nesting: 5,
        rules: 1,
        text_bytes: 5,
    };
    assert_eq!(
        parse_within(FileId(0), "const a = f(g(h(i(1))))", &limits).errors,
        []
    );
    let chain = |operators: usize| format!("const a = 1{}", " + 1".repeat(operators));
    assert_eq!(parse(FileId(0), &chain(255)).errors, []);
    assert_eq!(parse(FileId(0), &chain(256)).errors.len(), 1);
}

#[test]
fn ten_megabytes_of_brackets() {
    for bracket in [
        "(",
        "[",
        "{",
        "f(",
        "not (",
        "match x { _ => ",
        "(a + ",
        "if a then (",
    ] {
        let bytes = if bracket == "(" {
            10_000_000
        } else {
            1_000_000
        };
        let text = format!("const a = {}", bracket.repeat(bytes / bracket.len()));
        let parse = quickly(&text);
        let kinds: Vec<&str> = parse.errors.iter().map(|error| error.kind.slug()).collect();
        assert_eq!(kinds, ["syntax-limit"], "{bracket}: {:?}", parse.errors);
    }
    let parse = quickly(&")".repeat(1_000_000));
    assert_eq!(parse.errors.len(), 101);
    assert_eq!(parse.errors[100].kind, SyntaxErrorKind::TooManyErrors);
}

#[test]
fn long_chains_neither_overflow_nor_take_long() {
    let chains = [
        ("a", " and a", 0),
        ("a", " or a", 0),
        ("a", " + a", 1),
        ("a", " *| a", 1),
        ("a", ".b", 1),
        ("a", "[1]", 1),
        ("a", ".b()", 1),
        ("a", " ?? a", 1),
        // These are not chained: the mistake, and that the rest was not read.
        ("a", " < a", 2),
        ("a", " implies a", 2),
    ];
    for (first, next, errors) in chains {
        let text = format!("const a = {first}{}", next.repeat(20_000));
        let parse = quickly(&text);
        assert_eq!(
            parse.errors.len(),
            errors,
            "{next}: {:?}",
            parse.errors.first()
        );
    }
    for prefix in ["not ", "- ", "if a then b else ", "a + -"] {
        let text = format!("const a = {}b", prefix.repeat(20_000));
        assert_eq!(quickly(&text).errors.len(), 1, "{prefix}");
    }
    let groups = format!(
        "guard g() {{ {} {} }}",
        "group when a {".repeat(20_000),
        "}".repeat(20_000)
    );
    assert_eq!(quickly(&groups).errors.len(), 1);
    let types = format!("type A = {}B", "[".repeat(20_000));
    assert_eq!(quickly(&types).errors.len(), 1);
}

#[test]
fn long_flat_things_are_no_trouble() {
    let pieces = [
        ("const a = [", "1, ", "]"),
        ("const a = {", "\"k\": f(x: 1), ", "}"),
        ("const a = match x {", "{A, B} => 1, ", "}"),
        ("enum A {", "B(c: D = 1) ", "}"),
        ("guard g() {", "deny d when a and not b ", "}"),
        ("test \"t\" {", "given a = b expect c by d ", "}"),
        ("", "## doc\nconst a = 1 SGD\n", ""),
        ("", "#\n", ""),
    ];
    for (start, piece, end) in pieces {
        let text = format!("{start}{}{end}", piece.repeat(20_000));
        assert_eq!(quickly(&text).errors, [], "{piece}");
    }
}

#[test]
fn many_mistakes_end_with_a_note() {
    let broken = [
        "const a = \n",
        "const a = @ \n",
        "a b c\n",
        "\"\n",
        "rule x then 1 }\n",
        "guard g() { deny when when }\n",
        "const a = 5min\n",
        "; ",
        "fn f(\n",
        "ruleset x(\nrulee x {\n",
        "| x =>\n",
        "## doc\n}\n",
    ];
    for piece in broken {
        let parse = quickly(&piece.repeat(20_000));
        assert!(
            !parse.errors.is_empty() && parse.errors.len() <= 101,
            "{piece}"
        );
        if parse.errors.len() > 3 {
            assert_eq!(
                parse.errors[parse.errors.len() - 1].kind,
                SyntaxErrorKind::TooManyErrors,
                "{piece}"
            );
        }
    }
}

#[test]
fn what_is_dropped_is_dropped_quickly() {
    for open in ["(", "f(", "[", "match x { _ => ("] {
        let text = format!("const a = {}{}", open.repeat(120), "x y ".repeat(100_000));
        let parse = quickly(&text);
        assert!(parse.errors.len() <= 4, "{open}: {}", parse.errors.len());
    }
    let text = format!("fn f( {}", "a ".repeat(1_000_000));
    let kinds: Vec<&str> = quickly(&text)
        .errors
        .iter()
        .map(|error| error.kind.slug())
        .collect();
    assert_eq!(kinds, ["unclosed-bracket", "too-many-errors"]);
}
