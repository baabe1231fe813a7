//! Between words in memory and parts in registers.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use tollgate_native_abi::known::Known;
use tollgate_native_abi::layout::{DANGLING, SECOND, TAG, WORD, tag};
use tollgate_native_abi::{Context, Kind, Part, Repr};
use tollgate_runtime::Value as Constant;

use super::{Lower, register};

/// Most parts of a value: a flag, and the three of an enum or a network.
const PARTS_MAX: usize = 4;

/// The parts of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    values: [Value; PARTS_MAX],
    len: usize,
}

impl Default for Parts {
    fn default() -> Parts {
        Parts {
            values: [Value::from_u32(0); PARTS_MAX],
            len: 0,
        }
    }
}

impl Parts {
    /// At most four parts.
    pub(super) fn new(parts: &[Value]) -> Parts {
        let mut all = Parts::default();
        parts.iter().for_each(|part| all.push(*part));
        all
    }

    fn push(&mut self, part: Value) {
        self.values[self.len] = part;
        self.len += 1;
    }

    pub(super) fn all(&self) -> &[Value] {
        &self.values[..self.len]
    }

    /// The parts behind the flag of an optional.
    pub(super) fn behind(&self) -> Parts {
        Parts::new(&self.all()[1..])
    }

    /// An optional of these parts.
    pub(super) fn present(&self, flag: Value) -> Parts {
        let mut all = Parts::new(&[flag]);
        self.all().iter().for_each(|part| all.push(*part));
        all
    }
}

/// Memory that compiled code may read at any time, and that nobody writes to while it runs: the context, the program's
/// constants, the arguments.
pub(super) const FIXED: MemFlagsData = MemFlagsData::trusted().with_readonly().with_can_move();

/// Memory that is there, and may have been written a moment ago.
pub(super) const PLAIN: MemFlagsData = MemFlagsData::trusted();

impl Lower<'_> {
    /// A field of the context that does not change.
    pub(super) fn of_context(&mut self, offset: i32) -> Value {
        let cx = self.cx;
        self.b.ins().load(types::I64, FIXED, cx, offset)
    }

    /// An argument of an entry.
    pub(super) fn read_argument(&mut self, args: Value, index: usize, repr: Repr) -> Parts {
        self.read_with(FIXED, args, (index * WORD) as i32, repr)
    }

    /// Reads a word.
    pub(super) fn read(&mut self, at: Value, offset: i32, repr: Repr) -> Parts {
        self.read_with(PLAIN, at, offset, repr)
    }

    /// Reads a word. One of another kind reads as the zero of the type.
    pub(super) fn read_with(
        &mut self,
        memory: MemFlagsData,
        at: Value,
        offset: i32,
        repr: Repr,
    ) -> Parts {
        let shape = repr.shape;
        let found = self.b.ins().load(types::I8, memory, at, offset + TAG);
        let wanted = i64::from(shape.tag());
        let mut right = self.b.ins().icmp_imm_u(IntCC::Equal, found, wanted);
        if let Some(fields) = shape.fields() {
            let len = self.b.ins().load(types::I64, memory, at, offset + SECOND);
            let fields = i64::from(fields);
            let enough = self
                .b
                .ins()
                .icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, len, fields);
            right = self.b.ins().band(right, enough);
        }
        let mut parts = Parts::default();
        if repr.optional {
            parts.push(right);
        }
        for part in shape.parts() {
            let ty = register(part.kind);
            let memory = match part.offset % 8 {
                0 => memory,
                // A number of a variant is aligned for what it is, the bytes of an address are not.
                _ => unaligned(memory),
            };
            let read = self.b.ins().load(ty, memory, at, offset + part.offset);
            let zero = self.zero_part(repr, *part);
            parts.push(self.b.ins().select(right, read, zero));
        }
        parts
    }

    /// Reads a word of a sequence; one beyond its end reads as an absent word.
    pub(super) fn read_element(
        &mut self,
        at: Value,
        len: Value,
        index: Value,
        repr: Repr,
    ) -> Parts {
        // Unsigned, so that a place before the beginning is one behind the end.
        let there = self.b.ins().icmp(IntCC::UnsignedLessThan, index, len);
        let distance = self.b.ins().imul_imm_s(index, WORD as i64);
        let element = self.b.ins().iadd(at, distance);
        let absent = self.of_context(Context::ZEROS);
        let element = self.b.ins().select(there, element, absent);
        self.read(element, 0, repr)
    }

    /// The parts of one of two values of a type.
    pub(super) fn choose(&mut self, flag: Value, yes: Parts, no: Parts) -> Parts {
        let mut parts = Parts::default();
        for (yes, no) in yes.all().iter().zip(no.all()) {
            parts.push(self.b.ins().select(flag, *yes, *no));
        }
        parts
    }

    /// Writes a word.
    pub(super) fn write(&mut self, at: Value, offset: i32, parts: Parts, repr: Repr) {
        let shape = repr.shape;
        let mut values = parts.all().iter();
        let mut tag = self.b.ins().iconst(types::I8, i64::from(shape.tag()));
        if repr.optional
            && let Some(flag) = values.next()
        {
            let none = self.b.ins().iconst(types::I8, i64::from(tag::NONE));
            tag = self.b.ins().select(*flag, tag, none);
        }
        self.b.ins().store(PLAIN, tag, at, offset + TAG);
        for (part, value) in shape.parts().iter().zip(values) {
            let memory = match part.offset % 8 {
                0 => PLAIN,
                _ => unaligned(PLAIN),
            };
            self.b.ins().store(memory, *value, at, offset + part.offset);
        }
        if let Some(fields) = shape.fields() {
            let len = self.int(i64::from(fields));
            self.b.ins().store(PLAIN, len, at, offset + SECOND);
        }
        for fixed in shape.fixed() {
            let value = self.b.ins().iconst(register(fixed.kind), fixed.value);
            self.b.ins().store(PLAIN, value, at, offset + fixed.offset);
        }
    }

    /// The zero of a type; absent, if it is optional.
    pub(super) fn zero(&mut self, repr: Repr) -> Parts {
        let mut parts = Parts::default();
        if repr.optional {
            parts.push(self.flag(false));
        }
        for part in repr.shape.parts() {
            let zero = self.zero_part(repr, *part);
            parts.push(zero);
        }
        parts
    }

    fn zero_part(&mut self, repr: Repr, part: Part) -> Value {
        match part.kind {
            Kind::Flag | Kind::Id | Kind::Int => self.b.ins().iconst(register(part.kind), 0),
            Kind::Float => self.b.ins().f64const(0.0),
            Kind::Pointer if repr.shape.zero_is_read() => self.of_context(Context::ZEROS),
            Kind::Pointer => self.int(DANGLING),
        }
    }

    /// A constant of the program: numbers are in the code, what is pointed at lies with the constants.
    pub(super) fn konst_parts(&mut self, index: u32, constant: &Constant, repr: Repr) -> Parts {
        if matches!(constant, Constant::None) {
            return self.zero(repr);
        }
        let mut parts = Parts::default();
        if repr.optional {
            parts.push(self.flag(true));
        }
        for part in repr.shape.parts() {
            let value = match Known::new(constant, *part) {
                Known::Bits(value) => self.b.ins().iconst(register(part.kind), value),
                Known::Float(value) => self.b.ins().f64const(value),
                Known::Pointer => {
                    let constants = self.of_context(Context::CONSTANTS);
                    let offset = index as i32 * WORD as i32 + part.offset;
                    self.b.ins().load(types::I64, FIXED, constants, offset)
                }
            };
            parts.push(value);
        }
        parts
    }
}

fn unaligned(memory: MemFlagsData) -> MemFlagsData {
    let plain = MemFlagsData::new().with_notrap();
    match memory.readonly() {
        true => plain.with_readonly().with_can_move(),
        false => plain,
    }
}
