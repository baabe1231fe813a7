//! The whole compiler on one page. Every step is one line that says what goes in and what comes out; `--stage` stops in between.

use std::sync::Arc;

use tollgate_frontend::Question;
use tollgate_frontend::analysis::{Asked, Scope, analyse};
use tollgate_frontend::hir;
use tollgate_frontend::library::{Library, LibraryModule, Loader};
use tollgate_frontend::lower::Lowered;
use tollgate_grammar::source::SourceMap;
use tollgate_ir::Legalized;
use tollgate_ir::module::Module;
use tollgate_optimizer::{Aim, Options};

use crate::engine::Engine;
use crate::entry::EntryInfo;
use crate::error::Error;
use crate::program::source::Source;
use crate::program::{Origin, Program, Shared};
use crate::report::Report;
use crate::states::plan;
use crate::test_run::Tests;
use crate::tiers::Tiers;

/// The main file of a program.
pub(crate) struct Main<'m> {
    pub(crate) name: &'m str,
    pub(crate) text: &'m str,
}

/// Text to meaning.
pub(crate) fn check(main: &Main<'_>, loader: &mut dyn Loader) -> (Option<hir::Program>, Report) {
    let mut sources = SourceMap::new();
    let checked = tollgate_frontend::check(main.name, main.text, loader, &library(), &mut sources);
    (
        checked.program,
        Report::new(Arc::new(sources), checked.diagnostics),
    )
}

/// Meaning to IR, with rule sets whole. How much is said about the rules is up to `scope`.
pub(crate) fn lower(
    main: &Main<'_>,
    loader: &mut dyn Loader,
    scope: Scope,
) -> Result<(hir::Program, Lowered, Report), Error> {
    let (program, lowered, report) = lower_any(main, loader)?;
    let report = analysed(&program, &lowered, report, scope)?;
    Ok((program, lowered, report))
}

/// What a report says when the rules of a program have been looked at too.
fn analysed(
    program: &hir::Program,
    lowered: &Lowered,
    mut report: Report,
    scope: Scope,
) -> Result<Report, Error> {
    if report.errors() == 0 {
        let asked = Asked {
            scope,
            pairs: tollgate_frontend::Limits::default().pairs,
            said: report.diagnostics(),
        };
        let found = analyse(program, lowered, &asked);
        report.add(found);
    }
    if report.errors() > 0 {
        Err(Error::rules(report))
    } else {
        Ok(report)
    }
}

/// A program that is typed bit by bit: whether it is legal, and everything that is found out about its rules.
pub(crate) fn check_typed(
    main: &Main<'_>,
    question: &Question<'_>,
    loader: &mut dyn Loader,
) -> Result<(hir::Program, Report), Error> {
    let (program, mut report) = check_question(main, question, loader);
    let Some(program) = program else {
        return Err(Error::rules(report));
    };
    let lowered = tollgate_frontend::lower::lower(&program);
    report.add(tollgate_frontend::lower::check_limits(&program, &lowered));
    let report = analysed(&program, &lowered, report, Scope::All)?;
    Ok((program, report))
}

/// A program and what is asked about it, to meaning.
pub(crate) fn check_question(
    main: &Main<'_>,
    question: &Question<'_>,
    loader: &mut dyn Loader,
) -> (Option<hir::Program>, Report) {
    let mut sources = SourceMap::new();
    let checked = tollgate_frontend::check_question(
        (main.name, main.text),
        question,
        loader,
        &library(),
        &mut sources,
    );
    (
        checked.program,
        Report::new(Arc::new(sources), checked.diagnostics),
    )
}

/// As [`lower`], also of a program that is above its limits, as the report then says.
pub(crate) fn lower_any(
    main: &Main<'_>,
    loader: &mut dyn Loader,
) -> Result<(hir::Program, Lowered, Report), Error> {
    let (program, mut report) = check(main, loader);
    let Some(program) = program else {
        return Err(Error::rules(report));
    };
    let lowered = tollgate_frontend::lower::lower(&program);
    report.add(tollgate_frontend::lower::check_limits(&program, &lowered));
    Ok((program, lowered, report))
}

/// IR to legal IR.
pub(crate) fn optimize(module: Module, aim: Aim) -> Result<Legalized, Error> {
    let options = Options {
        aim,
        ..Options::new(aim.level)
    };
    tollgate_optimizer::run(module, &options, &mut |_| {})
        .map_err(|bug| Error::other(bug.to_string()))
}

/// Text to a program.
pub(crate) fn compile(
    main: &Main<'_>,
    loader: &mut dyn Loader,
    engine: &Engine,
) -> Result<Program, Error> {
    let (program, lowered, report) = lower(main, loader, Scope::Legal)?;
    let entries = EntryInfo::all(&lowered.module);
    let module = Arc::new(optimize(lowered.module, engine.backend.aim(engine.level))?);
    make(main.name, (program, entries, report), module, engine)
}

/// What was checked to a program. Entries are those before rule sets were lowered; the program decides by the engine's backend, and
/// later by another, if there is one.
pub(crate) fn make(
    name: &str,
    (program, entries, report): (hir::Program, Vec<EntryInfo>, Report),
    module: Arc<Legalized>,
    engine: &Engine,
) -> Result<Program, Error> {
    let (level, backend) = (engine.level, engine.backend);
    let plan = plan(&program);
    let plan = (!plan.is_empty()).then_some(plan);
    let tests = (!program.tests.is_empty()).then(|| Tests::new(program, level, backend));
    let mut tiers = Tiers::only(backend, backend.compile(&module, level)?);
    if let Some(backend) = engine.then {
        tiers = tiers.then(backend, &module, level);
    }
    let origin = Origin {
        source: Source::new(report, tests),
        ..Origin::new(name)
    };
    Ok(Program::new(Shared::new(
        module, tiers, entries, origin, plan,
    )))
}

/// The standard library, as the frontend wants it.
fn library() -> Library {
    use std::sync::LazyLock;
    static MODULES: LazyLock<Vec<LibraryModule>> = LazyLock::new(|| {
        let row = |m: &tollgate_stdlib::Module| LibraryModule {
            name: m.name,
            file: m.file,
            source: m.source,
            prelude: m.prelude,
        };
        tollgate_stdlib::library().modules.iter().map(row).collect()
    });
    Library {
        modules: &MODULES,
        natives: tollgate_stdlib::library().natives,
    }
}
