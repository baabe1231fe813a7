//! Compiled code against the interpreter: every instruction, and random programs.

use tollgate_backend_api::{Backend, Executable};
use tollgate_backend_cranelift::Cranelift;
use tollgate_backend_suite::{CORPUS, Rng, agree, legal, legalize, random};
use tollgate_ir::Legalized;

fn compile(module: &Legalized) -> Box<dyn Executable> {
    Cranelift.compile(module).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn every_instruction_agrees_with_the_interpreter() {
    let module = legal(CORPUS);
    agree(&module, &[&*compile(&module)], 200, &mut Rng(1));
}

#[test]
fn random_programs_agree_with_the_interpreter() {
    for seed in 0..400 {
        let mut rng = Rng(seed);
        let module = legalize(random::module(&mut rng));
        agree(&module, &[&*compile(&module)], 8, &mut rng);
    }
}
