//! Explanations for people: drawn on the source, and as lines.

use std::fmt;

use tollgate_ask::Operation;
use tollgate_frontend::diagnostics::Label;
use tollgate_frontend::diagnostics::render::{Picture, Renderer, Tone};
use tollgate_grammar::source::SourceMap;

use super::{
    Answer, Change, Closest, Condition, Explanation, Joined, RuleExplained, StageExplained,
};

/// Most conditions of a rule that are drawn; lines and JSON have all.
const DRAWN_MAX: usize = 60;
/// Most characters of a value that are shown.
const VALUE_MAX: usize = 80;

/// The explanation drawn on the source.
pub(super) fn explanation(of: &Explanation, sources: &SourceMap, colour: bool) -> String {
    let mut renderer = Renderer::new(sources, colour);
    let mut out = String::new();
    for rule in &of.rules {
        out.push_str(&renderer.picture(&picture(rule)));
        out.push('\n');
    }
    stages(&of.stages, &mut renderer, &mut out);
    out.push_str(&decided(of));
    out
}

fn stages(of: &[StageExplained], renderer: &mut Renderer<'_>, out: &mut String) {
    for stage in of {
        out.push_str(&in_words(stage));
        out.push('\n');
        for rule in &stage.rules {
            out.push_str(&renderer.picture(&picture(rule)));
            out.push('\n');
        }
        stages(&stage.stages, renderer, out);
    }
}

/// The explanation as lines.
pub(super) fn lines(of: &Explanation, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    of.rules.iter().try_for_each(|rule| rule_lines(rule, f))?;
    stage_lines(&of.stages, f)?;
    f.write_str(&decided(of))
}

fn stage_lines(of: &[StageExplained], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    of.iter().try_for_each(|stage| {
        writeln!(f, "{}", in_words(stage))?;
        stage
            .rules
            .iter()
            .try_for_each(|rule| rule_lines(rule, f))?;
        stage_lines(&stage.stages, f)
    })
}

fn rule_lines(rule: &RuleExplained, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "{}", headline(rule))?;
    let mut rows: Vec<(String, String)> = Vec::new();
    for condition in &rule.conditions {
        rows_of(condition, 1, &mut rows);
    }
    let width = rows.iter().map(|(text, _)| text.chars().count()).max();
    let width = width.unwrap_or(0).min(70);
    for (text, answer) in &rows {
        writeln!(f, "{text:width$}   {answer}")?;
    }
    for note in notes(rule) {
        writeln!(f, "{note}")?;
    }
    Ok(())
}

fn rows_of(condition: &Condition, depth: usize, rows: &mut Vec<(String, String)>) {
    let indent = "  ".repeat(depth);
    rows.push((format!("{indent}{}", condition.text), answer(condition)));
    for part in &condition.parts {
        rows_of(part, depth + 1, rows);
    }
}

fn picture(rule: &RuleExplained) -> Picture {
    let mut labels = Vec::new();
    for condition in &rule.conditions {
        labels_of(condition, &mut labels);
    }
    if labels.is_empty() {
        let text = "it has no condition: every input matches".to_owned();
        let span = rule.place.span;
        labels.push((Tone::Good, Label { span, text }));
    }
    let mut notes = notes(rule);
    if labels.len() > DRAWN_MAX {
        let more = labels.len() - DRAWN_MAX;
        notes.push(format!("{more} more conditions are not drawn"));
        labels.truncate(DRAWN_MAX);
    }
    Picture {
        headline: headline(rule),
        place: rule.place.span,
        labels,
        notes,
    }
}

/// One label for a condition, or one for each of its parts, where it has some that were asked.
fn labels_of(condition: &Condition, labels: &mut Vec<(Tone, Label)>) {
    let inside = matches!(condition.joined, Joined::All | Joined::Any);
    let reached = matches!(condition.answer, Answer::Yes | Answer::No);
    if inside && reached {
        condition
            .parts
            .iter()
            .for_each(|part| labels_of(part, labels));
        return;
    }
    let tone = match condition.answer {
        Answer::Yes | Answer::Denied => Tone::Good,
        Answer::No | Answer::Skipped => Tone::Bad,
        Answer::NotAsked | Answer::NotReached(_) => Tone::Plain,
    };
    let mut text = answer(condition);
    // What stands under a `not` is what was seen.
    if condition.joined == Joined::Not
        && let Some(part) = condition.parts.first()
    {
        for said in was(part).into_iter().chain(asked(part)) {
            text.push_str(&format!(", {said}"));
        }
    }
    let span = condition.place.span;
    labels.push((tone, Label { span, text }));
}

fn headline(rule: &RuleExplained) -> String {
    let name = &rule.name;
    if !rule.known {
        let instead = list(&rule.instead, "nothing");
        return format!(
            "`{name}` was not tried, because {instead} decided: it asks a state that was not asked."
        );
    }
    match (rule.matched, rule.decided) {
        (false, _) => format!("`{name}` did not match."),
        (true, true) => format!("`{name}` matched, and decided."),
        (true, false) => format!(
            "`{name}` matched, but {} decided.",
            list(&rule.instead, "nothing")
        ),
    }
}

/// What is said about a condition: the answer, what was seen, what was bound.
fn answer(condition: &Condition) -> String {
    let mut more: Vec<String> = Vec::new();
    let answer = match condition.answer {
        Answer::Yes => "yes",
        Answer::No => "NO",
        Answer::Skipped => "NO (absent, so the rule is skipped)",
        Answer::Denied => "YES (absent, so the denial applies)",
        Answer::NotAsked => "not asked",
        Answer::NotReached(would) => {
            match would {
                Some(true) => more.push("would match".into()),
                Some(false) => more.push("would not match".into()),
                None => {}
            }
            "not reached"
        }
    };
    let reached = !matches!(condition.answer, Answer::NotReached(_));
    more.extend(asked(condition));
    let bound = condition.bound.iter();
    more.extend(bound.map(|(name, value)| format!("{name} = {}", value_of(value.as_deref()))));
    let was = match condition.answer {
        Answer::Yes if !condition.bound.is_empty() => None,
        _ => was(condition).filter(|_| reached || more.len() < 2),
    };
    match (reached, more.is_empty()) {
        (true, true) => was.map_or(answer.into(), |was| format!("{answer}   {was}")),
        (true, false) => {
            let was = was.map_or(String::new(), |was| format!("   {was}"));
            format!("{answer}{was}   {}", more.join(", "))
        }
        (false, _) => {
            more.extend(was);
            match more.is_empty() {
                true => answer.into(),
                false => format!("{answer} ({})", more.join(", ")),
            }
        }
    }
}

/// `calls[ann] refused, wait 1s`, for each operation on states.
fn asked(condition: &Condition) -> impl Iterator<Item = String> {
    condition.asked.iter().map(|operation| {
        let states = operation.states().map(|(name, key)| match key {
            "" => name.to_owned(),
            key => format!("{name}[{key}]"),
        });
        let states = states.collect::<Vec<_>>().join(" and ");
        let said = said(operation);
        match operation.failure() {
            None => format!("{states} {said}"),
            Some(failure) => format!("{states} {said}, for it could not be asked ({failure})"),
        }
    })
}

/// What a state answered.
fn said(operation: &Operation) -> String {
    let answer = operation.answer_json();
    let yes = answer == "true";
    let one = |if_so: &str, if_not: &str| match yes {
        true => if_so.to_owned(),
        false => if_not.to_owned(),
    };
    match operation.name() {
        _ if answer == "\"skip\"" => "gave no answer".into(),
        "take" => {
            let answer: serde_json::Value = serde_json::from_str(answer).unwrap_or_default();
            match (answer["granted"].as_bool(), answer["wait"].as_str()) {
                (Some(true), _) => format!("granted, {} left", answer["left"]),
                (_, Some(wait)) => format!("refused, wait {wait}"),
                (_, None) => "refused".into(),
            }
        }
        "enter" => one("gave a slot", "had no slot"),
        "sheds" => one("sheds the class", "does not shed the class"),
        "once" => one("saw it for the first time", "had seen it"),
        "within" => one("was charged", "could not be charged"),
        "reserve" => one(
            "saw it for the first time, and was charged",
            "had seen it, or could not be charged",
        ),
        "add" | "arrive" => "counted it".into(),
        _ => format!("was {answer}"),
    }
}

/// `was PATCH`, or with several values `a was 3, b was 4`.
fn was(condition: &Condition) -> Option<String> {
    match &condition.seen[..] {
        [] => None,
        [(_, value)] => Some(format!("was {}", value_of(value.as_deref()))),
        several => {
            let each = several.iter();
            let each =
                each.map(|(name, value)| format!("{name} was {}", value_of(value.as_deref())));
            Some(each.collect::<Vec<_>>().join(", "))
        }
    }
}

fn notes(rule: &RuleExplained) -> Vec<String> {
    let note = match &rule.closest {
        None => return Vec::new(),
        Some(Closest::Never) => "no facts can make it match".to_owned(),
        Some(Closest::Unknown) => "no change of the facts was found that makes it match".to_owned(),
        Some(Closest::Change { changes, by, .. }) => {
            let mut note = String::from("closest change: ");
            let each: Vec<String> = changes.iter().map(change).collect();
            note.push_str(&each.join(", "));
            if !by.contains(&rule.name) {
                note.push_str(&format!("; then {} decides", list(by, "nothing")));
            }
            note
        }
    };
    vec![note]
}

fn change(change: &Change) -> String {
    let (from, to) = (change.from.as_deref(), change.to.as_deref());
    format!("{} {} → {}", change.path, value_of(from), value_of(to))
}

fn in_words(stage: &StageExplained) -> String {
    let name = &stage.name;
    let Some(value) = &stage.value else {
        return format!("stage `{name}` was not reached.");
    };
    let value = value_of(Some(value));
    let by = match &stage.by[..] {
        [] => String::new(),
        by => format!(", by {}", list(by, "")),
    };
    let end = match stage.stopped {
        true => " and ended the pipeline",
        false => "",
    };
    format!("stage `{name}` was {value}{by}{end}.")
}

fn decided(of: &Explanation) -> String {
    format!(
        "decided by: {} ({})\n",
        list(&of.by, "no rule"),
        value_of(Some(&of.value))
    )
}

fn list(names: &[String], none: &str) -> String {
    match names {
        [] => none.to_owned(),
        names => names.join(", "),
    }
}

/// A value as it is shown: a plain word without its quotes, and cut where it is long.
fn value_of(json: Option<&str>) -> String {
    let Some(json) = json else {
        return "absent".into();
    };
    let word = json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let plain = |word: &&str| {
        let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\\' | ',' | '(' | ')');
        !word.is_empty() && word.chars().all(plain)
    };
    let shown = word.filter(plain).unwrap_or(json);
    match shown.char_indices().nth(VALUE_MAX) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown.to_owned(),
    }
}
