//! Comparisons, most of all with constants: a few loads in place of a call.

use inkwell::values::PointerValue;
use inkwell::{FloatPredicate, IntPredicate};
use tollgate_ir::entities::{PatId, Val};
use tollgate_ir::instructions::Inst;
use tollgate_ir::operand::Cc;
use tollgate_ir::types::Type;
use tollgate_native_abi::known::{Members, Net, PathTest, TEXT_MAX, has_table, strides};
use tollgate_native_abi::layout::WORD;
use tollgate_native_abi::{Function, Kind, Shape};
use tollgate_runtime::native::NativeClass;
use tollgate_runtime::{Native, Value as Constant};

use super::Lower;
use super::words::Parts;
use crate::emit::{Register, Truth};

impl<'c> Lower<'_, 'c> {
    /// Compares texts or bytes for equality.
    pub(super) fn text_is(&mut self, a: Val, b: Val) -> Truth<'c> {
        let known = [(a, b), (b, a)].into_iter().find_map(|(known, other)| {
            let bytes = match self.constant(known)? {
                Constant::Str(text) => text.as_bytes(),
                Constant::Bytes(bytes) => bytes,
                _ => return None,
            };
            (bytes.len() <= TEXT_MAX).then_some((bytes, other))
        });
        match known {
            Some((bytes, other)) => {
                let (at, len) = self.two(other);
                self.text_at_is(at, len, bytes)
            }
            None => {
                let (a, b) = (self.two(a), self.two(b));
                let right = self.e.equal(a.1, b.1);
                self.only_if(right, |l| {
                    let same = l.ask(Function::BytesSame, &[a.0, b.0, a.1]);
                    l.e.holds(same)
                })
            }
        }
    }

    /// Compares a text with a short one that is known.
    fn text_at_is(&mut self, at: Register<'c>, len: Register<'c>, known: &[u8]) -> Truth<'c> {
        let right = self.e.equal(len, self.e.int(known.len() as i64));
        match known.is_empty() {
            true => right,
            false => self.only_if(right, |l| l.bytes_are(at.into_pointer_value(), known)),
        }
    }

    /// Compares as many bytes as are known, without a branch.
    fn bytes_are(&self, at: PointerValue<'c>, known: &[u8]) -> Truth<'c> {
        let wrong = strides(known.len()).map(|(offset, width)| {
            let mut bytes = [0; 8];
            bytes[..width].copy_from_slice(&known[offset..offset + width]);
            let read = self.e.load_bytes(width, at, offset as i64);
            // The bytes behind `width` are zero in both.
            self.e.xor(read, self.e.int(i64::from_le_bytes(bytes)))
        });
        let differs = wrong.reduce(|before, wrong| self.e.or(before, wrong));
        self.is_zero(differs)
    }

    /// Whether nothing differs.
    fn is_zero(&self, differs: Option<Register<'c>>) -> Truth<'c> {
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
        // The flag of what may be absent would have to be asked as well.
        let constant = self.constant(of).filter(|_| !repr.optional);
        match (constant.and_then(Members::new), repr.shape) {
            (Some(Members::Tags(bits)), Shape::Plain) => {
                let tag = self.one(item);
                let tag = self.e.widen(tag, Kind::Int);
                self.bit_of(bits, tag)
            }
            (Some(Members::Ints { least, bits }), Shape::Int) => {
                let item = self.one(item);
                self.bit_of(bits, self.e.sub(item, self.e.int(least)))
            }
            (Some(Members::Texts(texts)), Shape::Str) => self.is_one_of(item, &texts),
            _ => {
                if let Some(place) = self.place_of(of, item) {
                    return self.e.compare(IntPredicate::SGE, place, self.e.int(0));
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
        }
    }

    /// Where a text stands among those of a constant that has a table of them; -1 if nowhere.
    pub(super) fn place_of(&mut self, of: Val, text: Val) -> Option<Register<'c>> {
        let Inst::Konst { value } = self.func.def(of)? else {
            return None;
        };
        let module = self.unit.module;
        if self.func.ty(text) != Type::STR || !has_table(&module.types, &module.consts[*value]) {
            return None;
        }
        let (at, len) = self.two(text);
        let constant = self.e.id(value.0);
        Some(self.ask(Function::TextPlace, &[self.cx.into(), constant, at, len]))
    }

    /// Whether a bit of some 64 is set; none is beyond them.
    fn bit_of(&self, bits: u64, number: Register<'c>) -> Truth<'c> {
        let there = self.e.compare(IntPredicate::ULT, number, self.e.int(64));
        // A distance of 64 or more would give nothing that is defined.
        let distance = self.e.and(number, self.e.int(63));
        let bit = self.e.shift_right(self.e.int(bits as i64), distance);
        let set = self.e.equal(self.e.and(bit, self.e.int(1)), self.e.int(1));
        self.e.both(there, set)
    }

    /// Whether a text is one of a few.
    fn is_one_of(&mut self, item: Val, texts: &[&str]) -> Truth<'c> {
        let (at, len) = self.two(item);
        let done = self.block("asked");
        let yes = self.e.truth(true);
        let mut ways = Vec::new();
        for text in texts {
            let next = self.block("next");
            let is = self.text_at_is(at, len, text.as_bytes());
            ways.push((yes, self.e.here()));
            self.e.branch(is, done, next);
            self.e.go_to(next);
        }
        ways.push((self.e.truth(false), self.e.here()));
        self.e.jump(done);
        self.e.go_to(done);
        self.e.either_way(&ways)
    }

    /// Whether a network has an address.
    pub(super) fn net_has(&mut self, net: Val, ip: Val) -> Truth<'c> {
        if let Some(Constant::Cidr(net)) = self.constant(net) {
            return self.known_net_has(Net::new(*net), ip);
        }
        let (a, b) = self.two(ip);
        let args = [self.parts(net).all(), &[a, b]].concat();
        let has = self.ask(Function::CidrHas, &args);
        self.e.holds(has)
    }

    /// Whether one of some networks has an address.
    pub(super) fn nets_have(&mut self, nets: Val, ip: Val) -> Truth<'c> {
        if let Some(Members::Nets(known)) = self.constant(nets).and_then(Members::new) {
            let mut has = self.e.truth(false);
            for net in known {
                let one = self.known_net_has(net, ip);
                has = self.e.either(has, one);
            }
            return has;
        }
        let ((items, len), (a, b)) = (self.two(nets), self.two(ip));
        let have = self.ask(Function::CidrsHave, &[items, len, a, b]);
        self.e.holds(have)
    }

    fn known_net_has(&mut self, net: Net, ip: Val) -> Truth<'c> {
        let (a, b) = self.two(ip);
        let halves = [a, b].into_iter().zip(net.masks.into_iter().zip(net.bases));
        let wrong = halves.map(|(half, (mask, base))| {
            let differs = self.e.xor(half, self.e.int(base));
            self.e.and(differs, self.e.int(mask))
        });
        let differs = wrong.reduce(|before, wrong| self.e.or(before, wrong));
        self.is_zero(differs)
    }

    /// Whether a text matches a pattern.
    pub(super) fn text_matches(&mut self, text: Val, pattern: PatId) -> Truth<'c> {
        let (at, len) = self.two(text);
        match PathTest::new(&self.unit.module.patterns[pattern]) {
            Some(PathTest::Is(path)) => self.text_at_is(at, len, path.as_bytes()),
            Some(PathTest::Below(path)) => {
                let bytes = path.len() as i64;
                let enough = self.e.compare(IntPredicate::UGE, len, self.e.int(bytes));
                self.only_if(enough, |l| {
                    let at = at.into_pointer_value();
                    let begins = l.bytes_are(at, path.as_bytes());
                    l.only_if(begins, |l| l.ends_or_goes_on(at, len, bytes))
                })
            }
            None => {
                let args = [self.cx.into(), self.e.id(pattern.0), at, len];
                let matches = self.ask(Function::Matches, &args);
                self.e.holds(matches)
            }
        }
    }

    /// Whether a text of at least so many bytes ends there, or goes on with a slash. Without any it does.
    fn ends_or_goes_on(
        &mut self,
        at: PointerValue<'c>,
        len: Register<'c>,
        bytes: i64,
    ) -> Truth<'c> {
        if bytes == 0 {
            return self.e.truth(true);
        }
        let longer = self.e.compare(IntPredicate::UGT, len, self.e.int(bytes));
        let other = self.only_if(longer, |l| {
            let next = l.e.load_bytes(1, at, bytes);
            let slash = l.e.int(b'/'.into());
            l.e.compare(IntPredicate::NE, next, slash)
        });
        self.e.not(other)
    }

    /// Whether a text begins or ends with one that is known and short, for a native that asks just that.
    pub(super) fn text_has_end(&mut self, row: &Native, args: &[Val]) -> Option<Truth<'c>> {
        let [text, part] = args else {
            return None;
        };
        let Some(Constant::Str(part)) = self.constant(*part) else {
            return None;
        };
        let at_end = match row.class {
            NativeClass::Prefix => false,
            NativeClass::Suffix => true,
            NativeClass::Opaque | NativeClass::Contains => return None,
        };
        if part.len() > TEXT_MAX {
            return None;
        }
        let (at, len) = self.two(*text);
        let bytes = self.e.int(part.len() as i64);
        let enough = self.e.compare(IntPredicate::UGE, len, bytes);
        Some(self.only_if(enough, |l| {
            let begin = at.into_pointer_value();
            let at = match at_end {
                true => l.e.behind(begin, l.e.sub(len, bytes)),
                false => begin,
            };
            l.bytes_are(at, part.as_bytes())
        }))
    }

    /// What is asked, if a test holds; else false. What is asked may be meaningless where it does not hold.
    fn only_if(&mut self, holds: Truth<'c>, ask: impl FnOnce(&mut Self) -> Truth<'c>) -> Truth<'c> {
        let before = self.e.here();
        let (then, done) = (self.block("if"), self.block("asked"));
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
