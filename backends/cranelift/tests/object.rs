//! Object files.

use std::path::Path;

use tollgate_backend_cranelift::Cranelift;
use tollgate_backend_suite::{CORPUS, legal, objects};

#[test]
fn objects_stand_alone_and_say_where_code_comes_from() {
    objects::stand_alone(&Cranelift::default(), &legal(CORPUS));
}

#[test]
fn objects_decide_as_the_interpreter_does() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    objects::decide(&Cranelift::default(), &legal(CORPUS), folder);
}
