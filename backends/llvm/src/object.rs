//! Into an object file: the functions of a program, and beside them what the runtime reads.

use inkwell::context::Context;
use inkwell::module::{Linkage, Module};
use inkwell::values::{BasicValue, BasicValueEnum, FunctionValue, PointerValue};
use tollgate_backend_api::{CompileError, ObjectSpec};
use tollgate_ir::Legalized;
use tollgate_native_abi::Kind;
use tollgate_native_abi::object::ABI;

use crate::backend::Llvm;
use crate::emit::Types;
use crate::jit::{Purpose, translate};
use crate::machine::Machine;

/// Makes the object file of a program. Linear in it.
pub(crate) fn object(
    program: &Legalized,
    how: &Llvm,
    spec: &ObjectSpec<'_>,
) -> Result<Vec<u8>, CompileError> {
    let machine = Machine::of(how.effort, spec.target, spec.cpu)?;
    let llvm = Context::create();
    let (module, _) = translate(program, &llvm, &machine, how.piece, Purpose::File(spec))?;
    machine.object(&module)
}

/// Adds the image, and what it points at. Nothing but the image is seen from outside.
pub(crate) fn data<'u, 'c: 'u>(
    code: &Module<'c>,
    types: Types<'c>,
    entries: impl Iterator<Item = &'u Option<FunctionValue<'c>>>,
    spec: &ObjectSpec<'_>,
) {
    let mut addresses = Vec::new();
    for entry in entries {
        addresses.push(match entry {
            Some(entry) => {
                entry.set_linkage(Linkage::Internal);
                entry.as_global_value().as_pointer_value()
            }
            None => types.pointer().const_null(),
        });
    }
    let llvm = types.llvm();
    let add = |name: &str, linkage: Linkage, value: BasicValueEnum<'c>| -> PointerValue<'c> {
        let global = code.add_global(value.get_type(), None, name);
        global.set_initializer(&value);
        global.set_constant(true);
        global.set_linkage(linkage);
        global.set_alignment(8);
        global.as_pointer_value()
    };
    let number = |n: u64| {
        types
            .int(Kind::Int)
            .const_int(n, false)
            .as_basic_value_enum()
    };
    let symbol = spec.symbol;
    let contents = llvm
        .const_string(spec.contents, false)
        .as_basic_value_enum();
    let contents = add(&format!("{symbol}.contents"), Linkage::Internal, contents);
    let count = addresses.len() as u64;
    let table = types
        .pointer()
        .const_array(&addresses)
        .as_basic_value_enum();
    let table = add(&format!("{symbol}.entries"), Linkage::Internal, table);
    // The fields of `tollgate_native_abi::object::Image`, in order.
    let image = llvm.const_struct(
        &[
            number(ABI),
            contents.into(),
            number(spec.contents.len() as u64),
            table.into(),
            number(count),
        ],
        false,
    );
    add(symbol, Linkage::External, image.into());
}
