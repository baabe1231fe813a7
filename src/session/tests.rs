//! Handles and facts that were let in before.

use super::*;
use crate::Engine;

const RULES: &str = "
    record Load { id: String = \"\", cpu: Percent }
    ruleset busy(load: Load) -> Bool hit first {
      rule hot when load.cpu > 80% then true
      otherwise false
    }
    guard calm(other: Load) { deny hot \"too hot\" when other.cpu > 90% }
    ruleset between(a: Int, b: Int) -> Bool hit first {
      rule yes when a < b then true
      otherwise false
    }
    ruleset swapped(b: Int, a: Int) -> Bool hit first {
      rule yes when a < b then true
      otherwise false
    }
";
const CALL: Call<'_> = Call { id: "1", time: 0 };

fn program() -> Program {
    Engine::new().compile_source("x.rules", RULES).unwrap()
}

#[test]
fn facts_are_good_for_entries_with_the_same_parameters() {
    let program = program();
    let load = br#"{"cpu": "85%", "colour": "red"}"#;
    let facts = program.decode("busy", load).unwrap();
    let mut session = program.session();
    for entry in ["busy", "calm"] {
        let once = session.decide_json(entry, load, &CALL).unwrap();
        let expected = (once.to_json(), once.steps(), once.ignored());
        let again = session.decide_facts(entry, &facts, &CALL).unwrap();
        assert_eq!((again.to_json(), again.steps(), again.ignored()), expected);
    }
    let refused = session.decide_facts("between", &facts, &CALL).unwrap_err();
    let reason = "the facts were decoded for `busy`, whose parameters are not those of `between`";
    assert_eq!(refused.to_string(), reason);
    // Several parameters are told apart by name.
    let pair = program.decode("between", br#"{"a": 1, "b": 2}"#).unwrap();
    assert!(session.decide_facts("swapped", &pair, &CALL).is_err());
    assert!(session.decide_facts("between", &pair, &CALL).is_ok());
}

#[test]
fn handles_and_facts_of_another_program_are_refused() {
    let (one, other) = (program(), program());
    let entry = one.entry("busy").unwrap();
    let facts = one.decode(entry, br#"{"cpu": "1%"}"#).unwrap();
    let mut session = other.session();
    let refused = session.decide_facts(entry, &facts, &CALL).unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("the entry belongs to another program")
    );
    let refused = session.decide_facts("busy", &facts, &CALL).unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("the facts belong to another program")
    );
    let clone = one.clone();
    assert!(clone.session().decide_facts(entry, &facts, &CALL).is_ok());
}

#[test]
fn what_is_refused_at_the_boundary_is_refused_when_decoding() {
    let program = program();
    let refused = program.decode("busy", br#"{"cpu": "x"}"#).unwrap_err();
    assert_eq!(refused.refusal().unwrap().path(), "cpu");
    assert!(program.decode("lazy", b"1").is_err());
    let load = [("cpu", Input::Str("85%"))];
    let facts = program.facts("busy", &[Input::Map(&load)]).unwrap();
    let mut session = program.session();
    let decision = session.decide_facts("busy", &facts, &CALL).unwrap();
    assert_eq!(decision.by().collect::<Vec<_>>(), ["hot"]);
    assert!(program.facts("busy", &[]).is_err());
}
