//! Writing one random function.

use tollgate_ir::asks::Asks;
use tollgate_ir::builder::FuncBuilder;
use tollgate_ir::entities::{
    Block, ConstId, DataId, Entity, FuncId, IndexId, NativeId, PatId, PlaceId, RuleSetId, SiteId,
    Val,
};
use tollgate_ir::for_each_inst;
use tollgate_ir::instructions::{Effect, Inst};
use tollgate_ir::module::Jump;
use tollgate_ir::operand::{Cc, Fimm, Flag, Imm, Index, Vals};
use tollgate_ir::types::{Type, TypeData};
use tollgate_ir::typing::result_type;
use tollgate_runtime::Value;

use super::Random;

/// A function in the making: what can be used at the current place.
pub(crate) struct Writer<'m, 'r> {
    b: FuncBuilder<'m>,
    random: &'r mut Random,
    vals: Vec<Val>,
}

impl<'m, 'r> Writer<'m, 'r> {
    pub(crate) fn new(b: FuncBuilder<'m>, random: &'r mut Random) -> Writer<'m, 'r> {
        let vals = b.params().to_vec();
        Writer { b, random, vals }
    }

    pub(crate) fn finish(self) -> FuncId {
        self.b.finish()
    }

    /// Some instructions, and branches nested up to `depth` whose ways meet again.
    pub(crate) fn region(&mut self, size: usize, depth: usize) {
        for _ in 0..size {
            match self.random.below(10) {
                0 | 1 if depth > 0 => self.diamond(depth - 1),
                2 if depth > 0 => self.switch(depth - 1),
                3 if depth > 0 && self.random.chance(30) => self.early_return(),
                4 => self.guarded(),
                5 if self.random.chance(30) => {
                    let site = SiteId::draw(self);
                    self.b.mark(site);
                }
                6 => self.constant(),
                7 if self.random.chance(50) => self.compare_again(),
                7 => self.branch_on_both(),
                _ => self.any_inst(),
            }
        }
    }

    pub(crate) fn ret(&mut self, ty: Type) {
        let v = self.val(ty);
        self.b.ret(v);
    }

    /// A value of a type: one that is there, or a constant.
    fn val(&mut self, ty: Type) -> Val {
        let vals = self.vals.iter().copied();
        let there: Vec<Val> = vals.filter(|v| self.b.ty(*v) == ty).collect();
        if there.is_empty() || self.random.chance(15) {
            let value = self.random.value(self.b.module(), ty);
            let v = match value {
                Value::Int(v) if ty == Type::INT => self.b.iconst(v),
                Value::Bool(v) if ty == Type::BOOL => self.b.bconst(v),
                Value::Float(v) if ty == Type::FLOAT => self.b.fconst(v),
                value => self.b.konst(ty, value),
            };
            self.vals.push(v);
            return v;
        }
        // Late values are likelier, so that chains come up.
        let (i, j) = (
            self.random.below(there.len()),
            self.random.below(there.len()),
        );
        there[i.max(j)]
    }

    fn constant(&mut self) {
        let ty = self
            .random
            .pick(&[Type::INT, Type::BOOL, Type::FLOAT, Type::STR]);
        let value = self.random.value(self.b.module(), ty);
        let v = self.b.konst(ty, value);
        self.vals.push(v);
    }

    /// Branches on a comparison, and compares the same operands again on both ways: what the branch decides, the second must agree with.
    fn compare_again(&mut self) {
        let ty = self.random.pick(&[Type::INT, Type::FLOAT, Type::STR]);
        let (a, b) = (self.val(ty), self.val(ty));
        let first = self.compare(ty, a, b);
        let ways = [self.b.block(&[]), self.b.block(&[])];
        let meet = self.b.block(&[Type::BOOL]);
        self.b.br(first, (ways[0], &[]), (ways[1], &[]));
        let before = self.vals.clone();
        for way in ways {
            self.b.switch_to(way);
            let (a, b) = self.random.pick(&[(a, b), (b, a)]);
            let second = self.compare(ty, a, b);
            self.b.jump(meet, &[second]);
        }
        self.meet(meet, before);
    }

    /// Branches on what two truth values say together, and asks for one of them on both ways.
    fn branch_on_both(&mut self) {
        let (a, b) = (self.val(Type::BOOL), self.val(Type::BOOL));
        let both = match self.random.below(4) {
            0 => Inst::Band { a, b },
            1 => Inst::Bor { a, b },
            2 => Inst::Same { a, b },
            _ => Inst::Bnot { a },
        };
        let both = self.b.ins(both);
        let ways = [self.b.block(&[]), self.b.block(&[])];
        let meet = self.b.block(&[Type::BOOL]);
        self.b.br(both, (ways[0], &[]), (ways[1], &[]));
        let before = self.vals.clone();
        for way in ways {
            self.b.switch_to(way);
            let v = self.random.pick(&[a, b, both]);
            let answer = match self.random.chance(50) {
                true => v,
                false => self.b.ins(Inst::Bnot { a: v }),
            };
            self.b.jump(meet, &[answer]);
        }
        self.meet(meet, before);
    }

    fn compare(&mut self, ty: Type, a: Val, b: Val) -> Val {
        let cc = Cc::draw(self);
        let inst = match ty {
            Type::INT => Inst::Icmp { cc, a, b },
            Type::FLOAT => Inst::Fcmp { cc, a, b },
            _ => Inst::Scmp { cc, a, b },
        };
        self.b.ins(inst)
    }

    /// Returns an integer that depends on every number and truth value that is there.
    pub(crate) fn ret_all(&mut self) {
        let mut sum = self.b.iconst(0);
        let prime = self.b.iconst(31);
        for v in self.vals.clone() {
            let term = match self.b.ty(v) {
                Type::INT => v,
                Type::BOOL => {
                    let (a, b) = (self.b.iconst(1), self.b.iconst(0));
                    self.b.ins(Inst::Select { c: v, a, b })
                }
                _ => continue,
            };
            let product = self.b.ins(Inst::Imul { a: sum, b: prime });
            sum = self.b.ins(Inst::Iadd {
                a: product,
                b: term,
            });
        }
        self.b.ret(sum);
    }

    fn diamond(&mut self, depth: usize) {
        let cond = self.val(Type::BOOL);
        self.branch(2, depth, |b, ways| {
            b.br(cond, (ways[0], &[]), (ways[1], &[]));
        });
    }

    fn switch(&mut self, depth: usize) {
        let vals = self.vals.clone();
        let on = match vals.into_iter().rev().find(|v| self.is_enum(*v)) {
            Some(a) if self.random.chance(60) => self.b.ins(Inst::Tag { a }),
            _ => self.val(Type::INT),
        };
        self.branch(3, depth, |b, ways| {
            let to = |i: usize| Jump {
                block: ways[i],
                args: vec![],
            };
            b.switch(on, vec![(0, to(0)), (1, to(1)), (2, to(0))], to(2));
        });
    }

    fn kind(&mut self, v: Val) -> TypeData {
        let ty = self.b.ty(v);
        self.b.module().types.get(ty)
    }

    fn is_enum(&mut self, v: Val) -> bool {
        matches!(self.kind(v), TypeData::Enum(_))
    }

    /// Several ways that meet in a block with parameters.
    fn branch(
        &mut self,
        ways: usize,
        depth: usize,
        branch: impl FnOnce(&mut FuncBuilder<'_>, &[Block]),
    ) {
        let ways: Vec<Block> = (0..ways).map(|_| self.b.block(&[])).collect();
        branch(&mut self.b, &ways);
        let mut types = vec![Type::BOOL];
        for _ in 0..self.random.below(3) {
            let v = Val::draw(self);
            types.push(self.b.ty(v));
        }
        // What `draw` may have made stands in no way; forget it.
        let meet = self.b.block(&types);
        let before = self.vals.clone();
        for way in ways {
            self.b.switch_to(way);
            self.vals.clone_from(&before);
            let size = self.random.below(4);
            self.region(size, depth);
            let args: Vec<Val> = types.iter().map(|t| self.val(*t)).collect();
            self.b.jump(meet, &args);
        }
        self.meet(meet, before);
    }

    fn meet(&mut self, meet: Block, before: Vec<Val>) {
        self.vals = before;
        self.b.switch_to(meet);
        self.vals.extend(self.b.block_params(meet));
    }

    fn early_return(&mut self) {
        let (leave, stay) = (self.b.block(&[]), self.b.block(&[]));
        let cond = self.val(Type::BOOL);
        self.b.br(cond, (leave, &[]), (stay, &[]));
        self.b.switch_to(leave);
        let before = self.vals.clone();
        let ty = self.b.func().result;
        self.ret(ty);
        self.vals = before;
        self.b.switch_to(stay);
    }

    /// A guarded instruction behind the test that makes it meaningful, and something else where the test fails.
    fn guarded(&mut self) {
        let Some((test, inst, ty)) = self.guard() else {
            return;
        };
        let (yes, no) = (self.b.block(&[]), self.b.block(&[]));
        let meet = self.b.block(&[ty]);
        self.b.br(test, (yes, &[]), (no, &[]));
        let before = self.vals.clone();
        self.b.switch_to(yes);
        let result = self.b.ins(inst);
        self.b.jump(meet, &[result]);
        self.b.switch_to(no);
        let other = self.val(ty);
        self.b.jump(meet, &[other]);
        self.meet(meet, before);
    }

    fn guard(&mut self) -> Option<(Val, Inst, Type)> {
        match self.random.below(6) {
            i @ 0..=2 => {
                let (a, b) = (self.val(Type::INT), self.val(Type::INT));
                let zero = self.b.iconst(0);
                let test = self.b.icmp(Cc::Ne, b, zero);
                let inst = match i {
                    0 => Inst::Idiv { a, b },
                    1 => Inst::Imod { a, b },
                    _ => Inst::Pdiv { a, b },
                };
                Some((test, inst, Type::INT))
            }
            3 => {
                let (a, b) = (self.val(Type::FLOAT), self.val(Type::FLOAT));
                let zero = self.b.fconst(0.0);
                let cc = Cc::Ne;
                let test = self.b.ins(Inst::Fcmp { cc, a: b, b: zero });
                Some((test, Inst::Fdiv { a, b }, Type::FLOAT))
            }
            4 => {
                let (a, pattern, index) = (self.val(Type::STR), PatId(0), Index(0));
                let test = self.b.ins(Inst::Matches { a, pattern });
                let inst = Inst::PathCapture { a, pattern, index };
                Some((test, inst, Type::STR))
            }
            _ => {
                let vals = self.vals.clone();
                vals.into_iter().rev().find_map(|a| match self.kind(a) {
                    TypeData::Opt(of) => {
                        let test = self.b.ins(Inst::IsSome { a });
                        Some((test, Inst::Unwrap { a }, of))
                    }
                    TypeData::Enum(_) => {
                        let tag = self.b.ins(Inst::Tag { a });
                        let one = self.b.iconst(1);
                        let test = self.b.icmp(Cc::Eq, tag, one);
                        let (tag, index) = (Index(1), Index(0));
                        Some((test, Inst::Payload { a, tag, index }, Type::INT))
                    }
                    _ => None,
                })
            }
        }
    }

    /// An instruction of the table whose operands happen to be of the right types.
    fn any_inst(&mut self) {
        let mut func = self.b.func().clone();
        for _ in 0..100 {
            let inst = self.draw();
            let module = self.b.module();
            let possible = match &inst {
                // What asks is made with care: see `asking`.
                Inst::Native { .. } | Inst::Ask { .. } | Inst::Answer { .. } => false,
                Inst::Decide { rules, .. } | Inst::DecideMarked { rules, .. } => {
                    !module.rulesets.is_empty() && Asks::new(module).ruleset(*rules) == 0
                }
                Inst::Search { .. } | Inst::SearchMarked { .. } => !module.indexes.is_empty(),
                inst if inst.callee().is_some() => {
                    let callee = inst.callee().and_then(|id| module.funcs.get(id));
                    callee.is_some_and(|func| !func.name.starts_with("asks"))
                }
                inst => inst.effect() != Effect::Guarded,
            };
            if !possible {
                continue;
            }
            if self.b.func().vals.len() != func.vals.len() {
                func = self.b.func().clone();
            }
            if let Ok(Some(_)) = result_type(self.b.module(), &func, &inst) {
                let v = self.b.ins(inst);
                self.vals.push(v);
                return;
            }
        }
    }
}

/// Draws an operand of its kind.
trait Draw: Sized {
    fn draw(w: &mut Writer<'_, '_>) -> Self;
}

macro_rules! draw_insts {
    ($($(#[doc = $doc:literal])* $mnemonic:ident = $name:ident { $($field:ident: $kind:ident),* } [$($sig:tt)*], $effect:ident, cost $cost:literal;)*) => {
        impl Writer<'_, '_> {
            /// An instruction with operands of the right kinds, and perhaps of the wrong types.
            fn draw(&mut self) -> Inst {
                let makers: &[fn(&mut Self) -> Inst] = &[
                    $(|_w| Inst::$name { $($field: <$kind as Draw>::draw(_w)),* }),*
                ];
                let maker = self.random.pick(makers);
                maker(self)
            }
        }
    };
}

for_each_inst!(draw_insts);

impl Draw for Val {
    fn draw(w: &mut Writer<'_, '_>) -> Val {
        match w.vals.is_empty() {
            true => w.val(Type::INT),
            false => w.random.pick(&w.vals),
        }
    }
}

impl Draw for Vals {
    /// Any values; or of one type; or what the record, the variants, the map or a function of the module takes.
    fn draw(w: &mut Writer<'_, '_>) -> Vals {
        let count = w.random.below(4);
        let like = Val::draw(w);
        let ty = w.b.ty(like);
        match w.random.below(6) {
            0 => (0..count).map(|_| Val::draw(w)).collect(),
            1 => [Type::INT, Type::BOOL, Type::STR].map(|t| w.val(t)).into(),
            2 => [Type::STR, Type::INT].map(|t| w.val(t)).into(),
            3 => {
                let params = w.b.params().to_vec();
                let types: Vec<Type> = params.iter().map(|v| w.b.ty(*v)).collect();
                types.into_iter().map(|t| w.val(t)).collect()
            }
            4 => {
                let optional = w.b.module().types.opt(Type::INT);
                (0..count).map(|_| w.val(optional)).collect()
            }
            _ => (0..count).map(|_| w.val(ty)).collect(),
        }
    }
}

macro_rules! draws {
    ($($ty:ty => |$w:ident| $value:expr;)*) => {$(
        impl Draw for $ty {
            fn draw($w: &mut Writer<'_, '_>) -> $ty {
                $value
            }
        }
    )*};
}

draws! {
    Imm => |w| Imm(w.random.int());
    Fimm => |w| Fimm::new(w.random.float());
    Flag => |w| Flag(w.random.chance(50));
    Cc => |w| w.random.pick(&Cc::ALL);
    Index => |w| Index(w.random.below(4) as u32);
    Type => |w| Type(w.random.below(w.b.module().types.len()) as u32);
    ConstId => |w| {
        if w.b.module().consts.is_empty() {
            w.constant();
        }
        ConstId::new(w.random.below(w.b.module().consts.len()))
    };
    DataId => |_w| DataId(0);
    PatId => |w| PatId(w.random.below(2) as u32);
    FuncId => |w| FuncId::new(w.random.below(w.b.module().funcs.len().max(1)));
    IndexId => |w| IndexId::new(w.random.below(w.b.module().indexes.len().max(1)));
    RuleSetId => |w| RuleSetId::new(w.random.below(w.b.module().rulesets.len().max(1)));
    NativeId => |_w| NativeId(0);
    PlaceId => |_w| PlaceId(0);
    SiteId => |w| SiteId(w.random.below(6) as u32);
}
