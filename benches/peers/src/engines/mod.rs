//! The engines, each in a file of its own.

mod atree;
mod cedar;
mod cel;
mod luajit;
mod regorus;
mod rhai;
mod rust;
mod tollgate;
mod wirefilter;
mod words;
mod zen;

use tollgate_workloads::Workload;

use crate::peer::Peer;

/// Takes the rules of a workload in, or says why it cannot.
pub type Build = fn(&'static Workload) -> Result<Box<dyn Peer>, String>;

/// Every engine, by name. The first is the one that ratios are of.
pub const ENGINES: &[(&str, Build)] = &[
    ("tollgate", tollgate::vm),
    ("tollgate-cranelift", tollgate::cranelift),
    #[cfg(feature = "llvm")]
    ("tollgate-llvm", tollgate::llvm),
    ("rust-index", rust::index),
    ("rust-linear", rust::linear),
    ("luajit", luajit::chain),
    ("luajit-index", luajit::index),
    ("wirefilter", wirefilter::build),
    ("a-tree", atree::build),
    ("zen-expression", zen::build),
    ("cel", cel::build),
    ("rhai", rhai::build),
    ("regorus", regorus::build),
    ("cedar", cedar::build),
];
