//! A decision allocates nothing from the system once its arena has grown.

use tollgate_backend_suite::counting::Counting;
use tollgate_backend_suite::{CORPUS, allocates_nothing, legal};
use tollgate_backend_vm::Program;

#[global_allocator]
static MEMORY: Counting = Counting;

#[test]
fn a_decision_allocates_nothing_from_the_system() {
    let module = legal(CORPUS);
    let program = Program::compile(&module).unwrap();
    allocates_nothing(&module, &program, &|| MEMORY.allocations());
}
