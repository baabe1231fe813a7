//! Into memory: the functions of a program, compiled one after the other.

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use cranelift_codegen::CompiledCode;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId as CodeId, Module as CodeModule};
use tollgate_backend_api::CompileError;
use tollgate_ir::Legalized;
use tollgate_ir::entities::SiteId;
use tollgate_native_abi::{Code, Compiled, Entry, Form, perf};

use crate::lower::{Names, Unit, lower};
use crate::machine::{self, Effort, cannot, fits};

/// Bytes of memory that are made executable together.
const PAGE: usize = 4096;

/// The code of a program in memory.
pub(crate) struct InMemory {
    /// Only there to be dropped: a lock that nobody takes makes it fit to be shared.
    _module: Mutex<Owned>,
    functions: Vec<Made>,
}

/// A module whose code is freed with it, also when compiling it fails halfway: Cranelift's own keeps the code for ever.
pub(crate) struct Owned(ManuallyDrop<JITModule>);

/// A function in memory.
struct Made {
    name: Box<str>,
    form: Form,
    bytes: u32,
}

/// Compiles a program. Linear in it.
pub(crate) fn compile(
    program: &Legalized,
    effort: Effort,
) -> Result<Compiled<InMemory>, CompileError> {
    fits(program)?;
    let mut code = in_memory(machine::host(effort)?);
    let unit = Unit::new(program, &mut *code, Names::None);
    let mut context = code.make_context();
    let mut memory = FunctionBuilderContext::new();
    let mut functions = Vec::with_capacity(program.funcs.len());
    let mut stretches = Vec::new();
    for (id, func) in program.funcs.iter() {
        for (form, number) in unit.forms_of(id) {
            let to = &mut context.func;
            lower(&unit, &mut *code, id, form, to, &mut memory);
            let defined = code.define_function(number, &mut context);
            defined.map_err(|e| cannot(&func.name, e))?;
            let Some(made) = context.compiled_code() else {
                tollgate_ir::bug!("`{}` was defined and not compiled", func.name);
            };
            if perf::is_wanted() {
                stretches.push((number, stretches_of(program, &func.name, made)));
            }
            functions.push(Made {
                name: func.name.clone(),
                form,
                bytes: made.code_info().total_size,
            });
            code.clear_context(&mut context);
        }
    }
    let finished = code.finalize_definitions();
    finished.map_err(|e| cannot("the program", e))?;
    let at = |number: &CodeId| code.get_finalized_function(*number);
    // SAFETY: every entry has been compiled with the signature of `Entry`.
    let entry = |number: &CodeId| unsafe { std::mem::transmute::<*const u8, Entry>(at(number)) };
    let entries = unit
        .entries
        .values()
        .map(|number| number.as_ref().map(entry))
        .collect();
    for (number, mut symbols) in stretches {
        let begin = at(&number).addr();
        symbols.iter_mut().for_each(|s| s.address += begin);
        perf::record(&symbols);
    }
    let code = InMemory {
        _module: Mutex::new(code),
        functions,
    };
    // SAFETY: the entries are those of the functions in order; `lower` compiles them as the ABI says, and they are there until `code` is dropped.
    Ok(unsafe { Compiled::new(program, entries, code) })
}

/// What a profiler calls the code of a function, from its beginning: the function's name, and behind it the rule, where one has decided.
fn stretches_of(program: &Legalized, name: &str, made: &CompiledCode) -> Vec<perf::Symbol> {
    let mut symbols = Vec::new();
    let mut stretch = |from: u32, to: u32, name: String| {
        if from < to {
            symbols.push(perf::Symbol {
                address: from as usize,
                bytes: (to - from) as usize,
                name,
            });
        }
    };
    let mut from = 0;
    for of in made.buffer.get_srclocs_sorted() {
        if let Some(site) = program.sites.get(SiteId(of.loc.bits())) {
            stretch(from, of.start, name.to_owned());
            stretch(of.start, of.end, perf::name(name, site));
            from = of.end;
        }
    }
    stretch(from, made.code_info().total_size, name.to_owned());
    symbols
}

/// An empty module in memory. It resolves no name: compiled code finds the runtime through its context.
pub(crate) fn in_memory(isa: OwnedTargetIsa) -> Owned {
    let names = cranelift_module::default_libcall_names();
    let module = JITModule::new(JITBuilder::with_isa(isa, names));
    Owned(ManuallyDrop::new(module))
}

impl Code for InMemory {
    /// The code in whole pages, and the names of its functions. What Cranelift keeps to free it is not counted.
    fn memory(&self) -> usize {
        let code: usize = self.functions.iter().map(|made| made.bytes as usize).sum();
        let names: usize = self.functions.iter().map(|made| made.name.len()).sum();
        code.next_multiple_of(PAGE) + self.functions.capacity() * size_of::<Made>() + names
    }

    /// A line for each function: its bytes, and its name.
    fn listing(&self) -> String {
        let line = |made: &Made| {
            let (name, bytes) = (&made.name, made.bytes);
            match made.form {
                Form::Entry | Form::Registers => format!("{bytes:>8} bytes  {name}\n"),
                Form::Wrapper => format!("{bytes:>8} bytes  {name} (entry)\n"),
            }
        };
        self.functions.iter().map(line).collect()
    }
}

impl Deref for Owned {
    type Target = JITModule;
    fn deref(&self) -> &JITModule {
        &self.0
    }
}

impl DerefMut for Owned {
    fn deref_mut(&mut self) -> &mut JITModule {
        &mut self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: it is taken once, here. Whoever could run the code has borrowed the program that this is the end of.
        unsafe { ManuallyDrop::take(&mut self.0).free_memory() };
    }
}
