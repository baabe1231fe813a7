//! How checking and compiling grow with the number of rules: time and peak memory, from 1,000 to 100,000 rules.
//! Each task holds the one before it: what a stage costs is the difference of two.
//!
//! ```sh
//! cargo bench --bench compile                 # all sizes
//! cargo bench --bench compile -- 1000 10000   # some
//! ```
//!
//! Each size runs in a process of its own, so that its peak memory is its own (`VmHWM` of Linux; elsewhere it is left out).
//! The rules are made from a seed: host and path prefix and methods, some with a header, about five rules a host.

use std::env;
use std::fmt::Write;
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mimalloc::MiMalloc;
use tollgate::{Engine, Level};
use tollgate_frontend::hir::Program;
use tollgate_frontend::library::{Library, LibraryModule, NoModules};
use tollgate_grammar::FileId;
use tollgate_grammar::source::SourceMap;

/// The allocator of the `tollgate` command.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const SIZES: &[usize] = &[1_000, 3_000, 10_000, 30_000, 100_000];
/// Runs of each measurement; the least is shown.
const RUNS: usize = 3;

/// A name, and what is done with the text of the rules.
type Task = (&'static str, fn(&str));

/// What a process measures.
const TASKS: &[Task] = &[
    ("tokens", |text| {
        assert!(!tollgate_grammar::tokens(FileId(0), text).is_empty())
    }),
    ("parse", |text| {
        let parse = tollgate_grammar::parse(FileId(0), text);
        assert!(parse.errors.is_empty())
    }),
    ("hir", |text| drop(meaning(text))),
    ("lower", |text| {
        let lowered = tollgate_frontend::lower::lower(&meaning(text));
        assert_eq!(lowered.module.rulesets.len(), 1)
    }),
    ("check", |text| {
        assert_eq!(Engine::new().check_source("bench.rules", text).errors(), 0)
    }),
    ("compile O0", |text| compile(text, Level::O0)),
    ("compile O2", |text| compile(text, Level::O2)),
];

/// What is measured besides: a program from an artifact that was built before, to its first decision but for that.
const LOAD: &str = "load";

/// The standard library, as the frontend wants it.
fn library() -> Library {
    static MODULES: LazyLock<Vec<LibraryModule>> = LazyLock::new(|| {
        let modules = tollgate_stdlib::library().modules.iter();
        let row = |m: &tollgate_stdlib::Module| LibraryModule {
            name: m.name,
            file: m.file,
            source: m.source,
            prelude: m.prelude,
        };
        modules.map(row).collect()
    });
    Library {
        modules: &MODULES,
        natives: tollgate_stdlib::library().natives,
    }
}

fn meaning(text: &str) -> Program {
    let (library, mut sources) = (library(), SourceMap::new());
    tollgate_frontend::check("bench.rules", text, &mut NoModules, &library, &mut sources)
        .program
        .expect("the rules are right")
}

fn compile(text: &str, level: Level) {
    Engine::new()
        .level(level)
        .compile_source("bench.rules", text)
        .expect("the rules compile");
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [flag, task, rules] = &arguments[..]
        && flag == "--measure"
    {
        return measure(task, rules.parse().expect("a number of rules"));
    }
    let chosen: Vec<usize> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
    let sizes = if chosen.is_empty() { SIZES } else { &chosen };
    println!(
        "{:<12}{:>10}{:>12}{:>14}{:>12}{:>16}",
        "what", "rules", "ms", "us a rule", "peak MiB", "bytes a rule"
    );
    for task in TASKS.iter().map(|(task, _)| *task).chain([LOAD]) {
        for rules in sizes {
            let this = env::current_exe().expect("a running program has a path");
            let status = Command::new(this)
                .args(["--measure", task, &rules.to_string()])
                .status();
            assert!(
                status.is_ok_and(|s| s.success()),
                "{task} of {rules} rules failed"
            );
        }
    }
}

fn measure(task: &str, rules: usize) {
    let text = source(rules);
    let run: Box<dyn Fn()> = match TASKS.iter().find(|(name, _)| *name == task) {
        Some((_, run)) => Box::new(move || run(&text)),
        None => {
            let program = Engine::new().compile_source("bench.rules", &text);
            let artifact = program.and_then(|program| program.artifact());
            let artifact = artifact.expect("the rules are built");
            Box::new(move || drop(Engine::new().load(&artifact).expect("what was built loads")))
        }
    };
    let before = peak();
    let mut least = Duration::MAX;
    for _ in 0..RUNS {
        let began = Instant::now();
        run();
        least = least.min(began.elapsed());
    }
    let memory = peak().zip(before).map(|(after, before)| after - before);
    let ms = least.as_secs_f64() * 1e3;
    let shown = memory.map_or((String::from("-"), String::from("-")), |bytes| {
        (
            format!("{:.1}", bytes as f64 / 1048576.0),
            (bytes / rules as u64).to_string(),
        )
    });
    println!(
        "{task:<12}{rules:>10}{ms:>12.1}{:>14.2}{:>12}{:>16}",
        ms * 1e3 / rules as f64,
        shown.0,
        shown.1
    );
}

/// The most memory this process has held, in bytes.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}

fn source(rules: usize) -> String {
    let mut text = String::from(
        "edition 2026\nmodule bench\nuse std.http.{Request}\n\
         enum Route { forward(service: Int in 0 .. 1_000_000), respond(status: Int in 100 .. 599) }\n\
         ruleset route(req: Request) -> Route hit first {\n",
    );
    let mut seed = 7u64;
    let mut below = |n: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    for i in 0..rules {
        let (host, section) = (i / 5, below(40));
        let methods = [
            "{GET, HEAD}",
            "{POST}",
            "{PUT, PATCH}",
            "{GET, POST, DELETE}",
        ][below(4) as usize];
        let header = if below(5) == 0 {
            "\n     and (req.header(\"x-env\").single ?? \"live\") == \"live\""
        } else {
            ""
        };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "  rule r{i} \"Rule {i}\"\n    when req.host == \"h{host}.example\"\n     and req.method in {methods}\n     \
             and req.path matches p\"/s{section}/v{i}/**\"{header}\n    then forward({i})\n",
        );
    }
    text.push_str("  otherwise respond(404)\n}\n");
    text
}
