//! What the rules of a set ask, as data: conditions taken apart into formulas over features.
//!
//! A condition is a function with branches, calls and comparisons. Here it becomes a [`Formula`]: atoms, each a test of one
//! *feature*, joined by "all of" and "one of". A feature is a pure expression over the rule set's parameters, kept once however
//! many rules ask about it: `req.host`, `header(req, "x-tier")`. The index of a rule set and the exact analysis read this.
//!
//! ```text
//! condition ──eval──▶ graph of terms ──atoms──▶ graph of choices ──formula──▶ Formula
//! ```
//!
//! - `eval` runs a function on terms instead of words (symbolic evaluation, King 1976);
//! - `terms` keeps every term once (hash-consing, Filliâtre & Conchon 2006);
//! - `atoms` says what a term of a truth value asks, and of which feature;
//! - `graph` joins the answers of branches, shared where branches meet;
//! - `formula` makes trees of that, with the tests of one feature merged.
//!
//! # What holds
//!
//! - A rule's formula, given the words of its features, holds exactly when its groups' conditions and its own do. No feature has a
//!   guard: an operation that its condition guards (`unwrap`, `payload`, `idiv`) answers something on every word, and the
//!   atom of the guard stands in the formula and decides.
//! - An optional and what it holds are one feature, for they are one word. A test of texts or numbers reads an absent word as the empty
//!   text or zero, as [`Test::holds`](tollgate_runtime::index::Test::holds) does.
//! - Nothing is exponential. What would take too many steps or atoms ([`STEPS_MAX`], [`ATOMS_MAX`], [`DEPTH_MAX`]), or has
//!   effects, is one feature that calls the condition's function; all of them together take time linear in the rules.

mod atoms;
mod emit;
mod eval;
mod formula;
mod graph;
mod names;
pub mod solve;
mod terms;

#[cfg(test)]
mod tests;

use rustc_hash::FxHashMap;
use tollgate_runtime::Value;
use tollgate_runtime::index::{Atom, Base, Formula, Test};

use crate::cost::Costs;
use crate::entities::FuncId;
use crate::instructions::Inst;
use crate::module::{Module, RuleSet};
use crate::types::Type;

use self::graph::{Ask, Graph, forget};
pub use self::names::Names;
pub use self::terms::{TermId, Terms};

/// Most instructions that are run for one condition, those of what it calls counted.
pub const STEPS_MAX: usize = 20_000;
/// Most atoms of one rule.
pub const ATOMS_MAX: usize = 2_000;
/// How deep "all of" and "one of" may nest in one rule.
pub const DEPTH_MAX: usize = 64;
/// How deep calls and connectives may nest; what is deeper is a feature.
const CALLS_MAX: u32 = 64;
/// Instructions that are run for a rule set, and how many more for each of its rules.
const STEPS: (usize, usize) = (1_000_000, 400);
/// Instructions of a feature that are not counted exactly.
const SMALL: usize = 32;
/// Atoms of a rule set's formulas, with the elements of their sets and the instructions of features, and how many more for each of its rules.
const ELEMENTS: (usize, usize) = (400_000, 100);

/// What the conditions of a rule set ask.
#[derive(Clone, Debug)]
pub struct Predicates {
    /// The expressions that features are, over the rule set's parameters.
    pub terms: Terms,
    /// What atoms are about, in the order in which the groups' and then the rules' formulas name them.
    pub features: Vec<Feature>,
    /// One a rule, in order: the conditions of its groups, outermost first, and its own.
    pub rules: Vec<Formula>,
    /// One a group, in order: its own condition.
    pub groups: Vec<Formula>,
}

/// Something that atoms are about: one word, whatever tests it.
#[derive(Clone, Debug)]
pub struct Feature {
    /// What it is.
    pub term: TermId,
    /// The type of its word; an optional, where it is one or the other for different tests.
    pub ty: Type,
    /// How it is read.
    pub source: Source,
    /// Steps that reading it takes at worst, by the table of instructions.
    pub cost: u64,
}

/// How a term is read.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Source {
    /// In place, through fields.
    Path {
        /// Where it begins.
        base: Base,
        /// Element numbers, as [`Word::at`](tollgate_runtime::Word::at) takes them.
        steps: Box<[u32]>,
        /// Whether it is the number of the variant found there, an integer.
        tag: bool,
    },
    /// By a function of the rule set's parameters; see [`Predicates::emit`].
    Computed,
}

/// Takes the conditions of a rule set of a verified module apart.
///
/// Linear in the rules, their conditions and what those call. `costs` are the module's.
///
/// ```
/// use tollgate_ir::{cost::Costs, predicates::predicates, text::parse};
/// let text = "func big(int) -> bool {\nblock0(v0: int):\n    v1 = iconst 9\n    v2 = icmp gt, v0, v1\n    return v2\n}
/// func one(int) -> int {\nblock0(v0: int):\n    return v0\n}
/// site site0 = rule sizes big
/// ruleset sizes(int) -> int first {\n    rule big site0 when big then one\n}";
/// let module = parse(text, &[]).unwrap().module;
/// let asked = predicates(&module, &Costs::new(&module), module.rulesets.values().next().unwrap());
/// let params = ["size".into()];
/// let names = asked.names(&module, &params);
/// assert_eq!(names.formula(&asked.rules[0]).to_string(), "size >= 10");
/// ```
pub fn predicates(module: &Module, costs: &Costs, rules: &RuleSet) -> Predicates {
    taken_apart(module, costs, rules, false)
}

/// As [`predicates`], of conditions that may ask states: the formula of such a rule says when its condition comes as far as asking,
/// or holds without. Where the formula does not hold, neither does the condition, and it asks nothing.
pub fn prefixes(module: &Module, costs: &Costs, rules: &RuleSet) -> Predicates {
    taken_apart(module, costs, rules, true)
}

fn taken_apart(module: &Module, costs: &Costs, rules: &RuleSet, prefixes: bool) -> Predicates {
    let mut builder = Builder::new(module, costs, &rules.params, rules.rules.len());
    builder.prefixes = prefixes;
    // What each group asks with the groups around it, and alone.
    let mut asked: Vec<Ask> = Vec::with_capacity(rules.groups.len());
    let mut groups: Vec<Formula> = Vec::with_capacity(rules.groups.len());
    let members = members(rules);
    for (id, group) in rules.groups.iter() {
        let (own, formula) = builder.group(group.cond, members[id.0 as usize]);
        let around = group.parent.map_or(Ask::ALWAYS, |g| asked[g.0 as usize]);
        asked.push(builder.graph.and(around, own));
        groups.push(formula);
    }
    let mut formulas = Vec::with_capacity(rules.rules.len());
    for rule in &rules.rules {
        let group = rule.group.map_or(Ask::ALWAYS, |g| asked[g.0 as usize]);
        let formula = builder.rule(group, rule.cond).unwrap_or_else(|GiveUp| {
            // The groups' conditions whole; the rule's own too, if it is what is too large.
            let params = builder.terms.params().to_vec();
            let mut all = Vec::new();
            let mut around = rule.group;
            while let Some(id) = around {
                all.push(builder.whole(rules.groups[id].cond, &params));
                around = rules.groups[id].parent;
            }
            all.reverse();
            if let Some(cond) = rule.cond {
                let own = match all.is_empty() {
                    true => Err(GiveUp),
                    false => builder.rule(Ask::ALWAYS, rule.cond),
                };
                let asks = prefixes && costs.asks().func(cond) > 0;
                let whole = |builder: &mut Builder<'_>| match asks {
                    // Asked as a whole, it would ask too early.
                    true => Formula::ALWAYS,
                    false => builder.whole(cond, &params),
                };
                match own.unwrap_or_else(|GiveUp| whole(&mut builder)) {
                    Formula::All(own) if !own.is_empty() => all.extend(own),
                    own => all.push(own),
                }
            }
            match all.len() {
                1 => all.swap_remove(0),
                _ => Formula::All(all),
            }
        });
        formulas.push(formula);
    }
    Predicates {
        terms: builder.terms,
        features: builder.features,
        rules: formulas,
        groups,
    }
}

/// What a function is given.
#[derive(Clone, Debug)]
pub(crate) enum Argument {
    /// A parameter, by number.
    Param(u32),
    /// A constant.
    Constant(Type, Value),
}

/// Takes functions to truth values apart that share parameters, as [`predicates`] does with conditions: one formula each.
pub(crate) fn of_functions(
    module: &Module,
    costs: &Costs,
    params: &[Type],
    functions: &[(FuncId, Vec<Argument>)],
) -> Predicates {
    let mut builder = Builder::new(module, costs, params, functions.len());
    let mut rules = Vec::with_capacity(functions.len());
    for (func, args) in functions {
        builder.begin();
        let term = |arg: &Argument| match arg {
            Argument::Param(n) => builder.terms.params()[*n as usize],
            Argument::Constant(ty, value) => builder.terms.constant(module, *ty, value.clone()),
        };
        let args: Vec<TermId> = args.iter().map(term).collect();
        let asked = builder.run(*func, &args);
        let formula = asked.and_then(|asked| builder.formula(asked));
        rules.push(formula.unwrap_or_else(|GiveUp| builder.whole(*func, &args)));
    }
    Predicates {
        terms: builder.terms,
        features: builder.features,
        rules,
        groups: Vec::new(),
    }
}

/// How many rules stand in each group and the groups inside it.
fn members(rules: &RuleSet) -> Vec<usize> {
    let mut members = vec![0; rules.groups.len()];
    for rule in &rules.rules {
        if let Some(group) = rule.group {
            members[group.0 as usize] += 1;
        }
    }
    // A group's parent stands before it.
    for (id, group) in rules.groups.iter().rev() {
        if let Some(parent) = group.parent {
            members[parent.0 as usize] += members[id.0 as usize];
        }
    }
    members
}

impl Predicates {
    /// Names of terms and formulas for people. The rule set's parameters are called so; those without a name by number.
    pub fn names<'p>(&'p self, module: &'p Module, params: &'p [Box<str>]) -> Names<'p> {
        Names::new(self, module, params)
    }
}

/// The condition is not taken apart: too large, or with effects.
#[derive(Clone, Copy, Debug)]
struct GiveUp;

/// A test of a term.
#[derive(Debug)]
struct Literal {
    subject: TermId,
    test: Test,
    ask: Ask,
}

/// The work in progress for a rule set.
struct Builder<'m> {
    module: &'m Module,
    costs: &'m Costs,
    terms: Terms,
    graph: Graph,
    literals: Vec<Literal>,
    /// Those of the condition by hash, as terms are found.
    literal_at: FxHashMap<u64, u32>,
    features: Vec<Feature>,
    /// The feature of a term, by the term's number; `u32::MAX` for none yet.
    feature_of: Vec<u32>,
    /// What terms of a truth value ask, by number, as far as it is known.
    asked: Vec<Ask>,
    /// What calls were replaced by.
    inlined: FxHashMap<TermId, TermId>,
    /// Stacks of the functions that are being run: words of values, answers of blocks, blocks, answers of branches.
    env: Vec<TermId>,
    answers: Vec<Ask>,
    frames: Vec<eval::Frame>,
    results: Vec<Ask>,
    /// What holds where the formula is being made: parts of the conjunctions around it, opposites of the alternatives before it.
    known: Vec<Ask>,
    /// How deep calls and connectives nest just now.
    calls: u32,
    /// Instructions left for the condition, and for the rule set.
    steps: usize,
    pool: usize,
    /// Atoms left for the formula.
    atoms: usize,
    /// Atoms that may still be made, with the elements of their sets and the instructions of their features.
    copied: usize,
    /// Whether a condition that asks is taken to hold where it asks.
    prefixes: bool,
}

impl<'m> Builder<'m> {
    fn new(module: &'m Module, costs: &'m Costs, params: &[Type], rules: usize) -> Builder<'m> {
        let pool = |(some, more): (usize, usize)| some.saturating_add(rules.saturating_mul(more));
        Builder {
            module,
            costs,
            terms: Terms::new(module, params),
            graph: Graph::new(),
            literals: Vec::new(),
            literal_at: FxHashMap::default(),
            features: Vec::new(),
            feature_of: Vec::new(),
            asked: Vec::new(),
            inlined: FxHashMap::default(),
            env: Vec::new(),
            answers: Vec::new(),
            frames: Vec::new(),
            results: Vec::new(),
            known: Vec::new(),
            calls: 0,
            steps: 0,
            pool: pool(STEPS),
            atoms: 0,
            copied: pool(ELEMENTS),
            prefixes: false,
        }
    }

    /// What a group's condition asks of the rules in it, and its formula.
    fn group(&mut self, cond: FuncId, members: usize) -> (Ask, Formula) {
        let taken = self.condition(cond).and_then(|asked| {
            let formula = self.formula(asked)?;
            Ok((asked, formula))
        });
        let params = self.terms.params().to_vec();
        let call = self.call_whole(cond, &params);
        match taken {
            Ok((asked, formula)) => {
                // Each of its rules copies it.
                let mut atoms: usize = 0;
                formula.atoms(&mut |_| atoms += 1);
                let copies = atoms.saturating_mul(members);
                let most = (ELEMENTS.0 / 2).saturating_add(members.saturating_mul(ELEMENTS.1 / 2));
                match copies > most {
                    true => (self.opaque(call), formula),
                    false => (asked, formula),
                }
            }
            Err(GiveUp) => (self.opaque(call), self.whole(cond, &params)),
        }
    }

    fn rule(&mut self, group: Ask, cond: Option<FuncId>) -> Result<Formula, GiveUp> {
        let own = match cond {
            Some(cond) => self.condition(cond)?,
            None => Ask::ALWAYS,
        };
        let asked = self.graph.and(group, own);
        self.formula(asked)
    }

    /// What a condition asks.
    fn condition(&mut self, cond: FuncId) -> Result<Ask, GiveUp> {
        self.begin();
        let params = self.terms.params().to_vec();
        self.run(cond, &params)
    }

    /// Begins with another condition.
    fn begin(&mut self) {
        self.env.clear();
        self.answers.clear();
        self.frames.clear();
        self.results.clear();
        self.graph.forget();
        forget(&mut self.literal_at);
        (self.calls, self.steps) = (0, STEPS_MAX);
    }

    /// The atom that a whole condition holds.
    fn whole(&mut self, cond: FuncId, args: &[TermId]) -> Formula {
        let call = self.call_whole(cond, args);
        Formula::Atom(Atom {
            feature: self.feature(call),
            want: true,
            test: Test::True,
        })
    }

    fn call_whole(&mut self, cond: FuncId, args: &[TermId]) -> TermId {
        let args = args.into();
        let call = Inst::Call { func: cond, args };
        self.terms.make(self.module, call, Type::BOOL)
    }

    /// How many instructions a new feature adds to the module.
    fn written(&self, term: TermId) -> usize {
        let known = self.feature_of.get(term.0 as usize);
        let new = known.is_none_or(|feature| *feature == u32::MAX);
        let size = self.terms.size(term);
        if !new || self.terms.source(term) != Source::Computed {
            return 0;
        }
        if size <= SMALL {
            return size;
        }
        let mut size = 0;
        self.terms.walk(term, |_, _| size += 1);
        size
    }

    /// The feature of a term, a new one if need be.
    fn feature(&mut self, term: TermId) -> u32 {
        let at = term.0 as usize;
        if self.feature_of.len() <= at {
            self.feature_of.resize(self.terms.len(), u32::MAX);
        }
        if self.feature_of[at] == u32::MAX {
            self.feature_of[at] = self.features.len() as u32;
            let source = self.terms.source(term);
            self.features.push(Feature {
                term,
                ty: self.terms.ty(term),
                cost: self.cost(term, &source),
                source,
            });
        }
        self.feature_of[at]
    }

    fn cost(&self, term: TermId, source: &Source) -> u64 {
        if let Source::Path { steps, tag, .. } = source {
            return 1 + steps.len() as u64 + u64::from(*tag);
        }
        let mut cost: u64 = 0;
        self.terms.walk(term, |_, inst| {
            cost = cost.saturating_add(self.costs.inst(self.module, inst));
        });
        cost
    }

    /// Counts work.
    fn spend(&mut self, steps: usize) -> Result<(), GiveUp> {
        self.steps = self.steps.checked_sub(steps).ok_or(GiveUp)?;
        self.pool = self.pool.checked_sub(steps).ok_or(GiveUp)?;
        Ok(())
    }
}
