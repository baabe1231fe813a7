//! Random rule sets that ask states, on every engine at every level: the same values, rules and operations with their answers
//! as the reference interpreter on unoptimised IR.
//!
//! Each engine has states of its own. Those in the store `host.flaky` are answered at once, later, or not at all, as the operation
//! says, so that decisions are pending and failures are answered by `on_failure`.
//! `TOLLGATE_ASKED=1000` and `TOLLGATE_SEED=7` make the run longer and other.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use libtest_mimic::{Failed, Trial};
use tollgate::Call;
use tollgate::state::{Declaration, Failure, Local, Operation, Outcome, Store};

use super::differential::{batches, number};
use super::run::engines;
use crate::random::asking;

/// Programs in an ordinary run of the suite.
const PROGRAMS: u64 = 60;
/// Events for each.
const EVENTS: usize = 60;
/// Programs in one trial.
const BATCH: u64 = 20;

/// One trial a batch, and one that says that the programs do what they are for.
pub(crate) fn trials(_root: &Path) -> Vec<Trial> {
    let programs = number("TOLLGATE_ASKED").unwrap_or(PROGRAMS);
    let mut trials = batches("asked", programs, BATCH, agree);
    trials.push(Trial::test("asked/everything happens", everything_happens));
    trials
}

/// A store that is a store of this process behind bad weather.
pub(super) struct Flaky {
    local: Local,
    /// How often each kind of weather came.
    seen: Mutex<HashMap<&'static str, u64>>,
}

impl Flaky {
    pub(super) fn new(declarations: &[Declaration]) -> Result<Flaky, Failed> {
        Ok(Flaky {
            local: Local::new(declarations).map_err(|e| e.to_string())?,
            seen: Mutex::default(),
        })
    }

    /// A function of the operation, so that every engine has the same.
    fn weather(&self, operation: &Operation<'_>) -> &'static str {
        let told = [operation.decision, &operation.place.to_le_bytes()].concat();
        let hash = told.iter().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
        let weather = match (hash >> 7) % 6 {
            0 => "down",
            1 => "down later",
            2 | 3 => "later",
            _ => "fine",
        };
        *self.seen.lock().unwrap().entry(weather).or_default() += 1;
        weather
    }
}

impl Store for Flaky {
    fn ask(&self, operation: &Operation<'_>) -> Outcome {
        match self.weather(operation) {
            "fine" => self.local.ask(operation),
            "down" => Outcome::Failed(Failure::Down),
            _ => Outcome::Later,
        }
    }

    fn perform(&self, operations: &[Operation<'_>], outcomes: &mut Vec<Outcome>) {
        for operation in operations {
            outcomes.push(match self.weather(operation) {
                "later" => self.local.ask(operation),
                _ => Outcome::Failed(Failure::Down),
            });
        }
    }

    fn finish(&self, decision: &[u8]) {
        self.local.finish(decision);
    }
}

/// Every engine decides every event as the reference does, asks the same and is answered the same.
fn agree(seed: u64) -> Result<(), Failed> {
    let case = asking(seed, EVENTS);
    let tell = |what: String| Failed::from(format!("seed {seed}: {what}\n{}", case.source));
    let mut expected: Vec<String> = Vec::new();
    let mut engines: Vec<_> = engines().collect();
    // The reference goes first.
    engines.sort_by_key(|(name, _)| name != "interp O0");
    for (name, engine) in engines {
        let compiled = engine.compile_source("random.rules", &case.source);
        let program = compiled.map_err(|e| tell(format!("{name}: {e}")))?;
        let flaky = Arc::new(Flaky::new(program.declarations())?);
        let states = program.states(&[("host.flaky", flaky)]);
        let states = states.map_err(|e| tell(format!("{name}: {e}")))?;
        let mut session = program.session_with(&states)?;
        let bound = program.bound("decide").unwrap_or(0);
        for (i, event) in case.inputs.iter().enumerate() {
            let call = Call { id: "", time: 0 };
            let decision = session.decide_json("decide", event.as_bytes(), &call);
            let decision = decision.map_err(|e| tell(format!("{event}: {e}")))?;
            let mut decided = String::new();
            decision.write_trace(&mut decided);
            if decision.steps() > bound {
                let steps = decision.steps();
                return Err(tell(format!("{name}: {steps} steps, the bound is {bound}")));
            }
            match expected.get(i) {
                None => expected.push(decided),
                Some(wanted) if *wanted == decided => {}
                Some(wanted) => {
                    let message =
                        format!("{name} on {event}:\n  {decided}\nthe reference:\n  {wanted}");
                    return Err(tell(message));
                }
            }
            // Every third decision gives its slots back.
            if i % 3 == 0 {
                states.finish(&format!("e{i}"));
            }
        }
    }
    Ok(())
}

/// Random programs ask every operation, and are granted, refused, skipped and failed; else agreement would say little.
fn everything_happens() -> Result<(), Failed> {
    let mut seen: HashMap<String, u64> = HashMap::new();
    for seed in 0..60 {
        let case = asking(seed, EVENTS);
        let program = tollgate::Engine::new().compile_source("random.rules", &case.source)?;
        let flaky = Arc::new(Flaky::new(program.declarations())?);
        let states = program.states(&[("host.flaky", Arc::clone(&flaky) as Arc<dyn Store>)])?;
        let mut session = program.session_with(&states)?;
        for event in &case.inputs {
            let call = Call { id: "", time: 0 };
            let decision = session.decide_json("decide", event.as_bytes(), &call)?;
            for operation in decision.operations() {
                let answer = operation.answer_json();
                let answer = match answer.split_once(',') {
                    Some((granted, _)) => granted,
                    None if answer.parse::<i64>().is_ok() => "a number",
                    None => answer,
                };
                let failed = match operation.failure() {
                    Some(_) => " on failure",
                    None => "",
                };
                let key = format!("{} {answer}{failed}", operation.name());
                *seen.entry(key).or_default() += 1;
            }
        }
        for (weather, times) in flaky.seen.lock().unwrap().iter() {
            *seen.entry((*weather).to_owned()).or_default() += times;
        }
    }
    let wanted = [
        "take {\"granted\":true",
        "take {\"granted\":false",
        "take {\"granted\":true on failure",
        "take {\"granted\":false on failure",
        "take \"skip\" on failure",
        "enter true",
        "enter false",
        "enter \"skip\" on failure",
        "sheds true",
        "sheds false",
        "value a number",
        "value \"skip\"",
        "add a number",
        "add true on failure",
        "once true",
        "once false",
        "within true",
        "within false",
        "reserve true",
        "reserve false",
        "reserve false on failure",
        "fine",
        "later",
        "down",
        "down later",
    ];
    let missing: Vec<&&str> = wanted.iter().filter(|w| !seen.contains_key(**w)).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("never happens: {missing:?}; what does: {seen:?}").into()),
    }
}
