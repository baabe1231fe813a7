//! The standard library on every engine at every level: the examples in the documentation of each native, and the `test`
//! blocks beside its modules. The examples import what they call, as a user does.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use libtest_mimic::Trial;
use tollgate_stdlib::library;

use super::run::every_engine;

/// Test files of the library, below its folder.
const TESTS: &[&str] = &[
    "core/tests.rules",
    "gateway/tests.rules",
    "gateway/balance.rules",
    "overload/tests.rules",
    "campaign/tests.rules",
];

/// One trial a module for its natives, and one a test file.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let natives = examples().into_iter().map(|(module, source)| {
        Trial::test(format!("library/natives of {module}"), move || {
            every_engine(&|engine| engine.compile_source(module, &source), true)
        })
    });
    let tests = TESTS.iter().map(|file| {
        let path = root.join("stdlib").join(file);
        Trial::test(format!("library/{file}"), move || {
            every_engine(&|engine| engine.compile_file(&path), true)
        })
    });
    natives.chain(tests).collect()
}

/// A program for each module: a test for each native, an expectation for each of its examples.
fn examples() -> BTreeMap<&'static str, String> {
    let mut programs = BTreeMap::new();
    for native in library().natives {
        let program = programs
            .entry(native.module)
            .or_insert_with(|| format!("edition 2026\nmodule examples\n{}", import(native.module)));
        // Writing to a string cannot fail.
        let _ = writeln!(program, "test \"{}\" {{", native.name);
        for example in native.examples {
            let _ = writeln!(
                program,
                "  expect ({}) == {}",
                example.source, example.result
            );
        }
        program.push_str("}\n");
    }
    programs
}

/// The line that brings the natives of a module into scope, where the prelude does not.
fn import(module: &str) -> String {
    let library = library();
    let mut modules = library.modules.iter();
    if modules.any(|m| m.name == module && m.prelude) {
        return String::new();
    }
    let natives = library.natives.iter().filter(|n| n.module == module);
    let names: Vec<&str> = natives.map(|n| n.name).collect();
    format!("use {module}.{{{}}}\n", names.join(", "))
}
