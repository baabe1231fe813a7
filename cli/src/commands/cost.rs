//! `tollgate cost`

use serde_json::json;
use tollgate::{Cost, Engine, EntryCost};

use super::{Outcome, Result, explain_failure, show};
use crate::args::{Cost as Args, Format};
use crate::terminal::thousands;

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let costs = match Engine::new().cost_file(&args.file) {
        Ok(costs) => costs,
        Err(error) => return explain_failure(error),
    };
    show(&costs.report);
    let mut wanted = Vec::new();
    for name in &args.entries {
        let found = costs.entries.iter().find(|e| e.name == *name);
        wanted.push(found.ok_or_else(|| {
            let names: Vec<&str> = costs.entries.iter().map(|e| &*e.name).collect();
            format!(
                "{} has no `{name}`; it has {}",
                args.file.display(),
                names.join(", ")
            )
        })?);
    }
    if wanted.is_empty() {
        wanted.extend(&costs.entries);
    }
    for (i, entry) in wanted.into_iter().enumerate() {
        match args.format {
            Format::Human => {
                if i > 0 {
                    println!();
                }
                chain(entry, args.top);
            }
            Format::Json => println!("{}", to_json(entry, args.top)),
        }
        // How an index searches the rules is a section of its own, behind the plain chain's.
    }
    Ok(if costs.report.errors() > 0 {
        Outcome::Findings
    } else {
        Outcome::Clean
    })
}

/// The price of the plain chain, rule by rule.
fn chain(entry: &EntryCost, top: usize) {
    let limit = entry
        .limit
        .map(|limit| format!(" (limit {})", thousands(limit)))
        .unwrap_or_default();
    println!(
        "{} costs at most {} steps{limit}, {} regex bytes",
        entry.name,
        thousands(entry.total.steps),
        thousands(entry.total.regex_bytes)
    );
    if entry.rules.is_empty() {
        return;
    }
    println!("{:>16}{:>16}  rule", "steps", "regex bytes");
    let row = |cost: Cost, name: &str| {
        println!(
            "{:>16}{:>16}  {name}",
            thousands(cost.steps),
            thousands(cost.regex_bytes)
        );
    };
    for rule in entry.rules.iter().take(top) {
        row(rule.cost, &rule.name);
    }
    let more = entry.rules.len().saturating_sub(top);
    if more > 0 {
        println!("{:>32}  {} more", "", thousands(more as u64));
    }
    for (cost, name) in [
        (entry.groups, "(conditions of groups)"),
        (entry.key, "(keys of `best by`)"),
        (entry.otherwise, "(otherwise)"),
    ] {
        if cost.steps > 0 {
            row(cost, name);
        }
    }
}

fn to_json(entry: &EntryCost, top: usize) -> serde_json::Value {
    let price = |cost: Cost| json!({ "steps": cost.steps, "regex_bytes": cost.regex_bytes });
    let rules = entry.rules.iter().take(top).map(|rule| {
        json!({ "rule": rule.name, "steps": rule.cost.steps, "regex_bytes": rule.cost.regex_bytes })
    });
    json!({
        "entry": entry.name,
        "steps": entry.total.steps,
        "regex_bytes": entry.total.regex_bytes,
        "limit": entry.limit,
        "rules": rules.collect::<Vec<_>>(),
        "rules_left_out": entry.rules.len().saturating_sub(top),
        "groups": price(entry.groups),
        "keys": price(entry.key),
        "otherwise": price(entry.otherwise),
    })
}
