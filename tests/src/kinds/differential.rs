//! Random programs on every engine at every level against the reference interpreter on unoptimised IR.
//!
//! A short seeded run belongs to every run of the suite; `TOLLGATE_PROGRAMS=10000` and `TOLLGATE_SEED=7` make it longer and other.

use std::env;
use std::ops::Range;
use std::panic::catch_unwind;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use tollgate::{Call, Checked};

use super::run::engines;
use crate::random::cases;

/// Programs in an ordinary run of the suite.
const PROGRAMS: u64 = 200;
/// Records for each.
const INPUTS: usize = 20;
/// Programs that stand in one file, so that what is done once for a program is done once for so many.
const TOGETHER: usize = 10;
/// Programs in one trial.
pub(super) const BATCH: u64 = 50;

/// One trial a batch.
pub(crate) fn trials(_root: &Path) -> Vec<Trial> {
    let first = number("TOLLGATE_SEED").unwrap_or(0);
    let end = first + programs();
    let chunk = |from: u64, most: u64, end: u64| from..(from + most).min(end);
    let trial = |from: usize| {
        let trial = chunk(from as u64, BATCH, end);
        let name = format!("differential/{}..{}", trial.start, trial.end);
        Trial::test(name, move || {
            let end = trial.end;
            let mut parts = trial.step_by(TOGETHER);
            parts.try_for_each(|from| survive(chunk(from, TOGETHER as u64, end)))
        })
    };
    (first as usize..end as usize)
        .step_by(BATCH as usize)
        .map(trial)
        .collect()
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

/// As [`agree`], also of panics. Where programs that stand together do not agree, each is looked at alone, so that what is told can be
/// repeated with its seed.
fn survive(seeds: Range<u64>) -> Result<(), Failed> {
    let whole = survives(seeds.clone());
    let several = seeds.end - seeds.start > 1;
    match whole {
        Err(why) if several => {
            seeds
                .clone()
                .try_for_each(|seed| survives(seed..seed + 1))?;
            let why = why.message().unwrap_or_default();
            Err(format!(
                "only where the programs of seeds {seeds:?} stand in one file, so look there (`cases({seeds:?}, {INPUTS})`): {why}"
            )
            .into())
        }
        whole => whole,
    }
}

/// As [`agree`]; a panic is told with the program that caused it.
fn survives(seeds: Range<u64>) -> Result<(), Failed> {
    catch_unwind(|| agree(seeds.clone())).unwrap_or_else(|_| {
        let source = cases(seeds.clone(), 0).source;
        Err(format!("seeds {seeds:?} panicked:\n{source}").into())
    })
}

/// Every engine decides every record as the reference does, within the bound.
fn agree(seeds: Range<u64>) -> Result<(), Failed> {
    let cases = cases(seeds.clone(), INPUTS);
    let tell =
        |seed: u64, what: String| Failed::from(format!("seed {seed}: {what}\n{}", cases.source));
    let all = |what: String| Failed::from(format!("seeds {seeds:?}: {what}\n{}", cases.source));
    let rules = Checked::source("random.rules", &cases.source).map_err(|e| all(e.to_string()))?;
    let mut expected: Vec<String> = Vec::new();
    let mut engines: Vec<_> = engines().collect();
    // The reference goes first.
    engines.sort_by_key(|(name, _)| name != "interp O0");
    for (name, engine) in engines {
        let program = rules.compile(&engine);
        let program = program.map_err(|e| all(format!("{name}: {e}")))?;
        let mut session = program.session();
        let mut decisions = 0;
        for (seed, entry, inputs) in &cases.entries {
            let bound = program.bound(entry).unwrap_or(0);
            let entry = program.entry(entry);
            let entry = entry.map_err(|e| tell(*seed, e.to_string()))?;
            for input in inputs {
                let call = Call {
                    id: "random",
                    time: 0,
                };
                let decision = session
                    .decide_json(entry, input.as_bytes(), &call)
                    .map_err(|e| tell(*seed, format!("{input}: {e}")))?;
                if decision.steps() > bound {
                    let what = format!(
                        "{name} took {} steps, the bound is {bound}, on {input}",
                        decision.steps()
                    );
                    return Err(tell(*seed, what));
                }
                let decided = decision.to_json();
                match expected.get(decisions) {
                    None => expected.push(decided),
                    Some(wanted) if *wanted == decided => {}
                    Some(wanted) => {
                        let what =
                            format!("{name} decided {decided}, the reference {wanted}, on {input}");
                        return Err(tell(*seed, what));
                    }
                }
                decisions += 1;
            }
        }
    }
    Ok(())
}
