//! Types as written become types as meant.

use std::sync::Arc;

use tollgate_grammar::ast::{self, Literal, TypeKind};
use tollgate_grammar::source::Span;
use tollgate_runtime::Value;
use tollgate_runtime::schema::Currency;

use super::size;
use crate::check::names::did_you_mean;
use crate::check::suggest::closest;
use crate::check::{Checker, Def, ModuleId};
use crate::diagnostics::catalog::{items, names};
use crate::types::literal;
use crate::types::ty::{Interval, Ty, Unit};

/// Elements of a list, set or map whose type does not say `..n`: enough for what stands in a request, few enough that a
/// loop over them has a price one can pay.
pub(crate) const DEFAULT_BOUND: u32 = 1024;
/// The most that `..n` may say.
pub(crate) const MAX_BOUND: u32 = 10_000_000;
/// Values of one header or query parameter; the boundary lets no more in.
pub(crate) const VALUES_BOUND: u32 = 64;
/// Bytes of a `Bytes`.
const BYTES_MAX: u32 = 1024 * 1024;

/// A type's name, and the type.
type Plain = (&'static str, fn() -> Ty);

/// The types of the language that take no arguments.
const PLAIN: &[Plain] = &[
    ("Bool", || Ty::Bool),
    ("Int", Ty::int),
    ("Float", || Ty::Float),
    ("String", Ty::string),
    ("Bytes", || Ty::Bytes { max: BYTES_MAX }),
    ("Duration", || Ty::full(Unit::Duration)),
    ("Instant", || Ty::full(Unit::Instant)),
    ("Date", || Ty::full(Unit::Date)),
    ("Percent", || Ty::full(Unit::Percent)),
    ("Rate", || Ty::Rate),
    ("Ip", || Ty::Ip),
    ("Cidr", || Ty::Cidr),
    ("Path", || Ty::Path),
    ("Host", || Ty::Host),
    ("HeaderName", || Ty::HeaderName),
    ("Zone", || Ty::Zone),
    ("Key", || Ty::Key),
    ("Values", || Ty::Values { max: VALUES_BOUND }),
];

/// Whether the language itself has a type of this name.
pub(crate) fn is_builtin(name: &str) -> bool {
    matches!(name, "Money" | "Map") || PLAIN.iter().any(|(plain, _)| *plain == name)
}

impl Checker<'_> {
    /// The type that is meant; what is wrong with it is reported, and its type is then [`Ty::Error`].
    pub(crate) fn resolve_type(&mut self, module: ModuleId, ty: &ast::Type) -> Ty {
        match &ty.kind {
            TypeKind::Error => Ty::Error,
            TypeKind::Named(named) => self.named_type(module, named, ty.span),
            TypeKind::Optional(of) => {
                let inner = self.resolve_type(module, of);
                if inner.is_optional() {
                    let found = items::nested_optional().at(ty.span, "a `?` too many").fix(
                        "leave it out",
                        of.span.after().to(ty.span.after()),
                        "",
                    );
                    self.sink.emit(found);
                }
                Ty::opt(inner)
            }
            TypeKind::List(list) => {
                let of = self.resolve_type(module, &list.element);
                let bound = self.bound(module, list.bound.as_ref());
                size::collection(self, Ty::List(Arc::new(of), bound), ty.span)
            }
            TypeKind::Set(set) => {
                let of = self.resolve_type(module, &set.element);
                let bound = self.bound(module, set.bound.as_ref());
                size::collection(self, Ty::Set(Arc::new(of), bound), ty.span)
            }
            TypeKind::InRange(parts) => {
                let (base, range) = &**parts;
                let base_ty = self.resolve_type(module, base);
                self.refine(module, base_ty, base.span, range)
            }
            TypeKind::Matching(_) => {
                self.sink.emit(
                    items::unnamed_refinement()
                        .at(ty.span, "this text type has no name")
                        .help(
                            "declare `type Name = String matching re\"…\"` and write `Name` here",
                        ),
                );
                Ty::Error
            }
        }
    }

    fn named_type(&mut self, module: ModuleId, named: &ast::NamedType, span: Span) -> Ty {
        let name = &*named.name.text;
        match name {
            "Money" => return self.money(named, span),
            "Map" => {
                let map = self.map(module, named, span);
                return size::collection(self, map, span);
            }
            _ => {}
        }
        let known = is_builtin(name) || self.lookup(module, name).is_some();
        if known && (!named.args.is_empty() || named.bound.is_some()) {
            self.sink.emit(
                items::type_arguments(format!("`{name}` takes no arguments"))
                    .at(span, "only `Money<C>` and `Map<K, V ..n>` take some")
                    .fix("leave them out", span, name),
            );
            return Ty::Error;
        }
        if let Some((_, make)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
            return make();
        }
        match self.lookup(module, name).map(|entry| entry.def.clone()) {
            Some(Def::Record(id)) => Ty::Record(id),
            Some(Def::Enum(id)) => Ty::Enum(id),
            Some(Def::Alias(ty)) => ty,
            Some(Def::Refinement(id)) => Ty::Str {
                max: self.program.refinements[id].max,
                refined: Some(id),
            },
            Some(Def::Error) => Ty::Error,
            Some(other) => {
                let found = items::not_a_type(name, other.noun());
                self.sink.emit(found.at(span, "a type is expected here"));
                Ty::Error
            }
            None => {
                let meant = self.suggest_type(module, name);
                let found = names::unknown_type(name).at(span, "no type of this name");
                let place = named.name.span;
                self.sink.emit(did_you_mean(found, place, meant.as_deref()));
                Ty::Error
            }
        }
    }

    fn suggest_type(&self, module: ModuleId, name: &str) -> Option<String> {
        // What people call these elsewhere.
        let known_as = match name {
            "bool" | "Boolean" | "boolean" => Some("Bool"),
            "int" | "integer" | "Integer" | "Number" | "i64" | "u64" | "u32" | "i32" | "Long" => {
                Some("Int")
            }
            "double" | "Double" | "f64" | "float" | "Decimal" => Some("Float"),
            "str" | "string" | "Text" | "text" => Some("String"),
            "Timestamp" | "DateTime" | "Time" | "timestamp" => Some("Instant"),
            "IpAddr" | "IP" | "IpAddress" => Some("Ip"),
            "Network" | "Subnet" | "CIDR" => Some("Cidr"),
            "Url" | "URL" | "Uri" => Some("Path"),
            _ => None,
        };
        let own = || self.suggest(module, name, Def::is_type);
        let builtin = || {
            let plain = PLAIN.iter().map(|(plain, _)| *plain);
            closest(name, plain.chain(["Money", "Map"]))
        };
        known_as
            .map(str::to_owned)
            .or_else(own)
            .or_else(|| builtin().map(str::to_owned))
    }

    fn money(&mut self, named: &ast::NamedType, span: Span) -> Ty {
        let code = match &*named.args {
            [
                ast::Type {
                    kind: TypeKind::Named(arg),
                    ..
                },
            ] if arg.args.is_empty() => Some((&*arg.name.text, arg.name.span)),
            [
                ast::Type {
                    kind: TypeKind::Error,
                    ..
                },
            ] => return Ty::Error,
            _ => None,
        };
        let Some((code, place)) = code else {
            self.sink.emit(
                items::type_arguments("`Money` needs its currency")
                    .at(span, "money of which currency?")
                    .help("write the three letters of ISO 4217: `Money<SGD>`"),
            );
            return Ty::Error;
        };
        match ast::Currency::new(code) {
            Some(_) => {
                let mut letters = [0; 3];
                letters.copy_from_slice(code.as_bytes());
                Ty::full(Unit::Money(Currency(letters)))
            }
            None => {
                let upper = code.to_ascii_uppercase();
                let found = items::bad_currency(code).at(place, "not three capital letters");
                let meant = ast::Currency::new(&upper).map(|_| upper);
                self.sink.emit(did_you_mean(found, place, meant.as_deref()));
                Ty::Error
            }
        }
    }

    fn map(&mut self, module: ModuleId, named: &ast::NamedType, span: Span) -> Ty {
        let [key, value] = &*named.args else {
            if !named.args.iter().any(|a| matches!(a.kind, TypeKind::Error)) {
                self.sink.emit(
                    items::type_arguments("`Map` needs the types of its keys and values")
                        .at(span, "expected two types")
                        .help("write `Map<Key, Value ..1000>`"),
                );
            }
            return Ty::Error;
        };
        let key_ty = self.resolve_type(module, key);
        let value_ty = self.resolve_type(module, value);
        let bound = self.bound(module, named.bound.as_ref());
        if !is_key(&key_ty) {
            let shown = key_ty.show(&self.program).to_string();
            self.sink.emit(
                items::bad_map_key(shown)
                    .at(key.span, "cannot be a key")
                    .note("keys are texts, whole numbers, addresses, `Key`s or variants without fields: JSON writes a key as text"),
            );
            return Ty::Error;
        }
        Ty::Map(Arc::new(key_ty), Arc::new(value_ty), bound)
    }

    /// What `..n` says; [`DEFAULT_BOUND`] without it.
    fn bound(&mut self, module: ModuleId, bound: Option<&ast::Expr>) -> u32 {
        let Some(e) = bound else {
            return DEFAULT_BOUND;
        };
        let Some(n) = self.number(module, e, Unit::One) else {
            return DEFAULT_BOUND;
        };
        match u32::try_from(n) {
            Ok(n) if n <= MAX_BOUND => n,
            _ => {
                let found = items::bad_bound(n, MAX_BOUND);
                self.sink.emit(found.at(e.span, "this bound"));
                DEFAULT_BOUND
            }
        }
    }

    /// `base in lo .. hi`
    fn refine(&mut self, module: ModuleId, base: Ty, base_span: Span, range: &ast::Range) -> Ty {
        let (unit, full) = match base {
            Ty::Error => return Ty::Error,
            Ty::Num(unit, full) if !matches!(unit, Unit::Instant | Unit::Date) => (unit, full),
            other => {
                let shown = other.show(&self.program).to_string();
                self.sink.emit(
                    items::bad_range_base(shown)
                        .at(base_span, "has no range")
                        .note("`in a .. b` narrows `Int`, `Duration`, `Percent` and `Money<C>`"),
                );
                return Ty::Error;
            }
        };
        // Who got the kind of one end wrong got both wrong; one report is enough.
        let ends = self.number(module, &range.low, unit);
        let ends = ends.and_then(|lo| Some((lo, self.number(module, &range.high, unit)?)));
        let Some((lo, hi)) = ends else {
            return Ty::Error;
        };
        let hi = hi - i128::from(!range.inclusive);
        if lo > hi {
            let found = items::empty_range().at(range.span, "no value lies in it");
            let reversed = range.inclusive.then(|| {
                let (a, b) = (self.text(range.high.span), self.text(range.low.span));
                format!("{a} .. {b}")
            });
            self.sink.emit(match reversed {
                Some(text) => found.suggest("swap the ends", range.span, text),
                None => found,
            });
            return Ty::Error;
        }
        let interval = Interval::new(lo, hi);
        if !interval.fits(full) {
            let (least, most) = (literal(unit, full.lo), literal(unit, full.hi));
            self.sink
                .emit(items::range_too_wide(least, most).at(range.span, "reaches beyond"));
            return Ty::Num(unit, interval.meet(full).unwrap_or(full));
        }
        Ty::Num(unit, interval)
    }

    /// A number of a type: a literal, or a constant's name.
    fn number(&mut self, module: ModuleId, e: &ast::Expr, unit: Unit) -> Option<i128> {
        let wanted = |checker: &mut Self, what: &str| {
            let kind = Ty::full(unit).show(&checker.program).to_string();
            let found = items::bad_type_number(kind).at(e.span, what.to_owned());
            checker.sink.emit(found);
            None
        };
        match &e.kind {
            ast::ExprKind::Error => None,
            ast::ExprKind::Literal(lit) => match (number_of(lit, unit), lit) {
                (Some(value), _) => Some(value),
                (None, Literal::Percent(_)) if unit == Unit::Percent => {
                    wanted(self, "percentages have at most seven decimals here")
                }
                (None, Literal::Money(m)) if matches!(unit, Unit::Money(c) if c.0 == code(m.currency)) => {
                    wanted(self, "more decimals than the currency has")
                }
                _ => {
                    let kind = Ty::full(unit).show(&self.program).to_string();
                    wanted(self, &format!("not a constant of type `{kind}`"))
                }
            },
            ast::ExprKind::Unary(ast::UnaryOp::Neg, operand) => {
                Some(-self.number(module, operand, unit)?)
            }
            ast::ExprKind::Name(name) => match self.lookup(module, name).map(|e| e.def.clone()) {
                Some(Def::Const(constant)) => match (&constant.ty, &constant.value) {
                    (Ty::Num(u, _), Value::Int(value)) if *u == unit => Some((*value).into()),
                    (Ty::Error, _) => None,
                    _ => wanted(self, "a constant of another type"),
                },
                Some(Def::Error) => None,
                Some(_) => wanted(self, "not a constant"),
                None => {
                    let is_const = |def: &Def| matches!(def, Def::Const(_));
                    let meant = self.suggest(module, name, is_const);
                    let found = names::unknown_name(name).at(e.span, "no constant of this name");
                    self.sink
                        .emit(did_you_mean(found, e.span, meant.as_deref()));
                    None
                }
            },
            _ => wanted(self, "neither a literal nor the name of a constant"),
        }
    }
}

/// Whether a map can have such keys.
fn is_key(ty: &Ty) -> bool {
    matches!(
        ty,
        Ty::Error
            | Ty::Bool
            | Ty::Num(..)
            | Ty::Str { .. }
            | Ty::Ip
            | Ty::Cidr
            | Ty::Path
            | Ty::Host
            | Ty::HeaderName
            | Ty::Zone
            | Ty::Key
            | Ty::Enum(_)
    )
}

fn code(currency: ast::Currency) -> [u8; 3] {
    let mut letters = [0; 3];
    letters.copy_from_slice(currency.as_str().as_bytes());
    letters
}

/// The count of a literal in a unit, if it is exact and of that unit.
fn number_of(lit: &Literal, unit: Unit) -> Option<i128> {
    match (lit, unit) {
        (Literal::Int(n) | Literal::Size(n), Unit::One) => Some((*n).into()),
        (Literal::Duration(n), Unit::Duration) => Some((*n).into()),
        // A billionth is the ninth decimal of the number, the seventh of the percentage.
        (Literal::Percent(d), Unit::Percent) => scaled(*d, 7),
        (Literal::Money(m), Unit::Money(c)) if c.0 == code(m.currency) => {
            scaled(m.amount, c.decimals())
        }
        _ => None,
    }
}

/// `d` times ten to the `decimals`, if that is whole.
fn scaled(d: ast::Decimal, decimals: u32) -> Option<i128> {
    let scale = u32::from(d.scale);
    let mantissa = i128::from(d.mantissa);
    if scale <= decimals {
        return mantissa.checked_mul(10i128.pow(decimals - scale));
    }
    let divisor = 10i128.pow(scale - decimals);
    (mantissa % divisor == 0).then(|| mantissa / divisor)
}
