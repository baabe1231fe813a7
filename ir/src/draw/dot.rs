//! Drawings in the language of Graphviz (<https://graphviz.org/doc/info/lang.html>).

use std::fmt::Write;

use super::text::rule_text;
use super::{Drawing, DrawnBox, REST, Shows, count, counted};

/// One graph, with a cluster for each drawing.
pub fn dot(drawings: &[Drawing]) -> String {
    let mut out = String::from(
        "digraph rules {\n    rankdir=LR;\n    node [shape=box, fontname=\"monospace\", fontsize=10];\n    \
         edge [fontname=\"monospace\", fontsize=9];\n",
    );
    for (number, drawing) in drawings.iter().enumerate() {
        cluster(&mut out, number, drawing);
    }
    out.push_str("}\n");
    out
}

// Writing to a string cannot fail.
fn cluster(out: &mut String, number: usize, drawing: &Drawing) {
    let _ = writeln!(out, "    subgraph cluster_{number} {{");
    let mut title = vec![drawing.title.clone()];
    title.extend(
        drawing
            .figures
            .iter()
            .map(|(what, n, _)| format!("{what} {n}")),
    );
    let _ = writeln!(out, "        label={};", quoted(&title));
    if drawing.boxes.is_empty() {
        // A cluster without nodes is not drawn.
        let _ = writeln!(out, "        n{number}_0 [label=\"chain\", style=dashed];");
    }
    for (at, drawn) in drawing.boxes.iter().enumerate() {
        let style = match drawn.shows {
            Shows::Asks { below: None, .. } => "style=filled, fillcolor=\"#dbe9f6\"",
            Shows::Asks { .. } => "style=\"filled,dashed\", fillcolor=\"#eeeeee\"",
            Shows::Rules { .. } => "style=filled, fillcolor=\"#e4f2e0\"",
        };
        let label = quoted(&lines(drawn));
        let _ = writeln!(out, "        n{number}_{at} [label={label}, {style}];");
        for (label, child) in &drawn.edges {
            let style = if label == REST { ", style=dashed" } else { "" };
            let label = quoted(std::slice::from_ref(label));
            let _ = writeln!(
                out,
                "        n{number}_{at} -> n{number}_{child} [label={label}{style}];"
            );
        }
    }
    out.push_str("    }\n");
}

/// What stands in a box, line by line.
pub(super) fn lines(drawn: &DrawnBox) -> Vec<String> {
    match &drawn.shows {
        Shows::Asks {
            feature,
            access,
            ways,
            below,
        } => {
            let mut lines = vec![
                feature.clone(),
                format!("by {access}, {}", counted(*ways, "way")),
            ];
            if drawn.more > 0 {
                lines.push(format!("… {} more not drawn", count(drawn.more as u64)));
            }
            if let Some((nodes, rows)) = below {
                let (nodes, rows) = (counted(*nodes, "node"), counted(*rows, "row"));
                lines.push(format!("… {nodes} with {rows} not drawn"));
            }
            lines
        }
        Shows::Rules { rules, more } => {
            let mut lines: Vec<String> = rules.iter().map(rule_text).collect();
            if *more > 0 {
                lines.push(format!("… and {} more", count(*more as u64)));
            }
            lines
        }
    }
}

/// A quoted string of left-justified lines.
fn quoted(lines: &[String]) -> String {
    let mut text = String::from("\"");
    for (i, line) in lines.iter().enumerate() {
        for c in line.chars() {
            if matches!(c, '"' | '\\') {
                text.push('\\');
            }
            text.push(c);
        }
        if lines.len() > 1 || i > 0 {
            text.push_str("\\l");
        }
    }
    text.push('"');
    text
}
