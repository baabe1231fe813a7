//! Pipelines: one function, stage after stage.

use tollgate_ir::module::{Module, Site};

use super::Lowering;
use super::func::Owner;
use crate::hir::{Expr, Pipeline, PipelineId};

/// Visits every expression of a pipeline.
pub(super) fn exprs<'h>(pipeline: &'h Pipeline, visit: &mut dyn FnMut(&'h Expr)) {
    for stage in &pipeline.stages {
        visit(&stage.value);
        if let Some((_, value)) = &stage.stop {
            visit(value);
        }
    }
    visit(&pipeline.then);
}

impl Lowering<'_> {
    /// Lowers a pipeline.
    pub(super) fn pipeline(&mut self, module: &mut Module, id: PipelineId) {
        let program = self.program;
        let pipeline = &program.pipelines[id];
        let owner = Owner::new(&pipeline.name, &pipeline.locals, &pipeline.params);
        let result = self.types.get(&mut module.types, &pipeline.result);
        let (name, params) = (pipeline.name.to_string(), &*pipeline.params);
        let func = self.build(module, &owner, name, params, result, |f| {
            for stage in &pipeline.stages {
                let site = f.b.module().sites.push(Site::Stage {
                    pipeline: (&*pipeline.name).into(),
                    stage: (&*pipeline.locals[stage.local].name).into(),
                });
                f.b.mark(site);
                let ty = f.ty(&pipeline.locals[stage.local].ty);
                let value = f.expr(&stage.value, ty);
                f.bind(stage.local, value);
                let Some((pattern, answer)) = &stage.stop else {
                    continue;
                };
                let go_on = f.b.block(&[]);
                let mark = f.enter();
                f.pattern(pattern, value, Some(go_on));
                let answer = f.expr(answer, result);
                f.b.ret(answer);
                f.leave(mark);
                f.b.switch_to(go_on);
            }
            let value = f.expr(&pipeline.then, result);
            f.b.ret(value);
        });
        self.pipelines[id] = Some(func);
    }
}
