//! Natives: functions of the language that are written in Rust.
//!
//! A native is one row of a `natives!` table in the standard library; this is what the row becomes. The
//! checker reads its types, the folder and every engine call the same function, the reference renders
//! its documentation, and its examples run as tests on every engine.

use crate::cx::Cx;
use crate::word::Word;

/// The function behind a native. `args` has exactly one word a parameter, of the declared types.
pub type NativeFn = for<'a> fn(cx: &Cx<'a>, args: &[Word<'a>]) -> Word<'a>;

/// A type in a native's signature: the language's types, written in Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeType {
    /// `Bool`
    Bool,
    /// `Int in lo .. hi`
    Int {
        /// Least value.
        lo: i64,
        /// Greatest value.
        hi: i64,
    },
    /// `Float`
    Float,
    /// `String` of at most `max` bytes.
    Str {
        /// Most bytes.
        max: u32,
    },
    /// `Bytes`
    Bytes,
    /// `Duration`
    Duration,
    /// `Instant`
    Instant,
    /// `Date`
    Date,
    /// `Percent`, billionths between the bounds
    Percent {
        /// Least value.
        lo: i64,
        /// Greatest value.
        hi: i64,
    },
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
    /// A time zone
    Zone,
    /// `Key`
    Key,
    /// `Values`
    Values,
    /// `T?`
    Opt(&'static NativeType),
    /// `[T ..max]`
    List(&'static NativeType, u32),
}

/// What kind of predicate a native is, so that a rule-set index can use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeClass {
    /// Nothing the index knows.
    Opaque,
    /// `(text, prefix) -> Bool`
    Prefix,
    /// `(text, suffix) -> Bool`
    Suffix,
    /// `(text, part) -> Bool`
    Contains,
}

/// A parameter of a native.
#[derive(Clone, Copy, Debug)]
pub struct NativeParam {
    /// Its name, usable as a label.
    pub name: &'static str,
    /// Its type.
    pub ty: NativeType,
}

/// An example that is documentation and test at once: `source` evaluates to `true`-equal `result`,
/// both written in the language.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// An expression.
    pub source: &'static str,
    /// The literal it must equal.
    pub result: &'static str,
}

/// A function of the language that is written in Rust. Total, pure, deterministic.
#[derive(Debug)]
pub struct Native {
    /// The module it belongs to, such as `std.text`.
    pub module: &'static str,
    /// Its name in the language; unique over all modules.
    pub name: &'static str,
    /// Documentation, from the row's doc comment.
    pub doc: &'static str,
    /// Parameters.
    pub params: &'static [NativeParam],
    /// Result.
    pub result: NativeType,
    /// Steps of the worst case, at the largest arguments.
    pub cost: u32,
    /// What the rule-set index may know of it.
    pub class: NativeClass,
    /// Examples.
    pub examples: &'static [Example],
    /// The function.
    pub call: NativeFn,
}
