//! What is told of an expectation that did not hold.

use tollgate_frontend::diagnostics::Label;
use tollgate_frontend::diagnostics::render::{Picture, Tone};
use tollgate_frontend::lower::{TestPlan, TestStep};
use tollgate_grammar::source::Span;

use super::places::Places;
use super::running::Prevented;
use super::{Decided, TestFailure, TestResult, place};

/// Most characters of a value that is shown to people; the JSON has all.
const SHOWN: usize = 300;

/// An expectation that did not hold.
#[derive(Clone, Debug)]
pub(super) struct Unmet<'p> {
    pub(super) step: &'p TestStep,
    /// Which step it is.
    pub(super) at: usize,
    /// Whether the condition held, so that other rules decided.
    pub(super) held: bool,
    /// What the condition looks at.
    pub(super) found: Option<Found>,
    pub(super) decided: Vec<Decided>,
    /// Why it could not be asked.
    pub(super) prevented: Option<Prevented>,
}

/// A value that was not as expected.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) json: String,
    /// As an author writes it.
    pub(super) written: String,
}

/// The result of a test, or of one of its rows.
pub(super) fn result(
    plan: &TestPlan,
    row: Option<(usize, Span)>,
    unmet: &[Unmet<'_>],
    places: &Places,
) -> TestResult {
    let span = row.map_or(plan.span, |(_, span)| span);
    let (file, line) = place(&places.sources, span);
    let each = unmet.iter();
    let row_span = row.map(|(_, span)| span);
    TestResult {
        title: plan.title.to_string(),
        file,
        line,
        row: row.map(|(index, _)| index as u32 + 1),
        cases: None,
        failures: each.map(|unmet| unmet.failure(row_span, places)).collect(),
    }
}

/// A failure of a test as a whole.
pub(super) fn of_test(span: Span, message: String, why: &str, places: &Places) -> TestFailure {
    let sources = &places.sources;
    let (file, line) = place(sources, span);
    TestFailure {
        file,
        line,
        expected: String::new(),
        found: None,
        by: Vec::new(),
        given: Vec::new(),
        seed: None,
        picture: Picture {
            headline: message.clone(),
            place: span,
            labels: vec![(
                Tone::Bad,
                Label {
                    span,
                    text: why.into(),
                },
            )],
            notes: Vec::new(),
        },
        message,
        sources: sources.clone(),
    }
}

impl Unmet<'_> {
    /// What is told of it; `row` is the row it stands in, or that gave its values.
    pub(super) fn failure(&self, row: Option<Span>, places: &Places) -> TestFailure {
        let sources = &places.sources;
        let TestStep::Expect {
            span,
            expected,
            subject,
            by,
            ..
        } = self.step
        else {
            return of_test(Span::default(), String::new(), "", places);
        };
        if let Some(why) = &self.prevented {
            let message = match why {
                Prevented::Data(name) => {
                    format!("the program expects data `{name}`: write `given {name} = …`")
                }
                Prevented::State(name, failure) => format!("`{name}` cannot be given: {failure}"),
            };
            return of_test(*span, message, "asks for it", places);
        }
        // What it is about need not be said again where it stands in the same step; that of a row stands before the rows.
        let looked = subject.as_ref().map(|(_, span)| *span);
        let inside = looked.filter(|l| {
            l.file == expected.file && expected.start <= l.start && l.end <= expected.end
        });
        let wanted = inside.map_or(*expected, |l| Span::new(l.file, l.end, expected.end));
        let text = sources.slice(wanted);
        let expected = one_line(text.trim_start_matches(|c: char| c == ')' || c.is_whitespace()));
        let names = match self.decided.is_empty() {
            true => by.as_ref().map(|_| "no rule".to_owned()),
            false => Some(cut(&names(&self.decided))),
        };
        let found = self.found.as_ref().map(|found| cut(&found.written));
        let was = match (found, names) {
            (Some(found), Some(names)) => format!("{found} by {names}"),
            (Some(found), None) => found,
            (None, Some(names)) if by.is_some() => format!("decided by {names}"),
            (None, Some(names)) => format!("false, decided by {names}"),
            (None, None) => "false".into(),
        };
        let message = format!("expected `{expected}`, but it was {was}");
        let mut labels = Vec::new();
        let label = |span: Span, text: &str| Label {
            span,
            text: text.to_owned(),
        };
        // What a row expects stands in the row, with its values.
        let bad = looked.filter(|_| row != Some(*span)).unwrap_or(*span);
        labels.push((Tone::Bad, label(bad, &format!("was {was}"))));
        if let Some(row) = row.filter(|row| *row != bad) {
            labels.push((Tone::Plain, label(row, "for this row")));
        }
        for decided in self.decided.iter().take(4) {
            if let Some(place) = places.rule(decided) {
                let text = match &*decided.rule {
                    "otherwise" => "no rule matched, so this decided",
                    _ => "this rule decided",
                };
                labels.push((Tone::Plain, label(place, text)));
            }
        }
        let (file, line) = place(sources, *span);
        TestFailure {
            file,
            line,
            expected,
            found: self.found.as_ref().map(|found| found.json.clone()),
            by: self
                .decided
                .iter()
                .map(|d| format!("{}.{}", d.set, d.rule))
                .collect(),
            given: Vec::new(),
            seed: None,
            picture: Picture {
                headline: message.clone(),
                place: bad,
                labels,
                notes: Vec::new(),
            },
            message,
            sources: sources.clone(),
        }
    }
}

/// Rules as they would be named behind `by`: with their rule sets where these are several.
fn names(decided: &[Decided]) -> String {
    let several = decided.iter().any(|other| other.set != decided[0].set);
    let name = |decided: &Decided| match several {
        true => format!("{}.{}", decided.set, decided.rule),
        false => decided.rule.to_string(),
    };
    decided.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn cut(json: &str) -> String {
    match json.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &json[..end]),
        None => json.to_owned(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
