//! `tollgate test`

mod junit;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, thread};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use tollgate::{Engine, Error, Report, TestOptions, TestResult};

use super::fmt::rule_files;
use super::{Outcome, Result, show};
use crate::args::{Test, TestedAs};
use crate::terminal::{self, GREEN, RED};

/// Failures that are drawn, which takes as long as the file; of the others only a line is told.
const DRAWN: usize = 50;
/// How often it is looked whether a file has changed.
const LOOK: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &Test) -> Result<Outcome> {
    let engine = args.engine.engine()?;
    if !args.watch {
        return once(&engine, args);
    }
    if args.format == TestedAs::Junit {
        return Err(
            "a JUnit document is about one run: leave --watch or --format junit out".into(),
        );
    }
    loop {
        // Looked at before the run, so that what is changed meanwhile is not missed.
        let seen = files(&args.paths);
        // A file may be gone while an editor replaces it.
        if let Err(error) = once(&engine, args) {
            eprintln!("error: {error}");
        }
        eprintln!("watching for changes; ctrl-c ends");
        let mut now = files(&args.paths);
        while now == seen {
            thread::sleep(LOOK);
            now = files(&args.paths);
        }
        // Some editors write in pieces: the last one is waited for.
        loop {
            thread::sleep(LOOK);
            let next = files(&args.paths);
            if next == now {
                break;
            }
            now = next;
        }
        eprintln!();
    }
}

/// A result, and how long it took.
struct Timed {
    result: TestResult,
    took: Duration,
}

/// What became of a file.
struct Suite {
    file: PathBuf,
    /// Its results; of one that does not compile, what was said.
    tested: std::result::Result<Vec<Timed>, Report>,
}

/// Runs the tests of all files.
fn once(engine: &Engine, args: &Test) -> Result<Outcome> {
    let options = TestOptions {
        filter: args.filter.clone(),
        seed: args.seed,
        cases: args.cases,
    };
    let mut suites = Vec::new();
    let (mut passed, mut failed, mut broken) = (0, 0, 0);
    for file in named_by(&args.paths)? {
        let program = match engine.compile_file(&file) {
            Ok(program) => program,
            Err(error) => {
                let report = not_compiled(&file, error, args.format)?;
                broken += 1;
                suites.push(Suite {
                    file,
                    tested: Err(report),
                });
                continue;
            }
        };
        if args.format == TestedAs::Human {
            show(program.report());
        }
        let bar = progress(args.format, program.count_tests(&options));
        let mut results = Vec::new();
        let mut began = Instant::now();
        program.run_tests_with(&options, &mut |result| {
            let ok = result.failures.is_empty();
            passed += usize::from(ok);
            failed += usize::from(!ok);
            bar.inc(1);
            bar.suspend(|| match args.format {
                TestedAs::Human => for_people(&result, failed <= DRAWN),
                TestedAs::Json => println!("{}", for_machines(&result)),
                TestedAs::Junit => {}
            });
            let took = began.elapsed();
            results.push(Timed { result, took });
            began = Instant::now();
        })?;
        bar.finish_and_clear();
        suites.push(Suite {
            file,
            tested: Ok(results),
        });
    }
    match args.format {
        TestedAs::Junit => io::stdout().write_all(&junit::document(&suites)?)?,
        TestedAs::Json => {}
        TestedAs::Human => {
            eprintln!("{passed} passed, {failed} failed");
            if passed + failed == 0 && broken == 0 {
                match &args.filter {
                    Some(filter) => eprintln!("(no title contains `{filter}`)"),
                    None => eprintln!("(no test: write `test \"…\" {{ expect … }}` in the file)"),
                }
            }
        }
    }
    Ok(match failed + broken {
        0 => Outcome::Clean,
        _ => Outcome::Findings,
    })
}

/// The files that are named, and those below the folders that are, without the `./` of this one.
fn named_by(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut named = Vec::new();
    for path in paths {
        if !path.is_dir() {
            named.push(path.clone());
            continue;
        }
        let below = rule_files(path)?;
        if below.is_empty() {
            return Err(format!("there is no .rules file in {}", path.display()).into());
        }
        let plain = |file: PathBuf| file.strip_prefix(".").map(Path::to_owned).unwrap_or(file);
        named.extend(below.into_iter().map(plain));
    }
    Ok(named)
}

/// Tells why a file does not compile; whatever else stops it ends the command.
fn not_compiled(file: &Path, error: Error, format: TestedAs) -> Result<Report> {
    let Some(report) = error.report() else {
        return Err(error.into());
    };
    match format {
        TestedAs::Human => show(report),
        TestedAs::Json => {
            let lines = report.to_json_lines();
            let said: Vec<serde_json::Value> = lines
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect();
            let file = file.display().to_string();
            println!(
                "{}",
                json!({ "file": file, "passed": false, "diagnostics": said })
            );
        }
        TestedAs::Junit => {}
    }
    Ok(report.clone())
}

fn for_people(result: &TestResult, drawn: bool) {
    let colour = terminal::colour_of_output();
    let verdict = match result.failures.is_empty() {
        true => terminal::painted("ok", GREEN, colour),
        false => terminal::painted("FAILED", RED, colour),
    };
    let cases = match (result.cases, result.failures.is_empty()) {
        (None, _) => String::new(),
        (Some(1), true) => " (1 value)".into(),
        (Some(cases), true) => format!(" ({cases} values)"),
        (Some(1), false) => " (after 1 value)".into(),
        (Some(cases), false) => format!(" (after {cases} values)"),
    };
    println!(
        "{verdict} {}:{} {}{cases}",
        result.file,
        result.line,
        named(result)
    );
    for failure in &result.failures {
        match drawn {
            true => print!("{}", failure.draw(colour)),
            false => println!("{}:{}: {}", failure.file, failure.line, failure.message),
        }
        if let Some(seed) = failure.seed {
            println!("It does not hold for these values (seed {seed}):\n");
            for given in &failure.given {
                println!("  {given}");
            }
            println!();
        }
    }
}

/// The title of a result, and its row where it is one of several.
fn named(result: &TestResult) -> String {
    match result.row {
        Some(row) => format!("{}, row {row}", result.title),
        None => result.title.clone(),
    }
}

fn for_machines(result: &TestResult) -> serde_json::Value {
    let failures = result.failures.iter().map(|f| {
        json!({
            "file": f.file,
            "line": f.line,
            "message": f.message,
            "expected": f.expected,
            // What is no JSON is not there.
            "found": f.found.as_deref().and_then(|found| serde_json::from_str::<serde_json::Value>(found).ok()),
            "by": f.by,
            "given": f.given,
            "seed": f.seed,
        })
    });
    json!({
        "test": result.title,
        "file": result.file,
        "line": result.line,
        "row": result.row,
        "cases": result.cases,
        "passed": result.failures.is_empty(),
        "failures": failures.collect::<Vec<_>>(),
    })
}

/// A bar on a terminal, where people read.
fn progress(format: TestedAs, tests: usize) -> ProgressBar {
    let shown = format == TestedAs::Human && io::stderr().is_terminal();
    let target = match shown {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(Some(tests as u64), target);
    match ProgressStyle::with_template("{bar:40} {pos} of {len} tests") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// All rule files that may matter, with what changes when they are written: the files named, and those beside them, among which
/// modules are found.
fn files(named: &[PathBuf]) -> BTreeMap<PathBuf, (Option<SystemTime>, u64)> {
    let mut found = BTreeMap::new();
    let mut see = |path: PathBuf| {
        let seen = fs::metadata(&path).map_or((None, 0), |meta| (meta.modified().ok(), meta.len()));
        found.insert(path, seen);
    };
    // A folder that cannot be read now may be there the next time.
    for file in named_by(named).unwrap_or_default() {
        let folder = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let beside = fs::read_dir(folder).into_iter().flatten().flatten();
        beside
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == "rules"))
            .for_each(&mut see);
        see(file);
    }
    found
}
