//! From meaning to IR: a checked program becomes functions, rule sets and entries.
//!
//! Everything is pure, and that shapes the lowering. A rule's condition and each of its outcomes are functions of the
//! rule set's parameters; what the condition bound is computed again in the outcome (see [`binders`]), and the
//! optimizer, which sees both side by side, merges the copies. Lowering cannot fail, and is linear in the program.

mod binders;
mod condition;
mod expr;
mod func;
mod limits;
mod optional;
mod parts;
mod pattern;
mod pipelines;
mod quantify;
mod rulesets;
mod schema;
mod states;
mod tests;
mod types;
mod walk;

use std::fmt::Write;
use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use tollgate_ir::bug;
use tollgate_ir::entities::{self as ir, FuncId, IndexVec};
use tollgate_ir::module::{Data, Entry, Module, Target};

use crate::hir::{Callee, FnId, LocalId, PipelineId, Program, RuleSetId};
pub(crate) use schema::SchemaBuilder;
use types::TypeMap;
use walk::Item;

pub use limits::check_limits;
pub use parts::{
    Answered, Bound, Joined, Part, RuleParts, Seen, StageParts, lower_parts, lower_stages,
};
pub use tests::{Asked, TestCases, TestCell, TestFn, TestParam, TestPlan, TestRow, TestStep};

/// What lowering gives.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The program. Functions and rule sets that nothing needs are left out.
    pub module: Module,
    fns: IndexVec<FnId, Option<FuncId>>,
    pub(crate) rulesets: IndexVec<RuleSetId, Option<ir::RuleSetId>>,
    pipelines: IndexVec<PipelineId, Option<FuncId>>,
}

impl Lowered {
    /// What a rule set became; `None` if nothing needed it.
    pub fn ruleset(&self, id: RuleSetId) -> Option<ir::RuleSetId> {
        self.rulesets[id]
    }

    /// The same with a module in which rule sets and functions have the same numbers.
    pub fn with(&self, module: Module) -> Lowered {
        Lowered {
            module,
            ..self.clone()
        }
    }

    /// What a pipeline became; `None` if nothing needed it.
    pub fn pipeline(&self, id: PipelineId) -> Option<FuncId> {
        self.pipelines[id]
    }
}

/// Lowers what the entries of a program need, and what has a `cost`. Linear in the size of the program.
///
/// # Panics
/// When the program has errors: check before.
pub fn lower(program: &Program) -> Lowered {
    let mut roots: Vec<Item> = program.entries.iter().map(|c| Item::Callee(*c)).collect();
    let budgeted = program.rulesets.iter().filter(|(_, r)| r.cost.is_some());
    roots.extend(budgeted.map(|(id, _)| Item::Callee(Callee::RuleSet(id))));
    let (mut module, mut cx) = Lowering::start(program, roots);
    for callee in &program.entries {
        let entry = cx.entry(*callee);
        module.entries.push(entry);
    }
    cx.finish(module)
}

/// Lowers some rule sets and what they need, without entries: to be looked at.
pub(crate) fn lower_rulesets(program: &Program, sets: &[RuleSetId]) -> Lowered {
    let roots = sets.iter().map(|id| Item::Callee(Callee::RuleSet(*id)));
    let (module, cx) = Lowering::start(program, roots.collect());
    cx.finish(module)
}

/// Lowers the tests of a program and what they need; the functions that a plan names are the entries of the module.
///
/// # Panics
/// When the program has errors: check before.
pub fn lower_tests(program: &Program) -> (Lowered, Vec<TestPlan>) {
    let mut roots = Vec::new();
    for test in &program.tests {
        tests::exprs(test, &mut |e| walk::calls(e, &mut roots));
    }
    let (mut module, mut cx) = Lowering::start_any(program, roots, true);
    let plans = cx.tests(&mut module);
    (cx.finish(module), plans)
}

/// What is known while a program is lowered.
struct Lowering<'h> {
    program: &'h Program,
    types: TypeMap,
    schema: SchemaBuilder<'h>,
    /// What has been lowered so far; callees come before their callers.
    fns: IndexVec<FnId, Option<FuncId>>,
    rulesets: IndexVec<RuleSetId, Option<ir::RuleSetId>>,
    pipelines: IndexVec<PipelineId, Option<FuncId>>,
    /// The function that stands for a rule set in shadow mode, as an entry and a stage.
    shadows: FxHashMap<RuleSetId, FuncId>,
    /// The rule sets that ask states.
    asking: FxHashSet<RuleSetId>,
    /// Whether shadow mode is looked through: in tests.
    in_test: bool,
    names: Names,
    /// Scopes that no function uses at the moment: more than one where functions are lowered within functions.
    scopes: Vec<func::Scope>,
}

impl<'h> Lowering<'h> {
    /// Lowers the roots and everything they need.
    fn start(program: &'h Program, roots: Vec<Item>) -> (Module, Lowering<'h>) {
        Lowering::start_any(program, roots, false)
    }

    /// As [`Lowering::start`]; tests look through shadow mode.
    fn start_any(program: &'h Program, roots: Vec<Item>, in_test: bool) -> (Module, Lowering<'h>) {
        let mut module = Module::default();
        let mut cx = Lowering {
            program,
            types: TypeMap::new(program, &mut module.types),
            schema: SchemaBuilder::new(program),
            fns: program.fns.keys().map(|_| None).collect(),
            rulesets: program.rulesets.keys().map(|_| None).collect(),
            pipelines: program.pipelines.keys().map(|_| None).collect(),
            shadows: FxHashMap::default(),
            asking: program.places.values().filter_map(|p| p.owner).collect(),
            in_test,
            names: Names::default(),
            scopes: Vec::new(),
        };
        for data in program.data.values() {
            let ty = cx.types.get(&mut module.types, &data.ty);
            module.data.push(Data {
                name: (&*data.name).into(),
                ty,
                schema: Some(cx.schema.get(&data.ty)),
            });
        }
        cx.declare_states(&mut module);
        for item in callees_first(program, roots) {
            match item {
                Item::Fn(id) => cx.function(&mut module, id),
                Item::Callee(Callee::RuleSet(id)) => cx.ruleset(&mut module, id),
                Item::Callee(Callee::Pipeline(id)) => cx.pipeline(&mut module, id),
            }
        }
        (module, cx)
    }

    fn finish(self, mut module: Module) -> Lowered {
        module.schema = self.schema.finish();
        Lowered {
            module,
            fns: self.fns,
            rulesets: self.rulesets,
            pipelines: self.pipelines,
        }
    }

    fn entry(&mut self, callee: Callee) -> Entry {
        let program = self.program;
        let (name, params, locals, result) = match callee {
            Callee::RuleSet(id) => {
                let set = &program.rulesets[id];
                (&set.name, &set.params, &set.locals, &set.result)
            }
            Callee::Pipeline(id) => {
                let pipeline = &program.pipelines[id];
                (
                    &pipeline.name,
                    &pipeline.params,
                    &pipeline.locals,
                    &pipeline.result,
                )
            }
        };
        let target = match callee {
            Callee::RuleSet(id) => match self.shadows.get(&id) {
                Some(func) => Target::Func(*func),
                None => Target::Rules(self.lowered_ruleset(id)),
            },
            Callee::Pipeline(id) => Target::Func(self.lowered_pipeline(id)),
        };
        let param = |cx: &mut Self, local: &LocalId| {
            let local = &locals[*local];
            ((&*local.name).into(), cx.schema.get(&local.ty))
        };
        Entry {
            name: (&**name).into(),
            target,
            params: params.iter().map(|p| param(self, p)).collect(),
            result: self.schema.get(result),
            decides: self.decides(callee),
        }
    }

    fn lowered_fn(&self, id: FnId) -> FuncId {
        match self.fns[id] {
            Some(func) => func,
            None => bug!(
                "`{}` is called before it is lowered",
                self.program.fns[id].name
            ),
        }
    }

    fn lowered_ruleset(&self, id: RuleSetId) -> ir::RuleSetId {
        match self.rulesets[id] {
            Some(rules) => rules,
            None => bug!(
                "`{}` is called before it is lowered",
                self.program.rulesets[id].name
            ),
        }
    }

    fn lowered_pipeline(&self, id: PipelineId) -> FuncId {
        match self.pipelines[id] {
            Some(func) => func,
            None => bug!(
                "`{}` is called before it is lowered",
                self.program.pipelines[id].name
            ),
        }
    }
}

/// Names of functions and rule sets, which are unique in a module. They are remembered by hash: of two names that share
/// one, the second is told apart by a number as if they were equal.
#[derive(Debug, Default)]
struct Names {
    used: FxHashSet<u64>,
    /// The last number tried behind a name that was taken.
    numbers: FxHashMap<u64, u32>,
}

impl Names {
    /// The wanted name without its blanks, or it with the least free number behind it. Expected constant time.
    fn unique(&mut self, wanted: String) -> Box<str> {
        let mut name = wanted;
        name.retain(|c| c != ' ');
        let length = name.len();
        let hash = |name: &str| FxBuildHasher.hash_one(name);
        let first = hash(&name);
        if self.used.insert(first) {
            return name.into();
        }
        let number = self.numbers.entry(first).or_insert(1);
        loop {
            *number += 1;
            name.truncate(length);
            // Writing to a string cannot fail.
            let _ = write!(name, ".{number}");
            if self.used.insert(hash(&name)) {
                return name.into();
            }
        }
    }
}

/// Everything that the roots need, callees before callers.
fn callees_first(program: &Program, roots: Vec<Item>) -> Vec<Item> {
    let mut order = Vec::new();
    let mut seen = FxHashSet::default();
    // A stack of its own: chains of calls can be as long as the program.
    let mut stack: Vec<(Item, Vec<Item>)> = Vec::new();
    for root in roots {
        if seen.insert(root) {
            stack.push((root, calls_of(program, root)));
        }
        while let Some((item, calls)) = stack.last_mut() {
            match calls.pop() {
                Some(call) if seen.insert(call) => stack.push((call, calls_of(program, call))),
                Some(_) => {}
                None => {
                    order.push(*item);
                    stack.pop();
                }
            }
        }
    }
    order
}

/// What an item calls, last call first.
fn calls_of(program: &Program, item: Item) -> Vec<Item> {
    let mut found = Vec::new();
    match item {
        Item::Fn(id) => walk::calls(&program.fns[id].body, &mut found),
        Item::Callee(Callee::RuleSet(id)) => {
            rulesets::exprs(&program.rulesets[id], &mut |e| walk::calls(e, &mut found));
        }
        Item::Callee(Callee::Pipeline(id)) => {
            pipelines::exprs(&program.pipelines[id], &mut |e| walk::calls(e, &mut found));
        }
    }
    found.reverse();
    found
}
