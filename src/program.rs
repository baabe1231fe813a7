//! A compiled program and its decisions.

use std::sync::Arc;

use tollgate_backend_api::Executable;
use tollgate_ir::Legalized;
use tollgate_ir::cost::Costs;
use tollgate_ir::module::{Policy, Site, Target};
use tollgate_runtime::facts::Input;
use tollgate_runtime::schema::{Field, Type, TypeId};
use tollgate_runtime::{Arena, Cx, Frozen, Mark, Word, facts, json};

use crate::error::Error;
use crate::report::Report;
use crate::test_run::{TestResult, Tests};

/// A compiled program. Cheap to clone; shared between threads as it is.
///
/// ```
/// use tollgate::{Call, Engine};
/// let program = Engine::new().compile_source("x.rules", r#"
///     edition 2026
///     module x
///     ruleset size(n: Int) -> String hit first {
///       rule small when n < 10 then "small"
///       otherwise "large"
///     }
/// "#)?;
/// let mut session = program.session();
/// let decision = session.decide_json("size", b"12", &Call { id: "1", time: 0 })?;
/// assert_eq!(decision.value_json(), "\"large\"");
/// assert_eq!(decision.by().collect::<Vec<_>>(), ["otherwise"]);
/// # Ok::<(), tollgate::Error>(())
/// ```
#[derive(Clone)]
pub struct Program {
    pub(crate) shared: Arc<Shared>,
    /// By the program's order of `data`.
    data: Vec<Option<Arc<Frozen>>>,
}

/// What all clones of a program share.
pub(crate) struct Shared {
    module: Legalized,
    executable: Box<dyn Executable>,
    entries: Vec<EntryInfo>,
    tests: Option<Tests>,
    report: Report,
}

/// What is known of an entry besides its function.
pub(crate) struct EntryInfo {
    name: Box<str>,
    target: Target,
    params: Vec<Field>,
    result: TypeId,
    shape: Shape,
    /// Fields of the first parameter that are the decision's id and time.
    id: Option<usize>,
    time: Option<usize>,
}

/// How many rules can decide.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One.
    One,
    /// Any number: `all` and `sum`.
    Many,
    /// A pipeline: those of its last stage.
    Stages,
}

/// The inputs of a decision that are not facts. They are used where the entry's first parameter is no record with a field `id: String` or
/// `time: Instant` of its own.
#[derive(Clone, Copy, Debug)]
pub struct Call<'c> {
    /// The decision's id: what `jitter` is a function of.
    pub id: &'c str,
    /// The decision's time, in microseconds since 1970-01-01T00:00Z.
    pub time: i64,
}

/// Decides, again and again, in the same memory. One for each thread; making one is cheap.
///
/// Once its memory has grown to what a decision needs, deciding allocates nothing.
pub struct Session<'p> {
    program: &'p Program,
    arena: Arena,
    marks: Vec<Mark>,
}

/// What was decided, and by which rules.
pub struct Decision<'s> {
    program: &'s Program,
    entry: &'s EntryInfo,
    value: Word<'s>,
    marks: &'s [Mark],
    steps: u64,
    ignored: u64,
}

impl Shared {
    /// Entries are those of the module before rule sets were lowered, in the same order.
    pub(crate) fn new(
        module: Legalized,
        executable: Box<dyn Executable>,
        mut entries: Vec<EntryInfo>,
        tests: Option<Tests>,
        report: Report,
    ) -> Shared {
        for (info, entry) in entries.iter_mut().zip(&module.entries) {
            info.target = entry.target;
        }
        Shared {
            module,
            executable,
            entries,
            tests,
            report,
        }
    }
}

impl Program {
    pub(crate) fn new(shared: Shared) -> Program {
        let data = vec![None; shared.module.data.len()];
        Program {
            shared: Arc::new(shared),
            data,
        }
    }

    /// The names of what can be called, in the order of the source.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.shared.entries.iter().map(|e| &*e.name)
    }

    /// The names of the `data` that the program expects.
    pub fn data_names(&self) -> impl Iterator<Item = &str> {
        self.shared.module.data.values().map(|d| &*d.name)
    }

    /// The names of the `data` that have not been given; deciding is refused while there are some.
    pub fn missing_data(&self) -> impl Iterator<Item = &str> {
        let given = self.data.iter();
        self.data_names()
            .zip(given)
            .filter_map(|(name, data)| data.is_none().then_some(name))
    }

    /// The program with a `data` given, as JSON. Decisions of sessions made before go on with what was there.
    ///
    /// # Errors
    /// When the program has no such data, or the JSON violates its type.
    pub fn with_data(mut self, name: &str, json: &[u8]) -> Result<Program, Error> {
        let module = &self.shared.module;
        let Some((id, data)) = module.data.iter().find(|(_, d)| &*d.name == name) else {
            let names: Vec<&str> = self.data_names().collect();
            let known = if names.is_empty() {
                "it expects none".into()
            } else {
                format!("it expects {}", names.join(", "))
            };
            return Err(Error::other(format!(
                "the program has no data `{name}`; {known}"
            )));
        };
        let Some(ty) = data.schema else {
            return Err(Error::other(format!("data `{name}` has no schema")));
        };
        let frozen =
            Frozen::try_new(|arena| json::decode(&module.schema, ty, json, arena).map(|d| d.word));
        self.data[id.0 as usize] = Some(Arc::new(frozen.map_err(Error::refused)?));
        Ok(self)
    }

    /// What the compiler said: warnings and notes.
    pub fn report(&self) -> &Report {
        &self.shared.report
    }

    /// Runs the `test` blocks of the main file whose title contains `filter`.
    ///
    /// # Errors
    /// When the tests cannot be compiled for want of resources.
    pub fn run_tests(&self, filter: Option<&str>) -> Result<Vec<TestResult>, Error> {
        self.shared.tests.as_ref().map_or(Ok(Vec::new()), |tests| {
            tests.run(filter, self.shared.report.sources())
        })
    }

    /// The most steps that a decision can take, whatever the input; `None` for a name that is no entry.
    pub fn bound(&self, entry: &str) -> Option<u64> {
        let Target::Func(func) = self.entry(entry).ok()?.target else {
            return None;
        };
        Some(Costs::new(&self.shared.module).func(func))
    }

    /// What the backend made, for people.
    pub fn listing(&self) -> String {
        self.shared.executable.listing()
    }

    /// A session.
    pub fn session(&self) -> Session<'_> {
        Session {
            program: self,
            arena: Arena::new(),
            marks: Vec::new(),
        }
    }

    fn entry(&self, name: &str) -> Result<&EntryInfo, Error> {
        let found = self.shared.entries.iter().find(|e| &*e.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.entries().collect();
            Error::other(format!(
                "the program has no entry `{name}`; it has {}",
                names.join(", ")
            ))
        })
    }

    /// The words of all data, in order; an error names what was not given.
    fn data<'a>(&'a self, arena: &'a Arena) -> Result<&'a [Word<'a>], Error> {
        if let Some(name) = self.missing_data().next() {
            return Err(Error::other(format!(
                "the program expects data `{name}`; give it before deciding"
            )));
        }
        Ok(arena.seq_with(self.data.len(), |i| {
            self.data[i].as_deref().map_or(Word::None, Frozen::word)
        }))
    }
}

impl Session<'_> {
    /// Decides about facts in JSON: the entry's parameter, or an object of its parameters when it has several.
    ///
    /// # Errors
    /// When there is no such entry, data is missing, or the facts violate the schema ([`Error::refusal`]).
    pub fn decide_json<'s>(
        &'s mut self,
        entry: &str,
        json: &[u8],
        call: &Call<'_>,
    ) -> Result<Decision<'s>, Error> {
        self.arena.reset();
        let (program, arena) = (self.program, &self.arena);
        let entry = program.entry(entry)?;
        let schema = &program.shared.module.schema;
        let (args, ignored) = match &entry.params[..] {
            [only] => {
                let decoded = json::decode(schema, only.ty, json, arena).map_err(Error::refused)?;
                (arena.seq(&[decoded.word]), decoded.ignored)
            }
            several => {
                let decoded =
                    json::decode_params(schema, several, json, arena).map_err(Error::refused)?;
                (decoded.words, decoded.ignored)
            }
        };
        run(program, entry, arena, &mut self.marks, args, ignored, call)
    }

    /// Decides about facts laid down by the host, one a parameter, without JSON.
    ///
    /// # Errors
    /// As [`Session::decide_json`].
    ///
    /// ```
    /// use tollgate::{Call, Engine, Input};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     edition 2026
    ///     module x
    ///     record Load { cpu: Percent, host: Host }
    ///     ruleset busy(load: Load) -> Bool hit first {
    ///       rule hot when load.cpu > 80% then true
    ///       otherwise false
    ///     }
    /// "#)?;
    /// let mut session = program.session();
    /// let load = [("cpu", Input::Str("85%")), ("host", Input::Str("a.example"))];
    /// let decision = session.decide("busy", &[Input::Map(&load)], &Call { id: "1", time: 0 })?;
    /// assert_eq!(decision.to_json(), r#"{"value":true,"by":"hot"}"#);
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn decide<'s>(
        &'s mut self,
        entry: &str,
        facts: &[Input<'_>],
        call: &Call<'_>,
    ) -> Result<Decision<'s>, Error> {
        self.arena.reset();
        let (program, arena) = (self.program, &self.arena);
        let entry = program.entry(entry)?;
        if facts.len() != entry.params.len() {
            let names: Vec<&str> = entry.params.iter().map(|p| &*p.name).collect();
            return Err(Error::other(format!(
                "`{}` takes {}: {}",
                entry.name,
                names.len(),
                names.join(", ")
            )));
        }
        let schema = &program.shared.module.schema;
        let args = arena.slots(facts.len());
        let mut ignored = 0;
        for ((arg, param), input) in args.iter_mut().zip(&entry.params).zip(facts) {
            let decoded = facts::value(schema, param.ty, *input, arena).map_err(Error::refused)?;
            *arg = decoded.word;
            ignored += decoded.ignored;
        }
        run(program, entry, arena, &mut self.marks, args, ignored, call)
    }
}

fn run<'s>(
    program: &'s Program,
    entry: &'s EntryInfo,
    arena: &'s Arena,
    marks: &'s mut Vec<Mark>,
    args: &'s [Word<'s>],
    ignored: u64,
    call: &Call<'_>,
) -> Result<Decision<'s>, Error> {
    let Target::Func(func) = entry.target else {
        return Err(Error::other(format!(
            "`{}` was not lowered; this is a bug in tollgate",
            entry.name
        )));
    };
    let own = |field: Option<usize>| field.map(|i| args[0].at(i));
    let id = own(entry.id).map(Word::str).filter(|id| !id.is_empty());
    let time = own(entry.time).map(Word::int).filter(|time| *time != 0);
    let mut cx = Cx::new(
        arena,
        id.unwrap_or_else(|| arena.str(call.id)),
        time.unwrap_or(call.time),
    );
    cx.data = program.data(arena)?;
    cx.marks = std::mem::take(marks);
    cx.marks.clear();
    let value = program.shared.executable.run(func, &mut cx, args);
    let steps = cx.steps;
    *marks = cx.marks;
    Ok(Decision {
        program,
        entry,
        value,
        marks,
        steps,
        ignored,
    })
}

impl Decision<'_> {
    /// The value as JSON.
    pub fn value_json(&self) -> String {
        let mut out = String::new();
        self.write_value(&mut out);
        out
    }

    /// The names of the deciding rules, in the order of the source; `otherwise` where none matched. For a pipeline they are
    /// those of the last stage that ran, as `stage.rule`, or its name alone where no rule set decided it.
    pub fn by(&self) -> impl Iterator<Item = String> {
        let sites = &self.program.shared.module.sites;
        let site = |mark: &Mark| sites.get(tollgate_ir::entities::SiteId(mark.0));
        let last = self
            .marks
            .iter()
            .rposition(|m| matches!(site(m), Some(Site::Stage { .. })));
        let (stage, rules) = match (self.entry.shape, last) {
            (Shape::Stages, Some(at)) => (site(&self.marks[at]), &self.marks[at + 1..]),
            _ => (None, self.marks),
        };
        let prefix = match stage {
            Some(Site::Stage { stage, .. }) => Some(stage.to_string()),
            _ => None,
        };
        let alone = prefix.clone().filter(|_| rules.is_empty());
        let name = move |rule: &str| {
            prefix
                .as_ref()
                .map_or(rule.to_owned(), |stage| format!("{stage}.{rule}"))
        };
        let rules = rules
            .iter()
            .filter_map(site)
            .filter_map(move |site| match site {
                Site::Rule { rule, .. } => Some(name(rule)),
                Site::Otherwise { .. } => Some(name("otherwise")),
                Site::Stage { .. } => None,
            });
        alone.into_iter().chain(rules)
    }

    /// `{"value":…,"by":"rule"}`; `by` is a list under `all` and `sum`.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    /// As [`Decision::to_json`], appended.
    pub fn write_json(&self, out: &mut String) {
        out.push_str("{\"value\":");
        self.write_value(out);
        out.push_str(",\"by\":");
        let many = self.entry.shape == Shape::Many;
        if many {
            out.push('[');
        }
        for (i, name) in self.by().enumerate() {
            if i > 0 {
                out.push(',');
            }
            let _ = json::write_text(out, &name);
        }
        out.push_str(if many { "]}" } else { "}" });
    }

    /// Steps taken, where the backend counts them.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// How many keys of the facts no field has the name of.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    fn write_value(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = json::encode(
            &self.program.shared.module.schema,
            self.entry.result,
            self.value,
            out,
        );
    }
}

impl EntryInfo {
    /// What the module knows of its entries, before rule sets are lowered.
    pub(crate) fn all(module: &tollgate_ir::module::Module) -> Vec<EntryInfo> {
        let info = |entry: &tollgate_ir::module::Entry| {
            let field = |(name, ty): &(Box<str>, TypeId)| Field {
                name: (**name).into(),
                ty: *ty,
                default: None,
            };
            let params: Vec<Field> = entry.params.iter().map(field).collect();
            let shape = match entry.target {
                Target::Rules(rules) => match module.rulesets[rules].policy {
                    Policy::All | Policy::Sum => Shape::Many,
                    _ => Shape::One,
                },
                Target::Func(_) => Shape::Stages,
            };
            let first = params.first().and_then(|p| match module.schema.get(p.ty) {
                Type::Record(record) => module.schema.records.get(*record as usize),
                _ => None,
            });
            let input = |name: &str, wanted: fn(&Type) -> bool| {
                first?
                    .fields
                    .iter()
                    .position(|f| &*f.name == name && wanted(module.schema.get(f.ty)))
            };
            EntryInfo {
                name: entry.name.clone(),
                target: entry.target,
                id: input("id", |ty| matches!(ty, Type::Str { .. })),
                time: input("time", |ty| matches!(ty, Type::Instant)),
                params,
                result: entry.result,
                shape,
            }
        };
        module.entries.iter().map(info).collect()
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("entries", &self.entries().collect::<Vec<_>>())
            .finish()
    }
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("program", self.program)
            .finish()
    }
}

impl std::fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_json())
    }
}
