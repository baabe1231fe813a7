//! From the tree that was built to the code that is searched: nodes in depth-first order, each with its rows behind it.

use rustc_hash::FxHashMap;

use super::access::{Access, NONE};
use super::build::{Filed, Node, Tree};
use super::check::{CHECK_MAX, Check, Checks, Residue, bits};
use super::code::{self, Code, Head, Header, Kind, Subject};
use super::rows::{ATOMS_MAX, Row};
use super::search;
use super::subjects::Subjects;
use super::test::{Atom, Formula, Test};

/// A row's head counts its words: the longest checks of the most atoms, a threshold, a mask, and what could not be taken apart.
const _: () = assert!(ATOMS_MAX * CHECK_MAX + 3 <= Head::WORDS_MAX);

struct Layout<'r> {
    rows: &'r [Row],
    subjects: &'r Subjects,
    checks: Checks,
    code: Code,
    /// Of rows that have been written: what could not be taken apart. A row that is filed several times shares it.
    residues: FxHashMap<u32, u64>,
}

/// Lays a tree out. Linear in the rows that are filed and in what they compare with.
pub(super) fn layout(rows: &[Row], tree: Tree, subjects: &Subjects) -> Code {
    let mut layout = Layout {
        rows,
        subjects,
        checks: Checks::default(),
        code: Code::default(),
        residues: FxHashMap::default(),
    };
    for row in rows {
        row.atoms.iter().for_each(|a| layout.checks.announce(a));
        let checks = &mut layout.checks;
        row.rest
            .iter()
            .for_each(|f| f.atoms(&mut |atom| checks.announce(atom)));
    }
    layout.place(tree)
}

impl Layout<'_> {
    fn place(mut self, tree: Tree) -> Code {
        let mut places = vec![NONE; tree.nodes.len()];
        let mut rests: Vec<u32> = Vec::new();
        // Children that are listed, by the place of the list; their own places are not known yet.
        let mut lists: Vec<(usize, i64, Vec<u32>)> = Vec::new();
        // Each is of one node.
        let mut accesses: Vec<Option<Access>> = tree.accesses.into_iter().map(Some).collect();
        // Texts by which a node is found stand in front of it: by node, where those of its parent's table are.
        let mut keys: FxHashMap<u32, Vec<u64>> = FxHashMap::default();
        let mut next = vec![0u32];
        while let Some(node) = next.pop() {
            if let Some(key) = keys.remove(&node) {
                self.code.words.extend(key);
            }
            let at = self.code.words.len() as u32;
            places[node as usize] = at;
            self.code.nodes.push(at);
            let header = Header {
                kind: Kind::Leaf,
                subject: Subject(0),
                of: 0,
                least: tree.least[node as usize],
                rest: NONE,
                masked: false,
            };
            self.code.words.extend(header.words());
            let header = match &tree.nodes[node as usize] {
                Node::Leaf(rows) => {
                    let rows: Vec<_> = rows.iter().map(|row| (None, *row)).collect();
                    let (of, masked) = self.all(&rows);
                    Header {
                        of,
                        masked,
                        ..header
                    }
                }
                Node::Rays {
                    feature,
                    up,
                    rows,
                    rest,
                } => {
                    if *rest != NONE {
                        next.push(*rest);
                        rests.push(at);
                    }
                    let rows: Vec<_> = rows.iter().map(|(t, row)| (Some(*t), *row)).collect();
                    let (of, masked) = self.all(&rows);
                    Header {
                        kind: if *up { Kind::Up } else { Kind::Down },
                        subject: self.subjects.of(*feature),
                        of,
                        rest: *rest,
                        masked,
                        ..header
                    }
                }
                Node::Branch {
                    feature,
                    access,
                    children,
                    rest,
                } => {
                    if *rest != NONE {
                        next.push(*rest);
                        rests.push(at);
                    }
                    next.extend(children.clone().rev());
                    let access = accesses[*access as usize].take();
                    if let Some(Access::Texts(texts)) = &access {
                        keys.extend(texts.keyed().map(|(child, key)| (child, key.to_vec())));
                    }
                    let array = match &access {
                        Some(Access::Points(points)) => points.array(),
                        _ => None,
                    };
                    let (kind, of) = match array {
                        Some((first, children)) => {
                            let list = self.code.words.len();
                            self.code.words.extend(code::list(first, &children));
                            let of = children.len();
                            lists.push((list, first, children));
                            (Kind::Listed, of)
                        }
                        None => {
                            self.code.accesses.extend(access);
                            (Kind::Branch, self.code.accesses.len() - 1)
                        }
                    };
                    Header {
                        kind,
                        subject: self.subjects.of(*feature),
                        of: of as u32,
                        rest: *rest,
                        ..header
                    }
                }
            };
            self.code.words[at as usize..][..2].copy_from_slice(&header.words());
        }
        for at in rests {
            let Some((header, _)) = self.code.node(at) else {
                continue;
            };
            let rest = places[header.rest as usize];
            let words = Header { rest, ..header }.words();
            self.code.words[at as usize..][..2].copy_from_slice(&words);
        }
        let mut code = self.code;
        let place = |node: u32| match node {
            NONE => NONE,
            node => places[node as usize],
        };
        for (at, first, children) in lists {
            let children: Vec<u32> = children.into_iter().map(place).collect();
            let words = code.words[at..].iter_mut();
            for (word, listed) in words.zip(code::list(first, &children)) {
                *word = listed;
            }
        }
        for access in &mut code.accesses {
            if let Access::Texts(texts) = access {
                texts.give_keys();
            }
            access.renumber(&place);
        }
        code.accesses.shrink_to_fit();
        code.words.shrink_to_fit();
        code.nodes.shrink_to_fit();
        code.pools = self.checks.pools;
        code.pools.shrink();
        code
    }

    /// Writes rows, and says how many words they are and whether they have masks.
    fn all(&mut self, rows: &[(Option<i64>, Filed)]) -> (u32, bool) {
        let mask = self.mask(rows.iter().map(|(_, filed)| *filed));
        let subject = mask.map(|feature| u64::from(self.subjects.of(feature).0));
        self.code.words.extend(subject);
        let from = self.code.words.len();
        for (threshold, filed) in rows {
            self.row(*threshold, mask, *filed);
        }
        ((self.code.words.len() - from) as u32, mask.is_some())
    }

    /// The feature that most of several rows ask for a value below 64 of, if half of them do and reading it costs little.
    fn mask(&self, rows: impl ExactSizeIterator<Item = Filed>) -> Option<u32> {
        let len = rows.len();
        let mut times: FxHashMap<u32, usize> = FxHashMap::default();
        for filed in rows {
            let mut asked: Vec<u32> = self.maskable(filed).map(|(_, a, _)| a.feature).collect();
            asked.sort_unstable();
            asked.dedup();
            asked
                .into_iter()
                .for_each(|f| *times.entry(f).or_default() += 1);
        }
        let most = times
            .into_iter()
            .max_by_key(|(feature, times)| (*times, *feature));
        let (feature, _) = most.filter(|(_, times)| len > 1 && 2 * times >= len)?;
        Some(feature)
    }

    /// The atoms of a row that a mask can ask, by their places.
    fn maskable(&self, filed: Filed) -> impl Iterator<Item = (usize, &Atom, u64)> {
        let atoms = left(&self.rows[filed.row as usize], filed).take_while(|(i, _)| *i < 64);
        atoms.filter_map(|(i, atom)| match &atom.test {
            Test::Ints(ranges) if atom.want => {
                let subject = self.subjects.of(atom.feature);
                let cheap = self.subjects.function(subject).is_none();
                Some((
                    i,
                    atom,
                    bits(ranges).filter(|bits| cheap && *bits != u64::MAX)?,
                ))
            }
            _ => None,
        })
    }

    /// Writes a row: what is left to ask of it, cheap before dear. Atoms are pure, so their order is ours.
    fn row(&mut self, threshold: Option<i64>, mask: Option<u32>, filed: Filed) {
        let rows = self.rows;
        let row = &rows[filed.row as usize];
        let by_mask = self.maskable(filed);
        let by_mask = { by_mask }.find(|(_, atom, _)| Some(atom.feature) == mask);
        let by_mask = by_mask.map(|(i, _, bits)| (i, bits));
        let mut checks: Vec<(bool, u64, Vec<u64>)> = left(row, filed)
            .filter(|(i, _)| by_mask.is_none_or(|(masked, _)| masked != *i))
            .map(|(_, atom)| atom)
            .map(|atom| {
                let code = self.check(atom);
                let dear = self.subjects.function(self.subjects.of(atom.feature));
                (dear.is_some(), Check::read(code[0]).steps(), code)
            })
            .collect();
        checks.sort_by_key(|(dear, steps, _)| (*dear, *steps));
        let steps = checks.iter().map(|(_, steps, _)| *steps);
        let steps =
            steps.fold(search::ROW, u64::saturating_add) + by_mask.map_or(0, |_| search::MASK);
        let head = self.code.words.len();
        self.code.words.push(0);
        self.code.words.extend(threshold.map(|t| t as u64));
        let mask = mask.map(|_| by_mask.map_or(u64::MAX, |(_, bits)| bits));
        self.code.words.extend(mask);
        for (.., code) in &checks {
            self.code.words.extend(code);
        }
        if !row.rest.is_empty() {
            let residue = self.residue(filed.row, &row.rest);
            self.code.words.push(residue);
        }
        let words = self.code.words.len() - head - 1;
        self.code.words[head] = Head::new(row.rule, words, steps).word();
        self.code.rows += 1;
    }

    fn check(&mut self, atom: &Atom) -> Vec<u64> {
        let mut code = Vec::new();
        let subject = self.subjects.of(atom.feature);
        self.checks.put(atom, subject, &mut code);
        code
    }

    fn residue(&mut self, row: u32, rest: &[Formula]) -> u64 {
        if let Some(made) = self.residues.get(&row) {
            return *made;
        }
        let all = Residue::All(rest.iter().map(|f| self.ready(f)).collect());
        let made = self.checks.residue(all);
        self.residues.insert(row, made);
        made
    }

    fn ready(&mut self, formula: &Formula) -> Residue {
        match formula {
            Formula::Atom(atom) => Residue::Check(self.check(atom).into()),
            Formula::All(of) => Residue::All(of.iter().map(|f| self.ready(f)).collect()),
            Formula::Any(of) => Residue::Any(of.iter().map(|f| self.ready(f)).collect()),
        }
    }
}

/// The atoms that are left to ask of a row, by their places.
fn left(row: &Row, filed: Filed) -> impl Iterator<Item = (usize, &Atom)> {
    let atoms = row.atoms.iter().enumerate();
    atoms.filter(move |(i, _)| *i >= 64 || filed.settled >> i & 1 == 0)
}
