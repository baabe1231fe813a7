//! Whether two outcomes are the same, whatever the input.

use crate::hir::{Expr, ExprKind, RuleSet};

/// Whether two rules give the same for certain.
pub(super) fn same_outcome(set: &RuleSet, a: &[Expr], b: &[Expr]) -> bool {
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
