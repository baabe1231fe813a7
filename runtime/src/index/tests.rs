//! The index against the plain chain: random rules over a few features of every kind, random facts.

use std::sync::Arc;

use super::*;
use crate::pattern::{Glob, PathPattern, Regex};
use crate::{Pattern, Value, Word};

/// Parameters as they are, and two computed features.
struct Words<'a> {
    words: &'a [Word<'a>],
    /// How often each computed feature was asked for.
    computed: Vec<u32>,
}

impl<'a> Facts<'a> for Words<'a> {
    fn base(&mut self, base: Base) -> Word<'a> {
        match base {
            Base::Param(n) => self.words[n as usize],
            Base::Data(_) | Base::Id | Base::Time => Word::None,
        }
    }
    fn computed(&mut self, function: u32) -> Word<'a> {
        self.computed[function as usize] += 1;
        self.words[function as usize]
    }
}

/// A linear congruential generator (Knuth's MMIX constants).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

const TEXTS: [&str; 8] = [
    "",
    "a",
    "ab",
    "abc",
    "b",
    "api.example",
    "example",
    "c.api.example",
];
const PATHS: [&str; 9] = [
    "/", "/a", "/a/", "/a/b", "/a/b/c", "/b", "/b/b", "/b/c/d", "/c",
];
const PATTERNS: [&str; 10] = [
    "/",
    "/**",
    "/a",
    "/a/**",
    "/a/{x}",
    "/*/b",
    "/*/b/**",
    "/b/{y}/d",
    "/a/b/c",
    "/{x}/{y: **}",
];
const IPS: [&str; 5] = ["10.0.0.1", "10.1.0.1", "192.168.0.1", "::1", "2001:db8::1"];
const NETS: [&str; 6] = [
    "10.0.0.0/8",
    "10.1.0.0/16",
    "0.0.0.0/0",
    "::/0",
    "2001:db8::/32",
    "10.0.0.1/32",
];
const REGEXES: [&str; 6] = [
    "a[a-c]*",
    ".*",
    "(api|c)\\..*",
    "[^x]+e",
    "a|b",
    "(?i)AB?C?",
];
const GLOBS: [&str; 7] = ["*.example", "a*", "*", "b", "a*c", "?", "*p*e"];

/// Feature 0 and 1 are integers, 2 and 3 texts, 4 a path, 5 an address, 6 a truth value, 7 an optional;
/// 1 and 3 are computed.
const FEATURES: u64 = 8;

fn random_test(feature: u32, random: &mut Random) -> Test {
    match feature {
        0 | 1 => {
            let mut points: Vec<i64> = (0..=random.below(3))
                .map(|_| random.below(100) as i64 - 50)
                .collect();
            points.sort_unstable();
            points.dedup();
            match random.below(4) {
                0 => Test::Ints([(points[0], i64::MAX)].into()),
                1 => Test::Ints([(i64::MIN, points[0])].into()),
                2 => Test::Ints([(points[0], points[0] + 30)].into()),
                _ => Test::Ints(
                    points
                        .into_iter()
                        .map(|p| (p, p))
                        .collect::<Vec<_>>()
                        .windows(1)
                        .map(|w| w[0])
                        .collect(),
                ),
            }
        }
        2 | 3 => match random.below(6) {
            0 => Test::Prefix(random.pick(&TEXTS).into()),
            1 => Test::Suffix(random.pick(&TEXTS).into()),
            2 => Test::Part(random.pick(&TEXTS).into()),
            3 => Test::Matches(Pattern::Glob(Arc::new(
                Glob::parse(random.pick(&GLOBS)).unwrap(),
            ))),
            4 => Test::Matches(Pattern::Regex(Arc::new(
                Regex::parse(random.pick(&REGEXES)).unwrap(),
            ))),
            _ => {
                let mut texts: Vec<Box<str>> = (0..=random.below(3))
                    .map(|_| random.pick(&TEXTS).into())
                    .collect();
                texts.sort();
                texts.dedup();
                Test::Texts(texts.into())
            }
        },
        4 => match random.below(4) {
            0 => Test::text(random.pick(&PATHS)),
            _ => Test::Matches(Pattern::Path(Arc::new(
                PathPattern::parse(random.pick(&PATTERNS)).unwrap(),
            ))),
        },
        5 => match random.below(4) {
            0 => Test::Values([Value::Ip(random.pick(&IPS).parse().unwrap())].into()),
            _ => Test::Nets(
                (0..=random.below(2))
                    .map(|_| random.pick(&NETS).parse().unwrap())
                    .collect(),
            ),
        },
        6 => Test::True,
        _ => Test::Present,
    }
}

fn random_formula(depth: u64, random: &mut Random) -> Formula {
    match random.below(if depth == 0 { 4 } else { 10 }) {
        0..6 => {
            let feature = random.below(FEATURES) as u32;
            Formula::Atom(Atom {
                feature,
                want: random.below(5) > 0,
                test: random_test(feature, random),
            })
        }
        6..8 => Formula::All(
            (0..random.below(5))
                .map(|_| random_formula(depth - 1, random))
                .collect(),
        ),
        _ => Formula::Any(
            (0..random.below(4))
                .map(|_| random_formula(depth - 1, random))
                .collect(),
        ),
    }
}

fn random_words<'a>(random: &mut Random) -> [Word<'a>; 8] {
    [
        Word::Int(random.below(120) as i64 - 60),
        Word::Int(random.below(120) as i64 - 60),
        Word::Str(random.pick(&TEXTS)),
        Word::Str(random.pick(&TEXTS)),
        Word::Str(random.pick(&PATHS)),
        Word::Ip(random.pick(&IPS).parse().unwrap()),
        Word::Bool(random.below(2) == 0),
        if random.below(2) == 0 {
            Word::None
        } else {
            Word::Int(1)
        },
    ]
}

fn features() -> Vec<Feature> {
    let feature = |i: u32| match i {
        1 | 3 => Feature::Computed(i),
        _ => Feature::Path {
            base: Base::Param(i),
            steps: [].into(),
            tag: false,
        },
    };
    (0..FEATURES as u32).map(feature).collect()
}

/// The index finds what asking every rule finds, within its bound, and computes nothing twice.
#[test]
fn the_index_agrees_with_the_chain() {
    let mut random = Random(1);
    let arena = Arena::new();
    let mut matches = 0;
    for round in 0..300 {
        let rules = 1 + random.below(if round % 10 == 0 { 300 } else { 20 });
        let conditions: Vec<Formula> = (0..rules)
            .map(|_| {
                Formula::All(
                    (0..=random.below(3))
                        .map(|_| random_formula(2, &mut random))
                        .collect(),
                )
            })
            .collect();
        let index = Index::new(features(), &conditions);
        let bound = index.bound(&|_| 0, &|_| 0);
        for _ in 0..60 {
            let words = random_words(&mut random);
            let mut facts = Words {
                words: &words,
                computed: vec![0; 8],
            };
            let expected: Vec<u32> = (0..rules as u32)
                .filter(|r| conditions[*r as usize].holds(&mut |f| words[f as usize]))
                .collect();
            let (all, steps) = index.all(&mut facts, &arena);
            assert_eq!(all, expected, "{conditions:#?} {words:?}");
            assert!(steps <= bound, "{steps} > {bound}: {conditions:#?}");
            assert!(facts.computed.iter().all(|n| *n <= 1) || rules == 1);
            // The same into a decision's marks, behind those there are.
            let mut marks = vec![Mark(u32::MAX)];
            assert_eq!(index.all_marked(&mut facts, &arena, &mut marks), steps);
            assert!(
                marks[1..]
                    .iter()
                    .map(|mark| mark.0)
                    .eq(expected.iter().copied())
            );
            let (first, least) = index.first(&mut facts, &arena);
            assert_eq!(first, expected.first().copied());
            assert!(least <= steps);
            matches += expected.len();
        }
    }
    assert!(matches > 10_000, "{matches}");
}

fn atom(feature: u32, test: Test) -> Formula {
    Formula::Atom(Atom {
        feature,
        want: true,
        test,
    })
}

/// Rules on hosts and paths, five a host: what a search costs does not grow with them.
#[test]
fn the_cost_of_finding_one_of_many_rules_does_not_grow() {
    let steps = |rules: u32| {
        let conditions: Vec<Formula> = (0..rules)
            .map(|i| {
                let path = PathPattern::parse(&format!("/v{i}/**")).unwrap();
                Formula::All(vec![
                    atom(2, Test::text(format!("h{}", i / 5))),
                    atom(4, Test::Matches(Pattern::Path(Arc::new(path)))),
                ])
            })
            .collect();
        let index = Index::new(features(), &conditions);
        assert!(
            index.size().bytes < 500 * rules as usize,
            "{:?}",
            index.size()
        );
        index.bound(&|_| 0, &|_| 0)
    };
    assert_eq!(steps(100), steps(10_000));
}

/// Conditions that have nothing in common, on twelve features, are filed within the budget.
#[test]
fn uncorrelated_conditions_stay_within_the_budget() {
    let mut random = Random(7);
    let features = (0..12).map(|i| Feature::Path {
        base: Base::Param(i),
        steps: [].into(),
        tag: false,
    });
    let conditions: Vec<Formula> = (0..5_000)
        .map(|_| {
            let atoms = (0..4).map(|_| {
                let from = random.below(1_000) as i64;
                let range = (from, from + random.below(500) as i64);
                atom(random.below(12) as u32, Test::Ints([range].into()))
            });
            Formula::All(atoms.collect())
        })
        .collect();
    let index = Index::new(features.collect(), &conditions);
    let size = index.size();
    assert!(size.filed <= 17 * 5_000 + 1_024, "{size:?}");
    assert!(size.depth <= 48, "{size:?}");
}

/// Sets of texts are filed under each of their texts, however many rules there are.
#[test]
fn listed_values_do_not_spend_the_budget() {
    let host = Feature::Path {
        base: Base::Param(0),
        steps: [].into(),
        tag: false,
    };
    let conditions: Vec<Formula> = (0..2_000)
        .map(|rule| {
            let texts = (10..26).map(|n| format!("{rule}-{n}").into());
            atom(0, Test::Texts(texts.collect()))
        })
        .collect();
    let size = Index::new(vec![host], &conditions).size();
    assert_eq!((size.unsplit, size.longest), (0, 1), "{size:?}");
    assert_eq!(size.filed, 16 * 2_000);
}

/// Rules on the type of an event, an amount, a few cities and an hour. The thresholds are such that an event meets equally
/// many rules, however many there are.
fn campaign(rules: u64) -> Vec<Formula> {
    let mut random = Random(9);
    let cities = |random: &mut Random| {
        let mut cities: Vec<i64> = (0..2 + random.below(4))
            .map(|_| random.below(60) as i64)
            .collect();
        cities.sort_unstable();
        cities.dedup();
        let mut ranges: Vec<(i64, i64)> = Vec::new();
        for city in cities {
            match ranges.last_mut() {
                Some((_, hi)) if *hi + 1 == city => *hi = city,
                _ => ranges.push((city, city)),
            }
        }
        Test::Ints(ranges.into())
    };
    let rule = |_| {
        let amount = 1_000_000 - 1 - random.below(60_000_000 / rules.max(60)) as i64;
        let hour = random.below(20) as i64;
        Formula::All(vec![
            atom(0, Test::int(random.below(40) as i64)),
            atom(1, Test::Ints([(amount, i64::MAX)].into())),
            atom(2, cities(&mut random)),
            atom(3, Test::Ints([(hour, hour + 4)].into())),
        ])
    };
    (0..rules).map(rule).collect()
}

#[test]
fn campaigns_are_filed_by_type_and_city() {
    for rules in [100, 1_000, 10_000] {
        let features = (0..4).map(|i| Feature::Path {
            base: Base::Param(i),
            steps: [].into(),
            tag: false,
        });
        let index = Index::new(features.collect(), &campaign(rules));
        let size = index.size();
        assert!(size.bytes < 500 * rules as usize, "{size:?}");
        assert_eq!(size.unsplit, 0, "{size:?}");
        assert!(index.bound(&|_| 0, &|_| 0) < 100);
    }
}

/// By threshold half of the rows need not be looked at, so a node for what a third of them says takes off too little.
#[test]
fn rows_that_stand_by_threshold_are_not_filed_by_what_few_of_them_say() {
    let conditions = |last: &dyn Fn(i64) -> i64| -> Vec<Formula> {
        let one = |i: i64| {
            let amount = atom(0, Test::Ints([(i, last(i))].into()));
            let tier = atom(1, Test::Ints([(i / 3 % 4, i / 3 % 4)].into()));
            Formula::All(match i % 3 {
                0 => vec![amount, tier],
                _ => vec![amount],
            })
        };
        (0..30).map(one).collect()
    };
    let nodes = |last| Index::new(features(), &conditions(last)).size().nodes;
    assert_eq!(nodes(&|_| i64::MAX), 1);
    assert_eq!(nodes(&|i| i + 100), 6);
}

/// A row may have several thresholds on one side of one feature, and several patterns of one path.
#[test]
fn rows_that_say_a_thing_twice_are_filed_once() {
    let arena = Arena::new();
    let at_least = |n: i64| atom(0, Test::Ints([(n, i64::MAX)].into()));
    let conditions: Vec<Formula> = (0..40)
        .map(|i| Formula::All(vec![at_least(i), at_least(i / 2), at_least(i)]))
        .collect();
    let index = Index::new(features(), &conditions);
    let words = [Word::Int(7); 8];
    let mut facts = Words {
        words: &words,
        computed: vec![0; 8],
    };
    assert_eq!(index.all(&mut facts, &arena).0, [0, 1, 2, 3, 4, 5, 6, 7]);
}

/// Rows of one leaf ask their node for small values at once; what lies outside 0 .. 63 passes rows that do not ask, and no other.
#[test]
fn masks_take_what_their_rows_take() {
    let mut random = Random(3);
    let arena = Arena::new();
    let mut masked = 0;
    for _ in 0..400 {
        let conditions: Vec<Formula> = (0..1 + random.below(6))
            .map(|_| {
                let from = random.below(70) as i64;
                let to = from + random.below(4) as i64;
                let ints = atom(0, Test::Ints([(from, to), (to + 2, to + 2)].into()));
                let least = atom(1, Test::Ints([(random.below(70) as i64, i64::MAX)].into()));
                match random.below(5) {
                    0 => atom(6, Test::True),
                    1 => Formula::All(vec![ints, least]),
                    2 => Formula::All(vec![ints, atom(6, Test::True)]),
                    _ => ints,
                }
            })
            .collect();
        let index = Index::new(features(), &conditions);
        let masks = index
            .code
            .nodes
            .iter()
            .filter_map(|at| index.code.mask(*at));
        masked += masks.count();
        for value in (-2..80).chain([i64::MAX, i64::MIN]) {
            let mut words = random_words(&mut random);
            (words[0], words[1]) = (Word::Int(value), Word::Int(value ^ 5));
            let mut facts = Words {
                words: &words,
                computed: vec![0; 8],
            };
            let holds = |f: &Formula| f.holds(&mut |feature| words[feature as usize]);
            let expected: Vec<u32> = (0..)
                .zip(&conditions)
                .filter(|(_, f)| holds(f))
                .map(|(i, _)| i)
                .collect();
            assert_eq!(
                index.all(&mut facts, &arena).0,
                expected,
                "{value} {conditions:?}"
            );
        }
    }
    assert!(masked > 100, "{masked}");
}

/// The longest row that there can be ends where its head says, and the row behind it is found.
#[test]
fn the_longest_row_is_read_to_its_end() {
    let arena = Arena::new();
    let texts: Vec<Box<str>> = (b'a'..b'i')
        .map(|c| char::from(c).to_string().repeat(256).into())
        .collect();
    let word = texts[7].clone();
    let long = atom(2, Test::Texts(texts.into()));
    let conditions = [
        Formula::All(vec![long; 5_000]),
        atom(2, Test::text(word.clone())),
    ];
    let index = Index::new(features(), &conditions);
    let mut words = [Word::None; 8];
    words[2] = Word::Str(&word);
    let mut facts = Words {
        words: &words,
        computed: vec![0; 8],
    };
    assert_eq!(index.all(&mut facts, &arena).0, [0, 1]);
    words[2] = Word::Str("a");
    let mut facts = Words {
        words: &words,
        computed: vec![0; 8],
    };
    assert!(index.all(&mut facts, &arena).0.is_empty());
}
