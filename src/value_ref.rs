//! Reading a decision's value without JSON.

use std::borrow::Cow;
use std::fmt;

use tollgate_runtime::schema::{Field, Schema, Type, TypeId};
use tollgate_runtime::{Word, json};

/// A value of a decision, or a part of one, borrowed from the decision. `Copy`; reading allocates nothing but what
/// [`ValueRef::text`] and [`ValueRef::to_json`] have to write.
///
/// ```
/// use tollgate::{Call, Engine};
/// let program = Engine::new().compile_source("x.rules", r#"
///     enum Route { forward(service: String, timeout: Duration), respond(status: Int in 100 .. 599) }
///     ruleset route(path: Path) -> Route hit first {
///       rule pay when path matches p"/pay/**" then forward("payments", timeout: 800ms)
///       otherwise respond(404)
///     }
/// "#)?;
/// let mut session = program.session();
/// let decision = session.decide_json("route", br#""/pay/7""#, &Call { id: "1", time: 0 })?;
/// let value = decision.value();
/// assert_eq!(value.variant(), Some("forward"));
/// assert_eq!(value.field("service").unwrap().as_str(), Some("payments"));
/// assert_eq!(value.field("timeout").unwrap().as_int(), Some(800_000));
/// assert_eq!(value.field("timeout").unwrap().text(), "800ms");
/// assert!(value.field("status").is_none());
/// # Ok::<(), tollgate::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct ValueRef<'d> {
    schema: &'d Schema,
    /// Without its `?`.
    ty: &'d Type,
    id: TypeId,
    word: Word<'d>,
}

impl<'d> ValueRef<'d> {
    pub(crate) fn new(schema: &'d Schema, id: TypeId, word: Word<'d>) -> ValueRef<'d> {
        let ty = match schema.get(id) {
            Type::Opt(of) => schema.get(*of),
            ty => ty,
        };
        ValueRef {
            schema,
            ty,
            id,
            word,
        }
    }

    /// Whether it is `none`.
    pub fn is_none(self) -> bool {
        self.word.is_none()
    }

    /// The name of an enum's variant.
    pub fn variant(self) -> Option<&'d str> {
        let (Type::Enum(index), Word::Variant(tag, _)) = (self.ty, self.word) else {
            return None;
        };
        let variants = &self.schema.enums[*index as usize].variants;
        variants.get(tag as usize).map(|v| &*v.name)
    }

    /// A field of a record, or of an enum's variant; `None` where there is no such field.
    pub fn field(self, name: &str) -> Option<ValueRef<'d>> {
        let fields = self.declared();
        let at = fields.iter().position(|f| &*f.name == name)?;
        Some(self.part(fields[at].ty, at))
    }

    /// The fields of a record, or of an enum's variant, in the order of their declaration.
    pub fn fields(self) -> impl Iterator<Item = (&'d str, ValueRef<'d>)> {
        let fields = self.declared().iter().enumerate();
        fields.map(move |(at, field)| (&*field.name, self.part(field.ty, at)))
    }

    /// The elements of a list or set; none for everything else, `Values` included ([`ValueRef::texts`]).
    pub fn items(self) -> impl Iterator<Item = ValueRef<'d>> {
        let of = match self.ty {
            Type::List { of, .. } | Type::Set { of, .. } => Some(*of),
            _ => None,
        };
        let words = self.word.seq().iter();
        let items = of.map(|of| words.map(move |word| ValueRef::new(self.schema, of, *word)));
        items.into_iter().flatten()
    }

    /// The texts of `Values`; none for everything else.
    pub fn texts(self) -> impl Iterator<Item = &'d str> {
        let words = match self.ty {
            Type::Values { .. } => self.word.seq(),
            _ => &[],
        };
        words.iter().map(|word| word.str())
    }

    /// The entries of a map, sorted by key; none for everything else.
    pub fn entries(self) -> impl Iterator<Item = (ValueRef<'d>, ValueRef<'d>)> {
        let types = match self.ty {
            Type::Map { key, value, .. } => Some((*key, *value)),
            _ => None,
        };
        let pairs = self.word.seq().chunks_exact(2);
        let of = |id, word| ValueRef::new(self.schema, id, word);
        let entries =
            types.map(|(key, value)| pairs.map(move |pair| (of(key, pair[0]), of(value, pair[1]))));
        entries.into_iter().flatten()
    }

    /// What a path of fields leads to: `to.service`; the empty path to the value itself. `None` where there is no such field.
    pub fn at(self, path: &str) -> Option<ValueRef<'d>> {
        match path {
            "" => Some(self),
            path => path.split('.').try_fold(self, ValueRef::field),
        }
    }

    /// A truth value.
    pub fn as_bool(self) -> Option<bool> {
        match self.word {
            Word::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// A whole number, or a count of units: microseconds (durations, and instants since 1970 UTC), days since 1970 (dates), minor units
    /// (money), billionths (percentages).
    pub fn as_int(self) -> Option<i64> {
        match self.word {
            Word::Int(value) => Some(value),
            _ => None,
        }
    }

    /// A float.
    pub fn as_float(self) -> Option<f64> {
        match self.word {
            Word::Float(value) => Some(value),
            _ => None,
        }
    }

    /// Text: a `String`, `Host`, `HeaderName`, `Key` or zone. A `Path` is not given as text here, because it is decoded inside:
    /// [`ValueRef::text`] has it as it stands in a request.
    pub fn as_str(self) -> Option<&'d str> {
        match (self.word, self.ty) {
            (Word::Str(_), Type::Path) => None,
            (Word::Str(text), _) => Some(text),
            _ => None,
        }
    }

    /// Bytes.
    pub fn as_bytes(self) -> Option<&'d [u8]> {
        match self.word {
            Word::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// What stands in JSON, without the quotes where it is a JSON string: `payments`, `800ms`, `4.00 SGD`, `/a%20b`, `true`, `17`, and
    /// `[1,2]`. Borrowed where it is text already.
    pub fn text(self) -> Cow<'d, str> {
        if let Some(text) = self.as_str() {
            return Cow::Borrowed(text);
        }
        let mut json = self.to_json();
        // Of what is a JSON string only text can hold an escape, and that was borrowed; a variant's name is a name.
        if json.len() >= 2 && json.starts_with('"') {
            json.pop();
            json.remove(0);
        }
        Cow::Owned(json)
    }

    /// As JSON, in the form of [`Decision::value_json`](crate::Decision::value_json).
    pub fn to_json(self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    /// As [`ValueRef::to_json`], appended.
    pub fn write_json(self, out: &mut String) {
        json::encode(self.schema, self.id, self.word, out);
    }

    /// The fields that are declared where there are some.
    fn declared(self) -> &'d [Field] {
        match (self.ty, self.word) {
            (Type::Record(index), Word::Seq(_)) => &self.schema.records[*index as usize].fields,
            (Type::Enum(index), Word::Variant(tag, _)) => {
                let variants = &self.schema.enums[*index as usize].variants;
                variants.get(tag as usize).map_or(&[], |v| &v.fields)
            }
            _ => &[],
        }
    }

    fn part(self, ty: TypeId, at: usize) -> ValueRef<'d> {
        ValueRef::new(self.schema, ty, self.word.at(at))
    }
}

impl fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

#[cfg(all(test, feature = "compiler"))]
mod tests {
    use crate::{Call, Engine};

    const RULES: &str = r#"
        record To { service: String, path: Path, port: Int? }
        enum Answer {
          go(to: To, tags: {String ..4}, headers: Map<HeaderName, Values ..4>)
          wait(share: Percent, weight: Float, open: Bool, from: Ip)
          idle
        }
        ruleset answer(n: Int) -> Answer hit first {
          rule go when n == 1 then go(To(service: "a", path: p"/a b", port: none), tags: {"x", "y"}, headers: {"x-a": ["1", "2"]})
          rule wait when n == 2 then wait(0.5%, weight: 1.5, open: true, from: ip"::1")
          otherwise idle
        }
    "#;

    #[test]
    fn every_kind_of_value_is_read() {
        let program = Engine::new().compile_source("x.rules", RULES).unwrap();
        let call = Call { id: "1", time: 0 };
        let mut session = program.session();
        let go = session.decide_json("answer", b"1", &call).unwrap();
        let value = go.value();
        assert_eq!(value.variant(), Some("go"));
        assert_eq!(value.at("to.service").unwrap().as_str(), Some("a"));
        assert_eq!(value.at("to.path").unwrap().as_str(), None);
        assert_eq!(value.at("to.path").unwrap().text(), "/a%20b");
        assert!(value.at("to.port").unwrap().is_none());
        assert_eq!(value.at("to.port").unwrap().text(), "null");
        assert!(value.at("to.nothing").is_none() && value.at("to.service.x").is_none());
        let names: Vec<_> = value.fields().map(|(name, _)| name).collect();
        assert_eq!(names, ["to", "tags", "headers"]);
        let tags = value.field("tags").unwrap();
        assert_eq!(
            tags.items()
                .map(|t| t.as_str().unwrap())
                .collect::<Vec<_>>(),
            ["x", "y"]
        );
        assert_eq!(tags.text(), r#"["x","y"]"#);
        let headers = value.field("headers").unwrap();
        let all: Vec<_> = headers
            .entries()
            .map(|(name, values)| (name.text(), values.texts().collect::<Vec<_>>()))
            .collect();
        assert_eq!(all, [("x-a".into(), vec!["1", "2"])]);
        assert_eq!(value.to_json(), go.value_json());

        let wait = session.decide_json("answer", b"2", &call).unwrap();
        let value = wait.value();
        let field = |name| value.field(name).unwrap();
        assert_eq!(field("share").as_int(), Some(5_000_000));
        assert_eq!(field("share").text(), "0.5%");
        assert_eq!(field("weight").as_float(), Some(1.5));
        assert_eq!(field("open").as_bool(), Some(true));
        assert_eq!(field("from").text(), "::1");
        assert_eq!(field("open").as_int(), None);
        assert_eq!(field("open").items().count(), 0);

        let idle = session.decide_json("answer", b"3", &call).unwrap();
        assert_eq!(idle.value().text(), "idle");
        assert_eq!(idle.value().variant(), Some("idle"));
        assert_eq!(idle.value().fields().count(), 0);
    }
}
