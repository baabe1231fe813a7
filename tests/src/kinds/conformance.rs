//! The executable reference: the blocks of `tests/conformance/*.md`, and those of the README and of `docs/book/state.md`, `overload.md`,
//! `serve.md`, `nginx.md`, `tour.md` and `operations.md`.
//!
//! A block marked `rules` is a program (edition and module are put before it unless it has them) that compiles without
//! an error and whose tests pass on every engine; one marked `rules error: slug, …` is refused with exactly these errors.
//! A block marked `json NAME` behind a program holds lines `facts => decision` or `facts => refused field: reason`, which
//! its entry NAME must answer so.

use std::fs;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use tollgate::{Call, Engine};

use super::files;
use super::run::{engines, every_engine};

/// One trial a block.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let trial = |(title, block)| Trial::test(title, move || check(&block));
    all(root).into_iter().map(trial).collect()
}

/// The blocks that compile: title and text.
pub(crate) fn programs(root: &Path) -> impl Iterator<Item = (String, String)> {
    let compiles = all(root).into_iter().filter(|(_, b)| b.errors.is_empty());
    compiles.map(|(title, block)| (title, block.text))
}

/// Every block, also of a program that is refused: title and text.
pub(crate) fn every_block(root: &Path) -> impl Iterator<Item = (String, String)> {
    all(root)
        .into_iter()
        .map(|(title, block)| (title, block.text))
}

fn all(root: &Path) -> Vec<(String, Block)> {
    let mut found = Vec::new();
    let mut pages = files(&root.join("tests/conformance"), "md");
    pages.extend(
        [
            "README.md",
            "docs/book/state.md",
            "docs/book/overload.md",
            "docs/book/serve.md",
            "docs/book/nginx.md",
            "docs/book/tour.md",
            "docs/book/operations.md",
        ]
        .map(|page| root.join(page)),
    );
    for path in pages {
        let page = fs::read_to_string(&path).expect("a page is readable");
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for block in blocks(&page) {
            found.push((format!("conformance/{name}/{}", block.line), block));
        }
    }
    found
}

struct Block {
    line: usize,
    /// Slugs of the errors it must be refused with; none for a program that compiles.
    errors: Vec<String>,
    text: String,
    /// What is asked of the program: entry, facts, and the answer.
    asks: Vec<(String, String, String)>,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        // A name with a dot is a file's, for the pages that are sessions as well.
        if let Some(entry) = line
            .strip_prefix("```json ")
            .filter(|entry| !entry.contains('.'))
        {
            let block: &mut Block = blocks
                .last_mut()
                .expect("a program stands before what is asked of it");
            let body = lines.by_ref().map(|(_, l)| l).take_while(|l| *l != "```");
            block.asks.extend(body.map(|line| {
                let (facts, answer) = line
                    .split_once(" => ")
                    .expect("a line reads `facts => answer`");
                (
                    entry.to_owned(),
                    facts.trim().to_owned(),
                    answer.trim().to_owned(),
                )
            }));
            continue;
        }
        let Some(marks) = line.strip_prefix("```rules") else {
            continue;
        };
        let errors = marks
            .trim()
            .strip_prefix("error:")
            .map_or(Vec::new(), |slugs| {
                slugs
                    .split(',')
                    .map(|slug| slug.trim().to_owned())
                    .collect()
            });
        let body: Vec<&str> = lines
            .by_ref()
            .map(|(_, l)| l)
            .take_while(|l| *l != "```")
            .collect();
        // The header goes on one line with the first of the block, so that lines in messages are those of the block.
        let header = if body.iter().any(|l| l.starts_with("edition")) {
            ""
        } else {
            "edition 2026 module page "
        };
        blocks.push(Block {
            line: number + 1,
            errors,
            text: format!("{header}{}\n", body.join("\n")),
            asks: Vec::new(),
        });
    }
    blocks
}

fn check(block: &Block) -> Result<(), Failed> {
    if block.errors.is_empty() {
        every_engine(&|engine| engine.compile_source("block", &block.text), false)?;
        return answers(block);
    }
    let report = Engine::new().check_source("block", &block.text);
    let found = report.error_slugs();
    if found == block.errors {
        return Ok(());
    }
    let (wanted, shown) = (&block.errors, report.render(false));
    Err(format!("expected {wanted:?}, found {found:?}\n{shown}").into())
}

/// Whether every engine answers what is asked as the page says.
fn answers(block: &Block) -> Result<(), Failed> {
    for (name, engine) in engines() {
        let program = engine.compile_source("block", &block.text)?;
        let states = program.states(&super::stores_here(&program)?)?;
        let mut session = program.session_with(&states)?;
        for (entry, facts, wanted) in &block.asks {
            let call = Call {
                id: "page",
                time: 0,
            };
            let answer = match session.decide_json(entry, facts.as_bytes(), &call) {
                Ok(decision) => decision.to_json(),
                Err(error) => match error.refusal() {
                    Some(refusal) => format!("refused {}: {}", refusal.path(), refusal.reason()),
                    None => error.to_string(),
                },
            };
            if answer != *wanted {
                return Err(format!(
                    "{name}: {entry} of {facts}\n  answered {answer}\n  wanted   {wanted}"
                )
                .into());
            }
        }
    }
    Ok(())
}
