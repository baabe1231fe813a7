//! Explanations for machines.

use serde_json::{Value, json};
use tollgate_ask::Operation;

use super::{
    Answer, Closest, Condition, Explanation, Joined, Place, RuleExplained, StageExplained,
};

/// The explanation as an object.
pub(super) fn explanation(of: &Explanation) -> Value {
    let mut object = json!({
        "entry": of.entry,
        "value": parsed(&of.value),
        "by": of.by,
    });
    // A pipeline has stages, everything else has rules.
    match of.stages.is_empty() {
        true => object["rules"] = of.rules.iter().map(rule).collect(),
        false => object["stages"] = of.stages.iter().map(stage).collect(),
    }
    if !of.operations.is_empty() {
        object["operations"] = operations(&of.operations);
    }
    object
}

fn operations(of: &[Operation]) -> Value {
    let each = of.iter().map(|operation| {
        let mut json = String::new();
        operation.write_json(&mut json);
        parsed(&json)
    });
    each.collect()
}

fn stage(of: &StageExplained) -> Value {
    let mut object = json!({
        "name": of.name,
        "place": place(&of.place),
        "reached": of.value.is_some(),
        "stopped": of.stopped,
        "by": of.by,
        "rules": of.rules.iter().map(rule).collect::<Vec<_>>(),
    });
    if let Some(value) = &of.value {
        object["value"] = parsed(value);
    }
    if let Some(asked) = &of.asked {
        object["asked"] = Value::from(asked.as_str());
    }
    if !of.stages.is_empty() {
        object["stages"] = of.stages.iter().map(stage).collect();
    }
    object
}

fn rule(of: &RuleExplained) -> Value {
    let mut object = json!({
        "ruleset": of.ruleset,
        "name": of.name,
        "place": place(&of.place),
        "matched": of.matched,
        "decided": of.decided,
        "conditions": of.conditions.iter().map(condition).collect::<Vec<_>>(),
    });
    if !of.known {
        object["matched"] = Value::Null;
    }
    if let Some(why) = &of.why {
        object["why"] = Value::from(why.as_str());
    }
    if !of.decided {
        object["instead"] = Value::from(of.instead.clone());
    }
    if let Some(closest) = &of.closest {
        object["closest"] = change(closest);
    }
    object
}

fn change(of: &Closest) -> Value {
    match of {
        Closest::Never => json!("never"),
        Closest::Unknown => json!("unknown"),
        Closest::Change { changes, input, by } => {
            let changes = changes.iter().map(|change| {
                json!({
                    "path": change.path,
                    "from": optional(change.from.as_deref()),
                    "to": optional(change.to.as_deref()),
                })
            });
            json!({
                "changes": changes.collect::<Vec<_>>(),
                "input": parsed(input),
                "by": by,
            })
        }
    }
}

fn condition(of: &Condition) -> Value {
    let answer = match of.answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::Skipped => "skipped",
        Answer::Denied => "denied",
        Answer::NotAsked => "not asked",
        Answer::NotReached(_) => "not reached",
    };
    let mut object = json!({
        "text": of.text,
        "place": place(&of.place),
        "answer": answer,
        "seen": values(&of.seen),
    });
    if let Answer::NotReached(Some(would)) = of.answer {
        object["would"] = Value::from(would);
    }
    if !of.asked.is_empty() {
        object["asked"] = operations(&of.asked);
    }
    if of.of_group {
        object["group"] = Value::from(true);
    }
    if !of.bound.is_empty() {
        object["bound"] = values(&of.bound);
    }
    let joined = match of.joined {
        Joined::One => return object,
        Joined::All => "all",
        Joined::Any => "any",
        Joined::Not => "not",
    };
    object[joined] = of.parts.iter().map(condition).collect();
    object
}

fn values(of: &[(String, Option<String>)]) -> Value {
    let each = of.iter();
    let each =
        each.map(|(name, value)| json!({ "name": name, "value": optional(value.as_deref()) }));
    each.collect()
}

fn place(of: &Place) -> Value {
    json!({
        "file": of.file,
        "line": of.line,
        "column": of.column,
        "start": of.bytes.start,
        "end": of.bytes.end,
    })
}

fn optional(json: Option<&str>) -> Value {
    json.map_or(Value::Null, parsed)
}

/// What the boundary's own encoder wrote is JSON; what nests deeper than the parser likes stays text.
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| Value::from(json))
}
