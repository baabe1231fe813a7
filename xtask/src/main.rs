//! # What this is
//!
//! Chores of the project that are neither the compiler nor its tests: `cargo xtask` lists them. The house rules
//! (dependencies, file lengths, crate docs) are ordinary tests of this crate, so that `cargo test` is all there is.
//!
//! # What goes in and comes out
//!
//! The files of the repository; findings on standard output.
//!
//! # Invariants
//!
//! Nothing here is needed to build or to use Tollgate.
//!
//! # Where to start reading
//!
//! `house.rs`: what is promised about the code, checked.
//!
//! # What it must not know
//!
//! Any crate of ours, except as files and as `cargo metadata`.

mod apt;
mod charts;
mod ci;
mod fuzz;
mod house;
mod kafka;
mod llvm;
mod nginx;
mod pages;
mod redis;
mod rendered;
mod requests;

use std::env;
use std::process::ExitCode;

const HELP: &str = "cargo xtask COMMAND

  ci      everything that must hold before a change lands: format, lints, tests, docs;
          with the backend `llvm`, the module for nginx, states and streams in a Redis, streams of a Kafka,
          if what they need is there or can be installed
  llvm    installs LLVM for the backend `llvm` where apt is at hand, and says what it does
  nginx   installs nginx, its sources, C compilers and valgrind in the same way, for the tests of `bindings`
  redis   installs redis-server for the tests of `state` and `cli` in the same way
  kafka   installs compilers of C and C++, make, pkg-config and OpenSSL's headers in the same way, which streams of a Kafka
          are built with, and builds the broker that their tests run against
  charts  draws the pictures of docs/book/performance.md from the record
  house   the house rules alone (also run by `cargo test`)
  mdbook  a preprocessor for mdBook, which docs/book.toml names: what pages lead to becomes part of the book
  fuzz [SECONDS [TARGET ...]]
          runs fuzz targets one after another, and prints rows for tests/fuzz/README.md
  requests small|http COUNT [SEED]
          requests to measure `tollgate run` with (see benches/throughput)";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("ci") => ci::run(),
        Some("llvm") => llvm::run(),
        Some("nginx") => nginx::run(),
        Some("redis") => redis::run(),
        Some("kafka") => kafka::run(),
        Some("charts") => charts::run(),
        Some("fuzz") => fuzz::run(&args[1..]),
        Some("house") => house(),
        Some("mdbook") => rendered::run(&args[1..]),
        Some("requests") => requests::run(&args[1..]),
        _ => {
            println!("{HELP}");
            ExitCode::from(2)
        }
    }
}

fn house() -> ExitCode {
    let findings = house::findings();
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("the house stands: {} rules hold", house::RULES.len());
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
