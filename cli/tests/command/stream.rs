//! `tollgate stream`: each action once, whatever ends the process.

#[cfg(feature = "redis")]
mod broker;
#[cfg(feature = "kafka")]
mod kafka;
mod model;
#[cfg(any(feature = "redis", feature = "kafka"))]
#[cfg_attr(not(feature = "redis"), allow(dead_code))]
mod shared;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::model::{Ride, rewards, rides};
use super::{Ended, Folder, PATIENCE, ended};

const STREAM: &[&str] = &[
    "stream",
    "ride.rules",
    "--input",
    "rides.jsonl",
    "--journal",
    "journal",
    "--output",
    "actions.jsonl",
    "--dead-letter",
    "dead.jsonl",
    "--batch",
    "20",
    "--segment",
    "1",
];

/// The same rules, and a folder for a journal.
fn folder(name: &str, rides: &str) -> Folder {
    Folder::new(name)
        .with("ride.rules", model::RULES)
        .with("rides.jsonl", rides)
}

fn lines(rides: &[Ride]) -> String {
    rides.iter().map(|ride| ride.line.clone() + "\n").collect()
}

/// Runs until the output has so many bytes, and kills it then; false if it ended before.
fn kill_at(folder: &Folder, bytes: u64) -> bool {
    let mut child = folder.start(STREAM, &[]);
    drop(child.stdin.take());
    let output = folder.path().join("actions.jsonl");
    let began = Instant::now();
    while fs::metadata(&output).map_or(0, |m| m.len()) < bytes {
        assert!(began.elapsed() < PATIENCE, "the output does not grow");
        if child.try_wait().expect("its state is known").is_some() {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    // On Unix this is SIGKILL: nothing of the process runs any more.
    child.kill().expect("it can be killed");
    let killed = child.wait().expect("it ends").code().is_none();
    killed && fs::read_to_string(&output).is_ok()
}

/// What the budget holds in a journal that was ended: what all spent, and each key.
fn spent(journal: &Path) -> (i64, Vec<(String, i64)>) {
    let snapshot = fs::read_dir(journal).expect("a journal").find_map(|file| {
        let path = file.expect("a file").path();
        (path.extension()? == "snapshot").then_some(path)
    });
    let bytes = fs::read(snapshot.expect("a snapshot")).expect("it is readable");
    let begun: Value = serde_json::from_slice(&bytes[12..]).expect("the payload is JSON");
    let states = begun["held"]["states"]["states"]
        .as_array()
        .expect("states");
    let budget = states.iter().find_map(|state| state["kept"].get("Budget"));
    let budget = budget.expect("there is a budget");
    let key = |entry: &Value| {
        let bytes: Vec<u8> = serde_json::from_value(entry[0].clone()).expect("bytes");
        (
            String::from_utf8(bytes).expect("text"),
            entry[1].as_i64().expect("cents"),
        )
    };
    let mut keys: Vec<_> = budget["keys"]["keys"]
        .as_array()
        .expect("keys")
        .iter()
        .map(key)
        .collect();
    keys.sort();
    (budget["purse"]["total"].as_i64().expect("cents"), keys)
}

#[test]
fn three_kills_in_the_middle_change_nothing() {
    for seed in [1, 2] {
        let rides = rides(seed, 1_500);
        let expected = rewards(&rides);
        let calm = folder(&format!("stream-calm-{seed}"), &lines(&rides));
        calm.tollgate(STREAM).exits(1);
        assert_eq!(calm.read("actions.jsonl"), expected.output, "seed {seed}");
        assert_eq!(calm.read("dead.jsonl").lines().count(), expected.dead);
        assert!(
            expected.dead > 20 && expected.duplicates > 1_000 && expected.refused_by_budget > 5
        );
        let held = spent(&calm.path().join("journal"));
        assert_eq!(
            held,
            (
                expected.spent.values().sum(),
                expected.spent.clone().into_iter().collect()
            )
        );

        let torn = folder(&format!("stream-torn-{seed}"), &lines(&rides));
        let whole = expected.output.len() as u64;
        for third in 0..3 {
            let at = whole * (third * 28 + 10 + seed * 3) / 100;
            assert!(
                kill_at(&torn, at),
                "seed {seed}: it ended before {at} bytes"
            );
            assert!((torn.read("actions.jsonl").len() as u64) < whole);
        }
        let ended = torn.tollgate(STREAM).exits(1);
        assert_eq!(
            torn.read("actions.jsonl"),
            expected.output,
            "seed {seed}: {ended:?}"
        );
        assert_eq!(torn.read("dead.jsonl"), calm.read("dead.jsonl"));
        assert_eq!(spent(&torn.path().join("journal")), held);
        // All of it once more is nothing but duplicates, and what was no event.
        let again = [
            "stream",
            "ride.rules",
            "--input",
            "-",
            "--journal",
            "journal",
        ];
        let all = torn.tollgate_with(&again, lines(&rides).as_bytes());
        let none = all.exits(1).says("0 decided (0 actions)");
        none.prints_lines(&[]);
    }
}

/// What is on standard output after a crash comes from the journal: at least once, and with the same ids.
#[test]
fn standard_output_has_the_last_batch_again() {
    let folder = folder("stream-output", "");
    let ride = |n: u32| {
        format!(
            "{{\"id\":\"r{n}\",\"user\":\"u{n}\",\"fare\":\"60.00 SGD\",\"at\":\"2026-11-02T09:00:00Z\"}}\n"
        )
    };
    let args = ["stream", "ride.rules", "--journal", "journal"];
    let mut child = folder.start(&args, &[]);
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut out = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut printed = Vec::new();
    for n in 1..=2 {
        stdin.write_all(ride(n).as_bytes()).expect("it reads");
        // What is there is not kept waiting for more.
        printed.push(out.next().expect("an action").expect("a line"));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    assert!(
        printed[1].contains("\"id\":\"r2/rewards/0\""),
        "{printed:?}"
    );
    let input = format!("{}{}", ride(2), ride(3));
    let ended = folder.tollgate_with(&args, input.as_bytes()).exits(0);
    let found: Vec<&str> = ended.out.lines().collect();
    assert_eq!(found[0], printed[1], "the last batch again");
    assert!(
        found[1].contains("r3/rewards/0") && found.len() == 2,
        "{found:?}"
    );
    ended.says("1 decided (1 actions), 1 duplicates");
    // Behind a clean end there is nothing to say again.
    folder.tollgate_with(&args, b"").exits(0).prints_lines(&[]);
}

#[test]
fn a_request_to_end_ends_behind_a_batch() {
    let rides = rides(3, 400);
    let folder = folder("stream-ends", "");
    let mut child = folder.start(&["stream", "ride.rules", "--journal", "journal"], &[]);
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(lines(&rides).as_bytes()).expect("it reads");
    let log = folder.path().join("journal");
    let began = Instant::now();
    // It has read something, and waits for more.
    while !fs::read_dir(&log).is_ok_and(|mut files| {
        files.any(|file| {
            file.is_ok_and(|f| {
                f.metadata()
                    .is_ok_and(|m| f.path().extension().is_some_and(|e| e == "log") && m.len() > 0)
            })
        })
    }) {
        assert!(began.elapsed() < PATIENCE, "nothing is committed");
        thread::sleep(Duration::from_millis(5));
    }
    terminate(&child);
    let ended = ended(&["stream"], child);
    drop(stdin);
    assert!(ended.code == Some(0) || ended.code == Some(1), "{ended:?}");
    let first = ended.says(" decided (").out;
    // All of it again: together it is what it would have been at once.
    let args = ["stream", "ride.rules", "--journal", "journal"];
    let second = folder.tollgate_with(&args, lines(&rides).as_bytes());
    assert_eq!(first + &second.exits(1).out, rewards(&rides).output);
}

fn terminate(child: &Child) {
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(killed.expect("there is kill").success());
}

/// A folder whose stream was killed, with a log that has several batches.
fn interrupted(name: &str) -> (Folder, String) {
    let folder = folder(name, &lines(&rides(4, 600)));
    assert!(kill_at(&folder, 3_000), "it was killed");
    let log = fs::read_dir(folder.path().join("journal"))
        .expect("a journal")
        .find_map(|file| {
            let name = file
                .expect("a file")
                .file_name()
                .into_string()
                .expect("text");
            name.ends_with(".log").then_some(name)
        });
    let log = format!("journal/{}", log.expect("a log"));
    assert!(
        fs::metadata(folder.path().join(&log))
            .expect("it is there")
            .len()
            > 500
    );
    (folder, log)
}

#[test]
fn a_journal_that_is_damaged_is_refused_and_a_torn_end_is_cut_off() {
    let (folder, log) = interrupted("stream-damage");
    let path = folder.path().join(&log);
    let whole = fs::read(&path).expect("it is readable");
    let refused = |bytes: &[u8], reason: &str| {
        fs::write(&path, bytes).expect("it is written");
        let before = folder.read("actions.jsonl");
        folder
            .tollgate(STREAM)
            .exits(2)
            .says("the journal is damaged")
            .says(reason);
        assert_eq!(folder.read("actions.jsonl"), before, "nothing was done");
        assert_eq!(
            fs::read(&path).expect("it is readable"),
            bytes,
            "nothing was done"
        );
    };
    // A byte of a head, and one of a payload.
    for (at, reason) in [
        (2, "the head of a record has another checksum"),
        (40, "a record has another checksum"),
    ] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        refused(&bytes, reason);
    }
    // A record is missing in the middle.
    let first = 12 + u32::from_le_bytes([whole[0], whole[1], whole[2], whole[3]]) as usize;
    refused(&whole[first..], "batch 1 stands where 0 belongs");
    fs::remove_file(&path).expect("it is there");
    folder.tollgate(STREAM).exits(2).says(&log);
    // The crash itself: the last record is not whole.
    fs::write(&path, &whole[..whole.len() - 3]).expect("it is written");
    folder
        .tollgate(STREAM)
        .exits(1)
        .says("bytes of one that was not committed are cut off");
    assert_eq!(folder.read("actions.jsonl"), rewards(&rides(4, 600)).output);
}

#[test]
fn files_that_are_not_those_of_the_journal_are_refused() {
    let (folder, _) = interrupted("stream-files");
    let other: Vec<&str> = STREAM
        .iter()
        .map(|arg| {
            if *arg == "actions.jsonl" {
                "other.jsonl"
            } else {
                *arg
            }
        })
        .collect();
    folder
        .tollgate(&other)
        .exits(2)
        .says("has still to write to actions.jsonl");
    folder.tollgate(STREAM).exits(1);
    // Behind a clean end another output may be begun.
    folder.tollgate(&other).exits(0);
    fs::write(folder.path().join("other.jsonl"), "").expect("it is written");
    fs::write(folder.path().join("rides.jsonl"), "{}\n").expect("it is written");
    folder
        .tollgate(&other)
        .exits(2)
        .says("rides.jsonl was read up to byte");
    let input = [
        "stream",
        "ride.rules",
        "--journal",
        "journal",
        "--output",
        "actions.jsonl",
    ];
    fs::write(folder.path().join("actions.jsonl"), "").expect("it is written");
    // The journal now knows `other.jsonl`, so this one is begun.
    folder.tollgate(&input).exits(0);
}

/// What was decided stays, and what comes is decided by the new rules, about states that hold what they held.
#[test]
fn rules_may_change_while_a_stream_stands() {
    let (folder, _) = interrupted("stream-rules");
    let before = folder.read("actions.jsonl");
    let rules = folder.path().join("ride.rules");
    let changed = model::RULES.replace("reward(e.user, 8.00 SGD)", "reward(e.user, 7.00 SGD)");
    fs::write(&rules, changed).expect("it is written");
    folder.tollgate(STREAM).exits(1).says("resumed behind");
    let after = folder.read("actions.jsonl");
    assert!(after.starts_with(&before));
    let first = after.find("7.00 SGD").expect("the new rules decide");
    assert!(after[..first].contains("8.00 SGD") && !after[first..].contains("8.00 SGD"));
    let id = |line: &str| line.split(',').next().map(str::to_owned);
    let ids: std::collections::HashSet<_> = after.lines().map(id).collect();
    assert_eq!(ids.len(), after.lines().count(), "each action once");
    let renamed = model::RULES.replace("spent", "purse");
    fs::write(&rules, renamed).expect("it is written");
    let ended = folder.tollgate(STREAM).exits(0);
    ended.says("not declared any more, and are forgotten: 1");
}

#[test]
fn what_cannot_be_streamed_is_said() {
    let folder = folder("stream-usage", "")
        .with("none.rules", "ruleset yes(n: Int) -> Bool hit first { otherwise true }\n")
        .with(
            "bool.rules",
            "record R { id: String, at: Instant }\nstream s: R { id: event.id, time: event.at, dedupe: 1d }\n\
             stream t: R { id: event.id, time: event.at, dedupe: 1d }\n\
             ruleset yes(e: R) -> Bool on s hit first { otherwise true }\n",
        );
    let says = |args: &[&str], text: &str| {
        let all: Vec<&str> = ["stream"]
            .iter()
            .chain(args)
            .chain(&["--journal", "j"])
            .copied()
            .collect();
        folder.tollgate(&all).exits(2).says(text);
    };
    says(&["none.rules"], "none.rules declares no stream");
    says(&["bool.rules"], "choose one of s, t with --stream");
    says(
        &["bool.rules", "--stream", "s"],
        "`yes` gives no list of actions",
    );
    says(
        &["bool.rules", "--stream", "t"],
        "no rule set decides about `t`",
    );
    says(
        &["bool.rules", "--stream", "u"],
        "the rules declare no stream `u`; there is s, t",
    );
    says(&["ride.rules", "--batch", "0"], "--batch");
    if cfg!(not(feature = "kafka")) {
        says(
            &[
                "ride.rules",
                "--input",
                "kafka://127.0.0.1:9092/rides?group=g",
            ],
            "this tollgate was built without kafka://: install compilers of C and C++, make, pkg-config and OpenSSL's headers, which `cargo xtask kafka` does on Debian and Ubuntu, and build with `--features kafka`",
        );
    }
    #[cfg(feature = "redis")]
    says(
        &["ride.rules", "--store", "redis.x=redis://127.0.0.1:1/"],
        "no state is kept in the store `redis.x`: the rules keep their states in `local`",
    );
    folder
        .tollgate(&["stream", "ride.rules"])
        .exits(2)
        .says("--journal");
}

#[test]
fn no_more_ids_are_remembered_than_allowed_and_what_was_decided_stays() {
    let rides: String = (0..5)
        .map(|n| format!("{{\"id\":\"r{n}\",\"user\":\"u{n}\",\"fare\":\"60.00 SGD\",\"at\":\"2026-11-02T09:00:00Z\"}}\n"))
        .collect();
    let folder = folder("stream-ids", &rides);
    let args = [
        "stream",
        "ride.rules",
        "--input",
        "rides.jsonl",
        "--journal",
        "journal",
        "--output",
        "actions.jsonl",
    ];
    let few: Vec<&str> = args.iter().chain(&["--ids", "3"]).copied().collect();
    folder
        .tollgate(&few)
        .exits(2)
        .says("the stream `rides` cannot remember one more id");
    assert_eq!(folder.read("actions.jsonl").lines().count(), 3);
    folder.tollgate(&args).exits(0).says("2 decided");
    assert_eq!(folder.read("actions.jsonl").lines().count(), 5);
}

#[test]
fn a_journal_has_one_process() {
    let folder = folder("stream-lock", "");
    let args = ["stream", "ride.rules", "--journal", "journal"];
    let mut child = folder.start(&args, &[]);
    let began = Instant::now();
    while !folder.path().join("journal/0.snapshot").exists() {
        assert!(began.elapsed() < PATIENCE, "no journal is made");
        thread::sleep(Duration::from_millis(5));
    }
    folder
        .tollgate(&args)
        .exits(2)
        .says("only one process can write it");
    drop(child.stdin.take());
    ended(&args, child).exits(0);
}

/// A thousand campaigns over recorded trips, each delivered twice: what a script pays that knows nothing of rules.
#[test]
fn a_thousand_campaigns_pay_what_a_script_pays() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let trips = root.join("../../shared/data/nyc-taxi-sample/taxis.csv.gz");
    if !trips.is_file() {
        eprintln!("the trips are not here: {}", trips.display());
        return;
    }
    let folder = Folder::new("stream-taxis");
    let script = root.join("tests/command/stream/taxis.py");
    let made = Command::new("python3")
        .arg(script)
        .arg(&trips)
        .arg(folder.path())
        .status();
    assert!(made.expect("there is Python").success());
    let args = [
        "stream",
        "campaign.rules",
        "--input",
        "rides.jsonl",
        "--journal",
        "journal",
        "--output",
        "actions.jsonl",
    ];
    let Ended { err, .. } = folder.tollgate(&args).exits(0);
    assert!(
        err.contains("6,446 decided") && err.contains("6,446 duplicates"),
        "{err}"
    );
    let parse = |text: String| -> Vec<Value> {
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    };
    let (found, expected) = (
        parse(folder.read("actions.jsonl")),
        parse(folder.read("expected.jsonl")),
    );
    assert_eq!(found.len(), expected.len());
    assert!(expected.len() > 500);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(
            (&found["id"], &found["action"]),
            (&expected["id"], &expected["action"])
        );
    }
}
