//! Constants: expressions that the checker evaluates.

use tollgate_grammar::ast;
use tollgate_ir::operand::Cc;
use tollgate_runtime::{Arena, Cx, Value};

use super::super::Body;
use super::interval::half_even;
use crate::diagnostics::catalog::types as catalog;
use crate::hir::{BinOp, Expr, ExprKind, UnOp};
use crate::types::ty::Ty;
use tollgate_runtime::schema::PERCENT_ONE;

impl Body<'_, '_> {
    /// Evaluates an expression that must be constant; `None` when it is wrong or not constant, which has been reported.
    pub(crate) fn constant(&mut self, e: &ast::Expr, expected: Option<&Ty>) -> Option<(Ty, Value)> {
        let value = self.expr(e, expected);
        if value.ty.is_error() {
            return None;
        }
        match evaluate(&value) {
            Ok(constant) => Some((value.ty, constant)),
            Err(Stuck::Here(at)) => {
                let found =
                    catalog::not_constant().at(at.span, "not known before a decision is made");
                self.checker.sink.emit(found);
                None
            }
            Err(Stuck::Reported) => None,
        }
    }
}

enum Stuck<'e> {
    /// This part is no constant.
    Here(&'e Expr),
    /// This part was reported already.
    Reported,
}

type Evaluated<'e> = Result<Value, Stuck<'e>>;

/// The value of an expression without locals, data, calls of functions, or anything that looks at a decision.
fn evaluate(e: &Expr) -> Evaluated<'_> {
    match &e.kind {
        ExprKind::Error => Err(Stuck::Reported),
        ExprKind::Const(value) => Ok(value.clone()),
        ExprKind::Some(inner) => evaluate(inner),
        ExprKind::Unary(op, a) => unary(*op, evaluate(a)?).ok_or(Stuck::Here(e)),
        ExprKind::Binary(op, a, b) => binary(*op, evaluate(a)?, evaluate(b)?).ok_or(Stuck::Here(e)),
        ExprKind::Compare(_, cc, a, b) => {
            Ok(Value::Bool(compare(*cc, &evaluate(a)?, &evaluate(b)?)))
        }
        ExprKind::Not(a) => match evaluate(a)? {
            Value::Bool(v) => Ok(Value::Bool(!v)),
            _ => Err(Stuck::Here(e)),
        },
        ExprKind::If(c, a, b) => match evaluate(c)? {
            Value::Bool(true) => evaluate(a),
            Value::Bool(false) => evaluate(b),
            _ => Err(Stuck::Here(e)),
        },
        ExprKind::UnwrapOr(a, b) | ExprKind::OrElse(a, b) => match evaluate(a)? {
            Value::None => evaluate(b),
            present => Ok(present),
        },
        ExprKind::IsSome(a) => Ok(Value::Bool(evaluate(a)? != Value::None)),
        ExprKind::Record(_, parts) | ExprKind::List(parts) => Ok(Value::seq(all(parts)?)),
        ExprKind::Set(parts) => Ok(Value::set(all(parts)?)),
        ExprKind::Map(entries) => {
            let entries: Result<Vec<_>, _> = entries
                .iter()
                .map(|(k, v)| Ok((evaluate(k)?, evaluate(v)?)))
                .collect();
            Ok(Value::map(entries?))
        }
        ExprKind::Variant(_, tag, parts) => Ok(Value::Variant(*tag, all(parts)?.into())),
        ExprKind::Field(base, index) => match evaluate(base)? {
            Value::Seq(fields) => fields.get(*index as usize).cloned().ok_or(Stuck::Here(e)),
            _ => Err(Stuck::Here(e)),
        },
        ExprKind::Native(native, args) if !native.name.starts_with("jitter") => {
            let (arena, args) = (Arena::new(), all(args)?);
            let words: Vec<_> = args.iter().map(|a| a.word(&arena)).collect();
            let cx = Cx::new(&arena, "", 0);
            Ok(Value::of((native.call)(&cx, &words)))
        }
        _ => Err(Stuck::Here(e)),
    }
}

fn all(parts: &[Expr]) -> Result<Vec<Value>, Stuck<'_>> {
    parts.iter().map(evaluate).collect()
}

fn unary(op: UnOp, a: Value) -> Option<Value> {
    Some(match (op, a) {
        (UnOp::IntNeg, Value::Int(a)) => Value::Int(a.checked_neg()?),
        (UnOp::IntAbs, Value::Int(a)) => Value::Int(a.checked_abs()?),
        (UnOp::Round, Value::Int(a)) => Value::Int(half_even(a.into(), PERCENT_ONE.into()) as i64),
        (UnOp::FloatNeg, Value::Float(a)) => Value::Float(0.0 - a),
        (UnOp::ToFloat, Value::Int(a)) => Value::Float(a as f64),
        _ => return None,
    })
}

fn binary(op: BinOp, a: Value, b: Value) -> Option<Value> {
    let (x, y) = match (a, b) {
        (Value::Int(x), Value::Int(y)) => (x, y),
        (Value::Float(x), Value::Float(y)) => return float(op, x, y),
        _ => return None,
    };
    let (wide_x, wide_y) = (i128::from(x), i128::from(y));
    let one = i128::from(PERCENT_ONE);
    let saturated = |v: i128| v.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
    Some(Value::Int(match op {
        BinOp::IntAdd => x.checked_add(y)?,
        BinOp::IntSub => x.checked_sub(y)?,
        BinOp::IntMul => x.checked_mul(y)?,
        BinOp::IntDiv => x.checked_div(y)?,
        BinOp::IntMod => x.checked_rem(y)?,
        BinOp::IntAddSat => x.saturating_add(y),
        BinOp::IntSubSat => x.saturating_sub(y),
        BinOp::IntMulSat => x.saturating_mul(y),
        BinOp::IntMin => x.min(y),
        BinOp::IntMax => x.max(y),
        BinOp::PercentMul => saturated(half_even(wide_x * wide_y, one)),
        BinOp::PercentDiv if y != 0 => saturated(half_even(wide_x * one, wide_y)),
        _ => return None,
    }))
}

/// Floats saturate, and have no minus zero.
fn float(op: BinOp, x: f64, y: f64) -> Option<Value> {
    let value = match op {
        BinOp::FloatAdd => x + y,
        BinOp::FloatSub => x - y,
        BinOp::FloatMul => x * y,
        BinOp::FloatDiv if y != 0.0 => x / y,
        _ => return None,
    };
    Some(Value::Float(value.clamp(f64::MIN, f64::MAX) + 0.0))
}

fn compare(cc: Cc, a: &Value, b: &Value) -> bool {
    cc.holds(a.cmp(b))
}
