//! What holds for every row and every module of the library.

use std::collections::BTreeSet;

use tollgate_runtime::native::{Native, NativeType};
use tollgate_runtime::schema::{DATE_END, INSTANT_END, INT_MAX};
use tollgate_runtime::{Arena, Cx, Word};

use super::*;

#[test]
fn rows_are_complete_and_names_unique() {
    let library = library();
    let modules: BTreeSet<_> = library.modules.iter().map(|m| m.name).collect();
    let mut names = BTreeSet::new();
    for native in library.natives {
        assert!(
            names.insert(native.name),
            "`{}` is declared twice",
            native.name
        );
        assert!(
            modules.contains(native.module),
            "`{}` belongs to no module",
            native.name
        );
        assert!(
            native.summary().ends_with(['.', ':']) || native.doc.contains('.'),
            "`{}` has no sentence",
            native.name
        );
        assert!(
            !native.examples.is_empty() && native.cost > 0,
            "`{}`",
            native.name
        );
        for example in native.examples {
            assert!(
                example.source.contains(native.name),
                "`{}`: {}",
                native.name,
                example.source
            );
        }
    }
    assert!(names.len() > 50, "{}", names.len());
}

#[test]
fn modules_say_their_name() {
    for module in library().modules {
        assert!(
            module.source.contains(&format!("module {}\n", module.name)),
            "{}",
            module.file
        );
    }
}

#[test]
fn modules_and_examples_are_in_the_language() {
    let parse = |name: &str, text: &str| {
        let mut sources = tollgate_grammar::SourceMap::new();
        let file = sources.add(name, text);
        let parsed = tollgate_grammar::parse(file, text);
        let errors: Vec<String> = parsed
            .errors
            .iter()
            .map(|e| format!("{name} at {:?}: {e:?}", sources.position(e.span)))
            .collect();
        assert!(errors.is_empty(), "{}\n{text}", errors.join("\n"));
    };
    for module in library().modules {
        parse(module.file, module.source);
    }
    for (name, tests) in [
        ("core/tests.rules", include_str!("core/tests.rules")),
        ("gateway/tests.rules", include_str!("gateway/tests.rules")),
        (
            "gateway/balance.rules",
            include_str!("gateway/balance.rules"),
        ),
        ("overload/tests.rules", include_str!("overload/tests.rules")),
        ("campaign/tests.rules", include_str!("campaign/tests.rules")),
    ] {
        parse(name, tests);
    }
    for native in library().natives {
        for example in native.examples {
            let text = format!(
                "edition 2026\nmodule example\nfn example() -> Bool = ({}) == ({})\n",
                example.source, example.result
            );
            parse(native.name, &text);
        }
    }
}

/// Every native, on words of its types and of others: no panic, and a result inside the declared type.
#[test]
fn natives_are_total() {
    let mut random = 0x5eed_u64;
    let mut arena = Arena::new();
    for native in library().natives {
        for round in 0..400 {
            arena.reset();
            let cx = Cx::new(&arena, "request-1", 7);
            let args: Vec<Word<'_>> = native
                .params
                .iter()
                .map(|p| word(p.ty, &arena, &mut random))
                .collect();
            check(native, (native.call)(&cx, &args));
            let stray: Vec<Word<'_>> = args.iter().rev().copied().chain([Word::None]).collect();
            check(native, (native.call)(&cx, &stray[round % stray.len()..]));
            let extreme = [i64::MIN, i64::MAX, -1][round % 3];
            let damaged: Vec<Word<'_>> = args
                .iter()
                .map(|w| {
                    if let Word::Int(_) = w {
                        Word::Int(extreme)
                    } else {
                        *w
                    }
                })
                .collect();
            check(native, (native.call)(&cx, &damaged));
        }
    }
}

fn check(native: &Native, result: Word<'_>) {
    assert!(
        belongs(native.result, result),
        "`{}` gave {result}",
        native.name
    );
}

fn belongs(ty: NativeType, word: Word<'_>) -> bool {
    match (ty, word) {
        (NativeType::Opt(_), Word::None) => true,
        (NativeType::Opt(of), word) => belongs(*of, word),
        (NativeType::Bool, Word::Bool(_)) | (NativeType::Bytes, Word::Bytes(_)) => true,
        (NativeType::Int { lo, hi } | NativeType::Percent { lo, hi }, Word::Int(v)) => {
            (lo..=hi).contains(&v)
        }
        (NativeType::Float, Word::Float(v)) => v.is_finite(),
        (NativeType::Str { max }, Word::Str(s)) => s.len() <= max as usize,
        (NativeType::Duration, Word::Int(v)) => v.abs() <= INT_MAX,
        (NativeType::Instant, Word::Int(v)) => (0..INSTANT_END).contains(&v),
        (NativeType::Date, Word::Int(v)) => (0..DATE_END).contains(&v),
        (NativeType::Ip, Word::Ip(_)) | (NativeType::Cidr, Word::Cidr(_)) => true,
        (
            NativeType::Path
            | NativeType::Host
            | NativeType::HeaderName
            | NativeType::Zone
            | NativeType::Key,
            Word::Str(_),
        ) => true,
        (NativeType::Values, Word::Seq(words)) => words.iter().all(|w| matches!(w, Word::Str(_))),
        (NativeType::List(of, max), Word::Seq(words)) => {
            words.len() <= max as usize && words.iter().all(|w| belongs(*of, *w))
        }
        _ => false,
    }
}

fn word<'a>(ty: NativeType, arena: &'a Arena, random: &mut u64) -> Word<'a> {
    const TEXTS: [&str; 16] = [
        "",
        "a",
        ",",
        "a,b",
        "caf\u{e9}\u{1f600}",
        "Bearer x",
        "12",
        "-9007199254740991",
        "10.0.0.1",
        "::1",
        "1h30m",
        "2026-11-01T00:00Z",
        "2026-11-01",
        "\u{7f}|\\",
        "Europe/Berlin",
        "/a//b",
    ];
    *random = random
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    let pick = *random >> 33;
    let text = TEXTS[pick as usize % TEXTS.len()];
    let between = |lo: i64, hi: i64| match pick % 5 {
        0 => lo,
        1 => hi,
        _ => lo.wrapping_add((*random % (hi.wrapping_sub(lo) as u64).max(1)) as i64),
    };
    match ty {
        NativeType::Bool => Word::Bool(pick.is_multiple_of(2)),
        NativeType::Int { lo, hi } | NativeType::Percent { lo, hi } => Word::Int(between(lo, hi)),
        NativeType::Float => Word::Float(pick as f64),
        NativeType::Str { .. } | NativeType::HeaderName | NativeType::Key => {
            Word::Str(arena.concat(&[text, text]))
        }
        NativeType::Bytes => Word::Bytes(text.as_bytes()),
        NativeType::Duration => Word::Int(between(-INT_MAX, INT_MAX)),
        NativeType::Instant => Word::Int(between(0, INSTANT_END - 1)),
        NativeType::Date => Word::Int(between(0, DATE_END - 1)),
        NativeType::Ip => Word::Ip(
            ["10.0.0.1", "2001:db8::1"][pick as usize % 2]
                .parse()
                .unwrap(),
        ),
        NativeType::Cidr => Word::Cidr(["10.0.0.0/8", "::/0"][pick as usize % 2].parse().unwrap()),
        NativeType::Path => Word::Str(["/", "/a/b", "/a/"][pick as usize % 3]),
        NativeType::Host => Word::Str("shop.example"),
        NativeType::Zone => Word::Str(
            ["UTC", "Asia/Singapore", "America/New_York", "Pacific/Apia"][pick as usize % 4],
        ),
        NativeType::Values => Word::Seq(arena.seq(&[Word::Str(text)])),
        NativeType::Opt(_) if pick.is_multiple_of(3) => Word::None,
        NativeType::Opt(of) => word(*of, arena, random),
        NativeType::List(of, max) => {
            let len = pick as usize % (max as usize + 1);
            let words: Vec<Word<'_>> = (0..len).map(|_| word(*of, arena, random)).collect();
            Word::Seq(arena.seq(&words))
        }
    }
}
