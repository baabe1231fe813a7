//! A host's own types as facts and outcomes: matched against the schema once, then read without JSON, names or copies.
//!
//! [`Fact`] is a type whose values can be facts, [`Outcome`] one that a decision's value can become. A type says what it looks like
//! ([`Shape`]); matching that against a type of the rules gives a [`Fit`] or a [`Misfit`] that names the field; from then on a
//! value becomes a word by the fit, field by field, each checked and made canonical as the boundary does for JSON. Text that is canonical
//! as it stands is borrowed.
//!
//! The traits are derived (`#[derive(Facts)]`, `#[derive(Outcome)]`), and implemented here for what the standard library has.

mod fit;
mod impls;
mod outcome;
mod record;
mod wanted;

use std::fmt;

pub use fit::{Entering, Fit};
pub use impls::{Bytes, Document};
pub use outcome::{Outcome, OutcomeFit};
pub use record::FieldWords;

use crate::boundary::Refusal;
use crate::word::Word;

/// What a type of the host looks like from the rules.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// `true` or `false`.
    Bool,
    /// A whole number between these, or a count of units: microseconds, days, minor units, billionths.
    Int(i64, i64),
    /// A float.
    Float,
    /// A text, or what is written as one: a path, a host, the name of a variant.
    Text,
    /// Bytes.
    Bytes,
    /// A document: what the rules want says how it is read.
    Document,
    /// An address.
    Ip,
    /// A length of time.
    Duration,
    /// A point in time.
    Instant,
    /// A value or nothing.
    Opt(&'static Shape),
    /// Any number of values, one after the other: a list, a set, or the values of a header.
    Seq(&'static Shape),
    /// Values by text.
    Map(&'static Shape),
    /// A struct.
    Record(&'static RecordShape),
    /// An enum.
    Enum(&'static EnumShape),
}

/// What a struct, or a variant of an enum, looks like.
#[derive(Clone, Copy, Debug)]
pub struct RecordShape {
    /// Its name in Rust, or that of the variant in the rules.
    pub name: &'static str,
    /// Its fields, by their names in the rules.
    pub fields: &'static [(&'static str, Shape)],
}

/// What an enum looks like.
#[derive(Clone, Copy, Debug)]
pub struct EnumShape {
    /// Its name in Rust.
    pub name: &'static str,
    /// Its variants, by their names in the rules.
    pub variants: &'static [RecordShape],
}

/// A type of the host whose values can be facts. Derived with `#[derive(Facts)]`.
pub trait Fact {
    /// What it looks like.
    const SHAPE: Shape;

    /// The word of a value. The fit is one of this type's shape.
    ///
    /// # Errors
    /// When the value breaks a rule of the type that it was fitted to.
    fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>>;

    /// Writes the word of a value where it is to stand. A word that is handed on as a result is written to memory in other pieces than it
    /// is read in, for which a processor waits longer than for the rest of it: so simple types write theirs.
    ///
    /// # Errors
    /// As [`Fact::word`]; what stands there then means nothing.
    #[inline]
    fn put<'a>(
        &'a self,
        fit: &Fit,
        to: &Entering<'a>,
        word: &mut Word<'a>,
    ) -> Result<(), Box<Refusal>> {
        *word = self.word(fit, to)?;
        Ok(())
    }
}

/// What can be the arguments of an entry: a fact, for its only parameter, or a tuple of facts, one a parameter.
pub trait Args {
    /// What each looks like.
    const SHAPES: &'static [Shape];

    /// The words of the arguments. There is a fit for each.
    ///
    /// # Errors
    /// When one is refused.
    fn words<'a>(&'a self, fits: &[Fit], to: &Entering<'a>)
    -> Result<&'a [Word<'a>], Box<Refusal>>;
}

/// Why a type of the host does not fit a type of the rules.
///
/// ```
/// use tollgate_runtime::schema::{Schema, Type};
/// use tollgate_runtime::typed::{Fact, Fit};
/// let mut schema = Schema::default();
/// let share = schema.add(Type::Percent { lo: 0, hi: 1_000_000_000 });
/// assert!(Fit::new(&schema, share, &<i64 as Fact>::SHAPE, None).is_ok());
/// let misfit = Fit::new(&schema, share, &<bool as Fact>::SHAPE, None).unwrap_err();
/// assert_eq!(misfit.to_string(), "the rules want a percentage here, the host has true or false");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where: `client.ip`; empty for the value as a whole.
    pub path: String,
    /// What does not fit there.
    pub reason: String,
}

impl Misfit {
    pub(crate) fn new(reason: impl Into<String>) -> Misfit {
        Misfit {
            path: String::new(),
            reason: reason.into(),
        }
    }

    /// The same, one step further out.
    pub(crate) fn within(mut self, step: &str) -> Misfit {
        self.path = join(step, &self.path);
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_empty() {
            true => f.write_str(&self.reason),
            false => write!(f, "`{}`: {}", self.path, self.reason),
        }
    }
}

impl std::error::Error for Misfit {}

impl Shape {
    /// What it is, in words.
    pub(crate) fn words(&self) -> String {
        match self {
            Shape::Bool => "true or false".into(),
            Shape::Int(..) => "a whole number".into(),
            Shape::Float => "a float".into(),
            Shape::Text => "a text".into(),
            Shape::Bytes => "bytes".into(),
            Shape::Document => "a document".into(),
            Shape::Ip => "an address".into(),
            Shape::Duration => "a length of time".into(),
            Shape::Instant => "a point in time".into(),
            Shape::Opt(of) => format!("an `Option` of {}", of.words()),
            Shape::Seq(of) => format!("a sequence of {}", of.words()),
            Shape::Map(of) => format!("a map to {}", of.words()),
            Shape::Record(record) => format!("`{}`", record.name),
            Shape::Enum(declared) => format!("`{}`", declared.name),
        }
    }
}

/// A path and what stands in front of it.
fn join(step: &str, path: &str) -> String {
    match path.chars().next() {
        None => step.into(),
        Some('[') => format!("{step}{path}"),
        Some(_) => format!("{step}.{path}"),
    }
}
