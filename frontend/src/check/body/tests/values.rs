//! Literals, names, operators, absence and calls.

use super::*;

#[test]
fn literals_have_their_unit_and_their_value() {
    all(&[
        ("42", "Int in 42 .. 42"),
        ("2.5", "Float"),
        ("1h30m", "Duration in 1h30m .. 1h30m"),
        ("8KiB", "Int in 8192 .. 8192"),
        ("0.5%", "Percent in 0.5% .. 0.5%"),
        ("4.00 SGD", "Money<SGD> in 4.00 SGD .. 4.00 SGD"),
        ("0.005 SGD", "too-many-decimals"),
        ("1.123456789%", "too-many-decimals"),
        ("9_007_199_254_740_992", "number-out-of-range"),
        ("100 per 1s", "Rate"),
        ("\"a\"", "String"),
        ("ip\"10.0.0.1\"", "Ip"),
        ("ip\"10.0.0.0/8\"", "Cidr"),
        ("ip\"10.0.0.1/8\"", "literal-refused"),
        ("t\"2026-11-01T00:00Z\"", "Instant"),
        ("t\"2026-11-01T00:00\"", "literal-refused"),
        ("tz\"Asia/Singapore\"", "Zone"),
        ("tz\"Asia/Atlantis\"", "literal-refused"),
        ("p\"/v3/{s}/x\"", "Path"),
        ("p\"/v3/*\"", "pattern-as-value"),
        ("re\"a\"", "pattern-as-value"),
    ]);
}

#[test]
fn a_literal_takes_the_type_expected_of_it() {
    all(&[
        ("r.host == \"Api.Shop.Example\"", "Bool"),
        ("r.host == \"a b\"", "literal-refused"),
        ("r.path == \"/a/b\"", "Bool"),
        ("r.path == \"a\"", "literal-refused"),
        ("r.cart == \"c_0123456789ab\"", "Bool"),
        ("r.cart == \"d\"", "literal-refused"),
        ("f == 2", "Bool"),
        ("f * 2 + 1", "Float"),
        ("Gold == r.method", "Bool"),
        ("r.method in {Gold, Silver}", "Bool"),
        ("r.method in {Gold, Sliver}", "unknown-name"),
        ("r.ip in ip\"10.0.0.0/8\"", "Bool"),
        ("r.ip in {ip\"10.0.0.0/8\", ip\"10.0.0.1\"}", "Bool"),
        ("r.host == s", "cannot-compare"),
    ]);
}

#[test]
fn names_and_fields_are_found_or_suggested() {
    all(&[
        ("x", "Int in 0 .. 100"),
        ("limit", "Int in 7 .. 7"),
        ("limt", "unknown-name"),
        ("double", "not-a-value"),
        ("Tier", "not-a-value"),
        ("Tier.Gold", "Tier"),
        ("Tier.Golt", "unknown-variant"),
        ("r.fare", "Money<SGD>"),
        ("r.fair", "unknown-field"),
        ("r.token.level", "Int in 0 .. 9?"),
        ("r.token.issued_at", "Instant?"),
        ("r.token.present", "Bool"),
        ("r.roles.single", "String?"),
        ("r.roles.present", "Bool"),
        ("r.roles.length", "unknown-field"),
        ("broken + 1", "?"),
        ("r.nope + r.nope2", "unknown-field unknown-field"),
    ]);
}

#[test]
fn arithmetic_carries_units_and_intervals() {
    all(&[
        ("x + 1", "Int in 1 .. 101"),
        ("x * x - x", "Int in -100 .. 10000"),
        ("-x", "Int in -100 .. 0"),
        ("y * y", "may-overflow"),
        ("y *| y", "Int"),
        ("x / 7", "Int in 0 .. 14"),
        ("7 / x", "may-divide-by-zero"),
        ("div(7, x) ?? 0", "Int in 0 .. 7"),
        ("div(7, y)", "Int in -7 .. 7?"),
        ("mod(y, 10)", "Int in -9 .. 9"),
        ("mod(x, y)", "may-divide-by-zero"),
        ("abs(x - 50)", "Int in 0 .. 50"),
        ("min(x, 10)", "Int in 0 .. 10"),
        ("max(x, 10, 20)", "Int in 20 .. 100"),
        ("clamp(y, 0, 9)", "Int in 0 .. 9"),
        ("clamp(y, 9, 0)", "crossed-bounds"),
        ("r.time - r.time < 5m", "Bool"),
        ("r.time + r.time", "no-such-operation"),
        ("x * 1s", "Duration in 0s .. 1m40s"),
        ("r.fare * 10% > 1.00 SGD", "Bool"),
        ("r.fare + 1", "no-such-operation"),
        ("r.fare > 1.00 USD", "cannot-compare"),
        (
            "clamp((r.cpu - 60%) / 35%, 0%, 100%)",
            "Percent in 0% .. 100%",
        ),
        ("cube(clamp(r.cpu, 0%, 100%))", "Percent in 0% .. 100%"),
        (
            "round(100 * (100% - cube(clamp(r.cpu, 0%, 100%))))",
            "Int in 0 .. 100",
        ),
        ("50% * 50%", "Percent in 25% .. 25%"),
        ("f / 2.0", "Float"),
        ("f / f", "may-divide-by-zero"),
        ("div(f, f) ?? 0.0", "Float"),
        ("f + x", "no-such-operation"),
        ("f + to_float(x)", "Float"),
        ("f + to_float(7)", "Float"),
        ("(if (b) then to_float(7) else 0.5) + f", "Float"),
        ("s + s", "no-such-operation"),
        ("-b", "cannot-negate"),
    ]);
}

#[test]
fn comparisons_narrow_what_stands_behind_them() {
    all(&[
        ("if (x > 0) then 100 / x else 0", "Int in 0 .. 100"),
        ("if (x == 0) then 0 else 100 / x", "Int in 0 .. 100"),
        ("if (y > 0 and y < 10) then y else 5", "Int in 1 .. 9"),
        ("if (y in 3 ..< 6) then y else 3", "Int in 3 .. 5"),
        ("if (y < 0 or y > 9) then 0 else y", "Int in 0 .. 9"),
        (
            "if (not (y >= 0)) then 0 else y",
            "Int in 0 .. 9007199254740991",
        ),
        (
            "if (r.wait > 0s and r.wait < 1m) then r.wait else 1s",
            "Duration in 1us .. 59s999ms999us",
        ),
        ("x > 100", "decided-comparison"),
        ("x >= 0", "decided-comparison"),
    ]);
}

#[test]
fn absence_is_answered_where_it_is_used() {
    all(&[
        ("r.maybe + 1", "missing-answer"),
        ("r.maybe == 1", "missing-answer"),
        ("r.maybe == none", "compared-with-none"),
        ("r.maybe is none", "Bool"),
        ("not r.maybe", "missing-answer"),
        ("r.maybe ?? 5", "Int"),
        ("x ?? 5", "needless-answer"),
        ("r.maybe ?? skip", "answer-off-the-spine"),
        ("r.counts[\"a\"] ?? 0", "Int"),
        ("r.tags[0] ?? \"\"", "String"),
        ("r.roles[0]", "not-indexable"),
        ("r.maybe is 5", "missing-answer"),
        ("match r.maybe { none => 0, n => n }", "Int"),
        (
            "match r.maybe { none => 0, 5 => 1 }",
            "match-not-exhaustive",
        ),
        ("if (b) then none else x", "Int in 0 .. 100?"),
    ]);
    all_in(
        Place::Rule,
        &[
            ("(r.maybe ?? skip) == 5", "Bool"),
            ("let m = r.maybe ?? skip and m == 5", "Bool"),
            ("b and (r.maybe ?? skip) == 5", "Bool"),
            ("b or (r.maybe ?? skip) == 5", "answer-off-the-spine"),
            ("not (r.maybe ?? skip) == 5", "answer-off-the-spine"),
            ("(r.maybe ?? deny) == 5", "deny-outside-guard"),
            ("r.maybe == 5", "missing-answer"),
        ],
    );
    all_in(
        Place::Denial,
        &[
            (
                "let at = r.token.issued_at ?? deny and r.time - at > 12h",
                "Bool",
            ),
            ("r.time - r.token.issued_at > 12h", "missing-answer"),
            ("not all(v in r.roles where v == \"a\")", "all-of-nothing"),
            ("not only(v in r.roles where v == \"a\")", "Bool"),
        ],
    );
}

#[test]
fn a_guard_is_told_what_could_be_left_out() {
    let (_, found, text) = with_body(
        "r.time - r.token.issued_at > 12h",
        Place::Denial,
        |body, e| body.spine(e),
    );
    let diagnostic = &found[0];
    assert_eq!(
        diagnostic.message,
        "this guard can be passed by leaving `r.token` out"
    );
    assert_eq!(
        diagnostic.labels[0].text,
        "`Instant?`: none without `r.token`"
    );
    let fixes: Vec<String> = diagnostic
        .help
        .iter()
        .filter_map(|h| h.edits.first())
        .map(|(span, new)| {
            let mut text = text.clone();
            text.replace_range(span.range(), new);
            text.lines().last().unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(
        fixes,
        [
            "fn t() -> Int = r.time - r.token.issued_at ?? deny > 12h",
            "fn t() -> Int = r.time - r.token.issued_at ?? skip > 12h",
        ]
    );
}

#[test]
fn calls_find_their_arguments() {
    all(&[
        ("double(x)", "Int in 0 .. 100"),
        ("x.double()", "Int in 0 .. 100"),
        ("double(n: x)", "Int in 0 .. 100"),
        ("double(y)", "may-not-fit"),
        ("double()", "missing-argument"),
        ("double(1, 2)", "too-many-arguments"),
        ("double(m: 1)", "unknown-argument"),
        ("double(1, n: 2)", "duplicate-argument"),
        ("double(s)", "type-mismatch"),
        ("duble(x)", "unknown-name"),
        ("limit(1)", "not-callable"),
        ("x(1)", "not-callable"),
        ("Outcome.reject(429)", "Outcome"),
        ("Outcome.reject(200)", "may-not-fit"),
        ("Outcome.reject()", "missing-argument"),
        ("Outcome.reject(429, wiat: 1s)", "unknown-argument"),
        ("Token(issued_at: none, level: 3)", "Token"),
        ("Token(level: 3)", "Token"),
        ("Token()", "missing-argument"),
        ("CartId(s)", "CartId?"),
        ("CartId(s) ?? \"c_0123456789ab\"", "CartId"),
        ("CartId(\"c_0123456789ab\")", "CartId?"),
        ("lower(s)", "String"),
        ("s.lower()", "String"),
        ("s.lowr()", "unknown-name"),
        ("len(s)", "Int in 0 .. 65536"),
        ("len(r.tags)", "Int in 0 .. 8"),
        ("concat(s, \"a\", s)", "String"),
        ("truncate(concat(s, s), 10)", "String"),
        ("contains(s, \"a\")", "Bool"),
        ("contains(r.tags, 5)", "wrong-argument"),
        ("hash(r.cart)", "Int in 0 .. 4294967295"),
        ("key(\"a\", r.cart, x, r.method)", "Key"),
        ("key(r.tags)", "wrong-argument"),
        ("jitter(2s, 8s)", "Duration in 2s .. 8s"),
    ]);
    all_in(Place::Test, &[("Token()", "Token")]);
}
