//! Comparisons, most of all with constants: a few loads in place of a call.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{BlockArg, InstBuilder, MemFlagsData, Value, types};
use tollgate_ir::entities::Val;
use tollgate_ir::operand::Cc;
use tollgate_native_abi::layout::WORD;
use tollgate_native_abi::{Function, Shape};
use tollgate_runtime::Value as Constant;
use tollgate_runtime::kinds::net::Cidr;

use super::Lower;
use super::words::Parts;

/// Texts up to so many bytes are compared in place.
const TEXT_MAX: usize = 32;
/// So many networks of a constant are compared in place.
const NETS_MAX: usize = 8;

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
        let right = self
            .b
            .ins()
            .icmp_imm_u(IntCC::Equal, len, known.len() as i64);
        if known.is_empty() {
            return right;
        }
        self.only_if(right, |lower| lower.bytes_are(at, &known))
    }

    /// Compares two texts that are not known for equality.
    fn texts_are(&mut self, a: (Value, Value), b: (Value, Value)) -> Value {
        let right = self.b.ins().icmp(IntCC::Equal, a.1, b.1);
        self.only_if(right, |lower| {
            lower.ask(Function::BytesSame, &[a.0, b.0, a.1])
        })
    }

    /// Compares as many bytes as are known, of which there is at least one, without a branch.
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
        let tags = self.constant(of).and_then(small_tags);
        if let Some(tags) = tags
            && self.repr(item).shape == Shape::Plain
        {
            return self.tag_is_among(item, tags);
        }
        let (items, len) = self.two(of);
        let (item, _) = self.lay_out(&[item]);
        let function = match sorted {
            true => Function::SetHas,
            false => Function::ListHas,
        };
        self.ask(function, &[items, len, item])
    }

    /// Whether a variant without payload is one of some, given a bit each.
    fn tag_is_among(&mut self, item: Val, tags: u64) -> Value {
        let tag = self.one(item);
        let small = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, tag, 64);
        let tags = self.int(tags as i64);
        // A shift counts its distance modulo 64.
        let bits = self.b.ins().ushr(tags, tag);
        let bits = self.b.ins().ireduce(types::I8, bits);
        let bit = self.b.ins().band_imm_u(bits, 1);
        self.b.ins().band(bit, small)
    }

    /// Whether a network has an address.
    pub(super) fn net_has(&mut self, net: Val, ip: Val) -> Value {
        if let Some(Constant::Cidr(net)) = self.constant(net) {
            let net = *net;
            return self.known_net_has(net, ip);
        }
        let (a, b) = self.two(ip);
        let net = self.parts(net);
        let args = [net.all(), &[a, b]].concat();
        self.ask(Function::CidrHas, &args)
    }

    /// Whether one of some networks has an address.
    pub(super) fn nets_have(&mut self, nets: Val, ip: Val) -> Value {
        if let Some(known) = self.constant(nets).and_then(few_nets) {
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

    /// The bits that count are those of the network: a mask in the order of memory, so no byte is moved.
    fn known_net_has(&mut self, net: Cidr, ip: Val) -> Value {
        let mask = match net.bits() {
            0 => 0,
            bits => u128::MAX << (128 - u32::from(bits)),
        };
        let (masks, bases) = (halves(mask.to_be_bytes()), halves(net.base().0));
        let (a, b) = self.two(ip);
        let mut differs: Option<Value> = None;
        for (half, at) in [a, b].into_iter().zip(0..) {
            if masks[at] == 0 {
                continue;
            }
            let mut wrong = self.b.ins().bxor_imm_s(half, bases[at]);
            if masks[at] != -1 {
                wrong = self.b.ins().band_imm_s(wrong, masks[at]);
            }
            differs = Some(match differs {
                Some(before) => self.b.ins().bor(before, wrong),
                None => wrong,
            });
        }
        match differs {
            Some(differs) => self.b.ins().icmp_imm_u(IntCC::Equal, differs, 0),
            None => self.flag(true),
        }
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

/// Loads that cover so many bytes and none beside: where they begin, and how wide they are. The last may look at bytes again.
fn strides(len: usize) -> Vec<(usize, usize)> {
    let widest = match len {
        0 => return Vec::new(),
        1 => 1,
        2..4 => 2,
        4..8 => 4,
        _ => 8,
    };
    let mut loads: Vec<(usize, usize)> = (0..len / widest).map(|i| (i * widest, widest)).collect();
    if !len.is_multiple_of(widest) {
        loads.push((len - widest, widest));
    }
    loads
}

/// The variants of a constant list or set, a bit each, where all have no payload and a small number.
fn small_tags(constant: &Constant) -> Option<u64> {
    let Constant::Seq(items) = constant else {
        return None;
    };
    items.iter().try_fold(0, |tags, item| match item {
        Constant::Variant(tag @ 0..64, fields) if fields.is_empty() => Some(tags | 1u64 << tag),
        _ => None,
    })
}

fn few_nets(constant: &Constant) -> Option<Vec<Cidr>> {
    let Constant::Seq(items) = constant else {
        return None;
    };
    let nets = items.iter().map(|item| match item {
        Constant::Cidr(net) => Some(*net),
        _ => None,
    });
    (items.len() <= NETS_MAX).then(|| nets.collect())?
}

/// The two halves of an address as registers hold them.
fn halves(bytes: [u8; 16]) -> [i64; 2] {
    let (halves, _) = bytes.as_chunks::<8>();
    [i64::from_le_bytes(halves[0]), i64::from_le_bytes(halves[1])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_cover_every_byte_and_none_beside() {
        for len in 0..=TEXT_MAX {
            let mut seen = vec![false; len];
            for (offset, width) in strides(len) {
                assert!(offset + width <= len, "{len}");
                seen[offset..offset + width].fill(true);
            }
            assert!(seen.iter().all(|seen| *seen), "{len}");
        }
    }
}
