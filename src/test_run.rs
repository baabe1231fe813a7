//! Running the `test` blocks of a program.
//!
//! The functions of the tests are compiled as entries of a program of their own, on the same backend at the same level,
//! so that a program that is only run does not carry them.

use std::sync::Arc;

use tollgate_backend_api::Executable;
use tollgate_frontend::lower::{TestFn, TestPlan, TestStep};
use tollgate_grammar::source::{SourceMap, Span};
use tollgate_ir::Legalized;
use tollgate_ir::entities::{DataId, Entity, SiteId, StateId};
use tollgate_ir::module::{Module, Site, Target};
use tollgate_optimizer::Level;
use tollgate_runtime::schema::Type;
use tollgate_runtime::{Arena, Cx, Frozen, Mark, Value, Word, json};

use crate::backends::BackendRow;
use crate::error::Error;
use crate::pipeline;
use crate::states::{Asking, Bound, Plan, States};

/// What became of a test.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// What it shows.
    pub title: String,
    /// The file it stands in.
    pub file: String,
    /// The line of its title, from 1.
    pub line: u32,
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
}

/// The tests of a program before they are compiled.
pub(crate) struct Tests {
    /// Its entries are the functions that the plans name.
    pub(crate) module: Module,
    pub(crate) plans: Vec<TestPlan>,
    pub(crate) level: Level,
    pub(crate) backend: &'static BackendRow,
    /// The states of the program.
    pub(crate) plan: Plan,
}

/// The tests of a program, or a question about it, compiled.
pub(crate) struct Compiled {
    pub(crate) module: Legalized,
    pub(crate) executable: Box<dyn Executable>,
    /// The states of the program; each test has its own.
    pub(crate) plan: Plan,
}

/// What a test has done so far.
struct Running<'c> {
    data: Vec<Option<Frozen>>,
    asking: Asking<'c>,
    /// The time of decisions that have none of their own.
    clock: i64,
    /// What states were given, to be set when time is known: at the next decision.
    given: Vec<(StateId, String, i64)>,
}

/// What was shown: as JSON, and the rules that decided.
pub(crate) struct Shown {
    pub(crate) json: String,
    pub(crate) by: Vec<String>,
}

impl Tests {
    /// Runs those whose title contains `filter`.
    pub(crate) fn run(
        &self,
        filter: Option<&str>,
        sources: &SourceMap,
    ) -> Result<Vec<TestResult>, Error> {
        let module = pipeline::optimize(self.module.clone(), self.backend.aim(self.level))?;
        let executable = pipeline::executable(&module, self.backend, self.level)?;
        let plan = self.plan.clone();
        let compiled = Compiled {
            module,
            executable,
            plan,
        };
        let wanted = |plan: &&TestPlan| filter.is_none_or(|f| plan.title.contains(f));
        let wanted = self.plans.iter().filter(wanted);
        wanted.map(|plan| compiled.test(plan, sources)).collect()
    }
}

impl Compiled {
    /// The beginning of a test: nothing is given, and every state is as if nothing had happened.
    fn begin(&self, data: Vec<Option<Frozen>>) -> Result<Running<'_>, Error> {
        let states = States {
            bound: Arc::new(Bound::new(&self.plan.local(), 0, &[])?),
        };
        Ok(Running {
            data,
            asking: Asking::new(&self.plan, &self.module, &states).in_test(),
            clock: 0,
            given: Vec::new(),
        })
    }

    /// Does what is not a question.
    fn step(&self, step: &TestStep, running: &mut Running<'_>) {
        let arena = Arena::new();
        let value = |func: TestFn| self.call(func, &mut Cx::new(&arena, "", 0));
        match step {
            TestStep::Data(id, func) => {
                let word = value(*func);
                running.data[id.index()] = Some(Frozen::from(&Value::of(word)));
            }
            TestStep::State(id, key, amount) => {
                let key = key.map_or(String::new(), |func| value(func).str().to_owned());
                running.given.push((*id, key, value(*amount).int()));
            }
            TestStep::Advance(by) => running.clock = running.clock.saturating_add(*by),
            TestStep::Expect { .. } | TestStep::Show { .. } => {}
        }
    }

    fn test(&self, plan: &TestPlan, sources: &SourceMap) -> Result<TestResult, Error> {
        let data: Vec<Option<Frozen>> = self.module.data.values().map(|_| None).collect();
        let mut running = self.begin(data)?;
        let mut failures = Vec::new();
        for step in &plan.steps {
            match step {
                TestStep::Expect { .. } => {
                    failures.extend(self.expect(step, &mut running, sources));
                }
                step => self.step(step, &mut running),
            }
        }
        let (file, line) = place(sources, plan.span);
        Ok(TestResult {
            title: plan.title.to_string(),
            file,
            line,
            failures,
        })
    }

    fn expect(
        &self,
        step: &TestStep,
        running: &mut Running<'_>,
        sources: &SourceMap,
    ) -> Option<TestFailure> {
        let TestStep::Expect {
            span,
            condition,
            subject,
            by,
            id,
            time,
        } = step
        else {
            return None;
        };
        let arena = Arena::new();
        let fail = |message: String| {
            let (file, line) = place(sources, *span);
            Some(TestFailure {
                file,
                line,
                message,
            })
        };
        let Running {
            data,
            asking,
            clock,
            given,
        } = running;
        let words = match self.data(data, &arena) {
            Ok(words) => words,
            Err(name) => {
                return fail(format!(
                    "the program expects data `{name}`: write `given {name} = …`"
                ));
            }
        };
        let (name, at) = self.inputs(*id, *time, &arena, words, *clock);
        for (state, key, amount) in given.drain(..) {
            if let Err(failure) = asking.set(state, &key, at, amount) {
                let state = &self.module.states[state].name;
                return fail(format!("`{state}` cannot be given: {failure}"));
            }
        }
        asking.begin();
        let ask = |func: TestFn| self.ask(func, (name, at), &arena, words, &*asking);
        let (held, marks) = ask(*condition);
        let decided: Vec<&str> = marks.iter().filter_map(|m| self.rule(m.0)).collect();
        let by_held = by
            .as_ref()
            .is_none_or(|by| by.iter().map(|name| &**name).eq(decided.iter().copied()));
        if held.bool() && by_held {
            return None;
        }
        let mut message = String::from(if held.bool() {
            "decided by another rule"
        } else {
            "did not hold"
        });
        if let Some(subject) = subject {
            message.push_str(": it was ");
            // What was asked has been answered; asking again would change it.
            asking.again();
            let (word, _) = ask(*subject);
            let ty = self.module.entries[subject.0 as usize].result;
            // Writing to a string cannot fail.
            json::encode(&self.module.schema, ty, word, &mut message);
        }
        if by.is_some() {
            let names = if decided.is_empty() {
                "no rule".into()
            } else {
                decided.join(", ")
            };
            message.push_str(&format!(" by {names}"));
        }
        fail(message)
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
                    let asking = &running.asking;
                    let words = self.data(&running.data, &arena);
                    let words = words.map_err(missing)?;
                    let inputs = self.inputs(*id, *time, &arena, words, running.clock);
                    asking.begin();
                    let (word, marks) = self.ask(*value, inputs, &arena, words, asking);
                    let ty = self.module.entries[value.0 as usize].result;
                    let mut json = String::new();
                    // Writing to a string cannot fail.
                    json::encode(&self.module.schema, ty, word, &mut json);
                    let by = marks.iter().filter_map(|m| self.rule(m.0));
                    let by = by.map(str::to_owned).collect();
                    shown = Some(Shown { json, by });
                }
                step => self.step(step, &mut running),
            }
        }
        Ok(shown)
    }

    /// The words of all data: what was given, or nothing where the type has a value for that. An error names what is missing.
    fn data<'s: 'a, 'a>(
        &'s self,
        given: &'a [Option<Frozen>],
        arena: &'a Arena,
    ) -> Result<&'a [Word<'a>], &'s str> {
        let words = arena.slots(given.len());
        for (i, word) in words.iter_mut().enumerate() {
            *word = match (&given[i], self.empty(DataId::new(i))) {
                (Some(frozen), _) => frozen.word(),
                (None, Some(empty)) => empty,
                (None, None) => return Err(&self.module.data[DataId::new(i)].name),
            };
        }
        Ok(words)
    }

    /// The id and time of the decision that a step asks for; the clock's time where it has none.
    fn inputs<'a>(
        &'a self,
        id: Option<TestFn>,
        time: Option<TestFn>,
        arena: &'a Arena,
        data: &'a [Word<'a>],
        clock: i64,
    ) -> (&'a str, i64) {
        let begin = || {
            let mut cx = Cx::new(arena, "", 0);
            cx.data = data;
            cx
        };
        let id = id.map_or("", |func| self.call(func, &mut begin()).str());
        let time = time.map_or(0, |func| self.call(func, &mut begin()).int());
        (id, if time == 0 { clock } else { time })
    }

    /// Calls a function of a step; also the marks that it left.
    fn ask<'a>(
        &'a self,
        func: TestFn,
        (id, time): (&'a str, i64),
        arena: &'a Arena,
        data: &'a [Word<'a>],
        asking: &'a Asking<'a>,
    ) -> (Word<'a>, Vec<Mark>) {
        let mut cx = Cx::new(arena, id, time);
        cx.data = data;
        cx.states = Some(asking);
        let word = self.call(func, &mut cx);
        (word, cx.marks)
    }

    fn call<'a>(&'a self, func: TestFn, cx: &mut Cx<'a>) -> Word<'a> {
        match self.module.entries[func.0 as usize].target {
            Target::Func(func) => self.executable.run(func, cx, &[]),
            Target::Rules(_) => Word::None,
        }
    }

    /// The rule a mark names; stages are no rules.
    fn rule(&self, mark: u32) -> Option<&str> {
        match self.module.sites.get(SiteId(mark))? {
            Site::Rule { rule, .. } => Some(rule),
            Site::Otherwise { .. } => Some("otherwise"),
            Site::Stage { .. } | Site::Shadow { .. } => None,
        }
    }

    /// What data that a test does not give is: nothing, where the type has a value for that.
    fn empty(&self, data: DataId) -> Option<Word<'static>> {
        match self.module.schema.get(self.module.data[data].schema?) {
            Type::List { .. } | Type::Set { .. } | Type::Map { .. } | Type::Values { .. } => {
                Some(Word::Seq(&[]))
            }
            Type::Opt(_) => Some(Word::None),
            _ => None,
        }
    }
}

/// Why nothing can be shown.
fn missing(name: &str) -> String {
    format!("the program expects data `{name}`, which has not been given")
}

fn place(sources: &SourceMap, span: Span) -> (String, u32) {
    let file = sources.file(span.file).name().to_string();
    (file, sources.position(span).line)
}
