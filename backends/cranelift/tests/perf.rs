//! Names for profilers, in a process of its own: the variable that asks for them is the process's.
#![allow(unsafe_code, reason = "the environment is shared by all threads")]

use tollgate_backend_api::Backend;
use tollgate_backend_cranelift::Cranelift;
use tollgate_backend_suite::{CORPUS, legal};
use tollgate_native_abi::perf::VARIABLE;

#[cfg(unix)]
#[test]
fn profilers_find_functions_and_rules_by_name() {
    let map = format!("/tmp/perf-{}.map", std::process::id());
    let module = legal(CORPUS);
    let quiet = Cranelift::default().compile(&module).unwrap();
    assert!(!std::fs::exists(&map).unwrap(), "nobody asked for {map}");
    // SAFETY: this test is the only one of its process, and no other thread reads the environment.
    unsafe { std::env::set_var(VARIABLE, "1") };
    let named = Cranelift::default().compile(&module).unwrap();
    let text = std::fs::read_to_string(&map).unwrap();
    std::fs::remove_file(&map).unwrap();
    let mut end = 0;
    for line in text.lines() {
        let mut words = line.split(' ').map(|word| usize::from_str_radix(word, 16));
        let (Some(Ok(address)), Some(Ok(bytes))) = (words.next(), words.next()) else {
            panic!("{line}");
        };
        assert!(address > 0 && bytes > 0, "{line}");
        end = end.max(address + bytes);
    }
    assert!(end > 0 && text.contains(" tollgate::integers\n"), "{text}");
    assert!(text.contains(" [route: first]\n"), "{text}");
    drop((quiet, named));
}
