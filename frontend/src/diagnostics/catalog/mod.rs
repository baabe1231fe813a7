//! The catalogue: every kind of diagnostic, one row each, grouped by theme.
//!
//! A row reads
//!
//! ```text
//! /// The page that `tollgate explain SLUG` prints: what it means, why it is so, an example and its mend (Markdown).
//! fn unknown_name(name) = error "unknown name `{name}`";
//! ```
//!
//! and becomes a function that makes the diagnostic; the slug is the function's name with dashes. Each slug has a
//! file `tests/ui/<slug>*.rules` with a snapshot; a test sees to it.

use super::{Diagnostic, Severity};

/// What is known of a kind of diagnostic without an occurrence of it.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The slug.
    pub slug: &'static str,
    /// How bad.
    pub severity: Severity,
    /// The page, in Markdown.
    pub text: &'static str,
}

macro_rules! diagnostics {
    ($($(#[doc = $doc:literal])* fn $name:ident($($arg:ident),*) = $severity:ident $message:literal;)*) => {
        $(
            $(#[doc = $doc])*
            #[allow(clippy::too_many_arguments)]
            pub fn $name($($arg: impl std::fmt::Display),*) -> $crate::diagnostics::Diagnostic {
                $crate::diagnostics::catalog::make(stringify!($name), $crate::diagnostics::catalog::severity::$severity, format!($message))
            }
        )*

        /// The pages of this theme, in the order of the table.
        pub(crate) const PAGES: &[(&str, $crate::diagnostics::Severity, &str)] = &[
            $((stringify!($name), $crate::diagnostics::catalog::severity::$severity, concat!($($doc, "\n"),*))),*
        ];
    };
}

/// The severities as rows spell them.
#[allow(non_upper_case_globals)]
pub(crate) mod severity {
    use super::Severity;
    pub(crate) const error: Severity = Severity::Error;
    pub(crate) const warning: Severity = Severity::Warning;
    pub(crate) const note: Severity = Severity::Note;
}

macro_rules! themes {
    ($($theme:ident)*) => {
        $(pub mod $theme;)*
        const THEMES: &[&[(&str, Severity, &str)]] = &[$($theme::PAGES),*];
    };
}

themes! { syntax names items rules types numbers optionals patterns states limits }

/// Every kind of diagnostic, sorted by slug.
pub fn pages() -> &'static [Page] {
    static PAGES: std::sync::LazyLock<Vec<Page>> = std::sync::LazyLock::new(|| {
        let rows = THEMES.iter().flat_map(|theme| theme.iter());
        let mut pages: Vec<Page> = rows
            .map(|&(name, severity, text)| Page {
                slug: slug(name),
                severity,
                text,
            })
            .collect();
        pages.sort_by_key(|p| p.slug);
        pages
    });
    &PAGES
}

/// Whether a slug is one of the texts that do not follow the grammar.
pub fn is_syntax(slug: &str) -> bool {
    syntax::PAGES.iter().any(|(name, ..)| same(name, slug))
}

/// Whether a row's name is a slug.
fn same(name: &str, slug: &str) -> bool {
    name.len() == slug.len()
        && name
            .bytes()
            .map(|b| if b == b'_' { b'-' } else { b })
            .eq(slug.bytes())
}

/// The slug of a row: its name with dashes. Slugs are few and live as long as the process.
fn slug(name: &'static str) -> &'static str {
    if name.contains('_') {
        Box::leak(name.replace('_', "-").into_boxed_str())
    } else {
        name
    }
}

pub(crate) fn make(name: &'static str, severity: Severity, message: String) -> Diagnostic {
    let page = pages().iter().find(|p| same(name, p.slug));
    Diagnostic::new(page.map_or(name, |p| p.slug), severity, message)
}
