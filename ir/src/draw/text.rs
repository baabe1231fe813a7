//! Drawings as text, for a terminal.

use std::fmt::Write;

use super::{Drawing, Shows, count, counted};

/// Drawings, one below the other.
pub fn text(drawings: &[Drawing]) -> String {
    let mut out = String::new();
    for (i, drawing) in drawings.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        one(&mut out, drawing);
    }
    out
}

// Writing to a string cannot fail.
fn one(out: &mut String, drawing: &Drawing) {
    let _ = writeln!(out, "{}", drawing.title);
    if drawing.boxes.is_empty() {
        return;
    }
    out.push_str("\n  features\n");
    let width = drawing.features.iter().map(|(n, _)| n.chars().count());
    let width = width.max().unwrap_or(0);
    for (i, (name, how)) in drawing.features.iter().enumerate() {
        let _ = writeln!(out, "    f{i:<3} {name:width$}  {how}");
    }
    out.push_str("\n  tree\n");
    tree(out, drawing);
    out.push_str("\n  figures\n");
    for (what, number, why) in &drawing.figures {
        let _ = writeln!(out, "    {what:12} {number:>10}  {why}");
    }
}

/// Line by line, with a list instead of recursion.
fn tree(out: &mut String, drawing: &Drawing) {
    // A box, the margin of what hangs from it, and what stands before it on its line.
    let mut waiting: Vec<(Option<usize>, String, String)> =
        vec![(Some(0), "    ".into(), "    ".into())];
    while let Some((at, margin, before)) = waiting.pop() {
        let Some(drawn) = at.and_then(|at| drawing.boxes.get(at)) else {
            let _ = writeln!(out, "{before}");
            continue;
        };
        let _ = writeln!(out, "{before}{}", shown(&drawn.shows));
        let ways = drawn.edges.len() + usize::from(drawn.more > 0);
        // What is not drawn stands before the rest.
        let rest = drawn
            .edges
            .last()
            .is_some_and(|(label, _)| label == super::REST);
        let more_at = drawn.edges.len() - usize::from(rest);
        let mut lines: Vec<(Option<usize>, String)> = Vec::with_capacity(ways);
        for (label, child) in &drawn.edges {
            lines.push((Some(*child), format!("{label} ─ ")));
        }
        if drawn.more > 0 {
            lines.insert(
                more_at,
                (None, format!("… and {} more", count(drawn.more as u64))),
            );
        }
        let last = lines.len().saturating_sub(1);
        for (i, (child, label)) in lines.into_iter().enumerate().rev() {
            let (corner, below) = if i == last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            waiting.push((
                child,
                format!("{margin}{below}"),
                format!("{margin}{corner}{label}"),
            ));
        }
    }
}

fn shown(shows: &Shows) -> String {
    match shows {
        Shows::Asks {
            feature,
            access,
            ways,
            below,
        } => {
            let mut text = format!("{feature}, by {access}, {}", counted(*ways, "way"));
            if let Some((nodes, rows)) = below {
                let (nodes, rows) = (counted(*nodes, "node"), counted(*rows, "row"));
                let _ = write!(text, " … {nodes} with {rows}");
            }
            text
        }
        Shows::Rules { rules, more } => {
            let rules = rules.iter().map(rule_text);
            let mut rules: Vec<String> = rules.collect();
            if *more > 0 {
                rules.push(format!("… and {} more", count(*more as u64)));
            }
            format!("[{}]", rules.join(", "))
        }
    }
}

/// A rule with what is left to ask.
pub(super) fn rule_text((name, checks): &(String, u32)) -> String {
    match checks {
        0 => name.clone(),
        1 => format!("{name} (1 check)"),
        checks => format!("{name} ({checks} checks)"),
    }
}
