//! Rows: conditions as conjunctions, which are what an index is made of.
//!
//! A condition that is a conjunction is one row. One whose only use for an index lies in a disjunction becomes a row for
//! each of its ways, as a disjunctive normal form would have it, but only as far as that lets rows be found; what is left of
//! a condition stays a formula, which is asked when its row comes up.

use super::test::{Atom, Formula, Test};
use crate::pattern::{Pattern, Segment};

/// Rows that one rule becomes at most; beyond, disjunctions stay formulas.
const WAYS_MAX: usize = 16;
/// Atoms of one row at most; beyond, they stay formulas.
pub(super) const ATOMS_MAX: usize = 2048;

/// A conjunction of atoms and of what could not be taken apart.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) rule: u32,
    pub(super) atoms: Vec<Atom>,
    pub(super) rest: Vec<Formula>,
}

/// The rows of a rule: none when its condition never holds.
pub(super) fn rows(rule: u32, condition: &Formula, out: &mut Vec<Row>) {
    let mut row = Row {
        rule,
        atoms: Vec::new(),
        rest: Vec::new(),
    };
    if !row.add(condition) {
        return;
    }
    let from = out.len();
    out.push(row);
    let mut at = from;
    while let Some(row) = out.get(at) {
        let ways = row
            .ways()
            .filter(|(_, ways)| out.len() - from + ways <= WAYS_MAX);
        let Some((which, _)) = ways else {
            at += 1;
            continue;
        };
        let mut row = out.swap_remove(at);
        if let Formula::Any(ways) = row.rest.remove(which) {
            for way in &ways {
                let mut one = row.clone();
                if one.add(way) {
                    out.push(one);
                }
            }
        }
    }
}

impl Row {
    /// Adds a condition that is to hold too. False when that can never be.
    fn add(&mut self, condition: &Formula) -> bool {
        match condition {
            Formula::Atom(atom) => {
                match plain(atom) {
                    Some(_) if self.atoms.len() >= ATOMS_MAX => self.rest.push(condition.clone()),
                    Some(atom) => self.atoms.push(atom),
                    None => {}
                }
                true
            }
            Formula::All(of) => of.iter().all(|f| self.add(f)),
            Formula::Any(of) if of.is_empty() => false,
            Formula::Any(of) if of.len() == 1 => of.iter().all(|f| self.add(f)),
            Formula::Any(_) => {
                self.rest.push(condition.clone());
                true
            }
        }
    }

    /// A disjunction that would let the row be found, if nothing else does: which, and how many ways it has.
    fn ways(&self) -> Option<(usize, usize)> {
        if self.atoms.iter().any(findable) {
            return None;
        }
        self.rest.iter().enumerate().find_map(|(i, f)| match f {
            Formula::Any(ways) if ways.iter().all(lets_find) => Some((i, ways.len())),
            _ => None,
        })
    }
}

/// Whether rows can be found by an atom: few words pass it.
fn findable(atom: &Atom) -> bool {
    atom.want
        && match &atom.test {
            Test::Ints(ranges) => ranges.iter().all(|(lo, hi)| lo == hi),
            Test::Texts(_) | Test::Prefix(_) | Test::Suffix(_) | Test::Nets(_) => true,
            Test::Matches(Pattern::Path(path)) => path
                .segments()
                .iter()
                .any(|s| matches!(s, Segment::Literal(_))),
            Test::True | Test::Present | Test::Values(_) | Test::Part(_) | Test::Matches(_) => {
                false
            }
        }
}

fn lets_find(formula: &Formula) -> bool {
    match formula {
        Formula::Atom(atom) => findable(atom),
        Formula::All(of) => of.iter().any(lets_find),
        Formula::Any(of) => of.iter().all(lets_find),
    }
}

/// The atom in the form an index knows best; none when it always holds.
fn plain(atom: &Atom) -> Option<Atom> {
    let mut atom = atom.clone();
    if let Test::Matches(pattern) = &atom.test {
        match pattern {
            Pattern::Glob(glob) => {
                if let Some(test) = affix(glob.text()) {
                    atom.test = test;
                }
            }
            Pattern::Path(path) if path.is_open() && path.segments().is_empty() && atom.want => {
                return None;
            }
            Pattern::Path(_) | Pattern::Regex(_) => {}
        }
    }
    if let (Test::Ints(ranges), false) = (&atom.test, atom.want) {
        atom.test = Test::Ints(complement(ranges));
        atom.want = true;
    }
    Some(atom)
}

/// A glob that is a text, a prefix or a suffix.
fn affix(glob: &str) -> Option<Test> {
    let plain = |text: &str| !text.contains(['*', '?', '[', ']', '{', '}', '\\']);
    match (glob.strip_prefix('*'), glob.strip_suffix('*')) {
        (None, None) if plain(glob) => Some(Test::text(glob)),
        (Some(suffix), _) if plain(suffix) => Some(Test::Suffix(suffix.into())),
        (_, Some(prefix)) if plain(prefix) => Some(Test::Prefix(prefix.into())),
        _ => None,
    }
}

/// The integers outside of some ranges.
fn complement(ranges: &[(i64, i64)]) -> Box<[(i64, i64)]> {
    let mut out = Vec::with_capacity(ranges.len() + 1);
    let mut from = Some(i64::MIN);
    for (lo, hi) in ranges {
        if let (Some(from), Some(to)) = (from, lo.checked_sub(1))
            && from <= to
        {
            out.push((from, to));
        }
        from = hi.checked_add(1);
    }
    out.extend(from.map(|from| (from, i64::MAX)));
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom(feature: u32, test: Test) -> Formula {
        Formula::Atom(Atom {
            feature,
            want: true,
            test,
        })
    }

    #[test]
    fn complements_have_no_overlap_and_no_gap() {
        let check = |ranges: &[(i64, i64)], expected: &[(i64, i64)]| {
            assert_eq!(&*complement(ranges), expected);
        };
        check(&[], &[(i64::MIN, i64::MAX)]);
        check(&[(0, 4), (6, 6)], &[(i64::MIN, -1), (5, 5), (7, i64::MAX)]);
        check(&[(i64::MIN, 0)], &[(1, i64::MAX)]);
        check(&[(0, i64::MAX)], &[(i64::MIN, -1)]);
        check(&[(i64::MIN, i64::MAX)], &[]);
    }

    /// A disjunction becomes rows only where it is what lets the rule be found.
    #[test]
    fn disjunctions_become_rows_where_that_helps() {
        let either = Formula::Any(vec![
            atom(0, Test::text("a")),
            Formula::All(vec![atom(1, Test::text("b")), atom(2, Test::True)]),
        ]);
        let mut out = Vec::new();
        rows(0, &either, &mut out);
        assert_eq!(
            out.iter().map(|r| r.atoms.len()).collect::<Vec<_>>(),
            [1, 2]
        );
        out.clear();
        rows(
            0,
            &Formula::All(vec![atom(3, Test::text("h")), either]),
            &mut out,
        );
        assert_eq!((out.len(), out[0].rest.len()), (1, 1));
        out.clear();
        rows(
            0,
            &Formula::All(vec![atom(3, Test::True), Formula::NEVER]),
            &mut out,
        );
        assert!(out.is_empty());
    }

    /// Whatever the number of atoms, none is forgotten.
    #[test]
    fn rows_of_very_many_atoms_keep_them_all() {
        let all = (0..70_000).map(|i| atom(i, Test::True)).collect();
        let mut out = Vec::new();
        rows(0, &Formula::All(all), &mut out);
        assert_eq!(out[0].atoms.len() + out[0].rest.len(), 70_000);
        assert!(out[0].atoms.len() <= ATOMS_MAX);
    }

    #[test]
    fn globs_with_one_star_at_an_end_are_affixes() {
        assert_eq!(
            affix("*.example.com"),
            Some(Test::Suffix(".example.com".into()))
        );
        assert_eq!(affix("api.*"), Some(Test::Prefix("api.".into())));
        assert_eq!(affix("a"), Some(Test::text("a")));
        assert_eq!(affix("a*b"), None);
        assert_eq!(affix("a?"), None);
        assert_eq!(affix("*a*"), None);
        assert_eq!(affix("*"), Some(Test::Suffix("".into())));
    }
}
