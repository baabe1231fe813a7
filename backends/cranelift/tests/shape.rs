//! What the code looks like, and large programs, deep ones, and many of them.

use tollgate_backend_api::{Backend, Executable};
use tollgate_backend_cranelift::{Cranelift, Effort};
use tollgate_backend_suite::legal;
use tollgate_backend_suite::stress::{self, ROUTE};
use tollgate_ir::Legalized;

fn compile(module: &Legalized) -> Box<dyn Executable> {
    Cranelift::default()
        .compile(module)
        .unwrap_or_else(|e| panic!("{e}"))
}

/// What people read: names of what is called, and of the rules that have decided.
#[test]
fn a_rule_set_as_clif() {
    insta::assert_snapshot!(
        "route",
        Cranelift::default().show(&legal(ROUTE), "clif").unwrap()
    );
}

#[test]
fn a_stage_that_is_none_is_refused() {
    let refused = Cranelift::default()
        .show(&legal(ROUTE), "llvm")
        .unwrap_err();
    let expected = "the backend `cranelift` has no stage `llvm` of its own; it has clif, asm";
    assert_eq!(refused.to_string(), expected);
    assert!(
        Cranelift::default()
            .show(&legal(ROUTE), "asm")
            .unwrap()
            .contains("ret")
    );
}

#[test]
fn the_deepest_calls_fit_the_stack() {
    stress::deepest_calls(&compile);
    // Registers that are given out in one pass take more of it.
    let effort = Effort::None;
    stress::deepest_calls(&|module| {
        let made = Cranelift { effort }.compile(module);
        made.unwrap_or_else(|e| panic!("{e}"))
    });
}

#[test]
fn ten_thousand_rules_in_one_function_are_ten_times_the_code_of_a_thousand() {
    stress::linear_code(&compile);
}

#[test]
fn two_programs_run_in_sixteen_threads() {
    stress::sixteen_threads(&compile);
}

#[test]
fn words_of_other_types_are_harmless() {
    stress::words_of_other_types(&compile);
}
