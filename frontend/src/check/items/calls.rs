//! Who calls whom: nobody itself. (How deep calls may nest is measured once the program is lowered.)

use rustc_hash::FxHashMap;
use tollgate_grammar::source::Span;

use crate::check::Checker;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::catalog::items;
use crate::hir::walk;
use crate::hir::{Callee, Expr, ExprKind, FnId, Policy, Program};

/// Something that can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Fn(FnId),
    Decision(Callee),
}

/// Refuses recursion.
pub(super) fn check(checker: &mut Checker<'_>) {
    let graph = Graph::of(&checker.program);
    let mut found = Vec::new();
    graph.circles(&checker.program, &mut found);
    for diagnostic in found {
        checker.sink.emit(diagnostic);
    }
}

/// Callers, each with what it calls and where.
struct Graph {
    nodes: Vec<Node>,
    calls: Vec<Vec<(usize, Span)>>,
}

impl Graph {
    fn of(program: &Program) -> Graph {
        let fns = program.fns.keys().map(Node::Fn);
        let sets = program
            .rulesets
            .keys()
            .map(|id| Node::Decision(Callee::RuleSet(id)));
        let pipelines = program
            .pipelines
            .keys()
            .map(|id| Node::Decision(Callee::Pipeline(id)));
        let nodes: Vec<Node> = fns.chain(sets).chain(pipelines).collect();
        let index: FxHashMap<Node, usize> =
            nodes.iter().enumerate().map(|(i, n)| (*n, i)).collect();
        let calls = nodes
            .iter()
            .map(|node| {
                let mut found: Vec<(usize, Span)> = Vec::new();
                for_each_expr(program, *node, &mut |e| {
                    let callee = match &e.kind {
                        ExprKind::Call(id, _) => Node::Fn(*id),
                        ExprKind::Decide { callee, .. } => Node::Decision(*callee),
                        _ => return,
                    };
                    found.push((index[&callee], e.span));
                });
                // One call of each is enough; the first in the source is shown.
                found.sort_by_key(|(callee, span)| (*callee, span.start));
                found.dedup_by_key(|(callee, _)| *callee);
                found
            })
            .collect();
        Graph { nodes, calls }
    }

    /// Reports every circle once: depth first, with a stack of its own, because chains may be as long as the program.
    fn circles(&self, program: &Program, found: &mut Vec<Diagnostic>) {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let mut states = vec![State::New; self.nodes.len()];
        for start in 0..self.nodes.len() {
            if states[start] != State::New {
                continue;
            }
            states[start] = State::Open;
            let mut stack = vec![(start, 0)];
            while let Some(&mut (node, ref mut at)) = stack.last_mut() {
                let Some(&(next, _)) = self.calls[node].get(*at) else {
                    states[node] = State::Done;
                    stack.pop();
                    continue;
                };
                *at += 1;
                match states[next] {
                    State::Done => {}
                    State::New => {
                        states[next] = State::Open;
                        stack.push((next, 0));
                    }
                    State::Open => {
                        let from = stack.iter().position(|(n, _)| *n == next).unwrap_or(0);
                        found.push(self.circle(program, &stack[from..]));
                    }
                }
            }
        }
    }

    /// `circle` holds callers, each with one more than the number of the call that leads to the next.
    fn circle(&self, program: &Program, circle: &[(usize, usize)]) -> Diagnostic {
        let name = |node: usize| name_of(program, self.nodes[node]).0;
        let mut found = items::recursion(name(circle[0].0));
        for &(caller, at) in circle {
            let (callee, span) = self.calls[caller][at - 1];
            found = found.at(span, format!("`{}` calls `{}`", name(caller), name(callee)));
        }
        found.note("every decision ends, at a price that is known before it runs; recursion would have neither")
            .help("quantifiers such as `any(x in xs where …)` look at every element of a collection")
    }
}

fn name_of(program: &Program, node: Node) -> (String, Span) {
    let (name, span) = match node {
        Node::Fn(id) => (&program.fns[id].name, program.fns[id].span),
        Node::Decision(Callee::RuleSet(id)) => {
            (&program.rulesets[id].name, program.rulesets[id].span)
        }
        Node::Decision(Callee::Pipeline(id)) => {
            (&program.pipelines[id].name, program.pipelines[id].span)
        }
    };
    (name.to_string(), span)
}

/// Every expression in the body of something.
pub(super) fn for_each_expr(program: &Program, node: Node, see: &mut dyn FnMut(&Expr)) {
    let mut all = |e: &Expr| walk::each(e, see);
    match node {
        Node::Fn(id) => all(&program.fns[id].body),
        Node::Decision(Callee::RuleSet(id)) => {
            let set = &program.rulesets[id];
            if let Policy::Best { key, .. } = &set.policy {
                all(key);
            }
            set.groups
                .values()
                .flat_map(|g| &g.spine)
                .for_each(&mut all);
            for rule in &set.rules {
                rule.spine.iter().chain(&rule.outcomes).for_each(&mut all);
            }
            set.otherwise.iter().for_each(all);
        }
        Node::Decision(Callee::Pipeline(id)) => {
            let pipeline = &program.pipelines[id];
            for stage in &pipeline.stages {
                all(&stage.value);
                stage.stop.iter().for_each(|(_, value)| all(value));
            }
            all(&pipeline.then);
        }
    }
}
