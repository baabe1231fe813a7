//! The header is what cbindgen makes of this crate.

use std::path::Path;
use std::{env, fs};

#[test]
fn header_is_what_cbindgen_makes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    // In the order of the header: each thing before what uses it.
    for file in [
        "value", "border", "error", "program", "states", "entry", "session", "decision",
    ] {
        builder = builder.with_src(root.join("src").join(file).with_extension("rs"));
    }
    let mut made = Vec::new();
    builder.generate().unwrap().write(&mut made);
    let made = String::from_utf8(made).unwrap();
    let path = root.join("include/tollgate.h");
    if env::var_os("TOLLGATE_BLESS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "include/tollgate.h is not what cbindgen makes; TOLLGATE_BLESS=1 cargo test -p tollgate-c header writes it anew"
    );
}
