//! Seeded tests: round trips of random words, and documents that were damaged.

use super::*;
use crate::kinds::random::Random;

/// Random words of every type: what is written reads back as the same word.
#[test]
fn what_is_encoded_decodes_to_the_same_word() {
    let w = world();
    let mut random = Random(8);
    let mut arena = Arena::new();
    for _ in 0..300 {
        for ty in &w.all {
            arena.reset();
            let word = sample(&w.schema, *ty, &arena, &mut random);
            let mut json = String::new();
            encode(&w.schema, *ty, word, &mut json);
            let decoded = decode(&w.schema, *ty, json.as_bytes(), &arena)
                .unwrap_or_else(|refusal| panic!("{json}: {refusal}"));
            assert_eq!(decoded.word, word, "{json}");
            assert_eq!(decoded.ignored, 0);
        }
    }
}

pub(super) fn sample<'a>(
    schema: &Schema,
    ty: TypeId,
    arena: &'a Arena,
    random: &mut Random,
) -> Word<'a> {
    let texts = [
        "",
        "a",
        "\"",
        "\\",
        "\n",
        "\u{e9}",
        "\u{1f600}",
        "\u{1}",
        "x y",
    ];
    match schema.get(ty) {
        Type::Bool => Word::Bool(random.below(2) == 0),
        Type::Int { lo, hi }
        | Type::Duration { lo, hi }
        | Type::Percent { lo, hi }
        | Type::Money { lo, hi, .. } => {
            Word::Int([*lo, *hi, random.range(*lo, *hi)][random.below(3)])
        }
        Type::Float => match f64::from_bits(random.next()) {
            v if v.is_finite() => Word::Float(v + 0.0),
            _ => Word::Float(0.5),
        },
        Type::Str {
            matching: Some(_), ..
        } => Word::Str("c_00zz"),
        Type::Str { .. } | Type::Key => Word::Str(arena.str(&random.text(&texts, 8))),
        Type::Bytes { max } => {
            let bytes: Vec<u8> = (0..random.below(*max as usize + 1))
                .map(|_| random.next() as u8)
                .collect();
            Word::Bytes(arena.bytes(&bytes))
        }
        Type::Instant => Word::Int(random.range(0, INSTANT_END)),
        Type::Date => Word::Int(random.range(0, DATE_END)),
        Type::Rate => Word::Seq(arena.seq(&[
            Word::Int(random.range(0, INT_MAX)),
            Word::Int(random.range(1, INT_MAX)),
        ])),
        Type::Ip => Word::Ip(crate::kinds::net::Ip(
            ((u128::from(random.next()) << 64) | u128::from(random.next())).to_be_bytes(),
        )),
        Type::Cidr => Word::Cidr(
            ["10.0.0.0/8", "::/0", "2001:db8::/32", "0.0.0.0/0"][random.below(4)]
                .parse()
                .unwrap(),
        ),
        Type::Path => Word::Str(["/", "/a b/\u{e9}", "/a?b/%2F/", "/%41/50%"][random.below(4)]),
        Type::Host => Word::Str(["a", "shop.example", "[::1]", "10.0.0.1"][random.below(4)]),
        Type::HeaderName => Word::Str(["a", "x-role"][random.below(2)]),
        Type::Zone => Word::Str("Asia/Singapore"),
        Type::Values { .. } => {
            let words: Vec<Word<'_>> = (0..random.below(3))
                .map(|_| Word::Str(["", "v"][random.below(2)]))
                .collect();
            Word::Seq(arena.seq(&words))
        }
        Type::Opt(of) => {
            if random.below(2) == 0 {
                Word::None
            } else {
                sample(schema, *of, arena, random)
            }
        }
        Type::List { of, max } => {
            let words: Vec<Word<'_>> = (0..random.below(*max as usize + 1))
                .map(|_| sample(schema, *of, arena, random))
                .collect();
            Word::Seq(arena.seq(&words))
        }
        Type::Set { of, max } => {
            let items = (0..random.below(*max as usize + 1))
                .map(|_| Value::of(sample(schema, *of, arena, random)));
            Value::set(items).word(arena)
        }
        Type::Map { key, value, max } => {
            let entries = (0..random.below(*max as usize + 1)).map(|_| {
                let key = match schema.get(*key) {
                    // Only variants without fields can be keys.
                    Type::Enum(_) => Word::Variant(0, &[]),
                    _ => sample(schema, *key, arena, random),
                };
                (
                    Value::of(key),
                    Value::of(sample(schema, *value, arena, random)),
                )
            });
            Value::map(entries.collect::<Vec<_>>()).word(arena)
        }
        Type::Record(i) => Word::Seq(fields(
            schema,
            &schema.records[*i as usize].fields,
            arena,
            random,
        )),
        Type::Enum(i) => {
            let variants = &schema.enums[*i as usize].variants;
            let tag = random.below(variants.len());
            Word::Variant(
                tag as u32,
                fields(schema, &variants[tag].fields, arena, random),
            )
        }
    }
}

fn fields<'a>(
    schema: &Schema,
    fields: &[Field],
    arena: &'a Arena,
    random: &mut Random,
) -> &'a [Word<'a>] {
    let words: Vec<Word<'_>> = fields
        .iter()
        .map(|f| sample(schema, f.ty, arena, random))
        .collect();
    arena.seq(&words)
}

/// Mutated documents: never a panic, and what is accepted is stable.
#[test]
fn no_document_makes_the_reader_panic() {
    let w = world();
    let seeds = [
        r#"{"path": "/a/./b//c", "extra": {"x": [1]}, "host": "Shop.Example:80", "headers": {"X-Role": ["sre"]}, "client": {"ip": "::1", "port": 1}, "token": null}"#,
        r#"{"fare": "1.00 SGD", "z": [{"q": 1.5}], "type": "ride", "from": "::1"}"#,
        r#"{"forward": {"service": "a\"b", "retries": 3}}"#,
        r#"["a", "b", "\ud83d\ude00", 1, -2.5e3, true, null]"#,
        r#"{"10": "b", "9": "\u0000a", "/": "admit"}"#,
        r#""2026-11-01T00:00:00Z""#,
        r#""100 per 1s""#,
    ];
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "null",
        "1",
        "-",
        "e9",
        "\\u00",
        "\\",
        "type",
        "path",
        "\u{e9}",
        " ",
        "\"a\"",
        "99999999999999999999",
        "%2f",
        "/",
    ];
    let mut random = Random(9);
    let mut arena = Arena::new();
    let mut accepted = 0;
    for _ in 0..60_000 {
        arena.reset();
        let mut bytes = seeds[random.below(seeds.len())].as_bytes().to_vec();
        for _ in 0..random.below(4) {
            let at = random.below(bytes.len() + 1);
            match random.below(3) {
                0 => drop(bytes.splice(at..at, pieces[random.below(pieces.len())].bytes())),
                1 => drop(bytes.drain(at..(at + random.below(6)).min(bytes.len()).max(at))),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = random.next() as u8;
                    }
                }
            }
        }
        let ty = w.all[random.below(w.all.len())];
        match decode(&w.schema, ty, &bytes, &arena) {
            Ok(decoded) => {
                accepted += 1;
                let mut json = String::new();
                encode(&w.schema, ty, decoded.word, &mut json);
                let again = decode(&w.schema, ty, json.as_bytes(), &arena).unwrap();
                assert_eq!(again.word, decoded.word, "{json}");
            }
            Err(refusal) => {
                let text = refusal.to_string();
                assert!(refusal.value.len() < 300, "{text}");
                // What is JSON is refused by a rule of ours, which names the place.
                let json = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
                assert!(!json || !text.contains("not JSON"), "{text}");
            }
        }
    }
    assert!(accepted > 1_000, "{accepted}");
}

/// The decoder allocates in the arena only: once it is warm, the arena does not grow.
#[test]
fn a_warm_arena_does_not_grow() {
    let w = world();
    let json = r#"{"path": "/a/./b//c", "host": "Shop.Example:80", "headers": {"X-Role": ["sre"], "b": ["c"]}, "client": {"ip": "10.0.0.1"}}"#;
    let mut arena = Arena::new();
    for _ in 0..4 {
        arena.reset();
        decode(&w.schema, w.request, json.as_bytes(), &arena).unwrap();
    }
    let warm = arena.capacity();
    for _ in 0..100 {
        arena.reset();
        decode(&w.schema, w.request, json.as_bytes(), &arena).unwrap();
    }
    assert_eq!(arena.capacity(), warm);
}
