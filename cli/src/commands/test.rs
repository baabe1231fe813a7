//! `tollgate test`

use serde_json::json;

use super::{Outcome, Result, explain_failure, show};
use crate::args::{Format, Test};
use crate::terminal::{GREEN, RED, paint};

pub(crate) fn run(args: &Test) -> Result<Outcome> {
    let engine = args.engine.engine()?;
    let (mut passed, mut failed) = (0, 0);
    let mut broken = false;
    for file in &args.files {
        let program = match engine.compile_file(file) {
            Ok(program) => program,
            Err(error) => {
                explain_failure(error)?;
                broken = true;
                continue;
            }
        };
        if args.format == Format::Human {
            show(program.report());
        }
        for result in program.run_tests(args.filter.as_deref())? {
            let ok = result.failures.is_empty();
            passed += usize::from(ok);
            failed += usize::from(!ok);
            match args.format {
                Format::Human => {
                    let verdict = if ok {
                        paint("ok", GREEN)
                    } else {
                        paint("FAILED", RED)
                    };
                    println!("{verdict} {}:{} {}", result.file, result.line, result.title);
                    for failure in &result.failures {
                        println!("   {}:{} {}", failure.file, failure.line, failure.message);
                    }
                }
                Format::Json => {
                    let failures: Vec<_> = result
                        .failures
                        .iter()
                        .map(|f| json!({ "file": f.file, "line": f.line, "message": f.message }))
                        .collect();
                    println!(
                        "{}",
                        json!({ "test": result.title, "file": result.file, "line": result.line, "passed": ok, "failures": failures })
                    );
                }
            }
        }
    }
    if args.format == Format::Human {
        eprintln!("{passed} passed, {failed} failed");
        if passed + failed == 0 && !broken {
            eprintln!("(no test: write `test \"…\" {{ expect … }}` in the file)");
        }
    }
    Ok(if failed > 0 || broken {
        Outcome::Findings
    } else {
        Outcome::Clean
    })
}
