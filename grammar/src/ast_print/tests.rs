//! Tests and proofs.

use super::*;

impl Printer {
    pub(super) fn test(&mut self, test: &Test, span: Span) {
        self.node(span, format_args!("test {:?}", test.title.value), |p| {
            p.params(&test.columns);
            if let Some(forall) = &test.forall {
                p.node(forall.span, format_args!("forall"), |p| {
                    p.params(&forall.params);
                    forall.filter.iter().for_each(|filter| p.expr(filter));
                });
            }
            test.steps.iter().for_each(|step| p.step(step));
            test.rows.iter().for_each(|row| p.test_row(row));
        });
    }

    pub(super) fn prove(&mut self, prove: &Prove, span: Span) {
        self.node(span, format_args!("prove {:?}", prove.title.value), |p| {
            p.params(&prove.forall);
            prove.filter.iter().for_each(|filter| p.expr(filter));
            p.expr(&prove.holds);
        });
    }

    fn step(&mut self, step: &Step) {
        match &step.kind {
            StepKind::Given { place, ty, value } => {
                self.node(step.span, format_args!("given"), |p| {
                    p.place("place", place);
                    ty.iter().for_each(|ty| p.ty(ty));
                    p.expr(value);
                });
            }
            StepKind::Expect { condition, by } => {
                self.node(step.span, format_args!("expect"), |p| {
                    p.expr(condition);
                    p.deciders(by);
                });
            }
            StepKind::Advance(time) => {
                self.node(step.span, format_args!("advance"), |p| p.expr(time));
            }
            StepKind::Error => self.line(step.span, format_args!("error")),
        }
    }

    fn test_row(&mut self, row: &TestRow) {
        self.node(row.span, format_args!("row"), |p| {
            row.cells.iter().for_each(|cell| p.expr(cell));
            if let Some(expected) = &row.expected {
                p.pattern(&expected.pattern);
                p.deciders(&expected.by);
            }
        });
    }

    fn deciders(&mut self, by: &[Decider]) {
        for decider in by {
            match &decider.set {
                Some(set) => self.line(decider.span, format_args!("name {set}.{}", decider.rule)),
                None => self.line(decider.span, format_args!("name {}", decider.rule)),
            }
        }
    }
}
