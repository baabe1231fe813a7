//! The fields of a struct, or of a variant, from those of the host's.

use std::sync::Arc;

use super::fit::{Entering, fit};
use super::wanted::wanted;
use super::{Fact, Fit, Misfit, RecordShape, join};
use crate::arena::Arena;
use crate::boundary::Refusal;
use crate::schema::{Boundary, Field, Schema, Type};
use crate::value::Value;
use crate::word::Word;

/// How fields of the host become those of the rules.
#[derive(Clone, Debug)]
pub(super) struct RecordFit {
    /// By the host's numbers.
    given: Box<[FieldFit]>,
    /// What the host does not give and is not absent, by its place among the fields of the rules.
    fixed: Box<[(u32, Value)]>,
    /// How many fields the rules have.
    len: usize,
}

/// How a field of the host's becomes one of the rules'.
#[derive(Clone, Debug)]
struct FieldFit {
    /// Its place among the fields of the rules; [`UNREAD`] where no rule reads it.
    place: u32,
    name: Box<str>,
    fit: Fit,
}

/// More than a record can have fields, so that looking for the place tells what is not read, too.
const UNREAD: u32 = u32::MAX;

/// The words of a struct's fields while they are written, by the numbers of the fields in the host's type.
#[derive(Debug)]
pub struct FieldWords<'f, 'a> {
    given: &'f [FieldFit],
    words: &'f mut [Word<'a>],
    to: &'f Entering<'a>,
}

impl<'a> FieldWords<'_, 'a> {
    /// Whether some rule can read this field, so that it has to be found out.
    #[inline]
    pub fn wants(&self, number: usize) -> bool {
        self.given.get(number).is_some_and(|f| f.place != UNREAD)
    }

    /// Writes the word of a field, if some rule can read it.
    ///
    /// # Errors
    /// When the value is refused.
    #[inline(always)]
    pub fn put<T: Fact + ?Sized>(
        &mut self,
        number: usize,
        value: &'a T,
    ) -> Result<(), Box<Refusal>> {
        if let Some(field) = self.given.get(number)
            && let Some(word) = self.words.get_mut(field.place as usize)
            && let Err(refusal) = value.put(&field.fit, self.to, word)
        {
            return Err(within(refusal, &field.name));
        }
        Ok(())
    }
}

impl RecordFit {
    /// Matches the fields of a shape against those of the rules; of these only the ones that are `read` have to be there.
    pub(super) fn new(
        schema: &Schema,
        fields: &[Field],
        shape: &RecordShape,
        read: Option<&[bool]>,
        limits: &Arc<Boundary>,
    ) -> Result<RecordFit, Misfit> {
        let unread = || FieldFit {
            place: UNREAD,
            name: "".into(),
            fit: Fit::nothing(limits),
        };
        let mut given: Vec<FieldFit> = shape.fields.iter().map(|_| unread()).collect();
        let mut fixed = Vec::new();
        for (place, field) in fields.iter().enumerate() {
            if read.is_some_and(|read| !read.get(place).copied().unwrap_or(true)) {
                continue;
            }
            let named = |(name, _): &(&str, _)| **name == *field.name;
            match (
                shape.fields.iter().position(named),
                &field.default,
                schema.get(field.ty),
            ) {
                (Some(number), ..) => {
                    let fit = fit(schema, field.ty, &shape.fields[number].1, None, limits);
                    given[number] = FieldFit {
                        place: place as u32,
                        name: (*field.name).into(),
                        fit: fit.map_err(|m| m.within(&field.name))?,
                    };
                }
                (None, Some(Value::None), _) | (None, None, Type::Opt(_)) => {}
                (None, Some(default), _) => fixed.push((place as u32, default.clone())),
                (None, None, Type::Values { .. }) => fixed.push((place as u32, Value::seq([]))),
                (None, None, ty) => {
                    return Err(Misfit::new(format!(
                        "the rules read it, {}, and `{}` has no such field",
                        wanted(schema, ty),
                        shape.name
                    ))
                    .within(&field.name));
                }
            }
        }
        Ok(RecordFit {
            given: given.into(),
            fixed: fixed.into(),
            len: fields.len(),
        })
    }

    /// Whether the rules have no fields there.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The words of the fields, in the order of the rules; what is not written is absent.
    #[inline(always)]
    pub(super) fn words<'a>(
        &self,
        to: &Entering<'a>,
        put: impl FnOnce(&mut FieldWords<'_, 'a>) -> Result<(), Box<Refusal>>,
    ) -> Result<&'a [Word<'a>], Box<Refusal>> {
        let words = to.arena.slots(self.len);
        if !self.fixed.is_empty() {
            self.fix(words, to.arena);
        }
        put(&mut FieldWords {
            given: &self.given,
            words: &mut *words,
            to,
        })?;
        Ok(words)
    }

    #[inline(never)]
    fn fix<'a>(&self, words: &mut [Word<'a>], arena: &'a Arena) {
        for (place, value) in &self.fixed {
            if let Some(word) = words.get_mut(*place as usize) {
                *word = value.word(arena);
            }
        }
    }
}

/// The same refusal, one step further out.
#[cold]
pub(super) fn within(mut refusal: Box<Refusal>, step: &str) -> Box<Refusal> {
    refusal.path = join(step, &refusal.path);
    refusal
}
