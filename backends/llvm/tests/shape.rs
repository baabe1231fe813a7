//! Large programs, deep ones, and many of them.
#![cfg(feature = "llvm")]

use tollgate_backend_api::{Backend, Executable};
use tollgate_backend_llvm::{Effort, Llvm};
use tollgate_backend_suite::stress;
use tollgate_ir::Legalized;

fn compile(module: &Legalized) -> Box<dyn Executable> {
    with(Effort::Full)(module)
}

fn with(effort: Effort) -> impl Fn(&Legalized) -> Box<dyn Executable> + Sync {
    move |module| {
        let llvm = Llvm {
            effort,
            ..Llvm::default()
        };
        llvm.compile(module).unwrap_or_else(|e| panic!("{e}"))
    }
}

#[test]
fn the_deepest_calls_fit_the_stack() {
    stress::deepest_calls(&with(Effort::None));
    stress::deepest_calls(&compile);
}

#[test]
fn ten_thousand_rules_in_one_function_are_compiled_in_linear_time() {
    for effort in [Effort::None, Effort::Some, Effort::Full] {
        stress::linear_time(&with(effort));
    }
}

#[test]
fn two_programs_run_in_sixteen_threads() {
    stress::sixteen_threads(&compile);
}

#[test]
fn words_of_other_types_are_harmless() {
    stress::words_of_other_types(&with(Effort::None));
    stress::words_of_other_types(&compile);
}
