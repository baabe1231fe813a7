//! Campaigns by hand.

use rustc_hash::FxHashMap;
use tollgate_workloads::{Rule, Test, Workload};

use super::is;
use crate::peer::{Engine, Source};

/// A rule, typed.
struct Row {
    event: &'static str,
    least: i64,
    cities: Vec<&'static str>,
    hours: (i64, i64),
    tier: Option<&'static str>,
}

/// An event, typed.
#[derive(Clone, Copy)]
pub struct Event {
    event: &'static str,
    amount: i64,
    city: &'static str,
    hour: i64,
    tier: &'static str,
}

fn row(rule: &'static Rule) -> Row {
    let (Test::AtLeast(least), Test::OneOf(cities), Test::Between(first, last)) = (
        &rule.atoms[1].test,
        &rule.atoms[2].test,
        &rule.atoms[3].test,
    ) else {
        panic!("a campaign asks for an amount, cities and hours");
    };
    Row {
        event: is(&rule.atoms[0].test),
        least: *least,
        cities: cities.iter().map(String::as_str).collect(),
        hours: (*first, *last),
        tier: rule.atoms.get(4).map(|atom| is(&atom.test)),
    }
}

fn event(from: &'static dyn Source) -> Event {
    Event {
        event: from.get(0).text(),
        amount: from.get(1).int(),
        city: from.get(2).text(),
        hour: from.get(3).int(),
        tier: from.get(4).text(),
    }
}

fn within((first, last): (i64, i64), tier: Option<&str>, event: &Event) -> bool {
    (first..=last).contains(&event.hour) && tier.is_none_or(|tier| tier == event.tier)
}

pub struct Linear(Vec<Row>);

impl Linear {
    pub fn new(workload: &'static Workload) -> Linear {
        Linear(workload.rules.iter().map(row).collect())
    }
}

impl Engine for Linear {
    type Form = Event;

    fn form(&self, from: &'static dyn Source) -> Event {
        event(from)
    }

    fn decide(&mut self, event: &mut Event, out: &mut Vec<u32>) {
        for (i, row) in self.0.iter().enumerate() {
            if row.event == event.event
                && event.amount >= row.least
                && row.cities.contains(&event.city)
                && within(row.hours, row.tier, event)
            {
                out.push(i as u32);
            }
        }
    }
}

/// Hash on the event, then on the city; the rules there by threshold, so that those too dear are not looked at.
pub struct Index(FxHashMap<&'static str, FxHashMap<&'static str, Vec<Entry>>>);

struct Entry {
    least: i64,
    hours: (i64, i64),
    tier: Option<&'static str>,
    rule: u32,
}

impl Index {
    pub fn new(workload: &'static Workload) -> Index {
        let mut events: FxHashMap<&str, FxHashMap<&str, Vec<Entry>>> = FxHashMap::default();
        for (i, rule) in workload.rules.iter().enumerate() {
            let row = row(rule);
            let cities = events.entry(row.event).or_default();
            for city in &row.cities {
                cities.entry(city).or_default().push(Entry {
                    least: row.least,
                    hours: row.hours,
                    tier: row.tier,
                    rule: i as u32,
                });
            }
        }
        for entries in events.values_mut().flat_map(FxHashMap::values_mut) {
            entries.sort_by_key(|entry| entry.least);
        }
        Index(events)
    }
}

impl Engine for Index {
    type Form = Event;

    fn form(&self, from: &'static dyn Source) -> Event {
        event(from)
    }

    fn decide(&mut self, event: &mut Event, out: &mut Vec<u32>) {
        let cities = self.0.get(event.event);
        let Some(entries) = cities.and_then(|cities| cities.get(event.city)) else {
            return;
        };
        for entry in entries
            .iter()
            .take_while(|entry| entry.least <= event.amount)
        {
            if within(entry.hours, entry.tier, event) {
                out.push(entry.rule);
            }
        }
        out.sort_unstable();
    }
}
