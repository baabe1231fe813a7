//! A gateway: some five rules a host, told apart by path prefix and method, some by a header or the client's network.

use std::net::Ipv4Addr;

use crate::seed::Seed;
use crate::traffic::{Profile, requests};
use crate::{Field, Kind, Policy, Request, Rule, Test, Value, Workload, field};

const HOST: usize = 0;
const PATH: usize = 1;
const METHOD: usize = 2;
const ENV: usize = 3;
const CLIENT: usize = 4;

const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "PUT", "DELETE"];
const ENVS: [&str; 4] = ["canary", "beta", "staging", "internal"];
const SECTIONS: [&str; 12] = [
    "users", "orders", "carts", "items", "search", "billing", "media", "auth", "reports", "admin",
    "events", "stock",
];

/// First match: host, path prefix, one to three methods; one rule in five asks for a header besides, one in
/// ten for a network. Such a rule is an exception from the rule that follows it, which has the same prefix and methods.
pub fn gateway(rules: usize, count: usize, profile: Profile) -> Workload {
    let mut seed = Seed(1 + rules as u64);
    let rules = make_rules(rules, &mut seed);
    let requests = requests(&rules, count, profile, &mut seed, |rule, seed| {
        request(rule, &rules, seed)
    });
    Workload {
        family: "gateway",
        profile,
        fields: fields(),
        rules,
        policy: Policy::First,
        requests,
    }
}

fn fields() -> Vec<Field> {
    vec![
        field("host", Kind::Host),
        field("path", Kind::Path),
        field("method", Kind::Method),
        field("env", Kind::Header),
        field("client", Kind::Ip),
    ]
}

fn make_rules(count: usize, seed: &mut Seed) -> Vec<Rule> {
    let mut rules = Vec::with_capacity(count + 8);
    let mut tenant = 0;
    while rules.len() < count {
        let host = format!("tenant{tenant}.example.com");
        tenant += 1;
        for version in 0..2 + seed.below(5) {
            let prefix = format!("/{}/v{version}", seed.pick(&SECTIONS));
            let methods = 1 + seed.below(3);
            let methods = seed.some(methods, METHODS.len());
            let methods = methods.iter().map(|m| METHODS[*m].into()).collect();
            let plain = [
                (HOST, Test::Is(host.clone())),
                (PATH, Test::Under(prefix)),
                (METHOD, Test::OneOf(methods)),
            ];
            let exception = match seed.below(10) {
                0 | 1 => Some((ENV, Test::Is((*seed.pick(&ENVS)).into()))),
                2 => Some((CLIENT, network(seed))),
                _ => None,
            };
            if let Some(exception) = exception {
                rules.push(Rule::of(plain.iter().cloned().chain([exception])));
            }
            rules.push(Rule::of(plain));
        }
    }
    rules.truncate(count);
    rules
}

fn network(seed: &mut Seed) -> Test {
    Test::Inside(Ipv4Addr::new(10, 4 * seed.below(60) as u8, 0, 0), 14)
}

/// For a rule: what it asks, and at random what it does not ask. For none: half with a host of no rule, half with the host of one and a
/// path of none.
fn request(rule: Option<&Rule>, rules: &[Rule], seed: &mut Seed) -> Request {
    let mut values = vec![
        Value::Text(format!("tenant{}.example.org", seed.below(100_000))),
        Value::Text(format!("/assets/{}/{}", seed.below(100), seed.below(1000))),
        Value::Text((*seed.pick(&METHODS)).into()),
        match seed.below(10) {
            0 => Value::Text("live".into()),
            _ => Value::Missing,
        },
        Value::Ip(Ipv4Addr::new(192, 0, 2, seed.below(256) as u8)),
    ];
    let Some(rule) = rule else {
        // Of the rules, so that as many hosts are found among few rules as among many.
        if seed.chance(50)
            && let Test::Is(host) = &seed.pick(rules).atoms[HOST].test
        {
            values[HOST] = Value::Text(host.clone());
        }
        return Request(values);
    };
    for atom in &rule.atoms {
        values[atom.field] = match &atom.test {
            Test::Is(text) => Value::Text(text.clone()),
            Test::OneOf(texts) => Value::Text(seed.pick(texts).clone()),
            Test::Under(prefix) => Value::Text(format!("{prefix}/{}", seed.below(100_000))),
            Test::Inside(net, _) => {
                let [a, b, ..] = net.octets();
                let low = |seed: &mut Seed| seed.below(256) as u8;
                let within = b + seed.below(4) as u8;
                Value::Ip(Ipv4Addr::new(a, within, low(seed), low(seed)))
            }
            _ => continue,
        };
    }
    Request(values)
}
