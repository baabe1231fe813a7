//! What needs a compiler, in a library that has one; `no_compiler.rs` is the same in one that has none.

use tollgate::{Engine, Error, Program};

/// Compiles a program of one text.
pub(crate) fn compile(engine: &Engine, name: &str, source: &str) -> Result<Program, Error> {
    engine.compile_source(name, source)
}

/// The warnings and notes of the compiler as text.
pub(crate) fn report(program: &Program) -> String {
    program.report().render(false)
}

/// The warnings and notes as JSON, one a line.
pub(crate) fn report_json(program: &Program) -> String {
    program.report().to_json_lines()
}

/// Whether the compiler is who an error comes from.
pub(crate) fn has_diagnostics(error: &Error) -> bool {
    error.report().is_some()
}

/// The diagnostics as JSON, one a line, of an error that has some.
pub(crate) fn diagnostics(error: &Error) -> Option<String> {
    Some(error.report()?.to_json_lines())
}
