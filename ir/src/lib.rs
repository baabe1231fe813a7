//! (skeleton: the crate docs are written with the rest)
pub mod builder;
pub mod callgraph;
pub mod cfg;
pub mod cost;
pub mod dom;
pub mod edit;
pub mod entities;
pub mod instructions;
pub mod interp;
pub mod module;
pub mod operand;
pub mod semantics;
pub mod text;
pub mod types;
pub mod typing;
pub mod verify;

/// A module that the verifier ([`verify::legal`]) found legal for backends: verified, and no rule sets left.
#[derive(Clone, Debug)]
pub struct Legalized(module::Module);

impl std::ops::Deref for Legalized {
    type Target = module::Module;
    fn deref(&self) -> &module::Module {
        &self.0
    }
}

/// Our own mistake: panics with what went wrong and asks for a report. An author or an input never gets here.
#[macro_export]
macro_rules! bug {
    ($($what:tt)*) => {
        panic!("this is a bug in tollgate, please report it: {}", format_args!($($what)*))
    };
}
