//! Artifacts decide as the program did, and damaged ones are refused.

use super::*;
use crate::backends;
use crate::session::Call;

mod states;

const RULES: &str = r#"
    use std.http.{Request}
    data limits: Map<String, Int ..100>
    enum Route { forward(service: String, timeout: Duration = 5s), respond(status: Int in 100 .. 599) }
    fn limit(key: String) -> Int = limits[key] ?? 10
    ruleset route(req: Request) -> Route hit first {
      rule carts when req.path matches p"/v2/carts/{cart}" and req.host == "shop.example" then forward(concat("carts-", cart))
      rule beta when (req.header("x-env").single ?? "live") matches re"beta[0-9]{1,3}" then forward("beta", timeout: 800ms)
      rule office when req.client.ip in ip"10.0.0.0/8" then respond(204)
      otherwise respond(404)
    }
    ruleset over(key: String, n: Int) -> [String] hit all {
      rule soft when n > limit(key) then "soft"
      rule hard when n > 100 then "hard"
    }
    guard quiet(req: Request) { deny loud "Too loud" when req.method == TRACE }
    pipeline edge(req: Request) -> Route {
      stage door = quiet(req) stop deny(why) => respond(403)
      stage target = route(req)
      then target
    }
"#;
const REQUESTS: [&str; 4] = [
    r#"{"method": "GET", "host": "shop.example", "path": "/v2/carts/7", "client": {"ip": "192.0.2.1"}}"#,
    r#"{"method": "GET", "host": "a.example", "path": "/", "headers": {"x-env": ["beta12"]}, "client": {"ip": "10.0.0.1"}}"#,
    r#"{"method": "TRACE", "host": "a.example", "path": "/", "client": {"ip": "10.0.0.1"}}"#,
    r#"{"method": "GET", "host": "a.example", "path": "/x", "client": {"ip": "192.0.2.1"}}"#,
];

fn program() -> Program {
    Engine::new().compile_source("edge.rules", RULES).unwrap()
}

/// Everything that a program decides.
fn decisions(program: &Program) -> Vec<String> {
    let program = program.clone().with_data("limits", br#"{"a": 3}"#).unwrap();
    let mut session = program.session();
    let call = Call { id: "1", time: 7 };
    let mut decided = Vec::new();
    for entry in ["route", "quiet", "edge"] {
        for request in REQUESTS {
            let decision = session.decide_json(entry, request.as_bytes(), &call);
            decided.push(decision.unwrap().to_json());
        }
    }
    for (key, n) in [("a", 5), ("b", 5), ("b", 500)] {
        let facts = format!(r#"{{"key": "{key}", "n": {n}}}"#);
        let decision = session.decide_json("over", facts.as_bytes(), &call);
        decided.push(decision.unwrap().to_json());
    }
    decided
}

#[test]
fn every_backend_decides_by_an_artifact_as_by_the_rules() {
    let program = program();
    let artifact = program.artifact().unwrap();
    let info = ArtifactInfo::read(&artifact).unwrap();
    assert_eq!(info.name, "edge");
    assert_eq!(info.entries, ["route", "over", "quiet", "edge"]);
    let expected = decisions(&program);
    for backend in backends() {
        let engine = Engine::new().backend(backend.name).unwrap();
        let loaded = engine.load(&artifact).unwrap();
        assert_eq!(decisions(&loaded), expected, "{}", backend.name);
        // What was loaded can be an artifact again, the same.
        assert_eq!(loaded.artifact().unwrap(), artifact, "{}", backend.name);
    }
}

#[test]
fn what_needs_the_source_says_so() {
    let loaded = Engine::new().load(&program().artifact().unwrap()).unwrap();
    let loaded = loaded.with_data("limits", b"{}").unwrap();
    let call = Call { id: "1", time: 7 };
    let error = loaded.explain_json("route", REQUESTS[0].as_bytes(), &call, crate::Which::All);
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`edge` was loaded from an artifact, which has no source to explain"
    );
}

#[test]
fn an_artifact_that_is_damaged_anywhere_is_refused() {
    let artifact = program().artifact().unwrap();
    let signed = sign_artifact(&artifact, &[9; 32]).unwrap();
    let engine = Engine::new();
    for whole in [&artifact, &signed] {
        for len in (0..FRONT + 40).chain((FRONT + 40..whole.len()).step_by(101)) {
            // Without its signature an artifact is whole.
            if whole[..len] != artifact[..] {
                assert!(engine.load(&whole[..len]).is_err(), "{len}");
            }
        }
        for at in (0..FRONT).chain((FRONT..whole.len()).step_by(37)) {
            for bit in [1, 128] {
                let mut damaged = whole.clone();
                damaged[at] ^= bit;
                assert!(engine.load(&damaged).is_err(), "{at} {bit}");
            }
        }
    }
    let error = engine.load(RULES.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        error,
        "this is no artifact of tollgate: it begins otherwise"
    );
}

/// Somebody who can write the checksum can change what he likes: it is refused, or it is some legal program.
#[test]
fn a_forged_artifact_is_refused_or_harmless() {
    let artifact = program().artifact().unwrap();
    let body = &artifact[..artifact.len() - SUM];
    let mut state = 1u64;
    let mut below = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let engine = Engine::new();
    let (mut refused, mut loaded) = (0, 0);
    for _ in 0..400 {
        let mut forged = body.to_vec();
        for _ in 0..1 + below(3) {
            let at = FRONT + below(forged.len() - FRONT);
            match below(3) {
                0 => forged[at] = b"0123456789 ,:\"[]{}vblock"[below(24)],
                1 => {
                    let end = (at + below(40)).min(forged.len());
                    forged.drain(at..end);
                }
                _ => {
                    let end = (at + below(40)).min(forged.len());
                    let again = forged[at..end].to_vec();
                    forged.splice(at..at, again);
                }
            }
        }
        let sum = Sha256::digest(&forged);
        forged.extend(sum);
        match engine.load(&forged) {
            Err(_) => refused += 1,
            Ok(program) => {
                loaded += 1;
                let Ok(program) = program.with_data("limits", b"{}") else {
                    continue;
                };
                let mut session = program.session();
                for request in REQUESTS {
                    let _ = session.decide_json(
                        "route",
                        request.as_bytes(),
                        &Call { id: "1", time: 7 },
                    );
                }
            }
        }
    }
    assert!(refused > 100, "{refused} refused, {loaded} loaded");
}

#[test]
fn only_a_right_signature_of_a_trusted_key_counts() {
    let artifact = program().artifact().unwrap();
    let signed = sign_artifact(&artifact, &[9; 32]).unwrap();
    let key = ArtifactInfo::read(&signed).unwrap().signer.unwrap();
    let engine = Engine::new();
    assert!(engine.load_signed(&signed, &[[3; 32], key]).is_ok());
    let refused = |bytes: &[u8]| engine.load_signed(bytes, &[key]).unwrap_err().to_string();
    assert_eq!(refused(&artifact), "the artifact is not signed");
    let other = sign_artifact(&signed, &[8; 32]).unwrap();
    assert_eq!(
        other.len(),
        signed.len(),
        "a signature is replaced, not added to"
    );
    assert_eq!(
        refused(&other),
        "the artifact is signed by a key that is not among those that are trusted"
    );
    // The signature of another artifact under this one.
    let mut mixed = Engine::new().compile_source(
        "x.rules",
        "ruleset yes(n: Int) -> Bool hit first { otherwise true }",
    );
    let mixed = mixed.as_mut().unwrap().artifact().unwrap();
    let mixed = [&mixed[..], &signed[artifact.len()..]].concat();
    assert_eq!(
        refused(&mixed),
        "the artifact is damaged or forged: its signature is wrong"
    );
}
