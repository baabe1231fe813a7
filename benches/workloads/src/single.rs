//! One condition of eight conjuncts.

use std::net::Ipv4Addr;

use crate::seed::Seed;
use crate::traffic::{Profile, requests};
use crate::{Kind, Policy, Request, Rule, Test, Value, Workload, field};

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "curl/8.8.0",
];
const PLANS: [&str; 3] = ["gold", "silver", "trial"];

/// Method, path prefix, header in a set, network, integer, expression on the user agent, flag, not this host.
pub fn single(count: usize, profile: Profile) -> Workload {
    let rule = Rule::of([
        (0, Test::Is("POST".into())),
        (1, Test::Under("/api/v2".into())),
        (2, Test::OneOf(vec!["gold".into(), "silver".into()])),
        (3, Test::Inside(Ipv4Addr::new(10, 16, 0, 0), 12)),
        (4, Test::AtLeast(1024)),
        (5, Test::Holds("(Firefox|Chrome)/1[0-9][0-9]\\.".into())),
        (6, Test::True),
        (7, Test::IsNot("internal.example.com".into())),
    ]);
    let rules = vec![rule];
    let requests = requests(&rules, count, profile, &mut Seed(3), request);
    let fields = vec![
        field("method", Kind::Method),
        field("path", Kind::Path),
        field("plan", Kind::Header),
        field("client", Kind::Ip),
        field("bytes", Kind::Int(0, 1_000_000)),
        field("agent", Kind::Text),
        field("signed", Kind::Bool),
        field("host", Kind::Host),
    ];
    Workload {
        family: "single",
        profile,
        fields,
        rules,
        policy: Policy::First,
        requests,
    }
}

/// One that matches; for none, one that fails at one of the eight, as often at each.
fn request(rule: Option<&Rule>, seed: &mut Seed) -> Request {
    let client = |b, seed: &mut Seed| Ipv4Addr::new(10, b, seed.below(256) as u8, 7);
    let mut values = vec![
        Value::Text("POST".into()),
        Value::Text(format!("/api/v2/orders/{}", seed.below(100_000))),
        Value::Text(PLANS[seed.below(2)].into()),
        Value::Ip(client(16 + seed.below(16) as u8, seed)),
        Value::Int(seed.between(1024, 1_000_000)),
        Value::Text(AGENTS[seed.below(2)].into()),
        Value::Bool(true),
        Value::Text(format!("shop{}.example.com", seed.below(50))),
    ];
    if rule.is_none() {
        let fails = seed.below(values.len());
        values[fails] = match fails {
            0 => Value::Text("GET".into()),
            1 => Value::Text(format!("/api/v1/orders/{}", seed.below(100_000))),
            2 if seed.chance(50) => Value::Missing,
            2 => Value::Text(PLANS[2].into()),
            3 => Value::Ip(client(96, seed)),
            4 => Value::Int(seed.between(0, 1023)),
            5 => Value::Text(AGENTS[2 + seed.below(2)].into()),
            6 => Value::Bool(false),
            _ => Value::Text("internal.example.com".into()),
        };
    }
    Request(values)
}
