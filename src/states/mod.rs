//! The states of a program at run time: where they are kept, and what a decision asks of them.
//!
//! `plan.rs` says what the program declares, as stores want it, and `declared.rs` makes that of what the checker found; `asking.rs` stands behind the context of one decision and
//! turns words into operations and answers into words; `attempt.rs` is for hosts that do not wait; `trace.rs` is what came of it, for people; `replay.rs` answers again what a decision was
//! answered, when it is explained.

mod asking;
mod attempt;
#[cfg(feature = "compiler")]
mod declared;
mod plan;
#[cfg(feature = "compiler")]
mod replay;
#[cfg(all(test, feature = "compiler"))]
mod tests;
mod trace;

use std::sync::Arc;

pub(crate) use asking::Asking;
pub use attempt::{Answers, Attempt, Pending};
pub(crate) use plan::{Plan, StreamPlan};
#[cfg(feature = "compiler")]
pub(crate) use replay::Replay;
use tollgate_state::{Declaration, Local, Store};
pub use trace::Operation;

use crate::error::Error;
use crate::program::Program;

/// The name of the store that is always there: in this process.
pub(crate) const LOCAL: &str = "local";

/// The states of a program, kept somewhere. Cheap to clone; all clones are the same states, shared between threads.
///
/// Made by [`Program::states`], and given to a session by [`Program::session_with`].
#[derive(Clone)]
pub struct States {
    pub(crate) bound: Arc<Bound>,
}

/// Which store holds which state.
pub(crate) struct Bound {
    /// Of the program it belongs to.
    pub(crate) stamp: u64,
    pub(crate) local: Arc<Local>,
    /// For each declaration.
    pub(crate) stores: Vec<Arc<dyn Store>>,
    /// What stands in where `on_failure` says `local(…)`.
    pub(crate) instead: Option<Local>,
}

impl Bound {
    /// Binds each state to the store that its declaration names.
    pub(crate) fn new(
        plan: &Plan,
        stamp: u64,
        hosts: &[(&str, Arc<dyn Store>)],
    ) -> Result<Bound, Error> {
        let local = Arc::new(Local::new(&plan.declarations).map_err(beyond)?);
        let instead = plan.instead().map(|declarations| Local::new(&declarations));
        let instead = instead.transpose().map_err(beyond)?;
        Bound::with(plan, stamp, hosts, local, instead)
    }

    fn with(
        plan: &Plan,
        stamp: u64,
        hosts: &[(&str, Arc<dyn Store>)],
        local: Arc<Local>,
        instead: Option<Local>,
    ) -> Result<Bound, Error> {
        let mut stores: Vec<Arc<dyn Store>> = Vec::with_capacity(plan.declarations.len());
        for declaration in &plan.declarations {
            let wanted = &*declaration.store;
            let host = hosts.iter().find(|(name, _)| *name == wanted);
            match host {
                Some((_, store)) => stores.push(Arc::clone(store)),
                None if wanted == LOCAL => stores.push(Arc::clone(&local) as Arc<dyn Store>),
                None => {
                    let name = &declaration.name;
                    return Err(Error::other(format!(
                        "state `{name}` is kept in the store `{wanted}`, which was not given"
                    )));
                }
            }
        }
        Ok(Bound {
            stamp,
            local,
            stores,
            instead,
        })
    }

    /// The states of another program: what is kept in this process for those whose identity was there before, and nothing for others. Both
    /// go on with the same states, so that decisions under way end with their program.
    fn carried(
        &self,
        plan: &Plan,
        stamp: u64,
        hosts: &[(&str, Arc<dyn Store>)],
    ) -> Result<Bound, Error> {
        // All that can be refused is, before the first state is carried over.
        Bound::new(plan, stamp, hosts)?;
        let local = Arc::new(self.local.carried(&plan.declarations).map_err(beyond)?);
        let instead = match (&self.instead, plan.instead()) {
            (Some(before), Some(declarations)) => Some(before.carried(&declarations)),
            (None, Some(declarations)) => Some(Local::new(&declarations)),
            (_, None) => None,
        };
        let instead = instead.transpose().map_err(beyond)?;
        Bound::with(plan, stamp, hosts, local, instead)
    }
}

impl States {
    /// Gives back the slots (`enter()`) that a decision holds, by its id. Without it they are free when their lease ends.
    pub fn finish(&self, decision: &str) {
        let stores = &self.bound.stores;
        for (i, store) in stores.iter().enumerate() {
            // Several states are in one store.
            if !stores[..i].iter().any(|s| Arc::ptr_eq(s, store)) {
                store.finish(decision.as_bytes());
            }
        }
        if let Some(instead) = &self.bound.instead {
            instead.finish(decision.as_bytes());
        }
    }
}

/// A declaration that asks too much of a store.
fn beyond(limit: tollgate_state::Limit) -> Error {
    Error::other(limit.to_string())
}

impl std::fmt::Debug for States {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("States").finish_non_exhaustive()
    }
}

impl Program {
    /// The states that the program declares, in order: what a store of the host is made from.
    pub fn declarations(&self) -> &[Declaration] {
        self.plan().map_or(&[], |plan| &plan.declarations)
    }

    /// Somewhere to keep the program's states for a stream, by the plan that is made for it.
    pub(crate) fn states_of_stream(
        &self,
        plan: &Plan,
        stores: &[(&str, Arc<dyn Store>)],
    ) -> Result<States, Error> {
        Ok(States {
            bound: Arc::new(Bound::new(plan, self.stamp(), stores)?),
        })
    }

    /// Somewhere to keep the program's states, all of them in this process.
    #[cfg(feature = "compiler")]
    pub(crate) fn local_states(&self) -> Result<States, Error> {
        let plan = self.plan().map(Plan::local).unwrap_or_default();
        Ok(States {
            bound: Arc::new(Bound::new(&plan, self.stamp(), &[])?),
        })
    }

    /// Somewhere to keep the program's states. Those whose `store` is `local` are kept in this process; the host gives the others by
    /// the names that the program uses, each made from all of [`Program::declarations`].
    ///
    /// ```
    /// use tollgate::{Call, Engine};
    /// let program = Engine::new().compile_source("x.rules", r#"
    ///     state visits: FixedWindow by String { limit: 2, window: 1h, max_keys: 1_000, on_failure: allow }
    ///     ruleset admit(who: String) -> Bool hit first {
    ///       rule too_many when not visits[who].take().granted then false
    ///       otherwise true
    ///     }
    /// "#)?;
    /// let states = program.states(&[])?;
    /// let mut session = program.session_with(&states)?;
    /// for (id, expected) in [("1", "true"), ("2", "true"), ("3", "false")] {
    ///     let decision = session.decide_json("admit", br#""ann""#, &Call { id, time: 0 })?;
    ///     assert_eq!(decision.value_json(), expected);
    /// }
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a store was not given, or cannot hold a state; the error names the state.
    pub fn states(&self, stores: &[(&str, Arc<dyn Store>)]) -> Result<States, Error> {
        let empty = Plan::default();
        let plan = self.plan().unwrap_or(&empty);
        Ok(States {
            bound: Arc::new(Bound::new(plan, self.stamp(), stores)?),
        })
    }

    /// The states of the program as what comes after another one, for a host that replaces programs itself ([`Live`](crate::Live) does so
    /// for others): those kept in this process that both declare alike, with the same name and settings ([`Declaration::identity`]), hold what they
    /// held; others begin with nothing. Decisions that end by the program before go on with the same states. `stores` as for [`Program::states`].
    ///
    /// ```
    /// use tollgate::{Call, Engine};
    /// let rules = |why: &str| format!(r#"
    ///     state visits: FixedWindow by String {{ limit: 1, window: 1h, max_keys: 1_000, on_failure: allow }}
    ///     ruleset admit(who: String) -> String hit first {{
    ///       rule too_many when not visits[who].take().granted then "{why}"
    ///       otherwise "welcome"
    ///     }}
    /// "#);
    /// let before = Engine::new().compile_source("x.rules", &rules("no"))?;
    /// let states = before.states(&[])?;
    /// let decision = before.session_with(&states)?.decide_json("admit", br#""ann""#, &Call { id: "1", time: 0 })?.value_json();
    /// assert_eq!(decision, r#""welcome""#);
    ///
    /// let after = Engine::new().compile_source("x.rules", &rules("come back later"))?;
    /// let states = after.states_after(&states, &[])?;
    /// let decision = after.session_with(&states)?.decide_json("admit", br#""ann""#, &Call { id: "2", time: 0 })?.value_json();
    /// assert_eq!(decision, r#""come back later""#);
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Program::states`]; then nothing has changed.
    pub fn states_after(
        &self,
        before: &States,
        stores: &[(&str, Arc<dyn Store>)],
    ) -> Result<States, Error> {
        let empty = Plan::default();
        let plan = self.plan().unwrap_or(&empty);
        Ok(States {
            bound: Arc::new(before.bound.carried(plan, self.stamp(), stores)?),
        })
    }
}
