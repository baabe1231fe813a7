//! Campaigns over a stream of events: every rule that matches acts.

use crate::seed::Seed;
use crate::traffic::{Profile, requests};
use crate::{Atom, Field, Kind, Policy, Request, Rule, Test, Value, Workload, field, variants};

const EVENT: usize = 0;
const AMOUNT: usize = 1;
const CITY: usize = 2;
const HOUR: usize = 3;
const TIER: usize = 4;

const EVENTS: usize = 40;
const CITIES: usize = 60;
const HOURS: i64 = 24;
const TIERS: usize = 4;
/// The most that an event spends.
const MOST: i64 = 1_000;
/// The most that a threshold can be.
const MOST_ASKED: i64 = 1_000_000;

/// All matches: event type, amount at least, two to five cities, hours, one rule in three a tier. The more rules, the more of
/// them match an event.
pub fn campaign(rules: usize, count: usize, profile: Profile) -> Workload {
    make("campaign", rules, count, profile, MOST)
}

/// As [`campaign`], but thresholds rise with the number of rules, so that the number of rules that match an event stays the
/// same: what remains is what finding them costs.
pub fn campaign_even(rules: usize, count: usize, profile: Profile) -> Workload {
    let most = (rules as i64 * 10).clamp(MOST, MOST_ASKED);
    make("campaign-even", rules, count, profile, most)
}

fn make(family: &'static str, n: usize, count: usize, profile: Profile, most: i64) -> Workload {
    let mut seed = Seed(2 + n as u64);
    let rules: Vec<Rule> = (0..n).map(|_| rule(most, &mut seed)).collect();
    // Traffic is made for the rules that events can reach; where all can be, these are all.
    let reached: Vec<Rule> = rules
        .iter()
        .filter(|r| threshold(r) <= MOST)
        .cloned()
        .collect();
    let requests = requests(
        &reached,
        count,
        profile,
        &mut seed,
        |rule, seed| match rule {
            Some(rule) => event(rule, seed),
            None => near(seed.pick(&reached), seed),
        },
    );
    Workload {
        family,
        profile,
        fields: fields(),
        rules,
        policy: Policy::All,
        requests,
    }
}

fn fields() -> Vec<Field> {
    vec![
        field("event", variants("Event", EVENTS)),
        field("amount", Kind::Int(0, MOST_ASKED)),
        field("city", variants("City", CITIES)),
        field("hour", Kind::Int(0, HOURS - 1)),
        field("tier", variants("Tier", TIERS)),
    ]
}

fn rule(most: i64, seed: &mut Seed) -> Rule {
    let event = format!("event{}", seed.below(EVENTS));
    let amount = seed.between(0, most);
    let cities = 2 + seed.below(4);
    let cities = seed.some(cities, CITIES);
    let first = seed.between(0, 20);
    let last = seed.between(first + 1, (first + 12).min(23));
    let mut atoms = vec![
        (EVENT, Test::Is(event)),
        (AMOUNT, Test::AtLeast(amount)),
        (
            CITY,
            Test::OneOf(cities.iter().map(|c| format!("city{c}")).collect()),
        ),
        (HOUR, Test::Between(first, last)),
    ];
    if seed.below(3) == 0 {
        atoms.push((TIER, Test::Is(format!("tier{}", seed.below(TIERS)))));
    }
    Rule::of(atoms)
}

fn threshold(rule: &Rule) -> i64 {
    match rule.atoms[AMOUNT].test {
        Test::AtLeast(amount) => amount,
        _ => 0,
    }
}

/// What a rule asks, and at random what it does not ask.
fn event(rule: &Rule, seed: &mut Seed) -> Request {
    let mut values = vec![
        Value::Text(format!("event{}", seed.below(EVENTS))),
        Value::Int(seed.between(0, MOST)),
        Value::Text(format!("city{}", seed.below(CITIES))),
        Value::Int(seed.between(0, HOURS - 1)),
        Value::Text(format!("tier{}", seed.below(TIERS))),
    ];
    for atom in &rule.atoms {
        values[atom.field] = match &atom.test {
            Test::Is(text) => Value::Text(text.clone()),
            Test::OneOf(texts) => Value::Text(seed.pick(texts).clone()),
            Test::AtLeast(amount) => Value::Int(seed.between(*amount, MOST.max(*amount))),
            Test::Between(lo, hi) => Value::Int(seed.between(*lo, *hi)),
            _ => continue,
        };
    }
    Request(values)
}

/// All that a rule asks but for one thing, which other rules may ask for. Values at random would among few rules mostly be of a type and a
/// city that none asks for, and among many never, so that events for none would be found out at once among the few only.
fn near(rule: &Rule, seed: &mut Seed) -> Request {
    let mut event = event(rule, seed);
    // No amount is below a threshold of nothing.
    let breakable = rule.atoms.iter().filter(|a| a.test != Test::AtLeast(0));
    let breakable: Vec<&Atom> = breakable.collect();
    let atom = *seed.pick(&breakable);
    let other = |name: &str, count: usize, seed: &mut Seed| loop {
        let text = format!("{name}{}", seed.below(count));
        match &atom.test {
            Test::Is(asked) if *asked == text => {}
            Test::OneOf(asked) if asked.contains(&text) => {}
            _ => break Value::Text(text),
        }
    };
    event.0[atom.field] = match (&atom.test, atom.field) {
        (Test::AtLeast(amount), _) => Value::Int(seed.between(0, amount - 1)),
        // No rule asks for every hour.
        (Test::Between(lo, hi), _) => {
            Value::Int((hi + seed.between(1, HOURS - 1 - (hi - lo))) % HOURS)
        }
        (_, EVENT) => other("event", EVENTS, seed),
        (_, CITY) => other("city", CITIES, seed),
        _ => other("tier", TIERS, seed),
    };
    event
}
