//! Rules that were read and checked once, for several engines.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tollgate_frontend::analysis::Scope;
use tollgate_frontend::hir;
use tollgate_frontend::library::{Loader, NoModules};
use tollgate_ir::Legalized;
use tollgate_ir::module::Module;
use tollgate_optimizer::{Aim, Level};

use crate::engine::Engine;
use crate::entry::EntryInfo;
use crate::error::Error;
use crate::loader::{Folder, read_main};
use crate::pipeline::{self, Main};
use crate::program::Program;
use crate::report::Report;

/// Rules that were read and checked, and are not yet made for an engine: for a host that makes them for several, to compare them
/// or to choose. What does not depend on the engine is done once.
///
/// ```
/// use tollgate::{Call, Checked, Engine, backends};
/// let rules = Checked::source("x.rules", r#"
///     ruleset small(n: Int) -> Bool hit first {
///       rule yes when n < 10 then true
///       otherwise false
///     }
/// "#)?;
/// for backend in backends() {
///     let program = rules.compile(&Engine::new().backend(backend.name)?)?;
///     let mut session = program.session();
///     let decision = session.decide_json("small", b"7", &Call { id: "1", time: 0 })?;
///     assert_eq!(decision.value_json(), "true");
/// }
/// # Ok::<(), tollgate::Error>(())
/// ```
pub struct Checked {
    name: Box<str>,
    program: hir::Program,
    lowered: Module,
    report: Report,
    /// As the passes leave it, for each aim that was asked for.
    optimized: [OnceLock<Arc<Legalized>>; AIMS],
}

/// How many aims there are.
const AIMS: usize = 6;

impl Checked {
    /// Reads and checks a program of one file.
    ///
    /// # Errors
    /// When the rules do not compile ([`Error::report`]).
    pub fn source(name: &str, text: &str) -> Result<Checked, Error> {
        Checked::new(&Main { name, text }, &mut NoModules)
    }

    /// Reads and checks a file and the modules it uses, which stand in the same folder.
    ///
    /// # Errors
    /// When the file cannot be read, or the rules do not compile ([`Error::report`]).
    pub fn file(path: &Path) -> Result<Checked, Error> {
        let (text, name) = (read_main(path)?, path.display().to_string());
        let (name, text) = (&*name, &*text);
        Checked::new(&Main { name, text }, &mut Folder::of(path))
    }

    fn new(main: &Main<'_>, loader: &mut dyn Loader) -> Result<Checked, Error> {
        let (program, lowered, report) = pipeline::lower(main, loader, Scope::Legal)?;
        Ok(Checked {
            name: main.name.into(),
            program,
            lowered: lowered.module,
            report,
            optimized: Default::default(),
        })
    }

    /// What the compiler said: warnings and notes.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The program as an engine makes it: what [`Engine::compile_source`] and [`Engine::compile_file`] give.
    ///
    /// # Errors
    /// When the machine lacks what the engine's backend needs.
    pub fn compile(&self, engine: &Engine) -> Result<Program, Error> {
        let module = self.optimized(engine.backend.aim(engine.level))?;
        let entries = EntryInfo::all(&self.lowered);
        let checked = (self.program.clone(), entries, self.report.clone());
        pipeline::make(&self.name, checked, module, engine)
    }

    fn optimized(&self, aim: Aim) -> Result<Arc<Legalized>, Error> {
        let index = aim.level as usize * 2 + usize::from(aim.native);
        if let Some(module) = self.optimized[index].get() {
            return Ok(module.clone());
        }
        let module = Arc::new(pipeline::optimize(self.lowered.clone(), aim)?);
        Ok(self.optimized[index].get_or_init(|| module).clone())
    }
}

const _: () = assert!(Level::O2 as usize * 2 + 2 == AIMS);
