//! The formatter, held to its promises: the tree stays the same, no comment is lost or moves past another, what has been
//! formatted stays as it is, nothing stands behind the last character of a line, and a text with mistakes is left alone.
//!
//! Texts are every `.rules` file of the project and every block of the reference; the same laid out at random, with comments
//! between any two tokens; random programs; and damaged ones. The files of [`NEAT`] are formatted themselves, and the blocks of
//! the formatter's page become what the page says.
//!
//! A short seeded run belongs to every run of the suite; `TOLLGATE_FORMATS=10000` and `TOLLGATE_SEED=7` make it longer and other.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use libtest_mimic::{Failed, Trial};
use tollgate::{Call, Engine};
use tollgate_grammar::{FileId, ast_print, format, parse, tokens};

use super::damaged::damaged;
use super::{conformance, files};
use crate::random::{self, Rng};

/// Texts laid out at random, random programs, and damaged texts, of each so many in an ordinary run of the suite.
const TEXTS: u64 = 600;
/// Texts in one trial.
const BATCH: u64 = 200;
/// Of longer files, this much of the beginning is laid out at random: what follows is more of the same.
const TEXT_MAX: usize = 8 << 10;
/// The page about the canonical layout: a block marked [`AS_TYPED`] becomes the block behind it.
const PAGE: &str = "docs/book/format.md";
const AS_TYPED: &str = "```rules as typed";
/// The folders whose files are in the canonical layout. Elsewhere the layout may be what a test is about.
const NEAT: &[&str] = &[
    "examples",
    "stdlib",
    "docs",
    "tests/run",
    "benches/throughput",
];

/// One trial a file and a block, and one a batch of random texts.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let folders = [
        "benches", "docs", "examples", "frontend", "grammar", "stdlib", "tests",
    ];
    let paths = folders
        .iter()
        .flat_map(|folder| files(&root.join(folder), "rules"));
    let mut texts: Vec<(String, String)> = paths
        .filter_map(|path| {
            let title = path.strip_prefix(root).unwrap_or(&path).display();
            Some((title.to_string(), fs::read_to_string(&path).ok()?))
        })
        .collect();
    texts.extend(conformance::every_block(root));
    let sources: Arc<[String]> = texts
        .iter()
        .map(|(_, text)| text)
        .filter(|text| text.len() <= TEXT_MAX && parse(FileId(0), text).errors.is_empty())
        .cloned()
        .collect();
    let file = |(title, text): (String, String)| {
        let neat = NEAT.iter().any(|folder| title.starts_with(folder));
        Trial::test(format!("format/{title}"), move || {
            laws(&text)?;
            match neat && format(&text).as_ref() != Ok(&text) {
                true => Err("it is not in the canonical layout: run `tollgate fmt` on it".into()),
                false => Ok(()),
            }
        })
    };
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let first: u64 = number("TOLLGATE_SEED").unwrap_or(0);
    let last = first + number("TOLLGATE_FORMATS").unwrap_or(TEXTS);
    let batch = |from: u64| {
        let (to, sources) = ((from + BATCH).min(last), Arc::clone(&sources));
        Trial::test(format!("format/random/{from}..{to}"), move || {
            seeds(from, to, &sources)
        })
    };
    let batches = (first..last).step_by(BATCH as usize).map(batch);
    let page = fs::read_to_string(root.join(PAGE)).expect("the page is readable");
    let examples = examples(&page).into_iter().map(|(line, typed, neat)| {
        Trial::test(format!("format/{PAGE}/{line}"), move || {
            laws(&typed)?;
            match format(&typed) {
                Ok(text) if text == neat => Ok(()),
                Ok(text) => Err(format!("it becomes\n{text}").into()),
                Err(errors) => Err(format!("it does not parse: {errors:?}").into()),
            }
        })
    });
    let mut examples: Vec<Trial> = examples.collect();
    examples.push(Trial::test("format/decides the same", decides_the_same));
    texts
        .into_iter()
        .map(file)
        .chain(examples)
        .chain(batches)
        .collect()
}

/// The pairs of blocks of the page: the line of the first, what was typed, and what it becomes.
fn examples(page: &str) -> Vec<(usize, String, String)> {
    let mut lines = page.lines().enumerate();
    let mut found = Vec::new();
    while let Some((number, line)) = lines.next() {
        if line == AS_TYPED {
            let mut block = || -> String {
                let lines = lines.by_ref().map(|(_, line)| line);
                let lines = lines.take_while(|line| *line != "```");
                lines.map(|line| format!("{line}\n")).collect()
            };
            let typed = block();
            let neat = block();
            let neat = neat.trim_start().strip_prefix("```rules\n");
            let neat = neat.expect("a block that says what it becomes stands behind it");
            found.push((number + 1, typed, neat.to_owned()));
        }
    }
    assert!(!found.is_empty(), "{PAGE} has no examples");
    found
}

/// What is random in a decision is a function of its id and of the program, not of its layout.
fn decides_the_same() -> Result<(), Failed> {
    let text =
        "edition 2026 module a\n\n\n# A comment.\nruleset wait(n: Int) -> Duration hit first {\n\n
        rule few when n<5 then   jitter(1s,5s)\notherwise jitter(1s,5s)}";
    let decide = |text: &str, n: &str| -> Result<String, Failed> {
        let program = Engine::new().compile_source("a.rules", text)?;
        let call = Call { id: "r7", time: 0 };
        let mut session = program.session();
        let decision = session.decide_json("wait", n.as_bytes(), &call)?;
        Ok(decision.to_json())
    };
    let formatted = tollgate::format("a.rules", text)?;
    let waits = [decide(text, "1")?, decide(text, "9")?];
    if waits[0].split("by").next() == waits[1].split("by").next() {
        return Err(format!("two places give the same: {waits:?}").into());
    }
    match waits == [decide(&formatted, "1")?, decide(&formatted, "9")?] {
        true => Ok(()),
        false => Err(format!("another layout decides otherwise than {waits:?}").into()),
    }
}

/// Every promise for the texts of these seeds. Most of what is laid out at random must still parse, or nothing has been shown.
fn seeds(from: u64, to: u64, sources: &[String]) -> Result<(), Failed> {
    let (mut laid_out, mut parsed) = (0, 0);
    for seed in from..to {
        let mut rng = Rng::new(seed);
        let program = match seed % 2 {
            0 => random::case(seed, 0).source,
            _ => random::rule_set(seed, 0).source,
        };
        let source: &String = rng.pick(sources);
        let texts = [
            mangled(source, &mut rng),
            mangled(&program, &mut rng),
            program,
            damaged(seed, sources),
        ];
        for text in &texts {
            laws(text).map_err(|error| format!("seed {seed}: {error}\n{text}"))?;
        }
        laid_out += 2;
        parsed += texts[..2]
            .iter()
            .filter(|text| format(text).is_ok())
            .count() as u64;
    }
    match parsed * 2 < laid_out {
        true => Err(format!("only {parsed} of {laid_out} texts laid out at random parse").into()),
        false => Ok(()),
    }
}

/// What the formatter promises about a text.
fn laws(text: &str) -> Result<(), String> {
    let before = parse(FileId(0), text);
    let formatted = match format(text) {
        Err(errors) if errors == before.errors => return Ok(()),
        Err(_) => return Err("other mistakes than the parser's".into()),
        Ok(_) if !before.errors.is_empty() => {
            return Err("a text with mistakes is formatted".into());
        }
        Ok(formatted) => formatted,
    };
    let after = parse(FileId(0), &formatted);
    if !after.errors.is_empty() {
        return Err(format!("it does not parse any more:\n{formatted}"));
    }
    let (old, new) = (ast_print::shape(&before.ast), ast_print::shape(&after.ast));
    if old != new {
        let differs = old.lines().zip(new.lines()).find(|(old, new)| old != new);
        return Err(format!("another tree, {differs:?}:\n{formatted}"));
    }
    // The words of a table's header move with its columns.
    let comments = |text: &str, spans: &[tollgate_grammar::Span]| -> Vec<String> {
        let words = |span: &tollgate_grammar::Span| -> Vec<String> {
            let words = text[span.range()].split_whitespace();
            words.map(str::to_owned).collect()
        };
        spans.iter().map(|span| words(span).concat()).collect()
    };
    let (old, new) = (
        comments(text, &before.ast.comments),
        comments(&formatted, &after.ast.comments),
    );
    if old != new {
        return Err(format!("comments {old:?} became {new:?}:\n{formatted}"));
    }
    if let Some(line) = formatted.lines().find(|line| line.ends_with(' ')) {
        return Err(format!("blanks at the end of {line:?}:\n{formatted}"));
    }
    let again = format(&formatted).map_err(|_| "it is not formatted twice")?;
    match again == formatted {
        true => Ok(()),
        false => Err(format!(
            "formatted once:\n{formatted}\nformatted twice:\n{again}"
        )),
    }
}

/// The tokens and comments of a text with other blanks, line ends and comments between them.
fn mangled(text: &str, rng: &mut Rng) -> String {
    let chance = 2 + rng.below(20);
    let mut out = String::new();
    let mut end = 0;
    for token in tokens(FileId(0), text) {
        let (start, stop) = (token.start as usize, token.end as usize);
        let gap = &text[end..start];
        match rng.below(6) {
            _ if !rng.one_in(chance) || gap.contains('#') => out.push_str(gap),
            0 => out.push('\n'),
            1 => out.push_str("\n\n\n  "),
            2 => out.push_str(if gap.is_empty() { "" } else { "   " }),
            3 => {
                let _ = writeln!(out, " # behind {}", rng.below(10));
            }
            4 => {
                let _ = write!(out, "\n# alone {}\n\n", rng.below(10));
            }
            _ => out.push_str(if gap.is_empty() { "" } else { " " }),
        }
        out.push_str(&text[start..stop]);
        end = stop;
    }
    out.push_str(&text[end..]);
    out
}
