//! The words and signs of the language, declared once.
//!
//! [`for_each_token!`](crate::for_each_token) is the table. From it come the lexer (logos), the
//! spelling of a token in a message, the list of keywords and the candidates for "did you mean"; a
//! test holds the `extern` block of the grammar against it.

use crate::source::{FileId, Span};
use logos::Logos;

/// Calls `$callback!` with every token that is always spelled the same:
/// `Kind = "spelling" Class "what it is for",` one row each.
///
/// A highlighter, a formatter or a reference page is written as another callback.
#[macro_export]
macro_rules! for_each_token {
    ($callback:ident) => {
        $callback! {
            Edition   = "edition"   Item     "the edition of the language a file is written in",
            Module    = "module"    Item     "the name a file is found by",
            Use       = "use"       Item     "takes names from another module",
            Const     = "const"     Item     "names a value",
            Type      = "type"      Item     "names a type",
            Record    = "record"    Item     "declares a type with fields",
            Enum      = "enum"      Item     "declares a type with variants",
            Boundary  = "boundary"  Item     "says what a host's type is held to before any rule runs",
            Data      = "data"      Item     "a value given by the host beside the program",
            Fn        = "fn"        Item     "declares a pure function",
            RuleSet   = "ruleset"   Item     "declares a set of rules with a hit policy",
            Guard     = "guard"     Item     "declares rules that only restrict",
            Table     = "table"     Item     "declares a rule set in columns",
            Pipeline  = "pipeline"  Item     "declares stages that run in order",
            State     = "state"     Item     "declares what is remembered between decisions",
            Stream    = "stream"    Item     "declares where events come from",
            Test      = "test"      Item     "an example that is checked",
            Prove     = "prove"     Item     "a claim that is proved",

            Rule      = "rule"      Rule     "a condition and an outcome",
            Deny      = "deny"      Rule     "a rule of a guard",
            Group     = "group"     Rule     "puts one condition before several rules",
            Otherwise = "otherwise" Rule     "the value when no rule applies",
            Hit       = "hit"       Rule     "says which matching rules count",
            Cost      = "cost"      Rule     "the most steps a decision may take",
            Tags      = "tags"      Rule     "labels a rule for the people who look after it",
            On        = "on"        Rule     "what the first parameter must look like; the stream of a rule set",
            Active    = "active"    Rule     "from when until when",
            Mode      = "mode"      Rule     "`mode shadow until …`: decide and record, but do not act",
            When      = "when"      Rule     "the condition",
            Once      = "once"      Rule     "the first time for a key",
            Within    = "within"    Rule     "as long as a budget lasts",
            Then      = "then"      Rule     "the outcome",
            By        = "by"        Rule     "the key of a state; the deciding rule",
            Stage     = "stage"     Rule     "a step of a pipeline",
            Stop      = "stop"      Rule     "the value that ends a pipeline",
            Given     = "given"     Rule     "what a test starts from",
            Expect    = "expect"    Rule     "what a test demands",
            Advance   = "advance"   Rule     "lets time pass in a test",
            Forall    = "forall"    Rule     "what a claim is about",
            Where     = "where"     Rule     "narrows what is looked at",
            Holds     = "holds"     Rule     "what is claimed",

            Implies   = "implies"   Operator "false only when the left is true and the right is false",
            Or        = "or"        Operator "true when one operand is",
            And       = "and"       Operator "true when all operands are",
            Not       = "not"       Operator "true when its operand is false",
            In        = "in"        Operator "is in a range, a list, a set or a network",
            Matches   = "matches"   Operator "looks like a path pattern, a glob or a regex",
            Is        = "is"        Operator "looks like a pattern",
            Let       = "let"       Word     "names a value for the rest of the condition",
            If        = "if"        Word     "chooses between two values",
            Else      = "else"      Word     "the other value of an `if`",
            Match     = "match"     Word     "chooses among patterns",
            Matching  = "matching"  Word     "narrows a text type by a regex",
            Any       = "any"       Word     "at least one element, when `(` follows",
            All       = "all"       Word     "every element, when `(` follows",
            Only      = "only"      Word     "at least one element, and every one, when `(` follows",
            No        = "no"        Word     "no element, when `(` follows",
            Count     = "count"     Word     "how many elements, when `(` follows",
            Sum       = "sum"       Word     "the sum over the elements, when `(` follows",
            Per       = "per"       Word     "in how much time: `100 per 1s`",
            True      = "true"      Word     "the truth",
            False     = "false"     Word     "its opposite",
            None      = "none"      Word     "the missing value",

            ParenOpen    = "("   Bracket  "opens arguments, parameters or a grouped expression",
            ParenClose   = ")"   Bracket  "closes `(`",
            SquareOpen   = "["   Bracket  "opens a list or an index",
            SquareClose  = "]"   Bracket  "closes `[`",
            BraceOpen    = "{"   Bracket  "opens a block, a set or a map",
            BraceClose   = "}"   Bracket  "closes `{`",
            Comma        = ","   Sign     "stands between elements",
            Colon        = ":"   Sign     "stands between a name and its type or value",
            Dot          = "."   Sign     "takes a field",
            DotDot       = ".."  Sign     "a range with both ends",
            DotDotLess   = "..<" Sign     "a range without its right end",
            Arrow        = "->"  Sign     "stands before the type of the value",
            FatArrow     = "=>"  Sign     "stands between a pattern and its value",
            Equals       = "="   Sign     "stands between a name and its value",
            Bar          = "|"   Sign     "stands before a cell of a table",
            Underscore   = "_"   Sign     "the pattern that everything matches",
            Question     = "?"   Sign     "makes a type optional",
            Answer       = "??"  Operator "says what holds when the value is missing",
            EqualEqual   = "=="  Operator "equal",
            NotEqual     = "!="  Operator "not equal",
            Less         = "<"   Operator "less",
            LessEqual    = "<="  Operator "less or equal",
            Greater      = ">"   Operator "greater",
            GreaterEqual = ">="  Operator "greater or equal",
            Plus         = "+"   Operator "sum",
            Minus        = "-"   Operator "difference; negation",
            Star         = "*"   Operator "product",
            Slash        = "/"   Operator "quotient",
            PlusBar      = "+|"  Operator "sum, saturating at the bounds of the type",
            MinusBar     = "-|"  Operator "difference, saturating",
            StarBar      = "*|"  Operator "product, saturating",
        }
    };
}

/// What a token is good for; a highlighter colours by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenClass {
    /// Starts an item.
    Item,
    /// Starts a part of a rule set, a pipeline, a test or a proof.
    Rule,
    /// Another keyword.
    Word,
    /// An operator, in letters or in signs.
    Operator,
    /// Opens or closes.
    Bracket,
    /// Punctuation.
    Sign,
    /// A name.
    Name,
    /// A literal.
    Literal,
    /// What cannot be a token.
    Bad,
}

macro_rules! define_kinds {
    ($($kind:ident = $spelling:tt $class:ident $doc:tt,)*) => {
        /// The kinds of tokens. The kinds behind [`TokenKind::Comment`] are not told apart by
        /// their spelling but by what stands around them.
        #[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[logos(skip r"[ \t\r\n\u{0C}]+")]
        pub enum TokenKind {
            $(#[doc = $doc] #[token($spelling)] $kind,)*

            /// A name.
            #[regex(r"[A-Za-z_][A-Za-z0-9_]*", priority = 1)]
            Name,
            /// A whole number: `1_000`, `0x1f`.
            #[regex(r"[0-9][0-9_]*", priority = 10)]
            #[regex(r"0x[0-9A-Fa-f_]+", priority = 20)]
            Int,
            /// A number with a point.
            #[regex(r"[0-9][0-9_]*\.[0-9][0-9_]*", priority = 10)]
            Float,
            /// A number with `%`.
            #[regex(r"[0-9][0-9_]*(\.[0-9][0-9_]*)?%")]
            Percent,
            /// A number with letters: a duration, a size, or neither.
            #[regex(r"[0-9][0-9_]*(\.[0-9][0-9_]*)?[A-Za-z][A-Za-z0-9_]*", priority = 5)]
            Quantity,
            /// A text, closed or not.
            #[regex(r#""([^"\\\n]|\\[^\n])*("|\\)?"#)]
            Text,
            /// A tagged text, closed or not.
            #[regex(r#"[A-Za-z_][A-Za-z0-9_]*"([^"\\\n]|\\[^\n])*("|\\)?"#)]
            Tagged,
            /// `&&`, which is written `and`.
            #[token("&&")]
            AmpAmp,
            /// `||`, which is written `or`.
            #[token("||")]
            BarBar,
            /// `!`, which is written `not`.
            #[token("!")]
            Bang,
            /// `;`, which ends nothing here.
            #[token(";")]
            Semicolon,
            /// `//`, which is written `#`.
            #[regex(r"//[^\n]*", allow_greedy = true)]
            SlashSlash,
            /// A text in single quotes.
            #[regex(r"'[^'\n]*'")]
            SingleQuoted,
            /// Letters of other scripts.
            #[regex(r"([A-Za-z_][A-Za-z0-9_]*)?[^\x00-\x7F][^\x00-\x40\x5B-\x5E\x60\x7B-\x7F]*")]
            Foreign,
            /// From `#` to the end of the line.
            #[regex(r"#[^\n]*", allow_greedy = true)]
            Comment,

            /// A name right before `:`.
            Label,
            /// A number and a currency.
            Money,
            /// `{` around rules, rows, stages, steps, fields or settings.
            BlockOpen,
            /// The `}` that belongs to it.
            BlockClose,
            /// `|` before the first cell of a row.
            RowBar,
            /// Something already reported, that fits nowhere.
            Bad,
        }

        /// Every fixed spelling with its kind, class and purpose, in the order of the table.
        pub const FIXED: &[(TokenKind, &str, TokenClass, &str)] =
            &[$((TokenKind::$kind, $spelling, TokenClass::$class, $doc),)*];

        impl TokenKind {
            /// The fixed spelling, if there is one.
            #[must_use]
            pub fn spelling(self) -> Option<&'static str> {
                match self {
                    $(TokenKind::$kind => Some($spelling),)*
                    TokenKind::BlockOpen => Some("{"),
                    TokenKind::BlockClose => Some("}"),
                    TokenKind::RowBar => Some("|"),
                    _ => None,
                }
            }

            /// What it is good for.
            #[must_use]
            pub fn class(self) -> TokenClass {
                match self {
                    $(TokenKind::$kind => TokenClass::$class,)*
                    TokenKind::BlockOpen | TokenKind::BlockClose => TokenClass::Bracket,
                    TokenKind::RowBar => TokenClass::Sign,
                    TokenKind::Name | TokenKind::Label => TokenClass::Name,
                    TokenKind::Int
                    | TokenKind::Float
                    | TokenKind::Percent
                    | TokenKind::Quantity
                    | TokenKind::Money
                    | TokenKind::Text
                    | TokenKind::Tagged => TokenClass::Literal,
                    _ => TokenClass::Bad,
                }
            }
        }
    };
}

for_each_token!(define_kinds);

/// A token and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Which kind.
    pub kind: TokenKind,
    /// The first byte.
    pub start: u32,
    /// One past the last byte; equal to `start` for a bracket that was missing and has been put in.
    pub end: u32,
}

impl Token {
    /// The bytes as a span of `file`.
    #[must_use]
    pub fn span(self, file: FileId) -> Span {
        Span::new(file, self.start, self.end)
    }
}

impl TokenKind {
    /// The terminal that stands for it in the grammar and in LALRPOP's expected sets.
    #[must_use]
    pub fn terminal(self) -> &'static str {
        match self {
            TokenKind::Name => "name",
            TokenKind::Label => "label",
            TokenKind::Int => "int",
            TokenKind::Float => "float",
            TokenKind::Percent => "percent",
            TokenKind::Quantity => "quantity",
            TokenKind::Money => "money",
            TokenKind::Text => "text",
            TokenKind::Tagged => "tagged",
            TokenKind::BlockOpen => "block {",
            TokenKind::BlockClose => "block }",
            TokenKind::RowBar => "row |",
            _ => self.spelling().unwrap_or("bad"),
        }
    }

    /// Whether it is a word of the language.
    #[must_use]
    pub fn is_keyword(self) -> bool {
        let first = self.spelling().map(|text| text.as_bytes()[0]);
        first.is_some_and(|byte| byte.is_ascii_alphabetic())
    }
}

/// All words of the language, in the order of the table.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    FIXED
        .iter()
        .filter(|(kind, ..)| kind.is_keyword())
        .map(|&(_, spelling, ..)| spelling)
}

/// The candidate nearest to a misspelt word: at most a third of its letters, and never more than two,
/// are wrong, missing, too many, or swapped with their neighbour.
///
/// ```
/// use tollgate_grammar::token::{keywords, nearest};
/// assert_eq!(nearest("rulee", keywords()), Some("rule"));
/// assert_eq!(nearest("wehn", keywords()), Some("when"));
/// assert_eq!(nearest("tenant", keywords()), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Types are written with a capital; nobody means a keyword by one.
    let is_type = word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.bytes().any(|b| b.is_ascii_lowercase());
    if word.len() > 40 {
        return None;
    }
    let most = (word.len() / 3).clamp(1, 2);
    candidates
        .into_iter()
        .filter(|candidate| {
            let same = candidate.eq_ignore_ascii_case(word);
            // Two letters are near too many words.
            same || (!is_type
                && candidate.len() > 2
                && candidate.len().abs_diff(word.len()) <= most)
        })
        .map(|candidate| (distance(word.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|&(distance, _)| distance <= most)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance: Levenshtein's, with a swap of neighbours as one step.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = usize::from(!a[i - 1].eq_ignore_ascii_case(&b[j - 1]));
            let mut cost = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + changed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(before_last[j - 2] + 1);
            }
            row.push(cost);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_grammar_knows_the_tokens_of_the_table() {
        let grammar = include_str!("tollgate.lalrpop");
        let (_, block) = grammar
            .split_once("enum TokenKind {")
            .expect("an extern block");
        let block = &block[..block.find("\n    }\n").expect("its end")];
        let mut declared = BTreeSet::new();
        for line in block.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (terminal, kind) = line.split_once(" => TokenKind::").expect(line);
            declared.insert((
                terminal.trim_matches('"').to_owned(),
                kind.trim_end_matches(',').to_owned(),
            ));
        }
        let shapes = [
            TokenKind::Name,
            TokenKind::Label,
            TokenKind::Int,
            TokenKind::Float,
            TokenKind::Percent,
            TokenKind::Quantity,
            TokenKind::Money,
            TokenKind::Text,
            TokenKind::Tagged,
            TokenKind::BlockOpen,
            TokenKind::BlockClose,
            TokenKind::RowBar,
            TokenKind::Bad,
        ];
        let table: BTreeSet<_> = FIXED
            .iter()
            .map(|&(kind, ..)| kind)
            .chain(shapes)
            .map(|kind| (kind.terminal().to_owned(), format!("{kind:?}")))
            .collect();
        assert_eq!(declared, table);
    }

    #[test]
    fn a_word_is_near_a_keyword_or_not() {
        let check =
            |word, expect: Option<&str>| assert_eq!(nearest(word, keywords()), expect, "{word}");
        check("rulee", Some("rule"));
        check("rul", Some("rule"));
        check("wehn", Some("when"));
        check("Rule", Some("rule"));
        check("rulset", Some("ruleset"));
        check("pipline", Some("pipeline"));
        check("othrwise", Some("otherwise"));
        check("int", None);
        check("Int", None);
        check("Test", Some("test"));
        check("Rate", None);
        check("x", None);
        check(&"rule".repeat(20), None);
    }
}
