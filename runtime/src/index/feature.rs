//! Features: what the atoms of a rule set are about, and how one is read.

use crate::cx::Cx;
use crate::word::Word;

/// Where a path of fields begins.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Base {
    /// A parameter of the rule set, by number.
    Param(u32),
    /// Data of the host, by number.
    Data(u32),
    /// The decision's id.
    Id,
    /// The decision's time.
    Time,
}

impl Base {
    /// The word of a base in a decision about these arguments; absent where there is none.
    ///
    /// ```
    /// use tollgate_runtime::index::Base;
    /// use tollgate_runtime::{Arena, Cx, Word};
    /// let arena = Arena::new();
    /// let cx = Cx::new(&arena, "decision-1", 7);
    /// let args = [Word::Str("a")];
    /// assert_eq!(Base::Param(0).read(&args, &cx), Word::Str("a"));
    /// assert_eq!(Base::Time.read(&args, &cx), Word::Int(7));
    /// assert!(Base::Data(0).read(&args, &cx).is_none());
    /// ```
    #[inline]
    pub fn read<'a>(self, args: &[Word<'a>], cx: &Cx<'a>) -> Word<'a> {
        let at = |words: &[Word<'a>], n: u32| *words.get(n as usize).unwrap_or(&Word::None);
        match self {
            Base::Param(n) => at(args, n),
            Base::Data(n) => at(cx.data, n),
            Base::Id => Word::Str(cx.id),
            Base::Time => Word::Int(cx.time),
        }
    }
}

/// How a feature is read.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Feature {
    /// In place: from a base through elements of records and variants (an optional's word is that of what it holds).
    Path {
        /// Where it begins.
        base: Base,
        /// Element numbers, as [`Word::at`] takes them.
        steps: Box<[u32]>,
        /// Whether the feature is the number of the variant found there.
        tag: bool,
    },
    /// By a function of the rule set's parameters, by number.
    Computed(u32),
}

/// What reads features: an engine, in the middle of a decision.
pub trait Facts<'a> {
    /// The word where paths begin.
    fn base(&mut self, base: Base) -> Word<'a>;

    /// The answer of a function of the rule set's parameters.
    fn computed(&mut self, function: u32) -> Word<'a>;

    /// A search looks at a node, whose number [`Index::number`](super::Index::number) tells. Who does not count nodes has nothing
    /// to do, and what a search is compiled to has nothing of it either.
    #[inline(always)]
    fn comes_to(&mut self, _place: u32) {}
}

/// A feature as a search reads it: the commonest are told apart once.
#[derive(Clone, Debug)]
pub(super) enum Read {
    /// A field of a parameter.
    Field(u32, u32),
    /// The number of the variant of a field of a parameter.
    Tag(u32, u32),
    /// Any other.
    Other(Feature),
}

impl Read {
    pub(super) fn new(feature: &Feature) -> Read {
        match feature {
            Feature::Path {
                base: Base::Param(param),
                steps,
                tag,
            } => match (&steps[..], tag) {
                ([step], false) => Read::Field(*param, *step),
                ([step], true) => Read::Tag(*param, *step),
                _ => Read::Other(feature.clone()),
            },
            _ => Read::Other(feature.clone()),
        }
    }

    /// The function that computes it, if one does.
    pub(super) fn function(&self) -> Option<u32> {
        match self {
            Read::Other(Feature::Computed(function)) => Some(*function),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn read<'a>(&self, facts: &mut impl Facts<'a>) -> Word<'a> {
        match self {
            Read::Field(param, step) => facts.base(Base::Param(*param)).at(*step as usize),
            Read::Tag(param, step) => {
                let word = facts.base(Base::Param(*param)).at(*step as usize);
                Word::Int(word.tag().into())
            }
            Read::Other(feature) => feature.read(facts),
        }
    }
}

impl Feature {
    /// Its word. Costs a load a step, or the function.
    pub(super) fn read<'a>(&self, facts: &mut impl Facts<'a>) -> Word<'a> {
        match self {
            Feature::Path { base, steps, tag } => {
                let mut word = facts.base(*base);
                for step in steps {
                    word = word.at(*step as usize);
                }
                match tag {
                    true => Word::Int(word.tag().into()),
                    false => word,
                }
            }
            Feature::Computed(function) => facts.computed(*function),
        }
    }
}
