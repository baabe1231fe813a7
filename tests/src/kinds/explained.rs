//! Explanations of random decisions: (program, input, rule) triples.
//!
//! An explanation says which rules match, and the engine which decide: these must go together by the hit policy. A rule matches exactly
//! when its conditions answer so. And the smallest change, applied to the input, must make the rule match, and the rules decide that
//! the explanation names. The explanation itself refuses where the interpreter, the index and the chain of rules do not agree.
//!
//! A short seeded run belongs to every run of the suite; `TOLLGATE_TRIPLES=100000` makes it longer and prints what was found,
//! `TOLLGATE_SEED=7` other. Pictures are in `tests/explain/`: a line `#? entry JSON` (or `#? entry rule JSON`) a picture.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use libtest_mimic::{Failed, Trial};
use tollgate::{
    Answer, Call, Closest, Condition, Engine, Explanation, Joined, Program, RuleExplained,
    StageExplained, Which,
};

use super::differential::{batches, number};
use super::files;
use crate::random::{Case, Rng, case, rule_set};

/// Triples in an ordinary run of the suite.
const TRIPLES: u64 = 400;
/// Triples that are made of one program.
const EACH: usize = 10;
/// Programs in one trial.
const BATCH: u64 = 10;

static MADE: AtomicU64 = AtomicU64::new(0);
static CHANGED: AtomicU64 = AtomicU64::new(0);
static NEVER: AtomicU64 = AtomicU64::new(0);
static UNKNOWN: AtomicU64 = AtomicU64::new(0);

/// One trial a picture, and one a batch of random programs.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let folder = root.join("tests/explain");
    let pictures = files(&folder, "rules").into_iter().map(|path| {
        let name = path.file_stem().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let folder = folder.clone();
        Trial::test(format!("explain/{name}"), move || {
            pictured(&name, &fs::read_to_string(&path)?, &folder)
        })
    });
    let page = root.join("docs/book/explain.md");
    let mut pictures: Vec<Trial> = pictures.collect();
    pictures.push(Trial::test("explain/book", move || {
        in_the_book(&fs::read_to_string(&page)?)
    }));
    let triples = number("TOLLGATE_TRIPLES").unwrap_or(TRIPLES);
    let programs = triples.div_ceil(EACH as u64);
    let random = batches("explained", programs, BATCH, |seed| {
        let outcome = catch_unwind(|| holds(seed));
        if number("TOLLGATE_TRIPLES").is_some() && seed.is_multiple_of(500) {
            let [made, changed, never, unknown] =
                [&MADE, &CHANGED, &NEVER, &UNKNOWN].map(|n| n.load(Relaxed));
            println!("{made} triples: {changed} changed, {never} never match, {unknown} not known");
        }
        outcome
            .unwrap_or_else(|_| Err(format!("seed {seed} panicked:\n{}", of(seed).source).into()))
    });
    pictures.into_iter().chain(random).collect()
}

/// The program and inputs of a seed.
fn of(seed: u64) -> Case {
    match seed % 2 {
        0 => case(seed, EACH),
        _ => rule_set(seed, EACH),
    }
}

const CALL: Call<'_> = Call {
    id: "explained",
    time: 0,
};

fn holds(seed: u64) -> Result<(), Failed> {
    let case = of(seed);
    let tell = |what: String| Failed::from(format!("seed {seed}: {what}\n{}", case.source));
    let program = Engine::new()
        .compile_source("explained.rules", &case.source)
        .map_err(|e| tell(e.to_string()))?;
    let mut rng = Rng::new(seed ^ 0xE2B1A);
    let mut left = EACH;
    // What never matches is a claim about every input.
    let (mut never, mut matched) = (BTreeSet::new(), BTreeSet::new());
    for input in &case.inputs {
        if left == 0 {
            break;
        }
        let explain = |which: Which<'_>| {
            let explained = program.explain_json("decide", input.as_bytes(), &CALL, which);
            explained.map_err(|e| tell(format!("{input}: {e}")))
        };
        // Of a rule set of many rules, which all stand in `decide`, one is looked at.
        let rules = case.source.matches("rule r").count() as u64;
        let many = seed % 2 == 1 && rules > 12;
        let explained = match many {
            true => explain(Which::Named(&format!("r{}", rng.below(rules))))?,
            false => explain(Which::All)?,
        };
        for rule in all(&explained) {
            let name = (rule.ruleset.clone(), rule.name.clone());
            match (&rule.closest, rule.matched) {
                (_, true) => matched.insert(name),
                (Some(Closest::Never), false) => never.insert(name),
                _ => false,
            };
            if let Some(wrong) = never.intersection(&matched).next() {
                return Err(tell(format!("{wrong:?} never matches, and does")));
            }
            if left == 0 {
                continue;
            }
            left -= 1;
            MADE.fetch_add(1, Relaxed);
            judge(&program, rule)
                .map_err(|what| tell(format!("{input}: {}: {what}\n{explained}", rule.name)))?;
        }
        if !many && explained.stages.is_empty() {
            together(&case.source, &explained)
                .map_err(|what| tell(format!("{input}: {what}\n{explained}")))?;
        }
    }
    Ok(())
}

/// Every rule of an explanation, those of stages too.
fn all(of: &Explanation) -> Vec<&RuleExplained> {
    fn stages<'e>(of: &'e [StageExplained], found: &mut Vec<&'e RuleExplained>) {
        for stage in of {
            found.extend(&stage.rules);
            stages(&stage.stages, found);
        }
    }
    let mut found: Vec<&RuleExplained> = of.rules.iter().collect();
    stages(&of.stages, &mut found);
    found
}

/// Whether the rules that match and those that decide go together.
pub(super) fn together(source: &str, of: &Explanation) -> Result<(), String> {
    let matched = of.rules.iter().filter(|rule| rule.matched);
    let matched: Vec<&str> = matched.map(|rule| &*rule.name).collect();
    let by: Vec<&str> = of.by.iter().map(|name| &**name).collect();
    let header = source.rsplit("ruleset decide(").next().unwrap_or_default();
    let policy = header.split(" hit ").nth(1).unwrap_or_default();
    let fits = match policy.split([' ', '(']).next().unwrap_or_default() {
        "all" | "sum" => by == matched,
        _ if matched.is_empty() => by == ["otherwise"],
        "best" => by.len() == 1 && matched.contains(&by[0]),
        _ => by == matched[..1],
    };
    match fits {
        true => Ok(()),
        false => Err(format!("{matched:?} match, and {by:?} decide")),
    }
}

/// Whether the answers of a rule's conditions say together what is said of the rule.
pub(super) fn consistent(rule: &RuleExplained) -> Result<(), String> {
    let answers: Vec<Answer> = rule.conditions.iter().map(|c| c.answer).collect();
    let decided = answers.iter().position(|a| *a != Answer::Yes);
    let matched = decided.is_none_or(|at| answers[at] == Answer::Denied);
    let known = decided.is_none_or(|at| answers[at] != Answer::NotAsked);
    if (matched, known) != (rule.matched, rule.known) {
        return Err(format!("{answers:?}, and matched is {}", rule.matched));
    }
    let behind = decided.map_or(&[][..], |at| &answers[at + 1..]);
    if !behind.iter().all(|a| matches!(a, Answer::NotReached(_))) {
        return Err(format!("{answers:?} goes on behind the end"));
    }
    rule.conditions.iter().try_for_each(joined)?;
    match &rule.closest {
        None if !rule.matched && rule.known => Err("nothing is said of a change".into()),
        Some(_) if rule.matched || !rule.known => Err("a change of what matches".into()),
        _ => Ok(()),
    }
}

fn judge(program: &Program, rule: &RuleExplained) -> Result<(), String> {
    consistent(rule)?;
    match &rule.closest {
        None => Ok(()),
        Some(Closest::Never) => {
            NEVER.fetch_add(1, Relaxed);
            Ok(())
        }
        Some(Closest::Change { input, by, .. }) => {
            CHANGED.fetch_add(1, Relaxed);
            let which = Which::Named(&rule.name);
            let again = program
                .explain_json(&*rule.ruleset, input.as_bytes(), &CALL, which)
                .map_err(|e| format!("{input}: {e}"))?;
            if !again.rules.iter().all(|rule| rule.matched) || again.rules.len() != 1 {
                return Err(format!("it does not match {input}"));
            }
            match again.by == *by {
                true => Ok(()),
                false => Err(format!("{:?} decide {input}, not {by:?}", again.by)),
            }
        }
        Some(_) => {
            UNKNOWN.fetch_add(1, Relaxed);
            Ok(())
        }
    }
}

/// Whether the parts of a condition say what the whole says.
fn joined(of: &Condition) -> Result<(), String> {
    let held = |c: &Condition| match c.answer {
        Answer::Yes => Some(true),
        Answer::No => Some(false),
        Answer::NotReached(would) => would,
        Answer::Skipped | Answer::Denied | Answer::NotAsked => None,
    };
    of.parts.iter().try_for_each(joined)?;
    let whole = held(of);
    let parts: Vec<Option<bool>> = of.parts.iter().map(held).collect();
    let fits = match (of.joined, whole) {
        (Joined::One, _) | (_, None) => true,
        (Joined::Not, Some(whole)) => parts == [Some(!whole)],
        (Joined::All, Some(whole)) => parts.iter().all(|p| *p == Some(true)) == whole,
        (Joined::Any, Some(whole)) => parts.contains(&Some(true)) == whole,
    };
    match fits {
        true => Ok(()),
        false => Err(format!("{} is {whole:?}, of {parts:?}", of.text)),
    }
}

/// The lines that a page shows are those of its rules and its request.
fn in_the_book(page: &str) -> Result<(), Failed> {
    let block = |kind: &str| {
        let (_, rest) = page.split_once(&format!("```{kind}\n"))?;
        rest.split_once("```").map(|(text, _)| text)
    };
    let (rules, facts, shown) = block("rules")
        .zip(block("json"))
        .zip(block("text"))
        .map(|((rules, facts), shown)| (rules, facts, shown))
        .ok_or("the page has rules, a request and what is shown")?;
    let program = Engine::new()
        .compile_source("route.rules", rules)
        .map_err(|e| e.to_string())?;
    let which = Which::Named("checkout");
    let explained = program.explain_json("route", facts.as_bytes(), &CALL, which)?;
    match explained.to_string() == shown {
        true => Ok(()),
        false => Err(format!("the page shows\n{shown}\nbut it is\n{explained}").into()),
    }
}

/// Compares what is drawn, the lines and the JSON with the snapshot.
fn pictured(name: &str, text: &str, folder: &Path) -> Result<(), Failed> {
    let program = Engine::new()
        .compile_source(&format!("{name}.rules"), text)
        .map_err(|e| e.to_string())?;
    let mut out = String::new();
    // One line after the other decides with the states that those before have left.
    let states = program.states(&[])?;
    let mut session = program.session_with(&states)?;
    let pictures = text.lines().filter_map(|line| line.strip_prefix("#? "));
    for (line, number) in pictures.zip(1..) {
        let begins = |c: char| matches!(c, '{' | '[' | '"') || c.is_ascii_digit();
        let (words, json) = line.split_at(line.find(begins).ok_or("there is JSON")?);
        let mut words = words.split_whitespace();
        let entry = words.next().ok_or("something decides")?;
        let which = match words.next() {
            None => Which::Deciding,
            Some("*") => Which::All,
            Some(rule) => Which::Named(rule),
        };
        let explained = match program.declarations().is_empty() {
            true => program.explain_json(entry, json.as_bytes(), &CALL, which),
            false => {
                let id = number.to_string();
                let call = Call { id: &id, ..CALL };
                let facts = program.decode(entry, json.as_bytes())?;
                let answers = session.decide_facts(entry, &facts, &call)?.answers();
                program.explain_answered(entry, &facts, &call, &answers, which)
            }
        };
        let explained = explained.map_err(|e| format!("{line}: {e}"))?;
        let object: serde_json::Value = serde_json::from_str(&explained.to_json())?;
        out.push_str(&format!(
            "{line}\n\n{}\n{explained}\n{object:#}\n\n",
            explained.render(false)
        ));
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, out));
    Ok(())
}
