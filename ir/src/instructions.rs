//! The table of instructions. One row says what an instruction is; everything else about instructions is derived from
//! the rows, and rustc lists the places that must think about a new one.
//!
//! A row reads
//!
//! ```text
//! /// What it computes.
//! mnemonic = Name { operand: Kind, … } [types], Effect, cost steps;
//! ```
//!
//! `[int, int => int]` are the types of the value operands and of the result; `[special]` means that the rule is
//! written by hand in `typing.rs`. Operand kinds are [`Val`], [`Vals`], and the immediates of `operand.rs`.
//!
//! The cost is the number of steps that the bound counts and that engines count when they run; for
//! an instruction that walks something, the worst case over everything the checker lets through.

use crate::entities::{
    ConstId, DataId, FuncId, IndexId, NativeId, PatId, PlaceId, RuleSetId, SiteId, Val,
};
use crate::operand::{Cc, Fimm, Flag, Imm, Index, Operand, Vals};
use crate::types::Type;

/// What an optimizer may do with an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// A function of its operands and of the decision's inputs: may be dropped, merged, moved anywhere its operands are.
    Pure,
    /// Pure, but only meaningful behind the test that guards it (a division, the payload of a variant): may be dropped and merged
    /// into a dominating equal, never moved above a branch.
    Guarded,
    /// Seen from outside (the trace, later state): kept, in order.
    Visible,
}

/// Hands the whole table to a macro.
#[macro_export]
macro_rules! for_each_inst {
    ($callback:path) => {
        $callback! {
            /// An integer constant.
            iconst = Iconst { imm: Imm } [=> int], Pure, cost 1;
            /// A float constant.
            fconst = Fconst { imm: Fimm } [=> float], Pure, cost 1;
            /// A truth value.
            bconst = Bconst { imm: Flag } [=> bool], Pure, cost 1;
            /// A constant of the module: text, address, list, record, …
            konst = Konst { value: ConstId } [special], Pure, cost 1;
            /// Data that the host gave beside the program.
            data = Data { data: DataId } [special], Pure, cost 1;
            /// The id of the decision.
            decision_id = DecisionId { } [=> str], Pure, cost 1;
            /// The time of the decision, microseconds since 1970.
            decision_time = DecisionTime { } [=> int], Pure, cost 1;

            /// `a + b`; the checker has proved that it fits (it wraps otherwise).
            iadd = Iadd { a: Val, b: Val } [int, int => int], Pure, cost 1;
            /// `a - b`; see `iadd`.
            isub = Isub { a: Val, b: Val } [int, int => int], Pure, cost 1;
            /// `a * b`; see `iadd`.
            imul = Imul { a: Val, b: Val } [int, int => int], Pure, cost 1;
            /// `-a`; see `iadd`.
            ineg = Ineg { a: Val } [int => int], Pure, cost 1;
            /// `a / b`, towards zero; the checker has proved that `b` is not zero.
            idiv = Idiv { a: Val, b: Val } [int, int => int], Guarded, cost 4;
            /// `a - (a / b) * b`; see `idiv`.
            imod = Imod { a: Val, b: Val } [int, int => int], Guarded, cost 4;
            /// `a + b`, at the bounds of 64 bits where it would leave them.
            iadd_sat = IaddSat { a: Val, b: Val } [int, int => int], Pure, cost 1;
            /// `a - b`, saturating.
            isub_sat = IsubSat { a: Val, b: Val } [int, int => int], Pure, cost 1;
            /// `a * b`, saturating.
            imul_sat = ImulSat { a: Val, b: Val } [int, int => int], Pure, cost 1;
            /// The smaller.
            imin = Imin { a: Val, b: Val } [int, int => int], Pure, cost 1;
            /// The greater.
            imax = Imax { a: Val, b: Val } [int, int => int], Pure, cost 1;
            /// The magnitude, saturating.
            iabs = Iabs { a: Val } [int => int], Pure, cost 1;
            /// `a * b / 10^9`, half to even, saturating: the product with a percentage.
            pmul = Pmul { a: Val, b: Val } [int, int => int], Pure, cost 8;
            /// `a * 10^9 / b`, half to even, saturating: the quotient as a percentage. `b` is not zero.
            pdiv = Pdiv { a: Val, b: Val } [int, int => int], Guarded, cost 8;
            /// `a / 10^9`, half to even: a percentage to the nearest whole number.
            pround = Pround { a: Val } [int => int], Pure, cost 4;
            /// Compares integers.
            icmp = Icmp { cc: Cc, a: Val, b: Val } [int, int => bool], Pure, cost 1;

            /// `a + b`; finite, never minus zero (as all float arithmetic here).
            fadd = Fadd { a: Val, b: Val } [float, float => float], Pure, cost 1;
            /// `a - b`.
            fsub = Fsub { a: Val, b: Val } [float, float => float], Pure, cost 1;
            /// `a * b`.
            fmul = Fmul { a: Val, b: Val } [float, float => float], Pure, cost 1;
            /// `a / b`; `b` is not zero.
            fdiv = Fdiv { a: Val, b: Val } [float, float => float], Guarded, cost 4;
            /// `-a`.
            fneg = Fneg { a: Val } [float => float], Pure, cost 1;
            /// Compares floats.
            fcmp = Fcmp { cc: Cc, a: Val, b: Val } [float, float => bool], Pure, cost 1;
            /// An integer of at most 53 bits as a float.
            int_to_float = IntToFloat { a: Val } [int => float], Pure, cost 1;

            /// Compares texts by bytes.
            scmp = Scmp { cc: Cc, a: Val, b: Val } [str, str => bool], Pure, cost 4;
            /// Structural equality of two values of one type.
            same = Same { a: Val, b: Val } [special], Pure, cost 4;
            /// `not a`.
            bnot = Bnot { a: Val } [bool => bool], Pure, cost 1;
            /// `a and b`, both evaluated.
            band = Band { a: Val, b: Val } [bool, bool => bool], Pure, cost 1;
            /// `a or b`, both evaluated.
            bor = Bor { a: Val, b: Val } [bool, bool => bool], Pure, cost 1;
            /// `a` if `c`, else `b`.
            select = Select { c: Val, a: Val, b: Val } [special], Pure, cost 1;

            /// The absent optional of a type (`ty` is the optional).
            none = None { ty: Type } [special], Pure, cost 1;
            /// A present optional.
            some = Some { a: Val } [special], Pure, cost 1;
            /// Whether an optional is present.
            is_some = IsSome { a: Val } [special], Pure, cost 1;
            /// What a present optional holds; the optional is present.
            unwrap = Unwrap { a: Val } [special], Guarded, cost 1;
            /// What an optional holds, or `b`.
            unwrap_or = UnwrapOr { a: Val, b: Val } [special], Pure, cost 1;

            /// A record; one value a field.
            record = Record { ty: Type, fields: Vals } [special], Pure, cost 4;
            /// A field of a record.
            field = Field { a: Val, index: Index } [special], Pure, cost 1;
            /// An enum value; one value a field of the variant.
            variant = Variant { ty: Type, tag: Index, fields: Vals } [special], Pure, cost 4;
            /// Which variant an enum value is.
            tag = Tag { a: Val } [special], Pure, cost 1;
            /// A field of variant `tag`; the value is of that variant.
            payload = Payload { a: Val, tag: Index, index: Index } [special], Guarded, cost 1;

            /// A list of the values (`ty` is the list).
            list = List { ty: Type, items: Vals } [special], Pure, cost 4;
            /// A set of the values: sorted, duplicates dropped (`ty` is the set).
            set = Set { ty: Type, items: Vals } [special], Pure, cost 8;
            /// A map of keys and values in turn; of equal keys the first stays (`ty` is the map).
            map = Map { ty: Type, items: Vals } [special], Pure, cost 8;
            /// The list of those optionals that are present, in order (`ty` is the list).
            collect = Collect { ty: Type, items: Vals } [special], Pure, cost 4;
            /// How many elements a list, set or map has.
            len = Len { a: Val } [special], Pure, cost 1;
            /// An element of a list, absent past its end.
            get = Get { a: Val, index: Val } [special], Pure, cost 1;
            /// What a map holds for a key, absent if nothing.
            lookup = Lookup { a: Val, key: Val } [special], Pure, cost 8;
            /// Whether a list or set has an element.
            contains = Contains { a: Val, item: Val } [special], Pure, cost 8;

            /// Whether a network has an address.
            cidr_has = CidrHas { a: Val, ip: Val } [cidr, ip => bool], Pure, cost 1;
            /// Whether one of a set or list of networks has an address.
            cidrs_have = CidrsHave { a: Val, ip: Val } [special], Pure, cost 8;
            /// Whether a whole path, or whole text, matches a pattern of any kind.
            matches = Matches { a: Val, pattern: PatId } [str => bool], Pure, cost 8;
            /// What a path pattern captures of a path that matches.
            path_capture = PathCapture { a: Val, pattern: PatId, index: Index } [special], Guarded, cost 8;
            /// What a regex group takes of a text, absent if it took no part.
            regex_capture = RegexCapture { a: Val, pattern: PatId, index: Index } [special], Pure, cost 16;
            /// The path of the given texts, joined: what a path template builds. Parts are whole segments or paths.
            path_join = PathJoin { parts: Vals } [special], Pure, cost 8;

            /// Whether the function (element, captured …) -> bool holds for some element; stops at the first.
            /// `max` is the most elements the checker lets through; only the bound reads it.
            any = Any { a: Val, func: FuncId, max: Imm, captured: Vals } [special], Pure, cost 1;
            /// Folds the function (accumulator, element, captured …) -> accumulator over the elements in order.
            /// `max` is that of `any`.
            fold = Fold { a: Val, init: Val, func: FuncId, max: Imm, captured: Vals } [special], Pure, cost 1;

            /// Calls a function.
            call = Call { func: FuncId, args: Vals } [special], Pure, cost 1;
            /// Calls a function and keeps the marks it makes: a stage, or an entry of a test.
            call_marked = CallMarked { func: FuncId, args: Vals } [special], Visible, cost 1;
            /// Calls a native.
            native = Native { native: NativeId, args: Vals } [special], Pure, cost 1;
            /// Decides by a rule set; gone after rule sets are lowered.
            decide = Decide { rules: RuleSetId, args: Vals } [special], Pure, cost 1;
            /// Decides by a rule set and keeps the marks it makes: a stage, or an entry of a test.
            decide_marked = DecideMarked { rules: RuleSetId, args: Vals } [special], Visible, cost 1;
            /// Decides by an index.
            search = Search { index: IndexId, args: Vals } [special], Pure, cost 1;
            /// Decides by an index and keeps the marks it makes.
            search_marked = SearchMarked { index: IndexId, args: Vals } [special], Visible, cost 1;
            /// Asks the states of the decision what the operation of a place does; its key and other arguments.
            ask = Ask { place: PlaceId, args: Vals } [special], Visible, cost 16;
            /// What a place answered in this decision; it was asked before.
            answer = Answer { place: PlaceId } [special], Guarded, cost 1;
            /// Adds a site to the trace.
            mark = Mark { site: SiteId } [=>], Visible, cost 1;
        }
    };
}

macro_rules! define_insts {
    ($($(#[doc = $doc:literal])* $mnemonic:ident = $name:ident { $($field:ident: $kind:ident),* } [$($sig:tt)*], $effect:ident, cost $cost:literal;)*) => {
        /// One instruction with its operands; see the table for what each means.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        #[allow(missing_docs, reason = "operands are described by the row of their instruction")]
        pub enum Inst {
            $($(#[doc = $doc])* $name { $($field: $kind),* },)*
        }

        /// An instruction without its operands.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        pub enum Opcode {
            $($(#[doc = $doc])* $name,)*
        }

        impl Opcode {
            /// Every opcode, in the order of the table.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$name),*];

            /// Its name in the text form.
            pub fn mnemonic(self) -> &'static str {
                match self { $(Opcode::$name => stringify!($mnemonic),)* }
            }

            /// What an optimizer may do with it.
            pub fn effect(self) -> Effect {
                match self { $(Opcode::$name => Effect::$effect,)* }
            }

            /// Its own steps, without those of what it calls.
            #[inline]
            pub fn cost(self) -> u64 {
                match self { $(Opcode::$name => $cost,)* }
            }

            /// What it computes, one sentence.
            pub fn doc(self) -> &'static str {
                match self { $(Opcode::$name => concat!($($doc),*).trim_ascii(),)* }
            }
        }

        impl Inst {
            /// The instruction without its operands.
            pub fn opcode(&self) -> Opcode {
                match self { $(Inst::$name { .. } => Opcode::$name,)* }
            }

            /// Visits every operand, in the order of the row, by its field's name.
            pub fn operands<'i>(&'i self, mut visit: impl FnMut(&'static str, &'i dyn Operand)) {
                match self { $(Inst::$name { $($field),* } => { $(visit(stringify!($field), $field);)* let _ = &mut visit; })* }
            }

            /// Visits every value operand to change it.
            pub fn vals_mut(&mut self, mut visit: impl FnMut(&mut Val)) {
                match self { $(Inst::$name { $($field),* } => { $($field.vals_mut(&mut visit);)* let _ = &mut visit; })* }
            }
        }

        /// One method an instruction, none with a default: whoever implements it is told by rustc what is new.
        #[allow(clippy::too_many_arguments, missing_docs, reason = "one method a row; the row is the documentation")]
        pub trait InstVisitor {
            type Output;
            $(fn $mnemonic(&mut self, $($field: &$kind),*) -> Self::Output;)*
        }

        impl Inst {
            /// Calls the visitor's method for this instruction.
            pub fn visit<V: InstVisitor>(&self, visitor: &mut V) -> V::Output {
                match self { $(Inst::$name { $($field),* } => visitor.$mnemonic($($field),*),)* }
            }
        }
    };
}

for_each_inst!(define_insts);

impl Inst {
    /// What an optimizer may do with it.
    pub fn effect(&self) -> Effect {
        self.opcode().effect()
    }

    /// Visits every value operand, in order.
    pub fn vals(&self, mut visit: impl FnMut(Val)) {
        self.operands(|_, operand| operand.vals(&mut visit));
    }

    /// The function it calls, if it calls one.
    pub fn callee(&self) -> Option<FuncId> {
        match self {
            Inst::Call { func, .. } | Inst::CallMarked { func, .. } => Some(*func),
            Inst::Any { func, .. } | Inst::Fold { func, .. } => Some(*func),
            _ => None,
        }
    }
}
