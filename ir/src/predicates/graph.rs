//! The graph of what conditions ask, while they are taken apart: conjunctions and choices of two over atoms, with opposites
//! on the edges (as and-inverter graphs have them: A. Kuehlmann et al., *Robust Boolean reasoning*, 2002).
//!
//! Branches that meet again share what follows, so a condition of `n` blocks has `O(n)` nodes. What follows a choice on both
//! sides is taken out of it: `a and c or not a and (b and c)` becomes `(a or b) and c`, which is what the author wrote before
//! it was branches.

use std::ops::Not;

use rustc_hash::FxHashMap;

/// A node, or its opposite.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Ask(u32);

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Node {
    /// Always.
    True,
    /// An atom, by number.
    Atom(u32),
    /// Both.
    And(Ask, Ask),
    /// If the first then the second, else the third.
    Choice(Ask, Ask, Ask),
}

/// How far a common end is looked for.
const TAIL_MAX: usize = 64;
/// How often a common end is taken out of a choice that is left when one was taken out.
const TAILS_MAX: u32 = 8;

impl Ask {
    pub(super) const ALWAYS: Ask = Ask(0);
    pub(super) const NEVER: Ask = Ask(1);
    /// None yet.
    pub(super) const UNKNOWN: Ask = Ask(u32::MAX);

    /// Whether it is asked as it stands, not its opposite.
    pub(super) fn positive(self) -> bool {
        self.0 & 1 == 0
    }

    /// The truth value it is, if it is one.
    pub(super) fn constant(self) -> Option<bool> {
        match self {
            Ask::ALWAYS => Some(true),
            Ask::NEVER => Some(false),
            _ => None,
        }
    }

    pub(super) fn of(truth: bool) -> Ask {
        if truth { Ask::ALWAYS } else { Ask::NEVER }
    }

    /// The opposite, unless it is wanted.
    pub(super) fn if_wanted(self, wanted: bool) -> Ask {
        if wanted { self } else { !self }
    }
}

impl Not for Ask {
    type Output = Ask;
    fn not(self) -> Ask {
        Ask(self.0 ^ 1)
    }
}

/// Empties a map, which costs what it has room for: what was large is made anew.
pub(super) fn forget<K, V>(map: &mut FxHashMap<K, V>) {
    match map.capacity() > 256 {
        true => *map = FxHashMap::default(),
        false => map.clear(),
    }
}

/// The nodes, each once in a condition.
#[derive(Debug)]
pub(super) struct Graph {
    nodes: Vec<Node>,
    found: FxHashMap<Node, Ask>,
}

impl Graph {
    pub(super) fn new() -> Graph {
        Graph {
            nodes: vec![Node::True],
            found: FxHashMap::default(),
        }
    }

    pub(super) fn node(&self, ask: Ask) -> Node {
        self.nodes[(ask.0 >> 1) as usize]
    }

    /// Forgets which nodes there are, not the nodes: those of another condition are seldom the same.
    pub(super) fn forget(&mut self) {
        forget(&mut self.found);
    }

    /// A new atom, of that number.
    pub(super) fn atom(&mut self, atom: u32) -> Ask {
        self.nodes.push(Node::Atom(atom));
        Ask((self.nodes.len() as u32 - 1) << 1)
    }

    /// `a and b`, in this order.
    pub(super) fn and(&mut self, a: Ask, b: Ask) -> Ask {
        if a == Ask::ALWAYS || a == b {
            return b;
        }
        if b == Ask::ALWAYS {
            return a;
        }
        if a == Ask::NEVER || b == Ask::NEVER || a == !b {
            return Ask::NEVER;
        }
        match self.node(b) {
            // a and (a and y), a and (not a and y)
            Node::And(x, y) if b.positive() => {
                if x == a || y == a {
                    return b;
                }
                if x == !a || y == !a {
                    return Ask::NEVER;
                }
            }
            // b is: not x or not y
            Node::And(x, y) => {
                if x == !a || y == !a {
                    return a;
                }
                if x == a {
                    return self.and(a, !y);
                }
                if y == a {
                    return self.and(a, !x);
                }
            }
            _ => {}
        }
        match self.node(a) {
            Node::And(x, y) if a.positive() => {
                if x == b || y == b {
                    return a;
                }
                if x == !b || y == !b {
                    return Ask::NEVER;
                }
            }
            Node::And(x, y) => {
                if x == !b || y == !b {
                    return b;
                }
                if x == b {
                    return self.and(!y, b);
                }
                if y == b {
                    return self.and(!x, b);
                }
            }
            _ => {}
        }
        self.push(Node::And(a, b))
    }

    /// `a or b`, in this order.
    pub(super) fn or(&mut self, a: Ask, b: Ask) -> Ask {
        !self.and(!a, !b)
    }

    /// `a` if `c`, else `b`.
    pub(super) fn choice(&mut self, c: Ask, a: Ask, b: Ask) -> Ask {
        self.choose(c, a, b, TAILS_MAX)
    }

    fn choose(&mut self, c: Ask, a: Ask, b: Ask, tails: u32) -> Ask {
        if a == b {
            return a;
        }
        match (c.constant(), a.constant(), b.constant()) {
            (Some(c), _, _) => return if c { a } else { b },
            (_, Some(true), _) => return self.or(c, b),
            (_, Some(false), _) => return self.and(!c, b),
            (_, _, Some(true)) => return self.or(!c, a),
            (_, _, Some(false)) => return self.and(c, a),
            _ => {}
        }
        if tails > 0 {
            if let Some(found) = self.tail(c, a, b, tails) {
                return found;
            }
            if let Some(found) = self.tail(c, !a, !b, tails) {
                return !found;
            }
        }
        // What both ways lead to is chosen once.
        if let Some((d, x, y)) = self.choices(a) {
            if y == b {
                let c = self.and(c, d);
                return self.choose(c, x, b, tails);
            }
            if x == b {
                let c = self.and(c, !d);
                return self.choose(c, y, b, tails);
            }
        }
        if let Some((d, x, y)) = self.choices(b) {
            if x == a {
                let c = self.or(c, d);
                return self.choose(c, a, y, tails);
            }
            if y == a {
                let c = self.or(c, !d);
                return self.choose(c, a, x, tails);
            }
        }
        if c.positive() {
            self.push(Node::Choice(c, a, b))
        } else {
            self.push(Node::Choice(!c, b, a))
        }
    }

    fn choices(&self, ask: Ask) -> Option<(Ask, Ask, Ask)> {
        match self.node(ask) {
            Node::Choice(c, a, b) => {
                let positive = ask.positive();
                Some((c, a.if_wanted(positive), b.if_wanted(positive)))
            }
            _ => None,
        }
    }

    /// If `a` and `b` are conjunctions of one end: the choice of what stands before it, and it.
    fn tail(&mut self, c: Ask, a: Ask, b: Ask, tails: u32) -> Option<Ask> {
        let mut ends = [Ask::UNKNOWN; TAIL_MAX];
        let mut len = 0;
        for end in self.ends(a) {
            ends[len] = end;
            len += 1;
        }
        let end = self.ends(b).find(|end| ends[..len].contains(end))?;
        let (a, b) = (self.before(a, end), self.before(b, end));
        let choice = self.choose(c, a, b, tails - 1);
        Some(self.and(choice, end))
    }

    /// A conjunction, and what is left of it without its first, its second, … part.
    fn ends(&self, ask: Ask) -> impl Iterator<Item = Ask> {
        std::iter::successors(Some(ask), |ask| match self.node(*ask) {
            Node::And(_, rest) if ask.positive() => Some(rest),
            _ => None,
        })
        .take(TAIL_MAX)
    }

    /// What stands before one of the ends of a conjunction.
    fn before(&mut self, ask: Ask, end: Ask) -> Ask {
        let mut parts = [Ask::ALWAYS; TAIL_MAX];
        let (mut at, mut len) = (ask, 0);
        while at != end
            && let Node::And(part, rest) = self.node(at)
        {
            parts[len] = part;
            len += 1;
            at = rest;
        }
        let parts = parts[..len].iter().rev();
        parts.fold(Ask::ALWAYS, |rest, part| self.and(*part, rest))
    }

    fn push(&mut self, node: Node) -> Ask {
        let next = Ask((self.nodes.len() as u32) << 1);
        let ask = *self.found.entry(node).or_insert(next);
        if ask == next {
            self.nodes.push(node);
        }
        ask
    }
}
