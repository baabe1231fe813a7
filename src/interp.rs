//! The reference interpreter as a backend like any other, so that every test runs on it too.

use tollgate_backend_api::{Backend, CompileError, Executable};
use tollgate_ir::entities::FuncId;
use tollgate_ir::interp::Interp;
use tollgate_ir::module::Target;
use tollgate_ir::{Legalized, text};
use tollgate_runtime::{Cx, Word};

/// The interpreter.
pub(crate) struct Reference;

struct Interpreted {
    interp: Interp<Legalized>,
}

impl Backend for Reference {
    fn name(&self) -> &'static str {
        "interp"
    }

    fn compile(&self, program: &Legalized) -> Result<Box<dyn Executable>, CompileError> {
        let interp = Interp::new(program.clone());
        Ok(Box::new(Interpreted { interp }))
    }
}

impl Executable for Interpreted {
    fn run<'a>(&'a self, func: FuncId, cx: &mut Cx<'a>, args: &[Word<'a>]) -> &'a Word<'a> {
        let word = self.interp.run(Target::Func(func), cx, args);
        cx.arena.word(word)
    }

    fn listing(&self) -> String {
        text::print_module(self.interp.module())
    }

    /// Its constants only: it is for tests, and walks the module as it stands.
    fn memory(&self) -> usize {
        self.interp.bytes()
    }

    fn counts_steps(&self) -> bool {
        true
    }
}
