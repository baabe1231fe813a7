//! # What this is
//!
//! The workloads that Tollgate is measured on, and is compared with other engines on: rules and requests, made from a seed.
//!
//! # What goes in and comes out
//!
//! A family, a number of rules and a [`Profile`] of traffic go in; a [`Workload`] comes out: rules and requests as plain Rust
//! values, the rules as text in Tollgate's language, a request as a line of JSON, and what must be decided about it.
//!
//! ```
//! use tollgate_workloads::{Answer, Profile, gateway};
//! let workload = gateway(10, 100, Profile::First);
//! assert!(workload.source().contains("rule r9"));
//! assert_eq!(workload.reference(&workload.requests[0]), Answer::One(Some(0)));
//! ```
//!
//! # Invariants
//!
//! - The same arguments give the same bytes, on every machine and in every run.
//! - What must be decided is found by asking one rule after the other, and by nothing cleverer.
//! - Rules are conjunctions of [`Atom`]s, so that every engine can be given the same ones in its own words.
//!
//! # Where to start reading
//!
//! [`Workload`]; then `gateway.rs`, the family that is easiest to picture.
//!
//! # What it must not know
//!
//! Tollgate, other engines, clocks.

#![forbid(unsafe_code)]

mod adversarial;
mod campaign;
mod gateway;
mod github;
mod json;
mod reference;
mod seed;
mod shed;
mod single;
mod source;
mod traffic;

use std::net::Ipv4Addr;

pub use adversarial::adversarial;
pub use campaign::{campaign, campaign_even};
pub use gateway::gateway;
pub use github::github;
pub use shed::shed;
pub use single::single;
pub use traffic::Profile;

/// Rules, requests, and how the rules become one answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Workload {
    /// The family, such as `gateway`.
    pub family: &'static str,
    /// The traffic that the requests are.
    pub profile: Profile,
    /// What a request consists of.
    pub fields: Vec<Field>,
    /// In the order in which they are asked.
    pub rules: Vec<Rule>,
    /// How answers are made.
    pub policy: Policy,
    /// Each has a value for every field.
    pub requests: Vec<Request>,
}

/// How rules that match become an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// The first decides.
    First,
    /// All do.
    All,
    /// Their weights are summed; a request is shed when the sum is less than `100 · (1 − load³)`, where the integer field of
    /// this number is the load in percent.
    Shed {
        /// Of the load.
        load: usize,
    },
}

/// A part of a request.
#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// What a field holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Kind {
    /// An HTTP method.
    Method,
    /// The name of a host, lower case.
    Host,
    /// A path that begins with a slash, canonical.
    Path,
    /// An IPv4 address.
    Ip,
    /// Any text.
    Text,
    /// A text that may be missing: a header.
    Header,
    /// One of a few names.
    Enum {
        /// What the enum is called.
        name: &'static str,
        /// Its variants.
        variants: Vec<String>,
    },
    /// An integer between two bounds, both included.
    Int(i64, i64),
    /// True or false.
    Bool,
}

/// A conjunction, and what it weighs where weights are summed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// In the order in which a person would write them.
    pub atoms: Vec<Atom>,
    /// For [`Policy::Shed`].
    pub weight: i64,
}

/// A question about one field. A header that is missing answers every question with no.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Atom {
    /// The field, by number.
    pub field: usize,
    /// The question.
    pub test: Test,
}

/// A question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Test {
    /// Is it this text (method, host, variant)?
    Is(String),
    /// Is it another text?
    IsNot(String),
    /// Is it one of these texts?
    OneOf(Vec<String>),
    /// Does the path lie under this one? The prefix has no slash at its end; no request is for the prefix itself.
    Under(String),
    /// Has the path these segments?
    Segments(Vec<Segment>),
    /// Does the text hold a match of this expression?
    Holds(String),
    /// Does the address lie in this network?
    Inside(Ipv4Addr, u8),
    /// Is the integer at least this?
    AtLeast(i64),
    /// Does the integer lie between these two, both included?
    Between(i64, i64),
    /// Is it true?
    True,
}

/// A segment of a path pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Segment {
    /// This text.
    Literal(String),
    /// Any one segment.
    Any,
    /// One segment that holds this text between two others, neither empty.
    Around(String),
    /// All that remains, if anything.
    Rest,
}

/// A value of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// Of every kind that is a text.
    Text(String),
    /// Of [`Kind::Ip`].
    Ip(Ipv4Addr),
    /// Of [`Kind::Int`].
    Int(i64),
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// A header that the request does not have.
    Missing,
}

/// A value for every field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request(pub Vec<Value>);

/// What is decided: rules are numbered from zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// [`Policy::First`].
    One(Option<u32>),
    /// [`Policy::All`], in the order of the rules.
    Many(Vec<u32>),
    /// [`Policy::Shed`].
    Shed(bool),
}

impl Workload {
    /// `gateway-1000`; without the number where the family has one size only.
    pub fn name(&self) -> String {
        match self.family {
            "single" | "shed" | "github" => self.family.into(),
            family => format!("{family}-{}", self.rules.len()),
        }
    }
}

impl Rule {
    fn of(atoms: impl IntoIterator<Item = (usize, Test)>) -> Rule {
        let atoms = atoms.into_iter().map(|(field, test)| Atom { field, test });
        Rule {
            atoms: atoms.collect(),
            weight: 0,
        }
    }
}

impl Value {
    /// The text of a text; nothing for other values.
    pub fn text(&self) -> &str {
        match self {
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// The number of a number; zero for other values.
    pub fn int(&self) -> i64 {
        match self {
            Value::Int(n) => *n,
            _ => 0,
        }
    }
}

fn field(name: impl Into<String>, kind: Kind) -> Field {
    Field {
        name: name.into(),
        kind,
    }
}

fn variants(name: &'static str, count: usize) -> Kind {
    let stem = name.to_lowercase();
    Kind::Enum {
        name,
        variants: (0..count).map(|i| format!("{stem}{i}")).collect(),
    }
}
