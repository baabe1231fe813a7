//! The search against trying everything, and texts one by one.

use std::sync::Arc;

use tollgate_runtime::Value;
use tollgate_runtime::index::{Atom, Formula, Test};
use tollgate_runtime::pattern::{Glob, PathPattern, Pattern, Regex};

use super::domain::{Domain, Form, Kind, Pick, Text, holds, passes};
use super::lookup::Lookup;
use super::search::{Found, Search, Verdict};
use super::space::Space;
use super::texts::Texts;

fn path(text: &str) -> Test {
    Test::Matches(Pattern::Path(Arc::new(PathPattern::parse(text).unwrap())))
}
fn glob(text: &str) -> Test {
    Test::Matches(Pattern::Glob(Arc::new(Glob::parse(text).unwrap())))
}
fn regex(text: &str) -> Test {
    Test::Matches(Pattern::Regex(Arc::new(Regex::parse(text).unwrap())))
}
fn prefix(text: &str) -> Test {
    Test::Prefix(text.into())
}
fn suffix(text: &str) -> Test {
    Test::Suffix(text.into())
}
fn part(text: &str) -> Test {
    Test::Part(text.into())
}
fn texts(list: &[&str]) -> Test {
    Test::Texts(list.iter().map(|t| (*t).into()).collect())
}

fn domain(form: Form) -> Domain {
    Domain {
        optional: false,
        kind: Kind::Text(Text {
            form,
            max: 65_536,
            matching: None,
        }),
    }
}

fn pick(form: Form, tests: &[(Test, bool)]) -> Pick {
    let tests: Vec<_> = tests.iter().map(|(t, w)| (t, *w)).collect();
    let picked = domain(form).pick(&tests, &[], None, &mut Texts::default());
    if let Pick::Value(value) = &picked {
        assert!(passes(value, &tests), "{value} does not pass");
    }
    picked
}

fn finds(form: Form, tests: &[(Test, bool)], expect: &str) {
    assert_eq!(
        pick(form, tests),
        Pick::Value(Value::str(expect)),
        "{tests:?}"
    );
}

fn finds_none(form: Form, tests: &[(Test, bool)]) {
    assert_eq!(pick(form, tests), Pick::Empty, "{tests:?}");
}

#[test]
fn texts_that_pass_are_found() {
    finds(
        Form::Any,
        &[(texts(&["a", "b"]), true), (texts(&["a"]), false)],
        "b",
    );
    finds_none(
        Form::Any,
        &[(texts(&["a", "b"]), true), (regex("[ab]"), false)],
    );
    finds(
        Form::Any,
        &[(prefix("ab"), true), (prefix("abc"), false)],
        "ab",
    );
    finds_none(Form::Any, &[(prefix("abc"), true), (prefix("ab"), false)]);
    finds_none(Form::Any, &[(prefix("ab"), true), (prefix("ac"), true)]);
    finds_none(Form::Any, &[(suffix("ab"), true), (suffix("b"), false)]);
    finds(
        Form::Any,
        &[(prefix("a"), true), (suffix("b"), true), (part("c"), true)],
        "acb",
    );
    finds_none(Form::Any, &[(part("abc"), true), (part("b"), false)]);
    finds_none(Form::Any, &[(prefix("a"), true), (part("a"), false)]);
    finds(
        Form::Any,
        &[(regex("[0-9]+"), true), (regex("."), false)],
        "00",
    );
    finds_none(
        Form::Any,
        &[
            (regex("[0-9]{2}"), true),
            (regex("[0-4]."), false),
            (regex("[5-9][0-9]"), false),
        ],
    );
    finds_none(Form::Any, &[(regex("a+"), true), (prefix("b"), true)]);
}

#[test]
fn hosts_and_globs() {
    finds(
        Form::Host,
        &[(glob("*.example.com"), true)],
        "q.example.com",
    );
    finds(
        Form::Host,
        &[(glob("*.example.com"), true), (glob("q*"), false)],
        "z.example.com",
    );
    finds_none(
        Form::Host,
        &[
            (glob("*.a.example.com"), true),
            (glob("*.example.com"), false),
        ],
    );
    finds_none(
        Form::Host,
        &[(glob("*.example.com"), true), (glob("*.example.org"), true)],
    );
    finds_none(Form::Host, &[(glob("*A*"), true)]);
    finds_none(Form::Host, &[(texts(&["API.example.com"]), true)]);
    finds(
        Form::Any,
        &[
            (glob("a*c"), true),
            (glob("a?c"), false),
            (texts(&["ac"]), false),
        ],
        "axxc",
    );
    finds_none(Form::Any, &[(glob("?"), true), (glob("??*"), true)]);
}

#[test]
fn paths_have_a_small_model() {
    let p = Form::Path;
    finds(p, &[], "/");
    finds(p, &[(path("/a/**"), true), (path("/a"), false)], "/a/x");
    finds(p, &[(path("/a/*"), true), (path("/a/b"), false)], "/a/x");
    finds(p, &[(path("/a/*"), true), (path("/*/x"), false)], "/a/y");
    finds_none(p, &[(path("/a/*"), true), (path("/*/*"), false)]);
    finds_none(
        p,
        &[
            (path("/a/**"), true),
            (path("/a"), false),
            (path("/a/*/**"), false),
        ],
    );
    finds(
        p,
        &[
            (path("/a/**"), true),
            (path("/a"), false),
            (path("/a/*"), false),
        ],
        "/a/x/x",
    );
    finds_none(p, &[(path("/a/*"), true), (path("/a"), true)]);
    finds_none(p, &[(path("/**"), false)]);
    finds(p, &[(path("/**"), true), (path("/"), false)], "/x");
    finds_none(p, &[(path("/a//b"), true)]);
    finds_none(p, &[(path("/a/../b"), true)]);
    finds(
        p,
        &[(path("/a/**"), true), (texts(&["/a", "/a/x"]), false)],
        "/a/y",
    );
    // A captured segment may be asked for.
    let tests = [(path("/a/*/c"), true)];
    let tests: Vec<_> = tests.iter().map(|(t, w)| (t, *w)).collect();
    let found = domain(p).pick(&tests, &[(1, "c_0")], None, &mut Texts::default());
    assert_eq!(found, Pick::Value(Value::str("/a/c_0/c")));
}

#[test]
fn numbers_addresses_and_absence() {
    let ints = |list: &[(i64, i64)]| Test::Ints(list.into());
    let small = |optional| Domain {
        optional,
        kind: Kind::Int(0, 9),
    };
    let mut none = Texts::default();
    let mut pick = |d: &Domain, tests: &[(Test, bool)]| {
        let tests: Vec<_> = tests.iter().map(|(t, w)| (t, *w)).collect();
        d.pick(&tests, &[], None, &mut none)
    };
    let all = [(ints(&[(0, 4)]), false), (ints(&[(5, 9)]), false)];
    assert_eq!(pick(&small(false), &all), Pick::Empty);
    assert_eq!(pick(&small(false), &all[..1]), Pick::Value(Value::Int(5)));
    // What is absent is read as zero.
    assert_eq!(pick(&small(true), &all), Pick::Empty);
    assert_eq!(pick(&small(true), &[]), Pick::Value(Value::None));
    let there = (Test::Present, true);
    assert_eq!(
        pick(&small(true), std::slice::from_ref(&there)),
        Pick::Value(Value::Int(0))
    );
    let ip = Domain {
        optional: false,
        kind: Kind::Ip,
    };
    let nets = |list: &[&str]| Test::Nets(list.iter().map(|n| n.parse().unwrap()).collect());
    let halves = [
        (nets(&["10.0.0.0/8"]), true),
        (nets(&["10.0.0.0/9"]), false),
        (nets(&["10.128.0.0/9"]), false),
    ];
    assert_eq!(pick(&ip, &halves), Pick::Empty);
    assert_eq!(
        pick(&ip, &halves[..2]),
        Pick::Value(Value::Ip("10.128.0.0".parse().unwrap()))
    );
}

/// xorshift64*, Vigna 2016.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % n
    }

    fn formula(&mut self, depth: u32) -> Formula {
        let kind = if depth == 0 { 0 } else { self.below(4) };
        if kind < 2 {
            let feature = self.below(5) as u32;
            let test = match feature {
                0 => Test::True,
                1 | 3 => {
                    let lo = self.below(4) as i64;
                    Test::Ints(Box::new([(lo, lo + self.below(2) as i64)]))
                }
                _ if self.below(2) == 0 => Test::Present,
                _ => Test::int(self.below(3) as i64),
            };
            return Formula::Atom(Atom {
                feature,
                want: self.below(3) > 0,
                test,
            });
        }
        let parts = (0..1 + self.below(3)).map(|_| self.formula(depth - 1));
        let parts = parts.collect();
        if kind == 2 {
            Formula::All(parts)
        } else {
            Formula::Any(parts)
        }
    }
}

/// Five features: a truth value, an integer, an optional one, an integer that is only there with the optional one, and
/// what the optional one holds.
fn space() -> (Space, Vec<Vec<Value>>) {
    let mut texts = Texts::default();
    let mut space = Space::default();
    let int = |optional| Domain {
        optional,
        kind: Kind::Int(0, 3),
    };
    let bool = Domain {
        optional: false,
        kind: Kind::Bool,
    };
    for domain in [bool, int(false), int(true), int(false), int(true)] {
        space.add(domain, &mut texts);
    }
    space.get_mut(3).guards = vec![Atom {
        feature: 2,
        want: true,
        test: Test::Present,
    }];
    space.get_mut(4).same = 2;
    let mut inputs = Vec::new();
    for a in [false, true] {
        for b in 0..4 {
            for c in [
                Value::None,
                Value::Int(0),
                Value::Int(1),
                Value::Int(2),
                Value::Int(3),
            ] {
                for d in 0..4 {
                    let under = if c == Value::None {
                        Value::None
                    } else {
                        Value::Int(d)
                    };
                    let all = [Value::Bool(a), Value::Int(b), c.clone(), under, c.clone()];
                    inputs.push(all.into());
                }
            }
        }
    }
    (space, inputs)
}

fn decide(formula: &Formula, input: &[Value]) -> bool {
    match formula {
        Formula::Atom(atom) => holds(&atom.test, &input[atom.feature as usize]) == atom.want,
        Formula::All(of) => of.iter().all(|f| decide(f, input)),
        Formula::Any(of) => of.iter().any(|f| decide(f, input)),
    }
}

#[test]
fn the_search_agrees_with_trying_everything() {
    let (space, inputs) = space();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut yes, mut no) = (0, 0);
    for _ in 0..3_000 {
        let rules: Vec<Formula> = (0..1 + random.below(6))
            .map(|_| random.formula(3))
            .collect();
        let conditions: Vec<Vec<&Formula>> = rules.iter().map(|r| vec![r]).collect();
        let lookup = Lookup::new(&space, &conditions);
        let last = conditions.len() - 1;
        let mut texts = Texts::default();
        let mut search = Search::new(&space, &mut texts, 1_000_000);
        let found =
            search.run(
                conditions[last].iter().map(|f| (*f, true)),
                &mut |search| match lookup.find(search, &conditions, last as u32, &|_| false) {
                    Some(rule) => Verdict::Exclude(conditions[rule as usize].clone()),
                    None => Verdict::Accept,
                },
            );
        let expect = inputs.iter().any(|input| {
            decide(&rules[last], input) && !rules[..last].iter().any(|r| decide(r, input))
        });
        let expect = if expect { Found::Yes } else { Found::No };
        assert_eq!(found, expect, "{rules:#?}");
        if found == Found::Yes {
            yes += 1;
            let model: Vec<Value> = (0..5).map(|f| search.value(f).clone()).collect();
            assert!(decide(&rules[last], &model), "{model:?} {rules:#?}");
            assert!(
                !rules[..last].iter().any(|r| decide(r, &model)),
                "{model:?} {rules:#?}"
            );
        } else {
            no += 1;
        }
    }
    assert!(yes > 500 && no > 500, "{yes} and {no}");
}

/// All texts of up to four of some letters.
fn short_texts(letters: &[char]) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut from = 0;
    for _ in 0..4 {
        let to = all.len();
        for at in from..to {
            for letter in letters {
                let longer = format!("{}{letter}", all[at]);
                all.push(longer);
            }
        }
        from = to;
    }
    all
}

fn text_test(random: &mut Random) -> Test {
    let pieces = [
        "a", "b", "ab", "ba", "aa", "/", "/a", "b/", "a/b", "/b/a", "",
    ];
    let mut piece = || pieces[random.below(pieces.len() as u64) as usize];
    let (one, two) = (piece(), piece());
    match random.below(8) {
        0 => texts(
            &[one, two]
                .into_iter()
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>(),
        ),
        1 => prefix(one),
        2 => suffix(one),
        3 => part(one),
        4 => glob(&format!("{one}*{two}")),
        5 => glob(&format!("?{one}*{two}*")),
        6 => regex(&format!("(?:{one}|{two}b)*a?")),
        _ => path(["/a/*", "/**", "/*/b/**", "/a", "/a/**", "/", "/*/*"][random.below(7) as usize]),
    }
}

/// That nothing passes is claimed only where no short text does, and that something passes only of what does.
#[test]
fn texts_agree_with_trying_short_ones() {
    let all = short_texts(&['a', 'b', '/']);
    let mut random = Random(0xA076_1D64_78BD_642F);
    let (mut yes, mut no, mut unknown) = (0, 0, 0);
    for _ in 0..2_000 {
        let count = 1 + random.below(4);
        let tests: Vec<(Test, bool)> = (0..count)
            .map(|_| (text_test(&mut random), random.below(3) > 0))
            .collect();
        let literals: Vec<_> = tests.iter().map(|(t, w)| (t, *w)).collect();
        for form in [Form::Any, Form::Path] {
            let found = domain(form).pick(&literals, &[], None, &mut Texts::default());
            let some = all.iter().find(|text| {
                let is_path = text.starts_with('/') && !text.contains("//");
                (form == Form::Any || is_path) && passes(&Value::str(text.as_str()), &literals)
            });
            match found {
                Pick::Value(value) => {
                    assert!(passes(&value, &literals), "{value} {tests:?}");
                    yes += 1;
                }
                Pick::Empty => {
                    assert_eq!(some, None, "{form:?} {tests:?}");
                    no += 1;
                }
                Pick::Unknown => unknown += 1,
            }
        }
    }
    println!("{yes} found, {no} proved empty, {unknown} unknown");
    assert!(
        yes > 500 && no > 500 && unknown < 40,
        "{yes}, {no}, {unknown}"
    );
}
