//! Whole artifacts, changed: refused as they are, and with the checksum mended refused or harmless. What loads decides to an end, and two engines agree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use tollgate::{ArtifactInfo, Call, Engine, Level};

/// Bytes of the checksum, at the end.
const SUM: usize = 32;
/// Entries of a greater bound are only loaded: forged programs may go on for long, which is an end, but not one to wait for.
const STEPS_MAX: u64 = 1 << 20;
/// Some facts, so that each entry takes one of them now and then.
const FACTS: [&str; 6] = [
    "{}",
    "7",
    "\"a\"",
    r#"{"id":"1","method":"GET","host":"a.example","path":"/a/b","client":{"ip":"10.0.0.1"}}"#,
    r#"{"req":{"id":"1","method":"GET","host":"a.example","path":"/a","client":{"ip":"10.0.0.1"}},"n":3}"#,
    "[1,2]",
];

fuzz_target!(|bytes: &[u8]| {
    let _ = ArtifactInfo::read(bytes);
    let Some((body, sum)) = bytes.split_last_chunk::<SUM>() else {
        return;
    };
    let mended = Sha256::digest(body);
    if mended[..] != sum[..] {
        assert!(
            Engine::new().load(bytes).is_err(),
            "another checksum is found"
        );
    }
    let mut artifact = body.to_vec();
    artifact.extend(mended);
    let Ok(program) = Engine::new().load(&artifact) else {
        return;
    };
    let reference = Engine::new()
        .backend("interp")
        .expect("it is there")
        .level(Level::O0);
    let reference = reference
        .load(&artifact)
        .expect("what one engine loads, another does");
    // What was loaded is written to what loads as the same.
    if let Ok(again) = program.artifact() {
        let again = Engine::new().load(&again).expect("what was written loads");
        assert!(again.entries().eq(program.entries()));
    }
    let call = Call {
        id: "fuzz",
        time: 0,
    };
    for entry in program.entries().take(8) {
        if program.bound(entry).is_none_or(|bound| bound > STEPS_MAX) {
            continue;
        }
        for facts in FACTS {
            let (mut session, mut other) = (program.session(), reference.session());
            let decided = session
                .decide_json(entry, facts.as_bytes(), &call)
                .map(|d| d.to_json());
            let expected = other
                .decide_json(entry, facts.as_bytes(), &call)
                .map(|d| d.to_json());
            assert_eq!(decided.ok(), expected.ok(), "{entry} about {facts}");
        }
    }
});
