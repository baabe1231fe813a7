//! A program ready to decide: compiled, its entry there, its data given. What `run` and `bench` begin with.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tollgate::state::Declaration;
use tollgate::{Engine, Entry, Program, Stores};

use super::{Outcome, Result, explain_failure, show};
use crate::args::StoreArgs;

/// A program that can decide by an entry, or how the command ends because there is none.
pub(crate) enum Ready {
    /// It can decide.
    Yes {
        program: Program,
        entry: Entry,
        /// How long compiling took, without the data.
        compiling: Duration,
    },
    /// The rules do not compile, which was said.
    No(Outcome),
}

/// Compiles `file`, or loads it where it is an artifact, which has to be signed by one of the keys in `trust`, if there are some. Shows what the compiler says, finds the entry and gives the data.
pub(crate) fn ready(
    engine: &Engine,
    file: &Path,
    name: &str,
    data: &[(String, PathBuf)],
    trust: &[PathBuf],
) -> Result<Ready> {
    let began = Instant::now();
    let opened = match trust {
        [] => engine.open(file),
        trust => engine.open_signed(file, &tollgate::public_keys(trust)?),
    };
    let program = match opened {
        Ok(program) => program,
        Err(error) => return explain_failure(error).map(Ready::No),
    };
    let compiling = began.elapsed();
    show(program.report());
    let Ok(entry) = program.entry(name) else {
        let entries: Vec<&str> = program.entries().collect();
        return Err(match &entries[..] {
            [] => format!(
                "{} has nothing that decides: no rule set, guard, table or pipeline",
                file.display()
            ),
            _ => format!(
                "{} has no `{name}`; it has {}",
                file.display(),
                entries.join(", ")
            ),
        }
        .into());
    };
    let program = with_data(program, file, data)?;
    Ok(Ready::Yes {
        program,
        entry,
        compiling,
    })
}

/// Gives a program its data from files, all that it wants.
pub(crate) fn with_data(
    mut program: Program,
    rules: &Path,
    data: &[(String, PathBuf)],
) -> Result<Program> {
    for (data, file) in data {
        let json = fs::read(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
        program = program
            .with_data(data, &json)
            .map_err(|e| format!("{}: {e}", file.display()))?;
    }
    if let Some(missing) = program.missing_data().next() {
        return Err(format!(
            "{} expects data `{missing}`: add --data {missing}=FILE, a JSON file",
            rules.display()
        )
        .into());
    }
    Ok(program)
}

/// The stores that were named, when they are those that the states want.
pub(crate) fn stores(args: &StoreArgs, declarations: &[Declaration]) -> Result<Stores> {
    let mut stores = Stores::new();
    for (name, address) in &args.store {
        stores.add(name, address)?;
    }
    if let Some(Declaration { name, store, .. }) = stores.missing(declarations) {
        return Err(format!(
            "state `{name}` is kept in the store `{store}`: say where that is, --store {store}=redis://127.0.0.1:6379/0"
        )
        .into());
    }
    stores.all_used(declarations)?;
    Ok(stores)
}
