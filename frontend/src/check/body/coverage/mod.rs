//! Coverage: a value that no row takes, a row that takes nothing of its own, a value that two rows take.
//!
//! All three are one search, the usefulness of Maranget ("Warnings for pattern matching", JFP 17(3), 2007): is there a row of values
//! that every one of some *wanted* pattern rows matches and none of some *avoided* ones? Column by column the values of a type are
//! split into *heads* that the patterns there cannot tell apart: variants, truth values, lengths of lists, and for everything that has an
//! order the stretches between the bounds that are mentioned. Work is bounded; what was not decided is never claimed.

mod shape;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use tollgate_ir::operand::Cc;
use tollgate_runtime::Value;

use crate::hir::{Pattern, Program, Variant};
use crate::types::ty::Ty;
use shape::{Shape, domain, shapes, show_span, show_value};

/// How many pattern cells one question may look at.
const FUEL: u64 = 4_000_000;

/// A row of values that no row of patterns takes, as an author would write it, column by column.
///
/// When that cannot be decided within bounded work, the answer says so in the words of a witness.
pub(crate) fn missing(
    columns: &[Ty],
    rows: &[Vec<Pattern>],
    program: &Program,
) -> Option<Vec<String>> {
    let shapes = shapes(columns, rows, program);
    let avoided = shapes.iter().map(|row| row.iter().collect()).collect();
    let mut search = Search {
        program,
        fuel: FUEL,
    };
    match search.find(columns, avoided, Vec::new()) {
        Ok(witness) => witness,
        Err(Undecided) => Some(vec![
            "something (too many combinations to name one)".into();
            columns.len().max(1)
        ]),
    }
}

/// The rows that take nothing that the rows above them leave over.
pub(crate) fn unreachable(columns: &[Ty], rows: &[Vec<Pattern>], program: &Program) -> Vec<usize> {
    let shapes = shapes(columns, rows, program);
    let mut search = Search {
        program,
        fuel: FUEL,
    };
    // Rows that ask for different values in the first column have nothing in common: a long `match` of constants costs its length.
    let mut asking: BTreeMap<Key<'_>, Vec<usize>> = BTreeMap::new();
    let mut others = Vec::new();
    let mut found = Vec::new();
    for (i, row) in shapes.iter().enumerate() {
        let key = row.first().and_then(Key::of);
        let above: Vec<usize> = match &key {
            Some(key) => {
                let alike = asking.get(key).into_iter().flatten();
                alike.chain(&others).copied().collect()
            }
            None => (0..i).collect(),
        };
        let avoided = above.iter().map(|i| shapes[*i].iter().collect()).collect();
        match search.find(columns, avoided, vec![row.iter().collect()]) {
            Ok(None) => found.push(i),
            Ok(Some(_)) => {}
            Err(Undecided) => break,
        }
        match key {
            Some(key) => asking.entry(key).or_default().push(i),
            None => others.push(i),
        }
    }
    found
}

/// The one value, variant or length that a pattern asks for.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'s> {
    Con(u32),
    Number(i128),
    Value(&'s Value),
}

impl<'s> Key<'s> {
    fn of(shape: &'s Shape) -> Option<Key<'s>> {
        match shape {
            Shape::Con(con, _) => Some(Key::Con(*con)),
            Shape::Order(Cc::Eq, value) => Some(Key::Value(value)),
            Shape::Spans(spans) => match spans[..] {
                [(lo, hi)] if lo == hi => Some(Key::Number(lo)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Values of one type that the patterns of a column cannot tell apart.
#[derive(Clone, Debug)]
enum Head {
    Con(u32, Vec<Ty>),
    /// A list of another length than those mentioned.
    OtherLength,
    Span(i128, i128),
    /// Of an ordered type: exactly a mentioned value, or what lies before, between or behind them.
    Point(Value),
    Gap,
}

struct Undecided;

type Found = Result<Option<Vec<String>>, Undecided>;

struct Search<'p> {
    program: &'p Program,
    fuel: u64,
}

static ANY: Shape = Shape::Any;

impl Search<'_> {
    fn find(&mut self, types: &[Ty], avoided: Vec<Vec<&Shape>>, wanted: Vec<Vec<&Shape>>) -> Found {
        let work = (avoided.len() + wanted.len() + 1) * types.len().max(1);
        self.fuel = self.fuel.checked_sub(work as u64).ok_or(Undecided)?;
        let Some((ty, rest)) = types.split_first() else {
            return Ok(avoided.is_empty().then(Vec::new));
        };
        if avoided
            .iter()
            .any(|row| row.iter().all(|s| matches!(s, Shape::Any)))
        {
            return Ok(None);
        }
        let tells = |rows: &[Vec<&Shape>]| rows.iter().any(|row| !matches!(row[0], Shape::Any));
        if !tells(&avoided) && !tells(&wanted) {
            // A type without values has no rows of values.
            if self.heads(ty, &[]).is_empty() {
                return Ok(None);
            }
            let found = self.find(rest, tail_of(&avoided), tail_of(&wanted))?;
            return Ok(found.map(|mut witness| {
                witness.insert(0, "_".into());
                witness
            }));
        }
        let wild = avoided
            .iter()
            .filter(|row| matches!(row[0], Shape::Any))
            .count() as u64;
        let column: Vec<&Shape> = avoided.iter().chain(&wanted).map(|row| row[0]).collect();
        let heads = match (ty, &wanted[..]) {
            // Of the other variants nothing is wanted, and an enum may have many.
            (Ty::Enum(id), [row]) if let Shape::Con(tag, _) = row[0] => {
                let variant = self.program.enums[*id].variants.get(*tag as usize);
                let fields = |v: &Variant| v.fields.iter().map(|f| f.ty.clone()).collect();
                variant
                    .map(|v| Head::Con(*tag, fields(v)))
                    .into_iter()
                    .collect()
            }
            _ => self.heads(ty, &column),
        };
        self.fuel = self
            .fuel
            .checked_sub((wild + 1) * heads.len() as u64)
            .ok_or(Undecided)?;
        let mut avoid_by_head = distribute(&heads, &avoided);
        let mut want_by_head = distribute(&heads, &wanted);
        let mut plain_seen = false;
        for (i, head) in heads.iter().enumerate() {
            // A wanted row with alternatives may have come apart: one of its pieces is enough, and each row must have one.
            let wants = std::mem::take(&mut want_by_head[i]);
            let avoids: Vec<Vec<&Shape>> = std::mem::take(&mut avoid_by_head[i].rows);
            if !wants.covers(wanted.len()) {
                continue;
            }
            // Heads that only wildcards take lead to the same question; it is asked once.
            if avoid_by_head[i].plain && wants.plain {
                if plain_seen {
                    continue;
                }
                plain_seen = true;
            }
            let inner = head.types();
            let types: Vec<Ty> = inner.iter().chain(rest).cloned().collect();
            for choice in wants.choices(wanted.len()) {
                if let Some(witness) = self.find(&types, avoids.clone(), choice)? {
                    let (sub, tail) = witness.split_at(inner.len());
                    let mut all = vec![self.show(ty, head, sub)];
                    all.extend_from_slice(tail);
                    return Ok(Some(all));
                }
            }
        }
        Ok(None)
    }

    /// The heads of a column, in order; those of spans are sorted and do not meet.
    fn heads(&self, ty: &Ty, column: &[&Shape]) -> Vec<Head> {
        match ty {
            Ty::Bool => vec![Head::Con(0, Vec::new()), Head::Con(1, Vec::new())],
            Ty::Opt(of) => vec![Head::Con(0, Vec::new()), Head::Con(1, vec![(**of).clone()])],
            Ty::None => vec![Head::Con(0, Vec::new())],
            Ty::Record(id) => {
                let fields = &self.program.records[*id].fields;
                vec![Head::Con(0, fields.iter().map(|f| f.ty.clone()).collect())]
            }
            Ty::Enum(id) => {
                let variants = self.program.enums[*id].variants.iter().enumerate();
                let head = |(tag, v): (usize, &Variant)| {
                    Head::Con(tag as u32, v.fields.iter().map(|f| f.ty.clone()).collect())
                };
                variants.map(head).collect()
            }
            Ty::List(of, max) => {
                let mut lengths = BTreeSet::new();
                visit(column, &mut |shape| {
                    if let Shape::Con(n, _) = shape {
                        lengths.insert(*n);
                    }
                });
                let all = lengths.len() as u64 > u64::from(*max);
                let heads = lengths.into_iter().filter(|n| n <= max);
                let mut heads: Vec<Head> = heads
                    .map(|n| Head::Con(n, vec![(**of).clone(); n as usize]))
                    .collect();
                if !all {
                    heads.push(Head::OtherLength);
                }
                heads
            }
            _ => match domain(ty) {
                Some((lo, hi)) => spans(lo, hi, column),
                None => points(ty, column),
            },
        }
    }

    /// The values of a head as an author would write them.
    fn show(&self, ty: &Ty, head: &Head, sub: &[String]) -> String {
        match (ty, head) {
            (Ty::Bool, Head::Con(v, _)) => (*v == 1).to_string(),
            (Ty::Opt(_) | Ty::None, Head::Con(0, _)) => "none".into(),
            (Ty::Opt(_), Head::Con(_, _)) if sub[0] == "_" => "any value".into(),
            (Ty::Opt(_), Head::Con(_, _)) => sub[0].clone(),
            (Ty::Enum(id), Head::Con(tag, _)) => {
                let name = &self.program.enums[*id].variants[*tag as usize].name;
                // Trailing fields that do not matter need not be written.
                let shown = sub
                    .iter()
                    .rposition(|s| s != "_")
                    .map_or(0, |last| last + 1);
                if shown == 0 {
                    name.to_string()
                } else {
                    format!("{name}({})", sub[..shown].join(", "))
                }
            }
            (Ty::Record(id), _) => {
                let fields = self.program.records[*id].fields.iter().zip(sub);
                let told: Vec<String> = fields
                    .filter(|(_, s)| *s != "_")
                    .map(|(f, s)| format!("{}: {s}", f.name))
                    .collect();
                format!("{}({})", self.program.records[*id].name, told.join(", "))
            }
            (Ty::List(..), Head::Con(..)) => format!("[{}]", sub.join(", ")),
            (Ty::List(..), _) => "a list of another length".into(),
            (_, Head::Span(lo, hi)) => show_span(ty, *lo, *hi),
            (_, Head::Point(value)) => show_value(ty, value),
            _ => "_".into(),
        }
    }
}

/// The rows that can match a head, taken apart for it.
#[derive(Default)]
struct ByHead<'s> {
    rows: Vec<Vec<&'s Shape>>,
    /// Which row each came from.
    from: Vec<usize>,
    /// Whether all of them are here only because they take everything.
    plain: bool,
}

impl<'s> ByHead<'s> {
    /// Whether each of `count` rows has a piece here.
    fn covers(&self, count: usize) -> bool {
        (0..count).all(|i| self.from.contains(&i))
    }

    /// One piece of each row, in every combination. There are at most two wanted rows.
    fn choices(&self, count: usize) -> Vec<Vec<Vec<&'s Shape>>> {
        let mut all: Vec<Vec<Vec<&Shape>>> = vec![Vec::new()];
        for row in 0..count {
            let pieces = || {
                self.from
                    .iter()
                    .zip(&self.rows)
                    .filter(move |(f, _)| **f == row)
            };
            all = all
                .into_iter()
                .flat_map(|choice| {
                    pieces().map(move |(_, piece)| {
                        let mut choice = choice.clone();
                        choice.push(piece.clone());
                        choice
                    })
                })
                .collect();
        }
        all
    }
}

fn tail_of<'s>(rows: &[Vec<&'s Shape>]) -> Vec<Vec<&'s Shape>> {
    rows.iter().map(|row| row[1..].to_vec()).collect()
}

/// Hands each row to the heads that its first pattern can match. Spans are found by bisection, so that a long table of ranges
/// costs its length and not the square of it.
fn distribute<'s>(heads: &[Head], rows: &[Vec<&'s Shape>]) -> Vec<ByHead<'s>> {
    let mut all: Vec<ByHead<'s>> = Vec::with_capacity(heads.len());
    all.resize_with(heads.len(), || ByHead {
        plain: true,
        ..ByHead::default()
    });
    for (from, row) in rows.iter().enumerate() {
        let rest = &row[1..];
        let mut stack = vec![row[0]];
        while let Some(shape) = stack.pop() {
            let mut put = |i: usize, sub: &mut dyn Iterator<Item = &'s Shape>, plain: bool| {
                all[i].rows.push(sub.chain(rest.iter().copied()).collect());
                all[i].from.push(from);
                all[i].plain &= plain;
            };
            match shape {
                Shape::Any => {
                    for (i, head) in heads.iter().enumerate() {
                        put(i, &mut std::iter::repeat_n(&ANY, head.types().len()), true);
                    }
                }
                Shape::Or(parts) => stack.extend(parts),
                Shape::Con(con, sub) => {
                    let at = heads.partition_point(|h| matches!(h, Head::Con(c, _) if c < con));
                    if matches!(heads.get(at), Some(Head::Con(c, _)) if c == con) {
                        put(at, &mut sub.iter(), false);
                    }
                }
                Shape::Spans(spans) => {
                    for (lo, hi) in spans {
                        let first =
                            heads.partition_point(|h| matches!(h, Head::Span(_, end) if end < lo));
                        let inside = heads[first..]
                            .iter()
                            .take_while(|h| matches!(h, Head::Span(start, _) if start <= hi));
                        for i in first..first + inside.count() {
                            put(i, &mut std::iter::empty(), false);
                        }
                    }
                }
                Shape::Order(cc, value) => {
                    for i in compared(heads, *cc, value).into_iter().flatten() {
                        put(i, &mut std::iter::empty(), false);
                    }
                }
            }
        }
    }
    all
}

/// The heads whose values compare so with a mentioned value, as two stretches. Points and gaps take turns.
fn compared(heads: &[Head], cc: Cc, value: &Value) -> [std::ops::Range<usize>; 2] {
    let all = heads.len();
    let first = usize::from(matches!(heads.first(), Some(Head::Gap)));
    let points: Vec<usize> = (first..all).step_by(2).collect();
    let below = points.partition_point(|i| point_of(&heads[*i]).is_some_and(|p| p < value));
    let at = points.get(below).copied().unwrap_or(all);
    match cc {
        Cc::Eq => [at..(at + 1).min(all), all..all],
        Cc::Ne => [0..at, (at + 1).min(all)..all],
        Cc::Lt => [0..at, all..all],
        Cc::Le => [0..(at + 1).min(all), all..all],
        Cc::Gt => [(at + 1).min(all)..all, all..all],
        Cc::Ge => [at..all, all..all],
    }
}

fn point_of(head: &Head) -> Option<&Value> {
    if let Head::Point(value) = head {
        Some(value)
    } else {
        None
    }
}

impl Head {
    fn types(&self) -> &[Ty] {
        if let Head::Con(_, types) = self {
            types
        } else {
            &[]
        }
    }
}

fn visit<'s>(column: &[&'s Shape], f: &mut dyn FnMut(&'s Shape)) {
    for shape in column {
        match shape {
            Shape::Or(parts) => visit(&parts.iter().collect::<Vec<_>>(), f),
            other => f(other),
        }
    }
}

/// The stretches between all bounds that a column mentions.
fn spans(lo: i128, hi: i128, column: &[&Shape]) -> Vec<Head> {
    let mut starts = BTreeSet::from([lo]);
    visit(column, &mut |shape| {
        if let Shape::Spans(spans) = shape {
            for (a, b) in spans {
                starts.extend(
                    [*a, b.saturating_add(1)]
                        .into_iter()
                        .filter(|s| lo < *s && *s <= hi),
                );
            }
        }
    });
    let starts: Vec<i128> = starts.into_iter().collect();
    let ends = starts[1..].iter().map(|s| s - 1).chain([hi]);
    starts
        .iter()
        .zip(ends)
        .map(|(a, b)| Head::Span(*a, b))
        .collect()
}

/// All values that a column mentions, and the gaps around them.
fn points(ty: &Ty, column: &[&Shape]) -> Vec<Head> {
    let mut values = BTreeSet::new();
    visit(column, &mut |shape| {
        if let Shape::Order(_, value) = shape {
            values.insert(value.clone());
        }
    });
    let mut heads = vec![Head::Gap];
    // No text is below the empty one.
    if matches!(ty, Ty::Str { .. }) && values.first() == Some(&Value::str("")) {
        heads.clear();
    }
    for value in values {
        heads.extend([Head::Point(value), Head::Gap]);
    }
    heads
}
