//! Every order in which threads may come at the local store, tried at random by Shuttle: the store is compiled a second
//! time here, with Shuttle's lock and Shuttle's atomics in the place of `src/sync.rs`.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "only a part of what is compiled again is used"
)]

#[path = "../src/calendar.rs"]
mod calendar;
#[path = "../src/identity.rs"]
mod identity;
#[path = "../src/kind.rs"]
mod kind;
#[path = "../src/local/mod.rs"]
mod local;
#[path = "../src/operation.rs"]
mod operation;
#[path = "../src/store.rs"]
mod store;

use kind::{Declaration, Kind, Period, Rate, Remember, Weekday, Window};
use local::Local;
use operation::{Answer, Ask, Charge, Failure, Once, Operation, Outcome};
use shuttle::sync::Arc;
use shuttle::thread;
use store::Store;

/// What `src/sync.rs` is, of Shuttle.
mod sync {
    pub(crate) use shuttle::sync::MutexGuard;
    pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};

    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("no test panics while it holds one")
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }
}

const SCHEDULES: usize = 2000;

fn ask(store: &Local, key: &[u8], decision: &[u8], at_us: i64, ask: Ask<'_>) -> Outcome {
    store.ask(&Operation {
        state: 0,
        key,
        at_us,
        decision,
        place: 1,
        ask,
    })
}

/// Runs three threads on one store in many orders, adds up what each was given, and looks at the store afterwards.
fn three(declarations: Vec<Declaration>, work: fn(&Local, i64) -> i64, check: fn(&Local, i64)) {
    shuttle::check_random(
        move || {
            let store = Arc::new(Local::new(&declarations).expect("they are right"));
            let threads: Vec<_> = (0..3)
                .map(|t| {
                    let store = Arc::clone(&store);
                    thread::spawn(move || work(&store, t))
                })
                .collect();
            let sum = threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"))
                .sum();
            check(&store, sum);
        },
        SCHEDULES,
    );
}

fn yes(outcome: Outcome) -> i64 {
    i64::from(matches!(
        outcome,
        Outcome::Answer(Answer::Bool(true) | Answer::Taken { granted: true, .. })
    ))
}

/// Two keys and room for one: whoever comes first has it, and nobody gets more than there is.
#[test]
fn a_bucket_with_room_for_one_key() {
    let rate = Rate {
        count: 1,
        per_us: 100,
    };
    three(
        vec![Declaration::new("b", Kind::TokenBucket { rate, burst: 2 })],
        |store, t| {
            let key = (t % 2).to_string();
            (0..2)
                .map(|_| yes(ask(store, key.as_bytes(), b"d", 0, Ask::Take(1))))
                .sum()
        },
        |store, granted| {
            assert_eq!(granted, 2);
            assert_eq!(store.keys(0), 1);
        },
    );
}

/// Slots taken and given back while others ask for them: at most one is held at a time, and none stays.
#[test]
fn one_slot_goes_around() {
    three(
        vec![Declaration::new(
            "s",
            Kind::Concurrency {
                max: 1,
                lease_us: 100,
            },
        )],
        |store, t| {
            let decision = t.to_string();
            let entered = yes(ask(
                store,
                b"",
                decision.as_bytes(),
                0,
                Ask::Enter { critical: false },
            ));
            if entered == 1 {
                // A retry has the slot that it has, and nobody else gets it.
                assert_eq!(
                    yes(ask(
                        store,
                        b"",
                        decision.as_bytes(),
                        0,
                        Ask::Enter { critical: false }
                    )),
                    1
                );
                assert_eq!(
                    yes(ask(
                        store,
                        b"",
                        b"another",
                        0,
                        Ask::Enter { critical: true }
                    )),
                    0
                );
            }
            store.finish(decision.as_bytes());
            entered
        },
        |store, entered| {
            assert!(entered >= 1);
            assert_eq!(store.get(0, b"", 0), Ok(0));
        },
    );
}

/// A decision that goes on while it is finished: what it came to hold meanwhile is given back when it is finished again.
#[test]
fn a_slot_taken_beside_the_finish_is_not_forgotten() {
    let lease_us = 100;
    let slots = Kind::Concurrency { max: 1, lease_us };
    three(
        vec![Declaration::new("s", slots).max_keys(10)],
        |store, t| {
            let enter = Ask::Enter { critical: false };
            let entered = yes(ask(store, t.to_string().as_bytes(), b"d", 0, enter));
            store.finish(b"d");
            entered
        },
        |store, entered| {
            assert_eq!(entered, 3);
            store.finish(b"d");
            for key in ["0", "1", "2"] {
                assert_eq!(store.get(0, key.as_bytes(), 0), Ok(0));
            }
        },
    );
}

/// `once` and `within`: two decisions about one trip, one about another, money for one and a half.
#[test]
fn money_is_paid_once_and_to_the_cent() {
    let budget = Kind::Budget {
        total: Some(15),
        per_key: Some(10),
        per_day: None,
        zone: "UTC".into(),
    };
    three(
        vec![
            Declaration::new("paid", Kind::Seen { keep_us: 100 }).max_keys(10),
            Declaration::new("rewards", budget).max_keys(10),
        ],
        |store, t| {
            let trip = (t / 2).to_string();
            let reserve = Ask::Reserve {
                once: Some(Once {
                    state: 0,
                    key: trip.as_bytes(),
                }),
                within: Some(Charge {
                    state: 1,
                    key: trip.as_bytes(),
                    amount: 10,
                }),
            };
            10 * yes(ask(store, b"", t.to_string().as_bytes(), 0, reserve))
        },
        |store, paid| {
            assert_eq!(paid, 10);
            assert_eq!(store.get(1, b"", 0), Ok(10));
            let seen =
                store.get(0, b"0", 0).expect("there") + store.get(0, b"1", 0).expect("there");
            assert_eq!(seen, 1, "who was refused the money was not seen");
        },
    );
}

/// Three retries at once of one decision that remembers.
#[test]
fn retries_are_one_operation() {
    let rate = Rate {
        count: 1,
        per_us: 100,
    };
    let remember = Remember {
        for_us: 100,
        most: 1,
    };
    three(
        vec![Declaration::new("b", Kind::TokenBucket { rate, burst: 3 }).remember(remember)],
        |store, _| match ask(store, b"", b"d", 0, Ask::Take(1)) {
            Outcome::Answer(Answer::Taken { left, .. }) => left,
            other => panic!("{other:?}"),
        },
        |store, left| {
            assert_eq!(left, 6, "two are left, said three times");
            assert_eq!(store.get(0, b"", 0), Ok(2));
        },
    );
}

/// A window that is counted while keys that no longer matter are dropped for new ones.
#[test]
fn counting_goes_on_while_keys_are_dropped() {
    let window = Window::Calendar {
        period: Period::Day,
        zone: "UTC".into(),
        starts: Weekday::Monday,
        late_us: 0,
    };
    three(
        vec![Declaration::new("c", Kind::Count { window }).max_keys(2)],
        |store, t| {
            let day = 86_400_000_000;
            let add = |key: &[u8], at_us| match ask(
                store,
                key,
                b"",
                at_us,
                Ask::Add {
                    amount: 1,
                    member: b"",
                },
            ) {
                Outcome::Answer(Answer::Number(n)) => n,
                Outcome::Failed(Failure::Full | Failure::Late) => 0,
                other => panic!("{other:?}"),
            };
            add(t.to_string().as_bytes(), t * day);
            add(b"shared", 5 * day)
        },
        |store, _| {
            let value = ask(store, b"shared", b"", 5 * 86_400_000_000, Ask::Value);
            assert_eq!(value, Outcome::Answer(Answer::Number(3)));
            assert!(store.keys(0) <= 2);
        },
    );
}
