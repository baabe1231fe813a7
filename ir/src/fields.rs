//! Which fields of its parameters a function can read: what a host need not supply for a decision.
//!
//! One sweep over the call graph, callees first. A field counts as read where some path could read it; a parameter that is used as a
//! whole (returned, compared, chosen between) counts as read whole.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use tollgate_runtime::index::{Base, Feature};

use crate::callgraph::{CallGraph, Node};
use crate::entities::{FuncId, Val};
use crate::instructions::Inst;
use crate::module::{Func, Module, Terminator};

/// What of a parameter can be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fields {
    /// Anything.
    All,
    /// These fields, by number; nothing else.
    Some(BTreeSet<u32>),
}

impl Default for Fields {
    fn default() -> Fields {
        Fields::Some(BTreeSet::new())
    }
}

impl Fields {
    /// Whether a field can be read.
    pub fn has(&self, field: u32) -> bool {
        match self {
            Fields::All => true,
            Fields::Some(fields) => fields.contains(&field),
        }
    }

    fn add(&mut self, field: u32) {
        if let Fields::Some(fields) = self {
            fields.insert(field);
        }
    }

    fn merge(&mut self, other: &Fields) {
        match (&mut *self, other) {
            (Fields::Some(fields), Fields::Some(more)) => fields.extend(more),
            _ => *self = Fields::All,
        }
    }
}

/// What of each parameter a function, with all that it calls, can read. Linear in the module.
///
/// ```
/// use tollgate_ir::fields::fields_read;
/// # use tollgate_ir::{text::parse, verify::legal};
/// let text = "record Load { cpu: int, queue: int }\n\
///     func hot(Load) -> bool {\nblock0(v0: Load):\n    v1 = field v0, 1\n    v2 = iconst 9\n    v3 = icmp gt, v1, v2\n    return v3\n}\n";
/// let module = legal(parse(text, &[]).unwrap().module).unwrap();
/// let read = fields_read(&module, module.funcs.keys().next().unwrap());
/// assert_eq!((read[0].has(0), read[0].has(1)), (false, true));
/// ```
pub fn fields_read(module: &Module, func: FuncId) -> Vec<Fields> {
    let params = |func: FuncId| module.funcs[func].params().len();
    let Ok(order) = CallGraph::new(module).bottom_up() else {
        return vec![Fields::All; params(func)];
    };
    let mut known: FxHashMap<Node, Vec<Fields>> = FxHashMap::default();
    for node in order {
        let read = match node {
            Node::Func(id) => of_func(&module.funcs[id], &known),
            Node::Index(id) => {
                let index = &module.indexes[id];
                let mut read = vec![Fields::default(); index.params.len()];
                for feature in index.decider.index.features() {
                    of_feature(feature, &mut read);
                }
                for callee in &index.functions {
                    let callee = known.get(&Node::Func(*callee));
                    for (i, read) in read.iter_mut().enumerate() {
                        merge(read, callee, i);
                    }
                }
                read
            }
            // Rule sets are gone where anybody decides; whoever asks before is told nothing wrong.
            Node::Rules(id) => vec![Fields::All; module.rulesets[id].params.len()],
        };
        known.insert(node, read);
    }
    let read = known.remove(&Node::Func(func));
    read.unwrap_or_else(|| vec![Fields::All; params(func)])
}

fn of_feature(feature: &Feature, read: &mut [Fields]) {
    let Feature::Path { base, steps, .. } = feature else {
        return;
    };
    if let Base::Param(param) = base
        && let Some(read) = read.get_mut(*param as usize)
    {
        match steps.first() {
            Some(field) => read.add(*field),
            None => *read = Fields::All,
        }
    }
}

/// Adds what a callee reads of its parameter; anything where that is not known.
fn merge(read: &mut Fields, callee: Option<&Vec<Fields>>, param: usize) {
    match callee.and_then(|callee| callee.get(param)) {
        Some(more) => read.merge(more),
        None => *read = Fields::All,
    }
}

fn of_func(func: &Func, known: &FxHashMap<Node, Vec<Fields>>) -> Vec<Fields> {
    let params: FxHashMap<Val, usize> = func.params().iter().copied().zip(0..).collect();
    let mut read = vec![Fields::default(); params.len()];
    // Values handed on to a callee, which says what it reads of them.
    let hand_on = |read: &mut [Fields], callee: Node, args: &[Val], from: usize| {
        for (i, arg) in args.iter().enumerate() {
            if let Some(param) = params.get(arg) {
                merge(&mut read[*param], known.get(&callee), from + i);
            }
        }
    };
    let whole = |read: &mut [Fields], val: Val| {
        if let Some(param) = params.get(&val) {
            read[*param] = Fields::All;
        }
    };
    for block in func.blocks.values() {
        for inst in &block.insts {
            match &func.insts[*inst].inst {
                Inst::Field { a, index } => {
                    if let Some(param) = params.get(a) {
                        read[*param].add(index.0);
                    }
                }
                Inst::Call { func, args } | Inst::CallMarked { func, args } => {
                    hand_on(&mut read, Node::Func(*func), args, 0);
                }
                Inst::Search { index, args } | Inst::SearchMarked { index, args } => {
                    hand_on(&mut read, Node::Index(*index), args, 0);
                }
                Inst::Any {
                    a, func, captured, ..
                } => {
                    whole(&mut read, *a);
                    hand_on(&mut read, Node::Func(*func), captured, 1);
                }
                Inst::Fold {
                    a,
                    init,
                    func,
                    captured,
                    ..
                } => {
                    whole(&mut read, *a);
                    whole(&mut read, *init);
                    hand_on(&mut read, Node::Func(*func), captured, 2);
                }
                other => other.vals(|val| whole(&mut read, val)),
            }
        }
        match &block.term {
            Terminator::Return(val) => whole(&mut read, *val),
            Terminator::Jump(_) => {}
            Terminator::Br(val, ..) | Terminator::Switch(val, ..) => whole(&mut read, *val),
        }
        let handed = block.term.jumps().flat_map(|jump| &jump.args);
        handed.for_each(|val| whole(&mut read, *val));
    }
    read
}
