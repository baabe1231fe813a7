//! The kinds of operand an opcode can have, and what each knows: how it is written to a file and read back, how it
//! is listed, and what the verifier asks of it. An opcode is nothing but its operands, so everything that
//! is true of an opcode as data is said here once a kind.

use tollgate_ir::entities::{ConstId, DataId, PatId, PlaceId, SiteId};
use tollgate_ir::operand::{Cc, Fimm, Flag, Imm, Index};

use crate::decode::{LoadError, Reader};
use crate::disas::Listing;
use crate::encode::Writer;
use crate::program::Program;
use crate::verify::{Checker, Flaw};

/// What the file format, the listing and the verifier ask of every kind of operand.
pub(crate) trait Operand: Copy {
    /// Appends it to a file.
    fn encode(self, out: &mut Writer);

    /// Reads it from a file; ranges are the verifier's business.
    fn decode(input: &mut Reader<'_>) -> Result<Self, LoadError>;

    /// Writes it to a listing.
    fn show(self, out: &mut Listing<'_>);

    /// Checks that it names something that exists, and that what it reads was written.
    fn check(self, checker: &mut Checker<'_>) -> Result<(), Flaw>;

    /// Visits the functions it calls.
    fn callees(self, _program: &Program, _visit: &mut dyn FnMut(u32)) {}

    /// The register it writes.
    fn writes(self) -> Option<Dst> {
        None
    }

    /// Replaces each jump target by what `map` says.
    fn retarget(&mut self, _map: &mut dyn FnMut(Target) -> Target) {}

    /// Visits each jump target.
    fn targets(self, _checker: &mut Checker<'_>) -> Result<(), Flaw> {
        Ok(())
    }
}

/// A register that is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reg(pub(crate) u32);

/// A register that is written, after everything else of the opcode was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Dst(pub(crate) u32);

/// An opcode of the same function, by its distance from the function's first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Target(pub(crate) u32);

/// An index that fits beside three larger operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Short(pub(crate) u16);

/// An integer that fits beside two larger operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Imm32(pub(crate) i32);

/// Registers that are read: the place in the pool of lists where `length, register …` stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct List(pub(crate) u32);

/// A call of a function: the place in the pool of lists where `function, length, register …` stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Call(pub(crate) u32);

/// A call of a function once an element: `function, most elements, length, register …` in the pool of lists.
/// The function takes the element beside what the registers hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Each(pub(crate) u32);

/// A call of a native: `native, length, register …` in the pool of lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NativeCall(pub(crate) u32);

/// An operation on states: `place, length, register …` in the pool of lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Asked(pub(crate) u32);

/// A decision by an index: `index, length, register …` in the pool of lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Searched(pub(crate) u32);

/// A jump table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TableIx(pub(crate) u32);

impl Operand for Reg {
    fn encode(self, out: &mut Writer) {
        out.u32(self.0);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, LoadError> {
        input.u32().map(Reg)
    }
    fn show(self, out: &mut Listing<'_>) {
        out.word(format_args!("r{}", self.0));
    }
    fn check(self, checker: &mut Checker<'_>) -> Result<(), Flaw> {
        checker.read(self)
    }
}

impl Operand for Dst {
    fn encode(self, out: &mut Writer) {
        out.u32(self.0);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, LoadError> {
        input.u32().map(Dst)
    }
    fn show(self, out: &mut Listing<'_>) {
        out.word(format_args!("r{}", self.0));
    }
    fn check(self, checker: &mut Checker<'_>) -> Result<(), Flaw> {
        checker.register(self.0)
    }
    fn writes(self) -> Option<Dst> {
        Some(self)
    }
}

impl Operand for Target {
    fn encode(self, out: &mut Writer) {
        out.u32(self.0);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, LoadError> {
        input.u32().map(Target)
    }
    fn show(self, out: &mut Listing<'_>) {
        out.word(format_args!("->{}", self.0));
    }
    fn check(self, checker: &mut Checker<'_>) -> Result<(), Flaw> {
        checker.forward(self)
    }
    fn retarget(&mut self, map: &mut dyn FnMut(Target) -> Target) {
        *self = map(*self);
    }
    fn targets(self, checker: &mut Checker<'_>) -> Result<(), Flaw> {
        checker.reach(self)
    }
}

impl Operand for TableIx {
    fn encode(self, out: &mut Writer) {
        out.u32(self.0);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, LoadError> {
        input.u32().map(TableIx)
    }
    fn show(self, out: &mut Listing<'_>) {
        out.table(self);
    }
    fn check(self, checker: &mut Checker<'_>) -> Result<(), Flaw> {
        checker.table(self)
    }
    fn targets(self, checker: &mut Checker<'_>) -> Result<(), Flaw> {
        checker.reach_table(self)
    }
}

/// Kinds that are one number in the file and have their own line in the checker and the listing.
macro_rules! numbers {
    ($($name:ident: $read:ident/$write:ident, |$x:ident, $checker:ident| $check:expr, |$out:ident| $show:expr;)*) => {$(
        impl Operand for $name {
            fn encode(self, out: &mut Writer) {
                out.$write(self.0);
            }
            fn decode(input: &mut Reader<'_>) -> Result<Self, LoadError> {
                input.$read().map($name)
            }
            fn show(self, $out: &mut Listing<'_>) {
                let $x = self;
                $show;
            }
            fn check(self, $checker: &mut Checker<'_>) -> Result<(), Flaw> {
                let $x = self;
                let _ = (&$x, &$checker);
                $check
            }
        }
    )*};
}

numbers! {
    Imm: i64/i64, |x, c| Ok(()), |out| out.word(format_args!("{}", x.0));
    Imm32: i32/i32, |x, c| Ok(()), |out| out.word(format_args!("{}", x.0));
    Index: u32/u32, |x, c| Ok(()), |out| out.word(format_args!("{}", x.0));
    Short: u16/u16, |x, c| Ok(()), |out| out.word(format_args!("{}", x.0));
    Flag: bool/bool, |x, c| Ok(()), |out| out.word(format_args!("{}", x.0));
    ConstId: u32/u32, |x, c| c.constant(x), |out| out.constant(x);
    DataId: u32/u32, |x, c| c.data(x), |out| out.data(x);
    PatId: u32/u32, |x, c| c.pattern(x), |out| out.pattern(x);
    SiteId: u32/u32, |x, c| c.site(x), |out| out.site(x);
    PlaceId: u32/u32, |x, c| c.place(x), |out| out.place(x);
    List: u32/u32, |x, c| c.list(x), |out| out.list(x);
    NativeCall: u32/u32, |x, c| c.native(x), |out| out.native(x);
    Asked: u32/u32, |x, c| c.asked(x), |out| out.asked(x);
}

impl Operand for Call {
    fn encode(self, out: &mut Writer) {
        out.u32(self.0);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, LoadError> {
        input.u32().map(Call)
    }
    fn show(self, out: &mut Listing<'_>) {
        out.call(self);
    }
    fn check(self, checker: &mut Checker<'_>) -> Result<(), Flaw> {
        checker.call(self)
    }
    fn callees(self, program: &Program, visit: &mut dyn FnMut(u32)) {
        visit(program.call(self).0);
    }
}

impl Operand for Each {
    fn encode(self, out: &mut Writer) {
        out.u32(self.0);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, LoadError> {
        input.u32().map(Each)
    }
    fn show(self, out: &mut Listing<'_>) {
        out.each(self);
    }
    fn check(self, checker: &mut Checker<'_>) -> Result<(), Flaw> {
        checker.each(self)
    }
    fn callees(self, program: &Program, visit: &mut dyn FnMut(u32)) {
        visit(program.each(self).0);
    }
}

impl Operand for Searched {
    fn encode(self, out: &mut Writer) {
        out.u32(self.0);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, LoadError> {
        input.u32().map(Searched)
    }
    fn show(self, out: &mut Listing<'_>) {
        out.searched(self);
    }
    fn check(self, checker: &mut Checker<'_>) -> Result<(), Flaw> {
        checker.searched(self)
    }
    fn callees(self, program: &Program, visit: &mut dyn FnMut(u32)) {
        let index = program.indexes.get(program.searched(self).0 as usize);
        let functions = index.map_or(&[][..], |index| &index.functions);
        functions.iter().for_each(|f| visit(*f));
    }
}

impl Operand for Fimm {
    fn encode(self, out: &mut Writer) {
        out.f64(self.get());
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, LoadError> {
        input.f64().map(Fimm::new)
    }
    fn show(self, out: &mut Listing<'_>) {
        out.word(format_args!("{:?}", self.get()));
    }
    fn check(self, _checker: &mut Checker<'_>) -> Result<(), Flaw> {
        Ok(())
    }
}

impl Operand for Cc {
    fn encode(self, out: &mut Writer) {
        out.u8(Cc::ALL.iter().position(|cc| *cc == self).unwrap_or(0) as u8);
    }
    fn decode(input: &mut Reader<'_>) -> Result<Self, LoadError> {
        let at = input.at();
        let cc = Cc::ALL.get(usize::from(input.u8()?));
        cc.copied()
            .ok_or_else(|| LoadError::damaged(at, "no such comparison"))
    }
    fn show(self, out: &mut Listing<'_>) {
        out.word(format_args!("{}", self.name()));
    }
    fn check(self, _checker: &mut Checker<'_>) -> Result<(), Flaw> {
        Ok(())
    }
}
