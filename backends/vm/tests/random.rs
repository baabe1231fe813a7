//! Random programs on the machine, against the interpreter.

mod common;

use common::compare;
use tollgate_backend_suite::{Rng, legalize, random};

#[test]
fn random_programs_agree_with_the_interpreter() {
    for seed in 0..400 {
        let mut rng = Rng(seed);
        let module = legalize(random::module(&mut rng));
        compare(&module, 8, &mut rng);
    }
}
