//! Rules that never decide, and groups of them.

use tollgate_runtime::index::Formula;

use super::findings::{Analysis, Finding, Question, RULE_STEPS};
use super::search::{Found, Search, Verdict};
use super::texts::Texts;
use super::witness::Observed;
use crate::entities::GroupId;
use crate::module::Policy;

/// Earlier rules, and parts of a condition, that are left out one by one, to name no more than needed.
const MOST_MINIMISED: usize = 24;

impl<'m> Analysis<'m> {
    /// Whether a rule ever decides, and whether always.
    pub(super) fn rule(&mut self, texts: &mut Texts, rule: u32) {
        let set = &self.subject.module.rulesets[self.subject.rules];
        if set.rules[rule as usize].cond.is_none() && set.rules[rule as usize].group.is_none() {
            return;
        }
        // What is so of a group is so of its rules, and not said again.
        let around = self.around(set.rules[rule as usize].group);
        if around.iter().any(|group| self.dead.contains(group)) {
            return;
        }
        if self.steps == 0 {
            self.found.push(Finding::Unknown(Question::Rule(rule)));
            return;
        }
        let own = &self.subject.predicates.rules[rule as usize];
        let first = self.policy == Policy::First;
        let mut by: Vec<u32> = Vec::new();
        let (found, used) = self.search(texts, RULE_STEPS, &[(own, true)], &mut |this, search| {
            let end = if first { rule } else { 0 };
            match this.lookup.find(search, &this.conditions, end, &|_| false) {
                Some(other) => {
                    if !by.contains(&other) {
                        by.push(other);
                    }
                    Verdict::Exclude(this.conditions[other as usize].clone())
                }
                None => Verdict::Accept,
            }
        });
        self.steps = self.steps.saturating_sub(used);
        match found {
            Found::Yes => self.always(texts, rule),
            Found::Unknown => self.found.push(Finding::Unknown(Question::Rule(rule))),
            Found::No if by.is_empty() => self.contradiction(texts, rule, &around),
            Found::No => self.shadowed(texts, rule, by, &around),
        }
    }

    /// Whether all that satisfies a rule's condition satisfies that of an earlier rule, for certain.
    pub(super) fn never_decides(&mut self, texts: &mut Texts, rule: u32) -> bool {
        let own = &self.subject.predicates.rules[rule as usize];
        let (found, used) =
            self.search(
                texts,
                RULE_STEPS,
                &[(own, true)],
                &mut |this, search| match this
                    .lookup
                    .find(search, &this.conditions, rule, &|_| false)
                {
                    Some(other) => Verdict::Exclude(this.conditions[other as usize].clone()),
                    None => Verdict::Accept,
                },
            );
        self.steps = self.steps.saturating_sub(used);
        found == Found::No
    }

    /// Says that a condition never holds: that of a group around the rule, if it is that.
    fn contradiction(&mut self, texts: &mut Texts, rule: u32, around: &[GroupId]) {
        let never = (1..=around.len()).find(|n| {
            let wanted = self.of_groups(&around[..*n]);
            self.never(texts, &wanted)
        });
        let (now, then) = (self.subject.predicates, self.written);
        match never {
            Some(n) => {
                let group = around[n - 1];
                let of = |formulas: &'m [Formula]| {
                    let parts = around[..n].iter().map(|g| &formulas[g.0 as usize]);
                    parts.collect::<Vec<_>>()
                };
                let conflict = self.conflict(texts, of(&now.groups), of(&then.groups));
                self.dead.insert(group);
                self.found
                    .push(Finding::GroupContradiction { group, conflict });
            }
            None => {
                let own = |formulas: &'m [Formula]| vec![&formulas[rule as usize]];
                let conflict = self.conflict(texts, own(&now.rules), own(&then.rules));
                self.found.push(Finding::Contradiction { rule, conflict });
            }
        }
    }

    fn of_groups(&self, groups: &[GroupId]) -> Vec<(&'m Formula, bool)> {
        let formulas = &self.subject.predicates.groups;
        let of = groups.iter().map(|g| (&formulas[g.0 as usize], true));
        of.collect()
    }

    /// Whether formulas never come out as wanted together, for certain.
    fn never(&mut self, texts: &mut Texts, wanted: &[(&'m Formula, bool)]) -> bool {
        let accept = &mut |_: &Analysis<'m>, _: &mut Search<'_, '_>| Verdict::Accept;
        let (found, used) = self.search(texts, RULE_STEPS, wanted, accept);
        self.steps = self.steps.saturating_sub(used);
        found == Found::No
    }

    /// Whether a rule's own condition holds wherever its groups do.
    fn always(&mut self, texts: &mut Texts, rule: u32) {
        let set = &self.subject.module.rulesets[self.subject.rules];
        let of = &set.rules[rule as usize];
        if of.cond.is_none() {
            return;
        }
        let mut wanted = self.of_groups(&self.around(of.group));
        wanted.push((&self.subject.predicates.rules[rule as usize], false));
        if self.never(texts, &wanted) {
            if of.group.is_none() {
                self.always.get_or_insert(rule);
            }
            self.found.push(Finding::Always { rule });
        }
    }

    fn shadowed(&mut self, texts: &mut Texts, rule: u32, mut by: Vec<u32>, around: &[GroupId]) {
        let own = [(&self.subject.predicates.rules[rule as usize], true)];
        // One rule that does it alone says most; else as few as can be.
        let alone = by
            .iter()
            .copied()
            .find(|other| self.covers(texts, &own, &[*other]));
        if alone.is_some() && alone == self.always {
            return;
        }
        if let Some(other) = alone {
            by = vec![other];
        } else if by.len() <= MOST_MINIMISED {
            for other in by.clone() {
                let rest: Vec<u32> = by.iter().copied().filter(|o| *o != other).collect();
                if self.covers(texts, &own, &rest) {
                    by = rest;
                }
            }
        }
        by.sort_unstable();
        // Best is an input that none but these would take.
        let best = self.shows(texts, rule, &by, true);
        let seen = best.or_else(|| self.shows(texts, rule, &by, false));
        let Some((observed, decides)) = seen else {
            // Perhaps its condition holds for nothing a host can give.
            self.found.push(Finding::Unknown(Question::Rule(rule)));
            return;
        };
        if let Some(group) = self.shadowed_group(texts, &by, around) {
            self.dead.insert(group);
            self.found.push(Finding::GroupShadowed {
                group,
                by,
                rule,
                witness: observed.witness,
                decides,
            });
            return;
        }
        let same = match &*by {
            [other] => {
                let other = [(&self.subject.predicates.rules[*other as usize], true)];
                self.covers(texts, &other, &[rule])
            }
            _ => false,
        };
        self.found.push(Finding::Shadowed {
            rule,
            by,
            same,
            witness: observed.witness,
            decides,
        });
    }

    /// The outermost group of several rules that rules above it take whole.
    fn shadowed_group(
        &mut self,
        texts: &mut Texts,
        by: &[u32],
        around: &[GroupId],
    ) -> Option<GroupId> {
        let last = by.iter().copied().max()?;
        let set = &self.subject.module.rulesets[self.subject.rules];
        for n in 1..=around.len() {
            let group = around[n - 1];
            let inside = |rule: &u32| {
                let of = set.rules[*rule as usize].group;
                self.around(of).contains(&group)
            };
            // The rules of a group stand together.
            let from = (last + 1..set.rules.len() as u32).find(inside);
            let several = from.is_some_and(|from| {
                !inside(&last) && from as usize + 1 < set.rules.len() && inside(&(from + 1))
            });
            let wanted = self.of_groups(&around[..n]);
            if several && self.covers(texts, &wanted, by) {
                return Some(group);
            }
        }
        None
    }

    /// An input that satisfies a rule's condition and that an earlier rule takes, if `only` one of these.
    fn shows(
        &mut self,
        texts: &mut Texts,
        rule: u32,
        by: &[u32],
        only: bool,
    ) -> Option<(Observed, u32)> {
        let allowed = |other: u32| !only || by.contains(&other);
        let own = &self.subject.predicates.rules[rule as usize];
        let mentioned: Vec<u32> = by.iter().take(4).copied().chain([rule]).collect();
        let mut seen: Option<(Observed, u32)> = None;
        let (_, used) = self.search(texts, RULE_STEPS, &[(own, true)], &mut |this, search| {
            if let Some(other) = this.lookup.find(search, &this.conditions, rule, &allowed) {
                return Verdict::Exclude(this.conditions[other as usize].clone());
            }
            let Some(observed) = this.observe(search, &[rule], &mentioned) else {
                return Verdict::Reject;
            };
            match this.decider(&observed) {
                Some(decides) if observed.holds == [true] && decides < rule && allowed(decides) => {
                    seen = Some((observed, decides));
                    Verdict::Accept
                }
                _ => Verdict::Reject,
            }
        });
        self.steps = self.steps.saturating_sub(used);
        seen
    }

    /// Whether rules take everything that conditions together take, for certain.
    fn covers(
        &mut self,
        texts: &mut Texts,
        conditions: &[(&'m Formula, bool)],
        by: &[u32],
    ) -> bool {
        let rules = &self.subject.predicates.rules;
        let others = by.iter().map(|other| (&rules[*other as usize], false));
        let wanted: Vec<(&Formula, bool)> = conditions.iter().copied().chain(others).collect();
        self.never(texts, &wanted)
    }

    /// As few parts of conditions as were found that contradict each other, as they were written.
    fn conflict(
        &mut self,
        texts: &mut Texts,
        conditions: Vec<&'m Formula>,
        written: Vec<&'m Formula>,
    ) -> Vec<Formula> {
        let mut parts: Vec<(&Formula, &Formula)> = Vec::new();
        let mut open: Vec<(&Formula, &Formula)> =
            conditions.into_iter().zip(written).rev().collect();
        while let Some(formulas) = open.pop() {
            match formulas {
                // They have one shape.
                (Formula::All(now), Formula::All(then)) => open.extend(now.iter().zip(then).rev()),
                other => parts.push(other),
            }
        }
        if parts.len() <= MOST_MINIMISED {
            for (part, _) in parts.clone() {
                let rest = parts.iter().copied();
                let rest: Vec<_> = rest.filter(|(p, _)| !std::ptr::eq(*p, part)).collect();
                let wanted: Vec<(&Formula, bool)> = rest.iter().map(|(f, _)| (*f, true)).collect();
                if self.never(texts, &wanted) {
                    parts = rest;
                }
            }
        }
        parts.into_iter().map(|(_, then)| then.clone()).collect()
    }
}
