//! What the tests of the C library and of the module for nginx work with, where apt is at hand: compilers, valgrind, nginx, its sources.

use std::path::Path;
use std::process::ExitCode;

use crate::apt;

/// What must be there, a program or a folder; the package that has it; what is left out without it.
const NEEDED: &[(&str, &str, &str)] = &[
    (
        "cc",
        "gcc",
        "the C library's tests and the module for nginx",
    ),
    ("c++", "g++", "the C library's test in C++"),
    ("make", "make", "the module for nginx"),
    (
        "valgrind",
        "valgrind",
        "the C library's tests under valgrind",
    ),
    ("nginx", "nginx", "the module for nginx"),
    ("/usr/share/nginx/src", "nginx-dev", "the module for nginx"),
];

/// Installs what is missing, and says what became of that.
pub(crate) fn run() -> ExitCode {
    match install() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Whether all of it is there in the end. Says everything it does.
pub(crate) fn install() -> bool {
    let mut whole = true;
    for (what, package, left_out) in NEEDED {
        if is_there(what) {
            println!("{what} is there");
            continue;
        }
        println!("{what} is missing; {left_out} need it, and nothing else does.");
        let why = match apt::install(package) {
            Ok(()) if is_there(what) => continue,
            Ok(()) => format!("`{package}` is installed, and {what} is not there"),
            Err(why) => why.to_string(),
        };
        println!("{why}.\nLeft out: {left_out}.");
        whole = false;
    }
    whole
}

fn is_there(what: &str) -> bool {
    match what.starts_with('/') {
        true => Path::new(what).is_dir(),
        // Programs for administrators are not on everybody's path.
        false => apt::has(what) || Path::new("/usr/sbin").join(what).is_file(),
    }
}
