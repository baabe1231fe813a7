//! Tests of the border from inside: the header, and hostile arguments. Programs in C and C++ stand in `tests/programs.rs`.

mod header;
#[cfg(feature = "compiler")]
mod hostile;
