//! Raw tokens to the tokens of the grammar: what only the surroundings can tell.
//!
//! * A word behind `.` is a name, a word before `:` a label, `any` without `(` a name, `deny` a keyword
//!   only where a rule may start, `otherwise` alone in a list a name; a number before three capitals is money.
//! * Brackets are made to pair up. What is missing is reported with the bracket it belongs to and put
//!   in, what is too much is reported and left out; so the grammar sees only whole brackets, and one
//!   missing `)` costs one rule and not the file.
//! * Braces around rules, rows, stages, steps, fields and settings get tokens of their own, so that error
//!   recovery inside a `match` cannot mistake its `}` for the rule set's.
//! * A misspelt keyword between two things that cannot stand side by side is put right.

use crate::Limits;
use crate::error::{LimitKind, SyntaxError, SyntaxErrorKind};
use crate::lexer::Lexed;
use crate::source::{FileId, Span};
use crate::token::{Token, TokenClass, TokenKind};

mod misspelt;

/// The tokens of the grammar, and what was found on the way.
pub(crate) struct Layout {
    /// The tokens, brackets paired.
    pub(crate) tokens: Vec<Token>,
    /// The mistakes found here, in source order.
    pub(crate) errors: Vec<SyntaxError>,
    /// Where a part begins in which one unexpected token is reported at most, in source order.
    pub(crate) segments: Vec<u32>,
    /// The bytes of what was reported and could not be put right.
    pub(crate) damage: Vec<(u32, u32)>,
}

/// Arranges the tokens of one file. O(tokens).
pub(crate) fn arrange(file: FileId, text: &str, lexed: &mut Lexed, limits: &Limits) -> Layout {
    let raw = std::mem::take(&mut lexed.tokens);
    let mut arranger = Arranger {
        file,
        text,
        raw: &raw,
        lexical_damage: &lexed.damage,
        stack: Vec::new(),
        item: None,
        chain: 0,
        run: 0,
        out: Layout {
            tokens: Vec::with_capacity(raw.len() + 8),
            errors: Vec::new(),
            segments: Vec::new(),
            damage: Vec::new(),
        },
    };
    arranger.run(limits);
    arranger.out
}

/// A bracket that is open.
struct Open {
    /// The kind that closes it.
    close: TokenKind,
    start: u32,
    end: u32,
    /// For a block, the keyword of its item, or `group`.
    block: Option<TokenKind>,
    /// `if`s inside that wait for their `then`.
    ifs: u32,
    /// `match`es inside that wait for their `{`.
    matches: u32,
    /// Whether a `group` waits for its `{`.
    group: bool,
    /// Whether a row of a table or test waits for its `=>`.
    in_row: bool,
    /// What `chain` was outside, and is at the start of each part inside.
    chain_outside: u64,
    chain_inside: u64,
}

struct Arranger<'a> {
    file: FileId,
    text: &'a str,
    raw: &'a [Token],
    lexical_damage: &'a [(u32, u32)],
    stack: Vec<Open>,
    /// The keyword of the item at hand, until its block is closed.
    item: Option<TokenKind>,
    /// `if`s, `not`s and minus signs at hand, here and outside, each of which waits for an operand.
    chain: u64,
    /// `not`s and minus signs right before this token.
    run: u64,
    out: Layout,
}

impl Arranger<'_> {
    fn run(&mut self, limits: &Limits) {
        let mut at = 0;
        while at < self.raw.len() {
            if self.nesting() > limits.nesting {
                let token = self.raw[at - 1];
                self.report(SyntaxError::limit(
                    LimitKind::Nesting,
                    limits.nesting,
                    token.span(self.file),
                ));
                let start = self.stack.first().map_or(token.start, |open| open.start);
                let segment = self.out.segments.last().copied().unwrap_or(0);
                self.out
                    .damage
                    .push((start.min(segment), self.text.len() as u32));
                break;
            }
            at += self.step(at);
        }
        if at == self.raw.len() {
            let end = self.text.len() as u32;
            self.unclosed(0, end, "the file ends here");
        }
        let end = self.out.tokens.last().map_or(0, |token| token.end);
        self.close_down_to(0, end);
    }

    /// Handles the token at `at`; returns how many raw tokens it took.
    fn step(&mut self, at: usize) -> usize {
        let mut token = self.raw[at];
        let fresh_line = self.starts_line(at);
        token.kind = self.contextual(at, fresh_line);
        if let Some(taken) = self.money(at) {
            return taken;
        }
        if token.kind == TokenKind::Name
            && let Some(kind) = self.misspelt(token, at)
        {
            token.kind = kind;
        }
        self.count_prefix(token.kind);
        match token.kind {
            kind if kind.class() == TokenClass::Item => {
                if fresh_line && !self.stack.is_empty() {
                    self.unclosed(0, token.start, "a new item starts here");
                    self.close_down_to(0, self.last_end());
                    self.item = None;
                }
                if self.stack.is_empty() {
                    self.item = Some(kind);
                }
                self.segment(token);
            }
            TokenKind::If => self.innermost(|open| open.ifs += 1),
            TokenKind::Match => self.innermost(|open| open.matches += 1),
            TokenKind::Then if self.stack.last().is_some_and(|open| open.ifs > 0) => {
                self.innermost(|open| open.ifs -= 1);
            }
            TokenKind::By | TokenKind::Where | TokenKind::Hit => {}
            kind if kind.class() == TokenClass::Rule => {
                self.structural(token);
                if kind == TokenKind::Group {
                    self.innermost(|open| open.group = true);
                }
                if kind == TokenKind::Rule || kind == TokenKind::Deny || kind == TokenKind::Group {
                    self.innermost(|open| (open.ifs, open.matches) = (0, 0));
                }
                self.segment(token);
            }
            TokenKind::Label if self.stack.last().is_some_and(|open| open.block.is_some()) => {
                self.segment(token)
            }
            TokenKind::Bar if self.starts_row(fresh_line) => {
                token.kind = TokenKind::RowBar;
                self.segment(token);
            }
            TokenKind::FatArrow => self.innermost(|open| open.in_row = false),
            TokenKind::ParenOpen => self.open(token, TokenKind::ParenClose, None),
            TokenKind::SquareOpen => self.open(token, TokenKind::SquareClose, None),
            TokenKind::BraceOpen => {
                let block = self.block_kind(at);
                if block.is_some() {
                    token.kind = TokenKind::BlockOpen;
                    self.open(token, TokenKind::BlockClose, block);
                } else {
                    self.innermost(|open| open.matches = open.matches.saturating_sub(1));
                    self.open(token, TokenKind::BraceClose, None);
                }
            }
            TokenKind::ParenClose | TokenKind::SquareClose | TokenKind::BraceClose => {
                self.close(token, at);
                return 1;
            }
            _ => {}
        }
        self.out.tokens.push(token);
        1
    }

    /// How many things are open, brackets and operands.
    fn nesting(&self) -> u64 {
        self.stack.len() as u64 + self.chain + self.run
    }

    /// Counts what opens without a bracket.
    fn count_prefix(&mut self, kind: TokenKind) {
        let operand_before = self
            .out
            .tokens
            .last()
            .is_some_and(|token| ends_operand(token.kind));
        match kind {
            TokenKind::Not => self.run += 1,
            TokenKind::Minus if !operand_before => self.run += 1,
            TokenKind::ParenOpen | TokenKind::SquareOpen | TokenKind::BraceOpen => {}
            TokenKind::If => {
                self.chain += 1 + self.run;
                self.run = 0;
            }
            TokenKind::Comma | TokenKind::FatArrow | TokenKind::Label => self.new_part(),
            _ => self.run = 0,
        }
    }

    /// What was open without a bracket is complete.
    fn new_part(&mut self) {
        self.chain = self.stack.last().map_or(0, |open| open.chain_inside);
        self.run = 0;
    }

    /// The kind of a token as far as its neighbours tell it.
    fn contextual(&self, at: usize, fresh_line: bool) -> TokenKind {
        let kind = self.raw[at].kind;
        if kind != TokenKind::Name && !kind.is_keyword() {
            return kind;
        }
        let next = self.raw.get(at + 1).map(|token| token.kind);
        let previous = self.out.tokens.last().map(|token| token.kind);
        if previous == Some(TokenKind::Dot) && !(fresh_line && kind.is_keyword()) {
            return TokenKind::Name;
        }
        // `decode: once`: the word of a setting.
        let starts_part = matches!(kind.class(), TokenClass::Item | TokenClass::Rule);
        if previous == Some(TokenKind::Colon) && starts_part && !fresh_line {
            return TokenKind::Name;
        }
        match kind {
            _ if next == Some(TokenKind::Colon) => TokenKind::Label,
            TokenKind::Any
            | TokenKind::All
            | TokenKind::Only
            | TokenKind::No
            | TokenKind::Count
            | TokenKind::Sum
                if next != Some(TokenKind::ParenOpen) =>
            {
                TokenKind::Name
            }
            // `trace(route(req)) == [otherwise]`; at the start of a line it may be the clause behind a bracket that is not closed.
            TokenKind::Otherwise
                if matches!(previous, Some(TokenKind::SquareOpen | TokenKind::Comma))
                    && matches!(next, Some(TokenKind::SquareClose | TokenKind::Comma))
                    && self
                        .stack
                        .last()
                        .is_some_and(|open| open.close == TokenKind::SquareClose) =>
            {
                TokenKind::Name
            }
            TokenKind::Deny
                if !previous.is_none_or(ends_operand) && previous != Some(TokenKind::BlockOpen) =>
            {
                TokenKind::Name
            }
            _ => kind,
        }
    }

    /// A number, blanks, and three capitals that are no label: one token.
    fn money(&mut self, at: usize) -> Option<usize> {
        let [number, code, rest @ ..] = &self.raw[at..] else {
            return None;
        };
        if !matches!(number.kind, TokenKind::Int | TokenKind::Float) || code.kind != TokenKind::Name
        {
            return None;
        }
        let blanks = &self.text[number.end as usize..code.start as usize];
        let letters = &self.text[code.start as usize..code.end as usize];
        let is_money = letters.len() == 3
            && letters.bytes().all(|byte| byte.is_ascii_uppercase())
            && !blanks.is_empty()
            && blanks.bytes().all(|byte| matches!(byte, b' ' | b'\t'))
            && rest
                .first()
                .is_none_or(|token| token.kind != TokenKind::Colon);
        if !is_money {
            return None;
        }
        self.out.tokens.push(Token {
            kind: TokenKind::Money,
            start: number.start,
            end: code.end,
        });
        Some(2)
    }

    /// Whether a `{` opens a block, and of what.
    fn block_kind(&self, at: usize) -> Option<TokenKind> {
        use TokenKind as T;
        let previous = self.out.tokens.last()?.kind;
        let next = self.raw.get(at + 1).map(|token| token.kind);
        let Some(open) = self.stack.last() else {
            let has_block = matches!(
                self.item?,
                T::Record
                    | T::Enum
                    | T::Boundary
                    | T::RuleSet
                    | T::Guard
                    | T::Table
                    | T::Pipeline
                    | T::State
                    | T::Stream
                    | T::Test
                    | T::Prove
            );
            let is_type = matches!(
                previous,
                T::Arrow | T::Colon | T::By | T::Less | T::Comma | T::Dot
            );
            return if has_block && !is_type {
                self.item
            } else {
                None
            };
        };
        open.block?;
        let rules_inside = matches!(next, Some(T::Rule | T::Group));
        let waits = open.group && open.matches == 0 && ends_operand(previous);
        (rules_inside || waits).then_some(T::Group)
    }

    fn starts_row(&mut self, fresh_line: bool) -> bool {
        let Some(open) = self
            .stack
            .last_mut()
            .filter(|open| matches!(open.block, Some(TokenKind::Table | TokenKind::Test)))
        else {
            return false;
        };
        let starts = !open.in_row || fresh_line;
        open.in_row = true;
        starts
    }

    fn open(&mut self, token: Token, close: TokenKind, block: Option<TokenKind>) {
        if block.is_some() {
            self.innermost(|open| open.group = false);
            self.segment(Token {
                start: token.end,
                ..token
            });
        }
        self.stack.push(Open {
            close,
            start: token.start,
            end: token.end,
            block,
            ifs: 0,
            matches: 0,
            group: false,
            in_row: false,
            chain_outside: self.chain,
            chain_inside: self.chain + self.run,
        });
        self.chain += self.run;
        self.run = 0;
    }

    fn close(&mut self, token: Token, at: usize) {
        let closes = |open: &Open| match token.kind {
            TokenKind::BraceClose => {
                matches!(open.close, TokenKind::BraceClose | TokenKind::BlockClose)
            }
            kind => open.close == kind,
        };
        // A round or square bracket does not reach out of its block.
        let reach = match token.kind {
            TokenKind::BraceClose => 0,
            _ => self
                .stack
                .iter()
                .rposition(|open| open.block.is_some())
                .map_or(0, |block| block + 1),
        };
        let partner = self.stack[reach..]
            .iter()
            .rposition(closes)
            .map(|index| index + reach);
        let Some(partner) = partner.filter(|&partner| !self.closes_early(partner, at)) else {
            return self.unopened(token);
        };
        if partner + 1 < self.stack.len() {
            let what = format!("`{}` closes something further out", spelling(token.kind));
            self.unclosed(partner + 1, token.start, &what);
            self.close_down_to(partner + 1, self.last_end());
        }
        if let Some(open) = self.stack.pop() {
            self.chain = open.chain_outside;
            self.out.tokens.push(Token {
                kind: open.close,
                ..token
            });
            if self.stack.is_empty() && open.block.is_some() {
                self.item = None;
            }
        }
    }

    /// Whether the last `}` of an item stands before something that only stands inside.
    fn closes_early(&self, partner: usize, at: usize) -> bool {
        use TokenKind as T;
        let next = self.raw.get(at + 1).map(|token| token.kind);
        partner == 0
            && self.stack[0].block.is_some()
            && matches!(
                next,
                Some(
                    T::Rule
                        | T::Group
                        | T::Otherwise
                        | T::When
                        | T::Then
                        | T::Stage
                        | T::Given
                        | T::Expect
                        | T::Advance
                        | T::Holds
                        | T::Bar
                )
            )
    }

    fn unopened(&mut self, token: Token) {
        let close = spelling(token.kind);
        let span = token.span(self.file);
        self.out.damage.push((token.start, token.end));
        self.report(
            SyntaxError::new(
                SyntaxErrorKind::Unopened { close },
                span,
                format!("`{close}` closes nothing"),
            )
            .label("no bracket is open that it could close")
            .replace("leave it out", span, ""),
        );
    }

    /// A keyword that stands directly in a block: what was opened inside and is still open was forgotten.
    fn structural(&mut self, token: Token) {
        let Some(block) = self.stack.iter().rposition(|open| open.block.is_some()) else {
            return;
        };
        if block + 1 < self.stack.len() {
            let word = token.kind.spelling().unwrap_or_default();
            self.unclosed(
                block + 1,
                token.start,
                &format!("`{word}` cannot stand inside"),
            );
            self.close_down_to(block + 1, self.last_end());
        }
    }

    /// Reports that a bracket at or above `bottom` is still open. One report is enough: the innermost.
    fn unclosed(&mut self, bottom: usize, found: u32, reason: &str) {
        let Some(open) = self.stack.get(bottom..).and_then(<[Open]>::last) else {
            return;
        };
        let (start, end) = (open.start, open.end);
        let range = (self.stack[bottom].start, found);
        let (open_sign, close_sign) = match open.close {
            TokenKind::ParenClose => ('(', ')'),
            TokenKind::SquareClose => ('[', ']'),
            _ => ('{', '}'),
        };
        self.out.damage.push(range);
        // A text without its end has taken the bracket with it.
        let after = self
            .lexical_damage
            .partition_point(|&(start, _)| start < range.0);
        if self
            .lexical_damage
            .get(after)
            .is_some_and(|&(start, _)| start < range.1)
        {
            return;
        }
        let here = self.last_end();
        let missing = Span::new(self.file, here, here);
        self.report(
            SyntaxError::new(
                SyntaxErrorKind::Unclosed { open: open_sign },
                Span::new(self.file, start, end),
                format!("`{open_sign}` is never closed"),
            )
            .label("opened here")
            .related(Span::new(self.file, found, found), reason)
            .replace(format!("write `{close_sign}`"), missing, close_sign),
        );
    }

    /// Puts in the closing brackets of everything at or above `bottom`.
    fn close_down_to(&mut self, bottom: usize, at: u32) {
        while self.stack.len() > bottom
            && let Some(open) = self.stack.pop()
        {
            self.chain = open.chain_outside;
            self.out.tokens.push(Token {
                kind: open.close,
                start: at,
                end: at,
            });
        }
    }

    fn innermost(&mut self, change: impl FnOnce(&mut Open)) {
        if let Some(open) = self.stack.last_mut() {
            change(open);
        }
    }

    fn segment(&mut self, token: Token) {
        self.new_part();
        self.out.segments.push(token.start);
    }

    fn last_end(&self) -> u32 {
        self.out.tokens.last().map_or(0, |token| token.end)
    }

    fn starts_line(&self, at: usize) -> bool {
        let from = at.checked_sub(1).map_or(0, |before| self.raw[before].end) as usize;
        let between = &self.text.as_bytes()[from..self.raw[at].start as usize];
        at == 0 || between.contains(&b'\n')
    }

    fn report(&mut self, error: SyntaxError) {
        if self.out.errors.len() <= crate::MOST_ERRORS {
            self.out.errors.push(error);
        }
    }
}

/// Whether an operand can end with this token, so that no name can follow.
fn ends_operand(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Percent
            | TokenKind::Quantity
            | TokenKind::Money
            | TokenKind::Text
            | TokenKind::Tagged
            | TokenKind::True
            | TokenKind::False
            | TokenKind::None
            | TokenKind::Underscore
            | TokenKind::Question
            | TokenKind::ParenClose
            | TokenKind::SquareClose
            | TokenKind::BraceClose
            | TokenKind::BlockClose
    )
}

fn spelling(kind: TokenKind) -> char {
    kind.spelling()
        .and_then(|text| text.chars().next())
        .unwrap_or('?')
}
