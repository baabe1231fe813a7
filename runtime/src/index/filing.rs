//! Filing rows: the access structure of a node, and which rows go to which of its children.

use rustc_hash::FxHashMap;

use super::access::{
    Access, Affixes, Below, End, NONE, Nets, Paths, Points, Ranges, Regexes, Texts,
};
use super::build::{Builder, Filed};
use super::class::{Class, literals, values};
use super::test::{Atom, Test};
use crate::pattern::Pattern;

impl Builder<'_> {
    /// The access structure for rows that can be found by a feature, and the rows of each child, in order. Nodes are reserved.
    /// None if it would be an automaton that is too large.
    pub(super) fn access(
        &mut self,
        rows: &[Filed],
        feature: u32,
        class: Class,
    ) -> Option<(Access, Vec<Vec<Filed>>)> {
        let first = self.tree.nodes.len() as u32;
        let mut children: Vec<Vec<Filed>> = Vec::new();
        let fresh = |children: &mut Vec<Vec<Filed>>| {
            children.push(Vec::new());
            first + children.len() as u32 - 1
        };
        let found: Vec<(Filed, &Atom)> = rows
            .iter()
            .filter_map(|filed| {
                let atom = self.atom_of(*filed, feature, class)?;
                let settled = filed.settled | 1 << atom;
                let row = filed.row;
                Some((Filed { row, settled }, &self.rows[row as usize].atoms[atom]))
            })
            .collect();
        let file = |children: &mut Vec<Vec<Filed>>, child: u32, filed: Filed| {
            children[(child - first) as usize].push(filed);
        };
        let access = match class {
            Class::Texts => {
                let mut texts = Texts::default();
                for (filed, atom) in found {
                    if let Test::Texts(of) = &atom.test {
                        for text in of {
                            let child = texts.child(text.as_bytes(), || fresh(&mut children));
                            file(&mut children, child, filed);
                        }
                    }
                }
                Access::Texts(texts)
            }
            Class::Front | Class::Back => {
                let end = if class == Class::Front {
                    End::Front
                } else {
                    End::Back
                };
                let text = |atom: &Atom| match &atom.test {
                    Test::Prefix(text) | Test::Suffix(text) => text.clone(),
                    _ => "".into(),
                };
                let lengths = found.iter().map(|(_, atom)| text(atom).len());
                let mut affixes = Affixes::new(end, lengths.collect());
                for (filed, atom) in found {
                    let child = affixes.child(text(atom).as_bytes(), || fresh(&mut children));
                    file(&mut children, child, filed);
                }
                Access::Affixes(affixes)
            }
            Class::Nets => {
                let mut nets = Nets::default();
                for (filed, atom) in found {
                    if let Test::Nets(of) = &atom.test {
                        for net in of {
                            let child = nets.child(*net, || fresh(&mut children));
                            file(&mut children, child, filed);
                        }
                    }
                }
                Access::Nets(nets)
            }
            Class::Below => {
                let mut below = Below::default();
                for (filed, atom) in found {
                    if let Test::Matches(Pattern::Path(path)) = &atom.test
                        && let Some(path) = literals(path)
                    {
                        let child = below.child(&path, || fresh(&mut children));
                        file(&mut children, child, filed);
                    }
                }
                Access::Below(below)
            }
            Class::Paths => {
                let mut paths = Paths::default();
                for (filed, atom) in found {
                    match &atom.test {
                        Test::Matches(Pattern::Path(path)) => {
                            let child = paths.child(path, || fresh(&mut children));
                            file(&mut children, child, filed);
                        }
                        Test::Texts(of) => {
                            for text in of {
                                let child = paths.literal_child(text, || fresh(&mut children));
                                file(&mut children, child, filed);
                            }
                        }
                        _ => {}
                    }
                }
                Access::Paths(paths)
            }
            Class::Regexes => {
                self.automata -= 1;
                let patterns = found.iter().filter_map(|(_, atom)| match &atom.test {
                    Test::Matches(pattern) => Some(pattern),
                    _ => None,
                });
                let made = Regexes::new(patterns, || fresh(&mut children));
                let (regexes, which) = made?;
                for ((filed, _), child) in found.into_iter().zip(which) {
                    file(&mut children, child, filed);
                }
                Access::Regexes(Box::new(regexes))
            }
            Class::Truth | Class::Presence => {
                let (mut yes, mut no) = (NONE, NONE);
                for (filed, atom) in found {
                    let child = if atom.want { &mut yes } else { &mut no };
                    if *child == NONE {
                        *child = fresh(&mut children);
                    }
                    file(&mut children, *child, filed);
                }
                let present = class == Class::Presence;
                Access::Truth { present, yes, no }
            }
            Class::Points => {
                let mut points: FxHashMap<i64, u32> = FxHashMap::default();
                for (filed, atom) in found {
                    if let Test::Ints(of) = &atom.test {
                        for value in values(of) {
                            let child =
                                *points.entry(value).or_insert_with(|| fresh(&mut children));
                            file(&mut children, child, filed);
                        }
                    }
                }
                let mut points: Vec<(i64, u32)> = points.into_iter().collect();
                points.sort_unstable();
                Access::Points(Points::new(points))
            }
            Class::Ranges => {
                let of = |atom: &Atom| match &atom.test {
                    Test::Ints(ranges) => ranges.clone(),
                    _ => [].into(),
                };
                let ends = found.iter().flat_map(|(_, atom)| of(atom));
                let mut tree = Ranges::new(ends);
                let mut at: FxHashMap<usize, u32> = FxHashMap::default();
                for (filed, atom) in found {
                    for range in of(atom) {
                        tree.cut(range, &mut |node| {
                            let child = *at.entry(node).or_insert_with(|| fresh(&mut children));
                            file(&mut children, child, filed);
                        });
                    }
                }
                for (node, child) in at {
                    *tree.child(node) = child;
                }
                Access::Ranges(tree)
            }
        };
        for _ in &children {
            self.reserve();
        }
        Some((access, children))
    }
}
