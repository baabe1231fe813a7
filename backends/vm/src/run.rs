//! Running bytecode: the loop, and what each opcode does.
//!
//! All registers of a decision lie in one block of the decision's arena: a function has its own in front, and a callee's begin
//! behind them, so a call copies its arguments there and goes on. Nothing is allocated from the system.
//!
//! What an instruction means is said once, in `tollgate_ir::semantics`; the handlers here fetch registers and call it.

use tollgate_ir::entities::{ConstId, DataId, FuncId, PatId, PlaceId, SiteId};
use tollgate_ir::operand::{Cc, Fimm, Flag, Imm, Index};
use tollgate_ir::semantics;
use tollgate_runtime::{Cx, Mark, Pattern, Word};

use crate::operand::{
    Asked, Call, Dst, Each, Imm32, List, NativeCall, Reg, Searched, Short, TableIx, Target,
};
use crate::ops::{Handlers, dispatch};
use crate::program::Program;
use crate::search;

/// Bytes by which a decision may grow its arena before it is given up. Texts of a checked program have a
/// bound, so only a forged one gets there.
const MEMORY_MAX: usize = 1 << 30;

/// What one run may take.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    /// `Cx::steps` at which loops stop.
    steps: u64,
    /// Capacity of the arena at which values stop growing.
    memory: usize,
}

impl Budget {
    /// Whether the run took more than it can take if its inputs keep to their types.
    pub(crate) fn exhausted(self, cx: &Cx<'_>) -> bool {
        cx.steps > self.steps || cx.arena.capacity() > self.memory
    }
}

/// Calls a function of a verified program.
pub(crate) fn run<'a>(
    program: &'a Program,
    func: FuncId,
    cx: &mut Cx<'a>,
    args: &[Word<'a>],
) -> &'a Word<'a> {
    let code = &program.funcs[func.0 as usize];
    if let Some(direct) = &code.direct
        && args.len() >= code.params as usize
    {
        return direct.decide(program, cx, args);
    }
    let budget = Budget {
        steps: cx.steps.saturating_add(code.bound),
        memory: cx.arena.capacity().saturating_add(MEMORY_MAX),
    };
    let arena = cx.arena;
    let registers = arena.slots(code.stack.max(code.params) as usize);
    for (register, arg) in registers.iter_mut().zip(args) {
        *register = *arg;
    }
    let word = enter(program, func.0, cx, registers, budget);
    arena.word(word)
}

/// Runs a function whose arguments stand in the first registers.
pub(crate) fn enter<'a>(
    program: &'a Program,
    func: u32,
    cx: &mut Cx<'a>,
    registers: &mut [Word<'a>],
    budget: Budget,
) -> Word<'a> {
    let code = &program.funcs[func as usize];
    let (now, below) = registers.split_at_mut(code.frame as usize);
    let ops = &program.ops[code.ops.start as usize..code.ops.end as usize];
    let mut machine = Machine {
        program,
        consts: program.constants(),
        cx,
        registers: now,
        below,
        budget,
    };
    let (mut pc, mut steps) = (0, 0);
    let result = loop {
        // The verifier saw that the last opcode does not go on behind itself.
        let Some(op) = ops.get(pc) else {
            break Word::None;
        };
        pc += 1;
        if let Some(result) = dispatch(op, &mut machine, &mut pc, &mut steps) {
            break result;
        }
    };
    machine.cx.steps += steps;
    result
}

/// A function at work.
struct Machine<'a, 'm> {
    program: &'a Program,
    consts: &'a [Word<'a>],
    cx: &'m mut Cx<'a>,
    registers: &'m mut [Word<'a>],
    /// The registers of what it calls.
    below: &'m mut [Word<'a>],
    budget: Budget,
}

impl<'a> Machine<'a, '_> {
    #[inline(always)]
    fn read(&self, Reg(register): Reg) -> Word<'a> {
        self.registers[register as usize]
    }

    #[inline(always)]
    fn write(&mut self, Dst(register): Dst, word: Word<'a>) {
        self.registers[register as usize] = word;
    }

    #[inline(always)]
    fn constant(&self, id: ConstId) -> Word<'a> {
        self.consts[id.0 as usize]
    }

    #[inline(always)]
    fn pattern(&self, id: PatId) -> &'a Pattern {
        &self.program.patterns[id.0 as usize]
    }

    /// The words of a list, laid out in the arena.
    fn seq(&self, list: List) -> &'a [Word<'a>] {
        let registers = self.program.list(list);
        let at = |i: usize| self.registers[registers[i] as usize];
        self.cx.arena.seq_with(registers.len(), at)
    }

    /// Copies registers to where a callee has its parameters, from parameter `first` on.
    fn pass(&mut self, first: usize, registers: &[u32]) {
        let below = self.below.get_mut(first..).unwrap_or_default();
        for (to, from) in below.iter_mut().zip(registers) {
            *to = self.registers[*from as usize];
        }
    }

    fn enter(&mut self, func: u32) -> Word<'a> {
        enter(self.program, func, self.cx, self.below, self.budget)
    }

    /// Decides by an index.
    fn decide(&mut self, searched: Searched) -> Word<'a> {
        let (program, arena) = (self.program, self.cx.arena);
        let (index, args) = program.given(searched, self.registers, arena);
        // What it calls has its registers where everything that this function calls has them: no more are needed.
        search::decide(program, self.cx, index, args, self.below, (0, self.budget))
    }

    /// Whether the run took more than it can take if its inputs keep to their types.
    fn exhausted(&self) -> bool {
        self.budget.exhausted(self.cx)
    }
}

/// Where a branch goes if its test does not hold.
#[inline(always)]
fn unless(holds: bool, to: Target) -> Option<Target> {
    if holds { None } else { Some(to) }
}

/// Handlers that get registers, call one function, and set a register.
macro_rules! simple {
    ($($mnemonic:ident($($reg:ident),*): $make:ident($get:ident), $meaning:path;)*) => {$(
        #[inline(always)]
        fn $mnemonic(&mut self, dst: Dst, $($reg: Reg),*) {
            let word = Word::$make($meaning($(self.read($reg).$get()),*));
            self.write(dst, word);
        }
    )*};
}

impl<'a> Handlers<'a> for Machine<'a, '_> {
    fn iconst(&mut self, dst: Dst, imm: Imm) {
        self.write(dst, Word::Int(imm.0));
    }
    fn fconst(&mut self, dst: Dst, imm: Fimm) {
        self.write(dst, Word::Float(imm.get()));
    }
    fn bconst(&mut self, dst: Dst, imm: Flag) {
        self.write(dst, Word::Bool(imm.0));
    }
    fn konst(&mut self, dst: Dst, value: ConstId) {
        self.write(dst, self.constant(value));
    }
    fn data(&mut self, dst: Dst, data: DataId) {
        let word = self.cx.data.get(data.0 as usize).copied();
        self.write(dst, word.unwrap_or(Word::None));
    }
    fn decision_id(&mut self, dst: Dst) {
        self.write(dst, Word::Str(self.cx.id));
    }
    fn decision_time(&mut self, dst: Dst) {
        self.write(dst, Word::Int(self.cx.time));
    }

    simple! {
        iadd(a, b): Int(int), i64::wrapping_add;
        isub(a, b): Int(int), i64::wrapping_sub;
        imul(a, b): Int(int), i64::wrapping_mul;
        ineg(a): Int(int), i64::wrapping_neg;
        idiv(a, b): Int(int), semantics::idiv;
        imod(a, b): Int(int), semantics::imod;
        iadd_sat(a, b): Int(int), i64::saturating_add;
        isub_sat(a, b): Int(int), i64::saturating_sub;
        imul_sat(a, b): Int(int), i64::saturating_mul;
        imin(a, b): Int(int), i64::min;
        imax(a, b): Int(int), i64::max;
        iabs(a): Int(int), i64::saturating_abs;
        pmul(a, b): Int(int), semantics::pmul;
        pdiv(a, b): Int(int), semantics::pdiv;
        pround(a): Int(int), semantics::pround;
        fadd(a, b): Float(float), semantics::fadd;
        fsub(a, b): Float(float), semantics::fsub;
        fmul(a, b): Float(float), semantics::fmul;
        fdiv(a, b): Float(float), semantics::fdiv;
        fneg(a): Float(float), semantics::fneg;
        int_to_float(a): Float(int), semantics::int_to_float;
    }

    fn icmp(&mut self, cc: Cc, dst: Dst, a: Reg, b: Reg) {
        let holds = semantics::icmp(cc, self.read(a).int(), self.read(b).int());
        self.write(dst, Word::Bool(holds));
    }
    fn iadd_imm(&mut self, dst: Dst, a: Reg, imm: Imm32) {
        self.write(
            dst,
            Word::Int(self.read(a).int().wrapping_add(imm.0.into())),
        );
    }
    fn icmp_imm(&mut self, cc: Cc, dst: Dst, a: Reg, imm: Imm32) {
        let holds = semantics::icmp(cc, self.read(a).int(), imm.0.into());
        self.write(dst, Word::Bool(holds));
    }
    fn fcmp(&mut self, cc: Cc, dst: Dst, a: Reg, b: Reg) {
        let holds = semantics::fcmp(cc, self.read(a).float(), self.read(b).float());
        self.write(dst, Word::Bool(holds));
    }
    fn scmp(&mut self, cc: Cc, dst: Dst, a: Reg, b: Reg) {
        let holds = semantics::scmp(cc, self.read(a).str(), self.read(b).str());
        self.write(dst, Word::Bool(holds));
    }
    fn same(&mut self, dst: Dst, a: Reg, b: Reg) {
        self.write(dst, Word::Bool(self.read(a).same(self.read(b))));
    }
    fn bnot(&mut self, dst: Dst, a: Reg) {
        self.write(dst, Word::Bool(!self.read(a).bool()));
    }
    fn band(&mut self, dst: Dst, a: Reg, b: Reg) {
        self.write(dst, Word::Bool(self.read(a).bool() & self.read(b).bool()));
    }
    fn bor(&mut self, dst: Dst, a: Reg, b: Reg) {
        self.write(dst, Word::Bool(self.read(a).bool() | self.read(b).bool()));
    }
    fn select(&mut self, dst: Dst, args: List) {
        let [c, a, b] = self.program.list(args) else {
            return;
        };
        let chosen = if self.read(Reg(*c)).bool() { a } else { b };
        self.write(dst, self.read(Reg(*chosen)));
    }

    fn none(&mut self, dst: Dst) {
        self.write(dst, Word::None);
    }
    fn some(&mut self, dst: Dst, a: Reg) {
        self.write(dst, self.read(a));
    }
    fn is_some(&mut self, dst: Dst, a: Reg) {
        self.write(dst, Word::Bool(!self.read(a).is_none()));
    }
    fn unwrap(&mut self, dst: Dst, a: Reg) {
        self.write(dst, self.read(a));
    }
    fn unwrap_or(&mut self, dst: Dst, a: Reg, b: Reg) {
        let a = self.read(a);
        self.write(dst, if a.is_none() { self.read(b) } else { a });
    }

    fn record(&mut self, dst: Dst, fields: List) {
        self.write(dst, Word::Seq(self.seq(fields)));
    }
    fn field(&mut self, dst: Dst, a: Reg, index: Index) {
        self.write(dst, self.read(a).at(index.0 as usize));
    }
    fn field_field(&mut self, index: Short, dst: Dst, a: Reg, then: Index) {
        let inner = self.read(a).at(index.0.into());
        self.write(dst, inner.at(then.0 as usize));
    }
    fn variant(&mut self, dst: Dst, tag: Index, fields: List) {
        self.write(dst, Word::Variant(tag.0, self.seq(fields)));
    }
    fn tag(&mut self, dst: Dst, a: Reg) {
        self.write(dst, Word::Int(self.read(a).tag().into()));
    }
    fn payload(&mut self, _tag: Short, dst: Dst, a: Reg, index: Index) {
        self.write(dst, self.read(a).at(index.0 as usize));
    }

    fn list(&mut self, dst: Dst, items: List) {
        self.write(dst, Word::Seq(self.seq(items)));
    }
    fn set(&mut self, dst: Dst, items: List) {
        let registers = self.program.list(items);
        let arena = self.cx.arena;
        let words = arena.slots(registers.len());
        for (word, register) in words.iter_mut().zip(registers) {
            *word = self.registers[*register as usize];
        }
        self.write(dst, semantics::set(arena, words));
    }
    fn map(&mut self, dst: Dst, items: List) {
        let map = semantics::map(self.cx.arena, self.seq(items));
        self.write(dst, map);
    }
    fn collect(&mut self, dst: Dst, items: List) {
        let list = semantics::collect(self.cx.arena, self.seq(items));
        self.write(dst, list);
    }
    fn len(&mut self, dst: Dst, a: Reg) {
        self.write(dst, Word::Int(self.read(a).seq().len() as i64));
    }
    fn len_map(&mut self, dst: Dst, a: Reg) {
        self.write(dst, Word::Int((self.read(a).seq().len() / 2) as i64));
    }
    fn get(&mut self, dst: Dst, a: Reg, index: Reg) {
        let word = semantics::get(self.read(a), self.read(index).int());
        self.write(dst, word);
    }
    fn lookup(&mut self, dst: Dst, a: Reg, key: Reg) {
        let word = self.read(a).map_get(self.read(key));
        self.write(dst, word);
    }
    fn list_has(&mut self, dst: Dst, a: Reg, item: Reg) {
        let has = self.read(a).list_has(self.read(item));
        self.write(dst, Word::Bool(has));
    }
    fn set_has(&mut self, dst: Dst, a: Reg, item: Reg) {
        let has = self.read(a).set_has(self.read(item));
        self.write(dst, Word::Bool(has));
    }

    fn cidr_has(&mut self, dst: Dst, a: Reg, ip: Reg) {
        let has = self.read(a).cidr().has(self.read(ip).ip());
        self.write(dst, Word::Bool(has));
    }
    fn cidrs_have(&mut self, dst: Dst, a: Reg, ip: Reg) {
        let has = semantics::cidrs_have(self.read(a), self.read(ip).ip());
        self.write(dst, Word::Bool(has));
    }
    fn matches(&mut self, dst: Dst, a: Reg, pattern: PatId) {
        let holds = semantics::matches(self.pattern(pattern), self.read(a).str());
        self.write(dst, Word::Bool(holds));
    }
    fn path_capture(&mut self, index: Short, dst: Dst, a: Reg, pattern: PatId) {
        let text =
            semantics::path_capture(self.pattern(pattern), self.read(a).str(), index.0.into());
        self.write(dst, Word::Str(text));
    }
    fn regex_capture(&mut self, index: Short, dst: Dst, a: Reg, pattern: PatId) {
        let word =
            semantics::regex_capture(self.pattern(pattern), self.read(a).str(), index.0.into());
        self.write(dst, word);
    }
    fn path_join(&mut self, dst: Dst, parts: List) {
        let word = if self.exhausted() {
            Word::None
        } else {
            semantics::path_join(self.cx.arena, self.seq(parts))
        };
        self.write(dst, word);
    }

    fn any(&mut self, dst: Dst, a: Reg, each: Each) {
        let (func, _, captured) = self.program.each(each);
        let marks = self.cx.marks.len();
        let mut found = false;
        for item in self.read(a).seq() {
            self.below[0] = *item;
            self.pass(1, captured);
            found = self.enter(func).bool();
            if found || self.exhausted() {
                break;
            }
        }
        self.cx.marks.truncate(marks);
        self.write(dst, Word::Bool(found));
    }
    fn fold(&mut self, dst: Dst, a: Reg, each: Each) {
        let (func, _, [init, captured @ ..]) = self.program.each(each) else {
            return;
        };
        let marks = self.cx.marks.len();
        let mut accumulator = self.read(Reg(*init));
        for item in self.read(a).seq() {
            self.below[0] = accumulator;
            self.below[1] = *item;
            self.pass(2, captured);
            accumulator = self.enter(func);
            if self.exhausted() {
                break;
            }
        }
        self.cx.marks.truncate(marks);
        self.write(dst, accumulator);
    }
    fn call(&mut self, dst: Dst, call: Call) {
        let marks = self.cx.marks.len();
        self.call_marked(dst, call);
        self.cx.marks.truncate(marks);
    }
    fn call_marked(&mut self, dst: Dst, call: Call) {
        let (func, args) = self.program.call(call);
        self.pass(0, args);
        let word = self.enter(func);
        self.write(dst, word);
    }
    fn native(&mut self, dst: Dst, call: NativeCall) {
        let (native, args) = self.program.native_call(call);
        let native = self.program.natives[native as usize];
        self.pass(0, args);
        self.cx.steps += u64::from(native.cost);
        let word = if self.exhausted() {
            Word::None
        } else {
            (native.call)(self.cx, &self.below[..args.len()])
        };
        self.write(dst, word);
    }
    fn search(&mut self, dst: Dst, searched: Searched) {
        let marks = self.cx.marks.len();
        self.search_marked(dst, searched);
        self.cx.marks.truncate(marks);
    }
    fn search_marked(&mut self, dst: Dst, searched: Searched) {
        let word = self.decide(searched);
        self.write(dst, word);
    }
    fn ask(&mut self, dst: Dst, asked: Asked) {
        let (place, args) = self.program.asked(asked);
        self.pass(0, args);
        let to = &mut self.registers[dst.0 as usize];
        match self.budget.exhausted(self.cx) {
            true => *to = Word::None,
            false => self.cx.put(place, &self.below[..args.len()], to),
        }
    }
    fn answer(&mut self, dst: Dst, place: PlaceId) {
        self.write(dst, self.cx.answer(place.0));
    }
    fn mark(&mut self, site: SiteId) {
        self.cx.marks.push(Mark(site.0));
    }

    fn mov(&mut self, dst: Dst, a: Reg) {
        self.write(dst, self.read(a));
    }
    fn goto(&mut self, to: Target) -> Target {
        to
    }
    fn jump(&mut self, to: Target) -> Target {
        to
    }
    fn mov_jump(&mut self, dst: Dst, a: Reg, to: Target) -> Target {
        self.write(dst, self.read(a));
        to
    }
    fn switch(&mut self, a: Reg, table: TableIx) -> Target {
        self.program.tables[table.0 as usize].find(self.read(a).int())
    }
    fn switch_tag(&mut self, a: Reg, table: TableIx) -> Target {
        self.program.tables[table.0 as usize].find(self.read(a).tag().into())
    }
    fn ret(&mut self, a: Reg) -> Word<'a> {
        self.read(a)
    }

    fn br(&mut self, want: Flag, a: Reg, to: Target) -> Option<Target> {
        unless(self.read(a).bool() == want.0, to)
    }
    fn br_not(&mut self, want: Flag, a: Reg, to: Target) -> Option<Target> {
        unless(self.read(a).bool() != want.0, to)
    }
    fn br_icmp(&mut self, cc: Cc, a: Reg, b: Reg, to: Target) -> Option<Target> {
        let holds = semantics::icmp(cc, self.read(a).int(), self.read(b).int());
        unless(holds, to)
    }
    fn br_icmp_imm(&mut self, cc: Cc, a: Reg, imm: Imm32, to: Target) -> Option<Target> {
        unless(semantics::icmp(cc, self.read(a).int(), imm.0.into()), to)
    }
    fn br_field_imm(
        &mut self,
        cc: Cc,
        index: Short,
        a: Reg,
        imm: Imm32,
        to: Target,
    ) -> Option<Target> {
        let field = self.read(a).at(index.0.into());
        unless(semantics::icmp(cc, field.int(), imm.0.into()), to)
    }
    fn br_tag(&mut self, cc: Cc, a: Reg, imm: Imm32, to: Target) -> Option<Target> {
        let tag = self.read(a).tag();
        unless(semantics::icmp(cc, tag.into(), imm.0.into()), to)
    }
    fn br_scmp(&mut self, cc: Cc, a: Reg, b: Reg, to: Target) -> Option<Target> {
        let holds = semantics::scmp(cc, self.read(a).str(), self.read(b).str());
        unless(holds, to)
    }
    fn br_scmp_const(&mut self, cc: Cc, a: Reg, value: ConstId, to: Target) -> Option<Target> {
        let holds = semantics::scmp(cc, self.read(a).str(), self.constant(value).str());
        unless(holds, to)
    }
    fn br_field_scmp(
        &mut self,
        cc: Cc,
        index: Short,
        a: Reg,
        value: ConstId,
        to: Target,
    ) -> Option<Target> {
        let field = self.read(a).at(index.0.into());
        unless(
            semantics::scmp(cc, field.str(), self.constant(value).str()),
            to,
        )
    }
    fn br_same(&mut self, want: Flag, a: Reg, b: Reg, to: Target) -> Option<Target> {
        unless(self.read(a).same(self.read(b)) == want.0, to)
    }
    fn br_same_const(&mut self, want: Flag, a: Reg, value: ConstId, to: Target) -> Option<Target> {
        unless(self.read(a).same(self.constant(value)) == want.0, to)
    }
    fn br_is_some(&mut self, want: Flag, a: Reg, to: Target) -> Option<Target> {
        unless(self.read(a).is_none() != want.0, to)
    }
    fn br_matches(&mut self, want: Flag, a: Reg, pattern: PatId, to: Target) -> Option<Target> {
        let holds = semantics::matches(self.pattern(pattern), self.read(a).str());
        unless(holds == want.0, to)
    }
    fn br_set_has(&mut self, want: Flag, a: Reg, item: Reg, to: Target) -> Option<Target> {
        unless(self.read(a).set_has(self.read(item)) == want.0, to)
    }
    fn br_const_has(
        &mut self,
        want: Flag,
        value: ConstId,
        item: Reg,
        to: Target,
    ) -> Option<Target> {
        unless(self.constant(value).set_has(self.read(item)) == want.0, to)
    }
    fn br_const_cidrs(
        &mut self,
        want: Flag,
        value: ConstId,
        ip: Reg,
        to: Target,
    ) -> Option<Target> {
        let has = semantics::cidrs_have(self.constant(value), self.read(ip).ip());
        unless(has == want.0, to)
    }
}
