//! A decision allocates nothing from the system once its arena has grown.
#![cfg(feature = "llvm")]

use tollgate_backend_api::Backend;
use tollgate_backend_llvm::Llvm;
use tollgate_backend_suite::counting::Counting;
use tollgate_backend_suite::{CORPUS, allocates_nothing, legal};

#[global_allocator]
static MEMORY: Counting = Counting;

#[test]
fn a_decision_allocates_nothing_from_the_system() {
    let module = legal(CORPUS);
    let program = Llvm::default().compile(&module).unwrap();
    allocates_nothing(&module, &*program, &|| MEMORY.allocations());
}
