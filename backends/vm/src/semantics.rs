//! (until `tollgate_ir::semantics` lands)
#![allow(missing_docs)]
use std::cmp::Ordering;
use tollgate_ir::operand::Cc;
use tollgate_runtime::{Arena, Pattern, Word};

pub(crate) fn idiv(a: i64, b: i64) -> i64 {
    a.checked_div(b).unwrap_or(0)
}
pub(crate) fn imod(a: i64, b: i64) -> i64 {
    a.checked_rem(b).unwrap_or(0)
}
fn round_div(n: i128, d: i128) -> i64 {
    if d == 0 {
        return 0;
    }
    let (q, r) = (n.div_euclid(d), n.rem_euclid(d));
    let twice = (2 * r).cmp(&d.abs());
    let up = twice == Ordering::Greater || (twice == Ordering::Equal && q % 2 != 0);
    let q = if up { q + d.signum() } else { q };
    q.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}
pub(crate) fn pmul(a: i64, b: i64) -> i64 {
    round_div(i128::from(a) * i128::from(b), 1_000_000_000)
}
pub(crate) fn pdiv(a: i64, b: i64) -> i64 {
    round_div(i128::from(a) * 1_000_000_000, b.into())
}
pub(crate) fn pround(a: i64) -> i64 {
    round_div(a.into(), 1_000_000_000)
}
pub(crate) fn icmp(cc: Cc, a: i64, b: i64) -> bool {
    cc.holds(a.cmp(&b))
}
pub(crate) fn fcmp(cc: Cc, a: f64, b: f64) -> bool {
    cc.holds(a.total_cmp(&b))
}
pub(crate) fn scmp(cc: Cc, a: &str, b: &str) -> bool {
    cc.holds(a.as_bytes().cmp(b.as_bytes()))
}
fn norm(x: f64) -> f64 {
    if x.is_nan() {
        0.0
    } else {
        x.clamp(f64::MIN, f64::MAX) + 0.0
    }
}
pub(crate) fn fadd(a: f64, b: f64) -> f64 {
    norm(a + b)
}
pub(crate) fn fsub(a: f64, b: f64) -> f64 {
    norm(a - b)
}
pub(crate) fn fmul(a: f64, b: f64) -> f64 {
    norm(a * b)
}
pub(crate) fn fdiv(a: f64, b: f64) -> f64 {
    norm(a / b)
}
pub(crate) fn fneg(a: f64) -> f64 {
    norm(-a)
}
pub(crate) fn int_to_float(a: i64) -> f64 {
    a as f64
}
pub(crate) fn set<'a>(arena: &'a Arena, words: &'a mut [Word<'a>]) -> Word<'a> {
    words.sort_unstable_by(|a, b| a.order(*b));
    let mut n = 0;
    for i in 0..words.len() {
        if n == 0 || !words[n - 1].same(words[i]) {
            words[n] = words[i];
            n += 1;
        }
    }
    let _ = arena;
    Word::Seq(&words[..n])
}
pub(crate) fn matches(p: &Pattern, t: &str) -> bool {
    match p {
        Pattern::Path(p) => p.matches(t),
        Pattern::Glob(p) => p.matches(t),
        Pattern::Regex(p) => p.matches(t),
    }
}

pub(crate) fn cidrs_have(a: Word<'_>, ip: tollgate_runtime::kinds::net::Ip) -> bool {
    a.seq().iter().any(|c| c.cidr().has(ip))
}
pub(crate) fn path_capture<'t>(p: &Pattern, t: &'t str, i: usize) -> &'t str {
    match p {
        Pattern::Path(p) => p.capture(t, i).unwrap_or(""),
        _ => "",
    }
}
pub(crate) fn regex_capture<'t>(p: &Pattern, t: &'t str, i: usize) -> Word<'t> {
    match p {
        Pattern::Regex(p) => p.capture(t, i).map_or(Word::None, Word::Str),
        _ => Word::None,
    }
}
pub(crate) fn path_join<'a>(arena: &'a Arena, parts: &[Word<'a>]) -> Word<'a> {
    let mut out = String::new();
    for part in parts {
        let part = part.str();
        let part = part.strip_prefix('/').unwrap_or(part);
        if !part.is_empty() {
            out.push('/');
            out.push_str(part);
        }
    }
    Word::Str(if out.is_empty() { "/" } else { arena.str(&out) })
}
pub(crate) fn map<'a>(arena: &'a Arena, words: &[Word<'a>]) -> Word<'a> {
    let mut pairs: Vec<(Word<'_>, Word<'_>)> =
        words.chunks_exact(2).map(|p| (p[0], p[1])).collect();
    pairs.sort_by(|a, b| a.0.order(b.0));
    pairs.dedup_by(|b, a| a.0.same(b.0));
    let flat: Vec<Word<'_>> = pairs.into_iter().flat_map(|(k, v)| [k, v]).collect();
    Word::Seq(arena.seq(&flat))
}
pub(crate) fn collect<'a>(arena: &'a Arena, words: &[Word<'a>]) -> Word<'a> {
    let flat: Vec<Word<'_>> = words.iter().copied().filter(|w| !w.is_none()).collect();
    Word::Seq(arena.seq(&flat))
}
