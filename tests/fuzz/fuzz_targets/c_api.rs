//! Sequences of calls of the C library with hostile arguments: what the library's own test does, with choices that the fuzzer makes.
#![no_main]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the library's sources are mounted here: it is built as a library of C only"
)]

#[path = "../../../bindings/c/src/border.rs"]
pub mod border;
#[path = "../../../bindings/c/src/compiler.rs"]
mod compiler;
#[path = "../../../bindings/c/src/decision.rs"]
pub mod decision;
#[path = "../../../bindings/c/src/entry.rs"]
pub mod entry;
#[path = "../../../bindings/c/src/error.rs"]
pub mod error;
#[path = "../../../bindings/c/src/tests/hostile.rs"]
mod hostile;
#[path = "../../../bindings/c/src/program.rs"]
pub mod program;
#[path = "../../../bindings/c/src/session.rs"]
pub mod session;
#[path = "../../../bindings/c/src/states.rs"]
pub mod states;
#[path = "../../../bindings/c/src/value.rs"]
pub mod value;

use hostile::Subject;
use libfuzzer_sys::fuzz_target;

/// A call makes some twenty choices.
const CHOICES: usize = 20;

thread_local! {
    static SUBJECT: Subject = Subject::new("vm");
}

fuzz_target!(|choices: &[u8]| {
    let calls = choices.len() / CHOICES + 1;
    SUBJECT.with(|subject| subject.hostile_calls(choices, 1, calls as u64));
});
