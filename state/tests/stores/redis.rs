//! The Redis store against the model, with a real server that is killed, stopped and started again.
//!
//! Where there is no `redis-server` on the path, these tests say so and do nothing; `cargo xtask ci` installs it where it can.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use tollgate_state::{
    Answer, Ask, Charge, Declaration, Failure, Kind, Once, Operation, Outcome, Rate, Redis,
    Refused, Remember, Settings, Store,
};

use crate::model::Model;
use crate::operation;
use crate::random::{Random, any_numbers, perform, random_operations, trials, try_all};

/// Long enough for a machine that does much else.
const TIMEOUT: Duration = Duration::from_secs(5);

struct Server {
    child: Option<Child>,
    port: u16,
    folder: PathBuf,
    more: &'static [&'static str],
}

impl Server {
    /// Nothing, and a word, where there is no server to start.
    fn start(more: &'static [&'static str]) -> Option<Server> {
        let path = env::var_os("PATH").unwrap_or_default();
        if !env::split_paths(&path).any(|folder| folder.join("redis-server").is_file()) {
            println!("left out: there is no redis-server on the path");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .expect("a free port")
            .local_addr()
            .expect("it has one")
            .port();
        let folder = env::temp_dir().join(format!("tollgate-state-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder can be made");
        let mut server = Server {
            child: None,
            port,
            folder,
            more,
        };
        server.run();
        Some(server)
    }

    fn run(&mut self) {
        let child = Command::new("redis-server")
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .args(self.more)
            .current_dir(&self.folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("it is on the path");
        self.child = Some(child);
        for _ in 0..1000 {
            if self
                .say("PING")
                .is_some_and(|answer| answer.starts_with("+PONG"))
            {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("redis-server did not start");
    }

    /// What the server says to a command in a line.
    fn say(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(TIMEOUT)).ok()?;
        stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        let mut answer = vec![0; 1 << 20];
        let length = stream.read(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer[..length]).into_owned())
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        let status = Command::new("kill")
            .args([signal, &id])
            .status()
            .expect("kill runs");
        assert!(status.success());
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is ours");
            child.wait().expect("it is ours");
        }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    fn store(&self, declarations: &[Declaration], timeout: Duration) -> Redis {
        let settings = Settings {
            timeout,
            ..Settings::default()
        };
        Redis::new(&self.url(), declarations, settings).expect("they are right")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        // It is the machine's temporary folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn bucket(burst: i64) -> Declaration {
    let rate = Rate {
        count: 1,
        per_us: 1_000_000,
    };
    Declaration::new("bucket", Kind::TokenBucket { rate, burst }).max_keys(1000)
}

fn take(decision: &[u8]) -> Operation<'_> {
    operation(b"k", 0, decision, Ask::Take(1))
}

fn left(n: i64) -> Outcome {
    Outcome::Answer(Answer::Taken {
        granted: true,
        wait_us: None,
        left: n,
    })
}

const DOWN: Outcome = Outcome::Failed(Failure::Down);

#[test]
fn answers_as_the_model_does() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    for trial in trials() {
        for seed in 0..4 {
            server.say("FLUSHALL");
            try_all(
                &trial,
                seed,
                400,
                Box::new(server.store(&trial.declarations, TIMEOUT)),
                |store| store,
            );
        }
    }
}

/// In a cluster a script whose keys lie apart is refused, and so would be the operation.
#[test]
fn keys_of_an_operation_lie_together_in_a_cluster() {
    let Some(server) = Server::start(&["--cluster-enabled", "yes"]) else {
        return;
    };
    let added = server
        .say("CLUSTER ADDSLOTSRANGE 0 16383")
        .expect("it answers");
    assert!(added.starts_with("+OK"), "{added}");
    while !server
        .say("CLUSTER INFO")
        .is_some_and(|info| info.contains("cluster_state:ok"))
    {
        thread::sleep(Duration::from_millis(10));
    }
    for trial in trials() {
        try_all(
            &trial,
            2,
            100,
            Box::new(server.store(&trial.declarations, TIMEOUT)),
            |store| store,
        );
    }
}

/// Several batches of operations sent together are answered as one after the other.
#[test]
fn operations_sent_together_are_done_in_order() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    for trial in trials() {
        let store = server.store(&trial.declarations, TIMEOUT);
        let mut model = Model::new(&trial.declarations);
        let asked = random_operations(&trial, &mut Random::new(3), 600);
        let operations: Vec<Operation<'_>> = asked.iter().map(|asked| asked.operation()).collect();
        let mut outcomes = vec![DOWN];
        store.perform(&operations, &mut outcomes);
        let expected: Vec<Outcome> = operations
            .iter()
            .map(|operation| model.ask(operation))
            .collect();
        assert_eq!(outcomes[0], DOWN, "what was there stays");
        assert_eq!(outcomes[1..], expected, "{}", trial.name);
    }
}

/// Whatever the numbers, no script fails.
#[test]
fn any_number_is_answered() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    for trial in trials() {
        let store = server.store(&trial.declarations, TIMEOUT);
        let outcomes = any_numbers(&store, &mut Random::new(7), 1500);
        assert!(!outcomes.contains(&DOWN), "{}", trial.name);
    }
}

#[test]
fn everything_expires() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    for trial in trials() {
        let store = server.store(&trial.declarations, TIMEOUT);
        for asked in random_operations(&trial, &mut Random::new(3), 100) {
            perform(&store, &asked.operation());
        }
    }
    let stay = "EVAL \"local n = 0 for _, k in ipairs(redis.call('KEYS', '*')) do if redis.call('PTTL', k) < 0 then n = n + 1 end end return {#redis.call('KEYS', '*'), n}\" 0";
    let answer = server.say(stay).expect("it answers");
    let numbers: Vec<&str> = answer.lines().collect();
    assert_eq!(numbers[0], "*2");
    assert_eq!(numbers[2], ":0", "how many stay for ever");
    assert_ne!(numbers[1], ":0", "there were some");
}

#[test]
fn a_server_that_is_killed_fails_and_is_found_again() {
    let Some(mut server) = Server::start(&[]) else {
        return;
    };
    let store = server.store(&[bucket(10)], TIMEOUT);
    assert_eq!(perform(&store, &take(b"1")), left(9));
    server.kill();
    for _ in 0..100 {
        assert_eq!(perform(&store, &take(b"2")), DOWN);
    }
    server.run();
    // At most a second passes until connecting is tried again.
    let began = Instant::now();
    while perform(&store, &take(b"3")) == DOWN {
        assert!(began.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(
        perform(&store, &take(b"4")),
        left(8),
        "the server forgot everything and not its scripts"
    );
}

#[test]
fn a_server_that_is_stopped_fails_in_time_and_goes_on() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let timeout = Duration::from_millis(200);
    let remember = Remember {
        for_us: 1000,
        most: 100,
    };
    let store = server.store(&[bucket(10).remember(remember)], timeout);
    // The first may take long on a machine that does much else.
    while perform(&store, &take(b"1")) == DOWN {}
    server.signal("-STOP");
    let began = Instant::now();
    let operations = [take(b"2"), take(b"3"), take(b"4")];
    let mut outcomes = Vec::new();
    store.perform(&operations, &mut outcomes);
    assert_eq!(outcomes, [DOWN; 3]);
    // The timeout is for all of them. The bound is wide because other tests run at the same time.
    assert!(began.elapsed() < 10 * timeout, "{:?}", began.elapsed());
    server.signal("-CONT");
    let began = Instant::now();
    while perform(&store, &take(b"2")) == DOWN {
        assert!(began.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(10));
    }
    // Whether the three were done when the server went on or not: retries get the first answers, and nothing is taken twice.
    for decision in [b"1", b"2", b"3", b"4", b"4", b"2"] {
        while perform(&store, &take(decision)) == DOWN {}
    }
    while perform(&store, &take(b"5")) == DOWN {}
    assert_eq!(perform(&store, &take(b"5")), left(5));
}

/// Operations that are tried again are done once, as they are remembered.
#[test]
fn patience_lasts_until_a_server_is_back() {
    let Some(mut server) = Server::start(&["--appendonly", "yes", "--appendfsync", "always"])
    else {
        return;
    };
    let remember = Remember {
        for_us: 1000,
        most: 100,
    };
    let settings = Settings {
        timeout: TIMEOUT,
        patience: Duration::from_secs(60),
        ..Settings::default()
    };
    let declarations = [bucket(10).remember(remember)];
    let store = Redis::new(&server.url(), &declarations, settings).expect("they are right");
    assert_eq!(perform(&store, &take(b"1")), left(9));
    server.kill();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let mut outcomes = Vec::new();
            store.perform(&[take(b"2"), take(b"3"), take(b"2")], &mut outcomes);
            outcomes
        });
        thread::sleep(Duration::from_millis(300));
        assert!(!waiting.is_finished(), "it waits");
        server.run();
        let outcomes = waiting.join().expect("no panic");
        assert_eq!(outcomes, [left(8), left(7), left(8)]);
    });
}

#[test]
fn systems_with_prefixes_of_their_own_share_a_server() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let with = |prefix: &str| {
        let settings = Settings {
            timeout: TIMEOUT,
            prefix: prefix.into(),
            ..Settings::default()
        };
        Redis::new(&server.url(), &[bucket(10)], settings)
    };
    let (one, two) = (with("one").expect("right"), with("two:a").expect("right"));
    assert_eq!(perform(&one, &take(b"1")), left(9));
    assert_eq!(perform(&two, &take(b"1")), left(9));
    assert_eq!(perform(&one, &take(b"2")), left(8));
    let keys = server.say("KEYS one:*").expect("it answers");
    assert!(keys.contains("one:{") && !keys.contains("two:"), "{keys}");
    for prefix in ["", "a{b}", "a b", &"x".repeat(65)] {
        let refused = with(prefix).map(|_| ());
        assert_eq!(refused, Err(Refused::Prefix(prefix.into())));
    }
}

#[test]
fn scripts_that_are_gone_are_sent_again() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store(&[bucket(10)], TIMEOUT);
    assert_eq!(perform(&store, &take(b"1")), left(9));
    server.say("SCRIPT FLUSH");
    let mut outcomes = Vec::new();
    store.perform(&[take(b"2"), take(b"3")], &mut outcomes);
    assert_eq!(outcomes, [left(8), left(7)]);
}

#[test]
fn what_a_server_refuses_fails() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let store = server.store(&[bucket(10)], TIMEOUT);
    assert_eq!(perform(&store, &take(b"1")), left(9));
    server.say("CONFIG SET maxmemory 1");
    assert_eq!(perform(&store, &take(b"2")), DOWN);
    server.say("CONFIG SET maxmemory 0");
    assert_eq!(perform(&store, &take(b"3")), left(8));
    assert_eq!(
        perform(&store, &operation(b"k", 0, b"d", Ask::Value)),
        Outcome::Failed(Failure::Unanswerable)
    );
    let address = Redis::new("http://secret@127.0.0.1/", &[], Settings::default()).map(|_| ());
    let Err(Refused::Address(why)) = &address else {
        panic!("it is none");
    };
    assert!(!why.contains("secret"));
}

#[test]
fn a_key_too_many_fails_until_one_has_expired() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let settings = Settings {
        timeout: TIMEOUT,
        linger: Duration::from_millis(300),
        ..Settings::default()
    };
    let seen = Declaration::new("s", Kind::Seen { keep_us: 1000 }).max_keys(2);
    let store = Redis::new(&server.url(), &[seen], settings).expect("they are right");
    let see = |key: &[u8]| {
        let once = Some(Once { state: 0, key });
        perform(
            &store,
            &operation(b"", 0, key, Ask::Reserve { once, within: None }),
        )
    };
    let yes = Outcome::Answer(Answer::Bool(true));
    let began = Instant::now();
    assert_eq!(see(b"a"), yes);
    assert_eq!(see(b"b"), yes);
    // Unless the machine was so slow that the first is gone.
    if began.elapsed() < Duration::from_millis(200) {
        assert_eq!(see(b"c"), Outcome::Failed(Failure::Full));
    }
    thread::sleep(Duration::from_millis(500));
    assert_eq!(see(b"c"), yes);
}

/// Four processes, each with four threads, ask for more than there is.
#[test]
fn four_processes_never_get_more_than_there_is() {
    let Some(server) = Server::start(&[]) else {
        return;
    };
    let children: Vec<Child> = (0..4)
        .map(|i| {
            Command::new(env::current_exe().expect("this test"))
                .args([
                    "--exact",
                    "redis::one_of_four_processes",
                    "--ignored",
                    "--nocapture",
                ])
                .env("TOLLGATE_STATE_REDIS", server.url())
                .env("TOLLGATE_STATE_CHILD", i.to_string())
                .stdout(Stdio::piped())
                .spawn()
                .expect("it runs")
        })
        .collect();
    let mut sum = [0; 3];
    for child in children {
        let output = child.wait_with_output().expect("it is ours");
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).expect("it prints text");
        let (_, numbers) = text.split_once("granted: ").expect("it says what it got");
        for (sum, number) in sum.iter_mut().zip(numbers.split_whitespace()) {
            *sum += number.parse::<i64>().expect("a number");
        }
    }
    assert_eq!(sum, [100, 80, 10_000 / 11 * 11], "tokens, slots, cents");
}

fn shared() -> [Declaration; 4] {
    let budget = Kind::Budget {
        total: Some(10_000),
        per_key: Some(33),
        per_day: Some(100_000),
        zone: "UTC".into(),
    };
    [
        bucket(100),
        Declaration::new(
            "slots",
            Kind::Reserve {
                max: 100,
                critical: 200_000_000,
                lease_us: 1_000_000,
            },
        ),
        Declaration::new("paid", Kind::Seen { keep_us: 1_000_000 }).max_keys(100_000),
        Declaration::new("rewards", budget).max_keys(100_000),
    ]
}

#[test]
#[ignore = "run by `four_processes_never_get_more_than_there_is`"]
fn one_of_four_processes() {
    let url = env::var("TOLLGATE_STATE_REDIS").expect("its parent sets it");
    let child = env::var("TOLLGATE_STATE_CHILD").expect("its parent sets it");
    let settings = Settings {
        timeout: Duration::from_secs(30),
        ..Settings::default()
    };
    let store = Redis::new(&url, &shared(), settings).expect("they are right");
    let got = |thread: i64| {
        let mut got = [0; 3];
        for i in 0..300 {
            let decision = format!("{child} {thread} {i}");
            // Two processes pay the same trips, of which each user has four.
            let pair = child == "0" || child == "1";
            let trip = format!("{pair} {thread} {i}");
            let user = format!("{pair} {thread} {}", i / 4);
            let reserve = Ask::Reserve {
                once: Some(Once {
                    state: 2,
                    key: trip.as_bytes(),
                }),
                within: Some(Charge {
                    state: 3,
                    key: user.as_bytes(),
                    amount: 11,
                }),
            };
            let ask = |state, ask| Operation {
                state,
                ..operation(b"", 0, decision.as_bytes(), ask)
            };
            let operations = [
                ask(0, Ask::Take(1)),
                ask(1, Ask::Enter { critical: false }),
                ask(0, reserve),
            ];
            let mut outcomes = Vec::new();
            store.perform(&operations, &mut outcomes);
            for ((got, outcome), worth) in got.iter_mut().zip(outcomes).zip([1, 1, 11]) {
                match outcome {
                    Outcome::Answer(Answer::Bool(true) | Answer::Taken { granted: true, .. }) => {
                        *got += worth
                    }
                    Outcome::Answer(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        got
    };
    let mut sum = [0; 3];
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| scope.spawn(move || got(thread)))
            .collect();
        for thread in threads {
            let got = thread.join().expect("no panic");
            sum.iter_mut().zip(got).for_each(|(sum, got)| *sum += got);
        }
    });
    println!("granted: {} {} {}", sum[0], sum[1], sum[2]);
}
