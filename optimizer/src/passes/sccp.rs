//! Sparse conditional constant propagation: what is constant on every path that can be taken, and what a branch has decided.
//!
//! Wegman, Zadeck, "Constant Propagation with Conditional Branches", 1991. Without loops every block is met behind all its
//! predecessors, so one walk is enough and there is no work list. The walk goes down the dominator tree, and so it also
//! knows what the branches on the way have decided (the *facts*; as in Aycock, Horspool, "Simple Generation of Static Single-Assignment
//! Form", one names them by where they hold): where `br v` went to its first way, `v` is true; where `x == c` is true, `x` is `c`; where `x < y` is
//! true, `x >= y` is false. A branch on a value that is decided already is no branch any more.
//!
//! Facts fold instructions and branches; they do not by themselves replace a value that is at hand by a constant that
//! is not, except truth values, which other passes look for. O(n log n) for the tree, linear otherwise.

use rustc_hash::FxHashMap;
use tollgate_ir::entities::{Block, Entity, InstId, Val};
use tollgate_ir::instructions::{Inst, Opcode};
use tollgate_ir::module::{Def, Func, Jump, Module, Terminator};
use tollgate_ir::operand::Cc;
use tollgate_ir::types::Type;
use tollgate_runtime::Arena;

use crate::blocks;
use crate::consts::{Const, Folder};
use crate::pass::{Changed, each_func};
use crate::pipeline::Aim;
use crate::walk::{Scopes, preorder};

/// How many values one branch may decide: `and` of `and`s of …
const MAX_LEARNT: usize = 64;

pub(crate) fn run(module: &mut Module, _: Aim) -> Changed {
    let arena = Arena::new();
    let mut folder = Folder::new(&arena);
    each_func(module, |func, module| {
        let order = preorder(func);
        let mut sccp = Sccp {
            lattice: vec![Known::Nothing; func.vals.len()],
            facts: vec![None; func.vals.len()],
            entered: vec![Entered::Never; func.blocks.len()],
            orders: FxHashMap::default(),
            made: FxHashMap::default(),
            scopes: Scopes::new(),
            depth: 0,
            changed: false,
            func,
            module,
            folder: &mut folder,
        };
        sccp.walk(&order);
        sccp.changed
    })
}

/// What is known of a value that any path brings.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    /// No path has brought it yet.
    Nothing,
    Constant(Const),
    Varies,
}

/// How a block is entered, by the branches that can be taken.
#[derive(Clone, Copy)]
enum Entered {
    Never,
    /// By one branch, on which this holds.
    Once(Option<(Val, Const)>),
    Often,
}

/// The orders that two operands can have: bits for less, equal, greater.
type Orders = u8;

/// A comparison without its condition; the second operand by its value if it is constant.
type Pair = (Opcode, Val, Result<Const, Val>);

enum Undo {
    Fact(Val),
    Orders(Pair, Option<Orders>),
    Made(Const, Type),
}

struct Sccp<'p, 'a> {
    func: &'p mut Func,
    module: &'p mut Module,
    folder: &'p mut Folder<'a>,
    /// By value: what all paths bring.
    lattice: Vec<Known>,
    /// By value: what holds here.
    facts: Vec<Option<Const>>,
    /// What is known here of comparisons.
    orders: FxHashMap<Pair, Orders>,
    /// Constants that this pass has made and that can be used here.
    made: FxHashMap<(Const, Type), Val>,
    entered: Vec<Entered>,
    scopes: Scopes<Undo>,
    depth: u32,
    changed: bool,
}

impl Sccp<'_, '_> {
    fn walk(&mut self, order: &[(Block, u32)]) {
        for param in self.func.params() {
            self.lattice[param.index()] = Known::Varies;
        }
        self.entered[0] = Entered::Once(None);
        for (block, depth) in order {
            self.depth = *depth;
            let (facts, orders, made) = (&mut self.facts, &mut self.orders, &mut self.made);
            self.scopes.enter(*depth, |undo| match undo {
                Undo::Fact(v) => facts[v.index()] = None,
                Undo::Orders(pair, Some(before)) => {
                    orders.insert(pair, before);
                }
                Undo::Orders(pair, None) => {
                    orders.remove(&pair);
                }
                Undo::Made(constant, ty) => {
                    made.remove(&(constant, ty));
                }
            });
            match self.entered[block.index()] {
                Entered::Never => continue,
                Entered::Once(Some((v, constant))) => self.learn(v, constant),
                Entered::Once(None) | Entered::Often => {}
            }
            self.block(*block);
        }
    }

    fn block(&mut self, block: Block) {
        let mut kept = Vec::with_capacity(self.func.blocks[block].insts.len());
        for id in std::mem::take(&mut self.func.blocks[block].insts) {
            self.inst(id, &mut kept);
            kept.push(id);
        }
        let mut term = std::mem::replace(
            &mut self.func.blocks[block].term,
            Terminator::Return(Val::new(0)),
        );
        self.terminator(&mut term, &mut kept);
        self.func.blocks[block].insts = kept;
        self.func.blocks[block].term = term;
    }

    fn inst(&mut self, id: InstId, kept: &mut Vec<InstId>) {
        let inst = &self.func.insts[id].inst;
        if let Some(result) = self.func.insts[id].result {
            let ty = self.func.ty(result);
            let (facts, lattice) = (&self.facts, &self.lattice);
            let known = |v: Val| known(facts, lattice, v);
            let folded = self
                .folder
                .fold(self.module, self.func, inst, ty, known)
                .or_else(|| self.decided(inst).map(Const::Bool));
            self.lattice[result.index()] = match folded {
                Some(constant) => {
                    let new = constant.inst();
                    self.changed |= self.func.insts[id].inst != new;
                    self.func.insts[id].inst = new;
                    Known::Constant(constant)
                }
                None => Known::Varies,
            };
            if folded.is_some() {
                return;
            }
        }
        let mut inst = std::mem::replace(&mut self.func.insts[id].inst, Inst::DecisionTime {});
        inst.vals_mut(|v| *v = self.replacement(*v, kept));
        self.func.insts[id].inst = inst;
    }

    fn terminator(&mut self, term: &mut Terminator, kept: &mut Vec<InstId>) {
        let way = match term {
            Terminator::Br(v, yes, no) => match self.known(*v) {
                Some(Const::Bool(true)) => Some(yes.clone()),
                Some(Const::Bool(false)) => Some(no.clone()),
                _ => None,
            },
            Terminator::Switch(v, cases, default) => match self.known(*v) {
                Some(Const::Int(value)) => Some(blocks::case(cases, default, value).clone()),
                _ => None,
            },
            Terminator::Jump(_) | Terminator::Return(_) => None,
        };
        if let Some(way) = way {
            *term = Terminator::Jump(way);
            self.changed = true;
        }
        match term {
            Terminator::Return(v) => *v = self.replacement(*v, kept),
            Terminator::Jump(jump) => self.jump(jump, None, kept),
            Terminator::Br(v, yes, no) => {
                self.jump(yes, Some((*v, Const::Bool(true))), kept);
                self.jump(no, Some((*v, Const::Bool(false))), kept);
            }
            Terminator::Switch(v, cases, default) => {
                for (value, jump) in cases {
                    self.jump(jump, Some((*v, Const::Int(*value))), kept);
                }
                self.jump(default, None, kept);
            }
        }
    }

    /// Takes a branch, on which `holds`.
    fn jump(&mut self, jump: &mut Jump, holds: Option<(Val, Const)>, kept: &mut Vec<InstId>) {
        let entered = &mut self.entered[jump.block.index()];
        *entered = match entered {
            Entered::Never => Entered::Once(holds),
            Entered::Once(_) | Entered::Often => Entered::Often,
        };
        for (index, arg) in jump.args.iter_mut().enumerate() {
            let here = match holds {
                Some((v, constant)) if v == *arg => Some(constant),
                _ => self.known(*arg),
            };
            let param = self.func.blocks[jump.block].params[index];
            let entry = &mut self.lattice[param.index()];
            *entry = match (*entry, here) {
                (Known::Nothing, Some(c)) => Known::Constant(c),
                (Known::Constant(c), Some(d)) if c == d => Known::Constant(c),
                _ => Known::Varies,
            };
            *arg = match here {
                Some(c @ Const::Bool(_)) if !self.is_const(*arg) => self.make(c, *arg, kept),
                _ => self.replacement(*arg, kept),
            };
        }
    }

    fn known(&self, v: Val) -> Option<Const> {
        known(&self.facts, &self.lattice, v)
    }

    fn is_const(&self, v: Val) -> bool {
        let def = self.func.def(v);
        def.is_some_and(|inst| Const::of(self.module, inst).is_some())
    }

    /// What to use for a value here: a constant for a parameter that always gets it, and for a truth value that is decided.
    fn replacement(&mut self, v: Val, kept: &mut Vec<InstId>) -> Val {
        let always = match (self.lattice.get(v.index()), self.func.vals[v].def) {
            (Some(Known::Constant(c)), Def::Param(..)) => Some(*c),
            _ => None,
        };
        let decided = self.facts.get(v.index()).copied().flatten();
        match always.or(decided.filter(|c| matches!(c, Const::Bool(_)))) {
            Some(constant) => self.make(constant, v, kept),
            None => v,
        }
    }

    /// A constant of the type of `like`, made at the end of the block so far unless it is at hand.
    fn make(&mut self, constant: Const, like: Val, kept: &mut Vec<InstId>) -> Val {
        self.changed = true;
        let ty = self.func.ty(like);
        if let Some(made) = self.made.get(&(constant, ty)) {
            return *made;
        }
        let (id, result) = self.func.make_inst(constant.inst(), Some(ty));
        kept.push(id);
        let made = result.unwrap_or(like);
        self.lattice.push(Known::Constant(constant));
        self.facts.push(None);
        self.made.insert((constant, ty), made);
        self.scopes.record(self.depth, Undo::Made(constant, ty));
        made
    }

    /// From here on down the tree, `v` is `constant`, and so is everything that follows from it.
    fn learn(&mut self, v: Val, constant: Const) {
        let mut todo = vec![(v, constant)];
        let mut learnt = 0;
        while let Some((v, constant)) = todo.pop() {
            if self.known(v).is_some() || learnt == MAX_LEARNT {
                continue;
            }
            learnt += 1;
            self.facts[v.index()] = Some(constant);
            self.scopes.record(self.depth, Undo::Fact(v));
            let Const::Bool(holds) = constant else {
                continue;
            };
            match self.func.def(v) {
                Some(Inst::Bnot { a }) => todo.push((*a, Const::Bool(!holds))),
                Some(Inst::Band { a, b }) if holds => {
                    todo.extend([(*b, constant), (*a, constant)]);
                }
                Some(Inst::Bor { a, b }) if !holds => {
                    todo.extend([(*b, constant), (*a, constant)]);
                }
                Some(Inst::IsSome { a }) if !holds => {
                    todo.push((*a, Const::None(self.func.ty(*a))));
                }
                Some(inst) => {
                    if let Some((pair, cc, a, b)) = self.comparison(inst) {
                        let cc = if holds { cc } else { cc.negate() };
                        if cc == Cc::Eq {
                            todo.extend(self.known(b).map(|c| (a, c)));
                            todo.extend(self.known(a).map(|c| (b, c)));
                        }
                        let before = self.orders.get(&pair).copied();
                        let after = before.unwrap_or(7) & orders(cc);
                        self.orders.insert(pair, after);
                        self.scopes.record(self.depth, Undo::Orders(pair, before));
                    }
                }
                None => {}
            }
        }
    }

    /// Whether what is known of two operands decides a comparison of them.
    fn decided(&self, inst: &Inst) -> Option<bool> {
        let (pair, cc, ..) = self.comparison(inst)?;
        let possible = *self.orders.get(&pair)?;
        match possible & orders(cc) {
            0 => Some(false),
            holds if holds == possible => Some(true),
            _ => None,
        }
    }

    /// A comparison in a form that two of the same operands share, and its operands in the order of the form.
    fn comparison(&self, inst: &Inst) -> Option<(Pair, Cc, Val, Val)> {
        let (opcode, cc, a, b) = match *inst {
            Inst::Icmp { cc, a, b } => (Opcode::Icmp, cc, a, b),
            Inst::Fcmp { cc, a, b } => (Opcode::Fcmp, cc, a, b),
            Inst::Scmp { cc, a, b } => (Opcode::Scmp, cc, a, b),
            Inst::Same { a, b } => (Opcode::Same, Cc::Eq, a, b),
            _ => return None,
        };
        let constant = |v: Val| match self.lattice[v.index()] {
            Known::Constant(c) => Some(c),
            _ => None,
        };
        let (cc, a, b) = match (constant(a), constant(b)) {
            (Some(_), None) => (cc.swap(), b, a),
            (None, None) if a > b => (cc.swap(), b, a),
            _ => (cc, a, b),
        };
        Some(((opcode, a, constant(b).ok_or(b)), cc, a, b))
    }
}

/// What a value is known to be here.
fn known(facts: &[Option<Const>], lattice: &[Known], v: Val) -> Option<Const> {
    match lattice[v.index()] {
        Known::Constant(constant) => Some(constant),
        Known::Nothing | Known::Varies => facts[v.index()],
    }
}

/// The orders for which a comparison holds.
fn orders(cc: Cc) -> Orders {
    match cc {
        Cc::Lt => 1,
        Cc::Eq => 2,
        Cc::Gt => 4,
        Cc::Le => 3,
        Cc::Ge => 6,
        Cc::Ne => 5,
    }
}
