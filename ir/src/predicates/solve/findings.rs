//! What is to be said of a rule set: rules that never decide, rules that overlap, inputs that no rule decides.
//!
//! Whether a rule can match where those before it do not is the question of Al-Shaer & Hamed ("Discovery of policy anomalies in
//! distributed firewalls", INFOCOM 2004), and of Maranget's useful clauses ("Compiling pattern matching to good decision
//! trees", ML 2008): here over formulas, for a union of earlier rules too, and with an input that shows it. That something
//! matches is claimed only with an input that the interpreter has confirmed; that nothing does is a proof of the search.

use std::cell::Cell;

use rustc_hash::{FxHashMap, FxHashSet};
use tollgate_runtime::Value;
use tollgate_runtime::index::Formula;
use tollgate_runtime::schema::{Field, Schema, TypeId};

use super::features::{features, space};
use super::lay::Layer;
use super::lookup::{Condition, Lookup};
use super::monotone::rewritten;
use super::place::Input;
use super::search::{Found, Search, Verdict};
use super::space::Space;
use super::texts::Texts;
use super::witness::{Lab, Observed, Witness};
use crate::cost::Costs;
use crate::entities::{GroupId, RuleSetId};
use crate::module::{Module, Policy};
use crate::predicates::{Predicates, TermId};

/// Steps for one question about one rule.
pub(super) const RULE_STEPS: u64 = 20_000;
/// Steps for a rule set, and more for each rule.
const SET_STEPS: u64 = 4_000_000;
const SET_STEPS_RULE: u64 = 3_000;
/// How deep lists of lists are followed when an input is built.
pub(super) const LISTS: u32 = 3;
/// Inputs that are tried beside those of the search, for a rule set.
const TRIES: u32 = 4_000;

/// A rule set to be looked at.
#[derive(Clone, Copy)]
pub struct Subject<'m> {
    /// The program.
    pub module: &'m Module,
    /// Which rule set of it.
    pub rules: RuleSetId,
    /// What its conditions ask.
    pub predicates: &'m Predicates,
    /// What the functions of the program cost.
    pub costs: &'m Costs,
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
    /// No input satisfies the condition of a group, with those of the groups around it. Nothing is said of its rules.
    GroupContradiction {
        /// The group.
        group: GroupId,
        /// Parts of the conditions that no input satisfies together, as few as were found.
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
    /// Rules above a group take every input that its rules could take. Nothing is said of these.
    GroupShadowed {
        /// The group.
        group: GroupId,
        /// Rules above it that together take them all.
        by: Vec<u32>,
        /// A rule of the group.
        rule: u32,
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
pub(super) struct Analysis<'m> {
    pub(super) subject: Subject<'m>,
    /// What its conditions ask, as they were written: rules and groups.
    pub(super) written: &'m Predicates,
    pub(super) policy: Policy,
    pub(super) space: Space,
    pub(super) lookup: Lookup,
    pub(super) conditions: Vec<Condition<'m>>,
    pub(super) lab: Lab<'m>,
    /// Features by their terms.
    features: FxHashMap<TermId, u32>,
    pub(super) steps: u64,
    /// Inputs that may still be tried beside those of the search.
    pub(super) tries: Cell<u32>,
    /// A rule without a group that holds for every input.
    pub(super) always: Option<u32>,
    /// Groups of which everything is said.
    pub(super) dead: FxHashSet<GroupId>,
    pub(super) found: Vec<Finding>,
}

/// Looks at a rule set. `same` says whether two rules are known to give the same (asked under `any` only).
///
/// Takes time about linear in the rules where they are told apart by values, paths or ranges; elsewhere a budget ends it.
pub fn findings(
    subject: Subject<'_>,
    scope: Scope,
    same: &dyn Fn(u32, u32) -> bool,
) -> Vec<Finding> {
    let written = subject.predicates;
    let rewritten = rewritten(&subject.input(), written);
    let subject = subject.by(rewritten.as_ref());
    let texts = &mut Texts::default();
    let mut analysis = Analysis::new(subject, written, texts);
    let set = &subject.module.rulesets[subject.rules];
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

/// Of the rules from `first` on, under `first`, those that no input gets to: every one that satisfies its condition satisfies that of
/// an earlier rule. `true` is a proof; `false` is none of the contrary.
pub fn never_decide(subject: Subject<'_>, first: u32) -> Vec<bool> {
    let written = subject.predicates;
    let rewritten = rewritten(&subject.input(), written);
    let subject = subject.by(rewritten.as_ref());
    let texts = &mut Texts::default();
    let mut analysis = Analysis::new(subject, written, texts);
    let rules = subject.predicates.rules.len() as u32;
    (first..rules)
        .map(|rule| analysis.never_decides(texts, rule))
        .collect()
}

impl<'m> Subject<'m> {
    /// The same by other predicates, if there are others.
    pub(super) fn by(self, predicates: Option<&'m Predicates>) -> Subject<'m> {
        Subject {
            predicates: predicates.unwrap_or(self.predicates),
            ..self
        }
    }

    pub(super) fn input(&self) -> Input<'m> {
        Input {
            module: self.module,
            schema: self.schema,
            data: self.data,
            params: self.params,
            elements: None,
            terms: &self.predicates.terms,
        }
    }
}

impl<'m> Analysis<'m> {
    fn new(subject: Subject<'m>, written: &'m Predicates, texts: &mut Texts) -> Analysis<'m> {
        let predicates = subject.predicates;
        let input = subject.input();
        let space = space(&input, predicates, texts);
        let conditions: Vec<Condition<'m>> = predicates.rules.iter().map(|f| vec![f]).collect();
        let rules = conditions.len() as u64;
        Analysis {
            policy: subject.module.rulesets[subject.rules].policy,
            lookup: Lookup::new(&space, &conditions),
            lab: Lab::new(input, subject.rules),
            steps: SET_STEPS + SET_STEPS_RULE * rules,
            tries: Cell::new(TRIES),
            always: None,
            dead: FxHashSet::default(),
            found: Vec::new(),
            features: features(&input, predicates),
            space,
            conditions,
            subject,
            written,
        }
    }

    /// Searches within the budget.
    pub(super) fn search<'a>(
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

    /// Builds the input of a search's values and asks the interpreter. What rules that are mentioned ask is written down even
    /// where its simplest value will do.
    pub(super) fn observe(
        &self,
        search: &Search<'_, '_>,
        rules: &[u32],
        mentioned: &[u32],
    ) -> Option<Observed> {
        let mut plain: Vec<u32> = Vec::new();
        for rule in mentioned {
            let formula = &self.subject.predicates.rules[*rule as usize];
            formula.atoms(&mut |atom| plain.push(atom.feature));
        }
        let layer = Layer {
            input: &self.lab.input,
            predicates: self.subject.predicates,
            space: &self.space,
            features: &self.features,
            costs: self.subject.costs,
            current: &|_| None,
            list: &|_| None,
            depth: LISTS,
        };
        self.lab
            .observe(layer.draft(search, &plain, false), rules, None)
    }

    /// The rule that was marked.
    pub(super) fn decider(&self, observed: &Observed) -> Option<u32> {
        let set = &self.subject.module.rulesets[self.subject.rules];
        let site = observed.by.first()?;
        let at = set.rules.iter().position(|r| r.site == *site)?;
        u32::try_from(at).ok()
    }

    /// The conditions of a group and of those around it, the outermost first, with what was written.
    pub(super) fn around(&self, group: Option<GroupId>) -> Vec<GroupId> {
        let groups = &self.subject.module.rulesets[self.subject.rules].groups;
        let mut chain = Vec::new();
        let mut at = group;
        while let Some(id) = at {
            chain.push(id);
            at = groups[id].parent;
        }
        chain.reverse();
        chain
    }
}
