//! From the graph to formulas: conjunctions and alternatives become flat lists, and tests of one feature become one test where
//! what comes out is exactly as much.
//!
//! Only alternatives are merged here. A conjunction is the opposite of the alternatives of the opposites (De Morgan), so its
//! atoms are turned round, merged, and turned back.

use tollgate_runtime::Value;
use tollgate_runtime::index::{Atom, Formula, Test};
use tollgate_runtime::kinds::net::Cidr;

use super::graph::{Ask, Node};
use super::{ATOMS_MAX, Builder, DEPTH_MAX, GiveUp};

/// How many atoms back a test of the same feature is looked for.
const BACK_MAX: usize = 32;

/// How many answers back one is looked for.
const KNOWN_MAX: usize = 64;

/// Ranges, both ends included.
pub(super) type Ranges = Vec<(i64, i64)>;

/// Ranges in order, none empty, with a gap between one and the next.
pub(super) fn normal(mut ranges: Ranges) -> Ranges {
    ranges.retain(|(lo, hi)| lo <= hi);
    if ranges.len() < 2 {
        return ranges;
    }
    ranges.sort_unstable();
    let mut joined: Ranges = Vec::with_capacity(ranges.len());
    for (lo, hi) in ranges {
        match joined.last_mut() {
            Some(last) if last.1 == i64::MAX || lo <= last.1 + 1 => last.1 = last.1.max(hi),
            _ => joined.push((lo, hi)),
        }
    }
    joined
}

/// Every integer that is in none of some ranges, which are in order.
pub(super) fn complement(ranges: &[(i64, i64)]) -> Ranges {
    let mut rest = Vec::with_capacity(ranges.len() + 1);
    let mut from = Some(i64::MIN);
    for (lo, hi) in ranges {
        if let Some(from) = from
            && from < *lo
        {
            rest.push((from, lo - 1));
        }
        from = hi.checked_add(1);
    }
    rest.extend(from.map(|from| (from, i64::MAX)));
    rest
}

impl Builder<'_> {
    /// The formula of what is asked. Features that only a part of one named are forgotten.
    pub(super) fn formula(&mut self, ask: Ask) -> Result<Formula, GiveUp> {
        self.known.clear();
        self.atoms = ATOMS_MAX;
        let features = self.features.len();
        let formula = self.expand(ask, 0);
        if formula.is_err() {
            for feature in self.features.drain(features..) {
                self.feature_of[feature.term.0 as usize] = u32::MAX;
            }
        }
        formula
    }

    fn expand(&mut self, ask: Ask, depth: usize) -> Result<Formula, GiveUp> {
        if depth > DEPTH_MAX {
            return Err(GiveUp);
        }
        let ask = self.as_known(ask);
        match self.graph.node(ask) {
            Node::True if ask.positive() => Ok(Formula::ALWAYS),
            Node::True => Ok(Formula::NEVER),
            Node::Atom(atom) => Ok(Formula::Atom(self.atom(atom, ask.positive())?)),
            Node::And(..) => self.list(&[ask], ask.positive(), depth),
            Node::Choice(c, a, b) => {
                let (a, b) = (a.if_wanted(ask.positive()), b.if_wanted(ask.positive()));
                let mut any = Joined::new(false);
                for (c, then) in [(c, a), (!c, b)] {
                    any.add(self.list(&[c, then], true, depth + 1)?);
                }
                Ok(any.done())
            }
        }
    }

    /// A conjunction, or alternatives: the parts of the parts of the same kind, in order. What stands before a part decides
    /// where it is reached.
    fn list(&mut self, parts: &[Ask], all: bool, depth: usize) -> Result<Formula, GiveUp> {
        let known = self.known.len();
        let mut joined = Joined::new(all);
        let mut open: Vec<Ask> = parts.iter().rev().copied().collect();
        while let Some(part) = open.pop() {
            let part = self.as_known(part);
            match self.graph.node(part) {
                Node::And(a, b) if part.positive() == all => {
                    let of = |x: Ask| x.if_wanted(all);
                    open.extend([of(b), of(a)]);
                    continue;
                }
                Node::Atom(atom) => {
                    let atom = self.atom(atom, part.positive())?;
                    joined.add(Formula::Atom(atom));
                }
                _ => {
                    let part = self.expand(part, depth + 1)?;
                    joined.add(part);
                }
            }
            if joined.settled {
                break;
            }
            self.known.push(part.if_wanted(all));
        }
        self.known.truncate(known);
        Ok(joined.done())
    }

    /// What is asked, or its answer where it is known.
    fn as_known(&self, ask: Ask) -> Ask {
        let mut known = self.known.iter().rev().take(KNOWN_MAX);
        match known.find(|known| **known == ask || **known == !ask) {
            Some(known) => Ask::of(*known == ask),
            None => ask,
        }
    }

    fn atom(&mut self, atom: u32, want: bool) -> Result<Atom, GiveUp> {
        self.atoms = self.atoms.checked_sub(1).ok_or(GiveUp)?;
        let literal = &self.literals[atom as usize];
        let weight = match &literal.test {
            Test::Ints(of) => of.len(),
            Test::Texts(of) => of.len(),
            Test::Values(of) => of.len(),
            Test::Nets(of) => of.len(),
            _ => 1,
        };
        let subject = literal.subject;
        let weight = weight.max(1) + self.written(subject);
        self.copied = self.copied.checked_sub(weight).ok_or(GiveUp)?;
        let test = self.literals[atom as usize].test.clone();
        Ok(Atom {
            feature: self.feature(subject),
            want,
            test,
        })
    }
}

/// Parts of a conjunction or of alternatives, tests of one feature merged.
struct Joined {
    /// Whether they are a conjunction, whose atoms are then kept turned round.
    all: bool,
    parts: Vec<Part>,
    /// Whether the parts so far always hold (of a conjunction: never).
    settled: bool,
}

enum Part {
    Other(Formula),
    /// A word that is one of these, or that is none of those.
    Set {
        feature: u32,
        yes: Set,
        no: Option<Set>,
    },
    Atom(Atom),
}

/// Tests that are sets of single words, and of ranges.
enum Set {
    Ints(Ranges),
    Texts(Vec<Box<str>>),
    Values(Vec<Value>),
    Nets(Vec<Cidr>),
}

impl Joined {
    fn new(all: bool) -> Joined {
        Joined {
            all,
            parts: Vec::with_capacity(4),
            settled: false,
        }
    }

    fn add(&mut self, part: Formula) {
        match part {
            Formula::Atom(mut atom) => {
                atom.want ^= self.all;
                self.atom(atom);
            }
            Formula::All(of) if self.all => of.into_iter().for_each(|part| self.add(part)),
            Formula::Any(of) if !self.all => of.into_iter().for_each(|part| self.add(part)),
            Formula::All(of) | Formula::Any(of) if of.is_empty() => self.settled = true,
            other => self.parts.push(Part::Other(other)),
        }
    }

    fn atom(&mut self, atom: Atom) {
        let from = self.parts.len().saturating_sub(BACK_MAX);
        for part in &mut self.parts[from..] {
            match part {
                Part::Atom(of) if of.feature == atom.feature => {
                    if of.test == atom.test {
                        // The same again, or its opposite: one of the two holds.
                        self.settled |= of.want != atom.want;
                        return;
                    }
                    if !joins(of, &atom) {
                        continue;
                    }
                    let of = std::mem::replace(of, atom.clone());
                    let (Ok(first), Ok(set)) = (Set::of(of.test), Set::of(atom.test)) else {
                        crate::bug!("only sets are joined");
                    };
                    let mut joined = match of.want {
                        true => (first, None),
                        false => (first.none(), Some(first)),
                    };
                    merge(&mut joined.0, &mut joined.1, atom.want, set);
                    *part = Part::Set {
                        feature: atom.feature,
                        yes: joined.0,
                        no: joined.1,
                    };
                    return;
                }
                Part::Set { feature, yes, no } if *feature == atom.feature => {
                    if !yes.takes(&atom) {
                        continue;
                    }
                    if let Ok(set) = Set::of(atom.test) {
                        merge(yes, no, atom.want, set);
                    }
                    return;
                }
                _ => {}
            }
        }
        self.parts.push(Part::Atom(atom));
    }

    fn done(self) -> Formula {
        let mut parts = Vec::with_capacity(self.parts.len());
        let mut settled = self.settled;
        for part in self.parts {
            match part {
                Part::Other(part) => parts.push(part),
                Part::Atom(mut atom) => {
                    atom.want ^= self.all;
                    if let Test::Ints(ranges) = &atom.test {
                        let ends = (ranges.first().map(|r| r.0), ranges.last().map(|r| r.1));
                        // Said as the fewer: ranges with an end on one side, or all but a few.
                        let turn = match ends {
                            (Some(i64::MIN), Some(i64::MAX)) => atom.want,
                            (Some(i64::MIN), _) | (_, Some(i64::MAX)) => !atom.want,
                            _ => false,
                        };
                        if turn {
                            atom.test = Test::Ints(complement(ranges).into());
                            atom.want = !atom.want;
                        }
                    }
                    parts.push(Formula::Atom(atom));
                }
                Part::Set { feature, yes, no } => match close(yes, no, self.all) {
                    Closed::Always => settled = true,
                    Closed::Never => {}
                    Closed::Test(want, test) => parts.push(Formula::Atom(Atom {
                        feature,
                        want,
                        test,
                    })),
                },
            }
        }
        if settled {
            parts.clear();
            // Alternatives one of which always holds; or a conjunction one of which never does.
            return match self.all {
                true => Formula::Any(parts),
                false => Formula::All(parts),
            };
        }
        if parts.len() == 1
            && let Some(part) = parts.pop()
        {
            return part;
        }
        match self.all {
            true => Formula::All(parts),
            false => Formula::Any(parts),
        }
    }
}

impl Set {
    /// The set that a test is, or the test.
    fn of(test: Test) -> Result<Set, Test> {
        match test {
            Test::Ints(of) => Ok(Set::Ints(of.into())),
            Test::Texts(of) => Ok(Set::Texts(of.into())),
            Test::Values(of) => Ok(Set::Values(of.into())),
            Test::Nets(of) => Ok(Set::Nets(of.into())),
            other => Err(other),
        }
    }

    fn none(&self) -> Set {
        match self {
            Set::Ints(_) => Set::Ints(Vec::new()),
            Set::Texts(_) => Set::Texts(Vec::new()),
            Set::Values(_) => Set::Values(Vec::new()),
            Set::Nets(_) => Set::Nets(Vec::new()),
        }
    }

    /// Whether an atom's test can be merged into a set that is wanted.
    fn takes(&self, atom: &Atom) -> bool {
        match (self, &atom.test) {
            (Set::Ints(_), Test::Ints(_)) => true,
            (Set::Texts(_), Test::Texts(_)) => true,
            (Set::Values(_), Test::Values(_)) => true,
            (Set::Nets(_), Test::Nets(_)) => atom.want,
            _ => false,
        }
    }
}

/// Whether two atoms of one feature, alternatives, are one test. Networks overlap: only what is wanted joins what is wanted.
fn joins(a: &Atom, b: &Atom) -> bool {
    match (&a.test, &b.test) {
        (Test::Ints(_), Test::Ints(_)) => true,
        (Test::Texts(_), Test::Texts(_)) => true,
        (Test::Values(_), Test::Values(_)) => true,
        (Test::Nets(_), Test::Nets(_)) => a.want && b.want,
        _ => false,
    }
}

/// Adds an alternative of the same kind to "one of `yes`, or none of `no`".
fn merge(yes: &mut Set, no: &mut Option<Set>, want: bool, set: Set) {
    match (yes, set) {
        (Set::Ints(yes), Set::Ints(set)) => match want {
            true => yes.extend(set),
            false => yes.extend(complement(&set)),
        },
        (Set::Texts(yes), Set::Texts(set)) if want => yes.extend(set),
        (Set::Values(yes), Set::Values(set)) if want => yes.extend(set),
        (Set::Nets(yes), Set::Nets(set)) => yes.extend(set),
        // None of these or none of those: none of what both have.
        (_, Set::Texts(set)) => match no {
            Some(Set::Texts(no)) => no.retain(|t| set.binary_search(t).is_ok()),
            _ => *no = Some(Set::Texts(set)),
        },
        (_, Set::Values(set)) => match no {
            Some(Set::Values(no)) => no.retain(|v| set.binary_search(v).is_ok()),
            _ => *no = Some(Set::Values(set)),
        },
        _ => {}
    }
}

enum Closed {
    Always,
    Never,
    Test(bool, Test),
}

/// The one test that "one of `yes`, or none of `no`" is; turned round, its opposite.
fn close(yes: Set, no: Option<Set>, turned: bool) -> Closed {
    match (yes, no) {
        (Set::Ints(mut yes), no) => {
            if let Some(Set::Ints(no)) = no {
                yes.extend(complement(&no));
            }
            let yes = normal(yes);
            if yes.is_empty() {
                return Closed::Never;
            }
            if *yes == [(i64::MIN, i64::MAX)] {
                return Closed::Always;
            }
            let yes = if turned { complement(&yes) } else { yes };
            let ends = (yes.first().map(|r| r.0), yes.last().map(|r| r.1));
            match ends {
                // All but a few.
                (Some(i64::MIN), Some(i64::MAX)) => {
                    Closed::Test(false, Test::Ints(complement(&yes).into()))
                }
                _ => Closed::Test(true, Test::Ints(yes.into())),
            }
        }
        (Set::Texts(yes), Some(Set::Texts(no))) => finite(yes, Some(no), turned, Test::Texts),
        (Set::Texts(yes), _) => finite(yes, None, turned, Test::Texts),
        (Set::Values(yes), Some(Set::Values(no))) => finite(yes, Some(no), turned, Test::Values),
        (Set::Values(yes), _) => finite(yes, None, turned, Test::Values),
        (Set::Nets(_), Some(Set::Nets(no))) => Closed::Test(turned, Test::Nets(no.into())),
        (Set::Nets(yes), _) => finite(yes, None, turned, Test::Nets),
    }
}

fn finite<T: Ord>(
    mut yes: Vec<T>,
    no: Option<Vec<T>>,
    turned: bool,
    test: fn(Box<[T]>) -> Test,
) -> Closed {
    yes.sort_unstable();
    yes.dedup();
    match no {
        None if yes.is_empty() => Closed::Never,
        None => Closed::Test(!turned, test(yes.into())),
        Some(mut no) => {
            no.retain(|item| yes.binary_search(item).is_err());
            match no.is_empty() {
                true => Closed::Always,
                false => Closed::Test(turned, test(no.into())),
            }
        }
    }
}
