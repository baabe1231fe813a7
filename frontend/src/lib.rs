//! (skeleton: the crate docs are written with the rest)
mod check;
pub mod diagnostics;
pub mod hir;
pub mod hir_print;
pub mod library;
pub mod lower;
pub mod types;
