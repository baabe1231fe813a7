//! # What this is
//!
//! The spine of the compiler: an SSA form with block parameters in which every branch goes forward and rule sets are still
//! whole. It has a text form that prints and parses, a verifier, a definition of what every instruction means, and
//! a reference interpreter.
//!
//! # What goes in and comes out
//!
//! The frontend builds a [`Module`](module::Module) with a [`FuncBuilder`](builder::FuncBuilder); passes change it; [`verify::legal`] turns it into
//! [`Legalized`], which is all that a backend takes. Tests write modules as text ([`text::parse`]).
//!
//! # Invariants
//!
//! - No loops: branches go forward, the call graph has no cycle and a limited depth. So everything ends, and at a known price ([`cost`]).
//! - No type rule stands anywhere but in [`typing`], and no meaning anywhere but in [`semantics`].
//! - No instruction is listed anywhere but in [`for_each_inst!`]: a new row does not compile until every place has thought about it.
//! - What is printed parses to what prints the same; no text makes the parser panic.
//! - Nothing recurses over the size of a program, and nothing here is quadratic in it.
//! - Nothing depends on addresses, clocks or the order of a hash table.
//!
//! # Where to start reading
//!
//! [`module`] for what there is, [`instructions`] for the table, [`text`] for how it looks, [`verify`] for what must hold.
//! Then [`interp`], which says what it all means.
//!
//! # What it must not know
//!
//! The source language, any pass, any backend.

#![forbid(unsafe_code)]

pub mod asks;
pub mod builder;
pub mod callgraph;
pub mod cfg;
pub mod cost;
pub mod dom;
pub mod draw;
pub mod edit;
pub mod entities;
pub mod fields;
pub mod instructions;
pub mod interp;
pub mod module;
pub mod operand;
pub mod predicates;
pub mod reads;
pub mod rule_index;
pub mod semantics;
pub mod text;
pub mod trace;
pub mod types;
pub mod typing;
pub mod verify;

/// A module that the verifier ([`verify::legal`]) found legal for backends: verified, and no rule sets left.
#[derive(Clone, Debug)]
pub struct Legalized(module::Module);

/// How hard to try to make a program fast.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Level {
    /// Only what backends need: rule sets become functions.
    O0,
    /// Every pass once.
    O1,
    /// Every pass until nothing changes, a few times at most, and more inlining.
    #[default]
    O2,
}

impl Legalized {
    /// The module, of which nothing is promised any more.
    pub fn into_module(self) -> module::Module {
        self.0
    }
}

impl std::ops::Deref for Legalized {
    type Target = module::Module;
    fn deref(&self) -> &module::Module {
        &self.0
    }
}

/// Our own mistake: panics with what went wrong and asks for a report. An author or an input never gets here.
#[macro_export]
macro_rules! bug {
    ($($what:tt)*) => {
        panic!("this is a bug in tollgate, please report it: {}", format_args!($($what)*))
    };
}
