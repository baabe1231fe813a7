//! The local store against the model, from one thread and from many.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use tollgate_state::kind::ONE;
use tollgate_state::{
    Answer, Ask, Charge, Declaration, Kind, Local, Once, Operation, Outcome, Rate, Recover,
    Remember, Store, Window,
};

use crate::operation;
use crate::random::{Random, any_numbers, perform, trials, try_all};

#[test]
fn answers_as_the_model_does() {
    for trial in trials() {
        for seed in 0..12 {
            let store = Local::new(&trial.declarations).expect("they are right");
            try_all(&trial, seed, 400, Box::new(store), |store| store);
        }
    }
}

/// A snapshot written and read again, in another store, goes on as the first would have.
#[test]
fn goes_on_after_a_snapshot() {
    for trial in trials() {
        for seed in 0..4 {
            // A snapshot of a trait object is none of a store's business: the last one is remembered beside.
            let last = Arc::new(Local::new(&trial.declarations).expect("they are right"));
            let last = std::cell::RefCell::new(last);
            let first: Box<dyn Store> = Box::new(Shared(Arc::clone(&last.borrow())));
            try_all(&trial, seed, 250, first, |_| {
                let text = serde_json::to_string(&last.borrow().snapshot()).expect("it is data");
                let next = Local::new(&trial.declarations).expect("they are right");
                let unknown = next.restore(serde_json::from_str(&text).expect("as written"));
                assert!(unknown.is_empty());
                let next = Arc::new(next);
                *last.borrow_mut() = Arc::clone(&next);
                Box::new(Shared(next))
            });
        }
    }
}

/// What changed, taken now and then, and put on top of each other in another store, makes it go on as the first would have.
#[test]
fn goes_on_after_changes() {
    for trial in trials() {
        for seed in 0..4 {
            let tracked = || {
                let store = Local::new(&trial.declarations).expect("they are right");
                store.track();
                Arc::new(store)
            };
            let last = std::cell::RefCell::new(tracked());
            let log = std::cell::RefCell::new(Vec::new());
            let first: Box<dyn Store> = Box::new(Shared(Arc::clone(&last.borrow())));
            try_all(&trial, seed, 400, first, |_| {
                let text = serde_json::to_string(&last.borrow().changes()).expect("it is data");
                log.borrow_mut().push(text);
                let next = tracked();
                for changes in log.borrow().iter() {
                    let unknown = next.apply(serde_json::from_str(changes).expect("as written"));
                    assert!(unknown.is_empty());
                }
                *last.borrow_mut() = Arc::clone(&next);
                Box::new(Shared(next))
            });
        }
    }
}

struct Shared(Arc<Local>);

impl Store for Shared {
    fn ask(&self, operation: &Operation<'_>) -> Outcome {
        self.0.ask(operation)
    }

    fn perform(&self, operations: &[Operation<'_>], outcomes: &mut Vec<Outcome>) {
        self.0.perform(operations, outcomes);
    }

    fn finish(&self, decision: &[u8]) {
        self.0.finish(decision);
    }
}

/// Whatever the numbers, nothing panics, and no budget is exceeded.
#[test]
fn any_number_is_answered() {
    for trial in trials() {
        let store = Local::new(&trial.declarations).expect("they are right");
        let mut random = Random::new(7);
        for _ in 0..10 {
            any_numbers(&store, &mut random, 500);
            for key in 0..50 {
                let key = key.to_string();
                let (state, at) = (random.below(3) as u32, random.any());
                // Some of it is refused.
                let _ = store.get(state, key.as_bytes(), at);
                if trial.name != "reserve money" {
                    let _ = store.set(state, key.as_bytes(), at, random.any());
                }
            }
        }
        if trial.name == "reserve money" {
            assert!((0..=4000).contains(&store.get(1, b"", 0).expect("a budget")));
        }
    }
}

/// What sixteen threads get on one key, each by another decision.
fn granted_to_threads(
    store: &Local,
    each: usize,
    ask: impl Fn(usize) -> (i64, Ask<'static>) + Sync,
) -> i64 {
    let granted = AtomicI64::new(0);
    thread::scope(|scope| {
        for t in 0..16 {
            let (ask, granted) = (&ask, &granted);
            scope.spawn(move || {
                for i in 0..each {
                    let decision = format!("{t} {i}");
                    let (at_us, ask) = ask(t * each + i);
                    let yes = match store.ask(&operation(b"k", at_us, decision.as_bytes(), ask)) {
                        Outcome::Answer(Answer::Taken { granted, .. } | Answer::Bool(granted)) => {
                            granted
                        }
                        other => panic!("{other:?}"),
                    };
                    granted.fetch_add(i64::from(yes), Ordering::Relaxed);
                }
            });
        }
    });
    granted.into_inner()
}

#[test]
fn sixteen_threads_never_get_more_than_there_is() {
    let one = |kind| Local::new(&[Declaration::new("s", kind).max_keys(10)]).expect("it is right");
    let rate = Rate {
        count: 1,
        per_us: 10,
    };
    let take = |at_us| (at_us, Ask::Take(1));
    let bucket = one(Kind::TokenBucket { rate, burst: 100 });
    // Times from 0 to 7,999 in any order: at most what lay there and what comes in that time, and no less than at the end.
    let granted = granted_to_threads(&bucket, 500, |i| take(i as i64));
    assert!((100..=100 + 799).contains(&granted), "{granted}");
    let still = one(Kind::TokenBucket { rate, burst: 100 });
    assert_eq!(granted_to_threads(&still, 500, |_| take(5)), 100);
    let window = one(Kind::FixedWindow {
        limit: 100,
        window_us: 1000,
    });
    assert_eq!(granted_to_threads(&window, 500, |_| take(5)), 100);
    let log = one(Kind::SlidingLog {
        limit: 100,
        window_us: 1000,
    });
    assert_eq!(granted_to_threads(&log, 500, |_| take(5)), 100);
    let enter = (0, Ask::Enter { critical: false });
    let slots = one(Kind::Concurrency {
        max: 100,
        lease_us: 1000,
    });
    assert_eq!(granted_to_threads(&slots, 500, |_| enter), 100);
    let reserve = one(Kind::Reserve {
        max: 100,
        critical: 20 * ONE / 100,
        lease_us: 1000,
    });
    assert_eq!(granted_to_threads(&reserve, 500, |_| enter), 80);
    let reserve_one = Ask::Reserve {
        once: Some(Once {
            state: 0,
            key: b"k",
        }),
        within: None,
    };
    let seen = one(Kind::Seen { keep_us: 1000 });
    assert_eq!(granted_to_threads(&seen, 500, |_| (5, reserve_one)), 1);
}

/// Many keys, each of which may be paid once, from a budget that is smaller: to the cent.
#[test]
fn sixteen_threads_spend_a_budget_to_the_cent() {
    let budget = Kind::Budget {
        total: Some(10_000),
        per_key: Some(33),
        per_day: None,
        zone: "UTC".into(),
    };
    let declarations = [
        Declaration::new("paid", Kind::Seen { keep_us: 1000 }).max_keys(100_000),
        Declaration::new("rewards", budget).max_keys(100_000),
    ];
    let store = Local::new(&declarations).expect("they are right");
    let paid = AtomicI64::new(0);
    thread::scope(|scope| {
        for t in 0..16_u32 {
            let (store, paid) = (&store, &paid);
            scope.spawn(move || {
                for i in 0..2000_u32 {
                    // Two threads pay the same trip, and each user has four trips.
                    let trip = format!("{} {i}", t / 2);
                    let user = format!("{} {}", t / 2, i / 4);
                    let ask = Ask::Reserve {
                        once: Some(Once {
                            state: 0,
                            key: trip.as_bytes(),
                        }),
                        within: Some(Charge {
                            state: 1,
                            key: user.as_bytes(),
                            amount: 11,
                        }),
                    };
                    let decision = format!("{t} {i}");
                    let granted = store.ask(&operation(b"", 0, decision.as_bytes(), ask));
                    if granted == Outcome::Answer(Answer::Bool(true)) {
                        paid.fetch_add(11, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let paid = paid.into_inner();
    assert_eq!(paid, 10_000 / 11 * 11);
    assert_eq!(store.get(1, b"", 0), Ok(paid));
}

/// Sixteen retries of one decision at once are one operation.
#[test]
fn retries_at_once_are_one() {
    let budget = Kind::Budget {
        total: Some(100),
        per_key: None,
        per_day: None,
        zone: "UTC".into(),
    };
    let rate = Rate {
        count: 1,
        per_us: 10,
    };
    let remember = Remember {
        for_us: 1000,
        most: 100,
    };
    let declarations = [
        Declaration::new("b", Kind::TokenBucket { rate, burst: 100 }).remember(remember),
        Declaration::new("m", budget).remember(remember),
    ];
    let store = Local::new(&declarations).expect("they are right");
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let taken = perform(&store, &operation(b"", 0, b"d", Ask::Take(7)));
                assert_eq!(
                    taken,
                    Outcome::Answer(Answer::Taken {
                        granted: true,
                        wait_us: None,
                        left: 93
                    })
                );
                let within = Some(Charge {
                    state: 1,
                    key: b"",
                    amount: 7,
                });
                let charged = perform(
                    &store,
                    &operation(b"", 0, b"d", Ask::Reserve { once: None, within }),
                );
                assert_eq!(charged, Outcome::Answer(Answer::Bool(true)));
            });
        }
    });
    assert_eq!(store.get(0, b"", 0), Ok(93));
    assert_eq!(store.get(1, b"", 0), Ok(7));
}

#[test]
fn what_is_set_is_there() {
    let window = || Window::Sliding {
        us: 1000,
        late_us: 0,
    };
    let recover = Recover {
        share: ONE,
        per_us: 1000,
    };
    let rate = Rate {
        count: 1,
        per_us: 10,
    };
    let kinds = [
        (Kind::TokenBucket { rate, burst: 10 }, 4),
        (
            Kind::FixedWindow {
                limit: 10,
                window_us: 100,
            },
            4,
        ),
        (
            Kind::SlidingLog {
                limit: 10,
                window_us: 100,
            },
            4,
        ),
        (
            Kind::Concurrency {
                max: 10,
                lease_us: 100,
            },
            4,
        ),
        (
            Kind::Reserve {
                max: 10,
                critical: 0,
                lease_us: 100,
            },
            4,
        ),
        (
            Kind::Ladder {
                classes: 1,
                enter: 1,
                step: 0,
                recover,
            },
            ONE / 2,
        ),
        (Kind::Count { window: window() }, 4),
        (Kind::Sum { window: window() }, -4),
        (Kind::Distinct { window: window() }, 4),
        (Kind::Seen { keep_us: 100 }, 1),
        (
            Kind::Budget {
                total: None,
                per_key: Some(10),
                per_day: None,
                zone: "UTC".into(),
            },
            4,
        ),
    ];
    for (kind, amount) in kinds {
        let store = Local::new(&[Declaration::new("s", kind.clone())]).expect("it is right");
        store.set(0, b"k", 50, amount).expect("there is room");
        assert_eq!(store.get(0, b"k", 50), Ok(amount), "{kind:?}");
        assert_ne!(store.get(0, b"other", 50), Ok(amount), "{kind:?}");
    }
}

#[test]
fn a_program_loaded_anew_finds_what_is_the_same() {
    let seen = |keep_us| Declaration::new("s", Kind::Seen { keep_us });
    let old = Local::new(&[seen(100).max_keys(2), seen(200)]).expect("they are right");
    old.set(0, b"k", 0, 1).expect("there is room");
    old.set(1, b"", 0, 1).expect("there is room");
    // The order is another one, one is new, and there is room for one key less.
    let new = old
        .carried(&[seen(300), seen(100)])
        .expect("they are right");
    assert_eq!(new.get(0, b"k", 0), Ok(0));
    assert_eq!(new.get(1, b"k", 0), Ok(1));
    assert!(new.set(1, b"another", 0, 1).is_err());
    // Decisions under way with the old program reach the same.
    old.set(0, b"k", 0, 0).expect("it is there");
    assert_eq!(new.get(1, b"k", 0), Ok(0));
}
