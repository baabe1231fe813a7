//! # What this is
//!
//! Native code through LLVM: a program is compiled into memory while it is loaded, or into an object file, slowly and well. The crate is empty without its feature
//! `llvm`, which needs LLVM 22 on the machine (`cargo xtask llvm`).
//!
//! # What goes in and comes out
//!
//! In: legal IR. Out: machine code behind an `Executable` or in an object file, or text that shows how it came about (`--stage llvm`, `--stage asm`).
//!
//! # Invariants
//!
//! - Values, calls and the functions of the runtime are those of `tollgate_native_abi`; nothing is agreed with the runtime but there.
//! - No function of LLVM's is large: a large function of the IR is cut into pieces (`lower/pieces.rs`), so compiling is linear in
//!   the program.
//! - Blocks and values go over one to one: the IR's block parameters are LLVM's phis.
//! - Each program is compiled in an LLVM context of its own, so threads compile at once. Nothing of LLVM is left when it runs but what a thread
//!   that compiles keeps of the machine.
//! - Code is never writable and executable at once, and is freed with the program.
//! - No instruction traps.
//!
//! # Where to start reading
//!
//! `lower.rs` (a function), `lower/inst.rs` (one method an instruction), `lower/words.rs` (between words and registers). `jit.rs` puts the
//! functions into memory, `object.rs` into a file, `facts.rs` is what LLVM is told and cannot see.
//!
//! # What it must not know
//!
//! Any other backend, the optimizer, the source language.

#![cfg_attr(
    feature = "llvm",
    allow(unsafe_code, reason = "addresses of compiled functions are called")
)]

#[cfg(feature = "llvm")]
mod backend;
#[cfg(feature = "llvm")]
mod debug;
#[cfg(feature = "llvm")]
mod emit;
#[cfg(feature = "llvm")]
mod facts;
#[cfg(feature = "llvm")]
mod jit;
#[cfg(feature = "llvm")]
mod lower;
#[cfg(feature = "llvm")]
mod machine;
#[cfg(feature = "llvm")]
mod memory;
#[cfg(feature = "llvm")]
mod object;
#[cfg(feature = "llvm")]
mod show;
#[cfg(feature = "llvm")]
mod weights;

#[cfg(feature = "llvm")]
pub use backend::Llvm;
#[cfg(feature = "llvm")]
pub use machine::{CPU_VARIABLE, Effort};
