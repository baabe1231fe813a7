//! Items: everything that is declared.

pub(crate) mod types;
