//! Coverage as a page: a table of rules, and the source with its counts. The page needs nothing else, follows the reader's choice of light
//! or dark, and is well formed XML.

use std::fmt::Write;

use super::source::{Line, lines};
use super::{Coverage, Covered, FileCovered, IndexCovered, RuleCovered, shown_percent};

/// Colours are named by what they say, once for light and once for dark.
const STYLE: &str = "
:root { color-scheme: light dark; --back: #ffffff; --text: #1f2328; --faint: #6e7781; --line: #d0d7de;
  --seen: #dafbe1; --some: #fff3c4; --none: #ffd7d5; --bad: #b3261e; --good: #1a7f37; }
@media (prefers-color-scheme: dark) {
  :root { --back: #0d1117; --text: #e6edf3; --faint: #8d96a0; --line: #30363d;
    --seen: #12351f; --some: #4a3a08; --none: #5a1d1a; --bad: #ff8e86; --good: #56d364; } }
body { margin: 2rem auto; max-width: 75rem; padding: 0 1rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; } th, td { padding: .15rem .8rem; text-align: left; }
thead th, tbody tr { border-bottom: 1px solid var(--line); } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
a { color: inherit; } .bad { color: var(--bad); } .good { color: var(--good); } .faint { color: var(--faint); }
details { margin: 1rem 0; } summary { cursor: pointer; }
table.source { font: .85rem/1.5 ui-monospace, monospace; width: 100%; } table.source tr { border: 0; }
table.source td { padding: 0 .6rem; white-space: pre-wrap; vertical-align: top; overflow-wrap: anywhere; }
table.source td.n { color: var(--faint); white-space: nowrap; width: 1%; user-select: none; }
mark { color: inherit; border-radius: .2rem; } mark.seen { background: var(--seen); } mark.some { background: var(--some); }
mark.none { background: var(--none); } .said { color: var(--bad); }
";

/// The page.
pub(super) fn page(of: &Coverage) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(of, &mut out);
    out
}

fn write_page(of: &Coverage, out: &mut String) -> std::fmt::Result {
    let percent = shown_percent(of.seen(), of.wanted());
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>Coverage of rules: {percent}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>Coverage of rules: {percent}</h1>\n\
         <p class=\"faint\">Each rule is to match, and each condition to give each answer that it can. In the margin of the source \
         stands how often a rule or a condition held, of how often it was asked; a mark says more when it is pointed at.</p>\n\
         <table>\n<thead><tr><th>file</th><th class=\"n\">rules matched</th><th class=\"n\">answers seen</th>\
         <th class=\"n\">covered</th></tr></thead>\n<tbody>\n"
    )?;
    for (number, file) in of.files.iter().enumerate() {
        let ((matched, rules), (seen, answers)) = (file.rules_matched(), file.answers_seen());
        let whole = file.seen() == file.wanted();
        writeln!(
            out,
            "<tr><td><a href=\"#f{number}\">{}</a></td><td class=\"n\">{matched} of {rules}</td>\
             <td class=\"n\">{seen} of {answers}</td><td class=\"n {}\">{}</td></tr>",
            escaped(&file.name),
            if whole { "good" } else { "bad" },
            shown_percent(file.seen(), file.wanted())
        )?;
    }
    writeln!(out, "</tbody>\n</table>")?;
    for (number, file) in of.files.iter().enumerate() {
        write_file(number, file, out)?;
    }
    writeln!(out, "</body>\n</html>")
}

fn write_file(number: usize, file: &FileCovered, out: &mut String) -> std::fmt::Result {
    let name = escaped(&file.name);
    write!(
        out,
        "<h2 id=\"f{number}\">{name}</h2>\n<details><summary>Rules</summary>\n<table>\n\
         <thead><tr><th>rule</th><th class=\"n\">tried</th><th class=\"n\">matched</th><th class=\"n\">decided</th>\
         <th></th></tr></thead>\n<tbody>\n"
    )?;
    let rules = file.rules.iter().filter(|r| r.kind != Covered::Group);
    for rule in rules {
        write_rule(number, rule, out)?;
    }
    writeln!(out, "</tbody>\n</table>\n</details>")?;
    for index in &file.indexes {
        write_index(index, out)?;
    }
    writeln!(out, "<table class=\"source\"><tbody>")?;
    for line in lines(file) {
        write_line(number, &line, out)?;
    }
    writeln!(out, "</tbody></table>")
}

fn write_rule(file: usize, rule: &RuleCovered, out: &mut String) -> std::fmt::Result {
    let name = format!("{}.{}", rule.ruleset, rule.name);
    writeln!(
        out,
        "<tr><td><a href=\"#f{file}l{}\">{}</a></td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
         <td class=\"n\">{}</td><td class=\"bad\">{}</td></tr>",
        rule.place.line,
        escaped(&name),
        rule.tried,
        rule.matched,
        rule.decided,
        match (rule.missing(), rule.seen() < rule.wanted()) {
            (Some(missing), _) => missing,
            (None, true) => "answers missing",
            (None, false) => "",
        }
    )
}

fn write_index(index: &IndexCovered, out: &mut String) -> std::fmt::Result {
    let taken = index.edges.iter().filter(|edge| edge.taken > 0).count();
    write!(
        out,
        "<details><summary>Index of {}: {taken} of {} edges taken</summary>\n<table>\n\
         <thead><tr><th>asked</th><th>answer</th><th class=\"n\">taken</th></tr></thead>\n<tbody>\n",
        escaped(&index.ruleset),
        index.edges.len()
    )?;
    for edge in &index.edges {
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"n {}\">{}</td></tr>",
            escaped(&edge.feature),
            escaped(&edge.answers.join(", ")),
            if edge.taken > 0 { "" } else { "bad" },
            edge.taken
        )?;
    }
    writeln!(out, "</tbody>\n</table>\n</details>")
}

fn write_line(file: usize, line: &Line<'_>, out: &mut String) -> std::fmt::Result {
    let number = line.number;
    let held = match line.held {
        Some((held, asked)) => format!("{held}/{asked}"),
        None => String::new(),
    };
    write!(
        out,
        "<tr id=\"f{file}l{number}\"><td class=\"n\">{held}</td><td class=\"n\">{number}</td><td>"
    )?;
    let mut at = 0;
    for mark in &line.marks {
        // Marks do not overlap; if they did, the later one would lose its beginning.
        let range = mark.bytes.start.max(at)..mark.bytes.end.max(at);
        let class = match (mark.unseen, &mark.missing) {
            (true, _) => "none",
            (false, Some(_)) => "some",
            (false, None) => "seen",
        };
        write!(
            out,
            "{}<mark class=\"{class}\" title=\"{}\">{}</mark>",
            escaped(&line.text[at..range.start]),
            escaped(&mark.counts),
            escaped(&line.text[range.clone()])
        )?;
        at = range.end;
    }
    write!(out, "{}", escaped(&line.text[at..]))?;
    let missing = line.marks.iter().filter(|m| m.begins);
    for missing in missing.filter_map(|m| m.missing.as_deref()) {
        write!(out, " <span class=\"said\">◂ {}</span>", escaped(missing))?;
    }
    writeln!(out, "</td></tr>")
}

/// Text between tags or in an attribute. Control characters, which XML cannot hold, become the character for what is unknown.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if (c.is_control() && c != '\t') || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {
                out.push('\u{FFFD}');
            }
            c => out.push(c),
        }
    }
    out
}
