//! What is to be said of a rule set: rules that never decide, rules that overlap, inputs that no rule decides.
//!
//! Whether a rule can match where those before it do not is the question of Al-Shaer & Hamed ("Discovery of policy anomalies in
//! distributed firewalls", INFOCOM 2004), and of Maranget's useful clauses ("Compiling pattern matching to good decision
//! trees", ML 2008): here over formulas, for a union of earlier rules too, and with an input that shows it. That something
//! matches is claimed only with an input that the interpreter has confirmed; that nothing does is a proof of the search.

use std::cell::RefCell;
use std::ops::ControlFlow;

use rustc_hash::FxHashMap;
use tollgate_runtime::Value;
use tollgate_runtime::index::Formula;
use tollgate_runtime::schema::{Field, Schema, TypeId};

use super::features::{features, space};
use super::invert::Inverter;
use super::lookup::{Condition, Lookup};
use super::pairs::pairs;
use super::place::Input;
use super::search::{Found, Search, Verdict};
use super::space::Space;
use super::texts::Texts;
use super::witness::{Draft, Lab, Observed, Witness};
use crate::entities::RuleSetId;
use crate::module::{Module, Policy};
use crate::predicates::{Predicates, TermId};

/// Steps for one question about one rule.
const RULE_STEPS: u64 = 20_000;
/// Steps for the question whether some input matches no rule.
const GAP_STEPS: u64 = 2_000_000;
/// Steps for a rule set, and more for each rule.
const SET_STEPS: u64 = 4_000_000;
const SET_STEPS_RULE: u64 = 3_000;
/// Pairs reported for one rule set.
const MOST_PAIRS: usize = 20;
/// Features of a rule set whose witness names them all.
const MOST_SHOWN: usize = 8;
/// Earlier rules that are left out one by one, to name no more than needed.
const MOST_MINIMISED: usize = 24;

/// A rule set to be looked at.
#[derive(Clone, Copy)]
pub struct Subject<'m> {
    /// The program.
    pub module: &'m Module,
    /// Which rule set of it.
    pub rules: RuleSetId,
    /// What its conditions ask.
    pub predicates: &'m Predicates,
    /// The types of the boundary.
    pub schema: &'m Schema,
    /// The types of the program's data there, in order.
    pub data: &'m [TypeId],
    /// The rule set's parameters: their names and types.
    pub params: &'m [Field],
    /// Most pairs of rules that are compared.
    pub pairs: u64,
}

/// How much is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// What makes a rule set illegal: overlap under `unique`, disagreement under `any`, inputs that nothing decides.
    Legal,
    /// Everything.
    All,
}

/// Something that is so. Rules are numbered in the order of the source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// No input satisfies the rule's condition.
    Contradiction {
        /// The rule.
        rule: u32,
        /// Parts of the condition that no input satisfies together, as few as were found.
        conflict: Vec<Formula>,
    },
    /// Every input satisfies the rule's own condition (where its groups hold).
    Always {
        /// The rule.
        rule: u32,
    },
    /// Earlier rules take every input that the rule could take.
    Shadowed {
        /// The rule.
        rule: u32,
        /// Earlier rules that together take them all.
        by: Vec<u32>,
        /// Whether the condition is that of the one earlier rule.
        same: bool,
        /// An input that satisfies its condition.
        witness: Witness,
        /// The rule that decides it.
        decides: u32,
    },
    /// Two rules match one input.
    Overlap {
        /// The upper one.
        first: u32,
        /// The lower one.
        second: u32,
        /// The input.
        witness: Witness,
        /// What they give for it, where they should agree: as the runtime prints values.
        outcomes: Option<(Value, Value)>,
    },
    /// No rule matches some input.
    Gap {
        /// The input.
        witness: Witness,
    },
    /// Some rule matches every input.
    Covered,
    /// The answer is not known.
    Unknown(Question),
}

/// What was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Question {
    /// Whether a rule ever decides.
    Rule(u32),
    /// Whether two rules match one input (and disagree).
    Pair(u32, u32),
    /// Whether some input matches no rule.
    Gap,
    /// Whether two rules match one input, for all pairs that are left.
    Pairs,
}

/// The work on one rule set.
struct Analysis<'m> {
    subject: Subject<'m>,
    policy: Policy,
    space: Space,
    lookup: Lookup,
    conditions: Vec<Condition<'m>>,
    lab: Lab<'m>,
    /// Features by their terms.
    features: FxHashMap<TermId, u32>,
    steps: u64,
    /// A rule without a group that holds for every input.
    always: Option<u32>,
    found: Vec<Finding>,
}

/// Looks at a rule set. `otherwise` says whether inputs that match no rule have a value; `same` whether two rules are known
/// to give the same (asked under `any` only).
///
/// Takes time about linear in the rules where they are told apart by values, paths or ranges; elsewhere a budget ends it.
pub fn findings(
    subject: Subject<'_>,
    scope: Scope,
    same: &dyn Fn(u32, u32) -> bool,
) -> Vec<Finding> {
    let mut texts = Texts::default();
    let mut analysis = Analysis::new(subject, &mut texts);
    let set = &subject.module.rulesets[subject.rules];
    let mut search_texts = texts;
    let texts = &mut search_texts;
    match analysis.policy {
        Policy::Unique => analysis.overlaps(texts, None),
        Policy::Any => analysis.overlaps(texts, Some(same)),
        Policy::First | Policy::All | Policy::Best | Policy::Sum => {}
    }
    let total = !matches!(analysis.policy, Policy::All | Policy::Sum);
    if scope == Scope::All {
        for rule in 0..set.rules.len() as u32 {
            analysis.rule(texts, rule);
        }
    }
    // Behind a rule that always holds nothing else is needed, and that was said.
    let wanted = scope == Scope::All && analysis.always.is_none();
    if total && (set.otherwise.is_none() || wanted) {
        analysis.gap(texts, set.otherwise.is_none());
    }
    analysis.found
}

impl<'m> Analysis<'m> {
    fn new(subject: Subject<'m>, texts: &mut Texts) -> Analysis<'m> {
        let predicates = subject.predicates;
        let input = Input {
            module: subject.module,
            schema: subject.schema,
            data: subject.data,
            params: subject.params,
            terms: &predicates.terms,
        };
        let space = space(&input, predicates, texts);
        let conditions: Vec<Condition<'m>> = predicates.rules.iter().map(|f| vec![f]).collect();
        let rules = conditions.len() as u64;
        Analysis {
            policy: subject.module.rulesets[subject.rules].policy,
            lookup: Lookup::new(&space, &conditions),
            lab: Lab::new(input, subject.rules),
            steps: SET_STEPS + SET_STEPS_RULE * rules,
            always: None,
            found: Vec::new(),
            features: features(&input, predicates),
            space,
            conditions,
            subject,
        }
    }

    /// Searches within the budget.
    fn search<'a>(
        &'a self,
        texts: &mut Texts,
        steps: u64,
        wanted: &[(&'a Formula, bool)],
        judge: &mut dyn FnMut(&Analysis<'m>, &mut Search<'a, '_>) -> Verdict<'a>,
    ) -> (Found, u64) {
        let steps = steps.min(self.steps);
        let mut search = Search::new(&self.space, texts, steps);
        let found = search.run(wanted.iter().copied(), &mut |search| judge(self, search));
        (found, steps - search.steps)
    }

    fn rule(&mut self, texts: &mut Texts, rule: u32) {
        let set = &self.subject.module.rulesets[self.subject.rules];
        if set.rules[rule as usize].cond.is_none() && set.rules[rule as usize].group.is_none() {
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
            Found::No if by.is_empty() => {
                let conflict = self.conflict(texts, own);
                self.found.push(Finding::Contradiction { rule, conflict });
            }
            Found::No => self.shadowed(texts, rule, by),
        }
    }

    /// Whether a rule's own condition holds wherever its groups do.
    fn always(&mut self, texts: &mut Texts, rule: u32) {
        let set = &self.subject.module.rulesets[self.subject.rules];
        let of = &set.rules[rule as usize];
        if of.cond.is_none() {
            return;
        }
        let mut wanted: Vec<(&Formula, bool)> = Vec::new();
        let mut group = of.group;
        while let Some(id) = group {
            wanted.push((&self.subject.predicates.groups[id.0 as usize], true));
            group = set.groups[id].parent;
        }
        wanted.push((&self.subject.predicates.rules[rule as usize], false));
        let accept = &mut |_: &Analysis<'m>, _: &mut Search<'_, '_>| Verdict::Accept;
        let (found, used) = self.search(texts, RULE_STEPS, &wanted, accept);
        self.steps = self.steps.saturating_sub(used);
        if found == Found::No {
            if of.group.is_none() {
                self.always.get_or_insert(rule);
            }
            self.found.push(Finding::Always { rule });
        }
    }

    fn shadowed(&mut self, texts: &mut Texts, rule: u32, mut by: Vec<u32>) {
        let own = &self.subject.predicates.rules[rule as usize];
        // One rule that does it alone says most; else as few as can be.
        let alone = by
            .iter()
            .copied()
            .find(|other| self.covers(texts, own, &[*other]));
        if alone.is_some() && alone == self.always {
            return;
        }
        if let Some(other) = alone {
            by = vec![other];
        } else if by.len() <= MOST_MINIMISED {
            for other in by.clone() {
                let rest: Vec<u32> = by.iter().copied().filter(|o| *o != other).collect();
                if self.covers(texts, own, &rest) {
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
        let same = match &*by {
            [other] => {
                let other = &self.subject.predicates.rules[*other as usize];
                self.covers(texts, other, &[rule])
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

    /// Whether rules take everything that a condition takes, for certain.
    fn covers(&mut self, texts: &mut Texts, condition: &'m Formula, by: &[u32]) -> bool {
        let (found, used) = {
            let mut wanted: Vec<(&Formula, bool)> = vec![(condition, true)];
            let rules = &self.subject.predicates.rules;
            wanted.extend(by.iter().map(|other| (&rules[*other as usize], false)));
            let accept = &mut |_: &Analysis<'m>, _: &mut Search<'_, '_>| Verdict::Accept;
            self.search(texts, RULE_STEPS, &wanted, accept)
        };
        self.steps = self.steps.saturating_sub(used);
        found == Found::No
    }

    /// As few parts of a condition as were found that contradict each other.
    fn conflict(&mut self, texts: &mut Texts, condition: &'m Formula) -> Vec<Formula> {
        let mut parts: Vec<&Formula> = Vec::new();
        let mut open = vec![condition];
        while let Some(formula) = open.pop() {
            match formula {
                Formula::All(of) => open.extend(of.iter().rev()),
                other => parts.push(other),
            }
        }
        if parts.len() > MOST_MINIMISED {
            return parts.into_iter().cloned().collect();
        }
        for part in parts.clone() {
            let rest: Vec<&Formula> = parts
                .iter()
                .copied()
                .filter(|p| !std::ptr::eq(*p, part))
                .collect();
            let wanted: Vec<(&Formula, bool)> = rest.iter().map(|f| (*f, true)).collect();
            let accept = &mut |_: &Analysis<'m>, _: &mut Search<'_, '_>| Verdict::Accept;
            let (found, used) = self.search(texts, RULE_STEPS, &wanted, accept);
            self.steps = self.steps.saturating_sub(used);
            if found == Found::No {
                parts = rest;
            }
        }
        parts.into_iter().cloned().collect()
    }

    /// Whether some input matches no rule. It is confirmed if `missing`, since then it is to be shown.
    fn gap(&mut self, texts: &mut Texts, missing: bool) {
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
    fn overlaps(&mut self, texts: &mut Texts, same: Option<&dyn Fn(u32, u32) -> bool>) {
        let rules: Vec<&'m Formula> = self.subject.predicates.rules.iter().collect();
        if let Some(same) = same
            && (1..rules.len() as u32).all(|b| same(b - 1, b))
        {
            return;
        }
        let mut reported = vec![false; rules.len()];
        let (mut count, mut left) = (0, self.subject.pairs);
        let mut found = Vec::new();
        let ended = pairs(&rules, &mut |a, b| {
            let (a, b) = (a.min(b), a.max(b));
            if reported[b as usize] || same.is_some_and(|same| same(a, b)) {
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
                if agree && observed.outcomes[0] == observed.outcomes[1] {
                    return Verdict::Reject;
                }
                seen = Some(observed);
                Verdict::Accept
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

    /// Builds the input of a search's values and asks the interpreter. What rules that are mentioned ask is written down even
    /// where its simplest value will do.
    fn observe(
        &self,
        search: &Search<'_, '_>,
        rules: &[u32],
        mentioned: &[u32],
    ) -> Option<Observed> {
        let mut draft = Draft::default();
        // What is looked up by a key from the input is laid down under the key that the input then has.
        let keys: RefCell<Vec<(TermId, Value)>> = RefCell::default();
        let key = |term: TermId| {
            let term = self.lab.input.terms.strip(term);
            let value = match self.features.get(&term) {
                Some(feature) => search.value(*feature).clone(),
                None => self.lab.input.domain(term).there(),
            };
            keys.borrow_mut().push((term, value.clone()));
            (value != Value::None).then_some(value)
        };
        let asked: Vec<u32> = search.asked().collect();
        let known = |term: TermId| {
            let feature = self.space.get(*self.features.get(&term)?).same;
            Some((search.value(feature).clone(), asked.contains(&feature)))
        };
        let inverter = Inverter {
            input: &self.lab.input,
            known: &known,
            key: &key,
        };
        let mut plain: Vec<u32> = Vec::new();
        for rule in mentioned {
            let formula = &self.subject.predicates.rules[*rule as usize];
            formula.atoms(&mut |atom| plain.push(atom.feature));
        }
        plain.iter_mut().for_each(|f| *f = self.space.get(*f).same);
        plain.retain(|f| !asked.contains(f));
        for feature in asked.iter().copied().chain(plain) {
            let of = &self.space.get(feature);
            if of.guards.iter().all(|g| search.meets(g)) {
                let term = self.subject.predicates.features[feature as usize].term;
                inverter.lay(&mut draft, term, search.value(feature));
            }
        }
        for (term, value) in keys.into_inner() {
            draft.set(&self.lab.input, term, &value, &|_| None);
        }
        self.lab.observe(&draft, rules)
    }

    /// The rule that was marked.
    fn decider(&self, observed: &Observed) -> Option<u32> {
        let set = &self.subject.module.rulesets[self.subject.rules];
        let site = observed.by.first()?;
        let at = set.rules.iter().position(|r| r.site == *site)?;
        u32::try_from(at).ok()
    }
}
