//! What can be asked in place, with a few loads and no call, because something is known while compiling.

use tollgate_ir::module::Constant;
use tollgate_ir::types::{Type, TypeData, Types};
use tollgate_runtime::index::TextTable;
use tollgate_runtime::kinds::net::Cidr;
use tollgate_runtime::pattern::Segment;
use tollgate_runtime::{Pattern, Value};

use crate::layout::FIRST;
use crate::repr::{Kind, Part};

/// Texts up to so many bytes are compared in place.
pub const TEXT_MAX: usize = 32;
/// So many texts or networks of a constant are compared in place.
pub const MEMBERS_MAX: usize = 8;

/// What is known of a part of a constant.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Known {
    /// The bits of a number, a flag or a length.
    Bits(i64),
    /// A float.
    Float(f64),
    /// That it points at something, which lies with the program's constants.
    Pointer,
}

/// The members of a constant list or set, where asking for one takes no call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Members<'c> {
    /// Variants without payload, below 64: a bit each.
    Tags(u64),
    /// Integers from `least` on, below `least + 64`: a bit each.
    Ints {
        /// The least.
        least: i64,
        /// Bit `i` is that of `least + i`.
        bits: u64,
    },
    /// A few short texts.
    Texts(Vec<&'c str>),
    /// A few networks.
    Nets(Vec<Net>),
}

/// A network, as the halves of an address stand in registers: an address is in it if `(half ^ base) & mask` is zero for both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Net {
    /// The bits that count.
    pub masks: [i64; 2],
    /// What they are.
    pub bases: [i64; 2],
}

/// What a pattern without holes asks of a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PathTest<'c> {
    /// It is this text.
    Is(&'c str),
    /// It is this text, or begins with it and a slash. The text may be empty: then it is any.
    Below(&'c str),
}

impl Known {
    /// What is known of a part of a constant, whose type has that part.
    ///
    /// ```
    /// use tollgate_native_abi::Shape;
    /// use tollgate_native_abi::known::Known;
    /// use tollgate_runtime::Value;
    /// let known = Shape::Str.parts().iter().map(|part| Known::new(&Value::Str("abc".into()), *part));
    /// assert_eq!(known.collect::<Vec<_>>(), [Known::Pointer, Known::Bits(3)]);
    /// ```
    pub fn new(constant: &Value, part: Part) -> Known {
        let second = usize::from(part.offset > FIRST);
        match (constant, part.kind) {
            (_, Kind::Pointer) => Known::Pointer,
            (Value::Bool(v), _) => Known::Bits((*v).into()),
            (Value::Int(v), _) => Known::Bits(*v),
            (Value::Float(v), _) => Known::Float(*v),
            (Value::Str(v), _) => Known::Bits(v.len() as i64),
            (Value::Bytes(v), _) => Known::Bits(v.len() as i64),
            (Value::Seq(v), _) => Known::Bits(v.len() as i64),
            (Value::Variant(tag, _), Kind::Id) => Known::Bits((*tag).into()),
            (Value::Variant(_, fields), _) => Known::Bits(fields.len() as i64),
            (Value::Ip(ip), _) => Known::Bits(halves(ip.0)[second]),
            (Value::Cidr(net), Kind::Flag) => Known::Bits(net.bits().into()),
            (Value::Cidr(net), _) => Known::Bits(halves(net.base().0)[second]),
            (Value::None, _) => Known::Bits(0),
        }
    }
}

impl<'c> Members<'c> {
    /// The members of a constant, if there are few enough and of a kind that is compared in place.
    ///
    /// ```
    /// use tollgate_native_abi::known::Members;
    /// use tollgate_runtime::Value;
    /// let methods = Value::set([Value::tag(0), Value::tag(3)]);
    /// assert_eq!(Members::new(&methods), Some(Members::Tags(0b1001)));
    /// ```
    pub fn new(constant: &'c Value) -> Option<Members<'c>> {
        let Value::Seq(items) = constant else {
            return None;
        };
        // More are never compared in place, so a long constant is not looked through wherever it is used.
        if items.len() > 64 {
            return None;
        }
        match items.first()? {
            Value::Variant(..) => {
                let bits = items.iter().try_fold(0, |bits, item| match item {
                    Value::Variant(tag @ 0..64, fields) if fields.is_empty() => {
                        Some(bits | 1u64 << tag)
                    }
                    _ => None,
                });
                bits.map(Members::Tags)
            }
            Value::Int(_) => {
                let ints: Vec<i64> = each(items, |item| match item {
                    Value::Int(v) => Some(*v),
                    _ => None,
                })?;
                let least = *ints.iter().min()?;
                let distances = ints.iter().map(|v| v.abs_diff(least));
                let mut bits = distances.map(|d| 1u64.checked_shl(u32::try_from(d).ok()?));
                let bits = bits.try_fold(0, |all, bit| Some(all | bit?))?;
                Some(Members::Ints { least, bits })
            }
            Value::Str(_) => {
                let short = |item: &'c Value| match item {
                    Value::Str(v) if v.len() <= TEXT_MAX => Some(&**v),
                    _ => None,
                };
                Some(Members::Texts(few(items, short)?))
            }
            Value::Cidr(_) => {
                let net = |item: &Value| match item {
                    Value::Cidr(v) => Some(Net::new(*v)),
                    _ => None,
                };
                Some(Members::Nets(few(items, net)?))
            }
            _ => None,
        }
    }
}

impl Net {
    /// The network's bits in the order of memory, so that no byte is moved to compare them.
    pub fn new(net: Cidr) -> Net {
        let mask = match net.bits() {
            0 => 0,
            bits => u128::MAX << (128 - u32::from(bits)),
        };
        Net {
            masks: halves(mask.to_be_bytes()),
            bases: halves(net.base().0),
        }
    }
}

impl<'c> PathTest<'c> {
    /// What a path pattern asks, if all its segments are literal and it is short.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tollgate_native_abi::known::PathTest;
    /// use tollgate_runtime::Pattern;
    /// use tollgate_runtime::pattern::PathPattern;
    /// let below = Pattern::Path(Arc::new(PathPattern::parse("/admin/**").unwrap()));
    /// assert_eq!(PathTest::new(&below), Some(PathTest::Below("/admin")));
    /// ```
    pub fn new(pattern: &'c Pattern) -> Option<PathTest<'c>> {
        let Pattern::Path(path) = pattern else {
            return None;
        };
        let literal = |segment: &Segment| matches!(segment, Segment::Literal(_));
        if !path.segments().iter().all(literal) {
            return None;
        }
        // Without holes, a pattern is written as the path that it takes; what is open ends in one more segment.
        let (test, text) = match path.is_open() {
            false => (PathTest::Is(path.text()), path.text()),
            true => {
                let (before, _) = path.text().rsplit_once('/')?;
                (PathTest::Below(before), before)
            }
        };
        (text.len() <= TEXT_MAX).then_some(test)
    }
}

/// Whether a constant has a table from its texts to their places, beside the program: a map by text, or a set of more texts than are compared in
/// place. Compiled code looks there instead of searching the constant ([`Function::TextPlace`](crate::Function::TextPlace)).
///
/// ```
/// use tollgate_ir::module::Constant;
/// use tollgate_ir::types::{Type, TypeData, Types};
/// use tollgate_native_abi::known::has_table;
/// use tollgate_runtime::Value;
/// let mut types = Types::default();
/// let hosts = |types: &mut Types, count: u32| Constant {
///     ty: types.intern(TypeData::Set(Type::STR)),
///     value: Value::set((0..count).map(|i| Value::str(format!("h{i}")))),
/// };
/// let (few, many) = (hosts(&mut types, 3), hosts(&mut types, 30));
/// assert!(has_table(&types, &many) && !has_table(&types, &few));
/// ```
pub fn has_table(types: &Types, constant: &Constant) -> bool {
    match (types.get(constant.ty), &constant.value) {
        (TypeData::Map(Type::STR, _), Value::Seq(entries)) => !entries.is_empty(),
        (TypeData::Set(Type::STR), Value::Seq(texts)) => texts.len() > MEMBERS_MAX,
        _ => false,
    }
}

/// Whether a map holds 0, 1, 2, … in the order of its keys, so that what it holds for a key is the key's place.
///
/// ```
/// use tollgate_native_abi::known::holds_places;
/// use tollgate_runtime::Value;
/// let map = |first| Value::map([(Value::str("a"), Value::Int(first)), (Value::str("b"), Value::Int(1))]);
/// assert!(holds_places(&map(0)) && !holds_places(&map(2)));
/// ```
pub fn holds_places(constant: &Value) -> bool {
    let Value::Seq(entries) = constant else {
        return false;
    };
    let mut values = entries.iter().skip(1).step_by(2).zip(0..);
    values.all(|(value, place)| *value == Value::Int(place))
}

/// The table of a constant, if it has one.
pub(crate) fn table(types: &Types, constant: &Constant) -> Option<Box<TextTable>> {
    let Value::Seq(items) = &constant.value else {
        return None;
    };
    if !has_table(types, constant) {
        return None;
    }
    let step = match types.get(constant.ty) {
        TypeData::Map(..) => 2,
        _ => 1,
    };
    let texts = items.iter().step_by(step).map(|item| match item {
        Value::Str(text) => &**text,
        _ => "",
    });
    Some(Box::new(TextTable::new(texts)))
}

/// Loads that cover so many bytes and none beside: where they begin, and how wide they are (8, 4, 2 or 1). The last may look at bytes
/// again.
///
/// ```
/// use tollgate_native_abi::known::strides;
/// assert_eq!(strides(11).collect::<Vec<_>>(), [(0, 8), (3, 8)]);
/// ```
pub fn strides(len: usize) -> impl Iterator<Item = (usize, usize)> {
    let widest = match len {
        0 | 1 => 1,
        2..4 => 2,
        4..8 => 4,
        _ => 8,
    };
    let rest = !len.is_multiple_of(widest);
    let whole = (0..len / widest).map(move |i| (i * widest, widest));
    whole.chain(rest.then(|| (len - widest, widest)))
}

/// The two halves of an address as registers hold them.
pub fn halves(bytes: [u8; 16]) -> [i64; 2] {
    let (halves, _) = bytes.as_chunks::<8>();
    [i64::from_le_bytes(halves[0]), i64::from_le_bytes(halves[1])]
}

fn each<'c, T>(items: &'c [Value], of: impl Fn(&'c Value) -> Option<T>) -> Option<Vec<T>> {
    items.iter().map(of).collect()
}

fn few<'c, T>(items: &'c [Value], of: impl Fn(&'c Value) -> Option<T>) -> Option<Vec<T>> {
    (items.len() <= MEMBERS_MAX).then(|| each(items, of))?
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tollgate_runtime::pattern::PathPattern;

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

    #[test]
    fn integers_that_lie_far_apart_are_not_bits() {
        let ints = |ints: &[i64]| Value::set(ints.iter().map(|i| Value::Int(*i)));
        let (near, far) = (ints(&[-3, 0, 60]), ints(&[i64::MIN, 0, i64::MAX]));
        let bits = 1 | 1 << 3 | 1 << 63;
        assert_eq!(Members::new(&near), Some(Members::Ints { least: -3, bits }));
        assert_eq!(Members::new(&far), None);
        assert_eq!(Members::new(&ints(&[0, 64])), None);
        assert_eq!(Members::new(&Value::seq([])), None);
    }

    #[test]
    fn a_network_is_compared_in_the_order_of_memory() {
        let net: Cidr = "10.16.0.0/12".parse().unwrap();
        let Net { masks, bases } = Net::new(net);
        let has = |ip: &str| {
            let halves = halves(ip.parse::<tollgate_runtime::kinds::net::Ip>().unwrap().0);
            (0..2).all(|i| (halves[i] ^ bases[i]) & masks[i] == 0)
        };
        assert!(has("10.16.0.1") && has("10.31.255.255") && has("::ffff:10.20.0.1"));
        assert!(!has("10.32.0.0") && !has("11.16.0.0") && !has("::a10:1"));
    }

    #[test]
    fn a_pattern_without_holes_is_a_comparison() {
        let check = |text: &str, expected: Option<PathTest<'_>>| {
            let pattern = Pattern::Path(Arc::new(PathPattern::parse(text).unwrap()));
            assert_eq!(PathTest::new(&pattern), expected, "{text}");
        };
        check("/a/b", Some(PathTest::Is("/a/b")));
        check("/", Some(PathTest::Is("/")));
        check("/a/**", Some(PathTest::Below("/a")));
        check("/a/{rest: **}", Some(PathTest::Below("/a")));
        check("/**", Some(PathTest::Below("")));
        check("/a/*", None);
        check("/{a}/b", None);
        check(&"/long".repeat(20), None);
    }
}
