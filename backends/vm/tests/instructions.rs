//! Every instruction of the IR on the machine, against the interpreter.

mod common;

use common::{Rng, compare, legal};
use tollgate_backend_api::Executable;
use tollgate_backend_vm::{OPCODES, Program};
use tollgate_ir::instructions::Opcode;

const CORPUS: &str = include_str!("instructions.tir");

#[test]
fn every_instruction_agrees_with_the_interpreter() {
    compare(&legal(CORPUS), 200, &mut Rng(1));
}

/// A new instruction fails here until the corpus has it.
#[test]
fn the_corpus_has_every_instruction() {
    let module = legal(CORPUS);
    let used: Vec<Opcode> = module
        .funcs
        .values()
        .flat_map(|func| func.insts.values())
        .map(|data| data.inst.opcode())
        .collect();
    for opcode in Opcode::ALL {
        // Legal IR has no rule sets left.
        if !matches!(opcode, Opcode::Decide | Opcode::DecideMarked) {
            assert!(used.contains(opcode), "no test of `{}`", opcode.mnemonic());
        }
    }
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
