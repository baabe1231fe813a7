//! Random operations, the same for every store.

use tollgate_state::kind::ONE;
use tollgate_state::{
    Ask, Charge, Declaration, Kind, Once, Operation, Outcome, Period, Rate, Recover, Remember,
    Store, Weekday, Window,
};

use crate::model::Model;

pub(crate) const HOUR: i64 = 3_600_000_000;

/// Choices: those that a fuzzer gives, as bytes, and then SplitMix64: enough to choose with, and the same everywhere.
pub(crate) struct Random {
    given: std::vec::IntoIter<u8>,
    seed: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random::given(&[], seed)
    }

    pub(crate) fn given(choices: &[u8], seed: u64) -> Random {
        let given = Vec::from(choices).into_iter();
        Random { given, seed }
    }

    fn next(&mut self) -> u64 {
        if let Some(byte) = self.given.next() {
            return byte.into();
        }
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: i64) -> i64 {
        (self.next() % n.max(1) as u64) as i64
    }

    pub(crate) fn any(&mut self) -> i64 {
        match self.below(8) {
            0 => i64::MIN,
            1 => i64::MAX,
            2 => 0,
            3 => self.below(1000) - 500,
            _ => self.next() as i64,
        }
    }
}

/// How one kind is tried.
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    pub(crate) declarations: Vec<Declaration>,
    /// How far time goes on from one operation to the next, at most.
    pub(crate) step_us: i64,
    /// Where it begins.
    pub(crate) begin_us: i64,
}

/// What is asked, with the bytes that it borrows.
#[derive(Clone)]
pub(crate) struct Asked {
    key: Vec<u8>,
    other: Vec<u8>,
    member: Vec<u8>,
    decision: Vec<u8>,
    pub(crate) at_us: i64,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Take(u32),
    Enter(bool),
    Sheds(u32, i64),
    Value,
    Add(i64),
    Reserve { once: bool, within: Option<i64> },
}

impl Asked {
    pub(crate) fn operation(&self) -> Operation<'_> {
        let ask = match self.what {
            What::Take(n) => Ask::Take(n),
            What::Enter(critical) => Ask::Enter { critical },
            What::Sheds(class, load) => Ask::Sheds { class, load },
            What::Value => Ask::Value,
            What::Add(amount) => Ask::Add {
                amount,
                member: &self.member,
            },
            What::Reserve { once, within } => Ask::Reserve {
                once: once.then_some(Once {
                    state: 0,
                    key: &self.key,
                }),
                within: within.map(|amount| Charge {
                    state: 1,
                    key: &self.other,
                    amount,
                }),
            },
        };
        crate::operation(&self.key, self.at_us, &self.decision, ask)
    }
}

/// Every kind, each with and without remembering where that makes a difference.
pub(crate) fn trials() -> Vec<Trial> {
    // Two weeks before clocks change in Berlin.
    let march = 1_773_500_000_000_000;
    let sliding = Window::Sliding {
        us: 1000,
        late_us: 200,
    };
    let calendar = |period, starts| Window::Calendar {
        period,
        zone: "Europe/Berlin".into(),
        starts,
        late_us: 10_000 * HOUR,
    };
    let berlin = || "Europe/Berlin".to_owned();
    let mut trials = Vec::new();
    let mut add = |name: &'static str, step_us, begin_us, kinds: Vec<Kind>| {
        for remember in [
            None,
            Some(Remember {
                for_us: 40 * step_us,
                most: 100_000,
            }),
        ] {
            let declarations = kinds.iter().enumerate().map(|(i, kind)| {
                let declaration = Declaration::new(&format!("{name}{i}{remember:?}"), kind.clone())
                    .max_keys(1000);
                Declaration {
                    remember,
                    ..declaration
                }
            });
            trials.push(Trial {
                name,
                declarations: declarations.collect(),
                step_us,
                begin_us,
            });
        }
    };
    let rate = Rate {
        count: 3,
        per_us: 100,
    };
    add("bucket", 50, 0, vec![Kind::TokenBucket { rate, burst: 10 }]);
    add(
        "window",
        20,
        0,
        vec![Kind::FixedWindow {
            limit: 10,
            window_us: 100,
        }],
    );
    add(
        "log",
        20,
        0,
        vec![Kind::SlidingLog {
            limit: 10,
            window_us: 100,
        }],
    );
    add(
        "slots",
        20,
        0,
        vec![Kind::Concurrency {
            max: 4,
            lease_us: 150,
        }],
    );
    let critical = 20 * ONE / 100;
    add(
        "reserve",
        20,
        0,
        vec![Kind::Reserve {
            max: 6,
            critical,
            lease_us: 150,
        }],
    );
    let recover = Recover {
        share: ONE / 100 + 1,
        per_us: 70,
    };
    let (enter, step) = (75 * ONE / 100, 5 * ONE / 100);
    add(
        "ladder",
        300,
        0,
        vec![Kind::Ladder {
            classes: 4,
            enter,
            step,
            recover,
        }],
    );
    add(
        "sliding count",
        60,
        0,
        vec![Kind::Count {
            window: sliding.clone(),
        }],
    );
    add(
        "sliding sum",
        60,
        0,
        vec![Kind::Sum {
            window: sliding.clone(),
        }],
    );
    add(
        "sliding distinct",
        60,
        0,
        vec![Kind::Distinct { window: sliding }],
    );
    add(
        "daily sum",
        5 * HOUR,
        march,
        vec![Kind::Sum {
            window: calendar(Period::Day, Weekday::Monday),
        }],
    );
    add(
        "weekly count",
        9 * HOUR,
        march,
        vec![Kind::Count {
            window: calendar(Period::Week, Weekday::Sunday),
        }],
    );
    add(
        "monthly distinct",
        30 * HOUR,
        march,
        vec![Kind::Distinct {
            window: calendar(Period::Month, Weekday::Monday),
        }],
    );
    add(
        "yearly count",
        500 * HOUR,
        march,
        vec![Kind::Count {
            window: calendar(Period::Year, Weekday::Monday),
        }],
    );
    let (total, per_key, per_day) = (Some(4000), Some(150), Some(300));
    let budget = Kind::Budget {
        total,
        per_key,
        per_day,
        zone: berlin(),
    };
    add(
        "reserve money",
        2 * HOUR,
        march,
        vec![Kind::Seen { keep_us: 30 * HOUR }, budget],
    );
    trials
}

/// Asks the store and the model the same, and stops at the first difference. Every so often `between` may do something
/// that must make none.
pub(crate) fn try_all(
    trial: &Trial,
    seed: u64,
    operations: usize,
    store: Box<dyn Store>,
    between: impl FnMut(Box<dyn Store>) -> Box<dyn Store>,
) {
    let backwards = seed % 2 == 1;
    let random = Random::new(seed);
    try_with(trial, random, backwards, operations, store, between);
}

/// As [`try_all`], with choices from anywhere; `backwards` says whether time may go so.
pub(crate) fn try_with(
    trial: &Trial,
    mut random: Random,
    backwards: bool,
    operations: usize,
    mut store: Box<dyn Store>,
    mut between: impl FnMut(Box<dyn Store>) -> Box<dyn Store>,
) {
    let seed = random.seed;
    let mut model = Model::new(&trial.declarations);
    let mut asked: Vec<Asked> = Vec::new();
    let backwards = backwards && !trial.name.starts_with("ladder");
    // A store that meets a new key may drop what no longer matters at its time, and decides about that at no earlier time from then on. The model
    // keeps everything and has no opinion on it, so where time goes backwards there is one key, which is there from the beginning.
    let keys = if backwards { 1 } else { 20 };
    let mut at_us = trial.begin_us;
    for i in 0..operations {
        at_us += random.below(trial.step_us + 1);
        let mut next = new(trial, &mut random, keys, i, at_us);
        if backwards && i >= 20 && random.below(8) == 0 {
            next.at_us -= random.below(4 * trial.step_us);
        }
        if i >= 20 && random.below(6) == 0 {
            // A retry, now or at the time of the first.
            let before = &asked[i - 1 - random.below(15) as usize];
            next = Asked {
                at_us: if random.below(2) == 0 {
                    before.at_us
                } else {
                    at_us
                },
                ..before.clone()
            };
            if !backwards {
                next.at_us = at_us;
            }
        }
        let expected = model.ask(&next.operation());
        let outcome = perform(store.as_ref(), &next.operation());
        assert_eq!(
            outcome,
            expected,
            "{}, seed {seed}, operation {i}: {:?}",
            trial.name,
            next.operation()
        );
        asked.push(next);
        if random.below(3) == 0 && i >= 20 {
            let done = &asked[i - random.below(10) as usize].decision;
            model.finish(done);
            store.finish(done);
        }
        if random.below(40) == 0 {
            store = between(store);
        }
    }
}

/// Asks anything with any number, and gives what was answered.
pub(crate) fn any_numbers(store: &dyn Store, random: &mut Random, operations: i64) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for i in 0..operations {
        let key = random.below(50).to_string();
        let decision = random.below(200).to_string();
        let number = random.any();
        let once = Once {
            state: 0,
            key: key.as_bytes(),
        };
        let within = Charge {
            state: 1,
            key: key.as_bytes(),
            amount: number,
        };
        let ask = match random.below(6) {
            0 => Ask::Take(number as u32),
            1 => Ask::Enter {
                critical: i % 2 == 0,
            },
            2 => Ask::Sheds {
                class: number as u32,
                load: random.any(),
            },
            3 => Ask::Value,
            4 => Ask::Add {
                amount: number,
                member: decision.as_bytes(),
            },
            _ => Ask::Reserve {
                once: (i % 3 > 0).then_some(once),
                within: (i % 3 < 2).then_some(within),
            },
        };
        let operation = crate::operation(key.as_bytes(), random.any(), decision.as_bytes(), ask);
        outcomes.push(perform(
            store,
            &Operation {
                state: random.below(3) as u32,
                ..operation
            },
        ));
        if i % 5 == 0 {
            store.finish(decision.as_bytes());
        }
    }
    outcomes
}

/// Operations with times that go on, each of another decision.
#[cfg(feature = "redis")]
pub(crate) fn random_operations(
    trial: &Trial,
    random: &mut Random,
    operations: usize,
) -> Vec<Asked> {
    let mut at_us = trial.begin_us;
    let one = |i| {
        at_us += random.below(trial.step_us + 1);
        new(trial, random, 20, i, at_us)
    };
    (0..operations).map(one).collect()
}

pub(crate) fn perform(store: &dyn Store, operation: &Operation<'_>) -> Outcome {
    match store.ask(operation) {
        Outcome::Later => {
            let mut outcomes = Vec::new();
            store.perform(&[*operation], &mut outcomes);
            outcomes[0]
        }
        outcome => outcome,
    }
}

fn new(trial: &Trial, random: &mut Random, keys: i64, i: usize, at_us: i64) -> Asked {
    let key = match i < 20 {
        true => i as i64 % keys,
        false => random.below(keys),
    };
    let what = match &trial.declarations[0].kind {
        Kind::TokenBucket { .. } | Kind::FixedWindow { .. } | Kind::SlidingLog { .. } => {
            What::Take(if i < 20 { 1 } else { random.below(13) as u32 })
        }
        Kind::Concurrency { .. } | Kind::Reserve { .. } => What::Enter(random.below(3) == 0),
        Kind::Ladder { .. } => What::Sheds(random.below(4) as u32, random.below(ONE)),
        Kind::Count { .. } if i < 20 || random.below(3) > 0 => What::Add(1),
        Kind::Sum { .. } if i < 20 || random.below(3) > 0 => What::Add(random.below(2000) - 500),
        Kind::Distinct { .. } if i < 20 || random.below(3) > 0 => What::Add(0),
        Kind::Seen { .. } | Kind::Budget { .. } => {
            let once = random.below(3) > 0;
            let within = (!once || random.below(3) > 0).then(|| random.below(60) - 2);
            What::Reserve { once, within }
        }
        Kind::Count { .. } | Kind::Sum { .. } | Kind::Distinct { .. } => What::Value,
    };
    // Longer than what is kept in place, sometimes.
    let long = |n: i64| match n % 2 {
        0 => format!("k{n}"),
        _ => format!("a key that is longer than most keys are, number {n}"),
    };
    Asked {
        key: long(key).into_bytes(),
        other: long(random.below(keys * 2)).into_bytes(),
        member: random.below(40).to_string().into_bytes(),
        decision: format!("decision {i}").into_bytes(),
        at_us,
        what,
    }
}
