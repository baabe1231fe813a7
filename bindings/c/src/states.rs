//! States: where those of a program are kept, and what becomes of them when another program follows.

use std::ffi::{CString, c_char};
use std::sync::{Arc, OnceLock};

use tollgate::state::Declaration;
use tollgate::{OpenStores, States, Stores};

use crate::border::{Status, borrow, guard, name, out, text};
use crate::decision::put;
use crate::error::{Error, Failure, c_string};
use crate::program::{Compiled, Program, handle};
use crate::value::Text;

/// Where the states of a program are kept. Programs that differ in their data only share it.
#[derive(Default)]
pub(crate) struct Kept {
    stores: Stores,
    /// Made when the first session wants them, or the program behind this one.
    states: OnceLock<States>,
}

/// A state as C is told of it.
pub(crate) struct Named {
    name: CString,
    store: CString,
}

impl Kept {
    /// The states of the program that this belongs to.
    pub(crate) fn states(&self, program: &tollgate::Program) -> Result<&States, Failure> {
        if let Some(states) = self.states.get() {
            return Ok(states);
        }
        let made = program.states(&open(&self.stores, program)?)?;
        // Another thread may have been faster; its states are then those of both.
        Ok(self.states.get_or_init(|| made))
    }

    /// The same states, one more of whose stores is known: nothing was kept yet.
    fn with(&self, name: &str, address: &str) -> Result<Kept, Failure> {
        let mut stores = self.stores.clone();
        stores.add(name, address)?;
        Ok(Kept {
            stores,
            states: OnceLock::new(),
        })
    }
}

impl Named {
    /// What C is told of the states that a program declares.
    fn all(declarations: &[Declaration]) -> Vec<Named> {
        let named = |declaration: &Declaration| Named {
            name: c_string(declaration.name.clone()),
            store: c_string(declaration.store.clone()),
        };
        declarations.iter().map(named).collect()
    }
}

/// The program with a store for the states that are not kept in this process: by the `name` that the rules use (`store: redis.limits`), at an
/// address such as `redis://127.0.0.1:6379/0?timeout=20ms`, in a library that was built with `redis`. A new program, whose reference the caller owns, to
/// be used instead of the old one: it does not share that one's states. Nothing is sent to the server before a decision asks it, and a server that does not
/// answer is no error: `on_failure` of a state says what holds then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_with_store(
    program: *const Program,
    name: *const c_char,
    address: *const c_char,
    with_store: *mut *mut Program,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        guard(error, || {
            let with_store = out(with_store)?;
            let compiled = borrow(program)?;
            let name = self::name(name, "the name of the store")?;
            let address = self::name(address, "the address of the store")?;
            let kept = compiled.kept.with(name, address)?;
            *with_store = handle(compiled.program.clone(), Arc::new(kept));
            Ok(())
        })
    }
}

/// The program as what comes after another one, for a reload: a new program, whose reference the caller owns. Of the states that are kept in
/// this process, those that both declare alike, with the same name and settings, hold what they held, also for decisions that still end by the old program;
/// others begin with nothing. Data that the program expects and was not given, and its stores where it was given none, are those of `before`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_after(
    program: *const Program,
    before: *const Program,
    after: *mut *mut Program,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        guard(error, || {
            let after = out(after)?;
            let (compiled, before) = (borrow(program)?, borrow(before)?);
            let states = before.kept.states(&before.program)?;
            let program = compiled
                .program
                .clone()
                .with_data_by_name(&before.program)?;
            let stores = match compiled.kept.stores.is_empty() {
                true => &before.kept.stores,
                false => &compiled.kept.stores,
            };
            let states = program.states_after(states, &open(stores, &program)?)?;
            let kept = Kept {
                stores: stores.clone(),
                states: OnceLock::from(states),
            };
            *after = handle(program, Arc::new(kept));
            Ok(())
        })
    }
}

/// A state that the program declares, by its number from 0: its name, and the name of the store that it is kept in, which is `local` for this
/// process. Both live as long as the program. 1 when there is one, 0 behind the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_state(
    program: *const Program,
    number: usize,
    name: *mut Text,
    store: *mut Text,
) -> i32 {
    let state = |compiled: &Compiled| {
        let declarations = compiled.program.declarations();
        let named = compiled.named.get_or_init(|| Named::all(declarations));
        let state = named.get(number)?;
        Some((Text::of(&state.name), Text::of(&state.store)))
    };
    // SAFETY: the contract of the header.
    unsafe { put(program, (name, store), state) }
}

/// Gives back the slots (`enter()`) that a decision took, by its id: what it let in has ended. By the program whose session decided; without this they are free
/// when their lease ends. An id that holds none is no mistake.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tollgate_program_finish(
    program: *const Program,
    id: Text,
    error: *mut *mut Error,
) -> Status {
    // SAFETY: the contract of the header.
    unsafe {
        guard(error, || {
            let kept = &borrow(program)?.kept;
            let id = text(id, "the id")?;
            // Where there are no states yet, nothing was decided.
            if let Some(states) = kept.states.get() {
                states.finish(id);
            }
            Ok(())
        })
    }
}

/// The stores that the states of a program are kept in besides this process.
fn open<'s>(stores: &'s Stores, program: &tollgate::Program) -> Result<OpenStores<'s>, Failure> {
    let declarations = program.declarations();
    if let Some(Declaration { name, store, .. }) = stores.missing(declarations) {
        return Err(Failure::failed(format!(
            "state `{name}` is kept in the store `{store}`, and where that is was not said: give the program this store"
        )));
    }
    Ok(stores.open(declarations)?)
}
