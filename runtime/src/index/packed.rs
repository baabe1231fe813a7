//! Texts packed into 64-bit words, so that one is compared in a few loads without a call.
//!
//! A text of up to eight bytes is one word. A longer one is its words from the front, and its *last eight bytes* as the last word, which
//! overlap the one before: no length needs a loop over bytes. The last word comes first in a comparison, because texts that
//! rules ask for (`/users/v1`, `tenant7.example.com`) differ near their ends more often than at their beginnings.

/// How many words a text of so many bytes takes; the empty text takes one.
#[inline(always)]
pub(super) const fn words_of(len: usize) -> usize {
    match len {
        0 => 1,
        _ => len.div_ceil(8),
    }
}

/// Appends a text.
pub(super) fn pack(text: &[u8], out: &mut Vec<u64>) {
    let Some(last) = text.last_chunk() else {
        return out.push(short(text));
    };
    let front = text.chunks_exact(8).take(words_of(text.len()) - 1);
    out.extend(front.map(|chunk| chunk.try_into().map_or(0, u64::from_le_bytes)));
    out.push(u64::from_le_bytes(*last));
}

/// The bytes of a packed text of a length.
pub(super) fn unpack(words: &[u64], len: usize) -> Vec<u8> {
    let Some((last, front)) = words.split_last() else {
        return Vec::new();
    };
    let mut text: Vec<u8> = front.iter().flat_map(|word| word.to_le_bytes()).collect();
    match len.checked_sub(8) {
        Some(from) => {
            text.truncate(from);
            text.extend(last.to_le_bytes());
        }
        None => text.extend(long(*last, len)),
    }
    text
}

/// Whether a packed text is this one, which is known to be as long.
#[inline(always)]
pub(super) fn same(words: &[u64], text: &[u8]) -> bool {
    let Some((last, front)) = words.split_last() else {
        return false;
    };
    let Some(end) = text.last_chunk() else {
        return *last == short(text);
    };
    if *last != u64::from_le_bytes(*end) {
        return false;
    }
    let mut left = text;
    for word in front {
        let Some((chunk, behind)) = left.split_first_chunk() else {
            return false;
        };
        if *word != u64::from_le_bytes(*chunk) {
            return false;
        }
        left = behind;
    }
    true
}

/// A text of fewer than eight bytes as one word: different for different texts of one length.
#[inline(always)]
fn short(text: &[u8]) -> u64 {
    if let (Some(front), Some(back)) = (text.first_chunk(), text.last_chunk()) {
        return u64::from(u32::from_le_bytes(*front)) | u64::from(u32::from_le_bytes(*back)) << 32;
    }
    match *text {
        [a] => a.into(),
        [a, b] => u64::from(a) | u64::from(b) << 8,
        [a, b, c, ..] => u64::from(a) | u64::from(b) << 8 | u64::from(c) << 16,
        [] => 0,
    }
}

/// The text that `short` made a word of.
fn long(word: u64, len: usize) -> Vec<u8> {
    let bytes = word.to_le_bytes();
    match len {
        0..4 => bytes[..len].to_vec(),
        // The two halves overlap.
        _ => [&bytes[..4], &bytes[12 - len.min(8)..]].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_are_told_apart_and_read_back() {
        let alphabet: Vec<u8> = (b'a'..=b'z').chain(b'0'..=b'9').collect();
        for len in 0..=alphabet.len() {
            let text = &alphabet[..len];
            let mut words = Vec::new();
            pack(text, &mut words);
            assert_eq!(words.len(), words_of(len));
            assert!(same(&words, text), "{len}");
            assert_eq!(unpack(&words, len), text);
            for at in 0..len {
                let mut other = text.to_vec();
                other[at] = b'_';
                assert!(!same(&words, &other), "{len} {at}");
            }
        }
    }
}
