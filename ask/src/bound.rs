//! Which store holds which state.

use std::sync::Arc;

use tollgate_state::{Limit, Local, Operation, Outcome, Store};

use crate::plan::{LOCAL, Plan};

/// The states of a program, each in its store.
pub struct Bound {
    local: Arc<Local>,
    /// For each declaration; nothing where it is kept in this process, which is asked without finding out what a store does.
    stores: Vec<Option<Arc<dyn Store>>>,
    /// What stands in where `on_failure` says `local(…)`.
    instead: Option<Local>,
}

impl Bound {
    /// Binds each state to the store that its declaration names: one of the host's, or that of this process.
    ///
    /// # Errors
    /// When a store was not given, or one of this process cannot hold a state; names the state.
    pub fn new(plan: &Plan, hosts: &[(&str, Arc<dyn Store>)]) -> Result<Bound, String> {
        let local = Arc::new(Local::new(&plan.declarations).map_err(beyond)?);
        let instead = plan.instead().map(|declarations| Local::new(&declarations));
        let instead = instead.transpose().map_err(beyond)?;
        Bound::with(plan, hosts, local, instead)
    }

    fn with(
        plan: &Plan,
        hosts: &[(&str, Arc<dyn Store>)],
        local: Arc<Local>,
        instead: Option<Local>,
    ) -> Result<Bound, String> {
        let mut stores = Vec::with_capacity(plan.declarations.len());
        for declaration in &plan.declarations {
            let wanted = &*declaration.store;
            let host = hosts.iter().find(|(name, _)| *name == wanted);
            match host {
                Some((_, store)) => stores.push(Some(Arc::clone(store))),
                None if wanted == LOCAL => stores.push(None),
                None => {
                    let name = &declaration.name;
                    return Err(format!(
                        "state `{name}` is kept in the store `{wanted}`, which was not given"
                    ));
                }
            }
        }
        Ok(Bound {
            local,
            stores,
            instead,
        })
    }

    /// The states of another program: what is kept in this process for those whose identity was there before, and nothing for others. Both
    /// go on with the same states, so that decisions under way end with their program.
    ///
    /// # Errors
    /// As [`Bound::new`]; then nothing has changed.
    pub fn carried(&self, plan: &Plan, hosts: &[(&str, Arc<dyn Store>)]) -> Result<Bound, String> {
        // All that can be refused is, before the first state is carried over.
        Bound::new(plan, hosts)?;
        let local = Arc::new(self.local.carried(&plan.declarations).map_err(beyond)?);
        let instead = match (&self.instead, plan.instead()) {
            (Some(before), Some(declarations)) => Some(before.carried(&declarations)),
            (None, Some(declarations)) => Some(Local::new(&declarations)),
            (_, None) => None,
        };
        let instead = instead.transpose().map_err(beyond)?;
        Bound::with(plan, hosts, local, instead)
    }

    /// The store of this process.
    #[inline]
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// What stands in for stores that cannot be asked, where a state says so.
    #[inline]
    pub fn instead(&self) -> Option<&Local> {
        self.instead.as_ref()
    }

    /// The store of a state, by its number, where that is the one of this process.
    #[inline]
    pub(crate) fn at_hand(&self, state: u32) -> Option<&Local> {
        match self.stores.get(state as usize) {
            Some(None) => Some(&self.local),
            _ => None,
        }
    }

    /// Asks the store of an operation, if the outcome is at hand. That of no state never is.
    pub(crate) fn ask(&self, operation: &Operation<'_>) -> Outcome {
        match self.stores.get(operation.state as usize) {
            Some(None) => self.local.ask(operation),
            Some(Some(store)) => store.ask(operation),
            None => Outcome::Later,
        }
    }

    /// Asks the store of an operation, and waits for it. That of no state is not at hand for ever.
    pub fn perform(&self, operation: &Operation<'_>) -> Outcome {
        match self.stores.get(operation.state as usize) {
            Some(None) => self.local.ask(operation),
            Some(Some(store)) => {
                let mut outcomes = Vec::with_capacity(1);
                store.perform(std::slice::from_ref(operation), &mut outcomes);
                outcomes.pop().unwrap_or(Outcome::Later)
            }
            None => Outcome::Later,
        }
    }

    /// Gives back the slots (`enter()`) that a decision holds, by its id.
    pub fn finish(&self, decision: &str) {
        if self.stores.iter().any(Option::is_none) {
            self.local.finish(decision.as_bytes());
        }
        let stores = self.stores.iter().flatten();
        for (i, store) in stores.clone().enumerate() {
            // Several states are in one store.
            if !stores.clone().take(i).any(|s| Arc::ptr_eq(s, store)) {
                store.finish(decision.as_bytes());
            }
        }
        if let Some(instead) = &self.instead {
            instead.finish(decision.as_bytes());
        }
    }
}

/// A declaration that asks too much of a store.
fn beyond(limit: Limit) -> String {
    limit.to_string()
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").finish_non_exhaustive()
    }
}
