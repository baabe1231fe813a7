//! Indexes in the file format, and what must hold of them.
//!
//! A file has the features and conditions of an index; the tree over them is built when it is loaded, so a hostile file can say nothing
//! about the tree. Patterns are named by their number among the program's.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tollgate_runtime::index::{
    Atom, Base, Decider, Feature, Formula, Index, Outcome, Policy, Test,
};
use tollgate_runtime::{Mark, Pattern, Value};

use crate::decode::{LoadError, Reader};
use crate::encode::Writer;
use crate::program::{Program, RuleIndex};
use crate::verify::Flaw;

/// How deep conditions may nest.
const NESTING_MAX: u32 = 128;
/// Policies, by their numbers in a file.
const POLICIES: [Policy; 6] = [
    Policy::First,
    Policy::Unique,
    Policy::Any,
    Policy::All,
    Policy::Best,
    Policy::Sum,
];

/// The numbers of a program's patterns, by their kinds and texts.
pub(crate) type Patterns<'p> = FxHashMap<(&'static str, &'p str), u32>;

/// Adds to a program's patterns those that only conditions name.
pub(crate) fn name_patterns(patterns: &mut Vec<Pattern>, indexes: &[RuleIndex]) {
    let own = |p: &Pattern| (p.key().0, Box::<str>::from(p.key().1));
    let mut seen: rustc_hash::FxHashSet<_> = patterns.iter().map(own).collect();
    for condition in indexes.iter().flat_map(|index| index.conditions.iter()) {
        condition.atoms(&mut |atom| {
            if let Test::Matches(pattern) = &atom.test
                && seen.insert(own(pattern))
            {
                patterns.push(pattern.clone());
            }
        });
    }
}

impl Writer {
    pub(crate) fn index(&mut self, index: &RuleIndex, patterns: &Patterns<'_>) {
        let decider = &*index.decider;
        self.str(&index.name);
        self.u32(index.params);
        self.all(&index.functions, |out, f| out.u32(*f));
        let policy = POLICIES.iter().position(|p| *p == decider.policy);
        self.u8(policy.unwrap_or(0) as u8);
        self.all(decider.index.features(), Writer::feature);
        self.all(&index.conditions[..], |out, c| out.formula(c, patterns));
        let rules: Vec<(Mark, Vec<Outcome>)> = (0..decider.rules.len())
            .map(|rule| (decider.rules[rule].mark, decider.outcomes(rule).collect()))
            .collect();
        self.all(&rules, |out, (mark, outcomes)| {
            out.u32(mark.0);
            out.all(outcomes, |out, outcome| out.outcome(*outcome));
        });
        self.all(decider.otherwise.as_slice(), |out, (mark, outcome)| {
            out.u32(mark.0);
            out.outcome(*outcome);
        });
        self.all(decider.key.as_slice(), |out, key| out.u32(*key));
        self.all(decider.ranking.as_deref().unwrap_or(&[]), |out, rule| {
            out.u32(*rule)
        });
        self.bool(decider.float);
        self.all(&decider.asks[..], |out, asks| {
            out.all(asks.as_slice(), |out, number| out.u32(*number));
        });
        self.all(decider.finder.as_slice(), |out, finder| out.u32(*finder));
    }

    fn outcome(&mut self, outcome: Outcome) {
        let (kind, number) = match outcome {
            Outcome::Const(n) => (0, n),
            Outcome::Call(n) => (1, n),
        };
        self.u8(kind);
        self.u32(number);
    }

    fn feature(&mut self, feature: &Feature) {
        match feature {
            Feature::Path { base, steps, tag } => {
                let (kind, number) = match base {
                    Base::Param(n) => (0, *n),
                    Base::Data(n) => (1, *n),
                    Base::Id => (2, 0),
                    Base::Time => (3, 0),
                };
                self.u8(kind);
                self.u32(number);
                self.all(&steps[..], |out, step| out.u32(*step));
                self.bool(*tag);
            }
            Feature::Computed(n) => {
                self.u8(4);
                self.u32(*n);
            }
        }
    }

    fn formula(&mut self, formula: &Formula, patterns: &Patterns<'_>) {
        match formula {
            Formula::Atom(Atom {
                feature,
                want,
                test,
            }) => {
                self.u8(u8::from(*want));
                self.u32(*feature);
                self.test(test, patterns);
            }
            Formula::All(of) => {
                self.u8(2);
                self.all(of, |out, f| out.formula(f, patterns));
            }
            Formula::Any(of) => {
                self.u8(3);
                self.all(of, |out, f| out.formula(f, patterns));
            }
        }
    }

    fn test(&mut self, test: &Test, patterns: &Patterns<'_>) {
        match test {
            Test::True => self.u8(0),
            Test::Present => self.u8(1),
            Test::Ints(ranges) => {
                self.u8(2);
                self.all(&ranges[..], |out, (lo, hi)| {
                    out.i64(*lo);
                    out.i64(*hi);
                });
            }
            Test::Texts(texts) => {
                self.u8(3);
                self.all(&texts[..], |out, t| out.str(t));
            }
            Test::Values(values) => {
                self.u8(4);
                let arena = tollgate_runtime::Arena::new();
                self.all(&values[..], |out, v| out.value(v.word(&arena)));
            }
            Test::Prefix(text) => self.kind_and_text(5, text),
            Test::Suffix(text) => self.kind_and_text(6, text),
            Test::Part(text) => self.kind_and_text(7, text),
            Test::Matches(pattern) => {
                self.u8(8);
                self.u32(patterns.get(&pattern.key()).copied().unwrap_or(u32::MAX));
            }
            Test::Nets(nets) => {
                self.u8(9);
                self.all(&nets[..], |out, net| {
                    out.value(tollgate_runtime::Word::Cidr(*net));
                });
            }
        }
    }

    fn kind_and_text(&mut self, kind: u8, text: &str) {
        self.u8(kind);
        self.str(text);
    }
}

impl Reader<'_> {
    pub(crate) fn index(&mut self, patterns: &[Pattern]) -> Result<RuleIndex, LoadError> {
        let (name, params) = (self.str()?.into(), self.u32()?);
        let functions = self.all(Reader::u32)?;
        let at = self.at();
        let policy = POLICIES.get(usize::from(self.u8()?)).copied();
        let policy = policy.ok_or_else(|| LoadError::damaged(at, "no such hit policy"))?;
        let features = self.all(Reader::feature)?;
        let conditions = self.all(|input| input.formula(patterns, NESTING_MAX))?;
        let rules = self.all(|input| {
            let mark = Mark(input.u32()?);
            Ok((mark, input.all(Reader::outcome)?))
        })?;
        let (rules, more) = Decider::rows(rules.into_iter());
        let otherwise = self.all(|input| Ok((Mark(input.u32()?), input.outcome()?)))?;
        let key = self.all(Reader::u32)?;
        let at = self.at();
        let ranking = self.all(Reader::u32)?;
        let ranked: Option<Vec<Formula>> = ranking
            .iter()
            .map(|rule| conditions.get(*rule as usize).cloned())
            .collect();
        let distinct = ranking.iter().collect::<rustc_hash::FxHashSet<_>>().len();
        let ranked = match ranked {
            _ if ranking.is_empty() => None,
            Some(ranked) if distinct == conditions.len() && policy == Policy::Best => Some(ranked),
            _ => return Err(LoadError::damaged(at, "a ranking is not one of the rules")),
        };
        let float = self.bool()?;
        let asks = self.all(|input| Ok(input.all(Reader::u32)?.first().copied()))?;
        let finder = self.all(Reader::u32)?;
        if !asks.is_empty() && (!ranking.is_empty() || !finder.is_empty()) {
            return Err(LoadError::damaged(
                at,
                "rules that ask are neither ranked nor found by a function",
            ));
        }
        let decider = Decider {
            policy,
            index: Arc::new(Index::new(features, ranked.as_ref().unwrap_or(&conditions))),
            ranking: (!ranking.is_empty()).then(|| ranking.into()),
            rules,
            more,
            otherwise: otherwise.first().copied(),
            key: key.first().copied(),
            float,
            asks: asks.into(),
            finder: finder.first().copied(),
        };
        Ok(RuleIndex {
            name,
            params,
            functions,
            conditions: conditions.into(),
            decider: Arc::new(decider),
        })
    }

    fn outcome(&mut self) -> Result<Outcome, LoadError> {
        let at = self.at();
        match self.u8()? {
            0 => Ok(Outcome::Const(self.u32()?)),
            1 => Ok(Outcome::Call(self.u32()?)),
            _ => Err(LoadError::damaged(at, "no such kind of outcome")),
        }
    }

    fn feature(&mut self) -> Result<Feature, LoadError> {
        let at = self.at();
        let (kind, number) = (self.u8()?, self.u32()?);
        let base = match kind {
            0 => Base::Param(number),
            1 => Base::Data(number),
            2 => Base::Id,
            3 => Base::Time,
            4 => return Ok(Feature::Computed(number)),
            _ => return Err(LoadError::damaged(at, "no such kind of feature")),
        };
        let (steps, tag) = (self.all(Reader::u32)?.into(), self.bool()?);
        Ok(Feature::Path { base, steps, tag })
    }

    fn formula(&mut self, patterns: &[Pattern], nesting: u32) -> Result<Formula, LoadError> {
        let at = self.at();
        let Some(inner) = nesting.checked_sub(1) else {
            return Err(LoadError::damaged(at, "a condition nests too deep"));
        };
        let kind = self.u8()?;
        match kind {
            0 | 1 => Ok(Formula::Atom(Atom {
                feature: self.u32()?,
                want: kind == 1,
                test: self.test(patterns)?,
            })),
            2 => Ok(Formula::All(self.all(|i| i.formula(patterns, inner))?)),
            3 => Ok(Formula::Any(self.all(|i| i.formula(patterns, inner))?)),
            _ => Err(LoadError::damaged(at, "no such kind of condition")),
        }
    }

    fn test(&mut self, patterns: &[Pattern]) -> Result<Test, LoadError> {
        let at = self.at();
        let unsorted = || LoadError::damaged(at, "the values of a test are not sorted");
        fn sorted<T: Ord>(of: &[T]) -> bool {
            of.is_sorted_by(|a, b| a < b)
        }
        let test = match self.u8()? {
            0 => Test::True,
            1 => Test::Present,
            2 => {
                let ranges = self.all(|input| Ok((input.i64()?, input.i64()?)))?;
                let apart = ranges.windows(2).all(|w| w[0].1 < w[1].0);
                if !apart || ranges.iter().any(|(lo, hi)| lo > hi) {
                    return Err(unsorted());
                }
                Test::Ints(ranges.into())
            }
            3 => {
                let texts = self.all(|input| Ok(Box::<str>::from(input.str()?)))?;
                if !sorted(&texts) {
                    return Err(unsorted());
                }
                Test::Texts(texts.into())
            }
            4 => {
                let values = self.all(|input| input.value(crate::decode::NESTING_MAX))?;
                if !sorted(&values) {
                    return Err(unsorted());
                }
                Test::Values(values.into())
            }
            5 => Test::Prefix(self.str()?.into()),
            6 => Test::Suffix(self.str()?.into()),
            7 => Test::Part(self.str()?.into()),
            8 => match patterns.get(self.u32()? as usize) {
                Some(pattern) => Test::Matches(pattern.clone()),
                None => return Err(LoadError::damaged(at, "no such pattern")),
            },
            9 => {
                let nets = self.all(|input| match input.value(1)? {
                    Value::Cidr(net) => Ok(net),
                    _ => Err(LoadError::damaged(at, "no network")),
                })?;
                if !sorted(&nets) {
                    return Err(unsorted());
                }
                Test::Nets(nets.into())
            }
            _ => return Err(LoadError::damaged(at, "no such kind of test")),
        };
        Ok(test)
    }
}

/// Whether everything that an index names exists, and what it calls takes as many words as it passes.
pub(crate) fn check(program: &Program, index: &RuleIndex) -> Result<(), Flaw> {
    let decider = &*index.decider;
    let fail = |what: String| Err(Flaw::new(format!("index `{}`: {what}", index.name)));
    let called = |number: u32, args: u32| {
        let func = index.functions.get(number as usize);
        match func.and_then(|f| program.funcs.get(*f as usize)) {
            Some(func) if func.params == args => Ok(()),
            Some(func) => fail(format!(
                "`{}` takes {} words, not {args}",
                func.name, func.params
            )),
            None => fail(format!("no function {number}")),
        }
    };
    for number in 0..index.functions.len() as u32 {
        let args = match decider.key {
            Some(key) if key == number => index.params.saturating_add(1),
            _ => index.params,
        };
        called(number, args)?;
    }
    let given = |outcome: &Outcome, otherwise: bool| match outcome {
        Outcome::Const(n) if (*n as usize) < program.constants().len() => Ok(()),
        Outcome::Const(n) => fail(format!("no constant {n}")),
        // An outcome that is the key as well would be passed a word too few.
        Outcome::Call(n) if !otherwise || Some(*n) != decider.key => called(*n, index.params),
        Outcome::Call(n) => fail(format!("no outcome {n}")),
    };
    decider.given().try_for_each(|o| given(&o, false))?;
    if let Some((_, outcome)) = &decider.otherwise {
        given(outcome, true)?;
    }
    for feature in decider.index.features() {
        if let Feature::Computed(n) = feature {
            called(*n, index.params)?;
        }
    }
    for number in decider.asks.iter().flatten().chain(&decider.finder) {
        called(*number, index.params)?;
    }
    if !decider.asks.is_empty() && decider.asks.len() != decider.rules.len() {
        return fail("what rules ask and rules differ in number".into());
    }
    if let Some(key) = decider.key {
        called(key, index.params.saturating_add(1))?;
    }
    let marks = decider.rules.iter().map(|r| r.mark);
    let marks = marks.chain(decider.otherwise.iter().map(|o| o.0));
    if let Some(mark) = { marks }.find(|m| m.0 as usize >= program.sites.len()) {
        return fail(format!("no site {}", mark.0));
    }
    if decider.rules.len() != index.conditions.len() {
        return fail("conditions and rules differ in number".into());
    }
    Ok(())
}
