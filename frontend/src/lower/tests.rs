//! Tests: each `expect` becomes functions without parameters, which a runner calls in order.

use std::sync::Arc;

use tollgate_grammar::source::Span;
use tollgate_ir::entities::{DataId, Entity, StateId};
use tollgate_ir::module::{Entry, Module, Target};

use super::Lowering;
use super::binders::Source;
use super::func::Owner;
use super::walk;
use crate::hir::{Callee, Expr, ExprKind, Program, Step, Test};
use crate::types::ty::{Ty, Unit};

/// A test, ready to be run.
#[derive(Clone, Debug)]
pub struct TestPlan {
    /// What it shows.
    pub title: Arc<str>,
    /// Where its title stands.
    pub span: Span,
    /// What is to be done, in order.
    pub steps: Vec<TestStep>,
}

/// A function by its index into the entries of its module, which know how its value is shown. Of a test it has no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestFn(pub u32);

/// A step of a test.
#[derive(Clone, Debug)]
pub enum TestStep {
    /// From here on the data is what the function, `() -> T`, gives.
    Data(DataId, TestFn),
    /// A state holds something: what the second function gives, `() -> int`, for the key that the first gives, `() -> str`.
    State(StateId, Option<TestFn>, TestFn),
    /// Time goes on, by microseconds.
    Advance(i64),
    /// A value is asked for.
    Show {
        /// `() -> T`
        value: TestFn,
        /// As for an `expect`.
        id: Option<TestFn>,
        /// As for an `expect`.
        time: Option<TestFn>,
    },
    /// Something must hold.
    Expect {
        /// All of the `expect`.
        span: Span,
        /// `() -> bool`
        condition: TestFn,
        /// What the condition looks at: `() -> T`.
        subject: Option<TestFn>,
        /// The rules that must have decided, in order; `otherwise` for none.
        by: Option<Vec<Arc<str>>>,
        /// The id of the decision asked for, `() -> str`, where its first parameter has one.
        id: Option<TestFn>,
        /// The time of the decision asked for, `() -> int`, where its first parameter has one.
        time: Option<TestFn>,
    },
}

/// Visits every expression of a step.
pub(super) fn exprs<'h>(step: &'h Step, visit: &mut dyn FnMut(&'h Expr)) {
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
        let mut owner = Owner::new(&name, &test.locals, &[]);
        let mut all = Vec::new();
        for step in &test.steps {
            if let Step::Given(local, value) = step {
                owner.binders.add(*local, Source::Let(value));
            }
            exprs(step, &mut |e| all.push(std::slice::from_ref(e)));
        }
        self.outline(module, &mut owner, all.into_iter());
        let mut steps = Vec::new();
        for step in &test.steps {
            match step {
                Step::Given(..) => {}
                Step::GivenData(data, value) => {
                    let ty = &self.program.data[*data].ty;
                    let name = format!("{name}.data");
                    let value = self.test_value(module, &owner, name, ty, value);
                    steps.push(TestStep::Data(DataId::new(data.index()), value));
                }
                Step::GivenState(state, key, value) => {
                    let key = key.as_ref().map(|key| {
                        let name = format!("{name}.key");
                        self.test_value(module, &owner, name, &Ty::string(), key)
                    });
                    let name = format!("{name}.state");
                    let value = self.test_value(module, &owner, name, &value.ty, value);
                    steps.push(TestStep::State(StateId::new(state.index()), key, value));
                }
                Step::Advance(by) => steps.push(TestStep::Advance(*by)),
                Step::Show(value) => {
                    let [id, time] = self.inputs(module, &owner, &name, value);
                    let name = format!("{name}.value");
                    let value = self.test_value(module, &owner, name, &value.ty, value);
                    steps.push(TestStep::Show { value, id, time });
                }
                Step::Expect {
                    span,
                    condition,
                    subject,
                    by,
                } => {
                    let [id, time] = self.inputs(module, &owner, &name, condition);
                    steps.push(TestStep::Expect {
                        span: *span,
                        condition: self.test_value(
                            module,
                            &owner,
                            format!("{name}.expect"),
                            &Ty::Bool,
                            condition,
                        ),
                        subject: subject.as_ref().map(|e| {
                            self.test_value(module, &owner, format!("{name}.subject"), &e.ty, e)
                        }),
                        by: by.clone(),
                        id,
                        time,
                    });
                }
            }
        }
        TestPlan {
            title: test.title.clone(),
            span: test.span,
            steps,
        }
    }

    /// Functions for the id and the time of the decision that an expression asks for.
    fn inputs(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        name: &str,
        asking: &Expr,
    ) -> [Option<TestFn>; 2] {
        let decided = decision(asking);
        ["id", "time"].map(|field| {
            let (callee, argument) = decided?;
            let (argument, index, ty) = input_field(self.program, callee, argument, field)?;
            let name = format!("{name}.{field}");
            let value = Expr {
                kind: ExprKind::Field(Box::new(argument.clone()), index),
                ty: ty.clone(),
                span: argument.span,
            };
            Some(self.test_value(module, owner, name, ty, &value))
        })
    }

    /// A function without parameters that gives a value, and the entry for it.
    fn test_value(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        name: String,
        ty: &Ty,
        value: &Expr,
    ) -> TestFn {
        let func = self.build_value(module, owner, name, &[], ty, value);
        let entry = TestFn(module.entries.len() as u32);
        module.entries.push(Entry {
            name: module.funcs[func].name.clone(),
            target: Target::Func(func),
            params: Vec::new(),
            result: self.schema.get(ty),
            decides: Default::default(),
        });
        entry
    }
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
