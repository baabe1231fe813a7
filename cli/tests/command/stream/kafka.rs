//! Events out of a topic of a Kafka, and actions into one, whatever ends a member of the group or the broker.

mod brokers;
mod secure;

use std::collections::BTreeSet;

use serde_json::Value;

use self::brokers::Kafka;
use super::model::{self, Ride, rewards, rides};
use super::shared::{self, kill, strs};
use super::*;

/// A member that was not heard of for so long loses its partitions. librdkafka's broker lets a group wait for three seconds before it begins.
const CLAIM: &str = "claim=4s";

/// Each test over each broker that can be had.
macro_rules! over_each_broker {
    ($($test:ident,)*) => {
        mod mock {
            use super::brokers::Kafka;

            $(#[test]
            fn $test() {
                super::$test(Kafka::mock);
            })*
        }

        mod tansu {
            use super::brokers::Kafka;

            $(#[test]
            fn $test() {
                if Kafka::has_tansu() {
                    super::$test(Kafka::tansu);
                }
            })*
        }
    };
}

over_each_broker! {
    messages_of_a_kafka_come_to_what_lines_come_to,
    three_kills_in_the_middle_change_nothing_in_a_topic,
    partitions_change_hands_in_the_middle,
    a_broker_that_comes_back_is_waited_for,
    a_broker_that_stays_away_ends_the_stream_and_nothing_is_lost,
}

/// How a broker is started, with so many partitions.
type Start = fn(i32) -> Kafka;

/// What the model says of rides: all actions.
fn expected(rides: &[Ride]) -> (Vec<String>, usize) {
    let expected = rewards(rides);
    let lines = expected.output.lines().map(str::to_owned);
    (lines.collect(), expected.dead)
}

/// The actions as somebody has them who knows ids, where that is needed. librdkafka's broker that was stopped takes in what was sent to it before and
/// what was sent again: it looks at the numbers of an idempotent producer in transactions only.
fn first_of_each(kafka: &Kafka) -> Vec<String> {
    let lines = kafka.lines("actions");
    let mut seen = BTreeSet::new();
    let first = |line: &String| seen.insert(line.clone()) || kafka.is_whole();
    lines.into_iter().filter(first).collect()
}

fn messages_of_a_kafka_come_to_what_lines_come_to(start: Start) {
    let kafka = start(1);
    let rides = rides(5, 300);
    let (expected, dead) = expected(&rides);
    kafka.send(&rides[..200], 1);
    kafka.send_value(None, 0);
    // A dead letter with all of it would be longer than what may be sent.
    let long = format!("{{\"id\":\"long\",\"note\":\"{}\"}}", "x".repeat(20_000));
    kafka.send_value(Some(&long), 0);
    kafka.send(&rides[200..], 1);
    let folder = kafka.folder("stream-kafka").with("a.rules", model::RULES);
    let args = kafka.args("j1", "group=g", &["--drain"]);
    let ended = folder.tollgate(&strs(&args)).exits(1);
    ended
        .says("message 0:200 refused")
        .says("the message has no value");
    let messages = kafka.messages("actions");
    for (key, line) in &messages {
        assert!(line.starts_with(&format!("{{\"id\":\"{key}\",")), "{line}");
    }
    assert_eq!(kafka.lines("actions"), expected);
    let letters = kafka.lines("dead");
    assert_eq!(letters.len(), dead + 2);
    let shortened = letters.iter().find(|letter| letter.contains("xxx"));
    let shortened: Value = serde_json::from_str(shortened.expect("it is there")).expect("JSON");
    assert_eq!(shortened["text"], long[..1_024]);
    let letter: Value = serde_json::from_str(&letters[0]).expect("JSON");
    assert!(
        letter["message"]
            .as_str()
            .expect("a place")
            .starts_with("0:")
    );
    assert_eq!(letter["input"], kafka.url("rides").as_str());
    // The journal knows how far it is, and so does the group.
    folder.tollgate(&strs(&args)).exits(0).says("0 decided");
    let other = kafka.args("j2", "group=g", &["--drain"]);
    folder.tollgate(&strs(&other)).exits(0).says("0 decided");
    assert_eq!(kafka.count("actions"), expected.len());
    // A group of its own reads it all, and decides the same: Kafka does not ask whether a message is there.
    let other = kafka.args("j3", "group=h", &["--drain"]);
    folder.tollgate(&strs(&other)).exits(1).says(" duplicates");
    assert_eq!(
        kafka.lines("actions"),
        [&expected[..], &expected[..]].concat()
    );
}

/// Killed three times, by one of the two ways to have partitions; each ride is there four times.
fn three_kills_in_the_middle_change_nothing_in_a_topic(start: Start) {
    for (n, input) in [
        format!("group=g&{CLAIM}"),
        "group=g&partitions=0".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let kafka = start(1);
        let once = rides(8 + n as u64, 300);
        let twice = [&once[..], &once[..]].concat();
        let (expected, dead) = expected(&twice);
        assert!(expected.len() > 80, "{}", expected.len());
        kafka.send(&twice, 1);
        let folder = kafka
            .folder("stream-kafka-kills")
            .with("a.rules", model::RULES);
        let args = kafka.args("j", input, &[]);
        for part in 1..=3 {
            let mut child = folder.start(&strs(&args), &[]);
            kafka.wait_for("actions", expected.len() * part / 4, &mut [&mut child]);
            kill(child);
            assert!(
                kafka.count("actions") < expected.len(),
                "it was in the middle"
            );
            kafka.gives_up_who_is_gone();
        }
        let args = kafka.args("j", input, &["--drain"]);
        let ended = folder.tollgate(&strs(&args)).exits(1);
        ended.says("resumed behind");
        assert_eq!(kafka.lines("actions"), expected);
        assert_eq!(kafka.count("dead"), dead);
    }
}

/// A member joins while messages are decided, and another one leaves behind some.
fn partitions_change_hands_in_the_middle(start: Start) {
    const RULES: &str = r#"
record Ride { id: String, user: String, fare: Money<SGD>, at: Instant }
enum Action { thanks(user: String) }
stream rides: Ride { id: event.id, time: event.at, dedupe: 30d }
ruleset thanks(e: Ride) -> [Action] on rides hit all {
  rule each when e.user != "" then thanks(e.user)
}
"#;
    const THIRD: usize = 6_000;
    let kafka = start(4);
    let ride = |n: usize| {
        format!(
            "{{\"id\":\"r{n}\",\"user\":\"u{n}\",\"fare\":\"9.00 SGD\",\"at\":\"2026-11-02T09:00:00Z\"}}"
        )
    };
    let folder = kafka.folder("stream-kafka-hands").with("a.rules", RULES);
    let send = |range: std::ops::Range<usize>| {
        for n in range {
            kafka.send_value(Some(&ride(n)), (n % 4) as i32);
        }
        kafka.flush();
    };
    let begin = |journal: &str| {
        let args = kafka.args(journal, &format!("group=g&{CLAIM}"), &[]);
        folder.start(&strs(&args), &[])
    };
    let decided = || -> BTreeSet<(String, String)> {
        let messages = kafka.messages("actions");
        messages.into_iter().collect()
    };
    send(0..THIRD);
    let mut one = begin("j1");
    kafka.wait_for("actions", 100, &mut [&mut one]);
    let mut two = begin("j2");
    // It joins while the first has a backlog, and messages keep coming.
    for sent in (THIRD..2 * THIRD).step_by(600) {
        send(sent..sent + 600);
        thread::sleep(Duration::from_millis(300));
    }
    let all = || decided().len() >= 2 * THIRD;
    shared::wait_for("actions", all, &mut [&mut one, &mut two]);
    // Nothing is lost, and what is decided twice is the same. Kafka hears how far a member is that lets go of partitions; librdkafka's broker
    // hears of that no more from when somebody joins, so some batches are decided by both.
    assert_eq!(decided().len(), 2 * THIRD);
    let before = kafka.count("actions");
    let most = if kafka.is_whole() {
        2 * THIRD
    } else {
        3 * THIRD
    };
    assert!(before <= most, "{before}");
    // What was told is known, and then the one leaves: the other goes on behind all of it.
    thread::sleep(Duration::from_secs(1));
    terminate(&one);
    let one = ended(&["one"], one).exits(0);
    send(2 * THIRD..3 * THIRD);
    kafka.wait_for("actions", before + THIRD, &mut [&mut two]);
    terminate(&two);
    let two = ended(&["two"], two).exits(0);
    for ended in [&one, &two] {
        assert!(!ended.err.starts_with("0 decided"), "{ended:?}");
    }
    assert_eq!(
        kafka.count("actions"),
        before + THIRD,
        "each once: {one:?} {two:?}"
    );
    assert_eq!(decided().len(), 3 * THIRD);
}

/// Two members, of which one is killed and started again, the other killed for good, and the first killed once more. States are in a Redis. Tansu
/// would leave the partitions of the second with it.
#[cfg(feature = "redis")]
#[test]
fn two_members_and_three_kills_reward_what_lines_reward() {
    use std::collections::BTreeMap;

    use super::super::redis::Redis;
    let Some(redis) = Redis::start() else {
        return;
    };
    let kafka = Kafka::mock(4);
    let once = rides(6, 400);
    let twice = [&once[..], &once[..]].concat();
    let (expected, dead) = shared::by_lines(&kafka.named("stream-kafka-lines"), &twice);
    let rules = shared::shared("redis.growth");
    let folder = kafka.folder("stream-kafka-shared").with("a.rules", rules);
    let store = redis.store();
    let input = format!("group=g&{CLAIM}");
    let start = |journal: &str| {
        let args = kafka.args(journal, &input, &["--store", &store]);
        folder.start(&strs(&args), &[])
    };
    kafka.send(&twice, 4);
    let (mut one, mut two) = (start("j1"), start("j2"));
    let part = |n| expected.len() * n / 6;
    kafka.wait_for("actions", part(1), &mut [&mut one, &mut two]);
    kill(one);
    let mut one = start("j1");
    kafka.wait_for("actions", part(2), &mut [&mut one, &mut two]);
    kill(two);
    kafka.wait_for("actions", part(3), &mut [&mut one]);
    kill(one);
    let args = kafka.args("j1", &input, &["--drain", "--store", &store]);
    folder.tollgate(&strs(&args));
    // What was decided by two of them, because the first had not told the group, is there twice, and is the same.
    let messages: BTreeSet<(String, String)> = kafka.messages("actions").into_iter().collect();
    let by_id: BTreeMap<&str, &str> = messages.iter().map(|(id, l)| (&**id, &**l)).collect();
    assert_eq!(by_id.len(), messages.len(), "an id has one action");
    assert_eq!(shared::actions(by_id.into_values()), expected);
    let letters: BTreeSet<String> = kafka.lines("dead").into_iter().collect();
    assert_eq!(letters.len(), dead);
    // Nor was anything charged for nothing.
    assert_eq!(redis.charged(), shared::cents(&expected));
}

fn a_broker_that_comes_back_is_waited_for(start: Start) {
    let mut kafka = start(1);
    let rides = rides(7, 200);
    let (expected, _) = expected(&rides);
    let half = rides.len() / 2;
    kafka.send(&rides[..half], 1);
    let folder = kafka
        .folder("stream-kafka-outage")
        .with("a.rules", model::RULES);
    let args = kafka.args("j", &format!("group=g&{CLAIM}"), &[]);
    let args: Vec<String> = args
        .iter()
        .map(|arg| arg.replace("timeout=2s", "timeout=1s"))
        .collect();
    let mut child = folder.start(&strs(&args), &[]);
    kafka.wait_for("actions", 5, &mut [&mut child]);
    // A Tansu that was stopped for so long and goes on gives its member no messages any more.
    if !kafka.is_whole() {
        kafka.signal("STOP");
        // Longer than an answer is waited for, and than a member is.
        thread::sleep(Duration::from_secs(5));
        kafka.signal("CONT");
    }
    kafka.wait_for("actions", 20, &mut [&mut child]);
    kafka.go();
    thread::sleep(Duration::from_secs(6));
    kafka.come();
    kafka.send(&rides[half..], 1);
    let all = || first_of_each(&kafka).len() >= expected.len();
    shared::wait_for("actions", all, &mut [&mut child]);
    terminate(&child);
    let said = ended(&strs(&args), child);
    assert!(said.code == Some(0) || said.code == Some(1), "{said:?}");
    said.says("does not answer").says("answers again");
    assert_eq!(first_of_each(&kafka), expected);
}

fn a_broker_that_stays_away_ends_the_stream_and_nothing_is_lost(start: Start) {
    let mut kafka = start(1);
    let rides = rides(9, 200);
    let (expected, _) = expected(&rides);
    kafka.send(&rides, 1);
    let folder = kafka
        .folder("stream-kafka-gone")
        .with("a.rules", model::RULES);
    let input = format!("group=g&{CLAIM}");
    let args = kafka.args("j", &input, &[]);
    let hasty: Vec<String> = args
        .iter()
        .map(|arg| arg.replace("patience=40s", "patience=3s"))
        .collect();
    let mut child = folder.start(&strs(&hasty), &[]);
    kafka.wait_for("actions", 5, &mut [&mut child]);
    match kafka.is_whole() {
        true => kafka.go(),
        false => kafka.signal("STOP"),
    }
    let said = ended(&strs(&hasty), child).exits(2);
    said.says("does not answer")
        .says("what the journal has is not lost, start again");
    match kafka.is_whole() {
        true => kafka.come(),
        false => kafka.signal("CONT"),
    }
    kafka.gives_up_who_is_gone();
    let args = kafka.args("j", &input, &["--drain"]);
    folder.tollgate(&strs(&args)).exits(1);
    assert_eq!(first_of_each(&kafka), expected);
}

/// The disk of a broker is lost, and its topics are made anew. What the journal knows is not done again.
#[test]
fn a_broker_that_lost_its_disk_is_read_from_the_first_and_pays_nothing_twice() {
    if !Kafka::has_tansu() {
        return;
    }
    let mut kafka = Kafka::tansu(1);
    let rides = rides(10, 200);
    let (expected, _) = expected(&rides);
    kafka.send(&rides, 1);
    let folder = Folder::new("stream-kafka-lost").with("a.rules", model::RULES);
    let args = kafka.args("j", &format!("group=g&{CLAIM}"), &["--drain"]);
    folder.tollgate(&strs(&args));
    assert_eq!(kafka.lines("actions"), expected);
    kafka.go();
    kafka.forget();
    kafka.come();
    assert_eq!(kafka.count("actions"), 0);
    // Whoever sends begins again somewhere.
    kafka.send(&rides[100..], 1);
    let ended = folder.tollgate(&strs(&args));
    ended
        .says("has fewer messages in partition 0 than were read, and is read from the first")
        .says("0 decided");
    assert_eq!(kafka.count("actions"), 0);
}

#[test]
fn a_group_that_does_not_take_how_far_it_is_read_is_said_and_nothing_ends() {
    let mut kafka = Kafka::mock(1);
    let rides = rides(15, 300);
    let (expected, _) = expected(&rides);
    kafka.send(&rides, 1);
    let folder = Folder::new("stream-kafka-untold").with("a.rules", model::RULES);
    let args = kafka.args("j1", &format!("group=g&{CLAIM}"), &["--drain"]);
    kafka.tell("3");
    folder
        .tollgate(&strs(&args))
        .says("did not take how far it is read: ")
        .says("; the journal has it, other members may decide some messages again)")
        .says("did not take how far it is read 3 of ");
    assert_eq!(kafka.lines("actions"), expected);
    // It goes on behind, by the journal, and so does another one, by what the group was told since.
    folder.tollgate(&strs(&args)).exits(0).says("0 decided");
    let other = kafka.args("j2", &format!("group=g&{CLAIM}"), &["--drain"]);
    folder.tollgate(&strs(&other)).exits(0).says("0 decided");
    // Told nothing at all, another one decides all of it again, and the first does not.
    kafka.tell("1000");
    let args = kafka.args("j3", &format!("group=h&{CLAIM}"), &["--drain"]);
    let ended = folder.tollgate(&strs(&args));
    let last = ended.err.rsplit("did not take how far it is read ").next();
    let (failed, all) = last
        .and_then(|last| last.split_once(" of "))
        .expect("it is said");
    assert!(all.starts_with(&format!("{failed} times)")), "{ended:?}");
    let twice = [&expected[..], &expected[..]].concat();
    assert_eq!(kafka.lines("actions"), twice);
    folder.tollgate(&strs(&args)).exits(0).says("0 decided");
    let other = kafka.args("j4", &format!("group=h&{CLAIM}"), &["--drain"]);
    folder.tollgate(&strs(&other)).says(" duplicates");
    assert_eq!(kafka.count("actions"), 3 * expected.len());
}

#[test]
fn what_cannot_be_read_from_a_kafka_is_said() {
    let folder = Folder::new("stream-kafka-usage").with("a.rules", model::RULES);
    let says = |input: &str, more: &[&str], text: &str| {
        let args = ["stream", "a.rules", "--journal", "j", "--input", input];
        let all: Vec<&str> = args.iter().chain(more).copied().collect();
        folder.tollgate(&all).exits(2).says(text);
    };
    let nobody = "kafka://127.0.0.1:1/rides";
    says(
        nobody,
        &[],
        "kafka://127.0.0.1:1/rides: say for which group of consumers it is read, ?group=…",
    );
    says("kafka://127.0.0.1:1", &[], "say which topic it is");
    says(
        &format!("{nobody}?topic=s"),
        &[],
        "has no setting `topic`; there is group, partitions",
    );
    says(
        &format!("{nobody}?group=g&partitions=a"),
        &[],
        "`partitions` are numbers from 0",
    );
    let all = format!("{nobody}?group=g&timeout=1s");
    says(&all, &[], "kafka://127.0.0.1:1/rides does not answer");
    says(
        "-",
        &["--output", "kafka://127.0.0.1:1/actions?group=g"],
        "there is longest, timeout",
    );
    let kafka = Kafka::mock(2);
    let wrong = format!("{}?group=g&partitions=1,2", kafka.url("rides"));
    says(&wrong, &[], "has no partition 2: there are 2, from 0");
}
