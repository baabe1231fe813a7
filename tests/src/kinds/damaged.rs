//! Damaged programs: every `.rules` file of the project, cut, doubled, spliced and sprinkled with words. Whatever comes of it, the
//! checker says something that can be drawn, at places that exist; mending never makes it worse; and what has no error compiles, and what
//! its tests come to can be drawn.
//!
//! A short seeded run belongs to every run of the suite; `TOLLGATE_DAMAGED=10000` and `TOLLGATE_SEED=7` make it longer and other.

use std::env;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Arc;

use libtest_mimic::Trial;
use serde_json::Value;
use tollgate::Engine;
use tollgate_grammar::token::FIXED;

use super::{covered, files};
use crate::random::Rng;

/// Programs in an ordinary run of the suite.
const PROGRAMS: u64 = 400;
/// Programs in one trial.
const BATCH: u64 = 100;
/// Of longer files, this much of the beginning: the dear part is checking, not finding what breaks it.
const TEXT_MAX: usize = 6 << 10;
/// What the programs are called in reports.
const NAME: &str = "damaged.rules";

/// One trial a batch.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let first: u64 = number("TOLLGATE_SEED").unwrap_or(0);
    let last = first + number("TOLLGATE_DAMAGED").unwrap_or(PROGRAMS);
    let folders = [
        "tests/ui",
        "tests/run",
        "examples",
        "stdlib",
        "grammar/tests",
        "frontend/tests",
    ];
    let paths = folders
        .iter()
        .flat_map(|folder| files(&root.join(folder), "rules"));
    let texts: Arc<[String]> = paths
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|text| beginning(&text))
        .collect();
    let batch = |from: u64| {
        let (to, texts) = ((from + BATCH).min(last), Arc::clone(&texts));
        Trial::test(format!("damaged/{from}..{to}"), move || {
            (from..to).try_for_each(|seed| {
                survives(&damaged(seed, &texts)).map_err(|e| format!("seed {seed}: {e}").into())
            })
        })
    };
    (first..last).step_by(BATCH as usize).map(batch).collect()
}

/// As [`check`]; a panic is told with the program that caused it.
fn survives(text: &str) -> Result<(), String> {
    catch_unwind(|| check(text))
        .unwrap_or_else(|_| Err("a panic".into()))
        .map_err(|e| format!("{e}\n{text}"))
}

fn check(text: &str) -> Result<(), String> {
    let report = Engine::new().check_source(NAME, text);
    if report.render(false).is_empty() != report.slugs().is_empty() {
        return Err("the drawing is missing".into());
    }
    for line in report.to_json_lines().lines() {
        let said: Value = serde_json::from_str(line).map_err(|e| format!("{e}: {line}"))?;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let edits = list(&said["help"])
            .into_iter()
            .flat_map(|help| list(&help["edits"]));
        for place in list(&said["labels"]).into_iter().chain(edits) {
            let at = |key: &str| place[key].as_u64().unwrap_or(u64::MAX) as usize;
            if place["file"] == NAME && text.get(at("start")..at("end")).is_none() {
                return Err(format!("a place that is not in the text: {line}"));
            }
        }
    }
    let fixed = Engine::new().fix_source(NAME, text);
    if fixed.report.errors() > report.errors() {
        return Err(format!("mended to more errors:\n{}", fixed.text));
    }
    if fixed.report.errors() == 0 {
        let told = |e: tollgate::Error| format!("without an error, but: {e}");
        let program = Engine::new()
            .compile_source(NAME, &fixed.text)
            .map_err(told)?;
        // What its tests come to can be drawn, whatever stands where.
        let mut recorder = program.recorder().map_err(told)?;
        recorder.run_tests(None).map_err(told)?;
        covered::sound(&recorder.coverage().map_err(told)?)?;
    }
    Ok(())
}

/// A text of the seed's choice, changed once to four times.
pub(super) fn damaged(seed: u64, texts: &[String]) -> String {
    let mut rng = Rng::new(seed);
    let mut text = rng.pick(texts).clone();
    for _ in 0..1 + rng.below(4) {
        let (from, to) = part(&text, &mut rng);
        match rng.below(6) {
            0 => text.replace_range(from..to, ""),
            1 => {
                let again = text[from..to].to_owned();
                text.insert_str(to, &again);
            }
            2 => {
                let other = rng.pick(texts);
                let (start, end) = part(other, &mut rng);
                text.replace_range(from..to, &other[start..end]);
            }
            3 => {
                let (start, end) = part(&text, &mut rng);
                let moved = text[start..end].to_owned();
                text.insert_str(from, &moved);
            }
            4 => {
                let number = *rng.pick(&[
                    "0",
                    "-1",
                    "9007199254740991",
                    "1_000_000s",
                    "99.9%",
                    "none",
                    "\"\"",
                    "\u{e4}",
                ]);
                text.replace_range(from..to, number);
            }
            _ => text.insert_str(from, &format!(" {} ", rng.pick(FIXED).1)),
        }
    }
    text
}

/// A range of a text: mostly a word or two, sometimes a few lines.
fn part(text: &str, rng: &mut Rng) -> (usize, usize) {
    let boundary = |at: usize| {
        (at.min(text.len())..=text.len())
            .find(|i| text.is_char_boundary(*i))
            .unwrap_or(text.len())
    };
    let from = boundary(rng.below(text.len() as u64 + 1) as usize);
    let len = if rng.one_in(4) {
        rng.below(200)
    } else {
        rng.below(12)
    };
    (from, boundary(from + len as usize))
}

fn beginning(text: &str) -> String {
    let end = (0..=TEXT_MAX.min(text.len()))
        .rev()
        .find(|i| text.is_char_boundary(*i))
        .unwrap_or(0);
    text[..end].to_owned()
}
