//! What is found out about rules: `tests/analysis/`, one case a file, and random rule sets against trying every input.
//!
//! In `tests/analysis/found/` lines that end in `#! slug` are all that is said. A first line `#? condition` is a condition of
//! the rule sets' parameters, written by hand, that the witness must satisfy, and `#= JSON` the rest of the input, which the witness
//! is put over: the virtual machine then decides a rule set made of the condition. The witness for machines needs no rest; it must
//! satisfy the condition as it stands, and where the file compiles it is decided as the diagnostic says. About
//! `tests/analysis/nothing/` nothing is said.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use serde_json::Value as Json;
use tollgate::{Call, Engine};
use tollgate_frontend::diagnostics::json::to_json;

use super::{differential, files, ui};
use crate::random::Rng;

/// One trial a file, and one a batch of random rule sets.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let of = |folder: &str, judge: fn(&str) -> Result<(), Failed>| {
        let path = root.join("tests/analysis").join(folder);
        let trials = files(&path, "rules").into_iter().map(move |file| {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            let title = format!(
                "analysis/{}/{name}",
                path.file_name().unwrap_or_default().to_string_lossy()
            );
            Trial::test(title, move || {
                judge(&fs::read_to_string(&file).expect("a test is readable"))
            })
        });
        trials.collect::<Vec<_>>()
    };
    let mut trials = of("found", finds);
    trials.extend(of("nothing", finds_nothing));
    let rulesets = differential::number("TOLLGATE_RULESETS").unwrap_or(100);
    let random = differential::batches("analysis", rulesets, 25, |seed| {
        every_input(seed).map(|_| ())
    });
    trials.extend(random);
    trials.push(Trial::test("analysis/nothing is missed", || {
        let mut all = Tally::default();
        for seed in 1_000..1_120 {
            all.add(&every_input(seed)?);
        }
        let Tally {
            claims,
            near,
            missed,
            first,
        } = all;
        println!("{claims} claims, all true; {near} near misses; {missed} missed");
        match first {
            None if claims > 100 && near > 100 => Ok(()),
            first => Err(first.unwrap_or_default().into()),
        }
    }));
    trials
}

fn said(text: &str) -> ui::Checked {
    ui::check(&ui::split("case", text))
}

fn finds(text: &str) -> Result<(), Failed> {
    let checked = said(text);
    let found: Vec<(u32, &str)> = checked
        .diagnostics
        .iter()
        .map(|d| (checked.sources.position(d.labels[0].span).line, d.slug))
        .collect();
    let wanted = ui::said_here(text);
    if found != wanted || wanted.is_empty() {
        let drawn = ui::draw(&checked);
        return Err(format!("{found:?}, not {wanted:?}\n{drawn}").into());
    }
    let witness = checked
        .diagnostics
        .iter()
        .flat_map(|d| &d.notes)
        .find_map(|note| {
            let note = note.strip_prefix("witness: ")?;
            Some(
                note.split_once(", which `")
                    .map_or(note, |(input, _)| input),
            )
        });
    let line = |start: &str| text.lines().find_map(|l| l.strip_prefix(start));
    match (line("#? "), witness) {
        (None, None) => Ok(()),
        (None, Some(witness)) => {
            Err(format!("shows {witness}, and no condition is written").into())
        }
        (Some(condition), None) => Err(format!("shows nothing for {condition}").into()),
        (Some(condition), Some(witness)) => {
            let rest = line("#= ").unwrap_or("{}");
            shows(text, condition, rest, witness)?;
            replays(text, condition, &checked)
        }
    }
}

/// Whether the witness that a machine is given shows the same, by itself.
fn replays(text: &str, condition: &str, checked: &ui::Checked) -> Result<(), Failed> {
    let objects = checked.diagnostics.iter();
    let objects = objects.map(|d| to_json(d, &checked.sources));
    let objects: Vec<Json> = objects
        .map(|object| serde_json::from_str(&object))
        .collect::<Result<_, _>>()?;
    let mut witnesses = objects.iter().filter_map(|object| object.get("witness"));
    let witness = witnesses.next().ok_or("the JSON has no witness")?;
    shows(text, condition, "{}", &witness["input"].to_string())?;
    // A file with errors decides nothing.
    let Ok(program) = Engine::new().compile_source("case.rules", text) else {
        return Ok(());
    };
    let by = witness["by"].as_str().ok_or("the JSON names no rule")?;
    let entry = witness["entry"].as_str().unwrap_or_default();
    let mut session = program.session();
    let call = Call { id: "1", time: 0 };
    let input = witness["input"].to_string();
    let decision = session
        .decide_json(entry, input.as_bytes(), &call)
        .map_err(|e| format!("{input}: {e}"))?;
    match decision.by().eq([by]) {
        true => Ok(()),
        false => Err(format!("{input} is decided by {decision:?}, not by {by}").into()),
    }
}

/// Whether the witness, put over the rest of an input, satisfies a condition of the first rule set's parameters.
fn shows(text: &str, condition: &str, rest: &str, witness: &str) -> Result<(), Failed> {
    let mut input: Json = serde_json::from_str(rest)?;
    let over: Json =
        serde_json::from_str(witness).map_err(|e| format!("{witness} is no JSON: {e}"))?;
    put_over(&mut input, over);
    let (types, sets) = text.split_once("ruleset ").ok_or("there is a rule set")?;
    let (params, _) = sets
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(") ->"))
        .ok_or("the rule set has parameters")?;
    let program = format!(
        "{types}ruleset shows({params}) -> Bool hit first {{\n  rule yes when {condition} then true\n  otherwise false\n}}\n"
    );
    let program = Engine::new()
        .compile_source("case.rules", &program)
        .map_err(|e| format!("{e}\n{program}"))?;
    let mut session = program.session();
    let decision = session.decide_json(
        "shows",
        input.to_string().as_bytes(),
        &Call { id: "1", time: 0 },
    );
    let decided = decision.map_err(|e| format!("{input}: {e}"))?.to_json();
    match decided.contains("true") {
        true => Ok(()),
        false => Err(format!("{input} does not satisfy {condition}").into()),
    }
}

fn put_over(input: &mut Json, over: Json) {
    match (input, over) {
        (Json::Object(input), Json::Object(over)) => {
            for (key, value) in over {
                put_over(input.entry(key).or_insert(Json::Null), value);
            }
        }
        (input, over) => *input = over,
    }
}

fn finds_nothing(text: &str) -> Result<(), Failed> {
    let checked = said(text);
    match checked.diagnostics.is_empty() {
        true => Ok(()),
        false => Err(ui::draw(&checked).into()),
    }
}

const TYPES: &str = "edition 2026
module random

enum T { A, B, C }
enum E { left(n: Int in 0 .. 2), right }
record R { p: Int in 0 .. 2, q: Bool? }
type Small = Int in 0 .. 2
";
const PARAMS: &str = "a: Int in 0 .. 3, t: T, o: Small?, e: E, r: R?";

/// Every input there is, as JSON.
fn inputs() -> Vec<String> {
    let mut all = Vec::new();
    let es = [
        r#"{"left": {"n": 0}}"#,
        r#"{"left": {"n": 1}}"#,
        r#"{"left": {"n": 2}}"#,
        r#""right""#,
    ];
    let mut rs = vec!["null".to_owned()];
    for p in 0..3 {
        for q in ["null", "true", "false"] {
            rs.push(format!(r#"{{"p": {p}, "q": {q}}}"#));
        }
    }
    for a in 0..4 {
        for t in ["A", "B", "C"] {
            for o in ["null", "0", "1", "2"] {
                for e in es {
                    for r in &rs {
                        all.push(format!(
                            r#"{{"a": {a}, "t": "{t}", "o": {o}, "e": {e}, "r": {r}}}"#
                        ));
                    }
                }
            }
        }
    }
    all
}

/// A condition that may stand on the spine.
fn condition(rng: &mut Rng, depth: u32) -> String {
    let kind = if depth == 0 { 0 } else { rng.below(5) };
    match kind {
        0..=2 => atom(rng),
        3 => format!(
            "({} or {})",
            condition(rng, depth - 1),
            condition(rng, depth - 1)
        ),
        _ => match rng.below(2) {
            0 => format!(
                "({} and {})",
                condition(rng, depth - 1),
                condition(rng, depth - 1)
            ),
            _ => format!("not ({})", condition(rng, depth - 1)),
        },
    }
}

fn atom(rng: &mut Rng) -> String {
    let small = rng.below(3);
    match rng.below(15) {
        0 => format!("a >= {}", 1 + rng.below(3)),
        1 => format!("a == {}", rng.below(4)),
        2 => format!("a in {{{}, 3}}", rng.below(3)),
        3 => format!("t == {}", rng.pick(&["A", "B", "C"])),
        4 => format!("t in {{{}}}", rng.pick(&["A, B", "B, C", "A, C"])),
        5 => "o is none".to_owned(),
        6 => format!("o ?? {small} == {}", rng.below(3)),
        7 => format!("(o.present and o ?? 0 < {})", 1 + rng.below(2)),
        8 => format!("e is left({small})"),
        9 => "e is right".to_owned(),
        10 => format!("r.p ?? {small} == {}", rng.below(3)),
        11 => format!("a * {} > {}", 1 + rng.below(4), rng.below(9)),
        12 => format!("{} - a / 2 == {}", rng.below(3), rng.below(3)),
        13 => format!("a * 3 - 2 in {} .. 5", rng.below(5)),
        _ => (*rng.pick(&["r.q.present", "r is none", "r.q ?? false", "r.q ?? true"])).to_owned(),
    }
}

/// How claims compare with what is so.
#[derive(Default, Debug)]
struct Tally {
    /// Claims made, all of them true.
    claims: usize,
    /// Questions on which nothing was claimed, rightly.
    near: usize,
    /// What is so and was not claimed.
    missed: usize,
    /// The first of these.
    first: Option<String>,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.claims += other.claims;
        self.near += other.near;
        self.missed += other.missed;
        self.first = self.first.take().or_else(|| other.first.clone());
    }

    fn judge(&mut self, claimed: bool, so: bool, what: &str, text: &str) -> Result<(), Failed> {
        match (claimed, so) {
            (true, false) => return Err(format!("{what} is claimed and not so:\n{text}").into()),
            (true, true) => self.claims += 1,
            (false, true) => {
                self.missed += 1;
                self.first.get_or_insert_with(|| format!("{what}:\n{text}"));
            }
            (false, false) => self.near += 1,
        }
        Ok(())
    }
}

/// Random rules under several policies, and what is said of them, against what every input shows.
fn every_input(seed: u64) -> Result<Tally, Failed> {
    let mut rng = Rng::new(seed.wrapping_mul(0xD134_2543_DE82_EF95) ^ 0xA11A);
    let count = 2 + rng.below(5) as usize;
    let depth = 1 + rng.below(2) as u32;
    let conditions: Vec<String> = (0..count)
        .map(|_| match rng.below(3) {
            0 => condition(&mut rng, depth),
            _ => format!(
                "{} and {}",
                condition(&mut rng, depth),
                condition(&mut rng, depth)
            ),
        })
        .collect();
    let set = |name: &str, policy: &str, gives: &str, otherwise: bool| {
        let mut text = format!("\nruleset {name}({PARAMS}) -> {gives} hit {policy} {{\n");
        for (i, condition) in conditions.iter().enumerate() {
            let _ = writeln!(text, "  rule {name}{i} when {condition} then {i}");
        }
        text + if otherwise {
            "  otherwise 9\n}\n"
        } else {
            "}\n"
        }
    };
    // What matches: every rule that does is named.
    let all = format!("{TYPES}{}", set("every", "all", "[Int]", false));
    let program = Engine::new()
        .compile_source("all.rules", &all)
        .map_err(|e| format!("{e}\n{all}"))?;
    let mut session = program.session();
    let mut matching: Vec<Vec<bool>> = Vec::new();
    for input in inputs() {
        let call = Call { id: "1", time: 0 };
        let decision = session.decide_json("every", input.as_bytes(), &call);
        let json: Json = serde_json::from_str(&decision.map_err(|e| e.to_string())?.to_json())?;
        let values = json["value"].as_array().cloned().unwrap_or_default();
        let has = |i: usize| values.iter().any(|v| v.as_u64() == Some(i as u64));
        matching.push((0..count).map(has).collect());
    }

    let first = format!("{TYPES}{}", set("first", "first", "Int", true));
    let found = said(&first);
    let claims: Vec<(&str, &str)> = found
        .diagnostics
        .iter()
        .map(|d| (d.slug, d.message.split('`').nth(1).unwrap_or_default()))
        .collect();
    // A condition that the checker itself has decided is not spoken of again.
    let decided = claims.iter().any(|(slug, _)| !KNOWN.contains(slug));
    let mut tally = Tally::default();
    let mut ended = false;
    for i in 0..count {
        let name = format!("first{i}");
        let says = |slugs: &[&str]| claims.iter().any(|(s, n)| slugs.contains(s) && *n == name);
        let never = matching.iter().all(|m| !m[i]);
        let reached = matching.iter().any(|m| m[i] && !m[..i].contains(&true));
        let always = matching.iter().all(|m| m[i]);
        let mut judge = |claimed: bool, so: bool, what: &str| {
            // What follows from what was said is not said.
            let so = so && (claimed || !(ended || decided));
            tally.judge(claimed, so, &format!("{what} of {name}"), &first)
        };
        judge(says(&["contradictory-condition"]), never, "contradiction")?;
        let dead = !never && !reached;
        judge(
            says(&["unreachable-rule", "same-condition"]),
            dead,
            "unreachable",
        )?;
        judge(
            says(&["always-true"]),
            always && reached && i + 1 < count,
            "always",
        )?;
        ended |= always;
    }
    let covered = matching.iter().all(|m| m.contains(&true));
    let claimed = claims.iter().any(|(s, _)| *s == "needless-otherwise");
    tally.judge(
        claimed,
        covered && (claimed || !ended),
        "needless otherwise",
        &first,
    )?;

    let open = format!("{TYPES}{}", set("open", "first", "Int", false));
    let found = said(&open);
    let says = |found: &ui::Checked, slug: &str| found.diagnostics.iter().any(|d| d.slug == slug);
    let gap = says(&found, "missing-otherwise");
    let unknown = says(&found, "unproved-coverage");
    tally.judge(gap, !covered, "a gap", &open)?;
    tally.judge(!gap && !unknown, covered, "coverage", &open)?;

    let unique = format!("{TYPES}{}", set("unique", "unique", "Int", true));
    let found = said(&unique);
    let twice = |m: &Vec<bool>| m.iter().filter(|m| **m).count() > 1;
    let overlap = matching.iter().any(twice);
    let (says, unknown) = (
        says(&found, "overlapping-rules"),
        says(&found, "unproved-overlap"),
    );
    tally.judge(says, overlap, "overlap", &unique)?;
    tally.judge(!says && !unknown, !overlap, "disjointness", &unique)?;
    Ok(tally)
}

/// What the analysis says.
const KNOWN: &[&str] = &[
    "contradictory-condition",
    "unreachable-rule",
    "same-condition",
    "always-true",
    "needless-otherwise",
];
