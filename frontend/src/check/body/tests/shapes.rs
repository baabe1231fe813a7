//! Patterns, collections, and what is expected.

use super::*;

#[test]
fn patterns_are_typed_and_cover() {
    all(&[
        (
            "match r.method { Gold => 1, Silver => 2 }",
            "match-not-exhaustive",
        ),
        ("match r.method { Gold => 1, _ => 2 }", "Int in 1 .. 2"),
        (
            "match r.method { Gold => 1, Silver => 2, Bronze => 3, _ => 4 }",
            "unreachable-arm",
        ),
        (
            "match r.method { Gold => 1, Sliver => 2, _ => 3 }",
            "unknown-variant",
        ),
        (
            "match o { admit => 0s, reject(_, wait) => wait, note => 1s }",
            "Duration",
        ),
        (
            "match o { admit => 0, reject(status) => status, note(_) => 1 }",
            "Int in 0 .. 599",
        ),
        (
            "match o { reject(500) => 1, admit => 2, note => 3 }",
            "match-not-exhaustive",
        ),
        (
            "match x { 0 .. 49 => 1, 50 ..< 100 => 2, 100 => 3 }",
            "Int in 1 .. 3",
        ),
        ("match x { < 50 => 1, > 50 => 2 }", "match-not-exhaustive"),
        ("match x { limit => 1, other => other }", "Int in 0 .. 100"),
        ("match x { 200 => 1, _ => 2 }", "pattern-never-matches"),
        ("match x { \"a\" => 1, _ => 2 }", "pattern-mismatch"),
        (
            "match s { \"a\" => 1, \"b\" => 2, _ => 3 }",
            "Int in 1 .. 3",
        ),
        (
            "match r.ip { ip\"10.0.0.0/8\" => 1, _ => 2 }",
            "Int in 1 .. 2",
        ),
        ("match b { true => 1, false => 2 }", "Int in 1 .. 2"),
        ("match b { true => 1, false => s }", "different-types"),
        ("o is reject(429)", "Bool"),
        ("o is {reject(429), admit}", "Bool"),
        ("o is {reject(n), admit}", "binding-in-alternatives"),
        ("o is reject(429, 1s, 3)", "too-many-arguments"),
        ("o is reject(sttus: 429)", "unknown-argument"),
        ("r.method is none", "never-none"),
        ("x is s", "name-taken"),
    ]);
}

#[test]
fn text_patterns_bind_what_they_capture() {
    all(&[
        ("r.path matches p\"/v2/**\"", "Bool"),
        (
            "if (r.path matches p\"/c/{cart: CartId}/x\") then hash(cart) else 0",
            "Int in 0 .. 4294967295",
        ),
        (
            "if (r.path matches p\"/c/{rest: **}\") then p\"/v3/{rest}\" else r.path",
            "Path",
        ),
        (
            "if (s matches re\"(?P<g>x+)(?P<h>y)?\") then g else \"\"",
            "String",
        ),
        (
            "if (s matches re\"(?P<g>x+)(?P<h>y)?\") then h else none",
            "String?",
        ),
        ("r.host matches glob\"*.example.com\"", "Bool"),
        ("r.path matches re\"/v2\"", "cannot-match"),
        ("r.path matches \"/v2\"", "not-a-pattern"),
        ("s matches re\"(\"", "bad-pattern"),
        ("r.path matches p\"/{n: Int}\"", "unknown-name"),
        ("(r.path matches p\"/{id}\") and id == \"a\"", "Bool"),
        (
            "(r.path matches p\"/{id}\" or b) and id == \"a\"",
            "unknown-name",
        ),
        (
            "not (r.path matches p\"/{id}\") and id == \"a\"",
            "unknown-name",
        ),
        ("r.ip matches ip\"10.0.0.0/8\"", "not-a-pattern"),
    ]);
}

#[test]
fn quantifiers_and_collections() {
    all(&[
        ("any(v in r.roles where v == \"a\")", "Bool"),
        ("r.roles == \"a\"", "values-compared"),
        ("count(t in r.tags where t == \"a\")", "Int in 0 .. 8"),
        ("sum(t in r.tags => x)", "Int in 0 .. 800"),
        ("sum(t in r.tags => s)", "type-mismatch"),
        ("any(c in s where c == \"a\")", "not-a-collection"),
        ("[1, 2, 3]", "[Int in 1 .. 3 ..3]"),
        ("[1, s]", "different-types"),
        ("{1, 2, 1}", "duplicate-element"),
        ("{\"a\": 1}", "Map<String, Int in 1 .. 1 ..1>"),
        ("x in 0 ..< 7", "Bool"),
        ("x in 7 .. 0", "empty-range"),
        ("x in {1, 2}", "Bool"),
        ("\"a\" in r.tags", "Bool"),
        ("\"a\" in r.counts", "cannot-look-in"),
        ("s in s", "cannot-look-in"),
        ("r.tags", "[String ..8]"),
        ("if (r.tags) then 1 else 2", "not-a-condition"),
        ("r.method < Gold", "no-order"),
        ("double(let n = 5)", "let-placement"),
    ]);
}

#[test]
fn a_deep_expression_is_no_danger() {
    let deep = format!("{}x{}", "abs(".repeat(200), ")".repeat(200));
    assert_eq!(check_in(Place::Value, &deep), "Int in 0 .. 100");
    let chain = format!("s{}", ".lowr()".repeat(120));
    assert_eq!(check_in(Place::Value, &chain), "unknown-name");
}

#[test]
fn what_is_expected_is_what_is_given() {
    let fit = |source: &str, to: Ty| {
        let (shown, found, _) = with_body(source, Place::Value, |body, e| {
            let value = body.expr(e, Some(&to));
            value.ty.show(&body.checker.program).to_string()
        });
        found.first().map_or(shown, |d| d.slug.to_owned())
    };
    let list = |of: Ty| Ty::List(Arc::new(of), 8);
    assert_eq!(fit("5", Ty::opt(Ty::int())), "Int in 5 .. 5?");
    assert_eq!(fit("none", Ty::opt(Ty::int())), "Int?");
    assert_eq!(fit("[]", list(Ty::int())), "[Int ..8]");
    assert_eq!(
        fit("[5, none]", list(Ty::opt(Ty::int()))),
        "[Int in 5 .. 5? ..2]"
    );
    assert_eq!(fit("[5]", list(Ty::opt(Ty::int()))), "[Int in 5 .. 5? ..1]");
    assert_eq!(fit("y", Ty::int_in(0, 9)), "may-not-fit");
    assert_eq!(fit("y +| 1", Ty::int_in(0, 9)), "Int in 0 .. 9");
    assert_eq!(fit("concat(s, s)", Ty::string()), "text-too-long");
    assert_eq!(fit("s", Ty::Path), "type-mismatch");
    assert_eq!(fit("r.maybe", Ty::int()), "missing-answer");
    assert_eq!(
        fit(
            "{\"x-a\": [\"b\"]}",
            Ty::Map(Arc::new(Ty::HeaderName), Arc::new(Ty::Values { max: 4 }), 4)
        ),
        "Map<HeaderName, Values ..1>"
    );
    assert_eq!(
        fit("[admit, reject(429)]", list(Ty::Enum(hir::EnumId(1)))),
        "[Outcome ..2]"
    );
    assert_eq!(
        fit("rejct(429)", Ty::Enum(hir::EnumId(1))),
        "unknown-variant"
    );
    let zero_to_hundred = Interval::new(0, 1_000_000_000);
    assert_eq!(
        fit("r.cpu", Ty::Num(Unit::Percent, zero_to_hundred)),
        "may-not-fit"
    );
}

#[test]
fn constants_are_evaluated() {
    let value = |source: &str| {
        let (value, found, _) = with_body(source, Place::Value, |body, e| body.constant(e, None));
        match value {
            Some((_, value)) => value.to_string(),
            None => found[0].slug.to_owned(),
        }
    };
    assert_eq!(value("2 * 30 + limit"), "67");
    assert_eq!(value("if (limit > 5) then \"a\" else \"b\""), "\"a\"");
    assert_eq!(
        value("Outcome.reject(429)"),
        "#1[429, 1000000]("
            .trim_end_matches('(')
            .replace('[', "(")
            .replace(']', ")")
    );
    assert_eq!(value("{3, 1, 2}"), "[1, 2, 3]");
    assert_eq!(value("x"), "not-constant");
}
