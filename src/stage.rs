//! § The stages of the compiler, and how each prints what it makes. A stage is one row here.

use std::fmt::Write;

use tollgate_frontend::analysis::Scope;
use tollgate_frontend::library::Loader;
use tollgate_grammar::source::{FileId, SourceFile, SourceMap};
use tollgate_ir::module::Module;
use tollgate_ir::text::{print_func, print_module};
use tollgate_optimizer::{Aim, Event, Level, Options};

use crate::backends::{BackendRow, backends};
use crate::dag::{self, DagOptions};
use crate::engine::Engine;
use crate::error::Error;
use crate::pipeline::{self, Main};

/// What a row's printer is given.
struct Input<'i, 'm> {
    main: &'i Main<'m>,
    loader: &'i mut dyn Loader,
    level: Level,
    backend: &'static BackendRow,
    dag: &'i DagOptions,
}

/// Printed for a program of functions only: nothing calls them, so nothing is left of them.
const NOTHING_RUNS: &str = "; nothing decides: no rule set, guard, table or pipeline\n";

/// Printed where there is nothing to draw.
const NO_RULE_SETS: &str = "; no rule set, guard or table\n";

macro_rules! stages {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal, $print:expr;)*) => {
        /// A stage of the compiler whose result can be printed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Stage {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Stage {
            /// Every stage, in the order in which a rule travels.
            pub const ALL: &'static [Stage] = &[$(Stage::$variant),*];

            /// The name used with `--stage`.
            pub fn name(self) -> &'static str {
                match self { $(Stage::$variant => $name,)* }
            }

            /// What it shows.
            pub fn doc(self) -> &'static str {
                match self { $(Stage::$variant => concat!($($doc),*).trim_ascii(),)* }
            }

            fn printer(self) -> fn(Input<'_, '_>) -> Result<String, Error> {
                match self { $(Stage::$variant => $print,)* }
            }
        }
    };
}

stages! {
    /// The words of the text.
    Tokens = "tokens", |input| Ok(with_source(&input, tollgate_grammar::ast_print::print_tokens));
    /// The tree of what was written.
    Ast = "ast", |input| Ok(tollgate_grammar::ast_print::print(&tollgate_grammar::parse(FileId(0), input.main.text).ast));
    /// What it means: typed and resolved.
    Hir = "hir", |input| match pipeline::check(input.main, input.loader) {
        (Some(program), _) => Ok(tollgate_frontend::hir_print::print(&program)),
        (None, report) => Err(Error::rules(report)),
    };
    /// SSA, with rule sets whole.
    Ir = "ir", |input| Ok(print_module(&pipeline::lower(input.main, input.loader, Scope::Legal)?.1.module));
    /// What each pass changes, and the legal IR in the end.
    Opt = "opt", |input| {
        let (_, lowered, _) = pipeline::lower(input.main, input.loader, Scope::Legal)?;
        narrate(lowered.module, input.backend.aim(input.level))
    };
    /// How rules are found: the decision structures, drawn.
    Dag = "dag", |input| {
        let (_, lowered, _) = pipeline::lower(input.main, input.loader, Scope::Legal)?;
        if lowered.module.rulesets.is_empty() {
            return Ok(NO_RULE_SETS.into());
        }
        dag::print(lowered.module, input.backend.aim(input.level), input.dag)
    };
    /// What the backend makes of it.
    Bytecode = "bytecode", |input| {
        let program = pipeline::compile(input.main, input.loader, &Engine::of(input.backend, input.level))?;
        let listing = program.listing();
        Ok(if listing.is_empty() { NOTHING_RUNS.into() } else { listing })
    };
    /// What Cranelift is given, of the backend `cranelift`.
    Clif = "clif", |input| of_backend(input, "clif");
    /// What LLVM's passes leave, of the backend `llvm`.
    Llvm = "llvm", |input| of_backend(input, "llvm");
    /// The machine's instructions, of a backend that makes native code.
    Asm = "asm", |input| of_backend(input, "asm");
}

impl Stage {
    /// The stage of a name.
    ///
    /// ```
    /// assert_eq!(tollgate::Stage::from_name("ir"), Some(tollgate::Stage::Ir));
    /// ```
    pub fn from_name(name: &str) -> Option<Stage> {
        Stage::ALL.iter().copied().find(|s| s.name() == name)
    }

    /// Whether a backend of its own shows it, and not every build has one that does.
    pub fn is_of_backend(self) -> bool {
        matches!(self, Stage::Clif | Stage::Llvm | Stage::Asm)
    }

    pub(crate) fn print(
        self,
        main: &Main<'_>,
        loader: &mut dyn Loader,
        level: Level,
        backend: &'static BackendRow,
        dag: &DagOptions,
    ) -> Result<String, Error> {
        self.printer()(Input {
            main,
            loader,
            level,
            backend,
            dag,
        })
    }
}

/// What a backend shows at a stage of its own.
fn of_backend(input: Input<'_, '_>, stage: &str) -> Result<String, Error> {
    let has = |row: &&BackendRow| row.stages().contains(&stage);
    if !has(&input.backend) {
        let names: Vec<&str> = backends().iter().filter(has).map(|b| b.name).collect();
        return Err(Error::other(match &names[..] {
            [] => format!("no backend of this build has a stage `{stage}`"),
            _ => format!(
                "the backend `{}` has no stage `{stage}`; add `--backend {}`",
                input.backend.name,
                names.join("` or `--backend ")
            ),
        }));
    }
    let (_, lowered, _) = pipeline::lower(input.main, input.loader, Scope::Legal)?;
    let module = pipeline::optimize(lowered.module, input.backend.aim(input.level))?;
    if module.funcs.is_empty() {
        return Ok(NOTHING_RUNS.into());
    }
    let shown = (input.backend.make)(input.level).show(&module, stage);
    shown.map_err(|error| Error::other(error.to_string()))
}

fn with_source(input: &Input<'_, '_>, print: fn(FileId, &SourceFile) -> String) -> String {
    let mut sources = SourceMap::new();
    let id = sources.add(input.main.name, input.main.text);
    print(id, sources.file(id))
}

/// What each pass changes: a line for every pass, the functions it changed, and the module in the end.
fn narrate(module: Module, aim: Aim) -> Result<String, Error> {
    let mut text = String::new();
    let options = Options {
        aim,
        verify: true,
        ..Options::new(aim.level)
    };
    let legal = tollgate_optimizer::run(module, &options, &mut |event| {
        let Event::After {
            pass,
            round,
            module,
            changed,
            funcs,
            before,
            after,
        } = event
        else {
            return;
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "; {} (round {round}): {}; instructions {} → {}, blocks {} → {}, functions {} → {}",
            pass.name,
            if changed { "changed" } else { "nothing to do" },
            before.insts,
            after.insts,
            before.blocks,
            after.blocks,
            before.funcs,
            after.funcs,
        );
        for func in funcs {
            text.push_str(&print_func(module, *func));
            text.push('\n');
        }
    });
    let legal = legal.map_err(|bug| Error::other(bug.to_string()))?;
    let _ = write!(text, "; in the end\n{}", print_module(&legal));
    Ok(text)
}
