//! `tollgate run` on several threads: the output is that of one.

use std::io::{BufRead, BufReader, Write};

use super::{Folder, ended};

const RULES: &str = "edition 2026
module p
record Item { n: Int, pad: String = \"\" }
ruleset half(item: Item) -> Int hit first {
  rule all when item.n > 0 then item.n
  otherwise 0
}
ruleset chance(n: Int) -> Duration hit first { otherwise jitter(0s, 1s) }
";

fn folder(name: &str) -> Folder {
    Folder::new(name).with("p.rules", RULES)
}

fn args<'a>(entry: &'a str, jobs: &'a str) -> [&'a str; 7] {
    ["run", "p.rules", entry, "--input", "-", "--jobs", jobs]
}

/// Lines of very different lengths, blank ones, and records that are refused: several megabytes, so many blocks.
fn input() -> (String, Vec<Option<u64>>) {
    let (mut lines, mut expected) = (String::new(), Vec::new());
    for n in 1..=30_000u64 {
        match n % 97 {
            0 => lines.push_str("   \n"),
            1 => {
                lines.push_str("{\"n\": \"x\"}\n");
                expected.push(None);
            }
            k => {
                let pad =
                    "x".repeat((k * k % 211) as usize + if n % 5_000 == 0 { 60_000 } else { 0 });
                lines.push_str(&format!("{{\"n\": {n}, \"pad\": \"{pad}\"}}\n"));
                expected.push(Some(n));
            }
        }
    }
    (lines, expected)
}

#[test]
fn the_output_has_the_order_of_the_input() {
    let (lines, expected) = input();
    let ended = folder("parallel-order")
        .tollgate_with(&args("half", "4"), lines.as_bytes())
        .exits(1)
        .says("29,381 decided, 310 refused")
        .says("(300 more refusals are in the output)");
    let found = ended.json();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found["value"].as_u64(), *expected, "{found}");
    }
    let shown: Vec<&str> = ended
        .err
        .lines()
        .filter(|l| l.starts_with("line "))
        .collect();
    let first: Vec<String> = (0..10)
        .map(|i| format!("line {} refused: n = \"x\":", 97 * i + 1))
        .collect();
    assert_eq!(shown.len(), 10);
    for (shown, first) in shown.iter().zip(&first) {
        assert!(shown.starts_with(first.as_str()), "{shown} and {first}");
    }
}

#[test]
fn one_thread_and_four_say_the_same() {
    let (lines, _) = input();
    let folder = folder("parallel-same");
    let one = folder.tollgate_with(&args("half", "1"), lines.as_bytes());
    let four = folder.tollgate_with(&args("half", "4"), lines.as_bytes());
    assert_eq!((one.code, &one.out), (four.code, &four.out));
    // All but the times.
    let said = |err: &str| err.lines().filter(|l| !l.contains(" a second")).count();
    assert_eq!(said(&one.err), said(&four.err));
}

/// A decision's id is its line's number, whoever decides.
#[test]
fn ids_do_not_depend_on_the_threads() {
    let lines: String = (0..50_000).map(|n| format!("{n}\n")).collect();
    let folder = folder("parallel-ids");
    let one = folder.tollgate_with(&args("chance", "1"), lines.as_bytes());
    let three = folder.tollgate_with(&args("chance", "3"), lines.as_bytes());
    let mut values: Vec<&str> = one.out.lines().collect();
    assert_eq!(values, three.out.lines().collect::<Vec<_>>());
    values.sort_unstable();
    values.dedup();
    assert!(values.len() > 40_000, "{}", values.len());
}

#[test]
fn no_threads_are_none_at_all() {
    folder("parallel-none")
        .tollgate_with(&args("half", "0"), b"")
        .exits(2)
        .says("--jobs");
}

/// What comes slowly is answered as it comes.
#[test]
fn a_line_is_decided_when_it_is_there() {
    let folder = folder("parallel-slow");
    let mut child = folder.start(&args("half", "2"), &[]);
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    for n in 1..=3 {
        writeln!(stdin, "{{\"n\": {n}}}").expect("it is read");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it is answered");
        assert_eq!(line, format!("{{\"value\":{n},\"by\":\"all\"}}\n"));
    }
    drop(stdin);
    ended(&["run"], child).exits(0).says("3 decided, 0 refused");
}

/// Nobody waits for input that may never come once the reader of the output has gone.
#[test]
fn a_reader_that_has_gone_ends_it_though_input_may_come() {
    let folder = folder("parallel-gone");
    let mut child = folder.start(&args("half", "3"), &[]);
    let mut stdin = child.stdin.take().expect("it is piped");
    drop(child.stdout.take());
    writeln!(stdin, "{{\"n\": 1}}").expect("it is read");
    // The input stays open.
    ended(&["run"], child).exits(0);
    drop(stdin);
}
