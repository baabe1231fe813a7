//! The edges of an index, one by one, for who counts how often each is taken.

use std::collections::BTreeMap;

use tollgate_runtime::index::ShownKind;

use super::{Limits, REST, line, name, variant, variants};
use crate::entities::IndexId;
use crate::module::Module;

/// A way from a node that asks for a feature to another node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edge {
    /// The feature's name.
    pub feature: String,
    /// The kind of access structure.
    pub access: &'static str,
    /// The answers that lead this way; `rest` for rules that do not ask.
    pub labels: Vec<String>,
    /// The number of the node that it leads to.
    pub to: u32,
}

/// The edges of an index of a verified module, in the order of its nodes; several answers may take one edge. Rows that are filed by
/// thresholds are looked at together with the node that asks, so no edge leads to them. N log n in the index.
pub fn edges(module: &Module, id: IndexId, limits: Limits) -> Vec<Edge> {
    let index = &module.indexes[id];
    let nodes = index.decider.index.nodes();
    let mut found: Vec<Edge> = Vec::new();
    for node in &nodes {
        let ShownKind::Branch { feature, access } = &node.kind else {
            continue;
        };
        let variants = variants(module, index, *feature);
        let mut own: Vec<Edge> = Vec::new();
        let mut places = BTreeMap::new();
        for (label, to) in &node.edges {
            if *access == "thresholds" && label != REST {
                continue;
            }
            let label = match variant(module, variants, label) {
                Some(name) => name.to_owned(),
                None => line(label, limits),
            };
            let known = places.entry(*to).or_insert(own.len());
            match own.get_mut(*known) {
                Some(edge) => edge.labels.push(label),
                None => own.push(Edge {
                    feature: name(index, *feature, limits),
                    access,
                    labels: vec![label],
                    to: *to,
                }),
            }
        }
        found.append(&mut own);
    }
    found
}
