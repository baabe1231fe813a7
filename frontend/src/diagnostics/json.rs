//! Diagnostics for machines: one JSON object each.

use serde_json::{Value, json};
use tollgate_grammar::source::{SourceMap, Span};

use super::Diagnostic;

/// The diagnostic as an object on one line: slug, severity, message, labels, notes and help. Places have line and column from 1
/// and the byte range; the first label is what the diagnostic is about.
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
        json!({ "text": help.text, "edits": edits.collect::<Vec<_>>() })
    });
    json!({
        "slug": diagnostic.slug,
        "severity": diagnostic.severity.name(),
        "message": diagnostic.message,
        "labels": labels.collect::<Vec<_>>(),
        "notes": diagnostic.notes,
        "help": help.collect::<Vec<_>>(),
    })
    .to_string()
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
