//! A Redis server for the tests of the states that several processes share, where apt is at hand.

use std::process::{Command, ExitCode};

use crate::apt;

/// Installs it where it is missing, and says what became of that.
pub(crate) fn run() -> ExitCode {
    match install() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Whether there is one in the end. Says everything it does.
pub(crate) fn install() -> bool {
    if has_redis() {
        return true;
    }
    println!(
        "redis-server is missing; tests of the crates `state` and `cli` start one, and nothing else does."
    );
    let why = match apt::install("redis-server") {
        Ok(()) if has_redis() => return true,
        Ok(()) => "`redis-server` is installed, and not found on the path".to_owned(),
        Err(why) => why.to_string(),
    };
    println!("{why}.");
    println!(
        "Left out: the tests of states and streams in a Redis. With redis-server on the path nothing is left out."
    );
    false
}

fn has_redis() -> bool {
    let Ok(version) = Command::new("redis-server").arg("--version").output() else {
        return false;
    };
    print!("{}", String::from_utf8_lossy(&version.stdout));
    version.status.success()
}
