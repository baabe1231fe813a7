//! What instructions mean at the edges of their operands.

use tollgate_ir::semantics::*;
use tollgate_runtime::schema::PERCENT_ONE;
use tollgate_runtime::{Arena, Word};

const ONE: i64 = PERCENT_ONE;

#[test]
fn division_never_fails() {
    assert_eq!((idiv(7, 0), imod(7, 0)), (0, 0));
    assert_eq!((idiv(i64::MIN, -1), imod(i64::MIN, -1)), (i64::MIN, 0));
    assert_eq!((idiv(-7, 2), imod(-7, 2)), (-3, -1));
}

#[test]
fn percentages_round_half_to_even() {
    let half = ONE / 2;
    assert_eq!(
        [1, 3, 5, -1, -3, -5].map(|n| pmul(n, half)),
        [0, 2, 2, 0, -2, -2]
    );
    assert_eq!([1, 3, -1, -3].map(|n| pround(n * half)), [0, 2, 0, -2]);
    assert_eq!((pround(half + 1), pround(-half - 1)), (1, -1));
    assert_eq!(
        (pdiv(1, 2), pdiv(1, 3), pdiv(2, 3)),
        (half, 333_333_333, 666_666_667)
    );
    assert_eq!((pdiv(-2, 3), pdiv(2, -3)), (-666_666_667, -666_666_667));
    // A half that the divisor makes: 1 / (2 * 10^9) is half of a billionth.
    assert_eq!(
        (pdiv(1, 2 * ONE), pdiv(3, 2 * ONE), pdiv(-3, 2 * ONE)),
        (0, 2, -2)
    );
}

#[test]
fn percentages_saturate() {
    assert_eq!(pmul(i64::MAX, i64::MAX), i64::MAX);
    assert_eq!(pmul(i64::MIN, i64::MIN), i64::MAX);
    assert_eq!(pmul(i64::MIN, i64::MAX), i64::MIN);
    assert_eq!(
        (pdiv(i64::MAX, 1), pdiv(i64::MIN, 1), pdiv(5, 0)),
        (i64::MAX, i64::MIN, 0)
    );
}

#[test]
fn floats_stay_finite_and_zero_has_one_sign() {
    assert_eq!(fadd(f64::MAX, f64::MAX), f64::MAX);
    assert_eq!(fmul(f64::MAX, -2.0), f64::MIN);
    assert_eq!(fdiv(1.0, 0.0), 0.0);
    assert_eq!(fdiv(1.0, f64::from_bits(1)), f64::MAX);
    for zero in [
        fneg(0.0),
        fmul(-1.0, 0.0),
        fsub(0.0, 0.0),
        fdiv(-1e-300, 1e300),
    ] {
        assert_eq!(zero.to_bits(), 0);
    }
    assert_eq!(fadd(f64::NAN, 1.0), 0.0);
}

#[test]
fn sets_and_maps_are_sorted_and_distinct() {
    let arena = Arena::new();
    let [a, b, c] = ["a", "b", "c"].map(Word::Str);
    assert_eq!(set(&arena, &mut [c, a, c, b, a]), Word::Seq(&[a, b, c]));
    let (one, two, three) = (Word::Int(1), Word::Int(2), Word::Int(3));
    let entries = [b, one, a, two, b, three];
    assert_eq!(map(&arena, &entries), Word::Seq(&[a, two, b, one]));
    assert_eq!(
        collect(&arena, &[Word::None, a, Word::None]),
        Word::Seq(&[a])
    );
    assert_eq!(
        (get(Word::Seq(&[a]), -1), get(Word::Seq(&[a]), 1)),
        (Word::None, Word::None)
    );
}

#[test]
fn joined_paths_are_canonical() {
    let arena = Arena::new();
    let join = |parts: &[&str]| {
        let words: Vec<Word<'_>> = parts.iter().map(|p| Word::Str(p)).collect();
        path_join(&arena, &words).str().to_owned()
    };
    assert_eq!(join(&["/v3", "/"]), "/v3");
    assert_eq!(join(&["v3", "7"]), "/v3/7");
    assert_eq!(join(&["/v3/", "/a/b/"]), "/v3/a/b/");
    assert_eq!(join(&["a", "..", "", ".", "b/../c"]), "/a/b/c");
    assert_eq!(
        (join(&[]), join(&["/"]), join(&[".."])),
        ("/".into(), "/".into(), "/".into())
    );
}
