//! Walking the typed tree: what an expression calls, how large it is, which locals it needs from outside.

use rustc_hash::FxHashSet;

use crate::hir::{Callee, Expr, ExprKind, FnId, LocalId, Pattern};

/// Something that must be lowered before what calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Item {
    /// A function.
    Fn(FnId),
    /// A rule set or pipeline.
    Callee(Callee),
}

/// Visits the operands of an expression, left to right.
pub(super) fn children<'h>(expr: &'h Expr, visit: &mut dyn FnMut(&'h Expr)) {
    use ExprKind as E;
    match &expr.kind {
        E::Error | E::Const(_) | E::Local(_) | E::Data(_) | E::DecisionId | E::DecisionTime => {}
        E::Unary(_, a)
        | E::Not(a)
        | E::Let(_, a)
        | E::Is(a, _)
        | E::Matches(a, ..)
        | E::Some(a)
        | E::IsSome(a)
        | E::OrSkip(a)
        | E::OrDeny(a)
        | E::Field(a, _)
        | E::OptField(a, _)
        | E::Len(a)
        | E::Single(a) => visit(a),
        E::Binary(_, a, b)
        | E::Compare(_, _, a, b)
        | E::Contains(a, b)
        | E::CidrHas(a, b)
        | E::CidrsHave(a, b)
        | E::UnwrapOr(a, b)
        | E::OrElse(a, b)
        | E::Get(a, b)
        | E::Lookup(a, b) => {
            visit(a);
            visit(b);
        }
        E::If(a, b, c) | E::InRange(a, b, c) => {
            visit(a);
            visit(b);
            visit(c);
        }
        E::And(items)
        | E::Or(items)
        | E::Record(_, items)
        | E::Variant(_, _, items)
        | E::List(items)
        | E::Set(items)
        | E::Call(_, items)
        | E::Native(_, items)
        | E::Ask(_, items)
        | E::PathJoin(items)
        | E::Decide { args: items, .. } => items.iter().for_each(visit),
        E::Map(entries) => {
            for (key, value) in entries {
                visit(key);
                visit(value);
            }
        }
        E::Match(subject, arms) => {
            visit(subject);
            arms.iter().for_each(|(_, value)| visit(value));
        }
        E::Quantify {
            over,
            filter,
            value,
            ..
        } => {
            visit(over);
            filter.iter().chain(value).for_each(|e| visit(e));
        }
    }
}

/// Visits an expression and everything in it, before its operands.
pub(super) fn everything<'h>(expr: &'h Expr, visit: &mut dyn FnMut(&'h Expr)) {
    visit(expr);
    children(expr, &mut |child| everything(child, visit));
}

/// What an expression calls, in order, repetitions included.
pub(super) fn calls(expr: &Expr, found: &mut Vec<Item>) {
    everything(expr, &mut |e| match &e.kind {
        ExprKind::Call(f, _) => found.push(Item::Fn(*f)),
        ExprKind::Decide { callee, .. } => found.push(Item::Callee(*callee)),
        _ => {}
    });
}

/// Nodes of an expression, itself included.
pub(super) fn size(expr: &Expr) -> u32 {
    let mut nodes = 0u32;
    everything(expr, &mut |_| nodes = nodes.saturating_add(1));
    nodes
}

/// The locals that expressions use, in the order of their first use, without those they bind themselves.
pub(super) fn free_locals<'h>(exprs: impl IntoIterator<Item = &'h Expr>) -> Vec<LocalId> {
    let (mut used, mut seen, mut bound) = (Vec::new(), FxHashSet::default(), FxHashSet::default());
    for expr in exprs {
        everything(expr, &mut |e| {
            if let ExprKind::Local(local) = e.kind
                && seen.insert(local)
            {
                used.push(local);
            }
            binds(e, &mut |local| {
                bound.insert(local);
            });
        });
    }
    used.retain(|local| !bound.contains(local));
    used
}

/// The locals that an expression binds itself, without its operands.
fn binds(expr: &Expr, visit: &mut dyn FnMut(LocalId)) {
    match &expr.kind {
        ExprKind::Let(local, _) | ExprKind::Quantify { local, .. } => visit(*local),
        ExprKind::Matches(_, _, captures) => captures.iter().for_each(|c| visit(c.local)),
        ExprKind::Is(_, pattern) => pattern_binds(pattern, visit),
        ExprKind::Match(_, arms) => arms.iter().for_each(|(p, _)| pattern_binds(p, visit)),
        _ => {}
    }
}

/// The locals that a pattern binds.
pub(super) fn pattern_binds(pattern: &Pattern, visit: &mut dyn FnMut(LocalId)) {
    match pattern {
        Pattern::Bind(local) => visit(*local),
        Pattern::OneOf(items) | Pattern::List(items) => {
            items.iter().for_each(|p| pattern_binds(p, visit));
        }
        Pattern::Variant { fields, .. } => {
            fields.iter().for_each(|(_, p)| pattern_binds(p, visit));
        }
        Pattern::Some(inner) => pattern_binds(inner, visit),
        Pattern::Any
        | Pattern::Value(_)
        | Pattern::Compare(..)
        | Pattern::Range(..)
        | Pattern::InCidr(_)
        | Pattern::None => {}
    }
}
