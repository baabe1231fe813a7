//! What brokers have in common: rules whose rewards do not depend on the order in which rides come, and what lines of a file come to by them.

use std::process::Child;
use std::time::Instant;

use serde_json::Value;

use super::model::{Ride, SHARED};
use super::*;

/// The arguments of a stream by the rules `a.rules`, between places of a broker.
pub(crate) fn args(
    journal: &str,
    input: &str,
    actions: &str,
    dead: &str,
    more: &[&str],
) -> Vec<String> {
    let fixed = [
        "stream",
        "a.rules",
        "--journal",
        journal,
        "--input",
        input,
        "--output",
        actions,
        "--dead-letter",
        dead,
        "--batch",
        "20",
    ];
    let args = fixed.iter().chain(more);
    args.map(|arg| (*arg).to_owned()).collect()
}

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
