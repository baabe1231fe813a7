//! Expressions against a small hand-made program: the type they get, or the slugs of what is said about them.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tollgate_grammar::ast::{self, ItemKind};
use tollgate_grammar::source::{SourceMap, Span};
use tollgate_runtime::native::{Example, NativeClass, NativeParam, NativeType};
use tollgate_runtime::pattern::Regex;
use tollgate_runtime::schema::Currency;
use tollgate_runtime::{Cx, Native, Value, Word};

use super::super::{Body, Checker, Constant, Def, Entry, Module, ModuleId, Place, Signature};
use crate::diagnostics::{Diagnostic, Sink};
use crate::hir::{self, Enum, Expr, Field, Program, Record, Refinement, Variant};
use crate::library::Library;
use crate::types::ty::{Interval, Ty, Unit};

fn none<'a>(_: &Cx<'a>, _: &[Word<'a>]) -> Word<'a> {
    Word::None
}

macro_rules! natives {
    ($($name:ident($($param:ident: $ty:expr),*) -> $result:expr;)*) => {
        &[$(&Native {
            module: "std.test",
            name: stringify!($name),
            doc: "",
            params: &[$(NativeParam { name: stringify!($param), ty: $ty }),*],
            result: $result,
            cost: 1,
            class: NativeClass::Opaque,
            examples: &[] as &[Example],
            call: none,
            context: false,
        }),*]
    };
}

const TEXT: NativeType = NativeType::Str { max: 1 << 20 };
const INT: NativeType = NativeType::Int {
    lo: i64::MIN,
    hi: i64::MAX,
};

static NATIVES: &[&Native] = natives! {
    text_len(s: TEXT) -> INT;
    text_contains(s: TEXT, part: TEXT) -> NativeType::Bool;
    concat2(a: TEXT, b: TEXT) -> TEXT;
    truncate(s: TEXT, bytes: INT) -> TEXT;
    hash_text(s: TEXT) -> NativeType::Int { lo: 0, hi: 0xffff_ffff };
    key_join(parts: NativeType::List(&TEXT, 16)) -> NativeType::Key;
    text_of_int(n: INT) -> NativeType::Str { max: 20 };
    jitter_at(lo: NativeType::Duration, hi: NativeType::Duration, place: INT) -> NativeType::Duration;
    lower(s: TEXT) -> TEXT;
    hour_of(at: NativeType::Instant, zone: NativeType::Zone) -> NativeType::Int { lo: 0, hi: 23 };
};

const SGD: Unit = Unit::Money(Currency(*b"SGD"));

fn fields(all: Vec<(&str, Ty, Option<Value>)>) -> Vec<Field> {
    let field = |(name, ty, default): (&str, Ty, Option<Value>)| Field {
        name: name.into(),
        span: Span::default(),
        ty,
        default,
    };
    all.into_iter().map(field).collect()
}

fn variants(all: Vec<(&str, Vec<Field>)>) -> Vec<Variant> {
    let variant = |(name, fields): (&str, Vec<Field>)| Variant {
        name: name.into(),
        span: Span::default(),
        fields,
    };
    all.into_iter().map(variant).collect()
}

/// `r: Req`, `x: Int in 0 .. 100`, `y: Int`, `o: Outcome`, `s: String`, `f: Float`, `b: Bool` are in scope.
fn with_body<R>(
    source: &str,
    place: Place,
    run: impl FnOnce(&mut Body<'_, '_>, &ast::Expr) -> R,
) -> (R, Vec<Diagnostic>, String) {
    let mut sources = SourceMap::new();
    let text = format!("edition 2026\nmodule t\nfn t() -> Int = {source}\n");
    let file = sources.add("t.rules", text.clone());
    let parsed = tollgate_grammar::parse(file, &text);
    assert!(parsed.errors.is_empty(), "{source}: {:?}", parsed.errors);
    let tree = Arc::new(parsed.ast);
    let Some(ItemKind::Function(function)) = tree.items.first().map(|i| &i.kind) else {
        panic!("{source} is no expression");
    };
    let library = Library {
        modules: &[],
        natives: NATIVES,
    };
    let mut program = Program::default();
    let tier = Ty::Enum(program.enums.push(Enum {
        name: "Tier".into(),
        module: "t".into(),
        span: Span::default(),
        tag: None,
        variants: variants(vec![
            ("Gold", vec![]),
            ("Silver", vec![]),
            ("Bronze", vec![]),
        ]),
    }));
    let status = || Ty::int_in(400, 599);
    let second = Some(Value::Int(1_000_000));
    let outcome = Ty::Enum(program.enums.push(Enum {
        name: "Outcome".into(),
        module: "t".into(),
        span: Span::default(),
        tag: None,
        variants: variants(vec![
            ("admit", vec![]),
            (
                "reject",
                fields(vec![
                    ("status", status(), None),
                    ("wait", Ty::full(Unit::Duration), second),
                ]),
            ),
            ("note", fields(vec![("text", Ty::string(), None)])),
        ]),
    }));
    let cart = Ty::Str {
        max: 14,
        refined: Some(program.refinements.push(Refinement {
            name: "CartId".into(),
            span: Span::default(),
            max: 14,
            regex: Arc::new(Regex::parse("c_[0-9a-z]{12}").unwrap()),
        })),
    };
    let record = |program: &mut Program, name: &str, fields| {
        program.records.push(Record {
            name: name.into(),
            module: "lib".into(),
            span: Span::default(),
            fields,
            boundary: Default::default(),
        })
    };
    let token = record(
        &mut program,
        "Token",
        fields(vec![
            ("issued_at", Ty::opt(Ty::full(Unit::Instant)), None),
            ("level", Ty::int_in(0, 9), None),
        ]),
    );
    let req = record(
        &mut program,
        "Req",
        fields(vec![
            ("time", Ty::full(Unit::Instant), None),
            ("path", Ty::Path, None),
            ("host", Ty::Host, None),
            ("method", tier.clone(), None),
            ("cpu", Ty::full(Unit::Percent), None),
            ("fare", Ty::full(SGD), None),
            ("token", Ty::opt(Ty::Record(token)), None),
            ("roles", Ty::Values { max: 64 }, None),
            ("tags", Ty::List(Arc::new(Ty::string()), 8), None),
            ("ip", Ty::Ip, None),
            ("cart", cart.clone(), None),
            ("maybe", Ty::opt(Ty::int()), None),
            (
                "counts",
                Ty::Map(Arc::new(Ty::string()), Arc::new(Ty::int()), 10),
                None,
            ),
            ("wait", Ty::full(Unit::Duration), None),
        ]),
    );
    let mut scope = FxHashMap::default();
    let mut put = |name: &str, def| {
        scope.insert(
            ast::Symbol::from(name),
            Entry::new(def, Some(Span::default())),
        );
    };
    let (Ty::Enum(tier_id), Ty::Enum(outcome_id)) = (&tier, &outcome) else {
        unreachable!()
    };
    put("Tier", Def::Enum(*tier_id));
    put("Outcome", Def::Enum(*outcome_id));
    put("Token", Def::Record(token));
    put("CartId", Def::Refinement(hir::RefinementId(0)));
    put(
        "limit",
        Def::Const(Arc::new(Constant {
            ty: Ty::int_in(7, 7),
            value: Value::Int(7),
        })),
    );
    put("double", Def::Fn(hir::FnId(0)));
    put("broken", Def::Error);
    let prelude = NATIVES
        .iter()
        .map(|n| (ast::Symbol::from(n.name), Entry::new(Def::Native(n), None)))
        .collect();
    let params = |ty: Ty| Signature {
        params: vec![("n".into(), ty.clone())],
        result: ty,
        span: Span::default(),
    };
    let mut checker = Checker {
        program,
        sink: Sink::default(),
        library: &library,
        sources: &mut sources,
        modules: vec![Module {
            name: "t".into(),
            ast: tree.clone(),
            scope,
            library: false,
            incomplete: false,
        }],
        prelude,
        fn_signatures: [(hir::FnId(0), params(Ty::int_in(0, 100)))]
            .into_iter()
            .collect(),
        ruleset_signatures: FxHashMap::default(),
        pipeline_signatures: FxHashMap::default(),
        verdict: None,
    };
    let mut body = Body::new(&mut checker, ModuleId(0), place);
    for (name, ty) in [
        ("r", Ty::Record(req)),
        ("x", Ty::int_in(0, 100)),
        ("y", Ty::int()),
        ("o", outcome),
        ("s", Ty::string()),
        ("f", Ty::Float),
        ("b", Ty::Bool),
    ] {
        body.bind(
            &ast::Name {
                text: name.into(),
                span: Span::default(),
            },
            ty,
        );
    }
    let result = run(&mut body, &function.body);
    let found = checker.sink.finish();
    (result, found, text)
}

/// The type of an expression, or the slugs of what is said about it.
fn check_in(place: Place, source: &str) -> String {
    let (shown, found, _) = with_body(source, place, |body, e| {
        let value = if place == Place::Value || place == Place::Test {
            body.expr(e, None)
        } else {
            body.spine(e).pop().unwrap_or_else(|| Expr::error(e.span))
        };
        value.ty.show(&body.checker.program).to_string()
    });
    if found.is_empty() {
        return shown;
    }
    let slugs: Vec<&str> = found.iter().map(|d| d.slug).collect();
    slugs.join(" ")
}

fn all(cases: &[(&str, &str)]) {
    all_in(Place::Value, cases);
}

fn all_in(place: Place, cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(source, expect)| (source, expect, check_in(place, source)))
        .filter(|(_, expect, found)| found != *expect)
        .map(|(source, expect, found)| {
            format!("{source}\n    expected {expect}\n    found    {found}")
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

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
