//! Counting, while the interpreter decides.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tollgate_backend_api::Executable;
use tollgate_frontend::hir::{self, RuleSetId};
use tollgate_frontend::lower::{Answered, Joined, Lowered, Part, RuleParts, TestFn, lower_parts};
use tollgate_grammar::source::{FileId, SourceMap, Span};
use tollgate_ir::entities::{self as ir, Entity, FuncId};
use tollgate_ir::interp::{Interp, Watch};
use tollgate_ir::module::{Module, Target};
use tollgate_optimizer::Aim;
use tollgate_runtime::{Arena, Cx, Mark, States, Word};

use super::edges::Edges;
use super::prover::Prover;
use super::{ConditionCovered, Coverage, Covered, FileCovered, IndexCovered, RuleCovered};
use crate::error::Error;
use crate::explain::{Explainer, Place, one_line};

/// What was counted, for every rule set of a program.
pub(super) struct Ledger {
    sets: Mutex<Vec<SetLedger>>,
    edges: Edges,
}

/// Watches an interpreter of one module and writes into a ledger, which may have other modules of the program to count of.
pub(super) struct Watching {
    ledger: Arc<Ledger>,
    /// By the module's rule sets: which of the program each is.
    sets: Vec<Option<RuleSetId>>,
    /// By the module's sites: the rule, by number, or `otherwise`.
    rules: Vec<Option<usize>>,
}

/// What was counted in one rule set.
struct SetLedger {
    /// Functions of the rule set's parameters, for the parts of conditions.
    asker: Asker,
    rules: Vec<RuleLedger>,
    groups: Vec<Spine>,
    otherwise: u64,
    /// A rule whose parts said something else than the whole.
    disagrees: Option<usize>,
}

#[derive(Default)]
struct RuleLedger {
    tried: u64,
    decided: u64,
    /// Its groups, the outermost first.
    groups: Vec<usize>,
    spine: Spine,
}

/// A condition, operand by operand.
#[derive(Default)]
pub(super) struct Spine {
    pub(super) operands: Vec<Operand>,
    leaves: Vec<Leaf>,
    /// How often it was asked, and how often it held.
    asked: u64,
    held: u64,
    /// Of a group: what came of it in the decision that goes on.
    now: Option<bool>,
}

/// What stands between the `and`s of a spine.
pub(super) struct Operand {
    answered: Vec<Answered>,
    pub(super) tree: Tree,
}

/// How the leaves of an operand are joined.
pub(super) enum Tree {
    Leaf(usize),
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
}

/// A part that is counted.
struct Leaf {
    span: Span,
    holds: TestFn,
    fails: bool,
    skips: bool,
    denies: bool,
    yes: u64,
    no: u64,
    skipped: u64,
    denied: u64,
}

struct Asker(Interp<Box<Module>>);

/// What states answered in the decision that goes on: a part that asks one has been asked as part of the whole, and asking again would
/// change it.
struct Answers<'a>(&'a dyn States);

/// What the parts of a condition are asked with.
struct Asked<'d, 'a> {
    cx: &'d Cx<'a>,
    args: &'d [Word<'a>],
}

impl Ledger {
    /// Nothing counted. Linear in the conditions of the program.
    ///
    /// # Errors
    /// When rule sets cannot be indexed for want of resources.
    pub(super) fn new(of: &Explainer, aim: Aim) -> Result<Ledger, Error> {
        let sets = of.program.rulesets.keys();
        let sets = sets.map(|id| SetLedger::new(&of.program, id));
        Ok(Ledger {
            sets: Mutex::new(sets.collect()),
            edges: Edges::new(of, aim)?,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SetLedger>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn coverage(&self, of: &Explainer) -> Result<Coverage, Error> {
        type Found = (Vec<(Span, RuleCovered)>, Vec<IndexCovered>);
        let mut files: BTreeMap<FileId, Found> = BTreeMap::new();
        let sets = self.lock();
        let mut prover = Prover::new(of);
        for ((id, set), counted) in of.program.rulesets.iter().zip(&*sets) {
            if let Some(rule) = counted.disagrees {
                return Err(Error::other(format!(
                    "the parts of the condition of `{}` say something else than the whole; this is a bug in tollgate",
                    set.rules[rule].name
                )));
            }
            let library = tollgate_stdlib::library().modules.iter();
            if !library.map(|m| m.name).any(|name| name == &*set.module) {
                let (rules, indexes) = files.entry(set.span.file).or_default();
                let from = rules.len();
                counted.covered(set, &of.sources, rules);
                // Rules come first, in their order.
                for (number, (_, covered)) in rules[from..].iter_mut().enumerate() {
                    if let Some(rule) = counted.rules.get(number) {
                        prover.rule((id, number), &rule.spine, covered);
                    }
                }
                let place = Place::of(set.span, &of.sources);
                indexes.extend(self.edges.covered(id, set, place));
            }
        }
        let file = |(id, (mut rules, indexes)): (FileId, Found)| {
            rules.sort_by_key(|(span, _)| span.start);
            let file = of.sources.file(id);
            FileCovered {
                // A module beside `a.rules` is found as `./b.rules`, and called as `a.rules` is.
                name: file.name().trim_start_matches("./").to_owned(),
                rules: rules.into_iter().map(|(_, rule)| rule).collect(),
                indexes,
                text: file.text().clone(),
            }
        };
        Ok(Coverage {
            files: files.into_iter().map(file).collect(),
        })
    }
}

impl Watching {
    pub(super) fn new(ledger: &Arc<Ledger>, lowered: &Lowered) -> Watching {
        let module = &lowered.module;
        let mut sets: Vec<Option<RuleSetId>> = vec![None; module.rulesets.len()];
        let known = ledger.lock().len();
        for id in (0..known).map(RuleSetId::new) {
            if let Some(own) = lowered.ruleset(id) {
                sets[own.index()] = Some(id);
            }
        }
        let mut rules = vec![None; module.sites.len()];
        for set in module.rulesets.values() {
            for (number, rule) in set.rules.iter().enumerate() {
                rules[rule.site.index()] = Some(number);
            }
        }
        Watching {
            ledger: ledger.clone(),
            sets,
            rules,
        }
    }

    /// Works on what is counted of a rule set.
    fn with(&self, id: ir::RuleSetId, work: impl FnOnce(&mut SetLedger)) {
        if let Some(set) = self.sets[id.index()] {
            work(&mut self.ledger.lock()[set.index()]);
        }
    }
}

impl Watch for Watching {
    fn begins(&self, id: ir::RuleSetId, cx: &Cx<'_>, args: &[Word<'_>]) {
        if let Some(set) = self.sets[id.index()] {
            self.ledger.edges.search(set, cx, args);
        }
        self.with(id, |set| {
            set.groups.iter_mut().for_each(|group| group.now = None);
        });
    }

    fn tried(&self, id: ir::RuleSetId, rule: usize, matched: bool, cx: &Cx<'_>, args: &[Word<'_>]) {
        self.with(id, |set| {
            if set.tried(rule, &Asked { cx, args }) != matched {
                set.disagrees = Some(rule);
            }
        });
    }

    fn ends(&self, id: ir::RuleSetId, marks: &[Mark]) {
        self.with(id, |set| {
            for mark in marks {
                match self.rules[mark.0 as usize] {
                    Some(rule) => set.rules[rule].decided += 1,
                    None => set.otherwise += 1,
                }
            }
        });
    }
}

impl SetLedger {
    fn new(program: &hir::Program, id: RuleSetId) -> SetLedger {
        let set = &program.rulesets[id];
        let all: Vec<usize> = (0..set.rules.len()).collect();
        let (lowered, parts) = lower_parts(program, id, &all);
        let mut groups: Vec<Spine> = set.groups.keys().map(|_| Spine::default()).collect();
        // The operands of a group come with each of its rules; those of the first are kept.
        let mut first: Vec<Option<usize>> = vec![None; groups.len()];
        let mut rules = Vec::with_capacity(parts.len());
        for RuleParts { rule, spine } in parts {
            let mut ledger = RuleLedger::default();
            let mut at = set.rules[rule].group;
            while let Some(group) = at {
                ledger.groups.push(group.index());
                at = set.groups[group].parent;
            }
            ledger.groups.reverse();
            for (group, part) in spine {
                match group {
                    None => ledger.spine.add(part),
                    Some(group) => {
                        if *first[group.index()].get_or_insert(rule) == rule {
                            groups[group.index()].add(part);
                        }
                    }
                }
            }
            rules.push(ledger);
        }
        SetLedger {
            asker: Asker(Interp::new(Box::new(lowered.module))),
            rules,
            groups,
            otherwise: 0,
            disagrees: None,
        }
    }

    /// Asks and counts the parts of a rule whose turn has come; whether it matches by them.
    fn tried(&mut self, number: usize, with: &Asked<'_, '_>) -> bool {
        let rule = &mut self.rules[number];
        rule.tried += 1;
        for group in &rule.groups {
            let group = &mut self.groups[*group];
            let held = match group.now {
                Some(held) => held,
                None => group.ask(&self.asker, with),
            };
            group.now = Some(held);
            if !held {
                return false;
            }
        }
        rule.spine.ask(&self.asker, with)
    }

    fn covered(
        &self,
        set: &hir::RuleSet,
        sources: &SourceMap,
        found: &mut Vec<(Span, RuleCovered)>,
    ) {
        let rule = |kind, name: &str, span: Span| RuleCovered {
            kind,
            ruleset: set.name.to_string(),
            name: name.to_owned(),
            place: Place::of(span, sources),
            tried: 0,
            matched: 0,
            decided: 0,
            can_match: true,
            conditions: Vec::new(),
            outcomes: Vec::new(),
        };
        for (of, counted) in set.rules.iter().zip(&self.rules) {
            let outcomes = of.outcomes.iter();
            let covered = RuleCovered {
                tried: counted.tried,
                matched: counted.spine.held,
                decided: counted.decided,
                conditions: counted.spine.covered(counted.tried, sources),
                outcomes: outcomes.map(|o| Place::of(o.span, sources)).collect(),
                ..rule(Covered::Rule, &of.name, of.span)
            };
            found.push((of.span, covered));
        }
        for (of, counted) in set.groups.values().zip(&self.groups) {
            // `active` of a rule set is a group without a place of its own in the list of rules.
            let covered = RuleCovered {
                tried: counted.asked,
                matched: counted.held,
                conditions: counted.covered(counted.asked, sources),
                ..rule(Covered::Group, "group", of.span)
            };
            if !covered.conditions.is_empty() {
                found.push((of.span, covered));
            }
        }
        if let Some(span) = set.written.otherwise {
            let covered = RuleCovered {
                tried: self.otherwise,
                matched: self.otherwise,
                decided: self.otherwise,
                ..rule(Covered::Otherwise, "otherwise", span)
            };
            found.push((span, covered));
        }
    }
}

impl Spine {
    fn add(&mut self, part: Part) {
        let answered = part.answered.clone();
        let leaves = &mut self.leaves;
        let tree = match answered.is_empty() {
            true => tree(part, leaves),
            // Absence is answered for all of it.
            false => leaf(&part, leaves),
        };
        self.operands.push(Operand { answered, tree });
    }

    /// Whether it holds; every part that is reached is counted.
    fn ask(&mut self, asker: &Asker, with: &Asked<'_, '_>) -> bool {
        self.asked += 1;
        for operand in &self.operands {
            let mut answered = operand.answered.iter();
            if let Some(absent) = answered.find(|a| !asker.holds(a.present, with)) {
                if let Tree::Leaf(leaf) = operand.tree {
                    let leaf = &mut self.leaves[leaf];
                    match absent.denies {
                        true => leaf.denied += 1,
                        false => leaf.skipped += 1,
                    }
                }
                self.held += u64::from(absent.denies);
                return absent.denies;
            }
            if !operand.tree.ask(&mut self.leaves, asker, with) {
                return false;
            }
        }
        self.held += 1;
        true
    }

    fn covered(&self, tried: u64, sources: &SourceMap) -> Vec<ConditionCovered> {
        let leaf = |leaf: &Leaf| ConditionCovered {
            text: one_line(sources.slice(leaf.span)),
            place: Place::of(leaf.span, sources),
            yes: leaf.yes,
            no: leaf.no,
            skipped: leaf.skipped,
            denied: leaf.denied,
            not_reached: tried - (leaf.yes + leaf.no + leaf.skipped + leaf.denied),
            holds: true,
            fails: leaf.fails,
            skips: leaf.skips,
            denies: leaf.denies,
        };
        self.leaves.iter().map(leaf).collect()
    }
}

fn tree(part: Part, leaves: &mut Vec<Leaf>) -> Tree {
    match part.joined {
        Joined::One => leaf(&part, leaves),
        Joined::All(parts) => Tree::All(parts.into_iter().map(|p| tree(p, leaves)).collect()),
        Joined::Any(parts) => Tree::Any(parts.into_iter().map(|p| tree(p, leaves)).collect()),
        Joined::Not(part) => Tree::Not(Box::new(tree(*part, leaves))),
    }
}

fn leaf(part: &Part, leaves: &mut Vec<Leaf>) -> Tree {
    leaves.push(Leaf {
        span: part.span,
        holds: part.holds,
        fails: !part.only_binds,
        skips: part.answered.iter().any(|a| !a.denies),
        denies: part.answered.iter().any(|a| a.denies),
        yes: 0,
        no: 0,
        skipped: 0,
        denied: 0,
    });
    Tree::Leaf(leaves.len() - 1)
}

impl Tree {
    /// Whether it holds; every leaf that is reached is counted. As deep as conditions nest, which the parser bounds.
    fn ask(&self, leaves: &mut [Leaf], asker: &Asker, with: &Asked<'_, '_>) -> bool {
        match self {
            Tree::Leaf(leaf) => {
                let leaf = &mut leaves[*leaf];
                let holds = asker.holds(leaf.holds, with);
                match holds {
                    true => leaf.yes += 1,
                    false => leaf.no += 1,
                }
                holds
            }
            Tree::All(parts) => parts.iter().all(|part| part.ask(leaves, asker, with)),
            Tree::Any(parts) => parts.iter().any(|part| part.ask(leaves, asker, with)),
            Tree::Not(part) => !part.ask(leaves, asker, with),
        }
    }
}

impl Asker {
    fn holds(&self, func: TestFn, with: &Asked<'_, '_>) -> bool {
        let arena = Arena::new();
        let mut cx = Cx::new(&arena, with.cx.id, with.cx.time);
        cx.data = with.cx.data;
        let answers = with.cx.states.map(Answers);
        cx.states = answers.as_ref().map(|answers| answers as _);
        let target = self.0.module().entries[func.0 as usize].target;
        self.0.run(target, &mut cx, with.args).bool()
    }
}

impl States for Answers<'_> {
    fn ask<'a>(&self, place: u32, _: &[Word<'a>], cx: &Cx<'a>) -> Word<'a> {
        self.0.answer(place, cx)
    }

    fn answer<'a>(&self, place: u32, cx: &Cx<'a>) -> Word<'a> {
        self.0.answer(place, cx)
    }
}

/// A watched interpreter of a program before it was optimised, in the place of an engine.
pub(super) struct Watched(pub(super) Interp<Arc<Module>, Watching>);

impl Executable for Watched {
    fn run<'a>(&'a self, func: FuncId, cx: &mut Cx<'a>, args: &[Word<'a>]) -> &'a Word<'a> {
        let word = self.0.run(Target::Func(func), cx, args);
        cx.arena.word(word)
    }

    fn listing(&self) -> String {
        tollgate_ir::text::print_module(self.0.module())
    }

    fn memory(&self) -> usize {
        self.0.bytes()
    }

    fn counts_steps(&self) -> bool {
        true
    }
}
