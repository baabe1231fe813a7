//! Diagnostics: what the compiler says to the author of a rule.
//!
//! A kind of diagnostic is one row of the [`catalog`]: its slug, severity, message and page. Where it is found, labels,
//! notes and help are added, and it is put into the [`Sink`]. Nothing in the checker stops at a
//! diagnostic; what could not be understood becomes an error node or [`Ty::Error`](crate::types::ty::Ty::Error), which
//! nobody complains about again.

pub mod catalog;
pub mod json;
pub mod render;

use tollgate_grammar::SyntaxError;
use tollgate_grammar::source::Span;

use catalog::syntax;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A fact worth knowing.
    Note,
    /// The program means something, but perhaps not what was wanted.
    Warning,
    /// The program cannot be compiled.
    Error,
}

impl Severity {
    /// As it is written in front of the slug.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// A place and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What; lower case, no full stop.
    pub text: String,
}

/// A piece of advice, with the edits that would follow it when a machine could make them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help {
    /// What to do.
    pub text: String,
    /// Non-overlapping replacements; empty when there is nothing a machine could do. The edited program compiles,
    /// as far as this diagnostic is concerned.
    pub edits: Vec<(Span, String)>,
    /// Who decides that the edits are made; without any it says nothing.
    pub applies: Applies,
}

/// Who decides that edits are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// Nobody has to: what was written has one meaning, and the edits say that. `tollgate check --fix` makes them.
    ByItself,
    /// The author: they are one of several answers, or a guess.
    ByChoice,
}

impl Applies {
    /// As it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Applies::ByItself => "by_itself",
            Applies::ByChoice => "by_choice",
        }
    }
}

/// An input that shows what a diagnostic says, all of it as a host would give it, and what then happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The rule set, guard or table that it is given to.
    pub entry: String,
    /// The facts, as JSON: the parameter, or an object of the parameters when there are several.
    pub input: String,
    /// Every `data` of the program: name and JSON.
    pub data: Vec<(String, String)>,
    /// The decision's id, where it matters and the facts have none.
    pub id: Option<String>,
    /// The decision's time in microseconds since 1970, where it matters and the facts have none.
    pub time: Option<i64>,
    /// Rules that match it, as far as the diagnostic is about them; none where no rule does.
    pub matches: Vec<String>,
    /// The rule that decides it, where the diagnostic says so.
    pub by: Option<String>,
}

/// One thing the compiler says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kind: a slug of the catalogue.
    pub slug: &'static str,
    /// How bad.
    pub severity: Severity,
    /// What is the matter, in one line.
    pub message: String,
    /// The place it is about, and then every other place involved.
    pub labels: Vec<Label>,
    /// Why, and what else is known.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<Help>,
    /// The input that shows it, if it speaks of one.
    pub witness: Option<Replay>,
}

impl Diagnostic {
    /// A diagnostic without a place; rows of the catalogue call this.
    pub(crate) fn new(slug: &'static str, severity: Severity, message: String) -> Diagnostic {
        Diagnostic {
            slug,
            severity,
            message,
            labels: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
            witness: None,
        }
    }

    /// Adds a place; the first one is what the diagnostic is about.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Adds a reason.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.notes.push(text.into());
        self
    }

    /// Adds the input that shows it.
    #[must_use]
    pub(crate) fn witness(mut self, witness: Replay) -> Diagnostic {
        self.witness = Some(witness);
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn help(self, text: impl Into<String>) -> Diagnostic {
        self.advise(text, Vec::new(), Applies::ByChoice)
    }

    /// Adds advice that replaces one place, by itself: see [`Applies::ByItself`].
    #[must_use]
    pub fn fix(
        self,
        text: impl Into<String>,
        span: Span,
        replacement: impl Into<String>,
    ) -> Diagnostic {
        self.advise(text, vec![(span, replacement.into())], Applies::ByItself)
    }

    /// Adds advice that replaces one place if the author wants it: one of several answers, or a guess.
    #[must_use]
    pub fn suggest(
        self,
        text: impl Into<String>,
        span: Span,
        replacement: impl Into<String>,
    ) -> Diagnostic {
        self.advise(text, vec![(span, replacement.into())], Applies::ByChoice)
    }

    /// Adds advice with its edits.
    #[must_use]
    pub fn advise(
        mut self,
        text: impl Into<String>,
        edits: Vec<(Span, String)>,
        applies: Applies,
    ) -> Diagnostic {
        self.help.push(Help {
            text: text.into(),
            edits,
            applies,
        });
        self
    }

    /// Where it is found; the start of the first file if it has no place.
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|l| l.span)
    }
}

/// A mistake of the parser, as it is told to the author.
impl From<SyntaxError> for Diagnostic {
    fn from(error: SyntaxError) -> Diagnostic {
        // A place without words is drawn without a mark.
        let label = if error.label.is_empty() {
            "here".into()
        } else {
            error.label
        };
        let mut found = syntax::of(&error.kind, &error.message).at(error.span, label);
        for (span, text) in error.related {
            found = found.at(span, text);
        }
        match error.help {
            None => found,
            Some(help) => match help.replacement {
                None => found.help(help.message),
                // Where the parser reads on as if that had been written, there is nothing to choose.
                Some((span, text)) if syntax::is_understood(&error.kind) => {
                    found.fix(help.message, span, text)
                }
                Some((span, text)) => found.suggest(help.message, span, text),
            },
        }
    }
}

/// Collects diagnostics.
#[derive(Debug, Default)]
pub struct Sink {
    found: Vec<Diagnostic>,
    errors: usize,
}

impl Sink {
    /// Adds one. Of two with the same slug at the same place only the first is kept.
    pub fn emit(&mut self, diagnostic: Diagnostic) {
        let known = |d: &Diagnostic| d.slug == diagnostic.slug && d.span() == diagnostic.span();
        // Looks back a little only, so that a file with a mistake in each of 100,000 rules stays linear.
        if diagnostic.span().is_some() && self.found.iter().rev().take(16).any(known) {
            return;
        }
        self.errors += usize::from(diagnostic.severity == Severity::Error);
        self.found.push(diagnostic);
    }

    /// How many errors are among them. Equal counts before and after a piece of work mean that it was understood.
    pub(crate) fn error_count(&self) -> usize {
        self.errors
    }

    /// How many there are, of any severity.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// Whether an error is among them.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Keeps only some.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Diagnostic) -> bool) {
        self.found.retain(keep);
        let errors = self.found.iter();
        self.errors = errors.filter(|d| d.severity == Severity::Error).count();
    }

    /// All of them, in the order of files and places.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        self.found
            .sort_by_key(|d| d.span().map(|s| (s.file.0, s.start)));
        self.found
    }
}
