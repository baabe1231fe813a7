//! The boundary: everything that enters is checked against the schema, made canonical and laid out as words.
//!
//! There is one reader over any deserializer of serde; JSON ([`crate::json`]) and typed values of a host
//! ([`crate::facts`]) both go through it, so both are held to the same rules and refused with the same words.
//! It goes from the deserializer straight to words in the arena; no tree stands between.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write as _};

use serde::de::{DeserializeSeed, Deserializer};

use crate::arena::Arena;
use crate::schema::{Boundary, Field, Schema, Type, TypeId};
use crate::word::Word;

mod fields;
mod hold;
pub(crate) mod leaf;
mod names;
mod read;

pub(crate) use read::boundary_of;

/// Most bytes of a value that a refusal quotes.
const QUOTE_MAX: usize = 48;

/// Why an input is refused: which field, what it held, and what rule it broke.
///
/// ```
/// use tollgate_runtime::schema::{Schema, Type};
/// use tollgate_runtime::{Arena, json};
/// let mut schema = Schema::default();
/// let percent = schema.add(Type::Int { lo: 0, hi: 100 });
/// let list = schema.add(Type::List { of: percent, max: 8 });
/// let refusal = json::decode(&schema, list, b"[7, 101]", &Arena::new()).unwrap_err();
/// assert_eq!(refusal.to_string(), "[1] = 101: it must lie in 0 .. 100");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where: `client.ip`, `headers["x-role"][0]`; empty for the input as a whole.
    pub path: String,
    /// What stood there, as JSON, cut short; empty where nothing stood.
    pub value: String,
    /// The rule it breaks.
    pub reason: String,
    /// The byte of the input at or before which it was noticed, where the input is text.
    pub offset: Option<usize>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.path.is_empty() {
            "the input"
        } else {
            &self.path
        })?;
        if !self.value.is_empty() {
            write!(f, " = {}", self.value)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for Refusal {}

/// A value that was let in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decoded<'a> {
    /// The value.
    pub word: Word<'a>,
    /// How many keys were ignored because no field has their name.
    pub ignored: u64,
}

/// Several parameters that were let in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Params<'a> {
    /// One word a parameter, in their order.
    pub words: &'a [Word<'a>],
    /// How many keys were ignored because neither a parameter nor a field has their name.
    pub ignored: u64,
}

/// What a reading of one input shares.
pub(crate) struct Reader<'s, 'a> {
    schema: &'s Schema,
    arena: &'a Arena,
    /// Whether numbers may stand for what counts in units (durations, instants, money): a host's values, not JSON.
    typed: bool,
    ignored: Cell<u64>,
    refusal: RefCell<Option<Refusal>>,
}

impl<'s, 'a> Reader<'s, 'a> {
    pub(crate) fn new(schema: &'s Schema, arena: &'a Arena, typed: bool) -> Self {
        Reader {
            schema,
            arena,
            typed,
            ignored: Cell::new(0),
            refusal: RefCell::new(None),
        }
    }

    /// Reads one value of a type; `None` when it is refused, which [`Reader::refusal`] then tells.
    pub(crate) fn value<'de, D: Deserializer<'de>>(
        &self,
        ty: TypeId,
        place: &Place<'_>,
        limits: &'s Boundary,
        input: D,
    ) -> Result<Word<'a>, D::Error> {
        let seed = read::Seed::new(self, ty, place, limits);
        let word = seed.deserialize(input)?;
        seed.present(word)
    }

    /// Reads an object whose keys are the names of `fields`.
    pub(crate) fn fields<'de, D: Deserializer<'de>>(
        &self,
        fields: &'s [Field],
        limits: &'s Boundary,
        input: D,
    ) -> Result<&'a [Word<'a>], D::Error> {
        fields::FieldsSeed::new(self, fields, &Place::ROOT, limits).deserialize(input)
    }

    /// What a field without a value gets: its default, `none`, no values; or `None` when it is required.
    /// A `null` on an optional field is `none`, also where the default is something.
    pub(crate) fn absent(&self, field: &Field, null: bool) -> Option<Word<'a>> {
        match (&field.default, self.schema.get(field.ty)) {
            (_, Type::Opt(_)) if null => Some(Word::None),
            (Some(value), _) => Some(value.word(self.arena)),
            (None, Type::Opt(_)) => Some(Word::None),
            (None, Type::Values { .. }) => Some(Word::Seq(&[])),
            (None, _) => None,
        }
    }

    pub(crate) fn schema(&self) -> &'s Schema {
        self.schema
    }

    pub(crate) fn arena(&self) -> &'a Arena {
        self.arena
    }

    /// Counts keys that no field has the name of.
    pub(crate) fn ignore(&self, keys: u64) {
        self.ignored.set(self.ignored.get() + keys);
    }

    pub(crate) fn ignored(&self) -> u64 {
        self.ignored.get()
    }

    /// What was refused; when only the deserializer itself failed, `reason` says why.
    pub(crate) fn refusal(&self, reason: impl FnOnce() -> String) -> Refusal {
        self.refusal.take().unwrap_or_else(|| Refusal {
            path: String::new(),
            value: String::new(),
            reason: reason(),
            offset: None,
        })
    }

    /// Keeps the first refusal.
    pub(crate) fn refuse(&self, place: &Place<'_>, value: String, reason: String) {
        let mut refusal = self.refusal.borrow_mut();
        if refusal.is_none() {
            let mut path = String::new();
            place.write(&mut path);
            *refusal = Some(Refusal {
                path,
                value,
                reason,
                offset: None,
            });
        }
    }
}

/// Where in the input the reader stands: a list on the stack, rendered only when something is refused.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    up: Option<&'p Place<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
pub(crate) enum Step<'p> {
    Root,
    Field(&'p str),
    Key(Word<'p>),
    Index(usize),
}

impl<'p> Place<'p> {
    pub(crate) const ROOT: Place<'static> = Place {
        up: None,
        step: Step::Root,
    };

    pub(crate) fn then(&'p self, step: Step<'p>) -> Place<'p> {
        Place {
            up: Some(self),
            step,
        }
    }

    fn write(&self, out: &mut String) {
        if let Some(up) = self.up {
            up.write(out);
        }
        let written = match self.step {
            Step::Root => Ok(()),
            Step::Field(name) if out.is_empty() => out.write_str(name),
            Step::Field(name) => write!(out, ".{name}"),
            Step::Key(Word::Str(key)) => write!(out, "[{}]", quote(key)),
            Step::Key(key) => write!(out, "[{key}]"),
            Step::Index(i) => write!(out, "[{i}]"),
        };
        debug_assert!(written.is_ok());
    }
}

/// A text as JSON, cut short.
pub(crate) fn quote(text: &str) -> String {
    let cut = &text[..text.floor_char_boundary(QUOTE_MAX)];
    let mut out = String::new();
    crate::json::write_text(&mut out, cut);
    if cut.len() < text.len() {
        out.pop();
        out.push_str("\u{2026}\"");
    }
    out
}

/// The visits of a visitor that takes something else only: they refuse by its `mismatch`.
macro_rules! refuse_others {
    ($($visit:ident)*) => { $($crate::boundary::refuse_others! { @ $visit })* };
    (@ bool) => {
        fn visit_bool<E: Error>(self, v: bool) -> Result<Self::Value, E> {
            Err(self.mismatch(v.to_string()))
        }
    };
    (@ i64) => {
        fn visit_i64<E: Error>(self, v: i64) -> Result<Self::Value, E> {
            Err(self.mismatch(v.to_string()))
        }
    };
    (@ u64) => {
        fn visit_u64<E: Error>(self, v: u64) -> Result<Self::Value, E> {
            Err(self.mismatch(v.to_string()))
        }
    };
    (@ f64) => {
        fn visit_f64<E: Error>(self, v: f64) -> Result<Self::Value, E> {
            Err(self.mismatch(format!("{v:?}")))
        }
    };
    (@ unit) => {
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Err(self.mismatch("null".into()))
        }
    };
    (@ seq) => {
        fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            Err(self.mismatch("[\u{2026}]".into()))
        }
    };
    (@ map) => {
        fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            Err(self.mismatch("{\u{2026}}".into()))
        }
    };
}
pub(crate) use refuse_others;
