//! What may be shown on this terminal.

use std::env;
use std::io::{IsTerminal, stderr, stdout};

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

/// A number with its thousands apart: `1,223`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [
                thousands(0),
                thousands(999),
                thousands(1_223),
                thousands(1_000_000)
            ],
            ["0", "999", "1,223", "1,000,000"]
        );
    }
}
