//! LLVM's builder in the words of this crate: registers by [`Kind`], memory by byte offset, truth values as `i1`.
//!
//! What the builder refuses would be our own mistake, so it is looked at here and nowhere else.

use inkwell::basic_block::BasicBlock;
use inkwell::builder::{Builder, BuilderError};
use inkwell::context::Context as Llvm;
use inkwell::debug_info::DILocation;
use inkwell::types::{BasicTypeEnum, FunctionType, IntType, PointerType, StructType};
use inkwell::values::{
    BasicMetadataValueEnum, BasicValue, BasicValueEnum, CallSiteValue, FunctionValue, IntValue,
    MetadataValue, PhiValue, PointerValue,
};
use inkwell::{AddressSpace, FloatPredicate, IntPredicate};
use tollgate_native_abi::Kind;

/// A register: an LLVM value of the type of its kind.
pub(crate) type Register<'c> = BasicValueEnum<'c>;

/// A truth value, of type `i1`.
pub(crate) type Truth<'c> = IntValue<'c>;

/// What is known of a place in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Memory {
    /// Nobody writes to it while compiled code runs: most of the context, the program's constants, arguments and data.
    Fixed,
    /// It is there, and may have been written a moment ago.
    Plain,
}

/// The types of registers, and what is said about instructions.
#[derive(Clone, Copy)]
pub(crate) struct Types<'c> {
    llvm: &'c Llvm,
    /// What says that memory is [`Memory::Fixed`].
    invariant: (u32, MetadataValue<'c>),
    /// What says how likely branches are.
    weights: u32,
}

impl<'c> Types<'c> {
    pub(crate) fn new(llvm: &'c Llvm) -> Types<'c> {
        Types {
            llvm,
            invariant: (llvm.get_kind_id("invariant.load"), llvm.metadata_node(&[])),
            weights: llvm.get_kind_id("prof"),
        }
    }

    pub(crate) fn llvm(&self) -> &'c Llvm {
        self.llvm
    }

    pub(crate) fn pointer(&self) -> PointerType<'c> {
        self.llvm.ptr_type(AddressSpace::default())
    }

    pub(crate) fn int(&self, kind: Kind) -> IntType<'c> {
        match kind {
            Kind::Flag => self.llvm.i8_type(),
            Kind::Id => self.llvm.i32_type(),
            Kind::Int | Kind::Float | Kind::Pointer => self.llvm.i64_type(),
        }
    }

    pub(crate) fn register(&self, kind: Kind) -> BasicTypeEnum<'c> {
        match kind {
            Kind::Flag | Kind::Id | Kind::Int => self.int(kind).into(),
            Kind::Float => self.llvm.f64_type().into(),
            Kind::Pointer => self.pointer().into(),
        }
    }

    pub(crate) fn registers(&self, kinds: &[Kind]) -> StructType<'c> {
        let fields: Vec<_> = kinds.iter().map(|kind| self.register(*kind)).collect();
        self.llvm.struct_type(&fields, false)
    }
}

/// Writes instructions at the end of a block.
pub(crate) struct Emit<'c> {
    pub(crate) types: Types<'c>,
    b: Builder<'c>,
}

impl<'c> Emit<'c> {
    /// Begins in a block.
    pub(crate) fn new(types: Types<'c>, block: BasicBlock<'c>) -> Emit<'c> {
        let b = types.llvm.create_builder();
        b.position_at_end(block);
        Emit { types, b }
    }

    // Where.

    pub(crate) fn go_to(&self, block: BasicBlock<'c>) {
        self.b.position_at_end(block);
    }

    /// Where the instructions come from that are written next.
    pub(crate) fn locate(&self, location: Option<DILocation<'c>>) {
        match location {
            Some(location) => self.b.set_current_debug_location(location),
            None => self.b.unset_current_debug_location(),
        }
    }

    pub(crate) fn here(&self) -> BasicBlock<'c> {
        let block = self.b.get_insert_block();
        block.unwrap_or_else(|| tollgate_ir::bug!("an instruction stands in no block"))
    }

    /// A block behind the one that is being written.
    pub(crate) fn block(&self, name: &str) -> BasicBlock<'c> {
        self.types.llvm.insert_basic_block_after(self.here(), name)
    }

    // Constants.

    pub(crate) fn int(&self, value: i64) -> Register<'c> {
        self.number(Kind::Int, value)
    }

    pub(crate) fn flag(&self, value: bool) -> Register<'c> {
        self.number(Kind::Flag, value.into())
    }

    pub(crate) fn id(&self, value: u32) -> Register<'c> {
        self.number(Kind::Id, value.into())
    }

    pub(crate) fn float(&self, value: f64) -> Register<'c> {
        self.types.llvm.f64_type().const_float(value).into()
    }

    /// A number as a register of a kind; as a pointer, the address.
    pub(crate) fn number(&self, kind: Kind, value: i64) -> Register<'c> {
        let number = self.types.int(kind).const_int(value as u64, true);
        match kind {
            Kind::Flag | Kind::Id | Kind::Int => number.into(),
            Kind::Float => self.float(f64::from_bits(value as u64)),
            Kind::Pointer => number.const_to_pointer(self.types.pointer()).into(),
        }
    }

    pub(crate) fn truth(&self, value: bool) -> Truth<'c> {
        self.types.llvm.bool_type().const_int(value.into(), false)
    }

    // Truth values.

    /// Whether a flag is set.
    pub(crate) fn holds(&self, flag: Register<'c>) -> Truth<'c> {
        self.compare(IntPredicate::NE, flag, self.flag(false))
    }

    pub(crate) fn as_flag(&self, truth: Truth<'c>) -> Register<'c> {
        let flag = self.types.int(Kind::Flag);
        ok(self.b.build_int_z_extend(truth, flag, "")).into()
    }

    pub(crate) fn compare(
        &self,
        predicate: IntPredicate,
        a: Register<'c>,
        b: Register<'c>,
    ) -> Truth<'c> {
        let (a, b) = (a.into_int_value(), b.into_int_value());
        ok(self.b.build_int_compare(predicate, a, b, ""))
    }

    pub(crate) fn equal(&self, a: Register<'c>, b: Register<'c>) -> Truth<'c> {
        self.compare(IntPredicate::EQ, a, b)
    }

    pub(crate) fn equal_places(&self, a: PointerValue<'c>, b: PointerValue<'c>) -> Truth<'c> {
        ok(self.b.build_int_compare(IntPredicate::EQ, a, b, ""))
    }

    pub(crate) fn compare_floats(
        &self,
        predicate: FloatPredicate,
        a: Register<'c>,
        b: Register<'c>,
    ) -> Truth<'c> {
        let (a, b) = (a.into_float_value(), b.into_float_value());
        ok(self.b.build_float_compare(predicate, a, b, ""))
    }

    pub(crate) fn both(&self, a: Truth<'c>, b: Truth<'c>) -> Truth<'c> {
        ok(self.b.build_and(a, b, ""))
    }

    pub(crate) fn either(&self, a: Truth<'c>, b: Truth<'c>) -> Truth<'c> {
        ok(self.b.build_or(a, b, ""))
    }

    pub(crate) fn not(&self, a: Truth<'c>) -> Truth<'c> {
        ok(self.b.build_not(a, ""))
    }

    pub(crate) fn select(
        &self,
        truth: Truth<'c>,
        a: Register<'c>,
        b: Register<'c>,
    ) -> Register<'c> {
        ok(self.b.build_select(truth, a, b, ""))
    }

    // Numbers.

    pub(crate) fn add(&self, a: Register<'c>, b: Register<'c>) -> Register<'c> {
        ok(self
            .b
            .build_int_add(a.into_int_value(), b.into_int_value(), ""))
        .into()
    }

    pub(crate) fn sub(&self, a: Register<'c>, b: Register<'c>) -> Register<'c> {
        ok(self
            .b
            .build_int_sub(a.into_int_value(), b.into_int_value(), ""))
        .into()
    }

    pub(crate) fn mul(&self, a: Register<'c>, b: Register<'c>) -> Register<'c> {
        ok(self
            .b
            .build_int_mul(a.into_int_value(), b.into_int_value(), ""))
        .into()
    }

    /// `b` is neither 0 nor -1.
    pub(crate) fn div(&self, a: Register<'c>, b: Register<'c>) -> Register<'c> {
        let (a, b) = (a.into_int_value(), b.into_int_value());
        ok(self.b.build_int_signed_div(a, b, "")).into()
    }

    /// `b` is neither 0 nor -1.
    pub(crate) fn rem(&self, a: Register<'c>, b: Register<'c>) -> Register<'c> {
        let (a, b) = (a.into_int_value(), b.into_int_value());
        ok(self.b.build_int_signed_rem(a, b, "")).into()
    }

    pub(crate) fn and(&self, a: Register<'c>, b: Register<'c>) -> Register<'c> {
        ok(self.b.build_and(a.into_int_value(), b.into_int_value(), "")).into()
    }

    pub(crate) fn or(&self, a: Register<'c>, b: Register<'c>) -> Register<'c> {
        ok(self.b.build_or(a.into_int_value(), b.into_int_value(), "")).into()
    }

    pub(crate) fn xor(&self, a: Register<'c>, b: Register<'c>) -> Register<'c> {
        ok(self.b.build_xor(a.into_int_value(), b.into_int_value(), "")).into()
    }

    /// Half of a length.
    pub(crate) fn half(&self, a: Register<'c>) -> Register<'c> {
        self.shift_right(a, self.int(1))
    }

    /// `by` is less than 64.
    pub(crate) fn shift_right(&self, a: Register<'c>, by: Register<'c>) -> Register<'c> {
        let by = by.into_int_value();
        ok(self.b.build_right_shift(a.into_int_value(), by, false, "")).into()
    }

    pub(crate) fn widen(&self, a: Register<'c>, to: Kind) -> Register<'c> {
        let to = self.types.int(to);
        ok(self.b.build_int_z_extend(a.into_int_value(), to, "")).into()
    }

    pub(crate) fn to_float(&self, a: Register<'c>) -> Register<'c> {
        let to = self.types.llvm.f64_type();
        ok(self.b.build_signed_int_to_float(a.into_int_value(), to, "")).into()
    }

    pub(crate) fn fadd(&self, a: Register<'c>, b: Register<'c>) -> Register<'c> {
        let (a, b) = (a.into_float_value(), b.into_float_value());
        ok(self.b.build_float_add(a, b, "")).into()
    }

    pub(crate) fn fsub(&self, a: Register<'c>, b: Register<'c>) -> Register<'c> {
        let (a, b) = (a.into_float_value(), b.into_float_value());
        ok(self.b.build_float_sub(a, b, "")).into()
    }

    pub(crate) fn fmul(&self, a: Register<'c>, b: Register<'c>) -> Register<'c> {
        let (a, b) = (a.into_float_value(), b.into_float_value());
        ok(self.b.build_float_mul(a, b, "")).into()
    }

    pub(crate) fn fdiv(&self, a: Register<'c>, b: Register<'c>) -> Register<'c> {
        let (a, b) = (a.into_float_value(), b.into_float_value());
        ok(self.b.build_float_div(a, b, "")).into()
    }

    pub(crate) fn fneg(&self, a: Register<'c>) -> Register<'c> {
        ok(self.b.build_float_neg(a.into_float_value(), "")).into()
    }

    // Memory.

    /// So many bytes behind a place, within the object that it lies in.
    pub(crate) fn at(&self, place: PointerValue<'c>, offset: i64) -> PointerValue<'c> {
        match offset {
            0 => place,
            _ => self.behind(place, self.int(offset)),
        }
    }

    /// As [`Emit::at`], where the offset is not known.
    pub(crate) fn behind(&self, place: PointerValue<'c>, offset: Register<'c>) -> PointerValue<'c> {
        let byte = self.types.llvm.i8_type();
        let offset = [offset.into_int_value()];
        // SAFETY: nothing is computed here, an instruction is written down; that the place lies in the object follows from
        // the layout in `tollgate_native_abi`, and lengths are compared before.
        ok(unsafe { self.b.build_in_bounds_gep(byte, place, &offset, "") })
    }

    pub(crate) fn load(
        &self,
        kind: Kind,
        place: PointerValue<'c>,
        offset: i64,
        memory: Memory,
    ) -> Register<'c> {
        let place = self.at(place, offset);
        let loaded = ok(self.b.build_load(self.types.register(kind), place, ""));
        if let Some(load) = loaded.as_instruction_value() {
            // Every object is aligned for words, so the offset tells.
            if offset % size(kind) != 0 {
                settled(load.set_alignment(1));
            }
            if memory == Memory::Fixed {
                let (kind, said) = self.types.invariant;
                settled(load.set_metadata(said, kind));
            }
        }
        loaded
    }

    /// So many bytes, wherever they lie, as a number of 64 bits.
    pub(crate) fn load_bytes(
        &self,
        width: usize,
        place: PointerValue<'c>,
        offset: i64,
    ) -> Register<'c> {
        let llvm = self.types.llvm;
        let ty = match width {
            8 => llvm.i64_type(),
            4 => llvm.i32_type(),
            2 => llvm.i16_type(),
            _ => llvm.i8_type(),
        };
        let loaded = ok(self.b.build_load(ty, self.at(place, offset), ""));
        if let Some(load) = loaded.as_instruction_value() {
            settled(load.set_alignment(1));
        }
        match width {
            8 => loaded,
            _ => self.widen(loaded, Kind::Int),
        }
    }

    pub(crate) fn store(
        &self,
        kind: Kind,
        value: Register<'c>,
        place: PointerValue<'c>,
        offset: i64,
    ) {
        let place = self.at(place, offset);
        let store = ok(self.b.build_store(place, value));
        if offset % size(kind) != 0 {
            settled(store.set_alignment(1));
        }
    }

    /// Room for so many words on the stack, made where the builder stands.
    pub(crate) fn room(&self, words: u32, name: &str) -> PointerValue<'c> {
        let word = self.types.int(Kind::Int).array_type(3);
        ok(self.b.build_alloca(word.array_type(words), name))
    }

    // Calls.

    pub(crate) fn call(
        &self,
        function: FunctionValue<'c>,
        args: &[BasicMetadataValueEnum<'c>],
    ) -> CallSiteValue<'c> {
        let call = ok(self.b.build_call(function, args, ""));
        call.set_call_convention(function.get_call_conventions());
        call
    }

    pub(crate) fn call_at(
        &self,
        ty: FunctionType<'c>,
        place: PointerValue<'c>,
        args: &[BasicMetadataValueEnum<'c>],
    ) -> CallSiteValue<'c> {
        ok(self.b.build_indirect_call(ty, place, args, ""))
    }

    /// The parts of what a function gave: as it is if there is one, and else one field each.
    pub(crate) fn taken_apart(&self, given: Register<'c>, count: usize) -> Vec<Register<'c>> {
        match given {
            Register::StructValue(parts) => (0..count as u32)
                .map(|i| ok(self.b.build_extract_value(parts, i, "")))
                .collect(),
            one => vec![one],
        }
    }

    /// The opposite of [`Emit::taken_apart`].
    pub(crate) fn put_together(&self, parts: &[Register<'c>]) -> Register<'c> {
        if let [one] = parts {
            return *one;
        }
        let fields: Vec<_> = parts.iter().map(|part| part.get_type()).collect();
        let mut all = self.types.llvm.struct_type(&fields, false).get_undef();
        for (i, part) in parts.iter().enumerate() {
            let with = ok(self.b.build_insert_value(all, *part, i as u32, ""));
            all = with.into_struct_value();
        }
        all.into()
    }

    // Branches.

    pub(crate) fn phi(&self, kind: Kind) -> PhiValue<'c> {
        ok(self.b.build_phi(self.types.register(kind), ""))
    }

    /// What is known on each of the ways that lead here.
    pub(crate) fn either_way(&self, ways: &[(Truth<'c>, BasicBlock<'c>)]) -> Truth<'c> {
        let phi = ok(self.b.build_phi(self.types.llvm.bool_type(), ""));
        for (truth, from) in ways {
            phi.add_incoming(&[(truth, *from)]);
        }
        phi.as_basic_value().into_int_value()
    }

    pub(crate) fn jump(&self, to: BasicBlock<'c>) {
        ok(self.b.build_unconditional_branch(to));
    }

    pub(crate) fn branch(&self, truth: Truth<'c>, yes: BasicBlock<'c>, no: BasicBlock<'c>) {
        ok(self.b.build_conditional_branch(truth, yes, no));
    }

    /// A branch that goes one way more often than the other, as the two numbers say.
    pub(crate) fn branch_weighted(
        &self,
        truth: Truth<'c>,
        yes: (BasicBlock<'c>, u64),
        no: (BasicBlock<'c>, u64),
    ) {
        let branch = ok(self.b.build_conditional_branch(truth, yes.0, no.0));
        let llvm = self.types.llvm;
        let weight = |n: u64| llvm.i32_type().const_int(n, false);
        let node = llvm.metadata_node(&[
            llvm.metadata_string("branch_weights").into(),
            weight(yes.1).into(),
            weight(no.1).into(),
        ]);
        settled(branch.set_metadata(node, self.types.weights));
    }

    pub(crate) fn switch(
        &self,
        on: Register<'c>,
        cases: &[(IntValue<'c>, BasicBlock<'c>)],
        default: BasicBlock<'c>,
    ) {
        ok(self.b.build_switch(on.into_int_value(), default, cases));
    }

    pub(crate) fn give(&self, value: Option<Register<'c>>) {
        let value = value.as_ref().map(|v| v as &dyn BasicValue<'c>);
        ok(self.b.build_return(value));
    }
}

/// Bytes of a register in memory.
fn size(kind: Kind) -> i64 {
    match kind {
        Kind::Flag => 1,
        Kind::Id => 4,
        Kind::Int | Kind::Float | Kind::Pointer => 8,
    }
}

fn ok<T>(built: Result<T, BuilderError>) -> T {
    built.unwrap_or_else(|error| tollgate_ir::bug!("LLVM's builder says: {error}"))
}

fn settled<E: std::fmt::Display>(set: Result<(), E>) {
    if let Err(error) = set {
        tollgate_ir::bug!("LLVM says: {error}");
    }
}
