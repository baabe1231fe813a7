//! Explanations of random decisions that ask states, some of which are slow or fail.
//!
//! With the answers of a decision it is explained the same on every engine at every level: the explanation itself refuses where value, rules or operations
//! differ from those of the reference interpreter. Conditions, rules and what decides go together; and a change that is claimed is decided
//! again with the same answers: the rule matches, the rules decide that were named, and nothing else was asked.
//!
//! `TOLLGATE_ANSWERED=1000` and `TOLLGATE_SEED=7` make the run longer and other.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use libtest_mimic::{Failed, Trial};
use tollgate::{Answer, Attempt, Call, Closest, Condition, Program, Which};

use super::asked::Flaky;
use super::differential::{batches, number};
use super::explained::{consistent, together};
use super::run::engines;
use crate::random::{Case, asking};

/// Programs in an ordinary run of the suite.
const PROGRAMS: u64 = 8;
/// Events for each.
const EVENTS: usize = 16;
/// Programs in one trial.
const BATCH: u64 = 2;

/// How often each thing was seen, by all trials.
static SEEN: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

/// One trial a batch, and one that says that they do what they are for.
pub(crate) fn trials(_root: &Path) -> Vec<Trial> {
    let programs = number("TOLLGATE_ANSWERED").unwrap_or(PROGRAMS);
    let mut trials = batches("answered", programs, BATCH, |seed| {
        holds(&random(seed), false)
    });
    trials.push(Trial::test("answered/everything happens", || {
        holds(&one_limit(), false)?;
        (1_000..1_008).try_for_each(|seed| holds(&random(seed), true))?;
        let seen = SEEN.each_ref().map(|seen| seen.load(Relaxed));
        match seen.contains(&0) {
            false => Ok(()),
            true => Err(format!("changes, none found, not asked, asked: {seen:?}").into()),
        }
    }));
    trials
}

fn random(seed: u64) -> Case {
    asking(seed, EVENTS)
}

/// What is asked does not depend on the facts, so that they can be changed. In random programs every fact is counted somewhere.
fn one_limit() -> Case {
    let source = r#"
        state calls: FixedWindow { limit: 3, window: 1h, on_failure: deny }
        record Call { n: Int in 0 .. 99, path: Path }
        ruleset decide(c: Call) -> Int hit first {
          rule low when c.n < 3 then 1
          rule over when not calls.take().granted and c.n > 40 then 2
          rule checkout when c.path matches p"/v2/{cart}/checkout" and c.n > 60 then 3
          otherwise 4
        }
    "#;
    let input = |n: u32| {
        format!(
            r#"{{"n": {}, "path": "/v{}/a/checkout"}}"#,
            n * 7 % 99,
            n % 3
        )
    };
    Case {
        source: source.into(),
        inputs: (0..20).map(input).collect(),
    }
}

fn holds(case: &Case, quick: bool) -> Result<(), Failed> {
    let tell = |what: String| Failed::from(format!("{what}\n{}", case.source));
    let compile = |engine: tollgate::Engine| engine.compile_source("random.rules", &case.source);
    let program = compile(tollgate::Engine::new())?;
    let others: Vec<(String, Program)> = engines()
        .filter(|_| !quick)
        .map(|(name, engine)| Ok((name.to_string(), compile(engine)?)))
        .collect::<Result<_, tollgate::Error>>()?;
    let flaky = Arc::new(Flaky::new(program.declarations())?);
    let states = program.states(&[("host.flaky", flaky)])?;
    let mut session = program.session_with(&states)?;
    let call = Call { id: "", time: 0 };
    // Rules in shadow mode match, and do not decide.
    let shadow = case.source.contains("mode shadow");
    for event in &case.inputs {
        let facts = program.decode("decide", event.as_bytes())?;
        let decision = session.decide_facts("decide", &facts, &call)?;
        let (answers, operations) = (decision.answers(), decision.operations());
        let told = |what: String| tell(format!("{event}: {what}"));
        let explain = |program: &Program| {
            let facts = program.decode("decide", event.as_bytes())?;
            program.explain_answered("decide", &facts, &call, &answers, Which::All)
        };
        let explained = explain(&program).map_err(|e| told(e.to_string()))?;
        for (name, other) in &others {
            let other = explain(other).map_err(|e| told(format!("{name}: {e}")))?;
            if other.to_json() != explained.to_json() {
                return Err(told(format!("{name} explains\n{other}\nnot\n{explained}")));
            }
        }
        if explained.operations != operations {
            return Err(told(format!("it asked {operations:?}\n{explained}")));
        }
        for rule in &explained.rules {
            let told = |what: String| told(format!("{}: {what}\n{explained}", rule.name));
            consistent(rule).map_err(told)?;
            SEEN[2].fetch_add(u64::from(!rule.known), Relaxed);
            let asked = rule.conditions.iter().flat_map(all);
            for condition in asked.filter(|c| !c.asked.is_empty()) {
                SEEN[3].fetch_add(1, Relaxed);
                let asked = condition.asked.iter().all(|o| operations.contains(o));
                if !asked || matches!(condition.answer, Answer::NotAsked | Answer::NotReached(_)) {
                    return Err(told(format!("{} asked otherwise", condition.text)));
                }
            }
            match &rule.closest {
                Some(Closest::Change { input, by, .. }) if !shadow => {
                    SEEN[0].fetch_add(1, Relaxed);
                    changed(&program, input, &answers, &rule.name, by).map_err(told)?;
                }
                Some(_) => drop(SEEN[1].fetch_add(1, Relaxed)),
                None => {}
            }
        }
        if !shadow {
            together(&case.source, &explained).map_err(told)?;
        }
    }
    Ok(())
}

/// A condition and its parts.
fn all(of: &Condition) -> Vec<&Condition> {
    let parts = of.parts.iter().flat_map(all);
    [of].into_iter().chain(parts).collect()
}

/// Whether changed facts are decided as a change says, with the same answers of states and nothing else asked.
fn changed(
    program: &Program,
    input: &str,
    answers: &tollgate::Answers,
    rule: &str,
    by: &[String],
) -> Result<(), String> {
    let call = Call { id: "", time: 0 };
    // Empty, and never asked: what is asked besides would show.
    let stores = super::stores_here(program)?;
    let states = program.states(&stores).map_err(|e| e.to_string())?;
    let mut session = program.session_with(&states).map_err(|e| e.to_string())?;
    let attempt = session.attempt_json("decide", input.as_bytes(), &call, answers);
    let Attempt::Decided(decision) = attempt.map_err(|e| e.to_string())? else {
        return Err(format!("{input} asks more"));
    };
    let decided: Vec<String> = decision.by().collect();
    if decided != by {
        return Err(format!("{decided:?} decide {input}, not {by:?}"));
    }
    let again = decision.answers();
    let facts = program.decode("decide", input.as_bytes());
    let explained = program.explain_answered(
        "decide",
        &facts.map_err(|e| e.to_string())?,
        &call,
        &again,
        Which::Named(rule),
    );
    match explained.map_err(|e| e.to_string())?.rules[0].matched {
        true => Ok(()),
        false => Err(format!("it does not match {input}")),
    }
}
