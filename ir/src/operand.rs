//! The kinds of operand an instruction can have.

use std::fmt;

use crate::entities::{
    ConstId, DataId, FuncId, IndexId, NativeId, PatId, PlaceId, RuleSetId, SiteId, Val,
};
use crate::types::Type;

/// What every operand can do. Printing and parsing need the module (types have names) and stand in `text`.
pub trait Operand: fmt::Debug {
    /// Visits the values in it.
    fn vals(&self, _visit: &mut dyn FnMut(Val)) {}
    /// Visits the values in it to change them.
    fn vals_mut(&mut self, _visit: &mut dyn FnMut(&mut Val)) {}
    /// The operand as the kind it is.
    fn kind(&self) -> Kind<'_>;
}

/// Any operand, by kind; what the printer matches on.
#[derive(Clone, Copy, Debug)]
#[allow(
    missing_docs,
    reason = "each variant holds the operand kind of its name"
)]
pub enum Kind<'a> {
    Val(Val),
    Vals(&'a [Val]),
    Imm(i64),
    Fimm(f64),
    Flag(bool),
    Cc(Cc),
    Index(u32),
    Type(Type),
    Const(ConstId),
    Data(DataId),
    Pat(PatId),
    Func(FuncId),
    RuleSet(RuleSetId),
    RuleIndex(IndexId),
    Native(NativeId),
    Place(PlaceId),
    Site(SiteId),
}

/// Any number of values.
pub type Vals = Box<[Val]>;

/// An integer immediate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Imm(pub i64);

/// A truth-value immediate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Flag(pub bool);

/// The index of a field, variant or capture.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Index(pub u32);

/// A float immediate, compared by its bits (it is finite and never minus zero).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fimm(u64);

impl Fimm {
    /// The immediate of a finite float; minus zero becomes zero.
    pub fn new(value: f64) -> Fimm {
        Fimm((value + 0.0).to_bits())
    }

    /// The float.
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl fmt::Debug for Fimm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.get())
    }
}

/// A comparison.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cc {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
}

impl Cc {
    /// Every comparison.
    pub const ALL: [Cc; 6] = [Cc::Eq, Cc::Ne, Cc::Lt, Cc::Le, Cc::Gt, Cc::Ge];

    /// Its name in the text form.
    pub fn name(self) -> &'static str {
        match self {
            Cc::Eq => "eq",
            Cc::Ne => "ne",
            Cc::Lt => "lt",
            Cc::Le => "le",
            Cc::Gt => "gt",
            Cc::Ge => "ge",
        }
    }

    /// Its sign, for people.
    pub fn sign(self) -> &'static str {
        match self {
            Cc::Eq => "==",
            Cc::Ne => "!=",
            Cc::Lt => "<",
            Cc::Le => "<=",
            Cc::Gt => ">",
            Cc::Ge => ">=",
        }
    }

    /// The comparison that holds exactly when this one does not.
    pub fn negate(self) -> Cc {
        match self {
            Cc::Eq => Cc::Ne,
            Cc::Ne => Cc::Eq,
            Cc::Lt => Cc::Ge,
            Cc::Le => Cc::Gt,
            Cc::Gt => Cc::Le,
            Cc::Ge => Cc::Lt,
        }
    }

    /// The comparison with its operands exchanged.
    pub fn swap(self) -> Cc {
        match self {
            Cc::Eq => Cc::Eq,
            Cc::Ne => Cc::Ne,
            Cc::Lt => Cc::Gt,
            Cc::Le => Cc::Ge,
            Cc::Gt => Cc::Lt,
            Cc::Ge => Cc::Le,
        }
    }

    /// Whether it holds for operands that compare so.
    pub fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Cc::Eq => order.is_eq(),
            Cc::Ne => order.is_ne(),
            Cc::Lt => order.is_lt(),
            Cc::Le => order.is_le(),
            Cc::Gt => order.is_gt(),
            Cc::Ge => order.is_ge(),
        }
    }
}

macro_rules! immediates {
    ($($ty:ty => |$x:ident| $kind:expr;)*) => {$(
        impl Operand for $ty {
            fn kind(&self) -> Kind<'_> {
                let $x = *self;
                $kind
            }
        }
    )*};
}

immediates! {
    Imm => |x| Kind::Imm(x.0);
    Fimm => |x| Kind::Fimm(x.get());
    Flag => |x| Kind::Flag(x.0);
    Cc => |x| Kind::Cc(x);
    Index => |x| Kind::Index(x.0);
    Type => |x| Kind::Type(x);
    ConstId => |x| Kind::Const(x);
    DataId => |x| Kind::Data(x);
    PatId => |x| Kind::Pat(x);
    FuncId => |x| Kind::Func(x);
    RuleSetId => |x| Kind::RuleSet(x);
    IndexId => |x| Kind::RuleIndex(x);
    NativeId => |x| Kind::Native(x);
    PlaceId => |x| Kind::Place(x);
    SiteId => |x| Kind::Site(x);
}

impl Operand for Val {
    fn vals(&self, visit: &mut dyn FnMut(Val)) {
        visit(*self);
    }
    fn vals_mut(&mut self, visit: &mut dyn FnMut(&mut Val)) {
        visit(self);
    }
    fn kind(&self) -> Kind<'_> {
        Kind::Val(*self)
    }
}

impl Operand for Vals {
    fn vals(&self, visit: &mut dyn FnMut(Val)) {
        self.iter().for_each(|v| visit(*v));
    }
    fn vals_mut(&mut self, visit: &mut dyn FnMut(&mut Val)) {
        self.iter_mut().for_each(visit);
    }
    fn kind(&self) -> Kind<'_> {
        Kind::Vals(self)
    }
}
