//! A program that grows as it is typed, and what is asked about it: what a prompt works on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tollgate_ask::Plan;
use tollgate_frontend::hir;
use tollgate_frontend::library::{Loader, NoModules};
use tollgate_frontend::lower::TestPlan;
use tollgate_frontend::{Question as Asked, lower};
use tollgate_grammar::ast::{ItemKind, RuleItem};
use tollgate_grammar::prompt::{self, Typed};
use tollgate_grammar::source::FileId;
use tollgate_ir::module::Module;
use tollgate_ir::text::print_module;
use tollgate_runtime::{Frozen, json};

use crate::cost::{self, CostReport};
use crate::dag::DagOptions;
use crate::engine::Engine;
use crate::error::Error;
use crate::loader::{Folder, read_main};
use crate::pipeline::{self, Main};
use crate::program::Program;
use crate::report::Report;
use crate::stage::Stage;
use crate::states::plan;
use crate::test_run::Compiled;

mod complete;

/// What the main file is called where none was loaded.
const NO_FILE: &str = "<prompt>";

/// A program that grows: perhaps a file, the declarations typed behind it, names bound to values, and data. Questions about it are
/// expressions, in which fields of records may be left out as in a test.
///
/// It is legal at any time: what does not fit is refused, and then nothing has changed. Everything is checked anew at each step,
/// which takes as long as `tollgate check` does.
///
/// ```
/// use tollgate::{Engine, Workbench};
/// let mut bench = Workbench::new(Engine::new());
/// bench.enter("ruleset size(n: Int) -> String hit first { rule small when n < 10 then \"small\" otherwise \"large\" }")?;
/// bench.enter("let n = 3 * 3")?;
/// let answer = bench.ask("size(n)")?.answer()?;
/// assert_eq!((answer.value.as_str(), answer.by.join(",").as_str()), ("\"small\"", "small"));
/// bench.enter("rule tiny when n < 2 then \"tiny\"")?;
/// assert_eq!(bench.ask("size(1)")?.answer()?.by, ["small"]);
/// assert_eq!(bench.ask("n + 1")?.ty(), "Int in 10 .. 10");
/// assert!(bench.ask("size(m)").unwrap_err().report().is_some());
/// # Ok::<(), tollgate::Error>(())
/// ```
#[derive(Clone)]
pub struct Workbench {
    engine: Engine,
    file: Option<Text>,
    /// Where the file stands.
    path: Option<PathBuf>,
    /// Declarations, in the order in which they were typed.
    typed: Vec<Text>,
    /// `let name = value`, each with its name.
    bindings: Vec<(String, Text)>,
    /// JSON for the `data` of the program.
    data: Vec<(String, Vec<u8>)>,
    /// How many texts have been typed, to name the next.
    count: usize,
    /// What the program means; empty before anything is declared.
    pub(crate) program: Arc<hir::Program>,
}

/// A text and what it is called in diagnostics.
#[derive(Clone, Debug)]
struct Text {
    name: String,
    text: String,
}

/// What came of something that was entered.
#[derive(Debug)]
#[non_exhaustive]
pub enum Entered {
    /// Blanks and comments.
    Nothing,
    /// Declarations: the names that they declare, and what was found out about the program as it is now.
    Declared(Vec<String>, Report),
    /// Rules, which now belong to this rule set.
    Added(String, Report),
    /// A name for a value, and the type of the value.
    Bound(String, String),
    /// A question, ready to be answered.
    Asked(Box<Question>),
}

/// An expression that was checked, lowered and can be evaluated.
#[derive(Debug)]
pub struct Question {
    engine: Engine,
    module: Module,
    plan: TestPlan,
    states: Plan,
    ty: String,
    data: Vec<(String, Vec<u8>)>,
    report: Report,
}

/// A question compiled by the engine's backend.
pub struct Prepared {
    compiled: Compiled,
    plan: TestPlan,
    data: Vec<(String, Vec<u8>)>,
}

/// The value of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Evaluated {
    /// As JSON.
    pub value: String,
    /// The rules that decided, where the expression asks a rule set: of the first that stands in it.
    pub by: Vec<String>,
}

impl Workbench {
    /// A program of nothing but the library.
    pub fn new(engine: Engine) -> Workbench {
        Workbench {
            engine,
            file: None,
            path: None,
            typed: Vec::new(),
            bindings: Vec::new(),
            data: Vec::new(),
            count: 0,
            program: Arc::default(),
        }
    }

    /// Begins anew with a file. Modules it uses are found in its folder.
    ///
    /// # Errors
    /// When the file cannot be read, or its rules do not compile ([`Error::report`]); then all stays as it was.
    pub fn load(&mut self, path: &Path) -> Result<Report, Error> {
        let mut next = Workbench {
            count: self.count,
            ..Workbench::new(self.engine)
        };
        next.read(path)?;
        let report = next.check()?;
        *self = next;
        Ok(report)
    }

    /// Reads the file again. What was typed stays.
    ///
    /// # Errors
    /// As [`Workbench::load`], when no file was loaded, and when what was typed does not fit the file any more.
    pub fn reload(&mut self) -> Result<Report, Error> {
        let Some(path) = self.path.clone() else {
            return Err(Error::other("no file has been loaded"));
        };
        self.change(|next| next.read(&path))
    }

    /// The file that was loaded.
    pub fn file(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Takes what was typed: declarations, rules, a binding or an expression.
    ///
    /// A declaration replaces one of the same name that was typed before. Rules go into the rule set or guard that was typed last, or
    /// else into the last of the file, where they replace those of the same names; the file itself is not written.
    ///
    /// # Errors
    /// When it does not fit ([`Error::report`]); then nothing has changed.
    pub fn enter(&mut self, text: &str) -> Result<Entered, Error> {
        match prompt::kind(text) {
            Typed::Nothing => Ok(Entered::Nothing),
            Typed::Items => self.declare(text),
            Typed::Rules => self.add_rules(text),
            Typed::Binding => self.bind(text),
            Typed::Expression => Ok(Entered::Asked(Box::new(self.ask(text)?))),
        }
    }

    /// Whether a text can be entered as it stands; else more lines belong to it.
    pub fn is_complete(text: &str) -> bool {
        prompt::is_complete(text)
    }

    /// Gives a `data` of the program, as JSON.
    ///
    /// # Errors
    /// When the program has no such data.
    pub fn give(&mut self, name: &str, json: Vec<u8>) -> Result<(), Error> {
        if !self.program.data.values().any(|data| &*data.name == name) {
            return Err(Error::other(format!("the program has no data `{name}`")));
        }
        self.data.retain(|(given, _)| given != name);
        self.data.push((name.to_owned(), json));
        Ok(())
    }

    /// Asks: checks an expression in the scope of the program.
    ///
    /// # Errors
    /// When it does not mean anything there ([`Error::report`]).
    pub fn ask(&self, text: &str) -> Result<Question, Error> {
        self.question(Some(&self.next_text(text)))
    }

    /// The text of the whole program: the file, and behind it what was typed.
    pub fn source(&self) -> String {
        let texts = self.file.iter().chain(&self.typed);
        texts.map(|text| format!("{}\n", text.text)).collect()
    }

    /// What was typed: declarations, then bindings.
    pub fn typed(&self) -> impl Iterator<Item = &str> {
        let bindings = self.bindings.iter().map(|(_, text)| text);
        self.typed
            .iter()
            .chain(bindings)
            .map(|text| text.text.as_str())
    }

    /// The whole program, compiled.
    ///
    /// # Errors
    /// When nothing has been declared yet, or for want of resources.
    pub fn compile(&self) -> Result<Program, Error> {
        let (level, backend) = (self.engine.chosen_level(), self.engine.chosen_backend());
        let compiled = self.with_source(|main, loader| {
            pipeline::compile(main, loader, &Engine::of(backend, level))
        });
        self.data
            .iter()
            .try_fold(compiled?, |program, (name, json)| {
                program.with_data(name, json)
            })
    }

    /// What a stage makes of the whole program, as text.
    ///
    /// # Errors
    /// As [`Workbench::compile`].
    pub fn emit(&self, stage: Stage, dag: &DagOptions) -> Result<String, Error> {
        self.with_source(|main, loader| self.engine.emit(main, loader, stage, dag))
    }

    /// What the rules of the whole program can cost at worst.
    ///
    /// # Errors
    /// As [`Workbench::compile`].
    pub fn cost(&self) -> Result<CostReport, Error> {
        self.with_source(cost::of)
    }

    fn read(&mut self, path: &Path) -> Result<(), Error> {
        self.file = Some(Text {
            name: path.display().to_string(),
            text: read_main(path)?,
        });
        self.path = Some(path.to_owned());
        Ok(())
    }

    fn declare(&mut self, text: &str) -> Result<Entered, Error> {
        let parse = tollgate_grammar::parse(FileId(0), text);
        if parse.ast.module.is_some() || parse.ast.edition.is_some() {
            let sentence =
                "a prompt has no `edition` and no `module`: leave them out, or load a file";
            return Err(Error::other(sentence));
        }
        let names: Vec<String> = parse.ast.items.iter().filter_map(item_name).collect();
        let text = self.next_text(text);
        let declared = names.clone();
        let report = self.change(|next| {
            for typed in &mut next.typed {
                typed.text = without_items(&typed.text, &names);
            }
            next.typed.retain(|typed| !typed.text.trim().is_empty());
            next.typed.push(text);
            next.count += 1;
            Ok(())
        })?;
        Ok(Entered::Declared(declared, report))
    }

    fn add_rules(&mut self, rules: &str) -> Result<Entered, Error> {
        let mut set = String::new();
        let report = self.change(|next| {
            let texts = next.typed.iter_mut().rev().chain(&mut next.file);
            for text in texts {
                if let Some((name, changed)) = with_rules(&text.text, rules) {
                    (set, text.text) = (name, changed);
                    next.count += 1;
                    return Ok(());
                }
            }
            Err(Error::other(
                "there is no rule set or guard for it: declare one first",
            ))
        })?;
        Ok(Entered::Added(set, report))
    }

    fn bind(&mut self, text: &str) -> Result<Entered, Error> {
        let (value, _) = prompt::parse(FileId(0), text);
        let name = value.and_then(|value| value.name);
        let name = name.map_or(String::new(), |name| name.text.to_string());
        let text = self.next_text(text);
        let mut next = self.clone();
        next.count += 1;
        next.bindings.retain(|(bound, _)| *bound != name);
        next.bindings.push((name.clone(), text));
        // The mistakes of the binding are told before its type is asked for.
        next.question(None)?;
        let ty = next.ask(&name)?.ty;
        *self = next;
        Ok(Entered::Bound(name, ty))
    }

    /// Changes the program, if it is legal afterwards.
    fn change(
        &mut self,
        change: impl FnOnce(&mut Workbench) -> Result<(), Error>,
    ) -> Result<Report, Error> {
        let mut next = self.clone();
        change(&mut next)?;
        let report = next.check()?;
        *self = next;
        Ok(report)
    }

    fn check(&mut self) -> Result<Report, Error> {
        let (program, report) = self.with_question(None, pipeline::check_typed)?;
        self.program = Arc::new(program);
        Ok(report)
    }

    fn question(&self, expression: Option<&Text>) -> Result<Question, Error> {
        let (program, report) =
            self.with_question(
                expression,
                |main, asked, loader| match pipeline::check_question(main, asked, loader) {
                    (Some(program), report) => Ok((program, report)),
                    (None, report) => Err(Error::rules(report)),
                },
            )?;
        let shown = program.tests[0]
            .steps
            .iter()
            .rev()
            .find_map(|step| match step {
                hir::Step::Show(value) => Some(value.ty.show(&program).to_string()),
                _ => None,
            });
        let (lowered, mut plans) = lower::lower_tests(&program);
        Ok(Question {
            engine: self.engine,
            module: lowered.module,
            plan: plans.swap_remove(0),
            states: plan(&program),
            ty: shown.unwrap_or_default(),
            data: self.data.clone(),
            report,
        })
    }

    /// Does something with the program and an expression, as the frontend wants them.
    fn with_question<T>(
        &self,
        expression: Option<&Text>,
        ask: impl FnOnce(&Main<'_>, &Asked<'_>, &mut dyn Loader) -> Result<T, Error>,
    ) -> Result<T, Error> {
        fn pair(text: &Text) -> (&str, &str) {
            (&text.name, &text.text)
        }
        let typed: Vec<_> = self.typed.iter().map(pair).collect();
        let bindings: Vec<_> = self.bindings.iter().map(|(_, text)| pair(text)).collect();
        let (name, text) = self.file.as_ref().map_or((NO_FILE, ""), pair);
        let asked = Asked {
            texts: &typed,
            bindings: &bindings,
            expression: expression.map(pair),
        };
        let main = Main { name, text };
        match &self.path {
            Some(path) => ask(&main, &asked, &mut Folder::of(path)),
            None => ask(&main, &asked, &mut NoModules),
        }
    }

    /// Does something with the whole program as one text.
    fn with_source<T>(
        &self,
        compile: impl FnOnce(&Main<'_>, &mut dyn Loader) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let text = self.source();
        let name = self.file.as_ref().map_or(NO_FILE, |file| &file.name);
        let main = Main { name, text: &text };
        match &self.path {
            Some(path) => compile(&main, &mut Folder::of(path)),
            None => compile(&main, &mut NoModules),
        }
    }

    /// A text that was typed, with the name it has in diagnostics.
    fn next_text(&self, text: &str) -> Text {
        Text {
            name: format!("<{}>", self.count + 1),
            text: text.to_owned(),
        }
    }
}

impl Question {
    /// The type of the value, as far as it is proved.
    pub fn ty(&self) -> &str {
        &self.ty
    }

    /// What was said about it.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Its IR, and that of what it calls, before any optimisation.
    pub fn ir(&self) -> String {
        print_module(&self.module)
    }

    /// What the backend makes of it, for people.
    ///
    /// # Errors
    /// When it cannot be compiled for want of resources.
    pub fn listing(&self) -> Result<String, Error> {
        Ok(self.prepare()?.compiled.executable.listing())
    }

    /// Compiles it, to be answered more than once.
    ///
    /// # Errors
    /// When it cannot be compiled for want of resources.
    pub fn prepare(&self) -> Result<Prepared, Error> {
        let (level, backend) = (self.engine.chosen_level(), self.engine.chosen_backend());
        let module = pipeline::optimize(self.module.clone(), backend.aim(level))?;
        let executable = backend.compile(&module, level)?;
        let module = module.into_module();
        Ok(Prepared {
            compiled: Compiled {
                module,
                executable,
                plan: self.states.clone(),
            },
            plan: self.plan.clone(),
            data: self.data.clone(),
        })
    }

    /// Its value.
    ///
    /// # Errors
    /// When data is missing or violates its type.
    pub fn answer(&self) -> Result<Evaluated, Error> {
        self.prepare()?.answer()
    }
}

impl Prepared {
    /// The value.
    ///
    /// # Errors
    /// As [`Question::answer`].
    pub fn answer(&self) -> Result<Evaluated, Error> {
        let module = &self.compiled.module;
        let mut given: Vec<Option<Frozen>> = Vec::with_capacity(module.data.len());
        for data in module.data.values() {
            let json = self.data.iter().find(|(name, _)| **name == *data.name);
            given.push(match (json, data.schema) {
                (Some((_, json)), Some(ty)) => Some(
                    Frozen::try_new(|arena| {
                        json::decode(&module.schema, ty, json, arena).map(|d| d.word)
                    })
                    .map_err(Error::refused)?,
                ),
                _ => None,
            });
        }
        match self.compiled.show(&self.plan, given) {
            Ok(shown) => {
                let (value, by) = shown.map_or_else(Default::default, |s| (s.json, s.by));
                Ok(Evaluated { value, by })
            }
            Err(missing) => Err(Error::other(missing)),
        }
    }
}

impl std::fmt::Debug for Workbench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workbench")
            .field("path", &self.path)
            .field("typed", &self.typed)
            .finish_non_exhaustive()
    }
}

/// The name that an item declares.
pub(crate) fn item_name(item: &tollgate_grammar::ast::Item) -> Option<String> {
    let name = match &item.kind {
        ItemKind::Const(item) => &item.name,
        ItemKind::Type(item) => &item.name,
        ItemKind::Record(item) => &item.name,
        ItemKind::Enum(item) => &item.name,
        ItemKind::Data(item) => &item.name,
        ItemKind::Function(item) => &item.name,
        ItemKind::RuleSet(item) => &item.name,
        ItemKind::Guard(item) => &item.name,
        ItemKind::Table(item) => &item.name,
        ItemKind::Pipeline(item) => &item.name,
        ItemKind::State(item) => &item.name,
        ItemKind::Stream(item) => &item.name,
        ItemKind::Use(_)
        | ItemKind::Boundary(_)
        | ItemKind::Test(_)
        | ItemKind::Prove(_)
        | ItemKind::Error => return None,
    };
    Some(name.text.to_string())
}

/// A text without the items that declare these names.
fn without_items(text: &str, names: &[String]) -> String {
    let parse = tollgate_grammar::parse(FileId(0), text);
    let mut kept = text.to_owned();
    for item in parse.ast.items.iter().rev() {
        if item_name(item).is_some_and(|name| names.contains(&name)) {
            let start = item.docs.as_ref().map_or(item.span, |docs| docs.span);
            kept.replace_range(start.start as usize..item.span.end as usize, "");
        }
    }
    kept
}

/// A text with rules put into its last rule set or guard, before `otherwise`; also the name of that. Rules there that have one of
/// the names go.
fn with_rules(text: &str, rules: &str) -> Option<(String, String)> {
    let parse = tollgate_grammar::parse(FileId(0), text);
    let (item, name, old, otherwise) = parse.ast.items.iter().rev().find_map(|item| match &item
        .kind
    {
        ItemKind::RuleSet(set) => Some((item, &set.name, &set.rules, set.otherwise.as_ref())),
        ItemKind::Guard(guard) => Some((item, &guard.name, &guard.rules, None)),
        _ => None,
    })?;
    let wrapped = format!("ruleset r() -> Int hit first {{\n{rules}\n}}");
    let typed = tollgate_grammar::parse(FileId(0), &wrapped).ast;
    let (names, replaces_otherwise) = match typed.items.first().map(|item| &item.kind) {
        Some(ItemKind::RuleSet(set)) => {
            let names = set.rules.iter().filter_map(rule_name);
            (names.collect::<Vec<_>>(), set.otherwise.is_some())
        }
        _ => (Vec::new(), false),
    };
    let gone = old.iter().filter_map(|rule| match rule {
        RuleItem::Rule(old) if names.contains(&&*old.name.text) => Some(old.span.range()),
        _ => None,
    });
    let mut edits: Vec<_> = gone.map(|range| (range, String::new())).collect();
    match (otherwise, edits.first_mut()) {
        (Some(otherwise), _) if replaces_otherwise => {
            edits.push((otherwise.span.range(), rules.to_owned()));
        }
        // In the place of the first that goes.
        (_, Some((_, text))) => rules.clone_into(text),
        (otherwise, None) => {
            let brace = item.span.end as usize - 1;
            let at = otherwise.map_or(brace, |otherwise| otherwise.span.start as usize);
            edits.push((at..at, format!("{rules}\n")));
        }
    }
    let mut changed = text.to_owned();
    // From behind to the front, so that places stay good.
    for (range, text) in edits.into_iter().rev() {
        changed.replace_range(range, &text);
    }
    Some((name.text.to_string(), changed))
}

fn rule_name(rule: &RuleItem) -> Option<&str> {
    match rule {
        RuleItem::Rule(rule) => Some(&rule.name.text),
        RuleItem::Group(_) | RuleItem::Error(_) => None,
    }
}
