//! The tree: what was written, with the place of everything and the meaning of nothing.
//!
//! Every node has a [`Span`]. What could not be parsed and was skipped stands in the tree as an
//! `Error` node ([`ItemKind::Error`], [`RuleItem::Error`], [`ExprKind::Error`], …): it has already
//! been reported, and whoever meets one says nothing more about it.
//!
//! A name is only a name here. Whether `Wallet` is a variant, a constant or a new binding, whether
//! `clamp(…)` is a function or a constructor, and whether clauses stand in a sensible order, is for
//! the checker to say. Numerals are the exception: they are decoded, exactly, and in range.
//!
//! The tree of one expression is at most the nesting limit nodes high
//! ([`Expr::height`]), so that a walk over it may recurse.

use crate::source::Span;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

mod expressions;
mod items;
mod literals;
mod rules;

pub use expressions::*;
pub use items::*;
pub use literals::*;
pub use rules::*;

/// The text of a name. Equal names of one file share their memory; cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(Arc<str>);

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The name.
    pub text: Symbol,
    /// Where it stands.
    pub span: Span,
}

/// A text literal with its escapes decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What it stands for.
    pub value: Box<str>,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// The `##` lines before an item, a rule or a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doc {
    /// The lines without `##` and the blank behind it, joined by `\n`.
    pub text: Box<str>,
    /// From the first `##` to the end of the last line.
    pub span: Span,
}

/// Documentation, if any was written.
pub type Docs = Option<Box<Doc>>;

/// A dotted name: `std.http`. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The names between the dots.
    pub names: Vec<Name>,
    /// All of it.
    pub span: Span,
}

impl Symbol {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Symbol {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Symbol {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Symbol {
    fn from(text: &str) -> Symbol {
        Symbol(text.into())
    }
}

impl From<Arc<str>> for Symbol {
    fn from(text: Arc<str>) -> Symbol {
        Symbol(text)
    }
}

impl PartialEq<str> for Symbol {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Symbol {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            name.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_stay_small() {
        // A file of 100,000 rules has millions of these.
        assert!(size_of::<Literal>() <= 24);
        assert!(size_of::<Expr>() <= 40);
        assert!(size_of::<Pattern>() <= 40);
        assert!(size_of::<Name>() <= 32);
        assert!(size_of::<Clause>() <= 64);
        assert!(size_of::<Arg>() <= 48);
    }

    #[test]
    fn a_decimal_prints_the_places_it_was_written_with() {
        let show = |mantissa, scale| Decimal { mantissa, scale }.to_string();
        assert_eq!(
            [show(400, 2), show(5, 1), show(-5, 3), show(7, 0)],
            ["4.00", "0.5", "-0.005", "7"]
        );
    }
}
