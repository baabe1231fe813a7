//! # What this is
//!
//! The passes of the compiler: IR to better IR. Rule sets become functions here, conditions and outcomes are inlined into them,
//! and what rules have in common is computed once.
//!
//! # What goes in and comes out
//!
//! A [`Module`](tollgate_ir::module::Module) goes in, [`Legalized`](tollgate_ir::Legalized) IR comes out: verified, and without rule
//! sets. An observer is told what each pass did.
//!
//! ```
//! use tollgate_ir::builder::FuncBuilder;
//! use tollgate_ir::instructions::Inst;
//! use tollgate_ir::module::Module;
//! use tollgate_ir::types::Type;
//! use tollgate_optimizer::{Event, Level, Options, Size, run};
//!
//! let mut module = Module::default();
//! let mut b = FuncBuilder::new(&mut module, "answer", &[], Type::INT);
//! let (six, seven) = (b.iconst(6), b.iconst(7));
//! let product = b.ins(Inst::Imul { a: six, b: seven });
//! b.ret(product);
//! b.finish();
//!
//! let mut changed = Vec::new();
//! let module = run(module, &Options::new(Level::O2), &mut |event| {
//!     if let Event::After { pass, changed: true, .. } = event {
//!         changed.push(pass.name);
//!     }
//! })
//! .unwrap();
//! assert_eq!(changed, ["const_fold", "dce"]);
//! assert_eq!(Size::of(&module).insts, 1);
//! ```
//!
//! # Invariants
//!
//! - For every input, a module decides the same before and after a pass: value and marks. Steps never exceed the bound.
//! - Marks are not dropped, doubled or reordered, nor is anything else that is visible.
//! - Nothing is computed on a path where it was not computed before, but a few instructions that cost a processor less than the branch
//!   around them (`if_convert`), in what becomes machine code.
//! - No pass is quadratic in the size of the program, and none recurses over it.
//! - What comes out depends on what goes in alone: no clock, no addresses, no order of a hash table.
//!
//! # Where to start reading
//!
//! The table in [`pipeline`], then any file of `passes`; each says what it does, after which paper, and what it costs.
//!
//! # What it must not know
//!
//! The source language, any backend.

#![forbid(unsafe_code)]

mod blocks;
mod consts;
mod finder;
mod pass;
mod passes;
pub mod pipeline;
mod walk;

pub use passes::index_rulesets::{WhyChain, why_chain};
pub use pipeline::{
    Aim, Bug, Event, Level, Options, PASSES, Pass, Size, pass, rewrites, run, run_pass,
};
