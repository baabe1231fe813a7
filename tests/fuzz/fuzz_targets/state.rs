//! Operations on states and times, as the fuzzer chooses them: the store answers as the model that keeps everything and counts it again, and no
//! number makes it panic.
#![no_main]
#![allow(
    dead_code,
    reason = "the model and the trials are those of the store's own tests, mounted here"
)]

#[path = "../../../state/tests/stores/model.rs"]
mod model;
#[path = "../../../state/tests/stores/random.rs"]
mod random;

use libfuzzer_sys::fuzz_target;
use tollgate_state::{Ask, Local, Operation};

/// An operation makes some five choices.
const CHOICES: usize = 5;

fuzz_target!(|choices: &[u8]| {
    let [kind, how, choices @ ..] = choices else {
        return;
    };
    let trials = random::trials();
    let trial = &trials[*kind as usize % trials.len()];
    let store = Local::new(&trial.declarations).expect("they are right");
    let random = random::Random::given(choices, 1);
    let operations = choices.len() / CHOICES + 1;
    if how % 4 == 0 {
        let mut random = random;
        random::any_numbers(&store, &mut random, operations as i64);
    } else {
        random::try_with(
            trial,
            random,
            how % 2 == 1,
            operations,
            Box::new(store),
            |store| store,
        );
    }
});

/// An operation of state 0, as the trials ask.
fn operation<'a>(key: &'a [u8], at_us: i64, decision: &'a [u8], ask: Ask<'a>) -> Operation<'a> {
    Operation {
        state: 0,
        key,
        at_us,
        decision,
        place: 1,
        ask,
    }
}
