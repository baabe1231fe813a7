//! What is asked about a program: an expression in the scope of its main module, behind names bound to values.
//!
//! It is checked as the steps of a test are, and becomes the program's only test.

use tollgate_grammar::{ast, prompt};

use super::items::test::{given, mark};
use super::{Body, Checker, ModuleId, Place};
use crate::Question;
use crate::hir::{Cases, Step, Test};

/// Checks what is asked, in place of the tests of the program.
pub(super) fn check(checker: &mut Checker<'_>, question: &Question<'_>) {
    checker.program.tests.clear();
    let bindings = question.bindings.iter();
    let values: Vec<Option<prompt::Value>> = bindings
        .chain(question.expression.as_ref())
        .map(|(file, text)| parse(checker, file, text))
        .collect();
    let mut body = Body::new(checker, ModuleId(0), Place::Test);
    let mut steps = Vec::with_capacity(values.len());
    for value in values.into_iter().flatten() {
        match value.name {
            Some(name) => {
                let place = ast::Place {
                    span: name.span,
                    name,
                    key: None,
                };
                steps.extend(given(&mut body, &place, None, &value.value));
            }
            None => {
                let mut shown = body.expr(&value.value, None);
                mark(&mut shown);
                steps.push(Step::Show(shown));
            }
        }
    }
    let locals = body.locals;
    checker.program.tests.push(Test {
        title: "question".into(),
        span: Default::default(),
        locals,
        params: Vec::new(),
        cases: Cases::Once,
        steps,
    });
}

fn parse(checker: &mut Checker<'_>, file: &str, text: &str) -> Option<prompt::Value> {
    let id = checker.sources.add(file, text);
    let (value, errors) = prompt::parse(id, text);
    for error in errors {
        checker.sink.emit(error.into());
    }
    value
}
