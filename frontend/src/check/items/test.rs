//! `test`

mod deciders;

use tollgate_grammar::ast::{self, StepKind};
use tollgate_grammar::source::Span;
use tollgate_runtime::Value;

use super::parameters;
use crate::check::{Body, Checker, Def, ModuleId, Place};
use crate::diagnostics::catalog::{items, rules, states};
use crate::hir::walk;
use crate::hir::{Callee, Cases, Expr, ExprKind, LocalId, Row, StateId, StateKind, Step, Test};
use crate::types::ty::{Ty, Unit};

use deciders::{named, traced};

/// Checks a test.
pub(super) fn check(checker: &mut Checker<'_>, module: ModuleId, test: &ast::Test) {
    shape(checker, test);
    let drawn = test.forall.iter().flat_map(|forall| &forall.params);
    let declared: Vec<ast::Param> = test.columns.iter().chain(drawn).cloned().collect();
    let typed = parameters(checker, module, &declared);
    let mut body = Body::new(checker, module, Place::Test);
    let bound = declared.iter().zip(typed);
    let params: Vec<LocalId> = bound.map(|(p, (_, ty))| body.bind(&p.name, ty)).collect();
    let filter = test.forall.as_ref().and_then(|f| f.filter.as_ref());
    let filter = filter.map(|filter| {
        // What it proves holds in the steps; what it binds is not seen there.
        let (visible, _) = body.enter();
        let filter = body.condition(filter);
        body.visible.truncate(visible);
        filter
    });
    let expecting = test.rows.iter().any(|row| row.expected.is_some());
    let asked = test.steps.last().filter(|_| expecting);
    let mut steps = Vec::with_capacity(test.steps.len());
    let first = test.steps.len() - usize::from(asked.is_some());
    for step in &test.steps[..first] {
        match &step.kind {
            StepKind::Given { place, ty, value } => {
                steps.extend(given(&mut body, place, ty.as_ref(), value));
            }
            StepKind::Expect { condition, by } => {
                steps.push(expect(&mut body, step.span, condition, by));
            }
            StepKind::Advance(by) => {
                let ty = Ty::full(Unit::Duration);
                if let Some((_, Value::Int(by))) = body.constant(by, Some(&ty)) {
                    steps.push(Step::Advance(by.max(0)));
                }
            }
            StepKind::Error => {}
        }
    }
    let subject = asked.and_then(|step| match &step.kind {
        StepKind::Expect { condition, .. } => {
            let mut subject = body.expr(condition, None);
            let callee = mark(&mut subject);
            Some((subject, callee))
        }
        _ => None,
    });
    let cases = if let Some(forall) = &test.forall {
        let written = |p: &ast::Param| body.checker.sources.slice(p.ty.span).into();
        let types = forall.params.iter().map(written).collect();
        Cases::Forall { types, filter }
    } else if test.rows.is_empty() {
        Cases::Once
    } else {
        let each = test.rows.iter();
        let rows =
            each.filter_map(|row| self::row(&mut body, test, row, &params, subject.as_ref()));
        Cases::Rows(rows.collect())
    };
    let locals = body.locals;
    checker.program.tests.push(Test {
        title: (&*test.title.value).into(),
        span: test.title.span,
        locals,
        params,
        cases,
        steps,
    });
}

/// Whether columns, rows, `forall` and steps fit together.
fn shape(checker: &mut Checker<'_>, test: &ast::Test) {
    let title = test.title.span;
    let found = match (&test.columns[..], &test.forall, &test.rows[..]) {
        (_, Some(forall), [row, ..]) => {
            items::bad_test_rows("a test has rows or `forall`, not both")
                .at(row.span, "a row gives the values")
                .at(forall.span, "here the values are drawn")
        }
        ([column, ..], Some(forall), []) => {
            items::bad_test_rows("a test has columns or `forall`, not both")
                .at(column.span, "columns are for rows")
                .at(forall.span, "here the values are drawn")
        }
        ([], None, [row, ..]) => items::bad_test_rows("the rows of a test need columns")
            .at(row.span, "which column does a cell belong to?")
            .at(
                title,
                "name and type of each stand behind the title: `(path: Path)`",
            ),
        ([column, ..], None, []) => items::bad_test_rows("a test with columns needs rows")
            .at(column.span, "a row gives it a value")
            .help("write `| value |` for each column, behind the steps"),
        (_, _, rows) => {
            let Some(row) = rows.iter().find(|row| row.expected.is_some()) else {
                return;
            };
            let plain = |row: &&ast::TestRow| row.expected.is_none() && !row.cells.is_empty();
            match test.steps.last().map(|step| (&step.kind, step.span)) {
                Some((StepKind::Expect { by, .. }, _)) if by.is_empty() => {
                    let Some(plain) = rows.iter().find(plain) else {
                        return;
                    };
                    items::bad_test_rows("some rows say what is expected, others do not")
                        .at(plain.span, "no `=>`")
                        .at(row.span, "this one has it")
                }
                Some((StepKind::Expect { .. }, span)) => {
                    items::bad_test_rows("`by` stands in each row")
                        .at(span, "`by` here")
                        .at(row.span, "and what is expected of it here")
                }
                step => {
                    let found = items::bad_test_rows("nothing says what `=>` is about")
                        .at(row.span, "what is expected of which value?");
                    let found = match step {
                        Some((_, span)) => found.at(span, "the last step"),
                        None => found,
                    };
                    found.help("end the steps with `expect` and the value that the rows are about")
                }
            }
        }
    };
    checker.sink.emit(found);
}

/// A row: values for the columns, and what is expected of what the test asks.
fn row(
    body: &mut Body<'_, '_>,
    test: &ast::Test,
    row: &ast::TestRow,
    params: &[LocalId],
    subject: Option<&(Expr, Option<Callee>)>,
) -> Option<Row> {
    // What was not understood has no cells.
    if row.cells.is_empty() {
        return None;
    }
    if row.cells.len() != params.len() && !params.is_empty() {
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let cells = count(row.cells.len(), "cell");
        let columns = count(params.len(), "column");
        let found = rules::cell_count(&cells, "test", &columns)
            .at(row.span, cells.clone())
            .at(test.title.span, format!("{columns} behind the title"));
        body.checker.sink.emit(found);
    }
    // A cell sees neither columns nor what is given.
    let visible = std::mem::take(&mut body.visible);
    let cells = row.cells.iter().zip(params).map(|(cell, param)| {
        let ty = body.locals[*param].ty.clone();
        // Of a column that was not understood nothing is said twice.
        match ty.is_error() {
            true => Expr::error(cell.span),
            false => body.expr(cell, Some(&ty)),
        }
    });
    let cells = cells.collect();
    body.visible = visible;
    let expect = row.expected.as_ref().zip(subject);
    let expect = expect.map(|(expected, (subject, callee))| {
        let scope = body.enter();
        let pattern = body.pattern(&expected.pattern, &subject.ty);
        body.leave(scope);
        let by = named(
            body,
            *callee,
            &expected.by,
            row.span,
            !subject.ty.is_error(),
        );
        let condition = ExprKind::Is(Box::new(subject.clone()), pattern);
        Step::Expect {
            span: row.span,
            expected: behind(row.span, expected.pattern.span),
            condition: Expr {
                kind: condition,
                ty: Ty::Bool,
                span: row.span,
            },
            subject: Some(subject.clone()),
            by,
        }
    });
    Some(Row {
        span: row.span,
        cells,
        expect,
    })
}

/// Checks a `given`; absent where that is for nothing known.
pub(in crate::check) fn given(
    body: &mut Body<'_, '_>,
    place: &ast::Place,
    ty: Option<&ast::Type>,
    value: &ast::Expr,
) -> Option<Step> {
    let module = body.module;
    let name = &place.name;
    let ty = ty.map(|ty| body.checker.resolve_type(module, ty));
    let def = body
        .checker
        .lookup(module, &name.text)
        .map(|e| e.def.clone());
    match (def, &place.key) {
        // A state, which was refused where it is declared.
        (Some(Def::Error), _) => None,
        (Some(Def::State(id)), _) => given_state(body, id, place, ty.as_ref(), value),
        (Some(Def::Data(id)), None) => {
            let wanted = body.checker.program.data[id].ty.clone();
            let value = body.expr(value, Some(ty.as_ref().unwrap_or(&wanted)));
            let value = body.fit(value, &wanted);
            Some(Step::GivenData(id, value))
        }
        (_, Some(_)) => {
            let found = items::given_needs_state(name)
                .at(place.span, "only a state has entries that can be given");
            body.checker.sink.emit(found);
            None
        }
        (_, None) => {
            let value = body.expr(value, ty.as_ref());
            let local = body.bind(name, ty.unwrap_or_else(|| value.ty.clone()));
            Some(Step::Given(local, value))
        }
    }
}

/// `given wallet_rides["u1"] = 4`: what a counter says, or what a budget has been charged.
fn given_state(
    body: &mut Body<'_, '_>,
    id: StateId,
    place: &ast::Place,
    ty: Option<&Ty>,
    value: &ast::Expr,
) -> Option<Step> {
    let wanted = match &body.checker.program.states[id].kind {
        StateKind::Counter { value, .. } => value.clone(),
        StateKind::Budget { currency, .. } => Ty::full(Unit::Money(*currency)),
        _ => {
            let found = states::wrong_test_call("given", "a counter or a budget")
                .at(place.span, "nothing that can be given");
            body.checker.sink.emit(found);
            return None;
        }
    };
    let key = body.key_of(id, place.key.as_deref(), place.span)?;
    let value = body.expr(value, Some(ty.unwrap_or(&wanted)));
    let value = body.fit(value, &wanted);
    Some(Step::GivenState(id, key, value))
}

fn expect(body: &mut Body<'_, '_>, span: Span, condition: &ast::Expr, by: &[ast::Decider]) -> Step {
    if let Some(step) = traced(body, span, condition, by) {
        return step;
    }
    let expected = behind(span, condition.span);
    let scope = body.enter();
    let mut condition = body.condition(condition);
    body.leave(scope);
    let understood = !condition.ty.is_error();
    // Also without `by`: which rule decided is told when it does not hold.
    let asked = mark(&mut condition);
    let by = named(body, asked, by, span, understood);
    let subject = match &condition.kind {
        ExprKind::Compare(_, _, left, _) => Some((**left).clone()),
        ExprKind::Is(subject, _) => Some((**subject).clone()),
        _ => None,
    };
    Step::Expect {
        span,
        expected,
        condition,
        subject,
        by,
    }
}

/// What is expected of something that ends with it: from its first part on.
fn behind(all: Span, first: Span) -> Span {
    Span::new(all.file, first.start, all.end)
}

/// Marks the decision that an expectation asks about: the first that stands in it.
pub(in crate::check) fn mark(condition: &mut Expr) -> Option<Callee> {
    let mut found = None;
    walk::each_mut(condition, &mut |e| {
        if let ExprKind::Decide { callee, marked, .. } = &mut e.kind
            && found.is_none()
        {
            *marked = true;
            found = Some(*callee);
        }
    });
    found
}
