//! Both readers on the same documents: the same words, as many keys ignored, and whatever is refused is refused by serde's.

use super::random::sample;
use super::*;
use crate::boundary::Reader;
use crate::kinds::random::Random;

/// How many documents the short way took.
#[derive(Default)]
struct Taken {
    short: u32,
    long: u32,
    refused: u32,
}

impl Taken {
    /// Reads both ways.
    fn both(&mut self, schema: &Schema, ty: TypeId, json: &[u8], arena: &mut Arena) {
        arena.reset();
        let shown = || String::from_utf8_lossy(json).into_owned();
        let reader = Reader::new(schema, arena, false);
        let short = fast::value(&reader, ty, json);
        let long = decode_by_serde(schema, ty, json, arena);
        match (short, &long) {
            (Some(word), Ok(decoded)) => {
                self.short += 1;
                assert_eq!(word, decoded.word, "{}", shown());
                assert_eq!(reader.ignored(), decoded.ignored, "{}", shown());
            }
            (Some(word), Err(refusal)) => panic!("{} is {word}, and {refusal}", shown()),
            (None, Ok(_)) => self.long += 1,
            (None, Err(_)) => self.refused += 1,
        }
        assert_eq!(decode(schema, ty, json, arena), long, "{}", shown());
    }
}

/// Documents of every type, as written and damaged in a few places.
#[test]
fn what_the_short_way_takes_serde_takes_too() {
    let w = world();
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        "[]",
        "{}",
        "\"",
        ":",
        ",",
        "null",
        "true",
        "false",
        "0",
        "1",
        "-",
        "-0",
        "00",
        ".",
        ".5",
        "e9",
        "1e999",
        "E-2",
        "\\u0041",
        "\\u00",
        "\\",
        "\\n",
        "\\\"",
        "\\/",
        "type",
        "path",
        "\"type\":",
        "\"x\":1,",
        "\"x\":[{\"y\":null},1.5e-3,\"z\"],",
        "\u{e9}",
        " ",
        "\t",
        "\n",
        "\u{b}",
        "\u{feff}",
        "\"a\"",
        "\"host\":\"b\",",
        "99999999999999999999",
        "123456789012345678",
        "9007199254740993",
        "%2f",
        "%41",
        "/",
        "//",
        "..",
    ];
    let mut random = Random(21);
    let (mut arena, scratch) = (Arena::new(), &mut Arena::new());
    let mut taken = Taken::default();
    for _ in 0..1_500 {
        for ty in &w.all {
            scratch.reset();
            let mut json = String::new();
            encode(
                &w.schema,
                *ty,
                sample(&w.schema, *ty, scratch, &mut random),
                &mut json,
            );
            taken.both(&w.schema, *ty, json.as_bytes(), &mut arena);
            let mut bytes = json.into_bytes();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len() + 1);
                match random.below(5) {
                    0..=2 => drop(bytes.splice(at..at, pieces[random.below(pieces.len())].bytes())),
                    3 => drop(bytes.drain(at..(at + random.below(6)).min(bytes.len()))),
                    _ => {
                        if let Some(byte) = bytes.get_mut(at) {
                            *byte = random.next() as u8;
                        }
                    }
                }
                taken.both(&w.schema, *ty, &bytes, &mut arena);
            }
        }
    }
    assert!(taken.short > 50_000, "{}", taken.short);
    assert!(taken.long > 1_000, "{}", taken.long);
    assert!(taken.refused > 30_000, "{}", taken.refused);
}

/// What is written as people write it takes the short way; were it refused there, everything would be read twice.
#[test]
fn ordinary_documents_take_the_short_way() {
    let w = world();
    let arena = Arena::new();
    let ordinary = [
        (
            w.request,
            r#"{"host":"a.example","path":"/v1/x","headers":{"x-role":["sre","b"],"a":[]},"client":{"ip":"::1","port":1},"token":null}"#,
        ),
        (
            w.request,
            " { \"client\" : { \"ip\" : \"10.0.0.1\" } , \"extra\":{\"x\":[1,-2.5e3,true,null,\"y\"]},\n\"headers\":{\"X-Role\":[\"a\\\"b\"]},\"path\":\"/a//b/./c\", \"host\":\"Shop.Example:80\",\"accept\":[\"\u{e9}\\n\"]}\r\n",
        ),
        (w.event, r#"{"type":"ride","fare":"1.00 SGD","from":"::1"}"#),
        (w.event, r#"{"type":"ping"}"#),
        (w.find(|t| matches!(t, Type::Float)), "-12.5e-3"),
        (
            w.find(|t| matches!(t, Type::Int { .. })),
            "-9007199254740991",
        ),
    ];
    for (ty, json) in ordinary {
        let reader = Reader::new(&w.schema, &arena, false);
        assert!(
            fast::value(&reader, ty, json.as_bytes()).is_some(),
            "{json}"
        );
        let long = decode_by_serde(&w.schema, ty, json.as_bytes(), &arena);
        assert_eq!(decode(&w.schema, ty, json.as_bytes(), &arena), long);
    }
}

/// Parameters are an object of their names.
#[test]
fn parameters_are_read_alike() {
    let w = world();
    let params = [field("request", w.request), field("event", w.event)];
    let request = r#"{"host":"a","path":"/","headers":{},"client":{"ip":"::1"}}"#;
    let event = r#"{"type":"ping"}"#;
    for json in [
        format!(r#"{{"request":{request},"event":{event}}}"#),
        format!(r#"{{"event":{event},"more":1,"request":{request}}}"#),
        format!(r#"{{"event":{event},"event":{event},"request":{request}}}"#),
        format!(r#"{{"event":{event}}}"#),
        format!(r#"{{"request":{request},"event":{event}}} 1"#),
        "null".into(),
        "[]".into(),
        String::new(),
    ] {
        let arena = Arena::new();
        let short = decode_params(&w.schema, &params, json.as_bytes(), &arena);
        let long = decode_params_by_serde(&w.schema, &params, json.as_bytes(), &arena);
        assert_eq!(short, long, "{json}");
    }
}

/// Nesting ends where it must, in both.
#[test]
fn depth_is_bounded() {
    let w = world();
    let mut arena = Arena::new();
    let mut taken = Taken::default();
    for depth in [10, 60, 64, 65, 126, 127, 128, 129, 5_000] {
        for (open, close) in [("[", "]"), ("{\"x\":", "}")] {
            let inner = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let json = format!(r#"{{"ip":"::1","x":{inner}}}"#);
            let client = w.find(|t| matches!(t, Type::Record(0)));
            taken.both(&w.schema, client, json.as_bytes(), &mut arena);
        }
    }
    assert!(taken.short > 0 && taken.short + taken.long + taken.refused == 18);
}
