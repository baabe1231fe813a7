//! # What this is
//!
//! Text to tree: the lexer, the grammar and the syntax tree of the Tollgate language.

#![forbid(unsafe_code)]

pub mod ast;
pub mod source;
