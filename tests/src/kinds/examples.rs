//! The examples on their own data, judged by something that is not our matcher.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};
use tollgate::{Call, Program};
use tollgate_grammar::ast::ItemKind;
use tollgate_grammar::source::FileId;

use super::run::{engines, every_engine};

const CALL: Call<'_> = Call {
    id: "test",
    time: 0,
};

/// Facts of an example and the decisions that stand beside them, printed by the tool and then read, line by line, against the rules.
pub(crate) struct Recorded {
    pub(crate) rules: &'static str,
    pub(crate) entry: &'static str,
    pub(crate) data: &'static [(&'static str, &'static str)],
    pub(crate) facts: &'static str,
    decisions: &'static str,
}

pub(crate) const RECORDED: &[Recorded] = &[
    Recorded {
        rules: "shop/gateway.rules",
        entry: "edge",
        data: &[("tenants", "shop/tenants.json")],
        facts: "shop/requests.jsonl",
        decisions: "shop/decisions.jsonl",
    },
    Recorded {
        rules: "uber/gateway.rules",
        entry: "handle",
        data: &[],
        facts: "uber/requests.jsonl",
        decisions: "uber/decisions.jsonl",
    },
    Recorded {
        rules: "uber/gateway.rules",
        entry: "edits",
        data: &[],
        facts: "uber/responses.jsonl",
        decisions: "uber/edits.jsonl",
    },
    Recorded {
        rules: "balance/balance.rules",
        entry: "balance",
        data: &[],
        facts: "balance/requests.jsonl",
        decisions: "balance/targets.jsonl",
    },
    Recorded {
        rules: "balance/balance.rules",
        entry: "retry",
        data: &[],
        facts: "balance/failures.jsonl",
        decisions: "balance/retries.jsonl",
    },
    Recorded {
        rules: "access_log/log.rules",
        entry: "kind",
        data: &[],
        facts: "access_log/lines.jsonl",
        decisions: "access_log/kinds.jsonl",
    },
    Recorded {
        rules: "access_log/log.rules",
        entry: "flags",
        data: &[],
        facts: "access_log/lines.jsonl",
        decisions: "access_log/flags.jsonl",
    },
    Recorded {
        rules: "edge/gateway.rules",
        entry: "edge",
        data: &[("tenants", "edge/tenants.json")],
        facts: "edge/requests.jsonl",
        decisions: "edge/decisions.jsonl",
    },
    Recorded {
        rules: "netflix/overload.rules",
        entry: "shed",
        data: &[],
        facts: "netflix/requests.jsonl",
        decisions: "netflix/decisions.jsonl",
    },
    Recorded {
        rules: "stripe/limiters.rules",
        entry: "shed",
        data: &[],
        facts: "stripe/requests.jsonl",
        decisions: "stripe/decisions.jsonl",
    },
    Recorded {
        rules: "campaign/campaign.rules",
        entry: "fifth_ride",
        data: &[],
        facts: "campaign/rides.jsonl",
        decisions: "campaign/actions.jsonl",
    },
    Recorded {
        rules: "trident/trident.rules",
        entry: "campaigns",
        data: &[],
        facts: "trident/events.jsonl",
        decisions: "trident/decisions.jsonl",
    },
    Recorded {
        rules: "reno/reno.rules",
        entry: "gates",
        data: &[],
        facts: "reno/events.jsonl",
        decisions: "reno/decisions.jsonl",
    },
];

/// The programs that the language was designed by, each with those it uses.
const SAMPLES: &[(&str, &[&str])] = &[
    ("overload.rules", &[]),
    ("gateway.rules", &["overload.rules"]),
    ("campaign.rules", &[]),
];

/// The trials.
pub(crate) fn trials(root: &Path) -> Vec<Trial> {
    let (github, log, trident) = (root.to_owned(), root.to_owned(), root.to_owned());
    let recorded = RECORDED.iter().map(|recorded| {
        let root = root.join("examples");
        Trial::test(format!("examples/{}", recorded.decisions), move || {
            decides_as_recorded(&root, recorded)
        })
    });
    let mut trials: Vec<Trial> = recorded.collect();
    trials.extend([
        Trial::test("examples/github", move || decides_every_operation(&github)),
        Trial::test("examples/access_log", move || accounts_for_every_line(&log)),
        Trial::test("examples/trident", move || {
            campaigns_of_other_types(&trident)
        }),
    ]);
    trials.extend(SAMPLES.iter().map(|(name, beside)| {
        let folder = root.join("../shared/samples");
        Trial::test(format!("examples/samples/{name}"), move || {
            runs_sample(&folder, name, beside)
        })
    }));
    trials
}

/// A sample runs its tests on every engine. Its proofs are left out as long as the compiler refuses them, which it says by name.
fn runs_sample(samples: &Path, name: &str, beside: &[&str]) -> Result<(), Failed> {
    if !samples.exists() {
        println!("left out: the samples are not beside the project");
        return Ok(());
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("samples")
        .join(name);
    fs::create_dir_all(&folder)?;
    for file in beside.iter().chain([&name]) {
        let text = fs::read_to_string(samples.join(file))?;
        fs::write(folder.join(file), without_proofs(&text))?;
    }
    every_engine(&|engine| engine.compile_file(&folder.join(name)), true)
}

/// The text with blanks where its `prove` items stand, so that lines keep their numbers.
fn without_proofs(text: &str) -> String {
    let parsed = tollgate_grammar::parse(FileId(0), text);
    let mut text = text.as_bytes().to_vec();
    for item in parsed
        .ast
        .items
        .iter()
        .filter(|i| matches!(i.kind, ItemKind::Prove(_)))
    {
        let place = item.span.start as usize..item.span.end as usize;
        for byte in text[place].iter_mut().filter(|b| **b != b'\n') {
            *byte = b' ';
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// What campaigns of other types of event cost a ride: nothing, on every engine that counts steps.
fn campaigns_of_other_types(root: &Path) -> Result<(), Failed> {
    let source = fs::read_to_string(root.join("examples/trident/trident.rules"))?;
    let events = fs::read_to_string(root.join("examples/trident/events.jsonl"))?;
    let (head, tail) = source
        .split_once("  rule try_mart")
        .ok_or("the first campaign is not where it was")?;
    let ride = events.lines().nth(1).ok_or("there is a second event")?;
    for (name, engine) in engines().filter(|(name, _)| !name.ends_with("O0")) {
        let mut steps = Vec::new();
        for others in [20, 1_000] {
            let more: String = (0..others)
                .map(|i| {
                    format!(
                        "  rule other_{i} when e.what is points_earned(n) and n > {i} then points(e.user, 1)\n"
                    )
                })
                .collect();
            let text =
                format!("{head}{more}  rule try_mart{tail}").replace("cost 1_500", "cost 100_000");
            let program = engine.compile_source("trident.rules", &text)?;
            let states = program.states(&[])?;
            let mut session = program.session_with(&states)?;
            let decision = session.decide_json("campaigns", ride.as_bytes(), &CALL)?;
            steps.push(decision.steps());
        }
        if steps[0] != steps[1] {
            return Err(format!(
                "{name}: {} steps beside 20 campaigns, {} beside 1,000",
                steps[0], steps[1]
            )
            .into());
        }
        if name.starts_with("vm") && steps[0] == 0 {
            return Err(format!("{name} counted no steps").into());
        }
    }
    Ok(())
}

/// Every engine decides the facts of an example as its decisions file says; a refused record is compared by its field and reason.
fn decides_as_recorded(examples: &Path, recorded: &Recorded) -> Result<(), Failed> {
    let facts = fs::read_to_string(examples.join(recorded.facts))?;
    let decisions = fs::read_to_string(examples.join(recorded.decisions))?;
    if facts.lines().count() != decisions.lines().count() {
        return Err("each line of facts has a line of decisions".into());
    }
    for (name, engine) in engines() {
        let mut program = engine.compile_file(&examples.join(recorded.rules))?;
        for (data, file) in recorded.data {
            program = program.with_data(data, &fs::read(examples.join(file))?)?;
        }
        let states = program.states(&[])?;
        let mut session = program.session_with(&states)?;
        for (fact, wanted) in facts.lines().zip(decisions.lines()) {
            let wanted: Value = serde_json::from_str(wanted)?;
            let decided = match session.decide_json(recorded.entry, fact.as_bytes(), &CALL) {
                Ok(decision) => serde_json::from_str(&decision.to_json())?,
                Err(error) => {
                    let refusal = error.refusal().ok_or_else(|| format!("{name}: {error}"))?;
                    let refused = json!({
                        "field": refusal.path(), "value": refusal.value(), "reason": refusal.reason(),
                    });
                    json!({ "line": wanted["line"], "refused": refused })
                }
            };
            if decided != wanted {
                return Err(
                    format!("{name}: {fact}\n  decided {decided}\n  wanted  {wanted}").into(),
                );
            }
        }
    }
    Ok(())
}

/// Every request of the GitHub example is decided by the rule of its own operation. The rule's method and path are taken from the
/// source by plain text search, and compared with the request segment by segment.
fn decides_every_operation(root: &Path) -> Result<(), Failed> {
    let folder = root.join("examples/github");
    let source = fs::read_to_string(folder.join("github.rules"))?;
    let operations = operations(&source);
    let requests = fs::read_to_string(folder.join("requests.jsonl"))?;
    for (name, engine) in engines().filter(|(name, _)| !name.starts_with("interp O0")) {
        let program = engine.compile_file(&folder.join("github.rules"))?;
        let mut session = program.session();
        let mut decided = 0;
        for line in requests.lines() {
            let request: Value = serde_json::from_str(line)?;
            let decision = session.decide_json("route", line.as_bytes(), &CALL)?;
            let by = decision.by().next().unwrap_or_default();
            let (id, method, path) = operations
                .get(by.as_str())
                .ok_or_else(|| format!("{name}: {line} by {by}"))?;
            let own = request["id"] == id.as_str() && request["method"] == method.as_str();
            if !own || !fits(path, request["path"].as_str().unwrap_or_default()) {
                return Err(format!(
                    "{name}: {line} was decided by {by}, which is {method} {path}"
                )
                .into());
            }
            decided += 1;
        }
        if (decided, operations.len()) != (1223, 1223) {
            return Err(
                format!("{name}: {decided} decided, {} operations", operations.len()).into(),
            );
        }
    }
    Ok(())
}

/// Rule name → operation id, method, path, from the text of the generated rules.
fn operations(source: &str) -> HashMap<&str, (String, String, String)> {
    let mut operations = HashMap::new();
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    for pair in lines.windows(2) {
        if let Some(rule) = pair[0].strip_prefix("rule ")
            && let Some((name, id)) = rule.split_once(' ')
            && let Some(on) = pair[1].strip_prefix("on ")
            && let Some((method, path)) = on.split_once(' ')
        {
            let path = path.trim_start_matches("p\"").trim_end_matches('"');
            operations.insert(
                name,
                (
                    id.trim_matches('"').to_owned(),
                    method.to_owned(),
                    path.to_owned(),
                ),
            );
        }
    }
    operations
}

/// Whether a path has the literal segments of a template, whatever stands for its captures.
fn fits(template: &str, path: &str) -> bool {
    let (mut template, mut path) = (template.split('/'), path.split('/'));
    loop {
        match (template.next(), path.next()) {
            (None, None) => return true,
            (Some(t), _) if t.ends_with(": **}") => return true,
            (Some(t), Some(p)) if t.starts_with('{') || t == p => {}
            _ => return false,
        }
    }
}

/// Every line of a real access log is decided, and the counts are those that a plain text search gives.
fn accounts_for_every_line(root: &Path) -> Result<(), Failed> {
    let archive = root.join("../shared/data/apache-access-log/apache_logs.jsonl.gz");
    if !archive.exists() {
        println!("left out: the real access log is not beside the project");
        return Ok(());
    }
    let log = unzip(&archive)?;
    let program =
        tollgate::Engine::new().compile_file(&root.join("examples/access_log/log.rules"))?;
    let (mut lines, mut missing, mut unnamed) = (0, 0, 0);
    for line in log.lines() {
        lines += 1;
        decide(&program, "kind", line)?;
        let flags = decide(&program, "flags", line)?;
        missing += usize::from(flags.contains("missing_page"));
        unnamed += usize::from(flags.contains("unnamed_client"));
    }
    let count = |wanted: &dyn Fn(&Value) -> bool| -> usize {
        log.lines()
            .filter(|l| serde_json::from_str(l).is_ok_and(|v| wanted(&v)))
            .count()
    };
    let expected_missing = count(&|v| v["status"] == 404 && !v["referer"].is_null());
    let expected_unnamed = count(&|v| v["user_agent"].is_null());
    if (lines, missing, unnamed) != (10_000, expected_missing, expected_unnamed) {
        return Err(format!("{lines} lines, {missing} missing, {unnamed} unnamed").into());
    }
    Ok(())
}

fn decide(program: &Program, entry: &str, line: &str) -> Result<String, Failed> {
    let mut session = program.session();
    Ok(session
        .decide_json(entry, line.as_bytes(), &CALL)?
        .value_json())
}

fn unzip(archive: &Path) -> Result<String, Failed> {
    let mut child = Command::new("gzip")
        .arg("-dc")
        .arg(archive)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut text = String::new();
    child
        .stdout
        .take()
        .ok_or("gzip has an output")?
        .read_to_string(&mut text)?;
    child.wait()?;
    Ok(text)
}
