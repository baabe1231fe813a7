//! An index for people: what it asks first, and where that leads.

use super::Index;
use super::access::NONE;
use super::build::Node;
use super::feature::{Base, Feature};

/// A node of the drawing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// What it asks, and by what structure; or the rows it holds.
    pub kind: ShownKind,
    /// Where it leads: a label and the number of a node.
    pub edges: Vec<(String, u32)>,
}

/// What a node of the drawing is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ShownKind {
    /// Asks for a feature and goes on by its word.
    Branch {
        /// The feature, by number.
        feature: u32,
        /// The kind of access structure.
        access: &'static str,
    },
    /// Looks at rules one by one: their numbers, and how many checks are left for each.
    Leaf(Vec<(u32, u32)>),
}

impl Index {
    /// Its nodes, the root first. The edge of rows that say nothing about the feature is labelled `rest`.
    pub fn nodes(&self) -> Vec<Shown> {
        let tree = &self.tree;
        let number = |f: &u32| self.order.get(*f as usize).copied().unwrap_or(NONE);
        let leaf = |from: u32, to: u32| {
            let rows = &tree.candidates[from as usize..to as usize];
            let left =
                |row: &super::build::Candidate| u32::from(row.len) + u32::from(row.residue != NONE);
            Shown {
                kind: ShownKind::Leaf(rows.iter().map(|r| (r.rule, left(r))).collect()),
                edges: Vec::new(),
            }
        };
        // The rows behind thresholds are shown as a node of their own.
        let mut more = Vec::new();
        let mut shown = Vec::with_capacity(tree.nodes.len());
        for node in &tree.nodes {
            let (feature, access, mut edges, rest) = match node {
                Node::Leaf { from, to } => {
                    shown.push(leaf(*from, *to));
                    continue;
                }
                Node::Rays {
                    feature,
                    up,
                    from,
                    to,
                    rest,
                    ..
                } => {
                    let behind = (tree.nodes.len() + more.len()) as u32;
                    more.push(leaf(*from, *to));
                    let label = if *up {
                        "at least the threshold of"
                    } else {
                        "at most the threshold of"
                    };
                    (feature, "thresholds", vec![(label.into(), behind)], rest)
                }
                Node::Branch {
                    feature,
                    access,
                    rest,
                } => {
                    let access = &tree.accesses[*access as usize];
                    let mut edges = Vec::new();
                    access.edges(&mut |label, child| edges.push((label, child)));
                    (feature, access.name(), edges, rest)
                }
            };
            if *rest != NONE {
                edges.push(("rest".into(), *rest));
            }
            let feature = number(feature);
            let kind = ShownKind::Branch { feature, access };
            shown.push(Shown { kind, edges });
        }
        shown.append(&mut more);
        shown
    }
}

impl std::fmt::Display for Feature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Feature::Path { base, steps, tag } => {
                match base {
                    Base::Param(n) => write!(f, "param {n}")?,
                    Base::Data(n) => write!(f, "data {n}")?,
                    Base::Id => f.write_str("decision_id")?,
                    Base::Time => f.write_str("decision_time")?,
                }
                for step in steps {
                    write!(f, ".{step}")?;
                }
                f.write_str(if *tag { " tag" } else { "" })
            }
            Feature::Computed(function) => write!(f, "call {function}"),
        }
    }
}
