//! An index for people: what it asks first, and where that leads.

use rustc_hash::FxHashMap;

use super::access::{self, NONE};
use super::code::{Kind, RowView};
use super::feature::{Base, Feature};
use super::{Index, check};

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
        let code = &self.code;
        let numbers: FxHashMap<u32, u32> =
            self.subjects.features().map(|(s, f)| (s.0, f)).collect();
        let nodes: FxHashMap<u32, u32> = code.nodes.iter().copied().zip(0..).collect();
        let node = |at: u32| nodes.get(&at).copied().unwrap_or(NONE);
        let leaf = |at: u32| {
            let rows = code.rows_of(at).into_iter();
            let left = |row: RowView<'_>| {
                let checks = check::each(row.checks).count() as u32;
                (row.head.rule(), checks + u32::from(row.masked))
            };
            Shown {
                kind: ShownKind::Leaf(rows.map(left).collect()),
                edges: Vec::new(),
            }
        };
        // The rows behind thresholds are shown as a node of their own.
        let mut more = Vec::new();
        let mut shown = Vec::with_capacity(code.nodes.len());
        for at in &code.nodes {
            let Some((header, _)) = code.node(*at) else {
                continue;
            };
            let mut edges = Vec::new();
            let access = match header.kind {
                Kind::Leaf => {
                    shown.push(leaf(*at));
                    continue;
                }
                Kind::Up | Kind::Down => {
                    let behind = (code.nodes.len() + more.len()) as u32;
                    more.push(leaf(*at));
                    let label = match header.kind == Kind::Up {
                        true => "at least the threshold of",
                        false => "at most the threshold of",
                    };
                    edges.push((label.into(), behind));
                    "thresholds"
                }
                Kind::Listed => {
                    let listed = code.listed(*at).into_iter();
                    edges.extend(listed.map(|(value, child)| (value.to_string(), node(child))));
                    access::VALUES
                }
                Kind::Branch => {
                    let access = &code.accesses[header.of as usize];
                    access.edges(&code.words, &mut |label, child| {
                        edges.push((label, node(child)))
                    });
                    access.name()
                }
            };
            if header.rest != NONE {
                edges.push(("rest".into(), node(header.rest)));
            }
            let feature = numbers.get(&header.subject.0).copied().unwrap_or(NONE);
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
