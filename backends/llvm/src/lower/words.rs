//! Between words in memory and parts in registers.

use inkwell::IntPredicate;
use inkwell::values::PointerValue;
use tollgate_native_abi::known::Known;
use tollgate_native_abi::layout::{DANGLING, SECOND, TAG, WORD, tag};
use tollgate_native_abi::{Context, Kind, Part, Repr, Shape};
use tollgate_runtime::Value as Constant;

use super::Lower;
use crate::emit::{Memory, Register};

/// The parts of a value.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts<'c>(Vec<Register<'c>>);

impl<'c> Parts<'c> {
    pub(super) fn new(parts: Vec<Register<'c>>) -> Parts<'c> {
        Parts(parts)
    }

    pub(super) fn one(part: Register<'c>) -> Parts<'c> {
        Parts(vec![part])
    }

    pub(super) fn all(&self) -> &[Register<'c>] {
        &self.0
    }

    /// The parts behind the flag of an optional.
    pub(super) fn behind(&self) -> Parts<'c> {
        Parts(self.0[1..].to_vec())
    }

    /// An optional of these parts.
    pub(super) fn present(&self, flag: Register<'c>) -> Parts<'c> {
        Parts([&[flag], &self.0[..]].concat())
    }
}

/// What the parts of a value are called, for people.
pub(super) fn names(repr: Repr) -> impl Iterator<Item = &'static str> {
    let parts: &[&str] = match repr.shape {
        Shape::Bool | Shape::Int | Shape::Float => &["value"],
        Shape::Str | Shape::Bytes | Shape::Seq => &["at", "len"],
        Shape::Ip => &["high", "low"],
        Shape::Cidr => &["high", "low", "bits"],
        Shape::Record(_) => &["at"],
        Shape::Plain => &["tag"],
        Shape::Variant => &["tag", "at", "len"],
    };
    let flag = repr.optional.then_some("some");
    flag.into_iter().chain(parts.iter().copied())
}

impl<'c> Lower<'_, 'c> {
    /// A field of the context that does not change.
    pub(super) fn of_context(&self, kind: Kind, offset: i32) -> Register<'c> {
        self.e.load(kind, self.cx, offset.into(), Memory::Fixed)
    }

    /// A pointer that is a field of the context and does not change.
    pub(super) fn place_of_context(&self, offset: i32) -> PointerValue<'c> {
        self.of_context(Kind::Pointer, offset).into_pointer_value()
    }

    /// Reads a word. One of another kind reads as the zero of the type.
    pub(super) fn read(
        &self,
        memory: Memory,
        at: PointerValue<'c>,
        offset: i64,
        repr: Repr,
    ) -> Parts<'c> {
        let load = |kind, part: i32| self.e.load(kind, at, offset + i64::from(part), memory);
        let shape = repr.shape;
        let wanted = self.e.number(Kind::Flag, shape.tag().into());
        let mut right = self.e.equal(load(Kind::Flag, TAG), wanted);
        if let Some(fields) = shape.fields() {
            let (len, fields) = (load(Kind::Int, SECOND), self.e.int(fields.into()));
            let enough = self.e.compare(IntPredicate::UGE, len, fields);
            right = self.e.both(right, enough);
        }
        let flag = repr.optional.then(|| self.e.as_flag(right));
        let parts = shape.parts().iter().map(|part| {
            let read = load(part.kind, part.offset);
            self.e.select(right, read, self.zero_part(repr, *part))
        });
        Parts(flag.into_iter().chain(parts).collect())
    }

    /// Writes a word.
    pub(super) fn write(&self, at: PointerValue<'c>, offset: i64, parts: &Parts<'c>, repr: Repr) {
        let store =
            |kind, value, part: i32| self.e.store(kind, value, at, offset + i64::from(part));
        let shape = repr.shape;
        let mut values = parts.all().iter();
        let mut tag = self.e.number(Kind::Flag, shape.tag().into());
        if repr.optional
            && let Some(flag) = values.next()
        {
            let none = self.e.number(Kind::Flag, tag::NONE.into());
            tag = self.e.select(self.e.holds(*flag), tag, none);
        }
        store(Kind::Flag, tag, TAG);
        for (part, value) in shape.parts().iter().zip(values) {
            store(part.kind, *value, part.offset);
        }
        if let Some(fields) = shape.fields() {
            store(Kind::Int, self.e.int(fields.into()), SECOND);
        }
        for fixed in shape.fixed() {
            let value = self.e.number(fixed.kind, fixed.value);
            store(fixed.kind, value, fixed.offset);
        }
    }

    /// The zero of a type; absent, if it is optional.
    pub(super) fn zero(&self, repr: Repr) -> Parts<'c> {
        let flag = repr.optional.then(|| self.e.flag(false));
        let parts = repr.shape.parts().iter();
        let parts = parts.map(|part| self.zero_part(repr, *part));
        Parts(flag.into_iter().chain(parts).collect())
    }

    fn zero_part(&self, repr: Repr, part: Part) -> Register<'c> {
        match part.kind {
            Kind::Pointer if repr.shape.zero_is_read() => {
                self.of_context(Kind::Pointer, Context::ZEROS)
            }
            Kind::Pointer => self.e.number(Kind::Pointer, DANGLING),
            kind => self.e.number(kind, 0),
        }
    }

    /// A constant of the program: numbers are in the code, what is pointed at lies with the constants.
    pub(super) fn konst_parts(&self, index: u32, constant: &Constant, repr: Repr) -> Parts<'c> {
        if matches!(constant, Constant::None) {
            return self.zero(repr);
        }
        let flag = repr.optional.then(|| self.e.flag(true));
        let parts = repr
            .shape
            .parts()
            .iter()
            .map(|part| match Known::new(constant, *part) {
                Known::Bits(value) => self.e.number(part.kind, value),
                Known::Float(value) => self.e.float(value),
                Known::Pointer => {
                    let constants = self.place_of_context(Context::CONSTANTS);
                    let offset = i64::from(index) * WORD as i64 + i64::from(part.offset);
                    self.e.load(Kind::Pointer, constants, offset, Memory::Fixed)
                }
            });
        Parts(flag.into_iter().chain(parts).collect())
    }
}
