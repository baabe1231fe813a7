//! Natives: functions of the language that are written in Rust.
//!
//! A native is one row of a `natives!` table in the standard library; this is what the row becomes. The
//! checker reads its types, the folder and every engine call the same function, the reference renders
//! its documentation, and its examples run as tests on every engine.

pub mod ty;

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
    /// Whether the body names the context. One that does not is a function of its arguments, which a compiler may call.
    pub context: bool,
    /// The function.
    pub call: NativeFn,
}

impl Native {
    /// The first sentence of the documentation.
    pub fn summary(&self) -> &'static str {
        self.doc
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty())
            .unwrap_or("")
    }
}

/// Declares natives, one row each: doc comment, examples, signature, cost, class, and a body in typed Rust.
///
/// The types are those of [`ty`](crate::native::ty). The row becomes a function of that name, for Rust, and an entry of the
/// static `NATIVES`, for the language; the entry unpacks its words by the types of the signature and packs the result, which
/// also keeps the result inside its declared bounds. A body that needs the arena or the decision's id names the context in
/// brackets behind `fn`.
///
/// ```
/// tollgate_runtime::natives! {
///     module "std.demo";
///
///     /// Whether `s` begins with `prefix`.
///     #[example(r#"begins("abc", "a")"# => "true")]
///     fn begins(s: Text, prefix: Text) -> Bool, cost 8, class Prefix {
///         s.starts_with(prefix)
///     }
///
///     /// The text twice.
///     #[example(r#"twice("ab")"# => r#""abab""#)]
///     fn [cx] twice(s: Str<100>) -> Str<200>, cost 8, class Opaque {
///         cx.arena.concat(&[s, s])
///     }
/// }
///
/// use tollgate_runtime::{Arena, Cx, Word};
/// let arena = Arena::new();
/// let cx = Cx::new(&arena, "", 0);
/// assert_eq!((NATIVES[1].call)(&cx, &[Word::Str("ab")]), Word::Str("abab"));
/// ```
#[macro_export]
macro_rules! natives {
    (
        module $module:literal;
        $(
            $(#[doc = $doc:literal])+
            $(#[example($source:literal => $expect:literal)])+
            fn $([$cx:ident])? $name:ident ( $($param:ident : $ty:ty),* $(,)? ) -> $result:ty,
            cost $cost:literal, class $class:ident
            $body:block
        )*
    ) => {
        #[allow(unused_imports)]
        use $crate::native::ty::*;

        $(
            $(#[doc = $doc])+
            #[allow(clippy::needless_lifetimes)]
            pub fn $name<'a>(
                $crate::natives!(@cx $($cx)?): &$crate::Cx<'a>,
                $($param: <$ty as $crate::native::ty::Ty>::Rust<'a>),*
            ) -> <$result as $crate::native::ty::Ty>::Rust<'a> $body
        )*

        /// The rows of this file, in its order.
        pub static NATIVES: &[&$crate::Native] = &[
            $({
                fn call<'a>(cx: &$crate::Cx<'a>, args: &[$crate::Word<'a>]) -> $crate::Word<'a> {
                    #[allow(unused_mut, unused_variables)]
                    let mut args = args.iter().copied();
                    $(
                        let $param = <$ty as $crate::native::ty::Ty>::unpack(
                            args.next().unwrap_or($crate::Word::None),
                        );
                    )*
                    <$result as $crate::native::ty::Ty>::pack($name(cx, $($param),*))
                }
                static ROW: $crate::Native = $crate::Native {
                    module: $module,
                    name: stringify!($name),
                    doc: concat!($($doc, "\n"),+),
                    params: &[$($crate::native::NativeParam {
                        name: stringify!($param),
                        ty: <$ty as $crate::native::ty::Ty>::TYPE,
                    }),*],
                    result: <$result as $crate::native::ty::Ty>::TYPE,
                    cost: $cost,
                    class: $crate::native::NativeClass::$class,
                    examples: &[$($crate::native::Example { source: $source, result: $expect }),+],
                    context: !stringify!($($cx)?).is_empty(),
                    call,
                };
                &ROW
            }),*
        ];
    };
    (@cx $cx:ident) => { $cx };
    (@cx) => { _ };
}
