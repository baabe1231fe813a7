//! A compiled program.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tollgate_ask::Plan;
use tollgate_backend_api::Executable;
use tollgate_ir::Legalized;
use tollgate_ir::cost::Costs;
use tollgate_ir::module::{Module, Site, Target};
use tollgate_runtime::facts::Input;
use tollgate_runtime::{Arena, Frozen, Word, json};

use crate::entry::{AsEntry, Entry, EntryInfo, Facts};
use crate::error::Error;
use crate::session::{Args, Memory, Session, args_of_inputs, args_of_json};
use crate::states::States;
use crate::tiers::Tiers;

#[cfg(feature = "compiler")]
pub(crate) mod source;

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
    module: Arc<Legalized>,
    tiers: Tiers,
    entries: Vec<EntryInfo>,
    origin: Origin,
    /// What states it declares, if it does.
    plan: Option<Plan>,
    shadows: bool,
    /// Tells this program's handles from those of others; it never comes out.
    stamp: u64,
}

/// What a program was made from.
pub(crate) struct Origin {
    /// The name of the main file.
    pub(crate) main: Box<str>,
    /// What is kept of its source; of an artifact nothing.
    #[cfg(feature = "compiler")]
    pub(crate) source: source::Source,
}

impl Origin {
    pub(crate) fn new(main: &str) -> Origin {
        Origin {
            main: main.into(),
            #[cfg(feature = "compiler")]
            source: source::Source::default(),
        }
    }
}

impl Shared {
    /// Entries are those of the module before rule sets were lowered, in the same order.
    pub(crate) fn new(
        module: Arc<Legalized>,
        tiers: Tiers,
        mut entries: Vec<EntryInfo>,
        origin: Origin,
        plan: Option<Plan>,
    ) -> Shared {
        for (info, entry) in entries.iter_mut().zip(&module.entries) {
            info.target = entry.target;
            // Who asks states is asked again where a store has to be waited for.
            if let Target::Func(func) = entry.target
                && !info.asks
            {
                info.direct = tiers.first().direct(func).cloned();
                let closed = match &info.direct {
                    Some(direct) => direct.is_closed(),
                    None => tiers.first().is_alone(func),
                };
                // Data that is missing is an error, also where rules do not read it.
                info.closed = closed && module.data.is_empty();
            }
        }
        let mut sites = module.sites.values();
        let shadows = sites.any(|site| matches!(site, Site::Shadow { .. }));
        static STAMPS: AtomicU64 = AtomicU64::new(0);
        Shared {
            module,
            tiers,
            entries,
            origin,
            plan,
            shadows,
            stamp: STAMPS.fetch_add(1, Ordering::Relaxed),
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

    /// A handle on an entry, with which deciding costs no search by name.
    ///
    /// # Errors
    /// When the program has no entry of that name; the error names those it has.
    ///
    /// ```
    /// use tollgate::{Call, Engine};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     ruleset small(n: Int) -> Bool hit first {
    ///       rule yes when n < 10 then true
    ///       otherwise false
    ///     }
    /// "#)?;
    /// let small = program.entry("small")?;
    /// let mut session = program.session();
    /// for (n, expected) in [("7", "true"), ("12", "false")] {
    ///     let decision = session.decide_json(small, n.as_bytes(), &Call { id: n, time: 0 })?;
    ///     assert_eq!(decision.value_json(), expected);
    /// }
    /// assert!(program.entry("large").is_err());
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn entry(&self, name: &str) -> Result<Entry, Error> {
        Ok(self.handle(self.position(name)?))
    }

    /// Lets facts in, as JSON, to be decided about later and more than once: the entry's parameter, or an object of its
    /// parameters when it has several. [`Session::decide_facts`] takes them.
    ///
    /// # Errors
    /// When there is no such entry, or the facts violate the schema ([`Error::refusal`]).
    pub fn decode(&self, entry: impl AsEntry, json: &[u8]) -> Result<Facts, Error> {
        let entry = self.info(entry)?;
        self.freeze(entry, |arena| args_of_json(self, entry, json, arena))
    }

    /// As [`Program::decode`], of facts laid down by the host, one a parameter.
    ///
    /// # Errors
    /// As [`Program::decode`].
    pub fn facts(&self, entry: impl AsEntry, facts: &[Input<'_>]) -> Result<Facts, Error> {
        let entry = self.info(entry)?;
        self.freeze(entry, |arena| args_of_inputs(self, entry, facts, arena))
    }

    /// Facts of an entry, from what lays its arguments down in an arena.
    pub(crate) fn freeze(
        &self,
        entry: &EntryInfo,
        args: impl for<'a> FnOnce(&'a Arena) -> Result<Args<'a>, Error>,
    ) -> Result<Facts, Error> {
        let mut keys = 0;
        let args = Frozen::try_new(|arena| {
            let (args, ignored) = args(arena)?;
            keys = ignored;
            Ok::<_, Error>(match args {
                [only] => *only,
                several => Word::Seq(several),
            })
        })?;
        Ok(Facts {
            args: args.compact(),
            ignored: keys,
            takes: entry.takes,
            stamp: self.shared.stamp,
        })
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

    /// The program with the data that another one was given under the same names, where it has none itself: what a host that replaces
    /// programs itself gives the next one ([`Live`](crate::Live) does so for others).
    ///
    /// ```
    /// use tollgate::{Call, Engine};
    /// let rules = |more: &str| format!("data limit: Int ruleset admit(n: Int) -> Bool hit first {{ otherwise n <= limit{more} }}");
    /// let before = Engine::new().compile_source("x.rules", &rules(""))?.with_data("limit", b"5")?;
    /// let after = Engine::new().compile_source("x.rules", &rules(" + 1"))?.with_data_by_name(&before)?;
    /// let decision = after.session().decide_json("admit", b"6", &Call { id: "1", time: 0 })?.value_json();
    /// assert_eq!(decision, "true");
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    ///
    /// # Errors
    /// When data violates the type that it has in this program.
    pub fn with_data_by_name(mut self, other: &Program) -> Result<Program, Error> {
        let missing: Vec<String> = self.missing_data().map(str::to_owned).collect();
        for name in missing {
            let at = other.data_names().position(|n| n == name);
            let given = at.and_then(|at| other.data[at].clone());
            let Some(given) = given else { continue };
            let module = &other.shared.module;
            let ty = module.data.values().find(|d| *d.name == *name);
            let ty = ty.and_then(|d| d.schema);
            // Through JSON, since the type may have changed with the rules.
            let mut text = String::new();
            if let Some(ty) = ty {
                json::encode(&module.schema, ty, given.word(), &mut text);
                self = self.with_data(&name, text.as_bytes())?;
            }
        }
        Ok(self)
    }

    /// The most steps that a decision can take, whatever the input; `None` for a name that is no entry.
    pub fn bound(&self, entry: &str) -> Option<u64> {
        let Target::Func(func) = self.info(entry).ok()?.target else {
            return None;
        };
        Some(Costs::new(&self.shared.module).func(func))
    }

    /// What the backend made, for people.
    pub fn listing(&self) -> String {
        self.executable().listing()
    }

    /// The backend that decides now: the one of the engine, or of a tiered engine ([`Engine::tiered`](crate::Engine::tiered)) the one
    /// that has come by now.
    pub fn backend(&self) -> &'static str {
        self.shared.tiers.backend()
    }

    /// Bytes of memory that the program takes to decide: what the backend made (see below) and the data it was given.
    ///
    /// The virtual machine counts its code, constants, tables, patterns with their automata, and the names that decisions
    /// give; what it reserved without using is counted too. Not counted: what is kept to answer questions about the program (its
    /// IR, its report, its tests), the memory of sessions, and what regular expressions keep for a search.
    /// The interpreter, which is for tests, counts its constants only.
    pub fn bytes(&self) -> usize {
        let data = self.data.iter().flatten().map(|data| data.bytes());
        self.shared.tiers.memory() + data.sum::<usize>()
    }

    /// A session.
    pub fn session(&self) -> Session<'_> {
        Session::new(self)
    }

    /// A session in the memory of one that has ended ([`Session::into_memory`]), which may have been of another program: nothing has to grow
    /// again.
    ///
    /// ```
    /// use tollgate::{Call, Engine};
    /// let rules = "ruleset yes(n: Int) -> Bool hit first { otherwise true }";
    /// let (one, other) = (Engine::new().compile_source("x.rules", rules)?, Engine::new().compile_source("x.rules", rules)?);
    /// let mut session = one.session();
    /// session.decide_json("yes", b"1", &Call { id: "1", time: 0 })?;
    /// let mut session = other.session_in(session.into_memory());
    /// assert_eq!(session.decide_json("yes", b"1", &Call { id: "2", time: 0 })?.value_json(), "true");
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn session_in(&self, memory: Memory) -> Session<'_> {
        Session::within(self, memory)
    }

    /// A session whose decisions ask states; see [`Program::states`].
    ///
    /// # Errors
    /// When the states are those of another program.
    pub fn session_with(&self, states: &States) -> Result<Session<'_>, Error> {
        if states.stamp != self.shared.stamp {
            return Err(Error::other(
                "the states belong to another program; ask this program instead",
            ));
        }
        Ok(self.session_of(states, Memory::default()))
    }

    /// A session that asks states of this program, where it asks some, in the memory of another one.
    pub(crate) fn session_of(&self, states: &States, memory: Memory) -> Session<'_> {
        let session = self.session_in(memory);
        match self.plan() {
            Some(plan) => session.asking(states.asking(plan, self.module())),
            None => session,
        }
    }

    /// Whether a rule set of it is in shadow mode.
    pub(crate) fn has_shadows(&self) -> bool {
        self.shared.shadows
    }

    /// What states the program declares, if it does.
    pub(crate) fn plan(&self) -> Option<&Plan> {
        self.shared.plan.as_ref()
    }

    /// What is known of the entries, in the order of the source.
    pub(crate) fn infos(&self) -> &[EntryInfo] {
        &self.shared.entries
    }

    /// The program as every engine gets it.
    pub(crate) fn legalized(&self) -> &Legalized {
        &self.shared.module
    }

    /// The name of the main file.
    pub(crate) fn main_file(&self) -> &str {
        &self.shared.origin.main
    }

    /// The handle on an entry by its place in the source.
    pub(crate) fn handle(&self, index: usize) -> Entry {
        Entry {
            index: index as u32,
            stamp: self.shared.stamp,
        }
    }

    /// An entry by its place in the source.
    pub(crate) fn at(&self, index: usize) -> &EntryInfo {
        &self.shared.entries[index]
    }

    #[inline]
    pub(crate) fn stamp(&self) -> u64 {
        self.shared.stamp
    }

    pub(crate) fn module(&self) -> &Module {
        &self.shared.module
    }

    #[inline]
    pub(crate) fn executable(&self) -> &dyn Executable {
        self.shared.tiers.executable()
    }

    #[inline]
    pub(crate) fn info(&self, entry: impl AsEntry) -> Result<&EntryInfo, Error> {
        Ok(&self.shared.entries[entry.find(self)?])
    }

    pub(crate) fn position(&self, name: &str) -> Result<usize, Error> {
        let found = self.shared.entries.iter().position(|e| &*e.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.entries().collect();
            Error::other(format!(
                "the program has no entry `{name}`; it has {}",
                names.join(", ")
            ))
        })
    }

    /// The words of all data, in order; an error names what was not given.
    #[inline]
    pub(crate) fn data<'a>(&'a self, arena: &'a Arena) -> Result<&'a [Word<'a>], Error> {
        if self.data.is_empty() {
            return Ok(&[]);
        }
        if self.data.iter().any(Option::is_none) {
            return Err(self.data_is_missing());
        }
        Ok(arena.seq_with(self.data.len(), |i| {
            self.data[i].as_deref().map_or(Word::None, Frozen::word)
        }))
    }

    #[cold]
    fn data_is_missing(&self) -> Error {
        let name = self.missing_data().next().unwrap_or_default();
        Error::other(format!(
            "the program expects data `{name}`; give it before deciding"
        ))
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("entries", &self.entries().collect::<Vec<_>>())
            .finish()
    }
}
