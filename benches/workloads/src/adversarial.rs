//! Rules that have nothing in common: what an index finds hardest.

use crate::seed::Seed;
use crate::traffic::{Profile, requests};
use crate::{Field, Kind, Policy, Request, Rule, Test, Value, Workload, field};

/// Four features of each kind: integers, texts, paths.
const EACH: usize = 4;
/// The greatest number that a rule names.
const MOST: i64 = 10_000;
const WORDS: usize = 40;

/// First match over uncorrelated conditions on twelve features: ranges, sets and path prefixes, three to five of them a rule.
/// No feature is in every rule, and none is more telling than the others of its kind.
pub fn adversarial(rules: usize, count: usize, profile: Profile) -> Workload {
    let mut seed = Seed(5 + rules as u64);
    let rules: Vec<Rule> = (0..rules).map(|_| rule(&mut seed)).collect();
    let requests = requests(&rules, count, profile, &mut seed, |rule, seed| {
        request(rule, profile, seed)
    });
    Workload {
        family: "adversarial",
        profile,
        fields: fields(),
        rules,
        policy: Policy::First,
        requests,
    }
}

fn fields() -> Vec<Field> {
    let ints = (0..EACH).map(|i| field(format!("number{i}"), Kind::Int(0, 2 * MOST)));
    let texts = (0..EACH).map(|i| field(format!("word{i}"), Kind::Text));
    let paths = (0..EACH).map(|i| field(format!("path{i}"), Kind::Path));
    ints.chain(texts).chain(paths).collect()
}

fn rule(seed: &mut Seed) -> Rule {
    let conjuncts = 3 + seed.below(3);
    let fields = seed.some(conjuncts, 3 * EACH);
    Rule::of(fields.into_iter().map(|field| {
        let test = match field / EACH {
            0 => {
                let width = seed.between(100, 900);
                let lo = seed.between(0, MOST - width);
                Test::Between(lo, lo + width)
            }
            1 => {
                let words = 2 + seed.below(3);
                let words = seed.some(words, WORDS);
                Test::OneOf(words.iter().map(|w| format!("word{w}")).collect())
            }
            _ => {
                let mut prefix = format!("/{}", seed.below(20));
                for _ in 0..seed.below(3) {
                    prefix.push_str(&format!("/{}", seed.below(10)));
                }
                Test::Under(prefix)
            }
        };
        (field, test)
    }))
}

/// For a rule: what it asks, and at random what it does not ask. For none: at random, and in [`Profile::Missing`] values that no
/// rule names.
fn request(rule: Option<&Rule>, profile: Profile, seed: &mut Seed) -> Request {
    let none = profile == Profile::Missing;
    let value = |field: usize, seed: &mut Seed| match field / EACH {
        0 if none => Value::Int(seed.between(MOST + 1, 2 * MOST)),
        0 => Value::Int(seed.between(0, MOST)),
        1 if none => Value::Text(format!("other{}", seed.below(WORDS))),
        1 => Value::Text(format!("word{}", seed.below(WORDS))),
        _ if none => Value::Text(format!("/other/{}", seed.below(1000))),
        _ => {
            let mut path = String::new();
            for most in [20, 10, 10, 1000] {
                path.push_str(&format!("/{}", seed.below(most)));
            }
            Value::Text(path)
        }
    };
    let mut values: Vec<Value> = (0..3 * EACH).map(|field| value(field, seed)).collect();
    for atom in rule.into_iter().flat_map(|rule| &rule.atoms) {
        values[atom.field] = match &atom.test {
            Test::OneOf(texts) => Value::Text(seed.pick(texts).clone()),
            Test::Between(lo, hi) => Value::Int(seed.between(*lo, *hi)),
            Test::Under(prefix) => Value::Text(format!("{prefix}/{}", seed.below(100_000))),
            _ => continue,
        };
    }
    Request(values)
}
