//! Every instruction of the IR on the machine, against the interpreter.

mod common;

use common::compare;
use tollgate_backend_api::Executable;
use tollgate_backend_suite::{CORPUS, Rng, legal};
use tollgate_backend_vm::{OPCODES, Program};

#[test]
fn every_instruction_agrees_with_the_interpreter() {
    compare(&legal(CORPUS), 200, &mut Rng(1));
}

/// A new opcode fails here until something in the corpus is compiled to it.
#[test]
fn the_corpus_reaches_every_opcode() {
    let listing = Program::compile(&legal(CORPUS)).unwrap().listing();
    let used: Vec<&str> = listing
        .lines()
        .filter_map(|l| l.split_whitespace().nth(1))
        .collect();
    for opcode in OPCODES {
        assert!(
            used.contains(&opcode.mnemonic),
            "no test of `{}`\n{listing}",
            opcode.mnemonic
        );
    }
}
