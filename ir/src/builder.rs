//! Making functions: the builder computes every type and gives every value its number.

use tollgate_runtime::native::Native;
use tollgate_runtime::{Pattern, Value};

use crate::bug;
use crate::entities::{Block, FuncId, IndexVec, NativeId, PatId, SiteId, Val};
use crate::instructions::Inst;
use crate::module::{BlockData, Func, Jump, Module, Terminator};
use crate::operand::{Cc, Fimm, Flag, Imm, Index};
use crate::types::Type;
use crate::typing::intern_result_type;

/// Builds one function of a module.
///
/// Blocks may be made in any order; [`FuncBuilder::finish`] puts them in one where every branch goes forward.
/// A value of a wrong type, a block left open or filled twice is a bug of the caller and panics.
///
/// ```
/// use tollgate_ir::builder::FuncBuilder;
/// use tollgate_ir::instructions::Inst;
/// use tollgate_ir::module::Module;
/// use tollgate_ir::types::Type;
///
/// let mut module = Module::default();
/// let mut b = FuncBuilder::new(&mut module, "double", &[Type::INT], Type::INT);
/// let x = b.params()[0];
/// let sum = b.ins(Inst::Iadd { a: x, b: x });
/// b.ret(sum);
/// let double = b.finish();
/// assert_eq!(&*module.funcs[double].name, "double");
/// ```
#[derive(Debug)]
pub struct FuncBuilder<'m> {
    module: &'m mut Module,
    func: Func,
    current: Block,
}

/// How a block ends that has no terminator yet. Never seen: `finish` insists on a real one.
const OPEN: Terminator = Terminator::Return(Val(u32::MAX));

impl<'m> FuncBuilder<'m> {
    /// A function with its entry block, which is the current one. The name is unique in the module.
    pub fn new(
        module: &'m mut Module,
        name: impl Into<Box<str>>,
        params: &[Type],
        result: Type,
    ) -> FuncBuilder<'m> {
        let func = Func {
            name: name.into(),
            result,
            // Room for a function of the usual size; `finish` gives back what was not needed.
            blocks: IndexVec::with_capacity(8),
            insts: IndexVec::with_capacity(16),
            vals: IndexVec::with_capacity(16),
        };
        let mut builder = FuncBuilder {
            module,
            func,
            current: Func::ENTRY,
        };
        builder.block(params);
        builder
    }

    /// The module, to make what the function refers to: types, other functions, constants.
    pub fn module(&mut self) -> &mut Module {
        self.module
    }

    /// The function so far.
    pub fn func(&self) -> &Func {
        &self.func
    }

    /// The type of a value.
    pub fn ty(&self, val: Val) -> Type {
        self.func.ty(val)
    }

    /// A new block with parameters of the given types. It does not become the current one.
    pub fn block(&mut self, params: &[Type]) -> Block {
        let block = self.func.blocks.push(BlockData {
            params: Vec::with_capacity(params.len()),
            insts: Vec::new(),
            term: OPEN,
        });
        for ty in params {
            self.func.push_param(block, *ty);
        }
        block
    }

    /// The block that instructions are appended to.
    pub fn current(&self) -> Block {
        self.current
    }

    /// Whether the current block has its terminator already.
    pub fn is_ended(&self) -> bool {
        self.has_ended(self.current)
    }

    /// Makes a block the current one.
    pub fn switch_to(&mut self, block: Block) {
        self.current = block;
    }

    /// The function's parameters.
    pub fn params(&self) -> &[Val] {
        self.func.params()
    }

    /// A block's parameters.
    pub fn block_params(&self, block: Block) -> &[Val] {
        &self.func.blocks[block].params
    }

    /// Appends an instruction that has a result.
    pub fn ins(&mut self, inst: Inst) -> Val {
        match self.push(inst) {
            Some(val) => val,
            None => bug!(
                "`{}`: an instruction without result is an effect",
                self.func.name
            ),
        }
    }

    /// Appends an instruction that has no result.
    pub fn effect(&mut self, inst: Inst) {
        if self.push(inst).is_some() {
            bug!(
                "`{}`: the result of an instruction was not asked for",
                self.func.name
            );
        }
    }

    /// `int` constant.
    pub fn iconst(&mut self, value: i64) -> Val {
        self.ins(Inst::Iconst { imm: Imm(value) })
    }

    /// `float` constant, finite.
    pub fn fconst(&mut self, value: f64) -> Val {
        self.ins(Inst::Fconst {
            imm: Fimm::new(value),
        })
    }

    /// `bool` constant.
    pub fn bconst(&mut self, value: bool) -> Val {
        self.ins(Inst::Bconst { imm: Flag(value) })
    }

    /// `str` constant.
    pub fn sconst(&mut self, text: &str) -> Val {
        self.konst(Type::STR, Value::str(text))
    }

    /// A constant of any type, kept once in the module.
    pub fn konst(&mut self, ty: Type, value: Value) -> Val {
        let value = self.module.konst(ty, value);
        self.ins(Inst::Konst { value })
    }

    /// A pattern, kept once in the module.
    pub fn pattern(&mut self, pattern: Pattern) -> PatId {
        self.module.pattern(pattern)
    }

    /// A native, kept once in the module.
    pub fn native(&mut self, native: &'static Native) -> NativeId {
        self.module.native(native)
    }

    /// Compares integers.
    pub fn icmp(&mut self, cc: Cc, a: Val, b: Val) -> Val {
        self.ins(Inst::Icmp { cc, a, b })
    }

    /// A field of a record.
    pub fn field(&mut self, a: Val, index: usize) -> Val {
        self.ins(Inst::Field {
            a,
            index: Index(index as u32),
        })
    }

    /// Calls a function.
    pub fn call(&mut self, func: FuncId, args: &[Val]) -> Val {
        self.ins(Inst::Call {
            func,
            args: args.into(),
        })
    }

    /// Calls a native.
    pub fn call_native(&mut self, native: &'static Native, args: &[Val]) -> Val {
        let native = self.native(native);
        self.ins(Inst::Native {
            native,
            args: args.into(),
        })
    }

    /// Adds a site to the trace.
    pub fn mark(&mut self, site: SiteId) {
        self.effect(Inst::Mark { site });
    }

    /// Ends the current block by a branch.
    pub fn jump(&mut self, block: Block, args: &[Val]) {
        self.end(Terminator::Jump(jump(block, args)));
    }

    /// Ends the current block by a choice of two; each branch with its arguments.
    pub fn br(&mut self, cond: Val, yes: (Block, &[Val]), no: (Block, &[Val])) {
        self.end(Terminator::Br(cond, jump(yes.0, yes.1), jump(no.0, no.1)));
    }

    /// Ends the current block by a choice by an integer. The cases may come in any order; they are distinct.
    pub fn switch(&mut self, on: Val, cases: Vec<(i64, Jump)>, default: Jump) {
        let mut cases = cases;
        cases.sort_by_key(|(value, _)| *value);
        self.end(Terminator::Switch(on, cases, default));
    }

    /// Ends the current block by returning.
    pub fn ret(&mut self, val: Val) {
        self.end(Terminator::Return(val));
    }

    /// Adds the function to the module: blocks nothing reaches are dropped, the others put in an order in which every branch
    /// goes forward, and everything is numbered in that order.
    pub fn finish(mut self) -> FuncId {
        let cfg_open = self.open_block();
        if let Some(block) = cfg_open {
            bug!("`{}`: {block} has no terminator", self.func.name);
        }
        self.func.compact();
        self.module.funcs.push(self.func)
    }

    fn push(&mut self, inst: Inst) -> Option<Val> {
        let ty = match intern_result_type(self.module, &self.func, &inst) {
            Ok(ty) => ty,
            Err(why) => bug!(
                "`{}`: `{}`: {why}",
                self.func.name,
                inst.opcode().mnemonic()
            ),
        };
        if self.is_ended() {
            bug!("`{}`: {} has ended", self.func.name, self.current);
        }
        self.func.append(self.current, inst, ty).1
    }

    fn end(&mut self, term: Terminator) {
        if self.is_ended() {
            bug!("`{}`: {} has ended", self.func.name, self.current);
        }
        self.func.blocks[self.current].term = term;
    }

    fn has_ended(&self, block: Block) -> bool {
        !matches!(
            self.func.blocks[block].term,
            Terminator::Return(Val(u32::MAX))
        )
    }

    /// A reached block without terminator.
    fn open_block(&self) -> Option<Block> {
        if self.func.blocks.keys().all(|block| self.has_ended(block)) {
            return None;
        }
        let mut seen: IndexVec<Block, bool> = self.func.blocks.keys().map(|_| false).collect();
        let mut stack = vec![Func::ENTRY];
        while let Some(block) = stack.pop() {
            if std::mem::replace(&mut seen[block], true) {
                continue;
            }
            if !self.has_ended(block) {
                return Some(block);
            }
            stack.extend(self.func.blocks[block].term.jumps().map(|j| j.block));
        }
        None
    }
}

fn jump(block: Block, args: &[Val]) -> Jump {
    Jump {
        block,
        args: args.to_vec(),
    }
}
