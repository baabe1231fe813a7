//! `Rate`: a count per duration, `100 per 1s`.

use std::fmt;

use super::{KindError, refuse, time};
use crate::schema::INT_MAX;

/// A count per duration; a word holds it as the sequence of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many, 0 ..= 2^53−1.
    pub count: i64,
    /// In how many microseconds, at least 1.
    pub per: i64,
}

/// Reads a rate such as `100 per 1s`.
///
/// # Errors
/// When it is no rate or the duration is not above zero.
///
/// ```
/// use tollgate_runtime::kinds::rate::{self, Rate};
/// assert_eq!(rate::parse("100 per 1s"), Ok(Rate { count: 100, per: 1_000_000 }));
/// ```
pub fn parse(text: &str) -> Result<Rate, KindError> {
    let Some((count, per)) = text.split_once(" per ") else {
        return refuse(text.len(), "a rate is written `100 per 1s`");
    };
    let at = count.len() + " per ".len();
    let count = super::decimal::parse(count, 0)?;
    if !(0..=INT_MAX).contains(&count) {
        return refuse(0, "the count of a rate is 0 or more, and below 2^53");
    }
    let per = time::parse_duration(per).map_err(|e| KindError::new(at + e.at, e.message))?;
    if per <= 0 {
        return refuse(at, "the duration of a rate is above zero");
    }
    Ok(Rate { count, per })
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per ", self.count)?;
        time::write_duration(f, self.per)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_back() {
        for text in ["100 per 1s", "0 per 1us", "5 per 1h30m"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "100",
            "100 per",
            "1.5 per 1s",
            "1 per 0s",
            "-1 per 1s",
            "1 per -1s",
            "1  per 1s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
