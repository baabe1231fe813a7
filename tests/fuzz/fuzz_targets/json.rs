//! Records in JSON: through a program that gives back what it was given, and through both readers of the boundary.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tollgate::{Call, Engine, Program};
use tollgate_runtime::schema::{Boundary, Enum, Field, Record, Schema, Type, TypeId, Variant};
use tollgate_runtime::{Arena, json};

static ECHO: LazyLock<Program> = LazyLock::new(|| {
    let text = "edition 2026 module fuzz use std.http.{Request}
        record Echo { request: Request }
        ruleset echo(req: Request) -> Echo hit first { otherwise Echo(request: req) }";
    Engine::new()
        .compile_source("fuzz.rules", text)
        .expect("the program compiles")
});

/// A record with a field of most types.
static SCHEMA: LazyLock<(Schema, TypeId)> = LazyLock::new(|| {
    let mut s = Schema::default();
    let text = s.add(Type::Str {
        max: 64,
        matching: None,
    });
    let int = s.add(Type::Int {
        lo: -1000,
        hi: 1 << 53,
    });
    let float = s.add(Type::Float);
    let (truth, ip, host, path) = (
        s.add(Type::Bool),
        s.add(Type::Ip),
        s.add(Type::Host),
        s.add(Type::Path),
    );
    let header = s.add(Type::HeaderName);
    let values = s.add(Type::Values {
        max: 4,
        max_bytes: 32,
    });
    let headers = s.add(Type::Map {
        key: header,
        value: values,
        max: 4,
    });
    let by_int = s.add(Type::Map {
        key: int,
        value: float,
        max: 4,
    });
    let set = s.add(Type::Set { of: text, max: 4 });
    let maybe = s.add(Type::Opt(int));
    let list = s.add(Type::List { of: maybe, max: 3 });
    let field = |name: &str, ty| Field {
        name: name.into(),
        ty,
        default: None,
    };
    let variants = || {
        let variant = |name: &str, fields| Variant {
            name: name.into(),
            fields,
        };
        vec![
            variant("ping", vec![]),
            variant("ride", vec![field("fare", float), field("from", maybe)]),
        ]
    };
    s.enums.push(Enum {
        name: "Event".into(),
        tag: Some("type".into()),
        variants: variants(),
    });
    s.enums.push(Enum {
        name: "Action".into(),
        tag: None,
        variants: variants(),
    });
    let (event, action) = (s.add(Type::Enum(0)), s.add(Type::Enum(1)));
    let types = [
        maybe, values, text, int, float, truth, ip, host, path, headers, by_int, set, list, event,
        action,
    ];
    // Short names, so that the fuzzer finds them; each field may be left out.
    let names = [
        "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o",
    ];
    let mut fields = Vec::new();
    for (name, ty) in names.into_iter().zip(types) {
        let ty = if matches!(s.get(ty), Type::Opt(_)) {
            ty
        } else {
            s.add(Type::Opt(ty))
        };
        fields.push(field(name, ty));
    }
    s.records.push(Record {
        name: "All".into(),
        fields,
        boundary: Boundary::default(),
    });
    let all = s.add(Type::Record(0));
    (s, all)
});

fuzz_target!(|json: &[u8]| {
    let (schema, all) = &*SCHEMA;
    let arena = Arena::new();
    let short = json::decode(schema, *all, json, &arena);
    assert_eq!(short, json::decode_by_serde(schema, *all, json, &arena));

    let call = Call {
        id: "fuzz",
        time: 0,
    };
    let mut session = ECHO.session();
    let Ok(decision) = session.decide_json("echo", json, &call) else {
        return;
    };
    let first = decision.value_json();
    let request = first
        .strip_prefix("{\"request\":")
        .and_then(|text| text.strip_suffix('}'))
        .expect("the record that holds it");
    let mut session = ECHO.session();
    let again = session
        .decide_json("echo", request.as_bytes(), &call)
        .expect("what was written is read");
    assert_eq!(again.value_json(), first);
});
