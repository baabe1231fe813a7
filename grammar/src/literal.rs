//! Literals: from spelling to value, exactly, or to the reason why not.
//!
//! Nothing here knows a type: `5s` is so many microseconds, whatever is done with it.

use crate::ast::{Currency, Decimal, Literal, Money, Rate};

/// Why a numeral has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumeralError {
    /// More than 64 bits hold, or more than 18 places behind the point.
    TooLarge,
    /// Not a numeral; with the spelling that was probably meant.
    Malformed {
        /// What is wrong with it.
        why: &'static str,
        /// What to write instead, if that is clear.
        instead: Option<String>,
    },
}

/// Units of durations, in microseconds, the largest first.
pub const DURATION_UNITS: [(&str, i64); 7] = [
    ("w", 7 * 24 * 3_600_000_000),
    ("d", 24 * 3_600_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// Units of sizes, in bytes.
pub const SIZE_UNITS: [(&str, i64); 5] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Spellings of units from elsewhere, and ours.
const FOREIGN_UNITS: [(&str, &str); 27] = [
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("hr", "h"),
    ("hrs", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
    ("week", "w"),
    ("weeks", "w"),
    ("msec", "ms"),
    ("millis", "ms"),
    ("micros", "us"),
    ("usec", "us"),
    ("kB", "KiB"),
    ("KB", "KiB"),
    ("kb", "KiB"),
    ("MB", "MiB"),
    ("mb", "MiB"),
    ("GB", "GiB"),
    ("TB", "TiB"),
];

/// The value of a numeral as the lexer delimits it: `42`, `0x1f`, `2.5`, `0.5%`, `1h30m`, `8KiB`, `4.00 SGD`.
///
/// # Errors
/// When it is too large, or no numeral.
///
/// ```
/// use tollgate_grammar::{ast::Literal, literal::numeral};
/// assert_eq!(numeral("1h30m"), Ok(Literal::Duration(5_400_000_000)));
/// assert_eq!(numeral("8KiB"), Ok(Literal::Size(8192)));
/// assert!(numeral("5min").is_err());
/// ```
pub fn numeral(text: &str) -> Result<Literal, NumeralError> {
    if let Some(number) = text.strip_suffix('%') {
        return decimal(number).map(Literal::Percent);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return hexadecimal(digits);
    }
    if let Some((number, code)) = text.rsplit_once([' ', '\t'])
        && let Some(currency) = Currency::new(code)
    {
        let amount = decimal(number.trim_end())?;
        return Ok(Literal::Money(Box::new(Money { amount, currency })));
    }
    if text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return quantity(text);
    }
    let number = decimal(text)?;
    if text.contains('.') {
        Ok(Literal::Float(number))
    } else {
        Ok(Literal::Int(number.mantissa))
    }
}

/// `amount per interval`; the amount is a number or a percentage, the interval a duration.
///
/// # Errors
/// When either is something else, or the interval is zero.
pub fn rate(amount: Literal, interval: Literal) -> Result<Literal, NumeralError> {
    let malformed = |why| NumeralError::Malformed { why, instead: None };
    let (amount, percent) = match amount {
        Literal::Int(mantissa) => (Decimal { mantissa, scale: 0 }, false),
        Literal::Float(amount) => (amount, false),
        Literal::Percent(amount) => (amount, true),
        _ => {
            return Err(malformed(
                "a rate is a number or a percentage `per` a duration",
            ));
        }
    };
    match interval {
        Literal::Duration(per) if per > 0 => Ok(Literal::Rate(Box::new(Rate {
            amount,
            percent,
            per,
        }))),
        Literal::Duration(_) => Err(malformed("a rate needs a duration above zero")),
        _ => Err(malformed("behind `per` stands a duration such as `1s`")),
    }
}

/// The negative of a number; `None` when the literal is not a number.
#[must_use]
pub fn negated(literal: &Literal) -> Option<Literal> {
    let minus = |number: Decimal| Decimal {
        mantissa: -number.mantissa,
        scale: number.scale,
    };
    // No mantissa is `i64::MIN`: the sign is never part of what is decoded.
    Some(match literal {
        Literal::Int(value) => Literal::Int(-value),
        Literal::Float(value) => Literal::Float(minus(*value)),
        Literal::Duration(value) => Literal::Duration(-value),
        Literal::Percent(value) => Literal::Percent(minus(*value)),
        Literal::Money(money) => Literal::Money(Box::new(Money {
            amount: minus(money.amount),
            currency: money.currency,
        })),
        Literal::Bool(_)
        | Literal::Text(_)
        | Literal::Size(_)
        | Literal::Rate(_)
        | Literal::Tagged(_) => return None,
    })
}

/// The text between the quotes with its escapes decoded, and the byte ranges of escapes that do not exist.
///
/// Escapes are `\"` `\\` `\n` `\r` `\t` and `\u{…}` with one to six hexadecimal digits.
#[must_use]
pub fn unescape(inner: &str) -> (String, Vec<std::ops::Range<usize>>) {
    let mut value = String::with_capacity(inner.len());
    let mut wrong = Vec::new();
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        let start = inner.len() - rest.len() + at;
        let behind = &rest[at + 1..];
        let (decoded, length) = escape(behind);
        match decoded {
            Some(character) => value.push(character),
            None => wrong.push(start..start + 1 + length),
        }
        rest = &behind[length..];
    }
    value.push_str(rest);
    (value, wrong)
}

/// One escape without its backslash: the character, and how many bytes it takes.
fn escape(text: &str) -> (Option<char>, usize) {
    let Some(first) = text.chars().next() else {
        return (None, 0);
    };
    let simple = match first {
        '"' | '\\' => Some(first),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        _ => None,
    };
    if simple.is_some() || first != 'u' {
        return (simple, first.len_utf8());
    }
    let Some(digits) = text.strip_prefix("u{") else {
        return (None, 1);
    };
    let length = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
    if length == 0 || length > 6 || !digits[length..].starts_with('}') {
        return (None, 2);
    }
    let character = u32::from_str_radix(&digits[..length], 16)
        .ok()
        .and_then(char::from_u32);
    (character, length + 3)
}

/// Digits, `_` between them, perhaps a point.
fn decimal(text: &str) -> Result<Decimal, NumeralError> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let mut mantissa: i64 = 0;
    let mut scale: u8 = 0;
    for byte in whole.bytes().filter(u8::is_ascii_digit) {
        mantissa = push_digit(mantissa, byte - b'0', 10)?;
    }
    for byte in part.bytes().filter(u8::is_ascii_digit) {
        mantissa = push_digit(mantissa, byte - b'0', 10)?;
        scale += 1;
        if scale > 18 {
            return Err(NumeralError::TooLarge);
        }
    }
    Ok(Decimal { mantissa, scale })
}

fn hexadecimal(digits: &str) -> Result<Literal, NumeralError> {
    let mut value: i64 = 0;
    for character in digits.chars().filter(|&character| character != '_') {
        let digit = character.to_digit(16).ok_or(NumeralError::Malformed {
            why: "behind `0x` stand hexadecimal digits",
            instead: None,
        })?;
        value = push_digit(value, digit as u8, 16)?;
    }
    Ok(Literal::Int(value))
}

fn push_digit(value: i64, digit: u8, base: i64) -> Result<i64, NumeralError> {
    value
        .checked_mul(base)
        .and_then(|value| value.checked_add(i64::from(digit)))
        .ok_or(NumeralError::TooLarge)
}

/// `1h30m` or `8KiB`.
fn quantity(text: &str) -> Result<Literal, NumeralError> {
    let malformed = |why, instead| Err(NumeralError::Malformed { why, instead });
    let mut total: i64 = 0;
    let mut smallest = usize::MAX;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'.'))
            .count();
        let (number, behind) = rest.split_at(digits);
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, next) = behind.split_at(letters);
        if number.is_empty() || unit.is_empty() {
            return malformed("a number is followed by letters that are no unit", None);
        }
        if let Some(&(_, ours)) = FOREIGN_UNITS.iter().find(|(theirs, _)| *theirs == unit) {
            let why = "durations end in `us`, `ms`, `s`, `m`, `h`, `d` or `w`, sizes in `B`, `KiB`, `MiB`, `GiB` or `TiB`";
            let instead =
                (rest.len() == text.len() && next.is_empty()).then(|| format!("{number}{ours}"));
            return malformed(why, instead);
        }
        let size = SIZE_UNITS.iter().find(|(name, _)| *name == unit);
        let duration = DURATION_UNITS.iter().position(|(name, _)| *name == unit);
        if number.contains('.') && (size.is_some() || duration.is_some()) {
            return malformed(
                "a number with a unit has no point: write `1h30m`, not `1.5h`",
                None,
            );
        }
        let count = decimal(number)?.mantissa;
        if let Some(&(_, bytes)) = size {
            if rest.len() != text.len() || !next.is_empty() {
                return malformed("a size has one unit", None);
            }
            return count
                .checked_mul(bytes)
                .map(Literal::Size)
                .ok_or(NumeralError::TooLarge);
        }
        let Some(index) = duration else {
            return malformed(
                "durations end in `us`, `ms`, `s`, `m`, `h`, `d` or `w`, sizes in `B`, `KiB`, `MiB`, `GiB` or `TiB`",
                None,
            );
        };
        if smallest != usize::MAX && index <= smallest {
            return malformed(
                "the units of a duration go from large to small, each once: `1h30m`",
                None,
            );
        }
        smallest = index;
        total = count
            .checked_mul(DURATION_UNITS[index].1)
            .and_then(|part| total.checked_add(part))
            .ok_or(NumeralError::TooLarge)?;
        rest = next;
    }
    Ok(Literal::Duration(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let shown = match numeral(text) {
            Ok(literal) => format!("{literal:?}"),
            Err(NumeralError::TooLarge) => "too large".to_owned(),
            Err(NumeralError::Malformed { instead, .. }) => {
                format!("malformed {}", instead.unwrap_or_default())
            }
        };
        assert_eq!(shown.trim_end(), expect, "{text}");
    }

    #[test]
    fn numerals_are_exact() {
        check("1_000", "Int(1000)");
        check("0x1f", "Int(31)");
        check("9223372036854775807", "Int(9223372036854775807)");
        check("9223372036854775808", "too large");
        check("0xffff_ffff_ffff_ffff", "too large");
        check("2.50", "Float(Decimal { mantissa: 250, scale: 2 })");
        check("0.0000000000000000001", "too large");
        check("0.5%", "Percent(Decimal { mantissa: 5, scale: 1 })");
        check(
            "4.00 SGD",
            "Money(Money { amount: Decimal { mantissa: 400, scale: 2 }, currency: SGD })",
        );
        check(
            "4\t EUR",
            "Money(Money { amount: Decimal { mantissa: 4, scale: 0 }, currency: EUR })",
        );
    }

    #[test]
    fn quantities_have_known_units_in_order() {
        check("1h30m", "Duration(5400000000)");
        check("2d", "Duration(172800000000)");
        check("1w2d3h4m5s6ms7us", "Duration(788645006007)");
        check("8KiB", "Size(8192)");
        check("5min", "malformed 5m");
        check("64KB", "malformed 64KiB");
        check("1h5min", "malformed");
        check("30m1h", "malformed");
        check("1m1m", "malformed");
        check("1KiB2", "malformed");
        check("1.5h", "malformed");
        check("5x", "malformed");
        check("1_", "Int(1)");
        check("9999999999999w", "too large");
        check("99999999999TiB", "too large");
        check("0xfg", "malformed");
    }

    #[test]
    fn escapes() {
        let check = |inner: &str, value: &str, wrong: &[std::ops::Range<usize>]| {
            assert_eq!(
                unescape(inner),
                (value.to_owned(), wrong.to_vec()),
                "{inner}"
            );
        };
        check(r#"a\n\"\\\u{17c}b"#, "a\n\"\\żb", &[]);
        check(
            r"a\qb\u{}c\u{110000}\",
            "ab}c",
            &[1..3, 4..7, 9..19, 19..20],
        );
    }
}
