//! Coverage for people, on a terminal: the source with counts in the margin, and what was not seen underlined.

use std::fmt::Write;
use std::ops::RangeInclusive;

use super::source::{Line, Mark, lines};
use super::{Coverage, EdgeCovered, FileCovered, IndexCovered, RuleCovered, shown_percent};

/// Characters of a line that are shown.
const LINE_MAX: usize = 200;
/// Edges of an index that are shown of those that were not taken.
const EDGES: usize = 8;

/// What was not seen, or (`all`) everything.
pub(super) fn listing(of: &Coverage, colour: bool, all: bool) -> String {
    let mut out = Paint {
        out: String::new(),
        colour,
    };
    for file in &of.files {
        summary(file, &mut out);
        let mut before = 0;
        let lines = lines(file);
        let mut wanted = vec![all; lines.len()];
        for range in incomplete(file) {
            let (first, last) = (*range.start() as usize, *range.end() as usize);
            if let Some(wanted) = wanted.get_mut(first - 1..last) {
                wanted.fill(true);
            }
        }
        for (line, _) in lines.iter().zip(wanted).filter(|(_, wanted)| *wanted) {
            if line.number != before + 1 && before > 0 {
                out.dim(&format!("{:>18}\n", "⋮"));
            }
            before = line.number;
            out.line(line);
        }
        for index in &file.indexes {
            edges(index, &mut out);
        }
        if before > 0 || !file.indexes.is_empty() {
            out.out.push('\n');
        }
    }
    out.out
}

/// `gateway.rules: 3 of 4 rules matched, 7 of 10 answers seen: 71.4%`
fn summary(file: &FileCovered, out: &mut Paint) {
    let ((matched, rules), (seen, answers)) = (file.rules_matched(), file.answers_seen());
    let percent = shown_percent(file.seen(), file.wanted());
    let text = format!(
        "{}: {matched} of {rules} rules matched, {seen} of {answers} answers seen: {percent}\n",
        file.name
    );
    out.bold(&text);
}

/// How many edges of an index were taken, and the first that were not.
fn edges(index: &IndexCovered, out: &mut Paint) {
    let unseen: Vec<&EdgeCovered> = index.edges.iter().filter(|e| e.taken == 0).collect();
    let (all, name) = (index.edges.len(), &index.ruleset);
    let taken = all - unseen.len();
    out.dim(&format!("index of {name}: {taken} of {all} edges taken\n"));
    for edge in unseen.iter().take(EDGES) {
        let (feature, answers) = (&edge.feature, edge.answers.join(", "));
        out.dim(&format!("  never {feature}: {answers}\n"));
    }
    if unseen.len() > EDGES {
        out.dim(&format!("  and {} more\n", unseen.len() - EDGES));
    }
}

/// The lines of rules of which something was not seen.
fn incomplete(file: &FileCovered) -> Vec<RangeInclusive<u32>> {
    let rules = file.rules.iter();
    let rules = rules.filter(|rule| rule.seen() < rule.wanted());
    rules.map(extent).collect()
}

/// From the name of a rule to the end of its last condition or outcome, as far as what stands there was counted.
fn extent(rule: &RuleCovered) -> RangeInclusive<u32> {
    let conditions = rule.conditions.iter().map(|c| c.place.line);
    let outcomes = rule.outcomes.iter().map(|o| o.line);
    let first = rule.place.line;
    let last = conditions.chain(outcomes).max().unwrap_or(first);
    first..=last.max(first)
}

/// Text, coloured or not.
struct Paint {
    out: String,
    colour: bool,
}

impl Paint {
    fn line(&mut self, line: &Line<'_>) {
        let count = match line.held {
            Some((held, asked)) => format!("{held}/{asked}"),
            None => String::new(),
        };
        let code = match line.held {
            Some((0, _)) => "31",
            Some(_) => "32",
            None => "2",
        };
        self.in_colour(code, &format!("{count:>11}"));
        self.dim(&format!(" {:>5} │", line.number));
        let shown: String = line.text.chars().take(LINE_MAX).collect();
        let cut = if shown.len() < line.text.len() {
            "…"
        } else {
            ""
        };
        // Writing to a string cannot fail.
        let _ = match shown.is_empty() {
            true => writeln!(self.out),
            false => writeln!(self.out, " {shown}{cut}"),
        };
        for mark in line.marks.iter().filter(|m| m.begins) {
            if let Some(missing) = &mark.missing {
                self.underline(shown.as_str(), mark, missing);
            }
        }
    }

    /// A line below the one that it is about.
    fn underline(&mut self, shown: &str, mark: &Mark, missing: &str) {
        self.dim(&format!("{:>17} │ ", ""));
        let before = shown.get(..mark.bytes.start).unwrap_or(shown);
        // A tab is as wide here as it is there.
        let blank = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' });
        self.out.extend(blank);
        let end = mark.bytes.end.min(shown.len());
        let under = shown.get(mark.bytes.start..end).unwrap_or("");
        let under = "~".repeat(under.chars().count().max(1));
        self.in_colour("31", &format!("{under} {missing}"));
        self.out.push('\n');
    }

    fn bold(&mut self, text: &str) {
        self.in_colour("1", text);
    }

    fn dim(&mut self, text: &str) {
        self.in_colour("2", text);
    }

    fn in_colour(&mut self, code: &str, text: &str) {
        // Writing to a string cannot fail.
        let _ = match self.colour {
            true => write!(self.out, "\x1b[{code}m{text}\x1b[0m"),
            false => write!(self.out, "{text}"),
        };
    }
}
