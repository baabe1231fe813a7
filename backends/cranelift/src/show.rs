//! What Cranelift makes, for people.

use std::collections::HashMap;
use std::fmt::{self, Write};

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{Block, Function, Inst, UserFuncName, Value};
use cranelift_codegen::write::{FuncWriter, PlainWriter, decorate_function};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_module::{Module as CodeModule, ModuleError};
use tollgate_backend_api::CompileError;
use tollgate_ir::Legalized;

use crate::jit;
use crate::lower::{Form, Unit, lower};

/// A stage: its name, and how a function is shown at it.
type Row = (&'static str, fn(&mut Shown<'_>) -> Result<(), ModuleError>);

const ROWS: &[Row] = &[("clif", clif), ("asm", asm)];

/// The names of the stages.
pub(crate) const STAGES: &[&str] = &[ROWS[0].0, ROWS[1].0];

/// A function on its way.
struct Shown<'s> {
    context: cranelift_codegen::Context,
    isa: &'s dyn cranelift_codegen::isa::TargetIsa,
    /// What its calls call.
    notes: HashMap<Inst, String>,
    text: &'s mut String,
}

/// Shows every function of a program at a stage.
pub(crate) fn show(program: &Legalized, stage: &str) -> Result<String, CompileError> {
    let Some((_, row)) = ROWS.iter().find(|(name, _)| *name == stage) else {
        let stages = STAGES.join(", ");
        return Err(CompileError::new(format!(
            "the backend `cranelift` has no stage `{stage}` of its own; it has {stages}"
        )));
    };
    jit::fits(program)?;
    let isa = jit::isa()?;
    // It declares functions, and none is defined: no memory is taken.
    let mut code = jit::in_memory(jit::isa()?);
    let unit = Unit::new(program, &mut code);
    let mut memory = FunctionBuilderContext::new();
    let mut text = String::new();
    for (id, func) in program.funcs.iter() {
        for (form, _) in unit.forms_of(id) {
            let mut context = code.make_context();
            let notes = lower(&unit, &mut code, id, form, &mut context.func, &mut memory);
            let name = match form {
                Form::Entry | Form::Registers => func.name.to_string(),
                Form::Wrapper => format!("{} (entry)", func.name),
            };
            context.func.name = UserFuncName::testcase(name.replace(' ', "_"));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "; {id} {name}");
            let shown = row(&mut Shown {
                context,
                isa: &*isa,
                notes: notes.into_iter().collect(),
                text: &mut text,
            });
            shown.map_err(|e| jit::cannot(&func.name, e))?;
            text.push('\n');
        }
    }
    Ok(text)
}

/// Cranelift's form, with the names of what is called.
fn clif(shown: &mut Shown<'_>) -> Result<(), ModuleError> {
    let mut writer = Named(&shown.notes);
    // Writing to a string cannot fail.
    let _ = decorate_function(&mut writer, shown.text, &shown.context.func);
    Ok(())
}

/// The machine's instructions.
fn asm(shown: &mut Shown<'_>) -> Result<(), ModuleError> {
    shown.context.set_disasm(true);
    let compiled = shown.context.compile(shown.isa, &mut Default::default());
    let compiled = compiled.map_err(|e| ModuleError::Compilation(e.inner))?;
    if let Some(listing) = &compiled.vcode {
        shown.text.push_str(listing);
    }
    Ok(())
}

/// Writes calls with the names of what they call.
struct Named<'n>(&'n HashMap<Inst, String>);

impl FuncWriter for Named<'_> {
    fn write_block_header(
        &mut self,
        w: &mut dyn Write,
        func: &Function,
        block: Block,
        indent: usize,
    ) -> fmt::Result {
        PlainWriter.write_block_header(w, func, block, indent)
    }

    fn write_instruction(
        &mut self,
        w: &mut dyn Write,
        func: &Function,
        aliases: &SecondaryMap<Value, Vec<Value>>,
        inst: Inst,
        indent: usize,
    ) -> fmt::Result {
        let Some(name) = self.0.get(&inst) else {
            return PlainWriter.write_instruction(w, func, aliases, inst, indent);
        };
        let mut line = String::new();
        PlainWriter.write_instruction(&mut line, func, aliases, inst, indent)?;
        writeln!(w, "{}  ; {name}", line.trim_end())
    }
}
