//! Symbolic evaluation: a condition function is run on terms instead of words.
//!
//! (J. C. King, *Symbolic execution and program testing*, 1976.) Every branch goes forward, so each block is run once for
//! the parameters it is given, what it answers is kept, and a branch is a choice between two answers.

use rustc_hash::FxHashMap;

use super::graph::Ask;
use super::terms::TermId;
use super::{Builder, CALLS_MAX, GiveUp};
use crate::cfg::Cfg;
use crate::dom::Dom;
use crate::entities::{Block, FuncId, InstId, Val};
use crate::instructions::{Effect, Inst};
use crate::module::{Func, Terminator};
use crate::types::Type;

/// Largest term that a call is replaced by: each feature that asks about it writes it out.
const INLINE_MAX: usize = 64;

/// A block whose branches are being followed.
#[derive(Debug)]
pub(super) struct Frame {
    block: Block,
    /// Where its answer is kept.
    keep: usize,
    on: On,
    /// How many branches were followed.
    followed: usize,
}

/// What decides between branches.
#[derive(Clone, Copy, Debug)]
enum On {
    /// Only this branch, by number, is taken.
    One(usize),
    Truth(Ask),
    Number(TermId),
}

/// A run of one function.
struct Run<'m> {
    func: &'m Func,
    /// Where its values begin in the environment.
    env: usize,
    /// Where its blocks' answers begin.
    answers: usize,
    variants: Option<Variants>,
}

/// Blocks that are given different parameters by different branches are run for each. What a block sees beside its parameters
/// is what its dominators define, so an answer holds for the parameters and the variant of the immediate dominator.
struct Variants {
    dom: Dom,
    /// The variant of each block that was run last: for dominators of what is run now, the one that is in force.
    current: Vec<usize>,
    known: FxHashMap<(Block, usize, Vec<TermId>), usize>,
}

impl<'m> Builder<'m> {
    /// What a function of terms to a truth value asks.
    pub(super) fn run(&mut self, id: FuncId, args: &[TermId]) -> Result<Ask, GiveUp> {
        let func = &self.module.funcs[id];
        self.spend(1 + func.vals.len() / 16 + func.blocks.len() / 4)?;
        let mut run = self.start(func, args);
        let answer = self.follow(&mut run)?;
        self.env.truncate(run.env);
        self.answers.truncate(run.answers);
        Ok(answer)
    }

    /// The term that a call gives: of what the function computes where that is short and does not branch, else of the call.
    pub(super) fn call(&mut self, id: FuncId, args: &[TermId]) -> Result<TermId, GiveUp> {
        let func = &self.module.funcs[id];
        let inst = Inst::Call {
            func: id,
            args: args.into(),
        };
        let call = self.terms.make(self.module, inst, func.result);
        if func.result == Type::BOOL || self.calls >= CALLS_MAX {
            return Ok(call);
        }
        if let Some(term) = self.inlined.get(&call) {
            return Ok(*term);
        }
        self.calls += 1;
        self.spend(1 + func.vals.len() / 16)?;
        let run = self.start(func, args);
        let term = self.straight(&run)?;
        let term = term.filter(|term| self.terms.size(*term) <= INLINE_MAX);
        let term = term.unwrap_or(call);
        self.env.truncate(run.env);
        self.answers.truncate(run.answers);
        self.calls -= 1;
        self.inlined.insert(call, term);
        self.terms.replaced(call, term);
        Ok(term)
    }

    fn start(&mut self, func: &'m Func, args: &[TermId]) -> Run<'m> {
        let (env, answers) = (self.env.len(), self.answers.len());
        self.env.resize(env + func.vals.len(), Val(u32::MAX));
        self.answers
            .resize(answers + func.blocks.len(), Ask::UNKNOWN);
        for (param, arg) in func.params().iter().zip(args) {
            self.env[env + param.0 as usize] = *arg;
        }
        Run {
            func,
            env,
            answers,
            variants: variants(func),
        }
    }

    /// The value returned, if there is only one way through.
    fn straight(&mut self, run: &Run<'m>) -> Result<Option<TermId>, GiveUp> {
        let mut block = Func::ENTRY;
        loop {
            self.block(run, block)?;
            let term = &run.func.blocks[block].term;
            if let Terminator::Return(val) = term {
                return Ok(Some(self.term(run, *val)));
            }
            let Some(branch) = self.only(run, term) else {
                return Ok(None);
            };
            let Some(jump) = branch_of(term, branch) else {
                return Ok(None);
            };
            let to = &run.func.blocks[jump.block];
            for (param, arg) in to.params.iter().zip(&jump.args) {
                let arg = self.term(run, *arg);
                self.env[run.env + param.0 as usize] = arg;
            }
            block = jump.block;
        }
    }

    /// Runs the blocks, each once, with a stack of its own: conditions may be long.
    fn follow(&mut self, run: &mut Run<'m>) -> Result<Ask, GiveUp> {
        let (bottom, results) = (self.frames.len(), self.results.len());
        let mut answer = self.enter(run, Func::ENTRY, &[])?;
        loop {
            // A block was answered: hand the answer to the branch that asked.
            if let Some(known) = answer.take() {
                self.results.push(known);
            }
            if self.frames.len() == bottom {
                let known = self.results.pop();
                self.results.truncate(results);
                return Ok(known.unwrap_or(Ask::NEVER));
            }
            let Some(frame) = self.frames.last_mut() else {
                crate::bug!("a run without blocks")
            };
            let term = &run.func.blocks[frame.block].term;
            let branch = match frame.on {
                On::One(only) => (frame.followed == 0).then_some(only),
                _ => Some(frame.followed),
            };
            if let Some(jump) = branch.and_then(|branch| branch_of(term, branch)) {
                frame.followed += 1;
                answer = self.enter(run, jump.block, &jump.args)?;
                continue;
            }
            let Some(frame) = self.frames.pop() else {
                crate::bug!("a run without blocks")
            };
            let from = self.results.len() - frame.followed;
            let asked = match frame.on {
                On::One(_) => self.results[from],
                On::Truth(c) => {
                    let (a, b) = (self.results[from], self.results[from + 1]);
                    self.graph.choice(c, a, b)
                }
                On::Number(on) => self.switch(on, term, from)?,
            };
            self.results.truncate(from);
            self.answers[frame.keep] = asked;
            answer = Some(asked);
        }
    }

    /// The answer of a block if it is known or needs no branch; else its frame is on the stack.
    fn enter(
        &mut self,
        run: &mut Run<'m>,
        block: Block,
        args: &[Val],
    ) -> Result<Option<Ask>, GiveUp> {
        let mut keep = run.answers + block.0 as usize;
        let data = &run.func.blocks[block];
        if let Some(variants) = &mut run.variants {
            let args = args.iter().map(|v| self.env[run.env + v.0 as usize]);
            let above = variants
                .dom
                .idom(block)
                .map_or(0, |b| variants.current[b.0 as usize]);
            let next = self.answers.len();
            let key = (block, above, args.collect());
            keep = *variants.known.entry(key).or_insert(next);
            variants.current[block.0 as usize] = keep;
            if keep == next {
                self.answers.push(Ask::UNKNOWN);
            }
        }
        if self.answers[keep] != Ask::UNKNOWN {
            return Ok(Some(self.answers[keep]));
        }
        for (param, arg) in data.params.iter().zip(args) {
            let arg = self.term(run, *arg);
            self.env[run.env + param.0 as usize] = arg;
        }
        if self.prefixes && data.insts.iter().any(|i| asks(&run.func.insts[*i].inst)) {
            // Whatever is answered, the condition came as far as this.
            self.answers[keep] = Ask::ALWAYS;
            return Ok(Some(Ask::ALWAYS));
        }
        self.block(run, block)?;
        let on = match &data.term {
            Terminator::Return(val) => {
                let term = self.term(run, *val);
                let asked = self.ask(term)?;
                self.answers[keep] = asked;
                return Ok(Some(asked));
            }
            term => match self.only(run, term) {
                Some(branch) => On::One(branch),
                None => match term {
                    Terminator::Switch(val, ..) => On::Number(self.term(run, *val)),
                    Terminator::Br(val, ..) => {
                        let term = self.term(run, *val);
                        let asked = self.ask(term)?;
                        match asked.constant() {
                            Some(truth) => On::One(usize::from(!truth)),
                            None => On::Truth(asked),
                        }
                    }
                    Terminator::Jump(_) | Terminator::Return(_) => On::One(0),
                },
            },
        };
        self.frames.push(Frame {
            block,
            keep,
            on,
            followed: 0,
        });
        Ok(None)
    }

    /// The branch that is taken whatever the parameters, if one is.
    fn only(&self, run: &Run<'m>, term: &Terminator) -> Option<usize> {
        match term {
            Terminator::Jump(_) => Some(0),
            Terminator::Br(val, ..) => match self.terms.inst(self.term(run, *val))? {
                Inst::Bconst { imm } => Some(usize::from(!imm.0)),
                _ => None,
            },
            Terminator::Switch(val, cases, _) => match self.terms.inst(self.term(run, *val))? {
                Inst::Iconst { imm } => {
                    let case = cases.iter().position(|(value, _)| *value == imm.0);
                    Some(case.unwrap_or(cases.len()))
                }
                _ => None,
            },
            Terminator::Return(_) => None,
        }
    }

    /// The choice by a number, whose branches' answers begin at `from`, cases first. Cases of one answer are one atom.
    fn switch(&mut self, on: TermId, term: &Terminator, from: usize) -> Result<Ask, GiveUp> {
        let Terminator::Switch(_, cases, _) = term else {
            crate::bug!("a number decides only at a switch");
        };
        let mut answers: Vec<(Ask, Vec<(i64, i64)>)> = Vec::new();
        let mut places: FxHashMap<Ask, usize> = FxHashMap::default();
        for ((value, _), answer) in cases.iter().zip(&self.results[from..]) {
            let place = *places.entry(*answer).or_insert(answers.len());
            if place == answers.len() {
                answers.push((*answer, Vec::new()));
            }
            answers[place].1.push((*value, *value));
        }
        let otherwise = self.results[from + cases.len()];
        let mut asked = otherwise;
        for (answer, values) in answers.into_iter().rev() {
            let is = self.ints(on, values)?;
            asked = self.graph.choice(is, answer, asked);
        }
        Ok(asked)
    }

    #[inline]
    fn term(&self, run: &Run<'m>, val: Val) -> TermId {
        self.env[run.env + val.0 as usize]
    }

    /// Makes the terms of a block.
    fn block(&mut self, run: &Run<'m>, block: Block) -> Result<(), GiveUp> {
        let insts = &run.func.blocks[block].insts;
        self.spend(1 + insts.len())?;
        insts.iter().try_for_each(|inst| self.inst(run, *inst))
    }

    fn inst(&mut self, run: &Run<'m>, id: InstId) -> Result<(), GiveUp> {
        let data = &run.func.insts[id];
        let (Some(result), false) = (data.result, data.inst.effect() == Effect::Visible) else {
            return Err(GiveUp);
        };
        let mut inst = data.inst.clone();
        let env = &self.env[run.env..];
        inst.vals_mut(|v| *v = env[v.0 as usize]);
        let term = match inst {
            Inst::Call { func, args } => self.call(func, &args)?,
            inst => self.terms.make(self.module, inst, run.func.ty(result)),
        };
        self.env[run.env + result.0 as usize] = term;
        Ok(())
    }
}

fn asks(inst: &Inst) -> bool {
    matches!(inst, Inst::Ask { .. })
}

/// A branch by its number: of a switch the cases and then the default.
fn branch_of(term: &Terminator, branch: usize) -> Option<&crate::module::Jump> {
    match term {
        Terminator::Jump(to) => (branch == 0).then_some(to),
        Terminator::Br(_, yes, no) => match branch {
            0 => Some(yes),
            1 => Some(no),
            _ => None,
        },
        Terminator::Switch(_, cases, default) => match cases.get(branch) {
            Some((_, to)) => Some(to),
            None => (branch == cases.len()).then_some(default),
        },
        Terminator::Return(_) => None,
    }
}

/// What is needed to tell variants of blocks apart, if a block is given parameters by more than one branch.
fn variants(func: &Func) -> Option<Variants> {
    let mut blocks = func.blocks.values().skip(1);
    if blocks.all(|b| b.params.is_empty()) {
        return None;
    }
    let mut branches = vec![0_u32; func.blocks.len()];
    for block in func.blocks.values() {
        for jump in block.term.jumps() {
            branches[jump.block.0 as usize] += 1;
        }
    }
    let mut blocks = func.blocks.iter();
    if blocks.all(|(id, b)| b.params.is_empty() || branches[id.0 as usize] <= 1) {
        return None;
    }
    Some(Variants {
        dom: Dom::new(func, &Cfg::new(func)),
        current: vec![0; func.blocks.len()],
        known: FxHashMap::default(),
    })
}
