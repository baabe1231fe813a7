//! The edges: where an operation rounds, stops, meets nothing, or looks at the last of something.

use tollgate_ir::instructions::Opcode::{self, *};
use tollgate_runtime::Word;
use tollgate_runtime::kinds::net::Ip;
use tollgate_runtime::schema::PERCENT_ONE;

/// The greatest whole number of an `Int`.
const LAST: i64 = (1 << 53) - 1;

/// What an edge is an edge of.
#[derive(Clone, Copy)]
pub(super) enum At {
    Inst(Opcode),
    /// Passes write one for the other.
    Either(Opcode, Opcode),
    Native(&'static str),
}

/// An edge: whether an instruction is at it, by its operands and what it gave.
pub(super) struct Edge {
    pub(super) name: &'static str,
    pub(super) at: At,
    /// Whether passes fold it away, or what leads to it.
    pub(super) folded: bool,
    pub(super) is: fn(&[Word<'_>], Word<'_>) -> bool,
}

macro_rules! edges {
    ($($name:literal: $at:expr, $($folded:ident,)? $is:expr;)*) => {
        pub(super) const EDGES: &[Edge] = &[$(Edge {
            name: $name,
            at: $at,
            folded: matches!(stringify!($($folded)?).as_bytes(), b"folded"),
            is: $is,
        }),*];
    };
}

use At::{Inst as I, Native as N};

edges! {
    "a sum that needs more than 53 bits": I(Iadd), |_, w| w.int().abs() > LAST;
    "the least number of 64 bits": At::Either(Isub, Iadd), |_, w| w.int() == i64::MIN;
    "a product that needs more than 53 bits": I(Imul), |_, w| w.int().unsigned_abs() > LAST as u64;
    "the opposite of the greatest number": I(Ineg), |o, _| o[0].int() == LAST;
    "a negative quotient, truncated": I(Idiv), |o, w| w.int() < 0 && w.int().wrapping_mul(o[1].int()) != o[0].int();
    "a quotient by -1": I(Idiv), |o, _| o[1].int() == -1;
    "a negative remainder": I(Imod), |_, w| w.int() < 0;
    "the remainder of the least of 64 bits by -1": I(Imod), |o, _| o[0].int() == i64::MIN && o[1].int() == -1;
    "a sum brought back to 53 bits": I(IaddSat), |_, w| w.int().abs() > LAST;
    "a difference brought back to 53 bits": I(IsubSat), |_, w| w.int().abs() > LAST;
    "a product that stops at the greatest of 64 bits": I(ImulSat), |_, w| w.int() == i64::MAX;
    "a product that stops at the least of 64 bits": I(ImulSat), |_, w| w.int() == i64::MIN;
    "the smaller of two equal": I(Imin), |o, _| o[0].int() == o[1].int();
    "the smaller of what 53 bits do not hold": I(Imin), |o, _| o[0].int() > LAST;
    "the greater of what 53 bits do not hold": I(Imax), |o, _| o[0].int() < -LAST;
    "the magnitude of the least number": I(Iabs), |o, _| o[0].int() == -LAST;
    "a product with a percentage, half to even below": I(Pmul), |o, w| tie(product(o), w, -1);
    "a product with a percentage, half to even above": I(Pmul), |o, w| tie(product(o), w, 1);
    "a product with a percentage that is negative and rounded": I(Pmul), |o, _| product(o) < 0 && product(o) % ONE != 0;
    "a product with a percentage that stops at the greatest": I(Pmul), |_, w| w.int() == i64::MAX;
    "a product with a percentage that stops at the least": I(Pmul), |_, w| w.int() == i64::MIN;
    "a quotient as a percentage, half to even": I(Pdiv), |o, _| {
        let (n, d) = (i128::from(o[0].int()) * ONE, i128::from(o[1].int()));
        d != 0 && 2 * (n % d).abs() == d.abs()
    };
    "a quotient as a percentage by what is negative": I(Pdiv), |o, w| o[1].int() < 0 && w.int() != 0;
    "a percentage rounded half to even below": I(Pround), |o, w| tie(o[0].int().into(), w, -1);
    "a percentage rounded half to even above": I(Pround), |o, w| tie(o[0].int().into(), w, 1);
    "numbers that are equal, compared": I(Icmp), |o, _| o[0].int() == o[1].int();
    "numbers of 53 bits and different signs, compared": I(Icmp), |o, _| o[0].int() >= LAST && o[1].int() < 0;

    "a sum of floats that stops at the end": I(Fadd), |o, _| (o[0].float() + o[1].float()).is_infinite();
    "a sum of floats that is nothing": I(Fadd), |o, w| w.float() == 0.0 && o[0].float() != 0.0;
    "a sum in which the smaller float is lost": I(Fadd), |o, w| w.float() == o[0].float() && o[1].float() != 0.0;
    "a difference of floats that stops at the end": I(Fsub), |o, _| (o[0].float() - o[1].float()).is_infinite();
    "a product of floats that stops at the end": I(Fmul), |o, _| (o[0].float() * o[1].float()).is_infinite();
    "a product of floats that vanishes": I(Fmul), |o, w| w.float() == 0.0 && o[0].float() != 0.0 && o[1].float() != 0.0;
    "a product of floats that would be minus zero": I(Fmul), |o, _| is_minus_zero(o[0].float() * o[1].float());
    "a product of floats below the normal ones": I(Fmul), |_, w| w.float().is_subnormal();
    "a quotient of floats that stops at the end": I(Fdiv), |o, _| o[1].float() != 0.0 && (o[0].float() / o[1].float()).is_infinite();
    "a quotient of floats that would be minus zero": I(Fdiv), |o, _| is_minus_zero(o[0].float() / o[1].float());
    "the opposite of the float zero": I(Fneg), |o, _| o[0].float() == 0.0;
    "floats that are equal, compared": I(Fcmp), |o, _| o[0].float() == o[1].float();
    "a float below the normal ones, compared": I(Fcmp), |o, _| o[0].float().is_subnormal();
    "the greatest number as a float": I(IntToFloat), |o, _| o[0].int().abs() == LAST;

    "a text and how it begins, compared": I(Scmp), |o, _| {
        let (a, b) = (o[0].str(), o[1].str());
        !b.is_empty() && a.len() > b.len() && a.starts_with(b)
    };
    "texts that are equal and long, compared": I(Scmp), |o, _| o[0].str().len() > 32 && o[0].str() == o[1].str();
    "the empty text, compared with itself": I(Scmp), |o, _| o[0].str().is_empty() && o[1].str().is_empty();
    "a foreign text with one of ASCII, compared": I(Scmp), |o, _| !o[0].str().is_ascii() && o[1].str().is_ascii();
    "values that are the same": I(Same), |_, w| w.bool();
    "values that are not": I(Same), |_, w| !w.bool();
    "what is there, or something else": I(UnwrapOr), |o, _| !o[0].is_none();
    "what is not there, or something else": I(UnwrapOr), |o, _| o[0].is_none();
    "how many there are of nothing": I(Len), |_, w| w.int() == 0;
    "an element": I(Get), |_, w| !w.is_none();
    "an element past the end": I(Get), |o, w| w.is_none() && o[1].int() >= 0;
    "an element before the beginning": I(Get), |o, _| o[1].int() < 0;
    "a key that is there": I(Lookup), |_, w| !w.is_none();
    "a key that is not": I(Lookup), |_, w| w.is_none();
    "an element that is in": I(Contains), |_, w| w.bool();
    "an element that is not in": I(Contains), |o, w| !w.bool() && !o[0].seq().is_empty();
    "a set of equal elements": I(Set), |o, w| w.seq().len() < o.len();
    "a map of equal keys": I(Map), |o, w| w.seq().len() < o.len();
    "the outcomes of no rule": I(Collect), |_, w| w.seq().is_empty();
    "the outcomes of every rule": I(Collect), |o, w| !o.is_empty() && w.seq().len() == o.len();
    "a network of everything": I(CidrHas), |o, w| o[0].cidr().bits() == 0 && w.bool();
    "a network of one address": I(CidrHas), |o, w| o[0].cidr().bits() == 128 && w.bool();
    "the first address of a network": I(CidrHas), |o, w| w.bool() && o[0].cidr().base() == o[1].ip();
    "the last address of a network": I(CidrHas), |o, w| w.bool() && at_end(o[0], o[1].ip());
    "an address behind a network": I(CidrHas), |o, w| !w.bool() && at_end(o[0], before(o[1].ip()));
    "an address in one of some networks": I(CidrsHave), |_, w| w.bool();
    "an address in none of them": I(CidrsHave), |_, w| !w.bool();
    "a pattern that matches": I(Matches), |_, w| w.bool();
    "a pattern that does not": I(Matches), |_, w| !w.bool();
    "a path of which nothing is captured": I(PathCapture), |_, w| w.str().is_empty() || w.str() == "/";
    "a group of a regex that took no part": I(RegexCapture), |_, w| w.is_none();
    "a group of a regex that took something": I(RegexCapture), |_, w| !w.is_none() && !w.str().is_empty();
    "a path joined that ends in a slash": I(PathJoin), |_, w| w.str().len() > 1 && w.str().ends_with('/');
    "any of nothing": I(Any), |o, _| o[0].seq().is_empty();
    "any of some": I(Any), |_, w| w.bool();
    "none of some": I(Any), |o, w| !w.bool() && !o[0].seq().is_empty();
    "a fold of nothing": I(Fold), |o, _| o[0].seq().is_empty();
    "a fold of as many as there may be": I(Fold), |o, _| o[0].seq().len() >= 4;

    "lower case of foreign letters": N("lower"), |o, _| !o[0].str().is_ascii();
    "lower case that changes something": N("lower"), |o, w| o[0].str() != w.str();
    "upper case that changes something": N("upper"), |o, w| o[0].str() != w.str();
    "white space at both ends": N("trim"), |o, w| o[0].str().starts_with(' ') && w.str().len() + 2 <= o[0].str().len();
    "as many parts as there may be": N("split"), |_, w| w.seq().len() == 64;
    "a split by nothing": N("split"), |o, _| o[1].str().is_empty();
    "a text cut within a character": N("truncate"), |o, w| w.str().len() < o[0].str().len().min(o[1].int() as usize);
    "a text cut to nothing": N("truncate"), |o, _| o[1].int() == 0 && !o[0].str().is_empty();
    "a long text": N("concat2"), |_, w| w.str().len() > 256;
    "a text before nothing": N("before"), |o, w| o[1].str().is_empty() && !w.is_none();
    "a text that is no number": N("to_int"), |o, w| w.is_none() && !o[0].str().is_empty();
    "a number that is too large": N("to_int"), |o, w| w.is_none() && o[0].str() == "9007199254740992";
    "a number that is just not": N("to_int"), |_, w| !w.is_none() && w.int().abs() == LAST;
    "a text that is a duration": N("to_duration"), |_, w| !w.is_none();
    "a text that is an instant": N("to_instant"), |_, w| !w.is_none();
    "a leap day": N("to_date"), |_, w| !w.is_none();
    "a leap day that was none": N("to_date"), |o, w| w.is_none() && o[0].str() == "1900-02-29";
    "a text that is an address": N("to_ip"), |_, w| !w.is_none();
    "a text that is a host": N("to_host"), |_, w| !w.is_none();
    "more bytes than characters": N("text_chars"), |o, w| (w.int() as usize) < o[0].str().len();
    "the last day there is": N("add_days"), |o, w| w.int() == 84_005 && o[1].int() != 0;
    "the first day there is": N("add_days"), |o, w| w.int() == 0 && o[1].int() != 0;
    "a network that is as wide as all": N("network_of"), |_, w| w.cidr().bits() == 0;
    "a network of IPv6": N("network_of"), |o, _| o[0].ip().addr().is_ipv6();
    "the first instant": N("day_of"), |o, _| o[0].int() == 0;
    "the greatest number, as text": N("text_of_int"), |o, _| o[0].int().abs() == LAST;
    "the least percentage, as text": N("text_of_percent"), |o, _| o[0].int() == -1_000_000 * PERCENT_ONE;
    "the longest duration, as text": N("text_of_duration"), |o, _| o[0].int().abs() == LAST;
}

const ONE: i128 = PERCENT_ONE as i128;

fn product(of: &[Word<'_>]) -> i128 {
    i128::from(of[0].int()) * i128::from(of[1].int())
}

/// Whether what was rounded lay in the middle, and went to a number below or above it.
fn tie(exact: i128, rounded: Word<'_>, way: i128) -> bool {
    let rounded = i128::from(rounded.int()) * ONE;
    2 * (rounded - exact) == way * ONE
}

fn is_minus_zero(value: f64) -> bool {
    value == 0.0 && value.is_sign_negative()
}

/// Whether an address is the last one of a network.
fn at_end(network: Word<'_>, ip: Ip) -> bool {
    let network = network.cidr();
    let host = u128::MAX.checked_shr(network.bits().into()).unwrap_or(0);
    ip.bits() == network.base().bits() | host
}

/// The address before one.
fn before(ip: Ip) -> Ip {
    Ip(ip.bits().wrapping_sub(1).to_be_bytes())
}
