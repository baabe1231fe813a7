//! Lists in brackets and blocks in braces: on one line, in the rows of their author, or one element a line.

use super::doc::{Flat, Op};
use super::writer::Writer;

/// How a list is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Brackets {
    /// `(a, b)`, `[a, b]`, `{a, b}`: a comma behind each element, also at the end of a line.
    Tight,
    /// `{ a, b }`: a comma between the elements of a line.
    Block,
    /// `{ a => b, c => d }`: a comma behind each element, and never two on a line unless all are.
    Arms,
}

/// How a list is laid out that fits on no line and in which its author ended none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Overflow {
    /// As many elements on a line as there is room for.
    Fill,
    /// One element a line.
    Lines,
}

impl Writer<'_> {
    /// Writes a list from its opening bracket, which comes next, to its closing one.
    ///
    /// Where the author ended lines in it, the rows are kept; what does not fit goes on in another row.
    pub(super) fn list<T>(
        &mut self,
        brackets: Brackets,
        overflow: Overflow,
        elements: &[T],
        mut each: impl FnMut(&mut Self, &T),
    ) {
        self.token();
        if elements.is_empty() && !self.has_comment() {
            self.token();
            return;
        }
        let edge = match brackets {
            Brackets::Tight => Flat::Nothing,
            Brackets::Block | Brackets::Arms => Flat::Blanks(1),
        };
        self.group(|w| {
            // The line ends between elements, and whether the author ended a line there.
            let mut ends: Vec<(usize, bool)> = Vec::new();
            let mut has_rows = false;
            w.indented(|w| {
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        w.skip_comma();
                        if brackets != Brackets::Block {
                            w.put(",");
                        }
                    }
                    // A comment ends the line too, also one that stood before the comma.
                    let fresh = w.trailing() | w.is_fresh() | w.has_comment();
                    has_rows |= fresh;
                    match index {
                        0 => w.line(edge),
                        _ => {
                            w.part_line();
                            ends.push((w.mark() - 1, fresh));
                        }
                    }
                    each(w, element);
                }
                w.skip_comma();
                if brackets != Brackets::Block && !elements.is_empty() {
                    w.put_if_broken(",");
                }
                if w.trailing() | w.is_fresh() | w.has_comment() {
                    has_rows = true;
                    w.break_groups();
                }
                w.comments_before_close();
            });
            w.set_line_ends(&ends, brackets, has_rows, overflow);
            w.line(edge);
            w.token();
        });
    }

    /// Writes what may stand in parentheses alone without a line end inside them: its own brackets break.
    pub(super) fn hugged(&mut self, inside: impl FnOnce(&mut Self)) {
        self.token();
        inside(self);
        self.skip_comma();
        self.token();
    }

    /// Writes a block whose parts stand on lines of their own: `{`, what `inside` writes, `}`. `inside` writes
    /// [`Writer::part_line`] between the parts.
    pub(super) fn block(&mut self, is_empty: bool, inside: impl FnOnce(&mut Self)) {
        self.token();
        if is_empty && !self.has_comment() {
            self.token();
            return;
        }
        self.group(|w| {
            w.depth += super::writer::INDENT;
            w.indented(|w| {
                w.line(Flat::Blanks(1));
                inside(w);
                w.trailing();
                w.comments_before_close();
            });
            w.depth -= super::writer::INDENT;
            w.line(Flat::Blanks(1));
            w.token();
        });
    }

    /// Writes the comments before a closing bracket, which stand as far in as what is in the brackets.
    pub(super) fn comments_before_close(&mut self) {
        if self.has_comment() {
            self.ops().push(Op::Hard { blank: false });
            self.comments_before();
            // An empty line before the bracket says nothing.
            if let Some(Op::Hard { .. }) = self.ops().last() {
                self.ops().pop();
            }
        }
    }

    fn set_line_ends(
        &mut self,
        ends: &[(usize, bool)],
        brackets: Brackets,
        has_rows: bool,
        overflow: Overflow,
    ) {
        let flat = match brackets {
            Brackets::Tight | Brackets::Arms => Flat::Blanks(1),
            Brackets::Block => Flat::Comma,
        };
        let has_rows = has_rows && brackets != Brackets::Arms;
        for &(at, fresh) in ends {
            let ops = self.ops();
            let Op::Line { blank, .. } = ops[at] else {
                continue;
            };
            ops[at] = match (has_rows, overflow) {
                (true, _) if fresh => Op::Hard { blank },
                (false, Overflow::Lines) => Op::Line { flat, blank: false },
                _ => Op::Fill(flat),
            };
        }
    }
}
