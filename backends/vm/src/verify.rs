//! What must hold of bytecode before it runs. Every program passes here, whether it was just compiled or read from a file.
//!
//! # The rules
//!
//! 1. Whatever an operand names exists: registers below the function's count, constants, patterns, natives, data, sites, tables,
//!    lists that end inside their pool, functions.
//! 2. A call passes as many words as the callee takes.
//! 3. Jumps go forward, to an opcode of the same function, and a function does not run past its end.
//! 4. No function calls itself, directly or not, and calls nest at most [`DEPTH_MAX`] deep.
//! 5. A register is written, on every path, before it is read.
//! 6. Lists and jump tables are not shared between opcodes, so that checking them is linear.
//! 7. The limits hold: see the constants.
//!
//! Of 3 and 4 it follows that running ends; the worst case is worked out here as well, and held against [`STEPS_MAX`].
//! Of 1, 2 and 5 it follows that running is a function of its inputs.
//!
//! Because jumps go forward, one sweep over a function meets every opcode behind everything that can come before it: what is
//! known at an opcode is the intersection of what its predecessors left. Linear but for the width of a register set.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::sync::Arc;

use tollgate_ir::cost::RULE;
use tollgate_ir::entities::{ConstId, DataId, FuncId, PatId, PlaceId, SiteId};
use tollgate_runtime::Pattern;

use crate::index_format;
use crate::operand::{Asked, Call, Dst, Each, List, NativeCall, Reg, Searched, TableIx, Target};
use crate::ops::{Flow, Op};
use crate::program::{Code, Program};
use crate::search;

/// Most registers of one function.
pub(crate) const FRAME_MAX: u32 = 1 << 16;
/// Most registers of a function and everything below it.
pub(crate) const STACK_MAX: u32 = 1 << 20;
/// How deep calls may nest: as deep as in the IR.
pub(crate) const DEPTH_MAX: u32 = tollgate_ir::verify::CALL_DEPTH_MAX;
/// Most steps one call may take in the worst case.
pub(crate) const STEPS_MAX: u64 = 1 << 40;
/// Most regular expressions, each of which may take [`REGEX_MAX`](tollgate_runtime::pattern::REGEX_MAX) bytes.
pub(crate) const REGEXES_MAX: usize = 1 << 12;
/// Most words of register sets that are kept at a time while a function is checked.
const PENDING_MAX: usize = 1 << 22;

/// What is wrong with a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Flaw {
    what: String,
    /// Whether the program is only too large.
    limit: bool,
    /// The function, and the opcode in it.
    at: Option<(String, u32)>,
}

impl Flaw {
    pub(crate) fn new(what: impl Into<String>) -> Flaw {
        Flaw {
            what: what.into(),
            limit: false,
            at: None,
        }
    }

    fn limit(what: impl Into<String>) -> Flaw {
        Flaw {
            limit: true,
            ..Flaw::new(what)
        }
    }

    /// Whether the program is only too large; otherwise it is wrong.
    pub(crate) fn is_limit(&self) -> bool {
        self.limit
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some((func, pc)) => write!(f, "in `{func}` at {pc}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// Checks a program, and works out how many registers and steps each function needs with what it calls.
pub(crate) fn verify(program: &mut Program) -> Result<(), Flaw> {
    entries(program)?;
    patterns(program)?;
    for index in &program.indexes {
        index_format::check(program, index)?;
    }
    let unclaimed = Cell::new(pooled(program));
    let order = callees_first(program)?;
    let searches = vec![OnceCell::new(); program.indexes.len()];
    let mut worst = vec![0u64; program.funcs.len()];
    for func in order {
        let summary = function(program, func, &worst, &searches, &unclaimed)?;
        worst[func as usize] = summary.steps;
        let direct = search::only(program, func).map(Arc::new);
        let code = &mut program.funcs[func as usize];
        code.direct = direct;
        code.stack = summary.stack;
        code.bound = summary.steps;
    }
    Ok(())
}

fn entries(program: &Program) -> Result<(), Flaw> {
    let count = program.funcs.len();
    for (name, func) in &program.entries {
        if func.0 as usize >= count {
            return Err(Flaw::new(format!("entry `{name}` calls no function")));
        }
    }
    Ok(())
}

fn patterns(program: &Program) -> Result<(), Flaw> {
    let regexes = program.patterns.iter();
    let regexes = regexes.filter(|p| matches!(p, Pattern::Regex(_))).count();
    if regexes > REGEXES_MAX {
        return Err(Flaw::limit(format!(
            "{regexes} regular expressions, the limit is {REGEXES_MAX}"
        )));
    }
    Ok(())
}

/// How many entries all lists and tables have.
fn pooled(program: &Program) -> usize {
    let cases = program.tables.iter().map(|table| table.cases.len() + 1);
    program.lists.len() + cases.sum::<usize>()
}

/// All functions, each behind those that it calls.
///
/// A depth-first walk with its own stack. The depth of a function is one more than that of its deepest callee.
fn callees_first(program: &Program) -> Result<Vec<u32>, Flaw> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done(u32),
    }
    let count = program.funcs.len();
    let mut callees = Vec::with_capacity(count);
    for code in &program.funcs {
        callees.push(calls_of(program, code)?);
    }
    let mut states = vec![State::New; count];
    let mut order = Vec::with_capacity(count);
    let mut stack: Vec<(u32, usize, u32)> = Vec::new();
    for root in 0..count as u32 {
        if states[root as usize] == State::New {
            states[root as usize] = State::Open;
            stack.push((root, 0, 1));
        }
        while let Some((func, next, depth)) = stack.last_mut() {
            let name = &program.funcs[*func as usize].name;
            let Some(callee) = callees[*func as usize].get(*next).copied() else {
                if *depth > DEPTH_MAX {
                    return Err(Flaw::limit(format!(
                        "calls below `{name}` nest {depth} deep, the limit is {DEPTH_MAX}"
                    )));
                }
                let (func, depth) = (*func, *depth);
                states[func as usize] = State::Done(depth);
                order.push(func);
                stack.pop();
                if let Some((_, _, above)) = stack.last_mut() {
                    *above = (*above).max(depth + 1);
                }
                continue;
            };
            *next += 1;
            match states[callee as usize] {
                State::New => {
                    states[callee as usize] = State::Open;
                    stack.push((callee, 0, 1));
                }
                State::Open => {
                    return Err(Flaw::new(format!(
                        "`{}` calls itself",
                        program.funcs[callee as usize].name
                    )));
                }
                State::Done(below) => *depth = (*depth).max(below + 1),
            }
        }
    }
    Ok(order)
}

/// The functions that a function calls, each once.
fn calls_of(program: &Program, code: &Code) -> Result<Vec<u32>, Flaw> {
    let mut callees = Vec::new();
    for op in ops_of(program, code) {
        op.callees(program, &mut |callee| callees.push(callee));
    }
    if callees.iter().any(|c| *c as usize >= program.funcs.len()) {
        return Err(Flaw::new(format!("`{}` calls no function", code.name)));
    }
    callees.sort_unstable();
    callees.dedup();
    Ok(callees)
}

fn ops_of<'p>(program: &'p Program, code: &Code) -> &'p [Op] {
    &program.ops[code.ops.start as usize..code.ops.end as usize]
}

/// What a function needs, with everything that it calls.
struct Summary {
    stack: u32,
    steps: u64,
}

fn function(
    program: &Program,
    func: u32,
    worst: &[u64],
    searches: &[OnceCell<(u32, u64)>],
    unclaimed: &Cell<usize>,
) -> Result<Summary, Flaw> {
    let code = &program.funcs[func as usize];
    let ops = ops_of(program, code);
    let located = |pc: usize, flaw: Flaw| Flaw {
        at: Some((code.name.to_string(), pc as u32)),
        ..flaw
    };
    if code.frame > FRAME_MAX {
        let what = format!("{} registers, the limit is {FRAME_MAX}", code.frame);
        return Err(located(0, Flaw::limit(what)));
    }
    if code.params > code.frame {
        return Err(located(0, Flaw::new("more parameters than registers")));
    }
    let mut checker = Checker {
        program,
        code,
        worst,
        searches,
        unclaimed,
        pc: 0,
        len: ops.len(),
        now: Some(Known::parameters(code)),
        pending: (0..ops.len()).map(|_| None).collect(),
        pending_words: 0,
        below: 0,
        called: 0,
        steps: 0,
    };
    for (pc, op) in ops.iter().enumerate() {
        checker.pc = pc;
        checker.step(op).map_err(|flaw| located(pc, flaw))?;
    }
    if checker.now.is_some() {
        return Err(located(
            ops.len(),
            Flaw::new("the function does not return"),
        ));
    }
    if checker.steps > STEPS_MAX {
        let what = format!(
            "{} steps in the worst case, the limit is {STEPS_MAX}",
            checker.steps
        );
        return Err(located(0, Flaw::limit(what)));
    }
    let stack = code.frame.saturating_add(checker.below);
    if stack > STACK_MAX {
        let what = format!("{stack} registers with all calls, the limit is {STACK_MAX}");
        return Err(located(0, Flaw::limit(what)));
    }
    Ok(Summary {
        stack,
        steps: checker.steps,
    })
}

/// What holds at a point of a function whatever path led there.
#[derive(Clone)]
struct Known {
    /// A bit a register: whether it was written.
    written: Box<[u64]>,
    /// Most steps taken so far.
    steps: u64,
}

impl Known {
    fn parameters(code: &Code) -> Known {
        let mut known = Known {
            written: vec![0; code.frame.div_ceil(64) as usize].into(),
            steps: 0,
        };
        (0..code.params).for_each(|r| known.write(r));
        known
    }

    fn write(&mut self, register: u32) {
        if let Some(word) = self.written.get_mut(register as usize / 64) {
            *word |= 1 << (register % 64);
        }
    }

    fn has(&self, register: u32) -> bool {
        let word = self.written.get(register as usize / 64);
        word.is_some_and(|word| word >> (register % 64) & 1 == 1)
    }

    fn meet(&mut self, other: &Known) {
        for (a, b) in self.written.iter_mut().zip(&other.written) {
            *a &= b;
        }
        self.steps = self.steps.max(other.steps);
    }
}

/// One sweep over a function.
pub(crate) struct Checker<'p> {
    program: &'p Program,
    code: &'p Code,
    /// Worst-case steps of the functions below.
    worst: &'p [u64],
    /// Registers and steps that a search of each index needs, once it is asked for.
    searches: &'p [OnceCell<(u32, u64)>],
    /// Entries of lists and tables that no opcode has named yet.
    unclaimed: &'p Cell<usize>,
    pc: usize,
    len: usize,
    /// What is known here; nothing comes here if absent.
    now: Option<Known>,
    /// What the jumps to an opcode ahead left.
    pending: Vec<Option<Known>>,
    pending_words: usize,
    /// Most registers that something called from here needs.
    below: u32,
    /// Most steps that what the current opcode calls takes.
    called: u64,
    /// Most steps of a path that ended.
    steps: u64,
}

impl Checker<'_> {
    fn step(&mut self, op: &Op) -> Result<(), Flaw> {
        if let Some(known) = self.pending[self.pc].take() {
            self.pending_words -= known.written.len();
            match &mut self.now {
                Some(now) => now.meet(&known),
                None => self.now = Some(known),
            }
        }
        self.called = 0;
        op.check(self)?;
        if let Some(now) = &mut self.now {
            if let Some(Dst(register)) = op.writes() {
                now.write(register);
            }
            now.steps = now
                .steps
                .saturating_add(op.steps())
                .saturating_add(self.called);
        }
        op.targets(self)?;
        match op.flow() {
            Flow::Next | Flow::Branch => {}
            Flow::Jump => self.now = None,
            Flow::End => {
                let ended = self.now.take();
                self.steps = self.steps.max(ended.map_or(0, |known| known.steps));
            }
        }
        Ok(())
    }

    pub(crate) fn register(&self, register: u32) -> Result<(), Flaw> {
        if register < self.code.frame {
            return Ok(());
        }
        Err(Flaw::new(format!(
            "no register r{register}, there are {}",
            self.code.frame
        )))
    }

    pub(crate) fn read(&self, Reg(register): Reg) -> Result<(), Flaw> {
        self.register(register)?;
        match &self.now {
            Some(now) if !now.has(register) => Err(Flaw::new(format!(
                "r{register} is read but not written on every path"
            ))),
            _ => Ok(()),
        }
    }

    pub(crate) fn forward(&self, Target(to): Target) -> Result<(), Flaw> {
        if to as usize > self.pc && (to as usize) < self.len {
            return Ok(());
        }
        Err(Flaw::new(format!(
            "a jump to {to} does not go forward to an opcode"
        )))
    }

    /// Keeps what is known here for the target of a jump.
    pub(crate) fn reach(&mut self, Target(to): Target) -> Result<(), Flaw> {
        let Some(now) = &self.now else {
            return Ok(());
        };
        match &mut self.pending[to as usize] {
            Some(known) => known.meet(now),
            none => {
                self.pending_words += now.written.len();
                if self.pending_words > PENDING_MAX {
                    return Err(Flaw::limit("the function is too large to check"));
                }
                *none = Some(now.clone());
            }
        }
        Ok(())
    }

    pub(crate) fn table(&self, table: TableIx) -> Result<(), Flaw> {
        let Some(table) = self.program.table(table) else {
            return Err(Flaw::new(format!("no jump table {}", table.0)));
        };
        self.claim(table.cases.len() + 1)?;
        self.forward(table.default)?;
        table.cases.iter().try_for_each(|(_, to)| self.forward(*to))
    }

    pub(crate) fn reach_table(&mut self, table: TableIx) -> Result<(), Flaw> {
        let program = self.program;
        let Some(table) = program.table(table) else {
            return Ok(());
        };
        self.reach(table.default)?;
        table.cases.iter().try_for_each(|(_, to)| self.reach(*to))
    }

    pub(crate) fn constant(&self, id: ConstId) -> Result<(), Flaw> {
        self.exists("constant", id.0, self.program.constants().len())
    }

    pub(crate) fn data(&self, id: DataId) -> Result<(), Flaw> {
        self.exists("data", id.0, self.program.data.len())
    }

    pub(crate) fn pattern(&self, id: PatId) -> Result<(), Flaw> {
        self.exists("pattern", id.0, self.program.patterns.len())
    }

    pub(crate) fn site(&self, id: SiteId) -> Result<(), Flaw> {
        self.exists("site", id.0, self.program.sites.len())
    }

    pub(crate) fn place(&self, id: PlaceId) -> Result<(), Flaw> {
        self.exists("place", id.0, self.program.places.len())
    }

    pub(crate) fn list(&self, list: List) -> Result<(), Flaw> {
        self.registers(list.0, 0, self.program.list(list))
    }

    pub(crate) fn call(&mut self, call: Call) -> Result<(), Flaw> {
        let (func, args) = self.program.call(call);
        self.registers(call.0, 1, args)?;
        self.callee(func, args.len())?;
        self.called = self.worst[func as usize];
        Ok(())
    }

    pub(crate) fn each(&mut self, each: Each) -> Result<(), Flaw> {
        let (func, max, args) = self.program.each(each);
        self.registers(each.0, 2, args)?;
        self.callee(func, args.len() + 1)?;
        self.called = self.worst[func as usize].saturating_mul(max.into());
        Ok(())
    }

    pub(crate) fn native(&mut self, call: NativeCall) -> Result<(), Flaw> {
        let (native, args) = self.program.native_call(call);
        self.registers(call.0, 1, args)?;
        let Some(native) = self.program.natives.get(native as usize) else {
            return Err(Flaw::new(format!("no native {native}")));
        };
        takes(native.name, native.params.len(), args.len())?;
        // Natives take their arguments where a callee would.
        self.below = self.below.max(args.len() as u32);
        self.called = native.cost.into();
        Ok(())
    }

    pub(crate) fn asked(&mut self, asked: Asked) -> Result<(), Flaw> {
        let (place, args) = self.program.asked(asked);
        self.registers(asked.0, 1, args)?;
        let Some((name, params)) = self.program.places.get(place as usize) else {
            return Err(Flaw::new(format!("no place {place}")));
        };
        takes(name, *params as usize, args.len())?;
        self.below = self.below.max(args.len() as u32);
        Ok(())
    }

    pub(crate) fn searched(&mut self, searched: Searched) -> Result<(), Flaw> {
        let (index, args) = self.program.searched(searched);
        self.registers(searched.0, 1, args)?;
        let Some(of) = self.program.indexes.get(index as usize) else {
            return Err(Flaw::new(format!("no index {index}")));
        };
        takes(&of.name, of.params as usize, args.len())?;
        let (stack, steps) = *self.searches[index as usize].get_or_init(|| {
            let funcs = of
                .functions
                .iter()
                .map(|f| &self.program.funcs[*f as usize]);
            let call = |number: u32| {
                let func = of.functions.get(number as usize);
                func.map_or(0, |f| self.worst[*f as usize])
                    .saturating_add(RULE)
            };
            let stack = funcs.map(|f| f.stack).max().unwrap_or(0);
            (stack, of.decider.bound(&call))
        });
        self.below = self.below.max(stack);
        self.called = steps;
        Ok(())
    }

    fn callee(&mut self, func: u32, args: usize) -> Result<(), Flaw> {
        let Some(callee) = self.program.funcs.get(func as usize) else {
            return Err(Flaw::new(format!("no function {func}")));
        };
        takes(&callee.name, callee.params as usize, args)?;
        self.below = self.below.max(callee.stack);
        Ok(())
    }

    /// `at` is where a list of `lead` numbers, a length and registers begins.
    fn registers(&self, at: u32, lead: usize, registers: &[u32]) -> Result<(), Flaw> {
        let len = self.program.lists.get(at as usize + lead);
        if len.map(|len| *len as usize) != Some(registers.len()) {
            return Err(Flaw::new(format!("no list {at}")));
        }
        self.claim(lead + 1 + registers.len())?;
        registers.iter().try_for_each(|r| self.read(Reg(*r)))
    }

    fn claim(&self, entries: usize) -> Result<(), Flaw> {
        match self.unclaimed.get().checked_sub(entries) {
            Some(left) => {
                self.unclaimed.set(left);
                Ok(())
            }
            None => Err(Flaw::new("lists or jump tables are shared")),
        }
    }

    fn exists(&self, what: &str, index: u32, count: usize) -> Result<(), Flaw> {
        if (index as usize) < count {
            return Ok(());
        }
        Err(Flaw::new(format!("no {what} {index}, there are {count}")))
    }
}

/// Whether something is given as many words as it takes.
fn takes(name: &str, params: usize, given: usize) -> Result<(), Flaw> {
    if params == given {
        return Ok(());
    }
    let message = format!("`{name}` takes {params} words, not {given}");
    Err(Flaw::new(message))
}

impl Program {
    /// Most steps that a call of this function can take, if its inputs keep to their types; 0 if there is no such function.
    pub fn bound(&self, func: FuncId) -> u64 {
        self.funcs.get(func.0 as usize).map_or(0, |code| code.bound)
    }
}

#[cfg(test)]
mod tests;
