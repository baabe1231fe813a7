//! From IR to LLVM's: one function.
//!
//! Both are SSA, so a block becomes a block, its parameters become phis, and a value becomes the parts that its type has in
//! registers. What the calls of a function need on the stack are two places, used by one call at a time: its arguments as words, and its
//! result.

mod calls;
mod compare;
mod inst;
mod lines;
mod pieces;
mod words;

use inkwell::basic_block::BasicBlock;
use inkwell::debug_info::DISubprogram;
use inkwell::module::{Linkage, Module as Code};
use inkwell::values::{BasicValueEnum, FunctionValue, IntValue, PhiValue, PointerValue};
use tollgate_ir::Legalized;
use tollgate_ir::entities::{Block, FuncId, IndexVec, SiteId, Val};
use tollgate_ir::instructions::{Inst, Opcode};
use tollgate_ir::module::{Func, Jump, Terminator};
use tollgate_ir::types::Type;
use tollgate_native_abi::layout::WORD;
use tollgate_native_abi::{Form, Kind, Plan, Repr};

use self::pieces::Cut;
use self::words::{Parts, names};
use crate::debug::Debug;
use crate::emit::{Emit, Memory, Register, Types};
use crate::facts::{Facts, Intrinsic};
use crate::machine::Machine;
use crate::weights::Weights;

/// A program being compiled: what every function of it needs.
pub(crate) struct Unit<'m, 'c> {
    pub(crate) module: &'m Legalized,
    pub(crate) code: &'m Code<'c>,
    pub(crate) plan: Plan,
    pub(crate) facts: Facts<'c>,
    types: Types<'c>,
    manner: Manner<'m, 'c>,
    /// The entry of each function that is entered.
    pub(crate) entries: IndexVec<FuncId, Option<FunctionValue<'c>>>,
    /// The form of each function that compiled code calls, where there is one.
    pub(crate) forms: IndexVec<FuncId, Option<FunctionValue<'c>>>,
}

/// How a program is translated.
pub(crate) struct Manner<'m, 'c> {
    /// How large pieces are; see [`crate::Llvm`].
    pub(crate) piece: usize,
    /// Whether values and blocks get names, for people.
    pub(crate) named: bool,
    /// Where code comes from, if that is to be told.
    pub(crate) debug: Option<&'m Debug<'m, 'c>>,
    /// How likely rules are to decide.
    pub(crate) weights: Weights,
}

impl<'m, 'c> Unit<'m, 'c> {
    /// Declares every function of a module.
    pub(crate) fn new(
        module: &'m Legalized,
        code: &'m Code<'c>,
        types: Types<'c>,
        machine: &Machine,
        manner: Manner<'m, 'c>,
    ) -> Unit<'m, 'c> {
        let mut unit = Unit {
            module,
            code,
            plan: Plan::new(module),
            facts: Facts::new(types, machine),
            types,
            manner,
            entries: IndexVec::with_capacity(module.funcs.len()),
            forms: IndexVec::with_capacity(module.funcs.len()),
        };
        // Code lies in memory in this order, so all of a function lies between where it begins and where the next does.
        for (id, func) in module.funcs.iter() {
            let entry = unit.plan.is_entered(id).then(|| {
                let ty = unit.facts.entry_type();
                let entry = code.add_function(&symbol(func, "entry"), ty, None);
                unit.facts.of_entry(entry);
                entry
            });
            unit.entries.push(entry);
            let form = unit.plan.is_called(id).then(|| unit.declare_form(func));
            unit.forms.push(form);
        }
        unit
    }

    fn declare_form(&self, func: &Func) -> FunctionValue<'c> {
        let params = func.params().iter();
        let params: Vec<Kind> = params
            .flat_map(|v| self.repr(func.ty(*v)).kinds())
            .collect();
        let result: Vec<Kind> = self.repr(func.result).kinds().collect();
        let ty = self.facts.form_type(&params, &result);
        let name = symbol(func, "registers");
        let form = self.code.add_function(&name, ty, Some(Linkage::Internal));
        self.facts.of_form(form);
        form
    }

    /// Makes every form of a function. Linear in it.
    pub(crate) fn lower(&self, id: FuncId) {
        let (form, entry) = (self.forms[id], self.entries[id]);
        if let Some(form) = form {
            Lower::new(self, id, Form::Registers, form).run();
        }
        if let Some(entry) = entry {
            match form {
                Some(_) => Lower::new(self, id, Form::Wrapper, entry).wrapper(id),
                None => Lower::new(self, id, Form::Entry, entry).run(),
            }
        }
    }

    pub(crate) fn repr(&self, ty: Type) -> Repr {
        Repr::new(&self.module.types, ty)
    }

    /// The first two blocks of a function.
    fn begin(&self, function: FunctionValue<'c>) -> (BasicBlock<'c>, BasicBlock<'c>) {
        let block = |name| {
            let name = self.label(format_args!("{name}"));
            self.types.llvm().append_basic_block(function, &name)
        };
        (block("stack"), block("start"))
    }

    /// A name, where there are any.
    fn label(&self, name: std::fmt::Arguments<'_>) -> String {
        match self.manner.named {
            true => name.to_string(),
            false => String::new(),
        }
    }

    fn intrinsic(
        &self,
        e: &Emit<'c>,
        intrinsic: Intrinsic,
        a: Register<'c>,
        b: Register<'c>,
    ) -> Register<'c> {
        intrinsic.call(self.code, e, a, b)
    }
}

/// A function being made.
struct Lower<'l, 'c> {
    unit: &'l Unit<'l, 'c>,
    id: FuncId,
    func: &'l Func,
    form: Form,
    /// What debuggers are told of the function that is being made.
    scope: Option<DISubprogram<'c>>,
    /// The function itself, of which pieces may be cut.
    whole: FunctionValue<'c>,
    cut: Cut,
    e: Emit<'c>,
    /// The context.
    cx: PointerValue<'c>,
    /// Where room on the stack is made, and what follows it.
    top: BasicBlock<'c>,
    start: BasicBlock<'c>,
    /// Its pieces, if it is cut.
    pieces: Vec<FunctionValue<'c>>,
    /// The piece that is being made, and its frame, if the function is cut.
    piece: Option<(usize, PointerValue<'c>)>,
    /// What each stretch became, as far as it is made.
    places: Vec<Option<Place<'c>>>,
    vals: IndexVec<Val, Parts<'c>>,
    /// How the result of the instruction being made is held, if it has one.
    held: Repr,
    /// The result of the instruction that was made last.
    result: Parts<'c>,
    /// Whether the function gives what the instruction gives: a word may be left where the result belongs, and no parts are made of it.
    gives_back: bool,
    /// Where arguments of calls are laid out as words, and for how many there is room.
    args: Option<(PointerValue<'c>, u32)>,
    /// Where calls leave a word.
    out: Option<PointerValue<'c>>,
}

/// What a stretch became: a block, and a phi for each part of its parameters.
#[derive(Clone)]
struct Place<'c> {
    block: BasicBlock<'c>,
    phis: Vec<PhiValue<'c>>,
}

impl<'l, 'c> Lower<'l, 'c> {
    fn new(
        unit: &'l Unit<'l, 'c>,
        id: FuncId,
        form: Form,
        whole: FunctionValue<'c>,
    ) -> Lower<'l, 'c> {
        let func = &unit.module.funcs[id];
        let repr = |val| unit.repr(func.ty(val));
        let cut = match form {
            Form::Entry | Form::Registers => {
                Cut::new(func, &repr, unit.repr(func.result), unit.manner.piece)
            }
            Form::Wrapper => Cut::default(),
        };
        let (top, start) = unit.begin(whole);
        let mut lower = Lower {
            unit,
            id,
            func,
            scope: None,
            form,
            whole,
            e: Emit::new(unit.types, start),
            cx: param(whole, 0).into_pointer_value(),
            top,
            start,
            pieces: Vec::new(),
            piece: None,
            places: cut.stretches.iter().map(|_| None).collect(),
            cut,
            vals: func.vals.keys().map(|_| Parts::default()).collect(),
            held: unit.repr(func.result),
            result: Parts::default(),
            gives_back: false,
            args: None,
            out: None,
        };
        lower.comes_from(whole);
        lower
    }

    fn run(mut self) {
        self.params();
        if self.cut.is_whole() {
            // The first stretch goes on where the parameters were taken apart.
            self.places[0] = Some(Place {
                block: self.start,
                phis: Vec::new(),
            });
            self.stretches(0);
            self.finish();
            return;
        }
        let pieces = 0..self.cut.pieces.len();
        self.pieces = pieces.clone().map(|i| self.declare_piece(i)).collect();
        self.enter_pieces();
        self.finish();
        pieces.for_each(|piece| self.piece(piece));
    }

    /// Takes the words apart, calls the form with registers, and puts its result together.
    fn wrapper(mut self, id: FuncId) {
        self.params();
        let params = self.func.params().iter();
        let args: Vec<Parts<'c>> = params.map(|v| self.vals[*v].clone()).collect();
        let result = self.call_compiled(id, &args);
        self.give(&result);
        self.finish();
    }

    fn finish(&self) {
        self.e.go_to(self.top);
        self.e.jump(self.start);
    }

    /// The parts of the parameters: those of the signature, or read from words.
    fn params(&mut self) {
        let mut next = 1;
        for (i, val) in self.func.params().iter().enumerate() {
            let repr = self.repr(*val);
            let parts = match self.form {
                Form::Registers => {
                    let parts = (next..).take(repr.count());
                    next += repr.count() as u32;
                    Parts::new(parts.map(|part| param(self.whole, part)).collect())
                }
                Form::Entry | Form::Wrapper => {
                    let args = param(self.whole, 1).into_pointer_value();
                    self.read(Memory::Fixed, args, (i * WORD) as i64, repr)
                }
            };
            self.name(*val, &parts);
            self.vals[*val] = parts;
        }
    }

    /// Makes the stretches of a piece.
    fn stretches(&mut self, piece: usize) {
        let stretches = self.cut.pieces[piece].clone();
        for i in stretches.clone() {
            if self.places[i].is_none() {
                self.places[i] = Some(self.declare_stretch(i));
            }
        }
        for i in stretches {
            self.e.go_to(self.place(i).block);
            self.stretch(i);
        }
    }

    /// Makes the instructions of a stretch, and how it ends.
    fn stretch(&mut self, i: usize) {
        let stretch = &self.cut.stretches[i];
        let (block, ends) = (stretch.block, stretch.ends);
        self.stands_at(Some(block));
        let data = &self.func.blocks[block];
        let last = data.insts.last();
        if stretch.insts.start == 0 && stretch.door.is_none() {
            // Parameters that come by branches of this piece may be looked for in others.
            for param in &data.params {
                let parts = self.vals[*param].clone();
                self.keep_for_others(*param, &parts);
            }
        }
        for inst in &data.insts[stretch.insts.clone()] {
            let of = &self.func.insts[*inst];
            let returned = matches!(data.term, Terminator::Return(val) if of.result == Some(val));
            let words = self.form == Form::Entry && self.piece.is_none();
            self.gives_back = words && returned && last == Some(inst);
            if let Some(result) = of.result {
                self.held = self.repr(result);
            }
            self.result = Parts::default();
            of.inst.visit(self);
            match of.result {
                // It was left where the result belongs.
                Some(_) if self.gives_back && self.result.all().is_empty() => {
                    return self.e.give(None);
                }
                Some(result) => {
                    let parts = std::mem::take(&mut self.result);
                    self.name(result, &parts);
                    self.keep_for_others(result, &parts);
                    self.vals[result] = parts;
                }
                None => {}
            }
        }
        match ends {
            true => self.terminator(&data.term),
            false => self.go_to_piece(i + 1),
        }
    }

    /// A block for a stretch, with phis for the parameters that come by branches of its piece.
    fn declare_stretch(&mut self, i: usize) -> Place<'c> {
        let stretch = &self.cut.stretches[i];
        let (data, begins) = (&self.func.blocks[stretch.block], stretch.insts.start == 0);
        let name = self.unit.label(format_args!("{}", stretch.block));
        let block = self.append(&name);
        let mut phis = Vec::new();
        if begins && stretch.door.is_none() {
            self.e.go_to(block);
            for param in &data.params {
                let parts: Vec<_> = self.repr(*param).kinds().map(|k| self.e.phi(k)).collect();
                let values = parts.iter().map(|phi| phi.as_basic_value()).collect();
                let values = Parts::new(values);
                self.name(*param, &values);
                self.vals[*param] = values;
                phis.extend(parts);
            }
        }
        Place { block, phis }
    }

    fn terminator(&mut self, term: &Terminator) {
        match term {
            Terminator::Jump(jump) => self.jump(jump),
            Terminator::Br(cond, yes, no) => {
                let cond = self.one(*cond);
                let cond = self.e.holds(cond);
                let decides = [yes, no].map(|jump| self.decides(jump.block));
                let (yes, no) = (self.target(yes), self.target(no));
                match decides {
                    [Some(site), None] => {
                        let (does, passes) = self.unit.manner.weights.of(site);
                        self.e.branch_weighted(cond, (yes, does), (no, passes));
                    }
                    [None, Some(site)] => {
                        let (does, passes) = self.unit.manner.weights.of(site);
                        self.e.branch_weighted(cond, (yes, passes), (no, does));
                    }
                    _ => self.e.branch(cond, yes, no),
                }
            }
            Terminator::Switch(on, cases, default) => {
                let on = self.one(*on);
                let cases: Vec<(IntValue<'c>, BasicBlock<'c>)> = cases
                    .iter()
                    .map(|(value, jump)| (self.e.int(*value).into_int_value(), self.target(jump)))
                    .collect();
                let default = self.target(default);
                self.e.switch(on, &cases, default);
            }
            Terminator::Return(val) => {
                let parts = self.parts(*val);
                self.give(&parts);
            }
        }
    }

    /// The site that a block marks first: that of a rule which decides.
    fn decides(&self, block: Block) -> Option<SiteId> {
        let insts = &self.func.blocks[block].insts;
        match self.func.insts[*insts.first()?].inst {
            Inst::Mark { site } => Some(site),
            _ => None,
        }
    }

    /// Where a jump leads: over a block of its own if it hands something on, or leaves the piece.
    fn target(&mut self, jump: &Jump) -> BasicBlock<'c> {
        let to = self.cut.begin(jump.block);
        if jump.args.is_empty() && self.is_here(to) {
            return self.place(to).block;
        }
        let (here, way) = (self.e.here(), self.block("way"));
        self.e.go_to(way);
        self.jump(jump);
        self.e.go_to(here);
        way
    }

    /// Hands values on, and goes.
    fn jump(&mut self, jump: &Jump) {
        let to = self.cut.begin(jump.block);
        let args: Vec<Parts<'c>> = jump.args.iter().map(|v| self.parts(*v)).collect();
        if self.cut.stretches[to].door.is_none() {
            let Place { block, phis } = self.place(to);
            let parts = args.iter().flat_map(|parts| parts.all());
            for (phi, part) in phis.iter().zip(parts) {
                phi.add_incoming(&[(part, self.e.here())]);
            }
            self.e.jump(block);
            return;
        }
        for (param, parts) in self.func.blocks[jump.block].params.iter().zip(&args) {
            self.keep_for_others(*param, parts);
        }
        match self.is_here(to) {
            true => self.e.jump(self.place(to).block),
            false => self.go_to_piece(to),
        }
    }

    /// Returns a value, as the form says; out of a piece, in the frame.
    fn give(&mut self, parts: &Parts<'c>) {
        if let Some((_, frame)) = self.piece {
            let repr = self.unit.repr(self.func.result);
            self.write_frame(frame, 0, parts, repr);
            return self.e.give(None);
        }
        if self.form == Form::Registers {
            let given = self.e.put_together(parts.all());
            return self.e.give(Some(given));
        }
        let out = param(self.whole, 2).into_pointer_value();
        self.write(out, 0, parts, self.unit.repr(self.func.result));
        self.e.give(None);
    }

    fn repr(&self, val: Val) -> Repr {
        self.unit.repr(self.func.ty(val))
    }

    fn parts(&mut self, val: Val) -> Parts<'c> {
        if let Some((piece, frame)) = self.piece
            && let Some(slot) = self.cut.elsewhere(val, piece)
        {
            return self.read_frame(frame, slot, self.repr(val));
        }
        self.vals[val].clone()
    }

    /// The only part of a value, or the first.
    fn one(&mut self, val: Val) -> Register<'c> {
        self.parts(val).all()[0]
    }

    /// The first two parts of a value: pointer and length, or the halves of an address.
    fn two(&mut self, val: Val) -> (Register<'c>, Register<'c>) {
        let parts = self.parts(val);
        (parts.all()[0], parts.all()[1])
    }

    fn is_here(&self, stretch: usize) -> bool {
        self.piece
            .is_none_or(|(piece, _)| piece == self.cut.stretches[stretch].piece)
    }

    fn place(&self, stretch: usize) -> Place<'c> {
        let place = self.places[stretch].clone();
        place.unwrap_or_else(|| tollgate_ir::bug!("a branch leads to what is not made"))
    }

    /// A block at the end of the function that is being made.
    fn append(&self, name: &str) -> BasicBlock<'c> {
        let function = self.start.get_parent();
        let function = function.unwrap_or_else(|| tollgate_ir::bug!("a block without function"));
        self.unit.types.llvm().append_basic_block(function, name)
    }

    /// A block behind the one that is being made.
    fn block(&self, name: &str) -> BasicBlock<'c> {
        self.e.block(if self.unit.manner.named { name } else { "" })
    }

    /// Names the parts of a value as the IR does.
    fn name(&self, val: Val, parts: &Parts<'c>) {
        if !self.unit.manner.named {
            return;
        }
        let several = parts.all().len() > 1;
        for (part, what) in parts.all().iter().zip(names(self.repr(val))) {
            match several {
                true => name(*part, &format!("{val}.{what}")),
                false => name(*part, &val.to_string()),
            }
        }
    }

    /// Room for so many words as arguments of a call.
    fn args(&mut self, words: u32) -> PointerValue<'c> {
        match self.args {
            Some((args, room)) if room >= words => args,
            _ => {
                let room = words.next_power_of_two();
                let args = self.on_stack(room, "args");
                self.args = Some((args, room));
                args
            }
        }
    }

    /// Room for the word that a call leaves.
    fn out(&mut self) -> PointerValue<'c> {
        if let Some(out) = self.out {
            return out;
        }
        let out = self.on_stack(1, "out");
        self.out = Some(out);
        out
    }

    fn on_stack(&mut self, words: u32, name: &str) -> PointerValue<'c> {
        let here = self.e.here();
        self.e.go_to(self.top);
        let room = self.e.room(words, name);
        self.e.go_to(here);
        room
    }

    /// What is a bug here and nowhere else: an instruction that legal IR does not have.
    fn lowered(&self, opcode: Opcode) -> ! {
        tollgate_ir::bug!("legal IR has no `{}`", opcode.mnemonic())
    }

    /// The constant that a value is, if it is one.
    fn constant(&self, val: Val) -> Option<&'l tollgate_runtime::Value> {
        match self.func.def(val)? {
            Inst::Konst { value } => Some(&self.unit.module.consts[*value].value),
            _ => None,
        }
    }
}

/// What a function is called in the code. The dot keeps it apart from every function of a library.
fn symbol(func: &Func, what: &str) -> String {
    format!("{}.{what}", func.name).replace('\0', "?")
}

fn param<'c>(function: FunctionValue<'c>, index: u32) -> BasicValueEnum<'c> {
    let param = function.get_nth_param(index);
    param.unwrap_or_else(|| tollgate_ir::bug!("a function has no parameter {index}"))
}

/// Names a register, unless it has a name. LLVM has none for constants, and ignores this.
fn name(part: Register<'_>, name: &str) {
    if part.get_name().is_empty() {
        part.set_name(name);
    }
}
