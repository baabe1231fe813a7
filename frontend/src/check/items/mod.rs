//! Items: everything that is declared.
//!
//! [`define`] takes one module from its tree to known types, constants and signatures; [`bodies`] then checks, over
//! all modules, what stands inside functions and rule sets.

mod boundary;
mod calls;
mod clauses;
mod define;
mod effects;
mod functions;
mod guard;
mod order;
mod period;
mod pipeline;
mod policy;
mod reserve;
mod ruleset;
mod settings;
mod size;
mod states;
mod table;
pub(super) mod test;
pub(crate) mod types;

pub(super) use size::Sizes;
pub(crate) use states::States;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tollgate_grammar::ast::{self, ItemKind, Name};
use tollgate_grammar::source::Span;
use tollgate_ir::entities::IndexVec;

use super::{Checker, Def, ModuleId};
use crate::diagnostics::catalog::items;
use crate::hir::{
    Callee, DataId, EnumId, Expr, ExprKind, FnId, PipelineId, RecordId, RuleSetId, StateId,
    StreamId,
};
use crate::types::ty::Ty;

/// What the items of a module became, by their place in the file.
#[derive(Clone, Copy, Debug)]
enum Declared {
    Record(RecordId),
    Enum(EnumId),
    Data(DataId),
    Fn(FnId),
    RuleSet(RuleSetId),
    Pipeline(PipelineId),
    State(StateId),
    Stream(StreamId),
    /// Nothing that has a body or fields of its own: types, constants, tests, what was refused.
    Other,
}

/// A module whose items have names.
pub(super) struct Outline {
    module: ModuleId,
    items: Vec<Declared>,
}

/// Declares the items of a module, then defines its types, constants and signatures.
pub(super) fn define(checker: &mut Checker<'_>, module: ModuleId) -> Outline {
    let file = Arc::clone(&checker.modules[module.0 as usize].ast);
    let items = file
        .items
        .iter()
        .map(|item| declare(checker, module, item))
        .collect();
    let outline = Outline { module, items };
    order::define_types(checker, &outline, &file);
    boundary::apply(checker, module, &file);
    define::signatures(checker, &outline, &file);
    outline
}

/// Checks the bodies of all modules, and then what can only be said of all of them together.
pub(super) fn bodies(checker: &mut Checker<'_>, outlines: &[Outline]) {
    states::define(checker, outlines);
    for outline in outlines {
        let file = Arc::clone(&checker.modules[outline.module.0 as usize].ast);
        for (item, declared) in file.items.iter().zip(&outline.items) {
            body(checker, outline.module, item, *declared);
        }
    }
    // Tests come last: they name the rules of any rule set.
    let main = ModuleId(0);
    let file = Arc::clone(&checker.modules[0].ast);
    for item in &file.items {
        if let ItemKind::Test(test) = &item.kind {
            test::check(checker, main, test);
        }
    }
    calls::check(checker);
    effects::check(checker);
}

fn body(checker: &mut Checker<'_>, module: ModuleId, item: &ast::Item, declared: Declared) {
    let is_main = module == ModuleId(0);
    let entry = match (&item.kind, declared) {
        (ItemKind::Function(function), Declared::Fn(id)) => {
            functions::check(checker, module, function, id);
            return;
        }
        (ItemKind::RuleSet(ast), Declared::RuleSet(id)) => {
            ruleset::check(checker, module, ast, id);
            Callee::RuleSet(id)
        }
        (ItemKind::Guard(ast), Declared::RuleSet(id)) => {
            guard::check(checker, module, ast, id);
            Callee::RuleSet(id)
        }
        (ItemKind::Table(ast), Declared::RuleSet(id)) => {
            table::check(checker, module, ast, id);
            Callee::RuleSet(id)
        }
        (ItemKind::Pipeline(ast), Declared::Pipeline(id)) => {
            pipeline::check(checker, module, ast, id);
            Callee::Pipeline(id)
        }
        _ => return,
    };
    if is_main {
        checker.program.entries.push(entry);
    }
}

/// Gives an item its name and, where it has one, its index. Nothing in it is understood yet.
fn declare(checker: &mut Checker<'_>, module: ModuleId, item: &ast::Item) -> Declared {
    let owner = Arc::clone(&checker.modules[module.0 as usize].name);
    let program = &mut checker.program;
    match &item.kind {
        ItemKind::Record(record) => {
            let id = program.records.push(define::empty_record(record, owner));
            declare_type(checker, module, &record.name, Def::Record(id));
            Declared::Record(id)
        }
        ItemKind::Enum(found) => {
            let id = program.enums.push(define::empty_enum(found, owner));
            declare_type(checker, module, &found.name, Def::Enum(id));
            Declared::Enum(id)
        }
        // What these stand for is known once they are defined; until then nobody asks.
        ItemKind::Type(ty) => {
            declare_type(checker, module, &ty.name, Def::Error);
            Declared::Other
        }
        ItemKind::Const(found) => {
            checker.declare(module, &found.name, Def::Error);
            Declared::Other
        }
        ItemKind::Data(data) => {
            let id = program.data.push(define::empty_data(data));
            checker.declare(module, &data.name, Def::Data(id));
            Declared::Data(id)
        }
        ItemKind::Function(function) => {
            let id = program.fns.push(functions::empty(function, owner));
            checker.declare(module, &function.name, Def::Fn(id));
            Declared::Fn(id)
        }
        ItemKind::RuleSet(set) => {
            let id = program.rulesets.push(ruleset::empty(&set.name, owner));
            checker.declare(module, &set.name, Def::RuleSet(id));
            Declared::RuleSet(id)
        }
        ItemKind::Guard(guard) => {
            let id = program.rulesets.push(ruleset::empty(&guard.name, owner));
            checker.declare(module, &guard.name, Def::RuleSet(id));
            Declared::RuleSet(id)
        }
        ItemKind::Table(table) => {
            let id = program.rulesets.push(ruleset::empty(&table.name, owner));
            checker.declare(module, &table.name, Def::RuleSet(id));
            Declared::RuleSet(id)
        }
        ItemKind::Pipeline(pipeline) => {
            let id = program.pipelines.push(pipeline::empty(pipeline, owner));
            checker.declare(module, &pipeline.name, Def::Pipeline(id));
            Declared::Pipeline(id)
        }
        ItemKind::State(state) => {
            let id = program.states.push(states::empty_state(state, owner));
            checker.declare(module, &state.name, Def::State(id));
            Declared::State(id)
        }
        ItemKind::Stream(stream) => {
            let id = program.streams.push(states::empty_stream(stream));
            checker.declare(module, &stream.name, Def::Stream(id));
            Declared::Stream(id)
        }
        ItemKind::Prove(prove) => {
            not_yet(checker, "prove", prove.title.span);
            Declared::Other
        }
        ItemKind::Use(_) | ItemKind::Boundary(_) | ItemKind::Test(_) => Declared::Other,
        ItemKind::Error => {
            // What it would have declared is unknown, so nobody may complain about a missing name.
            checker.modules[module.0 as usize].incomplete = true;
            Declared::Other
        }
    }
}

fn declare_type(checker: &mut Checker<'_>, module: ModuleId, name: &Name, def: Def) {
    if types::is_builtin(&name.text) {
        let found = items::builtin_type(name).at(name.span, "a type of the language");
        checker.sink.emit(found);
        return;
    }
    checker.declare(module, name, def);
}

/// Refuses a part of the language that this compiler does not have yet.
fn not_yet(checker: &mut Checker<'_>, what: &str, span: Span) {
    checker
        .sink
        .emit(items::not_yet(what).at(span, "not in this version of the compiler"));
}

/// Parameters with their types; a name that two of them have is reported.
fn parameters(
    checker: &mut Checker<'_>,
    module: ModuleId,
    params: &[ast::Param],
) -> Vec<(Arc<str>, Ty)> {
    let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
    params
        .iter()
        .map(|param| {
            if let Some(first) = seen.insert(&param.name.text, param.name.span) {
                let found = items::duplicate_parameter(&param.name)
                    .at(param.name.span, "a second one of this name")
                    .at(first, "the first");
                checker.sink.emit(found);
            }
            let ty = checker.resolve_type(module, &param.ty);
            (param.name.text.as_str().into(), ty)
        })
        .collect()
}

/// Makes the parameters of an item visible in its body, as the first of its locals.
fn bind_parameters(
    body: &mut super::Body<'_, '_>,
    params: &[ast::Param],
    signature: &super::Signature,
) -> Vec<crate::hir::LocalId> {
    let types = signature.params.iter().map(|(_, ty)| ty.clone());
    params
        .iter()
        .zip(types)
        .map(|(param, ty)| body.bind(&param.name, ty))
        .collect()
}

/// The place of a body that is not checked yet.
fn no_expr(span: Span) -> Expr {
    Expr {
        kind: ExprKind::Error,
        ty: Ty::Error,
        span,
    }
}

/// No locals yet.
fn no_locals() -> crate::hir::Locals {
    IndexVec::new()
}
