//! Diagnostics for machines: one JSON object each.

use serde_json::{Value, json};
use tollgate_grammar::source::{SourceMap, Span};
use tollgate_runtime::kinds::time::write_instant;

use super::{Diagnostic, Replay};

/// The diagnostic as an object on one line: slug, severity, message, labels, notes, help, and the witness where there is one. Places
/// have line and column from 1 and the byte range; the first label is what the diagnostic is about. Help with edits says who decides
/// that they are made: `"applies"` is `"by_itself"` or `"by_choice"` ([`Applies`](super::Applies)).
///
/// A witness has `entry`, `input` and `data` as `tollgate run` takes them, `id` and `time` where they matter and the input has
/// none, `matches` (the rules it is about that match), and `by`, the rule that decides, where that is said.
pub fn to_json(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let labels = diagnostic.labels.iter().map(|label| {
        let mut object = place(label.span, sources);
        object["text"] = Value::from(label.text.as_str());
        object
    });
    let help = diagnostic.help.iter().map(|help| {
        let edits = help.edits.iter().map(|(span, text)| {
            let mut object = place(*span, sources);
            object["replacement"] = Value::from(text.as_str());
            object
        });
        let mut object = json!({ "text": help.text, "edits": edits.collect::<Vec<_>>() });
        if !help.edits.is_empty() {
            object["applies"] = Value::from(help.applies.name());
        }
        object
    });
    let mut object = json!({
        "slug": diagnostic.slug,
        "severity": diagnostic.severity.name(),
        "message": diagnostic.message,
        "labels": labels.collect::<Vec<_>>(),
        "notes": diagnostic.notes,
        "help": help.collect::<Vec<_>>(),
    });
    if let Some(witness) = &diagnostic.witness {
        object["witness"] = replay(witness);
    }
    object.to_string()
}

fn replay(witness: &Replay) -> Value {
    // What the boundary's own encoder wrote is JSON; what nests deeper than the parser likes stays text.
    let parsed = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let mut object = json!({
        "entry": witness.entry,
        "input": parsed(&witness.input),
        "matches": witness.matches,
    });
    if !witness.data.is_empty() {
        let data = witness.data.iter();
        object["data"] = data
            .map(|(name, json)| (name.clone(), parsed(json)))
            .collect();
    }
    if let Some(id) = &witness.id {
        object["id"] = Value::from(id.as_str());
    }
    if let Some(time) = witness.time {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write_instant(&mut text, time);
        object["time"] = Value::from(text);
    }
    if let Some(by) = &witness.by {
        object["by"] = Value::from(by.as_str());
    }
    object
}

fn place(span: Span, sources: &SourceMap) -> Value {
    let at = sources.position(span);
    json!({
        "file": &**sources.file(span.file).name(),
        "line": at.line,
        "column": at.column,
        "start": span.start,
        "end": span.end,
    })
}
