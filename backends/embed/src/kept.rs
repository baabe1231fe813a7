//! How the states of a program are kept, beside its contents: in an object file, and in an artifact.
//!
//! ```text
//! length of the states 4, little-endian · states (JSON of a plan) · contents (JSON)
//! ```

use std::sync::Arc;

use tollgate_ask::{Asking, Bound, LOCAL, Plan, Record};
use tollgate_ir::module::Module;

use crate::contents::Contents;

/// A program as bytes, with how its states are kept. Linear.
///
/// # Errors
/// As [`Contents::bytes`].
pub fn join(plan: &Plan, contents: &Contents) -> Result<Vec<u8>, String> {
    let states = serde_json::to_vec(plan).map_err(|e| e.to_string())?;
    let contents = contents.bytes()?;
    let mut out = Vec::with_capacity(4 + states.len() + contents.len());
    out.extend((states.len() as u32).to_le_bytes());
    out.extend(states);
    out.extend(contents);
    Ok(out)
}

/// The states and the contents of such bytes; nothing where they end early.
pub fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*len) as usize)
}

/// How the states of a module are kept.
///
/// # Errors
/// When these are no states, or those of another module.
pub fn plan(states: &[u8], module: &Module) -> Result<Plan, String> {
    let plan: Plan = serde_json::from_slice(states).map_err(|e| format!("its states: {e}"))?;
    match plan.flaw(module) {
        Some(flaw) => Err(flaw),
        None => Ok(plan),
    }
}

/// Refuses what the library that an object file is linked with does not keep: streams, and states in stores elsewhere.
///
/// # Errors
/// Where there is one; names it.
pub fn keeps_here(plan: &Plan) -> Result<(), String> {
    let mut declarations = plan.declarations.iter();
    let kept = match (
        plan.streams.first(),
        declarations.find(|d| d.store != LOCAL),
    ) {
        (Some(stream), _) => format!("the stream `{}`", stream.name),
        (None, Some(state)) => format!("state `{}` in the store `{}`", state.name, state.store),
        (None, None) => return Ok(()),
    };
    Err(format!(
        "{kept} cannot be kept by the library that an object file is linked with: build an artifact (.tgb), or compile the rules where they decide"
    ))
}

/// The states of a program in this process, as its sessions ask them.
#[derive(Debug)]
pub(crate) struct Kept {
    plan: Plan,
    /// What of the module says where states are asked.
    module: Module,
    bound: Arc<Bound>,
}

impl Kept {
    /// The states of a program that asks some: with nothing in them, or with what another program holds for those that both declare alike.
    pub(crate) fn new(
        plan: Plan,
        module: &Module,
        before: Option<&Kept>,
    ) -> Result<Option<Kept>, String> {
        if plan.declarations.is_empty() {
            return Ok(None);
        }
        let bound = match before {
            Some(before) => before.bound.carried(&plan, &[])?,
            None => Bound::new(&plan, &[])?,
        };
        let mut asked = Module::default();
        asked.states = module.states.clone();
        asked.places = module.places.clone();
        Ok(Some(Kept {
            plan,
            module: asked,
            bound: Arc::new(bound),
        }))
    }

    /// What a decision asks, in the memory of the last one.
    pub(crate) fn asking(&self, memory: Record) -> Asking<'_> {
        Asking::new(&self.plan, &self.module, &self.bound, memory)
    }

    /// A state that could not be asked in a decision, and why.
    pub(crate) fn failure(&self, record: &Record, number: usize) -> Option<(&str, String)> {
        let (state, reason) = record.failures(&self.module).nth(number)?;
        Some((state, reason.to_string()))
    }

    /// Gives back what a decision holds.
    pub(crate) fn finish(&self, decision: &str) {
        self.bound.finish(decision);
    }
}
