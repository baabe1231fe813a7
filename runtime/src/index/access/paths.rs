//! Path patterns: a trie over segments, whose edges all lie in one hash table.

use hashbrown::HashTable;

use super::NONE;
use super::texts::hash_bytes;
use crate::pattern::{PathPattern, Segment};

/// Segments of the longest pattern that goes into the trie, which bounds its depth.
pub(in crate::index) const SEGMENTS_MAX: usize = 64;

/// From a path to the children of the patterns that match it.
#[derive(Debug)]
pub(in crate::index) struct Paths {
    nodes: Vec<Node>,
    literals: HashTable<Literal>,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// The node behind any one segment.
    any: u32,
    /// Whether literal segments lead on.
    literal: bool,
    /// The child of the pattern that ends here.
    end: u32,
    /// The child of the pattern that ends here with `**`.
    open: u32,
}

/// The edge of a literal segment.
#[derive(Clone, Copy, Debug)]
struct Literal {
    from: u32,
    to: u32,
    at: u32,
    len: u32,
}

const EMPTY: Node = Node {
    any: NONE,
    literal: false,
    end: NONE,
    open: NONE,
};

impl Default for Paths {
    fn default() -> Paths {
        Paths {
            nodes: vec![EMPTY],
            literals: HashTable::new(),
            bytes: Vec::new(),
        }
    }
}

impl Paths {
    /// The child of a pattern of at most [`SEGMENTS_MAX`] segments; patterns that differ only in names have one child.
    /// A new one gets the child that `fresh` gives.
    pub(in crate::index) fn child(
        &mut self,
        pattern: &PathPattern,
        fresh: impl FnOnce() -> u32,
    ) -> u32 {
        let mut node = 0;
        for segment in pattern.segments() {
            node = match segment {
                Segment::Literal(text) => match self.literal(node, text.as_bytes()) {
                    Some(next) => next,
                    None => self.add_literal(node, text),
                },
                Segment::Any | Segment::Capture(_) => match self.nodes[node as usize].any {
                    NONE => {
                        let next = self.add();
                        self.nodes[node as usize].any = next;
                        next
                    }
                    next => next,
                },
            };
        }
        self.ends_at(node, pattern.is_open(), fresh)
    }

    /// The child of one path, which begins with a slash.
    pub(in crate::index) fn literal_child(
        &mut self,
        path: &str,
        fresh: impl FnOnce() -> u32,
    ) -> u32 {
        let mut node = 0;
        for text in path.split('/').skip(1) {
            node = match self.literal(node, text.as_bytes()) {
                Some(next) => next,
                None => self.add_literal(node, text),
            };
        }
        self.ends_at(node, false, fresh)
    }

    fn ends_at(&mut self, node: u32, open: bool, fresh: impl FnOnce() -> u32) -> u32 {
        let node = &mut self.nodes[node as usize];
        let child = if open { &mut node.open } else { &mut node.end };
        if *child == NONE {
            *child = fresh();
        }
        *child
    }

    fn add(&mut self) -> u32 {
        self.nodes.push(EMPTY);
        self.nodes.len() as u32 - 1
    }

    fn add_literal(&mut self, from: u32, text: &str) -> u32 {
        let to = self.add();
        self.nodes[from as usize].literal = true;
        let at = self.bytes.len() as u32;
        let len = text.len() as u32;
        self.bytes.extend_from_slice(text.as_bytes());
        let bytes = &self.bytes;
        let hash = hash_bytes(from, text.as_bytes());
        self.literals
            .insert_unique(hash, Literal { from, to, at, len }, |l| {
                hash_bytes(l.from, segment(bytes, l))
            });
        to
    }

    #[inline]
    fn literal(&self, from: u32, text: &[u8]) -> Option<u32> {
        let same = |l: &Literal| l.from == from && segment(&self.bytes, l) == text;
        let found = self.literals.find(hash_bytes(from, text), same);
        found.map(|l| l.to)
    }

    pub(super) fn each(&self, path: &str, visit: &mut impl FnMut(u32)) {
        self.walk(0, path.as_bytes(), visit);
    }

    /// Visits the children of patterns that match what is left of a path at a node. As deep as the longest pattern, where it
    /// has wildcards.
    fn walk(&self, mut node: u32, mut rest: &[u8], visit: &mut impl FnMut(u32)) {
        loop {
            let at = self.nodes[node as usize];
            if at.open != NONE {
                visit(at.open);
            }
            let Some((b'/', body)) = rest.split_first() else {
                if rest.is_empty() && at.end != NONE {
                    visit(at.end);
                }
                return;
            };
            let end = body.iter().position(|b| *b == b'/').unwrap_or(body.len());
            let (part, behind) = body.split_at(end);
            let literal = match at.literal {
                true => self.literal(node, part),
                false => None,
            };
            // The last way on is gone without a call.
            node = match (literal, at.any) {
                (Some(literal), NONE) => literal,
                (Some(literal), any) => {
                    self.walk(literal, behind, visit);
                    any
                }
                (None, NONE) => return,
                (None, any) => any,
            };
            rest = behind;
        }
    }

    /// Gives its children other numbers.
    pub(super) fn renumber(&mut self, to: &dyn Fn(u32) -> u32) {
        let ends = self
            .nodes
            .iter_mut()
            .flat_map(|n| [&mut n.end, &mut n.open]);
        ends.filter(|child| **child != NONE)
            .for_each(|child| *child = to(*child));
    }

    /// Edges lead from a node to a later one.
    pub(super) fn bound(&self, cost: &dyn Fn(u32) -> u64) -> u64 {
        let own = |child: u32| if child == NONE { 0 } else { cost(child) };
        let mut literals: Vec<Vec<u32>> = vec![Vec::new(); self.nodes.len()];
        for literal in &self.literals {
            literals[literal.from as usize].push(literal.to);
        }
        let mut from = vec![0u64; self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate().rev() {
            let literal = literals[at]
                .iter()
                .map(|to| from[*to as usize])
                .max()
                .unwrap_or(0);
            let any = if node.any == NONE {
                0
            } else {
                from[node.any as usize]
            };
            let on = literal.saturating_add(any).max(own(node.end));
            from[at] = own(node.open).saturating_add(on).saturating_add(4);
        }
        from[0]
    }

    /// Steps of finding children are part of the bound: they depend on how the trie branches.
    pub(super) fn steps(&self) -> u64 {
        8
    }

    pub(super) fn heap(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.literals.capacity() * (size_of::<Literal>() + 1)
            + self.bytes.capacity()
    }

    pub(super) fn edges(&self, visit: &mut dyn FnMut(String, u32)) {
        let mut names = vec![String::new(); self.nodes.len()];
        let mut edges: Vec<&Literal> = self.literals.iter().collect();
        edges.sort_unstable_by_key(|l| l.to);
        let mut edges = edges.into_iter().peekable();
        for (at, node) in self.nodes.iter().enumerate() {
            // The edge to a node comes from an earlier one, whose name is known by now.
            while let Some(literal) = edges.next_if(|l| l.to as usize == at) {
                let text = String::from_utf8_lossy(segment(&self.bytes, literal));
                names[at] = format!("{}/{text}", names[literal.from as usize]);
            }
            if node.any != NONE {
                names[node.any as usize] = format!("{}/*", names[at]);
            }
        }
        let mut children: Vec<(String, u32)> = Vec::new();
        for (node, name) in self.nodes.iter().zip(names) {
            if node.open != NONE {
                children.push((format!("{name}/**"), node.open));
            }
            if node.end != NONE {
                children.push((name, node.end));
            }
        }
        children.sort_unstable();
        children
            .into_iter()
            .for_each(|(name, child)| visit(name, child));
    }
}

#[inline]
fn segment<'b>(bytes: &'b [u8], literal: &Literal) -> &'b [u8] {
    let at = literal.at as usize;
    bytes.get(at..at + literal.len as usize).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The trie finds what the patterns match one by one.
    #[test]
    fn the_trie_agrees_with_its_patterns() {
        let patterns: Vec<PathPattern> = [
            "/",
            "/**",
            "/a",
            "/a/**",
            "/a/*",
            "/a/b",
            "/a/{x}/c",
            "/*/b/**",
            "/a/b/",
            "/{y}/{z: **}",
        ]
        .iter()
        .map(|p| PathPattern::parse(p).unwrap())
        .collect();
        let mut paths = Paths::default();
        let children: Vec<u32> = (0..patterns.len())
            .map(|i| paths.child(&patterns[i], || i as u32))
            .collect();
        for path in [
            "", "/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/a/x/c", "/b", "/b/b/b", "/ab", "a",
        ] {
            let mut found = Vec::new();
            paths.each(path, &mut |child| found.push(child));
            found.sort_unstable();
            let mut expected: Vec<u32> = patterns
                .iter()
                .zip(&children)
                .filter(|(p, _)| p.matches(path))
                .map(|(_, c)| *c)
                .collect();
            expected.sort_unstable();
            expected.dedup();
            assert_eq!(found, expected, "{path:?}");
        }
    }
}
