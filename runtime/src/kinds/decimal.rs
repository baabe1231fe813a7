//! Decimal numbers with a fixed count of decimals, read and written exactly; no float is involved.

use std::fmt;

use super::{KindError, refuse};

/// Reads a decimal as a whole number of its last place: `12.5` with two decimals is 1250.
///
/// Digits may be grouped by single underscores, as in the source; a sign is `-`. More decimals than `decimals` are refused,
/// since dropping them would change the amount.
///
/// # Errors
/// When the text is not a decimal, has too many decimals or does not fit 64 bits.
///
/// ```
/// use tollgate_runtime::kinds::decimal;
/// assert_eq!(decimal::parse("-1_000.5", 2), Ok(-100_050));
/// assert!(decimal::parse("0.001", 2).is_err());
/// ```
pub fn parse(text: &str, decimals: u32) -> Result<i64, KindError> {
    let bytes = text.as_bytes();
    let negative = bytes.first() == Some(&b'-');
    let mut at = usize::from(negative);
    let mut value: i128 = 0;
    let mut whole_digits = 0;
    // `Some` behind the point: how many decimals have been read.
    let mut fraction: Option<u32> = None;
    let mut after_digit = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'0'..=b'9' => {
                match &mut fraction {
                    Some(count) if *count == decimals => {
                        return refuse(at, format!("at most {decimals} decimals are kept"));
                    }
                    Some(count) => *count += 1,
                    None => whole_digits += 1,
                }
                value = value.saturating_mul(10) + i128::from(byte - b'0');
                if value > 1 << 64 {
                    return refuse(at, "the number is too large");
                }
                after_digit = true;
            }
            b'_' if after_digit && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => {
                after_digit = false;
            }
            b'.' if after_digit && fraction.is_none() && decimals > 0 => {
                fraction = Some(0);
                after_digit = false;
            }
            _ => return refuse(at, "not a decimal number"),
        }
        at += 1;
    }
    if whole_digits == 0 || !after_digit {
        return refuse(at, "a digit is missing");
    }
    for _ in fraction.unwrap_or(0)..decimals {
        value = value.saturating_mul(10);
    }
    let value = if negative { -value } else { value };
    i64::try_from(value).or_else(|_| refuse(0, "the number is too large"))
}

/// Writes a whole number: as `write!(out, "{value}")`, in a third of the time.
///
/// # Errors
/// Only those of the writer.
pub fn write_whole(out: &mut impl fmt::Write, value: i64) -> fmt::Result {
    if value < 0 {
        out.write_char('-')?;
    }
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    // Digits are text.
    out.write_str(std::str::from_utf8(&digits[at..]).unwrap_or_default())
}

/// Writes `value` units of the last place with at least `least` and at most `decimals` decimals; zeros at
/// the end are dropped down to `least`.
///
/// # Errors
/// Only those of the writer.
pub fn write(out: &mut impl fmt::Write, value: i64, decimals: u32, least: u32) -> fmt::Result {
    let scale = 10_u64.saturating_pow(decimals);
    let magnitude = value.unsigned_abs();
    if value < 0 {
        out.write_char('-')?;
    }
    // Less than 2^63, but for the least number with no decimals.
    match i64::try_from(magnitude / scale) {
        Ok(whole) => write_whole(out, whole)?,
        Err(_) => write!(out, "{}", magnitude / scale)?,
    }
    let mut rest = magnitude % scale;
    let mut width = decimals;
    while width > least && rest.is_multiple_of(10) {
        rest /= 10;
        width -= 1;
    }
    if width > 0 {
        write!(out, ".{rest:0width$}", width = width as usize)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::random::Random;

    #[test]
    fn what_is_written_reads_back() {
        let mut random = Random(1);
        for _ in 0..20_000 {
            let value = random.next() as i64 >> random.below(64);
            let mut whole = String::new();
            write_whole(&mut whole, value).unwrap();
            assert_eq!(whole, value.to_string());
            let decimals = random.below(10) as u32;
            let mut text = String::new();
            write(&mut text, value, decimals, 0).unwrap();
            assert_eq!(parse(&text, decimals), Ok(value), "{text}");
        }
        for value in [i64::MIN, i64::MAX, 0] {
            let mut text = String::new();
            write_whole(&mut text, value).unwrap();
            assert_eq!(text, value.to_string());
            text.clear();
            write(&mut text, value, 2, 2).unwrap();
            assert_eq!(parse(&text, 2), Ok(value), "{text}");
        }
    }

    #[test]
    fn odd_texts_are_refused() {
        for text in [
            "",
            "-",
            ".5",
            "5.",
            "1__0",
            "_1",
            "1_",
            "1_.0",
            "+1",
            "1e3",
            "1.2.3",
            " 1",
            "0x1",
            "99999999999999999999",
        ] {
            assert!(parse(text, 2).is_err(), "{text}");
        }
        assert!(parse("5.0", 0).is_err());
    }
}
