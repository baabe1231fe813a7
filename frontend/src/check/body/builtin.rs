//! The checker's own functions: those whose result depends on the types, intervals and lengths of their arguments in
//! a way that no signature can say. Everything else is a native or a function of the library.

use tollgate_grammar::ast;
use tollgate_grammar::source::Span;
use tollgate_ir::operand::Cc;
use tollgate_runtime::Value;
use tollgate_runtime::schema::{PERCENT_ONE, STRING_LIMIT};

use super::super::Body;
use super::arguments::Given;
use super::call::native_type;
use super::fit::present;
use crate::diagnostics::catalog::{names as unknowns, numbers, types as catalog};
use crate::hir::{BinOp, CmpKind, Expr, ExprKind, Pattern, UnOp};
use crate::types::ty::{Interval, Ty, Unit};

/// A call of a builtin: its arguments, already typed and present.
pub(super) struct Site {
    pub(super) name: &'static str,
    pub(super) args: Vec<Expr>,
    pub(super) span: Span,
}

/// A builtin.
pub(super) struct Builtin {
    name: &'static str,
    params: &'static [&'static str],
    /// Whether the last parameter may be given again and again.
    many: bool,
    typing: fn(&mut Body<'_, '_>, Site) -> Expr,
}

macro_rules! builtins {
    ($($name:ident($($param:ident),*) $($many:ident)?;)*) => {
        const BUILTINS: &[Builtin] = &[$(Builtin {
            name: stringify!($name),
            params: &[$(stringify!($param)),*],
            many: matches!(stringify!($($many)?).as_bytes(), b"many"),
            typing: |body, site| body.$name(site),
        }),*];
    };
}

builtins! {
    len(of);
    contains(text, part);
    concat(a, b) many;
    truncate(text, bytes);
    clamp(value, low, high);
    min(a, b) many;
    max(a, b) many;
    abs(value);
    round(value);
    div(a, b);
    r#mod(a, b);
    cube(value);
    hash(value);
    key(part) many;
    jitter(low, high);
    to_float(value);
}

/// The builtin of that name.
pub(super) fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|b| b.plain() == name)
}

/// The names of all builtins.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(Builtin::plain)
}

impl Builtin {
    fn plain(&self) -> &'static str {
        self.name.trim_start_matches("r#")
    }
}

impl Body<'_, '_> {
    pub(super) fn builtin(
        &mut self,
        builtin: &'static Builtin,
        call: &ast::Call,
        span: Span,
        hint: Option<&Ty>,
    ) -> Expr {
        let name = builtin.plain();
        let count = call.args.len() + usize::from(call.receiver.is_some());
        let mut names = builtin.params.to_vec();
        if builtin.many {
            // Further ones have no name of their own.
            names.resize(count.max(names.len()), "");
        }
        let (given, mut fine) = self.arrange(
            name,
            &names,
            call.receiver.as_ref().map(Given::Written),
            &call.args,
            None,
        );
        let missing: Vec<String> = given
            .iter()
            .zip(&names)
            .filter(|(g, _)| g.is_none())
            .map(|(_, n)| format!("`{n}`"))
            .collect();
        if fine && !missing.is_empty() {
            let list = missing.join(", ");
            let found =
                catalog::missing_argument(name, &list).at(span, format!("{list} not given"));
            self.checker.sink.emit(found);
        }
        fine &= missing.is_empty();
        // What is made a float is none yet.
        let float = hint.filter(|_| name != "to_float").map(Ty::present);
        let float = float.filter(|h| **h == Ty::Float);
        let mut args: Vec<Expr> = Vec::new();
        for arg in given.into_iter().flatten() {
            let first = args.first().map(|a| a.ty.clone());
            let arg = match arg {
                Given::Written(arg) => self.infer(arg, first.as_ref().or(float)),
                Given::Typed(arg) => arg,
            };
            fine &= !arg.ty.is_error();
            if arg.ty.is_optional() && fine {
                self.missing_answer(&arg, &format!("`{name}` takes a value that is there"));
                fine = false;
            }
            args.push(arg);
        }
        if !fine {
            return Expr::error(span);
        }
        (builtin.typing)(self, Site { name, args, span })
    }

    /// An argument is of no type that the builtin is for.
    pub(super) fn wrong_argument(&mut self, site: &Site, index: usize, wanted: &str) -> Expr {
        let arg = &site.args[index];
        let shown = self.show(&arg.ty);
        let found =
            catalog::wrong_argument(site.name, wanted).at(arg.span, format!("this is `{shown}`"));
        self.refuse(found, site.span)
    }

    /// A call of a native of the library.
    pub(super) fn call_native(
        &mut self,
        name: &str,
        args: Vec<Expr>,
        ty: Option<Ty>,
        span: Span,
    ) -> Expr {
        let Some(native) = self.native(name) else {
            let found =
                unknowns::unknown_name(name).at(span, "the library at hand has no such native");
            return self.refuse(found, span);
        };
        let ty = ty.unwrap_or_else(|| native_type(native.result));
        Expr::new(ExprKind::Native(native, args), ty, span)
    }

    fn len(&mut self, mut site: Site) -> Expr {
        let ty = match &site.args[0].ty {
            Ty::List(_, n) | Ty::Set(_, n) | Ty::Map(_, _, n) | Ty::Values { max: n } => {
                Ty::int_in(0, (*n).into())
            }
            Ty::Empty => Ty::int_in(0, 0),
            Ty::Str { max, .. } => {
                let ty = Ty::int_in(0, (*max).into());
                return self.call_native("text_len", site.args, Some(ty), site.span);
            }
            Ty::Bytes { max } => {
                let ty = Ty::int_in(0, (*max).into());
                return self.call_native("bytes_len", site.args, Some(ty), site.span);
            }
            _ => return self.wrong_argument(&site, 0, "a text, bytes or a collection"),
        };
        Expr::new(ExprKind::Len(Box::new(site.args.remove(0))), ty, site.span)
    }

    fn contains(&mut self, mut site: Site) -> Expr {
        let (over, item) = (site.args[0].ty.clone(), site.args[1].ty.clone());
        match (&over, &item) {
            (Ty::Str { .. }, Ty::Str { .. }) => {
                self.call_native("text_contains", site.args, None, site.span)
            }
            (Ty::Str { .. }, _) => self.wrong_argument(&site, 1, "a text"),
            (Ty::List(of, _) | Ty::Set(of, _), item) if of.join(item).is_some() => {
                let item = site.args.remove(1);
                let over = site.args.remove(0);
                let kind = ExprKind::Contains(Box::new(over), Box::new(item));
                Expr::new(kind, Ty::Bool, site.span)
            }
            (Ty::Values { .. }, Ty::Str { .. }) => {
                let item = site.args.remove(1);
                let over = site.args.remove(0);
                let kind = ExprKind::Contains(Box::new(over), Box::new(item));
                Expr::new(kind, Ty::Bool, site.span)
            }
            (Ty::List(..) | Ty::Set(..) | Ty::Values { .. }, _) => {
                self.wrong_argument(&site, 1, "an element of the first")
            }
            _ => self.wrong_argument(&site, 0, "a text or a collection"),
        }
    }

    fn concat(&mut self, site: Site) -> Expr {
        let mut length = 0u64;
        for (i, arg) in site.args.iter().enumerate() {
            match &arg.ty {
                Ty::Str { max, .. } => length += u64::from(*max),
                _ => {
                    return self.wrong_argument(
                        &site,
                        i,
                        "texts; others become one by `text_of_…`",
                    );
                }
            }
        }
        if length > STRING_LIMIT.into() {
            let found = catalog::text_too_long(STRING_LIMIT)
                .at(site.span, format!("this can have {length} bytes"))
                .help("cut the longest part: `truncate(part, 1_000)`");
            return self.refuse(found, site.span);
        }
        let mut parts = site.args.into_iter();
        let Some(mut whole) = parts.next() else {
            return Expr::error(site.span);
        };
        for part in parts {
            let max = [&whole.ty, &part.ty].into_iter().map(text_max).sum();
            let ty = Ty::Str { max, refined: None };
            whole = match (whole.value(), part.value()) {
                (Some(Value::Str(a)), Some(Value::Str(b))) => {
                    Expr::constant(Value::str(format!("{a}{b}")), ty, site.span)
                }
                _ => self.call_native("concat2", vec![whole, part], Some(ty), site.span),
            };
        }
        whole.span = site.span;
        whole
    }

    fn truncate(&mut self, site: Site) -> Expr {
        let Ty::Str {
            max,
            refined: None | Some(_),
        } = site.args[0].ty
        else {
            return self.wrong_argument(&site, 0, "a text");
        };
        match site.args[1].ty {
            Ty::Num(Unit::One, n) if n.lo >= 0 && n.hi <= STRING_LIMIT.into() => {
                let max = max.min(n.hi as u32);
                let ty = Ty::Str { max, refined: None };
                self.call_native("truncate", site.args, Some(ty), site.span)
            }
            _ => self.wrong_argument(&site, 1, "a number of bytes from 0 to 1 MiB"),
        }
    }

    /// Whether all arguments are whole numbers of one unit.
    pub(super) fn one_unit(&mut self, site: &Site) -> Result<Unit, Expr> {
        let Ty::Num(unit, _) = site.args[0].ty else {
            return Err(self.wrong_argument(
                site,
                0,
                "whole numbers, durations, percentages or amounts",
            ));
        };
        match site
            .args
            .iter()
            .position(|a| !matches!(a.ty, Ty::Num(u, _) if u == unit))
        {
            None => Ok(unit),
            Some(index) => {
                let first = self.show(&Ty::full(unit));
                Err(self.wrong_argument(
                    site,
                    index,
                    &format!("arguments of one type, here `{first}`"),
                ))
            }
        }
    }

    fn min(&mut self, site: Site) -> Expr {
        self.extreme(BinOp::IntMin, site)
    }

    fn max(&mut self, site: Site) -> Expr {
        self.extreme(BinOp::IntMax, site)
    }

    fn extreme(&mut self, op: BinOp, site: Site) -> Expr {
        let unit = match self.one_unit(&site) {
            Ok(unit) => unit,
            Err(reported) => return reported,
        };
        let mut parts = site.args.into_iter();
        let first = parts.next().unwrap_or_else(|| Expr::error(site.span));
        parts.fold(first, |a, b| self.whole(op, unit, a, b, site.span))
    }

    /// Between two bounds; the lower one wins should they cross.
    fn clamp(&mut self, site: Site) -> Expr {
        let unit = match self.one_unit(&site) {
            Ok(unit) => unit,
            Err(reported) => return reported,
        };
        if let (Some(lo), Some(hi)) = (site.args[1].value(), site.args[2].value())
            && lo > hi
        {
            let found = numbers::crossed_bounds().at(
                site.args[1].span.to(site.args[2].span),
                "the lower bound is above the upper",
            );
            return self.refuse(found, site.span);
        }
        let span = site.span;
        let [value, lo, hi] = match <[Expr; 3]>::try_from(site.args) {
            Ok(args) => args,
            Err(_) => return Expr::error(span),
        };
        let below = self.whole(BinOp::IntMin, unit, value, hi, span);
        self.whole(BinOp::IntMax, unit, below, lo, span)
    }

    fn abs(&mut self, mut site: Site) -> Expr {
        match site.args[0].ty {
            Ty::Num(unit @ (Unit::One | Unit::Duration | Unit::Percent | Unit::Money(_)), _) => {
                self.unary_whole(UnOp::IntAbs, unit, site.args.remove(0), site.span)
            }
            _ => self.wrong_argument(&site, 0, "a whole number, duration, percentage or amount"),
        }
    }

    fn round(&mut self, mut site: Site) -> Expr {
        match site.args[0].ty {
            Ty::Num(Unit::Percent, _) => {
                self.unary_whole(UnOp::Round, Unit::One, site.args.remove(0), site.span)
            }
            _ => self.wrong_argument(&site, 0, "a percentage; `round(350%)` is 4"),
        }
    }

    #[allow(
        clippy::wrong_self_convention,
        reason = "the methods have the names of the builtins they type"
    )]
    fn to_float(&mut self, mut site: Site) -> Expr {
        match site.args[0].ty {
            Ty::Num(Unit::One, _) => {
                let kind = ExprKind::Unary(UnOp::ToFloat, Box::new(site.args.remove(0)));
                Expr::new(kind, Ty::Float, site.span)
            }
            _ => self.wrong_argument(&site, 0, "a whole number"),
        }
    }

    /// `div(a, b)`: `none` when `b` is zero.
    fn div(&mut self, mut site: Site) -> Expr {
        let span = site.span;
        let b = site.args.pop().unwrap_or_else(|| Expr::error(span));
        let a = site.args.pop().unwrap_or_else(|| Expr::error(span));
        match (&a.ty, &b.ty) {
            (Ty::Float, Ty::Float) => {
                let zero = Expr::constant(Value::Float(0.0), Ty::Float, span);
                self.guarded(a, b, zero, CmpKind::Float, |_, a, b| {
                    Expr::new(
                        ExprKind::Binary(BinOp::FloatDiv, Box::new(a), Box::new(b)),
                        Ty::Float,
                        span,
                    )
                })
            }
            (Ty::Num(ua, _), Ty::Num(ub, interval)) => {
                let Some((op, unit)) = super::operator::units(ast::BinaryOp::Div, *ua, *ub) else {
                    return self.wrong_argument(
                        &Site {
                            name: site.name,
                            args: vec![a, b],
                            span,
                        },
                        1,
                        "a divisor that fits the dividend",
                    );
                };
                let ub = *ub;
                // What is left when zero is taken away; in the middle it cannot be taken out of an interval.
                let parts = [(1, interval.hi), (interval.lo, -1)].map(|(lo, hi)| Interval {
                    lo: lo.max(interval.lo),
                    hi: hi.min(interval.hi),
                });
                if *interval == Interval::point(0) {
                    // There is no quotient; the narrowest type says the least about what `??` makes of it.
                    let quotient = Ty::Num(unit, Interval::point(0));
                    return Expr::constant(Value::None, Ty::opt(quotient), span);
                }
                let zero = Expr::constant(Value::Int(0), Ty::Num(ub, Interval::point(0)), span);
                self.guarded(a, b, zero, CmpKind::Int, |body, a, b| {
                    let mut quotient = Expr::error(span);
                    let mut ty: Option<Ty> = None;
                    for part in parts.into_iter().filter(|p| p.lo <= p.hi) {
                        let b = Expr {
                            ty: Ty::Num(ub, part),
                            ..b.clone()
                        };
                        quotient = body.whole(op, unit, a.clone(), b, span);
                        ty = match ty {
                            Some(ty) => ty.join(&quotient.ty),
                            None => Some(quotient.ty.clone()),
                        };
                    }
                    quotient.ty = ty.unwrap_or(Ty::Error);
                    quotient
                })
            }
            (Ty::Num(..) | Ty::Float, _) => self.wrong_argument(
                &Site {
                    name: site.name,
                    args: vec![a, b],
                    span,
                },
                1,
                "a number like the first",
            ),
            _ => self.wrong_argument(
                &Site {
                    name: site.name,
                    args: vec![a, b],
                    span,
                },
                0,
                "numbers",
            ),
        }
    }

    /// `if b != zero then op(a, b) else none`, with `b` evaluated once.
    fn guarded(
        &mut self,
        a: Expr,
        b: Expr,
        zero: Expr,
        kind: CmpKind,
        op: impl FnOnce(&mut Self, Expr, Expr) -> Expr,
    ) -> Expr {
        let at = b.span;
        let local = self.fresh("divisor", at, b.ty.clone());
        let divisor = Expr::new(ExprKind::Local(local), b.ty.clone(), at);
        let bind = Expr::new(ExprKind::Let(local, Box::new(b)), Ty::Bool, at);
        let compare = ExprKind::Compare(kind, Cc::Ne, Box::new(divisor.clone()), Box::new(zero));
        let test = Expr::new(compare, Ty::Bool, at);
        let quotient = op(self, a, divisor);
        if quotient.ty.is_error() {
            return quotient;
        }
        let (span, ty) = (quotient.span, Ty::opt(quotient.ty.clone()));
        let condition = Expr::new(ExprKind::And(vec![bind, test]), Ty::Bool, at);
        let none = Expr::constant(Value::None, ty.clone(), span);
        let kind = ExprKind::If(
            Box::new(condition),
            Box::new(present(quotient)),
            Box::new(none),
        );
        Expr::new(kind, ty, span)
    }

    fn r#mod(&mut self, mut site: Site) -> Expr {
        let unit = match self.one_unit(&site) {
            Ok(unit) => unit,
            Err(reported) => return reported,
        };
        let divisor = site.args.remove(1);
        let zero = divisor
            .ty
            .interval()
            .is_some_and(|i| i.lo <= 0 && i.hi >= 0);
        if zero {
            let (text, shown) = (self.text_of(divisor.span), self.show(&divisor.ty));
            let found = numbers::may_divide_by_zero()
                .at(divisor.span, format!("this is `{shown}`, which may be zero"))
                .suggest("let it be at least one", divisor.span, format!("max({text}, {})", crate::types::literal(unit, 1)))
                .help(format!("or prove it: `{text} > 0 and …` to the left, or a type such as `Int in 1 .. 100`"));
            return self.refuse(found, site.span);
        }
        self.whole(BinOp::IntMod, unit, site.args.remove(0), divisor, site.span)
    }

    fn cube(&mut self, mut site: Site) -> Expr {
        let span = site.span;
        let value = site.args.remove(0);
        let op = match value.ty {
            Ty::Num(Unit::One, _) => Some((BinOp::IntMul, Unit::One)),
            Ty::Num(Unit::Percent, _) => Some((BinOp::PercentMul, Unit::Percent)),
            Ty::Float => None,
            _ => {
                site.args.push(value);
                return self.wrong_argument(&site, 0, "a whole number, a percentage or a float");
            }
        };
        // Bound once, so that it is evaluated once.
        let local = self.fresh("value", value.span, value.ty.clone());
        let x = || Expr::new(ExprKind::Local(local), value.ty.clone(), value.span);
        let product = match op {
            Some((op, unit)) => {
                let square = self.whole(op, unit, x(), x(), span);
                if square.ty.is_error() {
                    return square;
                }
                let cube = self.whole(op, unit, square, x(), span);
                if let (Some(i), Some(r)) = (value.ty.interval(), cube.ty.interval()) {
                    // x³ rises with x, which the interval of x² · x does not know.
                    let one = if unit == Unit::Percent {
                        i128::from(PERCENT_ONE)
                    } else {
                        1
                    };
                    let exact = |v: i128| {
                        let square = super::interval::half_even(v * v, one);
                        super::interval::half_even(square * v, one)
                    };
                    let i = Interval::new(exact(i.lo), exact(i.hi));
                    Expr {
                        ty: Ty::Num(unit, i.meet(r).unwrap_or(r)),
                        ..cube
                    }
                } else {
                    cube
                }
            }
            None => {
                let times = |a, b| {
                    Expr::new(
                        ExprKind::Binary(BinOp::FloatMul, Box::new(a), Box::new(b)),
                        Ty::Float,
                        span,
                    )
                };
                times(times(x(), x()), x())
            }
        };
        let ty = product.ty.clone();
        if ty.is_error() {
            return product;
        }
        Expr::new(
            ExprKind::Match(Box::new(value), vec![(Pattern::Bind(local), product)]),
            ty,
            span,
        )
    }
}

fn text_max(ty: &Ty) -> u32 {
    if let Ty::Str { max, .. } = ty {
        *max
    } else {
        0
    }
}
