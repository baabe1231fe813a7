//! Everything that must hold before a change lands, in the order in which it is quickest to fail.

use std::env;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// A step: what it shows, and the arguments to cargo. `{llvm}` and `{kafka}` stand for the features, where there is what they need.
const STEPS: &[(&str, &[&str])] = &[
    ("formatted", &["fmt", "--all", "--check"]),
    (
        "no lint",
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--features",
            "redis",
            "{llvm}",
            "{kafka}",
            "--",
            "--deny",
            "warnings",
        ],
    ),
    (
        "every test",
        &[
            "test",
            "--workspace",
            "--no-fail-fast",
            "--features",
            "redis",
            "{llvm}",
            "{kafka}",
        ],
    ),
    (
        // The tests above have every backend, if they can: this is the build that most people have.
        "every test of the library without LLVM",
        &["test", "--package", "tollgate", "--lib", "--quiet"],
    ),
    (
        // The workspace has every feature at once; what decides by artifacts has none.
        "no lint without the compiler",
        &[
            "clippy",
            "--package",
            "tollgate",
            "--package",
            "tollgate-c",
            "--no-default-features",
            "--lib",
            "--example",
            "artifact",
            "--quiet",
            "--",
            "--deny",
            "warnings",
        ],
    ),
    (
        "documentation without warnings",
        &[
            "doc",
            "--workspace",
            "--no-deps",
            "--quiet",
            "--features",
            "redis",
            "{llvm}",
            "{kafka}",
        ],
    ),
];

/// The steps that need more than cargo.
const TOOLS: &[&str] = &["formatted", "no lint"];

/// Runs every step, tells which failed, and goes on after a failure so that one run tells everything.
pub(crate) fn run() -> ExitCode {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    println!("── LLVM");
    let has_llvm = crate::llvm::install();
    println!("── C and nginx");
    let has_nginx = crate::nginx::install();
    println!("── Redis");
    let has_redis = crate::redis::install();
    println!("── Kafka");
    let has_kafka = crate::kafka::install();
    let mut failed = Vec::new();
    for (what, arguments) in STEPS {
        let arguments: Vec<&str> = arguments
            .iter()
            .flat_map(|argument| match *argument {
                "{llvm}" if has_llvm => vec!["--features", "llvm"],
                "{kafka}" if has_kafka => vec!["--features", "kafka"],
                "{llvm}" | "{kafka}" => vec![],
                argument => vec![argument],
            })
            .collect();
        println!("── {what}: cargo {}", arguments.join(" "));
        let began = Instant::now();
        let status = Command::new(&cargo)
            .args(&arguments)
            .env("RUSTDOCFLAGS", "-D warnings")
            .status();
        match status {
            Ok(status) if status.success() => println!("── {what}: ok in {:.0?}", began.elapsed()),
            Ok(_) => failed.push(*what),
            Err(error) => {
                println!("cannot run {cargo}: {error}");
                failed.push(*what);
            }
        }
    }
    if failed.is_empty() {
        let left_out: Vec<&str> = [
            (has_llvm, "the backend llvm"),
            (has_nginx, "some tests in C or with nginx (see above)"),
            (has_redis, "states and streams in a Redis"),
            (has_kafka, "streams of a Kafka"),
        ]
        .into_iter()
        .filter_map(|(has, what)| (!has).then_some(what))
        .collect();
        match left_out.is_empty() {
            true => println!("── all of it holds"),
            false => println!("── all of it holds; left out: {}", left_out.join(", ")),
        }
        return ExitCode::SUCCESS;
    }
    println!("── failed: {}", failed.join(", "));
    if failed.iter().any(|what| TOOLS.contains(what)) {
        println!("   (are they installed? `rustup component add rustfmt clippy`)");
    }
    ExitCode::FAILURE
}
