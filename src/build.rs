//! Machine code ahead of time: a program to an object file, and the header that tells C what is in it.

use std::collections::HashMap;
use std::path::Path;

use tollgate_backend_api::{Line, Lines, ObjectSpec};
use tollgate_embed::header::{header, symbol};
use tollgate_embed::{Contents, kept};
use tollgate_frontend::analysis::Scope;
use tollgate_frontend::hir;
use tollgate_frontend::library::{Loader, NoModules};
use tollgate_grammar::source::{SourceMap, Span};
use tollgate_ir::entities::{IndexVec, SiteId};
use tollgate_ir::module::{Module, Site};

use crate::engine::Engine;
use crate::entry::EntryInfo;
use crate::error::Error;
use crate::loader::{Folder, read_main};
use crate::pipeline::{self, Main};
use crate::report::Report;
use crate::states::plan;

/// What an object file is to be; see [`Engine::build_file`].
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// What names in C begin with: letters, digits and underscores stay as they are. The name of the rule file if not given.
    pub name: Option<String>,
    /// The machine, as a target triple such as `aarch64-unknown-linux-gnu`; this one's kind if not given.
    pub target: Option<String>,
    /// The processor: `native` for this one, or a name that the backend knows; what every machine of the kind has if not given.
    pub cpu: Option<String>,
    /// Decisions of rule sets, guards and tables, by name: JSON lines as `tollgate run` prints them. A backend may place code by how often
    /// each rule has decided; what is decided does not depend on it.
    pub profile: Vec<(String, String)>,
}

/// An object file and its header.
#[derive(Debug)]
pub struct Built {
    /// The bytes of the object file: ELF, relocatable. It shows one symbol, and needs none.
    pub object: Vec<u8>,
    /// The text of the header.
    pub header: String,
    /// What the compiler said: warnings and notes.
    pub report: Report,
}

impl Engine {
    /// Compiles a file ahead of time, to an object file for a linker. What it is linked with, and how C calls it, is said in
    /// `docs/book/embedding.md`.
    ///
    /// # Errors
    /// As [`Engine::compile_file`], where the program declares streams or keeps states in a store, which the library that it is linked with does not (an
    /// artifact does: [`Program::artifact`](crate::Program::artifact)), and where the backend makes no machine code or none for such a machine.
    pub fn build_file(&self, path: &Path, options: &BuildOptions) -> Result<Built, Error> {
        let (text, name) = (read_main(path)?, path.display().to_string());
        let main = Main {
            name: &name,
            text: &text,
        };
        build(self, &main, &mut Folder::of(path), options)
    }

    /// Compiles a program of one file ahead of time.
    ///
    /// # Errors
    /// As [`Engine::build_file`].
    ///
    /// ```
    /// # if !tollgate::backends().iter().any(|b| b.name == "cranelift") { return Ok::<(), tollgate::Error>(()); }
    /// use tollgate::{BuildOptions, Engine};
    /// let built = Engine::new().backend("cranelift")?.build_source("size.rules", r#"
    ///     ruleset small(n: Int) -> Bool hit first {
    ///       rule yes when n < 10 then true
    ///       otherwise false
    ///     }
    /// "#, &BuildOptions::default())?;
    /// assert!(built.object.starts_with(b"\x7fELF"));
    /// assert!(built.header.contains("size_decide_small(tollgate_session *session, int64_t n, bool *value)"));
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn build_source(
        &self,
        name: &str,
        text: &str,
        options: &BuildOptions,
    ) -> Result<Built, Error> {
        build(self, &Main { name, text }, &mut NoModules, options)
    }
}

fn build(
    engine: &Engine,
    main: &Main<'_>,
    loader: &mut dyn Loader,
    options: &BuildOptions,
) -> Result<Built, Error> {
    let (program, lowered, report) = pipeline::lower(main, loader, Scope::Legal)?;
    let entries = EntryInfo::all(&lowered.module);
    let shapes: Vec<_> = entries.iter().map(|entry| entry.shape).collect();
    let module = pipeline::optimize(lowered.module, engine.backend.aim(engine.level))?;
    let stem = Path::new(main.name).file_stem().unwrap_or_default();
    let name = match &options.name {
        Some(name) => name.clone(),
        None => stem.to_string_lossy().into_owned(),
    };
    let plan = plan(&program);
    kept::keeps_here(&plan).map_err(Error::other)?;
    let contents = Contents::new(&name, &module, &shapes);
    let counts = profile(&module, &options.profile)?;
    let spec = ObjectSpec {
        symbol: &symbol(&name),
        target: options.target.as_deref(),
        cpu: options.cpu.as_deref(),
        contents: &kept::join(&plan, &contents).map_err(Error::other)?,
        lines: &lines(&program, report.sources(), &module),
        profile: counts.as_ref(),
    };
    let backend = (engine.backend.make)(engine.level);
    let object = backend.object(&module, &spec);
    Ok(Built {
        object: object.map_err(|error| Error::other(error.to_string()))?,
        header: header(&contents, main.name),
        report,
    })
}

/// How often each site has decided.
fn profile(
    module: &Module,
    decisions: &[(String, String)],
) -> Result<Option<IndexVec<SiteId, u64>>, Error> {
    if decisions.is_empty() {
        return Ok(None);
    }
    let sites = module.sites.iter().filter_map(|(id, site)| match site {
        Site::Rule { ruleset, rule } => Some(((&**ruleset, &**rule), id)),
        Site::Otherwise { ruleset } => Some(((&**ruleset, "otherwise"), id)),
        Site::Stage { .. } | Site::Shadow { .. } => None,
    });
    let sites: HashMap<(&str, &str), SiteId> = sites.collect();
    let mut counts: IndexVec<SiteId, u64> = module.sites.keys().map(|_| 0).collect();
    for (name, lines) in decisions {
        for (line, number) in lines.lines().zip(1..) {
            let wrong = |what: &str| {
                Error::other(format!("the profile of `{name}`, line {number}: {what}"))
            };
            if line.trim().is_empty() {
                continue;
            }
            let decision: serde_json::Value =
                serde_json::from_str(line).map_err(|e| wrong(&e.to_string()))?;
            let by = match &decision["by"] {
                serde_json::Value::String(rule) => vec![&**rule],
                serde_json::Value::Array(rules) => {
                    rules.iter().filter_map(|r| r.as_str()).collect()
                }
                _ if decision.get("refused").is_some() => continue,
                _ => return Err(wrong("it is no decision: it has no `by`")),
            };
            for rule in by {
                let site = sites.get(&(name, rule));
                let site =
                    site.ok_or_else(|| wrong(&format!("there is no rule `{rule}` of `{name}`")))?;
                counts[*site] += 1;
            }
        }
    }
    Ok(Some(counts))
}

/// Where functions and sites stand. Functions of the IR are called by what they were made of: `route`, `route.checkout.when`.
fn lines(program: &hir::Program, sources: &SourceMap, module: &Module) -> Lines {
    let mut places: HashMap<String, Line> = HashMap::new();
    let mut place = |name: String, span: Span| {
        let line = Line {
            file: span.file.0,
            line: sources.position(span).line,
        };
        places.entry(name).or_insert(line);
    };
    for function in program.fns.values() {
        place(function.name.to_string(), function.span);
    }
    for set in program.rulesets.values() {
        for rule in &set.rules {
            place(format!("{}.{}", set.name, rule.name), rule.span);
        }
        place(set.name.to_string(), set.span);
    }
    for pipeline in program.pipelines.values() {
        place(pipeline.name.to_string(), pipeline.span);
    }
    // What has no place of its own stands where what it belongs to does.
    let find = |name: &str| {
        let ends = name.match_indices('.').map(|(at, _)| at);
        let ends = ends.chain([name.len()]).rev();
        ends.into_iter()
            .find_map(|end| places.get(&name[..end]).copied())
    };
    let site = |site: &Site| match site {
        Site::Rule { ruleset, rule } => find(&format!("{ruleset}.{rule}")),
        Site::Otherwise { ruleset } | Site::Shadow { ruleset } => find(ruleset),
        Site::Stage { pipeline, stage } => find(&format!("{pipeline}.{stage}")),
    };
    Lines {
        files: sources
            .files()
            .map(|(_, file)| (**file.name()).into())
            .collect(),
        funcs: module.funcs.values().map(|func| find(&func.name)).collect(),
        sites: module.sites.values().map(site).collect(),
    }
}
