//! Links LLVM as the shared library that the machine has, or says what to do where there is none.
//!
//! `llvm-sys` could link as well, but where LLVM is missing it says so late and does not say what to install.

#[path = "find_llvm.rs"]
mod find_llvm;

use find_llvm::{PREFIX, VERSION, ask, llvm_config};

fn main() {
    println!("cargo::rerun-if-changed=find_llvm.rs");
    println!("cargo::rerun-if-env-changed={PREFIX}");
    if std::env::var_os("CARGO_FEATURE_LLVM").is_none() {
        return;
    }
    let Some(folder) = llvm_config().and_then(|config| ask(&config, "--libdir")) else {
        println!(
            "cargo::error=the feature `llvm` needs LLVM {VERSION}, and this machine has no `llvm-config-{VERSION}`. \
             On Debian and Ubuntu `cargo xtask llvm` installs it; elsewhere install LLVM {VERSION} and set {PREFIX} to where it lies, \
             if that is not on the path. Without the feature everything else builds."
        );
        return;
    };
    println!("cargo::rustc-link-search=native={folder}");
    println!("cargo::rustc-link-lib=dylib=LLVM-{VERSION}");
}
