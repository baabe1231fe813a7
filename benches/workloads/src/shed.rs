//! Shedding load: a request earns points, and the busier the machine, the more it needs.

use crate::seed::Seed;
use crate::traffic::{Profile, requests};
use crate::{Kind, Policy, Request, Rule, Test, Value, Workload, field, variants};

const LOAD: usize = 7;
const PATHS: [&str; 5] = [
    "/checkout/pay",
    "/cart/view",
    "/search/q",
    "/feed/home",
    "/admin/stats",
];

/// Twelve weighted conditions.
pub fn shed(count: usize, profile: Profile) -> Workload {
    let is = |field, text: &str| (field, Test::Is(text.into()));
    let rules = [
        (25, vec![(1, Test::Under("/checkout".into()))]),
        (15, vec![(1, Test::Under("/cart".into()))]),
        (10, vec![is(2, "tier0")]),
        (5, vec![is(2, "tier1")]),
        (10, vec![(3, Test::True)]),
        (5, vec![(4, Test::Between(0, 0))]),
        (5, vec![(5, Test::Between(0, 4_096))]),
        (5, vec![(0, Test::OneOf(vec!["POST".into(), "PUT".into()]))]),
        (5, vec![(6, Test::AtLeast(30))]),
        (5, vec![is(2, "tier0"), (3, Test::True)]),
        (5, vec![(4, Test::Between(0, 1)), (6, Test::AtLeast(365))]),
        (5, vec![is(0, "POST"), (1, Test::Under("/checkout".into()))]),
    ];
    let rules: Vec<Rule> = rules
        .into_iter()
        .map(|(weight, atoms)| Rule {
            weight,
            ..Rule::of(atoms)
        })
        .collect();
    let fields = vec![
        field("method", Kind::Method),
        field("path", Kind::Path),
        field("tier", variants("Tier", 4)),
        field("known", Kind::Bool),
        field("retries", Kind::Int(0, 10)),
        field("bytes", Kind::Int(0, 1_000_000)),
        field("age", Kind::Int(0, 10_000)),
        field("load", Kind::Int(0, 100)),
    ];
    let requests = requests(&rules, count, profile, &mut Seed(4), |_, seed| {
        request(profile, seed)
    });
    Workload {
        family: "shed",
        profile,
        fields,
        rules,
        policy: Policy::Shed { load: LOAD },
        requests,
    }
}

/// Every condition is asked of every request, so that traffic differs in its load only.
fn request(profile: Profile, seed: &mut Seed) -> Request {
    let load = match profile {
        Profile::Missing => 0,
        _ => seed.between(40, 100),
    };
    Request(vec![
        Value::Text((*seed.pick(&["GET", "POST", "PUT"])).into()),
        Value::Text((*seed.pick(&PATHS)).into()),
        Value::Text(format!("tier{}", seed.below(4))),
        Value::Bool(seed.chance(60)),
        Value::Int(seed.between(0, 3)),
        Value::Int(seed.between(0, 10_000)),
        Value::Int(seed.between(0, 1_000)),
        Value::Int(load),
    ])
}
