//! Tests: each `expect` becomes functions, which a runner calls in order. Their parameters are those of the test: the columns of its
//! rows, or what `forall` names.

use std::sync::Arc;

use tollgate_grammar::source::Span;
use tollgate_ir::entities::{DataId, Entity, StateId};
use tollgate_ir::module::{Entry, Module, Target};
use tollgate_runtime::Value;
use tollgate_runtime::schema::TypeId;

use super::Lowering;
use super::binders::Source;
use super::func::Owner;
use super::walk;
use crate::hir::{
    Callee, Cases, Decider, Expr, ExprKind, LocalId, Program, Row, RuleSetId, Step, Test,
};
use crate::types::ty::{Ty, Unit};

/// A test, ready to be run.
#[derive(Clone, Debug)]
pub struct TestPlan {
    /// What it shows.
    pub title: Arc<str>,
    /// Where its title stands.
    pub span: Span,
    /// What differs from case to case.
    pub params: Vec<TestParam>,
    /// How often its steps are taken.
    pub cases: TestCases,
    /// What is to be done, in order.
    pub steps: Vec<TestStep>,
}

/// A parameter of a test.
#[derive(Clone, Debug)]
pub struct TestParam {
    /// Its name.
    pub name: Arc<str>,
    /// How its values look from outside.
    pub ty: TypeId,
}

/// For which values the steps of a test are taken.
#[derive(Clone, Debug)]
pub enum TestCases {
    /// Once: there are no parameters.
    Once,
    /// For the cells of each row.
    Rows(Vec<TestRow>),
    /// For values of the types of the parameters.
    Forall {
        /// The types of the parameters, as they are written.
        types: Vec<Arc<str>>,
        /// What the values must satisfy to count: `(parameters) -> bool`.
        filter: Option<TestFn>,
        /// The rule sets that are asked about parameters, and nothing else.
        asked: Vec<Asked>,
    },
}

/// A row of a test.
#[derive(Clone, Debug)]
pub struct TestRow {
    /// All of it.
    pub span: Span,
    /// A value for each parameter.
    pub cells: Vec<TestCell>,
    /// What is to hold behind the steps of the test.
    pub expect: Option<TestStep>,
}

/// The value of a cell.
#[derive(Clone, Debug)]
pub enum TestCell {
    /// This.
    Value(Value),
    /// What the function gives: `() -> T`.
    Fn(TestFn),
}

/// A rule set that a test asks about its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which.
    pub set: RuleSetId,
    /// For each parameter of the rule set, the parameter of the test that is given.
    pub args: Vec<usize>,
}

/// A function by its index into the entries of its module, which know its parameters and how its value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestFn(pub u32);

/// A step of a test. All functions take the parameters of the test.
#[derive(Clone, Debug)]
pub enum TestStep {
    /// From here on the data is what the function, `(parameters) -> T`, gives.
    Data(DataId, TestFn),
    /// A state holds something: what the second function gives, `(parameters) -> int`, for the key that the first gives,
    /// `(parameters) -> str`.
    State(StateId, Option<TestFn>, TestFn),
    /// Time goes on, by microseconds.
    Advance(i64),
    /// A value is asked for.
    Show {
        /// `(parameters) -> T`
        value: TestFn,
        /// As for an `expect`.
        id: Option<TestFn>,
        /// As for an `expect`.
        time: Option<TestFn>,
    },
    /// Something must hold.
    Expect {
        /// All of the `expect`, or of the row.
        span: Span,
        /// What is expected: all behind `expect`, of a row all behind `=>`.
        expected: Span,
        /// `(parameters) -> bool`
        condition: TestFn,
        /// What the condition looks at, `(parameters) -> T`, and where that stands.
        subject: Option<(TestFn, Span)>,
        /// The rules that must have decided, in order.
        by: Option<Vec<Decider>>,
        /// The id of the decision asked for, `(parameters) -> str`, where its first parameter has one.
        id: Option<TestFn>,
        /// The time of the decision asked for, `(parameters) -> int`, where its first parameter has one.
        time: Option<TestFn>,
    },
}

/// Visits every expression of a test.
pub(super) fn exprs<'h>(test: &'h Test, visit: &mut dyn FnMut(&'h Expr)) {
    test.steps.iter().for_each(|step| of_step(step, visit));
    match &test.cases {
        Cases::Once => {}
        Cases::Rows(rows) => {
            for row in rows {
                row.cells.iter().for_each(&mut *visit);
                row.expect.iter().for_each(|step| of_step(step, visit));
            }
        }
        Cases::Forall { filter, .. } => filter.iter().for_each(visit),
    }
}

fn of_step<'h>(step: &'h Step, visit: &mut dyn FnMut(&'h Expr)) {
    match step {
        Step::Given(_, value) | Step::GivenData(_, value) | Step::Show(value) => visit(value),
        Step::GivenState(_, key, value) => {
            key.iter().for_each(&mut *visit);
            visit(value);
        }
        Step::Advance(_) => {}
        Step::Expect {
            condition, subject, ..
        } => {
            visit(condition);
            subject.iter().for_each(visit);
        }
    }
}

impl<'h> Lowering<'h> {
    /// Lowers all tests.
    pub(super) fn tests(&mut self, module: &mut Module) -> Vec<TestPlan> {
        let program = self.program;
        let tests = program.tests.iter().enumerate();
        tests.map(|(i, test)| self.test(module, i, test)).collect()
    }

    fn test(&mut self, module: &mut Module, index: usize, test: &'h Test) -> TestPlan {
        let name = format!("test{index}");
        let mut owner = Owner::new(&name, &test.locals, &test.params);
        for step in &test.steps {
            if let Step::Given(local, value) = step {
                owner.binders.add(*local, Source::Let(value));
            }
        }
        let mut all = Vec::new();
        exprs(test, &mut |e| all.push(std::slice::from_ref(e)));
        self.outline(module, &mut owner, all.into_iter());
        let steps = test.steps.iter();
        let steps = steps.filter_map(|step| self.step(module, &owner, step));
        let steps = steps.collect();
        let cases = match &test.cases {
            Cases::Once => TestCases::Once,
            Cases::Rows(rows) => {
                let rows = rows.iter().map(|row| self.row(module, &owner, row));
                TestCases::Rows(rows.collect())
            }
            Cases::Forall { types, filter } => TestCases::Forall {
                types: types.clone(),
                filter: filter.as_ref().map(|filter| {
                    self.test_value(module, &owner, format!("{name}.where"), &Ty::Bool, filter)
                }),
                asked: asked(self.program, test),
            },
        };
        let param = |local: &LocalId| {
            let local = &test.locals[*local];
            TestParam {
                name: local.name.clone(),
                ty: self.schema.get(&local.ty),
            }
        };
        TestPlan {
            title: test.title.clone(),
            span: test.span,
            params: test.params.iter().map(param).collect(),
            cases,
            steps,
        }
    }

    fn row(&mut self, module: &mut Module, owner: &Owner<'h>, row: &'h Row) -> TestRow {
        // A cell is not about the parameters: it is what they are.
        let alone = Owner::new(&owner.name, owner.locals, &[]);
        let params = owner.params.iter().map(|p| &owner.locals[*p].ty);
        let cells = row.cells.iter().zip(params);
        let cells = cells.map(|(cell, ty)| match &cell.kind {
            ExprKind::Const(value) => TestCell::Value(value.clone()),
            _ => {
                let name = format!("{}.cell", owner.name);
                TestCell::Fn(self.test_value(module, &alone, name, ty, cell))
            }
        });
        let cells = cells.collect();
        let expect = row.expect.as_ref();
        TestRow {
            span: row.span,
            cells,
            expect: expect.and_then(|step| self.step(module, owner, step)),
        }
    }

    fn step(&mut self, module: &mut Module, owner: &Owner<'h>, step: &'h Step) -> Option<TestStep> {
        let name = &owner.name;
        Some(match step {
            // Computed where it is used.
            Step::Given(..) => return None,
            Step::GivenData(data, value) => {
                let ty = &self.program.data[*data].ty;
                let name = format!("{name}.data");
                let value = self.test_value(module, owner, name, ty, value);
                TestStep::Data(DataId::new(data.index()), value)
            }
            Step::GivenState(state, key, value) => {
                let key = key.as_ref().map(|key| {
                    let name = format!("{name}.key");
                    self.test_value(module, owner, name, &Ty::string(), key)
                });
                let name = format!("{name}.state");
                let value = self.test_value(module, owner, name, &value.ty, value);
                TestStep::State(StateId::new(state.index()), key, value)
            }
            Step::Advance(by) => TestStep::Advance(*by),
            Step::Show(value) => {
                let [id, time] = self.inputs(module, owner, value);
                let name = format!("{name}.value");
                let value = self.test_value(module, owner, name, &value.ty, value);
                TestStep::Show { value, id, time }
            }
            Step::Expect {
                span,
                expected,
                condition,
                subject,
                by,
            } => {
                let [id, time] = self.inputs(module, owner, condition);
                let held = format!("{name}.expect");
                TestStep::Expect {
                    span: *span,
                    expected: *expected,
                    condition: self.test_value(module, owner, held, &Ty::Bool, condition),
                    subject: subject.as_ref().map(|e| {
                        let name = format!("{name}.subject");
                        (self.test_value(module, owner, name, &e.ty, e), e.span)
                    }),
                    by: by.clone(),
                    id,
                    time,
                }
            }
        })
    }

    /// Functions for the id and the time of the decision that an expression asks for.
    fn inputs(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        asking: &Expr,
    ) -> [Option<TestFn>; 2] {
        let decided = decision(asking);
        ["id", "time"].map(|field| {
            let (callee, argument) = decided?;
            let (argument, index, ty) = input_field(self.program, callee, argument, field)?;
            let name = format!("{}.{field}", owner.name);
            let value = Expr {
                kind: ExprKind::Field(Box::new(argument.clone()), index),
                ty: ty.clone(),
                span: argument.span,
            };
            Some(self.test_value(module, owner, name, ty, &value))
        })
    }

    /// A function of the owner's parameters that gives a value, and the entry for it.
    fn test_value(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        name: String,
        ty: &Ty,
        value: &Expr,
    ) -> TestFn {
        let func = self.build_value(module, owner, name, owner.params, ty, value);
        let entry = TestFn(module.entries.len() as u32);
        let param = |local: &LocalId| {
            let local = &owner.locals[*local];
            ((&*local.name).into(), self.schema.get(&local.ty))
        };
        module.entries.push(Entry {
            name: module.funcs[func].name.clone(),
            target: Target::Func(func),
            params: owner.params.iter().map(param).collect(),
            result: self.schema.get(ty),
            decides: Default::default(),
        });
        entry
    }
}

/// The rule sets that a test asks about its parameters alone, through pipelines too, each once.
fn asked(program: &Program, test: &Test) -> Vec<Asked> {
    let mut found = Vec::new();
    let params: Vec<(LocalId, usize)> = test.params.iter().copied().zip(0..).collect();
    exprs(test, &mut |e| asked_in(program, e, &params, &mut found));
    found
}

/// The same in an expression; `known` are the locals that are parameters of the test. Calls are not recursive, so this ends.
fn asked_in(program: &Program, expr: &Expr, known: &[(LocalId, usize)], found: &mut Vec<Asked>) {
    walk::everything(expr, &mut |e| {
        let ExprKind::Decide { callee, args, .. } = &e.kind else {
            return;
        };
        let given = |arg: &Expr| match &arg.kind {
            ExprKind::Local(local) => known.iter().find(|(l, _)| l == local).map(|(_, n)| *n),
            _ => None,
        };
        let given: Vec<Option<usize>> = args.iter().map(given).collect();
        match callee {
            Callee::RuleSet(set) => {
                if let Some(args) = given.into_iter().collect() {
                    let asked = Asked { set: *set, args };
                    if !found.contains(&asked) {
                        found.push(asked);
                    }
                }
            }
            Callee::Pipeline(id) => {
                let pipeline = &program.pipelines[*id];
                let inner = pipeline.params.iter().zip(given);
                let inner: Vec<_> = inner.filter_map(|(l, n)| Some((*l, n?))).collect();
                for stage in &pipeline.stages {
                    asked_in(program, &stage.value, &inner, found);
                }
            }
        }
    });
}

/// The decision a condition asks for: the marked one, or else the first.
fn decision(condition: &Expr) -> Option<(Callee, &Expr)> {
    let (mut first, mut marked_one) = (None, None);
    walk::everything(condition, &mut |e| {
        if let ExprKind::Decide {
            callee,
            args,
            marked,
        } = &e.kind
        {
            let decided = args.first().map(|argument| (*callee, argument));
            first = first.or(decided);
            if *marked {
                marked_one = marked_one.or(decided);
            }
        }
    });
    marked_one.or(first)
}

/// The field of a decision's first argument that is the decision's id or time, with its index and type.
fn input_field<'h>(
    program: &'h Program,
    callee: Callee,
    argument: &'h Expr,
    name: &str,
) -> Option<(&'h Expr, u32, &'h Ty)> {
    let Ty::Record(id) = &argument.ty else {
        return None;
    };
    let fields = &program.records[*id].fields;
    let stream = match callee {
        Callee::RuleSet(id) => program.rulesets[id].stream,
        Callee::Pipeline(_) => None,
    };
    let declared = stream.and_then(|id| program.streams[id].inputs);
    let index = match declared {
        Some((id, _)) if name == "id" => id as usize,
        Some((_, time)) => time as usize,
        None => fields.iter().position(|f| &*f.name == name)?,
    };
    let ty = &fields[index].ty;
    let fits = match name {
        "id" => matches!(ty, Ty::Str { .. }),
        _ => matches!(ty, Ty::Num(Unit::Instant, _)),
    };
    fits.then_some((argument, index as u32, ty))
}
