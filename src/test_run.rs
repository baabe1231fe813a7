//! Running the `test` blocks of a program.
//!
//! The functions of the tests are compiled as entries of a program of their own, on the same backend at the same level,
//! so that a program that is only run does not carry them.

use std::sync::Arc;

use tollgate_ask::Plan;
use tollgate_backend_api::Executable;
use tollgate_frontend::diagnostics::render::{Picture, Renderer};
use tollgate_frontend::hir;
use tollgate_frontend::lower::{TestCases, TestCell, TestFn, TestPlan, TestStep, lower_tests};
use tollgate_grammar::source::{SourceMap, Span};
use tollgate_ir::Level;
use tollgate_ir::entities::SiteId;
use tollgate_ir::module::{Module, Site, Target};
use tollgate_runtime::{Arena, Cx, Frozen, Mark, Value, Word, json};

use crate::backends::BackendRow;
use crate::error::Error;
use crate::pipeline;
use crate::states::plan;

mod aim;
mod draw;
mod failure;
mod places;
mod property;
mod rng;
mod running;
mod shrink;
mod simplest;
#[cfg(test)]
mod tests;
mod write;

use aim::Aim;
use failure::{Found, Unmet};
use places::Places;
use running::{Given, Prevented, Running};

/// Which tests are run, and how.
///
/// ```
/// use tollgate::{Engine, TestOptions};
/// let program = Engine::new().compile_source("x.rules", r#"
///     edition 2026
///     module x
///     fn twice(n: Int in 0 .. 100) -> Int = 2 * n
///     test "a small bug" { forall n: Int in 0 .. 100 expect twice(n) < 150 }
/// "#)?;
/// let options = TestOptions { seed: 7, ..TestOptions::default() };
/// let mut results = Vec::new();
/// program.run_tests_with(&options, &mut |result| results.push(result))?;
/// assert_eq!(results[0].failures[0].given, ["given n: Int in 0 .. 100 = 75"]);
/// # Ok::<(), tollgate::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TestOptions {
    /// Only tests whose title contains this.
    pub filter: Option<String>,
    /// What the values of `forall` are drawn from: the same seed draws the same values, whichever other tests are run.
    pub seed: u64,
    /// How many values of each `forall` must hold.
    pub cases: u32,
}

impl Default for TestOptions {
    /// All tests, with the seed 1 and 256 cases.
    fn default() -> TestOptions {
        TestOptions {
            filter: None,
            seed: 1,
            cases: 256,
        }
    }
}

/// What became of a test, or of one of its rows.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// What it shows.
    pub title: String,
    /// The file it stands in.
    pub file: String,
    /// The line of its title, or of the row, from 1.
    pub line: u32,
    /// Which row it is, from 1.
    pub row: Option<u32>,
    /// For how many values of its `forall` it was tried.
    pub cases: Option<u32>,
    /// What did not hold; empty when it passed.
    pub failures: Vec<TestFailure>,
}

/// An `expect` that did not hold.
#[derive(Clone, Debug)]
pub struct TestFailure {
    /// The file it stands in.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// What was expected, and what was seen.
    pub message: String,
    /// What was expected, as it is written.
    pub expected: String,
    /// What was seen, as JSON, where the expectation looks at something.
    pub found: Option<String>,
    /// The rules that decided, each with its rule set: `route.checkout`.
    pub by: Vec<String>,
    /// The values of `forall` for which it does not hold, as steps of a test.
    pub given: Vec<String>,
    /// What they were drawn from.
    pub seed: Option<u64>,
    picture: Picture,
    sources: Arc<SourceMap>,
}

impl TestFailure {
    /// The failure drawn on the source, with the colours of a terminal or without.
    pub fn draw(&self, colour: bool) -> String {
        Renderer::new(&self.sources, colour).picture(&self.picture)
    }
}

/// The tests of a program before they are compiled.
pub(crate) struct Tests {
    /// Its entries are the functions that the plans name.
    module: Module,
    plans: Vec<TestPlan>,
    level: Level,
    backend: &'static BackendRow,
    /// What aims values at rules, where a test has a `forall`.
    aim: Option<Aim>,
    /// The states of the program.
    plan: Plan,
}

/// The tests of a program, or a question about it, compiled.
pub(crate) struct Compiled {
    pub(crate) module: Module,
    pub(crate) executable: Box<dyn Executable>,
    /// The states of the program; each test has its own, and of one with cases each case.
    pub(crate) plan: Plan,
}

/// What was shown: as JSON, and the rules that decided.
pub(crate) struct Shown {
    pub(crate) json: String,
    pub(crate) by: Vec<String>,
}

/// A rule that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Decided {
    /// Its rule set.
    set: Box<str>,
    /// The stage of a pipeline that asked it.
    stage: Option<Box<str>>,
    rule: Box<str>,
}

impl Tests {
    /// Lowers the tests of a program.
    pub(crate) fn new(program: hir::Program, level: Level, backend: &'static BackendRow) -> Tests {
        let (lowered, plans) = lower_tests(&program);
        let plan = plan(&program);
        let draws = |plan: &TestPlan| matches!(plan.cases, TestCases::Forall { .. });
        let (module, aim) = match plans.iter().any(draws) {
            true => (
                lowered.module.clone(),
                Some(Aim::new(program, lowered, &plans)),
            ),
            false => (lowered.module, None),
        };
        Tests {
            module,
            plans,
            level,
            backend,
            aim,
            plan,
        }
    }

    /// How many results there will be with these options.
    pub(crate) fn count(&self, options: &TestOptions) -> usize {
        let plans = self.plans.iter().filter(|plan| options.wants(plan));
        let results = plans.map(|plan| match &plan.cases {
            TestCases::Rows(rows) => rows.len(),
            TestCases::Once | TestCases::Forall { .. } => 1,
        });
        results.sum()
    }

    /// Runs those that the options want, and hands over the results as they come.
    pub(crate) fn run(
        &self,
        options: &TestOptions,
        sources: &Arc<SourceMap>,
        each: &mut dyn FnMut(TestResult),
    ) -> Result<(), Error> {
        let module = pipeline::optimize(self.module.clone(), self.backend.aim(self.level))?;
        let executable = self.backend.compile(&module, self.level)?;
        let compiled = Compiled {
            module: module.into_module(),
            executable,
            plan: self.plan.clone(),
        };
        self.run_on(&compiled, options, sources, each)
    }

    /// What the program declares as states.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// As [`Tests::run`], on what they were compiled to: a module with the entries of theirs.
    pub(crate) fn run_on(
        &self,
        compiled: &Compiled,
        options: &TestOptions,
        sources: &Arc<SourceMap>,
        each: &mut dyn FnMut(TestResult),
    ) -> Result<(), Error> {
        let places = Places::new(sources.clone());
        for plan in self.plans.iter().filter(|plan| options.wants(plan)) {
            match &plan.cases {
                TestCases::Once => {
                    let unmet = compiled.unmet(plan, &[], None)?;
                    each(failure::result(plan, None, &unmet, &places));
                }
                TestCases::Rows(rows) => {
                    for (index, row) in rows.iter().enumerate() {
                        let arena = Arena::new();
                        let cells: Vec<Word<'_>> =
                            row.cells.iter().map(|c| compiled.cell(c, &arena)).collect();
                        let unmet = compiled.unmet(plan, &cells, row.expect.as_ref())?;
                        let row = Some((index, row.span));
                        each(failure::result(plan, row, &unmet, &places));
                    }
                }
                TestCases::Forall { .. } => {
                    each(property::result(self, compiled, plan, options, &places)?);
                }
            }
        }
        Ok(())
    }
}

impl TestOptions {
    fn wants(&self, plan: &TestPlan) -> bool {
        let filter = self.filter.as_deref();
        filter.is_none_or(|filter| plan.title.contains(filter))
    }
}

impl Compiled {
    /// The expectations of a test that do not hold for these values of its parameters; `last` is one more. An error says that the
    /// states cannot be kept.
    fn unmet<'p>(
        &self,
        plan: &'p TestPlan,
        args: &[Word<'_>],
        last: Option<&'p TestStep>,
    ) -> Result<Vec<Unmet<'p>>, Error> {
        let nothing = self.module.data.values().map(|_| None).collect();
        let mut running = self.begin(nothing)?;
        let mut found = Vec::new();
        for (at, step) in plan.steps.iter().chain(last).enumerate() {
            match step {
                TestStep::Expect { .. } => {
                    found.extend(self.expect((at, step), &mut running, args));
                }
                step => self.step(step, &mut running, args),
            }
        }
        Ok(found)
    }

    fn expect<'p>(
        &self,
        (at, step): (usize, &'p TestStep),
        running: &mut Running<'_>,
        args: &[Word<'_>],
    ) -> Option<Unmet<'p>> {
        let TestStep::Expect {
            condition,
            subject,
            by,
            id,
            time,
            ..
        } = step
        else {
            return None;
        };
        let arena = Arena::new();
        let mut unmet = Unmet {
            step,
            at,
            held: false,
            found: None,
            decided: Vec::new(),
            prevented: None,
        };
        let given = match self.given(running, (*id, *time), &arena, args) {
            Ok(given) => given,
            Err(why) => {
                unmet.prevented = Some(why);
                return Some(unmet);
            }
        };
        let ask = |func: TestFn| self.ask(func, &given);
        let (held, marks) = ask(*condition);
        unmet.held = held.bool();
        unmet.decided = self.decided(&marks);
        let by_held = by.as_ref().is_none_or(|by| {
            let same = by.iter().zip(&unmet.decided).all(|(named, decided)| {
                let is_it =
                    |set: &str| *set == *decided.set || decided.stage.as_deref() == Some(set);
                *named.rule == *decided.rule && named.set.as_deref().is_none_or(is_it)
            });
            same && by.len() == unmet.decided.len()
        });
        if unmet.held && by_held {
            return None;
        }
        unmet.found = subject.as_ref().map(|(subject, _)| {
            // What was asked has been answered; asking again would change it.
            given.asking.again();
            let (word, _) = ask(*subject);
            let ty = self.module.entries[subject.0 as usize].result;
            let (mut json, mut written) = (String::new(), String::new());
            json::encode(&self.module.schema, ty, word, &mut json);
            write::write(&self.module.schema, ty, &Value::of(word), &mut written);
            Found { json, written }
        });
        Some(unmet)
    }

    /// What the plan of a question shows. `given` is the data of the host; an error says what is missing.
    pub(crate) fn show(
        &self,
        plan: &TestPlan,
        given: Vec<Option<Frozen>>,
    ) -> Result<Option<Shown>, String> {
        let mut running = self.begin(given).map_err(|e| e.to_string())?;
        let mut shown = None;
        for step in &plan.steps {
            match step {
                TestStep::Show { value, id, time } => {
                    let arena = Arena::new();
                    let given = self.given(&mut running, (*id, *time), &arena, &[]);
                    let given = given.map_err(|why| match why {
                        Prevented::Data(name) => missing(&name),
                        Prevented::State(name, failure) => {
                            format!("`{name}` cannot be given: {failure}")
                        }
                    })?;
                    let (word, marks) = self.ask(*value, &given);
                    let ty = self.module.entries[value.0 as usize].result;
                    let mut json = String::new();
                    // Writing to a string cannot fail.
                    json::encode(&self.module.schema, ty, word, &mut json);
                    let by = self.decided(&marks).into_iter();
                    let by = by.map(|decided| decided.rule.into_string()).collect();
                    shown = Some(Shown { json, by });
                }
                step => self.step(step, &mut running, &[]),
            }
        }
        Ok(shown)
    }

    /// Calls a function of a step; also the marks that it left.
    fn ask<'a>(&'a self, func: TestFn, given: &Given<'a>) -> (Word<'a>, Vec<Mark>) {
        let mut cx = Cx::new(given.arena, given.id, given.time);
        cx.data = given.data;
        cx.states = Some(given.asking);
        let word = self.call(func, &mut cx, given.args);
        (word, cx.marks)
    }

    fn call<'a>(&'a self, func: TestFn, cx: &mut Cx<'a>, args: &[Word<'a>]) -> Word<'a> {
        match self.module.entries[func.0 as usize].target {
            Target::Func(func) => *self.executable.run(func, cx, args),
            Target::Rules(_) => Word::None,
        }
    }

    fn cell<'a>(&'a self, cell: &TestCell, arena: &'a Arena) -> Word<'a> {
        match cell {
            TestCell::Value(value) => value.word(arena),
            TestCell::Fn(func) => self.call(*func, &mut Cx::new(arena, "", 0), &[]),
        }
    }

    /// The rules that marks name, each with the stage before it.
    fn decided(&self, marks: &[Mark]) -> Vec<Decided> {
        let mut stage = None;
        let mut found = Vec::new();
        for site in marks
            .iter()
            .filter_map(|mark| self.module.sites.get(SiteId(mark.0)))
        {
            let (set, rule) = match site {
                Site::Rule { ruleset, rule } => (ruleset, rule.clone()),
                Site::Otherwise { ruleset } => (ruleset, "otherwise".into()),
                Site::Stage { stage: next, .. } => {
                    stage = Some(next.clone());
                    continue;
                }
                // Tests look through a shadow.
                Site::Shadow { .. } => continue,
            };
            found.push(Decided {
                set: set.clone(),
                stage: stage.clone(),
                rule,
            });
        }
        found
    }
}

/// The words in another arena, which the decision lives in.
fn copied<'a>(words: &[Word<'_>], arena: &'a Arena) -> &'a [Word<'a>] {
    arena.seq_with(words.len(), |i| Value::of(words[i]).word(arena))
}

/// Why nothing can be shown.
fn missing(name: &str) -> String {
    format!("the program expects data `{name}`, which has not been given")
}

fn place(sources: &SourceMap, span: Span) -> (String, u32) {
    let file = sources.file(span.file).name().to_string();
    (file, sources.position(span).line)
}
