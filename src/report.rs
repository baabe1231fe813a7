//! What the compiler said about a program.

use std::fmt;
use std::sync::Arc;

use tollgate_frontend::diagnostics::{Diagnostic, Severity, catalog, json, render::Renderer};
use tollgate_grammar::source::SourceMap;

/// Everything the compiler said about a program, in the order of the source.
#[derive(Clone, Default)]
pub struct Report {
    sources: Arc<SourceMap>,
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    pub(crate) fn new(sources: Arc<SourceMap>, diagnostics: Vec<Diagnostic>) -> Report {
        Report {
            sources,
            diagnostics,
        }
    }

    pub(crate) fn add(&mut self, diagnostics: Vec<Diagnostic>) {
        self.diagnostics.extend(diagnostics);
        let place = |d: &Diagnostic| d.span().map(|s| (s.file.0, s.start));
        self.diagnostics.sort_by_key(place);
    }

    pub(crate) fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    pub(crate) fn sources(&self) -> &SourceMap {
        &self.sources
    }

    pub(crate) fn shared_sources(&self) -> Arc<SourceMap> {
        self.sources.clone()
    }

    /// How many errors.
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// How many warnings.
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    /// The slugs of all diagnostics, in order.
    pub fn slugs(&self) -> Vec<&'static str> {
        self.diagnostics.iter().map(|d| d.slug).collect()
    }

    /// The slugs of the errors, in order.
    pub fn error_slugs(&self) -> Vec<&'static str> {
        self.diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .map(|d| d.slug)
            .collect()
    }

    /// The report for people, drawn on the source.
    pub fn render(&self, colour: bool) -> String {
        let mut renderer = Renderer::new(&self.sources, colour);
        self.diagnostics
            .iter()
            .map(|d| renderer.render(d))
            .collect()
    }

    /// The report for machines: one JSON object a line, with slug, severity, message, labels, notes and help.
    pub fn to_json_lines(&self) -> String {
        self.diagnostics
            .iter()
            .map(|d| json::to_json(d, &self.sources) + "\n")
            .collect()
    }

    fn count(&self, severity: Severity) -> usize {
        self.diagnostics
            .iter()
            .filter(|d| d.severity == severity)
            .count()
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.slugs()).finish()
    }
}

/// The page of a kind of diagnostic, in Markdown.
///
/// ```
/// assert!(tollgate::explain("unknown-name").is_some());
/// assert!(tollgate::explain("no-such-slug").is_none());
/// ```
pub fn explain(slug: &str) -> Option<String> {
    let page = catalog::pages().iter().find(|p| p.slug == slug)?;
    // A page is a doc comment, whose lines begin with the blank behind the slashes.
    let lines = page.text.lines().map(|l| l.strip_prefix(' ').unwrap_or(l));
    Some(lines.collect::<Vec<_>>().join("\n"))
}

/// The slugs of all kinds of diagnostic, sorted.
pub fn slugs() -> Vec<&'static str> {
    catalog::pages().iter().map(|p| p.slug).collect()
}
