//! The value kinds that are more than a number or a text: one file each.

pub mod net;
