//! What it takes to lower one function: the builder, what is in scope, and where a spine leaves to.

use tollgate_ir::bug;
use tollgate_ir::builder::FuncBuilder;
use tollgate_ir::entities::{Block, Entity, FuncId, IndexVec, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::Module;
use tollgate_ir::types::{Type, TypeData};

use super::Lowering;
use super::binders::Binders;
use crate::hir::{Expr, FnId, LocalId, Locals};
use crate::types::ty::Ty;

/// What several functions belong to: a `fn`, a rule set, a pipeline or a test.
pub(super) struct Owner<'h> {
    /// What the names of helper functions begin with.
    pub(super) name: Box<str>,
    /// Its parameters and bindings.
    pub(super) locals: &'h Locals,
    /// Its parameters, which every function of a rule set has.
    pub(super) params: &'h [LocalId],
    /// What conditions bind for what stands behind them.
    pub(super) binders: Binders<'h>,
}

/// Where the operands of a spine leave to when a value is absent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spine {
    /// `?? skip`: the rule does not match.
    pub(super) skip: Block,
    /// `?? deny`: the denial applies. Absent until it is needed; see [`FnLower::deny`].
    pub(super) deny: Option<Block>,
}

/// A function being lowered.
pub(super) struct FnLower<'m, 'c, 'h> {
    pub(super) b: FuncBuilder<'m>,
    pub(super) cx: &'c mut Lowering<'h>,
    pub(super) owner: &'c Owner<'h>,
    /// Set in conditions. Elsewhere `?? skip` and `?? deny` are known to have found a value.
    pub(super) spine: Option<Spine>,
    /// Whether a binding is being computed again: what it asked has been answered.
    pub(super) again: bool,
    scope: Scope,
}

/// The locals in scope while a function is lowered. Empty again when it is done, and then used for the next one.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The value of each local in scope; those of other blocks are taken out again by [`FnLower::leave`].
    vals: IndexVec<LocalId, Option<Val>>,
    /// What `vals` held before, for `leave`.
    undo: Vec<(LocalId, Option<Val>)>,
}

impl<'h> Owner<'h> {
    /// An owner whose conditions bind nothing for others.
    pub(super) fn new(name: &str, locals: &'h Locals, params: &'h [LocalId]) -> Owner<'h> {
        Owner {
            name: name.into(),
            locals,
            params,
            binders: Binders::default(),
        }
    }
}

impl<'h> Lowering<'h> {
    /// Makes a function of the given locals. The body ends every block it makes current.
    pub(super) fn build(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        name: String,
        params: &[LocalId],
        result: Type,
        body: impl FnOnce(&mut FnLower<'_, '_, 'h>),
    ) -> FuncId {
        let mut types = Vec::with_capacity(params.len());
        for param in params {
            types.push(self.types.get(&mut module.types, &owner.locals[*param].ty));
        }
        self.build_raw(module, owner, name, &types, result, |f| {
            for (i, param) in params.iter().enumerate() {
                let val = f.b.params()[i];
                f.bind(*param, val);
            }
            body(f);
        })
    }

    /// Makes a function whose parameters the body binds itself.
    pub(super) fn build_raw(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        name: String,
        params: &[Type],
        result: Type,
        body: impl FnOnce(&mut FnLower<'_, '_, 'h>),
    ) -> FuncId {
        let name = self.names.unique(name);
        let scope = self.scopes.pop().unwrap_or_default();
        let mut lower = FnLower {
            b: FuncBuilder::new(module, name, params, result),
            cx: self,
            owner,
            spine: None,
            again: false,
            scope,
        };
        body(&mut lower);
        lower.leave(0);
        let FnLower { b, scope, .. } = lower;
        self.scopes.push(scope);
        b.finish()
    }

    /// Makes a function that gives the value of an expression.
    pub(super) fn build_value(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        name: String,
        params: &[LocalId],
        result: &Ty,
        value: &Expr,
    ) -> FuncId {
        let result = self.types.get(&mut module.types, result);
        self.build(module, owner, name, params, result, |f| {
            let value = f.expr(value, result);
            f.b.ret(value);
        })
    }

    /// Lowers a `fn`.
    pub(super) fn function(&mut self, module: &mut Module, id: FnId) {
        let function = &self.program.fns[id];
        let owner = Owner::new(&function.name, &function.locals, &function.params);
        let (name, params) = (function.name.to_string(), &*function.params);
        let func = self.build_value(
            module,
            &owner,
            name,
            params,
            &function.result,
            &function.body,
        );
        self.fns[id] = Some(func);
    }
}

impl<'h> FnLower<'_, '_, 'h> {
    /// The IR type of a type.
    pub(super) fn ty(&mut self, ty: &Ty) -> Type {
        self.cx.types.get(&mut self.b.module().types, ty)
    }

    /// What an IR type stands for.
    pub(super) fn kind(&mut self, ty: Type) -> TypeData {
        self.b.module().types.get(ty)
    }

    /// Whether an IR type is an optional.
    pub(super) fn is_optional(&mut self, ty: Type) -> bool {
        matches!(self.kind(ty), TypeData::Opt(_))
    }

    /// `T?`, which is `T` where that is an optional already.
    pub(super) fn optional(&mut self, ty: Type) -> Type {
        if self.is_optional(ty) {
            return ty;
        }
        self.b.module().types.opt(ty)
    }

    /// Brings a local into scope.
    pub(super) fn bind(&mut self, local: LocalId, val: Val) {
        let scope = &mut self.scope;
        while scope.vals.len() <= local.index() {
            scope.vals.push(None);
        }
        let before = scope.vals[local].replace(val);
        scope.undo.push((local, before));
    }

    /// Whether a local has its value here already.
    pub(super) fn is_bound(&self, local: LocalId) -> bool {
        self.bound(local).is_some()
    }

    fn bound(&self, local: LocalId) -> Option<Val> {
        self.scope.vals.get(local).copied().flatten()
    }

    /// Where a scope begins, for [`FnLower::leave`].
    pub(super) fn enter(&self) -> usize {
        self.scope.undo.len()
    }

    /// Takes what was bound since `mark` out of scope: its blocks do not dominate what comes now.
    pub(super) fn leave(&mut self, mark: usize) {
        for (local, before) in self.scope.undo.drain(mark..).rev() {
            self.scope.vals[local] = before;
        }
    }

    /// The value of a local: a parameter, something bound to the left, or what the condition before this function bound.
    pub(super) fn local(&mut self, local: LocalId) -> Val {
        if let Some(val) = self.bound(local) {
            return val;
        }
        let owner = self.owner;
        let Some(binder) = owner.binders.get(local) else {
            let name = &owner.locals[local].name;
            bug!("`{name}` is used in `{}` outside its scope", owner.name);
        };
        let val = match binder.outlined {
            Some(func) => {
                let args: Vec<Val> = owner.params.iter().map(|p| self.local(*p)).collect();
                self.b.call(func, &args)
            }
            None => self.recompute(local, &binder.source),
        };
        self.bind(local, val);
        val
    }

    /// The value as the type wanted: a present value where an optional is wanted becomes one.
    pub(super) fn fit(&mut self, val: Val, want: Type) -> Val {
        let have = self.b.ty(val);
        if have != want && self.kind(want) == TypeData::Opt(have) {
            return self.b.ins(Inst::Some { a: val });
        }
        val
    }

    /// Ends the current block towards `yes` if `cond` has the value `sense`, else towards `fail`; goes on in `yes`, a new block.
    pub(super) fn go_on_if(&mut self, cond: Val, sense: bool, fail: Block) {
        let yes = self.b.block(&[]);
        if sense {
            self.b.br(cond, (yes, &[]), (fail, &[]));
        } else {
            self.b.br(cond, (fail, &[]), (yes, &[]));
        }
        self.b.switch_to(yes);
    }
}
