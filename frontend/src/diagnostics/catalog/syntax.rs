//! Texts that do not follow the grammar. The words come from the parser, the pages from here.

use tollgate_grammar::SyntaxErrorKind as Kind;

use crate::diagnostics::Diagnostic;

diagnostics! {
    /// A character that begins nothing in the language.
    ///
    /// Often it was copied from a text processor: curly quotes, a dash that is not a minus sign, a blank that is none.
    /// Outside of comments and texts, a file is made of letters, digits, and the signs of the language.
    fn bad_character(message) = error "{message}";

    /// Something written as in another language: `&&` for `and`, `'text'` for `"text"`, a `;`.
    ///
    /// What is meant is clear, so the rest of the file is checked as if it had been written right.
    fn foreign_spelling(message) = error "{message}";

    /// A text that does not end in its line.
    ///
    /// A text ends with the quote it began with. A line break inside is written `\n`.
    fn unterminated_text(message) = error "{message}";

    /// A backslash in a text, and behind it something that is no escape.
    ///
    /// There are `\n`, `\r`, `\t`, `\\`, `\"` and `\u{…}`. In `re"…"` and the other tagged texts a backslash stands for
    /// itself, and no escape is needed.
    fn bad_escape(message) = error "{message}";

    /// Digits that are not a number, a duration or a size.
    ///
    /// Durations are whole numbers with `us ms s m h d w`, the longer unit first (`1h30m`); sizes have `B KiB MiB GiB`.
    /// Minutes are `5m`: `5min` is not a number with a name behind it but one bad word.
    fn bad_number(message) = error "{message}";

    /// A number with more digits than the language keeps.
    fn number_too_large(message) = error "{message}";

    /// A tag that does not exist before a text.
    ///
    /// `p"…"` is a path pattern, `glob"…"` a glob, `re"…"` a regular expression, `ip"…"` an address or network, `t"…"` an
    /// instant, `tz"…"` a time zone.
    fn unknown_tag(message) = error "{message}";

    /// A word or sign that does not fit where it stands.
    ///
    /// The message names what would have fitted. The parser skips to the end of the rule, item or bracket and goes on, so
    /// that a file with several such places shows all of them at once.
    fn unexpected_token(message) = error "{message}";

    /// A word that is nearly a keyword, where that keyword would fit.
    fn misspelt_keyword(message) = error "{message}";

    /// A keyword was declared as a name.
    ///
    /// Keywords are names behind `.` and before `:`, because the schemas of the world have fields called `state` and
    /// `max`. A parameter, a binding or an item stands alone and needs a name of its own.
    fn reserved_name(message) = error "{message}";

    /// A bracket without its partner behind it.
    fn unclosed_bracket(message) = error "{message}";

    /// A bracket without its partner before it.
    fn unopened_bracket(message) = error "{message}";

    /// Something that may not stand here, or not a second time.
    ///
    /// The first lines of a file are `edition` and `module`; the clauses of a rule set stand before its rules, and
    /// `otherwise` behind them.
    fn misplaced(message) = error "{message}";

    /// A file holds more of something than the compiler takes.
    ///
    /// Limits keep a hostile or generated file from taking the compiler's memory or stack. Each is far above what people
    /// write; split the file if it was generated.
    fn syntax_limit(message) = error "{message}";

    /// There are more mistakes than are worth reading at once; the rest of the file was not looked at.
    fn too_many_errors(message) = error "{message}";
}

/// The row for a kind of mistake, with the parser's sentence.
pub(crate) fn of(kind: &Kind, message: &str) -> Diagnostic {
    match kind {
        Kind::BadCharacter { .. } => bad_character(message),
        Kind::ForeignSpelling { .. } => foreign_spelling(message),
        Kind::UnterminatedText => unterminated_text(message),
        Kind::BadEscape { .. } => bad_escape(message),
        Kind::BadNumber { .. } => bad_number(message),
        Kind::NumberTooLarge { .. } => number_too_large(message),
        Kind::UnknownTag { .. } => unknown_tag(message),
        Kind::Unexpected { .. } => unexpected_token(message),
        Kind::MisspeltKeyword { .. } => misspelt_keyword(message),
        Kind::ReservedName { .. } => reserved_name(message),
        Kind::Unclosed { .. } => unclosed_bracket(message),
        Kind::Unopened { .. } => unopened_bracket(message),
        Kind::Misplaced { .. } => misplaced(message),
        Kind::Limit { .. } => syntax_limit(message),
        Kind::TooManyErrors => too_many_errors(message),
    }
}

/// Whether a mistake has one meaning all the same, so that its mend needs nobody's choice.
pub(crate) fn is_understood(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::ForeignSpelling { .. } | Kind::MisspeltKeyword { .. } | Kind::BadNumber { .. }
    )
}
