//! Source text to diagnostics, or to a program.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::Engine;

fuzz_target!(|text: &str| {
    let report = Engine::new().check_source("fuzz.rules", text);
    let _ = (report.render(false), report.to_json_lines());
    if report.errors() == 0 {
        Engine::new()
            .compile_source("fuzz.rules", text)
            .expect("what has no error compiles");
    }
});
