//! # What this is
//!
//! `libtollgate`: Tollgate for C and for every language that calls C. `include/tollgate.h` is the documentation for those who call it;
//! this is the other side of it.
//!
//! # What goes in and comes out
//!
//! Pointers of C go in; each is checked where it can be and becomes a borrow for the length of the call. Handles (boxes and counted references)
//! and texts that they own come out, and errors as handles with a sentence and JSON.
//!
//! # Invariants
//!
//! - No panic crosses the border: every function that does more than to read a field runs under `border::guard`.
//! - A null pointer, a text that is not UTF-8, a handle of another kind, a number out of range: an error, never a crash.
//! - What is read from C is never trusted to be a valid `bool` or `enum` of Rust: those cross as whole numbers.
//! - `include/tollgate.h` is what cbindgen makes of this crate; a test compares. It is the same whatever the features: what needs a compiler says so where
//!   there is none.
//!
//! # Where to start reading
//!
//! The header; then `border.rs`, through which every function goes.
//!
//! # What it must not know
//!
//! Anything but the face.

#![allow(
    unsafe_code,
    reason = "the functions are called by C: each dereferences what it is handed under the contract of the header"
)]
#![allow(
    clippy::missing_safety_doc,
    reason = "the contract stands once, at the top of the header"
)]

pub mod border;
#[cfg(feature = "compiler")]
mod compiler;
#[cfg(not(feature = "compiler"))]
#[path = "no_compiler.rs"]
mod compiler;
pub mod decision;
pub mod entry;
pub mod error;
pub mod program;
pub mod session;
pub mod states;
pub mod value;

#[cfg(test)]
mod tests;
