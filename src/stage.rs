//! § The stages of the compiler, and how each prints what it makes. A stage is one row here.

use tollgate_frontend::library::Loader;
use tollgate_grammar::source::FileId;
use tollgate_ir::text::print_module;
use tollgate_optimizer::Level;

use crate::backends::BackendRow;
use crate::error::Error;
use crate::pipeline::{self, Main};

/// What a row's printer is given.
struct Input<'i, 'm> {
    main: &'i Main<'m>,
    loader: &'i mut dyn Loader,
    level: Level,
    backend: &'static BackendRow,
}

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
    Tokens = "tokens", |input| Ok(tollgate_grammar::print_tokens(input.main.text));
    /// The tree of what was written.
    Ast = "ast", |input| Ok(tollgate_grammar::ast_print::print(&tollgate_grammar::parse(FileId(0), input.main.text).ast));
    /// What it means: typed and resolved.
    Hir = "hir", |input| match pipeline::check(input.main, input.loader) {
        (Some(program), _) => Ok(tollgate_frontend::hir_print::print(&program)),
        (None, report) => Err(Error::rules(report)),
    };
    /// SSA, with rule sets whole.
    Ir = "ir", |input| Ok(print_module(&pipeline::lower(input.main, input.loader)?.0.module));
    /// What each pass changes, and the legal IR in the end.
    Opt = "opt", |input| {
        let (lowered, _) = pipeline::lower(input.main, input.loader)?;
        Ok(tollgate_optimizer::narrate(lowered.module, input.level))
    };
    /// What the backend makes of it.
    Bytecode = "bytecode", |input| Ok(pipeline::compile(input.main, input.loader, input.level, input.backend)?.listing());
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

    pub(crate) fn print(
        self,
        main: &Main<'_>,
        loader: &mut dyn Loader,
        level: Level,
        backend: &'static BackendRow,
    ) -> Result<String, Error> {
        self.printer()(Input {
            main,
            loader,
            level,
            backend,
        })
    }
}
