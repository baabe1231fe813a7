//! The natives of the prelude, one file a module.

pub mod core;
pub mod hash;
pub mod net;
pub mod text;
pub mod time;
