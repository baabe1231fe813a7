//! Names for profilers: `perf` reads `/tmp/perf-PID.map` to name code that is in no file.

use std::fs::OpenOptions;
use std::io::Write;

/// The variable of the environment that asks for the map.
pub const VARIABLE: &str = "TOLLGATE_PERF_MAP";

/// A stretch of machine code.
#[derive(Clone, Copy, Debug)]
pub struct Symbol<'s> {
    /// Where it begins.
    pub address: usize,
    /// Its bytes.
    pub bytes: usize,
    /// What it is called: a function, and if known the rule.
    pub name: &'s str,
}

/// Adds to the map of this process, if [`VARIABLE`] is set. A map that cannot be written is no reason not to run.
pub fn record<'s>(symbols: impl Iterator<Item = Symbol<'s>>) {
    if std::env::var_os(VARIABLE).is_none() {
        return;
    }
    let path = format!("/tmp/perf-{}.map", std::process::id());
    let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path) else {
        return;
    };
    let lines: String = symbols
        .map(|s| format!("{:x} {:x} tollgate::{}\n", s.address, s.bytes, s.name))
        .collect();
    // One write, so that programs that are compiled at once do not mix their lines.
    let _ = file.write_all(lines.as_bytes());
}
