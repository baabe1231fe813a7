//! What is reported, and what is left unsaid because it follows.

use super::*;

impl<'text> Builder<'text> {
    pub(super) fn report(&mut self, error: SyntaxError) {
        self.errors.push(error);
        if self.errors.len() > crate::MOST_ERRORS {
            self.control.stop.set(true);
        }
    }

    /// Reports what LALRPOP has skipped, unless it follows from something reported already. Returns
    /// what was skipped.
    pub(crate) fn recovered(&mut self, recovery: Recovery) -> Span {
        let first = recovery.dropped_tokens.first();
        let last = recovery.dropped_tokens.last();
        let (start, end) = match (&recovery.error, first, last) {
            (_, Some(first), Some(last)) => (first.0, last.2),
            (ParseError::UnrecognizedToken { token, .. }, ..) => (token.0, token.0),
            _ => (self.text.len() as u32, self.text.len() as u32),
        };
        self.control.charge(recovery.dropped_tokens.len() as u64);
        self.unexpected(&recovery.error);
        Span::new(self.file, start, end)
    }

    pub(crate) fn unexpected(&mut self, error: &ParseError<u32, TokenKind, ()>) {
        let (token, expected) = match error {
            ParseError::UnrecognizedToken {
                token: (start, kind, end),
                expected,
            } => (
                Some(Token {
                    kind: *kind,
                    start: *start,
                    end: *end,
                }),
                expected,
            ),
            ParseError::UnrecognizedEof { expected, .. } => (None, expected),
            ParseError::ExtraToken { .. }
            | ParseError::InvalidToken { .. }
            | ParseError::User { .. } => return,
        };
        let end = self.text.trim_end().len() as u32;
        let span = token.map_or(Span::new(self.file, end, end), |token| {
            token.span(self.file)
        });
        self.recoveries += 1;
        if self.recoveries > MOST_RECOVERIES {
            self.control.stop.set(true);
        }
        let segment = self.segments.partition_point(|&start| start < span.start);
        let repeated = self.last_segment.replace(segment) == Some(segment);
        let is_bad = token.is_some_and(|token| token.kind == TokenKind::Bad);
        // Whatever made the tokens end, the first mistake is told.
        let enough = self.control.stop.get() && !self.errors.is_empty();
        if repeated || is_bad || enough || self.is_damaged(segment, span.start) {
            return;
        }
        let found = token.map(|token| &self.text[token.start as usize..token.end as usize]);
        let error = SyntaxError::unexpected(expected, token.map(|token| token.kind), found, span);
        self.report(error);
    }

    /// Whether nothing more is to be said about a segment.
    pub(super) fn is_settled(&self, segment: usize, offset: u32) -> bool {
        self.control.stop.get()
            || self.last_segment == Some(segment)
            || self.is_damaged(segment, offset)
    }

    /// Whether the lexer or the layout reported something around or before the offset in its segment.
    pub(super) fn is_damaged(&self, segment: usize, offset: u32) -> bool {
        let start = segment
            .checked_sub(1)
            .map_or(0, |index| self.segments[index]);
        self.damaged
            .iter()
            .any(|&(from, to)| from <= offset && (start < to || offset <= to))
    }

    pub(super) fn malformed(&mut self, span: Span, error: NumeralError) {
        let text: Box<str> = self.text[span.range()].into();
        let report = match error {
            NumeralError::TooLarge => SyntaxError::new(
                SyntaxErrorKind::NumberTooLarge { text: text.clone() },
                span,
                format!("`{text}` is larger than can be kept"),
            )
            .help("a number has at most 64 bits and 18 places behind the point"),
            NumeralError::Malformed { why, instead } => {
                let error = SyntaxError::new(
                    SyntaxErrorKind::BadNumber { text: text.clone() },
                    span,
                    format!("`{text}` is no number, duration or size"),
                );
                match instead {
                    Some(instead) => {
                        error.replace(format!("write `{instead}`: {why}"), span, instead)
                    }
                    None => error.help(why),
                }
            }
        };
        self.report(report);
    }

    pub(crate) fn broken(&mut self, start: u32, end: u32, recovery: Recovery) -> Expr {
        self.recovered(recovery);
        Expr::error(self.span(start, end))
    }

    pub(crate) fn broken_clause(&mut self, recovery: Recovery) -> ClauseKind {
        self.recovered(recovery);
        ClauseKind::Error
    }

    pub(crate) fn broken_type(&mut self, recovery: Recovery) -> Type {
        Type {
            span: self.recovered(recovery),
            kind: TypeKind::Error,
        }
    }

    pub(crate) fn broken_pattern_args(
        &mut self,
        start: u32,
        end: u32,
        recovery: Recovery,
    ) -> Vec<PatternArg> {
        self.recovered(recovery);
        let pattern = Pattern {
            span: self.span(start, end),
            kind: PatternKind::Error,
        };
        vec![PatternArg {
            name: None,
            pattern,
        }]
    }

    /// A parameter of which at least the name can be kept, so that its uses are not reported too.
    pub(crate) fn broken_param(
        &mut self,
        start: u32,
        name: Option<Name>,
        recovery: Recovery,
    ) -> Box<Param> {
        let dropped = recovery
            .dropped_tokens
            .iter()
            .find(|token| token.1 == TokenKind::Name)
            .copied();
        let span = self.recovered(recovery);
        let name = match (name, dropped) {
            (Some(name), _) => name,
            (None, Some((start, _, end))) => self.name(start, end),
            (None, None) => Name {
                text: Symbol::from("_"),
                span,
            },
        };
        let span = Span::new(self.file, start, span.end.max(start));
        Box::new(Param {
            span,
            name,
            ty: Type {
                span,
                kind: TypeKind::Error,
            },
        })
    }
}
