//! Patterns: what a value must look like.

use tollgate_ir::operand::Cc;
use tollgate_runtime::Value;

use super::CmpKind;
use super::ids::LocalId;

/// What a value must look like.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// `_`
    Any,
    /// A name that binds.
    Bind(LocalId),
    /// A value, compared by structure.
    Value(Value),
    /// A comparison with a value, as [`ExprKind::Compare`](super::ExprKind::Compare).
    Compare(CmpKind, Cc, Value),
    /// Whole numbers from the first to the second, both included.
    Range(i64, i64),
    /// `{a, b}`: one of them.
    OneOf(Vec<Pattern>),
    /// A variant, and what fields of it must look like.
    Variant {
        /// The variant.
        tag: u32,
        /// Fields by index; those not named may be anything.
        fields: Vec<(u32, Pattern)>,
    },
    /// A list of exactly these.
    List(Vec<Pattern>),
    /// An address in a network.
    InCidr(tollgate_runtime::kinds::net::Cidr),
    /// An absent optional.
    None,
    /// A present optional and what it must look like.
    Some(Box<Pattern>),
}
