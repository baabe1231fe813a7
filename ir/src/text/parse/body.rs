//! Functions.

use rustc_hash::FxHashMap;

use super::lex::Tok;
use super::{Parser, Res};
use crate::entities::{
    Block, ConstId, DataId, Entity, FuncId, IndexId, IndexVec, NativeId, PatId, PlaceId, RuleSetId,
    SiteId, Val,
};
use crate::instructions::Inst;
use crate::module::{BlockData, Func, Jump, Terminator};
use crate::operand::{Cc, Fimm, Flag, Imm, Index, Vals};
use crate::text::Place;
use crate::types::Type;
use crate::typing::intern_result_type;

/// A function while it is read. Blocks and values still have the numbers the text gives them.
struct Body {
    func: Func,
    id: FuncId,
    blocks: FxHashMap<u32, Block>,
    vals: FxHashMap<u32, Val>,
}

impl Parser<'_> {
    pub(super) fn func_header(&mut self, start: u32) -> Res<FuncId> {
        let at = self.at;
        let name = self.name()?;
        let params = self.types_in_parens()?;
        self.arrow()?;
        let result = self.ty()?;
        let mut func = Func {
            name: name.as_ref().into(),
            result,
            blocks: IndexVec::new(),
            insts: IndexVec::new(),
            vals: IndexVec::new(),
        };
        // The entry block is made here, so that calls can be typed before the body is read.
        func.blocks.push(empty_block());
        for ty in params {
            func.push_param(Func::ENTRY, ty);
        }
        let id = self.module.funcs.push(func);
        self.places.push((Place::Func(id), start));
        let known = self.names.funcs.insert(name.into_owned(), id);
        self.once(known, at, "a function of this name")?;
        Ok(id)
    }

    pub(super) fn func_body(&mut self, id: FuncId) -> Res<()> {
        let first = self.at;
        self.punct(b'{')?;
        let declared = &self.module.funcs[id];
        let params: Vec<Type> = declared.params().iter().map(|v| declared.ty(*v)).collect();
        let mut body = Body {
            func: Func {
                name: declared.name.clone(),
                result: declared.result,
                blocks: IndexVec::new(),
                insts: IndexVec::new(),
                vals: IndexVec::new(),
            },
            id,
            blocks: FxHashMap::default(),
            vals: FxHashMap::default(),
        };
        let mut untyped = Vec::new();
        loop {
            let at = self.at;
            self.block(&mut body, &mut untyped)?;
            if body.func.blocks.len() == 1 {
                let entry: Vec<Type> = body
                    .func
                    .params()
                    .iter()
                    .map(|v| body.func.ty(*v))
                    .collect();
                if entry != params {
                    let message = "the entry block has other parameters than the function";
                    return Err(self.fail_at(at, message));
                }
            }
            if self.eat(b'}') {
                break;
            }
        }
        self.rename(&mut body, first)?;
        for val in untyped {
            let crate::module::Def::Inst(inst) = body.func.vals[val].def else {
                continue;
            };
            let inst = body.func.insts[inst].inst.clone();
            // What has no type is told by the verifier, in its own words.
            if let Ok(Some(ty)) = intern_result_type(&mut self.module, &body.func, &inst) {
                body.func.vals[val].ty = ty;
            }
        }
        self.module.funcs[id] = body.func;
        Ok(())
    }

    fn block(&mut self, body: &mut Body, untyped: &mut Vec<Val>) -> Res<()> {
        let at = self.at;
        let start = self.offset();
        let number: Block = self.entity(Block::PREFIX)?;
        let block = body.func.blocks.push(empty_block());
        self.places.push((Place::Block(body.id, block), start));
        let known = body.blocks.insert(number.0, block);
        self.once(known, at, "a block of this number")?;
        if self.peek().tok == Tok::Punct(b'(') {
            self.list(b'(', b')', |p| {
                let at = p.at;
                let number: Val = p.entity(Val::PREFIX)?;
                p.punct(b':')?;
                let ty = p.ty()?;
                let val = body.func.push_param(block, ty);
                let known = body.vals.insert(number.0, val);
                p.once(known, at, "a value of this number")
            })?;
        }
        self.punct(b':')?;
        loop {
            let start = self.offset();
            if let Some(term) = self.terminator()? {
                body.func.blocks[block].term = term;
                self.places.push((Place::Term(body.id, block), start));
                return Ok(());
            }
            self.inst(body, block, untyped)?;
        }
    }

    fn inst(&mut self, body: &mut Body, block: Block, untyped: &mut Vec<Val>) -> Res<()> {
        let at = self.at;
        let start = self.offset();
        let mut result = None;
        if let Some(number) = self.numbered(Val::PREFIX) {
            self.at += 1;
            let ty = match self.eat(b':') {
                true => Some(self.ty()?),
                false => None,
            };
            self.punct(b'=')?;
            result = Some((number, ty));
        }
        let inst = self.instruction()?;
        let ty = result.map(|(_, ty)| ty.unwrap_or(Type::BOOL));
        let (id, val) = body.func.append(block, inst, ty);
        self.places.push((Place::Inst(body.id, id), start));
        if let (Some(val), Some((number, ty))) = (val, result) {
            let known = body.vals.insert(number, val);
            self.once(known, at, "a value of this number")?;
            if ty.is_none() {
                untyped.push(val);
            }
        }
        Ok(())
    }

    fn terminator(&mut self) -> Res<Option<Terminator>> {
        Ok(Some(if self.eat_word("jump") {
            Terminator::Jump(self.jump()?)
        } else if self.eat_word("br") {
            let cond = self.entity(Val::PREFIX)?;
            self.punct(b',')?;
            let yes = self.jump()?;
            self.punct(b',')?;
            Terminator::Br(cond, yes, self.jump()?)
        } else if self.eat_word("switch") {
            let on = self.entity(Val::PREFIX)?;
            self.punct(b',')?;
            let cases = self.list(b'[', b']', |p| {
                let value = p.int()?;
                p.punct(b':')?;
                Ok((value, p.jump()?))
            })?;
            self.punct(b',')?;
            Terminator::Switch(on, cases, self.jump()?)
        } else if self.eat_word("return") {
            Terminator::Return(self.entity(Val::PREFIX)?)
        } else {
            return Ok(None);
        }))
    }

    fn jump(&mut self) -> Res<Jump> {
        let block = self.entity(Block::PREFIX)?;
        let args = match self.peek().tok {
            Tok::Punct(b'(') => self.list(b'(', b')', |p| p.entity(Val::PREFIX))?,
            _ => Vec::new(),
        };
        Ok(Jump { block, args })
    }

    /// Gives blocks and values the numbers of the order in which they stand.
    fn rename(&self, body: &mut Body, first: usize) -> Res<()> {
        let mut missing: Option<String> = None;
        let vals = &body.vals;
        let mut val = |v: &mut Val| match vals.get(&v.0) {
            Some(new) => *v = *new,
            None => {
                missing.get_or_insert_with(|| v.to_string());
            }
        };
        for data in body.func.insts.values_mut() {
            data.inst.vals_mut(&mut val);
        }
        for block in body.func.blocks.values_mut() {
            block.term.vals_mut(&mut val);
        }
        for block in body.func.blocks.values_mut() {
            for jump in block.term.jumps_mut() {
                match body.blocks.get(&jump.block.0) {
                    Some(new) => jump.block = *new,
                    None => {
                        missing.get_or_insert_with(|| jump.block.to_string());
                    }
                }
            }
        }
        let Some(missing) = missing else {
            return Ok(());
        };
        let uses = first..self.at;
        let at = uses
            .into_iter()
            .find(|i| self.token_text(self.tokens[*i]) == missing);
        Err(self.fail_at(at.unwrap_or(first), format!("{missing} is not defined")))
    }
}

fn empty_block() -> BlockData {
    BlockData {
        params: Vec::new(),
        insts: Vec::new(),
        term: Terminator::Return(Val(u32::MAX)),
    }
}

/// How an operand is read. `first` tells whether it is the first of its instruction.
trait ReadOperand: Sized {
    fn read(p: &mut Parser<'_>) -> Res<Self>;

    fn read_next(p: &mut Parser<'_>, first: &mut bool) -> Res<Self> {
        if !std::mem::replace(first, false) {
            p.punct(b',')?;
        }
        Self::read(p)
    }
}

macro_rules! define_parser {
    ($($(#[doc = $doc:literal])* $mnemonic:ident = $name:ident { $($field:ident: $kind:ident),* } [$($sig:tt)*], $effect:ident, cost $cost:literal;)*) => {
        impl Parser<'_> {
            /// A mnemonic and its operands.
            fn instruction(&mut self) -> Res<Inst> {
                let at = self.at;
                let mnemonic = self.word()?;
                let mut first = true;
                let _ = &mut first;
                match mnemonic {
                    $(stringify!($mnemonic) => Ok(Inst::$name { $($field: <$kind>::read_next(self, &mut first)?),* }),)*
                    _ => Err(self.fail_at(at, format!("there is no instruction `{mnemonic}`"))),
                }
            }
        }
    };
}

crate::for_each_inst!(define_parser);

impl ReadOperand for Vals {
    fn read(p: &mut Parser<'_>) -> Res<Vals> {
        let vals = p.list(b'(', b')', |p| p.entity(Val::PREFIX))?;
        Ok(vals.into())
    }

    /// In parentheses, with no comma before them.
    fn read_next(p: &mut Parser<'_>, first: &mut bool) -> Res<Vals> {
        *first = false;
        Self::read(p)
    }
}

impl ReadOperand for Val {
    fn read(p: &mut Parser<'_>) -> Res<Val> {
        p.entity(Val::PREFIX)
    }
}

impl ReadOperand for Imm {
    fn read(p: &mut Parser<'_>) -> Res<Imm> {
        p.int().map(Imm)
    }
}

impl ReadOperand for Fimm {
    fn read(p: &mut Parser<'_>) -> Res<Fimm> {
        p.float().map(Fimm::new)
    }
}

impl ReadOperand for Flag {
    fn read(p: &mut Parser<'_>) -> Res<Flag> {
        if p.eat_word("true") {
            return Ok(Flag(true));
        }
        p.expect_word("false")?;
        Ok(Flag(false))
    }
}

impl ReadOperand for Cc {
    fn read(p: &mut Parser<'_>) -> Res<Cc> {
        let at = p.at;
        let word = p.word()?;
        match Cc::ALL.into_iter().find(|cc| cc.name() == word) {
            Some(cc) => Ok(cc),
            None => Err(p.fail_at(at, "expected `eq`, `ne`, `lt`, `le`, `gt` or `ge`")),
        }
    }
}

impl ReadOperand for Index {
    fn read(p: &mut Parser<'_>) -> Res<Index> {
        p.index().map(Index)
    }
}

impl ReadOperand for Type {
    fn read(p: &mut Parser<'_>) -> Res<Type> {
        p.ty()
    }
}

impl ReadOperand for FuncId {
    fn read(p: &mut Parser<'_>) -> Res<FuncId> {
        p.func_name()
    }
}

impl ReadOperand for IndexId {
    fn read(p: &mut Parser<'_>) -> Res<IndexId> {
        p.index_name()
    }
}

impl ReadOperand for RuleSetId {
    fn read(p: &mut Parser<'_>) -> Res<RuleSetId> {
        p.ruleset_name()
    }
}

impl ReadOperand for DataId {
    fn read(p: &mut Parser<'_>) -> Res<DataId> {
        let at = p.at;
        let name = p.name()?;
        let known = p.names.data.get(name.as_ref()).copied();
        known.ok_or_else(|| p.fail_at(at, format!("there is no data `{name}`")))
    }
}

impl ReadOperand for NativeId {
    fn read(p: &mut Parser<'_>) -> Res<NativeId> {
        let at = p.at;
        let name = p.name()?;
        let known = p.names.natives.get(name.as_ref()).copied();
        known.ok_or_else(|| p.fail_at(at, format!("`{name}` is not declared as a native")))
    }
}

/// Reads an entity that stands in a pool of the module, and sees that it does.
fn pooled<E: Entity + std::fmt::Display>(
    p: &mut Parser<'_>,
    prefix: &str,
    len: impl FnOnce(&Parser<'_>) -> usize,
) -> Res<E> {
    let at = p.at;
    let id: E = p.entity(prefix)?;
    if id.index() < len(p) {
        return Ok(id);
    }
    Err(p.fail_at(at, format!("{id} is not defined")))
}

impl ReadOperand for ConstId {
    fn read(p: &mut Parser<'_>) -> Res<ConstId> {
        pooled(p, ConstId::PREFIX, |p| p.module.consts.len())
    }
}

impl ReadOperand for PatId {
    fn read(p: &mut Parser<'_>) -> Res<PatId> {
        pooled(p, PatId::PREFIX, |p| p.module.patterns.len())
    }
}

impl ReadOperand for PlaceId {
    fn read(p: &mut Parser<'_>) -> Res<PlaceId> {
        pooled(p, PlaceId::PREFIX, |p| p.module.places.len())
    }
}

impl ReadOperand for SiteId {
    fn read(p: &mut Parser<'_>) -> Res<SiteId> {
        pooled(p, SiteId::PREFIX, |p| p.module.sites.len())
    }
}
