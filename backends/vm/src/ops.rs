//! The table of opcodes. A row says what an opcode is; the enum, the file format, the listing, the verifier's operand
//! checks, the steps and the dispatch are derived from the rows, and a row without a handler does not compile.
//!
//! A row reads
//!
//! ```text
//! /// What it does.
//! mnemonic = Name { operand: Kind, … } flow, for [Inst, …];
//! ```
//!
//! Operands are of the kinds in `operand.rs`; [`Dst`] is the register written, after the others were read.
//! The flow is `next` (goes on behind it), `branch` (goes on, or jumps where the handler says so),
//! `jump` (goes where the handler says) or `end` (returns what the handler gives).
//! `for` lists what of the IR the opcode stands for; its steps are the sum of theirs. `Jump`, `Br`, `Switch` and
//! `Return` there are terminators; an opcode for nothing is how the code is laid out, and free.
//!
//! Opcodes are numbered in the order of their rows, so a new row goes to the end of its group together with
//! a new [`VERSION`](crate::encode::VERSION) of the file format.

use tollgate_ir::cost::TERMINATOR;
use tollgate_ir::entities::{ConstId, DataId, PatId, PlaceId, SiteId};
use tollgate_ir::instructions::Opcode as IrOpcode;
use tollgate_ir::operand::{Cc, Fimm, Flag, Imm, Index};
use tollgate_runtime::Word;

use crate::decode::{LoadError, Reader};
use crate::disas::Listing;
use crate::encode::Writer;
use crate::operand::{
    Asked, Call, Dst, Each, Imm32, List, NativeCall, Operand, Reg, Searched, Short, TableIx, Target,
};
use crate::program::Program;
use crate::verify::{Checker, Flaw};

/// Hands the whole table to a macro.
macro_rules! for_each_op {
    ($callback:path) => {
        $callback! {
            /// An integer.
            iconst = Iconst { dst: Dst, imm: Imm } next, for [Iconst];
            /// A float.
            fconst = Fconst { dst: Dst, imm: Fimm } next, for [Fconst];
            /// A truth value.
            bconst = Bconst { dst: Dst, imm: Flag } next, for [Bconst];
            /// A constant of the pool, borrowed.
            konst = Konst { dst: Dst, value: ConstId } next, for [Konst];
            /// Data of the host.
            data = Data { dst: Dst, data: DataId } next, for [Data];
            /// The id of the decision.
            decision_id = DecisionId { dst: Dst } next, for [DecisionId];
            /// The time of the decision.
            decision_time = DecisionTime { dst: Dst } next, for [DecisionTime];

            /// `a + b`, wrapping.
            iadd = Iadd { dst: Dst, a: Reg, b: Reg } next, for [Iadd];
            /// `a - b`, wrapping.
            isub = Isub { dst: Dst, a: Reg, b: Reg } next, for [Isub];
            /// `a * b`, wrapping.
            imul = Imul { dst: Dst, a: Reg, b: Reg } next, for [Imul];
            /// `-a`, wrapping.
            ineg = Ineg { dst: Dst, a: Reg } next, for [Ineg];
            /// `a / b`.
            idiv = Idiv { dst: Dst, a: Reg, b: Reg } next, for [Idiv];
            /// The remainder of `a / b`.
            imod = Imod { dst: Dst, a: Reg, b: Reg } next, for [Imod];
            /// `a + b`, saturating.
            iadd_sat = IaddSat { dst: Dst, a: Reg, b: Reg } next, for [IaddSat];
            /// `a - b`, saturating.
            isub_sat = IsubSat { dst: Dst, a: Reg, b: Reg } next, for [IsubSat];
            /// `a * b`, saturating.
            imul_sat = ImulSat { dst: Dst, a: Reg, b: Reg } next, for [ImulSat];
            /// The smaller.
            imin = Imin { dst: Dst, a: Reg, b: Reg } next, for [Imin];
            /// The greater.
            imax = Imax { dst: Dst, a: Reg, b: Reg } next, for [Imax];
            /// The magnitude.
            iabs = Iabs { dst: Dst, a: Reg } next, for [Iabs];
            /// The product with a percentage.
            pmul = Pmul { dst: Dst, a: Reg, b: Reg } next, for [Pmul];
            /// The quotient as a percentage.
            pdiv = Pdiv { dst: Dst, a: Reg, b: Reg } next, for [Pdiv];
            /// A percentage to the nearest whole number.
            pround = Pround { dst: Dst, a: Reg } next, for [Pround];
            /// Compares integers.
            icmp = Icmp { cc: Cc, dst: Dst, a: Reg, b: Reg } next, for [Icmp];
            /// `a + imm`, wrapping.
            iadd_imm = IaddImm { dst: Dst, a: Reg, imm: Imm32 } next, for [Iconst, Iadd];
            /// Compares an integer with a constant.
            icmp_imm = IcmpImm { cc: Cc, dst: Dst, a: Reg, imm: Imm32 } next, for [Iconst, Icmp];

            /// `a + b`.
            fadd = Fadd { dst: Dst, a: Reg, b: Reg } next, for [Fadd];
            /// `a - b`.
            fsub = Fsub { dst: Dst, a: Reg, b: Reg } next, for [Fsub];
            /// `a * b`.
            fmul = Fmul { dst: Dst, a: Reg, b: Reg } next, for [Fmul];
            /// `a / b`.
            fdiv = Fdiv { dst: Dst, a: Reg, b: Reg } next, for [Fdiv];
            /// `-a`.
            fneg = Fneg { dst: Dst, a: Reg } next, for [Fneg];
            /// Compares floats.
            fcmp = Fcmp { cc: Cc, dst: Dst, a: Reg, b: Reg } next, for [Fcmp];
            /// An integer as a float.
            int_to_float = IntToFloat { dst: Dst, a: Reg } next, for [IntToFloat];

            /// Compares texts.
            scmp = Scmp { cc: Cc, dst: Dst, a: Reg, b: Reg } next, for [Scmp];
            /// Structural equality.
            same = Same { dst: Dst, a: Reg, b: Reg } next, for [Same];
            /// `not a`.
            bnot = Bnot { dst: Dst, a: Reg } next, for [Bnot];
            /// `a and b`.
            band = Band { dst: Dst, a: Reg, b: Reg } next, for [Band];
            /// `a or b`.
            bor = Bor { dst: Dst, a: Reg, b: Reg } next, for [Bor];
            /// The one of two that a condition chooses: registers condition, if it holds, if not.
            select = Select { dst: Dst, args: List } next, for [Select];

            /// The absent optional.
            none = None { dst: Dst } next, for [None];
            /// A present optional.
            some = Some { dst: Dst, a: Reg } next, for [Some];
            /// Whether an optional is present.
            is_some = IsSome { dst: Dst, a: Reg } next, for [IsSome];
            /// What a present optional holds.
            unwrap = Unwrap { dst: Dst, a: Reg } next, for [Unwrap];
            /// What an optional holds, or `b`.
            unwrap_or = UnwrapOr { dst: Dst, a: Reg, b: Reg } next, for [UnwrapOr];

            /// A record.
            record = Record { dst: Dst, fields: List } next, for [Record];
            /// A field of a record.
            field = Field { dst: Dst, a: Reg, index: Index } next, for [Field];
            /// A field of a field of a record.
            field_field = FieldField { index: Short, dst: Dst, a: Reg, then: Index } next, for [Field, Field];
            /// An enum value.
            variant = Variant { dst: Dst, tag: Index, fields: List } next, for [Variant];
            /// Which variant an enum value is.
            tag = Tag { dst: Dst, a: Reg } next, for [Tag];
            /// A field of a variant.
            payload = Payload { tag: Short, dst: Dst, a: Reg, index: Index } next, for [Payload];

            /// A list.
            list = List { dst: Dst, items: List } next, for [List];
            /// A set.
            set = Set { dst: Dst, items: List } next, for [Set];
            /// A map.
            map = Map { dst: Dst, items: List } next, for [Map];
            /// The list of those that are present.
            collect = Collect { dst: Dst, items: List } next, for [Collect];
            /// How many elements a list or set has.
            len = Len { dst: Dst, a: Reg } next, for [Len];
            /// How many entries a map has.
            len_map = LenMap { dst: Dst, a: Reg } next, for [Len];
            /// An element of a list.
            get = Get { dst: Dst, a: Reg, index: Reg } next, for [Get];
            /// What a map holds for a key.
            lookup = Lookup { dst: Dst, a: Reg, key: Reg } next, for [Lookup];
            /// Whether a list has an element.
            list_has = ListHas { dst: Dst, a: Reg, item: Reg } next, for [Contains];
            /// Whether a set has an element.
            set_has = SetHas { dst: Dst, a: Reg, item: Reg } next, for [Contains];

            /// Whether a network has an address.
            cidr_has = CidrHas { dst: Dst, a: Reg, ip: Reg } next, for [CidrHas];
            /// Whether one of several networks has an address.
            cidrs_have = CidrsHave { dst: Dst, a: Reg, ip: Reg } next, for [CidrsHave];
            /// Whether a text matches a pattern.
            matches = Matches { dst: Dst, a: Reg, pattern: PatId } next, for [Matches];
            /// What a path pattern captures.
            path_capture = PathCapture { index: Short, dst: Dst, a: Reg, pattern: PatId } next, for [PathCapture];
            /// What a regex group takes.
            regex_capture = RegexCapture { index: Short, dst: Dst, a: Reg, pattern: PatId } next, for [RegexCapture];
            /// The path of the parts.
            path_join = PathJoin { dst: Dst, parts: List } next, for [PathJoin];

            /// Whether a function holds for some element of `a`.
            any = Any { dst: Dst, a: Reg, each: Each } next, for [Any];
            /// Folds a function over the elements of `a`; the first register of `each` is the accumulator's first value.
            fold = Fold { dst: Dst, a: Reg, each: Each } next, for [Fold];
            /// Calls a function and drops the marks it makes.
            call = Call { dst: Dst, call: Call } next, for [Call];
            /// Calls a function and keeps the marks it makes.
            call_marked = CallMarked { dst: Dst, call: Call } next, for [CallMarked];
            /// Calls a native, whose own steps are added.
            native = Native { dst: Dst, call: NativeCall } next, for [Native];
            /// Decides by an index and drops the marks that makes.
            search = Search { dst: Dst, searched: Searched } next, for [Search];
            /// Decides by an index and keeps the marks that makes.
            search_marked = SearchMarked { dst: Dst, searched: Searched } next, for [SearchMarked];
            /// Adds a site to the trace.
            mark = Mark { site: SiteId } next, for [Mark];
            /// Asks the states of the decision.
            ask = Ask { dst: Dst, asked: Asked } next, for [Ask];
            /// What a place answered.
            answer = Answer { dst: Dst, place: PlaceId } next, for [Answer];

            /// Copies a register: the value of a block's parameter.
            mov = Mov { dst: Dst, a: Reg } next, for [];
            /// Goes on elsewhere, where the IR goes on behind it.
            goto = Goto { to: Target } jump, for [];
            /// Goes on elsewhere.
            jump = Jump { to: Target } jump, for [Jump];
            /// Copies a register and goes on elsewhere.
            mov_jump = MovJump { dst: Dst, a: Reg, to: Target } jump, for [Jump];
            /// Goes where the table says for an integer.
            switch = Switch { a: Reg, table: TableIx } jump, for [Switch];
            /// Goes where the table says for the variant of an enum value.
            switch_tag = SwitchTag { a: Reg, table: TableIx } jump, for [Tag, Switch];
            /// Returns a register.
            ret = Ret { a: Reg } end, for [Return];

            /// Jumps unless `a` is `want`.
            br = Br { want: Flag, a: Reg, to: Target } branch, for [Br];
            /// Jumps unless `not a` is `want`.
            br_not = BrNot { want: Flag, a: Reg, to: Target } branch, for [Bnot, Br];
            /// Jumps unless the comparison holds.
            br_icmp = BrIcmp { cc: Cc, a: Reg, b: Reg, to: Target } branch, for [Icmp, Br];
            /// Jumps unless the comparison with a constant holds.
            br_icmp_imm = BrIcmpImm { cc: Cc, a: Reg, imm: Imm32, to: Target } branch, for [Iconst, Icmp, Br];
            /// Jumps unless the comparison of a field with a constant holds.
            br_field_imm = BrFieldImm { cc: Cc, index: Short, a: Reg, imm: Imm32, to: Target } branch, for [Field, Iconst, Icmp, Br];
            /// Jumps unless the comparison of the variant's index with a constant holds.
            br_tag = BrTag { cc: Cc, a: Reg, imm: Imm32, to: Target } branch, for [Tag, Iconst, Icmp, Br];
            /// Jumps unless the comparison of texts holds.
            br_scmp = BrScmp { cc: Cc, a: Reg, b: Reg, to: Target } branch, for [Scmp, Br];
            /// Jumps unless the comparison with a constant text holds.
            br_scmp_const = BrScmpConst { cc: Cc, a: Reg, value: ConstId, to: Target } branch, for [Konst, Scmp, Br];
            /// Jumps unless the comparison of a field with a constant text holds.
            br_field_scmp = BrFieldScmp { cc: Cc, index: Short, a: Reg, value: ConstId, to: Target } branch, for [Field, Konst, Scmp, Br];
            /// Jumps unless whether two values are equal is `want`.
            br_same = BrSame { want: Flag, a: Reg, b: Reg, to: Target } branch, for [Same, Br];
            /// Jumps unless whether a value equals a constant is `want`.
            br_same_const = BrSameConst { want: Flag, a: Reg, value: ConstId, to: Target } branch, for [Konst, Same, Br];
            /// Jumps unless whether an optional is present is `want`.
            br_is_some = BrIsSome { want: Flag, a: Reg, to: Target } branch, for [IsSome, Br];
            /// Jumps unless whether a text matches is `want`.
            br_matches = BrMatches { want: Flag, a: Reg, pattern: PatId, to: Target } branch, for [Matches, Br];
            /// Jumps unless whether a set has an element is `want`.
            br_set_has = BrSetHas { want: Flag, a: Reg, item: Reg, to: Target } branch, for [Contains, Br];
            /// Jumps unless whether a constant set has an element is `want`.
            br_const_has = BrConstHas { want: Flag, value: ConstId, item: Reg, to: Target } branch, for [Konst, Contains, Br];
            /// Jumps unless whether one of constant networks has an address is `want`.
            br_const_cidrs = BrConstCidrs { want: Flag, value: ConstId, ip: Reg, to: Target } branch, for [Konst, CidrsHave, Br];
        }
    };
}

/// What a handler gives back.
macro_rules! answer {
    (next, $life:lifetime) => { () };
    (branch, $life:lifetime) => { Option<Target> };
    (jump, $life:lifetime) => { Target };
    (end, $life:lifetime) => { Word<$life> };
}

/// The steps of a part of the IR that an opcode stands for.
macro_rules! steps_of {
    (Jump) => {
        TERMINATOR
    };
    (Br) => {
        TERMINATOR
    };
    (Switch) => {
        TERMINATOR
    };
    (Return) => {
        TERMINATOR
    };
    ($inst:ident) => {
        IrOpcode::$inst.cost()
    };
}

macro_rules! flow {
    (next) => {
        Flow::Next
    };
    (branch) => {
        Flow::Branch
    };
    (jump) => {
        Flow::Jump
    };
    (end) => {
        Flow::End
    };
}

macro_rules! define_ops {
    ($($(#[doc = $doc:literal])* $mnemonic:ident = $name:ident { $($field:ident: $kind:ident),* } $flow:ident, for [$($inst:ident),*];)*) => {
        /// One instruction of the machine; see the table for what each does.
        #[derive(Clone, Copy, PartialEq, Debug)]
        pub(crate) enum Op {
            $($(#[doc = $doc])* $name { $($field: $kind),* },)*
        }

        /// The number of an opcode in a file.
        #[derive(Clone, Copy)]
        enum Number {
            $($name,)*
        }

        /// Every opcode of the machine, in the order of its table.
        pub const OPCODES: &[Opcode] = &[
            $(Opcode { mnemonic: stringify!($mnemonic), doc: concat!($($doc),*).trim_ascii(), parts: &[$(stringify!($inst)),*] },)*
        ];

        impl Op {
            /// Its name in a listing.
            pub(crate) fn mnemonic(&self) -> &'static str {
                match self { $(Op::$name { .. } => stringify!($mnemonic),)* }
            }

            /// Its steps, without those of what it calls.
            pub(crate) fn steps(&self) -> u64 {
                match self { $(Op::$name { .. } => 0 $(+ steps_of!($inst))*,)* }
            }

            /// Where it goes on.
            pub(crate) fn flow(&self) -> Flow {
                match self { $(Op::$name { .. } => flow!($flow),)* }
            }

            /// Appends it to a file.
            pub(crate) fn encode(&self, out: &mut Writer) {
                match *self { $(Op::$name { $($field),* } => {
                    out.u8(Number::$name as u8);
                    $(Operand::encode($field, out);)*
                })* }
            }

            /// Reads one from a file.
            pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Op, LoadError> {
                let at = input.at();
                let number = input.u8()?;
                $(if number == Number::$name as u8 {
                    return Ok(Op::$name { $($field: <$kind as Operand>::decode(input)?),* });
                })*
                Err(LoadError::damaged(at, "no such opcode"))
            }

            /// Writes its operands to a listing.
            pub(crate) fn show(&self, out: &mut Listing<'_>) {
                match *self { $(Op::$name { $($field),* } => { $(Operand::show($field, out);)* })* }
            }

            /// Checks that its operands name what exists, and that what it reads was written.
            pub(crate) fn check(&self, checker: &mut Checker<'_>) -> Result<(), Flaw> {
                match *self { $(Op::$name { $($field),* } => { $(Operand::check($field, checker)?;)* Ok(()) })* }
            }

            /// Visits the functions it calls.
            pub(crate) fn callees(&self, program: &Program, visit: &mut dyn FnMut(u32)) {
                match *self { $(Op::$name { $($field),* } => { $(Operand::callees($field, program, visit);)* })* }
            }

            /// The register it writes.
            pub(crate) fn writes(&self) -> Option<Dst> {
                let mut written = None;
                match *self { $(Op::$name { $($field),* } => { $(written = written.or(Operand::writes($field));)* })* }
                written
            }

            /// Tells the checker where it may jump.
            pub(crate) fn targets(&self, checker: &mut Checker<'_>) -> Result<(), Flaw> {
                match *self { $(Op::$name { $($field),* } => { $(Operand::targets($field, checker)?;)* Ok(()) })* }
            }

            /// Replaces its jump targets.
            pub(crate) fn retarget(&mut self, map: &mut dyn FnMut(Target) -> Target) {
                match self { $(Op::$name { $($field),* } => { $(Operand::retarget($field, map);)* })* }
            }
        }

        /// One method an opcode, none with a default: an opcode without a handler does not compile.
        pub(crate) trait Handlers<'a> {
            $($(#[doc = $doc])* fn $mnemonic(&mut self, $($field: $kind),*) -> answer!($flow, 'a);)*
        }
    };
}

/// What the table says of an opcode, for readers and tools.
#[derive(Clone, Copy, Debug)]
pub struct Opcode {
    /// Its name in a listing.
    pub mnemonic: &'static str,
    /// What it does, one sentence or two.
    pub doc: &'static str,
    /// The instructions and terminators of the IR that it stands for; its steps are the sum of theirs.
    pub parts: &'static [&'static str],
}

/// Where control goes behind an opcode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flow {
    /// To the next opcode.
    Next,
    /// To the next opcode or a target.
    Branch,
    /// To a target.
    Jump,
    /// Out of the function.
    End,
}

for_each_op!(define_ops);

/// Four opcodes a cache line; a row that breaks this has too many operands.
const _: () = assert!(size_of::<Op>() == 16);

/// Runs the handler of one opcode: counts its steps, then moves the program counter, or leaves the loop.
macro_rules! dispatch {
    ($($(#[doc = $doc:literal])* $mnemonic:ident = $name:ident { $($field:ident: $kind:ident),* } $flow:ident, for [$($inst:ident),*];)*) => {
        /// Runs one opcode. `Some` is what the function returns.
        #[inline(always)]
        pub(crate) fn dispatch<'a>(op: &Op, machine: &mut impl Handlers<'a>, pc: &mut usize, steps: &mut u64) -> Option<Word<'a>> {
            match *op {
                $(Op::$name { $($field),* } => {
                    *steps += 0 $(+ steps_of!($inst))*;
                    go!($flow, machine.$mnemonic($($field),*), pc)
                })*
            }
        }
    };
}

macro_rules! go {
    (next, $handled:expr, $pc:ident) => {{
        $handled;
        None
    }};
    (branch, $handled:expr, $pc:ident) => {{
        if let Some(to) = $handled {
            *$pc = to.0 as usize;
        }
        None
    }};
    (jump, $handled:expr, $pc:ident) => {{
        *$pc = $handled.0 as usize;
        None
    }};
    (end, $handled:expr, $pc:ident) => {
        Some($handled)
    };
}

for_each_op!(dispatch);
