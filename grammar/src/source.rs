//! Files, spans and lines: where in the text something stands.
//!
//! A [`Span`] carries its file, so that one diagnostic can point into several files; a [`SourceMap`]
//! holds the texts and turns byte offsets into lines and columns.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The number of a file in a [`SourceMap`], in the order of [`SourceMap::add`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A piece of one file: byte offsets `start .. end`, `end` excluded. Both lie on character boundaries.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file the offsets refer to.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `start .. end` of `file`.
    ///
    /// # Panics
    /// When `start` is greater than `end`: a bug in the caller.
    #[must_use]
    pub fn new(file: FileId, start: u32, end: u32) -> Span {
        assert!(start <= end, "bug: a span from {start} to {end}");
        Span { file, start, end }
    }

    /// The smallest span that holds both. Spans of different files cannot be joined; `self` is kept then.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        if self.file != other.file {
            return self;
        }
        Span {
            file: self.file,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The empty span right before this one.
    #[must_use]
    pub fn before(self) -> Span {
        Span {
            end: self.start,
            ..self
        }
    }

    /// The empty span right behind this one.
    #[must_use]
    pub fn after(self) -> Span {
        Span {
            start: self.end,
            ..self
        }
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(self) -> u32 {
        self.end - self.start
    }

    /// Whether no byte is covered.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether `other` lies inside, edges included.
    #[must_use]
    pub fn contains(self, other: Span) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }

    /// The offsets as a range to index a text with.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// A place as a person counts it: both from 1, the column in characters, a tab being one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1. `\n` ends a line; `\r\n` counts as one end.
    pub line: u32,
    /// Column in Unicode scalar values, from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One text with its name and the starts of its lines.
#[derive(Clone, Debug)]
pub struct SourceFile {
    name: Arc<str>,
    text: Arc<str>,
    line_starts: Vec<u32>,
}

impl SourceFile {
    /// The name as given to [`SourceMap::add`], usually a path.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// How many lines there are; an empty text has one.
    #[must_use]
    pub fn line_count(&self) -> u32 {
        self.line_starts.len() as u32
    }

    /// Line and column of a byte offset, which may be the length of the text. O(log lines + line length).
    /// An offset beyond the text means its end, one inside a character means that character.
    #[must_use]
    pub fn position(&self, offset: u32) -> Position {
        let offset = self.text.floor_char_boundary(offset as usize);
        let line = self
            .line_starts
            .partition_point(|&start| start as usize <= offset)
            - 1;
        let start = self.line_starts[line] as usize;
        let column = self.text[start..offset].chars().count();
        Position {
            line: line as u32 + 1,
            column: column as u32 + 1,
        }
    }

    /// The byte offset of a line and a column; beyond the end of a line, the end of that line.
    #[must_use]
    pub fn offset(&self, position: Position) -> u32 {
        let line = (position.line.max(1) - 1).min(self.line_count() - 1);
        let start = self.line_starts[line as usize];
        let column = position.column.max(1) as usize - 1;
        let text = self.line(line + 1);
        let within = text
            .char_indices()
            .nth(column)
            .map_or(text.len(), |(at, _)| at);
        start + within as u32
    }

    /// The text of a line (from 1) without its end; empty when there is no such line.
    #[must_use]
    pub fn line(&self, line: u32) -> &str {
        let Some(index) = (line as usize).checked_sub(1) else {
            return "";
        };
        let Some(&start) = self.line_starts.get(index) else {
            return "";
        };
        let end = self
            .line_starts
            .get(index + 1)
            .map_or(self.text.len(), |&next| next as usize);
        self.text[start as usize..end].trim_end_matches(['\n', '\r'])
    }
}

/// All texts of one compilation.
///
/// ```
/// use tollgate_grammar::source::{SourceMap, Span};
/// let mut map = SourceMap::new();
/// let file = map.add("gateway.rules", "edition 2026\nmodule edge\n");
/// let span = Span::new(file, 20, 24);
/// assert_eq!(map.slice(span), "edge");
/// assert_eq!(map.position(span).to_string(), "2:8");
/// ```
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// A map without files.
    #[must_use]
    pub fn new() -> SourceMap {
        SourceMap::default()
    }

    /// Adds a text and returns its number. O(length).
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        let text = text.into();
        let ends = text.match_indices('\n');
        let line_starts = std::iter::once(0)
            .chain(ends.map(|(at, _)| at as u32 + 1))
            .collect();
        let id = FileId(self.files.len() as u32);
        self.files.push(SourceFile {
            name: name.into(),
            text,
            line_starts,
        });
        id
    }

    /// The file with that number.
    ///
    /// # Panics
    /// When the number does not come from this map: a bug in the caller.
    #[must_use]
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// All files with their numbers, in the order of adding.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(index, file)| (FileId(index as u32), file))
    }

    /// The text of a span.
    ///
    /// # Panics
    /// When the span does not lie in its file: a bug in the caller.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        &self.file(span.file).text[span.range()]
    }

    /// Line and column of a span's first byte.
    #[must_use]
    pub fn position(&self, span: Span) -> Position {
        self.file(span.file).position(span.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_go_there_and_back() {
        let mut map = SourceMap::new();
        let id = map.add("a", "ab\r\nżółw x\n\nend");
        let file = map.file(id);
        for (offset, line, column) in [
            (0, 1, 1),
            (4, 2, 1),
            (6, 2, 2),
            (12, 2, 6),
            (14, 3, 1),
            (18, 4, 4),
        ] {
            let position = file.position(offset);
            assert_eq!(position, Position { line, column }, "offset {offset}");
            assert_eq!(file.offset(position), offset, "{position}");
        }
        assert_eq!(file.position(999), Position { line: 4, column: 4 });
        assert_eq!(
            (file.line(1), file.line(2), file.line(3), file.line(9)),
            ("ab", "żółw x", "", "")
        );
    }
}
