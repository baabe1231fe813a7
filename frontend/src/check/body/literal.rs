//! Literals: a literal takes the type expected of it, and is checked here, at compile time.

use tollgate_grammar::ast::{self, Literal, Tag, Tagged};
use tollgate_grammar::source::Span;
use tollgate_runtime::kinds::net::{Cidr, Ip};
use tollgate_runtime::kinds::{KindError, header, host, path, time, zone};
use tollgate_runtime::schema::{Boundary, Currency, INT_MAX, PERCENT_MAX, STRING_LIMIT};
use tollgate_runtime::{Arena, Value};

use super::super::Body;
use crate::diagnostics::catalog::{numbers, patterns, types as catalog};
use crate::hir::{Expr, ExprKind, RefinementId};
use crate::types::ty::{Interval, Ty, Unit};

impl Body<'_, '_> {
    pub(super) fn literal(&mut self, literal: &Literal, span: Span, hint: Option<&Ty>) -> Expr {
        let wanted = hint.map(Ty::present);
        match literal {
            Literal::Bool(v) => Expr::constant(Value::Bool(*v), Ty::Bool, span),
            Literal::Int(v) if wanted == Some(&Ty::Float) => {
                Expr::constant(Value::Float(*v as f64), Ty::Float, span)
            }
            Literal::Int(v) | Literal::Size(v) => self.number(Unit::One, (*v).into(), span),
            Literal::Duration(v) => self.number(Unit::Duration, (*v).into(), span),
            Literal::Float(decimal) => self.float(*decimal, span),
            Literal::Percent(decimal) => match scaled(*decimal, 7) {
                Some(v) => self.number(Unit::Percent, v, span),
                None => {
                    let found = numbers::too_many_decimals("a percentage", 7)
                        .at(span, "billionths of one are the finest there is");
                    self.refuse(found, span)
                }
            },
            Literal::Money(money) => self.money(money, span),
            Literal::Rate(rate) => self.rate(rate, span),
            Literal::Text(text) => self.text(text, span, wanted),
            Literal::Tagged(tagged) => self.tagged(tagged, span, wanted),
        }
    }

    fn number(&mut self, unit: Unit, value: i128, span: Span) -> Expr {
        let most = match unit {
            Unit::Percent => i128::from(PERCENT_MAX),
            _ => i128::from(INT_MAX),
        };
        match i64::try_from(value) {
            Ok(v) if value.abs() <= most => {
                let ty = Ty::Num(unit, Interval::point(value));
                Expr::constant(Value::Int(v), ty, span)
            }
            _ => {
                let most = crate::types::literal(unit, most);
                let found = numbers::number_out_of_range()
                    .at(span, format!("the greatest magnitude is {most}"));
                self.refuse(found, span)
            }
        }
    }

    fn float(&mut self, decimal: ast::Decimal, span: Span) -> Expr {
        // A decimal of at most 19 digits is always finite; zero has no sign.
        let value = decimal.to_string().parse::<f64>().unwrap_or(0.0) + 0.0;
        Expr::constant(Value::Float(value), Ty::Float, span)
    }

    fn money(&mut self, money: &ast::Money, span: Span) -> Expr {
        let Ok(code) = <[u8; 3]>::try_from(money.currency.as_str().as_bytes()) else {
            return Expr::error(span);
        };
        let currency = Currency(code);
        match scaled(money.amount, currency.decimals()) {
            Some(v) => self.number(Unit::Money(currency), v, span),
            None => {
                let decimals = currency.decimals();
                let found = numbers::too_many_decimals(currency, decimals).at(
                    span,
                    format!("{currency} is written with {decimals} decimals"),
                );
                self.refuse(found, span)
            }
        }
    }

    fn rate(&mut self, rate: &ast::Rate, span: Span) -> Expr {
        let count = if rate.percent {
            None
        } else {
            scaled(rate.amount, 0)
        };
        match count.and_then(|c| i64::try_from(c).ok()) {
            Some(count) if (0..=INT_MAX).contains(&count) => {
                let value = Value::seq([Value::Int(count), Value::Int(rate.per)]);
                Expr::constant(value, Ty::Rate, span)
            }
            _ => {
                let found = numbers::rate_not_whole()
                    .at(span, "a rate counts whole things, such as `100 per 1s`");
                self.refuse(found, span)
            }
        }
    }

    fn text(&mut self, text: &str, span: Span, wanted: Option<&Ty>) -> Expr {
        let (arena, boundary) = (Arena::new(), Boundary::default());
        let read: Result<&str, KindError> = match wanted {
            Some(Ty::Str {
                refined: Some(id), ..
            }) => return self.refined_text(text, *id, span),
            Some(Ty::Host) => host::canonical(text, &boundary.host, &arena),
            Some(Ty::Path) => path::canonical(text, &boundary.path, &arena),
            Some(Ty::HeaderName) => header::canonical(text, &arena),
            Some(Ty::Zone) => zone::canonical(text),
            Some(ty @ Ty::Num(Unit::Date, _)) => {
                return match time::parse_date(text) {
                    Ok(days) => self.number(Unit::Date, days.into(), span),
                    Err(e) => self.refuse_literal(&self.show(&Ty::full(Unit::Date)), &e, span, ty),
                };
            }
            _ => {
                if text.len() > STRING_LIMIT as usize {
                    let found = catalog::text_too_long(STRING_LIMIT)
                        .at(span, format!("this has {} bytes", text.len()));
                    return self.refuse(found, span);
                }
                let ty = Ty::Str {
                    max: text.len() as u32,
                    refined: None,
                };
                return Expr::constant(Value::str(text), ty, span);
            }
        };
        let ty = wanted.cloned().unwrap_or(Ty::Error);
        match read {
            Ok(canonical) => Expr::constant(Value::str(canonical), ty, span),
            Err(e) => self.refuse_literal(&self.show(&ty), &e, span, &ty),
        }
    }

    /// The text of a literal where a `type X = String matching …` is wanted.
    fn refined_text(&mut self, text: &str, id: RefinementId, span: Span) -> Expr {
        let refinement = &self.checker.program.refinements[id];
        let (name, max, declared) = (refinement.name.clone(), refinement.max, refinement.span);
        if refinement.regex.matches(text) && text.len() <= max as usize {
            let ty = Ty::Str {
                max: text.len() as u32,
                refined: Some(id),
            };
            return Expr::constant(Value::str(text), ty, span);
        }
        let must = format!("re\"{}\"", refinement.regex.text());
        let found = catalog::literal_refused(&name)
            .at(span, format!("does not match {must}"))
            .at(declared, "declared here");
        self.refuse(found, span)
    }

    fn refuse_literal(&mut self, name: &str, error: &KindError, span: Span, _: &Ty) -> Expr {
        let found = catalog::literal_refused(name).at(span, error.to_string());
        self.refuse(found, span)
    }

    fn tagged(&mut self, tagged: &Tagged, span: Span, wanted: Option<&Ty>) -> Expr {
        let content = &*tagged.content;
        match tagged.tag {
            Tag::Path => self.path_template(tagged, span),
            Tag::Glob | Tag::Regex => {
                let found = patterns::pattern_as_value(tagged.tag.symbol())
                    .at(span, "a pattern is no value: it stands right of `matches`");
                self.refuse(found, span)
            }
            Tag::Ip => self.ip(content, tagged.content_span, span, wanted),
            Tag::Instant => match time::parse_instant(content) {
                Ok(at) => self.number_of(Unit::Instant, at, span),
                Err(error) => {
                    let mut found = catalog::literal_refused("Instant")
                        .at(at_byte(tagged, error.at()), error.to_string());
                    if time::parse_local(content).is_ok() {
                        found = found.suggest(
                            "say where, in UTC",
                            tagged.content_span,
                            format!("{content}Z"),
                        );
                    }
                    self.refuse(found, span)
                }
            },
            Tag::Zone => match zone::canonical(content) {
                Ok(name) => Expr::constant(Value::str(name), Ty::Zone, span),
                Err(error) => {
                    let found =
                        catalog::literal_refused("Zone").at(tagged.content_span, error.to_string());
                    self.refuse(found, span)
                }
            },
        }
    }

    fn number_of(&mut self, unit: Unit, value: i64, span: Span) -> Expr {
        Expr::constant(
            Value::Int(value),
            Ty::Num(unit, Interval::point(value.into())),
            span,
        )
    }

    /// An instant that may be written without an offset, because `zone` stands behind it.
    pub(crate) fn instant_in(&mut self, e: &ast::Expr, zone_name: &str) -> Option<i64> {
        if let ast::ExprKind::Literal(Literal::Tagged(tagged)) = &e.kind
            && tagged.tag == Tag::Instant
            && let Ok((days, micros)) = time::parse_local(&tagged.content)
        {
            return Some(zone::instant(zone::Local { days, micros }, zone_name));
        }
        match self.constant(e, Some(&Ty::full(Unit::Instant)))? {
            (_, Value::Int(at)) => Some(at),
            _ => None,
        }
    }

    /// `ip"10.0.0.1"` is an address, `ip"10.0.0.0/8"` a network; an address is also the network of itself.
    fn ip(&mut self, content: &str, content_span: Span, span: Span, wanted: Option<&Ty>) -> Expr {
        let read = if content.contains('/') {
            content.parse::<Cidr>().map(|c| (Value::Cidr(c), Ty::Cidr))
        } else {
            content.parse::<Ip>().map(|ip| match wanted {
                Some(Ty::Cidr) => (Value::Cidr(Cidr::new(ip, 128)), Ty::Cidr),
                _ => (Value::Ip(ip), Ty::Ip),
            })
        };
        match read {
            Ok((value, ty)) => Expr::constant(value, ty, span),
            Err(error) => {
                let kind = if content.contains('/') { "Cidr" } else { "Ip" };
                let found = catalog::literal_refused(kind).at(content_span, error.to_string());
                self.refuse(found, span)
            }
        }
    }

    /// `p"/v3/{rest}"` where a path is built: fixed segments and names in scope.
    fn path_template(&mut self, tagged: &Tagged, span: Span) -> Expr {
        let content = &*tagged.content;
        let at = |from: usize, to: usize| {
            let start = tagged.content_span.start;
            Span::new(span.file, start + from as u32, start + to as u32)
        };
        let Some(body) = content.strip_prefix('/') else {
            let found =
                catalog::literal_refused("Path").at(tagged.content_span, "a path begins with `/`");
            return self.refuse(found, span);
        };
        let mut parts = Vec::new();
        let mut offset = 1;
        for segment in body.split('/') {
            let place = at(offset, offset + segment.len());
            offset += segment.len() + 1;
            let last = offset > content.len();
            if let Some(name) = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
                let part = self.name(&ast::Symbol::from(name.trim()), place, None);
                match &part.ty {
                    Ty::Error => return Expr::error(span),
                    Ty::Path | Ty::Str { .. } => parts.push(part),
                    Ty::Opt(_) => {
                        return self.missing_answer(&part, "a part of a path is always there");
                    }
                    other => {
                        let shown = self.show(other);
                        let found = catalog::type_mismatch("String` or `Path", &shown)
                            .at(place, format!("this is `{shown}`"));
                        return self.refuse(found, span);
                    }
                }
            } else if segment.contains(['{', '}', '*']) {
                let found = patterns::pattern_as_value("p")
                    .at(place, "`*` and types stand right of `matches` only; here a path is built of segments and `{names}`");
                return self.refuse(found, span);
            } else if path::is_segment(segment) || (segment.is_empty() && last) {
                let ty = Ty::Str {
                    max: segment.len() as u32,
                    refined: None,
                };
                parts.push(Expr::constant(Value::str(segment), ty, place));
            } else {
                let found =
                    catalog::literal_refused("Path").at(place, "cannot be a segment of a path");
                return self.refuse(found, span);
            }
        }
        if parts
            .iter()
            .all(|p| matches!(p.kind, ExprKind::Const(_)) && p.ty != Ty::Path)
        {
            return Expr::constant(Value::str(content), Ty::Path, span);
        }
        Expr::new(ExprKind::PathJoin(parts), Ty::Path, span)
    }
}

/// The number times `10^decimals`, if that is whole.
/// A percentage in billionths of one, if it is not finer than that.
pub(crate) fn billionths(share: ast::Decimal) -> Option<i64> {
    scaled(share, 7).and_then(|v| i64::try_from(v).ok())
}

fn scaled(decimal: ast::Decimal, decimals: u32) -> Option<i128> {
    let (mantissa, scale) = (i128::from(decimal.mantissa), u32::from(decimal.scale));
    if scale <= decimals {
        return Some(mantissa * 10i128.pow(decimals - scale));
    }
    let one = 10i128.pow(scale - decimals);
    (mantissa % one == 0).then_some(mantissa / one)
}

/// The byte of a tagged text that an error speaks of, to its end.
pub(super) fn at_byte(tagged: &Tagged, at: usize) -> Span {
    let span = tagged.content_span;
    let mut start = at.min(tagged.content.len());
    while !tagged.content.is_char_boundary(start) {
        start -= 1;
    }
    Span::new(span.file, span.start + start as u32, span.end)
}
