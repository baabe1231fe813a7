//! The text form: what is printed parses back to the same, and no input makes the parser panic.

use tollgate_ir::text::{NESTING_MAX, parse, print_module};
use tollgate_ir::verify::verify;
use tollgate_runtime::native::{Native, NativeClass, NativeParam, NativeType};
use tollgate_runtime::{Cx, Word};

static STARTS_WITH: Native = Native {
    module: "test",
    name: "starts_with",
    doc: "",
    params: &[
        NativeParam {
            name: "s",
            ty: NativeType::Str { max: 100 },
        },
        NativeParam {
            name: "prefix",
            ty: NativeType::Str { max: 100 },
        },
    ],
    result: NativeType::Bool,
    cost: 10,
    class: NativeClass::Prefix,
    context: false,
    examples: &[],
    call: starts_with,
};

fn starts_with<'a>(_: &Cx<'a>, args: &[Word<'a>]) -> Word<'a> {
    Word::Bool(args[0].str().starts_with(args[1].str()))
}

const SAMPLE: &str = include_str!("sample.tir");

#[test]
fn a_module_prints_as_it_was_written() {
    let parsed = parse(SAMPLE, &[&STARTS_WITH]).unwrap_or_else(|e| panic!("{e}"));
    if let Err(errors) = verify(&parsed.module) {
        panic!("{}", errors[0]);
    }
    assert_eq!(print_module(&parsed.module), SAMPLE);
}

#[test]
fn what_parses_prints_to_what_prints_the_same() {
    let mut seed = 1u64;
    let mut random = move |n: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n.max(1)
    };
    let lines: Vec<&str> = SAMPLE.lines().collect();
    let words: Vec<&str> = SAMPLE
        .split_inclusive(|c: char| !c.is_alphanumeric())
        .collect();
    let mut parsed_count = 0;
    for _ in 0..1500 {
        let text: String = match random(3) {
            // A line is lost, doubled, or put elsewhere.
            0 => {
                let mut lines = lines.clone();
                let line = lines.remove(random(lines.len()));
                for _ in 0..random(3) {
                    lines.insert(random(lines.len()), line);
                }
                lines.join("\n")
            }
            // Words are exchanged.
            1 => {
                let mut words = words.clone();
                for _ in 0..1 + random(3) {
                    let (a, b) = (random(words.len()), random(words.len()));
                    words[a] = words[b];
                }
                words.concat()
            }
            // Bytes are exchanged.
            _ => {
                let mut bytes = SAMPLE.as_bytes().to_vec();
                for _ in 0..1 + random(4) {
                    let at = random(bytes.len());
                    bytes[at] = match random(3) {
                        0 => random(128) as u8,
                        _ => SAMPLE.as_bytes()[random(SAMPLE.len())],
                    };
                }
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        let Ok(parsed) = parse(&text, &[&STARTS_WITH]) else {
            continue;
        };
        parsed_count += 1;
        let _ = verify(&parsed.module);
        let printed = print_module(&parsed.module);
        let again = parse(&printed, &[&STARTS_WITH])
            .unwrap_or_else(|e| panic!("{e}\nprinted:\n{printed}\nfrom:\n{text}"));
        assert_eq!(print_module(&again.module), printed, "from:\n{text}");
    }
    assert!(
        parsed_count > 100,
        "only {parsed_count} of the mutants parsed"
    );
}

fn error(text: &str) -> String {
    match parse(text, &[]) {
        Ok(_) => panic!("this parses: {text}"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn errors_say_where() {
    assert_eq!(error("const const0: int = @"), "1:21: unexpected '@'");
    assert_eq!(error("const const0: int ="), "1:20: expected a value");
    assert_eq!(
        error("const const1: int = 1"),
        "1:7: the next constant is const0"
    );
    assert_eq!(
        error("hello"),
        "1:1: an item begins with one of its keywords"
    );
    assert_eq!(error("func f() -> T {}"), "1:13: there is no type `T`");
    assert_eq!(
        error("func f() -> int {\nblock0:\n    return v7\n}"),
        "3:12: v7 is not defined"
    );
    assert_eq!(
        error("func f(int) -> int {\nblock0:\n    return v7\n}"),
        "2:1: the entry block has other parameters than the function"
    );
    assert_eq!(
        error("func f() -> int {\nblock0:\n    v0 = frob 1\n}"),
        "3:10: there is no instruction `frob`"
    );
    assert_eq!(error("native n"), "1:8: there is no native `n`");
    assert_eq!(
        error("pattern pat0 = path \"x\""),
        "1:21: a path pattern begins with `/`"
    );
    assert_eq!(
        error("data d: str data d: str"),
        "1:18: there is data of this name already"
    );
    assert_eq!(
        error("const const0: str = \"\\q\""),
        "1:22: this escape is none of \\n \\r \\t \\0 \\\\ \\\" \\' \\u{…}"
    );
    assert_eq!(
        error("const const0: str = \"abc"),
        "1:21: this text has no end"
    );
}

#[test]
fn nesting_has_a_limit() {
    let deep = |n: usize| format!("const const0: {}int{} = []", "[".repeat(n), "]".repeat(n));
    assert!(parse(&deep(NESTING_MAX as usize - 1), &[]).is_ok());
    assert!(error(&deep(NESTING_MAX as usize)).contains("nests deeper than 64"));
    assert!(error(&deep(100_000)).contains("nests deeper than 64"));
    let value = format!("const const0: int = {}", "[".repeat(100_000));
    assert!(error(&value).contains("nests deeper than 64"));
    assert!(error(&format!("const const0: int{} = 1", "?".repeat(100_000))).contains("nests"));
}
