//! Compiled code against the interpreter: every instruction, and random programs, at every effort.
#![cfg(feature = "llvm")]

use tollgate_backend_api::{Backend, Executable};
use tollgate_backend_llvm::{Effort, Llvm};
use tollgate_backend_suite::shapes::carried;
use tollgate_backend_suite::{CORPUS, Rng, agree, legal, legalize, random};
use tollgate_ir::Legalized;

/// At every effort, whole and in the smallest pieces.
fn compile(module: &Legalized) -> Vec<Box<dyn Executable>> {
    let whole = Llvm::default().piece;
    let how = [
        (Effort::None, whole),
        (Effort::Some, whole),
        (Effort::Full, whole),
        (Effort::None, 1),
        (Effort::Full, 4),
    ];
    let compiled = how.map(|(effort, piece)| Llvm { effort, piece }.compile(module));
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
    agree(&module, &all(&compile(&module)), 100, &mut Rng(1));
}

/// What a block is given by branches of its own piece is found in the next one, wherever the border lies.
#[test]
fn what_is_carried_over_borders_of_pieces_agrees() {
    let module = legalize(carried(60));
    for piece in 2..40 {
        let effort = Effort::None;
        let program = Llvm { effort, piece }.compile(&module).unwrap();
        agree(&module, &[&*program], 10, &mut Rng(piece as u64));
    }
}

#[test]
fn random_programs_agree_with_the_interpreter() {
    for seed in 0..20 {
        let mut rng = Rng(seed);
        let module = legalize(random::module(&mut rng));
        agree(&module, &all(&compile(&module)), 8, &mut rng);
    }
}
