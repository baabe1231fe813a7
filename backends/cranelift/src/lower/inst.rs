//! One method an instruction.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, types};
use tollgate_ir::entities::{
    ConstId, DataId, FuncId, IndexId, NativeId, PatId, PlaceId, RuleSetId, SiteId, Val,
};
use tollgate_ir::instructions::{Inst, InstVisitor, Opcode};
use tollgate_ir::operand::{Cc, Fimm, Flag, Imm, Index, Vals};
use tollgate_ir::types::{Type, TypeData};
use tollgate_native_abi::known::holds_places;
use tollgate_native_abi::layout::WORD;
use tollgate_native_abi::{Context, Function, Shape};

use super::Lower;
use super::compare::{float_condition, int_condition};
use super::words::{FIXED, Parts};

impl Lower<'_> {
    /// Makes an instruction: as a test, if it is one, and else by its method.
    pub(super) fn make(&mut self, inst: &Inst) {
        let Some((test, wanted)) = self.test_of(inst) else {
            return inst.visit(self);
        };
        let answer = self.answer_of(&test);
        let value = match wanted {
            true => answer,
            false => self.not(answer),
        };
        self.gives(value);
    }

    /// Gives the instruction a result of one part.
    fn gives(&mut self, value: Value) {
        self.result = Parts::new(&[value]);
    }

    fn ints(&mut self, a: &Val, b: &Val, op: impl FnOnce(&mut Self, Value, Value) -> Value) {
        let value = op(self, self.one(*a), self.one(*b));
        self.gives(value);
    }

    /// Float arithmetic, made finite and never minus zero; what is neither takes the runtime's way.
    fn settled(&mut self, value: Value) {
        let (slow, done) = (self.block(), self.block());
        self.b.set_cold_block(slow);
        let settled = self.b.append_block_param(done, types::F64);
        let (zero, most) = (self.b.ins().f64const(0.0), self.b.ins().f64const(f64::MAX));
        // Minus zero and zero are zero.
        let plain = self.b.ins().fadd(value, zero);
        let size = self.b.ins().fabs(plain);
        let finite = self.b.ins().fcmp(float_condition(Cc::Le), size, most);
        let plain = [BlockArg::Value(plain)];
        self.b.ins().brif(finite, done, &plain, slow, &[]);
        self.b.switch_to_block(slow);
        let bounded = self.ask(Function::Settle, &[value]);
        self.b.ins().jump(done, &[BlockArg::Value(bounded)]);
        self.b.switch_to_block(done);
        self.gives(settled);
    }

    /// Calls of the runtime that are given the numbers of the operands.
    fn scalars(&mut self, function: Function, vals: &[&Val]) {
        let args: Vec<Value> = vals.iter().map(|v| self.one(**v)).collect();
        let value = self.ask(function, &args);
        self.gives(value);
    }

    /// A divisor that divides anything: 1 in place of 0 and -1. Says also which it was.
    fn divisor(&mut self, b: Value) -> (Value, Value, Value) {
        let zero = self.b.ins().icmp_imm_s(IntCC::Equal, b, 0);
        let minus = self.b.ins().icmp_imm_s(IntCC::Equal, b, -1);
        let either = self.b.ins().bor(zero, minus);
        let one = self.int(1);
        (self.b.ins().select(either, one, b), zero, minus)
    }

    /// What a sum or difference that overflowed is in place of `wrapped`: the bound on the other side.
    fn saturated(&mut self, wrapped: Value, overflowed: Value) -> Value {
        let sign = self.b.ins().sshr_imm_u(wrapped, 63);
        let bound = self.b.ins().bxor_imm_s(sign, i64::MIN);
        self.b.ins().select(overflowed, bound, wrapped)
    }

    /// A call of the runtime about a text and a pattern.
    fn text_and_pattern(&mut self, a: Val, pattern: PatId, more: &[Value]) -> Vec<Value> {
        let (text, len) = self.two(a);
        let (cx, pattern) = (self.cx, self.id(pattern.0));
        [&[cx, pattern, text, len], more].concat()
    }

    /// A call of the runtime about something of the program and any number of words.
    fn program_call(&mut self, function: Function, number: u32, vals: &[Val]) {
        let (at, len) = self.lay_out(vals);
        let (cx, number) = (self.cx, self.id(number));
        self.result = self.ask_word(function, &[cx, number, at, len]);
    }

    /// A call of the runtime that makes a sequence or text of any number of words.
    fn made(&mut self, function: Function, vals: &[Val]) {
        let (at, len) = match function {
            // It sorts them where they lie.
            Function::Set => self.lay_out_anew(vals),
            _ => self.lay_out(vals),
        };
        let cx = self.cx;
        self.result = self.ask_word(function, &[cx, at, len]);
    }

    fn call_of(&mut self, vals: &Vals) -> Vec<Parts> {
        vals.iter().map(|v| self.parts(*v)).collect()
    }
}

impl InstVisitor for Lower<'_> {
    type Output = ();

    fn iconst(&mut self, imm: &Imm) {
        let value = self.int(imm.0);
        self.gives(value);
    }
    fn fconst(&mut self, imm: &Fimm) {
        let value = self.b.ins().f64const(imm.get());
        self.gives(value);
    }
    fn bconst(&mut self, imm: &Flag) {
        let value = self.flag(imm.0);
        self.gives(value);
    }
    fn konst(&mut self, value: &ConstId) {
        let constant = &self.unit.module.consts[*value];
        self.result = self.konst_parts(value.0, &constant.value, self.held);
    }
    fn data(&mut self, data: &DataId) {
        let at = self.of_context(Context::DATA);
        self.result = self.read_with(FIXED, at, data.0 as i32 * WORD as i32, self.held);
    }
    fn decision_id(&mut self) {
        let at = self.of_context(Context::ID);
        let len = self.of_context(Context::ID_LEN);
        self.result = Parts::new(&[at, len]);
    }
    fn decision_time(&mut self) {
        let time = self.of_context(Context::TIME);
        self.gives(time);
    }

    fn iadd(&mut self, a: &Val, b: &Val) {
        self.ints(a, b, |l, a, b| l.b.ins().iadd(a, b));
    }
    fn isub(&mut self, a: &Val, b: &Val) {
        self.ints(a, b, |l, a, b| l.b.ins().isub(a, b));
    }
    fn imul(&mut self, a: &Val, b: &Val) {
        self.ints(a, b, |l, a, b| l.b.ins().imul(a, b));
    }
    fn ineg(&mut self, a: &Val) {
        let a = self.one(*a);
        let value = self.b.ins().ineg(a);
        self.gives(value);
    }
    fn idiv(&mut self, a: &Val, b: &Val) {
        self.ints(a, b, |l, a, b| {
            let (divisor, zero, minus) = l.divisor(b);
            let quotient = l.b.ins().sdiv(a, divisor);
            let negated = l.b.ins().ineg(a);
            let quotient = l.b.ins().select(minus, negated, quotient);
            let none = l.int(0);
            l.b.ins().select(zero, none, quotient)
        });
    }
    fn imod(&mut self, a: &Val, b: &Val) {
        // Of a division by 1 nothing is left, as of one by -1, and as is said of one by 0.
        self.ints(a, b, |l, a, b| {
            let (divisor, _, _) = l.divisor(b);
            l.b.ins().srem(a, divisor)
        });
    }
    fn iadd_sat(&mut self, a: &Val, b: &Val) {
        self.ints(a, b, |l, a, b| {
            let (sum, overflowed) = l.b.ins().sadd_overflow(a, b);
            l.saturated(sum, overflowed)
        });
    }
    fn isub_sat(&mut self, a: &Val, b: &Val) {
        self.ints(a, b, |l, a, b| {
            let (difference, overflowed) = l.b.ins().ssub_overflow(a, b);
            l.saturated(difference, overflowed)
        });
    }
    fn imul_sat(&mut self, a: &Val, b: &Val) {
        self.scalars(Function::ImulSat, &[a, b]);
    }
    fn imin(&mut self, a: &Val, b: &Val) {
        self.ints(a, b, |l, a, b| l.b.ins().smin(a, b));
    }
    fn imax(&mut self, a: &Val, b: &Val) {
        self.ints(a, b, |l, a, b| l.b.ins().smax(a, b));
    }
    fn iabs(&mut self, a: &Val) {
        let (a, zero) = (self.one(*a), self.int(0));
        let (negated, overflowed) = self.b.ins().ssub_overflow(zero, a);
        let negated = self.saturated(negated, overflowed);
        let value = self.b.ins().smax(a, negated);
        self.gives(value);
    }
    fn pmul(&mut self, a: &Val, b: &Val) {
        self.scalars(Function::Pmul, &[a, b]);
    }
    fn pdiv(&mut self, a: &Val, b: &Val) {
        self.scalars(Function::Pdiv, &[a, b]);
    }
    fn pround(&mut self, a: &Val) {
        self.scalars(Function::Pround, &[a]);
    }
    fn icmp(&mut self, cc: &Cc, a: &Val, b: &Val) {
        let condition = int_condition(*cc);
        self.ints(a, b, |l, a, b| l.b.ins().icmp(condition, a, b));
    }

    fn fadd(&mut self, a: &Val, b: &Val) {
        let (a, b) = (self.one(*a), self.one(*b));
        let value = self.b.ins().fadd(a, b);
        self.settled(value);
    }
    fn fsub(&mut self, a: &Val, b: &Val) {
        let (a, b) = (self.one(*a), self.one(*b));
        let value = self.b.ins().fsub(a, b);
        self.settled(value);
    }
    fn fmul(&mut self, a: &Val, b: &Val) {
        let (a, b) = (self.one(*a), self.one(*b));
        let value = self.b.ins().fmul(a, b);
        self.settled(value);
    }
    fn fdiv(&mut self, a: &Val, b: &Val) {
        let (a, b) = (self.one(*a), self.one(*b));
        let none = self.b.ins().f64const(0.0);
        let zero = self.b.ins().fcmp(float_condition(Cc::Eq), b, none);
        let quotient = self.b.ins().fdiv(a, b);
        let quotient = self.b.ins().select(zero, none, quotient);
        self.settled(quotient);
    }
    fn fneg(&mut self, a: &Val) {
        let a = self.one(*a);
        let value = self.b.ins().fneg(a);
        self.settled(value);
    }
    fn fcmp(&mut self, cc: &Cc, a: &Val, b: &Val) {
        let condition = float_condition(*cc);
        self.ints(a, b, |l, a, b| l.b.ins().fcmp(condition, a, b));
    }
    fn int_to_float(&mut self, a: &Val) {
        let a = self.one(*a);
        let value = self.b.ins().fcvt_from_sint(types::F64, a);
        self.gives(value);
    }

    fn scmp(&mut self, cc: &Cc, a: &Val, b: &Val) {
        let value = self.texts_are_in_order(*cc, *a, *b);
        self.gives(value);
    }
    fn same(&mut self, a: &Val, b: &Val) {
        let value = self.values_are(*a, *b);
        self.gives(value);
    }
    fn bnot(&mut self, a: &Val) {
        let value = self.not(self.one(*a));
        self.gives(value);
    }
    fn band(&mut self, a: &Val, b: &Val) {
        self.ints(a, b, |l, a, b| l.b.ins().band(a, b));
    }
    fn bor(&mut self, a: &Val, b: &Val) {
        self.ints(a, b, |l, a, b| l.b.ins().bor(a, b));
    }
    fn select(&mut self, c: &Val, a: &Val, b: &Val) {
        let (c, a, b) = (self.one(*c), self.parts(*a), self.parts(*b));
        self.result = self.choose(c, a, b);
    }

    fn none(&mut self, _: &Type) {
        self.result = self.zero(self.held);
    }
    fn some(&mut self, a: &Val) {
        let flag = self.flag(true);
        self.result = self.parts(*a).present(flag);
    }
    fn is_some(&mut self, a: &Val) {
        self.gives(self.one(*a));
    }
    fn unwrap(&mut self, a: &Val) {
        self.result = self.parts(*a).behind();
    }
    fn unwrap_or(&mut self, a: &Val, b: &Val) {
        let (a, or) = (self.parts(*a), self.parts(*b));
        let found = match self.repr(*b).optional {
            true => a,
            false => a.behind(),
        };
        self.result = self.choose(a.all()[0], found, or);
    }

    fn record(&mut self, _: &Type, fields: &Vals) {
        let at = self.keep(fields);
        self.gives(at);
    }
    fn field(&mut self, a: &Val, index: &Index) {
        let at = self.one(*a);
        self.result = self.read(at, index.0 as i32 * WORD as i32, self.held);
    }
    fn variant(&mut self, _: &Type, tag: &Index, fields: &Vals) {
        let number = self.id(tag.0);
        self.result = match self.held.shape {
            Shape::Plain => Parts::new(&[number]),
            _ => {
                let (at, len) = (self.keep(fields), self.int(fields.len() as i64));
                Parts::new(&[number, at, len])
            }
        };
    }
    fn tag(&mut self, a: &Val) {
        let tag = self.one(*a);
        let value = self.b.ins().uextend(types::I64, tag);
        self.gives(value);
    }
    fn payload(&mut self, a: &Val, _: &Index, index: &Index) {
        let parts = self.parts(*a);
        let [_, at, len] = parts.all() else {
            tollgate_ir::bug!("`payload` of an enum without payload");
        };
        let index = self.int(index.0.into());
        self.result = self.read_element(*at, *len, index, self.held);
    }

    fn list(&mut self, _: &Type, items: &Vals) {
        let (at, len) = (self.keep(items), self.int(items.len() as i64));
        self.result = Parts::new(&[at, len]);
    }
    fn set(&mut self, _: &Type, items: &Vals) {
        self.made(Function::Set, items);
    }
    fn map(&mut self, _: &Type, items: &Vals) {
        self.made(Function::Map, items);
    }
    fn collect(&mut self, _: &Type, items: &Vals) {
        self.made(Function::Collect, items);
    }
    fn len(&mut self, a: &Val) {
        let (_, len) = self.two(*a);
        let len = match self.unit.module.types.get(self.func.ty(*a)) {
            TypeData::Map(..) => self.b.ins().ushr_imm_u(len, 1),
            _ => len,
        };
        self.gives(len);
    }
    fn get(&mut self, a: &Val, index: &Val) {
        let (at, len) = self.two(*a);
        let index = self.one(*index);
        self.result = self.read_element(at, len, index, self.held);
    }
    fn lookup(&mut self, a: &Val, key: &Val) {
        let (entries, len) = self.two(*a);
        if let Some(place) = self.place_of(*a, *key) {
            if self.constant(*a).is_some_and(holds_places) {
                let there = self
                    .b
                    .ins()
                    .icmp_imm_s(IntCC::SignedGreaterThanOrEqual, place, 0);
                self.result = Parts::new(&[place]).present(there);
                return;
            }
            // What is nowhere is past the end.
            let pair = self.b.ins().iadd(place, place);
            let value = self.b.ins().iadd_imm_s(pair, 1);
            self.result = self.read_element(entries, len, value, self.held);
            return;
        }
        let (key, _) = self.lay_out(&[*key]);
        self.result = self.ask_word(Function::Lookup, &[entries, len, key]);
    }
    fn contains(&mut self, a: &Val, item: &Val) {
        let sorted = matches!(
            self.unit.module.types.get(self.func.ty(*a)),
            TypeData::Set(_)
        );
        let value = self.has_element(*a, *item, sorted);
        self.gives(value);
    }

    fn cidr_has(&mut self, a: &Val, ip: &Val) {
        let value = self.net_has(*a, *ip);
        self.gives(value);
    }
    fn cidrs_have(&mut self, a: &Val, ip: &Val) {
        let value = self.nets_have(*a, *ip);
        self.gives(value);
    }
    fn matches(&mut self, a: &Val, pattern: &PatId) {
        let value = self.text_matches(*a, *pattern);
        self.gives(value);
    }
    fn path_capture(&mut self, a: &Val, pattern: &PatId, index: &Index) {
        let index = self.id(index.0);
        let args = self.text_and_pattern(*a, *pattern, &[index]);
        self.result = self.ask_word(Function::PathCapture, &args);
    }
    fn regex_capture(&mut self, a: &Val, pattern: &PatId, index: &Index) {
        let index = self.id(index.0);
        let args = self.text_and_pattern(*a, *pattern, &[index]);
        self.result = self.ask_word(Function::RegexCapture, &args);
    }
    fn path_join(&mut self, parts: &Vals) {
        self.made(Function::PathJoin, parts);
    }

    fn any(&mut self, a: &Val, func: &FuncId, _: &Imm, captured: &Vals) {
        let value = self.any_element(*a, *func, captured);
        self.gives(value);
    }
    fn fold(&mut self, a: &Val, init: &Val, func: &FuncId, _: &Imm, captured: &Vals) {
        self.result = self.fold_elements(*a, *init, *func, captured);
    }

    fn call(&mut self, func: &FuncId, args: &Vals) {
        let args = self.call_of(args);
        self.result = self.call_quietly(*func, &args);
    }
    fn call_marked(&mut self, func: &FuncId, args: &Vals) {
        let args = self.call_of(args);
        self.result = self.call_compiled(*func, &args);
    }
    fn native(&mut self, native: &NativeId, args: &Vals) {
        self.program_call(Function::Native, native.0, args);
    }
    fn decide(&mut self, _: &RuleSetId, _: &Vals) {
        self.lowered(Opcode::Decide)
    }
    fn decide_marked(&mut self, _: &RuleSetId, _: &Vals) {
        self.lowered(Opcode::DecideMarked)
    }
    fn search(&mut self, index: &IndexId, args: &Vals) {
        self.program_call(Function::Search, index.0, args);
    }
    fn search_marked(&mut self, index: &IndexId, args: &Vals) {
        self.program_call(Function::SearchMarked, index.0, args);
    }
    fn ask(&mut self, place: &PlaceId, args: &Vals) {
        self.program_call(Function::Ask, place.0, args);
    }
    fn answer(&mut self, place: &PlaceId) {
        let (cx, number) = (self.cx, self.id(place.0));
        self.result = self.ask_word(Function::Answer, &[cx, number]);
    }
    fn mark(&mut self, site: &SiteId) {
        self.add_mark(site.0);
    }
}
