//! LLVM for the backend `llvm`: whether this machine has it, and getting it where apt is at hand.

use std::env;
use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

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
    if !has("apt-get") {
        return without("this machine has no apt-get");
    }
    let package = format!("llvm-{VERSION}-dev");
    let install = ["install", "-y", "--no-install-recommends", &package];
    for arguments in [&["update"][..], &install] {
        let Some(mut command) = apt_get(arguments) else {
            return without("installing asks for root, and there is no sudo");
        };
        println!("  {}", line(&command));
        match command.status() {
            Ok(status) if status.success() => {}
            // What is known of the packages may be enough.
            _ if arguments == ["update"] => {
                println!("  (this failed; going on with what is known)")
            }
            _ => {
                return without(&format!(
                    "`{package}` could not be installed; https://apt.llvm.org has it for Debian and Ubuntu releases that do not"
                ));
            }
        }
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

/// `apt-get`, by `sudo` unless this is root. Where nobody can be asked for a password, `sudo` does not wait for one.
fn apt_get(arguments: &[&str]) -> Option<Command> {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else if has("sudo") {
        let mut sudo = Command::new("sudo");
        if !std::io::stdin().is_terminal() {
            sudo.arg("-n");
        }
        sudo.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        sudo
    } else {
        return None;
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.args(["-q"]).args(arguments);
    Some(command)
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

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn has(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| Path::new(&folder).join(program).is_file())
}

fn line(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
