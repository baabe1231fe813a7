//! Into an object file: the functions of a program, and beside them what the runtime reads.

use cranelift_codegen::CompiledCode;
use cranelift_frontend::FunctionBuilderContext;
use cranelift_module::{DataDescription, DataId, FuncId as CodeId, Linkage, Module as CodeModule};
use cranelift_object::{ObjectBuilder, ObjectModule};
use object::SectionKind;
use tollgate_backend_api::{CompileError, Line, ObjectSpec};
use tollgate_ir::Legalized;
use tollgate_ir::entities::{FuncId, SiteId};
use tollgate_native_abi::Form;
use tollgate_native_abi::object::{place, unlinked};

use crate::debug;
use crate::lower::{Names, Unit, lower};
use crate::machine::{self, Effort, cannot};

/// Where the code of a function comes from.
pub(crate) struct Made {
    pub(crate) number: CodeId,
    pub(crate) name: Box<str>,
    pub(crate) bytes: u32,
    /// Where lines begin, from the beginning of the code; the first at 0. Empty for a function that stands nowhere.
    pub(crate) rows: Vec<(u32, Line)>,
}

/// Makes the object file of a program. Linear in it.
pub(crate) fn object(
    program: &Legalized,
    effort: Effort,
    spec: &ObjectSpec<'_>,
) -> Result<Vec<u8>, CompileError> {
    machine::fits(program)?;
    let isa = machine::target(effort, spec.target, spec.cpu)?;
    let names = cranelift_module::default_libcall_names();
    let builder = ObjectBuilder::new(isa, spec.lines.main(), names);
    let mut code = ObjectModule::new(builder.map_err(|e| cannot("the program", e))?);
    let unit = Unit::new(program, &mut code, Names::Local);
    let mut context = code.make_context();
    let mut memory = FunctionBuilderContext::new();
    let mut made = Vec::with_capacity(program.funcs.len());
    for (id, func) in program.funcs.iter() {
        for (form, number) in unit.forms_of(id) {
            lower(&unit, &mut code, id, form, &mut context.func, &mut memory);
            let defined = code.define_function(number, &mut context);
            defined.map_err(|e| cannot(&func.name, e))?;
            let Some(compiled) = context.compiled_code() else {
                tollgate_ir::bug!("`{}` was defined and not compiled", func.name);
            };
            made.push(Made {
                number,
                name: match form {
                    Form::Entry | Form::Registers => func.name.clone(),
                    Form::Wrapper => format!("{}.entry", func.name).into(),
                },
                bytes: compiled.code_info().total_size,
                rows: rows(spec, id, compiled),
            });
            code.clear_context(&mut context);
        }
    }
    let entries: Vec<Option<CodeId>> = unit.entries.values().copied().collect();
    data(&mut code, spec, &entries)?;
    let failed = |e: String| CompileError::new(format!("the object file cannot be written: {e}"));
    let mut product = code.finish();
    debug::describe(&mut product, spec.lines, &made).map_err(failed)?;
    // Says that no code stands on the stack; without it linkers think that some might.
    product
        .object
        .add_section(Vec::new(), b".note.GNU-stack".into(), SectionKind::Other);
    product.emit().map_err(|e| failed(e.to_string()))
}

/// The image, and what it points at.
fn data(
    code: &mut ObjectModule,
    spec: &ObjectSpec<'_>,
    entries: &[Option<CodeId>],
) -> Result<(), CompileError> {
    let symbol = spec.symbol;
    let contents = format!("{symbol}.contents");
    let contents = define(code, &contents, Linkage::Local, spec.contents, |_, _| {})?;
    let table = vec![0; entries.len().max(1) * size_of::<u64>()];
    let name = format!("{symbol}.entries");
    let table = define(code, &name, Linkage::Local, &table, |code, to| {
        for (i, entry) in entries.iter().enumerate() {
            let Some(entry) = *entry else {
                continue;
            };
            let entry = code.declare_func_in_data(entry, to);
            to.write_function_addr((i * size_of::<u64>()) as u32, entry);
        }
    })?;
    let image = unlinked(spec.contents.len(), entries.len());
    define(code, symbol, Linkage::Export, &image, |code, to| {
        for (at, data) in [(place::CONTENTS, contents), (place::ENTRIES, table)] {
            let data = code.declare_data_in_data(data, to);
            to.write_data_addr(at as u32, data, 0);
        }
    })?;
    Ok(())
}

/// Puts bytes into the object, and the addresses that `fill` asks for.
fn define(
    code: &mut ObjectModule,
    name: &str,
    linkage: Linkage,
    bytes: &[u8],
    fill: impl FnOnce(&mut ObjectModule, &mut DataDescription),
) -> Result<DataId, CompileError> {
    let id = code.declare_data(name, linkage, false, false);
    let id = id.map_err(|e| cannot(name, e))?;
    let mut description = DataDescription::new();
    description.define(bytes.into());
    description.set_align(8);
    description.set_used(true);
    fill(code, &mut description);
    code.define_data(id, &description)
        .map_err(|e| cannot(name, e))?;
    Ok(id)
}

/// Where lines begin in the code of a function: it begins on its own, and where a rule has decided, the rule's is told.
fn rows(spec: &ObjectSpec<'_>, id: FuncId, made: &CompiledCode) -> Vec<(u32, Line)> {
    let Some(own) = spec.lines.of_func(id) else {
        return Vec::new();
    };
    let mut rows: Vec<(u32, Line)> = vec![(0, own)];
    let mut row = |at: u32, line: Line| match rows.last_mut() {
        Some((begin, last)) if *begin == at => *last = line,
        Some((_, last)) if *last == line => {}
        _ => rows.push((at, line)),
    };
    for of in made.buffer.get_srclocs_sorted() {
        if let Some(line) = spec.lines.of_site(SiteId(of.loc.bits())) {
            row(of.start, line);
            if of.end < made.code_info().total_size {
                row(of.end, own);
            }
        }
    }
    rows
}
