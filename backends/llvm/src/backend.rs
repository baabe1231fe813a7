//! The backend itself.

use tollgate_backend_api::{Backend, CompileError, Executable, ObjectSpec};
use tollgate_ir::Legalized;

use crate::machine::Effort;
use crate::{jit, object, show};

/// The backend: `--backend llvm`.
///
/// ```
/// use tollgate_backend_api::Backend;
/// use tollgate_backend_llvm::Llvm;
/// use tollgate_runtime::{Arena, Cx, Word};
/// # use tollgate_ir::{text::parse, verify::legal};
/// let text = "func twice(int) -> int {\nblock0(v0: int):\n    v1 = iadd v0, v0\n    return v1\n}\n";
/// let module = legal(parse(text, &[]).unwrap().module).unwrap();
/// let program = Llvm::default().compile(&module).unwrap();
/// let (arena, twice) = (Arena::new(), module.funcs.keys().next().unwrap());
/// let mut cx = Cx::new(&arena, "decision-1", 0);
/// assert_eq!(*program.run(twice, &mut cx, &[Word::Int(21)]), Word::Int(42));
/// let llvm = Llvm::default().show(&module, "llvm").unwrap();
/// assert!(llvm.contains("twice.entry"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Llvm {
    /// How hard LLVM tries.
    pub effort: Effort,
    /// How many instructions and operands a function of LLVM's has at most, about. A larger function of the IR is cut into pieces.
    pub piece: usize,
}

impl Default for Llvm {
    fn default() -> Llvm {
        Llvm {
            effort: Effort::default(),
            piece: 4000,
        }
    }
}

impl Backend for Llvm {
    fn name(&self) -> &'static str {
        "llvm"
    }

    fn compile(&self, program: &Legalized) -> Result<Box<dyn Executable>, CompileError> {
        Ok(Box::new(jit::compile(program, self)?))
    }

    fn stages(&self) -> &'static [&'static str] {
        show::STAGES
    }

    fn show(&self, program: &Legalized, stage: &str) -> Result<String, CompileError> {
        show::show(program, self, stage)
    }

    fn object(&self, program: &Legalized, spec: &ObjectSpec<'_>) -> Result<Vec<u8>, CompileError> {
        object::object(program, self, spec)
    }
}
