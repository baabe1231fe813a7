//! # What this is
//!
//! `#[derive(Facts)]` and `#[derive(Outcome)]`: a host's own types as what rules read and what they give.
//!
//! # What goes in and comes out
//!
//! In: a struct or an enum. Out: its implementation of `tollgate::Fact` or `tollgate::Outcome`, which says what it looks like
//! and goes through its fields.
//!
//! # Invariants
//!
//! - What is generated names everything by its path from `::tollgate`, and has no `unsafe`.
//! - What cannot be derived is an error at the field that is to blame.
//!
//! # Where to start reading
//!
//! `shape.rs` (what is read of a type and its attributes), then `facts.rs` and `outcome.rs`.
//!
//! # What it must not know
//!
//! Anything of Tollgate but the names of those two traits and of what they are given.

mod facts;
mod outcome;
mod shape;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Values of a struct, or of an enum, can be facts: implements `tollgate::Fact`.
///
/// Fields go by their names; a variant of an enum by its name. `#[facts(name = "…")]` says another one, `#[facts(skip)]` leaves a field
/// out. `#[facts(by = method, as = Type)]` takes a field from a method `fn(&self) -> Option<&Type>` that is called only if some rule reads the
/// field: so a body is parsed only where somebody asks for it.
#[proc_macro_derive(Facts, attributes(facts))]
pub fn facts(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    facts::derive(&input)
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

/// A decision's value can become a value of a struct or an enum: implements `tollgate::Outcome`.
///
/// Fields and variants go by their names; `#[outcome(name = "…")]` says another one. A type with a lifetime borrows its texts from the
/// decision.
#[proc_macro_derive(Outcome, attributes(outcome))]
pub fn outcome(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    outcome::derive(&input)
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}
