//! The canonical layout of files, for programs that write rules and for `tollgate fmt`.

use std::path::Path;
use std::sync::Arc;

use tollgate_grammar::source::{FileId, SourceMap};

use crate::error::Error;
use crate::loader::read_main;
use crate::report::Report;

/// A file, and what it is in its canonical layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formatted {
    /// What was there.
    pub source: String,
    /// The same in the canonical layout.
    pub text: String,
}

impl Formatted {
    /// Whether it was laid out otherwise.
    pub fn is_changed(&self) -> bool {
        self.source != self.text
    }
}

/// The text of one file in the canonical layout. What it means is not looked at, so modules that it uses need not be there.
///
/// Nothing but blanks, ends of lines, commas at ends of lines and doubled parentheses is other than before; formatting twice
/// is formatting once.
///
/// ```
/// let neat = tollgate::format("size.rules", "ruleset size(n:Int)->String hit first{rule small when n<10\nthen \"small\"\notherwise \"large\"}")?;
/// assert_eq!(neat, "\
/// ruleset size(n: Int) -> String hit first {
///   rule small
///     when n < 10
///     then \"small\"
///
///   otherwise \"large\"
/// }
/// ");
/// # Ok::<(), tollgate::Error>(())
/// ```
///
/// # Errors
/// When the text does not parse ([`Error::report`]): what its author meant is not known, so it is left alone.
pub fn format(name: &str, text: &str) -> Result<String, Error> {
    tollgate_grammar::format(text).map_err(|errors| {
        let mut sources = SourceMap::new();
        // The only file of the map, so the places of the errors are in it.
        let file = sources.add(name, text);
        debug_assert_eq!(file, FileId(0));
        let diagnostics = errors.into_iter().map(Into::into).collect();
        Error::rules(Report::new(Arc::new(sources), diagnostics))
    })
}

/// As [`format()`], of a file. It is read, not written.
///
/// # Errors
/// When it cannot be read, or does not parse ([`Error::report`]).
pub fn format_file(path: &Path) -> Result<Formatted, Error> {
    let source = read_main(path)?;
    let text = format(&path.display().to_string(), &source)?;
    Ok(Formatted { source, text })
}
