//! (skeleton) The face. This is the interface that `cli/` and `tests/` are being written against:
//!
//! ```text
//! Engine::new()                                  vm, O2, stdlib, default limits
//!   .backend("vm" | "interp") -> Result<Engine, Error>     .level(Level::{O0,O1,O2}) -> Engine
//!   .check_file(&Path) -> Result<Report, Error>            Err: only for files that cannot be read
//!   .check_source(name: &str, text: &str) -> Report
//!   .compile_file(&Path) -> Result<Program, Error>         Err: unreadable, or Error::report() is Some(&Report) with errors
//!   .compile_source(name, text) -> Result<Program, Error>
//!   .emit_file(&Path, Stage) -> Result<String, Error>      .emit_source(name, text, Stage)
//! Stage::ALL, Stage::from_name(&str), .name(), .doc()
//! backends() -> &[BackendRow { name, doc }]
//! Report: .errors() .warnings() -> usize, .render(colour: bool) -> String, .to_json_lines() -> String, .slugs() -> Vec<&str>
//! explain(slug) -> Option<&'static str>, slugs() -> Vec<&'static str>
//! Program: .entries() -> names, .data_names() -> names, .with_data(name, json: &[u8]) -> Result<Program, Error>, .report() -> &Report (warnings),
//!          .session() -> Session<'_>, .tests() -> Vec<TestName>, .run_tests(filter: Option<&str>) -> Vec<TestResult>
//! TestResult { title, file, line, failures: Vec<TestFailure { file, line, message (with the actual value and rules) }> }
//! Session: .decide_json(entry: &str, json: &[u8], &Call { id: &str, time: i64 (used where the first parameter has no id/time) }) -> Result<Decision<'_>, Error>
//!          .decide(entry, facts: &Facts, &Call) -> the same without JSON
//! Decision: .to_json() -> String ({"value":…,"by":"rule" | ["a","b"]}), .write_json(&mut String), .value_json(), .by() -> iterator of names, .steps() -> u64
//! Program::bound(entry) -> u64: the static bound of steps
//! Error: Display in one sentence; .report() -> Option<&Report>; .refusal() -> Option<&Refusal { path, value, reason }>
//! ```
