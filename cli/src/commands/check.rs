//! `tollgate check`

use std::fs;
use std::path::Path;

use tollgate::Engine;

use super::{Outcome, Result, show, show_differences};
use crate::args::{Check, Format};

pub(crate) fn run(args: &Check) -> Result<Outcome> {
    let engine = Engine::new().verbose(args.verbose);
    let mut changed = 0;
    if args.fix {
        for file in &args.files {
            changed += usize::from(fix(&engine, file, args)?);
        }
    }
    let (mut errors, mut warnings) = (0, 0);
    for file in &args.files {
        let report = engine.check_file(file)?;
        errors += report.errors();
        warnings += report.warnings();
        match args.format {
            Format::Human if args.dry_run => {}
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
    let findings =
        errors > 0 || (args.deny_warnings && warnings > 0) || (args.dry_run && changed > 0);
    Ok(if findings {
        Outcome::Findings
    } else {
        Outcome::Clean
    })
}

/// Mends a file, or shows how it would be; whether there is something to mend.
fn fix(engine: &Engine, file: &Path, args: &Check) -> Result<bool> {
    let fixed = engine.fix_file(file)?;
    if !fixed.is_changed() {
        return Ok(false);
    }
    let name = file.display();
    let places = match fixed.applied {
        1 => "1 place".to_owned(),
        n => format!("{n} places"),
    };
    if args.dry_run {
        show_differences(file, &fixed.source, &fixed.text)?;
    } else {
        fs::write(file, &fixed.text).map_err(|e| format!("cannot write {name}: {e}"))?;
    }
    if args.format == Format::Human {
        let mended = if args.dry_run { "to mend" } else { "mended" };
        eprintln!("{name}: {places} {mended}");
    }
    Ok(true)
}
