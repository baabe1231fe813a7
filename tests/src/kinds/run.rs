//! Programs whose `test` blocks must pass on every engine at every level: `tests/run/*.rules` and every example.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use tollgate::{Engine, Error, Level, Program, backends};

use super::files;

/// One trial a file.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let folders = [root.join("tests/run"), root.join("examples")];
    let all = folders.iter().flat_map(|folder| files(folder, "rules"));
    all.map(|path| {
        let name = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .display()
            .to_string();
        Trial::test(format!("run/{name}"), move || {
            every_engine(&|engine| engine.compile_file(&path), true)
        })
    })
    .collect()
}

/// Every level of every backend.
pub(crate) fn engines() -> impl Iterator<Item = (String, Engine)> {
    backends().iter().flat_map(|backend| {
        [Level::O0, Level::O1, Level::O2].into_iter().map(|level| {
            let engine = Engine::new()
                .backend(backend.name)
                .expect("the table names it")
                .level(level);
            (format!("{} {level:?}", backend.name), engine)
        })
    })
}

/// Compiles a program on every engine and runs its tests there. `demand` says that it must have some.
pub(crate) fn every_engine(
    compile: &dyn Fn(Engine) -> Result<Program, Error>,
    demand: bool,
) -> Result<(), Failed> {
    for (name, engine) in engines() {
        let program = compile(engine).map_err(|e| format!("{name}: {e}"))?;
        let results = program
            .run_tests(None)
            .map_err(|e| format!("{name}: {e}"))?;
        if results.is_empty() && demand {
            return Err("the file has no test".into());
        }
        let failures: Vec<String> = results
            .iter()
            .flat_map(|result| {
                result
                    .failures
                    .iter()
                    .map(move |f| format!("{}:{} {}: {}", f.file, f.line, result.title, f.message))
            })
            .collect();
        if !failures.is_empty() {
            return Err(format!("{name}:\n{}", failures.join("\n")).into());
        }
    }
    Ok(())
}
