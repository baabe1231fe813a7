//! Values that a test's `forall` draws for random programs: a counterexample that is pasted into a test fails as it failed before,
//! on another engine at another level.
//!
//! `TOLLGATE_PROGRAMS` and `TOLLGATE_SEED` as for the kind `differential`.

use std::ops::Range;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use tollgate::{Engine, Level, Program, TestFailure, TestOptions};

use super::differential::number;
use crate::random::case;

/// Programs in an ordinary run of the suite.
const PROGRAMS: u64 = 60;
/// Programs in one trial.
const BATCH: u64 = 30;
/// What is claimed of each program, mostly wrongly: it decides all records alike.
const CLAIM: &str = "expect decide(r, k) == decide(R(), 0)";

/// One trial a batch.
pub(crate) fn trials(_root: &Path) -> Vec<Trial> {
    let programs = number("TOLLGATE_PROGRAMS").unwrap_or(PROGRAMS);
    let first = number("TOLLGATE_SEED").unwrap_or(0);
    let trial = |i: u64| {
        let seeds = first + i * BATCH..(first + (i + 1) * BATCH).min(first + programs);
        let name = format!("drawn/{}..{}", seeds.start, seeds.end);
        Trial::test(name, move || batch(seeds))
    };
    (0..programs.div_ceil(BATCH)).map(trial).collect()
}

/// Most claims are wrong, and that must be found.
fn batch(seeds: Range<u64>) -> Result<(), Failed> {
    let mut wrong = 0;
    for seed in seeds.clone() {
        wrong += u64::from(pasted(seed)?);
    }
    match wrong * 2 >= seeds.end - seeds.start {
        true => Ok(()),
        false => Err(format!("only {wrong} counterexamples for the seeds {seeds:?}").into()),
    }
}

/// Whether a counterexample was found; it must fail again.
fn pasted(seed: u64) -> Result<bool, Failed> {
    let source = case(seed, 0).source;
    let drawn =
        format!("{source}\ntest \"drawn\" {{\n  forall r: R, k: Int in 0 .. 20\n  {CLAIM}\n}}\n");
    let tell = |what: String| Failed::from(format!("seed {seed}: {what}\n{drawn}"));
    let options = TestOptions {
        seed,
        cases: 64,
        ..TestOptions::default()
    };
    let compile = |backend: &str, level: Level, text: &str| -> Result<Program, Failed> {
        let engine = Engine::new().backend(backend)?.level(level);
        let program = engine.compile_source("random.rules", text);
        program.map_err(|e| tell(e.to_string()))
    };
    let found = failure(&compile("vm", Level::O2, &drawn)?, &options)?;
    // The same seed draws the same values on every engine.
    let again = failure(&compile("interp", Level::O0, &drawn)?, &options)?;
    let Some(found) = found else {
        return match again {
            None => Ok(false),
            Some(other) => Err(tell(format!(
                "only the interpreter finds {:?}",
                other.given
            ))),
        };
    };
    if again.as_ref().map(|again| &again.given) != Some(&found.given) {
        let again = again.map(|again| again.given);
        return Err(tell(format!("{:?} and {again:?} were found", found.given)));
    }
    let given = found.given.join("\n  ");
    let text = format!("{source}\ntest \"pasted\" {{\n  {given}\n  {CLAIM}\n}}\n");
    let pasted = failure(&compile("interp", Level::O0, &text)?, &options)?;
    let same = |pasted: &TestFailure| (&pasted.found, &pasted.by) == (&found.found, &found.by);
    match pasted {
        Some(pasted) if same(&pasted) => Ok(true),
        Some(other) => Err(tell(format!(
            "{given}\ngave {}, then {}",
            found.message, other.message
        ))),
        None => Err(tell(format!("{given}\npasted, it holds"))),
    }
}

/// What fails first in the tests of a program.
fn failure(program: &Program, options: &TestOptions) -> Result<Option<TestFailure>, Failed> {
    let mut found = None;
    program.run_tests_with(options, &mut |result| {
        found = found.take().or(result.failures.into_iter().next());
    })?;
    Ok(found)
}
