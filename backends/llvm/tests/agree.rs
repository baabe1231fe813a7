//! Compiled code against the interpreter: every instruction, and random programs, at every effort.
#![cfg(feature = "llvm")]

use tollgate_backend_api::{Backend, Executable};
use tollgate_backend_llvm::{Effort, Llvm};
use tollgate_backend_suite::{CORPUS, Rng, agree, legal, legalize, random};
use tollgate_ir::Legalized;

fn compile(module: &Legalized) -> Vec<Box<dyn Executable>> {
    let efforts = [Effort::None, Effort::Some, Effort::Full];
    let compiled = efforts.map(|effort| Llvm { effort }.compile(module));
    compiled
        .map(|program| program.unwrap_or_else(|e| panic!("{e}")))
        .into()
}

fn all(programs: &[Box<dyn Executable>]) -> Vec<&dyn Executable> {
    programs.iter().map(|program| &**program).collect()
}

#[test]
fn every_instruction_agrees_with_the_interpreter() {
    let module = legal(CORPUS);
    agree(&module, &all(&compile(&module)), 200, &mut Rng(1));
}

#[test]
fn random_programs_agree_with_the_interpreter() {
    for seed in 0..100 {
        let mut rng = Rng(seed);
        let module = legalize(random::module(&mut rng));
        agree(&module, &all(&compile(&module)), 8, &mut rng);
    }
}
