//! Functions that only search: a decision by an index without code around it.
//!
//! Most rule sets are a function that searches and gives what it finds. Made into code, it would lay its arguments out, call the search
//! and hand the result on; here the search is given what the caller has, and code is entered only for what has to be computed.

use std::slice;
use std::sync::Arc;

use tollgate_ir::cost::RULE;
use tollgate_ir::entities::{FuncId, IndexId};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Func, Terminator};
use tollgate_runtime::index::{
    Base, Decider, Engine, Facts, Feature, GIVE, Outcome, Policy, RuleRow,
};
use tollgate_runtime::{Arena, Cx, Frozen, Mark, Word};

use crate::Executable;

/// A function that only searches, ready to decide; see [`Executable::direct`].
#[derive(Debug)]
pub struct Direct {
    decider: Arc<Decider>,
    /// The functions it calls, which the decider numbers by their places here.
    functions: Box<[FuncId]>,
    /// The constants of the program, as one sequence.
    constants: Arc<Frozen>,
    /// From where on the list of each constant alone stands behind them; see [`Direct::with_lists`].
    lists: Option<u32>,
    /// Steps of a call beside those of the search, where steps are counted.
    steps: Option<u64>,
    reads_call: bool,
    /// How a decision is made that reads its arguments and nothing else, and calls nothing but a finder; absent where it does more.
    closed: Option<Closed>,
}

/// The list of what no rule gives.
const NOTHING: &Word<'static> = &Word::Seq(&[]);

/// How a closed decision is made: the two ways that most are, by as little as can be. A finder is what finds the rules, if it is not the index.
#[derive(Debug)]
enum Closed {
    /// One rule decides, or what is decided when no rule matches.
    One {
        finder: Option<FuncId>,
        none: RuleRow,
    },
    /// Every rule that matches gives.
    Every { finder: Option<FuncId> },
    /// As the decider says.
    Other,
}

impl Direct {
    /// A function that gives what a decider finds of its parameters as they stand. It calls functions of the executable that it comes from,
    /// whose constants it shares. `steps` are those of a call beside the search, for an executable that counts steps.
    pub fn new(
        decider: Arc<Decider>,
        functions: &[FuncId],
        constants: Arc<Frozen>,
        steps: Option<u64>,
    ) -> Direct {
        let of_call = |feature: &Feature| match feature {
            Feature::Path { base, .. } => matches!(base, Base::Id | Base::Time),
            Feature::Computed(_) => true,
        };
        let others = functions.len() > usize::from(decider.finder.is_some());
        let reads_call = others || decider.index.features().iter().any(of_call);
        let of_parameters = |feature: &Feature| match feature {
            Feature::Path { base, .. } => matches!(base, Base::Param(_)),
            Feature::Computed(_) => false,
        };
        // A finder reads what the index would.
        let finder = decider.finder.map(|number| functions.get(number as usize));
        let finder = finder.flatten().copied();
        let closed = functions.iter().all(|func| Some(*func) == finder)
            && decider.index.features().iter().all(of_parameters);
        let none = match decider.otherwise {
            Some((mark, outcome)) => Some(RuleRow::new(mark, outcome)),
            None => decider.rules.last().copied(),
        };
        let one = decider.one_decides() && decider.ranking.is_none();
        let way = match (decider.policy, none) {
            (Policy::All, _) => Closed::Every { finder },
            (_, Some(none)) if one => Closed::One { finder, none },
            _ => Closed::Other,
        };
        Direct {
            closed: closed.then_some(way),
            decider,
            functions: functions.into(),
            constants,
            lists: None,
            steps,
            reads_call,
        }
    }

    /// Says that from here on, behind the constants, the sequence has for each of them the list of it alone: so the list of what one rule gives
    /// need not be made.
    #[must_use]
    pub fn with_lists(self, from: u32) -> Direct {
        Direct {
            lists: Some(from),
            ..self
        }
    }

    /// What a function searches, if it does nothing else and gives its parameters as they stand.
    pub fn searched(func: &Func) -> Option<IndexId> {
        let mut blocks = func.blocks.values();
        let (block, None) = (blocks.next()?, blocks.next()) else {
            return None;
        };
        let [only] = block.insts[..] else {
            return None;
        };
        let only = &func.insts[only];
        match (&only.inst, &block.term) {
            (Inst::SearchMarked { index, args }, Terminator::Return(value))
                if Some(*value) == only.result && args[..] == *func.params() =>
            {
                Some(*index)
            }
            _ => None,
        }
    }

    /// Whether a decision can depend on `cx.id` and `cx.time`; where it does not, they need not be found out.
    #[inline]
    pub fn reads_call(&self) -> bool {
        self.reads_call
    }

    /// Whether a decision reads its arguments and nothing else, and calls nothing but a finder: see [`Direct::decide_closed`].
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// As [`Direct::decide`], where a decision [is closed](Direct::is_closed): nothing is laid out for an engine but for a finder. Adds to the
    /// marks and to the steps.
    #[inline(always)]
    pub fn decide_closed<'a, E: Executable + ?Sized>(
        &'a self,
        executable: &'a E,
        arena: &'a Arena,
        marks: &mut Vec<Mark>,
        steps: &mut u64,
        args: &[Word<'a>],
    ) -> &'a Word<'a> {
        let (word, taken) = match self.closed {
            Some(Closed::One { finder, none }) => {
                let (found, taken) = match finder {
                    Some(func) => {
                        let from = marks.len();
                        let found = executable.find(func, arena, marks, args);
                        marks.truncate(from);
                        (found, 0)
                    }
                    None => self.search(arena, args),
                };
                let rule = usize::try_from(found).ok();
                let rule = rule.and_then(|rule| self.decider.rules.get(rule));
                let rule = *rule.unwrap_or(&none);
                marks.push(rule.mark);
                (self.given(rule.outcome()), taken + GIVE)
            }
            Some(Closed::Every {
                finder: Some(finder),
            }) => {
                let from = marks.len();
                executable.find(finder, arena, marks, args);
                (self.marked(arena, marks.get(from..).unwrap_or(&[])), 0)
            }
            Some(Closed::Every { finder: None }) => self.every(arena, marks, args),
            Some(Closed::Other) | None => {
                let mut closed = Alone {
                    direct: self,
                    executable,
                    arena,
                    marks,
                    args,
                    steps: 0,
                };
                let word = self.decider.decide(&mut closed);
                (word, closed.steps)
            }
        };
        if let Some(own) = self.steps {
            *steps += own + taken;
        }
        word
    }

    /// Does what [`Executable::run`] does for the function, and says where the value lies, given an argument for each of its parameters. The executable is the one that
    /// it comes from, or another one made from the same module.
    #[inline]
    pub fn decide<'a, E: Executable + ?Sized>(
        &'a self,
        executable: &'a E,
        cx: &mut Cx<'a>,
        args: &[Word<'a>],
    ) -> &'a Word<'a> {
        let before = cx.steps;
        let word = self.decider.decide(&mut Deciding {
            direct: self,
            executable,
            cx,
            args,
        });
        match self.steps {
            Some(steps) => cx.steps += steps,
            None => cx.steps = before,
        }
        word
    }

    /// The number of the first rule that matches, by the index; one that no rule has if none does. And the steps of finding it. Not inlined, so
    /// that a search has the registers to itself.
    #[inline(never)]
    fn search<'a>(&'a self, arena: &'a Arena, args: &[Word<'a>]) -> (i64, u64) {
        let (found, steps) = self.decider.index.first(&mut Given(args), arena);
        (found.map_or(-1, i64::from), steps)
    }

    /// The list of what the rules give that match, by the index, which are marked; and the steps. Not inlined, as [`Direct::search`].
    #[inline(never)]
    fn every<'a>(
        &'a self,
        arena: &'a Arena,
        marks: &mut Vec<Mark>,
        args: &[Word<'a>],
    ) -> (&'a Word<'a>, u64) {
        let from = marks.len();
        let index = &self.decider.index;
        let steps = index.all_marked(&mut Given(args), arena, marks);
        let found = marks.get_mut(from..).unwrap_or(&mut []);
        let (list, given) = match &*found {
            [] => (NOTHING, 0),
            [rule] if self.decider.more.is_empty() => (self.only(arena, rule.0), GIVE),
            several => {
                let list = self.list(arena, several.iter().map(|rule| rule.0));
                (list, GIVE * list.seq().len() as u64)
            }
        };
        for found in found {
            if let Some(rule) = self.decider.rules.get(found.0 as usize) {
                *found = rule.mark;
            }
        }
        (list, steps + given)
    }

    /// The list of what the rules give that a finder has marked.
    #[inline]
    fn marked<'a>(&'a self, arena: &'a Arena, marks: &[Mark]) -> &'a Word<'a> {
        match marks {
            [] => NOTHING,
            [mark] if self.decider.more.is_empty() => {
                let rule = self.decider.marked(*mark);
                rule.map_or(NOTHING, |rule| self.only(arena, rule))
            }
            several => {
                let rules = several.iter().filter_map(|mark| self.decider.marked(*mark));
                self.list(arena, rules)
            }
        }
    }

    /// The list of the one outcome of a rule, which is where that is.
    #[inline]
    fn only<'a>(&'a self, arena: &'a Arena, rule: u32) -> &'a Word<'a> {
        let rule = self.decider.rules.get(rule as usize);
        match (rule.map(|rule| rule.outcome()), self.lists) {
            (Some(Outcome::Const(constant)), Some(from)) => {
                self.constant(from.saturating_add(constant))
            }
            (Some(outcome), _) => arena.word(Word::Seq(slice::from_ref(self.given(outcome)))),
            (None, _) => NOTHING,
        }
    }

    /// The list of the outcomes of several rules.
    #[inline(never)]
    fn list<'a>(&'a self, arena: &'a Arena, rules: impl Iterator<Item = u32>) -> &'a Word<'a> {
        let mut list = arena.list();
        for rule in rules {
            let outcomes = self.decider.outcomes(rule as usize);
            list.extend(outcomes.map(|outcome| *self.given(outcome)));
        }
        arena.word(Word::Seq(list.into_bump_slice()))
    }

    /// What is given in a closed decision, which calls nothing for it.
    #[inline]
    fn given(&self, outcome: Outcome) -> &Word<'_> {
        match outcome {
            Outcome::Const(constant) => self.constant(constant),
            Outcome::Call(_) => &Word::None,
        }
    }

    #[inline]
    fn constant(&self, constant: u32) -> &Word<'_> {
        let constants = self.constants.word().seq();
        constants.get(constant as usize).unwrap_or(&Word::None)
    }

    /// Bytes of memory held beside the decider and the constants, which are the program's.
    pub fn bytes(&self) -> usize {
        size_of::<Direct>() + size_of_val(&self.functions[..])
    }
}

/// What a closed decision reads: arguments.
struct Given<'s, 'a>(&'s [Word<'a>]);

impl<'a> Facts<'a> for Given<'_, 'a> {
    #[inline]
    fn base(&mut self, base: Base) -> Word<'a> {
        match base {
            Base::Param(n) => *self.0.get(n as usize).unwrap_or(&Word::None),
            Base::Data(_) | Base::Id | Base::Time => Word::None,
        }
    }

    fn computed(&mut self, _function: u32) -> Word<'a> {
        Word::None
    }
}

/// A closed decision, at work.
struct Alone<'s, 'a, E: ?Sized> {
    direct: &'a Direct,
    executable: &'a E,
    arena: &'a Arena,
    marks: &'s mut Vec<Mark>,
    args: &'s [Word<'a>],
    steps: u64,
}

impl<'a, E: Executable + ?Sized> Facts<'a> for Alone<'_, 'a, E> {
    #[inline]
    fn base(&mut self, base: Base) -> Word<'a> {
        Given(self.args).base(base)
    }

    fn computed(&mut self, _function: u32) -> Word<'a> {
        Word::None
    }
}

impl<'a, E: Executable + ?Sized> Engine<'a> for Alone<'_, 'a, E> {
    fn arena(&self) -> &'a Arena {
        self.arena
    }

    #[inline]
    fn constant(&mut self, constant: u32) -> &'a Word<'a> {
        self.direct.constant(constant)
    }

    /// What is called is a finder that marks. Engines that have one count no steps.
    #[inline]
    fn enter(&mut self, function: u32, _more: Option<Word<'a>>) -> Word<'a> {
        if let Some(func) = self.direct.functions.get(function as usize) {
            let executable = self.executable;
            executable.find(*func, self.arena, self.marks, self.args);
        }
        Word::None
    }

    #[inline]
    fn find(&mut self, finder: u32) -> i64 {
        let Some(func) = self.direct.functions.get(finder as usize) else {
            return -1;
        };
        let (from, executable) = (self.marks.len(), self.executable);
        let found = executable.find(*func, self.arena, self.marks, self.args);
        self.marks.truncate(from);
        found
    }

    #[inline]
    fn marks(&self) -> &[Mark] {
        self.marks
    }

    #[inline]
    fn forget(&mut self, from: usize) {
        self.marks.truncate(from);
    }

    #[inline]
    fn mark(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    #[inline]
    fn steps(&mut self, steps: u64) {
        self.steps += steps;
    }
}

/// A function that only searches, at work.
struct Deciding<'s, 'a, E: ?Sized> {
    direct: &'a Direct,
    executable: &'a E,
    cx: &'s mut Cx<'a>,
    args: &'s [Word<'a>],
}

impl<'a, E: Executable + ?Sized> Facts<'a> for Deciding<'_, 'a, E> {
    #[inline]
    fn base(&mut self, base: Base) -> Word<'a> {
        base.read(self.args, self.cx)
    }

    fn computed(&mut self, function: u32) -> Word<'a> {
        self.call(function, None)
    }
}

impl<'a, E: Executable + ?Sized> Engine<'a> for Deciding<'_, 'a, E> {
    fn arena(&self) -> &'a Arena {
        self.cx.arena
    }

    #[inline]
    fn constant(&mut self, constant: u32) -> &'a Word<'a> {
        self.direct.constant(constant)
    }

    fn enter(&mut self, function: u32, more: Option<Word<'a>>) -> Word<'a> {
        let Some(func) = self.direct.functions.get(function as usize) else {
            return Word::None;
        };
        self.cx.steps += RULE;
        let args = match more {
            None => self.args,
            Some(word) => {
                let at = |i: usize| self.args.get(i).copied().unwrap_or(word);
                self.cx.arena.seq_with(self.args.len() + 1, at)
            }
        };
        *self.executable.run(*func, self.cx, args)
    }

    #[inline]
    fn marks(&self) -> &[Mark] {
        &self.cx.marks
    }

    #[inline]
    fn forget(&mut self, from: usize) {
        self.cx.marks.truncate(from);
    }

    #[inline]
    fn mark(&mut self, mark: Mark) {
        self.cx.marks.push(mark);
    }

    #[inline]
    fn steps(&mut self, steps: u64) {
        self.cx.steps += steps;
    }
}
