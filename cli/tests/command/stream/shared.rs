//! What brokers have in common: rules whose rewards do not depend on the order in which rides come, and what lines of a file come to by them.

use std::process::Child;
use std::time::Instant;

use serde_json::Value;

use super::model::Ride;
use super::*;

/// Rewards that do not depend on the order in which rides come, so that several consumers give those of one. `STORE` says where states are.
pub(crate) const SHARED: &str = r#"
record Ride { id: String, user: String, fare: Money<SGD>, at: Instant }
enum Action { reward(user: String, amount: Money<SGD>), thanks(user: String) }
const utc = tz"UTC"
stream rides: Ride { id: event.id, time: event.at, dedupe: 7d, late_after: 7d }
state today: Count by String {
  counts:     rides
  key:        event.user
  window:     calendar(1d, zone: tz"UTC")
  max_keys:   10_000
  store:      STORE
  on_failure: skip
}
state spent: Budget<SGD> by String { per_key: 9_000.00 SGD, total: 90_000.00 SGD, max_keys: 10_000, store: STORE, on_failure: deny }
state paid: Seen by Key { keep: 30d, max_keys: 100_000, store: STORE, on_failure: deny }
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
"#;

pub(crate) fn strs(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

pub(crate) fn shared(store: &str) -> String {
    SHARED.replace("STORE", store)
}

/// What lines of a file come to, in some order: the actions, and the dead letters.
pub(crate) fn by_lines(name: &str, rides: &[Ride]) -> (Vec<Value>, usize) {
    let folder = folder(name, &lines(rides)).with("ride.rules", shared("local"));
    folder.tollgate(STREAM).exits(1);
    let dead = folder.read("dead.jsonl").lines().count();
    (actions(folder.read("actions.jsonl").lines()), dead)
}

/// The actions of lines without the ids of events: which ride of three is the third is up to the order.
pub(crate) fn actions<'l>(lines: impl Iterator<Item = &'l str>) -> Vec<Value> {
    let parse = |line| serde_json::from_str::<Value>(line).expect("JSON");
    let mut actions: Vec<Value> = lines.map(|line| parse(line)["action"].take()).collect();
    actions.sort_by_cached_key(Value::to_string);
    actions
}

pub(crate) fn cents(actions: &[Value]) -> i64 {
    let amounts = actions
        .iter()
        .filter_map(|a| a["reward"]["amount"].as_str());
    let cents = amounts.map(|text| text.replace(['.', ' ', 'S', 'G', 'D'], ""));
    cents
        .map(|cents| cents.parse::<i64>().expect("cents"))
        .sum()
}

/// Waits until something is so, while nobody may end.
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool, children: &mut [&mut Child]) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what} does not grow");
        for child in &mut *children {
            let ended = child.try_wait().expect("its state is known");
            assert!(ended.is_none(), "it ended before: {ended:?}");
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// On Unix this is SIGKILL: nothing of the process runs any more.
pub(crate) fn kill(mut child: Child) {
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
}
