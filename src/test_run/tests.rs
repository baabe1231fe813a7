//! Values that are drawn, written and made small, of every type of the language.

use tollgate_frontend::library::NoModules;
use tollgate_runtime::schema::{Type, TypeId};
use tollgate_runtime::{Arena, Value, json};

use super::draw::{Draw, is_let_in};
use super::shrink::shrink;
use super::simplest::simplest;
use super::write::write;
use super::{TestCases, Tests};
use crate::backends::backend;
use crate::pipeline::{self, Main};
use crate::{Engine, Level, Workbench};

const TYPES: &str = r#"
enum Kind { plain, sized(size: Int in -5 .. 5, name: String = "x"), nested(kind: Tier, more: [Tier ..3]) }
enum Tier { gold, silver }
type Id = String matching re"c_[0-9a-z]{3}"
record Small { n: Int, tier: Tier? }
record All {
  flag: Bool, n: Int, small: Int in 3 .. 9 = 4, float: Float, text: String, id: Id, wait: Duration, at: Instant, day: Date,
  share: Percent, cost: Money<SGD>, rate: Rate, ip: Ip, net: Cidr, path: Path, host: Host, header: HeaderName, kind: Kind,
  values: Values, ids: {Id ..3}, list: [Small ..3], by_text: Map<String, Int ..3>, by_tier: Map<Tier, Small ..2>,
  maybe: String?, inner: Small
}
fn near(all: All) -> Bool =
  all.path matches p"/v1/{id: Id}/**" and all.host matches glob"*.example.com" and all.text == "line\n\"quoted\" \\"
  and all.ip in ip"10.0.0.0/8" and all.float > 2.5 and all.n > 4_711
"#;

/// The tests of a program, and the type of the one parameter of the first.
fn tests() -> Tests {
    let text = format!(
        "edition 2026\nmodule all\n{TYPES}\ntest \"all\" {{ forall all: All expect near(all) }}\n"
    );
    let main = Main {
        name: "all.rules",
        text: &text,
    };
    let (program, report) = pipeline::check(&main, &mut NoModules);
    let program = program.unwrap_or_else(|| panic!("{}", report.render(false)));
    Tests::new(program, Level::O0, backend("vm").expect("it is there"))
}

#[test]
fn what_is_drawn_is_let_in_and_can_be_written() {
    let tests = tests();
    let (module, plan) = (&tests.module, &tests.plans[0]);
    assert!(matches!(plan.cases, TestCases::Forall { .. }));
    let ty = plan.params[0].ty;
    let mut bench = Workbench::new(Engine::new());
    bench.enter(TYPES).expect("the types are declared");
    let mut draw = Draw::new(module, 5);
    // What is left out must be what is understood.
    let simple = simplest(&module.schema, ty).expect("there is one");
    let mut text = String::new();
    write(&module.schema, ty, &simple, &mut text);
    assert_eq!(text, "All()");
    for n in 0..60 {
        let value = match n {
            0 => simple.clone(),
            _ => draw.value(ty),
        };
        assert!(is_let_in(&module.schema, ty, &value));
        let (arena, mut expect) = (Arena::new(), String::new());
        json::encode(&module.schema, ty, value.word(&arena), &mut expect);
        let mut text = String::new();
        write(&module.schema, ty, &value, &mut text);
        let question = bench.ask(&text);
        let question = question.unwrap_or_else(|e| panic!("{text}\n{e}"));
        let answer = question.answer().expect("it has a value").value;
        assert_eq!(answer, expect, "{text}");
    }
}

/// Near the constants of the program, so that each of its comparisons goes both ways.
#[test]
fn what_is_compared_with_is_drawn() {
    let tests = tests();
    let ty = tests.plans[0].params[0].ty;
    let mut draw = Draw::new(&tests.module, 5);
    let wanted = [
        "\"n\":4711,",
        "\"n\":4712,",
        "\"path\":\"/v1/c_",
        ".example.com\"",
        "line\\n\\\"quoted",
        "\"ip\":\"10.",
        "\"float\":2.500000",
        "\"by_tier\":{\"silver\"",
        "\"small\":3,",
        "\"small\":9,",
    ];
    let mut all = String::new();
    for _ in 0..300 {
        let value = draw.value(ty);
        let arena = Arena::new();
        json::encode(&tests.module.schema, ty, value.word(&arena), &mut all);
        all.push('\n');
    }
    for part in wanted {
        assert!(all.contains(part), "{part} is never drawn");
    }
}

#[test]
fn what_does_not_matter_becomes_simple() {
    let tests = tests();
    let (schema, ty) = (&tests.module.schema, tests.plans[0].params[0].ty);
    let mut draw = Draw::new(&tests.module, 9);
    let field = |values: &[Value], at: usize| match &values[0] {
        Value::Seq(fields) => fields[at].clone(),
        _ => Value::None,
    };
    // The second field is `n`, the twentieth from 0 is `list`.
    let (n, list) = (1, 20);
    let mut fails = |values: &[Value]| {
        let many = matches!(field(values, list), Value::Seq(items) if items.len() > 1);
        many && matches!(field(values, n), Value::Int(n) if n > 700)
    };
    let mut found = 0;
    for _ in 0..2_000 {
        let values = vec![draw.value(ty)];
        if fails(&values) {
            found += 1;
            let small = shrink(schema, &[ty], values, &mut fails);
            let mut text = String::new();
            write(schema, ty, &small[0], &mut text);
            assert_eq!(text, "All(n: 701, list: [Small(), Small()])");
            if found == 10 {
                return;
            }
        }
    }
    panic!("only {found} of 2000 values fail");
}

/// Were the states those of all values, `once` would hold for the first one that fails and never again, and nothing would become small.
#[test]
fn each_value_has_states_of_its_own() {
    let rules = r#"
        record Ride { id: String, user: String, at: Instant }
        enum Action { notify(user: String) }
        stream rides: Ride { id: event.id, time: event.at, dedupe: 7d, late_after: 2h }
        state wallet: Count by String {
          counts: rides, key: event.user, window: 7d, max_keys: 10, on_failure: skip
        }
        state told: Seen by String { keep: 30d, max_keys: 10, on_failure: deny }
        ruleset eighth(e: Ride) -> [Action] on rides hit all {
          rule one when wallet[e.user].value() >= 8 once told[e.user] then notify(e.user)
        }
        test "nobody is told" {
          forall n: Int in 0 .. 1_000
          given e = Ride(id: "r", user: "ann", at: t"2026-11-02T09:00+08:00")
          given wallet["ann"] = n
          expect send(rides, e) == []
        }
        test "told from the eighth on" (n: Int in 0 .. 100) {
          given e = Ride(id: "r", user: "ann", at: t"2026-11-02T09:00+08:00")
          given wallet["ann"] = n
          expect send(rides, e)
          | 6 => []
          | 7 => [notify("ann")] by one
        }
    "#;
    let program = Engine::new().compile_source("x.rules", rules);
    let program = program.unwrap_or_else(|e| panic!("{e}"));
    let results = program.run_tests(None).unwrap();
    let failed: Vec<_> = results.iter().flat_map(|r| &r.failures).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].given, ["given n: Int in 0 .. 1_000 = 7"]);
    assert_eq!(results.len(), 3);
}

/// An arrow may stand in a text, too: what a row expects begins where the grammar says.
#[test]
fn what_is_expected_is_told_as_it_is_written() {
    let rules = r#"
        fn same(text: String) -> String = text
        test "arrows" (text: String) {
          expect same(text)
          | "a"      => "b => c"
          | "a => b" => "c"
        }
        test "steps" {
          expect same("expect") == "x"
          expect (same("a") == "b")
          expect "a" == "b"
        }
    "#;
    let program = Engine::new().compile_source("x.rules", rules);
    let results = program.expect("it compiles").run_tests(None).expect("runs");
    let failures = results.iter().flat_map(|r| &r.failures);
    let told: Vec<&str> = failures.map(|f| &*f.expected).collect();
    assert_eq!(
        told,
        [
            r#""b => c""#,
            r#""c""#,
            r#"== "x""#,
            r#"== "b")"#,
            r#"== "b""#
        ]
    );
}

/// Each text with one segment less is nearly as long: of very many segments some are tried.
#[test]
fn long_paths_have_few_simpler_ones() {
    let tests = tests();
    let schema = &tests.module.schema;
    let long = |ty: &Type| matches!(ty, Type::Str { matching: None, max } if *max >= 60_000);
    let text = schema.types.iter().position(long);
    let text = TypeId(text.expect("a text may be long") as u32);
    let mut tried = 0;
    let long = Value::str("/".repeat(60_000));
    let small = shrink(schema, &[text], vec![long.clone()], &mut |values| {
        tried += 1;
        values[0] == long
    });
    assert!(small[0] == long);
    assert!(tried < 1_000, "{tried} texts of 60,000 bytes");
}
