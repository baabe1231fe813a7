//! What each instruction means, on the words of the runtime. The interpreter, constant folding and the virtual machine call what
//! stands here, so a folded program cannot disagree with a run one, nor an engine with another.
//!
//! Nothing here fails, whatever the words: a division by zero, which the checker has excluded, answers zero.
//! [`eval`] is the table; the functions below it are those of its rows that are more than one operation.

use tollgate_runtime::kinds::net::Ip;
use tollgate_runtime::kinds::path::is_segment;
use tollgate_runtime::schema::PERCENT_ONE;
use tollgate_runtime::word::settle;
use tollgate_runtime::{Arena, Cx, Pattern, Word};

use crate::entities::{
    ConstId, DataId, FuncId, IndexId, NativeId, PatId, PlaceId, RuleSetId, SiteId, Val,
};
use crate::instructions::{Inst, InstVisitor};
use crate::module::{Func, Module};
use crate::operand::{Cc, Fimm, Flag, Imm, Index, Vals};
use crate::types::{Type, TypeData};

/// Evaluates one instruction of `func`, given the words of its value operands in order. The module is verified.
///
/// # Panics
/// For instructions that call or mark, which are not a matter of words: `any`, `fold`, `call`, `decide`, `search`, `mark`. (Natives are.)
///
/// ```
/// # use tollgate_ir::{builder::FuncBuilder, instructions::Inst, module::Module, semantics::eval, types::Type};
/// # use tollgate_runtime::{Arena, Cx, Word};
/// # let mut module = Module::default();
/// # let mut b = FuncBuilder::new(&mut module, "f", &[Type::INT], Type::INT);
/// # let x = b.params()[0];
/// # b.ret(x);
/// # let func = b.finish();
/// # let (func, arena) = (&module.funcs[func], Arena::new());
/// let cx = Cx::new(&arena, "id", 0);
/// let word = eval(&module, func, &Inst::Iadd { a: x, b: x }, &[Word::Int(3), Word::Int(4)], &cx);
/// assert_eq!(word, Word::Int(7));
/// ```
pub fn eval<'a>(
    module: &Module,
    func: &Func,
    inst: &Inst,
    args: &[Word<'a>],
    cx: &Cx<'a>,
) -> Word<'a> {
    inst.visit(&mut Eval {
        module,
        func,
        args,
        cx,
    })
}

/// `a / b` towards zero, or zero; wraps.
#[inline]
pub fn idiv(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { a.wrapping_div(b) }
}

/// What `a / b` leaves, or zero.
#[inline]
pub fn imod(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { a.wrapping_rem(b) }
}

/// The product with a percentage.
#[inline]
pub fn pmul(a: i64, b: i64) -> i64 {
    half_even(i128::from(a) * i128::from(b), PERCENT_ONE.into())
}

/// The quotient as a percentage, or zero.
#[inline]
pub fn pdiv(a: i64, b: i64) -> i64 {
    half_even(i128::from(a) * i128::from(PERCENT_ONE), b.into())
}

/// A percentage to the nearest whole number.
#[inline]
pub fn pround(a: i64) -> i64 {
    half_even(a.into(), PERCENT_ONE.into())
}

/// Compares integers.
#[inline]
pub fn icmp(cc: Cc, a: i64, b: i64) -> bool {
    cc.holds(a.cmp(&b))
}

/// Compares floats, in the order of sets and keys: floats are finite and never minus zero, so it is the usual one.
#[inline]
pub fn fcmp(cc: Cc, a: f64, b: f64) -> bool {
    cc.holds(a.total_cmp(&b))
}

/// Compares texts by bytes.
#[inline]
pub fn scmp(cc: Cc, a: &str, b: &str) -> bool {
    cc.holds(a.as_bytes().cmp(b.as_bytes()))
}

/// `a + b`
#[inline]
pub fn fadd(a: f64, b: f64) -> f64 {
    settle(a + b)
}

/// `a - b`
#[inline]
pub fn fsub(a: f64, b: f64) -> f64 {
    settle(a - b)
}

/// `a * b`
#[inline]
pub fn fmul(a: f64, b: f64) -> f64 {
    settle(a * b)
}

/// `a / b`, or zero.
#[inline]
pub fn fdiv(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { settle(a / b) }
}

/// `-a`
#[inline]
pub fn fneg(a: f64) -> f64 {
    settle(-a)
}

/// The nearest float.
#[inline]
pub fn int_to_float(a: i64) -> f64 {
    a as f64
}

/// The set of some elements, which are sorted in place.
pub fn set<'a>(arena: &'a Arena, words: &mut [Word<'a>]) -> Word<'a> {
    words.sort_unstable_by(|a, b| a.order(*b));
    let mut distinct = 0;
    for i in 0..words.len() {
        if distinct == 0 || !words[distinct - 1].same(words[i]) {
            words[distinct] = words[i];
            distinct += 1;
        }
    }
    Word::Seq(arena.seq(&words[..distinct]))
}

/// The map of keys and values in turn; of equal keys the first stays.
pub fn map<'a>(arena: &'a Arena, words: &[Word<'a>]) -> Word<'a> {
    // Key, value and position, so that the first of equals stands first without a sort that allocates.
    let entries = arena.slots(words.len() / 2 * 3).as_chunks_mut::<3>().0;
    for (i, (entry, pair)) in entries.iter_mut().zip(words.as_chunks::<2>().0).enumerate() {
        *entry = [pair[0], pair[1], Word::Int(i as i64)];
    }
    entries.sort_unstable_by(|a, b| a[0].order(b[0]).then_with(|| a[2].order(b[2])));
    let map = arena.slots(words.len());
    let mut len = 0;
    for [key, value, _] in entries {
        if len == 0 || !map[len - 2].same(*key) {
            map[len] = *key;
            map[len + 1] = *value;
            len += 2;
        }
    }
    Word::Seq(&map[..len])
}

/// The list of what is present.
pub fn collect<'a>(arena: &'a Arena, words: &[Word<'a>]) -> Word<'a> {
    let mut present = words.iter().copied().filter(|w| !w.is_none());
    let len = present.clone().count();
    Word::Seq(arena.seq_with(len, |_| present.next().unwrap_or(Word::None)))
}

/// An element of a list, absent past its end and before its beginning.
#[inline]
pub fn get<'a>(list: Word<'a>, index: i64) -> Word<'a> {
    usize::try_from(index).map_or(Word::None, |i| list.at(i))
}

/// Whether one of some networks has an address.
pub fn cidrs_have(networks: Word<'_>, ip: Ip) -> bool {
    networks.seq().iter().any(|c| c.cidr().has(ip))
}

/// Whether a whole text matches.
pub fn matches(pattern: &Pattern, text: &str) -> bool {
    pattern.matches(text)
}

/// What a path pattern captures of a path that matches; of another, the empty text.
pub fn path_capture<'t>(pattern: &Pattern, path: &'t str, index: usize) -> &'t str {
    match pattern {
        Pattern::Path(p) => p.capture(path, index).unwrap_or(""),
        Pattern::Glob(_) | Pattern::Regex(_) => "",
    }
}

/// What a group takes of a text, absent if the text does not match or the group took no part.
pub fn regex_capture<'t>(pattern: &Pattern, text: &'t str, group: usize) -> Word<'t> {
    match pattern {
        Pattern::Regex(p) => p.capture(text, group).map_or(Word::None, Word::Str),
        Pattern::Path(_) | Pattern::Glob(_) => Word::None,
    }
}

/// The canonical path of some texts and paths, one behind the other. What cannot be a segment of a canonical path (nothing, a dot segment)
/// is left out, whatever the parts: no path that leaves here can be read as another. Only a slash at the end of the last part stays.
pub fn path_join<'a>(arena: &'a Arena, parts: &[Word<'a>]) -> Word<'a> {
    let segments = || {
        parts
            .iter()
            .flat_map(|part| part.str().split('/').filter(|s| is_segment(s)))
    };
    // `/` alone is the rest of which nothing is left: it adds nothing.
    let last = parts.last().map_or("", |p| p.str());
    let slash = segments().next().is_none() || (last.len() > 1 && last.ends_with('/'));
    let chars = segments().flat_map(|segment| std::iter::once('/').chain(segment.chars()));
    let bytes = parts.iter().map(|p| p.str().len() + 1).sum::<usize>() + 1;
    Word::Str(arena.collect_str(bytes, chars.chain(slash.then_some('/'))))
}

/// `n / d` to the nearest integer, of two nearest the even one; saturates; zero if `d` is.
fn half_even(n: i128, d: i128) -> i64 {
    if d == 0 {
        return 0;
    }
    // The magnitudes stay below 2^126: all callers multiply two 64-bit numbers.
    let (quotient, rest) = (n / d, n % d);
    let away = if (n < 0) == (d < 0) { 1 } else { -1 };
    let rounded = match (2 * rest.abs()).cmp(&d.abs()) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Equal => quotient + (quotient % 2).abs() * away,
        std::cmp::Ordering::Greater => quotient + away,
    };
    rounded.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

struct Eval<'e, 'a> {
    module: &'e Module,
    func: &'e Func,
    args: &'e [Word<'a>],
    cx: &'e Cx<'a>,
}

impl<'a> Eval<'_, 'a> {
    /// The only value operand, or the first.
    fn a(&self) -> Word<'a> {
        self.args.first().copied().unwrap_or(Word::None)
    }

    /// The second.
    fn b(&self) -> Word<'a> {
        self.args.get(1).copied().unwrap_or(Word::None)
    }

    fn ints(&self, op: impl Fn(i64, i64) -> i64) -> Word<'a> {
        Word::Int(op(self.a().int(), self.b().int()))
    }

    fn int(&self, op: impl Fn(i64) -> i64) -> Word<'a> {
        Word::Int(op(self.a().int()))
    }

    fn floats(&self, op: impl Fn(f64, f64) -> f64) -> Word<'a> {
        Word::Float(op(self.a().float(), self.b().float()))
    }

    fn all(&self) -> &'a [Word<'a>] {
        self.cx.arena.seq(self.args)
    }

    fn calls(&self) -> Word<'a> {
        crate::bug!("an instruction that calls is not evaluated by itself")
    }
}

impl<'a> InstVisitor for Eval<'_, 'a> {
    type Output = Word<'a>;

    fn iconst(&mut self, imm: &Imm) -> Word<'a> {
        Word::Int(imm.0)
    }
    fn fconst(&mut self, imm: &Fimm) -> Word<'a> {
        Word::Float(imm.get())
    }
    fn bconst(&mut self, imm: &Flag) -> Word<'a> {
        Word::Bool(imm.0)
    }
    fn konst(&mut self, value: &ConstId) -> Word<'a> {
        self.module.consts[*value].value.word(self.cx.arena)
    }
    fn data(&mut self, data: &DataId) -> Word<'a> {
        let words = self.cx.data;
        words.get(data.0 as usize).copied().unwrap_or(Word::None)
    }
    fn decision_id(&mut self) -> Word<'a> {
        Word::Str(self.cx.id)
    }
    fn decision_time(&mut self) -> Word<'a> {
        Word::Int(self.cx.time)
    }

    fn iadd(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.ints(i64::wrapping_add)
    }
    fn isub(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.ints(i64::wrapping_sub)
    }
    fn imul(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.ints(i64::wrapping_mul)
    }
    fn ineg(&mut self, _: &Val) -> Word<'a> {
        self.int(i64::wrapping_neg)
    }
    fn idiv(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.ints(idiv)
    }
    fn imod(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.ints(imod)
    }
    fn iadd_sat(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.ints(i64::saturating_add)
    }
    fn isub_sat(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.ints(i64::saturating_sub)
    }
    fn imul_sat(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.ints(i64::saturating_mul)
    }
    fn imin(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.ints(i64::min)
    }
    fn imax(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.ints(i64::max)
    }
    fn iabs(&mut self, _: &Val) -> Word<'a> {
        self.int(i64::saturating_abs)
    }
    fn pmul(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.ints(pmul)
    }
    fn pdiv(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.ints(pdiv)
    }
    fn pround(&mut self, _: &Val) -> Word<'a> {
        self.int(pround)
    }
    fn icmp(&mut self, cc: &Cc, _: &Val, _: &Val) -> Word<'a> {
        Word::Bool(icmp(*cc, self.a().int(), self.b().int()))
    }

    fn fadd(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.floats(fadd)
    }
    fn fsub(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.floats(fsub)
    }
    fn fmul(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.floats(fmul)
    }
    fn fdiv(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.floats(fdiv)
    }
    fn fneg(&mut self, _: &Val) -> Word<'a> {
        Word::Float(fneg(self.a().float()))
    }
    fn fcmp(&mut self, cc: &Cc, _: &Val, _: &Val) -> Word<'a> {
        Word::Bool(fcmp(*cc, self.a().float(), self.b().float()))
    }
    fn int_to_float(&mut self, _: &Val) -> Word<'a> {
        Word::Float(int_to_float(self.a().int()))
    }

    fn scmp(&mut self, cc: &Cc, _: &Val, _: &Val) -> Word<'a> {
        Word::Bool(scmp(*cc, self.a().str(), self.b().str()))
    }
    fn same(&mut self, _: &Val, _: &Val) -> Word<'a> {
        Word::Bool(self.a().same(self.b()))
    }
    fn bnot(&mut self, _: &Val) -> Word<'a> {
        Word::Bool(!self.a().bool())
    }
    fn band(&mut self, _: &Val, _: &Val) -> Word<'a> {
        Word::Bool(self.a().bool() && self.b().bool())
    }
    fn bor(&mut self, _: &Val, _: &Val) -> Word<'a> {
        Word::Bool(self.a().bool() || self.b().bool())
    }
    fn select(&mut self, _: &Val, _: &Val, _: &Val) -> Word<'a> {
        let chosen = if self.a().bool() { 1 } else { 2 };
        self.args.get(chosen).copied().unwrap_or(Word::None)
    }

    fn none(&mut self, _: &Type) -> Word<'a> {
        Word::None
    }
    fn some(&mut self, _: &Val) -> Word<'a> {
        self.a()
    }
    fn is_some(&mut self, _: &Val) -> Word<'a> {
        Word::Bool(!self.a().is_none())
    }
    fn unwrap(&mut self, _: &Val) -> Word<'a> {
        self.a()
    }
    fn unwrap_or(&mut self, _: &Val, _: &Val) -> Word<'a> {
        if self.a().is_none() {
            self.b()
        } else {
            self.a()
        }
    }

    fn record(&mut self, _: &Type, _: &Vals) -> Word<'a> {
        Word::Seq(self.all())
    }
    fn field(&mut self, _: &Val, index: &Index) -> Word<'a> {
        self.a().at(index.0 as usize)
    }
    fn variant(&mut self, _: &Type, tag: &Index, _: &Vals) -> Word<'a> {
        Word::Variant(tag.0, self.all())
    }
    fn tag(&mut self, _: &Val) -> Word<'a> {
        Word::Int(self.a().tag().into())
    }
    fn payload(&mut self, _: &Val, _: &Index, index: &Index) -> Word<'a> {
        self.a().at(index.0 as usize)
    }

    fn list(&mut self, _: &Type, _: &Vals) -> Word<'a> {
        Word::Seq(self.all())
    }
    fn set(&mut self, _: &Type, _: &Vals) -> Word<'a> {
        set(self.cx.arena, &mut self.args.to_vec())
    }
    fn map(&mut self, _: &Type, _: &Vals) -> Word<'a> {
        map(self.cx.arena, self.args)
    }
    fn collect(&mut self, _: &Type, _: &Vals) -> Word<'a> {
        collect(self.cx.arena, self.args)
    }
    fn len(&mut self, a: &Val) -> Word<'a> {
        let words = self.a().seq().len() as i64;
        match self.module.types.get(self.func.ty(*a)) {
            TypeData::Map(..) => Word::Int(words / 2),
            _ => Word::Int(words),
        }
    }
    fn get(&mut self, _: &Val, _: &Val) -> Word<'a> {
        get(self.a(), self.b().int())
    }
    fn lookup(&mut self, _: &Val, _: &Val) -> Word<'a> {
        self.a().map_get(self.b())
    }
    fn contains(&mut self, a: &Val, _: &Val) -> Word<'a> {
        Word::Bool(match self.module.types.get(self.func.ty(*a)) {
            TypeData::Set(_) => self.a().set_has(self.b()),
            _ => self.a().list_has(self.b()),
        })
    }

    fn cidr_has(&mut self, _: &Val, _: &Val) -> Word<'a> {
        Word::Bool(self.a().cidr().has(self.b().ip()))
    }
    fn cidrs_have(&mut self, _: &Val, _: &Val) -> Word<'a> {
        Word::Bool(cidrs_have(self.a(), self.b().ip()))
    }
    fn matches(&mut self, _: &Val, pattern: &PatId) -> Word<'a> {
        Word::Bool(matches(&self.module.patterns[*pattern], self.a().str()))
    }
    fn path_capture(&mut self, _: &Val, pattern: &PatId, index: &Index) -> Word<'a> {
        let pattern = &self.module.patterns[*pattern];
        Word::Str(path_capture(pattern, self.a().str(), index.0 as usize))
    }
    fn regex_capture(&mut self, _: &Val, pattern: &PatId, index: &Index) -> Word<'a> {
        let pattern = &self.module.patterns[*pattern];
        regex_capture(pattern, self.a().str(), index.0 as usize)
    }
    fn path_join(&mut self, _: &Vals) -> Word<'a> {
        path_join(self.cx.arena, self.args)
    }

    fn any(&mut self, _: &Val, _: &FuncId, _: &Imm, _: &Vals) -> Word<'a> {
        self.calls()
    }
    fn fold(&mut self, _: &Val, _: &Val, _: &FuncId, _: &Imm, _: &Vals) -> Word<'a> {
        self.calls()
    }
    fn call(&mut self, _: &FuncId, _: &Vals) -> Word<'a> {
        self.calls()
    }
    fn call_marked(&mut self, _: &FuncId, _: &Vals) -> Word<'a> {
        self.calls()
    }
    fn native(&mut self, native: &NativeId, _: &Vals) -> Word<'a> {
        (self.module.natives[*native].call)(self.cx, self.args)
    }
    fn decide(&mut self, _: &RuleSetId, _: &Vals) -> Word<'a> {
        self.calls()
    }
    fn decide_marked(&mut self, _: &RuleSetId, _: &Vals) -> Word<'a> {
        self.calls()
    }
    fn search(&mut self, _: &IndexId, _: &Vals) -> Word<'a> {
        self.calls()
    }
    fn search_marked(&mut self, _: &IndexId, _: &Vals) -> Word<'a> {
        self.calls()
    }
    fn ask(&mut self, place: &PlaceId, _: &Vals) -> Word<'a> {
        self.cx.ask(place.0, self.args)
    }
    fn answer(&mut self, place: &PlaceId) -> Word<'a> {
        self.cx.answer(place.0)
    }
    fn mark(&mut self, _: &SiteId) -> Word<'a> {
        self.calls()
    }
}
