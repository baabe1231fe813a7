//! A decision's value as a value of the host's own type.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::wanted::wanted;
use super::{EnumShape, Misfit, RecordShape, Shape};
use crate::schema::{Field, INSTANT_END, Schema, Type, TypeId};
use crate::word::Word;

/// A type of the host that a decision's value can become. Derived with `#[derive(Outcome)]`.
///
/// Numbers that count in units are those units: microseconds, days, minor units, billionths.
pub trait Outcome {
    /// What it looks like.
    const SHAPE: Shape;
    /// The type itself, as it borrows from a decision.
    type Of<'d>;

    /// The value of a word. The fit is one of this type's shape; of a word that is none of the fit's type it makes some value.
    fn outcome<'d>(word: Word<'d>, fit: &OutcomeFit) -> Self::Of<'d>;
}

/// How words of a type of the rules become values of a type of the host.
#[derive(Clone, Debug)]
pub struct OutcomeFit(Inner);

#[derive(Clone, Debug)]
enum Inner {
    Leaf,
    /// What an optional holds, or an element.
    Of(Box<OutcomeFit>),
    /// For each field of the host where it stands in the rules'; nowhere for one that they do not have.
    Record(Box<[(u32, OutcomeFit)]>),
    /// For each variant of the rules the number in the host's, and the fields.
    Variants(Box<[(u32, OutcomeFit)]>),
}

impl OutcomeFit {
    /// Matches a shape against a type. Everything that the rules can say has to have a place in the host's type. What the host has as an
    /// `Option` the rules need not have; it is `None` then.
    ///
    /// # Errors
    /// When a variant or a field of the rules has no place, another field of the host has no source, or one is of another kind or has less
    /// room than the rules' values.
    ///
    /// ```
    /// use tollgate_runtime::schema::{Schema, Type};
    /// use tollgate_runtime::typed::{Outcome, OutcomeFit};
    /// let mut schema = Schema::default();
    /// let status = schema.add(Type::Int { lo: 100, hi: 599 });
    /// assert!(OutcomeFit::new(&schema, status, &<u16 as Outcome>::SHAPE).is_ok());
    /// let misfit = OutcomeFit::new(&schema, status, &<u8 as Outcome>::SHAPE).unwrap_err();
    /// assert_eq!(misfit.to_string(), "the rules give 100 .. 599, the host has room for 0 .. 255");
    /// ```
    pub fn new(schema: &Schema, ty: TypeId, shape: &Shape) -> Result<OutcomeFit, Misfit> {
        let of = |id: TypeId, shape: &Shape| OutcomeFit::new(schema, id, shape).map(Box::new);
        let inner = match (schema.get(ty), shape) {
            (Type::Opt(of_ty), Shape::Opt(shape)) => Inner::Of(of(*of_ty, shape)?),
            // What is always there can be had as an `Option`, too.
            (ty_is, Shape::Opt(shape)) if !matches!(ty_is, Type::Opt(_)) => {
                Inner::Of(of(ty, shape)?)
            }
            (Type::Bool, Shape::Bool)
            | (Type::Float, Shape::Float)
            | (Type::Bytes { .. }, Shape::Bytes)
            | (Type::Ip, Shape::Ip)
            | (Type::Instant, Shape::Instant) => Inner::Leaf,
            (Type::Duration { lo, .. }, Shape::Duration) => room(*lo, i64::MAX, 0, i64::MAX)?,
            (
                Type::Int { lo, hi }
                | Type::Duration { lo, hi }
                | Type::Percent { lo, hi }
                | Type::Money { lo, hi, .. },
                Shape::Int(least, most),
            ) => room(*lo, *hi, *least, *most)?,
            (Type::Instant, Shape::Int(least, most)) => room(0, INSTANT_END - 1, *least, *most)?,
            (
                Type::Str { .. }
                | Type::Path
                | Type::Host
                | Type::HeaderName
                | Type::Zone
                | Type::Key,
                Shape::Text,
            ) => Inner::Leaf,
            (Type::List { of: id, .. } | Type::Set { of: id, .. }, Shape::Seq(shape)) => {
                Inner::Of(of(*id, shape).map_err(|m| m.within("[]"))?)
            }
            (Type::Values { .. }, Shape::Seq(Shape::Text)) => {
                Inner::Of(Box::new(OutcomeFit(Inner::Leaf)))
            }
            (Type::Record(index), Shape::Record(shape)) => {
                let record = &schema.records[*index as usize];
                fields(schema, &record.name, &record.fields, shape)?
            }
            (Type::Enum(index), Shape::Enum(shape)) => variants(schema, *index, shape)?,
            (ty, shape) => {
                return Err(Misfit::new(format!(
                    "the rules give {}, the host has {}",
                    wanted(schema, ty),
                    shape.words()
                )));
            }
        };
        Ok(OutcomeFit(inner))
    }

    /// The fit of what an optional holds, or of an element.
    #[inline]
    pub fn of(&self) -> &OutcomeFit {
        match &self.0 {
            Inner::Of(of) => of,
            _ => self,
        }
    }

    /// The variant of the host's enum that a word is, by number, with its fields and their fit.
    #[inline]
    pub fn variant<'d>(&self, word: Word<'d>) -> (u32, Word<'d>, &OutcomeFit) {
        match (&self.0, word) {
            (Inner::Variants(variants), Word::Variant(tag, fields)) => {
                match variants.get(tag as usize) {
                    Some((number, fit)) => (*number, Word::Seq(fields), fit),
                    None => (0, Word::None, self),
                }
            }
            _ => (0, Word::None, self),
        }
    }

    /// A field of the host's struct or variant, by number.
    #[inline]
    pub fn field<'d, T: Outcome>(&self, word: Word<'d>, number: u32) -> T::Of<'d> {
        match &self.0 {
            Inner::Record(fields) => match fields.get(number as usize) {
                Some((at, fit)) => T::outcome(word.at(*at as usize), fit),
                None => T::outcome(Word::None, self),
            },
            _ => T::outcome(Word::None, self),
        }
    }
}

/// Where no word has a field: what is read there is nothing.
const NOWHERE: u32 = u32::MAX;

/// Checks that what the rules give has room.
fn room(lo: i64, hi: i64, least: i64, most: i64) -> Result<Inner, Misfit> {
    match least <= lo && hi <= most {
        true => Ok(Inner::Leaf),
        false => Err(Misfit::new(format!(
            "the rules give {lo} .. {hi}, the host has room for {least} .. {most}"
        ))),
    }
}

fn fields(
    schema: &Schema,
    name: &str,
    given: &[Field],
    shape: &RecordShape,
) -> Result<Inner, Misfit> {
    let lost = given
        .iter()
        .find(|field| !shape.fields.iter().any(|(name, _)| *name == &*field.name));
    if let Some(field) = lost {
        return Err(Misfit::new(format!(
            "the rules give it, and `{}` has no such field",
            shape.name
        ))
        .within(&field.name));
    }
    let field = |(field, shape): &(&str, Shape)| {
        let at = given.iter().position(|given| *given.name == **field);
        let Some(at) = at else {
            if let Shape::Opt(_) = shape {
                return Ok((NOWHERE, OutcomeFit(Inner::Leaf)));
            }
            let reason = format!("`{name}` of the rules has no such field");
            return Err(Misfit::new(reason).within(field));
        };
        let fit = OutcomeFit::new(schema, given[at].ty, shape);
        Ok((at as u32, fit.map_err(|m| m.within(field))?))
    };
    let fields = shape.fields.iter().map(field);
    Ok(Inner::Record(fields.collect::<Result<_, _>>()?))
}

fn variants(schema: &Schema, index: u32, shape: &EnumShape) -> Result<Inner, Misfit> {
    let declared = &schema.enums[index as usize];
    let variant = |given: &crate::schema::Variant| {
        let number = shape.variants.iter().position(|v| *v.name == *given.name);
        let Some(number) = number else {
            return Err(Misfit::new(format!(
                "the rules can give `{}`, and `{}` has no such variant",
                given.name, shape.name
            )));
        };
        let fit = fields(schema, &given.name, &given.fields, &shape.variants[number]);
        Ok((
            number as u32,
            OutcomeFit(fit.map_err(|m| m.within(&given.name))?),
        ))
    };
    let variants = declared.variants.iter().map(variant);
    Ok(Inner::Variants(variants.collect::<Result<_, _>>()?))
}

impl Outcome for bool {
    const SHAPE: Shape = Shape::Bool;
    type Of<'d> = bool;
    fn outcome<'d>(word: Word<'d>, _: &OutcomeFit) -> bool {
        word.bool()
    }
}

macro_rules! whole_numbers {
    ($($ty:ident $most:expr),*) => {
        $(impl Outcome for $ty {
            const SHAPE: Shape = Shape::Int($ty::MIN as i64, $most);
            type Of<'d> = $ty;
            fn outcome<'d>(word: Word<'d>, _: &OutcomeFit) -> $ty {
                // The fit has seen that there is room.
                $ty::try_from(word.int()).unwrap_or_default()
            }
        })*
    };
}
whole_numbers! {
    i8 i8::MAX as i64, i16 i16::MAX as i64, i32 i32::MAX as i64, i64 i64::MAX,
    u8 u8::MAX as i64, u16 u16::MAX as i64, u32 u32::MAX as i64, u64 i64::MAX
}

impl Outcome for f64 {
    const SHAPE: Shape = Shape::Float;
    type Of<'d> = f64;
    fn outcome<'d>(word: Word<'d>, _: &OutcomeFit) -> f64 {
        word.float()
    }
}

impl Outcome for &str {
    const SHAPE: Shape = Shape::Text;
    type Of<'d> = &'d str;
    fn outcome<'d>(word: Word<'d>, _: &OutcomeFit) -> &'d str {
        word.str()
    }
}

impl Outcome for String {
    const SHAPE: Shape = Shape::Text;
    type Of<'d> = String;
    fn outcome<'d>(word: Word<'d>, _: &OutcomeFit) -> String {
        word.str().into()
    }
}

impl Outcome for IpAddr {
    const SHAPE: Shape = Shape::Ip;
    type Of<'d> = IpAddr;
    fn outcome<'d>(word: Word<'d>, _: &OutcomeFit) -> IpAddr {
        word.ip().addr()
    }
}

impl Outcome for Duration {
    const SHAPE: Shape = Shape::Duration;
    type Of<'d> = Duration;
    fn outcome<'d>(word: Word<'d>, _: &OutcomeFit) -> Duration {
        Duration::from_micros(word.int().try_into().unwrap_or_default())
    }
}

impl Outcome for SystemTime {
    const SHAPE: Shape = Shape::Instant;
    type Of<'d> = SystemTime;
    fn outcome<'d>(word: Word<'d>, _: &OutcomeFit) -> SystemTime {
        let since = Duration::from_micros(word.int().try_into().unwrap_or_default());
        SystemTime::UNIX_EPOCH
            .checked_add(since)
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

impl<T: Outcome> Outcome for Option<T> {
    const SHAPE: Shape = Shape::Opt(&T::SHAPE);
    type Of<'d> = Option<T::Of<'d>>;
    fn outcome<'d>(word: Word<'d>, fit: &OutcomeFit) -> Option<T::Of<'d>> {
        (!word.is_none()).then(|| T::outcome(word, fit.of()))
    }
}

impl<T: Outcome> Outcome for Vec<T> {
    const SHAPE: Shape = Shape::Seq(&T::SHAPE);
    type Of<'d> = Vec<T::Of<'d>>;
    fn outcome<'d>(word: Word<'d>, fit: &OutcomeFit) -> Vec<T::Of<'d>> {
        let fit = fit.of();
        word.seq()
            .iter()
            .map(|word| T::outcome(*word, fit))
            .collect()
    }
}
