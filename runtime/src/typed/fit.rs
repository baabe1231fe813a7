//! How a type of the host fits a type of the rules, and how values enter by it.

use std::sync::Arc;

use super::record::{FieldWords, RecordFit, within};
use super::wanted::wanted;
use super::{EnumShape, Misfit, RecordShape, Shape};
use crate::arena::Arena;
use crate::boundary::{Refusal, boundary_of, leaf, quote};
use crate::index::Texts;
use crate::json;
use crate::kinds::net::Ip;
use crate::kinds::{header, host, path};
use crate::schema::{Boundary, DATE_END, INSTANT_END, PathPolicy, Schema, Type, TypeId};
use crate::word::Word;

/// What a decision's values enter: the schema they are held against, and where what is not borrowed is laid down.
#[derive(Clone, Copy, Debug)]
pub struct Entering<'a> {
    /// The schema that the fit was made for.
    pub schema: &'a Schema,
    /// The decision's memory.
    pub arena: &'a Arena,
}

/// An entry of a map: its key, and the word of its value.
type Entry<'a> = (&'a str, Result<Word<'a>, Box<Refusal>>);

/// How values of a type of the host become words of a type of the rules.
#[derive(Clone, Debug)]
pub struct Fit {
    /// What texts are looked at for first.
    first: Look,
    /// The type of the rules, without its `?`.
    ty: Type,
    limits: Arc<Boundary>,
    /// Whether it is a value of a header, which has rules of its own.
    header: bool,
    inner: Inner,
}

/// How a text can be found to be canonical as it stands, told once, so that it is not told of the type each time.
#[derive(Clone, Copy, Debug)]
enum Look {
    /// It is, up to so many bytes.
    Length(u32),
    /// As a path by a policy.
    Path(PathPolicy),
    /// As a host.
    Host,
    /// By what else the type says.
    Type,
}

#[derive(Clone, Debug)]
enum Inner {
    /// One value.
    Leaf,
    /// A value of this type, read from JSON.
    Json(TypeId),
    /// An enum by the names of its variants: the number of each that has no fields.
    Names(Texts),
    /// Elements, of a list, a set or several values.
    Of(Box<Fit>),
    /// Keys and values of a map.
    Map(Box<Fit>, Box<Fit>),
    /// Fields.
    Record(RecordFit),
    /// Variants, in the order of the host.
    Variants(Box<[VariantFit]>),
}

/// How a variant of the host's becomes one of the rules: its number there, and its fields.
type VariantFit = (u32, RecordFit);

impl Fit {
    /// Matches a shape against a type. Of a record only the fields that are `read` have to fit, all of them without `read`; the others stay
    /// absent and are not asked for.
    ///
    /// # Errors
    /// When values of the shape could not be facts of the type: a field is missing, or of another kind.
    pub fn new(
        schema: &Schema,
        ty: TypeId,
        shape: &Shape,
        read: Option<&[bool]>,
    ) -> Result<Fit, Misfit> {
        fit(schema, ty, shape, read, &Arc::new(Boundary::default()))
    }

    /// The fit of what no rule reads, which is never asked for a word.
    pub(super) fn nothing(limits: &Arc<Boundary>) -> Fit {
        Fit {
            first: Look::Type,
            ty: Type::Bool,
            limits: limits.clone(),
            header: false,
            inner: Inner::Leaf,
        }
    }

    /// The word of a truth value.
    ///
    /// # Errors
    /// When the fit is none of that shape; so for the other functions below.
    #[inline]
    pub fn bool<'a>(&self, value: bool) -> Result<Word<'a>, Box<Refusal>> {
        match self.ty {
            Type::Bool => Ok(Word::Bool(value)),
            _ => Err(self.other(value.to_string())),
        }
    }

    /// The word of a whole number.
    ///
    /// # Errors
    /// When it lies outside the type's bounds.
    #[inline]
    pub fn int<'a>(&self, value: i64) -> Result<Word<'a>, Box<Refusal>> {
        let (lo, hi) = match self.ty {
            Type::Int { lo, hi }
            | Type::Duration { lo, hi }
            | Type::Percent { lo, hi }
            | Type::Money { lo, hi, .. } => (lo, hi),
            Type::Instant => (0, INSTANT_END - 1),
            Type::Date => (0, DATE_END - 1),
            _ => return Err(self.other(value.to_string())),
        };
        leaf::in_range(value, lo, hi, &self.ty).map_err(|reason| refusal(value.to_string(), reason))
    }

    /// The word of a number that may be larger than any of the rules'.
    ///
    /// # Errors
    /// As [`Fit::int`].
    #[inline]
    pub fn wide<'a>(&self, value: i128) -> Result<Word<'a>, Box<Refusal>> {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => Err(refusal(value.to_string(), "the number is too large".into())),
        }
    }

    /// The word of a float.
    ///
    /// # Errors
    /// When it is not finite.
    #[inline]
    pub fn float<'a>(&self, value: f64) -> Result<Word<'a>, Box<Refusal>> {
        match self.ty {
            // `+ 0.0` turns minus zero into zero.
            Type::Float if value.is_finite() => Ok(Word::Float(value + 0.0)),
            Type::Float => Err(refusal(value.to_string(), "a number must be finite".into())),
            _ => Err(self.other(value.to_string())),
        }
    }

    /// The word of a text. What is canonical as it stands is borrowed.
    ///
    /// # Errors
    /// When it breaks a rule of the type, such as a refinement.
    pub fn text<'a>(&self, text: &'a str, to: &Entering<'a>) -> Result<Word<'a>, Box<Refusal>> {
        let mut word = Word::None;
        self.put_text(text, to, &mut word)?;
        Ok(word)
    }

    /// As [`Fit::text`], written where it stands: see [`Fact::put`](super::Fact::put).
    ///
    /// # Errors
    /// As [`Fit::text`].
    #[inline(never)]
    pub fn put_text<'a>(
        &self,
        text: &'a str,
        to: &Entering<'a>,
        word: &mut Word<'a>,
    ) -> Result<(), Box<Refusal>> {
        // Whether it is canonical as it stands; a host without its port is a part of the text.
        let canonical = match &self.first {
            Look::Length(max) => text.len() <= *max as usize,
            Look::Path(policy) => path::is_canonical(text, policy),
            Look::Host if host::is_common(text.as_bytes()) => true,
            Look::Host => match host::canonical_name(text) {
                Some(name) => {
                    *word = Word::Str(name);
                    return Ok(());
                }
                None => false,
            },
            Look::Type => return self.put_by_type(text, to, word),
        };
        if canonical {
            *word = Word::Str(text);
            return Ok(());
        }
        *word = *self.made_canonical(text, to)?;
        Ok(())
    }

    #[inline(never)]
    fn put_by_type<'a>(
        &self,
        text: &'a str,
        to: &Entering<'a>,
        word: &mut Word<'a>,
    ) -> Result<(), Box<Refusal>> {
        let as_it_stands = match (&self.inner, &self.ty) {
            (Inner::Names(names), _) => {
                let number = names.find(text.as_bytes());
                number.map(|number| Word::Variant(number, &[]))
            }
            (_, Type::Str { max, matching }) => (text.len() <= *max as usize
                && matching.as_ref().is_none_or(|m| m.regex.matches(text))
                && (!self.header || header::check_value(text).is_ok()))
            .then_some(Word::Str(text)),
            _ => None,
        };
        *word = match as_it_stands {
            Some(word) => word,
            None => *self.made_canonical(text, to)?,
        };
        Ok(())
    }

    #[inline(never)]
    fn made_canonical<'a>(
        &self,
        text: &str,
        to: &Entering<'a>,
    ) -> Result<&'a Word<'a>, Box<Refusal>> {
        let refused = |reason| refusal(quote(text), reason);
        if self.header
            && let Err(error) = header::check_value(text)
        {
            return Err(refused(format!("{error} (at byte {})", error.at())));
        }
        match leaf::from_text(to.schema, &self.ty, text, &self.limits, to.arena) {
            Some(word) => word.map(|word| to.arena.word(word)).map_err(refused),
            None => Err(self.other(quote(text))),
        }
    }

    /// The word of bytes, which are borrowed.
    ///
    /// # Errors
    /// When there are too many.
    #[inline]
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Result<Word<'a>, Box<Refusal>> {
        let shown = || format!("({} bytes)", bytes.len());
        match self.ty {
            Type::Bytes { max } if bytes.len() <= max as usize => Ok(Word::Bytes(bytes)),
            Type::Bytes { max } => {
                Err(refusal(shown(), format!("at most {max} bytes are allowed")))
            }
            _ => Err(self.other(shown())),
        }
    }

    /// The word of a document: a text or bytes as they stand, where that is what the rules want; a value of any other type is read from
    /// JSON.
    ///
    /// # Errors
    /// When it is no such text or JSON, or breaks a rule of the type.
    pub fn document<'a>(
        &self,
        document: &'a [u8],
        to: &Entering<'a>,
    ) -> Result<Word<'a>, Box<Refusal>> {
        match (&self.ty, &self.inner) {
            (_, Inner::Json(ty)) => {
                let decoded = json::decode(to.schema, *ty, document, to.arena);
                decoded.map(|decoded| decoded.word).map_err(Box::new)
            }
            (Type::Str { .. }, _) => match std::str::from_utf8(document) {
                Ok(text) => self.text(text, to),
                Err(error) => {
                    let mut refused = refusal(String::new(), "a text is UTF-8".into());
                    refused.offset = Some(error.valid_up_to());
                    Err(refused)
                }
            },
            _ => self.bytes(document),
        }
    }

    /// The word of an address.
    ///
    /// # Errors
    /// Only where the fit is of another shape.
    #[inline]
    pub fn ip<'a>(&self, ip: Ip) -> Result<Word<'a>, Box<Refusal>> {
        match self.ty {
            Type::Ip => Ok(Word::Ip(ip)),
            _ => Err(self.other(ip.to_string())),
        }
    }

    /// As [`Fit::ip`], written where it stands.
    ///
    /// # Errors
    /// As [`Fit::ip`].
    #[inline]
    pub fn put_ip(&self, ip: Ip, word: &mut Word<'_>) -> Result<(), Box<Refusal>> {
        match self.ty {
            Type::Ip => *word = Word::Ip(ip),
            _ => return Err(self.other(ip.to_string())),
        }
        Ok(())
    }

    /// The word of a sequence, from the words of its elements.
    ///
    /// # Errors
    /// When there are too many elements, one is refused, or a set has one twice.
    pub fn seq<'a>(
        &self,
        len: usize,
        to: &Entering<'a>,
        mut element: impl FnMut(usize, &Fit) -> Result<Word<'a>, Box<Refusal>>,
    ) -> Result<Word<'a>, Box<Refusal>> {
        let (max, of) = match (&self.ty, &self.inner) {
            (Type::List { max, .. } | Type::Set { max, .. }, Inner::Of(of)) => (*max, of),
            (Type::Values { max, .. }, Inner::Of(of)) => (*max, of),
            _ => return Err(self.other("[\u{2026}]".into())),
        };
        room(len, max)?;
        let words = to.arena.slots(len);
        for (i, word) in words.iter_mut().enumerate() {
            *word = element(i, of).map_err(|r| within(r, &format!("[{i}]")))?;
        }
        if let Type::Set { .. } = self.ty {
            words.sort_unstable_by(|a, b| a.order(*b));
            if words.windows(2).any(|pair| pair[0].same(pair[1])) {
                let reason = "an element of a set is given twice";
                return Err(refusal(String::new(), reason.into()));
            }
        }
        Ok(Word::Seq(words))
    }

    /// The word of a map, from its entries: the text of a key, and the word of its value, which is made by the fit of values.
    ///
    /// # Errors
    /// When there are too many entries, or a key or a value is refused or a key given twice.
    pub fn map<'a>(
        &self,
        len: usize,
        to: &Entering<'a>,
        mut entry: impl FnMut(&Fit) -> Option<Entry<'a>>,
    ) -> Result<Word<'a>, Box<Refusal>> {
        let (Type::Map { max, .. }, Inner::Map(keys, values)) = (&self.ty, &self.inner) else {
            return Err(self.other("{\u{2026}}".into()));
        };
        room(len, *max)?;
        let words = to.arena.slots(2 * len);
        let (pairs, _) = words.as_chunks_mut::<2>();
        for pair in pairs.iter_mut() {
            let Some((name, value)) = entry(values) else {
                return Err(self.other("fewer entries than there are".into()));
            };
            let key = keys.text(name, to)?;
            let value = value.map_err(|r| within(r, &format!("[{}]", quote(name))))?;
            *pair = [key, value];
        }
        pairs.sort_unstable_by(|a, b| a[0].order(b[0]));
        if pairs.windows(2).any(|pair| pair[0][0].same(pair[1][0])) {
            return Err(refusal(String::new(), "a key is given twice".into()));
        }
        Ok(Word::Seq(words))
    }

    /// Writes the word of a struct where it is to stand; `put` writes the fields.
    ///
    /// # Errors
    /// When one is refused.
    #[inline]
    pub fn put_record<'a>(
        &self,
        to: &Entering<'a>,
        word: &mut Word<'a>,
        put: impl FnOnce(&mut FieldWords<'_, 'a>) -> Result<(), Box<Refusal>>,
    ) -> Result<(), Box<Refusal>> {
        let Inner::Record(record) = &self.inner else {
            return Err(self.other("{\u{2026}}".into()));
        };
        *word = Word::Seq(record.words(to, put)?);
        Ok(())
    }

    /// Writes the word of an enum's value where it is to stand, from the number of its variant in the host's enum; `put` writes the fields of
    /// that one.
    ///
    /// # Errors
    /// When a field is refused.
    #[inline]
    pub fn put_variant<'a>(
        &self,
        variant: u32,
        to: &Entering<'a>,
        word: &mut Word<'a>,
        put: impl FnOnce(&mut FieldWords<'_, 'a>) -> Result<(), Box<Refusal>>,
    ) -> Result<(), Box<Refusal>> {
        let variants = match &self.inner {
            Inner::Variants(variants) => &variants[..],
            _ => &[],
        };
        match variants.get(variant as usize) {
            Some((tag, fields)) if fields.is_empty() => *word = Word::Variant(*tag, &[]),
            Some((tag, fields)) => *word = Word::Variant(*tag, fields.words(to, put)?),
            None => return Err(self.other(format!("variant {variant}"))),
        }
        Ok(())
    }

    /// The fit of the values of a header, which the boundary bounds further.
    fn of_header(mut self) -> Fit {
        let limits = self.limits.clone();
        if let (Type::Values { max, max_bytes }, Inner::Of(text)) = (&mut self.ty, &mut self.inner)
        {
            *max = (*max).min(limits.header_values);
            *max_bytes = (*max_bytes).min(limits.header_bytes);
            text.header = true;
            text.first = Look::Type;
            text.ty = Type::Str {
                max: *max_bytes,
                matching: None,
            };
        }
        self
    }

    #[cold]
    fn other(&self, value: String) -> Box<Refusal> {
        refusal(value, "the fit is that of another type".into())
    }
}

impl Look {
    fn new(ty: &Type, limits: &Boundary) -> Look {
        match ty {
            Type::Str {
                max,
                matching: None,
            } => Look::Length(*max),
            Type::Path => Look::Path(limits.path),
            Type::Host => Look::Host,
            _ => Look::Type,
        }
    }
}

pub(super) fn fit(
    schema: &Schema,
    ty: TypeId,
    shape: &Shape,
    read: Option<&[bool]>,
    limits: &Arc<Boundary>,
) -> Result<Fit, Misfit> {
    let whole = schema.get(ty);
    let (id, shape) = match (whole, shape) {
        (Type::Opt(of), Shape::Opt(shape)) => (*of, *shape),
        (Type::Opt(of), shape) => (*of, shape),
        (ty, Shape::Opt(_)) => {
            return Err(Misfit::new(format!(
                "the rules want {} in any case, the host has {}",
                wanted(schema, ty),
                shape.words()
            )));
        }
        (_, shape) => (ty, shape),
    };
    let ty = schema.get(id);
    let of = |id: TypeId, shape: &Shape| fit(schema, id, shape, None, limits).map(Box::new);
    let mut limits = limits.clone();
    let inner = match (ty, shape) {
        (Type::Bool, Shape::Bool)
        | (Type::Int { .. } | Type::Percent { .. } | Type::Money { .. }, Shape::Int(..))
        | (Type::Duration { .. } | Type::Instant | Type::Date, Shape::Int(..))
        | (Type::Duration { .. }, Shape::Duration)
        | (Type::Instant, Shape::Instant)
        | (Type::Float, Shape::Float)
        | (Type::Bytes { .. }, Shape::Bytes)
        | (Type::Ip, Shape::Ip) => Inner::Leaf,
        (Type::Str { .. } | Type::Bytes { .. }, Shape::Document) => Inner::Leaf,
        (_, Shape::Document) => Inner::Json(id),
        (Type::Enum(index), Shape::Text) => {
            let mut names = Texts::default();
            for (variant, number) in schema.enums[*index as usize].variants.iter().zip(0..) {
                if variant.fields.is_empty() {
                    names.child(variant.name.as_bytes(), || number);
                }
            }
            Inner::Names(names)
        }
        (ty, Shape::Text) if leaf::is_text(schema, ty) => Inner::Leaf,
        (Type::List { of: id, .. } | Type::Set { of: id, .. }, Shape::Seq(shape)) => {
            Inner::Of(of(*id, shape).map_err(|m| m.within("[]"))?)
        }
        (Type::Values { max_bytes, .. }, Shape::Seq(Shape::Text)) => Inner::Of(Box::new(Fit {
            first: Look::Length(*max_bytes),
            ty: Type::Str {
                max: *max_bytes,
                matching: None,
            },
            limits: limits.clone(),
            header: false,
            inner: Inner::Leaf,
        })),
        (Type::Map { key, value, .. }, Shape::Map(shape)) => {
            let keys = of(*key, &Shape::Text)?;
            let values = of(*value, shape).map_err(|m| m.within("[]"))?;
            Inner::Map(
                keys,
                match schema.get(*key) {
                    Type::HeaderName => Box::new(values.of_header()),
                    _ => values,
                },
            )
        }
        (Type::Record(index), Shape::Record(shape)) => {
            let record = &schema.records[*index as usize];
            limits = Arc::new(boundary_of(record, &limits).clone());
            Inner::Record(RecordFit::new(
                schema,
                &record.fields,
                shape,
                read,
                &limits,
            )?)
        }
        (Type::Enum(index), Shape::Enum(shape)) => {
            Inner::Variants(variants(schema, *index, shape, &limits)?)
        }
        (ty, shape) => {
            return Err(Misfit::new(format!(
                "the rules want {} here, the host has {}",
                wanted(schema, ty),
                shape.words()
            )));
        }
    };
    Ok(Fit {
        first: Look::new(ty, &limits),
        ty: ty.clone(),
        limits,
        header: false,
        inner,
    })
}

fn variants(
    schema: &Schema,
    index: u32,
    shape: &EnumShape,
    limits: &Arc<Boundary>,
) -> Result<Box<[VariantFit]>, Misfit> {
    let declared = &schema.enums[index as usize];
    let variant = |shape: &RecordShape| {
        let named = declared
            .variants
            .iter()
            .position(|v| *v.name == *shape.name);
        let Some(number) = named else {
            return Err(Misfit::new(format!(
                "`{}` of the rules has no variant `{}`",
                declared.name, shape.name
            )));
        };
        let fit = RecordFit::new(
            schema,
            &declared.variants[number].fields,
            shape,
            None,
            limits,
        );
        Ok((number as u32, fit.map_err(|m| m.within(shape.name))?))
    };
    shape.variants.iter().map(variant).collect()
}

fn room(len: usize, max: u32) -> Result<(), Box<Refusal>> {
    match len <= max as usize {
        true => Ok(()),
        false => Err(refusal(
            String::new(),
            format!("at most {max} elements are allowed"),
        )),
    }
}

#[cold]
fn refusal(value: String, reason: String) -> Box<Refusal> {
    Box::new(Refusal {
        path: String::new(),
        value,
        reason,
        offset: None,
    })
}
