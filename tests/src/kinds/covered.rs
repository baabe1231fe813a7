//! How far decisions go: coverage of `tests/cover/*.rules`, drawn and written, and laws about that of random programs.
//!
//! Each file's tests are run, and lines `#? entry JSON` decided about; the listing of the whole source, the tracefile and the edges of
//! indexes stand beside it, in a `.snap`. Of a random program the interpreter counts, and the engine's decisions say which rules decided: these must be the same
//! numbers. Tests that are counted come to the same as tests that are run. Every rule's answers must add up, and what was counted in two halves must be what was counted at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use tollgate::{Call, Coverage, Covered, Engine, Program};

use super::differential::{batches, number};
use super::{dag, files};
use crate::random::{Case, case, rule_set};

/// Programs in an ordinary run of the suite.
const PROGRAMS: u64 = 60;
/// Programs in one trial.
const BATCH: u64 = 10;
/// Decisions by each.
const EACH: usize = 20;

const CALL: Call<'_> = Call {
    id: "covered",
    time: 0,
};

/// One trial a file, and one a batch of random programs.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let folder = root.join("tests/cover");
    let pictures = files(&folder, "rules").into_iter().map(|path| {
        let name = path.file_stem().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let folder = folder.clone();
        Trial::test(format!("cover/{name}"), move || {
            pictured(&name, &fs::read_to_string(&path)?, &folder)
        })
    });
    let programs = ["tests/run", "examples"].into_iter();
    let programs = programs.flat_map(|folder| files(&root.join(folder), "rules"));
    let programs = programs.map(|path| {
        let name = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .display()
            .to_string();
        Trial::test(format!("cover/{name}"), move || as_tested(&path))
    });
    let pictures: Vec<Trial> = pictures.chain(programs).collect();
    let programs = number("TOLLGATE_PROGRAMS").unwrap_or(PROGRAMS);
    let random = batches("covered", programs, BATCH, holds);
    pictures.into_iter().chain(random).collect()
}

fn pictured(name: &str, text: &str, folder: &Path) -> Result<(), Failed> {
    let program = compiled(&format!("{name}.rules"), text)?;
    let mut recorder = program.recorder()?;
    for result in recorder.run_tests(None)? {
        if let Some(failure) = result.failures.first() {
            return Err(format!("{}: {}", result.title, failure.message).into());
        }
    }
    for line in text.lines().filter_map(|line| line.strip_prefix("#? ")) {
        let (entry, json) = line.split_once(' ').ok_or("there is JSON")?;
        recorder.decide_json(entry, json.as_bytes(), &CALL)?;
    }
    let covered = recorder.coverage()?;
    written(&covered)?;
    let mut out = format!("{}\n{}", covered.render(false, true), covered.to_lcov());
    let indexes = covered.files.iter().flat_map(|file| &file.indexes);
    for edge in indexes.flat_map(|index| &index.edges) {
        let (feature, answers, taken) = (&edge.feature, edge.answers.join(", "), edge.taken);
        out.push_str(&format!("edge {feature}: {answers}: {taken}\n"));
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, out));
    Ok(())
}

/// Tests that are counted come to the same as tests that are only run.
fn as_tested(path: &Path) -> Result<(), Failed> {
    let program = Engine::new().compile_file(path)?;
    let mut recorder = program.recorder()?;
    let counted = recorder.run_tests(None)?;
    let run = program.run_tests(None)?;
    if format!("{counted:?}") != format!("{run:?}") {
        return Err(format!("counted {counted:?}, run {run:?}").into());
    }
    let covered = recorder.coverage()?;
    if !run.is_empty() && covered.seen() == 0 && covered.wanted() > 0 {
        return Err("the tests come to nothing".into());
    }
    Ok(sound(&covered)?)
}

fn compiled(name: &str, text: &str) -> Result<Program, Failed> {
    let program = Engine::new().compile_source(name, text);
    program.map_err(|e| e.to_string().into())
}

fn holds(seed: u64) -> Result<(), Failed> {
    let case = match seed % 2 {
        0 => case(seed, EACH),
        _ => rule_set(seed, EACH),
    };
    laws(&case).map_err(|what| format!("seed {seed}: {what}\n{}", case.source).into())
}

fn laws(case: &Case) -> Result<(), String> {
    let program = Engine::new()
        .compile_source("covered.rules", &case.source)
        .map_err(|e| e.to_string())?;
    let told = |e: tollgate::Error| e.to_string();
    let whole = recorded(&program, &case.inputs).map_err(told)?;
    sound(&whole)?;
    // In two halves.
    let (left, right) = case.inputs.split_at(case.inputs.len() / 3);
    let mut halves = recorded(&program, left).map_err(told)?;
    let right = recorded(&program, right).map_err(told)?;
    halves.add(right).map_err(told)?;
    if numbers(&halves) != numbers(&whole) {
        return Err("two halves are not the whole".into());
    }
    // What is said to be impossible of what came of one half, the other has not seen.
    adds_up(&halves)?;
    // What the engine says.
    let (mut session, mut counts) = (program.session(), program.counts());
    for input in &case.inputs {
        let decision = session.decide_json("decide", input.as_bytes(), &CALL);
        counts.count(&decision.map_err(told)?);
    }
    let json = counts.to_json();
    let read = program.read_counts(json.as_bytes()).map_err(told)?;
    if read.to_json() != json {
        return Err(format!("counts are read otherwise than written:\n{json}"));
    }
    let counted: BTreeMap<String, u64> = serde_json::from_str(&json).map_err(|e| e.to_string())?;
    let rules = whole.files.iter().flat_map(|file| &file.rules);
    for rule in rules.filter(|r| r.kind != Covered::Group) {
        let name = format!("{}.{}", rule.ruleset, rule.name);
        let engine = counted.get(&name).copied().unwrap_or(0);
        // Only decisions that others ask for leave no trace, and nothing asks for the entry.
        let same = match &*rule.ruleset {
            "decide" => engine == rule.decided,
            _ => engine <= rule.decided,
        };
        if !same {
            return Err(format!(
                "the engine decided {engine} times by {name}, the interpreter {}",
                rule.decided
            ));
        }
    }
    Ok(())
}

fn recorded(program: &Program, inputs: &[String]) -> Result<Coverage, tollgate::Error> {
    let mut recorder = program.recorder()?;
    for input in inputs {
        recorder.decide_json("decide", input.as_bytes(), &CALL)?;
    }
    recorder.coverage()
}

/// Everything that was counted.
fn numbers(of: &Coverage) -> Vec<u64> {
    let rules = of.files.iter().flat_map(|file| &file.rules);
    let rules = rules.flat_map(|rule| {
        let conditions = rule.conditions.iter();
        let conditions = conditions.flat_map(|c| [c.yes, c.no, c.skipped, c.denied, c.not_reached]);
        let own = [rule.tried, rule.matched, rule.decided];
        own.into_iter().chain(conditions)
    });
    let indexes = of.files.iter().flat_map(|file| &file.indexes);
    let edges = indexes.flat_map(|index| &index.edges);
    rules.chain(edges.map(|edge| edge.taken)).collect()
}

/// What was counted goes together, and can be drawn and written.
pub(super) fn sound(of: &Coverage) -> Result<(), String> {
    adds_up(of)?;
    written(of)
}

/// What is counted of a rule and its conditions goes together.
fn adds_up(of: &Coverage) -> Result<(), String> {
    for rule in of.files.iter().flat_map(|file| &file.rules) {
        let impossible = !rule.can_match && rule.matched > 0;
        if rule.matched > rule.tried || rule.decided > rule.matched || impossible {
            return Err(format!(
                "{} matched more often than it was tried",
                rule.name
            ));
        }
        for condition in &rule.conditions {
            if condition.reached() + condition.not_reached != rule.tried {
                return Err(format!("the answers of `{}` do not add up", condition.text));
            }
            let (fails, skips, denies) = (condition.fails, condition.skips, condition.denies);
            let strange = (!condition.holds && condition.yes > 0)
                || (!fails && condition.no > 0)
                || (!skips && condition.skipped > 0)
                || (!denies && condition.denied > 0);
            if strange {
                return Err(format!("`{}` answers what it cannot", condition.text));
            }
        }
    }
    for file in &of.files {
        for index in &file.indexes {
            // Every decision tries the first rule, and a search looks at a node once.
            let mut rules = file.rules.iter();
            let first = rules.find(|r| r.ruleset == index.ruleset && r.kind == Covered::Rule);
            let decisions = first.map_or(0, |rule| rule.tried);
            if index.edges.iter().any(|edge| edge.taken > decisions) {
                return Err(format!("{index:?} was searched {decisions} times"));
            }
        }
    }
    if of.seen() > of.wanted() {
        return Err("more was seen than there is".into());
    }
    Ok(())
}

/// What is written for tools and readers is well formed.
fn written(of: &Coverage) -> Result<(), String> {
    if of.render(true, false).is_empty() != of.files.is_empty() {
        return Err("nothing is drawn".into());
    }
    tracefile(&of.to_lcov())?;
    let page = of.to_html();
    let page = page
        .strip_prefix("<!DOCTYPE html>\n")
        .ok_or("no document type")?;
    dag::xml(page).map_err(|e| format!("{e}\n{page}"))?;
    let json: serde_json::Value = serde_json::from_str(&of.to_json()).map_err(|e| e.to_string())?;
    match json["seen"].as_u64() == Some(of.seen()) {
        true => Ok(()),
        false => Err("the JSON says something else".into()),
    }
}

/// Whether text is a tracefile as the manual of geninfo has it: its records in order, its sums right.
fn tracefile(text: &str) -> Result<(), String> {
    let number = |text: &str| {
        text.parse::<u64>()
            .map_err(|_| format!("no number: {text}"))
    };
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    let mut functions: BTreeMap<String, u64> = BTreeMap::new();
    let mut last = 0;
    let order = [
        "TN",
        "SF",
        "FN",
        "FNDA",
        "FNF",
        "FNH",
        "BRDA",
        "BRF",
        "BRH",
        "DA",
        "LF",
        "LH",
        "end_of_record",
    ];
    for line in text.lines() {
        let (kind, value) = line.split_once(':').unwrap_or((line, ""));
        let at = order.iter().position(|k| *k == kind);
        let at = at.ok_or_else(|| format!("no such record: {line}"))?;
        if at < last {
            return Err(format!("out of order: {line}"));
        }
        last = at;
        let mut count = |name: &'static str, counts: bool| {
            *sums.entry(name).or_default() += u64::from(counts);
        };
        match kind {
            "FN" => {
                let (line, name) = value.split_once(',').ok_or("a function has a name")?;
                functions.insert(name.to_owned(), number(line)?);
                count("FNF", true);
            }
            "FNDA" => {
                let (hits, name) = value.split_once(',').ok_or("a function has a name")?;
                functions.get(name).ok_or("a function is declared first")?;
                count("FNH", number(hits)? > 0);
            }
            "BRDA" => {
                let fields: Vec<&str> = value.split(',').collect();
                let [line, block, branch, taken] = fields[..] else {
                    return Err(format!("a branch has four fields: {line}"));
                };
                [line, block, branch]
                    .map(number)
                    .into_iter()
                    .collect::<Result<Vec<_>, _>>()?;
                count("BRF", true);
                count("BRH", taken != "-" && number(taken)? > 0);
            }
            "DA" => {
                let (line, hits) = value.split_once(',').ok_or("a line has a count")?;
                number(line)?;
                count("LF", true);
                count("LH", number(hits)? > 0);
            }
            "FNF" | "FNH" | "BRF" | "BRH" | "LF" | "LH" => {
                let sum = sums.remove(kind).unwrap_or(0);
                if number(value)? != sum {
                    return Err(format!("{line}, but there are {sum}"));
                }
            }
            "end_of_record" => {
                last = 0;
                functions.clear();
            }
            _ => {}
        }
    }
    match last {
        0 => Ok(()),
        _ => Err("the last record does not end".into()),
    }
}
