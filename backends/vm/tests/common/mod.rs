//! The comparison with the interpreter, of a program just compiled and of the same behind a file.

use tollgate_backend_api::Executable;
use tollgate_backend_suite::{NATIVES, Rng, agree};
use tollgate_backend_vm::Program;
use tollgate_ir::Legalized;
use tollgate_ir::cost::Costs;
use tollgate_runtime::Native;

/// The natives of the tests by name.
pub(crate) fn natives(name: &str) -> Option<&'static Native> {
    NATIVES.iter().copied().find(|native| native.name == name)
}

/// Runs every function of a module on random inputs, on both engines, and on the machine once more behind a file.
/// Steps are compared too, and the static bound is the verifier's.
#[allow(
    dead_code,
    reason = "every test file is its own crate, and one only loads"
)]
pub(crate) fn compare(module: &Legalized, rounds: usize, rng: &mut Rng) {
    let program = Program::compile(module).unwrap_or_else(|e| panic!("{e}"));
    let loaded = Program::load(&program.bytes(), &natives).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(program.listing(), loaded.listing());
    let costs = Costs::new(module);
    for (id, func) in module.funcs.iter() {
        assert_eq!(program.bound(id), costs.func(id), "{}", func.name);
    }
    agree(module, &[&program, &loaded], rounds, rng);
}
