//! # What this is
//!
//! Compiled rules inside another program: what an object file holds besides machine code, how C sees the values of a program, the header that
//! tells a C compiler so, and the program and its sessions once it is loaded.
//!
//! # What goes in and comes out
//!
//! On the side of the compiler: a program goes in, and the bytes of [`Contents`] and the text of a [`header`] come out. On the side of the
//! runtime library: an [`Image`](tollgate_native_abi::object::Image) goes in, and a [`Program`] with its [`Session`]s comes out, which takes facts as C lays them down, or as
//! JSON; the states that its rules declare are held by the program, in this process.
//!
//! # Invariants
//!
//! - Where a value lies in memory is worked out in one place, [`layout`], which the header, [`read`] and [`write`](mod@write) all follow; the header makes the C
//!   compiler compare it.
//! - What comes from outside is let in by the runtime's boundary, as JSON is: canonical, checked, or refused.
//! - What is read back is the IR's own text, so that a new instruction needs no new format.
//!
//! # Where to start reading
//!
//! `layout.rs` (the table at its top), `header.rs` with `tollgate.h`, then `program.rs`. The functions that C calls are `backends/rt`.
//!
//! # What it must not know
//!
//! The source language, the optimizer, any code generator.

#![allow(
    unsafe_code,
    reason = "memory that C laid out is read and written here"
)]

pub mod contents;
pub mod header;
pub mod kept;
pub mod layout;
pub mod program;
pub mod read;
pub mod write;

pub use contents::Contents;
pub use layout::Layouts;
pub use program::{Failure, Program, Session};
