//! Rules to programs, to reports, and to what each stage makes of them.

use std::path::Path;

use tollgate_frontend::analysis::Scope;
use tollgate_frontend::library::{Loader, NoModules};
use tollgate_ir::Level;

use super::Engine;
use crate::backends::BackendRow;
use crate::dag::DagOptions;
use crate::error::Error;
use crate::loader::{Folder, read_main};
use crate::pipeline::{self, Main};
use crate::program::Program;
use crate::report::Report;
use crate::stage::Stage;

impl Engine {
    /// Says in reports what the analysis of rules could not find out, too.
    #[must_use]
    pub fn verbose(self, verbose: bool) -> Engine {
        Engine { verbose, ..self }
    }

    /// What the compiler thinks of a file and of the modules it uses.
    ///
    /// # Errors
    /// When the file cannot be read. What is wrong *in* it stands in the report.
    pub fn check_file(&self, path: &Path) -> Result<Report, Error> {
        let (text, name) = (read_main(path)?, path.display().to_string());
        let (name, text) = (&*name, &*text);
        Ok(self.report_of(&Main { name, text }, &mut Folder::of(path)))
    }

    /// What the compiler thinks of a program of one file.
    pub fn check_source(&self, name: &str, text: &str) -> Report {
        self.report_of(&Main { name, text }, &mut NoModules)
    }

    pub(crate) fn report_of(&self, main: &Main<'_>, loader: &mut dyn Loader) -> Report {
        match pipeline::lower(main, loader, self.scope()) {
            Ok((_, _, report)) => report,
            Err(error) => error.into_report(),
        }
    }

    pub(crate) fn chosen_level(&self) -> Level {
        self.level
    }

    pub(crate) fn chosen_backend(&self) -> &'static BackendRow {
        self.backend
    }

    fn scope(&self) -> Scope {
        match self.verbose {
            true => Scope::Verbose,
            false => Scope::All,
        }
    }

    /// Compiles a file and the modules it uses, which stand in the same folder.
    ///
    /// # Errors
    /// When the file cannot be read, or the rules do not compile ([`Error::report`]).
    pub fn compile_file(&self, path: &Path) -> Result<Program, Error> {
        let (text, name) = (read_main(path)?, path.display().to_string());
        pipeline::compile(
            &Main {
                name: &name,
                text: &text,
            },
            &mut Folder::of(path),
            self,
        )
    }

    /// Compiles a program of one file.
    ///
    /// # Errors
    /// When the rules do not compile ([`Error::report`]).
    pub fn compile_source(&self, name: &str, text: &str) -> Result<Program, Error> {
        pipeline::compile(&Main { name, text }, &mut NoModules, self)
    }

    /// What a stage makes of a file, as text.
    ///
    /// # Errors
    /// As [`Engine::compile_file`]; the stages before the checker work on files with errors too.
    pub fn emit_file(&self, path: &Path, stage: Stage) -> Result<String, Error> {
        let (text, name) = (read_main(path)?, path.display().to_string());
        let (name, text) = (&*name, &*text);
        let loader = &mut Folder::of(path);
        self.emit(&Main { name, text }, loader, stage, &DagOptions::default())
    }

    /// What a stage makes of a program of one file, as text.
    ///
    /// # Errors
    /// As [`Engine::emit_file`].
    pub fn emit_source(&self, name: &str, text: &str, stage: Stage) -> Result<String, Error> {
        let dag = DagOptions::default();
        self.emit(&Main { name, text }, &mut NoModules, stage, &dag)
    }

    /// How the rules of a file are found, drawn: [`Stage::Dag`], with a choice.
    ///
    /// # Errors
    /// As [`Engine::compile_file`], and when there is no rule set of the name that is asked for.
    pub fn draw_file(&self, path: &Path, options: &DagOptions) -> Result<String, Error> {
        let (text, name) = (read_main(path)?, path.display().to_string());
        let (name, text) = (&*name, &*text);
        self.emit(
            &Main { name, text },
            &mut Folder::of(path),
            Stage::Dag,
            options,
        )
    }

    /// How the rules of a program of one file are found, drawn.
    ///
    /// ```
    /// use tollgate::{DagFormat, DagOptions, Engine};
    /// let rules = r#"
    ///     ruleset owner(host: String) -> String hit first {
    ///       rule a when host == "a.example" then "ann"
    ///       rule b when host == "b.example" then "bob"
    ///       rule c when host == "c.example" then "cat"
    ///       rule d when host == "d.example" then "dan"
    ///       otherwise "nobody"
    ///     }
    /// "#;
    /// let dot = DagOptions { format: DagFormat::Dot, ..DagOptions::default() };
    /// let drawn = Engine::new().draw_source("owner.rules", rules, &dot)?;
    /// assert!(drawn.starts_with("digraph rules {"));
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Engine::draw_file`].
    pub fn draw_source(
        &self,
        name: &str,
        text: &str,
        options: &DagOptions,
    ) -> Result<String, Error> {
        self.emit(&Main { name, text }, &mut NoModules, Stage::Dag, options)
    }

    pub(crate) fn emit(
        &self,
        main: &Main<'_>,
        loader: &mut dyn Loader,
        stage: Stage,
        dag: &DagOptions,
    ) -> Result<String, Error> {
        stage.print(main, loader, self.level, self.backend, dag)
    }
}
