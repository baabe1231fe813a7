//! Programs with state by way of the face.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tollgate_state::{Answer, Failure, Operation, Outcome, Store};

use crate::{Answers, Attempt, Call, Engine, Program, Session};

const LIMIT: &str = r#"
    record Call { user: String, n: Int in 0 .. 100 = 0 }
    state calls: TokenBucket by String {
      rate: 1 per 1s, burst: 1, max_keys: 1_000, store: redis.limits, on_failure: ON_FAILURE
    }
    ruleset admit(c: Call) -> Duration hit first {
      rule wait when c.n < 10 and let wait = calls[c.user].take().wait ?? skip then wait
      otherwise 0s
    }
"#;

fn limit(on_failure: &str) -> Program {
    let rules = LIMIT.replace("ON_FAILURE", on_failure);
    Engine::new().compile_source("x.rules", &rules).unwrap()
}

fn decide(session: &mut Session<'_>, id: &str) -> String {
    let facts = br#"{"user": "ann"}"#;
    let decision = session.decide_json("admit", facts, &Call { id, time: 0 });
    let mut out = String::new();
    decision.unwrap().write_trace(&mut out);
    out
}

/// A store that says what it is told to, and counts.
struct Told {
    at_once: Outcome,
    later: Outcome,
    asked: AtomicU64,
    performed: AtomicU64,
}

impl Told {
    fn new(at_once: Outcome, later: Outcome) -> Arc<Told> {
        Arc::new(Told {
            at_once,
            later,
            asked: AtomicU64::new(0),
            performed: AtomicU64::new(0),
        })
    }

    fn counts(&self) -> (u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&self.asked), of(&self.performed))
    }
}

impl Store for Told {
    fn ask(&self, operation: &Operation<'_>) -> Outcome {
        self.asked.fetch_add(1, Ordering::Relaxed);
        assert_eq!((operation.key, operation.at_us), (&b"ann"[..], 0));
        self.at_once
    }

    fn perform(&self, operations: &[Operation<'_>], outcomes: &mut Vec<Outcome>) {
        let count = operations.len() as u64;
        self.performed.fetch_add(count, Ordering::Relaxed);
        outcomes.extend(operations.iter().map(|_| self.later));
    }

    fn finish(&self, _: &[u8]) {}
}

const REFUSED: Outcome = Outcome::Answer(Answer::Taken {
    granted: false,
    wait_us: Some(2_000_000),
    left: 0,
});

#[test]
fn a_store_that_is_missing_is_named() {
    let error = limit("allow").states(&[]).unwrap_err();
    let wanted = "state `calls` is kept in the store `redis.limits`, which was not given";
    assert_eq!(error.to_string(), wanted);
}

#[test]
fn a_session_without_states_says_so() {
    let program = limit("allow");
    let mut session = program.session();
    let call = Call { id: "1", time: 0 };
    let error = session.decide_json("admit", br#"{"user": "ann"}"#, &call);
    let wanted =
        "`admit` asks states, and this session has none: make it with `Program::session_with`";
    assert_eq!(error.unwrap_err().to_string(), wanted);
}

#[test]
fn states_of_another_program_are_refused() {
    let (one, other) = (limit("allow"), limit("allow"));
    let store = Told::new(REFUSED, REFUSED);
    let states = one.states(&[("redis.limits", store)]).unwrap();
    assert!(one.clone().session_with(&states).is_ok());
    let refused = other.session_with(&states).unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("the states belong to another program")
    );
}

#[test]
fn an_answer_at_hand_is_asked_for_once() {
    let (program, store) = (limit("allow"), Told::new(REFUSED, REFUSED));
    let states = program.states(&[("redis.limits", Arc::clone(&store) as Arc<dyn Store>)]);
    let states = states.unwrap();
    let mut session = program.session_with(&states).unwrap();
    assert_eq!(
        decide(&mut session, "1"),
        r#"{"value":"2s","by":"wait","operations":[{"rule":"admit.wait","operation":"take","states":[{"name":"calls","key":"ann"}],"answer":{"granted":false,"wait":"2s","left":0}}]}"#
    );
    assert_eq!(store.counts(), (1, 0));
}

#[test]
fn an_answer_that_comes_later_is_waited_for_between_evaluations() {
    let (program, store) = (limit("allow"), Told::new(Outcome::Later, REFUSED));
    let states = program.states(&[("redis.limits", Arc::clone(&store) as Arc<dyn Store>)]);
    let states = states.unwrap();
    let mut session = program.session_with(&states).unwrap();
    let decided = decide(&mut session, "1");
    assert!(
        decided.starts_with(r#"{"value":"2s","by":"wait","#),
        "{decided}"
    );
    assert_eq!(store.counts(), (1, 1));
}

#[test]
fn an_attempt_hands_out_what_is_pending_and_takes_its_answer() {
    for (later, on_failure, value) in [
        (REFUSED, "allow", "\"2s\""),
        (Outcome::Failed(Failure::Down), "deny", "\"1s\""),
    ] {
        let (program, store) = (limit(on_failure), Told::new(Outcome::Later, later));
        let states = program.states(&[("redis.limits", Arc::clone(&store) as Arc<dyn Store>)]);
        let states = states.unwrap();
        let mut session = program.session_with(&states).unwrap();
        let (facts, call) = (br#"{"user": "ann"}"#, Call { id: "7", time: 0 });
        let none = Answers::default();
        let Attempt::Pending(pending) = session.attempt_json("admit", facts, &call, &none).unwrap()
        else {
            panic!("the store has no answer at hand");
        };
        let operation = pending.operation();
        assert_eq!(
            (operation.key, operation.decision),
            (&b"ann"[..], &b"7"[..])
        );
        let answers = states.perform(*pending);
        let attempt = session.attempt_json("admit", facts, &call, &answers);
        let Attempt::Decided(decision) = attempt.unwrap() else {
            panic!("the answer is known");
        };
        assert_eq!(decision.value_json(), value);
        let recorded = decision.answers();
        let attempt = session.attempt_json("admit", facts, &call, &recorded);
        let Attempt::Decided(again) = attempt.unwrap() else {
            panic!("every answer is known");
        };
        assert_eq!(again.value_json(), value);
        assert_eq!(store.counts(), (1, 1));
    }
}

#[test]
fn what_fails_is_answered_by_on_failure() {
    let down = Outcome::Failed(Failure::Down);
    for (on_failure, value) in [
        ("allow", r#""value":"0s","by":"otherwise""#),
        ("deny", r#""value":"1s","by":"wait""#),
        ("skip", r#""value":"0s","by":"otherwise""#),
    ] {
        for (at_once, later) in [(down, down), (Outcome::Later, down)] {
            let program = limit(on_failure);
            let store = Told::new(at_once, later);
            let states = program.states(&[("redis.limits", store)]).unwrap();
            let mut session = program.session_with(&states).unwrap();
            let decided = decide(&mut session, "1");
            assert!(decided.contains(value), "{on_failure}: {decided}");
            assert!(
                decided.contains(r#""failure":"the store does not answer""#),
                "{decided}"
            );
        }
    }
}

#[test]
fn a_smaller_limit_in_this_process_stands_in() {
    let program = limit("local(2 per 1s)");
    let store = Told::new(Outcome::Failed(Failure::Down), REFUSED);
    let states = program.states(&[("redis.limits", store)]).unwrap();
    let mut session = program.session_with(&states).unwrap();
    let values: Vec<String> = ["1", "2", "3"]
        .iter()
        .map(|id| decide(&mut session, id)[..13].to_owned())
        .collect();
    assert_eq!(
        values,
        [r#"{"value":"0s""#, r#"{"value":"0s""#, r#"{"value":"500"#]
    );
}

#[test]
fn a_slot_is_free_when_its_decision_is_finished() {
    let rules = r#"
        state slots: Concurrency { max: 1, lease: 1h, on_failure: deny }
        ruleset admit(n: Int) -> Bool hit first {
          rule room when n > 0 and slots.enter() then true
          otherwise false
        }
    "#;
    let program = Engine::new().compile_source("x.rules", rules).unwrap();
    let states = program.states(&[]).unwrap();
    let mut session = program.session_with(&states).unwrap();
    let mut enters = |id: &str| {
        let call = Call { id, time: 0 };
        let decision = session.decide_json("admit", b"1", &call).unwrap();
        decision.value_json() == "true"
    };
    assert!(enters("1"));
    assert!(!enters("2"));
    states.finish("1");
    assert!(enters("3"));
}

/// Rules that ask are searched for by what they ask before: a thousand cost what ten do.
#[test]
fn a_thousand_rules_with_state_cost_what_ten_do() {
    let steps = |rules: usize| {
        let mut text = String::from(
            r#"
            record Ride { id: String, at: Instant, user: String, city: String }
            stream rides: Ride { id: event.id, time: event.at, dedupe: 1h }
            state visits: Count by String {
              counts: rides, key: event.user, window: 1d, max_keys: 100, on_failure: skip
            }
            ruleset decide(e: Ride) -> [Int] on rides hit all {
            "#,
        );
        for i in 0..rules {
            text.push_str(&format!(
                "rule r{i} when e.city == \"c{i}\" and visits[e.user].value() >= 1 then {i}\n"
            ));
        }
        text.push('}');
        let program = Engine::new().compile_source("x.rules", &text).unwrap();
        let states = program.states(&[]).unwrap();
        let mut session = program.session_with(&states).unwrap();
        let ride = br#"{"id": "1", "at": "2026-11-02T09:00:00Z", "user": "ann", "city": "c7"}"#;
        let call = Call { id: "", time: 0 };
        let decision = session.decide_json("decide", ride, &call).unwrap();
        assert_eq!(decision.to_json(), r#"{"value":[7],"by":["r7"]}"#);
        assert_eq!(decision.operations().len(), 2);
        decision.steps()
    };
    let (ten, thousand) = (steps(10), steps(1_000));
    assert!(thousand <= ten + ten / 2, "{ten} steps, {thousand} steps");
}

/// Each rule set on a stream sees the event counted, and it is counted once.
#[test]
fn an_event_counts_once_for_all_rule_sets_on_its_stream() {
    let rules = r#"
        record Ride { id: String, at: Instant, user: String }
        enum Action { first(n: Int), second(n: Int) }
        stream rides: Ride { id: event.id, time: event.at, dedupe: 1d }
        state visits: Count by String {
          counts: rides, key: event.user, window: 1h, max_keys: 100, on_failure: skip
        }
        ruleset one(e: Ride) -> [Action] on rides hit all {
          rule a when let n = visits[e.user].value() then first(n)
        }
        ruleset two(e: Ride) -> [Action] on rides hit all {
          rule b when let n = visits[e.user].value() then second(n)
        }
    "#;
    let program = Engine::new().compile_source("x.rules", rules).unwrap();
    let mut stream = program.stream("rides", 100, &[]).unwrap();
    for n in 1..=3 {
        let ride = format!(r#"{{"id": "r{n}", "at": "2026-11-02T09:00:00Z", "user": "ann"}}"#);
        let mut actions = String::new();
        stream.offer(ride.as_bytes(), &mut actions).unwrap();
        let wanted =
            [("first", n), ("second", n)].map(|(of, n)| format!(r#"{{"{of}":{{"n":{n}}}}}"#));
        let found: Vec<&str> = actions.lines().collect();
        assert_eq!(found.len(), 2, "{actions}");
        for (line, action) in found.iter().zip(&wanted) {
            assert!(line.contains(action), "{line} has no {action}");
        }
    }
}

/// A counter that forgot an event before its stream does would count it again, and one that is full counts none.
#[test]
fn a_counter_remembers_as_many_events_as_its_stream() {
    let rules = r#"
        record Ride { id: String, at: Instant }
        stream rides: Ride { id: event.id, time: event.at, dedupe: 1d }
        state visits: Count { counts: rides, window: 1h, on_failure: skip }
    "#;
    let program = Engine::new().compile_source("x.rules", rules).unwrap();
    let plan = program.plan().unwrap();
    let remembered = |ids| {
        plan.remembering(&plan.streams[0], ids).declarations[0]
            .remember
            .unwrap()
            .most
    };
    assert_eq!(remembered(5), 1_000_000);
    assert_eq!(remembered(crate::IDS_MAX), crate::IDS_MAX);
}

/// The parts of a condition are asked again, and the states behind them are not.
#[test]
fn a_recorder_keeps_states_and_asks_them_once() {
    let rules = r#"
        state calls: TokenBucket by String { rate: 1 per 1s, burst: 1, max_keys: 10, on_failure: deny }
        ruleset admit(user: String) -> Bool hit first {
          rule no when not calls[user].take().granted then false
          otherwise true
        }
    "#;
    let program = Engine::new().compile_source("x.rules", rules).unwrap();
    let mut recorder = program.recorder().unwrap();
    for id in ["1", "2"] {
        let call = crate::Call { id, time: 0 };
        recorder.decide_json("admit", br#""ann""#, &call).unwrap();
    }
    let covered = recorder.coverage().unwrap();
    assert_eq!((covered.seen(), covered.wanted()), (4, 4));
}

/// What a state of another store was asked outlives the process, so an event that is decided again must be told from another one.
#[test]
fn a_state_of_another_store_remembers_what_events_were_given() {
    let rules = r#"
        record Ride { id: String, at: Instant }
        enum Action { reward(amount: Money<SGD>) }
        stream rides: Ride { id: event.id, time: event.at, dedupe: 1d }
        state far: Budget<SGD> { total: 9.00 SGD, store: redis.money, on_failure: deny }
        state near: Budget<SGD> { total: 9.00 SGD, on_failure: deny }
        ruleset one(e: Ride) -> [Action] on rides hit all {
          rule a when e.id != "" within far then reward(2.00 SGD)
          rule b when e.id != "" within near then reward(3.00 SGD)
        }
    "#;
    let program = Engine::new().compile_source("x.rules", rules).unwrap();
    let declared = program.stream_declarations("rides", 100).unwrap();
    let remembered: Vec<_> = declared.iter().map(|d| d.remember).collect();
    let a_day = tollgate_state::Remember {
        for_us: 86_400_000_000,
        most: 100,
    };
    assert_eq!(remembered, [Some(a_day), None]);
    // Two processes, or one before and after a crash: what is kept elsewhere is the same, and what is kept here is not.
    let store = Arc::new(tollgate_state::Local::new(&declared).unwrap());
    let ride = br#"{"id": "r1", "at": "2026-11-02T09:00:00Z"}"#;
    let decided = || {
        let stores = [("redis.money", Arc::clone(&store) as Arc<dyn Store>)];
        let mut stream = program.stream("rides", 100, &stores).unwrap();
        let mut actions = String::new();
        stream.offer(ride, &mut actions).unwrap();
        actions
    };
    let first = decided();
    assert_eq!(first.lines().count(), 2, "{first}");
    for _ in 0..9 {
        assert_eq!(decided(), first);
    }
    let missing = program.stream("rides", 100, &[]).unwrap_err().to_string();
    assert!(missing.contains("`redis.money`, which was not given"));
}

/// What a counter says of an event is what it said when it counted it, however many came since.
#[test]
fn an_event_that_is_decided_again_sees_the_count_that_it_made() {
    let rules = r#"
        record Ride { id: String, at: Instant, user: String }
        enum Action { thanks(n: Int), other(n: Int) }
        stream rides: Ride { id: event.id, time: event.at, dedupe: 1d }
        state visits: Count by String {
          counts: rides, key: event.user, window: 1h, max_keys: 100, store: redis.growth, on_failure: skip
        }
        ruleset one(e: Ride) -> [Action] on rides hit all {
          rule second when visits[e.user].value() == 2 then thanks(2)
          rule another when let n = visits["bob"].value() and n > 2 then other(n)
        }
    "#;
    let program = Engine::new().compile_source("x.rules", rules).unwrap();
    let declared = program.stream_declarations("rides", 100).unwrap();
    let store = Arc::new(tollgate_state::Local::new(&declared).unwrap());
    let process = || {
        let stores = [("redis.growth", Arc::clone(&store) as Arc<dyn Store>)];
        program.stream("rides", 100, &stores).unwrap()
    };
    let decide = |stream: &mut crate::Stream, n: u32, user: &str| {
        let ride = format!(r#"{{"id": "r{n}", "at": "2026-11-02T09:00:00Z", "user": "{user}"}}"#);
        let mut actions = String::new();
        stream.offer(ride.as_bytes(), &mut actions).unwrap();
        actions
    };
    let mut one = process();
    let first: Vec<String> = (1..=4).map(|n| decide(&mut one, n, "ann")).collect();
    assert!(first[1].contains(r#""thanks":{"n":2}"#), "{first:?}");
    assert_eq!(
        first.iter().filter(|actions| !actions.is_empty()).count(),
        1
    );
    let mut two = process();
    let again: Vec<String> = (1..=4).map(|n| decide(&mut two, n, "ann")).collect();
    assert_eq!(again, first);
    // Of a key that is not the event's it says what it has.
    for n in 5..8 {
        decide(&mut two, n, "bob");
    }
    assert!(decide(&mut two, 8, "ann").contains(r#""other":{"n":3}"#));
}
