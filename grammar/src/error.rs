//! What is said when a text does not follow the grammar.
//!
//! A [`SyntaxError`] is complete: a sentence, the place, other places, and a way out where there is
//! one. Whoever shows it may keep its words or make others from the [`SyntaxErrorKind`].

use crate::ast::Tag;
use crate::source::Span;
use crate::token::{FIXED, TokenClass, TokenKind, nearest};
use std::fmt;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What kind of mistake, with what a program may want to know about it.
    pub kind: SyntaxErrorKind,
    /// One sentence without a full stop: "expected `then`, found `}`".
    pub message: String,
    /// Where.
    pub span: Span,
    /// A few words for that place; may be empty.
    pub label: String,
    /// Other places that matter, such as the bracket that is still open.
    pub related: Vec<(Span, String)>,
    /// A way out.
    pub help: Option<Help>,
}

/// A way out of a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help {
    /// What to do.
    pub message: String,
    /// What to put where, so that this mistake is gone.
    pub replacement: Option<(Span, String)>,
}

/// The kinds of mistakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    /// Characters that are no token.
    BadCharacter {
        /// The characters.
        text: Box<str>,
    },
    /// Written as in another language, understood all the same: `&&`, `;`, `'text'`.
    ForeignSpelling {
        /// As it was written.
        written: Box<str>,
        /// As it is written here; empty when it is left out here.
        meant: &'static str,
    },
    /// A text without its closing quote.
    UnterminatedText,
    /// An escape that does not exist.
    BadEscape {
        /// The escape, with its backslash.
        escape: Box<str>,
    },
    /// Digits that are not a number, a duration or a size.
    BadNumber {
        /// As written.
        text: Box<str>,
    },
    /// A number that cannot be kept.
    NumberTooLarge {
        /// As written.
        text: Box<str>,
    },
    /// `q"…"` with an unknown `q`.
    UnknownTag {
        /// As written.
        tag: Box<str>,
        /// The nearest that exists.
        similar: Option<Tag>,
    },
    /// A token that does not fit.
    Unexpected {
        /// What was found, in words.
        found: Box<str>,
        /// What would have fitted, in words, the most useful first.
        expected: Vec<Box<str>>,
    },
    /// A word that is nearly a keyword, where that keyword would fit.
    MisspeltKeyword {
        /// As written.
        word: Box<str>,
        /// The keyword.
        meant: &'static str,
    },
    /// A keyword where a name is declared.
    ReservedName {
        /// The keyword.
        word: Box<str>,
    },
    /// A bracket without its partner behind it.
    Unclosed {
        /// The bracket.
        open: char,
    },
    /// A bracket without its partner before it.
    Unopened {
        /// The bracket.
        close: char,
    },
    /// Something that may not stand here, or not twice: `otherwise` before a rule.
    Misplaced {
        /// What.
        what: &'static str,
    },
    /// More than the grammar takes.
    Limit {
        /// Of what.
        what: LimitKind,
        /// How many are taken.
        limit: u64,
    },
    /// There are more mistakes than are worth reading; the rest of the file was not looked at.
    TooManyErrors,
}

/// What is limited; see [`Limits`](crate::Limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitKind {
    /// Bytes of a file.
    SourceBytes,
    /// Tokens of a file.
    Tokens,
    /// Brackets within brackets, and operations within operations.
    Nesting,
    /// Rules and rows of a file.
    Rules,
    /// Bytes of one text.
    TextBytes,
}

impl SyntaxErrorKind {
    /// A short name that never changes, for catalogues and pages: `unclosed`.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        match self {
            SyntaxErrorKind::BadCharacter { .. } => "bad-character",
            SyntaxErrorKind::ForeignSpelling { .. } => "foreign-spelling",
            SyntaxErrorKind::UnterminatedText => "unterminated-text",
            SyntaxErrorKind::BadEscape { .. } => "bad-escape",
            SyntaxErrorKind::BadNumber { .. } => "bad-number",
            SyntaxErrorKind::NumberTooLarge { .. } => "number-too-large",
            SyntaxErrorKind::UnknownTag { .. } => "unknown-tag",
            SyntaxErrorKind::Unexpected { .. } => "unexpected-token",
            SyntaxErrorKind::MisspeltKeyword { .. } => "misspelt-keyword",
            SyntaxErrorKind::ReservedName { .. } => "reserved-name",
            SyntaxErrorKind::Unclosed { .. } => "unclosed-bracket",
            SyntaxErrorKind::Unopened { .. } => "unopened-bracket",
            SyntaxErrorKind::Misplaced { .. } => "misplaced",
            SyntaxErrorKind::Limit { .. } => "syntax-limit",
            SyntaxErrorKind::TooManyErrors => "too-many-errors",
        }
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LimitKind::SourceBytes => "bytes in one file",
            LimitKind::Tokens => "tokens in one file",
            LimitKind::Nesting => "levels of nesting",
            LimitKind::Rules => "rules in one file",
            LimitKind::TextBytes => "bytes in one text",
        })
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}

impl SyntaxError {
    pub(crate) fn new(
        kind: SyntaxErrorKind,
        span: Span,
        message: impl Into<String>,
    ) -> SyntaxError {
        SyntaxError {
            kind,
            message: message.into(),
            span,
            label: String::new(),
            related: Vec::new(),
            help: None,
        }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> SyntaxError {
        self.label = label.into();
        self
    }

    pub(crate) fn related(mut self, span: Span, label: impl Into<String>) -> SyntaxError {
        self.related.push((span, label.into()));
        self
    }

    pub(crate) fn help(mut self, message: impl Into<String>) -> SyntaxError {
        self.help = Some(Help {
            message: message.into(),
            replacement: None,
        });
        self
    }

    pub(crate) fn replace(
        mut self,
        message: impl Into<String>,
        span: Span,
        by: impl Into<String>,
    ) -> SyntaxError {
        self.help = Some(Help {
            message: message.into(),
            replacement: Some((span, by.into())),
        });
        self
    }

    pub(crate) fn limit(what: LimitKind, limit: u64, span: Span) -> SyntaxError {
        let message = format!("more than {limit} {what}");
        SyntaxError::new(SyntaxErrorKind::Limit { what, limit }, span, message)
    }

    pub(crate) fn misspelt(word: &str, meant: &'static str, span: Span) -> SyntaxError {
        let message = format!("there is no `{word}` here; did you mean `{meant}`?");
        SyntaxError::new(
            SyntaxErrorKind::MisspeltKeyword {
                word: word.into(),
                meant,
            },
            span,
            message,
        )
        .label(format!("expected `{meant}`"))
        .replace(format!("write `{meant}`"), span, meant)
    }

    /// A token that does not fit. `terminals` is LALRPOP's expected set; `found` is the source text of
    /// the token, or `None` at the end of the file.
    pub(crate) fn unexpected(
        terminals: &[String],
        kind: Option<TokenKind>,
        found: Option<&str>,
        span: Span,
    ) -> SyntaxError {
        let terminals: Vec<&str> = terminals
            .iter()
            .map(|quoted| quoted.trim_matches('"'))
            .collect();
        if let (Some(TokenKind::Name), Some(word)) = (kind, found)
            && let Some(meant) = nearest(word, fitting_keywords(&terminals))
        {
            return SyntaxError::misspelt(word, meant, span);
        }
        let expected = in_words(&terminals);
        let found_words = found.map_or_else(|| "the end of the file".to_owned(), shortened);
        let message = if expected.is_empty() {
            format!("{found_words} does not fit here")
        } else {
            format!("expected {}, found {found_words}", enumerate(&expected))
        };
        let error_kind = SyntaxErrorKind::Unexpected {
            found: found_words.into(),
            expected: expected.iter().map(|word| word.as_str().into()).collect(),
        };
        let error = SyntaxError::new(error_kind, span, message).label("does not fit here");
        match advice(&terminals, kind) {
            Some(advice) => error.help(advice),
            None => error,
        }
    }
}

/// A piece of source text in quotes, cut to a length that fits a sentence.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 24;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(MOST) {
        Some((cut, _)) => format!("`{}…`", &line[..cut]),
        None => format!("`{line}`"),
    }
}

fn fitting_keywords<'a>(terminals: &'a [&str]) -> impl Iterator<Item = &'static str> + 'a {
    FIXED
        .iter()
        .filter(|(kind, spelling, ..)| kind.is_keyword() && terminals.contains(spelling))
        .map(|&(_, spelling, ..)| spelling)
}

/// What often lies behind a token that does not fit.
fn advice(terminals: &[&str], kind: Option<TokenKind>) -> Option<&'static str> {
    let fits = |terminal: &str| terminals.contains(&terminal);
    let kind = kind?;
    let after_operand = fits("+") || fits("and");
    match kind {
        TokenKind::Equals if after_operand => {
            Some("`==` compares; `=` only follows a name that is declared")
        }
        TokenKind::Question if after_operand => {
            Some("`??` says what holds when a value is missing")
        }
        TokenKind::EqualEqual
        | TokenKind::NotEqual
        | TokenKind::Less
        | TokenKind::LessEqual
        | TokenKind::Greater
        | TokenKind::GreaterEqual
        | TokenKind::Is
        | TokenKind::In
        | TokenKind::Matches
            if fits("and") =>
        {
            Some("comparisons are not chained: write `a < b and b < c`")
        }
        TokenKind::If if fits("(") => Some("put parentheses around an `if` that is an operand"),
        TokenKind::Label if fits("name") && fits("(") && !fits("label") => {
            Some("a key that is computed ends in `)`: write `{(key): value}`")
        }
        TokenKind::Cost | TokenKind::Active | TokenKind::Mode
            if fits("rule") || fits("otherwise") =>
        {
            Some("`cost`, `active` and `mode` of a rule set stand before its rules")
        }
        TokenKind::GreaterEqual if fits(">") => Some("put a blank between `>` and `=`"),
        _ if kind.is_keyword() && fits("name") && !fits("int") && !fits("when") => {
            Some("a keyword is a name only behind `.` and before `:`; choose another name")
        }
        _ => None,
    }
}

/// Terminals as a person would call them: what starts an expression is "an expression", and so on.
fn in_words(terminals: &[&str]) -> Vec<String> {
    let mut left: Vec<&str> = terminals.to_vec();
    let mut words: Vec<String> = Vec::new();
    let mut late: Vec<String> = Vec::new();
    let take =
        |left: &mut Vec<&str>, gone: &dyn Fn(&str) -> bool| left.retain(|terminal| !gone(terminal));
    const LITERALS: [&str; 9] = [
        "int", "float", "percent", "quantity", "money", "text", "tagged", "true", "false",
    ];
    let fits = |terminal: &str| terminals.contains(&terminal);

    if fits("_") {
        words.push("a pattern".into());
        take(&mut left, &|terminal| {
            LITERALS.contains(&terminal)
                || [
                    "_", "none", "name", "{", "[", "-", "==", "!=", "<", "<=", ">", ">=",
                ]
                .contains(&terminal)
        });
    } else if fits("int") && fits("(") {
        words.push("an expression".into());
        take(&mut left, &|terminal| {
            LITERALS.contains(&terminal)
                || [
                    "none", "name", "(", "[", "{", "-", "not", "let", "if", "match",
                ]
                .contains(&terminal)
                || ["any", "all", "only", "no", "count", "sum"].contains(&terminal)
        });
    } else if fits("int") && fits("name") {
        words.push("a literal".into());
        take(&mut left, &|terminal| {
            LITERALS.contains(&terminal) || terminal == "-"
        });
    } else if fits("name") && fits("[") && fits("{") {
        words.push("a type".into());
        take(&mut left, &|terminal| {
            ["name", "[", "{"].contains(&terminal)
        });
    }
    if fits("when") && fits("once") {
        let then_first = if fits("then") { "`then`" } else { "`when`" };
        words.push(then_first.into());
        words.push("another clause".into());
        take(&mut left, &|terminal| {
            [
                "tags", "on", "active", "mode", "when", "once", "within", "then",
            ]
            .contains(&terminal)
                || ["rule", "deny", "group", "otherwise", "block }"].contains(&terminal)
        });
    }
    if fits("ruleset") && fits("fn") {
        words.push("an item such as `ruleset` or `fn`".into());
        take(&mut left, &|terminal| {
            FIXED
                .iter()
                .any(|&(_, spelling, class, _)| spelling == terminal && class == TokenClass::Item)
        });
    }
    let is_operator = |terminal: &str| {
        FIXED
            .iter()
            .any(|&(_, spelling, class, _)| spelling == terminal && class == TokenClass::Operator)
            && !["not", "<", "in"].contains(&terminal)
    };
    if left.iter().filter(|terminal| is_operator(terminal)).count() >= 3
        || (fits("??") && fits("."))
    {
        late.push("an operator".into());
        take(&mut left, &|terminal| {
            is_operator(terminal)
                || [".", "[", "(", "<", "in", "per", "..", "..<"].contains(&terminal)
        });
    }
    // What only continues something is worth a word only if nothing else is.
    let continues = |terminal: &str| {
        [".", "[", "(", "<", "..", "..<", "?", "matching", "per"].contains(&terminal)
    };
    if left.iter().any(|terminal| !continues(terminal)) || !words.is_empty() {
        take(&mut left, &continues);
    }
    if fits("label") || fits("=>") {
        take(&mut left, &|terminal| terminal == ",");
    }
    // What closes comes behind what goes on.
    left.sort_by_key(|terminal| [")", "]", "}", "block }", ","].contains(terminal));
    for terminal in left {
        words.push(match terminal {
            "name" => "a name".into(),
            "label" => "a name with `:`".into(),
            "int" => "a whole number".into(),
            "float" | "percent" | "money" => "a number".into(),
            "quantity" => "a duration".into(),
            "text" => "a text".into(),
            "tagged" => "a tagged text".into(),
            "block {" => "`{`".into(),
            "block }" => "`}`".into(),
            "row |" => "`|`".into(),
            spelling => format!("`{spelling}`"),
        });
    }
    words.extend(late);
    words
}

/// "a", "a or b", "a, b or c"; at most four.
fn enumerate(words: &[String]) -> String {
    const MOST: usize = 4;
    let shown = &words[..words.len().min(MOST)];
    match shown {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}
