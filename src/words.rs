//! The words of a text and what they are good for, to be coloured by.

use std::ops::Range;

use tollgate_grammar::source::FileId;
pub use tollgate_grammar::token::TokenClass;

/// The bytes of each token of a text, and its class. Comments are no tokens. Works on any text, also one with mistakes.
///
/// ```
/// use tollgate::{TokenClass, words};
/// let found: Vec<_> = words("rule a").collect();
/// assert_eq!(found, [(0..4, TokenClass::Rule), (5..6, TokenClass::Name)]);
/// ```
pub fn words(text: &str) -> impl Iterator<Item = (Range<usize>, TokenClass)> {
    let tokens = tollgate_grammar::tokens(FileId(0), text).into_iter();
    tokens.map(|token| (token.start as usize..token.end as usize, token.kind.class()))
}
