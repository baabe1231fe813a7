//! Deciding by an index: from the rules that match to the value and the marks, for every hit policy.
//!
//! Engines differ in how they call functions and keep constants, and in nothing else: what a decision by an index is
//! stands here once.

use std::sync::Arc;

use super::Index;
use super::feature::Facts;
use crate::arena::Arena;
use crate::cx::Mark;
use crate::word::{Word, settle};

/// How the rules of a set become one outcome.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Policy {
    /// The first rule that matches.
    First,
    /// The only rule that matches; the checker has seen to it.
    Unique,
    /// Any rule that matches; all of them agree, the first is named.
    Any,
    /// Every outcome, in source order, as a list.
    All,
    /// The outcome with the greatest key; of equals the first.
    Best,
    /// The sum of all outcomes.
    Sum,
}

/// What a rule gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// A constant of the program, by number.
    Const(u32),
    /// What a function of the rule set's parameters gives, by number.
    Call(u32),
}

/// A rule of a rule set that is decided by an index. In eight bytes: of a large set, every decision reads another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RuleRow {
    /// What its mark says.
    pub mark: Mark,
    /// Its outcome, or the first of them: the number, and in the lowest bit whether a function is called.
    given: u32,
}

impl RuleRow {
    /// The row of a rule that gives this. Of numbers from 2³¹ on none is told from another; a program has fewer of anything.
    pub fn new(mark: Mark, outcome: Outcome) -> RuleRow {
        let given = match outcome {
            Outcome::Const(number) => number.min(u32::MAX >> 1) << 1,
            Outcome::Call(number) => number.min(u32::MAX >> 1) << 1 | 1,
        };
        RuleRow { mark, given }
    }

    /// Its outcome, or the first of them.
    #[inline(always)]
    pub fn outcome(self) -> Outcome {
        match self.given & 1 {
            0 => Outcome::Const(self.given >> 1),
            _ => Outcome::Call(self.given >> 1),
        }
    }
}

/// A rule set that is decided by an index.
#[derive(Clone, Debug)]
pub struct Decider {
    /// How the rules that match become one outcome.
    pub policy: Policy,
    /// Which rules match. Its functions are those of features.
    pub index: Arc<Index>,
    /// The rules, in order.
    pub rules: Box<[RuleRow]>,
    /// The outcomes of each rule behind its first. There are some only under `All`; empty where no rule has any.
    pub more: Box<[Box<[Outcome]>]>,
    /// What is decided when no rule matches.
    pub otherwise: Option<(Mark, Outcome)>,
    /// For `Best`: the function (parameters …, outcome) -> integer.
    pub key: Option<u32>,
    /// For `Best`, where every rule's key is known: the rules from the best to the worst. The index numbers them so, and the
    /// first that matches is the best.
    pub ranking: Option<Box<[u32]>>,
    /// For `Sum`: whether outcomes are floats.
    pub float: bool,
    /// For each rule, what has to hold besides, once the rule is found: a function that may ask states, so it is called in the order
    /// of the source, and only where the decision comes past the rule. Empty where no rule has any; then rules may be ranked.
    pub asks: Box<[Option<u32>]>,
    /// A function of the rule set's parameters that finds what the index would, by code made for these rules. Where [one rule
    /// decides](Decider::one_decides) it gives the number by which the index knows the rule, or one that no rule has if none matches;
    /// where several do, it marks them in order, and the rules' marks count up from that of the first. There is none where rules ask.
    pub finder: Option<u32>,
}

/// What a decision needs of an engine.
pub trait Engine<'a>: Facts<'a> {
    /// Where lists are made.
    fn arena(&self) -> &'a Arena;
    /// A constant of the program.
    fn constant(&mut self, constant: u32) -> &'a Word<'a>;
    /// Calls a function with the rule set's parameters, and one more word if given. Its marks are kept.
    fn enter(&mut self, function: u32, more: Option<Word<'a>>) -> Word<'a>;
    /// The trace.
    fn marks(&self) -> &[Mark];
    /// Forgets the marks from a place on.
    fn forget(&mut self, from: usize);
    /// Calls a function and forgets its marks.
    fn call(&mut self, function: u32, more: Option<Word<'a>>) -> Word<'a> {
        let from = self.marks().len();
        let word = self.enter(function, more);
        self.forget(from);
        word
    }
    /// Calls a [finder](Decider::finder) of one rule, and forgets the marks of what it calls.
    #[inline]
    fn find(&mut self, finder: u32) -> i64 {
        self.call(finder, None).int()
    }
    /// Adds to the trace.
    fn mark(&mut self, mark: Mark);
    /// Adds to the steps.
    fn steps(&mut self, steps: u64);
}

/// Steps of giving an outcome or asking for a key, beside those of the function.
pub const GIVE: u64 = 1;

impl Decider {
    /// Decides. Allocates nothing but the lists it makes in the arena.
    ///
    /// What takes long is not inlined and answers in registers, so that a search has the registers to itself; and the value is where it
    /// lies, for a word that is copied when it was just written in parts is what processors wait for.
    #[inline(always)]
    pub fn decide<'a>(&self, engine: &mut impl Engine<'a>) -> &'a Word<'a> {
        match self.policy {
            Policy::First | Policy::Unique | Policy::Any => self.one_of(self.which(engine), engine),
            Policy::Best if self.ranking.is_some() => self.one_of(self.which(engine), engine),
            Policy::All => {
                let list = self.every(engine);
                engine.arena().word(Word::Seq(list))
            }
            Policy::Best => self.best(engine),
            Policy::Sum => self.sum(engine),
        }
    }

    /// Whether one rule decides, and which is known as soon as it is found; else those that match are looked at one after the other.
    #[inline]
    pub fn one_decides(&self) -> bool {
        match self.policy {
            Policy::First | Policy::Unique | Policy::Any => true,
            Policy::Best => self.ranking.is_some(),
            Policy::All | Policy::Sum => false,
        }
    }

    /// From the best to the worst, for rules with these keys: the greatest first, of equals the first.
    pub fn ranking(keys: &[i64]) -> Box<[u32]> {
        let mut ranking: Vec<u32> = (0..keys.len() as u32).collect();
        ranking.sort_by_key(|rule| std::cmp::Reverse(keys[*rule as usize]));
        ranking.into()
    }

    /// The most steps of a decision, given those of calling a function.
    pub fn bound(&self, call: &dyn Fn(u32) -> u64) -> u64 {
        let give = |outcome| match outcome {
            Outcome::Const(_) => GIVE,
            Outcome::Call(function) => call(function).saturating_add(GIVE),
        };
        let otherwise = self.otherwise.map_or(0, |(_, o)| give(o));
        let greatest = self.given().map(give).max().unwrap_or(0);
        let key = self.key.map_or(0, call).saturating_add(GIVE);
        let asked = |rule: u32| match self.asks.get(rule as usize) {
            Some(Some(function)) => call(*function).saturating_add(GIVE),
            _ => 0,
        };
        // Where every rule that matches gives its outcomes, they count where the rule is found.
        let each = |rule: u32| {
            let sum = self
                .outcomes(rule as usize)
                .map(give)
                .fold(0, u64::saturating_add);
            let sum = sum.saturating_add(asked(rule));
            match self.policy {
                Policy::Best => sum.saturating_add(key),
                _ => sum,
            }
        };
        let (found, after): (&dyn Fn(u32) -> u64, u64) = match self.policy {
            Policy::First | Policy::Unique | Policy::Any => (&asked, greatest.max(otherwise)),
            Policy::Best if self.ranking.is_some() => (&|_| 0, greatest.max(otherwise)),
            // Without `otherwise` the last rule decides in any case.
            Policy::Best => (
                &each,
                if self.otherwise.is_none() {
                    greatest
                } else {
                    otherwise
                },
            ),
            Policy::All | Policy::Sum => (&each, 0),
        };
        let find = match self.finder {
            Some(finder) => {
                let all = (0..self.rules.len() as u32).map(found);
                all.fold(call(finder), u64::saturating_add)
            }
            None => self.index.bound(call, found),
        };
        find.saturating_add(after)
    }

    /// Rules with their outcomes as rows, and the outcomes behind the first of each. A rule without outcomes is given one that does not
    /// exist, which whoever checks the rest of a decider refuses.
    ///
    /// ```
    /// use tollgate_runtime::Mark;
    /// use tollgate_runtime::index::{Decider, Outcome};
    /// let two = vec![Outcome::Const(7), Outcome::Call(0)];
    /// let (rows, more) = Decider::rows([(Mark(1), two)].into_iter());
    /// assert_eq!(rows[0].outcome(), Outcome::Const(7));
    /// assert_eq!(*more[0], [Outcome::Call(0)]);
    /// ```
    #[expect(
        clippy::type_complexity,
        reason = "the fields of a decider that it makes"
    )]
    pub fn rows(
        rules: impl Iterator<Item = (Mark, Vec<Outcome>)>,
    ) -> (Box<[RuleRow]>, Box<[Box<[Outcome]>]>) {
        let row = |(mark, outcomes): (Mark, Vec<Outcome>)| {
            let mut outcomes = outcomes.into_iter();
            let outcome = outcomes.next().unwrap_or(Outcome::Const(u32::MAX));
            (RuleRow::new(mark, outcome), outcomes.collect())
        };
        let (rows, more): (Vec<RuleRow>, Vec<Box<[Outcome]>>) = rules.map(row).unzip();
        match more.iter().all(|more| more.is_empty()) {
            true => (rows.into(), Box::default()),
            false => (rows.into(), more.into()),
        }
    }

    /// The outcomes of a rule behind its first.
    #[inline]
    pub fn more(&self, rule: usize) -> &[Outcome] {
        self.more.get(rule).map_or(&[], |more| more)
    }

    /// The outcomes of a rule, in order.
    pub fn outcomes(&self, rule: usize) -> impl Iterator<Item = Outcome> {
        let first = self.rules.get(rule).map(|rule| rule.outcome());
        first.into_iter().chain(self.more(rule).iter().copied())
    }

    /// The outcomes of all rules.
    pub fn given(&self) -> impl Iterator<Item = Outcome> {
        (0..self.rules.len()).flat_map(|rule| self.outcomes(rule))
    }

    /// The rule that the index knows by a number: its place in the source, or its rank where rules are ranked.
    pub fn rule(&self, number: u32) -> Option<&RuleRow> {
        let place = match &self.ranking {
            Some(ranking) => *ranking.get(number as usize)?,
            None => number,
        };
        self.rules.get(place as usize)
    }

    /// Bytes of memory held, without what patterns share with the program.
    pub fn heap(&self) -> usize {
        self.index.size().bytes
            + size_of_val(&self.rules[..])
            + size_of_val(&self.more[..])
            + self
                .more
                .iter()
                .map(|more| size_of_val(&more[..]))
                .sum::<usize>()
            + size_of_val(&self.asks[..])
            + self.ranking.as_deref().map_or(0, size_of_val)
    }

    fn matching<'a>(&self, engine: &mut impl Engine<'a>) -> &'a [u32] {
        if let Some(finder) = self.finder {
            let from = engine.marks().len();
            engine.enter(finder, None);
            let arena = engine.arena();
            let marks = engine.marks().get(from..).unwrap_or(&[]);
            let mut found = arena.vec_of(marks.len());
            found.extend(marks.iter().filter_map(|mark| self.marked(*mark)));
            engine.forget(from);
            return found.into_bump_slice();
        }
        let arena = engine.arena();
        let (found, steps) = self.index.all(engine, arena);
        engine.steps(steps);
        found
    }

    /// The place of the rule of a mark, where marks count up from that of the first rule, as they do where there is a [finder](Decider::finder).
    #[inline(always)]
    pub fn marked(&self, mark: Mark) -> Option<u32> {
        let first = self.rules.first()?.mark.0;
        let place = mark.0.wrapping_sub(first);
        ((place as usize) < self.rules.len()).then_some(place)
    }

    /// Whether what a rule asks besides holds.
    #[inline]
    fn holds<'a>(&self, rule: u32, engine: &mut impl Engine<'a>) -> bool {
        match self.asks.get(rule as usize) {
            Some(Some(function)) => {
                engine.steps(GIVE);
                engine.call(*function, None).bool()
            }
            _ => true,
        }
    }

    /// The place of the rule that decides.
    #[inline(always)]
    fn which<'a>(&self, engine: &mut impl Engine<'a>) -> Option<u32> {
        let Some(finder) = self.finder else {
            return self.first(engine);
        };
        let found = u32::try_from(engine.find(finder)).ok();
        self.ranked(found.filter(|found| (*found as usize) < self.rules.len()))
    }

    /// The place of the first rule that matches, or of the best one where rules are ranked, by a search.
    #[inline(never)]
    fn first<'a>(&self, engine: &mut impl Engine<'a>) -> Option<u32> {
        if !self.asks.is_empty() {
            return self.first_that_holds(engine);
        }
        let arena = engine.arena();
        let (found, steps) = self.index.first(engine, arena);
        engine.steps(steps);
        self.ranked(found)
    }

    /// The place of a rule, given the number by which the index knows it.
    #[inline(always)]
    fn ranked(&self, found: Option<u32>) -> Option<u32> {
        match &self.ranking {
            Some(ranking) => ranking.get(found? as usize).copied(),
            None => found,
        }
    }

    /// Where rules ask: those that were found, one after the other.
    #[cold]
    #[inline(never)]
    fn first_that_holds<'a>(&self, engine: &mut impl Engine<'a>) -> Option<u32> {
        let mut found = self.matching(engine).iter().copied();
        found.find(|rule| self.holds(*rule, engine))
    }

    /// Marks the rule that was found, or that none was, and gives the outcome.
    #[inline(always)]
    fn one_of<'a>(&self, found: Option<u32>, engine: &mut impl Engine<'a>) -> &'a Word<'a> {
        match found {
            Some(rule) => self.one(rule, engine),
            None => self.none(engine),
        }
    }

    #[inline(always)]
    fn give<'a>(&self, outcome: Outcome, engine: &mut impl Engine<'a>) -> &'a Word<'a> {
        engine.steps(GIVE);
        match outcome {
            Outcome::Const(constant) => engine.constant(constant),
            Outcome::Call(function) => {
                let word = engine.call(function, None);
                engine.arena().word(word)
            }
        }
    }

    /// Marks a rule and gives its outcome.
    #[inline(always)]
    fn one<'a>(&self, rule: u32, engine: &mut impl Engine<'a>) -> &'a Word<'a> {
        let rule = self.rules[rule as usize];
        engine.mark(rule.mark);
        self.give(rule.outcome(), engine)
    }

    /// What is decided when no rule matches. Without `otherwise` the rules cover everything; for a value in any case, the last decides.
    #[inline(always)]
    fn none<'a>(&self, engine: &mut impl Engine<'a>) -> &'a Word<'a> {
        match (self.otherwise, self.rules.len().checked_sub(1)) {
            (Some((mark, outcome)), _) => {
                engine.mark(mark);
                self.give(outcome, engine)
            }
            (None, Some(last)) => self.one(last as u32, engine),
            (None, None) => &Word::None,
        }
    }

    #[inline(never)]
    fn every<'a>(&self, engine: &mut impl Engine<'a>) -> &'a [Word<'a>] {
        if let Some(finder) = self.finder {
            return self.every_marked(finder, engine);
        }
        let found = self.matching(engine);
        let more = || found.iter().map(|rule| self.more(*rule as usize).len());
        let len = found.len()
            + if self.more.is_empty() {
                0
            } else {
                more().sum()
            };
        if !self.asks.is_empty() {
            let list = engine.arena().slots(len);
            return self.every_that_holds(found, list, engine);
        }
        let mut list = engine.arena().vec_of(len);
        for rule in found {
            engine.mark(self.rules[*rule as usize].mark);
            self.add(*rule as usize, &mut list, engine);
        }
        list.into_bump_slice()
    }

    /// Under `All`, where a finder makes the marks.
    #[inline(always)]
    fn every_marked<'a>(&self, finder: u32, engine: &mut impl Engine<'a>) -> &'a [Word<'a>] {
        let from = engine.marks().len();
        engine.enter(finder, None);
        let to = engine.marks().len();
        let mut list = engine.arena().vec_of(to.saturating_sub(from));
        for at in from..to {
            let place = engine.marks().get(at).and_then(|mark| self.marked(*mark));
            if let Some(rule) = place {
                self.add(rule as usize, &mut list, engine);
            }
        }
        list.into_bump_slice()
    }

    /// Adds the outcomes of a rule.
    #[inline(always)]
    fn add<'a>(
        &self,
        rule: usize,
        list: &mut bumpalo::collections::Vec<'a, Word<'a>>,
        engine: &mut impl Engine<'a>,
    ) {
        list.push(*self.give(self.rules[rule].outcome(), engine));
        for outcome in self.more(rule) {
            list.push(*self.give(*outcome, engine));
        }
    }

    /// Under `All`, where rules ask; `list` has room for the outcomes of all that were found.
    fn every_that_holds<'a>(
        &self,
        found: &[u32],
        list: &'a mut [Word<'a>],
        engine: &mut impl Engine<'a>,
    ) -> &'a [Word<'a>] {
        let mut given = 0;
        for number in found {
            if !self.holds(*number, engine) {
                continue;
            }
            let rule = *number as usize;
            engine.mark(self.rules[rule].mark);
            for (outcome, to) in self.outcomes(rule).zip(&mut list[given..]) {
                *to = *self.give(outcome, engine);
            }
            given += 1 + self.more(rule).len();
        }
        &list[..given]
    }

    #[inline(never)]
    fn best<'a>(&self, engine: &mut impl Engine<'a>) -> &'a Word<'a> {
        let Some(key) = self.key else {
            return self.none(engine);
        };
        let mut best: Option<(i64, u32, &'a Word<'a>)> = None;
        for rule in self.matching(engine) {
            if !self.holds(*rule, engine) {
                continue;
            }
            let value = self.give(self.rules[*rule as usize].outcome(), engine);
            engine.steps(GIVE);
            let key = engine.call(key, Some(*value)).int();
            if best.is_none_or(|(greatest, ..)| key > greatest) {
                best = Some((key, *rule, value));
            }
        }
        match best {
            Some((_, rule, value)) => {
                engine.mark(self.rules[rule as usize].mark);
                value
            }
            None => self.none(engine),
        }
    }

    #[inline(never)]
    fn sum<'a>(&self, engine: &mut impl Engine<'a>) -> &'a Word<'a> {
        let mut sum = if self.float {
            Word::Float(0.0)
        } else {
            Word::Int(0)
        };
        for rule in self.matching(engine) {
            if !self.holds(*rule, engine) {
                continue;
            }
            let rule = self.rules[*rule as usize];
            engine.mark(rule.mark);
            let value = self.give(rule.outcome(), engine);
            sum = match sum {
                Word::Float(sum) => Word::Float(settle(sum + value.float())),
                _ => Word::Int(sum.int().wrapping_add(value.int())),
            };
        }
        engine.arena().word(sum)
    }
}
