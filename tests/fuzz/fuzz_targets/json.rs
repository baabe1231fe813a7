//! Records in JSON, through a program that gives back what it was given.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tollgate::{Call, Engine, Program};

static ECHO: LazyLock<Program> = LazyLock::new(|| {
    let text = "edition 2026 module fuzz use std.http.{Request}
        record Echo { request: Request }
        ruleset echo(req: Request) -> Echo hit first { otherwise Echo(request: req) }";
    Engine::new().compile_source("fuzz.rules", text).expect("the program compiles")
});

fuzz_target!(|json: &[u8]| {
    let call = Call { id: "fuzz", time: 0 };
    let mut session = ECHO.session();
    let Ok(decision) = session.decide_json("echo", json, &call) else { return };
    let first = decision.value_json();
    let request = first.strip_prefix("{\"request\":").and_then(|text| text.strip_suffix('}')).expect("the record that holds it");
    let mut session = ECHO.session();
    let again = session.decide_json("echo", request.as_bytes(), &call).expect("what was written is read");
    assert_eq!(again.value_json(), first);
});
