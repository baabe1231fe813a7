//! `tollgate cost`

use serde_json::json;
use tollgate::{Cost, Engine, EntryCost, Search};

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
                print(entry, args.top);
            }
            Format::Json => println!("{}", to_json(entry, args.top)),
        }
    }
    Ok(if costs.report.errors() > 0 {
        Outcome::Findings
    } else {
        Outcome::Clean
    })
}

/// The price of an entry for people: of the plain chain, and of the search.
pub(super) fn print(entry: &EntryCost, top: usize) {
    chain(entry, top);
    search(entry);
}

/// The price of the plain chain, rule by rule.
fn chain(entry: &EntryCost, top: usize) {
    let limit = entry
        .limit
        .map(|limit| format!(" (limit {})", thousands(limit)))
        .unwrap_or_default();
    println!(
        "{} costs at most {} steps{limit}, {} regex bytes{}",
        entry.name,
        thousands(entry.total.steps),
        thousands(entry.total.regex_bytes),
        match entry.total.asks {
            0 => String::new(),
            asks => format!(", {} state operations", thousands(asks)),
        }
    );
    if entry.rules.is_empty() {
        return;
    }
    // Most rules ask no states, and have no column of noughts.
    let asks = |text: &str| match entry.total.asks {
        0 => String::new(),
        _ => format!("{text:>18}"),
    };
    let heading = asks("state operations");
    println!("{:>16}{:>16}{heading}  rule", "steps", "regex bytes");
    let row = |cost: Cost, name: &str| {
        println!(
            "{:>16}{:>16}{}  {name}",
            thousands(cost.steps),
            thousands(cost.regex_bytes),
            asks(&thousands(cost.asks))
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

/// How the rules are found, beside the plain chain.
fn search(entry: &EntryCost) {
    let number = |n: usize| thousands(n as u64);
    match &entry.search {
        None => {}
        Some(Search::Chain(why)) => println!("  asked one after the other: {why}"),
        Some(Search::Index(index)) => {
            println!(
                "  searched: at most {} steps; rows {}, nodes {}, depth {}, longest leaf {}, bytes {}",
                thousands(index.steps),
                number(index.rows),
                number(index.nodes),
                index.depth,
                number(index.longest),
                number(index.bytes)
            );
            if index.unsplit > 0 {
                println!(
                    "  fallback: {} rows stay together in leaves, because the budget of filed rows was spent",
                    number(index.unsplit)
                );
            }
        }
        Some(_) => {}
    }
}

fn to_json(entry: &EntryCost, top: usize) -> serde_json::Value {
    let price = |cost: Cost| json!({ "steps": cost.steps, "regex_bytes": cost.regex_bytes });
    let (chain, index) = match &entry.search {
        Some(Search::Chain(why)) => (Some(why), None),
        Some(Search::Index(index)) => (
            None,
            Some(json!({
                "steps": index.steps,
                "rows": index.rows,
                "nodes": index.nodes,
                "filed": index.filed,
                "longest_leaf": index.longest,
                "unsplit": index.unsplit,
                "depth": index.depth,
                "bytes": index.bytes,
            })),
        ),
        _ => (None, None),
    };
    let rules = entry.rules.iter().take(top).map(|rule| {
        json!({ "rule": rule.name, "steps": rule.cost.steps, "regex_bytes": rule.cost.regex_bytes })
    });
    json!({
        "entry": entry.name,
        "steps": entry.total.steps,
        "regex_bytes": entry.total.regex_bytes,
        "state_operations": entry.total.asks,
        "limit": entry.limit,
        "rules": rules.collect::<Vec<_>>(),
        "rules_left_out": entry.rules.len().saturating_sub(top),
        "groups": price(entry.groups),
        "keys": price(entry.key),
        "otherwise": price(entry.otherwise),
        "index": index,
        "why_no_index": chain,
    })
}
