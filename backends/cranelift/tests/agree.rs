//! Compiled code against the interpreter: every instruction, and random programs.

use tollgate_backend_api::{Backend, Executable};
use tollgate_backend_cranelift::{Cranelift, Effort};
use tollgate_backend_suite::{CORPUS, Rng, agree, legal, legalize, random};
use tollgate_ir::Legalized;

fn compile(module: &Legalized) -> [Box<dyn Executable>; 2] {
    [Effort::None, Effort::Full].map(|effort| {
        let made = Cranelift { effort }.compile(module);
        made.unwrap_or_else(|e| panic!("{e}"))
    })
}

#[test]
fn every_instruction_agrees_with_the_interpreter() {
    let module = legal(CORPUS);
    let [soon, well] = compile(&module);
    agree(&module, &[&*soon, &*well], 200, &mut Rng(1));
}

#[test]
fn random_programs_agree_with_the_interpreter() {
    for seed in 0..400 {
        let mut rng = Rng(seed);
        let module = legalize(random::module(&mut rng));
        let [soon, well] = compile(&module);
        agree(&module, &[&*soon, &*well], 8, &mut rng);
    }
}
