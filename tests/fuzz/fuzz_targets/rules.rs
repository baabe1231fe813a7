//! Source text that compiles, about facts drawn by its schema: the interpreter on plain IR and every backend that is built in decide the same, by the
//! same rules, within the bound (`--features cranelift` for machine code). The choices stand behind a zero byte, or follow from the text.
#![no_main]

#[path = "../draw.rs"]
mod draw;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tollgate::{Call, Engine, Level};
use tollgate_frontend::library::{Library, LibraryModule, NoModules};
use tollgate_grammar::source::SourceMap;

/// Facts for each entry.
const FACTS: usize = 4;
/// Entries of one program.
const ENTRIES: usize = 4;
/// Programs of a greater bound are left out: a second is the limit of a run.
const STEPS_MAX: u64 = 1 << 18;

static MODULES: LazyLock<Vec<LibraryModule>> = LazyLock::new(|| {
    let row = |m: &tollgate_stdlib::Module| LibraryModule {
        name: m.name,
        file: m.file,
        source: m.source,
        prelude: m.prelude,
    };
    tollgate_stdlib::library().modules.iter().map(row).collect()
});

fuzz_target!(|text: &str| {
    let (source, choices) = text.split_once('\0').unwrap_or((text, text));
    let mut sources = SourceMap::new();
    let library = Library {
        modules: &MODULES,
        natives: tollgate_stdlib::library().natives,
    };
    let checked =
        tollgate_frontend::check("fuzz.rules", source, &mut NoModules, &library, &mut sources);
    let Some(checked) = checked.program else {
        return;
    };
    let module = tollgate_frontend::lower::lower(&checked).module;
    let engine = |name, level| {
        Engine::new()
            .backend(name)
            .expect("it is there")
            .level(level)
    };
    let Ok(reference) = engine("interp", Level::O0).compile_source("fuzz.rules", source) else {
        return;
    };
    let others = tollgate::backends()
        .iter()
        .map(|row| engine(row.name, Level::O2))
        .chain([engine("vm", Level::O0)]);
    let compile = |engine: Engine| {
        engine
            .compile_source("fuzz.rules", source)
            .expect("what one engine takes, all do")
    };
    let others: Vec<tollgate::Program> = others.map(compile).collect();
    if reference.missing_data().next().is_some() {
        return;
    }
    // Words of the source are what its rules compare with.
    let words: Vec<&str> = source
        .split(|c: char| c.is_whitespace() || "\"(){},".contains(c))
        .filter(|w| !w.is_empty())
        .collect();
    let mut choices = draw::Choices::new(choices.as_bytes());
    for entry in module.entries.iter().take(ENTRIES) {
        if reference
            .bound(&entry.name)
            .is_none_or(|bound| bound > STEPS_MAX)
        {
            continue;
        }
        for _ in 0..FACTS {
            let facts =
                draw::facts(&module.schema, &entry.params, &words, &mut choices).to_string();
            let call = Call {
                id: "fuzz",
                time: 1_790_000_000_000_000,
            };
            let decide = |program: &tollgate::Program| {
                let states = program.states(&[]).map_err(|e| e.to_string())?;
                let mut session = program.session_with(&states).map_err(|e| e.to_string())?;
                let decision = session
                    .decide_json(&*entry.name, facts.as_bytes(), &call)
                    .map_err(|e| e.to_string())?;
                assert!(
                    program
                        .bound(&entry.name)
                        .is_some_and(|bound| decision.steps() <= bound),
                    "{} steps about {facts}",
                    decision.steps()
                );
                Ok::<String, String>(decision.to_json())
            };
            let expected = decide(&reference);
            for program in &others {
                assert_eq!(
                    decide(program),
                    expected,
                    "{} about {facts}",
                    program.backend()
                );
            }
        }
    }
});
