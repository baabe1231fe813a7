//! What a decision pays for asking a state: a token of a bucket for the key of a request, in a compiled rule set, for as many keys as
//! there are users.
//!
//! Beside it stand the same decision without the question (making the key, 13 bytes, is counted in both), and what this machine takes for one read of memory at a random place, each
//! depending on the one before. Keys are asked for uniformly, or by Zipf's law (exponent 1), of the virtual machine and of machine code. CPU time of the thread; the median of
//! the rounds. The last column is the memory that the state takes for a key.
//!
//! ```sh
//! cargo bench --bench states
//! ```
#![expect(
    clippy::disallowed_methods,
    reason = "keys of a benchmark are drawn, and decide nothing"
)]

#[path = "clock.rs"]
#[allow(dead_code, reason = "not every benchmark needs all of it")]
mod clock;

use std::hint::black_box;

use clock::{median, now};
use tollgate::state::{Ask, Local, Operation, Outcome, Store};
use tollgate::{Call, Engine, Program};

const ROUNDS: usize = 15;
const DECISIONS: usize = 1 << 17;
const RULES: &str = r#"
state per_key: TokenBucket by String { rate: 100 per 1s, burst: 200, max_keys: 2_000_000, on_failure: allow }

ruleset admit(key: String) -> Bool hit first {
  rule limited when not per_key[key].take().granted then false
  otherwise true
}

ruleset plain(key: String) -> Bool hit first {
  rule limited when key == "nobody" then false
  otherwise true
}
"#;

fn main() {
    println!(
        "{:>10}{:>10}{:>9}{:>10}{:>14}{:>10}{:>16}{:>14}",
        "engine",
        "keys",
        "traffic",
        "ns asked",
        "ns not asked",
        "ns more",
        "a read of memory",
        "bytes a key"
    );
    for engine in ["vm", "cranelift"] {
        measure(engine);
    }
}

fn measure(engine: &str) {
    let program = Engine::new()
        .backend(engine)
        .and_then(|engine| engine.compile_source("states.rules", RULES))
        .expect("it compiles");
    let admit = program.bind::<str>("admit").expect("it fits");
    let plain = program.bind::<str>("plain").expect("it fits");
    for (keys, zipf) in [
        (1, false),
        (1_000, false),
        (100_000, false),
        (1_000_000, false),
        (1_000_000, true),
    ] {
        let states = program.states(&[]).expect("there are states");
        let mut session = program.session_with(&states).expect("they are its own");
        let mut time = 0;
        // Every key is there before anything is measured, and every bucket has tokens.
        for i in 0..keys as u32 {
            let call = Call { id: "1", time };
            let key = key(i);
            let decision = session.decide_bound(&admit, text(&key), &call);
            assert_eq!(decision.expect("it decides").value_json(), "true");
        }
        let which = traffic(keys, zipf);
        let (mut asked, mut bare, mut read) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let began = now();
            for i in &which {
                time += 1_000;
                let call = Call { id: "1", time };
                let key = key(*i);
                let decision = session.decide_bound(&admit, text(&key), &call);
                black_box(decision.is_ok());
            }
            asked.push(now() - began);
            let began = now();
            for i in &which {
                time += 1_000;
                let call = Call { id: "1", time };
                let key = key(*i);
                let decision = session.decide_bound(&plain, text(&key), &call);
                black_box(decision.is_ok());
            }
            bare.push(now() - began);
            read.push(walk(keys));
        }
        let [asked, bare, read] = [asked, bare, read].map(|ns| median(ns) / DECISIONS as f64);
        let traffic = if zipf { "zipf" } else { "uniform" };
        let more = asked - bare;
        let bytes = size(&program, keys) / keys;
        println!(
            "{engine:>10}{keys:>10}{traffic:>9}{asked:>10.1}{bare:>14.1}{more:>10.1}{read:>16.1}{bytes:>14}"
        );
    }
}

/// The bytes that as many keys take in this process.
fn size(program: &Program, keys: usize) -> usize {
    let store = Local::new(program.declarations()).expect("they are right");
    for i in 0..keys as u32 {
        let taken = store.ask(&Operation {
            state: 0,
            key: &key(i),
            at_us: 0,
            decision: b"1",
            place: 0,
            ask: Ask::Take(1),
        });
        assert!(matches!(taken, Outcome::Answer(_)), "{taken:?}");
    }
    store.size(0)
}

/// As a request brings it: in the caches already, which a list of a million keys would not be.
fn key(i: u32) -> [u8; 13] {
    let mut key = *b"user:00000000";
    for (n, digit) in key[5..].iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(i >> (4 * n)) as usize & 15];
    }
    key
}

fn text(key: &[u8]) -> &str {
    std::str::from_utf8(key).unwrap_or_default()
}

/// A generator for seeded measurements (SplitMix64, Steele et al. 2014).
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn traffic(keys: usize, zipf: bool) -> Vec<u32> {
    let mut state = 1;
    let one = |_| {
        let at = (random(&mut state) >> 11) as f64 / (1_u64 << 53) as f64;
        let keys = keys as f64;
        match zipf {
            false => (at * keys) as u32,
            // The continuous law with exponent 1: the logarithm of the rank is uniform.
            true => (keys.powf(at) - 1.0) as u32,
        }
    };
    (0..DECISIONS).map(one).collect()
}

/// Nanoseconds of a walk through as many places of 64 bytes, each of which says where the next is.
fn walk(places: usize) -> f64 {
    let mut order: Vec<u32> = (0..places as u32).collect();
    let mut state = 2;
    for i in (1..places).rev() {
        order.swap(i, random(&mut state) as usize % (i + 1));
    }
    let mut memory = vec![[0_u64; 8]; places];
    for (from, to) in order.iter().zip(order.iter().cycle().skip(1)) {
        memory[*from as usize][0] = u64::from(*to);
    }
    let mut at = 0;
    let began = now();
    for _ in 0..DECISIONS {
        at = memory[at][0] as usize;
    }
    black_box(at);
    now() - began
}
