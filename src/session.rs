//! A session: deciding again and again in the same memory.

mod run;

use tollgate_ask::{Answers, Asking};
use tollgate_runtime::facts::Input;
use tollgate_runtime::http::RawRequest;
use tollgate_runtime::{Arena, Mark, Word, facts, json};

use crate::decision::Decision;
use crate::entry::{AsEntry, EntryInfo, Facts, foreign};
use crate::error::Error;
use crate::form::Form;
use crate::program::Program;
use crate::states::Attempt;
use crate::typed::{self, Bound, Entering};

use self::run::{Asked, attempt, run};

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
    asking: Option<Asking<'p>>,
}

/// The memory of a session, kept between sessions of any programs: see [`Program::session_in`].
#[derive(Debug, Default)]
pub struct Memory {
    arena: Arena,
    marks: Vec<Mark>,
}

impl<'p> Session<'p> {
    pub(crate) fn new(program: &'p Program) -> Session<'p> {
        Session::within(program, Memory::default())
    }

    pub(crate) fn within(program: &'p Program, Memory { arena, marks }: Memory) -> Session<'p> {
        Session {
            program,
            arena,
            marks,
            asking: None,
        }
    }

    /// The same session, whose decisions ask states.
    pub(crate) fn asking(self, asking: Asking<'p>) -> Session<'p> {
        Session {
            asking: Some(asking),
            ..self
        }
    }

    /// Ends the session and gives its memory back, for another one.
    pub fn into_memory(self) -> Memory {
        Memory {
            arena: self.arena,
            marks: self.marks,
        }
    }

    /// Decides about facts in JSON: the entry's parameter, or an object of its parameters when it has several.
    ///
    /// # Errors
    /// When there is no such entry, data is missing, or the facts violate the schema ([`Error::refusal`]).
    pub fn decide_json<'s>(
        &'s mut self,
        entry: impl AsEntry,
        json: &[u8],
        call: &Call<'s>,
    ) -> Result<Decision<'s>, Error> {
        self.arena.reset();
        let (program, arena) = (self.program, &self.arena);
        let entry = program.info(entry)?;
        let args = args_of_json(program, entry, json, arena)?;
        let asked = Asked::new(&self.asking, None);
        run(program, entry, arena, &mut self.marks, asked, args, call)
    }

    /// As [`Session::decide_json`], for a host that does not wait: where a store has no answer at hand, what is asked of it comes back, and
    /// the host attempts the decision again with the answer. Nothing but time passes between: facts, id and time are the same.
    ///
    /// ```
    /// use tollgate::{Answers, Attempt, Call, Engine};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     state visits: FixedWindow by String { limit: 1, window: 1h, max_keys: 1_000, on_failure: allow }
    ///     ruleset admit(who: String) -> Bool hit first {
    ///       rule too_many when not visits[who].take().granted then false
    ///       otherwise true
    ///     }
    /// "#)?;
    /// let states = program.states(&[])?;
    /// let mut session = program.session_with(&states)?;
    /// let (call, mut answers) = (Call { id: "1", time: 0 }, Answers::default());
    /// let recorded = loop {
    ///     match session.attempt_json("admit", br#""ann""#, &call, &answers)? {
    ///         Attempt::Decided(decision) => {
    ///             assert_eq!(decision.value_json(), "true");
    ///             break decision.answers();
    ///         }
    ///         // Perhaps on another thread.
    ///         Attempt::Pending(pending) => answers = states.perform(*pending),
    ///     }
    /// };
    /// // With all of its answers a decision is replayed: nothing is taken.
    /// let Attempt::Decided(again) = session.attempt_json("admit", br#""ann""#, &call, &recorded)? else {
    ///     panic!("every answer is known");
    /// };
    /// assert_eq!(again.value_json(), "true");
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::decide_json`].
    pub fn attempt_json<'s>(
        &'s mut self,
        entry: impl AsEntry,
        json: &[u8],
        call: &Call<'s>,
        answers: &'s Answers,
    ) -> Result<Attempt<'s>, Error> {
        self.arena.reset();
        let (program, arena) = (self.program, &self.arena);
        let entry = program.info(entry)?;
        let args = args_of_json(program, entry, json, arena)?;
        let asked = Asked::new(&self.asking, Some(answers));
        attempt(program, entry, arena, &mut self.marks, asked, args, call)
    }

    /// As [`Session::attempt_json`], of facts that were let in before.
    #[cfg(feature = "compiler")]
    pub(crate) fn attempt_facts<'s>(
        &'s mut self,
        entry: &'s EntryInfo,
        facts: &'s Facts,
        call: &Call<'s>,
        answers: &'s Answers,
    ) -> Result<Attempt<'s>, Error> {
        self.arena.reset();
        let (program, arena) = (self.program, &self.arena);
        if facts.stamp != program.stamp() || facts.takes != entry.takes {
            return Err(other_facts(program, entry, facts));
        }
        let args = (facts.args(entry), facts.ignored);
        let asked = Asked::new(&self.asking, Some(answers));
        run::ask(program, entry, arena, &mut self.marks, &asked, args, call)
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
        entry: impl AsEntry,
        facts: &[Input<'_>],
        call: &Call<'s>,
    ) -> Result<Decision<'s>, Error> {
        self.arena.reset();
        let (program, arena) = (self.program, &self.arena);
        let entry = program.info(entry)?;
        let args = args_of_inputs(program, entry, facts, arena)?;
        let asked = Asked::new(&self.asking, None);
        run(program, entry, arena, &mut self.marks, asked, args, call)
    }

    /// Decides about values of a host's own types, for an entry that [`Program::bind`] matched them against. Fields are read as they stand, and
    /// only those that some rule can read; text is borrowed where it is canonical.
    ///
    /// # Errors
    /// When a value violates the schema ([`Error::refusal`]), data is missing, or the entry was bound by another program.
    #[inline]
    pub fn decide_bound<'s, A: typed::Args + ?Sized>(
        &'s mut self,
        bound: &Bound<A>,
        facts: &'s A,
        call: &Call<'s>,
    ) -> Result<Decision<'s>, Error> {
        self.arena.reset();
        let (program, arena) = (self.program, &self.arena);
        let entry = program.info(bound.entry)?;
        let to = Entering {
            schema: &program.module().schema,
            arena,
        };
        let args = facts.words(&bound.fits, &to);
        let args = args.map_err(|refusal| Error::refused(*refusal))?;
        let asked = Asked::new(&self.asking, None);
        run(
            program,
            entry,
            arena,
            &mut self.marks,
            asked,
            (args, 0),
            call,
        )
    }

    /// As [`Session::decide_bound`], for a host that does not wait: see [`Session::attempt_json`].
    ///
    /// ```
    /// use tollgate::{Answers, Attempt, Call, Engine};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     state visits: FixedWindow by String { limit: 1, window: 1h, max_keys: 1_000, on_failure: allow }
    ///     ruleset admit(who: String) -> Bool hit first {
    ///       rule too_many when not visits[who].take().granted then false
    ///       otherwise true
    ///     }
    /// "#)?;
    /// let (admit, states) = (program.bind::<&str>("admit")?, program.states(&[])?);
    /// let mut session = program.session_with(&states)?;
    /// for (id, expected) in [("1", "true"), ("2", "false")] {
    ///     let (call, answers) = (Call { id, time: 0 }, Answers::default());
    ///     match session.attempt_bound(&admit, &"ann", &call, &answers)? {
    ///         Attempt::Decided(decision) => assert_eq!(decision.value_json(), expected),
    ///         Attempt::Pending(_) => panic!("what is kept in this process is at hand"),
    ///     }
    /// }
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::decide_bound`].
    pub fn attempt_bound<'s, A: typed::Args + ?Sized>(
        &'s mut self,
        bound: &Bound<A>,
        facts: &'s A,
        call: &Call<'s>,
        answers: &'s Answers,
    ) -> Result<Attempt<'s>, Error> {
        self.arena.reset();
        let (program, arena) = (self.program, &self.arena);
        let entry = program.info(bound.entry)?;
        let to = Entering {
            schema: &program.module().schema,
            arena,
        };
        let args = facts.words(&bound.fits, &to);
        let args = (args.map_err(|refusal| Error::refused(*refusal))?, 0);
        let asked = Asked::new(&self.asking, Some(answers));
        attempt(program, entry, arena, &mut self.marks, asked, args, call)
    }

    /// Decides about facts given value by value, one for each path of the form; a value that is `None` is absent.
    /// See [`Program::form`].
    ///
    /// # Errors
    /// As [`Session::decide_json`], and when there are not as many values as the form has paths.
    pub fn decide_form<'s>(
        &'s mut self,
        form: &Form,
        values: &[Option<Input<'_>>],
        call: &Call<'s>,
    ) -> Result<Decision<'s>, Error> {
        self.arena.reset();
        let (program, arena) = (self.program, &self.arena);
        let entry = program.info(form.entry)?;
        let args = form.args(program, entry, None, values, arena)?;
        let asked = Asked::new(&self.asking, None);
        run(program, entry, arena, &mut self.marks, asked, args, call)
    }

    /// Decides about an HTTP request as a server has it, and what the form takes beside. See [`Program::request_form`].
    ///
    /// What has two readings is refused (two `Host` fields, a broken escape), so that rules never see another request than the backend.
    ///
    /// # Errors
    /// As [`Session::decide_form`].
    pub fn decide_request<'s>(
        &'s mut self,
        form: &Form,
        request: &RawRequest<'s>,
        values: &[Option<Input<'_>>],
    ) -> Result<Decision<'s>, Error> {
        self.arena.reset();
        let (program, arena) = (self.program, &self.arena);
        let entry = program.info(form.entry)?;
        let args = form.args(program, entry, Some(request), values, arena)?;
        let call = Call {
            id: request.id,
            time: request.time,
        };
        let asked = Asked::new(&self.asking, None);
        run(program, entry, arena, &mut self.marks, asked, args, &call)
    }

    /// Decides about facts that [`Program::decode`] or [`Program::facts`] let in before: nothing is decoded or checked again.
    ///
    /// # Errors
    /// When there is no such entry, data is missing, or the facts were decoded by another program or for an entry with other
    /// parameters.
    ///
    /// ```
    /// use tollgate::{Call, Engine};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     record Load { cpu: Percent, queue: Int in 0 .. 1_000_000 }
    ///     ruleset busy(load: Load) -> Bool hit first {
    ///       rule hot when load.cpu > 80% then true
    ///       otherwise false
    ///     }
    ///     ruleset class(load: Load) -> String hit first {
    ///       rule long when load.queue > 1_000 then "batch"
    ///       otherwise "interactive"
    ///     }
    /// "#)?;
    /// let (busy, class) = (program.entry("busy")?, program.entry("class")?);
    /// let load = program.decode(busy, br#"{"cpu": "85%", "queue": 12}"#)?;
    /// let mut session = program.session();
    /// let call = Call { id: "1", time: 0 };
    /// assert_eq!(session.decide_facts(busy, &load, &call)?.to_json(), r#"{"value":true,"by":"hot"}"#);
    /// assert_eq!(session.decide_facts(class, &load, &call)?.value_json(), r#""interactive""#);
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    #[inline]
    pub fn decide_facts<'s>(
        &'s mut self,
        entry: impl AsEntry,
        facts: &'s Facts,
        call: &Call<'s>,
    ) -> Result<Decision<'s>, Error> {
        self.arena.reset();
        let (program, arena) = (self.program, &self.arena);
        let entry = program.info(entry)?;
        if facts.stamp != program.stamp() || facts.takes != entry.takes {
            return Err(other_facts(program, entry, facts));
        }
        let args = (facts.args(entry), facts.ignored);
        let asked = Asked::new(&self.asking, None);
        run(program, entry, arena, &mut self.marks, asked, args, call)
    }
}

/// The arguments of a decision, and how many keys were ignored in reading them.
pub(crate) type Args<'a> = (&'a [Word<'a>], u64);

pub(crate) fn args_of_json<'a>(
    program: &Program,
    entry: &EntryInfo,
    json: &[u8],
    arena: &'a Arena,
) -> Result<Args<'a>, Error> {
    let schema = &program.module().schema;
    match &entry.params[..] {
        [only] => {
            let decoded = json::decode(schema, only.ty, json, arena).map_err(Error::refused)?;
            Ok((arena.seq(&[decoded.word]), decoded.ignored))
        }
        several => {
            let decoded =
                json::decode_params(schema, several, json, arena).map_err(Error::refused)?;
            Ok((decoded.words, decoded.ignored))
        }
    }
}

pub(crate) fn args_of_inputs<'a>(
    program: &Program,
    entry: &EntryInfo,
    facts: &[Input<'_>],
    arena: &'a Arena,
) -> Result<Args<'a>, Error> {
    if facts.len() != entry.params.len() {
        let names: Vec<&str> = entry.params.iter().map(|p| &*p.name).collect();
        return Err(Error::other(format!(
            "`{}` takes {}: {}",
            entry.name,
            names.len(),
            names.join(", ")
        )));
    }
    let schema = &program.module().schema;
    let args = arena.slots(facts.len());
    let mut ignored = 0;
    for ((arg, param), input) in args.iter_mut().zip(&entry.params).zip(facts) {
        let decoded = facts::value(schema, param.ty, *input, arena).map_err(Error::refused)?;
        *arg = decoded.word;
        ignored += decoded.ignored;
    }
    Ok((args, ignored))
}

#[cold]
fn other_facts(program: &Program, entry: &EntryInfo, facts: &Facts) -> Error {
    if facts.stamp != program.stamp() {
        return foreign("the facts belong");
    }
    let decoded = program
        .entries()
        .nth(facts.takes as usize)
        .unwrap_or_default();
    Error::other(format!(
        "the facts were decoded for `{decoded}`, whose parameters are not those of `{}`",
        entry.name
    ))
}

impl std::fmt::Debug for Session<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("program", self.program)
            .finish()
    }
}

#[cfg(all(test, feature = "compiler"))]
mod tests;
