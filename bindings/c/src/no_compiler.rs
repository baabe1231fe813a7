//! What needs a compiler, in a library that has none: it says so. `compiler.rs` is the same in one that has.

use tollgate::{Engine, Error, Program};

/// That nothing can be compiled.
pub(crate) fn compile(_: &Engine, name: &str, _: &str) -> Result<Program, Error> {
    Err(Error::other(format!(
        "cannot compile {name}: this library has no compiler; make an artifact of the rules with `tollgate build RULES -o NAME.tgb`, and load that"
    )))
}

/// Nothing: a program that was loaded comes without warnings and notes.
pub(crate) fn report(_: &Program) -> String {
    String::new()
}

/// As [`report`].
pub(crate) fn report_json(_: &Program) -> String {
    String::new()
}

/// No: nothing was compiled.
pub(crate) fn has_diagnostics(_: &Error) -> bool {
    false
}

/// None.
pub(crate) fn diagnostics(_: &Error) -> Option<String> {
    None
}
