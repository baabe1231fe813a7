//! What is typed at a prompt: items, a rule, a binding or an expression, and whether it is complete.
//!
//! A file has no expressions at its outermost level, and the grammar has one way in. So an expression is read as the value of
//! a constant without a name, whose tokens take no room: every place in the tree and in messages is one of the text.

use crate::ast::{Expr, ItemKind, Name};
use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::source::FileId;
use crate::token::{Token, TokenClass, TokenKind};
use crate::{Limits, parse_within, read_as, tokens};

/// What kind of thing a text is, by its first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Blanks and comments.
    Nothing,
    /// Declarations.
    Items,
    /// Rules, or `otherwise`, which belong into a rule set.
    Rules,
    /// `let name = value`
    Binding,
    /// An expression.
    Expression,
}

/// An expression, and the name it is bound to.
#[derive(Clone, Debug)]
pub struct Value {
    /// `let name =`
    pub name: Option<Name>,
    /// The expression.
    pub value: Expr,
}

/// What kind of thing a text is.
///
/// ```
/// use tollgate_grammar::prompt::{Typed, kind};
/// assert_eq!(kind("fn f() -> Int = 1"), Typed::Items);
/// assert_eq!(kind("rule a then 1"), Typed::Rules);
/// assert_eq!(kind("let x = 1 + 2"), Typed::Binding);
/// assert_eq!(kind("1 + 2"), Typed::Expression);
/// assert_eq!(kind("# only this"), Typed::Nothing);
/// ```
#[must_use]
pub fn kind(text: &str) -> Typed {
    let Some(first) = tokens(FileId(0), text).first().map(|token| token.kind) else {
        return Typed::Nothing;
    };
    match first {
        TokenKind::Rule | TokenKind::Deny | TokenKind::Group | TokenKind::Otherwise => Typed::Rules,
        TokenKind::Let => Typed::Binding,
        kind if kind.class() == TokenClass::Item => Typed::Items,
        _ => Typed::Expression,
    }
}

/// Parses an expression, or a binding of one. `None` when the text is neither, which the mistakes say.
///
/// ```
/// use tollgate_grammar::{FileId, prompt};
/// let (value, errors) = prompt::parse(FileId(0), "let limit = 2 * 3");
/// assert!(errors.is_empty());
/// let value = value.unwrap();
/// assert_eq!(value.name.unwrap().text, "limit");
/// assert_eq!(value.value.span.range(), 12..17);
/// ```
#[must_use]
pub fn parse(file: FileId, text: &str) -> (Option<Value>, Vec<SyntaxError>) {
    let limits = Limits::default();
    let (parse, _) = read_as(file, text, &limits, |tokens| match tokens.first_mut() {
        Some(first) if first.kind == TokenKind::Let => first.kind = TokenKind::Const,
        _ => {
            let (start, end) = (0, 0);
            let unseen = [TokenKind::Const, TokenKind::Name, TokenKind::Equals];
            let unseen = unseen.map(|kind| Token { kind, start, end });
            tokens.splice(0..0, unseen);
        }
    });
    let mut errors = parse.errors;
    let mut items = parse.ast.items.into_iter();
    let value = match items.next().map(|item| item.kind) {
        Some(ItemKind::Const(constant)) => Some(Value {
            name: (!constant.name.text.is_empty()).then(|| constant.name.clone()),
            value: constant.value,
        }),
        _ => None,
    };
    if let Some(second) = items.next()
        && errors.is_empty()
    {
        let what = "a second thing";
        errors.push(SyntaxError::new(
            SyntaxErrorKind::Misplaced { what },
            second.span,
            "one thing at a time: this stands behind an expression",
        ));
    }
    (value, errors)
}

/// Whether what was typed so far is all of it: not where a bracket is open, or where it ends in the middle of something. What has
/// a mistake before its end is complete, so that the mistake is told.
///
/// ```
/// use tollgate_grammar::prompt::is_complete;
/// assert!(is_complete("fn f() -> Int = 1"));
/// assert!(!is_complete("fn f() -> Int ="));
/// assert!(!is_complete("ruleset r(n: Int) -> Int hit first {\n  rule a when n > 1 then 1"));
/// assert!(!is_complete("rule a when n > 1"));
/// assert!(is_complete("1 + + 2"));
/// ```
#[must_use]
pub fn is_complete(text: &str) -> bool {
    let id = FileId(0);
    let typed = kind(text);
    let errors = match typed {
        Typed::Nothing => return true,
        Typed::Items => parse_within(id, text, &Limits::default()).errors,
        Typed::Binding | Typed::Expression => parse(id, text).1,
        Typed::Rules => {
            let opening = "ruleset r() -> Int hit first {\n";
            let text = format!("{opening}{text}\n}}");
            parse_within(id, &text, &Limits::default()).errors
        }
    };
    // What stands behind the last thing typed: the end, or the brace put in behind rules.
    let at_the_end = |error: &SyntaxError| match &error.kind {
        SyntaxErrorKind::Unexpected { found, .. } => match typed {
            Typed::Rules => &**found == "`}`",
            _ => &**found == "the end of the file",
        },
        SyntaxErrorKind::Unclosed { .. } => error
            .related
            .iter()
            .all(|(span, _)| span.start as usize >= text.trim_end().len()),
        _ => false,
    };
    !errors.first().is_some_and(at_the_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_complete_or_not() {
        for text in [
            "1",
            "let x = 1",
            "f(1)",
            "fn f() -> Int = 1",
            "",
            "# c",
            "rule a then 1",
            "a b",
            "]",
            "use std.http.{Request}",
            "rule a when x then f(1)\nrule b then 2",
            "otherwise 3",
            "\"open",
            "enum E { a }",
            "1 fn f() -> Int = 1",
            "1 +) 2",
        ] {
            assert!(is_complete(text), "{text}");
        }
        for text in [
            "1 +",
            "let",
            "let x",
            "let x =",
            "f(",
            "f(1,",
            "fn",
            "fn f(",
            "fn f() -> Int =",
            "[1, 2",
            "rule",
            "rule a",
            "rule a when x",
            "rule a when",
            "group when x {",
            "match x {",
            "enum E {",
            "if a then 1",
            "guard g(n: Int) {",
            "not",
        ] {
            assert!(!is_complete(text), "{text}");
        }
    }

    #[test]
    fn mistakes_in_an_expression_are_where_they_are_typed() {
        let (_, errors) = parse(FileId(0), "1 + * 2");
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].span.range(), 4..5);
        let (value, errors) = parse(FileId(0), "1\nfn f() -> Int = 1");
        assert!(value.is_some());
        assert_eq!(errors[0].span.range(), 2..19);
        assert!(
            parse(FileId(0), "")
                .0
                .is_none_or(|value| value.value.is_error())
        );
    }
}
