//! `tollgate repl`: through a pipe, through a terminal, and as the book shows it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{Ended, Folder, PATIENCE, ended};

const RULES: &str = "edition 2026
module size

ruleset size(n: Int) -> String hit first {
  rule small when n < 10 then \"small\"
  otherwise \"large\"
}
";

fn typed(name: &str, args: &[&str], lines: &str) -> Ended {
    let folder = Folder::new(name).with("size.rules", RULES);
    let args: Vec<&str> = ["repl"].iter().chain(args).copied().collect();
    folder.tollgate_with(&args, lines.as_bytes())
}

#[test]
fn expressions_bindings_and_declarations_are_answered() {
    let lines = "1 + 2\nlet n = 3\nfn twice(a: Int in 0 .. 100) -> Int =\n  a * 2\ntwice(n)\n";
    typed("repl-answers", &[], lines).exits(0).prints_lines(&[
        "3",
        "n: Int in 3 .. 3",
        "declared twice",
        "6",
    ]);
}

#[test]
fn rules_go_into_the_rule_set_before_them() {
    let lines = "size(20)\nrule medium when n < 50 then \"medium\"\nsize(20)\nrule small when n < 5 then \"tiny\"\n\
                 size(7)\nsize(3)\notherwise \"huge\"\nsize(60)\n";
    typed("repl-rules", &["size.rules"], lines)
        .exits(0)
        .prints_lines(&[
            "loaded size.rules",
            "\"large\" by otherwise",
            "added to size",
            "\"medium\" by medium",
            "added to size",
            "\"medium\" by medium",
            "\"tiny\" by small",
            "added to size",
            "\"huge\" by otherwise",
        ]);
}

#[test]
fn what_does_not_fit_is_drawn_and_changes_nothing() {
    let lines = "let n = 3\nn + m\nn = 4\nfn f() -> Int = \"x\"\nf()\nlet n = m\nn\n";
    let ended = typed("repl-mistakes", &[], lines).exits(1);
    for said in [
        "error[unknown-name]",
        "<2>:1:5",
        "error[type-mismatch]",
        "error[unexpected-token]",
    ] {
        assert!(ended.out.contains(said), "{said}: {ended:#?}");
    }
    assert_eq!(ended.out.lines().last(), Some("3"));
    assert_eq!(ended.err, "");
}

#[test]
fn files_are_loaded_again_and_facts_decided() {
    let folder = Folder::new("repl-files")
        .with("size.rules", RULES)
        .with("facts.jsonl", "5\n\n50\n\"x\"\n");
    let lines = ":load size.rules\nfn two() -> Int = 2\n:facts facts.jsonl\n:reload\nsize(two())\n:load none.rules\n\
                 :facts\n:nonsense\n:t 1\n:ty 1\n:quit\n1\n";
    let ended = folder.tollgate_with(&["repl"], lines.as_bytes()).exits(1);
    let out: Vec<&str> = ended.out.lines().collect();
    assert_eq!(
        out,
        [
            "loaded size.rules",
            "declared two",
            r#"{"value":"small","by":"small"}"#,
            r#"{"value":"large","by":"otherwise"}"#,
            out[4],
            "loaded size.rules",
            "\"small\" by small",
            out[7],
            "error: name a file of JSON lines: `:facts requests.jsonl route`",
            "error: there is no command `:nonsense`; `:help` lists all",
            "error: there is no command `:t`; `:help` lists all",
            "Int in 1 .. 1",
        ]
    );
    assert!(out[4].starts_with("error: line 4: "), "{}", out[4]);
    assert!(
        out[7].starts_with("error: cannot read none.rules"),
        "{}",
        out[7]
    );
}

#[test]
fn stages_are_shown_of_the_program_and_of_an_expression() {
    let ended = typed(
        "repl-stages",
        &["size.rules"],
        ":ir\n:ir size(5)\n:asm size(5)\n:dag size\n:time size(5)\n",
    )
    .exits(0);
    for said in ["ruleset", "func ", "an evaluation (median of 11 rounds"] {
        assert!(ended.out.contains(said), "{said}: {ended:#?}");
    }
    // A number and no name is nothing to show a drawing of.
    typed("repl-no-set", &["size.rules"], ":dag sise\n")
        .exits(1)
        .prints("error: ");
}

#[test]
fn tests_that_fail_are_drawn() {
    let lines = "test \"sizes\" {\n  forall n: Int\n  expect size(n) == \"small\"\n}\n:test\n";
    let ended = typed("repl-test", &["size.rules"], lines).exits(1);
    for said in [
        "sizes FAILED",
        "expected `== \"small\"`, but it was \"large\" by otherwise",
        "no rule matched, so this decided",
        "  given n: Int = 10",
        "1 tests, 1 failed",
    ] {
        assert!(ended.out.contains(said), "{said}: {ended:#?}");
    }
}

#[test]
fn an_empty_line_and_the_end_of_the_input_end_what_is_not_complete() {
    typed("repl-open", &[], "fn f(\n\n1\n")
        .exits(1)
        .prints("error[");
    let ended = typed("repl-end", &[], "1\n(2 +").exits(1);
    assert!(ended.out.starts_with("1\nerror["), "{ended:#?}");
}

/// The sessions of the book's page, typed again.
#[test]
fn the_book_shows_what_happens() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the command stands in the project");
    let page = fs::read_to_string(root.join("docs/book/repl.md")).expect("the page is there");
    let mut lines = page.lines();
    let mut sessions = 0;
    while let Some(line) = lines.next() {
        let Some(files) = line.strip_prefix("```text session") else {
            continue;
        };
        sessions += 1;
        let session: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let typed: String = session
            .iter()
            .filter_map(|line| line.strip_prefix("> ").or_else(|| line.strip_prefix(". ")))
            .map(|line| format!("{line}\n"))
            .collect();
        let args: Vec<&str> = ["repl", "--transcript"]
            .into_iter()
            .chain(files.split_whitespace())
            .collect();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .args(&args)
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(typed.as_bytes()).expect("it is read");
        drop(stdin);
        let ended = ended(&args, child);
        let out: Vec<&str> = ended.out.lines().map(str::trim_end).collect();
        let out: Vec<&str> = out
            .into_iter()
            .skip_while(|line| line.starts_with("loaded "))
            .collect();
        assert_eq!(out, session, "{}", out.join("\n"));
    }
    assert_eq!(sessions, 4);
}

/// A terminal of our own, with a session in it.
struct Terminal {
    keys: File,
    screen: mpsc::Receiver<Vec<u8>>,
    seen: String,
    child: std::process::Child,
}

impl Terminal {
    fn new(folder: &Folder) -> Terminal {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("it is ours");
        unlockpt(&ours).expect("it is unlocked");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let name = name.to_str().expect("it is text").to_owned();
        let theirs = || {
            File::options()
                .read(true)
                .write(true)
                .open(&name)
                .expect("their end")
        };
        let child = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .args(["repl", "size.rules"])
            .current_dir(folder.path())
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .env("TOLLGATE_HISTORY", folder.path().join("history"))
            .stdin(theirs())
            .stdout(theirs())
            .stderr(theirs())
            .spawn()
            .expect("the binary starts");
        let keys = File::from(ours);
        let mut output = keys.try_clone().expect("a second end");
        let (send, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // When the other end is closed, reading fails.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                if send.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal {
            keys,
            screen,
            seen: String::new(),
            child,
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys
            .write_all(keys.as_bytes())
            .expect("the keys are taken");
    }

    /// Waits until a line can be typed: the terminal is told to mark what is pasted, and the prompt is there.
    #[track_caller]
    fn ready(&mut self) {
        self.shows("\x1b[?2004h");
        self.shows("> ");
    }

    /// Waits until the screen shows a text, and forgets everything up to it.
    #[track_caller]
    fn shows(&mut self, text: &str) {
        let began = Instant::now();
        while !self.seen.contains(text) {
            assert!(
                began.elapsed() < PATIENCE,
                "`{text}` is not shown: {:?}",
                self.seen
            );
            if let Ok(bytes) = self.screen.recv_timeout(Duration::from_millis(100)) {
                self.seen.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
        let end = self.seen.find(text).expect("it is there") + text.len();
        self.seen.drain(..end);
    }
}

#[test]
fn on_a_terminal_lines_are_edited_completed_coloured_and_remembered() {
    let folder = Folder::new("repl-terminal").with("size.rules", RULES);
    let mut terminal = Terminal::new(&folder);
    terminal.shows("`:help` says what can be typed");
    terminal.ready();
    // Control-C gives up a line; an item goes on until it is complete.
    terminal.press("nonsense\x03");
    terminal.ready();
    terminal.press("fn five() -> Int in 0 .. 9 =\r");
    terminal.press("5\r");
    terminal.shows("\x1b[35mfn\x1b[0m");
    terminal.shows("declared five");
    terminal.ready();
    // The tabulator completes: `siz` can only be `size`.
    terminal.press("siz\t(fiv\t())\r");
    terminal.shows("\"small\" by small");
    terminal.ready();
    // The arrow brings the last line back; it is changed before it is entered.
    terminal.press("\x1b[A\x7f + 45)\r");
    terminal.shows("\"large\" by otherwise");
    terminal.ready();
    terminal.press("\x04");
    let status = terminal.child.wait().expect("it ends");
    assert!(status.success(), "{status:?}");
    let history = folder.read("history");
    assert!(history.contains("size(five() + 45)"), "{history}");
    assert!(!history.contains("nonsense"), "{history}");
}
