//! Facts by every door: a host's own types, untyped values, JSON. What one door lets in the others do, and the decision is the same on each engine;
//! what one refuses all refuse.
#![no_main]

#[allow(dead_code, reason = "only the choices are needed here")]
#[path = "../draw.rs"]
mod draw;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use draw::Choices;
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use tollgate::{Bound, Call, Engine, Error, Facts, Input, Program};

#[derive(Facts)]
struct Asked<'t> {
    method: &'t str,
    host: &'t str,
    path: &'t str,
    client: IpAddr,
    tier: Option<&'t str>,
    amount: i64,
    tags: Vec<&'t str>,
    vip: bool,
}

const RULES: &str = r#"
    use std.http.{Method}
    type Code = String matching re"[a-z]{1,4}_[0-9]{0,4}"
    record Asked { method: Method, host: Host, path: Path, client: Ip, tier: Code?, amount: Int in -1_000 .. 1_000, tags: [String ..4], vip: Bool }
    record Told { asked: Asked, why: String }
    fn told(a: Asked, why: String) -> Told = Told(asked: a, why: why)
    ruleset route(a: Asked) -> Told hit first {
      rule inside when a.client in ip"10.0.0.0/8" and a.amount > 10 then told(a, "inside")
      rule gold when (a.tier ?? skip) == "gold_1" then told(a, "gold")
      rule api when a.host == "api.example" and a.path matches p"/v1/{id}" then told(a, id)
      rule tagged when any(t in a.tags where t.starts_with("x")) then told(a, "tagged")
      rule vip when a.vip or a.method == GET then told(a, "vip")
      otherwise told(a, "")
    }
"#;

type Bindings = (Program, Bound<Asked<'static>>);

static PROGRAMS: LazyLock<Vec<Bindings>> = LazyLock::new(|| {
    let bind = |name: &str| -> Bindings {
        let engine = Engine::new().backend(name).expect("it is there");
        let program = engine
            .compile_source("fuzz.rules", RULES)
            .expect("it compiles");
        let bound = program.bind("route").expect("it fits");
        (program, bound)
    };
    tollgate::backends()
        .iter()
        .map(|row| bind(row.name))
        .collect()
});

fuzz_target!(|text: &str| {
    let parts: Vec<&str> = text.split('\n').collect();
    let part = |i: usize| parts.get(i).copied().unwrap_or("");
    let mut choices = Choices::new(part(4).as_bytes());
    let asked = Asked {
        method: if choices.below(4) == 0 {
            part(3)
        } else {
            "GET"
        },
        host: part(0),
        path: part(1),
        client: IpAddr::V4(Ipv4Addr::new(
            [10, 192][choices.below(2)],
            0,
            0,
            choices.below(256) as u8,
        )),
        tier: (choices.below(2) == 0).then_some(part(2)),
        amount: [0, 11, -1_000, 1_000, 1_001, i64::MIN, i64::MAX][choices.below(7)],
        tags: parts.iter().skip(5).copied().collect(),
        vip: choices.below(2) == 0,
    };
    let json = json!({
        "method": asked.method, "host": asked.host, "path": asked.path, "client": asked.client.to_string(),
        "tier": asked.tier, "amount": asked.amount, "tags": asked.tags, "vip": asked.vip,
    });
    let json = json.to_string();
    let tags: Vec<Input<'_>> = asked.tags.iter().map(|tag| Input::Str(tag)).collect();
    let fields = [
        ("method", Input::Str(asked.method)),
        ("host", Input::Str(asked.host)),
        ("path", Input::Str(asked.path)),
        ("client", asked.client.into()),
        ("tier", asked.tier.map_or(Input::None, Input::Str)),
        ("amount", Input::Int(asked.amount)),
        ("tags", Input::List(&tags)),
        ("vip", Input::Bool(asked.vip)),
    ];
    let call = Call {
        id: "fuzz",
        time: 0,
    };
    // Of several fields that are wrong each door names the first in an order of its own.
    let refused = |error: Error| assert!(error.refusal().is_some(), "{error}");
    let mut expected: Option<Result<String, ()>> = None;
    for (program, bound) in &*PROGRAMS {
        let mut session = program.session();
        let typed = session
            .decide_bound(bound, &asked, &call)
            .map(|d| d.to_json())
            .map_err(refused);
        let mut session = program.session();
        let untyped = session
            .decide("route", &[Input::Map(&fields)], &call)
            .map(|d| d.to_json())
            .map_err(refused);
        let mut session = program.session();
        let read = session
            .decide_json("route", json.as_bytes(), &call)
            .map(|d| d.to_json())
            .map_err(refused);
        let expected = expected.get_or_insert(typed.clone());
        assert_eq!(typed, *expected, "{json}");
        assert_eq!(untyped, *expected, "untyped: {json}");
        assert_eq!(read, *expected, "JSON: {json}");
    }
});
