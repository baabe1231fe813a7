//! Generated rides, and what they are rewarded with, counted the plain way.

use std::collections::{BTreeMap, HashMap, HashSet};

/// The rules: how late rides may be, the states, and what is rewarded.
macro_rules! rules {
    ($late_after:literal, $states:literal) => {
        concat!(
            r#"edition 2026
module ride
record Ride { id: String, user: String, fare: Money<SGD>, at: Instant }
enum Action { reward(user: String, amount: Money<SGD>), thanks(user: String) }
const utc = tz"UTC"
stream rides: Ride { id: event.id, time: event.at, dedupe: 7d, late_after: "#,
            $late_after,
            " }",
            $states,
            r#"
ruleset rewards(e: Ride) -> [Action] on rides hit all {
  rule third
    when today[e.user].value() == 3
    once paid[key("third", e.user, day_of(e.at, utc))]
    within spent[e.user]
    then reward(e.user, 8.00 SGD)
    then thanks(e.user)
  rule long
    when e.fare >= 50.00 SGD
    within spent[e.user]
    then reward(e.user, 3.00 SGD)
}
"#
        )
    };
}

pub(crate) const RULES: &str = rules!(
    "2h",
    r#"
state today: Count by String {
  counts:     rides
  key:        event.user
  window:     calendar(1d, zone: tz"UTC")
  max_keys:   10_000
  on_failure: skip
}
state spent: Budget<SGD> by String {
  total:      2_000.00 SGD
  per_key:    90.00 SGD
  max_keys:   10_000
  on_failure: deny
}
state paid: Seen by Key { keep: 30d, max_keys: 100_000, on_failure: deny }"#
);

/// Rewards that do not depend on the order in which rides come, so that several consumers give those of one. `STORE` says where states are.
pub(crate) const SHARED: &str = rules!(
    "7d",
    r#"
state today: Count by String {
  counts:     rides
  key:        event.user
  window:     calendar(1d, zone: tz"UTC")
  max_keys:   10_000
  store:      STORE
  on_failure: skip
}
state spent: Budget<SGD> by String { per_key: 9_000.00 SGD, total: 90_000.00 SGD, max_keys: 10_000, store: STORE, on_failure: deny }
state paid: Seen by Key { keep: 30d, max_keys: 100_000, store: STORE, on_failure: deny }"#
);

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// A line, and the ride that it is, if it is one.
#[derive(Clone)]
pub(crate) struct Ride {
    pub(crate) line: String,
    ride: Option<(String, String, i64, i64)>,
}

/// What the rides come to.
#[derive(Default)]
pub(crate) struct Expected {
    pub(crate) output: String,
    pub(crate) dead: usize,
    pub(crate) duplicates: usize,
    pub(crate) refused_by_budget: usize,
    /// By user, in cents.
    pub(crate) spent: BTreeMap<String, i64>,
}

/// So many rides, each delivered twice, some late and some of them broken. The same for the same seed.
pub(crate) fn rides(seed: u64, count: u64) -> Vec<Ride> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = move |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % n
    };
    // 2026-11-02, a Monday.
    let mut clock = 1_793_577_600;
    let mut all = Vec::new();
    for n in 0..count {
        clock += below(400) as i64;
        let behind = match below(30) {
            0 => 2 * HOUR + 1 + below(20_000) as i64,
            1..10 => below(2 * HOUR as u64) as i64,
            _ => 0,
        };
        let (at, user) = (clock - behind, format!("u{}", below(30)));
        let cents = below(8_000) as i64;
        let id = format!("r{n}");
        let line = match below(50) {
            0 => format!("{{\"id\":\"{id}\",\"user\":7}}"),
            _ => format!(
                "{{\"id\":\"{id}\",\"user\":\"{user}\",\"fare\":\"{}.{:02} SGD\",\"at\":\"{}\"}}",
                cents / 100,
                cents % 100,
                instant(at)
            ),
        };
        let ride = (!line.contains(":7}")).then_some((id, user, cents, at));
        let ride = Ride { line, ride };
        all.push((n * 1_000, ride.clone()));
        all.push((n * 1_000 + below(50_000), ride));
    }
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, ride)| ride).collect()
}

/// What a stream makes of the rides, in its order.
pub(crate) fn rewards(rides: &[Ride]) -> Expected {
    let mut expected = Expected::default();
    let (mut seen, mut paid) = (HashSet::new(), HashSet::new());
    let mut today: HashMap<(&str, i64), u32> = HashMap::new();
    let (mut latest, mut total) = (i64::MIN, 0);
    for Ride { ride, .. } in rides {
        let Some((id, user, cents, at)) = ride else {
            expected.dead += 1;
            continue;
        };
        if seen.contains(id) {
            expected.duplicates += 1;
            continue;
        }
        if *at < latest.saturating_sub(2 * HOUR) {
            expected.dead += 1;
            continue;
        }
        seen.insert(id);
        latest = latest.max(*at);
        let day = at.div_euclid(DAY);
        let count = today.entry((user, day)).or_default();
        *count += 1;
        let spent = expected.spent.entry(user.clone()).or_default();
        let mut charge = |cents: i64| {
            let granted = total + cents <= 200_000 && *spent + cents <= 9_000;
            if granted {
                total += cents;
                *spent += cents;
            } else {
                expected.refused_by_budget += 1;
            }
            granted
        };
        let (mut by, mut actions) = (Vec::new(), Vec::new());
        let reward =
            |amount| format!("{{\"reward\":{{\"user\":\"{user}\",\"amount\":\"{amount} SGD\"}}}}");
        if *count == 3 && !paid.contains(&(user, day)) && charge(800) {
            paid.insert((user, day));
            by.push("\"third\"");
            actions.push(reward("8.00"));
            actions.push(format!("{{\"thanks\":{{\"user\":\"{user}\"}}}}"));
        }
        if *cents >= 5_000 && charge(300) {
            by.push("\"long\"");
            actions.push(reward("3.00"));
        }
        for (i, action) in actions.iter().enumerate() {
            let by = by.join(",");
            expected.output += &format!(
                "{{\"id\":\"{id}/rewards/{i}\",\"event\":\"{id}\",\"by\":[{by}],\"action\":{action}}}\n"
            );
        }
    }
    expected.spent.retain(|_, cents| *cents > 0);
    expected
}

/// A time of November or December 2026, as JSON has it.
fn instant(at: i64) -> String {
    let (day, second) = ((at - 1_793_577_600).div_euclid(DAY), at.rem_euclid(DAY));
    // From 2026-11-02 on; rides do not go far.
    let (month, day) = match day + 2 {
        day @ 1..=30 => (11, day),
        day => (12, day - 30),
    };
    let (h, m, s) = (second / HOUR, second / 60 % 60, second % 60);
    format!("2026-{month}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}
