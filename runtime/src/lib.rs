//! # What this is
//!
//! What a compiled rule needs at run time: words and values, the arena they live in, the kinds of value that
//! are more than a number (addresses, paths, hosts, times, money), patterns, natives, and the boundary that lets JSON in and out.
//!
//! # What goes in and comes out
//!
//! Facts come in through a [`schema`] (as JSON, or laid down field by field); words go to an engine together
//! with a [`Cx`]; words and marks come back.
//!
//! # Invariants
//!
//! - Nothing here knows that a compiler exists.
//! - Nothing here reads a clock, a file or the network.
//! - No operation on words fails or panics, whatever the words.
//! - `unsafe` stands in [`frozen`] only, under its SAFETY sentence.
//!
//! # Where to start reading
//!
//! [`word`] for the table of what every type is at run time, then [`schema`], then [`native`].
//!
//! # What it must not know
//!
//! The source language, the IR, any engine.

pub mod arena;
pub mod boundary;
pub mod cx;
pub mod facts;
pub mod fnv;
#[allow(
    unsafe_code,
    reason = "a tree of words borrows from the arena beside it"
)]
pub mod frozen;
pub mod http;
pub mod index;
pub mod json;
pub mod kinds;
pub mod language;
pub mod native;
pub mod pattern;
pub mod schema;
pub mod typed;
pub mod value;
pub mod word;

pub use arena::Arena;
pub use cx::{Cx, Mark, States};
pub use frozen::Frozen;
pub use native::Native;
pub use pattern::Pattern;
pub use value::Value;
pub use word::Word;
