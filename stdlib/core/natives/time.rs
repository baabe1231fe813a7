//! Natives of `std.time`: the calendar, always in a zone that the program names.
//!
//! Local times that a change of clocks skips map forward, those that happen twice are their first. Results stay within
//! 1970 ..< 2200.

use tollgate_runtime::kinds::time::{self, Civil, HOUR, MINUTE, SECOND};
use tollgate_runtime::kinds::zone::{self, Local};
use tollgate_runtime::natives;
use tollgate_runtime::schema::DATE_END;

natives! {
    module "std.time";

    /// The local date of an instant.
    #[example(r#"day_of(t"2026-11-01T20:00Z", tz"Asia/Singapore") == day_of(t"2026-11-02T00:00Z", tz"UTC")"# => "true")]
    fn day_of(at: Instant, zone: Zone) -> Date, cost 16, class Opaque {
        zone::local(at, zone).days
    }

    /// The local hour of an instant, 0 .. 23.
    #[example(r#"hour_of(t"2026-11-01T00:30Z", tz"Asia/Singapore")"# => "8")]
    fn hour_of(at: Instant, zone: Zone) -> Int<0, 23>, cost 16, class Opaque {
        zone::local(at, zone).micros / HOUR
    }

    /// The local minute of an instant, 0 .. 59.
    #[example(r#"minute_of(t"2026-11-01T00:30Z", tz"Asia/Kathmandu")"# => "15")]
    fn minute_of(at: Instant, zone: Zone) -> Int<0, 59>, cost 16, class Opaque {
        zone::local(at, zone).micros / MINUTE % 60
    }

    /// The second of an instant, 0 .. 59.
    #[example(r#"second_of(t"2026-11-01T00:30:07Z", tz"UTC")"# => "7")]
    fn second_of(at: Instant, zone: Zone) -> Int<0, 59>, cost 16, class Opaque {
        zone::local(at, zone).micros / SECOND % 60
    }

    /// The local ISO 8601 week of an instant as one number, 202645 for week 45 of 2026: comparable, and a part of a key.
    /// Weeks begin on Monday; the first of a year is the one with its first Thursday.
    #[example(r#"week_of(t"2026-11-06T01:00Z", tz"Asia/Singapore")"# => "202645")]
    fn week_of(at: Instant, zone: Zone) -> Int<197_001, 220_001>, cost 16, class Opaque {
        time::iso_week(zone::local(at, zone).days)
    }

    /// The local month of an instant, 1 .. 12.
    #[example(r#"month_of(t"2026-10-31T20:00Z", tz"Asia/Singapore")"# => "11")]
    fn month_of(at: Instant, zone: Zone) -> Int<1, 12>, cost 16, class Opaque {
        Civil::of(zone::local(at, zone).days).month
    }

    /// The local year of an instant.
    #[example(r#"year_of(t"2026-12-31T20:00Z", tz"Asia/Singapore")"# => "2027")]
    fn year_of(at: Instant, zone: Zone) -> Int<1970, 2199>, cost 16, class Opaque {
        Civil::of(zone::local(at, zone).days).year
    }

    /// The day of the week of a date: 1 is Monday, 7 is Sunday.
    #[example(r#"weekday_number(day_of(t"2026-11-01T12:00Z", tz"UTC"))"# => "7")]
    fn weekday_number(d: Date) -> Int<1, 7>, cost 2, class Opaque {
        time::weekday(d)
    }

    /// The ISO 8601 week of a date, as in `week_of`.
    #[example(r#"week_number(day_of(t"2027-01-01T12:00Z", tz"UTC"))"# => "202653")]
    fn week_number(d: Date) -> Int<197_001, 220_001>, cost 4, class Opaque {
        time::iso_week(d)
    }

    /// The day of the month of a date, 1 .. 31.
    #[example(r#"day_number(day_of(t"2026-11-05T12:00Z", tz"UTC"))"# => "5")]
    fn day_number(d: Date) -> Int<1, 31>, cost 4, class Opaque {
        Civil::of(d).day
    }

    /// The month of a date, 1 .. 12.
    #[example(r#"month_number(day_of(t"2026-11-05T12:00Z", tz"UTC"))"# => "11")]
    fn month_number(d: Date) -> Int<1, 12>, cost 4, class Opaque {
        Civil::of(d).month
    }

    /// The year of a date.
    #[example(r#"year_number(day_of(t"2026-11-05T12:00Z", tz"UTC"))"# => "2026")]
    fn year_number(d: Date) -> Int<1970, 2199>, cost 4, class Opaque {
        Civil::of(d).year
    }

    /// The date `n` days after `d`, or before when `n` is negative.
    #[example(r#"day_number(add_days(day_of(t"2026-10-31T12:00Z", tz"UTC"), 1))"# => "1")]
    fn add_days(d: Date, n: AnyInt) -> Date, cost 2, class Opaque {
        d.saturating_add(n)
    }

    /// How many days it is from `a` to `b`; negative when `b` is earlier.
    #[example(r#"days_between(day_of(t"2026-10-31T12:00Z", tz"UTC"), day_of(t"2026-11-02T00:00Z", tz"UTC"))"# => "2")]
    fn days_between(a: Date, b: Date) -> Int<{ 1 - DATE_END }, { DATE_END - 1 }>, cost 1, class Opaque {
        b.saturating_sub(a)
    }

    /// The instant at which a date begins in a zone.
    #[example(r#"instant_of(day_of(t"2026-11-01T20:00Z", tz"UTC"), tz"Asia/Singapore") == t"2026-11-01T00:00+08:00""# => "true")]
    fn instant_of(d: Date, zone: Zone) -> Instant, cost 24, class Opaque {
        zone::instant(Local { days: d, micros: 0 }, zone)
    }

    /// The instant at which the clocks of a zone show `time` (such as `9h30m`) on a date.
    #[example(r#"instant_at(day_of(t"2026-11-01T20:00Z", tz"UTC"), 9h30m, tz"UTC") == t"2026-11-01T09:30Z""# => "true")]
    fn instant_at(d: Date, time: Duration, zone: Zone) -> Instant, cost 24, class Opaque {
        zone::instant(Local { days: d, micros: time }, zone)
    }

    /// The instant at which the local hour of an instant began.
    #[example(r#"floor_hour(t"2026-11-01T20:30Z", tz"UTC") == t"2026-11-01T20:00Z""# => "true")]
    fn floor_hour(at: Instant, zone: Zone) -> Instant, cost 16, class Opaque {
        // Subtracting, not rebuilding, keeps the second of two repeated hours apart from the first.
        at.saturating_sub(zone::local(at, zone).micros % HOUR)
    }

    /// The instant at which the local day of an instant began.
    #[example(r#"floor_day(t"2026-11-01T20:00Z", tz"Asia/Singapore") == t"2026-11-02T00:00+08:00""# => "true")]
    fn floor_day(at: Instant, zone: Zone) -> Instant, cost 32, class Opaque {
        zone::day_start(at, zone)
    }

    /// The instant at which the local week of an instant began, on Monday.
    #[example(r#"floor_week(t"2026-11-01T20:00Z", tz"UTC") == t"2026-10-26T00:00Z""# => "true")]
    fn floor_week(at: Instant, zone: Zone) -> Instant, cost 32, class Opaque {
        let days = zone::local(at, zone).days;
        zone::instant(Local { days: days - time::weekday(days) + 1, micros: 0 }, zone)
    }

    /// The instant at which the local month of an instant began.
    #[example(r#"floor_month(t"2026-11-15T20:00Z", tz"UTC") == t"2026-11-01T00:00Z""# => "true")]
    fn floor_month(at: Instant, zone: Zone) -> Instant, cost 32, class Opaque {
        let days = zone::local(at, zone).days;
        zone::instant(Local { days: days - Civil::of(days).day + 1, micros: 0 }, zone)
    }

    /// What the clocks of a zone show at an instant, as a duration: `9h30m` at half past nine, whatever changed since midnight.
    #[example(r#"clock_of(t"2026-11-01T09:30Z", tz"UTC")"# => "9h30m")]
    fn clock_of(at: Instant, zone: Zone) -> Duration, cost 16, class Opaque {
        zone::local(at, zone).micros
    }
}
