//! What can go wrong for a host: its files, its rules, its records.

use std::fmt;
use std::path::Path;

use tollgate_runtime::json;

#[cfg(feature = "compiler")]
use crate::report::Report;

/// Why something was not done. One sentence by `Display`; details by its methods.
#[derive(Debug)]
pub struct Error {
    /// Behind a pointer, so that a result is no larger for what it does not hold.
    kind: Box<Kind>,
}

#[derive(Debug)]
enum Kind {
    /// The rules do not compile.
    #[cfg(feature = "compiler")]
    Rules(Report),
    /// A record or data violates the schema.
    Refused(Refusal),
    /// Anything else: a sentence.
    Other(String),
}

/// A record that violates its schema: which field, what stood there, and the rule it breaks.
#[derive(Debug)]
pub struct Refusal(json::Refusal);

impl Error {
    /// An error of the host's own, in what it is asked for: to bind, or to make stores.
    ///
    /// ```
    /// use tollgate::{Engine, Error, Live};
    /// let program = Engine::new().compile_source("x.rules", "ruleset a(n: Int) -> Int hit first { otherwise n }")?;
    /// let refused = Live::<()>::new(program, |_| Err(Error::other("no such tenant"))).unwrap_err();
    /// assert_eq!(refused.to_string(), "no such tenant");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn other(sentence: impl Into<String>) -> Error {
        Error::of(Kind::Other(sentence.into()))
    }

    pub(crate) fn file(path: &Path, reason: impl fmt::Display) -> Error {
        Error::other(format!("cannot read {}: {reason}", path.display()))
    }

    pub(crate) fn refused(refusal: json::Refusal) -> Error {
        Error::of(Kind::Refused(Refusal(refusal)))
    }

    fn of(kind: Kind) -> Error {
        Error {
            kind: Box::new(kind),
        }
    }

    /// The refusal of an error that has one; else the error.
    pub(crate) fn into_refusal(self) -> Result<Refusal, Error> {
        match *self.kind {
            Kind::Refused(refusal) => Ok(refusal),
            kind => Err(Error::of(kind)),
        }
    }

    /// What is wrong with the record, when it was refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        if let Kind::Refused(refusal) = &*self.kind {
            Some(refusal)
        } else {
            None
        }
    }
}

#[cfg(feature = "compiler")]
impl Error {
    pub(crate) fn rules(report: Report) -> Error {
        Error::of(Kind::Rules(report))
    }

    /// What the compiler said, when the rules do not compile.
    pub fn report(&self) -> Option<&Report> {
        if let Kind::Rules(report) = &*self.kind {
            Some(report)
        } else {
            None
        }
    }

    /// The report of an error that has one.
    pub(crate) fn into_report(self) -> Report {
        match *self.kind {
            Kind::Rules(report) => report,
            // Lowering reports nothing else.
            Kind::Refused(_) | Kind::Other(_) => Report::default(),
        }
    }
}

impl Refusal {
    /// The field: `client.ip`, `headers["x-role"][0]`; empty for the record as a whole.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// What stood there, as JSON, cut short; empty where nothing stood.
    pub fn value(&self) -> &str {
        &self.0.value
    }

    /// The rule it breaks.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            #[cfg(feature = "compiler")]
            Kind::Rules(report) => match report.errors() {
                1 => write!(f, "the rules have an error:\n{}", report.render(false)),
                n => write!(f, "the rules have {n} errors:\n{}", report.render(false)),
            },
            Kind::Refused(refusal) => refusal.0.fmt(f),
            Kind::Other(sentence) => f.write_str(sentence),
        }
    }
}

impl std::error::Error for Error {}
