//! What librdkafka is built with, for streams of a Kafka, where apt is at hand. It comes with its crate, and so does zlib where the machine has none.

use std::process::ExitCode;

use crate::apt::{self, Needed};

/// What must be there: its `configure` asks for all three, and is a script for bash, which Debian always has.
const NEEDED: &[Needed] = &[
    ("cc", "gcc", "streams of a Kafka"),
    ("c++", "g++", "streams of a Kafka"),
    ("make", "make", "streams of a Kafka"),
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
