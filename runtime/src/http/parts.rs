//! Parts of a request that are taken apart only where a rule reads them: facts for hosts that have the rest as it stands.

use super::{Refusal, cookie_pairs, query_pairs, sort};
use crate::typed::{Entering, Fact, Fit, Shape};
use crate::word::Word;

/// The query of a target, without its `?`, as a fact: parameters by name, each with its values, decoded. Costs its length.
///
/// ```
/// use tollgate_runtime::http::Query;
/// use tollgate_runtime::schema::{Schema, Type};
/// use tollgate_runtime::typed::{Entering, Fact, Fit};
/// use tollgate_runtime::Arena;
/// let mut schema = Schema::default();
/// let text = schema.add(Type::Str { max: 100, matching: None });
/// let values = schema.add(Type::List { of: text, max: 4 });
/// let map = schema.add(Type::Map { key: text, value: values, max: 2 });
/// let fit = Fit::new(&schema, map, &<Query as Fact>::SHAPE, None).unwrap();
/// let arena = Arena::new();
/// let to = Entering { schema: &schema, arena: &arena };
/// let word = Query("b=1&a=%20&b=2").word(&fit, &to).unwrap();
/// assert_eq!((word.at(0).str(), word.at(1).at(0).str()), ("a", " "));
/// assert_eq!((word.at(2).str(), word.at(3).at(1).str()), ("b", "2"));
/// let refused = Query("a&b&c").word(&fit, &to).unwrap_err();
/// assert_eq!(refused.reason, "at most 2 elements are allowed");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Query<'r>(pub &'r str);

/// The `Cookie` lines of a request, as a fact: cookies by name. Of two with one name the first counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cookies<'r>(pub &'r [&'r str]);

impl Cookies<'_> {
    /// The word of lines wherever they lie: for hosts that do not have them side by side.
    ///
    /// # Errors
    /// When there are too many cookies, or one breaks a rule of its type.
    pub fn word_of<'a>(
        lines: impl Iterator<Item = &'a str>,
        fit: &Fit,
        to: &Entering<'a>,
    ) -> Result<Word<'a>, Box<Refusal>> {
        let pairs = cookie_pairs(lines, to.arena);
        sort(pairs);
        let by_name = || pairs.chunk_by(|a, b| a.0 == b.0);
        let mut groups = by_name();
        fit.map(by_name().count(), to, |fit| {
            let (name, value) = groups.next()?[0];
            Some((name, fit.text(value, to)))
        })
    }
}

impl Fact for Query<'_> {
    const SHAPE: Shape = Shape::Map(&Shape::Seq(&Shape::Text));

    fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        let pairs = query_pairs(self.0, to.arena).map_err(Box::new)?;
        sort(pairs);
        let by_name = || pairs.chunk_by(|a, b| a.0 == b.0);
        let mut groups = by_name();
        fit.map(by_name().count(), to, |fit| {
            let group = groups.next()?;
            let values = fit.seq(group.len(), to, |i, fit| fit.text(group[i].1, to));
            Some((group[0].0, values))
        })
    }
}

impl Fact for Cookies<'_> {
    const SHAPE: Shape = Shape::Map(&Shape::Text);

    fn word<'a>(&'a self, fit: &Fit, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        Cookies::word_of(self.0.iter().copied(), fit, to)
    }
}
