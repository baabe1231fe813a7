//! Answers that cannot be given: nobody is to be asked for a test that there is not.

use tollgate_frontend::analysis::possible_answers;
use tollgate_frontend::hir::{self, RuleSetId};

use super::ledger::{Spine, Tree};
use super::{ConditionCovered, RuleCovered};
use crate::explain::Explainer;

/// Rules that are looked at for one coverage. What is not proved within this is wanted.
const PROVED: usize = 20_000;

/// Finds answers that cannot be given, of those that were not.
pub(super) struct Prover<'e> {
    of: &'e Explainer,
    /// The program, to try rules in.
    program: Option<hir::Program>,
    /// Rules that may still be looked at.
    left: usize,
}

impl<'e> Prover<'e> {
    pub(super) fn new(of: &'e Explainer) -> Prover<'e> {
        Prover {
            of,
            program: None,
            left: PROVED,
        }
    }

    /// Writes down what cannot be of the rule's own condition.
    pub(super) fn rule(
        &mut self,
        (id, number): (RuleSetId, usize),
        spine: &Spine,
        covered: &mut RuleCovered,
    ) {
        let unseen = |c: &ConditionCovered| c.seen() < c.wanted();
        // A rule stands behind all before it, once for each of its operands.
        let looked_at = number + spine.operands.len() + 1;
        if !covered.conditions.iter().any(unseen) || looked_at > self.left {
            return;
        }
        self.left -= looked_at;
        let program = self.program.get_or_insert_with(|| self.of.program.clone());
        let possible = possible_answers(program, id, number);
        let denies = covered.conditions.iter().any(|c| c.denies);
        covered.can_match = denies || possible.last().is_none_or(|last| last.yes);
        for (operand, possible) in spine.operands.iter().zip(possible) {
            if !possible.no {
                operand.tree.cannot(false, &mut covered.conditions);
            }
            if !possible.yes {
                operand.tree.cannot(true, &mut covered.conditions);
            }
        }
    }
}

impl Tree {
    /// Writes down that this cannot come out as `answer`: of parts that are joined each, or the last one, which is asked only where the
    /// others left it to that.
    fn cannot(&self, answer: bool, leaves: &mut [ConditionCovered]) {
        match (self, answer) {
            (Tree::Leaf(leaf), true) => leaves[*leaf].holds = false,
            (Tree::Leaf(leaf), false) => {
                (leaves[*leaf].fails, leaves[*leaf].skips) = (false, false);
            }
            (Tree::Not(part), _) => part.cannot(!answer, leaves),
            (Tree::All(parts), false) | (Tree::Any(parts), true) => {
                parts.iter().for_each(|part| part.cannot(answer, leaves));
            }
            (Tree::All(parts), true) | (Tree::Any(parts), false) => {
                if let Some(last) = parts.last() {
                    last.cannot(answer, leaves);
                }
            }
        }
    }
}
