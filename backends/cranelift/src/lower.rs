//! From IR to Cranelift's: one function.
//!
//! Both are SSA with block parameters, so a block becomes a block and a value becomes the parts that its type has in
//! registers. What the calls of a function need on the stack are two places, used by one call at a time: its arguments as words, and its
//! result.

mod ask;
mod calls;
mod compare;
mod inst;
mod words;

use cranelift_codegen::ir::{self, AbiParam, BlockArg, FuncRef, InstBuilder, Signature, StackSlot};
use cranelift_codegen::ir::{SigRef, SourceLoc, Value, types};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Switch};
use cranelift_module::{FuncId as CodeId, Linkage, Module as CodeModule};
use rustc_hash::FxHashMap;
use tollgate_ir::Legalized;
use tollgate_ir::entities::{Block, FuncId, IndexVec, InstId, Val};
use tollgate_ir::instructions::{Inst, Opcode};
use tollgate_ir::module::{BlockData, Func, Jump, Terminator};
use tollgate_ir::types::Type;
use tollgate_native_abi::{Form, Function, Kind, Plan, Repr};

use self::ask::Goal;
use self::words::Parts;

/// A program being compiled: what every function of it needs.
pub(crate) struct Unit<'m> {
    pub(crate) module: &'m Legalized,
    pub(crate) plan: Plan,
    /// The entry of each function that is entered.
    pub(crate) entries: IndexVec<FuncId, Option<CodeId>>,
    /// The form of each function that compiled code calls, where there is one.
    pub(crate) forms: IndexVec<FuncId, Option<CodeId>>,
    /// The convention of calls from outside.
    pub(crate) host: TargetFrontendConfig,
}

/// What functions are called where they are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Names {
    /// Nothing.
    None,
    /// What they are called in the IR, which no other file sees.
    Local,
}

impl<'m> Unit<'m> {
    /// Declares every function of a module: by number only, or by names, which a file shows to debuggers.
    pub(crate) fn new(module: &'m Legalized, code: &mut dyn CodeModule, names: Names) -> Unit<'m> {
        let host = code.target_config();
        let plan = Plan::new(module);
        let mut unit = Unit {
            module,
            entries: IndexVec::with_capacity(module.funcs.len()),
            forms: IndexVec::with_capacity(module.funcs.len()),
            plan,
            host,
        };
        let mut declare = |name: &str, suffix: &str, signature: &Signature| {
            // There is a number for every function that memory holds, and names of functions are unique.
            let declared = match names {
                Names::None => code.declare_anonymous_function(signature),
                Names::Local => {
                    let name = format!("{name}{suffix}");
                    code.declare_function(&name, Linkage::Local, signature)
                }
            };
            declared.unwrap_or_else(|e| tollgate_ir::bug!("a function is not declared: {e}"))
        };
        for (id, func) in module.funcs.iter() {
            let (called, entered) = (unit.plan.is_called(id), unit.plan.is_entered(id));
            let suffix = if called { ".entry" } else { "" };
            let entry =
                entered.then(|| declare(&func.name, suffix, &unit.signature(id, Form::Entry)));
            unit.entries.push(entry);
            let form =
                called.then(|| declare(&func.name, "", &unit.signature(id, Form::Registers)));
            unit.forms.push(form);
        }
        unit
    }

    /// The forms to make of a function, with their numbers.
    pub(crate) fn forms_of(&self, id: FuncId) -> impl Iterator<Item = (Form, CodeId)> {
        let form = self.forms[id].map(|form| (Form::Registers, form));
        let entry = self.entries[id].map(|entry| match form {
            Some(_) => (Form::Wrapper, entry),
            None => (Form::Entry, entry),
        });
        form.into_iter().chain(entry)
    }

    pub(crate) fn signature(&self, id: FuncId, form: Form) -> Signature {
        let func = &self.module.funcs[id];
        let pointer = AbiParam::new(types::I64);
        if form != Form::Registers {
            let mut signature = Signature::new(self.host.default_call_conv);
            signature.params.extend([pointer; 3]);
            return signature;
        }
        let parts = |ty: Type| self.repr(ty).kinds().map(|k| AbiParam::new(register(k)));
        let returns: Vec<AbiParam> = parts(func.result).collect();
        // Only this convention gives more than two results in registers.
        let convention = match returns.len() {
            0..=2 => CallConv::Fast,
            _ => CallConv::Tail,
        };
        let mut signature = Signature::new(convention);
        signature.params.push(pointer);
        let params = func.params().iter();
        signature
            .params
            .extend(params.flat_map(|v| parts(func.ty(*v))));
        signature.returns = returns;
        signature
    }

    pub(crate) fn repr(&self, ty: Type) -> Repr {
        Repr::new(&self.module.types, ty)
    }
}

/// Makes a form of a function. Linear in it. Gives what the calls in it call, for people.
pub(crate) fn lower(
    unit: &Unit<'_>,
    code: &mut dyn CodeModule,
    id: FuncId,
    form: Form,
    to: &mut ir::Function,
    memory: &mut FunctionBuilderContext,
) -> Vec<(ir::Inst, String)> {
    to.signature = unit.signature(id, form);
    let func = &unit.module.funcs[id];
    let mut b = FunctionBuilder::new(to, memory);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let cx = b.block_params(entry)[0];
    let nothing = Parts::default();
    let lower = Lower {
        unit,
        func,
        form,
        code,
        cx,
        entry,
        blocks: func.blocks.keys().map(|_| None).collect(),
        vals: func.vals.keys().map(|_| nothing).collect(),
        uses: uses(func),
        held: unit.repr(func.result),
        result: nothing,
        gives_back: false,
        args: None,
        out: None,
        signatures: Vec::new(),
        callees: FxHashMap::default(),
        notes: Vec::new(),
        b,
    };
    match form {
        Form::Wrapper => lower.wrapper(id),
        Form::Entry | Form::Registers => lower.run(),
    }
}

/// A function being made.
struct Lower<'f> {
    unit: &'f Unit<'f>,
    func: &'f Func,
    form: Form,
    code: &'f mut dyn CodeModule,
    b: FunctionBuilder<'f>,
    /// The context.
    cx: Value,
    entry: ir::Block,
    /// The blocks that some path from the entry leads to.
    blocks: IndexVec<Block, Option<ir::Block>>,
    vals: IndexVec<Val, Parts>,
    /// How often each value is asked for.
    uses: IndexVec<Val, u32>,
    /// How the result of the instruction being made is held, if it has one.
    held: Repr,
    /// The result of the instruction that was made last.
    result: Parts,
    /// Whether the instruction being made ends an entry and gives its result: a word that a call leaves may be left there.
    gives_back: bool,
    /// Where arguments of calls are laid out as words.
    args: Option<StackSlot>,
    /// Where calls leave a word.
    out: Option<StackSlot>,
    signatures: Vec<(Function, SigRef)>,
    callees: FxHashMap<FuncId, FuncRef>,
    notes: Vec<(ir::Inst, String)>,
}

impl<'f> Lower<'f> {
    fn run(mut self) -> Vec<(ir::Inst, String)> {
        self.params();
        self.reach();
        for (block, data) in self.func.blocks.iter() {
            let Some(to) = self.blocks[block] else {
                continue;
            };
            if block != Func::ENTRY {
                self.b.switch_to_block(to);
            }
            self.b.set_srcloc(self.place(block));
            self.block_of(data);
        }
        self.finish()
    }

    /// Makes the instructions of a block, and how it ends.
    fn block_of(&mut self, data: &BlockData) {
        let last = data.insts.last();
        for inst in &data.insts {
            if last == Some(inst)
                && let Some((inst, yes, no)) = self.only_branches(*inst, &data.term)
            {
                return self.branch(inst, yes, no);
            }
            let of = &self.func.insts[*inst];
            let returned = matches!(&data.term, Terminator::Return(val) if of.result == Some(*val));
            self.gives_back = self.form == Form::Entry && last == Some(inst) && returned;
            if let Some(result) = of.result {
                self.held = self.repr(result);
            }
            self.result = Parts::default();
            self.make(&of.inst);
            match of.result {
                Some(_) if self.gives_back && self.result.all().is_empty() => {
                    // It was left where the result belongs.
                    self.b.ins().return_(&[]);
                    return;
                }
                Some(result) => self.vals[result] = self.result,
                None => {}
            }
        }
        self.terminator(&data.term);
    }

    /// What profilers are told of the code of a block: the site that it marks, if it marks one.
    fn place(&self, block: Block) -> SourceLoc {
        let mut insts = self.func.blocks[block].insts.iter();
        let site = insts.find_map(|inst| match self.func.insts[*inst].inst {
            Inst::Mark { site } => Some(SourceLoc::new(site.0)),
            _ => None,
        });
        site.unwrap_or_default()
    }

    /// The instruction that a block ends with and its branch asks for, where it is a test and nothing else asks for it.
    fn only_branches<'t>(
        &self,
        last: InstId,
        term: &'t Terminator,
    ) -> Option<(&'f Inst, &'t Jump, &'t Jump)> {
        let Terminator::Br(cond, yes, no) = term else {
            return None;
        };
        let data = &self.func.insts[last];
        let only = data.result == Some(*cond) && self.uses[*cond] == 1;
        (only && self.test_of(&data.inst).is_some()).then_some((&data.inst, yes, no))
    }

    /// Does the test that a branch asks for, and branches where its answer is clear.
    fn branch(&mut self, inst: &Inst, yes: &Jump, no: &Jump) {
        let Some((test, wanted)) = self.test_of(inst) else {
            tollgate_ir::bug!("`{}` is no test", inst.opcode().mnemonic());
        };
        let (yes, no) = (self.target(yes), self.target(no));
        self.ask_for(
            &test,
            &match wanted {
                true => Goal::Branch(yes, no),
                false => Goal::Branch(no, yes),
            },
        );
    }

    /// Takes the words apart, calls the form with registers, and puts its result together.
    fn wrapper(mut self, id: FuncId) -> Vec<(ir::Inst, String)> {
        self.params();
        let params = self.func.params();
        let args: Vec<Parts> = params.iter().map(|v| self.vals[*v]).collect();
        let result = self.call_compiled(id, &args);
        self.give(result);
        self.finish()
    }

    fn finish(mut self) -> Vec<(ir::Inst, String)> {
        self.b.seal_all_blocks();
        self.b.finalize(self.unit.host);
        self.notes
    }

    /// The parts of the parameters: those of the signature, or read from words.
    fn params(&mut self) {
        let mut next = 1;
        for (i, param) in self.func.params().iter().enumerate() {
            let repr = self.repr(*param);
            let given = self.b.block_params(self.entry);
            self.vals[*param] = match self.form {
                Form::Registers => {
                    let parts = Parts::new(&given[next..next + repr.count()]);
                    next += repr.count();
                    parts
                }
                Form::Entry | Form::Wrapper => {
                    let args = given[1];
                    self.read_argument(args, i, repr)
                }
            };
        }
    }

    /// Makes a block for every block that is reached.
    fn reach(&mut self) {
        let func = self.func;
        self.blocks[Func::ENTRY] = Some(self.entry);
        for (block, data) in func.blocks.iter() {
            if self.blocks[block].is_none() {
                continue;
            }
            for jump in data.term.jumps() {
                if self.blocks[jump.block].is_some() {
                    continue;
                }
                let to = self.b.create_block();
                self.blocks[jump.block] = Some(to);
                for param in &func.blocks[jump.block].params {
                    let kinds: Vec<Kind> = self.repr(*param).kinds().collect();
                    let parts: Vec<Value> = kinds
                        .iter()
                        .map(|kind| self.b.append_block_param(to, register(*kind)))
                        .collect();
                    self.vals[*param] = Parts::new(&parts);
                }
            }
        }
    }

    fn terminator(&mut self, term: &Terminator) {
        match term {
            Terminator::Jump(jump) => {
                let (to, args) = self.target(jump);
                self.b.ins().jump(to, &args);
            }
            Terminator::Br(cond, yes, no) => {
                let cond = self.one(*cond);
                let (yes, yes_args) = self.target(yes);
                let (no, no_args) = self.target(no);
                self.b.ins().brif(cond, yes, &yes_args, no, &no_args);
            }
            Terminator::Switch(on, cases, default) => {
                let on = self.one(*on);
                let mut switch = Switch::new();
                let mut behind = Vec::new();
                for (value, jump) in cases {
                    let to = self.case(jump, &mut behind);
                    switch.set_entry(u128::from(*value as u64), to);
                }
                let default = self.case(default, &mut behind);
                switch.emit(&mut self.b, on, default);
                for (block, jump) in behind {
                    self.b.switch_to_block(block);
                    let (to, args) = self.target(jump);
                    self.b.ins().jump(to, &args);
                }
            }
            Terminator::Return(val) => {
                let parts = self.vals[*val];
                self.give(parts);
            }
        }
    }

    /// Returns a value, as the form says.
    fn give(&mut self, parts: Parts) {
        if self.form == Form::Registers {
            self.b.ins().return_(parts.all());
            return;
        }
        let repr = self.unit.repr(self.func.result);
        let out = self.given(2);
        self.write(out, 0, parts, repr);
        self.b.ins().return_(&[]);
    }

    /// A parameter of the form itself: context, arguments and room for the result are those of an entry.
    fn given(&self, index: usize) -> Value {
        self.b.block_params(self.entry)[index]
    }

    /// Where a jump leads, and the parts that it hands on.
    fn target(&self, jump: &Jump) -> (ir::Block, Vec<BlockArg>) {
        let to = self.blocks[jump.block];
        let to = to.unwrap_or_else(|| tollgate_ir::bug!("a jump leads to {}", jump.block));
        let parts = jump.args.iter().flat_map(|v| self.vals[*v].all());
        (to, parts.map(|v| BlockArg::Value(*v)).collect())
    }

    /// Where a case of a switch leads: to a block of its own if it hands something on.
    fn case<'j>(&mut self, jump: &'j Jump, behind: &mut Vec<(ir::Block, &'j Jump)>) -> ir::Block {
        if jump.args.is_empty() {
            return self.target(jump).0;
        }
        let block = self.b.create_block();
        behind.push((block, jump));
        block
    }

    fn repr(&self, val: Val) -> Repr {
        self.unit.repr(self.func.ty(val))
    }

    fn parts(&self, val: Val) -> Parts {
        self.vals[val]
    }

    /// The only part of a value.
    fn one(&self, val: Val) -> Value {
        self.vals[val].all()[0]
    }

    /// The first two parts of a value: pointer and length, or the halves of an address.
    fn two(&self, val: Val) -> (Value, Value) {
        let parts = &self.vals[val];
        (parts.all()[0], parts.all()[1])
    }

    fn int(&mut self, value: i64) -> Value {
        self.b.ins().iconst(types::I64, value)
    }

    fn flag(&mut self, value: bool) -> Value {
        self.b.ins().iconst(types::I8, i64::from(value))
    }

    fn id(&mut self, value: u32) -> Value {
        self.b.ins().iconst(types::I32, i64::from(value))
    }

    /// What is a bug here and nowhere else: an instruction that legal IR does not have.
    fn lowered(&self, opcode: Opcode) -> ! {
        tollgate_ir::bug!("legal IR has no `{}`", opcode.mnemonic())
    }

    /// The constant that a value is, if it is one.
    fn constant(&self, val: Val) -> Option<&'f tollgate_runtime::Value> {
        match self.func.def(val)? {
            Inst::Konst { value } => Some(&self.unit.module.consts[*value].value),
            _ => None,
        }
    }
}

/// How often each value of a function is asked for.
fn uses(func: &Func) -> IndexVec<Val, u32> {
    let mut uses: IndexVec<Val, u32> = func.vals.keys().map(|_| 0).collect();
    for block in func.blocks.values() {
        for inst in &block.insts {
            func.insts[*inst].inst.vals(|v| uses[v] += 1);
        }
        block.term.vals(|v| uses[v] += 1);
    }
    uses
}

/// Cranelift's type of a register.
pub(crate) fn register(kind: Kind) -> ir::Type {
    match kind {
        Kind::Flag => types::I8,
        Kind::Id => types::I32,
        Kind::Int | Kind::Pointer => types::I64,
        Kind::Float => types::F64,
    }
}
