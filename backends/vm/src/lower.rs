//! From IR to bytecode: one sweep a function.
//!
//! Blocks are emitted in their order, so jumps stay forward. The values of a block's parameters are copied on the way there:
//! in front of a jump, or behind a branch on a stretch of code of its own. Jump targets are labels until the
//! function is complete: first one a block, then one an edge that needs such a stretch.

mod branches;
mod select;

use tollgate_backend_api::CompileError;
use tollgate_ir::Legalized;
use tollgate_ir::entities::{Block, Entity, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::module::{Def, Func, Jump, Module, Target as EntryTarget, Terminator};

use crate::fuse::Fusion;
use crate::index_format;
use crate::operand::{Dst, Reg, TableIx, Target};
use crate::ops::Op;
use crate::program::{Code, Program, RuleIndex, Table, freeze};
use crate::slots::{Slots, sequence};

/// Compiles every function. Linear in the size of the module.
pub(crate) fn lower(module: &Legalized) -> Result<Program, CompileError> {
    let consts: Vec<_> = module.consts.values().map(|c| &c.value).collect();
    let entries = module
        .entries
        .iter()
        .filter_map(|entry| match entry.target {
            EntryTarget::Func(func) => Some((entry.name.clone(), func)),
            EntryTarget::Rules(_) => None,
        });
    let indexes: Vec<RuleIndex> = module.indexes.values().map(index).collect();
    let mut patterns = module.patterns.values().cloned().collect();
    index_format::name_patterns(&mut patterns, &indexes);
    let mut program = Program {
        ops: Vec::new(),
        funcs: Vec::with_capacity(module.funcs.len()),
        lists: Vec::new(),
        tables: Vec::new(),
        consts: freeze(&consts),
        patterns,
        natives: module.natives.values().copied().collect(),
        data: module.data.values().map(|d| d.name.clone()).collect(),
        places: module.places.values().map(place).collect(),
        sites: module.sites.values().cloned().collect(),
        indexes,
        entries: entries.collect(),
    };
    for func in module.funcs.values() {
        let code = Lower::new(module, func, &mut program).run()?;
        program.funcs.push(code);
    }
    program.ops.shrink_to_fit();
    program.lists.shrink_to_fit();
    Ok(program)
}

/// What a listing says of a place, and how many words it is given.
fn place(place: &tollgate_ir::module::StatePlace) -> (Box<str>, u32) {
    let name = format!("{} in {}", place.operation.name(), place.rule);
    (name.into(), place.params.len() as u32)
}

fn index(index: &tollgate_ir::rule_index::RuleIndex) -> RuleIndex {
    RuleIndex {
        name: index.name.clone(),
        params: index.params.len() as u32,
        functions: index.functions.iter().map(|f| f.0).collect(),
        conditions: index.conditions.clone(),
        decider: index.decider.clone(),
    }
}

/// A function being compiled.
struct Lower<'f> {
    module: &'f Module,
    func: &'f Func,
    program: &'f mut Program,
    fusion: Fusion<'f>,
    slots: Slots,
    /// Where the function's code and tables begin.
    first_op: usize,
    first_table: usize,
    /// For each label the distance of its opcode from the function's first.
    labels: Vec<u32>,
    /// Whether some path from the entry leads to the block.
    reachable: Vec<bool>,
    /// For each block the next one that is reachable.
    behind: Vec<Option<Block>>,
    /// The register of the result of the instruction being emitted.
    dst: Dst,
}

impl<'f> Lower<'f> {
    fn new(module: &'f Module, func: &'f Func, program: &'f mut Program) -> Self {
        Lower {
            module,
            func,
            fusion: Fusion::choose(module, func),
            slots: Slots::new(func.vals.len()),
            first_op: program.ops.len(),
            first_table: program.tables.len(),
            labels: vec![0; func.blocks.len()],
            reachable: vec![false; func.blocks.len()],
            behind: vec![None; func.blocks.len()],
            dst: Dst(0),
            program,
        }
    }

    fn run(mut self) -> Result<Code, CompileError> {
        self.reach();
        self.intervals();
        for param in self.func.params() {
            self.slots.place_next(*param);
        }
        for param in self.func.params() {
            if self.slots.last(*param).is_none() {
                self.slots.free_now(*param);
            }
        }
        let mut position = 0;
        for block in self.func.blocks.keys() {
            if self.reachable[block.index()] {
                self.block(block, &mut position)?;
            }
        }
        self.resolve();
        let index = |len: usize| {
            let what = "the program needs more opcodes than the virtual machine can number";
            u32::try_from(len).map_err(|_| CompileError::new(what))
        };
        index(self.program.lists.len())?;
        Ok(Code {
            name: self.func.name.clone(),
            params: self.func.params().len() as u32,
            frame: self.slots.count(),
            ops: index(self.first_op)?..index(self.program.ops.len())?,
            stack: 0,
            bound: 0,
            direct: None,
        })
    }

    /// Marks the blocks that code is needed for.
    fn reach(&mut self) {
        self.reachable[Func::ENTRY.index()] = true;
        for (block, data) in self.func.blocks.iter() {
            if self.reachable[block.index()] {
                for jump in data.term.jumps() {
                    self.reachable[jump.block.index()] = true;
                }
            }
        }
        let mut next = None;
        for block in self.func.blocks.keys().rev() {
            self.behind[block.index()] = next;
            if self.reachable[block.index()] {
                next = Some(block);
            }
        }
    }

    /// Finds the last use of every value: counts positions as `block` does.
    fn intervals(&mut self) {
        let mut position = 0;
        for (block, data) in self.func.blocks.iter() {
            if !self.reachable[block.index()] {
                continue;
            }
            let (fusion, slots) = (&self.fusion, &mut self.slots);
            let mut read =
                |v: Val, position: u32| fusion.read(v, &mut |v| slots.read_at(v, position));
            for inst in &data.insts {
                if !fusion.is_absorbed(*inst) {
                    self.func.insts[*inst].inst.vals(|v| read(v, position));
                    position += 1;
                }
            }
            data.term.vals(|v| read(v, position));
            position += 1;
        }
    }

    fn block(&mut self, block: Block, position: &mut u32) -> Result<(), CompileError> {
        self.labels[block.index()] = self.here();
        let data = &self.func.blocks[block];
        self.pin(block);
        for id in &data.insts {
            if self.fusion.is_absorbed(*id) {
                continue;
            }
            let data = &self.func.insts[*id];
            self.fusion
                .reads(&data.inst, &mut |v| self.slots.release(v, *position));
            if let Some(result) = data.result {
                self.dst = Dst(self.slots.place(result, None));
                if self.slots.last(result).is_none() {
                    self.slots.free_now(result);
                }
            }
            let op = data.inst.visit(self)?;
            self.program.ops.push(op);
            *position += 1;
        }
        self.terminator(block, &data.term, *position);
        *position += 1;
        Ok(())
    }

    /// Values that become parameters, of a block that other blocks jumped to before, are made in the register of the parameter:
    /// nothing else stands there, and no copy is needed.
    ///
    /// Such a value is not read behind the jump: this block does not dominate one that has other predecessors.
    fn pin(&mut self, block: Block) {
        let Terminator::Jump(jump) = &self.func.blocks[block].term else {
            return;
        };
        let params = &self.func.blocks[jump.block].params;
        for (param, arg) in params.iter().zip(&jump.args) {
            let made = matches!(self.func.vals[*arg].def, Def::Inst(_));
            // What has a register already was made in a block above.
            if let (true, None, Some(slot)) = (made, self.slots.get(*arg), self.slots.get(*param)) {
                self.slots.pin(*arg, slot);
            }
        }
    }

    fn terminator(&mut self, block: Block, term: &'f Terminator, position: u32) {
        let (fusion, slots) = (&self.fusion, &mut self.slots);
        term.vals(|v| fusion.read(v, &mut |v| slots.release(v, position)));
        for jump in term.jumps() {
            self.place_params(jump);
        }
        match term {
            Terminator::Return(v) => {
                let a = self.reg(*v);
                self.program.ops.push(Op::Ret { a });
            }
            Terminator::Jump(jump) => {
                let to = Target(jump.block.0);
                let mut copies = self.copies(jump);
                let last = copies.pop();
                self.emit_copies(&copies);
                self.program.ops.push(match last {
                    Some((a, dst)) => Op::MovJump {
                        dst: Dst(dst),
                        a: Reg(a),
                        to,
                    },
                    None => Op::Jump { to },
                });
            }
            Terminator::Br(c, yes, no) => self.branch(block, *c, yes, no),
            Terminator::Switch(v, cases, default) => {
                let (default, mut edges) = self.edge(default, Vec::new());
                let mut targets = Vec::with_capacity(cases.len());
                for (value, jump) in cases {
                    let (target, more) = self.edge(jump, edges);
                    edges = more;
                    targets.push((*value, target));
                }
                let table = TableIx(self.program.tables.len() as u32);
                self.program.tables.push(Table::new(targets, default));
                let op = match self.fusion.part(*v) {
                    Some(Inst::Tag { a }) => Op::SwitchTag {
                        a: self.reg(*a),
                        table,
                    },
                    _ => Op::Switch {
                        a: self.reg(*v),
                        table,
                    },
                };
                self.program.ops.push(op);
                self.emit_edges(block, edges);
            }
        }
    }

    fn branch(&mut self, block: Block, c: Val, yes: &'f Jump, no: &'f Jump) {
        let (yes_copies, no_copies) = (self.copies(yes), self.copies(no));
        let next = self.next(block);
        // A test goes on if it holds. Without copies on that side it can be turned around.
        let turn = yes_copies.is_empty() && (!no_copies.is_empty() || next == Some(no.block));
        let (on, on_copies, off, off_copies) = if turn {
            (no, no_copies, yes, yes_copies)
        } else {
            (yes, yes_copies, no, no_copies)
        };
        let to = if off_copies.is_empty() {
            Target(off.block.0)
        } else {
            self.label()
        };
        let op = self.test(c, !turn, to);
        self.program.ops.push(op);
        self.emit_copies(&on_copies);
        if !off_copies.is_empty() || next != Some(on.block) {
            self.program.ops.push(Op::Goto {
                to: Target(on.block.0),
            });
        }
        if !off_copies.is_empty() {
            self.emit_edges(block, vec![(to, off_copies, off.block)]);
        }
    }

    /// Gives the parameters of a block registers when the first jump to it is met.
    fn place_params(&mut self, jump: &Jump) {
        let params = &self.func.blocks[jump.block].params;
        for (param, arg) in params.iter().zip(&jump.args) {
            if self.slots.last(*param).is_some() {
                let hint = self.slots.get(*arg);
                self.slots.place(*param, hint);
            }
        }
    }

    /// The copies of a jump, one by one. Parameters that nothing reads have no register.
    fn copies(&mut self, jump: &Jump) -> Vec<(u32, u32)> {
        let params = &self.func.blocks[jump.block].params;
        let pairs = params.iter().zip(&jump.args);
        let copies = pairs
            .filter_map(|(param, arg)| Some((self.slots.get(*arg)?, self.slots.get(*param)?)))
            .collect();
        sequence(copies, || self.slots.scratch())
    }

    fn emit_copies(&mut self, copies: &[(u32, u32)]) {
        let ops = copies.iter().map(|(a, dst)| Op::Mov {
            dst: Dst(*dst),
            a: Reg(*a),
        });
        self.program.ops.extend(ops);
    }

    /// The target of an edge of a table: the block, or a stretch of code with the copies.
    fn edge(&mut self, jump: &Jump, mut edges: Vec<Edge>) -> (Target, Vec<Edge>) {
        let copies = self.copies(jump);
        if copies.is_empty() {
            return (Target(jump.block.0), edges);
        }
        let label = self.label();
        edges.push((label, copies, jump.block));
        (label, edges)
    }

    fn emit_edges(&mut self, block: Block, edges: Vec<Edge>) {
        let count = edges.len();
        for (i, (label, copies, to)) in edges.into_iter().enumerate() {
            self.labels[label.0 as usize] = self.here();
            self.emit_copies(&copies);
            if i + 1 < count || self.next(block) != Some(to) {
                self.program.ops.push(Op::Goto { to: Target(to.0) });
            }
        }
    }

    /// The block that is emitted behind this one.
    fn next(&self, block: Block) -> Option<Block> {
        self.behind[block.index()]
    }

    fn label(&mut self) -> Target {
        self.labels.push(0);
        Target(self.labels.len() as u32 - 1)
    }

    fn here(&self) -> u32 {
        (self.program.ops.len() - self.first_op) as u32
    }

    /// Replaces labels by distances.
    fn resolve(&mut self) {
        let labels = &self.labels;
        let mut place = |label: Target| Target(labels[label.0 as usize]);
        for op in &mut self.program.ops[self.first_op..] {
            op.retarget(&mut place);
        }
        for table in &mut self.program.tables[self.first_table..] {
            table.retarget(&mut place);
        }
    }

    fn reg(&self, val: Val) -> Reg {
        match self.slots.get(val) {
            Some(slot) => Reg(slot),
            None => panic!(
                "bug: {val} of `{}` is read before it has a register",
                self.func.name
            ),
        }
    }
}

/// A stretch of code between a branch and a block: its label, its copies, the block.
type Edge = (Target, Vec<(u32, u32)>, Block);
