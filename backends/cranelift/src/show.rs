//! What Cranelift makes, for people: with the names of what is called, and of the rules that have decided.

use std::collections::HashMap;
use std::fmt::{self, Write};

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{Block, Function, Inst, UserFuncName, Value};
use cranelift_codegen::write::{FuncWriter, PlainWriter, decorate_function};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_module::{Module as CodeModule, ModuleError};
use tollgate_backend_api::CompileError;
use tollgate_ir::Legalized;
use tollgate_ir::entities::SiteId;
use tollgate_native_abi::{Form, perf};

use crate::lower::{Names, Unit, lower};
use crate::machine::Effort;
use crate::{jit, machine};

/// A stage: its name, and how a function is shown at it.
type Row = (&'static str, fn(&mut Shown<'_>) -> Result<(), CompileError>);

const ROWS: &[Row] = &[("clif", clif), ("asm", asm)];

/// The names of the stages.
pub(crate) const STAGES: &[&str] = &[ROWS[0].0, ROWS[1].0];

/// A function on its way.
struct Shown<'s> {
    name: &'s str,
    context: cranelift_codegen::Context,
    isa: &'s dyn cranelift_codegen::isa::TargetIsa,
    program: &'s Legalized,
    /// What its calls call.
    notes: HashMap<Inst, String>,
    text: &'s mut String,
}

/// Shows every function of a program at a stage.
pub(crate) fn show(
    program: &Legalized,
    effort: Effort,
    stage: &str,
) -> Result<String, CompileError> {
    let Some((_, row)) = ROWS.iter().find(|(name, _)| *name == stage) else {
        let stages = STAGES.join(", ");
        return Err(CompileError::new(format!(
            "the backend `cranelift` has no stage `{stage}` of its own; it has {stages}"
        )));
    };
    machine::fits(program)?;
    let isa = machine::host(effort)?;
    // It declares functions, and none is defined: no memory is taken.
    let mut code = jit::in_memory(isa.clone());
    let unit = Unit::new(program, &mut *code, Names::None);
    let mut memory = FunctionBuilderContext::new();
    let mut text = String::new();
    for (id, func) in program.funcs.iter() {
        for (form, _) in unit.forms_of(id) {
            let mut context = code.make_context();
            let notes = lower(&unit, &mut *code, id, form, &mut context.func, &mut memory);
            let name = match form {
                Form::Entry | Form::Registers => func.name.to_string(),
                Form::Wrapper => format!("{} (entry)", func.name),
            };
            context.func.name = UserFuncName::testcase(name.replace(' ', "_"));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "; {id} {name}");
            row(&mut Shown {
                name: &func.name,
                context,
                isa: &*isa,
                program,
                notes: notes.into_iter().collect(),
                text: &mut text,
            })?;
            text.push('\n');
        }
    }
    Ok(text)
}

/// Cranelift's form.
fn clif(shown: &mut Shown<'_>) -> Result<(), CompileError> {
    let func = &mut shown.context.func;
    let site = |block: Block| {
        let first = func.layout.first_inst(block)?;
        shown.program.sites.get(SiteId(func.srcloc(first).bits()))
    };
    let places = func.layout.blocks();
    let places = places.filter_map(|b| Some((b, perf::name("", site(b)?))));
    let mut writer = Named {
        places: places.collect(),
        calls: &shown.notes,
    };
    // They are told once a block, and not in front of every line.
    func.srclocs.clear();
    // Writing to a string cannot fail.
    let _ = decorate_function(&mut writer, shown.text, func);
    Ok(())
}

/// The machine's instructions.
fn asm(shown: &mut Shown<'_>) -> Result<(), CompileError> {
    shown.context.set_disasm(true);
    let compiled = shown.context.compile(shown.isa, &mut Default::default());
    let compiled =
        compiled.map_err(|e| machine::cannot(shown.name, ModuleError::Compilation(e.inner)))?;
    if let Some(listing) = &compiled.vcode {
        shown.text.push_str(listing);
    }
    Ok(())
}

/// Writes blocks with the rules that have decided there, and calls with the names of what they call.
struct Named<'n> {
    places: HashMap<Block, String>,
    calls: &'n HashMap<Inst, String>,
}

impl FuncWriter for Named<'_> {
    fn write_block_header(
        &mut self,
        w: &mut dyn Write,
        func: &Function,
        block: Block,
        indent: usize,
    ) -> fmt::Result {
        let Some(place) = self.places.get(&block) else {
            return PlainWriter.write_block_header(w, func, block, indent);
        };
        let mut line = String::new();
        PlainWriter.write_block_header(&mut line, func, block, indent)?;
        writeln!(w, "{}  ;{place}", line.trim_end())
    }

    fn write_instruction(
        &mut self,
        w: &mut dyn Write,
        func: &Function,
        aliases: &SecondaryMap<Value, Vec<Value>>,
        inst: Inst,
        indent: usize,
    ) -> fmt::Result {
        let Some(name) = self.calls.get(&inst) else {
            return PlainWriter.write_instruction(w, func, aliases, inst, indent);
        };
        let mut line = String::new();
        PlainWriter.write_instruction(&mut line, func, aliases, inst, indent)?;
        writeln!(w, "{}  ; {name}", line.trim_end())
    }
}
