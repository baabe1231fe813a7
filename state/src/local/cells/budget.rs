//! `Budget`: what a key spent, and the purse that all keys share.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::kind::{Period, Weekday};
use crate::local::places::Anywhere;
use crate::local::table::Cell;
use crate::operation::Failure;

/// How many days are kept.
pub(crate) const DAYS: usize = 32;

pub(crate) struct Ceilings {
    pub(crate) total: Option<i64>,
    pub(crate) per_key: Option<i64>,
    pub(crate) per_day: Option<i64>,
    days: Calendar,
}

/// What a key spent.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Spent(i64);

/// What all keys spent.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Purse {
    pub(crate) total: i64,
    /// By the time a day begins. Only kept when there is a ceiling for it.
    days: BTreeMap<i64, Day>,
    /// Whether it was charged since changes were taken the last time.
    #[serde(skip)]
    pub(crate) changed: bool,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Day {
    end: i64,
    spent: i64,
}

impl Ceilings {
    pub(crate) fn new(
        total: Option<i64>,
        per_key: Option<i64>,
        per_day: Option<i64>,
        zone: &str,
    ) -> Ceilings {
        let days = Calendar::new(zone, Period::Day, Weekday::Monday);
        Ceilings {
            total,
            per_key,
            per_day,
            days,
        }
    }
}

impl Spent {
    pub(crate) fn so_far(&self) -> i64 {
        self.0
    }

    pub(crate) fn set(&mut self, spent: i64) {
        self.0 = spent.max(0);
    }
}

impl Purse {
    /// Charges the purse, and the key if it has a ceiling, if everything allows it.
    pub(crate) fn charge(
        &mut self,
        ceilings: &Ceilings,
        key: Option<&mut Spent>,
        at_us: i64,
        amount: i64,
    ) -> Result<bool, Failure> {
        let fits = |spent: i64, ceiling: Option<i64>| {
            ceiling
                .is_none_or(|ceiling| spent.checked_add(amount).is_some_and(|sum| sum <= ceiling))
        };
        let day = match ceilings.per_day {
            Some(_) => Some(self.day(ceilings, at_us)?),
            None => None,
        };
        let spent_today = day
            .and_then(|(start, _)| self.days.get(&start))
            .map_or(0, |day| day.spent);
        let spent_by_key = key.as_ref().map_or(0, |spent| spent.0);
        let allowed = amount >= 0
            && fits(self.total, ceilings.total)
            && fits(spent_today, ceilings.per_day)
            && fits(spent_by_key, ceilings.per_key);
        if !allowed || amount == 0 {
            return Ok(allowed);
        }
        self.changed = true;
        self.total = self.total.saturating_add(amount);
        if let Some((start, end)) = day {
            let today = self.days.entry(start).or_insert(Day { end, spent: 0 });
            today.spent = today.spent.saturating_add(amount);
            if self.days.len() > DAYS {
                self.days.pop_first();
            }
        }
        if let Some(spent) = key {
            spent.0 = spent.0.saturating_add(amount);
        }
        Ok(true)
    }

    /// The day of a time, which must not lie before those that are kept.
    fn day(&self, ceilings: &Ceilings, at_us: i64) -> Result<(i64, i64), Failure> {
        // The last day is mostly the one, and asking the calendar takes longer.
        let known = self.days.range(..=at_us).next_back();
        if let Some((start, day)) = known
            && at_us < day.end
        {
            return Ok((*start, day.end));
        }
        let (start, end) = ceilings.days.span(at_us);
        let first = self.days.keys().next();
        match self.days.len() >= DAYS && first.is_some_and(|first| start < *first) {
            true => Err(Failure::Late),
            false => Ok((start, end)),
        }
    }
}

impl Cell for Spent {
    type Rule = ();
    type Align = Anywhere;

    /// Money that was spent stays spent.
    fn until(&self, (): &()) -> i64 {
        match self.0 {
            0 => i64::MIN,
            _ => i64::MAX,
        }
    }
}
