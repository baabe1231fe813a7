//! Conditions that would take forever, or a stack without end, if they were taken apart without limits. What comes out holds
//! exactly when the interpreter says so, whether it was taken apart or is one feature.

use std::fmt::Write;
use std::time::{Duration, Instant};

use tollgate_ir::cost::Costs;
use tollgate_ir::entities::FuncId;
use tollgate_ir::instructions::Inst;
use tollgate_ir::interp::Interp;
use tollgate_ir::module::{Module, RuleSet, Target};
use tollgate_ir::predicates::{ATOMS_MAX, Predicates, predicates};
use tollgate_ir::text::parse;
use tollgate_ir::verify::verify;
use tollgate_runtime::index::{Atom, Formula, Test};
use tollgate_runtime::{Arena, Cx, Word};

/// Far more than any of these takes; without limits, they take longer than the universe.
const LIMIT: Duration = Duration::from_secs(20);

/// A module of a rule set of two integers and a truth value with one rule, whose condition is `when`.
fn module(functions: &str) -> Module {
    module_of(functions, 1, "    rule r0 site0 when when then then\n")
}

fn module_of(functions: &str, sites: usize, rules: &str) -> Module {
    let mut text = String::new();
    for i in 0..sites {
        let _ = writeln!(text, "site site{i} = rule r r{i}");
    }
    let _ = write!(
        text,
        "func then(int, int, bool) -> int {{\nblock0(v0: int, v1: int, v2: bool):\n    return v0\n}}\n{functions}\nruleset r(int, int, bool) -> int first {{\n{rules}}}\n"
    );
    let module = parse(&text, &[]).unwrap_or_else(|e| panic!("{e}")).module;
    verify(&module).unwrap_or_else(|e| panic!("{}", e[0]));
    module
}

fn when(body: &str) -> String {
    format!("func when(int, int, bool) -> bool {{\nblock0(v0: int, v1: int, v2: bool):\n{body}}}\n")
}

fn rules(module: &Module) -> &RuleSet {
    module.rulesets.values().next().unwrap()
}

fn apart(module: &Module) -> Predicates {
    let begun = Instant::now();
    let asked = predicates(module, &Costs::new(module), rules(module));
    assert!(begun.elapsed() < LIMIT, "took {:?}", begun.elapsed());
    asked
}

fn is_whole(asked: &Predicates, formula: &Formula) -> bool {
    let Formula::Atom(Atom {
        feature,
        want: true,
        test: Test::True,
    }) = formula
    else {
        return false;
    };
    let term = asked.features[*feature as usize].term;
    matches!(asked.terms.inst(term), Some(Inst::Call { .. }))
}

/// Formulas hold when their conditions do.
fn agree(module: &Module, asked: &Predicates) {
    let mut grown = module.clone();
    let emit = |(i, f): (usize, &tollgate_ir::predicates::Feature)| {
        asked.emit(&mut grown, f.term, format!("feature {i}").into())
    };
    let computed: Vec<FuncId> = asked.features.iter().enumerate().map(emit).collect();
    verify(&grown).unwrap_or_else(|e| panic!("{}", e[0]));
    let interp = Interp::new(&grown);
    for (a, b, c) in [
        (0, 0, true),
        (1, 7, false),
        (5, 2, true),
        (-3, 59, false),
        (40, 41, true),
    ] {
        let arena = Arena::new();
        let mut cx = Cx::new(&arena, "", 0);
        let args = [Word::Int(a), Word::Int(b), Word::Bool(c)];
        let mut call = |func: FuncId| interp.run(Target::Func(func), &mut cx, &args);
        for (rule, formula) in rules(module).rules.iter().zip(&asked.rules).take(20) {
            let group = rule.group.map(|g| rules(module).groups[g].cond);
            let expected = group.into_iter().chain(rule.cond).all(|f| call(f).bool());
            let holds = formula.holds(&mut |f| call(computed[f as usize]));
            assert_eq!(holds, expected, "`{}` for {args:?}", rule.name);
        }
    }
}

fn atoms(formula: &Formula) -> usize {
    let mut atoms = 0;
    formula.atoms(&mut |_| atoms += 1);
    atoms
}

/// `v0 == 0 and v0 == 1 or …`, by branches: `parts` conjunctions of two.
fn alternatives(parts: usize) -> String {
    let mut body = String::from("    jump block1\n");
    let mut next = 3;
    for i in 0..parts {
        let (first, second, after) = (1 + 2 * i, 2 + 2 * i, 3 + 2 * i);
        let _ = write!(
            body,
            "block{first}:\n    v{next} = iconst {i}\n    v{} = icmp eq, v0, v{next}\n    br v{}, block{second}, block{after}\n",
            next + 1,
            next + 1
        );
        next += 2;
        let _ = write!(
            body,
            "block{second}:\n    v{next} = iconst {}\n    v{} = icmp gt, v1, v{next}\n    br v{}, block{}, block{after}\n",
            i % 7,
            next + 1,
            next + 1,
            2 + 2 * parts
        );
        next += 2;
    }
    let (no, yes) = (1 + 2 * parts, 2 + 2 * parts);
    let _ = write!(
        body,
        "block{no}:\n    v{next} = bconst false\n    return v{next}\nblock{yes}:\n    v{} = bconst true\n    return v{}\n",
        next + 1,
        next + 1
    );
    when(&body)
}

/// Numbers of a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

/// A function of forward branches about few atoms, which therefore meet again and again.
fn tangle(random: &mut Random) -> String {
    const ATOMS: u64 = 6;
    // v8 .. v13 are truth values of v0, v1 and v2.
    let mut body = String::from(
        "    v3 = iconst 0\n    v4 = iconst 1\n    v5 = iconst 2\n    v6 = imul v0, v1\n    v7 = iadd v1, v4\n    v8 = icmp eq, v0, v3\n    v9 = icmp gt, v0, v4\n    v10 = icmp ne, v7, v5\n    v11 = icmp lt, v0, v1\n    v12 = icmp ge, v6, v5\n    v13 = icmp ge, v0, v1\n    jump block1\n",
    );
    let blocks = 4 + random.below(9);
    let mut next = 14;
    for block in 1..=blocks {
        let _ = writeln!(body, "block{block}:");
        // A truth value: an atom, or several joined.
        let mut value = match random.below(8) {
            0 => 2,
            _ => 8 + random.below(ATOMS),
        };
        for _ in 0..random.below(3) {
            let (a, b) = (8 + random.below(ATOMS), 8 + random.below(ATOMS));
            let inst = match random.below(5) {
                0 => format!("bnot v{value}"),
                1 => format!("band v{value}, v{a}"),
                2 => format!("bor v{a}, v{value}"),
                3 => format!("same v{value}, v{a}"),
                _ => format!("select v{value}, v{a}, v{b}"),
            };
            let _ = writeln!(body, "    v{next} = {inst}");
            value = next;
            next += 1;
        }
        let ways = blocks - block;
        if ways == 0 || random.below(6) == 0 && block > 1 {
            let _ = writeln!(body, "    return v{value}");
            continue;
        }
        let mut to = || block + 1 + random.below(ways.min(4));
        let _ = writeln!(body, "    br v{value}, block{}, block{}", to(), to());
    }
    when(&body)
}

#[test]
fn tangles_of_branches_are_taken_apart_exactly() {
    let (mut yes, mut no, mut simple) = (0, 0, 0);
    for seed in 0..1500 {
        let text = tangle(&mut Random(seed));
        let module = module(&text);
        let asked = apart(&module);
        let formula = &asked.rules[0];
        simple += usize::from(atoms(formula) < 6);
        let mut grown = module.clone();
        let emit = |(i, f): (usize, &tollgate_ir::predicates::Feature)| {
            asked.emit(&mut grown, f.term, format!("feature {i}").into())
        };
        let computed: Vec<FuncId> = asked.features.iter().enumerate().map(emit).collect();
        let interp = Interp::new(&grown);
        let arena = Arena::new();
        for input in 0..32 {
            let args = [
                Word::Int(input % 4 - 1),
                Word::Int(input / 4 % 4 - 1),
                Word::Bool(input / 16 == 1),
            ];
            let mut cx = Cx::new(&arena, "", 0);
            let mut call = |func: FuncId| interp.run(Target::Func(func), &mut cx, &args);
            let expected = rules(&module).rules[0].cond.is_none_or(|f| call(f).bool());
            let holds = formula.holds(&mut |f| call(computed[f as usize]));
            *(if holds { &mut yes } else { &mut no }) += 1;
            assert_eq!(
                holds,
                expected,
                "seed {seed}, {args:?}\n{text}\n{}",
                asked.names(&module, &[]).formula(formula)
            );
        }
    }
    assert!(
        yes > 5_000 && no > 5_000 && simple > 250,
        "{yes} {no} {simple}"
    );
}

#[test]
fn a_long_condition_is_taken_apart_and_a_longer_one_is_whole() {
    let long = module(&alternatives(ATOMS_MAX / 2 - 1));
    let asked = apart(&long);
    assert_eq!(atoms(&asked.rules[0]), ATOMS_MAX - 2);
    assert_eq!(asked.features.len(), 2);
    agree(&long, &asked);

    let longer = module(&alternatives(ATOMS_MAX / 2 + 1));
    let asked = apart(&longer);
    assert!(is_whole(&asked, &asked.rules[0]));
    assert_eq!(
        asked.features.len(),
        1,
        "only what formulas name is a feature"
    );
    agree(&longer, &asked);
}

#[test]
fn calls_that_double_are_cut_off() {
    // f60(x) = f59(x + 1) or f59(x + 2) …: of a truth value, and of a number.
    let mut functions = String::from(
        "func f0(int) -> bool {\nblock0(v0: int):\n    v1 = icmp eq, v0, v0\n    v2 = bnot v1\n    return v2\n}\nfunc g0(int) -> int {\nblock0(v0: int):\n    return v0\n}\n",
    );
    for i in 1..=60 {
        let inner = i - 1;
        let _ = write!(
            functions,
            "func f{i}(int) -> bool {{\nblock0(v0: int):\n    v1 = iconst 1\n    v2 = imul v0, v0\n    v3 = iadd v2, v1\n    v4 = call f{inner}(v2)\n    v5 = call f{inner}(v3)\n    v6 = bor v4, v5\n    return v6\n}}\n\
             func g{i}(int) -> int {{\nblock0(v0: int):\n    v1 = iconst 1\n    v2 = imul v0, v0\n    v3 = iadd v2, v1\n    v4 = call g{inner}(v2)\n    v5 = call g{inner}(v3)\n    v6 = isub v4, v5\n    return v6\n}}\n"
        );
    }
    for (call, cond) in [
        ("f60", "    return v3\n"),
        ("g60", "    v4 = icmp gt, v3, v0\n    return v4\n"),
    ] {
        let body = format!("    v3 = call {call}(v0)\n{cond}");
        let module = module(&format!("{functions}{}", when(&body)));
        let asked = apart(&module);
        assert!(atoms(&asked.rules[0]) <= ATOMS_MAX);
        // The interpreter would take for ever.
    }
}

#[test]
fn diamonds_that_double_are_cut_off() {
    // Each diamond passes one of two numbers on: 2^60 ways to the end, all of them different.
    let mut body = String::from("    v3 = iconst 0\n    jump block1(v3)\n");
    let mut next = 4;
    for i in 1..=60 {
        let _ = write!(
            body,
            "block{i}(v{next}: int):\n    v{} = imul v{next}, v1\n    v{} = iadd v{}, v0\n    br v2, block{}(v{}), block{}(v{})\n",
            next + 1,
            next + 2,
            next + 1,
            i + 1,
            next + 1,
            i + 1,
            next + 2
        );
        next += 3;
    }
    let _ = write!(
        body,
        "block61(v{next}: int):\n    v{} = icmp lt, v{next}, v1\n    return v{}\n",
        next + 1,
        next + 1
    );
    let module = module(&when(&body));
    let asked = apart(&module);
    assert!(is_whole(&asked, &asked.rules[0]));
    agree(&module, &asked);
}

#[test]
fn deep_terms_need_no_deep_stack() {
    // A chain of `bor` is a list; connectives in turn are as deep as they look.
    for (ops, apart_too) in [(["bor", "bor"], true), (["bor", "band"], false)] {
        let mut body = String::from("    v3 = icmp lt, v0, v1\n");
        for i in 0..1500 {
            let (number, part, whole) = (4 + 3 * i, 5 + 3 * i, 6 + 3 * i);
            let before = if i == 0 { 3 } else { 3 + 3 * i };
            let _ = write!(
                body,
                "    v{number} = iconst {i}\n    v{part} = icmp eq, v0, v{number}\n    v{whole} = {} v{part}, v{before}\n",
                ops[i % 2]
            );
        }
        let _ = writeln!(body, "    return v{}", 3 + 3 * 1500);
        let module = module(&when(&body));
        let asked = apart(&module);
        assert_eq!(
            asked.features.len() == 2,
            apart_too,
            "{}",
            asked.features.len()
        );
        agree(&module, &asked);
    }
    // So are calls, defaults and arithmetic.
    let mut functions = String::from(
        "func f0(int) -> bool {\nblock0(v0: int):\n    v1 = iconst 3\n    v2 = icmp eq, v0, v1\n    return v2\n}\n",
    );
    for i in 1..=200 {
        let _ = write!(
            functions,
            "func f{i}(int) -> bool {{\nblock0(v0: int):\n    v1 = iconst 1\n    v2 = iadd v0, v1\n    v3 = call f{}(v2)\n    v4 = bnot v3\n    return v4\n}}\n",
            i - 1
        );
    }
    let body = "    v3 = call f200(v0)\n    return v3\n";
    let module = module(&format!("{functions}{}", when(body)));
    agree(&module, &apart(&module));
}

#[test]
fn constants_that_double_are_not_computed() {
    // r40 holds two r39, which hold two r38 each …
    let mut text = String::from("record r0 { a: int, b: int }\n");
    for i in 1..=40 {
        let _ = writeln!(text, "record r{i} {{ a: r{}, b: r{} }}", i - 1, i - 1);
    }
    let mut body = String::from("    v3 = iconst 1\n    v4 = record r0(v3, v3)\n");
    for i in 1..=40 {
        let _ = writeln!(body, "    v{} = record r{i}(v{}, v{})", 4 + i, 3 + i, 3 + i);
    }
    body += "    v45 = same v44, v44\n    v46 = field v44, 0\n    v47 = field v44, 1\n    v48 = same v46, v47\n    v49 = band v45, v48\n    return v49\n";
    let whole = format!("{text}{}", when(&body));
    let module = module(&whole);
    let asked = apart(&module);
    assert_eq!(asked.rules[0], Formula::ALWAYS);
}

#[test]
fn what_many_rules_share_is_not_copied_without_end() {
    // Ten thousand rules in a group of a thousand atoms, each with a set of a thousand numbers.
    let group = alternatives(500).replace("func when", "func group");
    let numbers: Vec<String> = (0..1000).map(|i| (3 * i).to_string()).collect();
    let mut functions = format!("const const0: {{int}} = [{}]\n{group}", numbers.join(", "));
    let mut list = String::from("    group group0 = group\n");
    for i in 0..10_000 {
        let _ = write!(
            functions,
            "func when{i}(int, int, bool) -> bool {{\nblock0(v0: int, v1: int, v2: bool):\n    v3 = konst const0\n    v4 = iconst {i}\n    v5 = imul v0, v4\n    v6 = contains v3, v5\n    return v6\n}}\n"
        );
        let _ = writeln!(
            list,
            "    rule r{i} site{i} in group0 when when{i} then then"
        );
    }
    let module = module_of(&functions, 10_000, &list);
    let asked = apart(&module);
    let all: usize = asked.rules.iter().map(atoms).sum();
    assert!(all < 2_000_000, "{all}");
    assert_eq!(atoms(&asked.groups[0]), 1000);
    agree(&module, &asked);
}

#[test]
fn what_many_features_share_is_not_written_out_without_end() {
    // Each of two thousand rules asks for a multiple of one long sum; some rules write it themselves.
    let sum = |of: &str| {
        let mut body = format!("    v3 = imul {of}, {of}\n");
        for i in 0..2000 {
            let _ = writeln!(body, "    v{} = imul v{}, v{}", 4 + i, 3 + i, 3 + i - i % 3);
        }
        body
    };
    let long = format!(
        "func long(int) -> int {{\nblock0(v0: int):\n{}    return v2003\n}}\n",
        sum("v0")
    );
    for (every, room) in [(20, true), (4, false)] {
        let mut functions = long.clone();
        let mut list = String::new();
        for i in 0..2000 {
            let body = match i % every {
                0 => format!(
                    "{}    v2004 = iconst {i}\n    v2005 = imul v2003, v2004\n    v2006 = icmp eq, v2005, v1\n    return v2006\n",
                    sum("v0")
                ),
                _ => format!(
                    "    v3 = call long(v0)\n    v4 = iconst {i}\n    v5 = imul v3, v4\n    v6 = icmp eq, v5, v1\n    return v6\n"
                ),
            };
            functions += &when(&body).replace("func when", &format!("func when{i}"));
            let _ = writeln!(list, "    rule r{i} site{i} when when{i} then then");
        }
        let module = module_of(&functions, 2000, &list);
        let asked = apart(&module);
        let mut written = 0;
        for feature in &asked.features {
            asked.terms.walk(feature.term, |_, _| written += 1);
        }
        assert!(written < 700_000, "{written}");
        let whole = asked.rules.iter().filter(|rule| is_whole(&asked, rule));
        assert_eq!(whole.count() == 0, room);
        agree(&module, &asked);
        // Names are cut off.
        let names = asked.names(&module, &[]);
        for feature in 0..asked.features.len() {
            assert!(names.feature(feature as u32).len() < 2000);
        }
    }
}

#[test]
fn a_condition_with_effects_is_whole() {
    let body = "    mark site0\n    return v2\n";
    let module = module(&when(body));
    let asked = apart(&module);
    assert!(is_whole(&asked, &asked.rules[0]));
    agree(&module, &asked);
}

#[test]
fn the_same_comes_out_every_time() {
    let module = module(&alternatives(50));
    let (a, b) = (apart(&module), apart(&module));
    assert_eq!(a.rules, b.rules);
    let sources = |p: &Predicates| {
        p.features
            .iter()
            .map(|f| f.source.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(sources(&a), sources(&b));
}
