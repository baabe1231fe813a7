//! Texts of JSON: where they stop standing for themselves.

/// Where a text stops being plain, from `from` on: at a quote, a backslash or a control character.
///
/// Eight bytes at a time: a byte is zero where `(x - 1) & !x` has its top bit, and less than a blank where `x - 32` does. A borrow
/// makes false hits only behind a true one, and the first hit is all that is asked for.
#[inline]
pub(super) fn plain_end(bytes: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    let (chunks, rest) = bytes.get(from..)?.as_chunks::<8>();
    let mut at = from;
    for chunk in chunks {
        let x = u64::from_le_bytes(*chunk);
        let hits = (zero(x ^ (ONES * u64::from(b'"')))
            | zero(x ^ (ONES * u64::from(b'\\')))
            | (x.wrapping_sub(ONES * 0x20) & !x))
            & TOPS;
        if hits != 0 {
            return Some(at + (hits.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let stops = |b: &u8| matches!(b, b'"' | b'\\' | 0..0x20);
    rest.iter().position(stops).map(|i| at + i)
}
