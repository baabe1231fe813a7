//! Comparisons, most of all with constants: a few loads in place of a call.

use inkwell::values::PointerValue;
use inkwell::{FloatPredicate, IntPredicate};
use tollgate_ir::entities::Val;
use tollgate_ir::operand::Cc;
use tollgate_native_abi::layout::WORD;
use tollgate_native_abi::{Function, Kind, Shape};
use tollgate_runtime::Value as Constant;
use tollgate_runtime::kinds::net::Cidr;

use super::Lower;
use super::words::Parts;
use crate::emit::{Register, Truth};

/// Texts up to so many bytes are compared in place.
const TEXT_MAX: usize = 32;
/// So many networks of a constant are compared in place.
const NETS_MAX: usize = 8;
/// So many numbers of a constant are compared in place.
const NUMBERS_MAX: usize = 256;

impl<'c> Lower<'_, 'c> {
    /// Compares texts or bytes for equality.
    pub(super) fn text_is(&mut self, a: Val, b: Val) -> Truth<'c> {
        let text = |val| match self.constant(val) {
            Some(Constant::Str(text)) => Some(text.as_bytes().to_vec()),
            Some(Constant::Bytes(bytes)) => Some(bytes.to_vec()),
            _ => None,
        };
        let known = match (text(a), text(b)) {
            (_, Some(text)) => Some((a, text)),
            (Some(text), None) => Some((b, text)),
            (None, None) => None,
        };
        match known {
            Some((other, text)) if text.len() <= TEXT_MAX => {
                let (at, len) = self.two(other);
                let right = self.e.equal(len, self.e.int(text.len() as i64));
                match text.is_empty() {
                    true => right,
                    false => self.only_if(right, |l| l.bytes_are(at.into_pointer_value(), &text)),
                }
            }
            _ => {
                let (a, b) = (self.two(a), self.two(b));
                let right = self.e.equal(a.1, b.1);
                self.only_if(right, |l| {
                    let same = l.ask(Function::BytesSame, &[a.0, b.0, a.1]);
                    l.e.holds(same)
                })
            }
        }
    }

    /// Compares as many bytes as are known, of which there is at least one, without a branch.
    fn bytes_are(&self, at: PointerValue<'c>, known: &[u8]) -> Truth<'c> {
        let mut differs: Option<Register<'c>> = None;
        for (offset, width) in strides(known.len()) {
            let mut bytes = [0; 8];
            bytes[..width].copy_from_slice(&known[offset..offset + width]);
            let read = self.e.load_bytes(width, at, offset as i64);
            // The bytes behind `width` are zero in both.
            let wrong = self.e.xor(read, self.e.int(i64::from_le_bytes(bytes)));
            differs = Some(match differs {
                Some(before) => self.e.or(before, wrong),
                None => wrong,
            });
        }
        match differs {
            Some(differs) => self.e.equal(differs, self.e.int(0)),
            None => self.e.truth(true),
        }
    }

    /// Compares texts by bytes.
    pub(super) fn text_compares(&mut self, cc: Cc, a: Val, b: Val) -> Truth<'c> {
        match cc {
            Cc::Eq => self.text_is(a, b),
            Cc::Ne => {
                let same = self.text_is(a, b);
                self.e.not(same)
            }
            Cc::Lt | Cc::Le | Cc::Gt | Cc::Ge => {
                let ((a, a_len), (b, b_len)) = (self.two(a), self.two(b));
                let order = self.ask(Function::TextOrder, &[a, a_len, b, b_len]);
                self.e.compare(int_condition(cc), order, self.e.int(0))
            }
        }
    }

    /// Structural equality of two values of one type.
    pub(super) fn values_are(&mut self, a: Val, b: Val) -> Truth<'c> {
        let repr = self.repr(a);
        if !repr.optional && matches!(repr.shape, Shape::Str | Shape::Bytes) {
            return self.text_is(a, b);
        }
        match repr.shape {
            // All parts are numbers, and those of an absent value are zero.
            Shape::Bool | Shape::Int | Shape::Float | Shape::Ip | Shape::Cidr | Shape::Plain => {
                let (a, b) = (self.parts(a), self.parts(b));
                self.parts_are(&a, &b)
            }
            Shape::Str | Shape::Bytes | Shape::Seq | Shape::Record(_) | Shape::Variant => {
                let (at, _) = self.lay_out(&[a, b]);
                let second = self.e.at(at, WORD as i64);
                let same = self.ask(Function::Same, &[at.into(), second.into()]);
                self.e.holds(same)
            }
        }
    }

    fn parts_are(&self, a: &Parts<'c>, b: &Parts<'c>) -> Truth<'c> {
        let equal = a.all().iter().zip(b.all()).map(|(a, b)| match a {
            Register::FloatValue(_) => self.e.compare_floats(FloatPredicate::OEQ, *a, *b),
            _ => self.e.equal(*a, *b),
        });
        let all = equal.reduce(|before, equal| self.e.both(before, equal));
        all.unwrap_or_else(|| self.e.truth(true))
    }

    /// Whether a list or set has an element.
    pub(super) fn has_element(&mut self, of: Val, item: Val, sorted: bool) -> Truth<'c> {
        let repr = self.repr(item);
        let kind = match repr.shape {
            Shape::Int => Some(Kind::Int),
            // A variant without payload is told by its number, whatever payload the others have.
            Shape::Plain | Shape::Variant => Some(Kind::Id),
            _ => None,
        };
        let known = self.constant(of).and_then(numbers);
        if let (Some(kind), Some(known), false) = (kind, known, repr.optional) {
            let item = self.one(item);
            return self.is_among(item, kind, &known);
        }
        let (items, len) = self.two(of);
        let (item, _) = self.lay_out(&[item]);
        let function = match sorted {
            true => Function::SetHas,
            false => Function::ListHas,
        };
        let has = self.ask(function, &[items, len, item.into()]);
        self.e.holds(has)
    }

    /// Whether a number is one of some that are known; LLVM chooses between a mask, a table and a search.
    fn is_among(&mut self, item: Register<'c>, kind: Kind, known: &[i64]) -> Truth<'c> {
        let before = self.e.here();
        let (yes, done) = (self.block("is.among"), self.block("asked"));
        let mut known = known.to_vec();
        known.sort_unstable();
        known.dedup();
        let cases: Vec<_> = known
            .iter()
            .map(|n| (self.e.number(kind, *n).into_int_value(), yes))
            .collect();
        self.e.switch(item, &cases, done);
        self.e.go_to(yes);
        self.e.jump(done);
        self.e.go_to(done);
        let (found, not) = (self.e.truth(true), self.e.truth(false));
        self.e.either_way(&[(found, yes), (not, before)])
    }

    /// Whether a network has an address.
    pub(super) fn net_has(&mut self, net: Val, ip: Val) -> Truth<'c> {
        if let Some(Constant::Cidr(net)) = self.constant(net) {
            let net = *net;
            return self.known_net_has(net, ip);
        }
        let (a, b) = self.two(ip);
        let args = [self.parts(net).all(), &[a, b]].concat();
        let has = self.ask(Function::CidrHas, &args);
        self.e.holds(has)
    }

    /// Whether one of some networks has an address.
    pub(super) fn nets_have(&mut self, nets: Val, ip: Val) -> Truth<'c> {
        if let Some(known) = self.constant(nets).and_then(few_nets) {
            let has = known.iter().map(|net| self.known_net_has(*net, ip));
            let has: Vec<_> = has.collect();
            let any = has
                .into_iter()
                .reduce(|before, has| self.e.either(before, has));
            return any.unwrap_or_else(|| self.e.truth(false));
        }
        let ((items, len), (a, b)) = (self.two(nets), self.two(ip));
        let have = self.ask(Function::CidrsHave, &[items, len, a, b]);
        self.e.holds(have)
    }

    /// The bits that count are those of the network: a mask in the order of memory, so no byte is moved.
    fn known_net_has(&mut self, net: Cidr, ip: Val) -> Truth<'c> {
        let mask = match net.bits() {
            0 => 0,
            bits => u128::MAX << (128 - u32::from(bits)),
        };
        let (masks, bases) = (halves(mask.to_be_bytes()), halves(net.base().0));
        let (a, b) = self.two(ip);
        let wrong = [a, b].into_iter().zip(masks.into_iter().zip(bases));
        let wrong = wrong.map(|(half, (mask, base))| {
            let differs = self.e.xor(half, self.e.int(base));
            self.e.and(differs, self.e.int(mask))
        });
        match wrong.reduce(|before, wrong| self.e.or(before, wrong)) {
            Some(differs) => self.e.equal(differs, self.e.int(0)),
            None => self.e.truth(true),
        }
    }

    /// What is asked, if a test holds; else false. What is asked may be meaningless where it does not hold.
    fn only_if(&mut self, holds: Truth<'c>, ask: impl FnOnce(&mut Self) -> Truth<'c>) -> Truth<'c> {
        let before = self.e.here();
        let (then, done) = (self.block("of.one.length"), self.block("asked"));
        self.e.branch(holds, then, done);
        self.e.go_to(then);
        let asked = ask(self);
        let then = self.e.here();
        self.e.jump(done);
        self.e.go_to(done);
        let not = self.e.truth(false);
        self.e.either_way(&[(asked, then), (not, before)])
    }
}

/// A comparison of integers.
pub(super) fn int_condition(cc: Cc) -> IntPredicate {
    match cc {
        Cc::Eq => IntPredicate::EQ,
        Cc::Ne => IntPredicate::NE,
        Cc::Lt => IntPredicate::SLT,
        Cc::Le => IntPredicate::SLE,
        Cc::Gt => IntPredicate::SGT,
        Cc::Ge => IntPredicate::SGE,
    }
}

/// A comparison of floats, which are finite and never minus zero.
pub(super) fn float_condition(cc: Cc) -> FloatPredicate {
    match cc {
        Cc::Eq => FloatPredicate::OEQ,
        Cc::Ne => FloatPredicate::UNE,
        Cc::Lt => FloatPredicate::OLT,
        Cc::Le => FloatPredicate::OLE,
        Cc::Gt => FloatPredicate::OGT,
        Cc::Ge => FloatPredicate::OGE,
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

/// The elements of a constant list or set that are integers or variants without payload, as numbers.
fn numbers(constant: &Constant) -> Option<Vec<i64>> {
    let Constant::Seq(items) = constant else {
        return None;
    };
    let number = |item: &Constant| match item {
        Constant::Int(value) => Some(*value),
        Constant::Variant(tag, fields) if fields.is_empty() => Some((*tag).into()),
        _ => None,
    };
    (items.len() <= NUMBERS_MAX).then(|| items.iter().map(number).collect())?
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
