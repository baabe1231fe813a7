//! What was counted, line by line of a file.

use std::ops::Range;

use super::{ConditionCovered, Covered, FileCovered, RuleCovered};
use crate::explain::Place;

/// A line of a file and what was counted there.
pub(super) struct Line<'f> {
    /// From 1.
    pub(super) number: u32,
    pub(super) text: &'f str,
    /// Of what begins here, the rule or else the first condition: how often it held, and how often it was asked.
    pub(super) held: Option<(u64, u64)>,
    /// How often the most frequent of what begins here was come to.
    pub(super) reached: Option<u64>,
    /// From left to right; they do not overlap.
    pub(super) marks: Vec<Mark>,
}

/// Something in a line that was counted.
pub(super) struct Mark {
    /// Bytes of the line.
    pub(super) bytes: Range<usize>,
    /// Whether it begins here; a condition may go on over several lines.
    pub(super) begins: bool,
    /// What was counted.
    pub(super) counts: String,
    /// Whether nothing of it was seen.
    pub(super) unseen: bool,
    /// What was not seen of it.
    pub(super) missing: Option<String>,
}

/// All lines of a file. Linear in it, and in what was counted.
pub(super) fn lines(file: &FileCovered) -> Vec<Line<'_>> {
    let mut starts = Vec::new();
    let mut lines = Vec::new();
    let mut at = 0;
    for (number, text) in (1..).zip(file.text.split_inclusive('\n')) {
        starts.push(at);
        at += text.len();
        lines.push(Line {
            number,
            text: text.trim_end_matches(['\n', '\r']),
            held: None,
            reached: None,
            marks: Vec::new(),
        });
    }
    let mut lines = Lines { starts, lines };
    // Rules first: of a line with both, the rule's count is shown.
    for rule in &file.rules {
        lines.rule(rule);
    }
    for condition in file.rules.iter().flat_map(|rule| &rule.conditions) {
        lines.condition(condition);
    }
    for line in &mut lines.lines {
        line.marks.sort_by_key(|mark| mark.bytes.start);
    }
    lines.lines
}

struct Lines<'f> {
    /// The byte that each begins with.
    starts: Vec<usize>,
    lines: Vec<Line<'f>>,
}

impl Lines<'_> {
    fn rule(&mut self, rule: &RuleCovered) {
        if rule.kind != Covered::Group {
            self.count(&rule.place, rule.tried, Some(rule.matched));
            let counts = match rule.kind {
                Covered::Otherwise => format!("decided {}", rule.decided),
                _ if rule.decided == rule.matched => {
                    format!("matched {} of {}", rule.matched, rule.tried)
                }
                _ => format!(
                    "matched {} of {}, decided {}",
                    rule.matched, rule.tried, rule.decided
                ),
            };
            let missing = rule.missing();
            let (start, end) = (rule.place.bytes.start, rule.place.bytes.end);
            let end = match rule.kind {
                // All of `otherwise` would be much; its word says it.
                Covered::Otherwise => end.min(start + "otherwise".len() as u32),
                // A row has no name but itself: what stands before its first condition is marked.
                _ => {
                    let conditions = rule.conditions.iter().map(|c| c.place.bytes.start);
                    let first = conditions.filter(|at| *at > start).min();
                    first.map_or(end, |first| end.min(first))
                }
            };
            self.mark(
                start..end,
                &counts,
                missing.is_some(),
                missing.map(str::to_owned),
            );
        }
        for outcome in &rule.outcomes {
            self.count(outcome, rule.matched, None);
        }
    }

    fn condition(&mut self, condition: &ConditionCovered) {
        self.count(&condition.place, condition.reached(), Some(condition.yes));
        let answers = condition.answers();
        let answers: Vec<String> = answers.map(|(a, n)| format!("{a} {n}")).collect();
        let mut counts = answers.join(", ");
        if condition.not_reached > 0 {
            counts.push_str(&format!(", not reached {}", condition.not_reached));
        }
        let unseen = condition.reached() == 0;
        self.mark(
            condition.place.bytes.clone(),
            &counts,
            unseen,
            condition.missing(),
        );
    }

    fn count(&mut self, place: &Place, reached: u64, held: Option<u64>) {
        let Some(line) = self.lines.get_mut(place.line as usize - 1) else {
            return;
        };
        line.reached = line.reached.max(Some(reached));
        line.held = line.held.or(held.map(|held| (held, reached)));
    }

    /// Marks bytes of the file, on each line that they touch.
    fn mark(&mut self, bytes: Range<u32>, counts: &str, unseen: bool, missing: Option<String>) {
        let (start, end) = (bytes.start as usize, bytes.end as usize);
        let first = self.starts.partition_point(|at| *at <= start).max(1) - 1;
        for (line, begin) in self.lines[first..].iter_mut().zip(&self.starts[first..]) {
            if *begin >= end.max(1) {
                break;
            }
            let from = start.saturating_sub(*begin);
            let to = (end - begin).min(line.text.len());
            // The blanks before what goes on are not part of it.
            let from = match *begin > start {
                true => line.text.len() - line.text.trim_start().len(),
                false => from,
            };
            let boundary = |at| line.text.floor_char_boundary(at);
            let (from, to) = (boundary(from), boundary(to));
            if from >= to {
                continue;
            }
            line.marks.push(Mark {
                bytes: from..to,
                begins: *begin <= start,
                counts: counts.to_owned(),
                unseen,
                missing: missing.clone(),
            });
        }
    }
}
