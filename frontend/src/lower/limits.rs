//! What can only be measured once a program is lowered: the worst case of its rule sets, and how deep calls nest.

use tollgate_grammar::source::Span;
use tollgate_ir::callgraph::{CallGraph, Node};
use tollgate_ir::cost::Costs;
use tollgate_ir::entities::{self as ir, Entity};
use tollgate_ir::verify::CALL_DEPTH_MAX;

use super::Lowered;
use crate::diagnostics::{Diagnostic, Sink, catalog};
use crate::hir::Program;

/// Reports rule sets whose worst case is above their `cost`, and calls nested deeper than engines allow; the module must
/// not be used then. Linear.
pub fn check_limits(program: &Program, lowered: &Lowered) -> Vec<Diagnostic> {
    let mut sink = Sink::default();
    if depth(program, lowered, &mut sink) {
        budgets(program, lowered, &mut sink);
    }
    sink.finish()
}

fn budgets(program: &Program, lowered: &Lowered, sink: &mut Sink) {
    if program.rulesets.values().all(|set| set.cost.is_none()) {
        return;
    }
    let costs = Costs::new(&lowered.module);
    for (id, set) in program.rulesets.iter() {
        let (Some((limit, span)), Some(rules)) = (set.cost, lowered.rulesets[id]) else {
            continue;
        };
        let cost = costs.ruleset(rules);
        if cost <= limit {
            continue;
        }
        let lowered_rules = &lowered.module.rulesets[rules].rules;
        let each = lowered_rules
            .iter()
            .map(|rule| (&rule.name, costs.rule(rule)));
        let each = set.rules.iter().zip(each);
        // Of equals the first, so that the message does not move when rules are added behind.
        let worst = each.reduce(|a, b| if b.1.1 > a.1.1 { b } else { a });
        let mut found = catalog::limits::over_budget(&set.name, cost, limit)
            .at(span, format!("at most {limit} steps are allowed"));
        if let Some((rule, (name, steps))) = worst {
            let label = format!("the costliest rule, `{name}`: {steps} steps");
            found = found.at(rule.span, label);
        }
        sink.emit(
            found
                .note("the worst case counts every condition, each at the largest values its types allow")
                .help(format!("allow it: `cost {cost}`, or give lists and texts smaller bounds")),
        );
    }
}

/// Whether calls nest as deep as engines allow, or less.
fn depth(program: &Program, lowered: &Lowered, sink: &mut Sink) -> bool {
    let module = &lowered.module;
    let graph = CallGraph::new(module);
    let order = graph.bottom_up();
    let order = order.unwrap_or_else(|node| tollgate_ir::bug!("{node:?} calls itself"));
    let mut funcs = vec![0u32; module.funcs.len()];
    let mut rules = vec![0u32; module.rulesets.len()];
    let mut indexes = vec![0u32; module.indexes.len()];
    let mut deepest = 0;
    for node in order {
        let callees = graph.callees(node).map(|callee| match callee {
            Node::Func(f) => funcs[f.index()],
            Node::Rules(r) => rules[r.index()],
            Node::Index(i) => indexes[i.index()],
        });
        let depth = 1 + callees.max().unwrap_or(0);
        deepest = deepest.max(depth);
        match node {
            Node::Func(f) => funcs[f.index()] = depth,
            Node::Rules(r) => rules[r.index()] = depth,
            Node::Index(i) => indexes[i.index()] = depth,
        }
    }
    if deepest <= CALL_DEPTH_MAX {
        return true;
    }
    let func = |id: &Option<ir::FuncId>| id.map_or(0, |f| funcs[f.index()]);
    let fns = program.fns.iter();
    let fns = fns.map(|(id, f)| (func(&lowered.fns[id]), &f.name, f.span));
    let sets = program.rulesets.iter().map(|(id, r)| {
        let depth = lowered.rulesets[id].map_or(0, |r| rules[r.index()]);
        (depth, &r.name, r.span)
    });
    let pipelines = program.pipelines.iter();
    let pipelines = pipelines.map(|(id, p)| (func(&lowered.pipelines[id]), &p.name, p.span));
    // The first that is too deep is to blame, not what calls it.
    let guilty = fns
        .chain(sets)
        .chain(pipelines)
        .filter(|(depth, ..)| *depth > CALL_DEPTH_MAX)
        .min_by_key(|(depth, ..)| *depth);
    let (name, span): (&str, Option<Span>) = match guilty {
        Some((_, name, span)) => (name, Some(span)),
        None => ("test", program.tests.first().map(|t| t.span)),
    };
    let found = catalog::limits::calls_too_deep(name, CALL_DEPTH_MAX);
    sink.emit(match span {
        Some(span) => found.at(span, "calls nest deepest here"),
        None => found,
    });
    false
}
