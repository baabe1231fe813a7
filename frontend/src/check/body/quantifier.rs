//! Collections: literals of lists, sets and maps, `in`, and quantifiers over them.

use std::sync::Arc;

use tollgate_grammar::ast::{self, Literal, QuantifierKind, Tag};
use tollgate_grammar::source::Span;
use tollgate_runtime::Value;

use super::super::{Body, Place};
use super::fit::{constants, present};
use crate::diagnostics::catalog::{items, numbers, patterns, types as catalog};
use crate::hir::{BinOp, Expr, ExprKind, Quantifier};
use crate::types::ty::{Interval, Ty, Unit};

impl Body<'_, '_> {
    pub(super) fn list(&mut self, parts: &[ast::Expr], span: Span, hint: Option<&Ty>) -> Expr {
        let wanted = hint.map(Ty::present);
        let of = match wanted {
            Some(Ty::List(of, _)) => Some(of.clone()),
            Some(Ty::Values { .. }) => Some(Arc::new(Ty::string())),
            _ => None,
        };
        let values = matches!(wanted, Some(Ty::Values { .. }));
        if parts.is_empty() {
            return self.empty(span, wanted);
        }
        let Some((parts, ty)) = self.elements(parts, of.as_deref()) else {
            return Expr::error(span);
        };
        let n = parts.len() as u32;
        let ty = if values && matches!(ty, Ty::Str { .. }) {
            Ty::Values { max: n }
        } else {
            Ty::List(Arc::new(ty), n)
        };
        match constants(&parts) {
            Some(all) => Expr::constant(Value::seq(all), ty, span),
            None => Expr::new(ExprKind::List(parts), ty, span),
        }
    }

    pub(super) fn set(&mut self, parts: &[ast::Expr], span: Span, hint: Option<&Ty>) -> Expr {
        let wanted = hint.map(Ty::present);
        if parts.is_empty() {
            return self.empty(span, wanted);
        }
        let of = match wanted {
            Some(Ty::Set(of, _)) => Some(of.clone()),
            _ => None,
        };
        let Some((parts, ty)) = self.elements(parts, of.as_deref()) else {
            return Expr::error(span);
        };
        self.warn_duplicates(&parts, "element");
        match constants(&parts) {
            Some(all) => {
                let value = Value::set(all);
                let n = if let Value::Seq(distinct) = &value {
                    distinct.len()
                } else {
                    0
                };
                Expr::constant(value, Ty::Set(Arc::new(ty), n as u32), span)
            }
            None => {
                let ty = Ty::Set(Arc::new(ty), parts.len() as u32);
                Expr::new(ExprKind::Set(parts), ty, span)
            }
        }
    }

    pub(super) fn map(
        &mut self,
        entries: &[(ast::Expr, ast::Expr)],
        span: Span,
        hint: Option<&Ty>,
    ) -> Expr {
        let (key, value) = match hint.map(Ty::present) {
            Some(Ty::Map(key, value, _)) => (Some(key.clone()), Some(value.clone())),
            _ => (None, None),
        };
        let keys = self.elements(entries.iter().map(|(k, _)| k), key.as_deref());
        let values = self.elements(entries.iter().map(|(_, v)| v), value.as_deref());
        let (Some((keys, key)), Some((values, value))) = (keys, values) else {
            return Expr::error(span);
        };
        self.warn_duplicates(&keys, "key");
        let ty = Ty::Map(Arc::new(key), Arc::new(value), keys.len() as u32);
        match (constants(&keys), constants(&values)) {
            (Some(keys), Some(values)) => {
                let value = Value::map(keys.into_iter().zip(values));
                Expr::constant(value, ty, span)
            }
            _ => Expr::new(
                ExprKind::Map(keys.into_iter().zip(values).collect()),
                ty,
                span,
            ),
        }
    }

    fn empty(&mut self, span: Span, wanted: Option<&Ty>) -> Expr {
        let ty = match wanted {
            Some(ty) if Ty::Empty.fits(ty) => ty.clone(),
            _ => Ty::Empty,
        };
        Expr::constant(Value::seq([]), ty, span)
    }

    /// The elements of a literal, all of one type; `None` when one of them has none.
    fn elements<'e>(
        &mut self,
        parts: impl IntoIterator<Item = &'e ast::Expr, IntoIter: Clone>,
        of: Option<&Ty>,
    ) -> Option<(Vec<Expr>, Ty)> {
        let parts = parts.into_iter();
        // One network among addresses makes them all networks.
        let hint = if matches!(of, None | Some(Ty::Ip)) && parts.clone().any(is_network) {
            Some(Ty::Cidr)
        } else {
            of.cloned()
        };
        let mut all: Vec<Expr> = Vec::new();
        for part in parts {
            let hint = hint.clone().or_else(|| all.first().map(|e| e.ty.clone()));
            let value = self.infer(part, hint.as_ref());
            all.push(value);
        }
        if all.iter().any(|e| e.ty.is_error()) {
            return None;
        }
        let ty = self.join("elements", &mut all, of);
        match (of, ty) {
            (_, Ty::Error) => None,
            (Some(Ty::Opt(_)), ty) if !ty.is_optional() => {
                Some((all.into_iter().map(present).collect(), Ty::opt(ty)))
            }
            (_, ty) => Some((all, ty)),
        }
    }

    fn warn_duplicates(&mut self, parts: &[Expr], what: &str) {
        let mut seen: Vec<(&Value, Span)> = parts
            .iter()
            .filter_map(|p| Some((p.value()?, p.span)))
            .collect();
        seen.sort_by(|a, b| a.0.cmp(b.0).then(a.1.cmp(&b.1)));
        let twice: Vec<(Span, Span)> = seen
            .windows(2)
            .filter(|pair| pair[0].0 == pair[1].0)
            .map(|pair| (pair[0].1, pair[1].1))
            .collect();
        for (first, again) in twice {
            let note = if what == "key" {
                "has no effect: of equal keys the first counts"
            } else {
                "has no effect"
            };
            let found = catalog::duplicate_element(what)
                .at(again, note)
                .at(first, "already here");
            self.checker.sink.emit(found);
        }
    }

    /// `x in range`, `x in collection`, `ip in network`
    pub(super) fn is_in(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        if let ast::ExprKind::Range(range) = &right.kind {
            return self.in_range(left, range, span);
        }
        // A variant or literal on the left takes its type from the collection.
        let value = self.infer(left, None);
        if value.ty.is_error() {
            return Expr::error(span);
        }
        if value.ty.is_optional() {
            return self.missing_answer(&value, "it is looked for");
        }
        let of = Arc::new(value.ty.clone());
        let hint = match &right.kind {
            ast::ExprKind::List(_) => Some(Ty::List(of, u32::MAX)),
            ast::ExprKind::Set(_) => Some(Ty::Set(of, u32::MAX)),
            _ => None,
        };
        let over = self.infer(right, hint.as_ref());
        let bad = match (&value.ty, &over.ty) {
            (_, Ty::Error) => return Expr::error(span),
            (_, Ty::Opt(_) | Ty::None) => return self.missing_answer(&over, "it is looked into"),
            (Ty::Values { .. }, _) => {
                let text = self.text_of(value.span);
                let found = catalog::values_compared()
                    .at(
                        value.span,
                        "zero or more values: there is no one value to look for",
                    )
                    .help(format!(
                        "`any(v in {text} where v in …)`, or `only`, or `{text}.single ?? …`"
                    ));
                return self.refuse(found, span);
            }
            (Ty::Ip, Ty::Cidr) => {
                let kind = ExprKind::CidrHas(Box::new(over), Box::new(value));
                return Expr::new(kind, Ty::Bool, span);
            }
            (Ty::Ip, Ty::List(of, _) | Ty::Set(of, _)) if **of == Ty::Cidr => {
                let kind = ExprKind::CidrsHave(Box::new(over), Box::new(value));
                return Expr::new(kind, Ty::Bool, span);
            }
            (_, Ty::Empty) => false,
            (ty, Ty::List(of, _) | Ty::Set(of, _)) => match (ty, &**of) {
                (Ty::Num(a, _), Ty::Num(b, _)) => a != b,
                (a, b) => a.join(b).is_none(),
            },
            (ty, Ty::Values { .. }) => !matches!(ty, Ty::Str { .. }),
            _ => true,
        };
        if bad {
            let (a, b) = (self.show(&value.ty), self.show(&over.ty));
            let mut found = catalog::cannot_look_in(&b, &a)
                .at(over.span, format!("this is `{b}`"))
                .at(value.span, format!("this is `{a}`"));
            if matches!(over.ty, Ty::Map(..)) {
                let (m, k) = (self.text_of(over.span), self.text_of(value.span));
                found = found.fix(
                    "ask whether there is an entry",
                    span,
                    format!("{m}[{k}].present"),
                );
            } else if matches!(over.ty, Ty::Str { .. }) && matches!(value.ty, Ty::Str { .. }) {
                let (s, part) = (self.text_of(over.span), self.text_of(value.span));
                found = found.fix(
                    "look for a part of a text",
                    span,
                    format!("contains({s}, {part})"),
                );
            }
            return self.refuse(found, span);
        }
        let kind = ExprKind::Contains(Box::new(over), Box::new(value));
        Expr::new(kind, Ty::Bool, span)
    }

    fn in_range(&mut self, left: &ast::Expr, range: &ast::Range, span: Span) -> Expr {
        let value = self.infer(left, None);
        let (lo, hi) = (
            self.infer(&range.low, Some(&value.ty)),
            self.infer(&range.high, Some(&value.ty)),
        );
        for part in [&value, &lo, &hi] {
            if part.ty.is_error() {
                return Expr::error(span);
            }
            if part.ty.is_optional() {
                return self.missing_answer(part, "it is compared");
            }
        }
        for end in [&lo, &hi] {
            let alike = matches!((&value.ty, &end.ty), (Ty::Num(a, _), Ty::Num(b, _)) if a == b);
            if !alike {
                let (a, b) = (self.show(&value.ty), self.show(&end.ty));
                let mut found = catalog::cannot_compare(&a, &b)
                    .at(end.span, format!("this is `{b}`"))
                    .at(value.span, format!("this is `{a}`"));
                if matches!(value.ty, Ty::Float | Ty::Str { .. }) {
                    found =
                        found.note("ranges are of what counts in whole units; use `>=` and `<`");
                }
                return self.refuse(found, span);
            }
        }
        let hi = if range.inclusive {
            hi
        } else {
            let unit = super::operator::unit_of(&hi.ty);
            let one = Expr::constant(Value::Int(1), Ty::Num(unit, Interval::point(1)), hi.span);
            let at = hi.span;
            self.whole(BinOp::IntSub, unit, hi, one, at)
        };
        if let (Some(Value::Int(a)), Some(Value::Int(b))) = (lo.value(), hi.value())
            && a > b
        {
            let found = items::empty_range().at(range.span, "holds no value");
            return self.refuse(found, span);
        }
        if hi.ty.is_error() {
            return Expr::error(span);
        }
        let kind = ExprKind::InRange(Box::new(value), Box::new(lo), Box::new(hi));
        Expr::new(kind, Ty::Bool, span)
    }

    pub(super) fn quantifier(
        &mut self,
        q: &ast::Quantifier,
        span: Span,
        hint: Option<&Ty>,
    ) -> Expr {
        let over = self.infer(&q.collection, None);
        let (of, bound) = match &over.ty {
            Ty::List(of, n) | Ty::Set(of, n) => ((**of).clone(), *n),
            Ty::Values { max } => (Ty::string(), *max),
            Ty::Error => (Ty::Error, 0),
            // Of nothing, any type will do.
            Ty::Empty => (Ty::Error, 0),
            Ty::Opt(_) | Ty::None => {
                self.missing_answer(&over, "its elements are looked at");
                (Ty::Error, 0)
            }
            other => {
                let shown = self.show(other);
                let found = catalog::not_a_collection(&shown).at(
                    over.span,
                    format!("this is `{shown}`; a quantifier goes over a list, a set or `Values`"),
                );
                self.checker.sink.emit(found);
                (Ty::Error, 0)
            }
        };
        let failed = of.is_error();
        if q.kind == QuantifierKind::All
            && self.place == Place::Denial
            && !surely_filled(&over)
            && !failed
        {
            let at = Span {
                end: span.start + 3,
                ..span
            };
            let found = patterns::all_of_nothing()
                .at(span, "true when there is nothing to look at")
                .at(over.span, "this may be empty")
                .suggest("at least one, and every one", at, "only");
            self.checker.sink.emit(found);
        }
        let scope = self.enter();
        let local = self.bind_new(&q.binder, of);
        let (filter, value) = self.without_answers("in a quantifier", |b| {
            let filter = q.filter.as_ref().map(|c| b.holds(c));
            let value = q
                .value
                .as_ref()
                .map(|v| b.infer(v, hint.filter(|h| **h == Ty::Float)));
            (filter, value)
        });
        self.leave(scope);
        if failed {
            return Expr::error(span);
        }
        let (quantifier, ty) = match q.kind {
            QuantifierKind::Any => (Quantifier::Any, Ty::Bool),
            QuantifierKind::All => (Quantifier::All, Ty::Bool),
            QuantifierKind::Only => (Quantifier::Only, Ty::Bool),
            QuantifierKind::No => (Quantifier::No, Ty::Bool),
            QuantifierKind::Count => (Quantifier::Count, Ty::int_in(0, bound.into())),
            QuantifierKind::Sum => (Quantifier::Sum, self.sum_type(value.as_ref(), bound, span)),
        };
        if ty.is_error() {
            return Expr::error(span);
        }
        let kind = ExprKind::Quantify {
            quantifier,
            local,
            over: Box::new(over),
            filter: filter.map(Box::new),
            value: value.map(Box::new),
        };
        Expr::new(kind, ty, span)
    }

    /// The type of a sum of at most `bound` values.
    fn sum_type(&mut self, value: Option<&Expr>, bound: u32, span: Span) -> Ty {
        let Some(value) = value else { return Ty::Error };
        match &value.ty {
            Ty::Error | Ty::Float => value.ty.clone(),
            Ty::Num(unit @ (Unit::One | Unit::Duration | Unit::Percent | Unit::Money(_)), each) => {
                let n = i128::from(bound);
                let all = Interval::new((each.lo * n).min(0), (each.hi * n).max(0));
                if all.fits_i64() {
                    return Ty::Num(*unit, all);
                }
                let shown = self.show(&value.ty);
                let found = numbers::may_overflow()
                    .at(span, format!("the sum can be anything in {all}"))
                    .at(value.span, format!("up to {bound} times `{shown}`"))
                    .help("clamp each value, or give the list a smaller bound");
                self.checker.sink.emit(found);
                Ty::Error
            }
            Ty::Opt(_) | Ty::None => {
                self.missing_answer(value, "it is added up");
                Ty::Error
            }
            other => {
                let shown = self.show(other);
                let found = catalog::type_mismatch("number", &shown)
                    .at(value.span, "only numbers are added up");
                self.checker.sink.emit(found);
                Ty::Error
            }
        }
    }
}

fn is_network(e: &ast::Expr) -> bool {
    matches!(&e.kind, ast::ExprKind::Literal(Literal::Tagged(t)) if t.tag == Tag::Ip && t.content.contains('/'))
}

/// Whether a collection certainly has an element.
fn surely_filled(over: &Expr) -> bool {
    match &over.kind {
        ExprKind::Const(Value::Seq(values)) => !values.is_empty(),
        ExprKind::List(parts) | ExprKind::Set(parts) => !parts.is_empty(),
        _ => false,
    }
}
