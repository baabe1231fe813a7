//! The opcode of each instruction that stands on its own or with what it absorbed.

use tollgate_backend_api::CompileError;
use tollgate_ir::entities::{
    ConstId, DataId, FuncId, IndexId, NativeId, PatId, PlaceId, RuleSetId, SiteId, Val,
};
use tollgate_ir::instructions::InstVisitor;
use tollgate_ir::operand::{Cc, Fimm, Flag, Imm, Index, Vals};
use tollgate_ir::types::{Type, TypeData};

use super::Lower;
use crate::operand::{Asked, Call, Each, List, NativeCall, Searched, Short};
use crate::ops::Op;

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

    fn search(&mut self, index: &IndexId, args: &Vals) -> Self::Output {
        let searched = Searched(self.pool(&[index.0], &[], args));
        Ok(Op::Search {
            dst: self.dst,
            searched,
        })
    }

    fn search_marked(&mut self, index: &IndexId, args: &Vals) -> Self::Output {
        let searched = Searched(self.pool(&[index.0], &[], args));
        Ok(Op::SearchMarked {
            dst: self.dst,
            searched,
        })
    }

    fn ask(&mut self, place: &PlaceId, args: &Vals) -> Self::Output {
        let asked = Asked(self.pool(&[place.0], &[], args));
        Ok(Op::Ask {
            dst: self.dst,
            asked,
        })
    }

    fn answer(&mut self, place: &PlaceId) -> Self::Output {
        Ok(Op::Answer {
            dst: self.dst,
            place: *place,
        })
    }

    fn mark(&mut self, site: &SiteId) -> Self::Output {
        Ok(Op::Mark { site: *site })
    }
}

impl Lower<'_> {
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
