//! Columns: what stands below each other in neighbouring lines.
//!
//! The rows of a table or a test always have columns. One-line rules, stages and settings have them where their author put several blanks
//! between the parts of one of them; a run of such lines ends at an empty line, at a comment on a line of its own, and at
//! whatever takes several lines.

use super::WIDTH;
use super::doc::{Flat, Op, flat_width};
use super::rules::Entries;
use super::writer::Writer;

/// A line with columns: where each of its cells is in the document. A cell that is not there is `None`.
#[derive(Default)]
pub(super) struct Line {
    cells: Vec<Option<Cell>>,
}

/// A cell: the command that holds its distance to the cell before, and the end of its own commands.
struct Cell {
    gap: usize,
    end: usize,
}

impl Line {
    /// Notes the cell of column `index`, whose distance to the one before is the command at `gap`, and whose own commands are
    /// those behind that, up to `end`.
    pub(super) fn add(&mut self, index: usize, gap: usize, end: usize) {
        while self.cells.len() <= index {
            self.cells.push(None);
        }
        self.cells[index] = Some(Cell { gap, end });
    }
}

/// Neighbouring lines that have columns if their author put several blanks before a cell of one of them.
pub(super) struct Run {
    gaps: &'static [u32],
    lines: Vec<Line>,
    wide: bool,
}

impl Run {
    /// A run without a line; `gaps` are the blanks before each column.
    pub(super) fn new(gaps: &'static [u32]) -> Run {
        Run {
            gaps,
            lines: Vec::new(),
            wide: false,
        }
    }

    /// Ends the run where what comes next does not belong to it.
    pub(super) fn next(&mut self, w: &mut Writer<'_>) {
        w.trailing();
        if w.is_apart() || w.has_comment() {
            self.end(w);
        }
    }

    /// Adds a line, whose group is the command at `group`; `wide` is whether there are several blanks in it. What takes several
    /// lines ends the run.
    pub(super) fn add(&mut self, w: &mut Writer<'_>, group: usize, line: Line, wide: bool) {
        if let Op::Open { broken: true } = w.ops()[group] {
            self.end(w);
        } else {
            self.lines.push(line);
            self.wide |= wide;
        }
    }

    /// Puts the cells of the lines below each other, if that was asked for.
    pub(super) fn end(&mut self, w: &mut Writer<'_>) {
        if self.wide && self.lines.len() > 1 {
            w.align(&self.lines, self.gaps);
        }
        *self = Run::new(self.gaps);
    }
}

/// A row: `| cell | cell => value`, of a table or a test.
pub(super) trait InColumns {
    /// How many cells it has.
    fn cells(&self) -> usize;

    /// Writes one of them.
    fn cell(&self, index: usize, w: &mut Writer<'_>);

    /// Whether there is `=>` behind the last.
    fn has_value(&self) -> bool;

    /// Writes what stands behind `=>`, with the blank before it.
    fn value(&self, w: &mut Writer<'_>);
}

impl Writer<'_> {
    /// Writes rows one below the other, with the cells of each column below each other.
    pub(super) fn rows(&mut self, entries: &mut Entries, rows: &[impl InColumns]) {
        let columns = rows.iter().map(InColumns::cells).max().unwrap_or(0);
        // A bar and a blank before each cell, `=>` behind the last.
        let gaps: Vec<u32> = (0..=columns).map(|index| u32::from(index > 0)).collect();
        let mut aligned = Vec::with_capacity(rows.len());
        for row in rows {
            entries.next_part(self);
            if aligned.is_empty() {
                aligned.extend(self.header(columns));
            }
            self.comments_before();
            let mut line = Line::default();
            for index in 0..row.cells() {
                let gap = self.mark();
                self.blanks(u32::from(index > 0));
                self.token();
                self.blank();
                row.cell(index, self);
                line.add(index, gap, self.mark());
            }
            if row.has_value() {
                let gap = self.mark();
                self.blank();
                self.token();
                line.add(columns, gap, self.mark());
                row.value(self);
            }
            aligned.push(line);
        }
        self.align(&aligned, &gaps);
    }

    /// Writes the comment before the first row of a table when it names the columns: as many words, two blanks apart, as a row has
    /// cells, perhaps the value too. Each word then stands above its column.
    fn header(&mut self, columns: usize) -> Option<Line> {
        let words_of = |comment: &str| match comment.strip_prefix('#') {
            Some(rest) if !rest.starts_with(['#', '!', '?']) => words(comment),
            _ => Vec::new(),
        };
        let names_columns =
            |words: &[_]| words.len() > 1 && (words.len() == columns || words.len() == columns + 1);
        let comment = self.last_comment()?;
        let words = words_of(&self.source()[comment.range()]);
        if !names_columns(&words) {
            return None;
        }
        self.skip_to_comment(comment);
        let mut line = Line::default();
        for (index, (start, end)) in words.into_iter().enumerate() {
            let gap = self.mark();
            self.blanks(u32::from(index > 0));
            match index {
                0 => self
                    .ops()
                    .push(Op::Source(comment.start, comment.start + 1)),
                // A cell has a bar and a blank before it, the value `=>` and a blank.
                _ => self.blanks(if index < columns { 1 } else { 2 }),
            }
            self.blanks(1);
            self.ops()
                .push(Op::Source(comment.start + start, comment.start + end));
            line.add(index, gap, self.mark());
        }
        self.ops().push(Op::Closed);
        Some(line)
    }

    /// Puts the cells of `lines` below each other; `gaps` are the blanks before each column. Where a line would become too long,
    /// or a cell takes several lines, all stay as they are.
    pub(super) fn align(&mut self, lines: &[Line], gaps: &[u32]) {
        let depth = self.depth;
        let source = self.source();
        let ops = self.ops();
        let count = gaps.len();
        let mut widths: Vec<Option<u32>> = vec![None; count];
        let mut all: Vec<Vec<Option<u32>>> = Vec::with_capacity(lines.len());
        for line in lines {
            let mut of_line = vec![None; count];
            for (index, cell) in line.cells.iter().enumerate() {
                let Some(cell) = cell else { continue };
                let Some(width) = flat_width(source, &ops[cell.gap + 1..cell.end]) else {
                    return;
                };
                of_line[index] = Some(width);
                widths[index] = widths[index].max(Some(width));
            }
            all.push(of_line);
        }
        // Where each column begins.
        let mut begins = vec![depth; count];
        for index in 1..count {
            let before = (0..index).rev().find(|&i| widths[i].is_some());
            begins[index] = before.map_or(depth, |before| {
                begins[before] + widths[before].unwrap_or(0) + gaps[index]
            });
        }
        let is_too_long = all.iter().any(|cells| {
            let last = cells.iter().rposition(Option::is_some);
            last.is_some_and(|last| begins[last] + cells[last].unwrap_or(0) > WIDTH)
        });
        if is_too_long {
            return;
        }
        for (line, of_line) in lines.iter().zip(&all) {
            let mut column = depth;
            for (index, cell) in line.cells.iter().enumerate() {
                let Some(cell) = cell else { continue };
                set_gap(&mut ops[cell.gap], begins[index].saturating_sub(column));
                column = begins[index] + of_line[index].unwrap_or(0);
            }
        }
    }
}

/// The words of a comment with two blanks or more between them: where each begins and ends in it, the sign left out.
fn words(comment: &str) -> Vec<(u32, u32)> {
    let mut words = Vec::new();
    let mut at = 1;
    for word in comment[1..].split("  ") {
        let start = at + word.len() - word.trim_start().len();
        if !word.trim().is_empty() {
            words.push((start as u32, (start + word.trim().len()) as u32));
        }
        at += word.len() + 2;
    }
    words
}

fn set_gap(op: &mut Op, columns: u32) {
    match op {
        Op::Blanks(n) => *n = columns,
        Op::Line { flat, .. } => *flat = Flat::Blanks(columns),
        _ => {}
    }
}
