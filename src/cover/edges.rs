//! Which edges of the index of a rule set are taken: the search is gone through once more, on the program whose rule sets became
//! indexes and that was optimised no further, which is the one that `--stage dag` draws.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tollgate_frontend::hir::{self, RuleSetId};
use tollgate_ir::draw::{self, Limits};
use tollgate_ir::entities::{self as ir, Entity, IndexId};
use tollgate_ir::interp::{Interp, Watch};
use tollgate_ir::module::Module;
use tollgate_optimizer::Aim;
use tollgate_runtime::{Arena, Cx, Mark, Word};

use super::{EdgeCovered, IndexCovered};
use crate::dag::indexed;
use crate::error::Error;
use crate::explain::{Explainer, Place};

/// Searches, and counts the nodes that searches look at.
pub(super) struct Edges {
    interp: Interp<Box<Module>, Counted>,
    /// By the program's rule sets.
    indexes: Vec<Option<IndexId>>,
}

/// By node, as a search names it, how often it was looked at.
struct Counted(Mutex<Nodes>);

#[derive(Default)]
struct Nodes {
    /// The index that is asked about; a search within a search is that of another one, and counted when its turn comes.
    asked: Option<IndexId>,
    counts: BTreeMap<(IndexId, u32), u64>,
}

impl Edges {
    /// # Errors
    /// When rule sets cannot be indexed for want of resources.
    pub(super) fn new(of: &Explainer, aim: Aim) -> Result<Edges, Error> {
        let (sets, module) = indexed(of.lowered.module.clone(), aim)?;
        let index = |id: RuleSetId| {
            let set = sets.get(of.lowered.ruleset(id)?.index())?;
            set.found.as_ref().ok().copied()
        };
        Ok(Edges {
            indexes: of.program.rulesets.keys().map(index).collect(),
            interp: Interp::watched(Box::new(module), Counted(Mutex::default())),
        })
    }

    /// Searches once, and counts.
    pub(super) fn search(&self, set: RuleSetId, cx: &Cx<'_>, args: &[Word<'_>]) {
        let Some(index) = self.indexes[set.index()] else {
            return;
        };
        self.nodes(|nodes| nodes.asked = Some(index));
        let arena = Arena::new();
        let mut own = Cx::new(&arena, cx.id, cx.time);
        own.data = cx.data;
        self.interp.search(index, &mut own, args);
    }

    /// What was counted of a rule set, if it is searched by asking something first: a few rules stand in one leaf.
    pub(super) fn covered(
        &self,
        id: RuleSetId,
        set: &hir::RuleSet,
        place: Place,
    ) -> Option<IndexCovered> {
        let index = self.indexes[id.index()]?;
        let module = self.interp.module();
        let found = &module.indexes[index].decider.index;
        let mut taken: BTreeMap<u32, u64> = BTreeMap::new();
        self.nodes(|nodes| {
            for ((_, place), count) in nodes.counts.range((index, 0)..=(index, u32::MAX)) {
                taken.extend(found.number(*place).map(|number| (number, *count)));
            }
        });
        let edges = draw::edges(module, index, Limits::TEXT).into_iter();
        let edges = edges.map(|edge| EdgeCovered {
            taken: taken.get(&edge.to).copied().unwrap_or(0),
            feature: edge.feature,
            access: edge.access,
            answers: edge.labels,
        });
        let edges: Vec<EdgeCovered> = edges.collect();
        (!edges.is_empty()).then(|| IndexCovered {
            ruleset: set.name.to_string(),
            place,
            edges,
        })
    }

    fn nodes<T>(&self, work: impl FnOnce(&mut Nodes) -> T) -> T {
        self.interp.watch().nodes(work)
    }
}

impl Counted {
    fn nodes<T>(&self, work: impl FnOnce(&mut Nodes) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Watch for Counted {
    fn begins(&self, _: ir::RuleSetId, _: &Cx<'_>, _: &[Word<'_>]) {}
    fn tried(&self, _: ir::RuleSetId, _: usize, _: bool, _: &Cx<'_>, _: &[Word<'_>]) {}
    fn ends(&self, _: ir::RuleSetId, _: &[Mark]) {}

    fn comes_to(&self, index: IndexId, place: u32) {
        self.nodes(|nodes| {
            if nodes.asked == Some(index) {
                *nodes.counts.entry((index, place)).or_default() += 1;
            }
        });
    }
}
