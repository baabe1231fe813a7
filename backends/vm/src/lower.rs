//! From IR to bytecode: one sweep a function.
//!
//! Blocks are emitted in their order, so jumps stay forward. The values of a block's parameters are copied on the way there:
//! in front of a jump, or behind a branch on a stretch of code of its own. Jump targets are labels until the
//! function is complete: first one a block, then one an edge that needs such a stretch.

use tollgate_backend_api::CompileError;
use tollgate_ir::Legalized;
use tollgate_ir::entities::{
    Block, ConstId, DataId, Entity, FuncId, NativeId, PatId, RuleSetId, SiteId, Val,
};
use tollgate_ir::instructions::{Inst, InstVisitor};
use tollgate_ir::module::{Def, Func, Jump, Module, Target as EntryTarget, Terminator};
use tollgate_ir::operand::{Cc, Fimm, Flag, Imm, Index, Vals};
use tollgate_ir::types::{Type, TypeData};

use crate::fuse::Fusion;
use crate::operand::{Call, Dst, Each, List, NativeCall, Reg, Short, TableIx, Target};
use crate::ops::Op;
use crate::program::{Code, Program, Table, freeze};
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
    let mut program = Program {
        ops: Vec::new(),
        funcs: Vec::with_capacity(module.funcs.len()),
        lists: Vec::new(),
        tables: Vec::new(),
        consts: freeze(&consts),
        patterns: module.patterns.values().cloned().collect(),
        natives: module.natives.values().copied().collect(),
        data: module.data.values().map(|d| d.name.clone()).collect(),
        sites: module.sites.values().cloned().collect(),
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

    /// Values that only become parameters, of a block that other blocks jumped to before, are made in the
    /// register of the parameter: nothing else stands there, and no copy is needed.
    fn pin(&mut self, block: Block) {
        let Terminator::Jump(jump) = &self.func.blocks[block].term else {
            return;
        };
        let params = &self.func.blocks[jump.block].params;
        for (param, arg) in params.iter().zip(&jump.args) {
            let made_here = match self.func.vals[*arg].def {
                Def::Inst(id) => {
                    // The block's own instructions are those without a register yet that the jump uses last.
                    !self.fusion.is_absorbed(id) && self.slots.get(*arg).is_none()
                }
                Def::Param(..) => false,
            };
            if let (true, 1, Some(slot)) =
                (made_here, self.fusion.uses(*arg), self.slots.get(*param))
            {
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

    /// The opcode that goes on if `c` is `want`, and else jumps.
    fn test(&self, c: Val, want: bool, to: Target) -> Op {
        let fusion = &self.fusion;
        let flag = Flag(want);
        let turned = |cc: Cc| if want { cc } else { cc.negate() };
        match fusion.part(c) {
            Some(Inst::Icmp { cc, a, b }) => {
                let (cc, a, imm) = match (fusion.imm(*a), fusion.imm(*b)) {
                    (_, Some(imm)) => (turned(*cc), *a, imm),
                    (Some(imm), None) => (turned(*cc).swap(), *b, imm),
                    (None, None) => {
                        let (a, b) = (self.reg(*a), self.reg(*b));
                        let cc = turned(*cc);
                        return Op::BrIcmp { cc, a, b, to };
                    }
                };
                match (fusion.field(a), fusion.part(a)) {
                    (Some((a, index)), _) => {
                        let a = self.reg(a);
                        Op::BrFieldImm {
                            cc,
                            index,
                            a,
                            imm,
                            to,
                        }
                    }
                    (None, Some(Inst::Tag { a })) => {
                        let a = self.reg(*a);
                        Op::BrTag { cc, a, imm, to }
                    }
                    _ => {
                        let a = self.reg(a);
                        Op::BrIcmpImm { cc, a, imm, to }
                    }
                }
            }
            Some(Inst::Scmp { cc, a, b }) => {
                let (cc, a, value) = match (fusion.konst(*a), fusion.konst(*b)) {
                    (_, Some(value)) => (turned(*cc), *a, value),
                    (Some(value), None) => (turned(*cc).swap(), *b, value),
                    (None, None) => {
                        let (a, b) = (self.reg(*a), self.reg(*b));
                        let cc = turned(*cc);
                        return Op::BrScmp { cc, a, b, to };
                    }
                };
                match fusion.field(a) {
                    Some((a, index)) => {
                        let a = self.reg(a);
                        Op::BrFieldScmp {
                            cc,
                            index,
                            a,
                            value,
                            to,
                        }
                    }
                    None => {
                        let a = self.reg(a);
                        Op::BrScmpConst { cc, a, value, to }
                    }
                }
            }
            Some(Inst::Same { a, b }) => {
                let (a, value) = match (fusion.konst(*a), fusion.konst(*b)) {
                    (_, Some(value)) => (*a, value),
                    (Some(value), None) => (*b, value),
                    (None, None) => {
                        let (a, b) = (self.reg(*a), self.reg(*b));
                        return Op::BrSame {
                            want: flag,
                            a,
                            b,
                            to,
                        };
                    }
                };
                let a = self.reg(a);
                Op::BrSameConst {
                    want: flag,
                    a,
                    value,
                    to,
                }
            }
            Some(Inst::Bnot { a }) => Op::BrNot {
                want: flag,
                a: self.reg(*a),
                to,
            },
            Some(Inst::IsSome { a }) => Op::BrIsSome {
                want: flag,
                a: self.reg(*a),
                to,
            },
            Some(Inst::Matches { a, pattern }) => Op::BrMatches {
                want: flag,
                a: self.reg(*a),
                pattern: *pattern,
                to,
            },
            Some(Inst::Contains { a, item }) => {
                let item = self.reg(*item);
                match fusion.konst(*a) {
                    Some(value) => Op::BrConstHas {
                        want: flag,
                        value,
                        item,
                        to,
                    },
                    None => {
                        let a = self.reg(*a);
                        Op::BrSetHas {
                            want: flag,
                            a,
                            item,
                            to,
                        }
                    }
                }
            }
            Some(Inst::CidrsHave { a, ip }) if fusion.konst(*a).is_some() => Op::BrConstCidrs {
                want: flag,
                value: fusion.konst(*a).unwrap_or(ConstId(0)),
                ip: self.reg(*ip),
                to,
            },
            _ => Op::Br {
                want: flag,
                a: self.reg(c),
                to,
            },
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

    /// Puts a list into the pool, behind `lead`.
    fn pool(&mut self, lead: &[u32], before: &[Val], vals: &[Val]) -> u32 {
        let at = self.program.lists.len() as u32;
        self.program.lists.extend_from_slice(lead);
        self.program.lists.push((before.len() + vals.len()) as u32);
        for val in before.iter().chain(vals) {
            let register = self.reg(*val).0;
            self.program.lists.push(register);
        }
        at
    }

    fn list(&mut self, vals: &[Val]) -> List {
        List(self.pool(&[], &[], vals))
    }

    fn each(&mut self, func: FuncId, max: Imm, before: &[Val], captured: &[Val]) -> Each {
        // A bound beyond the range of the pool is as good as none.
        let max = u32::try_from(max.0).unwrap_or(u32::MAX);
        Each(self.pool(&[func.0, max], before, captured))
    }

    fn short(&self, index: Index, what: &str) -> Result<Short, CompileError> {
        u16::try_from(index.0).map(Short).map_err(|_| {
            CompileError::new(format!(
                "`{}` uses {what} {}; the virtual machine takes at most {}",
                self.func.name,
                index.0,
                u16::MAX
            ))
        })
    }

    fn is_map(&self, val: Val) -> bool {
        matches!(self.data_of(val), TypeData::Map(..))
    }

    fn data_of(&self, val: Val) -> TypeData {
        self.module.types.get(self.func.ty(val))
    }
}

/// A stretch of code between a branch and a block: its label, its copies, the block.
type Edge = (Target, Vec<(u32, u32)>, Block);

/// Opcodes that take the operands of their instruction as they are.
macro_rules! as_is {
    ($($mnemonic:ident = $name:ident($($val:ident),*);)*) => {$(
        fn $mnemonic(&mut self, $($val: &Val),*) -> Self::Output {
            Ok(Op::$name { dst: self.dst, $($val: self.reg(*$val)),* })
        }
    )*};
}

/// One method an instruction; the result's register stands in `dst`.
impl InstVisitor for Lower<'_> {
    type Output = Result<Op, CompileError>;

    as_is! {
        isub = Isub(a, b);
        imul = Imul(a, b);
        ineg = Ineg(a);
        idiv = Idiv(a, b);
        imod = Imod(a, b);
        iadd_sat = IaddSat(a, b);
        isub_sat = IsubSat(a, b);
        imul_sat = ImulSat(a, b);
        imin = Imin(a, b);
        imax = Imax(a, b);
        iabs = Iabs(a);
        pmul = Pmul(a, b);
        pdiv = Pdiv(a, b);
        pround = Pround(a);
        fadd = Fadd(a, b);
        fsub = Fsub(a, b);
        fmul = Fmul(a, b);
        fdiv = Fdiv(a, b);
        fneg = Fneg(a);
        int_to_float = IntToFloat(a);
        same = Same(a, b);
        bnot = Bnot(a);
        band = Band(a, b);
        bor = Bor(a, b);
        some = Some(a);
        is_some = IsSome(a);
        unwrap = Unwrap(a);
        unwrap_or = UnwrapOr(a, b);
        tag = Tag(a);
        get = Get(a, index);
        lookup = Lookup(a, key);
        cidr_has = CidrHas(a, ip);
        cidrs_have = CidrsHave(a, ip);
    }

    fn iconst(&mut self, imm: &Imm) -> Self::Output {
        Ok(Op::Iconst {
            dst: self.dst,
            imm: *imm,
        })
    }

    fn fconst(&mut self, imm: &Fimm) -> Self::Output {
        Ok(Op::Fconst {
            dst: self.dst,
            imm: *imm,
        })
    }

    fn bconst(&mut self, imm: &Flag) -> Self::Output {
        Ok(Op::Bconst {
            dst: self.dst,
            imm: *imm,
        })
    }

    fn konst(&mut self, value: &ConstId) -> Self::Output {
        Ok(Op::Konst {
            dst: self.dst,
            value: *value,
        })
    }

    fn data(&mut self, data: &DataId) -> Self::Output {
        Ok(Op::Data {
            dst: self.dst,
            data: *data,
        })
    }

    fn decision_id(&mut self) -> Self::Output {
        Ok(Op::DecisionId { dst: self.dst })
    }

    fn decision_time(&mut self) -> Self::Output {
        Ok(Op::DecisionTime { dst: self.dst })
    }

    fn iadd(&mut self, a: &Val, b: &Val) -> Self::Output {
        let dst = self.dst;
        Ok(match (self.fusion.imm(*a), self.fusion.imm(*b)) {
            (_, Some(imm)) => Op::IaddImm {
                dst,
                a: self.reg(*a),
                imm,
            },
            (Some(imm), None) => Op::IaddImm {
                dst,
                a: self.reg(*b),
                imm,
            },
            (None, None) => Op::Iadd {
                dst,
                a: self.reg(*a),
                b: self.reg(*b),
            },
        })
    }

    fn icmp(&mut self, cc: &Cc, a: &Val, b: &Val) -> Self::Output {
        let (dst, cc) = (self.dst, *cc);
        Ok(match (self.fusion.imm(*a), self.fusion.imm(*b)) {
            (_, Some(imm)) => Op::IcmpImm {
                cc,
                dst,
                a: self.reg(*a),
                imm,
            },
            (Some(imm), None) => Op::IcmpImm {
                cc: cc.swap(),
                dst,
                a: self.reg(*b),
                imm,
            },
            (None, None) => Op::Icmp {
                cc,
                dst,
                a: self.reg(*a),
                b: self.reg(*b),
            },
        })
    }

    fn fcmp(&mut self, cc: &Cc, a: &Val, b: &Val) -> Self::Output {
        Ok(Op::Fcmp {
            cc: *cc,
            dst: self.dst,
            a: self.reg(*a),
            b: self.reg(*b),
        })
    }

    fn scmp(&mut self, cc: &Cc, a: &Val, b: &Val) -> Self::Output {
        Ok(Op::Scmp {
            cc: *cc,
            dst: self.dst,
            a: self.reg(*a),
            b: self.reg(*b),
        })
    }

    fn select(&mut self, c: &Val, a: &Val, b: &Val) -> Self::Output {
        let args = self.list(&[*c, *a, *b]);
        Ok(Op::Select {
            dst: self.dst,
            args,
        })
    }

    fn none(&mut self, _ty: &Type) -> Self::Output {
        Ok(Op::None { dst: self.dst })
    }

    fn record(&mut self, _ty: &Type, fields: &Vals) -> Self::Output {
        let fields = self.list(fields);
        Ok(Op::Record {
            dst: self.dst,
            fields,
        })
    }

    fn field(&mut self, a: &Val, index: &Index) -> Self::Output {
        let dst = self.dst;
        Ok(match self.fusion.field(*a) {
            Some((of, first)) => Op::FieldField {
                index: first,
                dst,
                a: self.reg(of),
                then: *index,
            },
            None => Op::Field {
                dst,
                a: self.reg(*a),
                index: *index,
            },
        })
    }

    fn variant(&mut self, _ty: &Type, tag: &Index, fields: &Vals) -> Self::Output {
        let fields = self.list(fields);
        Ok(Op::Variant {
            dst: self.dst,
            tag: *tag,
            fields,
        })
    }

    fn payload(&mut self, a: &Val, tag: &Index, index: &Index) -> Self::Output {
        let tag = self.short(*tag, "variant")?;
        Ok(Op::Payload {
            tag,
            dst: self.dst,
            a: self.reg(*a),
            index: *index,
        })
    }

    fn list(&mut self, _ty: &Type, items: &Vals) -> Self::Output {
        let items = self.list(items);
        Ok(Op::List {
            dst: self.dst,
            items,
        })
    }

    fn set(&mut self, _ty: &Type, items: &Vals) -> Self::Output {
        let items = self.list(items);
        Ok(Op::Set {
            dst: self.dst,
            items,
        })
    }

    fn map(&mut self, _ty: &Type, items: &Vals) -> Self::Output {
        let items = self.list(items);
        Ok(Op::Map {
            dst: self.dst,
            items,
        })
    }

    fn collect(&mut self, _ty: &Type, items: &Vals) -> Self::Output {
        let items = self.list(items);
        Ok(Op::Collect {
            dst: self.dst,
            items,
        })
    }

    fn len(&mut self, a: &Val) -> Self::Output {
        let (dst, reg) = (self.dst, self.reg(*a));
        Ok(if self.is_map(*a) {
            Op::LenMap { dst, a: reg }
        } else {
            Op::Len { dst, a: reg }
        })
    }

    fn contains(&mut self, a: &Val, item: &Val) -> Self::Output {
        let (dst, reg, item) = (self.dst, self.reg(*a), self.reg(*item));
        Ok(match self.data_of(*a) {
            TypeData::Set(_) => Op::SetHas { dst, a: reg, item },
            _ => Op::ListHas { dst, a: reg, item },
        })
    }

    fn matches(&mut self, a: &Val, pattern: &PatId) -> Self::Output {
        Ok(Op::Matches {
            dst: self.dst,
            a: self.reg(*a),
            pattern: *pattern,
        })
    }

    fn path_capture(&mut self, a: &Val, pattern: &PatId, index: &Index) -> Self::Output {
        let index = self.short(*index, "capture")?;
        Ok(Op::PathCapture {
            index,
            dst: self.dst,
            a: self.reg(*a),
            pattern: *pattern,
        })
    }

    fn regex_capture(&mut self, a: &Val, pattern: &PatId, index: &Index) -> Self::Output {
        let index = self.short(*index, "capture")?;
        Ok(Op::RegexCapture {
            index,
            dst: self.dst,
            a: self.reg(*a),
            pattern: *pattern,
        })
    }

    fn path_join(&mut self, parts: &Vals) -> Self::Output {
        let parts = self.list(parts);
        Ok(Op::PathJoin {
            dst: self.dst,
            parts,
        })
    }

    fn any(&mut self, a: &Val, func: &FuncId, max: &Imm, captured: &Vals) -> Self::Output {
        let each = self.each(*func, *max, &[], captured);
        Ok(Op::Any {
            dst: self.dst,
            a: self.reg(*a),
            each,
        })
    }

    fn fold(
        &mut self,
        a: &Val,
        init: &Val,
        func: &FuncId,
        max: &Imm,
        captured: &Vals,
    ) -> Self::Output {
        let each = self.each(*func, *max, &[*init], captured);
        Ok(Op::Fold {
            dst: self.dst,
            a: self.reg(*a),
            each,
        })
    }

    fn call(&mut self, func: &FuncId, args: &Vals) -> Self::Output {
        let call = Call(self.pool(&[func.0], &[], args));
        Ok(Op::Call {
            dst: self.dst,
            call,
        })
    }

    fn call_marked(&mut self, func: &FuncId, args: &Vals) -> Self::Output {
        let call = Call(self.pool(&[func.0], &[], args));
        Ok(Op::CallMarked {
            dst: self.dst,
            call,
        })
    }

    fn native(&mut self, native: &NativeId, args: &Vals) -> Self::Output {
        let call = NativeCall(self.pool(&[native.0], &[], args));
        Ok(Op::Native {
            dst: self.dst,
            call,
        })
    }

    fn decide(&mut self, rules: &RuleSetId, _args: &Vals) -> Self::Output {
        panic!("bug: {rules} is left in a legal module")
    }

    fn decide_marked(&mut self, rules: &RuleSetId, args: &Vals) -> Self::Output {
        self.decide(rules, args)
    }

    fn mark(&mut self, site: &SiteId) -> Self::Output {
        Ok(Op::Mark { site: *site })
    }
}
