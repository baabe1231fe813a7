//! Handles: an entry found once by its name, and facts decoded once for many decisions.

use std::collections::BTreeMap;
use std::sync::Arc;

use tollgate_backend_api::Direct;
use tollgate_ir::asks::Asks;
use tollgate_ir::module::{Policy, Target};
use tollgate_ir::trace::Shape;
use tollgate_runtime::schema::{Field, TypeId};
use tollgate_runtime::{Frozen, Word};

use crate::error::Error;
use crate::program::Program;
use crate::session::Call;

/// Which entry of a program: found by name once, so that deciding searches no names. See [`Program::entry`].
///
/// Small and `Copy`; good for the program it came from and its clones, also those with other data. Another program refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(crate) index: u32,
    /// Of the program it belongs to.
    pub(crate) stamp: u64,
}

/// What names an entry: its name, or an [`Entry`], which saves the search. A host has no reason to implement it and cannot.
pub trait AsEntry: sealed::Find {}

impl<T: sealed::Find> AsEntry for T {}

/// Facts that were let in once and can be decided about again and again: decoded, checked, canonical, immutable.
///
/// They own their memory, borrow nothing, and can be shared between threads. They are good for every entry of their program
/// that takes the same parameters, so a request is decoded once for its guard, its route and its rate limit. See
/// [`Program::decode`] and [`Session::decide_facts`](crate::Session::decide_facts).
#[derive(Debug)]
pub struct Facts {
    /// The argument, where there is one; otherwise a sequence of the arguments.
    pub(crate) args: Frozen,
    pub(crate) ignored: u64,
    /// What they are facts for: see `EntryInfo::takes`.
    pub(crate) takes: u32,
    pub(crate) stamp: u64,
}

/// What is known of an entry besides its function.
pub(crate) struct EntryInfo {
    pub(crate) name: Box<str>,
    pub(crate) target: Target,
    /// How it decides, where it only searches.
    pub(crate) direct: Option<Arc<Direct>>,
    /// Whether it decides about its arguments alone, so that a session has nothing else to lay out.
    pub(crate) closed: bool,
    pub(crate) params: Vec<Field>,
    pub(crate) result: TypeId,
    pub(crate) shape: Shape,
    /// The first entry that takes the same parameters: facts for one are facts for the other.
    pub(crate) takes: u32,
    /// Fields of the first parameter that are the decision's id and time.
    pub(crate) id: Option<usize>,
    pub(crate) time: Option<usize>,
    /// Whether it asks states.
    pub(crate) asks: bool,
}

impl Facts {
    /// How many keys of the input no field has the name of.
    pub fn ignored(&self) -> u64 {
        self.ignored
    }

    /// The arguments of an entry that takes them.
    #[inline]
    pub(crate) fn args(&self, entry: &EntryInfo) -> &[Word<'_>] {
        match entry.params.len() {
            1 => std::slice::from_ref(self.args.root()),
            _ => self.args.root().seq(),
        }
    }

    /// Bytes of memory that the facts hold, what was reserved and is not used counted as well.
    pub fn bytes(&self) -> usize {
        self.args.bytes() + size_of::<Facts>()
    }
}

impl EntryInfo {
    /// The decision's id and time: those of its first parameter, where that has some, else those of the call.
    #[inline]
    pub(crate) fn decision_inputs<'c>(&self, args: &[Word<'c>], call: &Call<'c>) -> (&'c str, i64) {
        let own = |field: Option<usize>| field.map(|i| args[0].at(i));
        let id = own(self.id).map(Word::str).filter(|id| !id.is_empty());
        let time = own(self.time).map(Word::int).filter(|time| *time != 0);
        (id.unwrap_or(call.id), time.unwrap_or(call.time))
    }

    /// What the module knows of its entries, before rule sets are lowered.
    pub(crate) fn all(module: &tollgate_ir::module::Module) -> Vec<EntryInfo> {
        let asks = Asks::new(module);
        let info = |entry: &tollgate_ir::module::Entry| {
            let field = |(name, ty): &(Box<str>, TypeId)| Field {
                name: (**name).into(),
                ty: *ty,
                default: None,
            };
            let params: Vec<Field> = entry.params.iter().map(field).collect();
            let shape = match entry.decides.policy {
                Some(Policy::All | Policy::Sum) => Shape::Many,
                Some(_) => Shape::One,
                None => Shape::Stages,
            };
            let (id, time) = match entry.decides.inputs {
                Some((id, time)) => (Some(id as usize), Some(time as usize)),
                None => module.schema.decision_inputs(&params),
            };
            let asks = match entry.target {
                Target::Rules(rules) => asks.ruleset(rules),
                Target::Func(func) => asks.func(func),
            };
            EntryInfo {
                name: entry.name.clone(),
                target: entry.target,
                direct: None,
                closed: false,
                id,
                time,
                params,
                result: entry.result,
                asks: asks > 0,
                shape,
                takes: 0,
            }
        };
        let mut entries: Vec<EntryInfo> = module.entries.iter().map(info).collect();
        let mut seen = BTreeMap::new();
        for (i, entry) in entries.iter_mut().enumerate() {
            // One parameter is the whole input, whatever it is called; several are told apart by their names.
            let names = entry.params.len() > 1;
            let key = |p: &Field| (names.then(|| p.name.clone()), p.ty.0);
            let key: Vec<_> = entry.params.iter().map(key).collect();
            entry.takes = *seen.entry(key).or_insert(i as u32);
        }
        entries
    }
}

pub(crate) mod sealed {
    use super::{Entry, Error, Program};

    /// Finds an entry.
    pub trait Find {
        /// The entry's index in the program.
        fn find(&self, program: &Program) -> Result<usize, Error>;
    }

    impl Find for Entry {
        #[inline]
        fn find(&self, program: &Program) -> Result<usize, Error> {
            if self.stamp == program.stamp() {
                Ok(self.index as usize)
            } else {
                Err(super::foreign("the entry belongs"))
            }
        }
    }

    impl Find for str {
        fn find(&self, program: &Program) -> Result<usize, Error> {
            program.position(self)
        }
    }

    impl Find for String {
        fn find(&self, program: &Program) -> Result<usize, Error> {
            program.position(self)
        }
    }

    impl<T: Find + ?Sized> Find for &T {
        #[inline]
        fn find(&self, program: &Program) -> Result<usize, Error> {
            (**self).find(program)
        }
    }
}

#[cold]
pub(crate) fn foreign(what: &str) -> Error {
    Error::other(format!(
        "{what} to another program; ask this program instead"
    ))
}
