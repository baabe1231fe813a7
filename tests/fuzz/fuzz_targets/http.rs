//! Requests of HTTP as a server has them, a field a line: refused, or decided about, and what rules were told reads back from JSON as the same.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tollgate::{Call, Engine, Form, Program, RawRequest};

static ECHO: LazyLock<(Program, Form)> = LazyLock::new(|| {
    let text = "edition 2026 module fuzz use std.http.{Request}
        record Echo { request: Request }
        ruleset echo(req: Request) -> Echo hit first { otherwise Echo(request: req) }";
    let program = Engine::new()
        .compile_source("fuzz.rules", text)
        .expect("the program compiles");
    let form = program
        .request_form("echo", &[])
        .expect("it takes a request");
    (program, form)
});

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or("");
    let (method, target) = first.split_once(' ').unwrap_or(("GET", first));
    let headers: Vec<(&str, &str)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name, value.trim()))
        .collect();
    let (program, form) = &*ECHO;
    for (authority, trusted_proxies) in [(None, 0), (None, 1), (Some("a.example"), 2)] {
        let request = RawRequest {
            id: "fuzz",
            time: 0,
            method,
            target,
            authority,
            headers: &headers,
            peer: ([192, 0, 2, 7], 4711).into(),
            tls: true,
            trusted_proxies,
        };
        let mut session = program.session();
        let Ok(decision) = session.decide_request(form, &request, &[]) else {
            continue;
        };
        let told = decision.value_json();
        let request = told
            .strip_prefix("{\"request\":")
            .and_then(|text| text.strip_suffix('}'))
            .expect("the record that holds it");
        let mut session = program.session();
        let again = session.decide_json(
            "echo",
            request.as_bytes(),
            &Call {
                id: "fuzz",
                time: 0,
            },
        );
        assert_eq!(
            again.expect("what was let in is let in again").value_json(),
            told
        );
    }
});
