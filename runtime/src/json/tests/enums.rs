//! Enums as JSON sees them.

use super::*;

#[test]
fn enums_are_tagged_outside_unless_declared_otherwise() {
    let w = world();
    let action = w.find(|t| matches!(t, Type::Enum(0)));
    let ok = |ty, json: &str, expect: &str| {
        assert_eq!(w.read(ty, json).as_deref(), Ok(expect), "{json}")
    };
    let bad =
        |ty, json: &str, expect: &str| assert_eq!(w.read(ty, json).unwrap_err(), expect, "{json}");
    ok(action, r#""admit""#, r#""admit""#);
    ok(action, r#"{"admit": null}"#, r#""admit""#);
    ok(
        action,
        r#"{"forward": {"service": "a\"b"}}"#,
        r#"{"forward":{"service":"a\"b","retries":0}}"#,
    );
    bad(
        action,
        r#""forward""#,
        r#"the input = "forward": `forward` has fields and is written as an object"#,
    );
    bad(
        action,
        r#""x""#,
        r#"the input = "x": it must be one of admit, forward"#,
    );
    bad(
        action,
        r#"{"x": {}}"#,
        r#"the input = "x": it must be one of admit, forward"#,
    );
    bad(
        action,
        r#"{"forward": {"service": 7}}"#,
        "forward.service = 7: it must be a text",
    );
    bad(
        action,
        r#"{"admit": {}, "forward": {}}"#,
        "the input: an enum value is an object with one key, the variant",
    );
    bad(
        action,
        "{}",
        "the input = {}: it must be the name of a variant, or an object with it",
    );

    ok(w.event, r#"{"type": "ping"}"#, r#"{"type":"ping"}"#);
    ok(
        w.event,
        r#"{"type": "ride", "fare": "1.00 SGD"}"#,
        r#"{"type":"ride","fare":"1.00 SGD"}"#,
    );
    ok(
        w.event,
        r#"{"fare": "1.00 SGD", "z": [{"q": 1.5}], "type": "ride", "from": "::1"}"#,
        r#"{"type":"ride","fare":"1.00 SGD","from":"::1"}"#,
    );
    bad(
        w.event,
        r#"{"fare": "1.00 USD", "type": "ride"}"#,
        r#"fare = "1.00 USD": the currency must be SGD (at byte 5)"#,
    );
    bad(
        w.event,
        r#"{"fare": 100, "type": "ride"}"#,
        r#"fare = 100: it must be an amount such as "4.00 SGD""#,
    );
    bad(
        w.event,
        r#"{"fare": "1.00 SGD"}"#,
        "type: it is missing; it names the variant",
    );
    bad(
        w.event,
        r#"{"type": "ride", "fare": "1.00 SGD", "fare": "1.00 SGD"}"#,
        "fare: the key is given twice",
    );
    bad(
        w.event,
        r#"{"fare": "1.00 SGD", "type": "ride", "fare": "1.00 SGD"}"#,
        "fare: the key is given twice",
    );
    bad(
        w.event,
        r#"{"type": "ping", "type": "ping"}"#,
        "type: the key is given twice",
    );
    bad(
        w.event,
        r#"{"type": "pong"}"#,
        r#"type = "pong": it must be one of ping, ride"#,
    );
}
