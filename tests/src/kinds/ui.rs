//! What the compiler says: `tests/ui/*.rules`, each with everything that is said about it beside it, in a `.snap`.
//!
//! A file is named after the slug it shows, `unknown-name.rules` or `unknown-name-field.rules`. One that shows how several
//! mistakes go together names them instead: lines that end in `#! slug`, which are then all that is said. It may hold several
//! modules: a line `#=== shop.rules` begins the next one. `tests/ui/bad/` shows messages that ought to be better.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use libtest_mimic::{Failed, Trial};
use tollgate::Engine;
use tollgate_frontend::analysis::{Asked, Scope, analyse};
use tollgate_frontend::diagnostics::render::Renderer;
use tollgate_frontend::diagnostics::{Applies, Diagnostic, Severity, catalog};
use tollgate_frontend::library::{Library, LibraryModule, Loaded, Loader};
use tollgate_frontend::{Limits, lower};
use tollgate_grammar::source::SourceMap;

use super::files;

/// The line that begins another file.
const NEXT_FILE: &str = "#=== ";
/// The first line of a file that shows a limit: `#limits modules=2 pairs=100`.
const LIMITS: &str = "#limits ";
/// The first line of a file that shows what `--verbose` tells.
const VERBOSE: &str = "#verbose";

/// The trials.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let folder = root.join("tests/ui");
    let mut trials = Vec::new();
    let mut names = Vec::new();
    for path in files(&folder, "rules") {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path).expect("a test is readable");
        let snapshots = path.parent().unwrap_or(&folder).to_owned();
        names.push(name.clone());
        let (title, texts) = (format!("ui/{name}"), text.clone());
        trials.push(Trial::test(title, move || says(&name, &texts, &snapshots)));
        let name = names[names.len() - 1].clone();
        trials.push(Trial::test(format!("ui/fixes/{name}"), move || {
            fixes_mend(&name, &text)?;
            // The rest is about one file, with the limits that everybody has.
            match text.contains(NEXT_FILE) || text.starts_with(LIMITS) {
                true => Ok(()),
                false => fixes_by_itself(&text),
            }
        }));
    }
    trials.push(Trial::test("ui/every slug", move || every_slug(&names)));
    trials
}

/// Behind this, at the end of a line, stands the slug of what is said about the line.
const SAID_HERE: &str = "#! ";

/// Compares what is said with the snapshot, and sees to it that the file shows the slug of its name.
fn says(name: &str, text: &str, folder: &Path) -> Result<(), Failed> {
    let checked = check(&split(name, text));
    let said = draw(&checked);
    let slugs: Vec<&str> = checked.diagnostics.iter().map(|d| d.slug).collect();
    let wanted = said_here(text);
    if !wanted.is_empty() {
        let found: Vec<(u32, &str)> = checked
            .diagnostics
            .iter()
            .map(|d| (checked.sources.position(d.labels[0].span).line, d.slug))
            .collect();
        if found != wanted {
            return Err(format!("{name} shows {found:?}, not {wanted:?}\n{said}").into());
        }
    } else if !slugs.iter().any(|slug| shows(name, slug)) {
        return Err(format!("{name} shows {slugs:?} only\n{said}").into());
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, said));
    Ok(())
}

/// Lines, from 1, and slugs.
pub(crate) fn said_here(text: &str) -> Vec<(u32, &str)> {
    (1..)
        .zip(text.lines())
        .filter_map(|(number, line)| Some((number, line.split_once(SAID_HERE)?.1)))
        .collect()
}

/// Files whose edits lead to another error by nature, and the reason.
const LEADS_ON: &[(&str, &str)] = &[
    (
        "missing-outcome",
        "whoever leaves the `?` out has to answer the absence in the outcomes",
    ),
    (
        "no-such-operation",
        "two texts that were joined may be too long for their type, which has a mend of its own",
    ),
    (
        "not-in-module",
        "the name is misspelt where it is used, too, which is said once it is not imported",
    ),
    (
        "unclosed-bracket",
        "where the bracket should have ended is a guess",
    ),
    (
        "unknown-name",
        "a name that is known has a type, which may not be the one that is wanted",
    ),
    (
        "unknown-setting",
        "the setting that is meant may be set already",
    ),
];

/// Every piece of advice with edits, followed alone, removes what it was given for: there is one error less, and none is new.
/// Where it was the only error, the program then compiles.
fn fixes_mend(name: &str, text: &str) -> Result<(), Failed> {
    let files = split("main", text);
    let before = check(&files);
    let listed = LEADS_ON.iter().any(|(file, _)| *file == name);
    let mut leads_on = false;
    for diagnostic in &before.diagnostics {
        for help in diagnostic.help.iter().filter(|h| !h.edits.is_empty()) {
            let mut edits = help.edits.clone();
            edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
            let mut edited = files.clone();
            for (span, replacement) in &edits {
                let name = before.sources.file(span.file).name();
                let file = edited.iter_mut().find(|(n, _)| **n == **name);
                let (_, text) = file.ok_or_else(|| format!("{} edits {name}", diagnostic.slug))?;
                text.replace_range(span.range(), replacement);
            }
            let after = check(&edited);
            let count = |found: &Checked, counts: &dyn Fn(&Diagnostic) -> bool| {
                found.diagnostics.iter().filter(|d| counts(d)).count()
            };
            let same = |d: &Diagnostic| d.slug == diagnostic.slug;
            let is_syntax = |d: &Diagnostic| catalog::is_syntax(d.slug);
            let is_error = |d: &Diagnostic| d.severity == Severity::Error;
            let own = usize::from(is_error(diagnostic));
            let may = listed && help.applies == Applies::ByChoice && diagnostic.slug == name;
            let others = count(&after, &is_error) + own > count(&before, &is_error);
            leads_on |= others;
            let mended = count(&after, &same) < count(&before, &same)
                && count(&after, &is_syntax) <= count(&before, &is_syntax)
                && (may || !others);
            if !mended {
                let said = draw(&after);
                let (slug, help) = (diagnostic.slug, &help.text);
                return Err(
                    format!("`{help}` does not mend {slug}:\n{}\n{said}", edited[0].1).into(),
                );
            }
        }
    }
    match listed && !leads_on {
        true => Err("its edits lead to no other error: it need not be listed".into()),
        false => Ok(()),
    }
}

/// `--fix` ends with no more errors than before, and leaves no advice that it could follow.
fn fixes_by_itself(text: &str) -> Result<(), Failed> {
    let engine = Engine::new();
    let before = engine.check_source("main.rules", text);
    let fixed = engine.fix_source("main.rules", text);
    if fixed.report.errors() > before.errors() {
        return Err(format!("more errors than before:\n{}", fixed.report.render(false)).into());
    }
    let again = engine.fix_source("main.rules", &fixed.text);
    let left = fixed.report.to_json_lines();
    if again.is_changed() || left.contains("\"applies\":\"by_itself\"") {
        return Err(format!("there is more to mend:\n{}\n{left}", fixed.text).into());
    }
    Ok(())
}

/// Every slug of the catalogue has a file, and a page.
fn every_slug(names: &[String]) -> Result<(), Failed> {
    let pages = catalog::pages().iter();
    let missing: Vec<&str> = pages
        .clone()
        .map(|page| page.slug)
        .filter(|slug| !names.iter().any(|name| shows(name, slug)))
        .collect();
    let bare: Vec<&str> = pages
        .filter(|p| p.text.trim().len() < 40)
        .map(|p| p.slug)
        .collect();
    if missing.is_empty() && bare.is_empty() {
        return Ok(());
    }
    Err(format!("no file in tests/ui shows {missing:?}; no page says what {bare:?} means").into())
}

/// Whether a file of this name shows a slug: it begins with it, and not only with the beginning of a longer one.
fn shows(name: &str, slug: &str) -> bool {
    let longest = catalog::pages()
        .iter()
        .map(|page| page.slug)
        .filter(|s| {
            name == *s
                || name
                    .strip_prefix(s)
                    .is_some_and(|rest| rest.starts_with('-'))
        })
        .max_by_key(|s| s.len());
    longest == Some(slug)
}

/// The files of a test: names and texts, the main one first.
pub(crate) fn split(name: &str, text: &str) -> Vec<(String, String)> {
    let mut files = vec![(format!("{name}.rules"), String::new())];
    for line in text.split_inclusive('\n') {
        match line.strip_prefix(NEXT_FILE) {
            Some(next) => files.push((next.trim().to_owned(), String::new())),
            None => files.last_mut().expect("there is one").1.push_str(line),
        }
    }
    files
}

pub(crate) struct Checked {
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) sources: SourceMap,
}

/// Everything that is said, without colour.
pub(crate) fn draw(checked: &Checked) -> String {
    let mut renderer = Renderer::new(&checked.sources, false);
    let drawn = checked
        .diagnostics
        .iter()
        .map(|d| renderer.render(d) + "\n");
    drawn.collect()
}

/// The standard library, as the frontend wants it.
pub(crate) fn library() -> Library {
    static MODULES: LazyLock<Vec<LibraryModule>> = LazyLock::new(|| {
        let row = |m: &tollgate_stdlib::Module| LibraryModule {
            name: m.name,
            file: m.file,
            source: m.source,
            prelude: m.prelude,
        };
        tollgate_stdlib::library().modules.iter().map(row).collect()
    });
    Library {
        modules: &MODULES,
        natives: tollgate_stdlib::library().natives,
    }
}

pub(crate) fn check(files: &[(String, String)]) -> Checked {
    let library = library();
    let mut sources = SourceMap::new();
    let (name, text) = &files[0];
    let mut beside = Beside(&files[1..]);
    let limits = limits(text);
    let mut checked =
        tollgate_frontend::check_within(name, text, &mut beside, &library, &mut sources, &limits);
    if let Some(program) = &checked.program {
        let lowered = lower::lower(program);
        let found = &mut checked.diagnostics;
        found.extend(lower::check_limits(program, &lowered));
        if !found.iter().any(|d| d.severity == Severity::Error) {
            let scope = match text.starts_with(VERBOSE) {
                true => Scope::Verbose,
                false => Scope::All,
            };
            let asked = Asked {
                scope,
                pairs: limits.pairs,
                said: found,
            };
            let more = analyse(program, &lowered, &asked);
            found.extend(more);
            found.sort_by_key(|d| d.span().map(|s| (s.file.0, s.start)));
        }
    }
    let failed = checked
        .diagnostics
        .iter()
        .any(|d| d.severity == Severity::Error);
    assert!(
        failed || checked.program.is_some(),
        "nothing is wrong, and there is no program"
    );
    Checked {
        diagnostics: checked.diagnostics,
        sources,
    }
}

fn limits(text: &str) -> Limits {
    let mut limits = Limits::default();
    let line = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix(LIMITS));
    for setting in line.unwrap_or_default().split_whitespace() {
        let (name, value) = setting
            .split_once('=')
            .expect("a limit is written name=value");
        let value: u32 = value.parse().expect("a limit is a number");
        match name {
            "modules" => limits.modules = value,
            "pairs" => limits.pairs = value.into(),
            "nesting" => limits.syntax.nesting = value.into(),
            other => panic!("no limit {other}"),
        }
    }
    limits
}

/// The other files of a test, by the module each declares. One whose text is `#unreadable` cannot be read.
struct Beside<'f>(&'f [(String, String)]);

impl Loader for Beside<'_> {
    fn load(&mut self, name: &str) -> Loaded {
        let mut declared: BTreeMap<String, &(String, String)> = BTreeMap::new();
        for file in self.0 {
            let line = file.1.lines().find_map(|l| l.strip_prefix("module "));
            let stem = file.0.trim_end_matches(".rules");
            declared.insert(line.unwrap_or(stem).trim().to_owned(), file);
        }
        match declared.get(name) {
            Some((file, text)) if text.starts_with("#unreadable") => Loaded::Unreadable {
                file: file.clone(),
                reason: "is not valid UTF-8 (byte 17)".into(),
            },
            Some((file, text)) => Loaded::Source {
                file: file.clone(),
                text: text.clone(),
            },
            // A file that is found by its name says what it is only once it is read.
            None => match self
                .0
                .iter()
                .find(|(file, _)| file.trim_end_matches(".rules") == name)
            {
                Some((file, text)) => Loaded::Source {
                    file: file.clone(),
                    text: text.clone(),
                },
                None => Loaded::Missing {
                    known: declared.into_keys().collect(),
                },
            },
        }
    }
}
