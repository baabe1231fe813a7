//! Rules that match one input, and inputs that match no rule.

use std::ops::ControlFlow;

use tollgate_runtime::index::Formula;

use super::findings::{Analysis, Finding, Question, RULE_STEPS};
use super::pairs::pairs;
use super::search::{Found, Verdict};
use super::texts::Texts;
use super::vary::variations;
use super::witness::Observed;

/// Steps for the question whether some input matches no rule.
const GAP_STEPS: u64 = 2_000_000;
/// Pairs reported for one rule set.
const MOST_PAIRS: usize = 20;
/// Features of a rule set whose witness names them all.
const MOST_SHOWN: usize = 8;

impl<'m> Analysis<'m> {
    /// Whether some input matches no rule. It is confirmed if `missing`, since then it is to be shown.
    pub(super) fn gap(&mut self, texts: &mut Texts, missing: bool) {
        let count = self.conditions.len() as u32;
        let few: Vec<u32> = match self.space.len() {
            0..=MOST_SHOWN => (0..count).collect(),
            _ => Vec::new(),
        };
        let every: Vec<u32> = (0..count).collect();
        let mut seen = None;
        let (found, used) = self.search(texts, GAP_STEPS, &[], &mut |this, search| match this
            .lookup
            .find(search, &this.conditions, count, &|_| false)
        {
            Some(other) => Verdict::Exclude(this.conditions[other as usize].clone()),
            None if !missing => Verdict::Accept,
            None => match this.observe(search, &every, &few) {
                Some(observed) if !observed.holds.contains(&true) => {
                    seen = Some(observed.witness);
                    Verdict::Accept
                }
                _ => Verdict::Reject,
            },
        });
        self.steps = self.steps.saturating_sub(used);
        match found {
            Found::No => self.found.push(Finding::Covered),
            Found::Unknown => self.found.push(Finding::Unknown(Question::Gap)),
            Found::Yes => self
                .found
                .extend(seen.map(|witness| Finding::Gap { witness })),
        }
    }

    /// Pairs that match one input, and under `any` disagree on it.
    pub(super) fn overlaps(&mut self, texts: &mut Texts, same: Option<&dyn Fn(u32, u32) -> bool>) {
        let rules: Vec<&'m Formula> = self.subject.predicates.rules.iter().collect();
        if let Some(same) = same
            && (1..rules.len() as u32).all(|b| same(b - 1, b))
        {
            return;
        }
        let mut reported = vec![false; rules.len()];
        // What a rule without a condition overlaps with is said once.
        let whole: Vec<bool> = rules
            .iter()
            .map(|f| **f == Formula::All(Vec::new()))
            .collect();
        let (mut count, mut left) = (0, self.subject.pairs);
        let mut found = Vec::new();
        let ended = pairs(&rules, &mut |a, b| {
            let (a, b) = (a.min(b), a.max(b));
            let known = reported[b as usize] || (whole[a as usize] && reported[a as usize]);
            if known || same.is_some_and(|same| same(a, b)) {
                return ControlFlow::Continue(());
            }
            if self.steps == 0 || left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            match self.overlap(texts, a, b, same.is_some()) {
                None => return ControlFlow::Continue(()),
                Some(finding) => found.push(finding),
            }
            reported[b as usize] = true;
            reported[a as usize] |= whole[a as usize];
            count += 1;
            if count == MOST_PAIRS {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        self.found.extend(found);
        if ended.is_break() && count < MOST_PAIRS {
            self.found.push(Finding::Unknown(Question::Pairs));
        }
    }

    fn overlap(&mut self, texts: &mut Texts, a: u32, b: u32, agree: bool) -> Option<Finding> {
        let rules = &self.subject.predicates.rules;
        let wanted = [(&rules[a as usize], true), (&rules[b as usize], true)];
        let mut seen = None;
        let (found, used) = self.search(texts, RULE_STEPS, &wanted, &mut |this, search| match this
            .observe(search, &[a, b], &[a, b])
        {
            Some(observed) if observed.holds == [true, true] => {
                seen = match agree && observed.outcomes[0] == observed.outcomes[1] {
                    true => this.disagreement(&observed, a, b),
                    false => Some(observed),
                };
                match seen {
                    Some(_) => Verdict::Accept,
                    None => Verdict::Reject,
                }
            }
            _ => Verdict::Reject,
        });
        self.steps = self.steps.saturating_sub(used.max(1));
        match found {
            Found::No => None,
            Found::Unknown => Some(Finding::Unknown(Question::Pair(a, b))),
            Found::Yes => seen.map(|observed| {
                let mut outcomes = observed.outcomes.into_iter();
                let outcomes = outcomes.next().zip(outcomes.next());
                Finding::Overlap {
                    first: a,
                    second: b,
                    witness: observed.witness,
                    outcomes: outcomes.filter(|_| agree),
                }
            }),
        }
    }

    /// An input beside one on which two rules agree, on which they match and do not.
    fn disagreement(&self, agreed: &Observed, a: u32, b: u32) -> Option<Observed> {
        for (place, value) in variations(&self.lab.input, &agreed.given, true) {
            self.tries.set(self.tries.get().checked_sub(1)?);
            let mut draft = agreed.draft.clone();
            draft.node(place).whole = Some(value);
            let observed = self.lab.observe(draft, &[a, b], Some(&agreed.given));
            let observed = observed.filter(|o| o.holds == [true, true]);
            if let Some(observed) = observed.filter(|o| o.outcomes[0] != o.outcomes[1]) {
                return Some(observed);
            }
        }
        None
    }
}
