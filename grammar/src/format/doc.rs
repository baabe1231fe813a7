//! The document: what may be laid out in more than one way, and the way that is chosen.
//!
//! This is Wadler's algebra (*A prettier printer*, 1998) in the shape that Oppen gave it (*Prettyprinting*, 1980): a flat
//! sequence of commands with groups in brackets, gone through once from left to right. A group is *flat* where it fits on the
//! rest of the line, with what must follow it there, and *broken* otherwise; in a broken group each [`Op::Line`] is a line end.
//! Three things are added. A group may be broken from the start, because its author broke it. An [`Op::Fill`] ends the line
//! only where what comes next does not fit. And comments are commands: nothing can follow one on its line, whatever its
//! group is.
//!
//! What fits is found by looking ahead at most one line, so that the time is O(commands · [`WIDTH`]) at worst, and nothing recurses.

use super::WIDTH;
use unicode_width::UnicodeWidthStr;

/// A command of the document.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    /// Bytes of the source.
    Source(u32, u32),
    /// A text that is not in the source.
    Put(&'static str),
    /// Blanks between two things of a line.
    Blanks(u32),
    /// A line end in a broken group, an empty line before it if `blank`; in a flat group what `flat` says.
    Line { flat: Flat, blank: bool },
    /// A line end in a broken group where what comes next does not fit on the line.
    Fill(Flat),
    /// A line end.
    Hard { blank: bool },
    /// As [`Op::Line`] between rules: an empty line also where the one before takes several lines or the group at `next` will.
    Apart { blank: bool, next: u32 },
    /// The beginning of a group.
    Open { broken: bool },
    /// The end of a group.
    Close,
    /// Lines that begin from here on stand further in.
    Indent(u32),
    /// Lines that begin from here on stand below this place, this many columns to the left of it.
    Align(u32),
    /// The end of the innermost `Indent` or `Align`.
    Dedent,
    /// A text in a broken group only.
    IfBroken(&'static str),
    /// A comment behind something on its line.
    Trailing(u32, u32),
    /// A comment on a line of its own.
    Comment { start: u32, end: u32, blank: bool },
    /// What was written is a comment: nothing can follow it on its line.
    Closed,
}

/// What a line end is in a flat group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flat {
    /// Nothing.
    Nothing,
    /// So many blanks.
    Blanks(u32),
    /// A comma and a blank.
    Comma,
}

impl Flat {
    fn width(self) -> u32 {
        match self {
            Flat::Nothing => 0,
            Flat::Blanks(n) => n,
            Flat::Comma => 2,
        }
    }
}

/// Text that has been laid out.
#[derive(Default)]
pub(super) struct Output {
    pub(super) text: String,
    /// Line ends so far.
    line: usize,
    /// Columns written on the current line.
    column: u32,
    /// The comments behind something.
    trailing: Vec<Trailing>,
}

/// A comment behind something: which line, the byte before its blanks, the column there.
struct Trailing {
    line: usize,
    at: usize,
    column: u32,
}

/// How far apart the ends of two lines may be for their comments to be aligned.
const COMMENT_REACH: u32 = 32;

impl Output {
    /// Adds what was laid out apart; an empty line comes before it if `blank`.
    pub(super) fn append(&mut self, other: Output, blank: bool) {
        if blank && !self.text.is_empty() {
            self.text.push('\n');
            self.line += 1;
        }
        let (lines, bytes) = (self.line, self.text.len());
        self.trailing
            .extend(other.trailing.into_iter().map(|comment| Trailing {
                line: comment.line + lines,
                at: comment.at + bytes,
                ..comment
            }));
        self.text.push_str(&other.text);
        self.line += other.line;
        self.end_line();
    }

    /// Ends the line, unless nothing stands on it.
    fn end_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
            self.line += 1;
        }
        self.column = 0;
    }

    /// The text, with the comments behind neighbouring lines below each other.
    pub(super) fn finish(mut self) -> String {
        self.end_line();
        let mut out = String::with_capacity(self.text.len());
        let mut written = 0;
        let mut rest = &self.trailing[..];
        while let Some(first) = rest.first() {
            let neighbours = (rest.iter().enumerate())
                .take_while(|(index, comment)| comment.line == first.line + index)
                .count();
            let (run, others) = rest.split_at(neighbours);
            let widest = run.iter().map(|c| c.column).max().unwrap_or(0);
            let narrowest = run.iter().map(|c| c.column).min().unwrap_or(0);
            for comment in run {
                out.push_str(&self.text[written..comment.at]);
                if widest - narrowest <= COMMENT_REACH {
                    blanks(&mut out, widest - comment.column);
                }
                written = comment.at;
            }
            rest = others;
        }
        out.push_str(&self.text[written..]);
        out
    }
}

/// Lays out `ops`, whose bytes are those of `source`.
pub(super) fn render(source: &str, ops: &[Op]) -> Output {
    let mut renderer = Renderer {
        source,
        ops,
        out: Output::default(),
        groups: Vec::new(),
        indents: Vec::new(),
        begun: Vec::new(),
        blanks: 0,
        fresh: true,
        closed: false,
        last_was_tall: false,
    };
    renderer.run();
    renderer.out
}

/// The columns that `ops` take on one line; `None` when they need several.
pub(super) fn flat_width(source: &str, ops: &[Op]) -> Option<u32> {
    let mut width = 0;
    for op in ops {
        width += match *op {
            Op::Source(start, end) => columns(&source[start as usize..end as usize]),
            Op::Put(text) => columns(text),
            Op::Blanks(n) => n,
            Op::Line { flat, .. } | Op::Fill(flat) => flat.width(),
            Op::Apart { .. } => 1,
            Op::Hard { .. }
            | Op::Open { broken: true }
            | Op::Trailing(..)
            | Op::Comment { .. }
            | Op::Closed => {
                return None;
            }
            Op::Open { .. }
            | Op::Close
            | Op::Indent(_)
            | Op::Align(_)
            | Op::Dedent
            | Op::IfBroken(_) => 0,
        };
    }
    Some(width)
}

/// The columns that a text takes on a terminal.
pub(super) fn columns(text: &str) -> u32 {
    if text.is_ascii() {
        text.len() as u32
    } else {
        text.width() as u32
    }
}

struct Renderer<'a> {
    source: &'a str,
    ops: &'a [Op],
    out: Output,
    /// Whether each open group is broken.
    groups: Vec<bool>,
    /// How far in lines begin.
    indents: Vec<u32>,
    /// The line on which each open group began.
    begun: Vec<usize>,
    /// Blanks that are due before the next text of the line.
    blanks: u32,
    /// Whether nothing stands on the line yet.
    fresh: bool,
    /// Whether a comment ends the line, so that nothing may follow on it.
    closed: bool,
    /// Whether the group that ended last takes several lines.
    last_was_tall: bool,
}

impl Renderer<'_> {
    fn run(&mut self) {
        for at in 0..self.ops.len() {
            match self.ops[at] {
                Op::Source(start, end) => {
                    let source = self.source;
                    self.write(&source[start as usize..end as usize]);
                }
                Op::Put(text) => self.write(text),
                Op::Blanks(n) => self.blanks += n,
                Op::Line { flat, blank } => {
                    if self.is_broken() {
                        self.end_line(blank);
                    } else {
                        self.flat(flat);
                    }
                }
                Op::Fill(flat) => {
                    if self.is_broken()
                        && (self.closed || !self.fits(at + 1, Ahead::Element, flat.width()))
                    {
                        self.end_line(false);
                    } else {
                        self.flat(flat);
                    }
                }
                Op::Hard { blank } => self.end_line(blank),
                Op::Apart { blank, next } => {
                    if self.is_broken() {
                        let tall = self.last_was_tall || self.will_be_tall(next as usize);
                        self.end_line(blank || tall);
                    } else {
                        self.flat(Flat::Blanks(1));
                    }
                }
                Op::Open { broken } => {
                    let broken =
                        broken || (self.is_broken() && !self.fits(at + 1, Ahead::Group, 0));
                    self.groups.push(broken);
                    // A group that begins a line begins below the line end that may still be due.
                    self.begun
                        .push(self.out.line + usize::from(self.closed && !self.fresh));
                }
                Op::Close => {
                    self.groups.pop();
                    let begun = self.begun.pop();
                    self.last_was_tall = begun.is_some_and(|line| line < self.out.line);
                }
                Op::Indent(by) => self.indents.push(self.indent() + by),
                Op::Align(back) => self.indents.push(self.place().saturating_sub(back)),
                Op::Dedent => {
                    self.indents.pop();
                }
                Op::IfBroken(text) => {
                    if self.is_broken() {
                        self.write(text);
                    }
                }
                Op::Trailing(start, end) => self.trailing(start, end),
                Op::Closed => self.closed = true,
                Op::Comment { start, end, blank } => {
                    if !self.fresh {
                        self.end_line(blank);
                    } else if blank {
                        self.empty_line();
                    }
                    let source = self.source;
                    self.write(&source[start as usize..end as usize]);
                    self.closed = true;
                }
            }
        }
    }

    fn is_broken(&self) -> bool {
        *self.groups.last().unwrap_or(&true)
    }

    fn indent(&self) -> u32 {
        *self.indents.last().unwrap_or(&0)
    }

    /// The column at which the next text will stand, unless the line ends before it.
    fn place(&self) -> u32 {
        if self.fresh || self.closed {
            self.indent()
        } else {
            self.out.column + self.blanks
        }
    }

    fn write(&mut self, text: &str) {
        if self.closed {
            self.end_line(false);
        }
        if self.fresh {
            let indent = self.indent();
            blanks(&mut self.out.text, indent);
            self.out.column = indent;
            self.fresh = false;
        } else {
            blanks(&mut self.out.text, self.blanks);
            self.out.column += self.blanks;
        }
        self.blanks = 0;
        self.out.text.push_str(text);
        self.out.column += columns(text);
    }

    fn flat(&mut self, flat: Flat) {
        match flat {
            Flat::Nothing => {}
            Flat::Blanks(n) => self.blanks += n,
            Flat::Comma => {
                self.write(",");
                self.blanks += 1;
            }
        }
    }

    fn end_line(&mut self, blank: bool) {
        self.out.end_line();
        (self.blanks, self.fresh, self.closed) = (0, true, false);
        if blank {
            self.empty_line();
        }
    }

    fn empty_line(&mut self) {
        if !self.out.text.is_empty() && !self.out.text.ends_with("\n\n") {
            self.out.text.push('\n');
            self.out.line += 1;
        }
    }

    fn trailing(&mut self, start: u32, end: u32) {
        let source = self.source;
        let comment = &source[start as usize..end as usize];
        if self.closed {
            self.end_line(false);
        }
        if !self.fresh {
            self.out.trailing.push(Trailing {
                line: self.out.line,
                at: self.out.text.len(),
                column: self.out.column,
            });
            self.blanks = 2;
        }
        self.write(comment);
        self.closed = true;
    }

    /// Whether the group that opens at `next` will take several lines, when it begins one.
    fn will_be_tall(&self, next: usize) -> bool {
        match self.ops[next] {
            Op::Open { broken: true } => true,
            _ => !self.fits_in(next + 1, Ahead::Group, WIDTH.saturating_sub(self.indent())),
        }
    }

    fn fits(&self, from: usize, ahead: Ahead, more: u32) -> bool {
        let used = self.place() + more;
        used <= WIDTH && self.fits_in(from, ahead, WIDTH - used)
    }

    /// Whether what is looked at fits into `room` columns, together with what follows it up to the next place where a line may
    /// end.
    fn fits_in(&self, from: usize, ahead: Ahead, room: u32) -> bool {
        let mut room = room;
        let mut depth = 1;
        // Whether line ends are held to be flat: not behind what is looked at, nor in a group that its author broke.
        let mut held = true;
        for op in &self.ops[from..] {
            let ends = !held || (ahead == Ahead::Element && depth == 1);
            let width = match *op {
                Op::Source(start, end) => columns(&self.source[start as usize..end as usize]),
                Op::Put(text) => columns(text),
                Op::Blanks(n) => n,
                Op::Line { .. } | Op::Fill(_) | Op::Apart { .. } if ends => return true,
                Op::Line { flat, .. } | Op::Fill(flat) => flat.width(),
                Op::Apart { .. } => 1,
                Op::Hard { .. } | Op::Trailing(..) | Op::Comment { .. } | Op::Closed => {
                    return true;
                }
                Op::Open { broken } => {
                    depth += 1;
                    held &= !broken;
                    0
                }
                Op::Close => {
                    depth -= 1;
                    held &= depth > 0;
                    0
                }
                Op::Indent(_) | Op::Align(_) | Op::Dedent | Op::IfBroken(_) => 0,
            };
            match room.checked_sub(width) {
                Some(left) => room = left,
                None => return false,
            }
        }
        true
    }
}

/// What is looked ahead at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ahead {
    /// The group that has just been opened.
    Group,
    /// What stands up to the next line end of the group at hand.
    Element,
}

fn blanks(out: &mut String, n: u32) {
    out.extend(std::iter::repeat_n(' ', n as usize));
}
