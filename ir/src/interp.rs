//! The reference interpreter: slow, obvious, and the oracle that every engine is held to.
//!
//! It walks functions as they stand, and decides rule sets by the definition of their hit policy, without lowering them:
//!
//! | policy | decides | names |
//! |---|---|---|
//! | first, unique, any | the first rule, in source order, whose groups and condition hold | that rule |
//! | all | the outcomes of every such rule, in order, as a list | every one |
//! | sum | zero and the outcomes of every such rule, added in order | every one |
//! | best | the outcome of such a rule whose key is greatest, of equals the first | that rule |
//!
//! When no rule matches, `otherwise` decides and is named. Where there is none (the checker has proved that a rule always matches) the last
//! rule decides, so that every decision has a value.
//! The condition of a group is evaluated when the first rule of the group is tried, once, and only if the groups around it hold.
//! Conditions, outcomes and keys are called quietly: what they mark is forgotten.
//! Where rules were made ready to be searched, it searches as every engine does (`tollgate_runtime::index`); the oracle of that
//! is this interpreter on the module before.
//!
//! Calls nest no deeper than the verifier allows ([`CALL_DEPTH_MAX`](crate::verify::CALL_DEPTH_MAX)), which bounds this interpreter's stack.

use std::ops::Deref;
use std::sync::OnceLock;

use tollgate_runtime::index::{Base, Engine, Facts};
use tollgate_runtime::{Arena, Cx, Frozen, Mark, Word};

use crate::cost::{RULE, TERMINATOR};
use crate::entities::{ConstId, FuncId, GroupId, IndexId, IndexVec, RuleSetId, SiteId, Val};
use crate::instructions::Inst;
use crate::module::{Func, Jump, Module, Policy, Rule, RuleSet, Target, Terminator};
use crate::rule_index::RuleIndex;
use crate::semantics::{self, eval};
use crate::types::Type;

/// Told what an interpreter does while it decides. It hears of every decision by a rule set that is whole, also of those that
/// conditions and outcomes ask for; a decision within another begins and ends before that one ends.
pub trait Watch {
    /// A rule set is asked, with these arguments.
    fn begins(&self, rules: RuleSetId, cx: &Cx<'_>, args: &[Word<'_>]);
    /// The turn of a rule has come, and its groups and its condition held or not. `cx` and `args` are what they were asked with.
    fn tried(&self, rules: RuleSetId, rule: usize, matched: bool, cx: &Cx<'_>, args: &[Word<'_>]);
    /// The rule set has decided; the marks are those of the rules that did.
    fn ends(&self, rules: RuleSetId, marks: &[Mark]);
    /// A search looks at a node, as [`Index::number`](tollgate_runtime::index::Index::number) takes it.
    fn comes_to(&self, _index: IndexId, _place: u32) {}
    /// An instruction of a function was evaluated: with these words as its operands, to this one.
    fn gave(&self, _inst: &Inst, _operands: &[Word<'_>], _word: Word<'_>) {}
}

/// Nobody watches.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn begins(&self, _: RuleSetId, _: &Cx<'_>, _: &[Word<'_>]) {}
    fn tried(&self, _: RuleSetId, _: usize, _: bool, _: &Cx<'_>, _: &[Word<'_>]) {}
    fn ends(&self, _: RuleSetId, _: &[Mark]) {}
}

/// Interprets a verified module.
///
/// ```
/// # use tollgate_ir::{interp::Interp, module::Target, text::parse, verify::verify};
/// # use tollgate_runtime::{Arena, Cx, Word};
/// let text = "func double(int) -> int {\nblock0(v0: int):\n    v1 = iadd v0, v0\n    return v1\n}";
/// let module = parse(text, &[]).unwrap().module;
/// verify(&module).unwrap();
/// let (interp, arena) = (Interp::new(&module), Arena::new());
/// let mut cx = Cx::new(&arena, "id", 0);
/// let double = module.funcs.keys().next().unwrap();
/// assert_eq!(interp.run(Target::Func(double), &mut cx, &[Word::Int(21)]), Word::Int(42));
/// assert_eq!(cx.steps, 2);
/// ```
#[derive(Debug)]
pub struct Interp<M, W = Unwatched> {
    /// A module, however it is held.
    module: M,
    watch: W,
    /// Laid out when first asked for.
    consts: IndexVec<ConstId, OnceLock<Frozen>>,
}

impl<M: Deref<Target = Module>> Interp<M> {
    /// An interpreter of a module that [`verify`](crate::verify::verify) accepts.
    pub fn new(module: M) -> Interp<M> {
        Interp::watched(module, Unwatched)
    }
}

impl<M: Deref<Target = Module>, W: Watch> Interp<M, W> {
    /// As [`Interp::new`], and `watch` is told what happens.
    pub fn watched(module: M, watch: W) -> Interp<M, W> {
        let consts = module.consts.keys().map(|_| OnceLock::new()).collect();
        Interp {
            module,
            watch,
            consts,
        }
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Who is told what happens.
    pub fn watch(&self) -> &W {
        &self.watch
    }

    /// Bytes of memory of the constants laid out so far; not of the module.
    pub fn bytes(&self) -> usize {
        let made = self.consts.values().filter_map(OnceLock::get);
        made.map(Frozen::bytes).sum()
    }

    /// Calls a function or decides by a rule set, with one word a parameter, of the declared types.
    ///
    /// The rules that decide are appended to `cx.marks`; steps are added to `cx.steps`.
    pub fn run<'a>(&'a self, target: Target, cx: &mut Cx<'a>, args: &[Word<'a>]) -> Word<'a> {
        match target {
            Target::Func(func) => self.call(func, cx, args),
            Target::Rules(rules) => self.decide(rules, cx, args),
        }
    }

    fn call<'a>(&'a self, id: FuncId, cx: &mut Cx<'a>, args: &[Word<'a>]) -> Word<'a> {
        let func = &self.module.funcs[id];
        let mut words: IndexVec<Val, Word<'a>> = func.vals.keys().map(|_| Word::None).collect();
        let mut block = Func::ENTRY;
        pass(
            func,
            &mut words,
            &Jump {
                block,
                args: vec![],
            },
            args,
        );
        loop {
            for inst in &func.blocks[block].insts {
                let data = &func.insts[*inst];
                let mut operands = Vec::new();
                data.inst.vals(|v| operands.push(words[v]));
                let word = self.inst(func, &data.inst, cx, &operands);
                self.watch.gave(&data.inst, &operands, word);
                if let Some(result) = data.result {
                    words[result] = word;
                }
            }
            cx.steps += TERMINATOR;
            let to = match &func.blocks[block].term {
                Terminator::Return(val) => return words[*val],
                Terminator::Jump(to) => to,
                Terminator::Br(cond, yes, no) => {
                    if words[*cond].bool() {
                        yes
                    } else {
                        no
                    }
                }
                Terminator::Switch(on, cases, default) => {
                    let on = words[*on].int();
                    let case = cases.iter().find(|(value, _)| *value == on);
                    case.map_or(default, |(_, to)| to)
                }
            };
            let args: Vec<Word<'a>> = to.args.iter().map(|v| words[*v]).collect();
            pass(func, &mut words, to, &args);
            block = to.block;
        }
    }

    /// The word of one instruction, given those of its operands.
    pub(crate) fn inst<'a>(
        &'a self,
        func: &Func,
        inst: &Inst,
        cx: &mut Cx<'a>,
        operands: &[Word<'a>],
    ) -> Word<'a> {
        cx.steps += inst.opcode().cost();
        match inst {
            Inst::Konst { value } => self.constant(*value),
            Inst::Native { native, .. } => {
                cx.steps += u64::from(self.module.natives[*native].cost);
                eval(&self.module, func, inst, operands, cx)
            }
            Inst::Any { func, .. } => {
                let (sequence, captured) = (operands[0], &operands[1..]);
                let holds = |element: &Word<'a>| {
                    let args = [&[*element], captured].concat();
                    self.quiet(*func, cx, &args).bool()
                };
                Word::Bool(sequence.seq().iter().any(holds))
            }
            Inst::Fold { func, .. } => {
                let (sequence, init, captured) = (operands[0], operands[1], &operands[2..]);
                sequence.seq().iter().fold(init, |accumulator, element| {
                    let args = [&[accumulator, *element], captured].concat();
                    self.quiet(*func, cx, &args)
                })
            }
            Inst::Call { func, .. } => self.quiet(*func, cx, operands),
            Inst::CallMarked { func, .. } => self.call(*func, cx, operands),
            Inst::Decide { rules, .. } => {
                let marks = cx.marks.len();
                let word = self.decide(*rules, cx, operands);
                cx.marks.truncate(marks);
                word
            }
            Inst::DecideMarked { rules, .. } => self.decide(*rules, cx, operands),
            Inst::Search { index, .. } => {
                let marks = cx.marks.len();
                let word = self.search(*index, cx, operands);
                cx.marks.truncate(marks);
                word
            }
            Inst::SearchMarked { index, .. } => self.search(*index, cx, operands),
            Inst::Mark { site } => {
                mark(cx, *site);
                Word::None
            }
            _ => eval(&self.module, func, inst, operands, cx),
        }
    }

    fn constant<'a>(&'a self, id: ConstId) -> Word<'a> {
        let constant = &self.module.consts[id].value;
        self.consts[id].get_or_init(|| constant.into()).word()
    }

    /// Decides by an index, given the arguments of its rule set. Marks and steps are as [`Interp::run`] has them.
    pub fn search<'a>(&'a self, id: IndexId, cx: &mut Cx<'a>, args: &[Word<'a>]) -> Word<'a> {
        let index = &self.module.indexes[id];
        *index.decider.decide(&mut Searching {
            interp: self,
            id,
            index,
            args,
            cx,
        })
    }

    /// Calls a function and forgets its marks.
    fn quiet<'a>(&'a self, func: FuncId, cx: &mut Cx<'a>, args: &[Word<'a>]) -> Word<'a> {
        let marks = cx.marks.len();
        let word = self.call(func, cx, args);
        cx.marks.truncate(marks);
        word
    }

    fn decide<'a>(&'a self, id: RuleSetId, cx: &mut Cx<'a>, args: &[Word<'a>]) -> Word<'a> {
        let rules = &self.module.rulesets[id];
        let (marks, watch) = (cx.marks.len(), &self.watch);
        watch.begins(id, cx, args);
        let mut decision = Decision {
            interp: self,
            id,
            rules,
            args,
            groups: rules.groups.keys().map(|_| None).collect(),
            cx,
        };
        let word = match rules.policy {
            Policy::First | Policy::Unique | Policy::Any => decision.first(),
            Policy::All => decision.all(),
            Policy::Best => decision.best(),
            Policy::Sum => decision.sum(),
        };
        watch.ends(id, &cx.marks[marks..]);
        word
    }
}

/// Gives a block its arguments.
fn pass<'a>(func: &Func, words: &mut IndexVec<Val, Word<'a>>, to: &Jump, args: &[Word<'a>]) {
    for (param, word) in func.blocks[to.block].params.iter().zip(args) {
        words[*param] = *word;
    }
}

fn mark(cx: &mut Cx<'_>, site: SiteId) {
    cx.marks.push(Mark(site.0));
}

/// One decision by an index.
struct Searching<'d, 'a, M, W> {
    interp: &'a Interp<M, W>,
    id: IndexId,
    index: &'a RuleIndex,
    args: &'d [Word<'a>],
    cx: &'d mut Cx<'a>,
}

impl<'a, M: Deref<Target = Module>, W: Watch> Facts<'a> for Searching<'_, 'a, M, W> {
    fn base(&mut self, base: Base) -> Word<'a> {
        base.read(self.args, self.cx)
    }

    fn computed(&mut self, function: u32) -> Word<'a> {
        self.call(function, None)
    }

    #[inline(always)]
    fn comes_to(&mut self, place: u32) {
        self.interp.watch.comes_to(self.id, place);
    }
}

impl<'a, M: Deref<Target = Module>, W: Watch> Engine<'a> for Searching<'_, 'a, M, W> {
    fn arena(&self) -> &'a Arena {
        self.cx.arena
    }

    fn constant(&mut self, constant: u32) -> &'a Word<'a> {
        let word = self.interp.constant(ConstId(constant));
        self.cx.arena.word(word)
    }

    fn enter(&mut self, function: u32, more: Option<Word<'a>>) -> Word<'a> {
        let func = self.index.functions[function as usize];
        let args: Vec<Word<'a>> = self.args.iter().copied().chain(more).collect();
        self.cx.steps += RULE;
        self.interp.call(func, self.cx, &args)
    }

    fn marks(&self) -> &[Mark] {
        &self.cx.marks
    }

    fn forget(&mut self, from: usize) {
        self.cx.marks.truncate(from);
    }

    fn mark(&mut self, mark: Mark) {
        self.cx.marks.push(mark);
    }

    fn steps(&mut self, steps: u64) {
        self.cx.steps += steps;
    }
}

/// One decision by a rule set.
struct Decision<'d, 'a, M, W> {
    interp: &'a Interp<M, W>,
    id: RuleSetId,
    rules: &'a RuleSet,
    args: &'d [Word<'a>],
    /// Which groups hold, as far as they were asked.
    groups: IndexVec<GroupId, Option<bool>>,
    cx: &'d mut Cx<'a>,
}

impl<'a, M: Deref<Target = Module>, W: Watch> Decision<'_, 'a, M, W> {
    fn first(&mut self) -> Word<'a> {
        for (number, rule) in self.rules.rules.iter().enumerate() {
            if self.tries(number, rule) {
                mark(self.cx, rule.site);
                return self.outcome(rule);
            }
        }
        self.no_match()
    }

    fn all(&mut self) -> Word<'a> {
        let mut outcomes = Vec::new();
        for (number, rule) in self.rules.rules.iter().enumerate() {
            if self.tries(number, rule) {
                mark(self.cx, rule.site);
                for outcome in &rule.outcomes {
                    outcomes.push(self.call(*outcome, self.args));
                }
            }
        }
        Word::Seq(self.cx.arena.seq(&outcomes))
    }

    fn sum(&mut self) -> Word<'a> {
        let float = self.rules.result == Type::FLOAT;
        let mut sum = if float {
            Word::Float(0.0)
        } else {
            Word::Int(0)
        };
        for (number, rule) in self.rules.rules.iter().enumerate() {
            if self.tries(number, rule) {
                mark(self.cx, rule.site);
                let outcome = self.outcome(rule);
                sum = if float {
                    Word::Float(semantics::fadd(sum.float(), outcome.float()))
                } else {
                    Word::Int(sum.int().wrapping_add(outcome.int()))
                };
            }
        }
        sum
    }

    fn best(&mut self) -> Word<'a> {
        let mut best: Option<(i64, &Rule, Word<'a>)> = None;
        for (number, rule) in self.rules.rules.iter().enumerate() {
            if self.tries(number, rule) {
                let outcome = self.outcome(rule);
                let key = self.key(outcome);
                if best.is_none_or(|(greatest, ..)| key > greatest) {
                    best = Some((key, rule, outcome));
                }
            }
        }
        let Some((_, rule, outcome)) = best else {
            return self.no_match();
        };
        mark(self.cx, rule.site);
        outcome
    }

    fn no_match(&mut self) -> Word<'a> {
        if let Some(otherwise) = &self.rules.otherwise {
            mark(self.cx, otherwise.site);
            return self.call(otherwise.outcome, self.args);
        }
        let Some(last) = self.rules.rules.last() else {
            crate::bug!("`{}` can decide nothing", self.rules.name);
        };
        mark(self.cx, last.site);
        self.outcome(last)
    }

    fn tries(&mut self, number: usize, rule: &Rule) -> bool {
        let matched = self.matches(rule);
        let watch = &self.interp.watch;
        watch.tried(self.id, number, matched, self.cx, self.args);
        matched
    }

    fn matches(&mut self, rule: &Rule) -> bool {
        self.group_holds(rule.group)
            && rule
                .cond
                .is_none_or(|cond| self.call(cond, self.args).bool())
    }

    /// Whether a group and all around it hold. Asks from the outermost inwards, and each once.
    fn group_holds(&mut self, group: Option<GroupId>) -> bool {
        let mut unknown = Vec::new();
        let mut at = group;
        while let Some(id) = at
            && self.groups[id].is_none()
        {
            unknown.push(id);
            at = self.rules.groups[id].parent;
        }
        let mut holds = at.is_none_or(|id| self.groups[id] == Some(true));
        for id in unknown.into_iter().rev() {
            holds = holds && self.call(self.rules.groups[id].cond, self.args).bool();
            self.groups[id] = Some(holds);
        }
        holds
    }

    fn outcome(&mut self, rule: &Rule) -> Word<'a> {
        match rule.outcomes.first() {
            Some(outcome) => self.call(*outcome, self.args),
            None => crate::bug!("the rule `{}` has no outcome", rule.name),
        }
    }

    fn key(&mut self, outcome: Word<'a>) -> i64 {
        match self.rules.key {
            Some(key) => self.call(key, &[self.args, &[outcome]].concat()).int(),
            None => crate::bug!("`{}` has no key", self.rules.name),
        }
    }

    fn call(&mut self, func: FuncId, args: &[Word<'a>]) -> Word<'a> {
        self.cx.steps += RULE;
        self.interp.quiet(func, self.cx, args)
    }
}
