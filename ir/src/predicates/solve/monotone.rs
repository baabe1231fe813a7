//! Tests of a number that is computed from one number of the input, made tests of that number.
//!
//! A sum, a product or a quotient with a constant grows or falls with its operand, as long as nothing leaves 64 bits; so
//! does a chain of them, and the numbers that it takes into a range are a range, whose ends are found by halving. What the
//! boundary lets in says how far the operand goes; without a bound that keeps the chain within 64 bits nothing is rewritten.

use rustc_hash::FxHashMap;
use tollgate_runtime::Value;
use tollgate_runtime::index::{Atom, Formula, Test};
use tollgate_runtime::schema::PERCENT_ONE;

use super::domain::{Domain, Kind};
use super::place::{Ask, Input};
use crate::instructions::Inst;
use crate::predicates::formula::normal;
use crate::predicates::{Feature, Predicates, TermId};
use crate::semantics;

/// Longest chain of operations.
const MOST_STEPS: usize = 8;

/// One operation with a constant.
#[derive(Clone, Copy, Debug)]
enum Step {
    Add(i64),
    /// The constant less the operand.
    From(i64),
    Mul(i64),
    Div(i64),
    Percent(i64),
    Most(i64),
    Least(i64),
}

/// What a feature is computed from, and how.
struct Chain {
    /// The feature of the operand.
    of: u32,
    /// From the operand outwards.
    steps: Vec<Step>,
    /// The least and the greatest word that the operand has.
    ends: (i64, i64),
}

/// The same conditions over the numbers that the computed ones are made of; `None` where nothing is to be rewritten.
/// Features keep their numbers; new ones stand behind them.
pub(super) fn rewritten(input: &Input<'_>, predicates: &Predicates) -> Option<Predicates> {
    let mut features = predicates.features.clone();
    let mut at: FxHashMap<TermId, u32> = super::features::features(input, predicates);
    let mut chains: FxHashMap<u32, Chain> = FxHashMap::default();
    for (index, feature) in predicates.features.iter().enumerate() {
        let Some((operand, steps)) = steps(input, feature.term) else {
            continue;
        };
        let Some(ends) = ends(input, operand) else {
            continue;
        };
        let within = |end: i64| steps.iter().try_fold(end, |v, step| step.apply(v));
        if within(ends.0).is_none() || within(ends.1).is_none() {
            continue;
        }
        let operand = input.terms.strip(operand);
        let of = *at.entry(operand).or_insert_with(|| {
            features.push(Feature {
                term: operand,
                ty: input.terms.ty(operand),
                source: input.terms.source(operand),
                cost: 0,
            });
            features.len() as u32 - 1
        });
        chains.insert(index as u32, Chain { of, steps, ends });
    }
    // A feature that is tested in another way stays what it is.
    for formula in predicates.rules.iter().chain(&predicates.groups) {
        formula.atoms(&mut |atom| {
            if !matches!(atom.test, Test::Ints(_)) {
                chains.remove(&atom.feature);
            }
        });
    }
    if chains.is_empty() {
        return None;
    }
    let over = |formulas: &[Formula]| formulas.iter().map(|f| rewrite(f, &chains)).collect();
    Some(Predicates {
        terms: predicates.terms.clone(),
        rules: over(&predicates.rules),
        groups: over(&predicates.groups),
        features,
    })
}

/// Formulas nest at most [`DEPTH_MAX`](crate::predicates::DEPTH_MAX) deep, so the recursion ends.
fn rewrite(formula: &Formula, chains: &FxHashMap<u32, Chain>) -> Formula {
    let parts = |of: &[Formula]| of.iter().map(|f| rewrite(f, chains)).collect();
    match formula {
        Formula::All(of) => Formula::All(parts(of)),
        Formula::Any(of) => Formula::Any(parts(of)),
        Formula::Atom(atom) => match (chains.get(&atom.feature), &atom.test) {
            (Some(chain), Test::Ints(ranges)) => {
                let ranges = ranges.iter().filter_map(|r| chain.before(*r)).collect();
                Formula::Atom(Atom {
                    feature: chain.of,
                    want: atom.want,
                    test: Test::Ints(normal(ranges).into()),
                })
            }
            _ => Formula::Atom(atom.clone()),
        },
    }
}

/// The number that a term is computed from by operations with constants, and these.
fn steps(input: &Input<'_>, term: TermId) -> Option<(TermId, Vec<Step>)> {
    let mut steps = Vec::new();
    let mut at = term;
    let int = |term: TermId| match input.terms.value(input.module, term)?.as_ref() {
        Value::Int(v) => Some(*v),
        _ => None,
    };
    while let Some(inst) = input.terms.inst(at) {
        let (operand, step) = match *inst {
            Inst::Iadd { a, b } => one(a, b, &int, Step::Add),
            Inst::Imul { a, b } => one(a, b, &int, Step::Mul),
            Inst::Pmul { a, b } => one(a, b, &int, Step::Percent),
            Inst::Imin { a, b } => one(a, b, &int, Step::Most),
            Inst::Imax { a, b } => one(a, b, &int, Step::Least),
            Inst::Ineg { a } => Some((a, Step::From(0))),
            Inst::Isub { a, b } => match (int(a), int(b)) {
                (_, Some(by)) => Some((a, Step::Add(by.checked_neg()?))),
                (Some(from), None) => Some((b, Step::From(from))),
                (None, None) => None,
            },
            Inst::Idiv { a, b } => int(b).filter(|b| *b != 0).map(|by| (a, Step::Div(by))),
            _ => None,
        }
        .filter(|_| steps.len() < MOST_STEPS)
        .unzip();
        let (Some(operand), Some(step)) = (operand, step) else {
            break;
        };
        steps.push(step);
        at = operand;
    }
    steps.reverse();
    (!steps.is_empty()).then_some((at, steps))
}

/// An operation with a constant on either side.
fn one(
    a: TermId,
    b: TermId,
    int: &dyn Fn(TermId) -> Option<i64>,
    step: fn(i64) -> Step,
) -> Option<(TermId, Step)> {
    match (int(a), int(b)) {
        (_, Some(by)) => Some((a, step(by))),
        (Some(by), None) => Some((b, step(by))),
        (None, None) => None,
    }
}

/// The words that a number of the input has. Where it may not be there at all its word reads as zero.
fn ends(input: &Input<'_>, term: TermId) -> Option<(i64, i64)> {
    input
        .place(term, &|_| Some(Value::None))
        .filter(|p| p.exact)?;
    let Domain {
        optional,
        kind: Kind::Int(lo, hi),
    } = input.domain(term)
    else {
        return None;
    };
    let guarded = !input.guards(term, &|_: &Ask| Some(0)).is_empty();
    match optional || guarded {
        true => Some((lo.min(0), hi.max(0))),
        false => Some((lo, hi)),
    }
}

impl Step {
    /// The result, if nothing leaves 64 bits.
    fn apply(self, v: i64) -> Option<i64> {
        match self {
            Step::Add(by) => v.checked_add(by),
            Step::From(from) => from.checked_sub(v),
            Step::Mul(by) => v.checked_mul(by),
            Step::Div(by) => v.checked_div(by),
            Step::Percent(by) => {
                let exact = i128::from(v) * i128::from(by) / i128::from(PERCENT_ONE);
                let fits = exact.abs() < i128::from(i64::MAX);
                fits.then(|| semantics::pmul(v, by))
            }
            Step::Most(most) => Some(v.min(most)),
            Step::Least(least) => Some(v.max(least)),
        }
    }

    fn falls(self) -> bool {
        match self {
            Step::From(_) => true,
            Step::Mul(by) | Step::Div(by) | Step::Percent(by) => by < 0,
            Step::Add(_) | Step::Most(_) | Step::Least(_) => false,
        }
    }
}

impl Chain {
    /// The operands whose result lies in a range.
    fn before(&self, (lo, hi): (i64, i64)) -> Option<(i64, i64)> {
        let falls = self.steps.iter().filter(|s| s.falls()).count() % 2 == 1;
        // Turned over, a chain that falls grows.
        let result = |v: i64| {
            let all = self.steps.iter().try_fold(v, |v, step| step.apply(v));
            let result = i128::from(all.unwrap_or_else(|| crate::bug!("the ends stay in 64 bits")));
            if falls { -result } else { result }
        };
        let (lo, hi) = match falls {
            true => (-i128::from(hi), -i128::from(lo)),
            false => (i128::from(lo), i128::from(hi)),
        };
        let first = self.first(&|v| result(v) >= lo)?;
        let last = match self.first(&|v| result(v) > hi) {
            Some(beyond) => beyond.checked_sub(1)?,
            None => self.ends.1,
        };
        (first <= last).then_some((first, last))
    }

    /// The least operand of which something holds that, once it holds, holds of every greater one.
    fn first(&self, holds: &dyn Fn(i64) -> bool) -> Option<i64> {
        let (mut lo, mut hi) = self.ends;
        if !holds(hi) {
            return None;
        }
        while lo < hi {
            let middle = (i128::from(lo) + i128::from(hi)).div_euclid(2) as i64;
            match holds(middle) {
                true => hi = middle,
                false => lo = middle + 1,
            }
        }
        Some(lo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every chain against trying every operand.
    #[test]
    fn the_operands_of_a_range_are_those_whose_result_lies_in_it() {
        let steps = [
            Step::Add(3),
            Step::From(5),
            Step::Mul(-3),
            Step::Mul(7),
            Step::Mul(0),
            Step::Div(4),
            Step::Div(-2),
            Step::Percent(PERCENT_ONE / 8),
            Step::Percent(-PERCENT_ONE * 3),
            Step::Most(6),
            Step::Least(-4),
        ];
        let ends = (-20, 25);
        for a in steps {
            for b in steps {
                let chain = Chain {
                    of: 0,
                    steps: vec![a, b],
                    ends,
                };
                for lo in -40..40 {
                    for hi in [lo, lo + 1, lo + 9] {
                        let within = |v: &i64| {
                            let result = a.apply(*v).and_then(|v| b.apply(v)).unwrap();
                            (lo..=hi).contains(&result)
                        };
                        let all: Vec<i64> = (ends.0..=ends.1).filter(within).collect();
                        let tried = all.first().copied().zip(all.last().copied());
                        assert_eq!(chain.before((lo, hi)), tried, "{a:?} {b:?} {lo} {hi}");
                    }
                }
            }
        }
    }
}
