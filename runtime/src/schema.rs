//! What a type looks like from outside: the description that JSON, hosts and artifacts share.
//!
//! The compiler's own types are richer in some places and erased in others; a schema is exactly what is
//! needed to let a value in, make it canonical, and write it out again (LANGUAGE.md §7 and the reference's
//! page on the boundary). A schema can be written down and read again (serde); one that was read is asked for its [`Schema::flaw`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::pattern::Regex;
use crate::value::Value;

/// The largest magnitude of an unrefined `Int`: 2^53 − 1, what JSON carries exactly.
pub const INT_MAX: i64 = (1 << 53) - 1;
/// Billionths in 100%.
pub const PERCENT_ONE: i64 = 1_000_000_000;
/// The largest magnitude of a `Percent`: 10^6, that is 10^8 %.
pub const PERCENT_MAX: i64 = 1_000_000 * PERCENT_ONE;
/// The instants are 1970-01-01T00:00Z ..< 2200-01-01T00:00Z, in microseconds.
pub const INSTANT_END: i64 = 7_258_118_400_000_000;
/// The dates are days 0 ..< this since 1970-01-01 (the end is 2200-01-01).
pub const DATE_END: i64 = INSTANT_END / 86_400_000_000;
/// Bytes a declared `String` may have unless refined.
pub const STRING_MAX: u32 = 64 * 1024;
/// Bytes an intermediate `String` may have.
pub const STRING_LIMIT: u32 = 1024 * 1024;

/// An index into [`Schema::types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TypeId(pub u32);

/// A type as the boundary sees it. Bounds are inclusive.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A whole number between the bounds.
    Int {
        /// Least value.
        lo: i64,
        /// Greatest value.
        hi: i64,
    },
    /// A finite float.
    Float,
    /// Text of at most `max` bytes.
    Str {
        /// Most bytes.
        max: u32,
        /// The refinement it must satisfy, if any.
        matching: Option<Refinement>,
    },
    /// At most `max` bytes, base64 in JSON.
    Bytes {
        /// Most bytes.
        max: u32,
    },
    /// Microseconds between the bounds.
    Duration {
        /// Least value.
        lo: i64,
        /// Greatest value.
        hi: i64,
    },
    /// Microseconds since 1970, below [`INSTANT_END`].
    Instant,
    /// Days since 1970-01-01, below [`DATE_END`].
    Date,
    /// Billionths between the bounds.
    Percent {
        /// Least value.
        lo: i64,
        /// Greatest value.
        hi: i64,
    },
    /// A count per duration.
    Rate,
    /// Minor units between the bounds.
    Money {
        /// ISO 4217 code, such as `SGD`.
        currency: Currency,
        /// Least value.
        lo: i64,
        /// Greatest value.
        hi: i64,
    },
    /// An address.
    Ip,
    /// A network.
    Cidr,
    /// A canonical path.
    Path,
    /// A canonical host.
    Host,
    /// A header name, lower case.
    HeaderName,
    /// A time zone by its IANA name.
    Zone,
    /// A key made by `key(…)`.
    Key,
    /// Zero or more texts: a header or query parameter.
    Values {
        /// Most values.
        max: u32,
        /// Most bytes a value.
        max_bytes: u32,
    },
    /// A value or nothing.
    Opt(TypeId),
    /// A list of at most `max` elements.
    List {
        /// Element type.
        of: TypeId,
        /// Most elements.
        max: u32,
    },
    /// A set of at most `max` elements.
    Set {
        /// Element type.
        of: TypeId,
        /// Most elements.
        max: u32,
    },
    /// A map of at most `max` entries.
    Map {
        /// Key type.
        key: TypeId,
        /// Value type.
        value: TypeId,
        /// Most entries.
        max: u32,
    },
    /// An index into [`Schema::records`].
    Record(u32),
    /// An index into [`Schema::enums`].
    Enum(u32),
}

/// A named refinement of text: the whole text must match.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refinement {
    /// The type's name, for errors.
    pub name: Arc<str>,
    /// The pattern; its source, where a schema is written down.
    #[serde(with = "source_of_regex")]
    pub regex: Arc<Regex>,
}

/// An ISO 4217 currency code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Currency(pub [u8; 3]);

/// A field of a record or of a variant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Field {
    /// The name in source and in JSON.
    pub name: Arc<str>,
    /// Its type.
    pub ty: TypeId,
    /// What a record without the field gets; an optional field without one gets `none`.
    pub default: Option<Value>,
}

/// A record type.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Its name.
    pub name: Arc<str>,
    /// Its fields, in source order.
    pub fields: Vec<Field>,
    /// The contract of its `boundary` item, or the default one.
    pub boundary: Boundary,
}

/// One variant of an enum.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Variant {
    /// Its name.
    pub name: Arc<str>,
    /// Its fields, in source order.
    pub fields: Vec<Field>,
}

/// An enum type.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Enum {
    /// Its name.
    pub name: Arc<str>,
    /// The JSON key that holds the variant's name, for an enum declared with `tag "…"`.
    pub tag: Option<Arc<str>>,
    /// Its variants, in source order; a value's tag is the index here.
    pub variants: Vec<Variant>,
}

/// How the canonical types inside a record are made (the `boundary` item).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boundary {
    /// How paths are made canonical.
    pub path: PathPolicy,
    /// How hosts are made canonical.
    pub host: HostPolicy,
    /// Most values one header may have.
    pub header_values: u32,
    /// Most bytes one header value may have.
    pub header_bytes: u32,
    /// Most bytes of a body.
    pub body_bytes: u64,
    /// How many proxies in front are trusted to tell the client's address.
    pub trusted_proxies: u32,
}

/// What to do with `.` and `..` segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DotSegments {
    /// Refuse the path.
    Reject,
    /// Remove them as RFC 3986 §5.2.4 does; a path that climbs above the root is refused.
    Resolve,
}

/// How a `Path` is made canonical (RFC 3986 §6). Always: percent-decoded exactly once, encoded slashes,
/// backslashes and control characters refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathPolicy {
    /// `.` and `..` segments.
    pub dot_segments: DotSegments,
    /// Whether runs of slashes become one (otherwise they are refused).
    pub merge_slashes: bool,
    /// Whether ASCII letters become lower case.
    pub lower_case: bool,
}

/// How a `Host` is made canonical (RFC 9110 §7.2). Always lower case, without port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPolicy {
    /// Whether names in other scripts are mapped to their `xn--` form (otherwise they are refused).
    pub idna: bool,
}

impl Default for Boundary {
    fn default() -> Self {
        Boundary {
            path: PathPolicy {
                dot_segments: DotSegments::Reject,
                merge_slashes: true,
                lower_case: false,
            },
            host: HostPolicy { idna: true },
            header_values: 64,
            header_bytes: 8 * 1024,
            body_bytes: 1024 * 1024,
            trusted_proxies: 0,
        }
    }
}

/// All types that the entries of a program mention.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Schema {
    /// Types by [`TypeId`].
    pub types: Vec<Type>,
    /// Record types.
    pub records: Vec<Record>,
    /// Enum types.
    pub enums: Vec<Enum>,
}

/// How far [`Schema::flaw`] is with a type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Walk {
    New,
    Open,
    Done,
}

impl Schema {
    /// The type behind an id.
    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }

    /// The fields of a decision's first parameter that are its id and its time, where that is a record with a field `id` of text
    /// or `time` that is an instant.
    pub fn decision_inputs(&self, params: &[Field]) -> (Option<usize>, Option<usize>) {
        let first = params.first().and_then(|p| match self.get(p.ty) {
            Type::Record(record) => self.records.get(*record as usize),
            _ => None,
        });
        let field = |name: &str, wanted: fn(&Type) -> bool| {
            let is_it = |f: &Field| &*f.name == name && wanted(self.get(f.ty));
            first?.fields.iter().position(is_it)
        };
        (
            field("id", |ty| matches!(ty, Type::Str { .. })),
            field("time", |ty| matches!(ty, Type::Instant)),
        )
    }

    /// What is wrong with a schema that did not come from the checker, such as one of a damaged artifact: an index out of
    /// range, an optional of an optional, or a type that contains itself. Everything else here may rely on a schema without flaw.
    ///
    /// Costs time linear in the schema, and no stack.
    ///
    /// ```
    /// use tollgate_runtime::schema::{Schema, Type, TypeId};
    /// let mut schema = Schema::default();
    /// schema.add(Type::List { of: TypeId(7), max: 1 });
    /// assert_eq!(schema.flaw().unwrap(), "type 0 mentions type 7, which does not exist");
    /// ```
    pub fn flaw(&self) -> Option<String> {
        for (i, ty) in self.types.iter().enumerate() {
            match ty {
                Type::Record(r) if self.records.get(*r as usize).is_none() => {
                    return Some(format!(
                        "type {i} mentions record {r}, which does not exist"
                    ));
                }
                Type::Enum(e) if self.enums.get(*e as usize).is_none() => {
                    return Some(format!("type {i} mentions enum {e}, which does not exist"));
                }
                Type::Opt(of) if matches!(self.types.get(of.0 as usize), Some(Type::Opt(_))) => {
                    return Some(format!("type {i} is an optional of an optional"));
                }
                _ => {}
            }
            let parts = self.parts(ty);
            if let Some(part) = parts.iter().find(|p| p.0 as usize >= self.types.len()) {
                let part = part.0;
                return Some(format!(
                    "type {i} mentions type {part}, which does not exist"
                ));
            }
        }
        // Depth first; a type is open while what it contains is being walked.
        let mut state = vec![Walk::New; self.types.len()];
        for start in 0..self.types.len() {
            let mut stack = vec![start];
            while let Some(&at) = stack.last() {
                match state[at] {
                    Walk::New => {
                        state[at] = Walk::Open;
                        for part in self.parts(&self.types[at]) {
                            match state[part.0 as usize] {
                                Walk::New => stack.push(part.0 as usize),
                                Walk::Open => {
                                    return Some(format!("type {} contains itself", part.0));
                                }
                                Walk::Done => {}
                            }
                        }
                    }
                    Walk::Open | Walk::Done => {
                        state[at] = Walk::Done;
                        stack.pop();
                    }
                }
            }
        }
        None
    }

    /// The types a type is directly made of.
    fn parts(&self, ty: &Type) -> Vec<TypeId> {
        let of_fields = |fields: &[Field]| fields.iter().map(|f| f.ty).collect::<Vec<_>>();
        match ty {
            Type::Opt(of) | Type::List { of, .. } | Type::Set { of, .. } => vec![*of],
            Type::Map { key, value, .. } => vec![*key, *value],
            Type::Record(r) => self
                .records
                .get(*r as usize)
                .map_or_else(Vec::new, |r| of_fields(&r.fields)),
            Type::Enum(e) => self.enums.get(*e as usize).map_or_else(Vec::new, |e| {
                e.variants
                    .iter()
                    .flat_map(|v| of_fields(&v.fields))
                    .collect()
            }),
            _ => Vec::new(),
        }
    }

    /// Adds a type.
    pub fn add(&mut self, ty: Type) -> TypeId {
        self.types.push(ty);
        TypeId(self.types.len() as u32 - 1)
    }
}

impl Type {
    /// What a type is called where a value of it is wanted: of a host's own types, and in JSON.
    pub(crate) fn words(&self) -> (&'static str, &'static str) {
        match self {
            Type::Bool => ("true or false", "true or false"),
            Type::Int { .. } => (
                "a whole number",
                "a whole number, without fraction or exponent",
            ),
            Type::Float => ("a float", "a number"),
            Type::Str { .. } => ("a text", "a text"),
            Type::Bytes { .. } => ("bytes", "a text in base64"),
            Type::Duration { .. } => ("a duration", "a duration such as \"1h30m\""),
            Type::Instant => ("an instant", "an instant such as \"2026-11-01T00:00:00Z\""),
            Type::Date => ("a date", "a date such as \"2026-11-01\""),
            Type::Percent { .. } => ("a percentage", "a percentage such as \"0.5%\""),
            Type::Rate => ("a rate", "a rate such as \"100 per 1s\""),
            Type::Money { .. } => ("an amount of money", "an amount such as \"4.00 SGD\""),
            Type::Ip => ("an address", "an address"),
            Type::Cidr => ("a network", "a network"),
            Type::Path => ("a path", "a path"),
            Type::Host => ("a host", "a host"),
            Type::HeaderName => ("a header name", "a header name"),
            Type::Zone => ("a time zone", "a time zone"),
            Type::Key => ("a key", "a text"),
            Type::Values { .. } => ("several texts", "an array of texts"),
            Type::Opt(_) => ("a value or nothing", "one value"),
            Type::List { .. } => ("a list", "an array"),
            Type::Set { .. } => ("a set", "an array without duplicates"),
            Type::Map { .. } => ("a map", "an object"),
            Type::Record(_) => ("a record", "an object"),
            Type::Enum(_) => ("a variant", "the name of a variant, or an object with it"),
        }
    }
}

/// A regular expression is written as its source.
mod source_of_regex {
    use std::sync::Arc;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::pattern::Regex;

    pub(super) fn serialize<S: Serializer>(regex: &Arc<Regex>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(regex.text())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Regex>, D::Error> {
        let source = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Regex::parse(&source)
            .map(Arc::new)
            .map_err(D::Error::custom)
    }
}

impl Currency {
    /// The code as text.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// How many decimals the currency's amounts are written with (ISO 4217).
    pub fn decimals(&self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl std::fmt::Debug for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(types: Vec<Type>) -> Schema {
        Schema {
            types,
            ..Schema::default()
        }
    }

    #[test]
    fn flaws_are_found() {
        let list = |of| Type::List {
            of: TypeId(of),
            max: 1,
        };
        assert_eq!(
            schema(vec![Type::Bool, list(0), list(0), list(1)]).flaw(),
            None
        );
        let flaw = |types| schema(types).flaw().unwrap();
        assert_eq!(
            flaw(vec![Type::Record(0)]),
            "type 0 mentions record 0, which does not exist"
        );
        assert_eq!(
            flaw(vec![Type::Enum(1)]),
            "type 0 mentions enum 1, which does not exist"
        );
        assert_eq!(
            flaw(vec![Type::Bool, Type::Opt(TypeId(0)), Type::Opt(TypeId(1))]),
            "type 2 is an optional of an optional"
        );
        assert_eq!(flaw(vec![list(0)]), "type 0 contains itself");
        assert_eq!(
            flaw(vec![list(1), list(2), list(0)]),
            "type 0 contains itself"
        );
    }

    #[test]
    fn a_type_used_twice_is_no_cycle() {
        let mut s = schema(vec![Type::Bool, Type::Record(0), Type::Record(1)]);
        let field = |ty| Field {
            name: "f".into(),
            ty: TypeId(ty),
            default: None,
        };
        let record = |fields| Record {
            name: "R".into(),
            fields,
            boundary: Boundary::default(),
        };
        s.records = vec![
            record(vec![field(0), field(0)]),
            record(vec![field(1), field(0), field(1)]),
        ];
        assert_eq!(s.flaw(), None);
        s.records[0].fields.push(field(2));
        assert!(s.flaw().unwrap().ends_with("contains itself"));
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let types = (0..200_000).map(|i| Type::List {
            of: TypeId(i + 1),
            max: 1,
        });
        let s = schema(types.chain([Type::Bool]).collect());
        assert_eq!(s.flaw(), None);
    }
}
