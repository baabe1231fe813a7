//! Programs with states and streams: an artifact asks them as the rules did, and one that says something else is refused.

use super::*;
use crate::{IDS_MAX, Live, Offered};

/// Every kind of state, every answer to a failure, with keys and without.
const KEPT: &str = r#"
    enum Class { Bulk, Normal }
    record Work { id: String, user: String, class: Class = Normal, load: Percent = 0%, critical: Bool = false, cost: Money<SGD> = 1.00 SGD, at: Instant }
    enum Action { gift(user: String, amount: Money<SGD>), seen(user: String) }
    stream works: Work { id: event.id, time: event.at, dedupe: 7d, late_after: 2h }
    state bucket: TokenBucket by String { rate: 1 per 1s, burst: 2, max_keys: 1_000, on_failure: local(1 per 1m) }
    state fixed: FixedWindow { limit: 14, window: 1h, on_failure: allow }
    state log: SlidingLog by String { limit: 5, window: 1m, max_keys: 1_000, on_failure: local(2 per 1m) }
    state slots: Concurrency by String { max: 3, lease: 1m, max_keys: 100, on_failure: local(1) }
    state kept: Reserve { max: 4, critical: 50%, lease: 1m, on_failure: deny }
    state ladder: Ladder { order: [Bulk, Normal], enter: 60%, step: 20%, recover: 10% per 1m, on_failure: allow }
    state many: Count by String { counts: works, key: event.user, window: calendar(1w, zone: tz"Asia/Singapore", starts: Sunday), max_keys: 1_000, on_failure: skip }
    state spent: Sum by String { sums: works, of: event.cost, key: event.user, window: 1h, max_keys: 1_000, on_failure: skip }
    state users: Distinct { counts: works, of: event.user, window: 1d, on_failure: skip }
    state once_each: Seen by String { keep: 1d, max_keys: 1_000, on_failure: deny }
    state purse: Budget<SGD> by String { total: 7.00 SGD, per_key: 3.00 SGD, per_day: 6.00 SGD, zone: tz"Asia/Singapore", max_keys: 1_000, on_failure: deny }
    ruleset admit(work: Work) -> String hit first {
      rule shed when ladder.sheds(work.class, work.load) then "shed"
      rule fast when not bucket[work.user].take().granted then "fast"
      rule hourly when not fixed.take().granted then "hourly"
      rule often when let wait = log[work.user].take().wait ?? skip then "often"
      rule crowd when not slots[work.user].enter() then "crowd"
      rule full when not kept.enter(critical: work.critical) then "full"
      otherwise "ok"
    }
    ruleset thanks(work: Work) -> [Action] on works hit all {
      rule second when many[work.user].value() == 2 and spent[work.user].value() >= 2.00 SGD and users.value() < 100 then seen(work.user)
      rule first when work.load < 50% once once_each[work.user] within purse[work.user] then gift(work.user, 1.00 SGD)
    }
"#;

fn kept(engine: Engine) -> Program {
    engine.compile_source("kept.rules", KEPT).unwrap()
}

fn work(n: usize, user: &str) -> String {
    let class = ["Bulk", "Normal"][n % 2];
    format!(
        r#"{{"id": "w{n}", "user": "{user}", "class": "{class}", "load": "{}%", "critical": {}, "at": "2026-11-02T09:00:{n:02}Z"}}"#,
        n * 3,
        n.is_multiple_of(3)
    )
}

/// What a program decides one after the other, with what it asked.
fn traced(program: &Program) -> Vec<String> {
    let states = program.states(&[]).unwrap();
    let mut session = program.session_with(&states).unwrap();
    let mut decided = Vec::new();
    for n in 0..24 {
        let (id, user) = (n.to_string(), ["ann", "bob"][n / 2 % 2]);
        let call = Call {
            id: &id,
            time: 1_000_000 * (n as i64 / 3),
        };
        for entry in ["admit", "thanks"] {
            let decision = session.decide_json(entry, work(n, user).as_bytes(), &call);
            let mut line = String::new();
            decision.unwrap().write_trace(&mut line);
            decided.push(line);
        }
        if n % 5 == 0 {
            states.finish(&format!("w{}", n / 2));
        }
    }
    decided
}

/// What a stream says of events.
fn streamed(program: &Program) -> String {
    let mut stream = program.stream("works", IDS_MAX, &[]).unwrap();
    let mut actions = String::new();
    for n in [0, 1, 2, 1, 3, 4, 5, 6] {
        let offered = stream.offer(work(n, ["ann", "bob"][n % 2]).as_bytes(), &mut actions);
        if let Offered::Duplicate = offered.unwrap() {
            actions.push_str("again\n");
        }
    }
    actions
}

#[test]
fn every_backend_asks_states_by_an_artifact_as_by_the_rules() {
    let program = kept(Engine::new());
    let artifact = program.artifact().unwrap();
    let (expected, actions) = (traced(&program), streamed(&program));
    let all = expected.concat();
    for said in [
        "fast", "hourly", "often", "crowd", "full", "shed", "ok", "gift", "seen",
    ] {
        assert!(
            all.contains(&format!(r#""value":"{said}""#))
                || all.contains(&format!(r#"[{{"{said}""#)),
            "{said}: {all}"
        );
    }
    assert!(
        actions.contains("again") && actions.contains("gift"),
        "{actions}"
    );
    for backend in backends() {
        let loaded = Engine::new()
            .backend(backend.name)
            .unwrap()
            .load(&artifact)
            .unwrap();
        assert_eq!(traced(&loaded), expected, "{}", backend.name);
        assert_eq!(streamed(&loaded), actions, "{}", backend.name);
        assert_eq!(loaded.declarations(), program.declarations());
        assert!(loaded.streams().eq(program.streams()));
        // What was loaded can be an artifact again, the same.
        assert_eq!(loaded.artifact().unwrap(), artifact, "{}", backend.name);
    }
}

/// Rules that were loaded go on with the states of rules that were compiled, and the other way round.
#[test]
fn states_are_carried_over_between_rules_and_an_artifact() {
    let program = kept(Engine::new());
    let loaded = Engine::new().load(&program.artifact().unwrap()).unwrap();
    let live = Live::new(program.clone(), |_| Ok(())).unwrap();
    let ask = |id: &str| {
        live.with(|session, ()| {
            let facts = format!(r#"{{"id": "{id}", "user": "ann", "at": "2026-11-02T09:00:00Z"}}"#);
            let call = Call { id, time: 0 };
            let decision = session.decide_json("admit", facts.as_bytes(), &call);
            decision.unwrap().value_json()
        })
    };
    assert_eq!(ask("1"), r#""ok""#);
    live.replace(loaded).unwrap();
    assert_eq!(ask("2"), r#""ok""#);
    live.replace(program).unwrap();
    assert_eq!(ask("3"), r#""fast""#, "the bucket held two");
}

#[test]
fn no_byte_of_it_can_be_changed() {
    let artifact = kept(Engine::new()).artifact().unwrap();
    let signed = sign_artifact(&artifact, &[9; 32]).unwrap();
    let engine = Engine::new();
    for at in 0..signed.len() {
        let mut damaged = signed.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(engine.load(&damaged).is_err(), "{at}");
    }
}

/// As somebody changes it who can write the checksum.
fn forged(artifact: &[u8], states: &[u8]) -> Vec<u8> {
    let parts = Parts::of(artifact).unwrap();
    let body = &artifact[..artifact.len() - SUM];
    let head = body.len() - parts.contents.len() - parts.states.len() - 4;
    let mut out = body[..head].to_vec();
    out.extend((states.len() as u32).to_le_bytes());
    out.extend(states);
    out.extend(parts.contents);
    out.extend(Sha256::digest(&out));
    out
}

/// Each byte of what is said of states is replaced: what is loaded then is some legal program, whose states can be asked.
#[test]
fn forged_states_are_refused_or_harmless() {
    let rules = r#"
        record Work { id: String, user: String, at: Instant }
        stream works: Work { id: event.id, time: event.at, dedupe: 7d }
        state calls: FixedWindow by String { limit: 1, window: 1h, max_keys: 10, on_failure: local(1 per 1s) }
        state many: Count { counts: works, window: 1d, on_failure: skip }
        ruleset admit(work: Work) -> [Bool] on works hit all {
          rule no when not calls[work.user].take().granted and many.value() > 0 then false
        }
    "#;
    let program = Engine::new().compile_source("x.rules", rules).unwrap();
    let artifact = program.artifact().unwrap();
    let states = Parts::of(&artifact).unwrap().states.to_vec();
    let engine = Engine::new();
    let (mut refused, mut loaded) = (0, 0);
    for at in 0..states.len() {
        for byte in [b'0', b'9', b'-', b'"', b'L', states[at] ^ 1] {
            let mut changed = states.clone();
            changed[at] = byte;
            let Ok(program) = engine.load(&forged(&artifact, &changed)) else {
                refused += 1;
                continue;
            };
            loaded += 1;
            let Ok(states) = program.states(&[]) else {
                continue;
            };
            let mut session = program.session_with(&states).unwrap();
            for id in ["1", "2"] {
                let call = Call { id, time: 1 };
                let _ = session.decide_json("admit", work(1, "ann").as_bytes(), &call);
            }
        }
    }
    assert!(
        refused > 1_000 && loaded > 100,
        "{refused} refused, {loaded} loaded"
    );
}

/// What is said where states are not those of the program.
#[test]
fn states_of_another_program_are_refused() {
    let rules = |kind: &str| {
        format!(
            "state calls: {kind} {{ limit: 1, window: 1h, on_failure: deny }}
             ruleset admit(n: Int) -> Bool hit first {{
               rule no when not calls.take().granted then false
               otherwise true
             }}"
        )
    };
    let compile = |rules: &str| Engine::new().compile_source("x.rules", rules).unwrap();
    let artifact = compile(&rules("FixedWindow")).artifact().unwrap();
    let states = |rules: &str| {
        Parts::of(&compile(rules).artifact().unwrap())
            .unwrap()
            .states
            .to_vec()
    };
    let load = |states: &[u8]| Engine::new().load(&forged(&artifact, states));
    let refused = |states: &[u8]| load(states).unwrap_err().to_string();
    assert!(load(&states(&rules("FixedWindow"))).is_ok());
    assert!(
        load(&states(&rules("SlidingLog"))).is_ok(),
        "a limit like another"
    );
    let none = states("ruleset yes(n: Int) -> Bool hit first { otherwise true }");
    assert_eq!(
        refused(&none),
        "the artifact is damaged: it has 1 states, of which 0 are described"
    );
    let other = rules("FixedWindow").replace("calls", "polls");
    assert_eq!(
        refused(&states(&other)),
        "the artifact is damaged: its state `calls` is described as `polls`"
    );
    let slots = "state calls: Concurrency { max: 1, lease: 1h, on_failure: deny }
                 ruleset admit(n: Int) -> Bool hit first {
                   rule no when not calls.enter() then false
                   otherwise true
                 }";
    assert_eq!(
        refused(&states(slots)),
        "the artifact is damaged: `admit.no` asks `take` of what has no such operation"
    );
    let keyed = rules("FixedWindow")
        .replace("FixedWindow {", "FixedWindow by Int { max_keys: 9,")
        .replace("calls.take", "calls[n].take");
    assert_eq!(
        refused(&states(&keyed)),
        "the artifact is damaged: `admit.no` asks `take` of what has no such operation"
    );
    let mut nothing = String::from_utf8(states(&rules("FixedWindow"))).unwrap();
    nothing = nothing.replace("\"limit\":1", "\"limit\":0");
    assert_eq!(
        refused(nothing.as_bytes()),
        "the artifact is damaged: state `calls`: `limit` must be from 1 to 9007199254740991, and is 0"
    );
    assert!(refused(b"{}").starts_with("the artifact is damaged: its states: missing field"));
}

#[test]
fn an_artifact_of_another_format_says_what_to_do() {
    let mut old = kept(Engine::new()).artifact().unwrap();
    old[MAGIC.len()] = 1;
    assert_eq!(
        Engine::new().load(&old).unwrap_err().to_string(),
        "the artifact has format 1, this reads format 2: compile the rules again"
    );
}

#[test]
fn an_object_file_refuses_streams_and_states_in_a_store() {
    let built = |rules: &str| {
        let built = Engine::new().build_source("x.rules", rules, &Default::default());
        built.unwrap_err().to_string()
    };
    let why = "cannot be kept by the library that an object file is linked with: build an artifact (.tgb), or compile the rules where they decide";
    assert_eq!(built(KEPT), format!("the stream `works` {why}"));
    let state = "state calls: TokenBucket { rate: 1 per 1s, burst: 1, store: redis.limits, on_failure: allow }
                 ruleset f(n: Int) -> Int hit first { rule a when calls.take().granted then 1 otherwise n }";
    let named = "state `calls` in the store `redis.limits`";
    assert_eq!(built(state), format!("{named} {why}"));
    let stream = "record E { id: String, at: Instant }
                  stream es: E { id: event.id, time: event.at, dedupe: 7d }
                  ruleset f(e: E) -> [String] on es hit all { rule a when e.id != \"\" then e.id }";
    assert_eq!(built(stream), format!("the stream `es` {why}"));
}
