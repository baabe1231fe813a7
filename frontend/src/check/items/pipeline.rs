//! `pipeline`

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tollgate_grammar::ast::{self, PatternKind};
use tollgate_grammar::source::Span;

use super::{bind_parameters, no_expr, no_locals};
use crate::check::{Body, Checker, ModuleId, Place};
use crate::diagnostics::catalog::items;
use crate::hir::{Callee, Expr, ExprKind, Pattern, Pipeline, PipelineId, Stage};
use crate::types::ty::Ty;

/// A pipeline of which nothing is known but that it exists.
pub(super) fn empty(pipeline: &ast::Pipeline, module: Arc<str>) -> Pipeline {
    Pipeline {
        name: pipeline.name.text.as_str().into(),
        module,
        span: pipeline.name.span,
        params: Vec::new(),
        locals: no_locals(),
        result: Ty::Error,
        stages: Vec::new(),
        then: no_expr(pipeline.then.span),
    }
}

/// Checks the stages of a pipeline.
pub(super) fn check(
    checker: &mut Checker<'_>,
    module: ModuleId,
    pipeline: &ast::Pipeline,
    id: PipelineId,
) {
    let signature = checker.pipeline_signatures[&id].clone();
    let result = &signature.result;
    let mut body = Body::new(checker, module, Place::Value);
    let params = bind_parameters(&mut body, &pipeline.params, &signature);
    let mut names: FxHashMap<&str, Span> = FxHashMap::default();
    for param in &pipeline.params {
        names.insert(&param.name.text, param.name.span);
    }
    let mut stages = Vec::with_capacity(pipeline.stages.len());
    for stage in &pipeline.stages {
        if let Some(first) = names.insert(&stage.name.text, stage.name.span) {
            let found = items::duplicate_stage(&stage.name)
                .at(stage.name.span, "a second thing of this name")
                .at(first, "the first");
            body.checker.sink.emit(found);
        }
        let mut value = body.expr(&stage.value, None);
        mark(&mut value);
        let stop = stage.stop.as_ref().map(|stop| {
            let scope = body.enter();
            let pattern = body.pattern(&stop.pattern, &value.ty);
            let ends = body.expr(&stop.value, Some(result));
            body.leave(scope);
            let plain = matches!(
                stop.pattern.kind,
                PatternKind::Wildcard | PatternKind::Name(_)
            );
            if plain && matches!(pattern, Pattern::Any | Pattern::Bind(_)) && !value.ty.is_error() {
                report_always_stops(&mut body, stop);
            }
            (pattern, ends)
        });
        let local = body.bind(&stage.name, value.ty.clone());
        stages.push(Stage { local, value, stop });
    }
    if pipeline.incomplete {
        // A stage was not understood, so a name that is missing below may be its name.
        body.checker.modules[module.0 as usize].incomplete = true;
    }
    let then = body.expr(&pipeline.then, Some(result));
    let locals = body.locals;
    let found = &mut checker.program.pipelines[id];
    found.params = params;
    found.locals = locals;
    found.result = signature.result;
    found.stages = stages;
    found.then = then;
}

/// A stage that is a decision leaves its marks in the trace.
fn mark(value: &mut Expr) {
    if let ExprKind::Decide {
        callee: Callee::RuleSet(_),
        marked,
        ..
    } = &mut value.kind
    {
        *marked = true;
    }
}

fn report_always_stops(body: &mut Body<'_, '_>, stop: &ast::Arm) {
    let found = items::always_stops()
        .at(stop.pattern.span, "matches every value")
        .note("what stands behind this stage is never reached");
    body.checker.sink.emit(found);
}
