//! A compiled program in memory.

use std::ops::Range;
use std::sync::Arc;

use tollgate_backend_api::Direct;
use tollgate_ir::entities::FuncId;
use tollgate_ir::module::Site;
use tollgate_runtime::index::{Decider, Formula};
use tollgate_runtime::{Frozen, Native, Pattern, Value, Word};

use crate::operand::{Asked, Call, Each, List, NativeCall, Searched, TableIx, Target};
use crate::ops::Op;

/// A compiled program: what [`crate::Vm`] makes of IR, or what [`Program::load`] reads from a file.
///
/// Immutable, and shared between threads; what a decision needs beside it lies in the decision's arena.
#[derive(Debug)]
pub struct Program {
    /// The code of all functions, one behind the other.
    pub(crate) ops: Vec<Op>,
    /// Functions, numbered as in the IR.
    pub(crate) funcs: Vec<Code>,
    /// Operands of opcodes that take any number: see `List`, `Call`, `Each`, `NativeCall`.
    pub(crate) lists: Vec<u32>,
    /// Jump tables.
    pub(crate) tables: Vec<Table>,
    /// Constants, as one sequence, so that a constant is two loads away.
    pub(crate) consts: Arc<Frozen>,
    /// Patterns.
    pub(crate) patterns: Vec<Pattern>,
    /// Natives.
    pub(crate) natives: Vec<&'static Native>,
    /// Names of the data that the host gives, in order.
    pub(crate) data: Vec<Box<str>>,
    /// Places that ask states, and how many words each is given.
    pub(crate) places: Vec<(Box<str>, u32)>,
    /// Places that marks name.
    pub(crate) sites: Vec<Site>,
    /// Rule sets that are searched.
    pub(crate) indexes: Vec<RuleIndex>,
    /// What a host can call.
    pub(crate) entries: Vec<(Box<str>, FuncId)>,
}

/// A compiled function.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    /// Its name.
    pub(crate) name: Box<str>,
    /// How many parameters it has; they arrive in its first registers.
    pub(crate) params: u32,
    /// How many registers it has.
    pub(crate) frame: u32,
    /// Where its code stands in `Program::ops`.
    pub(crate) ops: Range<u32>,
    /// Registers it needs together with everything it calls; the verifier works it out.
    pub(crate) stack: u32,
    /// Most steps a call takes; the verifier works it out.
    pub(crate) bound: u64,
    /// How it decides, where it does nothing else but search and return what is found; the verifier works it out.
    pub(crate) direct: Option<Arc<Direct>>,
}

/// A rule set that is searched.
#[derive(Clone, Debug)]
pub(crate) struct RuleIndex {
    /// Its name.
    pub(crate) name: Box<str>,
    /// How many parameters it has.
    pub(crate) params: u32,
    /// The functions it calls, which the decider numbers by their places here.
    pub(crate) functions: Vec<u32>,
    /// The conditions of its rules, which the tree of the decider is made of.
    pub(crate) conditions: Arc<[Formula]>,
    /// How it decides; constants and sites are numbered as in the program.
    pub(crate) decider: Arc<Decider>,
}

/// A jump table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Values and where they go, sorted, distinct.
    pub(crate) cases: Vec<(i64, Target)>,
    /// Where all other values go.
    pub(crate) default: Target,
    /// The targets of `cases[0].0 ..`, where the cases stand close enough together.
    pub(crate) dense: Vec<Target>,
}

/// A table is kept as an array when that takes at most so many entries a case.
const SPARSITY: u64 = 4;

impl Table {
    /// A table of sorted, distinct cases.
    pub(crate) fn new(cases: Vec<(i64, Target)>, default: Target) -> Table {
        let mut dense = Vec::new();
        if let (Some((first, _)), Some((last, _))) = (cases.first(), cases.last()) {
            let span = last.abs_diff(*first);
            if span < SPARSITY * cases.len() as u64 {
                dense = vec![default; span as usize + 1];
                for (value, target) in &cases {
                    if let Some(slot) = dense.get_mut(value.abs_diff(*first) as usize) {
                        *slot = *target;
                    }
                }
            }
        }
        Table {
            cases,
            default,
            dense,
        }
    }

    /// Where a value goes: one load, or a binary search where the cases lie far apart.
    #[inline]
    pub(crate) fn find(&self, value: i64) -> Target {
        if let (false, Some((first, _))) = (self.dense.is_empty(), self.cases.first()) {
            let at = value.wrapping_sub(*first) as u64;
            return usize::try_from(at)
                .ok()
                .and_then(|at| self.dense.get(at))
                .copied()
                .unwrap_or(self.default);
        }
        match self.cases.binary_search_by_key(&value, |(v, _)| *v) {
            Ok(at) => self.cases[at].1,
            Err(_) => self.default,
        }
    }

    /// Replaces its targets.
    pub(crate) fn retarget(&mut self, map: &mut dyn FnMut(Target) -> Target) {
        let cases = std::mem::take(&mut self.cases);
        let cases = cases.into_iter().map(|(v, t)| (v, map(t))).collect();
        *self = Table::new(cases, map(self.default));
    }
}

impl Program {
    /// The function that an entry of this name calls.
    pub fn entry(&self, name: &str) -> Option<FuncId> {
        let found = self.entries.iter().find(|(n, _)| &**n == name);
        found.map(|(_, func)| *func)
    }

    /// Names of the data that the host gives, in the order of `Cx::data`.
    pub fn data(&self) -> impl Iterator<Item = &str> {
        self.data.iter().map(|name| &**name)
    }

    /// What a mark means.
    pub fn site(&self, mark: tollgate_runtime::Mark) -> Option<&Site> {
        self.sites.get(mark.0 as usize)
    }

    /// How many functions there are.
    pub fn functions(&self) -> usize {
        self.funcs.len()
    }

    /// How many opcodes there are, of 16 bytes each.
    pub fn opcodes(&self) -> usize {
        self.ops.len()
    }

    /// The registers of a list.
    #[inline]
    pub(crate) fn list(&self, list: List) -> &[u32] {
        self.registers(list.0 as usize)
    }

    /// The function and the registers of a call.
    #[inline]
    pub(crate) fn call(&self, call: Call) -> (u32, &[u32]) {
        let at = call.0 as usize;
        (self.pooled(at), self.registers(at + 1))
    }

    /// The function, the most elements and the registers of a call once an element.
    #[inline]
    pub(crate) fn each(&self, each: Each) -> (u32, u32, &[u32]) {
        let at = each.0 as usize;
        (self.pooled(at), self.pooled(at + 1), self.registers(at + 2))
    }

    /// The place and the registers of an operation on states.
    #[inline]
    pub(crate) fn asked(&self, asked: Asked) -> (u32, &[u32]) {
        self.native_call(NativeCall(asked.0))
    }

    /// The native and the registers of a call of one.
    #[inline]
    pub(crate) fn native_call(&self, call: NativeCall) -> (u32, &[u32]) {
        let at = call.0 as usize;
        (self.pooled(at), self.registers(at + 1))
    }

    /// The index and the registers of a decision by one.
    #[inline]
    pub(crate) fn searched(&self, searched: Searched) -> (u32, &[u32]) {
        let at = searched.0 as usize;
        (self.pooled(at), self.registers(at + 1))
    }

    /// A jump table, if there is one of this index.
    #[inline]
    pub(crate) fn table(&self, table: TableIx) -> Option<&Table> {
        self.tables.get(table.0 as usize)
    }

    /// The constants, in order.
    #[inline]
    pub(crate) fn constants(&self) -> &[Word<'_>] {
        self.consts.word().seq()
    }

    fn pooled(&self, at: usize) -> u32 {
        self.lists.get(at).copied().unwrap_or(u32::MAX)
    }

    /// The registers behind a length; none where the pool ends before them, which the verifier refuses.
    fn registers(&self, at: usize) -> &[u32] {
        let Some((len, rest)) = self.lists.get(at..).and_then(<[u32]>::split_first) else {
            return &[];
        };
        rest.get(..*len as usize).unwrap_or(&[])
    }
}

/// The constants of a program in one block of memory.
pub(crate) fn freeze(consts: &[&Value]) -> Arc<Frozen> {
    Arc::new(Frozen::new(|arena| {
        Word::Seq(arena.seq_with(consts.len(), |i| consts[i].word(arena)))
    }))
}
