//! The graph of terms: pure expressions over the parameters of a rule set, each kept once.
//!
//! A term is an instruction whose operands are terms, so the graph is a function without blocks, and what the IR says of
//! instructions (types, meaning) holds here unchanged. Terms are hash-consed (J.-C. Filliâtre, S. Conchon, *Type-safe
//! modular hash-consing*, 2006): equal expressions are the same number, whichever rules they stand in.

use std::borrow::Cow;
use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashMap};
use tollgate_runtime::index::Base;
use tollgate_runtime::{Arena, Cx, Value, Word};

use super::Source;
use crate::entities::{ConstId, Entity, IndexVec, Val};
use crate::instructions::Inst;
use crate::interp::Interp;
use crate::module::{BlockData, Constant, Def, Func, Module, Terminator};
use crate::operand::{Fimm, Flag, Imm};
use crate::semantics::eval;
use crate::types::{Type, TypeData};

/// A term, by number. Its operands have lower numbers.
pub type TermId = Val;

/// Most elements and bytes (in words) of constants that are computed with here; greater ones stay as they are.
const FOLD_MAX: usize = 4096;

/// Every term of a rule set, each once.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The terms as values: the parameters are those of the entry block, the instructions stand in no block.
    func: Func,
    /// How many constants the module had; constants made here are numbered from there.
    base: usize,
    made: Vec<Constant>,
    made_at: FxHashMap<Constant, ConstId>,
    /// By hash; terms that a hash shares stand at the next free number.
    found: FxHashMap<u64, TermId>,
    /// How many terms each is when it is written out, or more.
    sizes: Vec<u32>,
    /// Terms that a call was replaced by, and the call: what people know the term as.
    calls: FxHashMap<TermId, TermId>,
}

impl Terms {
    /// The parameters and nothing else.
    pub(super) fn new(module: &Module, params: &[Type]) -> Terms {
        let mut func = Func {
            name: "terms".into(),
            result: Type::BOOL,
            blocks: IndexVec::new(),
            insts: IndexVec::new(),
            vals: IndexVec::new(),
        };
        let entry = func.blocks.push(BlockData {
            params: Vec::new(),
            insts: Vec::new(),
            term: Terminator::Return(Val(0)),
        });
        for ty in params {
            func.push_param(entry, *ty);
        }
        Terms {
            sizes: vec![0; params.len()],
            func,
            base: module.consts.len(),
            made: Vec::new(),
            made_at: FxHashMap::default(),
            found: FxHashMap::default(),
            calls: FxHashMap::default(),
        }
    }

    /// The terms of the parameters, in order.
    pub fn params(&self) -> &[TermId] {
        self.func.params()
    }

    /// How many terms there are; numbers are below it.
    pub fn len(&self) -> usize {
        self.func.vals.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.func.vals.is_empty()
    }

    /// The type of a term.
    #[inline]
    pub fn ty(&self, term: TermId) -> Type {
        self.func.ty(term)
    }

    /// The instruction of a term, its operands terms; `None` for a parameter.
    #[inline]
    pub fn inst(&self, term: TermId) -> Option<&Inst> {
        self.func.def(term)
    }

    /// The number of the parameter that a term is.
    pub fn param(&self, term: TermId) -> Option<u32> {
        match self.func.vals[term].def {
            Def::Param(_, index) => Some(index),
            Def::Inst(_) => None,
        }
    }

    /// The constant behind a `konst` of the graph: one of the module, or one that was computed here.
    pub fn konst<'t>(&'t self, module: &'t Module, id: ConstId) -> &'t Constant {
        match id.index().checked_sub(self.base) {
            Some(made) => &self.made[made],
            None => &module.consts[id],
        }
    }

    /// The value of a constant term.
    #[inline]
    pub fn value<'t>(&'t self, module: &'t Module, term: TermId) -> Option<Cow<'t, Value>> {
        match self.inst(term)? {
            Inst::Iconst { imm } => Some(Cow::Owned(Value::Int(imm.0))),
            Inst::Fconst { imm } => Some(Cow::Owned(Value::Float(imm.get()))),
            Inst::Bconst { imm } => Some(Cow::Owned(Value::Bool(imm.0))),
            Inst::None { .. } => Some(Cow::Owned(Value::None)),
            Inst::Konst { value } => Some(Cow::Borrowed(&self.konst(module, *value).value)),
            _ => None,
        }
    }

    /// The call that a term stands for, where one was replaced by what it computes.
    pub fn call_of(&self, term: TermId) -> Option<TermId> {
        self.calls.get(&term).copied()
    }

    /// The term with the same word in which no `some` and no `unwrap` stands outermost: an optional's word is that of what
    /// it holds.
    #[inline]
    pub fn strip(&self, mut term: TermId) -> TermId {
        while let Some(Inst::Unwrap { a } | Inst::Some { a }) = self.inst(term) {
            term = *a;
        }
        term
    }

    /// How many instructions a term is when it is written out, or more where it has parts in common.
    pub(super) fn size(&self, term: TermId) -> usize {
        self.sizes[term.0 as usize] as usize
    }

    /// How a term is read.
    pub fn source(&self, term: TermId) -> Source {
        let (mut at, mut tag, mut steps) = (term, false, Vec::new());
        if let Some(Inst::Tag { a }) = self.inst(at) {
            (at, tag) = (*a, true);
        }
        let base = loop {
            match self.inst(at) {
                None => break Base::Param(self.param(at).unwrap_or(0)),
                Some(Inst::Data { data }) => break Base::Data(data.0),
                Some(Inst::DecisionId {}) => break Base::Id,
                Some(Inst::DecisionTime {}) => break Base::Time,
                Some(Inst::Unwrap { a } | Inst::Some { a }) => at = *a,
                Some(Inst::Field { a, index } | Inst::Payload { a, index, .. }) => {
                    steps.push(index.0);
                    at = *a;
                }
                Some(_) => return Source::Computed,
            }
        };
        steps.reverse();
        Source::Path {
            base,
            steps: steps.into(),
            tag,
        }
    }

    /// Visits the instructions that compute a term, operands first, each once.
    pub fn walk(&self, term: TermId, mut visit: impl FnMut(TermId, &Inst)) {
        let mut terms = vec![term];
        let mut seen = rustc_hash::FxHashSet::from_iter([term]);
        let mut next = 0;
        while let Some(at) = terms.get(next).copied() {
            next += 1;
            if let Some(inst) = self.inst(at) {
                inst.vals(|operand| {
                    if seen.insert(operand) {
                        terms.push(operand);
                    }
                });
            }
        }
        // Operands have lower numbers.
        terms.sort_unstable();
        for term in terms {
            if let Some(inst) = self.inst(term) {
                visit(term, inst);
            }
        }
    }

    /// The words of some terms of a decision, by the interpreter. Each is computed once.
    pub(super) fn words<'a>(
        &self,
        interp: &'a Interp<&Module>,
        terms: &[TermId],
        cx: &mut Cx<'a>,
        args: &[Word<'a>],
    ) -> Vec<Word<'a>> {
        let mut known: FxHashMap<TermId, Word<'a>> = FxHashMap::default();
        known.extend(self.params().iter().copied().zip(args.iter().copied()));
        for term in terms {
            self.walk(*term, |at, inst| {
                if known.contains_key(&at) {
                    return;
                }
                let word = match self.value(interp.module(), at) {
                    Some(constant) => constant.word(cx.arena),
                    None => {
                        let mut operands = Vec::new();
                        inst.vals(|v| operands.push(known[&v]));
                        interp.inst(&self.func, inst, cx, &operands)
                    }
                };
                known.insert(at, word);
            });
        }
        terms.iter().map(|term| known[term]).collect()
    }

    /// Remembers what a call was replaced by.
    pub(super) fn replaced(&mut self, call: TermId, by: TermId) {
        let plain = match self.inst(by) {
            None => true,
            Some(inst) => matches!(
                inst,
                Inst::Iconst { .. }
                    | Inst::Fconst { .. }
                    | Inst::Bconst { .. }
                    | Inst::Konst { .. }
                    | Inst::None { .. }
                    | Inst::Call { .. }
            ),
        };
        if !plain && self.source(by) == Source::Computed {
            self.calls.entry(by).or_insert(call);
        }
    }

    /// The term of a constant.
    pub(super) fn constant(&mut self, module: &Module, ty: Type, value: Value) -> TermId {
        let inst = match (module.types.get(ty), value) {
            (TypeData::Int, Value::Int(v)) => Inst::Iconst { imm: Imm(v) },
            (TypeData::Bool, Value::Bool(v)) => Inst::Bconst { imm: Flag(v) },
            (TypeData::Float, Value::Float(v)) => Inst::Fconst { imm: Fimm::new(v) },
            (TypeData::Opt(_), Value::None) => Inst::None { ty },
            (_, value) => {
                let constant = Constant { ty, value };
                let next = ConstId::new(self.base + self.made.len());
                let value = *self.made_at.entry(constant.clone()).or_insert(next);
                if value == next {
                    self.made.push(constant);
                }
                Inst::Konst { value }
            }
        };
        self.intern(inst, ty)
    }

    /// The term of an instruction whose operands are terms, simplified where that takes no thought.
    #[inline]
    pub(super) fn make(&mut self, module: &Module, inst: Inst, ty: Type) -> TermId {
        match self.simpler(module, &inst) {
            Some(term) => term,
            None => match self.folded(module, &inst) {
                Some(value) => self.constant(module, ty, value),
                None => self.intern(inst, ty),
            },
        }
    }

    fn intern(&mut self, inst: Inst, ty: Type) -> TermId {
        let mut hash = FxBuildHasher.hash_one(&inst);
        while let Some(term) = self.found.get(&hash) {
            if self.func.def(*term) == Some(&inst) {
                return *term;
            }
            hash = hash.wrapping_add(1);
        }
        let mut size: u32 = 1;
        inst.vals(|v| size = size.saturating_add(self.sizes[v.0 as usize]));
        self.sizes.push(size);
        let (_, term) = self.func.make_inst(inst, Some(ty));
        let term = term.unwrap_or_else(|| crate::bug!("a term has a value"));
        self.found.insert(hash, term);
        term
    }

    /// A term that is there already and has the word of the instruction.
    fn simpler(&mut self, module: &Module, inst: &Inst) -> Option<TermId> {
        match inst {
            Inst::Konst { value } => {
                let constant = &module.consts[*value];
                let scalar = matches!(constant.ty, Type::INT | Type::BOOL | Type::FLOAT);
                scalar.then(|| self.constant(module, constant.ty, constant.value.clone()))
            }
            Inst::Unwrap { a } => match self.inst(*a)? {
                Inst::Some { a } => Some(*a),
                _ => None,
            },
            Inst::Field { a, index } => match self.inst(*a)? {
                Inst::Record { fields, .. } => fields.get(index.0 as usize).copied(),
                _ => None,
            },
            Inst::Payload { a, tag, index } => match self.inst(*a)? {
                Inst::Variant {
                    tag: of, fields, ..
                } if of == tag => fields.get(index.0 as usize).copied(),
                _ => None,
            },
            Inst::Tag { a } => match self.inst(*a)? {
                Inst::Variant { tag, .. } => {
                    let tag = Value::Int(tag.0.into());
                    Some(self.constant(module, Type::INT, tag))
                }
                _ => None,
            },
            Inst::IsSome { a } => match self.inst(*a)? {
                Inst::Some { .. } => Some(self.constant(module, Type::BOOL, Value::Bool(true))),
                _ => None,
            },
            Inst::UnwrapOr { a, b } => match self.inst(*a)? {
                Inst::None { .. } => Some(*b),
                Inst::Some { a: held } if self.ty(*held) == self.ty(*b) => Some(*held),
                Inst::Some { .. } => Some(*a),
                _ => None,
            },
            Inst::Select { c, a, b } => match self.inst(*c)? {
                Inst::Bconst { imm } => Some(if imm.0 { *a } else { *b }),
                _ => (a == b).then_some(*a),
            },
            _ => None,
        }
    }

    /// The value of an instruction all of whose operands are constants.
    fn folded(&self, module: &Module, inst: &Inst) -> Option<Value> {
        match inst {
            Inst::Iconst { .. } | Inst::Fconst { .. } | Inst::Bconst { .. } => return None,
            Inst::Konst { .. } | Inst::Data { .. } | Inst::None { .. } => return None,
            Inst::DecisionId {} | Inst::DecisionTime {} => return None,
            Inst::Any { .. } | Inst::Fold { .. } | Inst::Mark { .. } => return None,
            Inst::Call { .. } | Inst::CallMarked { .. } => return None,
            Inst::Ask { .. } | Inst::Answer { .. } => return None,
            Inst::Decide { .. } | Inst::DecideMarked { .. } => return None,
            Inst::Native { native, .. } if module.natives[*native].context => return None,
            _ => {}
        }
        let (mut constant, mut left) = (true, FOLD_MAX);
        inst.vals(|v| {
            constant = constant
                && self
                    .value(module, v)
                    .is_some_and(|value| weigh(&value, &mut left));
        });
        if !constant {
            return None;
        }
        let arena = Arena::new();
        let mut words: Vec<Word<'_>> = Vec::new();
        inst.vals(|v| {
            let value = self.value(module, v);
            words.push(value.map_or(Word::None, |value| value.word(&arena)));
        });
        let cx = Cx::new(&arena, "", 0);
        Some(Value::of(eval(module, &self.func, inst, &words, &cx)))
    }
}

/// Takes the size of a value from what is left; false if there is not so much.
fn weigh(value: &Value, left: &mut usize) -> bool {
    let own = match value {
        Value::Str(text) => text.len() / 8,
        Value::Bytes(bytes) => bytes.len() / 8,
        _ => 0,
    };
    let Some(rest) = left.checked_sub(own + 1) else {
        return false;
    };
    *left = rest;
    match value {
        Value::Seq(of) | Value::Variant(_, of) => of.iter().all(|v| weigh(v, left)),
        _ => true,
    }
}
