//! Random rule sets of many rules, searched and tried one after the other: the index against the plain chain and the reference
//! interpreter, in value, deciding rules and order; and what machine code finds by itself.
//!
//! A short seeded run belongs to every run of the suite. `TOLLGATE_RULESETS=6000` makes it longer: each rule set is asked about
//! 250 events by five engines beside the reference (six with LLVM), so that this makes seven and a half million comparisons; `TOLLGATE_SEED=7` makes it other.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use tollgate::Call;

use super::differential::{batches, number};
use super::run::engines;
use crate::random::rule_set;

/// Rule sets in an ordinary run of the suite.
const RULESETS: u64 = 40;
/// Events for each.
const INPUTS: usize = 250;
/// Rule sets in one trial.
const BATCH: u64 = 10;
/// The reference, which goes first, and those that are held to it: chains, what is searched, and what code finds.
const ENGINES: [&str; 7] = [
    "interp O0",
    "vm O0",
    "vm O1",
    "vm O2",
    "interp O2",
    "cranelift O2",
    // In builds that have it.
    "llvm O2",
];

/// One trial a batch.
pub(crate) fn trials(_root: &Path) -> Vec<Trial> {
    let rulesets = number("TOLLGATE_RULESETS").unwrap_or(RULESETS);
    batches("searched", rulesets, BATCH, agree)
}

fn agree(seed: u64) -> Result<(), Failed> {
    let case = rule_set(seed, INPUTS);
    let tell = |what: String| Failed::from(format!("seed {seed}: {what}\n{}", case.source));
    let mut expected: Vec<String> = Vec::new();
    for wanted in ENGINES {
        let engine = engines().find(|(name, _)| name == wanted);
        if engine.is_none() && wanted == "llvm O2" {
            continue;
        }
        let (name, engine) = engine.ok_or_else(|| tell(format!("there is no engine {wanted}")))?;
        let program = engine
            .compile_source("searched.rules", &case.source)
            .map_err(|e| tell(format!("{name}: {e}")))?;
        let bound = program.bound("decide").unwrap_or(0);
        let mut session = program.session();
        for (i, input) in case.inputs.iter().enumerate() {
            let call = Call {
                id: "searched",
                time: 0,
            };
            let decision = session
                .decide_json("decide", input.as_bytes(), &call)
                .map_err(|e| tell(format!("{input}: {e}")))?;
            if decision.steps() > bound {
                let steps = decision.steps();
                return Err(tell(format!(
                    "{name}: {steps} steps, the bound is {bound}, on {input}"
                )));
            }
            let decided = decision.to_json();
            match expected.get(i) {
                None => expected.push(decided),
                Some(reference) if *reference == decided => {}
                Some(reference) => {
                    let what =
                        format!("{name} decided {decided}, the reference {reference}, on {input}");
                    return Err(tell(what));
                }
            }
        }
    }
    Ok(())
}
