//! What operations on a Redis take: `cargo bench -p tollgate-state --features redis --bench redis [-- URL]`.
//!
//! Without the address of a server one is started (`redis-server` on the path), which stores nothing on disk. For each operation: how long one takes from asking to
//! the answer (half of them, and 99 of 100, take no longer), and how many are done in a second by 1 and by 16 threads
//! that send 1 or 32 together. 100,000 keys, uniformly.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use tollgate_state::{
    Ask, Charge, Declaration, Kind, Once, Operation, Outcome, Period, Rate, Redis, Settings, Store,
    Weekday, Window,
};

const KEYS: u64 = 100_000;
const TIME: Duration = Duration::from_secs(2);

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It is ours, and nothing is kept.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() {
    let given = env::args()
        .skip(1)
        .find(|argument| argument.starts_with("redis://"));
    let (url, _server) = match given {
        Some(url) => (url, None),
        None => match start() {
            Some((url, server)) => (url, Some(server)),
            None => return println!("there is no redis-server on the path"),
        },
    };
    let rate = Rate {
        count: 100,
        per_us: 1_000_000,
    };
    let zone = || "Asia/Singapore".to_owned();
    let window = Window::Calendar {
        period: Period::Week,
        zone: zone(),
        starts: Weekday::Monday,
        late_us: 0,
    };
    let budget = Kind::Budget {
        total: Some(1 << 50),
        per_key: Some(1 << 50),
        per_day: Some(1 << 50),
        zone: zone(),
    };
    let kinds = [
        Kind::TokenBucket { rate, burst: 200 },
        Kind::Count { window },
        Kind::Seen { keep_us: 1 },
        budget,
    ];
    let declarations: Vec<Declaration> = kinds
        .into_iter()
        .enumerate()
        .map(|(i, kind)| Declaration::new(&format!("s{i}"), kind).max_keys(2 * KEYS))
        .collect();
    let settings = Settings {
        timeout: Duration::from_secs(5),
        ..Settings::default()
    };
    let store = Redis::new(&url, &declarations, settings).expect("they are right");
    println!(
        "{:20} {:>7} {:>8} {:>10} {:>8} {:>8}",
        "operation", "threads", "together", "a second", "p50 us", "p99 us"
    );
    for (name, which) in [
        ("TokenBucket take", 0),
        ("Count add, week", 1),
        ("once within", 2),
    ] {
        for (threads, together) in [(1, 1), (16, 1), (1, 32), (16, 32)] {
            let mut times = measure(&store, which, threads, together);
            let a_second = (times.len() * together) as f64 / TIME.as_secs_f64();
            times.sort();
            let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_micros();
            println!(
                "{name:20} {threads:>7} {together:>8} {a_second:>10.0} {:>8} {:>8}",
                at(0.5),
                at(0.99)
            );
        }
    }
}

/// How long each round trip took.
fn measure(store: &Redis, which: usize, threads: u64, together: usize) -> Vec<Duration> {
    let until = Instant::now() + TIME;
    let work = |thread: u64| {
        let mut times = Vec::new();
        let mut outcomes = Vec::new();
        let mut n = thread << 40;
        while Instant::now() < until {
            let numbers: Vec<([u8; 8], [u8; 8])> = (0..together)
                .map(|_| {
                    n += 1;
                    let key = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % KEYS;
                    (key.to_be_bytes(), n.to_be_bytes())
                })
                .collect();
            let operations: Vec<Operation<'_>> = numbers
                .iter()
                .map(|(key, decision)| {
                    let (state, ask) = match which {
                        0 => (0, Ask::Take(1)),
                        1 => (
                            1,
                            Ask::Add {
                                amount: 1,
                                member: b"",
                            },
                        ),
                        _ => (
                            0,
                            Ask::Reserve {
                                once: Some(Once {
                                    state: 2,
                                    key: decision,
                                }),
                                within: Some(Charge {
                                    state: 3,
                                    key,
                                    amount: 1,
                                }),
                            },
                        ),
                    };
                    Operation {
                        state,
                        key,
                        at_us: 1_764_000_000_000_000,
                        decision,
                        place: 1,
                        ask,
                    }
                })
                .collect();
            outcomes.clear();
            let began = Instant::now();
            store.perform(&operations, &mut outcomes);
            times.push(began.elapsed());
            // Keys that come once fill the state in the end: that is an answer, too.
            let down = outcomes
                .iter()
                .find(|outcome| **outcome == Outcome::Failed(tollgate_state::Failure::Down));
            assert_eq!(down, None);
        }
        times
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn({
                    let work = &work;
                    move || work(thread)
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no panic"))
            .collect()
    })
}

fn start() -> Option<(String, Server)> {
    let port = TcpListener::bind("127.0.0.1:0")
        .ok()?
        .local_addr()
        .ok()?
        .port();
    let child = Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .stdout(Stdio::null())
        .spawn();
    let server = Server(child.ok()?);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        thread::sleep(Duration::from_millis(10));
    }
    Some((format!("redis://127.0.0.1:{port}/"), server))
}
