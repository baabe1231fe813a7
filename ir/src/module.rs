//! Modules, functions, blocks and rule sets.
//!
//! Two facts make the IR small. *Every branch goes forward*: a block's successors stand later in the function, so there
//! are no loops, dominance and liveness take one sweep, and the longest path is the cost bound. The only repetition is
//! `any` and `fold` over a bounded sequence. And *rule sets are entities*: their conditions and
//! outcomes are functions, and a pass, not the frontend, decides how they are searched.

use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashMap};
pub use tollgate_runtime::index::Policy;
use tollgate_runtime::schema::{Schema, TypeId};
use tollgate_runtime::{Native, Pattern, Value};

use crate::entities::{
    Block, ConstId, DataId, FuncId, GroupId, IndexId, IndexVec, InstId, NativeId, PatId, PlaceId,
    RuleSetId, SiteId, StateId, Val,
};
use crate::instructions::Inst;
use crate::rule_index::RuleIndex;
use crate::types::{Type, Types};
use crate::typing::intern_native_type;

/// A whole program.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Its types.
    pub types: Types,
    /// Its constants.
    pub consts: IndexVec<ConstId, Constant>,
    /// Its patterns.
    pub patterns: IndexVec<PatId, Pattern>,
    /// The natives it calls.
    pub natives: IndexVec<NativeId, &'static Native>,
    /// The data it expects from the host.
    pub data: IndexVec<DataId, Data>,
    /// The states it asks.
    pub states: IndexVec<StateId, State>,
    /// Where it asks them.
    pub places: IndexVec<PlaceId, StatePlace>,
    /// Places that marks name.
    pub sites: IndexVec<SiteId, Site>,
    /// Its functions. Calls go to functions of any index; the call graph has no cycle.
    pub funcs: IndexVec<FuncId, Func>,
    /// Its rule sets; none is left once they are lowered.
    pub rulesets: IndexVec<RuleSetId, RuleSet>,
    /// Rule sets that were made ready to be searched.
    pub indexes: IndexVec<IndexId, RuleIndex>,
    /// What a host can call.
    pub entries: Vec<Entry>,
    /// How the entries' values look from outside.
    pub schema: Schema,
    /// Finds what the pools hold already.
    pools: Pools,
}

/// Where equal elements of a module's pools are found, by hash; elements that a hash shares stand at the next free numbers.
/// The pools themselves are public, so an answer is compared before it is believed.
#[derive(Clone, Debug, Default)]
struct Pools {
    consts: FxHashMap<u64, ConstId>,
    patterns: FxHashMap<u64, PatId>,
    natives: FxHashMap<&'static str, NativeId>,
}

/// A constant and its type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Constant {
    /// The IR type.
    pub ty: Type,
    /// The value.
    pub value: Value,
}

/// Data that the host gives beside the program; constant during a decision.
#[derive(Clone, Debug)]
pub struct Data {
    /// The name in the source.
    pub name: Box<str>,
    /// The IR type.
    pub ty: Type,
    /// How it looks from outside; absent in modules read from text.
    pub schema: Option<TypeId>,
}

/// Something that the host keeps between decisions. How it is kept is told to the host; the IR knows who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The name in the source.
    pub name: Box<str>,
}

/// A place in the source that asks a state. A decision comes past it at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatePlace {
    /// Where it stands: `shed.rate`, the rule set and the rule, or `shed` where that stands before its rules.
    pub rule: Box<str>,
    /// What is asked.
    pub operation: Operation,
    /// Of which states: one; two of `reserve`, that of `once` and that of `within`.
    pub states: Vec<StateId>,
    /// The types of the arguments: the key of each state that has keys, then what the operation takes.
    pub params: Vec<Type>,
    /// The type of the answer.
    pub result: Type,
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What a place asks of a state.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Operation {
            $($(#[$doc])* $name,)*
        }

        impl Operation {
            /// Every operation.
            pub const ALL: &'static [Operation] = &[$(Operation::$name),*];

            /// Its name, in the text form and in traces.
            pub fn name(self) -> &'static str {
                match self { $(Operation::$name => $word,)* }
            }
        }
    };
}

operations! {
    /// `(key, n: int) -> {granted, wait, left}`: takes of a limit when that grants it.
    Take = "take";
    /// `(key, critical: bool) -> bool`: holds a slot.
    Enter = "enter";
    /// `(key, class: int, load: int) -> bool`: whether a class is shed.
    Sheds = "sheds";
    /// `(key) -> int`: what is counted so far.
    Value = "value";
    /// `(key, amount: int, member: str) -> bool`: an event is counted, once.
    Add = "add";
    /// `(id: str) -> bool`: whether an event comes for the first time.
    Arrive = "arrive";
    /// `(key) -> bool`: whether it is the first time.
    Once = "once";
    /// `(key, amount: int) -> bool`: charges a budget.
    Within = "within";
    /// `(key, key, amount: int) -> bool`: `once` and `within` together, both or neither.
    Reserve = "reserve";
}

impl Operation {
    /// How many states it asks.
    pub fn states(self) -> usize {
        match self {
            Operation::Reserve => 2,
            _ => 1,
        }
    }

    /// What it takes behind the keys of the states.
    pub fn params(self) -> &'static [Type] {
        match self {
            Operation::Take | Operation::Within | Operation::Reserve => &[Type::INT],
            Operation::Enter => &[Type::BOOL],
            Operation::Sheds => &[Type::INT, Type::INT],
            Operation::Add => &[Type::INT, Type::STR],
            Operation::Value | Operation::Once | Operation::Arrive => &[],
        }
    }
}

/// What a mark means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// A rule of a rule set decided.
    Rule {
        /// The rule set's name.
        ruleset: Box<str>,
        /// The rule's name.
        rule: Box<str>,
    },
    /// `otherwise` decided.
    Otherwise {
        /// The rule set's name.
        ruleset: Box<str>,
    },
    /// A stage of a pipeline begins; the marks behind it are the stage's.
    Stage {
        /// The pipeline's name.
        pipeline: Box<str>,
        /// The stage's name.
        stage: Box<str>,
    },
    /// What a rule set in shadow mode decided stands before; its value counts as if nothing had matched.
    Shadow {
        /// The rule set's name.
        ruleset: Box<str>,
    },
}

/// A function.
#[derive(Clone, Debug)]
pub struct Func {
    /// Unique in the module; for readers and tools.
    pub name: Box<str>,
    /// What it returns. Its parameters are those of the entry block.
    pub result: Type,
    /// Its blocks, in order; the first is the entry, and every branch goes forward.
    pub blocks: IndexVec<Block, BlockData>,
    /// Its instructions, in no order; blocks list theirs.
    pub insts: IndexVec<InstId, InstData>,
    /// Its values.
    pub vals: IndexVec<Val, ValData>,
}

/// A basic block.
#[derive(Clone, Debug)]
pub struct BlockData {
    /// Its parameters.
    pub params: Vec<Val>,
    /// Its instructions, in order.
    pub insts: Vec<InstId>,
    /// How it ends.
    pub term: Terminator,
}

/// An instruction and what it defines.
#[derive(Clone, Debug)]
pub struct InstData {
    /// The instruction.
    pub inst: Inst,
    /// The value it defines, if it defines one.
    pub result: Option<Val>,
}

/// A value.
#[derive(Clone, Copy, Debug)]
pub struct ValData {
    /// Its type.
    pub ty: Type,
    /// Where it is defined.
    pub def: Def,
}

/// Where a value is defined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Def {
    /// By an instruction.
    Inst(InstId),
    /// As a parameter of a block.
    Param(Block, u32),
}

/// A branch to a block with the values of its parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Jump {
    /// Where to.
    pub block: Block,
    /// One value a parameter.
    pub args: Vec<Val>,
}

/// How a block ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Terminator {
    /// `jump block1(v2)`
    Jump(Jump),
    /// `br v1, block2, block3`: the first if the value holds.
    Br(Val, Jump, Jump),
    /// `switch v1, [0: block2, 3: block3], block4`: by an integer; cases are distinct and sorted.
    Switch(Val, Vec<(i64, Jump)>, Jump),
    /// `return v1`
    Return(Val),
}

/// A rule set. Conditions, outcomes and `otherwise` are functions of the rule set's parameters.
#[derive(Clone, Debug)]
pub struct RuleSet {
    /// Unique in the module.
    pub name: Box<str>,
    /// Parameter types.
    pub params: Vec<Type>,
    /// What a decision gives: for `All` a list of the outcomes' type, otherwise that type.
    pub result: Type,
    /// The hit policy.
    pub policy: Policy,
    /// Groups, outer before inner.
    pub groups: IndexVec<GroupId, Group>,
    /// Rules in source order; those of a group stand together.
    pub rules: Vec<Rule>,
    /// The outcome when no rule matches. Absent under `All` and `Sum` (an empty list, zero), and where a rule always matches:
    /// there, for a value in any case, the last rule decides.
    pub otherwise: Option<Otherwise>,
    /// For `Best`: (parameters …, outcome) -> int, the key.
    pub key: Option<FuncId>,
}

/// A condition that several rules stand under; evaluated once for all of them.
#[derive(Clone, Debug)]
pub struct Group {
    /// The group around it.
    pub parent: Option<GroupId>,
    /// (parameters …) -> bool.
    pub cond: FuncId,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Unique in the rule set.
    pub name: Box<str>,
    /// What its mark says.
    pub site: SiteId,
    /// The group it stands in.
    pub group: Option<GroupId>,
    /// (parameters …) -> bool; absent means always.
    pub cond: Option<FuncId>,
    /// (parameters …) -> outcome; called only when the condition holds. Several only under `All`.
    pub outcomes: Vec<FuncId>,
}

/// What a rule set decides when no rule matches.
#[derive(Clone, Copy, Debug)]
pub struct Otherwise {
    /// What its mark says.
    pub site: SiteId,
    /// (parameters …) -> outcome.
    pub outcome: FuncId,
}

/// Something a host can call.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name in the source.
    pub name: Box<str>,
    /// What it is called by.
    pub target: Target,
    /// Names and types of the parameters.
    pub params: Vec<(Box<str>, TypeId)>,
    /// The type of the decision's value.
    pub result: TypeId,
    /// What a host wants to know of the rule set that it is.
    pub decides: Decides,
}

/// What is known of an entry that is a rule set, besides what it calls. Not part of the text form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decides {
    /// Its hit policy; absent where the entry is no rule set.
    pub policy: Option<Policy>,
    /// The fields of the first parameter that are the decision's id and time, where a stream says which.
    pub inputs: Option<(u32, u32)>,
}

/// What an entry calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// A function, whose marks are kept.
    Func(FuncId),
    /// A rule set; gone after rule sets are lowered.
    Rules(RuleSetId),
}

impl Terminator {
    /// The branches out, in order.
    pub fn jumps(&self) -> impl Iterator<Item = &Jump> {
        let (cases, rest): (&[(i64, Jump)], [Option<&Jump>; 2]) = match self {
            Terminator::Jump(j) => (&[], [Some(j), None]),
            Terminator::Br(_, a, b) => (&[], [Some(a), Some(b)]),
            Terminator::Switch(_, cases, default) => (cases, [Some(default), None]),
            Terminator::Return(_) => (&[], [None, None]),
        };
        cases
            .iter()
            .map(|(_, j)| j)
            .chain(rest.into_iter().flatten())
    }

    /// How many branches out there are.
    pub fn jump_count(&self) -> usize {
        match self {
            Terminator::Jump(_) => 1,
            Terminator::Br(..) => 2,
            Terminator::Switch(_, cases, _) => cases.len() + 1,
            Terminator::Return(_) => 0,
        }
    }

    /// The branch out at a place in their order.
    pub fn jump(&self, index: usize) -> Option<&Jump> {
        match (self, index) {
            (Terminator::Jump(j), 0) | (Terminator::Br(_, j, _), 0) => Some(j),
            (Terminator::Br(_, _, j), 1) => Some(j),
            (Terminator::Switch(_, cases, default), _) => match cases.get(index) {
                Some((_, j)) => Some(j),
                None => (index == cases.len()).then_some(default),
            },
            _ => None,
        }
    }

    /// The branches out, in order, to change.
    pub fn jumps_mut(&mut self) -> impl Iterator<Item = &mut Jump> {
        let (cases, rest): (&mut [(i64, Jump)], [Option<&mut Jump>; 2]) = match self {
            Terminator::Jump(j) => (&mut [], [Some(j), None]),
            Terminator::Br(_, a, b) => (&mut [], [Some(a), Some(b)]),
            Terminator::Switch(_, cases, default) => (cases, [Some(default), None]),
            Terminator::Return(_) => (&mut [], [None, None]),
        };
        cases
            .iter_mut()
            .map(|(_, j)| j)
            .chain(rest.into_iter().flatten())
    }

    /// Every value it uses.
    pub fn vals(&self, mut visit: impl FnMut(Val)) {
        match self {
            Terminator::Br(v, ..) | Terminator::Switch(v, ..) | Terminator::Return(v) => visit(*v),
            Terminator::Jump(_) => {}
        }
        for jump in self.jumps() {
            jump.args.iter().for_each(|v| visit(*v));
        }
    }

    /// Every value it uses, to change it.
    pub fn vals_mut(&mut self, mut visit: impl FnMut(&mut Val)) {
        match self {
            Terminator::Br(v, ..) | Terminator::Switch(v, ..) | Terminator::Return(v) => visit(v),
            Terminator::Jump(_) => {}
        }
        for jump in self.jumps_mut() {
            jump.args.iter_mut().for_each(&mut visit);
        }
    }
}

impl Func {
    /// The first block of every function.
    pub const ENTRY: Block = Block(0);

    /// The parameters: those of the entry block.
    pub fn params(&self) -> &[Val] {
        &self.blocks[Func::ENTRY].params
    }

    /// The type of a value.
    #[inline]
    pub fn ty(&self, val: Val) -> Type {
        self.vals[val].ty
    }

    /// The instruction that defines a value, unless it is a parameter.
    pub fn def(&self, val: Val) -> Option<&Inst> {
        match self.vals[val].def {
            Def::Inst(inst) => Some(&self.insts[inst].inst),
            Def::Param(..) => None,
        }
    }

    /// Appends a parameter to a block.
    pub fn push_param(&mut self, block: Block, ty: Type) -> Val {
        let index = self.blocks[block].params.len() as u32;
        let val = self.vals.push(ValData {
            ty,
            def: Def::Param(block, index),
        });
        self.blocks[block].params.push(val);
        val
    }

    /// Makes an instruction, with a result if `ty` is given, that stands in no block yet.
    pub fn make_inst(&mut self, inst: Inst, ty: Option<Type>) -> (InstId, Option<Val>) {
        let id = self.insts.next();
        let result = ty.map(|ty| {
            self.vals.push(ValData {
                ty,
                def: Def::Inst(id),
            })
        });
        self.insts.push(InstData { inst, result });
        (id, result)
    }
}

impl Module {
    /// The constant of this type and value, added if it is new. Expected constant time beside hashing the value.
    pub fn konst(&mut self, ty: Type, value: Value) -> ConstId {
        let constant = Constant { ty, value };
        let mut hash = FxBuildHasher.hash_one(&constant);
        while let Some(id) = self.pools.consts.get(&hash) {
            if self.consts.get(*id) == Some(&constant) {
                return *id;
            }
            hash = hash.wrapping_add(1);
        }
        let id = self.consts.push(constant);
        self.pools.consts.insert(hash, id);
        id
    }

    /// The pattern of this kind and text, added if it is new.
    pub fn pattern(&mut self, pattern: Pattern) -> PatId {
        let key = pattern.key();
        let mut hash = FxBuildHasher.hash_one(key);
        while let Some(id) = self.pools.patterns.get(&hash) {
            if self.patterns.get(*id).map(Pattern::key) == Some(key) {
                return *id;
            }
            hash = hash.wrapping_add(1);
        }
        let id = self.patterns.push(pattern);
        self.pools.patterns.insert(hash, id);
        id
    }

    /// The native, added (and the types of its signature made) if it is new. Names of natives are unique.
    pub fn native(&mut self, native: &'static Native) -> NativeId {
        if let Some(id) = self.pools.natives.get(native.name)
            && self.natives.get(*id).is_some_and(|n| n.name == native.name)
        {
            return *id;
        }
        for param in native.params {
            intern_native_type(&mut self.types, &param.ty);
        }
        intern_native_type(&mut self.types, &native.result);
        let id = self.natives.push(native);
        self.pools.natives.insert(native.name, id);
        id
    }

    /// The function or rule set an entry of this name calls.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| &*e.name == name)
    }
}
