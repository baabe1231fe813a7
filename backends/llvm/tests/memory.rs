//! Code is freed with its program. In a process of its own: what is measured is the process's memory.
#![cfg(feature = "llvm")]

use tollgate_backend_api::Backend;
use tollgate_backend_llvm::{Effort, Llvm};
use tollgate_backend_suite::stress;

#[test]
fn programs_that_are_dropped_leave_nothing_behind() {
    let llvm = Llvm {
        effort: Effort::None,
        ..Llvm::default()
    };
    stress::leave_nothing_behind(&|module| llvm.compile(module).unwrap(), 1_000);
}
