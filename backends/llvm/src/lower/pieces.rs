//! Cutting a large function into pieces, each a function of LLVM's of its own.
//!
//! Many of LLVM's passes, register allocation first of all, take time that grows faster than a function does; a chain of ten thousand rules
//! in one function takes half a minute. Because branches go forward, the blocks of a function can be cut into stretches that are left
//! and never come back to: a branch out of a piece is a tail call of a later one. What a piece needs of an earlier one lies
//! in a *frame*, eight bytes a part, which the function itself makes: on its stack where it is small, else in the arena, so that the stack stays as
//! small as everybody else's.

use std::ops::Range;

use inkwell::module::Linkage;
use inkwell::values::LLVMTailCallKind::LLVMTailCallKindMustTail;
use inkwell::values::{FunctionValue, PointerValue};
use tollgate_ir::entities::{Block, IndexVec, Val};
use tollgate_ir::module::Func;
use tollgate_native_abi::Repr;
use tollgate_native_abi::layout::{ON_STACK_MAX, WORD};

use super::words::Parts;
use super::{Lower, param, symbol};
use crate::emit::Memory;

/// Bytes of a part in a frame.
const SLOT: usize = 8;

/// A function cut into pieces: one, as long as it is not large.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// What the function consists of, in order: its blocks, without those that nothing reaches; a large block is several stretches.
    pub(super) stretches: Vec<Stretch>,
    /// The first stretch of each block that is reached.
    first: IndexVec<Block, Option<usize>>,
    /// The stretches of each piece.
    pub(super) pieces: Vec<Range<usize>>,
    /// Where each value is to be had.
    places: IndexVec<Val, Place>,
    /// Eighths of words that the frame has.
    pub(super) frame: usize,
}

/// Instructions of one block that stand in one piece.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) block: Block,
    pub(super) insts: Range<usize>,
    /// Whether the block's terminator stands behind them.
    pub(super) ends: bool,
    pub(super) piece: usize,
    /// Where the piece is entered to get here, if something leads here from another piece.
    pub(super) door: Option<u32>,
}

/// Where a value is to be had.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// The piece that makes it; none if it comes from outside of the pieces, or from several.
    home: Option<usize>,
    /// Where its parts lie in the frame, if another piece needs it.
    slot: Option<usize>,
}

impl Cut {
    /// Pieces of about so many instructions and operands. Linear in the function.
    pub(super) fn new(func: &Func, repr: &dyn Fn(Val) -> Repr, result: Repr, size: usize) -> Cut {
        let mut cut = Cut {
            stretches: Vec::new(),
            first: func.blocks.keys().map(|_| None).collect(),
            pieces: Vec::new(),
            places: func.vals.keys().map(|_| Place::default()).collect(),
            frame: 0,
        };
        cut.cut(func, reached(func), size);
        if !cut.is_whole() {
            cut.frame = result.count();
            cut.open_doors(func);
            cut.place_values(func, repr);
        }
        cut
    }

    /// Whether the function is in one piece.
    pub(super) fn is_whole(&self) -> bool {
        self.pieces.len() == 1
    }

    /// The first stretch of a block.
    pub(super) fn begin(&self, block: Block) -> usize {
        self.first[block].unwrap_or_else(|| tollgate_ir::bug!("a branch leads to {block}"))
    }

    /// Where a value lies in the frame for a piece that does not make it itself.
    pub(super) fn elsewhere(&self, val: Val, piece: usize) -> Option<usize> {
        let place = self.places[val];
        place.slot.filter(|_| place.home != Some(piece))
    }

    /// Where a value is to be kept for others.
    pub(super) fn slot(&self, val: Val) -> Option<usize> {
        self.places[val].slot
    }

    /// Cuts the blocks that are reached.
    fn cut(&mut self, func: &Func, reached: IndexVec<Block, bool>, size: usize) {
        let (mut piece, mut weight, mut began) = (0, 0, 0);
        for block in func.blocks.keys().filter(|block| reached[*block]) {
            self.first[block] = Some(self.stretches.len());
            let insts = &func.blocks[block].insts;
            let mut from = 0;
            for (i, inst) in insts.iter().enumerate() {
                let mut more = 1;
                func.insts[*inst].inst.vals(|_| more += 1);
                if weight > 0 && weight + more > size {
                    // Nothing of the block stands in this piece if its first instruction does not.
                    if i > 0 {
                        self.stretch(block, from..i, false, piece);
                    }
                    self.pieces.push(began..self.stretches.len());
                    (piece, weight, began, from) = (piece + 1, 0, self.stretches.len(), i);
                }
                weight += more;
            }
            self.stretch(block, from..insts.len(), true, piece);
            func.blocks[block].term.vals(|_| weight += 1);
            weight += 1;
        }
        self.pieces.push(began..self.stretches.len());
    }

    fn stretch(&mut self, block: Block, insts: Range<usize>, ends: bool, piece: usize) {
        self.stretches.push(Stretch {
            block,
            insts,
            ends,
            piece,
            door: None,
        });
    }

    /// Gives a door to each stretch that another piece leads to.
    fn open_doors(&mut self, func: &Func) {
        let mut doors = vec![0; self.pieces.len()];
        let mut open = |stretches: &mut Vec<Stretch>, to: usize| {
            let to = &mut stretches[to];
            if to.door.is_none() {
                to.door = Some(doors[to.piece]);
                doors[to.piece] += 1;
            }
        };
        // The function itself leads to its first stretch.
        open(&mut self.stretches, 0);
        for i in 0..self.stretches.len() {
            let Stretch {
                block, ends, piece, ..
            } = self.stretches[i];
            if !ends {
                open(&mut self.stretches, i + 1);
                continue;
            }
            for jump in func.blocks[block].term.jumps() {
                let to = self.begin(jump.block);
                if self.stretches[to].piece != piece {
                    open(&mut self.stretches, to);
                }
            }
        }
    }

    /// Finds out which values are needed in other pieces than their own, and gives them room in the frame.
    fn place_values(&mut self, func: &Func, repr: &dyn Fn(Val) -> Repr) {
        let stretches = std::mem::take(&mut self.stretches);
        for stretch in &stretches {
            let block = &func.blocks[stretch.block];
            // A parameter that is handed over a border has no home: it comes from the frame on every way.
            if stretch.insts.start == 0 && stretch.door.is_none() {
                for param in &block.params {
                    self.places[*param].home = Some(stretch.piece);
                }
            }
            for inst in &block.insts[stretch.insts.clone()] {
                if let Some(result) = func.insts[*inst].result {
                    self.places[result].home = Some(stretch.piece);
                }
            }
        }
        let mut used = |val: Val, piece: usize| {
            let place = &mut self.places[val];
            if place.slot.is_none() && place.home != Some(piece) {
                place.slot = Some(self.frame);
                self.frame += repr(val).count();
            }
        };
        for stretch in &stretches {
            let block = &func.blocks[stretch.block];
            for inst in &block.insts[stretch.insts.clone()] {
                let inst = &func.insts[*inst].inst;
                inst.vals(|val| used(val, stretch.piece));
            }
            if stretch.ends {
                block.term.vals(|val| used(val, stretch.piece));
            }
        }
        self.stretches = stretches;
    }
}

/// Which blocks some path from the entry leads to.
fn reached(func: &Func) -> IndexVec<Block, bool> {
    let mut reached: IndexVec<Block, bool> = func.blocks.keys().map(|_| false).collect();
    reached[Func::ENTRY] = true;
    for (block, data) in func.blocks.iter() {
        if reached[block] {
            data.term
                .jumps()
                .for_each(|jump| reached[jump.block] = true);
        }
    }
    reached
}

impl<'c> Lower<'_, 'c> {
    pub(super) fn declare_piece(&self, piece: usize) -> FunctionValue<'c> {
        let name = symbol(self.func, &format!("piece{piece}"));
        let ty = self.unit.facts.piece_type();
        let function = self
            .unit
            .code
            .add_function(&name, ty, Some(Linkage::Internal));
        self.unit.facts.of_piece(function);
        function
    }

    /// The function itself: makes the frame, puts the parameters there, runs the pieces, and takes the result from there.
    pub(super) fn enter_pieces(&mut self) {
        let frame = match (self.cut.frame * SLOT).div_ceil(WORD) {
            few @ 0..=ON_STACK_MAX => self.on_stack(few as u32, "frame"),
            many => self.room(many),
        };
        for param in self.func.params() {
            if let Some(slot) = self.cut.slot(*param) {
                self.write_frame(frame, slot, &self.vals[*param].clone(), self.repr(*param));
            }
        }
        let door = self.e.id(0);
        self.e
            .call(self.pieces[0], &[self.cx.into(), frame.into(), door.into()]);
        let result = self.read_frame(frame, 0, self.unit.repr(self.func.result));
        self.give(&result);
    }

    /// Makes a piece. It is entered by one of its doors.
    pub(super) fn piece(&mut self, piece: usize) {
        let function = self.pieces[piece];
        (self.top, self.start) = self.unit.begin(function);
        (self.args, self.out) = (None, None);
        self.comes_from(function);
        self.cx = param(function, 0).into_pointer_value();
        self.piece = Some((piece, param(function, 1).into_pointer_value()));
        self.stretches(piece);
        self.e.go_to(self.start);
        let stretches = self.cut.pieces[piece].clone();
        let doors: Vec<_> = stretches
            .filter_map(|i| Some((self.cut.stretches[i].door?, self.place(i).block)))
            .map(|(door, block)| (self.e.id(door).into_int_value(), block))
            .collect();
        // Whoever enters names a door, so the first may stand for all other numbers.
        match &doors[..] {
            [(_, only)] => self.e.jump(*only),
            [(_, first), rest @ ..] => self.e.switch(param(function, 2), rest, *first),
            [] => tollgate_ir::bug!("nothing leads to a piece of `{}`", self.func.name),
        }
        self.finish();
    }

    /// Leaves the piece for a stretch of another.
    pub(super) fn go_to_piece(&mut self, to: usize) {
        let to = &self.cut.stretches[to];
        let (function, door) = (self.pieces[to.piece], to.door);
        let door =
            door.unwrap_or_else(|| tollgate_ir::bug!("a piece has no door where one is used"));
        let frame = self.piece.map(|(_, frame)| frame);
        let frame = frame.unwrap_or_else(|| tollgate_ir::bug!("what is whole has no pieces"));
        let args = [self.cx.into(), frame.into(), self.e.id(door).into()];
        let call = self.e.call(function, &args);
        // In place of this piece, so the stack does not grow with the pieces.
        call.set_tail_call_kind(LLVMTailCallKindMustTail);
        self.e.give(None);
    }

    /// Puts a value where other pieces find it, if one looks for it.
    pub(super) fn keep_for_others(&self, val: Val, parts: &Parts<'c>) {
        if let (Some((_, frame)), Some(slot)) = (self.piece, self.cut.slot(val)) {
            self.write_frame(frame, slot, parts, self.repr(val));
        }
    }

    pub(super) fn write_frame(
        &self,
        frame: PointerValue<'c>,
        slot: usize,
        parts: &Parts<'c>,
        repr: Repr,
    ) {
        for ((part, kind), i) in parts.all().iter().zip(repr.kinds()).zip(slot..) {
            self.e.store(kind, *part, frame, (i * SLOT) as i64);
        }
    }

    pub(super) fn read_frame(&self, frame: PointerValue<'c>, slot: usize, repr: Repr) -> Parts<'c> {
        let parts = repr.kinds().zip(slot..);
        let parts = parts.map(|(kind, i)| {
            let offset = (i * SLOT) as i64;
            self.e.load(kind, frame, offset, Memory::Plain)
        });
        Parts::new(parts.collect())
    }
}

#[cfg(test)]
mod tests {
    use tollgate_backend_suite::shapes::chain;
    use tollgate_ir::module::Module;

    use super::*;

    fn cut(module: &Module) -> Cut {
        let func = module.funcs.values().next().unwrap();
        let repr = |val| Repr::new(&module.types, func.ty(val));
        Cut::new(func, &repr, Repr::new(&module.types, func.result), 1000)
    }

    #[test]
    fn a_small_function_stays_whole() {
        let cut = cut(&chain(10));
        assert!(cut.is_whole());
        assert_eq!((cut.stretches.len(), cut.frame), (22, 0));
    }

    #[test]
    fn a_large_function_has_pieces_of_one_size_and_a_small_frame() {
        let cut = cut(&chain(2000));
        assert!((10..40).contains(&cut.pieces.len()), "{}", cut.pieces.len());
        // The parameter, the constants, the value that every link may end with, and the result.
        assert!(cut.frame < 8 + cut.pieces.len(), "{}", cut.frame);
        let doors = cut.stretches.iter().filter(|s| s.door.is_some()).count();
        // Both ways out of the last branch of a piece, and where all links lead.
        assert!(doors <= 2 * cut.pieces.len() + 2, "{doors}");
        for (i, piece) in cut.pieces.iter().enumerate() {
            assert!(cut.stretches[piece.clone()].iter().all(|s| s.piece == i));
        }
    }
}
