//! Names for profilers: `perf` reads `/tmp/perf-PID.map` to name code that is in no file.

use std::fs::OpenOptions;
use std::io::Write;

use tollgate_ir::module::Site;

/// The variable of the environment that asks for the map.
pub const VARIABLE: &str = "TOLLGATE_PERF_MAP";

/// A stretch of machine code.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// Where it begins.
    pub address: usize,
    /// Its bytes.
    pub bytes: usize,
    /// What it is called: a function, and if known the rule.
    pub name: String,
}

/// Whether the map is asked for: whether [`VARIABLE`] is set.
pub fn is_wanted() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// What code of a function is called that stands where a rule has decided.
///
/// ```
/// use tollgate_ir::module::Site;
/// use tollgate_native_abi::perf::name;
/// let site = Site::Rule { ruleset: "route".into(), rule: "admin".into() };
/// assert_eq!(name("serve", &site), "serve [route: admin]");
/// ```
pub fn name(function: &str, site: &Site) -> String {
    match site {
        Site::Rule { ruleset, rule } => format!("{function} [{ruleset}: {rule}]"),
        Site::Otherwise { ruleset } => format!("{function} [{ruleset}: otherwise]"),
        Site::Stage { pipeline, stage } => format!("{function} [{pipeline}: stage {stage}]"),
        Site::Shadow { ruleset } => format!("{function} [{ruleset}: shadow]"),
    }
}

/// Adds to the map of this process. A map that cannot be written is no reason not to run.
pub fn record(symbols: &[Symbol]) {
    let path = format!("/tmp/perf-{}.map", std::process::id());
    let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path) else {
        return;
    };
    let lines: String = symbols
        .iter()
        .map(|s| format!("{:x} {:x} tollgate::{}\n", s.address, s.bytes, s.name))
        .collect();
    // One write, so that programs that are compiled at once do not mix their lines.
    let _ = file.write_all(lines.as_bytes());
}
