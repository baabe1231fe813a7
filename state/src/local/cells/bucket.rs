//! `TokenBucket`: how much is missing, and since when. Everything is counted in parts of a token, of which the reduced
//! rate brings a whole number each microsecond, so that nothing is rounded.

use serde::{Deserialize, Serialize};

use super::{granted, refused};
use crate::Answer;
use crate::kind::{Rate, reduced};
use crate::local::table::Cell;

pub(crate) struct Rule {
    /// Parts that come in a microsecond.
    count: i64,
    /// Parts of a token.
    per: i64,
    burst: i64,
    /// Parts of a full bucket, at most 2^53.
    full: i64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Bucket {
    /// Parts that were missing at that time.
    missing: i64,
    at_us: i64,
}

impl Rule {
    pub(crate) fn new(rate: Rate, burst: i64) -> Rule {
        let (count, per) = reduced(rate.count, rate.per_us);
        Rule {
            count,
            per,
            burst,
            full: burst.saturating_mul(per),
        }
    }
}

impl Bucket {
    #[inline]
    pub(crate) fn take(&mut self, rule: &Rule, at_us: i64, floor: i64, n: u32) -> Answer {
        let now = self.now(at_us, floor);
        let missing = self.missing_at(rule, now);
        let left = |missing: i64| (rule.full - missing) / rule.per;
        let wanted = missing.saturating_add(i64::from(n).saturating_mul(rule.per));
        if wanted <= rule.full {
            if n > 0 {
                *self = Bucket {
                    missing: wanted,
                    at_us: now,
                };
            }
            return granted(left(wanted));
        }
        let until = match i64::from(n) <= rule.burst {
            true => now.saturating_add(div_up(wanted - rule.full, rule.count)),
            false => i64::MAX,
        };
        refused(at_us, until, left(missing))
    }

    pub(crate) fn left(&self, rule: &Rule, at_us: i64) -> i64 {
        (rule.full - self.missing_at(rule, self.now(at_us, i64::MIN))) / rule.per
    }

    pub(crate) fn set(&mut self, rule: &Rule, at_us: i64, left: i64) {
        let left = left.clamp(0, rule.burst);
        *self = Bucket {
            missing: (rule.burst - left).saturating_mul(rule.per),
            at_us,
        };
    }

    /// A full bucket remembers no time.
    fn now(&self, at_us: i64, floor: i64) -> i64 {
        match self.missing {
            0 => at_us.max(floor),
            _ => at_us.max(self.at_us),
        }
    }

    fn missing_at(&self, rule: &Rule, now: i64) -> i64 {
        if self.missing == 0 {
            return 0;
        }
        let brought = now.saturating_sub(self.at_us).saturating_mul(rule.count);
        self.missing.saturating_sub(brought).max(0)
    }
}

impl Cell for Bucket {
    type Rule = Rule;

    fn until(&self, rule: &Rule) -> i64 {
        match self.missing {
            0 => i64::MIN,
            missing => self.at_us.saturating_add(div_up(missing, rule.count)),
        }
    }
}

/// Of positive numbers.
fn div_up(a: i64, b: i64) -> i64 {
    a / b + i64::from(a % b != 0)
}
