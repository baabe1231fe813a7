//! `fn`

use std::sync::Arc;

use tollgate_grammar::ast;

use super::{bind_parameters, no_expr, no_locals};
use crate::check::{Body, Checker, ModuleId, Place};
use crate::hir::{FnId, Function};
use crate::types::ty::Ty;

/// A function of which nothing is known but that it exists.
pub(super) fn empty(function: &ast::Function, module: Arc<str>) -> Function {
    Function {
        name: function.name.text.as_str().into(),
        module,
        span: function.name.span,
        params: Vec::new(),
        locals: no_locals(),
        result: Ty::Error,
        body: no_expr(function.body.span),
    }
}

/// Checks the body of a function.
pub(super) fn check(
    checker: &mut Checker<'_>,
    module: ModuleId,
    function: &ast::Function,
    id: FnId,
) {
    let signature = checker.fn_signatures[&id].clone();
    let mut body = Body::new(checker, module, Place::Value);
    let params = bind_parameters(&mut body, &function.params, &signature);
    let value = body.expr(&function.body, Some(&signature.result));
    let locals = body.locals;
    let found = &mut checker.program.fns[id];
    found.params = params;
    found.locals = locals;
    found.result = signature.result;
    found.body = value;
}
