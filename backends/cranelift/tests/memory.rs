//! Code is freed with its program. In a process of its own: what is measured is the process's memory.

use tollgate_backend_api::Backend;
use tollgate_backend_cranelift::Cranelift;
use tollgate_backend_suite::stress;

#[test]
fn programs_that_are_dropped_leave_nothing_behind() {
    stress::leave_nothing_behind(
        &|module| Cranelift::default().compile(module).unwrap(),
        10_000,
    );
}
