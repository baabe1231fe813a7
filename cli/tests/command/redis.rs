//! A real Redis for tests, and states that are kept in one (`--store`).
//!
//! Where there is no `redis-server` on the path, tests that need one say so and do nothing; `cargo xtask ci` installs it where it can.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use super::{Folder, PATIENCE};

/// A server of a test's own, which forgets nothing that it has confirmed when it is killed.
pub(super) struct Redis {
    child: Option<Child>,
    port: u16,
    folder: PathBuf,
}

impl Redis {
    /// Nothing, and a word, where there is no server to start.
    pub(super) fn start() -> Option<Redis> {
        let path = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&path).any(|folder| folder.join("redis-server").is_file()) {
            println!("left out: there is no redis-server on the path");
            return None;
        }
        let port = free_port();
        let folder = env::temp_dir().join(format!("tollgate-redis-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder can be made");
        let mut redis = Redis {
            child: None,
            port,
            folder,
        };
        redis.run();
        Some(redis)
    }

    pub(super) fn run(&mut self) {
        let port = self.port.to_string();
        let args = ["--port", &port, "--bind", "127.0.0.1", "--save", ""];
        let child = Command::new("redis-server")
            .args(args)
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            .current_dir(&self.folder)
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.expect("it is on the path"));
        let began = Instant::now();
        while self.try_say(&["PING"]).as_deref() != Some("PONG") {
            assert!(began.elapsed() < PATIENCE, "redis-server did not start");
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is ours");
            child.wait().expect("it is ours");
        }
    }

    /// `STOP` or `CONT`.
    pub(super) fn signal(&self, signal: &str) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        let status = Command::new("kill")
            .args([format!("-{signal}"), id])
            .status();
        assert!(status.expect("there is kill").success());
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// What the server says to a command: a text, a number, or the texts and numbers of a list, one a line.
    pub(super) fn say(&self, words: &[&str]) -> String {
        self.try_say(words).expect("it answers")
    }

    fn try_say(&self, words: &[&str]) -> Option<String> {
        self.try_all(&[words]).map(|mut answers| answers.remove(0))
    }

    /// The same for many commands, which are sent at once.
    pub(super) fn try_all(&self, commands: &[&[&str]]) -> Option<Vec<String>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut sent = String::new();
        for words in commands {
            sent += &format!("*{}\r\n", words.len());
            for word in *words {
                sent += &format!("${}\r\n{word}\r\n", word.len());
            }
        }
        stream.write_all(sent.as_bytes()).ok()?;
        let mut stream = BufReader::new(stream);
        commands.iter().map(|_| answer(&mut stream)).collect()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it has one").port()
}

/// One answer of the protocol.
fn answer(from: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    from.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let rest = line[1..].trim_end();
    match line.as_bytes()[0] {
        b'$' if rest != "-1" => {
            let mut bytes = vec![0; rest.parse::<usize>().ok()? + 2];
            from.read_exact(&mut bytes).ok()?;
            bytes.truncate(bytes.len() - 2);
            String::from_utf8(bytes).ok()
        }
        b'*' if rest != "-1" => {
            let items: Option<Vec<String>> =
                (0..rest.parse().ok()?).map(|_| answer(from)).collect();
            items.map(|items| items.join("\n"))
        }
        _ => Some(rest.to_owned()),
    }
}

const RULES: &str = r#"state calls: TokenBucket by String {
  rate: 1 per 1h, burst: 2, max_keys: 100, store: redis.limits, on_failure: deny
}
state paid: Seen by String { keep: 1h, max_keys: 100, store: redis.paid, on_failure: deny }
ruleset admit(user: String) -> String hit first {
  rule no when not calls[user].take().granted then "no"
  otherwise "yes"
}
ruleset pay(user: String) -> [Int] hit all {
  rule pay when user != "" once paid[user] then 1
}
"#;

#[test]
fn runs_share_what_is_kept_in_a_redis() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let folder = Folder::new("store").with("a.rules", RULES);
    let (limits, paid) = (
        format!("redis.limits={}?timeout=10s&prefix=a", redis.url()),
        format!("redis.paid={}?timeout=10s&prefix=b", redis.url()),
    );
    let decide = |entry: &str, input: &str| {
        let args = ["run", "a.rules", entry, "--input", "-"];
        let stores = ["--store", &limits, "--store", &paid];
        let all: Vec<&str> = args.iter().chain(&stores).copied().collect();
        let ended = folder.tollgate_with(&all, input.as_bytes()).exits(0);
        let values = ended.json();
        let text = |value: &serde_json::Value| value["value"].to_string();
        values.iter().map(text).collect::<Vec<_>>()
    };
    let (yes, no) = ("\"yes\"", "\"no\"");
    assert_eq!(decide("admit", "\"ann\"\n\"bob\"\n"), [yes, yes]);
    assert_eq!(decide("admit", "\"ann\"\n\"ann\"\n"), [yes, no]);
    // The first line of another run is no retry of the first line of this one.
    assert_eq!(decide("pay", "\"ann\"\n\"ann\"\n"), ["[1]", "[]"]);
    assert_eq!(decide("pay", "\"ann\"\n"), ["[]"]);
    assert!(redis.say(&["KEYS", "a:*"]).contains("ann"));
    // A server that is not there: `on_failure` decides, and nothing else is said.
    redis.kill();
    assert_eq!(decide("admit", "\"new\"\n"), [no]);
    assert_eq!(decide("pay", "\"new\"\n"), ["[]"]);
}

#[test]
fn a_store_that_is_missing_or_wrong_is_said() {
    let folder = Folder::new("store-usage").with("a.rules", RULES);
    let says = |stores: &[&str], text: &str| {
        let args = ["run", "a.rules", "admit", "--input", "-"];
        let stores = stores.iter().flat_map(|store| ["--store", store]);
        let all: Vec<&str> = args.into_iter().chain(stores).collect();
        folder.tollgate(&all).exits(2).says(text);
    };
    says(
        &[],
        "state `calls` is kept in the store `redis.limits`: say where that is, --store redis.limits=redis://127.0.0.1:6379/0",
    );
    let limits = "redis.limits=redis://127.0.0.1:1/";
    says(&[limits], "--store redis.paid=");
    says(&[limits, limits], "the store `redis.limits` is there twice");
    let paid = "redis.paid=redis://127.0.0.1:1/";
    says(
        &[limits, paid, "redis.pay=redis://127.0.0.1:1/"],
        "no state is kept in the store `redis.pay`: the rules keep their states in `redis.limits`, `redis.paid`",
    );
    says(&["redis.limits"], "expected NAME=URL");
    says(&["redis.limits=ftp://h/"], "not an address of a Redis");
    says(
        &["redis.limits=redis://h/?wait=1s"],
        "redis://h/ has no setting `wait`; there is timeout, patience,",
    );
}
