//! Coverage for machines.

use serde_json::{Value, json};

use super::{
    ConditionCovered, Coverage, Covered, EdgeCovered, FileCovered, IndexCovered, RuleCovered,
    percent,
};

/// The coverage as an object.
pub(super) fn coverage(of: &Coverage) -> Value {
    json!({
        "wanted": of.wanted(),
        "seen": of.seen(),
        "percent": of.percent(),
        "files": of.files.iter().map(file).collect::<Vec<_>>(),
    })
}

fn file(of: &FileCovered) -> Value {
    json!({
        "file": of.name,
        "wanted": of.wanted(),
        "seen": of.seen(),
        "percent": percent(of.seen(), of.wanted()),
        "rules": of.rules.iter().map(rule).collect::<Vec<_>>(),
        "indexes": of.indexes.iter().map(index).collect::<Vec<_>>(),
    })
}

fn index(of: &IndexCovered) -> Value {
    let edge = |edge: &EdgeCovered| {
        json!({
            "feature": edge.feature,
            "access": edge.access,
            "answers": edge.answers,
            "taken": edge.taken,
        })
    };
    json!({
        "ruleset": of.ruleset,
        "line": of.place.line,
        "edges": of.edges.iter().map(edge).collect::<Vec<_>>(),
    })
}

fn rule(of: &RuleCovered) -> Value {
    json!({
        "kind": match of.kind {
            Covered::Rule => "rule",
            Covered::Group => "group",
            Covered::Otherwise => "otherwise",
        },
        "ruleset": of.ruleset,
        "name": of.name,
        "line": of.place.line,
        "column": of.place.column,
        "tried": of.tried,
        "matched": of.matched,
        "decided": of.decided,
        "can_match": of.can_match,
        "missing": of.missing(),
        "conditions": of.conditions.iter().map(condition).collect::<Vec<_>>(),
    })
}

fn condition(of: &ConditionCovered) -> Value {
    json!({
        "text": of.text,
        "line": of.place.line,
        "column": of.place.column,
        "start": of.place.bytes.start,
        "end": of.place.bytes.end,
        "yes": of.yes,
        "no": of.no,
        "skipped": of.skipped,
        "denied": of.denied,
        "not_reached": of.not_reached,
        "answers": of.answers().map(|(answer, _)| answer).collect::<Vec<_>>(),
        "missing": of.missing(),
    })
}
