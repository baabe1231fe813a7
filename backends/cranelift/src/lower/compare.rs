//! Comparisons that take no branch, most of all with constants: a few operations in place of a call.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use tollgate_ir::entities::{PatId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::operand::Cc;
use tollgate_ir::types::Type;
use tollgate_native_abi::known::{Members, Net, has_table};
use tollgate_native_abi::layout::WORD;
use tollgate_native_abi::{Function, Shape};
use tollgate_runtime::Value as Constant;

use super::Lower;
use super::words::Parts;

impl Lower<'_> {
    /// Whether nothing differs.
    pub(super) fn is_zero(&mut self, differs: Option<Value>) -> Value {
        match differs {
            Some(differs) => self.b.ins().icmp_imm_u(IntCC::Equal, differs, 0),
            None => self.flag(true),
        }
    }

    /// The order of texts, which is that of their bytes.
    pub(super) fn texts_are_in_order(&mut self, cc: Cc, a: Val, b: Val) -> Value {
        let ((a, a_len), (b, b_len)) = (self.two(a), self.two(b));
        let order = self.ask(Function::TextOrder, &[a, a_len, b, b_len]);
        self.b.ins().icmp_imm_s(int_condition(cc), order, 0)
    }

    /// Structural equality of two values of one type.
    pub(super) fn values_are(&mut self, a: Val, b: Val) -> Value {
        match self.repr(a).shape {
            // All parts are numbers, and those of an absent value are zero.
            Shape::Bool | Shape::Int | Shape::Float | Shape::Ip | Shape::Cidr | Shape::Plain => {
                let (a, b) = (self.parts(a), self.parts(b));
                self.parts_are(a, b)
            }
            Shape::Str | Shape::Bytes | Shape::Seq | Shape::Record(_) | Shape::Variant => {
                let (at, _) = self.lay_out(&[a, b]);
                let second = self.b.ins().iadd_imm_s(at, WORD as i64);
                self.ask(Function::Same, &[at, second])
            }
        }
    }

    fn parts_are(&mut self, a: Parts, b: Parts) -> Value {
        let mut same: Option<Value> = None;
        for (a, b) in a.all().iter().zip(b.all()) {
            let equal = match self.b.func.dfg.value_type(*a) {
                types::F64 => self.b.ins().fcmp(FloatCC::Equal, *a, *b),
                _ => self.b.ins().icmp(IntCC::Equal, *a, *b),
            };
            same = Some(match same {
                Some(before) => self.b.ins().band(before, equal),
                None => equal,
            });
        }
        match same {
            Some(same) => same,
            None => self.flag(true),
        }
    }

    /// Whether a list or set has an element.
    pub(super) fn has_element(&mut self, of: Val, item: Val, sorted: bool) -> Value {
        let repr = self.repr(item);
        // The flag of what may be absent would have to be asked as well.
        let constant = self.constant(of).filter(|_| !repr.optional);
        match (constant.and_then(Members::new), repr.shape) {
            (Some(Members::Tags(bits)), Shape::Plain) => {
                let tag = self.one(item);
                let tag = self.b.ins().uextend(types::I64, tag);
                self.bit_of(bits, tag)
            }
            (Some(Members::Ints { least, bits }), Shape::Int) => {
                let (item, least) = (self.one(item), self.int(least));
                let distance = self.b.ins().isub(item, least);
                self.bit_of(bits, distance)
            }
            _ => {
                if let Some(place) = self.place_of(of, item) {
                    let there = self
                        .b
                        .ins()
                        .icmp_imm_s(IntCC::SignedGreaterThanOrEqual, place, 0);
                    return there;
                }
                let (items, len) = self.two(of);
                let (item, _) = self.lay_out(&[item]);
                let function = match sorted {
                    true => Function::SetHas,
                    false => Function::ListHas,
                };
                self.ask(function, &[items, len, item])
            }
        }
    }

    /// Where a text stands among those of a constant that has a table of them; -1 if nowhere.
    pub(super) fn place_of(&mut self, of: Val, text: Val) -> Option<Value> {
        let Inst::Konst { value } = self.func.def(of)? else {
            return None;
        };
        let module = self.unit.module;
        if self.func.ty(text) != Type::STR || !has_table(&module.types, &module.consts[*value]) {
            return None;
        }
        let (at, len) = self.two(text);
        let (cx, constant) = (self.cx, self.id(value.0));
        Some(self.ask(Function::TextPlace, &[cx, constant, at, len]))
    }

    /// Whether a bit of some 64 is set; none is beyond them.
    fn bit_of(&mut self, bits: u64, number: Value) -> Value {
        let there = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, number, 64);
        let bits = self.int(bits as i64);
        // A shift counts its distance modulo 64.
        let bits = self.b.ins().ushr(bits, number);
        let bits = self.b.ins().ireduce(types::I8, bits);
        let bit = self.b.ins().band_imm_u(bits, 1);
        self.b.ins().band(bit, there)
    }

    /// Whether a network has an address.
    pub(super) fn net_has(&mut self, net: Val, ip: Val) -> Value {
        if let Some(Constant::Cidr(net)) = self.constant(net) {
            let net = Net::new(*net);
            return self.known_net_has(net, ip);
        }
        let (a, b) = self.two(ip);
        let net = self.parts(net);
        let args = [net.all(), &[a, b]].concat();
        self.ask(Function::CidrHas, &args)
    }

    /// Whether one of some networks has an address.
    pub(super) fn nets_have(&mut self, nets: Val, ip: Val) -> Value {
        if let Some(Members::Nets(known)) = self.constant(nets).and_then(Members::new) {
            let mut has = self.flag(false);
            for net in known {
                let one = self.known_net_has(net, ip);
                has = self.b.ins().bor(has, one);
            }
            return has;
        }
        let ((items, len), (a, b)) = (self.two(nets), self.two(ip));
        self.ask(Function::CidrsHave, &[items, len, a, b])
    }

    fn known_net_has(&mut self, net: Net, ip: Val) -> Value {
        let (a, b) = self.two(ip);
        let mut differs: Option<Value> = None;
        for (half, at) in [a, b].into_iter().zip(0..) {
            let (mask, base) = (net.masks[at], net.bases[at]);
            if mask == 0 {
                continue;
            }
            let mut wrong = self.b.ins().bxor_imm_s(half, base);
            if mask != -1 {
                wrong = self.b.ins().band_imm_s(wrong, mask);
            }
            differs = Some(match differs {
                Some(before) => self.b.ins().bor(before, wrong),
                None => wrong,
            });
        }
        self.is_zero(differs)
    }

    /// Whether a text matches a pattern.
    pub(super) fn text_matches(&mut self, text: Val, pattern: PatId) -> Value {
        let (at, len) = self.two(text);
        let (cx, pattern) = (self.cx, self.id(pattern.0));
        self.ask(Function::Matches, &[cx, pattern, at, len])
    }

    /// `not a`
    pub(super) fn not(&mut self, flag: Value) -> Value {
        self.b.ins().bxor_imm_u(flag, 1)
    }
}

/// A comparison of integers.
pub(super) fn int_condition(cc: Cc) -> IntCC {
    match cc {
        Cc::Eq => IntCC::Equal,
        Cc::Ne => IntCC::NotEqual,
        Cc::Lt => IntCC::SignedLessThan,
        Cc::Le => IntCC::SignedLessThanOrEqual,
        Cc::Gt => IntCC::SignedGreaterThan,
        Cc::Ge => IntCC::SignedGreaterThanOrEqual,
    }
}

/// A comparison of floats, which are finite and never minus zero.
pub(super) fn float_condition(cc: Cc) -> FloatCC {
    match cc {
        Cc::Eq => FloatCC::Equal,
        Cc::Ne => FloatCC::NotEqual,
        Cc::Lt => FloatCC::LessThan,
        Cc::Le => FloatCC::LessThanOrEqual,
        Cc::Gt => FloatCC::GreaterThan,
        Cc::Ge => FloatCC::GreaterThanOrEqual,
    }
}
