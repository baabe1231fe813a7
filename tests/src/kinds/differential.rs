//! Random programs on every engine at every level against the reference interpreter on unoptimised IR.
//!
//! A short seeded run belongs to every run of the suite; `TOLLGATE_PROGRAMS=10000` and `TOLLGATE_SEED=7` make it longer and other.

use std::env;
use std::panic::catch_unwind;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use tollgate::Call;

use super::run::engines;
use crate::random::case;

/// Programs in an ordinary run of the suite.
const PROGRAMS: u64 = 200;
/// Records for each.
const INPUTS: usize = 20;
/// Programs in one trial.
pub(super) const BATCH: u64 = 50;

/// One trial a batch.
pub(crate) fn trials(_root: &Path) -> Vec<Trial> {
    batches("differential", programs(), BATCH, survives)
}

/// How many random programs a run looks at.
pub(super) fn programs() -> u64 {
    number("TOLLGATE_PROGRAMS").unwrap_or(PROGRAMS)
}

/// The number that a variable of the environment gives.
pub(super) fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// Trials of a check of `count` seeds, so many of them in one.
pub(super) fn batches(
    kind: &str,
    count: u64,
    batch: u64,
    check: impl Fn(u64) -> Result<(), Failed> + Copy + Send + 'static,
) -> Vec<Trial> {
    let first = number("TOLLGATE_SEED").unwrap_or(0);
    let trial = |i: u64| {
        let from = first + i * batch;
        let to = (from + batch).min(first + count);
        Trial::test(format!("{kind}/{from}..{to}"), move || {
            (from..to).try_for_each(check)
        })
    };
    (0..count.div_ceil(batch)).map(trial).collect()
}

/// As [`agree`]; a panic is told with the program that caused it.
fn survives(seed: u64) -> Result<(), Failed> {
    catch_unwind(|| agree(seed))
        .unwrap_or_else(|_| Err(format!("seed {seed} panicked:\n{}", case(seed, 0).source).into()))
}

/// Every engine decides every record as the reference does, within the bound.
fn agree(seed: u64) -> Result<(), Failed> {
    let case = case(seed, INPUTS);
    let tell = |what: String| Failed::from(format!("seed {seed}: {what}\n{}", case.source));
    let mut expected: Vec<String> = Vec::new();
    let mut engines: Vec<_> = engines().collect();
    // The reference goes first.
    engines.sort_by_key(|(name, _)| name != "interp O0");
    for (name, engine) in engines {
        let program = engine
            .compile_source("random.rules", &case.source)
            .map_err(|e| tell(format!("{name}: {e}")))?;
        let bound = program.bound("decide").unwrap_or(0);
        let mut session = program.session();
        for (i, input) in case.inputs.iter().enumerate() {
            let call = Call {
                id: "random",
                time: 0,
            };
            let decision = session
                .decide_json("decide", input.as_bytes(), &call)
                .map_err(|e| tell(format!("{input}: {e}")))?;
            if decision.steps() > bound {
                return Err(tell(format!(
                    "{name} took {} steps, the bound is {bound}, on {input}",
                    decision.steps()
                )));
            }
            let decided = decision.to_json();
            match expected.get(i) {
                None => expected.push(decided),
                Some(wanted) if *wanted == decided => {}
                Some(wanted) => {
                    return Err(tell(format!(
                        "{name} decided {decided}, the reference {wanted}, on {input}"
                    )));
                }
            }
        }
    }
    Ok(())
}
