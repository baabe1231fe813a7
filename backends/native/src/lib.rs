//! # What this is
//!
//! What native code and the runtime agree on, whatever generates the code: how values are held in registers and in memory,
//! how compiled functions are called, and which functions of the runtime they may call. Beside the agreement stands
//! everything that every code generator would otherwise write again: constants, patterns, natives and indexes laid out for
//! a program, and the [`Executable`](tollgate_backend_api::Executable) around its code.
//!
//! # What goes in and comes out
//!
//! A code generator asks [`Repr`] how a type is held, [`Plan`] which functions need which entry, and [`Function`] what it may
//! call; [`known`] says what takes no call because an operand is a constant. It hands its code and one [`Entry`] a function to [`Compiled::new`], and has a program that runs.
//!
//! ## Values
//!
//! In memory a value is a [`Word`](tollgate_runtime::Word) of 24 bytes: the tag at byte 0, the payload where
//! [`layout`] says. In registers it is *typed and untagged*: the parts of its type, each of one [`Kind`].
//!
//! | IR type | parts in registers | in memory: tag, and where the parts lie |
//! |---|---|---|
//! | `bool` | flag | 1; byte 1 |
//! | `int` | int | 2; byte 8 |
//! | `float` | float | 3; byte 8 |
//! | `str`, `bytes` | pointer, int (length in bytes) | 4, 5; bytes 8 and 16 |
//! | `ip` | int, int (its 16 bytes as they stand in memory) | 6; bytes 1 and 9 |
//! | `cidr` | int, int, flag (as `ip`, and the leading bits that count) | 7; bytes 1, 9 and 17 |
//! | list, set, map | pointer, int (length in words) | 8; bytes 8 and 16 |
//! | record of `n` fields | pointer to at least `n` words | 8; byte 8, and the length `n` at byte 16 |
//! | enum of variants without payload | tag (32 bits) | 9; byte 4, and an empty sequence at bytes 8 and 16 |
//! | any other enum | tag, pointer, int (length in words) | 9; bytes 4, 8 and 16 |
//! | `T?` | flag (1 if present), then the parts of `T` | 0 if absent, or that of the `T` |
//!
//! A part is never undefined: a value that is absent has the parts of its type's zero behind the flag. A pointer is never null and
//! points at as many readable bytes or words as the type and the length beside it say; an empty one is [`DANGLING`](layout::DANGLING).
//!
//! *Reading a word checks its tag* (and, for a record, its length). One of another kind reads as the type's zero, as
//! [`Word`](tollgate_runtime::Word)'s accessors do, so that no word can lead compiled code astray, whoever made it. A zero of a record
//! points at [`Context::zeros`].
//!
//! ## Calls
//!
//! Every function of the program has an [`Entry`]: context, arguments as words, room for the result as a word. This is how
//! the host, a search and a native's like call in. How compiled functions call one another is up to the code generator, which
//! has the parts of parameters and result in registers; the context comes first.
//!
//! Compiled code calls the runtime through the table of C functions at [`Context::functions`], by [`Function::offset`]. Nothing
//! is resolved by name, so code works in memory and in an object file ([`object`]) alike. None of these functions
//! unwinds.
//!
//! ## Marks and steps
//!
//! [`Context::marks`] is the trace as a plain array. Adding a mark is a store where there is room, and [`Function::Mark`] where there
//! may not be; forgetting marks is putting [`Context::marks_len`] back. Native code counts no steps.
//!
//! # Invariants
//!
//! - Meaning is written once: functions here call `tollgate_ir::semantics` and the runtime.
//! - Where Rust does not promise a layout, [`layout`] proves it while this crate compiles.
//! - No code generator, no word and no input makes a function here panic; should one, the process stops, for nothing unwinds into compiled code.
//! - Running allocates nothing but what a decision keeps in its arena.
//!
//! # Where to start reading
//!
//! The table above, then [`repr`], [`context`] and the table in [`functions`]. [`program`] runs it all.
//!
//! # What it must not know
//!
//! Any code generator, the source language, the optimizer.

#![allow(unsafe_code, reason = "compiled code and the runtime meet here")]

#[cfg(not(all(target_pointer_width = "64", target_endian = "little")))]
compile_error!(
    "native code is made for little-endian machines of 64 bits; build without the features `cranelift` and `llvm`"
);

pub mod context;
pub mod functions;
pub mod known;
pub mod layout;
pub mod object;
pub mod perf;
pub mod plan;
pub mod program;
pub mod repr;
mod search;

pub use context::{Context, Entry};
pub use functions::{Effect, Function, Functions};
pub use plan::{Form, Plan};
pub use program::{Code, Compiled};
pub use repr::{Kind, Part, Repr, Shape};
