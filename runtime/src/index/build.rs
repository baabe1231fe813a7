//! Building an index: which feature splits the rows, again and again.
//!
//! The tree is that of a BE-tree (Sadoghi and Jacobsen, *BE-Tree: an index structure to efficiently match Boolean expressions over
//! high-dimensional discrete space*, 2011), for rules that do not change: a node chooses one feature; rows that say something about it
//! go to the children of an access structure, all others to the *rest*, a node of its own that is searched as well. A row is
//! therefore filed as often as its test has values, and not once for every value of the features it says nothing about,
//! which is where decision trees over rules (HyperCuts, Singh et al. 2003) blow up.
//! Which feature: the one that leaves the fewest rows to look at, where traffic is spread as the rules are. Rows that would stand by
//! threshold count less, because many of them are not looked at: a node that takes off few of them is one more read of memory.
//! Rows that filing would repeat beyond a budget stay together in a leaf, which is scanned.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::hash::{Hash, Hasher};
use std::ops::Range;

use rustc_hash::{FxHashMap, FxHasher};

use super::access::{Access, NONE};
use super::class::{Class, class, values};
use super::code::Code;
use super::layout;
use super::rows::Row;
use super::subjects::Subjects;
use super::test::{Atom, Test};

/// Leaves of so many rows are not split.
const LEAF_ROWS: usize = 6;
/// What finding the children of a word costs, in rows looked at: in one table, and in structures that are several.
const ACCESS_COST: f64 = 2.0;
const PATHS_COST: f64 = 3.0;
const TABLES_COST: f64 = 4.0;
/// What a row that stands by threshold costs, in rows looked at. Half of them are, and these cost a little more than others, because no
/// processor foresees how many they are.
const RAY_COST: f64 = 0.6;
/// What coming to a node costs, in rows looked at.
const NODE_COST: f64 = 1.5;
/// What filing every row once more is worth avoiding, in rows looked at.
const AGAIN_COST: f64 = 3.0;
/// What running an automaton costs besides, in rows looked at.
const AUTOMATON_COST: f64 = 6.0;
/// Automata of one index: each may take 2 MiB.
const AUTOMATA_MAX: u32 = 4;
/// Rows of the smallest node that a segment tree is made for: it repeats rows.
const RANGES_MIN: usize = 32;
/// How often a row may be filed besides, on average, and beside the values that its tests list.
const FILED_MAX: usize = 5;
/// Nodes above one another at most.
const DEPTH_MAX: u32 = 48;

/// A node while the tree is built; children are known by their places among the nodes.
pub(super) enum Node {
    /// Rows to look at one by one.
    Leaf(Vec<Filed>),
    /// Rows that ask for an integer from a threshold on (or up to one), by threshold, and the node of the other rows.
    Rays {
        feature: u32,
        /// Whether the rows ask for integers from their threshold on.
        up: bool,
        rows: Vec<(i64, Filed)>,
        rest: u32,
    },
    /// Children by the word of a feature, and the node of the rows that say nothing about it.
    Branch {
        feature: u32,
        access: u32,
        children: Range<u32>,
        rest: u32,
    },
}

/// The tree while it is built.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// The least rule below each node.
    pub(super) least: Vec<u32>,
    pub(super) accesses: Vec<Access>,
    /// Rows that were to be split, and were not because the budget was spent.
    pub(super) unsplit: usize,
    /// Most nodes above one another.
    pub(super) depth: u32,
}

/// A tree that was built.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) code: Code,
    /// See [`Tree`].
    pub(super) unsplit: usize,
    /// See [`Tree`].
    pub(super) depth: u32,
}

/// What lets an atom's row be found, and a number for each value under which it is filed.
type Keyed = (Class, Vec<u64>);

/// A row on its way down: what has been settled by the nodes above is not asked again.
#[derive(Clone, Copy)]
pub(super) struct Filed {
    pub(super) row: u32,
    /// A bit for each of the first 64 atoms.
    pub(super) settled: u64,
}

/// All integers from a threshold on, or up to it.
struct Ray {
    threshold: i64,
    up: bool,
}

/// The thresholds by which a leaf of some rows would stand.
#[derive(Clone, Copy)]
struct MostRays {
    feature: u32,
    /// Whether the rows ask for integers from their threshold on.
    up: bool,
    /// How many of them have such a threshold.
    rows: usize,
}

/// Rows that wait for their node to be built.
struct Work {
    node: u32,
    depth: u32,
    rows: Vec<Filed>,
}

impl Work {
    fn order(&self) -> (usize, Reverse<u32>) {
        (self.rows.len(), Reverse(self.node))
    }
}

impl Ord for Work {
    fn cmp(&self, other: &Work) -> Ordering {
        self.order().cmp(&other.order())
    }
}

impl PartialOrd for Work {
    fn partial_cmp(&self, other: &Work) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Work {
    fn eq(&self, other: &Work) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Work {}

pub(super) struct Builder<'r> {
    pub(super) rows: &'r [Row],
    /// What lets each atom of each row be found, and a number for each of its values.
    classes: Vec<Vec<Option<Keyed>>>,
    pub(super) tree: Tree,
    /// Rows that may still be filed.
    budget: usize,
    /// Automata that may still be made.
    pub(super) automata: u32,
}

/// Builds the tree of some rows, ascending by rule. Linear in the rows and in the nodes above them, which are few.
pub(super) fn build(rows: &[Row], subjects: &Subjects) -> Built {
    let classes = rows.iter().map(|row| row.atoms.iter().map(keyed).collect());
    let classes: Vec<Vec<Option<Keyed>>> = classes.collect();
    // Values that a test lists were written one by one, so filing a row under each is linear in the rules still.
    let atoms = classes.iter().flatten().flatten();
    let listed: usize = atoms.map(|(_, keys)| keys.len().saturating_sub(1)).sum();
    let mut builder = Builder {
        rows,
        classes,
        tree: Tree::default(),
        budget: FILED_MAX * rows.len() + listed + 1024,
        automata: AUTOMATA_MAX,
    };
    let all = (0..rows.len() as u32).map(|row| Filed { row, settled: 0 });
    let root = builder.reserve();
    let mut work = BinaryHeap::from([Work {
        node: root,
        depth: 0,
        rows: all.collect(),
    }]);
    // The most rows first, so that the budget goes where it saves most.
    while let Some(next) = work.pop() {
        builder.node(next, &mut work);
    }
    let (unsplit, depth) = (builder.tree.unsplit, builder.tree.depth);
    let code = layout::layout(rows, builder.tree, subjects);
    Built {
        code,
        unsplit,
        depth,
    }
}

fn keyed(atom: &Atom) -> Option<Keyed> {
    let class = class(atom)?;
    let hash = |value: &dyn Fn(&mut FxHasher)| {
        let mut hasher = FxHasher::default();
        value(&mut hasher);
        hasher.finish()
    };
    let mut keys = Vec::new();
    match &atom.test {
        Test::True | Test::Present => keys.push(u64::from(atom.want)),
        Test::Texts(texts) => keys.extend(texts.iter().map(|t| hash(&|h| t.hash(h)))),
        Test::Prefix(text) | Test::Suffix(text) => keys.push(hash(&|h| text.hash(h))),
        Test::Matches(pattern) => keys.push(hash(&|h| pattern.hash(h))),
        Test::Nets(nets) => keys.extend(nets.iter().map(|n| hash(&|h| n.hash(h)))),
        Test::Ints(ranges) if class == Class::Points => {
            keys.extend(values(ranges).map(|v| hash(&|h| v.hash(h))));
        }
        Test::Ints(_) | Test::Values(_) | Test::Part(_) => {}
    }
    Some((class, keys))
}

impl Builder<'_> {
    pub(super) fn reserve(&mut self) -> u32 {
        self.tree.nodes.push(Node::Leaf(Vec::new()));
        self.tree.least.push(u32::MAX);
        self.tree.nodes.len() as u32 - 1
    }

    fn node(&mut self, work: Work, next: &mut BinaryHeap<Work>) {
        let Work { node, depth, rows } = work;
        self.tree.depth = self.tree.depth.max(depth);
        let least = rows.iter().map(|f| self.rows[f.row as usize].rule).min();
        self.tree.least[node as usize] = least.unwrap_or(u32::MAX);
        if rows.len() <= LEAF_ROWS || depth >= DEPTH_MAX {
            return self.leaf(node, &rows);
        }
        let rays = self.most_rays(&rows);
        let Some((feature, class)) = self.choose(&rows, rays) else {
            return self.rays_or_leaf(node, depth, &rows, rays, next);
        };
        let of = |filed: &Filed| self.atom_of(*filed, feature, class);
        let (with, rest): (Vec<Filed>, Vec<Filed>) =
            rows.iter().copied().partition(|f| of(f).is_some());
        let first = self.tree.nodes.len() as u32;
        let Some((access, children)) = self.access(&with, feature, class) else {
            // Too large an automaton: chosen again without any.
            self.automata = 0;
            return next.push(Work { node, depth, rows });
        };
        let places = first..first + children.len() as u32;
        let filed: usize = children.iter().map(Vec::len).sum();
        // What the rest costs is what it cost before.
        if filed.saturating_sub(with.len()) > self.budget {
            self.tree.nodes.truncate(first as usize);
            self.tree.least.truncate(first as usize);
            self.tree.unsplit += rows.len();
            return self.rays_or_leaf(node, depth, &rows, rays, next);
        }
        self.budget -= filed.saturating_sub(with.len());
        self.tree.accesses.push(access);
        let access = self.tree.accesses.len() as u32 - 1;
        let rest_node = if rest.is_empty() {
            NONE
        } else {
            self.reserve()
        };
        self.tree.nodes[node as usize] = Node::Branch {
            feature,
            access,
            children: places,
            rest: rest_node,
        };
        let children = children.into_iter().enumerate();
        next.extend(children.map(|(i, rows)| Work {
            node: first + i as u32,
            depth: depth + 1,
            rows,
        }));
        if rest_node != NONE {
            next.push(Work {
                node: rest_node,
                depth: depth + 1,
                rows: rest,
            });
        }
    }

    /// The atom by which a row is found in an access structure of a class.
    pub(super) fn atom_of(&self, filed: Filed, feature: u32, class: Class) -> Option<usize> {
        let atoms = &self.rows[filed.row as usize].atoms;
        let classes = &self.classes[filed.row as usize];
        (0..atoms.len().min(64)).find(|i| {
            atoms[*i].feature == feature
                && filed.settled >> i & 1 == 0
                && classes[*i]
                    .as_ref()
                    .is_some_and(|(c, _)| c.goes_into(class, &atoms[*i]))
        })
    }

    /// The feature and class that leave the fewest rows to look at, if that is fewer than all.
    fn choose(&self, rows: &[Filed], rays: Option<MostRays>) -> Option<(u32, Class)> {
        #[derive(Clone, Copy, Default)]
        struct Group {
            /// Rows that say something.
            with: usize,
            /// Rows that are filed, and the sum of the squares of the children's sizes.
            filed: usize,
            squares: u64,
        }
        let mut groups: FxHashMap<(u32, Class), Group> = FxHashMap::default();
        let mut sizes: FxHashMap<(u32, Class, u64), u32> = FxHashMap::default();
        for filed in rows {
            let row = &self.rows[filed.row as usize];
            let classes = self.classes[filed.row as usize].iter();
            for (i, (atom, keyed)) in row.atoms.iter().zip(classes).enumerate().take(64) {
                let Some((class, keys)) = keyed else { continue };
                // Of several atoms of one kind the first is the one that a row would be filed by.
                if self.atom_of(*filed, atom.feature, *class) != Some(i) {
                    continue;
                }
                let group = groups.entry((atom.feature, *class)).or_default();
                group.with += 1;
                for key in keys {
                    let size = sizes.entry((atom.feature, *class, *key)).or_default();
                    // (s + 1)² − s²
                    group.squares += 2 * u64::from(*size) + 1;
                    group.filed += 1;
                    *size += 1;
                }
            }
        }
        // A trie takes what is literal as well, where it is needed for the rest.
        for (feature, class) in groups.keys().copied().collect::<Vec<_>>() {
            if class != Class::Paths {
                continue;
            }
            for other in [Class::Texts, Class::Below] {
                let Some(literal) = groups.get(&(feature, other)).copied() else {
                    continue;
                };
                let group = groups.entry((feature, class)).or_default();
                group.with += literal.with;
                group.filed += literal.filed;
                group.squares += literal.squares;
            }
        }
        let rays = rays.map_or(0, |rays| rays.rows) as f64 / rows.len() as f64;
        let each = 1.0 - (1.0 - RAY_COST) * rays;
        let mut best: Option<(f64, u32, Class)> = None;
        // Sorted, because the order of a hash table must not show.
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_unstable_by_key(|(key, _)| *key);
        for ((feature, class), group) in groups {
            let (with, looked, reached) = match class {
                Class::Regexes if self.automata == 0 => continue,
                Class::Ranges if rows.len() < RANGES_MIN => continue,
                Class::Ranges => self.overlap(rows, feature),
                _ => {
                    let looked = group.squares as f64 / group.filed.max(1) as f64;
                    let more = match class {
                        Class::Regexes => AUTOMATON_COST,
                        Class::Paths => PATHS_COST,
                        Class::Front | Class::Back | Class::Nets | Class::Below => TABLES_COST,
                        _ => 0.0,
                    };
                    (group.with, looked, NODE_COST + more)
                }
            };
            let rest = rows.len().saturating_sub(with) as f64;
            let again = (group.filed as f64 / group.with.max(1) as f64 - 1.0).max(0.0);
            let cost = ACCESS_COST
                + each * (looked + rest + AGAIN_COST * again)
                + reached
                + if rest > 0.0 { NODE_COST } else { 0.0 };
            if cost + 1.0 < each * rows.len() as f64 && best.is_none_or(|(least, ..)| cost < least)
            {
                best = Some((cost, feature, class));
            }
        }
        best.map(|(_, feature, class)| (feature, class))
    }

    /// How many rows have a range of the feature, in how many of them a value lies, on average over the elementary intervals, and what
    /// coming to these costs.
    fn overlap(&self, rows: &[Filed], feature: u32) -> (usize, f64, f64) {
        let mut with = 0;
        let mut ends: Vec<(i128, i64)> = Vec::new();
        for filed in rows {
            let Some(atom) = self.atom_of(*filed, feature, Class::Ranges) else {
                continue;
            };
            with += 1;
            if let Test::Ints(ranges) = &self.rows[filed.row as usize].atoms[atom].test {
                for (lo, hi) in ranges {
                    ends.push((i128::from(*lo), 1));
                    ends.push((i128::from(*hi) + 1, -1));
                }
            }
        }
        ends.sort_unstable();
        let (mut open, mut sum, mut intervals) = (0i64, 0i64, 0i64);
        for pair in ends.windows(2) {
            open += pair[0].1;
            if pair[0].0 != pair[1].0 {
                sum += open;
                intervals += 1;
            }
        }
        let looked = sum as f64 / intervals.max(1) as f64;
        // A value lies in a node a level of the segment tree, and in no more nodes than ranges.
        let levels = f64::from((intervals.max(1) as u64).ilog2() + 1);
        (with, looked, NODE_COST * levels.min(looked))
    }

    /// A leaf, by threshold where that settles something.
    fn rays_or_leaf(
        &mut self,
        node: u32,
        depth: u32,
        rows: &[Filed],
        rays: Option<MostRays>,
        next: &mut BinaryHeap<Work>,
    ) {
        let Some(MostRays {
            feature,
            up,
            rows: size,
        }) = rays
        else {
            return self.leaf(node, rows);
        };
        let mut with: Vec<(i64, Filed)> = Vec::with_capacity(size);
        let mut rest = Vec::with_capacity(rows.len() - size);
        for filed in rows {
            match self
                .rays(*filed)
                .find(|(f, ray, _)| (*f, ray.up) == (feature, up))
            {
                Some((_, ray, atom)) => with.push((
                    ray.threshold,
                    Filed {
                        row: filed.row,
                        settled: filed.settled | 1 << atom,
                    },
                )),
                None => rest.push(*filed),
            }
        }
        with.sort_by_key(|(threshold, _)| if up { *threshold } else { !*threshold });
        let rest_node = if rest.is_empty() {
            NONE
        } else {
            self.reserve()
        };
        self.tree.nodes[node as usize] = Node::Rays {
            feature,
            up,
            rows: with,
            rest: rest_node,
        };
        if rest_node != NONE {
            next.push(Work {
                node: rest_node,
                depth: depth + 1,
                rows: rest,
            });
        }
    }

    /// The feature and side on which most rows have a threshold, if half of them have.
    fn most_rays(&self, rows: &[Filed]) -> Option<MostRays> {
        let mut sizes: FxHashMap<(u32, bool), usize> = FxHashMap::default();
        for filed in rows {
            for (feature, ray, atom) in self.rays(*filed) {
                // Of several thresholds on one side the first is the one that the row would stand by.
                let first = self
                    .rays(*filed)
                    .find(|(f, r, _)| (*f, r.up) == (feature, ray.up));
                if first.is_some_and(|(.., first)| first == atom) {
                    *sizes.entry((feature, ray.up)).or_default() += 1;
                }
            }
        }
        let most = sizes.into_iter().max_by_key(|(key, size)| (*size, *key));
        let ((feature, up), size) = most.filter(|(_, size)| 2 * size >= rows.len())?;
        Some(MostRays {
            feature,
            up,
            rows: size,
        })
    }

    /// The atoms of a row that ask for all integers from somewhere on, or up to somewhere.
    fn rays(&self, filed: Filed) -> impl Iterator<Item = (u32, Ray, usize)> + '_ {
        let atoms = self.rows[filed.row as usize]
            .atoms
            .iter()
            .enumerate()
            .take(64);
        let left = atoms.filter(move |(i, _)| filed.settled >> i & 1 == 0);
        left.filter_map(|(i, atom)| match &atom.test {
            Test::Ints(ranges) if atom.want => match ranges[..] {
                [(threshold, i64::MAX)] => Some((
                    atom.feature,
                    Ray {
                        threshold,
                        up: true,
                    },
                    i,
                )),
                [(i64::MIN, threshold)] => Some((
                    atom.feature,
                    Ray {
                        threshold,
                        up: false,
                    },
                    i,
                )),
                _ => None,
            },
            _ => None,
        })
    }

    fn leaf(&mut self, node: u32, rows: &[Filed]) {
        let mut rows = rows.to_vec();
        rows.sort_by_key(|filed| self.rows[filed.row as usize].rule);
        self.tree.nodes[node as usize] = Node::Leaf(rows);
    }
}
