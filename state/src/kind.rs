//! What can be declared, and what each kind promises.
//!
//! Durations and times are microseconds, amounts of money are minor units, and a share is a fixed-point number with
//! nine decimals ([`ONE`] is 100%).

use std::fmt;

use serde::{Deserialize, Serialize};

/// 100% of something.
pub const ONE: i64 = 1_000_000_000;

/// The greatest number of the language, 2^53 − 1. No answer lies beyond it; as a wait it means "never".
pub const GREATEST: i64 = (1 << 53) - 1;

/// The most that a sliding log may allow in a window, because it keeps each.
pub const MOST_LOGGED: i64 = 65_536;

/// The most slots that one key may have.
pub const MOST_SLOTS: i64 = 1_000_000;

/// Everything a store must know of one `state` of a program.
///
/// ```
/// use tollgate_state::{Declaration, Kind, Rate};
/// let kind = Kind::TokenBucket { rate: Rate { count: 100, per_us: 1_000_000 }, burst: 200 };
/// let per_key = Declaration::new("per_key", kind).max_keys(1_000_000);
/// assert_eq!(per_key.check(), Ok(()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Declaration {
    /// The name, for messages.
    pub name: String,
    /// What it is, with its settings.
    pub kind: Kind,
    /// How many keys may matter at a time, at least one; one where there is no key. An operation with a key beyond it
    /// has [`Failure::Full`](crate::Failure::Full).
    pub max_keys: u64,
    /// Where it is: `local`, or a host's name for a store, as `redis.growth`.
    pub store: String,
    /// Names the declaration across programs: what has the same identity is the same state, and a program that is
    /// loaded anew finds what was there. In Redis it is part of every key.
    pub identity: u64,
    /// Whether the answers of operations are remembered for retries, where the kind does not do that by itself.
    pub remember: Option<Remember>,
}

/// For how long, and for how many operations, first answers are remembered: an operation of the same decision and place
/// then gets the first answer, and changes nothing.
///
/// It costs an entry of some 50 bytes an operation, and looking it up. Without it, a retry of [`Ask::Take`],
/// [`Ask::Sheds`], [`Ask::Add`] and of `within` without `once` is another operation. [`Ask::Enter`] and `once` (with or
/// without `within`) need none: a slot and a key that was seen know whose they are, for as long as they are held.
///
/// [`Ask::Take`]: crate::Ask::Take
/// [`Ask::Sheds`]: crate::Ask::Sheds
/// [`Ask::Add`]: crate::Ask::Add
/// [`Ask::Enter`]: crate::Ask::Enter
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Remember {
    /// From the operation's time on, by the times of later operations. For what a stream feeds it is the stream's
    /// `dedupe`.
    pub for_us: i64,
    /// How many at a time; an operation beyond has [`Failure::Full`](crate::Failure::Full) and is not done.
    pub most: u64,
}

/// A kind of state with its settings.
///
/// | kind | operation | what holds |
/// |---|---|---|
/// | `TokenBucket` | `Take` | exact: in any span of time, at most `burst` and what `rate` brings |
/// | `FixedWindow` | `Take` | exact: at most `limit` in each window; windows begin at multiples of `window_us` since 1970 |
/// | `SlidingLog` | `Take` | exact: at most `limit` in any span of `window_us` |
/// | `Concurrency` | `Enter` | exact: at most `max` slots are held |
/// | `Reserve` | `Enter` | exact: as above, and the last `critical` share of them only by critical work |
/// | `Ladder` | `Sheds` | exact, the fading rounded down to the ninth decimal; a negative load is none |
/// | `Count`, `Sum` | `Add`, `Value` | exact over a calendar; over a sliding window see [`Window::Sliding`] |
/// | `Distinct` | `Add`, `Value` | exact up to 1,024 members of a key in a window; beyond that an estimate whose standard error is 3.75% |
/// | `Seen` | `Reserve` | exact |
/// | `Budget` | `Reserve` | exact to the minor unit: no ceiling is exceeded, by any interleaving |
///
/// An entry that answers as an absent one would (a full bucket, an empty window, no slots) may go at any time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Tokens come at `rate`, at most `burst` lie there; it begins full.
    TokenBucket {
        /// How fast tokens come.
        rate: Rate,
        /// How many lie there at most.
        burst: i64,
    },
    /// `limit` in each window.
    FixedWindow {
        /// How many.
        limit: i64,
        /// The length of a window.
        window_us: i64,
    },
    /// `limit` in any span of `window_us`. Eight bytes for each that was taken.
    SlidingLog {
        /// How many, at most [`MOST_LOGGED`].
        limit: i64,
        /// The length of the span.
        window_us: i64,
    },
    /// Slots, held until [`Store::finish`](crate::Store::finish) or for `lease_us`.
    Concurrency {
        /// How many slots, at most [`MOST_SLOTS`].
        max: i64,
        /// After how long a slot that nobody gave back is free.
        lease_us: i64,
    },
    /// Slots of which a share is kept for critical work.
    Reserve {
        /// How many slots, at most [`MOST_SLOTS`].
        max: i64,
        /// The share kept for critical work, 0 to [`ONE`]; a part of a slot is a whole one.
        critical: i64,
        /// As for `Concurrency`.
        lease_us: i64,
    },
    /// The highest load seen, fading; class `i` is shed while that is at least `enter + i × step`.
    Ladder {
        /// How many classes, class 0 being shed first.
        classes: u32,
        /// At which load class 0 is shed, not negative.
        enter: i64,
        /// How much more each further class takes, not negative.
        step: i64,
        /// How fast the highest load fades.
        recover: Recover,
    },
    /// How many events in the window.
    Count {
        /// The window.
        window: Window,
    },
    /// The sum of amounts in the window.
    Sum {
        /// The window.
        window: Window,
    },
    /// How many different members in the window.
    Distinct {
        /// The window.
        window: Window,
    },
    /// Whether a key was there within the last `keep_us` since its first time.
    Seen {
        /// For how long a key is remembered.
        keep_us: i64,
    },
    /// Money that may be spent, under each ceiling that is given. Without `per_key` there is nothing for each key.
    Budget {
        /// In all.
        total: Option<i64>,
        /// For each key, in all.
        per_key: Option<i64>,
        /// On each day, by all keys together. The last 32 days on which something was spent are kept; a charge to an
        /// earlier one has [`Failure::Late`](crate::Failure::Late).
        per_day: Option<i64>,
        /// Where the days are days, a name of the IANA database.
        zone: String,
    },
}

/// So many in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rate {
    /// How many.
    pub count: i64,
    /// In how long.
    pub per_us: i64,
}

/// How fast a ladder's load fades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Recover {
    /// By how much.
    pub share: i64,
    /// In how long.
    pub per_us: i64,
}

/// The span of time that a counter looks back on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Window {
    /// The last `us`: at time `t` the events after `t − us`, up to and with those at `t`.
    ///
    /// Exact while at most 128 different times of a key are kept. When there are more, times are rounded down to a
    /// 64th of what is kept, so that an event stops counting early, by at most that much, and is never counted
    /// longer, except by an event that comes late. That is at most 2 KiB a key. `Distinct` keeps its members
    /// instead, each with the last time it came: what a late event sees includes members that came after it.
    Sliding {
        /// The length.
        us: i64,
        /// How late an event may come after a later one of its key and still count where it belongs; it is kept for that long
        /// beyond the window. A later one has [`Failure::Late`](crate::Failure::Late).
        late_us: i64,
    },
    /// The day, week, month or year of the operation's time.
    Calendar {
        /// Which.
        period: Period,
        /// Where, a name of the IANA database.
        zone: String,
        /// The day a week begins with.
        starts: Weekday,
        /// As for `Sliding`, beyond the end of the period.
        late_us: i64,
    },
}

/// A stretch of the calendar, from a local midnight to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Period {
    /// A day, which may have 23 or 25 hours.
    Day,
    /// Seven days, from the one that weeks start with.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// What is wrong with a declaration: what, in which declaration, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The declaration's name.
    pub name: String,
    /// The setting and what it must be, as `` `limit` must be from 1 to 65536 ``.
    pub what: String,
}

impl Declaration {
    /// A declaration without a key, in the store `local`, whose identity is made of name and kind and whose answers are
    /// not remembered.
    pub fn new(name: &str, kind: Kind) -> Declaration {
        let said = format!("{name}\n{kind:?}");
        Declaration {
            name: name.to_owned(),
            kind,
            max_keys: 1,
            store: "local".to_owned(),
            identity: xxhash_rust::xxh3::xxh3_64(said.as_bytes()),
            remember: None,
        }
    }

    /// The same with so many keys.
    pub fn max_keys(mut self, max_keys: u64) -> Declaration {
        self.max_keys = max_keys;
        self
    }

    /// The same, remembering answers.
    pub fn remember(mut self, remember: Remember) -> Declaration {
        self.remember = Some(remember);
        self
    }

    /// Whether a store can hold this.
    ///
    /// # Errors
    /// The first setting that is out of range. A store made from a declaration that is not checked refuses it in the
    /// same way.
    pub fn check(&self) -> Result<(), Limit> {
        let limit = |what| Limit {
            name: self.name.clone(),
            what,
        };
        between("max_keys", clip(self.max_keys), 1, GREATEST).map_err(limit)?;
        if let Some(remember) = self.remember {
            between("remember.for_us", remember.for_us, 1, GREATEST).map_err(limit)?;
            between("remember.most", clip(remember.most), 1, GREATEST).map_err(limit)?;
        }
        self.kind.check().map_err(limit)
    }
}

impl Kind {
    fn check(&self) -> Result<(), String> {
        match *self {
            Kind::TokenBucket { rate, burst } => {
                between("rate", rate.count, 1, GREATEST)?;
                between("rate", rate.per_us, 1, GREATEST)?;
                between("burst", burst, 1, GREATEST)?;
                let (_, per) = reduced(rate.count, rate.per_us);
                product("burst", burst, "the time of `rate` in microseconds", per)
            }
            Kind::FixedWindow { limit, window_us } => {
                between("limit", limit, 1, GREATEST)?;
                between("window", window_us, 1, GREATEST)
            }
            Kind::SlidingLog { limit, window_us } => {
                between("limit", limit, 1, MOST_LOGGED)?;
                between("window", window_us, 1, GREATEST)
            }
            Kind::Concurrency { max, lease_us } => {
                between("max", max, 1, MOST_SLOTS)?;
                between("lease", lease_us, 1, GREATEST)
            }
            Kind::Reserve {
                max,
                critical,
                lease_us,
            } => {
                between("max", max, 1, MOST_SLOTS)?;
                between("critical", critical, 0, ONE)?;
                between("lease", lease_us, 1, GREATEST)
            }
            Kind::Ladder {
                classes,
                enter,
                step,
                recover,
            } => {
                between("order", i64::from(classes), 1, 256)?;
                between("enter", enter, 0, GREATEST)?;
                between("step", step, 0, GREATEST)?;
                between("recover", recover.share, 1, GREATEST)?;
                between("recover", recover.per_us, 1, GREATEST)?;
                let (share, per) = reduced(recover.share, recover.per_us);
                product(
                    "recover",
                    share,
                    "its time in microseconds, both without common factors,",
                    per,
                )
            }
            Kind::Count { ref window }
            | Kind::Sum { ref window }
            | Kind::Distinct { ref window } => window.check(),
            Kind::Seen { keep_us } => between("keep", keep_us, 1, GREATEST),
            Kind::Budget {
                total,
                per_key,
                per_day,
                ref zone,
            } => {
                for (setting, ceiling) in
                    [("total", total), ("per_key", per_key), ("per_day", per_day)]
                {
                    between(setting, ceiling.unwrap_or(0), 0, GREATEST)?;
                }
                known_zone(zone)
            }
        }
    }
}

impl Window {
    fn check(&self) -> Result<(), String> {
        match self {
            Window::Sliding { us, late_us } => {
                between("window", *us, 1, GREATEST)?;
                between("late_after", *late_us, 0, GREATEST)
            }
            Window::Calendar { zone, late_us, .. } => {
                known_zone(zone)?;
                between("late_after", *late_us, 0, GREATEST)
            }
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "state `{}`: {}", self.name, self.what)
    }
}

impl std::error::Error for Limit {}

/// Two positive numbers without their common factors, so that what is computed with them stays small.
pub(crate) fn reduced(a: i64, b: i64) -> (i64, i64) {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x.max(1), b / x.max(1))
}

fn clip(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn between(setting: &str, value: i64, least: i64, greatest: i64) -> Result<(), String> {
    match (least..=greatest).contains(&value) {
        true => Ok(()),
        false => Err(format!(
            "`{setting}` must be from {least} to {greatest}, and is {value}"
        )),
    }
}

/// Redis computes in floating point, which is exact up to 2^53.
fn product(setting: &str, a: i64, times: &str, b: i64) -> Result<(), String> {
    match a.checked_mul(b).is_some_and(|product| product <= GREATEST) {
        true => Ok(()),
        false => Err(format!(
            "`{setting}` times {times} must be at most {GREATEST}, and is {a} times {b}"
        )),
    }
}

fn known_zone(zone: &str) -> Result<(), String> {
    match jiff::tz::TimeZone::get(zone) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "`{zone}` is not a time zone of the IANA database, such as Asia/Singapore"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_names_what_where_and_how_much() {
        let log = Declaration::new(
            "log",
            Kind::SlidingLog {
                limit: MOST_LOGGED + 1,
                window_us: 1,
            },
        );
        assert_eq!(
            log.check().unwrap_err().to_string(),
            "state `log`: `limit` must be from 1 to 65536, and is 65537"
        );
        let bucket = |count, per_us, burst| {
            let rate = Rate { count, per_us };
            Declaration::new("b", Kind::TokenBucket { rate, burst }).check()
        };
        assert_eq!(bucket(100, 1_000_000, 200), Ok(()));
        // A million a day is one in 86,400 microseconds.
        assert_eq!(bucket(1_000_000, 86_400_000_000, 1_000_000), Ok(()));
        assert_eq!(
            bucket(1_000_003, 86_400_000_000, 1_000_003)
                .unwrap_err()
                .to_string(),
            "state `b`: `burst` times the time of `rate` in microseconds must be at most 9007199254740991, \
             and is 1000003 times 86400000000"
        );
        let nowhere = Declaration::new(
            "money",
            Kind::Budget {
                total: Some(1),
                per_key: None,
                per_day: None,
                zone: "Asia/Atlantis".into(),
            },
        );
        assert_eq!(
            nowhere.check().unwrap_err().to_string(),
            "state `money`: `Asia/Atlantis` is not a time zone of the IANA database, such as Asia/Singapore"
        );
    }

    #[test]
    fn identity_is_name_and_kind() {
        let seen = |name, keep_us| Declaration::new(name, Kind::Seen { keep_us });
        assert_eq!(seen("a", 1).identity, seen("a", 1).max_keys(7).identity);
        assert_ne!(seen("a", 1).identity, seen("a", 2).identity);
        assert_ne!(seen("a", 1).identity, seen("b", 1).identity);
    }
}
