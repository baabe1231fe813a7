//! (skeleton: the crate docs are written with the rest)
pub mod entities;
pub mod instructions;
pub mod module;
pub mod operand;
pub mod types;

/// A module that the verifier found legal for backends: verified, and no rule sets left.
#[derive(Clone, Debug)]
pub struct Legalized(module::Module);

impl std::ops::Deref for Legalized {
    type Target = module::Module;
    fn deref(&self) -> &module::Module {
        &self.0
    }
}
