//! What the tests of the C library and of the module for nginx work with, where apt is at hand: compilers, valgrind, nginx, its sources.

use std::process::ExitCode;

use crate::apt::{self, Needed};

/// What must be there.
const NEEDED: &[Needed] = &[
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
    apt::install_all(NEEDED)
}
