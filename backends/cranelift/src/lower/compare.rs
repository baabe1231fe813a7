//! Comparisons, most of all with constants: a few loads in place of a call.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{BlockArg, InstBuilder, MemFlagsData, Value, types};
use tollgate_ir::entities::{PatId, Val};
use tollgate_ir::operand::Cc;
use tollgate_native_abi::known::{Members, Net, PathTest, TEXT_MAX, strides};
use tollgate_native_abi::layout::WORD;
use tollgate_native_abi::{Function, Shape};
use tollgate_runtime::native::NativeClass;
use tollgate_runtime::{Native, Value as Constant};

use super::Lower;
use super::words::Parts;

/// Any bytes, wherever they lie.
const BYTES: MemFlagsData = MemFlagsData::new().with_notrap();

impl Lower<'_> {
    /// Compares texts or bytes for equality.
    pub(super) fn text_is(&mut self, a: Val, b: Val) -> Value {
        let text = |val| match self.constant(val) {
            Some(Constant::Str(text)) => Some(text.as_bytes().to_vec()),
            Some(Constant::Bytes(bytes)) => Some(bytes.to_vec()),
            _ => None,
        };
        let (other, known) = match (text(a), text(b)) {
            (_, Some(text)) => (a, text),
            (Some(text), None) => (b, text),
            (None, None) => {
                let (a, b) = (self.two(a), self.two(b));
                return self.texts_are(a, b);
            }
        };
        if known.len() > TEXT_MAX {
            let (a, b) = (self.two(a), self.two(b));
            return self.texts_are(a, b);
        }
        let (at, len) = self.two(other);
        self.text_at_is(at, len, &known)
    }

    /// Compares a text with a short one that is known.
    fn text_at_is(&mut self, at: Value, len: Value, known: &[u8]) -> Value {
        let bytes = known.len() as i64;
        let right = self.b.ins().icmp_imm_u(IntCC::Equal, len, bytes);
        if known.is_empty() {
            return right;
        }
        self.only_if(right, |lower| lower.bytes_are(at, known))
    }

    /// Compares two texts that are not known for equality.
    fn texts_are(&mut self, a: (Value, Value), b: (Value, Value)) -> Value {
        let right = self.b.ins().icmp(IntCC::Equal, a.1, b.1);
        self.only_if(right, |lower| {
            lower.ask(Function::BytesSame, &[a.0, b.0, a.1])
        })
    }

    /// Compares as many bytes as are known, without a branch.
    fn bytes_are(&mut self, at: Value, known: &[u8]) -> Value {
        let mut differs: Option<Value> = None;
        for (offset, width) in strides(known.len()) {
            let mut bytes = [0; 8];
            bytes[..width].copy_from_slice(&known[offset..offset + width]);
            let ty = match width {
                8 => types::I64,
                4 => types::I32,
                2 => types::I16,
                _ => types::I8,
            };
            let read = self.b.ins().load(ty, BYTES, at, offset as i32);
            // The bytes behind `width` are zero.
            let expected = self.b.ins().iconst(ty, i64::from_le_bytes(bytes));
            let mut wrong = self.b.ins().bxor(read, expected);
            if ty != types::I64 && known.len() > 8 {
                wrong = self.b.ins().uextend(types::I64, wrong);
            }
            differs = Some(match differs {
                Some(before) => self.b.ins().bor(before, wrong),
                None => wrong,
            });
        }
        self.is_zero(differs)
    }

    /// Whether nothing differs.
    fn is_zero(&mut self, differs: Option<Value>) -> Value {
        match differs {
            Some(differs) => self.b.ins().icmp_imm_u(IntCC::Equal, differs, 0),
            None => self.flag(true),
        }
    }

    /// Compares texts by bytes.
    pub(super) fn text_compares(&mut self, cc: Cc, a: Val, b: Val) -> Value {
        match cc {
            Cc::Eq => self.text_is(a, b),
            Cc::Ne => {
                let same = self.text_is(a, b);
                self.not(same)
            }
            Cc::Lt | Cc::Le | Cc::Gt | Cc::Ge => {
                let ((a, a_len), (b, b_len)) = (self.two(a), self.two(b));
                let order = self.ask(Function::TextOrder, &[a, a_len, b, b_len]);
                self.b.ins().icmp_imm_s(int_condition(cc), order, 0)
            }
        }
    }

    /// Structural equality of two values of one type.
    pub(super) fn values_are(&mut self, a: Val, b: Val) -> Value {
        let repr = self.repr(a);
        if !repr.optional && matches!(repr.shape, Shape::Str | Shape::Bytes) {
            return self.text_is(a, b);
        }
        match repr.shape {
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
        let constant = self.constant(of);
        match (constant.and_then(Members::new), self.repr(item).shape) {
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
            (Some(Members::Texts(texts)), Shape::Str) => self.is_one_of(item, &texts),
            _ => {
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

    /// Whether a text is one of a few.
    fn is_one_of(&mut self, item: Val, texts: &[&str]) -> Value {
        let (at, len) = self.two(item);
        let done = self.block();
        let answer = self.b.append_block_param(done, types::I8);
        for text in texts {
            let next = self.block();
            let yes = [BlockArg::Value(self.flag(true))];
            let is = self.text_at_is(at, len, text.as_bytes());
            self.b.ins().brif(is, done, &yes, next, &[]);
            self.b.switch_to_block(next);
        }
        let no = [BlockArg::Value(self.flag(false))];
        self.b.ins().jump(done, &no);
        self.b.switch_to_block(done);
        answer
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
        match PathTest::new(&self.unit.module.patterns[pattern]) {
            Some(PathTest::Is(path)) => self.text_at_is(at, len, path.as_bytes()),
            Some(PathTest::Below(path)) => {
                let bytes = path.len() as i64;
                let most = self
                    .b
                    .ins()
                    .icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, len, bytes);
                self.only_if(most, |lower| {
                    let begins = lower.bytes_are(at, path.as_bytes());
                    lower.only_if(begins, |lower| lower.ends_or_goes_on(at, len, bytes))
                })
            }
            None => {
                let (cx, pattern) = (self.cx, self.id(pattern.0));
                self.ask(Function::Matches, &[cx, pattern, at, len])
            }
        }
    }

    /// Whether a text of at least so many bytes ends there, or goes on with a slash. Without any it does.
    fn ends_or_goes_on(&mut self, at: Value, len: Value, bytes: i64) -> Value {
        if bytes == 0 {
            return self.flag(true);
        }
        let longer = self
            .b
            .ins()
            .icmp_imm_u(IntCC::UnsignedGreaterThan, len, bytes);
        let other = self.only_if(longer, |lower| {
            let next = lower.b.ins().load(types::I8, BYTES, at, bytes as i32);
            let slash = i64::from(b'/');
            lower.b.ins().icmp_imm_u(IntCC::NotEqual, next, slash)
        });
        self.not(other)
    }

    /// Whether a text begins or ends with one that is known and short, for a native that asks just that.
    pub(super) fn text_has_end(&mut self, row: &Native, args: &[Val]) -> Option<Value> {
        let [text, part] = args else {
            return None;
        };
        let Some(Constant::Str(part)) = self.constant(*part) else {
            return None;
        };
        let part = part.clone();
        let at_end = match row.class {
            NativeClass::Prefix => false,
            NativeClass::Suffix => true,
            NativeClass::Opaque | NativeClass::Contains => return None,
        };
        if part.len() > TEXT_MAX {
            return None;
        }
        let (at, len) = self.two(*text);
        let bytes = part.len() as i64;
        let enough = self
            .b
            .ins()
            .icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, len, bytes);
        Some(self.only_if(enough, |lower| {
            let mut at = at;
            if at_end {
                let before = lower.b.ins().iadd_imm_s(len, -bytes);
                at = lower.b.ins().iadd(at, before);
            }
            lower.bytes_are(at, part.as_bytes())
        }))
    }

    /// `not a`
    pub(super) fn not(&mut self, flag: Value) -> Value {
        self.b.ins().bxor_imm_u(flag, 1)
    }

    /// What is asked, if a test holds; else false. What is asked may be meaningless where it does not hold.
    fn only_if(&mut self, holds: Value, ask: impl FnOnce(&mut Self) -> Value) -> Value {
        let (then, done) = (self.block(), self.block());
        let answer = self.b.append_block_param(done, types::I8);
        let no = [BlockArg::Value(self.flag(false))];
        self.b.ins().brif(holds, then, &[], done, &no);
        self.b.switch_to_block(then);
        let asked = ask(self);
        self.b.ins().jump(done, &[BlockArg::Value(asked)]);
        self.b.switch_to_block(done);
        answer
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
