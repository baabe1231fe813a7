//! The text form of the IR.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_ir::text::{parse, print_module};
use tollgate_ir::verify::verify;

fuzz_target!(|text: &str| {
    let natives = tollgate_stdlib::library().natives;
    let Ok(parsed) = parse(text, natives) else {
        return;
    };
    if verify(&parsed.module).is_ok() {
        let printed = print_module(&parsed.module);
        let again = parse(&printed, natives).expect("what was printed parses");
        assert_eq!(print_module(&again.module), printed);
    }
});
