//! The machine that code is made for, and how hard LLVM tries.

use std::cell::RefCell;
use std::env;
use std::rc::Rc;

use inkwell::OptimizationLevel;
use inkwell::module::Module;
use inkwell::passes::PassBuilderOptions;
use inkwell::targets::{
    CodeModel, FileType, InitializationConfig, RelocMode, Target, TargetMachine, TargetTriple,
};
use tollgate_backend_api::CompileError;

/// The variable of the environment that names another processor than this machine's: `baseline` for what every machine of
/// the kind has, or a name that LLVM knows, such as `x86-64-v3`.
pub const CPU_VARIABLE: &str = "TOLLGATE_LLVM_CPU";

/// Sections of code in memory may lie as far apart as they like.
pub(crate) const MODEL: CodeModel = CodeModel::JITDefault;

/// How hard LLVM tries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Effort {
    /// Code as it comes, soon.
    None,
    /// The quick passes.
    Some,
    /// The usual passes.
    #[default]
    Full,
}

/// What code is made for.
pub(crate) struct Machine {
    triple: TargetTriple,
    pub(crate) cpu: String,
    pub(crate) features: String,
    effort: Effort,
    machine: TargetMachine,
}

impl Effort {
    pub(crate) fn codegen(self) -> OptimizationLevel {
        match self {
            Effort::None => OptimizationLevel::None,
            Effort::Some => OptimizationLevel::Less,
            Effort::Full => OptimizationLevel::Default,
        }
    }

    fn passes(self) -> &'static str {
        match self {
            Effort::None => "default<O0>",
            Effort::Some => "default<O1>",
            Effort::Full => "default<O2>",
        }
    }
}

impl Machine {
    /// This machine, unless [`CPU_VARIABLE`] says otherwise. A thread keeps those it has made: each takes a few tenths of a millisecond, and
    /// what LLVM works out of a processor's features with the first function a few more.
    pub(crate) fn host(effort: Effort) -> Result<Rc<Machine>, CompileError> {
        type Kept = (Effort, Option<String>, Rc<Machine>);
        thread_local! {
            static HOSTS: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
        }
        let cpu = env::var(CPU_VARIABLE).ok();
        HOSTS.with_borrow_mut(|hosts| {
            let wanted = |(made_for, of, _): &&Kept| *made_for == effort && *of == cpu;
            if let Some((.., machine)) = hosts.iter().find(wanted) {
                return Ok(machine.clone());
            }
            let machine = Rc::new(Machine::new(effort, cpu.as_deref())?);
            hosts.push((effort, cpu, machine.clone()));
            Ok(machine)
        })
    }

    /// A machine for code in a file: of a triple, or of this machine's kind; with a processor, or what every one of the kind has.
    pub(crate) fn of(
        effort: Effort,
        triple: Option<&str>,
        cpu: Option<&str>,
    ) -> Result<Machine, CompileError> {
        let refused = |why: String| Err(CompileError::new(why));
        let config = InitializationConfig::default();
        Target::initialize_x86(&config);
        Target::initialize_aarch64(&config);
        let this = TargetMachine::get_default_triple();
        let triple = match triple {
            Some(name) => TargetMachine::normalize_triple(&TargetTriple::create(name)),
            None => TargetMachine::get_default_triple(),
        };
        let name = triple.as_str().to_string_lossy().into_owned();
        let arch = |triple: &TargetTriple| {
            let name = triple.as_str().to_string_lossy();
            name.split('-').next().unwrap_or_default().to_owned()
        };
        let known = matches!(&*arch(&triple), "x86_64" | "aarch64") && name.contains("linux");
        let target = match Target::from_triple(&triple) {
            Ok(target) if known => target,
            _ => {
                return refused(format!(
                    "LLVM makes no objects for `{name}` here, but for `x86_64` and `aarch64`, on Linux; a target is written as `aarch64-unknown-linux-gnu`"
                ));
            }
        };
        let (cpu, features) = match cpu {
            None => (String::new(), String::new()),
            Some("native") if arch(&triple) == arch(&this) => (
                TargetMachine::get_host_cpu_name().to_string(),
                TargetMachine::get_host_cpu_features().to_string(),
            ),
            Some("native") => {
                return refused(format!(
                    "`--cpu native` is the processor of this machine, which is not `{name}`; name one"
                ));
            }
            Some(name) => (name.to_owned(), String::new()),
        };
        let (reloc, model) = (RelocMode::PIC, CodeModel::Default);
        let level = effort.codegen();
        let machine = target.create_target_machine(&triple, &cpu, &features, level, reloc, model);
        let Some(machine) = machine else {
            return refused(format!("LLVM has no processor `{cpu}` for `{name}`"));
        };
        Ok(Machine {
            triple,
            cpu,
            features,
            effort,
            machine,
        })
    }

    /// A machine like this one, with a processor of a name, or `baseline`.
    fn new(effort: Effort, cpu: Option<&str>) -> Result<Machine, CompileError> {
        let failed = |what: &str, why: String| {
            CompileError::new(format!("LLVM {what} on this machine: {why}"))
        };
        if !cfg!(target_arch = "x86_64") {
            // Memory for code is made ready for no other, and no other was at hand to try it.
            return Err(failed(
                "is only used for x86-64 so far, and not",
                "run the program with `--backend vm`".into(),
            ));
        }
        Target::initialize_native(&InitializationConfig::default())
            .map_err(|why| failed("makes no code", why))?;
        let (cpu, features) = match cpu {
            Some("baseline") => (String::new(), String::new()),
            Some(name) => (name.to_owned(), String::new()),
            None => (
                TargetMachine::get_host_cpu_name().to_string(),
                TargetMachine::get_host_cpu_features().to_string(),
            ),
        };
        let triple = TargetMachine::get_default_triple();
        let target =
            Target::from_triple(&triple).map_err(|why| failed("has no target", why.to_string()))?;
        let machine = target.create_target_machine(
            &triple,
            &cpu,
            &features,
            effort.codegen(),
            RelocMode::Default,
            MODEL,
        );
        let machine =
            machine.ok_or_else(|| failed("has no processor", format!("`{cpu}` is unknown")))?;
        Ok(Machine {
            triple,
            cpu,
            features,
            effort,
            machine,
        })
    }

    /// Says which machine a module is for; before anything is made of it.
    pub(crate) fn describe(&self, code: &Module<'_>) {
        code.set_triple(&self.triple);
        code.set_data_layout(&self.machine.get_target_data().get_data_layout());
    }

    /// The bytes of an object file.
    pub(crate) fn object(&self, code: &Module<'_>) -> Result<Vec<u8>, CompileError> {
        let written = self.machine.write_to_memory_buffer(code, FileType::Object);
        let written = written
            .map_err(|why| CompileError::new(format!("LLVM writes no object file: {why}")))?;
        Ok(written.as_slice().to_vec())
    }

    /// Makes a module better.
    pub(crate) fn optimize(&self, code: &Module<'_>) -> Result<(), CompileError> {
        let options = PassBuilderOptions::create();
        code.run_passes(self.effort.passes(), &self.machine, options)
            .map_err(|why| CompileError::new(format!("LLVM's passes failed: {why}")))
    }

    pub(crate) fn target(&self) -> &TargetMachine {
        &self.machine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_this_one_or_that_of_a_name() {
        let machine = |cpu| Machine::new(Effort::Full, cpu).unwrap();
        let (here, baseline) = (machine(None), machine(Some("baseline")));
        assert!(!here.cpu.is_empty() && here.features.contains("+sse2"));
        assert_eq!((&*baseline.cpu, &*baseline.features), ("", ""));
        let third = machine(Some("x86-64-v3"));
        assert_eq!((&*third.cpu, &*third.features), ("x86-64-v3", ""));
    }
}
