//! Tests.

use super::*;
use crate::hir::{Cases, Row, Step, Test};

impl Printer<'_> {
    pub(super) fn test(&mut self, test: &Test) {
        let locals = &test.locals;
        let params = match test.params.is_empty() {
            true => String::new(),
            false => format!(" ({})", self.params(&test.params, locals)),
        };
        self.line(0, format_args!("test {:?}{params} {{", test.title));
        if let Cases::Forall { filter, .. } = &test.cases {
            let filter = filter.as_ref().map_or(String::new(), |filter| {
                format!(" where {}", self.expr(filter, locals))
            });
            self.line(1, format_args!("forall{filter}"));
        }
        for step in &test.steps {
            self.step(step, locals);
        }
        if let Cases::Rows(rows) = &test.cases {
            rows.iter().for_each(|row| self.row(row, locals));
        }
    }

    fn row(&mut self, row: &Row, locals: &Locals) {
        let cells: Vec<String> = row.cells.iter().map(|c| self.expr(c, locals)).collect();
        self.line(1, format_args!("| {}", cells.join(" | ")));
        row.expect.iter().for_each(|step| self.step(step, locals));
    }

    fn step(&mut self, step: &Step, locals: &Locals) {
        match step {
            Step::Given(local, value) => {
                let value = self.expr(value, locals);
                self.line(1, format_args!("given {} = {value}", locals[*local].name));
            }
            Step::GivenData(data, value) => {
                let (name, value) = (&self.program.data[*data].name, self.expr(value, locals));
                self.line(1, format_args!("given {name} = {value}"));
            }
            Step::GivenState(state, key, value) => {
                let name = &self.program.states[*state].name;
                let key = key.as_ref();
                let key = key.map_or(String::new(), |k| format!("[{}]", self.expr(k, locals)));
                let value = self.expr(value, locals);
                self.line(1, format_args!("given {name}{key} = {value}"));
            }
            Step::Advance(by) => self.line(1, format_args!("advance {by} us")),
            Step::Show(value) => {
                let value = self.expr(value, locals);
                self.line(1, format_args!("show {value}"));
            }
            Step::Expect { condition, by, .. } => {
                let condition = self.expr(condition, locals);
                let by = by.as_ref().map_or(String::new(), |by| {
                    let names: Vec<String> = by.iter().map(ToString::to_string).collect();
                    format!(" by {}", names.join(", "))
                });
                self.line(1, format_args!("expect {condition}{by}"));
            }
        }
    }
}
