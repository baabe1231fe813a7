//! Text to raw tokens: what logos finds, with comments set aside and foreign spellings put right.
//!
//! The lexer never fails. What is no token is reported here and becomes [`TokenKind::Bad`], which the
//! grammar accepts nowhere and reports nowhere.

use crate::Limits;
use crate::error::{LimitKind, SyntaxError, SyntaxErrorKind, shortened};
use crate::source::{FileId, Span};
use crate::token::{Token, TokenKind};
use logos::Logos;

/// Most characters of a run of strays that are shown.
const SHOWN: usize = 24;

/// What the lexer found.
pub(crate) struct Lexed {
    /// All tokens but comments, in source order. No `Label`, `Money`, block brace or row bar yet.
    pub(crate) tokens: Vec<Token>,
    /// All comments, in source order.
    pub(crate) comments: Vec<Span>,
    /// `##` lines, joined where they follow each other: the start of the token behind, and the bytes.
    pub(crate) docs: Vec<(u32, Span)>,
    /// The mistakes, in source order.
    pub(crate) errors: Vec<SyntaxError>,
    /// The bytes of what was reported and could not be put right, in source order.
    pub(crate) damage: Vec<(u32, u32)>,
}

/// Finds the tokens of a text. O(length). Stops with an error at a limit.
pub(crate) fn lex(file: FileId, text: &str, limits: &Limits) -> Lexed {
    let mut lexer = Lexer {
        file,
        text,
        doc: None,
        out: Lexed {
            // Room for tokens of four bytes, blanks included: hardly a text has more, and what is not used is never touched.
            tokens: Vec::with_capacity((text.len() / 4).min(limits.tokens as usize)),
            comments: Vec::new(),
            docs: Vec::new(),
            errors: Vec::new(),
            damage: Vec::new(),
        },
    };
    lexer.run(limits);
    lexer.out
}

struct Lexer<'text> {
    file: FileId,
    text: &'text str,
    /// The `##` lines that wait for the token behind them.
    doc: Option<Span>,
    out: Lexed,
}

impl Lexer<'_> {
    fn run(&mut self, limits: &Limits) {
        // A byte order mark at the start says nothing: the text is UTF-8.
        let skipped = if self.text.starts_with('\u{FEFF}') {
            '\u{FEFF}'.len_utf8()
        } else {
            0
        };
        for (kind, range) in TokenKind::lexer(&self.text[skipped..]).spanned() {
            let span = Span::new(
                self.file,
                (range.start + skipped) as u32,
                (range.end + skipped) as u32,
            );
            if self.out.tokens.len() as u64 >= limits.tokens {
                self.report(SyntaxError::limit(LimitKind::Tokens, limits.tokens, span));
                self.out.damage.push((span.start, self.text.len() as u32));
                break;
            }
            if u64::from(span.len()) > limits.text_bytes && kind != Ok(TokenKind::Comment) {
                self.report(
                    SyntaxError::limit(LimitKind::TextBytes, limits.text_bytes, span)
                        .label(format!("{} bytes", span.len())),
                );
                self.bad(span);
                continue;
            }
            match kind {
                Ok(kind) => self.token(kind, span),
                Err(()) => self.stray(span),
            }
        }
    }

    fn token(&mut self, kind: TokenKind, span: Span) {
        match kind {
            TokenKind::Comment => self.comment(span),
            TokenKind::AmpAmp => self.foreign(span, "and", Some(TokenKind::And)),
            TokenKind::BarBar => self.foreign(span, "or", Some(TokenKind::Or)),
            TokenKind::Bang => self.foreign(span, "not", Some(TokenKind::Not)),
            TokenKind::Semicolon => self.foreign(span, "", None),
            TokenKind::SlashSlash => self.foreign(span, "#", None),
            TokenKind::SingleQuoted => self.foreign(span, "\"", Some(TokenKind::Text)),
            TokenKind::Foreign => self.stray(span),
            TokenKind::Text | TokenKind::Tagged => {
                if !is_closed(self.slice(span)) {
                    self.unterminated(span);
                }
                self.push(kind, span);
            }
            _ => self.push(kind, span),
        }
    }

    fn push(&mut self, kind: TokenKind, span: Span) {
        if let Some(doc) = self.doc.take() {
            self.out.docs.push((span.start, doc));
        }
        self.out.tokens.push(Token {
            kind,
            start: span.start,
            end: span.end,
        });
    }

    fn slice(&self, span: Span) -> &str {
        &self.text[span.range()]
    }

    fn comment(&mut self, span: Span) {
        let length = self.slice(span).trim_end().len() as u32;
        let span = Span {
            end: span.start + length,
            ..span
        };
        self.out.comments.push(span);
        if !self.slice(span).starts_with("##") {
            return;
        }
        self.doc = match self.doc {
            // Only blanks and one line end may lie between, or the lines before are left alone.
            Some(doc)
                if self.text[doc.end as usize..span.start as usize]
                    .matches('\n')
                    .count()
                    == 1 =>
            {
                Some(doc.to(span))
            }
            _ => Some(span),
        };
    }

    fn foreign(&mut self, span: Span, meant: &'static str, kind: Option<TokenKind>) {
        let written = self.slice(span);
        let kind_of_error = SyntaxErrorKind::ForeignSpelling {
            written: shortened(written).trim_matches('`').into(),
            meant,
        };
        let error = SyntaxError::new(kind_of_error, span, "");
        let error = match meant {
            "" => SyntaxError {
                message: "nothing ends with `;` here".into(),
                ..error
            }
            .replace("leave it out", span, ""),
            "#" => {
                let sign = Span {
                    end: span.start + 2,
                    ..span
                };
                SyntaxError {
                    message: "a comment starts with `#`".into(),
                    ..error
                }
                .replace("write `#`", sign, "#")
            }
            "\"" => {
                let inner = &written[1..written.len() - 1];
                SyntaxError {
                    message: "a text stands in double quotes".into(),
                    ..error
                }
                .replace(
                    "write `\"`",
                    span,
                    format!("\"{}\"", inner.replace('"', "\\\"")),
                )
            }
            _ => {
                let replacement = if written == "!" {
                    format!("{meant} ")
                } else {
                    meant.to_owned()
                };
                SyntaxError {
                    message: format!("`{written}` is written `{meant}`"),
                    ..error
                }
                .replace(format!("write `{meant}`"), span, replacement)
            }
        };
        self.report(error);
        if let Some(kind) = kind {
            self.push(kind, span);
        }
    }

    fn unterminated(&mut self, span: Span) {
        let length = self.slice(span).trim_end().len() as u32;
        let shown = Span {
            end: span.start + length,
            ..span
        };
        self.report(
            SyntaxError::new(
                SyntaxErrorKind::UnterminatedText,
                shown,
                "the text has no closing `\"` on its line",
            )
            .label("starts here")
            .replace("close it", shown.after(), "\""),
        );
        self.out.damage.push((span.start, span.end));
    }

    fn stray(&mut self, span: Span) {
        // Neighbours are one mistake.
        if let (Some(last), Some(error)) = (self.out.tokens.last_mut(), self.out.errors.last_mut())
            && last.kind == TokenKind::Bad
            && last.end == span.start
            && let SyntaxErrorKind::BadCharacter { .. } = error.kind
        {
            last.end = span.end;
            let grown = Span {
                end: span.end,
                ..error.span
            };
            // A run is told by its beginning, which stays what it is once it is long.
            if error.span.len() as usize > SHOWN * char::MAX_LEN_UTF8 {
                error.span = grown;
            } else {
                *error = bad_character(self.text, grown);
            }
            if let Some(damage) = self.out.damage.last_mut() {
                damage.1 = span.end;
            }
            return;
        }
        self.report(bad_character(self.text, span));
        self.bad(span);
    }

    fn bad(&mut self, span: Span) {
        self.push(TokenKind::Bad, span);
        self.out.damage.push((span.start, span.end));
    }

    fn report(&mut self, error: SyntaxError) {
        // One more than is shown, so that it is seen that there are more.
        if self.out.errors.len() <= crate::MOST_ERRORS {
            self.out.errors.push(error);
        }
    }
}

/// Whether a text token ends in a quote that no backslash takes away.
fn is_closed(token: &str) -> bool {
    let Some(start) = token.find('"') else {
        return false;
    };
    let Some(inner) = token[start + 1..].strip_suffix('"') else {
        return false;
    };
    inner
        .bytes()
        .rev()
        .take_while(|&byte| byte == b'\\')
        .count()
        % 2
        == 0
}

/// What is said of characters that no token has. Looks at the beginning only.
fn bad_character(text: &str, span: Span) -> SyntaxError {
    let found = &text[span.range()];
    let head: String = found.chars().take(SHOWN).collect();
    let shown: String = head.chars().flat_map(visible).collect();
    let (is_name, is_quote) = (
        head.chars().any(char::is_alphabetic),
        head.contains(['\u{201C}', '\u{201D}', '\u{201E}']),
    );
    let kind = SyntaxErrorKind::BadCharacter { text: head.into() };
    let error = SyntaxError::new(kind, span, format!("`{shown}` is no part of the language"));
    if found == "%" {
        error.help("`%` only makes percentages; the remainder is `mod(a, b)`")
    } else if found == "&" {
        error.replace("write `and`", span, "and")
    } else if is_name {
        error.help(
            "names are written in the letters a to z, digits and `_`; any text may stand in quotes",
        )
    } else if is_quote {
        error.help("a text stands in plain quotes: `\"`")
    } else {
        error
    }
}

/// The character, or its number where it cannot be seen.
fn visible(character: char) -> Vec<char> {
    let hidden = character.is_control()
        || character.is_whitespace()
        || matches!(character, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}');
    if hidden {
        format!("\\u{{{:x}}}", u32::from(character))
            .chars()
            .collect()
    } else {
        vec![character]
    }
}
