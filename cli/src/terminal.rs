//! What may be shown on this terminal.

use std::env;
use std::io::{IsTerminal, stderr, stdout};

/// Numbers are written as in the reports of simulations.
pub(crate) use tollgate_simulate::thousands;

/// ANSI code of what went wrong.
pub(crate) const RED: &str = "31";
/// ANSI code of what went well.
pub(crate) const GREEN: &str = "32";

/// Whether standard error takes colours.
pub(crate) fn colour() -> bool {
    colour_of(&stderr())
}

/// Whether standard output takes colours.
pub(crate) fn colour_of_output() -> bool {
    colour_of(&stdout())
}

/// Whether a stream takes colours.
pub(crate) fn colour_of(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// The text in a colour, where colours are shown.
pub(crate) fn paint(text: &str, code: &str) -> String {
    painted(text, code, colour())
}

/// The text in a colour, if `colour` says so.
pub(crate) fn painted(text: &str, code: &str, colour: bool) -> String {
    if colour {
        format!("\x1b[1;{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
