//! What is bounded, and what late and rounded counters answer.

use tollgate_state::kind::ONE;
use tollgate_state::{
    Answer, Ask, Charge, Declaration, Failure, Kind, Local, Once, Outcome, Rate, Recover, Remember,
    Store, Window,
};

use crate::operation;
use crate::random::{HOUR, Random};

fn seen(store: &Local, key: i64, at_us: i64) -> Outcome {
    let key = key.to_string();
    let once = Some(Once {
        state: 0,
        key: key.as_bytes(),
    });
    store.ask(&operation(
        b"",
        at_us,
        format!("{key} {at_us}").as_bytes(),
        Ask::Reserve { once, within: None },
    ))
}

const YES: Outcome = Outcome::Answer(Answer::Bool(true));
const NO: Outcome = Outcome::Answer(Answer::Bool(false));

#[test]
fn a_key_too_many_fails_and_drops_none_that_matters() {
    for most in [1, 5, 5000] {
        let keys = Declaration::new("s", Kind::Seen { keep_us: 100 }).max_keys(most as u64);
        let store = Local::new(&[keys]).expect("it is right");
        for key in 0..most {
            assert_eq!(seen(&store, key, key / 100), YES);
        }
        assert_eq!(seen(&store, most, 60), Outcome::Failed(Failure::Full));
        for key in 0..most {
            assert_eq!(seen(&store, key, 70), NO);
        }
        assert_eq!(store.keys(0), most as u64);
        // When they have stopped to matter there is room again; at most two shards are looked at for each key.
        let refused = (0..most)
            .filter(|key| seen(&store, most + key, 1000) != YES)
            .count() as i64;
        assert!(refused <= most / 100, "{refused}");
        assert!(store.keys(0) <= most as u64);
    }
}

/// Keys that come once do not stay, whatever their number.
#[test]
fn what_no_longer_matters_goes() {
    let bucket = Kind::TokenBucket {
        rate: Rate {
            count: 1,
            per_us: 10,
        },
        burst: 100,
    };
    let store =
        Local::new(&[Declaration::new("b", bucket).max_keys(1_000_000)]).expect("it is right");
    let mut most = 0;
    for i in 0..200_000_i64 {
        // A bucket is full again after ten microseconds: about ten matter at a time.
        store.ask(&operation(&i.to_be_bytes(), i, b"d", Ask::Take(1)));
        most = most.max(store.keys(0));
    }
    assert!(most < 20_000, "{most}");
}

#[test]
fn answers_too_many_to_remember_fail() {
    let bucket = Kind::TokenBucket {
        rate: Rate {
            count: 1,
            per_us: 10,
        },
        burst: 100,
    };
    let declaration = Declaration::new("b", bucket).remember(Remember {
        for_us: 100,
        most: 2,
    });
    let store = Local::new(&[declaration]).expect("it is right");
    let take = |decision, at_us| store.ask(&operation(b"", at_us, decision, Ask::Take(1)));
    let taken = |left| {
        Outcome::Answer(Answer::Taken {
            granted: true,
            wait_us: None,
            left,
        })
    };
    assert_eq!(take(b"1", 0), taken(99));
    assert_eq!(take(b"2", 0), taken(98));
    assert_eq!(take(b"3", 0), Outcome::Failed(Failure::Full));
    assert_eq!(take(b"1", 0), taken(99));
    // Nothing was taken by the one that failed, and there is room again when the first is forgotten.
    assert_eq!(take(b"3", 100), taken(99));
}

#[test]
fn time_that_goes_backwards_grants_nothing_twice() {
    let window = Kind::FixedWindow {
        limit: 3,
        window_us: 100,
    };
    let store = Local::new(&[Declaration::new("w", window).max_keys(10)]).expect("it is right");
    let take = |key: &[u8], at_us| match store.ask(&operation(key, at_us, b"d", Ask::Take(1))) {
        Outcome::Answer(Answer::Taken { granted, .. }) => granted,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        [
            take(b"a", 250),
            take(b"a", 250),
            take(b"a", 250),
            take(b"a", 250)
        ],
        [true, true, true, false]
    );
    assert!(!take(b"a", 10), "as if at 250");
    // The key is dropped for another one and comes back with the time of before: as if at 300, when it had stopped to matter.
    take(b"b", 1000);
    assert_eq!(store.keys(0), 1);
    assert_eq!(
        [
            take(b"a", 250),
            take(b"a", 250),
            take(b"a", 250),
            take(b"a", 350)
        ],
        [true, true, true, false]
    );
    assert!(take(b"a", 400));
}

/// One key among a thousand that no longer matters makes room at once.
#[test]
fn a_full_table_finds_what_no_longer_matters() {
    let keys = Declaration::new("s", Kind::Seen { keep_us: 100 }).max_keys(1000);
    let store = Local::new(&[keys]).expect("it is right");
    for key in 0..1000 {
        assert_eq!(seen(&store, key, if key == 500 { 0 } else { 50 }), YES);
    }
    assert_eq!(seen(&store, 1000, 99), Outcome::Failed(Failure::Full));
    assert_eq!(seen(&store, 1000, 100), YES);
    assert_eq!(seen(&store, 1001, 100), Outcome::Failed(Failure::Full));
    assert_eq!(seen(&store, 1001, 150), YES);
}

#[test]
fn late_events_count_where_they_belong_or_fail() {
    let window = Window::Sliding {
        us: 100,
        late_us: 20,
    };
    let store = Local::new(&[Declaration::new("c", Kind::Count { window })]).expect("it is right");
    let add = |at_us| {
        store.ask(&operation(
            b"",
            at_us,
            b"d",
            Ask::Add {
                amount: 1,
                member: b"",
            },
        ))
    };
    let value = |at_us| store.ask(&operation(b"", at_us, b"d", Ask::Value));
    let number = |n| Outcome::Answer(Answer::Number(n));
    assert_eq!(add(200), number(1));
    assert_eq!(add(250), number(2));
    assert_eq!(add(230), number(2), "not the one at 250");
    assert_eq!(add(229), Outcome::Failed(Failure::Late));
    assert_eq!(value(229), Outcome::Failed(Failure::Late));
    assert_eq!(value(299), number(3));
    assert_eq!(value(300), number(2), "the first is out");
    let window = Window::Calendar {
        period: tollgate_state::Period::Day,
        zone: "Asia/Singapore".into(),
        starts: tollgate_state::Weekday::Monday,
        late_us: 2 * HOUR,
    };
    let store = Local::new(&[Declaration::new("c", Kind::Count { window })]).expect("it is right");
    let add = |at_us| {
        store.ask(&operation(
            b"",
            at_us,
            b"d",
            Ask::Add {
                amount: 1,
                member: b"",
            },
        ))
    };
    // Midnight in Singapore is 16:00 in UTC.
    assert_eq!(add(15 * HOUR), number(1));
    assert_eq!(add(17 * HOUR), number(1));
    assert_eq!(add(15 * HOUR), number(2), "still held");
    assert_eq!(add(41 * HOUR), number(1));
    assert_eq!(add(39 * HOUR), number(2));
    assert_eq!(add(15 * HOUR), Outcome::Failed(Failure::Late));
}

/// With more times than are kept, an event stops counting early by at most a 64th of what is kept, and never counts longer.
#[test]
fn many_times_are_rounded_within_the_bound() {
    let (us, late_us) = (64_000, 0);
    let window = Window::Sliding { us, late_us };
    let store = Local::new(&[Declaration::new("c", Kind::Sum { window })]).expect("it is right");
    let mut random = Random::new(1);
    let mut events: Vec<(i64, i64)> = Vec::new();
    let mut rounded = 0;
    let mut at_us = 0;
    for i in 0..20_000_i64 {
        at_us += random.below(100);
        let amount = 1 + random.below(9);
        events.push((at_us, amount));
        let decision = i.to_string();
        let outcome = store.ask(&operation(
            b"",
            at_us,
            decision.as_bytes(),
            Ask::Add {
                amount,
                member: b"",
            },
        ));
        let Outcome::Answer(Answer::Number(value)) = outcome else {
            panic!("{outcome:?}");
        };
        let sum = |from: i64| {
            events
                .iter()
                .rev()
                .take_while(|(at, _)| *at > from)
                .map(|(_, amount)| amount)
                .sum::<i64>()
        };
        let (exact, at_least) = (sum(at_us - us), sum(at_us - us + us / 64));
        assert!(
            (at_least..=exact).contains(&value),
            "{at_least} <= {value} <= {exact}"
        );
        rounded += i64::from(value != exact);
    }
    assert!(rounded > 100, "it was tried: {rounded}");
    assert!(store.size(0) < 4096);
}

/// Of all loads, each fading from when it was seen, the highest counts.
#[test]
fn a_ladder_keeps_the_load_that_is_highest_now() {
    let recover = Recover {
        share: ONE / 100 + 1,
        per_us: 70,
    };
    let (enter, step) = (ONE / 2, 0);
    let ladder = Kind::Ladder {
        classes: 1,
        enter,
        step,
        recover,
    };
    let store = Local::new(&[Declaration::new("l", ladder)]).expect("it is right");
    let mut random = Random::new(1);
    let mut loads: Vec<(i64, i64)> = Vec::new();
    let mut at_us = 0;
    for _ in 0..2000 {
        at_us += random.below(300);
        let load = random.below(ONE);
        loads.push((at_us, load));
        let now = |(at, load): &(i64, i64)| {
            load - ((at_us - at) as i128 * recover.share as i128 / recover.per_us as i128) as i64
        };
        let highest = loads.iter().map(now).max().expect("this one");
        let sheds = store.ask(&operation(b"", at_us, b"d", Ask::Sheds { class: 0, load }));
        assert_eq!(sheds, if highest >= enter { YES } else { NO });
        assert_eq!(store.get(0, b"", at_us), Ok(highest));
    }
}

#[test]
fn distinct_members_are_exact_up_to_1024_and_estimated_beyond() {
    let window = Window::Sliding {
        us: 1_000_000_000,
        late_us: 0,
    };
    let store =
        Local::new(&[Declaration::new("d", Kind::Distinct { window })]).expect("it is right");
    let mut worst: f64 = 0.0;
    for i in 1..=30_000_i64 {
        let member = (i * 7).to_string();
        let add = Ask::Add {
            amount: 0,
            member: member.as_bytes(),
        };
        let outcome = store.ask(&operation(b"", i, b"d", add));
        let Outcome::Answer(Answer::Number(value)) = outcome else {
            panic!("{outcome:?}");
        };
        match i <= 1024 {
            true => assert_eq!(value, i),
            false => worst = worst.max((value - i).abs() as f64 / i as f64),
        }
    }
    // Four standard errors, of hashes that are the same in every run.
    assert!(worst < 4.0 * 0.0375, "{worst}");
    assert!(store.size(0) < 100_000);
}

#[test]
fn a_budget_without_a_ceiling_for_keys_has_no_keys() {
    let budget = Kind::Budget {
        total: Some(10),
        per_key: None,
        per_day: Some(6),
        zone: "UTC".into(),
    };
    let store = Local::new(&[Declaration::new("m", budget)]).expect("it is right");
    let charge = |key: &str, day: i64, amount| {
        let within = Some(Charge {
            state: 0,
            key: key.as_bytes(),
            amount,
        });
        store.ask(&operation(
            b"",
            day * 24 * HOUR,
            key.as_bytes(),
            Ask::Reserve { once: None, within },
        ))
    };
    assert_eq!(charge("a", 0, 6), YES);
    assert_eq!(charge("b", 0, 1), NO, "the day is spent");
    assert_eq!(charge("b", 1, -1), NO, "nothing is given back");
    assert_eq!(charge("b", 1, 4), YES);
    assert_eq!(charge("c", 2, 1), NO, "all is spent");
    assert_eq!(store.get(0, b"", 0), Ok(10));
    assert_eq!(store.keys(0), 0);
}

#[test]
fn what_a_state_cannot_answer_fails() {
    let store =
        Local::new(&[Declaration::new("s", Kind::Seen { keep_us: 1 })]).expect("it is right");
    let unanswerable = Outcome::Failed(Failure::Unanswerable);
    assert_eq!(
        store.ask(&operation(b"", 0, b"d", Ask::Take(1))),
        unanswerable
    );
    let once = Some(Once { state: 7, key: b"" });
    assert_eq!(
        store.ask(&operation(
            b"",
            0,
            b"d",
            Ask::Reserve { once, within: None }
        )),
        unanswerable
    );
}
