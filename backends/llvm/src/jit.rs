//! Into memory: the functions of a program, compiled together.
//!
//! LLVM's engine is kept only as long as it compiles. The memory is ours ([`Writable`]), so nothing of LLVM's is left of a program beside the code
//! itself when it runs, and dropping the program frees it.

use inkwell::context::Context;
use inkwell::module::Module;
use inkwell::values::FunctionValue;
use tollgate_backend_api::{CompileError, ObjectSpec};
use tollgate_ir::Legalized;
use tollgate_native_abi::{Code, Compiled, Entry, perf};

use crate::backend::Llvm;
use crate::debug::Debug;
use crate::emit::Types;
use crate::lower::{Manner, Unit};
use crate::machine::{Effort, MODEL, Machine};
use crate::memory::{Executable, Writable};
use crate::object;
use crate::weights::Weights;

/// The code of a program in memory.
pub(crate) struct InMemory {
    memory: Executable,
    functions: Vec<Made>,
}

/// A function in memory.
struct Made {
    name: Box<str>,
    address: usize,
    /// Its entry, its form with registers, and its pieces.
    bytes: usize,
}

impl Made {
    fn symbol(&self) -> perf::Symbol {
        perf::Symbol {
            address: self.address,
            bytes: self.bytes,
            name: self.name.to_string(),
        }
    }
}

/// Compiles a program. Linear in it.
pub(crate) fn compile(program: &Legalized, how: &Llvm) -> Result<Compiled<InMemory>, CompileError> {
    let machine = Machine::host(how.effort)?;
    let llvm = Context::create();
    let (module, names) = translate(program, &llvm, &machine, how.piece, Purpose::Memory)?;
    let memory = Writable::default();
    let engine = module.create_mcjit_execution_engine_with_memory_manager(
        memory.clone(),
        how.effort.codegen(),
        MODEL,
        true,
        how.effort == Effort::None,
    );
    let engine = engine.map_err(|why| cannot(&why.to_string()))?;
    let address = |name: &Option<String>| {
        let address = name.as_ref().map(|name| engine.get_function_address(name));
        address.transpose().map_err(|why| cannot(&why.to_string()))
    };
    let addresses = |of: fn(&Names) -> &Option<String>| {
        let addresses = names.iter().map(|names| address(of(names)));
        addresses.collect::<Result<Vec<Option<usize>>, _>>()
    };
    let entered = addresses(|names| &names.entry)?;
    let begun = addresses(|names| names.first())?;
    // LLVM is done: the engine takes the module with it, and what it wrote can be made executable.
    drop(engine);
    drop(module);
    let memory = memory.finish()?;
    let functions = measure(program, &begun, &memory);
    if perf::is_wanted() {
        let symbols: Vec<perf::Symbol> = functions.iter().map(Made::symbol).collect();
        perf::record(&symbols);
    }
    // SAFETY: every address is that of a function that was compiled with the signature of `Entry`.
    let entry = |address| unsafe { std::mem::transmute::<usize, Entry>(address) };
    let entries = entered.into_iter().map(|address| address.map(entry));
    let entries = entries.collect();
    let code = InMemory { memory, functions };
    // SAFETY: the entries are those of the functions in order; `lower` compiles them as the ABI says, and they are there until `code` is dropped.
    Ok(unsafe { Compiled::new(program, entries, code) })
}

/// What a function is called in the code, where it is there: one that only code calls has no entry, and its form may stand in its callers.
pub(crate) struct Names {
    entry: Option<String>,
    form: Option<String>,
}

impl Names {
    /// Where its code begins.
    fn first(&self) -> &Option<String> {
        match &self.entry {
            Some(_) => &self.entry,
            None => &self.form,
        }
    }
}

/// What a program is translated for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose<'p> {
    /// To be run where it is.
    Memory,
    /// To be read: values and blocks have names.
    People,
    /// To stand in an object file.
    File(&'p ObjectSpec<'p>),
}

/// A program in LLVM's form, optimized, and what its functions are called there.
pub(crate) fn translate<'c>(
    program: &Legalized,
    llvm: &'c Context,
    machine: &Machine,
    piece: usize,
    purpose: Purpose<'_>,
) -> Result<(Module<'c>, Vec<Names>), CompileError> {
    let module = llvm.create_module("rules");
    machine.describe(&module);
    let (debug, profile) = match purpose {
        Purpose::File(spec) => (Some(Debug::new(llvm, &module, spec.lines)), spec.profile),
        Purpose::Memory | Purpose::People => (None, None),
    };
    let manner = Manner {
        piece,
        named: matches!(purpose, Purpose::People),
        debug: debug.as_ref(),
        weights: Weights::new(program, profile),
    };
    let types = Types::new(llvm);
    let unit = Unit::new(program, &module, types, machine, manner);
    program.funcs.keys().for_each(|id| unit.lower(id));
    if let Purpose::File(spec) = purpose {
        object::data(&module, types, unit.entries.values(), spec);
    }
    if let Some(debug) = &debug {
        debug.finish();
    }
    // What we generate is checked where we test.
    if cfg!(debug_assertions)
        && let Err(why) = module.verify()
    {
        let text = module.print_to_string();
        tollgate_ir::bug!("LLVM refuses the program: {why}\n{text}");
    }
    let name = |function: &Option<FunctionValue<'_>>| {
        function.map(|function| function.get_name().to_string_lossy().into_owned())
    };
    let entries = unit.entries.values().map(name);
    let names = entries.zip(unit.forms.values().map(name));
    let mut names: Vec<Names> = names.map(|(entry, form)| Names { entry, form }).collect();
    drop(unit);
    machine.optimize(&module)?;
    for names in &mut names {
        // What was put into all of its callers is gone.
        names.form = names
            .form
            .take()
            .filter(|form| module.get_function(form).is_some());
    }
    Ok((module, names))
}

/// How far each function reaches from where it begins: to the next one, or to the end of the code.
fn measure(program: &Legalized, begun: &[Option<usize>], memory: &Executable) -> Vec<Made> {
    let mut sorted: Vec<usize> = begun.iter().flatten().copied().collect();
    sorted.sort_unstable();
    let functions = program.funcs.values().zip(begun);
    let made = functions.filter_map(|(func, begun)| {
        let address = (*begun)?;
        let next = sorted.partition_point(|a| *a <= address);
        let end = memory.end_of(address).unwrap_or(address);
        let next = sorted.get(next).copied().unwrap_or(end).min(end);
        Some(Made {
            name: func.name.clone(),
            address,
            bytes: next - address,
        })
    });
    made.collect()
}

fn cannot(why: &str) -> CompileError {
    CompileError::new(format!(
        "LLVM cannot compile the program: {why}; run it with `--backend vm`"
    ))
}

impl Code for InMemory {
    /// The code, what it reads, and the names of its functions.
    fn memory(&self) -> usize {
        let names = self.functions.iter().map(|made| made.name.len());
        self.memory.bytes() + self.functions.capacity() * size_of::<Made>() + names.sum::<usize>()
    }

    /// A line for each function: its bytes, and its name.
    fn listing(&self) -> String {
        let line = |made: &Made| format!("{:>8} bytes  {}\n", made.bytes, made.name);
        self.functions.iter().map(line).collect()
    }
}
