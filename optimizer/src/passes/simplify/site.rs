//! What a rewrite can look at, and what it can answer.

use tollgate_ir::entities::{Entity, InstId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Constant, Func, Module};
use tollgate_ir::operand::{Fimm, Flag, Imm};
use tollgate_ir::types::Type;
use tollgate_runtime::Value;

/// What an instruction is replaced by.
pub(crate) enum Edit {
    /// A value that is there already.
    Value(Val),
    /// Another instruction.
    Inst(Inst),
}

/// An instruction under consideration: the function around it, as far as it has been simplified.
pub(crate) struct Site<'a> {
    func: &'a mut Func,
    module: &'a mut Module,
    /// The block so far.
    before: &'a mut Vec<InstId>,
    result: Val,
}

impl<'a> Site<'a> {
    pub(super) fn new(
        func: &'a mut Func,
        module: &'a mut Module,
        before: &'a mut Vec<InstId>,
        result: Val,
    ) -> Site<'a> {
        Site {
            func,
            module,
            before,
            result,
        }
    }

    /// The instruction that defines a value.
    pub(super) fn def(&self, v: Val) -> Option<&Inst> {
        self.func.def(v)
    }

    /// The type of a value.
    pub(super) fn ty(&self, v: Val) -> Type {
        self.func.ty(v)
    }

    /// The type of the instruction's result.
    pub(super) fn result_ty(&self) -> Type {
        self.func.ty(self.result)
    }

    /// The element type of a list, set or optional.
    pub(super) fn element(&self, v: Val) -> Option<Type> {
        self.module.types.element(self.ty(v))
    }

    /// The integer a value is known to be.
    pub(super) fn int(&self, v: Val) -> Option<i64> {
        match self.def(v)? {
            Inst::Iconst { imm } => Some(imm.0),
            _ => None,
        }
    }

    /// The float a value is known to be.
    pub(super) fn float(&self, v: Val) -> Option<f64> {
        match self.def(v)? {
            Inst::Fconst { imm } => Some(imm.get()),
            _ => None,
        }
    }

    /// The truth value a value is known to be.
    pub(super) fn bool(&self, v: Val) -> Option<bool> {
        match self.def(v)? {
            Inst::Bconst { imm } => Some(imm.0),
            _ => None,
        }
    }

    /// The constant of the module that a value is.
    pub(super) fn konst(&self, v: Val) -> Option<&Constant> {
        match self.def(v)? {
            Inst::Konst { value } => Some(&self.module.consts[*value]),
            _ => None,
        }
    }

    /// Whether a value is a constant of any kind.
    pub(super) fn is_const(&self, v: Val) -> bool {
        matches!(
            self.def(v),
            Some(
                Inst::Iconst { .. }
                    | Inst::Fconst { .. }
                    | Inst::Bconst { .. }
                    | Inst::Konst { .. }
                    | Inst::None { .. }
            )
        )
    }

    /// Whether a list, set or map is known to have no elements.
    pub(super) fn is_empty(&self, v: Val) -> bool {
        match self.def(v) {
            Some(
                Inst::List { items, .. }
                | Inst::Set { items, .. }
                | Inst::Map { items, .. }
                | Inst::Collect { items, .. },
            ) => items.is_empty(),
            Some(Inst::Konst { .. }) => {
                matches!(self.konst(v), Some(Constant { value: Value::Seq(items), .. }) if items.is_empty())
            }
            _ => false,
        }
    }

    /// The only element of a list or set that is known to have one.
    pub(super) fn only_item(&mut self, v: Val) -> Option<Val> {
        match self.def(v)? {
            Inst::List { items, .. } | Inst::Set { items, .. } => match **items {
                [item] => Some(item),
                _ => None,
            },
            Inst::Konst { .. } => {
                let item = match &self.konst(v)?.value {
                    Value::Seq(items) if items.len() == 1 => items[0].clone(),
                    _ => return None,
                };
                let of = self.element(v)?;
                Some(self.constant(of, item))
            }
            _ => None,
        }
    }

    /// Whether `a` holds exactly when `b` does not, by their definitions.
    pub(super) fn are_opposite(&self, a: Val, b: Val) -> bool {
        if matches!(self.def(a), Some(Inst::Bnot { a: x }) if *x == b)
            || matches!(self.def(b), Some(Inst::Bnot { a: x }) if *x == a)
        {
            return true;
        }
        match (self.def(a), self.def(b)) {
            (Some(Inst::Icmp { cc: c, a, b }), Some(Inst::Icmp { cc: d, a: x, b: y }))
            | (Some(Inst::Fcmp { cc: c, a, b }), Some(Inst::Fcmp { cc: d, a: x, b: y }))
            | (Some(Inst::Scmp { cc: c, a, b }), Some(Inst::Scmp { cc: d, a: x, b: y })) => {
                (a == x && b == y && c.negate() == *d)
                    || (a == y && b == x && c.negate() == d.swap())
            }
            _ => false,
        }
    }

    /// Adds an instruction before this one.
    pub(super) fn emit(&mut self, inst: Inst, ty: Type) -> Val {
        let (id, result) = self.func.make_inst(inst, Some(ty));
        self.before.push(id);
        // `make_inst` gives a result whenever it is given a type.
        result.unwrap_or(Val::new(0))
    }

    /// Adds an integer constant before this instruction.
    pub(super) fn emit_int(&mut self, value: i64) -> Val {
        self.emit(Inst::Iconst { imm: Imm(value) }, Type::INT)
    }

    /// Adds a constant of any type before this instruction.
    fn constant(&mut self, ty: Type, value: Value) -> Val {
        let inst = crate::consts::inst_of(self.module, ty, value);
        self.emit(inst, ty)
    }
}

/// The existing value `v`.
pub(super) fn val(v: Val) -> Option<Edit> {
    Some(Edit::Value(v))
}

/// The instruction `i`.
pub(super) fn inst(i: Inst) -> Option<Edit> {
    Some(Edit::Inst(i))
}

/// An integer constant.
pub(super) fn int(value: i64) -> Option<Edit> {
    inst(Inst::Iconst { imm: Imm(value) })
}

/// A float constant.
pub(super) fn float(value: f64) -> Option<Edit> {
    inst(Inst::Fconst {
        imm: Fimm::new(value),
    })
}

/// A truth value.
pub(super) fn bool(value: bool) -> Option<Edit> {
    inst(Inst::Bconst { imm: Flag(value) })
}

/// Goes on only when something holds.
pub(super) fn when(holds: bool) -> Option<()> {
    holds.then_some(())
}
