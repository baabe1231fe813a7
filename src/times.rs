//! Times and lengths of time as hosts give and show them.

use crate::error::Error;

/// A time as [`Call::time`](crate::Call::time) counts it, from text as the boundary reads it.
///
/// # Errors
/// When the text is no instant between 1970 and 2200.
///
/// ```
/// assert_eq!(tollgate::parse_time("1970-01-01T00:00:01Z").unwrap(), 1_000_000);
/// assert!(tollgate::parse_time("yesterday").is_err());
/// ```
pub fn parse_time(text: &str) -> Result<i64, Error> {
    tollgate_runtime::kinds::time::parse_instant(text)
        .map_err(|reason| Error::other(format!("{text}: {reason}")))
}

/// A time as text that the boundary reads, in UTC: the other way round.
///
/// ```
/// assert_eq!(tollgate::time_text(1_000_000), "1970-01-01T00:00:01Z");
/// ```
pub fn time_text(micros: i64) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = tollgate_runtime::kinds::time::write_instant(&mut out, micros);
    out
}

/// A length of time in microseconds, from text as rules write it.
///
/// # Errors
/// When the text is no duration, or one beyond ±(2^53−1) microseconds.
///
/// ```
/// assert_eq!(tollgate::parse_duration("1m30s").unwrap(), 90_000_000);
/// assert!(tollgate::parse_duration("5min").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<i64, Error> {
    tollgate_runtime::kinds::time::parse_duration(text)
        .map_err(|reason| Error::other(format!("{text}: {reason}")))
}
