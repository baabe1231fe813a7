//! Where the formatter stands in the source: the tokens one by one, the comments between them, and the line ends that the
//! author chose.
//!
//! Every token is written as it stands, so that no spelling of a number or a text is lost, and in the order in which it stands,
//! so that no comment can be lost either: a comment is written when the token behind it is.

use super::doc::{Flat, Op};
use crate::source::Span;
use crate::token::{Token, TokenKind};

/// How far in the inside of a block stands.
pub(super) const INDENT: u32 = 2;

/// A walk over the tokens of a file that leaves a document behind.
pub(super) struct Writer<'a> {
    text: &'a str,
    tokens: &'a [Token],
    /// For an opening bracket the number of the token that closes it, for another token its own.
    partners: Vec<u32>,
    comments: &'a [Span],
    next: usize,
    next_comment: usize,
    ops: Vec<Op>,
    /// The groups that are open.
    groups: Vec<usize>,
    /// How far in the block at hand stands.
    pub(super) depth: u32,
    /// Whether a bracket has just been opened, so that an empty line would say nothing.
    begins: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(text: &'a str, tokens: &'a [Token], comments: &'a [Span]) -> Writer<'a> {
        Writer {
            text,
            tokens,
            partners: partners(tokens),
            comments,
            next: 0,
            next_comment: 0,
            ops: Vec::new(),
            groups: Vec::new(),
            depth: 0,
            begins: true,
        }
    }

    // ------------------------------------------------------------------------------ what comes next

    /// The kind of the next token.
    pub(super) fn kind(&self) -> Option<TokenKind> {
        self.tokens.get(self.next).map(|token| token.kind)
    }

    /// Whether the next token is of this kind.
    pub(super) fn at(&self, kind: TokenKind) -> bool {
        self.kind() == Some(kind)
    }

    /// How many pairs of parentheses stand around what begins with the next token and ends at `end`.
    ///
    /// The tree has no parentheses, but what stands in them begins and ends with them; nothing else begins with a parenthesis
    /// that its last token closes.
    pub(super) fn parentheses(&self, end: u32) -> usize {
        let Some(&close) = self.partners.get(self.next) else {
            return 0;
        };
        let closes = |layer: usize| {
            self.tokens[self.next + layer].kind == TokenKind::ParenOpen
                && self.partners[self.next + layer] as usize + layer == close as usize
        };
        match self.tokens[close as usize].end == end {
            true => (0..).take_while(|&layer| closes(layer)).count(),
            false => 0,
        }
    }

    /// Whether the author ended a line before the next token.
    pub(super) fn is_fresh(&self) -> bool {
        self.gap().contains('\n')
    }

    /// Whether the author ended a line behind the next token, an opening bracket.
    pub(super) fn is_fresh_inside(&self) -> bool {
        match self.tokens.get(self.next..self.next + 2) {
            Some([open, inside]) => self.is_broken_between(open.end, inside.start),
            _ => false,
        }
    }

    /// Whether the author asked for columns: several blanks before the next token on its line.
    pub(super) fn is_wide(&self) -> bool {
        let gap = self.gap();
        gap.len() > 1 && gap.bytes().all(|byte| byte == b' ' || byte == b'\t')
    }

    /// Whether the author left an empty line before the next token, or before the comments that stand before it.
    pub(super) fn is_apart(&self) -> bool {
        let from = self.written_up_to();
        let to = match self.comments.get(self.next_comment) {
            Some(comment) if comment.start < self.next_start() => comment.start,
            _ => self.next_start(),
        };
        let gap = self.text.get(from as usize..to as usize);
        gap.is_some_and(has_empty_line)
    }

    /// Whether the documentation of what comes next begins behind what was written last, so that no empty line may come between.
    pub(super) fn docs_go_on(&self) -> bool {
        let is_doc = |at: usize| {
            let comment = self.comments.get(at);
            comment.is_some_and(|comment| self.text[comment.range()].starts_with("##"))
        };
        let before = self.next_comment.checked_sub(1);
        let is_behind = |at: usize| self.comments[at].start > self.previous_start();
        self.has_comment()
            && is_doc(self.next_comment)
            && before.is_some_and(|at| is_doc(at) && is_behind(at))
    }

    /// Whether a comment stands before the next token.
    pub(super) fn has_comment(&self) -> bool {
        let comment = self.comments.get(self.next_comment);
        comment.is_some_and(|comment| comment.start < self.next_start())
    }

    /// Whether the author ended a line between two places.
    pub(super) fn is_broken_between(&self, start: u32, end: u32) -> bool {
        self.text[start as usize..end as usize].contains('\n')
    }

    /// Whether between these two places there is a bracket behind which the author ended the line.
    pub(super) fn is_broken_inside(&self, start: u32, end: u32) -> bool {
        let first = self.tokens.partition_point(|token| token.start < start);
        let inside = self.tokens[first..]
            .windows(2)
            .take_while(|pair| pair[1].start <= end);
        inside
            .filter(|pair| pair[0].kind == TokenKind::ParenOpen)
            .any(|pair| self.is_broken_between(pair[0].end, pair[1].start))
    }

    fn next_start(&self) -> u32 {
        let end = self.text.len() as u32;
        self.tokens.get(self.next).map_or(end, |token| token.start)
    }

    fn previous_start(&self) -> u32 {
        let previous = self.next.checked_sub(1);
        previous.map_or(0, |previous| self.tokens[previous].start)
    }

    fn previous_end(&self) -> u32 {
        let previous = self.next.checked_sub(1);
        previous.map_or(0, |previous| self.tokens[previous].end)
    }

    /// Where what has been written ends: the last token or the last comment.
    fn written_up_to(&self) -> u32 {
        let comment = self.next_comment.checked_sub(1);
        let comment = comment.map_or(0, |comment| self.comments[comment].end);
        comment.max(self.previous_end())
    }

    fn gap(&self) -> &'a str {
        let (start, end) = (self.previous_end(), self.next_start());
        &self.text[start as usize..end as usize]
    }

    // ---------------------------------------------------------------------------- tokens and comments

    /// Writes the next token, with the comments before it.
    pub(super) fn token(&mut self) {
        self.comments_before();
        let Some(&token) = self.tokens.get(self.next) else {
            return;
        };
        self.next += 1;
        self.begins = matches!(
            token.kind,
            TokenKind::ParenOpen
                | TokenKind::SquareOpen
                | TokenKind::BraceOpen
                | TokenKind::BlockOpen
        );
        let (start, end) = (token.start, token.end);
        let spelling = &self.text[start as usize..end as usize];
        match spelling.find([' ', '\t']) {
            // A number and its currency, one blank apart.
            Some(blank) if token.kind == TokenKind::Money => {
                self.ops.push(Op::Source(start, start + blank as u32));
                self.ops.push(Op::Blanks(1));
                self.ops.push(Op::Source(end - 3, end));
            }
            _ => self.ops.push(Op::Source(start, end)),
        }
    }

    /// Writes `n` tokens, one behind the other.
    pub(super) fn tight(&mut self, n: usize) {
        for _ in 0..n {
            self.token();
        }
    }

    /// Writes a blank and a token.
    pub(super) fn spaced(&mut self) {
        self.blank();
        self.token();
    }

    /// Passes the next token over; the comments before it are written with the token behind it.
    pub(super) fn skip(&mut self) {
        self.next += 1;
    }

    /// Passes a comma over, if there is one.
    pub(super) fn skip_comma(&mut self) {
        if self.at(TokenKind::Comma) {
            self.skip();
        }
    }

    /// Writes the comment that stands on the line of what was written last; says whether there was one.
    pub(super) fn trailing(&mut self) -> bool {
        let comment = self.comments.get(self.next_comment).copied();
        let comment = comment.filter(|&comment| {
            comment.start < self.next_start() && self.is_behind_something(comment)
        });
        if let Some(comment) = comment {
            self.next_comment += 1;
            self.break_groups();
            self.ops.push(Op::Trailing(comment.start, comment.end));
        }
        comment.is_some()
    }

    /// Writes all comments before the next token.
    pub(super) fn comments_before(&mut self) {
        self.comments_up_to(self.next_start());
    }

    /// The last comment before the next token, when it has a line of its own.
    pub(super) fn last_comment(&self) -> Option<Span> {
        let next = self.next_start();
        let behind = self
            .comments
            .partition_point(|comment| comment.start < next);
        let last = *self.comments[self.next_comment..behind].last()?;
        (!self.is_behind_something(last)).then_some(last)
    }

    /// Writes the comments before this one, and passes it over.
    pub(super) fn skip_to_comment(&mut self, comment: Span) {
        self.comments_up_to(comment.start);
        if self.is_apart() && !self.begins {
            self.ops.push(Op::Hard { blank: true });
        }
        self.next_comment += 1;
    }

    fn comments_up_to(&mut self, end: u32) {
        self.trailing();
        while let Some(&comment) = self.comments.get(self.next_comment)
            && comment.start < end
        {
            let blank = self.is_apart() && !self.begins;
            self.begins = false;
            self.next_comment += 1;
            self.break_groups();
            self.ops.push(Op::Comment {
                start: comment.start,
                end: comment.end,
                blank,
            });
        }
        // What follows a comment may stand apart from it.
        if let Some(Op::Comment { .. }) = self.ops.last()
            && self.is_apart()
        {
            self.ops.push(Op::Hard { blank: true });
        }
    }

    fn is_behind_something(&self, comment: Span) -> bool {
        let before = &self.text[..comment.start as usize];
        let line = before.rfind('\n').map_or(0, |end| end + 1);
        !before[line..]
            .trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}')
            .is_empty()
    }

    // ------------------------------------------------------------------------------------- the document

    /// Puts in a text that is not in the source.
    pub(super) fn put(&mut self, text: &'static str) {
        self.ops.push(Op::Put(text));
    }

    /// Puts in a text where the group at hand is broken.
    pub(super) fn put_if_broken(&mut self, text: &'static str) {
        self.ops.push(Op::IfBroken(text));
    }

    /// Puts in a blank.
    pub(super) fn blank(&mut self) {
        self.blanks(1);
    }

    /// Puts in blanks.
    pub(super) fn blanks(&mut self, n: u32) {
        self.ops.push(Op::Blanks(n));
    }

    /// A place where the line ends in a broken group. Where the author ended it, the group is broken.
    pub(super) fn line(&mut self, flat: Flat) {
        self.trailing();
        if self.is_fresh() {
            self.break_groups();
        }
        self.ops.push(Op::Line { flat, blank: false });
    }

    /// The same between two parts of a block, which the author may have set apart.
    pub(super) fn part_line(&mut self) {
        self.trailing();
        if self.is_fresh() {
            self.break_groups();
        }
        let blank = self.is_apart();
        let flat = Flat::Blanks(1);
        self.ops.push(Op::Line { flat, blank });
    }

    /// The same between two rules. `rule` writes the next, which begins with a group.
    pub(super) fn rule_line(&mut self, rule: impl FnOnce(&mut Self)) {
        self.part_line();
        let (at, docs_go_on) = (self.ops.len() - 1, self.docs_go_on());
        self.comments_before();
        if let Op::Line { blank, .. } = self.ops[at]
            && !docs_go_on
        {
            let next = self.ops.len() as u32;
            self.ops[at] = Op::Apart { blank, next };
        }
        rule(self);
    }

    /// A place where the line ends in a broken group when what comes next does not fit, or when the author ended it there.
    pub(super) fn fill(&mut self) {
        self.trailing();
        self.ops.push(match self.is_fresh() {
            true => Op::Hard { blank: false },
            false => Op::Fill(Flat::Blanks(1)),
        });
        if self.is_fresh() {
            self.break_groups();
        }
    }

    /// Writes what `inside` writes as a group.
    pub(super) fn group(&mut self, inside: impl FnOnce(&mut Self)) {
        self.groups.push(self.ops.len());
        self.ops.push(Op::Open { broken: false });
        inside(self);
        self.ops.push(Op::Close);
        self.groups.pop();
    }

    /// Breaks all groups at hand.
    pub(super) fn break_groups(&mut self) {
        for &group in &self.groups {
            self.ops[group] = Op::Open { broken: true };
        }
    }

    /// Lines inside stand further in.
    pub(super) fn indented(&mut self, inside: impl FnOnce(&mut Self)) {
        self.indent();
        inside(self);
        self.dedent();
    }

    /// Lines that begin behind this stand further in, up to [`Writer::dedent`].
    pub(super) fn indent(&mut self) {
        self.ops.push(Op::Indent(INDENT));
    }

    /// The end of an indentation.
    pub(super) fn dedent(&mut self) {
        self.ops.push(Op::Dedent);
    }

    /// Lines inside stand below this place, `back` columns to the left.
    pub(super) fn aligned(&mut self, back: u32, inside: impl FnOnce(&mut Self)) {
        self.ops.push(Op::Align(back));
        inside(self);
        self.ops.push(Op::Dedent);
    }

    /// Lines inside stand `by` columns further in.
    pub(super) fn indented_by(&mut self, by: u32, inside: impl FnOnce(&mut Self)) {
        self.ops.push(Op::Indent(by));
        inside(self);
        self.ops.push(Op::Dedent);
    }

    /// How many commands there are.
    pub(super) fn mark(&self) -> usize {
        self.ops.len()
    }

    /// The commands so far.
    pub(super) fn ops(&mut self) -> &mut Vec<Op> {
        &mut self.ops
    }

    /// Whether the names of a `use` come next but one.
    pub(super) fn is_before_names(&self) -> bool {
        let next = self.tokens.get(self.next + 1);
        next.is_some_and(|token| token.kind == TokenKind::BraceOpen)
    }

    /// Takes the document away; the walk goes on.
    pub(super) fn take(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.ops)
    }

    /// The text of the file.
    pub(super) fn source(&self) -> &'a str {
        self.text
    }
}

/// For each opening bracket the token that closes it, for every other token itself.
fn partners(tokens: &[Token]) -> Vec<u32> {
    let mut partners: Vec<u32> = (0..tokens.len() as u32).collect();
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        use TokenKind as T;
        match token.kind {
            T::ParenOpen | T::SquareOpen | T::BraceOpen | T::BlockOpen => open.push(at),
            T::ParenClose | T::SquareClose | T::BraceClose | T::BlockClose => {
                if let Some(begin) = open.pop() {
                    partners[begin] = at as u32;
                }
            }
            _ => {}
        }
    }
    partners
}

fn has_empty_line(gap: &str) -> bool {
    gap.bytes().filter(|&byte| byte == b'\n').count() > 1
}
