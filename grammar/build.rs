//! Turns `src/tollgate.lalrpop` into the parser, in `OUT_DIR` and never in the tree.

fn main() {
    let outcome = lalrpop::Configuration::new()
        .use_cargo_dir_conventions()
        .emit_rerun_directives(true)
        .process();
    if let Err(error) = outcome {
        eprintln!("src/tollgate.lalrpop: {error}");
        std::process::exit(1);
    }
}
