//! Large programs, deep ones, and many of them.

use tollgate_backend_api::{Backend, Executable};
use tollgate_backend_cranelift::Cranelift;
use tollgate_backend_suite::stress;
use tollgate_ir::Legalized;

fn compile(module: &Legalized) -> Box<dyn Executable> {
    Cranelift.compile(module).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn the_deepest_calls_fit_the_stack() {
    stress::deepest_calls(&compile);
}

#[test]
fn ten_thousand_rules_in_one_function_are_compiled_in_linear_time() {
    stress::linear_time(&compile);
}

#[test]
fn a_program_that_is_dropped_leaves_nothing_behind() {
    stress::leaves_nothing_behind(&compile, 10_000);
}

#[test]
fn two_programs_run_in_sixteen_threads() {
    stress::sixteen_threads(&compile);
}

#[test]
fn words_of_other_types_are_harmless() {
    stress::words_of_other_types(&compile);
}
