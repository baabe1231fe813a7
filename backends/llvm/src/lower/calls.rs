//! Calls: of the runtime, of compiled functions, once and once an element.

use inkwell::IntPredicate;
use inkwell::basic_block::BasicBlock;
use inkwell::values::{BasicMetadataValueEnum, PhiValue, PointerValue};
use tollgate_ir::entities::{FuncId, Val};
use tollgate_native_abi::layout::{DANGLING, ON_STACK_MAX, WORD};
use tollgate_native_abi::{Context, Form, Function, Kind, Repr};

use super::words::Parts;
use super::{Lower, name, param};
use crate::emit::{Memory, Register, Truth};

impl<'c> Lower<'_, 'c> {
    /// Calls a function of the runtime.
    pub(super) fn call_runtime(
        &mut self,
        function: Function,
        args: &[Register<'c>],
    ) -> Option<Register<'c>> {
        let table = self.place_of_context(Context::FUNCTIONS);
        let offset = function.offset().into();
        let to = self.e.load(Kind::Pointer, table, offset, Memory::Fixed);
        if self.unit.manner.named {
            name(to, function.name());
        }
        let args: Vec<BasicMetadataValueEnum<'c>> = args.iter().map(|a| (*a).into()).collect();
        let ty = self.unit.facts.runtime_type(function);
        let call = self.e.call_at(ty, to.into_pointer_value(), &args);
        self.unit.facts.of_runtime(function, call);
        call.try_as_basic_value().basic()
    }

    /// Calls a function of the runtime that gives something.
    pub(super) fn ask(&mut self, function: Function, args: &[Register<'c>]) -> Register<'c> {
        let given = self.call_runtime(function, args);
        given.unwrap_or_else(|| tollgate_ir::bug!("`{}` gives nothing", function.name()))
    }

    /// Calls a function of the runtime that leaves a word as its last argument says, and reads it, unless it was left where the result of
    /// the function belongs.
    pub(super) fn ask_word(&mut self, function: Function, args: &[Register<'c>]) -> Parts<'c> {
        if self.gives_back {
            let out = param(self.whole, 2);
            self.call_runtime(function, &[args, &[out]].concat());
            return Parts::default();
        }
        let out = self.out();
        let args = [args, &[out.into()]].concat();
        self.call_runtime(function, &args);
        self.read(Memory::Plain, out, 0, self.held)
    }

    /// Lays values out as words, for a call that follows at once.
    pub(super) fn lay_out(&mut self, vals: &[Val]) -> (PointerValue<'c>, Register<'c>) {
        let len = self.e.int(vals.len() as i64);
        let at = match vals.len() {
            0 => self.nowhere(),
            1..=ON_STACK_MAX => self.args(vals.len() as u32),
            _ => self.room(vals.len()),
        };
        self.write_all(at, vals);
        (at, len)
    }

    /// The arguments of a call that writes nothing there: those of the function itself if it hands them on as they came.
    pub(super) fn hand_on(&mut self, vals: &[Val]) -> (PointerValue<'c>, Register<'c>) {
        let words = self.form == Form::Entry && self.piece.is_none();
        match words && vals == self.func.params() {
            true => {
                let args = param(self.whole, 1).into_pointer_value();
                (args, self.e.int(vals.len() as i64))
            }
            false => self.lay_out(vals),
        }
    }

    /// Lays values out as words that stay: a record, or a list.
    pub(super) fn keep(&mut self, vals: &[Val]) -> PointerValue<'c> {
        if vals.is_empty() {
            return self.nowhere();
        }
        let at = self.room(vals.len());
        self.write_all(at, vals);
        at
    }

    fn write_all(&mut self, at: PointerValue<'c>, vals: &[Val]) {
        for (i, val) in vals.iter().enumerate() {
            let (parts, repr) = (self.parts(*val), self.repr(*val));
            self.write(at, (i * WORD) as i64, &parts, repr);
        }
    }

    /// Room for so many words in the arena.
    pub(super) fn room(&mut self, words: usize) -> PointerValue<'c> {
        let len = self.e.int(words as i64);
        let room = self.ask(Function::Words, &[self.cx.into(), len]);
        room.into_pointer_value()
    }

    fn nowhere(&self) -> PointerValue<'c> {
        let nowhere = self.e.number(Kind::Pointer, DANGLING);
        nowhere.into_pointer_value()
    }

    /// Calls a compiled function and forgets its marks.
    pub(super) fn call_quietly(&mut self, func: FuncId, args: &[Parts<'c>]) -> Parts<'c> {
        self.quietly(func, |lower| lower.call_compiled(func, args))
    }

    /// Calls a compiled function.
    pub(super) fn call_compiled(&mut self, func: FuncId, args: &[Parts<'c>]) -> Parts<'c> {
        let callee = self.unit.forms[func];
        let callee = callee.unwrap_or_else(|| tollgate_ir::bug!("{func} has no form to call"));
        let args = args.iter().flat_map(|parts| parts.all());
        let args = args.map(|part| BasicMetadataValueEnum::from(*part));
        let all: Vec<_> = [self.cx.into()].into_iter().chain(args).collect();
        let call = self.e.call(callee, &all);
        let repr = self.unit.repr(self.unit.module.funcs[func].result);
        let given = call.try_as_basic_value().basic();
        let given = given.unwrap_or_else(|| tollgate_ir::bug!("{func} gives nothing"));
        Parts::new(self.e.taken_apart(given, repr.count()))
    }

    /// Whether a function holds for some element of a sequence.
    pub(super) fn any_element(&mut self, of: Val, func: FuncId, captured: &[Val]) -> Truth<'c> {
        let captured: Vec<Parts<'c>> = captured.iter().map(|v| self.parts(*v)).collect();
        let (from, end) = self.words_of(of);
        self.quietly(func, |l| {
            let begin = l.e.here();
            let (head, body, next) = (l.block("any"), l.block("element"), l.block("next"));
            let done = l.block("asked");
            l.e.jump(head);
            l.e.go_to(head);
            let (place, at) = l.at_word(from, begin);
            let ended = l.e.equal_places(at, end);
            l.e.branch(ended, done, body);
            l.e.go_to(body);
            let element = l.element(at, func, 0);
            let args = [&[element], &captured[..]].concat();
            let answer = l.call_compiled(func, &args).all()[0];
            let (holds, asked) = (l.e.holds(answer), l.e.here());
            l.e.branch(holds, done, next);
            l.e.go_to(next);
            l.go_on(place, at, head);
            l.e.go_to(done);
            let (yes, no) = (l.e.truth(true), l.e.truth(false));
            l.e.either_way(&[(no, head), (yes, asked)])
        })
    }

    /// Folds a function over the elements of a sequence.
    pub(super) fn fold_elements(
        &mut self,
        of: Val,
        init: Val,
        func: FuncId,
        captured: &[Val],
    ) -> Parts<'c> {
        let captured: Vec<Parts<'c>> = captured.iter().map(|v| self.parts(*v)).collect();
        let (from, end) = self.words_of(of);
        let (init, kinds) = (self.parts(init), self.repr(init).kinds());
        self.quietly(func, |l| {
            let begin = l.e.here();
            let (head, body, done) = (l.block("fold"), l.block("element"), l.block("folded"));
            l.e.jump(head);
            l.e.go_to(head);
            let (place, at) = l.at_word(from, begin);
            let folded: Vec<PhiValue<'c>> = kinds.map(|kind| l.e.phi(kind)).collect();
            let so_far = folded.iter().map(|phi| phi.as_basic_value()).collect();
            let so_far = Parts::new(so_far);
            let ended = l.e.equal_places(at, end);
            l.e.branch(ended, done, body);
            l.e.go_to(body);
            let element = l.element(at, func, 1);
            let args = [&[so_far.clone(), element], &captured[..]].concat();
            let next = l.call_compiled(func, &args);
            for (phi, (init, next)) in folded.iter().zip(init.all().iter().zip(next.all())) {
                phi.add_incoming(&[(init, begin), (next, l.e.here())]);
            }
            l.go_on(place, at, head);
            l.e.go_to(done);
            so_far
        })
    }

    /// Adds a mark: stored where there is room.
    pub(super) fn add_mark(&mut self, site: u32) {
        let (len, site) = (self.marks_len(), self.e.id(site));
        let room = self.plain(Kind::Int, Context::MARKS_CAPACITY);
        let (fast, slow, done) = (self.block("room"), self.block("full"), self.block("marked"));
        let full = self.e.equal(len, room);
        self.e.branch_weighted(full, (slow, 1), (fast, 1000));
        self.e.go_to(slow);
        self.call_runtime(Function::Mark, &[self.cx.into(), site]);
        self.e.jump(done);
        self.e.go_to(fast);
        let marks = self
            .plain(Kind::Pointer, Context::MARKS)
            .into_pointer_value();
        let distance = self.e.mul(len, self.e.int(4));
        self.e
            .store(Kind::Id, site, self.e.behind(marks, distance), 0);
        self.set_marks_len(self.e.add(len, self.e.int(1)));
        self.e.jump(done);
        self.e.go_to(done);
    }

    /// Does what calls a function, and forgets the marks that are made meanwhile.
    fn quietly<T>(&mut self, func: FuncId, call: impl FnOnce(&mut Self) -> T) -> T {
        if !self.unit.plan.marks(func) {
            return call(self);
        }
        let before = self.marks_len();
        let given = call(self);
        self.set_marks_len(before);
        given
    }

    fn marks_len(&self) -> Register<'c> {
        self.plain(Kind::Int, Context::MARKS_LEN)
    }

    fn set_marks_len(&self, len: Register<'c>) {
        self.e
            .store(Kind::Int, len, self.cx, Context::MARKS_LEN.into());
    }

    /// A field of the context that changes.
    fn plain(&self, kind: Kind, offset: i32) -> Register<'c> {
        self.e.load(kind, self.cx, offset.into(), Memory::Plain)
    }

    /// The first word of a sequence, and where its words end.
    fn words_of(&mut self, of: Val) -> (PointerValue<'c>, PointerValue<'c>) {
        let (from, len) = self.two(of);
        let from = from.into_pointer_value();
        let bytes = self.e.mul(len, self.e.int(WORD as i64));
        (from, self.e.behind(from, bytes))
    }

    /// Where a loop is, at the head of it.
    fn at_word(
        &self,
        from: PointerValue<'c>,
        begin: BasicBlock<'c>,
    ) -> (PhiValue<'c>, PointerValue<'c>) {
        let place = self.e.phi(Kind::Pointer);
        place.add_incoming(&[(&from, begin)]);
        (place, place.as_basic_value().into_pointer_value())
    }

    /// Goes to the next word, and back to the head.
    fn go_on(&self, place: PhiValue<'c>, at: PointerValue<'c>, head: BasicBlock<'c>) {
        let next = self.e.at(at, WORD as i64);
        place.add_incoming(&[(&next, self.e.here())]);
        self.e.jump(head);
    }

    /// The element that a word holds, as the parameter of a function that takes it.
    fn element(&self, at: PointerValue<'c>, func: FuncId, param: usize) -> Parts<'c> {
        let callee = &self.unit.module.funcs[func];
        let ty = callee.ty(callee.params()[param]);
        self.read(Memory::Plain, at, 0, self.unit.repr(ty))
    }

    /// An element of a sequence; the zero of the type past its end.
    pub(super) fn read_element(
        &mut self,
        (at, len): (Register<'c>, Register<'c>),
        index: Register<'c>,
        repr: Repr,
    ) -> Parts<'c> {
        let before = self.e.here();
        let (there, done) = (self.block("there"), self.block("read"));
        let zero = self.zero(repr);
        let inside = self.e.compare(IntPredicate::ULT, index, len);
        self.e.branch(inside, there, done);
        self.e.go_to(there);
        let distance = self.e.mul(index, self.e.int(WORD as i64));
        let place = self.e.behind(at.into_pointer_value(), distance);
        let read = self.read(Memory::Plain, place, 0, repr);
        self.e.jump(done);
        self.e.go_to(done);
        let parts = read.all().iter().zip(zero.all()).zip(repr.kinds());
        let parts = parts.map(|((read, zero), kind)| {
            let phi = self.e.phi(kind);
            phi.add_incoming(&[(read, there), (zero, before)]);
            phi.as_basic_value()
        });
        Parts::new(parts.collect())
    }
}
