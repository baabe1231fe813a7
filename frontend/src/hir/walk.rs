//! Walks over expressions: each one, outside in, in the order of evaluation. The recursion is as deep as the source
//! nests, which the parser limits.

use super::{Expr, ExprKind};

/// One list of operands for both ways of walking.
macro_rules! for_each_part {
    ($kind:expr, $see:ident, $iter:ident) => {
        match $kind {
            ExprKind::Error
            | ExprKind::Const(_)
            | ExprKind::Local(_)
            | ExprKind::Data(_)
            | ExprKind::DecisionId
            | ExprKind::DecisionTime => {}
            ExprKind::Unary(_, a)
            | ExprKind::Not(a)
            | ExprKind::Let(_, a)
            | ExprKind::Is(a, _)
            | ExprKind::Matches(a, _, _)
            | ExprKind::Some(a)
            | ExprKind::IsSome(a)
            | ExprKind::OrSkip(a)
            | ExprKind::OrDeny(a)
            | ExprKind::Field(a, _)
            | ExprKind::OptField(a, _)
            | ExprKind::Len(a)
            | ExprKind::Single(a) => $see(a),
            ExprKind::Binary(_, a, b)
            | ExprKind::Compare(_, _, a, b)
            | ExprKind::Contains(a, b)
            | ExprKind::CidrHas(a, b)
            | ExprKind::CidrsHave(a, b)
            | ExprKind::UnwrapOr(a, b)
            | ExprKind::OrElse(a, b)
            | ExprKind::Get(a, b)
            | ExprKind::Lookup(a, b) => {
                $see(a);
                $see(b);
            }
            ExprKind::If(a, b, c) | ExprKind::InRange(a, b, c) => {
                $see(a);
                $see(b);
                $see(c);
            }
            ExprKind::And(all)
            | ExprKind::Or(all)
            | ExprKind::Record(_, all)
            | ExprKind::Variant(_, _, all)
            | ExprKind::List(all)
            | ExprKind::Set(all)
            | ExprKind::Call(_, all)
            | ExprKind::Decide { args: all, .. }
            | ExprKind::Ask(_, all)
            | ExprKind::Native(_, all)
            | ExprKind::PathJoin(all) => {
                for part in all.$iter() {
                    $see(part);
                }
            }
            ExprKind::Match(subject, arms) => {
                $see(subject);
                for (_, value) in arms.$iter() {
                    $see(value);
                }
            }
            ExprKind::Map(entries) => {
                for (key, value) in entries.$iter() {
                    $see(key);
                    $see(value);
                }
            }
            ExprKind::Quantify {
                over,
                filter,
                value,
                ..
            } => {
                $see(over);
                for part in filter.$iter().chain(value.$iter()) {
                    $see(part);
                }
            }
        }
    };
}

/// Calls `see` for an expression and everything in it.
pub fn each(e: &Expr, see: &mut dyn FnMut(&Expr)) {
    see(e);
    parts(e, &mut |part| each(part, see));
}

/// Calls `see` for an expression and everything in it, to change it.
pub fn each_mut(e: &mut Expr, see: &mut dyn FnMut(&mut Expr)) {
    see(e);
    parts_mut(e, &mut |part| each_mut(part, see));
}

/// Calls `see` for the direct operands of an expression, in the order of evaluation.
pub fn parts(e: &Expr, see: &mut dyn FnMut(&Expr)) {
    for_each_part!(&e.kind, see, iter);
}

/// Calls `see` for the direct operands of an expression, in the order of evaluation, to change them.
pub fn parts_mut(e: &mut Expr, see: &mut dyn FnMut(&mut Expr)) {
    for_each_part!(&mut e.kind, see, iter_mut);
}
