//! Events out of a stream of a Redis, and actions into one: each once, whatever ends a consumer or the server.

use std::process::Child;

use serde_json::Value;

use super::super::redis::Redis;
use super::model::{self, Ride, SHARED, rewards, rides};
use super::shared::{self, actions, by_lines, cents, kill, shared, strs};
use super::*;

/// Entries are taken over from a consumer that was not heard of for so long. A batch that is decided must not take longer.
const CLAIM: &str = "claim=3s";

impl Redis {
    /// Appends rides to the stream `rides`.
    fn send(&self, rides: &[Ride]) {
        for rides in rides.chunks(100) {
            let commands: Vec<[&str; 5]> = rides
                .iter()
                .map(|ride| ["XADD", "rides", "*", "json", &ride.line])
                .collect();
            let commands: Vec<&[&str]> = commands.iter().map(|words| &words[..]).collect();
            self.try_all(&commands).expect("it answers");
        }
    }

    fn count(&self, stream: &str) -> usize {
        self.say(&["XLEN", stream]).parse().expect("a number")
    }

    /// The lines of a stream.
    fn lines(&self, stream: &str) -> Vec<String> {
        let all = self.say(&["XRANGE", stream, "-", "+"]);
        let lines = all.lines().filter(|line| line.starts_with('{'));
        lines.map(str::to_owned).collect()
    }

    /// The arguments of a stream whose consumer and journal have this name.
    fn args(&self, consumer: &str, more: &[&str]) -> Vec<String> {
        let url = self.url();
        let input = format!(
            "{url}?stream=rides&group=g&consumer={consumer}&{CLAIM}&timeout=2s&patience=50s"
        );
        let to = |stream: &str| format!("{url}?stream={stream}&timeout=2s&patience=50s");
        shared::args(consumer, &input, &to("actions"), &to("dead"), more)
    }

    /// Where states are, for `--store`.
    pub(crate) fn store(&self) -> String {
        format!("redis.growth={}?timeout=2s&patience=50s", self.url())
    }

    /// What the shared budget was charged, in cents.
    pub(crate) fn charged(&self) -> i64 {
        let purse = self.say(&["KEYS", "tollgate:*:purse"]);
        let total = self.say(&["HGET", &purse, "total"]);
        total.parse().expect("cents")
    }
}

/// Waits until the stream has so many entries.
fn wait_for(redis: &Redis, stream: &str, count: usize, children: &mut [&mut Child]) {
    shared::wait_for(stream, || redis.count(stream) >= count, children);
}

#[test]
fn entries_of_a_redis_come_to_what_lines_come_to() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let rides = rides(5, 300);
    let expected = rewards(&rides);
    redis.send(&rides[..200]);
    redis.say(&["XADD", "rides", "*", "other", "{}"]);
    redis.send(&rides[200..]);
    let folder = Folder::new("stream-redis").with("a.rules", model::RULES);
    let args = redis.args("c1", &["--drain"]);
    let ended = folder.tollgate(&strs(&args)).exits(1);
    ended.says("the entry has no field `json`");
    let lines = redis.lines("actions").join("\n") + "\n";
    assert_eq!(lines, expected.output);
    let dead = redis.lines("dead");
    assert_eq!(dead.len(), expected.dead + 1);
    let letter: Value = serde_json::from_str(&dead[0]).expect("JSON");
    assert!(letter["entry"].as_str().expect("an id").contains('-'));
    let input = letter["input"].as_str().expect("a name");
    assert!(input.ends_with("/0?stream=rides"), "{input}");
    // Nothing is pending, and nothing is there twice.
    assert!(redis.say(&["XPENDING", "rides", "g"]).starts_with('0'));
    folder.tollgate(&strs(&args)).exits(0).says("0 decided");
    assert_eq!(redis.count("actions"), expected.output.lines().count());
    // Another journal knows no ids, and a group of its own reads it all; actions are known by theirs.
    let other: Vec<String> = redis.args("c2", &["--drain"]);
    let other: Vec<String> = other
        .iter()
        .map(|arg| arg.replace("group=g", "group=h"))
        .collect();
    folder.tollgate(&strs(&other)).exits(1).says(" duplicates");
    assert_eq!(redis.count("actions"), expected.output.lines().count());
}

/// Two consumers, of which one is killed and started again, the other killed for good, and the first killed once more.
#[test]
fn two_consumers_and_three_kills_reward_what_lines_reward() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let rides = rides(6, 400);
    let (expected, dead) = by_lines("stream-shared-lines", &rides);
    assert!(expected.len() > 80, "{}", expected.len());
    let folder = Folder::new("stream-shared").with("a.rules", shared("redis.growth"));
    let store = redis.store();
    let start = |consumer: &str| {
        let args = redis.args(consumer, &["--store", &store]);
        folder.start(&strs(&args), &[])
    };
    redis.send(&rides);
    let (mut one, mut two) = (start("c1"), start("c2"));
    wait_for(
        &redis,
        "actions",
        expected.len() / 6,
        &mut [&mut one, &mut two],
    );
    kill(one);
    let mut one = start("c1");
    wait_for(
        &redis,
        "actions",
        expected.len() / 3,
        &mut [&mut one, &mut two],
    );
    kill(two);
    wait_for(&redis, "actions", expected.len() / 2, &mut [&mut one]);
    kill(one);
    // What both had under way is taken up again, that of the second by the first.
    let args = redis.args("c1", &["--drain", "--store", &store]);
    folder.tollgate(&strs(&args)).exits(1);
    let lines = redis.lines("actions");
    let found = actions(lines.iter().map(String::as_str));
    assert_eq!(found, expected);
    assert_eq!(redis.count("dead"), dead);
    assert!(redis.say(&["XPENDING", "rides", "g"]).starts_with('0'));
    // Nor was anything charged for nothing.
    assert_eq!(redis.charged(), cents(&expected));
}

/// The server is stopped for longer than anybody waits for an answer, goes on, is killed, and starts again.
#[test]
fn a_server_that_comes_back_is_waited_for() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let rides = rides(7, 200);
    let (expected, _) = by_lines("stream-outage-lines", &rides);
    let folder = Folder::new("stream-outage").with("a.rules", shared("redis.growth"));
    let store = redis.store();
    let half = rides.len() / 2;
    redis.send(&rides[..half]);
    let args = redis.args("c1", &["--store", &store]);
    let mut child = folder.start(&strs(&args), &[]);
    wait_for(&redis, "actions", 5, &mut [&mut child]);
    redis.signal("STOP");
    // Longer than the timeout.
    thread::sleep(Duration::from_millis(3_500));
    redis.signal("CONT");
    wait_for(&redis, "actions", 10, &mut [&mut child]);
    redis.kill();
    thread::sleep(Duration::from_millis(1_500));
    redis.run();
    redis.send(&rides[half..]);
    wait_for(&redis, "actions", expected.len(), &mut [&mut child]);
    terminate(&child);
    let said = ended(&strs(&args), child);
    assert!(said.code == Some(0) || said.code == Some(1), "{said:?}");
    said.says("does not answer").says("answers again");
    let args = redis.args("c1", &["--store", &store, "--drain"]);
    folder.tollgate(&strs(&args));
    let lines = redis.lines("actions");
    assert_eq!(actions(lines.iter().map(String::as_str)), expected);
    assert_eq!(redis.charged(), cents(&expected));
}

/// About 310 bytes for an answer, and 100 for the id of an action.
#[test]
fn a_server_keeps_as_much_as_the_page_says() {
    const COUNT: usize = 400;
    let Some(redis) = Redis::start() else {
        return;
    };
    // What is kept is asked, not for how long.
    redis.say(&["CONFIG", "SET", "appendonly", "no"]);
    let rides: String = (0..COUNT)
        .map(|n| format!("{{\"id\":\"ride-{n:08}\",\"user\":\"u{}\",\"fare\":\"9.00 SGD\",\"at\":\"2026-11-02T09:00:00Z\"}}\n", n % 10))
        .collect();
    let (answer, _) = SHARED.split_once("state spent").expect("it is there");
    let rules = format!(
        "{answer}ruleset rewards(e: Ride) -> [Action] on rides hit all {{
           rule all when today[e.user].value() > 0 then thanks(e.user)
         }}"
    );
    let folder =
        folder("stream-kept", &rides).with("a.rules", rules.replace("STORE", "redis.growth"));
    let to = format!("{}?stream=actions&timeout=2s", redis.url());
    let args = [
        "stream",
        "a.rules",
        "--input",
        "rides.jsonl",
        "--journal",
        "journal",
        "--output",
        &to,
        "--store",
        &redis.store(),
    ];
    folder
        .tollgate(&args)
        .exits(0)
        .says("400 decided (400 actions)");
    let bytes = |keys: &str| -> usize {
        let sum = "local n = 0 for _, key in ipairs(redis.call('KEYS', ARGV[1])) do \
             n = n + redis.call('MEMORY', 'USAGE', key) end return n";
        let bytes = redis.say(&["EVAL", sum, "0", keys]);
        bytes.parse::<usize>().expect("bytes") / COUNT
    };
    // The counters are ten.
    let (answers, ids) = (bytes("tollgate:*"), bytes("actions:sent:*"));
    println!("{answers} bytes for an answer, {ids} for the id of an action");
    assert!((250..600).contains(&answers), "{answers}");
    assert!((80..250).contains(&ids), "{ids}");
}

#[test]
fn what_cannot_be_read_from_a_redis_is_said() {
    let folder = Folder::new("stream-redis-usage").with("a.rules", model::RULES);
    let says = |input: &str, more: &[&str], text: &str| {
        let args = ["stream", "a.rules", "--journal", "j", "--input", input];
        let all: Vec<&str> = args.iter().chain(more).copied().collect();
        folder.tollgate(&all).exits(2).says(text);
    };
    let nobody = "redis://me:secret@127.0.0.1:1/0";
    says(
        nobody,
        &[],
        "redis://127.0.0.1:1/0: say which stream is read, ?stream=…",
    );
    says(&format!("{nobody}?stream=s"), &[], "?group=…");
    says(&format!("{nobody}?stream=s&group=g"), &[], "?consumer=…");
    says(&format!("{nobody}?topic=s"), &[], "has no setting `topic`");
    says("amqp://h/", &[], "does not know `amqp://`");
    says("a.rules", &["--drain"], "--drain is for brokers");
    let all = format!("{nobody}?stream=s&group=g&consumer=c");
    says(&all, &[], "redis://127.0.0.1:1/0 does not answer");
    says(&all, &["--output", "redis://127.0.0.1:1/0"], "?stream=…");
    let Some(redis) = Redis::start() else {
        return;
    };
    redis.say(&["SET", "s", "a text"]);
    let wrong = format!("{}?stream=s&group=g&consumer=c", redis.url());
    says(&wrong, &[], "WRONGTYPE");
}
