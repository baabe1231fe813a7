//! A program that was linked into this process, and the sessions that decide by it.

use std::ffi::c_void;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tollgate_backend_api::Executable;
use tollgate_ir::Legalized;
use tollgate_ir::entities::{FuncId, IndexVec, SiteId};
use tollgate_ir::module::{Site, Target};
use tollgate_ir::trace::{Shape, deciders};
use tollgate_native_abi::Compiled;
use tollgate_native_abi::object::{Image, Linked};
use tollgate_runtime::schema::{Field, Schema, TypeId};
use tollgate_runtime::{Arena, Cx, Frozen, Mark, Native, Word, facts, json};

use crate::contents::{Contents, keeps_nothing};
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

/// A program. Shared by threads; what it is given later, sessions that are there do not see.
pub struct Program {
    schema: Schema,
    layouts: Layouts,
    /// What marks mean.
    sites: IndexVec<SiteId, Site>,
    entries: Vec<Entry>,
    code: Compiled<Linked>,
    /// Names and types of the data, in the order of the module.
    expected: Vec<(Box<str>, Option<TypeId>)>,
    /// What was given of it.
    data: Mutex<Vec<Option<Arc<Frozen>>>>,
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
    /// Makes the program of an image. Linear in its text; patterns and indexes are made here.
    ///
    /// # Errors
    /// When the image was made for another version of this library or of other rules than `schema_hash` says, or is damaged.
    ///
    /// # Safety
    /// The image is that of an object file of ours, linked into this process for good.
    pub unsafe fn load(
        image: &Image,
        schema_hash: u64,
        natives: &[&'static Native],
    ) -> Result<Program, Failure> {
        let misused = |e: tollgate_backend_api::CompileError| Failure::Misused(e.to_string());
        // SAFETY: the caller's.
        let contents = unsafe { image.contents().map_err(misused)? };
        let contents = Contents::read(contents).map_err(Failure::Misused)?;
        if contents.schema_hash() != schema_hash {
            return Err(Failure::Misused(format!(
                "the rules `{}` and the header that the program was compiled with are of different versions: compile it again with the header \
                 that was made with the rules",
                contents.name
            )));
        }
        let module = contents.module(natives).map_err(Failure::Misused)?;
        keeps_nothing(&module).map_err(Failure::Misused)?;
        // SAFETY: the caller's; and the module is the one that stands in the same object as the code.
        let code = unsafe { image.program(&module).map_err(misused)? };
        let entries = entries(&contents, &module).map_err(Failure::Misused)?;
        // What the code and its tables were made from is not needed any more.
        let expected = module.data.values().map(|d| (d.name.clone(), d.schema));
        Ok(Program {
            layouts: Layouts::new(&contents.schema),
            sites: module.sites.values().cloned().collect(),
            expected: expected.collect(),
            data: Mutex::new(vec![None; module.data.len()]),
            entries,
            code,
            schema: contents.schema,
        })
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
    /// `{"value":…,"by":"rule"}`, good until the session decides again or ends.
    ///
    /// # Errors
    /// As [`Session::decide`].
    pub fn decide_json(&mut self, entry: u32, facts: &[u8]) -> Result<&str, Failure> {
        // SAFETY: nothing is laid down, and there is no room to write to.
        unsafe { self.run(entry, Given::Json(facts), Wanted::Json)? };
        Ok(&self.json)
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
        let word = *program.code.run(entry.func, &mut cx, args);
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
                for (i, name) in names().enumerate() {
                    out.push_str(if i > 0 { ",\"" } else { "\"" });
                    for part in name.parts() {
                        json::write_part(out, part);
                    }
                    out.push('"');
                }
                out.push_str(if many { "]}" } else { "}" });
            }
        }
        Ok(())
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
