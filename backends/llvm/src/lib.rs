//! # What this is
#![allow(missing_docs)]
