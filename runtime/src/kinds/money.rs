//! `Money` and `Percent`: fixed-point numbers, read and written exactly.

use std::fmt;

use super::{KindError, decimal, refuse};
use crate::schema::{Currency, INT_MAX, PERCENT_MAX};

/// Reads an amount such as `4.00 SGD`, as minor units of `currency`.
///
/// # Errors
/// When it is no amount, of another currency, has more decimals than the currency, or lies beyond ±(2^53−1) minor units.
///
/// ```
/// use tollgate_runtime::{kinds::money, schema::Currency};
/// let sgd = Currency(*b"SGD");
/// assert_eq!(money::parse_money("4.00 SGD", sgd), Ok(400));
/// assert_eq!(money::parse_money("50_000 SGD", sgd), Ok(5_000_000));
/// assert!(money::parse_money("4.00 USD", sgd).is_err());
/// ```
pub fn parse_money(text: &str, currency: Currency) -> Result<i64, KindError> {
    let Some((amount, code)) = text.split_once(' ') else {
        return refuse(
            text.len(),
            format!("an amount is written `4.00 {currency}`"),
        );
    };
    if code.as_bytes() != currency.0 {
        return refuse(amount.len() + 1, format!("the currency must be {currency}"));
    }
    let units = decimal::parse(amount, currency.decimals())?;
    if units.unsigned_abs() > INT_MAX.unsigned_abs() {
        return refuse(0, "the amount is too large");
    }
    Ok(units)
}

/// Writes an amount with all decimals of its currency: `4.00 SGD`.
///
/// # Errors
/// Only those of the writer.
pub fn write_money(out: &mut impl fmt::Write, units: i64, currency: Currency) -> fmt::Result {
    decimal::write(out, units, currency.decimals(), currency.decimals())?;
    write!(out, " {currency}")
}

/// Reads a percentage such as `0.5%`, as billionths of one.
///
/// # Errors
/// When it is no percentage, has more than seven decimals, or lies beyond ±10^8 %.
///
/// ```
/// use tollgate_runtime::kinds::money;
/// assert_eq!(money::parse_percent("0.5%"), Ok(5_000_000));
/// ```
pub fn parse_percent(text: &str) -> Result<i64, KindError> {
    let Some(number) = text.strip_suffix('%') else {
        return refuse(text.len(), "a percentage ends in `%`");
    };
    let billionths = decimal::parse(number, 7)?;
    if billionths.unsigned_abs() > PERCENT_MAX.unsigned_abs() {
        return refuse(0, "the percentage is too large");
    }
    Ok(billionths)
}

/// Writes a percentage with as many decimals as it needs: `0.5%`.
///
/// # Errors
/// Only those of the writer.
pub fn write_percent(out: &mut impl fmt::Write, billionths: i64) -> fmt::Result {
    decimal::write(out, billionths, 7, 0)?;
    out.write_char('%')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::random::Random;

    #[test]
    fn amounts_and_percentages_read_back() {
        let mut random = Random(2);
        for _ in 0..20_000 {
            let currency = Currency(*[b"SGD", b"JPY", b"KWD", b"CLF"][random.below(4)]);
            let units = random.range(-INT_MAX, INT_MAX) >> random.below(53);
            let mut text = String::new();
            write_money(&mut text, units, currency).unwrap();
            assert_eq!(parse_money(&text, currency), Ok(units), "{text}");

            let billionths = random.range(-PERCENT_MAX, PERCENT_MAX) >> random.below(50);
            let mut text = String::new();
            write_percent(&mut text, billionths).unwrap();
            assert_eq!(parse_percent(&text), Ok(billionths), "{text}");
        }
    }

    #[test]
    fn currencies_have_their_own_decimals() {
        let mut text = String::new();
        write_money(&mut text, -5, Currency(*b"JPY")).unwrap();
        write_money(&mut text, -5, Currency(*b"KWD")).unwrap();
        write_money(&mut text, -5, Currency(*b"USD")).unwrap();
        assert_eq!(text, "-5 JPY-0.005 KWD-0.05 USD");
        assert!(parse_money("1.5 JPY", Currency(*b"JPY")).is_err());
        assert!(parse_money("1.00SGD", Currency(*b"SGD")).is_err());
        assert!(parse_percent("1").is_err() && parse_percent("%").is_err());
        assert!(parse_percent("100000000.1%").is_err());
    }
}
