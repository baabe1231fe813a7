//! Who calls whom: functions, rule sets and indexes.

use crate::entities::{Entity, FuncId, IndexId, RuleSetId};
use crate::instructions::Inst;
use crate::module::{Module, RuleSet};

/// Something that can be called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Node {
    /// A function.
    Func(FuncId),
    /// A rule set, which calls its conditions, outcomes and key.
    Rules(RuleSetId),
    /// An index, which calls its functions.
    Index(IndexId),
}

/// The call graph of a module. Linear to make.
#[derive(Clone, Debug)]
pub struct CallGraph {
    funcs: usize,
    rulesets: usize,
    /// Where each node's callees begin; one more than nodes. Functions come first, then rule sets, then indexes.
    starts: Vec<u32>,
    callees: Vec<u32>,
}

impl CallGraph {
    /// Looks at a module whose indices are in range.
    pub fn new(module: &Module) -> CallGraph {
        let mut graph = CallGraph {
            funcs: module.funcs.len(),
            rulesets: module.rulesets.len(),
            starts: vec![0],
            callees: Vec::new(),
        };
        for func in module.funcs.values() {
            for id in func.blocks.values().flat_map(|b| &b.insts) {
                let inst = &func.insts[*id].inst;
                graph.callees.extend(inst.callee().map(|f| f.0));
                if let Inst::Decide { rules, .. } | Inst::DecideMarked { rules, .. } = inst {
                    graph.callees.push(graph.index(Node::Rules(*rules)) as u32);
                }
                if let Inst::Search { index, .. } | Inst::SearchMarked { index, .. } = inst {
                    graph.callees.push(graph.index(Node::Index(*index)) as u32);
                }
            }
            graph.starts.push(graph.callees.len() as u32);
        }
        for rules in module.rulesets.values() {
            graph.callees.extend(ruleset_funcs(rules).map(|f| f.0));
            graph.starts.push(graph.callees.len() as u32);
        }
        for index in module.indexes.values() {
            graph.callees.extend(index.functions.iter().map(|f| f.0));
            graph.starts.push(graph.callees.len() as u32);
        }
        graph
    }

    /// What a node calls, once for each call.
    pub fn callees(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        self.edges(self.index(node))
            .iter()
            .map(|n| self.node(*n as usize))
    }

    /// All nodes, callees before their callers.
    ///
    /// # Errors
    /// A node that calls itself, if through others.
    pub fn bottom_up(&self) -> Result<Vec<Node>, Node> {
        let order = postorder(self.starts.len() - 1, |n| self.edges(n));
        match order {
            Ok(order) => Ok(order.into_iter().map(|n| self.node(n)).collect()),
            Err(n) => Err(self.node(n)),
        }
    }

    fn edges(&self, n: usize) -> &[u32] {
        &self.callees[self.starts[n] as usize..self.starts[n + 1] as usize]
    }

    fn index(&self, node: Node) -> usize {
        match node {
            Node::Func(f) => f.index(),
            Node::Rules(r) => self.funcs + r.index(),
            Node::Index(i) => self.funcs + self.rulesets + i.index(),
        }
    }

    fn node(&self, n: usize) -> Node {
        match n.checked_sub(self.funcs) {
            None => Node::Func(FuncId::new(n)),
            Some(r) if r < self.rulesets => Node::Rules(RuleSetId::new(r)),
            Some(i) => Node::Index(IndexId::new(i - self.rulesets)),
        }
    }
}

/// Every function a rule set calls, in the order of the text form.
pub fn ruleset_funcs(rules: &RuleSet) -> impl Iterator<Item = FuncId> + '_ {
    let groups = rules.groups.values().map(|g| g.cond);
    let of_rules = rules
        .rules
        .iter()
        .flat_map(|r| r.cond.into_iter().chain(r.outcomes.iter().copied()));
    let otherwise = rules.otherwise.iter().map(|o| o.outcome);
    groups.chain(of_rules).chain(otherwise).chain(rules.key)
}

/// The nodes of a graph, successors before predecessors; or a node on a cycle. Keeps its own stack, so depth is no danger.
pub(crate) fn postorder<'g>(
    nodes: usize,
    successors: impl Fn(usize) -> &'g [u32],
) -> Result<Vec<usize>, usize> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut state = vec![State::New; nodes];
    let mut order = Vec::with_capacity(nodes);
    let mut stack: Vec<(usize, &[u32])> = Vec::new();
    for root in 0..nodes {
        if state[root] != State::New {
            continue;
        }
        state[root] = State::Open;
        stack.push((root, successors(root)));
        while let Some((node, rest)) = stack.last_mut() {
            let Some((next, later)) = rest.split_first() else {
                state[*node] = State::Done;
                order.push(*node);
                stack.pop();
                continue;
            };
            *rest = later;
            let next = *next as usize;
            match state[next] {
                State::New => {
                    state[next] = State::Open;
                    stack.push((next, successors(next)));
                }
                State::Open => return Err(next),
                State::Done => {}
            }
        }
    }
    Ok(order)
}
