//! Tollgate decides every workload as the reference does, at every level of optimisation.

use tollgate::{Call, Engine, Level};
use tollgate_workloads::*;

/// Requests of each workload; fewer where the reference looks at many rules.
const REQUESTS: usize = 2_000;

fn agrees(workload: &Workload) {
    let name = format!("{} {}", workload.name(), workload.profile.name());
    let source = workload.source();
    for level in [Level::O0, Level::O1, Level::O2] {
        let engine = Engine::new().level(level);
        let program = engine.compile_source("workload.rules", &source);
        let program = program.unwrap_or_else(|error| panic!("{name}: {error}"));
        let entry = program
            .entry("decide")
            .expect("the entry of every workload");
        let mut session = program.session();
        for request in &workload.requests {
            let json = workload.json(request);
            let call = Call { id: "1", time: 0 };
            let decision = session.decide_json(entry, json.as_bytes(), &call);
            let decision = decision.unwrap_or_else(|error| panic!("{name}: {json}: {error}"));
            let expected = workload.reference(request);
            let value = decision.value_json();
            assert_eq!(
                value,
                Workload::answer_json(&expected),
                "{name} {level:?}: {json}"
            );
            let by: Vec<String> = decision.by().collect();
            assert_eq!(by, rules(&expected), "{name} {level:?}: {json}");
        }
    }
}

fn rules(answer: &Answer) -> Vec<String> {
    match answer {
        Answer::One(None) | Answer::Shed(false) => vec!["otherwise".into()],
        Answer::One(Some(rule)) => vec![format!("r{rule}")],
        Answer::Many(rules) => rules.iter().map(|r| format!("r{r}")).collect(),
        Answer::Shed(true) => vec!["poor".into()],
    }
}

/// Every profile at ten and a hundred rules, and the mixed traffic at a thousand.
fn family(make: fn(usize, usize, Profile) -> Workload) {
    for profile in Profile::ALL {
        agrees(&make(10, REQUESTS / 5, profile));
        agrees(&make(100, REQUESTS / 5, profile));
    }
    agrees(&make(1_000, REQUESTS, Profile::Zipf));
}

#[test]
fn gateway_agrees() {
    family(gateway);
}

#[test]
fn campaign_agrees() {
    family(campaign);
}

#[test]
fn campaign_even_agrees() {
    family(campaign_even);
}

#[test]
fn adversarial_agrees() {
    family(adversarial);
}

#[test]
fn single_agrees() {
    for profile in Profile::ALL {
        agrees(&single(REQUESTS, profile));
    }
}

#[test]
fn shed_agrees() {
    for profile in Profile::ALL {
        agrees(&shed(REQUESTS, profile));
    }
}

#[test]
fn github_agrees() {
    agrees(&github());
}
