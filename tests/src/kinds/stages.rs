//! What `tollgate emit` prints, for every example, every program of `tests/run` and every block of the reference: each
//! stage prints something, and the text of the IR, before and after the optimizer, is read back to the same IR.

use std::path::Path;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use tollgate::{Engine, Error, Level, Stage, backends};
use tollgate_ir::text::{parse, print_module};

use super::conformance;
use super::files;

/// How a stage is printed for one program.
type Emit = dyn Fn(Engine, Stage) -> Result<String, Error> + Send + Sync;

/// One trial a program.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let folders = [root.join("tests/run"), root.join("examples")];
    let all = folders.iter().flat_map(|folder| files(folder, "rules"));
    let programs = all.map(|path| {
        let title = path.strip_prefix(root).unwrap_or(&path).display();
        let title = format!("stages/{title}");
        let emit: Arc<Emit> = Arc::new(move |engine, stage| engine.emit_file(&path, stage));
        Trial::test(title, move || every_stage(&*emit))
    });
    let blocks = conformance::programs(root).map(|(name, text)| {
        let emit: Arc<Emit> =
            Arc::new(move |engine, stage| engine.emit_source("block.rules", &text, stage));
        Trial::test(format!("stages/{name}"), move || every_stage(&*emit))
    });
    programs.chain(blocks).collect()
}

fn every_stage(emit: &Emit) -> Result<(), Failed> {
    for stage in Stage::ALL {
        let own = backends()
            .iter()
            .filter(|b| b.stages().contains(&stage.name()));
        let mut engines: Vec<Engine> = own
            .map(|b| Engine::new().backend(b.name))
            .collect::<Result<_, _>>()?;
        if !stage.is_of_backend() {
            engines.push(Engine::new());
        }
        for engine in engines {
            let printed = emit(engine, *stage)?;
            if printed.trim().is_empty() {
                return Err(format!("stage {} prints nothing", stage.name()).into());
            }
        }
    }
    reads_back(&emit(Engine::new(), Stage::Ir)?)?;
    for level in [Level::O0, Level::O1, Level::O2] {
        let printed = emit(Engine::new().level(level), Stage::Opt)?;
        let (_, module) = printed
            .rsplit_once("; in the end\n")
            .ok_or("the stage `opt` does not say what there is in the end")?;
        reads_back(module)?;
    }
    Ok(())
}

fn reads_back(text: &str) -> Result<(), Failed> {
    let parsed = parse(text, tollgate_stdlib::library().natives)
        .map_err(|e| format!("the text is not read back: {e}\n{text}"))?;
    let again = print_module(&parsed.module);
    if again == text {
        return Ok(());
    }
    let differs = again.lines().zip(text.lines()).find(|(a, b)| a != b);
    Err(format!("read back and printed again, it differs: {differs:?}").into())
}
