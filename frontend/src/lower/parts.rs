//! Conditions and stages taken apart, to be explained: what each part is asked, alone, and what it looks at.
//!
//! Every part becomes functions of the rule set's parameters. What stands to its left is taken to have held, as in an
//! outcome: what it bound is computed again. Where it did not hold, what is computed from it means nothing, and who asks must not.

use std::sync::Arc;

use tollgate_grammar::source::Span;
use tollgate_ir::entities::{Entity, PlaceId};
use tollgate_ir::module::{Entry, Module, Target};
use tollgate_ir::types::Type;

use super::binders::{Binders, Source};
use super::func::Owner;
use super::tests::TestFn;
use super::walk::{self, Item};
use super::{Lowered, Lowering};
use crate::hir::{
    Callee, Expr, ExprKind, GroupId, LocalId, Pipeline, PipelineId, Program, Rule, RuleSet,
    RuleSetId,
};
use crate::types::ty::Ty;

/// The condition of a rule, operand by operand: those of its groups first, the outermost first.
#[derive(Clone, Debug)]
pub struct RuleParts {
    /// The rule, by its place in the source.
    pub rule: usize,
    /// The operands, and the group each stands in.
    pub spine: Vec<(Option<GroupId>, Part)>,
}

/// A condition, or a part of one. Its functions take the parameters of the rule set.
#[derive(Clone, Debug)]
pub struct Part {
    /// Where it stands.
    pub span: Span,
    /// Whether it holds; of a spine, what is absent answered as it says.
    pub holds: TestFn,
    /// What may be absent in it, in the order of evaluation. Only of a spine.
    pub answered: Vec<Answered>,
    /// Whether it is a `let`, which holds where nothing that it needs is absent.
    pub only_binds: bool,
    /// What it looks at.
    pub seen: Vec<Seen>,
    /// Where it asks states, by itself and not in its parts.
    pub asks: Vec<PlaceId>,
    /// What it binds.
    pub binds: Vec<Bound>,
    /// Bindings that it needs.
    pub uses: Vec<LocalId>,
    /// What it is made of.
    pub joined: Joined,
}

/// `e ?? skip` or `e ?? deny`
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// Whether it is present.
    pub present: TestFn,
    /// Whether absence denies; else it skips.
    pub denies: bool,
}

/// Something that a condition looks at.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Where it stands.
    pub span: Span,
    /// Its name, where it has one.
    pub name: Option<Arc<str>>,
    /// Its value.
    pub value: TestFn,
}

/// Something that a condition binds where it holds.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The binding.
    pub local: LocalId,
    /// Its name.
    pub name: Arc<str>,
    /// Its value.
    pub value: TestFn,
}

/// What a condition is made of.
#[derive(Clone, Debug)]
pub enum Joined {
    /// Nothing that is worth showing.
    One,
    /// `and`
    All(Vec<Part>),
    /// `or`
    Any(Vec<Part>),
    /// `not`
    Not(Box<Part>),
}

/// A stage of a pipeline. Its functions take the parameters of the pipeline.
#[derive(Clone, Debug)]
pub struct StageParts {
    /// Its name.
    pub name: Arc<str>,
    /// Where its name stands.
    pub span: Span,
    /// Its value.
    pub value: TestFn,
    /// Whether it ends the pipeline.
    pub stops: Option<TestFn>,
    /// The rule set, guard, table or pipeline that it asks, and with what.
    pub asks: Option<(Callee, Vec<TestFn>)>,
}

/// Lowers the conditions of some rules of a set, part by part; the functions that the parts name are the entries of the module.
/// Linear in these conditions and what they call.
///
/// # Panics
/// When the program has errors: check before.
pub fn lower_parts(
    program: &Program,
    set: RuleSetId,
    rules: &[usize],
) -> (Lowered, Vec<RuleParts>) {
    let set = &program.rulesets[set];
    let mut roots = Vec::new();
    for rule in rules {
        let rule = &set.rules[*rule];
        let spines = around(set, rule.group)
            .into_iter()
            .map(|g| &set.groups[g].spine);
        for operand in spines.chain([&rule.spine]).flatten() {
            walk::calls(operand, &mut roots);
        }
    }
    let (mut module, mut cx) = Lowering::start(program, roots);
    let parts = rules
        .iter()
        .map(|rule| cx.rule_parts(&mut module, set, *rule));
    let parts = parts.collect();
    (cx.finish(module), parts)
}

/// Lowers the stages of a pipeline, each alone; the functions that they name are the entries of the module.
///
/// # Panics
/// When the program has errors: check before.
pub fn lower_stages(program: &Program, id: PipelineId) -> (Lowered, Vec<StageParts>) {
    let pipeline = &program.pipelines[id];
    let (mut module, mut cx) = Lowering::start(program, vec![Item::Callee(Callee::Pipeline(id))]);
    let stages = cx.stage_parts(&mut module, pipeline);
    (cx.finish(module), stages)
}

/// The groups around something, the outermost first.
fn around(set: &RuleSet, group: Option<GroupId>) -> Vec<GroupId> {
    let mut found = Vec::new();
    let mut at = group;
    while let Some(id) = at {
        found.push(id);
        at = set.groups[id].parent;
    }
    found.reverse();
    found
}

/// Registers what a condition binds, also under `or` and `not`, where it is seen by the parts beside it.
fn register<'h>(binders: &mut Binders<'h>, condition: &'h Expr) {
    match &condition.kind {
        ExprKind::And(items) | ExprKind::Or(items) => {
            items.iter().for_each(|item| register(binders, item));
        }
        ExprKind::Not(inner) => register(binders, inner),
        _ => binders.operand(condition),
    }
}

impl<'h> Lowering<'h> {
    fn rule_parts(&mut self, module: &mut Module, set: &'h RuleSet, rule: usize) -> RuleParts {
        let Rule { group, spine, .. } = &set.rules[rule];
        let groups = around(set, *group);
        let of_groups = groups.iter().flat_map(|id| {
            let operands = set.groups[*id].spine.iter();
            operands.map(|operand| (Some(*id), operand))
        });
        let operands: Vec<(Option<GroupId>, &Expr)> =
            of_groups.chain(spine.iter().map(|e| (None, e))).collect();
        let name = format!("{}.parts{rule}", set.name);
        let mut owner = Owner::new(&name, &set.locals, &set.params);
        for (_, operand) in &operands {
            register(&mut owner.binders, operand);
        }
        let spine = operands.into_iter().map(|(group, operand)| {
            let mut part = self.part(module, &owner, operand);
            part.holds = self.asked(module, &owner, operand);
            part.answered = self.answered(module, &owner, operand);
            (group, part)
        });
        RuleParts {
            rule,
            spine: spine.collect(),
        }
    }

    /// A condition that is not on the spine, or is made of parts that are not.
    fn part(&mut self, module: &mut Module, owner: &Owner<'h>, condition: &'h Expr) -> Part {
        let mut parts = |cx: &mut Self, items: &'h [Expr]| {
            let parts = items.iter().map(|item| cx.part(module, owner, item));
            parts.collect::<Vec<_>>()
        };
        let joined = match &condition.kind {
            ExprKind::And(items) => Joined::All(parts(self, items)),
            ExprKind::Or(items) => Joined::Any(parts(self, items)),
            ExprKind::Not(inner) => Joined::Not(Box::new(self.part(module, owner, inner))),
            _ => Joined::One,
        };
        let mut bound = Vec::new();
        bindings(condition, &mut bound);
        let seen = match joined {
            Joined::One => subjects(condition),
            Joined::All(_) | Joined::Any(_) | Joined::Not(_) => Vec::new(),
        };
        let mut asks = Vec::new();
        if matches!(joined, Joined::One) {
            places(condition, &mut asks);
        }
        let free = walk::free_locals([condition]);
        Part {
            span: condition.span,
            holds: self.value_of(module, owner, &Ty::Bool, condition),
            answered: Vec::new(),
            only_binds: matches!(condition.kind, ExprKind::Let(..)),
            seen: seen
                .into_iter()
                .map(|subject| Seen {
                    span: subject.span,
                    name: match &subject.kind {
                        ExprKind::Local(local) => Some(owner.locals[*local].name.clone()),
                        _ => None,
                    },
                    value: self.value_of(module, owner, &subject.ty, subject),
                })
                .collect(),
            asks,
            binds: bound
                .into_iter()
                .map(|local| self.bound(module, owner, local, condition.span))
                .collect(),
            uses: free
                .into_iter()
                .filter(|l| !owner.params.contains(l))
                .collect(),
            joined,
        }
    }

    fn bound(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        local: LocalId,
        span: Span,
    ) -> Bound {
        let of = &owner.locals[local];
        let value = Expr {
            kind: ExprKind::Local(local),
            ty: of.ty.clone(),
            span,
        };
        Bound {
            local,
            name: of.name.clone(),
            value: self.value_of(module, owner, &of.ty, &value),
        }
    }

    /// Whether an operand of a spine holds.
    fn asked(&mut self, module: &mut Module, owner: &Owner<'h>, operand: &'h Expr) -> TestFn {
        let name = format!("{}.holds", owner.name);
        let spine = std::slice::from_ref(operand);
        let func = self.build(module, owner, name, owner.params, Type::BOOL, |f| {
            f.spine(spine);
        });
        self.entry_of(module, owner, func, &Ty::Bool)
    }

    /// What an operand of a spine says about absence.
    fn answered(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        operand: &'h Expr,
    ) -> Vec<Answered> {
        let mut found = Vec::new();
        answers(operand, &mut found);
        let answered = found.into_iter().map(|(of, denies)| {
            let present = Expr {
                kind: ExprKind::IsSome(Box::new(of.clone())),
                ty: Ty::Bool,
                span: of.span,
            };
            Answered {
                present: self.value_of(module, owner, &Ty::Bool, &present),
                denies,
            }
        });
        answered.collect()
    }

    fn stage_parts(&mut self, module: &mut Module, pipeline: &'h Pipeline) -> Vec<StageParts> {
        let program = self.program;
        let name = format!("{}.stages", pipeline.name);
        let mut owner = Owner::new(&name, &pipeline.locals, &pipeline.params);
        for stage in &pipeline.stages {
            owner.binders.add(stage.local, Source::Let(&stage.value));
        }
        let mut stages = Vec::new();
        for stage in &pipeline.stages {
            let local = &pipeline.locals[stage.local];
            let stops = stage.stop.as_ref().map(|(pattern, _)| Expr {
                kind: ExprKind::Is(
                    Box::new(Expr {
                        kind: ExprKind::Local(stage.local),
                        ty: local.ty.clone(),
                        span: local.span,
                    }),
                    pattern.clone(),
                ),
                ty: Ty::Bool,
                span: local.span,
            });
            let asks = match &stage.value.kind {
                ExprKind::Decide { callee, args, .. } => {
                    let types: Vec<Ty> = match callee {
                        Callee::RuleSet(id) => {
                            let set = &program.rulesets[*id];
                            set.params
                                .iter()
                                .map(|p| set.locals[*p].ty.clone())
                                .collect()
                        }
                        Callee::Pipeline(id) => {
                            let of = &program.pipelines[*id];
                            of.params.iter().map(|p| of.locals[*p].ty.clone()).collect()
                        }
                    };
                    let args = args.iter().zip(&types);
                    let args = args.map(|(arg, ty)| self.value_of(module, &owner, ty, arg));
                    Some((*callee, args.collect()))
                }
                _ => None,
            };
            stages.push(StageParts {
                name: local.name.clone(),
                span: local.span,
                value: self.value_of(module, &owner, &local.ty, &stage.value),
                stops: stops.map(|stops| self.value_of(module, &owner, &Ty::Bool, &stops)),
                asks,
            });
        }
        stages
    }

    /// A function of the owner's parameters that gives a value, and the entry for it.
    fn value_of(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        ty: &Ty,
        value: &Expr,
    ) -> TestFn {
        let name = format!("{}.value", owner.name);
        let func = self.build_value(module, owner, name, owner.params, ty, value);
        self.entry_of(module, owner, func, ty)
    }

    fn entry_of(
        &mut self,
        module: &mut Module,
        owner: &Owner<'h>,
        func: tollgate_ir::entities::FuncId,
        ty: &Ty,
    ) -> TestFn {
        let param = |cx: &mut Self, local: &LocalId| {
            let local = &owner.locals[*local];
            ((&*local.name).into(), cx.schema.get(&local.ty))
        };
        let entry = TestFn(module.entries.len() as u32);
        let params = owner.params.iter().map(|p| param(self, p)).collect();
        module.entries.push(Entry {
            name: module.funcs[func].name.clone(),
            target: Target::Func(func),
            params,
            result: self.schema.get(ty),
            decides: Default::default(),
        });
        entry
    }
}

/// The locals that a condition binds for what stands to its right.
fn bindings(condition: &Expr, found: &mut Vec<LocalId>) {
    match &condition.kind {
        ExprKind::Let(local, _) => found.push(*local),
        ExprKind::Matches(_, _, captures) => found.extend(captures.iter().map(|c| c.local)),
        ExprKind::Is(_, pattern) => walk::pattern_binds(pattern, &mut |local| found.push(local)),
        ExprKind::And(items) => items.iter().for_each(|item| bindings(item, found)),
        // Nothing escapes from any other condition.
        _ => {}
    }
}

/// What a condition looks at: operands that are no constants, without what answers for their absence.
fn subjects(condition: &Expr) -> Vec<&Expr> {
    use ExprKind as E;
    let operands: Vec<&Expr> = match &condition.kind {
        E::Compare(_, _, a, b) | E::Contains(a, b) | E::CidrHas(a, b) | E::CidrsHave(a, b) => {
            vec![a, b]
        }
        E::InRange(a, lo, hi) => vec![a, lo, hi],
        E::Is(a, _)
        | E::Matches(a, ..)
        | E::IsSome(a)
        | E::OrSkip(a)
        | E::OrDeny(a)
        | E::UnwrapOr(a, _)
        | E::OrElse(a, _)
        | E::Quantify { over: a, .. } => vec![a],
        E::Call(_, args) | E::Native(_, args) | E::Decide { args, .. } => args.iter().collect(),
        _ => Vec::new(),
    };
    let of = operands.into_iter().map(without_answers);
    of.filter(|e| !matches!(e.kind, E::Const(_))).collect()
}

fn without_answers(mut of: &Expr) -> &Expr {
    while let ExprKind::Some(inner) | ExprKind::OrSkip(inner) | ExprKind::OrDeny(inner) = &of.kind {
        of = inner;
    }
    of
}

/// Where an expression asks states, in the order of evaluation.
fn places(expr: &Expr, found: &mut Vec<PlaceId>) {
    walk::children(expr, &mut |child| places(child, found));
    if let ExprKind::Ask(place, _) = &expr.kind {
        found.push(PlaceId::new(place.index()));
    }
}

/// What an operand of a spine says about absence, in the order of evaluation.
fn answers<'e>(expr: &'e Expr, found: &mut Vec<(&'e Expr, bool)>) {
    walk::children(expr, &mut |child| answers(child, found));
    match &expr.kind {
        ExprKind::OrSkip(of) => found.push((of, false)),
        ExprKind::OrDeny(of) => found.push((of, true)),
        _ => {}
    }
}
