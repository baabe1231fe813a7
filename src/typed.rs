//! A host's own types: entries that take them, and decisions read as them.
//!
//! [`Program::bind`] matches what an entry takes against the types that a host has, once; then [`Session::decide_bound`](crate::Session::decide_bound)
//! reads the fields as they stand, without JSON and without names. [`Program::outcomes`] does the same for what the entry gives.

use std::marker::PhantomData;

use tollgate_ir::fields::{Fields, fields_read};
use tollgate_ir::module::Target;
pub use tollgate_runtime::Word;
pub use tollgate_runtime::boundary::Refusal;
use tollgate_runtime::schema::Type;
pub use tollgate_runtime::typed::{
    Args, Bytes, Document, Entering, EnumShape, Fact, FieldWords, Fit, Misfit, Outcome, OutcomeFit,
    RecordShape, Shape,
};
use tollgate_runtime::{Arena, Value};

use crate::decision::Decision;
use crate::entry::{AsEntry, Entry, EntryInfo, Facts};
use crate::error::Error;
use crate::program::Program;

/// An entry whose parameters are values of a host's own types: a `#[derive(Facts)]` for an only parameter, a tuple for several. Made by
/// [`Program::bind`], good for that program and its clones.
pub struct Bound<A: ?Sized> {
    pub(crate) entry: Entry,
    pub(crate) fits: Box<[Fit]>,
    /// Covariant, so that what was bound for one lifetime takes facts of a shorter one.
    takes: PhantomData<fn() -> *const A>,
}

/// How the decisions of an entry become values of a host's own type. Made by [`Program::outcomes`].
pub struct Outcomes<O> {
    entry: Entry,
    fit: OutcomeFit,
    gives: PhantomData<fn() -> O>,
}

/// What of an entry's parameters can be read: by parameter, and by field where that is a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldRead {
    /// The parameter.
    pub parameter: String,
    /// The field; `None` for a parameter that is no record.
    pub field: Option<String>,
}

impl Program {
    /// Matches what an entry takes against a host's own types. Only fields that some rule can read have to be there ([`Program::fields`]);
    /// a host's fields that the rules do not know are not looked at.
    ///
    /// # Errors
    /// When there is no such entry, it takes another number of parameters, or a field is missing or of another kind, which the error names.
    ///
    /// ```
    /// use tollgate::{Call, Engine, Facts};
    ///
    /// #[derive(Facts)]
    /// struct Load<'l> {
    ///     cpu: i64,
    ///     host: &'l str,
    ///     note: String,
    /// }
    ///
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     record Load { cpu: Int in 0 .. 100, host: Host, zone: String }
    ///     ruleset busy(load: Load) -> Bool hit first {
    ///       rule hot when load.cpu > 80 and load.host == "a.example" then true
    ///       otherwise false
    ///     }
    /// "#)?;
    /// let busy = program.bind::<Load>("busy")?;
    /// let mut session = program.session();
    /// let load = Load { cpu: 85, host: "A.Example", note: "not looked at".into() };
    /// let decision = session.decide_bound(&busy, &load, &Call { id: "1", time: 0 })?;
    /// assert_eq!(decision.to_json(), r#"{"value":true,"by":"hot"}"#);
    /// // What the rules do not allow is refused, as it is in JSON.
    /// let load = Load { cpu: 101, ..load };
    /// let refused = session.decide_bound(&busy, &load, &Call { id: "1", time: 0 }).unwrap_err();
    /// assert_eq!(refused.to_string(), "cpu = 101: it must lie in 0 .. 100");
    ///
    /// #[derive(Facts)]
    /// struct Other { cpu: bool }
    /// let error = program.bind::<Other>("busy").err().unwrap();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "`busy` cannot take `Other`: `cpu`: the rules want a whole number here, the host has true or false"
    /// );
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn bind<A: Args + ?Sized>(&self, entry: impl AsEntry) -> Result<Bound<A>, Error> {
        let index = entry.find(self)?;
        let info = self.at(index);
        let schema = &self.module().schema;
        let read = self.read(info);
        let fits = self.fits::<A>(info, |i, shape| {
            let (Type::Record(record), Shape::Record(shape)) =
                (schema.get(info.params[i].ty), shape)
            else {
                return None;
            };
            let fields = &schema.records[*record as usize].fields;
            let has = |name: &str| shape.fields.iter().any(|(n, _)| *n == name);
            // The decision's id and time are taken from the facts where they are there, whoever reads them. Those of a stream's event
            // have to be there: without its id an event would be another one each time.
            let input = |n: usize| i == 0 && [info.id, info.time].contains(&Some(n));
            let stream = self.module().entries[index].decides.inputs.is_some();
            let fields = fields.iter().enumerate();
            let read = fields.map(|(n, field)| {
                read[i].has(n as u32) || (input(n) && (stream || has(&field.name)))
            });
            Some(read.collect())
        })?;
        Ok(Bound {
            entry: self.handle(index),
            fits,
            takes: PhantomData,
        })
    }

    /// As [`Program::facts`], of values of a host's own types. All of them is let in, whether some rule can read it or not: what a decision
    /// that [`Session::decide_bound`](crate::Session::decide_bound) made is explained with.
    ///
    /// # Errors
    /// As [`Program::bind`], where every field is one that some rule can read; and when a value violates the schema ([`Error::refusal`]).
    ///
    /// ```
    /// use tollgate::{Call, Engine, Which};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     ruleset busy(load: Int, most: Int) -> Bool hit first {
    ///       rule hot when load > most then true
    ///       otherwise false
    ///     }
    /// "#)?;
    /// let facts = program.facts_of("busy", &(85_i64, 80_i64))?;
    /// let why = program.explain_facts("busy", &facts, &Call { id: "1", time: 0 }, Which::Deciding)?;
    /// assert_eq!(why.by, ["hot"]);
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn facts_of<A: Args + ?Sized>(
        &self,
        entry: impl AsEntry,
        facts: &A,
    ) -> Result<Facts, Error> {
        let info = self.info(entry)?;
        let fits = self.fits::<A>(info, |_, _| None)?;
        let arena = Arena::new();
        let to = Entering {
            schema: &self.module().schema,
            arena: &arena,
        };
        let words = facts.words(&fits, &to);
        let words = words.map_err(|refusal| Error::refused(*refusal))?;
        let values: Vec<Value> = words.iter().map(|word| Value::of(*word)).collect();
        self.freeze(info, |arena| {
            let words: Vec<Word<'_>> = values.iter().map(|value| value.word(arena)).collect();
            Ok((arena.seq(&words), 0))
        })
    }

    /// Matches what an entry gives against a host's own type.
    ///
    /// # Errors
    /// When there is no such entry, or the rules can give what the type has no place for, which the error names.
    ///
    /// ```
    /// use tollgate::{Call, Engine, Outcome};
    /// use std::time::Duration;
    ///
    /// #[derive(Outcome, PartialEq, Debug)]
    /// enum Route<'d> {
    ///     #[outcome(name = "forward")]
    ///     Forward { service: &'d str, timeout: Duration },
    ///     #[outcome(name = "respond")]
    ///     Respond { status: u16 },
    /// }
    ///
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     enum Route { forward(service: String, timeout: Duration in 0s .. 1m = 5s), respond(status: Int in 100 .. 599) }
    ///     ruleset route(path: Path) -> Route hit first {
    ///       rule pay when path matches p"/pay/**" then forward("payments", timeout: 800ms)
    ///       otherwise respond(404)
    ///     }
    /// "#)?;
    /// let (route, outcomes) = (program.bind::<&str>("route")?, program.outcomes::<Route>("route")?);
    /// let mut session = program.session();
    /// let decision = session.decide_bound(&route, &"/pay/7", &Call { id: "1", time: 0 })?;
    /// let pay = Route::Forward { service: "payments", timeout: Duration::from_millis(800) };
    /// assert_eq!(outcomes.of(&decision)?, pay);
    ///
    /// #[derive(Outcome)]
    /// enum Less {
    ///     #[outcome(name = "respond")]
    ///     Respond { status: u16 },
    /// }
    /// let error = program.outcomes::<Less>("route").err().unwrap();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "`route` cannot give this: the rules can give `forward`, and `Less` has no such variant"
    /// );
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn outcomes<O: Outcome>(&self, entry: impl AsEntry) -> Result<Outcomes<O>, Error> {
        let index = entry.find(self)?;
        let info = self.at(index);
        let fit = OutcomeFit::new(&self.module().schema, info.result, &O::SHAPE);
        let fit = fit.map_err(|misfit| {
            Error::other(format!("`{}` cannot give this: {misfit}", info.name))
        })?;
        Ok(Outcomes {
            entry: self.handle(index),
            fit,
            gives: PhantomData,
        })
    }

    /// The names of an entry's parameters, in the order in which a host gives them.
    ///
    /// # Errors
    /// When there is no such entry.
    ///
    /// ```
    /// use tollgate::Engine;
    /// let program = Engine::new().compile_source("x.rules", "ruleset less(a: Int, b: Int) -> Bool hit first { otherwise a < b }")?;
    /// assert_eq!(program.parameters("less")?, ["a", "b"]);
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn parameters(&self, entry: impl AsEntry) -> Result<Vec<&str>, Error> {
        let info = self.info(entry)?;
        Ok(info.params.iter().map(|param| &*param.name).collect())
    }

    /// What of an entry's parameters some rule can read, in the order of the source: what a host has to find out before it asks.
    ///
    /// # Errors
    /// When there is no such entry.
    ///
    /// ```
    /// use tollgate::Engine;
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     record Load { cpu: Percent, queue: Int, host: Host }
    ///     ruleset busy(load: Load) -> Bool hit first {
    ///       rule hot when load.cpu > 80% then true
    ///       otherwise false
    ///     }
    /// "#)?;
    /// let read: Vec<_> = program.fields("busy")?.into_iter().filter_map(|f| f.field).collect();
    /// assert_eq!(read, ["cpu"]);
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn fields(&self, entry: impl AsEntry) -> Result<Vec<FieldRead>, Error> {
        let info = self.info(entry)?;
        let schema = &self.module().schema;
        let mut all = Vec::new();
        for (param, read) in info.params.iter().zip(self.read(info)) {
            let parameter = param.name.to_string();
            match schema.get(param.ty) {
                Type::Record(record) => {
                    let fields = schema.records[*record as usize].fields.iter().zip(0..);
                    let fields = fields.filter(|(_, n)| read.has(*n));
                    all.extend(fields.map(|(field, _)| FieldRead {
                        parameter: parameter.clone(),
                        field: Some(field.name.to_string()),
                    }));
                }
                _ if read == Fields::default() => {}
                _ => all.push(FieldRead {
                    parameter,
                    field: None,
                }),
            }
        }
        Ok(all)
    }

    /// Matches what an entry takes against a host's types. `read` says of a parameter, by its number, which of its fields have to be there;
    /// nothing for all of them.
    fn fits<A: Args + ?Sized>(
        &self,
        info: &EntryInfo,
        read: impl Fn(usize, &Shape) -> Option<Vec<bool>>,
    ) -> Result<Box<[Fit]>, Error> {
        if A::SHAPES.len() != info.params.len() {
            let names: Vec<&str> = info.params.iter().map(|p| &*p.name).collect();
            return Err(Error::other(format!(
                "`{}` takes {} ({}), the host gives {}",
                info.name,
                names.len(),
                names.join(", "),
                A::SHAPES.len()
            )));
        }
        let params = info.params.iter().zip(A::SHAPES).enumerate();
        let fits = params.map(|(i, (param, shape))| {
            let read = read(i, shape);
            let fit = Fit::new(&self.module().schema, param.ty, shape, read.as_deref());
            fit.map_err(|misfit| {
                let of = match shape {
                    Shape::Record(record) => format!("`{}`", record.name),
                    _ => format!("this for `{}`", param.name),
                };
                Error::other(format!("`{}` cannot take {of}: {misfit}", info.name))
            })
        });
        fits.collect()
    }

    fn read(&self, info: &EntryInfo) -> Vec<Fields> {
        match info.target {
            Target::Func(func) => fields_read(self.module(), func),
            Target::Rules(_) => vec![Fields::All; info.params.len()],
        }
    }
}

impl<O: Outcome> Outcomes<O> {
    /// The value of a decision. Allocates only what the type owns.
    ///
    /// # Errors
    /// When the decision is one of another entry, or of another program.
    pub fn of<'d>(&self, decision: &Decision<'d>) -> Result<O::Of<'d>, Error> {
        if decision.program.stamp() != self.entry.stamp {
            return Err(crate::entry::foreign("the decision belongs"));
        }
        let index = self.entry.index as usize;
        if !std::ptr::eq(decision.program.at(index), decision.entry) {
            return Err(Error::other(format!(
                "this is made for decisions of `{}`, the decision is one of `{}`",
                decision.program.at(index).name,
                decision.entry.name
            )));
        }
        Ok(O::outcome(*decision.value, &self.fit))
    }
}

impl<A: ?Sized> std::fmt::Debug for Bound<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("entry", &self.entry).finish()
    }
}

impl<O> std::fmt::Debug for Outcomes<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outcomes")
            .field("entry", &self.entry)
            .finish()
    }
}

#[cfg(all(test, feature = "compiler", feature = "derive"))]
mod tests;
