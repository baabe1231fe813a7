//! The states of a program at run time: where they are kept, and what a decision asks of them.
//!
//! What a decision asks is `tollgate_ask`'s; here is what of it belongs to programs and sessions. `declared.rs` makes what the checker found to be
//! declared what stores want; `attempt.rs` is for hosts that do not wait.

mod attempt;
#[cfg(feature = "compiler")]
mod declared;
#[cfg(all(test, feature = "compiler"))]
mod tests;

use std::sync::Arc;

pub use attempt::Attempt;
#[cfg(feature = "compiler")]
pub(crate) use declared::plan;
use tollgate_ask::{Asking, Bound, Plan, Record};
use tollgate_ir::module::Module;
use tollgate_state::{Declaration, Store};

use crate::error::Error;
use crate::program::Program;

/// The states of a program, kept somewhere. Cheap to clone; all clones are the same states, shared between threads.
///
/// Made by [`Program::states`], and given to a session by [`Program::session_with`].
#[derive(Clone)]
pub struct States {
    pub(crate) bound: Arc<Bound>,
    /// Of the program they belong to.
    pub(crate) stamp: u64,
}

impl States {
    /// Gives back the slots (`enter()`) that a decision holds, by its id. Without it they are free when their lease ends.
    pub fn finish(&self, decision: &str) {
        self.bound.finish(decision);
    }

    /// What the decisions of one session ask.
    pub(crate) fn asking<'p>(&self, plan: &'p Plan, module: &'p Module) -> Asking<'p> {
        Asking::new(plan, module, &self.bound, Record::default())
    }
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
        self.states_of(Bound::new(plan, stores))
    }

    fn states_of(&self, bound: Result<Bound, String>) -> Result<States, Error> {
        Ok(States {
            bound: Arc::new(bound.map_err(Error::other)?),
            stamp: self.stamp(),
        })
    }

    /// Somewhere to keep the program's states, all of them in this process.
    #[cfg(feature = "compiler")]
    pub(crate) fn local_states(&self) -> Result<States, Error> {
        let plan = self.plan().map(Plan::local).unwrap_or_default();
        self.states_of(Bound::new(&plan, &[]))
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
        self.states_of(Bound::new(plan, stores))
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
        self.states_of(before.bound.carried(plan, stores))
    }
}
