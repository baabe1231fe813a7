//! What LLVM makes, for people.

use inkwell::context::Context;
use inkwell::module::Module;
use inkwell::targets::FileType;
use tollgate_backend_api::CompileError;
use tollgate_ir::Legalized;

use crate::backend::Llvm;
use crate::jit::{Purpose, translate};
use crate::machine::Machine;

/// A stage: its name, and how a module is shown at it.
type Row = (
    &'static str,
    fn(&Machine, &Module<'_>) -> Result<String, CompileError>,
);

const ROWS: &[Row] = &[("llvm", llvm), ("asm", asm)];

/// The names of the stages.
pub(crate) const STAGES: &[&str] = &[ROWS[0].0, ROWS[1].0];

/// Shows a program at a stage.
pub(crate) fn show(program: &Legalized, how: &Llvm, stage: &str) -> Result<String, CompileError> {
    let Some((_, row)) = ROWS.iter().find(|(name, _)| *name == stage) else {
        let stages = STAGES.join(", ");
        return Err(CompileError::new(format!(
            "the backend `llvm` has no stage `{stage}` of its own; it has {stages}"
        )));
    };
    let machine = Machine::host(how.effort)?;
    let llvm = Context::create();
    let (module, _) = translate(program, &llvm, &machine, how.piece, Purpose::People)?;
    row(&machine, &module)
}

/// LLVM's form, as the passes leave it.
fn llvm(_: &Machine, module: &Module<'_>) -> Result<String, CompileError> {
    Ok(module.print_to_string().to_string())
}

/// The machine's instructions.
fn asm(machine: &Machine, module: &Module<'_>) -> Result<String, CompileError> {
    let written = machine
        .target()
        .write_to_memory_buffer(module, FileType::Assembly);
    let written =
        written.map_err(|why| CompileError::new(format!("LLVM writes no assembly: {why}")))?;
    Ok(String::from_utf8_lossy(written.as_slice()).into_owned())
}
