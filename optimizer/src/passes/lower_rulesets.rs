//! Turns every rule set into a function that tries its rules one after the other: the plain chain, with nothing clever in it,
//! which whatever searches rules faster must agree with.
//!
//! | policy | what the chain does |
//! |---|---|
//! | first, unique, any | the first rule whose condition holds marks itself and returns its outcome |
//! | all | a rule whose condition holds marks itself and gives its outcomes, any other gives `none`; the present ones are collected |
//! | best | carries the winner so far, its key and its outcome; only a greater key replaces it; at the end the winner is marked |
//! | sum | carries the sum so far; a rule whose condition holds marks itself and adds |
//!
//! A group's condition is evaluated once, before its first rule; when it is false, the chain goes on behind the group's
//! last rule. Linear.

use tollgate_ir::asks::Asks;
use tollgate_ir::bug;
use tollgate_ir::builder::FuncBuilder;
use tollgate_ir::entities::{Block, FuncId, GroupId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Jump, Module, Policy, Rule, RuleSet};
use tollgate_ir::operand::Cc;
use tollgate_ir::types::{Type, TypeData};

use super::rulesets::{Became, replace};
use crate::pass::{Changed, Names};
use crate::pipeline::Aim;

pub(crate) fn run(module: &mut Module, _: Aim) -> Changed {
    let mut changed = Changed::default();
    if module.rulesets.is_empty() {
        return changed;
    }
    let (mut names, asks) = (Names::of(module), Asks::new(module));
    let mut became = Vec::with_capacity(module.rulesets.len());
    for id in module.rulesets.keys() {
        let rules = module.rulesets[id].clone();
        let name = names.fresh(&rules.name);
        let func = lower(module, &rules, &asks, name);
        changed.funcs.push(func);
        became.push(Became::Func(func));
    }
    replace(module, &became, &mut changed);
    changed
}

/// What the chain of a policy carries from rule to rule.
enum Carried {
    /// Nothing: the first match returns.
    Nothing,
    /// One optional outcome for every `then` so far, and their type.
    Outcomes(Vec<Val>, Type),
    /// The sum so far.
    Sum(Val),
    /// The winner's number (-1 before there is one), its key, and its outcome as an optional (or as it is, if it is one already).
    Best([Val; 3]),
}

/// A condition that holds where the chain is now: that of a group, or of a rule.
struct Open {
    /// The group, unless it is a rule's.
    group: Option<GroupId>,
    /// Where the chain is when the condition is false.
    fails: Block,
    /// What was carried before: all of it, where that does not grow.
    before: Vec<Val>,
    /// How many outcomes were carried before.
    count: usize,
}

struct Chain<'m, 'r> {
    b: FuncBuilder<'m>,
    rules: &'r RuleSet,
    asks: &'r Asks,
    params: Vec<Val>,
    carried: Carried,
    open: Vec<Open>,
    /// Where the last rule decides.
    last: Option<Block>,
}

fn lower(module: &mut Module, rules: &RuleSet, asks: &Asks, name: Box<str>) -> FuncId {
    let optional = match module.types.element(rules.result) {
        Some(of) if rules.policy == Policy::All => module.types.opt(of),
        _ if rules.policy == Policy::Best => optional_of(module, rules.result),
        _ => rules.result,
    };
    let mut b = FuncBuilder::new(module, name, &rules.params, rules.result);
    let params = b.params().to_vec();
    let carried = match rules.policy {
        Policy::First | Policy::Unique | Policy::Any => Carried::Nothing,
        Policy::All => Carried::Outcomes(Vec::new(), optional),
        Policy::Sum if rules.result == Type::FLOAT => Carried::Sum(b.fconst(0.0)),
        Policy::Sum => Carried::Sum(b.iconst(0)),
        Policy::Best => {
            let (nobody, key) = (b.iconst(-1), b.iconst(0));
            Carried::Best([nobody, key, b.ins(Inst::None { ty: optional })])
        }
    };
    let mut chain = Chain {
        b,
        rules,
        asks,
        params,
        carried,
        open: Vec::new(),
        last: None,
    };
    for (index, rule) in rules.rules.iter().enumerate() {
        chain.enter_groups(rule.group);
        chain.rule(index, rule);
    }
    chain.enter_groups(None);
    chain.finish();
    chain.b.finish()
}

fn optional_of(module: &mut Module, ty: Type) -> Type {
    match module.types.get(ty) {
        TypeData::Opt(_) => ty,
        _ => module.types.opt(ty),
    }
}

impl Chain<'_, '_> {
    fn call(&mut self, func: FuncId) -> Val {
        self.b.call(func, &self.params)
    }

    /// Calls a condition. One that asks states is called where it is seen; it makes no marks.
    fn ask(&mut self, func: FuncId) -> Val {
        if self.asks.func(func) == 0 {
            return self.call(func);
        }
        let args = self.params.clone().into();
        self.b.ins(Inst::CallMarked { func, args })
    }

    /// Leaves the groups that the next rule does not stand in and enters those that it does.
    fn enter_groups(&mut self, group: Option<GroupId>) {
        let mut path = Vec::new();
        let mut at = group;
        while let Some(id) = at
            && !self.open.iter().any(|o| o.group == at)
        {
            path.push(id);
            at = self.rules.groups[id].parent;
        }
        while self.open.last().and_then(|o| o.group) != at {
            self.close();
        }
        for id in path.into_iter().rev() {
            let holds = self.ask(self.rules.groups[id].cond);
            self.open(holds, Some(id));
        }
    }

    fn rule(&mut self, index: usize, rule: &Rule) {
        match rule.cond {
            Some(cond) => {
                let holds = self.ask(cond);
                self.open(holds, None);
            }
            None => {
                let always = self.b.block(&[]);
                self.b.jump(always, &[]);
                self.b.switch_to(always);
            }
        }
        self.last = Some(self.b.current());
        self.decide(index, rule);
        match rule.cond {
            Some(_) => self.close(),
            // Nothing comes here, and so the block goes away.
            None if self.b.is_ended() => {
                let never = self.b.block(&[]);
                self.b.switch_to(never);
            }
            None => {}
        }
    }

    /// What a rule does when its condition holds.
    fn decide(&mut self, index: usize, rule: &Rule) {
        let first = rule.outcomes.first().copied();
        match (&self.carried, first) {
            (Carried::Best(best), Some(outcome)) => {
                let best = *best;
                let value = self.call(outcome);
                self.challenge(index, value, best);
            }
            (Carried::Nothing, Some(outcome)) => {
                self.b.mark(rule.site);
                let value = self.call(outcome);
                self.b.ret(value);
            }
            (Carried::Sum(sum), Some(outcome)) => {
                let a = *sum;
                self.b.mark(rule.site);
                let b = self.call(outcome);
                let sum = match self.b.ty(b) {
                    Type::FLOAT => Inst::Fadd { a, b },
                    _ => Inst::Iadd { a, b },
                };
                self.carried = Carried::Sum(self.b.ins(sum));
            }
            (Carried::Outcomes(..), Some(_)) => {
                self.b.mark(rule.site);
                for outcome in &rule.outcomes {
                    let a = self.call(*outcome);
                    let present = self.b.ins(Inst::Some { a });
                    if let Carried::Outcomes(outcomes, _) = &mut self.carried {
                        outcomes.push(present);
                    }
                }
            }
            (_, None) => bug!("the rule `{}` has no outcome", rule.name),
        }
    }

    /// Of the best so far and the outcome of a rule, the one with the greater key; of equals the former.
    fn challenge(&mut self, index: usize, value: Val, [winner, key, best]: [Val; 3]) {
        let Some(key_of) = self.rules.key else {
            bug!("`{}` has no key to be the best by", self.rules.name);
        };
        let args: Vec<Val> = self.params.iter().copied().chain([value]).collect();
        let b = &mut self.b;
        let new_key = b.call(key_of, &args);
        let zero = b.iconst(0);
        let alone = b.icmp(Cc::Lt, winner, zero);
        let greater = b.icmp(Cc::Gt, new_key, key);
        let c = b.ins(Inst::Bor {
            a: alone,
            b: greater,
        });
        let new_value = match b.ty(value) == b.ty(best) {
            true => value,
            false => b.ins(Inst::Some { a: value }),
        };
        let number = b.iconst(index as i64);
        self.carried = Carried::Best(
            [(number, winner), (new_key, key), (new_value, best)]
                .map(|(new, old)| b.ins(Inst::Select { c, a: new, b: old })),
        );
    }

    /// Goes on where a condition holds.
    fn open(&mut self, holds: Val, group: Option<GroupId>) {
        let (yes, no) = (self.b.block(&[]), self.b.block(&[]));
        self.b.br(holds, (yes, &[]), (no, &[]));
        self.b.switch_to(yes);
        let (before, count) = match &self.carried {
            Carried::Nothing => (Vec::new(), 0),
            Carried::Outcomes(outcomes, _) => (Vec::new(), outcomes.len()),
            Carried::Sum(sum) => (vec![*sum], 0),
            Carried::Best(best) => (best.to_vec(), 0),
        };
        self.open.push(Open {
            group,
            fails: no,
            before,
            count,
        });
    }

    /// Goes on where it does not matter whether the last condition held: what was carried inside meets what
    /// was carried before, or `none` for outcomes that were not there before.
    fn close(&mut self) {
        let Some(open) = self.open.pop() else {
            bug!("`{}` leaves a group it is not in", self.rules.name);
        };
        if self.b.is_ended() {
            self.b.switch_to(open.fails);
            return;
        }
        let inside = match &self.carried {
            Carried::Nothing => Vec::new(),
            Carried::Outcomes(outcomes, _) => outcomes[open.count..].to_vec(),
            Carried::Sum(sum) => vec![*sum],
            Carried::Best(best) => best.to_vec(),
        };
        let types: Vec<Type> = inside.iter().map(|v| self.b.ty(*v)).collect();
        let behind = self.b.block(&types);
        self.b.jump(behind, &inside);
        self.b.switch_to(open.fails);
        match &self.carried {
            Carried::Outcomes(_, ty) if !inside.is_empty() => {
                let none = self.b.ins(Inst::None { ty: *ty });
                self.b.jump(behind, &vec![none; inside.len()]);
            }
            _ => self.b.jump(behind, &open.before),
        }
        self.b.switch_to(behind);
        let params = self.b.block_params(behind);
        match &mut self.carried {
            Carried::Nothing => {}
            Carried::Outcomes(outcomes, _) => {
                outcomes.truncate(open.count);
                outcomes.extend(params);
            }
            Carried::Sum(sum) => *sum = params[0],
            Carried::Best(best) => best.copy_from_slice(params),
        }
    }

    /// What the chain gives at its end.
    fn finish(&mut self) {
        match &self.carried {
            Carried::Nothing => self.otherwise(),
            Carried::Sum(sum) => self.b.ret(*sum),
            Carried::Outcomes(outcomes, _) => {
                let (ty, items) = (self.rules.result, outcomes.clone().into());
                let list = self.b.ins(Inst::Collect { ty, items });
                self.b.ret(list);
            }
            Carried::Best([winner, _, best]) => self.announce(*winner, *best),
        }
    }

    /// Marks the winner and gives its outcome.
    fn announce(&mut self, winner: Val, best: Val) {
        let decided = self.b.current();
        self.last = None;
        let wins: Vec<Block> = self
            .rules
            .rules
            .iter()
            .map(|rule| {
                let win = self.b.block(&[]);
                self.b.switch_to(win);
                self.b.mark(rule.site);
                let value = match self.b.ty(best) == self.rules.result {
                    true => best,
                    false => self.b.ins(Inst::Unwrap { a: best }),
                };
                self.b.ret(value);
                win
            })
            .collect();
        let nobody = self.b.block(&[]);
        self.b.switch_to(decided);
        let to = |block| Jump {
            block,
            args: Vec::new(),
        };
        let cases = wins.iter().enumerate().map(|(i, win)| (i as i64, to(*win)));
        self.b.switch(winner, cases.collect(), to(nobody));
        self.b.switch_to(nobody);
        self.otherwise();
    }

    /// Ends the current block, where no rule has matched.
    fn otherwise(&mut self) {
        match (self.rules.otherwise, self.last) {
            (Some(otherwise), _) => {
                self.b.mark(otherwise.site);
                let value = self.call(otherwise.outcome);
                self.b.ret(value);
            }
            // The rules cover everything, so nothing comes here; the chain must end all the same.
            (None, Some(last)) => self.b.jump(last, &[]),
            (None, None) => {
                let last = self.rules.rules.last();
                let Some((rule, outcome)) = last.and_then(|r| Some((r, *r.outcomes.first()?)))
                else {
                    bug!("`{}` decides nothing", self.rules.name);
                };
                self.b.mark(rule.site);
                let value = self.call(outcome);
                self.b.ret(value);
            }
        }
    }
}
