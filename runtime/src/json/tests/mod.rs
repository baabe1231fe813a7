//! The boundary as JSON sees it.

use super::*;
use crate::facts::{self, Input};
use crate::pattern::Regex;
use crate::schema::*;
use crate::{Arena, Value, Word};
use std::sync::Arc;

mod both;
mod enums;
mod random;

fn field(name: &str, ty: TypeId) -> Field {
    Field {
        name: name.into(),
        ty,
        default: None,
    }
}

fn with(name: &str, ty: TypeId, default: Value) -> Field {
    Field {
        default: Some(default),
        ..field(name, ty)
    }
}

/// A schema with every type in it, and a record that has them all.
struct World {
    schema: Schema,
    request: TypeId,
    event: TypeId,
    all: Vec<TypeId>,
}

fn world() -> World {
    let mut s = Schema::default();
    let text = s.add(Type::Str {
        max: 64,
        matching: None,
    });
    let matching = Refinement {
        name: "CartId".into(),
        regex: Arc::new(Regex::parse("c_[0-9a-z]{4}").unwrap()),
    };
    let cart = s.add(Type::Str {
        max: 64,
        matching: Some(matching),
    });
    let int = s.add(Type::Int {
        lo: -INT_MAX,
        hi: INT_MAX,
    });
    let priority = s.add(Type::Int { lo: 0, hi: 100 });
    let float = s.add(Type::Float);
    let bool_ = s.add(Type::Bool);
    let bytes = s.add(Type::Bytes { max: 8 });
    let duration = s.add(Type::Duration {
        lo: -INT_MAX,
        hi: INT_MAX,
    });
    let instant = s.add(Type::Instant);
    let date = s.add(Type::Date);
    let percent = s.add(Type::Percent {
        lo: 0,
        hi: PERCENT_ONE,
    });
    let rate = s.add(Type::Rate);
    let money = s.add(Type::Money {
        currency: Currency(*b"SGD"),
        lo: 0,
        hi: INT_MAX,
    });
    let ip = s.add(Type::Ip);
    let cidr = s.add(Type::Cidr);
    let path = s.add(Type::Path);
    let host = s.add(Type::Host);
    let header = s.add(Type::HeaderName);
    let zone = s.add(Type::Zone);
    let key = s.add(Type::Key);
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
        value: text,
        max: 4,
    });
    let list = s.add(Type::List {
        of: priority,
        max: 3,
    });
    let set = s.add(Type::Set { of: text, max: 4 });
    let opt_ip = s.add(Type::Opt(ip));
    let opt_text = s.add(Type::Opt(text));
    s.records.push(Record {
        name: "Client".into(),
        fields: vec![field("ip", ip), with("port", priority, Value::Int(7))],
        boundary: Boundary::default(),
    });
    let client = s.add(Type::Record(0));
    let boundary = Boundary {
        path: PathPolicy {
            dot_segments: DotSegments::Resolve,
            ..Boundary::default().path
        },
        header_values: 2,
        header_bytes: 8,
        ..Boundary::default()
    };
    s.records.push(Record {
        name: "Request".into(),
        fields: vec![
            field("host", host),
            field("path", path),
            field("headers", headers),
            field("client", client),
            field("token", opt_text),
            field("accept", values),
            with("note", opt_text, Value::str("x")),
        ],
        boundary,
    });
    let request = s.add(Type::Record(1));
    let variant = |name: &str, fields| Variant {
        name: name.into(),
        fields,
    };
    s.enums.push(Enum {
        name: "Action".into(),
        tag: None,
        variants: vec![
            variant("admit", vec![]),
            variant(
                "forward",
                vec![
                    field("service", text),
                    with("retries", priority, Value::Int(0)),
                ],
            ),
        ],
    });
    let action = s.add(Type::Enum(0));
    s.enums.push(Enum {
        name: "Event".into(),
        tag: Some("type".into()),
        variants: vec![
            variant("ping", vec![]),
            variant("ride", vec![field("fare", money), field("from", opt_ip)]),
        ],
    });
    let event = s.add(Type::Enum(1));
    let by_action = s.add(Type::Map {
        key: action,
        value: bool_,
        max: 4,
    });
    let by_path = s.add(Type::Map {
        key: path,
        value: action,
        max: 4,
    });
    let all = vec![
        text, cart, int, priority, float, bool_, bytes, duration, instant, date, percent, rate,
        money, ip, cidr, path, host, header, zone, key, values, headers, by_int, list, set, opt_ip,
        opt_text, client, request, action, event, by_action, by_path,
    ];
    World {
        schema: s,
        request,
        event,
        all,
    }
}

impl World {
    fn find(&self, test: impl Fn(&Type) -> bool) -> TypeId {
        *self
            .all
            .iter()
            .find(|id| test(self.schema.get(**id)))
            .unwrap()
    }

    fn read(&self, ty: TypeId, json: &str) -> Result<String, String> {
        let arena = Arena::new();
        match decode(&self.schema, ty, json.as_bytes(), &arena) {
            Ok(decoded) => {
                let mut out = String::new();
                encode(&self.schema, ty, decoded.word, &mut out);
                Ok(out)
            }
            Err(refusal) => Err(refusal.to_string()),
        }
    }
}

#[test]
fn a_request_is_made_canonical_by_its_own_contract() {
    let w = world();
    let json = r#"{"path": "/a/./b//c", "extra": {"x": [1]}, "host": "Shop.Example:80",
        "headers": {"X-Role": ["sre"], "accept": []}, "client": {"ip": "::ffff:10.0.0.1"}, "token": null}"#;
    let arena = Arena::new();
    let decoded = decode(&w.schema, w.request, json.as_bytes(), &arena).unwrap();
    assert_eq!(decoded.ignored, 1);
    let mut out = String::new();
    encode(&w.schema, w.request, decoded.word, &mut out);
    assert_eq!(
        out,
        r#"{"host":"shop.example","path":"/a/b/c","headers":{"accept":[],"x-role":["sre"]},"client":{"ip":"10.0.0.1","port":7},"accept":[],"note":"x"}"#
    );
}

#[test]
fn a_refusal_names_field_value_and_rule() {
    let w = world();
    let check = |json: &str, expect: &str| {
        assert_eq!(w.read(w.request, json).unwrap_err(), expect, "{json}")
    };
    let rest = r#""path": "/", "host": "a", "headers": {}"#;
    check(
        &format!(r#"{{{rest}, "client": {{"ip": "x"}}}}"#),
        r#"client.ip = "x": not an IPv4 or IPv6 address"#,
    );
    check(
        &format!(r#"{{{rest}, "client": {{}}}}"#),
        "client.ip: it is required and missing",
    );
    check(
        &format!(r#"{{{rest}}}"#),
        "client: it is required and missing",
    );
    check(
        &format!(r#"{{{rest}, "client": null}}"#),
        "client: it is required and missing",
    );
    check(
        &format!(r#"{{{rest}, "client": 7}}"#),
        "client = 7: it must be an object",
    );
    check(
        r#"{"path": "/", "path": "/"}"#,
        "path: the key is given twice",
    );
    check(
        r#"{"path": "/a%2fb"}"#,
        r#"path = "/a%2fb": an encoded slash in the path (at byte 2)"#,
    );
    check(
        r#"{"headers": {"a b": []}}"#,
        r#"headers = "a b": as a key, a header name holds only letters, digits and !#$%&'*+-.^_`|~ (at byte 1)"#,
    );
    check(
        r#"{"headers": {"A": [], "a": []}}"#,
        r#"headers = "a": a key is given twice"#,
    );
    check(
        r#"{"headers": {"a": ["x", "123456789"]}}"#,
        r#"headers["a"][1] = "123456789": it has 9 bytes; at most 8 are allowed"#,
    );
    check(
        r#"{"headers": {"a": ["x\n"]}}"#,
        r#"headers["a"][0] = "x\n": a header value holds no line break and no NUL (at byte 1)"#,
    );
    check(
        r#"{"headers": {"a": ["1", "2", "3"]}}"#,
        r#"headers["a"]: at most 2 elements are allowed"#,
    );
    check(
        r#"{"headers": {"a": "x"}}"#,
        r#"headers["a"] = "x": it must be an array of texts"#,
    );
    check("[]", "the input = [\u{2026}]: it must be an object");
    check(
        "{\"path\": ",
        "the input = {\"path\":: it is not JSON: EOF while parsing a value",
    );
    check("null", "the input = null: it must be an object");
    let long = "y".repeat(100);
    let refusal = w
        .read(w.request, &format!(r#"{{"token": "{long}"}}"#))
        .unwrap_err();
    assert_eq!(
        refusal,
        format!(
            "token = \"{}\u{2026}\": it has 100 bytes; at most 64 are allowed",
            &long[..48]
        )
    );
}

#[test]
fn the_offset_points_into_the_text() {
    let w = world();
    let json = "{\n  \"path\": 7 }";
    let refusal = decode(&w.schema, w.request, json.as_bytes(), &Arena::new()).unwrap_err();
    let at = refusal.offset.unwrap();
    assert!(
        json[..=at].contains('7') && at <= json.find('7').unwrap() + 1,
        "{at}"
    );
}

#[test]
fn numbers_are_what_they_say() {
    let w = world();
    let int = w.find(|t| matches!(t, Type::Int { hi: INT_MAX, .. }));
    let ok =
        |json: &str, expect: &str| assert_eq!(w.read(int, json).as_deref(), Ok(expect), "{json}");
    ok("9007199254740991", "9007199254740991");
    ok("-7", "-7");
    for bad in [
        "9007199254740992",
        "18446744073709551616",
        "1.0",
        "1e3",
        "\"1\"",
        "true",
        "01",
        "1 2",
        "",
    ] {
        assert!(w.read(int, bad).is_err(), "{bad}");
    }
    let float = w.find(|t| matches!(t, Type::Float));
    assert_eq!(w.read(float, "-0.0").as_deref(), Ok("0.0"));
    assert_eq!(w.read(float, "3").as_deref(), Ok("3.0"));
    assert_eq!(w.read(float, "0.1").as_deref(), Ok("0.1"));
    assert!(w.read(float, "1e400").is_err());
}

#[test]
fn texts_of_the_source_are_texts_of_json() {
    let w = world();
    let check = |test: &dyn Fn(&Type) -> bool, json: &str, expect: Option<&str>| {
        let ty = w.find(test);
        assert_eq!(
            w.read(ty, json).ok().as_deref(),
            expect,
            "{json}: {:?}",
            w.read(ty, json)
        );
    };
    check(
        &|t| matches!(t, Type::Duration { .. }),
        "\"90s\"",
        Some("\"1m30s\""),
    );
    check(&|t| matches!(t, Type::Duration { .. }), "90", None);
    check(
        &|t| matches!(t, Type::Instant),
        "\"2026-11-01T08:00+08:00\"",
        Some("\"2026-11-01T00:00:00Z\""),
    );
    check(&|t| matches!(t, Type::Instant), "1793491200", None);
    check(
        &|t| matches!(t, Type::Percent { .. }),
        "\"0.50%\"",
        Some("\"0.5%\""),
    );
    check(&|t| matches!(t, Type::Percent { .. }), "\"101%\"", None);
    check(
        &|t| matches!(t, Type::Money { .. }),
        "\"4 SGD\"",
        Some("\"4.00 SGD\""),
    );
    check(&|t| matches!(t, Type::Money { .. }), "\"-4 SGD\"", None);
    check(
        &|t| matches!(t, Type::Rate),
        "\"100 per 1s\"",
        Some("\"100 per 1s\""),
    );
    check(
        &|t| matches!(t, Type::Bytes { .. }),
        "\"AAEC\"",
        Some("\"AAEC\""),
    );
    check(&|t| matches!(t, Type::Bytes { .. }), "\"AAEC=\"", None);
    check(
        &|t| matches!(t, Type::Bytes { .. }),
        "\"AAECAwQFBgcI\"",
        None,
    );
    check(&|t| matches!(t, Type::Cidr), "\"10.0.0.1/8\"", None);
    check(
        &|t| matches!(t, Type::Zone),
        "\"asia/singapore\"",
        Some("\"Asia/Singapore\""),
    );
    check(
        &|t| {
            matches!(
                t,
                Type::Str {
                    matching: Some(_),
                    ..
                }
            )
        },
        "\"c_12ab\"",
        Some("\"c_12ab\""),
    );
    check(
        &|t| {
            matches!(
                t,
                Type::Str {
                    matching: Some(_),
                    ..
                }
            )
        },
        "\"c_12abc\"",
        None,
    );
    check(
        &|t| matches!(t, Type::Set { .. }),
        r#"["b", "a"]"#,
        Some(r#"["a","b"]"#),
    );
    check(&|t| matches!(t, Type::Set { .. }), r#"["a", "a"]"#, None);
    check(
        &|t| {
            matches!(
                t,
                Type::Map {
                    value: TypeId(0),
                    ..
                }
            )
        },
        r#"{"10": "b", "9": "a"}"#,
        Some(r#"{"9":"a","10":"b"}"#),
    );
    check(
        &|t| {
            matches!(
                t,
                Type::Map {
                    value: TypeId(0),
                    ..
                }
            )
        },
        r#"{"09": "a"}"#,
        None,
    );
    check(&|t| matches!(t, Type::List { .. }), "[1,2,3,4]", None);
    check(&|t| matches!(t, Type::List { .. }), "[null]", None);
}

#[test]
fn parameters_are_an_object_by_name() {
    let w = world();
    let int = w.find(|t| matches!(t, Type::Int { .. }));
    let params = [field("event", w.event), with("n", int, Value::Int(3))];
    let arena = Arena::new();
    let read = decode_params(
        &w.schema,
        &params,
        br#"{"x": 1, "event": {"type": "ping"}}"#,
        &arena,
    )
    .unwrap();
    assert_eq!(
        (read.words, read.ignored),
        (&[Word::Variant(0, &[]), Word::Int(3)][..], 1)
    );
    let mut out = String::new();
    encode_fields(&w.schema, &params, read.words, &mut out);
    assert_eq!(out, r#"{"event":{"type":"ping"},"n":3}"#);
    let refusal =
        decode_params(&w.schema, &params, br#"{"event": {"type": 7}}"#, &arena).unwrap_err();
    assert_eq!(refusal.path, "event.type");
    let refusal = decode_params(&w.schema, &params, b"{}", &arena).unwrap_err();
    assert_eq!(refusal.path, "event");
}

#[test]
fn none_can_be_said_where_the_default_is_something() {
    let w = world();
    let json = r#"{"path":"/","host":"a","headers":{},"client":{"ip":"::1","port":7},"accept":[],"note":null}"#;
    let out = w.read(w.request, json).unwrap();
    assert!(out.ends_with(r#""note":null}"#), "{out}");
    assert_eq!(w.read(w.request, &out).unwrap(), out);
}

#[test]
fn typed_values_are_held_to_the_same_rules() {
    let w = world();
    let arena = Arena::new();
    let ip = Input::from(std::net::Ipv4Addr::new(10, 0, 0, 1));
    let client = [("ip", ip), ("port", 443.into())];
    let refusal = facts::value(
        &w.schema,
        w.find(|t| matches!(t, Type::Record(0))),
        Input::Map(&client),
        &arena,
    )
    .unwrap_err();
    assert_eq!(refusal.to_string(), "port = 443: it must lie in 0 .. 100");

    let mut request = facts::RecordBuilder::new(&w.schema, w.request, &arena).unwrap();
    request.set("path", "/a/../b").unwrap();
    request.set("host", "A").unwrap();
    request
        .set(
            "headers",
            Input::Map(&[("X", Input::List(&[Input::Str("1")]))]),
        )
        .unwrap();
    assert_eq!(
        request.set("nope", 1).unwrap_err().to_string(),
        "nope: Request has no such field"
    );
    assert_eq!(request.set("path", "a").unwrap_err().path, "path");
    request.set("client", Input::Map(&client[..1])).unwrap();
    let word = request.finish().unwrap();
    let json =
        r#"{"path": "/b", "host": "a", "headers": {"x": ["1"]}, "client": {"ip": "10.0.0.1"}}"#;
    assert_eq!(
        word,
        decode(&w.schema, w.request, json.as_bytes(), &arena)
            .unwrap()
            .word
    );

    let request = facts::RecordBuilder::new(&w.schema, w.request, &arena).unwrap();
    assert_eq!(
        request.finish().unwrap_err().to_string(),
        "host: it is required and missing"
    );
    let money = w.find(|t| matches!(t, Type::Money { .. }));
    assert_eq!(
        facts::value(&w.schema, money, 400.into(), &arena)
            .unwrap()
            .word,
        Word::Int(400)
    );
    assert_eq!(
        facts::value(&w.schema, money, (-1).into(), &arena)
            .unwrap_err()
            .to_string(),
        "the input = -1: it must lie in 0.00 SGD .. 90071992547409.91 SGD"
    );
}

#[test]
fn nesting_cannot_overflow_the_stack() {
    let w = world();
    for open in ["[", "{\"a\":", "{\"type\":", "{\"x\":["] {
        let json = open.repeat(200_000);
        for ty in [w.event, w.request] {
            assert!(w.read(ty, &json).is_err());
        }
    }
}
