//! `unique` and `any`: whether two rules can match the same input.
//!
//! Two rules are apart when some place in the input cannot satisfy both. To compare only rules that have a chance to
//! overlap, they are sorted into buckets by a place on which most of them ask for certain values, or swept in the order of
//! an interval; what is left is compared pair by pair, within a budget.

use std::ops::ControlFlow;

use rustc_hash::FxHashMap;
use tollgate_grammar::source::Span;
use tollgate_runtime::Value;

use super::conjuncts::{self, Conditions, Spot, disjoint, paths_disjoint};
use crate::Limits;
use crate::check::body::coverage;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::catalog::{limits as too_many, rules};
use crate::hir::{Expr, ExprKind, Form, Pattern, Policy, Program, RuleSet};
use crate::types::ty::Ty;

/// Below this many rules every pair is compared.
const FEW: usize = 64;
/// Overlaps reported for one rule set.
const MOST_REPORTED: usize = 20;

/// Reports rules that may match the same input, unless the policy is `any` and they agree.
pub(super) fn check(
    program: &Program,
    set: &RuleSet,
    policy: Span,
    limits: &Limits,
    found: &mut Vec<Diagnostic>,
) {
    let conditions: Vec<Conditions<'_>> = set
        .rules
        .iter()
        .map(|rule| conjuncts::of_rule(set, rule))
        .collect();
    let agree = matches!(set.policy, Policy::Any);
    if agree
        && set
            .rules
            .windows(2)
            .all(|two| same_outcome(set, &two[0].outcomes, &two[1].outcomes))
    {
        return;
    }
    let mut left = limits.pairs;
    let mut reported = vec![false; set.rules.len()];
    let mut count = 0;
    let mut visit = |a: usize, b: usize| {
        if left == 0 {
            return ControlFlow::Break(());
        }
        left -= 1;
        let (a, b) = (a.min(b), a.max(b));
        let (first, second) = (&set.rules[a], &set.rules[b]);
        if reported[b] || apart(&conditions[a], &conditions[b]) {
            return ControlFlow::Continue(());
        }
        if agree && same_outcome(set, &first.outcomes, &second.outcomes) {
            return ControlFlow::Continue(());
        }
        let witness = match set.form {
            Form::Table => match table_overlap(program, set, &conditions[a], &conditions[b]) {
                None => return ControlFlow::Continue(()),
                witness => witness,
            },
            Form::RuleSet | Form::Guard => None,
        };
        reported[b] = true;
        count += 1;
        let diagnostic = if agree {
            rules::rules_disagree(&first.name, &second.name)
        } else {
            rules::overlapping_rules(&first.name, &second.name)
        };
        let diagnostic = diagnostic
            .at(second.span, "may match together with the other one")
            .at(first.span, "the other one");
        found.push(match witness {
            Some(witness) => diagnostic.note(format!("both match {witness}")),
            None => diagnostic
                .note("the proof is conservative so far: it compares what both ask of one parameter or field with `==`, `in`, `is`, `<` and the like, or of a path")
                .help("let both ask one place for different values, or write `hit first`, where the upper one decides"),
        });
        if count == MOST_REPORTED {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    let all: Vec<usize> = (0..conditions.len()).collect();
    let _ = pairs(&conditions, &all, &mut Vec::new(), &mut visit);
    if left == 0 {
        let found_limit = too_many::too_many_pairs(&set.name, set.rules.len());
        found.push(
            found_limit
                .at(policy, "needs every two rules to be compared")
                .note("rules are told apart quickly when most of them ask one place for a certain value, `==` or `in`")
                .help("give the rules a common place that tells them apart, or write `hit first`"),
        );
    }
}

/// Visits every pair of rules that could overlap. `used` are the places that told rules apart already.
fn pairs<'s>(
    conditions: &[Conditions<'s>],
    rules: &[usize],
    used: &mut Vec<Spot>,
    visit: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if rules.len() > FEW
        && let Some(place) = best_place(conditions, rules, used)
    {
        let mut buckets: FxHashMap<Point<'_>, Vec<usize>> = FxHashMap::default();
        let (mut ranges, mut others) = (Vec::new(), Vec::new());
        for &rule in rules {
            let fact = conditions[rule].facts.iter().find(|f| f.spot == place);
            let mut points = Vec::new();
            match fact.map(|f| &*f.pattern) {
                Some(pattern) if points_of(pattern, &mut points) => {
                    for point in points {
                        buckets.entry(point).or_default().push(rule);
                    }
                }
                Some(pattern) => match conjuncts::span(pattern).and_then(|b| b.ints()) {
                    Some((low, high)) => ranges.push((low, high, rule)),
                    None => others.push(rule),
                },
                None => others.push(rule),
            }
        }
        used.push(place);
        // The order of buckets decides which overlap is reported first.
        let mut buckets: Vec<Vec<usize>> = buckets.into_values().collect();
        buckets.sort_unstable();
        for bucket in &buckets {
            pairs(conditions, bucket, used, visit)?;
        }
        used.pop();
        sweep(&mut ranges, visit)?;
        let pointed = buckets.iter().flatten().copied();
        for &(_, _, range) in &ranges {
            for rule in pointed.clone() {
                visit(range, rule)?;
            }
        }
        for (i, &other) in others.iter().enumerate() {
            let known = pointed.clone().chain(ranges.iter().map(|r| r.2));
            for rule in known.chain(others[i + 1..].iter().copied()) {
                visit(other, rule)?;
            }
        }
        return ControlFlow::Continue(());
    }
    for (i, &a) in rules.iter().enumerate() {
        for &b in &rules[i + 1..] {
            visit(a, b)?;
        }
    }
    ControlFlow::Continue(())
}

/// Visits the pairs of ranges that meet, in the order of their ends.
fn sweep(
    ranges: &mut [(i64, i64, usize)],
    visit: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
) -> ControlFlow<()> {
    ranges.sort_unstable();
    let mut open: Vec<(i64, usize)> = Vec::new();
    for &(low, high, rule) in ranges.iter() {
        open.retain(|(end, _)| *end >= low);
        for &(_, other) in &open {
            visit(rule, other)?;
        }
        open.push((high, rule));
    }
    ControlFlow::Continue(())
}

/// The place that tells most rules apart: more than half of them ask it for certain values or a range.
fn best_place(conditions: &[Conditions<'_>], rules: &[usize], used: &[Spot]) -> Option<Spot> {
    let mut counts: FxHashMap<&Spot, (usize, usize)> = FxHashMap::default();
    for &rule in rules {
        for fact in &conditions[rule].facts {
            let telling = points_of(&fact.pattern, &mut Vec::new())
                || conjuncts::span(&fact.pattern)
                    .and_then(|b| b.ints())
                    .is_some();
            if telling && !used.contains(&fact.spot) {
                let count = counts.entry(&fact.spot).or_insert((0, rule));
                count.0 += 1;
            }
        }
    }
    let best = counts
        .into_iter()
        .max_by_key(|(_, (count, first))| (*count, usize::MAX - first))?;
    (best.1.0 * 2 > rules.len()).then(|| best.0.clone())
}

/// A value that a pattern asks for, as far as it tells patterns apart.
#[derive(PartialEq, Eq, Hash)]
enum Point<'p> {
    Value(&'p Value),
    Tag(u32),
    None,
}

/// The points a pattern asks for; `false` when it is not a choice of some.
fn points_of<'p>(pattern: &'p Pattern, points: &mut Vec<Point<'p>>) -> bool {
    match pattern {
        Pattern::Value(Value::Variant(tag, _)) | Pattern::Variant { tag, .. } => {
            points.push(Point::Tag(*tag));
        }
        Pattern::Value(Value::None) | Pattern::None => points.push(Point::None),
        Pattern::Value(value) => points.push(Point::Value(value)),
        Pattern::OneOf(all) => return all.iter().all(|one| points_of(one, points)),
        Pattern::Some(inner) => return points_of(inner, points),
        _ => return false,
    }
    true
}

fn apart(a: &Conditions<'_>, b: &Conditions<'_>) -> bool {
    let facts = a.facts.iter().any(|f| {
        let mut same = b.facts.iter().filter(|g| g.spot == f.spot);
        same.any(|g| disjoint(&f.pattern, &g.pattern))
    });
    facts
        || a.texts.iter().any(|f| {
            let mut same = b.texts.iter().filter(|g| g.spot == f.spot);
            same.any(|g| paths_disjoint(f.path, g.path))
        })
}

/// An input that two rows both match; `None` when there is none.
fn table_overlap(
    program: &Program,
    set: &RuleSet,
    a: &Conditions<'_>,
    b: &Conditions<'_>,
) -> Option<String> {
    let columns: Vec<Ty> = set
        .params
        .iter()
        .map(|p| set.locals[*p].ty.clone())
        .collect();
    let row = |conditions: &Conditions<'_>| -> Vec<Pattern> {
        let of = |local| conditions.facts.iter().find(|f| f.spot.is_local(local));
        let cells = set.params.iter();
        cells
            .map(|p| of(*p).map_or(Pattern::Any, |f| f.pattern.clone().into_owned()))
            .collect()
    };
    let witness = coverage::overlap(&columns, &row(a), &row(b), program)?;
    let named = set.params.iter().zip(witness);
    let shown: Vec<String> = named
        .map(|(p, value)| format!("{} = {value}", set.locals[*p].name))
        .collect();
    Some(shown.join(", "))
}

/// Whether two rules give the same for certain.
fn same_outcome(set: &RuleSet, a: &[Expr], b: &[Expr]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(set, a, b))
}

fn same(set: &RuleSet, a: &Expr, b: &Expr) -> bool {
    let all = |a: &[Expr], b: &[Expr]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(set, a, b))
    };
    match (&a.kind, &b.kind) {
        (ExprKind::Const(a), ExprKind::Const(b)) => a == b,
        (ExprKind::Local(a), ExprKind::Local(b)) => a == b && set.params.contains(a),
        (ExprKind::Data(a), ExprKind::Data(b)) => a == b,
        (ExprKind::Field(a, i), ExprKind::Field(b, j)) => i == j && same(set, a, b),
        (ExprKind::Some(a), ExprKind::Some(b)) => same(set, a, b),
        (ExprKind::Record(r, a), ExprKind::Record(s, b)) => r == s && all(a, b),
        (ExprKind::Variant(e, s, a), ExprKind::Variant(f, t, b)) => e == f && s == t && all(a, b),
        (ExprKind::Call(f, a), ExprKind::Call(g, b)) => f == g && all(a, b),
        (ExprKind::Native(f, a), ExprKind::Native(g, b)) => std::ptr::eq(*f, *g) && all(a, b),
        _ => false,
    }
}
