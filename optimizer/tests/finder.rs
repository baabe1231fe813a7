//! Code that finds the rules that match: when there is some, and that it finds what a search and the plain rules do.

use std::fmt::Write as _;

use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Module, Target};
use tollgate_ir::text::{parse, print_func};
use tollgate_ir::verify::verify;
use tollgate_optimizer::{Aim, Level, run_pass};
use tollgate_runtime::{Arena, Cx, Mark, Word};

/// What a rule asks of a request: its host, if any, and an integer range.
#[derive(Clone, Copy)]
struct Asks {
    host: Option<usize>,
    least: i64,
}

/// A rule set about (host, optional text, number) with an integer outcome, as IR.
fn module(policy: &str, rules: &[Asks], pattern: Option<&str>) -> Module {
    let mut text = String::new();
    let list = policy == "all";
    let result = if list { "[int]" } else { "int" };
    let otherwise = !matches!(policy, "all" | "sum");
    for host in 0..8 {
        let _ = writeln!(text, "const const{host}: str = \"h{host}\"");
    }
    if let Some(pattern) = pattern {
        let _ = writeln!(text, "pattern pat0 = regex {pattern:?}");
    }
    let _ = writeln!(text, "record R {{ host: str, tier: str?, n: int }}");
    for i in 0..rules.len() {
        let _ = writeln!(text, "site site{i} = rule r r{i}");
    }
    let _ = writeln!(text, "site site{} = otherwise r", rules.len());
    let mut set = format!("ruleset r(R) -> {result} {policy} {{\n");
    for (i, rule) in rules.iter().enumerate() {
        let test = match (rule.host, pattern) {
            (Some(host), _) => format!("    v2 = konst const{host}\n    v3 = scmp eq, v1, v2\n"),
            (None, Some(_)) => "    v2 = bconst true\n    v3 = matches v1, pat0\n".to_owned(),
            (None, None) => "    v2 = field v0, 1\n    v3 = is_some v2\n".to_owned(),
        };
        let least = rule.least;
        let _ = write!(
            text,
            "func c{i}(R) -> bool {{\nblock0(v0: R):\n    v1 = field v0, 0\n{test}    br v3, block1, block2(v3)\n\
            block1:\n    v4 = field v0, 2\n    v5 = iconst {least}\n    v6 = icmp ge, v4, v5\n    jump block2(v6)\n\
            block2(v7: bool):\n    return v7\n}}\n\
            func o{i}(R) -> int {{\nblock0(v0: R):\n    v1 = iconst {i}\n    return v1\n}}\n"
        );
        let _ = writeln!(set, "    rule r{i} site{i} when c{i} then o{i}");
    }
    let _ = write!(
        text,
        "func none(R) -> int {{\nblock0(v0: R):\n    v1 = iconst -1\n    return v1\n}}\n\
        func key(R, int) -> int {{\nblock0(v0: R, v1: int):\n    v2 = iconst 7\n    v3 = imod v1, v2\n    return v3\n}}\n"
    );
    if otherwise {
        let _ = writeln!(set, "    otherwise site{} then none", rules.len());
    }
    if policy == "best" {
        set.push_str("    key key\n");
    }
    let _ = write!(text, "{set}}}\nentry r = rules r\n");
    let module = parse(&text, &[]).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
    verify(&module.module).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
    module.module
}

/// Rules over eight hosts; every seventh asks for no host.
fn rules(count: usize) -> Vec<Asks> {
    let rule = |i: usize| Asks {
        host: (i % 7 != 3).then_some(i % 8),
        least: (i as i64 * 37) % 100,
    };
    (0..count).map(rule).collect()
}

fn indexed(module: Module, native: bool) -> Module {
    let aim = Aim {
        level: Level::O2,
        native,
    };
    let module = run_pass("index_rulesets", module, aim).expect("there is such a pass");
    verify(&module).unwrap_or_else(|e| panic!("{e:?}"));
    module
}

/// What the entry decides, with its marks.
fn decide(module: &Module, request: &[Word<'_>]) -> String {
    let interp = Interp::new(module);
    let arena = Arena::new();
    let mut cx = Cx::new(&arena, "", 0);
    let args = [Word::Seq(request)];
    let word = interp.run(module.entries[0].target, &mut cx, &args);
    let marks: Vec<u32> = cx.marks.iter().map(|Mark(m)| *m).collect();
    format!("{word} {marks:?}")
}

/// The text of the finder, if there is one.
fn finder(module: &Module) -> Option<String> {
    let index = module.indexes.values().next()?;
    let number = index.decider.finder?;
    Some(print_func(module, index.functions[number as usize]))
}

#[test]
fn what_code_finds_is_what_a_search_finds_and_what_the_rules_say() {
    for policy in ["first", "all", "best", "sum"] {
        for count in [1, 5, 16, 17, 60, 110] {
            let plain = module(policy, &rules(count), None);
            let searched = indexed(plain.clone(), false);
            let found = indexed(plain.clone(), true);
            assert!(finder(&searched).is_none());
            // Rules of no host stand with each host where several decide, and then are too many.
            let few = count <= 60 || matches!(policy, "first" | "best");
            // A few that are compared or added up are a chain, with no index.
            let chain = count <= 16 && matches!(policy, "best" | "sum");
            let code = few && !chain;
            assert_eq!(finder(&found).is_some(), code, "{policy} {count}");
            for host in ["h0", "h3", "h7", "h8", ""] {
                for tier in [Word::None, Word::Str("gold")] {
                    for n in [-1, 0, 36, 37, 50, 99] {
                        let request = [Word::Str(host), tier, Word::Int(n)];
                        let reference = decide(&plain, &request);
                        assert_eq!(decide(&searched, &request), reference);
                        assert_eq!(decide(&found, &request), reference);
                    }
                }
            }
        }
    }
}

#[test]
fn rules_are_told_apart_before_they_are_asked() {
    let found = indexed(module("first", &rules(60), None), true);
    let text = finder(&found).expect("hosts tell them apart");
    assert_eq!(text.matches("lookup").count(), 1, "{text}");
    // Seven rules of each host, less those that ask for none, which stand once behind all hosts.
    assert_eq!(text.matches("icmp ge").count(), 60 + 9, "{text}");
    // Where all decide, those of no host stand with each host, so that marks come in order.
    let found = indexed(module("all", &rules(60), None), true);
    let text = finder(&found).expect("hosts tell them apart");
    assert_eq!(text.matches("mark").count(), 51 + 9 * 9, "{text}");
}

#[test]
fn there_is_no_code_where_a_search_is_better() {
    let one_host = |count| {
        let rule = |i: i64| Asks {
            host: Some(1),
            least: i,
        };
        (0..count).map(rule).collect::<Vec<_>>()
    };
    let check = |rules: &[Asks], pattern, expected: bool| {
        let found = indexed(module("first", rules, pattern), true);
        assert_eq!(finder(&found).is_some(), expected, "{}", rules.len());
        // In any case it decides.
        assert!(matches!(found.entries[0].target, Target::Func(_)));
    };
    // Too many that cannot be told apart, too many at all, and expressions that an index asks with one automaton.
    check(&one_host(16), None, true);
    check(&one_host(17), None, false);
    check(&rules(1_024), None, false);
    check(&rules(40), Some("^h"), false);
    check(&rules(4), Some("^h"), true);
}
