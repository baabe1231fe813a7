//! Paths and hosts to their canonical forms.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_runtime::Arena;
use tollgate_runtime::kinds::{host, path};
use tollgate_runtime::schema::Boundary;

fuzz_target!(|text: &str| {
    let (arena, policy) = (Arena::new(), Boundary::default());
    if let Ok(canonical) = path::canonical(text, &policy.path, &arena) {
        let mut encoded = String::new();
        path::encode(&mut encoded, canonical).expect("writing to a string");
        assert_eq!(
            path::canonical(&encoded, &policy.path, &arena),
            Ok(canonical)
        );
    }
    if let Ok(canonical) = host::canonical(text, &policy.host, &arena) {
        assert_eq!(
            host::canonical(canonical, &policy.host, &arena),
            Ok(canonical)
        );
    }
});
