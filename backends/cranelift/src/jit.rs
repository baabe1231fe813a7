//! Into memory: the functions of a program, compiled one after the other.

use std::sync::{Mutex, OnceLock};

use cranelift_codegen::CodegenError;
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable, Flags};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId as CodeId, Module as CodeModule, ModuleError};
use tollgate_backend_api::CompileError;
use tollgate_ir::Legalized;
use tollgate_native_abi::layout::WORD;
use tollgate_native_abi::{Code, Compiled, Entry, perf};

use crate::lower::{Form, Unit, lower};

/// Settings that do not depend on the machine.
const SETTINGS: &[(&str, &str)] = &[
    ("opt_level", "speed"),
    // Compiled code is found by its address, not by its distance.
    ("is_pic", "false"),
    ("use_colocated_libcalls", "false"),
    // A frame larger than a page touches each of its pages, so that the end of the stack is found.
    ("enable_probestack", "true"),
    ("probestack_strategy", "inline"),
    // Nothing unwinds through compiled code.
    ("unwind_info", "false"),
    ("preserve_frame_pointers", "true"),
    // What we generate is checked where we test.
    (
        "enable_verifier",
        if cfg!(debug_assertions) {
            "true"
        } else {
            "false"
        },
    ),
];

/// The code of a program in memory.
pub(crate) struct InMemory {
    /// Only locked to free it: a lock makes it fit to be shared.
    module: Mutex<Option<JITModule>>,
    functions: Vec<Made>,
}

/// A function in memory.
struct Made {
    name: Box<str>,
    form: Form,
    bytes: u32,
}

/// Compiles a program. Linear in it.
pub(crate) fn compile(program: &Legalized) -> Result<Compiled<InMemory>, CompileError> {
    fits(program)?;
    let mut code = in_memory(isa()?);
    let unit = Unit::new(program, &mut code);
    let mut context = code.make_context();
    let mut memory = FunctionBuilderContext::new();
    let mut functions = Vec::with_capacity(program.funcs.len());
    let mut numbers = Vec::with_capacity(program.funcs.len());
    for (id, func) in program.funcs.iter() {
        for (form, number) in unit.forms_of(id) {
            let to = &mut context.func;
            lower(&unit, &mut code, id, form, to, &mut memory);
            let defined = code.define_function(number, &mut context);
            defined.map_err(|e| cannot(&func.name, e))?;
            let made = context.compiled_code().map(|c| c.code_info().total_size);
            functions.push(Made {
                name: func.name.clone(),
                form,
                bytes: made.unwrap_or(0),
            });
            numbers.push(number);
            code.clear_context(&mut context);
        }
    }
    let finished = code.finalize_definitions();
    finished.map_err(|e| cannot("the program", e))?;
    let at = |number: &CodeId| code.get_finalized_function(*number);
    // SAFETY: every entry has been compiled with the signature of `Entry`.
    let entry = |number: &CodeId| unsafe { std::mem::transmute::<*const u8, Entry>(at(number)) };
    let entries: Vec<Entry> = unit.entries.values().map(entry).collect();
    let symbols = functions.iter().zip(&numbers);
    perf::record(symbols.map(|(made, number)| perf::Symbol {
        address: at(number).addr(),
        bytes: made.bytes as usize,
        name: &made.name,
    }));
    let code = InMemory {
        module: Mutex::new(Some(code)),
        functions,
    };
    // SAFETY: the entries are those of the functions in order; `lower` compiles them as the ABI says, and they are there until `code` is dropped.
    Ok(unsafe { Compiled::new(program, entries, code) })
}

/// What Cranelift knows of the machine this runs on: looked up once.
pub(crate) fn isa() -> Result<OwnedTargetIsa, CompileError> {
    static HOST: OnceLock<Result<OwnedTargetIsa, String>> = OnceLock::new();
    HOST.get_or_init(|| {
        let mut settings = settings::builder();
        for (name, value) in SETTINGS {
            let set = settings.set(name, value);
            set.unwrap_or_else(|e| tollgate_ir::bug!("Cranelift's setting `{name}`: {e}"));
        }
        let host = cranelift_native::builder().map_err(str::to_owned)?;
        host.finish(Flags::new(settings)).map_err(|e| e.to_string())
    })
    .clone()
    .map_err(|e| {
        CompileError::new(format!(
            "Cranelift makes no code for this machine: {e}; run the program with `--backend vm`"
        ))
    })
}

/// An empty module in memory. It resolves no name: compiled code finds the runtime through its context.
pub(crate) fn in_memory(isa: OwnedTargetIsa) -> JITModule {
    let names = cranelift_module::default_libcall_names();
    JITModule::new(JITBuilder::with_isa(isa, names))
}

/// Constants and data are reached by a distance of 31 bits.
pub(crate) fn fits(program: &Legalized) -> Result<(), CompileError> {
    let most = i32::MAX as usize / WORD;
    let longest = program.types.records.values().map(|r| r.fields.len()).max();
    let counts = [
        program.consts.len(),
        program.data.len(),
        longest.unwrap_or(0),
    ];
    match counts.iter().all(|count| *count < most) {
        true => Ok(()),
        false => Err(CompileError::new(format!(
            "the program has more than {most} constants, data, or fields of a record: more than native code can reach"
        ))),
    }
}

/// Why a function is not made: for want of room. That what we generate is wrong is our mistake.
pub(crate) fn cannot(name: &str, error: ModuleError) -> CompileError {
    if let ModuleError::Compilation(CodegenError::Verifier(errors)) = &error {
        tollgate_ir::bug!("Cranelift refuses `{name}`: {errors}");
    }
    CompileError::new(format!(
        "native code of `{name}` cannot be made: {error}; run the program with `--backend vm`"
    ))
}

impl Code for InMemory {
    /// The code itself, and the names of its functions. What Cranelift keeps to free it is not counted.
    fn memory(&self) -> usize {
        let bytes = |made: &Made| made.bytes as usize + made.name.len();
        self.functions.capacity() * size_of::<Made>()
            + self.functions.iter().map(bytes).sum::<usize>()
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

impl Drop for InMemory {
    fn drop(&mut self) {
        let module = self.module.get_mut();
        let module = module
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .take();
        if let Some(module) = module {
            // SAFETY: whoever could run the code has borrowed the program that this is the end of.
            unsafe { module.free_memory() };
        }
    }
}
