//! Calls: of the runtime, of compiled functions, once and once an element.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, AbiParam, BlockArg, InstBuilder, Signature, StackSlot};
use cranelift_codegen::ir::{StackSlotData, StackSlotKind, Value, types};
use tollgate_ir::entities::{FuncId, Val};
use tollgate_native_abi::layout::{DANGLING, ON_STACK_MAX, WORD};
use tollgate_native_abi::{Context, Form, Function};

use super::words::{FIXED, PLAIN, Parts};
use super::{Lower, register};

impl Lower<'_> {
    /// Calls a function of the runtime.
    pub(super) fn call_runtime(&mut self, function: Function, args: &[Value]) -> Option<Value> {
        let signature = self.signature_of(function);
        let table = self.of_context(Context::FUNCTIONS);
        let to = self
            .b
            .ins()
            .load(types::I64, FIXED, table, function.offset());
        let call = self.b.ins().call_indirect(signature, to, args);
        self.notes.push((call, function.name().to_owned()));
        self.b.inst_results(call).first().copied()
    }

    /// Calls a function of the runtime that gives something.
    pub(super) fn ask(&mut self, function: Function, args: &[Value]) -> Value {
        let given = self.call_runtime(function, args);
        given.unwrap_or_else(|| tollgate_ir::bug!("`{}` gives nothing", function.name()))
    }

    /// Calls a function of the runtime that leaves a word as its last argument says, and reads it; no parts are read where the word
    /// is the result of an entry, and is left there at once.
    pub(super) fn ask_word(&mut self, function: Function, args: &[Value]) -> Parts {
        if self.gives_back {
            let args = [args, &[self.given(2)]].concat();
            self.call_runtime(function, &args);
            return Parts::default();
        }
        let out = self.out();
        let args = [args, &[out]].concat();
        self.call_runtime(function, &args);
        self.read(out, 0, self.held)
    }

    /// Lays values out as words, for a call that follows at once and writes nothing there.
    pub(super) fn lay_out(&mut self, vals: &[Val]) -> (Value, Value) {
        // The arguments of an entry are laid out already.
        if self.form == Form::Entry && !vals.is_empty() && vals == self.func.params() {
            return (self.given(1), self.int(vals.len() as i64));
        }
        self.lay_out_anew(vals)
    }

    /// Lays values out as words, for a call that follows at once.
    pub(super) fn lay_out_anew(&mut self, vals: &[Val]) -> (Value, Value) {
        let len = self.int(vals.len() as i64);
        let at = match vals.len() {
            0..=ON_STACK_MAX => self.args(vals.len()),
            _ => self.room(vals.len()),
        };
        self.write_all(at, vals);
        (at, len)
    }

    /// Lays values out as words that stay: a record, or a list.
    pub(super) fn keep(&mut self, vals: &[Val]) -> Value {
        if vals.is_empty() {
            return self.int(DANGLING);
        }
        let at = self.room(vals.len());
        self.write_all(at, vals);
        at
    }

    fn write_all(&mut self, at: Value, vals: &[Val]) {
        for (i, val) in vals.iter().enumerate() {
            let (parts, repr) = (self.parts(*val), self.repr(*val));
            self.write(at, (i * WORD) as i32, parts, repr);
        }
    }

    fn room(&mut self, words: usize) -> Value {
        let (cx, len) = (self.cx, self.int(words as i64));
        self.ask(Function::Words, &[cx, len])
    }

    /// Calls a compiled function and forgets its marks.
    pub(super) fn call_quietly(&mut self, func: FuncId, args: &[Parts]) -> Parts {
        self.quietly(func, |lower| lower.call_compiled(func, args))
    }

    /// Calls a compiled function.
    pub(super) fn call_compiled(&mut self, func: FuncId, args: &[Parts]) -> Parts {
        let callee = self.callee(func);
        let mut all = vec![self.cx];
        all.extend(args.iter().flat_map(|parts| parts.all()));
        let call = self.b.ins().call(callee, &all);
        let name = self.unit.module.funcs[func].name.to_string();
        self.notes.push((call, name));
        Parts::new(self.b.inst_results(call))
    }

    /// Whether a function holds for some element of a sequence.
    pub(super) fn any_element(&mut self, of: Val, func: FuncId, captured: &[Val]) -> Value {
        let (from, end) = self.stretch(of);
        let (head, body, done) = (self.block(), self.block(), self.block());
        let at = self.b.append_block_param(head, types::I64);
        let holds = self.b.append_block_param(done, types::I8);
        let captured: Vec<Parts> = captured.iter().map(|v| self.parts(*v)).collect();
        self.quietly(func, |lower| {
            lower.b.ins().jump(head, &[BlockArg::Value(from)]);
            lower.b.switch_to_block(head);
            let ended = lower.b.ins().icmp(IntCC::Equal, at, end);
            let no = [BlockArg::Value(lower.flag(false))];
            lower.b.ins().brif(ended, done, &no, body, &[]);
            lower.b.switch_to_block(body);
            let element = lower.element(at, func, 0);
            let args = [&[element], &captured[..]].concat();
            let answer = lower.call_compiled(func, &args).all()[0];
            let next = lower.b.ins().iadd_imm_s(at, WORD as i64);
            let (yes, next) = ([BlockArg::Value(answer)], [BlockArg::Value(next)]);
            lower.b.ins().brif(answer, done, &yes, head, &next);
            lower.b.switch_to_block(done);
        });
        holds
    }

    /// Folds a function over the elements of a sequence.
    pub(super) fn fold_elements(
        &mut self,
        of: Val,
        init: Val,
        func: FuncId,
        captured: &[Val],
    ) -> Parts {
        let (from, end) = self.stretch(of);
        let (head, body, done) = (self.block(), self.block(), self.block());
        let at = self.b.append_block_param(head, types::I64);
        let init = (self.parts(init), self.repr(init));
        let mut folded = |block: ir::Block| -> Parts {
            let kinds: Vec<_> = init.1.kinds().collect();
            let parts = kinds
                .iter()
                .map(|k| self.b.append_block_param(block, register(*k)));
            Parts::new(&parts.collect::<Vec<_>>())
        };
        let (so_far, result) = (folded(head), folded(done));
        let captured: Vec<Parts> = captured.iter().map(|v| self.parts(*v)).collect();
        self.quietly(func, |lower| {
            lower.b.ins().jump(head, &hand_on(Some(from), init.0));
            lower.b.switch_to_block(head);
            let ended = lower.b.ins().icmp(IntCC::Equal, at, end);
            let all = hand_on(None, so_far);
            lower.b.ins().brif(ended, done, &all, body, &[]);
            lower.b.switch_to_block(body);
            let element = lower.element(at, func, 1);
            let args = [&[so_far, element], &captured[..]].concat();
            let folded = lower.call_compiled(func, &args);
            let next = lower.b.ins().iadd_imm_s(at, WORD as i64);
            lower.b.ins().jump(head, &hand_on(Some(next), folded));
            lower.b.switch_to_block(done);
        });
        result
    }

    /// Adds a mark: stored where there is room.
    pub(super) fn add_mark(&mut self, site: u32) {
        let (cx, site) = (self.cx, self.id(site));
        let len = self.marks_len();
        let room = self
            .b
            .ins()
            .load(types::I64, PLAIN, cx, Context::MARKS_CAPACITY);
        let (fast, slow, done) = (self.block(), self.block(), self.block());
        self.b.set_cold_block(slow);
        let full = self.b.ins().icmp(IntCC::Equal, len, room);
        self.b.ins().brif(full, slow, &[], fast, &[]);
        self.b.switch_to_block(slow);
        self.call_runtime(Function::Mark, &[cx, site]);
        self.b.ins().jump(done, &[]);
        self.b.switch_to_block(fast);
        let marks = self.b.ins().load(types::I64, PLAIN, cx, Context::MARKS);
        let distance = self.b.ins().ishl_imm_u(len, 2);
        let at = self.b.ins().iadd(marks, distance);
        self.b.ins().store(PLAIN, site, at, 0);
        let more = self.b.ins().iadd_imm_s(len, 1);
        self.b.ins().store(PLAIN, more, cx, Context::MARKS_LEN);
        self.b.ins().jump(done, &[]);
        self.b.switch_to_block(done);
    }

    /// Does what calls a function, and forgets the marks that are made meanwhile.
    fn quietly<T>(&mut self, func: FuncId, call: impl FnOnce(&mut Self) -> T) -> T {
        if !self.unit.plan.marks(func) {
            return call(self);
        }
        let before = self.marks_len();
        let given = call(self);
        let cx = self.cx;
        self.b.ins().store(PLAIN, before, cx, Context::MARKS_LEN);
        given
    }

    fn marks_len(&mut self) -> Value {
        let cx = self.cx;
        self.b.ins().load(types::I64, PLAIN, cx, Context::MARKS_LEN)
    }

    /// The first word of a sequence, and where its words end.
    fn stretch(&mut self, of: Val) -> (Value, Value) {
        let (from, len) = self.two(of);
        let bytes = self.b.ins().imul_imm_s(len, WORD as i64);
        (from, self.b.ins().iadd(from, bytes))
    }

    /// The word at a place, as a parameter of a function takes it.
    fn element(&mut self, at: Value, func: FuncId, param: usize) -> Parts {
        let callee = &self.unit.module.funcs[func];
        let ty = callee.ty(callee.params()[param]);
        self.read(at, 0, self.unit.repr(ty))
    }

    pub(super) fn block(&mut self) -> ir::Block {
        self.b.create_block()
    }

    /// Where so many arguments are laid out.
    pub(super) fn args(&mut self, words: usize) -> Value {
        if words == 0 {
            return self.int(DANGLING);
        }
        let slot = match self.args {
            Some(slot) => slot,
            None => {
                let slot = self.slot(0);
                self.args = Some(slot);
                slot
            }
        };
        let bytes = (words * WORD) as u32;
        let size = &mut self.b.func.sized_stack_slots[slot].size;
        *size = bytes.max(*size);
        self.b.ins().stack_addr(types::I64, slot, 0)
    }

    /// Where a call leaves a word.
    pub(super) fn out(&mut self) -> Value {
        let slot = match self.out {
            Some(slot) => slot,
            None => {
                let slot = self.slot(WORD as u32);
                self.out = Some(slot);
                slot
            }
        };
        self.b.ins().stack_addr(types::I64, slot, 0)
    }

    fn slot(&mut self, bytes: u32) -> StackSlot {
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 3);
        self.b.create_sized_stack_slot(data)
    }

    fn signature_of(&mut self, function: Function) -> ir::SigRef {
        if let Some((_, known)) = self.signatures.iter().find(|(f, _)| *f == function) {
            return *known;
        }
        let mut signature = Signature::new(self.unit.host.default_call_conv);
        let params = function.params().iter();
        signature
            .params
            .extend(params.map(|k| AbiParam::new(register(*k))));
        let result = function.result().map(|k| AbiParam::new(register(k)));
        signature.returns.extend(result);
        let made = self.b.import_signature(signature);
        self.signatures.push((function, made));
        made
    }

    fn callee(&mut self, func: FuncId) -> ir::FuncRef {
        if let Some(known) = self.callees.get(&func) {
            return *known;
        }
        let form = self.unit.forms[func];
        let form = form.unwrap_or_else(|| tollgate_ir::bug!("{func} has no form to call"));
        let made = self.code.declare_func_in_func(form, self.b.func);
        self.callees.insert(func, made);
        made
    }
}

/// What a jump hands on: a place, if given, and the parts of a value.
fn hand_on(at: Option<Value>, parts: Parts) -> Vec<BlockArg> {
    let parts = parts.all().iter().copied();
    at.into_iter().chain(parts).map(BlockArg::Value).collect()
}
