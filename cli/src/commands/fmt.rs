//! `tollgate fmt`

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tollgate::{Error, Formatted};

use super::{Outcome, Result, show, show_differences};
use crate::args::Fmt;

pub(crate) fn run(args: &Fmt) -> Result<Outcome> {
    let mut run = Run {
        check: args.check,
        counts: Counts::default(),
        unreadable: Vec::new(),
    };
    for path in &args.paths {
        if path.as_os_str() == "-" {
            run.standard_input()?;
        } else if path.is_dir() {
            run.folder(path)?;
        } else {
            run.file(path)?;
        }
    }
    run.end()
}

struct Run {
    check: bool,
    counts: Counts,
    /// Sentences about what could not be read or written; they do not stop the others.
    unreadable: Vec<String>,
}

/// How many files there were.
#[derive(Default)]
struct Counts {
    files: usize,
    changed: usize,
    with_mistakes: usize,
}

impl Run {
    fn standard_input(&mut self) -> Result<()> {
        let mut source = String::new();
        io::stdin()
            .read_to_string(&mut source)
            .map_err(|e| format!("cannot read standard input: {e}"))?;
        let formatted = tollgate::format("<stdin>", &source).map(|text| Formatted { source, text });
        if let Some(formatted) = self.formatted(formatted) {
            match self.check {
                true => {
                    show_differences(Path::new("<stdin>"), &formatted.source, &formatted.text)?;
                }
                false => io::stdout().write_all(formatted.text.as_bytes())?,
            }
        }
        Ok(())
    }

    fn folder(&mut self, folder: &Path) -> Result<()> {
        let files = match rule_files(folder) {
            Ok(files) => files,
            Err(reason) => {
                self.unreadable.push(reason);
                return Ok(());
            }
        };
        if files.is_empty() {
            let sentence = format!("there is no .rules file in {}", folder.display());
            self.unreadable.push(sentence);
        }
        files.iter().try_for_each(|file| self.file(file))
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        let Some(formatted) = self.formatted(tollgate::format_file(path)) else {
            return Ok(());
        };
        if !formatted.is_changed() {
            return Ok(());
        }
        if self.check {
            eprintln!("{} is laid out otherwise", path.display());
            return show_differences(path, &formatted.source, &formatted.text);
        }
        if let Err(reason) = fs::write(path, &formatted.text) {
            let sentence = format!("cannot write {}: {reason}", path.display());
            self.unreadable.push(sentence);
        }
        Ok(())
    }

    /// Counts, and tells what is wrong.
    fn formatted(&mut self, formatted: std::result::Result<Formatted, Error>) -> Option<Formatted> {
        self.counts.files += 1;
        match formatted {
            Ok(formatted) => {
                self.counts.changed += usize::from(formatted.is_changed());
                Some(formatted)
            }
            Err(error) => {
                match error.report() {
                    Some(report) => {
                        self.counts.with_mistakes += 1;
                        show(report);
                    }
                    None => self.unreadable.push(error.to_string()),
                }
                None
            }
        }
    }

    fn end(self) -> Result<Outcome> {
        let Counts {
            files,
            changed,
            with_mistakes,
        } = self.counts;
        let plural = if files == 1 { "" } else { "s" };
        let would = if self.check {
            "to be changed"
        } else {
            "changed"
        };
        eprintln!("{files} file{plural}: {changed} {would}, {with_mistakes} with mistakes");
        if !self.unreadable.is_empty() {
            return Err(self.unreadable.join("\n").into());
        }
        let findings = with_mistakes > 0 || (self.check && changed > 0);
        Ok(if findings {
            Outcome::Findings
        } else {
            Outcome::Clean
        })
    }
}

/// The `.rules` files below a folder, sorted. Hidden folders are left out, and links are not followed, so that there is no circle.
pub(super) fn rule_files(folder: &Path) -> std::result::Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let unreadable = |e: io::Error| format!("cannot read {}: {e}", folder.display());
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if kind.is_dir() && !is_hidden {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|e| e == "rules") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
