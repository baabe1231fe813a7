//! The checker's types. A type carries what is proved of the value: the interval of a number, the greatest length of
//! a text, the bound of a list. "Fits" means that every value of the one is a value of the other.

use std::fmt;
use std::sync::Arc;

use tollgate_runtime::schema::{Currency, DATE_END, INSTANT_END, INT_MAX, PERCENT_MAX, STRING_MAX};

use crate::hir::{EnumId, RecordId, RefinementId};

/// What a whole-number type counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Nothing: `Int`.
    One,
    /// Microseconds: `Duration`.
    Duration,
    /// Microseconds since 1970: `Instant`.
    Instant,
    /// Days since 1970: `Date`.
    Date,
    /// Billionths: `Percent`.
    Percent,
    /// Minor units: `Money<C>`.
    Money(Currency),
}

/// An inclusive interval. Bounds are `i128`, so that the interval of any one operation on 64-bit intervals is exact; they
/// are aligned like 64-bit numbers, because every expression holds a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(Rust, packed(8))]
pub struct Interval {
    /// Least value.
    pub lo: i128,
    /// Greatest value; not below `lo`.
    pub hi: i128,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ty {
    /// The type of what was reported already; fits everywhere.
    Error,
    /// `Bool`
    Bool,
    /// `Int`, `Duration`, `Instant`, `Date`, `Percent`, `Money<C>`, with the interval that is proved.
    Num(Unit, Interval),
    /// `Float`
    Float,
    /// `String` of at most `max` bytes, perhaps of a `matching` type.
    Str {
        /// Most bytes.
        max: u32,
        /// The `type X = String matching …` it belongs to.
        refined: Option<RefinementId>,
    },
    /// `Bytes`
    Bytes {
        /// Most bytes.
        max: u32,
    },
    /// `Rate`
    Rate,
    /// `Ip`
    Ip,
    /// `Cidr`
    Cidr,
    /// `Path`
    Path,
    /// `Host`
    Host,
    /// `HeaderName`
    HeaderName,
    /// A time zone.
    Zone,
    /// `Key`
    Key,
    /// `Values`
    Values {
        /// Most values.
        max: u32,
    },
    /// The type of `none` alone: fits every optional.
    None,
    /// `T?`; never of an optional.
    Opt(Arc<Ty>),
    /// `[T ..n]`
    List(Arc<Ty>, u32),
    /// `{T ..n}`
    Set(Arc<Ty>, u32),
    /// `Map<K, V ..n>`
    Map(Arc<Ty>, Arc<Ty>, u32),
    /// The type of `[]` and `{}` alone: fits every list, set, map and `Values`.
    Empty,
    /// A record.
    Record(RecordId),
    /// An enum.
    Enum(EnumId),
}

impl Interval {
    /// Just one value.
    pub fn point(value: i128) -> Interval {
        Interval {
            lo: value,
            hi: value,
        }
    }

    /// From `lo` to `hi`, both included.
    pub fn new(lo: i128, hi: i128) -> Interval {
        debug_assert!(lo <= hi);
        Interval { lo, hi }
    }

    /// Whether every value of this is one of `other`.
    pub fn fits(self, other: Interval) -> bool {
        other.lo <= self.lo && self.hi <= other.hi
    }

    /// Whether every value fits 64 bits.
    pub fn fits_i64(self) -> bool {
        self.fits(Interval::new(i64::MIN.into(), i64::MAX.into()))
    }

    /// The smallest interval around both.
    #[must_use]
    pub fn join(self, other: Interval) -> Interval {
        Interval {
            lo: self.lo.min(other.lo),
            hi: self.hi.max(other.hi),
        }
    }

    /// What both have in common, if anything.
    pub fn meet(self, other: Interval) -> Option<Interval> {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        (lo <= hi).then_some(Interval { lo, hi })
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Interval { lo, hi } = *self;
        write!(f, "{lo} .. {hi}")
    }
}

impl Unit {
    /// The interval of a declared type of this unit without refinement.
    pub fn full(self) -> Interval {
        let max = i128::from(INT_MAX);
        match self {
            Unit::One | Unit::Duration | Unit::Money(_) => Interval::new(-max, max),
            Unit::Instant => Interval::new(0, i128::from(INSTANT_END) - 1),
            Unit::Date => Interval::new(0, i128::from(DATE_END) - 1),
            Unit::Percent => Interval::new(-i128::from(PERCENT_MAX), i128::from(PERCENT_MAX)),
        }
    }
}

impl Ty {
    /// `Int`, unrefined.
    pub fn int() -> Ty {
        Ty::full(Unit::One)
    }

    /// `Int in lo .. hi`.
    pub fn int_in(lo: i64, hi: i64) -> Ty {
        Ty::Num(Unit::One, Interval::new(lo.into(), hi.into()))
    }

    /// A whole-number type, unrefined.
    pub fn full(unit: Unit) -> Ty {
        Ty::Num(unit, unit.full())
    }

    /// `String`, unrefined.
    pub fn string() -> Ty {
        Ty::Str {
            max: STRING_MAX,
            refined: None,
        }
    }

    /// `T?`; an optional stays what it is.
    pub fn opt(of: Ty) -> Ty {
        match of {
            Ty::Opt(_) | Ty::None | Ty::Error => of,
            of => Ty::Opt(Arc::new(of)),
        }
    }

    /// Whether this is the type of something that was reported already.
    pub fn is_error(&self) -> bool {
        matches!(self, Ty::Error)
    }

    /// Whether a value of this type may be absent.
    pub fn is_optional(&self) -> bool {
        matches!(self, Ty::Opt(_) | Ty::None)
    }

    /// What an optional holds; the type itself otherwise.
    pub fn present(&self) -> &Ty {
        match self {
            Ty::Opt(of) => of,
            other => other,
        }
    }

    /// The interval of a number.
    pub fn interval(&self) -> Option<Interval> {
        if let Ty::Num(_, interval) = self {
            Some(*interval)
        } else {
            None
        }
    }

    /// Whether every value of this type is, as it is, a value of `other`. A `T` does not fit a `T?` as it is: the checker puts
    /// a `Some` around it (see [`crate::hir::ExprKind::Some`]).
    pub fn fits(&self, other: &Ty) -> bool {
        match (self, other) {
            (Ty::Error, _) | (_, Ty::Error) => true,
            (Ty::Num(u, a), Ty::Num(v, b)) => u == v && a.fits(*b),
            (Ty::Str { max: a, refined: r }, Ty::Str { max: b, refined: s }) => {
                a <= b && (s.is_none() || r == s)
            }
            (Ty::Bytes { max: a }, Ty::Bytes { max: b })
            | (Ty::Values { max: a }, Ty::Values { max: b }) => a <= b,
            (Ty::None, Ty::Opt(_)) => true,
            (Ty::Empty, Ty::List(..) | Ty::Set(..) | Ty::Map(..) | Ty::Values { .. }) => true,
            (Ty::Opt(a), Ty::Opt(b)) => a.fits(b),
            (Ty::List(a, m), Ty::List(b, n)) | (Ty::Set(a, m), Ty::Set(b, n)) => {
                a.fits(b) && m <= n
            }
            (Ty::Map(j, a, m), Ty::Map(k, b, n)) => j.fits(k) && a.fits(b) && m <= n,
            (a, b) => a == b,
        }
    }

    /// The smallest type that both fit, if they are of one kind. `T` and `U?` join to an optional.
    pub fn join(&self, other: &Ty) -> Option<Ty> {
        Some(match (self, other) {
            (Ty::Error, _) | (_, Ty::Error) => Ty::Error,
            (Ty::Num(u, a), Ty::Num(v, b)) if u == v => Ty::Num(*u, a.join(*b)),
            (Ty::Str { max: a, refined: r }, Ty::Str { max: b, refined: s }) => Ty::Str {
                max: *a.max(b),
                refined: if r == s { *r } else { None },
            },
            (Ty::Bytes { max: a }, Ty::Bytes { max: b }) => Ty::Bytes { max: *a.max(b) },
            (Ty::Values { max: a }, Ty::Values { max: b }) => Ty::Values { max: *a.max(b) },
            (Ty::None, Ty::None) => Ty::None,
            (Ty::Empty, b) if Ty::Empty.fits(b) => b.clone(),
            (a, Ty::Empty) if Ty::Empty.fits(a) => a.clone(),
            (Ty::None, b) => Ty::opt(b.clone()),
            (a, Ty::None) => Ty::opt(a.clone()),
            (Ty::Opt(a), b) => Ty::opt(a.join(b.present())?),
            (a, Ty::Opt(b)) => Ty::opt(a.join(b)?),
            (Ty::List(a, m), Ty::List(b, n)) => Ty::List(Arc::new(a.join(b)?), *m.max(n)),
            (Ty::Set(a, m), Ty::Set(b, n)) => Ty::Set(Arc::new(a.join(b)?), *m.max(n)),
            (Ty::Map(j, a, m), Ty::Map(k, b, n)) => {
                Ty::Map(Arc::new(j.join(k)?), Arc::new(a.join(b)?), *m.max(n))
            }
            (a, b) if a == b => a.clone(),
            _ => return None,
        })
    }
}

/// The names of declared types, which a `Ty` holds only by index.
pub trait TypeNames {
    /// A record's name.
    fn record(&self, id: RecordId) -> &str;
    /// An enum's name.
    fn enumeration(&self, id: EnumId) -> &str;
    /// The name of a `type X = String matching …`.
    fn refinement(&self, id: RefinementId) -> &str;
}

impl Ty {
    /// The type as an author writes it.
    pub fn show<'a>(&'a self, names: &'a dyn TypeNames) -> impl fmt::Display + 'a {
        Show(self, names)
    }
}

struct Show<'a>(&'a Ty, &'a dyn TypeNames);

impl fmt::Display for Show<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.1;
        match self.0 {
            Ty::Error => f.write_str("?"),
            Ty::Bool => f.write_str("Bool"),
            Ty::Num(unit, interval) => {
                match unit {
                    Unit::One => f.write_str("Int")?,
                    Unit::Duration => f.write_str("Duration")?,
                    Unit::Instant => f.write_str("Instant")?,
                    Unit::Date => f.write_str("Date")?,
                    Unit::Percent => f.write_str("Percent")?,
                    Unit::Money(currency) => write!(f, "Money<{currency}>")?,
                }
                if *interval == unit.full() || matches!(unit, Unit::Instant | Unit::Date) {
                    return Ok(());
                }
                let show = |v: i128| crate::types::literal(*unit, v);
                write!(f, " in {} .. {}", show(interval.lo), show(interval.hi))
            }
            Ty::Float => f.write_str("Float"),
            Ty::Str {
                refined: Some(id), ..
            } => f.write_str(names.refinement(*id)),
            Ty::Str { .. } => f.write_str("String"),
            Ty::Bytes { .. } => f.write_str("Bytes"),
            Ty::Rate => f.write_str("Rate"),
            Ty::Ip => f.write_str("Ip"),
            Ty::Cidr => f.write_str("Cidr"),
            Ty::Path => f.write_str("Path"),
            Ty::Host => f.write_str("Host"),
            Ty::HeaderName => f.write_str("HeaderName"),
            Ty::Zone => f.write_str("Zone"),
            Ty::Key => f.write_str("Key"),
            Ty::Values { .. } => f.write_str("Values"),
            Ty::None => f.write_str("none"),
            Ty::Opt(of) => write!(f, "{}?", Show(of, names)),
            Ty::List(of, n) => write!(f, "[{} ..{n}]", Show(of, names)),
            Ty::Set(of, n) => write!(f, "{{{} ..{n}}}", Show(of, names)),
            Ty::Map(k, v, n) => write!(f, "Map<{}, {} ..{n}>", Show(k, names), Show(v, names)),
            Ty::Empty => f.write_str("[]"),
            Ty::Record(id) => f.write_str(names.record(*id)),
            Ty::Enum(id) => f.write_str(names.enumeration(*id)),
        }
    }
}
