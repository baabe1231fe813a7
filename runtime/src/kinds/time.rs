//! `Duration`, `Instant` and `Date`: counts of microseconds and days, and how they are written.
//!
//! The calendar is the proleptic Gregorian one; what depends on a zone is in [`super::zone`].

use std::fmt;

use super::decimal::write_whole;
use super::{KindError, refuse};
use crate::schema::{DATE_END, INSTANT_END, INT_MAX};

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a day of 24 hours.
pub const DAY: i64 = 24 * HOUR;
/// Microseconds in a week of 7 such days.
pub const WEEK: i64 = 7 * DAY;

/// Units of durations, the longest first. `w` is read but never written: `7d` says the same.
const UNITS: [(&str, i64); 7] = [
    ("w", WEEK),
    ("d", DAY),
    ("h", HOUR),
    ("m", MINUTE),
    ("s", SECOND),
    ("ms", 1_000),
    ("us", 1),
];

/// Reads a duration such as `1h30m`, as microseconds: whole numbers with a unit, the longer unit first.
///
/// # Errors
/// When it is no duration or lies beyond ±(2^53−1) microseconds.
///
/// ```
/// use tollgate_runtime::kinds::time::{self, HOUR, MINUTE};
/// assert_eq!(time::parse_duration("1h30m"), Ok(HOUR + 30 * MINUTE));
/// assert_eq!(time::parse_duration("-5s"), Ok(-5_000_000));
/// ```
pub fn parse_duration(text: &str) -> Result<i64, KindError> {
    let bytes = text.as_bytes();
    let negative = bytes.first() == Some(&b'-');
    let mut at = usize::from(negative);
    let mut total: i64 = 0;
    let mut shortest = UNITS.len() + 1;
    while at < bytes.len() {
        let digits = run(bytes, at, |b| b.is_ascii_digit() || b == b'_');
        if digits == at {
            return refuse(at, "a duration is written like `1h30m`");
        }
        let count = super::decimal::parse(&text[at..digits], 0)
            .map_err(|e| KindError::new(at + e.at, e.message))?;
        let end = run(bytes, digits, |b| b.is_ascii_alphabetic());
        let unit = &text[digits..end];
        let Some(rank) = UNITS.iter().position(|(name, _)| *name == unit) else {
            return refuse(digits, "the units are us, ms, s, m, h, d and w");
        };
        // Ranks count from the longest; each must be shorter than the one before.
        if shortest <= UNITS.len() && rank <= shortest {
            return refuse(digits, "longer units come first, each once");
        }
        shortest = rank;
        let sum = count
            .checked_mul(UNITS[rank].1)
            .and_then(|part| total.checked_add(part));
        match sum {
            Some(sum) if sum <= INT_MAX => total = sum,
            _ => return refuse(at, "the duration is too long"),
        }
        at = end;
    }
    if shortest > UNITS.len() {
        return refuse(at, "a duration is written like `1h30m`");
    }
    Ok(if negative { -total } else { total })
}

/// Writes a duration in its largest units, days at most: `1h30m`; zero is `0s`.
///
/// # Errors
/// Only those of the writer.
pub fn write_duration(out: &mut impl fmt::Write, micros: i64) -> fmt::Result {
    if micros == 0 {
        return out.write_str("0s");
    }
    if micros < 0 {
        out.write_char('-')?;
    }
    let mut rest = micros.unsigned_abs();
    for (name, length) in &UNITS[1..] {
        let length = length.unsigned_abs();
        if rest >= length {
            // Below 2^63: no unit is shorter than a microsecond, and that one is reached with less than 1,000.
            write_whole(out, i64::try_from(rest / length).unwrap_or(i64::MAX))?;
            out.write_str(name)?;
            rest %= length;
        }
    }
    Ok(())
}

/// Reads an instant of RFC 3339, as microseconds since 1970: `2026-11-01T00:00:00Z`; seconds may be left out.
///
/// Digits behind the microseconds are dropped (many writers print nanoseconds). A leap second is refused.
///
/// # Errors
/// When it is no instant, has no offset, or lies outside 1970 ..< 2200.
///
/// ```
/// use tollgate_runtime::kinds::time;
/// let a = time::parse_instant("2026-11-01T08:00+08:00").unwrap();
/// assert_eq!(time::parse_instant("2026-11-01T00:00:00.000Z"), Ok(a));
/// ```
pub fn parse_instant(text: &str) -> Result<i64, KindError> {
    let (days, micros, at) = parse_civil(text)?;
    let bytes = text.as_bytes();
    let (offset, end) = match bytes.get(at) {
        Some(b'Z' | b'z') => (0, at + 1),
        Some(sign @ (b'+' | b'-')) => {
            let hours = number(text, at + 1, 2, 23)?;
            if bytes.get(at + 3) != Some(&b':') {
                return refuse(at + 3, "an offset is written `+08:00`");
            }
            let minutes = number(text, at + 4, 2, 59)?;
            let offset = hours * HOUR + minutes * MINUTE;
            (if *sign == b'-' { -offset } else { offset }, at + 6)
        }
        _ => return refuse(at, "an instant ends in `Z` or an offset such as `+08:00`"),
    };
    if end != text.len() {
        return refuse(end, "something follows the instant");
    }
    let instant = days * DAY + micros - offset;
    if !(0..INSTANT_END).contains(&instant) {
        return refuse(0, "instants lie between 1970 and 2200");
    }
    Ok(instant)
}

/// Reads a date and time without an offset, `2026-11-01T00:00`, as a date and microseconds into the day; [`super::zone`] places it.
///
/// # Errors
/// When it is no such text.
pub fn parse_local(text: &str) -> Result<(i64, i64), KindError> {
    let (days, micros, at) = parse_civil(text)?;
    if at != text.len() {
        return refuse(at, "a local time is written `2026-11-01T00:00`");
    }
    Ok((days, micros))
}

/// Writes an instant as RFC 3339 in UTC, with as many decimals of the second as it needs.
///
/// # Errors
/// Only those of the writer.
pub fn write_instant(out: &mut impl fmt::Write, micros: i64) -> fmt::Result {
    let time = micros.rem_euclid(DAY);
    write_date(out, micros.div_euclid(DAY))?;
    write!(
        out,
        "T{:02}:{:02}:{:02}",
        time / HOUR,
        time / MINUTE % 60,
        time / SECOND % 60
    )?;
    match time % SECOND {
        0 => {}
        fraction if fraction % 1_000 == 0 => write!(out, ".{:03}", fraction / 1_000)?,
        fraction => write!(out, ".{fraction:06}")?,
    }
    out.write_char('Z')
}

/// Reads a date such as `2026-11-01`, as days since 1970-01-01.
///
/// # Errors
/// When it is no date or lies outside 1970 ..< 2200.
pub fn parse_date(text: &str) -> Result<i64, KindError> {
    let (days, at) = parse_day(text)?;
    if at != text.len() {
        return refuse(at, "a date is written `2026-11-01`");
    }
    if !(0..DATE_END).contains(&days) {
        return refuse(0, "dates lie between 1970 and 2200");
    }
    Ok(days)
}

/// Writes a date: `2026-11-01`.
///
/// # Errors
/// Only those of the writer.
pub fn write_date(out: &mut impl fmt::Write, days: i64) -> fmt::Result {
    let date = Civil::of(days);
    write!(out, "{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

/// A date of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year.
    pub year: i64,
    /// The month, 1 ..= 12.
    pub month: i64,
    /// The day of the month, 1 ..= 31.
    pub day: i64,
}

impl Civil {
    /// The date of a day counted from 1970-01-01, after Hinnant, "chrono-compatible low-level date algorithms".
    ///
    /// ```
    /// use tollgate_runtime::kinds::time::Civil;
    /// assert_eq!(Civil::of(-1), Civil { year: 1969, month: 12, day: 31 });
    /// ```
    pub fn of(days: i64) -> Civil {
        // Far beyond every date of the language, and far from overflow.
        let z = days.clamp(-(1 << 40), 1 << 40) + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // Months are counted from March, so that the leap day is the last of its year.
        let month_index = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_index + 2) / 5 + 1;
        let month = if month_index < 10 {
            month_index + 3
        } else {
            month_index - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Civil { year, month, day }
    }

    /// The day, counted from 1970-01-01. The month must be 1 ..= 12.
    pub fn days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((self.month + 9) % 12) + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }
}

/// The day of the week of a date: 1 is Monday, 7 is Sunday (ISO 8601).
pub fn weekday(days: i64) -> i64 {
    (days.clamp(-(1 << 40), 1 << 40) + 3).rem_euclid(7) + 1
}

/// The ISO 8601 week of a date as one number: 202645 is week 45 of 2026. The first week is the one with the year's first Thursday.
///
/// ```
/// use tollgate_runtime::kinds::time;
/// assert_eq!(time::iso_week(time::parse_date("2027-01-01").unwrap()), 202653);
/// ```
pub fn iso_week(days: i64) -> i64 {
    let days = days.clamp(-(1 << 40), 1 << 40);
    let thursday = days - weekday(days) + 4;
    let year = Civil::of(thursday).year;
    let first = Civil {
        year,
        month: 1,
        day: 1,
    };
    year * 100 + (thursday - first.days()) / 7 + 1
}

/// Reads `2026-11-01T00:00[:00[.000]]`: days, microseconds into the day, and where it ended.
fn parse_civil(text: &str) -> Result<(i64, i64, usize), KindError> {
    let bytes = text.as_bytes();
    let (days, at) = parse_day(text)?;
    if !matches!(bytes.get(at), Some(b'T' | b't')) {
        return refuse(at, "between date and time stands a `T`");
    }
    let hour = number(text, at + 1, 2, 23)?;
    if bytes.get(at + 3) != Some(&b':') {
        return refuse(at + 3, "a time is written `00:00` or `00:00:00`");
    }
    let minute = number(text, at + 4, 2, 59)?;
    let mut micros = hour * HOUR + minute * MINUTE;
    let mut at = at + 6;
    if bytes.get(at) == Some(&b':') {
        micros += number(text, at + 1, 2, 59)? * SECOND;
        at += 3;
        if bytes.get(at) == Some(&b'.') {
            let end = run(bytes, at + 1, |b| b.is_ascii_digit());
            if end == at + 1 {
                return refuse(end, "a digit is missing");
            }
            let mut place = SECOND / 10;
            for digit in &bytes[at + 1..end] {
                micros += i64::from(digit - b'0') * place;
                place /= 10;
            }
            at = end;
        }
    }
    Ok((days, micros, at))
}

/// Reads `2026-11-01`: days since 1970-01-01, and where it ended.
fn parse_day(text: &str) -> Result<(i64, usize), KindError> {
    let bytes = text.as_bytes();
    let year = number(text, 0, 4, 9999)?;
    let month = number(text, 5, 2, 12)?;
    let day = number(text, 8, 2, 31)?;
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return refuse(4, "a date is written `2026-11-01`");
    }
    let civil = Civil { year, month, day };
    if month == 0 || Civil::of(civil.days()) != civil {
        return refuse(5, "there is no such day");
    }
    Ok((civil.days(), 10))
}

/// Exactly `width` digits at `at`, at most `max`.
fn number(text: &str, at: usize, width: usize, max: i64) -> Result<i64, KindError> {
    let mut value = 0;
    for i in at..at + width {
        match text.as_bytes().get(i) {
            Some(digit @ b'0'..=b'9') => value = value * 10 + i64::from(digit - b'0'),
            _ => return refuse(i, format!("{width} digits stand here")),
        }
    }
    if value > max {
        return refuse(at, format!("this is at most {max}"));
    }
    Ok(value)
}

/// Where the run of bytes that satisfy `test`, beginning at `at`, ends.
fn run(bytes: &[u8], at: usize, test: impl Fn(u8) -> bool) -> usize {
    bytes[at..]
        .iter()
        .position(|b| !test(*b))
        .map_or(bytes.len(), |n| at + n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::random::Random;

    fn text(write: impl Fn(&mut String) -> fmt::Result) -> String {
        let mut out = String::new();
        write(&mut out).unwrap();
        out
    }

    #[test]
    fn every_day_has_one_date() {
        let mut last = Civil {
            year: 1969,
            month: 12,
            day: 31,
        };
        for days in 0..=DATE_END {
            let civil = Civil::of(days);
            assert_eq!(civil.days(), days);
            let next_day =
                (civil.year, civil.month, civil.day) == (last.year, last.month, last.day + 1);
            let next_month = civil.day == 1
                && last.day >= 28
                && (civil.month == last.month + 1
                    || (civil.month == 1 && last.month == 12 && civil.year == last.year + 1));
            assert!(next_day || next_month, "{last:?} then {civil:?}");
            last = civil;
        }
        assert_eq!(
            last,
            Civil {
                year: 2200,
                month: 1,
                day: 1
            }
        );
    }

    #[test]
    fn weeks_are_those_of_the_zone_library() {
        for days in (0..DATE_END).step_by(3) {
            let civil = Civil::of(days);
            let date = jiff::civil::date(civil.year as i16, civil.month as i8, civil.day as i8);
            let iso = date.iso_week_date();
            assert_eq!(
                iso_week(days),
                i64::from(iso.year()) * 100 + i64::from(iso.week())
            );
            assert_eq!(
                weekday(days),
                i64::from(iso.weekday().to_monday_one_offset())
            );
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut random = Random(3);
        for _ in 0..20_000 {
            let duration = random.range(-INT_MAX, INT_MAX) >> random.below(53);
            let written = text(|out| write_duration(out, duration));
            assert_eq!(parse_duration(&written), Ok(duration), "{written}");

            let unit = [1, 1_000, SECOND, MINUTE, DAY][random.below(5)];
            let instant = random.range(0, INSTANT_END) / unit * unit;
            let written = text(|out| write_instant(out, instant));
            assert_eq!(parse_instant(&written), Ok(instant), "{written}");
            let date = random.range(0, DATE_END);
            let written = text(|out| write_date(out, date));
            assert_eq!(parse_date(&written), Ok(date), "{written}");
        }
    }

    #[test]
    fn durations_as_written_in_source() {
        assert_eq!(parse_duration("1w"), Ok(WEEK));
        assert_eq!(parse_duration("90d"), Ok(90 * DAY));
        assert_eq!(parse_duration("1s500ms"), Ok(1_500_000));
        assert_eq!(text(|out| write_duration(out, WEEK)), "7d");
        assert_eq!(text(|out| write_duration(out, -90 * SECOND)), "-1m30s");
        for bad in [
            "",
            "-",
            "5",
            "5min",
            "1s1h",
            "1h1h",
            "1.5s",
            " 1s",
            "1 s",
            "9999999999w",
            "s",
        ] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn instants_need_an_offset_and_a_real_day() {
        assert_eq!(parse_instant("1970-01-01T00:00Z"), Ok(0));
        assert_eq!(
            parse_instant("2026-11-01T00:00:00.1234567Z").unwrap() % SECOND,
            123_456
        );
        assert_eq!(
            parse_instant("2199-12-31T23:59:59.999999Z"),
            Ok(INSTANT_END - 1)
        );
        for bad in [
            "",
            "2026-11-01",
            "2026-11-01T00:00",
            "2026-02-29T00:00Z",
            "2026-13-01T00:00Z",
            "2026-00-01T00:00Z",
            "2026-11-01T24:00Z",
            "2026-11-01T23:59:60Z",
            "2026-11-01T00:00+8:00",
            "2026-11-01T00:00:00.Z",
            "1969-12-31T23:59Z",
            "2200-01-01T00:00Z",
            "1970-01-01T00:00+00:01",
            "2026-11-01T00:00Z ",
        ] {
            assert!(parse_instant(bad).is_err(), "{bad}");
        }
        assert_eq!(
            parse_local("2026-11-01T09:30"),
            Ok((20_758, 9 * HOUR + 30 * MINUTE))
        );
    }

    #[test]
    fn no_text_makes_a_parser_panic() {
        let mut random = Random(4);
        let pieces = [
            "1", "9", "0", "-", ":", "T", "Z", "+", ".", "2026", "-11", "-01", "h", "ms", "w", "_",
            "\u{e9}", " per ", "%", " SGD",
        ];
        for _ in 0..100_000 {
            let t = random.text(&pieces, 12);
            let _ = (
                parse_duration(&t),
                parse_date(&t),
                parse_local(&t),
                super::super::rate::parse(&t),
            );
            let _ = (
                super::super::money::parse_percent(&t),
                super::super::money::parse_money(&t, crate::schema::Currency(*b"SGD")),
            );
            if let Ok(instant) = parse_instant(&t) {
                assert!((0..INSTANT_END).contains(&instant));
            }
        }
    }
}
