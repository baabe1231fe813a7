//! One method an instruction.

use inkwell::IntPredicate;
use tollgate_ir::entities::{
    ConstId, DataId, FuncId, IndexId, NativeId, PatId, PlaceId, RuleSetId, SiteId, Val,
};
use tollgate_ir::instructions::{InstVisitor, Opcode};
use tollgate_ir::operand::{Cc, Fimm, Flag, Imm, Index, Vals};
use tollgate_ir::types::{Type, TypeData};
use tollgate_native_abi::known::holds_places;
use tollgate_native_abi::layout::WORD;
use tollgate_native_abi::{Context, Function, Kind, Shape};

use super::Lower;
use super::compare::{float_condition, int_condition};
use super::words::Parts;
use crate::emit::{Emit, Memory, Register, Truth};
use crate::facts::Intrinsic;

/// An operation on two registers.
type Op<'c> = fn(&Emit<'c>, Register<'c>, Register<'c>) -> Register<'c>;

impl<'c> Lower<'_, 'c> {
    /// Gives the instruction a result of one part.
    fn gives(&mut self, value: Register<'c>) {
        self.result = Parts::one(value);
    }

    /// Gives the instruction a truth value as its result.
    fn gives_truth(&mut self, truth: Truth<'c>) {
        self.result = Parts::one(self.e.as_flag(truth));
    }

    fn numbers(&mut self, a: &Val, b: &Val, op: Op<'c>) {
        let (a, b) = (self.one(*a), self.one(*b));
        self.gives(op(&self.e, a, b));
    }

    fn intrinsic(&mut self, intrinsic: Intrinsic, a: &Val, b: &Val) {
        let (a, b) = (self.one(*a), self.one(*b));
        self.gives(self.unit.intrinsic(&self.e, intrinsic, a, b));
    }

    /// Float arithmetic, made finite and never minus zero.
    fn floats(&mut self, a: &Val, b: &Val, op: Op<'c>) {
        let (a, b) = (self.one(*a), self.one(*b));
        self.gives(self.settled(op(&self.e, a, b)));
    }

    /// A float as the language has them: what the runtime's `settle` makes of it.
    fn settled(&self, value: Register<'c>) -> Register<'c> {
        let (e, zero) = (&self.e, self.e.float(0.0));
        let number = e.compare_floats(float_condition(Cc::Eq), value, value);
        let value = e.select(number, value, zero);
        let (least, most) = (e.float(f64::MIN), e.float(f64::MAX));
        let above = e.compare_floats(float_condition(Cc::Gt), value, most);
        let value = e.select(above, most, value);
        let below = e.compare_floats(float_condition(Cc::Lt), value, least);
        let value = e.select(below, least, value);
        // Of minus zero and zero the sum is zero.
        e.fadd(value, zero)
    }

    /// Calls of the runtime that are given the numbers of the operands.
    fn scalars(&mut self, function: Function, vals: &[&Val]) {
        let args: Vec<Register<'c>> = vals.iter().map(|v| self.one(**v)).collect();
        let value = self.ask(function, &args);
        self.gives(value);
    }

    /// A divisor that divides anything: 1 in place of 0 and -1. Says also which it was.
    fn divisor(&self, b: Register<'c>) -> (Register<'c>, Truth<'c>, Truth<'c>) {
        let zero = self.e.equal(b, self.e.int(0));
        let minus = self.e.equal(b, self.e.int(-1));
        let either = self.e.either(zero, minus);
        (self.e.select(either, self.e.int(1), b), zero, minus)
    }

    /// A call of the runtime about a text and a pattern.
    fn text_and_pattern(
        &mut self,
        a: Val,
        pattern: PatId,
        more: &[Register<'c>],
    ) -> Vec<Register<'c>> {
        let (text, len) = self.two(a);
        let pattern = self.e.id(pattern.0);
        [&[self.cx.into(), pattern, text, len], more].concat()
    }

    /// A call of the runtime about something of the program and any number of words.
    fn program_call(&mut self, function: Function, number: u32, vals: &[Val]) {
        let (at, len) = self.hand_on(vals);
        let args = [self.cx.into(), self.e.id(number), at.into(), len];
        self.result = self.ask_word(function, &args);
    }

    /// A call of the runtime that makes a sequence or text of any number of words.
    fn made(&mut self, function: Function, vals: &[Val]) {
        let (at, len) = self.lay_out(vals);
        let args = [self.cx.into(), at.into(), len];
        self.result = self.ask_word(function, &args);
    }

    fn call_of(&mut self, vals: &Vals) -> Vec<Parts<'c>> {
        vals.iter().map(|v| self.parts(*v)).collect()
    }

    fn choose(&self, flag: Register<'c>, a: &Parts<'c>, b: &Parts<'c>) -> Parts<'c> {
        let truth = self.e.holds(flag);
        let parts = a.all().iter().zip(b.all());
        Parts::new(parts.map(|(a, b)| self.e.select(truth, *a, *b)).collect())
    }
}

impl InstVisitor for Lower<'_, '_> {
    type Output = ();

    fn iconst(&mut self, imm: &Imm) {
        self.gives(self.e.int(imm.0));
    }
    fn fconst(&mut self, imm: &Fimm) {
        self.gives(self.e.float(imm.get()));
    }
    fn bconst(&mut self, imm: &Flag) {
        self.gives(self.e.flag(imm.0));
    }
    fn konst(&mut self, value: &ConstId) {
        let constant = &self.unit.module.consts[*value];
        self.result = self.konst_parts(value.0, &constant.value, self.held);
    }
    fn data(&mut self, data: &DataId) {
        let at = self.place_of_context(Context::DATA);
        let offset = i64::from(data.0) * WORD as i64;
        self.result = self.read(Memory::Fixed, at, offset, self.held);
    }
    fn decision_id(&mut self) {
        let at = self.of_context(Kind::Pointer, Context::ID);
        let len = self.of_context(Kind::Int, Context::ID_LEN);
        self.result = Parts::new(vec![at, len]);
    }
    fn decision_time(&mut self) {
        self.gives(self.of_context(Kind::Int, Context::TIME));
    }

    fn iadd(&mut self, a: &Val, b: &Val) {
        self.numbers(a, b, Emit::add);
    }
    fn isub(&mut self, a: &Val, b: &Val) {
        self.numbers(a, b, Emit::sub);
    }
    fn imul(&mut self, a: &Val, b: &Val) {
        self.numbers(a, b, Emit::mul);
    }
    fn ineg(&mut self, a: &Val) {
        let a = self.one(*a);
        self.gives(self.e.sub(self.e.int(0), a));
    }
    fn idiv(&mut self, a: &Val, b: &Val) {
        let (a, b) = (self.one(*a), self.one(*b));
        let (divisor, zero, minus) = self.divisor(b);
        let quotient = self.e.div(a, divisor);
        let negated = self.e.sub(self.e.int(0), a);
        let quotient = self.e.select(minus, negated, quotient);
        self.gives(self.e.select(zero, self.e.int(0), quotient));
    }
    fn imod(&mut self, a: &Val, b: &Val) {
        // Of a division by 1 nothing is left, as of one by -1, and as is said of one by 0.
        let (a, b) = (self.one(*a), self.one(*b));
        let (divisor, _, _) = self.divisor(b);
        self.gives(self.e.rem(a, divisor));
    }
    fn iadd_sat(&mut self, a: &Val, b: &Val) {
        self.intrinsic(Intrinsic::AddSat, a, b);
    }
    fn isub_sat(&mut self, a: &Val, b: &Val) {
        self.intrinsic(Intrinsic::SubSat, a, b);
    }
    fn imul_sat(&mut self, a: &Val, b: &Val) {
        self.scalars(Function::ImulSat, &[a, b]);
    }
    fn imin(&mut self, a: &Val, b: &Val) {
        self.intrinsic(Intrinsic::Min, a, b);
    }
    fn imax(&mut self, a: &Val, b: &Val) {
        self.intrinsic(Intrinsic::Max, a, b);
    }
    fn iabs(&mut self, a: &Val) {
        let a = self.one(*a);
        let negated = self
            .unit
            .intrinsic(&self.e, Intrinsic::SubSat, self.e.int(0), a);
        self.gives(self.unit.intrinsic(&self.e, Intrinsic::Max, a, negated));
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
        let (a, b) = (self.one(*a), self.one(*b));
        self.gives_truth(self.e.compare(int_condition(*cc), a, b));
    }

    fn fadd(&mut self, a: &Val, b: &Val) {
        self.floats(a, b, Emit::fadd);
    }
    fn fsub(&mut self, a: &Val, b: &Val) {
        self.floats(a, b, Emit::fsub);
    }
    fn fmul(&mut self, a: &Val, b: &Val) {
        self.floats(a, b, Emit::fmul);
    }
    fn fdiv(&mut self, a: &Val, b: &Val) {
        let (a, b, none) = (self.one(*a), self.one(*b), self.e.float(0.0));
        let zero = self.e.compare_floats(float_condition(Cc::Eq), b, none);
        let quotient = self.settled(self.e.fdiv(a, b));
        self.gives(self.e.select(zero, none, quotient));
    }
    fn fneg(&mut self, a: &Val) {
        let a = self.one(*a);
        self.gives(self.settled(self.e.fneg(a)));
    }
    fn fcmp(&mut self, cc: &Cc, a: &Val, b: &Val) {
        let (a, b) = (self.one(*a), self.one(*b));
        self.gives_truth(self.e.compare_floats(float_condition(*cc), a, b));
    }
    fn int_to_float(&mut self, a: &Val) {
        let a = self.one(*a);
        self.gives(self.e.to_float(a));
    }

    fn scmp(&mut self, cc: &Cc, a: &Val, b: &Val) {
        let truth = self.text_compares(*cc, *a, *b);
        self.gives_truth(truth);
    }
    fn same(&mut self, a: &Val, b: &Val) {
        let truth = self.values_are(*a, *b);
        self.gives_truth(truth);
    }
    fn bnot(&mut self, a: &Val) {
        let a = self.one(*a);
        self.gives(self.e.xor(a, self.e.flag(true)));
    }
    fn band(&mut self, a: &Val, b: &Val) {
        self.numbers(a, b, Emit::and);
    }
    fn bor(&mut self, a: &Val, b: &Val) {
        self.numbers(a, b, Emit::or);
    }
    fn select(&mut self, c: &Val, a: &Val, b: &Val) {
        let (c, a, b) = (self.one(*c), self.parts(*a), self.parts(*b));
        self.result = self.choose(c, &a, &b);
    }

    fn none(&mut self, _: &Type) {
        self.result = self.zero(self.held);
    }
    fn some(&mut self, a: &Val) {
        let flag = self.e.flag(true);
        self.result = self.parts(*a).present(flag);
    }
    fn is_some(&mut self, a: &Val) {
        let flag = self.one(*a);
        self.gives(flag);
    }
    fn unwrap(&mut self, a: &Val) {
        self.result = self.parts(*a).behind();
    }
    fn unwrap_or(&mut self, a: &Val, b: &Val) {
        let (a, or) = (self.parts(*a), self.parts(*b));
        let found = match self.repr(*b).optional {
            true => a.clone(),
            false => a.behind(),
        };
        self.result = self.choose(a.all()[0], &found, &or);
    }

    fn record(&mut self, _: &Type, fields: &Vals) {
        let at = self.keep(fields);
        self.gives(at.into());
    }
    fn field(&mut self, a: &Val, index: &Index) {
        let at = self.one(*a).into_pointer_value();
        let offset = i64::from(index.0) * WORD as i64;
        self.result = self.read(Memory::Plain, at, offset, self.held);
    }
    fn variant(&mut self, _: &Type, tag: &Index, fields: &Vals) {
        let number = self.e.id(tag.0);
        self.result = match self.held.shape {
            Shape::Plain => Parts::one(number),
            _ => {
                let (at, len) = (self.keep(fields), self.e.int(fields.len() as i64));
                Parts::new(vec![number, at.into(), len])
            }
        };
    }
    fn tag(&mut self, a: &Val) {
        let tag = self.one(*a);
        self.gives(self.e.widen(tag, Kind::Int));
    }
    fn payload(&mut self, a: &Val, _: &Index, index: &Index) {
        let parts = self.parts(*a);
        let [_, at, len] = parts.all() else {
            tollgate_ir::bug!("`payload` of an enum without payload");
        };
        let index = self.e.int(index.0.into());
        self.result = self.read_element((*at, *len), index, self.held);
    }

    fn list(&mut self, _: &Type, items: &Vals) {
        let (at, len) = (self.keep(items), self.e.int(items.len() as i64));
        self.result = Parts::new(vec![at.into(), len]);
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
            TypeData::Map(..) => self.e.half(len),
            _ => len,
        };
        self.gives(len);
    }
    fn get(&mut self, a: &Val, index: &Val) {
        let sequence = self.two(*a);
        let index = self.one(*index);
        self.result = self.read_element(sequence, index, self.held);
    }
    fn lookup(&mut self, a: &Val, key: &Val) {
        let (entries, len) = self.two(*a);
        if let Some(place) = self.place_of(*a, *key) {
            if self.constant(*a).is_some_and(holds_places) {
                let there = self.e.compare(IntPredicate::SGE, place, self.e.int(0));
                self.result = Parts::one(place).present(self.e.as_flag(there));
                return;
            }
            // What is nowhere is past the end.
            let value = self.e.add(self.e.add(place, place), self.e.int(1));
            self.result = self.read_element((entries, len), value, self.held);
            return;
        }
        let (key, _) = self.lay_out(&[*key]);
        self.result = self.ask_word(Function::Lookup, &[entries, len, key.into()]);
    }
    fn contains(&mut self, a: &Val, item: &Val) {
        let sorted = matches!(
            self.unit.module.types.get(self.func.ty(*a)),
            TypeData::Set(_)
        );
        let truth = self.has_element(*a, *item, sorted);
        self.gives_truth(truth);
    }

    fn cidr_has(&mut self, a: &Val, ip: &Val) {
        let truth = self.net_has(*a, *ip);
        self.gives_truth(truth);
    }
    fn cidrs_have(&mut self, a: &Val, ip: &Val) {
        let truth = self.nets_have(*a, *ip);
        self.gives_truth(truth);
    }
    fn matches(&mut self, a: &Val, pattern: &PatId) {
        let truth = self.text_matches(*a, *pattern);
        self.gives_truth(truth);
    }
    fn path_capture(&mut self, a: &Val, pattern: &PatId, index: &Index) {
        let index = self.e.id(index.0);
        let args = self.text_and_pattern(*a, *pattern, &[index]);
        self.result = self.ask_word(Function::PathCapture, &args);
    }
    fn regex_capture(&mut self, a: &Val, pattern: &PatId, index: &Index) {
        let index = self.e.id(index.0);
        let args = self.text_and_pattern(*a, *pattern, &[index]);
        self.result = self.ask_word(Function::RegexCapture, &args);
    }
    fn path_join(&mut self, parts: &Vals) {
        self.made(Function::PathJoin, parts);
    }

    fn any(&mut self, a: &Val, func: &FuncId, _: &Imm, captured: &Vals) {
        let truth = self.any_element(*a, *func, captured);
        self.gives_truth(truth);
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
        let row = self.unit.module.natives[*native];
        if let Some(truth) = self.text_has_end(row, args) {
            return self.gives_truth(truth);
        }
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
        let args = [self.cx.into(), self.e.id(place.0)];
        self.result = self.ask_word(Function::Answer, &args);
    }
    fn mark(&mut self, site: &SiteId) {
        self.add_mark(site.0);
    }
}
