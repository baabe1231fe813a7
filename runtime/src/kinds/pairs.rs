//! A text looked at by pairs of neighbours, sixteen at a time and without a branch for a byte.

use wide::u8x16;

/// Sixteen bytes. An answer about them has all bits of a place set or none.
pub(super) type Sixteen = u8x16;

/// Which bytes lie between these.
#[inline(always)]
pub(super) fn between(bytes: Sixteen, least: u8, most: u8) -> Sixteen {
    let above = bytes - u8x16::splat(least);
    above.min(u8x16::splat(most - least)).simd_eq(above)
}

/// Which bytes are this one.
#[inline(always)]
pub(super) fn is(bytes: Sixteen, byte: u8) -> Sixteen {
    bytes.simd_eq(u8x16::splat(byte))
}

/// The bytes with these bits set.
#[inline(always)]
pub(super) fn with(bytes: Sixteen, bits: u8) -> Sixteen {
    bytes | u8x16::splat(bits)
}

/// Whether nothing is wrong with any byte of a text, by a test that is given sixteen bytes and for each of them the one behind it. Behind
/// the last stands `end`: no byte may be wrong because of that one, and it is tested itself where a text is shorter than sixteen.
#[inline(always)]
pub(super) fn none(text: &[u8], end: u8, wrong: impl Fn(Sixteen, Sixteen) -> Sixteen) -> bool {
    let test = |bytes: [u8; 16]| {
        let behind = u128::from_le_bytes(bytes) >> 8 | u128::from(end) << 120;
        wrong(u8x16::new(bytes), u8x16::new(behind.to_le_bytes()))
    };
    let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) else {
        return !test(short(text, end).to_le_bytes()).any();
    };
    // Up to thirty-one bytes these two overlap, so that they have all pairs, without a branch for how many they are.
    let mut found = test(*first) | test(*last);
    let mut rest = &text[15..];
    while rest.len() > 16
        && let Some(next) = rest.first_chunk()
    {
        found |= test(*next);
        rest = &rest[15..];
    }
    !found.any()
}

/// Fewer than sixteen bytes, the first in the lowest place, and `end` in all places behind them.
#[inline(always)]
fn short(text: &[u8], end: u8) -> u128 {
    let ends = u64::from_le_bytes([end; 8]);
    let len = text.len();
    // What is read from the end overlaps what is read from the front: the places that both have are shifted out.
    let (low, high) = if let (Some(front), Some(back)) = (text.first_chunk(), text.last_chunk()) {
        let back = u128::from(u64::from_le_bytes(*back)) | u128::from(ends) << 64;
        let high = back >> (8 * (16 - len));
        (u64::from_le_bytes(*front), high as u64)
    } else if let (Some(front), Some(back)) = (text.first_chunk(), text.last_chunk()) {
        let back = u64::from(u32::from_le_bytes(*back)) | ends << 32;
        let high = back >> (8 * (8 - len));
        (u64::from(u32::from_le_bytes(*front)) | high << 32, ends)
    } else {
        let put = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
        (text.iter().rev().fold(ends, put), ends)
    };
    u128::from(low) | u128::from(high) << 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_and_every_pair_is_seen() {
        let plain = |text: &[u8]| none(text, b'a', |bytes, _| !between(bytes, b'a', b'w'));
        let apart = |text: &[u8]| none(text, b'a', |b, behind| is(b, b'-') & is(behind, b'-'));
        let letters: Vec<u8> = (0..50).map(|i| b'a' + i % 23).collect();
        for len in 0..letters.len() {
            for at in 0..len {
                let mut text = letters[..len].to_vec();
                for byte in [0, b'-', b'a', b'w', b'x', 0x7f, 0x80, 0xe1, 0xff] {
                    text[at] = byte;
                    assert_eq!(plain(&text), (b'a'..=b'w').contains(&byte), "{text:?}");
                }
                text[at] = b'-';
                assert!(apart(&text), "{text:?}");
                if let Some(next) = text.get_mut(at + 1) {
                    *next = b'-';
                    assert!(!apart(&text), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn the_byte_behind_is_the_next_one() {
        let text: Vec<u8> = (1..=70).collect();
        for len in 0..=text.len() {
            let next = |bytes: Sixteen, behind: Sixteen| {
                !((bytes + u8x16::splat(1)).simd_eq(behind) | is(behind, 0))
            };
            assert!(none(&text[..len], 0, next), "{len}");
        }
    }
}
