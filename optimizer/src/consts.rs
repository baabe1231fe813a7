//! Constants, and evaluating instructions whose operands are constants.
//!
//! What an instruction means is said once, in `tollgate_ir::semantics`, which the interpreter calls too: a folded program cannot
//! disagree with a run one.

use rustc_hash::FxHashMap;
use tollgate_ir::entities::{ConstId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Constant, Func, Module};
use tollgate_ir::operand::{Fimm, Flag, Imm};
use tollgate_ir::semantics;
use tollgate_ir::types::{FieldData, Type, TypeData};
use tollgate_runtime::{Arena, Cx, Value, Word};

/// The largest constant that folding makes, in words and bytes; a larger one is cheaper to compute than to carry.
const MAX_SIZE: usize = 4096;

/// A constant, small enough to copy. Equal ones are equal values; different ones may be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Const {
    Int(i64),
    Float(Fimm),
    Bool(bool),
    /// The absent value of an optional type.
    None(Type),
    /// A constant of the module.
    Pool(ConstId),
}

impl Const {
    /// The constant that an instruction gives, if it is one that gives a constant.
    pub(crate) fn of(module: &Module, inst: &Inst) -> Option<Const> {
        Some(match inst {
            Inst::Iconst { imm } => Const::Int(imm.0),
            Inst::Fconst { imm } => Const::Float(*imm),
            Inst::Bconst { imm } => Const::Bool(imm.0),
            Inst::None { ty } => Const::None(*ty),
            Inst::Konst { value } => match &module.consts[*value] {
                Constant {
                    ty: Type::INT,
                    value: Value::Int(v),
                } => Const::Int(*v),
                Constant {
                    ty: Type::FLOAT,
                    value: Value::Float(v),
                } => Const::Float(Fimm::new(*v)),
                Constant {
                    ty: Type::BOOL,
                    value: Value::Bool(v),
                } => Const::Bool(*v),
                Constant {
                    ty,
                    value: Value::None,
                } => Const::None(*ty),
                _ => Const::Pool(*value),
            },
            _ => return None,
        })
    }

    /// The instruction that gives it.
    pub(crate) fn inst(self) -> Inst {
        match self {
            Const::Int(v) => Inst::Iconst { imm: Imm(v) },
            Const::Float(imm) => Inst::Fconst { imm },
            Const::Bool(v) => Inst::Bconst { imm: Flag(v) },
            Const::None(ty) => Inst::None { ty },
            Const::Pool(value) => Inst::Konst { value },
        }
    }
}

/// The instruction that gives a value of a type.
pub(crate) fn inst_of(module: &mut Module, ty: Type, value: Value) -> Inst {
    match (ty, value) {
        (Type::INT, Value::Int(v)) => Const::Int(v).inst(),
        (Type::FLOAT, Value::Float(v)) => Const::Float(Fimm::new(v)).inst(),
        (Type::BOOL, Value::Bool(v)) => Const::Bool(v).inst(),
        (ty, Value::None) => Const::None(ty).inst(),
        (ty, value) => Const::Pool(module.konst(ty, value)).inst(),
    }
}

/// Evaluates instructions at compile time.
pub(crate) struct Folder<'a> {
    cx: Cx<'a>,
    /// Constants of the module that have been laid out: a long list is laid out once, not at every use.
    words: FxHashMap<ConstId, Word<'a>>,
}

impl<'a> Folder<'a> {
    pub(crate) fn new(arena: &'a Arena) -> Folder<'a> {
        Folder {
            cx: Cx::new(arena, "", 0),
            words: FxHashMap::default(),
        }
    }

    /// What an instruction gives, if it is a function of its operands and `known` knows them all.
    pub(crate) fn fold(
        &mut self,
        module: &mut Module,
        func: &Func,
        inst: &Inst,
        ty: Type,
        known: impl Fn(Val) -> Option<Const>,
    ) -> Option<Const> {
        if let Some(constant) = Const::of(module, inst) {
            return Some(constant);
        }
        if !is_function_of_operands(module, inst) {
            return None;
        }
        let mut args: Vec<Word<'a>> = Vec::new();
        let mut all = true;
        inst.vals(|v| match known(v) {
            Some(c) if all => args.push(self.word(module, c)),
            _ => all = false,
        });
        if !all {
            return None;
        }
        let word = self.eval(module, func, inst, &args);
        if size(word) > MAX_SIZE || !fits(module, ty, word) {
            return None;
        }
        let inst = inst_of(module, ty, Value::of(word));
        Const::of(module, &inst)
    }

    fn eval(&mut self, module: &Module, func: &Func, inst: &Inst, args: &[Word<'a>]) -> Word<'a> {
        semantics::eval(module, func, inst, args, &self.cx)
    }

    fn word(&mut self, module: &Module, constant: Const) -> Word<'a> {
        match constant {
            Const::Int(v) => Word::Int(v),
            Const::Float(v) => Word::Float(v.get()),
            Const::Bool(v) => Word::Bool(v),
            Const::None(_) => Word::None,
            Const::Pool(id) => {
                let arena = self.cx.arena;
                let lay_out = || module.consts[id].value.word(arena);
                *self.words.entry(id).or_insert_with(lay_out)
            }
        }
    }
}

/// Whether an instruction always gives the same for the same operands, and can be evaluated by itself.
pub(crate) fn is_function_of_operands(module: &Module, inst: &Inst) -> bool {
    match inst {
        Inst::Data { .. } | Inst::DecisionId {} | Inst::DecisionTime {} => false,
        Inst::Any { .. } | Inst::Fold { .. } => false,
        Inst::Ask { .. } | Inst::Answer { .. } => false,
        Inst::Call { .. } | Inst::CallMarked { .. } => false,
        Inst::Decide { .. } | Inst::DecideMarked { .. } | Inst::Mark { .. } => false,
        Inst::Search { .. } | Inst::SearchMarked { .. } => false,
        Inst::Native { native, .. } => !module.natives[*native].context,
        _ => true,
    }
}

/// How large a word is, in words and bytes; counting stops when it is too large.
fn size(word: Word<'_>) -> usize {
    match word {
        Word::Str(text) => text.len(),
        Word::Bytes(bytes) => bytes.len(),
        Word::Seq(items) | Word::Variant(_, items) => {
            let mut total = items.len();
            for item in items {
                if total > MAX_SIZE {
                    break;
                }
                total += size(*item);
            }
            total
        }
        _ => 1,
    }
}

/// Whether a word is one of a type. Where an instruction would not run, its operands can be such that it gives something else:
/// what is unwrapped of `none` is `none`.
fn fits(module: &Module, ty: Type, word: Word<'_>) -> bool {
    let all = |of: Type, items: &[Word<'_>]| items.iter().all(|w| fits(module, of, *w));
    let fields = |types: &[FieldData], items: &[Word<'_>]| {
        let mut each = types.iter().zip(items);
        types.len() == items.len() && each.all(|(f, w)| fits(module, f.ty, *w))
    };
    match (module.types.get(ty), word) {
        (TypeData::Bool, Word::Bool(_))
        | (TypeData::Int, Word::Int(_))
        | (TypeData::Float, Word::Float(_))
        | (TypeData::Str, Word::Str(_))
        | (TypeData::Bytes, Word::Bytes(_))
        | (TypeData::Ip, Word::Ip(_))
        | (TypeData::Cidr, Word::Cidr(_))
        | (TypeData::Opt(_), Word::None) => true,
        (TypeData::Opt(of), word) => fits(module, of, word),
        (TypeData::List(of) | TypeData::Set(of), Word::Seq(items)) => all(of, items),
        (TypeData::Map(key, value), Word::Seq(items)) => items
            .chunks(2)
            .all(|e| e.len() == 2 && fits(module, key, e[0]) && fits(module, value, e[1])),
        (TypeData::Record(id), Word::Seq(items)) => fields(&module.types.records[id].fields, items),
        (TypeData::Enum(id), Word::Variant(tag, items)) => {
            let variant = module.types.enums[id].variants.get(tag as usize);
            variant.is_some_and(|v| fields(&v.fields, items))
        }
        _ => false,
    }
}
