//! Days, weeks, months and years of a time zone, as spans of time.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

use crate::kind::{Period, Weekday};

/// A period of a time zone.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    zone: TimeZone,
    period: Period,
    starts: Weekday,
}

impl Calendar {
    /// An unknown zone, which no checked declaration has, is UTC.
    pub(crate) fn new(zone: &str, period: Period, starts: Weekday) -> Calendar {
        Calendar {
            zone: TimeZone::get(zone).unwrap_or(TimeZone::UTC),
            period,
            starts,
        }
    }

    /// The span that an instant lies in: from its first microsecond to the first one behind it. Where clocks skip
    /// midnight, a day begins when they go on. Instants beyond the years −9999 to 9999 lie in the first and last span.
    pub(crate) fn span(&self, at_us: i64) -> (i64, i64) {
        let (least, greatest) = (
            Timestamp::MIN.as_microsecond(),
            Timestamp::MAX.as_microsecond(),
        );
        let at = Timestamp::from_microsecond(at_us.clamp(least + 1, greatest - 1))
            .unwrap_or(Timestamp::UNIX_EPOCH);
        let first = self.first_day(self.zone.to_datetime(at).date());
        let behind = first.checked_add(self.length()).ok();
        (
            self.begin(first).unwrap_or(i64::MIN),
            behind.and_then(|day| self.begin(day)).unwrap_or(i64::MAX),
        )
    }

    fn first_day(&self, date: Date) -> Date {
        match self.period {
            Period::Day => date,
            Period::Week => {
                let days = i64::from(date.weekday().to_monday_zero_offset()) - self.starts as i64;
                date.checked_sub(days.rem_euclid(7).days())
                    .unwrap_or(Date::MIN)
            }
            Period::Month => date.first_of_month(),
            Period::Year => date.first_of_year(),
        }
    }

    fn length(&self) -> Span {
        match self.period {
            Period::Day => 1.day(),
            Period::Week => 1.week(),
            Period::Month => 1.month(),
            Period::Year => 1.year(),
        }
    }

    fn begin(&self, day: Date) -> Option<i64> {
        let begin = day.to_zoned(self.zone.clone()).ok()?;
        Some(begin.timestamp().as_microsecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> i64 {
        text.parse::<Timestamp>()
            .expect("an instant")
            .as_microsecond()
    }

    fn span(zone: &str, period: Period, at: &str) -> (String, i64) {
        let calendar = Calendar::new(zone, period, Weekday::Monday);
        let (start, end) = calendar.span(instant(at));
        let start = Timestamp::from_microsecond(start).expect("in range");
        (
            start.to_string(),
            (end - start.as_microsecond()) / 3_600_000_000,
        )
    }

    #[test]
    fn clocks_change() {
        let day = |zone, at| span(zone, Period::Day, at);
        let said = |start: &str, hours| (start.to_owned(), hours);
        assert_eq!(
            day("Asia/Singapore", "2026-11-06T01:00:00Z"),
            said("2026-11-05T16:00:00Z", 24)
        );
        // Days of 23 and of 25 hours.
        assert_eq!(
            day("Europe/Berlin", "2026-03-29T10:00:00Z"),
            said("2026-03-28T23:00:00Z", 23)
        );
        assert_eq!(
            day("Europe/Berlin", "2026-10-25T10:00:00Z"),
            said("2026-10-24T22:00:00Z", 25)
        );
        // Midnight is skipped, and a whole day.
        assert_eq!(
            day("America/Santiago", "2026-09-06T12:00:00Z"),
            said("2026-09-06T04:00:00Z", 23)
        );
        assert_eq!(
            day("Pacific/Apia", "2011-12-30T09:00:00Z"),
            said("2011-12-29T10:00:00Z", 24)
        );
        let week = |at| span("Europe/Berlin", Period::Week, at);
        assert_eq!(
            week("2026-03-29T10:00:00Z"),
            said("2026-03-22T23:00:00Z", 167)
        );
        assert_eq!(
            span("UTC", Period::Month, "2028-02-29T23:59:59Z"),
            said("2028-02-01T00:00:00Z", 29 * 24)
        );
        assert_eq!(
            span("UTC", Period::Year, "2028-02-29T23:59:59Z"),
            said("2028-01-01T00:00:00Z", 366 * 24)
        );
    }

    #[test]
    fn spans_follow_each_other() {
        for zone in [
            "America/Sao_Paulo",
            "America/Havana",
            "Asia/Beirut",
            "Pacific/Apia",
            "Africa/Cairo",
        ] {
            for period in [Period::Day, Period::Week, Period::Month, Period::Year] {
                let calendar = Calendar::new(zone, period, Weekday::Sunday);
                let mut at = instant("2005-01-01T00:00:00Z");
                while at < instant("2030-01-01T00:00:00Z") {
                    let (start, end) = calendar.span(at);
                    assert!(start <= at && at < end, "{zone} {period:?} {at}");
                    assert_eq!(
                        calendar.span(end - 1),
                        (start, end),
                        "{zone} {period:?} {at}"
                    );
                    assert_eq!(calendar.span(end).0, end, "{zone} {period:?} {at}");
                    at = end;
                }
            }
        }
    }

    #[test]
    fn any_number_is_a_time() {
        let calendar = Calendar::new("Asia/Tokyo", Period::Week, Weekday::Sunday);
        for at in [i64::MIN, i64::MAX, -1, 0] {
            let (start, end) = calendar.span(at);
            assert!(start < end);
        }
    }
}
