//! LLVM for the backend `llvm`: whether this machine has it, and getting it where apt is at hand.

use std::env;
use std::process::{Command, ExitCode, Stdio};

use crate::apt::{self, NotInstalled};

#[path = "../../backends/llvm/find_llvm.rs"]
mod find_llvm;

use find_llvm::{PREFIX, VERSION, ask, llvm_config};

/// Installs LLVM where it is missing, and says what became of that.
pub(crate) fn run() -> ExitCode {
    match install() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Whether there is LLVM in the end. Says everything it does.
pub(crate) fn install() -> bool {
    if has_llvm() {
        return true;
    }
    println!("LLVM {VERSION} is missing; the backend `llvm` needs it, and nothing else does.");
    let package = format!("llvm-{VERSION}-dev");
    if let Err(why) = apt::install(&package) {
        let elsewhere = "https://apt.llvm.org has it for Debian and Ubuntu releases that do not";
        return without(&match why {
            NotInstalled::Refused(_) => format!("{why}; {elsewhere}"),
            _ => why.to_string(),
        });
    }
    forget_what_was_built_without();
    match has_llvm() {
        true => true,
        false => without(&format!(
            "`{package}` is installed, and `llvm-config-{VERSION}` is not found"
        )),
    }
}

fn has_llvm() -> bool {
    let Some(config) = llvm_config() else {
        return false;
    };
    let what = |what| ask(&config, what).unwrap_or_default();
    println!("LLVM {} in {}", what("--version"), what("--prefix"));
    true
}

/// Says what is left out, and what a person can do.
fn without(why: &str) -> bool {
    println!("{why}.");
    println!(
        "Left out: the backend `llvm`, its tests, and the comparison of the other engines with it."
    );
    println!(
        "With LLVM {VERSION} installed by hand and, if it is not on the path, {PREFIX} set to where it lies, nothing is left out."
    );
    false
}

/// `llvm-sys` looks for LLVM when it is built, and does not notice that there is one now.
fn forget_what_was_built_without() {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    for profile in ["dev", "release"] {
        let clean = [
            "clean",
            "--quiet",
            "--package",
            "llvm-sys",
            "--profile",
            profile,
        ];
        // There may be nothing to clean.
        let _ = Command::new(&cargo)
            .args(clean)
            .stderr(Stdio::null())
            .status();
    }
}
