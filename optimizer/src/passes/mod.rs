//! The passes, one file each. What they are for, and in which order they run, stands in [`crate::pipeline`].

pub(crate) mod const_fold;
pub(crate) mod dce;
pub(crate) mod gvn;
pub(crate) mod if_convert;
pub(crate) mod index_rulesets;
pub(crate) mod inline;
pub(crate) mod lower_rulesets;
mod rulesets;
pub(crate) mod sccp;
pub(crate) mod simplify;
pub(crate) mod simplify_cfg;
