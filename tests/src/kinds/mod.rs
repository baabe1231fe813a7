//! § The kinds of test. A kind is a file here and a row in the table.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::Trial;
use tollgate::state::{Local, Store};
use tollgate::{OpenStores, Program};

mod analysis;
mod answered;
mod asked;
mod conformance;
mod covered;
mod dag;
mod damaged;
mod differential;
mod drawn;
mod embedded;
mod examples;
mod explained;
mod filetest;
mod format;
mod library;
mod predicates;
mod reached;
mod run;
mod searched;
mod stages;
mod ui;

/// Finds the trials of a kind below the root of the project.
pub(crate) type Kind = fn(root: &Path) -> Vec<Trial>;

/// Every kind.
pub(crate) const KINDS: &[Kind] = &[
    ui::trials,
    filetest::trials,
    conformance::trials,
    run::trials,
    library::trials,
    examples::trials,
    embedded::trials,
    damaged::trials,
    format::trials,
    stages::trials,
    dag::trials,
    differential::trials,
    asked::trials,
    predicates::trials,
    reached::trials,
    searched::trials,
    analysis::trials,
    explained::trials,
    answered::trials,
    covered::trials,
    drawn::trials,
];

/// Stores of this process in the place of those that a program asks elsewhere.
pub(crate) fn stores_here(program: &Program) -> Result<OpenStores<'_>, String> {
    let local = Local::new(program.declarations()).map_err(|e| e.to_string())?;
    let local: Arc<dyn Store> = Arc::new(local);
    let elsewhere = program.declarations().iter().filter(|d| d.store != "local");
    Ok(elsewhere
        .map(|declared| (&*declared.store, Arc::clone(&local)))
        .collect())
}

/// The files with an ending below a folder, sorted.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
