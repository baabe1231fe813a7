//! Tests and proofs.

use super::columns::InColumns;
use super::lists::{Brackets, Overflow};
use super::rules::Entries;
use super::writer::Writer;
use crate::ast::{Decider, Prove, Step, StepKind, Test, TestRow};

impl Writer<'_> {
    /// Writes a test.
    pub(super) fn test(&mut self, test: &Test) {
        self.token();
        self.spaced();
        if !test.columns.is_empty() {
            self.blank();
            self.list(
                Brackets::Tight,
                Overflow::Lines,
                &test.columns,
                |w, param| {
                    w.param(param);
                },
            );
        }
        self.blank();
        let is_empty = test.forall.is_none() && test.steps.is_empty() && test.rows.is_empty();
        self.block(is_empty, |w| {
            let mut entries = Entries::default();
            if let Some(forall) = &test.forall {
                entries.next_part(w);
                w.comments_before();
                w.group(|w| {
                    w.token();
                    w.names(forall.params.len(), |w, index| {
                        w.param(&forall.params[index])
                    });
                    if let Some(filter) = &forall.filter {
                        w.indented(|w| {
                            w.fill();
                            w.token();
                            w.blank();
                            w.condition(filter);
                        });
                    }
                });
            }
            for step in &test.steps {
                entries.next_part(w);
                w.comments_before();
                w.group(|w| w.step(step));
            }
            if !test.rows.is_empty() {
                w.break_groups();
                w.rows(&mut entries, &test.rows);
            }
        });
    }

    fn step(&mut self, step: &Step) {
        match &step.kind {
            StepKind::Given { place, ty, value } => {
                self.token();
                self.blank();
                match ty {
                    Some(ty) => {
                        self.label();
                        self.ty(ty);
                    }
                    None => self.place(place),
                }
                self.spaced();
                self.value_behind_sign(value);
            }
            StepKind::Expect { condition, by } => {
                self.token();
                self.blank();
                self.condition(condition);
                self.by(by);
            }
            StepKind::Advance(by) => {
                self.token();
                self.blank();
                self.expr(by);
            }
            // Of a file without mistakes there is none.
            StepKind::Error => {}
        }
    }

    /// Writes the deciding rules, where there are some.
    fn by(&mut self, by: &[Decider]) {
        if by.is_empty() {
            return;
        }
        self.indented(|w| {
            w.fill();
            w.token();
            w.names(by.len(), |w, index| {
                let decider = &by[index];
                w.tight(if decider.set.is_some() { 3 } else { 1 });
                // `row 2`
                if decider.rule.text.contains(' ') {
                    w.spaced();
                }
            });
        });
    }

    /// Writes a proof.
    pub(super) fn prove(&mut self, prove: &Prove) {
        self.token();
        self.spaced();
        self.blank();
        self.block(false, |w| {
            w.comments_before();
            w.token();
            w.names(prove.forall.len(), |w, index| w.param(&prove.forall[index]));
            if let Some(filter) = &prove.filter {
                w.part_line();
                w.token();
                w.blank();
                w.condition(filter);
            }
            w.part_line();
            w.token();
            w.blank();
            w.condition(&prove.holds);
        });
    }

    /// Writes what stands behind a keyword with commas between and no brackets around.
    fn names(&mut self, count: usize, mut each: impl FnMut(&mut Self, usize)) {
        self.group(|w| {
            w.indented(|w| {
                for index in 0..count {
                    if index > 0 {
                        w.token();
                        w.fill();
                    } else {
                        w.blank();
                    }
                    each(w, index);
                }
            });
        });
    }
}

impl InColumns for TestRow {
    fn cells(&self) -> usize {
        self.cells.len()
    }

    fn cell(&self, index: usize, w: &mut Writer<'_>) {
        w.expr(&self.cells[index]);
    }

    fn has_value(&self) -> bool {
        self.expected.is_some()
    }

    fn value(&self, w: &mut Writer<'_>) {
        if let Some(expected) = &self.expected {
            w.group(|w| {
                w.blank();
                w.pattern(&expected.pattern);
                w.by(&expected.by);
            });
        }
    }
}
