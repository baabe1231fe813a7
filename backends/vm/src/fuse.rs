//! Which instructions become part of another: the choice of superinstructions.
//!
//! An instruction is *absorbed* when its value has one use, that use is in the same block, and there is an opcode that does
//! both. It is then emitted with its user. What is absorbed is pure, so where in its block it runs cannot be seen;
//! the steps of the opcode are the sum, so that cannot be seen either.

use tollgate_ir::entities::{Block, ConstId, Entity, InstId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Def, Func, Module, Terminator};
use tollgate_ir::operand::{Imm, Index};
use tollgate_ir::types::TypeData;

use crate::operand::{Imm32, Short};

/// What is absorbed in a function.
pub(crate) struct Fusion<'f> {
    func: &'f Func,
    absorbed: Vec<bool>,
    uses: Vec<u32>,
    home: Vec<Option<Block>>,
}

impl<'f> Fusion<'f> {
    /// Chooses for a whole function. Linear.
    pub(crate) fn choose(module: &Module, func: &'f Func) -> Fusion<'f> {
        let mut fusion = Fusion {
            func,
            absorbed: vec![false; func.insts.len()],
            uses: vec![0; func.vals.len()],
            home: vec![None; func.insts.len()],
        };
        for (block, data) in func.blocks.iter() {
            for inst in &data.insts {
                fusion.home[inst.index()] = Some(block);
                func.insts[*inst].inst.vals(|v| fusion.uses[v.index()] += 1);
            }
            data.term.vals(|v| fusion.uses[v.index()] += 1);
        }
        for (block, data) in func.blocks.iter() {
            match &data.term {
                Terminator::Br(c, ..) => fusion.branch(module, block, *c),
                Terminator::Switch(v, ..) => {
                    if let Some((id, Inst::Tag { .. })) = fusion.local(block, *v) {
                        fusion.absorb(id);
                    }
                }
                Terminator::Jump(_) | Terminator::Return(_) => {}
            }
            for inst in data.insts.iter().rev() {
                if !fusion.is_absorbed(*inst) {
                    fusion.inst(block, &func.insts[*inst].inst);
                }
            }
        }
        fusion
    }

    /// Whether an instruction is emitted with its user.
    pub(crate) fn is_absorbed(&self, inst: InstId) -> bool {
        self.absorbed[inst.index()]
    }

    /// The instruction behind a value, if it was absorbed.
    pub(crate) fn part(&self, val: Val) -> Option<&'f Inst> {
        match self.func.vals[val].def {
            Def::Inst(id) if self.is_absorbed(id) => Some(&self.func.insts[id].inst),
            _ => None,
        }
    }

    /// The absorbed integer behind a value.
    pub(crate) fn imm(&self, val: Val) -> Option<Imm32> {
        imm32(self.part(val)?)
    }

    /// The absorbed constant behind a value.
    pub(crate) fn konst(&self, val: Val) -> Option<ConstId> {
        match self.part(val)? {
            Inst::Konst { value } => Some(*value),
            _ => None,
        }
    }

    /// The absorbed field behind a value: of what, and which.
    pub(crate) fn field(&self, val: Val) -> Option<(Val, Short)> {
        short_field(self.part(val)?)
    }

    /// Visits the values that an instruction reads when what it absorbed is emitted with it.
    pub(crate) fn reads<F: FnMut(Val)>(&self, inst: &Inst, visit: &mut F) {
        inst.vals(|v| self.read(v, visit));
    }

    /// Visits what stands for a value: itself, or what the absorbed instruction behind it reads.
    pub(crate) fn read<F: FnMut(Val)>(&self, val: Val, visit: &mut F) {
        match self.part(val) {
            Some(inst) => self.reads(inst, visit),
            None => visit(val),
        }
    }

    fn absorb(&mut self, inst: InstId) {
        self.absorbed[inst.index()] = true;
    }

    /// The instruction of a value that may be absorbed into this block.
    fn local(&self, block: Block, val: Val) -> Option<(InstId, &'f Inst)> {
        let Def::Inst(id) = self.func.vals[val].def else {
            return None;
        };
        let free = self.uses[val.index()] == 1 && self.home[id.index()] == Some(block);
        (free && !self.is_absorbed(id)).then(|| (id, &self.func.insts[id].inst))
    }

    /// Absorbs the constant of a pair of operands; gives the other operand.
    fn one(
        &mut self,
        block: Block,
        (a, b): (Val, Val),
        fits: impl Fn(&Inst) -> bool,
    ) -> Option<Val> {
        for (constant, other) in [(b, a), (a, b)] {
            if let Some((id, inst)) = self.local(block, constant)
                && fits(inst)
            {
                self.absorb(id);
                return Some(other);
            }
        }
        None
    }

    fn branch(&mut self, module: &Module, block: Block, c: Val) {
        let Some((id, inst)) = self.local(block, c) else {
            return;
        };
        match inst {
            Inst::Icmp { a, b, .. } => {
                self.absorb(id);
                let other = self.one(block, (*a, *b), |inst| imm32(inst).is_some());
                if let Some((id, inst)) = other.and_then(|other| self.local(block, other))
                    && (matches!(inst, Inst::Tag { .. }) || short_field(inst).is_some())
                {
                    self.absorb(id);
                }
            }
            Inst::Scmp { a, b, .. } => {
                self.absorb(id);
                let other = self.one(block, (*a, *b), is_konst);
                if let Some((id, inst)) = other.and_then(|other| self.local(block, other))
                    && short_field(inst).is_some()
                {
                    self.absorb(id);
                }
            }
            Inst::Same { a, b } => {
                self.absorb(id);
                self.one(block, (*a, *b), is_konst);
            }
            Inst::Bnot { .. } | Inst::IsSome { .. } | Inst::Matches { .. } => self.absorb(id),
            Inst::Contains { a, .. } => {
                if let TypeData::Set(_) = module.types.get(self.func.ty(*a)) {
                    self.absorb(id);
                    self.absorb_konst(block, *a);
                }
            }
            Inst::CidrsHave { a, .. } if self.absorb_konst(block, *a) => self.absorb(id),
            _ => {}
        }
    }

    fn absorb_konst(&mut self, block: Block, val: Val) -> bool {
        match self.local(block, val) {
            Some((id, Inst::Konst { .. })) => {
                self.absorb(id);
                true
            }
            _ => false,
        }
    }

    fn inst(&mut self, block: Block, inst: &Inst) {
        match inst {
            Inst::Icmp { a, b, .. } | Inst::Iadd { a, b } => {
                self.one(block, (*a, *b), |inst| imm32(inst).is_some());
            }
            Inst::Field { a, .. } => {
                if let Some((id, inner)) = self.local(block, *a)
                    && short_field(inner).is_some()
                {
                    self.absorb(id);
                }
            }
            _ => {}
        }
    }
}

fn imm32(inst: &Inst) -> Option<Imm32> {
    match inst {
        Inst::Iconst { imm: Imm(value) } => i32::try_from(*value).ok().map(Imm32),
        _ => None,
    }
}

fn is_konst(inst: &Inst) -> bool {
    matches!(inst, Inst::Konst { .. })
}

fn short_field(inst: &Inst) -> Option<(Val, Short)> {
    match inst {
        Inst::Field { a, index: Index(i) } => u16::try_from(*i).ok().map(|i| (*a, Short(i))),
        _ => None,
    }
}
