// Finds LLVM where `llvm-sys` looks for it. The build script of this crate and `cargo xtask llvm` both include this file.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The LLVM that this crate is made for.
pub(crate) const VERSION: &str = "22";

/// The variable that tells where LLVM lies when it is not on the path.
pub(crate) const PREFIX: &str = "LLVM_SYS_221_PREFIX";

/// The `llvm-config` of an LLVM of that version, if there is one.
pub(crate) fn llvm_config() -> Option<PathBuf> {
    let candidates = match std::env::var_os(PREFIX) {
        Some(prefix) => vec![Path::new(&prefix).join("bin").join("llvm-config")],
        None => [
            "llvm-config-22",
            "llvm-config22",
            "llvm-config-22.1",
            "llvm-config221",
            "llvm-config",
        ]
        .map(PathBuf::from)
        .into(),
    };
    let wanted = |config: &PathBuf| {
        let version = ask(config, "--version");
        version.is_some_and(|v| v.split('.').next() == Some(VERSION))
    };
    candidates.into_iter().find(wanted)
}

/// What `llvm-config` answers.
pub(crate) fn ask(config: &Path, what: &str) -> Option<String> {
    let output = Command::new(config).arg(what).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
