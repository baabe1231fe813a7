//! What LLVM is told about functions and cannot find out by itself: what calls of the runtime read and write, what pointers point at, and which
//! processor the code is for.

use inkwell::attributes::{Attribute, AttributeLoc};
use inkwell::intrinsics::Intrinsic as Named;
use inkwell::module::Module;
use inkwell::types::{BasicMetadataTypeEnum, BasicType, FunctionType};
use inkwell::values::{CallSiteValue, FunctionValue};
use tollgate_native_abi::layout::WORD;
use tollgate_native_abi::{Context, Effect, Function, Kind};

use crate::emit::{Emit, Register, Types};
use crate::machine::Machine;

/// LLVM's convention for functions that only compiled code calls.
pub(crate) const FAST: u32 = 8;

/// An operation on two integers that LLVM has as a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Intrinsic {
    /// A sum, at the bounds where it would leave them.
    AddSat,
    /// A difference, at the bounds where it would leave them.
    SubSat,
    /// The smaller.
    Min,
    /// The greater.
    Max,
}

/// Attributes, made once a program.
pub(crate) struct Facts<'c> {
    types: Types<'c>,
    /// Of every function: nothing unwinds, everything returns; the processor.
    every: Vec<Attribute>,
    /// Of a context.
    context: Vec<Attribute>,
    /// Of arguments as words, and of room for a word.
    words: Vec<Attribute>,
    room: Vec<Attribute>,
    runtime: Vec<Runtime<'c>>,
    noinline: Attribute,
}

/// What is known of a function of the runtime.
struct Runtime<'c> {
    ty: FunctionType<'c>,
    attributes: Vec<(AttributeLoc, Attribute)>,
}

impl<'c> Facts<'c> {
    pub(crate) fn new(types: Types<'c>, machine: &Machine) -> Facts<'c> {
        let llvm = types.llvm();
        let number = |name: &str, value: u64| {
            llvm.create_enum_attribute(Attribute::get_named_enum_kind_id(name), value)
        };
        let flag = |name: &str| number(name, 0);
        let pointer = |bytes: usize| {
            let bytes = number("dereferenceable", bytes as u64);
            let rest = ["noalias", "nonnull", "noundef"].map(flag);
            [&rest[..], &[bytes, number("align", 8)]].concat()
        };
        let returns = ["nounwind", "willreturn"].map(flag);
        let text = |key: &str, value: &str| llvm.create_string_attribute(key, value);
        let processor = [
            ("target-cpu", &machine.cpu),
            ("target-features", &machine.features),
        ];
        let processor = processor.into_iter().filter(|(_, value)| !value.is_empty());
        let stack = [
            // Profilers find callers by it.
            text("frame-pointer", "all"),
            // A frame larger than a page touches each of its pages, so that the end of the stack is found.
            text("probe-stack", "inline-asm"),
        ];
        let runtime = Function::ALL.iter().map(|function| {
            let mut attributes: Vec<_> = returns
                .iter()
                .map(|said| (AttributeLoc::Function, *said))
                .collect();
            if let Some(memory) = touched(*function) {
                attributes.push((AttributeLoc::Function, number("memory", memory)));
            }
            let params = function.params().iter().zip(0..);
            let params = params.map(|(kind, i)| (*kind, AttributeLoc::Param(i)));
            let result = function.result().map(|kind| (kind, AttributeLoc::Return));
            for (kind, place) in params.chain(result) {
                // What Rust says of a `u8`: the bits above it are zero.
                if kind == Kind::Flag {
                    attributes.push((place, flag("zeroext")));
                }
            }
            if *function == Function::Words {
                // Fresh room in the arena, which nothing else points at.
                let fresh = ["noalias", "nonnull"].map(flag);
                attributes.extend(fresh.map(|said| (AttributeLoc::Return, said)));
            }
            Runtime {
                ty: runtime_type(types, *function),
                attributes,
            }
        });
        Facts {
            types,
            every: processor
                .map(|(key, value)| text(key, value))
                .chain(returns)
                .chain(stack)
                .collect(),
            context: pointer(size_of::<Context>()),
            words: ["noalias", "nonnull", "noundef", "readonly"]
                .map(flag)
                .into(),
            room: pointer(WORD),
            runtime: runtime.collect(),
            noinline: flag("noinline"),
        }
    }

    /// The type of an entry.
    pub(crate) fn entry_type(&self) -> FunctionType<'c> {
        let pointer: BasicMetadataTypeEnum<'c> = self.types.pointer().into();
        self.types.llvm().void_type().fn_type(&[pointer; 3], false)
    }

    /// The type of a function that takes a context and parts, and gives parts.
    pub(crate) fn form_type(&self, params: &[Kind], result: &[Kind]) -> FunctionType<'c> {
        let params = params.iter().map(|kind| self.types.register(*kind).into());
        let context = self.types.pointer().into();
        let params: Vec<_> = [context].into_iter().chain(params).collect();
        match result {
            [one] => self.types.register(*one).fn_type(&params, false),
            _ => self.types.registers(result).fn_type(&params, false),
        }
    }

    /// The type of a piece: the context, the frame, and where it is entered.
    pub(crate) fn piece_type(&self) -> FunctionType<'c> {
        let pointer = self.types.pointer().into();
        let door = self.types.int(Kind::Id).into();
        let nothing = self.types.llvm().void_type();
        nothing.fn_type(&[pointer, pointer, door], false)
    }

    pub(crate) fn runtime_type(&self, function: Function) -> FunctionType<'c> {
        self.runtime[function as usize].ty
    }

    pub(crate) fn of_entry(&self, function: FunctionValue<'c>) {
        self.of_function(function);
        add(function, AttributeLoc::Param(1), &self.words);
        add(function, AttributeLoc::Param(2), &self.room);
    }

    pub(crate) fn of_form(&self, function: FunctionValue<'c>) {
        self.of_function(function);
        function.set_call_conventions(FAST);
    }

    /// A piece stays one: what was cut apart because it is large is not to be put together again.
    pub(crate) fn of_piece(&self, function: FunctionValue<'c>) {
        self.of_form(function);
        add(function, AttributeLoc::Function, &[self.noinline]);
    }

    pub(crate) fn of_runtime(&self, function: Function, call: CallSiteValue<'c>) {
        for (place, said) in &self.runtime[function as usize].attributes {
            call.add_attribute(*place, *said);
        }
    }

    fn of_function(&self, function: FunctionValue<'c>) {
        add(function, AttributeLoc::Function, &self.every);
        add(function, AttributeLoc::Param(0), &self.context);
    }
}

impl Intrinsic {
    /// The call of it.
    pub(crate) fn call<'c>(
        self,
        code: &Module<'c>,
        e: &Emit<'c>,
        a: Register<'c>,
        b: Register<'c>,
    ) -> Register<'c> {
        let name = match self {
            Intrinsic::AddSat => "llvm.sadd.sat",
            Intrinsic::SubSat => "llvm.ssub.sat",
            Intrinsic::Min => "llvm.smin",
            Intrinsic::Max => "llvm.smax",
        };
        let declared = Named::find(name)
            .and_then(|named| named.get_declaration(code, &[e.types.register(Kind::Int)]));
        let declared = declared.unwrap_or_else(|| tollgate_ir::bug!("LLVM has no `{name}`"));
        let given = e.call(declared, &[a.into(), b.into()]);
        let given = given.try_as_basic_value().basic();
        given.unwrap_or_else(|| tollgate_ir::bug!("`{name}` gives nothing"))
    }
}

fn add(function: FunctionValue<'_>, place: AttributeLoc, said: &[Attribute]) {
    for said in said {
        function.add_attribute(place, *said);
    }
}

fn runtime_type(types: Types<'_>, function: Function) -> FunctionType<'_> {
    let params = function.params().iter();
    let params: Vec<_> = params.map(|kind| types.register(*kind).into()).collect();
    match function.result() {
        Some(kind) => types.register(kind).fn_type(&params, false),
        None => types.llvm().void_type().fn_type(&params, false),
    }
}

/// What a call of the runtime touches, as LLVM's attribute `memory` encodes it: two bits for each kind of memory, 1 for reading and 2 for
/// writing. Nothing is said of what changes the marks.
fn touched(function: Function) -> Option<u64> {
    /// Reading, of each of the kinds that LLVM tells apart.
    const READ: u64 = 0b01_01_01_01_01_01;
    /// What arguments point at, and what compiled code cannot see: the arena, until it is given a part of it.
    const WRITE: u64 = 0b00_00_00_00_10_10;
    let pointers = function.params().contains(&Kind::Pointer);
    match function.effect() {
        // The marks may move to where there is more room.
        Effect::Marks | Effect::Asks => None,
        Effect::Writes => Some(READ | WRITE),
        Effect::Reads if pointers => Some(READ),
        Effect::Reads => Some(0),
    }
}
