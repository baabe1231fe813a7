//! `tollgate check`

use tollgate::Engine;

use super::{Outcome, Result, show};
use crate::args::{Check, Format};

pub(crate) fn run(args: &Check) -> Result<Outcome> {
    let engine = Engine::new().verbose(args.verbose);
    let (mut errors, mut warnings) = (0, 0);
    for file in &args.files {
        let report = engine.check_file(file)?;
        errors += report.errors();
        warnings += report.warnings();
        match args.format {
            Format::Human => show(&report),
            Format::Json => print!("{}", report.to_json_lines()),
        }
    }
    if args.format == Format::Human {
        let files = args.files.len();
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        eprintln!(
            "{}: {}, {}",
            count(files, "file"),
            count(errors, "error"),
            count(warnings, "warning")
        );
    }
    let findings = errors > 0 || (args.deny_warnings && warnings > 0);
    Ok(if findings {
        Outcome::Findings
    } else {
        Outcome::Clean
    })
}
