//! What an operation on a local store takes, and what a key takes: `cargo bench -p tollgate-state --bench local`.
//!
//! One line a measurement: the median of nine rounds of 262,144 operations, in nanoseconds of the CPU time of the threads,
//! which other programs do not add to; `json` as an argument prints them as JSON. Making the key (13 bytes) and hashing it are counted. Keys are asked for
//! uniformly or by Zipf's law (exponent 1). Another argument is a part of the names of what is measured.
//!
//! The first line is what this machine takes for one read of memory at a random place, each depending on the one
//! before: an operation on a million keys cannot take less than about that.
#![expect(
    clippy::disallowed_methods,
    reason = "keys of a benchmark are drawn, and decide nothing"
)]

use std::{env, fs, hint, thread};

use rustix::time::{ClockId, clock_gettime};
use tollgate_state::{
    Ask, Charge, Declaration, Kind, Local, Once, Operation, Outcome, Period, Rate, Remember, Store,
    Weekday, Window,
};

const ROUNDS: usize = 9;
const OPERATIONS: usize = 1 << 18;
const DAY: i64 = 86_400_000_000;

struct Case {
    name: &'static str,
    declarations: Vec<Declaration>,
    keys: usize,
    zipf: bool,
    threads: usize,
    ask: fn(&Local, &[u8], i64),
}

fn main() {
    let json = env::args().any(|argument| argument == "json");
    let part = env::args()
        .skip(1)
        .find(|argument| argument != "json" && !argument.starts_with("--"));
    if !json {
        println!(
            "{:32} {:>9} {:>8} {:>7} {:>7} {:>12} {:>12}",
            "operation", "keys", "traffic", "threads", "ns", "bytes a key", "resident"
        );
    }
    let wanted = |case: &Case| {
        part.as_ref()
            .is_none_or(|part| case.name.contains(part.as_str()))
    };
    if !json {
        println!(
            "{:32} {:>9} {:>8} {:>7} {:>7.1}",
            "(a read of memory)",
            1_000_000,
            "uniform",
            1,
            one_read(1_000_000)
        );
    }
    for case in cases().into_iter().filter(wanted) {
        let resident = resident();
        let store = Local::new(&case.declarations).expect("they are right");
        // Every key is there before anything is measured.
        for i in 0..case.keys {
            (case.ask)(&store, &key(i), 0);
        }
        let resident = (self::resident() - resident) / case.keys as i64;
        let bytes = (0..case.declarations.len() as u32)
            .map(|state| store.size(state))
            .sum::<usize>()
            / case.keys;
        let ns = nanoseconds(&case, &store);
        let traffic = if case.zipf { "zipf" } else { "uniform" };
        if json {
            println!(
                "{{\"operation\":\"{}\",\"keys\":{},\"traffic\":\"{traffic}\",\"threads\":{},\"ns\":{ns:.1},\"bytes_a_key\":{bytes},\"resident_a_key\":{resident}}}",
                case.name, case.keys, case.threads
            );
        } else {
            println!(
                "{:32} {:>9} {traffic:>8} {:>7} {ns:>7.1} {bytes:>12} {resident:>12}",
                case.name, case.keys, case.threads
            );
        }
    }
}

fn cases() -> Vec<Case> {
    const MILLION: usize = 1_000_000;
    let rate = Rate {
        count: 100,
        per_us: 1_000_000,
    };
    let remember = Remember {
        for_us: 1,
        most: 10_000_000,
    };
    let bucket = Kind::TokenBucket { rate, burst: 200 };
    let sliding = Window::Sliding {
        us: 7 * DAY,
        late_us: 0,
    };
    let week = Window::Calendar {
        period: Period::Week,
        zone: "Asia/Singapore".into(),
        starts: Weekday::Monday,
        late_us: DAY,
    };
    let budget = Kind::Budget {
        total: Some(1 << 50),
        per_key: Some(1 << 50),
        per_day: Some(1 << 50),
        zone: "Asia/Singapore".into(),
    };
    let case = |name, kinds: &[Kind], keys: usize, ask| Case {
        name,
        declarations: kinds
            .iter()
            .map(|kind| Declaration::new("s", kind.clone()).max_keys(2 * keys as u64))
            .collect(),
        keys,
        zipf: false,
        threads: 1,
        ask,
    };
    let take = || {
        case(
            "TokenBucket take",
            std::slice::from_ref(&bucket),
            MILLION,
            take,
        )
    };
    let mut remembering = take();
    remembering.name = "TokenBucket take, remembered";
    remembering.declarations[0].remember = Some(remember);
    vec![
        Case { keys: 1, ..take() },
        Case {
            keys: 1000,
            ..take()
        },
        Case {
            keys: 100_000,
            ..take()
        },
        take(),
        Case {
            zipf: true,
            ..take()
        },
        Case {
            threads: 2,
            ..take()
        },
        Case {
            threads: 2,
            keys: 1,
            ..take()
        },
        remembering,
        case(
            "FixedWindow take",
            &[Kind::FixedWindow {
                limit: 100,
                window_us: 1_000_000,
            }],
            MILLION,
            self::take,
        ),
        case(
            "SlidingLog take",
            &[Kind::SlidingLog {
                limit: 20,
                window_us: 1_000_000,
            }],
            100_000,
            self::take,
        ),
        case(
            "Concurrency enter, finish",
            &[Kind::Concurrency {
                max: 20,
                lease_us: DAY,
            }],
            MILLION,
            enter,
        ),
        case(
            "Count add, week",
            &[Kind::Count { window: week }],
            MILLION,
            add,
        ),
        case(
            "Count add, sliding week",
            &[Kind::Count {
                window: sliding.clone(),
            }],
            100_000,
            add,
        ),
        case(
            "Distinct add, sliding week",
            &[Kind::Distinct { window: sliding }],
            10_000,
            add,
        ),
        case("once, again", &[Kind::Seen { keep_us: DAY }], MILLION, once),
        case(
            "once within, granted",
            &[Kind::Seen { keep_us: 1 }, budget],
            MILLION,
            once_within,
        ),
    ]
}

fn take(store: &Local, key: &[u8], at_us: i64) {
    ask(store, key, at_us, Ask::Take(1));
}

fn enter(store: &Local, key: &[u8], at_us: i64) {
    ask(store, key, at_us, Ask::Enter { critical: false });
    store.finish(&at_us.to_be_bytes());
}

fn add(store: &Local, key: &[u8], at_us: i64) {
    ask(
        store,
        key,
        at_us,
        Ask::Add {
            amount: 1,
            member: &at_us.to_be_bytes(),
        },
    );
}

fn once(store: &Local, key: &[u8], at_us: i64) {
    ask(
        store,
        key,
        at_us,
        Ask::Reserve {
            once: Some(Once { state: 0, key }),
            within: None,
        },
    );
}

fn once_within(store: &Local, key: &[u8], at_us: i64) {
    let within = Some(Charge {
        state: 1,
        key,
        amount: 1,
    });
    ask(
        store,
        key,
        at_us,
        Ask::Reserve {
            once: Some(Once { state: 0, key }),
            within,
        },
    );
}

fn ask(store: &Local, key: &[u8], at_us: i64, ask: Ask<'_>) {
    let decision = &at_us.to_be_bytes();
    let outcome = store.ask(&Operation {
        state: 0,
        key,
        at_us,
        decision,
        place: 1,
        ask,
    });
    assert!(
        matches!(hint::black_box(outcome), Outcome::Answer(_)),
        "{outcome:?}"
    );
}

/// The median of the rounds, an operation.
fn nanoseconds(case: &Case, store: &Local) -> f64 {
    let which: Vec<Vec<u32>> = (0..case.threads)
        .map(|thread| traffic(case, thread as u64))
        .collect();
    let work = |round: usize, which: &[u32]| {
        let began = now();
        // A microsecond from one operation to the next.
        for (at_us, i) in (((round + 1) * OPERATIONS) as i64..).zip(which) {
            (case.ask)(store, &key(*i as usize), at_us);
        }
        (now() - began) / OPERATIONS as f64
    };
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|round| {
            thread::scope(|scope| {
                let threads: Vec<_> = which
                    .iter()
                    .map(|which| {
                        scope.spawn({
                            let work = &work;
                            move || work(round, which)
                        })
                    })
                    .collect();
                let times = threads
                    .into_iter()
                    .map(|thread| thread.join().expect("no panic"));
                times.sum::<f64>() / case.threads as f64
            })
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn traffic(case: &Case, seed: u64) -> Vec<u32> {
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z >> 11) as f64 / (1_u64 << 53) as f64
    };
    let keys = case.keys as f64;
    let one = |_| match case.zipf {
        false => (random() * keys) as u32,
        // The continuous law with exponent 1: the logarithm of the rank is uniform.
        true => (keys.powf(random()) - 1.0) as u32,
    };
    (0..OPERATIONS).map(one).collect()
}

/// Nanoseconds for a read at a random one of so many places of 64 bytes.
fn one_read(places: usize) -> f64 {
    // A walk through all of them: each place says where the next is.
    let mut order: Vec<u32> = (0..places as u32).collect();
    let mut state = 1_u64;
    for i in (1..places).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        order.swap(i, (state >> 33) as usize % (i + 1));
    }
    let mut memory = vec![[0_u64; 8]; places];
    for (from, to) in order.iter().zip(order.iter().cycle().skip(1)) {
        memory[*from as usize][0] = u64::from(*to);
    }
    let mut at = 0;
    let began = now();
    for _ in 0..OPERATIONS {
        at = memory[at][0] as usize;
    }
    hint::black_box(at);
    (now() - began) / OPERATIONS as f64
}

/// Neighbours in number are no neighbours in a table, as its hash sees to.
fn key(i: usize) -> [u8; 13] {
    let mut key = *b"user:00000000";
    key[5..].copy_from_slice(&(i as u64).to_be_bytes());
    key
}

/// Nanoseconds that this thread has worked.
fn now() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// The bytes of memory that the process has.
fn resident() -> i64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse::<i64>().ok())
        .unwrap_or(0)
        * 4096
}
