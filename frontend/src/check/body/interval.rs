//! Interval arithmetic: which values an operation can give when its operands lie in given intervals.
//!
//! Bounds are `i128` and operands fit 64 bits, so every result here is exact (Moore, *Interval Analysis*, 1966). Whether a
//! result fits what it is for is asked afterwards, in one place.

use tollgate_ir::operand::Cc;
use tollgate_runtime::schema::PERCENT_ONE;

use crate::hir::{BinOp, UnOp};
use crate::types::ty::Interval;

const ONE: i128 = PERCENT_ONE as i128;

/// What `op` can give; `None` for floats, and for a division whose divisor may be zero.
pub(super) fn binary(op: BinOp, a: Interval, b: Interval) -> Option<Interval> {
    let divisor = b.lo > 0 || b.hi < 0;
    Some(match op {
        BinOp::IntAdd | BinOp::IntAddSat => Interval::new(a.lo + b.lo, a.hi + b.hi),
        BinOp::IntSub | BinOp::IntSubSat => Interval::new(a.lo - b.hi, a.hi - b.lo),
        BinOp::IntMul | BinOp::IntMulSat => corners(a, b, |x, y| x * y),
        BinOp::IntDiv if divisor => corners(a, b, |x, y| x / y),
        BinOp::IntMod if divisor => remainder(a, b),
        BinOp::IntMin => Interval::new(a.lo.min(b.lo), a.hi.min(b.hi)),
        BinOp::IntMax => Interval::new(a.lo.max(b.lo), a.hi.max(b.hi)),
        BinOp::PercentMul => corners(a, b, |x, y| half_even(x * y, ONE)),
        BinOp::PercentDiv if divisor => corners(a, b, |x, y| half_even(x * ONE, y)),
        BinOp::IntDiv
        | BinOp::IntMod
        | BinOp::PercentDiv
        | BinOp::FloatAdd
        | BinOp::FloatSub
        | BinOp::FloatMul
        | BinOp::FloatDiv => return None,
    })
}

/// What `op` can give; `None` for operations that do not give a whole number.
pub(super) fn unary(op: UnOp, a: Interval) -> Option<Interval> {
    Some(match op {
        UnOp::IntNeg => Interval::new(-a.hi, -a.lo),
        UnOp::IntAbs if a.lo >= 0 => a,
        UnOp::IntAbs if a.hi <= 0 => Interval::new(-a.hi, -a.lo),
        UnOp::IntAbs => Interval::new(0, a.hi.max(-a.lo)),
        UnOp::Round => Interval::new(half_even(a.lo, ONE), half_even(a.hi, ONE)),
        UnOp::FloatNeg | UnOp::ToFloat => return None,
    })
}

/// The values of `a` for which `a cc b` can hold for some value of `b`; `None` if there are none.
///
/// An interval has no holes: of `a != b` only an end can be cut off.
pub(super) fn narrow(a: Interval, cc: Cc, b: Interval) -> Option<Interval> {
    let (mut lo, mut hi) = (a.lo, a.hi);
    match cc {
        Cc::Eq => return a.meet(b),
        Cc::Ne if b.lo == b.hi => {
            lo += i128::from(lo == b.lo);
            hi -= i128::from(hi == b.lo);
        }
        Cc::Ne => {}
        Cc::Lt => hi = hi.min(b.hi - 1),
        Cc::Le => hi = hi.min(b.hi),
        Cc::Gt => lo = lo.max(b.lo + 1),
        Cc::Ge => lo = lo.max(b.lo),
    }
    (lo <= hi).then_some(Interval { lo, hi })
}

/// `a / b` to the nearest whole number, ties to the even one; `b` is not zero.
pub(super) fn half_even(a: i128, b: i128) -> i128 {
    let (quotient, rest) = (a.div_euclid(b), a.rem_euclid(b));
    // With Euclid's division the rest is never negative, so the value lies between the quotient and its
    // neighbour in the direction of the divisor's sign.
    let up = quotient + b.signum();
    match (2 * rest).cmp(&b.abs()) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => up,
        std::cmp::Ordering::Equal if quotient % 2 == 0 => quotient,
        std::cmp::Ordering::Equal => up,
    }
}

/// For operations that are monotone in each operand (each on its side of zero), the extremes are at the corners.
fn corners(a: Interval, b: Interval, op: impl Fn(i128, i128) -> i128) -> Interval {
    let all = [
        op(a.lo, b.lo),
        op(a.lo, b.hi),
        op(a.hi, b.lo),
        op(a.hi, b.hi),
    ];
    let first = Interval::point(all[0]);
    all[1..]
        .iter()
        .fold(first, |i, v| i.join(Interval::point(*v)))
}

/// The remainder has the sign of the dividend, and is nearer to zero than both operands allow.
fn remainder(a: Interval, b: Interval) -> Interval {
    let most = b.lo.abs().max(b.hi.abs()) - 1;
    let least = b.lo.abs().min(b.hi.abs());
    if a.lo > -least && a.hi < least {
        return a;
    }
    let lo = if a.lo < 0 { a.lo.max(-most) } else { 0 };
    let hi = if a.hi > 0 { a.hi.min(most) } else { 0 };
    Interval::new(lo, hi)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPS: [BinOp; 9] = [
        BinOp::IntAdd,
        BinOp::IntSub,
        BinOp::IntMul,
        BinOp::IntDiv,
        BinOp::IntMod,
        BinOp::IntMin,
        BinOp::IntMax,
        BinOp::PercentMul,
        BinOp::PercentDiv,
    ];

    fn concrete(op: BinOp, x: i128, y: i128) -> i128 {
        match op {
            BinOp::IntAdd | BinOp::IntAddSat => x + y,
            BinOp::IntSub | BinOp::IntSubSat => x - y,
            BinOp::IntMul | BinOp::IntMulSat => x * y,
            BinOp::IntDiv => x / y,
            BinOp::IntMod => x % y,
            BinOp::IntMin => x.min(y),
            BinOp::IntMax => x.max(y),
            BinOp::PercentMul => half_even(x * y, ONE),
            BinOp::PercentDiv => half_even(x * ONE, y),
            _ => unreachable!("not in the list"),
        }
    }

    /// Every value that operands of small intervals can give lies in the interval, and both its ends
    /// are taken (except for the remainder, whose interval is only an enclosure).
    #[test]
    fn intervals_hold_every_result_and_no_more() {
        for op in OPS {
            // Percentages are tried in steps of half a billionth's reciprocal, where rounding shows.
            let scale = if op == BinOp::PercentMul { ONE / 2 } else { 1 };
            for (a_lo, a_hi) in pairs() {
                for (b_lo, b_hi) in pairs() {
                    let (a, b) = (
                        Interval::new(a_lo, a_hi),
                        Interval::new(b_lo * scale, b_hi * scale),
                    );
                    let Some(result) = binary(op, a, b) else {
                        assert!(b.lo <= 0 && b.hi >= 0);
                        continue;
                    };
                    let values: Vec<i128> = (a_lo..=a_hi)
                        .flat_map(|x| (b_lo..=b_hi).map(move |y| concrete(op, x, y * scale)))
                        .collect();
                    let (lo, hi) = (*values.iter().min().unwrap(), *values.iter().max().unwrap());
                    assert!(result.lo <= lo && hi <= result.hi, "{op:?} {a:?} {b:?}");
                    if op != BinOp::IntMod {
                        assert_eq!((lo, hi), (result.lo, result.hi), "{op:?} {a:?} {b:?}");
                    }
                }
            }
        }
    }

    fn pairs() -> impl Iterator<Item = (i128, i128)> {
        (-4..=4).flat_map(|lo| (lo..=4).map(move |hi| (lo, hi)))
    }

    #[test]
    fn comparisons_narrow_to_what_can_hold() {
        for (a_lo, a_hi) in pairs() {
            for (b_lo, b_hi) in pairs() {
                for cc in Cc::ALL {
                    let (a, b) = (Interval::new(a_lo, a_hi), Interval::new(b_lo, b_hi));
                    let kept = narrow(a, cc, b);
                    for x in a_lo..=a_hi {
                        let can = (b_lo..=b_hi).any(|y| cc.holds(x.cmp(&y)));
                        let inside = kept.is_some_and(|k| k.lo <= x && x <= k.hi);
                        assert!(inside || !can, "{x} {cc:?} {b:?} of {a:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn ties_go_to_the_even_neighbour() {
        let cases = [
            (5, 10, 0),
            (15, 10, 2),
            (-5, 10, 0),
            (-15, 10, -2),
            (25, -10, -2),
            (-26, -10, 3),
            (7, 2, 4),
        ];
        for (a, b, expect) in cases {
            assert_eq!(half_even(a, b), expect, "{a} / {b}");
        }
    }
}
