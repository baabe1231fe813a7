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
        let shown = tree.nodes.iter().map(|node| match node {
            Node::Leaf { from, to } => {
                let rows = &tree.candidates[*from as usize..*to as usize];
                let left = |row: &super::build::Candidate| row.len + u32::from(row.residue != NONE);
                Shown {
                    kind: ShownKind::Leaf(rows.iter().map(|r| (r.rule, left(r))).collect()),
                    edges: Vec::new(),
                }
            }
            Node::Branch {
                feature,
                access,
                rest,
            } => {
                let access = &tree.accesses[*access as usize];
                let mut edges = Vec::new();
                access.edges(&mut |label, child| edges.push((label, child)));
                if *rest != NONE {
                    edges.push(("rest".into(), *rest));
                }
                let kind = ShownKind::Branch {
                    feature: self.order.get(*feature as usize).copied().unwrap_or(NONE),
                    access: access.name(),
                };
                Shown { kind, edges }
            }
        });
        shown.collect()
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
