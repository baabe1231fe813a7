//! A program that was linked into this process, and the sessions that decide by it.

use std::ffi::c_void;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tollgate_ask::Record;
use tollgate_backend_api::Executable;
use tollgate_ir::Legalized;
use tollgate_ir::entities::{FuncId, IndexVec, SiteId};
use tollgate_ir::module::{Site, Target};
use tollgate_ir::trace::{Decider, Shape, deciders, shadows};
use tollgate_native_abi::Compiled;
use tollgate_native_abi::object::{Image, Linked};
use tollgate_runtime::schema::{Field, Schema, TypeId};
use tollgate_runtime::{Arena, Cx, Frozen, Mark, Native, Word, facts, json};

use crate::contents::Contents;
use crate::kept::{self, Kept};
use crate::layout::Layouts;
use crate::read::{Reader, Span};
use crate::write::{Writer, span_of};

/// Why something was not done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The facts violate the schema: the input's mistake.
    Refused(String),
    /// The library was asked for what there is not: the host's mistake.
    Misused(String),
}

/// A program, and the states that its rules declare. Shared by threads; data that it is given later, sessions that are there do not see.
pub struct Program {
    schema: Schema,
    layouts: Layouts,
    /// What marks mean.
    sites: IndexVec<SiteId, Site>,
    /// Whether a rule set is in shadow mode.
    shadows: bool,
    entries: Vec<Entry>,
    code: Compiled<Linked>,
    /// Names and types of the data, in the order of the module.
    expected: Vec<(Box<str>, Option<TypeId>)>,
    /// What was given of it.
    data: Mutex<Vec<Option<Arc<Frozen>>>>,
    /// Its states, where it declares some.
    kept: Option<Kept>,
}

/// What can be called.
struct Entry {
    name: Box<str>,
    func: FuncId,
    params: Vec<Field>,
    result: TypeId,
    shape: Shape,
    /// Fields of the first parameter that are the decision's id and time.
    id: Option<usize>,
    time: Option<usize>,
}

/// Decides, again and again, in the same memory. For one thread at a time.
pub struct Session {
    program: Arc<Program>,
    /// What the program had been given when the session began.
    data: Vec<Option<Arc<Frozen>>>,
    arena: Arena,
    marks: Vec<Mark>,
    /// What the last decision asked of states.
    asked: Record,
    /// Who decided last, as C has it.
    by: Vec<Span>,
    /// The last decision as JSON.
    json: String,
    id: String,
    time: i64,
}

/// Where facts come from.
#[derive(Clone, Copy)]
enum Given<'g> {
    /// A pointer for each parameter.
    Laid(*const *const c_void),
    /// The parameter, or an object of the parameters where there are several.
    Json(&'g [u8]),
}

/// Where the value goes.
#[derive(Clone, Copy)]
enum Wanted {
    /// There is room for it.
    Laid(*mut c_void),
    /// Into the session, with those who decided.
    Json,
}

impl Program {
    /// Makes the program of an image. Linear in its text; patterns and indexes are made here. Its states hold nothing, or, of those that a program `before`
    /// declares alike, what they hold there: both go on with the same ones.
    ///
    /// # Errors
    /// When the image was made for another version of this library or of other rules than `schema_hash` says, is damaged, or keeps something that
    /// [`keeps_here`](kept::keeps_here) refuses.
    ///
    /// # Safety
    /// The image is that of an object file of ours, linked into this process for good.
    pub unsafe fn load(
        image: &Image,
        schema_hash: u64,
        natives: &[&'static Native],
        before: Option<&Program>,
    ) -> Result<Program, Failure> {
        let misused = |e: tollgate_backend_api::CompileError| Failure::Misused(e.to_string());
        // SAFETY: the caller's.
        let contents = unsafe { image.contents().map_err(misused)? };
        let damaged =
            |why: &str| Failure::Misused(format!("the rules of the image are damaged: {why}"));
        let (states, contents) = kept::part(contents).ok_or_else(|| damaged("they end early"))?;
        let contents = Contents::read(contents).map_err(Failure::Misused)?;
        if contents.schema_hash() != schema_hash {
            return Err(Failure::Misused(format!(
                "the rules `{}` and the header that the program was compiled with are of different versions: compile it again with the header \
                 that was made with the rules",
                contents.name
            )));
        }
        let module = contents.module(natives).map_err(Failure::Misused)?;
        let plan = kept::plan(states, &module).map_err(|why| damaged(&why))?;
        kept::keeps_here(&plan).map_err(Failure::Misused)?;
        let before = before.and_then(|program| program.kept.as_ref());
        let kept = Kept::new(plan, &module, before).map_err(Failure::Misused)?;
        // SAFETY: the caller's; and the module is the one that stands in the same object as the code.
        let code = unsafe { image.program(&module).map_err(misused)? };
        let entries = entries(&contents, &module).map_err(Failure::Misused)?;
        // What the code and its tables were made from is not needed any more.
        let expected = module.data.values().map(|d| (d.name.clone(), d.schema));
        Ok(Program {
            layouts: Layouts::new(&contents.schema),
            shadows: module
                .sites
                .values()
                .any(|site| matches!(site, Site::Shadow { .. })),
            sites: module.sites.values().cloned().collect(),
            expected: expected.collect(),
            data: Mutex::new(vec![None; module.data.len()]),
            entries,
            code,
            schema: contents.schema,
            kept,
        })
    }

    /// Gives back the slots (`enter()`) that a decision took, by its id. Without it they are free when their lease ends.
    pub fn finish(&self, decision: &str) {
        if let Some(kept) = &self.kept {
            kept.finish(decision);
        }
    }

    /// Gives the program a `data`, as JSON. Sessions that began before go on with what was there.
    ///
    /// # Errors
    /// When there is no such data, or the JSON violates its type.
    pub fn give_data(&self, name: &str, json: &[u8]) -> Result<(), Failure> {
        let found = self.expected.iter().position(|(known, _)| **known == *name);
        let Some(at) = found else {
            let names: Vec<&str> = self.expected.iter().map(|(name, _)| &**name).collect();
            let known = match &names[..] {
                [] => "it expects none".to_owned(),
                names => format!("it expects {}", names.join(", ")),
            };
            return Err(Failure::Misused(format!(
                "the rules have no data `{name}`; {known}"
            )));
        };
        let (schema, Some(ty)) = (&self.schema, self.expected[at].1) else {
            return Err(Failure::Misused(format!("data `{name}` has no schema")));
        };
        let frozen = Frozen::try_new(|arena| json::decode(schema, ty, json, arena).map(|d| d.word));
        let frozen = frozen.map_err(|e| Failure::Refused(e.to_string()))?;
        let mut all = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        all[at] = Some(Arc::new(frozen));
        Ok(())
    }

    fn entry(&self, index: u32) -> Result<&Entry, Failure> {
        self.entries.get(index as usize).ok_or_else(|| {
            let most = self.entries.len();
            Failure::Misused(format!(
                "the rules have {most} entries, and none of number {index}"
            ))
        })
    }
}

impl Session {
    /// A session of a program, with the data that it has now.
    pub fn new(program: Arc<Program>) -> Session {
        let data = program
            .data
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Session {
            data,
            program,
            arena: Arena::new(),
            marks: Vec::new(),
            asked: Record::default(),
            by: Vec::new(),
            json: String::new(),
            id: String::new(),
            time: 0,
        }
    }

    /// The id and the time (microseconds since 1970) of the decisions that follow. They are used where the first parameter has no
    /// field `id: String` or `time: Instant` of its own.
    pub fn call(&mut self, id: &str, time: i64) {
        self.id.clear();
        self.id.push_str(id);
        self.time = time;
    }

    /// Decides about facts that C laid down, one a parameter, and lays the value down. What the value points at is good until the session
    /// decides again or ends. Once its memory has grown, a session allocates nothing
    /// but for refusals, and keys of maps that count units.
    ///
    /// # Errors
    /// When there is no such entry, data is missing, or the facts violate the schema.
    ///
    /// # Safety
    /// `facts` has a pointer for each parameter of the entry, to a value of the parameter's type, as the header says; `value` has room for one of
    /// the result's type.
    pub unsafe fn decide(
        &mut self,
        entry: u32,
        facts: *const *const c_void,
        value: *mut c_void,
    ) -> Result<(), Failure> {
        // SAFETY: the caller's.
        unsafe { self.run(entry, Given::Laid(facts), Wanted::Laid(value)) }
    }

    /// Decides about facts in JSON: the entry's parameter, or an object of its parameters when it has several. Gives
    /// `{"value":…,"by":"rule"}`, good until the session decides again or ends; with `"shadow":[…]` where rules decided in shadow mode.
    ///
    /// # Errors
    /// As [`Session::decide`].
    pub fn decide_json(&mut self, entry: u32, facts: &[u8]) -> Result<&str, Failure> {
        // SAFETY: nothing is laid down, and there is no room to write to.
        unsafe { self.run(entry, Given::Json(facts), Wanted::Json)? };
        Ok(&self.json)
    }

    /// A state that the last decision could not ask, so that its `on_failure` answered, by its number from 0: its name, and why. Good until the
    /// session decides again or ends.
    pub fn failure(&self, number: usize) -> Option<(Span, Span)> {
        let (state, reason) = self.program.kept.as_ref()?.failure(&self.asked, number)?;
        let reason = self.arena.concat(&[&reason]);
        Some((span_of(state.as_bytes()), span_of(reason.as_bytes())))
    }

    /// Who decided last, in the order of the source, a text each; `otherwise` where no rule matched. Good until the session decides again or
    /// ends.
    pub fn by(&self) -> &[Span] {
        &self.by
    }

    /// # Safety
    /// What is laid down is what [`Session::decide`] says.
    unsafe fn run(&mut self, entry: u32, given: Given<'_>, wanted: Wanted) -> Result<(), Failure> {
        self.by.clear();
        self.arena.reset();
        let (program, arena) = (&*self.program, &self.arena);
        let memory = std::mem::take(&mut self.asked);
        let asking = program.kept.as_ref().map(|kept| kept.asking(memory));
        let entry = program.entry(entry)?;
        // SAFETY: the caller's.
        let args = unsafe { args(program, entry, given, arena)? };
        let own = |field: Option<usize>| field.map(|i| args[0].at(i));
        let id = own(entry.id).map(Word::str).filter(|id| !id.is_empty());
        let time = own(entry.time).map(Word::int).filter(|time| *time != 0);
        let mut cx = Cx::new(arena, id.unwrap_or(&self.id), time.unwrap_or(self.time));
        cx.data = data(program, &self.data, arena)?;
        cx.marks = std::mem::take(&mut self.marks);
        cx.marks.clear();
        cx.states = asking.as_ref().map(|asking| asking as _);
        if let Some(asking) = &asking {
            asking.begin();
        }
        let word = loop {
            let word = *program.code.run(entry.func, &mut cx, args);
            match &asking {
                // What had to be waited for is known now.
                Some(asking) if asking.perform(cx.id, cx.time) => {
                    asking.again();
                    cx.marks.clear();
                }
                _ => break word,
            }
        };
        self.marks = cx.marks;
        let names = || deciders(&program.sites, &self.marks, entry.shape);
        self.by
            .extend(names().map(|name| span_of(arena.concat(&name.parts()).as_bytes())));
        let schema = &program.schema;
        match wanted {
            Wanted::Laid(value) => {
                let layouts = &program.layouts;
                let writer = Writer {
                    schema,
                    layouts,
                    arena,
                };
                // SAFETY: the caller's: there is room for the value.
                unsafe { writer.value(entry.result, word, value.cast()) };
            }
            Wanted::Json => {
                let out = &mut self.json;
                out.clear();
                out.push_str("{\"value\":");
                json::encode(schema, entry.result, word, out);
                let many = entry.shape == Shape::Many;
                out.push_str(if many { ",\"by\":[" } else { ",\"by\":" });
                write_names(out, names());
                if many {
                    out.push(']');
                }
                // Rules in shadow mode, whose outcomes do not count.
                let shadow = match program.shadows {
                    true => shadows(&program.sites, &self.marks),
                    false => Vec::new(),
                };
                if !shadow.is_empty() {
                    out.push_str(",\"shadow\":[");
                    write_names(out, shadow.into_iter());
                    out.push(']');
                }
                out.push('}');
            }
        }
        if let Some(asking) = asking {
            self.asked = asking.into_record();
        }
        Ok(())
    }
}

/// Names of rules as JSON, with commas between.
fn write_names<'d>(out: &mut String, names: impl Iterator<Item = Decider<'d>>) {
    for (i, name) in names.enumerate() {
        out.push_str(if i > 0 { ",\"" } else { "\"" });
        for part in name.parts() {
            json::write_part(out, part);
        }
        out.push('"');
    }
}

/// Lets facts in, one word a parameter.
///
/// # Safety
/// What is laid down is what [`Session::decide`] says.
unsafe fn args<'a>(
    program: &'a Program,
    entry: &'a Entry,
    given: Given<'_>,
    arena: &'a Arena,
) -> Result<&'a [Word<'a>], Failure> {
    let (schema, layouts) = (&program.schema, &program.layouts);
    let refused = |e: tollgate_runtime::json::Refusal| Failure::Refused(e.to_string());
    match (given, &entry.params[..]) {
        (Given::Json(facts), [only]) => {
            let decoded = json::decode(schema, only.ty, facts, arena).map_err(refused)?;
            Ok(arena.seq(&[decoded.word]))
        }
        (Given::Json(facts), several) => {
            let decoded = json::decode_params(schema, several, facts, arena).map_err(refused)?;
            Ok(decoded.words)
        }
        (Given::Laid(facts), params) => {
            let reader = Reader {
                schema,
                layouts,
                arena,
            };
            let args = arena.slots(params.len());
            let missing = |name: &str| {
                Failure::Misused(format!(
                    "there are no facts for `{name}`: the pointer is null"
                ))
            };
            for (i, param) in params.iter().enumerate() {
                let named =
                    |why: &dyn fmt::Display| Failure::Refused(format!("{}: {why}", param.name));
                if facts.is_null() {
                    return Err(missing(&param.name));
                }
                // SAFETY: the caller's: there is a pointer for each parameter.
                let at: *const u8 = unsafe { facts.add(i).read().cast() };
                if at.is_null() {
                    return Err(missing(&param.name));
                }
                // SAFETY: the caller's: a value of the parameter's type stands there.
                let input = unsafe { reader.value(param.ty, at) };
                let input = input.map_err(|why| named(&why))?;
                let decoded = facts::value(schema, param.ty, input, arena);
                args[i] = decoded.map_err(|why| named(&why))?.word;
            }
            Ok(args)
        }
    }
}

/// The words of all data, in order.
fn data<'a>(
    program: &'a Program,
    given: &'a [Option<Arc<Frozen>>],
    arena: &'a Arena,
) -> Result<&'a [Word<'a>], Failure> {
    if let Some(missing) = given.iter().position(Option::is_none) {
        let name = &program.expected[missing].0;
        return Err(Failure::Misused(format!(
            "the rules expect data `{name}`; give it before the session begins"
        )));
    }
    let word = |i: usize| given[i].as_deref().map_or(Word::None, Frozen::word);
    Ok(arena.seq_with(given.len(), word))
}

fn entries(contents: &Contents, module: &Legalized) -> Result<Vec<Entry>, String> {
    let entry = |(entry, from): (&tollgate_ir::module::Entry, &crate::contents::EntryContents)| {
        let Target::Func(func) = entry.target else {
            return Err(format!(
                "the program is damaged: `{}` was not lowered",
                entry.name
            ));
        };
        let param = |(name, ty): &(Box<str>, TypeId)| Field {
            name: (**name).into(),
            ty: *ty,
            default: None,
        };
        let params: Vec<Field> = entry.params.iter().map(param).collect();
        let (id, time) = module.schema.decision_inputs(&params);
        Ok(Entry {
            name: entry.name.clone(),
            func,
            result: entry.result,
            shape: from.shape,
            params,
            id,
            time,
        })
    };
    module
        .entries
        .iter()
        .zip(&contents.entries)
        .map(entry)
        .collect()
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.entries.iter().map(|e| &*e.name).collect();
        f.debug_struct("Program").field("entries", &names).finish()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("program", &self.program)
            .finish()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(why) | Failure::Misused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}
